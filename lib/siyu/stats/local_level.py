"""A level that drifts from period to period, seen with noise: what comes next, and how surely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from siyu.stats.checks import FloatArray

RATIOS = np.array([0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0])
"""Variance of a step of the level, relative to that of the noise: from none to a random walk."""
FEWEST = 4
_NOTHING = 1e-12
"""With fewer periods drift cannot be told from noise at all."""


@dataclass(frozen=True, kw_only=True)
class LocalLevel:
    """What is known of the level at the end, for each ratio of drift to noise.

    weights: how likely each of `RATIOS` is. level: the mean. spread: its variance, relative to
    that of the noise. squares: what is left to explain; over `degrees`, the variance of the noise.
    floor: that variance at the least.
    """

    weights: FloatArray
    level: FloatArray
    spread: FloatArray
    squares: FloatArray
    degrees: int
    floor: float

    def draw(self, rng: np.random.Generator, *, sizes: ArrayLike, draws: int) -> FloatArray:
        """Draw what comes next, with all that is not known: drift, noise, level, and what falls.

        Args:
            rng: the stream of random numbers.
            sizes: length of each period to come, relative to a whole one: a shorter one is noisier.
            draws: how many.

        Returns:
            draws x periods.
        """
        lengths = np.asarray(sizes, dtype=np.float64)
        one = rng.choice(len(RATIOS), size=draws, p=self.weights)
        noise = self.squares[one] / rng.chisquare(self.degrees, draws)
        noise = np.sqrt(np.maximum(noise, self.floor))[:, None]
        shape = (draws, len(lengths))
        start = self.level[one] + noise[:, 0] * np.sqrt(self.spread[one]) * rng.normal(size=draws)
        steps = noise * np.sqrt(RATIOS[one])[:, None] * np.sqrt(lengths) * rng.normal(size=shape)
        luck = noise / np.sqrt(lengths) * rng.normal(size=shape)
        return np.asarray(start[:, None] + np.cumsum(steps, axis=1) + luck)


def fit_local_level(values: ArrayLike, *, floor: float) -> LocalLevel:
    """Learn a level that drifts by independent steps, and is seen with independent noise.

    The ratio of the two is not fixed at its likeliest value, which in a few dozen periods is often
    none at all: forecasts are averaged over all ratios, by the likelihood of each once level and
    noise are integrated out.

    Args:
        values: one per period, the latest last; at least four.
        floor: variance of the noise at the least, such as that of a count about its mean.

    Raises:
        ValueError: fewer than four values.

    Assumes normal steps and noise, on the scale of the values (such as logarithms of counts).
    Source: Harvey (1989), Forecasting, Structural Time Series Models, 4.3; flat in level, in the
    logarithm of the noise, and over the ratios listed.
    """
    seen = np.asarray(values, dtype=np.float64)
    n = len(seen)
    if n < FEWEST:
        raise ValueError(f"{n} values given; a level that drifts needs at least {FEWEST}")
    time = np.arange(1.0, n + 1)
    walk, ones = np.minimum.outer(time, time), np.ones(n)
    logs, levels, spreads, squares = (np.empty(len(RATIOS)) for _ in range(4))
    for place, ratio in enumerate(RATIOS):
        both = np.eye(n) + ratio * walk
        cov = ratio * time
        solved = np.linalg.solve(both, np.column_stack([ones, seen, cov]))
        weight = ones @ solved[:, 0]
        start = seen @ solved[:, 0] / weight
        left = seen - start
        squares[place] = max(float(left @ (solved[:, 1] - start * solved[:, 0])), _NOTHING)
        levels[place] = start + left @ solved[:, 2]
        spreads[place] = ratio * n - cov @ solved[:, 2] + (1 - cov @ solved[:, 0]) ** 2 / weight
        logs[place] = (
            -(np.linalg.slogdet(both)[1] + np.log(weight) + (n - 1) * np.log(squares[place])) / 2
        )
    weights = np.exp(logs - logs.max())
    return LocalLevel(
        weights=weights / weights.sum(),
        level=levels,
        spread=np.maximum(spreads, 0),
        squares=squares,
        degrees=n - 1,
        floor=floor,
    )
