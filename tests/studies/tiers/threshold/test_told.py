"""What reaching a tier does: each outcome told, refusals, checks, and the sample's truths."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.language import LANGUAGES, speaking
from siyu.studies.tiers import Definition, find_members, threshold

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
LEVEL = 0.95
TRUTHS = [
    f"tiering.jump.{tier}.{what}" for tier in ("silver", "gold") for what in ("orders", "spend")
]
SIDAK = LEVEL ** (1 / len(TRUTHS))
pytestmark = pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")


def reviews(jump=60.0, n=1_500, lifted=0.0, seed=3) -> pd.DataFrame:
    """Members at two reviews, of whom those from 200 yuan on spend more, or are lifted there."""
    rng = np.random.default_rng(seed)
    basis = np.repeat(rng.gamma(4, 50, n), 2) * rng.uniform(0.9, 1.1, 2 * n)
    lifts = (basis > 170) & (basis < 200) & (rng.random(2 * n) < lifted)
    basis = np.where(lifts, 200 + 5 * rng.random(2 * n), basis)
    orders = rng.poisson(1 + basis / 400 + np.maximum(jump, 0) / 60 * (basis >= 200))
    spend = orders * 50.0 + rng.normal(0, 20, 2 * n) + np.minimum(jump, 0) * (basis >= 200)
    table = {"basis_cny": basis, "orders": orders, "amount_cny": spend, "margin_cny": spend / 2}
    table |= {"tenure_days": rng.uniform(0, 300, 2 * n), "main_channel": rng.integers(0, 2, 2 * n)}
    return pd.DataFrame(
        table | {"member": np.arange(2 * n) // 2, "review": np.arange(2 * n) % 2}
    ).astype({"main_channel": float, "orders": float})


def lines(line=200.0, threshold_cny=200.0, off=0, n=1_400) -> pd.DataFrame:
    return pd.DataFrame(
        {"tier": ["gold"], "line_cny": line, "threshold_cny": threshold_cny, "off": off, "n": n}
    )


def measures(**other) -> threshold.Measures:
    given = {
        "source": "shop",
        "as_of": dt.date(2026, 3, 31),
        "first": dt.date(2025, 4, 1),
        "min_users": 30,
        "jump_days": 30,
        "has_margin": True,
        "reviews": reviews(),
        "thresholds": lines(),
        "counts": {"all": 3_000, "unknown": 0, "short": 0, "drawn": 0, "n": 3_000},
        "refused": "",
    }
    return threshold.Measures(**given | other)


def draw(one, found):
    draws = (threshold.draw_effects, threshold.draw_densities, threshold.draw_checks)
    return [draw(one, found, level=LEVEL) for draw in draws]


def told(one, *, language="en"):
    found = threshold.find_effects(one, level=LEVEL)
    with speaking(language):
        findings = threshold.conclude(one, found, level=LEVEL)
        said = threshold.say_effects(one, found, level=LEVEL)
        also = [
            threshold.say_densities(one, found, level=LEVEL),
            threshold.say_checks(found, level=LEVEL),
        ]
    return found, said, also, {each.id: each for each in findings}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("jump", "verdict", "status", "said"),
    [
        (60.0, "up", "ok", "Reaching “gold” at 200 yuan makes members spend more: "),
        (-60.0, "down", "alert", "Reaching “gold” at 200 yuan makes members spend less: "),
        (0.0, "unclear", "info", "No clear effect of reaching “gold” at 200 yuan on what "),
    ],
)
def test_each_verdict_is_said_drawn_and_found(jump, verdict, status, said, language):
    one = measures(reviews=reviews(jump))
    found, sentence, also, findings = told(one, language=language)
    assert found.table["verdict"].tolist() == ["", verdict, ""]
    assert set(findings) == {
        f"tiers.threshold.{what}.gold" for what in ("orders", "spend", "margin", "density")
    }
    spend, margin = findings["tiers.threshold.spend.gold"], findings["tiers.threshold.margin.gold"]
    assert (spend.status, spend.evidence) == (status, "adjusted")
    assert (spend.worth_cny is None) == (verdict == "unclear")
    assert spend.action
    assert (margin.status, margin.worth_cny) == ("info", None)
    assert all(also)
    if verdict != "down":
        with speaking(language):
            assert all(picture.png and picture.alt for picture in draw(one, found))
    assert sentence.startswith(said) or language != "en"


def test_a_jump_is_neither_ok_nor_acted_on_where_something_jumps_that_should_not():
    one = measures(reviews=reviews(60.0))
    found = threshold.find_effects(one, level=LEVEL)
    failed = found.checks["p_holm"].mask(found.checks["check"] == "below", 0.01)
    doubted = replace(found, checks=found.checks.assign(p_holm=failed))
    given = {each.id: each for each in threshold.conclude(one, doubted, level=LEVEL)}
    spend = given["tiers.threshold.spend.gold"]
    assert (spend.status, spend.threshold, spend.worth_cny) == ("info", None, None)
    assert spend.action == ""
    assert "not to be relied on" in spend.message
    assert "not to be relied on" in threshold.say_effects(one, doubted, level=LEVEL)
    assert "not to be relied on" not in threshold.say_effects(one, found, level=LEVEL)


def test_the_worth_is_what_the_margin_jumps_by_times_those_just_above_at_a_review():
    found, _, _, findings = told(measures())
    row = found.table.set_index("measure").loc["margin"]
    assert findings["tiers.threshold.spend.gold"].worth_cny == row["value"] * row["members_above"]
    near = reviews().query("basis_cny >= 200 and basis_cny < 200 + @row.bandwidth_cny")
    assert row["members_above"] == near.groupby("review").size().median()
    assert f"cost less than {row['ci_lower']:.1f} yuan per member in 30 days" in (
        findings["tiers.threshold.spend.gold"].action
    )


def test_without_margins_the_sales_are_told_and_nothing_is_worth_yuan():
    _, said, _, findings = told(measures(has_margin=False))
    assert "tiers.threshold.margin.gold" not in findings
    assert findings["tiers.threshold.spend.gold"].worth_cny is None
    assert "margin of" in findings["tiers.threshold.spend.gold"].action
    assert "Margins are not known" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_where_members_place_themselves_nothing_is_read_as_an_effect(language):
    one = measures(reviews=reviews(lifted=0.6))
    found, said, also, findings = told(one, language=language)
    assert found.refused == {"gold": "bunched"}
    assert found.table.empty
    assert found.checks["check"].tolist() == ["donut"]
    for what in ("orders", "spend", "margin"):
        finding = findings[f"tiers.threshold.{what}.gold"]
        assert (finding.status, finding.value, finding.action) == ("insufficient", None, "")
    density = findings["tiers.threshold.density.gold"]
    assert density.action
    assert (density.status, density.direction, density.threshold) == ("alert", "below", 1.0)
    if language == "en":
        assert "members place themselves, with" in said
        assert "this is no effect either" in also[0]


def test_where_there_are_fewer_above_those_are_others_too():
    given = reviews()
    rng = np.random.default_rng(4)
    gone = given["basis_cny"].between(200, 230) & (rng.random(len(given)) < 0.8)
    found, said, _, findings = told(measures(reviews=given[~gone]))
    assert found.refused == {"gold": "bunched"}
    assert "the number of reviews per yuan jumps at 200 yuan (" in said
    density = findings["tiers.threshold.density.gold"]
    assert (density.status, density.direction) == ("alert", "above")
    # A density that is fitted to be below 0 has no ratio.
    none = replace(found, densities=found.densities.assign(ratio=np.nan))
    (finding,) = threshold.conclude(measures(), none, level=LEVEL)[-1:]
    assert (finding.id, finding.status) == ("tiers.threshold.density.gold", "insufficient")
    assert threshold.draw_densities(measures(), none, level=LEVEL).png
    # Nor has one bars, where no bar holds enough members.
    none = replace(found, bars=found.bars.iloc[:0])
    assert threshold.draw_densities(measures(), none, level=LEVEL).png


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"refused": "tiers"}, "There are no reviews in the period"),
        ({"refused": "basis"}, "No review says on what spend it was held"),
        ({"refused": "orders"}, "No order that counts is on record"),
        ({"refused": "short"}, "No review has been followed for 30 days yet"),
        ({"thresholds": lines().iloc[:0]}, "There is one tier only"),
        ({"thresholds": lines(threshold_cny=np.nan, off=90)}, "90 of the 1,400 reviews"),
        ({"thresholds": lines(threshold_cny=np.nan, n=0)}, "hardly anybody was reviewed"),
        ({"thresholds": lines(900.0, 900.0)}, "hardly anybody was reviewed"),
        ({"min_users": 5_000}, "fewer than 5,000 members"),
        ({"reviews": reviews().assign(amount_cny=0.0)}, "hardly anybody was reviewed"),
        ({"reviews": reviews().iloc[:0]}, "hardly anybody was reviewed"),
        ({"reviews": reviews().assign(member=0)}, "hardly anybody was reviewed"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(other, said):
    given = measures(**other)
    if given.refused:
        given = replace(given, reviews=pd.DataFrame(), thresholds=pd.DataFrame())
    found, sentence, also, findings = told(given)
    assert found.table.empty
    assert said in sentence
    assert {one.status for name, one in findings.items() if "spend" in name} == {"insufficient"}
    assert all(also)
    assert draw(given, found)[0].table.empty


def test_a_threshold_is_read_between_its_neighbours():
    """A jump at 120 yuan is none of 200's, though it lies within the bandwidth of a wide one."""
    given = reviews(jump=0.0)
    given["amount_cny"] += 500.0 * (given["basis_cny"] >= 120)
    both = pd.concat([lines(120.0, 120.0).assign(tier="silver"), lines()], ignore_index=True)
    found = threshold.find_effects(measures(reviews=given, thresholds=both), level=LEVEL)
    spend = found.table[found.table["measure"] == "spend"].set_index("tier")
    assert spend["verdict"].to_dict() == {"silver": "up", "gold": "unclear"}
    assert abs(spend.loc["gold", "value"]) < 50
    assert spend["p_holm"].max() == pytest.approx(spend["p"].max())


