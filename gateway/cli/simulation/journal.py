"""What happened during a simulation, kept as plain values for the report. No I/O."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.cli.simulation.transport import Answer


class Action(StrEnum):
    """The calls of Entra, in the words of its provisioning log."""

    TEST = "test_connection"
    MATCH = "match"
    READ = "read"
    CREATE = "create"
    UPDATE = "update"
    REFERENCE = "reference"
    DELETE = "delete"
    GROUP_MATCH = "group_match"
    GROUP_READ = "group_read"
    GROUP_CREATE = "group_create"
    GROUP_UPDATE = "group_update"
    GROUP_DELETE = "group_delete"
    MEMBERS = "members"
    VERIFY = "verify"


@dataclass(frozen=True, slots=True)
class Entry:
    """One call and the verdict on it: empty `problem` is success (a 404 may be the wanted answer).

    `subject` is the directory's object id, or empty for the connection test.
    """

    cycle: int
    action: Action
    subject: str
    answer: Answer
    problem: str = ""


@dataclass(slots=True)
class Journal:
    """Entries in the order in which the calls ended."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, entry: Entry) -> None:
        """Keep one call."""
        self.entries.append(entry)

    def failed(self, actions: Iterable[Action] = tuple(Action)) -> list[Entry]:
        """The calls of those kinds that did not do what they were for."""
        wanted = frozenset(actions)
        return [entry for entry in self.entries if entry.problem and entry.action in wanted]
