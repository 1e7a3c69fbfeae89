"""Say what the numbers mean: a sentence per result, for up, down, unclear and insufficient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pandas as pd

from siyu.formats import paragraph
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE, SMALL
from siyu.studies.retention.definition import Definition
from siyu.studies.retention.measures import Measures


def added_between(measures: Measures) -> dict[str, date]:
    """Give the first and the last day of the additions that count."""
    return {"first": measures.first, "last": measures.as_of}


def form(definition: Definition) -> str:
    """Name what staying is, as the phrases do."""
    if definition.retained_as == "connected":
        return "connected"
    return definition.kind


def too_little(measures: Measures, rated: pd.DataFrame) -> str:
    """Say why no rate can be given, or "" where one can."""
    if measures.n_added == 0:
        return phrase("retention.nobody", **added_between(measures))
    total = rated[(rated["segment"] == EVERYONE) & rated["k"].isin(measures.definition.days)]
    if total["rate"].isna().all():
        few = {"added": measures.n_added, "min_users": measures.min_users}
        return phrase("retention.too_little", **few)
    return ""


def say_day(
    definition: Definition, row: pd.Series, *, level: float, what: str = "headline", **named: str
) -> str:
    """Say how many came back, or are still connected, on one day; of all, or of a segment."""
    told = form(definition)
    if told == "connected" and definition.clock == "24h":
        told = "connected_24h"
    if told == "from" and definition.follow_days == 1:
        told = "on"
    return phrase(
        f"retention.{what}.{told}",
        n=row.at_risk,
        k=int(row.k),
        last_k=int(row.k) + definition.extra_days,
        rate=row.rate,
        **named,
        **interval(row, level),
    )


def say_retention(measures: Measures, rated: pd.DataFrame, *, level: float) -> str:
    """The headline: how many stayed on each day of the definition."""
    if reason := too_little(measures, rated):
        return reason
    total = rated[(rated["segment"] == EVERYONE) & rated["k"].isin(measures.definition.days)]
    told = total.dropna(subset=["rate"])
    days = [say_day(measures.definition, row, level=level) for _, row in told.iterrows()]
    last = total.iloc[-1]
    waiting = phrase("retention.waiting", waiting=last.waiting, k=int(last.k))
    return paragraph(*days, waiting if last.waiting else "")


def say_segments(compared: pd.DataFrame, *, by: Sequence[str], retained_as: str) -> str:
    """Say of which segments more or fewer come back, or stay connected, on the last day."""
    if compared.empty:
        return phrase("retention.segments.not_two")
    k = int(compared["k"].max())
    last = compared[(compared["k"] == k) & (compared["segment"] != SMALL)]
    higher = last.loc[last["verdict"] == "higher", "segment"].tolist()
    lower = last.loc[last["verdict"] == "lower", "segment"].tolist()[::-1]
    found = {(True, True): "both", (True, False): "higher", (False, True): "lower"}
    outcome = found.get((bool(higher), bool(lower)), "unclear")
    told = {"by": by, "k": k, "higher": higher, "lower": lower}
    return phrase(f"retention.segments.{retained_as}.{outcome}", **told)


def say_cohorts(cohorts: pd.DataFrame, averages: pd.DataFrame, *, retained_as: str) -> str:
    """Say what the finished cohorts have in common on the last day that one has lived through."""
    if averages.empty:
        return phrase("retention.cohorts.none")
    last = averages.iloc[-1]
    own = cohorts.loc[(cohorts["k"] == last.k) & (cohorts["state"] == "whole"), "rate"]
    return phrase(
        f"retention.cohorts.{retained_as}",
        k=int(last.k),
        weighted=last.weighted,
        n=int(last.n_cohorts),
        lowest=own.min(),
        highest=own.max(),
    )


def say_stay(stays: pd.DataFrame, p: float, *, horizon_days: int, level: float) -> str:
    """Say how long users stay connected, and whether segments differ (log-rank)."""
    total, own = stays.iloc[0], stays.iloc[1:].dropna(subset=["mean_days"])
    own = own[own["segment"] != SMALL]
    if pd.isna(total.mean_days):
        return phrase("retention.stay.nobody", horizon=horizon_days)
    if total.left == 0:
        return phrase("retention.stay.nobody_left")
    if pd.isna(total.ci_lower):
        return phrase("retention.stay.few", horizon=horizon_days, mean=total.mean_days)
    outcome = "everyone" if pd.isna(p) else "differ" if p <= 1 - level else "alike"
    ends = {}
    if outcome == "differ" and len(own) == 2:
        outcome, ordered = "differ_two", own.sort_values("mean_days")["segment"]
        ends = {"longest": ordered.iloc[-1], "shortest": ordered.iloc[0]}
    return phrase(
        f"retention.stay.{outcome}",
        horizon=horizon_days,
        mean=total.mean_days,
        **ends,
        **interval(total, level),
    )


def interval(row: pd.Series, level: float) -> Mapping[str, float]:
    """Give the ends of a row's interval, as the phrases call them."""
    return {"lower": row.ci_lower, "upper": row.ci_upper, "level": level}
