"""Every figure of the study can be drawn of every shop, whole, titled, and with its numbers."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from siyu.data import Source
from siyu.figures import Picture
from siyu.studies import funnel
from siyu.studies.funnel.definition import Definition

from tests.studies.funnel.builders import at

LEVEL = 0.95
OpenShop = Callable[..., Source]


def visits(users: int, *, converts: Callable[[int], bool], channel: Callable[[int], str]) -> dict:
    """Make a shop in which every user starts, and some convert two days later."""
    events, people = [], []
    for i in range(users):
        start = at(f"2026-01-{1 + (i + 12) % 24:02} 10:{i % 60:02}:{i % 59:02}")
        events.append({"user_id": f"{i:05}", "occurred_at": start, "event": "scan"})
        if converts(i):
            done = start.replace(day=start.day + 2)
            events.append({"user_id": f"{i:05}", "occurred_at": done, "event": "order"})
        people.append({"user_id": f"{i:05}", "touchpoint": channel(i)})
    return {"events": events, "users": people}


def pictures(pool: Source, definition: Definition, **options: object) -> list[Picture]:
    """Run the study as the notebook does."""
    measures = funnel.measure(pool, definition, period_days=21, **options)
    steps = funnel.steps(measures, level=LEVEL)
    compared = funnel.compare_segments(measures, level=LEVEL)
    change = funnel.compare_periods(measures, level=LEVEL)
    curve, medians = funnel.times(measures, level=LEVEL)
    weekly = funnel.trend(measures, level=LEVEL)
    late = funnel.late_against_early(measures, level=LEVEL)
    repairs = funnel.repair(measures, level=LEVEL, value_cny=50)
    gains = funnel.per_point(measures, level=LEVEL)
    variants = funnel.sensitivity(pool, definition, period_days=21)
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


def everybody(_: int) -> bool:
    return True


def nobody(_: int) -> bool:
    return False


def one_in_three(i: int) -> bool:
    return i % 3 == 0


SHOPS = {
    "an ordinary shop": visits(900, converts=one_in_three, channel=lambda i: f"poster {i % 4}"),
    "long Chinese names": visits(
        600, converts=one_in_three, channel=lambda i: "门店海报与收银台桌贴活动二维码" * (1 + i % 3)
    ),
    "names that look like formulas": visits(
        400, converts=one_in_three, channel=lambda i: f"$x^${i % 3}"
    ),
    "forty touchpoints": visits(
        1600, converts=lambda i: i % 7 == 0, channel=lambda i: f"touchpoint_{i % 40:02}"
    ),
    "one segment": visits(300, converts=one_in_three, channel=lambda _: "card"),
    "everybody converts": visits(300, converts=everybody, channel=lambda i: f"card {i % 2}"),
    "nobody converts": visits(300, converts=nobody, channel=lambda i: f"card {i % 2}"),
    "one user": visits(1, converts=everybody, channel=lambda _: "card"),
}


@pytest.mark.slow
@pytest.mark.parametrize("shop", SHOPS)
def test_every_figure_is_drawn_whole_with_its_finding_and_its_numbers(
    open_shop: OpenShop, shop: str
) -> None:
    tables = SHOPS[shop]
    if shop == "nobody converts":
        extra = {"user_id": "00000", "occurred_at": at("2026-01-01 00:00"), "event": "order"}
        tables = {**tables, "events": [*tables["events"], extra]}
    pool = open_shop(**tables)
    definition = Definition(steps=["scan", "order"], window_days=5)
    drawn = pictures(pool, definition, by=["touchpoint"], min_users=10)
    assert len({picture.name for picture in drawn}) == len(drawn)
    for picture in drawn:
        pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("L"))
        assert pixels.min() < 130, picture.name
        for edge in (pixels[:5], pixels[-5:], pixels[:, :5], pixels[:, -5:]):
            assert edge.min() > 250, f"{picture.name} is cut off"
        assert len(picture.alt) > 30
        assert "nan" not in picture.alt


def test_of_very_many_segments_the_largest_are_drawn_and_all_are_in_the_table(
    open_shop: OpenShop,
) -> None:
    pool = open_shop(**SHOPS["forty touchpoints"])
    definition = Definition(steps=["scan", "order"], window_days=5)
    segments = pictures(pool, definition, by=["touchpoint"], min_users=10)[2]
    assert len(segments.table) == 40
    assert Image.open(io.BytesIO(segments.png)).height < 1700


def test_a_single_user_is_never_drawn(open_shop: OpenShop) -> None:
    pool = open_shop(**SHOPS["one user"])
    drawn = pictures(pool, Definition(steps=["scan", "order"], window_days=5), by=["touchpoint"])
    assert all(picture.table.empty for picture in drawn)
    assert "Only 1 users have a start" in drawn[0].alt
