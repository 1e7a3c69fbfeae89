"""How many pushes members get today, counted person by person, and what the best is worth more."""

from __future__ import annotations

import pytest
from siyu.studies.push_timing import frequency
from siyu.studies.push_timing.definition import Definition
from siyu.studies.push_timing.frequency.measures import Today
from siyu.studies.push_timing.frequency.today import count_today, worth_of_best
from siyu.studies.push_timing.pushes import find_pushes

from tests.studies.push_timing.frequency import builders
from tests.studies.push_timing.frequency.test_estimate import LEVEL, NUMBERS, measures, weekly

START, END = builders.END - 29 * builders.DAY, builders.END - builders.DAY
"""The last 28 days of which every push was followed for a day."""


def pushes_of(folder, tables):
    return find_pushes(builders.open_pool(folder, **tables), Definition(), period_days=90)


def test_weeks_of_members_are_those_in_which_they_were_there(tmp_path):
    tables = builders.people(1)
    late = {"user_id": "late", "added_at": END - 7 * builders.DAY, "left_at": None}
    never = {"user_id": "never", "added_at": None, "left_at": None}
    tables["users"] += [late | {"occupation": "north"}, never | {"occupation": "north"}]
    found = frequency.measure(pushes_of(tmp_path, tables)).today
    weeks, members = 0.0, 0
    for one in tables["users"]:
        if one["added_at"] is None:
            continue
        begun, gone = max(one["added_at"], START), min(one["left_at"] or END, END)
        weeks += max((gone - begun) / (7 * builders.DAY), 0)
        members += gone == END
    assert found.members == members
    assert found.member_weeks == pytest.approx(weeks)
    sent = sum(one["sent_at"] is not None and START <= one["sent_at"] < END
               for one in tables["pushes"])  # fmt: skip
    assert found.sent == sent
    assert found.sent_per_week == pytest.approx(sent / weeks)


def test_who_joined_or_left_when_unknown_is_there_throughout(tmp_path):
    tables = builders.people(1, n=4)
    tables["users"] = [{"user_id": one["user_id"]} for one in tables["users"]]
    pushes = pushes_of(tmp_path, tables)
    days = (pushes.as_of - 8 * builders.DAY, pushes.as_of - 2 * builders.DAY)
    assert count_today(pushes, 8, days) == Today(members=4, member_weeks=4.0, sent=8)


def test_where_nobody_is_left_there_is_no_number_today(tmp_path):
    tables = builders.people(1, n=4)
    for one in tables["users"]:
        one["left_at"] = START - builders.DAY
    assert frequency.measure(pushes_of(tmp_path, tables)).today is None


def drawn(sent_per_week: float, **other):
    table = weekly(NUMBERS)
    today = Today(members=200, member_weeks=800.0, sent=round(800 * sent_per_week))
    return measures(**{"weekly": table, "assigned": table, "today": today} | other)


def test_the_best_number_is_worth_its_lead_over_todays_for_every_member():
    """At 1: 150 clicks x 8 less 5 x 50, in 1,000 weeks: 0.95 yuan; at 3: 2.20; 200 members."""
    one = drawn(1.2)
    found = frequency.frontier(one, level=LEVEL)
    assert worth_of_best(one, found) == pytest.approx((2.20 - 0.95) * 200)
    given = {
        finding.id: finding
        for finding in frequency.conclude(
            one, frequency.slopes(one, level=LEVEL), found,
            frequency.alerts(one, level=LEVEL), level=LEVEL,
        )
    }  # fmt: skip
    assert given["push.frequency.best.assigned"].worth_cny == pytest.approx(250)
    assert given["push.frequency.best.weeks"].worth_cny is None
    assert "Now each member is sent 1.20 pushes a week on average (200 members there" in (
        frequency.say_frontier(one, found, level=LEVEL)
    )


@pytest.mark.parametrize(
    "one",
    [
        drawn(3.1),  # the best already
        drawn(5.0),  # no number drawn is near
        drawn(1.0, today=None),
        drawn(1.0, n_blocks=0),  # nothing to weigh clicks against
        measures(today=Today(members=200, member_weeks=800.0, sent=800)),  # nothing drawn
        drawn(1.0, assigned=weekly(NUMBERS[1:])),  # too few followed so long at today's number
    ],
)
def test_a_best_number_that_is_no_clear_gain_on_a_known_one_has_no_worth(one):
    assert worth_of_best(one, frequency.frontier(one, level=LEVEL)) is None


def test_numbers_that_only_the_weeks_tell_apart_are_no_advice_and_worth_nothing_known():
    one = drawn(1.2, assigned=weekly(NUMBERS[:1]))
    found = frequency.frontier(one, level=LEVEL)
    assert found.lead == "weeks"
    assert worth_of_best(one, found) is None
    said = frequency.say_frontier(one, found, level=LEVEL)
    assert "Run the experiment on before a number is set" in said
