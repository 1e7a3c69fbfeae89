"""Looks at a running experiment: by hand, as if nothing later was known, and when it could end."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from siyu.stats.sequential import always_valid_reach
from siyu.studies.lures import LureError
from siyu.studies.lures.daily import watch

from tests.studies.lures.daily.builders import DAYS, FIRST, drawn, experiment

LEVEL = 0.95


def test_two_days_by_hand():
    found = watch(experiment([[40, 40], [40, 40]], [[20, 10], [24, 10]]), level=LEVEL)
    looks = found.looks
    assert looks["on"].tolist() == [FIRST + dt.timedelta(days=DAYS + day) for day in (0, 1)]
    assert looks["value"].tolist() == pytest.approx([20 / 40 - 10 / 40, 44 / 80 - 20 / 80])
    a, b = 45 / 82, 21 / 82
    error = np.sqrt((a * (1 - a) + b * (1 - b)) / 80)
    reach = always_valid_reach(error, 160, planned=160, level=LEVEL)
    assert looks["reach"].iloc[-1] == pytest.approx(reach)
    assert looks["naive_reach"].iloc[-1] == pytest.approx(1.959964 * error)


def test_who_is_followed_too_short_counts_at_no_look():
    whole = drawn([0.3, 0.4], days=20)
    short = drawn([0.3, 0.4], days=20, followed=DAYS + 10.0)
    found = watch(short, level=LEVEL, planned_users=1_600)
    longer = watch(whole, level=LEVEL, planned_users=1_600)
    assert found.n == (short.people["day"] <= 10).sum() < longer.n
    assert found.n_looks < longer.n_looks


def test_a_look_does_not_know_what_comes_after_it():
    long, short = drawn([0.3, 0.4], days=20), drawn([0.3, 0.4], days=20, followed=DAYS + 9.0)
    late, early = (watch(one, level=LEVEL, planned_users=1_600).looks for one in (long, short))
    pd.testing.assert_frame_equal(late.iloc[: len(early)], early)


def test_looks_are_apart_so_that_no_few_persons_lie_between_them():
    found = watch(drawn([0.3, 0.4, 0.5], daily=7, days=40), level=LEVEL).looks
    for _, own in found.groupby(["arm", "against"]):
        assert (own[["n", "n_against"]].diff().dropna() >= 30).all(axis=None)
        assert (own[["n", "n_against"]].iloc[0] >= 30).all()
    everyone = watch(drawn([0.3, 0.4, 0.5], daily=7, days=40, min_users=1), level=LEVEL)
    assert everyone.n_looks > found["on"].nunique()


def test_without_a_control_all_pairs_are_compared_and_with_one_only_those_with_it():
    alone = watch(drawn([0.3, 0.3, 0.3]), level=LEVEL).pairs
    held = watch(drawn([0.3, 0.3, 0.3], control="a"), level=LEVEL).pairs
    assert list(zip(alone["arm"], alone["against"], strict=True)) == [
        ("a", "b"), ("a", "c"), ("b", "c")
    ]  # fmt: skip
    assert list(zip(held["arm"], held["against"], strict=True)) == [("b", "a"), ("c", "a")]
    # Three pairs share the chance of an error, and then two.
    assert alone["ci_upper"][0] - alone["value"][0] > held["ci_upper"][0] - held["value"][0]


def test_the_winner_is_ahead_of_every_other_arm_and_not_only_of_the_worst():
    second = watch(drawn([0.5, 0.48, 0.1], seed=3), level=LEVEL)
    verdicts = second.pairs.set_index(["arm", "against"])["verdict"]
    assert verdicts.tolist() == ["unclear", "better", "better"]
    assert second.winner == ""
    assert second.won_on is None
    first = watch(drawn([0.2, 0.5, 0.1], seed=3), level=LEVEL)
    assert first.winner == "b"
    clear = first.pairs[(first.pairs["arm"] == "b") | (first.pairs["against"] == "b")]
    assert first.won_on == max(clear["clear_on"])
    assert 0 < first.n_then <= first.n


def test_a_lure_wins_against_the_control_alone_and_the_control_against_all_lures():
    won = watch(drawn([0.2, 0.45, 0.4], seed=4, control="a"), level=LEVEL)
    assert won.winner in ("b", "c")
    lost = watch(drawn([0.5, 0.2, 0.2], seed=4, control="a"), level=LEVEL)
    assert lost.winner == "a"
    assert lost.pairs["verdict"].tolist() == ["worse", "worse"]


def test_the_first_clear_look_stands_and_is_later_than_that_of_a_single_test():
    found = watch(drawn([0.45, 0.3], seed=5, min_users=1), level=LEVEL)
    row = found.pairs.iloc[0]
    clear = found.looks[found.looks["value"].abs() > found.looks["reach"]]
    assert row["clear_on"] == clear["on"].iloc[0]
    assert row["then"] == pytest.approx(clear["value"].iloc[0])
    assert row["naive_on"] < row["clear_on"]
    assert row["naive_calls"] > len(clear)


def test_the_order_of_rows_and_the_first_day_change_nothing():
    given = drawn([0.3, 0.4, 0.5])
    shuffled = given.people.sample(frac=1, random_state=1, ignore_index=True)
    found = watch(given, level=LEVEL)
    again = watch(type(given)(**{**vars(given), "people": shuffled}), level=LEVEL)
    pd.testing.assert_frame_equal(found.looks, again.looks)
    later = type(given)(**{**vars(given), "first_day": FIRST + dt.timedelta(days=5)})
    moved = watch(later, level=LEVEL).looks
    assert moved["on"].iloc[0] - found.looks["on"].iloc[0] == dt.timedelta(days=5)
    assert moved["value"].tolist() == found.looks["value"].tolist()


def test_one_day_is_one_look():
    found = watch(experiment([[50, 50]], [[20, 10]]), level=LEVEL)
    assert found.n_looks == 1


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        (drawn([0.3, 0.4], refused="one_arm"), "one_arm"),
        (experiment([[200, 100]], [[50, 20]]), "suspect"),
        (experiment([[10, 10]], [[5, 2]]), "young"),
        (drawn([0.3, 0.4], followed=3.0), "young"),
    ],
)
def test_what_cannot_be_looked_at_is_refused(given, refused):
    found = watch(given, level=LEVEL)
    assert (found.refused, len(found.looks), found.winner) == (refused, 0, "")


def test_whole_clusters_are_not_looked_at_as_persons():
    given = drawn([0.3, 0.4], cluster="staff_id")
    given.drawn["cluster"] = np.arange(len(given.drawn))
    assert watch(given, level=LEVEL).refused == "clustered"


def test_a_negative_plan_is_refused():
    with pytest.raises(LureError, match="planned_users = -1"):
        watch(drawn([0.3, 0.4]), level=LEVEL, planned_users=-1)
