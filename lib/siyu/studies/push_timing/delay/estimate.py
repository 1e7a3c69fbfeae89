"""Estimate who sends late, and what that does to what hours seem to bring."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import t as student

from siyu.stats.checks import FloatArray
from siyu.stats.clusters import Shares, clustered_share
from siyu.stats.fixed_effects import FEWEST_CLUSTERS
from siyu.stats.multiplicity import holm
from siyu.studies.naming import EVERYONE, SMALL, large
from siyu.studies.push_timing.delay.accounts import against_others
from siyu.studies.push_timing.delay.measures import (
    LATE_MINUTES,
    MINUTES,
    MOVED,
    Measures,
)

FEWEST_ANSWERS = 10
"""Answers in the hours compared, and in the others: with fewer the interval is far too short."""
_MOMENTS = ["clusters", "n", "count", "n_squared", "count_squared", "both"]
_SIDES = ("in", "out")


@dataclass(frozen=True, kw_only=True)
class Delays:
    """How late pushes leave.

    curve: one row per `line` ("slow": by hand on slow accounts, "other": by hand on all others,
        "at_once": media that need nobody) and `within_minutes`: `n_pushes` of `n_users`, and the
        `sent_share` that has left by then with its interval.
    media: one row per `medium`: `n_pushes`, `n_users`, `half_minutes` (of MINUTES, the first by
        which half have left; NaN if later) and `late_share`, more than an hour late, with its
        interval.
    staff: the same per `staff` account (by hand alone; accounts of few users share one row), with
        `moved_share` (left in another hour than planned), `others_late_share`, `p_holm` of the test
        that the two are the same (NaN under ten days), and `verdict` ("slow", "quick", "unclear").
    drawn: `late_share` among pushes whose hour was drawn by lot; one row, or none.
    n: pushes planned and sent.
    """

    curve: pd.DataFrame
    media: pd.DataFrame
    staff: pd.DataFrame
    drawn: pd.DataFrame
    n: int

    @property
    def slow(self) -> list[str]:
        """Name the slow accounts."""
        return self.staff.loc[self.staff["verdict"] == "slow", "staff"].tolist()

    @property
    def moved_by_slow(self) -> tuple[float, float]:
        """Give the part of slow accounts in pushes moved to another hour, and in all, by hand."""
        slow, n = self.staff["verdict"] == "slow", self.staff["n_pushes"]
        moved = n * self.staff["moved_share"]
        return float(moved[slow].sum() / moved.sum()), float(n[slow].sum() / n.sum())


def delays(measures: Measures, *, level: float) -> Delays:
    """Describe how long pushes take from the planned time to the sending.

    Users are independent, their pushes are not; of accounts, those planned for one day are not
    either, and the wider of the two intervals counts. An account is slow whose share of pushes that
    leave more than an hour late is above that of all others together, by Holm over the accounts.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.
    """
    by_staff = measures.by_staff[measures.by_staff["by_hand"]]
    staff = _accounts(by_staff, measures.by_day, measures.min_users, level=level)
    slow = staff.loc[staff["verdict"] == "slow", "staff"]
    is_slow = by_staff["staff"].isin(slow)
    at_once = measures.by_staff[~measures.by_staff["by_hand"]]
    lines = {"slow": by_staff[is_slow], "other": by_staff[~is_slow], "at_once": at_once}
    media = _grouped(measures.by_medium, "medium", measures.min_users)
    lots = measures.by_lot[measures.by_lot["is_drawn"]].assign(all=EVERYONE)
    everything = measures.by_lot[measures.by_lot["minutes"] == MOVED]
    return Delays(
        curve=_curve(lines, measures.min_users, level=level),
        media=_lateness(media, "medium", level=level),
        staff=staff,
        drawn=_lateness(_grouped(lots, "all", measures.min_users), "all", level=level),
        n=int(everything["n"].sum()),
    )


def read_both(measures: Measures, *, level: float) -> pd.DataFrame:
    """Compare the band of hours with all others: as planned, and by the hour of sending.

    Among pushes whose planned hour was drawn by lot, each weighed by the inverse of the chance of
    its hour. As planned, what was never sent counts as not answered (intention to treat); lots make
    that comparison fair. By hour of sending, only what was sent counts, and who is sent late
    decides who is in which hour.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per segment ("all" first): `segment`, `n_pushes` planned, `n_users`; for `planned`
        and `sent`: `…_in` and `…_out`, the rates in the band and out of it, and `…_lift`, their
        ratio less 1, with its interval; `gap`: the planned lift less the sent one, with its
        interval; `p_holm` of the planned lift over the segments (of "all": its own p); `refused`:
        "few" users, "few_of_each" answers, or "".

    Source: Hajek's ratio estimator; delta method over users.
    """
    users = measures.drawn.groupby("segment")[["number"]].nunique()
    users.index = users.index.map(lambda code: measures.segments[code])
    shown = large(users, min_users=measures.min_users) | {EVERYONE}
    table = pd.DataFrame(
        [
            {"segment": name} | _read(own, enough=name in shown, measures=measures, level=level)
            for name, own in _segments(measures)
        ]
    )
    own = table["segment"] != EVERYONE
    table.loc[own, "p_holm"] = holm(table.loc[own, "p_holm"])
    return table


def _segments(measures: Measures) -> Iterator[tuple[str, pd.DataFrame]]:
    yield EVERYONE, measures.drawn
    if measures.segments != (EVERYONE,):
        for code, name in enumerate(measures.segments):
            yield name, measures.drawn[measures.drawn["segment"] == code]


def _read(users: pd.DataFrame, *, enough: bool, measures: Measures, level: float) -> dict[str, Any]:
    n = int(users["n_planned_in"].sum() + users["n_planned_out"].sum())
    lifts = [f"{way}_lift{end}" for way in _WAYS for end in ("", "_lower", "_upper")]
    rates = [f"{way}_{side}" for way in _WAYS for side in _SIDES]
    columns = [*rates, *lifts, "gap", "gap_lower", "gap_upper", "p_holm"]
    nothing = dict.fromkeys(columns, np.nan)
    if not enough or len(users) < max(measures.min_users, FEWEST_CLUSTERS):
        return {"n_pushes": 0, "n_users": 0, **nothing, "refused": "few"}
    told = {"n_pushes": n, "n_users": len(users)}
    answers = [users[f"answers_{way}_{side}"].sum() for way in _WAYS for side in _SIDES]
    if min(answers) < FEWEST_ANSWERS:
        return {**told, **nothing, "refused": "few_of_each"}
    found: dict[str, float] = {}
    quantile = student.ppf((1 + level) / 2, len(users) - 1)
    parts = {}
    for way in _WAYS:
        log, influence = _log_ratio(users, way, found)
        error = _spread(influence)
        ends = (log, log - quantile * error, log + quantile * error)
        found |= {
            f"{way}_lift{end}": float(np.expm1(value))
            for end, value in zip(("", "_lower", "_upper"), ends, strict=True)
        }
        parts[way] = np.exp(log) * influence
        if way == "planned":
            found["p_holm"] = float(2 * student.sf(abs(log) / error, len(users) - 1))
    gap = found["planned_lift"] - found["sent_lift"]
    reach = quantile * _spread(parts["planned"] - parts["sent"])
    found |= {"gap": gap, "gap_lower": gap - reach, "gap_upper": gap + reach}
    return {**told, **{name: found[name] for name in columns}, "refused": ""}


_WAYS = ("planned", "sent")


def _log_ratio(users: pd.DataFrame, way: str, found: dict[str, float]) -> tuple[float, FloatArray]:
    """Give the logarithm of the ratio of two weighted rates, and each user's part in its error."""
    logs, parts = [], []
    for side in _SIDES:
        weight, hits = (users[f"{kind}_{way}_{side}"].to_numpy() for kind in ("w", "k"))
        rate = hits.sum() / weight.sum()
        found[f"{way}_{side}"] = float(rate)
        logs.append(np.log(rate))
        parts.append((hits - rate * weight) / hits.sum())
    return float(logs[0] - logs[1]), parts[0] - parts[1]


