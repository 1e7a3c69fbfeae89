"""What people do before any push is sent to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from siyu.data.world.buying import Orders, draw_sales
from siyu.data.world.draws import Stream
from siyu.data.world.funnel import draw_conversions
from siyu.data.world.pool import Core, draw_core

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings


def draw_unpushed(settings: Settings, *, users: int, stream: Stream) -> tuple[Core, Orders]:
    """Draw exposed people and their orders, were nobody pushed and nobody invited.

    Args:
        settings: the truths; `users` and `seed` play no part.
        users: how many people.
        stream: opens the random stream of a name.
    """
    core = draw_core(settings, users=users, stream=stream)
    first = draw_conversions(settings.funnel, core.people, core.stay, stream=stream)
    nobody = np.zeros(0, dtype=np.int64)
    sales = draw_sales(
        settings.buying,
        settings.tiering,
        settings.frame,
        core.people,
        core.stay,
        ordered_at=first.ordered_at,
        extra=(nobody, nobody),
        stream=stream,
    )
    return core, sales.orders
