"""Reduce the members of an offer experiment to what each brought before and after the draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data.zones import DAY_US, elapsed_us, without_zone
from siyu.studies.tiers.definition import TierError
from siyu.studies.tiers.members import Members

OBJECTIVES: Mapping[str, str] = {
    "habit": "came_back",
    "spend": "amount_cny",
    "frequency": "purchase_days",
    "orders": "orders",
}
"""What a tier may be meant to do more of, and the column that says so."""
BROUGHT = ("orders", "purchase_days", "amount_cny", "margin_cny")


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Members who were drawn into an offer or none, and what they brought.

    members: one row per member followed for `offer_days` since the draw, in no order that says who
        it is: `tier` (index into `tiers`, by the last review up to the draw), `arm` (index into
        `arms`), of those days `orders`, `purchase_days`, `came_back` (1: bought on two days or
        more), `amount_cny` (less refunds) and `margin_cny`, and `cost_cny` of the arm; of as many
        days before the draw the same five with `_before`; and, of all that is known before it,
        `recency_days` (since the last order; since joining without one) and `tenure_days`.
    arms: the strategies, the one without an offer first. objectives: of each tier.
    today: members of each tier now, by their last review, who have not left.
    immature: drawn, but not followed so long. unreviewed: without a review up to the draw.
    """

    source: str
    as_of: date
    experiment: str
    arms: tuple[str, ...]
    shares: tuple[float, ...]
    tiers: tuple[str, ...]
    objectives: tuple[str, ...]
    offer_days: int
    min_users: int
    members: pd.DataFrame
    today: tuple[int, ...]
    drawn_on: date | None
    immature: int
    unreviewed: int
    has_orders: bool
    has_margin: bool


def measure(
    members: Members,
    *,
    offer_experiment: str = "",
    control_arm: str = "none",
    offer_shares: Sequence[float] = (),
    objectives: Mapping[str, str] | None = None,
    offer_days: int = 56,
) -> Measures:
    """Measure what members brought after they were drawn to get an offer, or none.

    Orders count as in `Members.orders`: one that was refunded in full is none.

    Args:
        members: from `find_members`.
        offer_experiment: in `assignments`; "" for none.
        control_arm: its arm without an offer.
        offer_shares: planned share of each arm, the control's first, then by name; empty: equal.
        objectives: "habit" (bought on two days or more), "spend" (amount less refunds),
            "frequency" (days with an order) or "orders", by tier; for a tier that is not named,
            habit if it is the lowest, frequency if the highest, spend between.
        offer_days: days after the draw that count, at least 1.

    Raises:
        TierError: a number out of range, an arm, tier or objective there is not.
    """
    if offer_days < 1:
        raise TierError(f"offer_days = {offer_days} must be at least 1; use 56")
    told = _objectives(members.tiers, objectives or {})
    drawn = _drawn(members, offer_experiment)
    arms = _arms(drawn, offer_experiment, control_arm)
    shares = _shares(arms, offer_shares)
    found = pd.DataFrame({"tier": [], "arm": []}, dtype="int64")
    immature, unreviewed, drawn_on = 0, 0, None
    if drawn is not None and arms and members.has_orders and members.tiers:
        end = ibis.literal(members.pool.as_of_end.replace(tzinfo=None))
        mature = elapsed_us(drawn.assigned_at, end) >= offer_days * DAY_US
        known = drawn.filter(mature).cache()
        immature = int(drawn.filter(~mature).count().to_pandas())
        tiered = known.join(_tiers_at(members, known), "number")
        found = _brought(members, tiered, arms, offer_days)
        unreviewed = int(known.count().to_pandas()) - len(found)
        if len(found):
            drawn_on = known.on.min().to_pandas().date()
    return Measures(
        source=members.source,
        as_of=members.as_of,
        experiment=offer_experiment if arms else "",
        arms=arms,
        shares=shares,
        tiers=members.tiers,
        objectives=told,
        offer_days=offer_days,
        min_users=members.min_users,
        members=found,
        today=_today(members),
        drawn_on=drawn_on,
        immature=immature,
        unreviewed=unreviewed,
        has_orders=members.has_orders,
        has_margin=members.has_margin,
    )


def _objectives(tiers: Sequence[str], asked: Mapping[str, str]) -> tuple[str, ...]:
    for tier, one in asked.items():
        if one not in OBJECTIVES:
            raise TierError(f"objectives: {tier!r} has {one!r}; use one of {', '.join(OBJECTIVES)}")
        if tiers and tier not in tiers:
            raise TierError(f"objectives: there is no tier {tier!r}; there are {', '.join(tiers)}")
    usual = {len(tiers) - 1: "frequency", 0: "habit"}
    return tuple(asked.get(tier, usual.get(i, "spend")) for i, tier in enumerate(tiers))


