"""Say what members of each tier are worth, what tiers differ by, and what that is not."""

from __future__ import annotations

from typing import Any

from siyu.formats import paragraph
from siyu.phrases import phrase, term
from siyu.studies.tables import each_row
from siyu.studies.tiers.value.estimate import FEWEST_BUYERS, Values, compare_ends
from siyu.studies.tiers.value.measure import Measures


def say_headline(measures: Measures, values: Values, *, level: float) -> str:
    """Say in one sentence what members of the highest and of the lowest tier are worth."""
    if values.refused:
        return refusal(measures, values)
    read = list(each_row(values.tiers[values.tiers["refused"] == ""]))
    ends = {"low": read[0], "high": read[-1]}
    given: dict[str, Any] = {}
    for end, row in ends.items():
        given |= {
            end: row.tier,
            f"{end}_value": row.value,
            f"{end}_lower": row.value_lower,
            f"{end}_upper": row.value_upper,
        }
    side = compare_ends(values) or "one"
    return phrase(
        f"tiers.value.headline.{side}",
        days=measures.value_days,
        review=measures.review,
        level=level,
        **given,
    )


def say_values(measures: Measures, values: Values, *, level: float) -> str:
    """Read the values: how they are counted, who is not read, and that they only describe."""
    if values.refused:
        return refusal(measures, values)
    table = measures.members
    refunded, kept = ((table[name] * table["n"]).sum() for name in ("refunded", "orders"))
    said = [
        phrase("tiers.value.describes"),
        phrase("tiers.value.refunded", share=refunded / (refunded + kept), days=measures.value_days)
        if refunded
        else "",
        phrase(f"tiers.value.friends.{'known' if measures.has_invites else 'none'}"),
        "" if measures.has_margin else phrase("tiers.value.amounts"),
    ]
    for reason in ("small", "few", "flat"):
        names = list(values.tiers.loc[values.tiers["refused"] == reason, "tier"])
        if names:
            said.append(say_refused(measures, reason, names))
    return paragraph(*said)


def say_refused(measures: Measures, reason: str, tiers: list[str]) -> str:
    """Say why tiers cannot be read."""
    return phrase(
        f"tiers.value.refused.{reason}",
        tiers=tiers,
        min_users=measures.min_users,
        fewest=FEWEST_BUYERS,
        days=measures.value_days,
    )


def say_parts(measures: Measures, values: Values, *, level: float) -> str:
    """Say by which factor each tier differs from the one below, and what would fit that."""
    if values.refused:
        return refusal(measures, values)
    if values.gaps.empty:
        return phrase("tiers.value.parts.alone")
    gaps = list(each_row(values.gaps))
    rows = [
        phrase(
            f"tiers.value.parts.row.{side_of(gap)}",
            tier=gap.tier,
            gap=abs(gap.gap) if side_of(gap) != "unclear" else gap.gap,
            lower=gap.ci_lower,
            upper=gap.ci_upper,
        )
        for gap in gaps
    ]
    return paragraph(
        phrase("tiers.value.parts.rows", rows=rows, level=level),
        *map(say_fit, gaps),
        phrase("tiers.value.parts.meaning"),
    )


def say_gap(values: Values, gap: Any, *, level: float) -> str:
    """Say one gap in value and its parts."""
    parts = values.parts[values.parts["tier"] == gap.tier].set_index("factor")["part"]
    return phrase(
        f"tiers.value.parts.{side_of(gap)}",
        tier=gap.tier,
        below=gap.below,
        gap=gap.gap,
        lower=gap.ci_lower,
        upper=gap.ci_upper,
        level=level,
        **parts.to_dict(),
    )


def say_fit(gap: Any) -> str:
    """Say what fits a tier that is clearly ahead by one factor; "" where none clearly leads."""
    if not gap.leads:
        return ""
    return phrase(f"tiers.value.fit.{gap.leads}", tier=gap.tier, below=gap.below)


def say_changes(measures: Measures, values: Values, *, level: float) -> str:
    """Say how values changed since the previous review."""
    if values.refused:
        return refusal(measures, values)
    if values.changes.empty:
        return phrase("tiers.value.change.none", days=measures.value_days)
    clear = [row for row in each_row(values.changes) if side_of(row) != "unclear"]
    said = [say_change(measures, row, level=level) for row in clear]
    unclear = [row.tier for row in each_row(values.changes) if side_of(row) == "unclear"]
    if unclear:
        said.append(
            phrase(
                "tiers.value.change.still",
                tiers=[term(tier) for tier in unclear],
                review=measures.review,
                previous=measures.previous,
            )
        )
    return paragraph(*said, phrase("tiers.value.change.meaning"))


def say_change(measures: Measures, row: Any, *, level: float) -> str:
    """Say the change of one tier."""
    return phrase(
        f"tiers.value.change.{side_of(row)}",
        tier=row.tier,
        before=row.before,
        after=row.after,
        change=row.change,
        lower=row.ci_lower,
        upper=row.ci_upper,
        level=level,
        review=measures.review,
        previous=measures.previous,
    )


def side_of(row: Any) -> str:
    """Say which side a difference clearly takes: "more", "less" or "unclear"."""
    return "more" if row.ci_lower > 0 else "less" if row.ci_upper < 0 else "unclear"


def refusal(measures: Measures, values: Values) -> str:
    """Say why there are no values."""
    return phrase(
        f"tiers.value.refused_all.{values.refused}",
        days=measures.value_days,
        min_users=measures.min_users,
        fewest=FEWEST_BUYERS,
    )
