"""Draw what each reward does to the trees of seeds."""

from __future__ import annotations

from matplotlib.ticker import MaxNLocator

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing, shorten
from siyu.formats import number
from siyu.phrases import phrase, term
from siyu.studies.marks import name_rows
from siyu.studies.referral.sides import sentences
from siyu.studies.referral.sides.estimate import OUTCOMES, Sides
from siyu.studies.referral.sides.measure import Measures
from siyu.studies.tables import each_row


def draw_sides(measures: Measures, found: Sides, *, level: float) -> Picture:
    """Draw the difference of each arm to the control, a panel per outcome."""
    name = "reward_sides"
    if found.refused:
        reason = sentences.say_sides(measures, found, level=level)
        return nothing(reason, name=name, title=phrase("referral.sides.figure.none"))
    title = sentences.say_sides_headline(measures, found, level=level)
    arms = list(dict.fromkeys(found.table["arm"]))
    figure, panels = canvas(
        title,
        phrase("referral.sides.figure.subtitle", days=measures.tree_days, n=found.n),
        phrase(
            "referral.sides.figure.footer",
            source=measures.source,
            day=measures.as_of,
            experiment=measures.experiment,
            control=measures.arms[0],
            level=level,
        ),
        height=2.1 + 0.5 * len(arms),
        columns=len(OUTCOMES),
    )
    for place, (axes, outcome) in enumerate(zip(panels, OUTCOMES, strict=True)):
        own = found.table[found.table["measure"] == outcome]
        for y, row in enumerate(each_row(own)):
            good = row.difference > 0 if outcome != "cost_cny" else row.difference < 0
            clear = row.ci_lower > 0 or row.ci_upper < 0
            colour = (ACCENT if good else SECOND) if clear else BLACK
            axes.plot([row.ci_lower, row.ci_upper], [y, y], color=colour, linewidth=2)
            axes.plot(row.difference, y, "o", color=colour, markersize=5.5)
            axes.annotate(
                number(row.difference, 2),
                (row.difference, y),
                (0, 7),
                textcoords="offset points",
                ha="center",
                size=9,
                color=colour,
            )
        axes.axvline(0, color=GREY, linewidth=0.8)
        axes.margins(x=0.15)
        axes.xaxis.set_major_locator(MaxNLocator(3))
        axes.set_ylim(len(arms) - 0.5, -0.6)
        names = [shorten(term(arm)) for arm in arms]
        name_rows(axes, range(len(arms)), names if place == 0 else [""] * len(arms))
        axes.set_title(
            phrase(f"referral.sides.figure.{outcome}"), size=9.5, loc="left", color=BLACK
        )
        axes.grid(axis="x")
    alt = phrase("referral.sides.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=found.table)
