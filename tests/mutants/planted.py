"""Bugs to plant in the scripts: one text substitution each, and the test that must find it."""

from collections.abc import Mapping
from dataclasses import dataclass

from clients.redis import scripts
from tests.engine import harness


@dataclass(frozen=True, slots=True)
class Bug:
    """`part` is the Lua file; `right` occurs in it exactly once and becomes `wrong`.

    `found_by` is a directed test of tests/engine that must fail then.
    """

    name: str
    part: str
    right: str
    wrong: str
    found_by: str


BUGS = (
    Bug(
        "no token compare",
        part="settle",
        right="or s[3] ~= token then",
        wrong="then",
        found_by="test_settle.test_a_foreign_token_changes_nothing",
    ),
    Bug(
        "lost update",
        part="write",
        right="if expected < tonumber(got[9] or v) or expected > v then",
        wrong="false then",
        found_by="test_write.test_a_stale_version_loses_and_changes_nothing",
    ),
    Bug(
        "no nonce",
        part="write",
        right="got[3] == nonce then",
        wrong="false then",
        found_by="test_write.test_the_same_nonce_answers_again_and_does_nothing_more",
    ),
    Bug(
        "uniqueness not checked",
        part="indexes",
        right="if owner and owner ~= R.rk",
        wrong="if false",
        found_by="test_write.test_a_taken_unique_value_is_refused_by_name",
    ),
    Bug(
        "old name kept",
        part="indexes",
        right="if x.old ~= '' then redis.call('HDEL', x.key, x.old) end",
        wrong="",
        found_by="test_write.test_a_rename_frees_the_old_name_and_takes_the_new",
    ),
    Bug(
        "in-flight not decremented",
        part="settle",
        right="tally(P.leases, T.name, -1)",
        wrong="",
        found_by="test_settle.test_done_is_synced_with_what_was_applied",
    ),
    Bug(
        "in-flight not decremented by the reaper",
        part="claim",
        right="tally(P.leases, of.name, -1)",
        wrong="",
        found_by="test_claim.test_an_expired_lease_of_a_known_record_returns_at_once",
    ),
    Bug(
        "ready index not released",
        part="partition",
        right="redis.call('ZREM', P.r, T.name)",
        wrong="",
        found_by="test_settle.test_done_is_synced_with_what_was_applied",
    ),
    Bug(
        "enqueue while leased",
        part="write",
        right="waits_for, st == 'L' or st == 'H' and work.holds",
        wrong="waits_for, st == 'H' and work.holds",
        found_by="test_write.test_a_write_during_the_lease_makes_one_more_pass",
    ),
    Bug(
        "held goes ahead",
        part="write",
        right="work.holds = held and not returns or",
        wrong="work.holds =",
        found_by="test_operators.test_what_is_held_stays_held_until_replayed",
    ),
    Bug(
        "no resync mark honoured",
        part="settle",
        right="local newer = v > sent or again",
        wrong="local newer = v > sent",
        found_by="test_settle.test_resync_during_a_lease_makes_one_more_pass",
    ),
    Bug(
        "resync mark lost in a crash",
        part="claim",
        right="redis.call('HDEL', state, 'tok', 'fd2')",
        wrong="redis.call('HDEL', state, 'tok', 'fd2', 'rs')",
        found_by="test_settle.test_resync_survives_the_crash_of_the_next_worker",
    ),
    Bug(
        "settle ok ignores a newer version",
        part="settle",
        right="local newer = v > sent or again",
        wrong="local newer = again",
        found_by="test_write.test_a_write_during_the_lease_makes_one_more_pass",
    ),
    Bug(
        "age of the first change not kept",
        part="settle",
        right="s[8] or now, rk)\n    enqueue",
        wrong="now, rk)\n    enqueue",
        found_by="test_write.test_a_write_during_the_lease_makes_one_more_pass",
    ),
    Bug(
        "first change during the lease overwritten",
        part="dirty",
        right="'HSETNX', R.s, 'fd2'",
        wrong="'HSET', R.s, 'fd2'",
        found_by="test_write.test_the_age_counts_from_the_first_change_during_the_lease",
    ),
    Bug(
        "dirty set forgets the first change",
        part="dirty",
        right="if not x.v or x.st == 'S' then",
        wrong="if true then",
        found_by="test_write.test_writes_coalesce_into_one_place",
    ),
    Bug(
        "dead not superseded",
        part="dirty",
        right="redis.call('ZREM', T.dead, R.rk)",
        wrong="",
        found_by="test_write.test_a_newer_write_revives_the_dead",
    ),
    Bug(
        "failures kept by a newer write",
        part="dirty",
        right="if x.v then set('fl', 0) end",
        wrong="",
        found_by="test_write.test_a_newer_write_ends_the_wait_for_a_retry",
    ),
    Bug(
        "hold ignored",
        part="partition",
        right="math.max(tonumber(first), c.hold, c.served)",
        wrong="tonumber(first)",
        found_by="test_breaker.test_a_hold_is_never_shortened",
    ),
    Bug(
        "pause ignored",
        part="partition",
        right="or c.paused or",
        wrong="or",
        found_by="test_breaker.test_a_paused_tenant_is_not_ready",
    ),
    Bug(
        "cap ignored",
        part="partition",
        right="leases_of(T) >= c.cap",
        wrong="false",
        found_by="test_claim.test_the_leases_of_a_tenant_are_capped",
    ),
    Bug(
        "no settle delay",
        part="claim",
        right="if not s[2] then st, due",
        wrong="if false then st, due",
        found_by="test_claim.test_an_expired_lease_returns_after_the_settle_delay_of_a_create",
    ),
    Bug(
        "crashes not counted",
        part="claim",
        right="'st', st, 'cr', crashes",
        wrong="'st', st",
        found_by="test_claim.test_a_resource_that_kills_workers_is_set_aside",
    ),
    Bug(
        "expiry ignored",
        part="claim",
        right="P.l, '-inf', now, 'LIMIT'",
        wrong="P.l, '-inf', '+inf', 'LIMIT'",
        found_by="test_claim.test_an_expired_lease_returns_after_the_settle_delay_of_a_create",
    ),
    Bug(
        "recover takes any lease",
        part="recover",
        right="if prefix == ARGV[2] then",
        wrong="if prefix then",
        found_by="test_claim.test_a_lost_claim_is_recovered_and_is_no_crash",
    ),
    Bug(
        "released names forgotten",
        part="indexes",
        right="redis.call('HSETNX', T.rel,",
        wrong="redis.call('HEXISTS', T.rel,",
        found_by="test_names.test_a_recreated_person_waits_for_the_pending_deletion",
    ),
    Bug(
        "waiters not woken",
        part="wake",
        right="if x.waits and x.st == 'W' then",
        wrong="if false then",
        found_by="test_settle.test_the_blocked_wait_for_their_blocker",
    ),
    Bug(
        "waiters wait no longer",
        part="claim",
        right="if item.blocked then",
        wrong="if false then",
        found_by="test_names.test_a_recreated_person_waits_for_a_deletion_that_fails_for_long",
    ),
    Bug(
        "beat extends any lease",
        part="beat",
        right="== ARGV[at + 1] then",
        wrong="then",
        found_by="test_settle.test_a_foreign_token_changes_nothing",
    ),
    Bug(
        "no duplicate answer",
        part="settle",
        right="if s[4] == token then",
        wrong="if false then",
        found_by="test_settle.test_settling_twice_is_a_duplicate_with_the_first_answer",
    ),
    Bug(
        "epoch not compared",
        part="guard",
        right="~= ARGV[1] then",
        wrong="== '' then",
        found_by="test_epoch.test_another_installation_is_never_read_or_written",
    ),
    Bug(
        "wake-up flag never cleared",
        part="claim",
        right="redis.call('DEL', P.awake)",
        wrong="",
        found_by="test_write.test_writes_wake_a_sleeping_partition_once",
    ),
    Bug(
        "parking counts as failure",
        part="settle",
        right="local function put_back(status)",
        wrong="local function put_back(status) redis.call('HINCRBY', R.s, 'fl', 1)",
        found_by="test_settle.test_what_is_not_its_fault_is_not_counted",
    ),
    Bug(
        "breaker never opens",
        part="breaker",
        right="local FAULTS_TO_OPEN = 5",
        wrong="local FAULTS_TO_OPEN = 500",
        found_by="test_breaker.test_five_faults_in_a_row_hold_the_tenant",
    ),
    Bug(
        "half-open lets all through",
        part="partition",
        right="if c[5] then cap = 1 end",
        wrong="",
        found_by="test_breaker.test_half_open_lets_one_probe_through",
    ),
    Bug(
        "suspects leased with others",
        part="claim",
        right="if suspect and not alone and not item.blocked then",
        wrong="if false then",
        found_by="test_suspects.test_a_suspect_is_leased_with_nobody_else",
    ),
    Bug(
        "whoever is noted is leased alone",
        part="claim",
        right="and tonumber(s[1] or 0) >= SUSPECT",
        wrong="",
        found_by="test_suspects.test_who_was_replayed_is_forgotten",
    ),
    Bug(
        "suspects of a tenant at rest are tried",
        part="claim",
        right="if waits and c.hold <= now and not c.paused and leases_of(of) < c.cap then",
        wrong="if waits then",
        found_by="test_suspects.test_a_full_tenant_keeps_its_suspects",
    ),
    Bug(
        "suspects of a tenant at rest are forgotten",
        part="claim",
        right="if x.waits then redis.call('ZADD', x.of.q, due_now(x.sec), x.rk) end",
        wrong="",
        found_by="test_suspects.test_a_full_tenant_keeps_its_suspects",
    ),
    Bug(
        "a tried suspect stays noted",
        part="claim",
        right="    else\n      if noted then redis.call('ZREM', P.sus, name) end",
        wrong="    else",
        found_by="test_suspects.test_who_was_replayed_keeps_its_settle_delay",
    ),
    Bug(
        "security is no sooner among suspects",
        part="claim",
        right="redis.call('ZADD', P.sus, 'LT', due_now(item.s[13]), name)",
        wrong="redis.call('ZADD', P.sus, 'NX', now, name)",
        found_by="test_suspects.test_security_goes_first_among_suspects",
    ),
    Bug(
        "suspects are lost in a repair",
        part="audit",
        right="redis.call('ZADD', T.q, 'XX', now, rk)",
        wrong="",
        found_by="test_suspects.test_a_repair_lets_claims_find_suspects_again",
    ),
    Bug(
        "settle delay lost in waking",
        part="wake",
        right="x.not_before > now and x.not_before or due_now(x.sec)",
        wrong="due_now(x.sec)",
        found_by="test_names.test_whoever_is_woken_waits_for_the_unanswered_create",
    ),
    Bug(
        "settle delay lost by a newer write",
        part="dirty",
        right="if x.not_before > now then return x.not_before end",
        wrong="",
        found_by="test_settle.test_a_newer_write_of_the_dead_waits_for_the_unanswered_create",
    ),
    Bug(
        "settle delay lost by a replay",
        part="replay",
        right="x.not_before > now and x.not_before or due_now(x.sec)",
        wrong="due_now(x.sec)",
        found_by="test_settle.test_a_replay_waits_for_the_unanswered_create",
    ),
    Bug(
        "names set back by a late request are free",
        part="settle",
        right="if not again and drop_released(sent) then",
        wrong="if drop_released(sent) then",
        found_by="test_names.test_a_name_is_not_free_while_a_late_request_may_have_set_it_back",
    ),
    Bug(
        "the heir of two waits for one",
        part="wake",
        right="if x.waits and x.left then",
        wrong="if false then",
        found_by="test_names.test_the_heir_of_two_waits_for_both",
    ),
    Bug(
        "a deletion waits for its heir",
        part="settle",
        right="if not blocker_dirty or s[7] then",
        wrong="if not blocker_dirty then",
        found_by="test_names.test_a_deletion_never_waits_for_its_heir",
    ),
    Bug(
        "throttles of one moment halve again and again",
        part="breaker",
        right="if c.hold > now then return end",
        wrong="",
        found_by="test_breaker.test_throttles_of_one_moment_halve_once",
    ),
    Bug(
        "a success under way closes the breaker",
        part="breaker",
        right="if c.open and c.hold > now then return end",
        wrong="",
        found_by="test_breaker.test_a_success_under_way_when_it_opened_does_not_close_it",
    ),
    Bug(
        "budget never used up",
        part="budget",
        right="math.max(0, left - granted)",
        wrong="left",
        found_by="test_budget.test_takers_share_and_none_is_granted_twice",
    ),
    Bug(
        "budget saved up without end",
        part="budget",
        right="left = math.min(burst, left + passed",
        wrong="left = math.min(1000000, left + passed",
        found_by="test_budget.test_a_rest_fills_the_bucket_and_no_more",
    ),
    Bug(
        "budget stops when the clock is set back",
        part="budget",
        right="'left', left, 'at', now)",
        wrong="'left', left, 'at', math.max(now, at))",
        found_by="test_budget.test_a_clock_that_was_set_back_does_not_stop_it",
    ),
    Bug(
        "a full Redis grants no call",
        part="budget",
        right="redis.call('DEL', KEYS[1])",
        wrong="",
        found_by="test_budget.test_a_full_redis_grants_calls_so_that_its_queue_can_drain",
    ),
    Bug(
        "turn not taken",
        part="claim",
        right="redis.call('HSET', visit.of.ctl, 'sv', now + turn / 1000)",
        wrong="",
        found_by="test_claim.test_a_flood_does_not_hold_up_another_tenant",
    ),
)
"""Each breaks one promise of the engine."""

