"""Say what is wrong with the pushes themselves, how many are concerned, and what to do."""

from __future__ import annotations

from siyu.findings import Finding, insufficient
from siyu.phrases import phrase
from siyu.studies.push_timing.pushes import Pushes

_FAULTS = ("wrong_propensity", "clicked_early", "strangers", "immature")
_METRIC = "pushes left out, or with something left out"


def check(pushes: Pushes) -> list[Finding]:
    """Give a finding per fault that there is, and one where there is nothing to study.

    Args:
        pushes: from `find_pushes`.

    Returns:
        `push.quality.<fault>`: for a `wrong_propensity` (not a chance: the push counts as not drawn
        by lot), `clicked_early` (before it was sent: no answer), `strangers` (not in users: left
        out) and `immature` (not followed for the whole horizon yet: left out), how many;
        `push.quality.sent` where none was sent, `push.quality.drawn` where no hour was drawn.
    """
    counts = pushes.counts
    n = counts["n"]
    found = [
        Finding(
            id=f"push.quality.{fault}",
            metric=_METRIC,
            value=counts[fault],
            unit="count",
            n=n,
            message=phrase(
                f"push.quality.{fault}.said",
                count=counts[fault],
                n=n,
                hours=pushes.definition.horizon_hours,
            ),
            action=phrase(f"push.quality.{fault}.remedy"),
            method=phrase("push.quality.method"),
        )
        for fault in _FAULTS
        if counts[fault]
    ]
    absent = [kind for kind in ("sent", "drawn") if not counts[kind]]
    return [
        *found,
        *(
            insufficient(
                f"push.quality.{kind}",
                phrase(f"push.quality.{kind}", n=n, planned=counts["planned"]),
                metric=_METRIC,
                n=n,
            )
            for kind in absent
        ),
    ]
