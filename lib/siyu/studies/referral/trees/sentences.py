"""Say how fast and how far trees grow, and where one more seed brings most."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.referral.sentences import say_refused
from siyu.studies.referral.trees.choices import THOUSAND
from siyu.studies.referral.trees.estimate import Growth
from siyu.studies.referral.trees.measure import Measures
from siyu.studies.tables import each_row


def headline(measures: Measures, found: Growth) -> str:
    """Say in which campaign more seeds are worth most."""
    if measures.spread.refused:
        return say_refused(measures.spread.refused)
    choices = found.choices.set_index("campaign")
    lead = choices[choices["verdict"] == "lead"]
    ties = choices[choices["verdict"] == "tie"].sort_values("worth_cny", ascending=False)
    if len(lead):
        kind = "lead" if (choices["verdict"] == "less").any() else "alone"
        return phrase(
            f"referral.trees.headline.{kind}",
            campaign=lead.index[0],
            friends=lead["friends"].iloc[0],
            worth=lead["worth_cny"].iloc[0],
            seeds=THOUSAND,
        )
    if len(ties):
        return phrase("referral.trees.headline.tie", campaigns=ties.index.tolist())
    for kind in ("unclear", "watch"):
        own = choices[choices["verdict"] == kind].index.tolist()
        if own:
            return phrase(f"referral.trees.headline.{kind}", campaigns=own)
    return phrase("referral.trees.headline.stop", campaigns=choices.index.tolist())


def say_times(measures: Measures, found: Growth, *, level: float) -> str:
    """Say for each campaign how long a friend takes to bring the next ones."""
    said = [say_time(measures, row, level=level) for row in each_row(found.times)]
    return paragraph(*said, phrase("referral.trees.time.meaning") if said else "")


def say_time(measures: Measures, row: Any, *, level: float) -> str:
    """Say how long a friend of a campaign takes to bring the next ones."""
    if row.refused:
        return phrase("referral.trees.time.few", campaign=row.campaign)
    kind = "told" if np.isfinite(row.cycle_days_upper) else "open"
    return phrase(
        f"referral.trees.time.{kind}",
        campaign=row.campaign,
        time=row.cycle_days,
        lower=row.cycle_days_lower,
        upper=row.cycle_days_upper,
        level=level,
        days=measures.spread.cycle_days,
        n=row.n,
        events=row.events,
    )


def say_totals(measures: Measures, found: Growth, *, level: float) -> str:
    """Say for each campaign how large trees are, how deep, and how they end."""
    said = [
        paragraph(
            say_total(measures, row, level=level),
            _say_seen(measures, row, level=level),
            say_end(row, level=level),
        )
        for row in each_row(found.totals)
    ]
    return paragraphs(*said, phrase("referral.trees.total.meaning") if said else "")


def say_total(measures: Measures, row: Any, *, level: float) -> str:
    """Say how many people one seed makes in the end, or why that is not known."""
    return phrase(
        f"referral.trees.total.{row.refused or 'told'}",
        campaign=row.campaign,
        total=row.total,
        lower=row.total_lower,
        upper=row.total_upper,
        level=level,
        n=row.n,
        days=measures.spread.cycle_days,
        min_users=measures.spread.min_users,
    )


def _say_seen(measures: Measures, row: Any, *, level: float) -> str:
    if not np.isfinite(row.seen):
        return ""
    kind = "told" if np.isfinite(row.seen_upper) else "open"
    seen = phrase(
        f"referral.trees.seen.{kind}",
        seen=row.seen,
        lower=row.seen_lower,
        upper=row.seen_upper,
        level=level,
        n=row.n,
        deepest=row.deepest,
    )
    if row.late < measures.spread.min_users:
        return seen
    return paragraph(seen, phrase("referral.trees.late", n=row.late, friends=row.brought))


def say_end(row: Any, *, level: float) -> str:
    """Say how likely a tree that one friend begins ends by itself."""
    if not np.isfinite(row.end_chance):
        return ""
    kind = "sure" if row.end_chance_lower == 1 else "open"
    return phrase(
        f"referral.trees.end.{kind}",
        campaign=row.campaign,
        chance=row.end_chance,
        lower=row.end_chance_lower,
        upper=row.end_chance_upper,
        level=level,
    )


def say_choices(measures: Measures, found: Growth, *, level: float) -> str:
    """Say for each campaign what a thousand more seeds bring, and what to do."""
    said = [
        paragraph(say_choice(row, level=level), phrase(f"referral.trees.action.{row.verdict}"))
        for row in each_row(found.choices)
    ]
    return paragraphs(*said, phrase("referral.trees.choice.meaning") if said else "")


def say_choice(row: Any, *, level: float) -> str:
    """Say what a thousand more seeds bring to a campaign."""
    unbounded = row.verdict == "stop" and not np.isfinite(row.friends)
    return phrase(
        f"referral.trees.choice.{'stop_open' if unbounded else row.verdict}",
        campaign=row.campaign,
        seeds=THOUSAND,
        friends=row.friends,
        lower=row.friends_lower,
        upper=row.friends_upper,
        loss=-row.net_per_friend_cny,
        loss_lower=-row.net_per_friend_cny_upper,
        loss_upper=-row.net_per_friend_cny_lower,
        worth=row.worth_cny,
        worth_lower=row.worth_cny_lower,
        worth_upper=row.worth_cny_upper,
        level=level,
    )
