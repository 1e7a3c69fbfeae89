"""Say what was clicked by hour, that this is no effect of hours, and which were never tried."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from siyu.formats import paragraph
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.push_timing.heat.estimate import FEWEST_USERS, Rates
from siyu.studies.push_timing.heat.measures import WEEKDAYS, Measures

CELLS = len(WEEKDAYS) * 24


def say_rates(measures: Measures, found: Rates, *, level: float) -> str:
    """The result: the rate of all, how far apart hours lie, and why that is no effect."""
    if not measures.n_pushes:
        return nothing(measures)
    said = [segment(measures, row, level=level) for row in found.segments.head(1).itertuples()]
    if len(found.everyone) >= 2:
        said += [headline(measures, found), phrase("push.heat.mixes")]
    return paragraph(*said)


def headline(measures: Measures, found: Rates) -> str:
    """Say between which rates the hours of all lie, shrunk."""
    hours = found.everyone
    if len(hours) < 2:
        return phrase("push.heat.one_hour", min_pushes=found.min_pushes)
    ordered = hours.sort_values("answer_rate", kind="stable")
    low, high = ordered.iloc[0], ordered.iloc[-1]
    return phrase(
        f"push.heat.headline.{measures.definition.outcome}",
        hours=measures.definition.horizon_hours,
        low=low.answer_rate,
        low_at=clock(low.hour),
        high=high.answer_rate,
        high_at=clock(high.hour),
    )


def say_support(measures: Measures, found: Rates) -> str:
    """Say which hours of the week were hardly ever tried, or never; by lot, and at all."""
    if not measures.n_pushes:
        return nothing(measures)
    tried = {name: enough(found, name) for name in ("either", "by_lot")}
    said = phrase(
        "push.heat.support.tried",
        tried=tried["either"],
        cells=CELLS,
        min_pushes=found.min_pushes,
        min_users=measures.min_users,
    )
    if not found.support["by_lot"].fillna(1).sum():
        return paragraph(said, phrase("push.heat.support.no_lots"))
    return paragraph(said, phrase("push.heat.support.by_lot", tried=tried["by_lot"], cells=CELLS))


def enough(found: Rates, which: str) -> int:
    """Count the hours of a week that were tried enough: "either", "by_lot" or "not_by_lot"."""
    return int((found.support[f"{which}_state"] == "enough").sum())


def largest(shown: Sequence[str], of: Sequence[str]) -> str:
    """Say which segments a figure shows: all, or so many of them, the largest."""
    return phrase(f"push.heat.shown.{'all' if len(shown) == len(of) else 'some'}", n=len(shown))


def segment(measures: Measures, row: Any, *, level: float) -> str:
    """Say the rate of one segment, with its interval."""
    name = "all" if row.segment == EVERYONE else "segment"
    return phrase(
        f"push.heat.rate.{name}.{measures.definition.outcome}",
        segment=row.segment,
        rate=row.answer_rate,
        n=row.n_pushes,
        users=row.n_users,
        hours=measures.definition.horizon_hours,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
    )


def too_few(row: Any) -> str:
    """Say why a segment has no rate."""
    return phrase("push.heat.few_users", segment=row.segment, fewest=FEWEST_USERS)


def nothing(measures: Measures) -> str:
    """Say that nothing was sent."""
    return phrase("push.heat.nothing", first=measures.first, last=measures.as_of)


def method(measures: Measures, found: Rates) -> Mapping[str, Any]:
    """Give what the footers of both figures fill in."""
    return {
        "source": measures.source,
        "day": measures.as_of,
        "n": measures.n_pushes,
        "min_pushes": found.min_pushes,
        "min_users": measures.min_users,
        "sampled": sampled(measures),
    }


def sampled(measures: Measures) -> str:
    """Say of whom the likeness of pushes to one user was taken; "" where of all."""
    return "" if measures.every == 1 else phrase("push.heat.sampled", every=measures.every)


def clock(hour: int) -> str:
    """Name an hour of the day."""
    return f"{int(hour)}:00"
