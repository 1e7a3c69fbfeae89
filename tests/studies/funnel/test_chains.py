from datetime import datetime, timedelta
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from siyu.studies.funnel import histories

from tests.studies.funnel import oracle
from tests.studies.funnel.builders import START, engine, hours
from tests.studies.funnel.oracle import Funnel, Row


def both(rows: list[Row], funnel: Funnel, *, until: datetime | None = None) -> list[int]:
    """Depths per user, by both routes, which must agree on every instant too."""
    until = until or hours(10_000)
    expected = oracle.follow(rows, funnel, starts_from=START, starts_until=until)
    assert engine(rows, funnel, until=until) == expected
    return [sum(at is not None for at in reached) for reached in expected.values()]


step = st.sampled_from([("A",), ("B",), ("C",), ("A", "B"), ("B", "C")])
funnels = st.builds(
    Funnel,
    steps=st.lists(step, min_size=2, max_size=4).map(tuple),
    window=st.sampled_from([None, timedelta(hours=1), timedelta(hours=3)]),
    entry=st.sampled_from(["best", "first"]),
    order=st.sampled_from(["ordered", "strict", "any"]),
    exclude=st.sampled_from([(), ("X",)]),
    hold=st.booleans(),
    ties=st.sampled_from(["either", "strict"]),
).filter(lambda funnel: funnel.order != "any" or not definition_overlaps(funnel))


def definition_overlaps(funnel: Funnel) -> bool:
    return any(a != b and set(a) & set(b) for a in funnel.steps for b in funnel.steps)


@st.composite
def logs(draw):
    """Short logs of many users: one call of the engine judges them all."""
    row = st.tuples(st.integers(-1, 6), st.sampled_from("ABCX"), st.sampled_from(["p", "q", None]))
    return [
        Row(f"{user:03}", hours(at), event, held)
        for user in range(20)
        for at, event, held in draw(st.lists(row, max_size=8))
    ]


@pytest.mark.slow
@settings(
    max_examples=300, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True
)
@given(logs(), funnels, st.integers(0, 6), st.sampled_from([0, 3, histories.MOST_ROWS]))
def test_the_engine_agrees_with_an_enumeration_of_all_subsequences(rows, funnel, until, most_rows):
    with mock.patch.object(histories, "MOST_ROWS", most_rows):
        both(rows, funnel, until=hours(until))


@pytest.mark.parametrize("steps", ["A B C", "A|B C"])
@pytest.mark.parametrize("entry", ["best", "first"])
def test_whoever_has_many_rows_is_followed_like_everyone(steps, entry):
    """Two users do the same; one of them has also looked at the first page three hundred times."""
    names = tuple(tuple(step.split("|")) for step in steps.split())
    funnel = Funnel(steps=names, window=timedelta(hours=2), entry=entry)
    path = [(5, "A"), (6, "B"), (7, "C")]
    rows = [Row(user, hours(at), event, None) for user in ("few", "many") for at, event in path]
    rows += [Row("many", hours(-k / 60), "A", None) for k in range(-100, 191)]
    found = engine(rows, funnel, until=hours(10), starts_from=hours(-10))
    depths = {user: sum(at is not None for at in reached) for user, reached in found.items()}
    assert depths == {"few": len(names), "many": len(names) if entry == "best" else 1}
    assert found["many"][0] == hours(-190 / 60)


@pytest.mark.parametrize("most_rows", [0, histories.MOST_ROWS])
def test_rows_of_nobody_are_nobodys_path(most_rows):
    rows = [Row(None, hours(0), "A", None), Row(None, hours(1), "B", None)]
    rows += [Row("a", hours(0), "A", None), Row("a", hours(1), "B", None)]
    funnel = Funnel(steps=(("A",), ("B",)), window=None)
    with mock.patch.object(histories, "MOST_ROWS", most_rows):
        found = engine(rows, funnel, until=hours(9))
    assert found["a"] == [hours(0), hours(1)]
    assert set(found) == {"a"}
