"""Who stays: the engine against a count person by person, midnights, zones and bad input."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace

import pytest
from siyu.studies import events as event_names
from siyu.studies.retention import Definition, RetentionError, by_cohort, measure, rates

from tests.studies.funnel.builders import open_shop
from tests.studies.retention.builders import LAST, ZONE, Person, at, by_hand, shop

CONNECTED = Definition(retained_as="connected", days=[1, 7])
ACTIVE = Definition(return_events=["browse"], days=[1, 3, 7], follow_days=3)
ALL = [
    CONNECTED,
    replace(CONNECTED, clock="24h"),
    *(
        replace(ACTIVE, kind=kind, clock=clock)
        for kind in ("on", "from", "within")
        for clock in ("calendar", "24h")
    ),
]
NAMES = [f"{one.retained_as}-{one.kind}-{one.clock}" for one in ALL]


def found(pool, definition, **options):
    measures = measure(pool, definition, period_days=31, min_users=1, **options)
    table = rates(measures, level=0.95)
    table = table[table["segment"] == "all"]
    return {row.k: (int(row.at_risk), int(row.retained)) for row in table.fillna(0).itertuples()}


def some_people(seed: int) -> list[Person]:
    """People added, leaving and coming back at awkward times: midnights, the same instant, late."""
    rng = random.Random(seed)

    def moment() -> dt.datetime:
        day = dt.datetime(2026, 1, rng.randint(1, 31), tzinfo=ZONE)
        second = rng.choice([0, 1, 86_399, rng.randrange(86_400)])
        return day + dt.timedelta(seconds=second)

    people = []
    for _ in range(60):
        added = moment()
        left = max(added, moment()) if rng.random() < 0.4 else None
        back = [when for when in (moment() for _ in range(rng.randint(0, 4))) if when >= added]
        people.append(Person(added, left, back, rng.choice(["social", "online"])))
    return people


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("asked", ALL, ids=NAMES)
def test_the_engine_agrees_with_a_count_person_by_person(tmp_path, asked, seed):
    people = some_people(seed)
    assert found(shop(tmp_path, people), asked) == by_hand(people, asked)


@pytest.mark.slow
@pytest.mark.parametrize("asked", ALL, ids=NAMES)
def test_a_past_day_counts_what_it_could_have_known(tmp_path, asked):
    people = some_people(99)
    last = dt.date(2026, 1, 20)
    known = [one for one in people if one.added_at.astimezone(ZONE).date() <= last]
    assert found(shop(tmp_path, people, as_of="2026-01-20"), asked) == by_hand(
        known, asked, last=last
    )


@pytest.mark.parametrize(
    ("clock", "back_on_day_1", "back_on_day_0"), [("calendar", 1, 0), ("24h", 0, 1)]
)
def test_two_minutes_over_midnight_are_a_calendar_day_and_no_24_hours(
    tmp_path, clock, back_on_day_1, back_on_day_0
):
    pool = shop(tmp_path, [Person(at("5 23:59"), None, [at("6 00:01")])])
    on = replace(ACTIVE, kind="on", clock=clock)
    assert found(pool, on)[1] == (1, back_on_day_1)
    measures = measure(pool, on, period_days=31, min_users=1)
    assert (measures.kept["k"] == 1).sum() == back_on_day_1 == 1 - back_on_day_0


def test_whoever_leaves_on_a_day_is_not_connected_at_its_end(tmp_path):
    pool = shop(tmp_path, [Person(at("5 10:00"), at("6 09:00")), Person(at("5 10:00"), None)])
    assert found(pool, CONNECTED)[1] == (2, 1)
    # 23 hours after the addition is not yet one time 24 hours.
    assert found(pool, replace(CONNECTED, clock="24h"))[1] == (2, 1)
    later = shop(tmp_path, [Person(at("5 10:00"), at("6 11:00")), Person(at("5 10:00"), None)])
    assert found(later, CONNECTED)[1] == (2, 1)
    assert found(later, replace(CONNECTED, clock="24h"))[1] == (2, 2)


@pytest.mark.parametrize(
    ("unit", "cohorts"),
    [
        ("day", ["2026-01-04", "2026-01-05"]),
        ("week", ["2025-12-29", "2026-01-05"]),
        ("month", ["2026-01-01"]),
    ],
)
def test_a_cohort_is_a_business_day_a_week_from_monday_or_a_month(tmp_path, unit, cohorts):
    people = [Person(at("4 23:59")), Person(at("5 00:00"))]
    asked = replace(CONNECTED, cohort_unit=unit)
    measures = measure(shop(tmp_path, people), asked, period_days=31, min_users=1)
    table = by_cohort(measures, level=0.95)
    assert [str(one)[:10] for one in sorted(table["cohort"].unique())] == cohorts


def test_users_before_the_period_and_without_an_addition_do_not_count(tmp_path):
    people = [Person(at("1 12:00")), Person(at("25 12:00"))]
    measures = measure(shop(tmp_path, people), CONNECTED, period_days=7, min_users=1)
    assert measures.n_added == 1
    assert measures.first == LAST - dt.timedelta(days=6)


def test_whoever_was_added_before_the_log_begins_may_have_come_back_unseen(tmp_path):
    """Added on 30 December, back on the 31st and on 3 January; the log begins on the 1st."""
    december = dt.datetime(2025, 12, 30, 12, tzinfo=ZONE)
    back = [december + dt.timedelta(days=1), december + dt.timedelta(days=4)]
    people = [Person(december, at("4 12:00"), back), Person(at("1 12:00"), None, [at("2 12:00")])]
    pool = shop(tmp_path, people)
    active = measure(pool, ACTIVE, period_days=62, min_users=1)
    assert (active.n_added, active.first) == (1, dt.date(2026, 1, 1))
    # When somebody left stands in `users`, whenever the log begins.
    connected = measure(pool, CONNECTED, period_days=62, min_users=1)
    assert (connected.n_added, connected.first) == (2, dt.date(2025, 12, 1))


def test_row_order_does_not_matter_and_twice_the_people_are_twice_the_counts(tmp_path):
    people = some_people(7)
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    once = found(shop(tmp_path / "a", people), ACTIVE)
    twice = found(shop(tmp_path / "b", [*reversed(people), *people]), ACTIVE)
    assert twice == {k: (2 * n, 2 * x) for k, (n, x) in once.items()}


def test_definitions_asked_one_after_the_other_share_the_returns_and_count_their_own(tmp_path):
    people = some_people(11)
    pool = shop(tmp_path, people)
    asked = [replace(ACTIVE, kind=kind, days=[2, 7]) for kind in ("from", "on", "within")]
    asked.append(replace(ACTIVE, kind="from", follow_days=1))
    held = [measure(pool, one, period_days=31, min_users=1) for one in asked]
    assert len({measures.basis.get_name() for measures in held}) == 1
    for one, measures in zip(asked, held, strict=True):
        table = rates(measures, level=0.95).fillna(0)
        counts = {row.k: (int(row.at_risk), int(row.retained)) for row in table.itertuples()}
        assert counts == by_hand(people, one)


@pytest.mark.parametrize(
    ("other", "period_days"),
    [
        ({"clock": "24h"}, 31),
        ({"return_events": ["browse", "cart"]}, 31),
        ({"days": [150]}, 31),
        ({}, 20),
    ],
)
def test_other_returns_are_not_shared(tmp_path, other, period_days):
    events = [
        {"user_id": "a", "occurred_at": at("6 10:00"), "event": name} for name in ("browse", "cart")
    ]
    users = [{"user_id": "a", "added_at": at("5 10:00")}]
    pool = open_shop(tmp_path, events, users=users)
    first = measure(pool, ACTIVE, period_days=31)
    second = measure(pool, replace(ACTIVE, **other), period_days=period_days)
    assert first.basis.get_name() != second.basis.get_name()


@pytest.mark.parametrize("k", [6, 7, 56, 57, 113])
def test_returns_after_months_count_on_their_day(tmp_path, k):
    """Returns are gathered as bits of several numbers: none is lost where one of them ends."""
    added = dt.datetime(2025, 8, 1, 12, tzinfo=ZONE)
    back = (5, k - 1, k, k + 1)
    events = [
        {"user_id": "a", "occurred_at": added + dt.timedelta(days=day), "event": "browse"}
        for day in back
    ]
    users = [{"user_id": "a", "added_at": added}]
    pool = open_shop(tmp_path, events, users=users, observed=("2025-08-01", "2026-01-31"))

    def stayed(**asked):
        asked = replace(ACTIVE, days=[k], **asked)
        kept = measure(pool, asked, period_days=200, min_users=1).kept
        assert (kept["n"] == 1).all()
        return kept["k"].tolist()

    assert stayed(kind="on") == sorted({5, k - 1, k})
    for follow_days in (3, 60):
        ahead = {day - early for day in back for early in range(follow_days)}
        assert stayed(kind="from", follow_days=follow_days) == sorted(ahead & set(range(1, k + 1)))
    assert stayed(kind="within") == list(range(5, k + 1))


class TestSegments:
    def test_segments_add_up_to_everyone(self, tmp_path):
        measures = measure(
            shop(tmp_path, some_people(3)), ACTIVE, period_days=31, by=["channel"], min_users=1
        )
        table = rates(measures, level=0.95)
        total = table[table["segment"] == "all"].set_index("k")
        parts = table[table["segment"] != "all"].groupby("k")[["at_risk", "retained"]].sum()
        assert (parts == total[["at_risk", "retained"]]).all(axis=None)
        assert measures.segments == {
            "online": {"channel": "online"},
            "social": {"channel": "social"},
        }

    def test_small_segments_share_a_name(self, tmp_path):
        people = [Person(at("2 10:00"), channel=one) for one in ["a"] * 9 + ["b"] * 2 + ["c"] * 3]
        measures = measure(
            shop(tmp_path, people), CONNECTED, period_days=31, by=["channel"], min_users=5
        )
        assert set(measures.risk["segment"]) == {"a", "(small groups)"}
        assert list(measures.segments) == ["a"]

    @pytest.mark.parametrize(
        ("column", "reason"), [("user_id", "would list persons"), ("chanel", "did you mean")]
    )
    def test_persons_and_unknown_columns_are_refused_and_the_study_goes_on(
        self, tmp_path, column, reason
    ):
        pool = shop(tmp_path, [Person(at("2 10:00"))])
        measures = measure(pool, CONNECTED, period_days=31, by=[column], min_users=1)
        assert reason in measures.refused[0]
        assert measures.by == ()
        assert measures.n_added == 1

    def test_a_segment_of_whom_few_can_be_judged_is_small(self, tmp_path):
        """b has 40 users, of whom 4 can be judged on day 7: everyone less a would tell them."""
        people = [Person(at("2 10:00"), channel="a") for _ in range(60)]
        people += [Person(at("2 10:00"), channel="b") for _ in range(4)]
        people += [Person(at("30 10:00"), channel="b") for _ in range(36)]
        people += [Person(at("2 10:00"), channel="c") for _ in range(30)]
        measures = measure(
            shop(tmp_path, people), CONNECTED, period_days=31, by=["channel"], min_users=30
        )
        assert list(measures.segments) == ["a"]
        table = rates(measures, level=0.95)
        judged = table[table["k"] == 7].set_index("segment")["at_risk"]
        assert judged.to_dict() == {"all": 94, "(small groups)": 34, "a": 60}

    def test_a_column_that_tells_who_has_left_is_refused(self, tmp_path):
        gone = [Person(at("2 10:00"), at("5 10:00"), channel="lost") for _ in range(30)]
        there = [Person(at("2 10:00"), channel="active") for _ in range(30)]
        pool = shop(tmp_path, gone + there)
        measures = measure(pool, CONNECTED, period_days=31, by=["channel"])
        assert "of each value nearly all users have left or none has" in measures.refused[0]
        assert set(measures.risk["segment"]) == {"all"}
        (tmp_path / "b").mkdir()
        mixed = [*gone, *there, Person(at("2 10:00"), at("5 10:00"), channel="active")]
        measures = measure(shop(tmp_path / "b", mixed), CONNECTED, period_days=31, by=["channel"])
        assert measures.refused == ()


class TestBadInput:
    def test_an_unknown_event_is_named_with_the_nearest_one(self, tmp_path):
        pool = shop(tmp_path, [Person(at("2 10:00"))])
        with pytest.raises(RetentionError, match="no event 'brows'; did you mean 'browse'"):
            measure(pool, replace(ACTIVE, return_events=["brows"]), period_days=31)
        with pytest.raises(RetentionError, match=r"no event 'zzz'\. It has: browse"):
            measure(pool, replace(ACTIVE, return_events=["zzz"]), period_days=31)

    def test_an_event_that_the_last_days_do_not_have_is_known(self, tmp_path, monkeypatch):
        monkeypatch.setattr(event_names, "_LATELY", dt.timedelta(0))
        measures = measure(shop(tmp_path, some_people(1)), ACTIVE, period_days=31)
        assert measures.n_added > 0

    @pytest.mark.parametrize("option", [{"period_days": 0}, {"period_days": 31, "min_users": 0}])
    def test_no_days_and_no_users_are_refused(self, tmp_path, option):
        pool = shop(tmp_path, [Person(at("2 10:00"))])
        with pytest.raises(RetentionError, match="must be at least 1"):
            measure(pool, CONNECTED, **option)

    @pytest.mark.parametrize("asked", ALL, ids=NAMES)
    def test_a_pool_to_which_nobody_was_added_has_no_rates(self, tmp_path, asked):
        measures = measure(shop(tmp_path, []), asked, period_days=31)
        assert measures.n_added == 0
        assert rates(measures, level=0.95)["rate"].isna().all()

    def test_users_without_times_of_addition_cannot_be_followed(self, tmp_path):
        event = {"user_id": "a", "occurred_at": at("2 10:00"), "event": "browse"}
        pool = open_shop(tmp_path, [event])
        with pytest.raises(RetentionError, match="no column added_at"):
            measure(pool, CONNECTED, period_days=31)


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"retained_as": "loyal"}, "retained_as = 'loyal' must be one of connected, active"),
        ({"kind": "after"}, "kind = 'after' must be one of on, from, within"),
        ({"clock": "12h"}, "clock = '12h'"),
        ({"cohort_unit": "year"}, "cohort_unit = 'year'"),
        ({"days": []}, "ascending"),
        ({"days": [7, 1]}, "ascending"),
        ({"days": [0, 7]}, "from 1 to 366"),
        ({"days": [367]}, "from 1 to 366"),
        ({"follow_days": 0}, "follow_days = 0 must be at least 1"),
        ({"return_events": []}, "names no return"),
    ],
)
def test_an_impossible_definition_is_refused_with_its_remedy(given, rule):
    with pytest.raises(RetentionError, match=rule.replace("[", r"\[")):
        Definition(**{"return_events": ["browse"], **given})
