"""Estimate who of those on each rung orders first, and what is to be expected of them today."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from siyu.stats.checks import FloatArray
from siyu.stats.intervals import (
    difference_pvalue,
    newcombe_difference,
    wilson,
)
from siyu.stats.jackknife import interval_of, jackknife
from siyu.stats.mover import mover_product
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.studies.naming import large
from siyu.studies.tables import each_row
from siyu.studies.tiers.ladder.measure import Measures

FEWEST_ORDERS = 20
"""First orders, at the least, for their mean margin to be said."""
POINT = 0.01
"""By how much a share is raised where the worth of raising it is said."""


@dataclass(frozen=True, kw_only=True)
class Ladder:
    """The rungs, from shallow to deep.

    rungs: one row per `rung`: `state` ("shown", "nobody" stands or stood on it, "small"), `n`
        followers who stood on it, `rate` of them who ordered first, with its interval, `today` who
        stand on it now, `expected` first orders of these with an interval, `worth_cny` of those
        with an interval, and `point_cny`, what one more in a hundred of these would bring.
    steps: one row per shown rung but the lowest: the shown rung `below`, `difference` of the rates
        with an interval, all at once, `p` (Holm) and `verdict` ("higher", "lower", "unclear").
    margin: mean margin of a first order and its interval, in yuan; not a number where there are
        fewer than FEWEST_ORDERS.
    total: expected first orders of all shown rungs, and the interval.
    refused: "events", "orders", "added" (of members unknown), "followed" (nobody was), "few" (no
        rung can be shown), "".
    """

    rungs: pd.DataFrame
    steps: pd.DataFrame
    margin: tuple[float, float, float]
    total: tuple[float, float, float]
    refused: str


def estimate(measures: Measures, *, level: float) -> Ladder:
    """Estimate the share of each rung that orders first, and what to expect of who stands there.

    Args:
        measures: the followers.
        level: coverage of each interval, between 0 and 1.

    Raises:
        ValueError: the level is out of range.

    Assumes independent followers, and that those who stand on a rung today order as those did who
    stood on it `order_days` ago.
    """
    nothing = (np.nan,) * 3
    refused = _refusal(measures)
    rungs = pd.DataFrame({"rung": [], "state": []})
    steps = pd.DataFrame({"rung": []})
    margin, total = nothing, nothing
    if not refused:
        margin = _margin(measures, level)
        rungs = _rungs(measures, margin, level)
        shown = rungs[rungs["state"] == "shown"]
        if shown.empty:
            refused = "few"
        else:
            steps, total = _steps(shown, level), _total(shown)
    return Ladder(rungs=rungs, steps=steps, margin=margin, total=total, refused=refused)


def _refusal(measures: Measures) -> str:
    if not measures.has_events:
        return "events"
    if not measures.has_orders:
        return "orders"
    if not measures.has_added:
        return "added"
    return "" if measures.followed["n"].sum() else "followed"


def _margin(measures: Measures, level: float) -> tuple[float, float, float]:
    """Give the mean margin of a first order, with an interval on the log scale."""
    earned = measures.earned
    counts, values = earned["n"].to_numpy(dtype=float), earned[["earned_cny"]].to_numpy(dtype=float)
    n = counts.sum()
    if n < FEWEST_ORDERS or not (counts @ values > 0).all():
        return (np.nan,) * 3
    mean = counts @ values / n
    with np.errstate(divide="ignore", invalid="ignore"):
        spread = jackknife(lambda means: np.log(means), values, counts)
    lower, upper = interval_of(np.log(mean), spread, level=level)
    return float(mean[0]), float(np.exp(lower[0])), float(np.exp(upper[0]))


def _rungs(measures: Measures, margin: tuple[float, float, float], level: float) -> pd.DataFrame:
    sizes = pd.DataFrame(index=list(measures.rungs))
    for name, table in (("n", measures.followed), ("today", measures.today)):
        sizes[name] = table.set_index("rung")["n"].reindex(sizes.index).fillna(0).astype(int)
    ordered = measures.followed.set_index("rung")["ordered"].reindex(sizes.index).fillna(0)
    shown = large(sizes, min_users=measures.min_users)
    rows = []
    for rung, n, today in sizes.itertuples():
        state = "nobody" if n + today == 0 else "small"
        if rung in shown and n >= measures.min_users:
            state = "shown"
        row: dict[str, Any] = {"rung": rung, "state": state}
        if state == "shown":
            row |= _row(int(ordered[rung]), int(n), int(today), margin, level)
        rows.append(row)
    return pd.DataFrame(rows)


def _row(
    ordered: int, n: int, today: int, margin: tuple[float, float, float], level: float
) -> dict[str, float]:
    rate = ordered / n
    lower, upper = (float(end) for end in wilson(ordered, n, level=level))
    worth = mover_product((today * rate, today * lower, today * upper), margin)
    row = {"n": n, "ordered": ordered, "rate": rate, "ci_lower": lower, "ci_upper": upper}
    row |= {"today": today, "expected": today * rate}
    row |= {"expected_lower": today * lower, "expected_upper": today * upper}
    for name, number in zip(("worth_cny", "worth_lower", "worth_upper"), worth, strict=True):
        row[name] = float(number)
    return row | {"point_cny": today * POINT * margin[0]}


def _steps(shown: pd.DataFrame, level: float) -> pd.DataFrame:
    above, below = shown.iloc[1:], shown.iloc[:-1]
    if above.empty:
        return pd.DataFrame({"rung": []})
    sides: list[FloatArray] = [
        side[name].to_numpy(dtype=float) for side in (above, below) for name in ("ordered", "n")
    ]
    joint = bonferroni_level(level, len(above))
    difference, lower, upper = newcombe_difference(*sides, level=joint)
    p = holm(difference_pvalue(*sides))
    clear = p <= 1 - level
    return pd.DataFrame(
        {
            "rung": list(above["rung"]),
            "below": list(below["rung"]),
            "difference": difference,
            "ci_lower": lower,
            "ci_upper": upper,
            "p": p,
            "verdict": np.where(~clear, "unclear", np.where(difference > 0, "higher", "lower")),
        }
    )


def _total(shown: pd.DataFrame) -> tuple[float, float, float]:
    """Sum the expected orders of independent rungs (MOVER)."""
    total = float(shown["expected"].sum())
    below = float(np.sqrt(((shown["expected"] - shown["expected_lower"]) ** 2).sum()))
    above = float(np.sqrt(((shown["expected_upper"] - shown["expected"]) ** 2).sum()))
    return total, total - below, total + above


def compare_ends(ladder: Ladder, *, level: float) -> tuple[str, FloatArray]:
    """Compare the highest with the lowest rung shown: which side is clear, and the difference.

    Returns:
        "higher", "lower", "unclear", or "one" where only one rung is shown; and the difference of
        the shares with Newcombe's interval.
    """
    ends = list(each_row(ladder.rungs[ladder.rungs["state"] == "shown"]))
    high, low = ends[-1], ends[0]
    if len(ends) < 2:
        return "one", np.full(3, np.nan)
    counts = (high.ordered, high.n, low.ordered, low.n)
    found = np.array(newcombe_difference(*counts, level=level))
    side = "higher" if found[1] > 0 else "lower" if found[2] < 0 else "unclear"
    return side, found
