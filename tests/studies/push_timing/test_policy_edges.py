"""Policies of hours where the log says little, and what is said when nothing stands out."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.studies.push_timing import Definition, find_pushes, policy, schedule
from siyu.studies.push_timing.policy import choose

from tests.studies.funnel.builders import write_tables
from tests.studies.push_timing.test_policy import LEVEL, LOTS, found, measures, only, pushes

__all__ = ["found", "measures", "pushes"]
ZONE = ZoneInfo("Asia/Shanghai")


def scaled_by(logged, factor, *names):
    return replace(logged, **{name: getattr(logged, name) * factor for name in names})


def shop(folder, propensity):
    at = dt.datetime(2026, 1, 5, 9, tzinfo=ZONE)
    rows = [
        {
            "push_id": f"{i}",
            "user_id": f"u{i % 40:02}",
            "planned_at": at + dt.timedelta(hours=i % 3),
            "sent_at": at + dt.timedelta(hours=i % 3),
            "clicked_at": at + dt.timedelta(hours=4) if i % 4 == 0 else None,
            "propensity": propensity,
        }
        for i in range(120)
    ]
    users = [{"user_id": f"u{i:02}"} for i in range(40)]
    events = [{"user_id": "u00", "occurred_at": at, "event": "greet"}]
    layout = {
        "timezone": "Asia/Shanghai",
        "observed": {"from": "2026-01-01", "to": "2026-01-31"},
    }
    write_tables(folder, layout=layout, events=events, users=users)
    pd.DataFrame(rows).to_parquet(folder / "pushes.parquet")
    return open_source(folder)


@pytest.mark.parametrize(("propensity", "why"), [(1.5, "none"), (1.0, "no_lots")])
def test_a_log_without_usable_chances_is_refused(tmp_path, propensity, why):
    known = find_pushes(shop(tmp_path, propensity), Definition(), period_days=31)
    reduced = policy.measure(known)
    found = policy.estimate(reduced, level=LEVEL)
    assert found.refused == why
    assert reduced.no_habits == "no_events"  # what staff do is no habit
    lots = schedule.plan_lots(reduced, found, level=LEVEL)
    assert lots["drawn_hours"].tolist() == ["9:00–12:00"]
    said = schedule.say_lots(lots, lift_wanted=0.2, power=0.8, level=LEVEL)
    assert "draw between 9:00–12:00, each hour with the same chance" in said


def test_habits_that_nobody_knows_are_no_policy(measures):
    unknown = replace(measures, habits=measures.habits * 0 - 1, no_habits="no_events")
    found = policy.estimate(unknown, level=LEVEL)
    row = found.table.set_index("policy").loc["habit"]
    assert row["refused"] == "no_events"
    ended = {one.id: one for one in policy.conclude(unknown, found, level=LEVEL)}
    assert ended["push.policy.habit"].status == "insufficient"
    assert "no events" in ended["push.policy.habit"].message
    assert len(policy.draw_policies(unknown, found, level=LEVEL).png) > 0


def test_an_hour_that_a_segment_never_drew_is_no_policy_for_all(measures):
    kept = np.ones_like(measures.logged.n)
    own = measures.segment == 1
    kept[own, -1] = 0
    # What was never drawn there leaves the others more likely.
    n = measures.logged.n[own]
    less = np.where(own, n[:, :-1].sum() / n.sum(), 1.0)[:, None]
    logged = only(measures, kept).logged
    assert (
        choose.find_refusal(logged, choose.at_hour(*kept.shape, 12), **choose.limits_of(measures))
        == ""
    )
    drawn = only(measures, kept)
    halves = {
        half: scaled_by(getattr(drawn, half), less, "weight", "answered_weight")
        for half in ("earlier", "later")
    }
    found = policy.estimate(replace(drawn, **halves), level=LEVEL)
    row = found.table[found.table["hour"] == 21].iloc[0]
    assert row["refused"] == "support"


def test_too_few_users_are_no_policy(measures):
    few = measures.logged.of(np.arange(len(measures.segment)) < 10)
    rule = choose.at_hour(*few.n.shape, 0)
    assert choose.find_refusal(few, rule, **choose.limits_of(measures)) == "few"


def test_the_headline_falls_back_to_a_rule_and_then_to_nothing(measures, found):
    flat = found.segments.assign(verdict="none")
    table = found.table.assign(verdict="unclear")
    table.loc[table["policy"] == "own_hour", "verdict"] = "higher"
    ruled = replace(found, segments=flat, table=table)
    assert "own best hour" in policy.say_policies(measures, ruled, level=LEVEL)
    table = found.table.assign(verdict="unclear")
    nothing = replace(found, segments=flat, table=table)
    said = policy.say_policies(measures, nothing, level=LEVEL)
    assert said.startswith("No other choice of hours clearly brings more")
    drawn = policy.draw_curves(measures, nothing, level=LEVEL)
    assert "In no segment do other hours clearly bring more" in drawn.alt
    plan = schedule.plan(measures, nothing)
    assert "the hours stay as they are" in schedule.say_schedule(measures, nothing, plan)


def test_without_a_value_nothing_is_said_of_weights(measures, found):
    refused = replace(found, table=found.table.assign(refused="thin"))
    assert "weight" not in policy.say_design(measures, refused)
    light = replace(found, table=found.table.assign(above=0.0))
    assert "No push has a weight above 20" in policy.say_design(measures, light)


def test_so_few_pushes_that_half_a_year_finds_nothing(measures, found):
    rare = measures.planned.assign(n_recent=0.01)
    lots = schedule.plan_lots(replace(measures, planned=rare), found, level=LEVEL)
    assert lots["lift_in_half_year"].isna().all()
    said = schedule.say_lots(lots, lift_wanted=0.2, power=0.8, level=LEVEL)
    assert "hours have no value after half a year" in said
    many = pd.concat([measures.planned.assign(n_recent=10**7)])
    lots = schedule.plan_lots(replace(measures, planned=many), found, level=LEVEL)
    assert "half a year" not in schedule.say_lots(lots, lift_wanted=0.2, power=0.8, level=LEVEL)
    assert len(schedule.conclude(measures, found, schedule.plan(measures, found), lots, **LOTS))


def test_chances_that_too_few_users_got_are_untested_and_nothing_is_read(measures):
    found = policy.estimate(replace(measures, min_users=10_000), level=LEVEL)
    assert found.refused == "untested"
    assert "cannot be tested" in policy.say_policies(measures, found, level=LEVEL)
