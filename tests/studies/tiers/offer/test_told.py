"""What is said, drawn and found of offers: each outcome, in both languages."""

from __future__ import annotations

import json

import numpy as np
import pytest
from siyu import findings
from siyu.language import LANGUAGES, speaking
from siyu.studies.tiers import offer

from tests.studies.tiers.offer.builders import measures, members

LEVEL = 0.95
WORLDS = {
    "both": (measures(members=members(cost=4.0)), "“gift” pays for “middle” and should be stopped"),
    "helps": (
        measures(members=members(gifts=(0.0, 40.0, 60.0))),
        "“gift” pays for “middle”, “high”; for other tiers that is not clear",
    ),
    "hurts": (
        measures(members=members(gifts=(-30.0, -40.0, -50.0), size=200)),
        "“gift” should be stopped for “low”, “middle”, “high”",
    ),
    "none": (
        measures(members=members(gifts=(0.0,) * 3)),
        "For no tier is it clear that a strategy pays",
    ),
}
"""Strategies that help one tier and hurt another, only help, only hurt, and do nothing."""


@pytest.fixture(scope="module")
def told():
    """What is estimated of each world."""
    return {
        name: (
            one,
            offer.effects(one, level=LEVEL),
            offer.target(one, level=LEVEL),
            said,
        )
        for name, (one, said) in WORLDS.items()
    }


def test_what_all_did_alike_has_no_effect_on_the_aim_and_no_interval():
    table = members().assign(came_back=0.0, came_back_before=0.0)
    one = measures(members=table)
    found = offer.effects(one, level=LEVEL)
    given = {
        each.id: each
        for each in offer.conclude(one, found, offer.target(one, level=LEVEL), level=LEVEL)
    }
    aim = given["tiers.offer.aim.low.gift"]
    assert (aim.status, aim.value, aim.n) == ("insufficient", None, 240)
    assert "all members did the same" in aim.message
    assert given["tiers.offer.gain.low.gift"].ci_lower is not None


def test_what_a_choice_is_worth_is_not_told_of_a_tier_of_few_today():
    one = measures(today=(500, 200, 12))
    found = offer.effects(one, level=LEVEL)
    given = {
        each.id: each
        for each in offer.conclude(one, found, offer.target(one, level=LEVEL), level=LEVEL)
    }
    choice = given["tiers.offer.choice.high"]
    assert (choice.status, choice.value, choice.worth_cny) == ("insufficient", None, None)
    assert choice.action
    assert given["tiers.offer.choice.middle"].value > 0


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")
def test_each_outcome_is_said_drawn_and_found(told, world, language):
    one, found, scores, said = told[world]
    with speaking(language):
        title = offer.headline(one, found)
        text = [
            title,
            offer.say_effects(one, found),
            offer.say_choices(one, found, level=LEVEL),
            offer.say_targeting(scores, level=LEVEL),
        ]
        given = offer.conclude(one, found, scores, level=LEVEL)
        pictures = [
            offer.draw_effects(one, found, level=LEVEL),
            offer.draw_targeting(one, scores, level=LEVEL),
        ]
    assert title.startswith(said) or language != "en"
    assert all(text)
    assert not any("nan" in part or "–" in part for part in text)
    assert title in pictures[0].alt
    assert [len(picture.table) for picture in pictures] == [6, 22]
    document = findings.to_json(
        given, notebook="04", as_of="2026-03-31", source="shop", parameters={}
    )
    assert json.dumps(document, allow_nan=False)
    ids = {finding.id for finding in given}
    assert {"tiers.offer.choice.low", "tiers.offer.gain.middle.gift"} <= ids
    assert {"tiers.offer.aim.high.talk", "tiers.offer.differ.gift"} <= ids
    assert "tiers.offer.targeting.gift" in ids


def test_findings_are_judged_by_what_is_clear(told):
    one, found, scores, _ = told["both"]
    given = {each.id: each for each in offer.conclude(one, found, scores, level=LEVEL)}
    gain = {tier: given[f"tiers.offer.gain.{tier}.gift"] for tier in ("low", "middle", "high")}
    assert [gain[tier].status for tier in gain] == ["info", "ok", "alert"]
    assert gain["high"].action.startswith("Do not give “gift”")
    choice = given["tiers.offer.choice.middle"]
    assert (choice.status, choice.unit, choice.evidence) == ("ok", "cny", "randomised")
    assert choice.worth_cny == choice.value > 0
    assert given["tiers.offer.choice.low"].action.startswith(("Draw lots again", "Leave the tier"))
    assert given["tiers.offer.choice.low"].worth_cny is None
    assert choice.action.startswith("Give “gift” to this tier, and keep a tenth without it by lot")
    units = [given[f"tiers.offer.aim.{tier}.gift"].unit for tier in gain]
    assert units == ["share", "cny", "days"]


