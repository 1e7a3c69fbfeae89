"""Decide by the net worth of a person drawn: roll a lure out, keep testing, or stop."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from siyu.stats.checks import FloatArray
from siyu.stats.many_to_one import chance_best, expected_loss
from siyu.stats.multiplicity import bonferroni_level
from siyu.stats.sequential import always_valid_reach
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.reading.compare import BEST, CONTROL, Means, Running

_NAN = float("nan")
QUARTER_DAYS = 91


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What to do, how sure that is, and what it costs if it is wrong; yuan per person drawn.

    kind: "roll_out" (`arm`), "stop" (no lure is worth it), "keep_testing", "" (could not be told).
    arm: what is best so far, the control included. net_cny: of it.
    at_most_cny: how far it may lie behind the best, by intervals that hold for all arms at once.
    chance_wrong: that another is better; loss_cny: what the choice can then be expected to lose.
    gain_cny: over the control, with its interval that holds for all lures; missing without one.
    worse: arms that are clearly not the best. more: people still to be drawn into the arms left
        together until one can be chosen, beyond those who were drawn and have not been followed to
        the end; days: that many days at the pace of the draw.
    quarter_cny: what the lure brings in a quarter at that pace, over the control, or over going on
        with all arms as planned; missing where that is not clear, or not everybody has been
        followed to the end.
    """

    kind: str = ""
    arm: str = ""
    net_cny: float = _NAN
    at_most_cny: float = _NAN
    chance_wrong: float = _NAN
    loss_cny: float = _NAN
    gain_cny: float = _NAN
    gain_lower: float = _NAN
    gain_upper: float = _NAN
    worse: tuple[str, ...] = ()
    more: float = _NAN
    days: float = _NAN
    quarter_cny: float = _NAN


def decide(
    experiment: Experiment,
    gaps: pd.DataFrame,
    means: Means,
    *,
    n: FloatArray,
    running: Running | None,
    to_draw: int,
    level: float,
    smallest_gain_cny: float,
) -> Verdict:
    """Decide between the arms by what a person drawn is worth in each.

    A lure is rolled out that may lie behind no other arm by more than the smallest gain that
    matters, and clearly brings more than the control where there is one. Testing stops where the
    control lies behind no lure by more than that; without one, where every lure clearly costs more
    than it brings. Where the best lure is settled, but not whether it brings what it costs, testing
    goes on until that is.

    Args:
        experiment: from `find_experiment`.
        gaps: of the net worth, as from `compare`, with `arm`.
        means: the net worth of each arm in the same order.
        n: people read in each.
        running: how far the experiment is; None: everybody has been followed to the end.
        to_draw: people who are planned and have not been drawn.
        level: of the intervals.
        smallest_gain_cny: per person drawn, above 0.
    """
    best = gaps[gaps["against"] == BEST].reset_index(drop=True)
    names, control = best["arm"].tolist(), experiment.definition.control_arm
    leader = int(means.value.argmax())
    against = gaps[gaps["against"] == CONTROL].set_index("arm")
    at_most = -best["ci_lower"].to_numpy()
    kind = "keep_testing"
    if control:
        if at_most[0] <= smallest_gain_cny:
            kind, leader = "stop", 0
        elif leader and _clear(against.loc[names[leader]], level):
            kind = "roll_out" if at_most[leader] <= smallest_gain_cny else kind
    elif _all_lose(means, running, level):
        kind = "stop"
    elif at_most[leader] <= smallest_gain_cny and means.value[leader] > 0:
        kind = "roll_out"
    wrong, loss = _risk(means, leader, nothing=kind == "stop" and not control)
    pace = experiment.drawn["n"].sum() / (experiment.drawn["day"].max() + 1)
    lure = against.loc[names[leader]] if names[leader] in against.index else None
    more = _NAN
    if kind == "keep_testing":
        # What clearly is not the best is drawn no more.
        left = best["is_candidate"].to_numpy() | (best["arm"] == control).to_numpy()
        planned = _planned(experiment, names)
        in_left = round(n.sum() * planned[left].sum() / planned.sum())
        if not control and at_most[leader] <= smallest_gain_cny:
            more = _until_clear(means, leader, in_left, level, smallest_gain_cny)
        else:
            others = left & (np.arange(len(names)) != leader)
            spread = means.variance[others] + means.variance[leader]
            # A control needs both answers: that the lure brings more, or at most so much more.
            more = _lacking(spread, in_left, level, smallest_gain_cny / (2 if control else 1))
        drawn = experiment.count()[[experiment.arms.index(name) for name in names]]
        more = float(max(more - (drawn - n)[left].sum(), to_draw))
    return Verdict(
        kind=kind,
        arm=names[leader],
        net_cny=float(means.value[leader]),
        at_most_cny=float(at_most[leader]),
        chance_wrong=wrong,
        loss_cny=loss,
        gain_cny=_NAN if lure is None else float(lure["gap"]),
        gain_lower=_NAN if lure is None else float(lure["ci_lower"]),
        gain_upper=_NAN if lure is None else float(lure["ci_upper"]),
        worse=tuple(best.loc[~best["is_candidate"], "arm"]),
        more=more,
        days=float(np.ceil(more / pace)),
        quarter_cny=pace * QUARTER_DAYS * _gain(experiment, names, means, leader, level)
        if kind == "roll_out" and not running
        else _NAN,
    )


