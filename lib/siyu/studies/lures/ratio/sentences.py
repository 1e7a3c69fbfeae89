"""Say whether arms are as large as planned, and where they are not."""

from __future__ import annotations

from siyu.formats import paragraph
from siyu.phrases import phrase
from siyu.studies.lures import sentences
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.ratio.estimate import FEWEST, PARTS, Ratios

ALPHA = 0.05
"""Below it, after Holm, a day or a channel is warned of."""


def headline(experiment: Experiment, found: Ratios) -> str:
    """Say whether the draw is as planned."""
    if found.refused:
        return refusal(experiment, found)
    return phrase(f"lures.ratio.headline.{'suspect' if found.is_suspect else 'fine'}")


def say_ratio(experiment: Experiment, found: Ratios) -> str:
    """Say how many are in each arm, what chance makes of that, and what to look at."""
    if found.refused:
        return refusal(experiment, found)
    kind = "clusters" if experiment.is_clustered else "persons"
    overall = found.table[found.table["kind"] == "all"].iloc[0]
    arms = [
        phrase("lures.ratio.arm", arm=row.arm, n=row.n, share=row.share, planned=row.planned)
        for row in found.arms.itertuples()
    ]
    said = [
        phrase(f"lures.ratio.arms.{kind}", arms=arms, p=written(overall["p"])),
        headline(experiment, found),
    ]
    read = found.table[found.table["kind"] == "read"]
    if len(read):
        said.append(phrase("lures.ratio.read", p=written(read["p"].iloc[0])))
    if found.since is not None:
        said.append(phrase("lures.ratio.since", day=found.since))
    for part in PARTS:
        own = found.table[found.table["kind"] == part]
        odd = own[own["p_holm"] < ALPHA]
        if len(odd):
            said.append(phrase(f"lures.ratio.odd.{part}", names=list(odd["segment"])))
        elif len(own):
            said.append(phrase(f"lures.ratio.even.{part}", n=len(own)))
    return paragraph(*said)


def refusal(experiment: Experiment, found: Ratios) -> str:
    """Say why the draw cannot be checked."""
    if found.refused == "few":
        return phrase("lures.ratio.few", fewest=FEWEST)
    return sentences.refusal(experiment)


def written(p: float) -> str:
    """Write a chance behind its sign."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
