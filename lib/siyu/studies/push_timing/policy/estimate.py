"""Value policies against what is sent now, and the hours of each segment against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray
from siyu.stats.multiplicity import holm
from siyu.stats.off_policy import (
    Design,
    Logged,
    as_drawn,
    effective,
    lacks_support,
    less,
    lift,
    pvalue,
    value,
)
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.policy import choose
from siyu.studies.push_timing.policy.measures import Measures
from siyu.studies.push_timing.policy.segments import find_curves, find_segments, interval

RULES = ("best_hour", "good_hours", "own_hour", "habit")
"""Policies that tell users apart, beside one hour for everybody."""


@dataclass(frozen=True, kw_only=True)
class Values:
    """What policies are worth.

    refused: "" or why nothing is read ("none", "no_lots", "one_hour", "design").
    design: whether the logged chances are right. base: the value of all as they were sent, with
        `base_lower` and `base_upper`; NaN where refused.
    table: one row per `policy` ("hour", one of RULES, or "by_hand": as often at each hour as the
        team plans without lots) and `hour` (of the former):
        `answer_rate` by SNIPS with its interval, `ips` and `dr` with theirs; `base`, the value
        of the same pushes as they were sent; `difference` to it and `lift` with intervals,
        `p_holm` over the rules, or over the hours, and `verdict` ("higher", "lower"; "alone":
        its interval is clear of 0, but not after Holm; "unclear"; "" where refused); `n_pushes`
        to `n_users` it speaks of, `pushes` and `users` (effective); `above` (share of its
        pushes with a weight above the bound) and `clipped`, the value with weights cut to it,
        with its interval; `refused`: why there is none ("support", "few", "thin",
        "few_answers", "no_events", "no_hand").
    curves: as from `find_curves`. segments: as from `find_segments`.
    """

    refused: str
    design: Design
    base: float
    base_lower: float
    base_upper: float
    table: pd.DataFrame
    curves: pd.DataFrame
    segments: pd.DataFrame


def estimate(measures: Measures, *, level: float, lift_wanted: float = 0.2) -> Values:
    """Value all policies, and the hours of each segment.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1, and of each segment's set of hours;
            verdicts are by Holm, over the rules, over the single hours, and over the segments.
        lift_wanted: by how much more, relatively, an hour must bring to matter; above 0.

    Raises:
        PushError: lift_wanted is not above 0.
        ValueError: the level is out of range.

    The headline is SNIPS: it needs no model and cannot leave the range of outcomes. What the doubly
    robust value adds here: it corrects by what segments answer at an hour, learnt on other users,
    so it differs where the draw gave an hour to other segments than the plan had; with chances that
    are logged, all three estimate the same, and where they part, the sample is too small.
    """
    if not lift_wanted > 0:
        raise PushError(f"lift_wanted = {lift_wanted} must be above 0; use 0.2")
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
    curves = find_curves(measures, level=level)
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
        segments=find_segments(measures, rules, curves, level=level, lift_wanted=lift_wanted),
    )


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
    yield "by_hand", np.nan, measures.logged, choose.by_hand(measures)


def _value_policies(
    measures: Measures, rules: Mapping[str, FloatArray], *, level: float
) -> pd.DataFrame:
    model = choose.model_rates(measures)
    rows = []
    for name, hour, logged, policy in _policies(measures, rules):
        row = {"policy": name, "hour": hour}
        why = measures.no_habits if name == "habit" else ""
        if name == "by_hand" and not policy.any():
            why = "no_hand"
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
        "n_pushes": int(own.n.sum()),
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
    row |= interval("answer_rate", found, level)
    row |= interval("ips", value(own, rule, method="ips"), level)
    row |= interval("dr", value(own, rule, method="dr", model=model[inside]), level)
    row |= interval("base", base, level)
    row |= interval("difference", difference, level) | interval("lift", lift(found, base), level)
    row |= {"p": pvalue(difference)}
    row |= {"above": float(own.above[matched].sum() / own.n[matched].sum())}
    return row | interval("clipped", value(own, rule, method="clipped"), level)


def _with_verdicts(table: pd.DataFrame, *, level: float) -> pd.DataFrame:
    columns = [f"{name}{end}" for name in _NUMBERS for end in ("", "_lower", "_upper")]
    table = table.reindex(columns=[*dict.fromkeys([*table.columns, *columns, "p", "above"])])
    # Hours that nobody chose for their answers are a question of their own.
    families = table["policy"].mask(table["policy"].isin(RULES), "rules")
    table["p_holm"] = table.pop("p").groupby(families).transform(holm)
    clear = table["p_holm"] <= 1 - level
    alone = (table["difference_lower"] > 0) | (table["difference_upper"] < 0)
    table["verdict"] = np.select(
        [table["refused"] != "", clear & (table["difference"] > 0), clear, alone],
        ["", "higher", "lower", "alone"],
        "unclear",
    )
    return table


_NUMBERS = ("answer_rate", "ips", "dr", "base", "difference", "lift", "clipped")