def _drawn(members: Members, experiment: str) -> ir.Table | None:
    """Give who was drawn into which arm when, by number; None where there is no experiment."""
    pool = members.pool
    if not experiment or not pool.has("assignments"):
        return None
    drawn = pool.table("assignments")
    drawn = drawn.filter(drawn.experiment == experiment)
    cost = drawn.cost_cny.cast("float64") if "cost_cny" in drawn.columns else ibis.null("float64")
    drawn = drawn.select(
        "user_id",
        "arm",
        cost_cny=cost.fill_null(0.0),
        on=pool.day(drawn.assigned_at),
        assigned_at=without_zone(drawn.assigned_at),
    )
    return drawn.join(members.users.select("user_id", "number", "added_at"), "user_id").cache()


def _arms(drawn: ir.Table | None, experiment: str, control: str) -> tuple[str, ...]:
    if drawn is None:
        return ()
    there = sorted(drawn.select("arm").distinct().to_pandas()["arm"])
    if there and control not in there:
        raise TierError(
            f"control_arm: {experiment!r} has no arm {control!r}; it has {', '.join(there)}"
        )
    others = [arm for arm in there if arm != control]
    return (control, *others) if others else ()


def _shares(arms: Sequence[str], asked: Sequence[float]) -> tuple[float, ...]:
    if asked and (len(asked) != len(arms) or not all(share > 0 for share in asked)) and arms:
        raise TierError(
            f"offer_shares = {list(asked)} must be one share above 0 for each of {', '.join(arms)}"
        )
    return tuple(asked) if asked else (1 / len(arms),) * len(arms) if arms else ()


def _tiers_at(members: Members, drawn: ir.Table) -> ir.Table:
    """Give each member's tier by the last review up to the draw."""
    reviews = members.reviews.select("number", "since", "tier")
    both = drawn.select("number", "assigned_at").join(reviews, "number")
    both = both.filter(elapsed_us(both.since, both.assigned_at) >= 0)
    return both.group_by("number").agg(tier=both.tier.argmax(both.since))


def _today(members: Members) -> tuple[int, ...]:
    if not members.tiers:
        return ()
    last = members.tier_at(members.pool.as_of_end.replace(tzinfo=None))
    counts = last.group_by("tier").agg(n=last.count()).to_pandas().set_index("tier")["n"]
    return tuple(int(counts.get(i, 0)) for i in range(len(members.tiers)))


def _brought(
    members: Members, drawn: ir.Table, arms: Sequence[str], offer_days: int
) -> pd.DataFrame:
    """Sum up each member's orders after the draw, and of as many days before it."""
    span = offer_days * DAY_US
    both = drawn.select("number", "assigned_at").join(members.orders, "number")
    passed = elapsed_us(both.assigned_at, both.paid_at)
    sums = []
    for suffix, inside in (
        ("", (passed >= 0) & (passed < span)),
        ("_before", (passed < 0) & (passed >= -span)),
    ):
        sums.append(
            {
                f"orders{suffix}": both.count(where=inside),
                f"purchase_days{suffix}": both.on.nunique(where=inside),
                f"amount_cny{suffix}": both.amount_cny.sum(where=inside),
                f"margin_cny{suffix}": both.earned_cny.sum(where=inside),
            }
        )
    last = (-passed).min(where=passed < 0)
    brought = both.group_by("number").agg(**sums[0], **sums[1], last=last)
    codes = ibis.memtable(pd.DataFrame({"arm": arms, "code": range(len(arms))}))
    found = drawn.join(codes, "arm").left_join(brought, "number")
    tenure = elapsed_us(found.added_at, found.assigned_at)
    names = [f"{name}{suffix}" for suffix in ("", "_before") for name in BROUGHT]
    table: pd.DataFrame = found.select(
        "tier",
        "cost_cny",
        *(found[name].fill_null(0).cast("float64").name(name) for name in names),
        arm=found.code,
        recency_us=ibis.coalesce(found["last"], tenure),
        tenure_us=tenure,
    ).to_pandas()
    for name in ("recency", "tenure"):
        days = table.pop(f"{name}_us").astype("float64") / DAY_US
        table[f"{name}_days"] = days.fillna(days.max()).fillna(0.0)
    for suffix in ("", "_before"):
        table[f"came_back{suffix}"] = (table[f"purchase_days{suffix}"] >= 2).astype("float64")
    return table.sort_values(sorted(table.columns), ignore_index=True)
