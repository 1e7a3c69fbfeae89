"""What each touchpoint costs, day by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from siyu.data.contract import CHANNELS
from siyu.data.world.columns import Columns, texts, yuan
from siyu.data.world.draws import DAY, Bools, Floats, Ints, Stream
from siyu.data.world.frame import Frame
from siyu.data.world.people import CHANNEL_OF, PLACES, People
from siyu.data.world.rules import each_outside, outside

PAID = tuple(touchpoint for channel, touchpoint in PLACES if channel == "commercial")
UNPAID = tuple(touchpoint for channel, touchpoint in PLACES if channel != "commercial")
CAMPAIGNS: Mapping[str, str] = {
    "short_video": "短视频投放",
    "kol": "达人种草",
    "paid_feed": "信息流广告",
}
"""Where advertising is bought; other touchpoints cost without a campaign."""


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What it costs that people are exposed.

    Advertising is bought by the week at the number of people whom it exposes in that week, and
    spent in equal parts a day, give or take; what others print, post or say costs as they arrive.
    """

    impression_cny: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(PAID, (0.024, 0.038, 0.031), strict=True))
    )
    """Cost of an impression at the touchpoints that are paid for; 0 or more."""
    impressions: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(PAID, (88.0, 130.0, 200.0), strict=True))
    )
    """Impressions per person exposed at those touchpoints; 1 or more."""
    clicks: float = 1.6
    """Clicks per person exposed at those touchpoints: some never get to see the code; 1 or more."""
    person_cny: Mapping[str, float] = field(
        default_factory=lambda: dict(
            zip(UNPAID, (1.5, 3.0, 4.5, 2.5, 3.5, 2.0, 1.2, 6.0, 4.0), strict=True)
        )
    )
    """Cost per person exposed at the other touchpoints (print, time of staff); 0 or more."""
    sigma: float = 0.2
    """Standard deviation of the logarithm of a day's impressions about the plan; 0 or more."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        yield from each_outside("spending.impression_cny", self.impression_cny, PAID)
        yield from each_outside("spending.person_cny", self.person_cny, UNPAID)
        yield from each_outside("spending.impressions", self.impressions, PAID)
        for touchpoint, number in self.impressions.items():
            if number < self.clicks:
                yield (
                    f"spending.impressions.{touchpoint} = {number:g} must be at least clicks = "
                    f"{self.clicks:g}; nobody clicks what is not shown"
                )
        if not self.clicks >= 1:
            yield f"spending.clicks = {self.clicks:g} must be at least 1; give clicks per person"
        yield from outside("spending.sigma", self.sigma)


def count_exposed(frame: Frame, people: People) -> Ints:
    """Count the people first exposed on each day (rows) at each of PLACES (columns).

    The counts of several blocks of people add up.
    """
    cell = people.arrived_at // DAY * len(PLACES) + people.place
    counts = np.bincount(cell, minlength=frame.days * len(PLACES))
    return np.asarray(counts.reshape(frame.days, len(PLACES)), dtype=np.int64)


def tabulate_spend(
    columns: Columns, spending: Spending, exposed: Ints, *, stream: Stream
) -> pa.Table:
    """Write the table `spend`: a row per day and touchpoint at which something was spent.

    Args:
        columns: writes the columns.
        spending: the truths.
        exposed: from `count_exposed`, of all blocks together.
        stream: opens the random stream of a name.
    """
    planned = _plan(exposed)
    shape = planned.shape
    noise = spending.sigma * stream("spend impressions").standard_normal(shape)
    shown = planned * _list(spending.impressions) * np.exp(noise - spending.sigma**2 / 2)
    impressions = np.rint(shown).astype(np.int64)
    # Whoever was exposed had clicked; so had some who went away before they saw the code.
    lost = stream("spend clicks").poisson(planned * (spending.clicks - 1))
    clicks = np.minimum(exposed + lost, np.maximum(impressions, exposed))
    cost = np.rint(100 * (impressions * _list(spending.impression_cny)))
    cost += np.rint(100 * exposed * _list(spending.person_cny))
    fen = cost.astype(np.int64)
    day, place = np.nonzero((fen > 0) | (impressions > 0))
    paid: Bools = np.isin([touchpoint for _, touchpoint in PLACES], PAID)[place]
    first = np.datetime64(columns.frame.first_day)
    names = [CAMPAIGNS.get(touchpoint, "") for _, touchpoint in PLACES]
    return pa.table(
        {
            "day": pa.array(first + day),
            "channel": texts(CHANNELS, CHANNEL_OF[place]),
            "touchpoint": texts([touchpoint for _, touchpoint in PLACES], place),
            "campaign": texts(names, place, known=paid),
            "cost_cny": yuan(fen[day, place]),
            "impressions": pa.array(impressions[day, place], mask=~paid),
            "clicks": pa.array(clicks[day, place], mask=~paid),
        }
    )


def _plan(exposed: Ints) -> Floats:
    """Spread the people exposed in each week (the last may be short) evenly over its days."""
    starts = np.arange(0, len(exposed), 7)
    totals = np.add.reduceat(exposed, starts, axis=0)
    days = np.diff(np.append(starts, len(exposed)))
    return np.repeat(totals / days[:, None], days, axis=0)


def _list(table: Mapping[str, float]) -> Floats:
    """Numbers of a table of touchpoints, one per place; 0 where it has none."""
    return np.array([table.get(touchpoint, 0.0) for _, touchpoint in PLACES])
