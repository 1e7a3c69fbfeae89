"""The questions of tiers: everything that is measured of members, with the rule found or named."""

from __future__ import annotations

from siyu.data import Source
from siyu.studies.tiers import (
    Definition,
    activity,
    find_members,
    future,
    ladder,
    moves,
    offer,
    rfm,
    threshold,
    upgrade,
    value,
)

from tests.engines.variants import coarsen, strip

_OFFERS = "tier_offer_2026q1"


def _usual(pool: Source) -> object:
    members = find_members(pool, Definition(), period_days=365, min_users=5)
    return (
        members.counts,
        offer.measure(members, offer_experiment=_OFFERS),
        value.measure(members),
        threshold.measure(members, without_experiments=[_OFFERS]),
        upgrade.measure(members, experiments=[_OFFERS]),
        moves.measure(members, basis_days=90),
        activity.measure(members),
        future.measure(members),
        rfm.measure(members.of_last(180)),
        ladder.measure(members),
    )


def _otherwise(pool: Source) -> object:
    lowest_first = find_members(pool, Definition(), period_days=200).tiers
    members = find_members(pool, Definition(tiers=lowest_first), period_days=200, min_users=5)
    lines = {lowest_first[1]: 150.0}
    return (
        members,
        threshold.measure(members, thresholds_cny=lines, jump_days=20),
        upgrade.measure(members, block_days=15, blocks_after=2, band=1.0),
        future.measure(members, unit="hour", holdout_days=28),
        rfm.measure(members.of_last(90), compare_days=None),
        ladder.measure(members, rungs=["moments_like", "cart or consult"], order_days=60),
    )


def _bare(pool: Source) -> object:
    lowest_first = Definition(tiers=find_members(pool, Definition(), period_days=200).tiers)
    members, unreviewed, idle = (
        find_members(strip(pool, *absent), lowest_first, period_days=100, min_users=5)
        for absent in ((), ("tiers", "invites", "events"), ("orders",))
    )
    return (
        offer.measure(members, offer_experiment=_OFFERS, offer_days=20),
        value.measure(members, value_days=20),
        threshold.measure(members),
        moves.measure(members),
        rfm.measure(members.of_last(60)),
        future.measure(unreviewed),
        future.measure(idle),
        threshold.measure(idle),
    )


def _ties(pool: Source) -> object:
    members = find_members(coarsen(pool), Definition(), period_days=365, min_users=5)
    return ladder.measure(members)


QUESTIONS = {"rule found": _usual, "rule named": _otherwise, "bare": _bare, "ties": _ties}
