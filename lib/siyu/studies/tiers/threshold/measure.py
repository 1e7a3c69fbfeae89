"""Reduce reviews to what members bought after them, and tiers to the thresholds between them."""

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
from siyu.studies.tiers.thresholds import check_thresholds, find_thresholds

OUTCOMES = {"orders": "orders", "spend": "amount_cny", "margin": "margin_cny"}
"""What members bring after a review: the column of each."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Reviews of the period, and the thresholds at which tiers begin.

    reviews: one row per review that counts and has a basis above 0, in no order that says who it
        is: `member` (a code), `review` (a code, of the day of it), `basis_cny`, and, of the
        `jump_days` after it, `orders`, `amount_cny` and `margin_cny`; known before it are
        `tenure_days` since the addition and `main_channel` (1: of the channel most came by), NaN
        where not known.
    thresholds: one row per `tier` but the lowest: `line_cny`, named or found, `off` reviews that
        do not follow it of the `n` that are, or by their basis should be, in that tier or a higher
        one, and `threshold_cny`, the same line, or NaN where tiers do not follow it.
    counts: of reviews in the period: `all`, without a basis (`unknown`), not followed for
        `jump_days` (`short`), with an offer drawn by lot in those days (`drawn`), and `n` left.
    refused: "tiers" (no reviews in the period), "basis" (none has one), "orders" (no orders),
        "short" (all reviews are too recent), "".
    """

    source: str
    as_of: date
    first: date
    min_users: int
    jump_days: int
    has_margin: bool
    reviews: pd.DataFrame
    thresholds: pd.DataFrame
    counts: Mapping[str, int]
    refused: str


def measure(
    members: Members,
    *,
    thresholds_cny: Mapping[str, float] | None = None,
    jump_days: int = 30,
    without_experiments: Sequence[str] = (),
    offer_days: int = 56,
) -> Measures:
    """Measure what members bought in the days after each review, whoever left in them included.

    Args:
        members: from `find_members`.
        thresholds_cny: least basis of a tier, in yuan, by its name; of tiers not named it is found
            in the reviews, where tiers follow the basis.
        jump_days: days after a review that count, at least 1.
        without_experiments: names in `assignments`, if they are there; a review is left out if an
            offer that its member was assigned works in the days after it, since offers may differ
            by tier.
        offer_days: days from the assignment in which an offer works, at least 1.

    Raises:
        TierError: a number out of range; a tier that is not there; thresholds that
            do not rise.
    """
    for name, value in (("jump_days", jump_days), ("offer_days", offer_days)):
        if value < 1:
            raise TierError(f"{name} = {value} must be at least 1")
    asked = check_thresholds(members, thresholds_cny)
    counts = dict.fromkeys(("all", "unknown", "short", "drawn", "n"), 0)
    reviews, thresholds = pd.DataFrame(), pd.DataFrame()
    refused = "" if members.tiers else "tiers"
    if members.tiers:
        here = members.reviews.filter(members.reviews.on >= ibis.literal(members.first))
        marked = _mark(members, here, jump_days, without_experiments, offer_days).cache()
        counts = _count(marked)
        refused = "tiers" if not counts["all"] else ""
        if counts["all"] == counts["unknown"]:
            refused = refused or "basis"
        elif not members.has_orders:
            refused = "orders"
        elif counts["short"] == counts["all"] - counts["unknown"]:
            refused = "short"
        else:
            known = marked.filter(~marked.unknown)
            thresholds = find_thresholds(known, members.tiers, asked)
            kept = marked.filter(~marked.unknown & ~marked.short & ~marked.drawn)
            reviews = _sum_orders(members, kept.filter(kept.basis_cny > 0), jump_days)
    return Measures(
        source=members.source,
        as_of=members.as_of,
        first=members.first,
        min_users=members.min_users,
        jump_days=jump_days,
        has_margin=members.has_margin,
        reviews=reviews,
        thresholds=thresholds,
        counts=counts,
        refused=refused,
    )


