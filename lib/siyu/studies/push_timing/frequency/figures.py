"""Draw what pushes received before do, what each weekly number brings, and where blocks rise."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from siyu.figures import ACCENT, BLACK, GREY, PALE, SECOND, Picture, canvas, finish, nothing
from siyu.formats import number
from siyu.phrases import phrase
from siyu.studies.marks import MOST_SEGMENTS, name_rows, percent_axis, row_name
from siyu.studies.push_timing.frequency import sentences
from siyu.studies.push_timing.frequency.measures import GAPS, OUTCOMES, Measures
from siyu.studies.push_timing.frequency.net import Frontier
from siyu.studies.tables import each_row

_LINES = 4
_GAP_NAMES = ("<24", "24-48", "48-96", "96-168", ">=168")
"""The bands of hours in a table, in any language; the last holds first pushes too."""


def draw_curves(
    measures: Measures, curves: pd.DataFrame, slopes: pd.DataFrame, *, by: str, level: float
) -> Picture:
    """Draw each answer against what was received ("received") or the hours since ("gap")."""
    picture = f"after_{by}"
    own = curves[(curves["population"] == measures.main) & (curves["by"] == by)]
    own = own.rename(columns={"at": _places_name(by)}).drop(columns="by")
    # An answer that nobody gave has no chance to draw: what is said tells why.
    seen = own[own["answer_rate"].notna()]
    outcomes = [outcome for outcome in OUTCOMES if (seen["outcome"] == outcome).any()]
    if not outcomes:
        refused = slopes[(slopes["population"] == measures.main) & (slopes["refused"] != "")]
        reason = sentences.slope(measures, next(each_row(refused)), level=level)
        return nothing(reason, name=picture, title=phrase("push.frequency.figure.none"))
    title = (
        sentences.headline(measures, slopes, level=level)
        if by == "received"
        else _by_gap(measures, own)
    )
    figure, panels = canvas(
        title,
        phrase(
            f"push.frequency.figure.subtitle.{by}",
            first=measures.first,
            last=measures.as_of,
            population=phrase(f"push.frequency.figure.population.{measures.main}"),
        ),
        phrase(
            "push.frequency.figure.footer",
            source=measures.source,
            day=measures.as_of,
            level=level,
            n=int(own.loc[own["outcome"] == outcomes[0], "n_pushes"].sum()),
        ),
        height=4.1,
        columns=len(outcomes),
    )
    for axes, outcome in zip(panels, outcomes, strict=True):
        rows = seen[seen["outcome"] == outcome]
        at = rows[_places_name(by)].to_numpy()
        axes.vlines(at, rows["ci_lower"], rows["ci_upper"], color=ACCENT, linewidth=2)
        axes.plot(at, rows["answer_rate"], "-o", color=ACCENT, markersize=5, linewidth=1.2)
        axes.plot(at, rows["rate_crude"], "o", mfc="none", mec=GREY, markersize=7, zorder=1)
        axes.set_ylim(0)
        percent_axis(axes.yaxis, ticks=6)
        axes.grid(axis="y")
        axes.set_title(sentences.answer(measures, outcome), size=10, color=BLACK, loc="left")
        _name_places(axes, own, by)
    alt = phrase("push.frequency.figure.alt", title=title)
    if by == "gap":
        own[_places_name(by)] = own[_places_name(by)].map(dict(enumerate(_GAP_NAMES)))
    return finish(figure, name=picture, alt=alt, table=own)


def _places_name(by: str) -> str:
    """Name the column of a table that holds the places along which answers are drawn."""
    return "hours_since_last" if by == "gap" else "received"


def _by_gap(measures: Measures, own: pd.DataFrame) -> str:
    """Say how often the first answer comes soon after the last push, and how often late."""
    rates = own[own["outcome"] == OUTCOMES[0]].set_index(_places_name("gap"))["answer_rate"]
    ends = rates.reindex([0, len(GAPS) - 1])
    return phrase(
        f"push.frequency.figure.gap.{'some' if ends.isna().any() else 'both'}",
        answer=sentences.answer(measures, OUTCOMES[0]),
        soon=float(ends.iloc[0]),
        late=float(ends.iloc[1]),
    )


def _name_places(axes: Axes, own: pd.DataFrame, by: str) -> None:
    places = np.sort(own[_places_name(by)].dropna().unique())
    if by == "gap":
        labels = [phrase(f"push.frequency.figure.hours.{GAPS[int(at)]}") for at in places]
    else:
        labels = [number(at) for at in places]
        labels[-1] += "+"
    axes.set_xticks(places, labels, size=8.5)
    axes.set_xlim(places[0] - 0.4, places[-1] + 0.4)
    axes.set_xlabel(phrase(f"push.frequency.figure.axis.{by}"), size=8.5)


def draw_frontier(measures: Measures, found: Frontier, *, level: float) -> Picture:
    """Draw clicks against blocks per week, one point per number, beside the value of each."""
    picture = "frontier"
    if found.refused:
        reason = sentences.frontier_refusal(measures, found)
        return nothing(reason, name=picture, title=phrase("push.frequency.figure.no_best"))
    kinds = sorted(found.best, key=found.lead.__eq__)
    title = sentences.say_best(measures, found, level=level)
    figure, (left, right) = canvas(
        title,
        phrase(
            f"push.frequency.figure.subtitle.{'drawn' if found.is_drawn else 'described'}",
            last=measures.as_of,
            experiment=measures.experiment,
            counted=phrase(
                f"push.frequency.figure.kind.{kinds[-1]}", weeks=measures.frequency_weeks
            ),
        ),
        phrase(
            "push.frequency.figure.frontier",
            source=measures.source,
            day=measures.as_of,
            level=level,
            click=found.value_per_click_cny,
            lost=found.value_lost_cny,
            n=found.n_users[kinds[-1]],
        ),
        height=4.8,
        widths=(1, 1.05),
    )
    main = found.table[found.table["kind"] == kinds[-1]]
    _draw_trade(left, main, found)
    colours = dict(zip(kinds, (ACCENT,) if len(kinds) == 1 else (GREY, ACCENT), strict=True))
    for kind, colour in colours.items():
        rows = found.table[found.table["kind"] == kind]
        at = rows["cap"] + (0.12 if kind != kinds[-1] else -0.12 * (len(kinds) - 1))
        right.vlines(
            at, rows["weekly_value_lower"], rows["weekly_value_upper"], color=colour, linewidth=2
        )
        value, chosen = rows["weekly_value_cny"], rows["is_candidate"].to_numpy()
        right.plot(at, value, "-", color=colour, linewidth=1)
        right.plot(at[chosen], value[chosen], "o", color=colour, markersize=7)
        right.plot(at[~chosen], value[~chosen], "o", mfc="white", mec=colour, markersize=6)
    right.axhline(0, color=BLACK, linewidth=0.8)
    right.set_xticks(sorted(found.table["cap"].unique()))
    right.set_xlabel(phrase("push.frequency.figure.axis.number"))
    right.set_title(phrase("push.frequency.figure.value"), size=10, color=BLACK, loc="left")
    right.grid(axis="y")
    if len(kinds) > 1:
        _name_kinds(right, measures, colours)
    alt = phrase("push.frequency.figure.frontier_alt", title=title)
    return finish(figure, name=picture, alt=alt, table=found.table)


def _name_kinds(axes: Axes, measures: Measures, colours: dict[str, str]) -> None:
    """Name the ways of counting in a strip of their own, below the lines."""
    low, high = axes.get_ylim()
    axes.set_ylim(low - 0.16 * (high - low), high)
    for place, (kind, colour) in enumerate(reversed(colours.items())):
        axes.text(
            0.03,
            0.04 + 0.075 * place,
            phrase(f"push.frequency.figure.kind.{kind}", weeks=measures.frequency_weeks),
            color=colour,
            size=9,
            transform=axes.transAxes,
        )


def _draw_trade(axes: Axes, rows: pd.DataFrame, found: Frontier) -> None:
    """Draw clicks against blocks, with lines along which the value is the same."""
    blocks, clicks = (
        100 * rows[[f"{name}_per_week{end}" for end in ("", "_lower", "_upper")]].to_numpy().T
        for name in ("blocks", "clicks")
    )
    axes.hlines(clicks[0], blocks[1], blocks[2], color=PALE, linewidth=2)
    axes.vlines(blocks[0], clicks[1], clicks[2], color=PALE, linewidth=2)
    axes.plot(blocks[0], clicks[0], "-", color=GREY, linewidth=0.8)
    axes.plot(blocks[0], clicks[0], "o", color=ACCENT, markersize=6)
    for row in each_row(rows):
        axes.annotate(
            number(row.cap),
            (100 * row.blocks_per_week, 100 * row.clicks_per_week),
            (7, -11),
            textcoords="offset points",
            size=11,
            color=SECOND if row.is_candidate else BLACK,
        )
    axes.set_xlim(0, blocks[2].max() * 1.12)
    axes.set_ylim(0, clicks[2].max() * 1.12)
    if found.value_per_click_cny > 0:
        _draw_equal(axes, found)
    axes.set_xlabel(phrase("push.frequency.figure.axis.blocks"))
    axes.set_ylabel(phrase("push.frequency.figure.axis.clicks"))


def _draw_equal(axes: Axes, found: Frontier) -> None:
    most_blocks, most_clicks = axes.get_xlim()[1], axes.get_ylim()[1]
    ends = np.array([0.0, most_blocks])
    for value in np.linspace(0, most_clicks, _LINES, endpoint=False):
        clicks = value + ends * found.value_lost_cny / found.value_per_click_cny
        axes.plot(ends, clicks, "--", color=PALE, linewidth=0.9, zorder=0)


def draw_alerts(measures: Measures, watched: pd.DataFrame, *, level: float) -> Picture:
    """Draw the blocks per push of each segment, in the last 28 days and in the 28 before."""
    picture, title = "blocks", sentences.say_alerts(measures, watched, level=level)
    shown = watched[watched["refused"] == ""] if len(watched) else watched
    if measures.now is None or measures.before is None or shown.empty:
        return nothing(title, name=picture, title=phrase("push.frequency.figure.no_blocks"))
    shown = shown.head(MOST_SEGMENTS)
    figure, (axes,) = canvas(
        title,
        phrase(
            "push.frequency.figure.subtitle.blocks",
            first=measures.now[0],
            last=measures.now[1],
            from_day=measures.before[0],
            to_day=measures.before[1],
        ),
        phrase(
            "push.frequency.figure.blocks",
            source=measures.source,
            day=measures.as_of,
            level=level,
            n=int(shown["sent_now"].sum()),
        ),
        height=2.3 + 0.42 * len(shown),
    )
    per = sentences.PER_PUSHES
    for place, row in enumerate(each_row(shown)):
        colour = SECOND if row.verdict == "rose" else ACCENT
        axes.plot(
            [per * row.block_rate_lower, per * row.block_rate_upper],
            [place] * 2,
            color=colour,
            linewidth=2,
        )
        axes.plot(per * row.block_rate_before, place, "o", mfc="white", mec=GREY, markersize=7)
        axes.plot(per * row.block_rate_now, place, "o", color=colour, markersize=7)
    axes.set_ylim(len(shown) - 0.5, -0.6)
    axes.set_xlim(0)
    name_rows(axes, range(len(shown)), [row_name(row.segment, row.n) for row in each_row(shown)])
    axes.set_xlabel(phrase("push.frequency.figure.axis.rate"))
    axes.grid(axis="x")
    alt = phrase("push.frequency.figure.blocks_alt", title=title)
    return finish(figure, name=picture, alt=alt, table=shown.drop(columns="refused"))
