"""Who is added, comes back and leaves, were nobody pushed or invited: what retention reads."""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa
from siyu.data.contract import CHANNELS, LURES
from siyu.data.world import Settings
from siyu.data.world.columns import Columns, happened, texts
from siyu.data.world.draws import open_stream
from siyu.data.world.habits import HABITS, draw_habits
from siyu.data.world.log import Part, tabulate_events
from siyu.data.world.points import draw_sign_ins
from siyu.data.world.truths.unpushed import draw_unpushed


def draw_returns(settings: Settings) -> dict[str, pa.Table]:
    """Draw `users` (added, left, channel, lure) and `events` (habits, sign-ins, orders)."""
    stream = partial(open_stream, settings.seed, 0)
    core, orders = draw_unpushed(settings, users=settings.users, stream=stream)
    people, stay, frame = core.people, core.stay, settings.frame
    there = {"added_at": stay.added_at, "left_at": stay.left_at}
    habits = draw_habits(settings.habits, frame, people, **there, stream=stream)
    signed, signed_at, _ = draw_sign_ins(settings.points, frame, people, **there, stream=stream)
    parts = [
        Part(name=name, person=habits.person[rows], at=habits.at[rows])
        for kind, name in enumerate(HABITS)
        for rows in [habits.kind == kind]
    ]
    parts += [
        Part(name="sign_in", person=signed, at=signed_at),
        Part(name="order", person=orders.person, at=orders.at),
    ]
    columns = Columns(frame=frame)
    users = pa.table(
        {
            "user_id": columns.users(np.arange(len(people))),
            "added_at": columns.instants(stay.added_at),
            "left_at": columns.instants(stay.left_at),
            "channel": texts(CHANNELS, people.channel),
            "lure": texts(LURES, stay.lure, known=happened(frame, stay.added_at)),
        }
    )
    events = tabulate_events(columns, people, parts, labels=["nothing"])
    return {"users": users, "events": events.select(["user_id", "occurred_at", "event"])}
