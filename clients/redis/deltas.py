"""A group's pending memberships as the scripts spell them. No I/O here.

A stamp is the version of an entry; of one that leaves it is lower by a constant, so that in Redis
those who leave come first.
"""

from collections.abc import Iterator, Sequence

from clients.redis import replies, types

LEAVES = 1_000_000_000_000
"""The same number as in `scripts/group.lua`; a test holds the two together."""


def delta(row: Sequence[object]) -> types.MembersDelta:
    """`{fields changed, record lost, more, {member, backend id, stamp...}}` of a claim."""
    flat = replies.rows(row[3])
    triples = zip(flat[::3], flat[1::3], flat[2::3], strict=True)
    entries = [_entry(*triple) for triple in triples]
    return types.MembersDelta(
        add=tuple(entry for entry in entries if entry.sign > 0),
        remove=tuple(entry for entry in entries if entry.sign < 0),
        more=bool(row[2]),
    )


def settled(settlement: types.Settlement) -> Iterator[str | int]:
    """The last arguments of a settle: how many are done, each with its stamp, then the unknown."""
    yield len(settlement.members_done)
    for entry in settlement.members_done:
        yield entry.scim_id
        yield entry.version if entry.sign > 0 else entry.version - LEAVES
    yield from settlement.members_unknown


def _entry(member: object, backend_id: object, stamp: object) -> types.MemberEntry:
    number = replies.number(stamp)
    return types.MemberEntry(
        scim_id=replies.text(member),
        backend_id=replies.text(backend_id),
        sign=1 if number > 0 else -1,
        version=number if number > 0 else number + LEAVES,
    )
