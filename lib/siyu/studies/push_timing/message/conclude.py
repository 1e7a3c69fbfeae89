"""Turn comparisons of media, copies and content into findings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.push_timing.message import sentences
from siyu.studies.push_timing.message.estimate import Effects
from siyu.studies.push_timing.message.measures import Measures
from siyu.studies.tables import each_row

_MEDIUM = "answers per sent push, relative to the medium compared with"
_COPY = "difference in answers per sent push between copies"
_KIND = "answers per sent push, relative to other content"
_CONTENT = "answers per sent push of the best content of a segment, shrunk"


def conclude(
    measures: Measures,
    found: Effects,
    *,
    level: float,
    value_per_answer_cny: float | None = None,
) -> list[Finding]:
    """Give a finding per medium, copy and kind of content, and per segment of its best content.

    Args:
        measures: counts and rows.
        found: from `effects`.
        level: the coverage at which they were computed.
        value_per_answer_cny: as in `effects`.
    """
    if not measures.n_sent:
        reason = sentences.nothing(measures)
        return [insufficient("push.medium", reason, metric=_MEDIUM, n=0, unit="ratio")]
    value = value_per_answer_cny
    return [
        *(_medium(measures, found, row, level, value) for row in each_row(found.media.iloc[1:])),
        *(_copy(measures, found, row, level) for row in each_row(found.copies.iloc[1:])),
        *_kinds(measures, found.kinds, level),
        *_contents(measures, found.named, level),
    ]


def _medium(
    measures: Measures, found: Effects, row: Any, level: float, value: float | None
) -> Finding:
    name = f"push.medium.{row.medium}"
    if row.refused:
        reason = sentences.refusal(row.medium, row.refused)
        return insufficient(name, reason, metric=_MEDIUM, n=int(row.n_sent), unit="ratio")
    return Finding(
        **_ratio(row),
        id=name,
        metric=_MEDIUM,
        level=level,
        n=int(row.n_sent),
        message=full_stop(sentences.medium(measures, found, row, level=level)),
        action=sentences.advice(found, row, value=value),
        method=sentences.method(measures),
        evidence="adjusted",
        worth_cny=_worth(measures, found.media, row),
    )


def _worth(measures: Measures, media: pd.DataFrame, row: Any) -> float | None:
    """Give what a week's pushes of the worse medium would bring more if sent by the better one."""
    gain = row.net_cny - media["net_cny"].iloc[0]
    if np.isnan(gain) or row.verdict not in ("higher", "lower"):
        return None
    # Its own pushes are moved where it brings less, and those of the standard where it brings more.
    moved = row.n_sent if gain < 0 else media["n_sent"].iloc[0]
    return float(abs(gain) * moved / measures.weeks)


def _copy(measures: Measures, found: Effects, row: Any, level: float) -> Finding:
    name, n = f"push.copy.{row.copy}", int(row.n_sent)
    if row.refused:
        return insufficient(name, sentences.refusal(row.copy, row.refused), metric=_COPY, n=n)
    return Finding(
        id=name,
        metric=_COPY,
        value=float(row.difference),
        ci_lower=float(row.ci_lower),
        ci_upper=float(row.ci_upper),
        level=level,
        unit="share",
        n=n,
        message=full_stop(sentences.copy(found, row, level=level)),
        method=sentences.method(measures),
        evidence="adjusted",
    )


def _kinds(measures: Measures, kinds: Mapping[str, pd.DataFrame], level: float) -> list[Finding]:
    told = []
    for mark, table in kinds.items():
        own = table[table["kind"] == mark]
        n = int(own["n_sent"].sum())
        if own["verdict"].isin(["", np.nan]).all():
            reason = (
                phrase("push.message.refused.kind", mark=mark)
                if measures.knows_content
                else sentences.no_contents(measures)
            )
            told.append(insufficient(f"push.kind.{mark}", reason, metric=_KIND, n=n, unit="ratio"))
            continue
        row = own.iloc[0]
        told.append(
            Finding(
                **_ratio(row),
                id=f"push.kind.{mark}",
                metric=_KIND,
                level=level,
                n=n,
                message=full_stop(sentences.kind(mark, row, level=level)),
                method=sentences.method(measures),
                evidence="adjusted",
            )
        )
    return told


def _contents(measures: Measures, named: pd.DataFrame, level: float) -> list[Finding]:
    if not measures.knows_content:
        reason = sentences.no_contents(measures)
        return [insufficient("push.content", reason, metric=_CONTENT, n=measures.n_sent)]
    best = named.drop_duplicates("segment")  # they are in order, the best first
    return [
        Finding(
            id=f"push.content.{row.segment}",
            metric=_CONTENT,
            segment=measures.crossings.get(row.segment, {}),
            value=float(row.answer_rate),
            ci_lower=float(row.ci_lower),
            ci_upper=float(row.ci_upper),
            level=level,
            unit="share",
            n=int(row.n_sent),
            message=phrase(
                "push.message.contents.best",
                segment=row.segment,
                content=row.content,
                rate=row.answer_rate,
                lower=row.ci_lower,
                upper=row.ci_upper,
                level=level,
                n=row.n_sent,
            ),
            method=phrase("push.message.method.contents"),
        )
        for row in each_row(best)
    ]


def _ratio(row: Any) -> dict[str, Any]:
    return {
        "value": float(row.ratio),
        "ci_lower": float(row.ratio_lower),
        "ci_upper": float(row.ratio_upper),
        "unit": "ratio",
    }
