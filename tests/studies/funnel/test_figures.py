"""Every figure of the study can be drawn of every shop, whole, titled, and with its numbers."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image
from siyu.data import Source
from siyu.figures import Picture
from siyu.studies import funnel
from siyu.studies.funnel.definition import Definition

from tests.studies.funnel.builders import at

LEVEL = 0.95
OPTIONS = {"period_days": 21, "by": ["touchpoint"], "min_users": 10}
OpenShop = Callable[..., Source]


class Shop(NamedTuple):
    tables: dict[str, object]
    definition: Definition


def visits(
    users: int,
    *,
    reached: Callable[[int], int],
    touchpoint: Callable[[int], str],
    steps: Sequence[str] = ("scan", "order"),
    first: str = "2026-01-01",
    days: int = 24,
) -> Shop:
    """Make a shop in which users start evenly over some days, and take a step every 16 hours.

    The first user has done all steps before, so that the log knows their names.
    """
    events, people = [], []
    for i in range(users):
        name = f"{i:05}"
        start = at(f"{first} 10:00") + timedelta(
            days=(i + 12) % days, minutes=i % 60, seconds=i % 59
        )
        times = [start + timedelta(hours=16 * k) for k in range(reached(i))]
        done = [(event, when) for event, when in zip(steps, times, strict=False)]
        if i == 0:
            done += [(event, at(f"{first} 00:00")) for event in steps[1:]]
        events += [{"user_id": name, "occurred_at": when, "event": event} for event, when in done]
        people.append({"user_id": name, "touchpoint": touchpoint(i)})
    tables = {"events": events, "users": people, "observed": (first, "2026-01-31")}
    return Shop(tables, Definition(steps=steps, window_days=5))


def pictures(open_shop: OpenShop, shop: Shop, **options: object) -> list[Picture]:
    """Run the study as the notebook does."""
    pool = open_shop(**shop.tables)
    measures = funnel.measure(pool, shop.definition, **options)
    steps = funnel.steps(measures, level=LEVEL)
    compared = funnel.compare_segments(measures, level=LEVEL)
    change = funnel.compare_periods(measures, level=LEVEL)
    curve, medians = funnel.times(measures, level=LEVEL)
    weekly = funnel.trend(measures, level=LEVEL)
    late = funnel.late_against_early(measures, level=LEVEL)
    repairs = funnel.repair(measures, level=LEVEL, value_cny=50)
    gains = funnel.per_point(measures, level=LEVEL)
    variants = funnel.sensitivity(pool, shop.definition, period_days=21)
    variants = funnel.with_intervals(variants, level=LEVEL, min_users=measures.min_users)
    return [
        funnel.draw_steps(measures, steps, level=LEVEL),
        funnel.draw_change(measures, change, level=LEVEL),
        funnel.draw_segments(measures, compared, steps, level=LEVEL),
        funnel.draw_times(measures, curve, medians, level=LEVEL),
        funnel.draw_trend(measures, weekly, late, level=LEVEL),
        funnel.draw_repair(measures, repairs, gains, level=LEVEL),
        funnel.draw_definitions(measures, variants, level=LEVEL),
    ]


def one_in_three(i: int) -> int:
    return 2 if i % 3 == 0 else 1


FOUR = ("scan", "add", "reply", "order")
SEVEN = ("scan", "add", "greet", "reply", "browse", "cart", "order")
EARLIER = {"first": "2025-12-12", "days": 44}
"""Starts in both spans of 16 days, which end on 10 and 26 January."""
SHOPS = {
    "an ordinary shop": visits(900, reached=one_in_three, touchpoint=lambda i: f"poster {i % 4}"),
    "long Chinese names": visits(
        600,
        reached=one_in_three,
        touchpoint=lambda i: "门店海报与收银台桌贴活动二维码" * (1 + i % 3),
    ),
    "names that look like formulas": visits(
        400, reached=one_in_three, touchpoint=lambda i: f"$x^${i % 3}"
    ),
    "forty touchpoints": visits(
        1600, reached=lambda i: 1 + (i % 7 == 0), touchpoint=lambda i: f"touchpoint_{i % 40:02}"
    ),
    "one segment": visits(300, reached=one_in_three, touchpoint=lambda _: "card"),
    "everybody converts": visits(300, reached=lambda _: 2, touchpoint=lambda i: f"card {i % 2}"),
    "nobody converts": visits(300, reached=lambda _: 1, touchpoint=lambda i: f"card {i % 2}"),
    "few convert, and some are still inside their window": visits(
        240,
        reached=lambda i: 1 + (i % 60 == 0),
        touchpoint=lambda i: f"card {i % 2}",
        first="2026-01-05",
        days=27,
    ),
    "one user": visits(1, reached=lambda _: 2, touchpoint=lambda _: "card"),
    "four steps and a span before": visits(
        1200,
        reached=lambda i: 1 + i % 11 % 4,
        touchpoint=lambda i: f"poster {i % 3}",
        steps=FOUR,
        **EARLIER,
    ),
    "forty touchpoints and a span before": visits(
        3000,
        reached=one_in_three,
        touchpoint=lambda i: f"touchpoint_{i % 40:02}",
        **EARLIER,
    ),
    "one segment and a span before": visits(
        600, reached=lambda i: 1 + i % 4, touchpoint=lambda _: "card", steps=FOUR, **EARLIER
    ),
    "seven steps, none of them taken, and a span before": visits(
        600, reached=lambda _: 1, touchpoint=lambda i: f"card {i % 2}", steps=SEVEN, **EARLIER
    ),
    "four steps, none of them taken, and a span before": visits(
        600, reached=lambda _: 1, touchpoint=lambda i: f"card {i % 2}", steps=FOUR, **EARLIER
    ),
}


def height_of(picture: Picture) -> int:
    return Image.open(io.BytesIO(picture.png)).height


@pytest.mark.slow
@pytest.mark.parametrize("shop", SHOPS)
def test_every_figure_is_drawn_whole_with_its_finding_and_its_numbers(
    open_shop: OpenShop, shop: str
) -> None:
    drawn = pictures(open_shop, SHOPS[shop], **OPTIONS)
    assert len({picture.name for picture in drawn}) == len(drawn)
    for picture in drawn:
        pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("L"))
        assert pixels.min() < 130, picture.name
        for edge in (pixels[:5], pixels[-5:], pixels[:, :5], pixels[:, -5:]):
            assert edge.min() > 250, f"{picture.name} is cut off"
        assert len(picture.alt) > 30
        assert "nan" not in picture.alt


@pytest.mark.slow
def test_a_change_is_drawn_where_the_log_reaches_back(open_shop: OpenShop) -> None:
    """By segment, the largest of forty; with one segment by step."""
    drawn = {}
    for name in ("four steps", "forty touchpoints", "one segment"):
        shop = SHOPS[f"{name} and a span before"]
        measures = funnel.measure(open_shop(**shop.tables), shop.definition, **OPTIONS)
        change = funnel.compare_periods(measures, level=LEVEL)
        drawn[name] = funnel.draw_change(measures, change, level=LEVEL)
    posters = drawn["four steps"].table["segment"].tolist()
    assert posters == ["poster 0", "poster 1", "poster 2"]
    assert len(drawn["forty touchpoints"].table) == 40
    assert height_of(drawn["forty touchpoints"]) < 1900
    assert drawn["one segment"].table["step"].tolist() == ["add", "reply", "order"]


@pytest.mark.slow
def test_of_very_many_segments_the_largest_are_drawn_and_all_are_in_the_table(
    open_shop: OpenShop,
) -> None:
    segments = pictures(open_shop, SHOPS["forty touchpoints"], **OPTIONS)[2]
    assert len(segments.table) == 40
    assert height_of(segments) < 1700


def test_a_single_user_is_never_drawn(open_shop: OpenShop) -> None:
    drawn = pictures(open_shop, SHOPS["one user"], **OPTIONS)
    assert all(picture.table.empty for picture in drawn)
    assert "Only 1 user has a start" in drawn[0].alt
