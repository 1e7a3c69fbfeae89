"""Turn prices, and the values at which another arm wins, into findings."""

from __future__ import annotations

from typing import Any

import numpy as np

from siyu.findings import Finding, insufficient
from siyu.formats import full_stop
from siyu.phrases import phrase
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.price import sentences
from siyu.studies.lures.price.estimate import Prices
from siyu.studies.tables import each_row

_RETAINED, _EXTRA = "cost per retained customer", "cost per extra retained customer"


def conclude(experiment: Experiment, prices: Prices, *, level: float) -> list[Finding]:
    """Give a price per arm and per extra customer, and the values at which another arm wins."""
    if prices.refused:
        reason = full_stop(sentences.refusal(experiment, prices))
        return [insufficient("lures.price", reason, metric=_RETAINED, n=0, unit="cny")]
    return [
        *(_retained(experiment, row, level) for row in each_row(prices.arms)),
        *(_extra(row, level) for row in each_row(prices.extra)),
        *(_switch(prices, row, level) for row in each_row(prices.worth.switches) if row.before),
    ]


def _retained(experiment: Experiment, row: Any, level: float) -> Finding:
    name, segment = f"lures.price.retained.{row.arm}", {"arm": row.arm}
    message = full_stop(sentences.say_price(experiment, row, level=level))
    n = 0 if np.isnan(row.n) else int(row.n)
    if row.refused or row.price_kind != "bounded":
        return insufficient(
            name, message, metric=_RETAINED, n=n, unit="cny", segment=segment, evidence="randomised"
        )
    return Finding(
        id=name,
        metric=_RETAINED,
        segment=segment,
        value=float(row.price_cny),
        ci_lower=float(row.price_lower),
        ci_upper=float(row.price_upper),
        level=level,
        unit="cny",
        n=n,
        message=message,
        headline=phrase("followed.lure_price", arm=row.arm),
        method=phrase("lures.price.method.retained"),
        evidence="randomised",
    )


def _extra(row: Any, level: float) -> Finding:
    name, segment = f"lures.price.extra.{row.arm}", {"arm": row.arm, "reference": row.reference}
    message = full_stop(sentences.say_one_more(row, level=level))
    if row.verdict not in ("dearer", "cheaper", "even", "floor") or not row.extra_retained > 0:
        # Over fewer who stay, a price would read as if it were of more.
        return insufficient(
            name,
            message,
            metric=_EXTRA,
            n=int(row.n),
            unit="cny",
            segment=segment,
            evidence="randomised",
        )
    ends = (row.floor_cny, None) if row.verdict == "floor" else (row.price_lower, row.price_upper)
    return Finding(
        id=name,
        metric=_EXTRA,
        segment=segment,
        value=float(row.price_cny),
        ci_lower=float(ends[0]),
        ci_upper=None if ends[1] is None else float(ends[1]),
        level=level,
        unit="cny",
        n=int(row.n),
        message=message,
        method=phrase("lures.price.method.extra"),
        evidence="randomised",
    )


def _switch(prices: Prices, row: Any, level: float) -> Finding:
    # Between the ends of a bounded set the two arms do not clearly differ; of one without ends
    # only one side is clear, or none.
    known = row.kind == "bounded"
    return Finding(
        id=f"lures.price.switch.{row.arm}",
        metric="value of a retained customer from which the arm is the best",
        segment={"arm": row.arm, "before": row.before},
        value=float(row.from_cny),
        ci_lower=float(row.ci_lower) if known else None,
        ci_upper=float(row.ci_upper) if known else None,
        level=level,
        unit="cny",
        n=prices.n,
        message=full_stop(sentences.say_switch(row)),
        action=phrase("lures.price.action", arm=row.arm, before=row.before, value=row.from_cny),
        method=phrase("lures.price.method.switch"),
        evidence="randomised",
    )
