"""Experiments of lures as they leave the engine, made by hand or drawn."""

from __future__ import annotations

from datetime import date
from typing import cast

import numpy as np
import pandas as pd
from siyu.data import Source
from siyu.studies.lures import Definition, Experiment

SIZE = 400


def people(arm, n=SIZE, *, added=0.4, stays=0.7, cost=0.0, redeemed=0.0, coupon=20.0, seed=1):
    """People of one arm, in fixed shares: who adds, who of them stays, who of them redeems.

    They are in no order, and equal for equal arguments.
    """
    rank = np.random.default_rng(seed).permutation(n)
    adds = rank < round(added * n)
    kept = rank < round(added * stays * n)
    redeems = rank < round(added * redeemed * n)
    return pd.DataFrame(
        {
            "arm": arm,
            "day": np.arange(n) % 20,
            "channel": np.arange(n) % 2,
            "cluster": np.arange(n) % 25,
            "followed_days": 60.0,
            "convert_days": np.where(adds, 0.1 + 2 * rank / n, np.nan),
            "added_days": np.where(adds, 0.1 + 2 * rank / n, np.nan),
            "left_days": np.where(adds & ~kept, 5.0, np.nan),
            "converted": adds,
            "retained_7": kept,
            "retained_30": kept,
            "cost_cny": np.where(adds, cost, 0.0),
            "redeemed_cny": np.where(redeems, coupon, 0.0),
            "offered_before": False,
            "exposures_before": 0.0,
        }
    )


def experiment(arms=None, **other):
    """An experiment of these arms: by name, what `people` takes, or a table."""
    arms = arms or {"coupon": {"redeemed": 0.1}, "gift": {"cost": 12.0, "stays": 0.8}}
    tables = [
        people(code, **one) if isinstance(one, dict) else one.assign(arm=code)
        for code, one in enumerate(arms.values())
    ]
    everybody = pd.concat(tables, ignore_index=True)
    drawn = everybody.groupby(["arm", "day", "channel", "cluster"], as_index=False)
    definition = other.pop("definition", Definition(experiment="lures"))
    fields = {
        "source": "a pool",
        "as_of": date(2026, 3, 31),
        "definition": definition,
        "arms": tuple(arms),
        "shares": (1 / len(arms),) * len(arms),
        "min_users": 30,
        "retention_days": (7, 30),
        "first_day": date(2026, 1, 5),
        "strata": (),
        "channels": ("offline", "social"),
        "clusters": tuple(map(str, range(25))),
        "people": everybody,
        "drawn": drawn.agg(n=("day", "size")),
        "left_out": pd.DataFrame(columns=["reason", "arm", "n"]),
        "has_cost": True,
        "has_coupons": True,
        "has_orders": True,
        "refused": "",
        "pool": cast(Source, None),
    }
    return Experiment(**{**fields, **other})
