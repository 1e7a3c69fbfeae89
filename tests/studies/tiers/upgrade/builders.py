"""A shop whose few members are counted by hand, and measures as a larger one would give them."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from siyu.data import Source, open_source
from siyu.studies.tiers import Definition, find_members
from siyu.studies.tiers.upgrade.measure import Measures
from siyu.studies.tiers.upgrade.occasions import columns_of

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
DAY, HOUR = dt.timedelta(days=1), dt.timedelta(hours=1)
START = dt.datetime(2026, 1, 1, tzinfo=dt.timezone(8 * HOUR))
REVIEWS = [START + days * DAY for days in (90, 120, 150)]
INSTANTS = ("added_at", "left_at", "assigned_at", "paid_at", "since")
TIERS = ("plain", "gold", "diamond")


def open_pool(folder: Path, tables: dict[str, list[dict[str, Any]]]) -> Source:
    """Open a pool observed for 210 days from the first of January 2026, in Shanghai."""
    for name, rows in tables.items():
        table = pd.DataFrame(rows)
        for instant in {*INSTANTS} & set(table.columns):
            table[instant] = pd.to_datetime(table[instant], utc=True).astype("datetime64[us, UTC]")
        table.to_parquet(folder / f"{name}.parquet", index=False)
    last = (START + 209 * DAY).date()
    (folder / "source.yaml").write_text(
        f"timezone: Asia/Shanghai\nobserved: {{from: 2026-01-01, to: {last}}}\n", "utf-8"
    )
    return open_source(folder)


def members_of(folder: Path, tables: dict[str, list[dict[str, Any]]], **other: Any):
    """Find the members of such a pool."""
    asked = {"period_days": 365, "min_users": 1} | other
    return find_members(open_pool(folder, tables), Definition(tiers=TIERS[:2]), **asked)


def shop() -> dict[str, list[dict[str, Any]]]:
    """Three members who were reviewed three times; gold begins at 100 yuan in 90 days.

    a: 110 yuan in the third month: gold at once. b: 90 yuan, then 20 more: gold at the second
    review, and no longer at the third. c: 60 yuan, never gold, gone after the first review.
    """
    bought = [
        # user, days since the start, amount, margin
        ("a", 70, 110.0, 40.0),
        ("a", 95, 30.0, 12.0),
        ("a", 125, 20.0, 8.0),
        ("b", 10, 50.0, 20.0),
        ("b", 50, 90.0, 30.0),
        ("b", 110, 20.0, 9.0),
        ("b", 121, 10.0, 4.0),
        ("c", 89, 60.0, 25.0),
    ]
    basis = {
        "a": (110.0, 140.0, 160.0),
        "b": (140.0, 110.0, 30.0),
        "c": (60.0,),
    }
    return {
        "users": [
            {"user_id": "a", "added_at": START + 5 * DAY, "left_at": None},
            {"user_id": "b", "added_at": START - 50 * DAY, "left_at": None},
            {"user_id": "c", "added_at": START + 60 * DAY, "left_at": REVIEWS[0] + 10 * DAY},
        ],
        "orders": [
            {
                "order_id": f"o{i}",
                "user_id": user,
                "paid_at": START + days * DAY,
                "amount_cny": amount,
                "margin_cny": margin,
            }
            for i, (user, days, amount, margin) in enumerate(bought)
        ],
        "tiers": [
            {
                "user_id": user,
                "tier": "gold" if spent >= 100 else "plain",
                "since": review,
                "basis_cny": spent,
            }
            for user, spends in basis.items()
            for review, spent in zip(REVIEWS, spends, strict=False)
        ],
    }


def draw_rows(
    rng: np.random.Generator,
    *,
    kind: str = "up",
    target: int = 1,
    n: int = 400,
    effect: float = 0.0,
    below: float = 0.0,
) -> pd.DataFrame:
    """Draw members around a threshold of 100 yuan, as `Measures` holds them."""
    rate = rng.gamma(1.5, 0.7, n)
    counts = {block: rng.poisson(rate) for block in (-4, -3, -2, -1, 1, 2, 3)}
    spend = 35.0 * (counts[-3] + counts[-2] + counts[-1]) + rng.normal(0, 8, n)
    near = (spend >= 50) & (spend < 150)
    reaches = spend >= 100
    exposed = ~reaches if kind == "down" else reaches
    upper = ~reaches & (spend >= 75)
    rows = pd.DataFrame(
        {
            "kind": kind,
            "target": target,
            "exposed": exposed,
            "month": rng.choice(["2026-01", "2026-02", "2026-03"], n),
            "earlier": rng.choice([-1, target - 1], n),
            "upper": upper,
            "recent": np.exp(-rng.exponential(1, n)),
            "tenure": np.log(rng.uniform(30, 300, n)),
            "spend": spend,
            "member": rng.permutation(n),
        }
    )
    for block, count in (*counts.items(), (0, rng.poisson(rate / 2))):
        orders = count + (effect * exposed if block > 0 else 0.0)
        orders = orders + (below * upper if block == 1 else 0.0)
        each = {"orders": 1.0, "amount": 35.0, "margin": 14.0}
        for name in columns_of(block):
            rows[name] = each[name.partition("_")[0]] * orders
    return rows[near]


def draw_measures(*, seed: int = 1, n: int = 900, effects=(0.0, 0.0), **other: Any) -> Measures:
    """Draw measures of a shop with plain, gold and diamond members, and effects of the latter."""
    rng = np.random.default_rng(seed)
    below = other.pop("below", 0.0)
    rows = pd.concat(
        [
            draw_rows(rng, kind=kind, target=target, n=n, effect=sign * effects[target - 1],
                      below=below if kind == "up" else 0.0)
            for target in (1, 2)
            for kind, sign in (("up", 1), ("down", -1), ("date", 0))
        ],
        ignore_index=True,
    )  # fmt: skip
    about: dict[str, Any] = {
        "source": "drawn shop",
        "first": dt.date(2026, 1, 1),
        "as_of": dt.date(2026, 7, 29),
        "tiers": TIERS,
        "thresholds": (100.0, 100.0),
        "min_users": 30,
        "block_days": 30,
        "blocks_before": 3,
        "blocks_after": 3,
        "half_days": 15,
        "band": 0.5,
        "rows": rows,
        "near": pd.DataFrame({"target": [1, 2], "above": [20, 20], "below": [30, 30]}),
        "reached": {1: 500, 2: 400},
        "months": 10.0,
        "unknown": 3,
        "immature": 7,
        "follows": 1.0,
        "reproduced": 1.0,
        "ends": None,
        "has_margin": True,
        "refused": "",
    }
    return Measures(**(about | other))
