"""Reduce reviews and orders to what members did before and after a tier was reached or missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd

from siyu.data import Source
from siyu.data.zones import count_us, without_zone
from siyu.studies.tiers.definition import TierError
from siyu.studies.tiers.members import Members
from siyu.studies.tiers.thresholds import check_thresholds
from siyu.studies.tiers.upgrade.occasions import (
    Rule,
    column,
    count_reached,
    find_occasions,
    read_rule,
    sum_blocks,
)
from siyu.studies.tiers.upgrade.rows import (
    blank_unseen,
    count_months,
    count_near,
    find_known,
    hide_persons,
    share_reproduced,
)

FOLLOWS = 0.99
"""Share of reviews whose tier the basis must say: else something besides it decides."""
REPRODUCED = 0.9
"""Share of reviews whose basis must be what was bought in the window: else the past is not seen."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Members near the threshold of a tier, and what they bought in blocks around that occasion.

    rows: one row per member and occasion, in no order that says who it is: `kind` ("up": a review,
        never so high before; "down": a review, so high at the one before; "date": `half_days` after
        a review, never so high), `target` (number of the tier), `exposed` ("up", "date": the basis
        reaches it; "down": it does not), `member` (a code), `month`, `earlier` (tier before; -1:
        none), `upper` (of those below the threshold: in the upper half), `recent` and `tenure` (see
        `lay_out`), `spend` in the window, and per block (-1 ends at the occasion) `orders_`, after
        it `margin_` and `amount_` (see `columns_of`); those of the `half_days` after it under
        block 0. NaN where a block was not seen whole.
    near: per `target`, members never so high before within 5% `above` and `below` its threshold.
    reached: per tier but the lowest, who came to it for the first time in the period.
    months: how many times 30 days the reviews that count span.
    unknown: occasions left out, since orders before them were not seen.
    immature: reviews without a whole block after them.
    ends: the first day that does not count, for an experiment; None without.
    refused: "tiers" (no reviews), "one" (a single tier), "orders", "basis", "rule" (the basis does
        not tell the tier), "window" (it is not what was bought in the window), "".
    """

    source: str
    first: date
    as_of: date
    tiers: tuple[str, ...]
    thresholds: tuple[float, ...]
    min_users: int
    block_days: int
    blocks_before: int
    blocks_after: int
    half_days: int
    band: float
    rows: pd.DataFrame
    near: pd.DataFrame
    reached: Mapping[int, int]
    months: float
    unknown: int
    immature: int
    follows: float
    reproduced: float
    ends: date | None
    has_margin: bool
    refused: str


def measure(
    members: Members,
    *,
    basis_days: int = 90,
    block_days: int = 30,
    blocks_after: int = 3,
    band: float = 0.5,
    thresholds_cny: Mapping[str, float] | None = None,
    experiments: Sequence[str] = (),
) -> Measures:
    """Measure what was bought before and after a tier was reached, missed, lost or kept.

    Args:
        members: from `find_members`.
        basis_days: days before a review whose spend is its basis; a multiple of `block_days`.
        block_days: days that are counted together, at least 1.
        blocks_after: blocks after the occasion, at least 1.
        band: share of a threshold within which the basis must lie on either side, in (0, 1].
        thresholds_cny: least basis of a tier, in yuan, by its name; of tiers not named it is found
            in the reviews.
        experiments: in `assignments`; what lies after the first draw of one is left out.

    Raises:
        TierError: a number out of range, or thresholds that do not rise.
    """
    _check(basis_days, block_days, blocks_after, band)
    asked = check_thresholds(members, thresholds_cny)
    ends_us = _end(members.pool, experiments)
    refused = _refuse(members)
    rule = Rule(thresholds=(), follows=0.0, half_days=0)
    if not refused:
        rule = read_rule(members, asked)
        refused = "rule" if rule.follows < FOLLOWS else ""
    about: dict[str, Any] = {
        "source": members.source,
        "first": members.first,
        "as_of": members.as_of,
        "tiers": members.tiers,
        "min_users": members.min_users,
        "block_days": block_days,
        "blocks_before": basis_days // block_days,
        "blocks_after": blocks_after,
        "half_days": rule.half_days,
        "band": band,
        "thresholds": rule.thresholds,
        "follows": rule.follows,
        "ends": _day(members, ends_us) if ends_us is not None else None,
        "has_margin": members.has_margin,
    }
    if refused:
        return Measures(**about, **_nothing(), refused=refused)
    until_us = _us(members.pool.as_of_end)
    if ends_us is not None:
        until_us = min(until_us, ends_us)
    occasions = find_occasions(
        members, rule, band=band, basis_days=basis_days, until_us=until_us
    ).cache()
    blocks = basis_days // block_days
    found = sum_blocks(
        members,
        occasions,
        before=blocks + 1,
        after=blocks_after,
        block_days=block_days,
        half=rule.half_days,
    )
    share = share_reproduced(found)
    if len(found) and share < REPRODUCED:
        return Measures(**about, **_nothing() | {"reproduced": share}, refused="window")
    begin_us = _us(members.pool.observed_from)
    known = find_known(found, begin_us, blocks * block_days)
    spans = {block: block * block_days for block in range(1, blocks_after + 1)}
    # The larger table goes before others are made of it.
    found = found[known]
    seen = blank_unseen(
        found,
        since_us=begin_us,
        until_us=until_us,
        after={0: rule.half_days, **spans},
        before=(-blocks - 1, (blocks + 1) * block_days),
    )
    reviewed = seen["kind"] == "up"
    return Measures(
        **about,
        rows=hide_persons(seen, begin_us, rule.thresholds, band),
        near=count_near(seen[reviewed], rule.thresholds),
        reached=count_reached(members),
        months=count_months(seen[reviewed], block_days),
        unknown=int((~known).sum()),
        immature=int(seen.loc[reviewed, column("orders", 1)].isna().sum()),
        reproduced=share,
        refused="",
    )


def _check(basis_days: int, block_days: int, blocks_after: int, band: float) -> None:
    for name, value in (("block_days", block_days), ("blocks_after", blocks_after)):
        if value < 1:
            raise TierError(f"{name} = {value} must be at least 1")
    if basis_days < block_days or basis_days % block_days:
        raise TierError(
            f"basis_days = {basis_days} must be a multiple of block_days = {block_days}; "
            "the window on which a tier is set is counted in whole blocks"
        )
    if not 0 < band <= 1:
        raise TierError(f"band = {band} must lie above 0 and be at most 1; half is 0.5")


def _refuse(members: Members) -> str:
    if not members.tiers:
        return "tiers"
    if len(members.tiers) < 2:
        return "one"
    if not members.has_orders:
        return "orders"
    if not members.has_basis:
        return "basis"
    return ""


def _nothing() -> dict[str, Any]:
    return {
        "rows": pd.DataFrame({"kind": [], "target": [], "exposed": []}),
        "near": pd.DataFrame({"target": [], "above": [], "below": []}),
        "reached": {},
        "months": 0.0,
        "unknown": 0,
        "immature": 0,
        "reproduced": 0.0,
    }


def _end(pool: Source, experiments: Sequence[str]) -> int | None:
    """Give when the first of these experiments drew its first member; None where there is none."""
    if not experiments or not pool.has("assignments"):
        return None
    drawn = pool.table("assignments")
    drawn = drawn.filter(drawn.experiment.isin(list(experiments)))
    at = drawn.agg(at=count_us(without_zone(drawn.assigned_at)).min()).to_pandas()["at"].iloc[0]
    return None if pd.isna(at) else int(at)


def _us(instant: datetime) -> int:
    return (instant - _EPOCH) // timedelta(microseconds=1)


def _day(members: Members, us: int) -> date:
    at = _EPOCH + timedelta(microseconds=us)
    return at.astimezone(ZoneInfo(members.pool.timezone)).date()
