"""What an hour does where it was not drawn: counted by hand, refused, said, and recovered."""

from __future__ import annotations

import json
from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest
from siyu.language import speaking
from siyu.phrases import term
from siyu.studies.push_timing import PushError, adjusted

from tests.studies.push_timing.pools import SAMPLE, found, pool, push, reduced, sample_pushes

measuring = import_module("siyu.studies.push_timing.adjusted.measure")
LEVEL = 0.95
PAIR = {"hours": "20:00-22:00", "against": "10:00-12:00"}
TRUTHS = 7
"""Planted truths recovered here and in test_delay, all at once."""
SIDAK = LEVEL ** (1 / TRUTHS)


def regular(users=40, *, answers=(2, 4), sizes=(10, 10), **more):
    """Users with ten pushes at 10 and ten at 20 each, of which so many are answered."""
    rows = [
        {"number": user, "hour": hour, "n": n, "k": k + user % 2, **more}
        for user in range(users)
        for hour, n, k in zip((10, 20), sizes, answers, strict=True)
    ]
    return pd.DataFrame(rows)


def one(table, **which):
    rows = table
    for column, value in which.items():
        rows = rows[rows[column] == value]
    (row,) = rows.itertuples()
    return row


# Measured


def test_sent_pushes_are_counted_by_user_hour_content_and_kind_of_day(tmp_path):
    pushes = [
        push("a", "01-05 10:10", clicked=True, content="x"),
        push("a", "01-12 10:50", content="x"),  # a Monday, as the fifth
        push("a", "01-05 20:00", content=None, campaign="y"),
        push("b", "01-01 10:00", content="x", propensity=0.5, planned="01-01 10:00"),
        push("b", None, planned="01-06 10:00", content="x", status="unsent"),
    ]
    measures = adjusted.measure(found(pool(tmp_path, pushes)), holidays_country="CN")
    counted = measures.rows.drop(columns="segment").to_numpy().tolist()
    # number, hour, content (x is the most frequent), kind (0 Monday, 7 holiday), drawn, n, k
    assert counted == [
        [0, 10, 0, 0, False, 2, 1],
        [0, 20, 1, 0, False, 1, 0],
        [1, 10, 0, 7, True, 1, 0],
    ]
    assert (measures.n_contents, measures.n_sent, measures.every, measures.n_rare) == (2, 4, 1, 0)


def test_nothing_sent_is_no_row(tmp_path):
    pushes = [push("a", None, planned="01-06 10:00", status="unsent")]
    measures = adjusted.measure(found(pool(tmp_path, pushes)), holidays_country="CN")
    assert measures.rows.empty
    curves = adjusted.curves(measures, level=LEVEL)
    assert adjusted.say_curves(measures, curves, level=LEVEL) == (
        "To all users, no pushes were sent whose hour was not drawn by lot."
    )
    assert adjusted.compare_days(measures, level=LEVEL).empty
    assert one(adjusted.compare(measures, **PAIR, level=LEVEL), segment="all").refused == "few"


def test_of_many_pushes_whole_users_are_taken(tmp_path, monkeypatch):
    pushes = [push(f"{user:02}", f"01-05 {hour}:00") for user in range(10) for hour in (10, 20)]
    monkeypatch.setattr(measuring, "MOST_PUSHES", 10)
    measures = adjusted.measure(found(pool(tmp_path, pushes)), holidays_country="CN")
    assert measures.every == 2
    assert measures.rows["number"].tolist() == [0, 0, 2, 2, 4, 4, 6, 6, 8, 8]
    assert measures.n_sent == 20


def test_contents_seldom_sent_are_left_out_and_counted(tmp_path, monkeypatch):
    pushes = [push("a", f"01-0{day} 10:00", content=text) for day, text in enumerate("xxyz", 1)]
    monkeypatch.setattr(measuring, "MOST_CONTENTS", 2)
    measures = adjusted.measure(found(pool(tmp_path, pushes)), holidays_country="CN")
    assert (measures.n_contents, measures.n_rare, measures.rows["n"].sum()) == (2, 1, 3)


# Estimated


def test_both_curves_have_the_mean_of_all_pushes_and_equal_the_rates_where_users_are_alike():
    measures = reduced(regular())
    table = adjusted.curves(measures, level=LEVEL).table
    # 2.5 and 4.5 of 10 are answered on average; each user has both hours.
    assert table["crude_rate"].tolist() == pytest.approx([0.25, 0.45])
    assert table["adjusted_rate"].tolist() == pytest.approx([0.25, 0.45])
    assert table["difference"].tolist() == pytest.approx([-0.2, 0.2])
    assert table["within"].tolist() == table["crude"].tolist() == pytest.approx([-0.2, 0.2])


