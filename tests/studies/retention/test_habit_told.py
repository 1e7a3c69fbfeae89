"""What is said, found and drawn of habits: enough, too short, too few, no orders, no returns."""

import datetime as dt
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from siyu.language import speaking
from siyu.studies.retention import Definition, habit
from siyu.studies.retention.habit.measures import Gaps, Purchases

from tests.studies.retention.builders import LAST

LEVEL = 0.95
FIRST = dt.date(2025, 10, 1)
WEEK = Definition(return_events=["browse"])
ON = Definition(kind="on", return_events=["browse"])
WITHIN = Definition(kind="within", return_events=["browse"])
CONNECTED = Definition(retained_as="connected", return_events=["browse"])


def buyers(*rows: tuple[str, int, int, int, int], min_users: int = 30, **options) -> Purchases:
    """Each row: segment, seen, time, outcome, n."""
    names = {name for name, *_ in rows} - {"all", "(small groups)"}
    return Purchases(
        source="shop",
        first=FIRST,
        as_of=LAST,
        observed_from=dt.date(2025, 4, 1),
        repeat_days=90,
        min_users=min_users,
        by=("channel",) if names else (),
        segments={name: {"channel": name} for name in sorted(names)},
        buyers=pd.DataFrame(rows, columns=["segment", "seen", "time", "outcome", "n"]),
        **{"n_orders": 1000, "n_refunded": 20, "n_merged": 30} | options,
    )


def segments(a: int, b: int, *others: tuple[str, int, int, int, int]) -> Purchases:
    """Two segments of 100, of whom a and b buy again after 20 days, and others."""
    rows = [(name, 90, 20, 1, n) for name, n in (("a", a), ("b", b))]
    rows += [(name, 90, 90, 0, 100 - n) for name, n in (("a", a), ("b", b))]
    return buyers(*rows, *others)


def gaps(
    *medians: tuple[float, int], definition: Definition = WEEK, following=(), **options
) -> Gaps:
    n = sum(size for _, size in medians)
    return Gaps(
        definition=definition,
        source="shop",
        first=FIRST,
        as_of=LAST,
        min_users=30,
        medians=pd.DataFrame(medians, columns=["gap_days", "n"]),
        following=pd.DataFrame(following or [(5, 1, n)], columns=["time", "outcome", "n"]),
        **{"n_none": 7, "n_one": 11} | options,
    )


FEW_DAYS = [(2, 100), (5, 100)]
"""Four in five come back within 5 days."""
LONG = [(2, 100), (9.5, 100)]
MIXED = [(2, 75), (7, 4), (9, 21)]
"""The 80th percentile is 9, its interval from 2 to 9."""


def told(measured: Gaps) -> str:
    usage = habit.usage_interval(measured, level=LEVEL)
    following = habit.next_return(measured, level=LEVEL)
    return habit.say_gaps(measured, usage, following, level=LEVEL)


def rate_said(purchases: Purchases) -> str:
    return habit.say_repeats(purchases, habit.repeat_rates(purchases, level=LEVEL), level=LEVEL)


def findings(purchases: Purchases, measured: Gaps):
    rated = habit.repeat_rates(purchases, level=LEVEL)
    usage = habit.usage_interval(measured, level=LEVEL)
    found = habit.conclude(purchases, measured, rated=rated, usage=usage, level=LEVEL)
    return {one.id: one for one in found}


def pictures(purchases: Purchases, measured: Gaps):
    rated = habit.repeat_rates(purchases, level=LEVEL)
    compared = habit.compare_repeats(purchases, rated, level=LEVEL)
    curve = habit.repeat_curve(purchases, level=LEVEL)
    usage = habit.usage_interval(measured, level=LEVEL)
    return [
        habit.draw_repeats(purchases, curve, rated, compared, level=LEVEL),
        habit.draw_gaps(measured, usage, level=LEVEL),
    ]


def test_the_repeat_rate_is_said_with_what_counts_and_its_direction_of_error():
    purchases = segments(60, 40, ("a", 10, 10, 0, 25))
    assert rate_said(purchases) == (
        "Of 200 buyers followed for 90 days after their first order, 50.0% (95% CI 43.1% to "
        "56.9%) bought again on a later day of that time. 25 bought for the first time too "
        "recently to be judged. Of 1,000 orders in the log 20 were fully refunded and are no "
        "purchase, and 30 fell on a day on which the same user had bought already and are one "
        "purchase with that. What was bought before 1 Apr 2025 is unknown, so some of these first "
        "orders are repeats of loyal customers: the rate is too high rather than too low."
    )
    with speaking("zh"):
        text = rate_said(purchases)
    assert "首单后已观察满 90 天的 200 位用户中，有 50.0% 在此期间复购" in text
    assert "2025年4月1日之前的订单不得而知" in text


