"""The plan: by hand, its invariants, what cannot be planned, and what is said of it."""

from __future__ import annotations

import datetime as dt
import json

import numpy as np
import pandas as pd
import pytest
from siyu.findings import to_json
from siyu.language import LANGUAGES, speaking
from siyu.studies.tiers import Members, TierError
from siyu.studies.tiers import plan as tiers_plan
from siyu.studies.tiers.plan import plan, sentences
from siyu.studies.tiers.plan.effects import joint_covariance, spread_of

LEVEL = 0.95
MEMBERS = Members(
    source="shop",
    begins=dt.date(2025, 1, 1),
    first=dt.date(2025, 4, 1),
    as_of=dt.date(2026, 3, 31),
    min_users=30,
    tiers=("low", "high"),
    has_orders=True,
    has_margin=True,
    has_basis=True,
    pool=None,
)


def table(rows, *, error=1e-4, n=100):
    """Effects from (tier, strategy, members, gain, cost): so well known that none is luck."""
    names = ["tier", "strategy", "members", "gain_cny", "cost_cny"]
    effects = pd.DataFrame(rows, columns=names).assign(n=n, n_control=n, error=error)
    half = 3 * effects["error"]
    return effects.assign(ci_lower=effects["gain_cny"] - half, ci_upper=effects["gain_cny"] + half)


HAND = table(
    [
        ("low", "discount", 100, 2.0, 0.0),
        ("low", "early", 100, 1.0, 0.0),
        ("high", "discount", 10, -5.0, 0.0),
        ("high", "early", 10, 40.0, 8.0),
    ]
)
"""Of no budget: 200 by discounts to the low tier; each 8 yuan bring 40 from the high one."""
UNSURE = table(
    [
        ("low", "discount", 4000, 3.0, 0.0),
        ("low", "early", 4000, -2.0, 3.0),
        ("high", "discount", 300, -20.0, 0.0),
        ("high", "early", 300, 60.0, 3.0),
    ],
    error=[1.8, 1.5, 30.0, 40.0],
)


@pytest.mark.parametrize(
    ("budget", "given", "net", "next_cny"),
    [
        (0, [100, 0], 200, 320),
        (7.99, [100, 0], 200, 320),
        (24, [100, 3], 200 + 3 * 32, 7 * 32),
        (80, [100, 10], 200 + 320, 0),
        (1e6, [100, 10], 200 + 320, 0),
    ],
)
def test_a_budget_is_planned_by_hand(budget, given, net, next_cny):
    found = plan(HAND, budget_cny=budget, offer_days=56, level=LEVEL)
    assert found.expected["given"].tolist() == given
    assert found.expected["tier"].tolist() == ["low", "high"]
    assert found.total.net_gain_cny == pytest.approx(net, abs=0.01)
    assert found.total.cost_cny == 8 * given[1]
    assert found.slope.stop_cny == 80
    assert found.slope.next_cny == pytest.approx(next_cny, abs=0.01)
    assert found.slope.value == pytest.approx(5 if budget < 80 else 0, abs=1e-3)
    assert found.expected["reason"].tolist() == ["", "" if given[1] else "budget"]
    # Where nothing is given, of all who were drawn: both arms and those who got nothing.
    assert found.expected["n"].tolist() == [200, 200 if given[1] else 300]
    assert found.n_users == 600


def test_a_further_yuan_beyond_the_stop_brings_less_than_itself():
    effects = table([("low", "early", 10, 3.0, 2.0), ("high", "early", 10, 4.0, 8.0)])
    found = plan(effects, budget_cny=1_000, offer_days=56, level=LEVEL)
    assert found.slope.stop_cny == 20
    assert found.total.cost_cny == 20
    assert found.expected["reason"].tolist() == ["", "loses"]
    part = plan(effects, budget_cny=10, offer_days=56, level=LEVEL)
    assert part.slope.value == pytest.approx(1.5, abs=1e-3)
    assert part.slope.more_cny == pytest.approx(5, abs=0.01)


