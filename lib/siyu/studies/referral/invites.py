"""Bring invitations into the shape in which spreading is studied: who brought whom, and from where.

Ids become numbers once; what comes of invitations is small and kept in memory, the members whom a
campaign could have reached stay in the engine.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from siyu.data import Source
from siyu.data.zones import DAY_US, start_of_day
from siyu.studies.referral.climb import ROOT, Ints, climb
from siyu.studies.referral.definition import Definition, ReferralError
from siyu.studies.referral.log import EMPTY, drop_unusable, find_new, number_users, read_log

LEFT_OUT = (
    *("no_campaign", "self", "accepted_early", "unknown_inviter", "early_inviter", "too_early"),
    *("nameless", "not_added", "known", "again", "circular", "late_inviter"),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Invites:
    """Campaigns, invitations and who came of them, as known at the end of `as_of`.

    Times are microseconds since 1970, UTC; `NEVER` where something did not happen. Persons are
    numbers, in the order of ids, from 0.

    campaigns: one row per campaign, in the order of first days: `campaign` (name), `first_day`,
        `opens_us` (its first midnight), `seeds` (members then: added before, not left), and
        `is_whole` (False where it was already running on the first observed day: then who was a
        member at its beginning is not known).
    sent: one row per invitation: `campaign` (index), `inviter`, `since_us` (from when the inviter
        is followed: own addition; of a seed, the first midnight), `generation` (of the inviter: 0 a
        seed, 1 a friend of a seed ...), `is_late` (who was neither member at the first midnight nor
        came by the campaign: `generation` 0, in no K), `invited_us`, `accepted_us`, `is_new`
        (brought a new member, whom nobody had brought before), `reward_cny`, `channel` (by which
        the inviter came).
    friends: one row per new member: `campaign`, `person`, `inviter`, `seed` (the root of the tree),
        `is_late` (that root), `generation` (1: invited by a root), `invited_us`, `accepted_us`,
        `added_us`, `left_us`, `reward_cny`, `channel`.
    left_out: what does not count as an invitation (`no_campaign`; `self`: oneself;
        `accepted_early`: before invited; `unknown_inviter`: no member; `early_inviter`: not yet
        one; `too_early`: before the campaign's first day), what does not count as a new member
        though accepted (`nameless`: who is not known; `not_added`; `known`: a member already when
        invited; `again`: had accepted before; `circular`: invited by who came of them), and
        `late_inviter` (invitations with `is_late`). The first two groups are of the whole log.
    refused: why there is nothing: "no_invites", "no_campaign", "no_added_at", or "".
    users: all users, kept in the engine, as from `number_users`.
    """

    definition: Definition
    source: str
    as_of: date
    end_us: int
    min_users: int
    campaigns: pd.DataFrame
    sent: pd.DataFrame = field(repr=False)
    friends: pd.DataFrame = field(repr=False)
    left_out: Mapping[str, int]
    refused: str
    users: ir.Table = field(repr=False)
    pool: Source = field(repr=False)

    @property
    def members(self) -> ir.Table:
        """Everybody who could invite, whether they did or not; lazy, in the engine.

        One row per campaign and person: `campaign`, `person`, `generation` (0 a seed), `seed`
        (oneself, of seeds), `since_us` (the campaign's first midnight; own addition) and `left_us`.
        Who is `is_late` is not among them, but friends of theirs are.
        """
        users = self.users
        rows = [
            users.filter((users.added_us < opens) & (users.left_us >= opens)).select(
                campaign=ibis.literal(i, "int64"),
                person=users.number.cast("int64"),
                generation=ibis.literal(0, "int64"),
                seed=users.number.cast("int64"),
                since_us=ibis.literal(opens, "int64"),
                left_us="left_us",
            )
            for i, opens in enumerate(map(int, self.campaigns["opens_us"]))
        ]
        friends = self.friends.rename(columns={"added_us": "since_us"})
        columns = ["campaign", "person", "generation", "seed", "since_us", "left_us"]
        return ibis.union(*rows, ibis.memtable(friends[columns])) if rows else _no_members()


def find_invites(
    pool: Source, definition: Definition, *, period_days: int = 365, min_users: int = 30
) -> Invites:
    """Find who invited whom, and who came of it.

    Args:
        pool: the source, masked at its `as_of`.
        definition: the campaigns.
        period_days: campaigns with an invitation in so many last days are studied, at least 1; all
            of each.
        min_users: smallest group that is told apart, at least 1.

    Raises:
        ReferralError: a number below 1, or a campaign that is not there.
    """
    for name, value in (("period_days", period_days), ("min_users", min_users)):
        if value < 1:
            raise ReferralError(f"{name} = {value} must be at least 1")
    refused = _refusal(pool)
    end_us = (pool.as_of_end - _EPOCH) // timedelta(microseconds=1)
    users = number_users(pool)
    log = EMPTY if refused else read_log(pool, users)
    left_out = dict.fromkeys(LEFT_OUT, 0)
    log = drop_unusable(log, left_out)
    log["is_new"] = find_new(log, left_out)
    left_out["no_campaign"] = int((log["campaign"] == "").sum())
    log = log[log["campaign"] != ""]
    if not refused and not len(log):
        refused = "no_campaign" if left_out["no_campaign"] else "no_invites"
    campaigns = _find_campaigns(pool, log, definition, end_us - period_days * DAY_US)
    sent, friends = _plant(log, campaigns, left_out)
    return Invites(
        definition=definition,
        source=pool.name,
        as_of=pool.as_of,
        end_us=end_us,
        min_users=min_users,
        campaigns=campaigns.assign(seeds=_count_seeds(users, campaigns)),
        sent=sent,
        friends=friends,
        left_out=left_out,
        refused=refused,
        users=users,
        pool=pool,
    )


def _refusal(pool: Source) -> str:
    if not pool.has("invites"):
        return "no_invites"
    if "campaign" not in pool.table("invites").columns:
        return "no_campaign"
    return "" if "added_at" in pool.table("users").columns else "no_added_at"


def _find_campaigns(
    pool: Source, log: pd.DataFrame, definition: Definition, since_us: int
) -> pd.DataFrame:
    there = sorted(set(log["campaign"]))
    if missing := [name for name in definition.campaigns if there and name not in there]:
        raise ReferralError(
            f"campaigns = {list(definition.campaigns)} names {', '.join(missing)}, of which there "
            f"is no invitation; use some of {', '.join(there)}"
        )
    zone = ZoneInfo(pool.timezone)
    begins = pool.observed_from.astimezone(zone).date()
    spans = log.groupby("campaign")["invited_us"].agg(["min", "max"])
    rows = []
    for name, first, last in spans.itertuples():
        if name in definition.campaigns or (not definition.campaigns and last >= since_us):
            seen = (_EPOCH + timedelta(microseconds=int(first))).astimezone(zone).date()
            day = definition.begins(name) or seen
            opens = (start_of_day(day, zone) - _EPOCH) // timedelta(microseconds=1)
            rows.append((name, day, opens, day > begins))
    rows.sort(key=lambda row: (row[1], row[0]))
    return pd.DataFrame(rows, columns=["campaign", "first_day", "opens_us", "is_whole"]).astype(
        {"opens_us": "int64", "is_whole": "bool"}
    )


def _plant(
    log: pd.DataFrame, campaigns: pd.DataFrame, left_out: dict[str, int]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Put each invitation, and who came of it, in its place in a tree."""
    code = log["campaign"].map({name: i for i, name in enumerate(campaigns["campaign"])})
    log = log[code.notna()].assign(campaign=code[code.notna()].astype("int64"))
    opens = campaigns["opens_us"].to_numpy()[log["campaign"]]
    early = (log["invited_us"] < opens).to_numpy()
    left_out["too_early"] = int(early.sum())
    log, opens = log[~early].reset_index(drop=True), opens[~early]
    # Who was invited in a circle came of nobody.
    circular = climb(_find_above(log)).is_circular & log["is_new"].to_numpy()
    left_out["circular"] = int(circular.sum())
    log["is_new"] &= ~circular
    above = _find_above(log)
    trees = climb(above)
    root = log["inviter"].to_numpy()[trees.top]
    was_there = (log["inviter_added_us"].to_numpy() < opens) & (
        log["inviter_left_us"].to_numpy() >= opens
    )
    is_friend = above != ROOT
    log = log.assign(
        generation=trees.depth,
        is_late=~is_friend & ~was_there,
        since_us=np.where(~is_friend & was_there, opens, log["inviter_added_us"]),
        seed=root,
    )
    left_out["late_inviter"] = int(log["is_late"].sum())
    friends = log[log["is_new"]].assign(
        generation=lambda one: one["generation"] + 1,
        is_late=(~was_there)[trees.top][log["is_new"].to_numpy()],
        person=lambda one: one["invitee"],
    )
    sent = log[list(_SENT)]
    return sent, friends[list(_FRIENDS)].reset_index(drop=True)


_SENT = (
    *("campaign", "inviter", "since_us", "generation", "is_late", "invited_us", "accepted_us"),
    *("is_new", "reward_cny", "channel"),
)
_FRIENDS = (
    *("campaign", "person", "inviter", "seed", "is_late", "generation", "invited_us"),
    *("accepted_us", "added_us", "left_us", "reward_cny", "channel"),
)


def _find_above(log: pd.DataFrame) -> Ints:
    """Give the row of the invitation by which each inviter came to the same campaign, or ROOT."""
    brought = np.flatnonzero(log["is_new"])
    row = pd.Series(brought, index=log["invitee"].to_numpy()[brought])
    above = row.reindex(log["inviter"]).to_numpy()
    found = np.where(np.isnan(above), ROOT, above).astype(np.int64)
    campaign = log["campaign"].to_numpy()
    return np.where((found != ROOT) & (campaign[found] == campaign), found, ROOT)


def _count_seeds(users: ir.Table, campaigns: pd.DataFrame) -> list[int]:
    if not len(campaigns):
        return []
    counts = {
        f"n{i}": users.count(where=(users.added_us < opens) & (users.left_us >= opens))
        for i, opens in enumerate(map(int, campaigns["opens_us"]))
    }
    return [int(n) for n in users.agg(**counts).to_pandas().iloc[0]]


def _no_members() -> ir.Table:
    names = ("campaign", "person", "generation", "seed", "since_us", "left_us")
    return ibis.memtable(pd.DataFrame({name: pd.Series(dtype="int64") for name in names}))
