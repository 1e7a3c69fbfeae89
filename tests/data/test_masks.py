"""A report for a past day is what that day could have known."""

from datetime import UTC, date, datetime

import pytest
from siyu.data import SourceError, open_source

DAYS = "timezone: Asia/Shanghai\nobserved: {from: 2024-03-01, to: 2024-03-31}\n"
EVENTS = "user_id,occurred_at,event\n"
IN_TIME = "2024-03-10 23:59:59.999999"
TOO_LATE = "2024-03-11 00:00:00"


def rows(folder, table, *, as_of="2024-03-10"):
    found = open_source(folder, as_of=as_of).table(table)
    return found.order_by(found[found.columns[0]]).to_pyarrow().to_pylist()


def test_rows_end_with_the_last_microsecond_of_as_of(write_source):
    folder = write_source(DAYS, events=EVENTS + f"a,{IN_TIME},in\nb,{TOO_LATE},late")
    assert [row["event"] for row in rows(folder, "events")] == ["in"]
    assert [row["event"] for row in rows(folder, "events", as_of="2024-03-11")] == ["in", "late"]


def test_the_last_day_of_a_month_is_a_day_like_others(write_source):
    folder = write_source(
        DAYS, events=EVENTS + "a,2024-03-31 23:59:59.999999,in\nb,2024-04-01 00:00:00,late"
    )
    assert [row["event"] for row in rows(folder, "events", as_of="")] == ["in"]


def test_later_times_inside_earlier_rows_are_blanked(write_source):
    folder = write_source(
        DAYS,
        users=f"user_id,added_at,left_at\na,2024-03-02,{IN_TIME}\nb,2024-03-02,{TOO_LATE}\n"
        f"c,{TOO_LATE},{TOO_LATE}\nd,,",
        events=EVENTS + "c,2024-03-02,scan",
    )
    shown = [(r["added_at"] is not None, r["left_at"] is not None) for r in rows(folder, "users")]
    assert shown == [(True, True), (True, False), (False, False), (False, False)]


def test_users_who_were_added_later_are_known_from_their_first_row_on(write_source):
    users = ["seen", "asked", "asking", "early"]
    folder = write_source(
        DAYS,
        users="user_id,added_at\nnever_added,\nin_time,2024-03-10 23:59:59.999999\n"
        + "\n".join(f"{user},{TOO_LATE}" for user in ["late", "seen_late", "asked_late", *users]),
        events=EVENTS + f"seen,{IN_TIME},scan\nseen_late,{TOO_LATE},scan\nseen_late,2024-03-12,x",
        contacts="user_id,staff_id,added_at\nearly,s,2024-02-01",
        invites="inviter_id,invited_at,invitee_id,accepted_at\n"
        f"asking,{IN_TIME},asked,{IN_TIME}\nin_time,{IN_TIME},asked_late,{TOO_LATE}",
    )
    known = ["asked", "asking", "early", "in_time", "never_added", "seen"]
    assert [row["user_id"] for row in rows(folder, "users")] == known
    everybody = sorted([*known, "asked_late", "late", "seen_late"])
    assert [row["user_id"] for row in rows(folder, "users", as_of="2024-03-11")] == everybody
    counts = open_source(folder, as_of="2024-03-10").counts().set_index("table")["rows"]
    assert counts["users"] == len(known)


def test_what_is_known_with_a_later_time_is_blanked_with_it(write_source):
    folder = write_source(
        DAYS,
        contacts="user_id,staff_id,added_at,left_at,left_by\n"
        f"a,s,2024-03-02,{IN_TIME},user\nb,s,2024-03-02,{TOO_LATE},user",
        users="user_id,added_at,staff_id,lure,channel\n"
        f"a,{IN_TIME},s,coupon,social\nb,{TOO_LATE},s,coupon,social\nc,,s,coupon,social",
    )
    assert [row["left_by"] for row in rows(folder, "contacts")] == ["user", None]
    users = rows(folder, "users")
    assert [row["staff_id"] for row in users] == ["s", None, "s"]
    assert [row["lure"] for row in users] == ["coupon", None, "coupon"]
    assert [row["channel"] for row in users] == ["social", "social", "social"]


def test_the_future_of_a_planned_push_is_not_known_and_a_capped_one_is(write_source):
    folder = write_source(
        DAYS,
        pushes="push_id,user_id,planned_at,sent_at,status,clicked_at\n"
        f"1,a,2024-03-10,{IN_TIME},sent,{TOO_LATE}\n"
        f"2,a,2024-03-10,{TOO_LATE},sent,{TOO_LATE}\n"
        "3,a,2024-03-10,,capped,\n"
        f"4,a,{TOO_LATE},{TOO_LATE},sent,\n"
        f"5,a,,{IN_TIME},sent,\n"
        f"6,a,,{TOO_LATE},sent,",
    )
    found = rows(folder, "pushes")
    assert [(row["push_id"], row["status"]) for row in found] == [
        ("1", "sent"),
        ("2", None),
        ("3", "capped"),
        ("5", "sent"),
    ]
    assert [row["clicked_at"] for row in found] == [None] * 4
    assert [row["sent_at"] is not None for row in found] == [True, False, False, True]


def test_an_invitation_accepted_later_tells_neither_whom_nor_for_how_much(write_source):
    folder = write_source(
        DAYS,
        invites="inviter_id,invited_at,invitee_id,accepted_at,reward_cny\n"
        f"a,2024-03-02,b,{TOO_LATE},5.00",
    )
    (invite,) = rows(folder, "invites")
    assert (invite["invitee_id"], invite["accepted_at"], invite["reward_cny"]) == (None,) * 3


