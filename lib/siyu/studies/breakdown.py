"""Tell segments apart by what was known when a user entered, and refuse what was learnt later."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import ibis
import ibis.expr.types as ir
import pandas as pd

from siyu.data import Source
from siyu.data.contract import TABLES
from siyu.phrases import phrase
from siyu.studies.naming import column_of

_HALF = 0.5
_NEARLY_ALL, _MANY = 0.95, 30
_PERSONS = ("user_id", "referrer_id")
"""Customers, so no groups. `staff_id` names employees, each with a group of customers."""


@dataclass(frozen=True, kw_only=True)
class Breakdown:
    """Where each segment column comes from.

    by: the columns that can be used. refused: a sentence for each that cannot. at_start: those read
    from the row of the first start. traits: columns of `users`, each with the column that says
    since when it is known (None: always). tiers: the reviews, where the tier is asked for.
    """

    by: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    at_start: tuple[str, ...] = ()
    traits: Mapping[str, str | None] = field(default_factory=dict)
    users: ir.Table | None = None
    tiers: ir.Table | None = None

    @property
    def columns(self) -> list[str]:
        """The columns that `attach` adds, and those read from the row of the first start."""
        return [column_of(name) for name in self.by]

    def mark(self, events: ir.Table) -> ir.Table:
        """Give the columns to be read from the first start the names of `columns`."""
        return events.mutate(**{column_of(name): events[name] for name in self.at_start})

    def attach(self, entered: ir.Table) -> ir.Table:
        """Add the segment columns to one row per user with `reached_1_at`, null if unknown then."""
        entered = self._with_traits(entered)
        then = {
            column_of(name): ibis.ifelse(
                entered[_since(name)] <= entered.reached_1_at, entered[column_of(name)], None
            )
            for name in self._dated
        }
        entered = entered.mutate(**then).drop(*map(_since, self._dated))
        return entered if self.tiers is None else _attach_tier(entered, self.tiers)

    def is_dated(self, name: str) -> bool:
        """Whether a column's values are read as of the first start, so that they cannot leak."""
        return name not in self.traits or name in self._dated

    def without(self, reasons: Mapping[str, str]) -> Breakdown:
        """Leave out columns, each for the reason given."""
        return replace(
            self,
            by=tuple(name for name in self.by if name not in reasons),
            traits={name: since for name, since in self.traits.items() if name not in reasons},
            refused=(*self.refused, *reasons.values()),
        )

    def learnt_later(self, entered: ir.Table) -> dict[str, str]:
        """Say of each column whose value most users got only after they entered that it leaks."""
        if not self._dated:
            return {}
        known = self._with_traits(entered)
        late = {
            name: (known[_since(name)] > known.reached_1_at).mean(
                where=known[column_of(name)].notnull()
            )
            for name in self._dated
        }
        found = known.agg(**late).to_pandas().iloc[0]
        return {
            name: phrase("breakdown.later", column=name) for name in late if found[name] > _HALF
        }

    @property
    def _dated(self) -> Mapping[str, str]:
        return {name: column for name, column in self.traits.items() if column}

    def _with_traits(self, entered: ir.Table) -> ir.Table:
        if self.users is None:
            return entered
        known = self.users.select(
            trait_id="user_id",
            **{column_of(name): name for name in self.traits},
            **{_since(name): column for name, column in self._dated.items()},
        )
        return entered.left_join(known, entered.user_id == known.trait_id).drop("trait_id")


def resolve(pool: Source, by: Sequence[str], *, from_events: bool = True) -> Breakdown:
    """Find the columns asked for, and refuse those that are unknown, name persons or are moments.

    Args:
        pool: the source.
        by: column names, looked for in `users` ("tier" in `tiers` before), then in `events` at the
            first start.
        from_events: whether there are first starts, whose rows have columns of their own.

    Returns:
        The breakdown; the study goes on without what is refused.
    """
    users = pool.table("users") if pool.has("users") else None
    tiers = pool.table("tiers") if pool.has("tiers") else None
    event_columns = [
        name
        for name, kind in (pool.table("events").schema().items() if from_events else ())
        if kind.is_string() and name not in ("user_id", "event")
    ]
    known_from = {
        **{name: column.known_from for name, column in TABLES["users"].columns.items()},
        **pool.known_from,
    }
    traits: dict[str, str | None] = {}
    at_start, refused = [], []
    takes_tier = False
    for name in dict.fromkeys(by):
        if name == "tier" and tiers is not None:
            takes_tier = True
        elif users is not None and name in users.columns:
            if reason := _no_trait(name, users):
                refused.append(reason)
            else:
                # Without the instant, what tells the outcome is still found in the counts (`leak`).
                since = known_from.get(name)
                traits[name] = since if since in users.columns else None
        elif name in event_columns:
            at_start.append(name)
        else:
            there = sorted({*(users.columns if users is not None else ()), *event_columns})
            refused.append(_unknown(name, there))
    return Breakdown(
        by=tuple(
            name
            for name in dict.fromkeys(by)
            if name in {*traits, *at_start} or (name == "tier" and takes_tier)
        ),
        refused=tuple(refused),
        at_start=tuple(at_start),
        traits=traits,
        users=users if traits else None,
        tiers=tiers if takes_tier else None,
    )


def find_parted(counts: pd.DataFrame, breakdown: Breakdown) -> list[str]:
    """Find the columns whose values tell the outcome, so that they were written after it.

    It finds the plain case: of each value with many users nearly all have the outcome, or none has.
    What was learnt later without such a trace, only `known_from` can tell.

    Args:
        counts: per value of the breakdown's columns and `outcome` (1 it came, 0 not): `n` users.
        breakdown: the columns.
    """
    found = []
    for name in breakdown.by:
        if breakdown.is_dated(name):
            continue
        column = column_of(name)
        n = counts.groupby(column)["n"].sum()
        came = counts[counts["outcome"] == 1].groupby(column)["n"].sum()
        share = (came.reindex(n.index, fill_value=0) / n)[n >= _MANY]
        never, nearly_all = share == 0, share >= _NEARLY_ALL
        if never.any() and nearly_all.any() and (never | nearly_all).all():
            found.append(name)
    return found


def _since(name: str) -> str:
    return f"since {name}"


def _no_trait(name: str, users: ir.Table) -> str:
    if name in _PERSONS:
        return phrase("breakdown.persons", column=name)
    if not users[name].type().is_string():
        return phrase("breakdown.no_groups", column=name, kind=users[name].type())
    if name == "tier":
        return phrase("breakdown.tier")
    return ""


def _unknown(name: str, there: Sequence[str]) -> str:
    names = ", ".join(there)
    if near := difflib.get_close_matches(name, there, n=1):
        return phrase("breakdown.unknown_near", column=name, near=near[0], there=names)
    return phrase("breakdown.unknown", column=name, there=names)


def _attach_tier(entered: ir.Table, tiers: ir.Table) -> ir.Table:
    """Add the tier of the last review at or before the first start."""
    starts = entered.select("user_id", "reached_1_at")
    reviews = tiers.select(reviewed_id="user_id", tier="tier", since="since")
    seen = starts.join(
        reviews,
        [starts.user_id == reviews.reviewed_id, reviews.since <= starts.reached_1_at],
    )
    # A user has one review at an instant: (user_id, since) is the key of the table.
    last = seen.group_by("user_id").agg(**{column_of("tier"): seen.tier.argmax(seen.since)})
    return entered.left_join(last, "user_id").drop("user_id_right")
