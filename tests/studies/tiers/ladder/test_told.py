"""Rungs by hand, and what is said, drawn and found of them in both languages."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.language import LANGUAGES, speaking
from siyu.stats.intervals import newcombe_difference, wilson
from siyu.studies.tiers import Definition, find_members, ladder

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
LEVEL = 0.95
RUNGS = ("(none)", "moments_like or moments_comment", "reply", "consult", "cart")


def measures(n=(500, 200, 100, 0, 150), ordered=(20, 9, 7, 0, 30), today=None, **other):
    table = pd.DataFrame({"rung": RUNGS, "n": n, "ordered": ordered})
    now = pd.DataFrame({"rung": RUNGS, "n": n if today is None else today})
    rng = np.random.default_rng(4)
    given = {
        "source": "shop",
        "as_of": dt.date(2026, 3, 31),
        "has_margin": True,
        "min_users": 30,
        "ladder_days": 30,
        "order_days": 30,
        "rungs": RUNGS,
        "unknown": (),
        "followed": table[table["n"] > 0],
        "today": now[now["n"] > 0],
        "earned": pd.DataFrame({"earned_cny": rng.gamma(2, 20, 200).round(2), "n": 1}),
        "n_before": 0,
        "has_events": True,
        "has_orders": True,
        "has_added": True,
    }
    return ladder.Measures(**given | other)


def test_each_rung_has_a_share_and_what_to_expect_today():
    one = measures(today=(400, 100, 50, 0, 80))
    found = ladder.estimate(one, level=LEVEL)
    row = found.rungs.set_index("rung").loc["cart"]
    assert row["rate"] == 30 / 150
    assert (row["ci_lower"], row["ci_upper"]) == tuple(map(float, wilson(30, 150, level=LEVEL)))
    assert row["expected"] == 80 * 0.2
    mean = one.earned["earned_cny"].mean()
    assert row["worth_cny"] == pytest.approx(16 * mean)
    assert row["point_cny"] == pytest.approx(0.8 * mean)
    assert found.total[0] == pytest.approx(400 * 0.04 + 100 * 0.045 + 50 * 0.07 + 16)


def test_a_rung_is_held_against_the_one_below_on_which_someone_stands():
    found = ladder.estimate(measures(), level=LEVEL).steps.set_index("rung")
    assert list(found["below"]) == [*RUNGS[:2], "reply"]  # nobody consulted
    expected = newcombe_difference(30, 150, 7, 100, level=1 - 0.05 / 3)
    assert tuple(found.loc["cart", ["difference", "ci_lower", "ci_upper"]]) == pytest.approx(
        tuple(map(float, expected))
    )
    assert list(found["verdict"]) == ["unclear", "unclear", "higher"]


def test_a_small_rung_is_hidden_with_the_next_smallest():
    found = ladder.estimate(
        measures(n=(500, 200, 40, 0, 12), ordered=(20, 9, 3, 0, 5)), level=LEVEL
    )
    assert list(found.rungs["state"]) == ["shown", "shown", "small", "nobody", "small"]
    assert found.rungs.loc[found.rungs["state"] == "small", "n"].isna().all()


def test_few_first_orders_or_losses_have_no_worth_and_no_orders_have_one_of_nothing():
    for earned in (pd.DataFrame({"earned_cny": [5.0], "n": [19]}),
                   pd.DataFrame({"earned_cny": [-5.0], "n": [40]}),
                   pd.DataFrame({"earned_cny": [], "n": []})):  # fmt: skip
        one = measures(earned=earned)
        found = ladder.estimate(one, level=LEVEL)
        assert found.rungs["point_cny"].isna().all()
        assert "their worth is not known" in ladder.say_today(one, found, level=LEVEL)
        assert all(each.worth_cny is None for each in ladder.conclude(one, found, level=LEVEL))
    nothing = ladder.estimate(measures(ordered=(0, 0, 0, 0, 0)), level=LEVEL)
    row = nothing.rungs.iloc[0]
    assert (row["expected"], row["worth_cny"], row["worth_lower"]) == (0, 0, 0)
    assert row["worth_upper"] > 0
    assert (nothing.steps["verdict"] == "unclear").all()


def test_amounts_that_stand_for_margins_are_said_to():
    one = measures(has_margin=False)
    found = ladder.estimate(one, level=LEVEL)
    assert "amounts less refunds stand for them" in ladder.say_today(one, found, level=LEVEL)


def test_each_outcome_of_the_headline_is_said():
    for ordered, said in (
        ((20, 9, 7, 0, 30), "those whose deepest recent interaction is “cart” order more: 20.0%"),
        ((100, 9, 7, 0, 5), "those whose deepest recent interaction is “cart” order less: 3.3%"),
        ((20, 9, 7, 0, 7), "no clear difference"),
    ):
        one = measures(ordered=ordered)
        assert said in ladder.say_headline(one, ladder.estimate(one, level=LEVEL), level=LEVEL)
    one = measures(n=(500, 0, 0, 0, 0), ordered=(20, 0, 0, 0, 0))
    told = ladder.say_headline(one, ladder.estimate(one, level=LEVEL), level=LEVEL)
    assert "no other rung can be shown" in told


def test_the_reading_describes_and_says_who_is_not_in_it():
    one = measures(
        n=(500, 200, 40, 0, 12), ordered=(20, 9, 3, 0, 5), n_before=40, unknown=("karte",)
    )
    said = ladder.say_ladder(one, ladder.estimate(one, level=LEVEL), level=LEVEL)
    for part in (
        "This describes, and proves nothing: who interacts more may be about to buy anyway",
        "Nobody stands on, or stood on: consult",
        "hidden with such a rung: reply, cart",
        "The log has no event called “karte”",
        "Left out are 40 followers who came before the observation",
    ):
        assert part in said
    few = measures(n_before=7)
    assert "Left out" not in ladder.say_ladder(few, ladder.estimate(few, level=LEVEL), level=LEVEL)


def test_each_rung_has_what_fits_it_and_what_a_point_is_worth():
    one = measures(n=(500, 200, 100, 60, 150), ordered=(20, 9, 7, 5, 30))
    found = ladder.estimate(one, level=LEVEL)
    given = {each.id: each for each in ladder.conclude(one, found, level=LEVEL)}
    for rung, action in (
        ("none", "a personal greeting"),
        ("moments_like_or_moments_comment", "content that fits their tags"),
        ("reply", "a newcomer's benefit"),
        ("consult", "advice by a member of staff"),
        ("cart", "a coupon for what lies in the cart"),
    ):
        finding = given[f"tiers.ladder.rate.{rung}"]
        assert action in finding.action
        assert "by lot first" in finding.action
        assert finding.evidence == "descriptive"
    assert given["tiers.ladder.rate.cart"].worth_cny == pytest.approx(1.5 * found.margin[0])
    # What comes even if nothing changes is not what acting is worth.
    assert given["tiers.ladder.expected"].worth_cny is None
    assert given["tiers.ladder.step.cart"].n == 210


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")
@pytest.mark.parametrize(
    ("other", "refused"),
    [
        ({}, ""),
        ({"n": (500, 200, 40, 0, 12), "ordered": (20, 9, 3, 0, 5)}, ""),
        ({"n": (500, 200, 99, 60, 150), "ordered": (90, 9, 0, 55, 3)}, ""),
        ({"has_events": False}, "events"),
        ({"has_orders": False}, "orders"),
        ({"has_added": False}, "added"),
        ({"followed": measures().followed[:0]}, "followed"),
        ({"n": (12, 9, 3, 0, 2), "ordered": (1, 1, 1, 0, 1)}, "few"),
    ],
)
def test_every_outcome_is_said_and_drawn_in_both_languages(other, refused, language):
    one = measures(**other)
    found = ladder.estimate(one, level=LEVEL)
    assert found.refused == refused
    with speaking(language):
        said = [
            say(one, found, level=LEVEL)
            for say in (ladder.say_headline, ladder.say_ladder, ladder.say_today)
        ]
        picture = ladder.draw_ladder(one, found, level=LEVEL)
        given = ladder.conclude(one, found, level=LEVEL)
    assert all(said)
    assert picture.png
    assert len({each.id for each in given}) == len(given)
    if refused:
        assert [each.status for each in given] == ["insufficient"]
        assert len(set(said)) == 1


@pytest.mark.slow
def test_on_the_sample_everybody_without_an_order_stands_on_one_rung():
    members = find_members(open_source(SAMPLE), Definition(), period_days=365)
    found = ladder.measure(members)
    users = members.users.to_pandas()
    first = members.orders.group_by("number").agg(at=members.orders.paid_at.min()).to_pandas()
    users = users.merge(first, on="number", how="left")
    end = pd.Timestamp(members.pool.as_of_end).tz_localize(None)
    there = users[users["added_at"].notna() & ~(users["left_at"] <= end) & users["at"].isna()]
    assert found.today["n"].sum() == len(there)
    assert found.n_before == 0
