"""Estimate who stays, with intervals: by day, by cohort, by segment, and how long."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import pandas as pd
from scipy.stats import binom

from siyu.stats.intervals import difference_pvalue, newcombe_difference, wilson
from siyu.stats.multiplicity import holm
from siyu.stats.survival import cumulative_incidence, log_rank, restricted_mean
from siyu.studies.naming import EVERYONE, SMALL
from siyu.studies.retention.measures import Measures
from siyu.studies.tables import each_row

_HOURS = 24
_SHOWN = ["at_risk", "retained", "rate", "ci_lower", "ci_upper"]


def rates(measures: Measures, *, level: float) -> pd.DataFrame:
    """Give the share of users who stayed on each day, of those followed long enough to be judged.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per segment (everyone first) and day `k` from 1 to the horizon: `added`, `at_risk`
        (followed long enough), `waiting` (not yet), `retained`, `rate` with a Wilson interval. NaN
        where fewer than min_users can be judged.
    """
    found = _judged(measures, ["segment"], measures.risk, measures.kept)
    everyone = found.groupby("k", as_index=False)[["added", "at_risk", "retained"]].sum()
    several = len(measures.risk["segment"].unique()) > 1
    found = pd.concat([everyone.assign(segment=EVERYONE), *([found] if several else [])])
    found = with_rates(found.reset_index(drop=True), level=level)
    found["waiting"] = found["added"] - found["at_risk"]
    few = found["at_risk"] < measures.min_users
    shown = found[_SHOWN].astype(float).mask(few)
    return found.assign(**{name: shown[name] for name in _SHOWN})[
        ["segment", "k", "added", "waiting", *_SHOWN]
    ]


def same_people(measures: Measures, *, level: float) -> pd.DataFrame:
    """Give the curve of those alone who were followed to the end of it: the same people throughout.

    The usual curve loses users as k grows, the newest cohorts first; where these stay better or
    worse, it bends for no other reason.

    Returns:
        One row per day `k`: `at_risk` (the same on each), `retained`, `rate` with its interval;
        empty where fewer than min_users were followed so long.
    """
    need = measures.definition.horizon + measures.definition.extra_days
    risk = measures.risk[measures.risk["seen"] >= need]
    kept = measures.kept[measures.kept["seen"] >= need]
    if risk["n"].sum() < measures.min_users:
        return pd.DataFrame(columns=["k", *_SHOWN])
    days = range(1, measures.definition.horizon + 1)
    retained = kept.groupby("k")["n"].sum().reindex(days, fill_value=0)
    found = pd.DataFrame({"k": list(days), "at_risk": int(risk["n"].sum())})
    return with_rates(found.assign(retained=retained.to_numpy()), level=level)


def by_cohort(measures: Measures, *, level: float) -> pd.DataFrame:
    """Give each cohort's share of users who stayed, for the days that all of it has lived through.

    Returns:
        One row per `cohort` and day `k` of the definition: `added`, `at_risk`, `retained`, `rate`
        with a Wilson interval, and `state`: "whole"; "unfinished" (somebody of the cohort, or who
        may still join it, was not followed long enough); "cut" (the period begins inside it);
        "few" (under min_users, or hidden so that no few persons are left of the total on that day).
        Only what is whole has a rate; what is few has no number.
    """
    asked = measures.definition
    found = _judged(measures, ["cohort"], measures.risk, measures.kept)
    found = found[found["k"].isin(asked.days)]
    found = with_rates(found.reset_index(drop=True), level=level)
    begins = pd.to_datetime(found["cohort"])
    unit = {"day": "D", "week": "W-SUN", "month": "M"}[asked.cohort_unit]
    ends = begins.dt.to_period(unit).dt.end_time.dt.normalize()
    need = found["k"] + asked.extra_days + (asked.clock == "24h")
    over = ends + pd.to_timedelta(need, unit="D") <= pd.Timestamp(measures.as_of)
    found["state"] = "whole"
    found.loc[~over | (found["at_risk"] < found["added"]), "state"] = "unfinished"
    found.loc[begins < pd.Timestamp(measures.first), "state"] = "cut"
    found.loc[found["added"] < measures.min_users, "state"] = "few"
    for _, day in found.groupby("k"):
        found.loc[hide_few(day, min_users=measures.min_users), "state"] = "few"
    shown = found[_SHOWN].astype(float).mask(found["state"] != "whole")
    found = found.assign(**{name: shown[name] for name in _SHOWN})
    found["added"] = found["added"].astype(float).mask(found["state"] == "few")
    return found[["cohort", "k", "state", "added", *_SHOWN]]


def hide_few(cells: pd.DataFrame, *, min_users: int) -> list[Hashable]:
    """Choose whole cells to be hidden, so that no few persons are left of the total beside them.

    Args:
        cells: `state` and `at_risk` of each cohort on one day, or in one unit.
        min_users: the fewest that may be left over; nobody is no group.

    Returns:
        Their index, the smallest first.
    """
    whole = cells[cells["state"] == "whole"].sort_values("at_risk")
    left = int(cells["at_risk"].sum() - whole["at_risk"].sum())
    hidden: list[Hashable] = []
    for index, row in zip(whole.index, each_row(whole), strict=True):
        if not 0 < left < min_users:
            break
        hidden.append(index)
        left += row.at_risk
    return hidden


def means(cohorts: pd.DataFrame) -> pd.DataFrame:
    """Average the finished cohorts, weighted by people and plainly.

    Args:
        cohorts: from `by_cohort`.

    Returns:
        One row per day `k` with a finished cohort: `n_cohorts`, `at_risk`, `weighted` (of all
        people of these cohorts, who stayed) and `plain` (the mean of the cohorts' rates, in which a
        cohort of ten counts as much as one of a thousand).
    """
    whole = cohorts[cohorts["state"] == "whole"]
    found = whole.groupby("k").agg(
        n_cohorts=("cohort", "size"),
        at_risk=("at_risk", "sum"),
        retained=("retained", "sum"),
        plain=("rate", "mean"),
    )
    found["weighted"] = found["retained"] / found["at_risk"]
    return found.reset_index()[["k", "n_cohorts", "at_risk", "weighted", "plain"]]


def compare_segments(measures: Measures, rated: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Compare each segment with all others together, on each day of the definition.

    Args:
        measures: the reduced tables.
        rated: from `rates`.
        level: as in `compare_with_rest`.

    Returns:
        As `compare_with_rest`, with `retained`.
    """
    rows = rated[rated["k"].isin(list(measures.definition.days))]
    return compare_with_rest(rows, "retained", min_users=measures.min_users, level=level)


