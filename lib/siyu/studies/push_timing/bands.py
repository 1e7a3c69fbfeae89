"""Hours of the day, one by one or in bands."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from siyu.studies.push_timing.definition import PushError

_BAND = re.compile(r"(\d{1,2}):00-(\d{1,2}):00")
DAY_HOURS = 24


@dataclass(frozen=True, kw_only=True)
class Band:
    """Hours that are studied as one: `name`, and the `hours` themselves (0 to 23)."""

    name: str
    hours: tuple[int, ...]


def each_hour() -> list[Band]:
    """Give every hour of the day as a band of its own."""
    return [Band(name=f"{hour:02}:00", hours=(hour,)) for hour in range(DAY_HOURS)]


def read_bands(texts: Sequence[str]) -> list[Band]:
    """Read bands of hours as they are written in parameters.

    Args:
        texts: each "<hour>:00-<hour>:00", such as "20:00-22:00": from the first up to the second.

    Returns:
        The bands, in order of the day.

    Raises:
        PushError: a text is no band, or two share an hour.
    """
    bands = sorted((_read(text) for text in texts), key=lambda band: band.hours)
    hours = [hour for band in bands for hour in band.hours]
    for hour in hours:
        if hours.count(hour) > 1:
            raise PushError(f"hour_bands: {hour}:00 lies in two bands; let each hour lie in one")
    return bands


def _read(text: str) -> Band:
    match = _BAND.fullmatch(text)
    first, end = map(int, match.groups()) if match else (0, 0)
    if not first < end <= DAY_HOURS:
        raise PushError(f"hour_bands: {text!r} must be like '20:00-22:00', within one day")
    return Band(name=f"{first:02}:00–{end:02}:00", hours=tuple(range(first, end)))
