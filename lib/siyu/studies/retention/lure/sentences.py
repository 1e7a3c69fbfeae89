"""Say which lure is fast, which keeps, and what they cost."""

from __future__ import annotations

import pandas as pd

from siyu.formats import listed
from siyu.phrases import phrase
from siyu.studies.retention.lure.measure import Lures

_MINUTES = 1440


def say_lures(lures: Lures, found: pd.DataFrame) -> str:
    """Say which lure brings members fastest, and with which they stay longest."""
    if lures.refused:
        return lures.refused
    if len(found) < 2:
        return phrase("retention.lure.not_two", min_users=lures.min_users)
    fast = found.sort_values("minutes").query("fastest")["lure"].tolist()
    long = found.query("longest")["lure"].tolist()
    outcome = {(True, True): "told", (True, False): "fast", (False, True): "long"}.get(
        (bool(fast), bool(long)), "unclear"
    )
    days = found.set_index("lure")["mean_days"]
    minutes = found.set_index("lure")["minutes"] / _MINUTES
    return phrase(
        f"retention.lure.outcome.{outcome}",
        fast=_with_values(fast, minutes),
        long=_with_values(long, days),
        short=_with_values([str(days.idxmin())], days),
    )


def _with_values(names: list[str], values: pd.Series) -> str:
    return listed([phrase("retention.lure.one", lure=name, value=values[name]) for name in names])
