"""Choose a strategy for each tier, and say whether one and the same would do."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siyu.stats.experiments import members_needed
from siyu.stats.many_to_one import chance_best, crossover_pvalue, heterogeneity_pvalue
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.studies.tables import each_row
from siyu.studies.tiers.offer.measure import Measures

POWER = 0.8


def count_lacking(
    measures: Measures, table: pd.DataFrame, net: pd.DataFrame, level: float, smallest_share: float
) -> list[float]:
    """Count the members that an arm and the control still lack, where it is not settled."""
    found = {
        (measures.tiers[int(row.tier)], measures.arms[int(row.arm)]): row for row in each_row(net)
    }
    single = bonferroni_level(level, max(len(net), 1))
    more = []
    for row in each_row(table):
        lacking = np.nan
        if row.verdict == "keep_testing":
            own, arm = found[row.tier, row.strategy], measures.arms.index(row.strategy)
            if (smallest := smallest_share * own.mean_control) > 0:
                needed = members_needed(
                    smallest,
                    spread_treated=own.error_arm * row.n**0.5,
                    spread_control=own.error_control * row.n_control**0.5,
                    share=measures.shares[0] / (measures.shares[0] + measures.shares[arm]),
                    level=single,
                    power=POWER,
                )
                lacking = max(needed - row.n - row.n_control, 0.0)
        more.append(lacking)
    return more


def choose(measures: Measures, table: pd.DataFrame, net: pd.DataFrame) -> pd.DataFrame:
    """Choose for each tier what is worth most, and say how likely another is better."""
    rows = []
    for tier in sorted(set(net["tier"])):
        i, own = int(tier), net[net["tier"] == tier]
        told = table[(table["tier"] == measures.tiers[i]) & (table["refused"] == "")]
        verdict = next(one for one in _VERDICTS if one in set(told["verdict"]))
        nothing = pd.DataFrame([{"strategy": measures.arms[0], _NET: 0.0, **_NO_ENDS}])
        # What is proven comes before what looks better; what was stopped is no candidate.
        candidates = told[told["verdict"] == verdict]
        if verdict == "keep_testing":
            candidates = pd.concat([nothing, candidates])
        elif verdict == "stop":
            candidates = nothing
        best = candidates.sort_values(_NET, kind="stable").iloc[-1]
        chance = chance_best(
            [own["mean_control"].iloc[0], *own["mean"]],
            np.square([own["error_control"].iloc[0], *own["error_arm"]]),
        )
        options = [measures.arms[0], *(measures.arms[int(arm)] for arm in own["arm"])]
        members = told["members"].iloc[0]
        wrong = 1 - chance[options.index(best["strategy"])]
        worth = best[[_NET, *_NO_ENDS]] * members
        rows.append((measures.tiers[i], verdict, best["strategy"], wrong, members, *worth))
    return pd.DataFrame(rows, columns=_CHOICES)


_NET = "net_gain_cny"
_NO_ENDS = {"net_gain_lower": 0.0, "net_gain_upper": 0.0}
_VERDICTS = ("roll_out", "keep_testing", "stop")
_CHOICES = [
    *("tier", "verdict", "choice", "chance_wrong", "members"),
    *("worth_cny", "worth_lower", "worth_upper"),
]


def find_differences(measures: Measures, net: pd.DataFrame) -> pd.DataFrame:
    """Test for each strategy whether it does the same in all tiers, or at least of one sign."""
    rows = []
    for arm in sorted(set(net["arm"])):
        own = net[net["arm"] == arm]
        if len(own) > 1:
            same = heterogeneity_pvalue(own["difference"], own["error"], own["degrees"])
            sign = crossover_pvalue(own["difference"], own["error"])
            rows.append((measures.arms[int(arm)], len(own), same, sign))
    table = pd.DataFrame(rows, columns=["strategy", "tiers", "p", "p_opposite"])
    for p in ("p", "p_opposite"):
        table[p] = holm(table[p])
    return table
