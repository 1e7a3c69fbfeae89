"""What it costs that a person is exposed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from siyu.data.world.people import PLACES
from siyu.data.world.spending import PAID
from siyu.data.world.truths.facts import Truth, closed_form

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings


def state_spending(settings: Settings) -> list[Truth]:
    """State the expected cost per person first exposed, by touchpoint."""
    spending = settings.spending
    return [
        closed_form(
            f"spending.cost_per_person.{touchpoint}",
            f"cost in yuan of {touchpoint} over all days, per person first exposed there",
            spending.impressions[touchpoint] * spending.impression_cny[touchpoint]
            if touchpoint in PAID
            else spending.person_cny[touchpoint],
            "impressions per person x cost of an impression" if touchpoint in PAID else "a setting",
        )
        for _, touchpoint in PLACES
    ]