def _mark(
    members: Members,
    reviews: ir.Table,
    jump_days: int,
    experiments: Sequence[str],
    offer_days: int,
) -> ir.Table:
    """Mark the reviews that do not count, each by the first reason why."""
    end = ibis.literal(members.pool.as_of_end.replace(tzinfo=None))
    unknown = reviews.basis_cny.isnull() | reviews.basis_cny.isnan()
    short = elapsed_us(reviews.since, end) < jump_days * DAY_US
    reviews = reviews.mutate(unknown=unknown.fill_null(True))
    reviews = reviews.mutate(short=short & ~reviews.unknown)
    if not experiments or not members.pool.has("assignments"):
        return reviews.mutate(drawn=ibis.literal(False))
    drawn = _find_offers(members, experiments)
    both = reviews.select("number", "since").join(drawn, "number")
    passed = elapsed_us(both.since, both.assigned_at)
    both = both.filter((passed < jump_days * DAY_US) & (passed > -offer_days * DAY_US))
    both = both.select(drawn_number="number", drawn_since="since").distinct()
    marked = reviews.left_join(
        both, [reviews.number == both.drawn_number, reviews.since == both.drawn_since]
    )
    drawn_too = marked.drawn_number.notnull() & ~marked.unknown & ~marked.short
    return marked.mutate(drawn=drawn_too).drop("drawn_number", "drawn_since")


def _find_offers(members: Members, experiments: Sequence[str]) -> ir.Table:
    """Give who was put into an arm of the experiments, and when."""
    drawn = members.pool.table("assignments")
    drawn = drawn.filter(drawn.experiment.isin(list(experiments)))
    both = drawn.join(members.users.select("user_id", "number"), "user_id")
    return both.select("number", assigned_at=without_zone(both.assigned_at))


def _count(marked: ir.Table) -> dict[str, int]:
    sums = {name: marked[name].sum().fill_null(0) for name in ("unknown", "short", "drawn")}
    found = marked.agg(all=marked.count(), **sums).to_pandas().iloc[0]
    counts = {str(name): int(n) for name, n in found.items()}
    left = counts["all"] - counts["unknown"] - counts["short"] - counts["drawn"]
    return counts | {"n": left}


def _sum_orders(members: Members, reviews: ir.Table, jump_days: int) -> pd.DataFrame:
    """Sum up the orders of each review's member in the days after it."""
    orders = members.orders.select("number", "paid_at", "amount_cny", "earned_cny")
    both = reviews.select("number", "since").join(orders, "number")
    passed = elapsed_us(both.since, both.paid_at)
    both = both.filter((passed >= 0) & (passed < jump_days * DAY_US))
    sums = both.group_by(of_number="number", of_since="since").agg(
        orders=both.count(), amount_cny=both.amount_cny.sum(), margin_cny=both.earned_cny.sum()
    )
    table = reviews.left_join(
        sums, [reviews.number == sums.of_number, reviews.since == sums.of_since]
    )
    table = table.join(_known_before(members), "number")
    found: pd.DataFrame = table.select(
        "number",
        "on",
        "basis_cny",
        "channel",
        tenure_days=elapsed_us(table.added_at, table.since) / DAY_US,
        **{name: table[name].fill_null(0).cast("float64") for name in OUTCOMES.values()},
    ).to_pandas()
    found = found.sort_values(["basis_cny", *OUTCOMES.values(), "tenure_days", "number", "on"])
    channel = found["channel"]
    most = channel.value_counts().sort_index().idxmax() if channel.notna().any() else None
    found = found.assign(
        member=pd.factorize(found["number"])[0],
        review=found["on"].rank(method="dense").astype("int64") - 1,
        tenure_days=found["tenure_days"].astype("float64"),
        main_channel=(channel == most).astype("float64").where(channel.notna()),
    )
    return found.drop(columns=["number", "on", "channel"]).reset_index(drop=True)


def _known_before(members: Members) -> ir.Table:
    """Give when users came, and by which channel, where that is known."""
    users, pool = members.users, members.pool.table("users")
    if "channel" not in pool.columns:
        return users.select("number", "added_at", channel=ibis.null("string"))
    both = users.join(pool.select("user_id", "channel"), "user_id")
    return both.select("number", "added_at", "channel")