def test_the_choice_of_each_tier_is_said_with_its_worth_and_what_to_stop(told):
    one, found, _, _ = told["both"]
    said = offer.say_choices(one, found, level=LEVEL)
    row = found.choices.set_index("tier").loc["middle"]
    assert "“middle”: roll out “gift”. It leaves " in said
    assert f"{row['worth_cny']:,.0f} yuan for all 200 members" in said
    assert "Stop “gift” there: " in said
    assert "lack" in said or "have members enough" in said


def test_what_a_tier_is_to_do_more_of_can_stop_a_strategy_alone():
    table = members(gifts=(0.0,) * 3)
    hurt = (table["tier"] == 2) & (table["arm"] == 1)
    table.loc[hurt, "purchase_days"] = np.maximum(table.loc[hurt, "purchase_days"] - 2, 0)
    one = measures(members=table)
    found = offer.effects(one, level=LEVEL)
    said = offer.say_choices(one, found, level=LEVEL)
    assert "Stop “gift” there: it hurts what the tier is to do more of" in said


def test_whether_tiers_differ_is_said_in_the_title(told):
    one, found, _, _ = told["both"]
    assert offer.headline(one, found).endswith("; its effect differs between tiers (p < 0.001)")
    assert "“gift” helps some tiers and hurts others (p < 0.001)" in offer.say_effects(one, found)
    alike = measures(members=members(gifts=(30.0,) * 3))
    title = offer.headline(alike, offer.effects(alike, level=LEVEL))
    assert "; no clear difference between tiers (p = 0." in title
    larger = measures(members=members(gifts=(10.0, 30.0, 90.0)))
    said = offer.say_effects(larger, offer.effects(larger, level=LEVEL))
    assert said.startswith("What “gift” brings differs between tiers (p < 0.001)")


def test_what_is_not_read_is_said():
    table = members()
    place = table.groupby(["tier", "arm"]).cumcount()
    least = np.array([60, 55, 29])[table["arm"]]
    one = measures(
        members=table[(table["tier"] != 1) | (place < least)],
        immature=1_234,
        has_margin=False,
    )
    found = offer.effects(one, level=LEVEL)
    said = offer.say_effects(one, found)
    assert "Not read, since an arm has fewer than 30 members: talk for middle." in said
    assert "1,234 members were drawn too late" in said
    assert "amounts less refunds stand for them" in said
    assert "29" not in said
    assert offer.draw_effects(one, found, level=LEVEL).png


def test_a_tier_with_an_unfair_draw_is_named():
    table = members(size=200)
    lost = table.index[(table["tier"] == 0) & (table["arm"] == 1)][:65]
    one = measures(members=table.drop(lost))
    said = offer.say_effects(one, offer.effects(one, level=LEVEL))
    assert "Not read is “low”: the arms are not as large as they were drawn" in said


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")
@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"experiment": "", "arms": (), "shares": ()}, "No experiment gave offers to tiers"),
        ({"has_orders": False}, "No order that counts is on record"),
        ({"tiers": (), "objectives": (), "today": ()}, "No review of a tier is on record"),
        ({}, "Nobody drawn in “offers” can be read"),
        (
            {"members": members().query("arm != 1 or purchase_days > 1")},
            "“offers” is not read: its arms are not as large",
        ),
        ({"members": members(size=20)}, "in no tier have two arms 30 members"),
        ({"members": members().assign(margin_cny=1.0)}, "nobody in its arms brought any margin"),
    ],
)
def test_a_refusal_is_said_with_its_reason(other, said, language):
    one = measures(**{"members": members().iloc[:0]} | other)
    found, scores = offer.effects(one, level=LEVEL), offer.target(one, level=LEVEL)
    with speaking(language):
        (finding,) = offer.conclude(one, found, scores, level=LEVEL)
        title = offer.headline(one, found)
        assert offer.draw_effects(one, found, level=LEVEL).png
        assert offer.draw_targeting(one, scores, level=LEVEL).png
        assert offer.say_choices(one, found, level=LEVEL) == ""
        assert offer.say_effects(one, found) == title
    assert finding.status == "insufficient"
    assert said in title or language != "en"


def test_scores_are_said_by_what_they_tell():
    table = members(gifts=(0.0,) * 3, size=250)
    helped = (table["arm"] == 1) & (table["recency_days"] < 20)
    table.loc[helped, "margin_cny"] += 80
    table.loc[(table["arm"] == 1) & ~helped, "margin_cny"] -= 40
    one = measures(members=table)
    found, scores = offer.effects(one, level=LEVEL), offer.target(one, level=LEVEL)
    said = offer.say_targeting(scores, level=LEVEL)
    assert "Who should get “gift” can be told beyond the tier: given only to the " in said
    assert "Who should get “talk” cannot be told by a score" in said
    given = {each.id: each for each in offer.conclude(one, found, scores, level=LEVEL)}
    assert given["tiers.offer.targeting.gift"].action.startswith("Give “gift” by score")
    assert given["tiers.offer.targeting.talk"].status == "insufficient"
    few = measures(members=members(size=40))
    said = offer.say_targeting(offer.target(few, level=LEVEL), level=LEVEL)
    assert "“gift”: too few members to learn a score" in said
