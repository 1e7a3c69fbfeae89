"""The truths of the simulated pool, as arguments."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from siyu.data.contract import CHANNELS, LURES

TIMEZONE = "Asia/Shanghai"
STEPS = ("scan", "add", "greet", "reply", "consult", "order")
"""What may follow an exposure, in order, each needing the one before; `greet` is done by staff."""

TOUCHPOINTS: Mapping[str, Mapping[str, float]] = {
    "social": {"moments": 0.40, "referral": 0.35, "staff_share": 0.25},
    "online": {"mini_program": 0.45, "official_account": 0.35, "card_pack": 0.20},
    "offline": {"parcel_card": 0.45, "store_poster": 0.30, "live_qr": 0.25},
    "commercial": {"short_video": 0.50, "kol": 0.30, "paid_feed": 0.20},
}
"""The touchpoints of each channel and their shares of its arrivals."""

Rates = Mapping[str, Mapping[str, float]]


class SettingsError(ValueError):
    """A setting outside its range."""


def _table(*rows: tuple[float, ...]) -> dict[str, dict[str, float]]:
    return {
        channel: dict(zip(STEPS, row, strict=True))
        for channel, row in zip(CHANNELS, rows, strict=True)
    }


def _rates_before() -> Rates:
    return _table(
        (0.90, 0.64, 0.96, 0.76, 0.62, 0.60),
        (0.88, 0.54, 0.95, 0.70, 0.58, 0.57),
        (0.92, 0.52, 0.95, 0.70, 0.56, 0.54),
        (0.80, 0.24, 0.92, 0.42, 0.40, 0.40),
    )


def _rates_after() -> Rates:
    return _table(
        (0.90, 0.72, 0.96, 0.84, 0.69, 0.67),
        (0.88, 0.62, 0.95, 0.78, 0.65, 0.65),
        (0.92, 0.60, 0.95, 0.79, 0.64, 0.62),
        (0.80, 0.29, 0.92, 0.50, 0.47, 0.48),
    )


def _delay_hours() -> Rates:
    return _table(
        (0.5, 0.05, 0.5, 3.0, 16.0, 60.0),
        (1.0, 0.05, 0.5, 5.0, 20.0, 66.0),
        (2.0, 0.10, 0.6, 6.0, 24.0, 72.0),
        (0.3, 0.20, 0.8, 9.0, 30.0, 84.0),
    )


def _delay_sigma() -> Mapping[str, float]:
    return dict(zip(STEPS, (1.2, 1.5, 1.2, 1.3, 1.1, 1.0), strict=True))


def _lure_shares() -> Rates:
    rows = ((0.2, 0.2, 0.3, 0.3), (0.1, 0.4, 0.4, 0.1), (0.5, 0.1, 0.3, 0.1), (0.1, 0.2, 0.6, 0.1))
    return {
        channel: dict(zip(LURES, row, strict=True))
        for channel, row in zip(CHANNELS, rows, strict=True)
    }


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What is true in one simulated pool.

    On `change_day`, `period_days` before the end, the mix of channels and the step rates change.
    The truths compare two periods: the scans since then whose window has closed, and those of an
    equally long span just before. The pool is empty before the first day. Days are calendar days of
    Asia/Shanghai.

    Raises:
        SettingsError: naming the setting, its value, the rule and the remedy.
    """

    users: int = 6000
    """People exposed between the first and the last day; at least 1."""
    first_day: date = date(2025, 12, 1)
    last_day: date = date(2026, 3, 31)
    period_days: int = 56
    """Days from `change_day` to `last_day`, both included."""
    window_days: int = 14
    """Days from a scan within which a conversion counts; at least 1, less than `period_days`."""
    seed: int = 20260331
    """Of the drawn data; 0 to 2**63 - 1. The truths do not depend on it."""

    arrivals_after: float = 1.4
    """Arrivals per day from `change_day` on, relative to before; above 0."""
    festival_day: date = date(2026, 2, 17)
    """First day of Spring Festival; fewer arrive from two days before to six days after it."""
    festival_arrivals: float = 0.5
    """Arrivals per day around the festival, relative to other days; above 0."""
    shares_before: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(CHANNELS, (0.36, 0.30, 0.24, 0.10), strict=True))
    )
    """Share of each channel among the people who arrive before `change_day`; sums to 1."""
    shares_after: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(CHANNELS, (0.12, 0.10, 0.10, 0.68), strict=True))
    )
    """The same from `change_day` on."""

    rates_before: Rates = field(default_factory=_rates_before)
    """Probability of each step given the one before, by channel, for arrivals before the change."""
    rates_after: Rates = field(default_factory=_rates_after)
    """The same for later arrivals."""
    faults: Rates = field(default_factory=lambda: {"store_poster": {"reply": 0.5}})
    """Factor in [0, 1] on a step's probability at one touchpoint: what is broken there."""
    delay_hours: Rates = field(default_factory=_delay_hours)
    """Median hours from the step before to each step, by channel; above 0. Delays are lognormal."""
    delay_sigma: Mapping[str, float] = field(default_factory=_delay_sigma)
    """Standard deviation of the logarithm of each step's delay; 0 or more."""
    tie_share: float = 0.02
    """Share of additions logged in the very second of the scan (accepted automatically)."""
    repeat_starts: float = 0.5
    """Expected further exposures of a person of mean activity (at most three); 0 or more."""
    repeat_gap_days: float = 7.0
    """Mean days between exposures of one person (exponential); above 0."""

    lure_shares: Rates = field(default_factory=_lure_shares)
    """Share of each lure among the people of a channel; sums to 1."""
    leave_per_day: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(LURES, (0.014, 0.010, 0.022, 0.005), strict=True))
    )
    """Constant hazard of deleting the account, per day since the addition, by lure; 0 or more."""

    activity_sigma: float = 1.0
    """Standard deviation of the logarithm of activity, whose mean is 1; 0 or more."""
    repeat_orders: float = 0.8
    """Expected further orders of a buyer of mean activity (at most six are drawn); 0 or more."""
    coupon_share: float = 0.3
    """Share of orders paid with a coupon."""
    refund_share: float = 0.04
    """Share of orders refunded in full."""

    @property
    def change_day(self) -> date:
        """First day of the changed mix and step rates."""
        return self.last_day - timedelta(days=self.period_days - 1)

    @property
    def days(self) -> int:
        """Number of observed days."""
        return (self.last_day - self.first_day).days + 1

    def __post_init__(self) -> None:
        for problem in _problems(self):
            raise SettingsError(problem)


