"""What must hold of memberships after every step, told from a dump alone. No I/O here."""

from collections.abc import Callable, Iterator

from tests.engine.view import ROOT, View


def delta(view: View, now_ms: int) -> Iterator[str]:
    """I21: who joins is a member, who leaves is none, who is parked is a member not queued."""
    for rk in _groups(view):
        members, queued, parked = _sets(view, rk)
        joining = {member for member, stamp in queued.items() if stamp > 0}
        if not joining <= members or (set(queued) - joining) & members:
            yield f"I21 {rk}: queued {queued} of members {members}"
        if not parked <= members or parked & set(queued):
            yield f"I21 {rk}: parked {parked}, queued {queued}, members {members}"


def parking(view: View, now_ms: int) -> Iterator[str]:
    """I21: only who has no record at the backend is parked, or who is asked for once more."""
    for rk in _groups(view):
        for member in _sets(view, rk)[2]:
            user = view.states.get(f"u:{member}", {})
            known = "bid" in user and "del" not in user
            if known and "mw" not in user and not _task(view, "join", member):
                yield f"I21 {member} is parked in {rk} but has a record"


def stamps(view: View, now_ms: int) -> Iterator[str]:
    """A stamp never exceeds the newest of its group."""
    for rk, state in _groups(view).items():
        for member, stamp in _sets(view, rk)[1].items():
            if stamp % 10**12 > int(state.get("mv", 0)):
                yield f"{rk}: {member} has a stamp of the future"


def both_ways(view: View, now_ms: int) -> Iterator[str]:
    """A group knows its members and they know it; only a sweep may lag behind."""
    prefix = f"{ROOT}{view.name}:ug:"
    backward = {
        (rk, key.removeprefix(prefix))
        for key, groups in view.dump.items()
        if key.startswith(prefix)
        for rk in groups
    }
    live = _groups(view)
    forward = {(rk, member) for rk in live for member in _sets(view, rk)[0]}
    for rk, member in forward ^ backward:
        if not (_task(view, "clear", rk) or _task(view, "leave", member)):
            yield f"{rk} and its member {member} disagree"


def group_work(view: View, now_ms: int) -> Iterator[str]:
    """I2: a group that has anything to send is not called synced."""
    for rk, state in _groups(view).items():
        applied = int(state.get("dav", 0)) >= int(state["dv"])
        idle = applied and not _sets(view, rk)[1] and "gf" not in state
        if state["st"] == "S" and not idle:
            yield f"I2 {rk} is called synced: {state}"


def leftovers(view: View, now_ms: int) -> Iterator[str]:
    """I16: what is left of a deleted group is a task of the sweep."""
    root = f"{ROOT}{view.name}:"
    live = _groups(view)
    for kind in ("gm:", "gd:", "gb:"):
        for key in view.dump:
            rk = key.removeprefix(root + kind)
            if key.startswith(root + kind) and rk not in live and not _task(view, "clear", rk):
                yield f"I16 {key} belongs to nobody"


def _groups(view: View) -> dict[str, dict[str, str]]:
    """The states of the live groups."""
    return {
        rk: dict(state)
        for rk, state in view.states.items()
        if rk.startswith("g:") and "del" not in state
    }


def _sets(view: View, rk: str) -> tuple[set[str], dict[str, float], set[str]]:
    """Members, queued with stamps, parked."""
    return (
        set(view.table(f"gm:{rk}")),
        dict(view.table(f"gd:{rk}")),
        set(view.table(f"gb:{rk}")),
    )


def _task(view: View, kind: str, name: str) -> bool:
    return f"{view.name}/{kind}/{name}" in view.of_partition("sweep")


RULES: tuple[Callable[[View, int], Iterator[str]], ...] = (
    delta,
    parking,
    stamps,
    both_ways,
    group_work,
    leftovers,
)