def _spread(influence: FloatArray) -> float:
    n = len(influence)
    return float(np.sqrt(n / (n - 1) * (influence**2).sum()))


def _accounts(
    by_staff: pd.DataFrame, by_day: pd.DataFrame, min_users: int, *, level: float
) -> pd.DataFrame:
    grouped = _grouped(by_staff, "staff", min_users)
    table = _lateness(grouped, "staff", level=level)
    own = grouped[grouped["minutes"] == LATE_MINUTES].set_index("staff").loc[table["staff"]]
    moved = grouped[grouped["minutes"] == MOVED].set_index("staff").loc[table["staff"]]
    table["moved_share"] = (moved["count"] / moved["n"]).to_numpy()
    others = _share((own[_MOMENTS].sum() - own[_MOMENTS]), level=level)
    mine = _share(own, level=level)
    table["others_late_share"] = 1 - others.share
    late, n = _daily(by_day, table["staff"].tolist())
    days = _share(_of_days(late, n), level=level)
    table["ci_lower"] = np.minimum(table["ci_lower"], days.ci_lower)
    table["ci_upper"] = np.maximum(table["ci_upper"], days.ci_upper)
    error = np.hypot(mine.error, others.error)
    found = against_others(late, n, user_error=error, n_users=table["n_users"])
    table["p_holm"] = holm(np.where(table["staff"] == SMALL, np.nan, found.p))
    clear = table["p_holm"] <= 1 - level
    table["verdict"] = np.select([clear & (found.gap > 0), clear], ["slow", "quick"], "unclear")
    return table


