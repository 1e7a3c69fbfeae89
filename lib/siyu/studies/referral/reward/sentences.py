"""Say who leaves with the reward, what a friend who stays costs, and what a later reward saves."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.referral.reward.costs import Costs
from siyu.studies.referral.reward.leaving import Leaving
from siyu.studies.referral.reward.measure import EARLY_DAYS, Measures
from siyu.studies.tables import each_row


def say_left_headline(found: Leaving) -> str:
    """Say in which campaigns more friends left at once than others."""
    if found.refused:
        return phrase(f"referral.reward.refused.{found.refused}")
    first = found.table[(found.table["window"] == "first") & found.table["share"].notna()]
    more = list(first.loc[first["verdict"] == "more", "campaign"])
    if more:
        return phrase("referral.reward.left.headline.more", campaigns=more)
    compared = first["difference"].notna().any()
    return phrase(f"referral.reward.left.headline.{'not_more' if compared else 'plain'}")


def say_leaving(measures: Measures, found: Leaving, *, level: float) -> str:
    """Say for each campaign how many friends left how soon, and whether others did."""
    if found.refused:
        return phrase(f"referral.reward.refused.{found.refused}")
    said = []
    for name, own in found.table.groupby("campaign", sort=False):
        told = [say_left(row, level=level) for row in each_row(own[own["share"].notna()])]
        few = phrase("referral.reward.refused.few", campaign=name, min_users=measures.min_users)
        said.append(paragraph(*told) if told else few)
    note = phrase("referral.reward.left.note")
    return paragraphs(*said, paragraph(say_branches(found.table), note))


def say_left(row: Any, *, level: float) -> str:
    """Say how many friends of a campaign left in one window, beside others."""
    return phrase(
        f"referral.reward.left.{row.window}.{row.verdict or 'plain'}",
        campaign=row.campaign,
        share=row.share,
        n=row.n,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
        others=row.others,
        difference=row.difference,
        difference_lower=row.difference_lower,
        difference_upper=row.difference_upper,
        days=EARLY_DAYS,
    )


def say_branches(table: pd.DataFrame) -> str:
    """Say where friends of one inviter stand for trees, or "" where trees do themselves."""
    names = list(dict.fromkeys(table.loc[table["units"] == "branch", "campaign"]))
    return phrase("referral.reward.branch", campaigns=names) if names else ""


def say_cost_headline(found: Costs) -> str:
    """Say in which campaigns a friend who stays is dearer or cheaper than others."""
    if found.refused:
        return phrase(f"referral.reward.refused.{found.refused}")
    table = found.table[found.table["cost_per_kept"].notna()]
    if not len(table):
        return phrase("referral.reward.headline.none")
    if table["difference"].isna().all():
        cost = table["cost_per_kept"]
        return phrase("referral.reward.headline.alone", least=cost.min(), most=cost.max())
    cheaper = (table["verdict"] == "lose") & (table["difference_upper"] < 0)
    dear, cheap = (
        list(table.loc[chosen, "campaign"])
        for chosen in (
            table["verdict"].isin(["change", "stop"]),
            (table["verdict"] == "continue") | cheaper,
        )
    )
    kind = {(True, True): "mixed", (True, False): "dear", (False, True): "cheap"}.get(
        (bool(dear), bool(cheap)), "unclear"
    )
    return phrase(f"referral.reward.headline.{kind}", dear=dear, cheap=cheap)


def say_costs(measures: Measures, found: Costs, *, level: float) -> str:
    """Say what a friend who stays costs in each campaign, and what to do."""
    if found.refused:
        return phrase(f"referral.reward.refused.{found.refused}")
    said = [
        refusal(measures, row)
        if row.refused
        else paragraph(
            say_cost(measures, row, level=level), say_verdict(row), say_dearer(row, found)
        )
        for row in each_row(found.table)
    ]
    cost, lower, upper, _ = found.elsewhere
    about = phrase("referral.reward.no_elsewhere")
    if not np.isnan(cost):
        about = phrase(
            "referral.reward.elsewhere",
            cost=cost,
            lower=lower,
            upper=upper,
            level=level,
            days=measures.kept_days,
        )
    left = phrase("referral.reward.not_in_plain")
    if measures.own_touchpoints and measures.has_spend:
        left = phrase("referral.reward.not_in", touchpoints=measures.own_touchpoints)
    return paragraphs(*said, paragraph(about, left, say_branches(found.table)))


def refusal(measures: Measures, row: Any) -> str:
    """Say why nothing is told of what a friend of a campaign costs."""
    return phrase(
        f"referral.reward.refused.{row.refused}",
        campaign=row.campaign,
        min_users=measures.min_users,
        days=measures.kept_days,
        cost=row.reward_cny * row.n,
    )


def say_cost(measures: Measures, row: Any, *, level: float) -> str:
    """Say what a friend who stays costs."""
    return phrase(
        f"referral.reward.cost.{'bounded' if np.isfinite(row.ci_upper) else 'unbounded'}",
        campaign=row.campaign,
        n=row.n,
        days=measures.kept_days,
        kept=row.kept_share,
        kept_lower=row.kept_share_lower,
        kept_upper=row.kept_share_upper,
        level=level,
        cost=row.cost_per_kept,
        lower=row.ci_lower,
        upper=row.ci_upper,
    )


def say_verdict(row: Any) -> str:
    """Say whether to continue, change the reward or stop, and what that is worth; or ""."""
    if not row.verdict:
        return ""
    gap = (row.difference, row.difference_lower, row.difference_upper)
    if row.verdict == "continue":
        gap = (-row.difference, -row.difference_upper, -row.difference_lower)
    return phrase(
        f"referral.reward.verdict.{row.verdict}",
        gap=gap[0],
        gap_lower=gap[1],
        gap_upper=gap[2],
        worth=row.worth_cny,
        most=row.most_reward,
        reward=row.reward_cny,
        value=row.value_cny,
        cost=row.cost_per_kept,
    )


def say_dearer(row: Any, found: Costs) -> str:
    """Say which touchpoints are clearly dearer than a campaign whose reward is to change; or ""."""
    dearer = found.touchpoints[found.touchpoints["ci_lower"] > row.ci_upper]
    if row.verdict != "change" or not len(dearer):
        return ""
    return phrase("referral.reward.still", touchpoints=list(dearer["touchpoint"])[::-1])


def say_hold_headline(measures: Measures, found: Costs) -> str:
    """Say where later rewards would have saved most."""
    if found.refused or not len(found.held):
        return phrase("referral.reward.hold.headline.none")
    row = found.held.sort_values("saved_cny", kind="stable").iloc[-1]
    return phrase(
        "referral.reward.hold.headline.some",
        campaign=row["campaign"],
        saved=row["saved_cny"],
        share=row["saved_share"],
        days=measures.hold_days,
    )


def say_hold(measures: Measures, found: Costs, *, level: float) -> str:
    """Say what a reward paid only after some days would have saved, and what is not known."""
    if found.refused or not len(found.held):
        return phrase("referral.reward.hold.headline.none")
    known = not np.isnan(found.elsewhere[0])
    said = []
    for row in each_row(found.held):
        told = [say_saved(measures, row, level=level)]
        if known and row.saved_cny > 0:
            kind = "always" if np.isnan(row.break_even) else "break_even"
            told.append(phrase(f"referral.reward.hold.{kind}", break_even=row.break_even))
        said.append(paragraph(*told))
    return paragraphs(*said, phrase("referral.reward.hold.note", days=measures.hold_days))


def say_saved(measures: Measures, row: Any, *, level: float) -> str:
    """Say how much of the rewards of a campaign went to friends who soon left."""
    return phrase(
        "referral.reward.hold.each",
        campaign=row.campaign,
        share=row.saved_share,
        lower=row.saved_lower,
        upper=row.saved_upper,
        level=level,
        days=measures.hold_days,
        saved=row.saved_cny,
        saved_lower=row.saved_cny_lower,
        saved_upper=row.saved_cny_upper,
    )
