"""Members by lure beside people who were drawn: by hand, confounded on purpose, and told."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.findings import to_json
from siyu.language import speaking
from siyu.stats.intervals import newcombe_difference
from siyu.studies.lures import Definition, find_experiment, observed

from tests.studies.lures.made import experiment

LEVEL = 0.95
SAMPLE = Path(__file__).parents[4] / "data" / "sample"
DAY = dt.timedelta(days=1)
END = dt.datetime(2026, 4, 1, tzinfo=dt.timezone(8 * DAY / 24))
"""The moment at which the last complete day is over."""


def members(rows):
    columns = ["lure", "channel", "month", "stays", "n"]
    return pd.DataFrame(rows, columns=columns).astype({"stays": bool})


PLAIN = members(
    [("coupon", "social", 1, 1, 120), ("coupon", "social", 1, 0, 80),
     ("gift", "social", 1, 1, 80), ("gift", "social", 1, 0, 20)]
)  # fmt: skip
CONFOUNDED = members(
    # in either channel both lures keep alike, but the gift is given where people stay
    [("coupon", "social", 1, 1, 90), ("coupon", "social", 1, 0, 10),
     ("coupon", "paid", 1, 1, 120), ("coupon", "paid", 1, 0, 280),
     ("gift", "social", 1, 1, 270), ("gift", "social", 1, 0, 30),
     ("gift", "paid", 1, 1, 30), ("gift", "paid", 1, 0, 70)]
)  # fmt: skip


def compare(table=PLAIN, **other):
    one = experiment(**other)
    return one, observed.compare_observed(one, table, level=LEVEL)


def route(found, name, lure="gift"):
    return found.table.set_index(["lure", "route"]).loc[(lure, name)]


def test_the_naive_difference_is_newcombe_s_of_all_members():
    _, found = compare()
    row = route(found, "naive")
    expected = newcombe_difference(80, 100, 120, 200, level=LEVEL)
    assert row[["difference", "ci_lower", "ci_upper"]].tolist() == pytest.approx(
        [float(one) for one in expected]
    )
    assert (found.reference, found.members, row["n"]) == ("coupon", 300, 300)


def test_everybody_who_was_drawn_counts_and_not_only_who_came():
    """400 drawn into each arm, 160 added; 112 of them stay with the coupon, 128 with the gift."""
    _, found = compare()
    assert route(found, "came")["difference"] == pytest.approx(128 / 160 - 112 / 160)
    assert route(found, "came")["n"] == 320
    assert route(found, "drawn")["difference"] == pytest.approx(128 / 400 - 112 / 400)
    assert route(found, "drawn")["n"] == 800


def test_who_was_added_too_late_to_be_followed_is_not_among_who_came():
    """Followed for 31 days: only who was added within a day has been there for thirty."""
    people = experiment().people.assign(followed_days=31.0)
    _, found = compare(people=people)
    assert route(found, "came")["n"] == (people["added_days"] <= 1).sum()
    assert route(found, "drawn")["n"] == 800


def test_the_naive_comparison_finds_what_channels_do_and_the_standardised_one_does_not():
    _, found = compare(CONFOUNDED)
    assert route(found, "naive")["ci_lower"] > 0.2
    row = route(found, "standardised")
    assert row["ci_lower"] < 0 < row["ci_upper"]
    assert abs(row["difference"]) < 0.01


def test_lures_that_no_channel_shares_cannot_be_standardised():
    apart = members(
        [("coupon", "social", 1, 1, 90), ("coupon", "social", 1, 0, 60),
         ("gift", "paid", 1, 1, 60), ("gift", "paid", 1, 0, 60)]
    )  # fmt: skip
    one, found = compare(apart)
    assert route(found, "standardised")["refused"] == "alike"
    assert "channels in the same months" not in observed.say_observed(one, found, level=LEVEL)


def test_without_a_test_that_can_be_read_the_headline_says_so():
    for other in ({"refused": "none"}, {"drawn": experiment().drawn.query("arm == 0 or day < 12")}):
        one, found = compare(**other)
        assert set(found.table["route"]) == {"naive", "standardised"}
        assert "without a draw that can be read, nobody knows" in observed.headline(one, found)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (CONFOUNDED, "among all who were drawn"),
        (PLAIN.assign(n=[110, 90, 60, 40]), "which the draw agrees with"),
    ],
)
def test_the_headline_says_whether_the_draw_agrees(table, words):
    assert words in observed.headline(*compare(table))


REFUSED = {"lure": PLAIN.iloc[:0], "few": PLAIN.assign(n=[120, 80, 20, 9])}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("refused", REFUSED)
def test_each_refusal_is_said_drawn_and_concluded(refused, language):
    with speaking(language):
        one, found = compare(REFUSED[refused])
        assert found.refused == refused
        said = observed.say_observed(one, found, level=LEVEL)
        (finding,) = observed.conclude(one, found, level=LEVEL)
        assert finding.message.rstrip(".。") == said.rstrip(".。")
        assert observed.draw_observed(one, found, level=LEVEL).table.empty


@pytest.mark.parametrize("language", ["en", "zh"])
def test_findings_say_how_far_each_route_can_be_believed(language):
    with speaking(language):
        one, found = compare()
        findings = observed.conclude(one, found, level=LEVEL)
        to_json(findings, notebook="05", as_of="2026-03-31", source="a", parameters={})
        picture = observed.draw_observed(one, found, level=LEVEL)
    assert [each.id.split(".")[-1] for each in findings] == list(observed.estimate.ROUTES)
    assert [each.evidence for each in findings] == [
        *("descriptive", "adjusted", "descriptive", "randomised")
    ]
    assert picture.undrawn == ""
    assert len(picture.table) == 4


def test_members_are_counted_who_were_in_no_test_and_were_followed(tmp_path):
    """Of nine, five count: not who was drawn, came too late, came before, or has no lure."""
    users = [
        # added so many days before the end, left after so many, lure
        ("stays", 40, None, "gift"),
        ("leaves", 40, 10, "gift"),
        ("leaves at thirty days", 40, 30, "gift"),
        ("leaves after", 40, 31, "gift"),
        ("a month earlier", 61, None, "coupon"),
        ("drawn", 40, None, "gift"),
        ("late", 29, None, "gift"),
        ("before", 200, None, "gift"),
        ("no lure", 40, None, None),
    ]
    table = pd.DataFrame(
        [
            {
                "user_id": name,
                "added_at": END - days * DAY,
                "left_at": END - days * DAY + stay * DAY if stay else pd.NaT,
                "lure": lure,
                "channel": "social",
            }
            for name, days, stay, lure in users
        ]
    )
    draws = pd.DataFrame(
        [("test", "drawn", "gift"), ("test", "leaves", "none"), ("test", "late", "coupon")],
        columns=["experiment", "user_id", "arm"],
    ).assign(assigned_at=END - 41 * DAY)
    table.to_parquet(tmp_path / "users.parquet")
    draws.to_parquet(tmp_path / "assignments.parquet")
    (tmp_path / "source.yaml").write_text("observed: {from: 2025-12-01, to: 2026-03-31}\n", "utf-8")
    asked = Definition(experiment="test", control_arm="none")
    one = find_experiment(open_source(tmp_path), asked, min_users=1)
    found = observed.count_members(one, stay_days=30)
    rows = list(found.itertuples(index=False, name=None))
    assert rows == [
        ("coupon", "social", 2, True, 1),
        ("gift", "social", 1, False, 2),
        ("gift", "social", 1, True, 2),
    ]


def test_in_the_sample_members_praise_the_service_that_the_draw_does_not():
    one = find_experiment(open_source(SAMPLE), Definition(experiment="lure_2026_01"))
    found = observed.compare_observed(one, observed.count_members(one, stay_days=30), level=LEVEL)
    naive, drawn = observed.sentences.widest(found)
    assert naive.lure == "service"
    assert naive.ci_lower > drawn.ci_upper
    assert drawn.ci_lower < 0 < drawn.ci_upper
    assert np.isclose(route(found, "drawn", "service")["difference"], drawn.difference)
