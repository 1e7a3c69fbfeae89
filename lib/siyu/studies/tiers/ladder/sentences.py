"""Say which rung foretells a first order, who stands where today, and what fits each rung."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase, term
from siyu.stats.mover import mover_product
from siyu.studies.tables import each_row
from siyu.studies.tiers.ladder.estimate import FEWEST_ORDERS, Ladder, compare_ends
from siyu.studies.tiers.ladder.measure import NONE, Measures

_KINDS = {
    "moments_like": "content",
    "moments_comment": "content",
    "browse": "content",
    "sign_in": "content",
    "reply": "benefit",
    "join_group": "benefit",
    "compare": "consult",
    "consult": "consult",
    "cart": "coupon",
}
"""What fits who has shown an interaction; content for any other."""
_MOST_ACTIONS = 3


def say_headline(measures: Measures, ladder: Ladder, *, level: float) -> str:
    """Say in one sentence whether the highest rung orders more than the lowest."""
    if ladder.refused:
        return refusal(measures, ladder)
    ends = list(each_row(ladder.rungs[ladder.rungs["state"] == "shown"]))
    side, (difference, lower, upper) = compare_ends(ladder, level=level)
    high, low = ends[-1], ends[0]
    return phrase(
        f"tiers.ladder.headline.{side}",
        days=measures.order_days,
        level=level,
        high=name_of(high.rung),
        high_rate=high.rate,
        high_lower=high.ci_lower,
        high_upper=high.ci_upper,
        low=name_of(low.rung),
        low_rate=low.rate,
        difference=difference,
        lower=lower,
        upper=upper,
    )


def say_ladder(measures: Measures, ladder: Ladder, *, level: float) -> str:
    """Read the ladder: each rung against the one below, who is not read, and what it is not."""
    if ladder.refused:
        return refusal(measures, ladder)
    said = []
    if len(ladder.steps):
        clear = ladder.steps[ladder.steps["verdict"] != "unclear"]
        said += [say_step(row, level=level) for row in each_row(clear)]
        unclear = ladder.steps.loc[ladder.steps["verdict"] == "unclear", "rung"]
        if len(unclear):
            said.append(phrase("tiers.ladder.step.others", rungs=list(map(name_of, unclear))))
    said.append(phrase("tiers.ladder.describes"))
    for state in ("nobody", "small"):
        rungs = ladder.rungs.loc[ladder.rungs["state"] == state, "rung"]
        if len(rungs):
            said.append(
                phrase(
                    f"tiers.ladder.{state}",
                    rungs=list(map(name_of, rungs)),
                    min_users=measures.min_users,
                )
            )
    if measures.unknown:
        said.append(phrase("tiers.ladder.unknown", events=measures.unknown))
    if measures.n_before >= measures.min_users:
        said.append(phrase("tiers.ladder.before", n=measures.n_before))
    return paragraph(*said)


def say_step(row: Any, *, level: float) -> str:
    """Say how a rung differs from the one below."""
    return phrase(
        f"tiers.ladder.step.{row.verdict}",
        rung=name_of(row.rung),
        below=name_of(row.below),
        difference=row.difference,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
    )


def say_today(measures: Measures, ladder: Ladder, *, level: float) -> str:
    """Say what is to be expected of those on the rungs today, and what fits each."""
    if ladder.refused:
        return refusal(measures, ladder)
    amounts = "" if measures.has_margin else phrase("tiers.ladder.amounts")
    shown = ladder.rungs[(ladder.rungs["state"] == "shown") & (ladder.rungs["today"] > 0)]
    # A point is worth most where most stand; what fits the other rungs stands in the findings.
    first = shown.sort_values("today", ascending=False, kind="stable").head(_MOST_ACTIONS)
    return paragraphs(
        paragraph(say_total(measures, ladder, level=level), amounts),
        *(say_action(row) for row in each_row(first)),
        phrase("tiers.ladder.lot"),
    )


def say_total(measures: Measures, ladder: Ladder, *, level: float) -> str:
    """Say how many first orders are to be expected anyway, and their worth."""
    expected, lower, upper = ladder.total
    worth = mover_product(ladder.total, ladder.margin)
    return phrase(
        f"tiers.ladder.total.{'worth' if np.isfinite(worth[0]) else 'count'}",
        today=int(ladder.rungs["today"].sum()),
        days=measures.order_days,
        expected=expected,
        lower=lower,
        upper=upper,
        level=level,
        worth=float(worth[0]),
        worth_lower=float(worth[1]),
        worth_upper=float(worth[2]),
        margin=ladder.margin[0],
        fewest=FEWEST_ORDERS,
    )


def say_action(row: Any) -> str:
    """Say what fits a rung, and what raising its share by a point would be worth."""
    return phrase(
        f"tiers.ladder.action.{kind_of(row.rung)}{'' if np.isfinite(row.point_cny) else '_plain'}",
        rung=name_of(row.rung),
        today=row.today,
        point=row.point_cny,
    )


def kind_of(rung: str) -> str:
    """Say what fits a rung: "greeting", "content", "benefit", "consult" or "coupon"."""
    if rung == NONE:
        return "greeting"
    return _KINDS.get(rung.split(" or ")[0], "content")


def name_of(rung: str) -> str:
    """Name a rung in the reader's words."""
    return phrase("tiers.ladder.none") if rung == NONE else term(rung)


def refusal(measures: Measures, ladder: Ladder) -> str:
    """Say why there is no ladder."""
    return phrase(
        f"tiers.ladder.refused.{ladder.refused}",
        days=measures.order_days,
        min_users=measures.min_users,
    )
