"""Find, in the engine, the occasions at which a tier was reached, missed, lost or kept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data.zones import DAY_US, count_us
from siyu.studies.tiers.members import Members
from siyu.studies.tiers.thresholds import find_thresholds

LEAST_HALF_DAYS = 7
"""Days between two reviews, halved: with fewer, nothing can be seen to happen in them."""


def column(measure: str, block: int) -> str:
    """Name the column of a sum in a block: -1 ends at the review, 1 begins there."""
    return f"{measure}_{block:+d}"


def columns_of(block: int) -> list[str]:
    """Name the columns of a block: orders; what they brought only where that is asked for."""
    extra = {0: ("margin",), 1: ("amount", "margin")}.get(block, ())
    return [column(measure, block) for measure in ("orders", *extra)]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """The rule of tiers, as the reviews show it.

    thresholds: least basis of each tier but the lowest. follows: share of reviews whose tier the
    thresholds say. half_days: days from a review to halfway to the next; 0: too few to be used.
    """

    thresholds: tuple[float, ...]
    follows: float
    half_days: int


def read_rule(members: Members, asked: Mapping[str, float]) -> Rule:
    """Read from the reviews on which basis a tier begins, and how well that tells tiers."""
    reviews = members.reviews
    lines = find_thresholds(reviews, members.tiers, asked)["line_cny"]
    thresholds = tuple(float(line) for line in lines)
    said = sum(
        ((reviews.basis_cny >= least).cast("int8") for least in thresholds),
        start=ibis.literal(0, "int8"),
    )
    by_member = ibis.window(group_by="number", order_by="since")
    at = count_us(reviews.since)
    gaps = reviews.mutate(gap=at - at.lag().over(by_member), right=said == reviews.tier)
    told = gaps.agg(gap=gaps.gap.min(), right=gaps.right.mean()).to_pandas().iloc[0]
    half = 0 if pd.isna(told["gap"]) else int(told["gap"]) // (2 * DAY_US)
    return Rule(
        thresholds=thresholds,
        follows=0.0 if pd.isna(told["right"]) else float(told["right"]),
        half_days=half if half >= LEAST_HALF_DAYS else 0,
    )


def find_occasions(
    members: Members, rule: Rule, *, band: float, basis_days: int, until_us: int
) -> ir.Table:
    """Give who was near a threshold when, and on which side.

    One row per occasion and tier (`target`): `kind` ("up": reviewed, never so high before; "down":
    reviewed, so high at the review before; "date": between two reviews, never so high), `exposed`
    (the basis reaches the tier; "down": it does not), `number`, `at` (microseconds since 1970),
    `since_on` (day of the review) and `earlier` (tier before; -1: none).
    """
    reviews = _reviews(members)
    parts = [
        part
        for target in range(1, len(members.tiers))
        for part in _at_reviews(reviews, rule, target, band)
    ]
    if rule.half_days:
        between = _between(members, reviews, rule, basis_days, until_us)
        parts += [
            _cut(between.filter(between.best < target), rule, "date", target, band)
            for target in range(1, len(members.tiers))
        ]
    return ibis.union(parts[0], *parts[1:]) if len(parts) > 1 else parts[0]


def _reviews(members: Members) -> ir.Table:
    """Give the reviews of the period, each with the tier of the one before it (`earlier`) and the
    highest until then (`before`) and with it (`best`); -1: none.
    """
    by_member = ibis.window(group_by="number", order_by="since")
    so_far = ibis.window(group_by="number", order_by="since", preceding=None, following=0)
    reviews = members.reviews
    reviews = reviews.mutate(
        at=count_us(reviews.since),
        earlier=reviews.tier.lag().over(by_member).fill_null(-1),
        best=reviews.tier.max().over(so_far),
    )
    reviews = reviews.mutate(before=reviews.best.lag().over(by_member).fill_null(-1))
    return reviews.filter(reviews.on >= ibis.literal(members.first))


def _at_reviews(reviews: ir.Table, rule: Rule, target: int, band: float) -> Iterable[ir.Table]:
    near = reviews.filter(reviews.tier.isin([target - 1, target]))
    yield _cut(near.filter(near.before < target), rule, "up", target, band)
    down = _cut(near.filter(near.earlier >= target), rule, "down", target, band)
    yield down.mutate(exposed=~down.exposed)


def _between(
    members: Members, reviews: ir.Table, rule: Rule, basis_days: int, until_us: int
) -> ir.Table:
    """Give the same members halfway to their next review, with the basis they have then."""
    there = reviews.filter(reviews.tier < len(members.tiers) - 1)
    there = there.mutate(at=there.at + rule.half_days * DAY_US, earlier=there.tier)
    there = there.filter(there.at < until_us)
    left = members.users.select(left_number="number", left_at=count_us(members.users.left_at))
    there = there.join(left, there.number == left.left_number)
    there = there.filter((there.left_at > there.at).fill_null(True))
    orders = _spent(members)
    both = there.select("number", "at").join(orders, "number")
    both = both.filter((both.paid < both.at) & (both.paid >= both.at - basis_days * DAY_US))
    spent = both.group_by(["number", "at"]).agg(basis=both.amount_cny.sum())
    there = there.join(spent, ["number", "at"])
    return there.mutate(basis_cny=there.basis)


def _cut(rows: ir.Table, rule: Rule, kind: str, target: int, band: float) -> ir.Table:
    """Keep whose basis lies near the threshold, above the one below and below the one above."""
    ends = (0.0, *rule.thresholds, float("inf"))
    least = ends[target]
    low, high = max(ends[target - 1], least * (1 - band)), min(ends[target + 1], least * (1 + band))
    # A basis of nothing is no history from which to expect anything.
    rows = rows.filter((rows.basis_cny >= low) & (rows.basis_cny < high) & (rows.basis_cny > 0))
    return rows.select(
        "number",
        "at",
        "basis_cny",
        since_on=rows.on,
        kind=ibis.literal(kind),
        target=ibis.literal(target, "int8"),
        exposed=rows.basis_cny >= least,
        earlier=rows.earlier,
    )


def _spent(members: Members) -> ir.Table:
    orders = members.orders
    return orders.select("number", "amount_cny", "earned_cny", paid=count_us(orders.paid_at))


def sum_blocks(
    members: Members, occasions: ir.Table, *, before: int, after: int, block_days: int, half: int
) -> pd.DataFrame:
    """Sum up what was bought around each occasion.

    Returns:
        One row per occasion: what `find_occasions` gives, `added_us` (null where not known),
        `recent_us` (microseconds since the last order; null without one), `spend` in the blocks
        before but the earliest and, per block of `block_days`, the `columns_of` it; those of the
        `half` days after it under block 0.
    """
    unique = occasions.select("number", "at").distinct()
    orders = _spent(members)
    both = unique.join(orders, "number")
    passed = both.paid - both.at
    spans = {
        **{b: ((b - 1) * block_days, b * block_days) for b in range(1, after + 1)},
        **{-b: (-b * block_days, (1 - b) * block_days) for b in range(1, before + 1)},
        0: (0, half),
    }
    window = (passed >= -(before - 1) * block_days * DAY_US) & (passed < 0)
    sums = {"spend": both.amount_cny.sum(where=window)}
    for block, (begin, end) in spans.items():
        inside = (passed >= begin * DAY_US) & (passed < end * DAY_US)
        every = (inside.sum(), both.amount_cny.sum(where=inside), both.earned_cny.sum(where=inside))
        told = dict(zip(("orders", "amount", "margin"), every, strict=True))
        sums |= {name: told[name.partition("_")[0]] for name in columns_of(block)}
    recent = ibis.ifelse(passed < 0, -passed, None).min()
    told = both.group_by(["number", "at"]).agg(recent_us=recent, **sums)
    told = told.mutate(**{name: told[name].fill_null(0).cast("float64") for name in sums})
    users = members.users
    added = users.select("number", added_us=count_us(users.added_at))
    rows = occasions.left_join(told, ["number", "at"]).drop("number_right", "at_right")
    rows = rows.left_join(added, "number").drop("number_right")
    rows = rows.mutate(**{name: rows[name].fill_null(0.0) for name in sums})
    found: pd.DataFrame = rows.to_pandas()
    return found


def count_reached(members: Members) -> dict[int, int]:
    """Count who came to each tier for the first time in the period, by the tier's number."""
    reviews = _reviews(members)
    first = reviews.filter((reviews.tier > reviews.before) & (reviews.tier > 0))
    n = first.group_by("tier").agg(n=first.count()).order_by("tier").to_pandas()
    return {int(tier): int(each) for tier, each in zip(n["tier"], n["n"], strict=True)}
