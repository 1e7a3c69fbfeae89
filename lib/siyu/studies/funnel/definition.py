"""What a funnel is: steps, window, and the rules for starts, order, ties and what ends a chain."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Literal, get_args

from siyu.studies.events import find_unknown

Entry = Literal["best", "first"]
Order = Literal["ordered", "strict", "any"]
Ties = Literal["either", "strict"]

MAX_STEPS = 12


class FunnelError(ValueError):
    """A funnel that cannot be measured as asked: what was given, the rule, and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A funnel, validated.

    Args:
        steps: 2 to 12 steps in order; each is one event name, or several names of which any one
            will do.
        window_days: longest time from the start to the last step, in days, inclusive; None: no
            limit.
        entry: "best": any start in the entry period may begin the chain and the longest chain
            counts; "first": the chain must begin at the first start of the entry period.
        order: "ordered": other events may lie between; "strict": no other row of the user lies
            between the chosen rows; "any": step k is k different steps done within the window from
            the earliest of them.
        exclude: events that end an attempt: one that began at or before the excluded event reaches
            no step after it.
        hold: a column of `events` that must have one value on all rows of a chain; rows without a
            value take no part.
        ties: rows of one user at one instant count in either order, or ("strict") as neither after
            the other.

    Raises:
        FunnelError: naming the value, the rule and the remedy.
    """

    steps: Sequence[str | Sequence[str]]
    window_days: float | None = 7.0
    entry: Entry = "best"
    order: Order = "ordered"
    exclude: Sequence[str] = ()
    hold: str | None = None
    ties: Ties = "either"

    def __post_init__(self) -> None:
        for name, given in (("steps", self.steps), ("exclude", self.exclude)):
            if isinstance(given, str):
                raise FunnelError(
                    f"{name} = {given!r} must be a list of event names; use {name} = [{given!r}, …]"
                )
        if not 2 <= len(self.steps) <= MAX_STEPS:
            raise FunnelError(f"steps: {len(self.steps)} given, must be 2 to {MAX_STEPS}")
        for name, allowed in (("entry", Entry), ("order", Order), ("ties", Ties)):
            if getattr(self, name) not in get_args(allowed):
                raise FunnelError(
                    f"{name} = {getattr(self, name)!r} must be one of "
                    f"{', '.join(get_args(allowed))}"
                )
        if self.window_days is not None and not 0 < self.window_days < math.inf:
            raise FunnelError(
                f"window_days = {self.window_days} must be above 0; use 1 for a day, null for no "
                "window"
            )
        if any(not names for names in self.names):
            raise FunnelError("steps: a step names no event; give at least one name")
        if both := sorted(set(self.exclude) & set(self.events)):
            raise FunnelError(f"exclude = {both[0]!r} is also a step; an event cannot be both")
        if self.order == "any" and self.overlaps:
            raise FunnelError(
                "steps: with order = 'any' two steps must name the same events or none in common; "
                "use order = 'ordered', or make the steps alike"
            )

    @property
    def names(self) -> tuple[frozenset[str], ...]:
        """The event names of each step."""
        return tuple(
            frozenset([step]) if isinstance(step, str) else frozenset(step) for step in self.steps
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """A name for each step to show, no two the same; a step asked for again says so.

        In any order, step k is no particular event but k of them.
        """
        if self.order == "any":
            return tuple(f"{k} of {len(self.steps)} steps" for k in range(1, len(self.steps) + 1))
        plain = [step if isinstance(step, str) else " or ".join(step) for step in self.steps]
        labels: list[str] = []
        for label in plain:
            again = (f"{label} ({k})" for k in count(2))
            free = (name for name in again if name not in (*plain, *labels))
            labels.append(next(free) if label in labels else label)
        return tuple(labels)

    @property
    def events(self) -> tuple[str, ...]:
        """Every event name that can be a step, sorted."""
        return tuple(sorted(frozenset().union(*self.names)))

    @property
    def window(self) -> timedelta | None:
        """The window as a span of time."""
        return None if self.window_days is None else timedelta(days=self.window_days)

    @property
    def shares_events(self) -> bool:
        """Whether one row could serve two steps, so that distinct rows must be seen to."""
        return sum(map(len, self.names)) > len(self.events)

    @property
    def overlaps(self) -> bool:
        """Whether two steps share a name without being the same."""
        return any(a != b and a & b for a in self.names for b in self.names)

    def require_known(self, known: Iterable[str]) -> None:
        """Refuse steps and exclusions that the log has never seen.

        Raises:
            FunnelError: naming the event, the nearest known name, and all known names.
        """
        if problem := find_unknown((*self.events, *self.exclude), known):
            raise FunnelError(problem)