def test_a_jump_of_what_was_known_before_is_a_warning():
    given = reviews()
    given["tenure_days"] += 200 * (given["basis_cny"] >= 200)
    found = threshold.find_effects(measures(reviews=given), level=LEVEL)
    said = threshold.say_checks(found, level=LEVEL)
    assert "Something jumps where nothing should, near the thresholds of “gold”: 1 of 4" in said
    fine = threshold.find_effects(measures(), level=LEVEL)
    assert "4 checks where no tier begins" in threshold.say_checks(fine, level=LEVEL)


def test_no_bin_tells_of_few_members():
    given = reviews()
    for users in (30, 200):
        found = threshold.find_effects(measures(min_users=users), level=LEVEL)
        for row in found.bars.itertuples():
            inside = given.query("basis_cny >= @row.from_cny and basis_cny < @row.to_cny")
            assert inside["member"].nunique() >= users
            assert len(inside) == row.reviews
        assert found.bins["reviews"].min() >= users


@pytest.fixture(scope="module")
def sample() -> threshold.Measures:
    members = find_members(open_source(SAMPLE), Definition(), period_days=365)
    return threshold.measure(members, without_experiments=["tier_offer_2026q1"])


@pytest.fixture(scope="module")
def truths() -> dict[str, float]:
    told = json.loads((SAMPLE / "truth.json").read_text("utf-8"))["truths"]
    return {one["id"]: one["value"] for one in told}


