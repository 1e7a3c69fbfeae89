"""The life cycle in the engine against a count person by person: Mondays, midnights, bad input."""

from __future__ import annotations

import datetime as dt
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pandas as pd
import pytest
from siyu.data import open_source
from siyu.studies.retention import RetentionError, lifecycle
from siyu.studies.retention.lifecycle import measure

from tests.studies.funnel.builders import open_shop, write_tables
from tests.studies.retention.lifecycle.builders import (
    FIRST,
    LAST,
    STATES,
    WEEK,
    Person,
    accounts,
    active_weeks,
    at,
    midnight,
    shop,
    state,
    tier_at,
)

ASKED = {"weeks": 26, "return_events": ["browse"], "min_users": 1}
TICK = dt.timedelta(microseconds=1)
MONDAYS = [FIRST + i * WEEK for i in range((LAST - FIRST) // WEEK + 1)]


REVIEWS = [dt.date(2025, 12, 28), dt.date(2026, 1, 28), dt.date(2026, 2, 20)]


def some_people(
    seed: int,
    *,
    first: dt.date = dt.date(2025, 12, 20),
    reviewed: Sequence[dt.date] = (),
) -> list[Person]:
    """People at awkward times: Mondays, midnights, the instant before, before the observation.

    Reviewed on days of their own, or at the midnights of some of those given.
    """
    rng = random.Random(seed)

    def moment(since: dt.date = first) -> dt.datetime:
        day = since + dt.timedelta(days=rng.randrange((LAST + WEEK - since).days))
        if rng.random() < 0.4:
            day -= dt.timedelta(days=day.weekday())
        second = rng.choice([0, 0, 1, 86_399, rng.randrange(86_400)])
        return midnight(day) + dt.timedelta(seconds=second) - rng.choice([0, 0, 1]) * TICK

    people = []
    for _ in range(80):
        added = moment()
        left = max(added, moment()) if rng.random() < 0.4 else None
        back = [moment(dt.date(2026, 1, 2)) for _ in range(rng.choice([0, 1, 3, 8, 20]))]
        sinces = {moment() for _ in range(rng.randint(0, 4))}
        if reviewed:
            sinces = {midnight(day) for day in reviewed if rng.random() < 0.9}
        reviews = [(since, rng.choice(["silver", "gold"])) for since in sorted(sinces)]
        people.append(Person(added if rng.random() < 0.95 else None, left, back, reviews))
    return people


def of_week(measures, monday: dt.date) -> dict[str, int]:
    (row,) = measures.states[measures.states["week"] == monday].to_dict("records")
    return {name: int(value) for name, value in row.items() if name != "week"}


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(12))
def test_states_and_leaving_agree_with_a_count_person_by_person(tmp_path, seed):
    people = some_people(seed)
    measures = measure(shop(tmp_path, people), **ASKED)
    assert list(measures.weeks) == MONDAYS[1:]
    for monday in MONDAYS[1:]:
        assert of_week(measures, monday) == accounts(people, monday)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("reviewed", "before", "after"),
    [
        ((), MONDAYS[-8], None),  # on days of their own: the 28 days before
        (REVIEWS, dt.date(2026, 1, 16), 19),  # 16 February is 19 days after 28 January
        (REVIEWS[1:], None, 19),
    ],
)
@pytest.mark.parametrize("seed", range(2))
def test_members_of_tiers_agree_with_a_count_person_by_person(
    tmp_path, seed, reviewed, before, after
):
    people = some_people(100 + seed, reviewed=reviewed)
    measures = measure(shop(tmp_path, people), **ASKED)
    now = MONDAYS[-4]
    assert (measures.starts, measures.after_days) == ((before, now), after)
    counted = {(row.tier, row.week): row for row in measures.members.itertuples()}
    for monday in MONDAYS[1:]:
        begins = midnight(monday)
        for tier in ("silver", "gold"):
            own = [one for one in people if tier_at(one, begins) == tier]
            row = counted[tier, monday]
            assert row.members == len(own)
            assert row.active == sum(active_weeks(one, monday, 1) for one in own)
    expected: Counter = Counter()
    for one in people:
        tier_before, tier = (day and tier_at(one, midnight(day)) for day in (before, now))
        came_before = tier_before is not None and active_weeks(one, before, 4) > 0
        weeks = active_weeks(one, now, 4) if tier else 0
        if tier_before or tier:
            expected[tier_before, int(came_before), tier, weeks] += 1
    columns = ["tier_before", "active_before", "tier", "weeks_active", "n"]
    rows = measures.windows[columns].astype(object).where(measures.windows.notna(), None)
    assert {tuple(row[:4]): row[4] for row in rows.to_numpy().tolist()} == expected


