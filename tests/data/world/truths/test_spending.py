"""The truths about spending are those of the settings."""

from __future__ import annotations

from functools import cache

import pytest
from siyu.data.world.boosts import Boosts
from siyu.data.world.people import PLACES, Arrivals
from siyu.data.world.settings import Settings
from siyu.data.world.truths.facts import Truth
from siyu.data.world.truths.spending import state_spending

TOUCHPOINTS = [touchpoint for _, touchpoint in PLACES]


@cache
def truths() -> dict[str, Truth]:
    return {truth.id.removeprefix("spending."): truth for truth in state_spending(Settings())}


def value(name: str) -> float:
    return truths()[name].value


def test_the_cost_is_stated_for_every_touchpoint() -> None:
    assert list(truths()) == [
        *(f"cost_per_person.{touchpoint}" for touchpoint in TOUCHPOINTS),
        "boost.half_life_hours",
        "boost.late_factor",
    ]


def test_the_cost_per_person_is_that_of_the_settings() -> None:
    # 44 impressions at 2.4 fen; the time that a member of staff takes.
    assert value("cost_per_person.short_video") == 1.056
    assert value("cost_per_person.staff_share") == 4.5


def test_the_truths_about_boosts_are_those_of_the_settings_and_name_their_days() -> None:
    assert value("boost.half_life_hours") == 2.0
    assert value("boost.late_factor") == 0.4
    settings = truths()["boost.late_factor"].settings
    assert settings["campaign"] == "短视频加热"
    assert settings["days_at_once"][:3] == ["2025-04-04", "2025-04-18", "2025-05-16"]
    assert settings["days_late"][:2] == ["2025-05-02", "2025-06-13"]
    other = Settings(arrivals=Arrivals(boosts=Boosts(late_factor=0.7, half_life_hours=3.0)))
    stated = {truth.id: truth.value for truth in state_spending(other)}
    assert stated["spending.boost.half_life_hours"] == 3.0
    assert stated["spending.boost.late_factor"] == 0.7


@pytest.mark.parametrize(
    ("boosts", "stated"),
    [
        (Boosts(share=0.0), []),
        (Boosts(late_every=1), ["half_life_hours"]),
        (Boosts(late_every=100), ["half_life_hours"]),
    ],
)
def test_nothing_is_stated_about_boosts_that_there_are_not(
    boosts: Boosts, stated: list[str]
) -> None:
    found = [truth.id for truth in state_spending(Settings(arrivals=Arrivals(boosts=boosts)))]
    assert [name.rpartition(".")[2] for name in found if ".boost." in name] == stated