def test_who_is_reached_when_moves_the_crude_curve_alone():
    # Lively users: 9 of 10 pushes at 20, half answered; others: 9 of 10 at 10, a tenth answered.
    lively = regular(sizes=(10, 90), answers=(5, 45))
    quiet = regular(sizes=(90, 10), answers=(9, 1)).assign(number=lambda t: t["number"] + 100)
    measures = reduced(pd.concat([lively, quiet]))
    row = one(adjusted.curves(measures, level=LEVEL).table, hour="20:00")
    assert row.crude > 0.3
    assert row.within == row.difference == pytest.approx(0, abs=0.02)
    assert row.crude_rate > row.adjusted_rate


def with_content(users=40):
    """Each user: promotions (half answered) mostly at 20, other content (a fifth) mostly at 10."""
    sizes = {(10, 0): 20, (10, 1): 10, (20, 0): 10, (20, 1): 20}
    rows = [
        {
            "number": user,
            "hour": hour,
            "content": content,
            "n": n,
            "k": n * (5 if content else 2) // 10,
        }
        for user in range(users)
        for (hour, content), n in sizes.items()
    ]
    rows = pd.DataFrame(rows)
    return rows.assign(k=rows["k"] + (rows["number"] % 2))


def test_what_is_sent_when_moves_all_curves_but_the_one_with_content_alike():
    row = one(adjusted.curves(reduced(with_content()), level=LEVEL).table, hour="20:00")
    # At 10: 20 x .2 + 10 x .5 = 9 of 30; at 20: 2 + 10 = 12 of 30; and half a click more in each.
    assert row.within == row.crude == pytest.approx(0.1)
    assert row.difference == pytest.approx(0, abs=1e-9)


def test_bands_are_studied_as_one():
    table = adjusted.curves(
        reduced(regular()), level=LEVEL, hour_bands=["19:00-22:00", "9:00-12:00"]
    ).table
    assert table["hour"].tolist() == ["09:00–12:00", "19:00–22:00"]


def test_pushes_drawn_by_lot_are_in_no_curve():
    lots = regular(answers=(9, 0), is_drawn=True).assign(number=lambda t: t["number"] + 500)
    both = reduced(pd.concat([regular(is_drawn=False), lots]))
    alone = adjusted.curves(reduced(regular()), level=LEVEL).table
    pd.testing.assert_frame_equal(adjusted.curves(both, level=LEVEL).table, alone)


def test_two_bands_compared_are_the_ratio_of_their_rates():
    row = one(adjusted.compare(reduced(regular()), **PAIR, level=LEVEL), segment="all")
    assert row.lift == pytest.approx(0.45 / 0.25 - 1)
    assert row.crude_lift == row.within_lift == pytest.approx(row.lift)
    assert row.lift_lower < row.lift < row.lift_upper
    turned = one(
        adjusted.compare(
            reduced(regular()), hours=PAIR["against"], against=PAIR["hours"], level=LEVEL
        ),
        segment="all",
    )
    assert 1 + turned.lift == pytest.approx(1 / (1 + row.lift))


def test_days_are_compared_with_monday():
    rows = pd.concat([regular(kind=0), regular(kind=6, answers=(4, 6))])
    table = adjusted.compare_days(reduced(rows), level=LEVEL)
    assert table["day_kind"].tolist() == ["sunday", "off"]
    # 3.5 of 10 are answered on Mondays, 5.5 on Sundays.
    assert table["ratio"].tolist() == pytest.approx([5.5 / 3.5] * 2)


def test_without_mondays_no_day_is_compared():
    assert adjusted.compare_days(reduced(regular(kind=6)), level=LEVEL).empty


# Refused


def refusals(rows, **options):
    return adjusted.curves(reduced(rows, **options), level=LEVEL).table["refused"].tolist()


def test_an_hour_of_few_users_is_not_shown():
    few = pd.DataFrame({"number": range(4), "hour": 15, "n": 50, "k": 20})
    row = one(
        adjusted.curves(reduced(pd.concat([regular(), few])), level=LEVEL).table, hour="15:00"
    )
    assert (row.refused, row.n_pushes, row.n_users) == ("few", 0, 0)


def test_an_hour_of_few_answers_is_refused():
    few = pd.DataFrame({"number": range(9), "hour": 15, "n": 50, "k": 1})
    assert refusals(pd.concat([regular(), few])) == ["", "few_of_each", ""]


def test_an_hour_that_has_its_own_content_is_refused():
    own = regular(sizes=(10, 10)).query("hour == 10").assign(hour=15, content=1)
    assert refusals(pd.concat([regular(content=0), own])) == ["", "apart", ""]


def test_hours_that_no_user_shares_cannot_be_compared():
    rows = regular()
    assert refusals(rows[(rows["hour"] == 10) == (rows["number"] < 20)]) == ["alone", "alone"]


