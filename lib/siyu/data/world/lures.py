"""What is offered to whom at each exposure, by habit or by a test of lures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from siyu.data.contract import CHANNELS, LURES
from siyu.data.world.assignments import Assignments
from siyu.data.world.draws import DAY, NEVER, Bools, Floats, Ints, Stream, pick
from siyu.data.world.frame import Frame
from siyu.data.world.people import People
from siyu.data.world.rules import each_outside, outside


@dataclass(frozen=True, kw_only=True)
class LureTest:
    """One test: whoever is exposed in its days is offered the lure of an arm drawn by chance.

    All arms are equally likely, apart from everything else; the stratum is the channel.
    """

    first_day: date
    last_day: date
    arms: tuple[str, ...]
    """Two or more different lures."""
    share: float = 1.0
    """Share of the people exposed in these days who take part."""
    lost_arm: str = ""
    """The arm whose rows were lost, though its people were offered the lure; empty: none."""
    lost_from: date | None = None
    """The day from which rows were lost; None: the first day."""
    lost_share: float = 0.0
    """Share of the rows of that arm lost since that day."""

    def problems(self, name: str) -> Iterable[str]:
        """Yield each broken rule as one sentence; `name` is what the test is called."""
        if self.last_day < self.first_day:
            yield (
                f"{name}.last_day = {self.last_day} must not lie before first_day = "
                f"{self.first_day}; give a later day"
            )
        if len(set(self.arms)) < max(2, len(self.arms)) or not set(self.arms) <= set(LURES):
            yield (
                f"{name}.arms = {', '.join(self.arms)} must be two or more different lures; "
                f"choose from {', '.join(LURES)}"
            )
        if self.lost_arm and self.lost_arm not in self.arms:
            yield f"{name}.lost_arm = {self.lost_arm} must be one of {', '.join(self.arms)}"
        yield from outside(f"{name}.share", self.share, most=1)
        yield from outside(f"{name}.lost_share", self.lost_share, most=1)


def _tests() -> Mapping[str, LureTest]:
    return {
        "lure_2025_06": LureTest(
            first_day=date(2025, 6, 1),
            last_day=date(2025, 6, 30),
            arms=("physical", "virtual", "coupon"),
            lost_arm="coupon",
            lost_from=date(2025, 6, 16),
            lost_share=0.9,
        ),
        "lure_pilot_2025_12": LureTest(
            first_day=date(2025, 12, 15),
            last_day=date(2025, 12, 31),
            arms=("virtual", "coupon"),
            share=0.6,
        ),
        "lure_2026_01": LureTest(
            first_day=date(2026, 1, 5),
            last_day=date(2026, 2, 8),
            arms=("physical", "coupon", "service"),
        ),
    }


@dataclass(frozen=True, kw_only=True)
class Lures:
    """What a lure does to joining, what it costs, and which tests were run."""

    adding: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(LURES, (1.0, 0.9, 1.2, 0.82), strict=True))
    )
    """Factor on the probability of adding, by lure offered; 0 or more."""
    slowness: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(LURES, (2.0, 1.0, 0.5, 12.0), strict=True))
    )
    """Factor on the median delay of adding, by lure offered; above 0."""
    refused: float = 0.6
    """Factor on the probability of adding after another lure was offered and refused; 0 or more."""
    cost_cny: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(LURES, (11.5, 0.6, 0.0, 4.5), strict=True))
    )
    """Mean cost that falls at once when a person adds, by lure; a coupon costs when redeemed."""
    cost_sigma: float = 0.25
    """Standard deviation of the logarithm of that cost (postage, time); 0 or more."""
    tests: Mapping[str, LureTest] = field(default_factory=_tests)
    """By name, in the order in which they were run."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        yield from each_outside("lures.adding", self.adding, LURES)
        yield from each_outside("lures.slowness", self.slowness, LURES, above=0)
        yield from outside("lures.refused", self.refused)
        yield from each_outside("lures.cost_cny", self.cost_cny, LURES)
        yield from outside("lures.cost_sigma", self.cost_sigma)
        for name, test in self.tests.items():
            yield from test.problems(f"lures.tests.{name}")


@dataclass(frozen=True, kw_only=True)
class Offers:
    """What is offered; a row is a person, a column one of the exposures."""

    lure: Ints
    """Index into LURES."""
    factor: Floats
    """On the probability of adding."""
    slow: Floats
    """On the median delay of adding."""
    tests: tuple[Assignments, ...]
    """Everyone drawn into each test; `enrol` keeps those who are not members by then."""


