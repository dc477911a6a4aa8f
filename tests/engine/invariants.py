"""What must hold after every step, told from a dump alone. No I/O here.

Positions are recomputed from scratch in Python: this file shares no code with the scripts.
"""

from collections.abc import Callable, Iterator

from tests.engine import group_invariants
from tests.engine.harness import Dump, Engine
from tests.engine.view import ROOT, View

QUEUED = {"P", "R", "W"}
UNIQUE = ("un", "xid")
SHARED = ("em", "en")
CAPMAX = 16


async def broken(engine: Engine) -> list[str]:
    """Every invariant broken just now, by the checks here and by AUDIT."""
    tenants = await engine.tenants.list()
    found = violations(await engine.dump(), [each.name for each in tenants], engine.now_ms)
    for each in tenants:
        found += [f"AUDIT {line}" for line in await engine.queue.audit(each)]
    return found


def violations(dump: Dump, tenants: list[str], now_ms: int) -> list[str]:
    """Every broken invariant, named."""
    found = []
    for name in tenants:
        view = View(name, dump)
        found += [f"{name}: {line}" for rule in RULES for line in rule(view, now_ms)]
    return found


def positions(view: View, now_ms: int) -> Iterator[str]:
    """I1, I4, I16: the dirty set is the disjoint union of the four places, as `st` says."""
    places = {
        "q": (set(view.table("q")), view.placed(*QUEUED)),
        "leases": (view.leases, view.placed("L")),
        "dead": (set(view.table("dead")), view.placed("D")),
        "held": (set(view.table("held")), view.placed("H")),
        "fd": (set(view.table("fd")), set(view.states) - view.placed("S")),
    }
    for name, (found, wanted) in places.items():
        if found != wanted:
            yield f"I1 {name} holds {sorted(found)}, states say {sorted(wanted)}"
    for rk, state in view.states.items():
        if (state["st"] == "L") != bool(state.get("tok")):
            yield f"I4 {rk} is {state['st']} with token {state.get('tok')!r}"
        if "mg" in state and state["st"] != "L":
            yield f"{rk} is to be held after its lease but has none"


def dirtiness(view: View, now_ms: int) -> Iterator[str]:
    """I2, I8: dirty exactly when something is left to send."""
    for rk, state in view.states.items():
        version, applied = int(state["v"]), int(state.get("av", 0))
        unsent = version > applied or "del" in state or "rs" in state
        if unsent != (state["st"] != "S") and (rk.startswith("u:") or state["st"] == "S"):
            yield f"I2 {rk} is {state['st']}: v={version} av={applied}"
        if applied > version:
            yield f"I8 {rk} applied {applied} of {version}"


def documents(view: View, now_ms: int) -> Iterator[str]:
    """I3: a document exists for exactly the live resources, and paging knows exactly them."""
    live = {rk for rk, state in view.states.items() if "del" not in state}
    if set(view.docs) != live:
        yield f"I3 documents {sorted(view.docs)}, live {sorted(live)}"
    paged = set(view.table("ids:u")) | set(view.table("ids:g"))
    if paged != live:
        yield f"I3 ids {sorted(paged)}, live {sorted(live)}"


def indexes(view: View, now_ms: int) -> Iterator[str]:
    """I7: unique indexes are bijections with the live values; shared ones list every owner."""
    for name in UNIQUE:
        wanted = {doc[name]: rk for rk, doc in view.docs.items() if doc.get(name)}
        if view.texts(f"ix:{name}") != wanted:
            yield f"I7 {name} is {view.texts(f'ix:{name}')}, documents say {wanted}"
    for name in SHARED:
        owners: dict[str, set[str]] = {}
        for rk, doc in view.docs.items():
            if doc.get(name):
                owners.setdefault(doc[name], set()).add(rk)
        found = {value: set(rks.split()) for value, rks in view.texts(f"ix:{name}").items()}
        if found != owners:
            yield f"I7 {name} is {found}, documents say {owners}"


def counts(view: View, now_ms: int) -> Iterator[str]:
    """I5, I17: leases and dirty resources are counted exactly, zero is not kept."""
    wanted = {"if": len(view.leases), "dirty": len(view.table("fd"))}
    for name, number in wanted.items():
        found = view.of_partition(name).get(view.name)
        if found != (str(number) if number else None):
            yield f"I5 {name} says {found}, counted {number}"


def ready_index(view: View, now_ms: int) -> Iterator[str]:
    """I6: ready exactly when work waits and there is room; at the latest of due, hold, served."""
    ctl = view.texts("ctl")
    cap = 1 if "bs" in ctl else int(ctl.get("cap", ctl.get("capmax", CAPMAX)))
    due = view.table("q").values()
    found = view.of_partition("r").get(view.name)
    wanted = None
    if due and len(view.leases) < cap and "paused" not in ctl:
        wanted = max(min(due), float(ctl.get("hold", 0)), float(ctl.get("sv", 0)))
    if found != wanted:
        yield f"I6 ready at {found}, computed {wanted}"


def waiting(view: View, now_ms: int) -> Iterator[str]:
    """Released names belong to dirty resources, and whoever waits will be woken."""
    for value, holder in view.texts("rel").items():
        if view.states.get(holder, {"st": "S"})["st"] == "S":
            yield f"rel {value} is held by {holder}, which has nothing to do"
        if value not in view.texts(f"rl:{holder}"):
            yield f"rel {value} is unknown to its holder {holder}"
    for rk, state in view.states.items():
        holders = state.get("w", "").split()
        for holder in holders:
            if rk not in view.dump.get(f"{ROOT}{view.name}:w:{holder}", set()):
                yield f"{rk} waits for {holder}, which does not know"
        if state["st"] == "W" and not holders:
            yield f"{rk} is blocked by nobody"
        if holders and "del" in state:
            yield f"{rk} is to be deleted and waits for {holders}"


def remains(view: View, now_ms: int) -> Iterator[str]:
    """I16: nothing of the queue survives an idle, clean tenant."""
    if view.table("fd"):
        return
    passing = ("q", "fd", "dead", "held", "rel", "rl:", "w:", "err:")
    root = f"{ROOT}{view.name}:"
    left = [key for key in view.dump if key.startswith(tuple(root + each for each in passing))]
    if left:
        yield f"I16 clean, but these remain: {left}"


RULES: tuple[Callable[[View, int], Iterator[str]], ...] = (
    positions,
    dirtiness,
    documents,
    indexes,
    counts,
    ready_index,
    waiting,
    remains,
    *group_invariants.RULES,
)
