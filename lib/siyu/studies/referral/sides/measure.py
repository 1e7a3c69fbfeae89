"""Reduce a reward experiment to what came of each seed that was drawn, whole trees together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd

from siyu.data.zones import DAY_US, count_us, without_zone
from siyu.studies.referral.definition import ReferralError
from siyu.studies.referral.invites import Invites
from siyu.studies.tables import each_row

_NOBODY = -1


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Seeds drawn into an arm, and what came of each.

    arms: of the experiment, the control first. shares: planned share of each. drawn_arms: those
        into which somebody was drawn, where these are not all that are named (the control, and
        those with a gift or a share): then `arms` is empty.
    seeds: one row per seed followed for `tree_days` and `kept_days`, in no order that says who:
        `arm` (index), `descendants` (new members within `tree_days` of the draw, of any
        generation), `kept` (of them, there `kept_days` after their addition) and `cost_cny`
        (rewards for them, gifts to them, and what the draw cost).
    immature: drawn seeds not followed so long. contaminated: drawn persons who came of another
        drawn seed, which had another arm or the same: no seeds themselves, and what comes of them
        counts for the seed above.
    past: for planning, by `campaign` and `size` (new members within `tree_days`, of one member of
        the campaign's first midnight) how many members, `n`, and how many of them had sent an
        invitation, `inviters`; of campaigns followed so long.
    """

    source: str
    as_of: date
    min_users: int
    experiment: str
    arms: tuple[str, ...]
    shares: tuple[float, ...]
    drawn_arms: tuple[str, ...]
    tree_days: int
    kept_days: int
    seeds: pd.DataFrame
    immature: int
    contaminated: int
    past: pd.DataFrame


def measure(
    invites: Invites,
    *,
    reward_experiment: str = "",
    reward_control: str = "one_sided",
    reward_shares: Sequence[float] = (),
    gift_cny: Mapping[str, float] | None = None,
    tree_days: int = 42,
) -> Measures:
    """Measure what came of each drawn seed.

    Args:
        invites: from `find_invites`, with all campaigns in which the seeds invited.
        reward_experiment: in `assignments`; "" for none.
        reward_control: its arm to compare with.
        reward_shares: planned share of each arm, the control's first, then by name; empty: equal.
        gift_cny: by arm, what a new member costs beyond the inviter's reward, in yuan, 0 or more.
        tree_days: days (of 24 hours) from the draw in which new members count, at least 1.

    Raises:
        ReferralError: a number out of range.
    """
    if tree_days < 1:
        raise ReferralError(f"tree_days = {tree_days} must be at least 1; use 42")
    drawn = _drawn(invites, reward_experiment)
    gifts = dict(gift_cny or {})
    _check_gifts(gifts)
    arms, there = _arms(drawn, reward_control, named=set(gifts), shares=len(reward_shares))
    shares = _shares(arms, reward_shares)
    kept_days = invites.definition.kept_days
    seeds, immature, contaminated = _NO_SEEDS, 0, 0
    if arms:
        drawn["unit"] = climb_to_drawn(drawn, invites.friends, own=True)
        is_seed = drawn["unit"] == _NOBODY
        contaminated = int((~is_seed).sum())
        mature = invites.end_us - drawn["drawn_us"] >= (tree_days + kept_days) * DAY_US
        immature = int((is_seed & ~mature).sum())
        seeds = _grow(drawn[is_seed & mature], drawn, invites.friends, gifts, tree_days, kept_days)
        seeds["arm"] = seeds["arm"].map({arm: i for i, arm in enumerate(arms)}).astype("int64")
        order = ["arm", "descendants", "kept", "cost_cny"]
        seeds = seeds[order].sort_values(order, ignore_index=True)
    return Measures(
        source=invites.source,
        as_of=invites.as_of,
        min_users=invites.min_users,
        experiment=reward_experiment if arms or there else "",
        arms=arms,
        shares=shares,
        drawn_arms=there,
        tree_days=tree_days,
        kept_days=kept_days,
        seeds=seeds,
        immature=immature,
        contaminated=contaminated,
        past=_past(invites, tree_days),
    )


_NO_SEEDS = pd.DataFrame(
    {"arm": pd.Series(dtype="int64")}
    | {name: pd.Series(dtype="float64") for name in ("descendants", "kept", "cost_cny")}
)


def _drawn(invites: Invites, experiment: str) -> pd.DataFrame:
    """Give who was drawn into which arm when: the first time, for who was drawn again."""
    empty = pd.DataFrame({"person": [], "arm": [], "drawn_us": [], "cost_cny": []})
    if not experiment or not invites.pool.has("assignments"):
        return empty
    drawn = invites.pool.table("assignments")
    drawn = drawn.filter(drawn.experiment == experiment)
    cost = drawn.cost_cny.cast("float64") if "cost_cny" in drawn.columns else ibis.null("float64")
    drawn = drawn.select(
        "user_id", "arm", drawn_us=count_us(without_zone(drawn.assigned_at)), cost_cny=cost
    ).join(invites.users.select("user_id", person="number"), "user_id")
    read: pd.DataFrame = drawn.drop("user_id").to_pandas()
    found = read.fillna({"cost_cny": 0.0}).sort_values(["drawn_us", "person", "arm"], kind="stable")
    return found.drop_duplicates("person").reset_index(drop=True)