def test_days_of_cost_end_with_as_of(write_source):
    folder = write_source(
        DAYS, spend="day,channel,cost_cny\n2024-03-10,social,1\n2024-03-11,social,2"
    )
    assert [row["day"] for row in rows(folder, "spend")] == [date(2024, 3, 10)]


def test_a_declared_column_is_shown_only_since_when_it_is_known(write_source):
    layout = DAYS + "tables: {users: {known_from: {vip_level: vip_since}}}"
    folder = write_source(
        layout,
        users=f"user_id,vip_level,vip_since\na,gold,{IN_TIME}\nb,gold,{TOO_LATE}\nc,gold,\nd,,",
    )
    found = rows(folder, "users")
    assert [row["vip_level"] for row in found] == ["gold", None, None, None]
    assert [row["vip_since"] is not None for row in found] == [True, False, False, False]
    assert open_source(folder).known_from == {"vip_level": "vip_since"}


def test_users_derived_from_events_are_those_whom_as_of_knew(tmp_path):
    (tmp_path / "source.yaml").write_text(DAYS + "tables: {users: {from_events: [touchpoint]}}")
    (tmp_path / "events.csv").write_text(
        "user_id,occurred_at,event,touchpoint\n"
        "a,2024-03-05,scan,poster\n"
        "a,2024-03-04,scan,group\n"
        "a,2024-03-04,add,advert\n"
        "b,2024-03-04,scan,\n"
        "b,2024-03-05,scan,poster\n"
        f"c,{TOO_LATE},scan,poster\n"
    )
    assert rows(tmp_path, "users") == [
        {"user_id": "a", "touchpoint": "advert"},  # of two first events, the one that sorts first
        {"user_id": "b", "touchpoint": None},
    ]
    assert len(rows(tmp_path, "users", as_of="")) == 3


def test_users_can_be_derived_without_any_column(tmp_path):
    (tmp_path / "source.yaml").write_text(DAYS + "tables: {users: {from_events: []}}")
    (tmp_path / "events.csv").write_text(EVENTS + "a,2024-03-04,scan\na,2024-03-05,scan\n")
    assert rows(tmp_path, "users") == [{"user_id": "a"}]


@pytest.mark.parametrize(
    ("as_of", "reason"),
    [
        ("2024-02-29", "must be a complete day of the observation, 2024-03-01 to 2024-03-31"),
        ("2024-04-01", "must be a complete day of the observation"),
        ("2024-02-30", "as_of = '2024-02-30' is no day; use an ISO date such as 2024-03-31"),
        ("yesterday", "is no day"),
    ],
)
def test_a_day_that_was_not_observed_is_refused(write_source, as_of, reason):
    with pytest.raises(SourceError, match=reason):
        open_source(write_source(DAYS), as_of=as_of)


def test_an_undeclared_observation_reaches_from_the_first_to_the_last_event(write_source):
    folder = write_source(
        "timezone: Asia/Shanghai",
        users="user_id,added_at\na,2023-01-01\nb,2025-01-01",
        events=EVENTS + "a,2024-03-01 12:00,scan\na,2024-03-09 12:00,scan",
    )
    source = open_source(folder)
    assert source.observed_from == datetime(2024, 3, 1, 4, tzinfo=UTC)
    assert source.observed_to == datetime(2024, 3, 9, 4, 0, 0, 1, tzinfo=UTC)
    assert source.as_of == date(2024, 3, 8)  # the 9th had not ended
    assert source.as_of_end == datetime(2024, 3, 8, 16, tzinfo=UTC)


def test_a_last_event_in_the_last_microsecond_completes_the_day(write_source):
    folder = write_source(
        "timezone: Asia/Shanghai",
        events=EVENTS + "a,2024-03-01 12:00,scan\na,2024-03-09 23:59:59.999999,scan",
    )
    assert open_source(folder).as_of == date(2024, 3, 9)


def test_without_events_the_other_tables_say_what_was_observed(write_source):
    folder = write_source(
        "timezone: UTC",
        users="user_id,added_at\na,2023-01-01",
        orders="order_id,user_id,paid_at,amount_cny\n1,a,2024-03-01,1\n2,a,2024-03-05,1",
        pushes="push_id,user_id,sent_at\n1,a,2024-03-07",
    )
    source = open_source(folder)
    assert source.observed_from == datetime(2024, 3, 1, tzinfo=UTC)
    assert source.as_of == date(2024, 3, 6)


def test_with_users_alone_their_coming_and_going_is_what_was_observed(write_source):
    folder = write_source(
        "timezone: UTC", users="user_id,added_at,left_at\na,2024-03-01,2024-03-05\nb,,"
    )
    source = open_source(folder)
    assert (source.observed_from.day, source.as_of.day) == (1, 4)


def test_the_zone_of_the_caller_moves_the_days_but_not_the_times(write_source):
    folder = write_source(DAYS, events=EVENTS + f"a,{TOO_LATE},late")
    assert rows(folder, "events") == []
    berlin = open_source(folder, as_of="2024-03-10", timezone="Europe/Berlin")
    (event,) = berlin.table("events").to_pyarrow().to_pylist()
    assert event["occurred_at"] == datetime(2024, 3, 10, 16, tzinfo=UTC)
    assert berlin.as_of_end == datetime(2024, 3, 10, 23, tzinfo=UTC)
