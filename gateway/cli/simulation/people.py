"""Invented people and what they are like; the same seed gives the same people. No I/O."""

import unicodedata
import uuid
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Final

GIVEN: Final = (
    "Ada", "Amélie", "Björn", "Chidi", "Dagny", "Emre", "Fatima", "Gráinne", "Hiroshi", "Inés",
    "Jürgen", "Kofi", "Łucja", "Mei", "Nadia", "O'Shea", "Priya", "Quentin", "Rosa", "Søren",
)  # fmt: skip
FAMILY: Final = (
    "Abara", "Björk", "Costa", "D'Angelo", "Estévez", "Fischer", "García Lorca", "Hansen", "Ito",
    "Jansen", "Kowalski", "Lefèvre", "Müller", "Nakamura", "Okafor", "Petrov", "Quist", "Rossi",
    "Şahin", "Tanaka",
)  # fmt: skip
TITLES: Final = ("Technician", "Planner", "Site Manager", "Receptionist", "Analyst", "Engineer")
DEPARTMENTS: Final = ("Facilities", "Finance", "Housing & Energy", "IT", "People", "Sécurité")
CITIES: Final = ("Oslo", "Göteborg", "Århus", "Lyon", "Köln", "Porto")
LANGUAGES: Final = ("en-US", "nb-NO", "de-DE", "fr-FR")


class Standing(StrEnum):
    """Where a person is in the life of a directory account."""

    ACTIVE = "active"
    DISABLED = "disabled"
    SOFT_DELETED = "soft_deleted"
    """In the recycle bin: the login name carries the object id in front."""
    HARD_DELETED = "hard_deleted"


@dataclass(frozen=True, slots=True)
class Person:
    """A directory account. `manager` is another person's object id, or empty."""

    object_id: str
    number: int
    given: str
    family: str
    upn: str
    title: str
    department: str
    employee_number: str
    phone: str
    mobile: str
    street: str
    city: str
    language: str
    manager: str = ""
    standing: Standing = Standing.ACTIVE


def person(number: int, *, domain: str, dice: Random) -> Person:
    """A new account; `number` keeps the login name unique within `domain`."""
    given, family = dice.choice(GIVEN), dice.choice(FAMILY)
    return Person(
        object_id=object_id(dice),
        number=number,
        given=given,
        family=family,
        upn=upn(given, family, number, domain=domain),
        title=dice.choice(TITLES),
        department=dice.choice(DEPARTMENTS),
        employee_number=f"{700000 + number}",
        phone=phone(dice),
        mobile=phone(dice) if dice.random() < 0.8 else "",
        street=f"{dice.randint(1, 99)} Storgata\nEntrance {dice.choice('ABC')}",
        city=dice.choice(CITIES),
        language=dice.choice(LANGUAGES),
    )


def object_id(dice: Random) -> str:
    """A directory object id."""
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def upn(given: str, family: str, number: int, *, domain: str) -> str:
    """The sign-in name: plain letters and apostrophes of the name, then the number."""
    name = unicodedata.normalize("NFKD", f"{given}.{family}{number}".replace(" ", ""))
    return f"{name.encode('ascii', 'ignore').decode()}@{domain}"


def phone(dice: Random) -> str:
    """A telephone number in the loose form that directories hold."""
    return f"+47 {dice.randint(20, 99)} {dice.randint(10, 99)} {dice.randint(10, 99)} 00"
