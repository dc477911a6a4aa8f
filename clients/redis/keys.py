"""The whole layout of our keys in Redis; the only place in Python that spells one.

Everything below `sg:{pN}:` lives in one hash slot, so one script may touch all of it. A tenant's
partition is stored with the tenant and never computed. `scripts/partition.lua` builds the same
names for scripts that learn the tenant only while they run; a test holds the two together.

Installation, `sg:{meta}:`
    epoch  STRING  installation id · schema  STRING  number of the layout, see `schema`; absent: 1
    partitions  STRING  how many · tenants, tokens  HASH  name or key id -> JSON record

Partition, `P` = `sg:{pN}:`
    ep     STRING  installation id, compared in every script
    c      HASH    counters: writes, ok, retry, park, block, release, dead, reaped, visits
    r      ZSET    ready index: tenant -> when it may be served next
    l      ZSET    leases: `tenant/rk` -> expiry
    if     HASH    tenant -> number of leases
    awake  STRING  present: a publish is not needed
    dirty  HASH    tenant -> number of dirty resources
    fence  STRING  written before a WAIT, so that it waits for what others wrote as well
    sus    ZSET    suspects: `tenant/rk` -> when it may be tried alone; it waits in q as well
    sweep  HASH    `tenant/kind/id` -> cursor: what a big deletion or arrival left to do
    paused HASH    tenant, or `*` for all of them -> who paused it, since when and why (JSON)
    audit  STREAM  what operators did to the whole partition, the last thousand lines

Beside them, `sg:{meta}:`
    pulse  HASH    at (last probe of any process) under replid; before, since: the change to it

Tenant, `T` = `P<tenant>:`
    q      ZSET    waiting: rk -> due
    fd     ZSET    the dirty set: rk -> time of the first change not yet at the backend
    dead   ZSET    rk -> time
    held   ZSET    rk -> time (mass-change guard)
    ctl    HASH    cap capmax ss cs (concurrency) hold reason sv bs bf bo (breaker) paused seq
                   gl gw gs gn gp (mass-change guard: limit, window, its begin, counts)
    patrol HASH    kind at due run hurry gen: the walk that compares every resource with BLDNG
    rel    HASH    `index:value` released here but still held at the backend -> rk of its holder
    audit  STREAM  what operators did, the last thousand lines: at, who, what, why
    d:<rk> STRING  the SCIM document; s:<rk> HASH the sync state; err:<rk> STRING the last problem
    w:<rk> SET     resources to wake when rk completes
    rl:<rk> HASH   `index:value` released by rk -> the version that did; the backend may hold it
    gone:<rk> STRING  `nonce version token` of a finished deletion, kept two minutes for repeats
    ix:<index> HASH  value -> rk (`un`, `xid`, `gdn`, `gxid`) or rks joined by spaces (`em`, `en`)
    ids:u, ids:g ZSET  rk -> creation sequence

Memberships, in T as well, by the resource key of the group or the SCIM id of the member
    gm:<rk> SET    the members, as SCIM wants them
    gd:<rk> ZSET   member -> stamp: not yet at the backend; those who leave first, then the oldest
    gb:<rk> SET    members parked: they have no backend id yet, or never will
    ug:<id> HASH   the groups of a member -> ''
    gs:<rk>:<run>  SET  the new list of a replacement under way, ten minutes
    ga:<rk>:<nonce>  STRING  `status version` of a change of members, two minutes for repeats

Apart from all, and no data: gone a minute after it was last used
    sg:{budget}:<host>  HASH  left at: the calls left of the fleet's budget for a backend, and when

State, `s:<rk>`
    v desired version · av applied version · f claim count · tok current lease token · lt/lo last
    settled token and its answer · st position (S P R W L D H) · bid backend id · fl consecutive
    counted failures · cr consecutive crashes · h digest · n nonce and c cause of the newest write
    · nb until when a create of unknown end may take effect: it is not due before · del tombstone
    · fd2 first change during the lease · e error code · rs claim count when it
    was asked to be sent again · sec a security change is waiting · w rks it waits for ·
    mf managed mask · ah digest last applied · mw a membership waits for its next settle ·
    mg leased, and held by the mass-change guard when the lease ends
    of a group: dv version of the document, dav the one applied · mv newest stamp · gl entries of
    gd when claimed · gf cursor while the members of a lost record are queued again · rp run of
    the newest replacement
"""

import re
from functools import lru_cache

