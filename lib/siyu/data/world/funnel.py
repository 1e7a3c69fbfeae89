"""How far each person gets on the way from an exposure to the first order, and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from siyu.data.contract import CHANNELS
from siyu.data.world.draws import DAY, HOUR, NEVER, Floats, Ints, Stream
from siyu.data.world.frame import Frame
from siyu.data.world.lures import Offers
from siyu.data.world.people import PLACES, People
from siyu.data.world.rules import each_outside, outside, unlike
from siyu.data.world.staying import Stay

STEPS = ("scan", "add", "reply", "consult", "order")
"""What may follow an exposure, in order; between `add` and `reply` staff greet."""
MOST_EXPOSURES = 4

Rates = Mapping[str, Mapping[str, float]]


def _table(*rows: tuple[float, ...]) -> Rates:
    return {
        channel: dict(zip(STEPS, row, strict=True))
        for channel, row in zip(CHANNELS, rows, strict=True)
    }


def _rates_before() -> Rates:
    return _table(
        (0.90, 0.62, 0.74, 0.62, 0.60),
        (0.88, 0.53, 0.68, 0.58, 0.57),
        (0.92, 0.51, 0.68, 0.56, 0.54),
        (0.80, 0.24, 0.41, 0.40, 0.40),
    )


def _rates_after() -> Rates:
    return _table(
        (0.90, 0.70, 0.82, 0.69, 0.67),
        (0.88, 0.60, 0.76, 0.65, 0.65),
        (0.92, 0.58, 0.77, 0.64, 0.62),
        (0.80, 0.29, 0.49, 0.47, 0.48),
    )


def _delay_hours() -> Rates:
    return _table(
        (0.5, 0.05, 3.0, 16.0, 60.0),
        (1.0, 0.05, 5.0, 20.0, 66.0),
        (2.0, 0.10, 6.0, 24.0, 72.0),
        (0.3, 0.20, 9.0, 30.0, 84.0),
    )


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """The truths about the steps; on the day of the change every channel gets better at them."""

    rates_before: Rates = field(default_factory=_rates_before)
    """Probability of each step given the one before (`reply`: given the greeting), by channel, for
    people who arrive before the change. `add` is multiplied by what the lure does."""
    rates_after: Rates = field(default_factory=_rates_after)
    """The same for later arrivals."""
    faults: Rates = field(default_factory=lambda: {"store_poster": {"reply": 0.5}})
    """Factor in [0, 1] on a step's probability at one touchpoint: what is broken there."""
    delay_hours: Rates = field(default_factory=_delay_hours)
    """Median hours from the step before to each step, by channel; above 0. Delays are lognormal."""
    delay_sigma: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(STEPS, (1.2, 1.5, 1.3, 1.1, 1.0), strict=True))
    )
    """Standard deviation of the logarithm of each step's delay; 0 or more."""
    tie_share: float = 0.02
    """Share of additions logged in the very second of the scan (accepted automatically)."""
    repeat_starts: float = 0.5
    """Expected further exposures of a person of mean activity (at most three); 0 or more."""
    repeat_gap_days: float = 7.0
    """Mean days between exposures of one person (exponential); above 0."""
    window_days: int = 14
    """Days from a scan within which a conversion counts in the stated truths; at least 1."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        for name, above, most in (
            ("rates_before", None, 1.0),
            ("rates_after", None, 1.0),
            ("delay_hours", 0.0, np.inf),
        ):
            table: Rates = getattr(self, name)
            yield from unlike(f"funnel.{name}", table, CHANNELS)
            for channel, row in table.items():
                yield from each_outside(
                    f"funnel.{name}.{channel}", row, STEPS, above=above, most=most
                )
        yield from each_outside("funnel.delay_sigma", self.delay_sigma, STEPS)
        yield from outside("funnel.tie_share", self.tie_share, most=1)
        yield from outside("funnel.repeat_starts", self.repeat_starts)
        yield from outside("funnel.repeat_gap_days", self.repeat_gap_days, above=0)
        known = [touchpoint for _, touchpoint in PLACES]
        for touchpoint, factors in self.faults.items():
            name = f"funnel.faults.{touchpoint}"
            if touchpoint not in known:
                yield f"{name} names no touchpoint; use one of {', '.join(known)}"
            for step, factor in factors.items():
                if step not in STEPS:
                    yield f"{name}.{step} names no step; use one of {', '.join(STEPS)}"
                yield from outside(f"{name}.{step}", factor, most=1)


@dataclass(frozen=True, kw_only=True)
class Additions:
    """Who is added, and through what; one element (or row) per person."""

    scanned_at: Ints
    """One column per exposure."""
    added_at: Ints
    lure: Ints
    """Index of the lure at the exposure that led to the addition; else of that at the arrival."""


@dataclass(frozen=True, kw_only=True)
class Conversions:
    """What people who were greeted go on to do; one element per person."""

    replied_at: Ints
    consulted_at: Ints
    ordered_at: Ints
    """The first order."""


def draw_exposures(funnel: Funnel, people: People, *, stream: Stream) -> Ints:
    """Draw the exposures of each person: the arrival, and further ones of active people.

    Returns:
        Seconds, one row per person and one column per exposure.
    """
    users = len(people)
    gaps = stream("exposure gaps").standard_exponential((users, MOST_EXPOSURES - 1))
    uniform = stream("exposures").random(users)
    # By its inverse, so that everyone takes one draw: further exposures are Poisson.
    further = _poisson(uniform, funnel.repeat_starts * people.activity, most=MOST_EXPOSURES - 1)
    seconds = np.ceil(gaps * funnel.repeat_gap_days * DAY).astype(np.int64)
    later = people.arrived_at[:, None] + np.cumsum(seconds, axis=1)
    later[np.arange(MOST_EXPOSURES - 1) >= further[:, None]] = NEVER
    return np.column_stack([people.arrived_at, later])


def draw_additions(
    funnel: Funnel, people: People, exposed_at: Ints, offers: Offers, *, stream: Stream
) -> Additions:
    """Draw scans and additions: every exposure is a fresh chance, the earliest addition counts.

    Args:
        funnel: the truths.
        people: who arrives.
        exposed_at: from `draw_exposures`.
        offers: what lure each exposure offers, and what it does to adding.
        stream: opens the random stream of a name.
    """
    scanned_at = _follow(funnel, people, stream, "scan", exposed_at)
    tied = stream("ties").random(scanned_at.shape) < funnel.tie_share
    candidates = _follow(
        funnel, people, stream, "add", scanned_at, factor=offers.factor, slow=offers.slow
    )
    candidates = np.where(tied & (candidates < NEVER), scanned_at, candidates)
    first = candidates.argmin(axis=1)
    rows = np.arange(len(people))
    return Additions(
        scanned_at=scanned_at, added_at=candidates[rows, first], lure=offers.lure[rows, first]
    )


def draw_conversions(funnel: Funnel, people: People, stay: Stay, *, stream: Stream) -> Conversions:
    """Draw reply, consultation and first order, one from another, until the person leaves."""

    def stop(at: Ints) -> Ints:
        return np.where(at <= stay.left_at, at, NEVER)

    replied_at = stop(_follow(funnel, people, stream, "reply", stay.greeted_at))
    consulted_at = stop(_follow(funnel, people, stream, "consult", replied_at))
    ordered_at = stop(_follow(funnel, people, stream, "order", consulted_at))
    return Conversions(replied_at=replied_at, consulted_at=consulted_at, ordered_at=ordered_at)


def locate_periods(funnel: Funnel, frame: Frame) -> dict[str, tuple[int, int]]:
    """First and last second of the eligible starts before and after the change.

    A start is eligible when its window ends by the end of the last observed day; the span before is
    as long as the span after.
    """
    change = frame.second(frame.change_day)
    closes = frame.end - funnel.window_days * DAY
    return {"before": (2 * change - closes, change - 1), "after": (change, closes - 1)}


def _poisson(uniform: Floats, mean: Floats, *, most: int) -> Ints:
    """Turn uniform draws into Poisson counts, at most `most`."""
    term = np.exp(-mean)
    below, count = term.copy(), np.zeros(len(uniform), dtype=np.int64)
    for k in range(1, most + 1):
        count += uniform >= below
        term = term * mean / k
        below += term
    return count


def _follow(
    funnel: Funnel,
    people: People,
    stream: Stream,
    step: str,
    at: Ints,
    *,
    factor: Floats | float = 1.0,
    slow: Floats | float = 1.0,
) -> Ints:
    """Seconds at which `step` follows what happened `at`; NEVER where it does not."""
    before, after = (
        np.array(
            [
                rates[channel][step] * funnel.faults.get(touchpoint, {}).get(step, 1.0)
                for channel, touchpoint in PLACES
            ]
        )[people.place]
        for rates in (funnel.rates_before, funnel.rates_after)
    )
    rate = np.where(people.after, after, before)
    median = np.array([funnel.delay_hours[channel][step] for channel, _ in PLACES])[people.place]
    if at.ndim == 2:
        rate, median = rate[:, None], median[:, None]
    uniform = stream(f"{step} happens").random(at.shape)
    spread = funnel.delay_sigma[step] * stream(f"{step} delay").standard_normal(at.shape)
    delay = np.maximum(np.rint(median * slow * HOUR * np.exp(spread)), 1).astype(np.int64)
    return np.where((uniform < rate * factor) & (at < NEVER), at + delay, NEVER)
