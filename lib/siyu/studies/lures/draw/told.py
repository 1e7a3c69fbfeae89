"""Say how a draw came out, draw how alike the arms are, and turn both into findings."""

from __future__ import annotations

from siyu.figures import ACCENT, GREY, SECOND, Picture, canvas, finish, nothing
from siyu.findings import Finding, insufficient
from siyu.formats import full_stop, paragraph
from siyu.phrases import heading, phrase
from siyu.studies.lures.draw.draw import Draw
from siyu.studies.marks import name_rows
from siyu.studies.tables import each_row

_METRIC = "fresh people drawn"
_SMALL_GAP = 0.1


def say_headline(found: Draw) -> str:
    """Say how many were drawn into how many arms, and whether arms are alike."""
    if found.refused:
        return phrase(f"lures.draw.refused.{found.refused}", days=found.fresh_days)
    return phrase(
        f"lures.draw.headline.{'apart' if _apart(found) else 'alike'}",
        n=found.n,
        arms=len(found.arms),
        covariates=_apart(found),
    )


def say_draw(found: Draw) -> str:
    """The result: sizes, who is not fresh and why, and where the list lies."""
    reasons = [
        phrase(f"lures.draw.reason.{row.reason}", n=row.n, days=found.fresh_days)
        for row in each_row(found.excluded)
    ]
    excluded = phrase("lures.draw.excluded", reasons=reasons) if reasons else ""
    if found.refused:
        return paragraph(say_headline(found), excluded)
    sizes = found.sizes.groupby("arm")["n"].sum()
    return paragraph(
        say_headline(found),
        phrase(
            f"lures.draw.sizes.{'same' if sizes.nunique() == 1 else 'one_more'}",
            least=int(sizes.min()),
            most=int(sizes.max()),
            fresh=found.fresh,
            seed=found.seed,
        ),
        excluded,
        phrase("lures.draw.written", file=found.file)
        if found.file
        else phrase("lures.draw.unwritten"),
    )


def draw_balance(found: Draw) -> Picture:
    """Draw the largest standardised difference between arms, by covariate."""
    name, title = "lure_balance", say_headline(found)
    if found.refused or found.covariates.empty:
        return nothing(title, name=name, title=phrase("lures.draw.figure.none"))
    table = found.covariates.sort_values("difference", ignore_index=True)
    figure, (axes,) = canvas(
        title,
        phrase("lures.draw.figure.subtitle"),
        phrase("lures.draw.figure.footer", source=found.source, day=found.as_of, n=found.n),
        height=1.9 + 0.34 * len(table),
    )
    for y, row in enumerate(each_row(table)):
        colour = SECOND if row.difference > row.limit else ACCENT
        axes.hlines(y, 0, row.difference, color=colour, linewidth=2)
        axes.plot(row.difference, y, "o", color=colour, markersize=6)
    limit = float(table["limit"].iloc[0])
    axes.axvline(limit, color=GREY, linewidth=1.2, linestyle="--")
    axes.annotate(
        phrase("lures.draw.figure.limit"), (limit, len(table) - 0.55), (-5, 0),
        textcoords="offset points", ha="right", va="center", size=9, color=GREY,
    )  # fmt: skip
    axes.set_xlim(0, 1.15 * max(limit, float(table["difference"].max()), _SMALL_GAP))
    axes.set_ylim(-0.6, len(table) - 0.2)
    name_rows(axes, range(len(table)), [heading(each) for each in table["covariate"]])
    axes.grid(axis="x")
    alt = phrase("lures.draw.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.covariates)


def conclude(found: Draw) -> list[Finding]:
    """Give the finding of a draw: how many people were drawn.

    Args:
        found: from `draw`.
    """
    said = full_stop(say_headline(found))
    if found.refused:
        return [insufficient("lures.draw", said, metric=_METRIC, n=0, unit="users")]
    return [
        Finding(
            id="lures.draw",
            metric=_METRIC,
            value=float(found.n),
            unit="users",
            n=found.n,
            message=said,
            method=phrase("lures.draw.method"),
        )
    ]


def _apart(found: Draw) -> list[str]:
    """Name the covariates in which arms differ by more than chance would let them."""
    own = found.covariates
    return [heading(name) for name in own.loc[own["difference"] > own["limit"], "covariate"]]
