"""Size the next test of lures: how many people, how long, and at which looks it may end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import norm
from scipy.stats import t as student

from siyu.stats.best import compare_with_best
from siyu.stats.likeness import Likeness, design_effect, likeness
from siyu.stats.many_to_one import compare_with_control
from siyu.stats.power import smallest_found
from siyu.stats.sequential import plan_bounds, price_of_looks
from siyu.studies.lures.definition import LureError
from siyu.studies.lures.design.measure import Measures
from siyu.studies.lures.design.plans import Plan, plan_outcomes

WEEKS = (2, 4, 8, 13)
"""For which it is told what they bring."""
LIFTS = np.geomspace(0.05, 0.6, 24)
_MOST_LOOKS = 26
_ROW = (
    *("way", "outcome", "n", "base", "base_lower", "base_upper", "smallest", "n_per_arm"),
    *("n_lower", "n_upper", "n_total", "weeks", "weeks_lower", "weeks_upper", "saved_share"),
)


@dataclass(frozen=True, kw_only=True)
class Clusters:
    """What it takes to draw whole staff accounts, judged by retention.

    size: persons of one in the period, on average; effect: how many times more persons; needed:
        staff accounts per arm, and needed_upper by the upper end of the likeness; there: how many
        there are.
    """

    likeness: Likeness
    size: float
    effect: float
    needed: int
    needed_upper: int
    there: int


@dataclass(frozen=True, kw_only=True)
class Sizes:
    """How large a test must be.

    table: a row per `way` and `outcome` ("conversion", "retention", "cost" per retained person,
        "net" benefit): `base` with its interval, from `n` people; the `smallest` difference wanted;
        `n_per_arm` with the interval that the base, or the spread, gives it, `n_total`; `weeks`
        until as many have come, with its interval (of a list: NaN); `saved_share` of the people
        where strata are accounted for.
    curve: per outcome of those who are exposed and `lift`: `n_total`.
    found: per outcome of these and `weeks`: `n_total` who come, and the smallest `lift` found.
    looks: the bounds of planned weekly looks at conversion: `week`, `share` of the people in, `z`
        and `p` at which to stop; price: times more people than with a single look.
    """

    table: pd.DataFrame
    curve: pd.DataFrame
    found: pd.DataFrame
    looks: pd.DataFrame
    price: float
    clusters: Clusters | None
    per_week: float
    waiting: int
    arms: int
    lift_wanted: float
    power: float
    level: float
    refused: str


def size(
    measures: Measures,
    *,
    arms: int,
    has_control: bool,
    lift_wanted: float,
    power: float,
    level: float,
    value_per_retained_cny: float | None = None,
) -> Sizes:
    """Size a test in which every arm gets equally many people.

    With a control each lure is held against it (Dunnett); without, the best against all others
    (Hsu). A lift is relative: of the share who convert or stay; of cost per retained person by so
    much less; of net benefit by what so many more who stay are worth.

    Args:
        measures: the reduced tables.
        arms: of the test, the control included; at least 2.
        has_control: whether one is without a lure.
        lift_wanted: the least that is worth finding, above 0, and below 1 for cost.
        power: chance that it is found, strictly between 0 and 1.
        level: of all comparisons of the test together.
        value_per_retained_cny: what a person who stays is worth, above 0; None: net benefit is not
            sized.

    Raises:
        LureError: a number out of its range.
    """
    _check(arms, lift_wanted, power, value_per_retained_cny)
    critical = _critical(arms, has_control=has_control, level=level)
    asked = {"critical": critical, "power": power}
    refused = measures.refused or ("" if len(measures.shares) else "nobody")
    if not refused and not sum(measures.weeks):
        refused = "nobody"
    per_week = float(np.mean(measures.weeks)) if measures.weeks else 0.0
    plans = {} if refused else plan_outcomes(measures, value=value_per_retained_cny, level=level)
    table = pd.DataFrame(
        [
            _row(measures, key, plan, arms=arms, lift=lift_wanted, level=level, asked=asked)
            for key, plan in plans.items()
        ],
        columns=list(_ROW),
    )
    coming = {outcome: plan for (way, outcome), plan in plans.items() if way == "exposure"}
    looks, price = _looks(table, critical=critical, power=power)
    return Sizes(
        table=table,
        curve=_curve(coming, arms=arms, asked=asked),
        found=_found(coming, per_week, arms=arms, asked=asked),
        looks=looks,
        price=price,
        clusters=_clusters(measures, table, level=level),
        per_week=per_week,
        waiting=measures.waiting,
        arms=arms,
        lift_wanted=lift_wanted,
        power=power,
        level=level,
        refused=refused,
    )


def _check(arms: int, lift: float, power: float, value: float | None) -> None:
    if arms < 2:
        raise LureError(f"arms = {arms} must be at least 2: something to compare with")
    if not 0 < power < 1:
        raise LureError(f"power = {power} must lie strictly between 0 and 1; use 0.8")
    if not 0 < lift < 1:
        raise LureError(f"lift_wanted = {lift} must lie strictly between 0 and 1; use 0.2")
    if value is not None and not value > 0:
        raise LureError(f"value_per_retained_cny = {value} must be above 0; or None")


def _critical(arms: int, *, has_control: bool, level: float) -> float:
    """Give the z at which an arm is told from the control, or the best from all others."""
    if has_control:
        found = compare_with_control([0.0] * arms, [1.0] * arms, degrees=np.inf, level=level)
        return float(found["ci_upper"].iloc[0] / found["error"].iloc[0])
    return float(compare_with_best([0.0] * arms, [1.0] * arms, level=level)["ci_upper"][0] / 2**0.5)


def _row(
    measures: Measures,
    key: tuple[str, str],
    plan: Plan,
    *,
    arms: int,
    lift: float,
    level: float,
    asked: dict[str, float],
) -> dict[str, Any]:
    way, outcome = key
    row: dict[str, Any] = {
        "way": way,
        "outcome": outcome,
        "n": plan.n,
        "base": plan.base,
        "base_lower": plan.base_ends[0],
        "base_upper": plan.base_ends[1],
        "smallest": plan.difference(lift),
        "saved_share": plan.saved,
    }
    if lift > plan.most:
        return row
    each, lower, upper = (float(np.ceil(plan.needed(lift, end, asked))) for end in plan.ends)
    row |= {"n_per_arm": each, "n_lower": lower, "n_upper": upper, "n_total": each * arms}
    if way == "exposure":
        weeks = np.array(measures.weeks, dtype=float)
        mean, few = weeks.mean(), len(weeks) < 2
        error = 0.0 if few else weeks.std(ddof=1) / np.sqrt(len(weeks))
        reach = 0.0 if few else float(student.ppf((1 + level) / 2, len(weeks) - 1)) * error
        row |= {
            "weeks": each * arms / mean,
            "weeks_lower": lower * arms / (mean + reach),
            "weeks_upper": upper * arms / (mean - reach) if mean > reach else np.inf,
        }
    return row


def _curve(plans: dict[str, Plan], *, arms: int, asked: dict[str, float]) -> pd.DataFrame:
    rows = [
        (outcome, lift, arms * float(np.ceil(plan.needed(lift, plan.ends[0], asked))))
        for outcome, plan in plans.items()
        for lift in LIFTS
        if lift <= plan.most
    ]
    return pd.DataFrame(rows, columns=["outcome", "lift", "n_total"])


def _found(
    plans: dict[str, Plan], per_week: float, *, arms: int, asked: dict[str, float]
) -> pd.DataFrame:
    rows = []
    for outcome, plan in plans.items():
        for weeks in WEEKS:
            n = weeks * per_week

            def needed(lift: float, plan: Plan = plan) -> float:
                return plan.needed(lift, plan.ends[0], asked)

            rows.append((outcome, weeks, n, smallest_found(needed, n / arms, most=plan.most)))
    return pd.DataFrame(rows, columns=["outcome", "weeks", "n_total", "lift"])


def _looks(table: pd.DataFrame, *, critical: float, power: float) -> tuple[pd.DataFrame, float]:
    """Lay out weekly looks at the conversion of who comes, the last when all are in."""
    columns = ["week", "share", "z", "p"]
    own = table[(table["way"] == "exposure") & (table["outcome"] == "conversion")]
    weeks = own["weeks"].iloc[0] if len(own) else np.nan
    if not 1 < weeks <= _MOST_LOOKS:
        return pd.DataFrame(columns=columns), np.nan
    number = int(np.ceil(weeks))
    share = np.append(np.arange(1, number) / weeks, 1.0)
    level = 1 - 2 * float(norm.sf(critical))
    z = plan_bounds(share, level=level, shape="obrien_fleming")
    rows = {"week": np.arange(1, number + 1), "share": share, "z": z, "p": 2 * norm.sf(z)}
    return pd.DataFrame(rows), price_of_looks(z, share, level=level, power=power)


def _clusters(measures: Measures, table: pd.DataFrame, *, level: float) -> Clusters | None:
    own = table[(table["way"] == "exposure") & (table["outcome"] == "retention")]
    staff = measures.staff
    if len(staff) < 2 or own.empty or pd.isna(own["n_per_arm"].iloc[0]):
        return None
    alike = likeness(staff["count"], staff["n"], level=level)
    if np.isnan(alike.value):
        return None
    mean = float(staff["n"].mean())
    # One more each, as few clusters are judged by t and not by z (Hayes and Moulton).
    needed = [
        int(np.ceil(own["n_per_arm"].iloc[0] * design_effect(staff["n"], end) / mean)) + 1
        for end in (alike.value, alike.ci_upper)
    ]
    return Clusters(
        likeness=alike,
        size=mean,
        effect=design_effect(staff["n"], alike.value),
        needed=needed[0],
        needed_upper=needed[1],
        there=len(staff),
    )
