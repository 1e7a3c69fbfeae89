"""Reduce games of assists to what players did with their lives, and how active they were around."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data.zones import DAY_US
from siyu.studies.events import find_unknown, known_events
from siyu.studies.referral.definition import ReferralError
from siyu.studies.referral.invites import Invites

WINDOW_DAYS = 7
"""Business days on each side of the day of play; the weekdays are the same."""
_BEFORE = 2 * WINDOW_DAYS
"""What changes between the two weeks before cannot be what playing does."""


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Players of games whose number of invitations is bounded, and members who did not play.

    lives: of each game. play_days: days (of 24 hours) from the first invitation that count.
    players: one row per player followed so long, in no order that says who: `campaign` (index into
        `games`), `tree`, `branch` (as in the other parts), `sent` invitations, `helped` (accepted,
        by members too) and `friends` (new members) among them.
    immature: players of each game not followed so long.
    activity: one row per player followed for a week after, and member for two weeks before:
        `campaign`, `tree`, `branch`, `on` (number of the day of play) and the days with an event
        in each week, `before_2`, `before_1`, `after_1`.
    others: of members for two weeks who had not played by the end, by `campaign` and `on` (days on
        which somebody first played): `n`, and the sums and sums of squares of what they did more
        in the week after than before (`change`, `change_squared`), and before than the week before
        that (`earlier`, `earlier_squared`).
    left_out: players not followed for a week, or not members for two weeks before.
    """

    source: str
    as_of: date
    min_users: int
    games: tuple[str, ...]
    lives: tuple[int, ...]
    play_days: int
    players: pd.DataFrame
    immature: tuple[int, ...]
    activity: pd.DataFrame
    others: pd.DataFrame
    left_out: tuple[int, ...]
    has_events: bool


def measure(
    invites: Invites, *, lives: Mapping[str, int] | None = None, return_events: Sequence[str] = ()
) -> Measures:
    """Measure what players of bounded games did, and how active they were before and after.

    Args:
        invites: from `find_invites`; players are followed for its `cycle_days`.
        lives: by campaign, the most invitations of one player, at least 1; empty: no such game. One
            that is not among the campaigns is no error: it may be another period's.
        return_events: what counts as activity, done by the member; empty: nothing is told of it.

    Raises:
        ReferralError: lives below 1, or an unknown event.
    """
    names = tuple(invites.campaigns["campaign"])
    asked = dict(lives or {})
    for name, most in asked.items():
        if most < 1:
            raise ReferralError(f"lives: {most} of {name!r} must be at least 1")
    games = tuple(name for name in names if name in asked)
    pool = invites.pool
    has_events = bool(games and return_events) and pool.has("events")
    if has_events and (problem := find_unknown(return_events, known_events(pool, return_events))):
        raise ReferralError(f"return_events: {problem}")
    play_days = invites.definition.cycle_days
    every = _play(invites, games, play_days)
    mature = every["followed_us"] >= play_days * DAY_US
    many = range(len(games))
    players = every.loc[mature, ["campaign", "tree", "branch", "sent", "helped", "friends"]]
    activity, others = _NO_ACTIVITY, _NO_OTHERS
    if has_events and len(every):
        activity, others = _activity(invites, every, return_events)
    told = activity["campaign"].value_counts()
    whole = every["campaign"].value_counts()
    order = ["campaign", "sent", "helped", "friends"]
    return Measures(
        source=invites.source,
        as_of=invites.as_of,
        min_users=invites.min_users,
        games=games,
        lives=tuple(asked[name] for name in games),
        play_days=play_days,
        players=_unnamed(players, order),
        immature=tuple(int((~mature & (every["campaign"] == i)).sum()) for i in many),
        activity=_unnamed(activity, ["campaign", "on", *_WEEKS]),
        others=others,
        left_out=tuple(int(whole.get(i, 0) - told.get(i, 0)) for i in many),
        has_events=has_events,
    )


_WEEKS = ("before_2", "before_1", "after_1")
_NO_ACTIVITY = pd.DataFrame(
    {name: pd.Series(dtype="int64") for name in ("campaign", "tree", "branch", "on", *_WEEKS)}
)
_SUMS = ("change", "change_squared", "earlier", "earlier_squared")
_NO_OTHERS = pd.DataFrame({name: [] for name in ("campaign", "on", "n", *_SUMS)})
_EPOCH = date(1970, 1, 1)


def _unnamed(table: pd.DataFrame, order: list[str]) -> pd.DataFrame:
    found = table.sort_values([*order, "tree", "branch"], ignore_index=True)
    for name in ("tree", "branch"):
        found[name] = pd.factorize(pd.MultiIndex.from_frame(found[["campaign", name]]))[0]
    return found