def test_without_refunds_and_without_the_immature_less_is_said():
    text = rate_said(buyers(("all", 90, 20, 1, 40), has_refunds=False))
    assert "refunds are not recorded" in text
    assert "too recently" not in text


OUTCOMES = {
    "no orders": (buyers(has_orders=False), "no table of orders", "没有订单表"),
    "nobody": (buyers(), "No first order lies between", "没有用户下首单"),
    "too few": (
        buyers(("all", 90, 90, 0, 29)),
        "Only 29 users bought for the first time in the period, fewer than 30.",
        "首购用户只有 29 位，不足 30 位",
    ),
    "too short": (
        buyers(("all", 90, 90, 0, 29), ("all", 10, 10, 0, 100)),
        "Of 129 buyers only 29 were followed for 90 days",
        "首单后已观察满 90 天的只有 29 位",
    ),
}


@pytest.mark.parametrize(("purchases", "english", "chinese"), OUTCOMES.values(), ids=OUTCOMES)
def test_where_no_rate_can_be_given_the_reason_is_said_found_and_drawn(purchases, english, chinese):
    assert english in rate_said(purchases)
    found = findings(purchases, gaps(*FEW_DAYS))
    assert found["retention.repeat_purchase"].status == "insufficient"
    assert found["retention.repeat_purchase"].value is None
    assert english in found["retention.repeat_purchase"].message
    # The rest runs.
    assert found["retention.usage_interval.median"].value == 2
    assert english in pictures(purchases, gaps(*FEW_DAYS))[0].alt
    with speaking("zh"):
        assert chinese in rate_said(purchases)


@pytest.mark.parametrize(
    ("purchases", "english", "chinese"),
    [
        (
            segments(60, 30),
            "“a” buy again more often than the others, “b” less",
            "“a”的复购率明显高",
        ),
        (segments(50, 50), "No clear difference in repeat purchases", "没有明显差异"),
        (buyers(("all", 90, 20, 1, 40)), "There are not two segments", "不足两个分组"),
    ],
)
def test_segments_buy_again_more_or_less_often_or_unclear(purchases, english, chinese):
    rated = habit.repeat_rates(purchases, level=LEVEL)
    compared = habit.compare_repeats(purchases, rated, level=LEVEL)
    assert english in habit.say_repeat_segments(compared, by=["channel"])
    with speaking("zh"):
        assert chinese in habit.say_repeat_segments(compared, by=["channel"])


def test_small_groups_are_never_named():
    purchases = segments(30, 30, ("(small groups)", 90, 20, 1, 100))
    rated = habit.repeat_rates(purchases, level=LEVEL)
    compared = habit.compare_repeats(purchases, rated, level=LEVEL)
    said = habit.say_repeat_segments(compared, by=["channel"])
    assert said == "By channel, “b”, “a” buy again less often than the others"
    only_higher = compared[compared["verdict"] == "higher"]
    assert "No clear" in habit.say_repeat_segments(only_higher, by=["channel"])
    alone = compared.assign(segment="c")[compared["verdict"] == "higher"]
    assert "“c” buy again more often" in habit.say_repeat_segments(alone, by=["channel"])
    assert not [name for name in findings(purchases, gaps(*LONG)) if "small" in name]


@pytest.mark.parametrize(
    ("medians", "english", "chinese", "status"),
    [
        (FEW_DAYS, "window of 7 days is long enough", "对其中八成用户够长", "ok"),
        (LONG, "window of 7 days is too short", "7 天太短", "watch"),
        (MIXED, "is not clear", "还看不清楚", "watch"),
    ],
)
def test_the_window_is_long_enough_too_short_or_unclear(medians, english, chinese, status):
    assert english in told(gaps(*medians))
    with speaking("zh"):
        assert chinese in told(gaps(*medians))
    found = findings(segments(60, 40), gaps(*medians))["retention.usage_interval.p80"]
    assert (found.status, found.threshold, found.direction) == (status, 7, "below")
    assert bool(found.action) == (medians is LONG)


def test_the_ends_of_the_interval_decide_on_the_window():
    """A window as long as the upper end is enough; one as long as the lower end may be."""
    assert "long enough for four in five of these users." in told(gaps((2, 50), (7, 50)))
    assert "is not clear" in told(gaps((7, 75), (9, 25)))


def test_a_window_of_one_day_and_none():
    assert "window of 1 day is too short" in told(gaps(*LONG, definition=ON))
    for definition in (WITHIN, CONNECTED):
        assert "window" not in told(gaps(*LONG, definition=definition))
        found = findings(segments(60, 40), gaps(*LONG, definition=definition))
        assert found["retention.usage_interval.p80"].status == "info"


