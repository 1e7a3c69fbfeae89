"""The notebook on tiers, run as the weekly report runs it, against the sample's truths."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from tests.notebooks.published import ROOT, findings, report

NAME = "04_tier_strategies"
TIERS = ("ordinary", "silver", "gold", "diamond")
STRATEGIES = ("discount", "early_access")
TOO_FEW = ("gold", "early_access")
"""Fewer than 30 members were drawn to it: of them nothing is told."""
ORDERS = json.dumps(dict.fromkeys(TIERS, "orders"))
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def document() -> dict:
    return json.loads((ROOT / "data" / "sample" / "truth.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def truth(document) -> dict[str, float]:
    return {
        one["id"].removeprefix("tiering."): one["value"]
        for one in document["truths"]
        if one["id"].startswith("tiering.")
    }


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    """The report of the last day, each tier's aim being orders, of which the truths are known."""
    return report(NAME, tmp_path_factory.mktemp("sample"), "-p", f"objectives={ORDERS}")


@pytest.fixture(scope="module")
def january(tmp_path_factory) -> Path:
    """The report of a day by which the planted reviews are the last ones that were followed."""
    return report(NAME, tmp_path_factory.mktemp("january"), "--as-of", "2026-01-31")


def table(folder: Path, name: str, *keys: str) -> pd.DataFrame:
    return pd.read_csv(folder / "tables" / f"{name}.csv").set_index(list(keys))


def offers(sample, truth, kept: float) -> dict[str, float]:
    """How many errors each offer lies off: of margins, and of the orders that are not refunded."""
    rows = table(sample, "tier_effects", "tier", "strategy")
    away = {}
    for tier in TIERS:
        for strategy in STRATEGIES:
            name = f"offer.{strategy}.{tier}"
            row = rows.loc[(tier, strategy)]
            if (tier, strategy) == TOO_FEW:
                assert row["refused"] == "few"
                continue
            away[f"{name}.margin"] = (row["gain_cny"] - truth[f"{name}.margin"]) / row["error"]
            # Joint intervals of both outcomes are as many errors wide, but for degrees of freedom.
            width = (row["ci_upper"] - row["ci_lower"]) / row["error"]
            error = (row["effect_upper"] - row["effect_lower"]) / width
            away[f"{name}.orders"] = (row["effect"] - kept * truth[f"{name}.orders"]) / error
    return away


def jumps(sample, truth) -> dict[str, float]:
    found, away = findings(sample), {}
    for tier in ("silver", "gold"):
        for what in ("orders", "spend"):
            one = found[f"tiers.threshold.{what}.{tier}"]
            middle = (one["ci_lower"] + one["ci_upper"]) / 2  # robust intervals are moved by bias
            error = (one["ci_upper"] - one["ci_lower"]) / 2 / norm.ppf(0.975)
            away[f"jump.{tier}.{what}"] = (middle - truth[f"jump.{tier}.{what}"]) / error
    return away


def values(january, truth) -> dict[str, float]:
    rows, away = table(january, "tier_values", "tier"), {}
    for tier in TIERS:
        for name, what in (("placed", "orders"), ("earned", "margin")):
            lower, upper = np.log(rows.loc[tier, [f"{name}_lower", f"{name}_upper"]].astype(float))
            off = np.log(rows.loc[tier, name] / truth[f"value.{tier}.{what}"])
            away[f"value.{tier}.{what}"] = off / ((upper - lower) / 2 / norm.ppf(0.975))
    return away


def moves(january, truth) -> dict[str, float]:
    found, away = findings(january), {}
    for origin in TIERS:
        for to in TIERS:
            one, planted = found[f"tiers.moves.migration.{origin}.{to}"], f"move.{origin}.{to}"
            share = truth[planted]
            away[planted] = (one["value"] - share) / np.sqrt(share * (1 - share) / one["n"])
    return away


def test_every_planted_truth_lies_in_its_simultaneous_interval(sample, january, truth, document):
    """All that are planted but the thresholds themselves, and what cannot be known.

    A jump at diamond cannot, where members place themselves (how many topped up no review says, and
    that they did, the density does); nor what 27 members tell.
    """
    kept = 1 - document["settings"]["buying"]["refund_share"]
    away = offers(sample, truth, kept) | jumps(sample, truth)
    away |= values(january, truth) | moves(january, truth)
    hidden = {f"offer.{TOO_FEW[1]}.{TOO_FEW[0]}.{what}" for what in ("orders", "margin")}
    hidden |= {f"jump.diamond.{what}" for what in ("orders", "spend")}
    known = {name for name in truth if not name.startswith("threshold.")} - hidden
    assert known - set(away) == {"bunching.diamond"}
    limit = norm.ppf(1 - (1 - 0.95 ** (1 / len(away))) / 2)
    assert {name: z for name, z in away.items() if abs(z) > limit} == {}


def test_the_thresholds_are_those_planted_and_only_diamond_is_reached_on_purpose(sample, truth):
    lines = pd.read_csv(sample / "tables" / "threshold_checks.csv")
    half = lines[lines["check"] == "half"].set_index("tier")["threshold_cny"]
    assert half.to_dict() == {tier: truth[f"threshold.{tier}"] for tier in ("silver", "gold")}
    found = findings(sample)
    density = {tier: found[f"tiers.threshold.density.{tier}"] for tier in TIERS[1:]}
    assert {tier for tier, one in density.items() if one["status"] == "alert"} == {"diamond"}
    assert density["diamond"]["ci_lower"] > 3
    for what in ("threshold.spend", "upgrade.margin"):
        refused = found[f"tiers.{what}.diamond"]
        assert (refused["status"], refused["value"]) == ("insufficient", None)
        assert refused["action"] or "cannot be read" in refused["message"]


