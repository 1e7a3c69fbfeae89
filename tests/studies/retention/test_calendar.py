"""Midnights, ends of months, leap days, clocks put forward and back, and names of any kind."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from siyu.language import speaking
from siyu.studies.retention import (
    Definition,
    by_cohort,
    compare_segments,
    conclude,
    draw_segments,
    mean_stay,
    measure,
    rates,
    stay,
)
from siyu.studies.retention.triangle import measure_triangle, triangle_cells

from tests.studies.retention.builders import ZONE, Person, at, by_hand, shop

NEW_YORK = ZoneInfo("America/New_York")
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
ON = Definition(kind="on", return_events=["browse"], days=[1, 2])
CONNECTED = Definition(retained_as="connected", days=[1, 2])
BY_24H = replace(ON, clock="24h")


def local(text: str, zone: ZoneInfo = NEW_YORK, *, fold: int = 0) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold)


def found(pool, definition, *, days: int = 10) -> dict[int, tuple[int, int]]:
    measures = measure(pool, definition, period_days=days, min_users=1)
    table = rates(measures, level=0.95).query("segment == 'all'").fillna(0)
    return {row.k: (int(row.at_risk), int(row.retained)) for row in table.itertuples()}


@pytest.mark.parametrize(
    ("back", "day_1", "day_2"),
    [
        ("5 23:59:59.999999", 0, 0),
        ("6 00:00:00", 1, 0),
        ("6 23:59:59.999999", 1, 0),
        ("7 00:00:00", 0, 1),
    ],
)
@pytest.mark.parametrize("added", ["5 00:00:00", "5 23:59:59"])
def test_a_day_begins_at_midnight_of_the_zone(tmp_path, added, back, day_1, day_2):
    pool = shop(tmp_path, [Person(at(added), None, [at(back)])])
    assert found(pool, ON, days=31) == {1: (1, day_1), 2: (1, day_2)}


def test_an_addition_at_midnight_belongs_to_the_day_that_begins(tmp_path):
    """The second before is a cohort, and a day, earlier."""
    people = [Person(at("4 23:59:59")), Person(at("5 00:00:00"))]
    measures = measure(shop(tmp_path, people), CONNECTED, period_days=31, min_users=1)
    assert by_cohort(measures, level=0.95)["cohort"].astype(str).unique().tolist() == [
        "2025-12-29",
        "2026-01-05",
    ]
    assert sorted(measures.risk["seen"]) == [26, 27]


def test_the_last_day_of_a_month_is_followed_by_the_first_of_the_next(tmp_path):
    added = local("2026-01-31 22:00", ZONE)
    back = [local("2026-02-01 01:00", ZONE), local("2026-03-01 00:00", ZONE)]
    pool = shop(tmp_path, [Person(added, None, back)], until="2026-03-31")
    assert found(pool, ON, days=90)[1] == (1, 1)
    asked = replace(ON, cohort_unit="month")
    measures = measure(pool, asked, period_days=90, min_users=1)
    table = triangle_cells(measures, measure_triangle(pool, measures), level=0.95)
    assert table["cohort"].astype(str).unique().tolist() == ["2026-01-01"]
    # Months of 31, 28 and 31 days, each one unit; March is over on its last day.
    assert table[["j", "retained", "state"]].to_numpy().tolist() == [
        [0, 0, "whole"],
        [1, 1, "whole"],
        [2, 1, "whole"],
    ]


@pytest.mark.parametrize(("year", "next_day"), [(2024, "02-29"), (2025, "03-01")])
def test_the_day_after_the_28th_of_february_depends_on_the_year(tmp_path, year, next_day):
    person = Person(
        local(f"{year}-02-28 12:00", ZONE), None, [local(f"{year}-{next_day} 12:00", ZONE)]
    )
    pool = shop(tmp_path, [person], since=f"{year}-02-01", until=f"{year}-03-31")
    assert found(pool, ON, days=60) == {1: (1, 1), 2: (1, 0)}
    measures = measure(
        pool, replace(CONNECTED, cohort_unit="month", days=[1, 31]), period_days=60, min_users=1
    )
    states = by_cohort(measures, level=0.95).set_index("k")["state"]
    # 31 days after the end of February is 31 March in either year.
    assert states.to_dict() == {1: "whole", 31: "whole"}


class TestClocksPutForwardAndBack:
    """In New York 8 March 2026 has 23 hours, and 2 November 2025 has 25."""

    @pytest.mark.parametrize(
        ("added", "back", "calendar", "by_24h"),
        [
            ("2026-03-07 12:00", "2026-03-08 12:30", 1, 0),  # 23 hours and a half
            ("2026-03-07 12:00", "2026-03-08 13:00", 1, 1),  # 24 hours
            ("2026-03-07 23:59", "2026-03-08 00:01", 1, 0),
            ("2026-03-08 01:59", "2026-03-08 03:00", 0, 0),  # a minute later
            ("2026-03-08 00:00", "2026-03-09 00:00", 1, 0),  # 23 hours
        ],
    )
    def test_in_spring_a_day_is_shorter_than_24_hours(
        self, tmp_path, added, back, calendar, by_24h
    ):
        people = [Person(local(added), None, [local(back)])]
        pool = shop(tmp_path, people, since="2026-03-01", until="2026-03-20", zone=NEW_YORK)
        assert found(pool, ON, days=20)[1] == (1, calendar)
        assert found(pool, BY_24H, days=20)[1] == (1, by_24h)

    @pytest.mark.parametrize(
        ("added", "back", "calendar", "by_24h"),
        [
            ("2025-11-01 12:00", "2025-11-02 11:00", 1, 1),  # 24 hours
            ("2025-11-01 12:00", "2025-11-02 10:59", 1, 0),
            ("2025-11-02 00:00", "2025-11-02 23:30", 0, 1),  # 24 hours and a half of one day
            ("2025-11-01 23:59", "2025-11-02 00:01", 1, 0),
        ],
    )
    def test_in_autumn_a_day_is_longer(self, tmp_path, added, back, calendar, by_24h):
        people = [Person(local(added), None, [local(back)])]
        pool = shop(tmp_path, people, since="2025-11-01", until="2025-11-20", zone=NEW_YORK)
        assert found(pool, ON, days=20)[1] == (1, calendar)
        assert found(pool, BY_24H, days=20)[1] == (1, by_24h)

    def test_the_hour_that_comes_twice_lies_in_its_day(self, tmp_path):
        """01:30 in summer time and, an hour later, 01:30 in winter time."""
        back = [local("2025-11-02 01:30", fold=fold) for fold in (0, 1)]
        assert back[1].astimezone(dt.UTC) - back[0].astimezone(dt.UTC) == dt.timedelta(hours=1)
        people = [Person(local("2025-11-01 02:00"), None, [one]) for one in back]
        pool = shop(tmp_path, people, since="2025-11-01", until="2025-11-20", zone=NEW_YORK)
        assert found(pool, ON, days=20) == {1: (2, 2), 2: (2, 0)}
        # 23 hours and a half after the addition, and 24 hours and a half.
        assert found(pool, BY_24H, days=20)[1] == (2, 1)

    def test_the_last_day_ends_at_its_own_midnight(self, tmp_path):
        """Added at 00:00 of the day of 25 hours, which is the last: followed once for 24 hours."""
        people = [Person(local("2025-11-02 00:00"))]
        pool = shop(tmp_path, people, since="2025-11-01", until="2025-11-02", zone=NEW_YORK)
        assert found(pool, CONNECTED)[1] == (0, 0)
        assert found(pool, replace(CONNECTED, clock="24h"))[1] == (1, 1)

    def test_where_clocks_leap_at_midnight_the_day_begins_an_hour_later(self, tmp_path):
        """On 15 October 2017 the day of Sao Paulo began at 01:00, half an hour after 23:30."""
        back = local("2017-10-15 01:00", SAO_PAULO)
        people = [Person(local("2017-10-14 23:30", SAO_PAULO), None, [back])]
        pool = shop(tmp_path, people, since="2017-10-01", until="2017-10-31", zone=SAO_PAULO)
        assert found(pool, ON, days=31)[1] == (1, 1)
        assert found(pool, BY_24H, days=31)[1] == (1, 0)

    @pytest.mark.slow
    @pytest.mark.parametrize("first", ["2026-02-20", "2025-10-20"])
    @pytest.mark.parametrize("clock", ["calendar", "24h"])
    @pytest.mark.parametrize("asked", [ON, CONNECTED], ids=["on", "connected"])
    def test_the_engine_agrees_with_a_count_person_by_person(self, tmp_path, first, clock, asked):
        rng = random.Random(11)
        start = local(f"{first} 00:00").astimezone(dt.UTC)

        def moment() -> dt.datetime:
            hours = dt.timedelta(days=rng.randrange(26), hours=rng.choice([0, 4, 5, 6, 7, 23]))
            return start + hours + dt.timedelta(seconds=rng.choice([0, 1, 3_599, 1_800]))

        people = [
            Person(added, added + (moment() - start) if rng.random() < 0.4 else None, back)
            for added in (moment() for _ in range(80))
            for back in [[added + (moment() - start) / rng.choice([1, 20]) for _ in range(3)]]
        ]
        last = dt.date.fromisoformat(first) + dt.timedelta(days=25)
        pool = shop(tmp_path, people, since=first, until=f"{last}", zone=NEW_YORK)
        asked = replace(asked, clock=clock, days=[1, 8])
        expected = by_hand(people, asked, last=last, zone=NEW_YORK)
        assert found(pool, asked, days=26) == expected


class TestEnds:
    def test_who_is_added_at_the_first_instant_after_the_last_day_is_not_known_yet(self, tmp_path):
        """The last instant of 31 January counts, the first of February does not."""
        end = local("2026-02-01 00:00", ZONE)
        people = [Person(end - dt.timedelta(microseconds=1)), Person(end)]
        measures = measure(shop(tmp_path, people), CONNECTED, period_days=31, min_users=1)
        assert measures.n_added == 1
        assert measures.risk["seen"].tolist() == [0]
        assert measures.stays[["hours", "outcome"]].to_numpy().tolist() == [[0, 0]]

    def test_who_leaves_at_the_end_is_still_there(self, tmp_path):
        end = local("2026-02-01 00:00", ZONE)
        people = [
            Person(at("30 12:00"), end),
            Person(at("30 12:00"), end - dt.timedelta(seconds=1)),
        ]
        pool = shop(tmp_path, people)
        assert found(pool, CONNECTED, days=31)[1] == (2, 1)
        stays = measure(pool, CONNECTED, period_days=31).stays[["hours", "outcome"]]
        assert stays.to_numpy().tolist() == [[35, 1], [36, 0]]

    @pytest.mark.parametrize("clock", ["calendar", "24h"])
    def test_who_leaves_at_the_instant_of_the_addition_is_at_risk_and_never_there(
        self, tmp_path, clock
    ):
        gone = [Person(at("5 12:00"), at("5 12:00")) for _ in range(10)]
        pool = shop(tmp_path, [*gone, *(Person(at("5 12:00")) for _ in range(10))])
        asked = replace(CONNECTED, clock=clock)
        assert found(pool, asked, days=31)[1] == (20, 10)
        measures = measure(pool, asked, period_days=31, min_users=1)
        curve = stay(measures, horizon_days=20, level=0.95)
        assert curve["share"].round(9).tolist() == [1.0, 0.5]
        stays, _ = mean_stay(measures, horizon_days=20, level=0.95)
        assert stays["mean_days"].iloc[0] == pytest.approx(0.5 * 20 + 0.5 / 24)

    def test_a_return_at_the_instant_of_the_addition_is_on_day_0(self, tmp_path):
        pool = shop(tmp_path, [Person(at("5 12:00"), None, [at("5 12:00")])])
        assert found(pool, replace(ON, kind="within"), days=31) == {1: (1, 0), 2: (1, 0)}


class TestNames:
    def test_ids_are_text_of_any_length(self, tmp_path):
        """Beyond 64 bits, alike but for the last digit, with zeros in front, and in Chinese."""
        ids = ["9" * 200 + "1", "9" * 200 + "2", "9" * 19, "00123", "123", "客户一号", "o'x; --"]
        people = [Person(at("5 12:00"), None, [at("6 12:00")] if i % 2 else []) for i in range(7)]
        pool = shop(tmp_path, people, ids=ids)
        assert found(pool, ON, days=31)[1] == (7, 3)

    def test_segments_with_chinese_names_are_told_apart_and_drawn(self, tmp_path):
        people = [
            Person(at("5 12:00"), None, [at("6 12:00")] if i % 40 < n else [], name)
            for name, n in (("门店海报", 30), ("朋友圈 × 春节", 10), ("全部", 20))
            for i in range(40)
        ]
        pool = shop(tmp_path, people)
        measures = measure(pool, ON, period_days=31, by=["channel"])
        assert set(measures.segments) == {"门店海报", "朋友圈 × 春节", "全部 (channel)"}
        rated = rates(measures, level=0.95)
        day_1 = rated[rated["k"] == 1].set_index("segment")["retained"]
        assert day_1.to_dict() == {
            "all": 60,
            "门店海报": 30,
            "朋友圈 × 春节": 10,
            "全部 (channel)": 20,
        }
        stays, _ = mean_stay(measures, horizon_days=20, level=0.95)
        told = {"stays": stays, "horizon_days": 20, "level": 0.95, "thresholds": {}}
        with speaking("zh"):
            ids = {one.id: one for one in conclude(measures, rated=rated, **told)}
            compared = compare_segments(measures, rated, level=0.95)
            picture = draw_segments(measures, compared, rated, thresholds={}, level=0.95)
        assert ids["retention.day_1.门店海报"].segment == {"channel": "门店海报"}
        assert "门店海报" in ids["retention.day_1.门店海报"].message
        assert picture.undrawn == ""
