"""Say what of a source a target can be studied with."""

from __future__ import annotations

from siyu.formats import paragraph
from siyu.phrases import phrase
from siyu.studies.naming import SMALL
from siyu.studies.targets.adds import Adds
from siyu.studies.targets.forecast.estimate import days_ahead


def say_counted(adds: Adds) -> str:
    """Say how many were added, for which days the target is, and what is not known.

    Args:
        adds: from `count_adds`.
    """
    if not adds.touchpoints:
        return phrase("targets.nobody") if adds.has_added else phrase("targets.no_added")
    begins, ends = days_ahead(adds)
    said = phrase(
        "targets.counted.told",
        added=adds.days["added"].sum(),
        first=adds.begins,
        last=adds.as_of,
        n=len([one for one in adds.touchpoints if one != SMALL]),
        days=adds.definition.target_days,
        begins=begins,
        ends=ends,
    )
    few = SMALL in adds.touchpoints
    return paragraph(
        said,
        phrase("targets.counted.small", min_users=adds.min_users) if few else "",
        "" if adds.has_spend else phrase("targets.counted.no_spend"),
        phrase("targets.counted.rewards") if adds.days["reward_cny"].any() else "",
    )
