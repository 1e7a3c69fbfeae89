"""The triangle: the engine against a count person by person, its states, its words and its look."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from siyu.language import speaking
from siyu.stats.intervals import wilson
from siyu.studies.retention import Definition, figures, measure
from siyu.studies.retention.figures import draw_triangle
from siyu.studies.retention.triangle import (
    MOST_UNITS,
    measure_triangle,
    say_triangle,
    triangle_cells,
    triangle_means,
)

from tests.studies.retention.builders import LAST, ZONE, Person, at, reduced, shop
from tests.studies.retention.test_measure import some_people

LEVEL = 0.95
UNITS = ("day", "week", "month")
ACTIVE = Definition(return_events=["browse"], days=[1])
CONNECTED = Definition(retained_as="connected", days=[1])
FIRST, SECOND, THIRD, NEWEST = (dt.date(2026, 1, day) for day in (5, 12, 19, 26))


def asked(retained_as: str, unit: str) -> Definition:
    return Definition(retained_as=retained_as, cohort_unit=unit, return_events=["browse"], days=[1])


def begin(day: dt.date, unit: str) -> dt.date:
    """The first day of the calendar unit in which a day lies."""
    return {
        "day": day,
        "week": day - dt.timedelta(days=day.weekday()),
        "month": day.replace(day=1),
    }[unit]


def following(start: dt.date, unit: str) -> dt.date:
    return begin(start + dt.timedelta(days={"day": 1, "week": 7, "month": 31}[unit]), unit)


def by_hand(people: list[Person], retained_as: str, unit: str, *, last: dt.date = LAST) -> dict:
    """Per cohort and unit that is over: how many there are, and how many were active or there."""

    def day(when: dt.datetime) -> dt.date:
        return when.astimezone(ZONE).date()

    def stayed(one: Person, start: dt.date, end: dt.date) -> bool:
        if retained_as == "connected":
            return one.left_at is None or day(one.left_at) >= end
        back = [when for when in one.back_at if when >= one.added_at]
        return any(start <= day(when) < end for when in back)

    found = {}
    for cohort in {begin(day(one.added_at), unit) for one in people}:
        own = [one for one in people if begin(day(one.added_at), unit) == cohort]
        start, j = cohort, 0
        while (end := following(start, unit)) <= last + dt.timedelta(days=1):
            found[f"{cohort}", j] = (len(own), sum(stayed(one, start, end) for one in own))
            start, j = end, j + 1
    return found


def cells(pool, definition: Definition, *, period_days: int = 62, min_users: int = 1):
    measures = measure(pool, definition, period_days=period_days, min_users=min_users)
    return triangle_cells(measures, measure_triangle(pool, measures), level=LEVEL)


def whole(table: pd.DataFrame) -> dict:
    told = table[table["state"] == "whole"]
    return {
        (f"{row.cohort:%Y-%m-%d}", row.j): (row.at_risk, row.retained) for row in told.itertuples()
    }


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("retained_as", ["active", "connected"])
def test_the_engine_agrees_with_a_count_person_by_person(tmp_path, retained_as, unit, seed):
    people = some_people(seed)
    earlier = [
        Person(
            one.added_at - dt.timedelta(days=31),
            one.left_at,
            [when - dt.timedelta(days=9) for when in one.back_at],
        )
        for one in some_people(seed + 100)
    ]
    both = [*people, *earlier]
    table = cells(shop(tmp_path, both, since="2025-12-01"), asked(retained_as, unit))
    # The period begins on 1 December 2025, a Monday: no cohort is cut.
    expected = by_hand(both, retained_as, unit)
    assert whole(table) == {(at, j): n for (at, j), n in expected.items() if j <= MOST_UNITS}
    assert set(table["state"]) <= {"whole", "unfinished"}


@pytest.mark.parametrize("retained_as", ["active", "connected"])
def test_a_past_day_shows_what_it_could_have_known(tmp_path, retained_as):
    people, last = some_people(5), dt.date(2026, 1, 18)
    known = [one for one in people if one.added_at.astimezone(ZONE).date() <= last]
    pool = shop(tmp_path, people, as_of=f"{last}", since="2025-12-01")
    found = whole(cells(pool, asked(retained_as, "week"), period_days=18 + 3))
    assert found == by_hand(known, retained_as, "week", last=last)


def test_row_order_does_not_matter(tmp_path):
    people = some_people(8)
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    once = cells(shop(tmp_path / "a", people), asked("active", "week"))
    again = cells(shop(tmp_path / "b", people[::-1]), asked("active", "week"))
    pd.testing.assert_frame_equal(once, again)


def test_what_was_done_before_the_addition_is_no_return(tmp_path):
    """On the Sunday evening: before the addition, at its instant, and two minutes into Monday."""
    added = at("11 23:59")
    for back, weeks in (
        ([at("11 23:58")], []),
        ([added], [0]),
        ([at("12 00:01")], [1]),
        ([at("11 23:58"), added, at("12 00:00")], [0, 1]),
    ):
        folder = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        table = cells(shop(folder, [Person(added, None, back)]), asked("active", "week"))
        assert table.loc[table["retained"] == 1, "j"].tolist() == weeks


def test_a_person_who_left_before_being_added_was_there_in_no_unit(tmp_path):
    pool = shop(tmp_path, [Person(at("12 10:00"), at("1 10:00"))])
    assert cells(pool, asked("connected", "week"))["retained"].dropna().tolist() == [0, 0]


def test_users_without_leaving_times_stay_connected(tmp_path):
    from tests.studies.funnel.builders import open_shop

    event = {"user_id": "a", "occurred_at": at("2 10:00"), "event": "browse"}
    pool = open_shop(tmp_path, [event], users=[{"user_id": "a", "added_at": at("12 10:00")}])
    assert cells(pool, asked("connected", "week"))["retained"].dropna().tolist() == [1, 1]


def pool_of(rows, counts, *, definition=ACTIVE, min_users=1):
    """Measures of cohorts with so many users each, and what they did: cohort, j, n."""
    measures = reduced(definition, [("all", day, 9, n) for day, n in rows], [], min_users=min_users)
    return measures, pd.DataFrame(counts, columns=["cohort", "j", "n"])


class TestStates:
    def test_a_unit_that_is_not_over_has_no_rate_and_one_not_begun_no_cell(self):
        """The 31st is a Saturday: the week of the 26th is not over."""
        measures, counts = pool_of([(THIRD, 40), (NEWEST, 50)], [(THIRD, 0, 10), (THIRD, 1, 7)])
        table = triangle_cells(measures, counts, level=LEVEL)
        shown = table[["j", "state", "added", "retained"]].fillna(-1).to_numpy().tolist()
        assert shown == [[0, "whole", 40, 10], [1, "unfinished", 40, -1], [0, "unfinished", 50, -1]]
        row = table.iloc[0]
        assert (row.ci_lower, row.ci_upper) == wilson(10, 40, level=LEVEL)

    def test_a_cohort_cut_by_the_period_is_no_cohort(self):
        early = dt.date(2025, 11, 24)
        measures, counts = pool_of([(early, 40), (FIRST, 40)], [])
        table = triangle_cells(measures, counts, level=LEVEL)
        assert set(table.loc[table["cohort"] == pd.Timestamp(early), "state"]) == {"cut"}
        assert table.loc[table["state"] == "cut", "rate"].isna().all()

    def test_few_have_no_number_and_cannot_be_had_by_subtraction(self):
        """29 are few; were 30 and 31 both shown, a total would tell the 29."""
        measures, counts = pool_of([(FIRST, 29), (SECOND, 30), (THIRD, 31)], [], min_users=30)
        table = triangle_cells(measures, counts, level=LEVEL)
        few = table[table["state"] == "few"]
        assert few.drop(columns=["cohort", "j", "state"]).isna().all(axis=None)
        first = table[table["j"] == 0].set_index("cohort")["state"]
        assert first.tolist() == ["few", "few", "whole"]

    def test_a_year_of_units_is_told(self):
        """On the 31st of January the day cohort of the 1st of December 60 days ago ended at 52."""
        definition = Definition(cohort_unit="day", return_events=["browse"], days=[1])
        measures, counts = pool_of([(dt.date(2025, 12, 1), 40)], [], definition=definition)
        assert triangle_cells(measures, counts, level=LEVEL)["j"].max() == MOST_UNITS

    def test_later_returns_than_a_year_of_units_are_left_out(self, tmp_path):
        back = [dt.datetime(2026, 1, day, 12, tzinfo=ZONE) for day in (22, 23)]
        person = Person(dt.datetime(2025, 12, 1, 12, tzinfo=ZONE), None, back)
        pool = shop(tmp_path, [person], since="2025-12-01")
        measures = measure(pool, asked("active", "day"), period_days=62, min_users=1)
        assert measure_triangle(pool, measures)["j"].tolist() == [52]

    def test_nobody_has_no_cells(self, tmp_path):
        assert cells(shop(tmp_path, []), asked("active", "week")).empty
        assert cells(shop(tmp_path, []), asked("connected", "month")).empty


def test_the_mean_is_of_all_people_of_the_finished_cohorts():
    """Week 1: 10 of 100 and 10 of 20; the third cohort's week 1 is not over."""
    rows = [(FIRST, 100), (SECOND, 20), (THIRD, 500)]
    counts = [(FIRST, 1, 10), (SECOND, 1, 10), (THIRD, 1, 400)]
    measures, done = pool_of(rows, counts)
    averages = triangle_means(triangle_cells(measures, done, level=LEVEL), level=LEVEL)
    row = averages.set_index("j").loc[1]
    assert (row.n_cohorts, row.at_risk, row.rate) == (2, 120, 20 / 120)
    assert (row.ci_lower, row.ci_upper) == wilson(20, 120, level=LEVEL)


