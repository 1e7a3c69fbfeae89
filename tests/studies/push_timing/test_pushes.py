"""Pushes as they are studied, against a count push by push; and what is wrong with them."""

from __future__ import annotations

import datetime as dt
import random
from zoneinfo import ZoneInfo

import pandas as pd
import pytest
from siyu.data import SourceError
from siyu.studies.push_timing import Definition, PushError, find_pushes

from tests.studies.funnel.builders import open_shop
from tests.studies.push_timing.builders import DAY, HOUR, ZONE, Push, at, shop

END = dt.datetime(2026, 2, 1, tzinfo=ZONE)
NEW_YORK = ZoneInfo("America/New_York")
COLUMNS = ["planned_hour", "planned_weekday", "sent_hour", "sent_weekday", "is_sent", "is_drawn"]
COLUMNS += ["outcome", "planned_outcome"]


def ten(**options) -> Push:
    """A push planned at ten on the 7th, a Wednesday, and sent five minutes later."""
    given = {"planned_at": at("7 10:00"), "sent_at": at("7 10:05"), "status": "sent"} | options
    return Push("ann", **given)


def only(folder, push: Push, *, outcome: str = "click", **options) -> pd.Series:
    pool = shop(folder, [push], **options)
    found = find_pushes(pool, Definition(outcome=outcome), period_days=31, min_users=1)
    (row,) = found.rows.to_pandas().to_dict("records")
    return pd.Series(row)


def test_a_push_has_the_hour_and_weekday_of_the_business(tmp_path):
    row = only(tmp_path, ten(planned_at=at("7 23:59"), sent_at=at("8 00:00")))
    assert (row["planned_hour"], row["planned_weekday"]) == (23, 2)
    assert (row["sent_hour"], row["sent_weekday"]) == (0, 3)
    assert (row["planned_on"], row["sent_on"]) == (
        pd.Timestamp("2026-01-07"),
        pd.Timestamp("2026-01-08"),
    )


@pytest.mark.parametrize(
    ("options", "outcome", "planned_outcome"),
    [
        pytest.param({}, 0, 0, id="not clicked"),
        pytest.param({"clicked_at": at("7 10:05")}, 1, 1, id="at once"),
        pytest.param({"clicked_at": at("8 10:00")}, 1, 1, id="at the end of the planned horizon"),
        pytest.param({"clicked_at": at("8 10:05")}, 1, 0, id="at the end of the horizon"),
        pytest.param({"clicked_at": at("8 10:06")}, 0, 0, id="too late"),
        pytest.param({"clicked_at": at("7 10:04")}, 0, 0, id="before it was sent"),
    ],
)
def test_a_click_counts_from_the_sending_to_the_end_of_the_horizon(
    options, outcome, planned_outcome, tmp_path
):
    row = only(tmp_path, ten(**options))
    assert (row["outcome"], row["planned_outcome"]) == (outcome, planned_outcome)


def test_an_order_counts_whether_or_not_the_push_was_sent(tmp_path):
    push = ten(sent_at=None, status="capped")
    orders = [("ann", at("7 11:00")), ("ann", at("7 12:00"))]
    row = only(tmp_path, push, outcome="order", orders=orders)
    assert (row["outcome"], row["planned_outcome"]) == (0, 1)


def test_an_order_of_somebody_else_counts_for_nothing(tmp_path):
    pushes = [ten(), Push("bob", sent_at=at("9 10:00"))]
    pool = shop(tmp_path, pushes, orders=[("bob", at("7 11:00"))])
    found = find_pushes(pool, Definition(outcome="order"), period_days=31, min_users=1)
    assert found.rows.outcome.sum().to_pandas() == 0


@pytest.mark.parametrize("propensity", [None, 0.0, -0.1, 1.01])
def test_hours_without_a_usable_propensity_were_not_drawn_by_lot(propensity, tmp_path):
    row = only(tmp_path, ten(propensity=propensity))
    assert not row["is_drawn"]
    assert pd.isna(row["propensity"])


def test_hours_that_are_not_planned_were_not_drawn_by_lot(tmp_path):
    assert not only(tmp_path, ten(planned_at=None, propensity=0.5))["is_drawn"]


def test_a_push_counts_once_it_was_followed_for_the_horizon(tmp_path):
    whole, late, unsent = at("30 23:59"), at("31 00:01"), at("31 00:00")
    pushes = [
        ten(planned_at=whole, sent_at=whole),
        ten(planned_at=whole, sent_at=late),
        ten(planned_at=unsent, sent_at=None, status="unsent"),
    ]
    found = find_pushes(shop(tmp_path, pushes), Definition(), period_days=31, min_users=1)
    assert sorted(found.rows.planned_at.to_pandas().dt.minute) == [0, 59]
    assert (found.counts["n"], found.counts["immature"]) == (2, 1)


