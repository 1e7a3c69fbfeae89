"""Estimate: from the reduced tables to rates, differences, changes and times, each with its
interval.

Users are taken as independent of each other. Every share of users has a Wilson interval, every
difference of two groups Newcombe's, everything built from several counts a delta-method interval
over the users' cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from siyu.stats.checks import normal_quantile
from siyu.stats.decomposition import kitagawa_parts, shapley
from siyu.stats.intervals import (
    difference_pvalue,
    multinomial_delta,
    newcombe_difference,
    wilson,
)
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.stats.survival import cumulative_incidence, time_to_share
from siyu.studies.funnel.measure import Measures
from siyu.studies.funnel.segments import EVERYONE, SMALL

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[Any]

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
    for segment, reached in _reached_by_segment(measures).items():
        before = np.concatenate([reached[:1], reached[:-1]])
        rows.append(
            pd.DataFrame(
                {
                    "segment": segment,
                    "step": labels,
                    "k": range(1, len(labels) + 1),
                    "entered": reached[0],
                    "reached": reached,
                    **_share("", reached, np.full_like(reached, reached[0]), level),
                    **_share("step_", reached, before, level),
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
        (`difference_lower`, `difference_upper`), `p_holm` (adjusted over the segments) and
        `verdict`: higher, lower or unclear by Holm at 1 - level. Empty with fewer than two
        segments.
    """
    reached = _reached_by_segment(measures)
    entered, converted = reached.pop(EVERYONE)[[0, -1]]
    if len(reached) < 2:
        return pd.DataFrame()
    n, x = np.array([[r[0], r[-1]] for r in reached.values()]).T
    difference, lower, upper = newcombe_difference(x, n, converted - x, entered - n, level=level)
    p = holm(difference_pvalue(x, n, converted - x, entered - n))
    table = pd.DataFrame(
        {
            "segment": list(reached),
            "entered": n,
            "converted": x,
            **_share("", x, n, level),
            "rest_rate": (converted - x) / (entered - n),
            "difference": difference,
            "difference_lower": lower,
            "difference_upper": upper,
            "p_holm": p,
            "verdict": _verdicts(difference, p, level),
        }
    )
    return table.sort_values(["rate", "segment"], ascending=[False, True], ignore_index=True)


def trend(measures: Measures, *, level: float) -> pd.DataFrame:
    """Give conversion by entry week: of those who started in it, who converted from that start.

    Every week has all who started in it, with one chance each, so weeks can be compared; a user who
    starts in two weeks is in both.

    Returns:
        One row per week of the period: `week` (Monday), `state` ("whole"; "cut": the period begins
        inside it; "unfinished": some windows are still open at as_of), `entered` (mature),
        `waiting` (immature), `converted`, `rate` with a Wilson interval. NaN for a week of fewer
        than min_users. Empty without a window.
    """
    weekly = measures.weekly
    if weekly.empty:
        return weekly
    states = [state for _, state in measures.span.weeks(measures.timezone)]
    n, x = weekly["entered"].to_numpy(), weekly["converted"].to_numpy()
    weekly = weekly.assign(state=states, **_share("", x, n, level))
    hidden = ["entered", "converted", "rate", "ci_lower", "ci_upper"]
    weekly[hidden] = weekly[hidden].astype(float).mask(weekly["entered"] < measures.min_users)
    return weekly


def late_against_early(measures: Measures, *, level: float) -> pd.DataFrame:
    """Compare the later half of the whole entry weeks with the earlier half.

    Returns:
        One row: `difference` of conversion per user and week, later less earlier, with a
        delta-method interval in which a user's weeks are one cluster. Empty where a half has fewer
        than min_users, or the data give no interval.
    """
    drift = measures.drift
    names = ["early", "early_converted", "late", "late_converted"]
    weeks = drift[names].to_numpy(dtype=np.float64)
    cells = drift["n"].to_numpy(dtype=np.float64)
    if len(drift) == 0 or (cells @ weeks)[[0, 2]].min() < measures.min_users:
        return pd.DataFrame()

    def later(counts: FloatArray) -> FloatArray:
        early, early_converted, late, late_converted = np.moveaxis(counts @ weeks, -1, 0)
        return np.asarray(late_converted / late - early_converted / early)[..., None]

    value, lower, upper = multinomial_delta(later, cells, level=level)
    if np.isnan(lower[0]):
        return pd.DataFrame()
    return pd.DataFrame({"difference": value, "ci_lower": lower, "ci_upper": upper})


