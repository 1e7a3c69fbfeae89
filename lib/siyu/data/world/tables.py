"""The tables of one block of the pool, in the shape of the contract."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from siyu.data.contract import LURES
from siyu.data.world.assignments import tabulate_assignments
from siyu.data.world.buying import tabulate_orders
from siyu.data.world.columns import Columns, happened, texts
from siyu.data.world.draws import Stream
from siyu.data.world.groups import (
    tabulate_group_members,
    tabulate_group_messages,
    tabulate_groups,
)
from siyu.data.world.inviting import tabulate_invites
from siyu.data.world.log import collect_parts, list_labels, tabulate_events
from siyu.data.world.lures import enrol
from siyu.data.world.people import (
    AGE_BANDS,
    CITY_TIERS,
    GENDERS,
    OCCUPATIONS,
    PLACES,
    STAFF,
)
from siyu.data.world.points import tabulate_points
from siyu.data.world.pool import Pool
from siyu.data.world.pushing import tabulate_pushes
from siyu.data.world.settings import Settings
from siyu.data.world.staying import tabulate_contacts
from siyu.data.world.tiering import tabulate_tiers


def tabulate_pool(
    settings: Settings, pool: Pool, *, stream: Stream, block: int = 0
) -> dict[str, pa.Table]:
    """Write the tables of one block of people.

    Args:
        settings: the truths.
        pool: what was drawn.
        stream: opens the random stream of a name; what one table draws leaves the others alone.
        block: number of the block; its ids are its own.

    Returns:
        All tables of the contract but `spend`, which is about all blocks together, up to the end of
        the last observed day.
    """
    columns = Columns(frame=settings.frame, block=block)
    stay = pool.stay
    experiments = [
        *enrol(pool.core.offers.tests, added_at=pool.core.stay.added_at),
        stay.assignments,
        *pool.pushes.assignments,
        *pool.sales.assignments,
    ]
    return {
        "users": _tabulate_users(settings, columns, pool, stream=stream),
        "contacts": tabulate_contacts(columns, settings.staying, stay, stay.left_at),
        "events": tabulate_events(
            columns,
            pool.people,
            collect_parts(settings, pool, stream=stream),
            labels=list_labels(settings),
        ),
        "orders": tabulate_orders(columns, pool.sales.orders),
        "pushes": tabulate_pushes(columns, pool.pushes),
        "tiers": tabulate_tiers(columns, pool.sales.reviews),
        "assignments": tabulate_assignments(columns, experiments),
        "invites": tabulate_invites(columns, settings.referral, pool.friends.invites),
        "groups": tabulate_groups(columns, pool.groups),
        "group_members": tabulate_group_members(columns, pool.groups),
        "group_messages": tabulate_group_messages(columns, pool.groups),
        "points": tabulate_points(columns, pool.ledger),
    }


def _tabulate_users(
    settings: Settings, columns: Columns, pool: Pool, *, stream: Stream
) -> pa.Table:
    """Write a row per person, friends behind."""
    people, stay = pool.people, pool.stay
    added = happened(columns.frame, stay.added_at)
    referrer = np.full(len(people), -1)
    referrer[len(pool.core.people) :] = pool.friends.referrer
    traits = {
        "gender": (GENDERS, people.gender),
        "age_band": (AGE_BANDS, people.age),
        "occupation": (OCCUPATIONS, people.occupation),
        "city_tier": (CITY_TIERS, people.city),
    }
    unknown = settings.arrivals.unknown
    return pa.table(
        {
            "user_id": columns.users(np.arange(len(people))),
            "added_at": columns.instants(stay.added_at),
            "left_at": columns.instants(stay.left_at),
            "channel": texts([channel for channel, _ in PLACES], people.place),
            "touchpoint": texts([touchpoint for _, touchpoint in PLACES], people.place),
            # Only someone who was added got the lure and belongs to a staff account: the one at the
            # addition, for who takes over later would tell who stayed so long.
            "lure": texts(LURES, stay.lure, known=added),
            "staff_id": texts(STAFF, stay.staff, known=added),
            "referrer_id": columns.users(np.maximum(referrer, 0), known=referrer >= 0),
            **{
                name: texts(
                    labels,
                    index,
                    known=stream(f"{name} noted").random(len(people)) >= unknown[name],
                )
                for name, (labels, index) in traits.items()
            },
        }
    )