def compare_with_rest(
    rated: pd.DataFrame, count: str, *, min_users: int, level: float
) -> pd.DataFrame:
    """Compare each segment with all others together, on each day.

    Args:
        rated: one row per segment (also everyone) and day `k`: `at_risk`, users with the outcome,
            `rate` with its interval, NaN where it is not shown.
        count: the column of users with the outcome.
        min_users: all others are no fewer.
        level: coverage of the intervals; verdicts are at 1 - level, by Holm over all rows.

    Returns:
        One row per segment and day: `at_risk`, `rate` with its interval, `rest_rate`, `difference`
        with Newcombe's interval, `p_holm` (Fisher's mid-p) and `verdict` ("higher", "lower",
        "unclear"), the highest rate of the last day first. Empty without two segments.
    """
    rows = rated[rated["rate"].notna()]
    total = rows[rows["segment"] == EVERYONE].set_index("k")
    own = rows[rows["segment"] != EVERYONE].reset_index(drop=True)
    others = total.loc[own["k"]].reset_index(drop=True)
    enough = others["at_risk"] - own["at_risk"] >= min_users
    kept = own[enough.to_numpy(dtype=bool)]
    if kept.empty:
        return pd.DataFrame()
    others = others.loc[kept.index]
    n, x, all_n, all_x = (
        table[name].to_numpy(dtype=np.int64)
        for table in (kept, others)
        for name in ("at_risk", count)
    )
    rest_n, rest_x = all_n - n, all_x - x
    difference, lower, upper = newcombe_difference(x, n, rest_x, rest_n, level=level)
    p = difference_pvalue(x, n, rest_x, rest_n)
    # Two segments that make up everyone are one comparison seen from either side.
    names = list(dict.fromkeys(kept["segment"]))
    first = (kept["segment"] == names[0]).to_numpy()
    if len(names) == 2 and (all_n[first] == n[first] + n[~first][: first.sum()]).all():
        once = dict(zip(kept.loc[first, "k"], holm(p[first]), strict=True))
        p = kept["k"].map(once).to_numpy(dtype=np.float64)
    else:
        p = holm(p)
    clear = p <= 1 - level
    verdict = np.select(
        [clear & (difference > 0), clear & (difference < 0)], ["higher", "lower"], "unclear"
    )
    found = kept[["segment", "k", "at_risk", count, "rate", "ci_lower", "ci_upper"]].assign(
        rest_rate=rest_x / rest_n,
        difference=difference,
        difference_lower=lower,
        difference_upper=upper,
        p_holm=p,
        verdict=verdict,
    )
    last = found[found["k"] == found["k"].max()].set_index("segment")["rate"]
    order = found["segment"].map(last).fillna(-1)
    return found.assign(order=order).sort_values(
        ["order", "segment", "k"], ascending=[False, True, True], ignore_index=True
    )[list(found.columns)]