def _daily(by_day: pd.DataFrame, staff: list[str]) -> tuple[FloatArray, FloatArray]:
    """Lay late pushes, and all, out by account and day; accounts not named are the small ones."""
    name = by_day["staff"].where(by_day["staff"].isin(staff), SMALL)
    sums = by_day.assign(staff=name).groupby(["staff", "day"])[["late", "n"]].sum()
    late, n = (
        sums.pivot_table(index="staff", columns="day", values=kind, fill_value=0, observed=False)
        .reindex(staff)
        .to_numpy(dtype=np.float64)
        for kind in ("late", "n")
    )
    return late, n


def _of_days(late: FloatArray, n: FloatArray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "clusters": (n > 0).sum(axis=1),
            "n": n.sum(axis=1),
            "count": late.sum(axis=1),
            "n_squared": (n**2).sum(axis=1),
            "count_squared": (late**2).sum(axis=1),
            "both": (late * n).sum(axis=1),
        }
    )


def _grouped(moments: pd.DataFrame, kind: str, min_users: int) -> pd.DataFrame:
    """Sum up over accounts, whose users are others; few users share one row, and too few have none.

    A user of two media is in the rows of both.
    """
    sums = moments.groupby([kind, "minutes"])[_MOMENTS].sum().reset_index()
    users = sums[sums["minutes"] == MOVED].set_index(kind)[["clusters"]]
    shown = large(users, min_users=min_users)
    name = sums[kind].where(sums[kind].isin(shown), SMALL)
    lumped = sums.assign(**{kind: name}).groupby([kind, "minutes"])[_MOMENTS].sum().reset_index()
    return lumped[lumped["clusters"] >= max(min_users, FEWEST_CLUSTERS)].reset_index(drop=True)


def _lateness(grouped: pd.DataFrame, kind: str, *, level: float) -> pd.DataFrame:
    late = grouped[grouped["minutes"] == LATE_MINUTES].sort_values("n", ascending=False)
    found = _share(late, level=level)
    timed = grouped[grouped["minutes"] != MOVED]
    half = timed[timed["count"] >= timed["n"] / 2].groupby(kind)["minutes"].min()
    return pd.DataFrame(
        {
            kind: late[kind].to_numpy(),
            "n_pushes": late["n"].to_numpy(dtype=np.int64),
            "n_users": late["clusters"].to_numpy(dtype=np.int64),
            "half_minutes": half.reindex(late[kind]).to_numpy(dtype=np.float64),
            "late_share": 1 - found.share,
            "ci_lower": 1 - found.ci_upper,
            "ci_upper": 1 - found.ci_lower,
        }
    )


def _curve(lines: dict[str, pd.DataFrame], min_users: int, *, level: float) -> pd.DataFrame:
    parts = []
    for line, moments in lines.items():
        sums = moments.groupby("minutes")[_MOMENTS].sum().reindex(MINUTES)
        if not sums["clusters"].min() >= max(min_users, FEWEST_CLUSTERS):
            continue
        found = _share(sums, level=level)
        parts.append(
            pd.DataFrame(
                {
                    "line": line,
                    "within_minutes": MINUTES,
                    "n_pushes": sums["n"].to_numpy(dtype=np.int64),
                    "n_users": sums["clusters"].to_numpy(dtype=np.int64),
                    "sent_share": found.share,
                    "ci_lower": found.ci_lower,
                    "ci_upper": found.ci_upper,
                }
            )
        )
    columns = [
        "line",
        "within_minutes",
        "n_pushes",
        "n_users",
        "sent_share",
        "ci_lower",
        "ci_upper",
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _share(moments: pd.DataFrame, *, level: float) -> Shares:
    """Give shares with intervals; where nothing or all is counted, errors of 0 tell nothing.

    There the interval is that of Clopper and Pearson (1934) with a cluster as one thing: it holds
    however alike the pushes of a cluster are.
    """
    sums = {name: moments[name].to_numpy() for name in _MOMENTS}
    found = clustered_share(**sums, level=level)
    reach = 1 - ((1 - level) / 2) ** (1 / np.maximum(sums["clusters"], 1))
    return replace(
        found,
        ci_lower=np.where(found.share == 1, 1 - reach, found.ci_lower),
        ci_upper=np.where(found.share == 0, reach, found.ci_upper),
    )
