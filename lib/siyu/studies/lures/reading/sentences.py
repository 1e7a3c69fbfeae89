"""Say with which lure people join and stay, and what to do about it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.lures import sentences
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.reading.compare import BEST, CONTROL, NET
from siyu.studies.lures.reading.estimate import FEWEST, FEWEST_CLUSTERS, Reading
from siyu.studies.lures.reading.outcomes import last_outcome, name_outcome
from siyu.studies.tables import each_row

_THOUSAND = 1_000


def headline(experiment: Experiment, found: Reading) -> str:
    """Say with which lure most people join, and with which most are still there at the end."""
    if found.refused:
        return refusal(experiment, found)
    joined = _winner(found, "converted")
    stays = _winner(found, last_outcome(experiment))
    kind = "none"
    if joined and joined == stays:
        kind = "both"
    elif joined:
        fell = _row(found, last_outcome(experiment), joined)
        kind = "fades" if fell is not None and not fell["is_candidate"] else "joined"
        kind = "only" if fell is None else kind
    elif stays:
        kind = "stays"
    return phrase(
        f"lures.reading.headline.{kind}",
        joined=joined,
        stays=stays,
        did=name_outcome(experiment, "converted"),
        stayed=name_outcome(experiment, last_outcome(experiment)),
    )


def say_outcomes(experiment: Experiment, found: Reading, *, level: float) -> str:
    """Say for each outcome how arms did, and whether one of them is clearly the best."""
    if found.refused:
        return refusal(experiment, found)
    outcomes = found.counts[found.counts["outcome"] != NET]
    said = [_say_outcome(experiment, found, row, level=level) for row in each_row(outcomes)]
    if found.clusters:
        numbers = [
            phrase("lures.reading.cluster", arm=arm, n=n)
            for arm, n in zip(experiment.arms, found.clusters, strict=True)
        ]
        column = experiment.definition.cluster
        said.append(phrase("lures.reading.clusters", column=column, clusters=numbers))
    return paragraphs(*said)


def _say_outcome(experiment: Experiment, found: Reading, row: Any, *, level: float) -> str:
    if row.refused:
        return say_missing(experiment, row)
    did, own = name_outcome(experiment, row.outcome), _arms(found, row.outcome)
    arms = [say_arm(arm) for arm in each_row(own)]
    said = [
        phrase("lures.reading.outcome", did=did, arms=arms, level=level),
        say_best(found, row.outcome, level=level),
        *(
            say_against(one, level=level)
            for one in each_row(found.of(row.outcome, against=CONTROL))
        ),
    ]
    if row.immature:
        said.append(phrase("lures.reading.immature", n=row.immature, did=did))
    left = [arm for arm in experiment.arms if arm not in set(own["arm"])]
    if left:
        said.append(phrase("lures.reading.small", arms=left, fewest=FEWEST))
    return paragraph(*said)


def say_arm(row: Any) -> str:
    """Say the share of one arm."""
    return phrase(
        "lures.reading.arm",
        arm=row.arm,
        share=row.mean,
        lower=row.ci_lower,
        upper=row.ci_upper,
        n=row.n,
    )


def say_best(found: Reading, outcome: str, *, level: float) -> str:
    """Say which arm is clearly the best in an outcome, or which may be."""
    table = found.of(outcome)
    names = table.loc[table["is_candidate"], "arm"].tolist()
    behind = [
        phrase("lures.reading.behind", arm=row.arm, gap=-row.gap, upper=-row.ci_lower)
        for row in each_row(table[~table["is_candidate"]])
    ]
    kind = "one" if len(names) == 1 else "some" if behind else "all"
    return phrase(f"lures.reading.best.{kind}", arms=names, behind=behind, level=level)


def say_against(row: Any, *, level: float) -> str:
    """Say how far an arm is from the control."""
    clear = row.p_holm <= 1 - level and (row.ci_lower > 0 or row.ci_upper < 0)
    kind = "unclear" if not clear else "up" if row.gap > 0 else "down"
    return phrase(
        f"lures.reading.against.{kind}",
        arm=row.arm,
        gap=row.gap,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
    )


def say_adjusted(experiment: Experiment, found: Reading) -> str:
    """Say how much of the variance is taken off by what was known before, and if it changes any."""
    if found.refused:
        return ""
    own = found.gaps[found.gaps["against"] == BEST]
    own = own[own["variance_share"].notna() & (own["outcome"] != NET)]
    if not len(own):
        kind = "clusters" if experiment.is_clustered else "nothing"
        return phrase(f"lures.reading.adjusted.{kind}")
    changed = own[own["is_candidate"] != (own["adjusted_upper"] > 0)]
    pairs = [
        phrase(
            "lures.reading.adjusted.pair",
            arm=row.arm,
            did=name_outcome(experiment, row.outcome),
            gap=row.adjusted,
            lower=row.adjusted_lower,
            upper=row.adjusted_upper,
        )
        for row in each_row(changed)
    ]
    shares = own.drop_duplicates("outcome")
    saved = [
        phrase(
            "lures.reading.adjusted.share",
            did=name_outcome(experiment, row.outcome),
            share=1 - row.variance_share,
        )
        for row in each_row(shares)
    ]
    kind = "changed" if pairs else "same"
    return paragraph(
        phrase("lures.reading.adjusted.variance", shares=saved),
        phrase(f"lures.reading.adjusted.{kind}", pairs=pairs),
    )


def say_verdict(experiment: Experiment, found: Reading, *, level: float) -> str:
    """Say what to do, how likely that is wrong, and what it then costs per 1,000 customers."""
    if found.refused:
        return refusal(experiment, found)
    verdict = found.verdict
    said = [say_choice(experiment, found, level=level)]
    if not verdict.kind:
        return said[0]
    if np.isfinite(verdict.gain_cny):
        said.append(
            phrase(
                "lures.reading.verdict.gain",
                arm=verdict.arm,
                gain=_THOUSAND * verdict.gain_cny,
                lower=_THOUSAND * verdict.gain_lower,
                upper=_THOUSAND * verdict.gain_upper,
                level=level,
            )
        )
    risk = "nothing" if name_verdict(experiment, found) == "stop_all" else "other"
    said.append(
        phrase(
            f"lures.reading.risk.{risk}",
            wrong=verdict.chance_wrong,
            loss=_THOUSAND * verdict.loss_cny,
        )
    )
    if verdict.kind == "keep_testing":
        kind = "more" if verdict.more else "wait"
        said.append(phrase(f"lures.reading.{kind}", more=verdict.more, days=verdict.days))
    worse = [arm for arm in verdict.worse if arm != experiment.definition.control_arm]
    if worse and verdict.kind != "stop":
        said.append(phrase("lures.reading.worse", arms=worse))
    if found.waiting:
        said.append(phrase("lures.reading.running", n=found.waiting, level=level))
    said.append(say_worth(experiment, found))
    return paragraph(*said)


def say_choice(experiment: Experiment, found: Reading, *, level: float) -> str:
    """Say in one sentence what to do."""
    if found.refused:
        return refusal(experiment, found)
    verdict = found.verdict
    if not verdict.kind:
        row = next(each_row(found.counts[found.counts["outcome"] == NET]))
        return say_missing(experiment, row)
    return phrase(
        f"lures.reading.verdict.{name_verdict(experiment, found)}",
        arm=verdict.arm,
        net=_THOUSAND * verdict.net_cny,
        at_most=_THOUSAND * verdict.at_most_cny,
        smallest=_THOUSAND * found.smallest_gain_cny,
        level=level,
    )


def name_verdict(experiment: Experiment, found: Reading) -> str:
    """Name what is to be done, by what there is to choose instead of a lure."""
    kind = found.verdict.kind
    if kind == "roll_out":
        return kind if found.verdict.at_most_cny else "roll_out_clear"
    if kind == "stop":
        return "stop_control" if experiment.has_control else "stop_all"
    if experiment.has_control:
        return "keep_control"
    settled = found.verdict.at_most_cny <= found.smallest_gain_cny
    return "keep_worth" if settled else "keep_testing"


def say_worth(experiment: Experiment, found: Reading) -> str:
    """Say what a person drawn is counted with."""
    kind = "stays" if experiment.retention_days else "converts"
    return phrase(
        f"lures.reading.worth.{kind}",
        value=found.value_per_retained_cny,
        days=max(experiment.retention_days, default=experiment.definition.conversion_days),
        worth_days=experiment.definition.worth_days,
    )


def say_missing(experiment: Experiment, row: Any) -> str:
    """Say why an outcome is not told."""
    did = name_outcome(experiment, row.outcome)
    return phrase(f"lures.reading.not_told.{row.refused}", did=did, fewest=FEWEST)


def say_own(experiment: Experiment, row: Any, *, level: float) -> str:
    """Say what came of one arm."""
    return phrase(
        f"lures.reading.own.{'net' if row.outcome == NET else 'share'}",
        did=name_outcome(experiment, row.outcome),
        arm=row.arm,
        mean=row.mean,
        lower=row.ci_lower,
        upper=row.ci_upper,
        n=row.n,
        level=level,
    )


def say_gap(experiment: Experiment, row: Any, *, level: float) -> str:
    """Say how far an arm is from the best of the others, or from the control."""
    return phrase(
        f"lures.reading.gap.{row.against}.{'net' if row.outcome == NET else 'share'}",
        did=name_outcome(experiment, row.outcome),
        arm=row.arm,
        gap=row.gap,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
    )


def refusal(experiment: Experiment, found: Reading) -> str:
    """Say why the experiment is not read."""
    if found.refused and found.refused != experiment.refused:
        return phrase(
            f"lures.reading.refused.{found.refused}",
            experiment=experiment.name,
            fewest=FEWEST_CLUSTERS if found.refused == "clusters" else FEWEST,
            column=experiment.definition.cluster,
            days=experiment.definition.conversion_days,
        )
    return sentences.refusal(experiment)


def _arms(found: Reading, outcome: str) -> pd.DataFrame:
    return found.arms[found.arms["outcome"] == outcome]


def _winner(found: Reading, outcome: str) -> str:
    table = found.of(outcome)
    names = table.loc[table["is_candidate"], "arm"].tolist()
    return str(names[0]) if len(names) == 1 else ""


def _row(found: Reading, outcome: str, arm: str) -> pd.Series | None:
    own = found.of(outcome)
    own = own[own["arm"] == arm]
    return own.iloc[0] if len(own) and outcome != "converted" else None
