"""Forecast additions and kept members by touchpoint, by whichever forecast has done better."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray, normal_quantile
from siyu.stats.forecast_scores import Skill, skill, spread_factor, widen
from siyu.stats.intervals import wilson
from siyu.studies.naming import EVERYONE
from siyu.studies.targets.adds import Adds
from siyu.studies.targets.forecast.backtest import FEWEST_WEEKS, backtest
from siyu.studies.targets.forecast.days import (
    MARKS,
    PROMOTIONS,
    fit_effects,
    mark_days,
    tabulate_effects,
)
from siyu.studies.targets.forecast.model import (
    LAST_WEEKS,
    WEEK,
    begin_of,
    chunks_of,
    draw_model,
    draw_naive,
    sum_weeks,
)
from siyu.studies.targets.kept import kept_shares

DRAWS = 4000
FEWEST_PER_WEEK = 10
"""Additions a week, below which the logarithm of a week's count is no number to reckon with."""
FEWEST_ORIGINS = 5
Refusal = Literal["", "nobody", "short", "few", "long"]
_YEAR_DAYS = 364
_TESTED_LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What is to come, as draws and as tables.

    refused: why there is none, "" where there is one. weeks_seen: whole weeks of history.
    which: the forecast used. tested: whether it could be held against what came.
    widened: how many times as far from the median the draws of the total lie as the forecast alone
        would have them (`spread_factor` of the test); 1 where it held, or there was no test.
    adds, kept: draws x weeks x touchpoints; kept_share: draws x touchpoints. `kept` is None where
        nobody can be seen to leave.
    weeks: per week to come (`first`, `last`) and touchpoint ("all" too): `expected` additions with
        `ci_lower`, `ci_upper`, and `most` (the most in a whole week of the history).
    totals: per touchpoint ("all" last): `adds` and `kept` over all days to come with `_lower`,
        `_upper`, `before` (added in as many days before), and `state` ("new": first seen in the
        last four weeks; "ended": not seen in these; else "").
    history: per whole week (`last` day) what was `added`.
    tests: from `backtest`. scores: the `skill` for the total ("all") and for touchpoints one by one
        ("touchpoints"), and `coverage`: of the forecast used, per `level`, the share of origins
        whose total it held.
    effects: from `tabulate_effects`. unseen: marks of days to come that the history never had.
    whole_year: whether every season was seen. country: whose holidays count.
    """

    refused: Refusal
    weeks_seen: int
    which: Literal["model", "naive"] = "model"
    tested: bool = False
    widened: float = 1.0
    touchpoints: tuple[str, ...] = ()
    adds: FloatArray = field(default_factory=lambda: np.empty((0, 0, 0)), repr=False)
    kept: FloatArray | None = field(default=None, repr=False)
    kept_share: FloatArray | None = field(default=None, repr=False)
    weeks: pd.DataFrame = field(default_factory=pd.DataFrame)
    totals: pd.DataFrame = field(default_factory=pd.DataFrame)
    history: pd.DataFrame = field(default_factory=pd.DataFrame)
    tests: pd.DataFrame = field(default_factory=pd.DataFrame)
    scores: Mapping[str, Skill] = field(default_factory=dict)
    coverage: pd.DataFrame = field(default_factory=pd.DataFrame)
    effects: pd.DataFrame = field(default_factory=pd.DataFrame)
    unseen: tuple[str, ...] = ()
    whole_year: bool = False
    country: str = ""


def forecast(
    adds: Adds,
    *,
    holidays_country: str = "CN",
    promotions: Mapping[str, Sequence[str]] = PROMOTIONS,
    level: float,
    seed: int = 7,
) -> Forecast:
    """Forecast additions and kept members by touchpoint and week.

    Args:
        adds: from `count_adds`.
        holidays_country: whose holidays count, such as "CN"; "" for none.
        promotions: first and last day of each shopping festival, "MM-DD" or "YYYY-MM-DD".
        level: coverage of each interval, between 0 and 1.
        seed: of the random numbers.

    Returns:
        The forecast: of the model, unless the last weeks' mean with the errors it made before had
        the smaller pinball loss for the total. Where it was too sure in the test, the total is
        drawn as much further from its median, so that the chance of a target, and every interval,
        is as unsure as the test was; the test itself is of the forecast alone. Refused with fewer
        than eight weeks of history or ten additions a week, or where more days are to come than
        were seen.

    Raises:
        TargetError: a promotion that is no pair of days.
        CalendarError: the holidays of that country are not known.
    """
    normal_quantile(level)
    days = adds.definition.target_days
    counts = _daily(adds)
    begin = begin_of(counts)
    counts = counts[begin:]
    first = adds.begins + timedelta(days=begin)
    weekly = sum_weeks(counts)
    if reason := _why_not(adds, counts, weekly, days):
        return Forecast(refused=reason, weeks_seen=len(weekly))
    last = adds.as_of + timedelta(days=days)
    marks = mark_days(first, last, country=holidays_country, promotions=promotions)
    past, ahead = marks[: len(counts)], marks[len(counts) :]
    names = adds.touchpoints
    tests = backtest(counts, past, names=names, as_of=adds.as_of, days=days, seed=seed)
    scores = _scores(tests, days, level=level)
    tested = bool(scores) and scores[EVERYONE].n >= FEWEST_ORIGINS
    which: Literal["model", "naive"] = (
        "naive" if tested and scores[EVERYONE].value <= 0 else "model"
    )
    effects = fit_effects(counts.sum(axis=1), past)
    rng = np.random.default_rng(seed)
    drawn = (
        draw_naive(counts, days, rng=rng, draws=DRAWS)
        if which == "naive"
        else draw_model(counts, effects, past, ahead, rng=rng, draws=DRAWS)
    )
    widened = _spread(tests, which) if tested else 1.0
    if widened > 1:
        times = widen(drawn.sum(axis=(1, 2)), widened)[:, None, None]
        drawn = np.floor(drawn * times + rng.random(drawn.shape))
    shares = _draw_shares(adds, rng, level=level)
    kept = None if shares is None else _keep(drawn, shares, rng)
    unseen = (ahead.sum(axis=0) > 0) & (past.sum(axis=0) == 0)
    ends = [adds.as_of - timedelta(days=WEEK * back) for back in range(len(weekly))][::-1]
    return Forecast(
        refused="",
        weeks_seen=len(weekly),
        which=which,
        tested=tested,
        widened=widened,
        touchpoints=names,
        adds=drawn,
        kept=kept,
        kept_share=shares,
        weeks=_weeks(adds, drawn, weekly, level=level),
        totals=_totals(adds, drawn, kept, counts, level=level),
        history=pd.DataFrame({"last": ends, "added": weekly.sum(axis=1)}),
        tests=tests,
        scores=scores,
        coverage=_coverage(tests, which, days, level=level) if tested else pd.DataFrame(),
        effects=tabulate_effects(effects, z=normal_quantile(level)),
        unseen=tuple(np.array(MARKS)[unseen]),
        whole_year=len(counts) >= _YEAR_DAYS,
        country=holidays_country,
    )


def _spread(tests: pd.DataFrame, which: str) -> float:
    """Give by how much the forecast of the total was too sure."""
    own = tests[tests["touchpoint"] == EVERYONE]
    told = [own[f"{name}_{which}"] for name in ("median", "lower95", "upper95")]
    return spread_factor(own["actual"], *told, level=_TESTED_LEVEL)


def _daily(adds: Adds) -> FloatArray:
    """Lay additions out: days from the first to `as_of` x touchpoints."""
    on = [adds.begins + timedelta(days=n) for n in range((adds.as_of - adds.begins).days + 1)]
    table = adds.days.pivot_table(index="on", columns="touchpoint", values="added", aggfunc="sum")
    table = table.reindex(index=on, columns=list(adds.touchpoints)).fillna(0.0)
    return table.to_numpy(dtype=np.float64)


def _why_not(adds: Adds, counts: FloatArray, weekly: FloatArray, days: int) -> Refusal:
    if not adds.touchpoints:
        return "nobody"
    if len(weekly) < FEWEST_WEEKS:
        return "short"
    if days > len(counts):
        return "long"
    return "few" if weekly.sum() < FEWEST_PER_WEEK * len(weekly) else ""


def _draw_shares(adds: Adds, rng: np.random.Generator, *, level: float) -> FloatArray | None:
    """Draw the share kept, per touchpoint; one with too few takes that of all."""
    table = kept_shares(adds, level=level)
    everyone = table.iloc[-1]
    if not np.isfinite(everyone["share"]):
        return None
    rows = table.iloc[:-1]
    mean = rows["share"].fillna(everyone["share"]).to_numpy(dtype=np.float64)
    error = rows["error"].fillna(everyone["error"]).to_numpy(dtype=np.float64)
    mean = np.clip(mean, 1e-3, 1 - 1e-3)
    size = np.maximum(mean * (1 - mean) / error**2 - 1, 2.0)
    return rng.beta(mean * size, (1 - mean) * size, size=(DRAWS, len(rows)))


def _keep(drawn: FloatArray, shares: FloatArray, rng: np.random.Generator) -> FloatArray:
    return np.asarray(rng.binomial(drawn.astype(np.int64), shares[:, None, :]), dtype=np.float64)


def _range(drawn: FloatArray, level: float) -> tuple[float, float]:
    lower, upper = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def _weeks(adds: Adds, drawn: FloatArray, weekly: FloatArray, *, level: float) -> pd.DataFrame:
    both = np.concatenate([drawn, drawn.sum(axis=2, keepdims=True)], axis=2)
    most = np.append(weekly.max(axis=0), weekly.sum(axis=1).max())
    rows, first = [], adds.as_of + timedelta(days=1)
    for week, length in enumerate(chunks_of(adds.definition.target_days)):
        last = first + timedelta(days=length - 1)
        for place, name in enumerate((*adds.touchpoints, EVERYONE)):
            lower, upper = _range(both[:, week, place], level)
            mean = both[:, week, place].mean()
            rows.append((first, last, name, mean, lower, upper, most[place]))
        first = last + timedelta(days=1)
    columns = ["first", "last", "touchpoint", "expected", "ci_lower", "ci_upper", "most"]
    return pd.DataFrame(rows, columns=columns)


def _totals(
    adds: Adds, drawn: FloatArray, kept: FloatArray | None, counts: FloatArray, *, level: float
) -> pd.DataFrame:
    days = adds.definition.target_days
    rows = []
    for place, name in enumerate((*adds.touchpoints, EVERYONE)):
        own = slice(None) if name == EVERYONE else slice(place, place + 1)
        row: dict[str, float | str] = {"touchpoint": name}
        for what, told in (("adds", drawn), ("kept", kept)):
            found = [np.nan] * 3
            if told is not None:
                total = told[:, :, own].sum(axis=(1, 2))
                found = [float(total.mean()), *_range(total, level)]
            row |= dict(zip((what, f"{what}_lower", f"{what}_upper"), found, strict=True))
        late = counts[-LAST_WEEKS * WEEK :, own].sum()
        row["before"] = counts[-days:, own].sum()
        earlier = counts[: -LAST_WEEKS * WEEK, own].sum()
        row["state"] = "ended" if not late else "new" if not earlier else ""
        rows.append(row)
    return pd.DataFrame(rows)


def _scores(tests: pd.DataFrame, days: int, *, level: float) -> dict[str, Skill]:
    if tests.empty:
        return {}
    losses = ["loss_model", "loss_naive"]
    everyone = tests["touchpoint"] == EVERYONE
    overlap = len(chunks_of(days))
    return {
        name: skill(own["loss_model"], own["loss_naive"], overlap=overlap, level=level)
        for name, own in (
            (EVERYONE, tests[everyone]),
            ("touchpoints", tests[~everyone].groupby("origin")[losses].sum()),
        )
    }


def _coverage(tests: pd.DataFrame, which: str, days: int, *, level: float) -> pd.DataFrame:
    """Give how often the total lay in the interval; origins that overlap are no more than one."""
    own = tests[tests["touchpoint"] == EVERYONE]
    apart = max(len(own) // len(chunks_of(days)), 1)
    rows = []
    for name, nominal in (("in80", 0.8), ("in95", 0.95)):
        share = float(own[f"{name}_{which}"].mean())
        lower, upper = (float(end) for end in wilson(round(share * apart), apart, level=level))
        rows.append((nominal, share, min(lower, share), max(upper, share), len(own), apart))
    columns = ["level", "share", "ci_lower", "ci_upper", "origins", "apart"]
    return pd.DataFrame(rows, columns=columns)


def days_ahead(adds: Adds) -> tuple[date, date]:
    """Give the first and the last day to come."""
    return adds.as_of + timedelta(days=1), adds.as_of + timedelta(days=adds.definition.target_days)
