"""What is true about chat groups: all of it follows from the settings by formulas."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from siyu.data.world.grouping import KINDS, Grouping
from siyu.data.world.truths.facts import Truth, closed_form

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings

JOIN_DAYS = 30
SILENT_DAYS = 28
"""Whole weeks, so that the weekly rhythm is the same for every stay."""
_WELFARE = KINDS[0]
_OTHERS = "people who are no advertisers"
_LEAVING = (
    f"hazard per day of leaving a group on one's own, of {_OTHERS}, while they are in the pool and "
    "the group is open"
)


def state_groups(settings: Settings) -> list[Truth]:
    """State who joins, writes, advertises and leaves, and how many groups die.

    Args:
        settings: the truths; `users` and `seed` play no part.

    Returns:
        Closed forms.
    """
    grouping = settings.grouping
    return [
        *_state_joining(grouping),
        *_state_writing(grouping),
        closed_form(
            "groups.dead",
            "share that falls silent for good while open, among the lasting groups (福利群, "
            f"会员群) opened at least {grouping.dead_days[1]:g} days before the end",
            grouping.dead,
            "the setting",
        ),
        closed_form(
            "groups.leave_per_day.before_ads",
            f"{_LEAVING}, before the first ad of the group",
            grouping.leave_per_day,
            "the setting",
        ),
        closed_form(
            "groups.leave_per_day.after_ads",
            f"{_LEAVING}, from the first ad of the group on",
            grouping.leave_per_day * grouping.ads_factor,
            "hazard before the first ad x factor",
        ),
    ]


def _state_joining(grouping: Grouping) -> list[Truth]:
    soon = -math.expm1(-(JOIN_DAYS + 1) / grouping.delay_days[_WELFARE])
    return [
        closed_form(
            f"groups.join.{channel}",
            f"share who join a {_WELFARE} by the end of calendar day {JOIN_DAYS} after the day of "
            f"the addition (day 0), among the members of {channel} in the pool at the end of it",
            share * soon,
            "share who join x P(whole days of an exponential delay are at most "
            f"{JOIN_DAYS}); leaving is independent of it",
            days=JOIN_DAYS,
        )
        for channel, share in grouping.joins[_WELFARE].items()
    ]


def _state_writing(grouping: Grouping) -> list[Truth]:
    # A gamma mixture of Poisson processes writes nothing with a negative binomial's P(0).
    mean = SILENT_DAYS * grouping.messages_per_day
    shape = grouping.messages_shape
    silent = grouping.lurkers + (1 - grouping.lurkers) * (1 + mean / shape) ** -shape
    return [
        closed_form(
            "groups.lurkers",
            f"share in which the person would never write, among the stays of {_OTHERS}",
            grouping.lurkers,
            "the setting",
        ),
        closed_form(
            "groups.silent_28_days",
            f"share in which the person writes nothing within {SILENT_DAYS} days of joining, among "
            f"the stays of {_OTHERS} that last so long in a group that is not yet dead then",
            silent,
            "lurkers + (1 - lurkers) (1 + mean / shape) ** -shape",
            days=SILENT_DAYS,
        ),
        closed_form(
            "groups.advertisers",
            "share who would post ads, and nothing else, in any group they join, among members",
            grouping.advertisers,
            "the setting",
        ),
    ]
