"""Lay out when to send to whom, to be handed over, and the lots to draw next where that is open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from siyu.stats.power import arm_size
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.policy import Measures, Values
from siyu.studies.tables import each_row

DAYTIME = tuple(range(9, 22))
"""Hours for lots where pushes were planned for one hour only."""
HALF_YEAR_WEEKS = 26
"""What takes longer is told with what half a year would find."""
_STRAY = 0.01
"""Hours with a smaller share of the planned pushes were never meant."""


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
        `best_hour` (highest value), `hours` (those not worse than it); `lift` against as now of
        sending at the best hour, chosen on other users, with its interval, and `set_lift` of
        sending at all of `hours`, chosen likewise; `n` pushes of `n_users` behind it; `per_week`
        planned pushes whose hour was drawn; `value_per_week_cny`, what the best hour would add on
        them, with its interval; `evidence`.

    Raises:
        PushError: the value of a click is not above 0.
    """
    if value_per_click_cny is not None and not value_per_click_cny > 0:
        raise PushError(f"value_per_click_cny = {value_per_click_cny} must be above 0; or None")
    rows = []
    for place, segment in enumerate(measures.segments):
        own = measures.logged.of(measures.segment == place)
        row: dict[str, Any] = {
            "segment": segment,
            "verdict": "unread",
            "n": int(own.n.sum()),
            "n_users": int((own.total > 0).sum()),
            "per_week": own.n.sum() / measures.weeks,
            "evidence": "randomised",
        }
        rows.append(row if found.refused else row | _row(found, segment, row["per_week"]))
    table = pd.DataFrame(rows).reindex(columns=_COLUMNS)
    for end in ("", "_lower", "_upper"):
        gain = table.pop(f"gain{end}")
        worth = np.nan if value_per_click_cny is None else value_per_click_cny
        table[f"value_per_week_cny{end}"] = gain * worth
    return table


def plan_lots(
    measures: Measures,
    found: Values,
    *,
    level: float,
    lift_wanted: float = 0.2,
    power: float = 0.8,
) -> pd.DataFrame:
    """Plan the lots to draw next: one row per segment whose best hour is not clear.

    Every hour gets the same chance; each is then compared with all others, Holm over the hours.

    Args:
        measures: the reduced tables.
        found: from `estimate`.
        level: as there.
        lift_wanted: by how much more, relatively, an hour must bring to be worth finding; above 0.
        power: chance that such an hour is found.

    Returns:
        `segment`; `reason` ("unread", "thin", "unclear", "none"); `hours` to draw from; `missing`,
        those of them that have no value yet; `rate` now, of all planned pushes; `deff`, 1 where it
        is not known; `n_per_hour` and `n_pushes` needed; `per_user_week` pushes are planned now for
        each of `n_users`, so that it takes `weeks`; `lift_in_half_year`, the smallest lift found
        with as many pushes as are planned in 26 weeks (NaN: none). Segments without an answer so
        far are left out: from a rate of 0 nothing can be planned.

    Raises:
        PushError: lift_wanted or power is out of range.
    """
    if not lift_wanted > 0:
        raise PushError(f"lift_wanted = {lift_wanted} must be above 0; use 0.2")
    if not 0 < power < 1:
        raise PushError(f"power = {power} must lie strictly between 0 and 1; use 0.8")
    hours = _candidates(measures)
    rows = []
    for segment in measures.segments:
        own = measures.planned[measures.planned["segment"] == segment]
        planned, answered = int(own["n"].sum()), int(own["answered"].sum())
        verdict, deff = _known(found, segment)
        missing = [hour for hour in hours if hour not in _valued(found, segment)]
        rate = answered / planned if planned else 0.0
        wanted = rate * (1 + lift_wanted)
        if (verdict == "clear" and not missing) or not rate or wanted >= 1:
            continue
        each = arm_size(rate, wanted, arms=len(hours), level=level, power=power, deff=deff)
        per_week = planned / measures.weeks
        rows.append(
            {
                "segment": segment,
                "reason": "thin" if verdict == "clear" else verdict,
                "hours": _listed(hours),
                "missing": _listed(missing),
                "rate": rate,
                "deff": deff,
                "n_per_hour": int(np.ceil(each)),
                "n_pushes": int(np.ceil(each)) * len(hours),
                "n_users": measures.n_users[segment],
                "per_user_week": per_week / measures.n_users[segment],
                "weeks": np.ceil(each) * len(hours) / per_week,
                "lift_in_half_year": _smallest_lift(
                    rate,
                    per_week * HALF_YEAR_WEEKS / len(hours),
                    arms=len(hours),
                    level=level,
                    power=power,
                    deff=deff,
                ),
            }
        )
    return pd.DataFrame(rows, columns=list(_LOTS))


