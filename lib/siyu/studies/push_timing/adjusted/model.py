"""One model of what an hour does: a user's own pushes against each other, content and day alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from siyu.stats.checks import FloatArray
from siyu.stats.fixed_effects import (
    CollinearError,
    Contrast,
    FewClustersError,
    WithinFit,
    dummies,
    fit_within,
)

_ALIKE = ("content", "kind")
"""What is made alike, beside the user."""


@dataclass(frozen=True, kw_only=True)
class Model:
    """A fit whose last features are the levels studied, with none for the first level.

    fit: of the linear probability. n_levels: how many levels are studied. shares: of each among
    the pushes.
    """

    fit: WithinFit
    n_levels: int
    shares: FloatArray

    def levels(self) -> FloatArray:
        """Weigh the coefficients to the rate of each level, all else as it is on average."""
        width = len(self.fit.coefficients)
        weights = np.zeros((self.n_levels, width))
        others = width - self.n_levels  # features that are made alike
        weights[:, :others] = self.fit.means[:others]
        weights[1:, others:-1] = np.eye(self.n_levels - 1)
        weights[:, -1] = 1
        return weights

    def against_others(self) -> FloatArray:
        """Weigh the coefficients to the difference of each level from all others, as pushed."""
        levels = self.levels()
        return (levels - self.shares @ levels) / (1 - self.shares)[:, None]

    def ratio(self, first: FloatArray, second: FloatArray, *, level: float) -> Contrast:
        """Give the logarithm of the ratio of two rates that are weighed from the coefficients.

        By the delta method; not a number where a rate is not above 0, as a linear model allows.
        """
        rates = np.array([first, second]) @ self.fit.coefficients
        rates = np.where(rates > 0, rates, np.nan)
        found = self.fit.contrast(first / rates[0] - second / rates[1], level=level)
        log = np.atleast_1d(np.log(rates[0] / rates[1]))
        reach = (found.ci_upper - found.ci_lower) / 2
        p = self.fit.p_value(log, found.error)
        return Contrast(
            estimate=log, error=found.error, ci_lower=log - reach, ci_upper=log + reach, p=p
        )


@dataclass(frozen=True, kw_only=True)
class Comparable:
    """The levels that can be compared, and the model of them; or why there is none.

    rows: the pushes at levels that can be compared; kept: those levels, in order. apart: levels
    that nothing tells from what is made alike. model: None where fewer than two levels are left,
    or hardly any user has pushes at more than one.
    """

    rows: pd.DataFrame
    kept: tuple[int, ...]
    apart: tuple[int, ...]
    model: Model | None


def compare_levels(
    rows: pd.DataFrame, studied: str, kept: Sequence[int], *, alike: Sequence[str] = _ALIKE
) -> Comparable:
    """Compare levels of a column within users, with other columns made alike.

    Args:
        rows: one row per user (`number`) and alike pushes, with `n` and `k`, and the columns.
        studied: the column whose levels are compared.
        kept: its levels; rows with others are left out.
        alike: columns whose every value has an effect of its own.
    """
    apart: list[int] = []
    while True:
        kept = [level for level in kept if level not in apart]
        rows = rows[rows[studied].isin(kept)]
        model, unclear = _fit(rows, studied, kept, alike) if len(kept) > 1 else (None, [])
        if not unclear:
            return Comparable(rows=rows, kept=tuple(kept), apart=tuple(apart), model=model)
        apart += unclear


def plain(rows: pd.DataFrame, studied: str, kept: Sequence[int], *, within: bool) -> Model:
    """Compare levels with nothing made alike, within users or not even so.

    Args:
        rows: as kept by `compare_levels`.
        studied: the column whose levels are compared.
        kept: its levels.
        within: users are compared with themselves.
    """
    counts = rows.groupby(["number", studied], sort=False)[["n", "k"]].sum().reset_index()
    number = counts["number"].to_numpy()
    fit = fit_within(
        dummies(_place(counts[studied], kept), len(kept)),
        names=[str(level) for level in kept[1:]],
        n=counts["n"],
        total=counts["k"],
        group=number if within else np.zeros(len(number)),
        cluster=number,
    )
    return Model(fit=fit, n_levels=len(kept), shares=_shares(rows, studied, kept))


def _fit(
    rows: pd.DataFrame, studied: str, kept: Sequence[int], alike: Sequence[str]
) -> tuple[Model | None, list[int]]:
    """Fit, without what says nothing of its own; name levels studied that say nothing either."""
    names, blocks = [], []
    for column in alike:
        levels = np.unique(rows[column])
        blocks.append(dummies(_place(rows[column], levels.tolist()), len(levels)))
        names += [f"{column} {level}" for level in levels[1:]]
    blocks.append(dummies(_place(rows[studied], kept), len(kept)))
    names += [f"studied {level}" for level in kept[1:]]
    features, number = csr_array(hstack(blocks, format="csr")), rows["number"].to_numpy()
    while True:
        try:
            fit = fit_within(
                features,
                names=names,
                n=rows["n"],
                total=rows["k"],
                group=number,
                cluster=number,
            )
        except FewClustersError:
            return None, []
        except CollinearError as error:
            own = [level for level in kept if f"studied {level}" in error.columns]
            if own:
                return None, own
            left = [i for i, name in enumerate(names) if name not in error.columns]
            features, names = features[:, left], [names[i] for i in left]
            continue
        shares = _shares(rows, studied, kept)
        return Model(fit=fit, n_levels=len(kept), shares=shares), []


def _place(values: pd.Series, levels: Sequence[int]) -> NDArray[np.int64]:
    return np.searchsorted(np.asarray(levels), values.to_numpy())


def _shares(rows: pd.DataFrame, studied: str, kept: Sequence[int]) -> FloatArray:
    sums = rows.groupby(studied)["n"].sum().reindex(list(kept)).to_numpy(dtype=np.float64)
    return np.asarray(sums / sums.sum())
