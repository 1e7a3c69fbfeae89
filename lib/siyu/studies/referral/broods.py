"""Whom each person who could invite has brought, within a cycle from the own beginning."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siyu.data.zones import DAY_US
from siyu.studies.referral.invites import Invites

COUNTS = ("invitations", "new", "in_time")


def find_broods(invites: Invites) -> pd.DataFrame:
    """Count for each person what came within a cycle; seeds who invited nobody are left out.

    Returns:
        One row per campaign and person: `campaign`, `person`, `inviter` (of a seed, none: -1),
        `generation` (0 a seed), `since_us`, `left_us`, `followed_days`, `arrived` (a seed, or came
        in the first `arriving_days`), `is_followed` (for `cycle_days`), and counts of `invitations`
        within a cycle, the `new` members whom these have brought so far, and of those the ones that
        accepted `in_time`, within the cycle too.
    """
    definition = invites.definition
    cycle = definition.cycle_days * DAY_US
    sent = invites.sent[~invites.sent["is_late"]]
    sent = sent[sent["invited_us"] - sent["since_us"] <= cycle]
    in_time = sent["is_new"] & (sent["accepted_us"] - sent["since_us"] <= cycle)
    sent = sent.assign(new=sent["is_new"], in_time=in_time, invitations=1)
    keys = ["campaign", "person"]
    counts = sent.rename(columns={"inviter": "person"}).groupby(keys)[list(COUNTS)].sum()
    people = pd.concat(
        [
            _find_inviting_seeds(invites),
            invites.friends.rename(columns={"added_us": "since_us"})[[*keys, *_OWN]],
        ],
        ignore_index=True,
    )
    opens = invites.campaigns["opens_us"].to_numpy()[people["campaign"]]
    arriving = definition.arriving_days
    last = np.inf if arriving is None else opens + arriving * DAY_US
    people = people.join(counts, on=keys).fillna(dict.fromkeys(COUNTS, 0))
    return people.astype(dict.fromkeys(COUNTS, "int64")).assign(
        followed_days=(invites.end_us - people["since_us"]) / DAY_US,
        arrived=(people["generation"] == 0) | (people["since_us"] < last),
        is_followed=people["since_us"] + cycle <= invites.end_us,
    )


_OWN = ("inviter", "generation", "since_us", "left_us")


def _find_inviting_seeds(invites: Invites) -> pd.DataFrame:
    """Give the seeds who invited anybody; when they left is not asked of them."""
    sent = invites.sent[(invites.sent["generation"] == 0) & ~invites.sent["is_late"]]
    seeds = sent.drop_duplicates(["campaign", "inviter"]).rename(columns={"inviter": "person"})
    return seeds.assign(left_us=-1, inviter=-1)[["campaign", "person", *_OWN]]
