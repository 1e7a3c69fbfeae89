"""The truths about tests of lures, against closed forms and against what large draws show."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from functools import cache, partial

import numpy as np
import pytest
from siyu.data.contract import CHANNELS, LURES
from siyu.data.world.draws import DAY, open_stream
from siyu.data.world.funnel import STEPS, Funnel
from siyu.data.world.lures import Lures, LureTest, enrol
from siyu.data.world.pool import draw_core
from siyu.data.world.settings import Settings
from siyu.data.world.staying import Staying
from siyu.data.world.truths import lures as stated
from siyu.data.world.truths.facts import Truth

ADDING = {"physical": 1.0, "virtual": 0.8, "coupon": 1.5, "service": 0.5}
RATES = {channel: dict.fromkeys(STEPS, 0.5) | {"scan": 1.0} for channel in CHANNELS}
TEST = LureTest(
    first_day=date(2025, 6, 1),
    last_day=date(2025, 8, 31),
    arms=("physical", "coupon"),
    lost_arm="coupon",
    lost_share=0.4,
)
# Exposed once, scanned for sure, added at once or never; all are greeted, and nobody leaves.
PLAIN = Settings(
    funnel=Funnel(
        rates_before=RATES,
        rates_after=RATES,
        faults={},
        delay_hours={channel: dict.fromkeys(STEPS, 0.01) for channel in CHANNELS},
        repeat_starts=0.0,
    ),
    staying=Staying(
        leave_per_day=dict.fromkeys(LURES, 0.0),
        leave_at_once=dict.fromkeys(LURES, 0.0),
        never_greeted=0.0,
    ),
    lures=Lures(
        adding=ADDING,
        cost_cny={"physical": 8.0, "virtual": 1.0, "coupon": 2.0, "service": 0.0},
        tests={"summer": TEST},
    ),
)


@cache
def state(settings_key: str) -> dict[str, Truth]:
    settings = {"plain": PLAIN, "default": Settings()}[settings_key]
    return {truth.id: truth for truth in stated.state_lures(settings)}


def assert_near(truth: Truth, expected: float, *, error: float = 0.0) -> None:
    """A simulated truth lies within four standard errors of what is expected."""
    assert truth.value == pytest.approx(
        expected, abs=4 * math.hypot(truth.standard_error, error) + 1e-9
    )


def test_where_everybody_is_alike_conversion_is_rate_times_lure() -> None:
    truths = state("plain")
    for arm, adding, cost in (("physical", 0.5, 8.0), ("coupon", 0.75, 2.0)):
        for measure in ("conversion", "conversion_fresh", "connected_7", "connected_30"):
            assert_near(truths[f"lures.summer.{measure}.{arm}"], adding)
        assert_near(truths[f"lures.summer.cost.{arm}"], adding * cost)
        redeemed = truths[f"lures.summer.redeemed.{arm}"].value
        price = truths[f"lures.summer.cost_per_connected.{arm}"]
        assert_near(price, cost + redeemed / adding)
    behind = truths["lures.summer.behind_best.conversion.physical"]
    assert behind.settings["best"] == "coupon"
    assert_near(behind, 0.25)
    # The same random numbers: the difference is far more exact than either part.
    assert behind.standard_error < 2 * truths["lures.summer.conversion.coupon"].standard_error
    assert truths["lures.summer.behind_best.conversion.coupon"].value == 0


def test_only_the_lure_coupon_is_redeemed() -> None:
    truths = state("plain")
    assert truths["lures.summer.redeemed.physical"].value == 0
    # Half of the members reply, half of those consult, half of those order, and 55% of those redeem
    # a coupon of 20 yuan.
    assert_near(truths["lures.summer.redeemed.coupon"], 0.75 * 0.5**3 * 0.55 * 20.0)


def test_lost_rows_change_the_expected_shares_of_rows() -> None:
    truths = state("plain")
    assert_near(truths["lures.summer.rows.coupon"], 0.6 / 1.6)
    assert_near(truths["lures.summer.rows.physical"], 1 / 1.6)


def test_effects_on_adding_are_relative_to_a_gift() -> None:
    truths = state("plain")
    assert truths["lures.adding.coupon"].value == 1.5
    assert truths["lures.adding.physical"].value == 1
    assert truths["lures.refused"].value == Lures().refused
    without = replace(PLAIN, lures=Lures(adding=ADDING | {"physical": 0.0}, tests={}))
    assert [truth.id for truth in stated.state_lures(without)] == ["lures.refused"]


def test_tests_outside_the_observation_are_left_out() -> None:
    early = replace(TEST, first_day=date(2025, 1, 1), last_day=date(2025, 1, 31))
    settings = replace(PLAIN, lures=replace(PLAIN.lures, tests={"early": early}))
    assert not any("early" in truth.id for truth in stated.state_lures(settings))


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2])
def test_a_randomised_reading_of_a_large_draw_shows_the_truths(number: int) -> None:
    settings = Settings()
    name = list(settings.lures.tests)[number]
    core = draw_core(settings, users=150_000, stream=partial(open_stream, 3, 0))
    stay = core.stay
    test = enrol(core.offers.tests, added_at=stay.added_at)[number]
    added_at, left_at = stay.added_at[test.person], stay.left_at[test.person]
    for index, arm in enumerate(test.arms):
        here = test.arm == index
        n = int(here.sum())
        assert n > 1000
        thirty = (added_at <= test.at + 30 * DAY) & (left_at > test.at + 30 * DAY)
        assert test.cost_fen is not None
        for measure, values in (
            ("conversion", added_at <= test.at + 7 * DAY),
            ("connected_30", thirty),
            ("cost", test.cost_fen / 100),
        ):
            seen = values[here]
            truth = state("default")[f"lures.{name}.{measure}.{arm}"]
            assert_near(truth, seen.mean(), error=float(np.std(seen)) / math.sqrt(n))


@pytest.mark.slow
def test_gifts_keep_more_people_than_the_coupon_that_wins_them_faster() -> None:
    truths = state("default")
    conversion = truths["lures.lure_2026_01.behind_best.conversion.physical"]
    connected = truths["lures.lure_2026_01.behind_best.connected_30.coupon"]
    assert conversion.settings["best"] == "coupon"
    assert connected.settings["best"] == "physical"
    for truth in (conversion, connected):
        assert truth.value > 4 * truth.standard_error