def test_the_gaps_are_said_with_who_is_left_out_and_their_direction_of_error():
    text = told(gaps(*LONG, following=[(3, 1, 150), (20, 0, 40), (8, 2, 20)]))
    assert text.startswith(
        "Half of 200 users usually come back within 2.0 days (95% CI 2.0 to 9.5), four in five "
        "within 9.5 (95% CI 9.5 to 9.5)."
    )
    assert "nor are 11 users with one active day and 7 with none" in text
    assert "too short rather than too long" in text
    assert "half of 210 users are active again within 3.0 days" in text
    with speaking("zh"):
        text = told(gaps(*LONG))
    assert "一半人通常 2.0 天内再来" in text
    assert "这会让间隔偏短" in text


@pytest.mark.parametrize(
    ("following", "english", "chinese"),
    [
        ([(3, 1, 101), (9, 0, 99)], "CI from 3.0, without an upper end", "上限不明"),
        ([(3, 1, 50), (9, 2, 150)], "fewer than half are seen", "再次活跃的不到一半"),
        ([(3, 1, 29)], "fewer than half are seen", "不到一半"),
    ],
)
def test_half_may_never_be_seen_to_come_back(following, english, chinese):
    assert english in told(gaps(*LONG, following=following))
    with speaking("zh"):
        assert chinese in told(gaps(*LONG, following=following))


NO_GAPS = {
    "no returns": (gaps(has_returns=False), "No event is named as a return", "算回访"),
    "nobody": (gaps(), "No user was active on two days", "没有用户活跃满两天"),
    "too few": (gaps((3, 29)), "29 users were active on two days or more", "只有 29 位"),
}


@pytest.mark.parametrize(("measured", "english", "chinese"), NO_GAPS.values(), ids=NO_GAPS)
def test_where_no_gap_can_be_given_the_reason_is_said_found_and_drawn(measured, english, chinese):
    assert english in told(measured)
    found = findings(segments(60, 40), measured)
    assert {found[f"retention.usage_interval.{name}"].status for name in ("median", "p80")} == {
        "insufficient"
    }
    assert found["retention.repeat_purchase"].value == 0.5
    assert english in pictures(segments(60, 40), measured)[1].alt
    with speaking("zh"):
        assert chinese in told(measured)


def test_findings_have_unit_denominator_interval_and_segment():
    found = findings(segments(60, 40, ("a", 10, 10, 0, 25)), gaps(*LONG))
    rate, own = found["retention.repeat_purchase"], found["retention.repeat_purchase.a"]
    assert (rate.unit, rate.n, rate.value, rate.segment) == ("share", 200, 0.5, {})
    assert (own.n, own.value, own.segment) == (100, 0.6, {"channel": "a"})
    assert own.message == (
        "“a”: 60.0% of 100 buyers bought again within 90 days (95% CI 50.2% to 69.1%)."
    )
    most = found["retention.usage_interval.p80"]
    assert (most.unit, most.n, most.value, most.ci_lower) == ("days", 200, 9.5, 9.5)
    refused = findings(buyers(("all", 90, 20, 1, 40), refused=("no such",)), gaps(*LONG))
    assert refused["retention.repeat_purchase.breakdown.1"].message == "no such"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_both_figures_are_drawn_whole_with_their_finding_and_numbers(language):
    with speaking(language):
        drawn = pictures(segments(60, 40), gaps((1, 90), (3, 80), (9, 60), (30, 5)))
    assert [one.name for one in drawn] == ["repeats", "gaps"]
    for one in drawn:
        pixels = np.asarray(Image.open(io.BytesIO(one.png)).convert("L"))
        assert pixels.shape[1] == 1800
        assert (pixels[:, -4:] > 250).all()
        assert pixels.min() < 60
        assert one.alt
        assert len(one.table)


def test_without_segments_nobody_back_and_no_window_the_figures_are_simpler():
    nobody = buyers(("all", 90, 90, 0, 40))
    repeats, usual = pictures(nobody, gaps((4, 200), definition=WITHIN))
    assert "0.0%" in repeats.alt
    assert "within 4.0 days" in usual.alt
    assert habit.spread(gaps((4, 200))).to_numpy().tolist() == [[4, 4, 200, 1]]


def test_no_step_of_the_distribution_is_of_a_few_persons():
    table = habit.spread(gaps((1, 40), (2, 10), (2.5, 25), (4, 31), (90, 29)))
    assert table["n"].tolist() == [40, 35, 60]
    assert table["to_days"].tolist()[:2] == [1, 2.5]
    assert np.isnan(table["to_days"].iloc[-1])  # nobody's 90 days are told
    assert table["at_most"].iloc[-1] == 1
    assert len(habit.spread(gaps((1, 5)))) == 1
    assert habit.spread(gaps()).empty
