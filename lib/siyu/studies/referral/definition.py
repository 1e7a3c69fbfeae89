"""What is asked about campaigns in which members invite friends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date


class ReferralError(ValueError):
    """Campaigns that cannot be studied as asked: what was given, the rule, and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """Which campaigns are studied, and how long people are followed; validated.

    Args:
        campaigns: their names; empty: all of the period.
        first_days: the first day of a campaign, where it is known (a date or ISO text); of the
            others it is the business day of the first invitation.
        cycle_days: days (of 24 hours) from a member's own beginning in which a friend counts, at
            least 1: from the addition of a friend, from the campaign's first midnight for those
            who were members then.
        arriving_days: friends count as inviters where they were added in so many first days of the
            campaign, at least 1; None: whenever they were.
        kept_days: days (of 24 hours) after which a friend still there is kept, at least 1.

    Raises:
        ReferralError: a number below 1, a name twice, or a first day that is none.
    """

    campaigns: Sequence[str] = ()
    first_days: Mapping[str, date | str] = field(default_factory=dict)
    cycle_days: int = 14
    arriving_days: int | None = 30
    kept_days: int = 30

    def __post_init__(self) -> None:
        if isinstance(self.campaigns, str):
            raise ReferralError(f"campaigns = {self.campaigns!r} must be a list of names")
        if len(set(self.campaigns)) < len(self.campaigns) or not all(self.campaigns):
            raise ReferralError(f"campaigns = {list(self.campaigns)} must name each campaign once")
        for name in ("cycle_days", "arriving_days", "kept_days"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ReferralError(f"{name} = {value} must be at least 1")
        for name in self.first_days:
            self.begins(name)

    def begins(self, campaign: str) -> date | None:
        """Give the first day of a campaign, where it is known."""
        day = self.first_days.get(campaign)
        try:
            return None if day is None else date.fromisoformat(str(day))
        except ValueError as error:
            raise ReferralError(
                f"campaign_first_days[{campaign!r}] = {day!r} must be a day such as 2026-03-01"
            ) from error
