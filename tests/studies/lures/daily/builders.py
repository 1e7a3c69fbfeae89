"""An experiment made of counts: a person per row, alike but for arm, day and conversion."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from siyu.data import Source
from siyu.studies.lures import Definition, Experiment

FIRST = dt.date(2026, 1, 5)
DAYS = 7


def experiment(n, came, *, followed=100.0, control="", min_users=30, cluster="", refused=""):
    """n and came: a row per day and a column per arm; followed: days at the first draw."""
    n, came = (np.asarray(part, dtype=int) for part in (n, came))
    day, arm = (part.ravel() for part in np.indices(n.shape))
    people = pd.DataFrame(
        {
            "day": np.repeat(day, n.ravel()),
            "arm": np.repeat(arm, n.ravel()),
            "converted": np.concatenate(
                [np.arange(size) < won for size, won in zip(n.ravel(), came.ravel(), strict=True)]
            ),
        }
    )
    people["followed_days"] = followed - people["day"]
    drawn = people.groupby(["arm", "day"], as_index=False).agg(n=("converted", "size"))
    arms = ("a", "b", "c", "d")[: n.shape[1]]
    return Experiment(
        source="shop",
        as_of=dt.date(2026, 3, 31),
        definition=Definition(
            experiment="test", control_arm=control, conversion_days=DAYS, cluster=cluster
        ),
        arms=arms,
        shares=(1 / len(arms),) * len(arms),
        min_users=min_users,
        retention_days=(7, 30),
        first_day=FIRST,
        strata=(),
        channels=(),
        clusters=(),
        people=people,
        drawn=drawn.assign(channel=-1, cluster=-1),
        left_out=pd.DataFrame(columns=["reason", "arm", "n"]),
        has_cost=False,
        has_coupons=False,
        has_orders=False,
        refused=refused,
        pool=Source.__new__(Source),
    )


def drawn(rates, *, days=28, daily=40, seed=1, fading=0.0, **other):
    """Draw people by lot; the first arm's rate is higher by `fading` e^(-d / 4)."""
    rng = np.random.default_rng(seed)
    shape = (days, len(rates))
    rate = np.broadcast_to(np.array(rates, dtype=float), shape).copy()
    rate[:, 0] += fading * np.exp(-np.arange(days) / 4)
    n = rng.multinomial(daily * len(rates), [1 / len(rates)] * len(rates), size=days)
    return experiment(n, rng.binomial(n, rate), **other)
