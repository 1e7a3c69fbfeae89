"""What is to be reached, by when, and who counts."""

from __future__ import annotations

from dataclasses import dataclass

MOST_DAYS = 365
_MOST = 1e9


class TargetError(ValueError):
    """A target that cannot be studied as asked: what was given, the rule, and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What is to be reached, validated.

    Args:
        target_members: new members wanted: added in the days to come, and still there `kept_days`
            days later. None: from the orders wanted, by the rule.
        target_orders: orders wanted in the days to come. None: as many as in as many days before.
        target_days: days to come, from the day after `as_of` on; 1 to 365.
        kept_days: a new member counts who is still there at the end of this day after the day of
            the addition (day 0); 1 to 365.
        add_event: event that makes somebody a member, the first of each user; "": `added_at` of
            `users` says it.

    Raises:
        TargetError: naming the value, the rule and the remedy.
    """

    target_members: float | None = None
    target_orders: float | None = None
    target_days: int = 28
    kept_days: int = 30
    add_event: str = ""

    def __post_init__(self) -> None:
        for name in ("target_members", "target_orders"):
            value = getattr(self, name)
            if value is not None and not 0 < value <= _MOST:
                raise TargetError(
                    f"{name} = {value:g} must be above 0 and at most {_MOST:.0e}; use null where "
                    "no such target is set"
                )
        for name in ("target_days", "kept_days"):
            value = getattr(self, name)
            if not 1 <= value <= MOST_DAYS:
                raise TargetError(f"{name} = {value} must be from 1 to {MOST_DAYS}; use 28 or 30")
