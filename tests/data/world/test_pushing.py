"""Pushes are planned, sent and answered as the settings say, and an effect changes its own part."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from datetime import date
from functools import cache, partial

import numpy as np
import pandas as pd
import pytest
from scipy.stats import chisquare
from siyu.data.contract import TABLES
from siyu.data.world.assignments import Assignments
from siyu.data.world.campaigns import CONTENTS
from siyu.data.world.columns import Columns
from siyu.data.world.draws import DAY, HOUR, NEVER, Bools, Ints, open_stream
from siyu.data.world.frame import Frame
from siyu.data.world.people import OCCUPATIONS, STAFF, TAGS, Arrivals, People, draw_people
from siyu.data.world.push_response import spread_hours
from siyu.data.world.push_settings import MEDIA, PUSH_HOURS, Pushing
from siyu.data.world.pushing import Pushes, draw_pushes, tabulate_pushes
from siyu.data.world.staying import Stay

YEAR = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))
STREAM = partial(open_stream, 1, 0)
PUSHING = Pushing()
LOTS = replace(PUSHING, none_share=0.0, randomised_share=1.0)
"""Everybody in the randomised part."""
USERS = 6_000
MADE_UP = {
    date(2025, 4, 27), date(2025, 9, 28), date(2025, 10, 11),
    date(2026, 1, 4), date(2026, 2, 14), date(2026, 2, 28),
}  # fmt: skip
"""Weekends worked in exchange for holidays (notices of the State Council for 2025 and 2026)."""
SENT, NOT_FRIEND, CAPPED, UNSENT = range(4)


@cache
def people() -> People:
    return draw_people(Arrivals(), YEAR, users=USERS, stream=STREAM)


def stay_of(added_at: Ints, left_at: Ints) -> Stay:
    """Stays of which only beginning, end and staff matter here."""
    never, users = np.full(len(added_at), NEVER), len(added_at)
    nobody = np.zeros(0, dtype=np.int64)
    return Stay(
        added_at=added_at,
        left_at=left_at,
        greeted_at=never,
        recommended_at=never,
        followed_at=np.full((users, 4), NEVER),
        booklet=np.zeros(users, dtype=bool),
        lure=np.zeros(users, dtype=np.int64),
        staff=np.arange(users) % len(STAFF),
        assignments=Assignments(
            experiment="none", arms=("none",), person=nobody, arm=nobody, at=nobody
        ),
    )


@cache
def stay() -> Stay:
    """Nine in ten are added within an hour; four in ten of them leave after 100 days or so."""
    rng = np.random.default_rng(2)
    added_at = people().arrived_at + rng.integers(1, HOUR, USERS)
    added_at = np.where(rng.random(USERS) < 0.9, added_at, NEVER)
    leaves = (rng.random(USERS) < 0.4) & (added_at < NEVER)
    life = (rng.exponential(100, USERS) * DAY).astype(np.int64) + 1
    return stay_of(added_at, np.where(leaves, added_at + life, NEVER))


def draw(pushing: Pushing) -> Pushes:
    return draw_pushes(pushing, YEAR, people(), stay(), stream=STREAM)


@cache
def usual() -> Pushes:
    return draw(PUSHING)


@cache
def lots() -> Pushes:
    return draw(LOTS)


def near(count: float, expected: float, variance: float) -> bool:
    """Whether a count is within four standard errors."""
    return abs(count - expected) <= 4 * math.sqrt(variance)


def sent_by(pushes: Pushes) -> Bools:
    return pushes.status == SENT


def clicked(pushes: Pushes) -> Bools:
    return pushes.clicked_at < NEVER


def day_of(pushes: Pushes) -> Ints:
    return pushes.planned_at // DAY


def list_days(pushes: Pushes, *, sent: bool = False) -> dict[int, list[int]]:
    """Days of the planned (or sent) pushes of each person, in order."""
    found: dict[int, list[int]] = {}
    rows = sent_by(pushes) if sent else np.ones(len(pushes.person), dtype=bool)
    for person, day in zip(pushes.person[rows], day_of(pushes)[rows], strict=True):
        found.setdefault(int(person), []).append(int(day))
    return found


def reckon_chance(pushing: Pushing, pushes: Pushes, i: int) -> float:
    """The chance of a click of one push, factor by factor as the settings tell them."""
    person, content = int(pushes.person[i]), CONTENTS[pushes.content[i]]
    day = int(pushes.planned_at[i] // DAY)
    sent_on = YEAR.dates[day]
    hour = int(pushes.sent_at[i] % DAY // HOUR)
    occupation = OCCUPATIONS[people().occupation[person]]
    chance = pushing.click_base * min(people().activity[person] ** pushing.activity_power, 3.0)
    if occupation == "office" and hour in (20, 21):
        chance *= pushing.office_evening
    if occupation in ("student", "freelance", "other") and hour in (12, 13):
        chance *= pushing.others_lunch
    if content.endswith("促销"):
        chance *= pushing.promotion
    if content.startswith(TAGS[people().tag[person]]):
        chance *= pushing.match
    days_known = day - stay().added_at[person] / DAY
    chance *= 1 + pushing.recency * math.exp(-days_known / pushing.recency_days)
    weekday = 4 if sent_on in MADE_UP else sent_on.weekday()
    if not YEAR.works[day] and weekday < 5:
        weekday = 6
    chance *= pushing.weekdays[weekday] * pushing.media_factors[MEDIA[pushes.medium[i]]]
    return chance * math.exp(-pushing.click_fatigue * pushes.received[i])


def test_nobody_is_pushed_before_day_33_or_more_than_once_a_day() -> None:
    pushes = usual()
    assert (day_of(pushes) - stay().added_at[pushes.person] // DAY).min() == 33
    assert max(Counter(zip(pushes.person, day_of(pushes), strict=True)).values()) == 1


def test_pushes_are_planned_at_every_sixth_of_the_hours_from_9_to_21_and_sent_that_day() -> None:
    pushes = usual()
    assert set(pushes.planned_at % DAY // HOUR) == set(PUSH_HOURS)
    assert set(pushes.planned_at % HOUR) == set(range(0, HOUR, 600))
    sent = sent_by(pushes)
    assert (pushes.sent_at[sent] // DAY == day_of(pushes)[sent]).all()
    assert (pushes.sent_at[~sent] == NEVER).all()


def test_people_who_have_left_are_listed_for_four_days_and_get_nothing() -> None:
    pushes = usual()
    left_at = pushes.left_at[pushes.person]
    assert (pushes.sent_at[sent_by(pushes)] < left_at[sent_by(pushes)]).all()
    gone = pushes.planned_at >= left_at
    assert gone.sum() > 100
    assert (pushes.status[gone] == NOT_FRIEND).all()
    assert (day_of(pushes)[gone] * DAY - left_at[gone]).max() < 4 * DAY


def test_the_arm_without_pushes_has_its_share_and_gets_none() -> None:
    test = usual().assignments[0]
    none = test.person[test.arm == test.arms.index("none")]
    share, n = PUSHING.none_share, len(test.person)
    assert near(len(none), n * share, n * share * (1 - share))
    assert not np.isin(usual().person, none).any()
    # Everybody else who is there for another week at least gets something.
    week_later = test.at + 7 * DAY
    there = (usual().left_at[test.person] > week_later) & (week_later <= YEAR.end)
    assert np.isin(test.person[there & (test.arm == 0)], usual().person).all()


def test_everyone_there_on_day_33_is_assigned_at_its_midnight() -> None:
    test = usual().assignments[0]
    midnight = (stay().added_at // DAY + 33) * DAY
    there = (stay().added_at < NEVER) & (stay().left_at > midnight) & (midnight < YEAR.end)
    assert (test.person == np.flatnonzero(there)).all()
    assert (test.at == midnight[there]).all()


def test_members_of_a_cap_are_planned_that_many_pushes_in_every_week() -> None:
    pushes = lots()
    test = pushes.assignments[1]
    days = list_days(pushes)
    checked = Counter[int]()
    for person, arm, at in zip(test.person, test.arm, test.at, strict=True):
        opens, closes = int(at // DAY), min(int(pushes.left_at[person]) // DAY, YEAR.days)
        for week in range(opens, closes - 6, 7):
            planned = sum(week <= day < week + 7 for day in days.get(int(person), []))
            assert planned == PUSHING.caps[arm]
            checked[arm] += 1
    assert min(checked.values()) > 1000
    assert (test.at >= YEAR.second(PUSHING.cap_first)).all()


def test_the_caps_are_equally_likely() -> None:
    assert chisquare(np.bincount(lots().assignments[1].arm)).pvalue > 0.001


def test_outside_the_experiment_active_people_get_two_pushes_a_week_and_others_one() -> None:
    pushes = draw(replace(PUSHING, randomised_share=0.0, none_share=0.0))
    test, days = pushes.assignments[0], list_days(pushes)
    for person, at in zip(test.person, test.at, strict=True):
        opens, closes = int(at // DAY), min(int(pushes.left_at[person]) // DAY, YEAR.days)
        for week in range(opens, closes - 6, 7):
            planned = sum(week <= day < week + 7 for day in days[int(person)])
            assert planned == (2 if people().activity[person] > 1 else 1)
    assert len(pushes.assignments[1].person) == 0
    assert np.isnan(pushes.propensity).all()


def test_every_day_of_a_members_week_is_as_likely() -> None:
    # With one push a week each week is one independent draw of a day.
    pushes = draw(replace(LOTS, caps=(1,), cap_first=YEAR.first_day))
    test = pushes.assignments[1]
    opens = np.zeros(USERS, dtype=np.int64)
    opens[test.person] = test.at // DAY
    week = (day_of(pushes) - opens[pushes.person]) // 7
    closes = np.minimum(pushes.left_at[pushes.person] // DAY, YEAR.days)
    whole = opens[pushes.person] + 7 * week + 7 <= closes
    passed = (day_of(pushes) - opens[pushes.person])[whole] % 7
    assert chisquare(np.bincount(passed, minlength=7)).pvalue > 0.001


@pytest.mark.parametrize("active", [True, False])
def test_hours_are_drawn_with_the_logged_propensities(active: bool) -> None:
    pushes = lots()
    rows = (people().activity[pushes.person] > 1) == active
    hour = pushes.planned_at[rows] % DAY // HOUR - PUSH_HOURS[0]
    shares = np.array(PUSHING.hours_active if active else PUSHING.hours_other)
    assert (pushes.propensity[rows] == shares[hour]).all()
    assert chisquare(np.bincount(hour, minlength=13), shares * rows.sum()).pvalue > 0.001


def test_the_policy_gives_active_people_the_evening_and_the_evening_the_promotions() -> None:
    pushes = usual()
    policy = np.isnan(pushes.propensity)
    evening = np.isin(pushes.planned_at % DAY // HOUR, (19, 20, 21))
    promotion = pushes.content % 2 == 1
    active = people().activity[pushes.person] > 1
    for rows, does, share in (
        (policy & active, evening, 0.8),
        (policy & ~active, evening, 0.2),
        (policy & evening, promotion, 0.75),
        (policy & ~evening, promotion, 0.25),
        (~policy & evening, promotion, 0.5),
        (~policy & ~evening, promotion, 0.5),
    ):
        n = rows.sum()
        assert near((rows & does).sum(), n * share, n * share * (1 - share))


def test_the_limit_and_forgetful_staff_stop_their_shares() -> None:
    status = lots().status[lots().status != NOT_FRIEND]
    n = len(status)
    assert near((status == CAPPED).sum(), 0.03 * n, 0.03 * 0.97 * n)
    # What the limit stops, nobody can forget to send.
    unsent = 0.97 * 0.02
    assert near((status == UNSENT).sum(), unsent * n, unsent * (1 - unsent) * n)


def test_media_have_their_shares_and_automatic_ones_are_sent_at_once() -> None:
    pushes = lots()
    counts = np.bincount(pushes.medium, minlength=len(MEDIA))
    shares = np.array([PUSHING.media_shares[name] for name in MEDIA])
    assert chisquare(counts, shares * counts.sum()).pvalue > 0.001
    automatic = np.isin(pushes.medium, [MEDIA.index("service_notice"), MEDIA.index("sms")])
    delay = pushes.sent_at - pushes.planned_at
    assert (delay[automatic & sent_by(pushes)] == 1).all()
    assert delay[~automatic & sent_by(pushes)].max() <= 2 * HOUR


@pytest.mark.parametrize(("slow", "median"), [(False, 4.0), (True, 25.0)])
def test_half_of_what_staff_send_leaves_within_the_median_delay(slow: bool, median: float) -> None:
    pushes = lots()
    staffed = sent_by(pushes) & np.isin(pushes.medium, (0, 1, 2))
    rows = staffed & (np.isin(STAFF, PUSHING.slow_staff)[stay().staff[pushes.person]] == slow)
    within = (pushes.sent_at - pushes.planned_at)[rows] <= median * 60
    # Cutting off at two hours leaves P(within the median) = 0.5 / P(within two hours).
    z = math.log(120 / median) / PUSHING.delay_sigma
    share = 0.5 / (0.5 * (1 + math.erf(z / math.sqrt(2))))
    assert near(within.sum(), share * len(within), share * (1 - share) * len(within))
    hours = (pushes.sent_at // HOUR - pushes.planned_at // HOUR)[rows]
    expected = spread_hours(PUSHING, slow=slow) * len(hours)
    assert chisquare(np.bincount(hours, minlength=3), expected).pvalue > 0.001


def test_received_counts_what_was_sent_on_the_seven_days_before() -> None:
    pushes, days = usual(), list_days(usual(), sent=True)
    for i in range(0, len(pushes.person), 7):
        day = int(pushes.planned_at[i] // DAY)
        before = days.get(int(pushes.person[i]), [])
        assert pushes.received[i] == sum(day - 7 <= other < day for other in before)


def test_a_push_is_clicked_with_the_product_of_the_factors() -> None:
    rows = np.flatnonzero(sent_by(lots()))[::3]
    chance = np.array([reckon_chance(LOTS, lots(), i) for i in rows])
    does = clicked(lots())[rows]
    person = lots().person[rows]
    hour = lots().sent_at[rows] % DAY // HOUR
    office = people().occupation[person] == OCCUPATIONS.index("office")
    groups = {
        "all": np.ones(len(rows), dtype=bool),
        "office evening": office & np.isin(hour, (20, 21)),
        "other lunch": ~office & np.isin(hour, (12, 13)),
        "tired": lots().received[rows] >= 5,
        "rested": lots().received[rows] == 0,
        "very active": people().activity[person] > 5,
        "sms": lots().medium[rows] == MEDIA.index("sms"),
        "holiday": ~YEAR.works[day_of(lots())[rows]],
    }
    for name, group in groups.items():
        expected = chance[group]
        assert near(does[group].sum(), expected.sum(), (expected * (1 - expected)).sum()), name


def test_a_push_is_answered_by_blocking_the_more_often_the_more_came_before() -> None:
    pushes = draw(replace(LOTS, block_base=0.003))
    for received in range(7):
        rows = sent_by(pushes) & (pushes.received == received)
        chance = 0.003 * math.exp(0.35 * received)
        blocks = (pushes.blocked_at[rows] < NEVER).sum()
        assert near(blocks, rows.sum() * chance, rows.sum() * chance * (1 - chance)), received


def test_who_blocks_has_left_and_everybody_else_stays_as_long_as_before() -> None:
    pushes = usual()
    rows = pushes.blocked_at < NEVER
    assert rows.sum() > 50
    assert len(set(pushes.person[rows])) == rows.sum()
    assert (pushes.left_at[pushes.person[rows]] == pushes.blocked_at[rows]).all()
    assert (pushes.blocked_at[rows] < stay().left_at[pushes.person[rows]]).all()
    others = ~np.isin(np.arange(USERS), pushes.person[rows])
    assert (pushes.left_at[others] == stay().left_at[others]).all()


def test_people_click_after_opening_within_a_day_and_before_they_leave() -> None:
    pushes = usual()
    does = clicked(pushes)
    assert (pushes.opened_at[does] > pushes.sent_at[does]).all()
    assert (pushes.clicked_at[does] > pushes.opened_at[does]).all()
    assert (pushes.clicked_at[does] - pushes.sent_at[does]).max() < DAY
    opened = pushes.opened_at < NEVER
    assert (pushes.opened_at[opened] < pushes.left_at[pushes.person[opened]]).all()
    assert (pushes.clicked_at[does] < pushes.left_at[pushes.person[does]]).all()
    assert opened.sum() > 3 * does.sum()


def test_copy_b_is_opened_more_often_than_copy_a_but_not_clicked_more_often() -> None:
    pushes = lots()
    a, b = (sent_by(pushes) & (pushes.copy == copy) for copy in (0, 1))
    opened = pushes.opened_at < NEVER
    opens, clicks = (
        (does[b].mean() - does[a].mean())
        / math.sqrt(does[a].var() / a.sum() + does[b].var() / b.sum())
        for does in (opened, clicked(pushes))
    )
    assert opens > 10
    assert abs(clicks) < 4


def test_a_share_of_the_clicks_leads_to_an_order_within_a_day() -> None:
    pushes = lots()
    at = sorted(zip(pushes.person, pushes.clicked_at, strict=True))
    clicks: dict[int, list[int]] = {}
    for person, second in at:
        if second < NEVER:
            clicks.setdefault(int(person), []).append(int(second))
    n = sum(len(seconds) for seconds in clicks.values())
    assert near(len(pushes.extra_at), 0.12 * n, 0.12 * 0.88 * n)
    for person, second in zip(pushes.extra_person, pushes.extra_at, strict=True):
        assert any(0 < second - click <= DAY for click in clicks[int(person)])
        assert second < min(pushes.left_at[person], YEAR.end)


SAME = {
    "person", "planned_at", "sent_at", "medium", "campaign", "content", "copy", "status",
    "propensity", "received", "slow",
}  # fmt: skip
"""What is done to people, and does not depend on how they answer, as long as nobody blocks."""


def differing(first: Pushes, second: Pushes) -> set[str]:
    names = {*SAME, "opened_at", "clicked_at", "blocked_at", "left_at", "extra_at"}
    return {
        name
        for name in names
        if not np.array_equal(
            getattr(first, name), getattr(second, name), equal_nan=name == "propensity"
        )
    }


@pytest.mark.parametrize(
    ("effect", "changes"),
    [
        ({"order_share": 0.3}, {"extra_at"}),
        ({"open_extra": 0.5}, {"opened_at"}),
        ({"copy_b_opens": 1.0}, {"opened_at"}),
        ({"click_base": 0.03}, {"opened_at", "clicked_at", "extra_at"}),
        ({"office_evening": 1.0}, {"opened_at", "clicked_at", "extra_at"}),
        ({"click_fatigue": 0.0}, {"opened_at", "clicked_at", "extra_at"}),
        ({"value_lost": 1.0, "value_per_click": 1.0}, set()),
    ],
)
def test_an_effect_on_answers_changes_only_what_follows_from_it(
    effect: dict[str, float], changes: set[str]
) -> None:
    assert differing(lots(), draw(replace(LOTS, **effect))) == changes


def test_the_evening_of_office_workers_changes_only_their_clicks_of_the_evening() -> None:
    plain = draw(replace(LOTS, office_evening=1.0))
    more = clicked(lots()) & ~clicked(plain)
    assert more.sum() > 100
    assert (people().occupation[plain.person[more]] == OCCUPATIONS.index("office")).all()
    assert np.isin(plain.sent_at[more] % DAY // HOUR, (20, 21)).all()
    assert (clicked(plain) <= clicked(lots())).all()


def test_blocking_changes_nothing_for_people_who_do_not_block() -> None:
    patient = draw(replace(LOTS, block_base=0.0))
    assert not (patient.blocked_at < NEVER).any()
    blocked = lots().person[lots().blocked_at < NEVER]
    for name in SAME - {"propensity"} | {"clicked_at", "opened_at"}:
        first, second = (
            getattr(pushes, name)[~np.isin(pushes.person, blocked)] for pushes in (patient, lots())
        )
        assert (first == second).all(), name


def test_the_share_without_pushes_changes_nothing_for_those_who_get_some() -> None:
    fewer = draw(replace(LOTS, none_share=0.5))
    kept = np.isin(lots().person, fewer.person)
    assert 0.4 < kept.mean() < 0.6
    assert (lots().clicked_at[kept] == fewer.clicked_at).all()
    assert (lots().person[kept] == fewer.person).all()


def test_people_who_are_joined_behind_leave_the_pushes_of_the_others_alone() -> None:
    friends = draw_people(Arrivals(), YEAR, users=500, stream=partial(open_stream, 2, 0))
    theirs = stay_of(friends.arrived_at + 1, np.full(500, NEVER))
    joined = stay().join(theirs)
    pushes = draw_pushes(PUSHING, YEAR, people().join(friends), joined, stream=STREAM)
    first = pushes.person < USERS
    assert not first.all()
    for name in ("person", "planned_at", "sent_at", "clicked_at", "blocked_at"):
        assert (getattr(pushes, name)[first] == getattr(usual(), name)).all(), name


def test_the_same_seed_gives_the_same_pushes_and_another_seed_others() -> None:
    assert not differing(usual(), draw(PUSHING))
    other = partial(open_stream, 2, 0)
    pushes = draw_pushes(PUSHING, YEAR, people(), stay(), stream=other)
    assert len(pushes.person) != len(usual().person)


def test_without_members_there_are_no_pushes() -> None:
    nobody = stay_of(np.full(USERS, NEVER), np.full(USERS, NEVER))
    pushes = draw_pushes(PUSHING, YEAR, people(), nobody, stream=STREAM)
    assert len(pushes.person) == len(pushes.extra_at) == 0
    assert [len(test.person) for test in pushes.assignments] == [0, 0]
    assert tabulate_pushes(Columns(frame=YEAR), pushes).num_rows == 0


def test_the_table_has_the_columns_of_the_contract() -> None:
    table = tabulate_pushes(Columns(frame=YEAR), usual())
    contract = TABLES["pushes"]
    assert table.column_names == list(contract.columns)
    for name, column in contract.columns.items():
        known = set(table[name].unique().to_pylist())
        assert not column.values or known <= {*column.values, None}, name
        assert not column.required or None not in known, name
    assert len(table["push_id"].unique()) == table.num_rows


def test_the_table_tells_what_was_drawn() -> None:
    pushes = usual()
    rows = tabulate_pushes(Columns(frame=YEAR), pushes).to_pandas()
    assert (rows["user_id"].astype(int) - 1 == pushes.person).all()
    opening = pd.Timestamp("2025-04-01", tz="Asia/Shanghai")
    assert ((rows["planned_at"] - opening).dt.total_seconds() == pushes.planned_at).all()
    assert rows["planned_at"].is_monotonic_increasing
    assert (rows["sent_at"].notna() == (rows["status"] == "sent")).all()
    assert (rows["clicked_at"].notna() == (pushes.clicked_at < YEAR.end)).all()
    assert (rows["propensity"].notna() == ~np.isnan(pushes.propensity)).all()
    assert (rows["content"] == np.array(CONTENTS)[pushes.content]).all()
    assert (rows["copy"] == np.array(["A", "B"])[pushes.copy]).all()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"none_share": 1.5}, "pushing.none_share = 1.5 must be at least 0 and at most 1"),
        ({"recency_days": 0.0}, "pushing.recency_days = 0.0 must be above 0"),
        ({"match": -1.0}, "pushing.match = -1.0 must be at least 0"),
        ({"hours_active": (1.0,)}, "pushing.hours_active has 9; give exactly 9, 10, 11"),
        ({"hours_other": (0.1,) * 13}, "pushing.hours_other sums to 1.3 and must sum to 1"),
        ({"media_shares": {"sms": 1.0}}, "pushing.media_shares has sms; give exactly one_to_one"),
        ({"media_factors": {"sms": 1.0}}, "pushing.media_factors has sms; give exactly"),
        ({"weekdays": (1.0,)}, "pushing.weekdays = (1.0,) must be 7 factors of at least 0"),
        ({"caps": ()}, "pushing.caps = () must be numbers from 1 to 7; give at least one"),
        ({"caps": (1, 8)}, "pushing.caps = (1, 8) must be numbers from 1 to 7"),
        ({"weekly_other": 8}, "pushing.weekly_other = 8 must be from 0 to 7"),
        ({"slow_staff": ("999",)}, "pushing.slow_staff = 999 is nobody; use one of 001"),
        ({"click_base": 0.2}, "pushing.click_base = 0.2 leads to a chance of 2.88"),
        ({"block_rise": 2.0}, "pushing.block_base = 0.0012 leads to a chance of 1.44e+03"),
    ],
)
def test_what_cannot_be_is_told_by_name_value_rule_and_remedy(
    settings: dict[str, object], told: str
) -> None:
    problems = list(replace(PUSHING, **settings).problems())
    assert any(problem.startswith(told) for problem in problems), problems
    assert all("; " in problem for problem in problems)


def test_the_default_settings_can_be() -> None:
    assert list(PUSHING.problems()) == []
