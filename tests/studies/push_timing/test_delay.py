"""How late pushes leave, whose, and what it does: counted by hand, refused, said, recovered."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from siyu.language import speaking
from siyu.phrases import term
from siyu.studies.push_timing import PushError, delay

from tests.studies.push_timing.pools import SAMPLE, found, pool, push, sample_pushes
from tests.studies.push_timing.test_adjusted import LEVEL, SIDAK, one

BAND = "20:00-22:00"


def asked(folder, pushes, users=None, **options):
    return delay.measure(found(pool(folder, pushes, users), **options), hours=BAND)


def teams(*, slow=70, quick=3, users=30, days=12, **more):
    """Users of the accounts A, B (slow) and C; each gets a push a day, sent so many minutes late.

    Of the slow account's pushes, those of even days leave as early as the others'.
    """
    pushes, people = [], []
    for number in range(3 * users):
        staff = "ABC"[number % 3]
        name = f"{number:03}"
        people.append({"user_id": name, "staff_id": staff})
        for day in range(1, days + 1):
            minutes = slow if staff == "B" and (day + number) % 2 else quick
            late = f"{18 + minutes // 60}:{minutes % 60:02}"
            pushes.append(push(name, f"01-{day:02} {late}", planned=f"01-{day:02} 18:00", **more))
    return pushes, people


def lots(*, users=40, days=10):
    """Pushes by lot: half planned for 19:50, half for 20:10; at 20 each is answered more often.

    Every fourth planned for 19:50 leaves at 20:05. Every fifth user has each push of day 10 unsent.
    """
    pushes = []
    for number in range(users):
        for day in range(1, days + 1):
            evening = (number + day) % 2
            planned = f"01-{day:02} {'20:10' if evening else '19:50'}"
            late = not evening and day % 4 == 0
            sent = f"01-{day:02} {'20:10' if evening else '20:05' if late else '19:50'}"
            is_sent = day < days or number % 5
            clicked = is_sent and (number + 3 * day) % (3 if evening or late else 7) == 0
            pushes.append(
                push(
                    f"{number:03}",
                    sent if is_sent else None,
                    planned=planned,
                    clicked=bool(clicked),
                    propensity=0.5,
                    status="sent" if is_sent else "unsent",
                )
            )
    return pushes


# Measured


def test_pushes_are_counted_by_how_long_after_the_plan_they_left(tmp_path):
    pushes = [
        push("a", "01-05 10:00", planned="01-05 10:00", medium="group"),
        push("a", "01-06 11:01", planned="01-06 10:50", medium="group"),  # 11 minutes, next hour
        push("b", "01-05 12:00", planned="01-05 10:00", medium="sms"),
        push("b", "01-05 09:59", planned="01-05 10:00", medium="sms"),  # early
        push("b", None, planned="01-07 10:00", medium="sms", status="unsent"),
    ]
    users = [{"user_id": "a", "staff_id": "S"}, {"user_id": "b", "staff_id": None}]
    measures = asked(tmp_path, pushes, users)
    assert measures.n_early == 1
    group = measures.by_medium[measures.by_medium["medium"] == "group"].set_index("minutes")
    assert group.loc[[0, 1, 10, 15, 120], "count"].tolist() == [1, 1, 1, 2, 2]
    # One user of two pushes: 2 squared, 1 squared and 2 x 1 within a minute.
    assert group.loc[1, ["clusters", "n", "n_squared", "count_squared", "both"]].tolist() == [
        *(1, 2, 4, 1, 2)
    ]
    staff = measures.by_staff.drop_duplicates("staff")
    assert dict(zip(staff["staff"], staff["by_hand"], strict=True)) == {
        "S": True,
        "(unknown)": False,
    }


def test_without_plan_or_sending_nothing_is_known_of_delays(tmp_path):
    measures = asked(tmp_path, [push("a", "01-05 10:00")])
    delays = delay.delays(measures, level=LEVEL)
    both = delay.read_both(measures, level=LEVEL)
    none = "No pushes are known both to be planned and to be sent"
    assert delay.say_delays(measures, delays, level=LEVEL).startswith(none)
    assert delay.draw_delays(measures, delays, level=LEVEL).alt.startswith(none)
    late, lift = delay.conclude(measures, delays, both, level=LEVEL)
    assert (late.status, lift.status) == ("insufficient", "insufficient")


def test_what_is_no_band_is_refused(tmp_path):
    with pytest.raises(PushError, match="must be like '20:00-22:00'"):
        delay.measure(found(pool(tmp_path, [push("a", "01-05 10:00")])), hours="evening")


def test_weights_are_the_inverse_of_the_chance_of_the_planned_hour(tmp_path):
    pushes = [
        push("a", "01-05 20:10", planned="01-05 19:50", clicked=True, propensity=0.25),
        push("a", "01-06 20:10", planned="01-06 20:00", propensity=0.1),
        push("a", None, planned="01-07 20:00", propensity=0.1, status="unsent"),
        push("a", "01-08 20:10", planned="01-08 20:00", clicked=True),  # not by lot
    ]
    (row,) = asked(tmp_path, pushes).drawn.itertuples()
    assert (row.w_planned_in, row.w_planned_out) == (20, 4)
    assert (row.w_sent_in, row.w_sent_out) == (14, 0)
    assert (row.k_planned_in, row.k_planned_out, row.k_sent_in) == (0, 4, 4)


# Described


def test_the_account_that_sends_late_is_found(tmp_path):
    measures = asked(tmp_path, *teams(medium="group"), min_users=10)
    delays = delay.delays(measures, level=LEVEL)
    assert delays.slow == ["B"]
    table = delays.staff.set_index("staff")
    assert table["late_share"].to_dict() == {"A": 0, "B": 0.5, "C": 0}
    assert table["moved_share"].to_dict() == {"A": 0, "B": 0.5, "C": 0}
    assert table.loc["A", "others_late_share"] == pytest.approx(0.25)
    assert table["verdict"].to_dict() == {"A": "quick", "B": "slow", "C": "quick"}
    assert delays.moved_by_slow == (1, pytest.approx(1 / 3))
    assert set(delays.curve["line"]) == {"slow", "other"}
    curve = delays.curve[delays.curve["line"] == "slow"].set_index("within_minutes")["sent_share"]
    assert curve[[2, 3, 60, 90]].tolist() == [0, 0.5, 0.5, 1]


def test_an_account_late_on_one_day_to_all_its_users_is_not_called_slow(tmp_path):
    pushes, people = teams(slow=3, medium="group")
    late = [
        row | {"sent_at": row["sent_at"] + pd.Timedelta(minutes=70)}
        if row["planned_at"].day == 5 and int(row["user_id"]) % 3 == 1
        else row
        for row in pushes
    ]
    table = delay.delays(asked(tmp_path, late, people, min_users=10), level=LEVEL).staff
    row = one(table, staff="B")
    # One of twelve days: with the thirty users as clusters nothing varies, and all would be sure.
    assert (row.late_share, row.verdict) == (pytest.approx(1 / 12), "unclear")
    # One day of twelve: 1/12 and t(11) times sqrt(12 / 11 x (11 x (1/144)^2 + (11/144)^2)).
    assert row.ci_upper == pytest.approx(1 / 12 + 2.20099 * 1 / 12, abs=1e-5)


def test_accounts_are_not_judged_on_a_few_days(tmp_path):
    measures = asked(tmp_path, *teams(days=9, medium="group"), min_users=10)
    assert set(delay.delays(measures, level=LEVEL).staff["verdict"]) == {"unclear"}


def test_a_medium_never_late_may_be_late_yet(tmp_path):
    measures = asked(tmp_path, *teams(slow=3, medium="group"), min_users=10)
    row = one(delay.delays(measures, level=LEVEL).media)
    # Exact (Clopper and Pearson) for none late of 90 users: 1 - 0.025^(1/90).
    assert (row.late_share, row.ci_lower) == (0, 0)
    assert row.ci_upper == pytest.approx(0.04016, abs=1e-5)


def test_a_medium_always_late_may_be_in_time_yet(tmp_path):
    measures = asked(tmp_path, *teams(slow=70, quick=70, medium="group"), min_users=10)
    row = one(delay.delays(measures, level=LEVEL).media)
    assert (row.late_share, row.ci_upper) == (1, 1)
    assert row.ci_lower == pytest.approx(1 - 0.04016, abs=1e-5)


def test_accounts_alike_are_not_called_slow(tmp_path):
    measures = asked(tmp_path, *teams(slow=3, medium="group"), min_users=10)
    delays = delay.delays(measures, level=LEVEL)
    said = delay.say_delays(measures, delays, level=LEVEL)
    assert delays.slow == []
    assert said.startswith("No account clearly sends later than the others; 0.0% of pushes by hand")
    assert "reads by hour of sending" not in said


def test_accounts_of_few_users_share_a_row_and_are_not_judged(tmp_path):
    pushes, people = teams(medium="group")
    for user, staff in ((1, "D"), (4, "E"), (7, "F")):  # from the thirty of B
        people[user]["staff_id"] = staff
    table = delay.delays(asked(tmp_path, pushes, people, min_users=10), level=LEVEL).staff
    # Three users more would be a few, so the smallest account joins them.
    assert set(table["staff"]) == {"A", "C", "(small groups)"}
    row = one(table, staff="(small groups)")
    assert (row.n_users, row.verdict) == (30, "unclear")


def test_media_that_need_nobody_are_on_no_account(tmp_path):
    measures = asked(tmp_path, *teams(medium="sms"), min_users=10)
    delays = delay.delays(measures, level=LEVEL)
    assert delays.staff.empty
    assert set(delays.curve["line"]) == {"at_once"}
    assert delays.media["medium"].tolist() == ["sms"]
    picture = delay.draw_delays(measures, delays, level=LEVEL)
    assert len(picture.table) == 12
    # Of one account of three, every other push is late.
    said = delay.say_delays(measures, delays, level=LEVEL)
    assert said.startswith("No staff account can be judged; 16.7% of the pushes leave more than")


# Planned beside sent


def test_as_planned_and_as_sent_by_hand(tmp_path):
    measures = asked(tmp_path, lots())
    row = one(delay.read_both(measures, level=LEVEL), segment="all")
    users = measures.drawn
    for way in ("planned", "sent"):
        inside = users[f"answers_{way}_in"].sum() / users[f"n_{way}_in"].sum()
        outside = users[f"answers_{way}_out"].sum() / users[f"n_{way}_out"].sum()
        assert getattr(row, f"{way}_in") == pytest.approx(inside)
        assert getattr(row, f"{way}_lift") == pytest.approx(inside / outside - 1)
    # The late ones, answered as in the evening, count for the hour they were not meant for.
    assert row.sent_lift > row.planned_lift > 0
    assert row.gap == pytest.approx(row.planned_lift - row.sent_lift)
    assert row.n_pushes == 400
    assert row.planned_lift_lower < row.planned_lift < row.planned_lift_upper


@pytest.mark.parametrize(
    ("users", "answered", "why"), [(6, True, "few"), (40, False, "few_of_each")]
)
def test_too_little_by_lot_is_refused_with_its_reason(tmp_path, users, answered, why):
    pushes = [row if answered else row | {"clicked_at": None} for row in lots(users=users)]
    measures = asked(tmp_path, pushes)
    table = delay.read_both(measures, level=LEVEL)
    row = one(table, segment="all")
    assert row.refused == why
    assert np.isnan(row.planned_lift)
    said = delay.say_both(measures, table, level=LEVEL)
    expected = {
        "few": "Fewer than 1 users got pushes",
        "few_of_each": "Fewer than 10 pushes by lot",
    }
    assert said.startswith(expected[why])
    assert delay.draw_both(measures, table, level=LEVEL).alt.startswith(
        "Planned and sent hours cannot be compared"
    )


def test_a_segment_that_cannot_be_read_is_named_with_its_reason(tmp_path):
    pushes = lots()
    silent = [row | {"user_id": f"x{row['user_id']}", "clicked_at": None} for row in lots(users=12)]
    people = [
        {"user_id": user, "occupation": "silent" if user.startswith("x") else "lively"}
        for user in sorted({row["user_id"] for row in pushes + silent})
    ]
    measures = asked(tmp_path, pushes + silent, people, by=["occupation"], min_users=10)
    table = delay.read_both(measures, level=LEVEL)
    assert table.set_index("segment")["refused"].to_dict() == {
        "all": "",
        "lively": "",
        "silent": "few_of_each",
    }
    delays = delay.delays(measures, level=LEVEL)
    given = {one.id: one for one in delay.conclude(measures, delays, table, level=LEVEL)}
    assert given["push.delay.planned.silent"].status == "insufficient"
    assert "too few answers" in given["push.delay.planned.silent"].message
    assert given["push.delay.planned.lively"].segment == {"occupation": "lively"}
    assert len(delay.draw_both(measures, table, level=LEVEL).table) == 3


def test_slow_accounts_are_to_send_by_schedule_and_what_that_is_worth(tmp_path):
    slow, people = teams(medium="group")
    evening = [row | {"user_id": f"lot {row['user_id']}"} for row in lots()]
    strayed = [
        push(f"{number:03}", "01-20 22:05", planned="01-20 20:50", medium="group")
        for number in range(1, 90, 3)  # of account B
    ]
    people += [{"user_id": row["user_id"], "staff_id": "A"} for row in evening[::10]]
    measures = asked(tmp_path, [*slow, *evening, *strayed], people, min_users=10)
    delays, table = (read(measures, level=LEVEL) for read in (delay.delays, delay.read_both))
    row = one(table, segment="all")
    given = delay.conclude(measures, delays, table, level=LEVEL, value_per_answer_cny=8.0)
    (finding,) = [finding for finding in given if finding.id == "push.delay.slow"]
    per_week = 30 / (31 / 7)
    assert finding.worth_cny == pytest.approx(8 * per_week * (row.planned_in - row.planned_out))
    assert "6.8 a week that are planned for 20:00–22:00 leave after it" in finding.action
    plain = delay.conclude(measures, delays, table, level=LEVEL)
    assert [finding.worth_cny for finding in plain] == [None] * len(plain)


def test_where_nothing_strays_the_action_has_no_worth(tmp_path):
    measures = asked(tmp_path, *teams(medium="group"), min_users=10)
    delays, table = (read(measures, level=LEVEL) for read in (delay.delays, delay.read_both))
    given = delay.conclude(measures, delays, table, level=LEVEL, value_per_answer_cny=8.0)
    (finding,) = [finding for finding in given if finding.id == "push.delay.slow"]
    assert finding.worth_cny is None
    assert finding.action.startswith("Let pushes of the slow accounts be sent by schedule, so")


def test_a_clear_difference_of_plan_and_sending_is_said_so(tmp_path):
    pushes = lots(users=200)
    early = [push(row["user_id"], "01-11 09:59", planned="01-11 10:00") for row in pushes[:3]]
    measures = asked(tmp_path, [*pushes, *early])
    table = delay.read_both(measures, level=LEVEL)
    assert one(table, segment="all").gap_upper < 0
    said = delay.say_both(measures, table, level=LEVEL)
    assert "times: the two differ by −" in said
    assert said.startswith("To all users, pushes planned for 20:00–22:00 are answered")
    delays = delay.delays(measures, level=LEVEL)
    assert "3 pushes left before they were planned" in delay.say_delays(
        measures, delays, level=LEVEL
    )


# Recovered


@pytest.fixture(scope="module")
def sample():
    return delay.measure(sample_pushes(), hours=BAND)


@pytest.fixture(scope="module")
def truth():
    facts = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    return {fact["id"]: fact["value"] for fact in facts["truths"]} | {
        "slow": facts["settings"]["pushing"]["slow_staff"]
    }


def test_the_slow_accounts_and_no_others_are_found(sample, truth):
    assert sorted(delay.delays(sample, level=LEVEL).slow) == sorted(truth["slow"])


def test_the_share_sent_late_among_pushes_by_lot_is_recovered(sample, truth):
    row = one(delay.delays(sample, level=SIDAK).drawn)
    assert row.ci_lower <= truth["pushes.late"] <= row.ci_upper


@pytest.mark.parametrize("way", ["planned", "sent"])
def test_the_lift_of_the_evening_is_recovered_as_planned_and_as_sent(sample, truth, way):
    row = one(delay.read_both(sample, level=SIDAK), segment="office")
    planted = truth[f"pushes.lift.office.{way}_evening"]
    assert getattr(row, f"{way}_lift_lower") <= planted <= getattr(row, f"{way}_lift_upper")


def test_what_is_lost_between_plan_and_sending_is_recovered(sample, truth):
    row = one(delay.read_both(sample, level=SIDAK), segment="office")
    planted = truth["pushes.lift.office.planned_evening"] - truth["pushes.lift.office.sent_evening"]
    assert row.gap_lower <= planted <= row.gap_upper


@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_sample_is_told_and_drawn(sample, language):
    delays, table = (read(sample, level=LEVEL) for read in (delay.delays, delay.read_both))
    with speaking(language):
        said = delay.say_delays(sample, delays, level=LEVEL)
        assert all(account in said for account in ("010", "011", "012"))
        assert term("office") in delay.say_both(sample, table, level=LEVEL)
        pictures = [
            delay.draw_delays(sample, delays, level=LEVEL),
            delay.draw_both(sample, table, level=LEVEL),
        ]
        given = delay.conclude(sample, delays, table, level=LEVEL, value_per_answer_cny=8.0)
    assert [len(picture.table) for picture in pictures] == [48, 7]  # 36 of curves, 12 accounts
    assert len(given) == 13  # 5 media, slow accounts, 7 segments
    (slow,) = [one for one in given if one.id == "push.delay.slow"]
    assert slow.worth_cny > 0
    assert {one.evidence for one in given if "planned" in one.id} == {"randomised"}
