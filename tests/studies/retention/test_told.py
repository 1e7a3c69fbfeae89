"""What is said, found and drawn of staying: up, down, unclear and insufficient."""

import datetime as dt
import io
from dataclasses import replace
from unittest import mock

import numpy as np
import pytest
from PIL import Image
from siyu.language import speaking
from siyu.studies import retention
from siyu.studies.retention import RetentionError, figures, sentences
from siyu.studies.retention.definition import Definition

from tests.studies.retention.builders import reduced

LEVEL = 0.95
WEEK = Definition(days=[7, 30], return_events=["browse"])
OLD, NEW = dt.date(2025, 12, 1), dt.date(2026, 1, 19)
LIMITS = {"7": 0.3, "30": 0.2}
STAYS = [("a", 24, 1, 150), ("a", 2400, 0, 250), ("b", 240, 1, 50), ("b", 2400, 0, 350)]


def pool(a: int = 200, b: int = 40, *, definition: Definition = WEEK, **options):
    """Two segments of 400, of which a and b come back from day 7 on, half of them from day 30."""
    risk = [("a", OLD, 60, 400), ("b", OLD, 60, 400), ("b", NEW, 9, 40)]
    kept = [
        (name, OLD, 60, k, n // part)
        for name, n in (("a", a), ("b", b))
        for k in range(1, 31)
        for part in [1 if k < 30 else 2]
    ]
    return reduced(definition, risk, kept, STAYS, **options)


def findings(measures, **options):
    rated = retention.rates(measures, level=LEVEL)
    stays, _ = retention.mean_stay(measures, horizon_days=90, level=LEVEL)
    told = {"thresholds": LIMITS, "horizon_days": 90, "level": LEVEL} | options
    return {one.id: one for one in retention.conclude(measures, rated=rated, stays=stays, **told)}


def pictures(measures):
    rated = retention.rates(measures, level=LEVEL)
    compared = retention.compare_segments(measures, rated, level=LEVEL)
    cohorts = retention.by_cohort(measures, level=LEVEL)
    stays, p = retention.mean_stay(measures, horizon_days=90, level=LEVEL)
    curves = retention.stay(measures, horizon_days=90, level=LEVEL)
    same = retention.same_people(measures, level=LEVEL)
    limits = {"thresholds": LIMITS, "level": LEVEL}
    return [
        retention.draw_curve(measures, rated, same, **limits),
        retention.draw_segments(measures, compared, rated, **limits),
        retention.draw_cohorts(measures, cohorts, retention.means(cohorts)),
        retention.draw_stay(measures, curves, stays, p, horizon_days=90, level=LEVEL),
    ]


FORMS = {
    "from": (WEEK, "came back on days 30 to 36", "在第 30～36 天回访"),
    "on": (Definition(kind="on", days=[7, 30], return_events=["x"]), "on day 30", "在第 30 天回访"),
    "within": (
        Definition(kind="within", days=[7, 30], return_events=["x"]),
        "came back on days 1 to 30",
        "在第 1～30 天内回访",
    ),
    "connected": (
        Definition(retained_as="connected", days=[7, 30]),
        "were still connected at the end of day 30",
        "已观察到第 30 天结束的",
    ),
    "24h": (
        Definition(retained_as="connected", clock="24h", days=[7, 30]),
        "users followed for 30 times 24 hours",
        "加粉已满 30 个 24 小时的",
    ),
}


@pytest.mark.parametrize(("definition", "english", "chinese"), FORMS.values(), ids=FORMS)
def test_the_headline_says_what_staying_is(definition, english, chinese):
    measures = pool(definition=definition)
    rated = retention.rates(measures, level=LEVEL)
    assert english in retention.say_retention(measures, rated, level=LEVEL)
    with speaking("zh"):
        assert chinese in retention.say_retention(measures, rated, level=LEVEL)


def test_the_headline_gives_rate_interval_denominator_and_those_not_judged():
    measures = pool()
    text = retention.say_retention(measures, retention.rates(measures, level=LEVEL), level=LEVEL)
    assert text == (
        "Of 800 users followed long enough, 30.0% (95% CI 26.9% to 33.3%) came back on days 7 to "
        "13. Of 800 users followed long enough, 15.0% (95% CI 12.7% to 17.6%) came back on days "
        "30 to 36. 40 were added too recently to be judged on day 30."
    )


@pytest.mark.parametrize(
    ("a", "b", "text"),
    [
        (
            200,
            40,
            "By channel, the return rate of day 30 is higher in “a” than in the others, and lower "
            "in “b”",
        ),
        (
            100,
            96,
            "By channel, no return rate of day 30 clearly differs from that of the others",
        ),
    ],
)
def test_segments_are_better_worse_or_unclear(a, b, text):
    measures = pool(a, b)
    compared = retention.compare_segments(
        measures, retention.rates(measures, level=LEVEL), level=LEVEL
    )
    told = {"by": ["channel"], "retained_as": "active"}
    assert sentences.say_segments(compared, **told) == text
    one_sided = compared[compared["verdict"] != "lower"]
    assert "higher" in sentences.say_segments(one_sided, **told) or a == 100
    worse = compared[compared["verdict"] != "higher"]
    assert "lower" in sentences.say_segments(worse, **told) or a == 100


@pytest.mark.parametrize(
    ("retained_as", "said", "never"),
    [("active", "回访率", "仍未离开"), ("connected", "仍未离开", "回访")],
)
def test_in_chinese_each_sentence_says_which_staying_it_means(retained_as, said, never):
    """留存 alone may mean either: who comes back, or who has not left."""
    measures = pool(200, 40)
    measures = replace(measures, definition=replace(measures.definition, retained_as=retained_as))
    rated = retention.rates(measures, level=LEVEL)
    compared = retention.compare_segments(measures, rated, level=LEVEL)
    cohorts = retention.by_cohort(measures, level=LEVEL)
    with speaking("zh"):
        texts = [
            sentences.say_segments(compared, by=["channel"], retained_as=retained_as),
            sentences.say_cohorts(cohorts, retention.means(cohorts), retained_as=retained_as),
        ]
        found = retention.conclude(
            measures,
            rated=rated,
            stays=retention.mean_stay(measures, horizon_days=30, level=LEVEL)[0],
            horizon_days=30,
            thresholds={},
            level=LEVEL,
        )
    texts += [one.message for one in found if one.id.startswith("retention.day_")]
    for text in texts:
        assert said.removesuffix("率") in text
        assert never not in text
        assert "留存" not in text


class TestFindings:
    def test_below_the_threshold_is_an_alert_with_the_action_of_its_day(self):
        found = findings(pool(b=80))
        assert found["retention.day_7.b"].status == "alert"
        assert "welcome flow" in found["retention.day_7.b"].action
        assert found["retention.day_30.b"].status == "alert"
        assert "Content" in found["retention.day_30.b"].action
        assert found["retention.day_7.a"].status == "ok"
        assert found["retention.day_7.a"].action == ""
        assert found["retention.day_7"].status == "ok"
        assert found["retention.day_30"].status == "watch"

    def test_thresholds_of_the_field_judge_nothing_else(self):
        found = findings(pool(definition=FORMS["on"][0]))
        assert {one.threshold for one in found.values()} == {None}
        assert found["retention.day_7"].status == "info"

    def test_what_hangs_on_one_comparison_of_many_is_watched_not_alarmed(self):
        """Twenty segments, one of which is just below: its interval says so, Holm does not."""
        risk = [(f"s{i:02}", OLD, 60, 100) for i in range(20)]
        kept = [(name, OLD, 60, 7, 21 if name == "s00" else 31) for name, *_ in risk]
        measures = reduced(WEEK, risk, kept)
        rated = retention.rates(measures, level=LEVEL).set_index(["segment", "k"])
        assert rated.loc[("s00", 7), "ci_upper"] < 0.31
        lower = findings(measures, thresholds={"7": 0.305})
        assert lower["retention.day_7.s00"].status == "watch"

    def test_other_days_have_an_action_of_their_own(self):
        other = Definition(days=[3, 7], return_events=["x"])
        risk = [("all", OLD, 60, 400)]
        kept = [("all", OLD, 60, k, 20) for k in range(1, 8)]
        found = findings(reduced(other, risk, kept), thresholds={"3": 0.3})
        assert found["retention.day_3"].action == "Look at what users get before this day."

    def test_too_few_users_are_insufficient_and_say_why(self):
        found = findings(pool(min_users=5000))
        assert list(found) == ["retention"]
        assert found["retention"].status == "insufficient"
        assert "840 users were added" in found["retention"].message
        nobody = reduced(WEEK, [], [], [])
        assert "No user was added" in findings(nobody)["retention"].message

    def test_the_stay_is_found_per_segment(self):
        found = findings(pool())
        assert found["retention.mean_stay"].unit == "days"
        assert found["retention.mean_stay.a"].value < found["retention.mean_stay.b"].value
        assert found["retention.mean_stay.a"].segment == {"channel": "a"}

    def test_small_groups_are_no_finding(self):
        risk = [("a", OLD, 60, 400), ("(small groups)", OLD, 60, 100)]
        stays = [("a", 24, 1, 50), ("a", 2400, 0, 350), ("(small groups)", 24, 1, 40)]
        stays += [("(small groups)", 2400, 0, 60)]
        assert not [name for name in findings(reduced(WEEK, risk, [], stays)) if "small" in name]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_figure_is_drawn_whole_with_its_finding_and_its_numbers(language):
    with speaking(language):
        drawn = pictures(pool())
    assert [one.name for one in drawn] == ["curve", "segments", "cohorts", "stay"]
    for one in drawn:
        pixels = np.asarray(Image.open(io.BytesIO(one.png)).convert("L"))
        assert pixels.shape[1] == 1800
        assert (pixels[:, -4:] > 250).all()
        assert pixels.min() < 60
        assert one.alt
        assert len(one.table)


def test_without_segments_and_the_same_people_the_figures_are_simpler():
    risk = [("all", OLD, 9, 50), ("all", NEW, 1, 20)]
    short = Definition(kind="on", days=[1, 3], return_events=["x"])
    measures = reduced(
        short, risk, [("all", OLD, 9, 1, 20)], [("all", 24, 1, 5), ("all", 90, 0, 65)]
    )
    curve, segments, cohorts, stay = pictures(measures)
    assert "There are not two segments" in segments.alt
    assert "Day 3: 0.0%" in cohorts.alt
    assert "Nobody was followed for 90 days" in stay.alt
    assert "on day 3" in curve.alt


def test_where_nothing_can_be_said_the_reason_is_drawn():
    for one in pictures(pool(min_users=5000)):
        assert one.alt
    assert "840 users were added" in pictures(pool(min_users=5000))[0].alt
    assert "No cohort is finished" in pictures(pool(min_users=5000))[2].alt


@pytest.mark.parametrize(
    ("stays", "text"),
    [
        ([("all", 2400, 0, 90)], "Nobody has left"),
        (
            [("all", 24, 1, 45), ("all", 2400, 0, 45)],
            "In the first 90 days users stay connected for 45.5 days on average",
        ),
        (
            [(name, 24, 1, 45) for name in "ab"] + [(name, 2400, 0, 45) for name in "ab"],
            "no clear difference between the segments",
        ),
        (
            [("a", 24, 1, 80), ("a", 2400, 0, 10), ("b", 24, 1, 10), ("b", 2400, 0, 80)],
            "longest “b”, shortest “a”",
        ),
        (
            [
                *(("a", 24, 1, 80), ("a", 2400, 0, 10), ("b", 24, 1, 10), ("b", 2400, 0, 80)),
                *(("c", 24, 1, 10), ("c", 2400, 0, 80)),
            ],
            "; the segments differ (log-rank test)",
        ),
        ([("all", 24, 1, 9), ("all", 2400, 0, 81)], "too few have left to say how exactly"),
    ],
)
def test_a_stay_differs_is_alike_or_has_no_end_yet(stays, text):
    risk = [(name, OLD, 60, 90) for name in dict.fromkeys(row[0] for row in stays)]
    measures = reduced(WEEK, risk, [], stays)
    found, p = retention.mean_stay(measures, horizon_days=90, level=LEVEL)
    assert text in sentences.say_stay(found, p, horizon_days=90, level=LEVEL)


def test_what_cannot_be_judged_yet_is_left_out_of_the_figures():
    """A new segment, followed for nine days: it has a rate on day 3 and none on day 30."""
    asked = Definition(kind="on", days=[3, 30], return_events=["x"])
    risk = [("a", OLD, 60, 400), ("new", NEW, 9, 100)]
    kept = [("a", OLD, 60, 3, 100), ("a", OLD, 60, 30, 50), ("new", NEW, 9, 3, 60)]
    measures = reduced(asked, risk, kept, min_users=30)
    rated = retention.rates(measures, level=LEVEL)
    compared = retention.compare_segments(measures, rated, level=LEVEL)
    assert set(zip(compared["segment"], compared["k"], strict=True)) == {("a", 3), ("new", 3)}
    for one in pictures(measures):
        assert one.png


def test_a_pool_too_young_for_the_last_day_speaks_of_the_days_there_are():
    risk, kept = [("all", NEW, 13, 100)], [("all", NEW, 13, 7, 40)]
    measures = reduced(WEEK, risk, kept, min_users=30)
    rated = retention.rates(measures, level=LEVEL)
    text = retention.say_retention(measures, rated, level=LEVEL)
    assert text.startswith("Of 100 users followed long enough, 40.0%")
    assert text.endswith("100 were added too recently to be judged on day 30.")
    curve = pictures(measures)[0]
    assert "came back on days 7 to 13" in curve.alt
    nothing = retention.rates(reduced(WEEK, [], []), level=LEVEL)
    said = retention.say_retention(reduced(WEEK, [], []), nothing, level=LEVEL)
    assert said.startswith("No user was added")


def test_days_that_cannot_be_judged_and_thresholds_of_other_days_are_found_and_said():
    young = reduced(WEEK, [("all", NEW, 20, 400)], [("all", NEW, 20, 7, 40)], min_users=30)
    found = findings(young, thresholds={"7": 0.3, "60": 0.1})
    assert found["retention.day_7"].status == "alert"
    assert found["retention.day_30"].status == "insufficient"
    assert found["retention.day_30"].message == ("On day 30 fewer than 30 users can be judged yet.")
    assert "Day 60 has a threshold" in found["retention.day_60"].message


def test_a_threshold_of_no_day_is_refused():
    with pytest.raises(RetentionError, match="'x' is no day"):
        findings(pool(), thresholds={"x": 0.3})


def test_everyone_is_one_comparison_and_needs_the_interval_only():
    """10 of 31 against 0.5: the interval ends at 0.4986, the mid-p is 0.0501."""
    few = reduced(WEEK, [("all", OLD, 60, 31)], [("all", OLD, 60, 7, 10)])
    found = findings(few, thresholds={"7": 0.5})["retention.day_7"]
    assert found.ci_upper < 0.5
    assert found.status == "alert"


def test_no_day_that_was_asked_for_means_no_curve_but_a_reason():
    late = Definition(days=[300], return_events=["x"])
    young = reduced(late, [("all", NEW, 20, 400)], [("all", NEW, 20, 7, 40)], min_users=30)
    assert "on none of the days can 30 be judged" in pictures(young)[0].alt
    assert findings(young)["retention"].status == "insufficient"


def test_of_many_cohorts_the_newest_are_drawn_and_it_is_said():
    daily = Definition(kind="on", cohort_unit="day", days=[1], return_events=["x"])
    first = dt.date(2025, 12, 1)
    risk = [("all", first + dt.timedelta(days=i), 61 - i, 50) for i in range(50)]
    drawn = []
    measures = reduced(daily, risk, [])
    with mock.patch.object(figures, "_footer", lambda _, method: drawn.append(method) or ""):
        cohorts = retention.by_cohort(measures, level=LEVEL)
        retention.draw_cohorts(measures, cohorts, retention.means(cohorts))
    assert drawn[0].startswith("The newest 26 of 50 cohorts")


def test_a_return_in_one_day_from_a_day_on_is_one_on_that_day():
    one_day = Definition(follow_days=1, days=[7, 30], return_events=["x"])
    measures = pool(definition=one_day)
    text = retention.say_retention(measures, retention.rates(measures, level=LEVEL), level=LEVEL)
    assert "came back on day 30" in text
    assert "days 30 to 30" not in text
