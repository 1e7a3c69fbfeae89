"""Orders while they are being drawn, and what every way of coming to order shares."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from scipy.special import gammaincinv

from siyu.data.world.draws import DAY, HOUR, HOURS, Bools, Floats, Ints
from siyu.data.world.frame import Frame

KINDS = ("first", "repeat", "push", "top_up", "jump", "offer")
"""How an order came about: an order's `kind` is an index into it. The merchant does not see it."""
FIRST, REPEAT, PUSH, TOP_UP, JUMP, OFFER = range(len(KINDS))
LUCK = 7
"""Uniform draws that every order carries, so that no order's luck depends on other orders."""
AMOUNT, NOVELTY, CATEGORY, ARTICLE, COUPON, REFUND, LOST = range(LUCK)


@dataclass(frozen=True, kw_only=True)
class Drafts:
    """Orders without goods yet; element i of each array is one order."""

    person: Ints
    at: Ints
    kind: Ints
    amount_fen: Ints
    luck: Floats
    """Orders x LUCK uniform draws."""

    def __len__(self) -> int:
        return len(self.person)

    def keep(self, kept: Bools | Ints) -> Drafts:
        """Keep the orders of a mask, or put them into an order."""
        return Drafts(**{each.name: getattr(self, each.name)[kept] for each in fields(self)})


def stack_drafts(parts: Sequence[Drafts]) -> Drafts:
    """Put orders behind each other."""
    return Drafts(
        **{
            each.name: np.concatenate([getattr(part, each.name) for part in parts])
            for each in fields(Drafts)
        }
    )


@dataclass(frozen=True)
class Clock:
    """Business time: days in which buying runs evenly, whatever the hour, weekday and festival.

    Business days and calendar days are equally many over the observation. Outside it, and
    everywhere if `even`, both run alike.
    """

    frame: Frame
    even: bool = False

    @cached_property
    def _nodes(self) -> tuple[Floats, Floats]:
        per_day = np.ones(1) if self.even else self.frame.rhythm * self.frame.festivals
        per_hour = np.ones(1) if self.even else HOURS
        pace = np.outer(np.broadcast_to(per_day, self.frame.days), np.broadcast_to(per_hour, 24))
        passed = np.cumsum(pace) / pace.sum() * self.frame.days
        far = 100.0 * 365
        seconds = np.arange(len(passed) + 1) * float(HOUR)
        return (
            np.concatenate([[-far * DAY], seconds, [seconds[-1] + far * DAY]]),
            np.concatenate([[-far], [0.0], passed, [passed[-1] + far]]),
        )

    def days(self, seconds: Ints) -> Floats:
        """Business days that have passed since the first midnight."""
        return np.interp(seconds, *self._nodes)

    def seconds(self, days: Floats) -> Ints:
        """The second at which so many business days have passed."""
        at, passed = self._nodes
        return np.ceil(np.interp(days, passed, at)).astype(np.int64)


@dataclass(frozen=True, kw_only=True)
class Shop:
    """What the drawing of orders needs to know of the members; arrays over all people."""

    frame: Frame
    clock: Clock
    added_at: Ints
    left_at: Ints
    ordered_at: Ints
    """The first order of the first contact; NEVER if there was none."""
    shape: float
    """Shape of the gamma distribution of one person's amounts."""
    rate: Floats
    """Its rate, per yuan."""
    refund_share: float

    def price(self, person: Ints, luck: Floats) -> Ints:
        """Amounts in fen (at least 1) of orders of these people with this luck."""
        yuan: Floats = gammaincinv(self.shape, luck[:, AMOUNT]) / self.rate[person]
        return np.asarray(np.maximum(np.rint(yuan * 100), 1), dtype=np.int64)

    def refunded(self, drafts: Drafts) -> Bools:
        """Whether each order will be refunded, always in full."""
        return np.asarray(drafts.luck[:, REFUND] < self.refund_share)

    def draft(
        self, person: Ints, at: Ints, kind: int, luck: Floats, *, amount_fen: Ints | None = None
    ) -> Drafts:
        """Draft orders of one kind, priced unless the amounts are given; none after leaving."""
        amount = self.price(person, luck) if amount_fen is None else amount_fen
        drafts = Drafts(
            person=person, at=at, kind=np.full(len(at), kind), amount_fen=amount, luck=luck
        )
        return drafts.keep((at < self.left_at[person]) & (at < self.frame.end))
