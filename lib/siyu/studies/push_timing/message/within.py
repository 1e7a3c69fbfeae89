"""Compare what users answer with what the same users answer when sent otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import t

from siyu.stats.checks import FloatArray

FEWEST = 10
"""Users with several pushes, and answers of each kind of push, without which nothing is told."""
_ALIKE = 1e-6
"""Of the variance of a flag: with less left, something else always goes with it."""


def compare(
    rows: pd.DataFrame, column: str, *, reference: str, controls: Sequence[str], level: float
) -> pd.DataFrame:
    """Compare the levels of a column within users by a linear probability model.

    Only what differs between the pushes of one user counts: who is sent what falls out. Levels are
    flags, and so are those of the controls.

    Args:
        rows: one row per push: `user`, `answered` (0 or 1), the column and the controls.
        column: what is compared.
        reference: the level of it with which the others are compared.
        controls: columns adjusted for.
        level: coverage of the intervals, between 0 and 1.

    Returns:
        One row per level, the reference first: `level`, `adjusted_rate` (what all pushes compared
        would have brought if all were of that level), `difference` from and `ratio` to that of the
        reference, each with its interval (`…_lower`, `…_upper`), `p` of no difference, and
        `refused`: "few" (under ten answers, or users with several pushes), "same" (something else
        always goes with it), or "". Of a level that is refused all numbers are NaN; where the
        reference is, so are all. Clustered by user; the interval of a ratio is made on the
        logarithm.

    Source: within estimator with cluster-robust variance, Arellano (1987), Oxford Bull. 49,
    431-434; ratios by the delta method. Held by `tests/simulation/test_push_message_coverage.py`.
    """
    user = pd.factorize(rows["user"])[0]
    several = (np.bincount(user) > 1)[user]
    rows, user = rows[several], pd.factorize(user[several])[0]
    which, found = pd.factorize(rows[column])
    levels = [reference, *sorted(set(found) - {reference})]
    answered = rows["answered"].to_numpy(dtype=float)
    answers = dict(zip(found, np.bincount(which, answered), strict=True))
    few = [answers.get(one, 0) < FEWEST for one in levels]
    if few[0] or len(levels) < 2 or user.max() + 1 < FEWEST:
        return _refused(levels, ["few"] * len(levels))
    place = {one: i for i, one in enumerate(found)}
    flags = np.column_stack([which == place[one] for one in levels[1:]]).astype(float)
    others = _flags(rows, controls)
    inner = _demeaned(np.column_stack([answered, flags, others]), user)
    width = 1 + flags.shape[1]
    free = _freed(inner[:, :width], inner[:, width:])
    y, x = free[:, 0], free[:, 1:]
    left, all_of_it = (x**2).sum(axis=0), (inner[:, 1:width] ** 2).sum(axis=0)
    same = left <= _ALIKE * np.maximum(all_of_it, 1)
    few_more = np.array(few[1:], dtype=bool)
    # A level too rare to be told is still no reference: its flag stays, only its number is kept.
    bread = np.linalg.pinv(x.T @ x, rcond=_ALIKE)
    slope = bread @ (x.T @ y)
    error = y - x @ slope
    n, groups = len(rows), int(user.max()) + 1
    influence = _sums(x * error[:, None], user) @ bread
    rate = float((answered - flags @ slope).mean())
    # Each user's part in the level of the reference: their own pushes, and the slopes' error.
    own = _sums((answered - flags @ slope - rate)[:, None] / n, user)[:, 0]
    own -= influence @ flags.mean(axis=0)
    told = _told(slope, rate, influence, own, t.ppf((1 + level) / 2, groups - 1), groups)
    told["p"] = np.append(np.nan, 2 * t.sf(np.abs(slope / _error(influence, groups)), groups - 1))
    is_told = np.append(True, ~same & ~few_more)
    shown = {name: np.where(is_told, values, np.nan) for name, values in told.items()}
    refused = np.append("", np.select([few_more, same], ["few", "same"], ""))
    return pd.DataFrame({"level": levels, **shown, "refused": refused})


def _told(
    slope: FloatArray,
    rate: float,
    influence: FloatArray,
    own: FloatArray,
    quantile: float,
    groups: int,
) -> dict[str, FloatArray]:
    """Lay out rates, differences and ratios with their intervals, the reference first."""
    slope = np.concatenate([[0.0], slope])
    influence = np.column_stack([np.zeros(len(own)), influence])
    rates = rate + slope
    half = quantile * _error(own[:, None] + influence, groups)
    told = {"adjusted_rate": rates, "rate_lower": rates - half, "rate_upper": rates + half}
    half = quantile * _error(influence, groups)
    told |= {"difference": slope, "ci_lower": slope - half, "ci_upper": slope + half}
    ratio = np.where(rates > 0, rates / rate, np.nan) if rate > 0 else np.full(len(slope), np.nan)
    log = (own[:, None] + influence) / np.where(rates > 0, rates, np.nan) - own[:, None] / rate
    half = np.exp(quantile * _error(log, groups))
    told |= {"ratio": ratio, "ratio_lower": ratio / half, "ratio_upper": ratio * half}
    return told


def _error(influence: FloatArray, groups: int) -> FloatArray:
    return np.asarray(np.sqrt((influence**2).sum(axis=0) * groups / (groups - 1)))


def _refused(levels: Sequence[str], why: Sequence[str]) -> pd.DataFrame:
    names = ["adjusted_rate", "rate_lower", "rate_upper", "difference", "ci_lower", "ci_upper"]
    names += ["ratio", "ratio_lower", "ratio_upper", "p"]
    return pd.DataFrame({"level": levels, **dict.fromkeys(names, np.nan), "refused": why})


def _flags(rows: pd.DataFrame, controls: Sequence[str]) -> FloatArray:
    parts = [pd.get_dummies(rows[name], drop_first=True, dtype=float) for name in controls]
    return np.column_stack([np.empty((len(rows), 0)), *parts])


def _demeaned(columns: FloatArray, user: NDArray[np.int64]) -> FloatArray:
    pushes = np.bincount(user)
    return columns - (_sums(columns, user) / pushes[:, None])[user]


def _sums(columns: FloatArray, user: NDArray[np.int64]) -> FloatArray:
    return np.column_stack([np.bincount(user, column) for column in columns.T])


def _freed(columns: FloatArray, others: FloatArray) -> FloatArray:
    """Take from columns what the others explain of them (Frisch and Waugh, 1933)."""
    if not others.shape[1]:
        return columns
    return columns - others @ (np.linalg.pinv(others.T @ others, rcond=1e-9) @ (others.T @ columns))
