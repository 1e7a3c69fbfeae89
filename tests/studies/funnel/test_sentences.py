from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from siyu.language import speaking
from siyu.studies.funnel import sentences
from siyu.studies.funnel.change import Change
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.measures import Measures
from siyu.studies.funnel.repair import per_point
from siyu.studies.funnel.spans import Span

from tests.studies.funnel.builders import reduced

Bounds = tuple[float, float, float]
LEVEL = 0.95
SPAN = Span(
    entry_from=datetime(2026, 2, 3, 16, tzinfo=UTC),
    eligible_until=datetime(2026, 3, 17, 15, 59, 59, 999999, tzinfo=UTC),
    as_of_end=datetime(2026, 3, 31, 16, tzinfo=UTC),
    previous_from=datetime(2025, 12, 23, 16, tzinfo=UTC),
)


def measures(depths: dict[int, int], *, waiting: int = 0, done: tuple[int, ...] = ()) -> Measures:
    counts = pd.DataFrame(
        [("all", "first", depth, n) for depth, n in depths.items()],
        columns=["segment", "half", "depth", "n"],
    )
    return Measures(
        definition=Definition(steps=["scan", "add", "order"], window_days=14),
        span=SPAN,
        source="pool",
        timezone="Asia/Shanghai",
        min_users=30,
        by=(),
        refused=(),
        segments={},
        counts=counts,
        waiting=pd.DataFrame({"segment": ["all"], "n": [waiting]}),
        weekly=pd.DataFrame(),
        drift=pd.DataFrame(),
        pairs=pd.DataFrame(),
        times=pd.DataFrame(),
        done=pd.Series(done or (100, 60, 20), index=["scan", "add", "order"]),
        tied_share=0.0,
    )


STEPS = pd.DataFrame(
    {
        "segment": "all",
        "step": ["scan", "add", "order"],
        "k": [1, 2, 3],
        "entered": 100,
        "reached": [100, 60, 20],
        "rate": [1, 0.6, 0.2],
        "ci_lower": [0.96, 0.5, 0.13],
        "ci_upper": [1.0, 0.69, 0.29],
        "step_rate": [1, 0.6, 1 / 3],
    }
)


def test_the_headline_gives_rate_interval_denominator_and_those_not_judged():
    text = sentences.say_conversion(measures({1: 40, 2: 40, 3: 20}, waiting=7), STEPS, level=LEVEL)
    assert text == (
        "Of 100 users who entered by “scan” (4 Feb 2026 to 17 Mar 2026), 20.0% (95% CI 13.0% to "
        "29.0%) reached “order” within 14 days. 7 more started too recently to be judged."
    )


@pytest.mark.parametrize(
    ("depths", "waiting", "text"),
    [
        ({}, 0, "No user did “scan” in 4 Feb 2026 to 17 Mar 2026: there is no funnel to measure."),
        ({}, 9, "All 9 users who started are still inside their window: nobody can be judged yet."),
        (
            {1: 1},
            0,
            "Only 1 user has a start that can be judged; at least 30 are needed (min_users).",
        ),
    ],
)
def test_too_few_users_are_said_to_be_too_few(depths, waiting, text):
    few = measures(depths, waiting=waiting)
    assert sentences.too_little(few) == text
    assert sentences.say_conversion(few, STEPS, level=LEVEL) == text
    assert sentences.say_loss(few, STEPS) == text


def test_in_any_order_any_step_may_be_the_start():
    anyhow = Definition(steps=["scan", "add", "order"], window_days=14, order="any")
    text = sentences.too_little(replace(measures({}), definition=anyhow))
    assert text.startswith("No user did any of the steps in 4 Feb 2026 to 17 Mar 2026")


def test_a_window_longer_than_the_period_is_said_with_its_remedy():
    short = measures({}, waiting=50)
    short = replace(short, span=replace(SPAN, eligible_until=SPAN.entry_from - timedelta(days=1)))
    assert sentences.too_little(short) == (
        "No start can be judged yet: the entry period is not longer than the window of 14 days. "
        "Use a longer period_days or a shorter window_days."
    )


def test_the_step_with_the_largest_share_lost_is_named():
    assert sentences.say_loss(measures({1: 40, 2: 40, 3: 20}), STEPS) == (
        "The largest share is lost from “add” to “order”: 66.7% of 60 users go no further"
    )