def test_arms_share_the_members_who_got_nothing():
    """Spread 3, 9 members with, 9 without: variances 9 / 9 + 9 / 9, of which 1 is shared."""
    read = table([("low", "a", 1, 0, 0), ("low", "b", 1, 0, 0), ("high", "a", 1, 0, 0)], n=9)
    read["error"] = np.sqrt(2)
    np.testing.assert_allclose(joint_covariance(read), [[2, 1, 0], [1, 2, 0], [0, 0, 2]])
    np.testing.assert_allclose(spread_of(read), 3)
    told = joint_covariance(read.assign(error_control=[0.5, 0.5, np.nan]))
    np.testing.assert_allclose(told, [[2, 0.25, 0], [0.25, 2, 0], [0, 0, 2]])


def test_the_interval_of_the_plan_knows_that_arms_and_tiers_go_together():
    found = plan(UNSURE, budget_cny=1e4, offer_days=56, level=LEVEL)
    half = (found.expected["ci_upper"] - found.expected["ci_lower"]) / 2
    whole = (found.total.ci_upper - found.total.ci_lower) / 2
    assert np.sqrt((half**2).sum()) * 0.8 < whole < half.sum()
    parts = found.expected[["cost_cny", "net_gain_cny", "cautious_cny", "measured_cny"]].sum()
    for name, value in parts.items():
        assert getattr(found.total, name) == pytest.approx(value)


def test_the_expected_gain_lies_below_what_was_measured_where_that_was_luck():
    """Eight strategies that differ by no more than chance: the best of each tier is luck."""
    gain = np.random.default_rng(3).normal(0, 10, 8)
    rows = [(f"tier {i // 2}", "ab"[i % 2], 100, gain[i], 0.0) for i in range(8)]
    found = plan(table(rows, error=10.0), budget_cny=0, offer_days=56, level=LEVEL)
    assert found.total.measured_cny > 1_500
    assert found.total.net_gain_cny < 0.7 * found.total.measured_cny
    assert found.cautious_total.cautious_cny == 0
    assert found.cautious["reason"].tolist() == ["loses"] * 4


def test_rows_in_another_order_and_money_in_fen_change_nothing():
    found = plan(UNSURE, budget_cny=400, offer_days=56, level=LEVEL)
    mixed = plan(UNSURE.iloc[[3, 1, 0, 2]], budget_cny=400, offer_days=56, level=LEVEL)
    pd.testing.assert_frame_equal(
        mixed.expected.sort_values("tier", ignore_index=True),
        found.expected.sort_values("tier", ignore_index=True),
    )
    money = ["gain_cny", "ci_lower", "ci_upper", "error", "cost_cny"]
    fen = plan(UNSURE.assign(**100 * UNSURE[money]), budget_cny=40_000, offer_days=56, level=LEVEL)
    assert fen.total.net_gain_cny == pytest.approx(100 * found.total.net_gain_cny)
    assert fen.slope.value == pytest.approx(found.slope.value)
    named = plan(
        UNSURE.replace({"low": "z", "high": "y"}), budget_cny=400, offer_days=56, level=LEVEL
    )
    assert named.total.net_gain_cny == pytest.approx(found.total.net_gain_cny)


def test_the_curve_rises_falls_off_nowhere_and_its_slope_is_its_rise():
    found = plan(UNSURE, budget_cny=123, offer_days=56, level=LEVEL)
    for _, own in found.curve.groupby("plan"):
        net, divided = own["net_gain_cny"].to_numpy(), own["divided_cny"].to_numpy()
        budget, slope = own["budget_cny"].to_numpy(), own["slope"].to_numpy()
        assert (np.diff(net) >= -1e-6).all()
        assert (divided >= net - 1e-6).all()
        assert (np.diff(slope) <= 1e-9).all()
        rise = np.diff(divided) / np.diff(budget)
        np.testing.assert_allclose(rise, np.maximum(slope[:-1] - 1, 0), atol=1e-6)
    expected = found.curve[found.curve["plan"] == "expected"]
    assert {0.0, 123.0, found.slope.stop_cny} <= set(expected["budget_cny"])


