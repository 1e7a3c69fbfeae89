"""Say which medium, copy and content bring more per sent push, and what misleads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from siyu.formats import paragraph, quote
from siyu.phrases import phrase, term
from siyu.studies.naming import UNKNOWN
from siyu.studies.push_timing.message.estimate import Effects
from siyu.studies.push_timing.message.measures import Measures
from siyu.studies.push_timing.message.within import FEWEST
from siyu.studies.tables import each_row


def say_media(measures: Measures, found: Effects, *, level: float) -> str:
    """The result: what the leading medium brings more than the next, and what that is worth."""
    if not measures.n_sent:
        return nothing(measures)
    first = found.media.iloc[0]
    if len(found.media) < 2:
        kind = "unknown" if first.medium == UNKNOWN else "one"
        return phrase(f"push.message.media.{kind}", medium=first.medium)
    if np.isnan(first.adjusted_rate):
        return refusal(first.medium, first.refused)
    row = rival(found)
    if row is None:
        second = found.media.iloc[1]
        return refusal(second.medium, second.refused)
    if row.verdict == "unclear":
        said = [headline(measures, found), medium(measures, found, row, level=level)]
    else:
        said = [lead(found, row, level=level)]
    if found.media["net_cny"].notna().any():
        said.append(best(found))
    elif row.verdict != "unclear":
        said.append(advice(found, row, value=found.value_per_answer_cny))
    return paragraph(*said, compared(measures, found))


def rival(found: Effects) -> Any:
    """Give the row of the medium that leads, or follows next on, the one compared with.

    Only differences from that one have intervals. None where no other can be compared.
    """
    told = found.media.iloc[1:]
    told = told[told["refused"] == ""]
    higher = told[told["verdict"] == "higher"]
    # They are in order, those with the highest rate first.
    return next(each_row(told if higher.empty else higher), None)


def lead(found: Effects, row: Any, *, level: float) -> str:
    """Say how far the better one of a medium and the one compared with leads the other."""
    rows = [row, next(each_row(found.media))]
    top, other = rows if row.verdict == "higher" else rows[::-1]
    ends = (row.ci_lower, row.ci_upper)
    lower, upper = ends if row.verdict == "higher" else (-ends[1], -ends[0])
    return phrase(
        "push.message.lead",
        medium=top.medium,
        rate=top.adjusted_rate,
        other=other.medium,
        other_rate=other.adjusted_rate,
        lead=row.difference,
        lower=lower,
        upper=upper,
        level=level,
        n=top.n_sent,
        other_n=other.n_sent,
    )


def headline(measures: Measures, found: Effects) -> str:
    """Name the media that bring clearly more, or fewer, answers than the one compared with."""
    media = found.media
    higher, lower = (
        [quote(term(name)) for name in media.loc[media["verdict"] == verdict, "medium"]]
        for verdict in ("higher", "lower")
    )
    outcome = "both" if higher and lower else "higher" if higher else "lower" if lower else "none"
    return phrase(
        f"push.message.media.{outcome}.{measures.definition.outcome}",
        higher=higher,
        lower=lower,
        standard=media["medium"].iloc[0],
    )


def medium(measures: Measures, found: Effects, row: Any, *, level: float) -> str:
    """Say what one medium brings, beside the one compared with."""
    return phrase(
        f"push.message.medium.{row.verdict}",
        medium=row.medium,
        standard=found.media["medium"].iloc[0],
        rate=row.adjusted_rate,
        standard_rate=found.media["adjusted_rate"].iloc[0],
        difference=row.difference,
        ratio=row.ratio,
        ratio_lower=row.ratio_lower,
        ratio_upper=row.ratio_upper,
        n=row.n_sent,
        **_interval(row, level),
    )


def advice(found: Effects, row: Any, *, value: float | None) -> str:
    """Say for which purpose a medium is the one to use; "" where it is not clear."""
    if row.verdict not in ("higher", "lower"):
        return ""
    values = {"medium": row.medium, "standard": found.media["medium"].iloc[0]}
    if value is None:
        return phrase(f"push.message.advice.{row.verdict}", **values)
    return phrase(
        f"push.message.advice.{row.verdict}_valued", saving=abs(row.difference) * value, **values
    )


def best(found: Effects) -> str:
    """Name the medium whose push is worth most, less its cost, and those that do not pay."""
    known = found.media[found.media["net_cny"].notna()]
    top = known.sort_values("net_cny", kind="stable").iloc[-1]
    losing = list(known.loc[known["net_upper"] < 0, "medium"])
    said = phrase(
        "push.message.best",
        medium=top.medium,
        value=top.net_cny,
        lower=top.net_lower,
        upper=top.net_upper,
    )
    return paragraph(said, phrase("push.message.losing", media=losing) if losing else "")


def say_copies(measures: Measures, found: Effects, *, level: float) -> str:
    """Say which copy brings more answers per sent push, and what a rate of the opened would say."""
    if not measures.n_sent:
        return nothing(measures)
    copies = found.copies
    if len(copies) < 2:
        return phrase("push.message.copies.one")
    if np.isnan(copies["adjusted_rate"].iloc[0]):
        return refusal(copies["copy"].iloc[0], copies["refused"].iloc[0])
    told = [row for row in each_row(copies.iloc[1:]) if row.verdict]
    said = [copy(found, row, level=level) for row in told]
    return paragraph(*said, *[opens(found, row) for row in told[:1] if measures.knows_opens])


def copy(found: Effects, row: Any, *, level: float) -> str:
    """Say what one copy brings, beside the first."""
    return phrase(
        f"push.message.copy.{row.verdict}",
        copy=row.copy,
        first=found.copies["copy"].iloc[0],
        difference=row.difference,
        n=row.n_sent,
        **_interval(row, level),
    )


def opens(found: Effects, row: Any) -> str:
    """Say what the share of the opened that are answered would make believe, and why."""
    first = found.copies.iloc[0]
    return phrase(
        "push.message.opens",
        copy=row.copy,
        first=first["copy"],
        opened=row.open_rate,
        first_opened=first.open_rate,
        of_opened=row.answer_of_opened,
        first_of_opened=first.answer_of_opened,
    )


def say_contents(measures: Measures, found: Effects, *, level: float) -> str:
    """Say what kinds of content bring, how far apart contents lie, and what cannot be known."""
    if not measures.n_sent:
        return nothing(measures)
    if not measures.knows_content:
        return no_contents(measures)
    said = [kind(mark, row, level=level) for mark, row in kinds(found).items()]
    return paragraph(*(said or [contents(found)]), phrase("push.message.contents.match"))


def kinds(found: Effects) -> dict[str, Any]:
    """Give the row of each kind of content that could be compared with all other, by its mark."""
    return {
        mark: table.iloc[1]
        for mark, table in found.kinds.items()
        if len(table) > 1 and table["verdict"].iloc[1]
    }


def title_of_contents(found: Effects, *, level: float) -> str:
    """Say what the first kind of content brings; without any, only what is to be seen.

    Highest and lowest of all segments and contents are no finding: of many, some are by chance.
    """
    mark, row = next(iter(kinds(found).items()), ("", None))
    if row is None:
        return phrase("push.message.contents.title.none")
    return phrase(
        f"push.message.contents.title.{row.verdict}",
        mark=mark,
        ratio=row.ratio,
        ratio_lower=row.ratio_lower,
        ratio_upper=row.ratio_upper,
        level=level,
    )


def kind(mark: str, row: Any, *, level: float) -> str:
    """Say what content with a mark brings, beside all other."""
    return phrase(
        f"push.message.kind.{row.verdict}",
        mark=mark,
        ratio=row.ratio,
        ratio_lower=row.ratio_lower,
        ratio_upper=row.ratio_upper,
        n=row.n_sent,
        level=level,
    )


def contents(found: Effects) -> str:
    """Say between which shrunk rates the contents of all segments lie."""
    told = found.named
    if len(told) < 2:
        return phrase("push.message.contents.none")
    ordered = told.sort_values("answer_rate", kind="stable")
    low, high = ordered.iloc[0], ordered.iloc[-1]
    return phrase(
        "push.message.contents.span",
        low=low.answer_rate,
        low_content=low.content,
        low_segment=low.segment,
        high=high.answer_rate,
        high_content=high.content,
        high_segment=high.segment,
    )


def no_contents(measures: Measures) -> str:
    """Say why nothing is known of contents."""
    known = "none" if measures.knows_content else "unknown"
    return phrase(f"push.message.contents.{known}")


def refusal(name: str, why: str) -> str:
    """Say why a medium or a copy is not compared."""
    return phrase(f"push.message.refused.{why}", name=name, fewest=FEWEST)


def compared(measures: Measures, found: Effects) -> str:
    """Say how it was compared, what may still be in the number, and how much was never sent."""
    unsent = found.media["unsent_share"]
    ends = {"least": unsent.min(), "most": unsent.max()}
    if measures.every == 1:
        return phrase("push.message.compared", **ends)
    return phrase(
        "push.message.compared_sample",
        **ends,
        every=measures.every,
        n=len(measures.rows),
        users=measures.rows["user"].nunique(),
    )


def method(measures: Measures) -> str:
    """Give the method of comparisons within users, in short."""
    if measures.every == 1:
        return phrase("push.message.method.within")
    return phrase("push.message.method.within_sample", every=measures.every, n=len(measures.rows))


def nothing(measures: Measures) -> str:
    """Say that nothing was sent."""
    return phrase("push.heat.nothing", first=measures.first, last=measures.as_of)


def _interval(row: Any, level: float) -> Mapping[str, float]:
    return {"lower": row.ci_lower, "upper": row.ci_upper, "level": level}
