"""Members of three tiers, drawn by lot into two strategies and none, with known effects."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd
from siyu.studies.tiers.offer import Measures

TIERS = ("low", "middle", "high")
ARMS = ("none", "gift", "talk")
SIZE = 120
"""Members of an arm in a tier."""


def members(
    *, gifts=(0.0, 30.0, -40.0), talks=(0.0, 0.0, 0.0), size=SIZE, cost=0.0, seed=1
) -> pd.DataFrame:
    """Give members whose margin a strategy changes by so much, tier by tier."""
    rng = np.random.default_rng(seed)
    tier, arm = (part.ravel() for part in np.indices((3, 3 * size)))
    arm = arm // size
    n = len(tier)
    effect = np.array([(0.0,) * 3, gifts, talks])[arm, tier]
    before = rng.gamma(1, 20 * (1 + tier), n)
    margin = before + rng.gamma(1, 20, n) + effect
    days = rng.poisson(np.clip(1 + tier + effect / 40, 0, None))
    table = pd.DataFrame(
        {
            "tier": tier,
            "arm": arm,
            "cost_cny": cost * (arm == 2),
            "orders": days + 0.0,
            "purchase_days": days + 0.0,
            "came_back": (days >= 2) + 0.0,
            "amount_cny": 2 * margin,
            "margin_cny": margin,
            "recency_days": rng.gamma(1, 30, n),
            "tenure_days": rng.uniform(60, 300, n),
        }
    )
    for name in ("orders", "purchase_days", "amount_cny", "margin_cny"):
        table[f"{name}_before"] = before / 20
    table["margin_cny_before"] = before
    table["came_back_before"] = (table["orders_before"] >= 2) + 0.0
    return table


def measures(**other) -> Measures:
    given = {
        "source": "shop",
        "as_of": dt.date(2026, 3, 31),
        "experiment": "offers",
        "arms": ARMS,
        "shares": (1 / 3, 1 / 3, 1 / 3),
        "tiers": TIERS,
        "objectives": ("habit", "spend", "frequency"),
        "offer_days": 56,
        "min_users": 30,
        "members": members(),
        "today": (500, 200, 100),
        "drawn_on": dt.date(2026, 2, 1),
        "immature": 0,
        "unreviewed": 0,
        "has_orders": True,
        "has_margin": True,
    }
    return Measures(**given | other)
