"""What is true of the funnel: by large simulations of its settings, never from the data."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from siyu.data.contract import CHANNELS
from siyu.data.world.draws import DAY, NEVER, Floats, Ints
from siyu.data.world.funnel import draw_conversions, locate_periods
from siyu.data.world.people import PLACES
from siyu.data.world.pool import draw_core
from siyu.data.world.truths.facts import Truth, truth_stream

if TYPE_CHECKING:
    from siyu.data.world.settings import Settings

FUNNEL = ("scan", "add", "reply", "order")
ENTRIES = ("best", "first")
PERIODS = ("before", "after")
BATCHES = 20
BATCH_USERS = 30_000


def state_funnel(settings: Settings) -> list[Truth]:
    """Compute what an infinitely large pool with these settings shows in the funnel study.

    Each batch draws people and their paths as the data are drawn (repeated starts and leaving
    included) and reads them by the study's definition. The value is that of all batches together;
    the Monte Carlo standard error comes from the spread between batches. Potential outcomes repeat
    the same random numbers under other settings.

    Args:
        settings: the truths; `users` and `seed` play no part.

    Returns:
        Conversion, step rates, the change between the periods with its mix and rate parts, what the
        planted faults cost, and the null. A rate among people who never occur is left out.
    """
    drawn = _count_batches(settings)
    mended = (
        _count_batches(replace(settings, funnel=replace(settings.funnel, faults={})))
        if settings.funnel.faults
        else drawn
    )
    draws = f"{BATCHES * BATCH_USERS} users"
    simulated = f"simulated, {draws}"
    compared = f"simulated potential outcomes, {draws}, on common random numbers"
    with np.errstate(invalid="ignore"):
        facts = [*_conversions(drawn), *_step_rates(drawn), *_changes(drawn)]
        found = [_state(settings, simulated, *fact) for fact in facts]
        found += [_state(settings, compared, *fact) for fact in _faults(settings, drawn, mended)]
    return [*(truth for truth in found if math.isfinite(truth.standard_error)), _null(settings)]


def _state(settings: Settings, how: str, name: str, entry: str, words: str, value: Floats) -> Truth:
    return Truth(
        id=f"funnel.{name}",
        estimand=words,
        value=round(float(value[0]), 6),
        standard_error=round(float(np.std(value[1:], ddof=1) / np.sqrt(BATCHES)), 6),
        computed=how,
        settings=_study(settings, entry),
    )


def measure_depths(
    scanned_at: Ints, later: tuple[Ints, ...], *, opens: int, closes: int, window_days: int
) -> tuple[Ints, Ints]:
    """Count the steps of FUNNEL that each person reaches, in order, within the window of one start.

    Args:
        scanned_at: seconds, one row per person and one column per exposure.
        later: seconds of the later steps, one element per person.
        opens: first eligible second of a start.
        closes: last eligible second of a start.
        window_days: days from the start within which the steps count.

    Returns:
        Steps reached (0: no eligible start) from the best start and from the first start.
    """
    start = np.where((scanned_at >= opens) & (scanned_at <= closes), scanned_at, NEVER)
    latest = start + window_days * DAY
    depth = (start < NEVER).astype(np.int64)
    previous = start
    for step, at in enumerate(later, start=1):
        # Later steps happen once, so the earliest chain from a start is the only one.
        depth += (depth == step) & (at[:, None] >= previous) & (at[:, None] <= latest)
        previous = at[:, None]
    first = depth[np.arange(len(start)), start.argmin(axis=1)]
    return depth.max(axis=1), first


def _count_batches(settings: Settings) -> Floats:
    """Counts of all batches together, then of each batch, along the first axis."""
    batches = [_count(settings, batch) for batch in range(BATCHES)]
    return np.stack([np.sum(batches, axis=0), *batches]).astype(float)


def _count(settings: Settings, batch: int) -> NDArray[np.int64]:
    """People by entry, period, place and step reached (at least so far) in one batch."""
    stream = truth_stream(batch)
    core = draw_core(settings, users=BATCH_USERS, stream=stream)
    after = draw_conversions(settings.funnel, core.people, core.stay, stream=stream)
    later = (core.stay.added_at, after.replied_at, after.ordered_at)
    counts = np.zeros((len(ENTRIES), len(PERIODS), len(PLACES), len(FUNNEL)), dtype=np.int64)
    periods = locate_periods(settings.funnel, settings.frame)
    for period, (opens, closes) in enumerate(periods.values()):
        depths = measure_depths(
            core.scanned_at,
            later,
            opens=opens,
            closes=closes,
            window_days=settings.funnel.window_days,
        )
        for entry, depth in enumerate(depths):
            for step in range(len(FUNNEL)):
                reached = core.people.place[depth > step]
                counts[entry, period, :, step] = np.bincount(reached, minlength=len(PLACES))
    return counts


_Value = tuple[str, str, str, Floats]
"""Id, entry, estimand in words, value for all batches and each of them."""


def _segments() -> dict[str, list[int]]:
    """Places that belong to everyone, and to each channel."""
    everyone = {"all": list(range(len(PLACES)))}
    return everyone | {
        channel: [i for i, (name, _) in enumerate(PLACES) if name == channel]
        for channel in CHANNELS
    }


def _conversions(counts: Floats) -> Iterator[_Value]:
    for e, entry in enumerate(ENTRIES):
        for p, period in enumerate(PERIODS):
            for segment, places in _segments().items():
                reached = counts[:, e, p, places].sum(axis=1)
                yield (
                    f"conversion.{entry}.{period}.{segment}",
                    entry,
                    f"share of the people ({segment}) with an eligible scan in the period {period} "
                    "the change who add, reply and order, in order, within the window of their "
                    f"{entry} scan",
                    reached[:, -1] / reached[:, 0],
                )


def _step_rates(counts: Floats) -> Iterator[_Value]:
    touchpoints = {touchpoint: [i] for i, (_, touchpoint) in enumerate(PLACES)}
    for p, period in enumerate(PERIODS):
        for segment, places in (_segments() | touchpoints).items():
            reached = counts[:, 0, p, places].sum(axis=1)
            for k in range(1, len(FUNNEL)):
                yield (
                    f"step_rate.best.{period}.{segment}.{FUNNEL[k]}",
                    "best",
                    f"share of the people ({segment}, period {period} the change) who reach "
                    f"{FUNNEL[k]} among those who reach {FUNNEL[k - 1]}, in order, within the "
                    "window of their best scan",
                    reached[:, k] / reached[:, k - 1],
                )


def _changes(counts: Floats) -> Iterator[_Value]:
    """The change of the conversion and its parts by channel (Kitagawa 1955, midpoint weights)."""
    channels = list(_segments().values())[1:]
    for e, entry in enumerate(ENTRIES):
        reached = np.stack([counts[:, e][:, :, places].sum(axis=2) for places in channels], axis=2)
        rate = reached[..., -1] / reached[..., 0]
        share = reached[..., 0] / reached[..., 0].sum(axis=2, keepdims=True)
        mix = ((share[:, 1] - share[:, 0]) * (rate[:, 0] + rate[:, 1]) / 2).sum(axis=1)
        within = ((rate[:, 1] - rate[:, 0]) * (share[:, 0] + share[:, 1]) / 2).sum(axis=1)
        for part, words, value in (
            (
                "total",
                "change of the conversion of all people from the first period to the second",
                mix + within,
            ),
            ("mix", "part of that change that comes from the mix of channels", mix),
            ("rate", "part of that change that comes from the conversion within channels", within),
        ):
            yield f"change.{entry}.{part}", entry, words, value


def _faults(settings: Settings, counts: Floats, whole: Floats) -> Iterator[_Value]:
    touchpoints = [touchpoint for _, touchpoint in PLACES]
    for touchpoint in settings.funnel.faults:
        i = touchpoints.index(touchpoint)
        for p, period in enumerate(PERIODS):
            with_fault, without = (
                table[:, 0, p, i, -1] / table[:, 0, p, i, 0] for table in (counts, whole)
            )
            yield (
                f"fault.best.{period}.{touchpoint}",
                "best",
                f"conversion of the people of {touchpoint} (period {period} the change) as it is, "
                "less what it would be without the fault there",
                with_fault - without,
            )


def _study(settings: Settings, entry: str) -> dict[str, object]:
    return {
        "steps": list(FUNNEL),
        "window_days": settings.funnel.window_days,
        "entry": entry,
        "order": "ordered",
        "ties": "either",
        "period_days": (settings.frame.last_day - settings.frame.change_day).days + 1,
        "as_of": settings.frame.last_day.isoformat(),
    }


def _null(settings: Settings) -> Truth:
    return Truth(
        id="funnel.difference.gender",
        estimand="conversion of women less conversion of men, in either period",
        value=0.0,
        standard_error=0.0,
        computed="closed form: gender is drawn apart from everything else",
        settings=_study(settings, "best"),
    )