@dataclass(frozen=True, kw_only=True)
class Change:
    """The change of conversion against the span just before, split exactly.

    total: rows "before", "now" (rates), "change", "mix" and "rate" (its two parts), with intervals.
    segments: per segment entered and rate before and now, `change` with an interval, `p_holm` and
        `verdict`, and its `mix` and `rate` parts of the total change with intervals; the parts of
        all segments sum to the total change. Segments that were small in either span share a name.
    steps: per step (from the second) its step rate before and now, and its `part` of the total
        change (Shapley).
    """

    total: pd.DataFrame
    segments: pd.DataFrame
    steps: pd.DataFrame


def compare_periods(measures: Measures, *, level: float) -> Change | None:
    """Split the change since the span before into mix and rate per segment, and into steps.

    Parts have delta-method intervals over users; one who entered in both spans is one cluster. For
    the changes themselves, where rates near 0 or 1 make that interval too short, the interval is
    the delta method's and Newcombe's (which takes the spans as independent) together, and the
    p-value the larger of the two: at least the stated coverage, whichever way the spans hang
    together.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.

    Returns:
        The change, or None where there is nothing to compare (`Span.no_previous` says why, or one
        of the spans has fewer than min_users).
    """
    pairs = measures.pairs
    n_steps = len(measures.definition.steps)
    now, before = _cells(pairs, "", n_steps), _cells(pairs, "_before", n_steps)
    names = sorted(now.keys() | before.keys())
    cells = pairs["n"].to_numpy(dtype=np.float64)
    none = np.zeros((len(cells), n_steps))
    after_each = [now.get(name, none) for name in names]
    before_each = [before.get(name, none) for name in names]
    if not now or not before:
        return None
    n1, x1 = _ends(cells, after_each)
    n0, x0 = _ends(cells, before_each)
    if min(n0.sum(), n1.sum()) < measures.min_users:
        return None
    k = len(names)

    def split(counts: FloatArray) -> FloatArray:
        """Give before, now, mix, rate; then change, mix and rate per segment; the steps' parts."""
        n1, x1 = _ends(counts, after_each)
        n0, x0 = _ends(counts, before_each)
        mix, rate = kitagawa_parts(n0, x0, n1, x1)
        r0, r1 = (_step_rates(counts @ np.sum(each, axis=0)) for each in (before_each, after_each))
        old, new = (_ratio(x.sum(axis=-1), n.sum(axis=-1)) for n, x in ((n0, x0), (n1, x1)))
        whole = np.stack([old, new, new - old, mix.sum(axis=-1), rate.sum(axis=-1)], axis=-1)
        own = _ratio(x1, n1) - _ratio(x0, n0)
        return np.concatenate([whole, own, mix, rate, shapley(r0, r1)], axis=-1)

    value, lower, upper = multinomial_delta(split, cells, level=level)
    table = pd.DataFrame({"value": value, "ci_lower": lower, "ci_upper": upper})
    total = table.iloc[:5].assign(part=["before", "now", "change", "mix", "rate"])
    whole = _widened(table.iloc[2:3], x1.sum(), n1.sum(), x0.sum(), n0.sum(), level=level)
    total.loc[2, ["ci_lower", "ci_upper"]] = whole.loc[0, ["ci_lower", "ci_upper"]].to_numpy()
    own = _widened(table.iloc[5 : 5 + k], x1, n1, x0, n0, level=level)
    p = holm(own["p"])
    segments = pd.DataFrame(
        {
            "segment": names,
            "entered_before": n0.astype(int),
            "entered": n1.astype(int),
            "rate_before": _ratio(x0, n0),
            "rate_now": _ratio(x1, n1),
            **_part("change", own),
            "p_holm": p,
            "verdict": _verdicts(own["value"].to_numpy(), p, level),
            **_part("mix", table.iloc[5 + k : 5 + 2 * k]),
            **_part("rate", table.iloc[5 + 2 * k : 5 + 3 * k]),
        }
    )
    by_step = pd.DataFrame(
        {
            "step": measures.definition.labels[1:],
            "before": _step_rates(cells @ np.sum(before_each, axis=0)),
            "now": _step_rates(cells @ np.sum(after_each, axis=0)),
            **_part("part", table.iloc[5 + 3 * k :]),
        }
    )
    shown = ~((segments["segment"] == SMALL) & (np.minimum(n0, n1) < measures.min_users))
    return Change(total=total, segments=segments[shown].reset_index(drop=True), steps=by_step)


def _widened(
    delta: pd.DataFrame, x1: Any, n1: Any, x0: Any, n0: Any, *, level: float
) -> pd.DataFrame:
    """Join the delta-method and the Newcombe interval of differences, and take the larger p."""
    value, lower, upper = newcombe_difference(x1, n1, x0, n0, level=level)
    delta = delta.reset_index(drop=True)
    half = (delta["ci_upper"] - delta["ci_lower"]) / 2
    p = 2 * norm.sf(np.abs(delta["value"]) / half * normal_quantile(level))
    return pd.DataFrame(
        {
            "value": np.atleast_1d(value),
            "ci_lower": np.fmin(delta["ci_lower"], lower),
            "ci_upper": np.fmax(delta["ci_upper"], upper),
            "p": np.fmax(p, difference_pvalue(x1, n1, x0, n0)),
        }
    )


