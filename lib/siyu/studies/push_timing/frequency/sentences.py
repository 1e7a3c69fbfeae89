"""Say what another push does, how many are best, and where more people block than before."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu.formats import listed, number, paragraph
from siyu.phrases import phrase
from siyu.studies.push_timing.frequency.estimate import FEWEST_EVENTS
from siyu.studies.push_timing.frequency.measures import DRAWN, OTHERS, OUTCOMES, Measures
from siyu.studies.push_timing.frequency.net import ASSIGNED, MODEL, WEEKS, Frontier
from siyu.studies.tables import each_row


def answer(measures: Measures, outcome: str) -> str:
    """Name an answer to a push as readers do."""
    asked = measures.outcome if outcome == "click" else outcome
    return phrase(f"push.frequency.answer.{asked}", days=measures.leave_days)


def say_slopes(measures: Measures, found: pd.DataFrame, *, level: float) -> str:
    """What one more push received before does to each answer, and whether that is an effect."""
    own = found[found["population"] == measures.main]
    said = [slope(measures, row, level=level) for row in each_row(own)]
    said.append(phrase(f"push.frequency.evidence.{measures.main}"))
    if measures.kept_one_in > 1:
        said.append(
            phrase(
                "push.frequency.sampled",
                one_in=measures.kept_one_in,
                n=measures.exposures["number"].nunique(),
            )
        )
    return paragraph(*said)


def headline(measures: Measures, found: pd.DataFrame, *, level: float) -> str:
    """Say the first clear effect among blocks and clicks, or that none is clear."""
    own = found[found["population"] == measures.main].set_index("outcome", drop=False)
    for outcome in ("block", "click", "leave"):
        if own.loc[outcome, "verdict"] in ("rises", "falls"):
            return slope(measures, own.loc[outcome], level=level)
    return phrase("push.frequency.unclear")


def slope(measures: Measures, row: Any, *, level: float) -> str:
    """Say what one more push received does to one answer; or why that is not known."""
    named = answer(measures, row.outcome)
    if row.refused:
        return phrase(
            f"push.frequency.refused.{row.refused}",
            answer=named,
            n=row.n,
            fewest=FEWEST_EVENTS,
            min_users=measures.min_users,
            most=_bound(row.n),
        )
    return phrase(
        f"push.frequency.slope.{row.verdict}",
        answer=named,
        change=np.expm1(row.slope),
        lower=np.expm1(row.ci_lower),
        upper=np.expm1(row.ci_upper),
        level=level,
        n=row.n,
        users=row.n_users,
    )


def say_naive(measures: Measures, found: pd.DataFrame) -> str:
    """Say what the same comparison gives where no number was drawn; "" where it is all there is."""
    clicks = found[(found["outcome"] == OUTCOMES[0]) & (found["refused"] == "")]
    rows = {row.population: row for row in each_row(clicks)}
    if not {DRAWN, OTHERS} <= set(rows):
        return ""
    return phrase(
        "push.frequency.naive",
        answer=answer(measures, OUTCOMES[0]),
        change=np.expm1(rows[OTHERS].slope),
        by_lot=np.expm1(rows[DRAWN].slope),
    )


def say_frontier(measures: Measures, found: Frontier, *, level: float) -> str:
    """The result: the best weekly number, which others are not clearly worse, and for whom."""
    if found.refused:
        return frontier_refusal(measures, found)
    worth = phrase(
        "push.frequency.worth", click=found.value_per_click_cny, lost=found.value_lost_cny
    )
    said = [best(measures, found, kind, level=level) for kind in found.best]
    said.append(phrase(f"push.frequency.frontier.{'drawn' if found.is_drawn else 'described'}"))
    return paragraph(*said, worth)


def best(measures: Measures, found: Frontier, kind: str, *, level: float) -> str:
    """Say which number is best by one way of counting, with its interval."""
    row = found.table[found.table["kind"] == kind].set_index("cap").loc[found.best[kind]]
    alone = "alone" if len(found.candidates[kind]) == 1 else "among"
    return phrase(
        f"push.frequency.best.{kind}.{alone}",
        best=found.best[kind],
        candidates=candidates(found, kind),
        value=row.value,
        lower=row.value_lower,
        upper=row.value_upper,
        level=level,
        weeks=measures.frequency_weeks,
    )


def candidates(found: Frontier, kind: str) -> str:
    """List the numbers that are not clearly worse than the best."""
    return listed([number(cap) for cap in found.candidates[kind]])


def frontier_refusal(measures: Measures, found: Frontier) -> str:
    """Say why there is no best number."""
    return phrase(
        f"push.frequency.frontier.refused.{found.refused}",
        n=measures.n_sent,
        most=_bound(measures.n_sent),
        min_users=measures.min_users,
    )


def advice(found: Frontier) -> str:
    """Say what to do: numbers that both ways of counting leave, where both are there."""
    if not found.is_drawn:
        return phrase("push.frequency.action.draw", best=found.best[MODEL])
    kinds = [kind for kind in (ASSIGNED, WEEKS) if kind in found.best]
    left = set.intersection(*(set(found.candidates[kind]) for kind in kinds))
    # Among those not clearly worse by either count, the fewest pushes lose the fewest members.
    told = listed([number(cap) for cap in sorted(left)])
    return phrase(f"push.frequency.action.{'set' if left else 'apart'}", numbers=told)


def say_alerts(measures: Measures, found: pd.DataFrame, *, level: float) -> str:
    """Say where clearly more pushes were answered by blocking than in the 28 days before."""
    if measures.now is None:
        return phrase("push.frequency.blocks.short")
    judged = found[found["refused"] == ""]
    if judged.empty:
        return phrase(
            f"push.frequency.blocks.{'none' if not measures.n_blocks else 'few'}",
            n=measures.n_sent,
            most=_bound(measures.n_sent),
        )
    rose = judged[judged["verdict"] == "rose"]
    if rose.empty:
        return phrase("push.frequency.blocks.steady", n=len(judged), level=level)
    return paragraph(
        *(blocks(row, level=level) for row in each_row(rose)), phrase("push.frequency.action.rose")
    )


def blocks(row: Any, *, level: float) -> str:
    """Say how the blocks per push of one segment changed."""
    return phrase(
        f"push.frequency.blocks.{row.verdict}",
        segment=row.segment,
        before=10_000 * row.rate_before,
        now=10_000 * row.rate_now,
        change=10_000 * row.change,
        lower=10_000 * row.ci_lower,
        upper=10_000 * row.ci_upper,
        level=level,
    )


def _bound(n: int) -> float:
    """Give what a chance without an event in n trials is likely under, per 10,000 (rule of three).

    Source: Hanley and Lippman-Hand (1983), JAMA 249, 1743-1745.
    """
    return min(3 / max(n, 1), 1) * 10_000
