"""Lay out when to send to whom, to be handed over."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.policy import Measures, Values
from siyu.studies.push_timing.policy.sentences import times
from siyu.studies.tables import each_row


def plan(
    measures: Measures, found: Values, *, value_per_click_cny: float | None = None
) -> pd.DataFrame:
    """Lay out the schedule: one row per segment.

    Args:
        measures: the reduced tables.
        found: from `estimate`.
        value_per_click_cny: worth of an answer in yuan, above 0; None: not valued.

    Returns:
        `segment`; `verdict` as in `Values.segments`, or "unread" where no value could be read;
        `hours`, those not worse than the best; `set_lift` against as now of sending evenly over
        them, with an interval that holds although they were chosen on the same pushes; `hand_lift`
        the same against the hours planned without lots; `n_pushes`
        to `n_users` behind it; `drawn_pushes_per_week` planned on average whose hour was drawn, and
        `value_per_week_cny`, what `hours` would add on them, with its interval; `pushes_per_week`
        planned lately, drawn or not, and `all_value_per_week_cny`, the gain on those, of which some
        are planned without lots: right if who is not drawn answers alike; `evidence`.

    Raises:
        PushError: the value of a click is not above 0.
    """
    if value_per_click_cny is not None and not value_per_click_cny > 0:
        raise PushError(f"value_per_click_cny = {value_per_click_cny} must be above 0; or None")
    recent = measures.planned.groupby("segment")["n_recent"].sum() / measures.recent_weeks
    rows = []
    for place, segment in enumerate(measures.segments):
        own = measures.logged.of(measures.segment == place)
        row: dict[str, Any] = {
            "segment": segment,
            "verdict": "unread",
            "n_pushes": int(own.n.sum()),
            "n_users": int((own.total > 0).sum()),
            "drawn_pushes_per_week": own.n.sum() / measures.weeks,
            "pushes_per_week": recent.get(segment, 0.0),
            "evidence": "randomised",
        }
        rows.append(row if found.refused else row | _row(found, segment))
    table = pd.DataFrame(rows).reindex(columns=[*_COLUMNS, *_GAINS, "evidence"])
    price = np.nan if value_per_click_cny is None else value_per_click_cny
    for end in ("", "_lower", "_upper"):
        for whose, pushes in (("", "drawn_pushes_per_week"), ("all_", "pushes_per_week")):
            gain = table.pop(f"{whose}gain{end}") * price
            table[f"{whose}value_per_week_cny{end}"] = gain * table[pushes]
    return table[[*_COLUMNS, *_WORTH, "evidence"]]


_COLUMNS = (
    *("segment", "verdict", "hours", "set_lift", "set_lift_lower", "set_lift_upper"),
    *("hand_lift", "hand_lift_lower", "hand_lift_upper"),
    *("n_pushes", "n_users", "drawn_pushes_per_week", "pushes_per_week"),
)
_GAINS = tuple(f"{whose}gain{end}" for whose in ("", "all_") for end in ("", "_lower", "_upper"))
_WORTH = tuple(
    f"{whose}value_per_week_cny{end}" for whose in ("", "all_") for end in ("", "_lower", "_upper")
)


def _row(found: Values, segment: str) -> dict[str, Any]:
    (own,) = each_row(found.segments[found.segments["segment"] == segment])
    row: dict[str, Any] = {"verdict": own.verdict}
    if own.refused:
        return row
    curve = found.curves[found.curves["segment"] == segment]
    row["hours"] = ", ".join(times(curve.loc[curve["not_worse"], "hour"]))
    for end in ("", "_lower", "_upper"):
        row |= {f"{what}_lift{end}": getattr(own, f"{what}_lift{end}") for what in ("set", "hand")}
        row[f"gain{end}"] = getattr(own, f"set_difference{end}")
        row[f"all_gain{end}"] = getattr(own, f"all_difference{end}")
    return row