WORDS = {
    ("active", "day"): ("came back on that day", "1 天的同期群"),
    ("active", "week"): ("came back in that week", "在该周回访"),
    ("active", "month"): ("came back in that month", "在该月回访"),
    ("connected", "day"): ("finished the day after", "1 天的同期群"),
    ("connected", "week"): ("were then still connected", "届时仍未离开"),
    ("connected", "month"): ("finished the month after", "1 个月的同期群"),
}


def drawn(rows, counts, definition, *, min_users=1, language="en"):
    measures, done = pool_of(rows, counts, definition=definition, min_users=min_users)
    table = triangle_cells(measures, done, level=LEVEL)
    averages = triangle_means(table, level=LEVEL)
    with speaking(language):
        said = say_triangle(measures, averages, level=LEVEL)
        return said, draw_triangle(measures, table, averages, level=LEVEL)


@pytest.mark.parametrize(("retained_as", "unit"), WORDS)
def test_the_sentence_and_the_figure_say_what_and_when(retained_as, unit):
    start = dt.date(2025, 12, 1)
    for language, words in zip(("en", "zh"), WORDS[retained_as, unit], strict=True):
        said, picture = drawn(
            [(start, 40)],
            [(start, 1, 10)],
            asked(retained_as, unit),
            language=language,
        )
        assert words in said
        assert ("25.0%" if retained_as == "active" else "75.0%") in said
        assert said in picture.alt
        pixels = np.asarray(Image.open(io.BytesIO(picture.png)).convert("L"))
        assert pixels.shape[1] == 1800
        assert (pixels[:, -4:] > 250).all()
        assert len(picture.table)


