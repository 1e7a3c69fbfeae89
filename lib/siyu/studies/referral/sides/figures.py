"""Draw what each reward does to the trees of seeds, and how many the next experiment needs."""

from __future__ import annotations

from matplotlib.ticker import FuncFormatter, MaxNLocator

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing, shorten
from siyu.formats import number
from siyu.phrases import phrase, term
from siyu.studies.marks import mark_interval, name_rows
from siyu.studies.referral.sides import sentences
from siyu.studies.referral.sides.estimate import OUTCOMES, POWER, Sides, plan_lifts
from siyu.studies.referral.sides.measure import Measures
from siyu.studies.tables import each_row


def draw_sides(measures: Measures, found: Sides, *, level: float) -> Picture:
    """Draw the difference of each arm to the control, a panel per outcome."""
    name = "reward_sides"
    if found.refused:
        reason = sentences.refusal(measures, found)
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
            mark_interval(
                axes,
                y,
                (row.difference, row.ci_lower, row.ci_upper),
                number(row.difference, 2),
                colour=colour,
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


def draw_plan(measures: Measures, found: Sides, *, level: float) -> Picture:
    """Draw how many seeds an experiment needs for each lift, by whom it draws."""
    name = "reward_plan"
    known = found.plan[found.plan["needed"].notna()]
    if not len(known):
        reason = sentences.say_next(measures, found)
        return nothing(reason, name=name, title=phrase("referral.sides.figure.no_plan"))
    best = known.sort_values("needed", kind="stable")["campaign"].iloc[0]
    table = plan_lifts(measures, best, level=level)
    rows = {row.among: row for row in each_row(known[known["campaign"] == best])}
    seeds = table["among"].map({among: row.seeds for among, row in rows.items()})
    within = table.loc[table["needed"] <= seeds, "lift"]
    title = phrase("referral.sides.figure.plan_title.none", campaign=best)
    if len(within):
        least = within.min()
        title = phrase("referral.sides.figure.plan_title.some", campaign=best, lift=least)
    figure, (axes,) = canvas(
        title,
        phrase("referral.sides.figure.plan_subtitle", campaign=best, days=measures.tree_days),
        phrase(
            "referral.sides.figure.plan_footer",
            source=measures.source,
            day=measures.as_of,
            level=level,
            power=POWER,
            campaign=best,
        ),
        height=4.2,
    )
    for among, own in table.groupby("among", sort=False):
        colour = ACCENT if among == "inviters" else BLACK
        seeds = rows[str(among)].seeds
        axes.plot(own["lift"], own["needed"], color=colour, linewidth=2, marker="o", markersize=4)
        axes.axhline(seeds, color=colour, linewidth=0.9, linestyle=(0, (4, 3)))
        middle = own.iloc[len(own) // 2]
        for key, x, y, right, up in (
            (f"had_{among}", own["lift"].iloc[-1], seeds, 14, 0),
            (f"draw_{among}", middle["lift"], middle["needed"], 8, 9),
        ):
            axes.annotate(
                phrase(f"referral.sides.figure.{key}", n=seeds),
                (x, y),
                (right, up),
                textcoords="offset points",
                size=9.5,
                va="center",
                color=colour,
                annotation_clip=False,
            )
    axes.set_xlim(0.06, 1.02)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    axes.set_xticks(table["lift"].unique(), [f"{lift:.0%}" for lift in table["lift"].unique()])
    axes.set_xlabel(phrase("referral.sides.figure.lift"))
    axes.set_ylabel(phrase("referral.sides.figure.seeds"))
    axes.grid(axis="y")
    alt = phrase("referral.sides.figure.plan_alt", title=title)
    return finish(figure, name=name, alt=alt, table=table)
