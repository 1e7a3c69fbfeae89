"""What a test can count on, made by hand."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from siyu.studies.lures.design import Measures

SHARES = pd.DataFrame(
    [
        ("exposure", "social", "conversion", 500, 150),
        ("exposure", "online", "conversion", 500, 50),
        ("exposure", "social", "retention", 400, 80),
        ("exposure", "online", "retention", 400, 40),
        ("list", "all", "conversion", 200, 10),
    ],
    columns=["way", "stratum", "outcome", "n", "count"],
)


def worth(n=600, arms=2, seed=1):
    """People of an experiment: cost and whether they stay, alike in all arms."""
    rng = np.random.default_rng(seed)
    retained = rng.random(n) < 0.3
    return pd.DataFrame(
        {
            "arm": np.arange(n) % arms,
            "cost": rng.gamma(2, 2, n) * (retained | (rng.random(n) < 0.2)),
            "retained": retained.astype(float),
        }
    )


def measures(**other) -> Measures:
    given = {
        "source": "shop",
        "as_of": dt.date(2026, 3, 31),
        "first": dt.date(2026, 1, 1),
        "min_users": 30,
        "conversion_days": 7,
        "retention_day": 30,
        "fresh_days": 14,
        "experiment": "old",
        "shares": SHARES,
        "weeks": (90, 110, 100, 100),
        "waiting": 150,
        "worth": worth(),
        "staff": pd.DataFrame({"n": [50, 60, 40, 50], "count": [30, 24, 24, 25]}),
    }
    return Measures(**given | other)
