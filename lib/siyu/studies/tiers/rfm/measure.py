"""Reduce orders to what each buyer did up to `as_of`, and up to an earlier day."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from siyu.data.zones import start_of_day
from siyu.studies.bits import gather
from siyu.studies.tiers.definition import TierError
from siyu.studies.tiers.members import Members
from siyu.studies.tiers.rfm.rule import (
    ABSENT,
    INACTIVE,
    NEVER,
    SEGMENTS,
    STATES,
    Cuts,
    find_cuts,
    name_segments,
    score,
)

_MEASURED = ("recency", "frequency", "amount")
_BITS = 62
"""Days that a whole number remembers, a bit each; the sign stays free."""
NOW, BEFORE = "now", "before"


@dataclass(frozen=True, kw_only=True)
class Measures:
    """The buyers of the period at `as_of` ("now") and of an earlier one as long ("before").

    buyers: one row per person who bought in one of the two and was a member at its end, in no order
        that tells who. For each of "now" and "before": `state_…` (index into `rule.STATES`),
        `recency_…` (days from the last purchase day to the end), `frequency_…` (purchase days),
        `amount_…` (yuan, less refunds), `margin_…` (yuan) and `r_…`, `f_…`, `m_…` (scores); all but
        the state 0 where it names no buyer. `state_fixed`: now, by the cut points of before.
    others: members without such a purchase: `state_before`, `state_now`, and `n` of them.
    begins: first observed day. first, as_of: the period. earlier: the day that is compared with,
        None for none. unseen: days of its period before the log begins.
    new_days: who bought first so many days ago, or less, is new; 0 where the log is too short.
    n_unsure: those new now whom the pool had before the log begins.
    n_gone: buyers of the period who are no members at `as_of`; margin_gone: what they brought.
    """

    source: str
    begins: date
    first: date
    as_of: date
    earlier: date | None
    unseen: int
    new_days: int
    min_users: int
    buyers: pd.DataFrame
    others: pd.DataFrame
    n_unsure: int
    n_gone: int
    margin_gone: float
    has_orders: bool
    has_margin: bool


def measure(members: Members, *, compare_days: int | None = 90, new_days: int = 30) -> Measures:
    """Measure how lately, how often and for how much the members of a pool bought.

    Args:
        members: from `find_members`; its period is that of the purchases.
        compare_days: the same is asked as of so many days before, at least 1; None: it is not.
        new_days: days up to and including the last in which the first purchase on record makes a
            buyer new, at least 1.

    Raises:
        TierError: a number below 1.
    """
    for name, value in (("compare_days", compare_days), ("new_days", new_days)):
        if value is not None and value < 1:
            raise TierError(f"{name} = {value} must be at least 1")
    earlier, unseen = None, 0
    if compare_days is not None:
        earlier = members.as_of - timedelta(days=compare_days)
        unseen = max((members.begins - members.first).days + compare_days, 0)
    compared = earlier is not None and not unseen
    # A buyer is told to be new only where as many days before could have shown an earlier purchase.
    last = earlier if compared and earlier else members.as_of
    if members.begins > last - timedelta(days=2 * new_days - 1):
        new_days = 0
    found = _Found()
    if members.has_orders:
        found = _find(members, earlier if compared else None, new_days)
    return Measures(
        source=members.source,
        begins=members.begins,
        first=members.first,
        as_of=members.as_of,
        earlier=earlier,
        unseen=unseen,
        new_days=new_days,
        min_users=members.min_users,
        has_orders=members.has_orders,
        has_margin=members.has_margin,
        buyers=found.buyers,
        others=found.others,
        n_unsure=found.n_unsure,
        n_gone=found.n_gone,
        margin_gone=found.margin_gone,
    )


@dataclass(frozen=True, kw_only=True)
class _Found:
    buyers: pd.DataFrame = field(default_factory=pd.DataFrame)
    others: pd.DataFrame = field(default_factory=pd.DataFrame)
    n_unsure: int = 0
    n_gone: int = 0
    margin_gone: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Span:
    """A period: its first and last day, counted from the first day of all, and the date it ends."""

    name: str
    first: int
    last: int
    ends: date

    def mask(self, block: int) -> int:
        """Give the bits of a block of days that lie in the period."""
        days = range(max(self.first, block * _BITS), min(self.last, block * _BITS + _BITS - 1) + 1)
        return sum(1 << (day - block * _BITS) for day in days)


def _find(members: Members, earlier: date | None, new_days: int) -> _Found:
    length = (members.as_of - members.first).days
    since = (members.as_of - earlier).days if earlier else 0
    spans = [_Span(name=NOW, first=since, last=since + length, ends=members.as_of)]
    if earlier:
        spans.append(_Span(name=BEFORE, first=0, last=length, ends=earlier))
    people = _shape(members, spans).cache()
    buys = ibis.or_(*(people[f"buys_{span.name}"] for span in spans))
    # The other columns follow from these.
    keys = [name for name in people.columns if not name.startswith(("there_", "bought_", "buys_"))]
    rows = people.filter(buys).order_by(*keys).to_pandas()
    states = {f"state_{span.name}": people[f"idle_{span.name}"] for span in spans}
    others = people.filter(~buys).select(**states)
    others = others.group_by(*states).agg(n=others.count()).order_by(*states).to_pandas()
    is_gone = people[f"bought_{NOW}"] & ~people[f"there_{NOW}"]
    gone = people.agg(
        n=is_gone.sum(), margin=people[f"margin_{NOW}"].sum(where=is_gone)
    ).to_pandas()
    buyers, cuts = pd.DataFrame(index=rows.index), {}
    for span in spans:
        named, cuts[span.name] = _name(rows, span, new_days)
        buyers = buyers.join(named)
    if earlier:
        buyers["state_fixed"] = _rename(buyers, cuts[BEFORE])
    is_new = buyers[f"state_{NOW}"] == STATES.index("new")
    return _Found(
        buyers=buyers,
        others=others,
        n_unsure=int((is_new & rows["is_early"]).sum()),
        n_gone=int(gone["n"].fillna(0).iloc[0]),
        margin_gone=float(gone["margin"].fillna(0.0).iloc[0]),
    )


def _shape(members: Members, spans: list[_Span]) -> ir.Table:
    """Give every user with the days of purchase and what they brought, in one pass over the orders.

    Days are kept as bits of a few numbers: to group by user and day takes twice the time.
    """
    pool = members.pool
    start = members.as_of - timedelta(days=spans[0].last)
    orders = members.counted
    orders = orders.mutate(day=orders.on.delta(ibis.literal(start), unit="day").cast("int32"))
    sums: dict[str, ir.Scalar] = {"first_day": orders.day.min()}
    blocks = gather(orders.day, spans[0].last // _BITS + 1, size=_BITS)
    sums |= {f"bits_{block}": bits for block, bits in enumerate(blocks)}
    for span in spans:
        # Nothing later than now is there to be left out.
        until = None if span.name == NOW else orders.day <= span.last
        sums[f"last_{span.name}"] = orders.day.max(where=until)
        inside = orders.day >= span.first if until is None else until & (orders.day >= span.first)
        for name, column in (("amount", "amount_cny"), ("margin", "earned_cny")):
            sums[f"{name}_{span.name}"] = orders[column].sum(where=inside)
    bought = orders.group_by(buyer_id="user_id").agg(**sums)
    users = members.known
    both = users.left_join(bought, users.user_id == bought.buyer_id)
    columns = {"first_day": both.first_day}
    for span in spans:
        name = span.name
        there = _is_there(members, both, span.ends)
        has_bought = (both[f"last_{name}"] >= span.first).fill_null(False)
        known = (both.first_day <= span.last).fill_null(False)
        idle = ibis.ifelse(known, STATES.index(INACTIVE), STATES.index(NEVER))
        columns |= {
            f"idle_{name}": ibis.ifelse(there, idle, STATES.index(ABSENT)).cast("int8"),
            f"there_{name}": there,
            f"bought_{name}": has_bought,
            f"buys_{name}": there & has_bought,
            f"last_{name}": both[f"last_{name}"],
            # Whatever the order in which the engine adds, equal amounts are equal.
            f"amount_{name}": both[f"amount_{name}"].fill_null(0.0).round(2),
            f"margin_{name}": both[f"margin_{name}"].fill_null(0.0).round(2),
        }
    begins = start_of_day(members.begins, ZoneInfo(pool.timezone)).replace(tzinfo=None)
    columns["is_early"] = (both.added_at < ibis.literal(begins)).fill_null(True)
    bits = [name for name in sums if name.startswith("bits_")]
    return both.select(*bits, **columns)


def _is_there(members: Members, users: ir.Table, day: date) -> ir.BooleanValue:
    """Whether users are members at the end of a day; without times of adding, all are."""
    end = start_of_day(day + timedelta(days=1), ZoneInfo(members.pool.timezone))
    until = ibis.literal(end.replace(tzinfo=None))
    stays = (users.left_at >= until).fill_null(True)
    if "added_at" not in members.pool.table("users").columns:
        return stays
    return (users.added_at < until).fill_null(False) & stays


def _name(rows: pd.DataFrame, span: _Span, new_days: int) -> tuple[pd.DataFrame, Cuts]:
    """Score and name the buyers of a period; the others keep the state that they are in."""
    name, days = span.name, np.zeros(len(rows), dtype=np.int64)
    for block in range(span.first // _BITS, span.last // _BITS + 1):
        days += np.bitwise_count(rows[f"bits_{block}"].to_numpy() & span.mask(block))
    buys = rows[f"buys_{name}"].to_numpy(dtype=bool)
    measured = {
        "recency": (span.last - rows[f"last_{name}"]).to_numpy(dtype=np.float64)[buys],
        "frequency": days[buys].astype(np.float64),
        "amount": rows[f"amount_{name}"].to_numpy()[buys],
    }
    cuts = find_cuts(**measured)
    scores = score(**measured, cuts=cuts)
    is_new = (rows["first_day"] > span.last - new_days).to_numpy()[buys]
    state = rows[f"idle_{name}"].to_numpy().copy()
    state[buys] = name_segments(scores, is_new)
    named = {f"state_{name}": state}
    measured["margin"] = rows[f"margin_{name}"].to_numpy()[buys]
    for column, values in (*measured.items(), *zip("rfm", scores, strict=True)):
        named[f"{column}_{name}"] = np.zeros(len(rows), dtype=values.dtype)
        named[f"{column}_{name}"][buys] = values
    return pd.DataFrame(named), cuts


def _rename(buyers: pd.DataFrame, cuts: Cuts) -> NDArray[np.int8]:
    """Name the buyers of now by cut points of before; who is new, or none, stays it."""
    state = buyers[f"state_{NOW}"].to_numpy().copy()
    buys = state < len(SEGMENTS)
    measured = {name: buyers.loc[buys, f"{name}_{NOW}"].to_numpy() for name in _MEASURED}
    scores = score(**measured, cuts=cuts)
    state[buys] = name_segments(scores, state[buys] == STATES.index("new"))
    return state
