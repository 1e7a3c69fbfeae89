"""Amounts as doses: planted slopes and the best amount, two routes, refusals, and what is said."""

from __future__ import annotations

import numpy as np
import pytest
from siyu.findings import to_json
from siyu.language import speaking
from siyu.stats.trend import trend_of_shares
from siyu.studies.lures import Definition, LureError, dose, price

from tests.studies.lures.made import experiment, people

LEVEL, VALUE = 0.95, 60.0
FACE = {"five": 5.0, "ten": 10.0, "twenty": 20.0}
COUPONS = Definition(experiment="lures", coupon_arms=tuple(FACE))


def arms(added=(0.3, 0.4, 0.55), *, redeemed=0.3, faces=FACE):
    return {
        name: {"added": own, "redeemed": redeemed, "coupon": face, "seed": i}
        for i, ((name, face), own) in enumerate(zip(faces.items(), added, strict=True))
    }


def read(named=None, *, doses=FACE, value=VALUE, **other):
    one = experiment(named or arms(), **{"definition": COUPONS, **other})
    return one, dose.read_doses(one, doses_cny=doses, value_per_retained_cny=value, level=LEVEL)


def test_costs_at_redemption_are_the_share_who_redeem_times_the_face_value():
    _, found = read()
    table = found.table.set_index("arm")
    assert table.index.tolist() == ["five", "ten", "twenty"]
    assert table.loc["ten", "redeemed_share"] == pytest.approx(0.3 * 0.4)
    assert table.loc["ten", "face_cny"] == pytest.approx(0.3 * 0.4 * 10)
    assert table["spent_cny"].tolist() == pytest.approx(table["face_cny"].tolist())
    assert table.loc["ten", "net_cny"] == pytest.approx(0.4 * 0.7 * VALUE - 1.2)
    assert found.off == ()


def test_the_line_is_that_of_the_shares_and_what_rises_stays_as_it_is():
    _, found = read()
    trend = trend_of_shares([120, 160, 220], [400] * 3, list(FACE.values()), level=LEVEL)
    assert found.trend == trend
    assert found.table["rising"].tolist() == pytest.approx(found.table["conversion"].tolist())


def test_conversions_that_fall_between_doses_are_pooled_in_the_curve_that_never_falls():
    _, found = read(arms((0.3, 0.5, 0.4)))
    assert found.table["rising"].tolist() == pytest.approx([0.3, 0.45, 0.45])


def test_net_benefit_and_the_chance_to_be_best_are_those_of_the_price():
    """Two routes: the same arms valued by `price`."""
    one, found = read()
    net = price.price(one, value_per_retained_cny=VALUE, level=LEVEL).worth.net.set_index("arm")
    table = found.table.set_index("arm")
    for name in ("net_cny", "chance", "gap_lower", "gap_upper"):
        assert table[name].tolist() == pytest.approx(net.loc[table.index, name].tolist())


@pytest.mark.parametrize(
    ("added", "redeemed", "value", "best", "clear"),
    [
        ((0.3, 0.4, 0.55), 0.3, 60.0, 20.0, True),
        ((0.3, 0.3, 0.3), 1.0, 10.0, 5.0, True),
        ((0.4, 0.42, 0.445), 0.1, 60.0, 20.0, False),
    ],
)
def test_the_best_amount_is_worth_most_and_its_chance_says_how_sure_that_is(
    added, redeemed, value, best, clear
):
    _, found = read(arms(added, redeemed=redeemed), value=value)
    leader = found.table.sort_values("net_cny").iloc[-1]
    assert leader["dose_cny"] == best
    assert (found.table["is_candidate"].sum() == 1) == clear
    assert (leader["chance"] > 0.95) == clear
    assert found.table["chance"].sum() == pytest.approx(1)


@pytest.mark.parametrize(
    ("added", "words"),
    [
        ((0.3, 0.4, 0.55), "A larger coupon brings more customers"),
        ((0.6, 0.45, 0.3), "A larger coupon brings fewer customers"),
        ((0.4, 0.41, 0.42), "Neither whether a larger coupon brings more customers is clear"),
    ],
)
def test_each_direction_has_its_sentence(added, words):
    one, found = read(arms(added))
    assert dose.headline(one, found).startswith(words)