def test_the_period_has_as_many_days_as_asked_for(tmp_path):
    pushes = [ten(planned_at=at("20 23:59")), ten(planned_at=at("21 00:00"))]
    pool = shop(tmp_path, pushes)
    found = find_pushes(pool, Definition(), period_days=11, min_users=1)
    assert found.first == dt.date(2026, 1, 21)
    assert found.rows.planned_on.to_pandas().tolist() == [pd.Timestamp("2026-01-21")]
    # Who was pushed in the period has a history before it.
    assert found.history.count().to_pandas() == 2


def test_without_a_column_of_sending_what_is_said_to_be_sent_was_sent_as_planned(tmp_path):
    pushes = [ten(), ten(status="capped"), ten(status=None)]
    pool = shop(tmp_path, pushes, leave_out=["sent_at", "propensity", "medium"])
    rows = find_pushes(pool, Definition(), period_days=31, min_users=1).rows.to_pandas()
    assert sorted(rows["is_sent"]) == [False, True, True]
    assert rows.loc[rows["is_sent"], "sent_hour"].tolist() == [10, 10]


def test_odd_pushes_are_counted(tmp_path):
    pushes = [
        ten(propensity=0.5),
        ten(propensity=2.0),
        ten(clicked_at=at("7 10:00")),
        ten(sent_at=None, status="capped", clicked_at=at("7 10:00")),
        Push("eve", sent_at=at("9 10:00")),
    ]
    pool = shop(tmp_path, pushes, strangers=["eve"])
    found = find_pushes(pool, Definition(), period_days=31, min_users=1)
    assert dict(found.counts) == {
        "n": 4, "planned": 4, "sent": 3, "drawn": 1, "immature": 0, "wrong_propensity": 1,
        "clicked_early": 2, "strangers": 1,
    }  # fmt: skip


@pytest.mark.parametrize("pushed", [{0}, {31}, {32}, {0, 31, 32, 63, 64, 99}, set(range(100))])
def test_who_was_pushed_in_the_period_is_numbered_first_wherever_their_id_stands(pushed, tmp_path):
    users = [f"u{place:02}" for place in range(100)]
    last_year = dt.datetime(2025, 12, 31, 10, tzinfo=ZONE)
    pushes = [Push(user, sent_at=last_year) for user in users]
    pushes += [Push(users[place], sent_at=at("7 10:00")) for place in pushed for _ in range(2)]
    pool = shop(tmp_path, [*pushes, Push("who", sent_at=at("7 10:00"))], strangers=["who"])
    found = find_pushes(pool, Definition(), period_days=31, min_users=1)
    numbered = found.users.to_pandas().sort_values("number")
    first = sorted(users[place] for place in pushed)
    assert numbered["user_id"].tolist() == first + [user for user in users if user not in first]
    assert numbered["number"].tolist()[: len(first)] == list(range(len(first)))
    assert numbered["segment"].notna().sum() == sum(found.n_users.values()) == len(first)
    assert sorted(found.brief.to_pandas()["number"]) == sorted(2 * list(range(len(first))))


def test_small_segments_share_a_name(tmp_path):
    occupation = {
        f"{i}": "office" if i < 40 else "student" if i < 70 else "miner" for i in range(79)
    }
    occupation |= {"last": None}
    pushes = [Push(user, sent_at=at("9 10:00")) for user in occupation]
    pool = shop(tmp_path, pushes, occupation=occupation)
    found = find_pushes(pool, Definition(), period_days=31, by=["occupation"], min_users=30)
    # The ten who are left are too few, so the next smallest joins them.
    assert found.n_users == {"office": 40, "(small groups)": 40}
    assert found.crossings == {"office": {"occupation": "office"}}
    counted = found.rows.group_by("segment").agg(n=found.rows.count()).to_pandas()
    assert {found.segments[row.segment]: row.n for row in counted.itertuples()} == found.n_users


def test_a_column_that_names_persons_is_refused(tmp_path):
    found = find_pushes(
        shop(tmp_path, [ten()]), Definition(), period_days=31, by=["user_id"], min_users=1
    )
    assert (found.by, found.segments) == ((), ("all",))
    (reason,) = found.refused
    assert "user_id" in reason


def test_the_tier_is_the_one_at_the_first_push_of_the_period(tmp_path):
    tiers = [
        {"user_id": "ann", "tier": "silver", "since": at("6 12:00")},
        {"user_id": "ann", "tier": "gold", "since": at("8 12:00")},
    ]
    pushes = [
        {"push_id": f"{i}", "user_id": "ann", "sent_at": at(f"{day} 10:00")}
        for i, day in enumerate((7, 9))
    ]
    pool = open_shop(tmp_path, [], users=[{"user_id": "ann"}], pushes=pushes, tiers=tiers)
    found = find_pushes(pool, Definition(), period_days=31, by=["tier"], min_users=1)
    assert found.n_users == {"silver": 1}