def test_one_hour_alone_cannot_be_compared():
    rows = regular()
    assert refusals(rows[rows["hour"] == 10]) == ["alone"]


def test_content_that_says_no_more_than_the_day_is_left_out():
    rows = pd.concat([regular(content=0, kind=0), regular(content=1, kind=1)])
    table = adjusted.curves(reduced(rows), level=LEVEL).table
    assert table["difference"].tolist() == pytest.approx([-0.2, 0.2])


def test_bands_that_cannot_be_compared_say_why():
    rows = regular()
    apart = rows[(rows["hour"] == 10) == (rows["number"] < 20)]
    own = pd.concat([rows[rows["hour"] == 10], rows.assign(hour=15)]).assign(content=0)
    bound = pd.concat([own, rows[rows["hour"] == 20].assign(content=1)])
    few = rows.assign(k=0)
    for given, why in ((apart, "alone"), (bound, "apart"), (few, "few_of_each")):
        row = one(adjusted.compare(reduced(given), **PAIR, level=LEVEL), segment="all")
        assert row.refused == why
        assert np.isnan(row.lift)


def test_the_few_users_of_a_segment_cannot_be_had_by_subtraction():
    shown = regular().assign(segment=0)
    other = regular(users=20).assign(segment=1, number=lambda t: t["number"] + 100)
    third = regular(users=20).assign(segment=2, number=lambda t: t["number"] + 200)
    other = other[(other["hour"] == 10) | (other["number"] < 103)]  # three users at 20
    rows = pd.concat([shown, other, third])
    table = adjusted.curves(reduced(rows, segments=("x", "y", "z")), level=LEVEL).table
    at_20 = table[table["hour"] == "20:00"].set_index("segment")["refused"]
    assert at_20["y"] == "few"
    assert at_20["z"] == "few"  # else all less x less z would give the three
    assert at_20["x"] == at_20["all"] == ""


def test_bands_that_overlap_are_refused():
    with pytest.raises(PushError, match="lies in two bands"):
        adjusted.compare(
            reduced(regular()), hours="10:00-12:00", against="11:00-13:00", level=LEVEL
        )


# Said and drawn


def told(measures, **options):
    curves = adjusted.curves(measures, level=LEVEL, **options)
    pairs = adjusted.compare(measures, **PAIR, level=LEVEL)
    days = adjusted.compare_days(measures, level=LEVEL)
    return (
        [
            adjusted.say_curves(measures, curves, level=LEVEL),
            adjusted.say_naive(pairs, **PAIR, level=LEVEL),
            adjusted.say_days(measures, days, level=LEVEL),
        ],
        adjusted.conclude(measures, curves, pairs, days, **PAIR, level=LEVEL),
        adjusted.draw_curves(measures, curves, level=LEVEL),
    )


def test_what_is_clear_is_said_with_its_interval_and_what_to_try():
    days = pd.concat([regular(kind=0), regular(kind=6, answers=(4, 6))])
    said, given, picture = told(reduced(days, unsure=(2027,), every=3, n_rare=12))
    assert said[0].startswith("Of the pushes to all users, 20.0 pp more are answered at 20:00 than")
    assert "one in 3 was taken" in said[0]
    assert "12 pushes of contents that are seldom sent" in said[0]
    assert "not yet known for 2027 in the calendar of China" in said[0]
    assert "answered 1.57 times as often as those at 10:00–12:00 when nothing is" in said[1]
    assert "no clear sign that the crude number misleads" in said[1]
    assert "Sundays and holidays 1.57" in said[2]
    assert [one.id for one in given] == [
        *("push.adjusted.hour.all", "push.adjusted.pair.all", "push.adjusted.days.off")
    ]
    assert {one.evidence for one in given} == {"adjusted"}
    assert given[0].value == pytest.approx(0.2)
    assert given[0].action.startswith("Try 20:00 for all users by lot")
    assert "one of 3 users" in given[0].method
    assert "20:00 leads the other hours by 20.0 pp" in picture.alt


def test_what_is_unclear_is_called_so():
    rows = regular(answers=(2, 2))
    rows["k"] = rows["k"] + (rows["number"] // 2 + rows["hour"] // 10) % 2
    said, given, _ = told(reduced(rows, country=""))
    assert said[0].startswith("For all users, no hour is clearly better")
    assert "no clear sign that the crude number misleads" in said[1]
    assert said[2] == "Kinds of days cannot be compared with Mondays."
    assert given[0].action == ""


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (lambda t: t[t["hour"] == 10], "hardly anybody gets pushes at more than one hour"),
        (lambda t: t.assign(k=0), "no two hours have 10 answered pushes"),
        (lambda t: t[t["number"] < 3], "no two hours have 5 users each"),
    ],
)
def test_a_refusal_says_why(rows, why):
    said, given, picture = told(reduced(rows(regular())))
    assert why in said[0]
    assert said[1] == ""
    assert given[0].status == "insufficient"
    assert why in given[0].message
    assert picture.alt.startswith("No hour of sending can be compared with another")


