"""What no pool can be is refused with name, value, rule and remedy; single truths can be set."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import date

import pytest
from siyu.data.contract import CHANNELS
from siyu.data.world import Settings, SettingsError, with_effects
from siyu.data.world.funnel import Funnel
from siyu.data.world.staying import Staying


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"users": 0}, "users = 0 must be at least 1; the committed sample has 12000"),
        ({"seed": -1}, "seed = -1 must lie in [0, 2**63); use a small whole number"),
        ({"seed": 2**63}, f"seed = {2**63} must lie in [0, 2**63); use a small whole number"),
        (
            {"days": 89},
            "days = 89 must lie in [90, 3650], so that there is a month before and after the "
            "change; use 365",
        ),
        ({"days": 3651}, "days = 3651 must lie in [90, 3650]"),
        (
            {"days": 100, "funnel": Funnel(window_days=26)},
            "funnel.window_days = 26 must be at least 1 and at most a quarter of days = 100; use "
            "a shorter window",
        ),
        ({"funnel": Funnel(window_days=0)}, "funnel.window_days = 0 must be at least 1 and"),
        # Each part is asked for its own problems, which are tested beside it.
        (
            {"funnel": Funnel(tie_share=2.0)},
            "funnel.tie_share = 2.0 must be at least 0 and at most 1; give a fraction",
        ),
        ({"staying": Staying(resigned="013")}, "staying.resigned = 013 is nobody; use one of 001"),
    ],
)
def test_a_setting_out_of_range_is_named_with_its_rule_and_remedy(
    wrong: dict[str, object], message: str
) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings(**wrong)
    assert str(raised.value).startswith(message)


@pytest.mark.parametrize("days", [90, 91, 365, 3650])
def test_the_change_halves_the_observation(days: int) -> None:
    frame = Settings(days=days).frame
    assert frame.days == days
    assert frame.last_day == date(2026, 3, 31)
    before = frame.number(frame.change_day)
    assert before - (days - before) in (0, 1), "of an odd number the first half has the more"


def test_a_truth_is_set_by_its_name_and_nothing_else_changes() -> None:
    effects = [
        "staying.greeting_factor=1",
        "funnel.faults.store_poster.reply=0.25",
        "pushing.block_base=0.002",
    ]
    changed = with_effects(Settings(users=7), effects)
    assert changed.users == 7
    expected = asdict(Settings(users=7))
    expected["staying"]["greeting_factor"] = 1.0
    expected["funnel"]["faults"]["store_poster"]["reply"] = 0.25
    expected["pushing"]["block_base"] = 0.002
    assert asdict(changed) == expected
    assert type(changed.staying.greeting_factor) is float, "a whole number will do"


def test_a_day_is_set_as_it_is_written() -> None:
    changed = with_effects(Settings(), ["staying.resigned_on=2026-01-01"])
    assert changed.staying.resigned_on == date(2026, 1, 1)


def test_without_effects_the_settings_stay_as_they_are() -> None:
    assert with_effects(Settings(), []) == Settings()


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        ("greeting", "'greeting' is no NAME=VALUE; use staying.greeting_factor=1"),
        (
            "staying.greeting=1",
            "staying.greeting names no truth; after 'staying.' use leave_per_day, leave_at_once,",
        ),
        (
            "staying.leave_per_day=1",
            "staying.leave_per_day names no truth; after 'staying.leave_per_day' use physical, "
            "virtual, coupon, service",
        ),
        (
            "staying.night_factor.social=1",
            "staying.night_factor.social names no truth; after 'staying.night_factor.' use no more "
            "names: it is 1.25",
        ),
        (
            "staying.night_factor=a lot",
            "staying.night_factor = 'a lot' must be of the kind of 1.25; give such one",
        ),
        ("users=2.5", "users = 2.5 must be of the kind of 12000; give such one"),
        ("staying.resigned=[", "staying.resigned = [ is nobody; use one of 001, 002"),
        ("staying.night_factor=-1", "staying.night_factor = -1.0 must be at least 0; give a"),
    ],
)
def test_an_effect_that_cannot_be_says_what_there_is(effect: str, message: str) -> None:
    with pytest.raises(SettingsError) as raised:
        with_effects(Settings(), [effect])
    assert str(raised.value).startswith(message)


def test_settings_that_are_put_together_are_checked_again() -> None:
    table = Funnel().rates_after
    wrong = {**table, CHANNELS[0]: {**table[CHANNELS[0]], "add": 1.4}}
    with pytest.raises(SettingsError, match=r"funnel.rates_after.social.add = 1.4 must be"):
        replace(Settings(), funnel=Funnel(rates_after=wrong))
