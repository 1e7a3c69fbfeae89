"""What people bring soon after their first exposure, against what they cost."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from siyu.data.world.boosts import list_boosts
from siyu.data.world.draws import DAY, Floats, Ints, Stream
from siyu.data.world.people import PLACES, People
from siyu.data.world.spending import list_costs
from siyu.data.world.truths.facts import Truth, simulated, truth_stream
from siyu.data.world.truths.unpushed import draw_unpushed

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings

RETURN_DAYS = 30
"""Days from the first exposure whose orders count: pushes begin later."""
_BATCHES, _USERS = 10, 40_000


def state_returns(settings: Settings) -> list[Truth]:
    """State what people bring within 30 days per yuan that they cost, by touchpoint."""
    sums = np.array([_add_up(settings, truth_stream(batch)) for batch in range(_BATCHES)])
    return list(_divide(settings, sums[:, 0], sums[:, 1]))


def _divide(settings: Settings, margin: Floats, cost: Floats) -> Iterator[Truth]:
    """State ratios of sums over batches (rows); the error of a ratio is that of its residuals."""
    for place, (_, touchpoint) in enumerate(PLACES):
        spent = cost[:, place].mean()
        if spent > 0:
            ratio = margin[:, place].mean() / spent
            yield simulated(
                f"spending.return.{touchpoint}",
                f"margin in yuan of orders within {RETURN_DAYS} days of the first exposure, per "
                f"yuan spent on {touchpoint}, of people first exposed there so early that these "
                "days are observed; a ratio of sums",
                ratio + (margin[:, place] - ratio * cost[:, place]) / spent,
                f"simulated, {_BATCHES * _USERS} people",
                days=RETURN_DAYS,
                last_exposed=(settings.frame.last_day - timedelta(days=RETURN_DAYS)).isoformat(),
            )


def _add_up(settings: Settings, stream: Stream) -> tuple[Floats, Floats]:
    """Margin and expected cost in yuan of the people of each place in one batch."""
    core, orders = draw_unpushed(settings, users=_USERS, stream=stream)
    people, exposed_at = core.people, core.people.arrived_at
    judged = exposed_at < settings.frame.end - RETURN_DAYS * DAY
    since = orders.at - exposed_at[orders.person]
    counts = judged[orders.person] & (since < RETURN_DAYS * DAY)
    place = people.place[orders.person[counts]]
    cost = list_costs(settings.spending)[people.place] * _weigh(settings, people)
    return (
        _sum_by_place(place, orders.margin_fen[counts] / 100),
        _sum_by_place(people.place[judged], cost[judged]),
    )


def _sum_by_place(place: Ints, value: Floats) -> Floats:
    return np.bincount(place, value, minlength=len(PLACES)).astype(np.float64)


def _weigh(settings: Settings, people: People) -> Floats:
    """Cost of each person relative to others of the place: a late boost brings few for its cost."""
    calendar = list_boosts(settings.arrivals.boosts, settings.frame)
    late = calendar.day[calendar.late]
    # What a boost brings reaches into the next day.
    by_late = people.boosted & np.isin(people.arrived_at // DAY, [late, late + 1])
    return np.where(by_late, 1 / settings.arrivals.boosts.late_factor, 1.0)
