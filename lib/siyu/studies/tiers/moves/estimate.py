"""Close the accounts of tiers, and estimate who goes where and where that would lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from siyu.stats.intervals import wilson
from siyu.stats.migration import ChiSquare, compare_rows, row_shares, settle
from siyu.studies.naming import EVERYONE, large
from siyu.studies.tiers.moves.measures import LEFT, NOT_REVIEWED, Measures

Counts = npt.NDArray[np.int64]

FLOWS = ("joined", "from_below", "from_above", "went_up", "went_down", "left")
"""What leads from the opening of a tier to its closing: the first three are added."""
_OUTSIDE = {LEFT: "left", NOT_REVIEWED: "not_reviewed"}
_SEED = 20261127


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Where moves as those of the last step would lead, and what that assumes.

    shares: per `tier` (lowest first): `members` and `now` (at the last review, with
        `now_lower` and `now_upper`), `closed` (were nobody to leave or join) and `open` (were
        members to leave and join as in the step), each with its ends. No rows where refused.
    constant: whether members of a tier go the same ways in each step. first_order: whether the tier
        before tells no more. refused: "", "none" (no two rounds so far apart), or "few".
    """

    shares: pd.DataFrame
    constant: ChiSquare
    first_order: ChiSquare
    steps: int
    refused: str


def accounts(measures: Measures) -> pd.DataFrame:
    """Close the account of each tier from review to review.

    Returns:
        One row per `review` (its day) and `tier` (the lowest first, then "all"): `opening` +
        `joined` (first review) + `from_below` + `from_above` - `went_up` - `went_down` - `left` =
        `closing`, and `not_reviewed`: those of the closing who keep the tier of an earlier round.
        NaN where a tier is of few, but not nobody, at the opening or the closing, or hidden with
        such a one. The first round only opens the accounts.
    """
    tiers, rounds = len(measures.tiers), len(measures.reviews)
    flows = _flows(measures)
    reviewed = np.zeros((rounds, tiers), dtype=np.int64)
    np.add.at(reviewed, _at(measures.moved, "round", "tier"), measures.moved["n"])
    sign = [1, 1, 1, -1, -1, -1]
    closing = (flows @ sign).cumsum(axis=0)
    parts = []
    for place in range(1, rounds):
        table = pd.DataFrame(flows[place], columns=list(FLOWS))
        table.insert(0, "opening", closing[place - 1])
        table = table.assign(closing=closing[place], not_reviewed=closing[place] - reviewed[place])
        table.insert(0, "tier", list(measures.tiers))
        everyone = table.drop(columns="tier").sum()
        sizes = table.set_index("tier")[["opening", "closing"]]
        hidden = ~table["tier"].isin(large(sizes, min_users=measures.min_users))
        hidden &= (sizes > 0).any(axis=1).to_numpy()
        numbers = table.drop(columns="tier").astype(float)
        table[numbers.columns] = numbers.mask(hidden)
        table.loc[len(table)] = {"tier": EVERYONE, **everyone}
        parts.append(table.assign(review=measures.reviews[place]))
    columns = ["review", "tier", "opening", *FLOWS, "closing", "not_reviewed"]
    found = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return found[columns]


def migration(measures: Measures, *, level: float) -> pd.DataFrame:
    """Give where the members of each tier went within `move_reviews` reviews.

    Returns:
        One row per `origin` and `destination`. To a tier: `share` among the `n_there` who were
        still there and reviewed again, with `ci_lower`, `ci_upper`, and `joint_lower`,
        `joint_upper` that hold for all tiers of the origin at once. To all, "left" and
        "not_reviewed" too: `n` and `share_of_all` of the `n_all` of the origin, with `all_lower`
        and `all_upper`. NaN in rows of fewer than min_users, or hidden with such a one; shares
        among fewer who were still there are NaN too. No rows without two rounds so far apart.
    """
    tiers = measures.tiers
    if not _has_step(measures):
        return pd.DataFrame()
    moved = _step(measures, 0)
    there = moved[:, : len(tiers)]
    of_there = [*row_shares(there, level=level), *row_shares(there, level=level, joint=True)[1:]]
    known = pd.DataFrame(
        {
            "origin": np.repeat(tiers, moved.shape[1]),
            "destination": [*tiers, *_OUTSIDE.values()] * len(tiers),
            "n": moved.ravel().astype(float),
            "n_there": np.repeat(there.sum(axis=1), moved.shape[1]).astype(float),
            "n_all": np.repeat(moved.sum(axis=1), moved.shape[1]).astype(float),
        }
    )
    names = ("share", "ci_lower", "ci_upper", "joint_lower", "joint_upper")
    for name, values in zip(names, of_there, strict=True):
        padded = np.full(moved.shape, np.nan)
        padded[:, : len(tiers)] = values
        known[name] = padded.ravel()
    of_all = row_shares(moved, level=level)
    for name, values in zip(("share_of_all", "all_lower", "all_upper"), of_all, strict=True):
        known[name] = values.ravel()
    shown = large(known.groupby("origin")[["n_all"]].first(), min_users=measures.min_users)
    few = known["n_there"] < measures.min_users
    known.loc[few, list(names)] = np.nan
    known.loc[few & known["destination"].isin(tiers), ["n", *names]] = np.nan
    numbers = known.columns.drop(["origin", "destination"])
    known[numbers] = known[numbers].where(known["origin"].isin(shown))
    return known


