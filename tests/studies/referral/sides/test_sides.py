"""Reward experiments: trees of drawn seeds by hand and by a slow walk, verdicts and refusals."""

from __future__ import annotations

import datetime as dt
import random

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.findings import to_json
from siyu.language import LANGUAGES, speaking
from siyu.stats.experiments import welch_difference
from siyu.studies.referral import Definition, ReferralError, find_invites, sides
from siyu.studies.referral.sides.measure import climb_to_drawn

from tests.studies.referral.builders import (
    DAY,
    HOUR,
    OPENS,
    SAMPLE,
    START,
    invite,
    invites_of,
    user,
)

LEVEL = 0.95
ABOUT = {"notebook": "x", "as_of": "2026-03-31", "source": "shop", "parameters": {}}
pytestmark = pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")
ASKED = {"reward_experiment": "both", "reward_control": "one", "tree_days": 20}


def drawn(name, arm, at=OPENS, cost=0.0):
    return {"experiment": "both", "user_id": name, "arm": arm, "assigned_at": at, "cost_cny": cost}


def family():
    """a brings c, c brings d and e, who leaves; b brings f after the twenty days; z drew too late.

    c was drawn as well, after having come of a; what comes of c counts for a.
    """
    at = OPENS + HOUR
    users = [user(name, START) for name in "abz"]
    came = {"c": ("a", 1), "d": ("c", 3), "e": ("c", 4), "f": ("b", 25)}
    users += [
        user(name, at + day * DAY, at + 9 * DAY if name == "e" else None)
        for name, (_, day) in came.items()
    ]
    rows = [
        invite(inviter, name, at + day * DAY - HOUR, at + day * DAY)
        for name, (inviter, day) in came.items()
    ]
    lots = [drawn("a", "two", cost=2.0), drawn("b", "one"), drawn("c", "one", OPENS + 2 * DAY)]
    lots.append(drawn("z", "two", OPENS + 70 * DAY))
    return {"users": users, "invites": rows, "assignments": lots}


def measured(folder, tables, **asked):
    for row in tables.get("assignments", []):
        row["assigned_at"] = pd.Timestamp(row["assigned_at"]).tz_convert("UTC")
    return sides.measure(invites_of(folder, tables), **ASKED | asked)


def test_a_family_is_counted_by_hand(tmp_path):
    found = measured(tmp_path, family(), gift_cny={"two": 1.0})
    assert found.arms == ("one", "two")
    assert (found.immature, found.contaminated) == (1, 1)
    # Three came of a, for five yuan each and a yuan as a gift; two for the draw; e left.
    assert found.seeds.to_numpy().tolist() == [[0, 0, 0, 0], [1, 3, 2, 3 * 6 + 2]]


def test_seeds_of_whom_none_was_followed_long_enough_are_counted_and_wait(tmp_path):
    """Of a run in the middle of the test; a gift makes no number of nobody."""
    for gifts in ({}, {"two": 1.0}):
        found = measured(tmp_path, family(), tree_days=200, gift_cny=gifts)
        assert (len(found.seeds), found.immature) == (0, 3)
        assert sides.compare_sides(found, level=LEVEL).refused == "nobody"


def test_who_came_of_a_seed_before_the_draw_is_a_seed(tmp_path):
    tables = family()
    for row in tables["assignments"]:
        row["assigned_at"] = OPENS + 2 * DAY
    found = measured(tmp_path, tables)
    assert found.contaminated == 0
    # c came before: d and e are of c, and a has nobody.
    assert found.seeds["descendants"].tolist() == [0, 2, 0, 0]


def slow_units(friends, lots):
    """Walk up from each friend, one step at a time; the uppermost drawn before counts."""
    above = {row.person: (row.inviter, row.added_us) for row in friends.itertuples()}
    units = []
    for row in friends.itertuples():
        at, unit = row.person, -1
        while at in above:
            inviter, added = above[at]
            if lots.get(inviter, np.inf) <= added:
                unit = inviter
            at = inviter
        units.append(unit)
    return units


