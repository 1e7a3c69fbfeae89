"""Estimate what each strategy does in each tier: to the tier's own aim, and in money."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.multiplicity import holm
from siyu.studies.tables import each_row
from siyu.studies.tiers.definition import TierError
from siyu.studies.tiers.offer.choose import choose, count_lacking, find_differences
from siyu.studies.tiers.offer.compare import (
    FEWEST,
    NET,
    NOTHING,
    check_ratios,
    compare_arms,
    count_members,
    count_shown,
    find_lopsided,
    find_suspect,
)
from siyu.studies.tiers.offer.measure import OBJECTIVES, Measures


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What each strategy does in each tier, per member assigned, in `offer_days` from the draw.

    table: one row per `tier` and `strategy`: `n` members assigned to it and `n_control` to none,
        `members` of the tier today; `gain_cny` (margin with less without, before what the arm costs
        at once) with `ci_lower`, `ci_upper`, its `error` and, as a part of that, `error_control`;
        `cost_cny` of the arm; `net_gain_cny` (gain less cost) with `net_gain_lower`,
        `net_gain_upper`, `p_net`, `p_net_holm`; the tier's `objective`, the `effect` on it with
        `effect_lower`, `effect_upper`, `p`, `p_holm`; `verdict` ("roll_out", "stop",
        "keep_testing", "" where refused); `more` members of both arms who would tell a gain of
        `smallest_share` of the tier's margin; `refused` ("few", "lopsided", "ratio", "flat", "").
        Intervals of
        one column hold for all rows at once; Holm is over all rows. Counts under `min_users` are
        missing, and so is what was refused.
    choices: one row per tier that was read: `verdict` ("roll_out": something is clearly worth it;
        "stop": nothing is; "keep_testing"), `choice` (what to roll out; what leads so far; the
        control where nothing does), `chance_wrong` (that another is better, by what was found
        alone), `members`, and `worth_cny` of the choice for them in `offer_days`, with
        `worth_lower` and `worth_upper`.
    differ: one row per strategy read in two tiers or more: `tiers`, `p` that its net gain is the
        same in all of them, `p_opposite` that it has one sign in all of them; both by Holm over the
        strategies.
    ratios: `p_ratio` of the test that the arms are as large as planned, of all (`tier` "") and per
        tier.
    n: members of the arms that are shown.
    refused: "none" (no experiment), "orders", "tiers" (no such tables), "nobody" (nobody followed
        long enough, or of a known tier), "ratio", "few", "lopsided", "flat" (in all tiers), "".
    """

    table: pd.DataFrame
    choices: pd.DataFrame
    differ: pd.DataFrame
    ratios: pd.DataFrame
    n: int
    smallest_share: float
    refused: str


def effects(measures: Measures, *, level: float, smallest_share: float = 0.25) -> Effects:
    """Estimate each strategy against the control within each tier, as drawn (intention to treat).

    Args:
        measures: the members.
        level: coverage of all intervals of a column together, between 0 and 1.
        smallest_share: of the margin of a member without an offer, the gain that is worth being
            told from none; above 0.

    Raises:
        TierError: a share that is not above 0.
    """
    if not smallest_share > 0:
        raise TierError(f"smallest_share = {smallest_share} must be above 0; a quarter is 0.25")
    ratios = check_ratios(measures)
    refused = _refusal(measures, ratios)
    table, net = pd.DataFrame(columns=list(_COLUMNS)), NOTHING
    if not refused:
        suspect = find_suspect(ratios)
        read = [i for i, tier in enumerate(measures.tiers) if tier not in suspect]
        net = compare_arms(measures, NET, level=level, tiers=read)
        table = _table(measures, net, suspect, level)
        table["more"] = count_lacking(measures, table, net, level, smallest_share)
        if not len(net):
            lopsided = set(table["refused"]) >= {"lopsided"}
            refused = "ratio" if not read else "lopsided" if lopsided else "few"
        elif net["error"].eq(0).all():
            refused = "flat"
        net = net[net["error"] > 0]
    return Effects(
        table=table,
        choices=choose(measures, table, net),
        differ=find_differences(measures, net),
        ratios=ratios,
        n=count_shown(measures, net),
        smallest_share=smallest_share,
        refused=refused,
    )


