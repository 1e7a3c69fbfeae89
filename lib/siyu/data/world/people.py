"""Who arrives, when, where, and with which traits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from siyu.data.contract import CHANNELS, LURES
from siyu.data.world.boosts import Boosts, bring_by_boosts
from siyu.data.world.draws import DAY, Bools, Floats, Ints, Stream, draw_seconds, pick, pick_each
from siyu.data.world.frame import Frame
from siyu.data.world.rules import not_shares, outside, unlike

TOUCHPOINTS: Mapping[str, Mapping[str, float]] = {
    "social": {"moments": 0.40, "referral": 0.35, "staff_share": 0.25},
    "online": {"mini_program": 0.45, "official_account": 0.35, "card_pack": 0.20},
    "offline": {"parcel_card": 0.45, "store_poster": 0.30, "live_qr": 0.25},
    "commercial": {"short_video": 0.50, "kol": 0.30, "paid_feed": 0.20},
}
"""The touchpoints of each channel and their shares of its arrivals."""
PLACES = tuple((channel, touchpoint) for channel in CHANNELS for touchpoint in TOUCHPOINTS[channel])
"""Every (channel, touchpoint); a person's `place` is an index into it."""
CHANNEL_OF = np.array([CHANNELS.index(channel) for channel, _ in PLACES])
"""Index into CHANNELS of each place."""
SHORT_VIDEO = PLACES.index(("commercial", "short_video"))
"""The place of people whom boosts bring."""

STAFF = tuple(f"{number:03d}" for number in range(1, 13))
GENDERS, _GENDER_SHARES = ("female", "male"), (0.72, 0.28)
AGE_BANDS, _AGE_SHARES = ("18-24", "25-34", "35-44", "45+"), (0.24, 0.42, 0.23, 0.11)
OCCUPATIONS = ("student", "office", "freelance", "homemaker", "other")
_OCCUPATION_SHARES = np.array(
    [
        # by age band
        [0.62, 0.24, 0.06, 0.01, 0.07],
        [0.06, 0.64, 0.13, 0.08, 0.09],
        [0.01, 0.55, 0.14, 0.18, 0.12],
        [0.00, 0.34, 0.16, 0.28, 0.22],
    ]
)
_OCCUPATION_ACTIVITY = np.array([1.05, 0.9, 1.0, 1.35, 0.95])
CITY_TIERS = ("first", "new_first", "second", "third", "lower")
_CITY_SHARES = (0.16, 0.24, 0.22, 0.20, 0.18)
TAGS = ("护肤", "洗护", "彩妆", "食品")
"""What staff noted that a person cares for; also the categories of goods."""
_TAG_SHARES = np.array(
    [
        # by age band
        [0.34, 0.14, 0.36, 0.16],
        [0.44, 0.18, 0.22, 0.16],
        [0.40, 0.24, 0.10, 0.26],
        [0.28, 0.30, 0.04, 0.38],
    ]
)


def _lure_shares() -> Mapping[str, Mapping[str, float]]:
    rows = ((0.2, 0.2, 0.3, 0.3), (0.1, 0.4, 0.4, 0.1), (0.5, 0.1, 0.3, 0.1), (0.1, 0.2, 0.6, 0.1))
    return {
        channel: dict(zip(LURES, row, strict=True))
        for channel, row in zip(CHANNELS, rows, strict=True)
    }


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """Who arrives: the truths about numbers, places, lures on offer and activity."""

    growth: float = 1.3
    """Arrivals per day from the day of the change on, relative to before; above 0."""
    spring_festival: float = 0.5
    """Arrivals per day around Spring Festival, relative to other days; above 0."""
    shares_before: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(CHANNELS, (0.38, 0.31, 0.24, 0.07), strict=True))
    )
    """Share of each channel among the people who arrive before the change; sums to 1."""
    shares_after: Mapping[str, float] = field(
        default_factory=lambda: dict(zip(CHANNELS, (0.12, 0.10, 0.10, 0.68), strict=True))
    )
    """The same from the change on."""
    lure_shares: Mapping[str, Mapping[str, float]] = field(default_factory=_lure_shares)
    """Share of each lure on offer among the people of a channel; sums to 1."""
    activity_sigma: float = 1.0
    """Standard deviation of the logarithm of a person's activity; 0 or more."""
    unknown: Mapping[str, float] = field(
        default_factory=lambda: {
            "gender": 0.06,
            "age_band": 0.12,
            "occupation": 0.22,
            "city_tier": 0.03,
        }
    )
    """Share of people whose trait was never noted."""
    boosts: Boosts = field(default_factory=Boosts)
    """Paid boosts of short videos."""

    def problems(self) -> Iterable[str]:
        """Yield each broken rule as one sentence."""
        yield from outside("arrivals.growth", self.growth, above=0)
        yield from outside("arrivals.spring_festival", self.spring_festival, above=0)
        yield from outside("arrivals.activity_sigma", self.activity_sigma)
        for name in ("shares_before", "shares_after"):
            yield from not_shares(f"arrivals.{name}", getattr(self, name), CHANNELS)
        yield from unlike("arrivals.lure_shares", self.lure_shares, CHANNELS)
        for channel, shares in self.lure_shares.items():
            yield from not_shares(f"arrivals.lure_shares.{channel}", shares, LURES)
        for trait, share in self.unknown.items():
            yield from outside(f"arrivals.unknown.{trait}", share, most=1)
        yield from self.boosts.problems()


