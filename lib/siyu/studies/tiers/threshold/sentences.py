"""Say what reaching a tier does, where that cannot be told, and whether the reading holds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu.formats import number, paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.tables import each_row
from siyu.studies.tiers.sentences import say_alone
from siyu.studies.tiers.threshold.estimate import FEWEST, SHOWS_NOTHING, SPEND, SUSPECT_P, Effects
from siyu.studies.tiers.threshold.measure import Measures

_LEAST_P = 0.0001
_OTHER_WAYS = ("half", "double", "donut")
_LEFT_OUT = ("short", "drawn", "unknown")


def say_effects(measures: Measures, effects: Effects, *, level: float) -> str:
    """The result: what reaching each tier does to what members buy, or why that is not known."""
    if refused := refusal(measures):
        return refused
    said = []
    for row in each_row(measures.thresholds):
        told = [say_tier(measures, effects, row.tier, level=level)]
        if row.tier not in effects.refused:
            spend = row_of(effects.table, row.tier, measure=SPEND)
            told.append(say_alone(spend.verdict, spend.ci_lower, spend.ci_upper))
            told += [say_doubt(effects, row.tier, level=level), _say_also(effects, row.tier)]
        said.append(paragraph(*told))
    scope = phrase("tiers.threshold.scope") if len(effects.table) else ""
    return paragraphs(*said, paragraph(*_say_counted(measures), scope))


def say_tier(measures: Measures, effects: Effects, tier: str, *, level: float) -> str:
    """Say in one sentence what reaching a tier does to spend, or why that cannot be read."""
    reason = effects.refused.get(tier, "")
    line = row_of(measures.thresholds, tier)
    if reason == "bunched":
        return _say_bunched(row_of(effects.densities, tier))
    if reason:
        return phrase(
            f"tiers.threshold.refused.{reason}",
            tier=tier,
            fewest=max(FEWEST, measures.min_users),
            off=line.off,
            n=line.n,
            line=amount(line.line_cny),
        )
    row = row_of(effects.table, tier, measure=SPEND)
    return phrase(
        f"tiers.threshold.verdict.{row.verdict}",
        tier=tier,
        line=amount(row.threshold_cny),
        value=row.value,
        size=abs(row.value),
        level=level,
        lower=row.ci_lower,
        upper=row.ci_upper,
        days=measures.jump_days,
    )


def say_doubt(effects: Effects, tier: str, *, level: float) -> str:
    """Say that something jumps at a tier's threshold that should not; "" where nothing does."""
    clear = judge_checks(effects, level=level)[1]
    return phrase("tiers.threshold.doubted", tier=tier) if tier in set(clear["tier"]) else ""


def say_density(effects: Effects, tier: str, *, level: float) -> str:
    """Say whether members place themselves above a threshold; "" where that was not tested."""
    if tier not in set(effects.densities["tier"]):
        return ""
    row = row_of(effects.densities, tier)
    if row.p < SUSPECT_P:
        return _say_bunched(row)
    return phrase(
        "tiers.threshold.smooth",
        tier=tier,
        line=amount(row.threshold_cny),
        ratio=row.ratio,
        level=level,
        lower=row.ratio_lower,
        upper=row.ratio_upper,
    )


def say_densities(measures: Measures, effects: Effects, *, level: float) -> str:
    """Say for each threshold whether members place themselves, and what is left without them."""
    tested = effects.densities
    smooth = list(tested.loc[tested["p"] >= SUSPECT_P, "tier"])
    said = [phrase("tiers.threshold.smooth_all", tiers=smooth)] if smooth else []
    for tier in tested.loc[tested["p"] < SUSPECT_P, "tier"]:
        said.append(_say_crowded(row_of(tested, tier)))
        donut = _find_donut(effects, tier)
        if donut is not None and effects.refused.get(tier) == "bunched":
            said.append(
                phrase(
                    "tiers.threshold.donut",
                    tier=tier,
                    value=donut.value,
                    level=level,
                    lower=donut.ci_lower,
                    upper=donut.ci_upper,
                )
            )
    return paragraph(*said) or refusal(measures) or phrase("tiers.threshold.checks.none")


def say_checks(effects: Effects, *, level: float) -> str:
    """Say whether the jumps hold in other ways of reading, and whether anything else jumps."""
    said = []
    for tier in effects.table["tier"].unique():
        own = effects.checks[effects.checks["tier"] == tier].set_index("check", drop=False)
        made = [
            phrase(
                f"tiers.threshold.checks.{row.check}",
                value=row.value,
                lower=row.ci_lower,
                upper=row.ci_upper,
            )
            for row in each_row(own.loc[[way for way in _OTHER_WAYS if way in own.index]])
        ]
        if made:
            said.append(phrase("tiers.threshold.checks.tier", tier=tier, made=made))
    verdict, clear = judge_checks(effects, level=level)
    told = phrase(
        f"tiers.threshold.checks.{verdict}",
        n=len(clear) if verdict == "failed" else int(_should_be_none(effects).sum()),
        all=int(_should_be_none(effects).sum()),
        tiers=list(dict.fromkeys(clear["tier"])),
    )
    return paragraph(told, *said)


