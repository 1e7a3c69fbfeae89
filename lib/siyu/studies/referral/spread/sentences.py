"""Say whether a campaign keeps itself going, and what its K is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.referral.sentences import say_refused
from siyu.studies.referral.spread.estimate import FRIENDS, POWER, SEEDS, Spread
from siyu.studies.referral.spread.measure import Measures
from siyu.studies.tables import each_row

ALPHA = 0.05
_MOST_NEEDED = 100_000


def headline(measures: Measures, found: Spread) -> str:
    """Say which campaigns keep themselves going, which do not, and of which it cannot be told."""
    if measures.refused:
        return say_refused(measures.refused)
    told = {
        verdict: found.verdicts.loc[found.verdicts["verdict"] == verdict, "campaign"].tolist()
        for verdict in ("above", "unclear", "below", "few")
    }
    kind = next(one for one in ("above", "unclear", "below", "few") if told[one])
    if kind == "unclear" and told["below"]:
        kind = "mixed"
    return phrase(f"referral.spread.headline.{kind}", days=measures.cycle_days, **told)


def say_k(measures: Measures, found: Spread, *, level: float) -> str:
    """Say for each campaign what each friend and each seed brings, and who is left out."""
    if measures.refused:
        return ""
    groups = found.table.set_index(["campaign", "group"])
    said = [
        paragraph(
            say_friends(measures, row, level=level),
            say_seeds(measures, groups.loc[(row.campaign, SEEDS)], row.campaign, level=level),
            _say_generations(row),
            _say_followed(measures, row),
        )
        for row in each_row(found.verdicts)
    ]
    late = int(measures.campaigns["late"].sum())
    note = phrase("referral.spread.late", n=late, days=measures.arriving_days) if late else ""
    return paragraphs(*said, paragraph(phrase("referral.spread.meaning"), note))


def say_friends(measures: Measures, row: Any, *, level: float) -> str:
    """Say what each friend of a campaign brings, and whether that is below or above 1."""
    if row.verdict == "few":
        return phrase(
            f"referral.spread.refused.{'immature' if row.immature else 'few'}",
            campaign=row.campaign,
            n=row.n,
            days=measures.cycle_days,
            min_users=measures.min_users,
        )
    told = phrase(
        f"referral.spread.k.{row.verdict}",
        campaign=row.campaign,
        k=row.k,
        lower=row.k_lower,
        upper=row.k_upper,
        level=level,
        days=measures.cycle_days,
        n=row.n,
    )
    return paragraph(told, _say_needed(row) if row.verdict == "unclear" else "")


def _say_needed(row: Any) -> str:
    kind = "many" if row.needed <= _MOST_NEEDED else "never"
    return phrase(f"referral.spread.needed.{kind}", needed=row.needed, power=POWER)


def say_seeds(measures: Measures, row: Any, campaign: str, *, level: float) -> str:
    """Say what a hundred members of the first midnight bring, or why that is not known."""
    return phrase(
        f"referral.spread.seeds.{row['refused'] or 'told'}",
        campaign=campaign,
        n=row["n"],
        days=measures.cycle_days,
        min_users=measures.min_users,
        k=100 * row["k"],
        lower=100 * row["k_lower"],
        upper=100 * row["k_upper"],
        level=level,
    )


def _say_generations(row: Any) -> str:
    if not np.isfinite(row.p_generations):
        return ""
    kind = "differ" if row.p_generations < ALPHA else "alike"
    return phrase(f"referral.spread.generations.{kind}", p=f"{row.p_generations:.3f}")


def _say_followed(measures: Measures, row: Any) -> str:
    if not row.immature or row.verdict == "few":
        return ""
    return phrase(
        "referral.spread.immature",
        n=row.immature,
        days=measures.cycle_days,
        k=row.k_everyone,
    )


def say_parts(measures: Measures, found: Spread, *, level: float) -> str:
    """Say for each campaign how many a friend invites, and how many of these come."""
    friends = found.table[(found.table["group"] == FRIENDS) & (found.table["refused"] == "")]
    said = [
        phrase(
            "referral.spread.parts",
            campaign=row.campaign,
            invitations=row.invitations,
            invitations_lower=row.invitations_lower,
            invitations_upper=row.invitations_upper,
            acceptance=row.acceptance,
            acceptance_lower=row.acceptance_lower,
            acceptance_upper=row.acceptance_upper,
            in_time=row.in_time,
            level=level,
            days=measures.cycle_days,
            n=row.n,
        )
        for row in each_row(friends)
    ]
    return paragraphs(*said)


def say_shapes(measures: Measures, found: Spread, *, level: float) -> str:
    """Say for each campaign how unevenly friends invite."""
    return paragraphs(*(say_shape(measures, row, level=level) for row in each_row(found.shapes)))


def say_shape(measures: Measures, row: Any, *, level: float) -> str:
    """Say how unevenly friends of a campaign invite."""
    kind = "alike" if np.isinf(row.shape) else "uneven"
    if kind == "uneven" and np.isinf(row.shape_upper):
        kind = "unclear"
    return phrase(
        f"referral.spread.shape.{kind}",
        campaign=row.campaign,
        n=row.n,
        days=measures.cycle_days,
        none=row.none_share,
        shape=row.shape,
        lower=row.shape_lower,
        upper=row.shape_upper,
        level=level,
    )


def say_answers(found: Spread, *, level: float) -> str:
    """Say how many invitations bring a new member, and by which channel more or fewer do."""
    everyone = found.answers[found.answers["channel"] == EVERYONE]
    said = [say_answer(row, level=level) for row in each_row(everyone)]
    clear = find_clear(found.answers)
    others = [
        phrase(
            f"referral.spread.channel.{'more' if row.difference > 0 else 'fewer'}",
            campaign=row.campaign,
            channel=row.channel,
            share=row.share,
            difference=row.difference,
            lower=row.difference_lower,
            upper=row.difference_upper,
            level=level,
        )
        for row in each_row(clear)
    ]
    compared = found.answers["difference"].notna().sum()
    if compared and not others:
        others = [phrase("referral.spread.channel.none", n=compared)]
    return paragraph(*said, *others)


def say_answer(row: Any, *, level: float) -> str:
    """Say how many invitations of a campaign bring a new member."""
    return phrase(
        "referral.spread.answer",
        campaign=row.campaign,
        share=row.share,
        lower=row.share_lower,
        upper=row.share_upper,
        level=level,
        sent=row.sent,
        n=row.inviters,
    )


def find_clear(answers: pd.DataFrame) -> pd.DataFrame:
    """Find the channels whose acceptance clearly differs from that of all others."""
    return answers[(answers["difference_lower"] > 0) | (answers["difference_upper"] < 0)]
