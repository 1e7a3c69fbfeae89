"""Draw how the arms filled, against the plan."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siyu.figures import BLACK, GREY, PALE, SERIES, Picture, canvas, finish, nothing, shorten
from siyu.formats import short_day
from siyu.phrases import phrase, term
from siyu.stats.checks import normal_quantile
from siyu.stats.experiments import SUSPECT_RATIO_P
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.ratio import sentences
from siyu.studies.lures.ratio.estimate import Ratios, count_daily
from siyu.studies.marks import name_ends, number_axis


def draw_ratio(experiment: Experiment, found: Ratios) -> Picture:
    """Draw how many people each arm had by each day, as a multiple of its planned share."""
    picture, day = "sample_ratio", experiment.first_day
    if found.refused or experiment.is_clustered or day is None:
        reason = sentences.say_ratio(experiment, found)
        return nothing(reason, name=picture, title=phrase("lures.ratio.figure.none"))
    title = sentences.headline(experiment, found)
    arms, planned = experiment.arms, np.array(experiment.shares)
    counts = count_daily(experiment).cumsum(axis=0)
    # As if all arms were planned alike: then one line and one band are the plan of all.
    filled = counts / (planned * len(arms))
    whole, share = counts.sum(axis=1), 1 / len(arms)
    reach = normal_quantile(1 - SUSPECT_RATIO_P) * np.sqrt(whole * share * (1 - share))
    figure, (axes,) = canvas(
        title,
        phrase("lures.ratio.figure.subtitle", experiment=experiment.name),
        phrase(
            "lures.ratio.figure.footer",
            source=experiment.source,
            day=experiment.as_of,
            n=int(whole[-1]),
        ),
        height=4.2,
    )
    x = np.arange(len(whole))
    axes.fill_between(x, whole * share - reach, whole * share + reach, color=PALE, alpha=0.6)
    axes.plot(x, whole * share, color=GREY, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_ylim(0, max(filled.max(), (whole * share + reach).max()) * 1.05)
    axes.set_xlim(0, len(x) - 1 if len(x) > 1 else 1)
    ends = []
    for i, arm in enumerate(arms):
        colour = SERIES[i % len(SERIES)] if i < len(SERIES) else GREY
        axes.plot(x, filled[:, i], color=colour, linewidth=2)
        said = phrase("lures.ratio.figure.end", arm=shorten(term(arm)), n=int(counts[-1, i]))
        ends.append((float(filled[-1, i]), said, colour))
    if found.since is not None:
        at = (found.since - day).days
        axes.axvline(at, color=BLACK, linewidth=0.9, linestyle=(0, (1, 2)))
        said = phrase("lures.ratio.figure.since", day=short_day(found.since))
        axes.annotate(
            said, (at, axes.get_ylim()[1]), (-4, -2), textcoords="offset points",
            ha="right", va="top", size=9, color=BLACK,
        )  # fmt: skip
    name_ends(axes, float(x[-1]), ends)
    ticks = np.unique(np.linspace(0, len(x) - 1, 6).round().astype(int))
    axes.set_xticks(ticks, [short_day(day + timedelta(days=int(one))) for one in ticks])
    number_axis(axes.yaxis)
    axes.grid(axis="y")
    alt = phrase("lures.ratio.figure.alt", title=title)
    days = [str(day + timedelta(days=int(one))) for one in x]
    return finish(figure, name=picture, alt=alt, table=_weekly(days, arms, counts))


def _weekly(days: Sequence[str], arms: Sequence[str], counts: NDArray[np.int64]) -> pd.DataFrame:
    """Keep every seventh day, and the last: single days may hold few people."""
    kept = np.unique([*range(6, len(days), 7), len(days) - 1])
    rows = [(days[at], arm, int(counts[at, i])) for at in kept for i, arm in enumerate(arms)]
    return pd.DataFrame(rows, columns=["day", "arm", "n"])
