"""What is said of looks and courses, each outcome in both languages, and the findings."""

from __future__ import annotations

import numpy as np
import pytest
from siyu.findings import to_json
from siyu.language import speaking
from siyu.studies.lures import daily

from tests.studies.lures.daily.builders import drawn, experiment

LEVEL = 0.95
SHORT = drawn([0.3, 0.4], days=13)
FADES = drawn([0.2, 0.2], daily=600, fading=0.2)


def read(given):
    return daily.watch(given, level=LEVEL), daily.follow(given, level=LEVEL)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (drawn([0.2, 0.5, 0.1]), "“b” was clearly ahead of every other arm"),
        (drawn([0.3, 0.3, 0.3]), "looks was one arm clearly ahead of every other, so"),
        (drawn([0.2, 0.5], control="a"), "“b” was clearly ahead of “a”"),
        (drawn([0.5, 0.2], control="a"), "every lure was clearly behind “a”"),
        (drawn([0.3, 0.3], control="a"), "was a lure clearly ahead of “a”"),
        (experiment([[200, 100]], [[50, 20]]), "arms are not as large as planned"),
        (drawn([0.3, 0.4], followed=3.0), "fewer than 30 people whose 7 days are over"),
        (drawn([0.3, 0.4], refused="one_arm"), "one arm only"),
    ],
)
def test_what_looking_every_day_would_have_told_is_said(given, words):
    looks, _ = read(given)
    said = daily.say_looks(given, looks)
    assert words in said
    # That it could have been stopped is true of who converts, not of what a lure is worth.
    assert looks.refused or ("y conversion alone" in said and "the verdict above" in said)


def test_a_pair_is_said_from_the_side_that_leads():
    given = drawn([0.2, 0.5])
    looks, courses = read(given)
    said = daily.say_looks(given, looks)
    assert "“b” was clearly ahead of “a” from" in said
    assert "“b” less “a”: +" in daily.say_courses(given, courses)
    assert "would have called no further pair" in said


def test_what_a_single_test_would_have_called_too_early_is_said():
    given = drawn([0.33, 0.3], seed=8)
    looks, _ = read(given)
    assert looks.pairs["verdict"].tolist() == ["unclear"]
    assert looks.pairs["naive_calls"].iloc[0] > 0
    assert "called a difference that is not clear: a less b" in daily.say_looks(given, looks)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (FADES, "The lead fades in the course of the test: a less b"),
        (drawn([0.1, 0.3], daily=600, fading=0.15), "The lead grows"),
        (drawn([0.3, 0.2]), "No clear sign that a lead fades or grows"),
        (SHORT, "people must have been drawn into all arms on 14 days"),
    ],
)
def test_whether_a_lead_fades_is_said(given, words):
    assert words in daily.say_courses(given, read(given)[1])


def test_days_that_differ_by_more_than_chance_are_said():
    n = np.full((20, 2), 200)
    came = np.stack([np.where(np.arange(20) % 2, 40, 90), np.full(20, 60)], axis=1)
    given = experiment(n, came)
    assert "by more than chance" in daily.say_courses(given, read(given)[1])


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("given", [FADES, SHORT, drawn([0.5, 0.2, 0.2], control="a")])
def test_findings_are_valid_and_stable_in_both_languages(given, language):
    with speaking(language):
        looks, courses = read(given)
        found = daily.conclude(given, looks, courses)
        to_json(found, notebook="x", as_of="2026-03-31", source="shop", parameters={})
        pictures = (
            daily.draw_looks(given, read(given)[0]),
            daily.draw_courses(given, read(given)[1]),
        )
    assert found[0].id == "lures.daily.stop"
    assert all(one.evidence == "randomised" for one in found)
    assert not any(picture.undrawn for picture in pictures)


def test_ids_name_the_pair_and_a_fading_lead_has_an_action():
    found = {one.id: one for one in daily.conclude(FADES, *read(FADES))}
    assert set(found) == {"lures.daily.stop", "lures.daily.look.a.b", "lures.daily.course.a.b"}
    assert found["lures.daily.course.a.b"].action
    assert found["lures.daily.stop"].unit == "days"


def test_what_cannot_be_read_is_insufficient():
    given = drawn([0.3, 0.4], followed=3.0)
    found = daily.conclude(given, *read(given))
    assert [(one.id, one.status) for one in found] == [
        ("lures.daily.stop", "insufficient"), ("lures.daily.course", "insufficient")
    ]  # fmt: skip
