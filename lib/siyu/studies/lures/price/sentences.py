"""Say what a customer who stays costs, what one more costs, and at which value which arm wins."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from siyu.formats import paragraph, paragraphs
from siyu.phrases import phrase
from siyu.studies.lures.experiment import Experiment
from siyu.studies.lures.price.estimate import FEWEST, Prices
from siyu.studies.lures.sentences import refusal as no_experiment
from siyu.studies.tables import each_row


def refusal(experiment: Experiment, prices: Prices) -> str:
    """Say why no price can be told; "" where one can."""
    if not prices.refused or experiment.refused:
        return no_experiment(experiment)
    return phrase(
        f"lures.price.refused.{prices.refused}",
        experiment=experiment.name,
        days=prices.days,
        fewest=max(FEWEST, experiment.min_users),
    )


def priced(prices: Prices) -> pd.DataFrame:
    """Give the arms whose price has two ends, the cheapest first."""
    known = prices.arms[(prices.arms["refused"] == "") & (prices.arms["price_kind"] == "bounded")]
    return known.sort_values("price_cny", kind="stable")


def headline(experiment: Experiment, prices: Prices) -> str:
    """Say in which arm a customer who stays is cheapest, by intervals that hold together."""
    if prices.refused:
        return refusal(experiment, prices)
    known, day = priced(prices), experiment.retention_days[-1]
    if len(known) < 2:
        return phrase("lures.price.headline.none", day=day)
    first, last = known.iloc[0], known.iloc[-1]
    cheap = known[known["price_lower"] <= first["price_upper"]]
    clear = len(cheap) < len(known)
    return phrase(
        f"lures.price.headline.{'clear' if clear else 'unclear'}",
        day=day,
        cheap=cheap["arm"].tolist(),
        price=first["price_cny"],
        dear=last["arm"],
        dear_price=last["price_cny"],
    )


def say_prices(experiment: Experiment, prices: Prices, *, level: float) -> str:
    """Say what a customer who stays costs in each arm, and who is left out."""
    if prices.refused:
        return refusal(experiment, prices)
    said = [say_price(experiment, row, level=level) for row in each_row(prices.arms)]
    if prices.immature:
        said.append(phrase("lures.price.immature", n=prices.immature, days=prices.days))
    return paragraphs(*said)


def say_price(experiment: Experiment, row: Any, *, level: float) -> str:
    """Say what a customer who stays costs in one arm."""
    if row.refused:
        least = max(FEWEST, experiment.min_users)
        return phrase(f"lures.price.without.{row.refused}", arm=row.arm, fewest=least)
    kind = "bounded" if row.price_kind == "bounded" else "open" if row.retained_share else "nobody"
    return phrase(
        f"lures.price.arm.{kind}",
        arm=row.arm,
        day=experiment.retention_days[-1],
        price=row.price_cny,
        lower=row.price_lower,
        upper=row.price_upper,
        level=level,
        spent=row.spent_cny,
        cost=row.cost_cny,
        redeemed=row.redeemed_cny,
        retained=row.retained_share,
        n=row.n,
    )


def say_extra(experiment: Experiment, prices: Prices, *, level: float) -> str:
    """Say what one more who stays costs in each arm, against the reference."""
    if prices.refused:
        return refusal(experiment, prices)
    kind = "control" if experiment.has_control else "cheapest"
    return paragraphs(
        phrase(f"lures.price.reference.{kind}", arm=prices.reference),
        *(say_one_more(row, level=level) for row in each_row(prices.extra)),
    )


def say_one_more(row: Any, *, level: float) -> str:
    """Say what one more who stays costs in one arm, or why that has no end."""
    return phrase(
        f"lures.price.extra.{row.verdict}",
        arm=row.arm,
        reference=row.reference,
        price=abs(row.price_cny),
        lower=min(abs(row.price_lower), abs(row.price_upper)),
        upper=max(abs(row.price_lower), abs(row.price_upper)),
        most=max(row.price_upper, 0.0),
        floor=row.floor_cny,
        cost=row.extra_cost_cny,
        retained=row.extra_retained,
        level=level,
        n=row.n,
    )


def worth_headline(experiment: Experiment, prices: Prices) -> str:
    """Say which arm is worth most at the value given, if that is clear."""
    if prices.refused:
        return refusal(experiment, prices)
    net = prices.worth.net
    best = net.sort_values("net_cny", kind="stable").iloc[-1]
    rivals = net[net["is_candidate"]]
    return phrase(
        f"lures.price.worth.{'clear' if len(rivals) == 1 else 'unclear'}",
        arm=best["arm"],
        arms=rivals.sort_values("net_cny", ascending=False, kind="stable")["arm"].tolist(),
        value=prices.worth.value_cny,
    )


def say_worth(experiment: Experiment, prices: Prices, *, level: float) -> str:
    """Say what the best arm is worth, how sure that is, and at which value another is."""
    if prices.refused:
        return refusal(experiment, prices)
    net = prices.worth.net
    best = net.sort_values("net_cny", kind="stable").iloc[-1]
    told = phrase(
        "lures.price.worth.best",
        arm=best["arm"],
        value=prices.worth.value_cny,
        net=best["net_cny"],
        gap=best["gap_cny"],
        lower=best["gap_lower"],
        upper=best["gap_upper"],
        wrong=1 - best["chance"],
        level=level,
    )
    return paragraph(worth_headline(experiment, prices), told, say_switches(prices))


def say_switches(prices: Prices) -> str:
    """Say from which value on which arm is the best, and from where that is clear."""
    rows = list(each_row(prices.worth.switches))
    if len(rows) == 1:
        return phrase("lures.price.switch.never", arm=rows[0].arm)
    return phrase(
        "lures.price.switch.all", arm=rows[0].arm, switches=[say_switch(row) for row in rows[1:]]
    )


def say_switch(row: Any) -> str:
    """Say from which value on an arm is the best, and where that is clear."""
    kind = "none"
    if row.kind == "bounded" and row.ci_upper > 0:
        kind = "both" if row.ci_lower > 0 else "above"
    elif row.kind == "exclusive" and row.ci_lower < 0 < row.ci_upper:
        kind = "below"
    return phrase(
        f"lures.price.switch.{kind}",
        value=row.from_cny,
        arm=row.arm,
        before=row.before,
        lower=np.nan_to_num(row.ci_lower),
        upper=np.nan_to_num(row.ci_upper),
    )
