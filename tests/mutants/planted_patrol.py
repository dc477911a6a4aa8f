"""Bugs to plant in the scripts of the patrol; the state machines do not walk it."""

from tests.mutants.planted import Bug

BUGS = (
    Bug(
        "patrol in the way of work",
        part="patrol_take",
        right="   or (first and first <= now) then",
        wrong="   then",
        found_by="test_patrol.test_it_stands_back_behind_work_pause_hold_and_breaker",
    ),
    Bug(
        "patrol compares what is not synced",
        part="patrol_take",
        right="if s[1] == 'S' and s[4] and doc then",
        wrong="if s[4] and doc then",
        found_by="test_patrol.test_what_is_not_synced_is_left_out",
    ),
    Bug(
        "patrol step not shared",
        part="patrol_take",
        right="'run', ARGV[3], 'due', now + tonumber(ARGV[4])",
        wrong="'run', ARGV[3]",
        found_by="test_patrol.test_two_workers_share_one_walk",
    ),
    Bug(
        "patrol cursor moved by one who lost the step",
        part="patrol_done",
        right="if p[1] ~= ARGV[3] then return -1 end",
        wrong="",
        found_by="test_patrol.test_a_worker_that_dies_leaves_its_step_to_another",
    ),
    Bug(
        "patrol believes an old comparison",
        part="patrol_mark",
        right="if s[3] ~= 'S' or s[1] ~= ARGV[4] or s[2] ~= ARGV[5] then return 0 end",
        wrong="if not s[1] then return 0 end",
        found_by="test_patrol.test_what_differs_is_sent_again_unless_it_was_worked_on",
    ),
    Bug(
        "patrol hurries twice for one reason",
        part="patrol_hurry",
        right="if redis.call('HGET', KEYS[14], 'gen') == ARGV[3] then return 0 end",
        wrong="",
        found_by="test_patrol.test_in_a_hurry_it_begins_anew_and_takes_ten_in_a_second",
    ),
    Bug(
        "patrol stays in a hurry",
        part="patrol_done",
        right="if ended then redis.call('HDEL', KEYS[14], 'hurry') end",
        wrong="",
        found_by="test_patrol.test_in_a_hurry_it_begins_anew_and_takes_ten_in_a_second",
    ),
)
