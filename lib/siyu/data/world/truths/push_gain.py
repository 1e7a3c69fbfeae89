"""What pushing as a whole earns: the same people once with pushes and once without."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from siyu.data.world.buying import draw_sales
from siyu.data.world.draws import DAY, HOUR, NEVER, Floats, Ints, Stream
from siyu.data.world.frame import Frame
from siyu.data.world.funnel import draw_conversions
from siyu.data.world.people import People
from siyu.data.world.push_delivery import SENT
from siyu.data.world.push_response import EVENING, OFFICE
from siyu.data.world.pushing import Pushes, draw_pushes
from siyu.data.world.staying import Stay
from siyu.data.world.truths.facts import Truth, simulated, truth_stream
from siyu.data.world.truths.push_measures import BATCH_USERS, draw_members

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings

BATCHES = 10
HORIZON_DAYS = 60
_MORNING = (10, 11)
_GAINS = {
    "orders": "paid orders per member",
    "margin_cny": "margin per member, yuan (refunded orders bring none)",
    "left": "share of members who have left",
}


def state_gain(settings: Settings) -> Iterator[Truth]:
    """State what pushing earns against no pushes, and what hours seem to do where none is drawn.

    Args:
        settings: the truths; `users` and `seed` play no part.
    """
    found = [_measure(settings, batch) for batch in range(BATCHES)]
    for name, words in _GAINS.items():
        yield simulated(
            f"pushes.gain.{name}",
            f"{words} in the {HORIZON_DAYS} days after the assignment to `no_push_2025`, if all "
            "members were in the arm push, less if all were in the arm none; clicks that lead to "
            "orders, and orders lost to blocking, included",
            np.array([gains[name] for gains in found]),
            f"potential outcomes on common random numbers, {BATCHES} batches of {BATCH_USERS} "
            "people exposed",
            experiment="no_push_2025",
            horizon_days=HORIZON_DAYS,
        )
    yield simulated(
        "pushes.naive.evening",
        "what a naive comparison shows, not an effect: clicks per sent push outside the randomised "
        "part, from 20:00 to 22:00 relative to 10:00 to 12:00, less 1, among all but office "
        "workers, for whom the evening changes nothing",
        np.array([gains["naive"] for gains in found]),
        f"{BATCHES} batches of {BATCH_USERS} people exposed",
        population="propensity is null",
        horizon_hours=24,
    )
