"""Does a lead fade? Pairs against the plain statistic, weeks that sum, and refusals."""

from __future__ import annotations

import numpy as np
import pytest
from siyu.stats.intervals import newcombe_difference
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.stats.novelty import follow_effect
from siyu.studies.lures.daily import follow
from siyu.studies.lures.daily.looks import count_days

from tests.studies.lures.daily.builders import drawn, experiment

LEVEL = 0.95


def test_each_pair_is_the_plain_statistic_at_the_joint_level():
    given = drawn([0.3, 0.4, 0.5])
    days, n, came = count_days(given)
    found = follow(given, level=LEVEL).pairs
    plain = follow_effect(
        days, count=came[:, 0], n=n[:, 0], other_count=came[:, 2], other_n=n[:, 2],
        level=bonferroni_level(LEVEL, 3),
    )  # fmt: skip
    row = found[(found["arm"] == "a") & (found["against"] == "c")].iloc[0]
    assert row["first_upper"] == pytest.approx(plain.spans["first"].ci_upper)
    assert row["trend_p"] == pytest.approx(plain.trend_p)
    assert found["trend_p_holm"].tolist() == pytest.approx(holm(found["trend_p"]).tolist())


def test_weeks_hold_everybody_and_are_newcombes():
    given = drawn([0.3, 0.4], days=30)
    _, n, came = count_days(given)
    weeks = follow(given, level=LEVEL).weeks
    assert weeks[["n", "n_against"]].sum().tolist() == n.sum(axis=0).tolist()
    first = n[:7].sum(axis=0), came[:7].sum(axis=0)
    value, lower, _ = newcombe_difference(
        first[1][0], first[0][0], first[1][1], first[0][1], level=bonferroni_level(LEVEL, 5)
    )
    assert weeks.loc[0, ["value", "ci_lower"]].tolist() == pytest.approx(
        [float(value), float(lower)]
    )


def test_a_fading_lead_is_called_from_either_side_and_a_steady_one_is_not():
    fading = follow(drawn([0.2, 0.2], daily=600, fading=0.2), level=LEVEL).pairs.iloc[0]
    assert fading["verdict"] == "fades"
    assert fading["first"] > fading["later"]
    behind = follow(drawn([0.1, 0.3], daily=600, fading=0.15), level=LEVEL).pairs.iloc[0]
    assert behind["all"] < 0
    assert behind["verdict"] == "grows"  # the lead is the other arm's
    steady = follow(drawn([0.3, 0.2], daily=600), level=LEVEL).pairs.iloc[0]
    assert steady["verdict"] == "steady"


def test_a_week_of_few_people_joins_the_one_before():
    n = np.full((22, 2), 20)
    n[21] = 3
    weeks = follow(experiment(n, n // 2), level=LEVEL).weeks
    assert weeks["n"].tolist() == [140, 140, 143]


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        (drawn([0.3, 0.4], days=13), "short"),
        (drawn([0.3, 0.4], refused="none"), "none"),
        (drawn([0.3, 0.4], followed=0.0), "young"),
    ],
)
def test_too_short_a_test_is_refused(given, refused):
    found = follow(given, level=LEVEL)
    assert (found.refused, len(found.pairs), len(found.weeks)) == (refused, 0, 0)
