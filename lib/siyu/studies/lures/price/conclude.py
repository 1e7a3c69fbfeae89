"""Turn prices and what arms are worth into findings."""

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
    """Give findings: a price per arm, one per extra customer, and what each arm is worth."""
    if prices.refused:
        reason = full_stop(sentences.refusal(experiment, prices))
        return [insufficient("lures.price", reason, metric=_RETAINED, n=0, unit="cny")]
    return [
        *(_retained(experiment, row, level) for row in each_row(prices.arms)),
        *(_extra(row, level) for row in each_row(prices.extra)),
        *(_net(prices, row, level) for row in each_row(prices.worth.net)),
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


def _net(prices: Prices, row: Any, level: float) -> Finding:
    arms = prices.arms.set_index("arm")
    message = phrase(
        "lures.price.worth.arm",
        arm=row.arm,
        value=prices.worth.value_cny,
        net=row.net_cny,
        lower=row.net_lower,
        upper=row.net_upper,
        level=level,
    )
    best = row.net_cny == prices.worth.net["net_cny"].max()
    return Finding(
        id=f"lures.price.net.{row.arm}",
        metric="net benefit per person assigned",
        segment={"arm": row.arm},
        value=float(row.net_cny),
        ci_lower=float(row.net_lower),
        ci_upper=float(row.net_upper),
        level=level,
        unit="cny",
        n=int(arms.loc[row.arm, "n"]),
        message=full_stop(message),
        action=full_stop(sentences.say_switches(prices)) if best else "",
        method=phrase("lures.price.method.net"),
        evidence="randomised",
    )
