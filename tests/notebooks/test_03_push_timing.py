"""The notebook on push timing, run as the weekly report runs it, against the sample's truths."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from tests.notebooks.published import ROOT, findings, report, report_once

NAME = "03_push_timing"
HOURS = range(9, 22)
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    stored = json.loads((ROOT / "data" / "sample" / "truth.json").read_text("utf-8"))
    return {one["id"].removeprefix("pushes."): one["value"] for one in stored["truths"]}


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    return report_once(NAME, tmp_path_factory)


@pytest.fixture(scope="module")
def expected(truth) -> dict[str, float]:
    """The value of each finding, were the sample infinitely large."""
    return {
        "policy.as_sent": truth["value.as_drawn"],
        **{
            f"policy.hour_{hour}": truth[f"value.hour_{hour}"] - truth["value.as_drawn"]
            for hour in HOURS
        },
        "delay.planned.office": 1 + truth["lift.office.planned_evening"],
        "delay.planned.homemaker": 1 + truth["lift.homemaker.sent_evening"],
        "adjusted.pair.office": 1 + truth["lift.office.sent_evening"],
        "adjusted.pair.homemaker": 1 + truth["lift.homemaker.sent_evening"],
        "adjusted.days.off": truth["ratio.sunday"],
        **{
            f"medium.{medium}": truth[f"ratio.{medium}"]
            for medium in ("moments", "group", "service_notice", "sms")
        },
        "kind.促销": 1 + truth["lift.promotion"],
        "copy.B": truth["lift.copy_b"],
        "frequency.slope.click": truth["fatigue.log_per_push"],
        "frequency.slope.block": truth["aversion.log_per_push"],
        "frequency.best.weeks": truth["weekly.value.cap_3"],
        "margin.orders": truth["gain.orders"],
        "margin.margin": truth["gain.margin_cny"],
        "margin.left": truth["gain.left"],
    }


def errors_off(one: dict, value: float) -> float:
    """How many standard errors a finding lies from a value; ratios on the log scale."""
    ends = np.array([one["value"], one["ci_lower"], one["ci_upper"], value])
    if one["unit"] == "ratio" and one["value"] > 0 and value > 0.5:
        ends = np.log(ends)
    return abs(ends[0] - ends[3]) / ((ends[2] - ends[1]) / 2 / norm.ppf(0.975))


def test_every_planted_truth_lies_in_its_simultaneous_interval(sample, expected):
    found = findings(sample)
    limit = norm.ppf(1 - (1 - 0.95 ** (1 / len(expected))) / 2)
    away = {name: errors_off(found[f"push.{name}"], value) for name, value in expected.items()}
    assert {name: z for name, z in away.items() if z > limit} == {}


def test_the_crude_curve_sees_an_evening_where_there_is_none(sample):
    """Active homemakers get the evening, and the evening gets the promotions: planted is nothing.

    Pushes at 20 and 21 against those at 10 and 11, both sizes as large as they are.
    """
    hours = pd.read_csv(sample / "tables" / "adjusted_hours.csv")
    own = hours[hours["segment"] == "homemaker"].set_index("hour")
    evening, morning = (own.loc[list(band)] for band in (("20:00", "21:00"), ("10:00", "11:00")))
    crude = np.average(evening["crude_rate"], weights=evening["n_pushes"]) / np.average(
        morning["crude_rate"], weights=morning["n_pushes"]
    )
    adjusted = findings(sample)["push.adjusted.pair.homemaker"]
    assert adjusted["ci_lower"] < 1 < adjusted["ci_upper"]
    assert crude > 1.25


def test_the_schedule_sends_office_workers_in_the_evening_and_nobody_else(sample):
    table = pd.read_csv(sample / "tables" / "schedule.csv").set_index("segment")
    clear = table[table["verdict"] == "clear"]
    assert clear.index.tolist() == ["office"]
    assert clear["hours"].tolist() == ["20:00–22:00"]
    one = findings(sample)["push.schedule.office"]
    assert one["evidence"] == "randomised"
    assert 0 < one["ci_lower"] < one["ci_upper"]
    assert one["worth_cny"] > 0
    # Nothing is worth doing where no hour was planted to matter.
    assert findings(sample)["push.schedule.homemaker"]["worth_cny"] is None
    assert table.loc["homemaker", "verdict"] in ("none", "alike")


def test_the_best_weekly_number_is_among_those_not_told_apart(sample, truth):
    table = pd.read_csv(sample / "tables" / "frontier.csv")
    for _, own in table.groupby("kind"):
        assert truth["best_cap"] in own.loc[own["is_candidate"], "cap"].tolist()
        # Seven a week lose money, and are clearly not the best.
        assert own.set_index("cap").loc[7, "weekly_value_upper"] < 0
        assert not own.set_index("cap").loc[7, "is_candidate"]


def test_staff_who_send_late_are_found_and_nobody_else(sample):
    table = pd.read_csv(sample / "tables" / "push_delays.csv", dtype={"staff": "str"})
    assert sorted(table.loc[table["verdict"] == "slow", "staff"]) == ["010", "011", "012"]


def test_every_value_has_an_interval_and_a_denominator(sample):
    without = (
        "push.quality.",
        "push.lots.",
        "push.description.",
        "push.support",
        "push.delay.slow",
    )
    for name, one in findings(sample).items():
        if one["status"] == "insufficient":
            assert one["value"] is None
        elif not name.startswith(without):
            assert one["ci_lower"] <= one["value"] <= one["ci_upper"], name
            assert one["n"] >= 30, name


def test_what_is_by_lot_is_told_from_what_is_adjusted_and_what_describes(sample):
    found = findings(sample)
    evidence = {name: one["evidence"] for name, one in found.items()}
    assert evidence["push.policy.hour_21"] == "randomised"
    assert evidence["push.adjusted.hour.all"] == "adjusted"
    assert evidence["push.rate.all"] == "descriptive"
    assert evidence["push.frequency.best.assigned"] == "randomised"
    # Who is there to be pushed again has not blocked: no lots decided that.
    assert evidence["push.frequency.best.weeks"] == "adjusted"
    assert evidence["push.frequency.slope.block"] == "adjusted"


@pytest.mark.parametrize(
    "options",
    [
        ("-p", "outcome=order", "-p", "by=[]"),
        ("-p", 'hour_bands=["9:00-14:00", "14:00-22:00"]', "-p", "by=tier", "-p", "period_days=90"),
        ("-p", "holidays_country=", "-p", "content_marks=[]", "-p", "cap_experiment="),
    ],
)
def test_other_parameters_are_published_too(tmp_path, options):
    assert findings(report(NAME, tmp_path, *options))["push.policy.as_sent"]["value"] > 0


def test_too_few_users_are_published_as_insufficient_with_the_reason(tmp_path):
    found = findings(report(NAME, tmp_path, "-p", "min_users=100000", "-p", "by=chanel"))
    assert found["push.policy"]["status"] == "insufficient"
    told = {one["status"] for one in found.values()}
    assert told <= {"insufficient", "info"}
