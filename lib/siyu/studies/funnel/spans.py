"""Lay out when attempts may begin, so that only those followed for their whole window count."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from siyu.data import Source
from siyu.studies.funnel.definition import Definition, FunnelError

INSTANT = timedelta(microseconds=1)
"""The grain of time: the last instant before another is this much earlier."""
_CLOCK_CHANGE_DAYS = 2 / 24
"""A span in which clocks change is an hour longer or shorter than its days."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """When attempts may begin, all instants aware.

    A start counts only when its window has closed by `as_of_end`. `previous_from` begins an equally
    long span of starts just before; None where the log or the definition gives none, and then
    `no_previous` says why: "not_asked", "no_window" (an earlier period has had longer to convert),
    "immature" (no start of this period has had its whole window yet) or "short_log" (it does not
    reach back over a whole earlier period).
    """

    entry_from: datetime
    eligible_until: datetime
    as_of_end: datetime
    previous_from: datetime | None
    no_previous: str = ""

    @property
    def eligible_days(self) -> float:
        """Length of the span in which a start is mature, in days; 0 when nobody can be."""
        return max((self.eligible_until + INSTANT - self.entry_from) / timedelta(days=1), 0.0)

    @property
    def has_whole_weeks(self) -> bool:
        """Whether the span holds every weekday equally often, as the span before then does too."""
        n_weeks = round(self.eligible_days / 7)
        return n_weeks > 0 and abs(self.eligible_days - 7 * n_weeks) < _CLOCK_CHANGE_DAYS

    def weeks(self, timezone: str) -> list[tuple[date, str]]:
        """Give the Mondays of the entry period, in order, each with the state of its week.

        "whole"; "cut": the period begins inside it; "unfinished": some of its starts are too recent
        to be judged.
        """
        first, last = (
            moment.astimezone(ZoneInfo(timezone)).date()
            for moment in (self.entry_from, self.as_of_end - INSTANT)
        )
        monday, found = first - timedelta(days=first.weekday()), []
        while monday <= last:
            begins, ends = (midnight(monday + timedelta(days=n), timezone) for n in (0, 7))
            state = "cut" if begins < self.entry_from else "whole"
            found.append((monday, "unfinished" if ends - INSTANT > self.eligible_until else state))
            monday += timedelta(days=7)
        return found


def entry_span(
    pool: Source, definition: Definition, *, period_days: int, compare_to_previous: bool
) -> Span:
    """Lay out the entry period in instants, cut to what was observed.

    Raises:
        FunnelError: period_days is below 1.
    """
    if period_days < 1:
        raise FunnelError(f"period_days = {period_days} must be at least 1; use 28 for four weeks")
    first_day = pool.as_of - timedelta(days=period_days - 1)
    entry_from = max(midnight(first_day, pool.timezone), pool.observed_from)
    # The window is closed at its end: that very instant must have been observed too.
    last = pool.as_of_end - INSTANT - (definition.window or timedelta(0))
    previous, reason = None, ""
    if not compare_to_previous:
        reason = "not_asked"
    elif definition.window is None:
        reason = "no_window"
    elif last < entry_from:
        reason = "immature"
    else:
        previous = entry_from - (last - entry_from) - INSTANT
        if previous < pool.observed_from:
            previous, reason = None, "short_log"
    return Span(
        entry_from=entry_from,
        eligible_until=last,
        as_of_end=pool.as_of_end,
        previous_from=previous,
        no_previous=reason,
    )


def midnight(day: date, timezone: str) -> datetime:
    """Give the first instant of a business day, in UTC."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(timezone)).astimezone(UTC)