def draw_offers(
    lures: Lures, frame: Frame, people: People, exposed_at: Ints, stream: Stream
) -> Offers:
    """Draw which lure each person is offered at each exposure.

    Outside tests it is the person's usual lure. Whoever takes part in a test is offered the lure of
    the arm at the first exposure within its days and ever after, until the next test.

    Args:
        lures: the truths.
        frame: the observed days.
        people: who arrives.
        exposed_at: a row per person and a column per exposure; NEVER for no exposure.
        stream: opens the random stream of a name.

    Returns:
        A lure per exposure with what it does to adding, and who was drawn into each test.
    """
    lure = np.repeat(people.lure[:, None], exposed_at.shape[1], axis=1)
    drawn = []
    for name, test in lures.tests.items():
        rng = stream(f"lure test {name}")
        uniform = rng.random((len(people), 3))
        opens, closes = frame.second(test.first_day), frame.second(test.last_day) + DAY
        within = (exposed_at >= opens) & (exposed_at < closes)
        person = np.flatnonzero(within.any(axis=1) & (uniform[:, 0] < test.share))
        at = exposed_at[person, within[person].argmax(axis=1)]
        arm = pick(uniform[person, 1], [1.0] * len(test.arms))
        offered = np.array([LURES.index(each) for each in test.arms])[arm]
        lure[person] = np.where(exposed_at[person] >= at[:, None], offered[:, None], lure[person])
        cost = _draw_costs(lures, offered, stream(f"lure cost {name}"), len(people), person)
        everyone = Assignments(
            experiment=name,
            arms=test.arms,
            person=person,
            arm=arm,
            at=at,
            strata=CHANNELS,
            stratum=people.channel[person],
            cost_fen=cost,
        )
        drawn.append(_keep(everyone, ~_lose(test, frame, arm, at, uniform[person, 2])))
    adding, slowness = (
        np.array([table[name] for name in LURES]) for table in (lures.adding, lures.slowness)
    )
    return Offers(
        lure=lure,
        factor=adding[lure] * np.where(_offered_another(lure), lures.refused, 1.0),
        slow=slowness[lure],
        tests=tuple(drawn),
    )


def enrol(tests: Iterable[Assignments], *, added_at: Ints) -> list[Assignments]:
    """Keep those who were not members yet, and charge the lure only where it led to an addition.

    Args:
        tests: everyone drawn into each test.
        added_at: per person, the second of the addition; NEVER for none.

    Returns:
        The same tests. Whether a person was a member at the draw does not depend on the arm.
    """
    return [_enrol(test, added_at) for test in tests]


def _enrol(test: Assignments, added_at: Ints) -> Assignments:
    fresh = _keep(test, added_at[test.person] >= test.at)
    if fresh.cost_fen is None:
        return fresh
    added = added_at[fresh.person] < NEVER
    return replace(fresh, cost_fen=np.where(added, fresh.cost_fen, 0))


def _keep(test: Assignments, kept: Bools) -> Assignments:
    return replace(
        test,
        person=test.person[kept],
        arm=test.arm[kept],
        at=test.at[kept],
        stratum=None if test.stratum is None else test.stratum[kept],
        cost_fen=None if test.cost_fen is None else test.cost_fen[kept],
    )


def _offered_another(lure: Ints) -> Bools:
    """Whether an earlier exposure came with another lure; exposures are in the order of time."""
    another = np.zeros(lure.shape, dtype=bool)
    for column in range(1, lure.shape[1]):
        another[:, column] = (lure[:, :column] != lure[:, [column]]).any(axis=1)
    return another


def _lose(test: LureTest, frame: Frame, arm: Ints, at: Ints, uniform: Floats) -> Bools:
    if not test.lost_arm:
        return np.zeros(len(arm), dtype=bool)
    since = frame.second(test.lost_from or test.first_day)
    lost = (arm == test.arms.index(test.lost_arm)) & (at >= since)
    return np.asarray(lost & (uniform < test.lost_share))


def _draw_costs(
    lures: Lures, offered: Ints, rng: np.random.Generator, users: int, person: Ints
) -> Ints:
    sigma = lures.cost_sigma
    spread = np.exp(sigma * rng.standard_normal(users)[person] - sigma**2 / 2)
    mean = np.array([lures.cost_cny[name] for name in LURES])[offered]
    return np.asarray(np.rint(100 * mean * spread), dtype=np.int64)
