"""Estimate the rate of answers per cell, shrunk, and say which cells were ever tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from siyu.stats.shrinkage import design_effect, shrink
from siyu.studies.naming import EVERYONE
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.heat.measures import HOURS, WEEKDAYS, Measures

FEWEST_USERS = 10
"""With fewer, how alike the pushes of one user are cannot be told."""
_WEEK = pd.MultiIndex.from_product([range(len(WEEKDAYS)), range(HOURS)], names=["weekday", "hour"])


@dataclass(frozen=True, kw_only=True)
class Rates:
    """How many sent pushes were answered; a description, not what an hour does.

    cells: one row per `segment`, `weekday` ("Mon" to "Sun") and `hour` (0 to 23) of sending:
        `n_pushes`, `state` ("enough", "few": hardly ever tried, "none": never), `answer_rate`
        shrunk towards what the other cells of the segment are like, with its interval; all of them
        NaN unless there is enough.
    hours: the same per `segment` ("all" is one) and `hour`, each shrunk within its segment.
    segments: one row per segment, "all" first: `n_users`, `n_pushes`, `deff` (design effect),
        `answer_rate` with its interval, clustered by user; NaN where under ten users were pushed.
    support: one row per `weekday` and `hour`: pushes drawn `by_lot`, and `not_by_lot`, with the
        state of each; of few users no number is given.
    min_pushes: sent pushes below which a cell was hardly ever tried.
    """

    cells: pd.DataFrame
    hours: pd.DataFrame
    segments: pd.DataFrame
    support: pd.DataFrame
    min_pushes: int

    @property
    def everyone(self) -> pd.DataFrame:
        """The hours of all segments together that were tried enough."""
        own = self.hours[self.hours["segment"] == EVERYONE]
        return own[own["state"] == "enough"]


def rates(measures: Measures, *, level: float, min_pushes: int = 30) -> Rates:
    """Estimate rates by cell, hour and segment, and what was ever tried.

    Cells are shrunk within their segment, towards the rate they have in common: which hours and
    weekdays are good is taken from each cell itself and not from a model of hours.

    Args:
        measures: the counts.
        level: coverage of the intervals, over the cells of a segment, between 0 and 1.
        min_pushes: a cell with fewer, or with fewer than `min_users` users, was hardly ever tried:
            it has no rate, at least 1.

    Raises:
        PushError: `min_pushes` is below 1.
    """
    if min_pushes < 1:
        raise PushError(f"min_pushes = {min_pushes} must be at least 1; use 30")
    names = np.array(measures.segments, dtype=object)
    counts = measures.counts.assign(segment=names[measures.counts["segment"]])
    everyone = counts.assign(segment=EVERYONE)
    several = measures.segments != (EVERYONE,)
    parts = [everyone, *(_each(counts, measures) if several else [])]
    hours = pd.Index(range(HOURS), name="hour")
    cells = [
        _shrunk(own, _WEEK, measures, level=level, min_pushes=min_pushes)
        for own in (parts[1:] or parts)
        if len(own)
    ]
    by_hour = [
        _shrunk(own, hours, measures, level=level, min_pushes=min_pushes)
        for own in parts
        if len(own)
    ]
    return Rates(
        cells=_joined(cells),
        hours=_joined(by_hour),
        segments=pd.DataFrame([_segment(own, measures, level=level) for own in parts if len(own)]),
        support=_support(counts, measures, min_pushes=min_pushes),
        min_pushes=min_pushes,
    )


def _each(counts: pd.DataFrame, measures: Measures) -> list[pd.DataFrame]:
    return [counts[counts["segment"] == name] for name in measures.segments]


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    columns = ["segment", "hour", "n_pushes", "state", "answer_rate", "ci_lower", "ci_upper"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _shrunk(
    counts: pd.DataFrame,
    index: pd.Index,
    measures: Measures,
    *,
    level: float,
    min_pushes: int,
) -> pd.DataFrame:
    """Shrink the cells of one segment; those hardly ever tried help, but are not shown."""
    by = list(map(str, index.names))
    total = counts.groupby(by)[["n_pushes", "answered"]].sum().reindex(index, fill_value=0)
    state = _state(counts, index, total["n_pushes"], measures, min_pushes=min_pushes)
    found = shrink(
        total["answered"], total["n_pushes"], level=level, deff=_design_effect(counts, by)
    )
    told = pd.DataFrame(
        {
            "n_pushes": total["n_pushes"].where(state != "few"),
            "state": state,
            **{
                name: np.where(state == "enough", value, np.nan)
                for name, value in (
                    ("answer_rate", found.rate),
                    ("ci_lower", found.ci_lower),
                    ("ci_upper", found.ci_upper),
                )
            },
        },
        index=index,
    ).reset_index()
    if "weekday" in told:
        told["weekday"] = np.array(WEEKDAYS)[told["weekday"]]
    told.insert(0, "segment", counts["segment"].iloc[0])
    return told


def _state(
    counts: pd.DataFrame, index: pd.Index, n: pd.Series, measures: Measures, *, min_pushes: int
) -> pd.Series:
    """Say of each cell whether it was tried enough: by so many pushes, and to so many users.

    Of a large pool a part of the users is counted: who is enough there is enough.
    """
    persons = counts[counts["person"] >= 0]
    users = persons.groupby(list(index.names))["person"].nunique().reindex(index, fill_value=0)
    enough = (n >= min_pushes) & (users >= measures.min_users)
    return pd.Series(np.select([enough, n > 0], ["enough", "few"], "none"), index=index)


def _design_effect(counts: pd.DataFrame, by: list[str]) -> float:
    persons = counts[counts["person"] >= 0]
    own = persons.groupby([*by, "person"])[["n_pushes", "answered"]].sum().reset_index()
    cell = own.groupby(by).ngroup() if by else np.zeros(len(own), dtype=int)
    return design_effect(own["answered"], own["n_pushes"], cell)


def _segment(counts: pd.DataFrame, measures: Measures, *, level: float) -> dict[str, object]:
    """Give the rate of one segment, clustered by user: as many fewer pushes as users are alike."""
    name = counts["segment"].iloc[0]
    n, answered = int(counts["n_pushes"].sum()), int(counts["answered"].sum())
    deff = _design_effect(counts, [])
    found = shrink([answered], [n], level=level, deff=deff)
    persons = counts.loc[counts["person"] >= 0, "person"].nunique()
    ends = [float(one[0]) for one in (found.rate, found.ci_lower, found.ci_upper)]
    rate, lower, upper = ends if persons >= FEWEST_USERS else [np.nan] * 3
    users = measures.n_users
    return {
        "segment": name,
        "n_users": sum(users.values()) if name == EVERYONE else users[name],
        "n_pushes": n,
        "deff": deff,
        "answer_rate": rate,
        "ci_lower": lower,
        "ci_upper": upper,
    }


def _support(counts: pd.DataFrame, measures: Measures, *, min_pushes: int) -> pd.DataFrame:
    """Count what was ever tried, of all segments together."""
    told = {}
    for name, own in (
        ("by_lot", counts[counts["is_drawn"]]),
        ("not_by_lot", counts[~counts["is_drawn"]]),
        ("either", counts),
    ):
        n = own.groupby(list(_WEEK.names))["n_pushes"].sum().reindex(_WEEK, fill_value=0)
        state = _state(own, _WEEK, n, measures, min_pushes=min_pushes)
        told[name] = n.where(state != "few")
        told[f"{name}_state"] = state
    table = pd.DataFrame(told).reset_index()
    # What is hidden of one could be had from the sum and the other.
    few = (table["by_lot_state"] == "few") | (table["not_by_lot_state"] == "few")
    table["either"] = table["either"].mask(few)
    table["weekday"] = np.array(WEEKDAYS)[table["weekday"]]
    return table