def test_an_hour_that_only_seems_to_lead_is_said_to_trail():
    # Each user answers a tenth less at 20, when the lively ones get nearly all of their pushes.
    lively = regular(sizes=(10, 90), answers=(6, 45))
    quiet = regular(sizes=(90, 10), answers=(18, 1)).assign(number=lambda t: t["number"] + 100)
    _, _, picture = told(reduced(pd.concat([lively, quiet])))
    # 92 of 200 are answered at 20 (a click more for every other user), 50 of 200 at 10.
    assert "Not adjusted, 20:00 leads the other hours by 22.0 pp; users" in picture.alt
    assert "it trails them by 1" in picture.alt


def test_a_lead_that_is_left_to_chance_is_said_to_be_none():
    rows = regular(answers=(2, 2))
    rows["k"] = rows["k"] + (rows["number"] // 2 + rows["hour"] // 10) % 2
    _, _, picture = told(reduced(rows))
    assert "no clear difference is left (" in picture.alt


@pytest.mark.parametrize(("code", "name"), [("CN", "中国"), ("US", "美国"), ("XY", "XY")])
def test_the_country_whose_holidays_count_has_its_name(code, name):
    days = reduced(pd.concat([regular(kind=0), regular(kind=6)]), country=code)
    found = adjusted.compare_days(days, level=LEVEL)
    with speaking("zh"):
        said = adjusted.say_days(days, found, level=LEVEL)
    assert f"按{name}法定节假日和调休安排" in said


def test_without_holidays_days_are_weekdays():
    rows = pd.concat([regular(kind=0), regular(kind=1)])
    measures = reduced(rows, country="")
    said = adjusted.say_days(measures, adjusted.compare_days(measures, level=LEVEL), level=LEVEL)
    assert said.startswith("Holidays are not known, so they count as the weekdays")


def test_each_segment_has_a_panel_and_its_own_verdict():
    other = regular(answers=(2, 2)).assign(segment=1, number=lambda t: t["number"] + 100)
    rows = pd.concat([regular().assign(segment=0), other])
    said, _, picture = told(reduced(rows, segments=("x", "y")))
    assert "Of the pushes to “x”, 20.0 pp more are answered at 20:00" in said[0]
    assert "For “y”, no hour is clearly better than the others" in said[0]
    assert set(picture.table["segment"]) == {"all", "x", "y"}


def test_orders_are_called_so():
    _, _, picture = told(
        reduced(regular(), outcome="order"), hour_bands=["9:00-12:00", "19:00-22:00"]
    )
    assert picture.table["hour"].tolist() == ["09:00–12:00", "19:00–22:00"]


# Recovered


@pytest.fixture(scope="module")
def sample():
    return adjusted.measure(sample_pushes(), holidays_country="CN")


@pytest.fixture(scope="module")
def truth():
    facts = json.loads((SAMPLE / "truth.json").read_text("utf-8"))["truths"]
    return {fact["id"]: fact["value"] for fact in facts}


def test_the_evening_of_office_workers_is_recovered_and_the_crude_one_is_not(sample, truth):
    row = one(adjusted.compare(sample, **PAIR, level=SIDAK), segment="office")
    planted = truth["pushes.lift.office.sent_evening"]
    assert row.lift_lower <= planted <= row.lift_upper
    assert not row.crude_lift_lower <= planted <= row.crude_lift_upper


def test_for_all_others_the_evening_does_nothing_and_the_crude_curve_says_it_does(sample, truth):
    codes = [
        code
        for code, name in enumerate(sample.segments)
        if name not in ("office", "(unknown)")  # among the unknown there are office workers
    ]
    rows = sample.rows[sample.rows["segment"].isin(codes)].assign(segment=0)
    others = replace(sample, rows=rows, segments=("all",))
    row = one(adjusted.compare(others, **PAIR, level=SIDAK), segment="all")
    assert row.lift_lower <= 0 <= row.lift_upper
    assert row.crude_lift_lower > 0
    naive = truth["pushes.naive.evening"]
    assert row.crude_lift_lower <= naive <= row.crude_lift_upper


def test_days_off_are_recovered(sample, truth):
    row = one(adjusted.compare_days(sample, level=SIDAK), day_kind="off")
    assert row.ci_lower <= truth["pushes.ratio.sunday"] <= row.ci_upper


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_sample_is_told_and_drawn(sample, language):
    with speaking(language):
        said, given, picture = told(sample)
        assert term("homemaker") in said[1]
    assert all(said)
    assert len({one.id for one in given}) == len(given) == 15  # 7 segments, 7 pairs, days off
    assert given[1].segment == {"occupation": "office"}
    assert len(picture.table) == 70
