"""The notebook on targets, run as the weekly report runs it, on the sample."""

import math
from pathlib import Path

import pandas as pd
import pytest
from siyu.data import open_source

from tests.notebooks.published import ROOT, findings, report, report_once

NAME = "07_member_target"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return report_once(NAME, tmp_path_factory)


@pytest.fixture(scope="module")
def found(folder) -> dict[str, dict]:
    return findings(folder)


def test_a_target_that_is_not_likely_to_be_reached_is_an_alert_with_what_to_add(found):
    chance = found["targets.plan.chance"]
    assert (chance["status"], chance["threshold"]) == ("alert", 0.5)
    assert 0 < chance["value"] < 0.5
    assert chance["action"]
    fifty, eighty = (found[f"targets.plan.needed.{share}"]["value"] for share in (50, 80))
    assert found["targets.forecast.adds"]["value"] < fifty < eighty


def test_touchpoints_sum_to_the_whole(found):
    for what in ("adds", "kept"):
        whole = f"targets.forecast.{what}"
        parts = [one["value"] for name, one in found.items() if name.startswith(f"{whole}.")]
        assert math.isclose(sum(parts), found[whole]["value"], rel_tol=1e-9)


def test_the_rule_and_the_data_differ_by_the_factor_alone(found):
    value = {name: one["value"] for name, one in found.items()}
    assert math.isclose(value["targets.rule.by_rule"], 1.3 * value["targets.rule.wanted"])
    by_data = value["targets.rule.factor"] * value["targets.rule.wanted"]
    assert math.isclose(value["targets.rule.by_data"], by_data)


def test_the_factor_is_one_over_the_share_of_the_sample_who_stay(found):
    """By a second route: pandas over the users, the same days, all followed for thirty more."""
    users = open_source(ROOT / "data" / "sample").table("users").to_pandas()
    day = {
        name: users[name].dt.tz_convert("Asia/Shanghai").dt.tz_localize(None).dt.normalize()
        for name in ("added_at", "left_at")
    }
    last = pd.Timestamp("2026-03-31") - pd.Timedelta(days=30)
    counted = day["added_at"].between(last - pd.Timedelta(days=89), last)
    gone = (day["left_at"] - day["added_at"]).dt.days <= 30
    share = 1 - gone[counted].mean()
    assert counted.sum() == found["targets.rule.factor"]["n"]
    assert math.isclose(found["targets.rule.factor"]["value"], 1 / share, rel_tol=1e-9)


def test_the_forecast_is_held_against_what_came_and_says_how_often_it_held(found):
    for level in (80, 95):
        coverage = found[f"targets.forecast.coverage.{level}"]
        assert coverage["ci_lower"] <= coverage["value"] <= coverage["ci_upper"]
        assert coverage["threshold"] == level / 100


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--as-of", "2025-04-20"), "weeks"),
        (("-p", "target_members=null"), "orders"),
    ],
    ids=["a young log", "by the rule"],
)
def test_what_a_merchant_may_ask_ends_in_a_page(tmp_path, options, says):
    folder = report(NAME, tmp_path, *options)
    told = " ".join(one["message"] for one in findings(folder).values())
    assert says in told
