"""Which experiment is read, and what counts as its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ADDED = "added"
MOST_DAYS = 366


class LureError(ValueError):
    """An experiment that cannot be read as asked: what was given, the rule, and the remedy."""


@dataclass(frozen=True, kw_only=True)
class Definition:
    """An experiment and its outcomes, validated; every clock starts at the assignment.

    Args:
        experiment: its name in `assignments`; "" for none.
        control_arm: its arm without a lure; "" where every arm has one.
        arm_shares: planned share of each arm, above 0, the control's first, then by name; empty:
            equal.
        conversion: "added": became a contact (`users.added_at`); or an event, or several of which
            any one counts, joined by " or ".
        conversion_days: days of 24 hours within which it counts, 1 to 366.
        retention_days: ascending; on day k a person is retained who was added and has not left
            k x 24 hours after the assignment.
        cluster: "", or the column of `users` or `assignments`, such as `staff_id`, by which whole
            clusters were drawn.
        worth_days: days after the assignment of which orders, margins and redeemed coupons count.
        coupon_arms: arms whose lure is a coupon, which costs when it is redeemed.

    Raises:
        LureError: naming the value, the rule and the remedy.
    """

    experiment: str = ""
    control_arm: str = ""
    arm_shares: Sequence[float] = ()
    conversion: str = ADDED
    conversion_days: int = 7
    retention_days: Sequence[int] = (7, 30)
    cluster: str = ""
    worth_days: int = 30
    coupon_arms: Sequence[str] = ("coupon",)

    def __post_init__(self) -> None:
        for name in ("conversion_days", "worth_days"):
            _in_range(name, getattr(self, name))
        for day in self.retention_days:
            _in_range("retention_days", day)
        if list(self.retention_days) != sorted(set(self.retention_days)):
            raise LureError(
                f"retention_days = {list(self.retention_days)} must name each day once, ascending"
            )
        if not all(self.events if self.conversion != ADDED else [True]):
            raise LureError(
                f"conversion = {self.conversion!r} must be {ADDED!r}, or events joined by ' or '"
            )
        if not all(share > 0 for share in self.arm_shares):
            raise LureError(f"arm_shares = {list(self.arm_shares)} must all be above 0")
        for name in ("arm_shares", "retention_days", "coupon_arms"):
            if isinstance(getattr(self, name), str):
                raise LureError(f"{name} = {getattr(self, name)!r} must be a list")

    @property
    def events(self) -> tuple[str, ...]:
        """The events of which any one is a conversion; none where it is the addition."""
        if self.conversion == ADDED:
            return ()
        return tuple(part.strip() for part in self.conversion.split(" or "))


def _in_range(name: str, days: int) -> None:
    if not 1 <= days <= MOST_DAYS:
        raise LureError(f"{name} = {days} must be from 1 to {MOST_DAYS}")
