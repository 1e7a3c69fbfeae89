"""Draw one block of the pool: who arrives, how far they get, and all they do until they leave."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

from siyu.data.world.buying import Sales, draw_sales
from siyu.data.world.draws import NEVER, Ints, Stream
from siyu.data.world.funnel import Conversions, draw_additions, draw_conversions, draw_exposures
from siyu.data.world.groups import Groups, draw_groups
from siyu.data.world.habits import Habit, draw_habits
from siyu.data.world.inviting import Friends, draw_friends, withdraw
from siyu.data.world.lures import Offers, draw_offers
from siyu.data.world.people import People, draw_people
from siyu.data.world.points import Postings, draw_ledger, draw_sign_ins
from siyu.data.world.pushing import Pushes, draw_pushes
from siyu.data.world.settings import Settings
from siyu.data.world.staying import Stay, draw_stay


@dataclass(frozen=True, kw_only=True)
class Core:
    """The people who are exposed, up to their stay; element (or row) i is person i."""

    people: People
    exposed_at: Ints
    """One column per exposure."""
    offers: Offers
    scanned_at: Ints
    """One column per exposure; NEVER after leaving."""
    stay: Stay
    """How long they would stay if nobody pushed."""


@dataclass(frozen=True, kw_only=True)
class Members:
    """The people of a block and, behind them, the friends they brought, up to the first order."""

    core: Core
    friends: Friends
    people: People
    """Everyone."""
    stay: Stay
    """Everyone's stay; blocking ends it."""
    conversions: Conversions
    pushes: Pushes

    @property
    def extra_orders(self) -> tuple[Ints, Ints]:
        """Person and second of the orders that pushes brought."""
        return self.pushes.extra_person, self.pushes.extra_at


@dataclass(frozen=True, kw_only=True)
class Pool(Members):
    """One block of the pool, with all that everyone does."""

    sales: Sales
    habits: Habit
    groups: Groups
    signed_in: tuple[Ints, Ints]
    """Person and second of each sign-in."""
    ledger: Postings


def draw_core(settings: Settings, *, users: int, stream: Stream) -> Core:
    """Draw who arrives, is added, and how long they would stay if nobody pushed.

    Args:
        settings: the truths; `users` and `seed` play no part.
        users: how many people.
        stream: opens the random stream of a name.
    """
    frame = settings.frame
    people = draw_people(settings.arrivals, frame, users=users, stream=stream)
    exposed_at = draw_exposures(settings.funnel, people, stream=stream)
    offers = draw_offers(settings.lures, frame, people, exposed_at, stream)
    added = draw_additions(settings.funnel, people, exposed_at, offers, stream=stream)
    stay = draw_stay(
        settings.staying, frame, people, lure=added.lure, added_at=added.added_at, stream=stream
    )
    gone = stay.left_at[:, None]
    return Core(
        people=people,
        exposed_at=np.where(exposed_at <= gone, exposed_at, NEVER),
        offers=offers,
        scanned_at=np.where(added.scanned_at <= gone, added.scanned_at, NEVER),
        stay=stay,
    )


def draw_everyone(settings: Settings, *, users: int, stream: Stream) -> tuple[Core, Friends]:
    """Draw who is exposed and whom they bring, were nobody pushed; arguments as `draw_core`."""
    core = draw_core(settings, users=users, stream=stream)
    friends = draw_friends(
        settings.referral,
        settings.frame,
        core.people,
        core.stay,
        arrivals=settings.arrivals,
        staying=settings.staying,
        stream=stream,
    )
    return core, friends


def draw_members(settings: Settings, *, users: int, stream: Stream) -> Members:
    """Draw who is in the pool, who is pushed, and who comes to a first order.

    Args:
        settings: the truths; `users` and `seed` play no part.
        users: how many people are exposed; friends come on top.
        stream: opens the random stream of a name.
    """
    core, friends = draw_everyone(settings, users=users, stream=stream)
    people, stay = core.people.join(friends.people), core.stay.join(friends.stay)
    pushes = draw_pushes(settings.pushing, settings.frame, people, stay, stream=stream)
    stay = replace(stay, left_at=pushes.left_at)
    # Who blocked over a push has not invited anybody since.
    friends = withdraw(friends, stay.left_at)
    return Members(
        core=core,
        friends=friends,
        people=people,
        stay=stay,
        conversions=draw_conversions(settings.funnel, people, stay, stream=stream),
        pushes=pushes,
    )


def draw_pool(settings: Settings, *, users: int, stream: Stream) -> Pool:
    """Draw all that one block of people does; arguments as for `draw_members`."""
    frame = settings.frame
    members = draw_members(settings, users=users, stream=stream)
    people, stay = members.people, members.stay
    sales = draw_sales(
        settings.buying,
        settings.tiering,
        frame,
        people,
        stay,
        ordered_at=members.conversions.ordered_at,
        extra=members.extra_orders,
        stream=stream,
    )
    there = {"added_at": stay.added_at, "left_at": stay.left_at}
    signed, signed_at, sign_ins = draw_sign_ins(
        settings.points, frame, people, **there, stream=stream
    )
    orders, invites = sales.orders, members.friends.invites
    ledger = draw_ledger(
        settings.points,
        frame,
        left_at=stay.left_at,
        sign_ins=sign_ins,
        purchases=(orders.person, orders.at, orders.amount_fen),
        invites=(invites.inviter[invites.new], invites.accepted_at[invites.new]),
        stream=stream,
    )
    return Pool(
        **{each.name: getattr(members, each.name) for each in fields(members)},
        sales=sales,
        habits=draw_habits(settings.habits, frame, people, **there, stream=stream),
        groups=draw_groups(settings.grouping, frame, people, **there, stream=stream),
        signed_in=(signed, signed_at),
        ledger=ledger,
    )
