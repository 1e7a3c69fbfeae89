"""Say how players use their lives, whom that brings, and whether playing makes them more active."""

from __future__ import annotations

from typing import Any

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.referral.assists.estimate import Assists
from siyu.studies.referral.assists.measure import Measures
from siyu.studies.tables import each_row


def say_play_headline(measures: Measures, found: Assists) -> str:
    """Say of the game with the most players whether its lives bind."""
    if found.refused:
        return phrase(f"referral.assists.refused.{found.refused}")
    told = found.play[found.play["refused"] == ""]
    if not len(told):
        return refusal(measures, next(each_row(found.play)))
    row = list(each_row(told.sort_values("n", kind="stable")))[-1]
    return phrase(
        f"referral.assists.headline.{row.verdict}",
        campaign=row.campaign,
        share=row.all_used,
        lives=row.lives,
    )


def say_play(measures: Measures, found: Assists, *, level: float) -> str:
    """Say for each game how players used their lives, and whom that brought."""
    if found.refused:
        return phrase(f"referral.assists.refused.{found.refused}")
    said = []
    for i, row in enumerate(each_row(found.play)):
        if row.refused:
            said.append(refusal(measures, row))
            continue
        told = [say_game(row, level=level)]
        if row.over > 0:
            told.append(phrase("referral.assists.over", over=row.over))
        told.append(phrase(f"referral.assists.one_more.{row.verdict}", one_more=row.one_more))
        if measures.immature[i]:
            late = {"n": measures.immature[i], "days": measures.play_days}
            told.append(phrase("referral.assists.immature", **late))
        said.append(paragraph(*told))
    return paragraphs(*said)


def say_game(row: Any, *, level: float) -> str:
    """Say how players of one game used their lives."""
    values = {
        f"{name}{end}": getattr(row, f"{name}{end}")
        for name in ("used", "all_used", "helped", "friends")
        for end in ("", "_lower", "_upper")
    }
    return phrase(
        "referral.assists.play",
        campaign=row.campaign,
        n=row.n,
        lives=row.lives,
        level=level,
        **values,
    )


def refusal(measures: Measures, row: Any) -> str:
    """Say why a game is not told."""
    return phrase(
        f"referral.assists.refused.{row.refused}",
        campaign=row.campaign,
        min_users=measures.min_users,
        days=measures.play_days,
    )


def say_active(measures: Measures, found: Assists, *, level: float) -> str:
    """Say for each game how active players were before and after, beside members who did not."""
    if found.refused:
        return phrase(f"referral.assists.refused.{found.refused}")
    if not measures.has_events:
        return phrase("referral.assists.active.events")
    said = [
        paragraph(say_change(row, level=level), say_earlier(row))
        if row.verdict
        else phrase(
            f"referral.assists.active.{row.refused or 'few'}",
            campaign=row.campaign,
            min_users=measures.min_users,
        )
        for row in each_row(found.activity)
    ]
    left_out = sum(measures.left_out)
    return paragraphs(*said, phrase("referral.assists.active.note", left_out=left_out))


def say_change(row: Any, *, level: float) -> str:
    """Say how players' activity changed, less that of others."""
    return phrase(
        f"referral.assists.active.each.{row.verdict}",
        campaign=row.campaign,
        n=row.n,
        before=row.before,
        after=row.after,
        others=row.others_change,
        change=row.change,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
    )


def say_earlier(row: Any) -> str:
    """Say how the same changed a week before, where the game can do nothing."""
    return phrase(
        "referral.assists.active.earlier",
        earlier=row.earlier,
        lower=row.earlier_lower,
        upper=row.earlier_upper,
    )
