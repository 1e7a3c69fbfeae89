"""Draw the share still connected as seen and as projected, beside the test of the projection."""

from __future__ import annotations

from matplotlib.axes import Axes

from siyu.figures import ACCENT, BLACK, GREY, PALE, SECOND, Picture, canvas, finish, nothing
from siyu.formats import short_day
from siyu.phrases import phrase
from siyu.studies.marks import name_ends, name_rows, percent_axis
from siyu.studies.retention.projection import sentences
from siyu.studies.retention.projection.estimate import Holdout, Projection
from siyu.studies.retention.projection.measure import WEEK_DAYS, Lives


def draw_projection(lives: Lives, projection: Projection, *, level: float) -> Picture:
    """Draw the curve as seen, fitted and projected; grey where the test did not hold."""
    name, title = "projection", sentences.say_projection(lives, projection, level=level)
    if projection.curve.empty:
        return nothing(title, name=name, title=phrase("retention.projection.figure.none"))
    holdout = projection.holdout
    figure, axes = canvas(
        title,
        phrase(
            "retention.projection.figure.subtitle",
            n=lives.n_added,
            first=lives.first,
            last=lives.as_of,
        ),
        phrase(
            f"retention.projection.figure.footer.{'tested' if holdout else 'untested'}",
            source=lives.source,
            day=lives.as_of,
            level=level,
        ),
        height=4.8,
        widths=(3, 1) if holdout else (1,),
    )
    _draw_curve(axes[0], projection)
    if holdout:
        _draw_holdout(axes[1], holdout)
    alt = phrase("retention.projection.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=projection.curve)


def _draw_curve(axes: Axes, projection: Projection) -> None:
    curve, holdout = projection.curve, projection.holdout
    weeks = curve["weeks"]
    if holdout:
        _shade(axes, projection, holdout)
    colour = ACCENT if projection.outcome == "held" else GREY
    lower, upper = curve["projected_lower"], curve["projected_upper"]
    axes.fill_between(weeks, lower, upper, color=colour, alpha=0.15, linewidth=0)
    ends = []
    if holdout:
        text = phrase("retention.projection.figure.before", day=short_day(holdout.on))
        ends.append(_draw_line(axes, projection, "projected_before", SECOND, text))
    trusted = "projected" if projection.outcome == "held" else "untrusted"
    text = phrase(f"retention.projection.figure.{trusted}")
    ends.append(_draw_line(axes, projection, "projected", colour, text))
    share = curve["share"]
    around = [share - curve["share_lower"], curve["share_upper"] - share]
    axes.errorbar(weeks, share, around, fmt="o", color=BLACK, markersize=3, elinewidth=0.9)
    first = min(1, projection.seen_weeks)
    axes.annotate(
        phrase("retention.projection.figure.seen"),
        (first, float(share.iloc[first])),
        (10, 6),
        textcoords="offset points",
        color=BLACK,
        size=9,
    )
    axes.set_ylim(0, 1.02)
    axes.set_xlim(0, weeks.iloc[-1] + 0.5)
    name_ends(axes, float(weeks.iloc[-1]), ends)
    axes.set_xticks(list(projection.asked))
    percent_axis(axes.yaxis)
    axes.set_xlabel(phrase("retention.projection.figure.axis"))
    axes.grid(axis="y")


def _shade(axes: Axes, projection: Projection, holdout: Holdout) -> None:
    """Mark the ages that nobody had been followed to on the earlier day."""
    last = projection.seen_weeks
    begins = max(last - holdout.days // WEEK_DAYS, 0)
    axes.axvspan(begins, last, color=PALE, alpha=0.35, linewidth=0)
    text = phrase("retention.projection.figure.since", day=short_day(holdout.on))
    axes.text((begins + last) / 2, 0.02, text, ha="center", size=8, color=GREY)


def _draw_line(
    axes: Axes, projection: Projection, column: str, colour: str, text: str
) -> tuple[float, str, str]:
    """Draw a model's curve, dashed beyond what was observed, and give its end, name and colour."""
    weeks, share = projection.curve["weeks"], projection.curve[column]
    seen, ahead = weeks <= projection.seen_weeks, weeks >= projection.seen_weeks
    axes.plot(weeks[seen], share[seen], color=colour, linewidth=1.8)
    axes.plot(weeks[ahead], share[ahead], color=colour, linestyle="--", linewidth=1.8)
    return float(share.iloc[-1]), text, colour


def _draw_holdout(axes: Axes, holdout: Holdout) -> None:
    rows = [
        ("expected", holdout.expected, (holdout.expected_lower, holdout.expected_upper), SECOND),
        ("observed", holdout.share, (holdout.lower, holdout.upper), BLACK),
        ("constant", holdout.constant, None, GREY),
    ]
    for place, (name, value, ends, colour) in enumerate(rows):
        if ends:
            axes.plot(ends, [place] * 2, color=colour, linewidth=2)
        axes.plot(value, place, "o", color=colour, markersize=5.5)
        text = phrase(
            f"retention.projection.figure.row.{name}", day=short_day(holdout.on), share=value
        )
        axes.text(0.02, place - 0.2, text, size=9, color=colour)
    axes.set_title(
        phrase("retention.projection.figure.test", days=holdout.days),
        size=10,
        loc="left",
        color=BLACK,
    )
    axes.set_xlim(0, 1.02)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    percent_axis(axes.xaxis, ticks=3)
    axes.grid(axis="x")
    name_rows(axes, [], [])
