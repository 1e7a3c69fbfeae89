"""Draw how players use their lives, and how active they are around the day of play."""

from __future__ import annotations

import pandas as pd

from siyu.figures import ACCENT, BLACK, GREY, SECOND, Picture, canvas, finish, nothing
from siyu.formats import number, percent
from siyu.phrases import phrase
from siyu.stats.intervals import wilson
from siyu.studies.marks import name_rows, percent_axis
from siyu.studies.referral.assists import sentences
from siyu.studies.referral.assists.estimate import Assists
from siyu.studies.referral.assists.measure import Measures
from siyu.studies.tables import each_row

_VERDICTS = {"more": ACCENT, "less": SECOND}


def draw_assists(measures: Measures, found: Assists, *, level: float) -> Picture:
    """Draw the game with the most players: invitations sent, and the change of activity."""
    name, title = "assists", sentences.say_play_headline(measures, found)
    told = found.play[found.play["refused"] == ""]
    if found.refused or not len(told):
        return nothing(title, name=name, title=phrase("referral.assists.figure.none"))
    row = list(each_row(told.sort_values("n", kind="stable")))[-1]
    game = measures.games.index(row.campaign)
    players = measures.players[measures.players["campaign"] == game]
    table = _sent(players["sent"].clip(upper=row.lives), row.lives, measures.min_users, level)
    figure, (bars, changes) = canvas(
        title,
        phrase("referral.assists.figure.subtitle", day=measures.as_of),
        phrase(
            "referral.assists.figure.footer",
            source=measures.source,
            day=measures.as_of,
            n=row.n,
            campaign=row.campaign,
            level=level,
        ),
        height=3.6,
        widths=(1.1, 1),
    )
    for one in each_row(table):
        colour = ACCENT if one.sent == row.lives else GREY
        bars.bar(one.sent, one.share, width=0.6, color=colour, alpha=0.35)
        bars.plot([one.sent] * 2, [one.ci_lower, one.ci_upper], color=colour, linewidth=2)
        bars.annotate(
            percent(one.share),
            (one.sent + 0.05, one.share),
            (4, 2),
            textcoords="offset points",
            size=9,
        )
    bars.set_xticks(range(1, row.lives + 1))
    bars.set_xlim(0.5, row.lives + 0.7)
    bars.set_ylim(0)
    percent_axis(bars.yaxis)
    bars.grid(axis="y")
    bars.set_title(phrase("referral.assists.figure.sent"), size=10, loc="left", color=BLACK)
    active = found.activity.iloc[game]
    changes.set_title(phrase("referral.assists.figure.change"), size=10, loc="left", color=BLACK)
    if active["verdict"]:
        for y, (key, value) in enumerate((("earlier", "earlier"), ("after", "change"))):
            stem = "ci" if key == "after" else "earlier"
            ends = [active[f"{stem}_lower"], active[f"{stem}_upper"]]
            colour = _VERDICTS.get(active["verdict"], BLACK) if key == "after" else GREY
            changes.plot(ends, [y, y], color=colour, linewidth=2)
            changes.plot(active[value], y, "o", color=colour, markersize=5.5)
            changes.annotate(
                number(active[value], 2),
                (active[value], y),
                (0, 7),
                textcoords="offset points",
                ha="center",
                size=9,
                color=colour,
                bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.6},
            )
        labels = [phrase(f"referral.assists.figure.{key}") for key in ("earlier", "after")]
        name_rows(changes, range(2), labels)
        changes.axvline(0, color=BLACK, linewidth=0.8)
        changes.set_ylim(1.6, -0.6)
        changes.grid(axis="x")
    else:
        changes.set_axis_off()
    alt = phrase("referral.assists.figure.alt", title=title)
    return finish(figure, name=name, alt=alt, table=table)


def _sent(sent: pd.Series, lives: int, min_users: int, level: float) -> pd.DataFrame:
    """Give the share of players by invitations sent; numbers of few players are left out."""
    counts = sent.value_counts().reindex(range(1, lives + 1), fill_value=0)
    lower, upper = wilson(counts.to_numpy(), counts.sum(), level=level)
    table = pd.DataFrame(
        {
            "sent": counts.index,
            "n": counts.to_numpy(),
            "share": counts.to_numpy() / counts.sum(),
            "ci_lower": lower,
            "ci_upper": upper,
        }
    )
    few = (table["n"] > 0) & (table["n"] < min_users)
    if few.sum() == 1:  # it could be had by subtraction
        few |= table["n"] == table.loc[~few & (table["n"] > 0), "n"].min()
    shown: pd.DataFrame = table[~few].reset_index(drop=True)
    return shown
