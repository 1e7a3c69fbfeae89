"""Does what a lure brings fade in the course of the experiment?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.intervals import newcombe_difference
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.stats.novelty import WEEK, follow_effect
from siyu.studies.lures.daily.looks import (
    Counts,
    count_days,
    find_ends,
    find_pairs,
    find_refusal,
)
from siyu.studies.lures.experiment import Experiment

SPANS = ("all", "first", "later", "change")
_PAIR = (
    *("arm", "against", "n", "n_days"),
    *(f"{span}{end}" for span in SPANS for end in ("", "_lower", "_upper")),
    *("trend_p", "trend_p_holm", "spread", "spread_p_holm", "verdict"),
)
_WEEK = ("arm", "against", "since", "n", "n_against", "value", "ci_lower", "ci_upper")


@dataclass(frozen=True, kw_only=True)
class Courses:
    """How differences of conversion change with the day on which people were drawn.

    pairs: a row per pair of arms: the difference over "all" days, in the "first" week, on "later"
        days, and its "change", each with an interval that holds for all pairs at once; `trend_p` of
        a trend with the logarithm of the day; `spread` of days relative to chance; `verdict`
        ("fades": the lead of whichever arm leads shrinks, "grows", "steady": no clear trend).
    weeks: a row per pair and week of the draw (beginning `since`): `value` with an interval that
        holds for all pairs and weeks at once. Weeks of few people join the one before.
    refused: as of `Looks`, or "short" (fewer than 14 days with people in all arms).
    """

    pairs: pd.DataFrame
    weeks: pd.DataFrame
    n: int
    level: float
    refused: str


def follow(experiment: Experiment, *, level: float) -> Courses:
    """Follow the differences between arms through the days on which people were drawn.

    Args:
        experiment: from `find_experiment`.
        level: coverage of all intervals of a table together.
    """
    days, n, came = count_days(experiment)
    refused = find_refusal(experiment, n)
    pairs = [] if refused else find_pairs(experiment)
    rows = [
        _pair(experiment, pair, days, n, came, level=bonferroni_level(level, len(pairs)))
        for pair in pairs
    ]
    if refused or None in rows:
        return Courses(
            pairs=pd.DataFrame(columns=list(_PAIR)),
            weeks=pd.DataFrame(columns=list(_WEEK)),
            n=int(n.sum()),
            level=level,
            refused=refused or "short",
        )
    table = pd.DataFrame(rows)
    table["trend_p_holm"] = holm(table["trend_p"])
    table["spread_p_holm"] = holm(table["spread_p"])
    clear = table["trend_p_holm"] <= 1 - level
    shrinks = table["trend"] * table["all"] < 0
    table["verdict"] = np.select([clear & shrinks, clear], ["fades", "grows"], "steady")
    return Courses(
        pairs=table[list(_PAIR)],
        weeks=_weeks(experiment, days, n, came, level=level),
        n=int(n.sum()),
        level=level,
        refused="",
    )


def _pair(
    experiment: Experiment,
    pair: tuple[int, int],
    days: Counts,
    n: Counts,
    came: Counts,
    *,
    level: float,
) -> dict[str, Any] | None:
    a, b = pair
    found = follow_effect(
        days,
        count=came[:, a],
        n=n[:, a],
        other_count=came[:, b],
        other_n=n[:, b],
        level=level,
    )
    if found is None:
        return None
    row: dict[str, Any] = {"arm": experiment.arms[a], "against": experiment.arms[b]}
    for name, span in found.spans.items():
        row |= {name: span.value, f"{name}_lower": span.ci_lower, f"{name}_upper": span.ci_upper}
    return row | {
        "n": int(n[:, pair].sum()),
        "n_days": found.n_days,
        "trend": found.trend,
        "trend_p": found.trend_p,
        "spread": found.spread,
        "spread_p": found.spread_p,
    }


def _weeks(
    experiment: Experiment, days: Counts, n: Counts, came: Counts, *, level: float
) -> pd.DataFrame:
    week, at = np.unique(days // WEEK, return_index=True)
    n, came = np.add.reduceat(n, at), np.add.reduceat(came, at)
    ends = find_ends(n, experiment.min_users)
    begins = [0, *(end + 1 for end in ends[:-1])]
    n, came = np.add.reduceat(n, begins), np.add.reduceat(came, begins)
    pairs = find_pairs(experiment)
    each = bonferroni_level(level, len(pairs) * len(begins))
    parts = [
        pd.DataFrame(
            {
                "arm": experiment.arms[a],
                "against": experiment.arms[b],
                "since": [_begin(experiment, int(week[begin])) for begin in begins],
                "n": n[:, a],
                "n_against": n[:, b],
                **dict(
                    zip(
                        ("value", "ci_lower", "ci_upper"),
                        newcombe_difference(came[:, a], n[:, a], came[:, b], n[:, b], level=each),
                        strict=True,
                    )
                ),
            }
        )
        for a, b in pairs
    ]
    return pd.concat(parts, ignore_index=True)


def _begin(experiment: Experiment, week: int) -> date:
    assert experiment.first_day is not None
    return experiment.first_day + timedelta(days=WEEK * week)
