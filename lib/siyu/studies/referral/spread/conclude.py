"""Turn K and what it is made of into findings."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.naming import EVERYONE
from siyu.studies.referral.sentences import say_refused
from siyu.studies.referral.spread import sentences
from siyu.studies.referral.spread.estimate import SEEDS, Spread
from siyu.studies.referral.spread.measure import Measures
from siyu.studies.referral.told import tell
from siyu.studies.tables import each_row


def conclude(measures: Measures, found: Spread, *, level: float) -> list[Finding]:
    """Give the findings of K, of seeds and of friends, and of what it is made of.

    Args:
        measures: the people.
        found: from `spread`.
        level: the coverage at which it was computed.
    """
    if measures.refused:
        reason = full_stop(say_refused(measures.refused))
        return [insufficient("referral.spread.k", reason, metric="K", n=0, unit="ratio")]
    return [
        *_find_k(measures, found, level),
        *_find_seeds(measures, found, level),
        *_find_shapes(measures, found, level),
        *_find_answers(found, level),
    ]


def _find_k(measures: Measures, found: Spread, level: float) -> Iterator[Finding]:
    for row in each_row(found.verdicts):
        yield tell(
            "referral.spread.k",
            row.campaign,
            sentences.say_friends(measures, row, level=level),
            None if row.verdict == "few" else (row.k, row.k_lower, row.k_upper),
            n=row.n,
            level=level,
            metric="new members per friend",
            method=phrase("referral.spread.method.k"),
            action=phrase(f"referral.spread.action.{row.verdict}"),
            headline=phrase("followed.k", campaign=row.campaign),
        )


def _find_seeds(measures: Measures, found: Spread, level: float) -> Iterator[Finding]:
    for row in each_row(found.table[found.table["group"] == SEEDS]):
        yield tell(
            "referral.spread.k_seeds",
            row.campaign,
            sentences.say_seeds(measures, row._asdict(), row.campaign, level=level),
            None if row.refused else (row.k, row.k_lower, row.k_upper),
            n=row.n,
            level=level,
            metric="new members per seed",
            method=phrase("referral.spread.method.k"),
        )


def _find_shapes(measures: Measures, found: Spread, level: float) -> Iterator[Finding]:
    for row in each_row(found.shapes):
        said = sentences.say_shape(measures, row, level=level)
        yield tell(
            "referral.spread.invitations",
            row.campaign,
            said,
            (row.invitations, row.invitations_lower, row.invitations_upper),
            n=row.n,
            level=level,
            metric="invitations per friend who stayed",
            method=phrase("referral.spread.method.k"),
        )
        if np.isfinite(row.shape):
            yield tell(
                "referral.spread.dispersion",
                row.campaign,
                said,
                (row.shape, row.shape_lower, row.shape_upper),
                n=row.n,
                level=level,
                metric="shape of the negative binomial number of invitations",
                method=phrase("referral.spread.method.shape"),
            )


def _find_answers(found: Spread, level: float) -> Iterator[Finding]:
    for row in each_row(found.answers[found.answers["channel"] == EVERYONE]):
        yield tell(
            "referral.spread.acceptance",
            row.campaign,
            sentences.say_answer(row, level=level),
            (row.share, row.share_lower, row.share_upper),
            n=row.inviters,
            level=level,
            metric="share of invitations that bring a new member",
            method=phrase("referral.spread.method.acceptance"),
            unit="share",
        )
