"""Estimate what a contact in time does to staying, beside what naive comparisons would say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import binomtest, norm

from siyu.stats.checks import FloatArray, normal_quantile
from siyu.stats.hazards import hazard_ratio
from siyu.stats.intervals import difference_pvalue, newcombe_difference
from siyu.stats.multiplicity import holm
from siyu.stats.standardise import Standardised, standardise
from siyu.studies.naming import column_of
from siyu.studies.retention.contact.definition import Contact
from siyu.studies.retention.contact.measures import Measures

FEWEST_EFFECTIVE = 100
"""Below as many equally weighted members on either side the interval covers less than it says."""
MOST_LEFT_OUT = 0.1
"""Above this share without a counterpart, the comparison speaks of other members than asked."""
FEWEST_OF_EACH = 10
"""Members of either side who left, and who stayed: with fewer the interval is far too short."""
_SUSPECT_RATIO = 0.001
_LEAST_COMPLIANCE = 0.2
"""Where the arms differ by less in who was contacted, they judge nothing."""
_SMALLEST_HOUR = 30


@dataclass(frozen=True, kw_only=True)
class Effects:
    """What each contact does.

    table: one row per contact: `contact` (its id); `followed` (members followed to the day of
        reading); `everyone` (difference in the share that stays between all who were contacted in
        time and all others); `n` (of the followed, still there at the landmark, less those left
        out); `contacted` (share of those there); `crude` (difference between them); `difference`
        standardised, with its interval, `p_holm` and `verdict` ("keeps", "loses", "unclear", ""
        where refused); `left_out`; `effective` (members the smaller side is worth); `gain` (share
        more that would stay if all were contacted, not as now) with its interval, and `per_week`
        (members that is, of those added in a week) with its; `hazard_ratio` (at how many times the
        rate of the others, who are alike, those contacted left in the days up to the reading: a
        second route to the same) with its, and `hazard_p_holm`; `refused`: why there is no estimate
        ("few", "few_of_each", "alike", "thin", "").
    propensity: per contact, from `Standardised`; where there is one.
    """

    table: pd.DataFrame
    propensity: dict[str, pd.DataFrame]


@dataclass(frozen=True, kw_only=True)
class Judge:
    """What lots say, in the experiment, of the contact it was about.

    n: members drawn for it, and for the other arm, followed to the day of reading. contacted: the
    share of each contacted in time. difference: intention to treat, between the arms, with its
    interval and `p`. landmark: the estimate by the landmark among the members of the experiment;
    None where refused. expected: the difference that the estimate outside the experiment lets
    expect, by how much the arms differ in who was contacted; p_same: of the test that the
    difference is no other; both NaN where there is no such estimate, or hardly a difference in
    contacts. refused: "" or "ratio" (the arms are not as large as planned) or
    "few".
    """

    n: tuple[int, int]
    contacted: tuple[float, float]
    difference: float
    ci_lower: float
    ci_upper: float
    p: float
    landmark: Standardised | None
    expected: float
    p_same: float
    refused: str


def effects(measures: Measures, *, level: float) -> Effects:
    """Estimate the effect of each contact on still being there `stay_days` after its landmark.

    Those still there at the landmark are compared, contacted in time or not, both standardised to
    all of them over the columns of `adjust`, the hour of adding and the contacts before it. Who was
    in the experiment is not in the estimate for its contact: lots decided there.

    Args:
        measures: the reduced table.
        level: coverage of each interval, between 0 and 1; verdicts are by Holm over the contacts.
    """
    if not measures.contacts:
        return Effects(table=pd.DataFrame({"contact": [], "verdict": []}), propensity={})
    rows, propensity = [], {}
    for contact in measures.contacts:
        counts = measures.counts[contact.id]
        if "arm" in counts:
            counts = counts[counts["arm"] == ""]
        row, found = _effect(measures, contact, counts, level=level)
        rows.append(row)
        if found is not None:
            propensity[contact.id] = found.propensity
    table = pd.DataFrame(rows)
    table["p_holm"] = holm(table.pop("p"))
    table["hazard_p_holm"] = holm(_ratio_pvalues(table, level=level))
    clear = table["p_holm"] <= 1 - level
    table["verdict"] = np.select(
        [table["refused"] != "", clear & (table["difference"] > 0), clear],
        ["", "keeps", "loses"],
        "unclear",
    )
    return Effects(table=table, propensity=propensity)


def judge(measures: Measures, *, level: float) -> Judge | None:
    """Read the experiment by intention to treat, and by the landmark; None where there is none."""
    if not measures.experiment:
        return None
    (contact,) = (one for one in measures.contacts if one.id == measures.tested)
    counts = measures.counts[contact.id]
    arms = [counts[counts["arm"] == arm] for arm in measures.arms]
    n, stayed, contacted = (
        [
            int(arm["n"].to_numpy() @ arm[name].to_numpy()) if name else int(arm["n"].sum())
            for arm in arms
        ]
        for name in ("", "outcome", "treated")
    )
    refused = "few" if min(n) < measures.min_users else ""
    if not refused and binomtest(n[0], sum(n), measures.planned_share).pvalue < _SUSPECT_RATIO:
        refused = "ratio"
    difference, lower, upper = newcombe_difference(stayed[0], n[0], stayed[1], n[1], level=level)
    inside, outside = (
        None if refused or why else found
        for found, why, _ in (
            _standardised(measures, contact, own, level=level)
            for own in (pd.concat(arms), counts[counts["arm"] == ""])
        )
    )
    shares = np.divide(contacted, np.maximum(n, 1))
    compliance = float(shares[0] - shares[1])
    expected = p_same = np.nan
    if outside is not None and compliance >= _LEAST_COMPLIANCE:
        # Lots change who is contacted by so much: that part of the effect should show.
        expected = compliance * outside.difference
        rates = np.divide(stayed, n)
        by_lot = np.sqrt((rates * (1 - rates) / n).sum())
        error = np.hypot(by_lot, compliance * outside.error)
        p_same = 2 * norm.sf(abs(difference - expected) / error)
    return Judge(
        n=(n[0], n[1]),
        contacted=(float(shares[0]), float(shares[1])),
        difference=float(difference),
        ci_lower=float(lower),
        ci_upper=float(upper),
        p=float(difference_pvalue(stayed[0], n[0], stayed[1], n[1])),
        landmark=inside,
        expected=float(expected),
        p_same=float(p_same),
        refused=refused,
    )


def _effect(
    measures: Measures, contact: Contact, counts: pd.DataFrame, *, level: float
) -> tuple[dict[str, Any], Standardised | None]:
    there = counts[counts["there"].to_numpy() == 1]
    found, refused, compared = _standardised(measures, contact, counts, level=level)
    followed, n = int(counts["n"].sum()), int(there["n"].sum())
    few = n < measures.min_users
    row = {
        "contact": contact.id,
        "followed": followed,
        "everyone": np.nan if few else _difference(counts),
        "n": n,
        "contacted": np.nan if few else _share(there, "treated"),
        "crude": np.nan if few else _difference(there),
        "refused": refused,
    }
    fields = ("difference", "ci_lower", "ci_upper", "gain", "gain_lower", "gain_upper")
    if found is None:
        nothing = dict.fromkeys([*fields, "p", "left_out", "effective"], np.nan)
        return row | nothing | dict.fromkeys([*_PER_WEEK, *_RATIO], np.nan), None
    row["n"] = found.n
    # Members of the experiment are not compared, and are contacted and leave like the others.
    every = measures.counts[contact.id]
    everyone_there = every["n"].to_numpy() @ every["there"].to_numpy()
    per_week = everyone_there * found.n / n / _weeks(measures, contact)
    row |= {name: getattr(found, name) for name in (*fields, "left_out")}
    row |= {
        "p": 2 * norm.sf(abs(found.difference) / found.error),
        "effective": min(found.effective),
    }
    gains = (found.gain, found.gain_lower, found.gain_upper)
    row |= {name: gain * per_week for name, gain in zip(_PER_WEEK, gains, strict=True)}
    if refused:
        return row | dict.fromkeys([*fields, "p", *_PER_WEEK, *_RATIO], np.nan), found
    covariates = _covariates(measures, contact)
    return row | _hazard_ratio(compared, covariates, level=level), found


_PER_WEEK = ("per_week", "per_week_lower", "per_week_upper")
_RATIO = ("hazard_ratio", "hazard_ratio_lower", "hazard_ratio_upper")


def _standardised(
    measures: Measures, contact: Contact, counts: pd.DataFrame, *, level: float
) -> tuple[Standardised | None, str, pd.DataFrame]:
    """Estimate, say what is against it, and give the rows of the members compared."""
    there = counts[counts["there"].to_numpy() == 1]
    n = there["n"].to_numpy()
    cells = np.bincount(2 * there["treated"] + there["outcome"], weights=n, minlength=4)
    if cells.reshape(2, 2).sum(axis=1).min() < measures.min_users:
        return None, "few", there
    if cells.min() < FEWEST_OF_EACH:
        return None, "few_of_each", there
    there = there.assign(hour=_joined_hours(there))
    covariates = _covariates(measures, contact)
    keys = [*covariates, "treated", "outcome"]
    alike = there.groupby(keys, dropna=False).ngroup().to_numpy()
    _, first = np.unique(alike, return_index=True)
    grouped = there.iloc[first][keys].assign(n=np.bincount(alike, weights=n))
    found = standardise(grouped, covariates=covariates, level=level)
    if found is None:
        return None, "alike", there
    there = there[found.compared[alike]]
    if found.left_out > MOST_LEFT_OUT * cells.sum():
        return found, "alike", there
    return found, "thin" if min(found.effective) < FEWEST_EFFECTIVE else "", there


def _hazard_ratio(
    there: pd.DataFrame, covariates: Sequence[str], *, level: float
) -> dict[str, float]:
    """Compare how fast the members compared left, day by day, adjusted for the same."""
    lives = there.assign(time=there["stayed_days"], outcome=1 - there["outcome"])
    return dict(zip(_RATIO, hazard_ratio(lives, covariates=covariates, level=level), strict=True))


def _ratio_pvalues(table: pd.DataFrame, *, level: float) -> FloatArray:
    """Read the p-values of no difference in hazards back from the intervals."""
    ratio, lower, upper = np.log(table[list(_RATIO)].to_numpy(dtype=np.float64)).T
    error = (upper - lower) / 2 / normal_quantile(level)
    return np.asarray(2 * norm.sf(np.abs(ratio) / error))


def _covariates(measures: Measures, contact: Contact) -> list[str]:
    columns = [column_of(name) for name in measures.adjust]
    return [*columns, "hour", *measures.earlier(contact)]


def _joined_hours(there: pd.DataFrame) -> NDArray[np.int64]:
    """Join each hour of the day with the next until enough members were added in them."""
    hours = there["hour"].to_numpy()
    bands, band, size = np.zeros(24, dtype=np.int64), 0, 0.0
    for hour, n in enumerate(np.bincount(hours, weights=there["n"].to_numpy(), minlength=24)):
        if size >= _SMALLEST_HOUR:
            band, size = band + 1, 0.0
        bands[hour], size = band, size + n
    if size < _SMALLEST_HOUR:  # what is left of the day joins the band before it
        bands = np.minimum(bands, max(band - 1, 0))
    return np.asarray(bands[hours])


def _weeks(measures: Measures, contact: Contact) -> float:
    """Weeks of additions of which the members were followed to the day of reading."""
    days = (measures.as_of - measures.first).days + 1
    landmark_days = contact.on_day or (contact.within_hours or 0) / 24
    return max(days - landmark_days - measures.stay_days, 1) / 7


def _difference(counts: pd.DataFrame) -> float:
    treated = counts["treated"].to_numpy() == 1
    with_it, without = (_share(counts[took], "outcome") for took in (treated, ~treated))
    return with_it - without


def _share(counts: pd.DataFrame, name: str) -> float:
    n = counts["n"].to_numpy()
    return float(n @ counts[name].to_numpy() / n.sum()) if n.sum() else np.nan
