"""Draw who joins and who stays by lure, and what a person drawn is worth."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from siyu.figures import ACCENT, BLACK, GREY, Picture, canvas, finish, nothing
from siyu.phrases import phrase
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.reading import sentences
from siyu.studies.lures.reading.compare import NET
from siyu.studies.lures.reading.estimate import Reading
from siyu.studies.lures.reading.outcomes import name_outcome, split_outcome
from siyu.studies.marks import name_rows, number_axis, percent_axis, row_name
from siyu.studies.tables import each_row

_ROW_INCHES = 0.55
_MOST_PANELS = 3


def draw_outcomes(experiment: Experiment, found: Reading, *, level: float) -> Picture:
    """Draw the share of each arm who joined, and who were still there, with intervals."""
    picture, title = "lure_outcomes", sentences.headline(experiment, found)
    shares = found.arms[found.arms["outcome"] != NET]
    if found.refused or not len(shares):
        reason = sentences.say_outcomes(experiment, found, level=level)
        return nothing(reason, name=picture, title=phrase("lures.reading.figure.none"))
    outcomes = list(dict.fromkeys(shares["outcome"]))
    outcomes = (
        outcomes[: _MOST_PANELS - 1] + outcomes[-1:] if len(outcomes) > _MOST_PANELS else outcomes
    )
    arms = list(dict.fromkeys(shares["arm"]))
    figure, panels = canvas(
        title,
        phrase("lures.reading.figure.subtitle", experiment=experiment.name),
        phrase(
            "lures.reading.figure.footer",
            source=experiment.source,
            day=experiment.as_of,
            n=int(found.counts["n"].max()),
            level=level,
        ),
        height=2.3 + _ROW_INCHES * len(arms),
        columns=len(outcomes),
    )
    most = shares["ci_upper"].max()
    for axes, outcome in zip(panels, outcomes, strict=True):
        own = shares[shares["outcome"] == outcome]
        candidate = found.of(outcome).set_index("arm")["is_candidate"]
        for row in each_row(own):
            said = phrase("lures.reading.figure.share", share=row.mean)
            ends = (row.mean, row.ci_lower, row.ci_upper)
            _mark(axes, arms.index(row.arm), ends, said, is_best=candidate[row.arm])
        did = name_outcome(experiment, outcome)
        axes.set_title(did[:1].upper() + did[1:], size=9.5, color=BLACK, loc="left")
        axes.set_xlim(0, most * 1.12)
        axes.set_ylim(len(arms) - 0.4, -0.75)
        percent_axis(axes.xaxis, ticks=4)
        axes.grid(axis="x")
        name_rows(axes, [], [])
    sizes = shares[shares["outcome"] == outcomes[0]].set_index("arm")["n"]
    labels = [row_name(arm, sizes.get(arm, np.nan)) for arm in arms]
    name_rows(panels[0], range(len(arms)), labels)
    alt = phrase("lures.reading.figure.alt", title=title)
    table = _numbers(found, outcomes)
    told = [split_outcome(experiment, outcome) for outcome in table["outcome"]]
    table["outcome"] = [kind for kind, _ in told]
    table.insert(1, "days", [days for _, days in told])
    return finish(figure, name=picture, alt=alt, table=table)


def draw_net(experiment: Experiment, found: Reading, *, level: float) -> Picture:
    """Draw what 1,000 people drawn are worth in each arm, and how far each is from the best."""
    picture = "lure_net"
    if not found.verdict.kind:
        reason = sentences.say_verdict(experiment, found, level=level)
        return nothing(reason, name=picture, title=phrase("lures.reading.figure.no_net"))
    verdict, own = found.verdict, found.arms[found.arms["outcome"] == NET]
    title = phrase(
        f"lures.reading.figure.title.{verdict.kind}",
        arm=verdict.arm,
        wrong=verdict.chance_wrong,
    )
    worth = sentences.say_worth(experiment, found)
    figure, (left, right) = canvas(
        title,
        worth,
        phrase(
            "lures.reading.figure.net_footer",
            source=experiment.source,
            day=experiment.as_of,
            experiment=experiment.name,
            n=int(own["n"].sum()),
            level=level,
        ),
        height=2.4 + _ROW_INCHES * len(own),
        columns=2,
    )
    gaps = found.of(NET).set_index("arm")
    for place, row in enumerate(each_row(own)):
        gap, is_best = gaps.loc[row.arm], bool(gaps.loc[row.arm, "is_candidate"])
        for axes, value, lower, upper in (
            (left, row.mean, row.ci_lower, row.ci_upper),
            (right, gap["gap"], gap["ci_lower"], gap["ci_upper"]),
        ):
            ends = (1_000 * value, 1_000 * lower, 1_000 * upper)
            said = phrase("lures.reading.figure.yuan", value=ends[0])
            _mark(axes, place, ends, said, is_best=is_best)
    for axes, name in ((left, "worth"), (right, "gap")):
        axes.set_title(phrase(f"lures.reading.figure.{name}"), size=9.5, color=BLACK, loc="left")
        axes.axvline(0, color=BLACK, linewidth=0.8)
        axes.set_ylim(len(own) - 0.4, -0.75)
        axes.margins(x=0.1)
        number_axis(axes.xaxis, ticks=5)
        axes.grid(axis="x")
        name_rows(axes, [], [])
    if own["ci_lower"].min() > 0:
        left.set_xlim(0)
    right.axvspan(-1_000 * found.smallest_gain_cny, 0, color=GREY, alpha=0.12, linewidth=0)
    name_rows(left, range(len(own)), [row_name(row.arm, row.n) for row in each_row(own)])
    alt = phrase("lures.reading.figure.net_alt", title=title)
    return finish(figure, name=picture, alt=alt, table=_numbers(found, [NET]))


def _mark(
    axes: Axes, place: float, ends: tuple[float, float, float], said: str, *, is_best: bool
) -> None:
    """Draw a value with its interval, what may be the best in colour, and write it above."""
    value, lower, upper = ends
    colour = ACCENT if is_best else GREY
    axes.plot([lower, upper], [place, place], color=colour, linewidth=2)
    inside = colour if is_best else "white"
    axes.plot(value, place, "o", color=colour, markersize=7, markerfacecolor=inside)
    axes.annotate(said, (value, place), (0, 7), textcoords="offset points", ha="center", size=9)


def _numbers(found: Reading, outcomes: list[str]) -> pd.DataFrame:
    """Set each arm's own numbers beside its distance from the best of the others."""
    own = found.arms[found.arms["outcome"].isin(outcomes)].drop(columns="error")
    gaps = [found.of(name).drop(columns=["n", "mean", "against", "p_holm"]) for name in outcomes]
    both = pd.concat(gaps).rename(columns={"ci_lower": "gap_lower", "ci_upper": "gap_upper"})
    return own.merge(both, on=["outcome", "arm"])
