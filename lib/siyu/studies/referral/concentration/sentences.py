"""Say whether a few inviters carry a campaign, and whether their friends leave at once."""

from __future__ import annotations

from typing import Any

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.referral.concentration.estimate import Concentration
from siyu.studies.referral.concentration.measure import Measures
from siyu.studies.tables import each_row


def say_top_headline(found: Concentration) -> str:
    """Say what the best tenth brought in the campaign where that is most."""
    if found.refused:
        return phrase(f"referral.concentration.refused.{found.refused}")
    tops = found.table[(found.table["measure"] == "top_10") & (found.table["refused"] == "")]
    own = tops[tops["campaign"] != EVERYONE]
    tops = own if len(own) else tops
    if not len(tops):
        return phrase("referral.concentration.headline.none")
    kinds = [kind for kind in ("few", "uneven", "as_luck") if (tops["verdict"] == kind).any()]
    rows = tops[tops["verdict"] == kinds[0]].sort_values("value", kind="stable")
    row = list(each_row(rows))[-1]
    return phrase(
        f"referral.concentration.headline.{kinds[0]}",
        campaign=_name(row.campaign),
        value=row.value,
        luck=row.luck,
    )


def say_top(measures: Measures, found: Concentration, *, level: float) -> str:
    """Say for each campaign what the best inviters brought, and what luck alone would make."""
    if found.refused:
        return phrase(f"referral.concentration.refused.{found.refused}")
    said = []
    for _, own in found.table.groupby("campaign", sort=False):
        rows = list(each_row(own))
        whole = [row for row in rows if row.refused in ("few", "none")]
        if whole:
            said.append(refusal(measures, whole[0]))
            continue
        told = [say_one(measures, row, level=level) for row in rows if not row.refused]
        said.append(paragraph(*told))
    hidden = (found.table["refused"] == "top").any()
    few = phrase("referral.concentration.hidden", min_users=measures.min_users) if hidden else ""
    return paragraphs(*said, paragraph(phrase("referral.concentration.meaning"), few))


def say_one(measures: Measures, row: Any, *, level: float) -> str:
    """Say one measure of how unevenly new members come of inviters, or why it is not told."""
    if row.refused:
        return refusal(measures, row)
    return phrase(
        f"referral.concentration.told.{row.measure}",
        campaign=_name(row.campaign),
        inviters=row.inviters,
        friends=row.friends,
        value=row.value,
        lower=row.ci_lower,
        upper=row.ci_upper,
        luck=row.luck,
        level=level,
    )


def refusal(measures: Measures, row: Any) -> str:
    """Say why a measure is not told."""
    kind = "nobody" if row.refused == "none" else row.refused
    return phrase(
        f"referral.concentration.refused.{kind}",
        campaign=_name(row.campaign),
        inviters=row.inviters,
        min_users=measures.min_users,
    )


def say_farming(found: Concentration, *, level: float) -> str:
    """Say whether the friends of the best inviters leave sooner than the others'."""
    told = found.farming
    said = [say_difference(row, level=level) for row in each_row(told[told["verdict"] != ""])]
    few = list(told.loc[told["refused"] == "few", "campaign"])
    if (told["refused"] == "leaving").any():
        said.append(phrase("referral.concentration.farming.leaving"))
    if few:
        said.append(phrase("referral.concentration.farming.few", campaigns=few))
    return paragraphs(*said)


def say_difference(row: Any, *, level: float) -> str:
    """Say how many friends of the best inviters of a campaign left at once, and of the others."""
    return phrase(
        f"referral.concentration.farming.{row.verdict}",
        campaign=row.campaign,
        inviters=row.inviters_top,
        least=row.least,
        top=row.gone_top,
        rest=row.gone_rest,
        difference=row.difference,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
        worth=row.worth_cny,
    )


def _name(campaign: str) -> str:
    return phrase("referral.concentration.everyone") if campaign == EVERYONE else campaign
