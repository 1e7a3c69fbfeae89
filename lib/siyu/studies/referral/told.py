"""The finding of a number of one campaign, or of why there is none."""

from __future__ import annotations

import numpy as np

from siyu.findings import Finding, Unit, insufficient
from siyu.formats import full_stop


def tell(
    name: str,
    campaign: str,
    said: str,
    ends: tuple[float, float, float] | None,
    *,
    n: int,
    level: float,
    metric: str,
    method: str,
    unit: Unit = "ratio",
    action: str = "",
    worth_cny: float | None = None,
    headline: str = "",
) -> Finding:
    """Give the finding of a campaign.

    Args:
        name: the id, but for the campaign.
        campaign: whose number it is.
        said: what it says, with or without a full stop.
        ends: the value and its interval, infinite where an end is not bounded; None: not told.
        n: how many it rests on.
        level: coverage of the interval.
        metric: what is measured.
        method: how.
        unit: of the output contract.
        action: what to do.
        worth_cny: of doing it.
        headline: the name under which it is followed, or "".
    """
    name, segment, message = f"{name}.{campaign}", {"campaign": campaign}, full_stop(said)
    if ends is None:
        return insufficient(
            name, message, metric=metric, n=int(n), unit=unit, segment=segment, action=action
        )
    value, lower, upper = (float(end) if np.isfinite(end) else None for end in ends)
    return Finding(
        id=name,
        metric=metric,
        segment=segment,
        value=value,
        ci_lower=lower,
        ci_upper=upper,
        level=level,
        unit=unit,
        n=int(n),
        message=message,
        action=action,
        method=method,
        worth_cny=worth_cny,
        headline=headline,
    )
