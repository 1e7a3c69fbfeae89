"""What marks a day, and what it does to additions: weekdays, holidays, shopping festivals."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import pandas as pd
from statsmodels.genmod.families import Poisson
from statsmodels.genmod.generalized_linear_model import GLM
from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

from siyu.stats.checks import FloatArray
from siyu.studies.calendar import KINDS, find_kinds, find_spring_festival
from siyu.studies.targets.definition import TargetError

PROMOTIONS: Mapping[str, Sequence[str]] = {
    "618": ("06-16", "06-18"),
    "双11": ("11-10", "11-11"),
    "双12": ("12-12", "12-12"),
}
"""First and last day of what comes back every year; what moves (年货节) has to be given by date."""
MARKS = (*KINDS[1:], "spring_festival", "promotion")
"""What a day can be besides a Monday; of the first ones (kinds of days) it is one at most."""
WEEKDAYS = 7
_BLOCK_DAYS = 28
_PRIOR_SD = 0.5
"""An effect that was never seen may still be there: in 95 of 100, a factor from 0.4 to 2.7."""
_DAY = r"(?:(\d{4})-)?(\d{2}-\d{2})"


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What marks of a day do to the logarithm of additions, relative to a Monday.

    values and covariance: of MARKS. seen: days with each mark. dispersion: variance of a day's
    additions, relative to their mean.
    """

    values: FloatArray
    covariance: FloatArray
    seen: FloatArray
    dispersion: float

    def factors(self, marks: FloatArray, values: FloatArray | None = None) -> FloatArray:
        """Give each day's factor (last axis), relative to the mean of the seven weekdays."""
        own = self.values if values is None else values
        plain = (1 + np.exp(own[..., : WEEKDAYS - 1]).sum(axis=-1)) / WEEKDAYS
        return np.asarray(np.exp(own @ marks.T) / plain[..., None])

    def draw(self, rng: np.random.Generator, *, draws: int) -> FloatArray:
        """Draw the effects: draws x MARKS."""
        return rng.multivariate_normal(self.values, self.covariance, size=draws, method="cholesky")


def mark_days(
    first: date, last: date, *, country: str, promotions: Mapping[str, Sequence[str]]
) -> FloatArray:
    """Say of each day from the first to the last what marks it: days x MARKS, 0 or 1.

    Args:
        first: first day.
        last: last day, not before the first.
        country: whose holidays count, such as "CN"; "" for none.
        promotions: first and last day of each, "MM-DD" (every year) or "YYYY-MM-DD".

    Raises:
        TargetError: a promotion that is no such pair.
        CalendarError: the holidays of that country are not known.
    """
    kinds = find_kinds(first, last, country=country).days
    on, codes = list(kinds["on"]), kinds["kind"].to_numpy()
    marks = np.zeros((len(on), len(MARKS)))
    spring = set(find_spring_festival(first, last, country=country))
    promoted = {day for name, span in promotions.items() for day in _span(name, span, first, last)}
    for place, (day, code) in enumerate(zip(on, codes, strict=True)):
        if day in spring:
            marks[place, MARKS.index("spring_festival")] = 1
        elif code > 0:
            marks[place, code - 1] = 1
        marks[place, MARKS.index("promotion")] = day in promoted
    return marks


def _span(name: str, span: Sequence[str], first: date, last: date) -> list[date]:
    found = [re.fullmatch(_DAY, str(one)) for one in span]
    years = {match[1] is not None for match in found if match}
    if len(span) != 2 or None in found or len(years) != 1:
        raise TargetError(
            f"promotions: {name!r} = {list(span)} must be a first and a last day, both 'MM-DD' or "
            "both 'YYYY-MM-DD', such as ['11-10', '11-11']"
        )
    days = []
    for year in range(first.year, last.year + 1):
        try:
            begin, end = (
                date.fromisoformat(one if years == {True} else f"{year}-{one}") for one in span
            )
        except ValueError:
            raise TargetError(f"promotions: {name!r} = {list(span)} is no day of a year") from None
        days += [begin + timedelta(days=after) for after in range((end - begin).days + 1)]
    return [day for day in days if first <= day <= last]


