"""Chat groups: who joins which group and leaves it again, who writes there, and who advertises."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.stats import poisson

from siyu.data.contract import CHANNELS
from siyu.data.world.columns import Columns, happened, texts
from siyu.data.world.draws import (
    DAY,
    HOUR,
    HOURS,
    NEVER,
    Bools,
    Floats,
    Ints,
    Stream,
    draw_seconds,
    pick,
    wait,
)
from siyu.data.world.frame import WEEKDAYS, Frame
from siyu.data.world.grouping import FLASH, KINDS, Grouping
from siyu.data.world.people import People

MESSAGES = ("text", "image", "link", "ad")
_MESSAGE_SHARES = (0.80, 0.14, 0.06)
AD = MESSAGES.index("ad")
_OPENS = 9 * HOUR
"""Second of the day at which a short-lived group opens."""
_SOON = HOUR / 2
"""Mean seconds from the addition to joining for those who join on the same day."""
_JOIN_SPREAD = 2 * DAY
"""Within this time of its opening people join a short-lived group."""


@dataclass(frozen=True, kw_only=True)
class GroupStays:
    """One element per stay of a person in a group, by person."""

    person: Ints
    group: Ints
    """Index into the arrays of Groups."""
    joined_at: Ints
    left_at: Ints
    advertises: Bools


@dataclass(frozen=True, kw_only=True)
class Groups:
    """The groups in the order of their opening, the stays in them, and what was written there."""

    kind: Ints
    """Index into KINDS."""
    created_at: Ints
    closed_at: Ints
    dead_at: Ints
    """From when on nobody writes any more."""
    stays: GroupStays
    messages_stay: Ints
    """Index into the arrays of `stays`: who writes, and where."""
    messages_at: Ints
    messages_kind: Ints
    """Index into MESSAGES."""

    def joins(self) -> tuple[Ints, Ints]:
        """Return who joined a group, and when, for the table `events`."""
        return self.stays.person, self.stays.joined_at


def draw_groups(
    grouping: Grouping,
    frame: Frame,
    people: People,
    *,
    added_at: Ints,
    left_at: Ints,
    stream: Stream,
) -> Groups:
    """Draw the groups, who stays in them from when to when, and what is written there.

    Groups of a kind fill up one after the other, in the order of joining; a place that falls free
    stays free. So people who join later change nobody's own times, but may share his group.

    Args:
        grouping: the truths.
        frame: the observed days.
        people: everybody.
        added_at: per person, the second of the addition; NEVER if not a member.
        left_at: per person, the second at which he leaves the pool, and with it his groups.
        stream: opens the random stream of a name.
    """
    places, group = _draw_places(grouping, frame, people, added_at, left_at, stream)
    person, kind, joined_at = places.person, places.kind, places.joined_at
    advertises = stream("groups advertisers").random(len(people))[person] < grouping.advertisers
    rate = _draw_rates(grouping, len(people), stream)[person, kind]
    luck = stream("groups message counts").random((len(people), len(KINDS)))[person, kind]
    life = stream("groups leaving").standard_exponential((len(people), len(KINDS)))[person, kind]
    kind_of, created_at, closed_at = _open_groups(grouping, places, group)
    dead_at = np.minimum(closed_at, _draw_dead(grouping, kind_of, created_at, stream))
    most = np.minimum(left_at[person], closed_at[group])
    silent_at = np.minimum(dead_at[group], frame.end)

    removed = np.minimum(joined_at + _seconds(life * grouping.removed_after_days), most)
    ads = _draw_times(
        frame,
        mean_per_day=np.where(advertises, grouping.ads_per_day, 0),
        luck=luck,
        since=joined_at,
        until=np.minimum(removed, silent_at),
        rng=stream("groups ads"),
    )
    first_ad = np.full(len(kind_of), NEVER)
    np.minimum.at(first_ad, group[ads[0]], ads[1])
    gone = joined_at + _wait_for_leaving(grouping, life, first_ad[group] - joined_at)
    ends = np.where(advertises, removed, np.minimum(gone, most))
    said = _draw_times(
        frame,
        mean_per_day=np.where(advertises, 0, rate),
        luck=luck,
        since=joined_at,
        until=np.minimum(ends, silent_at),
        rng=stream("groups messages"),
    )
    form = pick(stream("groups message kinds").random(len(said[0])), _MESSAGE_SHARES)
    return Groups(
        kind=kind_of,
        created_at=created_at,
        closed_at=closed_at,
        dead_at=dead_at,
        stays=GroupStays(
            person=person, group=group, joined_at=joined_at, left_at=ends, advertises=advertises
        ),
        messages_stay=np.concatenate([said[0], ads[0]]),
        messages_at=np.concatenate([said[1], ads[1]]),
        messages_kind=np.concatenate([form, np.full(len(ads[0]), AD)]),
    )


@dataclass(frozen=True, kw_only=True)
class _Places:
    """Who joins which kind of group, and when; `opens_at` of the group if that is fixed."""

    person: Ints
    kind: Ints
    joined_at: Ints
    opens_at: Ints


def _draw_places(
    grouping: Grouping,
    frame: Frame,
    people: People,
    added_at: Ints,
    left_at: Ints,
    stream: Stream,
) -> tuple[_Places, Ints]:
    """Draw who joins, and put each into the next free group of its kind: an index per place."""
    shape = (len(people), len(KINDS))
    shares = np.array([[grouping.joins[kind][name] for kind in KINDS] for name in CHANNELS])
    wants = stream("groups joining").random(shape) < shares[people.channel]
    joined_at = _draw_joining(grouping, added_at, stream)
    opens_at = np.zeros(shape, dtype=np.int64)
    every = grouping.flash_every_days * DAY
    opens_at[:, FLASH] = -(-(joined_at[:, FLASH] - _OPENS) // every) * every + _OPENS
    spread = stream("groups flash").random(len(people)) * _JOIN_SPREAD
    joined_at[:, FLASH] = opens_at[:, FLASH] + spread.astype(np.int64)
    joins = wants & (joined_at < np.minimum(left_at, frame.end)[:, None])
    person, kind = np.nonzero(joins)
    places = _Places(person=person, kind=kind, joined_at=joined_at[joins], opens_at=opens_at[joins])
    return places, _fill(places, grouping.capacity)


def _draw_joining(grouping: Grouping, added_at: Ints, stream: Stream) -> Ints:
    """Draw when each person would join each kind of group if he stayed (people x kinds)."""
    shape = (len(added_at), len(KINDS))
    means = np.array([grouping.delay_days[kind] for kind in KINDS])
    days = np.floor(stream("groups delays").standard_exponential(shape) * means)
    soon = added_at[:, None] + wait(stream("groups minutes"), np.full(shape, DAY / _SOON))
    hour = draw_seconds(stream("groups hours"), days.size).reshape(shape)
    later = (added_at // DAY * DAY)[:, None] + (days * DAY).astype(np.int64) + hour
    return np.where(days < 1, soon, later)


def _fill(places: _Places, capacity: int) -> Ints:
    """Number the groups that fill up one after the other, in the order of their opening."""
    order = np.lexsort((places.joined_at, places.opens_at, places.kind))
    kind, opens_at = places.kind[order], places.opens_at[order]
    place = np.arange(len(order))
    begins = np.append(True, (np.diff(kind) != 0) | (np.diff(opens_at) != 0))[: len(order)]
    rank = place - np.maximum.accumulate(np.where(begins, place, 0))
    opens = begins | (rank % capacity == 0)
    number = np.cumsum(opens) - 1
    first_at = np.where(kind == FLASH, opens_at, places.joined_at[order])[opens]
    renumbered = np.empty(len(first_at), dtype=np.int64)
    renumbered[np.argsort(first_at, kind="stable")] = np.arange(len(first_at))
    group = np.empty(len(order), dtype=np.int64)
    group[order] = renumbered[number]
    return group


def _open_groups(grouping: Grouping, places: _Places, group: Ints) -> tuple[Ints, Ints, Ints]:
    """Per group: its kind, when it was opened, and when it is closed."""
    groups = int(group.max(initial=-1)) + 1
    kind, opens_at = np.zeros((2, groups), dtype=np.int64)
    kind[group], opens_at[group] = places.kind, places.opens_at
    first_at = np.full(groups, NEVER)
    np.minimum.at(first_at, group, places.joined_at)
    created_at = np.where(kind == FLASH, opens_at, np.maximum(first_at - HOUR, 0))
    closed_at = np.where(kind == FLASH, opens_at + grouping.flash_open_days * DAY, NEVER)
    return kind, created_at, closed_at


def _draw_dead(grouping: Grouping, kind: Ints, created_at: Ints, stream: Stream) -> Ints:
    uniform = stream("groups dead").random((len(kind), 2))
    low, high = grouping.dead_days
    dead_at = created_at + _seconds(low + uniform[:, 1] * (high - low))
    return np.where((kind != FLASH) & (uniform[:, 0] < grouping.dead), dead_at, NEVER)


def _draw_rates(grouping: Grouping, users: int, stream: Stream) -> Floats:
    """Draw mean messages per day of each person in a group of each kind; 0 for lurkers."""
    size = (users, len(KINDS))
    talks = stream("groups lurkers").random(size) >= grouping.lurkers
    tail = stream("groups rates").standard_gamma(grouping.messages_shape, size)
    return talks * tail * (grouping.messages_per_day / grouping.messages_shape)


def _wait_for_leaving(grouping: Grouping, life: Floats, until_ads: Ints) -> Ints:
    """Turn unit exponentials into seconds in a group whose hazard jumps with the first ad."""
    if not grouping.leave_per_day:
        return np.full(len(life), NEVER)
    days = life / grouping.leave_per_day
    calm = np.maximum(until_ads, 0) / DAY
    return _seconds(np.where(days < calm, days, calm + (days - calm) / grouping.ads_factor))


def _draw_times(
    frame: Frame,
    *,
    mean_per_day: Floats,
    luck: Floats,
    since: Ints,
    until: Ints,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """Draw the times of a Poisson process in the weekly rhythm, for each of several people.

    Args:
        frame: the observed days.
        mean_per_day: per person, the mean number per day over a week.
        luck: per person, a uniform draw that decides the number.
        since: per person, the first second.
        until: per person, the second before which all lies; before `since` for nobody.
        rng: draws the times.

    Returns:
        Per happening the index of the person and the second, by person and in order of time.
    """
    weekly = WEEKDAYS[frame.weekday, None] / WEEKDAYS.mean() * HOURS / HOURS.sum()
    elapsed = np.append(0.0, np.cumsum(weekly))
    hours = np.arange(len(elapsed)) * HOUR
    start = np.interp(since, hours, elapsed)
    length = np.maximum(np.interp(until, hours, elapsed) - start, 0)
    index = np.flatnonzero(mean_per_day * length)
    count = poisson.ppf(luck[index], (mean_per_day * length)[index]).astype(np.int64)
    index = np.repeat(index, count)
    at = np.interp(start[index] + rng.random(len(index)) * length[index], elapsed, hours)
    at = np.clip(at.astype(np.int64), since[index], until[index] - 1)
    # Nobody does it twice within a second.
    key = np.unique(index * frame.end + at)
    return key // frame.end, key % frame.end


def _seconds(days: Floats) -> Ints:
    """Days as whole seconds, at least 1."""
    return np.asarray(np.minimum(np.ceil(days * DAY) + (days <= 0), float(NEVER)), dtype=np.int64)


def tabulate_groups(columns: Columns, groups: Groups) -> pa.Table:
    """Write the table `groups`: a row per group opened within the observation."""
    kept = np.flatnonzero(happened(columns.frame, groups.created_at))
    return pa.table(
        {
            "group_id": columns.numbered("G", kept),
            "created_at": columns.instants(groups.created_at[kept]),
            "kind": texts(KINDS, groups.kind[kept]),
            "closed_at": columns.instants(groups.closed_at[kept]),
        }
    )


def tabulate_group_members(columns: Columns, groups: Groups) -> pa.Table:
    """Write the table `group_members`: a row per stay, in the order of joining."""
    stays = groups.stays
    order = np.argsort(stays.joined_at, kind="stable")
    return pa.table(
        {
            "group_id": columns.numbered("G", stays.group[order]),
            "user_id": columns.users(stays.person[order]),
            "joined_at": columns.instants(stays.joined_at[order]),
            "left_at": columns.instants(stays.left_at[order]),
        }
    )


def tabulate_group_messages(columns: Columns, groups: Groups) -> pa.Table:
    """Write the table `group_messages`: a row per message, in the order of writing."""
    order = np.argsort(groups.messages_at, kind="stable")
    stay = groups.messages_stay[order]
    return pa.table(
        {
            "group_id": columns.numbered("G", groups.stays.group[stay]),
            "user_id": columns.users(groups.stays.person[stay]),
            "sent_at": columns.instants(groups.messages_at[order]),
            "kind": texts(MESSAGES, groups.messages_kind[order]),
        }
    )
