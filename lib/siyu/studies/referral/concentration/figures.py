"""Draw how much the best inviters bring."""

from __future__ import annotations

import numpy as np
import pandas as pd

from siyu.figures import BLACK, GREY, SERIES, Picture, canvas, finish, nothing
from siyu.phrases import phrase
from siyu.stats.concentration import top_share
from siyu.studies.marks import percent_axis
from siyu.studies.naming import EVERYONE
from siyu.studies.referral.concentration import sentences
from siyu.studies.referral.concentration.estimate import Concentration
from siyu.studies.referral.concentration.measure import Measures
from siyu.studies.tables import each_row

_STEPS = 40


def draw_top(measures: Measures, found: Concentration, *, level: float) -> Picture:
    """Draw the share of new members that the best inviters brought, a panel per campaign."""
    name, title = "inviters", sentences.say_top_headline(found)
    own = found.table[(found.table["measure"] == "gini") & (found.table["refused"] == "")]
    names = [one for one in own["campaign"] if one != EVERYONE][: len(SERIES)]
    if found.refused or not names:
        reason = sentences.say_top(measures, found, level=level)
        return nothing(reason, name=name, title=phrase("referral.concentration.figure.none"))
    figure, panels = canvas(
        title,
        phrase("referral.concentration.figure.subtitle", day=measures.as_of),
        phrase(
            "referral.concentration.figure.footer",
            source=measures.source,
            day=measures.as_of,
            level=level,
            min_users=measures.min_users,
        ),
        height=3.9,
        columns=len(names),
    )
    tables = []
    for place, (axes, campaign) in enumerate(zip(panels, names, strict=True)):
        code = measures.campaigns.index(campaign)
        curve = _curve(measures, code).assign(campaign=campaign)
        tables.append(curve)
        axes.plot(curve["share"], curve["brought_share"], color=SERIES[0], linewidth=2)
        axes.plot(curve["share"], curve["luck"], color=GREY, linewidth=1.2, linestyle=(0, (4, 3)))
        rows = found.table[(found.table["campaign"] == campaign) & (found.table["refused"] == "")]
        for row in each_row(rows[rows["measure"] == "top_10"]):
            axes.plot([0.1, 0.1], [row.ci_lower, row.ci_upper], color=BLACK, linewidth=2)
            axes.plot(0.1, row.value, "o", color=BLACK, markersize=5)
        axes.text(
            0.97,
            0.06,
            phrase("referral.concentration.figure.luck"),
            transform=axes.transAxes,
            ha="right",
            size=9,
            color=GREY,
        )
        axes.set_xlim(0, 1)
        axes.set_ylim(0, 1.02)
        percent_axis(axes.xaxis)
        percent_axis(axes.yaxis)
        axes.grid()
        axes.set_title(campaign, size=10.5, loc="left", color=BLACK)
        axes.set_xlabel(phrase("referral.concentration.figure.x"))
        if not place:
            axes.set_ylabel(phrase("referral.concentration.figure.y"))
    alt = phrase("referral.concentration.figure.alt", title=title)
    table = pd.concat(tables, ignore_index=True)[["campaign", "share", "brought_share", "luck"]]
    return finish(figure, name=name, alt=alt, table=table)


def _curve(measures: Measures, code: int) -> pd.DataFrame:
    """Give what the best brought, from the share on that is no small group, and by luck alone."""
    inviters = measures.inviters
    friends = inviters.loc[inviters["campaign"] == code, "friends"].to_numpy(dtype=float)
    n, total = len(friends), int(friends.sum())
    shares = np.linspace(measures.min_users / n, 1, _STEPS)
    dealt = np.random.default_rng(1).multinomial(total, np.full(n, 1 / n), size=20)
    luck = [np.mean([top_share(one, share)[0] for one in dealt]) for share in shares]
    brought = [top_share(friends, share)[0] for share in shares]
    return pd.DataFrame({"share": shares, "brought_share": brought, "luck": luck})