def test_the_samples_thresholds_are_found(sample, truths):
    found = sample.thresholds.set_index("tier")["threshold_cny"]
    assert found.to_dict() == {
        tier: truths[f"tiering.threshold.{tier}"] for tier in ("silver", "gold", "diamond")
    }


def test_every_planted_jump_lies_in_its_simultaneous_interval(sample, truths):
    table = threshold.find_effects(sample, level=SIDAK).table.set_index(["tier", "measure"])
    for name in TRUTHS:
        _, _, tier, what = name.split(".")
        row = table.loc[(tier, what)]
        assert row["ci_lower"] <= truths[name] <= row["ci_upper"], name


def test_on_the_sample_gold_pays_and_diamond_is_flagged(sample):
    found = threshold.find_effects(sample, level=LEVEL)
    spend = found.table[found.table["measure"] == "spend"].set_index("tier")
    assert spend["verdict"].to_dict() == {"silver": "unclear", "gold": "up"}
    assert found.refused == {"diamond": "bunched"}
    assert found.densities.set_index("tier").loc["diamond", "ratio_lower"] > 3


def test_tier_against_tier_calls_silver_an_effect_that_it_has_not(sample, truths):
    """The naive twin: those of 80 to 220 yuan spend far more than those below, for who they are."""
    given = sample.reviews.query("basis_cny < 220")
    above = given["basis_cny"] >= truths["tiering.threshold.silver"]
    means, errors = (
        [given.loc[side, "orders"].agg(how) for side in (above, ~above)] for how in ("mean", "sem")
    )
    assert means[0] - means[1] > 2 * np.hypot(*errors)
    assert truths["tiering.jump.silver.orders"] == 0


def test_one_who_spent_a_fortune_changes_nothing():
    one = threshold.find_effects(measures(), level=LEVEL)
    rich = reviews().iloc[:1].assign(basis_cny=1e6, amount_cny=1e6, member=10_000)
    given = pd.concat([reviews(), rich], ignore_index=True)
    other = threshold.find_effects(measures(reviews=given), level=LEVEL)
    pd.testing.assert_frame_equal(one.table, other.table)


def test_where_members_place_themselves_and_buy_nothing_they_still_do_the_former():
    given = reviews(lifted=0.6).assign(amount_cny=0.0)
    found = threshold.find_effects(measures(reviews=given), level=LEVEL)
    assert found.refused == {"gold": "bunched"}
