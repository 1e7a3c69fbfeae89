"""Check that arms are as large as planned: of all who were drawn, by day, and by channel."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import xlogy

from siyu.stats.experiments import SUSPECT_RATIO_P, sample_ratio_pvalue
from siyu.stats.multiplicity import holm
from siyu.studies.lures.experiment import NOT_COUNTED, Experiment

PARTS = ("days", "channel")
FEWEST = 5
"""People whom the plan expects in the smallest arm, below which chi-square is not read."""


@dataclass(frozen=True, kw_only=True)
class Ratios:
    """Whether arms are as large as planned.

    table: one row per `kind` ("all": as drawn; "read": without those left out; "days", "channel")
        and `segment` ("" for all; the first day of a run of days; the channel): `n` people, `p`,
        and, of days and of channels, `p_holm` over the rows of the kind.
    arms: one row per `arm`: `n` as drawn, `share` and the `planned` one.
    since: where the reading is blocked, the day from which on shares differ most from those before.
    refused: as of the experiment, or "few" (too few people for a check), "".
    """

    table: pd.DataFrame
    arms: pd.DataFrame
    since: date | None
    refused: str

    @property
    def is_suspect(self) -> bool:
        """Whether the experiment must not be read."""
        overall = self.table[self.table["kind"].isin(("all", "read"))]
        return bool((overall["p"] < SUSPECT_RATIO_P).any())


def check_ratio(experiment: Experiment) -> Ratios:
    """Check how many people, or clusters where these were drawn, are in each arm.

    The check of all who were drawn, and the same without those left out, block every reading of the
    experiment below p = 0.001; those of days and of channels are warnings.

    Args:
        experiment: from `find_experiment`.
    """
    if experiment.refused in NOT_COUNTED:
        return _nothing(experiment.refused)
    whole, planned = _units(experiment), np.array(experiment.shares)
    if whole.sum() * planned.min() < FEWEST:
        return _nothing("few")
    rows = [("all", "", whole)]
    if len(experiment.left_out) and not experiment.is_clustered:
        rows.append(("read", "", whole - _sizes(experiment, experiment.left_out)))
    rows += _parts(experiment)
    table = pd.DataFrame(
        [(*row[:2], row[2].sum(), sample_ratio_pvalue(row[2], planned)) for row in rows],
        columns=["kind", "segment", "n", "p"],
    )
    table["p_holm"] = np.nan
    for kind in PARTS:
        own = table["kind"] == kind
        table.loc[own, "p_holm"] = holm(table.loc[own, "p"])
    found = Ratios(
        table=table,
        arms=pd.DataFrame(
            {"arm": experiment.arms, "n": whole, "share": whole / whole.sum(), "planned": planned}
        ),
        since=None,
        refused="",
    )
    return replace(found, since=_break(experiment)) if found.is_suspect else found


def find_suspect(experiment: Experiment) -> bool:
    """Tell whether arms are not as large as planned, so that nothing of it may be read."""
    return check_ratio(experiment).is_suspect


def _sizes(experiment: Experiment, counts: pd.DataFrame) -> NDArray[np.int64]:
    n = np.bincount(counts["arm"], weights=counts["n"], minlength=len(experiment.arms))
    return n.astype(np.int64)


def _units(experiment: Experiment) -> NDArray[np.int64]:
    """Count what was drawn: clusters, or persons."""
    if not experiment.is_clustered:
        return _sizes(experiment, experiment.drawn)
    own = experiment.drawn[experiment.drawn["cluster"] >= 0]
    clusters = own[["arm", "cluster"]].drop_duplicates()
    return np.bincount(clusters["arm"], minlength=len(experiment.arms))


def _parts(experiment: Experiment) -> list[tuple[str, str, NDArray[np.int64]]]:
    """Count people by runs of days, and by channels, in which the plan expects enough."""
    if experiment.is_clustered or experiment.first_day is None:
        return []
    needed = max(FEWEST / min(experiment.shares), experiment.min_users)
    daily = count_daily(experiment)
    begins = _runs(daily.sum(axis=1), needed)
    rows = [
        ("days", str(experiment.first_day + timedelta(days=int(day))), sizes)
        for day, sizes in zip(begins, np.add.reduceat(daily, begins), strict=True)
    ]
    if experiment.drawn["channel"].min() < 0:
        return rows  # what is not known of all may be known of those who joined
    for code, name in enumerate(experiment.channels):
        sizes = _sizes(experiment, experiment.drawn[experiment.drawn["channel"] == code])
        if sizes.sum() >= needed:
            rows.append(("channel", name, sizes))
    return rows


def count_daily(experiment: Experiment) -> NDArray[np.int64]:
    """Count people as drawn, a row per day and a column per arm."""
    own, arms = experiment.drawn, len(experiment.arms)
    cell = own["day"] * arms + own["arm"]
    days = int(own["day"].max()) + 1
    counts = np.bincount(cell, weights=own["n"], minlength=days * arms)
    return counts.astype(np.int64).reshape(days, arms)


def _runs(n: NDArray[np.int64], needed: float) -> list[int]:
    """Part days into runs of at least so many people; the last one takes what is left."""
    begins, total = [0], 0
    for day, own in enumerate(n[:-1], start=1):
        total += int(own)
        if total >= needed and n[day:].sum() >= needed:
            begins.append(day)
            total = 0
    return begins


def _break(experiment: Experiment) -> date | None:
    """Find the day from which on the shares differ most from those before (likelihood ratio)."""
    if experiment.is_clustered or experiment.first_day is None:
        return None
    before = count_daily(experiment).cumsum(axis=0).astype(np.float64)
    if len(before) < 2:
        return None
    after = before[-1] - before
    fit = [_likelihood(before[day]) + _likelihood(after[day]) for day in range(len(before) - 1)]
    return experiment.first_day + timedelta(days=int(np.argmax(fit)) + 1)


def _likelihood(sizes: NDArray[np.float64]) -> float:
    return float(xlogy(sizes, sizes / max(sizes.sum(), 1.0)).sum())


def _nothing(refused: str) -> Ratios:
    table = pd.DataFrame(columns=["kind", "segment", "n", "p", "p_holm"])
    arms = pd.DataFrame(columns=["arm", "n", "share", "planned"])
    return Ratios(table=table, arms=arms, since=None, refused=refused)
