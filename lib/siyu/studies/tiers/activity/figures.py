"""Draw which members of each tier buy, and how often, now and in the window before."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing
from siyu.formats import number, percent
from siyu.phrases import phrase
from siyu.studies.marks import name_rows, percent_axis, row_name
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.tiers.activity import sentences
from siyu.studies.tiers.activity.estimate import MEASURES
from siyu.studies.tiers.activity.measure import Measures

_VERDICTS = {"falls": SECOND, "rises": ACCENT}


def draw_activity(
    measures: Measures, found: pd.DataFrame, *, high_tiers: Sequence[str], level: float
) -> Picture:
    """Draw a row per tier, the highest above: the share who bought, and the days on which."""
    name, none = "tier_activity", phrase("tiers.activity.figure.none")
    if reason := sentences.no_activity(measures, found):
        return nothing(reason, name=name, title=none)
    title = sentences.say_headline(measures, found, high_tiers=high_tiers)
    shown = found[found["value"].notna()]
    if shown.empty:
        return nothing(title, name=name, title=none)
    tiers = [tier for tier in measures.tiers[::-1] if tier in set(shown["tier"])]
    tiers += [EVERYONE] if EVERYONE in set(shown["tier"]) else []
    before = measures.starts[0]
    method = phrase(
        f"tiers.activity.figure.{'method' if before else 'method_now'}", level=level, before=before
    )
    figure, panels = canvas(
        title,
        phrase("tiers.activity.figure.subtitle", last=measures.as_of),
        phrase(
            "tiers.activity.figure.footer",
            source=measures.source,
            day=measures.as_of,
            method=method,
        ),
        height=1.9 + 0.46 * len(tiers),
        columns=2,
    )
    for place, (axes, measure) in enumerate(zip(panels, MEASURES, strict=True)):
        own = shown[shown["measure"] == measure].set_index("tier").loc[tiers]
        for y, row in enumerate(each_row(own)):
            colour = _VERDICTS.get(row.verdict, BLACK)
            axes.plot(row.value_before, y, "o", color=GREY, mfc="white", markersize=7)
            axes.plot([row.ci_lower, row.ci_upper], [y, y], color=colour, linewidth=2)
            axes.plot(row.value, y, "o", color=colour, markersize=5.5)
            axes.annotate(
                percent(row.value) if measure == "share" else number(row.value, 2),
                (max(row.ci_upper, row.value_before) if row.verdict else row.ci_upper, y),
                (10, 0),
                textcoords="offset points",
                va="center",
                size=9,
                color=colour,
            )
        axes.set_xlim(0, 1.22 * float(own[["ci_upper", "value_before"]].max().max()))
        axes.set_ylim(len(tiers) - 0.5, -0.5)
        names = [row_name(row.Index, row.members) for row in each_row(own)]
        name_rows(axes, range(len(tiers)), names if place == 0 else [""] * len(tiers))
        axes.set_title(
            phrase(f"tiers.activity.figure.{measure}"), size=10.5, loc="left", color=BLACK
        )
        axes.grid(axis="x")
    percent_axis(panels[0].xaxis)
    alt = phrase("tiers.activity.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found)
