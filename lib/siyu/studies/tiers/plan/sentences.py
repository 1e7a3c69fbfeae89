"""Say what to give to whom, what it brings, and what a larger budget would."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.formats import paragraph
from siyu.phrases import phrase
from siyu.studies.tables import each_row
from siyu.studies.tiers.plan.estimate import NEXT_CNY, Plan

REASONS = ("few", "nobody", "loses", "budget")


def say_plan(found: Plan, *, level: float) -> str:
    """Say in one sentence what to give to whom, what that costs, and what it is expected to bring.

    Args:
        found: from `plan`.
        level: the coverage at which it was made.
    """
    if found.refused:
        return phrase("tiers.plan.few")
    total = found.total
    if not gives(found.expected):
        reason = "budget" if "budget" in set(found.expected["reason"]) else "loses"
        return phrase(f"tiers.plan.nothing.{reason}", budget=found.budget_cny)
    return phrase(
        f"tiers.plan.headline.{'clear' if total.ci_lower > 0 else 'unclear'}",
        budget=found.budget_cny,
        days=found.offer_days,
        gives=gives(found.expected),
        cost=total.cost_cny,
        net=total.net_gain_cny,
        level=level,
        lower=total.ci_lower,
        upper=total.ci_upper,
    )


def say_details(found: Plan) -> str:
    """Say what was taken off as luck, and why a tier gets nothing."""
    if found.refused:
        return ""
    total, said = found.total, []
    if gives(found.expected):
        luck = total.measured_cny - total.net_gain_cny
        said.append(
            phrase(
                f"tiers.plan.luck.{'taken' if luck > 0 else 'none'}",
                measured=total.measured_cny,
                luck=luck,
            )
        )
    return paragraph(*said, *_left_out(found.expected))


def say_certain(found: Plan) -> str:
    """Say what of the plan is certain, and what is a bet; "" where there is no plan."""
    if found.refused:
        return ""
    bets = list_bets(found)
    return paragraph(say_cautious(found), phrase("tiers.plan.bet", tiers=bets) if bets else "")


def say_cautious(found: Plan) -> str:
    """Say what is certain to bring more than it costs, and how much at least."""
    given = gives(found.cautious)
    return phrase(
        f"tiers.plan.cautious.{'some' if given else 'none'}",
        gives=given,
        net=found.cautious_total.cautious_cny,
        days=found.offer_days,
        level=found.level,
    )


def list_bets(found: Plan) -> list[str]:
    """List the tiers that get a strategy of which it is not certain that it pays."""
    certain = set(zip(found.cautious["tier"], found.cautious["strategy"], strict=True))
    given = found.expected[found.expected["given"] > 0]
    pairs = zip(given["tier"], given["strategy"], strict=True)
    return [tier for tier, strategy in pairs if (tier, strategy) not in certain]


def title_next(found: Plan) -> str:
    """Say in one sentence what the next 1,000 yuan would bring, and where to stop."""
    if found.refused:
        return phrase("tiers.plan.few")
    slope = found.slope
    if not slope.stop_cny:
        case = "free" if gives(found.expected) else "none"
    elif found.budget_cny >= slope.stop_cny:
        case = "stop"
    elif slope.next_cny < 1:
        # A tier changes its strategy as a whole: a small step may not reach.
        case = "lump"
    else:
        case = "more" if found.budget_cny + NEXT_CNY < slope.stop_cny else "reach"
    if case in ("lump", "more", "reach") and not slope.ci_lower > 1:
        case += "_unsure"
    return phrase(
        f"tiers.plan.next.{case}",
        step=NEXT_CNY,
        next=slope.next_cny,
        stop=slope.stop_cny,
        more=slope.more_cny,
    )


def say_next(found: Plan) -> str:
    """Say what a further yuan brings at the budget asked; "" where there is no plan."""
    if found.refused:
        return ""
    return phrase(
        "tiers.plan.slope",
        budget=found.budget_cny,
        slope=found.slope.value,
        level=found.level,
        lower=found.slope.ci_lower,
        upper=found.slope.ci_upper,
    )


def say_tier(row: Any, *, offer_days: int, level: float) -> str:
    """Say what one tier gets, and what it brings; or why it gets nothing.

    Args:
        row: of `Plan.expected`.
        offer_days: its clock.
        level: the coverage at which it was made.
    """
    if row.reason:
        return phrase(f"tiers.plan.left_out.{row.reason}", tiers=[row.tier])
    return phrase(
        f"tiers.plan.tier.{'clear' if row.ci_lower > 0 else 'unclear'}",
        give=give(row),
        days=offer_days,
        cost=row.cost_cny,
        net=row.net_gain_cny,
        level=level,
        lower=row.ci_lower,
        upper=row.ci_upper,
    )


def gives(tiers: pd.DataFrame) -> list[str]:
    """Say for each tier that gets a strategy who gets it."""
    return [give(row) for row in each_row(tiers[tiers["given"] > 0])]


def give(row: Any) -> str:
    """Say who of a tier gets what."""
    return phrase(
        f"tiers.plan.give.{'all' if row.given == row.members else 'some'}",
        strategy=row.strategy,
        tier=row.tier,
        given=row.given,
        members=row.members,
    )


def _left_out(tiers: pd.DataFrame) -> list[str]:
    told = tiers.groupby("reason")["tier"].agg(list)
    return [
        phrase(f"tiers.plan.left_out.{reason}", tiers=told[reason])
        for reason in REASONS
        if reason in told
    ]
