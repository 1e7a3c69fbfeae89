"""Compiled passes over a prepared log find what the engine finds, ties and all."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from siyu.data import open_source, sorted_log
from siyu.data.prepare import prepare
from siyu.data.sorted_log import Coded, SortedLog, count_us
from siyu.studies import funnel
from siyu.studies.funnel.histories import serves

from tests.studies.funnel import oracle
from tests.studies.funnel.builders import START, definition_of, hours
from tests.studies.funnel.oracle import Row
from tests.studies.funnel.test_chains import funnels, logs
from tests.studies.test_prepared import assert_same

pytest.importorskip("numba")
passes = pytest.importorskip("siyu.studies.funnel.passes")
pytestmark = pytest.mark.slow

plain_funnels = funnels.filter(
    lambda one: serves(definition_of(one._replace(hold=False, exclude=(), order="ordered")))
).map(lambda one: one._replace(hold=False, exclude=(), order="ordered"))


def lay(rows: list[Row]) -> tuple[SortedLog, list[str]]:
    """Lay rows out, those of one instant in the order given."""
    users = sorted({row.user for row in rows})
    rows = sorted(rows, key=lambda row: (row.user, row.at))
    values = {
        name: sorted({getattr(row, name) for row in rows} - {None}) for name in ("event", "held")
    }

    def code(name):
        known = values[name]
        places = [
            known.index(v) if (v := getattr(row, name)) in known else len(known) for row in rows
        ]
        return Coded(codes=np.array(places, dtype=np.uint16), values=tuple(known))

    first = np.searchsorted([row.user for row in rows], users)
    log = SortedLog(
        first=np.append(first, len(rows)).astype(np.int64),
        at=np.array([count_us(row.at) for row in rows], dtype=np.int64),
        columns={"event": code("event"), "held": code("held")},
    )
    return log, users


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(logs(), plain_funnels, st.integers(0, 6))
def test_a_pass_agrees_with_an_enumeration_of_all_subsequences(rows, asked, until):
    log, users = lay(rows)
    table = passes.follow_sorted(
        log,
        definition_of(asked),
        starts_from=START,
        starts_until=hours(until),
        at_start={"held there": "held"},
    ).to_pylist()
    depths = [row.pop("depth") for row in table]
    held = {users[row.pop("user_id")]: (row.pop("held there"), list(row.values())) for row in table}
    assert depths == [sum(at is not None for at in reached) for _, reached in held.values()]
    expected = oracle.follow(rows, asked, starts_from=START, starts_until=hours(until))
    assert {user: reached for user, (_, reached) in held.items()} == expected
    for user, (value, reached) in held.items():
        there = [
            row.held
            for row in rows
            if (row.user, row.at) == (user, reached[0]) and row.event in asked.steps[0]
        ]
        assert value == min((one for one in there if one is not None), default=None)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A pool whose people do much at the same hour: as it lies, and prepared."""
    folder = tmp_path_factory.mktemp("crowd")
    rng = np.random.default_rng(8)
    n = 6000
    at = pd.Timestamp("2026-01-01", tz="UTC") + pd.to_timedelta(rng.integers(0, 24 * 60, n), "h")
    events = pd.DataFrame(
        {
            "user_id": [f"u{k}" for k in rng.integers(0, 200, n)],
            "occurred_at": at,
            "event": rng.choice(list("ABCX"), n),
            "touchpoint": rng.choice(["p", "q", None], n),
        }
    )
    events.to_parquet(folder / "events.parquet")
    people = pd.DataFrame({"user_id": [f"u{k}" for k in range(200)]})
    people.assign(channel=rng.choice(["social", "online"], 200)).to_parquet(
        folder / "users.parquet"
    )
    plain = open_source(folder, as_of="2026-02-20")
    prepare(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_log, "FEWEST_ROWS", 0)
        compiled = open_source(folder, as_of="2026-02-20")
    assert compiled.sorted_log is not None
    return plain, compiled


@pytest.mark.parametrize(
    "rules",
    [
        {"window_days": 1},
        {"window_days": 0.2, "ties": "strict"},
        {"window_days": None, "entry": "first"},
        {"window_days": 2, "steps": ["A", "B", "A"], "ties": "strict"},
        {"window_days": 2, "steps": ["A", "B", "A"]},
        {"window_days": 2, "order": "any"},
    ],
)
def test_all_that_is_measured_is_the_same(crowd, rules):
    definition = funnel.Definition(**{"steps": ["A", ["B", "X"], "C"], **rules})
    options = {"period_days": 20, "by": ["channel", "touchpoint"], "min_users": 5}
    assert_same(*(funnel.measure(pool, definition, **options) for pool in crowd))
