"""What is true about pushes: what each hour and each number a week is worth, and what they earn."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from siyu.data.world.draws import HOUR, Floats
from siyu.data.world.pool import draw_everyone
from siyu.data.world.push_response import (
    EVENING,
    MOST_DELAY,
    rate_block,
    rate_fatigue,
)
from siyu.data.world.push_settings import MEDIA, PUSH_HOURS, Pushing
from siyu.data.world.pushing import draw_pushes
from siyu.data.world.truths.facts import Truth, closed_form, simulated, truth_stream
from siyu.data.world.truths.push_gain import Gain, measure_gain, state_gain
from siyu.data.world.truths.push_measures import Measures, measure_pushes

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings

BATCHES, BATCH_USERS = 6, 10_000
SEGMENTS = ("office", "others")
MOST_RECEIVED = 7
_PLANNED = (
    "chance that a planned push of the randomised part is sent and clicked (planned to people who "
    "have left, capped and unsent count as not clicked)"
)
_WEEK = (
    "in a week of 7 days from the assignment to `push_cap_2025h2` on, begun while the member was "
    "there and completed within the observation"
)
_DRAWS = f"{BATCHES} batches of {BATCH_USERS} people exposed"
_SIMULATED = f"expected over the pushes of {_DRAWS}"


def state_pushing(settings: Settings) -> list[Truth]:
    """State what hour, number and content of pushes do to clicks and blocks.

    Args:
        settings: the truths; `users` and `seed` play no part.

    Returns:
        Closed forms, then simulated facts; those without anyone to hold for are left out.
    """
    measured = [_measure(settings, batch) for batch in range(BATCHES)]
    batches, gains = zip(*measured, strict=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        found = [
            *_state_ratios(settings.pushing),
            *_state_blocks(settings.pushing),
            *_state_hours(batches),
            *_state_numbers(settings.pushing, batches),
            *state_gain(gains, draws=_DRAWS),
        ]
    return [truth for truth in found if math.isfinite(truth.value)]


def _measure(settings: Settings, batch: int) -> tuple[Measures, Gain]:
    """Draw one batch with pushes to everybody, and measure it."""
    pushing, frame, stream = settings.pushing, settings.frame, truth_stream(batch)
    core, friends = draw_everyone(settings, users=BATCH_USERS, stream=stream)
    people, stay = core.people.join(friends.people), core.stay.join(friends.stay)
    everybody = replace(pushing, none_share=0.0)
    pushes = draw_pushes(everybody, frame, people, stay, stream=stream)
    return (
        measure_pushes(pushing, frame, people, stay, pushes),
        measure_gain(settings, people, stay, pushes, stream),
    )


def _state_ratios(pushing: Pushing) -> Iterator[Truth]:
    click = "chance that a sent push is clicked within 24 hours"
    rows = [
        (
            "lift.office.sent_evening",
            f"{click} by an office worker when sent from 20:00 to 22:00, relative to any other "
            "hour, less 1, all else equal",
            pushing.office_evening - 1,
            "office_evening",
        ),
        (
            "lift.homemaker.sent_evening",
            f"{click} by a homemaker when sent from 20:00 to 22:00, relative to any other hour, "
            "less 1, all else equal",
            0.0,
            "no hour has an effect on homemakers",
        ),
        (
            "lift.promotion",
            f"{click} with a promotion, relative to other content, less 1, all else equal",
            pushing.promotion - 1,
            "promotion",
        ),
        (
            "lift.match",
            f"{click} with content about what the person cares for, relative to other content, "
            "less 1, all else equal",
            pushing.match - 1,
            "match",
        ),
        ("lift.copy_b", f"{click} with copy B, less that with copy A", 0.0, "no effect of copies"),
        (
            "fatigue.log_per_push",
            f"change of the logarithm of the {click} with every push that the person was sent on "
            "the 7 calendar days before, all else equal",
            -pushing.click_fatigue,
            "-click_fatigue",
        ),
        (
            "aversion.log_per_push",
            "change of the logarithm of the chance that a sent push is answered by blocking with "
            "every push that the person was sent on the 7 calendar days before",
            pushing.block_rise,
            "block_rise",
        ),
        (
            "orders_per_click",
            "share of clicks that lead, within a day, to an order which there would not have been",
            pushing.order_share,
            "order_share",
        ),
    ]
    for name, words, value, how in rows:
        yield closed_form(f"pushes.{name}", words, value, how, horizon_hours=24)
    yield from _state_quotients(pushing, click)


def _state_quotients(pushing: Pushing, click: str) -> Iterator[Truth]:
    """State factors relative to another; without clicks there, there is no such ratio."""
    if (monday := pushing.weekdays[0]) > 0:
        yield closed_form(
            "pushes.ratio.sunday",
            f"{click} on a Sunday that is not worked or a statutory holiday, relative to a Monday "
            "that is none, all else equal",
            pushing.weekdays[6] / monday,
            "weekdays",
            horizon_hours=24,
        )
    if (first := pushing.media_factors[MEDIA[0]]) > 0:
        for medium in MEDIA[1:]:
            yield closed_form(
                f"pushes.ratio.{medium}",
                f"{click} sent as {medium}, relative to {MEDIA[0]}, all else equal",
                pushing.media_factors[medium] / first,
                "media_factors",
                horizon_hours=24,
            )


def _state_blocks(pushing: Pushing) -> Iterator[Truth]:
    for received in range(MOST_RECEIVED + 1):
        yield closed_form(
            f"pushes.block.received_{received}",
            f"chance that a sent push is answered by blocking when the person was sent {received} "
            "on the 7 calendar days before",
            float(rate_block(pushing, np.array(received))),
            "block_base exp(block_rise x received)",
            days_before=7,
        )


def _state_hours(batches: Sequence[Measures]) -> Iterator[Truth]:
    each = np.stack([batch.hours for batch in batches])
    weight = np.stack([batch.planned for batch in batches])[:, :, None]
    everyone = (each * weight).sum(axis=1) / weight.sum(axis=1)
    study = {"population": "propensity is not null", "horizon_hours": 24}
    tables = {"": everyone, "office.": each[:, 0], "others.": each[:, 1]}
    whom = {"": "all people", "office.": "office workers", "others.": "all but office workers"}
    for prefix, table in tables.items():
        for column, hour in enumerate((*PUSH_HOURS, None)):
            name = "as_drawn" if hour is None else f"hour_{hour}"
            when = "hours drawn as they were" if hour is None else f"every push planned for {hour}"
            yield simulated(
                f"pushes.value.{prefix}{name}",
                f"{_PLANNED}: {whom[prefix]}, {when}",
                table[:, column],
                _SIMULATED,
                **study,
            )
    means = each[:, :, :-1].mean(axis=0)
    for segment, values in zip(SEGMENTS, means, strict=True):
        yield _best(
            f"pushes.best_hour.{segment}",
            f"planned hour with the highest {_PLANNED}: {whom[f'{segment}.']}",
            PUSH_HOURS,
            values,
            **study,
        )
    chosen = each[:, range(len(SEGMENTS)), means.argmax(axis=1)]
    yield simulated(
        "pushes.value.best_hour_per_segment",
        f"{_PLANNED}: office workers at their best hour, all others at theirs",
        (chosen * weight[:, :, 0]).sum(axis=1) / weight[:, :, 0].sum(axis=1),
        _SIMULATED,
        **study,
    )
    evening = np.isin(PUSH_HOURS, EVENING)
    hours = each[:, 0, :-1]
    yield simulated(
        "pushes.lift.office.planned_evening",
        f"{_PLANNED}: office workers, mean of the hours 20 and 21 relative to the mean of the "
        "other hours from 9 to 19, less 1",
        hours[:, evening].mean(axis=1) / hours[:, ~evening].mean(axis=1) - 1,
        _SIMULATED,
        **study,
    )


def _state_numbers(pushing: Pushing, batches: Sequence[Measures]) -> Iterator[Truth]:
    each = np.stack([batch.caps for batch in batches])
    worth = {"value_per_click": pushing.value_per_click, "value_lost": pushing.value_lost}
    net = each[:, :, 1] * pushing.value_per_click - each[:, :, 2] * pushing.value_lost
    for column, cap in enumerate(pushing.caps):
        for name, words, values in (
            ("sent", "pushes sent per member", each[:, column, 0]),
            ("clicks", "clicks per member", each[:, column, 1]),
            ("blocks", "blocks per member", each[:, column, 2]),
            ("value", "clicks x value_per_click - blocks x value_lost, yuan", net[:, column]),
        ):
            yield simulated(
                f"pushes.weekly.{name}.cap_{cap}",
                f"{words}, {_WEEK}, at {cap} pushes a week",
                values,
                _SIMULATED,
                **(worth if name == "value" else {}),
            )
    yield _best(
        "pushes.best_cap",
        f"number of pushes a week with the highest value ({_WEEK})",
        pushing.caps,
        net.mean(axis=0),
        **worth,
    )
    fresh = np.array([batch.fresh for batch in batches])
    for received in range(MOST_RECEIVED + 1):
        yield simulated(
            f"pushes.click.received_{received}",
            "chance that a sent push of the randomised part is clicked, had each person been sent "
            f"{received} on the 7 calendar days before",
            fresh * float(rate_fatigue(pushing, np.array(received))),
            _SIMULATED,
            days_before=7,
        )
    yield simulated(
        "pushes.late",
        "share of the sent pushes of the randomised part that leave more than an hour late "
        f"(none leaves more than {MOST_DELAY // HOUR} hours late)",
        np.array([batch.late for batch in batches]),
        _SIMULATED,
    )


def _best(
    id_: str, estimand: str, choices: Sequence[int], values: Floats, **settings: object
) -> Truth:
    """State which choice has the highest value; not a number where there is nothing to choose."""
    known = np.isfinite(values).all() and np.ptp(values) > 0
    return Truth(
        id=id_,
        estimand=estimand,
        value=float(choices[int(values.argmax())]) if known else math.nan,
        standard_error=0.0,
        computed=f"best of the simulated values, {_SIMULATED}",
        settings=settings,
    )
