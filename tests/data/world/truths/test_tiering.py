"""What is stated of tiers is what a plain reading of other drawn pools finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from siyu.data.world.draws import DAY, open_stream
from siyu.data.world.orders import TOP_UP
from siyu.data.world.pool import Pool, draw_pool
from siyu.data.world.settings import Settings
from siyu.data.world.tiering import ARMS, TIERS, list_reviews
from siyu.data.world.truths.facts import Truth
from siyu.data.world.truths.tiering import state_tiering

pytestmark = pytest.mark.slow
SETTINGS = Settings()
FRAME, TIERING = SETTINGS.frame, SETTINGS.tiering
Facts = dict[str, Truth]


@pytest.fixture(scope="module")
def facts() -> Facts:
    return {fact.id: fact for fact in state_tiering(SETTINGS)}


@pytest.fixture(scope="module")
def pool() -> Pool:
    return draw_pool(SETTINGS, users=100_000, stream=lambda name: open_stream(31, 0, name))


def reviewed(pool: Pool, day: date) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    reviews = pool.sales.reviews
    here = reviews.at == FRAME.second(day)
    return reviews.person[here], reviews.tier[here], reviews.basis_fen[here]


def count(pool: Pool, since: int, days: int) -> dict[str, np.ndarray]:
    """Orders, spend and margin of each person in some days."""
    orders = pool.sales.orders
    inside = (orders.at >= since) & (orders.at < since + days * DAY)
    person, people = orders.person[inside], len(pool.people)
    return {
        "orders": np.bincount(person, minlength=people),
        "spend": np.bincount(person, orders.amount_fen[inside] / 100, minlength=people),
        "margin": np.bincount(person, orders.margin_fen[inside] / 100, minlength=people),
    }


def agrees(value: float, error: float, fact: Truth) -> bool:
    return bool(abs(value - fact.value) < 3.5 * np.hypot(error, fact.standard_error))


def jump_at(pool: Pool, tier: str, outcome: str, *, width: float) -> tuple[float, float]:
    """Local linear regression with triangular weights, and its heteroskedastic standard error."""
    cut = TIERING.thresholds_cny[tier]
    running, response = [], []
    for day in list_reviews(FRAME)[:9]:
        person, _, basis = reviewed(pool, day)
        running.append(basis / 100 - cut)
        response.append(count(pool, FRAME.second(day), TIERING.jump_days)[outcome][person])
    x, y = np.concatenate(running), np.concatenate(response)
    weight = np.maximum(1 - np.abs(x) / width, 0)
    x, y, weight = x[weight > 0], y[weight > 0], weight[weight > 0]
    design = np.column_stack([np.ones_like(x), x >= 0, x, x * (x >= 0)]).astype(float)
    bread = np.linalg.inv((design * weight[:, None]).T @ design)
    beta = bread @ (design * weight[:, None]).T @ y
    scores = design * (weight * (y - design @ beta))[:, None]
    return float(beta[1]), float(np.sqrt((bread @ scores.T @ scores @ bread)[1, 1]))


@pytest.mark.parametrize("outcome", ["orders", "spend"])
@pytest.mark.parametrize(("tier", "width"), [("silver", 40.0), ("gold", 80.0)])
def test_the_jump_at_a_threshold_is_what_a_regression_discontinuity_finds(
    pool: Pool, facts: Facts, tier: str, width: float, outcome: str
) -> None:
    value, error = jump_at(pool, tier, outcome, width=width)
    assert agrees(value, error, facts[f"tiering.jump.{tier}.{outcome}"])


def test_the_jump_at_gold_is_real(pool: Pool) -> None:
    value, error = jump_at(pool, "gold", "orders", width=80.0)
    assert value > 5 * error


def test_the_offers_do_what_the_arms_of_a_drawn_experiment_show(pool: Pool, facts: Facts) -> None:
    (offers,) = pool.sales.assignments
    after = count(pool, int(offers.at[0]), TIERING.offer_days)
    for t, tier in enumerate(TIERS):
        of = {
            arm: offers.person[(offers.stratum == t) & (offers.arm == a)]
            for a, arm in enumerate(ARMS)
        }
        for arm in ARMS[1:]:
            for outcome in ("orders", "margin"):
                with_arm, without = after[outcome][of[arm]], after[outcome][of["none"]]
                error = np.sqrt(with_arm.var() / len(with_arm) + without.var() / len(without))
                value = float(with_arm.mean() - without.mean())
                assert agrees(value, error, facts[f"tiering.offer.{arm}.{tier}.{outcome}"])


def test_the_discount_helps_silver_and_hurts_diamond(facts: Facts) -> None:
    for outcome in ("orders", "margin"):
        assert facts[f"tiering.offer.discount.silver.{outcome}"].value > 0
        assert facts[f"tiering.offer.discount.diamond.{outcome}"].value < 0


def test_the_heap_above_diamond_is_made_of_those_who_topped_up(pool: Pool, facts: Facts) -> None:
    orders, heap = pool.sales.orders, []
    for day in list_reviews(FRAME):
        at = FRAME.second(day)
        person, _, basis = reviewed(pool, day)
        topped = (orders.kind == TOP_UP) & (orders.at >= at - 4 * DAY) & (orders.at < at)
        above = person[(basis >= 48_000) & (basis < 1.05 * 48_000)]
        heap += np.isin(above, orders.person[topped]).tolist()
    share = float(np.mean(heap))
    error = np.sqrt(share * (1 - share) / len(heap))
    assert agrees(share, error, facts["tiering.bunching.diamond"])


def test_moves_between_two_reviews_are_those_of_a_drawn_pool(pool: Pool, facts: Facts) -> None:
    old_person, old, _ = reviewed(pool, date(2025, 10, 1))
    new_person, new, _ = reviewed(pool, date(2026, 1, 1))
    later = dict(zip(new_person.tolist(), new.tolist(), strict=True))
    pairs = np.array(
        [
            (tier, later[person])
            for person, tier in zip(old_person.tolist(), old.tolist(), strict=True)
            if person in later
        ]
    )
    for i, origin in enumerate(TIERS):
        moved = pairs[pairs[:, 0] == i, 1]
        assert sum(facts[f"tiering.move.{origin}.{each}"].value for each in TIERS) == pytest.approx(
            1, abs=1e-5
        )
        for j, target in enumerate(TIERS):
            share = float((moved == j).mean())
            error = np.sqrt(share * (1 - share) / len(moved))
            assert agrees(share, error, facts[f"tiering.move.{origin}.{target}"])


def test_a_tier_is_worth_what_its_members_order_in_the_days_after_a_review(
    pool: Pool, facts: Facts
) -> None:
    person, tier, _ = reviewed(pool, date(2025, 12, 1))
    after = count(pool, FRAME.second(date(2025, 12, 1)), 60)
    for i, name in enumerate(TIERS):
        for outcome in ("orders", "margin"):
            value = after[outcome][person[tier == i]]
            error = value.std() / np.sqrt(len(value))
            assert agrees(float(value.mean()), error, facts[f"tiering.value.{name}.{outcome}"])


def test_what_gold_brings_is_nothing_where_the_setting_is_nothing() -> None:
    calm = replace(SETTINGS, tiering=replace(TIERING, gold_jump=0.0, top_up=0.0))
    facts = {fact.id: fact.value for fact in state_tiering(calm)}
    assert facts["tiering.jump.gold.orders"] == 0
    assert facts["tiering.bunching.diamond"] == 0


def test_what_too_short_an_observation_cannot_tell_is_left_out() -> None:
    # Ninety days to 2026-03-31 begin on 2026-01-01: the first review is that of the offers, and
    # nobody has been a member for 33 days.
    facts = {fact.id for fact in state_tiering(replace(SETTINGS, days=90))}
    assert "tiering.threshold.gold" in facts
    assert {fact.split(".")[1] for fact in facts} == {"threshold", "bunching"}


def test_offers_that_cannot_be_followed_to_their_end_are_left_out() -> None:
    late = replace(SETTINGS, days=90, tiering=replace(TIERING, offer_day=date(2026, 3, 1)))
    facts = {fact.id for fact in state_tiering(late)}
    assert not any(fact.startswith("tiering.offer") for fact in facts)
    assert "tiering.jump.gold.orders" not in facts
