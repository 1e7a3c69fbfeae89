"""Say which reward makes trees grow and pays, or which experiment to run next."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.referral.sides.estimate import FEWEST, OUTCOMES, Sides
from siyu.studies.referral.sides.measure import Measures
from siyu.studies.tables import each_row


def say_sides_headline(measures: Measures, found: Sides, *, level: float) -> str:
    """Say what to do with the reward that differs most, or why nobody knows."""
    if found.refused:
        return refusal(measures, found)
    net = found.table[found.table["measure"] == "net_cny"]
    clear = net[net["verdict"] != "keep_testing"]
    rows = list(each_row((clear if len(clear) else net).sort_values("difference", kind="stable")))
    return say_verdict(measures, rows[-1], level=level)


def say_sides(measures: Measures, found: Sides, *, level: float) -> str:
    """Say what each reward does to the trees of seeds, or which experiment to run next."""
    if found.refused:
        return say_next(measures, found)
    said = []
    for _, own in found.table.groupby("arm", sort=False):
        rows = {row.measure: row for row in each_row(own)}
        told = [
            say_effect(measures, rows[name], level=level)
            for name in OUTCOMES
            if np.isfinite(rows[name].ci_lower)  # else nothing differed between seeds
        ]
        row = rows["net_cny"]
        said.append(paragraph(say_verdict(measures, row, level=level), *told))
        if row.verdict == "keep_testing":
            said.append(_lacking(found, rows["descendants"]))
    counted = phrase(
        "referral.sides.counted",
        n=found.n,
        tree_days=measures.tree_days,
        kept_days=measures.kept_days,
        p=found.p_ratio,
    )
    about = [counted]
    if measures.immature:
        about.append(phrase("referral.sides.immature", n=measures.immature, level=level))
    if measures.contaminated:
        about.append(phrase("referral.sides.contaminated", n=measures.contaminated))
    return paragraphs(*said, paragraph(*about))


def say_verdict(measures: Measures, row: Any, *, level: float) -> str:
    """Say whether a reward is to be rolled out, stopped, or tested on."""
    ends = (row.difference, row.ci_lower, row.ci_upper)
    if row.verdict == "stop":
        ends = (-row.difference, -row.ci_upper, -row.ci_lower)
    return phrase(
        f"referral.sides.verdict.{row.verdict}",
        arm=row.arm,
        control=measures.arms[0],
        net=ends[0],
        lower=ends[1],
        upper=ends[2],
        level=level,
    )


def say_effect(measures: Measures, row: Any, *, level: float) -> str:
    """Say what came of a seed in one respect, beside the control."""
    return phrase(
        f"referral.sides.effect.{row.measure}",
        arm=row.arm,
        mean=row.mean,
        control=row.mean_control,
        difference=row.difference,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
        n=row.n,
        n_control=row.n_control,
    )


def say_next(measures: Measures, found: Sides) -> str:
    """Say which experiment to run next: whom to draw, and how many."""
    rule = phrase("referral.sides.rule")
    known = found.plan[found.plan["needed"].notna()]
    if not len(known):
        return paragraph(phrase("referral.sides.next.unknown", days=measures.tree_days), rule)
    said = []
    for among in ("members", "inviters"):
        own = known[known["among"] == among]
        if not len(own):
            continue
        row = next(each_row(own.sort_values("needed", kind="stable")))
        kind = "inviters"
        if among == "members":
            kind = "feasible" if row.needed <= row.seeds else "hard"
        told = phrase(
            f"referral.sides.next.{kind}",
            needed=row.needed,
            campaign=row.campaign,
            seeds=row.seeds,
            mean=row.mean,
            spread=row.sd,
            lift=found.smallest_lift,
            power=row.power,
        )
        said.append(told)
        if kind == "feasible":
            break
    return paragraph(*said, rule)


def refusal(measures: Measures, found: Sides) -> str:
    """Say why the experiment is not read."""
    return phrase(
        f"referral.sides.refused.{found.refused}",
        experiment=measures.experiment,
        days=measures.tree_days + measures.kept_days,
        fewest=max(FEWEST, measures.min_users),
        arms=measures.drawn_arms,
    )


def _lacking(found: Sides, row: Any) -> str:
    if np.isnan(row.more):  # nobody came of the control
        return ""
    kind = "some" if row.more > 0 else "enough"
    return phrase(
        f"referral.sides.more.{kind}", more=row.more, arm=row.arm, lift=found.smallest_lift
    )
