"""What it costs that a person is exposed, and how boosts fade."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from siyu.data.world.boosts import list_boosts
from siyu.data.world.people import PLACES, SHORT_VIDEO
from siyu.data.world.spending import BOOST, PAID, list_costs
from siyu.data.world.truths.facts import Truth, closed_form

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings


def state_spending(settings: Settings) -> list[Truth]:
    """State what people cost by touchpoint, and how boosts fade."""
    return [*_state_costs(settings), *_state_boosts(settings)]


def _state_costs(settings: Settings) -> Iterator[Truth]:
    for (_, touchpoint), value in zip(PLACES, list_costs(settings.spending), strict=True):
        boosted = touchpoint == PLACES[SHORT_VIDEO][1]
        yield closed_form(
            f"spending.cost_per_person.{touchpoint}",
            f"cost in yuan of {touchpoint} over all days, per person first exposed there"
            + (f" (neither counting what belongs to the campaign {BOOST})" if boosted else ""),
            value,
            "impressions per person x cost of an impression" if touchpoint in PAID else "a setting",
        )


def _state_boosts(settings: Settings) -> Iterator[Truth]:
    boosts, frame = settings.arrivals.boosts, settings.frame
    calendar = list_boosts(boosts, frame)
    if not boosts.share or not len(calendar.day):
        return
    days = {
        name: [frame.dates[day].isoformat() for day in calendar.day[late]]
        for name, late in (("at_once", ~calendar.late), ("late", calendar.late))
    }
    yield closed_form(
        "spending.boost.half_life_hours",
        "hours in which the number of people per hour whom a boost of a short video brings halves "
        "once it has begun",
        boosts.half_life_hours,
        "a setting",
        campaign=BOOST,
        published_hour=boosts.published_hour,
        late_hours=boosts.late_hours,
        days_at_once=days["at_once"],
        days_late=days["late"],
    )
    if calendar.late.any() and not calendar.late.all():
        yield closed_form(
            "spending.boost.late_factor",
            f"people whom boosts that begin {boosts.late_hours:g} hours after publishing bring per "
            "yuan, relative to those that begin at once",
            boosts.late_factor,
            "a setting",
            campaign=BOOST,
            days_at_once=days["at_once"],
            days_late=days["late"],
        )