def _gain(
    experiment: Experiment, names: list[str], means: Means, leader: int, level: float
) -> float:
    """Give what a lure brings beyond the control, or beyond all arms as planned, where clear."""
    planned = _planned(experiment, names)
    usual = np.eye(len(names))[0] if experiment.has_control else planned / planned.sum()
    contrast = np.eye(len(names))[leader] - usual
    error = np.sqrt(contrast**2 @ means.variance)
    gain = float(contrast @ means.value)
    # Whichever leads would have been chosen.
    return gain if gain > norm.isf((1 - level) / 2 / len(names)) * error else _NAN


def _planned(experiment: Experiment, names: list[str]) -> FloatArray:
    return np.array([experiment.shares[experiment.arms.index(name)] for name in names])


def _risk(means: Means, leader: int, *, nothing: bool) -> tuple[float, float]:
    """Give the chance that another choice is better, and what is then lost on average."""
    if not nothing:
        chance = chance_best(means.value, means.variance)
        loss = expected_loss(means.value, means.variance)
        return float(1 - chance[leader]), float(loss[leader])
    # Instead of no lure: that any of them brings more than it costs, and at most so much.
    error = np.sqrt(means.variance)
    z = means.value / error
    return float(1 - norm.sf(z).prod()), float(
        (means.value * norm.cdf(z) + error * norm.pdf(z)).sum()
    )


def _clear(row: pd.Series, level: float) -> bool:
    return bool(row["ci_lower"] > 0 and not row["p_holm"] > 1 - level)


def _all_lose(means: Means, running: Running | None, level: float) -> bool:
    """Whether every lure clearly costs more than it brings (Bonferroni, one-sided)."""
    error, arms = np.sqrt(means.variance), len(means.value)
    reach = norm.isf((1 - level) / arms) * error
    if running:
        each = bonferroni_level(level, arms)
        reach = always_valid_reach(error, running.n, planned=running.planned, level=each)
    return bool((means.value + reach < 0).all())


def _lacking(spread: FloatArray, n: int, level: float, target: float) -> float:
    """Count the people until bounds reach no further than a target, however small the lead.

    `spread` is the variance of each other arm less the leading one, by `n` people in all of them.
    """
    widest = float(np.sqrt(spread.max()))
    half = float(norm.isf((1 - level) / len(spread))) * widest
    return float(max(np.ceil(n * ((half / target) ** 2 - 1)), 1.0))


def _until_clear(
    means: Means, leader: int, n: int, level: float, smallest_gain_cny: float
) -> float:
    """Count the people until it is clear whether the best lure brings what it costs.

    A difference to nothing of less than a tenth of what matters is not looked for.
    """
    target = max(abs(float(means.value[leader])), smallest_gain_cny / 10)
    half = float(norm.isf((1 - level) / len(means.value)) * np.sqrt(means.variance[leader]))
    return float(max(np.ceil(n * ((half / target) ** 2 - 1)), 1.0))