PARTITIONS = 16
"""Partitions of a new installation; stored at bootstrap, so that it can grow later."""

UNIQUE = frozenset({"un", "xid", "gdn", "gxid"})
"""Indexes that map a value to exactly one resource; the others map it to many."""

WAKE_CHANNEL = "sg:wake"
EVERYTHING = "sg:*"
FENCE = "fence"
"""Beside any of our keys: what `WAIT` gets to wait for when nothing was written."""

BUDGET_ROOT = "sg:{budget}:"
META_EPOCH = "sg:{meta}:epoch"
META_PARTITIONS = "sg:{meta}:partitions"
META_PULSE = "sg:{meta}:pulse"
META_SCHEMA = "sg:{meta}:schema"
META_TENANTS = "sg:{meta}:tenants"
META_TOKENS = "sg:{meta}:tokens"

PARTITION_NAMES = ("ep", "c", "r", "l", "if", "awake", "dirty")
TENANT_NAMES = ("q", "fd", "dead", "held", "ctl", "rel")
RESOURCE_NAMES = ("d", "s", "err", "w", "rl", "gone")

_TENANT_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,38}")


def is_tenant_name(name: str) -> bool:
    """Whether `name` may name a tenant: lower-case letters, digits, inner hyphens, 39 at most."""
    return _TENANT_NAME.fullmatch(name) is not None


def fence(key: str) -> str:
    """The fence in the hash slot of one of our keys."""
    return key[: key.index("}") + 1] + ":" + FENCE


def partition_root(partition: int) -> str:
    return f"sg:{{p{partition}}}:"


def epoch(partition: int) -> str:
    return partition_root(partition) + "ep"


@lru_cache(maxsize=4096)
def of_partition(partition: int) -> tuple[str, ...]:
    """The first seven keys of every queue script, in this order."""
    root = partition_root(partition)
    return tuple(root + name for name in PARTITION_NAMES)


@lru_cache(maxsize=4096)
def tenant_root(partition: int, tenant: str) -> str:
    return f"{partition_root(partition)}{tenant}:"


@lru_cache(maxsize=4096)
def of_tenant(partition: int, tenant: str) -> tuple[str, ...]:
    """The partition's keys, then the tenant's six: what a script on one tenant declares."""
    root = tenant_root(partition, tenant)
    return (*of_partition(partition), *(root + name for name in TENANT_NAMES))


def of_resource(partition: int, tenant: str, rk: str) -> tuple[str, ...]:
    """The tenant's keys, then the resource's six: what a script on one resource declares."""
    root = tenant_root(partition, tenant)
    own = (f"{root}{name}:{rk}" for name in RESOURCE_NAMES)
    return (*of_tenant(partition, tenant), *own)


def budget(backend: str) -> str:
    """`backend` is the host of BLDNG."""
    return BUDGET_ROOT + backend


def document(partition: int, tenant: str, rk: str) -> str:
    return f"{tenant_root(partition, tenant)}d:{rk}"


def state(partition: int, tenant: str, rk: str) -> str:
    return f"{tenant_root(partition, tenant)}s:{rk}"


def waiters(partition: int, tenant: str, rk: str) -> str:
    return f"{tenant_root(partition, tenant)}w:{rk}"


def members(partition: int, tenant: str, rk: str) -> tuple[str, str, str]:
    """Members, pending and parked of a group."""
    root = tenant_root(partition, tenant)
    return f"{root}gm:{rk}", f"{root}gd:{rk}", f"{root}gb:{rk}"


def groups_of(partition: int, tenant: str, member_id: str) -> str:
    return f"{tenant_root(partition, tenant)}ug:{member_id}"


def new_list(partition: int, tenant: str, rk: str, run: str) -> str:
    return f"{tenant_root(partition, tenant)}gs:{rk}:{run}"


def members_answer(partition: int, tenant: str, rk: str, nonce: str) -> str:
    return f"{tenant_root(partition, tenant)}ga:{rk}:{nonce}"


def patrol(partition: int, tenant: str) -> str:
    return tenant_root(partition, tenant) + "patrol"


def sweep(partition: int) -> str:
    return partition_root(partition) + "sweep"


def index(partition: int, tenant: str, name: str) -> str:
    return f"{tenant_root(partition, tenant)}ix:{name}"


def ids(partition: int, tenant: str, kind: str) -> str:
    """`kind` is `u` or `g`."""
    return f"{tenant_root(partition, tenant)}ids:{kind}"
