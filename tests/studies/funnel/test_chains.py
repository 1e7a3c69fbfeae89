from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
@given(logs(), funnels, st.integers(0, 6))
def test_the_engine_agrees_with_an_enumeration_of_all_subsequences(rows, funnel, until):
    both(rows, funnel, until=hours(until))