def test_a_bend_is_said_where_a_line_does_not_say_it_all():
    one, found = read(arms((0.2, 0.6, 0.25)))
    assert "A line does not say it all" in dose.say_doses(one, found, level=LEVEL)
    one, found = read()
    assert "A line does not say it all" not in dose.say_doses(one, found, level=LEVEL)


def test_coupons_of_another_face_value_than_named_are_told():
    one, found = read(doses=FACE | {"ten": 15.0})
    assert found.off == ("ten",)
    assert "are not of the face value given" in dose.say_doses(one, found, level=LEVEL)
    assert found.table.set_index("arm").loc["ten", "spent_cny"] == pytest.approx(1.2)


def test_arms_that_are_not_named_are_left_out():
    _, found = read(arms() | {"gift": {"cost": 12.0}})
    assert found.table["arm"].tolist() == list(FACE)
    assert found.n == 1_200


def test_who_was_not_followed_long_enough_is_counted():
    late = experiment(arms()).people
    late = late.assign(followed_days=np.where(late["day"] > 14, 20.0, 60.0))
    one, found = read(people=late)
    assert (found.n, found.immature) == (900, 300)
    assert "300 people are left out" in dose.say_doses(one, found, level=LEVEL)


REFUSALS = {
    "none": {"refused": "none"},
    "unnamed": {"doses": {}},
    "ratio": {"drawn": experiment(arms()).drawn.query("arm == 0 or day < 12")},
    "clusters": {
        "definition": Definition(experiment="lures", coupon_arms=tuple(FACE), cluster="staff_id")
    },
    "stay": {"retention_days": ()},
    "redeemed": {"named": arms(redeemed=0.0)},
    "immature": {"people": experiment(arms()).people.assign(followed_days=3.0)},
    "doses": {"doses": {"five": 5.0, "ten": 10.0}},
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("refused", REFUSALS)
def test_each_refusal_is_said_drawn_and_concluded(refused, language):
    with speaking(language):
        one, found = read(**REFUSALS[refused])
        assert found.refused == refused
        said = dose.say_doses(one, found, level=LEVEL)
        (finding,) = dose.conclude(one, found, level=LEVEL)
        assert finding.status == "insufficient"
        assert finding.message.rstrip(".。") == said.rstrip(".。")
        assert dose.draw_doses(one, found, level=LEVEL).table.empty


def test_three_arms_of_two_amounts_are_no_doses():
    _, found = read(doses={"five": 5.0, "ten": 5.0, "twenty": 20.0})
    assert found.refused == "doses"


def test_an_arm_of_few_is_no_dose():
    tables = {name: people(i, 400 if i else 20, redeemed=0.1) for i, name in enumerate(FACE)}
    _, found = read(tables, shares=(0.02, 0.49, 0.49))
    assert found.refused == "doses"


def test_an_arm_with_an_amount_must_be_a_coupon_or_it_would_seem_free():
    with pytest.raises(LureError, match="must be one of coupon_arms"):
        read(definition=Definition(experiment="lures"))


@pytest.mark.parametrize(
    ("doses", "said"),
    [({"none": 1.0}, "has no arm"), ({"ten": -1.0}, "0 yuan or more"),
     ({"ten": np.nan}, "0 yuan or more")],
)  # fmt: skip
def test_a_dose_that_cannot_be_is_refused(doses, said):
    with pytest.raises(LureError, match=said):
        read(doses=doses)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_findings_keep_the_contract_and_stand_beside_the_figure(language):
    with speaking(language):
        one, found = read()
        findings = dose.conclude(one, found, level=LEVEL)
        to_json(findings, notebook="05", as_of="2026-03-31", source="a", parameters={})
        picture = dose.draw_doses(one, found, level=LEVEL)
    assert [each.id for each in findings] == ["lures.dose.trend", "lures.dose.choice"]
    assert findings[0].value == pytest.approx(10 * found.trend.slope)
    assert picture.undrawn == ""
    assert len(picture.table) == 3
