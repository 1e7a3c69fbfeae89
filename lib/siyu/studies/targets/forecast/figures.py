"""Draw additions week by week and what is expected, by touchpoint, and the test of the forecast."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing
from siyu.formats import number, short_day
from siyu.phrases import phrase
from siyu.studies.marks import mark_interval, name_ends, name_rows, number_axis, row_name
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.targets.adds import Adds
from siyu.studies.targets.forecast import sentences
from siyu.studies.targets.forecast.estimate import Forecast, days_ahead
from siyu.studies.targets.forecast.model import WEEK

_EPOCH = date(1970, 1, 1)
_SHOWN_WEEKS = 52
"""Of history, at the most."""


def draw_forecast(adds: Adds, found: Forecast, *, level: float) -> Picture:
    """Draw additions per week, seen and expected.

    Args:
        adds: from `count_adds`.
        found: from `forecast`.
        level: the coverage at which it was made.
    """
    name, title = "forecast_weeks", sentences.say_headline(adds, found, level=level)
    if found.refused:
        return nothing(title, name=name, title=phrase("targets.forecast.figure.none"))
    ahead = found.weeks[found.weeks["touchpoint"] == EVERYONE]
    first, last = days_ahead(adds)
    figure, (axes,) = canvas(
        title,
        phrase("targets.forecast.figure.subtitle", first=first, last=last),
        phrase(
            "targets.forecast.figure.footer",
            source=adds.source,
            day=adds.as_of,
            level=level,
            method=phrase(f"targets.forecast.method.{found.which}"),
        ),
        height=4.8,
    )
    seen = found.history.tail(_SHOWN_WEEKS)
    axes.plot(seen["last"], seen["added"], color=BLACK, linewidth=1.8)
    lengths = np.array(
        [(b - a).days + 1 for a, b in zip(ahead["first"], ahead["last"], strict=True)]
    )
    scaled = ahead[["expected", "ci_lower", "ci_upper"]].mul(WEEK / lengths, axis=0)
    days = [day + timedelta(days=WEEK - 1) for day in ahead["first"]]
    axes.fill_between(days, scaled["ci_lower"], scaled["ci_upper"], color=ACCENT, alpha=0.18)
    axes.plot(days, scaled["expected"], "o-", color=ACCENT, linewidth=2, markersize=4)
    axes.set_ylim(0, 1.08 * max(float(seen["added"].max()), float(scaled["ci_upper"].max())))
    axes.set_xlim(seen["last"].iloc[0], days[-1])
    ends = [
        (float(scaled["expected"].iloc[-1]), phrase("targets.forecast.figure.expected"), ACCENT)
    ]
    name_ends(axes, _at(days[-1]), ends)
    axes.annotate(
        phrase("targets.forecast.figure.seen"),
        (_at(seen["last"].iloc[0]), float(seen["added"].iloc[0])),
        (4, 12),
        textcoords="offset points",
        color=BLACK,
        size=9.5,
    )
    _date_axis(axes)
    axes.set_ylabel(phrase("targets.forecast.figure.axis"))
    number_axis(axes.yaxis)
    axes.grid(axis="y")
    told = ahead.assign(added=np.nan)
    told = told[["last", "expected", "ci_lower", "ci_upper"]]
    table = pd.concat([seen, told], ignore_index=True).rename(columns={"last": "to_day"})
    alt = phrase("targets.forecast.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=table)


def draw_touchpoints(adds: Adds, found: Forecast, *, level: float) -> Picture:
    """Draw additions expected, and those of them kept, a row per touchpoint.

    Args:
        adds: from `count_adds`.
        found: from `forecast`.
        level: the coverage at which it was made.
    """
    name, title = "forecast", sentences.say_headline(adds, found, level=level)
    if found.refused:
        return nothing(title, name=name, title=phrase("targets.forecast.figure.none"))
    rows = found.totals[found.totals["touchpoint"] != EVERYONE].sort_values("adds")
    kinds = ["adds"] if found.kept is None else ["adds", "kept"]
    first, last = days_ahead(adds)
    heads = {
        "adds": phrase("targets.forecast.figure.adds"),
        "kept": phrase("targets.forecast.figure.kept", days=adds.definition.kept_days),
    }
    figure, panels = canvas(
        title,
        phrase("targets.forecast.figure.rows_subtitle", what=heads["adds"], first=first, last=last),
        phrase(
            "targets.forecast.figure.rows_footer",
            source=adds.source,
            day=adds.as_of,
            level=level,
            method=phrase(f"targets.forecast.method.{found.which}"),
        ),
        height=2.1 + 0.33 * len(rows),
        columns=len(kinds),
    )
    for place, (axes, kind) in enumerate(zip(panels, kinds, strict=True)):
        for y, row in enumerate(each_row(rows)):
            value, lower, upper = (getattr(row, f"{kind}{end}") for end in ("", "_lower", "_upper"))
            if kind == "adds":
                axes.plot(row.before, y, "o", color=GREY, mfc="white", markersize=8)
            mark_interval(axes, y, (value, lower, upper), number(value), colour=ACCENT, beside=True)
        axes.set_xlim(0, 1.15 * max(1.0, float(rows[[f"{kind}_upper", "before"]].max().max())))
        axes.set_ylim(-0.6, len(rows) - 0.4)
        names = [row_name(row.touchpoint, row.before) for row in each_row(rows)]
        name_rows(axes, range(len(rows)), names if place == 0 else [""] * len(rows))
        axes.set_title(heads[kind], size=10.5, loc="left", color=BLACK)
        number_axis(axes.xaxis)
        axes.grid(axis="x")
    alt = phrase("targets.forecast.figure.rows_alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.totals)


def draw_test(adds: Adds, found: Forecast) -> Picture:
    """Draw what came beside what was forecast as of then, and the loss of both forecasts.

    Args:
        adds: from `count_adds`.
        found: from `forecast`.
    """
    name = "forecast_test"
    if found.refused or not found.tested:
        reason = phrase("targets.forecast.tested.untested")
        return nothing(reason, name=name, title=phrase("targets.forecast.backtest.none"))
    title = sentences.title_test(found)
    own = found.tests[found.tests["touchpoint"] == EVERYONE]
    figure, (axes, losses) = canvas(
        title,
        phrase("targets.forecast.backtest.subtitle", days=adds.definition.target_days),
        phrase("targets.forecast.backtest.footer", source=adds.source, day=adds.as_of),
        height=4.6,
        widths=[2.2, 1],
    )
    for inner, alpha in ((80, 0.3), (95, 0.15)):
        axes.fill_between(
            own["origin"],
            own[f"lower{inner}_model"],
            own[f"upper{inner}_model"],
            color=ACCENT,
            alpha=alpha,
            linewidth=0,
        )
    axes.plot(own["origin"], own["median_model"], color=ACCENT, linewidth=1.8)
    axes.plot(own["origin"], own["actual"], color=BLACK, linewidth=2)
    axes.set_xlim(own["origin"].iloc[0], own["origin"].iloc[-1])
    axes.set_ylim(0, 1.05 * float(own[["actual", "upper95_model"]].max().max()))
    end = _at(own["origin"].iloc[-1])
    last = own.iloc[-1]
    ends = [
        (float(last["median_model"]), phrase("targets.forecast.backtest.forecast"), ACCENT),
        (float(last["actual"]), phrase("targets.forecast.backtest.came"), BLACK),
    ]
    name_ends(axes, end, ends, right=5)
    _date_axis(axes)
    axes.set_ylabel(phrase("targets.forecast.backtest.axis"))
    number_axis(axes.yaxis)
    axes.grid(axis="y")
    named = {"model": ("forecast", ACCENT), "naive": ("naive", SECOND)}
    for place, (which, (key, colour)) in enumerate(named.items()):
        values = own[f"loss_{which}"]
        losses.plot(
            np.full(len(values), place) + np.linspace(-0.15, 0.15, len(values)),
            values,
            "o",
            color=colour,
            alpha=0.35,
            markersize=3.5,
        )
        losses.plot([place - 0.25, place + 0.25], [values.mean()] * 2, color=colour, linewidth=3)
        losses.annotate(
            number(float(values.mean()), 1),
            (place, float(values.mean())),
            (0, 6),
            textcoords="offset points",
            ha="center",
            size=10,
            color=colour,
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
        )
        named[which] = (phrase(f"targets.forecast.backtest.{key}"), colour)
    losses.set_xticks([0, 1], [name for name, _ in named.values()])
    losses.set_xlim(-0.6, 1.6)
    losses.set_ylim(0, None)
    number_axis(losses.yaxis)
    losses.set_title(phrase("targets.forecast.backtest.loss"), size=10.5, loc="left", color=BLACK)
    losses.grid(axis="y")
    alt = phrase("targets.forecast.backtest.alt", title=title)
    return finish(figure, name=name, alt=alt, table=_tabulate(own))


def _tabulate(own: pd.DataFrame) -> pd.DataFrame:
    """Lay the test out: one row per origin and forecast."""
    parts = [
        own[["origin", "actual"]].assign(
            forecast=which,
            **{
                name: own[f"{name}_{which}"]
                for name in ("median", "lower80", "upper80", "lower95", "upper95", "loss")
            },
        )
        for which in ("model", "naive")
    ]
    table = pd.concat(parts, ignore_index=True)
    return table.rename(columns={"origin": "known_until", "actual": "came"})


def _at(day: date) -> float:
    """Give the place of a day on an axis of dates."""
    return float((day - _EPOCH).days)


def _date_axis(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    axes.xaxis.set_major_formatter(lambda at, _: short_day(_EPOCH + timedelta(days=round(at))))
