"""The truths about pushing, as arguments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from siyu.data.world.people import STAFF
from siyu.data.world.rules import each_outside, not_shares, outside

PUSH_HOURS = tuple(range(9, 22))
"""Hours for which pushes are planned."""
MEDIA = ("one_to_one", "moments", "group", "service_notice", "sms")
MOST_ACTIVITY = 3.0
"""Ceiling of the factor of activity, so that the chance of a click stays below 1."""


def _hours_active() -> tuple[float, ...]:
    return (0.04, 0.05, 0.05, 0.08, 0.05, 0.05, 0.05, 0.05, 0.06, 0.09, 0.14, 0.17, 0.12)


def _hours_other() -> tuple[float, ...]:
    return (0.10, 0.13, 0.12, 0.12, 0.08, 0.06, 0.06, 0.05, 0.05, 0.05, 0.06, 0.07, 0.05)


@dataclass(frozen=True, kw_only=True)
class Pushing:
    """Who is pushed how often and when, and the truths about what pushes do."""

    none_share: float = 0.1
    """Share of members drawn into the arm "none" of `no_push_2025`: they never get a push."""
    randomised_share: float = 0.45
    """Share of the other members whose hours, copies and kinds of content are drawn by lot."""
    cap_first: date = date(2025, 7, 1)
    """Day from which members with drawn hours also have a drawn number of pushes a week."""
    caps: tuple[int, ...] = (1, 2, 3, 4, 5, 7)
    """The arms of `push_cap_2025h2`, equally likely: pushes a week, each 1 to 7."""
    weekly_active: int = 2
    """Pushes a week outside that experiment for people of an activity above 1; 0 to 7."""
    weekly_other: int = 1
    """The same for everybody else."""
    hours_active: tuple[float, ...] = field(default_factory=_hours_active)
    """Propensity of each hour from 9 to 21 for people of an activity above 1; sums to 1."""
    hours_other: tuple[float, ...] = field(default_factory=_hours_other)
    """The same for everybody else."""
    policy_evening_active: float = 0.8
    """Outside the randomised part: share of pushes in the evening for active people; the rest is
    sent in the morning."""
    policy_evening_other: float = 0.2
    """The same for everybody else."""
    policy_promotion_evening: float = 0.75
    """Outside the randomised part: share of promotions among the pushes of the evening; among
    those of the morning it is 1 less this. In the randomised part it is always a half."""

    click_base: float = 0.055
    """Chance of a click for a person of activity 1 when all factors are 1."""
    activity_power: float = 0.3
    """Power of activity in the chance of a click; the factor is at most 3."""
    office_evening: float = 1.4
    """Factor for office workers on pushes sent from 20:00 to 22:00, relative to other hours."""
    others_lunch: float = 1.25
    """Factor on pushes sent from 12:00 to 14:00 for all but office workers and homemakers."""
    promotion: float = 1.3
    """Factor of promotions, relative to other content."""
    match: float = 1.5
    """Factor of content about what the person cares for."""
    recency: float = 0.6
    """What is added to the factor 1 for somebody just added; it fades with `recency_days`."""
    recency_days: float = 60.0
    """Days in which that addition falls to 1/e; above 0."""
    weekdays: tuple[float, ...] = (0.95, 0.95, 0.95, 1.0, 1.05, 1.1, 1.1)
    """Factor from Monday to Sunday; holidays count as Sundays, made-up workdays as Fridays."""
    media_shares: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(MEDIA, (0.45, 0.2, 0.15, 0.15, 0.05), strict=True))
    )
    """Share of each medium among planned pushes; sums to 1."""
    media_factors: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(MEDIA, (1.0, 0.6, 0.75, 0.85, 0.25), strict=True))
    )
    """Factor of each medium on the chance of a click."""
    click_fatigue: float = 0.1
    """What every push received on the 7 days before takes from the log chance of a click."""
    block_base: float = 0.0012
    """Chance that a push is answered by blocking when none came on the 7 days before."""
    block_rise: float = 0.35
    """What every push received on the 7 days before adds to the log chance of a block."""
    order_share: float = 0.12
    """Share of clicks that lead to an order which there would not have been otherwise."""
    open_extra: float = 0.22
    """Chance that a push which is not clicked is opened, for a person of activity 1."""
    copy_b_opens: float = 1.4
    """Factor of copy B on that chance: it makes curious, but is clicked no more than A."""
    evening_opens: float = 1.3
    """Factor on that chance from 20:00 to 22:00, for everybody."""

    delay_minutes: float = 4.0
    """Median of what staff need from the planned time to the sending (lognormal, cut off at two
    hours); above 0."""
    slow_delay_minutes: float = 25.0
    """The same for slow staff."""
    slow_staff: tuple[str, ...] = STAFF[9:]
    """Who among STAFF sends late."""
    delay_sigma: float = 1.2
    """Standard deviation of the logarithm of those delays; above 0."""
    capped: float = 0.03
    """Share of planned pushes that the platform's limit stops."""
    unsent: float = 0.02
    """Share of planned pushes that staff never send."""
    list_days: float = 4.0
    """Days for which people who have left stay on the list."""
    value_per_click: float = 8.0
    """Worth of a click in yuan, for the best weekly number: about the margin of the orders that
    clicks bring."""
    value_lost: float = 50.0
    """Worth in yuan of a member who blocks, for the best weekly number."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        for name in (
            "none_share", "randomised_share", "policy_evening_active", "policy_evening_other",
            "policy_promotion_evening", "order_share", "open_extra", "capped", "unsent",
        ):  # fmt: skip
            yield from outside(f"pushing.{name}", getattr(self, name), most=1)
        for name in (
            "click_base", "activity_power", "office_evening", "others_lunch", "promotion", "match",
            "recency", "click_fatigue", "block_base", "block_rise", "copy_b_opens",
            "evening_opens", "list_days", "value_per_click", "value_lost",
        ):  # fmt: skip
            yield from outside(f"pushing.{name}", getattr(self, name))
        for name in ("recency_days", "delay_minutes", "slow_delay_minutes", "delay_sigma"):
            yield from outside(f"pushing.{name}", getattr(self, name), above=0)
        for name in ("hours_active", "hours_other"):
            shares = {str(PUSH_HOURS[0] + i): share for i, share in enumerate(getattr(self, name))}
            yield from not_shares(f"pushing.{name}", shares, [str(hour) for hour in PUSH_HOURS])
        yield from not_shares("pushing.media_shares", self.media_shares, MEDIA)
        yield from each_outside("pushing.media_factors", self.media_factors, MEDIA)
        yield from self._strange_numbers()
        yield from self._impossible_chances()

    def _strange_numbers(self) -> Iterable[str]:
        if len(self.weekdays) != 7 or min(self.weekdays) < 0:
            yield f"pushing.weekdays = {self.weekdays} must be 7 factors of at least 0; give seven"
        if not self.caps or not all(1 <= cap <= 7 for cap in self.caps):
            yield f"pushing.caps = {self.caps} must be numbers from 1 to 7; give at least one"
        for staff in self.slow_staff:
            if staff not in STAFF:
                yield f"pushing.slow_staff = {staff} is nobody; use one of {', '.join(STAFF)}"
        for name in ("weekly_active", "weekly_other"):
            if not 0 <= (number := getattr(self, name)) <= 7:
                yield f"pushing.{name} = {number} must be from 0 to 7; a person gets one a day"

    def _impossible_chances(self) -> Iterable[str]:
        click = self.click_base * MOST_ACTIVITY * max(1, self.office_evening, self.others_lunch)
        click *= max(1, self.promotion) * max(1, self.match) * (1 + self.recency)
        click *= max(self.weekdays, default=1) * max(self.media_factors.values(), default=1)
        block = self.block_base * np.exp(7 * self.block_rise)
        for name, chance in (("click_base", click), ("block_base", block)):
            if chance > 1:
                yield (
                    f"pushing.{name} = {getattr(self, name)} leads to a chance of {chance:.3g}, "
                    "which must be at most 1; give a smaller one, or smaller factors"
                )