def draw(random_of: random.Random, zone: ZoneInfo) -> list[Push]:
    """Draw pushes around midnights, ends of the period and of horizons, with all that may lack."""
    pushes = []
    for _ in range(120):
        planned = at("1 00:00", zone) + random_of.randint(0, 31 * 48) * HOUR / 2
        sent = planned + random_of.choice([0, 1, 29, 30, 61]) * HOUR / 60
        clicked = (
            sent + random_of.choice([-1, 0, 1, 60, 24 * 60 - 29, 24 * 60, 24 * 60 + 1]) * HOUR / 60
        )
        is_sent = random_of.random() < 0.7
        pushes.append(
            Push(
                random_of.choice("abc"),
                planned_at=None if is_sent and random_of.random() < 0.2 else planned,
                sent_at=sent if is_sent else None,
                clicked_at=clicked if random_of.random() < 0.6 else None,
                propensity=random_of.choice([None, 0.2, 1.0, 0.0, 1.5]),
                status=random_of.choice(["sent", None]) if is_sent else "capped",
            )
        )  # fmt: skip
    return pushes


def by_hand(push: Push, zone: ZoneInfo) -> dict[str, object] | None:
    """What is to be known about one push, as the text defines it; None: it does not count."""
    end = dt.datetime(2026, 2, 1, tzinfo=zone).astimezone(dt.UTC)
    planned, sent, clicked = (
        None if when is None else when.astimezone(dt.UTC)
        for when in (push.planned_at, push.sent_at, push.clicked_at)
    )
    begun = planned or sent
    if (begun.astimezone(zone).date() < dt.date(2026, 1, 3)) or any(
        when + DAY > end for when in (planned, sent) if when
    ):
        return None
    answered = sent is not None and clicked is not None and sent <= clicked < end
    local_planned, local_sent = (when and when.astimezone(zone) for when in (planned, sent))
    return {
        "planned_hour": local_planned and local_planned.hour,
        "planned_weekday": local_planned and local_planned.weekday(),
        "sent_hour": local_sent and local_sent.hour,
        "sent_weekday": local_sent and local_sent.weekday(),
        "is_sent": sent is not None,
        "is_drawn": planned is not None and push.propensity in (0.2, 1.0),
        "outcome": int(answered and clicked - sent <= DAY),
        "planned_outcome": int(bool(answered and planned and clicked - planned <= DAY)),
    }


@pytest.mark.parametrize("seed", range(6))
def test_every_push_is_read_as_by_hand(seed, tmp_path):
    zone = NEW_YORK if seed % 2 else ZONE
    pushes = draw(random.Random(seed), zone)
    found = find_pushes(
        shop(tmp_path, pushes, zone=zone), Definition(), period_days=29, min_users=1
    )
    expected = [row for push in pushes if (row := by_hand(push, zone)) is not None]
    rows = found.rows.to_pandas()[COLUMNS].astype(float).fillna(-1)
    wanted = pd.DataFrame(expected)[COLUMNS].astype(float).fillna(-1)
    assert len(wanted) > 60
    assert sorted(rows.itertuples(index=False)) == sorted(wanted.itertuples(index=False))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"outcome": "open"}, "outcome = 'open' must be one of click, order"),
        ({"horizon_hours": 0}, "horizon_hours = 0 must be from 1 to 336; use 24"),
    ],
)
def test_an_answer_that_cannot_be_is_refused(options, message):
    with pytest.raises(PushError, match=message):
        Definition(**options)


@pytest.mark.parametrize("name", ["period_days", "min_users"])
def test_a_number_that_cannot_be_is_refused(name, tmp_path):
    with pytest.raises(PushError, match=f"{name} = 0 must be at least 1"):
        find_pushes(shop(tmp_path, [ten()]), Definition(), **{"period_days": 31, name: 0})


def test_orders_are_needed_to_count_them(tmp_path):
    with pytest.raises(PushError, match="needs the table orders"):
        find_pushes(shop(tmp_path, [ten()]), Definition(outcome="order"), period_days=31)


def test_without_pushes_there_is_nothing_to_study(tmp_path):
    with pytest.raises(SourceError, match="pushes"):
        find_pushes(open_shop(tmp_path, []), Definition(), period_days=31)


def test_pushes_that_are_all_too_young_make_no_segments(tmp_path):
    found = find_pushes(
        shop(tmp_path, [ten(planned_at=at("31 23:00"), sent_at=None)]), Definition(), period_days=31
    )
    assert (found.segments, found.n_users) == ((), {})
    assert found.counts["n"] == 0
