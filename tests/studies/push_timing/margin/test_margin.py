"""Does pushing pay: members counted by hand, the sample's truths, refusals, and what is said."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.formats import points
from siyu.language import LANGUAGES, speaking
from siyu.studies.push_timing import margin
from siyu.studies.push_timing.definition import Definition, PushError
from siyu.studies.push_timing.margin.sentences import say_next
from siyu.studies.push_timing.pushes import find_pushes

from tests.studies.push_timing.frequency.builders import DAY, HOUR, START, open_pool

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
LEVEL = 0.95
READ = ("orders", "margin_cny", "left")
DRAWN_AT = START + 40 * DAY


def tables() -> dict[str, list[dict]]:
    """Four members: a pushed buyer, one who left, one without pushes, and one drawn too late."""
    users = [
        {"user_id": name, "added_at": START, "left_at": left}
        for name, left in (
            ("a", None),
            ("b", DRAWN_AT + 9 * DAY + 23 * HOUR),
            ("c", DRAWN_AT + 10 * DAY),
            ("d", None),
        )
    ]
    arms = {"a": "push", "b": "push", "c": "none", "d": "none", "e": "other"}
    late = {"d": START + 85 * DAY}
    assignments = [
        {"experiment": "hold", "user_id": name, "arm": arm, "assigned_at": late.get(name, DRAWN_AT)}
        for name, arm in arms.items()
    ]
    users.append({"user_id": "e", "added_at": START, "left_at": None})
    bought = [
        # user, when, amount, margin, refund
        ("a", DRAWN_AT, 100.0, 30.0, 0.0),
        ("a", DRAWN_AT + 10 * DAY - HOUR, 50.0, 20.0, 50.0),  # refunded: no margin
        ("a", DRAWN_AT + 10 * DAY, 80.0, 25.0, 0.0),  # too late
        ("a", DRAWN_AT - HOUR, 60.0, 11.0, 0.0),
        ("a", DRAWN_AT - 11 * DAY, 60.0, 12.0, 0.0),  # too early
        ("c", DRAWN_AT + DAY, 40.0, None, 15.0),  # no margin known: 40 less 15
    ]
    orders = [
        {"order_id": f"o{i}", "user_id": user, "paid_at": at, "amount_cny": amount,
         "margin_cny": earned, "refunded_cny": refund}
        for i, (user, at, amount, earned, refund) in enumerate(bought)
    ]  # fmt: skip
    pushes = [
        {"push_id": f"p{i}", "user_id": user, "sent_at": at, "status": "sent"}
        for i, (user, at) in enumerate(
            [("a", DRAWN_AT - HOUR), ("a", DRAWN_AT + DAY), ("b", DRAWN_AT + 10 * DAY)]
        )
    ]
    return {"users": users, "assignments": assignments, "orders": orders, "pushes": pushes}


def pushes_of(folder, given):
    return find_pushes(open_pool(folder, **given), Definition(), period_days=90, min_users=30)


def measured(folder, given, **other):
    asked = {"no_push_experiment": "hold", "margin_days": 10} | other
    return margin.measure(pushes_of(folder, given), **asked)


def test_members_bring_what_they_paid_in_the_days_after_the_draw(tmp_path):
    found = measured(tmp_path, tables())
    names = ["pushed", "orders", "margin_cny", "left", "sent", "orders_before", "margin_before"]
    rows = found.members.sort_values("margin_cny")[names].astype(float)
    assert rows.to_numpy().tolist() == [
        [1, 0, 0, 1, 0, 0, 0],  # b left an hour before the tenth day was over
        [0, 1, 25, 0, 0, 0, 0],  # c left as they were over
        [1, 2, 30, 0, 1, 1, 11],
    ]
    assert found.drawn == (2, 2)
    assert found.has_margin


def test_amounts_stand_for_margins_that_nobody_knows(tmp_path):
    given = tables()
    for one in given["orders"]:
        del one["margin_cny"], one["refunded_cny"]
    given["users"] = [{"user_id": one["user_id"]} for one in given["users"]]
    found = measured(tmp_path, given)
    assert found.members["margin_cny"].tolist() == [40, 0, 150]
    assert not found.has_margin
    assert not found.has_leaving


def members(n=400, none=100, gain=20.0, seed=1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    pushed = np.repeat([1, 0], [n - none, none])
    before = rng.gamma(1, 10, n)
    return pd.DataFrame(
        {
            "pushed": pushed,
            "orders": rng.poisson(1 + 0.5 * pushed),
            "margin_cny": before + rng.gamma(1, 10, n) + gain * pushed,
            "left": (rng.random(n) < 0.1 + 0.3 * pushed * (gain > 0)).astype(int),
            "sent": 5 * pushed,
            "orders_before": rng.poisson(1, n),
            "margin_before": before,
        }
    )


def measures(**other):
    given = {
        "source": "shop",
        "as_of": dt.date(2026, 3, 31),
        "experiment": "hold",
        "arms": ("push", "none"),
        "none_share": 0.25,
        "margin_days": 60,
        "min_users": 30,
        "members": members(),
        "drawn": (300, 100),
        "usual": (10.0, 20.0, 500),
        "has_orders": True,
        "has_margin": True,
        "has_leaving": True,
    }
    return margin.Measures(**given | other)


def test_a_gain_pays_and_its_cost_and_who_left_are_taken_off():
    free = margin.gain(measures(), level=LEVEL)
    paid = margin.gain(measures(), level=LEVEL, push_cost_cny=2.0, value_lost_cny=30.0)
    rows, less = (one.table.set_index("measure") for one in (free, paid))
    assert free.verdict == "pays"
    assert less.loc["margin", "difference"] == pytest.approx(
        rows.loc["margin", "difference"] - 2 * 5
    )
    assert less.loc["net", "raw"] == pytest.approx(
        less.loc["margin", "raw"] - 30 * less.loc["left", "raw"]
    )
    # What was brought before explains half the spread.
    width = rows["ci_upper"] - rows["ci_lower"]
    assert width["margin"] < 0.85 * (rows["raw_upper"] - rows["raw_lower"])["margin"]


@pytest.mark.parametrize(
    ("other", "refused", "said"),
    [
        ({"experiment": "", "members": pd.DataFrame({"pushed": []})}, "none", "no experiment"),
        ({"has_orders": False}, "orders", "no table of orders"),
        ({"members": members(340, 40)}, "ratio", "do not fit the planned share of 25.0%"),
        ({"members": members(120, 20)}, "few", "100 members with pushes and 20 without"),
        ({"members": members().assign(margin_cny=0.0)}, "flat", "nobody brought any margin"),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")
def test_what_cannot_be_read_is_refused_with_the_reason(other, refused, said, language):
    one = measures(**other)
    found = margin.gain(one, level=LEVEL)
    assert (found.refused, found.verdict) == (refused, "")
    with speaking(language):
        told = margin.say_gain(one, found, level=LEVEL)
        (finding,) = margin.conclude(one, found, level=LEVEL)
        assert margin.draw_gain(one, found, level=LEVEL).png
    assert finding.status == "insufficient"
    assert said in told or language != "en"


def test_without_an_arm_the_hold_out_to_run_next_is_named():
    """(1.96 + 0.84)² x 20² / 5² x (1 / 0.75 + 1 / 0.25) = 669.7 members."""
    one = measures(experiment="", members=pd.DataFrame({"pushed": []}), drawn=(0, 0))
    found = margin.gain(one, level=LEVEL)
    assert found.needed == 670
    told = margin.say_gain(one, found, level=LEVEL)
    assert "hold back 25.0% by lot: 670 members, 168 of them without pushes for 60 days" in told
    nothing = margin.gain(replace(one, usual=(0.0, 0.0, 0)), level=LEVEL)
    assert np.isnan(nothing.needed)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.filterwarnings("ignore::siyu.figures.GlyphWarning")
@pytest.mark.parametrize(
    ("gain", "verdict", "said"),
    [
        (40.0, "pays", "Pushing pays"),
        (-20.0, "costs", "Pushing costs more than it brings"),
        (16.0, "unclear", "Unclear whether pushing pays"),
        (0.5, "costs", "Pushing costs more than it brings, since it loses members"),
    ],
)
def test_each_verdict_is_said_drawn_and_found(gain, verdict, said, language):
    one = measures(members=members(gain=gain))
    found = margin.gain(one, level=LEVEL)
    assert found.verdict == verdict
    with speaking(language):
        told = margin.say_gain(one, found, level=LEVEL)
        given = {finding.id: finding for finding in margin.conclude(one, found, level=LEVEL)}
        picture = margin.draw_gain(one, found, level=LEVEL)
    assert told.startswith(said) or language != "en"
    assert set(given) == {f"push.margin.{name}" for name in ("orders", "margin", "left", "net")}
    assert given["push.margin.margin"].action
    assert given["push.margin.margin"].evidence == "randomised"
    assert len(picture.table) == 4


def test_what_is_clear_is_judged_and_what_is_not_is_information():
    """Pushed members gain 20 yuan, and 30% more of them leave, worth 50 yuan each."""
    for gain, status in ((20.0, "ok"), (-20.0, "alert"), (0.5, "info")):
        one = measures(members=members(gain=gain))
        found = margin.gain(one, level=LEVEL)
        (finding,) = (
            one
            for one in margin.conclude(one, found, level=LEVEL)
            if one.id == "push.margin.margin"
        )
        assert (finding.status, finding.threshold) == (status, None if status == "info" else 0)
    one = measures()
    found = margin.gain(one, level=LEVEL)
    given = {one.id: one for one in margin.conclude(one, found, level=LEVEL)}
    left = given["push.margin.left"]
    assert (left.status, left.threshold, left.direction) == ("alert", 0, "below")
    assert left.action.startswith("Weigh each push against the members it loses")
    row = found.table.set_index("measure").loc["left"]
    assert f"with pushes less without: {points(row.difference)}" in left.message


def test_the_verdict_says_the_direction_and_the_net():
    for gain, said in (
        (40.0, "Pushing pays: {} yuan more margin per member in 60 days (95% CI "),
        (-20.0, "Pushing costs more than it brings: {} yuan less margin per member"),
        (16.0, "Unclear whether pushing pays: {} yuan more margin per member"),
    ):
        one = measures(members=members(gain=gain))
        found = margin.gain(one, level=LEVEL)
        told = margin.say_verdict(one, found, level=LEVEL)
        rows = found.table.set_index("measure")["difference"]
        assert told.startswith(said.format(f"{abs(rows['margin']):.2f}"))
        assert "−" not in told.split(";")[0] or "Unclear" in told
        assert " net of members lost (" in told
        unknown = replace(one, has_leaving=False)
        assert "net" not in margin.say_verdict(unknown, found, level=LEVEL)
    refused = measures(has_orders=False)
    told = margin.say_verdict(refused, margin.gain(refused, level=LEVEL), level=LEVEL)
    assert told.startswith("There is no table of orders")


def test_a_larger_share_without_pushes_is_given_with_its_members():
    """Of equal spreads 1 / (p (1 - p)) counts: 0.25 x 0.75 / (0.3 x 0.7) of the members."""
    one = measures(members=members(gain=0.5))
    found = margin.gain(one, level=LEVEL, value_lost_cny=0)
    assert found.needed_larger / found.needed == pytest.approx(0.1875 / 0.21, rel=0.1)
    said = say_next(one, found, level=LEVEL)
    assert f"With 30.0% unpushed, {found.needed_larger:,.0f} members are enough" in said
    half = margin.gain(replace(one, none_share=0.5, drawn=(300, 300)), level=LEVEL)
    assert np.isnan(half.needed_larger)
    assert "unpushed" not in say_next(one, half, level=LEVEL)


def test_fewer_leaving_and_unknown_leaving_are_said_as_such():
    kept = members()
    kept["left"] = np.where(kept["pushed"] == 1, 0, np.arange(len(kept)) % 2)
    one = measures(members=kept)
    assert "Pushing keeps members" in margin.say_gain(
        one, margin.gain(one, level=LEVEL), level=LEVEL
    )
    one = measures(has_leaving=False, has_margin=False)
    found = margin.gain(one, level=LEVEL)
    told = margin.say_gain(one, found, level=LEVEL)
    assert "leave" not in told
    assert "amounts less refunds stand for them" in told
    assert found.table["measure"].tolist() == ["orders", "margin"]


def test_a_pool_without_experiment_or_orders_is_measured_too(tmp_path):
    given = tables()
    given["assignments"] = [one | {"experiment": "x"} for one in given["assignments"]]
    del given["orders"]
    found = measured(tmp_path, given)
    assert (found.experiment, found.drawn, found.has_orders) == ("", (0, 0), False)
    named = measured(tmp_path, given, no_push_experiment="")
    assert named.experiment == ""


def test_what_cannot_be_is_an_error(tmp_path):
    pushes = pushes_of(tmp_path, tables())
    for wrong, message in (
        ({"margin_days": 0}, "margin_days = 0 must be at least 1"),
        ({"none_share": 1}, "none_share = 1 must lie strictly"),
        ({"no_push_arms": ["push"]}, "must be two arms"),
        ({"no_push_arms": ["push", "nothing"]}, "has no arm 'nothing'; it has none, other, push"),
    ):
        with pytest.raises(PushError, match=message):
            margin.measure(pushes, **{"no_push_experiment": "hold"} | wrong)
    for wrong in ("push_cost_cny", "value_lost_cny"):
        with pytest.raises(PushError, match=f"{wrong} = -1 must be at least 0"):
            margin.gain(measures(), level=LEVEL, **{wrong: -1})
    with pytest.raises(PushError, match="smallest_cny = 0 must be above 0"):
        margin.gain(measures(), level=LEVEL, smallest_cny=0)


@pytest.mark.slow
def test_the_sample_recovers_what_pushing_brings():
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    truths = {one["id"]: one["value"] for one in document["truths"]}
    pushes = find_pushes(open_source(SAMPLE), Definition(), period_days=365)
    found = margin.measure(pushes, no_push_experiment="no_push_2025")
    gain = margin.gain(found, level=LEVEL ** (1 / len(READ)))
    assert gain.p_ratio > 0.001
    rows = gain.table.set_index("measure")
    for name in READ:
        row = rows.loc[name.removesuffix("_cny")]
        truth = truths[f"pushes.gain.{name}"]
        assert row.ci_lower <= truth <= row.ci_upper
        assert row.raw_lower <= truth <= row.raw_upper
