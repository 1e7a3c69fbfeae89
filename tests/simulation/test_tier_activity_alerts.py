"""A pool that stays as it is seldom raises an alert, unless its members are badly picked.

Members are reviewed every 30 days by what they bought in the 90 days before. Everybody has a pace,
and finds another now and then, so that who is at the top falls back, while the pool as a whole
never changes. 150 pools; at most 5 % of them, and two Monte Carlo errors, may raise an alert.
"""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from siyu.studies.tiers.activity import activity
from siyu.studies.tiers.activity.measure import Measures

pytestmark = pytest.mark.slow

POOLS, MEMBERS, LEVEL = 150, 2_000, 0.95
HIGH = ("gold", "diamond")
BASIS, MONTH, WINDOW = 90, 30, 28
PACE_DAYS = 30
"""How long a pace lasts, on average."""
MOST = 0.05 + 2 * np.sqrt(0.05 * 0.95 / POOLS)


@pytest.fixture(scope="module")
def bought():
    """Orders by pool, member and day, from 90 days before the first review on."""
    rng, shape = np.random.default_rng(20260801), (POOLS, MEMBERS)
    pace, days = rng.gamma(0.5, 0.06, size=shape), []
    for _ in range(BASIS + 2 * MONTH + WINDOW):
        changes = rng.random(shape) < 1 / PACE_DAYS
        pace[changes] = rng.gamma(0.5, 0.06, size=changes.sum())
        days.append(rng.random(shape) < pace)
    return np.stack(days, axis=2)


def tiers(days, review):
    """The tier at a review so many days after the first: by orders in the 90 days before."""
    orders = days[:, review : review + BASIS].sum(axis=1)
    return np.searchsorted([1, 4, 8], orders, side="right")


def in_window(days, start):
    return days[:, BASIS + start : BASIS + start + WINDOW].sum(axis=1)


def measures(before, days_before, now, days):
    rows = pd.DataFrame(
        {"tier_before": before, "tier": now, "days_before": days_before, "days": days}
    )
    columns = list(rows.columns)
    return Measures(
        source="shop",
        as_of=dt.date(2026, 3, 31),
        min_users=30,
        tiers=("ordinary", "silver", "gold", "diamond"),
        has_orders=True,
        has_margin=True,
        starts=(dt.date(2026, 2, 1), dt.date(2026, 3, 1)),
        after_days=0,
        members=rows.groupby(columns, as_index=False).size().rename(columns={"size": "n"}),
        margins=pd.DataFrame(columns=["tier", "buyers", "margin", "squared"]),
    )


def alerts(bought, pick, *, pools=POOLS):
    """How often some high tier is said to fall."""
    falls = 0
    for days in bought[:pools]:
        found = activity(measures(*pick(days)), high_tiers=HIGH, level=LEVEL)
        falls += (found.loc[found["tier"].isin(HIGH), "verdict"] == "falls").any()
    return falls / pools


def as_long_after(days):
    """Both windows begin 27 days after a review: on days 27 and 57."""
    return tiers(days, 0), in_window(days, 27), tiers(days, MONTH), in_window(days, 57)


def last_review(days):
    """The last 28 days and those before, from days 58 and 30: by the review of day 30."""
    return tiers(days, MONTH), in_window(days, 30), tiers(days, MONTH), in_window(days, 58)


def of_today(days):
    """The tier of today in both windows."""
    today = tiers(days, 2 * MONTH)
    return today, in_window(days, 30), today, in_window(days, 58)


def test_a_pool_that_stays_as_it_is_is_seldom_said_to_fall(bought):
    assert alerts(bought, as_long_after) <= MOST


@pytest.mark.parametrize("pick", [last_review, of_today])
def test_members_picked_at_different_ages_of_a_review_fall_without_a_change(bought, pick):
    assert alerts(bought, pick, pools=40) > 0.3


def test_a_real_fall_is_found(bought):
    def fallen(days):
        kept = days.copy()
        kept[:, BASIS + 57 :] &= np.random.default_rng(1).random(kept[:, BASIS + 57 :].shape) < 0.6
        return as_long_after(kept)

    assert alerts(bought, fallen, pools=40) > 0.8