def judge_checks(effects: Effects, *, level: float) -> tuple[str, pd.DataFrame]:
    """Judge what should not jump: "passed", "failed" or "none", and the checks that are clear."""
    made = effects.checks[_should_be_none(effects)]
    clear = made[made["p_holm"] < 1 - level]
    return "none" if made.empty else "failed" if len(clear) else "passed", clear


def say_action(measures: Measures, effects: Effects, tier: str) -> str:
    """Say what to do with the rights of a tier; "" where there is nothing to go by."""
    reason = effects.refused.get(tier, "")
    if reason:
        return phrase("tiers.threshold.action.bunched", tier=tier) if reason == "bunched" else ""
    spend = row_of(effects.table, tier, measure=SPEND)
    worth = row_of(effects.table, tier, measure="margin" if measures.has_margin else SPEND)
    key = spend.verdict
    if key == "up" and not measures.has_margin:
        key = "up_amounts"
    return phrase(
        f"tiers.threshold.action.{key}",
        tier=tier,
        value=worth.value,
        lower=max(worth.ci_lower, 0.0),
        upper=max(spend.ci_upper, 0.0),
        above=worth.members_above,
        days=measures.jump_days,
    )


def refusal(measures: Measures) -> str:
    """Say why nothing can be read at any threshold; "" where it can be tried."""
    if measures.refused:
        return phrase(f"tiers.threshold.refused.{measures.refused}", days=measures.jump_days)
    return "" if len(measures.thresholds) else phrase("tiers.threshold.refused.one")


def row_of(table: pd.DataFrame, tier: str, **where: str) -> Any:
    """Give the one row of a tier."""
    found = table[table["tier"] == tier]
    for column, value in where.items():
        found = found[found[column] == value]
    return next(each_row(found))


def amount(value: float) -> str:
    """Write a threshold to the fen, where it has any."""
    return number(value, 0 if value == round(value) else 2)


def chance(p: float) -> str:
    """Write a p-value as what is said of it: "= 0.012", "< 0.0001"."""
    return f"< {_LEAST_P}" if p < _LEAST_P else f"= {p:.2g}"


def _should_be_none(effects: Effects) -> pd.Series:
    return effects.checks["check"].isin(SHOWS_NOTHING)


def _say_bunched(row: Any) -> str:
    more = np.isfinite(row.ratio) and row.ratio > 1
    return phrase(
        f"tiers.threshold.refused.{'bunched' if more else 'emptied'}",
        tier=row.tier,
        line=amount(row.threshold_cny),
        ratio=row.ratio,
        left=max(row.density_below, 0.0),
        right=max(row.density_above, 0.0),
        p=chance(row.p),
    )


def _say_crowded(row: Any) -> str:
    """Say in short what the result has said at length: that members place themselves."""
    if not (np.isfinite(row.ratio) and row.ratio > 1):
        return _say_bunched(row)
    return phrase(
        "tiers.threshold.crowded",
        tier=row.tier,
        line=amount(row.threshold_cny),
        ratio=row.ratio,
        p=chance(row.p),
    )


def _find_donut(effects: Effects, tier: str) -> Any:
    """Give the row of what is left without those nearest to a threshold; None if there is none."""
    own = effects.checks[effects.checks["tier"] == tier]
    return next(each_row(own[own["check"] == "donut"]), None)


def _say_also(effects: Effects, tier: str) -> str:
    orders = row_of(effects.table, tier, measure="orders")
    spend = row_of(effects.table, tier, measure=SPEND)
    given = {
        "orders": orders.value,
        "orders_lower": orders.ci_lower,
        "orders_upper": orders.ci_upper,
        "below": spend.n_below,
        "above": spend.n_above,
    }
    if "margin" not in set(effects.table["measure"]):
        return phrase("tiers.threshold.also.amounts", **given)
    margin = row_of(effects.table, tier, measure="margin")
    return phrase(
        "tiers.threshold.also.margin",
        margin=margin.value,
        margin_lower=margin.ci_lower,
        margin_upper=margin.ci_upper,
        **given,
    )


def _say_counted(measures: Measures) -> list[str]:
    counts, days = measures.counts, measures.jump_days
    left_out = [
        phrase(f"tiers.threshold.left_out.{name}", n=counts[name])
        for name in _LEFT_OUT
        if counts[name]
    ]
    said = [phrase("tiers.threshold.counted", n=counts["n"], days=days)]
    return said + ([phrase("tiers.threshold.left_out.said", what=left_out)] if left_out else [])
