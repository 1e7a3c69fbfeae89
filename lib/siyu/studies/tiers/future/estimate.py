"""Forecast what buyers will buy, and test the forecast on what came after an earlier day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from siyu.stats import bg_nbd
from siyu.stats.checks import FloatArray
from siyu.studies.naming import EVERYONE, large
from siyu.studies.tiers.future.groups import grouped, levels_of, name_groups, ranges
from siyu.studies.tiers.future.holdout import hold_out
from siyu.studies.tiers.future.measure import Measures
from siyu.studies.tiers.future.totals import Model, Totals, fit_model, total

Outcome = Literal["nobody", "few_repeat", "boundary", "untested", "missed", "held"]
"""Why there is no forecast; or that there is one, and what the test says of it."""
_ASLEEP = 0.5


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What buyers are expected to buy in the days to come, beside the test of such a forecast.

    table: one row per `group` (EVERYONE, the tiers, UNREVIEWED, SMALL): `n` buyers there, `gone`
        (who left), `recent` (what those there bought in as many days before, first purchases
        apart), `expected` purchases with their prediction interval, `alive` (share that still
        buys) with its own, `asleep` (buyers who more likely stopped than not), `value_cny`
        (expected margin) with its prediction interval, `wake_cny` (what one of those asleep would
        bring if they still bought), `change` ("falls", "rises", "unclear": expected against
        recent), `outcome` of the test, and `value_outcome`. Intervals of tiers hold all at once.
    holdout: one row per `group` of the earlier day: `n` buyers there, `later` purchases,
        `expected` with its prediction interval, `held`; and the same of what was paid: `later_cny`,
        `expected_cny` with interval, `held_cny`. Empty where there was too little to test.
    classes: of the hold-out, one row per class of `repeats`, from `least` to `most`: `n`, `later`
        and `expected` per buyer, with interval. weeks: one row per `week`: purchases up to its end,
        `later`, `expected` with interval, and `steady` (as in the days before).
    outcome: of all together. amounts: "" or why there is no value ("none", "few", "boundary",
    "heavy", "tied"). repeat_buyers: who bought again by `as_of`.
    """

    outcome: Outcome
    amounts: str
    repeat_buyers: int
    model: Model | None = None
    table: pd.DataFrame
    holdout: pd.DataFrame
    classes: pd.DataFrame
    weeks: pd.DataFrame

    @property
    def whole(self) -> Any:
        """The row of the test on all buyers."""
        return self.holdout.set_index("group").loc[EVERYONE]


def forecast(measures: Measures, *, level: float) -> Forecast:
    """Forecast purchases and margin of buyers who are there, overall and per tier.

    Args:
        measures: what buyers bought.
        level: coverage of the intervals, between 0 and 1; those of the tiers hold all at once.
    """
    now = measures.now
    repeat_buyers = int(now.loc[now["repeats"] > 0, "n"].sum())
    nothing = pd.DataFrame()
    none = Forecast(
        outcome="nobody",
        amounts="none",
        repeat_buyers=repeat_buyers,
        table=nothing,
        holdout=nothing,
        classes=nothing,
        weeks=nothing,
    )
    if not len(now) or now.loc[now["gone"] == 0, "n"].sum() < measures.min_users:
        return none
    try:
        model = fit_model(now, level=level)
    except bg_nbd.FitError as error:
        return replace(none, outcome=error.reason)
    names = name_groups(measures)
    holdout, classes, weeks = hold_out(measures, names, level=level)
    outcome: Outcome = "untested"
    if len(holdout):
        outcome = "held" if holdout["held"].iloc[0] else "missed"
    return replace(
        none,
        outcome=outcome,
        amounts=model.amounts_refused,
        model=model,
        table=_table(measures, model, names, holdout, level=level),
        holdout=holdout,
        classes=classes,
        weeks=weeks,
    )


def _table(
    measures: Measures,
    model: Model,
    names: dict[int, str],
    holdout: pd.DataFrame,
    *,
    level: float,
) -> pd.DataFrame:
    rows = measures.now
    groups, inside = grouped(rows, names)
    levels = levels_of(groups, level)
    found = total(model, rows, inside, days=measures.horizon_days)
    there = rows["gone"].to_numpy() == 0
    table = pd.DataFrame({"group": groups, "n": found.n})
    table["gone"] = inside @ (rows["n"] * ~there).to_numpy(float)
    table["recent"] = inside @ (rows["recent"] * there).to_numpy(float)
    table["expected"] = found.bought
    table["ci_lower"], table["ci_upper"] = ranges(found.bought, found.bought_variance, levels)
    table["alive"] = found.alive / found.n
    lower, upper = ranges(found.alive, found.alive_variance, levels)
    table["alive_lower"] = lower / found.n
    table["alive_upper"] = np.minimum(upper / found.n, 1)
    table = table.join(_asleep(rows, inside, found, min_users=measures.min_users))
    share, spread = _margin_share(measures, names, groups)
    table["value_cny"] = found.paid * share
    variance = share**2 * found.paid_variance + spread * found.paid**2
    table["value_lower"], table["value_upper"] = ranges(
        table["value_cny"].to_numpy(), variance, levels
    )
    table["wake_cny"] = table["wake_cny"] * share
    table["change"] = np.select(
        [table["ci_upper"] < table["recent"], table["ci_lower"] > table["recent"]],
        ["falls", "rises"],
        "unclear",
    )
    for column, held in (("outcome", "held"), ("value_outcome", "held_cny")):
        table[column] = _outcomes(table["group"], holdout, held)
    return table


def _asleep(
    rows: pd.DataFrame, inside: FloatArray, found: Totals, *, min_users: int
) -> pd.DataFrame:
    """Count who more likely stopped than not, and what one of them would bring if not.

    Tiers with few of them are left out (NaN), and as many more as keep these from being told.
    """
    n = rows["n"].to_numpy(float)
    asleep = (rows["gone"].to_numpy() == 0) & (found.each_alive < _ASLEEP)
    if_awake = np.where(asleep, found.each_paid / np.where(asleep, found.each_alive, 1), 0)
    table = pd.DataFrame({"asleep": inside @ (n * asleep), "wake_cny": inside @ (n * if_awake)})
    table["wake_cny"] /= table["asleep"].replace(0, np.nan)
    tiers: set[Any] = set(large(table[["asleep"]].iloc[1:], min_users=min_users))
    whole = {0} if table["asleep"].iloc[0] >= min_users else set()
    return table.loc[sorted(whole | tiers)]  # the join leaves the others empty


def _margin_share(
    measures: Measures, names: dict[int, str], groups: list[str]
) -> tuple[FloatArray, FloatArray]:
    """Give the margin per yuan that a group paid, and its variance; buyers are independent."""
    sums = measures.margins.drop(columns="tier").groupby(measures.margins["tier"].map(names)).sum()
    sums.loc[EVERYONE] = sums.sum()
    of = sums.loc[groups]
    share = (of["earned_cny"] / of["amount_cny"]).to_numpy()
    squares = of["earned2"] - 2 * share * of["both"] + share**2 * of["amount2"]
    return share, np.maximum(squares / of["amount_cny"] ** 2, 0).to_numpy()


def _outcomes(groups: pd.Series, holdout: pd.DataFrame, held: str) -> list[str]:
    """Of each group, whether its test held, and that of all buyers."""
    if not len(holdout):
        return ["untested"] * len(groups)
    tested = holdout.set_index("group")[held]
    whole = bool(tested[EVERYONE])
    return [
        "untested" if group not in tested else "held" if tested[group] and whole else "missed"
        for group in groups
    ]