def test_tiers_without_estimates_or_members_get_nothing_and_a_reason():
    few = table([("few", "early", 50, np.nan, 1.0), ("empty", "early", 0, 9.0, 1.0)])
    bad = table([("bad", "early", 50, 1.0, 2.0), ("small", "early", np.nan, 9.0, 0.0)])
    found = plan(pd.concat([HAND, few, bad]), budget_cny=80, offer_days=56, level=LEVEL)
    assert found.expected["reason"].tolist() == ["", "", "few", "nobody", "loses", "few"]
    assert found.expected["members"].isna().tolist() == [False] * 5 + [True]
    said = tiers_plan.say_details(found)
    for sentence in (
        "Nothing for “few”, “small”: too few members",
        "Nothing for “empty”: nobody is in it",
        "Nothing for “bad”: no strategy that can be read brings more there than it costs",
    ):
        assert sentence in said
    assert tiers_plan.draw_plan(MEMBERS, found, level=LEVEL).png
    status = {one.id: one.status for one in tiers_plan.conclude(found, level=LEVEL)}
    assert status["tiers.plan.gain.few"] == "insufficient"
    assert status["tiers.plan.gain.bad"] == "info"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")
@pytest.mark.parametrize(
    ("effects", "budget", "said", "then"),
    [
        (HAND, 24, "With 24 yuan, give “discount” to all 100 members of “low”; “early” to 3 of the",
         "A budget of 80 yuan would add 224 yuan beyond its own cost"),
        (HAND, 800, "of “high”; that costs 80 yuan", "More budget is not needed: beyond 80 yuan"),
        (HAND[HAND["strategy"] == "discount"], 0, "give “discount” to all 100", "No budget is ne"),
        (HAND[HAND["tier"] == "high"], 5, "Give no strategy yet: 5 yuan is too little", "A budget"),
        (UNSURE.assign(error=[9, 9, 50, 60]), 0, "though a loss is not ruled out", "A budget of 9"),
        (table([("low", "early", 1_000, 9.0, 3.0)]), 30, "to 10 of the 1,000", "The next 1,000"),
        (HAND.assign(gain_cny=-1.0), 50, "Give no strategy, and keep the 50 yuan", "no strategy"),
        (HAND.assign(gain_cny=np.nan), 50, "Of no tier is it known", "Of no tier is it known"),
        (HAND.iloc[:0], 50, "Of no tier is it known", "Of no tier is it known"),
        (table([("low", "early", 3, 9e3, 2e3)]), 0, "Give no strategy yet", "add nothing"),
    ],
)  # fmt: skip
def test_each_outcome_is_said_drawn_and_found(effects, budget, said, then, language):
    found = plan(effects, budget_cny=budget, offer_days=56, level=LEVEL)
    with speaking(language):
        told = tiers_plan.say_plan(found, level=LEVEL)
        certain, later = tiers_plan.say_certain(found), sentences.title_next(found)
        assert tiers_plan.draw_plan(MEMBERS, found, level=LEVEL).png
        assert tiers_plan.draw_curve(MEMBERS, found, level=LEVEL).png
        findings = tiers_plan.conclude(found, level=LEVEL)
    if language == "en":
        assert said in told
        assert then in later
        assert bool(certain) == (not found.refused)
        assert not (found.refused and tiers_plan.say_details(found))
        assert ("a further yuan brings" in tiers_plan.say_next(found)) == (not found.refused)
    document = to_json(findings, notebook="04", as_of="2026-03-31", source="shop", parameters={})
    assert json.loads(json.dumps(document, allow_nan=False))["findings"]
    assert (findings[0].status == "insufficient") == bool(found.refused)


def test_findings_say_what_to_do_and_what_it_is_worth():
    found = plan(HAND, budget_cny=24, offer_days=56, level=LEVEL)
    told = {one.id: one for one in tiers_plan.conclude(found, level=LEVEL)}
    gain, slope = told["tiers.plan.gain"], told["tiers.plan.slope"]
    assert set(told) == {
        *("tiers.plan.gain", "tiers.plan.cautious", "tiers.plan.slope"),
        *("tiers.plan.gain.low", "tiers.plan.gain.high"),
    }
    assert gain.status == "ok"
    assert gain.worth_cny == pytest.approx(296, abs=0.01)
    assert gain.action.startswith("Give “discount” to all 100 members of “low”; “early” to 3")
    assert slope.value == pytest.approx(5, abs=0.01)
    assert slope.worth_cny == pytest.approx(224, abs=0.01)
    assert slope.action == "Raise the budget to 80 yuan."
    assert told["tiers.plan.cautious"].value == pytest.approx(296, abs=0.1)
    assert told["tiers.plan.cautious"].ci_lower <= gain.value
    unsure = tiers_plan.conclude(
        plan(UNSURE.assign(error=[9, 9, 50, 60]), budget_cny=0, offer_days=56, level=LEVEL),
        level=LEVEL,
    )[0]
    assert unsure.status == "watch"
    assert "keep a part without it by lot" in unsure.action