@pytest.mark.parametrize("as_of", ["2026-02-10", "2026-02-15"])
def test_a_past_day_counts_what_it_could_have_known(tmp_path, as_of):
    people = some_people(99)
    measures = measure(shop(tmp_path, people, as_of=as_of), **ASKED)
    last = dt.date(2026, 2, 2 if as_of == "2026-02-10" else 9)
    assert measures.weeks[-1] == last
    assert of_week(measures, last) == accounts(people, last)


def closes(states) -> bool:
    """Whether the accounts close: states sum to all, and each week leads to the next."""
    whole = (states[list(STATES)].sum(axis=1) == states["added"]).all()
    left = states.filter(like="left_").sum(axis=1)
    steps = [
        now.lost - before.lost == left[now.Index]
        and now.dormant == before.dormant + now.fell_dormant - now.resurrected - now.left_dormant
        and now.added - before.added == now.new + now.left_at_once
        for before, now in pairwise(states.itertuples())
    ]
    return bool(
        whole and steps and all(steps) and (states.drop(columns="week") >= 0).all(axis=None)
    )


def test_accounts_close(tmp_path):
    assert closes(measure(shop(tmp_path, some_people(5)), **ASKED).states)


def test_accounts_of_the_sample_close():
    events = ["browse", "compare", "cart", "order", "sign_in"]
    measures = measure(open_source("data/sample"), weeks=26, return_events=events)
    assert len(measures.states) == 26
    assert closes(measures.states)


def test_five_users_by_hand(tmp_path):
    """Weeks from 5, 12, 19 and 26 January: A comes always, B every other, C leaves, D at once."""
    mondays = ["01-05 10:00", "01-12 10:00", "01-19 10:00", "01-26 10:00"]
    people = [
        Person(at("01-02 10:00"), None, [at(day) for day in mondays]),
        Person(at("01-02 10:00"), None, [at(mondays[0]), at(mondays[2])]),
        Person(at("01-12 00:00"), at("01-20 10:00"), [at("01-19 09:00")]),
        Person(at("01-19 10:00"), at("01-25 23:59")),
        Person(at("01-18 23:59"), None, []),
    ]
    measures = measure(shop(tmp_path, people, observed=("2026-01-01", "2026-02-01")), **ASKED)
    shown = measures.states.set_index("week")
    zeros = dict.fromkeys(shown.columns, 0)
    assert list(shown.index) == [dt.date(2026, 1, day) for day in (12, 19, 26)]
    # A stays active; B falls dormant; C and E are new.
    assert dict(shown.iloc[0]) == zeros | {
        "added": 4, "new": 2, "active": 1, "dormant": 1, "fell_dormant": 1,
    }  # fmt: skip
    # B is back, C leaves though it came back, D is added and gone, E falls dormant.
    assert dict(shown.iloc[1]) == zeros | {
        "added": 5, "active": 1, "resurrected": 1, "dormant": 1, "lost": 2, "fell_dormant": 1,
        "left_new": 1, "left_at_once": 1,
    }  # fmt: skip
    assert dict(shown.iloc[2]) == zeros | {
        "added": 5, "active": 1, "dormant": 2, "lost": 2, "fell_dormant": 1,
    }  # fmt: skip


def test_sunday_midnight_parts_two_weeks_and_a_review_at_it_counts_for_the_new_one(tmp_path):
    sunday, monday = at("01-18 23:59"), at("01-19 00:00")
    late = [(at("01-19 00:00") + TICK, "gold")]
    people = [
        Person(at("01-10 10:00"), None, [sunday], [(monday, "gold")]),
        Person(at("01-10 10:00"), None, [monday], late),
        Person(at("01-10 10:00"), monday, [], [(at("01-18 10:00"), "gold")]),
        Person(at("01-10 10:00"), monday - TICK, [], [(at("01-18 10:00"), "gold")]),
    ]
    measures = measure(shop(tmp_path, people), **ASKED)
    assert [state(one, dt.date(2026, 1, 12)) for one in people] == [
        "active",
        "dormant",
        "dormant",
        "lost",
    ]
    for day in (dt.date(2026, 1, 12), dt.date(2026, 1, 19)):
        assert of_week(measures, day) == accounts(people, day)
    gold = measures.members.set_index("week")["members"]
    assert gold[dt.date(2026, 1, 19)] == 2
    assert gold[dt.date(2026, 1, 26)] == 2


