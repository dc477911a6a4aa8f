"""The records of one kind in one organisation, with their unique values. No I/O here."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from clients.bldng.sandbox import problems

Record = dict[str, Any]


def exact(value: str) -> str:
    """Compare a value as it is."""
    return value


class Collection:
    """Records by id, in order of creation. `unique` maps a field to how its values compare."""

    def __init__(self, kind: str, prefix: str, unique: Mapping[str, Callable[[str], str]]) -> None:
        self.kind = kind
        self.prefix = prefix
        self.records: dict[str, Record] = {}
        self._unique = unique
        self._holders: dict[str, dict[str, list[str]]] = {field: {} for field in unique}

    @property
    def fields(self) -> frozenset[str]:
        """The fields a look-up may name."""
        return frozenset(self._unique)

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Record]:
        return iter(self.records.values())

    def get(self, record_id: str) -> Record:
        """The record. Raises Refusal 404."""
        try:
            return self.records[record_id]
        except KeyError:
            raise problems.not_found(self.kind) from None

    def check(self, fields: Record, *, but: str = "") -> None:
        """Raise Refusal 409 when another record than `but` holds one of the unique values."""
        for field in self._unique:
            holder = next(
                (held for held in self.find(field, fields.get(field)) if held != but), ""
            )
            if holder:
                raise problems.exists(self.kind, field=field, holder=holder)

    def find(self, field: str, value: str | None) -> list[str]:
        """Ids of the records that hold a value of a unique field; empty values are nobody's."""
        return list(self._holders[field].get(self._unique[field](value), ())) if value else []

    def put(self, record: Record) -> None:
        """Store a record, new or changed, without any check."""
        self._unindex(record["id"])
        self.records[record["id"]] = record
        for field, fold in self._unique.items():
            if record.get(field):
                self._holders[field].setdefault(fold(record[field]), []).append(record["id"])

    def drop(self, record_id: str) -> None:
        """Forget a record, if it is there."""
        self._unindex(record_id)
        self.records.pop(record_id, None)

    def page(self, *, after: str, limit: int) -> tuple[list[str], str | None]:
        """Up to `limit` ids created after the id `after` ("": from the start), and the next."""
        ids = [record_id for record_id in self.records if record_id > after][: limit + 1]
        return ids[:limit], ids[limit - 1] if len(ids) > limit else None

    def _unindex(self, record_id: str) -> None:
        record = self.records.get(record_id, {})
        for field, fold in self._unique.items():
            if record.get(field):
                self._holders[field][fold(record[field])].remove(record_id)
