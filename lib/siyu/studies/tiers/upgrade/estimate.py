"""Estimate what a tier brought, and let what cannot be an effect judge the estimate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from siyu.stats.checks import FloatArray
from siyu.stats.design import indicators
from siyu.stats.expected_paths import Gaps, compare_with_expected
from siyu.stats.multiplicity import holm
from siyu.studies.tiers.definition import TierError
from siyu.studies.tiers.upgrade.judge import judge, plan_lot, sure_of
from siyu.studies.tiers.upgrade.measure import Measures
from siyu.studies.tiers.upgrade.occasions import column

FEWEST = 30
"""Occasions on either side, at the least, those of the controls beyond the coefficients: the means
of fewer are not near normal."""
MEASURES = ("orders", "amount", "margin")
_SEED = 20261127
_EFFECT = ["target", "measure", "actual", "expected", "effect", "ci_lower", "ci_upper", "error"]
_TESTED = ["degrees", "p", "n_exposed", "n_controls"]


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What reaching a tier brought per member, beside what only looks like it.

    effects: one row per `kind` ("up": reached, "down": lost), `target` (number of the tier) and
        `measure` ("orders", "amount", "margin"), of the first block after the review: `actual`,
        `expected` (means), `effect`, `ci_lower`, `ci_upper`, `error`, `degrees` (of freedom), `p`,
        `p_holm` (over the tiers), `n_exposed`, `n_controls`. Only where there were enough of both.
    paths: one row per `target` and `block` around an upgrade: mean orders `actual`, and after it
        `expected` and `effect` with an interval that holds for all blocks of the tier at once,
        and `n` members.
    naive: one row per `target`: mean orders in the block `before` and `after`, and the `change` of
        the one to the other, a share, with its interval, of the same members.
    checks: one row per `target`, `check` and `measure`: the same estimate where there can be no
        effect. "past": orders in the block before the window. "below": half as far below the
        threshold as the band reaches, a threshold is pretended. "date": halfway between two
        reviews, whoever would be up, were there one. `p_holm` over those of the tier.
    verdicts: per tier but the lowest: "pays", "costs", "unclear"; "few"; "bunched" (members aim at
        the threshold); "doubted" (a check finds an effect).
    per_month: members per 30 days who reach the tier within the band.
    needed: members of both arms of a lot, and the margin, in yuan per member, that they would tell
        from none: what the interval makes sure of where the effect is clear, else `smallest_cny`.
    right_cost_cny: of each tier, per member and block.
    """

    effects: pd.DataFrame
    paths: pd.DataFrame
    naive: pd.DataFrame
    checks: pd.DataFrame
    verdicts: Mapping[int, str]
    per_month: Mapping[int, float]
    needed: Mapping[int, tuple[float, float]]
    right_cost_cny: Mapping[int, float]


def estimate(
    measures: Measures,
    *,
    level: float,
    right_cost_cny: Mapping[str, float] | None = None,
    smallest_cny: float = 10.0,
) -> Effects:
    """Estimate the mean effect on those who came to a tier, or lost it, near its threshold.

    The estimand: what they did in the blocks after the review, less what they would have done had
    they not changed, given what they did before. In later blocks that is the effect of having
    changed then, whatever tiers came after: others reach the tier later, and some lose it again.
    Those near the threshold weigh most (see `compare_with_expected`).

    Args:
        measures: from `measure`.
        level: coverage of each interval, between 0 and 1.
        right_cost_cny: what the right of a tier costs per member and block, in yuan, by its name.
        smallest_cny: the margin per member and block worth being told from none, above 0.

    Raises:
        TierError: a cost below 0 or of no tier, or `smallest_cny` not above 0.

    Assumes that without the tier, orders would hang on the past (orders by block, spend, time since
    the last order and since joining, tier before, month) in the same way on both sides of the
    threshold. Since the spend decides the tier, nobody has the same past on the other side: in the
    spend this is a line across the threshold, which the `checks` try where nothing happens.
    """
    costs = _check_costs(measures, right_cost_cny or {}, smallest_cny)
    effects, paths, checks = _estimate_all(measures, level)
    naive = pd.DataFrame(
        [row for target in _targets(measures) for row in _compare_before(measures, target, level)],
        columns=["target", "before", "after", "change", "ci_lower", "ci_upper", "reach", "n"],
    )
    verdicts = judge(measures, effects, checks, costs, alpha=1 - level)
    reached = _of(measures, "up", exposed=True)
    return Effects(
        effects=effects,
        paths=paths,
        naive=naive,
        checks=checks,
        verdicts=verdicts,
        per_month={
            target: float((reached["target"] == target).sum() / max(measures.months, 1.0))
            for target in _targets(measures)
        },
        needed={
            target: plan_lot(
                reached[reached["target"] == target],
                sure_of(effects, target) if verdicts[target] == "pays" else 0.0,
                smallest_cny,
                level,
            )
            for target in _targets(measures)
        },
        right_cost_cny=costs,
    )