def test_trees_of_drawn_seeds_are_those_of_a_slow_walk():
    rng = random.Random(3)
    for _ in range(30):
        people = list(range(40))
        rows = [
            {"person": one, "inviter": rng.randrange(one), "added_us": 10 * one}
            for one in people[5:]
        ]
        friends = pd.DataFrame(rows)
        lots = {one: rng.randrange(400) for one in rng.sample(people, 12)}
        table = pd.DataFrame({"person": list(lots), "drawn_us": list(lots.values())})
        found = climb_to_drawn(table, friends, own=False)
        assert found.tolist() == slow_units(friends, lots)


def seeds_of(*means, n=400, seed=5, reward=2.0):
    rng = np.random.default_rng(seed)
    parts = []
    for arm, mean in enumerate(means):
        size = rng.negative_binomial(0.5, 0.5 / (0.5 + mean), n).astype(float)
        kept = rng.binomial(size.astype(int), 0.6).astype(float)
        parts.append(
            pd.DataFrame({"arm": arm, "descendants": size, "kept": kept, "cost_cny": reward * size})
        )
    return pd.concat(parts, ignore_index=True)


def of(seeds, arms=("one", "two"), **changed):
    made = {
        "source": "shop",
        "as_of": dt.date(2026, 3, 31),
        "min_users": 30,
        "experiment": "both" if arms else "",
        "arms": arms,
        "shares": (1.0,) * len(arms),
        "drawn_arms": (),
        "tree_days": 42,
        "kept_days": 30,
        "seeds": seeds,
        "immature": 0,
        "contaminated": 2,
        "past": pd.DataFrame({"campaign": "tea", "size": [0, 1, 2, 3], "n": [300, 200, 80, 20],
                              "inviters": [100, 200, 80, 20]}),
    }  # fmt: skip
    return sides.Measures(**made | changed)


@pytest.mark.parametrize(
    ("means", "reward", "verdict"),
    [((1.0, 3.0), 2.0, "roll_out"), ((1.0, 3.0), 30.0, "stop"), ((1.0, 1.0), 2.0, "keep_testing")],
)
def test_an_arm_is_judged_by_what_is_left_per_seed(means, reward, verdict):
    measures = of(seeds_of(*means, reward=reward))
    found = sides.compare_sides(measures, level=LEVEL)
    net = found.table.set_index("measure").loc["net_cny"]
    assert net["verdict"] == verdict
    left = 30 * measures.seeds["kept"] - measures.seeds["cost_cny"]
    by = [left[measures.seeds["arm"] == arm] for arm in (1, 0)]
    expected = welch_difference(*by, level=LEVEL)
    assert net["difference"] == pytest.approx(expected.value)
    assert net["ci_lower"] == pytest.approx(expected.ci_lower, rel=1e-3)
    told = sides.conclude(measures, found, level=LEVEL)
    to_json(told, **ABOUT)
    assert {one.evidence for one in told} == {"randomised"}


def test_intervals_of_three_arms_hold_together_and_are_wider():
    two = sides.compare_sides(of(seeds_of(1.0, 1.2)), level=LEVEL).table
    three = sides.compare_sides(
        of(seeds_of(1.0, 1.2, 1.1), arms=("one", "two", "three")), level=LEVEL
    ).table.query("arm == 'two'")
    widths = [(one["ci_upper"] - one["ci_lower"]).to_numpy() for one in (two, three)]
    assert (widths[1] > 1.05 * widths[0]).all()


def test_until_all_seeds_have_been_followed_a_verdict_holds_at_any_number_of_looks():
    """Waudby-Smith's interval of 800 of 1,200 seeds; what a single look calls is tested on."""
    seeds = seeds_of(1.0, 1.7)
    at_end = sides.compare_sides(of(seeds), level=LEVEL).table.set_index("measure")
    running = of(seeds, immature=400)
    found = sides.compare_sides(running, level=LEVEL).table.set_index("measure")
    by = [seeds.loc[seeds["arm"] == arm, "descendants"] for arm in (0, 1)]
    error = np.sqrt(sum(one.var(ddof=1) / 400 for one in by))
    grown = 800 / 1_200 * (np.log(1 - 2 * np.log(0.05)) - 2 * np.log(0.05))
    reach = error * np.sqrt(2 * (1 + 1 / grown) * np.log(np.sqrt(grown + 1) / 0.05))
    own = found.loc["descendants"]
    assert own["ci_lower"] == pytest.approx(own["difference"] - reach)
    assert (at_end.loc["net_cny", "verdict"], found.loc["net_cny", "verdict"]) == (
        "roll_out", "keep_testing"
    )  # fmt: skip
    said = sides.say_sides(running, sides.compare_sides(running, level=LEVEL), level=LEVEL)
    assert "hold at any number of looks" in said