def test_without_a_finished_unit_the_reason_is_drawn():
    for rows, least in (([(NEWEST, 50)], 1), ([(FIRST, 10)], 30)):
        said, picture = drawn(rows, [], ACTIVE, min_users=least)
        assert said.startswith("No cohort that is large enough has finished")
        assert said in picture.alt


def test_only_the_newest_cohorts_and_the_first_units_are_drawn_and_all_are_in_the_table():
    start = dt.date(2025, 12, 1)
    rows = [(start + dt.timedelta(days=i), 40) for i in range(60)]
    _, picture = drawn(rows, [], asked("active", "day"))
    assert picture.table["cohort"].nunique() == 60
    assert picture.table["j"].max() == MOST_UNITS
    height = Image.open(io.BytesIO(picture.png)).size[1]
    assert height == pytest.approx(200 * (2.2 + 0.22 * 27), abs=2)


@pytest.mark.parametrize(
    ("first", "named"),
    [
        (dt.date(2025, 1, 1), ["1 Jan (40)", "1 Dec (50)"]),
        (dt.date(2024, 12, 1), ["1 Dec 2024 (40)", "1 Dec 2025 (50)"]),
    ],
)
def test_cohorts_of_more_than_a_year_are_named_with_the_year(first, named):
    """Two first days of December would bear one name."""
    last = dt.date(2025, 12, 1)
    shown = pd.DataFrame({"cohort": [first, last], "added": [40.0, 50.0]})
    assert figures._cohort_names(shown, [first, last]) == named
