"""What staying means: connected or active, on which day, by which clock, in which cohorts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

RetainedAs = Literal["connected", "active"]
Kind = Literal["on", "from", "within"]
Clock = Literal["calendar", "24h"]
CohortUnit = Literal["day", "week", "month"]

MOST_DAYS = 366


class RetentionError(ValueError):
    """A retention that cannot be measured as asked: what was given, the rule, and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What counts as staying, validated.

    Args:
        retained_as: "connected": the user has not left by day k; "active": the user came back.
        kind: for "active". "on": did a return event on day k; "from": did one in [k, k +
            follow_days), an equally long time for all; "within": did one on days 1 to k.
        clock: "calendar": day k is the k-th business day after that of the addition, which is day
            0; "24h": day k are the 24 hours from k x 24 hours after the addition on.
        cohort_unit: users added in one business day, week (from Monday) or month are one cohort.
        days: the days to be judged, at least 1, ascending.
        follow_days: for "from": days in which a return counts, at least 1.
        return_events: events that are a return; empty for "connected".

    Raises:
        RetentionError: naming the value, the rule and the remedy.
    """

    retained_as: RetainedAs = "active"
    kind: Kind = "from"
    clock: Clock = "calendar"
    cohort_unit: CohortUnit = "week"
    days: Sequence[int] = (1, 7, 30)
    follow_days: int = 7
    return_events: Sequence[str] = ()

    def __post_init__(self) -> None:
        for name, allowed in (
            ("retained_as", RetainedAs),
            ("kind", Kind),
            ("clock", Clock),
            ("cohort_unit", CohortUnit),
        ):
            if getattr(self, name) not in get_args(allowed):
                raise RetentionError(
                    f"{name} = {getattr(self, name)!r} must be one of "
                    f"{', '.join(get_args(allowed))}"
                )
        ascending = list(self.days) == sorted(set(self.days))
        if not self.days or not ascending or self.days[0] < 1 or self.days[-1] > MOST_DAYS:
            raise RetentionError(
                f"days = {list(self.days)} must be one or more days from 1 to {MOST_DAYS}, "
                "ascending; use [1, 7, 30]"
            )
        if self.follow_days < 1:
            raise RetentionError(
                f"follow_days = {self.follow_days} must be at least 1; use 7 for a week"
            )
        if self.retained_as == "active" and not self.return_events:
            raise RetentionError(
                "return_events = [] names no return; name events, or use retained_as = 'connected'"
            )

    @property
    def horizon(self) -> int:
        """The last day to be judged."""
        return self.days[-1]

    @property
    def extra_days(self) -> int:
        """Days beyond day k for which a user must be followed to be judged on day k."""
        return self.follow_days - 1 if self.retained_as == "active" and self.kind == "from" else 0

    @property
    def has_usual_thresholds(self) -> bool:
        """Whether the field's thresholds speak of this: coming back in the week from day k on."""
        return self.retained_as == "active" and self.kind == "from" and self.follow_days == 7

    def limits(self, thresholds: Mapping[str, float]) -> dict[int, float]:
        """Give the thresholds that judge this, by day; none where they do not speak of it.

        Raises:
            RetentionError: a key is no day.
        """
        for day in thresholds:
            if not day.isdecimal():
                raise RetentionError(
                    f"thresholds: {day!r} is no day; write whole days as in {{'7': 0.3}}"
                )
        return {int(k): rate for k, rate in thresholds.items()} if self.has_usual_thresholds else {}
