"""Say how many people a test needs, how long they take to come, and what else it would take."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.formats import paragraphs
from siyu.phrases import phrase
from siyu.studies.lures.design.estimate import Sizes
from siyu.studies.lures.design.measure import WEEK, Measures
from siyu.studies.tables import each_row

LONG_WEEKS = 26
"""Half a year: whoever waits longer tests a world that is gone."""


def say_headline(measures: Measures, found: Sizes) -> str:
    """Say how many people a test of conversion needs, and in how many weeks they come."""
    if found.refused:
        return phrase(f"lures.design.refused.{found.refused}", first=measures.first)
    row = _of(found, "exposure", "conversion")
    if row is None or pd.isna(row.n_per_arm):
        return phrase("lures.design.headline.none", lift=found.lift_wanted)
    outcome = "long" if row.weeks > LONG_WEEKS else "told"
    return phrase(
        f"lures.design.headline.{outcome}",
        n=row.n_total,
        arms=found.arms,
        lift=found.lift_wanted,
        weeks=row.weeks,
    )


def say_sizes(measures: Measures, found: Sizes) -> str:
    """The result: people per arm for each outcome, those who wait, and whole staff accounts."""
    if found.refused:
        return say_headline(measures, found)
    return paragraphs(
        say_headline(measures, found),
        *(say_size(measures, found, row) for row in each_row(found.table)),
        _saved(found),
        say_clusters(found, measures),
        "" if len(measures.worth) else phrase("lures.design.no_worth"),
    )


def say_size(measures: Measures, found: Sizes, row: Any) -> str:
    """Say how many people an outcome needs."""
    given = {
        "days": measures.conversion_days,
        "retained": measures.retention_day,
        "base": row.base,
        "lower": row.base_lower,
        "upper": row.base_upper,
        "n": row.n,
        "smallest": abs(row.smallest),
        "lift": found.lift_wanted,
        "each": row.n_per_arm,
        "each_lower": row.n_lower,
        "each_upper": row.n_upper,
        "total": row.n_total,
        "weeks": row.weeks,
        "waiting": found.waiting,
        "fresh": measures.fresh_days,
        "level": found.level,
        "power": found.power,
        "experiment": measures.experiment,
    }
    what = "list" if row.way == "list" else row.outcome
    if pd.isna(row.n_per_arm):
        return phrase(f"lures.design.size.never.{what}", **given)
    if what == "list" and row.n_total <= found.waiting:
        what = "list_enough"
    return phrase(f"lures.design.size.{what}", **given)


def say_looks(found: Sizes) -> str:
    """Say at which weekly looks the test may end early, and what that costs."""
    if not len(found.looks):
        return phrase("lures.design.looks.none")
    first, last = found.looks.iloc[0], found.looks.iloc[-1]
    middle = found.looks.iloc[(len(found.looks) - 1) // 2]
    return phrase(
        "lures.design.looks.told",
        looks=len(found.looks),
        first=first["z"],
        week=int(middle["week"]),
        middle=middle["z"],
        last=last["z"],
        price=found.price - 1,
    )


def say_clusters(found: Sizes, measures: Measures) -> str:
    """Say what it takes to draw whole staff accounts."""
    own = found.clusters
    if own is None:
        return phrase("lures.design.clusters.none")
    enough = own.needed * found.arms <= own.there
    return phrase(
        f"lures.design.clusters.{'enough' if enough else 'few'}",
        alike=own.likeness.value,
        lower=own.likeness.ci_lower,
        upper=own.likeness.ci_upper,
        level=found.level,
        size=own.size,
        effect=own.effect,
        needed=own.needed,
        needed_upper=own.needed_upper,
        there=own.there,
        retained=measures.retention_day,
    )


def days_until_read(measures: Measures, row: Any) -> float:
    """Give the days from the first draw until all that are needed have been followed."""
    follow = measures.conversion_days if row.outcome == "conversion" else measures.retention_day
    return float(row.weeks) * WEEK + follow


def _saved(found: Sizes) -> str:
    row = _of(found, "exposure", "conversion")
    if row is None or pd.isna(row.n_per_arm) or row.saved_share < 0.01:
        return ""
    return phrase("lures.design.saved", share=row.saved_share)


def _of(found: Sizes, way: str, outcome: str) -> Any:
    own = found.table[(found.table["way"] == way) & (found.table["outcome"] == outcome)]
    return next(each_row(own), None)
