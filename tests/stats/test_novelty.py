"""The course of an effect: by hand, against statsmodels, and refused where there is none."""

import numpy as np
import pytest
import statsmodels.api as sm
from siyu.stats.novelty import follow_effect

LEVEL = 0.95


def counts(days=21, seed=1):
    rng = np.random.default_rng(seed)
    n = rng.integers(20, 60, (2, days))
    return {
        "day": np.arange(days),
        "count": rng.binomial(n[0], 0.4),
        "n": n[0],
        "other_count": rng.binomial(n[1], 0.3),
        "other_n": n[1],
    }


def test_equal_days_give_plain_means_by_hand():
    """Ten people a side and day: 5 against 3 in the first week, 4 against 3 later."""
    day = np.arange(14)
    found = follow_effect(
        day, count=np.where(day < 7, 5, 4), n=[10] * 14, other_count=[3] * 14, other_n=[10] * 14,
        level=LEVEL,
    )  # fmt: skip
    values = {name: span.value for name, span in found.spans.items()}
    assert values == pytest.approx({"all": 0.15, "first": 0.2, "later": 0.1, "change": -0.1})
    assert found.trend < 0
    # Weight 5 a day, squared distance 0.05 ** 2 from the mean on each of 14 days, 13 degrees of
    # freedom, over p (1 - p) of 105 conversions among 280 people.
    assert found.spread == pytest.approx(5 * 14 * 0.0025 / 13 / (0.375 * 0.625))


def test_statsmodels_gives_the_same_weighted_lines():
    asked = counts()
    found = follow_effect(**asked, level=LEVEL)
    difference = asked["count"] / asked["n"] - asked["other_count"] / asked["other_n"]
    weight = asked["n"] * asked["other_n"] / (asked["n"] + asked["other_n"])
    line = sm.WLS(difference, sm.add_constant(np.log1p(asked["day"])), weights=weight).fit()
    assert found.trend == pytest.approx(line.params[1])
    assert found.trend_p == pytest.approx(line.pvalues[1])
    step = sm.WLS(difference, sm.add_constant(1.0 * (asked["day"] >= 7)), weights=weight).fit()
    change = found.spans["change"]
    assert [change.value, change.ci_lower, change.ci_upper] == pytest.approx(
        [step.params[1], *step.conf_int()[1]]
    )


def test_exchanging_the_sides_turns_every_sign_and_nothing_else():
    asked = counts()
    found = follow_effect(**asked, level=LEVEL)
    swapped = {"count": "other_count", "n": "other_n", "other_count": "count", "other_n": "n"}
    turned = follow_effect(
        asked["day"], **{name: asked[other] for name, other in swapped.items()}, level=LEVEL
    )
    assert turned.trend == pytest.approx(-found.trend)
    assert turned.trend_p == pytest.approx(found.trend_p)
    for name, span in found.spans.items():
        assert turned.spans[name].ci_lower == pytest.approx(-span.ci_upper)


def test_days_without_people_on_both_sides_do_not_count():
    asked = counts()
    more = {name: np.append(part, 0) for name, part in asked.items()} | {"day": np.arange(22)}
    more["other_n"] = np.append(asked["other_n"], 50)
    found = follow_effect(**more, level=LEVEL)
    assert found.n_days == 21
    assert found.spans == follow_effect(**asked, level=LEVEL).spans


def test_too_short_a_course_is_none():
    asked = counts(days=13)
    assert follow_effect(**asked, level=LEVEL) is None
    late = counts(days=20)
    assert follow_effect(**(late | {"day": np.arange(30, 50)}), level=LEVEL) is None


def test_where_nobody_converts_there_is_no_spread_and_no_test():
    asked = counts() | {"count": np.zeros(21), "other_count": np.zeros(21)}
    found = follow_effect(**asked, level=LEVEL)
    assert found.spans["all"].value == 0
    assert np.isnan([found.spread, found.trend_p]).all()


def test_more_than_there_are_is_refused():
    asked = counts() | {"count": np.full(21, 100)}
    with pytest.raises(ValueError, match="must not exceed"):
        follow_effect(**asked, level=LEVEL)
