"""Reduce invitations to how many new members each inviter brought, and how many left at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

from siyu.data.zones import DAY_US
from siyu.studies.referral.invites import Invites


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Who invited, and what came of it.

    inviters: one row per campaign and person who sent an invitation, in no order that says who:
        `campaign` (index), `inviter` (the same person in all campaigns has one number, given
        anew), `tree` (whoever shares a root), `friends` (new members brought), `followed` of them
        for a day, `gone` of those within it, `lost_cny` (rewards for these), `reward_cny`.
    """

    source: str
    as_of: date
    min_users: int
    campaigns: tuple[str, ...]
    inviters: pd.DataFrame
    has_leaving: bool


def measure(invites: Invites) -> Measures:
    """Count for each inviter the new members brought, and those of them who left within a day.

    Args:
        invites: from `find_invites`.
    """
    friends = invites.friends
    followed = invites.end_us - friends["added_us"] >= DAY_US
    gone = followed & (friends["left_us"] - friends["added_us"] <= DAY_US)
    counted = friends.assign(
        friends=1, followed=followed, gone=gone, lost_cny=friends["reward_cny"].where(gone, 0.0)
    )
    sums = counted.groupby(["campaign", "inviter"])[list(_SUMS)].sum()
    keys = invites.sent[["campaign", "inviter"]].drop_duplicates()
    found = keys.join(sums, on=["campaign", "inviter"]).fillna(dict.fromkeys(_SUMS, 0))
    root = friends.set_index(["campaign", "person"])["seed"]
    above = root.reindex(pd.MultiIndex.from_frame(keys)).to_numpy()
    found["tree"] = pd.Series(above, index=found.index).fillna(found["inviter"])
    order = ["campaign", *_SUMS]
    found = found.sort_values([*order, "tree", "inviter"], ignore_index=True)
    found["tree"] = pd.factorize(pd.MultiIndex.from_frame(found[["campaign", "tree"]]))[0]
    found["inviter"] = pd.factorize(found["inviter"])[0]
    return Measures(
        source=invites.source,
        as_of=invites.as_of,
        min_users=invites.min_users,
        campaigns=tuple(invites.campaigns["campaign"]),
        inviters=found[["campaign", "inviter", "tree", *_SUMS]].astype(
            dict.fromkeys(("friends", "followed", "gone"), "int64")
        ),
        has_leaving="left_at" in invites.pool.table("users").columns,
    )


_SUMS = ("friends", "followed", "gone", "lost_cny", "reward_cny")
