"""A shop of members who buy; the same counted buyer by buyer; and measures of given states."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
from siyu.data import Source, open_source
from siyu.studies.tiers import Definition, Members, find_members
from siyu.studies.tiers.rfm.measure import Measures
from siyu.studies.tiers.rfm.rule import ABSENT, INACTIVE, NEVER, STATES

FIRST, LAST = dt.date(2026, 1, 1), dt.date(2026, 6, 29)
UTC8 = dt.timezone(dt.timedelta(hours=8))
INSTANTS = {"added_at", "left_at", "paid_at"}
MEASURED = ("recency", "frequency", "amount", "margin")


def at(day: int, hour: float = 12.0) -> dt.datetime:
    """An instant of Shanghai, so many days after the first of January 2026."""
    return dt.datetime(2026, 1, 1, tzinfo=UTC8) + dt.timedelta(days=day, hours=hour)


def order(number: int, user: str, day: int, amount: float, margin=None, refunded=0.0, hour=12.0):
    return {
        "order_id": f"o{number}", "user_id": user, "paid_at": at(day, hour), "amount_cny": amount,
        "margin_cny": margin, "refunded_cny": refunded,
    }  # fmt: skip


def open_shop(folder: Path, users: list[dict], orders: list[dict] | None) -> Source:
    """Open a shop observed for 180 days."""
    for name, rows in (("users", users), ("orders", orders)):
        if rows is None:
            continue
        table = pd.DataFrame(rows)
        for column in INSTANTS & set(table.columns):
            table[column] = pd.to_datetime(table[column], utc=True).astype("datetime64[us, UTC]")
        table.to_parquet(folder / f"{name}.parquet", index=False)
    observed = f"observed: {{from: {FIRST}, to: {LAST}}}\n"
    (folder / "source.yaml").write_text(f"timezone: Asia/Shanghai\n{observed}", "utf-8")
    return open_source(folder)


def members_of(folder: Path, users, orders, *, period_days=90, min_users=1) -> Members:
    pool = open_shop(folder, users, orders)
    return find_members(pool, Definition(), period_days=period_days, min_users=min_users)


def count_by_hand(users, orders, *, end: int, period_days: int, new_days: int) -> dict[str, tuple]:
    """Give the state of each user at the end of a day, and of buyers what they did: by loops."""
    first, days, found = end - period_days + 1, {}, {}
    for one in orders:
        amount = one["amount_cny"] - one["refunded_cny"]
        day = (one["paid_at"] - at(0, 0)).days
        if one["amount_cny"] > one["refunded_cny"] and day <= end:
            earned = amount if one["margin_cny"] is None else one["margin_cny"]
            days.setdefault(one["user_id"], []).append((day, amount, earned))
    for user in users:
        bought = days.get(user["user_id"], [])
        inside = [one for one in bought if one[0] >= first]
        left = user["left_at"]
        there = user["added_at"] is not None and user["added_at"] < at(end + 1, 0)
        if not there or (left is not None and left < at(end + 1, 0)):
            found[user["user_id"]] = (ABSENT,)
        elif not inside:
            found[user["user_id"]] = (INACTIVE if bought else NEVER,)
        else:
            found[user["user_id"]] = (
                end - max(day for day, *_ in inside),
                len({day for day, *_ in inside}),
                round(sum(amount for _, amount, _ in inside), 2),
                round(sum(earned for *_, earned in inside), 2),
                min(day for day, *_ in bought) > end - new_days,
            )
    buyers = {user: one for user, one in found.items() if len(one) > 1}
    for user, one in buyers.items():
        r, f, m = (
            _score([sign * other[i] for other in buyers.values()], sign * one[i])
            for i, sign in ((0, -1), (1, 1), (2, 1))
        )
        found[user] = (_segment(r, f + m, is_new=one[4]), *one[:4], r, f, m)
    return found


def _score(values: list[float], value: float) -> int:
    below, alike = sum(v < value for v in values), sum(v == value for v in values)
    return 1 + int(5 * (below + Fraction(alike, 2)) / len(values))


def _segment(recency: int, worth: int, *, is_new: bool) -> str:
    if is_new:
        return "new"
    if worth >= 8:
        return "champions" if recency >= 4 else "loyal" if recency == 3 else "at_risk"
    if recency >= 4:
        return "loyal" if worth >= 5 else "potential"
    if recency == 3:
        return "needs_attention"
    return "lost" if recency == 1 and worth < 5 else "dormant"


def measures_of(before: np.ndarray, now: np.ndarray, **other) -> Measures:
    """Measures of people whose segments on both days are given, with nothing else to tell."""
    plain = [f"{name}_{time}" for name in MEASURED for time in ("now", "before")]
    people = pd.DataFrame(
        {"state_before": before, "state_now": now, "state_fixed": now, **dict.fromkeys(plain, 1.0)}
    )
    given = {
        "source": "shop",
        "begins": FIRST,
        "first": dt.date(2026, 4, 1),
        "as_of": LAST,
        "earlier": dt.date(2026, 3, 31),
        "unseen": 0,
        "new_days": 30,
        "min_users": 1,
        "buyers": people,
        "others": pd.DataFrame({"state_before": [], "state_now": [], "n": []}, dtype="int64"),
        "n_unsure": 0,
        "n_gone": 0,
        "margin_gone": 0.0,
        "has_orders": True,
        "has_margin": True,
    }
    return Measures(**given | other)


def code(name: str) -> int:
    return STATES.index(name)
