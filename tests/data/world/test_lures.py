"""What is offered follows the tests, and offers do to adding what the settings say."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pytest
from siyu.data.contract import CHANNELS, LURES
from siyu.data.world.draws import DAY, NEVER, Ints, open_stream
from siyu.data.world.frame import Frame
from siyu.data.world.lures import Lures, LureTest, Offers, draw_offers, enrol
from siyu.data.world.people import Arrivals, People, draw_people

USERS = 40_000
YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))
STREAM = partial(open_stream, 1, 0)
PHYSICAL, VIRTUAL, COUPON, SERVICE = range(4)
WEEK = LureTest(first_day=date(2025, 5, 1), last_day=date(2025, 5, 7), arms=("coupon", "service"))
OPENS = YEAR.second(WEEK.first_day)


@pytest.fixture(scope="module")
def people() -> People:
    return draw_people(Arrivals(), YEAR, users=USERS, stream=STREAM)


@pytest.fixture(scope="module")
def exposed_at(people: People) -> Ints:
    """The arrival; for every second person another exposure ten days later."""
    again = np.where(np.arange(USERS) % 2 == 0, people.arrived_at + 10 * DAY, NEVER)
    return np.column_stack([people.arrived_at, again])


@pytest.fixture(scope="module")
def offers(people: People, exposed_at: Ints) -> Offers:
    return draw_offers(Lures(), YEAR, people, exposed_at, STREAM)


def offer(lures: Lures, people: People, *exposures: list[int]) -> Offers:
    """What the first few people are offered at these seconds; all are offered physical by habit."""
    few = People(
        **{name: values[: len(exposures)] for name, values in vars(people).items()}
        | {"lure": np.full(len(exposures), PHYSICAL)}
    )
    return draw_offers(lures, YEAR, few, np.array(exposures), STREAM)


def test_outside_tests_everyone_is_offered_the_usual_lure(people: People, exposed_at: Ints) -> None:
    offers = draw_offers(Lures(tests={}), YEAR, people, exposed_at, STREAM)
    np.testing.assert_array_equal(offers.lure, np.column_stack([people.lure, people.lure]))
    assert offers.tests == ()


def test_a_test_offers_the_arm_from_its_first_exposure_on(people: People) -> None:
    lures = Lures(tests={"week": WEEK})
    before, within, after = OPENS - 1, OPENS, OPENS + 7 * DAY
    offers = offer(
        lures,
        people,
        [before, after, int(NEVER)],
        [before, within, after],
        [within, within + 60, after],
        [within + 7 * DAY - 1, int(NEVER), int(NEVER)],
    )
    (test,) = offers.tests
    np.testing.assert_array_equal(test.person, [1, 2, 3])
    np.testing.assert_array_equal(test.at, [within, within, within + 7 * DAY - 1])
    arm = np.array([COUPON, SERVICE])[test.arm]
    np.testing.assert_array_equal(offers.lure[0], [PHYSICAL] * 3)
    np.testing.assert_array_equal(offers.lure[1], [PHYSICAL, arm[0], arm[0]])
    np.testing.assert_array_equal(offers.lure[2], [arm[1]] * 3)
    np.testing.assert_array_equal(offers.lure[3, 0], arm[2])


def test_who_refused_another_lure_adds_less(people: People) -> None:
    lures = Lures(tests={"week": replace(WEEK, arms=("coupon",))}, refused=0.5)
    coupon, physical = lures.adding["coupon"], lures.adding["physical"]
    offers = offer(lures, people, [OPENS - 1, OPENS], [OPENS, OPENS + 1], [OPENS - 2, OPENS - 1])
    expected = [[physical, 0.5 * coupon], [coupon, coupon], [physical, physical]]
    np.testing.assert_allclose(offers.factor, expected)
    slow = lures.slowness
    np.testing.assert_allclose(offers.slow[0], [slow["physical"], slow["coupon"]])


def test_the_next_test_takes_over_whoever_was_in_the_one_before(people: People) -> None:
    both = {
        "first": replace(WEEK, arms=("coupon",)),
        "second": replace(
            WEEK, first_day=date(2025, 5, 8), last_day=date(2025, 5, 9), arms=("service",)
        ),
    }
    offers = offer(Lures(tests=both), people, [OPENS, OPENS + 7 * DAY, OPENS + 9 * DAY])
    np.testing.assert_array_equal(offers.lure, [[COUPON, SERVICE, SERVICE]])


def test_arms_are_equally_likely_within_every_channel(people: People, offers: Offers) -> None:
    test = offers.tests[2]
    assert test.experiment == "lure_2026_01"
    assert test.strata == CHANNELS
    assert test.stratum is not None
    np.testing.assert_array_equal(test.stratum, people.channel[test.person])
    for channel in range(len(CHANNELS)):
        counts = np.bincount(test.arm[test.stratum == channel], minlength=3)
        n = counts.sum()
        assert n > 200
        assert np.abs(counts - n / 3).max() <= 4 * math.sqrt(n * 2 / 9)


def test_a_share_of_those_exposed_takes_part(exposed_at: Ints, offers: Offers) -> None:
    pilot = Lures().tests["lure_pilot_2025_12"]
    opens, closes = YEAR.second(pilot.first_day), YEAR.second(pilot.last_day) + DAY
    n = int(((exposed_at >= opens) & (exposed_at < closes)).any(axis=1).sum())
    taken = len(offers.tests[1].person)
    assert abs(taken / n - pilot.share) <= 4 * math.sqrt(pilot.share * (1 - pilot.share) / n)


def test_lost_rows_are_of_one_arm_and_late(people: People, exposed_at: Ints) -> None:
    broken = Lures().tests["lure_2025_06"]
    whole = replace(broken, lost_arm="")
    kept, everyone = (
        draw_offers(Lures(tests={"lure_2025_06": test}), YEAR, people, exposed_at, STREAM)
        for test in (broken, whole)
    )
    np.testing.assert_array_equal(kept.lure, everyone.lure)
    (rows,), (all_rows,) = kept.tests, everyone.tests
    gone = ~np.isin(all_rows.person, rows.person)
    assert broken.lost_from is not None
    late = all_rows.at >= YEAR.second(broken.lost_from)
    arm = broken.arms.index(broken.lost_arm)
    assert set(all_rows.arm[gone]) == {arm}
    assert not gone[~late].any()
    n = int((late & (all_rows.arm == arm)).sum())
    assert abs(gone.sum() / n - broken.lost_share) <= 4 * math.sqrt(0.9 * 0.1 / n)


def test_rows_are_lost_from_the_first_day_where_no_day_is_given(people: People) -> None:
    lossy = replace(WEEK, arms=("coupon",), lost_arm="coupon", lost_share=1.0)
    assert len(offer(Lures(tests={"week": lossy}), people, [OPENS]).tests[0].person) == 0


def test_costs_have_the_mean_of_their_lure(offers: Offers) -> None:
    test = offers.tests[2]
    assert test.cost_fen is not None
    for arm, lure in enumerate(test.arms):
        cost = test.cost_fen[test.arm == arm] / 100
        error = cost.std() / math.sqrt(len(cost))
        assert abs(cost.mean() - Lures().cost_cny[lure]) <= 4 * error + 1e-9


def test_members_are_not_enrolled_and_only_additions_are_charged(people: People) -> None:
    lures = Lures(tests={"week": replace(WEEK, arms=("physical",))})
    tests = offer(lures, people, [OPENS], [OPENS], [OPENS]).tests
    added_at = np.array([OPENS - 1, OPENS + 60, NEVER])
    (test,) = enrol(tests, added_at=added_at)
    np.testing.assert_array_equal(test.person, [1, 2])
    assert test.cost_fen is not None
    assert tests[0].cost_fen is not None
    np.testing.assert_array_equal(test.cost_fen, [tests[0].cost_fen[1], 0])
    assert test.cost_fen[0] > 0


def test_a_test_without_costs_and_strata_stays_without(people: People) -> None:
    (test,) = offer(Lures(tests={"week": WEEK}), people, [OPENS]).tests
    (bare,) = enrol(
        [replace(test, cost_fen=None, stratum=None, strata=())], added_at=np.array([NEVER])
    )
    assert bare.cost_fen is None
    assert bare.stratum is None


def test_one_effect_leaves_who_is_offered_what_alone(
    people: People, exposed_at: Ints, offers: Offers
) -> None:
    other = draw_offers(Lures(refused=0.1), YEAR, people, exposed_at, STREAM)
    np.testing.assert_array_equal(other.lure, offers.lure)
    np.testing.assert_array_equal(other.slow, offers.slow)
    assert (other.factor < offers.factor).any()
    for mine, theirs in zip(other.tests, offers.tests, strict=True):
        np.testing.assert_array_equal(mine.arm, theirs.arm)
        np.testing.assert_array_equal(mine.cost_fen, theirs.cost_fen)


def test_default_settings_keep_the_rules() -> None:
    assert list(Lures().problems()) == []
    assert set(Lures().adding) == set(LURES)


@pytest.mark.parametrize(
    ("lures", "message"),
    [
        (Lures(adding={"coupon": 1.0}), "lures.adding has coupon; give exactly physical, virtual"),
        (Lures(refused=-1), "lures.refused = -1 must be at least 0; give a positive number"),
        (
            Lures(slowness=dict.fromkeys(LURES, 0.0)),
            "lures.slowness.physical = 0.0 must be above 0; give a positive number",
        ),
        (Lures(cost_sigma=-0.5), "lures.cost_sigma = -0.5 must be at least 0"),
        (
            Lures(tests={"week": replace(WEEK, last_day=date(2025, 4, 30))}),
            "lures.tests.week.last_day = 2025-04-30 must not lie before first_day = 2025-05-01; "
            "give a later day",
        ),
        (
            Lures(tests={"week": replace(WEEK, arms=("coupon", "coupon"))}),
            "lures.tests.week.arms = coupon, coupon must be two or more different lures; choose "
            "from physical, virtual, coupon, service",
        ),
        (
            Lures(tests={"week": replace(WEEK, arms=("coupon", "car"))}),
            "lures.tests.week.arms = coupon, car must be two or more different lures",
        ),
        (
            Lures(tests={"week": replace(WEEK, lost_arm="physical")}),
            "lures.tests.week.lost_arm = physical must be one of coupon, service",
        ),
        (Lures(tests={"week": replace(WEEK, share=1.5)}), "lures.tests.week.share = 1.5 must be"),
    ],
)
def test_a_broken_rule_is_told(lures: Lures, message: str) -> None:
    assert next(iter(lures.problems())).startswith(message)
