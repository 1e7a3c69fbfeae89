"""Count how trees have grown, and how long each friend took to bring others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from siyu.data.zones import DAY_US
from siyu.studies.referral import spread
from siyu.studies.referral.climb import ROOT, climb
from siyu.studies.referral.invites import Invites


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What trees are told from.

    spread: the people followed for a cycle, from the part about spreading.
    friends: one row per friend that came in the first `arriving_days`: `campaign` (index) and
        `followed_days`, in the order of both.
    arrivals: one row per new member that such a friend brought: `friend` (row of `friends`), `days`
        from the friend's own addition to the acceptance.
    generations: new members by generation of their tree: `campaign`, `generation`, `n`.
    seeds: seeds by how many `friends` their trees hold: `campaign`, `friends`, `n`.
    starts: friends of the first generation by the `size` of the tree that each began, themselves
        included: `campaign`, `size`, `n`.
    rewards: per campaign `paid_cny` to inviters, for `brought` new members, of whom `late` are in
        trees that no seed began.
    """

    spread: spread.Measures
    friends: pd.DataFrame
    arrivals: pd.DataFrame
    generations: pd.DataFrame
    seeds: pd.DataFrame
    starts: pd.DataFrame
    rewards: pd.DataFrame


def measure(invites: Invites, people: spread.Measures) -> Measures:
    """Count how trees have grown.

    Args:
        invites: from `find_invites`.
        people: from `spread.measure`, of the same.
    """
    friends = invites.friends
    timed, arrivals = _find_times(invites)
    paid = invites.sent.groupby("campaign").agg(paid_cny=("reward_cny", "sum"))
    paid = paid.join(
        friends.groupby("campaign").agg(brought=("person", "size"), late=("is_late", "sum"))
    )
    return Measures(
        spread=people,
        friends=timed,
        arrivals=arrivals,
        generations=friends.groupby(["campaign", "generation"]).size().reset_index(name="n"),
        seeds=_find_seeds(invites, friends[~friends["is_late"]]),
        starts=_find_starts(friends),
        rewards=paid.reindex(invites.campaigns.index).fillna(0).reset_index(names="campaign"),
    )


def _find_times(invites: Invites) -> tuple[pd.DataFrame, pd.DataFrame]:
    friends, arriving = invites.friends, invites.definition.arriving_days
    opens = invites.campaigns["opens_us"].to_numpy()[friends["campaign"]]
    arrived = np.ones(len(friends), dtype=np.bool_)
    if arriving is not None:
        arrived = (friends["added_us"] < opens + arriving * DAY_US).to_numpy()
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


def _find_starts(own: pd.DataFrame) -> pd.DataFrame:
    """Count friends of the first generation by the size of the tree that each began."""
    above = pd.Series(own.index, index=own["person"]).reindex(own["inviter"]).to_numpy()
    parent = np.where(own["generation"] > 1, above, ROOT).astype(np.int64)
    sizes = own.assign(top=climb(parent).top).groupby(["campaign", "top"]).size().rename("size")
    told = sizes.reset_index().groupby(["campaign", "size"]).size()
    return told.rename("n").reset_index()
