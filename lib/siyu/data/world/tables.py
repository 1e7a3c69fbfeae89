"""The tables of the simulated pool, in the shape of the contract."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from siyu.data.contract import LURES
from siyu.data.world.paths import (
    DAY,
    NEVER,
    PLACES,
    WEEKDAYS,
    Floats,
    Ints,
    Paths,
    People,
    Stream,
    draw_paths,
    draw_people,
    draw_seconds,
    pick,
)
from siyu.data.world.settings import TIMEZONE, Settings

STAFF = tuple(f"{number:03d}" for number in range(1, 13))
MOST_REORDERS = 6
REORDER_GAP_DAYS = 18.0
HABITS = {"browse": 0.09, "sign_in": 0.12, "moments_like": 0.03}
"""Times a day that a person of mean activity in the pool does what is no step of the path.

Signing in counts once a day.
"""
JOIN_GROUP_SHARE = 0.35
ITEMS = (
    # category, item, price in fen, margin as a share of the price, popularity
    ("护肤", "补水面膜", 5_900, 0.62, 0.24),
    ("护肤", "玻尿酸精华液", 15_900, 0.68, 0.12),
    ("护肤", "清爽防晒霜", 8_900, 0.60, 0.10),
    ("洗护", "氨基酸洁面乳", 6_900, 0.58, 0.16),
    ("洗护", "蓬松洗发水", 7_900, 0.52, 0.09),
    ("彩妆", "丝绒口红", 9_900, 0.66, 0.08),
    ("食品", "每日坚果礼盒", 8_800, 0.34, 0.09),
    ("食品", "挂耳咖啡", 4_900, 0.40, 0.07),
    ("家居", "香薰蜡烛", 12_800, 0.55, 0.05),
)
COUPONS_FEN = (500, 1000, 2000)
AGE_BANDS = ("18-24", "25-34", "35-44", "45+")
AGE_SHARES = [0.24, 0.42, 0.23, 0.11]
OCCUPATIONS = ("student", "office", "freelance", "homemaker", "other")
OCCUPATION_SHARES = (
    # by age band
    [0.62, 0.24, 0.06, 0.01, 0.07],
    [0.06, 0.64, 0.13, 0.08, 0.09],
    [0.01, 0.55, 0.14, 0.18, 0.12],
    [0.00, 0.34, 0.16, 0.28, 0.22],
)
CITY_TIERS = ("first", "new_first", "second", "third", "lower")
CITY_SHARES = [0.16, 0.24, 0.22, 0.20, 0.18]
GENDERS = ("female", "male")
GENDER_SHARES = [0.72, 0.28]
UNKNOWN_SHARES = {"gender": 0.06, "age_band": 0.12, "occupation": 0.22, "city_tier": 0.03}


@dataclass(frozen=True, kw_only=True)
class _Log:
    """Events as columns; one element of each array is one event."""

    user: Ints
    at: Ints
    event: NDArray[np.str_]
    item: Ints
    """Index into ITEMS; it means something only where an event is about goods."""


def draw_tables(settings: Settings, *, stream: Stream) -> dict[str, pa.Table]:
    """Draw the tables of one pool.

    Args:
        settings: the truths.
        stream: opens the random stream of a name; what one table draws leaves the others alone.

    Returns:
        `users` (a row per person exposed), `events` (a row per event, in time order) and `orders`
        (a row per `order` event, at the same instant), up to the end of the last observed day.
    """
    people = draw_people(settings, users=settings.users, stream=stream)
    paths = draw_paths(settings, people, stream=stream)
    log = _collect(settings, people, paths, stream=stream)
    bought = log.event == "order"
    return {
        "users": _tabulate_users(settings, people, paths, stream=stream),
        "events": _tabulate_events(settings, people, log),
        "orders": _tabulate_orders(
            settings, log.user[bought], log.at[bought], log.item[bought], rng=stream("orders")
        ),
    }


def _collect(settings: Settings, people: People, paths: Paths, *, stream: Stream) -> _Log:
    """Put all events within the observation into one log, ordered by time, user and name."""
    everyone = np.arange(len(people.arrived_at))
    once = {
        "expose": paths.exposed_at,
        "scan": paths.scanned_at,
        "add": paths.added_at,
        "greet": paths.greeted_at,
        "reply": paths.replied_at,
        "consult": paths.consulted_at,
        "order": paths.ordered_at,
        "reorder": _reorder(settings, people, paths, stream("reorders")),
        "join_group": _join(paths, stream("join_group")),
    }
    parts = {}
    for name, at in once.items():
        user = everyone if at.ndim == 1 else np.broadcast_to(everyone[:, None], at.shape)
        happened = at < settings.days * DAY
        parts[name] = user[happened], at[happened]
    for name in HABITS:
        parts[name] = _repeat(settings, people, paths, habit=name, rng=stream(name))
    # One stream of items per kind of event: more of one kind leaves the items of the others alone.
    popularity = [share for *_, share in ITEMS]
    item = np.concatenate(
        [
            pick(stream(f"items {name}").random(len(at)), popularity)
            for name, (_, at) in parts.items()
        ]
    )
    user, at = (np.concatenate(columns) for columns in zip(*parts.values(), strict=True))
    names = [name.replace("reorder", "order") for name in parts]
    event = np.repeat(names, [len(at) for _, at in parts.values()])
    order = np.lexsort((event, user, at))
    return _Log(user=user[order], at=at[order], event=event[order], item=item[order])


def _reorder(settings: Settings, people: People, paths: Paths, rng: np.random.Generator) -> Ints:
    """Further orders after the first, at exponential gaps, until the person leaves."""
    users = len(people.activity)
    gaps = rng.standard_exponential((users, MOST_REORDERS)) * REORDER_GAP_DAYS * DAY
    further = rng.poisson(settings.repeat_orders * people.activity)
    at = paths.ordered_at[:, None] + np.cumsum(np.ceil(gaps), axis=1).astype(np.int64)
    happens = (np.arange(MOST_REORDERS) < further[:, None]) & (at <= paths.left_at[:, None])
    return np.where(happens, at, NEVER)


def _join(paths: Paths, rng: np.random.Generator) -> Ints:
    users = len(paths.added_at)
    delay = np.ceil(rng.standard_exponential(users) * 3 * DAY).astype(np.int64)
    at = paths.added_at + delay
    happens = (rng.random(users) < JOIN_GROUP_SHARE) & (at <= paths.left_at)
    return np.where(happens, at, NEVER)


def _repeat(
    settings: Settings,
    people: People,
    paths: Paths,
    *,
    habit: str,
    rng: np.random.Generator,
) -> tuple[Ints, Ints]:
    """What people in the pool do again and again: heavy-tailed, daily rhythm, more at weekends."""
    end = settings.days * DAY
    since, until = np.minimum(paths.added_at, end), np.minimum(paths.left_at, end - 1)
    days = np.maximum(until - since, 0) / DAY
    # Drawn at the busiest day's rate, then thinned to each day's rate (Lewis and Shedler 1979).
    peak = WEEKDAYS.max()
    user = np.repeat(
        np.arange(len(days)), rng.poisson(HABITS[habit] * people.activity * days * peak)
    )
    day = (since[user] + rng.random(len(user)) * days[user] * DAY).astype(np.int64) // DAY
    at = day * DAY + draw_seconds(rng, len(user))
    weekday = (day + settings.first_day.weekday()) % 7
    kept = rng.random(len(user)) * peak < WEEKDAYS[weekday]
    kept &= (at >= since[user]) & (at <= until[user])
    user, at = user[kept], at[kept]
    if habit == "sign_in":
        _, first = np.unique(user * settings.days + at // DAY, return_index=True)
        user, at = user[first], at[first]
    return user, at


def _tabulate_users(
    settings: Settings, people: People, paths: Paths, *, stream: Stream
) -> pa.Table:
    end = settings.days * DAY
    added = paths.added_at < end
    staff = stream("staff").integers(len(STAFF), size=settings.users)
    columns = {
        "user_id": _number("", np.arange(settings.users), width=6),
        "added_at": _instants(settings, paths.added_at, known=added),
        "left_at": _instants(settings, paths.left_at, known=paths.left_at < end),
        "channel": _texts(tuple(channel for channel, _ in PLACES), people.place),
        "touchpoint": _texts(tuple(touchpoint for _, touchpoint in PLACES), people.place),
        # Only someone who was added got the lure and belongs to a staff account.
        "lure": _texts(LURES, people.lure, known=added),
        "staff_id": _texts(STAFF, staff, known=added),
    }
    return pa.table(columns | _draw_traits(settings.users, stream("traits")))


def _draw_traits(users: int, rng: np.random.Generator) -> dict[str, pa.Array]:
    """Draw traits that play no part in what people do; occupation goes with age."""
    age = pick(rng.random(users), AGE_SHARES)
    which, occupation = rng.random(users), np.empty(users, dtype=np.int64)
    for band, shares in enumerate(OCCUPATION_SHARES):
        occupation[age == band] = pick(which[age == band], shares)
    traits = {
        "gender": (GENDERS, pick(rng.random(users), GENDER_SHARES)),
        "age_band": (AGE_BANDS, age),
        "occupation": (OCCUPATIONS, occupation),
        "city_tier": (CITY_TIERS, pick(rng.random(users), CITY_SHARES)),
    }
    return {
        name: _texts(labels, index, known=rng.random(users) >= UNKNOWN_SHARES[name])
        for name, (labels, index) in traits.items()
    }


def _tabulate_events(settings: Settings, people: People, log: _Log) -> pa.Table:
    entering = np.isin(log.event, ["expose", "scan", "add"])
    shopping = np.isin(log.event, ["browse", "consult", "order"])
    touchpoints = tuple(touchpoint for _, touchpoint in PLACES)
    return pa.table(
        {
            "user_id": _number("", log.user, width=6),
            "occurred_at": _instants(settings, log.at),
            "event": pa.array(log.event),
            "touchpoint": _texts(touchpoints, people.place[log.user], known=entering),
            "item": _texts(tuple(name for _, name, *_ in ITEMS), log.item, known=shopping),
        }
    )


def _tabulate_orders(
    settings: Settings, user: Ints, at: Ints, item: Ints, *, rng: np.random.Generator
) -> pa.Table:
    """Price the orders to the fen: amount = price x pieces - coupon, which the margin bears."""
    orders = len(user)
    price = np.array([price for _, _, price, *_ in ITEMS])[item]
    margin_share: Floats = np.array([share for *_, share, _ in ITEMS])[item]
    listed = price * (1 + pick(rng.random(orders), [0.74, 0.18, 0.08]))
    used = rng.random(orders) < settings.coupon_share
    coupon = np.where(used, np.array(COUPONS_FEN)[pick(rng.random(orders), [0.5, 0.3, 0.2])], 0)
    amount = listed - coupon
    margin = np.rint(listed * margin_share * rng.uniform(0.92, 1.08, orders)).astype(np.int64)
    refunded = np.where(rng.random(orders) < settings.refund_share, amount, 0)
    return pa.table(
        {
            "order_id": _number("A", np.arange(orders), width=7),
            "user_id": _number("", user, width=6),
            "paid_at": _instants(settings, at),
            "amount_cny": _yuan(amount),
            "margin_cny": _yuan(margin - coupon),
            "coupon_cny": _yuan(coupon),
            "refunded_cny": _yuan(refunded),
            "category": _texts(tuple(category for category, *_ in ITEMS), item),
            "item": _texts(tuple(name for _, name, *_ in ITEMS), item),
        }
    )


def _number(prefix: str, index: Ints, *, width: int) -> pa.Array:
    """Ids from 1, with leading zeros, as text."""
    digits = pc.utf8_lpad(pa.array(index + 1).cast(pa.string()), width=width, padding="0")
    return pc.binary_join_element_wise(prefix, digits, "") if prefix else digits


def _texts(
    labels: tuple[str, ...], index: Ints, *, known: NDArray[np.bool_] | None = None
) -> pa.Array:
    codes = pa.array(index, mask=None if known is None else ~known)
    return pa.array(labels).take(codes)


def _instants(
    settings: Settings, seconds: Ints, *, known: NDArray[np.bool_] | None = None
) -> pa.Array:
    midnight = datetime.combine(settings.first_day, time(), tzinfo=ZoneInfo(TIMEZONE))
    micros = (int(midnight.timestamp()) + seconds) * 1_000_000
    hidden = None if known is None else ~known
    if hidden is not None:
        micros = np.where(hidden, 0, micros)
    return pa.array(micros, type=pa.int64(), mask=hidden).cast(pa.timestamp("us", tz="UTC"))


def _yuan(fen: Ints) -> pa.Array:
    exact = pc.multiply(pa.array(fen).cast(pa.decimal128(19, 0)), pa.scalar(Decimal("0.01")))
    return exact.cast(pa.decimal128(18, 2))
