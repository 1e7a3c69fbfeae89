"""Watch whether more pushes are answered by blocking than before, segment by segment."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu.findings import status_of
from siyu.stats.checks import normal_quantile
from siyu.stats.discrete_hazard import FEWEST_CLUSTERS
from siyu.stats.intervals import wilson
from siyu.stats.multiplicity import bonferroni_level, holm
from siyu.studies.changes import widen
from siyu.studies.push_timing.definition import PushError
from siyu.studies.push_timing.frequency.measures import SPANS, Measures
from siyu.studies.tables import each_row


def alerts(
    measures: Measures, *, level: float, block_threshold: float | None = None
) -> pd.DataFrame:
    """Compare the blocks per sent push of the last 28 days with those of the 28 before.

    The interval of a change is the wider of one that knows users to be in both spans (delta method,
    users as clusters) and Newcombe's, which holds for few blocks.

    Args:
        measures: the reduced tables.
        level: coverage of each interval of a change; verdicts are by Holm over the segments.
        block_threshold: share of sent pushes answered by blocking that is too much; None: no limit.

    Returns:
        One row per `segment`: `n` users, `sent_before`, `sent_now`, `block_rate_before`,
        `block_rate_now` with its interval (joint over the segments), `change` with its, `p_holm`,
        `verdict` ("rose", "fell", "unclear", "" where refused), `limit` (status against the
        threshold) and `refused` ("few": too few users in one of the spans, all else is missing
        then; "none": not one block in either span; ""). No row at all where the period does not
        hold two spans.

    Raises:
        PushError: the threshold is no share.
    """
    if block_threshold is not None and not 0 < block_threshold < 1:
        raise PushError(
            f"block_threshold = {block_threshold} must lie strictly between 0 and 1; "
            "0.5% of pushes is 0.005"
        )
    spans = measures.spans
    if spans.empty:
        return pd.DataFrame({"segment": [], "verdict": [], "refused": []})
    # Each span by itself: its rate is told.
    few = spans[["n_before", "n_now"]].min(axis=1) < max(measures.min_users, FEWEST_CLUSTERS)
    none = spans["blocks_before"] + spans["blocks_now"] == 0
    table = pd.DataFrame(
        {
            "segment": [measures.segments[code] for code in spans["segment"]],
            "refused": np.select([few, none], ["few", "none"], ""),
        }
    )
    shown = spans.loc[~few]
    for name in ("n", "sent_before", "sent_now"):
        table[name] = shown[name]
    for end in ("before", "now"):
        table[f"block_rate_{end}"] = shown[f"blocks_{end}"] / shown[f"sent_{end}"]
    judged = spans.loc[~few & ~none]
    joint = bonferroni_level(level, max(len(judged), 1))
    lower, upper = wilson(judged["blocks_now"], judged["sent_now"], level=joint)
    half = normal_quantile(joint) * np.sqrt(_variance(judged, ["now"]))
    now = table.loc[judged.index, "block_rate_now"]
    table["block_rate_lower"] = pd.Series(np.clip(np.fmin(now - half, lower), 0, 1), judged.index)
    table["block_rate_upper"] = pd.Series(np.clip(np.fmax(now + half, upper), 0, 1), judged.index)
    changes = _changes(judged, level=level)
    for name, column in (("change", "value"), ("ci_lower", "ci_lower"), ("ci_upper", "ci_upper")):
        table[name] = changes[column]
    table["p_holm"] = holm(changes["p"].reindex(table.index))
    clear = (table["p_holm"] <= 1 - level) & ((table["ci_lower"] > 0) | (table["ci_upper"] < 0))
    table["verdict"] = np.select(
        [table["refused"] != "", clear & (table["change"] > 0), clear],
        ["", "rose", "fell"],
        "unclear",
    )
    table["limit"] = [
        ""
        if row.refused
        else status_of(
            ci_lower=row.block_rate_lower,
            ci_upper=row.block_rate_upper,
            threshold=block_threshold,
            direction="below",
        )
        for row in each_row(table)
    ]
    return table


def _changes(spans: pd.DataFrame, *, level: float) -> pd.DataFrame:
    """Give the change of the rate of each segment: value, interval and p."""
    if spans.empty:
        return pd.DataFrame(columns=["value", "ci_lower", "ci_upper", "p"], dtype=np.float64)
    (x1, n1), (x0, n0) = (
        (spans[f"blocks_{end}"].to_numpy(), spans[f"sent_{end}"].to_numpy())
        for end in ("now", "before")
    )
    value = x1 / n1 - x0 / n0
    half = normal_quantile(level) * np.sqrt(_variance(spans, ["now", "before"]))
    delta = pd.DataFrame({"value": value, "ci_lower": value - half, "ci_upper": value + half})
    return widen(delta, x1, n1, x0, n0, level=level).set_index(spans.index)


def _variance(spans: pd.DataFrame, ends: list[str]) -> Any:
    """Give the variance of a rate ("now"), or of its change, with users as clusters."""
    parts = {}
    for end, sign in zip(ends, (1, -1), strict=False):
        rate = spans[f"blocks_{end}"] / spans[f"sent_{end}"]
        parts[f"blocks_{end}"] = sign / spans[f"sent_{end}"]
        parts[f"sent_{end}"] = -sign * rate / spans[f"sent_{end}"]
    total = sum(
        first * second * spans[" ".join(sorted((one, other), key=SPANS.index))]
        for one, first in parts.items()
        for other, second in parts.items()
    )
    return np.maximum(np.asarray(total, dtype=np.float64), 0) * spans["n"] / (spans["n"] - 1)
