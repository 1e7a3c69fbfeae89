"""Draw K of each generation against 1, what it is made of, and how unevenly people invite."""

from __future__ import annotations

import numpy as np

from siyu.figures import (
    ACCENT,
    BLACK,
    GREY,
    Picture,
    canvas,
    finish,
    nothing,
    shorten,
)
from siyu.formats import number, percent
from siyu.phrases import phrase, term
from siyu.studies.marks import MOST_SEGMENTS, mark_interval, name_rows, percent_axis, row_name
from siyu.studies.naming import EVERYONE
from siyu.studies.referral.spread import sentences
from siyu.studies.referral.spread.estimate import FRIENDS, SEEDS, Spread
from siyu.studies.referral.spread.measure import Measures
from siyu.studies.tables import each_row

_HEADINGS = {"group": "inviting"} | {
    f"{name}{end}": f"{told}{end}"
    for name, told in (("k", "k_factor"), ("share", "acceptance"))
    for end in ("", "_lower", "_upper")
}
"""Names of columns that mean something else in tables of other studies."""
_WIDEST = 2.5
"""Of K: what reaches further is cut there, and marked."""


def draw_k(measures: Measures, found: Spread, *, level: float) -> Picture:
    """Draw a row per campaign and generation: K with its interval, against 1."""
    name, title = "referral_k", sentences.headline(measures, found)
    shown = found.table[found.table["refused"] == ""].head(MOST_SEGMENTS)
    if measures.refused or shown.empty:
        return nothing(title, name=name, title=phrase("referral.spread.figure.none"))
    starts = shown["campaign"].ne(shown["campaign"].shift()).cumsum().to_numpy()
    places = np.arange(len(shown)) + 1.0 * starts
    figure, (axes,) = canvas(
        title,
        phrase("referral.spread.figure.k", days=measures.cycle_days),
        _footer(measures, level),
        height=1.9 + 0.31 * (places.max() + 0.5),
    )
    axes.axvline(1, color=BLACK, linewidth=1)
    for place, row in zip(places, each_row(shown), strict=True):
        colour = ACCENT if row.group == FRIENDS else GREY
        mark_interval(
            axes,
            place,
            (row.k, row.k_lower, min(row.k_upper, _WIDEST)),
            number(row.k, 3 if row.k < 0.1 else 2),
            colour=colour,
            beside=True,
        )
    for campaign, own in shown.assign(place=places).groupby("campaign", sort=False):
        axes.annotate(
            shorten(str(campaign)),
            (0, float(own["place"].min()) - 0.9),
            xycoords=("axes fraction", "data"),
            size=10,
            va="center",
            color=BLACK,
            annotation_clip=False,
        )
    axes.set_xlim(0, max(1.15, 1.12 * float(shown["k_upper"].clip(upper=_WIDEST).max())))
    axes.set_ylim(places.max() + 0.6, -0.4)
    name_rows(axes, places, [row_name(_group(row.group), row.n) for row in each_row(shown)], size=9)
    axes.set_xlabel(phrase("referral.spread.figure.axis"))
    axes.grid(axis="x")
    alt = phrase("referral.spread.figure.alt.k", title=title)
    return finish(figure, name=name, alt=alt, table=found.table.rename(columns=_HEADINGS))


def _group(group: str) -> str:
    if group in (SEEDS, FRIENDS):
        return phrase(f"referral.spread.figure.{group}")
    kind = "deeper" if group.endswith("+") else "generation"
    return phrase(f"referral.spread.figure.{kind}", generation=group.rstrip("+"))


_PANELS = ("invitations", "acceptance", "in_time")


