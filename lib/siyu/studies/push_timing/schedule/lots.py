"""Plan the lots to draw next, where the hours of a segment are not settled."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.policy import Measures, Values
from siyu.studies.push_timing.policy.sentences import times
from siyu.studies.push_timing.schedule.power import distance_needed, lift_found, pushes_needed
from siyu.studies.tables import each_row

DAYTIME = tuple(range(9, 22))
"""Hours for lots where pushes were planned for one hour only."""
LONGEST_WEEKS = 26
"""Half a year: where all hours take longer, a few that lie apart are drawn."""
POOLED = "(all unsettled)"
"""All segments together that are not settled."""
_FEW = 3
_STRAY = 0.01
"""Hours with a smaller share of the planned pushes were never meant."""
_COLUMNS = (
    *("segment", "reason", "drawn_hours", "n_hours", "missing", "answer_rate", "deff"),
    *("n_pushes", "n_users", "pushes_per_week", "weeks_needed", "lift_in_half_year"),
)


def plan_lots(
    measures: Measures,
    found: Values,
    *,
    level: float,
    lift_wanted: float = 0.2,
    power: float = 0.8,
) -> pd.DataFrame:
    """Plan the lots to draw next: one row per segment whose best hours are not clear.

    Every hour gets the same chance; where that takes more than half a year, only three that lie
    apart do, one of the leading ones among them. The lots are as many as it takes for the verdict
    of `estimate` on the segment to be "clear" (see `distance_needed`).

    Args:
        measures: the reduced tables.
        found: from `estimate`.
        level: as there.
        lift_wanted: by how much more, relatively, an hour (or all those that lead) must bring to be
            worth finding; above 0.
        power: chance that it is found.

    Returns:
        `segment`, the last being all together where there are several; `reason` ("unread", "thin",
        "leads", "unclear", "none", "pooled"); the `n_hours` hours to be drawn, `drawn_hours`;
        `missing`, hours that have no value yet; `answer_rate` of the pushes drawn so far (where
        none was: planned); `deff`, 1 where it is not known; `n_pushes` needed; `pushes_per_week`
        planned lately for `n_users`, so that it takes `weeks_needed`; `lift_in_half_year`, the
        smallest lift found with as many pushes as are planned in 26 weeks (NaN: none). Segments
        without an answer so far, or without pushes lately, are left out: from a rate of 0 nothing
        can be planned.

    Raises:
        PushError: lift_wanted or power is out of range.
    """
    if not lift_wanted > 0:
        raise PushError(f"lift_wanted = {lift_wanted} must be above 0; use 0.2")
    if not 0 < power < 1:
        raise PushError(f"power = {power} must lie strictly between 0 and 1; use 0.8")
    asked = {"lift_wanted": lift_wanted, "level": level, "power": power}
    asked |= {"comparisons": len(measures.segments)}
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
        row |= _size(measures, [segment], hours, leading, deff=deff, **asked)
        rows.append(row)
        if verdict not in ("clear", "alike"):
            unsettled.append(segment)
    if len(unsettled) > 1:
        row = {"segment": POOLED, "reason": "pooled", "missing": ""}
        deff = _known(found, POOLED)[1]
        asked["comparisons"] = 1
        rows.append(row | _size(measures, unsettled, hours, [], deff=deff, **asked))
    return pd.DataFrame([row for row in rows if "weeks_needed" in row], columns=list(_COLUMNS))


def _size(
    measures: Measures,
    segments: Sequence[str],
    hours: list[int],
    leading: list[int],
    *,
    deff: float,
    lift_wanted: float,
    **asked: Any,
) -> dict[str, Any]:
    """Size the draw of all hours, or of a few where that takes over half a year; {} if none can."""
    planned = measures.planned[measures.planned["segment"].isin(segments)]
    per_week = planned["n_recent"].sum() / measures.recent_weeks
    rate = _rate(measures, segments)
    wanted = rate * (1 + lift_wanted)
    if not per_week or not rate or wanted >= 1:
        return {}
    for drawn in (hours, _few(hours, leading)):
        many = len(drawn)
        better = len(set(leading) & set(drawn)) or 1
        distance = distance_needed((1 / many,) * many, better=better, **asked)
        needed = pushes_needed(rate, wanted, distance, hours=many, deff=deff)
        if needed <= LONGEST_WEEKS * per_week:
            break
    return {
        "drawn_hours": ", ".join(times(drawn)),
        "n_hours": many,
        "answer_rate": rate,
        "deff": deff,
        "n_pushes": needed,
        "n_users": sum(measures.n_users[segment] for segment in segments),
        "pushes_per_week": per_week,
        "weeks_needed": needed / per_week,
        "lift_in_half_year": lift_found(
            rate, per_week * LONGEST_WEEKS, distance, hours=many, deff=deff
        ),
    }


def _few(hours: list[int], leading: list[int]) -> list[int]:
    """Pick hours that lie apart, the best of those that lead among them."""
    first, others = leading[:1], [hour for hour in hours if hour not in leading]
    parts = np.array_split(others, _FEW - len(first))
    return sorted([*first, *(int(part[len(part) // 2]) for part in parts if len(part))])


def _rate(measures: Measures, segments: Sequence[str]) -> float:
    """Give the share answered of the drawn pushes, or of all planned where none was drawn."""
    places = [measures.segments.index(segment) for segment in segments]
    drawn = measures.logged.of(np.isin(measures.segment, places))
    if drawn.n.sum():
        return float(drawn.answered.sum() / drawn.n.sum())
    own = measures.planned[measures.planned["segment"].isin(segments)]
    return float(own["answered"].sum() / max(own["n"].sum(), 1))


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
    """Give the hours that lead, the best first."""
    curve = found.curves
    own = curve[(curve["segment"] == segment) & curve["not_worse"]]
    return list(map(int, own.sort_values("answer_rate", ascending=False, kind="stable")["hour"]))


def _candidates(measures: Measures) -> list[int]:
    """Give the hours for which pushes are planned at all; the hours of the day where it is one."""
    planned = measures.planned.groupby("hour")["n"].sum()
    meant = planned.index[planned >= _STRAY * planned.sum()]
    return [int(hour) for hour in meant] if len(meant) > 1 else list(DAYTIME)