def test_where_nobody_is_lost_no_step_is_blamed():
    kept = STEPS.assign(reached=100, rate=1.0, step_rate=1.0)
    text = "Nobody is lost: all 100 users reached “add”"
    assert sentences.say_loss(measures({3: 100}), kept) == text
    none = GAINS.assign(step_rate=1.0)
    said = sentences.say_repair(measures({3: 100}), pd.DataFrame(), none, level=LEVEL)
    assert said == "No step loses users, so there is none to repair"


def test_what_was_done_but_not_counted_is_said():
    kept = measures({1: 40, 2: 40, 3: 20}, done=(100, 61, 20))
    assert sentences.say_unordered(kept, STEPS) == (
        "Not counted, because it was out of order, outside the window, before the start or ruled "
        "out otherwise: 1 did “add”."
    )
    assert sentences.say_unordered(measures({1: 40, 2: 40, 3: 20}), STEPS) == ""


def change(
    whole: tuple[float, float, float], rate: tuple[float, float, float], own: float
) -> Change:
    parts = {
        "before": (0.2, 0.18, 0.22),
        "now": (0.2 + whole[0], 0.1, 0.3),
        "change": whole,
        "mix": (whole[0] - rate[0], -1, 1),
        "rate": rate,
    }
    total = pd.DataFrame(
        [
            {"part": p, "value": v, "ci_lower": lo, "ci_upper": hi}
            for p, (v, lo, hi) in parts.items()
        ]
    )
    segments = pd.DataFrame({"segment": ["ads", "友"], "mix": [-0.05, 0.05], "change": [own, own]})
    verdict = "higher" if whole[1] > 0 else "lower" if whole[2] < 0 else "unclear"
    return Change(total=total, segments=segments, steps=pd.DataFrame(), verdict=verdict)


UP, DOWN, FLAT = (0.03, 0.01, 0.05), (-0.03, -0.05, -0.01), (0.001, -0.02, 0.022)


@pytest.mark.parametrize(
    ("found", "beginning"),
    [
        (
            change(UP, UP, 0.01),
            "Conversion rose from 20.0% to 23.0%: +3.0 pp (95% CI +1.0 pp to +5.0 pp).",
        ),
        (
            change(DOWN, DOWN, -0.01),
            "Conversion fell from 20.0% to 17.0%: −3.0 pp (95% CI −5.0 pp to −1.0 pp).",
        ),
        (
            change(FLAT, FLAT, 0.0),
            "No clear change of conversion, from 20.0% to 20.1%: +0.1 pp (95% CI −2.0",
        ),
    ],
)
def test_a_change_is_up_down_or_unclear_and_split_into_mix_and_rates(found, beginning):
    text = sentences.say_change(measures({1: 100}), found, level=LEVEL)
    assert text.startswith(beginning)
    assert "Mix of segments" in text
    assert "Simpson" not in text


def test_a_change_without_an_interval_is_not_called_a_change():
    nothing = (0.0, float("nan"), float("nan"))
    text = sentences.say_change(measures({1: 100}), change(nothing, nothing, 0.0), level=LEVEL)
    assert text.startswith("No clear change of conversion, from 20.0% to 20.0%: 0.0 pp")


def test_a_change_whose_p_value_says_no_is_not_called_a_change():
    unclear = replace(change(DOWN, UP, 0.02), verdict="unclear")
    text = sentences.say_change(measures({1: 100}), unclear, level=LEVEL)
    assert text.startswith("No clear change of conversion, from 20.0% to 17.0%: −3.0 pp")
    assert "Simpson" not in text


def test_a_total_that_falls_while_segments_rise_is_called_by_its_name():
    text = sentences.say_change(measures({1: 100}), change(DOWN, UP, 0.02), level=LEVEL)
    assert text.endswith(
        "This is Simpson's paradox: within segments conversion rose by +3.0 pp (95% CI +1.0 pp to "
        "+5.0 pp), and the total still fell, because the mix moved, above all with "
        "“ads”. Look at where users come from, not at the steps."
    )


def test_a_mix_that_outweighs_is_no_paradox_where_a_segment_moves_the_other_way():
    found = change(DOWN, UP, 0.02)
    found.segments.loc[0, "change"] = -0.001
    text = sentences.say_change(measures({1: 100}), found, level=LEVEL)
    assert "The mix outweighs the rates: within segments conversion rose" in text
    assert "paradox" not in text