def test_luck_and_certainty_are_said():
    found = plan(UNSURE, budget_cny=1_000, offer_days=56, level=LEVEL)
    said = f"{tiers_plan.say_certain(found)} {tiers_plan.say_details(found)}"
    assert "Nothing is certain" in said
    luck = found.total.measured_cny - found.total.net_gain_cny
    assert ("a part of the luck, not all of it" in said) == (luck > 0)
    bets = found.expected.loc[found.expected["given"] > 0, "tier"].tolist()
    assert bets
    assert f"For {', '.join(f'“{tier}”' for tier in bets)} the plan is a bet" in said
    told = {one.id: one for one in tiers_plan.conclude(found, level=LEVEL)}
    assert told["tiers.plan.gain.low"].action == ""  # the plan is said once
    assert "keep a part without it by lot" in told["tiers.plan.gain"].action
    sure = plan(HAND, budget_cny=80, offer_days=56, level=LEVEL)
    certain = tiers_plan.say_certain(sure)
    assert "Certain at 95%, by bounds" in certain
    assert "is only this: “discount” to all 100 members" in certain
    assert "bet" not in f"{certain} {tiers_plan.say_details(sure)}"
    assert "lot" not in tiers_plan.conclude(sure, level=LEVEL)[0].action


def test_more_budget_is_advised_only_where_it_clearly_comes_back():
    """One strategy with a cost, far from sure: the next yuan may be lost."""
    found = plan(UNSURE, budget_cny=0, offer_days=56, level=LEVEL)
    assert found.slope.ci_lower < 1 < found.slope.value
    assert "though a loss on it is not ruled out" in sentences.title_next(found)
    slope = {one.id: one for one in tiers_plan.conclude(found, level=LEVEL)}["tiers.plan.slope"]
    assert (slope.action, slope.worth_cny) == ("", None)


def test_nothing_is_promised_higher_than_measured():
    """What the others are like lifts no strategy: here a harm that shares the control would."""
    harmed = UNSURE.assign(gain_cny=[3.0, -2.0, -150.0, 60.0], ci_lower=UNSURE["ci_lower"])
    options = plan(harmed, budget_cny=1_000, offer_days=56, level=LEVEL).options
    assert (options["expected_cny"] <= options["gain_cny"]).all()


def test_both_plans_are_handed_over():
    found = plan(UNSURE, budget_cny=1_000, offer_days=56, level=LEVEL)
    told = tiers_plan.lay_out(found)
    assert told["plan"].tolist() == ["expected"] * 2 + ["cautious"] * 2
    assert {"tier", "strategy", "given", "members", "cost_cny", "ci_lower"} <= set(told)


@pytest.mark.parametrize(
    ("effects", "budget", "message"),
    [
        (HAND, -1, "budget_cny = -1 must be finite and at least 0"),
        (HAND, np.nan, "budget_cny = nan must be finite"),
        (HAND, np.inf, "budget_cny = inf must be finite"),
        (HAND.drop(columns="error"), 1, "the columns error are missing"),
        (pd.concat([HAND, HAND]), 1, "'discount' in the tier 'low' must be one row"),
        (HAND.assign(cost_cny=-1.0), 1, "cost_cny = -1 must be at least 0"),
        (HAND.assign(members=1.5), 1, "members must be whole numbers"),
        (HAND.assign(members=[1, 2, 3, 3]), 1, "members must be the same in all rows of a tier"),
        (HAND.assign(error_control=1.0), 1, "error_control must not exceed error"),
    ],
)
def test_what_cannot_be_is_an_error(effects, budget, message):
    with pytest.raises(TierError, match=message):
        plan(effects, budget_cny=budget, offer_days=56, level=LEVEL)
    with pytest.raises(ValueError, match="level = 1 must lie"):
        plan(HAND, budget_cny=1, offer_days=56, level=1)
