"""The events that the funnel study reads, without all else that a pool does."""

from __future__ import annotations

from functools import partial

import numpy as np
import pyarrow as pa
from siyu.data.contract import CHANNELS
from siyu.data.world import Settings
from siyu.data.world.columns import Columns, texts
from siyu.data.world.draws import NEVER, open_stream
from siyu.data.world.funnel import draw_conversions
from siyu.data.world.log import Part, tabulate_events
from siyu.data.world.people import GENDERS, PLACES
from siyu.data.world.pool import draw_core


def draw_journeys(settings: Settings) -> dict[str, pa.Table]:
    """Draw `users` (who, where, gender) and `events` (scan, add, reply, first order)."""
    stream = partial(open_stream, settings.seed, 0)
    core = draw_core(settings, users=settings.users, stream=stream)
    people = core.people
    after = draw_conversions(settings.funnel, people, core.stay, stream=stream)
    at = {
        "scan": core.scanned_at,
        "add": core.stay.added_at[:, None],
        "reply": after.replied_at[:, None],
        "order": after.ordered_at[:, None],
    }
    known = {name: np.nonzero(seconds < NEVER) for name, seconds in at.items()}
    parts = [Part(name=name, person=known[name][0], at=at[name][known[name]]) for name in at]
    columns = Columns(frame=settings.frame)
    users = pa.table(
        {
            "user_id": columns.users(np.arange(len(people))),
            "channel": texts(CHANNELS, people.channel),
            "touchpoint": texts([touchpoint for _, touchpoint in PLACES], people.place),
            "gender": texts(GENDERS, people.gender),
        }
    )
    events = tabulate_events(columns, people, parts, labels=["nothing"])
    return {"users": users, "events": events.select(["user_id", "occurred_at", "event"])}
