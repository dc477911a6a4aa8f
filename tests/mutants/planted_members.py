"""Bugs to plant in the scripts on memberships."""

from tests.mutants.planted import Bug

BUGS = (
    Bug(
        "an entry that changed is confirmed",
        part="confirm",
        right="if stamp and tonumber(stamp) == tonumber(ARGV[i + 1]) then",
        wrong="if stamp then",
        found_by="test_member_sync.test_an_entry_that_changed_meanwhile_stays",
    ),
    Bug(
        "stamp not renewed",
        part="change",
        right="stamp = tonumber(got[5] or 0) + 1",
        wrong="stamp = tonumber(got[5] or 0)",
        found_by="test_member_sync.test_changed_back_meanwhile_is_still_another_entry",
    ),
    Bug(
        "arrivals forgotten",
        part="settle",
        right="if arrival then take_arrival(arrival) end",
        wrong="",
        found_by="test_arrivals.test_who_is_unknown_is_parked_and_joins_on_arrival",
    ),
    Bug(
        "parked and queued at once",
        part="change",
        right="if x.known then queue(stamp, x.id) else",
        wrong="queue(stamp, x.id) if not x.known then",
        found_by="test_arrivals.test_who_is_unknown_is_parked_and_joins_on_arrival",
    ),
    Bug(
        "leaving is never sent",
        part="change",
        right="if x.parked then parked[#parked + 1] = x else queue(stamp - LEAVES, x.id) end",
        wrong="parked[#parked + 1] = x",
        found_by="test_member_sync.test_an_entry_that_changed_meanwhile_stays",
    ),
    Bug(
        "no nonce of members",
        part="members",
        right="if said then return",
        wrong="if false then return",
        found_by="test_members.test_the_same_nonce_answers_again_and_does_nothing_more",
    ),
    Bug(
        "the deleted stay members",
        part="write",
        right="if leaving then take_leave(leaving) end",
        wrong="",
        found_by="test_members.test_a_deleted_person_leaves_all_groups",
    ),
    Bug(
        "a lost group is not rebuilt",
        part="settle",
        right="look_at_confirmed(s[13] and known ~= s[13])",
        wrong="look_at_confirmed(false)",
        found_by="test_member_sync.test_a_lost_group_gets_all_its_members_again",
    ),
    Bug(
        "the unknown are not sent again",
        part="confirm",
        right="send_again('u:' .. x.id, x.s)",
        wrong="",
        found_by="test_arrivals.test_an_id_unknown_to_the_backend_sends_the_person_again",
    ),
    Bug(
        "the unknown are not parked",
        part="confirm",
        right="if x.stamp and tonumber(x.stamp) > 0 then",
        wrong="if false then",
        found_by="test_arrivals.test_an_id_unknown_to_the_backend_sends_the_person_again",
    ),
    Bug(
        "a returned person does not join again",
        part="arrival",
        right="(after == before and not asked)",
        wrong="before",
        found_by="test_arrivals.test_a_person_whom_the_backend_lost_joins_again",
    ),
    Bug(
        "changes during the lease are called done",
        part="confirm",
        right="redis.call('EXISTS', g.gd) == 1",
        wrong="false",
        found_by="test_member_sync.test_an_entry_that_changed_meanwhile_stays",
    ),
    Bug(
        "a late request is not undone",
        part="members_again",
        right="if not x.parked then",
        wrong="if false then",
        found_by="test_member_sync.test_a_late_request_is_undone",
    ),
    Bug(
        "a replacement undoes what came after it",
        part="members",
        right="if replacing and #joins > 0 then",
        wrong="if false then",
        found_by="test_replace.test_whoever_changes_the_group_meanwhile_keeps_it",
    ),
    Bug(
        "arrivals hasten a waiting group",
        part="joining",
        right="if g.st == 'S' then",
        wrong="if g.st == 'S' or g.st == 'R' then",
        found_by="test_arrivals.test_an_arrival_never_hastens_a_group_that_waits",
    ),
    Bug(
        "arrivals are not collected",
        part="settle",
        right="soon and due_now(s[10]) or now + DEBOUNCE_MS",
        wrong="due_now(s[10])",
        found_by="test_arrivals.test_arrivals_are_collected",
    ),
)
"""Each breaks one promise about memberships."""

QUICK = ("arrivals forgotten", "leaving is never sent")

UNSEEN_BY_THE_MACHINE = frozenset({
    "a replacement undoes what came after it",
    "arrivals are not collected",
    "the unknown are not parked",
})
"""Its replacements are whole steps, it does not count visits, and whoever is sent again joins."""
