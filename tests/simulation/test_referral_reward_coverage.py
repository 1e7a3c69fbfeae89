"""Friends against others, players against others, and the best inviters: covered as stated.

The first two are slow fits: 500 replications, for which a coverage of 95% lies in [.93, .97] in
97% of draws (statistics, 3.0); by design neither covers less.
"""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ttest_1samp
from siyu.stats.concentration import gini, top_share
from siyu.stats.intervals import newcombe_difference
from siyu.studies.referral import assists, reward
from siyu.studies.referral.concentration.estimate import find_ends

pytestmark = pytest.mark.slow

LEVEL, REPLICATIONS = 0.95, 500


def newcomers(rng, *, days=20, trees=60):
    """Days differ in how many leave; friends come in trees that do, on days that do, +10 points."""
    base = rng.beta(2, 30, days)
    base[: days // 2] += 0.15
    late = rng.random(trees) < 0.85  # most trees grow when few leave anyway
    size = 1 + rng.negative_binomial(0.5, 0.15, trees)
    tree = np.repeat(np.arange(trees), size)
    on = np.where(late[tree], rng.integers(days // 2, days, len(tree)),
                  rng.integers(0, days // 2, len(tree)))  # fmt: skip
    own = rng.normal(0, 0.05, trees)[tree]
    gone = rng.random(len(tree)) < np.clip(base[on] + 0.1 + own, 0, 1)
    n = rng.poisson(25, days) + 2
    x = rng.binomial(n, base)
    friends = pd.DataFrame({"campaign": 0, "tree": tree, "branch": tree, "on": on,
                            "reward_cny": 1.0, "days_followed": 1.5,
                            "days_there": np.where(gone, 0.5, np.inf)})  # fmt: skip
    others = pd.DataFrame({"on": range(days), "n": n, "gone": x, "n_later": 0, "gone_later": 0})
    return friends, others


def measures_of(friends, others):
    return reward.Measures(
        source="", as_of=dt.date(2026, 1, 1), min_users=30, campaigns=("tea",), kept_days=30,
        hold_days=7, lure_cost_cny={}, friends=friends, other_rewards=pd.DataFrame(), others=others,
        touchpoints=pd.DataFrame(), own_touchpoints=(), campaign_cost_cny=(0.0,), has_rewards=True,
        has_leaving=True, has_spend=False,
    )  # fmt: skip


def test_how_many_more_friends_leave_is_covered_where_all_days_together_are_not():
    rng, ours, naive = np.random.default_rng(1), [], []
    for _ in range(REPLICATIONS):
        friends, others = newcomers(rng)
        row = reward.leaving(measures_of(friends, others), level=LEVEL).table.iloc[0]
        ours.append(row["difference_lower"] <= 0.1 <= row["difference_upper"])
        gone = (friends["days_there"] < 1).sum()
        ends = newcombe_difference(
            gone, len(friends), others["gone"].sum(), others["n"].sum(), level=LEVEL
        )
        naive.append(ends[1] <= 0.1 <= ends[2])
    assert 0.93 <= np.mean(ours) <= 0.98
    assert np.mean(naive) < 0.75


def games(rng, *, players=150, members=800):
    """Players are the more active; quiet days follow those of play; the game adds .3."""
    on = rng.integers(0, 3, players)
    shock = rng.normal(-0.4, 0.2, (3, 3))
    habit = 7 * rng.beta(3, 6, players)

    def days(habit, week, day, more=0.0):
        return rng.binomial(7, np.clip((habit + shock[day, week] + more) / 7, 0.01, 0.99))

    activity = pd.DataFrame({"campaign": 0, "tree": range(players), "branch": range(players)})
    shock[:, :2] = 0
    activity = activity.assign(
        on=on,
        before_2=days(habit, 0, on),
        before_1=days(habit, 1, on),
        after_1=days(habit, 2, on, 0.3),
    )
    quiet, rows = 7 * rng.beta(3, 9, members), []
    for day in range(3):
        weeks = [days(quiet, week, day) for week in range(3)]
        change, before = weeks[2] - weeks[1], weeks[1] - weeks[0]
        rows.append((0, day, members, change.sum(), change @ change, before.sum(), before @ before))
    names = ["campaign", "on", "n", "change", "change_squared", "earlier", "earlier_squared"]
    return activity, pd.DataFrame(rows, columns=names)


def test_what_playing_adds_is_covered_where_before_and_after_is_not():
    rng, ours, naive = np.random.default_rng(2), [], []
    for _ in range(REPLICATIONS):
        activity, others = games(rng)
        made = assists.Measures(
            source="", as_of=dt.date(2026, 1, 1), min_users=30, games=("tea",), lives=(3,),
            play_days=14, players=pd.DataFrame({"campaign": []}), immature=(0,), activity=activity,
            others=others, left_out=(0,), has_events=True,
        )  # fmt: skip
        row = assists.assists(made, level=LEVEL).activity.iloc[0]
        ours.append(row["ci_lower"] <= 0.3 <= row["ci_upper"])
        change = activity["after_1"] - activity["before_1"]
        ends = ttest_1samp(change, 0).confidence_interval(LEVEL)
        naive.append(ends.low <= 0.3 <= ends.high)
    assert 0.93 <= np.mean(ours) <= 0.98
    assert np.mean(naive) < 0.5


def test_what_the_best_inviters_bring_is_covered_where_shares_of_people_are_not():
    """Numbers of friends are negative binomial; the bound of the best tenth is estimated, too."""
    rng, n, mean, shape = np.random.default_rng(3), 355, 1.8, 1.5

    def draw(many):
        return rng.poisson(rng.gamma(shape, mean / shape, many)).astype(float)

    many = draw(4_000_000)
    truths = top_share(many, 0.1)[0], gini(many)[0]
    held, naive = np.zeros(2), 0
    for _ in range(2_000):
        friends = draw(n)
        for i, (value, influence) in enumerate((top_share(friends, 0.1), gini(friends))):
            lower, upper = find_ends(value, influence, np.arange(n), level=LEVEL)
            held[i] += lower <= truths[i] <= upper
        value = top_share(friends, 0.1)[0]
        # As if each new member were drawn anew, by the best or by the others.
        half = 1.96 * np.sqrt(value * (1 - value) / friends.sum())
        naive += abs(value - truths[0]) <= half
    assert (held / 2_000 >= 0.935).all()
    assert (held / 2_000 <= 0.96).all()
    assert not 0.94 <= naive / 2_000 <= 0.96
