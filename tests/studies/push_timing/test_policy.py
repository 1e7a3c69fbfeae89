"""Policies of hours on the sample: planted truths are found, and what cannot be read is refused."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from siyu.data import open_source
from siyu.language import speaking
from siyu.stats import off_policy
from siyu.stats.off_policy import Logged
from siyu.studies.push_timing import Definition, PushError, find_pushes, policy, schedule
from siyu.studies.push_timing.policy import choose
from siyu.studies.push_timing.policy.learn import learn_rates, own_hours

SAMPLE = Path(__file__).parents[3] / "data" / "sample"
LEVEL = 0.95
LOTS = {"lift_wanted": 0.2, "power": 0.8, "level": LEVEL}


@pytest.fixture(scope="module")
def pushes():
    pool = open_source(SAMPLE)
    return find_pushes(pool, Definition(), period_days=365, by=["occupation"], min_users=30)


@pytest.fixture(scope="module")
def measures(pushes):
    return policy.measure(pushes)


@pytest.fixture(scope="module")
def found(measures):
    return policy.estimate(measures, level=LEVEL)


@pytest.fixture(scope="module")
def truths():
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    return {t["id"]: t["value"] for t in document["truths"]}


def scaled(logged: Logged, **factors: float) -> Logged:
    """The same choices, some sums multiplied."""
    own = {one.name: getattr(logged, one.name) for one in fields(logged)}
    return Logged(**{name: sums * factors.get(name, 1.0) for name, sums in own.items()})


def only(measures, kept) -> object:
    """The same pushes of some hours, at the same places."""
    halves = {}
    for half in ("earlier", "later"):
        logged = getattr(measures, half)
        own = {one.name: getattr(logged, one.name) * kept for one in fields(logged)}
        halves[half] = Logged(**own)
    return replace(measures, **halves)


def test_every_planted_value_lies_in_its_simultaneous_interval(measures, truths):
    office = measures.segment == measures.segments.index("office")
    values = {}
    for name, who in {"": office | True, "office.": office, "others.": ~office}.items():
        own = measures.logged.of(who)
        values[f"{name}as_drawn"] = off_policy.as_drawn(own)
        for hour, one in zip(measures.hours, off_policy.each_arm(own), strict=True):
            values[f"{name}hour_{hour}"] = one
    best = np.zeros_like(measures.logged.n)
    best[office, measures.hours.index(20)] = 1
    best[~office, measures.hours.index(12)] = 1
    values["best_hour_per_segment"] = off_policy.value(measures.logged, best, method="snips")
    wide = norm.ppf((1 + LEVEL ** (1 / len(values))) / 2)  # Sidak
    for name, one in values.items():
        assert abs(one.value - truths[f"pushes.value.{name}"]) <= wide * one.error, name
    assert len(values) == 43


def test_the_evening_lift_of_office_workers_is_found(measures, truths):
    own = measures.logged.of(measures.segment == measures.segments.index("office"))
    hours = np.array(measures.hours)
    evening, day = (
        off_policy.value(own, np.tile(which / which.sum(), (len(own.n), 1)), method="snips")
        for which in (np.isin(hours, (20, 21)), hours < 20)
    )
    lower, upper = off_policy.lift(evening, day).interval(LEVEL)
    assert 0 < lower <= truths["pushes.lift.office.planned_evening"] <= upper


def test_best_hours_are_in_the_sets_and_an_hour_that_does_not_matter_wins_nothing(found, truths):
    kept = found.curves[found.curves["not_worse"]]
    office = set(kept["hour"][kept["segment"] == "office"])
    assert truths["pushes.best_hour.office"] in office
    assert office == {20, 21}
    student = set(kept["hour"][kept["segment"] == "student"])
    assert truths["pushes.best_hour.others"] in student
    verdicts = found.segments.set_index("segment")["verdict"]
    assert (verdicts["office"], verdicts["homemaker"]) == ("clear", "none")


def test_the_reduction_counts_every_drawn_push_once(pushes, measures):
    assert measures.n == pushes.counts["drawn"] == 75_563
    logged = measures.logged
    assert abs(measures.earlier.n.sum() - measures.later.n.sum()) < 100
    assert logged.above.sum() > 0
    assert (logged.clipped_weight <= logged.weight + 1e-9).all()
    assert measures.planned["n"].sum() == pushes.counts["planned"]
    assert np.bincount(measures.fold).max() - np.bincount(measures.fold).min() <= 1
    assert measures.no_habits == ""


def test_a_bound_that_clips_everything_is_refused(pushes):
    with pytest.raises(PushError, match="clip_at = 1 must be above 1"):
        policy.measure(pushes, clip_at=1)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_is_said_and_drawn(measures, found, language):
    with speaking(language):
        table = schedule.plan(measures, found, value_per_click_cny=8.0)
        lots = schedule.plan_lots(measures, found, level=LEVEL)
        said = [
            policy.say_policies(measures, found, level=LEVEL),
            policy.say_curves(measures, found, level=LEVEL),
            policy.say_design(measures, found),
            schedule.say_schedule(measures, found, table),
            schedule.say_lots(lots, lift_wanted=0.2, power=0.8, level=LEVEL),
        ]
        assert all(said)
        assert "20:00–22:00" in said[0]
        pictures = [
            policy.draw_policies(measures, found, level=LEVEL),
            policy.draw_curves(measures, found, level=LEVEL),
            policy.draw_overlap(measures, found),
        ]
        assert [len(one.table) for one in pictures] == [18, 91, 78]
        ended = policy.conclude(measures, found, level=LEVEL)
        ended += schedule.conclude(measures, found, table, lots, **LOTS)
    by_id = {one.id: one for one in ended}
    assert len(by_id) == len(ended)
    office = by_id["push.schedule.office"]
    assert office.evidence == "randomised"
    assert office.segment == {"occupation": "office"}
    assert office.action
    per_week = measures.logged.of(measures.segment == 0).n.sum() / measures.weeks
    assert office.worth_cny == pytest.approx(office.value * per_week * 8)
    assert office.ci_lower > 0
    assert by_id["push.schedule.homemaker"].worth_cny is None
    assert by_id["push.policy.hour_21"].ci_lower > 0


def test_what_is_printed_is_the_value_of_the_hours_that_are_recommended(measures, found):
    own = measures.logged.of(measures.segment == measures.segments.index("office"))
    evening = [off_policy.each_arm(own)[measures.hours.index(hour)].value for hour in (20, 21)]
    now = off_policy.as_drawn(own).value
    row = schedule.plan(measures, found).set_index("segment").loc["office"]
    assert row["hours"] == "20:00–22:00"
    assert row["set_lift"] == pytest.approx(np.mean(evening) / now - 1)
    assert row["set_lift_lower"] < row["set_lift"] < row["set_lift_upper"]
    assert f"{row['set_lift']:.1%}" in policy.say_policies(measures, found, level=LEVEL)


def test_hours_planned_without_lots_are_valued_by_the_lots(measures, found):
    """As often at each hour as is planned; the schedule is held against it."""
    planned = measures.planned.groupby(["segment", "hour"])["n_by_hand"].sum()
    own = measures.logged.of(measures.segment == measures.segments.index("office"))
    shares = planned["office"].reindex(measures.hours, fill_value=0) / planned["office"].sum()
    by_hand = float(shares @ [one.value for one in off_policy.each_arm(own)])
    row = schedule.plan(measures, found, value_per_click_cny=8).set_index("segment").loc["office"]
    evening = off_policy.as_drawn(own).value * (1 + row["set_lift"])
    assert row["hand_lift"] == pytest.approx(evening / by_hand - 1)
    assert row["hand_lift_lower"] < row["hand_lift"] < row["set_lift"]
    recent = measures.planned[measures.planned["segment"] == "office"].sum()
    share = recent["n_recent_by_hand"] / recent["n_recent"]
    now = (1 - share) * off_policy.as_drawn(own).value + share * by_hand
    worth = 8 * (evening - now) * row["pushes_per_week"]
    assert row["all_value_per_week_cny"] == pytest.approx(worth)
    table = found.table.set_index("policy")
    assert table.loc["by_hand", "verdict"] == "unclear"
    assert table.loc["by_hand", "n_pushes"] == measures.n


@pytest.mark.parametrize("left", ["nothing", "elsewhere"])
def test_without_pushes_by_hand_or_at_hours_never_drawn_they_have_no_value(measures, left):
    planned = measures.planned.assign(n_by_hand=0)
    if left == "elsewhere":
        more = planned.drop_duplicates("segment").assign(hour=3, n_by_hand=10_000)
        planned = pd.concat([measures.planned, more], ignore_index=True)
    found = policy.estimate(replace(measures, planned=planned), level=LEVEL)
    row = found.table.set_index("policy").loc["by_hand"]
    assert row["refused"] == "no_hand"
    assert found.segments["hand_lift"].isna().all()
    assert (found.segments["all_difference"] == found.segments["set_difference"]).all()


def test_holm_is_over_the_rules_and_over_the_single_hours(found):
    table = found.table
    hour = table[(table["policy"] == "hour") & (table["hour"] == 20)].iloc[0]
    assert hour["difference_lower"] > 0
    assert hour["verdict"] == "alone"  # of 13 hours
    own = table[table["policy"] == "own_hour"].iloc[0]
    assert own["p_holm"] < 0.05  # of 4 rules
    assert own["verdict"] == "higher"


def test_lots_take_the_pushes_of_the_last_weeks_and_few_hours_where_all_take_too_long(
    measures, found
):
    lots = schedule.plan_lots(measures, found, level=LEVEL).set_index("segment")
    student = lots.loc["student"]
    planned = measures.planned[measures.planned["segment"] == "student"]["n_recent"].sum()
    assert measures.recent_weeks == 4
    assert student["pushes_per_week"] == planned / 4
    assert student["drawn_hours"] == "11:00–12:00, 16:00–17:00, 20:00–21:00"
    assert student["weeks_needed"] == pytest.approx(student["n_pushes"] / (planned / 4))
    pooled = lots.iloc[-1]
    assert (pooled.name, pooled["reason"]) == ("(all unsettled)", "pooled")
    assert pooled["weeks_needed"] < 26
    lead = lots.loc["(unknown)"]
    assert (lead["reason"], lead["n_hours"]) == ("leads", 3)
    assert "20:00" in lead["drawn_hours"]  # the best of those that lead


def test_an_hour_matters_little_only_where_none_may_bring_what_is_wanted(measures, found):
    most = found.segments.set_index("segment")["most_lift"]["homemaker"]
    sure = policy.estimate(measures, level=LEVEL, lift_wanted=1.01 * most)
    verdicts = sure.segments.set_index("segment")["verdict"]
    assert verdicts["homemaker"] == "alike"
    said = schedule.say_schedule(measures, sure, schedule.plan(measures, sure))
    assert "“homemaker” the hour hardly matters" in said
    assert "homemaker" not in set(schedule.plan_lots(measures, sure, level=LEVEL)["segment"])
    with pytest.raises(PushError, match="lift_wanted = 0 must be above 0"):
        policy.estimate(measures, level=LEVEL, lift_wanted=0)


def test_a_schedule_without_a_price_is_not_valued(measures, found):
    table = schedule.plan(measures, found)
    assert table["value_per_week_cny"].isna().all()
    assert "not valued" in schedule.say_schedule(measures, found, table)
    with pytest.raises(PushError, match="value_per_click_cny = 0 must be above 0"):
        schedule.plan(measures, found, value_per_click_cny=0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [({"lift_wanted": 0}, "lift_wanted = 0 must be above 0"), ({"power": 1}, "power = 1 must lie")],
)
def test_lots_that_cannot_be_planned_are_refused(measures, found, wrong, said):
    with pytest.raises(PushError, match=said):
        schedule.plan_lots(measures, found, level=LEVEL, **wrong)


def refusing(measures, kind: str):
    first = np.arange(len(measures.hours)) == 0
    if kind == "none":
        return only(measures, 0.0)
    if kind == "no_lots":
        halves = {
            half: replace(getattr(measures, half), weight=getattr(measures, half).n)
            for half in ("earlier", "later")
        }
        return replace(measures, **halves)
    if kind == "design":
        halves = {
            half: scaled(getattr(measures, half), weight=1.2, answered_weight=1.2)
            for half in ("earlier", "later")
        }
        return replace(measures, **halves)
    halves = {}
    for half in ("earlier", "later"):
        logged = getattr(measures, half)
        own = {one.name: getattr(logged, one.name)[:, first] for one in fields(logged)}
        halves[half] = Logged(**own)
    return replace(measures, hours=measures.hours[:1], **halves)


@pytest.mark.parametrize("kind", ["none", "no_lots", "one_hour", "design"])
def test_what_cannot_be_read_is_refused_with_its_reason(measures, kind):
    wrong = refusing(measures, kind)
    wrong = replace(wrong, counts={**measures.counts, "wrong_propensity": 3})
    found = policy.estimate(wrong, level=LEVEL)
    assert found.refused == kind
    (ended,) = policy.conclude(wrong, found, level=LEVEL)
    assert ended.status == "insufficient"
    assert "3 pushes have a propensity outside (0, 1]" in ended.message
    assert policy.say_policies(wrong, found, level=LEVEL) == ended.message
    assert policy.say_curves(wrong, found, level=LEVEL) == ended.message
    assert policy.say_design(wrong, found) == ended.message
    for draw in (policy.draw_policies, policy.draw_curves):
        assert draw(wrong, found, level=LEVEL).table.empty
    assert policy.draw_overlap(wrong, found).table.empty
    table = schedule.plan(wrong, found)
    assert set(table["verdict"]) == {"unread"}
    lots = schedule.plan_lots(wrong, found, level=LEVEL)
    assert set(lots["reason"][:-1]) == {"unread"}
    assert lots["reason"].iloc[-1] == "pooled"
    assert schedule.say_schedule(wrong, found, table) == ended.message
    scheduled = schedule.conclude(wrong, found, table, lots, **LOTS)
    assert scheduled[0].status == "insufficient"


def test_when_nothing_is_answered_nothing_is_valued(measures):
    silent = {
        half: scaled(
            getattr(measures, half), answered=0, answered_weight=0, squared_answered_weight=0
        )
        for half in ("earlier", "later")
    }
    planned = measures.planned.assign(answered=0)
    wrong = replace(measures, **silent, planned=planned)
    found = policy.estimate(wrong, level=LEVEL)
    assert set(found.table["refused"]) <= {"few_answers", "few", "support"}
    assert set(found.segments["verdict"]) == {"thin"}
    assert policy.draw_curves(wrong, found, level=LEVEL).table.empty
    table, lots = schedule.plan(wrong, found), schedule.plan_lots(wrong, found, level=LEVEL)
    assert lots.empty
    assert "no further lots to plan" in schedule.say_lots(
        lots, lift_wanted=0.2, power=0.8, level=LEVEL
    )
    assert "draw lots first" in schedule.say_schedule(wrong, found, table)
    assert {one.status for one in schedule.conclude(wrong, found, table, lots, **LOTS)} == {
        "insufficient"
    }


def test_an_hour_with_too_few_pushes_has_no_value(measures):
    # Of hour 9 only the first 40 users keep their pushes.
    kept = np.ones_like(measures.logged.n)
    kept[40:, 0] = 0
    # So few at an hour that others had: the chances cannot be right, and nothing is read.
    assert policy.estimate(only(measures, kept), level=LEVEL).refused == "design"
    thin = only(measures, kept).logged
    curve = choose.find_curve(thin, min_users=20, partial=kept[0] < 0)
    assert curve.refused == ["thin", *[""] * 12]
    # 28 of these 40 got a push at hour 9: too few to be shown where 30 must be.
    assert curve.n_users[0] == 28
    assert choose.find_curve(thin, min_users=30, partial=kept[0] < 0).refused[0] == "few"
    rule = choose.at_hour(*thin.n.shape, 0)
    assert choose.find_refusal(thin, rule, min_users=30, partial=kept[0] < 0) == "few"


def test_rates_shrink_to_the_level_of_the_segment_where_hours_do_not_differ(measures):
    rates = learn_rates(measures.logged, measures.segment, len(measures.segments) + 1)
    raw = [one.value for one in off_policy.each_arm(measures.logged)]
    assert np.ptp(rates[0]) < np.ptp(raw) * 2
    everyone = measures.logged.answered_weight.sum() / measures.logged.weight.sum()
    assert rates[-1] == pytest.approx(everyone)


def test_own_hours_are_learnt_where_they_differ_and_else_are_the_segments():
    # Two users answer most at one hour and little at the other: each has an own hour.
    n = np.array([[20.0, 20.0], [20.0, 20.0]])
    answered = np.array([[18.0, 2.0], [2.0, 18.0]])
    rest = {one.name: n for one in fields(Logged)}
    own = Logged(**(rest | {"n": n, "answered": answered}))
    scores = own_hours(own, np.full((2, 2), 0.45))
    assert scores.argmax(axis=1).tolist() == [0, 1]
    alike = Logged(**(rest | {"n": n, "answered": np.full((2, 2), 9.0)}))
    assert np.ptp(own_hours(alike, np.full((2, 2), 0.45))) == pytest.approx(0)


def test_an_hour_that_only_a_part_could_get_is_refused_and_no_rule_takes_it(measures):
    # A third of the users could not get hour 12, which is the best of most segments.
    hour = measures.hours.index(12)
    kept = np.ones_like(measures.logged.n)
    kept[::3, hour] = 0
    n = measures.logged.n[::3]
    factor = np.ones_like(kept)
    factor[::3] = 1 - n[:, hour].sum() / n.sum()  # what remains was likelier
    halves = {}
    for half in ("earlier", "later"):
        logged = getattr(only(measures, kept), half)
        names = ("weight", "answered_weight")
        halves[half] = replace(logged, **{one: getattr(logged, one) * factor for one in names})
    some = replace(measures, **halves)
    assert np.flatnonzero(some.design.partial).tolist() == [hour]
    found = policy.estimate(some, level=LEVEL)
    assert found.refused == ""
    row = found.table[found.table["hour"] == 12].iloc[0]
    assert row["refused"] == "part"
    ended = {one.id: one for one in policy.conclude(some, found, level=LEVEL)}
    assert "only a part of the users" in ended["push.policy.hour_12"].message
    everybody = found.curves[(found.curves["segment"] == "all") & (found.curves["hour"] == 12)]
    assert everybody["refused"].tolist() == ["part"]
    for rule in (*choose.choose_hours(some, level=LEVEL).values(), choose.at_own_hours(some)):
        assert not rule[:, hour].any()
    habits = choose.at_habits(some)
    assert not habits[some.habits == hour].any()
    assert habits[(some.habits >= 0) & (some.habits != hour)].any(axis=1).all()


def test_hours_stay_by_the_answers_that_are_expected_and_not_by_their_own(measures):
    # Hour 9 has few answers by chance, and hour 10 none.
    names = ("answered", "answered_weight", "squared_answered_weight")
    kept = np.ones_like(measures.logged.n)
    kept[50:, 0], kept[:, 1] = 0, 0
    logged = replace(
        measures.logged, **{one: getattr(measures.logged, one) * kept for one in names}
    )
    curve = choose.find_curve(logged, min_users=30, partial=kept[0] < 0)
    assert 0 < logged.answered[:, 0].sum() < choose.FEWEST_EXPECTED
    assert curve.refused[:3] == ["", "no_answers", ""]
