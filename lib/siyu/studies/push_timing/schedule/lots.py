"""Plan the lots to draw next, where the hours of a segment are not settled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.power import arm_size, smallest_found
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.policy import Measures, Values
from siyu.studies.push_timing.policy.choose import TEACHING_FOLDS
from siyu.studies.push_timing.policy.measure import FOLDS
from siyu.studies.push_timing.policy.sentences import times
from siyu.studies.tables import each_row

DAYTIME = tuple(range(9, 22))
"""Hours for lots where pushes were planned for one hour only."""
LONGEST_WEEKS = 26
"""Half a year: hours that take longer are drawn in bands."""
VALUED_SHARE = 1 - TEACHING_FOLDS / FOLDS
"""Of the users, on whom an hour that was chosen on the others is judged."""
POOLED = "(all unsettled)"
"""All segments together that are not settled."""
_BANDS = 3
_STRAY = 0.01
"""Hours with a smaller share of the planned pushes were never meant."""
_COLUMNS = (
    *("segment", "reason", "drawn_hours", "n_arms", "missing", "answer_rate", "deff"),
    *("n_per_arm", "n_pushes", "n_users", "pushes_per_week", "weeks_needed"),
    "lift_in_half_year",
)
Arms = list[list[int]]


def plan_lots(
    measures: Measures,
    found: Values,
    *,
    level: float,
    lift_wanted: float = 0.2,
    power: float = 0.8,
) -> pd.DataFrame:
    """Plan the lots to draw next: one row per segment whose best hours are not clear.

    Every arm gets the same chance; each is then compared with all others, Holm over the arms. Where
    some hours lead without being proved better, the draw is between them and the others; else each
    hour is an arm, or three bands of hours where that takes more than half a year.

    Args:
        measures: the reduced tables.
        found: from `estimate`.
        level: as there.
        lift_wanted: by how much more, relatively, an arm must bring to be worth finding; above 0.
        power: chance that such an arm is found.

    Returns:
        `segment`, the last being all together where there are several; `reason` ("unread", "thin",
        "leads", "unclear", "none", "pooled"); `drawn_hours`, the `n_arms` arms set apart by "/", or
        all hours where each is one; `missing`, hours that have no value yet; `answer_rate` of the
        pushes drawn so far (where none was: planned); `deff`, 1 where it is not known; `n_per_arm`
        and `n_pushes` needed; `pushes_per_week` planned lately for `n_users`, so that it takes
        `weeks_needed`; `lift_in_half_year`, the smallest lift found with as many pushes as are
        planned in 26 weeks (NaN: none). Segments without an answer so far, or without pushes
        lately, are left out: from a rate of 0 nothing can be planned.

    Raises:
        PushError: lift_wanted or power is out of range.
    """
    if not lift_wanted > 0:
        raise PushError(f"lift_wanted = {lift_wanted} must be above 0; use 0.2")
    if not 0 < power < 1:
        raise PushError(f"power = {power} must lie strictly between 0 and 1; use 0.8")
    asked = {"lift_wanted": lift_wanted, "level": level, "power": power}
    hours = _candidates(measures)
    rows, unsettled = [], []
    for segment in measures.segments:
        verdict, deff = _known(found, segment)
        missing = [hour for hour in hours if hour not in _valued(found, segment)]
        if verdict in ("clear", "alike") and not missing:
            continue
        reason = "thin" if verdict in ("clear", "alike") else verdict
        row = {"segment": segment, "reason": reason, "missing": ", ".join(times(missing))}
        leading = _leading(found, segment) if verdict == "leads" else []
        row |= _size(measures, [segment], _arms(hours, leading), deff=deff, **asked)
        rows.append(row)
        if verdict not in ("clear", "alike"):
            unsettled.append(segment)
    if len(unsettled) > 1:
        row = {"segment": POOLED, "reason": "pooled", "missing": ""}
        deff = _known(found, POOLED)[1]
        rows.append(row | _size(measures, unsettled, _arms(hours, []), deff=deff, **asked))
    return pd.DataFrame([row for row in rows if "weeks_needed" in row], columns=list(_COLUMNS))


def _arms(hours: list[int], leading: list[int]) -> list[Arms]:
    """Give the designs to choose from, the finest first."""
    others = [hour for hour in hours if hour not in leading]
    if leading and others:
        return [[leading, others]]
    each = [[hour] for hour in hours]
    if len(hours) <= _BANDS:
        return [each]
    return [each, [band.tolist() for band in np.array_split(hours, _BANDS)]]


def _size(
    measures: Measures,
    segments: Sequence[str],
    designs: list[Arms],
    *,
    deff: float,
    lift_wanted: float,
    **asked: Any,
) -> dict[str, Any]:
    """Size the finest design that ends within half a year, or else the coarsest; {} if none can."""
    planned = measures.planned[measures.planned["segment"].isin(segments)]
    per_week = planned["n_recent"].sum() / measures.recent_weeks
    rate = _rate(measures, segments)
    wanted = rate * (1 + lift_wanted)
    if not per_week or not rate or wanted >= 1:
        return {}
    for arms in designs:
        asked |= {"arms": len(arms), "deff": deff / VALUED_SHARE}
        each = int(np.ceil(arm_size(rate, wanted, **asked)))
        weeks = each * len(arms) / per_week
        if weeks <= LONGEST_WEEKS:
            break
    seen = _smallest_lift(rate, per_week * LONGEST_WEEKS / len(arms), **asked)
    return {
        "drawn_hours": _write(arms),
        "n_arms": len(arms),
        "answer_rate": rate,
        "deff": deff,
        "n_per_arm": each,
        "n_pushes": each * len(arms),
        "n_users": sum(measures.n_users[segment] for segment in segments),
        "pushes_per_week": per_week,
        "weeks_needed": weeks,
        "lift_in_half_year": seen,
    }


def _write(arms: Arms) -> str:
    if all(len(arm) == 1 for arm in arms):
        return ", ".join(times(hour for arm in arms for hour in arm))
    return " / ".join(", ".join(times(arm)) for arm in arms)


def _rate(measures: Measures, segments: Sequence[str]) -> float:
    """Give the share answered of the drawn pushes, or of all planned where none was drawn."""
    places = [measures.segments.index(segment) for segment in segments]
    drawn = measures.logged.of(np.isin(measures.segment, places))
    if drawn.n.sum():
        return float(drawn.answered.sum() / drawn.n.sum())
    own = measures.planned[measures.planned["segment"].isin(segments)]
    return float(own["answered"].sum() / max(own["n"].sum(), 1))


def _smallest_lift(rate: float, each: float, **asked: Any) -> float:
    """Give the smallest lift of an arm that is found with `each` pushes per arm, or NaN."""

    def needed(lift: float) -> float:
        return arm_size(rate, rate * (1 + lift), **asked)

    return smallest_found(needed, each, most=(1 / rate - 1) * (1 - 1e-9))


def _known(found: Values, segment: str) -> tuple[str, float]:
    """Give the verdict on a segment, and its design effect: where unknown, that of the others."""
    if found.refused:
        return "unread", 1.0
    own = list(each_row(found.segments[found.segments["segment"] == segment]))
    effects = [*(row.deff for row in own), found.segments["deff"].median()]
    known = [deff for deff in effects if not pd.isna(deff)]
    return own[0].verdict if own else "", float(known[0]) if known else 1.0


def _valued(found: Values, segment: str) -> set[int]:
    if found.refused:
        return set()
    curve = found.curves
    return set(curve["hour"][(curve["segment"] == segment) & (curve["refused"] == "")])


def _leading(found: Values, segment: str) -> list[int]:
    curve = found.curves
    return list(map(int, curve["hour"][(curve["segment"] == segment) & curve["not_worse"]]))


def _candidates(measures: Measures) -> list[int]:
    """Give the hours for which pushes are planned at all; the hours of the day where it is one."""
    planned = measures.planned.groupby("hour")["n"].sum()
    meant = planned.index[planned >= _STRAY * planned.sum()]
    return [int(hour) for hour in meant] if len(meant) > 1 else list(DAYTIME)