def below(rated: pd.DataFrame, thresholds: dict[int, float]) -> pd.DataFrame:
    """Judge rates against thresholds: the chance of so few if the threshold were the truth.

    Args:
        rated: from `rates`.
        thresholds: the least rate, by day.

    Returns:
        One row per segment and day with a threshold and a rate: `segment`, `k`, `threshold` and
        `p_holm`, two-sided, by the binomial mid-p, by Holm over the segments of a day.
    """
    told = rated["rate"].notna() & (rated["segment"] != SMALL)
    rows = rated[rated["k"].isin(list(thresholds)) & told]
    parts = []
    for day in sorted(thresholds):
        own = rows[rows["k"] == day]
        x, n = own["retained"].to_numpy(), own["at_risk"].to_numpy()
        if own.empty:
            continue
        at_most = binom.cdf(x, n, thresholds[day]) - binom.pmf(x, n, thresholds[day]) / 2
        p = np.clip(2 * np.minimum(at_most, 1 - at_most), 0, 1)
        judged = own[["segment", "k"]].assign(threshold=thresholds[day], p=p)
        told = judged["segment"] != EVERYONE
        judged["p_holm"] = judged["p"]
        judged.loc[told, "p_holm"] = holm(judged.loc[told, "p"].to_numpy())
        parts.append(judged.drop(columns="p"))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def stay(measures: Measures, *, horizon_days: int, level: float) -> pd.DataFrame:
    """Give the share still connected by the hours since the addition (Kaplan-Meier), per segment.

    Returns:
        One row per segment (everyone first) and time: `segment`, `days`, `at_risk`, `share` with
        `ci_lower` and `ci_upper`. Segments under min_users are left out.
    """
    parts = []
    for segment, own in _segments(measures):
        curve = cumulative_incidence(own, level=level)
        start = pd.DataFrame({"time": [0.0], "at_risk": [own["n"].sum()], "incidence": [0.0]})
        start = start.assign(ci_lower=np.nan, ci_upper=np.nan)
        # An hour is over at its end: who leaves in the first hour was there at its beginning.
        curve = pd.concat([start, curve.assign(time=curve["time"] + 1)], ignore_index=True)
        shown = curve[curve["time"] <= _HOURS * horizon_days]
        parts.append(
            pd.DataFrame(
                {
                    "segment": segment,
                    "days": shown["time"] / _HOURS,
                    "at_risk": shown["at_risk"],
                    "share": 1 - shown["incidence"],
                    "ci_lower": 1 - shown["ci_upper"],
                    "ci_upper": 1 - shown["ci_lower"],
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def mean_stay(measures: Measures, *, horizon_days: int, level: float) -> tuple[pd.DataFrame, float]:
    """Give the mean days of the first `horizon_days` for which users stay connected, per segment.

    Returns:
        One row per segment (everyone first): `segment`, `n`, `left`, `mean_days` with `ci_lower`
        and `ci_upper` (restricted mean); and the p-value of the log-rank test that the segments
        with a mean leave alike in these days (NaN without two; the small groups, a mixture, are in
        no test).
    """
    rows, horizon = [], _HOURS * horizon_days
    found = [(segment, own.assign(time=own["time"] + 1)) for segment, own in _segments(measures)]
    for segment, own in found:
        value, lower, upper = restricted_mean(own, horizon=horizon, level=level)
        n, left = own["n"].sum(), own.loc[own["outcome"] == 1, "n"].sum()
        days = {"mean_days": value, "ci_lower": lower, "ci_upper": upper}
        rows.append(
            {"segment": segment, "n": n, "left": left}
            | {name: each / _HOURS for name, each in days.items()}
        )
    stays = pd.DataFrame(rows)
    known = set(stays.loc[stays["mean_days"].notna(), "segment"]) - {EVERYONE, SMALL}
    # What the means speak of: the first days alone.
    told = [
        own.assign(
            outcome=own["outcome"].where(own["time"] <= horizon, 0),
            time=own["time"].clip(upper=horizon),
        )
        for segment, own in found
        if segment in known
    ]
    return stays, log_rank(told)[1] if len(told) > 1 else np.nan


def _segments(measures: Measures) -> list[tuple[str, pd.DataFrame]]:
    """Split the stays by segment, everyone first, those under min_users left out."""
    stays = measures.stays.rename(columns={"hours": "time"})
    own = [(str(name), table) for name, table in stays.groupby("segment")]
    large = [one for one in own if one[1]["n"].sum() >= measures.min_users]
    return [(EVERYONE, stays), *(large if len(own) > 1 else [])]


def _judged(
    measures: Measures, keys: list[str], risk: pd.DataFrame, kept: pd.DataFrame
) -> pd.DataFrame:
    """Count per group and day who was followed long enough, and who of those stayed."""
    extra, horizon = measures.definition.extra_days, measures.definition.horizon
    added = risk.groupby(keys)["n"].sum()
    days = np.arange(1, horizon + 1)
    enough = risk["seen"].to_numpy()[:, None] >= days + extra
    followed = pd.DataFrame(enough * risk["n"].to_numpy()[:, None], columns=days)
    at_risk = followed.groupby([risk[key].to_numpy() for key in keys]).sum()
    mature = kept[kept["seen"] >= kept["k"] + extra]
    stayed = mature.groupby([*keys, "k"])["n"].sum()
    at_risk.index.names = keys
    found = at_risk.reset_index().melt(id_vars=keys, var_name="k", value_name="at_risk")
    found = found.sort_values([*keys, "k"]).set_index([*keys, "k"])
    found["retained"] = stayed.reindex(found.index, fill_value=0)
    found = found.reset_index()
    found["added"] = found[keys[0]].map(added)
    return found.astype({"at_risk": int, "retained": int, "added": int, "k": int})


def with_rates(counts: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Add to counts (`at_risk`, `retained`) the rate with its Wilson interval."""
    n, x = counts["at_risk"].to_numpy(), counts["retained"].to_numpy()
    lower, upper = wilson(x, n, level=level)
    rate = np.divide(x, n, out=np.full(len(n), np.nan), where=n > 0)
    return counts.assign(rate=rate, ci_lower=lower, ci_upper=upper)