def chain(measures: Measures, *, level: float) -> Chain:
    """Give the shares at which the tiers would settle, and test what that assumes.

    Each member counts in one step, the last; the steps before only serve the tests.
    """
    tiers, steps = (
        measures.tiers,
        int(measures.steps["step"].max() + 1) if len(measures.steps) else 0,
    )
    nothing = ChiSquare(statistic=np.nan, degrees=0, p=np.nan)
    refused = "" if _has_step(measures) else "none"
    moved = np.array([_step(measures, step)[:, : len(tiers)] for step in range(steps)])
    members = _closing(measures)
    if not refused and (np.minimum(moved[0].sum(axis=1), members) < measures.min_users).any():
        refused = "few"
    if refused:
        return Chain(
            shares=pd.DataFrame(),
            constant=nothing,
            first_order=nothing,
            steps=steps,
            refused=refused,
        )
    rng = np.random.default_rng(_SEED)
    joined = np.zeros(len(tiers), dtype=np.int64)
    joined[measures.joined["tier"]] = measures.joined["n"]
    gone = _step(measures, 0)[:, len(tiers)]
    closed = settle(moved[0], level=level, rng=rng)
    few = joined.sum() < measures.min_users
    flowing = settle(moved[0], left=gone, joined=joined * (not few), level=level, rng=rng)
    lower, upper = wilson(members, members.sum(), level=level)
    shares = pd.DataFrame(
        {
            "tier": tiers,
            "members": members,
            "now": members / members.sum(),
            "now_lower": lower,
            "now_upper": upper,
            **{
                f"{name}{end}": getattr(found, field)
                for name, found in (("closed", closed), ("open", flowing))
                for end, field in (
                    ("", "share"),
                    ("_lower", "ci_lower"),
                    ("_upper", "ci_upper"),
                )
            },
        }
    )
    return Chain(
        shares=shares,
        constant=compare_rows(moved.swapaxes(0, 1), rng=rng),
        first_order=compare_rows(_orders(measures), rng=rng),
        steps=steps,
        refused="",
    )


def _flows(measures: Measures) -> Counts:
    """Count flows by round, tier and kind, in the order of FLOWS."""
    flows = np.zeros((len(measures.reviews), len(measures.tiers), len(FLOWS)), dtype=np.int64)
    for chosen, tier, kind in (
        ("before < 0", "tier", 0),
        ("0 <= before < tier", "tier", 1),
        ("before > tier", "tier", 2),
        ("0 <= before < tier", "before", 3),
        ("before > tier", "before", 4),
    ):
        rows = measures.moved.query(chosen)
        np.add.at(flows[..., kind], _at(rows, "round", tier), rows["n"])
    np.add.at(flows[..., 5], _at(measures.gone, "round", "tier"), measures.gone["n"])
    return flows


def _closing(measures: Measures) -> Counts:
    """Count the members of each tier at the last review."""
    sign = [1, 1, 1, -1, -1, -1]
    return np.asarray((_flows(measures) @ sign).sum(axis=0), dtype=np.int64)


def _step(measures: Measures, step: int) -> Counts:
    """Count members by origin and where they went: tiers, left, not reviewed."""
    rows = measures.steps[measures.steps["step"] == step]
    tiers = len(measures.tiers)
    to = rows["to"].replace({LEFT: tiers, NOT_REVIEWED: tiers + 1})
    moved = np.zeros((tiers, tiers + 2), dtype=np.int64)
    np.add.at(moved, (rows["origin"].to_numpy(int), to.to_numpy(int)), rows["n"].to_numpy(int))
    return moved


def _orders(measures: Measures) -> Counts:
    """Count members of all steps by tier, the tier a step before, and the tier a step after."""
    rows = measures.steps.query("earlier >= 0 and to >= 0").astype(int)
    tiers = len(measures.tiers)
    moved = np.zeros((tiers, tiers, tiers), dtype=np.int64)
    np.add.at(moved, _at(rows, "origin", "earlier", "to"), rows["n"])
    return moved


def _has_step(measures: Measures) -> bool:
    return bool(len(measures.steps))


def _at(rows: pd.DataFrame, *columns: str) -> tuple[Counts, ...]:
    return tuple(rows[name].to_numpy(dtype=np.int64) for name in columns)