def _problems(settings: Settings) -> Iterable[str]:
    """Yield each broken rule as one sentence: name, value, rule, remedy."""
    if settings.users < 1:
        yield f"users = {settings.users} must be at least 1; the committed sample has 6000"
    if not 0 <= settings.seed < 2**63:
        yield f"seed = {settings.seed} must lie in [0, 2**63); use a small whole number"
    if not 1 <= settings.window_days < settings.period_days:
        yield (
            f"window_days = {settings.window_days} must be at least 1 and less than period_days = "
            f"{settings.period_days}; use a shorter window or longer periods"
        )
    needed = 2 * settings.period_days - settings.window_days
    if settings.days < needed:
        yield (
            f"last_day = {settings.last_day} must be at least {needed - 1} days after first_day = "
            f"{settings.first_day}, so that two periods fit; use a later last_day or a shorter "
            "period_days"
        )
    for name in ("arrivals_after", "festival_arrivals", "repeat_gap_days"):
        yield from _outside(name, getattr(settings, name), above=0)
    for name in ("repeat_starts", "activity_sigma", "repeat_orders"):
        yield from _outside(name, getattr(settings, name))
    for name in ("tie_share", "coupon_share", "refund_share"):
        yield from _outside(name, getattr(settings, name), most=1)
    yield from _table_problems(settings)


def _table_problems(settings: Settings) -> Iterable[str]:
    for name in ("shares_before", "shares_after"):
        yield from _not_shares(name, getattr(settings, name), CHANNELS)
    yield from _unlike("lure_shares", settings.lure_shares, CHANNELS)
    for channel, shares in settings.lure_shares.items():
        yield from _not_shares(f"lure_shares[{channel}]", shares, LURES)
    for name, above, most in (
        ("rates_before", None, 1),
        ("rates_after", None, 1),
        ("delay_hours", 0, math.inf),
    ):
        table: Rates = getattr(settings, name)
        yield from _unlike(name, table, CHANNELS)
        for channel, row in table.items():
            yield from _unlike(f"{name}[{channel}]", row, STEPS)
            for step, number in row.items():
                yield from _outside(f"{name}[{channel}][{step}]", number, above=above, most=most)
    yield from _unlike("delay_sigma", settings.delay_sigma, STEPS)
    yield from _unlike("leave_per_day", settings.leave_per_day, LURES)
    for name in ("delay_sigma", "leave_per_day"):
        for key, number in getattr(settings, name).items():
            yield from _outside(f"{name}[{key}]", number)
    known = [touchpoint for shares in TOUCHPOINTS.values() for touchpoint in shares]
    for touchpoint, factors in settings.faults.items():
        if touchpoint not in known:
            yield f"faults[{touchpoint}] names no touchpoint; use one of {', '.join(known)}"
        for step, factor in factors.items():
            if step not in STEPS:
                yield f"faults[{touchpoint}][{step}] names no step; use one of {', '.join(STEPS)}"
            yield from _outside(f"faults[{touchpoint}][{step}]", factor, most=1)


def _outside(
    name: str, number: float, *, above: float | None = None, most: float = math.inf
) -> Iterable[str]:
    """Numbers are finite, at least 0 (or above `above`), and at most `most`."""
    high_enough = number >= 0 if above is None else number > above
    if not (high_enough and number <= most and math.isfinite(number)):
        low = "at least 0" if above is None else f"above {above:g}"
        rule = low if most == math.inf else f"{low} and at most {most:g}"
        remedy = "a positive number" if most == math.inf else "a fraction, 0.3 for 30%"
        yield f"{name} = {number} must be {rule}; give {remedy}"


def _unlike(name: str, table: Mapping[str, object], keys: tuple[str, ...]) -> Iterable[str]:
    if set(table) != set(keys):
        yield f"{name} has {', '.join(table) or 'nothing'}; give exactly {', '.join(keys)}"


def _not_shares(name: str, shares: Mapping[str, float], keys: tuple[str, ...]) -> Iterable[str]:
    yield from _unlike(name, shares, keys)
    for key, share in shares.items():
        yield from _outside(f"{name}[{key}]", share, most=1)
    total = sum(shares.values())
    if abs(total - 1) > 1e-9:
        yield f"{name} sums to {total:g} and must sum to 1; divide each share by {total:g}"
