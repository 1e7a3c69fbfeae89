"""Business time runs faster where more is bought, and orders keep their luck."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
from siyu.data.world.draws import DAY, HOUR, NEVER
from siyu.data.world.orders import AMOUNT, LUCK, REFUND, Clock, Drafts, Shop, stack_drafts

from tests.data.world.shopping import YEAR

CLOCK = Clock(YEAR)


def pass_day(day: date) -> float:
    begin, end = CLOCK.days(np.array([YEAR.second(day), YEAR.second(day + timedelta(days=1))]))
    return float(end - begin)


def test_business_days_and_calendar_days_are_equally_many_over_the_observation() -> None:
    assert CLOCK.days(np.array([0, YEAR.end])) == pytest.approx([0, 365])


def test_a_saturday_of_the_festival_passes_as_many_times_faster_as_more_is_bought() -> None:
    # Tuesday 2025-11-11 (0.9 x 3.2) against Tuesday 2025-10-14 (0.9), both working days.
    assert pass_day(date(2025, 11, 11)) / pass_day(date(2025, 10, 14)) == pytest.approx(3.2)


def test_an_hour_at_night_passes_slower_than_one_in_the_evening() -> None:
    # The 4 o'clock hour has activity 0.2, the 21 o'clock hour 9.5.
    hours = np.array([4, 5, 21, 22]) * HOUR
    passed = CLOCK.days(hours)
    assert (passed[3] - passed[2]) / (passed[1] - passed[0]) == pytest.approx(9.5 / 0.2)


def test_seconds_lead_to_business_days_and_back() -> None:
    seconds = np.random.default_rng(5).integers(0, YEAR.end, 1_000)
    back = CLOCK.seconds(CLOCK.days(seconds))
    assert np.abs(back - seconds).max() <= 1


def test_time_goes_on_evenly_after_the_observation() -> None:
    assert CLOCK.days(np.array([YEAR.end + 10 * DAY])) == pytest.approx([375])


def test_an_even_clock_shows_calendar_days() -> None:
    seconds = np.array([0, 12 * HOUR, 100 * DAY + 6 * HOUR])
    assert Clock(YEAR, even=True).days(seconds) == pytest.approx([0, 0.5, 100.25])


def open_shop(*, left_at: list[int]) -> Shop:
    people = len(left_at)
    return Shop(
        frame=YEAR,
        clock=CLOCK,
        added_at=np.zeros(people, dtype=np.int64),
        left_at=np.array(left_at),
        ordered_at=np.full(people, NEVER),
        shape=1.0,
        rate=np.full(people, 0.01),
        refund_share=0.04,
    )


def give_luck(orders: int, **luck: float) -> np.ndarray:
    chance = np.full((orders, LUCK), 0.5)
    for name, value in luck.items():
        chance[:, {"amount": AMOUNT, "refund": REFUND}[name]] = value
    return chance


def test_an_amount_is_the_quantile_of_its_luck() -> None:
    # Shape 1 is exponential: the median is ln 2 / 0.01 = 69.31 yuan.
    shop = open_shop(left_at=[int(NEVER)])
    assert shop.price(np.array([0]), give_luck(1)).tolist() == [6931]


def test_an_amount_is_at_least_one_fen() -> None:
    shop = open_shop(left_at=[int(NEVER)])
    assert shop.price(np.array([0]), give_luck(1, amount=1e-9)).tolist() == [1]


def test_nothing_is_ordered_on_leaving_or_after_the_observation() -> None:
    shop = open_shop(left_at=[5 * DAY, int(NEVER)])
    person, at = np.array([0, 0, 1, 1]), np.array([5 * DAY - 1, 5 * DAY, YEAR.end - 1, YEAR.end])
    drafts = shop.draft(person, at, 1, give_luck(4))
    assert drafts.at.tolist() == [5 * DAY - 1, YEAR.end - 1]


def test_an_order_with_bad_luck_is_refunded() -> None:
    shop = open_shop(left_at=[int(NEVER)])
    person, at = np.array([0]), np.array([DAY])
    good, bad = (
        shop.draft(person, at, 1, give_luck(1, refund=chance)) for chance in (0.041, 0.039)
    )
    assert shop.refunded(stack_drafts([good, bad])).tolist() == [False, True]


def test_stacked_orders_are_all_orders_in_turn() -> None:
    shop = open_shop(left_at=[int(NEVER)])
    parts = [shop.draft(np.array([0]), np.array([at]), 1, give_luck(1)) for at in (3, 1, 2)]
    stacked: Drafts = stack_drafts(parts)
    assert len(stacked) == 3
    assert stacked.at.tolist() == [3, 1, 2]
    assert stacked.keep(np.array([1, 2, 0])).at.tolist() == [1, 2, 3]