_LOTS = (
    *("segment", "reason", "hours", "missing", "rate", "deff", "n_per_hour", "n_pushes"),
    *("n_users", "per_user_week", "weeks", "lift_in_half_year"),
)
_COLUMNS = (
    *("segment", "verdict", "best_hour", "hours", "lift", "lift_lower", "lift_upper"),
    *("set_lift", "set_lift_lower", "set_lift_upper", "n", "n_users", "per_week"),
    *("gain", "gain_lower", "gain_upper", "evidence"),
)


def _row(found: Values, segment: str, per_week: float) -> dict[str, Any]:
    (own,) = each_row(found.segments[found.segments["segment"] == segment])
    row: dict[str, Any] = {"verdict": own.verdict}
    if own.refused:
        return row
    curve = found.curves[found.curves["segment"] == segment]
    row["best_hour"] = int(curve["hour"].to_numpy()[np.nanargmax(curve["value"])])
    row["hours"] = _listed(curve.loc[curve["not_worse"], "hour"])
    for end in ("", "_lower", "_upper"):
        row[f"lift{end}"] = getattr(own, f"best_lift{end}")
        row[f"set_lift{end}"] = getattr(own, f"good_lift{end}")
        row[f"gain{end}"] = getattr(own, f"best_difference{end}") * per_week
    return row


def _smallest_lift(rate: float, each: float, **asked: Any) -> float:
    """Give the smallest lift of an hour that is found with `each` pushes per hour, or NaN."""

    def lacking(lift: float) -> float:
        return arm_size(rate, rate * (1 + lift), **asked) - each

    most = (1 / rate - 1) * (1 - 1e-9)
    if lacking(most) > 0:
        return np.nan
    return float(brentq(lacking, most * 1e-6, most))


def _known(found: Values, segment: str) -> tuple[str, float]:
    """Give the verdict on a segment, and its design effect: where unknown, that of the others."""
    if found.refused:
        return "unread", 1.0
    (own,) = each_row(found.segments[found.segments["segment"] == segment])
    others = found.segments["deff"].median()
    known = [deff for deff in (own.deff, others) if not pd.isna(deff)]
    return own.verdict, float(known[0]) if known else 1.0


def _valued(found: Values, segment: str) -> set[int]:
    if found.refused:
        return set()
    curve = found.curves
    return set(curve["hour"][(curve["segment"] == segment) & (curve["refused"] == "")])


def _candidates(measures: Measures) -> list[int]:
    """Give the hours for which pushes are planned at all; the hours of the day where it is one."""
    planned = measures.planned.groupby("hour")["n"].sum()
    meant = planned.index[planned >= _STRAY * planned.sum()]
    return [int(hour) for hour in meant] if len(meant) > 1 else list(DAYTIME)


def _listed(hours: Any) -> str:
    """Write hours as in a table of files: 9, 12-14, 20."""
    parts: list[list[int]] = []
    for hour in sorted(int(one) for one in hours):
        if parts and parts[-1][-1] == hour - 1:
            parts[-1] = [parts[-1][0], hour]
        else:
            parts.append([hour])
    return ", ".join("-".join(map(str, part)) for part in parts)
