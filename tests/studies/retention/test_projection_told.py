"""What is said, found and drawn of a projection: held, missed, and why there is none."""

import io
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from siyu.language import speaking
from siyu.studies.retention.projection import (
    conclude_projection,
    draw_projection,
    project,
    say_connected,
    say_holdout,
    say_projection,
)

from tests.studies.retention.test_projection import falling, made

LEVEL = 0.95
HELD = made(falling)
TOO_HIGH = made(lambda k: falling(k) + 0.1 * (k > 10))
TOO_LOW = made(lambda k: falling(k) * (k <= 8))
SHORT = made(falling, oldest=7)
OUTCOMES = {
    "held": (HELD, "by a projection whose test held", "这项推算经住了检验"),
    "too high": (TOO_HIGH, "No projection can be trusted: the one made as of 6 Dec", "推算不可信"),
    "too low": (TOO_LOW, "and as many as", "实际多达"),
    "untested": (SHORT, "Not long enough observed", "观察时间还不够"),
    "nobody": (made(falling, n=0), "No user was added from 13 Sep 2025", "没有新加的用户"),
    "one user": (made(falling, n=1, oldest=0), "Only 1 user was added", "只有 1 位，人太少"),
    "few users": (made(falling, n=1), "Only 21 users were added", "只有 21 位，人太少"),
    "nobody left": (made(lambda _: 0), "None of 21,000 users has left", "还没有人"),
    "few left": (
        made(lambda _: 0.3, n=10, oldest=3),
        "Only 15 of 40 users have left in weeks that are over: fewer than 20",
        "离开的只有 15 位，不足 20 位",
    ),
    "at once": (
        made(lambda k: 0.5 * (k == 1)),
        "All 10,000 users who left did so in their first week",
        "离开的 10,000 位用户都在加粉后的第一周",
    ),
}


def findings(lives, **options):
    projection = project(lives, level=LEVEL, **options)
    return {one.id: one for one in conclude_projection(lives, projection, level=LEVEL)}


@pytest.mark.parametrize(("lives", "english", "chinese"), OUTCOMES.values(), ids=OUTCOMES)
def test_every_outcome_is_said_in_both_languages(lives, english, chinese):
    projection = project(lives, level=LEVEL)
    assert english in say_projection(lives, projection, level=LEVEL)
    with speaking("zh"):
        assert chinese in say_projection(lives, projection, level=LEVEL)


def test_what_held_is_said_with_its_numbers():
    """A geometric series of weeks would end at 12.3% after 52; what was predicted came."""
    projection = project(HELD, level=LEVEL)
    assert say_projection(HELD, projection, level=LEVEL) == (
        "Of newcomers 20.3% are expected to be still connected at the end of week 26 "
        "(95% CI 19.5% to 21.1%), by a projection whose test held"
    )
    assert say_holdout(projection.holdout, level=LEVEL) == (
        "The projection made as of 6 Dec 2025 held: 57.5% of those connected then were expected to "
        "stay for another 56 days, and 57.3% did. Of 7,141 users connected at the end of the last "
        "full week that each had lived through by 6 Dec 2025, 57.3% (95% CI 56.2% to 58.5%) were "
        "still connected 56 days later; what was known then predicts 57.5% (95% prediction "
        "interval 55.7% to 59.3%), and a constant weekly share of leavers 38.3%."
    )
    assert say_connected(projection, level=LEVEL) == (
        "Of 9,357 users connected at the end of the last full week that each has lived through, "
        "4,817 (95% prediction interval 4,682 to 4,952) are expected to be still connected 91 days "
        "later"
    )


def test_weeks_say_how_far_they_reach():
    found = findings(HELD, weeks=[4, 26, 52])
    assert "that long has been observed" in found["retention.projection.week_4"].message
    assert "whose test held" in found["retention.projection.week_26"].message
    assert "no test has reached so far ahead" in found["retention.projection.week_52"].message