@pytest.mark.parametrize(
    "asked",
    [{"reward_control": "x"}, {"gift_cny": {"x": 1.0}}, {"reward_shares": [1.0, 1.0, 1.0]}],
)
def test_arms_into_which_nobody_has_been_drawn_yet_are_told(tmp_path, asked):
    found = measured(tmp_path, family(), **asked)
    assert (found.arms, found.drawn_arms) == ((), ("one", "two"))


def test_what_cannot_be_read_is_refused_and_names_the_next_experiment():
    lost = seeds_of(1.0, 1.0)
    cases = {
        "none": of(lost[:0], arms=()),
        "undrawn": of(lost[:0], arms=(), drawn_arms=("one",)),
        "nobody": of(lost[:0]),
        "ratio": of(lost.drop(index=lost.index[:120])),
        "few": of(seeds_of(1.0, 1.0, n=29)),
        "flat": of(lost.assign(descendants=0.0, kept=0.0, cost_cny=0.0)),
    }
    for refused, measures in cases.items():
        found = sides.compare_sides(measures, level=LEVEL)
        assert found.refused == refused
        for language in LANGUAGES:
            with speaking(language):
                (told,) = sides.conclude(measures, found, level=LEVEL)
                assert told.status == "insufficient"
                assert told.action
                assert sides.say_sides_headline(measures, found, level=LEVEL)
    assert sides.draw_sides(measures, found, level=LEVEL).png


def test_the_next_experiment_has_the_seeds_that_its_power_asks_for():
    found = sides.compare_sides(of(seeds_of(1.0, 1.0)), level=LEVEL, smallest_lift=0.3)
    plan = found.plan.set_index("among")
    assert (plan["power"] - 0.8).abs().max() < 0.04
    assert plan.loc["inviters", "needed"] < plan.loc["members", "needed"]
    one_tree = pd.DataFrame({"campaign": "tea", "size": [0, 1, 90], "n": [500, 9, 1],
                             "inviters": [20, 9, 1]})  # fmt: skip
    giant = sides.compare_sides(of(seeds_of(1, 1)[:0], arms=(), past=one_tree), level=LEVEL)
    assert giant.plan["needed"].isna().all()
    assert "cannot be told" in sides.say_next(of(seeds_of(1, 1)[:0], arms=()), giant)


def test_all_is_said_and_drawn_in_both_languages():
    for means in ((1.0, 3.0), (1.0, 1.0)):
        measures = of(seeds_of(*means))
        found = sides.compare_sides(measures, level=LEVEL)
        for language in LANGUAGES:
            with speaking(language):
                assert sides.say_sides_headline(measures, found, level=LEVEL)
                assert sides.say_sides(measures, found, level=LEVEL)
                assert sides.draw_sides(measures, found, level=LEVEL).png


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"tree_days": 0}, "tree_days"),
        ({"reward_shares": [1.0]}, "reward_shares"),
        ({"gift_cny": {"two": -1.0}}, "gift_cny"),
    ],
)
def test_what_cannot_be_asked_is_an_error(tmp_path, asked, told):
    with pytest.raises(ReferralError, match=told):
        measured(tmp_path, family(), **asked)


@pytest.mark.parametrize("asked", [{"value_kept_cny": -1.0}, {"smallest_lift": 0.0}])
def test_a_value_out_of_range_is_an_error(asked):
    with pytest.raises(ReferralError, match="|".join(asked)):
        sides.compare_sides(of(seeds_of(1, 1)), level=LEVEL, **asked)


def test_the_sample_holds_no_such_experiment_and_says_what_to_run_next():
    measures = sides.measure(find_invites(open_source(SAMPLE), Definition()))
    found = sides.compare_sides(measures, level=LEVEL)
    assert found.refused == "none"
    plan = found.plan.set_index(["campaign", "among"])
    assert (
        plan.loc[("裂变拼团", "members"), "needed"] != plan.loc[("裂变拼团", "members"), "needed"]
    )
    row = plan.loc[("老带新有礼", "members")]
    assert row["seeds"] == 1525
    assert abs(row["power"] - 0.8) < 0.05