def test_a_total_that_rises_while_segments_fall_hides_a_loss():
    text = sentences.say_change(measures({1: 100}), change(UP, DOWN, -0.02), level=LEVEL)
    assert "within segments conversion fell by −3.0 pp" in text
    assert "above all with “友”. The gain hides a loss in the steps." in text


def test_one_segment_has_no_mix():
    found = change(UP, UP, 0.01)
    alone = replace(found, segments=found.segments.iloc[:1])
    assert "Mix" not in sentences.say_change(measures({1: 100}), alone, level=LEVEL)


def test_spans_that_are_no_whole_weeks_are_said_to_hold_different_weekdays():
    """42 days are six weeks; 40 hold two weekdays once more than the others."""
    users = measures({1: 100})
    cut = replace(users, span=replace(SPAN, entry_from=SPAN.entry_from + timedelta(days=2)))
    for found in (change(UP, UP, 0.01), change(DOWN, UP, 0.02)):
        whole, part = (sentences.say_change(m, found, level=LEVEL) for m in (users, cut))
        assert part == (
            f"{whole} The spans of 40 days are no whole weeks: some of the change may be weekdays."
        )


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("not_asked", "no comparison was asked for"),
        ("no_window", "without a window an earlier period has had longer to convert"),
        ("immature", "no start of this period has had its whole window yet"),
        ("short_log", "the log does not reach back over a whole earlier period"),
    ],
)
def test_no_comparison_says_why(reason, said):
    span = replace(SPAN, previous_from=None, no_previous=reason)
    early = replace(measures({1: 100}), span=span)
    text = sentences.say_change(early, None, level=LEVEL)
    assert text == f"Not compared with an earlier period: {said}."


def test_too_few_users_in_a_span_are_no_comparison():
    assert sentences.say_change(measures({1: 100}), None, level=LEVEL) == (
        "Not compared with an earlier period: fewer than 30 users entered in one of the two spans."
    )


def compared(**verdicts: str) -> pd.DataFrame:
    return pd.DataFrame({"segment": list(verdicts), "verdict": list(verdicts.values())})


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (pd.DataFrame(), "There are not two segments to compare."),
        (
            compared(a="unclear", b="unclear"),
            "No clear difference between the 2 segments by channel",
        ),
        (
            compared(a="higher", b="unclear", c="lower"),
            "By channel, conversion is better than the others' in “a” and worse in “c”",
        ),
        (
            compared(a="higher", b="higher", c="higher", d="higher"),
            "By channel, conversion is better than the others' in “a”, “b”, “c” and 1 more",
        ),
    ],
)
def test_segments_are_named_only_where_they_clearly_differ(table, text):
    assert sentences.say_segments(table, by=["channel"]) == text


MEDIAN = {
    "segment": "all",
    "converted": 40,
    "horizon_days": 14.0,
    "median_days": 4.5,
    "ci_lower": 4.0,
    "ci_upper": float("nan"),
}


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (
            MEDIAN,
            "Half of those who convert within 14 days of the first start do so in 4.5 days (95% CI "
            "4.0 days to –)",
        ),
        (
            MEDIAN | {"converted": 0, "median_days": float("nan")},
            "Nobody has converted yet, so there is no time to convert",
        ),
        (
            MEDIAN | {"converted": 5, "median_days": float("nan")},
            "Too few have converted to say how long it takes (5), or nobody was followed to the "
            "end",
        ),
    ],
)
def test_the_median_time_is_that_of_those_who_convert(row, text):
    assert sentences.say_time(pd.DataFrame([row]), level=LEVEL) == text


