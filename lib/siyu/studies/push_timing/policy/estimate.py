"""Value policies against what is sent now, and the hours of each segment against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.best import joint_quantile
from siyu.stats.checks import FloatArray
from siyu.stats.multiplicity import holm
from siyu.stats.off_policy import (
    Design,
    Logged,
    Value,
    as_drawn,
    design_effect,
    effective,
    lacks_support,
    less,
    lift,
    pvalue,
    value,
)
from siyu.studies.naming import EVERYONE
from siyu.studies.push_timing.policy import choose
from siyu.studies.push_timing.policy.measures import Ints, Measures

RULES = ("best_hour", "good_hours", "own_hour", "habit")
"""Policies that tell users apart, beside one hour for everybody."""


@dataclass(frozen=True, kw_only=True)
class Values:
    """What policies are worth.

    refused: "" or why nothing is read ("none", "no_lots", "one_hour", "design").
    design: whether the logged chances are right. base: the value of all as they were sent, with
        `base_lower` and `base_upper`; NaN where refused.
    table: one row per `policy` ("hour" or one of RULES) and `hour` (of the former): `value` by
        SNIPS with its interval, `ips` and `dr` with theirs; `base`, the value of the same pushes as
        they were sent; `difference` to it and `lift` with intervals, `p_holm` over all policies and
        `verdict` ("higher", "lower", "unclear", "" where refused); `n` pushes of `n_users` it
        speaks of, `pushes` and `users` (effective); `above` (share of its pushes with a weight
        above the bound) and `clipped`, the value with weights cut to it, with its interval;
        `refused`: why there is none ("support", "few", "thin", "few_answers", "no_events").
    curves: one row per `segment` ("all" first, if there are several) and `hour`: `value` with an
        interval (all of a segment's hold at once), `n`, `pushes`, `users`, `not_worse` (than the
        best hour of that segment), `refused`.
    segments: one row per `segment`: `n` pushes of `n_users`, `base` as they were sent; of its best
        hour and of its good hours, chosen on other users, `best_…` and `good_…` `value`,
        `difference` and `lift`, all with intervals, against the `…_base` of the same `…_users`
        (those on whom hours were not chosen first); `p_holm` over segments of `best_difference`;
        `verdict` ("clear": the best hour brings more than now; "none": no hour is clearly worse
        than the best; "unclear"; "thin": fewer than two hours have a value); `deff`, the design
        effect of an hour; `refused`.
    """

    refused: str
    design: Design
    base: float
    base_lower: float
    base_upper: float
    table: pd.DataFrame
    curves: pd.DataFrame
    segments: pd.DataFrame


def estimate(measures: Measures, *, level: float) -> Values:
    """Value all policies, and the hours of each segment.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1, and of each segment's set of hours;
            verdicts are by Holm, over all policies, and over the segments.

    Raises:
        ValueError: the level is out of range.

    The headline is SNIPS: it needs no model and cannot leave the range of outcomes. What the doubly
    robust value adds here: it corrects by what segments answer at an hour, learnt on other users,
    so it differs where the draw gave an hour to other segments than the plan had; with chances that
    are logged, all three estimate the same, and where they part, the sample is too small.
    """
    refused, design = _judge_lots(measures)
    if refused:
        nan, empty = np.nan, pd.DataFrame()
        return Values(
            refused=refused,
            design=design,
            base=nan,
            base_lower=nan,
            base_upper=nan,
            table=empty,
            curves=empty,
            segments=empty,
        )
    rules = choose.choose_hours(measures, level=level)
    curves = _curves(measures, level=level)
    base = as_drawn(measures.logged)
    lower, upper = base.interval(level)
    return Values(
        refused="",
        design=design,
        base=base.value,
        base_lower=lower,
        base_upper=upper,
        table=_value_policies(measures, rules, level=level),
        curves=curves,
        segments=_segments(measures, rules, curves, level=level),
    )


def segment_names(measures: Measures) -> list[str]:
    """Name the segments that are shown: everybody first, where there are several."""
    several = len(measures.segments) > 1
    return [EVERYONE, *measures.segments] if several else list(measures.segments)


def users_of(measures: Measures, segment: str) -> choose.Bools:
    """Tell who is in a segment; "all" is everybody."""
    if segment not in measures.segments:
        return np.ones(len(measures.segment), dtype=bool)
    return np.asarray(measures.segment == measures.segments.index(segment))


def _judge_lots(measures: Measures) -> tuple[str, Design]:
    nothing = Design(ratios=(none := np.full(len(measures.hours), np.nan)), p_holm=none)
    if not measures.n:
        return "none", nothing
    if len(measures.hours) == 1:
        return "one_hour", nothing
    if np.isclose(measures.logged.weight.sum(), measures.n):  # every chance was 1
        return "no_lots", nothing
    design = measures.design
    return ("design" if design.is_wrong else "untested" if design.is_untested else ""), design


def _policies(
    measures: Measures, rules: Mapping[str, FloatArray]
) -> Iterator[tuple[str, float, Logged, FloatArray]]:
    """Give each policy when it is asked for: all of them at once would be gigabytes."""
    n_users, n_hours = measures.logged.n.shape
    for arm, hour in enumerate(measures.hours):
        yield "hour", hour, measures.logged, choose.at_hour(n_users, n_hours, arm)
    yield "best_hour", np.nan, measures.logged, rules["best"]
    yield "good_hours", np.nan, measures.logged, rules["good"]
    yield "own_hour", np.nan, measures.later, choose.at_own_hours(measures)
    yield "habit", np.nan, measures.later, choose.at_habits(measures)


def _value_policies(
    measures: Measures, rules: Mapping[str, FloatArray], *, level: float
) -> pd.DataFrame:
    model = choose.model_rates(measures)
    rows = []
    for name, hour, logged, policy in _policies(measures, rules):
        row = {"policy": name, "hour": hour}
        why = measures.no_habits if name == "habit" else ""
        rows.append(row | _value_policy(measures, logged, policy, model, level=level, why=why))
    table = pd.DataFrame(rows)
    return _with_verdicts(table, level=level)


def _value_policy(
    measures: Measures,
    logged: Logged,
    policy: FloatArray,
    model: FloatArray,
    *,
    level: float,
    why: str,
) -> dict[str, Any]:
    # Users of whom the policy says nothing, or who got no push, are in neither value.
    inside = (policy.sum(axis=1) > 0) & (logged.total > 0)
    own, rule, groups = logged.of(inside), policy[inside], measures.segment[inside]
    why = why or choose.find_refusal(own, rule, **choose.limits_of(measures))
    if not why and lacks_support(own, rule, groups):
        why = "support"
    pushes, users = effective(own, rule)
    row: dict[str, Any] = {
        "n": int(own.n.sum()),
        "n_users": int(inside.sum()),
        "pushes": pushes,
        "users": users,
        "refused": why,
    }
    if why:
        return row
    base, found = as_drawn(own), value(own, rule, method="snips")
    difference = less(found, base)
    matched = rule > 0
    row |= _interval("value", found, level)
    row |= _interval("ips", value(own, rule, method="ips"), level)
    row |= _interval("dr", value(own, rule, method="dr", model=model[inside]), level)
    row |= _interval("base", base, level)
    row |= _interval("difference", difference, level) | _interval("lift", lift(found, base), level)
    row |= {"p": pvalue(difference)}
    row |= {"above": float(own.above[matched].sum() / own.n[matched].sum())}
    return row | _interval("clipped", value(own, rule, method="clipped"), level)


def _interval(name: str, found: Value, level: float) -> dict[str, float]:
    lower, upper = found.interval(level)
    return {name: found.value, f"{name}_lower": lower, f"{name}_upper": upper}


def _with_verdicts(table: pd.DataFrame, *, level: float) -> pd.DataFrame:
    columns = [f"{name}{end}" for name in _NUMBERS for end in ("", "_lower", "_upper")]
    table = table.reindex(columns=[*dict.fromkeys([*table.columns, *columns, "p", "above"])])
    table["p_holm"] = holm(table.pop("p"))
    clear = table["p_holm"] <= 1 - level
    table["verdict"] = np.select(
        [table["refused"] != "", clear & (table["difference"] > 0), clear],
        ["", "higher", "lower"],
        "unclear",
    )
    return table


_NUMBERS = ("value", "ips", "dr", "base", "difference", "lift", "clipped")


_SEGMENT_COLUMNS = (
    *("segment", "n", "n_users", "refused", "deff", "base", "base_lower", "base_upper"),
    *(
        f"{which}_{name}{end}"
        for which in ("best", "good")
        for name in ("value", "difference", "lift")
        for end in ("", "_lower", "_upper")
    ),
    *("best_base", "best_users", "good_base", "good_users", "best_p"),
)


def _curves(measures: Measures, *, level: float) -> pd.DataFrame:
    names = segment_names(measures)
    return pd.concat([_curve(measures, name, level=level) for name in names], ignore_index=True)


def _curve(measures: Measures, segment: str, *, level: float) -> pd.DataFrame:
    own = users_of(measures, segment)
    found = choose.find_curve(measures.logged.of(own), **choose.limits_of(measures))
    table = pd.DataFrame(
        {
            "segment": segment,
            "hour": measures.hours,
            "value": [one.value for one in found.values],
            "n": found.n.astype(int),
            "pushes": found.pushes,
            "users": found.users,
            "refused": found.refused,
        }
    )
    shown = found.usable
    half = np.full(len(table), np.nan)
    table["not_worse"] = False
    if len(shown):
        joint = found.covariance()
        quantile = joint_quantile(joint, level=level, rng=np.random.default_rng(choose.SEED))
        half[shown] = quantile * np.sqrt(np.diag(joint))
        kept = choose.find_not_worse(found, level=level)
        table.loc[kept, "not_worse"] = True
    table.loc[table["refused"] != "", "value"] = np.nan
    table["ci_lower"], table["ci_upper"] = table["value"] - half, table["value"] + half
    return table


def _segments(
    measures: Measures, rules: Mapping[str, FloatArray], curves: pd.DataFrame, *, level: float
) -> pd.DataFrame:
    rows = []
    for name in measures.segments:
        inside = users_of(measures, name)
        own = measures.logged.of(inside)
        curve = choose.find_curve(own, **choose.limits_of(measures))
        row: dict[str, Any] = {
            "segment": name,
            "n": int(own.n.sum()),
            "n_users": int((own.total > 0).sum()),
            "refused": "thin" if len(curve.usable) < 2 else "",
        }
        if not row["refused"]:
            base = as_drawn(own)
            row |= _interval("base", base, level) | {"deff": _deff(own, curve.usable)}
            for which, rule in rules.items():
                # Whoever only taught is valued by no rule, nor counted as sent.
                valued = inside & (rule.sum(axis=1) > 0)
                valued_pushes = measures.logged.of(valued)
                found = value(valued_pushes, rule[valued], method="snips")
                now = as_drawn(valued_pushes)
                difference = less(found, now)
                row |= {f"{which}_base": now.value, f"{which}_users": int(valued.sum())}
                row |= _interval(f"{which}_value", found, level)
                row |= _interval(f"{which}_difference", difference, level)
                row |= _interval(f"{which}_lift", lift(found, now), level)
                row |= {f"{which}_p": pvalue(difference)}
        rows.append(row)
    table = pd.DataFrame(rows).reindex(columns=_SEGMENT_COLUMNS)
    table["p_holm"] = holm(table.pop("best_p"))
    clear = (table["p_holm"] <= 1 - level) & (table["best_difference"] > 0)
    flat = [is_flat(curves, name) for name in table["segment"]]
    table["verdict"] = np.select(
        [table["refused"] != "", clear, flat], ["thin", "clear", "none"], "unclear"
    )
    return table


def is_flat(curves: pd.DataFrame, segment: str) -> bool:
    """Tell whether no hour of a segment is clearly worse than its best."""
    own = curves[(curves["segment"] == segment) & (curves["refused"] == "")]
    return bool(own["not_worse"].all())


def _deff(logged: Logged, hours: Ints) -> float:
    n_users, n_hours = logged.n.shape
    each = [design_effect(logged, choose.at_hour(n_users, n_hours, hour)) for hour in hours]
    return float(np.nanmedian(each))
