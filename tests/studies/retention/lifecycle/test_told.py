"""What is said, found and drawn of the life cycle: grows, shrinks, falls, unclear, too little."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from siyu.findings import to_json
from siyu.language import speaking
from siyu.studies.retention import lifecycle

from tests.studies.retention.lifecycle.builders import STARTS, reduced

LEVEL = 0.95
HIGH = ["gold", "diamond"]
BASE = {"added": 1000, "active": 300, "dormant": 400, "lost": 100}
FALL = (
    ("gold", 1, "gold", 1, 120),
    ("gold", 1, "gold", 0, 40),
    ("gold", 0, "gold", 0, 40),
    ("ordinary", 1, "ordinary", 3, 200),
    ("ordinary", 0, "ordinary", 0, 200),
)
STAY = (("gold", 1, "gold", 1, 100), ("gold", 0, "gold", 0, 100))
HELD = (
    ("gold", 0, 200, 160),
    ("gold", 1, 200, 120),
    ("ordinary", 0, 400, 200),
    ("ordinary", 1, 400, 200),
)


def pool(new: int = 50, fell: int = 50, *, members=HELD, windows=FALL, **options):
    """Two weeks of 1,000 users; `new` join the active base in the last, `fell` fall out of it."""
    states = [BASE | {"new": 50, "fell_dormant": 50}, BASE | {"new": new, "fell_dormant": fell}]
    return reduced(states, members=members, windows=windows, **options)


def estimated(measures, high=HIGH):
    flowed = lifecycle.flows(measures, level=LEVEL)
    weekly = lifecycle.tier_weeks(measures, level=LEVEL)
    return flowed, weekly, lifecycle.tier_months(measures, high_tiers=high, level=LEVEL)


def findings(measures, *, threshold: float = 1.0, high=HIGH):
    flowed, weekly, monthly = estimated(measures, high)
    found = lifecycle.conclude(
        measures,
        flowed=flowed,
        weekly=weekly,
        monthly=monthly,
        high_tiers=high,
        quick_ratio_threshold=threshold,
        level=LEVEL,
    )
    about = {"notebook": "x", "as_of": "2026-03-15", "source": "shop", "parameters": {}}
    assert len(to_json(found, **about)["findings"]) == len(found)
    return {one.id: one for one in found}


def pictures(measures, high=HIGH):
    flowed, weekly, monthly = estimated(measures, high)
    return [
        lifecycle.draw_states(measures, flowed, quick_ratio_threshold=1.0, level=LEVEL),
        lifecycle.draw_tiers(measures, weekly, monthly, high_tiers=high, level=LEVEL),
    ]


@pytest.mark.parametrize(
    ("new", "fell", "english", "chinese"),
    [
        (90, 50, "The active base grows: in the week from 9 Mar 2026, 1.80 users joined", "在扩大"),
        (50, 90, "The active base shrinks: in the week from 9 Mar 2026, 0.56", "在缩小"),
        (50, 55, "No clear growth or loss of the active base", "活跃盘没有明显增减"),
        (5, 55, "fewer than 10 users joined the active base", "算不出增减比"),
    ],
)
def test_the_active_base_grows_shrinks_or_neither(new, fell, english, chinese):
    measures = pool(new, fell)
    flowed = estimated(measures)[0]
    text = lifecycle.say_lifecycle(measures, flowed, level=LEVEL)
    assert english in text
    assert text.endswith("of the 900 users still connected are dormant (95% CI 41.2% to 47.7%).")
    with speaking("zh"):
        text = lifecycle.say_lifecycle(measures, flowed, level=LEVEL)
        assert chinese in text
        assert "900 位用户中，44.4% 处于沉默" in text


@pytest.mark.parametrize(
    ("options", "english", "chinese"),
    [
        (
            {},
            "“gold”: fewer members are active in the 28 days to 15 Mar 2026",
            "低于2026年1月15日起的 28 天",
        ),
        ({"windows": STAY}, "No clear fall of activity of “gold”", "没有明显下降"),
        ({"members": None}, "There is no table of tiers", "没有会员等级表"),
        ({"members": ()}, "No user who had a tier was a member", "还没有评过级的会员"),
        ({"n_weeks": 0}, "Two whole weeks", "两个完整的自然周"),
        (
            {"windows": [(None, 0, "gold", 1, 99)], "starts": (None, STARTS[1])},
            "no 28 days that stand to a review",
            "还没有观察到距评级同样天数的 28 天",
        ),
        ({"windows": ()}, "no 28 days that stand to a review", "距评级同样天数的 28 天"),
        ({"windows": FALL[3:]}, "None of the high tiers “gold”, “diamond”", "都无从比较"),
    ],
)
def test_a_high_tier_falls_or_does_not_or_cannot_be_compared(options, english, chinese):
    measures = pool(**options)
    monthly = estimated(measures)[2]
    assert english in lifecycle.say_tiers(measures, monthly, high_tiers=HIGH)
    with speaking("zh"):
        assert chinese in lifecycle.say_tiers(measures, monthly, high_tiers=HIGH)


class TestFindings:
    def test_a_falling_high_tier_is_an_alert_that_names_the_change_of_all(self):
        found = findings(pool())
        gold = found["retention.tier.gold.change"]
        assert (gold.status, gold.threshold, gold.direction) == ("alert", 0.0, "above")
        assert gold.value == pytest.approx(-0.2)
        assert "60.0% of 200 members" in gold.message
        assert "all members changed by −6.7 pp" in gold.message
        assert "early access" in gold.action
        assert found["retention.tier.ordinary.change"].status == "info"
        assert found["retention.tier.ordinary.change"].threshold is None
        assert gold.segment == {"tier": "gold"}
        missing = found["retention.tier.diamond.change"]
        assert missing.status == "insufficient"
        assert "“diamond” cannot be compared" in missing.message
        with speaking("zh"):
            found = findings(pool())
        assert "“金卡会员”活跃下降" in found["retention.tier.gold.change"].message
        assert "全部会员的变化为 −6.7 个百分点" in found["retention.tier.gold.change"].message
        assert "专属客服" in found["retention.tier.gold.change"].action

    def test_a_fall_of_another_tier_is_told_and_no_alert(self):
        found = findings(pool(), high=["ordinary"])
        assert found["retention.tier.gold.change"].status == "info"
        assert "activity fell" in found["retention.tier.gold.change"].message
        assert found["retention.tier.ordinary.change"].status == "watch"

    def test_all_members_are_no_high_tier(self):
        found = findings(pool(), high=["all"])
        assert found["retention.tier"].status == "insufficient"
        assert found["retention.tier.gold.change"].status == "info"

    def test_a_rise_is_well_and_no_clear_change_is_watched(self):
        rise = [(now, int(b > 0), before, int(a > 0), n) for before, a, now, b, n in FALL]
        gold = findings(pool(windows=rise))["retention.tier.gold.change"]
        assert (gold.status, gold.action) == ("ok", "")
        assert "activity rose" in gold.message
        same = findings(pool(windows=STAY))["retention.tier.gold.change"]
        assert same.status == "watch"
        assert "did not clearly change" in same.message

    def test_what_only_the_interval_calls_a_fall_is_watched(self):
        """Fifteen high tiers that fall alike: no interval holds zero, and by Holm none is clear."""
        names = [f"t{i:02}" for i in range(15)]
        cells = ((1, 1, 80), (1, 0, 40), (0, 1, 16), (0, 0, 64))
        windows = [(tier, a, tier, b, n) for tier in names for a, b, n in cells]
        members = [(tier, place, 200, 100) for tier in names for place in (0, 1)]
        found = findings(pool(members=members, windows=windows), high=names)
        assert found["retention.tier.t00.change"].ci_upper < 0
        assert found["retention.tier.t00.change"].status == "watch"

    def test_the_quick_ratio_is_an_alert_when_its_whole_interval_is_below_the_threshold(self):
        low = findings(pool(50, 90))["retention.quick_ratio"]
        assert (low.status, low.unit, low.n) == ("alert", "ratio", 140)
        assert "The threshold is 1.00." in low.message
        assert "wake-up offers" in low.action
        assert findings(pool(50, 90), threshold=0.7)["retention.quick_ratio"].status == "watch"
        high = findings(pool(90, 50))["retention.quick_ratio"]
        assert (high.status, high.action) == ("ok", "")

    def test_shares_of_tiers_are_found_with_their_denominators(self):
        found = findings(pool())
        weekly = found["retention.tier.gold.weekly"]
        assert (weekly.value, weekly.n) == (0.6, 200)
        assert "in the week from 9 Mar 2026" in weekly.message
        monthly = found["retention.tier.gold.monthly"]
        assert (monthly.value, monthly.n) == (0.6, 200)
        sticky = found["retention.tier.ordinary.stickiness"]
        assert (sticky.value, sticky.n) == (0.75, 200)
        assert "75.0% of the four weeks" in sticky.message
        assert found["retention.lifecycle.dormant_share"].n == 900

    def test_too_few_active_members_have_no_stickiness(self):
        windows = [("gold", 1, "gold", 1, 29), ("gold", 0, "gold", 0, 90)]
        found = findings(pool(windows=windows))
        assert found["retention.tier.gold.stickiness"].status == "insufficient"
        assert (
            "fewer than 30 members were active" in found["retention.tier.gold.stickiness"].message
        )

    def test_without_tiers_the_part_says_so_and_the_rest_runs(self):
        found = findings(pool(90, 50, members=None))
        assert list(found) == [
            "retention.quick_ratio",
            "retention.lifecycle.dormant_share",
            "retention.tier",
        ]
        assert found["retention.tier"].status == "insufficient"
        assert found["retention.quick_ratio"].status == "ok"

    def test_too_little_is_insufficient_and_says_why(self):
        none = findings(pool(n_weeks=0, members=(), windows=()))
        assert "Two whole weeks" in none["retention.quick_ratio"].message
        few = findings(pool(min_users=2000))
        assert "Fewer than 2000 users" in few["retention.quick_ratio"].message
        assert few["retention.tier"].status == "insufficient"
        ratio = findings(pool(3, 3))["retention.quick_ratio"]
        assert (ratio.status, ratio.value) == ("insufficient", None)
        nearly_all_left = reduced([BASE | {"lost": 990, "dormant": 5, "active": 5}])
        assert "retention.lifecycle.dormant_share" not in findings(nearly_all_left)


@pytest.mark.parametrize(("after", "said_of"), [(14, "on day 14 after"), (None, "28 days before")])
def test_changes_of_high_tiers_are_said_with_how_members_were_picked(after, said_of):
    measures = replace(pool(), after_days=after)
    told = {"high_tiers": HIGH, "level": LEVEL}
    text = lifecycle.say_changes(measures, estimated(measures)[2], **told)
    assert "“gold”: activity fell. 60.0% of 200 members" in text
    assert "60.0% of 200 members were active in the 28 days to 15 Mar 2026, 80.0% in those" in text
    assert said_of in text
    none = pool(windows=())
    assert lifecycle.say_changes(none, estimated(none)[2], **told) == ""


def drawn_whole(picture) -> bool:
    pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("L"))
    return pixels.shape[1] == 1800 and (pixels[:, -4:] > 250).all() and pixels.min() < 60


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_figure_is_drawn_whole_with_its_finding_and_its_numbers(language):
    with speaking(language):
        drawn = pictures(pool())
    assert [one.name for one in drawn] == ["states", "tiers"]
    for one in drawn:
        assert drawn_whole(one)
        assert one.alt
        assert len(one.table)


def test_a_week_without_a_ratio_and_tiers_without_months_leave_gaps():
    states, tiers = pictures(pool(3, 3))
    assert "there is no quick ratio" in states.alt
    assert drawn_whole(states)
    weeks_only = [("gold", 0, 200, 160), ("gold", 1, 20, 10)]
    _, tiers = pictures(pool(members=weeks_only, windows=()))
    assert "no 28 days that stand to a review" in tiers.alt
    assert list(tiers.table["tier"].unique()) == ["all", "gold"]
    assert drawn_whole(tiers)


def test_of_many_tiers_the_high_ones_come_first_and_four_are_lines():
    names = [f"t{i}" for i in range(5)] + ["gold"]
    windows = [(tier, 1, tier, 1, 100 - i) for i, tier in enumerate(names)]
    members = [(tier, place, 100, 50) for tier in names for place in (0, 1)]
    _, tiers = pictures(pool(members=members, windows=windows))
    assert drawn_whole(tiers)
    assert set(tiers.table["tier"]) == {"all", *names}


def test_where_nothing_can_be_shown_the_reason_is_drawn():
    for measures, reason in (
        (pool(n_weeks=0), "Two whole weeks"),
        (pool(members=None), "There is no table of tiers"),
        (pool(min_users=2000), "Fewer than 2000 users"),
    ):
        states, tiers = pictures(measures)
        assert reason in f"{states.alt} {tiers.alt}"
        assert states.png
        assert isinstance(tiers.table, pd.DataFrame)
    assert "None of the high tiers" in pictures(pool(min_users=2000))[1].alt


def test_a_headline_without_a_life_cycle_says_why():
    measures = pool(n_weeks=0)
    text = lifecycle.say_lifecycle(measures, estimated(measures)[0], level=LEVEL)
    assert text.startswith("Two whole weeks, Monday to Sunday, have not been observed yet")
    with speaking("zh"):
        text = lifecycle.say_lifecycle(measures, estimated(measures)[0], level=LEVEL)
    assert text.startswith("还没有观察到两个完整的自然周")
