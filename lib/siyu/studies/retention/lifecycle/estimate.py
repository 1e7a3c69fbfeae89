"""Estimate whether a pool grows, how dormant it is, and how active the members of each tier are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from siyu.stats.checks import normal_quantile
from siyu.stats.intervals import smoothed_delta, wilson
from siyu.stats.multiplicity import holm
from siyu.studies.changes import change_of_share
from siyu.studies.naming import EVERYONE, large, lumped
from siyu.studies.retention.lifecycle.measures import WINDOW_WEEKS, Measures

FloatArray = npt.NDArray[np.float64]

LEAST = 10
"""Fewer gained or lost make no ratio: with 10 of each the interval reaches from 0.4 to 2.4."""
_WEEKS = np.arange(1, WINDOW_WEEKS + 1)


def flows(measures: Measures, *, level: float) -> pd.DataFrame:
    """Give the accounts of each week with its quick ratio and the share of dormant users.

    The quick ratio is who became engaged (new, resurrected) over who ceased to be (fell dormant, or
    left from among the engaged). It is above 1 exactly when the engaged became more. Leaving after
    falling dormant is no second loss, or a pool that keeps its size would lie below 1; who was
    added and left within one week was at no week's end gained, and is in neither.

    Of two weeks in a row a user has one pair of states, so makes at most one of these moves: the
    two counts are cells a and b of one multinomial, in which the logarithm of a/b has the variance
    1/a + 1/b: the covariance of cells, -ab/N, makes up exactly for (1 - a/N)/a falling short of
    1/a. (Woolf 1955; Agresti 2013, 3.1.) Over several weeks that would no longer hold, since who
    falls dormant is who can come back: so the weeks are not pooled.

    Args:
        measures: the reduced tables.
        level: coverage of each interval, between 0 and 1.

    Returns:
        The rows of `states` with `connected`, `left` (in the week), `gained`, `ceased`,
        `quick_ratio` with `ci_lower` and `ci_upper` (NaN under 10 gained or ceased), and
        `dormant_share` of the connected with a Wilson interval. Weeks by whose end fewer than
        min_users had been added are left out.
    """
    states = measures.states[measures.states["added"] >= measures.min_users]
    connected = states["added"] - states["lost"]
    gained = states["new"] + states["resurrected"]
    ceased = states["fell_dormant"] + states["left_new"] + states["left_engaged"]
    a, b = (counts.astype(float).where(counts >= LEAST) for counts in (gained, ceased))
    ratio, half = a / b, normal_quantile(level) * np.sqrt(1 / a + 1 / b)
    return states.assign(
        connected=connected,
        left=states[["left_at_once", "left_new", "left_engaged", "left_dormant"]].sum(axis=1),
        gained=gained,
        ceased=ceased,
        quick_ratio=ratio,
        ci_lower=ratio * np.exp(-half),
        ci_upper=ratio * np.exp(half),
        **_share("dormant_", states["dormant"], connected, measures.min_users, level=level),
    )


def tier_weeks(measures: Measures, *, level: float) -> pd.DataFrame:
    """Give the share of each tier's members at the beginning of a week who were active in it.

    Returns:
        One row per `tier` (all members first, then the lowest) and `week`: `members`, `active`,
        `active_share` with a Wilson interval. NaN in weeks in which a tier is small, or hidden so
        that no small one can be had by subtraction; tiers that `tier_months` does not show are left
        out.
    """
    columns = ["tier", "week", "members", "active"]
    if measures.members is None or measures.members.empty:
        return pd.DataFrame(columns=[*columns, "active_share", "ci_lower", "ci_upper"])
    kept = _shown(measures)
    own = measures.members.assign(tier=lumped(measures.members["tier"], set(kept)))
    own = own.groupby(["tier", "week"], as_index=False)[["members", "active"]].sum()
    hidden = []
    for _, week in own.groupby("week"):
        named = large(week.set_index("tier")[["members"]], min_users=measures.min_users)
        hidden.append(~week["tier"].isin(named))
    own.loc[pd.concat(hidden).sort_index(), ["members", "active"]] = 0
    everyone = measures.members.groupby("week", as_index=False)[["members", "active"]].sum()
    parts = [everyone.assign(tier=EVERYONE), *(own[own["tier"] == tier] for tier in kept)]
    found = pd.concat(parts, ignore_index=True)[columns]
    share = _share("", found["active"], found["members"], measures.min_users, level=level)
    few = found["members"] < measures.min_users
    counts = found[["members", "active"]].astype(float).mask(few)
    return found.assign(**counts, active_share=share.pop("share"), **share)


def tier_months(measures: Measures, *, high_tiers: Sequence[str], level: float) -> pd.DataFrame:
    """Give each tier's activity in the last 28 days, and its change since a window before.

    Who belongs to a tier is fixed at the beginning of each window, as long after a review, and all
    of them count to its end. So both have picked their members at their best alike, and what that
    costs them later (regression to the mean) is in both, not in the change. The members of the
    first window followed into the second fall though nothing has changed, and the tier of today
    knows what was done in the windows.

    Args:
        measures: the reduced tables.
        high_tiers: the tiers whose fall is an alert.
        level: coverage of each interval, between 0 and 1.

    Returns:
        One row per `tier` (all members first, then the lowest): `members`, `active` and
        `active_share` with a Wilson interval in the last 28 days; `stickiness` with `sticky_lower`
        and `sticky_upper` (of the four weeks, the share in which an active member was active; of
        tiers only); `members_before`, `active_share_before`, `change` with `change_lower` and
        `change_upper`; `p_holm` (over the high tiers, and over the others) and `verdict` ("falls",
        "rises", "unclear", "" where there is no comparison). NaN under min_users. A tier is small
        that is few, but not nobody, at the beginning of a window; small tiers are left out, and the
        next smallest with them until the rest of all members is no few. No rows without tiers.
    """
    windows = measures.windows
    if windows is None or windows.empty:
        return pd.DataFrame()
    rows = [_month(measures, windows, EVERYONE, level=level)]
    rows += [_month(measures, windows, tier, level=level) for tier in _shown(measures)]
    found = pd.DataFrame(rows)
    everyone = found["tier"] == EVERYONE
    high = found["tier"].isin(list(high_tiers)) & ~everyone
    found["p_holm"] = found["p"]
    for family in (high, ~high & ~everyone):
        found.loc[family, "p_holm"] = holm(found.loc[family, "p"])
    clear = found["p_holm"] <= 1 - level
    found["verdict"] = np.select(
        [
            found["change"].isna(),
            clear & (found["change_upper"] < 0),
            clear & (found["change_lower"] > 0),
        ],
        ["", "falls", "rises"],
        "unclear",
    )
    return found.drop(columns="p")


def change(windows: pd.DataFrame, tier: str, *, level: float) -> pd.DataFrame:
    """Give the change of a tier's active share, users in both windows being one user each.

    Args:
        windows: as in the measures.
        tier: its name, or "all" for all members.
        level: coverage of the interval.

    Returns:
        One row: `value`, `ci_lower`, `ci_upper`, `p`; the wider interval and the larger p-value of
        the delta method (with one active and one inactive pseudo-user per window) and Newcombe's.
    """
    member_before, member = (
        _members_of(windows[name], tier).astype(float) for name in ("tier_before", "tier")
    )
    came = (windows["weeks_active"] > 0).to_numpy() * member
    came_before = windows["active_before"].to_numpy() * member_before
    sides = np.column_stack([member_before, came_before, member, came])
    return change_of_share(sides, windows["n"], level=level)


def _month(
    measures: Measures, windows: pd.DataFrame, tier: str, *, level: float
) -> dict[str, object]:
    own = windows[_members_of(windows["tier"], tier)]
    before = windows[_members_of(windows["tier_before"], tier)]
    by_weeks = own.groupby("weeks_active")["n"].sum()
    exact = by_weeks.reindex(_WEEKS, fill_value=0).to_numpy()
    members, active = int(own["n"].sum()), int(exact.sum())
    n_before = int(before["n"].sum())
    share = _share("", pd.Series([active]), pd.Series([members]), measures.min_users, level=level)
    row: dict[str, object] = {
        "tier": tier,
        "members": members,
        "active": active,
        "active_share": share["share"].iloc[0],
        "ci_lower": share["ci_lower"].iloc[0],
        "ci_upper": share["ci_upper"].iloc[0],
        **dict.fromkeys(("stickiness", "sticky_lower", "sticky_upper"), np.nan),
        "members_before": n_before,
        **dict.fromkeys(
            ("active_share_before", "change", "change_lower", "change_upper", "p"), np.nan
        ),
    }
    # Of all members it would tell that of a tier in which too few were active.
    if tier != EVERYONE and active >= measures.min_users:
        row |= _stickiness(exact, level=level)
    if min(members, n_before) >= measures.min_users:
        found = change(windows, tier, level=level).iloc[0]
        row["active_share_before"] = before.loc[before["active_before"] == 1, "n"].sum() / n_before
        row |= {"change": found["value"], "p": found["p"]}
        row |= {f"change_{end}": found[f"ci_{end}"] for end in ("lower", "upper")}
    few = ["members", "active"] if members < measures.min_users else []
    few += ["members_before"] if n_before < measures.min_users else []
    return row | dict.fromkeys(few, np.nan)


def _stickiness(exact: FloatArray, *, level: float) -> dict[str, float]:
    """Give the mean share of the weeks in which the active were active, in [1/4, 1]."""

    def statistic(cells: FloatArray) -> FloatArray:
        return np.asarray((cells @ _WEEKS / cells.sum(axis=-1) / WINDOW_WEEKS)[..., None])

    # One pseudo-user at either end: where all were active in all weeks, no spread is seen.
    added = np.array([1, *[0] * (WINDOW_WEEKS - 2), 1])
    value, lower, upper = smoothed_delta(statistic, exact, added=added, level=level)
    return {
        "stickiness": float(value[0]),
        "sticky_lower": max(float(lower[0]), 1 / WINDOW_WEEKS),
        "sticky_upper": min(float(upper[0]), 1.0),
    }


def _shown(measures: Measures) -> list[str]:
    """Choose the tiers that may be shown, the lowest first."""
    assert measures.windows is not None
    sizes = pd.DataFrame(
        {side: measures.windows.groupby(side)["n"].sum() for side in ("tier", "tier_before")},
        index=list(measures.tiers),
    ).fillna(0)
    sizes = sizes.astype(int)
    kept = large(sizes, min_users=measures.min_users)
    return [tier for tier in measures.tiers if tier in kept]


def _members_of(tiers: pd.Series, tier: str) -> npt.NDArray[np.bool_]:
    return np.asarray(tiers.notna() if tier == EVERYONE else tiers == tier, dtype=bool)


def _share(
    prefix: str, count: pd.Series, n: pd.Series, min_users: int, *, level: float
) -> dict[str, pd.Series]:
    """Give a share with its interval, NaN where n is under min_users."""
    lower, upper = wilson(count, n, level=level)
    enough = n >= min_users
    return {
        f"{prefix}{name}": pd.Series(values, index=n.index, dtype=float).where(enough)
        for name, values in (
            ("share", count / n.where(n > 0)),
            ("ci_lower", lower),
            ("ci_upper", upper),
        )
    }