def times(measures: Measures, *, level: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the time from the first start to conversion, leaving as a competing end.

    Immature users count for as long as they were followed (Aalen-Johansen). The median is the time
    by which half of those who convert within the window have done so.

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
    for segment, own in _by_segment(grouped, min_users=measures.min_users):
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


def repair(measures: Measures, *, level: float, value_cny: float | None = None) -> pd.DataFrame:
    """Say what bringing a segment's step up to the other segments' rate would add in conversions.

    Extra conversions = users at the step before x (the others' step rate - its own) x its own rates
    of the steps that follow. It describes; whether the gap can be closed is for an experiment to
    say.

    Args:
        measures: the reduced tables.
        level: joint coverage of all intervals together, between 0 and 1.
        value_cny: what one conversion is worth, in yuan, taken as known; None: not valued.

    Returns:
        One row per segment and step (from the second), most extra conversions first: `segment`,
        `step`, `at_step` (users at the step before), `step_rate`, `others_rate`, `gap` (others less
        own) and `extra` conversions per span, both with simultaneous intervals, `p_holm` of the
        gap, `clear` (behind by Holm, and extra clearly above zero), and `worth_cny` of extra with
        its interval. Empty with fewer than two segments.
    """
    reached = _reached_by_segment(measures)
    everyone = reached.pop(EVERYONE)
    reached.pop(SMALL, None)
    if len(reached) < 2:
        return pd.DataFrame()
    joint = bonferroni_level(level, len(reached) * (len(everyone) - 1))
    rows = []
    for segment, own in reached.items():
        others = everyone - own
        pair = (others[1:], others[:-1], own[1:], own[:-1])
        gap, lower, upper = newcombe_difference(*pair, level=joint)
        cells = np.concatenate([_exactly(own), _exactly(others)])
        extra, extra_lower, extra_upper = multinomial_delta(_extra, cells, level=joint)
        rows.append(
            pd.DataFrame(
                {
                    "segment": segment,
                    "step": measures.definition.labels[1:],
                    "at_step": own[:-1],
                    "step_rate": _ratio(own[1:], own[:-1]),
                    "others_rate": _ratio(others[1:], others[:-1]),
                    "gap": gap,
                    "gap_lower": lower,
                    "gap_upper": upper,
                    "p": difference_pvalue(*pair),
                    "extra": extra,
                    "extra_lower": extra_lower,
                    "extra_upper": extra_upper,
                }
            )
        )
    table = pd.concat(rows, ignore_index=True)
    table["p_holm"] = holm(table.pop("p"))
    behind = (table["gap"] > 0) & (table["p_holm"] <= 1 - level)
    table["clear"] = behind & (table["extra_lower"] > 0)
    for end in ("", "_lower", "_upper"):
        table[f"worth_cny{end}"] = table[f"extra{end}"] * (
            np.nan if value_cny is None else value_cny
        )
    return table.sort_values("extra", ascending=False, ignore_index=True)


def per_point(measures: Measures, *, level: float) -> pd.DataFrame:
    """Say what one percentage point more at each step would add in conversions, all else as it is.

    Where less than a point is lost, what is lost counts.

    Returns:
        One row per step (from the second): `step`, `at_step` (users at the step before),
        `step_rate`, `extra` conversions per span with an interval (counts taken as Poisson).
    """
    reached = _reached_by_segment(measures)[EVERYONE]

    def gain(cells: FloatArray) -> FloatArray:
        upto = _at_least(cells)
        point = np.minimum(0.01, 1 - _step_rates(upto))
        return np.asarray(point * upto[..., :-1] * _downstream(upto))

    value, lower, upper = multinomial_delta(gain, _exactly(reached), level=level)
    return pd.DataFrame(
        {
            "step": measures.definition.labels[1:],
            "at_step": reached[:-1],
            "step_rate": _ratio(reached[1:], reached[:-1]),
            "extra": value,
            "extra_lower": lower,
            "extra_upper": upper,
        }
    )


def placebo(measures: Measures, *, level: float) -> pd.DataFrame:
    """Compare users by something that cannot matter: which half of a minute they started in.

    Returns:
        One row: `entered_first`, `entered_second` (users), `difference` of their conversion with a
        Newcombe interval, `p`. Empty where a half has fewer than min_users (as with times to the
        minute, or to the day).
    """
    last = len(measures.definition.steps)
    n = measures.counts.groupby("half")["n"].sum().reindex(["first", "second"], fill_value=0)
    x = _where(measures.counts, last).groupby("half")["n"].sum().reindex(n.index, fill_value=0)
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


def with_intervals(definitions: pd.DataFrame, *, level: float, min_users: int) -> pd.DataFrame:
    """Add `rate` and its Wilson interval to the rows of `measure.sensitivity`.

    A definition under which fewer than min_users can be judged has no numbers.
    """
    n, x = definitions["entered"].to_numpy(), definitions["converted"].to_numpy()
    table = definitions.assign(**_share("", x, n, level))
    hidden = ["entered", "converted", "rate", "ci_lower", "ci_upper"]
    table[hidden] = table[hidden].astype(float).mask(table["entered"] < min_users)
    return table


def _reached_by_segment(measures: Measures) -> dict[str, IntArray]:
    """Users who reached each step, for everyone first, then per segment large enough to show."""
    last = len(measures.definition.steps)
    reached = {}
    for segment, own in _by_segment(measures.counts, min_users=measures.min_users):
        exact = own.groupby("depth")["n"].sum().reindex(range(1, last + 1), fill_value=0)
        reached[segment] = _at_least(exact.to_numpy(dtype=np.int64))
    return reached


def _by_segment(table: pd.DataFrame, *, min_users: int) -> list[tuple[str, pd.DataFrame]]:
    found = [(str(name), own) for name, own in table.groupby("segment", sort=True)]
    if len(found) < 2:
        return [(EVERYONE, table)]
    return [(EVERYONE, table), *(one for one in found if one[1]["n"].sum() >= min_users)]


def _where(table: pd.DataFrame, depth: int) -> pd.DataFrame:
    return table[table["depth"] == depth]


def _at_least(exact: IntArray | FloatArray) -> Any:
    """Users at each depth to users at that depth or deeper, along the last axis."""
    return exact[..., ::-1].cumsum(axis=-1)[..., ::-1]


def _exactly(reached: IntArray) -> FloatArray:
    return np.asarray(reached - np.append(reached[1:], 0), dtype=np.float64)


def _step_rates(reached: FloatArray) -> FloatArray:
    return _ratio(reached[..., 1:], reached[..., :-1])


def _downstream(reached: FloatArray) -> FloatArray:
    """Chance to convert from each step (from the second) on: converted / reached that step."""
    onward = _ratio(reached[..., -1:], reached[..., 1:])
    onward[..., -1] = 1  # who reached the last step has converted
    return onward


def _extra(cells: FloatArray) -> FloatArray:
    own, others = (_at_least(part) for part in np.split(cells, 2, axis=-1))
    gap = _step_rates(others) - _step_rates(own)
    # Where none of its own reached the step, those who would now are taken to go on as the others
    # do.
    downstream = np.where(own[..., 1:] > 0, _downstream(own), _downstream(others))
    return np.asarray(own[..., :-1] * gap * downstream)


def _cells(pairs: pd.DataFrame, suffix: str, n_steps: int) -> dict[str, FloatArray]:
    """Per segment a matrix (cells x steps): 1 where a cell's users reached the step in that "
    "span.
    """
    depth = pairs[f"depth{suffix}"].fillna(0).to_numpy(dtype=np.int64)
    reached = (depth[:, None] >= np.arange(1, n_steps + 1)).astype(np.float64)
    names = pairs[f"segment{suffix}"].where(depth > 0)
    return {
        str(name): reached * (names == name).to_numpy()[:, None]
        for name in sorted(names.dropna().unique())
    }


def _ends(counts: FloatArray, cells: Sequence[FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Users who entered and who converted, per segment, along the last axis."""
    first, last = (np.stack([each[:, i] for each in cells], axis=-1) for i in (0, -1))
    return counts @ first, counts @ last


def _part(name: str, rows: pd.DataFrame) -> dict[str, FloatArray]:
    return {
        name: rows["value"].to_numpy(),
        f"{name}_lower": rows["ci_lower"].to_numpy(),
        f"{name}_upper": rows["ci_upper"].to_numpy(),
    }


def _share(prefix: str, count: IntArray, n: IntArray, level: float) -> dict[str, FloatArray]:
    lower, upper = wilson(count, n, level=level)
    return {
        f"{prefix}rate": _ratio(count, n),
        f"{prefix}ci_lower": lower,
        f"{prefix}ci_upper": upper,
    }


def _verdicts(difference: FloatArray, p_holm: FloatArray, level: float) -> IntArray:
    clear = p_holm <= 1 - level
    return np.select(
        [clear & (difference > 0), clear & (difference < 0)], ["higher", "lower"], "unclear"
    )


def _ratio(part: Any, whole: Any) -> FloatArray:
    part, whole = np.broadcast_arrays(np.asarray(part, dtype=float), np.asarray(whole, dtype=float))
    ratio: FloatArray = np.full(part.shape, np.nan)
    np.divide(part, whole, out=ratio, where=whole > 0)
    return ratio