def _refusal(measures: Measures, ratios: pd.DataFrame) -> str:
    if not measures.has_orders:
        return "orders"
    if not measures.tiers:
        return "tiers"
    if not measures.experiment:
        return "none"
    if not len(measures.members):
        return "nobody"
    return "ratio" if "" in find_suspect(ratios) else ""


def _table(measures: Measures, net: pd.DataFrame, suspect: set[str], level: float) -> pd.DataFrame:
    """Put the money and each tier's own aim beside each other, a row per tier and strategy."""
    tiers = sorted(set(net["tier"]))
    found = {NET: _by_pair(net)} | {
        name: _by_pair(compare_arms(measures, name, level=level, tiers=tiers))
        for name in {"margin_cny", *(OBJECTIVES[one] for one in measures.objectives)}
    }
    sizes, lopsided = count_members(measures), find_lopsided(measures)
    least = max(FEWEST, measures.min_users)
    rows = []
    for i, tier in enumerate(measures.tiers):
        for arm in range(1, len(measures.arms)):
            row: dict[str, Any] = {
                "tier": tier,
                "strategy": measures.arms[arm],
                "n": _shy(measures, sizes[i, arm]),
                "n_control": _shy(measures, sizes[i, 0]),
                "members": _shy(measures, measures.today[i]),
                "objective": measures.objectives[i],
                "refused": "ratio" if tier in suspect else "few",
            }
            if row["refused"] == "few" and min(sizes[i, [0, arm]]) >= least:
                row["refused"] = "lopsided" if lopsided[i, arm - 1] else "few"
            if own := found[NET].get((i, arm)):
                row["refused"] = "" if own.error > 0 else "flat"
            if not row["refused"]:
                row["cost_cny"] = _cost(measures, i, arm) - _cost(measures, i, 0)
                for name, names in (
                    ("margin_cny", _GAIN),
                    (NET, _LEFT),
                    (OBJECTIVES[measures.objectives[i]], _EFFECT),
                ):
                    own = found[name][i, arm]
                    row |= {new: getattr(own, old) for old, new in names.items()}
            rows.append(row)
    table = pd.DataFrame(rows, columns=list(_COLUMNS))
    for p in ("p_net", "p"):
        table[f"{p}_holm"] = holm(table[p])
    table["verdict"] = [_verdict(row, 1 - level) for row in each_row(table)]
    return table


_GAIN = {"difference": "gain_cny"} | {
    name: name for name in ("ci_lower", "ci_upper", "error", "error_control")
}
_LEFT = {
    "difference": NET,
    "ci_lower": "net_gain_lower",
    "ci_upper": "net_gain_upper",
    "p": "p_net",
}
_EFFECT = {"difference": "effect", "ci_lower": "effect_lower", "ci_upper": "effect_upper", "p": "p"}
_COLUMNS = (
    *("tier", "strategy", "n", "n_control", "members"),
    *("gain_cny", "ci_lower", "ci_upper", "error", "error_control", "cost_cny"),
    *("net_gain_cny", "net_gain_lower", "net_gain_upper", "p_net", "p_net_holm"),
    *("objective", "effect", "effect_lower", "effect_upper", "p", "p_holm"),
    *("verdict", "more", "refused"),
)


def _by_pair(compared: pd.DataFrame) -> dict[tuple[int, int], Any]:
    return {(int(row.tier), int(row.arm)): row for row in each_row(compared)}


def _shy(measures: Measures, n: int) -> float:
    """Give a number of members, unless they are so few that it tells of persons."""
    return float(n) if n >= measures.min_users else np.nan


def _cost(measures: Measures, tier: int, arm: int) -> float:
    members = measures.members
    return float(
        members.loc[(members["tier"] == tier) & (members["arm"] == arm), "cost_cny"].mean()
    )


def _verdict(row: Any, alpha: float) -> str:
    """Judge by money; where that is not clear, stop what clearly hurts the tier's own aim."""
    if row.refused:
        return ""
    clear = row.p_net_holm <= alpha
    if clear and row.net_gain_lower > 0:
        return "roll_out"
    if clear and row.net_gain_upper < 0:
        return "stop"
    hurts = row.p_holm <= alpha and row.effect_upper < 0
    return "stop" if hurts else "keep_testing"