def test_the_first_week_needs_an_observed_one_before_it_and_only_so_many_are_shown(tmp_path):
    people = [Person(at("01-02 10:00"), None, [at("01-06 10:00")])]
    few = measure(shop(tmp_path, people), **ASKED | {"weeks": 2})
    assert list(few.weeks) == MONDAYS[-2:]
    assert set(few.members["week"]) <= set(few.weeks)
    (tmp_path / "monday").mkdir()
    # Observed from a Monday on: that week is whole, and the one before was not seen.
    whole = measure(
        shop(tmp_path / "monday", people, observed=("2026-01-05", "2026-01-18")), **ASKED
    )
    assert list(whole.weeks) == [dt.date(2026, 1, 12)]
    assert of_week(whole, dt.date(2026, 1, 12))["fell_dormant"] == 1


def test_a_log_that_says_nothing_of_its_observation_begins_with_the_first_whole_week(tmp_path):
    events = [
        {"user_id": "a", "occurred_at": at(when), "event": "browse"}
        for when in ("01-05 00:00:01", "01-12 10:00", "01-26 10:00", "02-02 00:00")
    ]
    users = [{"user_id": "a", "added_at": at("01-02 10:00")}]
    layout = {"timezone": "Asia/Shanghai"}
    pool = open_source(write_tables(tmp_path, layout=layout, events=events, users=users))
    assert list(measure(pool, **ASKED).weeks) == [dt.date(2026, 1, 19), dt.date(2026, 1, 26)]


def test_row_order_does_not_matter_and_twice_the_people_are_twice_the_counts(tmp_path):
    people = some_people(7)
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    once = measure(shop(tmp_path / "a", people), **ASKED)
    twice = measure(shop(tmp_path / "b", [*reversed(people), *people]), **ASKED)
    for name, keys in (
        ("states", ["week"]),
        ("members", ["tier", "week"]),
        ("windows", ["tier_before", "active_before", "tier", "weeks_active"]),
    ):
        a, b = (getattr(one, name).set_index(keys).sort_index() for one in (once, twice))
        assert (2 * a == b).all(axis=None)


def test_reviews_that_change_nothing_change_nothing(tmp_path):
    people = [Person(at("01-02 10:00"), None, [], [(at("01-10 10:00"), "gold")])]
    again = [(at("01-20 10:00"), "gold"), (at("02-10 10:00"), "gold")]
    more = [Person(at("01-02 10:00"), None, [], [*people[0].reviews, *again])]
    # The days of review are known from others.
    others = [Person(at("01-02 10:00"), None, [], [*people[0].reviews, *again])] * 9
    people, more = [*others, *people], [*others, *more]
    (tmp_path / "a").mkdir(), (tmp_path / "b").mkdir()
    a, b = (
        measure(shop(tmp_path / name, given), **ASKED)
        for name, given in (("a", people), ("b", more))
    )
    assert a.members.equals(b.members)
    assert a.windows.equals(b.windows)