def _play(invites: Invites, games: tuple[str, ...], play_days: int) -> pd.DataFrame:
    """Count what each player did in the days from the first invitation on."""
    names = dict(enumerate(invites.campaigns["campaign"]))
    code = {i: games.index(name) for i, name in names.items() if name in games}
    sent, friends = (
        table[table["campaign"].isin(list(code))].assign(
            campaign=lambda one: one["campaign"].map(code)
        )
        for table in (invites.sent, invites.friends)
    )
    first = sent.groupby(["campaign", "inviter"])["invited_us"].transform("min")
    end = first + play_days * DAY_US
    in_time = sent["accepted_us"] < end
    sums = (
        sent.assign(
            first_us=first,
            sent=(sent["invited_us"] < end).astype("int64"),
            helped=in_time.astype("int64"),
            friends=(in_time & sent["is_new"]).astype("int64"),
        )
        .groupby(["campaign", "inviter"])
        .agg({"first_us": "first", "sent": "sum", "helped": "sum", "friends": "sum"})
    )
    found = sums.reset_index().rename(columns={"inviter": "person"})
    above = friends.set_index(["campaign", "person"])
    keys = pd.MultiIndex.from_frame(found[["campaign", "person"]])
    for name, column in (("tree", "seed"), ("branch", "inviter")):
        told = pd.Series(above[column].reindex(keys).to_numpy(), index=found.index)
        found[name] = told.fillna(found["person"]).astype("int64")
    zone = ZoneInfo(invites.pool.timezone)
    local = pd.to_datetime(found["first_us"], unit="us", utc=True).dt.tz_convert(zone)
    return found.assign(
        followed_us=invites.end_us - found["first_us"],
        on=[(day - _EPOCH).days for day in local.dt.date],
    )


def _activity(
    invites: Invites, every: pd.DataFrame, return_events: Sequence[str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Count active days around the day of play: of players, and of members who did not play."""
    pool = invites.pool
    begins = pool.observed_from.astimezone(ZoneInfo(pool.timezone)).date()
    inside = every["on"] - _BEFORE >= (begins - _EPOCH).days
    inside &= every["on"] + WINDOW_DAYS <= (invites.as_of - _EPOCH).days
    every = every[inside]
    if not len(every):
        return _NO_ACTIVITY, _NO_OTHERS
    users = pool.table("users")
    left_at = users.left_at if "left_at" in users.columns else ibis.null("timestamp('UTC')")
    days = users.select(
        "user_id", added=_number(pool.day(users.added_at)), left=_number(pool.day(left_at))
    )
    here = days.join(invites.users.select("user_id", "number"), "user_id").cache()
    events = pool.table("events")
    events = events.filter(events.event.isin(sorted(return_events)))
    acts = events.select("user_id", day=_number(pool.day(events.occurred_at))).distinct()
    acts = acts.join(here.select("user_id", "number"), "user_id").select("number", "day")
    asked = every[["campaign", "on"]].drop_duplicates()
    done = _count_days(acts, asked).cache()
    played = every[["campaign", "person", "on", "tree", "branch"]]
    players = ibis.memtable(played).join(here, ibis._.person == here.number)
    players = players.filter(players.added <= players.on - _BEFORE)
    both = players.left_join(done, ["campaign", "on", "number"])
    told = both.select(
        "campaign", "tree", "branch", "on", *(both[name].fill_null(0).name(name) for name in _WEEKS)
    ).to_pandas()
    return told, _others(here, done, asked, every)


def _number(day: ir.DateValue) -> ir.IntegerValue:
    return day.delta(ibis.literal(_EPOCH), unit="day").cast("int64")


def _count_days(acts: ir.Table, asked: pd.DataFrame) -> ir.Table:
    """Count the active days of everybody in each week around each day of play."""
    offsets = [
        (place, offset)
        for place, start in enumerate((-_BEFORE, -WINDOW_DAYS, 1))
        for offset in range(start, start + WINDOW_DAYS)
    ]
    around = asked.merge(pd.DataFrame(offsets, columns=["week", "offset"]), how="cross")
    around = around.assign(day=around["on"] + around["offset"])
    both = acts.join(ibis.memtable(around[["campaign", "on", "week", "day"]]), "day")
    sums = {name: both.count(where=both.week == place) for place, name in enumerate(_WEEKS)}
    return both.group_by("number", "campaign", "on").agg(**sums)


def _others(
    here: ir.Table, done: ir.Table, asked: pd.DataFrame, every: pd.DataFrame
) -> pd.DataFrame:
    """Sum up members who were there on a day of play and did not play by the end."""
    days = ibis.memtable(asked)
    there = here.select("number", "added", "left").cross_join(days)
    there = there.filter(
        (there.added <= there.on - _BEFORE) & (there.left.isnull() | (there.left >= there.on))
    )
    players = ibis.memtable(every[["campaign", "person"]].drop_duplicates())
    there = there.anti_join(
        players, [there.campaign == players.campaign, there.number == players.person]
    )
    both = there.left_join(done, ["number", "campaign", "on"])
    before_2, before_1, after_1 = (both[name].fill_null(0).cast("float64") for name in _WEEKS)
    change, earlier = after_1 - before_1, before_1 - before_2
    sums = both.group_by("campaign", "on").agg(
        n=both.count(),
        change=change.sum(),
        change_squared=(change * change).sum(),
        earlier=earlier.sum(),
        earlier_squared=(earlier * earlier).sum(),
    )
    found: pd.DataFrame = sums.to_pandas()
    return found.sort_values(["campaign", "on"], ignore_index=True)
