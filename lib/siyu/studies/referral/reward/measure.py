"""Reduce new members to who left when and what was paid, beside other newcomers and other costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from siyu.data.zones import DAY_US
from siyu.studies.referral.definition import ReferralError
from siyu.studies.referral.invites import Invites
from siyu.studies.referral.log import NEVER

EARLY_DAYS = 7
"""Days (of 24 hours) in which newcomers are watched after the first: a golden week."""
_WEEK = 7


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Who came by invitation, who else came on the same days, and what both cost.

    campaigns: their names. kept_days, hold_days: as asked. lure_cost_cny: what a friend gets, in
        yuan by campaign, where it is known.
    friends: one row per new member by invitation, in no order that says who: `campaign` (index),
        `tree` and `branch` (whoever shares a root; who shares an inviter), `on` (number of the
        business day of the addition), `reward_cny`, `days_followed` and `days_there` (of 24 hours;
        infinite while there).
    other_rewards: rewards for invitations that brought no new member: `campaign`, `tree`,
        `branch`, `reward_cny`, `days_followed`.
    others: newcomers who came otherwise, by `on`, on the days on which friends came: `n` followed
        for a day, `gone` of them within it, `n_later` who were still there and followed for
        EARLY_DAYS, `gone_later` of them by then.
    touchpoints: by `touchpoint` and `week` (7 days each, the last one ends `kept_days` before the
        end) its `cost_cny`, `n` newcomers of those days by it, invited ones not among them, and
        `kept` of them.
    own_touchpoints: those by which friends came. campaign_cost_cny: what the spend table names as
        the cost of each campaign; 0 where it names none.
    """

    source: str
    as_of: date
    min_users: int
    campaigns: tuple[str, ...]
    kept_days: int
    hold_days: int
    lure_cost_cny: Mapping[str, float]
    friends: pd.DataFrame
    other_rewards: pd.DataFrame
    others: pd.DataFrame
    touchpoints: pd.DataFrame
    own_touchpoints: tuple[str, ...]
    campaign_cost_cny: tuple[float, ...]
    has_rewards: bool
    has_leaving: bool
    has_spend: bool


def measure(
    invites: Invites, *, hold_days: int = 7, lure_cost_cny: Mapping[str, float] | None = None
) -> Measures:
    """Measure who left when, what was paid for them, and what other newcomers did and cost.

    Args:
        invites: from `find_invites`.
        hold_days: days after which a reward would be paid if the friend is still there, at least 1.
        lure_cost_cny: by campaign, what the merchant gives to a new member, in yuan, 0 or more.

    Raises:
        ReferralError: a number out of range, or a campaign that is not there.
    """
    if hold_days < 1:
        raise ReferralError(f"hold_days = {hold_days} must be at least 1; use 7")
    names, lures = tuple(invites.campaigns["campaign"]), dict(lure_cost_cny or {})
    for name, cost in lures.items():
        if names and name not in names:
            raise ReferralError(
                f"lure_cost_cny: there is no campaign {name!r}; there are {', '.join(names)}"
            )
        if not cost >= 0:
            raise ReferralError(f"lure_cost_cny: {cost} yuan for {name!r} must be at least 0")
    pool = invites.pool
    has_spend = pool.has("spend") and bool(names)
    newcomers = _newcomers(invites)
    friends, on, own = _friends(invites, newcomers)
    friends, other_rewards = _unnamed(friends, _other_rewards(invites))
    kept_days = invites.definition.kept_days
    touchpoints = _touchpoints(invites, newcomers, kept_days) if has_spend else _NO_TOUCHPOINTS
    return Measures(
        source=invites.source,
        as_of=invites.as_of,
        min_users=invites.min_users,
        campaigns=names,
        kept_days=kept_days,
        hold_days=hold_days,
        lure_cost_cny=lures,
        friends=friends,
        other_rewards=other_rewards,
        others=_others(invites, newcomers, on),
        touchpoints=touchpoints,
        own_touchpoints=own,
        campaign_cost_cny=_campaign_cost(invites, names) if has_spend else (0.0,) * len(names),
        has_rewards=bool((invites.sent["reward_cny"] > 0).any()),
        has_leaving="left_at" in pool.table("users").columns,
        has_spend=has_spend,
    )


def find_refusal(measures: Measures) -> str:
    """Say why nothing is told of friends: "none" (there are none), "leaving" (nobody knows), ""."""
    if not len(measures.friends):
        return "none"
    return "" if measures.has_leaving else "leaving"


_NO_TOUCHPOINTS = pd.DataFrame(columns=["touchpoint", "week", "cost_cny", "n", "kept"])
_EPOCH = date(1970, 1, 1)


def _newcomers(invites: Invites) -> ir.Table:
    """Give all members with the day on which they came, and whether by invitation; kept."""
    users = invites.pool.table("users")
    touchpoint = users.touchpoint if "touchpoint" in users.columns else ibis.null("string")
    added_at = users.added_at if "added_at" in users.columns else ibis.null("timestamp('UTC')")
    came = users.select("user_id", touchpoint=touchpoint, on=invites.pool.day(added_at))
    told = came.join(invites.users, "user_id").filter(lambda one: one.added_us < int(NEVER))
    people = np.unique(invites.friends["person"]).astype("int64")
    invited = ibis.memtable(pd.DataFrame({"person": people, "is_friend": True}))
    both = told.left_join(invited, told.number == invited.person)
    return both.select(
        "number",
        "touchpoint",
        "on",
        "added_us",
        "left_us",
        is_friend=both.is_friend.fill_null(False),
        followed_us=ibis.literal(invites.end_us, "int64") - both.added_us,
        there_us=both.left_us - both.added_us,
    ).cache()


