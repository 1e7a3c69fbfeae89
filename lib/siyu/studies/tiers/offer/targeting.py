"""Say whether a score, learnt on other members, tells who should get an offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray
from siyu.stats.experiments import welch_difference
from siyu.stats.multiplicity import bonferroni_level
from siyu.stats.uplift import FOLDS, ONLY_TEACH, Qini, judge_score, score_forward
from siyu.studies.tiers.offer.compare import check_ratios, find_suspect
from siyu.studies.tiers.offer.measure import Measures

FEWEST_SCORED = 100
"""Members of an arm, at the least, by whom a score is judged."""


@dataclass(frozen=True, kw_only=True)
class Targeting:
    """What a score of members is worth, for each strategy.

    table: one row per `strategy`: `n` members by whom the score is judged; `qini` with `ci_lower`
        and `ci_upper` (of all strategies at once), `within_tier` the same of the order within tiers
        alone; `chosen_share` of members for whom the score expects a net gain; `gain_all_cny` net
        per member if all got the offer and `gain_chosen_cny` if only those, each with `_lower` and
        `_upper`; `verdict` ("score": it tells beyond the tier, "tier": it tells, but no more than
        the tier, "none": no better than lots) and `refused` ("few", "").
    curves: one row per strategy and tenth: `strategy`, `share`, `gain_cny` net per member of all if
        that share with the highest scores got it, `gain_cny_lower`, `gain_cny_upper`.
    """

    table: pd.DataFrame
    curves: pd.DataFrame


def target(measures: Measures, *, level: float, seed: int = 20261127) -> Targeting:
    """Judge for each strategy a score of the net gain by what was known before the draw.

    Nothing is judged where arms are not as large as planned.

    The score is a line per arm on tier, days since the last order and since joining, orders and
    margin before. It is learnt on some members and judged on others.

    Args:
        measures: the members.
        level: coverage of the intervals, between 0 and 1.
        seed: of the folds, and of the members drawn again.
    """
    rows, curves = [], []
    suspect = find_suspect(check_ratios(measures))
    read = [i for i, tier in enumerate(measures.tiers) if not suspect & {"", tier}]
    members = measures.members[measures.members["tier"].isin(read)]
    single = bonferroni_level(level, max(len(measures.arms) - 1, 1))
    for arm in range(1, len(measures.arms) if len(members) else 1):
        sizes = [int((members["arm"] == one).sum()) for one in (0, arm)]
        row: dict[str, Any] = {"strategy": measures.arms[arm], "refused": "few"}
        if min(sizes) * (FOLDS - ONLY_TEACH) / FOLDS >= max(FEWEST_SCORED, measures.min_users):
            own, curve = _judge(members, arm, single, np.random.default_rng([seed, arm]))
            row |= own | {"refused": ""}
            curves.append(curve.assign(strategy=measures.arms[arm]))
        rows.append(row)
    return Targeting(
        table=pd.DataFrame(rows, columns=list(_COLUMNS)),
        curves=pd.concat(curves, ignore_index=True) if curves else pd.DataFrame({"strategy": []}),
    )


_COLUMNS = (
    *("strategy", "n", "qini", "ci_lower", "ci_upper"),
    *("within_tier", "within_tier_lower", "within_tier_upper", "chosen_share"),
    *("gain_all_cny", "gain_all_lower", "gain_all_upper"),
    *("gain_chosen_cny", "gain_chosen_lower", "gain_chosen_upper"),
    *("verdict", "refused"),
)


def _judge(
    members: pd.DataFrame, arm: int, level: float, rng: np.random.Generator
) -> tuple[dict[str, Any], pd.DataFrame]:
    members = members[members["arm"].isin([0, arm])].reset_index(drop=True)
    members = members.assign(
        treated=(members["arm"] == arm).astype("float64"),
        net=members["margin_cny"] - members["cost_cny"],
    )
    score = score_forward(
        _covariates(members), members["treated"], members["net"], groups=members["tier"], rng=rng
    )
    members = members.assign(score=score).dropna(subset="score")
    apart = members["score"] - members.groupby("tier")["score"].transform("mean")
    given, net = members["treated"], members["net"]
    whole = judge_score(members["score"], given, net, level=level, rng=rng)
    within = judge_score(apart, given, net, level=level, rng=rng)
    chosen = members["score"] > 0
    row: dict[str, Any] = {
        "n": len(members),
        "qini": whole.coefficient,
        "ci_lower": whole.ci_lower,
        "ci_upper": whole.ci_upper,
        "within_tier": within.coefficient,
        "within_tier_lower": within.ci_lower,
        "within_tier_upper": within.ci_upper,
        "chosen_share": float(chosen.mean()),
        "verdict": _verdict(whole, within),
    }
    # What only the chosen would bring is the difference between arms of what only they brought.
    for name, counted in (("all", net), ("chosen", net * chosen)):
        found = welch_difference(counted[given == 1], counted[given == 0], level=level)
        row |= {
            f"gain_{name}_cny": found.value,
            f"gain_{name}_lower": found.ci_lower,
            f"gain_{name}_upper": found.ci_upper,
        }
    curve = pd.DataFrame(
        {
            "share": whole.share,
            "gain_cny": whole.gain,
            "gain_cny_lower": whole.gain_lower,
            "gain_cny_upper": whole.gain_upper,
        }
    )
    return row, curve


def _verdict(whole: Qini, within: Qini) -> str:
    if not whole.ci_lower > 0:
        return "none"
    return "score" if within.ci_lower > 0 else "tier"


def _covariates(members: pd.DataFrame) -> FloatArray:
    """Lay out what was known before the draw: amounts, counts and days on the log scale."""
    known = members[["recency_days", "tenure_days", "orders_before", "margin_cny_before"]]
    tiers = pd.get_dummies(members["tier"]).to_numpy(dtype="float64")[:, 1:]
    return np.column_stack([tiers, np.log1p(known.clip(lower=0))])
