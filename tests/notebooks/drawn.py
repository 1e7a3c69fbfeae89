"""A small pool in which amounts of a coupon, and rewards for seeds, were drawn by lot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

AMOUNTS = {"ten": 10.0, "twenty": 20.0, "forty": 40.0}
REWARDS = {"one_sided": 0.3, "two_sided": 0.6}
"""New members whom each person brings, by the reward of the seed."""
ADDED, PER_YUAN, REDEEMED, STAYS = 0.22, 0.008, 0.2, 0.7
"""Shares: who adds without a coupon, and more for each yuan; who of them redeems it, who stays."""
REWARD_CNY, GIFT_CNY, GENERATIONS = 3.0, 1.0, 4
_BEGINS = pd.Timestamp("2026-01-01", tz="Asia/Shanghai")
_DRAWN, _SEEDS = 600, 1_000
"""Persons per arm."""
_INSTANTS = ("added_at", "left_at", "assigned_at", "paid_at", "invited_at", "accepted_at")


def truths() -> dict[str, float]:
    """Give what is to be recovered, by finding: of ten yuan more, and of a seed's whole tree."""
    brought = {
        arm: sum(mean**depth for depth in range(1, GENERATIONS + 1))
        for arm, mean in REWARDS.items()
    }
    more = brought["two_sided"] - brought["one_sided"]
    cost = REWARD_CNY * more + GIFT_CNY * brought["two_sided"]
    return {
        "lures.dose.trend": 10 * PER_YUAN,
        "referral.sides.descendants.two_sided": more,
        "referral.sides.kept.two_sided": STAYS * more,
        "referral.sides.cost_cny.two_sided": cost,
        "referral.sides.net_cny.two_sided": 30 * STAYS * more - cost,
    }


def write_pool(folder: Path, *, seed: int) -> None:
    """Write a pool observed from January to June 2026."""
    rng = np.random.default_rng(seed)
    parts = [_draw_amounts(rng), _draw_rewards(rng)]
    for name in ("users", "assignments", "orders", "invites"):
        table = pd.concat([part[name] for part in parts if name in part], ignore_index=True)
        for column in {*_INSTANTS} & {*table.columns}:
            table[column] = pd.to_datetime(table[column], utc=True).astype("datetime64[us, UTC]")
        table.to_parquet(folder / f"{name}.parquet", index=False)
    facts = "timezone: Asia/Shanghai\nobserved: {from: 2026-01-01, to: 2026-06-30}\n"
    (folder / "source.yaml").write_text(facts, "utf-8")


def _after(days: object) -> pd.Series:
    return _BEGINS + pd.to_timedelta(pd.Series(days, dtype="float64"), unit="D")


def _draw_amounts(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    n = _DRAWN * len(AMOUNTS)
    arm = rng.permutation(np.repeat(list(AMOUNTS), _DRAWN))
    face, at = pd.Series(arm).map(AMOUNTS), rng.uniform(10, 50, n)
    adds = rng.random(n) < ADDED + PER_YUAN * face
    leaves, redeems = rng.random(n) > STAYS, adds & (rng.random(n) < REDEEMED)
    user = pd.Series([f"d{i}" for i in range(n)])
    users = pd.DataFrame(
        {
            "user_id": user,
            "added_at": _after(at + 0.5).where(adds),
            "left_at": _after(at + 5).where(adds & leaves),
        }
    )
    drawn = {"experiment": "amounts", "user_id": user, "arm": arm, "assigned_at": _after(at)}
    orders = pd.DataFrame(
        {"order_id": "o" + user, "user_id": user, "paid_at": _after(at + 2), "amount_cny": 90.0}
    )
    return {
        "users": users,
        "assignments": pd.DataFrame(drawn | {"cost_cny": 0.0}),
        "orders": orders.assign(coupon_cny=face)[redeems],
    }


def _draw_rewards(rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    seeds = pd.DataFrame(
        {"user_id": [f"s{i}" for i in range(_SEEDS * len(REWARDS))], "added": 1.0, "left": np.nan}
    )
    seeds["arm"] = rng.permutation(np.repeat(list(REWARDS), _SEEDS))
    people, above, sent = [seeds], seeds.assign(added=60.5), []
    for depth in range(1, GENERATIONS + 1):
        brings = rng.poisson(above["arm"].map(REWARDS))
        new = above.loc[above.index.repeat(brings)].rename(columns={"user_id": "inviter_id"})
        new = new.reset_index(drop=True)
        new["user_id"] = [f"f{depth}_{i}" for i in range(len(new))]
        new["added"] += rng.uniform(1, 3, len(new))
        new["left"] = (new["added"] + 3).where(rng.random(len(new)) > STAYS)
        sent.append(new)
        people.append(new)
        above = new.drop(columns="inviter_id")
    users, friends = pd.concat(people, ignore_index=True), pd.concat(sent, ignore_index=True)
    drawn = {"experiment": "rewards", "user_id": seeds["user_id"], "arm": seeds["arm"]}
    return {
        "users": pd.DataFrame(
            {
                "user_id": users["user_id"],
                "added_at": _after(users["added"]),
                "left_at": _after(users["left"]),
            }
        ),
        "assignments": pd.DataFrame(
            drawn | {"assigned_at": _after(np.full(len(seeds), 60.0)), "cost_cny": 0.0}
        ),
        "invites": pd.DataFrame(
            {
                "inviter_id": friends["inviter_id"],
                "invitee_id": friends["user_id"],
                "invited_at": _after(friends["added"] - 0.5),
                "accepted_at": _after(friends["added"] - 0.1),
                "campaign": "fission",
                "reward_cny": REWARD_CNY,
            }
        ),
    }
