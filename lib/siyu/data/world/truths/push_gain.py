"""What pushing as a whole earns: the same people once with pushes and once without."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from siyu.data.world.buying import draw_sales
from siyu.data.world.draws import DAY, HOUR, NEVER, Ints, Stream
from siyu.data.world.funnel import draw_conversions
from siyu.data.world.people import People
from siyu.data.world.push_delivery import SENT
from siyu.data.world.push_response import EVENING, OFFICE
from siyu.data.world.pushing import Pushes
from siyu.data.world.staying import Stay
from siyu.data.world.truths.facts import Truth, simulated

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings

HORIZON_DAYS = 60
_MORNING = (10, 11)
_GAINS = {
    "orders": "paid orders per member",
    "margin_cny": "margin per member, yuan (refunded orders bring none)",
    "left": "share of members who have left",
}


Gain = dict[str, float]
"""Per member, what pushing adds within the horizon; and what the naive comparison shows."""


def measure_gain(
    settings: Settings, people: People, stay: Stay, pushes: Pushes, stream: Stream
) -> Gain:
    """Measure what pushes add, on the same random numbers with and without them.

    Args:
        settings: the truths.
        people: who they are.
        stay: as it would be if nobody pushed.
        pushes: as drawn when nobody is in the arm none.
        stream: the streams from which people and pushes were drawn.
    """
    test = pushes.assignments[0]
    followed = test.at + HORIZON_DAYS * DAY <= settings.frame.end
    member, opens = test.person[followed], test.at[followed]
    nothing = np.zeros(0, dtype=np.int64)
    pushed, plain = (
        _follow(settings, people, replace(stay, left_at=left_at), extra, member, opens, stream)
        for left_at, extra in (
            (pushes.left_at, (pushes.extra_person, pushes.extra_at)),
            (stay.left_at, (nothing, nothing)),
        )
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        gains = {name: float(np.divide(pushed[name] - plain[name], len(member))) for name in pushed}
    return gains | {"naive": _compare_naively(people, pushes)}


def _follow(
    settings: Settings,
    people: People,
    stay: Stay,
    extra: tuple[Ints, Ints],
    member: Ints,
    opens: Ints,
    stream: Stream,
) -> dict[str, float]:
    """Sum up orders, margin and leaving of members within the horizon."""
    frame = settings.frame
    conversions = draw_conversions(settings.funnel, people, stay, stream=stream)
    orders = draw_sales(
        settings.buying,
        settings.tiering,
        frame,
        people,
        stay,
        ordered_at=conversions.ordered_at,
        extra=extra,
        stream=stream,
    ).orders
    since = np.full(len(people), NEVER)
    since[member] = opens
    passed = orders.at - since[orders.person]
    counts = (passed >= 0) & (passed < HORIZON_DAYS * DAY)
    return {
        "orders": float(counts.sum()),
        "margin_cny": float(orders.margin_fen[counts].sum()) / 100,
        "left": float((stay.left_at[member] < opens + HORIZON_DAYS * DAY).sum()),
    }


def _compare_naively(people: People, pushes: Pushes) -> float:
    hour = pushes.sent_at % DAY // HOUR
    sent = (pushes.status == SENT) & np.isnan(pushes.propensity)
    sent &= people.occupation[pushes.person] != OFFICE
    clicked = pushes.clicked_at < NEVER
    with np.errstate(invalid="ignore", divide="ignore"):
        evening, morning = (
            np.divide((clicked & rows).sum(), rows.sum())
            for rows in (sent & np.isin(hour, EVENING), sent & np.isin(hour, _MORNING))
        )
        return float(evening / morning - 1)


def state_gain(gains: Sequence[Gain], *, draws: str) -> Iterator[Truth]:
    """State what pushing earns against no pushes, and what hours seem to do where none is drawn.

    Args:
        gains: one per batch.
        draws: how many batches of how many people, in words.
    """
    for name, words in _GAINS.items():
        yield simulated(
            f"pushes.gain.{name}",
            f"{words} in the {HORIZON_DAYS} days after the assignment to `no_push_2025`, if all "
            "members were in the arm push, less if all were in the arm none; orders that clicks "
            "bring and orders lost to blocking included",
            np.array([gain[name] for gain in gains]),
            f"potential outcomes on common random numbers, {draws}",
            experiment="no_push_2025",
            horizon_days=HORIZON_DAYS,
        )
    yield simulated(
        "pushes.naive.evening",
        "what a naive comparison shows, not an effect: clicks per sent push outside the randomised "
        "part, from 20:00 to 22:00 relative to 10:00 to 12:00, less 1, among all but office "
        "workers, for whom the evening changes nothing",
        np.array([gain["naive"] for gain in gains]),
        f"simulated, {draws}",
        population="propensity is null",
        horizon_hours=24,
    )
