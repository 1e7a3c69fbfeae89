"""Project who will still be there, and test the projection on what came after an earlier day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from siyu.stats.intervals import wilson
from siyu.stats.shifted_beta_geometric import Fit, FitError, fit, predict, survival
from siyu.stats.survival import cumulative_incidence
from siyu.studies.retention.definition import RetentionError
from siyu.studies.retention.projection.measure import WEEK_DAYS, Lives

Outcome = Literal[
    "nobody", "few_users", "nobody_left", "few_left", "left_at_once", "untested", "missed", "held"
]
"""Why there is no projection; or that there is one, and what the test says of it."""
_MOST_WEEKS = 260


@dataclass(frozen=True, kw_only=True)
class Holdout:
    """What was predicted at the end of an earlier day, and what came.

    Of `n` users there at the end of the last week each had lived through by `on`, `stayed` (with
    the share's interval `lower` to `upper`, Wilson) were still there so many `days` later.
    `expected` is the share predicted from what was known on that day, and `expected_lower` to
    `expected_upper` its prediction interval, which knows the model's uncertainty and chance;
    `constant` is what a constant weekly share of leavers predicts. `model` is the fit of that day.
    """

    on: date
    days: int
    n: int
    stayed: int
    lower: float
    upper: float
    expected: float
    expected_lower: float
    expected_upper: float
    constant: float
    model: Fit

    @property
    def share(self) -> float:
        """The share that was still there."""
        return self.stayed / self.n

    @property
    def held(self) -> bool:
        """Whether what came lies in the range that was predicted."""
        return self.expected_lower <= self.share <= self.expected_upper


@dataclass(frozen=True, kw_only=True)
class Projection:
    """How many stay, as the model has it, beside what was seen.

    n_left: users who left in a week that is over. seen_weeks: the last week through which at least
    `min_users` were followed.
    curve: one row per `weeks` since the addition (0 to the last asked for): `state` ("observed", up
        to `seen_weeks`; "projected", as far beyond as the test went; "beyond"), `at_risk`, `share`
        (Kaplan-Meier, with `share_lower`, `share_upper`; NaN where under min_users were followed),
        `projected` with `projected_lower`, `projected_upper`, and `projected_before` (as the model
        of the test has it). Empty without a projection.
    asked: the weeks asked for. days: how far ahead those are followed who are there now. n_there:
    how many were there at the end of the last week each had lived through. expected: how many of
    them will be there `days` later, with the prediction interval `expected_lower` to
    `expected_upper`; NaN where they are under min_users.
    """

    outcome: Outcome
    n_left: int
    holdout: Holdout | None = None
    seen_weeks: int = 0
    curve: pd.DataFrame
    asked: Sequence[int]
    days: int
    n_there: int = 0
    expected: float = np.nan
    expected_lower: float = np.nan
    expected_upper: float = np.nan

    @property
    def told_weeks(self) -> int:
        """The last week asked for that is no further ahead than the test went, else the first."""
        near = self.curve["weeks"].isin(self.asked) & (self.curve["state"] != "beyond")
        return int(self.curve.loc[near, "weeks"].max()) if near.any() else self.asked[0]


def project(
    lives: Lives,
    *,
    weeks: Sequence[int] = (4, 13, 26, 52),
    holdout_days: int = 56,
    project_days: int = 91,
    level: float,
) -> Projection:
    """Project how many stay connected, and test it.

    Args:
        lives: the reduced table.
        weeks: after how many weeks the share of newcomers still there is asked for, ascending.
        holdout_days: how long before the end of `as_of` the test stands, whole weeks.
        project_days: how far ahead those are followed who are there now, whole weeks.
        level: coverage of the intervals, between 0 and 1.

    Raises:
        RetentionError: naming the value, the rule and the remedy.
    """
    asked = _checked(weeks)
    back = _whole_weeks("holdout_days", holdout_days)
    ahead = _whole_weeks("project_days", project_days)
    known = lives.known()
    n_left = int(known.loc[known["outcome"] == 1, "n"].sum())
    none = Projection(
        outcome="few_users" if lives.n_added else "nobody",
        n_left=n_left,
        curve=pd.DataFrame(),
        asked=asked,
        days=project_days,
    )
    if lives.n_added < lives.min_users:
        return none
    try:
        model = fit(known)
    except FitError as error:
        return replace(none, outcome=error.reason)
    holdout = _hold_out(lives, back, level=level)
    curve, seen = _curve(lives, known, model, asked[-1], level=level)
    steps = [curve["weeks"] <= seen, curve["weeks"] <= seen + back]
    curve.insert(1, "state", np.select(steps, ["observed", "projected"], "beyond"))
    if holdout:
        curve["projected_before"] = survival(holdout.model, curve["weeks"], level=level)[0]
    there = lives.there()
    n_there = int(there["n"].sum())
    expected = predict(model, there["weeks"], there["n"], periods=ahead, level=level)
    if n_there < lives.min_users:
        expected = (np.nan, np.nan, np.nan)
    return replace(
        none,
        outcome="untested" if holdout is None else "held" if holdout.held else "missed",
        holdout=holdout,
        seen_weeks=seen,
        curve=curve,
        n_there=n_there,
        expected=expected[0],
        expected_lower=expected[1],
        expected_upper=expected[2],
    )


def _hold_out(lives: Lives, back: int, *, level: float) -> Holdout | None:
    """Predict from what was known then, and compare; None where too little was known."""
    known, there = lives.known(weeks_ago=back), lives.there(weeks_ago=back)
    n, stayed = int(there["n"].sum()), int(there["stayed"].sum())
    if n < lives.min_users:
        return None
    try:
        model = fit(known)
    except FitError:
        return None
    expected = predict(model, there["weeks"], there["n"], periods=back, level=level)
    lower, upper = wilson(stayed, n, level=level)
    leavers = known.loc[known["outcome"] == 1, "n"].sum()
    leaving = leavers / (known["time"] * known["n"]).sum()
    return Holdout(
        on=lives.as_of - timedelta(days=back * WEEK_DAYS),
        days=back * WEEK_DAYS,
        n=n,
        stayed=stayed,
        lower=float(lower),
        upper=float(upper),
        expected=expected[0] / n,
        expected_lower=expected[1] / n,
        expected_upper=expected[2] / n,
        constant=float((1 - leaving) ** back),
        model=model,
    )


def _curve(
    lives: Lives, known: pd.DataFrame, model: Fit, horizon: int, *, level: float
) -> tuple[pd.DataFrame, int]:
    """Give the share by week as seen and as the model has it, and the last week seen."""
    weeks = np.arange(max(horizon, int(known["time"].max())) + 1)
    # A week in which nothing happened has no row of its own; beyond the last one is nobody.
    seen = cumulative_incidence(known, level=level).set_index("time")
    at_risk = seen["at_risk"].reindex(weeks, method="bfill", fill_value=0)
    enough = at_risk >= lives.min_users
    lost = seen.reindex(weeks, method="ffill").fillna({"incidence": 0}).where(enough)
    there = (1 - lost).clip(lower=0)
    share, lower, upper = survival(model, weeks, level=level)
    curve = pd.DataFrame(
        {
            "weeks": weeks,
            "at_risk": at_risk.where(enough).to_numpy(),
            "share": there["incidence"].to_numpy(),
            "share_lower": there["ci_upper"].to_numpy(),
            "share_upper": there["ci_lower"].to_numpy(),
            "projected": share,
            "projected_lower": lower,
            "projected_upper": upper,
            "projected_before": np.nan,
        }
    )
    return curve, int(weeks[enough].max())


def _checked(weeks: Sequence[int]) -> tuple[int, ...]:
    ascending = list(weeks) == sorted(set(weeks))
    if not weeks or not ascending or weeks[0] < 1 or weeks[-1] > _MOST_WEEKS:
        raise RetentionError(
            f"weeks = {list(weeks)} must be one or more whole numbers from 1 to {_MOST_WEEKS}, "
            "ascending; use [4, 13, 26, 52]"
        )
    return tuple(weeks)


def _whole_weeks(name: str, days: int) -> int:
    weeks, rest = divmod(days, WEEK_DAYS)
    if weeks < 1 or rest:
        nearest = WEEK_DAYS * max(1, round(days / WEEK_DAYS))
        raise RetentionError(f"{name} = {days} must be whole weeks of 7 days; use {nearest}")
    return weeks
