"""A pool that stays as it is seldom raises an alert, unless its members are badly picked.

At most 5 % of 150 pools, and two Monte Carlo errors, may raise one.
"""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from siyu.studies.retention import lifecycle
from siyu.studies.tiers import activity

from tests.simulation import reviewed

pytestmark = pytest.mark.slow

LEVEL = 0.95
STARTS = (dt.date(2026, 2, 1), dt.date(2026, 3, 1))
AS_OF = dt.date(2026, 3, 28)


@pytest.fixture(scope="module")
def lived():
    return reviewed.live()


def counted(columns):
    rows = pd.DataFrame(columns)
    return rows.groupby(list(rows.columns), as_index=False).size().rename(columns={"size": "n"})


def buying(before, days_before, now, days):
    """What is said of purchases by tier (notebook 04)."""
    measures = activity.Measures(
        source="shop",
        as_of=AS_OF,
        min_users=30,
        tiers=reviewed.TIERS,
        has_orders=True,
        has_margin=True,
        starts=STARTS,
        after_days=0,
        members=counted(
            {
                "tier_before": before,
                "tier": now,
                "days_before": days_before.sum(axis=1),
                "days": days.sum(axis=1),
            }
        ),
        margins=pd.DataFrame(columns=["tier", "buyers", "margin", "squared"]),
    )
    return activity.activity(measures, high_tiers=reviewed.HIGH, level=LEVEL)


def coming_back(before, days_before, now, days):
    """What is said of activity by tier (notebook 02)."""
    names = np.array(reviewed.TIERS, dtype=object)
    measures = lifecycle.Measures(
        source="shop",
        as_of=AS_OF,
        min_users=30,
        weeks=(AS_OF - dt.timedelta(days=6),),
        tiers=reviewed.TIERS,
        states=pd.DataFrame(),
        members=pd.DataFrame(),
        windows=counted(
            {
                "tier_before": names[before],
                "active_before": days_before.any(axis=1).astype(int),
                "tier": names[now],
                "weeks_active": days.reshape(len(days), 4, 7).any(axis=2).sum(axis=1),
            }
        ),
        starts=STARTS,
        after_days=0,
    )
    return lifecycle.tier_months(measures, high_tiers=reviewed.HIGH, level=LEVEL)


def alerts(lived, pick, told, *, pools=reviewed.POOLS):
    """How often some high tier is said to fall."""
    falls = 0
    for days in lived[:pools]:
        found = told(*pick(days))
        falls += (found.loc[found["tier"].isin(reviewed.HIGH), "verdict"] == "falls").any()
    return falls / pools


@pytest.mark.parametrize("told", [buying, coming_back])
class TestAPoolThatStaysAsItIs:
    def test_is_seldom_said_to_fall(self, lived, told):
        assert alerts(lived, reviewed.as_long_after, told) <= reviewed.MOST

    @pytest.mark.parametrize("pick", [reviewed.last_review, reviewed.of_today])
    def test_falls_where_members_are_picked_at_different_ages_of_a_review(self, lived, told, pick):
        assert alerts(lived, pick, told, pools=40) > 2 * reviewed.MOST

    def test_is_said_to_fall_where_it_does(self, lived, told):
        assert alerts(lived, reviewed.fallen, told, pools=40) > 0.8