QUICK = ("no token compare", "lost update", "in-flight not decremented")
"""The state machine alone finds these within a second or two."""

UNSEEN_BY_THE_MACHINE = frozenset({
    "held goes ahead",
    "age of the first change not kept",
    "first change during the lease overwritten",
    "crashes not counted",
    "waiters not woken",
    "breaker never opens",
    "throttles of one moment halve again and again",
    "a success under way closes the breaker",
    "budget never used up",
    "budget saved up without end",
    "budget stops when the clock is set back",
    "a full Redis grants no call",
    "wake-up flag never cleared",
    "turn not taken",
    "names set back by a late request are free",
    "security is no sooner among suspects",
    "suspects are lost in a repair",
    "suspects of a tenant at rest are forgotten",
    "whoever is noted is leased alone",
    "a tried suspect stays noted",
    "settle delay lost in waking",
    "settle delay lost by a replay",
    "settle delay lost by a newer write",
    "the heir of two waits for one",
})
"""What its rules do not look at, or its fixed histories are too few to meet: ages, fairness,
wake-ups, safety timers, stories of several people. Directed tests do.
"""


def library(bug: Bug) -> Mapping[str, scripts.Script]:
    """All scripts with the bug in them; the substitution must match exactly once."""
    text = scripts.part(bug.part)
    assert text.count(bug.right) == 1, f"{bug.name}: {bug.right!r} is not in {bug.part}.lua once"
    broken = text.replace(bug.right, bug.wrong)
    found = {}
    for name in scripts.PARTS:
        source = scripts.source(name, clock=harness.TEST_CLOCK)
        found[name] = scripts.make(name, source.replace(text, broken))
    return found
