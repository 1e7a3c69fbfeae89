"""Who is added, looked after and leaves, were nobody pushed or invited: what contacts read."""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa
from siyu.data.contract import CHANNELS, LURES
from siyu.data.world import Settings
from siyu.data.world.columns import Columns, happened, texts
from siyu.data.world.draws import open_stream
from siyu.data.world.log import Part, tabulate_events
from siyu.data.world.people import STAFF
from siyu.data.world.pool import draw_core


def draw_care(settings: Settings) -> dict[str, pa.Table]:
    """Draw `users`, `events` (the contacts) and `assignments` (the test of greeting)."""
    core = draw_core(settings, users=settings.users, stream=partial(open_stream, settings.seed, 0))
    people, stay, columns = core.people, core.stay, Columns(frame=settings.frame)
    added = happened(settings.frame, stay.added_at)
    users = pa.table(
        {
            "user_id": columns.users(np.arange(len(people))),
            "added_at": columns.instants(stay.added_at),
            "left_at": columns.instants(stay.left_at),
            "channel": texts(CHANNELS, people.channel),
            "lure": texts(LURES, stay.lure, known=added),
            "staff_id": texts(STAFF, stay.staff, known=added),
        }
    )
    contacts = {
        "greet": stay.greeted_at[:, None],
        "recommend": stay.recommended_at[:, None],
        "follow_up": stay.followed_at,
    }
    parts = []
    for name, at in contacts.items():
        person, kind = np.nonzero(happened(settings.frame, at))
        parts.append(Part(name=name, person=person, at=at[person, kind]))
    events = tabulate_events(columns, people, parts, labels=["nothing"])
    drawn = stay.assignments
    assignments = pa.table(
        {
            "user_id": columns.users(drawn.person),
            "experiment": [drawn.experiment] * len(drawn.person),
            "arm": texts(drawn.arms, drawn.arm),
            "assigned_at": columns.instants(drawn.at),
        }
    )
    events = events.select(["user_id", "occurred_at", "event"])
    return {"users": users.filter(pa.array(added)), "events": events, "assignments": assignments}
