"""Estimate how many get how far, how fast, and whether segments differ, each with its interval.

Users are taken as independent of each other. Every share of users has a Wilson interval, every
difference of two groups Newcombe's.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from siyu.stats.intervals import difference_pvalue, newcombe_difference
from siyu.stats.multiplicity import holm
from siyu.stats.survival import cumulative_incidence, time_to_share
from siyu.studies.funnel.measures import Measures
from siyu.studies.funnel.rates import by_segment, reached_by_segment, share, verdicts
from siyu.studies.naming import EVERYONE

MINUTES_PER_DAY = 1440


def steps(measures: Measures, *, level: float) -> pd.DataFrame:
    """Give the rate of every step, for all users and for each segment.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per segment ("all" first) and step: `segment`, `step`, `k` (1-based), `entered`
        (users with an eligible start), `reached`, `rate` = reached / entered and `step_rate` =
        reached / reached the step before, each with a Wilson interval; NaN where nobody could.
    """
    labels = measures.definition.labels
    rows = []
    for segment, reached in reached_by_segment(measures).items():
        before = np.concatenate([reached[:1], reached[:-1]])
        rows.append(
            pd.DataFrame(
                {
                    "segment": segment,
                    "step": labels,
                    "k": range(1, len(labels) + 1),
                    "entered": reached[0],
                    "reached": reached,
                    **share("", reached, np.full_like(reached, reached[0]), level),
                    **share("step_", reached, before, level),
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


def compare_segments(measures: Measures, *, level: float) -> pd.DataFrame:
    """Compare each segment's conversion with that of all other users.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per segment, best first: `segment`, `entered`, `converted`, `rate` with its own
        Wilson interval, `rest_rate`, `difference` in rate with a Newcombe interval
        (`difference_lower`, `difference_upper`), `p_holm` (adjusted over the segments; two that
        make up everyone are one comparison) and `verdict`: higher, lower or unclear by Holm at
        1 - level. Empty with fewer than two segments.
    """
    reached = reached_by_segment(measures)
    entered, converted = reached.pop(EVERYONE)[[0, -1]]
    if len(reached) < 2:
        return pd.DataFrame()
    n, x = np.array([[r[0], r[-1]] for r in reached.values()]).T
    difference, lower, upper = newcombe_difference(x, n, converted - x, entered - n, level=level)
    p = difference_pvalue(x, n, converted - x, entered - n)
    if len(reached) > 2 or n.sum() < entered:
        p = holm(p)
    table = pd.DataFrame(
        {
            "segment": list(reached),
            "entered": n,
            "converted": x,
            **share("", x, n, level),
            "rest_rate": (converted - x) / (entered - n),
            "difference": difference,
            "difference_lower": lower,
            "difference_upper": upper,
            "p_holm": p,
            "verdict": verdicts(difference, p, level),
        }
    )
    return table.sort_values(["rate", "segment"], ascending=[False, True], ignore_index=True)


def times(measures: Measures, *, level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the time from the first start to conversion, leaving as a competing end.

    Immature users count for as long as they were followed (Aalen-Johansen). The median is the time
    by which half of those who convert within the window have done so.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.

    Returns:
        Two tables. Curve, one row per segment and time: `segment`, `days`, `at_risk`, `incidence`,
        `ci_lower`, `ci_upper`. Medians, one row per segment: `segment`, `n`, `converted`,
        `horizon_days`, `median_days`, `ci_lower`, `ci_upper` (NaN where fewer than min_users
        converted, or the data give no bound).
    """
    if measures.times.empty:
        return pd.DataFrame(), pd.DataFrame()
    grouped = measures.times.assign(time=measures.times["minutes"] / MINUTES_PER_DAY)
    window = measures.definition.window_days
    if window is not None:
        grouped.loc[grouped["time"] > window, ["time", "outcome"]] = [window, 0]
    curves, medians = [], []
    for segment, own in by_segment(grouped, min_users=measures.min_users):
        curve = cumulative_incidence(own, level=level).rename(columns={"time": "days"})
        curves.append(curve.assign(segment=segment))
        horizon = window or float(own["time"].max())
        converted = int(own.loc[own["outcome"] == 1, "n"].sum())
        median, lower, upper = np.nan, np.nan, np.nan
        if converted >= measures.min_users:
            median, lower, upper = time_to_share(own, horizon=horizon, level=level)
        medians.append(
            {
                "segment": segment,
                "n": int(own["n"].sum()),
                "converted": converted,
                "horizon_days": horizon,
                "median_days": median,
                "ci_lower": lower,
                "ci_upper": upper,
            }
        )
    return pd.concat(curves, ignore_index=True), pd.DataFrame(medians)


def placebo(measures: Measures, *, level: float) -> pd.DataFrame:
    """Compare users by something that cannot matter: which half of a minute they started in.

    Args:
        measures: the reduced tables.
        level: coverage of the interval, between 0 and 1.

    Returns:
        One row: `entered_first`, `entered_second` (users), `difference` of their conversion with a
        Newcombe interval, `p`. Empty where a half has fewer than min_users (as with times to the
        minute, or to the day).
    """
    counts = measures.counts
    converted = counts[counts["depth"] == len(measures.definition.steps)]
    n, x = (
        table.groupby("half")["n"].sum().reindex(["first", "second"], fill_value=0)
        for table in (counts, converted)
    )
    if n.min() < measures.min_users:
        return pd.DataFrame()
    pair = (x["first"], n["first"], x["second"], n["second"])
    difference, lower, upper = newcombe_difference(*pair, level=level)
    return pd.DataFrame(
        {
            "entered_first": [n["first"]],
            "entered_second": [n["second"]],
            "difference": [float(difference)],
            "ci_lower": [float(lower)],
            "ci_upper": [float(upper)],
            "p": [float(difference_pvalue(*pair))],
        }
    )