def test_the_tier_that_does_something_is_found_by_both_ways_and_no_other(sample):
    found = findings(sample)
    for what in ("threshold.spend", "upgrade.margin"):
        assert found[f"tiers.{what}.gold"]["status"] == "ok"
        assert found[f"tiers.{what}.gold"]["worth_cny"] > 0
        assert found[f"tiers.{what}.silver"]["status"] == "info"
    # Orders fall after an upgrade to gold, which brings some: everybody falls back from a peak.
    assert found["tiers.upgrade.naive.gold"]["value"] < 0
    assert found["tiers.upgrade.orders.gold"]["ci_lower"] > 0


def test_the_budget_goes_to_what_helps_and_never_to_what_harms(sample):
    plan = table(sample, "strategies", "plan", "tier")
    assert plan.loc[("expected", "silver"), "strategy"] == "discount"
    assert plan.loc[("cautious", "silver"), "strategy"] == "discount"
    assert plan.loc[("expected", "diamond"), "strategy"] == "early_access"
    assert plan.loc["expected", "cost_cny"].sum() <= 300
    found = findings(sample)
    assert found["tiers.offer.gain.diamond.discount"]["status"] == "alert"
    assert found["tiers.plan.gain"]["worth_cny"] > 0
    assert found["tiers.plan.cautious"]["value"] > 0


def test_every_value_has_an_interval_and_a_denominator(sample):
    # What is counted, and what is no estimate: a test of equal effects; what a plan is sure of.
    without = ("tiers.moves.accounts", "tiers.moves.not_reviewed", "tiers.offer.differ.")
    for name, one in findings(sample).items():
        if one["status"] == "insufficient":
            assert one["value"] is None
            assert one["message"]
        elif name == "tiers.plan.cautious":
            assert one["ci_lower"] == one["value"]
        elif not name.startswith(without):
            assert one["ci_lower"] <= one["value"] <= one["ci_upper"], name
            gets_nothing = name.startswith("tiers.plan.gain.") and one["worth_cny"] == 0
            assert one["n"] >= 30 or gets_nothing, name


def test_what_is_by_lot_is_told_from_what_is_adjusted_and_what_describes(sample):
    parts: dict[str, set[str]] = {}
    for name, one in findings(sample).items():
        if one["status"] != "insufficient":
            part, what = name.split(".")[1:3]
            parts.setdefault(f"{part}.{what}", set()).add(one["evidence"])
    for what, found in parts.items():
        part = what.split(".")[0]
        if part in ("offer", "plan"):
            assert found == {"randomised"}, what
        elif what in ("threshold.orders", "threshold.spend", "threshold.margin", "upgrade.margin"):
            assert found == {"adjusted"}, what
        elif part != "upgrade":
            assert found == {"descriptive"}, what
    found = findings(sample)
    assert found["tiers.upgrade.orders.gold"]["evidence"] == "adjusted"
    # Of a tier that members reach on purpose, nothing that is left is an effect.
    assert found["tiers.upgrade.orders.diamond"]["evidence"] == "descriptive"
    assert found["tiers.upgrade.naive.gold"]["evidence"] == "descriptive"


def test_other_parameters_are_published_too(tmp_path):
    lines = json.dumps({"silver": 80, "gold": 220, "diamond": 480})
    asked = ["budget_cny=0", "offer_experiment=", f"tier_names={json.dumps(TIERS)}"]
    asked += [f"thresholds_cny={lines}", 'high_tiers=["diamond"]', 'rungs=["reply", "cart"]']
    asked += ["rfm_days=300", "compare_days=200", "move_reviews=1", "activity_threshold=0.9"]
    asked += ["blocks_after=1", "horizon_days=28", "holdout_days=28"]
    found = findings(report(NAME, tmp_path, *(part for one in asked for part in ("-p", one))))
    for name in ("offer.choice", "plan.gain", "rfm.net_flow"):
        assert found[f"tiers.{name}"]["status"] == "insufficient"
    assert "rfm_days of at most" in found["tiers.rfm.net_flow"]["message"]
    assert found["tiers.activity.share.diamond"]["status"] == "alert"
    assert found["tiers.activity.share.gold"]["threshold"] is None
    assert found["tiers.moves.migration.gold.gold"]["value"] > 0
    assert {name for name in found if name.startswith("tiers.ladder.rate.")} == {
        f"tiers.ladder.rate.{rung}" for rung in ("none", "reply", "cart")
    }


def test_too_few_users_are_published_as_insufficient_with_the_reason(tmp_path):
    found = findings(report(NAME, tmp_path, "-p", "min_users=100000"))
    for name, one in found.items():
        if name not in ("tiers.moves.accounts", "tiers.moves.not_reviewed"):
            assert (one["status"], one["value"]) == ("insufficient", None), name
            assert one["message"]
    parts = {name.split(".")[1] for name in found}
    assert parts == {"offer", "plan", "value", "threshold", "upgrade", "moves", "activity"} | {
        *("future", "rfm", "ladder")
    }
