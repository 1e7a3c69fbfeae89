"""A source may call its columns what it likes: the study's own names are never among them."""

import pytest
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.measure import measure

from tests.studies.funnel.builders import log

TABLES = ("counts", "waiting", "weekly", "drift", "pairs", "times")
OURS = (
    "week",
    "person",
    "begun",
    "at",
    "code",
    "ends",
    "kind",
    "n_0",
    "start_1",
    "held",
    "given_0",
    "rank",
    "ended",
    "depth",
    "half",
    "n",
    "minutes",
    "outcome",
    "segment",
    "depth_before",
    "reached_2_at",
    "trait_id",
)
ROWS = log(
    """
    a 2025-12-20 10:00 A p
    a 2026-01-05 10:00 A p
    a 2026-01-06 10:00 B p
    a 2026-01-12 10:00 A q
    a 2026-01-13 10:00 B p
    b 2026-01-05 10:00 A q
    b 2026-01-07 10:00 B q
    b 2026-01-08 10:00 B q
    c 2026-01-14 10:00 A -
    c 2026-01-15 10:00 A q
    c 2026-01-15 11:00 X q
    c 2026-01-15 12:00 B q
    d 2026-01-30 10:00 A p
    """,
    "item",
)
HELD = {
    "step by step": {"steps": ["A", "B"]},
    "one by one": {"steps": ["A", "B", "B"]},
    "strict": {"steps": ["A", "B"], "order": "strict", "exclude": ["X"]},
    "any": {"steps": ["A", "B"], "order": "any"},
}


def tables(open_shop, rows, definition, *, by=(), **more):
    """What a shop of the rows is reduced to, as text."""
    pool = open_shop(rows, observed=("2025-12-01", "2026-01-31"), **more)
    measures = measure(pool, definition, period_days=28, by=by, min_users=1)
    assert measures.refused == ()
    return [getattr(measures, name).to_csv() for name in TABLES]


@pytest.fixture(scope="module")
def under_its_own_name():
    """What the shop is reduced to with the column held called `item`; once per shape."""
    return {}


def renamed(rows, name):
    return [{name if key == "item" else key: value for key, value in row.items()} for row in rows]


def test_columns_of_events_that_nobody_asked_for_change_nothing(open_shop):
    definition = Definition(steps=["A", "B"])
    crowded = [row | dict.fromkeys(OURS, "x") for row in ROWS]
    assert tables(open_shop, crowded, definition) == tables(open_shop, ROWS, definition)


@pytest.mark.parametrize("shape", HELD)
@pytest.mark.parametrize("name", ["week", "person", "code", "ends", "kind", "n_0", "start_1"])
def test_a_held_column_may_have_any_name(open_shop, under_its_own_name, name, shape):
    if shape not in under_its_own_name:
        plain = tables(open_shop, ROWS, Definition(**HELD[shape], hold="item"))
        under_its_own_name[shape] = plain
    found = tables(open_shop, renamed(ROWS, name), Definition(**HELD[shape], hold=name))
    assert found == under_its_own_name[shape]


def test_a_column_of_events_to_break_down_by_may_have_any_name(open_shop):
    definition = Definition(steps=["A", "B"])
    plain = tables(open_shop, ROWS, definition, by=["item"])
    for name in ("at", "depth", "half", "n", "minutes", "outcome", "segment", "given_0"):
        assert tables(open_shop, renamed(ROWS, name), definition, by=[name]) == plain, name


def test_a_column_of_users_to_break_down_by_may_have_any_name(open_shop):
    definition = Definition(steps=["A", "B"])
    people = [{"user_id": name, "item": "x" if name > "b" else "y"} for name in "abcd"]
    plain = tables(open_shop, ROWS, definition, by=["item"], users=people)
    for name in ("at", "depth", "half", "n", "minutes", "outcome", "segment", "given_0"):
        users = renamed(people, name)
        assert tables(open_shop, ROWS, definition, by=[name], users=users) == plain, name


def test_a_column_and_one_named_after_it_do_not_meet(open_shop):
    """The comparison keeps the values of both spans apart, and the moments they are known from."""
    definition = Definition(steps=["A", "B"])
    names = ["x", "x_before", "x_since"]
    users = [{"user_id": user, **{name: f"{user} {name}" for name in names}} for user in "abcd"]
    pool = open_shop(ROWS, observed=("2025-12-01", "2026-01-31"), users=users)
    measures = measure(pool, definition, period_days=28, by=names, min_users=1)
    assert "a x × a x_before × a x_since" in measures.segments
    assert len(measures.segments) == 4
