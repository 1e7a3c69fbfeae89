"""Say what the habits are: enough, too short, too few, no orders, no returns."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from siyu.formats import paragraph
from siyu.phrases import phrase
from siyu.studies.naming import SMALL
from siyu.studies.retention.habit.measures import Gaps, Purchases
from siyu.studies.retention.sentences import interval
from siyu.studies.tables import each_row


def no_repeats(purchases: Purchases) -> str:
    """Say why no share of buyers who buy again can be given, or "" where one can."""
    n, waiting, few = purchases.n_buyers, purchases.n_waiting, purchases.min_users
    if not purchases.has_orders:
        return phrase("retention.repeat.no_orders")
    if not n:
        return phrase("retention.repeat.nobody", first=purchases.first, last=purchases.as_of)
    if n < few:
        return phrase("retention.repeat.too_few", buyers=n, min_users=few)
    if n - waiting < few:
        return phrase(
            "retention.repeat.too_short",
            buyers=n,
            mature=n - waiting,
            days=purchases.repeat_days,
            min_users=few,
        )
    return ""


def say_rate(purchases: Purchases, rated: pd.DataFrame, *, level: float) -> str:
    """Say how many buyers buy again."""
    row = rated.iloc[0]
    return phrase(
        "retention.repeat.headline",
        n=row.at_risk,
        days=purchases.repeat_days,
        rate=row.rate,
        **interval(row, level),
    )


def say_repeats(purchases: Purchases, rated: pd.DataFrame, *, level: float) -> str:
    """Say how many buyers buy again, which orders count, and in which direction this errs."""
    if reason := no_repeats(purchases):
        return reason
    waiting = phrase("retention.repeat.waiting", waiting=purchases.n_waiting)
    return paragraph(
        say_rate(purchases, rated, level=level),
        waiting if purchases.n_waiting else "",
        phrase(
            f"retention.repeat.orders{'' if purchases.has_refunds else '_no_refunds'}",
            orders=purchases.n_orders,
            refunded=purchases.n_refunded,
            merged=purchases.n_merged,
        ),
        phrase("retention.repeat.unknown_before", day=purchases.observed_from),
    )


def say_repeat_segments(compared: pd.DataFrame, *, by: Sequence[str]) -> str:
    """Say which segments buy again more or less often than all others."""
    if compared.empty:
        return phrase("retention.repeat.segments.not_two")
    told = compared[compared["segment"] != SMALL]
    higher = told.loc[told["verdict"] == "higher", "segment"].tolist()
    lower = told.loc[told["verdict"] == "lower", "segment"].tolist()[::-1]
    found = {(True, True): "both", (True, False): "higher", (False, True): "lower"}
    outcome = found.get((bool(higher), bool(lower)), "unclear")
    return phrase(f"retention.repeat.segments.{outcome}", by=by, higher=higher, lower=lower)


def no_gaps(gaps: Gaps, usage: pd.DataFrame) -> str:
    """Say why no usual gap can be given, or "" where it can."""
    if not gaps.has_returns:
        return phrase("retention.gaps.no_returns")
    period = {"first": gaps.first, "last": gaps.as_of}
    if not gaps.n_users:
        return phrase("retention.gaps.nobody", **period)
    if usage["gap_days"].isna().any():
        return phrase("retention.gaps.too_few", n=gaps.n_users, **period)
    return ""


def verdict(gaps: Gaps, usage: pd.DataFrame) -> str:
    """Judge the return window by the gap of four in five users.

    Returns:
        "long" (enough), "short" or "unclear"; "" where retention has no such window.
    """
    most = usage.iloc[1]
    if gaps.window is None:
        return ""
    if gaps.window < most.ci_lower:
        return "short"
    return "long" if gaps.window >= most.ci_upper else "unclear"


def say_usage(usage: pd.DataFrame, *, level: float) -> str:
    """Say within how many days half of the users usually come back, and four in five."""
    half, most = each_row(usage)
    return phrase(
        "retention.gaps.headline",
        n=half.n,
        level=level,
        median=half.gap_days,
        median_lower=half.ci_lower,
        median_upper=half.ci_upper,
        most=most.gap_days,
        most_lower=most.ci_lower,
        most_upper=most.ci_upper,
    )


def say_gaps(gaps: Gaps, usage: pd.DataFrame, following: pd.DataFrame, *, level: float) -> str:
    """Say how far apart active days lie, whether the return window is long enough, and the bias."""
    if reason := no_gaps(gaps, usage):
        return reason
    judged = verdict(gaps, usage)
    return paragraph(
        say_usage(usage, level=level),
        phrase(f"retention.gaps.{judged}", window=gaps.window) if judged else "",
        phrase("retention.gaps.beside", one=gaps.n_one, none=gaps.n_none),
        say_next(following, level=level),
    )


def say_next(following: pd.DataFrame, *, level: float) -> str:
    """Say by when half of the users are active again, those not back yet included."""
    row = following.iloc[0]
    outcome = "_never" if pd.isna(row.median_days) else "_open" if pd.isna(row.ci_upper) else ""
    return phrase(
        f"retention.gaps.next{outcome}", n=row.n, median=row.median_days, **interval(row, level)
    )
