"""Count how trees have grown, and how long each friend took to bring others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from siyu.data.zones import DAY_US
from siyu.studies.referral import spread
from siyu.studies.referral.bins import STARTS, bin_counts
from siyu.studies.referral.invites import Invites


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What trees are told from.

    spread: the people followed for a cycle, from the part about spreading.
    friends: one row per friend that came in the first `arriving_days`: `campaign` (index) and
        `followed_days`, in the order of both.
    arrivals: one row per new member that such a friend brought: `friend` (row of `friends`), `days`
        from the friend's own addition to the acceptance.
    generations: new members by generation of their tree, neighbouring ones together where they are
        few: `campaign`, `first` and `last` generation, `n`.
    deepest: per campaign the deepest generation, 0 where nobody came.
    seeds: seeds by how many `friends` their trees hold: `campaign`, `friends`, `n`.
    sizes: friends that came in the first `arriving_days` by the size of the tree that each began,
        themselves included, sizes together where friends are few: `campaign`, `first` and `last`
        size, `n`.
    rewards: per campaign `paid_cny` to inviters, for `brought` new members, of whom `late` are in
        trees that no seed began.
    """

    spread: spread.Measures
    friends: pd.DataFrame
    arrivals: pd.DataFrame
    generations: pd.DataFrame
    deepest: pd.Series
    seeds: pd.DataFrame
    sizes: pd.DataFrame
    rewards: pd.DataFrame


def measure(invites: Invites, people: spread.Measures) -> Measures:
    """Count how trees have grown.

    Args:
        invites: from `find_invites`.
        people: from `spread.measure`, of the same.
    """
    friends = invites.friends
    arrived = _find_arrived(invites)
    timed, arrivals = _find_times(invites, arrived)
    paid = invites.sent.groupby("campaign").agg(paid_cny=("reward_cny", "sum"))
    paid = paid.join(
        friends.groupby("campaign").agg(brought=("person", "size"), late=("is_late", "sum"))
    )
    return Measures(
        spread=people,
        friends=timed,
        arrivals=arrivals,
        generations=_bin(friends, friends["generation"], invites),
        deepest=friends.groupby("campaign")["generation"]
        .max()
        .reindex(invites.campaigns.index, fill_value=0),
        seeds=_find_seeds(invites, friends[~friends["is_late"]]),
        sizes=_bin(friends[arrived], _count_below(friends)[arrived], invites, starts=STARTS),
        rewards=paid.reindex(invites.campaigns.index).fillna(0).reset_index(names="campaign"),
    )


def _find_arrived(invites: Invites) -> NDArray[np.bool_]:
    friends, arriving = invites.friends, invites.definition.arriving_days
    if arriving is None:
        return np.ones(len(friends), dtype=np.bool_)
    opens = invites.campaigns["opens_us"].to_numpy()[friends["campaign"]]
    return (friends["added_us"] < opens + arriving * DAY_US).to_numpy()


def _find_times(invites: Invites, arrived: NDArray[np.bool_]) -> tuple[pd.DataFrame, pd.DataFrame]:
    friends = invites.friends
    known = friends[arrived].assign(
        followed_days=lambda one: (invites.end_us - one["added_us"]) / DAY_US
    )
    known = known.sort_values(["campaign", "followed_days", "person"], ignore_index=True)
    place = pd.Series(known.index, index=known["person"])
    friend = place.reindex(friends["inviter"]).to_numpy()
    # Who brings friends to another campaign brings them there as a seed.
    same = ~np.isnan(friend)
    row = friend[same].astype(np.int64)
    same[same] = known["campaign"].to_numpy()[row] == friends["campaign"].to_numpy()[same]
    row = friend[same].astype(np.int64)
    days = (friends["accepted_us"].to_numpy()[same] - known["added_us"].to_numpy()[row]) / DAY_US
    arrivals = pd.DataFrame({"friend": row, "days": np.maximum(days, 0.0)})
    arrivals = arrivals.sort_values(["friend", "days"], ignore_index=True)
    return known[["campaign", "followed_days"]], arrivals


def _find_seeds(invites: Invites, friends: pd.DataFrame) -> pd.DataFrame:
    """Count seeds by the size of their trees, those who brought nobody included."""
    sizes = friends.groupby(["campaign", "seed"]).size().rename("friends").reset_index()
    brought = sizes.groupby(["campaign", "friends"]).size().rename("n").reset_index()
    idle = invites.campaigns["seeds"] - sizes.groupby("campaign").size().reindex(
        invites.campaigns.index, fill_value=0
    )
    none = pd.DataFrame({"campaign": idle.index, "friends": 0, "n": idle})
    told = pd.concat([none[none["n"] > 0], brought], ignore_index=True).astype("int64")
    return told.sort_values(["campaign", "friends"], ignore_index=True)


def _count_below(friends: pd.DataFrame) -> NDArray[np.int64]:
    """Count for each friend the people of the tree below, the friend included."""
    above = pd.Series(friends.index, index=friends["person"]).reindex(friends["inviter"]).to_numpy()
    generation = friends["generation"].to_numpy()
    sizes = np.ones(len(friends), dtype=np.int64)
    order = np.argsort(generation, kind="stable")
    levels = np.split(order, np.searchsorted(generation[order], np.unique(generation)[1:]))
    for rows in levels[:0:-1]:
        np.add.at(sizes, above[rows].astype(np.int64), sizes[rows])
    return sizes


def _bin(
    friends: pd.DataFrame,
    values: ArrayLike,
    invites: Invites,
    *,
    starts: Sequence[int] | None = None,
) -> pd.DataFrame:
    counted = pd.DataFrame({"campaign": friends["campaign"], "value": values})
    parts = [pd.DataFrame(columns=["campaign", "first", "last", "n"], dtype="int64")]
    for campaign, own in counted.groupby("campaign")["value"]:
        n = own.value_counts()
        told = bin_counts(n.index.to_series(), n, starts=starts, least=invites.min_users)
        parts.append(told.assign(campaign=campaign))
    return pd.concat(parts, ignore_index=True)