@dataclass(frozen=True, kw_only=True)
class People:
    """Who arrives; element i of each array is person i, in the order of arrival."""

    arrived_at: Ints
    """Second of the first exposure."""
    place: Ints
    """Index into PLACES."""
    after: Bools
    """Arrived on the day of the change or later."""
    lure: Ints
    """Index into LURES: what the person is offered outside experiments."""
    boosted: Bools
    """Brought by a paid boost of a short video."""
    activity: Floats
    """Personal factor on everything that is done repeatedly; heavy-tailed."""
    staff: Ints
    """Index into STAFF: who looks after the person once added."""
    gender: Ints
    age: Ints
    occupation: Ints
    city: Ints
    tag: Ints
    """Indices into GENDERS, AGE_BANDS, OCCUPATIONS, CITY_TIERS, TAGS."""

    def __len__(self) -> int:
        return len(self.arrived_at)

    @property
    def channel(self) -> Ints:
        """Index into CHANNELS."""
        return CHANNEL_OF[self.place]

    def join(self, others: People) -> People:
        """Put other people behind these."""
        return People(
            **{
                each.name: np.concatenate([getattr(self, each.name), getattr(others, each.name)])
                for each in fields(self)
            }
        )


def draw_people(arrivals: Arrivals, frame: Frame, *, users: int, stream: Stream) -> People:
    """Draw who arrives, when, where, and with which traits.

    Args:
        arrivals: the truths.
        frame: the observed days.
        users: how many people, at least 1.
        stream: opens the random stream of a name.

    Returns:
        One element per person, in the order of arrival. Gender goes with nothing else; occupation
        and tag go with age, activity with occupation. Who is brought by a boost differs from others
        only in the time of arrival, which stays on the same side of the change.
    """
    day = pick(stream("arrivals").random(users), weigh_days(arrivals, frame))
    usual_at = np.sort(day * DAY + draw_seconds(stream("arrival times"), users))
    place = _draw_places(arrivals, usual_at >= frame.second(frame.change_day), stream("places"))
    arrived_at, boosted = bring_by_boosts(
        arrivals.boosts, frame, usual_at, place == SHORT_VIDEO, stream("boosts")
    )
    # Sorted before anything else is drawn, so that draws go by the order of arrival.
    order = np.argsort(arrived_at, kind="stable")
    arrived_at, place = arrived_at[order], place[order]
    return People(
        arrived_at=arrived_at,
        place=place,
        after=arrived_at >= frame.second(frame.change_day),
        lure=_draw_lures(arrivals, CHANNEL_OF[place], stream("lures")),
        boosted=boosted[order],
        **draw_traits(arrivals, users, stream),
    )


def draw_traits(arrivals: Arrivals, users: int, stream: Stream) -> dict[str, Any]:
    """Draw the traits of people: the fields of People that do not depend on how they came."""
    age = pick(stream("age").random(users), _AGE_SHARES)
    occupation = pick_each(stream("occupation").random(users), _OCCUPATION_SHARES[age])
    sigma = arrivals.activity_sigma
    activity = np.exp(sigma * stream("activity").standard_normal(users) - sigma**2 / 2)
    return {
        "activity": activity * _OCCUPATION_ACTIVITY[occupation],
        "staff": stream("staff").integers(len(STAFF), size=users),
        "gender": pick(stream("gender").random(users), _GENDER_SHARES),
        "age": age,
        "occupation": occupation,
        "city": pick(stream("city").random(users), _CITY_SHARES),
        "tag": pick_each(stream("tag").random(users), _TAG_SHARES[age]),
    }


def weigh_days(arrivals: Arrivals, frame: Frame) -> Floats:
    """Give the relative number of people who arrive on each day in weeks without boosts."""
    weight = frame.rhythm * np.sqrt(frame.festivals)
    weight = np.where(frame.spring_festival, weight * arrivals.spring_festival, weight)
    later = np.arange(frame.days) >= frame.number(frame.change_day)
    return np.where(later, weight * arrivals.growth, weight)


def share_places(arrivals: Arrivals) -> Floats:
    """Give the share of each place (columns) before and after the change (rows)."""
    return np.array(
        [
            [shares[channel] * TOUCHPOINTS[channel][touchpoint] for channel, touchpoint in PLACES]
            for shares in (arrivals.shares_before, arrivals.shares_after)
        ]
    )


def _draw_places(arrivals: Arrivals, after: Bools, rng: np.random.Generator) -> Ints:
    return pick_each(rng.random(len(after)), share_places(arrivals)[after.astype(np.int64)])


def _draw_lures(arrivals: Arrivals, channel: Ints, rng: np.random.Generator) -> Ints:
    shares = np.array([[arrivals.lure_shares[name][lure] for lure in LURES] for name in CHANNELS])
    return pick_each(rng.random(len(channel)), shares[channel])
