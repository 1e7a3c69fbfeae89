"""Turn the plan into findings, and into a table to be handed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from siyu.findings import Finding, insufficient, status_of
from siyu.formats import full_stop, paragraph
from siyu.phrases import phrase
from siyu.studies.tables import each_row
from siyu.studies.tiers.plan import sentences
from siyu.studies.tiers.plan.estimate import Plan

_METRIC = "gain of the plan"


def lay_out(found: Plan) -> pd.DataFrame:
    """Lay both plans out to be handed over: one row per plan and tier, as in `Plan.expected`."""
    both = {"expected": found.expected, "cautious": found.cautious}
    return pd.concat(
        [tiers.assign(plan=name)[["plan", *tiers]] for name, tiers in both.items()],
        ignore_index=True,
    )


def conclude(found: Plan, *, level: float) -> list[Finding]:
    """Give findings of the plan, of what is certain, of the next yuan, and of each tier.

    Args:
        found: from `plan`.
        level: the coverage at which it was made.
    """
    n = found.n_users
    if found.refused:
        said = full_stop(sentences.say_plan(found, level=level))
        return [insufficient("tiers.plan.gain", said, metric=_METRIC, n=n, unit="cny")]
    whole = [each(found, n, level=level) for each in (_gain, _cautious, _slope)]
    return whole + [_tier(found, row, level=level) for row in each_row(found.expected)]


def _gain(found: Plan, n: int, *, level: float) -> Finding:
    given, bets = sentences.gives(found.expected), sentences.list_bets(found)
    return _money(
        "tiers.plan.gain",
        found.total,
        n=n,
        level=level,
        message=paragraph(
            sentences.say_plan(found, level=level),
            sentences.say_certain(found),
            sentences.say_details(found),
        ),
        action=_give(given, bets) if given else "",
    )


def _give(given: list[str], bets: list[str]) -> str:
    """Say whom to give what, and of whom to keep a part without it, where it is not certain."""
    keep = phrase("tiers.plan.action.keep", tiers=bets) if bets else ""
    return paragraph(phrase("tiers.plan.action.give", gives=given), keep)


def _cautious(found: Plan, n: int, *, level: float) -> Finding:
    """Promise what is certain: a bound has a lower end, and no upper one."""
    certain = found.cautious_total.cautious_cny
    return Finding(
        id="tiers.plan.cautious",
        metric=_METRIC,
        value=certain,
        ci_lower=certain,
        level=level,
        unit="cny",
        n=n,
        message=full_stop(sentences.say_cautious(found)),
        method=phrase("tiers.plan.method.cautious"),
        evidence="randomised",
        worth_cny=certain,
    )


def _slope(found: Plan, n: int, *, level: float) -> Finding:
    slope = found.slope
    more = slope.stop_cny > found.budget_cny and slope.ci_lower > 1
    said = sentences.say_next(found)
    return Finding(
        id="tiers.plan.slope",
        metric="gain by a further yuan",
        value=slope.value,
        ci_lower=slope.ci_lower,
        ci_upper=slope.ci_upper,
        level=level,
        unit="ratio",
        n=n,
        message=paragraph(said, sentences.title_next(found)),
        action=phrase("tiers.plan.action.raise", stop=slope.stop_cny) if more else "",
        method=phrase("tiers.plan.method.slope"),
        evidence="randomised",
        worth_cny=slope.more_cny if more else None,
    )


def _tier(found: Plan, row: Any, *, level: float) -> Finding:
    name, tier = f"tiers.plan.gain.{row.tier}", {"tier": row.tier}
    said = full_stop(sentences.say_tier(row, offer_days=found.offer_days, level=level))
    if row.reason in ("few", "nobody"):
        return insufficient(name, said, metric=_METRIC, n=int(row.n), unit="cny", segment=tier)
    return _money(name, row, n=int(row.n), level=level, message=said, segment=tier)


def _money(
    name: str,
    worth: Any,
    *,
    n: int,
    level: float,
    message: str,
    action: str = "",
    segment: Mapping[str, str] | None = None,
) -> Finding:
    # Where nothing is given there is nothing to judge.
    judged = bool(worth.ci_upper > worth.ci_lower)
    return Finding(
        id=name,
        metric=_METRIC,
        value=float(worth.net_gain_cny),
        ci_lower=float(worth.ci_lower),
        ci_upper=float(worth.ci_upper),
        level=level,
        unit="cny",
        n=n,
        message=full_stop(message),
        headline="" if segment else phrase("followed.plan_gain"),
        segment=segment or {},
        action=action,
        method=phrase("tiers.plan.method.gain"),
        status=status_of(
            ci_lower=worth.ci_lower,
            ci_upper=worth.ci_upper,
            threshold=0.0 if judged else None,
            direction="above",
        ),
        threshold=0.0 if judged else None,
        direction="above" if judged else None,
        evidence="randomised",
        worth_cny=float(worth.net_gain_cny),
    )
