"""Say what hours do where they were not drawn by lot, and why the crude curve misleads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siyu.formats import clauses, paragraph, quote
from siyu.language import locale
from siyu.phrases import phrase, term
from siyu.studies.naming import EVERYONE
from siyu.studies.push_timing.adjusted.estimate import FEWEST_OF_EACH, Curves
from siyu.studies.push_timing.adjusted.measures import Measures
from siyu.studies.push_timing.bands import read_bands
from siyu.studies.tables import each_row


def whom(segment: str) -> str:
    """Name a segment as readers do."""
    return phrase("push.adjusted.everyone") if segment == EVERYONE else quote(term(segment))


def best(found: Curves, segment: str) -> Any:
    """Give the row of the hour that brings most more than the others; None where all are refused.

    An hour that is clearly better goes before one that may be so by chance.
    """
    own = found.table[(found.table["segment"] == segment) & (found.table["refused"] == "")]
    if own.empty:
        return None
    clear = own[own["verdict"] == "better"]
    if not clear.empty:
        return clear.iloc[int(clear["difference"].argmax())]
    # Not the largest difference, which is that of the hour with fewest pushes.
    return own.iloc[int(own["ci_lower"].argmax())]


def leader(found: Curves) -> Any:
    """Give the row of the hour with the highest crude rate among all users; None without one."""
    own = found.table[(found.table["segment"] == EVERYONE) & (found.table["refused"] == "")]
    return None if own.empty else own.iloc[int(own["crude_rate"].argmax())]


def headline(found: Curves, *, level: float) -> str:
    """Say by how much the hour with the highest crude rate leads, crude and adjusted."""
    row = leader(found)
    if row is None:
        return phrase("push.adjusted.none")
    return phrase(
        f"push.adjusted.headline.{row.verdict}",
        hour=row.hour,
        crude=row.crude,
        difference=row.difference,
        **_interval(row, level),
    )


def say_curves(measures: Measures, found: Curves, *, level: float) -> str:
    """The result: which hours are better for whom, what that rests on, and what it cannot say."""
    if leader(found) is None:
        return refusal(measures, found, EVERYONE)
    rows = [best(found, segment) for segment in found.users]
    rows = [row for row in rows if row is not None]
    told = [
        effect(row, level=level)
        for row in rows
        if row.verdict == "better" or row.segment == EVERYONE
    ]
    others = [row.segment for row in rows if row.verdict != "better" and row.segment != EVERYONE]
    if others:
        told.append(phrase("push.adjusted.others", names=others))
    return paragraph(*told, phrase("push.adjusted.means"), *notes(measures))


def notes(measures: Measures) -> list[str]:
    """Say what was left out, and what of the calendar is not known."""
    said = []
    if measures.every > 1:
        taken = measures.rows["number"].nunique()
        said.append(phrase("push.adjusted.sampled", every=measures.every, n=taken))
    if measures.n_rare:
        said.append(phrase("push.adjusted.rare", n=measures.n_rare, kept=measures.n_contents))
    if measures.unsure:
        years = clauses([str(year) for year in measures.unsure])
        said.append(phrase("push.adjusted.unsure", years=years, country=country(measures)))
    return said


def effect(row: Any, *, level: float) -> str:
    """Say what the best hour of a segment does."""
    return phrase(
        f"push.adjusted.effect.{'better' if row.verdict == 'better' else 'unclear'}",
        whom=whom(row.segment),
        hour=row.hour,
        difference=row.difference,
        n=row.n_pushes,
        users=row.n_users,
        **_interval(row, level),
    )


def refusal(measures: Measures, found: Curves, segment: str) -> str:
    """Say why no hour of a segment can be judged."""
    reasons = found.table.loc[found.table["segment"] == segment, "refused"]
    reason = "none" if reasons.empty else reasons.mode().iloc[0]
    if "alone" in reasons.tolist():
        reason = "alone"
    return phrase(
        f"push.adjusted.refused.{reason}",
        whom=whom(segment),
        min_users=measures.min_users,
        fewest=FEWEST_OF_EACH,
    )


def say_naive(found: pd.DataFrame, *, hours: str, against: str, level: float) -> str:
    """Say what the crude curve says of a band of hours, and why it misleads; "" where none is told.

    Args:
        found: from `compare`.
        hours: the band compared.
        against: the other.
        level: the coverage at which they were computed.
    """
    row = misled(found)
    return "" if row is None else naive(row, hours=hours, against=against, level=level)


def naive(row: Any, *, hours: str, against: str, level: float) -> str:
    """Say of one segment what is crude, what is better, and what is adjusted."""
    clear = row.lift_lower > 0 or row.lift_upper < 0
    # Only a crude ratio whose interval leaves the adjusted one out is said to mislead.
    alike = row.crude_lift_lower <= row.lift <= row.crude_lift_upper
    return phrase(
        f"push.adjusted.naive.{'alike' if alike else 'clear' if clear else 'unclear'}",
        whom=whom(row.segment),
        hours=read_bands([hours])[0].name,
        against=read_bands([against])[0].name,
        crude=1 + row.crude_lift,
        within=1 + row.within_lift,
        adjusted=1 + row.lift,
        lower=1 + row.lift_lower,
        upper=1 + row.lift_upper,
        level=level,
    )


def misled(found: pd.DataFrame) -> Any:
    """Give the segment whose clear crude ratio is farthest from the adjusted; None without one."""
    told = found[found["refused"] == ""]
    clear = (told["crude_lift_lower"] > 0) | (told["crude_lift_upper"] < 0)
    own = told[clear & (told["segment"] != EVERYONE)]
    told = told if own.empty else own
    if told.empty:
        return None
    apart = (np.log1p(told["crude_lift"]) - np.log1p(told["lift"])).abs()
    return told.iloc[int(apart.argmax())]


def say_days(measures: Measures, found: pd.DataFrame, *, level: float) -> str:
    """Say how days off, and worked weekends, compare with Mondays."""
    if found.empty:
        return phrase("push.adjusted.days.none")
    told = [
        phrase(
            "push.adjusted.days.one",
            day=phrase(f"push.adjusted.days.kind.{row.day_kind}"),
            ratio=row.ratio,
            lower=row.ci_lower,
            upper=row.ci_upper,
        )
        for row in each_row(found[found["day_kind"].isin(["off", "saturday", "made_up"])])
    ]
    calendar = phrase(
        f"push.adjusted.days.{'country' if measures.country else 'no_country'}",
        country=country(measures),
    )
    said = phrase("push.adjusted.days.all", days=clauses(told), level=level)
    return paragraph(said, calendar) if told else calendar


def country(measures: Measures) -> str:
    """Name the country whose holidays count; "" where none do."""
    return str(locale().territories.get(measures.country, measures.country))


def _interval(row: Any, level: float) -> Mapping[str, float]:
    return {"lower": row.ci_lower, "upper": row.ci_upper, "level": level}
