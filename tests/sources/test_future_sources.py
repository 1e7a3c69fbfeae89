"""Public logs of orders through the forecast of purchases, with nothing but a `source.yaml`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from siyu.data import check, open_source
from siyu.studies.tiers import Definition, find_members, future

HERE = Path(__file__).parent
LEVEL = 0.95

pytestmark = [pytest.mark.peers, pytest.mark.slow, pytest.mark.usefixtures("shared_data")]


def measured(name, as_of, days):
    pool = open_source(HERE / name, as_of=as_of)
    members = find_members(pool, Definition(), period_days=365)
    return future.measure(members, horizon_days=days, holdout_days=days)


@pytest.fixture(scope="module")
def autumn(shared_data):
    """CDNOW as of 30 September 1997, where the papers cut it."""
    measures = measured("cdnow-sample", "1997-09-30", 56)
    return measures, future.forecast(measures, level=LEVEL)


def test_cdnow_has_the_published_customers(autumn):
    """Mean repeats 1.042, last after 6.846 and followed for 32.716 weeks (Fader, Hardie, Lee)."""
    rows = autumn[0].now
    assert rows["n"].sum() == 2_357
    weeks = {"repeats": 1, "last_days": 7, "followed_days": 7}
    found = [np.average(rows[name] / unit, weights=rows["n"]) for name, unit in weeks.items()]
    assert np.round(found, 3).tolist() == [1.042, 6.846, 32.716]
    assert rows.loc[rows["repeats"] > 0, "n"].sum() == 946


def test_cdnow_gives_the_published_models(autumn):
    buying, amounts = autumn[1].model.buying, autumn[1].model.amounts
    told = (buying.r, buying.alpha / 7, buying.a, buying.b)
    assert np.round(told, 3).tolist() == [0.243, 4.414, 0.793, 2.426]
    told = (amounts.p, amounts.q, amounts.gamma, amounts.log_likelihood)
    assert np.round(told, 2).tolist() == [6.25, 3.74, 15.44, -4055.92]


def test_cdnow_is_forecast_for_two_months_but_not_for_nine(autumn):
    """Of the 39 weeks to come 1,653 purchases are expected, and 1,882 came."""
    assert autumn[1].outcome == "held"
    measures = measured("cdnow-sample", "1998-06-30", 273)
    found = future.forecast(measures, level=LEVEL)
    assert (found.outcome, round(found.whole.expected), found.whole.later) == (
        "missed",
        1_653,
        1_882,
    )
    (refused,) = [
        each
        for each in future.conclude(measures, found, level=LEVEL)
        if each.id == "tiers.future.purchases"
    ]
    assert refused.status == "insufficient"
    assert "as many as 1,882 came" in refused.message


def test_groceries_are_forecast_within_two_percent():
    """Households of which nobody knows when they first bought, and of which few ever stop."""
    assert [problem.rule for problem in check(HERE / "completejourney").problems] == [
        "not read, as no table uses it: 6 of the files or tables there",
        "time outside the observation window",
    ]
    measures = measured("completejourney", "2017-12-31", 56)
    found = future.forecast(measures, level=LEVEL)
    assert (found.outcome, found.whole.n) == ("held", 2_456)
    assert abs(found.whole.expected / found.whole.later - 1) < 0.02
    assert measures.n_earlier == measures.now["n"].sum() == 2_469
