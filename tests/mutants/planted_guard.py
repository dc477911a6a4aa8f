"""Bugs to plant in the mass-change guard; see `planted`."""

from tests.mutants.planted import Bug

BUGS = (
    Bug(
        "guard never shuts",
        part="brake",
        right="shut = limit > 0 and",
        wrong="shut = false and",
        found_by="test_guard.test_who_leaves_beyond_the_limit_is_held",
    ),
    Bug(
        "leavers not counted",
        part="write",
        right="if guard then count_leaver(guard) end",
        wrong="",
        found_by="test_guard.test_who_leaves_beyond_the_limit_is_held",
    ),
    Bug(
        "one leaver counted twice",
        part="write",
        right="not held and not got[11]",
        wrong="not held",
        found_by="test_guard.test_a_person_counts_once_until_the_backend_has_followed",
    ),
    Bug(
        "window does not slide",
        part="brake",
        right="before * (1 - past) + left",
        wrong="left",
        found_by="test_guard.test_the_window_slides",
    ),
    Bug(
        "who returns stays held",
        part="write",
        right="work.holds = held and not returns or",
        wrong="work.holds = held or",
        found_by="test_guard.test_who_returns_leaves_held_and_syncs",
    ),
    Bug(
        "who returned leaves uncounted",
        part="write",
        right="'HDEL', R.s, 'mg', 'sec'",
        wrong="'HDEL', R.s, 'mg'",
        found_by="test_guard.test_who_returns_leaves_held_and_syncs",
    ),
    Bug(
        "settle lets the held go",
        part="settle",
        right="if s[15] then",
        wrong="if false then",
        found_by="test_guard.test_who_is_in_a_workers_hands_is_held_when_the_lease_ends",
    ),
    Bug(
        "reaper lets the held go",
        part="claim",
        right="if s[7] then",
        wrong="s[7] = nil\n      if s[7] then",
        found_by="test_guard.test_who_is_in_a_workers_hands_is_held_when_the_lease_ends",
    ),
    Bug(
        "recover lets the held go",
        part="recover",
        right="held = s[4]}",
        wrong="held = nil}",
        found_by="test_guard.test_a_lost_claim_gives_back_to_the_guard",
    ),
    Bug(
        "released name taken too early",
        part="replay",
        right="'st', x.waits and 'W' or 'P'",
        wrong="'st', 'P'",
        found_by="test_guard.test_a_leaver_who_waits_for_a_name_waits_again_when_released",
    ),
    Bug(
        "a paused fleet goes on",
        part="claim",
        right="local halted = redis.call('HEXISTS', root .. 'paused', '*') == 1",
        wrong="local halted = false",
        found_by="test_operators.test_a_paused_fleet_claims_nothing_and_still_reaps",
    ),
)
"""Each breaks one promise of the guard."""

QUICK: tuple[str, ...] = ()
"""The state machine needs a while for the others: several things must come together."""

UNSEEN_BY_THE_MACHINE = frozenset({
    "guard never shuts",
    "leavers not counted",
    "one leaver counted twice",
    "window does not slide",
    "who returned leaves uncounted",
    "released name taken too early",
    "recover lets the held go",
    "settle lets the held go",
    "a paused fleet goes on",
})
"""Its model takes the word of a write for who is held, and some stories are too rare for it."""
