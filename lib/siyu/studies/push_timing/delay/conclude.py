"""Turn delays, and what they do, into findings."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.push_timing.delay import sentences
from siyu.studies.push_timing.delay.estimate import Delays
from siyu.studies.push_timing.delay.measures import Measures
from siyu.studies.tables import each_row

_LATE = "share of pushes sent more than an hour late"
_LIFT = "rate of pushes planned for the band relative to other hours"


def conclude(
    measures: Measures,
    found: Delays,
    table: pd.DataFrame,
    *,
    level: float,
    value_per_answer_cny: float | None = None,
) -> list[Finding]:
    """Give a finding on late pushes per medium, one on slow accounts, and one per segment's lift.

    Args:
        measures: the reduced tables.
        found: from `delays`.
        table: from `read_both`.
        level: the coverage at which they were computed.
        value_per_answer_cny: what one more answered push is worth, in yuan; None: not valued.
    """
    if found.media.empty:
        none = phrase("push.delay.none")
        late = [insufficient("push.delay.late", full_stop(none), metric=_LATE, n=found.n)]
    else:
        late = [_medium(row, level=level) for row in each_row(found.media)]
    slow = found.staff[found.staff["verdict"] == "slow"]
    if len(slow):
        late.append(_slow(measures, found, table, slow, level=level, value=value_per_answer_cny))
    lifts = [_lift(measures, row, level=level) for row in each_row(table)]
    if all(one.status == "insufficient" for one in lifts):
        lifts = lifts[:1]  # what no segment can tell is said once, of all users
    return [*late, *lifts]


def strayed_per_week(
    measures: Measures, table: pd.DataFrame, slow: list[str]
) -> tuple[float, float]:
    """Count pushes of slow accounts that leave the band they were planned for.

    Args:
        measures: the reduced tables.
        table: from `read_both`.
        slow: names of the slow accounts.

    Returns:
        Of segments that lots clearly show to answer more in the band: such pushes per week, and the
        answers per week that they would bring more if they left as planned: by the rates of the
        planned hours, since those by hour of sending depend on who sends.
    """
    clear = table[(table["refused"] == "") & (table["planned_lift_lower"] > 0)]
    codes = {name: code for code, name in enumerate(measures.segments)}
    own = measures.strayed[measures.strayed["staff"].isin(slow)]
    pushes = answers = 0.0
    for row in each_row(clear[clear["segment"].isin(codes)]):
        n = own.loc[own["segment"] == codes[row.segment], "n"].sum() / measures.weeks
        pushes, answers = pushes + n, answers + n * (row.planned_in - row.planned_out)
    return pushes, answers


def _medium(row: Any, *, level: float) -> Finding:
    return Finding(
        id=f"push.delay.late.{row.medium}",
        metric=_LATE,
        value=float(row.late_share),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit="share",
        n=int(row.n_pushes),
        message=full_stop(
            phrase(
                "push.delay.medium",
                medium=row.medium,
                late=row.late_share,
                lower=row.ci_lower,
                upper=row.ci_upper,
                level=level,
            )
        ),
        method=phrase("push.delay.method.share"),
    )


def _slow(
    measures: Measures,
    found: Delays,
    table: pd.DataFrame,
    slow: pd.DataFrame,
    *,
    level: float,
    value: float | None,
) -> Finding:
    pushes, answers = strayed_per_week(measures, table, found.slow)
    gains = pushes > 0
    return Finding(
        id="push.delay.slow",
        metric=_LATE,
        value=float((slow["n_pushes"] * slow["late_share"]).sum() / slow["n_pushes"].sum()),
        level=level,
        unit="share",
        n=int(slow["n_pushes"].sum()),
        message=full_stop(sentences.headline(found)),
        action=phrase(
            f"push.delay.action.{'gain' if gains else 'plain'}",
            band=measures.band.name,
            pushes=pushes,
            answers=answers,
        ),
        method=phrase("push.delay.method.slow"),
        worth_cny=None if value is None or not gains else answers * value,
    )


def _lift(measures: Measures, row: Any, *, level: float) -> Finding:
    name = f"push.delay.planned.{row.segment}"
    if row.refused:
        why = phrase(f"push.delay.figure.refused.{row.refused}")
        said = phrase("push.delay.unread", whom=sentences.whom(row.segment), why=why)
        return insufficient(name, full_stop(said), metric=_LIFT, n=int(row.n_pushes), unit="ratio")
    return Finding(
        id=name,
        metric=_LIFT,
        value=float(1 + row.planned_lift),
        ci_lower=float(1 + row.planned_lift_lower),
        ci_upper=float(1 + row.planned_lift_upper),
        level=level,
        unit="ratio",
        n=int(row.n_pushes),
        segment=measures.crossings.get(row.segment, {}),
        message=full_stop(sentences.lift(measures, row, level=level)),
        method=phrase("push.delay.method.planned"),
        evidence="randomised",
    )
