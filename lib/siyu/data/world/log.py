"""The log of one block of the pool: what everyone did or received, as the table `events`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from siyu.data.world.buying import draw_items
from siyu.data.world.columns import Columns, happened, texts
from siyu.data.world.draws import NEVER, Ints, Stream
from siyu.data.world.habits import HABITS, SHOPPING, draw_deliveries
from siyu.data.world.items import list_items
from siyu.data.world.people import PLACES, People
from siyu.data.world.pool import Pool
from siyu.data.world.settings import Settings

WELCOME = ("新人优惠券", "护肤手册")
"""What a greeting brings: the coupon at once, or a useful booklet first."""
NO_ITEM = -1


@dataclass(frozen=True, kw_only=True)
class Part:
    """Events of one name; element i of each array is one event."""

    name: str
    person: Ints
    at: Ints
    item: Ints | None = None
    """Index into the labels of `list_labels`; None: the event is about nothing."""
    placed: bool = False
    """Whether the event happens at the person's touchpoint."""


def list_labels(settings: Settings) -> tuple[str, ...]:
    """List what an event may be about: the articles, and what a greeting brings."""
    return (*list_items(settings.frame).names, *WELCOME)


def collect_parts(settings: Settings, pool: Pool, *, stream: Stream) -> list[Part]:
    """Put together what everyone did or received, one part per kind of event."""
    return [*_collect_path(settings, pool, stream), *_collect_life(settings, pool, stream)]


def _collect_path(settings: Settings, pool: Pool, stream: Stream) -> Iterator[Part]:
    """The way from the exposure to the consultation."""
    core, stay = pool.core, pool.stay
    # Blocking may end a stay before a late exposure.
    gone = stay.left_at[: len(core.people), None]
    for name, at in (("expose", core.exposed_at), ("scan", core.scanned_at)):
        yield _once(name, np.where(at <= gone, at, NEVER), placed=True)
    yield _once("add", stay.added_at, placed=True)
    welcome = len(list_labels(settings)) - len(WELCOME) + stay.booklet.astype(np.int64)
    greet = _once("greet", stay.greeted_at)
    yield _about(greet, welcome[greet.person])
    yield _about_goods(settings, pool, _once("recommend", stay.recommended_at), stream)
    yield _once("follow_up", stay.followed_at)
    yield _once("reply", pool.conversions.replied_at)
    yield _about_goods(settings, pool, _once("consult", pool.conversions.consulted_at), stream)


def _collect_life(settings: Settings, pool: Pool, stream: Stream) -> Iterator[Part]:
    """What comes again and again: orders, habits, groups, invitations."""
    orders, left_at = pool.sales.orders, pool.stay.left_at
    yield Part(name="order", person=orders.person, at=orders.at, item=orders.item)
    received, reviewed = draw_deliveries(
        settings.habits, (orders.person, orders.at), left_at, stream=stream
    )
    yield Part(name="receive", person=orders.person, at=received, item=orders.item)
    yield Part(name="review", person=orders.person, at=reviewed, item=orders.item)
    for code, name in enumerate(HABITS):
        own = pool.habits.kind == code
        part = Part(name=name, person=pool.habits.person[own], at=pool.habits.at[own])
        yield _about_goods(settings, pool, part, stream) if name in SHOPPING else part
    stays = pool.groups.stays
    yield Part(name="join_group", person=stays.person, at=stays.joined_at)
    person, at = pool.signed_in
    yield Part(name="sign_in", person=person, at=at)
    invites = pool.friends.invites
    yield Part(name="refer", person=invites.inviter, at=invites.invited_at)


def tabulate_events(
    columns: Columns, people: People, parts: Sequence[Part], *, labels: Sequence[str]
) -> pa.Table:
    """Write a row per event within the observation, in the order of time, person and name.

    Args:
        columns: how columns are written.
        people: everyone.
        parts: the events.
        labels: what events may be about.
    """
    names = sorted({part.name for part in parts})
    kept = [happened(columns.frame, part.at) for part in parts]

    def gather(values: Sequence[Ints]) -> Ints:
        return np.concatenate([each[rows] for each, rows in zip(values, kept, strict=True)])

    def repeat(codes: Sequence[int]) -> Ints:
        return np.repeat(codes, [int(rows.sum()) for rows in kept])

    person, at = gather([part.person for part in parts]), gather([part.at for part in parts])
    item = gather(
        [np.full(len(part.at), NO_ITEM) if part.item is None else part.item for part in parts]
    )
    code = repeat([names.index(part.name) for part in parts])
    # One key sorts several times as fast as three.
    order = np.argsort((at << 28 | person) << 6 | code, kind="stable")
    person, item = person[order], item[order]
    placed = repeat([int(part.placed) for part in parts])[order] == 1
    touchpoints = [touchpoint for _, touchpoint in PLACES]
    return pa.table(
        {
            "user_id": columns.users(np.arange(len(people))).take(pa.array(person)),
            "occurred_at": columns.instants(at[order]),
            "event": texts(names, code[order]),
            "touchpoint": texts(touchpoints, people.place[person], known=placed),
            "item": texts(labels, np.maximum(item, 0), known=item >= 0),
        }
    )


def _once(name: str, at: Ints, *, placed: bool = False) -> Part:
    """What happens at most once per person and column."""
    person = np.broadcast_to(np.arange(len(at)).reshape(-1, *[1] * (at.ndim - 1)), at.shape)
    known = at < NEVER
    return Part(name=name, person=person[known], at=at[known], placed=placed)


def _about(part: Part, item: Ints) -> Part:
    return Part(name=part.name, person=part.person, at=part.at, item=item)


def _about_goods(settings: Settings, pool: Pool, part: Part, stream: Stream) -> Part:
    # What lies beyond the observation is not written; any day serves to choose its article.
    at = np.minimum(part.at, settings.frame.end - 1)
    rng, tag = stream(f"items {part.name}"), pool.people.tag[part.person]
    return _about(part, draw_items(settings.buying, settings.frame, at, tag, rng))
