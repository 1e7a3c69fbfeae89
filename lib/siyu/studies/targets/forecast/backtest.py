"""Forecast again as of earlier days, and hold it against what came and the naive forecast."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray
from siyu.stats.forecast_scores import pinball
from siyu.studies.naming import EVERYONE
from siyu.studies.targets.forecast.days import fit_effects
from siyu.studies.targets.forecast.model import (
    LAST_WEEKS,
    WEEK,
    begin_of,
    draw_model,
    naive_bases,
    naive_errors,
)

QUANTILES = np.array([0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975])
"""At which both are judged; the outer ones are the ends of the 95% and the 80% interval."""
FEWEST_WEEKS = 8
"""Of history, below which nothing is forecast."""
FEWEST_ERRORS = 5
"""Earlier errors without which the naive forecast has no spread of its own."""
_DRAWS = 1000
_HALF = 0.5


def backtest(
    counts: FloatArray,
    marks: FloatArray,
    *,
    names: tuple[str, ...],
    as_of: date,
    days: int,
    seed: int,
) -> pd.DataFrame:
    """Forecast as of every earlier week from which enough had been seen.

    Args:
        counts: days x touchpoints, the latest day (`as_of`) last.
        marks: of the same days.
        names: of the touchpoints.
        as_of: the last day.
        days: to come.
        seed: of the random numbers.

    Returns:
        One row per `origin` (last day known) and `touchpoint` ("all" too): what was added in the
        days that followed (`actual`), by `model` and `naive` the pinball `loss_`, the `median_`,
        the 80% and the 95% interval (`lower80_`, …) and whether they held it (`in80_`, `in95_`).
        No rows where there is no origin with eight weeks before it and five earlier errors of the
        naive forecast.
    """
    rows = []
    both = np.column_stack([counts, counts.sum(axis=1)])
    least = max(FEWEST_WEEKS * WEEK, LAST_WEEKS * WEEK + days + (FEWEST_ERRORS - 1) * WEEK)
    origins = range(len(counts) - days, least - 1, -WEEK)
    for origin in sorted(origins):
        rng = np.random.default_rng([seed, origin])
        actual = both[origin : origin + days].sum(axis=0)
        begin = begin_of(counts[:origin])
        past, known = counts[begin:origin], marks[begin:origin]
        drawn = draw_model(
            past,
            fit_effects(past.sum(axis=1), known),
            known,
            marks[origin : origin + days],
            rng=rng,
            draws=_DRAWS,
        ).sum(axis=1)
        model = np.quantile(np.column_stack([drawn, drawn.sum(axis=1)]), QUANTILES, axis=0)
        naive = naive_quantiles(both[begin:origin], days)
        told = {"model": model, "naive": naive}
        for place, name in enumerate((*names, EVERYONE)):
            row = {
                "origin": as_of - timedelta(days=len(counts) - origin),
                "touchpoint": name,
                "actual": actual[place],
            }
            for which, quantiles in told.items():
                own = quantiles[:, place]
                row |= {
                    f"median_{which}": own[3],
                    f"loss_{which}": float(pinball(actual[place], own, at=QUANTILES)),
                    **{f"{end}95_{which}": own[at] for end, at in (("lower", 0), ("upper", 6))},
                    **{f"{end}80_{which}": own[at] for end, at in (("lower", 1), ("upper", 5))},
                    f"in80_{which}": own[1] <= actual[place] <= own[5],
                    f"in95_{which}": own[0] <= actual[place] <= own[6],
                }
            rows.append(row)
    return pd.DataFrame(rows)


def naive_quantiles(counts: FloatArray, days: int) -> FloatArray:
    """Give the quantiles of the naive forecast over all days to come: quantiles x columns.

    Its errors are those it made at earlier origins over as many days.
    """
    base = naive_bases(counts, days)
    errors = naive_errors(counts, days)
    came = (base + _HALF) * np.exp(errors) - _HALF
    return np.asarray(np.quantile(came.sum(axis=1), QUANTILES, axis=0))
