"""What a push is to bring, and within how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Outcome = Literal["click", "order"]

MOST_HOURS = 24 * 14


class PushError(ValueError):
    """Pushes that cannot be studied as asked: what was given, the rule, and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What counts as an answer to a push, validated.

    Args:
        outcome: "click": the push was clicked; "order": its user placed an order, whichever push
            it was that moved them.
        horizon_hours: hours within which it counts, from the sending of a push on, or from the
            planned time where pushes are studied as planned.

    Raises:
        PushError: naming the value, the rule and the remedy.
    """

    outcome: Outcome = "click"
    horizon_hours: int = 24

    def __post_init__(self) -> None:
        if self.outcome not in get_args(Outcome):
            raise PushError(
                f"outcome = {self.outcome!r} must be one of {', '.join(get_args(Outcome))}"
            )
        if not 1 <= self.horizon_hours <= MOST_HOURS:
            raise PushError(
                f"horizon_hours = {self.horizon_hours} must be from 1 to {MOST_HOURS}; use 24"
            )