class TestBadInput:
    def test_an_event_that_the_log_has_never_seen_is_named(self, tmp_path):
        pool = shop(tmp_path, [])
        with pytest.raises(RetentionError, match="no event 'brows'; did you mean 'browse'"):
            measure(pool, **ASKED | {"return_events": ["brows"]})

    def test_without_return_events_there_is_no_life_cycle_and_it_is_said(self, tmp_path):
        people = [Person(at("01-07 10:00"), None, [at("01-08 10:00")])]
        measures = measure(shop(tmp_path, people), **ASKED | {"return_events": []})
        assert measures.weeks == ()
        assert "No return events are known" in measures.refused

    @pytest.mark.parametrize("name", ["weeks", "min_users"])
    def test_numbers_below_one_are_refused(self, tmp_path, name):
        with pytest.raises(RetentionError, match=f"{name} = 0 must be at least 1"):
            measure(shop(tmp_path, []), **ASKED | {name: 0})

    def test_users_without_times_of_addition_and_no_events_are_refused(self, tmp_path):
        event = {"user_id": "a", "occurred_at": at("01-02 10:00"), "event": "browse"}
        with pytest.raises(RetentionError, match="no column added_at"):
            measure(open_shop(tmp_path, [event]), **ASKED)

    @pytest.mark.parametrize(
        "observed", [("2026-01-01", "2026-01-16"), ("2026-01-06", "2026-01-18")]
    )
    def test_less_than_two_whole_weeks_have_no_states(self, tmp_path, observed):
        people = [Person(at("01-07 10:00"), None, [at("01-08 10:00")])]
        measures = measure(shop(tmp_path, people, observed=observed), **ASKED)
        assert measures.weeks == ()
        assert measures.states.empty
        assert measures.members.empty
        assert measures.windows.empty

    def test_a_pool_to_which_nobody_was_added_is_all_zero(self, tmp_path):
        measures = measure(shop(tmp_path, []), **ASKED)
        assert (measures.states.drop(columns="week") == 0).all(axis=None)
        assert measures.members.empty
        assert measures.windows.empty

    def test_users_who_never_left_need_no_such_column_and_tiers_may_be_missing(self, tmp_path):
        events = [{"user_id": "a", "occurred_at": at("01-02 10:00"), "event": "browse"}]
        users = [{"user_id": "a", "added_at": at("01-02 10:00")}]
        measures = measure(open_shop(tmp_path, events, users=users), **ASKED)
        assert set(measures.states["dormant"]) == {1}
        assert measures.members is None
        assert measures.windows is None

    def test_a_leaving_before_the_addition_counts_in_the_week_of_the_addition(self, tmp_path):
        pool = shop(tmp_path, [Person(at("02-10 10:00"), at("01-10 10:00"))])
        assert of_week(measure(pool, **ASKED), dt.date(2026, 2, 9))["left_at_once"] == 1
        assert of_week(measure(pool, **ASKED), dt.date(2026, 2, 2))["lost"] == 0


def test_a_source_without_events_has_no_life_cycle_and_says_so(tmp_path):
    users = [{"user_id": "a", "added_at": at("01-02 10:00")}]
    layout = {"timezone": "Asia/Shanghai", "observed": {"from": "2026-01-01", "to": "2026-01-31"}}
    pool = open_source(write_tables(tmp_path, layout=layout, users=users))
    measures = measure(pool, **ASKED)
    flowed = lifecycle.flows(measures, level=0.95)
    found = lifecycle.conclude(
        measures,
        flowed=flowed,
        weekly=lifecycle.tier_weeks(measures, level=0.95),
        monthly=lifecycle.tier_months(measures, high_tiers=["gold"], level=0.95),
        high_tiers=["gold"],
        quick_ratio_threshold=1.0,
        level=0.95,
    )
    assert {one.status for one in found} == {"insufficient"}
    assert "No return events are known" in found[0].message
    reviewed = replace(measures, members=pd.DataFrame({"tier": []}))
    assert "No return events" in lifecycle.say_tiers(reviewed, pd.DataFrame(), high_tiers=["gold"])


@pytest.mark.parametrize(
    ("basis", "order"),
    [
        ((10, 20, 900), ("b", "c", "a")),  # by what they were set on
        ((None, None, None), ("a", "b", "c")),  # many are low and few high
        ((10, 10, 900), ("a", "b", "c")),  # it does not tell b from c
    ],
)
def test_tiers_are_put_in_order_by_the_spend_on_which_they_were_set(tmp_path, basis, order):
    users = [{"user_id": f"{i}", "added_at": at("01-02 10:00")} for i in range(6)]
    events = [{"user_id": "0", "occurred_at": at("01-12 10:00"), "event": "browse"}]
    of = dict(zip("bca", basis, strict=True))
    reviews = [
        {
            "user_id": f"{i}",
            "tier": tier,
            "since": at("01-20 10:00"),
            "basis_cny": of[tier] and f"{of[tier]}",
        }
        for i, tier in enumerate("aaabbc")
    ]
    pool = open_shop(
        tmp_path, events, observed=("2026-01-01", "2026-03-15"), users=users, tiers=reviews
    )
    measures = measure(pool, **ASKED)
    assert measures.tiers == order
    found = lifecycle.tier_months(measures, high_tiers=["a"], level=0.95)
    assert tuple(found["tier"]) == ("all", *order)
