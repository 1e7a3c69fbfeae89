"""Say what another push does, how many are best, and where more people block than before."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from siyu.formats import clauses, listed, number, paragraph
from siyu.phrases import phrase
from siyu.studies.push_timing.frequency.estimate import FEWEST_EVENTS
from siyu.studies.push_timing.frequency.measures import DRAWN, OTHERS, OUTCOMES, Measures
from siyu.studies.push_timing.frequency.net import ASSIGNED, MODEL, Frontier
from siyu.studies.tables import each_row

PER_PUSHES = 10_000
"""Blocks are counted per so many sent pushes, wherever they are told."""


def answer(measures: Measures, outcome: str) -> str:
    """Name an answer to a push as readers do."""
    asked = measures.outcome if outcome == "click" else outcome
    return phrase(f"push.frequency.answer.{asked}", days=measures.leave_days)


def say_slopes(measures: Measures, found: pd.DataFrame, *, level: float) -> str:
    """What one more push received before does to each answer, and whether that is an effect."""
    own = found[found["population"] == measures.main]
    said = [slope(measures, row, level=level) for row in each_row(own)]
    if (own["refused"] == "ratio").all():
        return said[0]
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
    if (own["refused"] == "ratio").all():
        return slope(measures, own.iloc[0], level=level)
    return phrase("push.frequency.unclear")


def slope(measures: Measures, row: Any, *, level: float) -> str:
    """Say what one more push received does to one answer; or why that is not known."""
    named = answer(measures, row.outcome)
    if row.refused:
        return phrase(
            f"push.frequency.refused.{row.refused}",
            answer=named,
            n=row.n_pushes,
            fewest=FEWEST_EVENTS,
            min_users=measures.min_users,
            most=_bound(row.n_pushes),
        )
    change, lower, upper = np.expm1([row.slope, row.ci_lower, row.ci_upper])
    if row.verdict == "falls":  # said as what it falls by
        change, lower, upper = -change, -upper, -lower
    return phrase(
        f"push.frequency.slope.{row.verdict}",
        answer=named,
        change=change,
        lower=lower,
        upper=upper,
        level=level,
        n=row.n_pushes,
        users=row.n_users,
    )


def say_naive(measures: Measures, found: pd.DataFrame) -> str:
    """Say what the same comparison gives where no number was drawn; "" where it is all there is."""
    clicks = found[(found["outcome"] == OUTCOMES[0]) & (found["refused"] == "")]
    rows = {row.population: row for row in each_row(clicks)}
    if not {DRAWN, OTHERS} <= set(rows):
        return ""
    lots, others = rows[DRAWN], rows[OTHERS]
    if lots.ci_lower <= others.ci_upper and others.ci_lower <= lots.ci_upper:
        return ""  # no difference that would have to be explained
    return phrase(
        "push.frequency.naive",
        answer=answer(measures, OUTCOMES[0]),
        change=np.expm1(rows[OTHERS].slope),
        by_lot=np.expm1(rows[DRAWN].slope),
    )


def say_gaps(curves: pd.DataFrame) -> str:
    """Say what answers by the hours since the last push do not show; "" where there are none."""
    by_gap = curves[curves["by"] == "gap"]
    return "" if by_gap["answer_rate"].isna().all() else phrase("push.frequency.gaps")


def say_best(measures: Measures, found: Frontier, *, level: float) -> str:
    """Say in one sentence which weekly numbers are best, and what too many cost; or why not."""
    if found.refused:
        return frontier_refusal(measures, found)
    kind, chosen = found.lead, found.candidates[found.lead]
    row = found.row(kind, found.best[kind])
    how = "drawn" if found.is_drawn else "described"
    said = [
        phrase(
            f"push.frequency.lead.{how}.{'alone' if len(chosen) == 1 else 'among'}",
            best=found.best[kind],
            candidates=candidates(found, kind),
            value=row.weekly_value_cny,
            lower=row.weekly_value_lower,
            upper=row.weekly_value_upper,
            level=level,
        )
    ]
    if found.is_drawn:
        said += _costs(found)
    return clauses(said)


def _costs(found: Frontier) -> list[str]:
    """Say whether fewer pushes lose fewer members, and which number loses money for sure."""
    kind = found.lead
    rows = found.table[found.table["kind"] == kind].sort_values("cap")
    fewest, most = rows.iloc[0], rows.iloc[-1]
    rises = fewest["blocks_per_week_upper"] < most["blocks_per_week_lower"]
    few, many = (found.row(kind, end(found.candidates[kind])) for end in (min, max))
    worst = rows.sort_values("weekly_value_cny").iloc[0]
    said = []
    if rises and few.blocks_per_week < many.blocks_per_week:
        said.append(phrase("push.frequency.lead.fewer"))
    if worst["weekly_value_upper"] < 0:
        loss = -worst["weekly_value_cny"]
        said.append(phrase("push.frequency.lead.loses", worst=worst["cap"], loss=loss))
    return said


def say_frontier(measures: Measures, found: Frontier, *, level: float) -> str:
    """The result: the best weekly numbers, what to do, and what is sent today."""
    if found.refused:
        return frontier_refusal(measures, found)
    worth = phrase(
        "push.frequency.worth", click=found.value_per_click_cny, lost=found.value_lost_cny
    )
    others = [kind for kind in found.best if kind != found.lead]
    return paragraph(
        say_best(measures, found, level=level),
        advice(found),
        say_today(measures),
        *(best(measures, found, kind, level=level) for kind in others),
        phrase(f"push.frequency.frontier.{'drawn' if found.is_drawn else 'described'}"),
        worth,
    )


def say_today(measures: Measures) -> str:
    """Say how many pushes a week members get now; "" where that is not known."""
    if measures.today is None or measures.now is None:
        return ""
    return phrase(
        "push.frequency.today",
        sent=measures.today.sent_per_week,
        members=measures.today.members,
        first=measures.now[0],
        last=measures.now[1],
    )


def best(measures: Measures, found: Frontier, kind: str, *, level: float) -> str:
    """Say which number is best by one way of counting, with its interval."""
    row = found.row(kind, found.best[kind])
    alone = "alone" if len(found.candidates[kind]) == 1 else "among"
    return phrase(
        f"push.frequency.best.{kind}.{alone}",
        best=found.best[kind],
        candidates=candidates(found, kind),
        value=row.weekly_value_cny,
        lower=row.weekly_value_lower,
        upper=row.weekly_value_upper,
        level=level,
        weeks=measures.frequency_weeks,
    )


def candidates(found: Frontier, kind: str) -> str:
    """List the numbers that are not clearly worse than the best."""
    return _numbers(found, found.candidates[kind])


def _numbers(found: Frontier, caps: Iterable[int]) -> str:
    """Write numbers as a range where all between the first and the last are there."""
    chosen = sorted(caps)
    drawn = [cap for cap in found.table["cap"].unique() if chosen[0] <= cap <= chosen[-1]]
    if len(chosen) > 1 and len(drawn) == len(chosen):
        return phrase("push.frequency.range", first=chosen[0], last=chosen[-1])
    return listed([number(cap) for cap in chosen])


def frontier_refusal(measures: Measures, found: Frontier) -> str:
    """Say why there is no best number."""
    return phrase(
        f"push.frequency.frontier.refused.{found.refused}",
        n=measures.n_sent,
        most=_bound(measures.n_sent),
        min_users=measures.min_users,
    )


def advice(found: Frontier) -> str:
    """Say what to do: the numbers that the count which leaves out nobody does not exclude."""
    if not found.is_drawn:
        return phrase("push.frequency.action.draw", best=found.best[MODEL])
    if found.lead != ASSIGNED:
        return phrase("push.frequency.action.wait")
    left = set(found.candidates[found.lead])
    # Among those not clearly worse, the fewest pushes lose the fewest members.
    which = "alone" if len(left) == 1 else "set"
    return phrase(f"push.frequency.action.{which}", numbers=_numbers(found, left), fewest=min(left))


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
    change, lower, upper = (PER_PUSHES * x for x in (row.change, row.ci_lower, row.ci_upper))
    if row.verdict == "fell":  # said as what they fell by
        change, lower, upper = -change, -upper, -lower
    return phrase(
        f"push.frequency.blocks.{row.verdict}",
        segment=row.segment,
        before=PER_PUSHES * row.block_rate_before,
        now=PER_PUSHES * row.block_rate_now,
        change=change,
        lower=lower,
        upper=upper,
        level=level,
    )


def _bound(n: int) -> float:
    """Give what a chance without an event in n trials is likely under, per 10,000 (rule of three).

    Source: Hanley and Lippman-Hand (1983), JAMA 249, 1743-1745.
    """
    return min(3 / max(n, 1), 1) * PER_PUSHES