def _arms(
    drawn: pd.DataFrame, control: str, *, named: Set[str], shares: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Give the arms, the control first; or none, and into which somebody has been drawn so far."""
    there = sorted(set(drawn["arm"]))
    if not {control, *named} <= set(there) or len(there) < max(shares, 2):
        return (), tuple(there)
    return (control, *(arm for arm in there if arm != control)), ()


def _shares(arms: Sequence[str], asked: Sequence[float]) -> tuple[float, ...]:
    if arms and asked and (len(asked) != len(arms) or not all(share > 0 for share in asked)):
        raise ReferralError(
            f"reward_shares = {list(asked)} must be one share above 0 for each of {', '.join(arms)}"
        )
    return tuple(asked) if asked else (1.0,) * len(arms)


def _check_gifts(asked: Mapping[str, float]) -> None:
    for arm, cost in asked.items():
        if not cost >= 0:
            raise ReferralError(f"gift_cny: {cost} yuan in {arm!r} must be at least 0")


def climb_to_drawn(drawn: pd.DataFrame, friends: pd.DataFrame, *, own: bool) -> pd.Series:
    """Give the uppermost drawn person of whom each came after that one's draw, or _NOBODY.

    Args:
        drawn: who was drawn.
        friends: new members.
        own: of the drawn; else of the friends.
    """
    when = pd.Series(drawn["drawn_us"].to_numpy(), index=drawn["person"].to_numpy())
    row = pd.Series(np.arange(len(friends)), index=friends["person"].to_numpy())
    inviter, added = friends["inviter"].to_numpy(), friends["added_us"].to_numpy()
    start = row.reindex(drawn["person"]).to_numpy() if own else np.arange(len(friends), dtype=float)
    unit = np.full(len(start), _NOBODY)
    at = np.where(np.isnan(start), _NOBODY, start).astype(np.int64)
    # Who is further up was added earlier, so that the last one found is the uppermost.
    while (at != _NOBODY).any():
        person = np.where(at == _NOBODY, _NOBODY, inviter[at])
        drawn_us = when.reindex(person).to_numpy()
        unit = np.where((at != _NOBODY) & (drawn_us <= added[at]), person, unit)
        above = row.reindex(person).to_numpy()
        at = np.where((at == _NOBODY) | np.isnan(above), _NOBODY, np.nan_to_num(above)).astype(int)
    return pd.Series(unit, index=drawn.index if own else friends.index)


def _grow(
    seeds: pd.DataFrame,
    drawn: pd.DataFrame,
    friends: pd.DataFrame,
    gifts: Mapping[str, float],
    tree_days: int,
    kept_days: int,
) -> pd.DataFrame:
    """Sum up what came of each seed."""
    came = friends.assign(person=climb_to_drawn(drawn, friends, own=False)).merge(
        seeds[["person", "drawn_us"]], on="person"
    )
    came = came[came["added_us"] < came["drawn_us"] + tree_days * DAY_US]
    kept = came["left_us"] - came["added_us"] > kept_days * DAY_US
    by = came.assign(descendants=1.0, kept=kept.astype(float)).groupby("person")
    sums = by[["descendants", "kept", "reward_cny"]].sum().reindex(seeds["person"]).fillna(0.0)
    sums = sums.set_index(seeds.index)
    each = [gifts.get(arm, 0.0) for arm in seeds["arm"]]
    cost = sums["reward_cny"] + sums["descendants"] * each + seeds["cost_cny"]
    return sums.assign(arm=seeds["arm"], cost_cny=cost)


def _past(invites: Invites, tree_days: int) -> pd.DataFrame:
    """Count how many members had trees of each size in campaigns that were."""
    rows = []
    for i, campaign in enumerate(each_row(invites.campaigns)):
        end = campaign.opens_us + tree_days * DAY_US
        if end > invites.end_us:
            continue
        own = invites.friends
        own = own[(own["campaign"] == i) & ~own["is_late"] & (own["added_us"] < end)]
        sent = invites.sent
        sent = sent[(sent["campaign"] == i) & (sent["generation"] == 0) & ~sent["is_late"]]
        invited = sent.loc[sent["invited_us"] < end, "inviter"].nunique()
        sizes = own.groupby("seed").size().value_counts().sort_index()
        grown = int(sizes.sum())
        rows.append((campaign.campaign, 0, int(campaign.seeds) - grown, invited - grown))
        rows += [
            (campaign.campaign, int(size), int(sizes[size]), int(sizes[size]))
            for size in sizes.index
        ]
    return pd.DataFrame(rows, columns=["campaign", "size", "n", "inviters"])
