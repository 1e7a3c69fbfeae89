"""Compiled passes over a prepared log find the returns that the engine finds."""

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source, sorted_log
from siyu.data.prepare import prepare
from siyu.studies import retention
from siyu.studies.retention.triangle import measure_triangle

from tests.studies.test_prepared import assert_same

pytest.importorskip("numba")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module", params=["Europe/Berlin", "Asia/Shanghai"])
def pools(request, tmp_path_factory):
    """Hourly doings around the days on which clocks change in Berlin, also before the additions."""
    folder = tmp_path_factory.mktemp("returns")
    rng = np.random.default_rng(3)
    begin = pd.Timestamp("2025-10-01", tz="UTC")

    def draw(n):
        return begin + pd.to_timedelta(rng.integers(0, 24 * 240, n), "h")

    names = [f"u{k}" for k in range(150)]
    events = {"user_id": rng.choice(names, 4000), "occurred_at": draw(4000)}
    pd.DataFrame({**events, "event": rng.choice(list("ABX"), 4000)}).to_parquet(
        folder / "events.parquet"
    )
    added_at = draw(150).to_series(index=range(150)).where(rng.random(150) < 0.9)
    users = pd.DataFrame({"user_id": names, "added_at": added_at})
    users.to_parquet(folder / "users.parquet")
    asked = {"as_of": "2026-05-02", "timezone": request.param}
    plain = open_source(folder, **asked)
    prepare(folder, timezone=request.param)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorted_log, "FEWEST_ROWS", 0)
        compiled = open_source(folder, **asked)
    assert compiled.sorted_log is not None
    return plain, compiled


@pytest.mark.parametrize("unit", ["day", "week", "month"])
@pytest.mark.parametrize("clock", ["calendar", "24h"])
@pytest.mark.parametrize("kind", ["on", "from", "within"])
def test_all_that_is_measured_is_the_same(pools, kind, clock, unit):
    rules = {"kind": kind, "clock": clock, "cohort_unit": unit, "return_events": ["A", "B"]}
    definition = retention.Definition(**rules, days=[1, 30, 120])
    plain, compiled = (
        retention.measure(pool, definition, period_days=190, min_users=1) for pool in pools
    )
    assert_same(plain, compiled)
    assert len(plain.kept)


@pytest.mark.parametrize("unit", ["day", "week", "month"])
def test_the_triangle_is_the_same(pools, unit):
    definition = retention.Definition(cohort_unit=unit, return_events=["A"])
    triangles = []
    for pool in pools:
        measures = retention.measure(pool, definition, period_days=190, min_users=1)
        triangles.append(measure_triangle(pool, measures))
    pd.testing.assert_frame_equal(*triangles)
    assert len(triangles[0])
