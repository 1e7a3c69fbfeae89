"""Count people by how many they invited and brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siyu.data.zones import DAY_US
from siyu.studies.naming import large, lumped
from siyu.studies.referral.broods import COUNTS, find_broods
from siyu.studies.referral.invites import Invites
from siyu.studies.tables import each_row

_MOST_GENERATIONS = 5


@dataclass(frozen=True, kw_only=True)
class Measures:
    """What spreading is told from.

    campaigns: one row per campaign: its name `campaign`, `first_day`, `seeds`, `is_whole`,
        `immature` (friends not followed for a cycle) and `late` (those who came after the first
        `arriving_days`); neither are among the people.
    people: how many people followed for a cycle brought how many within it: `campaign` (index),
        `generation` (0 seeds, then those told apart), `invitations`, `new`, `in_time`, `n`. Of
        generations the last holds all deeper ones: see `deepest`.
    families: the same friends by who invited them: `campaign`, `generation`, how many `members` of
        a family brought how many together (`invitations`, `in_time`), and `n` families that do.
    deepest: per campaign the last generation told apart, which has all deeper ones with it.
    everyone: the same counts of all friends, followed or not, for what a careless count would say.
    stayed: friends who stayed for the whole cycle: `campaign`, `invitations`, `n`.
    answers: inviters by how many invitations, followed for a cycle each, brought how many new
        members within a cycle: `campaign`, `channel` (of the inviter), `sent`, `accepted`, `n`.
    """

    source: str
    as_of: date
    cycle_days: int
    arriving_days: int | None
    min_users: int
    refused: str
    campaigns: pd.DataFrame
    people: pd.DataFrame
    families: pd.DataFrame
    deepest: Sequence[int]
    everyone: pd.DataFrame
    stayed: pd.DataFrame
    answers: pd.DataFrame


def measure(invites: Invites) -> Measures:
    """Count people by how many they invited and brought.

    Args:
        invites: from `find_invites`.
    """
    broods, definition = find_broods(invites), invites.definition
    friends = broods["generation"] > 0
    counted = broods["arrived"] & broods["is_followed"]
    seeds = _add_idle_seeds(invites, broods[~friends & counted])
    own = broods[friends & counted]
    many = len(invites.campaigns)
    deepest = [
        _find_deepest(own.loc[own["campaign"] == i, "generation"], invites.min_users)
        for i in range(many)
    ]
    last = own["campaign"].map(dict(enumerate(deepest)))
    own = own.assign(generation=own["generation"].clip(upper=last.astype("int64")))
    cycle_us = definition.cycle_days * DAY_US
    stays = own["left_us"] > own["since_us"] + cycle_us
    return Measures(
        source=invites.source,
        as_of=invites.as_of,
        cycle_days=definition.cycle_days,
        arriving_days=definition.arriving_days,
        min_users=invites.min_users,
        refused=invites.refused,
        campaigns=invites.campaigns.drop(columns="opens_us").assign(
            immature=_count(broods, friends & broods["arrived"] & ~broods["is_followed"], many),
            late=_count(broods, ~broods["arrived"], many),
        ),
        people=_tally(pd.concat([seeds, _tally(own, _KEYS)]), _KEYS),
        families=_find_families(own),
        deepest=deepest,
        everyone=_tally(broods[friends & broods["arrived"]], ["campaign", "in_time"]),
        stayed=_tally(own[stays], ["campaign", "invitations"]),
        answers=_find_answers(invites, cycle_us),
    )


_KEYS = ["campaign", "generation", *COUNTS]


def _find_families(own: pd.DataFrame) -> pd.DataFrame:
    keys = ["campaign", "generation"]
    together = own.assign(members=1).groupby([*keys, "inviter"])[["members", *COUNTS]].sum()
    return _tally(together.reset_index(), [*keys, "members", "invitations", "in_time"])


def _tally(rows: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Count the persons who are alike."""
    weight = rows.get("n", 1)
    told = rows[keys].assign(n=weight).groupby(keys)["n"].sum().astype("int64")
    return told.reset_index()


def _count(broods: pd.DataFrame, which: pd.Series, campaigns: int) -> NDArray[np.int64]:
    return np.bincount(broods.loc[which, "campaign"], minlength=campaigns).astype(np.int64)


def _add_idle_seeds(invites: Invites, seeds: pd.DataFrame) -> pd.DataFrame:
    """Add the seeds who invited nobody, where they were followed for a cycle."""
    told = _tally(seeds, _KEYS)
    span = invites.definition.cycle_days * DAY_US
    rows = [
        {"campaign": i, "n": row.seeds - int(told.loc[told["campaign"] == i, "n"].sum())}
        for i, row in enumerate(each_row(invites.campaigns))
        if row.opens_us + span <= invites.end_us
    ]
    idle = pd.DataFrame(rows, columns=["campaign", "n"])
    return pd.concat([told, idle.assign(generation=0, **dict.fromkeys(COUNTS, 0))])


def _find_deepest(generations: pd.Series, least: int) -> int:
    """Give the last generation so that it, with all deeper ones, and each before it are enough."""
    sizes = generations.value_counts()
    last = 1
    for depth in range(2, _MOST_GENERATIONS + 1):
        before, on = int(sizes.get(depth - 1, 0)), int(sizes[sizes.index >= depth].sum())
        if min(before, on) < least:
            break
        last = depth
    return last


def _find_answers(invites: Invites, cycle_us: int) -> pd.DataFrame:
    sent = invites.sent[invites.sent["invited_us"] + cycle_us <= invites.end_us]
    accepted = sent["is_new"] & (sent["accepted_us"] - sent["invited_us"] <= cycle_us)
    own = (
        sent.assign(sent=1, accepted=accepted.astype("int64"))
        .groupby(["campaign", "channel", "inviter"], as_index=False)[["sent", "accepted"]]
        .sum()
    )
    parts = []
    for _, one in own.groupby("campaign"):
        sizes = one["channel"].value_counts().to_frame("n")
        kept = large(sizes, min_users=invites.min_users)
        parts.append(one.assign(channel=lumped(one["channel"], kept)))
    told = pd.concat(parts) if parts else own
    return _tally(told, ["campaign", "channel", "sent", "accepted"])
