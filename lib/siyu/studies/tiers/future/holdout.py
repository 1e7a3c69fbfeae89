"""Test a forecast: make it as of an earlier day, and compare it with what came."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siyu.stats import bg_nbd
from siyu.stats.delta import positive_range
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.tiers.future.groups import grouped, levels_of, ranges
from siyu.studies.tiers.future.measure import WEEK_DAYS, Measures
from siyu.studies.tiers.future.totals import Model, fit_model, total

_CLASSES = (0, 1, 2, 3, 4, 5, 7, 10)
"""Repeats from which on buyers are shown as one class."""


def hold_out(
    measures: Measures, names: dict[int, str], *, level: float
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Forecast from what was known then, and compare; empty where too little was known."""
    rows = measures.before
    empty = (pd.DataFrame(), pd.DataFrame(), pd.DataFrame())
    if not len(rows) or rows.loc[rows["gone"] == 0, "n"].sum() < measures.min_users:
        return empty
    try:
        model = fit_model(rows, level=level)
    except bg_nbd.FitError:
        return empty
    days = measures.holdout_days
    groups, inside = grouped(rows, names)
    levels = levels_of(groups, level)
    found = total(model, rows, inside, days=days)
    lower, upper = ranges(found.bought, found.bought_variance, levels)
    later, paid = inside @ rows["later"].to_numpy(float), inside @ rows["later_cny"].to_numpy()
    table = {"group": groups, "n": found.n, "later": later, "expected": found.bought}
    table |= {"ci_lower": lower, "ci_upper": upper, "held": (lower <= later) & (later <= upper)}
    lower, upper = ranges(found.paid, found.paid_variance, levels)
    table |= {"later_cny": paid, "expected_cny": found.paid, "cny_lower": lower}
    table |= {"cny_upper": upper, "held_cny": (lower <= paid) & (paid <= upper)}
    return (
        pd.DataFrame(table),
        _by_class(measures, model, level=level),
        _by_week(measures, model, level=level),
    )


def _by_class(measures: Measures, model: Model, *, level: float) -> pd.DataFrame:
    rows = measures.before[measures.before["gone"] == 0]
    of = np.searchsorted(_CLASSES, rows["repeats"], side="right") - 1
    # From the most frequent down, so that no class is a few persons.
    n = np.bincount(of, rows["n"], len(_CLASSES))
    begins: list[int] = []
    size = 0.0
    for k in range(len(_CLASSES) - 1, -1, -1):
        size += n[k]
        if size >= measures.min_users:
            begins, size = [k, *begins], 0.0
    if not begins:
        return pd.DataFrame()
    begins[0] = 0
    of = np.searchsorted(begins, of, side="right") - 1
    inside = np.equal.outer(range(len(begins)), of).astype(float)
    found = total(model, rows, inside, days=measures.holdout_days)
    levels = np.full(len(begins), bonferroni_level(level, len(begins)))
    lower, upper = ranges(found.bought, found.bought_variance, levels)
    least = [_CLASSES[k] for k in begins]
    table = pd.DataFrame(
        {
            "least": least,
            "most": [*(after - 1 for after in least[1:]), int(rows["repeats"].max())],
            "n": found.n,
            "later": inside @ rows["later"].to_numpy(float),
            "expected": found.bought,
            "ci_lower": lower,
            "ci_upper": upper,
        }
    )
    table[["later", "expected", "ci_lower", "ci_upper"]] = table[
        ["later", "expected", "ci_lower", "ci_upper"]
    ].div(table["n"], axis=0)
    return table


def _by_week(measures: Measures, model: Model, *, level: float) -> pd.DataFrame:
    rows, weeks = measures.before, measures.weeks["week"]
    everybody = np.ones((1, len(rows)))
    found = [total(model, rows, everybody, days=WEEK_DAYS * week) for week in weeks]
    ends = [positive_range(f.bought, f.bought_variance, level=level) for f in found]
    pace = rows.loc[rows["gone"] == 0, "recent"].sum() / measures.horizon_days
    return pd.DataFrame(
        {
            "week": weeks,
            "later": measures.weeks["later"].cumsum(),
            "expected": [f.bought[0] for f in found],
            "ci_lower": [lower[0] for lower, _ in ends],
            "ci_upper": [upper[0] for _, upper in ends],
            "steady": pace * WEEK_DAYS * weeks,
        }
    )
