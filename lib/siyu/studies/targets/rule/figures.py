"""Draw the recruits per member kept, by touchpoint, beside the rule's 1.3."""

from __future__ import annotations

from siyu.figures import ACCENT, BLACK, GREY, SECOND, THIRD, Picture, canvas, finish, nothing
from siyu.formats import number
from siyu.phrases import phrase
from siyu.studies.marks import mark_interval, name_rows, row_name
from siyu.studies.naming import EVERYONE
from siyu.studies.tables import each_row
from siyu.studies.targets.adds import Adds
from siyu.studies.targets.rule import sentences
from siyu.studies.targets.rule.estimate import FACTOR, Rule

_COLOURS = {"above": SECOND, "below": THIRD, "unclear": ACCENT}


def draw_factors(adds: Adds, rule: Rule, *, level: float) -> Picture:
    """Draw a row per touchpoint, the largest factor above, and that of all below.

    Args:
        adds: from `count_adds`.
        rule: from `estimate_rule`.
        level: the coverage at which it was made.
    """
    name = "recruit_factors"
    title = sentences.say_headline(adds, rule, level=level)
    if sentences.why_not(adds, rule):
        return nothing(title, name=name, title=phrase("targets.rule.figure.none"))
    rows = rule.factors[rule.factors["verdict"] != ""]
    whole = rows["touchpoint"] == EVERYONE
    shown = rows[~whole].sort_values("factor", ascending=False)
    table = [*each_row(shown), *each_row(rows[whole])]
    days = adds.definition.kept_days
    figure, (axes,) = canvas(
        title,
        phrase("targets.rule.figure.subtitle", days=days, first=adds.first, last=adds.mature_until),
        phrase("targets.rule.figure.footer", source=adds.source, day=adds.as_of, level=level),
        height=1.9 + 0.33 * len(table),
    )
    axes.axvline(FACTOR, color=GREY, linewidth=1.2, linestyle="--")
    for place, row in enumerate(table):
        colour = BLACK if row.touchpoint == EVERYONE else _COLOURS[row.verdict]
        mark_interval(
            axes,
            place,
            (row.factor, row.ci_lower, row.ci_upper),
            number(row.factor, 2),
            colour=colour,
            beside=True,
        )
    names = [row_name(row.touchpoint, row.mature) for row in table]
    name_rows(axes, range(len(table)), names)
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xlim(1, 1 + 1.12 * (max(row.ci_upper for row in table) - 1))
    axes.set_xlabel(phrase("targets.rule.figure.axis"))
    axes.grid(axis="x")
    alt = phrase("targets.rule.figure.alt", title=title)
    return finish(
        figure, name=name, alt=alt, table=rule.factors.rename(columns={"factor": "recruits"})
    )
