"""What a tier brought: verdicts, checks, what is said in both languages, findings and figures."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from siyu import findings
from siyu.language import LANGUAGES, speaking
from siyu.studies.tiers import TierError, upgrade
from siyu.studies.tiers.upgrade.figures import lay_checks
from siyu.studies.tiers.upgrade.judge import is_bunched

from tests.studies.tiers.upgrade.builders import TIERS, draw_measures

LEVEL = 0.95


def estimated(measures, **other):
    return upgrade.estimate(measures, level=LEVEL, **other)


@pytest.fixture(scope="module")
def shop():
    """Gold brings two orders more, diamond nothing."""
    return draw_measures(effects=(2.0, 0.0))


def effect(found, kind, target, measure):
    rows = found.effects.set_index(["kind", "target", "measure"])
    return rows.loc[(kind, target, measure)]


def test_a_tier_that_brings_orders_pays_and_one_that_does_not_is_unclear(shop):
    found = estimated(shop)
    assert found.verdicts == {1: "pays", 2: "unclear"}
    for measure, truth in (("orders", 2), ("amount", 70), ("margin", 28)):
        row = effect(found, "up", 1, measure)
        assert row["ci_lower"] < truth < row["ci_upper"]
        assert row["actual"] - row["expected"] == pytest.approx(row["effect"])
    assert effect(found, "down", 1, "orders")["ci_upper"] < -1
    assert (found.checks["p_holm"] > 0.05).all()


def test_a_right_that_costs_more_than_it_brings_is_told_to_stop(shop):
    found = estimated(shop, right_cost_cny={"gold": 100.0, "diamond": 0.0})
    assert found.verdicts[1] == "costs"
    worth = [f for f in upgrade.conclude(shop, found, level=LEVEL) if f.id.endswith("margin.gold")]
    assert (worth[0].status, worth[0].threshold) == ("alert", 100)
    assert worth[0].worth_cny < 0
    assert "100.00 yuan per member" in worth[0].message
    assert "Stop or change" in worth[0].action


def test_a_tier_that_loses_orders_is_said_as_a_loss():
    measures = draw_measures(effects=(-2.0, 0.0))
    found = estimated(measures)
    assert found.verdicts[1] == "costs"
    said = upgrade.say_headline(measures, found, level=LEVEL)
    assert said.startswith("Coming to “gold” costs 2")
    assert "brings −" in upgrade.draw_paths(measures, found, level=LEVEL).alt


def test_members_who_aim_at_a_threshold_leave_its_effect_untold(shop):
    near = pd.DataFrame({"target": [1, 2], "above": [60, 20], "below": [20, 30]})
    measures = replace(shop, near=near)
    assert [is_bunched(measures, target) for target in (1, 2)] == [True, False]
    found = estimated(measures)
    assert found.verdicts[1] == "bunched"
    told = {f.id: f for f in upgrade.conclude(measures, found, level=LEVEL)}
    assert told["tiers.upgrade.margin.gold"].status == "insufficient"
    assert told["tiers.upgrade.margin.gold"].value is None
    assert told["tiers.upgrade.orders.gold"].evidence == "descriptive"
    assert told["tiers.upgrade.lost.gold"].evidence == "descriptive"
    assert "“gold”" not in upgrade.say_naive(measures, found)


def test_an_effect_where_there_can_be_none_takes_the_word_back():
    measures = draw_measures(effects=(2.0, 0.0), below=1.5)
    found = estimated(measures)
    assert found.verdicts[1] == "doubted"
    said = upgrade.say_checks(measures, found, level=LEVEL)
    assert "at a threshold that does not exist" in said
    assert "finds an effect where there can be none" in upgrade.say_effects(
        measures, found, level=LEVEL
    )
    assert "finds effects" in upgrade.draw_checks(measures, found, level=LEVEL).alt


def test_few_members_are_no_evidence(shop):
    few = replace(shop, rows=shop.rows.groupby(["kind", "target"]).head(40))
    found = estimated(few)
    assert set(found.verdicts.values()) == {"few"}
    assert not len(found.effects)
    assert "cannot be read" in upgrade.say_headline(few, found, level=LEVEL)
    assert "Too few members" in upgrade.say_effects(few, found, level=LEVEL)
    assert upgrade.say_checks(few, found, level=LEVEL).startswith("No check")
    assert upgrade.say_naive(few, found) == ""
    for picture in (upgrade.draw_paths, upgrade.draw_checks):
        assert not len(picture(few, found, level=LEVEL).table)


def test_before_and_after_are_of_the_same_members_and_said_to_mislead(shop):
    found = estimated(shop)
    row = found.naive.set_index("target").loc[2]
    own = shop.rows[(shop.rows["kind"] == "up") & (shop.rows["target"] == 2) & shop.rows["exposed"]]
    assert row["n"] == len(own)
    assert row["before"] == pytest.approx(own["orders_-1"].mean())
    assert row["change"] == pytest.approx(own["orders_+1"].mean() / own["orders_-1"].mean() - 1)
    assert row["ci_lower"] < row["change"] < row["ci_upper"]
    assert "mislead" in upgrade.say_naive(shop, found)


@pytest.mark.parametrize(("times", "word"), [(0.5, "fall of"), (2, "rise of"), (1, "hardly")])
def test_before_and_after_fall_rise_or_stay(shop, times, word):
    apart = np.where(np.arange(len(shop.rows)) % 2, 0.1, -0.1)
    rows = shop.rows.assign(**{"orders_+1": times * shop.rows["orders_-1"] + apart})
    measures = replace(shop, rows=rows)
    assert word in upgrade.say_naive(measures, estimated(measures))


def test_a_path_is_what_was_done_and_after_the_review_what_was_expected(shop):
    path = estimated(shop).paths
    gold = path[path["target"] == 1].set_index("block")
    assert gold.index.tolist() == [-3, -2, -1, 1, 2, 3]
    assert gold.loc[:-1, "expected"].isna().all()
    after = gold.loc[1:]
    assert np.allclose(after["actual"] - after["expected"], after["effect"])
    own = effect(estimated(shop), "up", 1, "orders")
    wide = after.loc[1, "ci_upper"] - after.loc[1, "ci_lower"]
    assert wide > 1.05 * (own["ci_upper"] - own["ci_lower"])  # all blocks at once


def test_holm_counts_the_tiers_of_a_direction_and_the_checks_of_a_tier(shop):
    found = estimated(shop)
    up = found.effects[(found.effects["kind"] == "up") & (found.effects["measure"] == "orders")]
    assert up["p_holm"].min() == pytest.approx(2 * up["p"].min())
    checks = found.checks[found.checks["target"] == 1]
    assert set(checks["check"]) == {"past", "below", "date"}
    assert checks["p_holm"].min() == pytest.approx(min(1, 5 * checks["p"].min()))


def test_the_estimate_does_not_hang_on_the_order_of_rows_or_on_codes(shop):
    shuffled = shop.rows.sample(frac=1, random_state=3).assign(
        member=lambda r: 10_000 - r["member"]
    )
    one, other = estimated(shop), estimated(replace(shop, rows=shuffled))
    pd.testing.assert_frame_equal(other.effects, one.effects)
    pd.testing.assert_frame_equal(other.checks, one.checks)


def test_the_lot_tells_what_is_sure_where_it_is_clear_and_the_least_worth_where_not(shop):
    found = estimated(shop, smallest_cny=5.0)
    assert found.needed[1][1] == pytest.approx(effect(found, "up", 1, "margin")["ci_lower"])
    assert found.needed[2][1] == 5
    assert "begin at once for half" in upgrade.say_next(shop, found, 1)
    rare = replace(shop, reached={1: 1, 2: 400})
    assert "too slow" in upgrade.say_next(rare, estimated(rare), 1)
    assert upgrade.say_next(replace(shop, reached={}), found, 1) == ""


def test_worth_is_margin_less_the_right_for_those_who_come_in_a_month(shop):
    found = estimated(shop, right_cost_cny={"gold": 3.0})
    told = {f.id: f for f in upgrade.conclude(shop, found, level=LEVEL)}
    gold = told["tiers.upgrade.margin.gold"]
    own = shop.rows[(shop.rows["kind"] == "up") & (shop.rows["target"] == 1)]["exposed"].sum()
    assert gold.worth_cny == pytest.approx((gold.value - 3) * own / 10)
    assert f"as long as it costs less than {gold.ci_lower:.2f} yuan per member" in gold.action
    assert (gold.status, gold.evidence, gold.unit) == ("ok", "adjusted", "cny")
    assert told["tiers.upgrade.margin.diamond"].worth_cny is None
    assert told["tiers.upgrade.margin.diamond"].status == "info"
    assert told["tiers.upgrade.naive.gold"].evidence == "descriptive"


@pytest.mark.parametrize(
    ("brings", "word"),
    [(2.0, "Losing “gold” costs"), (-2.0, "is not clear"), (0.0, "is not clear")],
)
def test_losing_a_tier_is_a_loss_or_unclear(brings, word):
    measures = draw_measures(effects=(brings, 0.0))
    told = {f.id: f for f in upgrade.conclude(measures, estimated(measures), level=LEVEL)}
    assert word in told["tiers.upgrade.lost.gold"].message


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["told", "bunched", "doubted", "few", "nothing", "window"])
def test_everything_can_be_said_and_drawn(kind, language, shop):
    measures = {
        "told": replace(shop, has_margin=False, ends=dt.date(2026, 7, 1)),
        "bunched": replace(
            shop, near=pd.DataFrame({"target": [1, 2], "above": [90, 90], "below": [9, 9]})
        ),
        "doubted": draw_measures(below=2.0),
        "few": replace(shop, rows=shop.rows.groupby(["kind", "target"]).head(40)),
        "nothing": replace(shop, rows=shop.rows.head(0)),
        "window": replace(shop, refused="window", rows=shop.rows.head(0), reproduced=0.4),
    }[kind]
    found = estimated(measures)
    with speaking(language):
        told = upgrade.conclude(measures, found, level=LEVEL)
        said = [
            upgrade.say_headline(measures, found, level=LEVEL),
            upgrade.say_effects(measures, found, level=LEVEL),
        ]
        upgrade.say_naive(measures, found)
        upgrade.say_checks(measures, found, level=LEVEL)
        pictures = [
            draw(measures, found, level=LEVEL) for draw in (upgrade.draw_paths, upgrade.draw_checks)
        ]
    assert all(said)
    assert all(not picture.undrawn and picture.png for picture in pictures)
    assert not {"member", "target"} & {name for picture in pictures for name in picture.table}
    document = findings.to_json(told, notebook="n", as_of="d", source="s", parameters={})
    assert json.dumps(document, allow_nan=False)


@pytest.mark.parametrize("refused", ["tiers", "one", "orders", "basis", "rule", "window"])
def test_a_refusal_is_one_finding_that_says_why(refused, shop):
    tiers = {"tiers": (), "one": ("plain",)}.get(refused, TIERS)
    measures = replace(shop, refused=refused, tiers=tiers, follows=0.5, reproduced=0.25)
    found = estimated(measures)
    (only,) = upgrade.conclude(measures, found, level=LEVEL)
    assert (only.id, only.status) == ("tiers.upgrade.margin", "insufficient")
    assert upgrade.say_headline(measures, found, level=LEVEL) in only.message
    share = {"rule": "50.0%", "window": "25.0%"}.get(refused, "")
    assert share in only.message
    assert upgrade.say_checks(measures, found, level=LEVEL) == ""


def test_the_checks_are_laid_beside_the_estimate(shop):
    table = lay_checks(estimated(shop))
    assert set(table["check"]) == {"naive", "up", "past", "below", "date"}
    assert (table["ci_lower"] < table["effect"]).all()


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"right_cost_cny": {"silver": 1.0}}, "no tier 'silver'"),
        ({"right_cost_cny": {"gold": -1.0}}, "at least 0"),
        ({"smallest_cny": 0.0}, "above 0"),
    ],
)
def test_a_cost_out_of_range_is_named(shop, asked, words):
    with pytest.raises(TierError, match=words):
        estimated(shop, **asked)
