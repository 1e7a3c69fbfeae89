"""Estimate what was received before does to the answer to a push."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from siyu.stats.checks import FloatArray
from siyu.stats.discrete_hazard import FEWEST_CLUSTERS, Link, chance_of, fit_hazard
from siyu.stats.multiplicity import holm
from siyu.studies.push_timing.frequency.measures import (
    DRAWN,
    MOST_SHOWN,
    OTHERS,
    OUTCOMES,
    Measures,
)

FEWEST_EVENTS = 10
"""Below as many answers of a kind a slope is mostly chance."""
_CURVE = (
    *("at", "n_pushes", "n_users", "events", "rate_crude", "answer_rate", "ci_lower", "ci_upper"),
    *("population", "outcome", "by"),
)
LINKS: dict[str, Link] = {"click": "log", "block": "cloglog", "leave": "cloglog"}
"""Clicks come again and again: ratios of chances. Who blocks or leaves is gone: a hazard."""


def curves(measures: Measures, *, level: float) -> pd.DataFrame:
    """Estimate the chance of each answer by what was received, and by the hours since the last.

    Rates are standardised to the weeks since the draw (or the addition) of all pushes of the
    population, since people newly added click more and have received little.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per `population`, `outcome`, `by` ("received", "gap") and `at` (number received, the
        last one or more; or index into GAPS): `n_pushes` of `n_users`, `events`, `rate_crude`, and
        `answer_rate` with its interval. Where fewer than min_users were pushed all but the place is
        missing, and without an event rate and interval. Of numbers that were not drawn as they
        should (see `slopes`) there are no rows.
    """
    rows = [
        _curve(rows, population, outcome, by, measures.min_users, level=level)
        for population, rows in _populations(measures)
        for outcome in OUTCOMES
        for by in ("received", "gap")
        if not (population == DRAWN and measures.is_suspect)
    ]
    return pd.concat(rows, ignore_index=True) if rows else pd.DataFrame(columns=_CURVE)


def slopes(measures: Measures, *, level: float) -> pd.DataFrame:
    """Estimate what one more push received on the 7 days before does to each answer.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1; verdicts are by Holm over the answers of
            a population.

    Returns:
        One row per `population` and `outcome`: `n_pushes` of `n_users`, `events`, `slope` (change
        of the logarithm of the chance, or of the hazard, with every push received) with its
        interval, `p`, `p_holm`, `verdict` ("rises", "falls", "unclear", "" where refused) and
        `refused` ("none": no such answer at all; "few": fewer than 10 of them, or users under
        min_users or 10; "alike": all had received as many; "unknown": nobody's leaving is
        recorded; "ratio": the numbers drawn have members as unequally as lots never give, so that
        somebody was lost or chosen on the way).
    """
    found = []
    for population, rows in _populations(measures):
        own = [
            {"population": population, **_slope(measures, rows, outcome, level=level)}
            for outcome in OUTCOMES
        ]
        table = pd.DataFrame(own)
        table["p_holm"] = holm(table["p"])
        found.append(table)
    table = pd.concat(found, ignore_index=True)
    clear = table["p_holm"] <= 1 - level
    table["verdict"] = np.select(
        [table["refused"] != "", clear & (table["slope"] > 0), clear],
        ["", "rises", "falls"],
        "unclear",
    )
    return table


def _populations(measures: Measures) -> list[tuple[str, pd.DataFrame]]:
    rows = measures.exposures
    there = [name for name in (DRAWN, OTHERS) if (rows["population"] == name).any()]
    return [(name, rows[rows["population"] == name]) for name in there or [OTHERS]]


def _trials(rows: pd.DataFrame, outcome: str) -> tuple[pd.DataFrame, str]:
    """Keep the pushes of which the answer is known, and name the column that counts them."""
    counted = "followed" if outcome == "leave" else "n"
    return rows[rows[counted] > 0], counted


def _slope(measures: Measures, rows: pd.DataFrame, outcome: str, *, level: float) -> dict[str, Any]:
    rows, counted = _trials(rows, outcome)
    n_users, events = int(rows["number"].nunique()), int(rows[outcome].sum())
    row = {
        "outcome": outcome,
        "n_pushes": int(rows[counted].sum()),
        "n_users": n_users,
        "events": events,
    }
    row |= dict.fromkeys(("slope", "ci_lower", "ci_upper", "p"), np.nan)
    refused = ""
    if measures.is_suspect and (rows["population"] == DRAWN).all():
        refused = "ratio"
    elif outcome == "leave" and not measures.has_leaving:
        refused = "unknown"
    elif not events:
        refused = "none"
    elif events < FEWEST_EVENTS or n_users < max(measures.min_users, FEWEST_CLUSTERS):
        refused = "few"
    elif rows["received"].nunique() < 2:
        refused = "alike"
    if refused:
        return row | {"refused": refused}
    received = rows["received"].to_numpy(dtype=np.float64)
    levels, place = np.unique(received, return_inverse=True)
    bands, band = _joined(rows, outcome)
    cell = place * bands + band
    design = np.column_stack(
        [np.repeat(levels, bands), np.tile(np.eye(bands), (len(levels), 1))],
    )
    fit = fit_hazard(
        design,
        cell=cell,
        trials=rows[counted],
        events=rows[outcome],
        cluster=rows["number"],
        link=LINKS[outcome],
    )
    slope, error = fit.coefficients[0], float(np.sqrt(fit.covariance[0, 0]))
    half = float(t.ppf((1 + level) / 2, fit.n_clusters - 1)) * error
    p = 2 * t.sf(abs(slope) / error, fit.n_clusters - 1)
    ends = {"slope": slope, "ci_lower": slope - half, "ci_upper": slope + half, "p": p}
    return row | {name: float(value) for name, value in ends.items()} | {"refused": ""}


def _joined(rows: pd.DataFrame, outcome: str) -> tuple[int, NDArray[np.int64]]:
    """Join each band of weeks with the next until enough answers came in it.

    Returns:
        How many there are, and the band of each row, from 0.
    """
    events = rows.groupby("band")[outcome].sum()
    joined, band, size = {}, 0, 0
    for one, count in events.items():
        if size >= FEWEST_EVENTS:
            band, size = band + 1, 0
        joined[one], size = band, size + count
    if size < FEWEST_EVENTS:  # what is left joins the band before it
        joined = {one: min(own, max(band - 1, 0)) for one, own in joined.items()}
    bands = np.asarray(rows["band"].map(joined), dtype=np.int64)
    return max(joined.values()) + 1, bands


def _curve(
    rows: pd.DataFrame, population: str, outcome: str, by: str, min_users: int, *, level: float
) -> pd.DataFrame:
    rows, counted = _trials(rows, outcome)
    at = rows[by].to_numpy(dtype=np.int64)
    if by == "received":
        at = np.minimum(at, _most(rows, min_users))
    table = (
        pd.DataFrame(
            {"at": at, "n_pushes": rows[counted], "events": rows[outcome], "number": rows["number"]}
        )
        .groupby("at")
        .agg(n_pushes=("n_pushes", "sum"), n_users=("number", "nunique"), events=("events", "sum"))
        .astype(np.float64)
    )
    table["rate_crude"] = table["events"] / table["n_pushes"]
    table[["answer_rate", "ci_lower", "ci_upper"]] = np.nan
    shown = table.index[(table["events"] > 0) & (table["n_users"] >= min_users)]
    inside = np.isin(at, shown)
    if rows.loc[inside, "number"].nunique() >= FEWEST_CLUSTERS:
        ends = _rates(
            rows[inside], outcome, counted, np.searchsorted(shown, at[inside]), level=level
        )
        table.loc[shown, ["answer_rate", "ci_lower", "ci_upper"]] = ends
    table.loc[table["n_users"] < min_users] = np.nan
    return table.reset_index().assign(population=population, outcome=outcome, by=by)


def _most(rows: pd.DataFrame, min_users: int) -> int:
    """Give the number received from which on they share a row, so that it shows no few users."""
    for most in range(MOST_SHOWN, 0, -1):
        if rows.loc[rows["received"] >= most, "number"].nunique() >= min_users:
            return most
    return 0


def _rates(
    rows: pd.DataFrame, outcome: str, counted: str, place: Any, *, level: float
) -> FloatArray:
    """Estimate the chance at each place, the weeks being those of all: rate, lower, upper."""
    bands, band = _joined(rows, outcome)
    places = int(place.max()) + 1
    first = np.repeat(np.eye(places), bands, axis=0)
    design = np.column_stack([first, np.tile(np.eye(bands)[:, 1:], (places, 1))])
    link = LINKS[outcome]
    fit = fit_hazard(
        design,
        cell=place * bands + band,
        trials=rows[counted],
        events=rows[outcome],
        cluster=rows["number"],
        link=link,
    )
    share = np.bincount(band, weights=rows[counted], minlength=bands)
    weight = np.repeat(np.eye(places), bands, axis=1) * np.tile(share / share.sum(), places)
    chance, slope = chance_of(design @ fit.coefficients, link=link)
    rate = weight @ chance
    gradient = (weight * slope) @ design / rate[:, None]
    error = np.sqrt(np.einsum("ij,jk,ik->i", gradient, fit.covariance, gradient))
    half = t.ppf((1 + level) / 2, fit.n_clusters - 1) * error
    return np.column_stack([rate, rate * np.exp(-half), np.minimum(rate * np.exp(half), 1)])