def test_findings_have_numbers_where_the_test_held():
    found = findings(HELD)
    weeks = [f"retention.projection.week_{k}" for k in (4, 13, 26, 52)]
    names = ["retention.projection.holdout", *weeks, "retention.projection.connected"]
    assert list(found) == names
    for one in found.values():
        assert one.status == "info"
        assert one.ci_lower < one.value < one.ci_upper
    assert found["retention.projection.holdout"].n == 7_141
    assert found["retention.projection.connected"].unit == "users"
    assert found["retention.projection.connected"].n == 9_357
    assert found["retention.projection.week_52"].n == 21_000


@pytest.mark.parametrize("lives", [TOO_HIGH, TOO_LOW])
def test_findings_have_no_numbers_where_the_test_missed_but_what_came(lives):
    found = findings(lives)
    holdout = found.pop("retention.projection.holdout")
    assert holdout.status == "info"
    assert holdout.ci_lower < holdout.value < holdout.ci_upper
    assert "No projection can be trusted" in holdout.message
    assert len(found) == 5
    for one in found.values():
        assert (one.status, one.value) == ("insufficient", None)
        assert "No projection can be trusted" in one.message


def test_without_a_test_nothing_is_found():
    found = findings(SHORT)
    assert len(found) == 6
    for one in found.values():
        assert (one.status, one.value) == ("insufficient", None)
        assert "Not long enough observed" in one.message
    assert say_holdout(None, level=LEVEL) == ""
    assert say_connected(project(SHORT, level=LEVEL), level=LEVEL) == ""


def test_without_a_model_one_finding_says_why():
    found = findings(OUTCOMES["nobody left"][0])
    assert list(found) == ["retention.projection"]
    assert found["retention.projection"].status == "insufficient"
    assert "nothing tells how many will" in found["retention.projection"].message


def test_of_few_who_are_still_there_no_number_is_found():
    lives = made(falling, n=250, youngest=10)
    there = lives.there()["n"].sum()
    found = findings(replace(lives, min_users=int(there) + 1))
    assert found["retention.projection.week_26"].status == "info"
    few = found["retention.projection.connected"]
    assert (few.status, few.value) == ("insufficient", None)
    assert (
        few.message
        == f"Fewer than {there + 1} users are still connected: there is nothing to project."
    )


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("lives", [HELD, TOO_HIGH, SHORT], ids=["held", "missed", "untested"])
def test_the_figure_is_drawn_whole_with_its_finding_and_its_numbers(lives, language):
    with speaking(language):
        projection = project(lives, level=LEVEL)
        drawn = draw_projection(lives, projection, level=LEVEL)
        assert say_projection(lives, projection, level=LEVEL) in drawn.alt
    pixels = np.asarray(Image.open(io.BytesIO(drawn.png)).convert("L"))
    assert pixels.shape[1] == 1800
    assert (pixels[:, -4:] > 250).all()
    assert pixels.min() < 60
    assert drawn.name == "projection"
    assert drawn.table["weeks"].tolist() == list(range(53))


def test_a_pool_that_everybody_has_left_is_drawn_too():
    """All who were there in week 12 leave, and the last who were added have been gone for long."""
    lives = made(lambda k: falling(k) if k < 12 else 1.0, youngest=13)
    projection = project(lives, weeks=[4, 13], level=LEVEL)
    curve = projection.curve.set_index("weeks")
    assert curve.loc[12, "share"] == 0
    assert np.isnan(curve.loc[12, "share_upper"])
    assert draw_projection(lives, projection, level=LEVEL).png
    assert say_connected(projection, level=LEVEL) == ""


def test_where_nothing_can_be_projected_the_reason_is_drawn():
    lives = OUTCOMES["nobody left"][0]
    drawn = draw_projection(lives, project(lives, level=LEVEL), level=LEVEL)
    assert "None of 21,000 users has left" in drawn.alt
    assert drawn.table.empty
