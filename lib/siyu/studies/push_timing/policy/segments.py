"""Value the hours of each segment, the set of those not worse than the best, and judge them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.best import joint_quantile
from siyu.stats.checks import FloatArray
from siyu.stats.multiplicity import holm
from siyu.stats.off_policy import (
    Logged,
    Value,
    as_drawn,
    covariance,
    design_effect,
    less,
    lift,
    mix,
    pvalue,
    value,
)
from siyu.studies.naming import EVERYONE
from siyu.studies.push_timing.policy import choose
from siyu.studies.push_timing.policy.measures import Ints, Measures

_LEADING = 1 / 3
"""Share of hours that must be clearly worse before the others are said to lead."""
_ENDS = ("", "_lower", "_upper")
_COLUMNS = (
    *("segment", "n_pushes", "n_users", "refused", "deff", "base", "base_lower", "base_upper"),
    *("set_value", "set_difference", "set_difference_lower", "set_difference_upper"),
    *("set_lift", "set_lift_lower", "set_lift_upper", "most_lift"),
    *("hand_lift", "hand_lift_lower", "hand_lift_upper"),
    *("all_difference", "all_difference_lower", "all_difference_upper"),
    *("best_difference", "best_difference_lower", "best_difference_upper", "best_users", "best_p"),
)


def find_curves(measures: Measures, *, level: float) -> pd.DataFrame:
    """Value each hour in each segment, and find those that are not worse than the best.

    Returns:
        One row per `segment` ("all" first, if there are several) and `hour`: `answer_rate` with an
        interval (all of a segment's hold at once), `n_pushes`, `pushes` and `users` (effective),
        `not_worse` (than the best hour of that segment), `refused`.
    """
    several = len(measures.segments) > 1
    names = [EVERYONE, *measures.segments] if several else measures.segments
    return pd.concat([_curve(measures, name, level=level) for name in names], ignore_index=True)


def find_segments(
    measures: Measures,
    rules: Mapping[str, FloatArray],
    curves: pd.DataFrame,
    *,
    level: float,
    lift_wanted: float,
) -> pd.DataFrame:
    """Judge each segment: is there a set of hours that brings more than those as drawn?

    Args:
        measures: the reduced tables.
        rules: from `choose_hours`.
        curves: from `find_curves`.
        level: coverage of each segment's intervals.
        lift_wanted: lift that an hour must have to matter.

    Returns:
        One row per `segment`: `n_pushes` to `n_users`, `base` as they were sent; of sending evenly
        over the hours not worse than the best `set_value`, and `set_difference` and `set_lift`
        against `base`, as from `value_set`; `most_lift` that any hour may have; `hand_lift` of the
        same against the hours planned without lots (NaN where unknown), and `all_difference`
        against both as often as either is planned now; `best_difference`
        of the best hour chosen on other users, among the `best_users` on whom none was chosen
        first, `p_holm` of it over segments; `deff`, the design effect of what an hour brings more;
        `refused`;
        `verdict`: "clear": the best hour chosen on other users brings more, and so does the set;
        "thin": fewer than two hours have a value; of the others "leads": a third of the hours or
        more are clearly worse than the best; "alike": none is, nor does any bring `lift_wanted`
        more than now; "none": none is, but one may bring that; else "unclear".
    """
    policies = {"rule": rules["best"], "by_hand": choose.by_hand(measures)}
    table = pd.DataFrame(
        [
            _segment(measures, name, curves=curves, level=level, **policies)
            for name in measures.segments
        ]
    ).reindex(columns=_COLUMNS)
    table["p_holm"] = holm(table.pop("best_p"))
    proved = (table["p_holm"] <= 1 - level) & (table["best_difference"] > 0)
    worse = np.array([_worse_share(curves, name) for name in table["segment"]])
    flat = worse == 0
    table["verdict"] = np.select(
        [
            table["refused"] != "",
            proved & (table["set_difference_lower"] > 0),
            worse >= _LEADING,
            flat & (table["most_lift"] < lift_wanted),
            flat,
        ],
        ["thin", "clear", "leads", "alike", "none"],
        "unclear",
    )
    return table


def value_set(curve: choose.Curve, base: Value, kept: Ints, *, level: float) -> dict[str, float]:
    """Value sending evenly over a set of hours that was chosen on these very pushes.

    The intervals of all hours that have a value hold at once; where they do, the mean of the bounds
    over some hours holds the mean of those hours, whichever the data chose. So the interval covers
    at least as often as stated, and is wider than one for hours that were settled beforehand.

    Args:
        curve: the hours of a segment.
        base: the same pushes as they were sent.
        kept: the hours of the set, as in `curve.usable`.
        level: coverage.

    Returns:
        `set_value`; `set_difference` to the base and `set_lift` with bounds; `most_lift`, that no
        hour exceeds with that confidence.

    Source: simultaneous inference after any selection, Berk et al. (2013), Ann. Stat. 41, 802-837,
    here by the maximum modulus of the differences, paired and clustered by user.
    """
    chosen = np.isin(curve.usable, kept)
    row = {"set_value": float(curve.estimates()[chosen].mean())}
    for name, compare in (("difference", less), ("lift", lift)):
        each = [compare(curve.values[hour], base) for hour in curve.usable]
        found, half = np.array([one.value for one in each]), _half(covariance(each), level=level)
        row[f"set_{name}"] = float(found[chosen].mean())
        row[f"set_{name}_lower"] = float((found - half)[chosen].mean())
        row[f"set_{name}_upper"] = float((found + half)[chosen].mean())
    return row | {"most_lift": float((found + half).max())}


def interval(name: str, found: Value, level: float) -> dict[str, float]:
    """Name a value and the ends of its interval as columns of a table."""
    lower, upper = found.interval(level)
    return {name: found.value, f"{name}_lower": lower, f"{name}_upper": upper}


def _curve(measures: Measures, segment: str, *, level: float) -> pd.DataFrame:
    own = measures.logged.of(_users_of(measures, segment))
    found = choose.find_curve(own, **choose.limits_of(measures))
    table = pd.DataFrame(
        {
            "segment": segment,
            "hour": measures.hours,
            "answer_rate": [one.value for one in found.values],
            "n_pushes": found.n.astype(int),
            "pushes": found.pushes,
            "users": found.users,
            "refused": found.refused,
        }
    )
    half = np.full(len(table), np.nan)
    table["not_worse"] = False
    if len(found.usable):
        half[found.usable] = _half(found.covariance(), level=level)
        table.loc[choose.find_not_worse(found, level=level), "not_worse"] = True
    table.loc[table["refused"] != "", "answer_rate"] = np.nan
    # On the log scale, as all intervals of values are.
    factor = np.exp(half / table["answer_rate"])
    table["ci_lower"], table["ci_upper"] = (
        table["answer_rate"] / factor,
        table["answer_rate"] * factor,
    )
    # What few users got stands in no column.
    table.loc[table["refused"] == "few", ["n_pushes", "pushes", "users"]] = 0
    return table


def _segment(
    measures: Measures,
    name: str,
    *,
    rule: FloatArray,
    by_hand: FloatArray,
    curves: pd.DataFrame,
    level: float,
) -> dict[str, Any]:
    inside = _users_of(measures, name)
    own = measures.logged.of(inside)
    curve = choose.find_curve(own, **choose.limits_of(measures))
    row: dict[str, Any] = {
        "segment": name,
        "n_pushes": int(own.n.sum()),
        "n_users": int((own.total > 0).sum()),
        "refused": "thin" if len(curve.usable) < 2 else "",
    }
    if row["n_users"] < measures.min_users:
        return row | {"n_pushes": 0, "n_users": 0}
    if row["refused"]:
        return row
    base, kept = as_drawn(own), curves.loc[curves["segment"] == name, "not_worse"]
    row |= interval("base", base, level) | {"deff": _deff(own, curve.usable)}
    row |= value_set(curve, base, np.flatnonzero(kept), level=level)
    now, shares = base, by_hand[inside][0]
    if shares.any() and not shares[[bool(why) for why in curve.refused]].any():
        # As the set is: each hour by its own weights.
        planned = mix([curve.values[hour] for hour in curve.usable], shares[curve.usable])
        against = value_set(curve, planned, np.flatnonzero(kept), level=level)
        row |= {f"hand_lift{end}": against[f"set_lift{end}"] for end in _ENDS}
        share = _share_by_hand(measures, name)
        now = mix([base, planned], np.array([1 - share, share]))
    against = value_set(curve, now, np.flatnonzero(kept), level=level)
    row |= {f"all_difference{end}": against[f"set_difference{end}"] for end in _ENDS}
    # Whoever only taught is valued by no rule, nor counted as sent.
    valued = inside & (rule.sum(axis=1) > 0)
    pushes = measures.logged.of(valued)
    difference = less(value(pushes, rule[valued], method="snips"), as_drawn(pushes))
    row |= {"best_users": int(valued.sum()), "best_p": pvalue(difference)}
    return row | interval("best_difference", difference, level)


def _share_by_hand(measures: Measures, segment: str) -> float:
    """Give the share of the pushes of the last weeks whose hour was planned without lots."""
    own = measures.planned[measures.planned["segment"] == segment]
    return float(own["n_recent_by_hand"].sum() / max(own["n_recent"].sum(), 1))


def _worse_share(curves: pd.DataFrame, segment: str) -> float:
    """Give the share of a segment's hours that are clearly worse than its best; 0 without any."""
    own = curves[(curves["segment"] == segment) & (curves["refused"] == "")]
    return float((~own["not_worse"]).mean()) if len(own) else 0.0


def _users_of(measures: Measures, segment: str) -> choose.Bools:
    """Tell who is in a segment; "all" is everybody."""
    if segment not in measures.segments:
        return np.ones(len(measures.segment), dtype=bool)
    return np.asarray(measures.segment == measures.segments.index(segment))


def _half(joint: FloatArray, *, level: float) -> FloatArray:
    """Give half the widths of intervals that hold at once."""
    quantile = joint_quantile(joint, level=level, rng=np.random.default_rng(choose.SEED))
    return np.asarray(quantile * np.sqrt(np.diag(joint)))


def _deff(logged: Logged, hours: Ints) -> float:
    each = [design_effect(logged, hour) for hour in hours]
    return float(np.nanmedian(each))