def fit_effects(counts: FloatArray, marks: FloatArray) -> Effects:
    """Learn what marks do, from days compared with others of the same four weeks.

    A quasi-Poisson model with a level of its own for every block of 28 days (counted back from the
    last day), so that growth is not taken for a holiday. Each effect is drawn towards none by a
    prior that halves or doubles at most: otherwise a mark of one or two days would be anything.

    Args:
        counts: additions per day, the latest last; not all 0.
        marks: from `mark_days`, of the same days.

    Assumes effects that are the same for all touchpoints and in all years. Source: McCullagh and
    Nelder (1989), Generalized Linear Models, 6.2; the prior as added rows, Greenland (2007), Stat.
    Med. 26: of w and the mean w exp(effect), which has its mode at no effect and the variance 1/w.
    """
    n, width = marks.shape
    block = np.minimum((n - 1 - np.arange(n)) // _BLOCK_DAYS, max(n // _BLOCK_DAYS - 1, 0))
    total = pd.Series(counts).groupby(block).transform("sum").to_numpy()
    used = total > 0
    blocks = pd.get_dummies(block[used]).to_numpy(dtype=np.float64)
    design = np.hstack([blocks, marks[used]])
    prior = np.hstack([np.zeros((width, blocks.shape[1])), np.eye(width)])
    both = np.vstack([design, prior])
    dispersion = 1.0
    for _ in range(2):
        # Twice: the prior is as strong as meant only once the dispersion is known.
        rows = np.full(width, dispersion / _PRIOR_SD**2)
        with warnings.catch_warnings():
            # Counts that never vary; the added rows identify every effect all the same.
            warnings.simplefilter("ignore", PerfectSeparationWarning)
            fitted = GLM(
                np.concatenate([counts[used], rows]),
                both,
                family=Poisson(),
                offset=np.concatenate([np.zeros(used.sum()), np.log(rows)]),
            ).fit()
        mean = fitted.mu[: used.sum()]
        freedom = max(used.sum() - blocks.shape[1] - int((marks[used].sum(axis=0) > 0).sum()), 1)
        dispersion = max(float(((counts[used] - mean) ** 2 / mean).sum() / freedom), 1.0)
    own = slice(blocks.shape[1], None)
    return Effects(
        values=fitted.params[own],
        covariance=fitted.normalized_cov_params[own, own] * dispersion,
        seen=marks.sum(axis=0),
        dispersion=dispersion,
    )


def tabulate_effects(effects: Effects, *, z: float) -> pd.DataFrame:
    """Lay the effects out: one row per mark, `ratio` to the mean weekday with its interval.

    Args:
        effects: from `fit_effects`.
        z: errors that an interval reaches.

    Returns:
        `day_kind`, `n_days` (seen), `ratio`, `ci_lower`, `ci_upper`; a promotion is relative to the
        same day without.
    """
    weekly = np.exp(np.append(0.0, effects.values[: WEEKDAYS - 1]))
    slope = -weekly[1:] / weekly.sum()
    names, rows = ("monday", *MARKS), []
    for place, name in enumerate(names):
        along = np.zeros(len(MARKS))
        if name != "promotion":
            along[: WEEKDAYS - 1] = slope
        if place:
            along[place - 1] += 1
        value = float(effects.values[place - 1]) if place else 0.0
        if name != "promotion":
            value -= float(np.log(weekly.mean()))
        half = z * float(np.sqrt(along @ effects.covariance @ along))
        seen = effects.seen[place - 1] if place else np.nan
        rows.append((name, seen, *np.exp([value, value - half, value + half])))
    return pd.DataFrame(rows, columns=["day_kind", "n_days", "ratio", "ci_lower", "ci_upper"])
