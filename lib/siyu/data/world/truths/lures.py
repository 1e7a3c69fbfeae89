"""What each lure does to the people who were drawn for a test of lures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np

from siyu.data.contract import LURES
from siyu.data.world.draws import DAY, Bools, Floats, Ints, Stream
from siyu.data.world.funnel import draw_additions, draw_conversions, draw_exposures
from siyu.data.world.lures import LureTest, Offers, draw_offers
from siyu.data.world.people import People, draw_people
from siyu.data.world.staying import draw_stay
from siyu.data.world.truths.facts import Truth, closed_form, simulated, truth_stream

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings

BATCHES, BATCH_USERS = 10, 30_000
CONVERSION_DAYS = 7
RETENTION_DAYS = (7, 30)
REDEMPTION_DAYS = 30
_COMPUTED = (
    f"simulated potential outcomes of everyone drawn for the test, {BATCHES} batches of "
    f"{BATCH_USERS} people exposed, on common random numbers"
)
_MEASURES = {
    "conversion": f"share added within {CONVERSION_DAYS} x 24 hours of the assignment",
    "conversion_fresh": f"share added within {CONVERSION_DAYS} x 24 hours of the assignment, among "
    "the people to whom no other lure was offered before",
    **{
        f"connected_{day}": f"share added and still there {day} x 24 hours after the assignment"
        for day in RETENTION_DAYS
    },
    "cost": "cost in yuan that falls at once, per person assigned (coupons redeemed not counted)",
    "redeemed": f"value in yuan of the coupons that were the lure and are redeemed within "
    f"{REDEMPTION_DAYS} x 24 hours of the assignment, per person assigned, tier offers apart",
}


@dataclass(frozen=True, kw_only=True)
class _Outcomes:
    """What comes of the people of one test if all are put into one arm."""

    conversion: Bools
    fresh: Bools
    connected: dict[int, Bools]
    added: Bools
    ordered: Bools
    """Placed the first order while coupons that are redeemed count."""
    listed: Bools
    """Whose row is not lost."""


def state_lures(settings: Settings) -> list[Truth]:
    """State what a reading of each test of lures should find.

    The people are those drawn for the test who are no members yet. Each is followed through every
    arm, with the same random numbers.

    Args:
        settings: the truths; `users` and `seed` play no part.

    Returns:
        Effects on adding, then per test and arm the conversion, the connected, the cost; the best
        arms; and the share of rows per arm. Tests outside the observation are left out.
    """
    lures, frame = settings.lures, settings.frame
    truths = [
        closed_form(
            f"lures.adding.{lure}",
            f"probability of adding with the lure {lure}, relative to the lure physical",
            lures.adding[lure] / lures.adding["physical"],
            "ratio of two settings, while neither probability reaches 1",
        )
        for lure in LURES
        if lures.adding["physical"] > 0
    ]
    truths.append(
        closed_form(
            "lures.refused",
            "probability of adding after another lure was offered and refused, relative to that "
            "without",
            lures.refused,
            "a setting",
        )
    )
    names = [
        name for name, test in lures.tests.items() if 0 <= frame.second(test.first_day) < frame.end
    ]
    batches = [_draw_outcomes(settings, batch, names) for batch in range(BATCHES)]
    for name in names:
        truths += _state_test(settings, name, [batch[name] for batch in batches])
    return truths


def _draw_outcomes(
    settings: Settings, batch: int, names: list[str]
) -> dict[str, dict[str, _Outcomes]]:
    """Outcomes by test and arm."""
    stream = truth_stream(batch)
    people = draw_people(settings.arrivals, settings.frame, users=BATCH_USERS, stream=stream)
    exposed_at = draw_exposures(settings.funnel, people, stream=stream)
    found = {}
    for name in names:
        test = settings.lures.tests[name]
        opens, closes = _span(settings, test)
        near = ((exposed_at >= opens) & (exposed_at < closes)).any(axis=1)
        taken = replace(
            people, **{each.name: getattr(people, each.name)[near] for each in fields(people)}
        )
        found[name] = {
            arm: _follow(settings, name, arm, taken, exposed_at[near], stream) for arm in test.arms
        }
    return found


def _span(settings: Settings, test: LureTest) -> tuple[int, int]:
    frame = settings.frame
    return frame.second(test.first_day), frame.second(test.last_day) + DAY


def _follow(
    settings: Settings, name: str, arm: str, people: People, exposed_at: Ints, stream: Stream
) -> _Outcomes:
    """Put everyone drawn for a test into one arm."""
    frame, test = settings.frame, settings.lures.tests[name]
    tests = dict(settings.lures.tests)

    def offer(forced: LureTest) -> Offers:
        lures = replace(settings.lures, tests=tests | {name: forced})
        return draw_offers(lures, frame, people, exposed_at, stream)

    offers = offer(replace(test, arms=(arm,), lost_arm=""))
    added = draw_additions(settings.funnel, people, exposed_at, offers, stream=stream)
    stay = draw_stay(
        settings.staying, frame, people, lure=added.lure, added_at=added.added_at, stream=stream
    )
    ordered_at = draw_conversions(settings.funnel, people, stay, stream=stream).ordered_at
    number = list(tests).index(name)
    drawn = offers.tests[number]
    kept = drawn.person
    if test.lost_arm == arm:
        kept = offer(replace(test, arms=(arm,))).tests[number].person
    member = added.added_at[drawn.person] < drawn.at
    person, at = drawn.person[~member], drawn.at[~member]
    added_at, left_at = added.added_at[person], stay.left_at[person]
    offered = offers.lure[person]
    before = exposed_at[person] < at[:, None]
    return _Outcomes(
        conversion=added_at <= at + CONVERSION_DAYS * DAY,
        fresh=~(before & (offered != LURES.index(arm))).any(axis=1),
        connected={
            day: (added_at <= at + day * DAY) & (left_at > at + day * DAY) for day in RETENTION_DAYS
        },
        added=added_at < frame.end,
        ordered=ordered_at[person] <= at + REDEMPTION_DAYS * DAY,
        listed=np.isin(person, kept),
    )


def _measure(settings: Settings, arm: str, outcomes: _Outcomes) -> dict[str, float]:
    buying = settings.buying
    coupon = buying.lure_coupon_redeemed * buying.lure_coupon_fen / 100 if arm == "coupon" else 0.0
    return {
        "conversion": outcomes.conversion.mean(),
        "conversion_fresh": outcomes.conversion[outcomes.fresh].mean(),
        **{f"connected_{day}": outcomes.connected[day].mean() for day in RETENTION_DAYS},
        "cost": settings.lures.cost_cny[arm] * outcomes.added.mean(),
        "redeemed": coupon * outcomes.ordered.mean(),
    }


def _state_test(
    settings: Settings, name: str, batches: list[dict[str, _Outcomes]]
) -> Iterator[Truth]:
    test = settings.lures.tests[name]
    study = {"experiment": name, "from": str(test.first_day), "to": str(test.last_day)}
    values: dict[str, dict[str, Floats]] = {}
    for arm in test.arms:
        rows = [_measure(settings, arm, batch[arm]) for batch in batches]
        values[arm] = {key: np.array([row[key] for row in rows]) for key in _MEASURES}
        for key, words in _MEASURES.items():
            yield simulated(
                f"lures.{name}.{key}.{arm}",
                f"{words}, if all were put into the arm {arm}",
                values[arm][key],
                _COMPUTED,
                **study,
            )
        yield simulated(
            f"lures.{name}.cost_per_connected.{arm}",
            "cost in yuan, that at once and that of redeemed lure coupons together, per person "
            f"still there 30 x 24 hours after the assignment, if all were put into the arm {arm}",
            (values[arm]["cost"] + values[arm]["redeemed"]) / values[arm]["connected_30"],
            _COMPUTED,
            **study,
        )
    for key in ("conversion", "connected_30"):
        yield from _state_contrasts(name, key, values, study)
    yield from _state_rows(name, batches, study)


def _state_contrasts(
    name: str, key: str, values: dict[str, dict[str, Floats]], study: dict[str, str]
) -> Iterator[Truth]:
    """State which arm is best, and how far every other lies behind it."""
    best = max(values, key=lambda arm: float(values[arm][key].mean()))
    for arm in values:
        behind = values[best][key] - values[arm][key]
        yield simulated(
            f"lures.{name}.behind_best.{key}.{arm}",
            f"{_MEASURES[key]}: in the best arm, which is {best}, less in the arm {arm}",
            behind,
            _COMPUTED,
            best=best,
            **study,
        )


def _state_rows(
    name: str, batches: list[dict[str, _Outcomes]], study: dict[str, str]
) -> Iterator[Truth]:
    kept = {arm: np.array([batch[arm].listed.sum() for batch in batches]) for arm in batches[0]}
    rows = np.sum(list(kept.values()), axis=0)
    for arm, number in kept.items():
        yield simulated(
            f"lures.{name}.rows.{arm}",
            f"expected share of the rows of the test that are in the arm {arm}; all arms are "
            "equally likely, and what is missing was lost",
            number / rows,
            _COMPUTED,
            **study,
        )
