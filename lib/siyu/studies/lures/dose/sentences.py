"""Say how conversion goes with the amount, and which amount is worth most."""

from __future__ import annotations

from siyu.formats import number, paragraph
from siyu.phrases import phrase
from siyu.studies.lures.dose.estimate import FEWEST_DOSES, Doses
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.price.estimate import FEWEST
from siyu.studies.lures.sentences import refusal as no_experiment
from siyu.studies.tables import each_row

STEP_CNY = 10
"""Of face value, for which a slope is told."""
LEAST_P = 0.001


def refusal(experiment: Experiment, found: Doses) -> str:
    """Say why doses cannot be read; "" where they can."""
    if not found.refused or experiment.refused:
        return no_experiment(experiment)
    return phrase(
        f"lures.dose.refused.{found.refused}",
        experiment=experiment.name,
        fewest=max(FEWEST, experiment.min_users),
        doses=FEWEST_DOSES,
    )


def direction(found: Doses) -> str:
    """Tell whether conversion clearly rises with the amount, falls, or neither."""
    assert found.trend is not None
    return (
        "rises" if found.trend.ci_lower > 0 else "falls" if found.trend.ci_upper < 0 else "unclear"
    )


def headline(experiment: Experiment, found: Doses) -> str:
    """Say whether more money brings more customers, and which amount leads."""
    if found.refused:
        return refusal(experiment, found)
    rivals = found.table[found.table["is_candidate"]]
    best = found.table.sort_values("net_cny", kind="stable").iloc[-1]
    which = "clear" if len(rivals) == 1 else "open"
    return phrase(f"lures.dose.headline.{direction(found)}.{which}", dose=best["dose_cny"])


def say_doses(experiment: Experiment, found: Doses, *, level: float) -> str:
    """Say the trend, the amounts, the best of them and how sure that is."""
    if found.refused:
        return refusal(experiment, found)
    said = [say_trend(found, level=level)]
    if (departure := departs(found, level=level)) is not None:
        said.append(departure)
    said += [
        phrase(
            "lures.dose.arm",
            arm=row.arm,
            dose=row.dose_cny,
            n=row.n,
            conversion=row.conversion,
            redeemed=row.redeemed_share,
            spent=row.spent_cny,
            net=row.net_cny,
        )
        for row in each_row(found.table)
    ]
    said.append(say_choice(found, level=level))
    if found.off:
        said.append(phrase("lures.dose.off", arms=found.off))
    if found.immature:
        said.append(phrase("lures.dose.immature", n=found.immature))
    return paragraph(*said)


def say_trend(found: Doses, *, level: float) -> str:
    """Say by how much conversion changes with the amount."""
    assert found.trend is not None
    return phrase(
        f"lures.dose.trend.{direction(found)}",
        step=STEP_CNY,
        slope=STEP_CNY * found.trend.slope,
        lower=STEP_CNY * found.trend.ci_lower,
        upper=STEP_CNY * found.trend.ci_upper,
        p=_written(found.trend.p),
        level=level,
        n=found.n,
    )


def departs(found: Doses, *, level: float) -> str | None:
    """Say that a line does not say it all, where that is clear."""
    assert found.trend is not None
    if not found.trend.p_departure < 1 - level:
        return None
    return phrase("lures.dose.departs", p=_written(found.trend.p_departure))


def say_choice(found: Doses, *, level: float) -> str:
    """Say which amount is worth most, and how likely another is."""
    best = found.table.sort_values("net_cny", kind="stable").iloc[-1]
    rivals = found.table[found.table["is_candidate"]]
    return phrase(
        f"lures.dose.choice.{'clear' if len(rivals) == 1 else 'open'}",
        dose=best["dose_cny"],
        doses=[f"{dose:g}" for dose in sorted(rivals["dose_cny"])],
        value=found.value_cny,
        net=best["net_cny"],
        gap=best["gap_cny"],
        lower=best["gap_lower"],
        upper=best["gap_upper"],
        wrong=1 - best["chance"],
        level=level,
    )


def _written(p: float) -> str:
    return "< 0.001" if p < LEAST_P else f"= {number(p, 3)}"