def test_without_a_window_the_clock_runs_to_as_of():
    open_end = Definition(steps=["scan", "add", "order"], window_days=None)
    open_ended = replace(measures({1: 40, 2: 40, 3: 20}), definition=open_end)
    text = sentences.say_conversion(open_ended, STEPS, level=LEVEL)
    assert text.endswith("(95% CI 13.0% to 29.0%) reached “order” so far at as_of (no window).")


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ((0.03, 0.01, 0.05), "Conversion goes up over the entry weeks: +3.0 pp"),
        ((-0.03, -0.05, -0.01), "Conversion goes down over the entry weeks: −3.0 pp"),
        ((0.0, -0.01, 0.01), "No clear trend over the entry weeks: 0.0 pp"),
    ],
)
def test_a_trend_is_up_down_or_unclear(row, text):
    late = pd.DataFrame([row], columns=["difference", "ci_lower", "ci_upper"])
    definition = Definition(steps=["a", "b"])
    assert sentences.say_trend(definition, late, level=LEVEL).startswith(text)
    nothing = sentences.say_trend(definition, pd.DataFrame(), level=LEVEL)
    assert nothing == "Too few users in whole weeks to speak of a trend"


def test_without_a_window_no_trend_is_read():
    late = pd.DataFrame([(0.1, 0.05, 0.15)], columns=["difference", "ci_lower", "ci_upper"])
    text = sentences.say_trend(Definition(steps=["a", "b"], window_days=None), late, level=LEVEL)
    assert text.startswith("No trend can be read without a window")


GAINS = pd.DataFrame(
    {
        "step": ["add", "order"],
        "step_rate": [0.6, 0.3],
        "extra": [1.0, 2.5],
        "extra_lower": [0.8, 2.1],
        "extra_upper": [1.2, 2.9],
    }
)
REPAIRS = pd.DataFrame(
    {
        "segment": ["ads", "ads"],
        "step": ["order", "add"],
        "step_rate": [0.1, 0.2],
        "others_rate": [0.3, 0.3],
        "extra": [52.4, 20],
        "extra_lower": [28, 2],
        "extra_upper": [76, 40],
        "worth_cny": [3334.0, None],
        "worth_cny_lower": [1798.0, None],
        "worth_cny_upper": [4870.0, None],
        "clear": [True, True],
    }
)


def test_the_repair_that_brings_most_is_named_with_its_worth():
    users = measures({1: 100})
    assert sentences.say_repair(users, REPAIRS, GAINS, level=LEVEL) == (
        "Test a repair of “order” for “ads” first: at the other segments' rate (30.0% instead of "
        "10.0%) it would add 52 conversions (95% CI 28 to 76) in 42 days, worth 3,334 yuan (1,798 "
        "to 4,870)"
    )
    assert "yuan" not in sentences.say_repair(users, REPAIRS.iloc[1:], GAINS, level=LEVEL)


def test_where_no_segment_is_behind_the_step_that_pays_most_is_named():
    text = "ne point more at “order” would add most: 2.5 conversions (95% CI 2.1 to 2.9) in 42 "
    text += "days"
    behind = "No segment is clearly behind at any step; o"
    users = measures({1: 100})
    assert (
        sentences.say_repair(users, REPAIRS.assign(clear=False), GAINS, level=LEVEL)
        == behind + text
    )
    assert sentences.say_repair(users, pd.DataFrame(), GAINS, level=LEVEL) == "O" + text
    assert "at least 30" in sentences.say_repair(measures({1: 5}), REPAIRS, GAINS, level=LEVEL)


def test_where_nobody_gets_past_the_start_no_step_is_called_best():
    """Of 100 who enter nobody takes the second step, or nobody the two steps after it."""
    for exact in ((100, 0, 0, 0), (60, 40, 0, 0)):
        gains = per_point(reduced({"all": exact}, steps=("A", "B", "C", "D")), level=LEVEL)
        said = sentences.say_repair(measures({1: 100}), pd.DataFrame(), gains, level=LEVEL)
        assert said == "Nobody gets far enough to say what a better step would add"


def test_the_range_of_definitions_leaves_out_those_that_cannot_be_judged():
    table = pd.DataFrame({"rate": [0.1, 0.2, None], "asked": [True, False, False]})
    assert sentences.say_definitions(table) == (
        "The answer 10.0% lies between 10.0% and 20.0% under 2 defensible definitions"
    )
    same = sentences.say_definitions(table.assign(rate=0.1))
    assert same == "The answer 10.0% is the same under 3 defensible definitions"
    unasked = sentences.say_definitions(table.assign(asked=[False, False, True]))
    assert unasked == "Under the definition asked for too few users can be judged"
    assert sentences.say_definitions(table.assign(rate=float("nan"))) == (
        "No definition has users who can be judged"
    )