def draw_parts(measures: Measures, found: Spread, *, level: float) -> Picture:
    """Draw for seeds and friends of each campaign the three factors of K."""
    name, none = "referral_parts", phrase("referral.spread.figure.none")
    both = found.table["group"].isin([SEEDS, FRIENDS]) & (found.table["refused"] == "")
    shown = found.table[both & found.table["acceptance"].notna()].head(MOST_SEGMENTS)
    if shown.empty:
        return nothing(sentences.headline(measures, found), name=name, title=none)
    friends = shown[shown["group"] == FRIENDS]
    lead = (friends if len(friends) else shown).sort_values("k", kind="stable").iloc[-1]
    title = phrase(
        "referral.spread.figure.title.parts",
        campaign=lead["campaign"],
        group=_group(lead["group"]),
        invitations=lead["invitations"],
        acceptance=lead["acceptance"],
    )
    figure, panels = canvas(
        title,
        phrase("referral.spread.figure.parts", days=measures.cycle_days),
        _footer(measures, level),
        height=2.0 + 0.42 * len(shown),
        columns=len(_PANELS),
    )
    for axes, part in zip(panels, _PANELS, strict=True):
        ends = shown[[part, f"{part}_lower", f"{part}_upper"]].to_numpy(dtype=np.float64)
        # An interval without an upper end reaches to the edge.
        edge = 1.05 * np.max(ends[np.isfinite(ends)], initial=0.0)
        ends = np.where(np.isposinf(ends), 1.1 * edge, ends)
        for place, (value, lower, upper) in enumerate(ends):
            if np.isnan(value):  # of nobody who came, none came in time
                continue
            colour = ACCENT if shown["group"].iloc[place] == FRIENDS else GREY
            axes.plot([lower, upper], [place, place], color=colour, linewidth=2)
            axes.plot(value, place, "o", color=colour, markersize=5.5)
            axes.annotate(
                number(value, 2) if part == "invitations" else percent(value, 0),
                (value, place),
                (0, 6),
                textcoords="offset points",
                ha="center" if part == "invitations" or value < 0.9 else "right",
                size=8.5,
                color=colour,
            )
        axes.set_title(
            phrase(f"referral.spread.figure.part.{part}"), size=10, loc="left", color=BLACK
        )
        axes.set_ylim(len(shown) - 0.5, -0.6)
        axes.grid(axis="x")
        if part == "invitations":
            axes.set_xlim(0, edge)
        else:
            axes.set_xlim(0, 1.02 if part == "in_time" else min(1.24 * edge, 1.02))
            percent_axis(axes.xaxis, ticks=4)
        names = [
            phrase("page.in_brackets", text=shorten(row.campaign, width=16), n=_group(row.group))
            for row in each_row(shown)
        ]
        name_rows(
            axes, range(len(shown)), names if axes is panels[0] else [""] * len(shown), size=9
        )
    alt = phrase("referral.spread.figure.alt.parts", title=title)
    return finish(figure, name=name, alt=alt, table=shown.rename(columns=_HEADINGS))


def draw_answers(measures: Measures, found: Spread, *, level: float) -> Picture:
    """Draw which share of the invitations brings a new member, by the inviter's channel."""
    name, none = "referral_acceptance", phrase("referral.spread.figure.none")
    shown = found.answers.head(MOST_SEGMENTS)
    if shown.empty:
        reason = phrase("referral.spread.figure.few", min_users=measures.min_users)
        return nothing(reason, name=name, title=none)
    whole = shown[shown["channel"] == EVERYONE]
    best, worst = (whole.sort_values("share", kind="stable").iloc[end] for end in (-1, 0))
    title = phrase(
        f"referral.spread.figure.title.answers.{'several' if len(whole) > 1 else 'one'}",
        best=best["campaign"],
        high=best["share"],
        worst=worst["campaign"],
        low=worst["share"],
    )
    figure, (axes,) = canvas(
        title,
        phrase("referral.spread.figure.answers", days=measures.cycle_days),
        _footer(measures, level),
        height=1.9 + 0.33 * len(shown),
    )
    for place, row in enumerate(each_row(shown)):
        colour = ACCENT if row.channel == EVERYONE else GREY
        mark_interval(
            axes,
            place,
            (row.share, row.share_lower, row.share_upper),
            percent(row.share),
            colour=colour,
            beside=True,
        )
    names = [
        row_name(
            row.campaign if row.channel == EVERYONE else f"· {term(row.channel)}", row.inviters
        )
        for row in each_row(shown)
    ]
    axes.set_xlim(0, min(1.15 * float(shown["share_upper"].max()), 1))
    axes.set_ylim(len(shown) - 0.5, -0.6)
    name_rows(axes, range(len(shown)), names, size=9)
    percent_axis(axes.xaxis)
    axes.grid(axis="x")
    alt = phrase("referral.spread.figure.alt.answers", title=title)
    return finish(figure, name=name, alt=alt, table=found.answers.rename(columns=_HEADINGS))


def _footer(measures: Measures, level: float) -> str:
    return phrase(
        "referral.spread.figure.footer.people",
        source=measures.source,
        day=measures.as_of,
        level=level,
        min_users=measures.min_users,
    )
