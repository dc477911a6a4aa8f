"""The plan: which calls close the gap. Tables and laws."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.bldng import plan
from mappers.bldng.desired import Desired, Kind, Value
from mappers.bldng.vocabulary import FIELDS, Group, User

ADA = Desired({"username": "ada", "mobile": None, "firstName": "Ada", "active": True})
MOBILE = 1 << FIELDS.index("mobile")


def known(**changes: Any) -> plan.Known:
    return plan.Known(**{
        "backend_id": "usr_1",
        "managed": plan.mask(ADA),
        "digest": ADA.digest,
        **changes,
    })


@pytest.mark.parametrize(
    ("desired", "before", "steps"),
    [
        (None, plan.Known(), (plan.Forget(),)),
        (None, known(), (plan.Delete("usr_1"),)),
        (
            ADA,
            plan.Known(),
            (plan.Create({"username": "ada", "firstName": "Ada", "active": True}),),
        ),
        (ADA, plan.Known(digest=ADA.digest), (plan.Create(plan.held(ADA)),)),
        (ADA, known(), ()),
        (ADA, known(force=True), (plan.Update("usr_1", plan.held(ADA)),)),
        (ADA, known(digest="other"), (plan.Update("usr_1", plan.held(ADA)),)),
        (
            ADA,
            known(digest="other", managed=MOBILE),
            (plan.Update("usr_1", {**plan.held(ADA), "mobile": None}),),
        ),
    ],
)
def test_steps(desired: Desired | None, before: plan.Known, steps: tuple[plan.Step, ...]) -> None:
    assert plan.diff(desired, before) == steps


def test_a_create_never_holds_none() -> None:
    (step,) = plan.diff(ADA, plan.Known(managed=MOBILE))
    assert isinstance(step, plan.Create)
    assert None not in step.fields.values()


def test_a_field_that_is_not_mapped_any_more_is_left_alone() -> None:
    without = Desired({"username": "ada", "active": True})
    (step,) = plan.diff(without, known(managed=MOBILE | plan.mask(ADA)))
    assert step == plan.Update("usr_1", {"username": "ada", "active": True})


def test_a_department_counts_as_its_id() -> None:
    desired = Desired({"username": "ada", "department": None})
    bit = 1 << FIELDS.index("departmentId")
    assert plan.changes(desired, bit) == {"username": "ada", "department": None}
    assert plan.mask(Desired({"department": "R&D"})) == bit


@pytest.mark.parametrize(
    ("fields", "department_id", "resolved"),
    [
        ({"username": "a"}, "dep_1", {"username": "a"}),
        (
            {"username": "a", "department": "R"},
            "dep_1",
            {"username": "a", "departmentId": "dep_1"},
        ),
        ({"department": None}, None, {"departmentId": None}),
    ],
)
def test_a_department_is_resolved(
    fields: dict[str, Value], department_id: str | None, resolved: dict[str, Value]
) -> None:
    assert plan.resolved(fields, department_id) == resolved


def test_bits_never_move() -> None:
    """Masks are stored: a field keeps its bit for ever."""
    assert FIELDS == (
        "username",
        "email",
        "mobile",
        "firstName",
        "lastName",
        "displayName",
        "ssoSubject",
        "employeeNumber",
        "departmentId",
        "active",
    )


@pytest.mark.parametrize(
    ("found", "managed", "fields"),
    [
        ({"username": "ada", "firstName": "Ada"}, 0, {}),
        ({"username": "Ada", "firstName": "Ada"}, 0, {"username": "ada"}),
        ({"username": "ada", "firstName": "Ada", "mobile": "by hand"}, 0, {}),
        ({"username": "ada", "firstName": "Ada", "mobile": "1"}, MOBILE, {"mobile": None}),
        ({"username": "ada"}, 0, {"firstName": "Ada"}),
        ({"username": "ada", "firstName": "Ada", "active": False}, 0, {"active": True}),
    ],
)
def test_adoption_sends_what_differs(
    found: dict[str, Any], managed: int, fields: dict[str, Value]
) -> None:
    record = User.model_validate({"id": "usr_1", "active": True, **found})
    assert plan.adopt(ADA, record, managed=managed) == fields


def test_adoption_compares_a_group_and_always_sends_a_department_name() -> None:
    group = Desired({"name": "g", "externalId": "x"}, Kind.GROUP)
    assert plan.adopt(group, Group(id="grp_1", name="g")) == {"externalId": "x"}
    user = Desired({"username": "a", "active": True, "department": "R"})
    record = User(id="usr_1", username="a", active=True, department_id="dep_1")
    assert plan.adopt(user, record) == {"department": "R"}


texts = st.none() | st.sampled_from(["", "a", "A", "b"])
bodies: st.SearchStrategy[dict[str, Value]] = st.fixed_dictionaries(
    {"username": st.sampled_from(["a", "b"]), "active": st.booleans()},
    optional={
        name: texts for name in FIELDS if name not in {"username", "active", "departmentId"}
    },
)
users = bodies.map(Desired)


def held_by_backend(fields: dict[str, Value]) -> dict[str, Value]:
    """Apply a merge patch to a record that keeps absent fields as None."""
    return {name: value for name, value in fields.items() if value is not None}


@given(users, st.integers(0, 2 ** len(FIELDS) - 1))
def test_nothing_is_left_to_do_after_it_was_done(desired: Desired, managed: int) -> None:
    applied = plan.Known("usr_1", managed=managed, digest=desired.digest)
    assert plan.diff(desired, applied) == ()


@given(st.lists(users, min_size=1, max_size=5), st.dictionaries(st.sampled_from(FIELDS), texts))
def test_any_history_ends_with_what_is_desired(
    history: list[Desired], legacy: dict[str, Value]
) -> None:
    """After each update: mapped fields that have or had a value of ours hold what is desired, and
    what BLDNG's own staff wrote into the others is untouched."""
    record = held_by_backend(legacy)
    now = plan.Known("usr_1")
    for desired in history:
        for step in plan.diff(desired, now):
            assert isinstance(step, plan.Update)
            record = {**record, **step.fields}
        owned = plan.held(desired).keys() | {
            name for name in desired.fields if now.managed & 1 << FIELDS.index(name)
        }
        assert {name: record.get(name) for name in owned} == {
            name: desired.fields[name] for name in owned
        }
        now = plan.Known("usr_1", managed=plan.mask(desired), digest=desired.digest)
    ever = {name for desired in history for name in plan.held(desired)}
    for name in legacy.keys() - ever:
        assert record.get(name) == legacy[name]


def test_an_unsettled_mask_keeps_what_was_managed_before() -> None:
    assert plan.mask_unsettled(ADA, MOBILE) == MOBILE | plan.mask(ADA)


@given(users, users)
def test_a_lost_answer_leaves_no_value_behind(first: Desired, second: Desired) -> None:
    """`first` was sent and nobody knows whether it took effect; then `second` is desired."""
    unsure = plan.Known("usr_1", managed=plan.mask_unsettled(first, 0), digest="")
    (step,) = plan.diff(second, unsure)
    assert isinstance(step, plan.Update)
    record = {**plan.held(first), **step.fields}
    assert {name: record.get(name) for name in second.fields} == dict(second.fields)


@given(users, users)
def test_equal_digests_are_equal_values(one: Desired, other: Desired) -> None:
    assert (one.digest == other.digest) == (plan.held(one) == plan.held(other))
    assert len(one.digest) == 16