def test_in_any_order_nothing_is_out_of_order():
    definition = Definition(steps=["scan", "add", "order"], order="any")
    loose = replace(measures({1: 100}, done=(100, 90, 80)), definition=definition)
    assert sentences.say_unordered(loose, STEPS) == ""


def test_the_share_of_ties_is_said():
    tied = replace(measures({1: 100}), tied_share=0.0123)
    assert sentences.say_ties(tied) == (
        "1.2% of the rows of steps stand at the instant of another one of the same user: their "
        "order is not known"
    )


def test_a_placebo_that_fires_is_a_warning():
    row = {"difference": 0.03, "ci_lower": 0.01, "ci_upper": 0.05, "p": 0.01}
    fired = sentences.say_placebo(pd.DataFrame([row]), level=LEVEL)
    assert fired.startswith("Warning: users who started in the first half of a minute differ")
    assert "one in 20 such comparisons does by chance" in fired
    calm = sentences.say_placebo(pd.DataFrame([row | {"p": 0.3}]), level=LEVEL)
    assert calm.startswith("As expected")
    assert sentences.say_placebo(pd.DataFrame(), level=LEVEL).startswith("No placebo")


class TestInChinese:
    """The same outcomes, whole sentences of their own."""

    @pytest.fixture(autouse=True)
    def _in_chinese(self):
        with speaking("zh"):
            yield

    def test_the_headline(self):
        users = measures({1: 40, 2: 40, 3: 20}, waiting=7)
        assert sentences.say_conversion(users, STEPS, level=LEVEL) == (
            "2026年2月4日至2026年3月17日，共有 100 位用户从“扫码”进入漏斗，其中 20.0% 在 14 天内"
            "走到“下单”（95% 置信区间 13.0%～29.0%）。另有 7 位进入不久，窗口未满，暂不计入。"
        )

    @pytest.mark.parametrize(
        ("found", "text"),
        [
            (UP, "转化率上升：20.0% → 23.0%，+3.0 个百分点（95% 置信区间 +1.0～+5.0）"),
            (DOWN, "转化率下降：20.0% → 17.0%，−3.0 个百分点（95% 置信区间 −5.0～−1.0）"),
            (FLAT, "转化率没有明显变化：20.0% → 20.1%，+0.1 个百分点（95% 置信区间 −2.0～+2.2）"),
        ],
    )
    def test_a_change_is_up_down_or_unclear(self, found, text):
        moved = change(found, FLAT, 0.0)
        assert sentences.say_move(measures({1: 100}), moved, level=LEVEL) == text

    def test_a_paradox(self):
        text = sentences.say_change(measures({1: 100}), change(DOWN, UP, 0.02), level=LEVEL)
        assert "这是辛普森悖论：分组内的转化率在提升，合计贡献 +3.0 个百分点" in text
        assert text.endswith("影响最大的是“ads”。该查的是流量来源，不是转化环节。")

    @pytest.mark.parametrize(
        ("verdicts", "text"),
        [
            ({"a": "unclear", "b": "unclear"}, "按渠道看，2 个分组之间没有明显差异"),
            ({"a": "higher", "b": "unclear"}, "按渠道看，“a”的转化率明显高于其他分组"),
            ({"a": "unclear", "b": "lower"}, "按渠道看，“b”的转化率明显低于其他分组"),
            ({"a": "higher", "b": "lower"}, "按渠道看，“a”的转化率明显高于其他分组，“b”明显更低"),
        ],
    )
    def test_segments(self, verdicts, text):
        assert sentences.say_segments(compared(**verdicts), by=["channel"]) == text

    @pytest.mark.parametrize(
        ("depths", "waiting", "text"),
        [
            ({}, 0, "2026年2月4日至2026年3月17日没有用户产生“扫码”行为，无法计算漏斗。"),
            ({}, 9, "已进入的 9 位用户窗口都未满，暂时无法下结论。"),
            ({1: 1}, 0, "窗口已满的用户只有 1 位，至少要有 30 位（min_users）才能下结论。"),
        ],
    )
    def test_too_few_users(self, depths, waiting, text):
        assert sentences.too_little(measures(depths, waiting=waiting)) == text

    def test_no_comparison(self):
        text = sentences.say_change(measures({1: 100}), None, level=LEVEL)
        assert text == "没有与上一期对比：其中一期进入的用户不足 30 位。"
