"""The named transforms of a mapping profile. No I/O here, no code of the tenant's, linear time.

A transform takes a text or None (no value) and gives one. Only `default` gives None a value.
"""

import functools
from collections.abc import Callable, Mapping

Transform = Callable[[str | None], str | None]
Tables = Mapping[str, Mapping[str, str]]

NAMES = "trim, lower, upper, digits, default:<text>, replace:<old>:<new>, map:<table>"
"""What may stand in a profile."""


class UnknownTransform(ValueError):
    """The text names no transform, or its arguments are wrong; the message says the cure."""


def parse(text: str, tables: Tables) -> Transform:
    """Make the transform that `text` names. Raises UnknownTransform."""
    name, _, argument = text.partition(":")
    if name in _PLAIN and not argument:
        return _on_text(_PLAIN[name])
    match name:
        case "default" if argument:
            return functools.partial(_default, argument)
        case "replace":
            return _on_text(_replace(argument))
        case "map":
            return _on_text(_look_up(argument, tables))
        case _:
            raise UnknownTransform(f"{text!r} is no transform: use {NAMES}")


def _digits(text: str) -> str:
    return "".join(char for char in text if char in "0123456789")


_PLAIN: Mapping[str, Callable[[str], str]] = {
    "trim": str.strip,
    "lower": str.lower,
    "upper": str.upper,
    "digits": _digits,
}


def _on_text(change: Callable[[str], str]) -> Transform:
    def transform(value: str | None) -> str | None:
        return None if value is None else change(value)

    return transform


def _default(text: str, value: str | None) -> str | None:
    return value or text


def _replace(argument: str) -> Callable[[str], str]:
    old, colon, new = argument.partition(":")
    if not old or not colon or ":" in new:
        raise UnknownTransform(
            f"'replace:{argument}' needs two texts without a colon in them: replace:<old>:<new>"
        )
    return lambda text: text.replace(old, new)


def _look_up(argument: str, tables: Tables) -> Callable[[str], str]:
    if argument not in tables:
        raise UnknownTransform(f"'map:{argument}' needs a table: write [tables.{argument}]")
    table = tables[argument]
    return lambda text: table.get(text, text)
