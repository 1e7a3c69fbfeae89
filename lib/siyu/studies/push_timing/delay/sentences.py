"""Say how late pushes leave, whose, and by which hour to plan."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.formats import listed, paragraph, quote
from siyu.phrases import phrase, term
from siyu.studies.naming import EVERYONE
from siyu.studies.push_timing.delay.estimate import FEWEST_ANSWERS, Delays
from siyu.studies.push_timing.delay.measures import Measures


def whom(segment: str) -> str:
    """Name a segment as readers do."""
    return phrase("push.delay.everyone") if segment == EVERYONE else quote(term(segment))


def headline(found: Delays) -> str:
    """Say which accounts send late, and how much of it."""
    if found.media.empty:
        return phrase("push.delay.none")
    if found.staff.empty:
        late = (found.media["n_pushes"] * found.media["late_share"]).sum()
        return phrase("push.delay.at_once", late=late / found.media["n_pushes"].sum())
    slow = found.staff[found.staff["verdict"] == "slow"]
    if slow.empty:
        late = (found.staff["n_pushes"] * found.staff["late_share"]).sum()
        return phrase("push.delay.headline.even", late=late / found.staff["n_pushes"].sum())
    late, others = (
        (own["n_pushes"] * own["late_share"]).sum() / own["n_pushes"].sum()
        for own in (slow, found.staff.drop(index=slow.index))
    )
    return phrase(
        "push.delay.headline.slow",
        slow=listed([term(one) for one in slow["staff"].sort_values()[:_MOST_NAMED]]),
        k=len(slow),
        late=late,
        others=others,
    )


_MOST_NAMED = 5


def say_delays(measures: Measures, found: Delays, *, level: float) -> str:
    """The result: how late pushes leave, on whose accounts, and what to do about it."""
    if found.media.empty:
        return phrase("push.delay.none")
    early = phrase("push.delay.early", n=measures.n_early) if measures.n_early else ""
    return paragraph(headline(found), bias(found), early)


def bias(found: Delays) -> str:
    """Say whose pushes are in another hour than planned; "" where no account is slow."""
    if not found.slow:
        return ""
    moved, of_all = found.moved_by_slow
    return phrase("push.delay.bias", moved=moved, of_all=of_all)


def reading(table: pd.DataFrame, *, level: float) -> Any:
    """Give the segment for which lots show most for the band; None where nothing can be read.

    A clear lift goes before one that may be chance.
    """
    told = table[table["refused"] == ""]
    if told.empty:
        return None
    own = told[told["segment"] != EVERYONE]
    chosen = told if own.empty else own
    weight = chosen["planned_lift"] * (chosen["p_holm"] <= 1 - level)
    return chosen.iloc[int(weight.argmax())]


def say_both(measures: Measures, table: pd.DataFrame, *, level: float) -> str:
    """Say what the band brings as planned and by hour of sending, and which to plan by."""
    row = reading(table, level=level)
    if row is None:
        reason = table.loc[table["segment"] == EVERYONE, "refused"].iloc[0]
        return phrase(
            f"push.delay.refused.{reason}",
            band=measures.band.name,
            min_users=measures.min_users,
            fewest=FEWEST_ANSWERS,
        )
    apart = "apart" if row.gap_lower > 0 or row.gap_upper < 0 else "alike"
    return paragraph(
        lift(measures, row, level=level),
        phrase(
            f"push.delay.gap.{apart}",
            sent=1 + row.sent_lift,
            gap=row.gap,
            lower=row.gap_lower,
            upper=row.gap_upper,
        ),
        phrase("push.delay.plan"),
    )


def lift(measures: Measures, row: Any, *, level: float) -> str:
    """Say what one segment's band brings as planned, with its interval."""
    return phrase(
        "push.delay.lift",
        whom=whom(row.segment),
        band=measures.band.name,
        planned=1 + row.planned_lift,
        lower=1 + row.planned_lift_lower,
        upper=1 + row.planned_lift_upper,
        level=level,
        n=row.n_pushes,
    )
