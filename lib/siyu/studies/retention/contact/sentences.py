"""Say what a contact in time does, why naive comparisons lie, and what lots say."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from siyu.formats import listed, paragraph
from siyu.phrases import heading, phrase
from siyu.studies.retention.contact.definition import Contact
from siyu.studies.retention.contact.estimate import FEWEST_OF_EACH, Effects, Judge
from siyu.studies.retention.contact.measures import Measures
from siyu.studies.tables import each_row


def name(contact: Contact) -> str:
    """Name a contact as readers do."""
    if contact.on_day is None:
        return phrase(
            "retention.contact.name.within", event=contact.event, hours=contact.within_hours
        )
    return phrase("retention.contact.name.on", event=contact.event, day=contact.on_day)


def names(measures: Measures) -> dict[str, str]:
    """Name each contact by its id."""
    return {contact.id: name(contact) for contact in measures.contacts}


def best(found: Effects) -> pd.Series | None:
    """Give the contact that clearly keeps members and would keep most more; None without one."""
    keeps = found.table[found.table["verdict"] == "keeps"]
    return None if keeps.empty else keeps.iloc[int(keeps["per_week"].argmax())]


def say_effects(measures: Measures, found: Effects, judged: Judge | None, *, level: float) -> str:
    """The result: which contact keeps most, what doing it for all would bring, and what to do."""
    if found.table.empty:
        return paragraph(*measures.absent)
    if found.table["verdict"].eq("").all():
        return paragraph(*(refusal(measures, row) for row in each_row(found.table)))
    row = best(found)
    if row is None:
        return phrase("retention.contact.effect.none", stay=measures.stay_days)
    return paragraph(
        effect(measures, row, level=level),
        hazard(measures, row, level=level),
        phrase(
            "retention.contact.gain",
            contacted=row.contacted,
            per_week=row.per_week,
            lower=row.per_week_lower,
            upper=row.per_week_upper,
            level=level,
        ),
        phrase("retention.contact.adjusted", columns=adjusted(measures)),
        *(phrase("retention.contact.unadjusted", reason=reason) for reason in measures.refused),
        advice(measures, row, judged, level=level),
    )


def headline(measures: Measures, found: Effects, judged: Judge | None, *, level: float) -> str:
    """Say which contact keeps most, or that none clearly does; with what lots have not proved."""
    row = best(found)
    if row is None:
        return phrase("retention.contact.effect.none", stay=measures.stay_days)
    said = effect(measures, row, level=level)
    if judged is None or not _unproved(measures, row, judged, level=level):
        return said
    return phrase(
        "retention.contact.effect.unproved",
        said=said,
        by_lot=judged.difference,
        **_interval(judged, level),
    )


def advice(measures: Measures, row: Any, judged: Judge | None, *, level: float) -> str:
    """Say what to do about a contact that keeps members; "" where a confounder is missing."""
    if measures.refused:
        return ""
    unproved = judged is not None and _unproved(measures, row, judged, level=level)
    return phrase(
        f"retention.contact.action.{'unproved' if unproved else 'try'}",
        contact=names(measures)[row.contact],
        per_week=row.per_week,
    )


def _unproved(measures: Measures, row: Any, judged: Judge, *, level: float) -> bool:
    """Whether lots were drawn for a contact and do not clearly say that it keeps members."""
    proved = judged.difference > 0 and judged.p <= 1 - level
    return bool(row.contact == measures.tested and not judged.refused and not proved)


def effect(measures: Measures, row: Any, *, level: float) -> str:
    """Say what one contact does, with its interval."""
    return phrase(
        f"retention.contact.effect.{row.verdict}",
        contact=names(measures)[row.contact],
        n=row.n,
        difference=row.difference,
        stay=measures.stay_days,
        **_interval(row, level),
    )


def hazard(measures: Measures, row: Any, *, level: float) -> str:
    """Say how much faster or slower those contacted leave than others alike, day by day."""
    clear = row.hazard_p_holm <= 1 - level
    outcome = "unclear" if not clear else "fewer" if row.hazard_ratio < 1 else "more"
    return phrase(
        f"retention.contact.hazard.{outcome}",
        contact=names(measures)[row.contact],
        stay=measures.stay_days,
        change=abs(row.hazard_ratio - 1),
        ratio=row.hazard_ratio,
        lower=row.hazard_ratio_lower,
        upper=row.hazard_ratio_upper,
        level=level,
    )


def refusal(measures: Measures, row: Any) -> str:
    """Say why there is no estimate for one contact."""
    return phrase(
        f"retention.contact.refused.{row.refused}",
        contact=names(measures)[row.contact],
        min_users=measures.min_users,
        fewest=FEWEST_OF_EACH,
    )


def say_naive(measures: Measures, found: Effects) -> str:
    """Say what naive comparisons give for the same contact, and why they lie; "" without one."""
    told = found.table[found.table["verdict"] != ""]
    if told.empty:
        return ""
    row = best(found)
    if row is None:
        row = told.iloc[int((told["everyone"] - told["difference"]).abs().argmax())]
    return phrase(
        "retention.contact.naive",
        contact=names(measures)[row.contact],
        everyone=row.everyone,
        crude=row.crude,
        difference=row.difference,
        columns=adjusted(measures),
    )


def say_judge(measures: Measures, judged: Judge | None, *, level: float) -> str:
    """Say what the experiment says, and whether the comparison outside it agrees."""
    if judged is None:
        return phrase("retention.contact.judge.none")
    values = {"experiment": measures.experiment, "first": judged.n[0], "second": judged.n[1]}
    if judged.refused:
        planned = measures.planned_share
        values |= {"planned": planned, "other": 1 - planned}
        return phrase(f"retention.contact.judge.{judged.refused}", **values)
    clear = judged.p <= 1 - level
    outcome = "unclear" if not clear else "keeps" if judged.difference > 0 else "loses"
    by_lot = phrase(
        f"retention.contact.judge.{outcome}",
        contact=names(measures)[measures.tested],
        difference=judged.difference,
        stay=measures.stay_days,
        took=judged.contacted[0],
        other=judged.contacted[1],
        **_interval(judged, level),
        **values,
    )
    said = [by_lot]
    if judged.landmark is not None:
        inside = judged.landmark
        said.append(
            phrase(
                "retention.contact.judge.inside",
                inside=inside.difference,
                **_interval(inside, level),
            )
        )
    if not pd.isna(judged.p_same):
        same = "agrees" if judged.p_same > 1 - level else "differs"
        said.append(phrase(f"retention.contact.judge.{same}", expected=judged.expected))
    return paragraph(*said)


def adjusted(measures: Measures) -> str:
    """Name what is adjusted for."""
    own = [heading(column) for column in measures.adjust]
    return listed([*own, phrase("retention.contact.hour")])


def _interval(row: Any, level: float) -> Mapping[str, float]:
    return {"lower": row.ci_lower, "upper": row.ci_upper, "level": level}
