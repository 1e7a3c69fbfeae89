"""What is said, drawn and concluded of prices: each outcome has its sentence, in both languages."""

from __future__ import annotations

import pytest
from siyu.findings import to_json
from siyu.language import speaking
from siyu.studies.lures import Definition, price

from tests.studies.lures.made import experiment

LEVEL, VALUE = 0.95, 60.0
CONTROL = Definition(experiment="lures", control_arm="none")
REFUSALS = {
    "few": {"people": experiment().people.iloc[:429]},
    "stay": {"retention_days": ()},
    "cost": {"has_cost": False, "has_coupons": False},
    "negative": {"people": experiment().people.assign(cost_cny=-1.0)},
    "immature": {"people": experiment().people.assign(followed_days=29.0)},
    "ratio": {"drawn": experiment().drawn.query("arm == 0 or day < 12")},
    "none": {"refused": "none"},
    "one_arm": {"refused": "one_arm"},
}


def read(arms=None, *, value=VALUE, **other):
    one = experiment(arms, **other)
    return one, price.price(one, value_per_retained_cny=value, level=LEVEL)


def told(arms=None, **other):
    found = read(arms, **other)
    return " ".join(say(*found, level=LEVEL) for say in (price.say_prices, price.say_extra,
                                                         price.say_worth))  # fmt: skip


def test_the_sentences_hold_the_numbers_of_the_table():
    said = told()
    for number in ("2.9 yuan", "15.0 yuan", "28.0%", "0.80 yuan", "4.80 yuan", "800 people"):
        assert number in said


@pytest.mark.parametrize(
    ("gift", "words"),
    [
        ({"cost": 12.0, "added": 0.7}, "one more who stays costs"),
        ({"cost": 0.1, "added": 0.7}, "one more who stays saves"),
        ({"cost": 1.1, "added": 0.7}, "whether it costs more at all is not clear"),
        ({"cost": 12.0}, "no upper end; if it does keep more, one more costs at least"),
        ({"cost": 2.0}, "could be anything"),
        ({"cost": 0.1, "added": 0.15}, "one fewer who stays saves"),
        ({"cost": 12.0, "added": 0.15}, "keeps fewer and does not clearly cost less"),
    ],
)
def test_each_outcome_of_one_more_has_its_sentence(gift, words):
    assert words in told({"none": {"redeemed": 0.1}, "gift": gift}, definition=CONTROL)


def test_a_price_that_has_no_end_or_does_not_exist_is_said():
    dear = {"cost": 12.0, "stays": 0.012}
    assert "no upper end" in price.say_prices(*read({"coupon": {"redeemed": 0.1}, "gift": dear}),
                                              level=LEVEL)  # fmt: skip
    none = {"cost": 12.0, "stays": 0.0}
    said = price.say_prices(*read({"coupon": {"redeemed": 0.1}, "gift": none}), level=LEVEL)
    assert "nobody is still there on day 30" in said
    assert "nan" not in said


def test_the_headline_names_the_cheapest_only_where_that_is_clear():
    assert price.headline(*read()).startswith("A customer who is still there on day 30 costs least")
    alike = {"gift": {"cost": 12.0}, "talk": {"cost": 12.0, "seed": 2, "stays": 0.71}}
    assert price.headline(*read(alike)).startswith("No clear difference")
    alone = {"coupon": {"redeemed": 0.1}, "gift": {"cost": 12.0, "stays": 0.0}}
    assert price.headline(*read(alone)).startswith("In fewer than two arms")


@pytest.mark.parametrize(
    ("gift", "value", "words"),
    [
        ({"cost": 4.0, "added": 0.8}, 60.0, "“gift” clearly pays most"),
        ({"cost": 4.0, "added": 0.42}, 60.0, "it is not clear which pays most"),
        ({"cost": 4.0, "added": 0.8}, 60.0, "clearly better than it, above"),
        ({"cost": 12.0, "added": 0.42}, 60.0, "these data do not tell the two apart"),
        ({"cost": 2.3, "added": 0.41}, 60.0, "tell it apart from “coupon” at no value"),
        ({"cost": 1.5, "added": 0.7}, 60.0, "it is clearly better than “coupon”)"),
        ({"cost": 12.0, "added": 0.3}, 60.0, "no arm that keeps more"),
    ],
)
def test_which_arm_wins_is_said_with_how_sure_that_is(gift, value, words):
    assert words in told({"coupon": {"redeemed": 0.1}, "gift": gift}, value=value)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("refused", REFUSALS)
def test_each_refusal_is_said_drawn_and_concluded(refused, language):
    with speaking(language):
        one, found = read(**REFUSALS[refused])
        said = price.say_prices(one, found, level=LEVEL)
        assert said == price.say_extra(one, found, level=LEVEL)
        assert said == price.say_worth(one, found, level=LEVEL)
        (finding,) = price.conclude(one, found, level=LEVEL)
        assert finding.status == "insufficient"
        assert finding.message.rstrip(".。") == said.rstrip(".。")
        for draw in (price.draw_prices, price.draw_worth):
            assert draw(one, found, level=LEVEL).table.empty


@pytest.mark.parametrize("language", ["en", "zh"])
def test_findings_keep_the_contract_and_stand_beside_the_figures(language):
    with speaking(language):
        one, found = read({"coupon": {}, "gift": {"cost": 12.0}, "talk": {"cost": 4.0}})
        findings = price.conclude(one, found, level=LEVEL)
        document = to_json(findings, notebook="05", as_of="2026-03-31", source="a", parameters={})
        assert len(document["findings"]) == 3 + 1 + len(found.worth.switches) - 1
        assert {each.evidence for each in findings} == {"randomised"}
        pictures = [draw(one, found, level=LEVEL) for draw in (price.draw_prices, price.draw_worth)]
    assert [one.undrawn for one in pictures] == ["", ""]
    assert len(pictures[0].table) == 3


def test_a_price_of_one_more_without_an_upper_end_has_none_in_its_finding():
    found = {one.id: one for one in price.conclude(*read(), level=LEVEL)}
    one = found["lures.price.extra.gift"]
    assert one.ci_upper is None
    assert one.value > one.ci_lower > 0
    few = {"coupon": {"redeemed": 0.1}, "gift": {"cost": 12.0, "added": 0.15}}
    found = {one.id: one for one in price.conclude(*read(few), level=LEVEL)}
    assert found["lures.price.extra.gift"].value is None
