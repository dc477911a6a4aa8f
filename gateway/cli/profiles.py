"""The mapping profiles in a folder, one `<tenant>.toml` each, read once at the start."""

from collections.abc import Mapping
from pathlib import Path

from gateway.cli.output import ExitCode, Failure
from mappers import profile
from mappers.profile import Profile, ProfileError


def load(folder: Path | None) -> Mapping[str, Profile]:
    """Tenant name -> profile; empty without a folder.

    Raises:
        Failure: USAGE, with a line for each file that cannot be read and each row that is wrong.
    """
    if folder is None:
        return {}
    if not folder.is_dir():
        raise Failure(ExitCode.USAGE, f"BLDNG_SCIM_PROFILE_DIR: {folder} is not a folder")
    found: dict[str, Profile] = {}
    faults: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            found[path.stem] = profile.parse(path.read_text(encoding="utf-8"))
        except (ProfileError, OSError, UnicodeDecodeError) as error:
            faults.extend(f"{path.name}: {line}" for line in str(error).splitlines())
    if faults:
        raise Failure(ExitCode.USAGE, "\n".join(faults))
    return found