def _check_costs(
    measures: Measures, asked: Mapping[str, float], smallest_cny: float
) -> dict[int, float]:
    for tier, cost in asked.items():
        if measures.tiers and tier not in measures.tiers:
            raise TierError(
                f"right_cost_cny: there is no tier {tier!r}; there are {', '.join(measures.tiers)}"
            )
        if not cost >= 0:
            raise TierError(f"right_cost_cny of {tier!r} = {cost} must be at least 0")
    if not smallest_cny > 0:
        raise TierError(f"smallest_cny = {smallest_cny} must be above 0")
    return {target: asked.get(measures.tiers[target], 0.0) for target in _targets(measures)}


def _targets(measures: Measures) -> range:
    return range(0) if measures.refused else range(1, len(measures.tiers))


def _of(measures: Measures, kind: str, *, exposed: bool | None = None) -> pd.DataFrame:
    rows = measures.rows[measures.rows["kind"] == kind]
    return rows if exposed is None else rows[rows["exposed"] == exposed]


def _estimate_all(
    measures: Measures, level: float
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    effects: list[dict[str, Any]] = []
    paths: list[dict[str, Any]] = []
    checks: list[dict[str, Any]] = []
    for target in _targets(measures):
        for kind in ("up", "down"):
            rows = _of(measures, kind)
            rows = rows[rows["target"] == target]
            names = [column(measure, 1) for measure in MEASURES]
            gaps = compare(measures, rows, names, exposed=rows["exposed"])
            effects += _rows(gaps, level, kind=kind, target=target, measures=MEASURES)
            if kind == "up":
                paths += _path(measures, rows, target, level)
        checks += _check_all(measures, target, level)
    return (
        _with_holm(effects, ["kind", "measure"], ["kind", *_EFFECT, *_TESTED]),
        pd.DataFrame(paths, columns=_PATH),
        _with_holm(checks, ["target"], ["check", *_EFFECT, *_TESTED]),
    )


def compare(
    measures: Measures, rows: pd.DataFrame, outcomes: list[str], *, exposed: pd.Series
) -> Gaps:
    """Compare outcomes of the exposed among some rows with what their past lets expect."""
    return compare_with_expected(
        rows[outcomes],
        history=lay_out(measures, rows),
        exposed=exposed,
        clusters=pd.factorize(rows["member"])[0],
        fewest=max(FEWEST, measures.min_users),
    )


def lay_out(measures: Measures, rows: pd.DataFrame) -> FloatArray:
    """Lay out the past of each row: orders by block, spend of the window, time since the last
    order and since joining, month and tier before.
    """
    orders = rows[[column("orders", -block) for block in range(1, measures.blocks_before + 1)]]
    # What a past promises is what it brought times the chance that it goes on, which falls with the
    # time since the last order: a sum of both expects too little of those who bought just before.
    goes_on = rows[["recent"]].to_numpy(dtype=np.float64)
    brought = np.column_stack([orders.sum(axis=1), rows["spend"]])
    return np.column_stack(
        [
            orders,
            rows["spend"],
            goes_on,
            goes_on * brought,
            rows["tenure"],
            indicators(rows, ["month", "earlier"], np.ones(len(rows))),
        ]
    )


_PATH = ["target", "block", "actual", "expected", "effect", "ci_lower", "ci_upper", "n"]


def _path(
    measures: Measures, rows: pd.DataFrame, target: int, level: float
) -> Iterable[dict[str, Any]]:
    blocks = range(1, measures.blocks_after + 1)
    gaps = compare(measures, rows, [column("orders", b) for b in blocks], exposed=rows["exposed"])
    lower, upper = gaps.joint_interval(level=level, rng=np.random.default_rng(_SEED))
    own = rows[rows["exposed"] & rows[column("orders", 1)].notna()]
    if len(own) < measures.min_users:
        return
    for block in range(-measures.blocks_before, 0):
        before = own[column("orders", block)]
        yield {"target": target, "block": block, "actual": before.mean(), "n": len(before)}
    for k, block in enumerate(blocks):
        if np.isfinite(gaps.error[k]):
            yield {
                "target": target,
                "block": block,
                "actual": gaps.actual[k],
                "expected": gaps.expected[k],
                "effect": gaps.effect[k],
                "ci_lower": lower[k],
                "ci_upper": upper[k],
                "n": int(gaps.n_exposed[k]),
            }


def _check_all(measures: Measures, target: int, level: float) -> Iterable[dict[str, Any]]:
    up, date = (_of(measures, kind) for kind in ("up", "date"))
    up, date = (rows[rows["target"] == target] for rows in (up, date))
    both = ("orders", "margin")
    past = column("orders", -measures.blocks_before - 1)
    yield from _rows(
        compare(measures, up, [past], exposed=up["exposed"]),
        level,
        check="past",
        target=target,
        measures=("orders",),
    )
    for check, rows, exposed, block in (
        ("below", up[~up["exposed"]], "upper", 1),
        ("date", date, "exposed", 0),
    ):
        gaps = compare(measures, rows, [column(m, block) for m in both], exposed=rows[exposed])
        yield from _rows(gaps, level, check=check, target=target, measures=both)


def _rows(gaps: Gaps, level: float, *, measures: Iterable[str], **about: Any) -> list[Any]:
    lower, upper = gaps.interval(level=level)
    return [
        {
            **about,
            "measure": measure,
            "actual": gaps.actual[k],
            "expected": gaps.expected[k],
            "effect": gaps.effect[k],
            "ci_lower": lower[k],
            "ci_upper": upper[k],
            "error": gaps.error[k],
            "degrees": gaps.degrees[k],
            "p": gaps.p[k],
            "n_exposed": int(gaps.n_exposed[k]),
            "n_controls": int(gaps.n_controls[k]),
        }
        for k, measure in enumerate(measures)
        if gaps.error[k] > 0
    ]


def _with_holm(rows: list[dict[str, Any]], by: list[str], columns: list[str]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=columns)
    adjusted = table.groupby(by)["p"].transform(lambda p: holm(p.to_numpy()))
    return table.assign(p_holm=adjusted.astype(float))


def _compare_before(measures: Measures, target: int, level: float) -> Iterable[dict[str, Any]]:
    """Compare the block after an upgrade with the one before it, as is usual and wrong."""
    own = _of(measures, "up", exposed=True)
    own = own[(own["target"] == target) & own[column("orders", 1)].notna()]
    before, after = own[column("orders", -1)], own[column("orders", 1)]
    n, ratio = len(own), after.mean() / before.mean() if before.sum() else np.nan
    if n < max(FEWEST, measures.min_users) or not ratio > 0:
        return
    # The delta method for the logarithm of a ratio of means of the same members.
    parts = after / after.mean() - before / before.mean()
    quantile = student.ppf((1 + level) / 2, n - 1) / np.sqrt(n)
    reach = quantile * parts.std()
    yield {
        "target": target,
        "before": before.mean(),
        "after": after.mean(),
        "change": ratio - 1,
        "ci_lower": ratio * np.exp(-reach) - 1,
        "ci_upper": ratio * np.exp(reach) - 1,
        "reach": quantile * (after - before).std(),
        "n": n,
    }
