"""What is said, drawn and found of values: each outcome, each refusal, in both languages."""

from __future__ import annotations

import pytest
from siyu.language import LANGUAGES, speaking
from siyu.studies.tiers import value

from tests.studies.tiers.value.test_estimate import LEVEL, measures, members


def told(one):
    found = value.estimate(one, level=LEVEL)
    return found, [
        say(one, found, level=LEVEL)
        for say in (value.say_headline, value.say_values, value.say_parts, value.say_changes)
    ]


def findings(one):
    found = value.estimate(one, level=LEVEL)
    return {each.id: each for each in value.conclude(one, found, level=LEVEL)}


@pytest.mark.parametrize(
    ("orders", "said"),
    [
        (
            (0.3, 1.5, 3.0),
            "In the 60 days after the review of 1 Jan 2026, a member of “diamond” was",
        ),
        ((3.0, 1.5, 0.8), "a member of “diamond” was worth less margin"),
        ((1.5, 1.5, 1.5), "no clear difference in margin between a member of “diamond”"),
    ],
)
def test_the_headline_says_which_tier_is_worth_more(orders, said):
    _, (headline, *_) = told(measures(members=members(orders=orders)))
    assert said in headline


def test_one_tier_alone_has_a_headline_and_no_parts():
    found, (headline, _, parts, _) = told(measures(members=members(sizes=(400, 20, 20))))
    assert "a member of “ordinary” was worth" in headline
    assert parts.startswith("Fewer than two tiers can be read")
    assert found.gaps.empty


def test_it_is_said_that_tiers_are_described_and_what_counts():
    _, (_, values, parts, _) = told(measures())
    assert "This describes who is in a tier, and is not what a tier does" in values
    assert "were refunded in full and count as none" in values
    assert "The referral index is 1 + friends per member" in values
    assert "not what lifting one of them to the next tier would bring" in parts
    _, (_, values, *_) = told(measures(has_invites=False, has_margin=False))
    assert "no table of invitations, so the referral index is 1" in values
    assert "amounts less refunds stand for them" in values
    _, (_, values, *_) = told(measures(members=members(sizes=(400, 90, 12))))
    assert "“gold”, “diamond”: fewer than 30 members" in values


def test_parts_say_what_fits_the_factor_that_leads():
    _, (_, _, often, _) = told(measures())
    assert "“gold” 53.0 yuan more (27.7 to 94.6)" in often
    assert "“gold” stands above “ordinary” mainly by ordering more often" in often
    assert "groups and habits" in often
    dear = members(orders=(1.5, 1.5, 1.5), prices=(20, 60, 20))
    found, (_, _, parts, _) = told(measures(members=dear))
    assert "“gold” stands above “ordinary” mainly by a higher margin per order" in parts
    assert "yuan less (difference −" in parts
    assert list(found.gaps["leads"]) == ["margin", ""]
    _, (_, _, alike, _) = told(measures(members=members(orders=(1.5, 1.5, 1.5))))
    assert "“gold” not clearly other" in alike


@pytest.mark.parametrize(
    ("times", "status", "said"),
    [(0.2, "ok", "worth more"), (4.0, "alert", "worth less"), (1.0, "info", "No clear change")],
)
def test_a_change_is_judged_where_it_is_clear(times, status, said):
    table = members()
    table["margin_cny_before"] *= times
    one = measures(members=table)
    _, (*_, changes) = told(one)
    assert said in changes
    found = findings(one)["tiers.value.change.ordinary"]
    assert (found.status, found.threshold) == (status, None if status == "info" else 0)
    assert bool(found.action) == (status == "alert")
    assert "no earlier review" in told(measures(previous=None))[1][3]


def test_findings_describe_and_say_what_to_do():
    found = findings(measures(members=members(orders=(0.01, 1.5, 3.0))))
    assert set(found) == {
        *(f"tiers.value.{tier}" for tier in ("ordinary", "gold", "diamond")),
        "tiers.value.gap.diamond",
        *(f"tiers.value.change.{tier}" for tier in ("gold", "diamond")),
    }
    assert found["tiers.value.ordinary"].status == "insufficient"
    assert "fewer than 20 members ordered" in found["tiers.value.ordinary"].message
    gold = found["tiers.value.gold"]
    assert (gold.unit, gold.n, gold.evidence, gold.segment) == (
        "cny",
        90,
        "descriptive",
        {"tier": "gold"},
    )
    assert gold.action == ""  # it describes; the gap says what to do
    assert gold.worth_cny is None


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")
@pytest.mark.parametrize(
    "other",
    [
        {},
        {"members": members(orders=(1.5, 1.5, 1.5))},
        {"members": members(orders=(1.5, 1.5, 1.5), prices=(20, 60, 61))},
        {"members": members(orders=(0.3, 1.5, 4), prices=(20, 20, 20)), "previous": None},
        {"members": members(sizes=(400, 20, 20))},
        {"members": members(orders=(0.01, 1.5, 3.0))},
        {"tiers": ()},
        {"has_orders": False},
        {"review": None, "members": members()[:0]},
        {"members": members(orders=(0, 0, 0))},
    ],
)
def test_every_outcome_is_said_and_drawn_in_both_languages(other, language):
    one = measures(**other)
    with speaking(language):
        found, said = told(one)
        pictures = [draw(one, found, level=LEVEL) for draw in (value.draw_values, value.draw_parts)]
        given = value.conclude(one, found, level=LEVEL)
    assert all(said)
    assert all(picture.png for picture in pictures)
    assert len({each.id for each in given}) == len(given)
    if found.refused:
        assert [each.status for each in given] == ["insufficient"]
        assert pictures[0].table.empty
    else:
        assert len(pictures[0].table) == 3


def test_no_sentence_or_table_tells_a_small_tier():
    found, said = told(measures(members=members(sizes=(400, 90, 12))))
    assert not any("12 " in sentence or "(12" in sentence for sentence in said)
    hidden = found.tiers[found.tiers["refused"] == "small"].drop(columns=["tier", "refused"])
    assert hidden.isna().to_numpy().all()
    assert found.tiers["value"].notna().sum() == 1
