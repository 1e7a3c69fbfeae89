"""What is stated of buying agrees with the papers and with the settings."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest
from siyu.data.world.buying import Buying
from siyu.data.world.truths.buying import expect_amount, expect_repeat_orders, state_buying

from tests.data.world.shopping import YEAR

CDNOW = Buying(r=0.242594, alpha=4.413596, a=0.792921, b=2.425896)
"""The optimum of Fader, Hardie and Lee (2005), in weeks: .243, 4.414, .793, 2.426 in table 2."""


@pytest.mark.parametrize(
    ("weeks", "orders"),
    [(0.1429, 0.0078), (1, 0.0532), (3, 0.1506), (31.8571, 1.0405), (32, 1.0437)],
)
def test_expected_repeat_orders_equal_those_of_hardies_sheet(weeks: float, orders: float) -> None:
    # E[X(t)] in the Excel sheet to Fader, Hardie and Lee (2005), to its four digits.
    assert expect_repeat_orders(CDNOW, weeks) == pytest.approx(orders, abs=5e-5)


def test_no_time_brings_no_order() -> None:
    assert expect_repeat_orders(Buying(), 0) == 0


def test_who_never_stops_orders_at_the_mean_rate() -> None:
    endless = Buying(r=1.0, alpha=20.0, a=1e-6, b=50.0)
    assert expect_repeat_orders(endless, 100) == pytest.approx(100 / 20, rel=1e-4)


def test_the_mean_amount_of_the_cdnow_buyers() -> None:
    # Fader and Hardie (2013), note 025: E[M] of a buyer without a repeat order is 35.17.
    assert expect_amount(Buying(p=6.25, q=3.74, gamma=15.44)) == pytest.approx(35.22, abs=0.005)


def test_every_setting_of_the_process_is_stated_with_its_name() -> None:
    facts = {fact.id: fact for fact in state_buying(SimpleNamespace(buying=Buying(), frame=YEAR))}
    assert facts["buying.bg_nbd.alpha"].value == Buying().alpha
    assert facts["buying.gamma_gamma.gamma"].value == Buying().gamma
    assert facts["buying.amount.mean"].value == 120
    assert facts["buying.lure_coupon.cost"].value == pytest.approx(0.55 * 20)
    assert facts["buying.novelty.first_five_days"].value == pytest.approx(1 - 1 / math.e, abs=1e-6)
    assert facts["buying.repeat_orders.day_90"].settings == {"horizon_days": 90}
    assert all(fact.standard_error == 0 for fact in facts.values())
    assert len(facts) == 7 + 1 + 8 + 3 + 4


def test_in_even_time_the_days_are_calendar_days() -> None:
    facts = state_buying(SimpleNamespace(buying=Buying(even=True), frame=YEAR))
    words = {fact.id: fact.estimand for fact in facts}["buying.repeat_orders.day_30"]
    assert "30 calendar days" in words


def test_the_share_of_new_articles_is_that_of_a_steady_week() -> None:
    # On day k after a Monday the weights are w (e^(-k/5) + e^(-(k+7)/5) + ...).
    fade = [0.25 * math.exp(-k / 5) / (1 - math.exp(-7 / 5)) for k in range(7)]
    steady = sum(weight / (1 + weight) for weight in fade) / 7
    facts = state_buying(SimpleNamespace(buying=Buying(), frame=YEAR))
    share = {fact.id: fact.value for fact in facts}["buying.novelty.share"]
    assert share == pytest.approx(steady, rel=0.02)
