"""A certificate authority of a test's own, by the openssl program; P-256 keys, valid for a day."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Pair:
    """PEM files of a certificate and its key."""

    certificate: Path
    key: Path


class Authority:
    """Signs certificates; `ca` is its own, which a client is told to trust.

    Without the program the test is skipped.
    """

    def __init__(self, directory: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("no openssl program on PATH")
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self.ca, self._key = directory / "ca.pem", directory / "ca.key"
        usage = "keyUsage=critical,keyCertSign,cRLSign"
        _openssl(
            *("req", "-x509", *_NEW_KEY, "-keyout", self._key, "-out", self.ca),
            *("-subj", "/CN=test authority", "-days", "1", "-addext", usage),
        )

    def issue(self, name: str, *, alternative: str = "") -> Pair:
        """A certificate for `name`; `alternative` is `IP:127.0.0.1` or `DNS:host`."""
        pair = Pair(self._directory / f"{name}.pem", self._directory / f"{name}.key")
        request, extensions = self._directory / f"{name}.csr", self._directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternative or f'DNS:{name}'}\n")
        _openssl(
            *("req", *_NEW_KEY, "-keyout", pair.key, "-out", request),
            *("-subj", f"/CN={name}"),
        )
        _openssl(
            *("x509", "-req", "-in", request, "-out", pair.certificate, "-days", "1"),
            *("-CA", self.ca, "-CAkey", self._key, "-CAcreateserial", "-extfile", extensions),
        )
        return pair


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)
