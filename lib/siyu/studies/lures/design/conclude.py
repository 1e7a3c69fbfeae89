"""Turn the size of the next test into findings."""

from __future__ import annotations

from typing import Any

import pandas as pd

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.lures.design import sentences
from siyu.studies.lures.design.estimate import Sizes
from siyu.studies.lures.design.measure import Measures
from siyu.studies.tables import each_row

_METRIC = "people per arm of a test that are needed"
_STAFF = "likeness of the customers of a staff account"


def conclude(measures: Measures, found: Sizes) -> list[Finding]:
    """Give the findings of the design: people needed per outcome, and how alike clusters are.

    Args:
        measures: the reduced tables.
        found: from `size`.

    Returns:
        `lures.design.<way>.<outcome>` in people per arm, and `lures.design.clusters`.
    """
    if found.refused:
        said = full_stop(sentences.say_headline(measures, found))
        return [insufficient("lures.design", said, metric=_METRIC, n=0, unit="users")]
    sized = [_sized(measures, found, row) for row in each_row(found.table)]
    own = found.clusters
    if own is None:
        return sized
    alike = Finding(
        id="lures.design.clusters",
        metric=_STAFF,
        value=float(own.likeness.value),
        ci_lower=float(own.likeness.ci_lower),
        ci_upper=float(own.likeness.ci_upper),
        level=found.level,
        unit="ratio",
        n=int(measures.staff["n"].sum()),
        message=full_stop(sentences.say_clusters(found, measures)),
        method=phrase("lures.design.method.clusters"),
    )
    return [*sized, alike]


def _sized(measures: Measures, found: Sizes, row: Any) -> Finding:
    name = f"lures.design.{row.way}.{row.outcome}"
    said = full_stop(sentences.say_size(measures, found, row))
    if pd.isna(row.n_per_arm):
        return insufficient(name, said, metric=_METRIC, n=int(row.n), unit="users")
    return Finding(
        id=name,
        metric=_METRIC,
        value=float(row.n_per_arm),
        ci_lower=float(row.n_lower),
        ci_upper=float(row.n_upper),
        level=found.level,
        unit="users",
        n=int(row.n),
        message=said,
        action=_action(measures, found, row),
        method=phrase(f"lures.design.method.{row.outcome}"),
    )


def _action(measures: Measures, found: Sizes, row: Any) -> str:
    if (row.way, row.outcome) != ("exposure", "conversion"):
        return ""
    days = sentences.days_until_read(measures, row)
    return phrase("lures.design.action", n=row.n_total, arms=found.arms, days=days)
