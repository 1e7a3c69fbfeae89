"""Forecast what buyers will buy, and test the forecast on what came after an earlier day."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from siyu.stats import bg_nbd, gamma_gamma
from siyu.stats.checks import FloatArray
from siyu.stats.delta import positive_range
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.naming import EVERYONE, SMALL, large
from siyu.studies.tiers.future.measure import NO_TIER, WEEK_DAYS, Measures
from siyu.studies.tiers.future.totals import Model, Totals, fit_model, total

Outcome = Literal["nobody", "few_repeat", "boundary", "untested", "missed", "held"]
"""Why there is no forecast; or that there is one, and what the test says of it."""
UNREVIEWED = "(no tier)"
_CLASSES = (0, 1, 2, 3, 4, 5, 7, 10)
"""Repeats from which on buyers are shown as one class."""
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
    names = _name_groups(measures)
    tested = _hold_out(measures, names, level=level)
    outcome: Outcome = "untested"
    if len(tested["holdout"]):
        outcome = "held" if tested["holdout"]["held"].iloc[0] else "missed"
    return replace(
        none,
        outcome=outcome,
        amounts=model.amounts_refused,
        model=model,
        table=_table(measures, model, names, tested["holdout"], level=level),
        **tested,
    )


def _name_groups(measures: Measures) -> dict[int, str]:
    """Name the tier of each code; those with few buyers, then or now, share a name."""
    names = dict(enumerate(measures.tiers)) | {NO_TIER: UNREVIEWED}
    sizes = {}
    for name in ("now", "before"):
        table = getattr(measures, name)
        for gone in (0, 1):
            there = table[table["gone"] == gone]
            sizes[f"{name} {gone}"] = there.groupby(there["tier"].map(names))["n"].sum()
    table = pd.DataFrame(sizes).fillna(0)
    if UNREVIEWED in table.index and measures.tiers:
        few = table.loc[UNREVIEWED].between(1, measures.min_users - 1)
        if few.any():  # newcomers are where everybody begins, rather than among small groups
            names[NO_TIER] = measures.tiers[0]
            table = table.rename({UNREVIEWED: measures.tiers[0]}).groupby(level=0).sum()
    kept = large(table, min_users=measures.min_users)
    return {code: name if name in kept else SMALL for code, name in names.items()}


def _grouped(rows: pd.DataFrame, names: dict[int, str]) -> tuple[list[str], FloatArray]:
    """Give the groups there are, all buyers first, and in which of them each row is (0 or 1)."""
    named = rows["tier"].map(names)
    there = [name for name in dict.fromkeys([*names.values(), SMALL]) if (named == name).any()]
    if len(there) < 2:
        there = []
    inside = np.stack([np.ones(len(rows)), *((named == name).to_numpy(float) for name in there)])
    return [EVERYONE, *there], inside


def _levels(groups: list[str], level: float) -> FloatArray:
    """The level of all buyers, and that at which the intervals of the tiers hold at once."""
    k = max(len(groups) - 1, 1)
    return np.array([level] + [bonferroni_level(level, k)] * (len(groups) - 1))


def _ranges(value: FloatArray, variance: FloatArray, levels: FloatArray) -> FloatArray:
    ends = [
        positive_range(v, s, level=at) for v, s, at in zip(value, variance, levels, strict=True)
    ]
    return np.array(ends, dtype=np.float64).reshape(-1, 2).T


def _hold_out(
    measures: Measures, names: dict[int, str], *, level: float
) -> dict[str, pd.DataFrame]:
    """Forecast from what was known then, and compare; empty where too little was known."""
    rows = measures.before
    empty = {name: pd.DataFrame() for name in ("holdout", "classes", "weeks")}
    if not len(rows) or rows.loc[rows["gone"] == 0, "n"].sum() < measures.min_users:
        return empty
    try:
        model = fit_model(rows, level=level)
    except bg_nbd.FitError:
        return empty
    days = measures.holdout_days
    groups, inside = _grouped(rows, names)
    levels = _levels(groups, level)
    found = total(model, rows, inside, days=days)
    lower, upper = _ranges(found.bought, found.bought_variance, levels)
    later, paid = inside @ rows["later"].to_numpy(float), inside @ rows["later_cny"].to_numpy()
    table = {"group": groups, "n": found.n, "later": later, "expected": found.bought}
    table |= {"ci_lower": lower, "ci_upper": upper, "held": (lower <= later) & (later <= upper)}
    lower, upper = _ranges(found.paid, found.paid_variance, levels)
    table |= {"later_cny": paid, "expected_cny": found.paid, "cny_lower": lower}
    table |= {"cny_upper": upper, "held_cny": (lower <= paid) & (paid <= upper)}
    return {
        "holdout": pd.DataFrame(table),
        "classes": _by_class(measures, model, level=level),
        "weeks": _by_week(measures, model, level=level),
    }


def _by_class(measures: Measures, model: Model, *, level: float) -> pd.DataFrame:
    rows = measures.before[measures.before["gone"] == 0]
    of = np.searchsorted(_CLASSES, rows["repeats"], side="right") - 1
    # From the most frequent down, so that no class is a few persons.
    n = np.bincount(of, rows["n"], len(_CLASSES))
    begins, size = [], 0.0
    for k in range(len(_CLASSES) - 1, -1, -1):
        size += n[k]
        if size >= measures.min_users:
            begins, size = [k, *begins], 0.0
    if not begins:
        return pd.DataFrame()
    begins[0] = 0
    of = np.searchsorted(begins, of, side="right") - 1
    inside = np.equal.outer(range(len(begins)), of).astype(float)
    found = total(model, rows, inside, days=measures.holdout_days)
    levels = np.full(len(begins), bonferroni_level(level, len(begins)))
    lower, upper = _ranges(found.bought, found.bought_variance, levels)
    least = [_CLASSES[k] for k in begins]
    table = pd.DataFrame(
        {
            "least": least,
            "most": [*(after - 1 for after in least[1:]), int(rows["repeats"].max())],
            "n": found.n,
            "later": inside @ rows["later"].to_numpy(float),
            "expected": found.bought,
            "ci_lower": lower,
            "ci_upper": upper,
        }
    )
    table[["later", "expected", "ci_lower", "ci_upper"]] = table[
        ["later", "expected", "ci_lower", "ci_upper"]
    ].div(table["n"], axis=0)
    return table


def _by_week(measures: Measures, model: Model, *, level: float) -> pd.DataFrame:
    rows, weeks = measures.before, measures.weeks["week"]
    everybody = np.ones((1, len(rows)))
    found = [total(model, rows, everybody, days=WEEK_DAYS * week) for week in weeks]
    ends = [positive_range(f.bought, f.bought_variance, level=level) for f in found]
    pace = rows.loc[rows["gone"] == 0, "recent"].sum() / measures.horizon_days
    return pd.DataFrame(
        {
            "week": weeks,
            "later": measures.weeks["later"].cumsum(),
            "expected": [f.bought[0] for f in found],
            "ci_lower": [lower[0] for lower, _ in ends],
            "ci_upper": [upper[0] for _, upper in ends],
            "steady": pace * WEEK_DAYS * weeks,
        }
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
    groups, inside = _grouped(rows, names)
    levels = _levels(groups, level)
    found = total(model, rows, inside, days=measures.horizon_days)
    there = rows["gone"].to_numpy() == 0
    table = pd.DataFrame({"group": groups, "n": found.n})
    table["gone"] = inside @ (rows["n"] * ~there).to_numpy(float)
    table["recent"] = inside @ (rows["recent"] * there).to_numpy(float)
    table["expected"] = found.bought
    table["ci_lower"], table["ci_upper"] = _ranges(found.bought, found.bought_variance, levels)
    table["alive"] = found.alive / found.n
    lower, upper = _ranges(found.alive, found.alive_variance, levels)
    table["alive_lower"] = lower / found.n
    table["alive_upper"] = np.minimum(upper / found.n, 1)
    table = table.join(_asleep(rows, inside, found, min_users=measures.min_users))
    share, spread = _margin_share(measures, names, groups)
    table["value_cny"] = found.paid * share
    variance = share**2 * found.paid_variance + spread * found.paid**2
    table["value_lower"], table["value_upper"] = _ranges(
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
    tiers = large(table[["asleep"]].iloc[1:], min_users=min_users)
    whole = {0} if table["asleep"].iloc[0] >= min_users else set()
    return table.where(table.index.isin(tiers | whole))


def _margin_share(
    measures: Measures, names: dict[int, str], groups: list[str]
) -> tuple[FloatArray, FloatArray]:
    """Give the margin of what a group paid, per yuan, and its variance, buyers being independent."""
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