def _friends(
    invites: Invites, newcomers: ir.Table
) -> tuple[pd.DataFrame, list[date], tuple[str, ...]]:
    """Give the friends, the days on which they came, and the touchpoints by which they did."""
    table = newcomers.filter(newcomers.is_friend)
    came = table.select("number", "on", "touchpoint").to_pandas().set_index("number")
    own = invites.friends
    on = pd.Series(pd.to_datetime(came["on"]).dt.date, index=came.index)
    followed = invites.end_us - own["added_us"]
    there = (own["left_us"] - own["added_us"]).where(own["left_us"] < NEVER)
    found = pd.DataFrame(
        {
            "campaign": own["campaign"],
            "tree": own["seed"],
            "branch": own["inviter"],
            "on": [(on[one] - _EPOCH).days for one in own["person"]],
            "reward_cny": own["reward_cny"],
            "days_followed": followed / DAY_US,
            "days_there": (there / DAY_US).fillna(np.inf),
        }
    )
    order = ["campaign", "on", "days_followed", "days_there", "reward_cny"]
    named = tuple(sorted(came["touchpoint"].dropna().unique()))
    return found.sort_values(order, ignore_index=True), sorted(set(on)), named


def _other_rewards(invites: Invites) -> pd.DataFrame:
    """Give what was paid for invitations that brought no new member, with the inviter's tree."""
    paid = invites.sent[(invites.sent["reward_cny"] > 0) & ~invites.sent["is_new"]]
    root = invites.friends.set_index(["campaign", "person"])["seed"]
    keys = list(zip(paid["campaign"], paid["inviter"], strict=True))
    seen = paid[["accepted_us", "invited_us"]].min(axis=1)
    return pd.DataFrame(
        {
            "campaign": paid["campaign"],
            "tree": [int(root.get(key, key[1])) for key in keys],
            "branch": paid["inviter"],
            "reward_cny": paid["reward_cny"],
            "days_followed": (invites.end_us - seen) / DAY_US,
        }
    ).sort_values(["campaign", "days_followed"], ignore_index=True)


def _unnamed(friends: pd.DataFrame, rewards: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Number trees and branches as they come, so that no number is a person's."""
    both = pd.concat([friends, rewards], ignore_index=True)
    for name in ("tree", "branch"):
        both[name] = pd.factorize(pd.MultiIndex.from_frame(both[["campaign", name]]))[0]
    many = len(friends)
    return both[:many][friends.columns], both[many:][rewards.columns].reset_index(drop=True)


def _others(invites: Invites, newcomers: ir.Table, on: list[date]) -> pd.DataFrame:
    """Count who came otherwise on the days on which friends came, and who left how soon."""
    days = ibis.memtable(
        pd.DataFrame({"day": pd.Series(on, dtype="object")}), schema={"day": "date"}
    )
    others = newcomers.filter(~newcomers.is_friend)
    others = others.join(days, others.on == days.day)
    first = others.followed_us >= DAY_US
    later = (others.followed_us >= EARLY_DAYS * DAY_US) & (others.there_us > DAY_US)
    counts = others.group_by("on").agg(
        n=others.count(where=first),
        gone=others.count(where=first & (others.there_us <= DAY_US)),
        n_later=others.count(where=later),
        gone_later=others.count(where=later & (others.there_us <= EARLY_DAYS * DAY_US)),
    )
    found: pd.DataFrame = counts.to_pandas().sort_values("on", ignore_index=True)
    return found.assign(on=[(day - _EPOCH).days for day in pd.to_datetime(found["on"]).dt.date])


def _touchpoints(invites: Invites, newcomers: ir.Table, kept_days: int) -> pd.DataFrame:
    """Put each touchpoint's cost beside who came by it and stayed, in weeks that are over."""
    last = invites.as_of - timedelta(days=kept_days)
    spend = invites.pool.table("spend")
    if "touchpoint" not in spend.columns:
        return _NO_TOUCHPOINTS
    cost = spend.group_by("touchpoint", on=spend.day).agg(
        cost_cny=spend.cost_cny.cast("float64").sum()
    )
    came = newcomers.filter(~newcomers.is_friend & newcomers.touchpoint.notnull())
    came = came.group_by("touchpoint", "on").agg(
        n=came.count(), kept=came.count(where=came.there_us > kept_days * DAY_US)
    )
    both = pd.concat([cost.to_pandas(), came.to_pandas()]).fillna(
        {"cost_cny": 0, "n": 0, "kept": 0}
    )
    both["ago"] = [(last - day).days for day in pd.to_datetime(both["on"]).dt.date]
    spent = both[both["cost_cny"] > 0]["ago"]
    whole = (spent.max() + 1) // _WEEK if len(spent) else 0
    both = both[(both["ago"] >= 0) & (both["ago"] < whole * _WEEK)]
    both = both.assign(week=whole - 1 - both["ago"] // _WEEK)
    sums: pd.DataFrame = both.groupby(["touchpoint", "week"])[["cost_cny", "n", "kept"]].sum()
    return sums.reset_index()


def _campaign_cost(invites: Invites, names: tuple[str, ...]) -> tuple[float, ...]:
    spend = invites.pool.table("spend")
    if "campaign" not in spend.columns:
        return (0.0,) * len(names)
    own = spend.filter(spend.campaign.isin(list(names)))
    sums = own.group_by("campaign").agg(cost_cny=own.cost_cny.cast("float64").sum()).to_pandas()
    told = sums.set_index("campaign")["cost_cny"]
    return tuple(float(told.get(name, 0.0)) for name in names)
