"""What each touchpoint costs, day by day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from siyu.data.contract import CHANNELS
from siyu.data.world.boosts import Boosts, Calendar, list_boosts
from siyu.data.world.columns import Columns, texts, yuan
from siyu.data.world.draws import DAY, Bools, Floats, Ints, Stream
from siyu.data.world.frame import Frame
from siyu.data.world.people import CHANNEL_OF, PLACES, SHORT_VIDEO, People
from siyu.data.world.rules import each_outside, outside

PAID = tuple(touchpoint for channel, touchpoint in PLACES if channel == "commercial")
UNPAID = tuple(touchpoint for channel, touchpoint in PLACES if channel != "commercial")
CAMPAIGNS: Mapping[str, str] = {
    "short_video": "短视频投放",
    "kol": "达人种草",
    "paid_feed": "信息流广告",
}
"""Where advertising is bought; other touchpoints cost without a campaign."""
BOOST = "短视频加热"
"""The campaign of the boosts of short videos."""
LINES = len(PLACES) + 1
"""What is spent on apart: each of PLACES and, behind them, the boosts."""
_PLACE_OF = np.append(np.arange(len(PLACES)), SHORT_VIDEO)
"""Index into PLACES of each line."""


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What it costs that people are exposed.

    Advertising is bought by the week at the number of people whom it exposes in that week, and
    spent in equal parts a day, give or take; what others print, post or say costs as they arrive.
    A boost is bought on its day, at the number of people whom it would bring if started at once.
    """

    impression_cny: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(PAID, (0.024, 0.038, 0.031), strict=True))
    )
    """Cost of an impression at the touchpoints that are paid for; 0 or more."""
    impressions: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(PAID, (44.0, 32.0, 200.0), strict=True))
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


def list_costs(spending: Spending) -> Floats:
    """Give the expected cost in yuan of a person exposed at each of PLACES, boosts apart."""
    return np.array(
        [
            spending.impressions[touchpoint] * spending.impression_cny[touchpoint]
            if touchpoint in PAID
            else spending.person_cny[touchpoint]
            for _, touchpoint in PLACES
        ]
    )


def count_exposed(frame: Frame, people: People) -> Ints:
    """Count the people first exposed on each day (rows) on each of the LINES (columns).

    Whom a boost brings counts on its line alone. The counts of several blocks of people add up.
    """
    line = np.where(people.boosted, LINES - 1, people.place)
    cell = people.arrived_at // DAY * LINES + line
    counts = np.bincount(cell, minlength=frame.days * LINES)
    return np.asarray(counts.reshape(frame.days, LINES), dtype=np.int64)


def tabulate_spend(
    columns: Columns, spending: Spending, boosts: Boosts, exposed: Ints, *, stream: Stream
) -> pa.Table:
    """Write the table `spend`: a row per day and line on which something was spent.

    Args:
        columns: writes the columns.
        spending: the truths about costs.
        boosts: the truths about boosts.
        exposed: from `count_exposed`, of all blocks together.
        stream: opens the random stream of a name.
    """
    calendar = list_boosts(boosts, columns.frame)
    people = _gather(exposed, calendar)
    bought = _plan(people, boosts, calendar)
    noise = spending.sigma * stream("spend impressions").standard_normal(bought.shape)
    shown = bought * _list(spending.impressions) * np.exp(noise - spending.sigma**2 / 2)
    impressions = np.rint(shown).astype(np.int64)
    cost = np.rint(100 * (impressions * _list(spending.impression_cny)))
    cost += np.rint(100 * people * _list(spending.person_cny))
    fen = cost.astype(np.int64)
    expected = bought.copy()
    expected[calendar.day, -1] *= calendar.factor
    # Whoever was exposed had clicked; so had some who went away before they saw the code.
    lost = stream("spend clicks").poisson(expected * (spending.clicks - 1))
    clicks = np.minimum(people + lost, np.maximum(impressions, people))
    day, line = np.nonzero((fen > 0) | (impressions > 0))
    place = _PLACE_OF[line]
    paid: Bools = np.isin([touchpoint for _, touchpoint in PLACES], PAID)[place]
    first = np.datetime64(columns.frame.first_day)
    names = [*(CAMPAIGNS.get(touchpoint, "") for _, touchpoint in PLACES), BOOST]
    return pa.table(
        {
            "day": pa.array(first + day),
            "channel": texts(CHANNELS, CHANNEL_OF[place]),
            "touchpoint": texts([touchpoint for _, touchpoint in PLACES], place),
            "campaign": texts(names, line, known=paid),
            "cost_cny": yuan(fen[day, line]),
            "impressions": pa.array(impressions[day, line], mask=~paid),
            "clicks": pa.array(clicks[day, line], mask=~paid),
        }
    )


def _gather(exposed: Ints, calendar: Calendar) -> Ints:
    """Count whom a boost brings after midnight on the day of the boost."""
    people = exposed.copy()
    people[calendar.day, -1] += people[calendar.day + 1, -1]
    people[calendar.day + 1, -1] = 0
    return people


def _plan(people: Ints, boosts: Boosts, calendar: Calendar) -> Floats:
    """Number of people at whom advertising is bought, a row per day and a column per line.

    The people exposed in each week (the last may be short) are spread evenly over its days, and
    those whom a boost would bring if started at once lie on its day.
    """
    starts = np.arange(0, len(people), 7)
    totals = np.add.reduceat(people, starts, axis=0)
    days = np.diff(np.append(starts, len(people)))
    planned: Floats = np.repeat(totals / days[:, None], days, axis=0)
    by_video = totals[calendar.day // 7, SHORT_VIDEO] + totals[calendar.day // 7, -1]
    planned[:, -1] = 0
    planned[calendar.day, -1] = boosts.share * by_video
    return planned


def _list(table: Mapping[str, float]) -> Floats:
    """Numbers of a table of touchpoints, one per line; 0 where it has none."""
    return np.array([table.get(PLACES[place][1], 0.0) for place in _PLACE_OF])
