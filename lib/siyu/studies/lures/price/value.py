"""Value arms by what one who stays is worth, and find where another arm becomes the best."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2
from scipy.stats import t as student

from siyu.stats.best import compare_with_best
from siyu.stats.clusters import Means
from siyu.stats.fieller import ratio_of_differences
from siyu.stats.many_to_one import chance_best
from siyu.stats.multiplicity import bonferroni_level

_STEPS = 81
_TWICE, _MOST_TIMES = 2, 10


@dataclass(frozen=True, kw_only=True)
class Worth:
    """What arms are worth per person assigned: who stays times the value, less what is spent.

    net: one row per `arm`: `net_cny` at `value_cny` with an interval, `gap_cny` to the best of the
        others, both with intervals that hold for all arms at once, `is_candidate` (not clearly
        worse than the best) and `chance` that it is the best, by what was found alone.
    curve: one row per `value_cny` (of one who stays) and `arm`: `chance` as above, and `ahead_cny`:
        how much more it is worth than the reference, with a band that holds for all values and all
        arms at once.
    switches: one row per arm that is best at some value, by the estimates, from the value at which
        it becomes so: `from_cny` (0 for the first), `arm`, `before` (the arm before it), and the
        `kind` and ends of the set of values at which these two do not clearly differ.
    """

    value_cny: float
    net: pd.DataFrame
    curve: pd.DataFrame
    switches: pd.DataFrame


def value_arms(
    read: Mapping[str, Means], reference: str, *, value_cny: float, level: float
) -> Worth:
    """Value arms at one value of who stays, and at all from nothing on.

    Args:
        read: per arm, what is spent on a person and whether it stays, on average.
        reference: the arm from which others are told.
        value_cny: what one who stays is worth, above 0.
        level: joint coverage of intervals and of bands, between 0 and 1.

    Sources: net benefit, Stinnett and Mullahy (1998), Med. Decis. Making 18, S68-S80; chances by
    value, van Hout et al. (1994), Health Econ. 3, 309-319; the band over all values, Scheffe
    (1953), Biometrika 40, 87-104: a line has two coefficients.
    """
    if len(read) < 2:
        empty = pd.DataFrame()
        return Worth(value_cny=value_cny, net=empty, curve=empty, switches=empty)
    switches = _switches(read, level)
    top = _TWICE * value_cny
    inside = switches.loc[switches["from_cny"] <= _MOST_TIMES * value_cny, "from_cny"]
    top = max(top, 1.25 * float(inside.max()))
    return Worth(
        value_cny=value_cny,
        net=_net(read, value_cny, level),
        curve=_curve(read, reference, np.linspace(0, top, _STEPS), level),
        switches=switches,
    )


def _net(read: Mapping[str, Means], value_cny: float, level: float) -> pd.DataFrame:
    told = [means.weigh([-1.0, value_cny]) for means in read.values()]
    value, variance = np.array(told).T
    error = np.sqrt(variance)
    found = compare_with_best(value, error, level=level)
    free = [means.degrees for means in read.values()]
    half = student.ppf((1 + level ** (1 / len(read))) / 2, free) * error
    return pd.DataFrame(
        {
            "arm": list(read),
            "net_cny": value,
            "net_lower": value - half,
            "net_upper": value + half,
            "gap_cny": found["gap"],
            "gap_lower": found["ci_lower"],
            "gap_upper": found["ci_upper"],
            "is_candidate": found["is_candidate"],
            "chance": chance_best(value, variance),
        }
    )


def _curve(
    read: Mapping[str, Means], reference: str, values: np.ndarray, level: float
) -> pd.DataFrame:
    wide = np.sqrt(chi2.ppf(bonferroni_level(level, len(read) - 1), 2))
    rows = []
    for value in values:
        told = {arm: means.weigh([-1.0, value]) for arm, means in read.items()}
        chances = chance_best(*np.array(list(told.values())).T)
        net, spread = told[reference]
        for (arm, (own, variance)), chance in zip(told.items(), chances, strict=True):
            half = wide * np.sqrt(variance + spread) if arm != reference else 0.0
            rows.append((value, arm, chance, own - net, own - net - half, own - net + half))
    columns = ["value_cny", "arm", "chance", "ahead_cny", "ahead_lower", "ahead_upper"]
    return pd.DataFrame(rows, columns=columns)


def _switches(read: Mapping[str, Means], level: float) -> pd.DataFrame:
    """Follow the best arm from a value of 0 on: each next one keeps more, at the least price."""
    best = min(read, key=lambda arm: (read[arm].value[0], -read[arm].value[1]))
    rows, value = [(0.0, best, "", "", np.nan, np.nan)], 0.0
    level = bonferroni_level(level, max(len(read) - 1, 1))
    while True:
        more = {
            arm: (means.value[0] - read[best].value[0]) / gap
            for arm, means in read.items()
            if (gap := means.value[1] - read[best].value[1]) > 0
        }
        if not more:
            break
        after = min(more, key=lambda arm: (more[arm], -read[arm].value[1]))
        found = ratio_of_differences(read[after], read[best], level=level)
        value = max(more[after], value)
        rows.append((value, after, best, found.kind, found.ci_lower, found.ci_upper))
        best = after
    columns = ["from_cny", "arm", "before", "kind", "ci_lower", "ci_upper"]
    return pd.DataFrame(rows, columns=columns).replace([np.inf, -np.inf], np.nan)
