"""Points: sign-ins as a Markov chain, and the ledger against one kept person by person."""

from collections import deque
from dataclasses import replace
from datetime import date
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from siyu.data import check
from siyu.data.world.columns import Columns
from siyu.data.world.draws import DAY, HOUR, HOURS, NEVER, open_stream, wait
from siyu.data.world.frame import Frame
from siyu.data.world.people import Arrivals, draw_people
from siyu.data.world.points import (
    EXPIRE,
    INVITE,
    PURCHASE,
    REASONS,
    REDEEM,
    SIGN_IN,
    TASK,
    Postings,
    Programme,
    draw_ledger,
    draw_sign_ins,
    tabulate_points,
)
from siyu.data.world.pool import draw_pool
from siyu.data.world.settings import Settings
from siyu.data.world.truths.facts import truth_stream
from siyu.data.world.truths.points import last_expiry, measure_breakage, state_points

FRAME = Frame(first_day=date(2025, 4, 1), last_day=date(2026, 3, 31), change_day=date(2025, 10, 1))
STREAM = partial(open_stream, 11, 0)
NOBODY = np.zeros(0, dtype=np.int64)
NO_POSTINGS = Postings(person=NOBODY, at=NOBODY, delta=NOBODY, reason=NOBODY)


def draw_members(users):
    """Draw people of whom half are added, within a day of arriving, and leave at a hazard."""
    people = draw_people(Arrivals(), FRAME, users=users, stream=STREAM)
    rng = np.random.default_rng(20260331)
    added_at = people.arrived_at + rng.integers(1, DAY, users)
    added_at = np.where(rng.random(users) < 0.5, added_at, NEVER)
    return people, added_at, added_at + wait(rng, np.full(users, 0.003))


def sign_in(programme, members):
    people, added_at, left_at = members
    return draw_sign_ins(
        programme, FRAME, people, added_at=added_at, left_at=left_at, stream=STREAM
    )


def keep(programme, left_at, *, purchases=(), invites=(), sign_ins=NO_POSTINGS, frame=FRAME):
    """Keep the ledger of purchases (person, second, fen) and invitations (person, second)."""
    columns = np.array(purchases, dtype=np.int64).reshape(-1, 3).T
    accepted = np.array(invites, dtype=np.int64).reshape(-1, 2).T
    return draw_ledger(
        programme,
        frame,
        left_at=np.asarray(left_at),
        sign_ins=sign_ins,
        purchases=tuple(columns),
        invites=tuple(accepted),
        stream=STREAM,
    )


def read(ledger):
    """Return postings as (person, day, points, reason)."""
    days = [FRAME.dates[at // DAY].isoformat() for at in ledger.at]
    reasons = [REASONS[reason] for reason in ledger.reason]
    return list(zip(ledger.person.tolist(), days, ledger.delta.tolist(), reasons, strict=True))


def second(day, hour=12):
    return FRAME.second(date.fromisoformat(day)) + hour * HOUR


@pytest.fixture(scope="module")
def members():
    return draw_members(20_000)


@pytest.fixture(scope="module")
def signed(members):
    return sign_in(Programme(), members)


@pytest.fixture(scope="module")
def ledger(members, signed):
    """Sign-ins and about four purchases of each member, spread over his stay."""
    _, added_at, left_at = members
    rng = np.random.default_rng(5)
    buyer = np.repeat(np.flatnonzero(added_at < FRAME.end), 4)
    paid_at = added_at[buyer] + rng.integers(0, 300 * DAY, len(buyer))
    fen = rng.integers(50, 40_000, len(buyer))
    purchases = np.column_stack([buyer, paid_at, fen])
    return keep(Programme(), left_at, purchases=purchases, sign_ins=signed[2])


def test_streaks_go_on_with_the_stated_probability(members, signed):
    _, _, left_at = members
    person, at, _ = signed
    day = at // DAY
    sign_ins = set(zip(person.tolist(), day.tolist(), strict=True))
    open_days = (day + 1 < FRAME.days) & (left_at[person] >= (day + 2) * DAY)
    followed = [
        (one, today + 1) in sign_ins
        for one, today in zip(person[open_days].tolist(), day[open_days].tolist(), strict=True)
    ]
    resume = Programme().resume
    assert len(followed) > 10_000
    assert np.mean(followed) == pytest.approx(
        resume, abs=4 * np.sqrt(resume * (1 - resume) / len(followed))
    )


def test_streaks_start_with_the_probability_times_activity_up_to_the_most(members):
    people, added_at, left_at = members
    left_at = np.where(added_at < FRAME.end, NEVER, left_at)
    for activity, expected in ((1.0, 0.02), (3.0, 0.06), (100.0, 0.3)):
        alike = replace(people, activity=np.full(len(people), activity))
        programme = Programme(participants=1.0, resume=0.0)
        person, at, _ = sign_in(programme, (alike, added_at, left_at))
        # Nobody goes on, so that each day is a start or at risk of one, but for the day after one.
        days = np.maximum(FRAME.days - 1 - added_at[added_at < FRAME.end] // DAY, 0).sum()
        at_risk = days - (at // DAY < FRAME.days - 1).sum()
        assert len(person) / at_risk == pytest.approx(
            expected, abs=4 * np.sqrt(expected * (1 - expected) / at_risk)
        )


def test_only_participants_sign_in_and_only_while_they_are_members(members, signed):
    _, added_at, left_at = members
    person, at, _ = signed
    assert (at // DAY > added_at[person] // DAY).all()
    assert (at < left_at[person]).all()
    assert at.max() < FRAME.end
    assert len(set(zip(person.tolist(), (at // DAY).tolist(), strict=True))) == len(at)
    active = Programme(start=1.0, most_start=1.0)
    there = (added_at < FRAME.end - 10 * DAY) & (left_at > added_at + 9 * DAY)
    share = np.isin(np.flatnonzero(there), sign_in(active, members)[0]).mean()
    assert share == pytest.approx(0.35, abs=4 * np.sqrt(0.35 * 0.65 / there.sum()))


def test_people_sign_in_near_a_time_of_their_own_in_the_rhythm_of_the_day(signed):
    person, at, _ = signed
    second_of_day = at % DAY
    firsts = np.unique(person, return_index=True)[1]
    away = np.abs(second_of_day - second_of_day[firsts][np.searchsorted(person[firsts], person)])
    assert np.minimum(away, DAY - away).max() <= 4 * HOUR
    hour = np.bincount(second_of_day[firsts] // HOUR, minlength=24)
    assert hour[19:23].sum() > 2 * hour[2:6].sum() * HOURS[19:23].sum() / HOURS[19:23].sum()


def test_each_seventh_day_in_a_row_earns_more_and_a_new_streak_a_gift():
    # Nothing but sign-ins on every day, until the chain breaks.
    programme = Programme(participants=1.0, start=1.0, most_start=1.0, resume=0.9)
    person, at, earned = sign_in(programme, draw_members(1_000))
    signs = earned.reason == SIGN_IN
    assert np.array_equal(earned.person[signs], person)
    assert np.array_equal(earned.at[signs], at)
    gifts = set(zip(earned.person[~signs].tolist(), earned.at[~signs].tolist(), strict=True))
    assert set(earned.reason[~signs].tolist()) == {TASK}
    assert set(earned.delta[~signs].tolist()) == {2}
    points = dict(
        zip(zip(person.tolist(), at.tolist(), strict=True), earned.delta[signs], strict=True)
    )
    for one in np.unique(person)[:50].tolist():
        run, last = 0, None
        for time in sorted(at[person == one].tolist()):
            day = time // DAY
            run = run + 1 if last == day - 1 else 1
            assert points[one, time] == (25 if run % 7 == 0 else 5)
            assert ((one, time) in gifts) == (run == 1 and last is not None)
            last = day


def test_a_purchase_earns_a_point_for_each_whole_yuan_and_an_invitation_fifty():
    paid_at, accepted_at = second("2025-04-02"), second("2025-04-03")
    ledger = keep(
        Programme(never_redeem=1.0),
        [NEVER],
        purchases=[(0, paid_at, 12_399), (0, paid_at, 99)],
        invites=[(0, accepted_at)],
    )
    assert read(ledger)[:2] == [(0, "2025-04-02", 123, "purchase"), (0, "2025-04-03", 50, "invite")]
    assert set(ledger.reason.tolist()) == {PURCHASE, INVITE, EXPIRE}


def test_points_expire_on_the_first_of_a_month_when_they_are_older_than_180_days():
    # 2025-09-28 is day 180, 2025-10-01 day 183: earned on 04-03 it is 181 days old, on 04-05 only
    # 179, so that this waits for 2025-11-01.
    ledger = keep(
        Programme(never_redeem=1.0),
        [NEVER],
        purchases=[(0, second("2025-04-03"), 10_000), (0, second("2025-04-05"), 7_000)],
    )
    assert read(ledger)[2:] == [(0, "2025-10-01", -100, "expire"), (0, "2025-11-01", -70, "expire")]
    assert (ledger.at[2:] % DAY == 3 * HOUR).all()


def test_points_are_redeemed_by_hundreds_on_the_members_day_and_the_oldest_go_first():
    # 250 of April and 70 of June: 200 of April's are redeemed in April, its last 50 and 50 of
    # June's with 100 of July's in July; the 120 that are left expire 180 days after they came.
    ledger = keep(
        Programme(never_redeem=0.0),
        [NEVER],
        purchases=[
            (0, second("2025-04-10"), 25_000),
            (0, second("2025-06-10"), 7_000),
            (0, second("2025-07-10"), 20_000),
        ],
    )
    assert read(ledger) == [
        (0, "2025-04-10", 250, "purchase"),
        (0, "2025-04-18", -200, "redeem"),
        (0, "2025-06-10", 70, "purchase"),
        (0, "2025-07-10", 200, "purchase"),
        (0, "2025-07-18", -300, "redeem"),
        (0, "2026-02-01", -20, "expire"),
    ]


def test_what_is_earned_on_the_members_day_itself_cannot_be_redeemed_on_it():
    ledger = keep(
        Programme(never_redeem=0.0), [NEVER], purchases=[(0, second("2025-04-18", 1), 20_000)]
    )
    assert read(ledger)[1] == (0, "2025-05-18", -200, "redeem")


def test_a_member_who_has_left_earns_redeems_and_loses_nothing():
    ledger = keep(
        Programme(never_redeem=0.0),
        [second("2025-04-17"), second("2025-09-01")],
        purchases=[
            (0, second("2025-04-10"), 25_000),
            (0, second("2025-04-20"), 25_000),
            (1, second("2025-04-01"), 10_000),
        ],
    )
    assert read(ledger) == [(1, "2025-04-01", 100, "purchase"), (0, "2025-04-10", 250, "purchase")]


def keep_by_hand(programme, earned, left_at, redeemed):
    """Keep one person's ledger with a queue of batches, oldest first.

    Args:
        programme: the truths.
        earned: (second, points), in the order of time.
        left_at: when he leaves.
        redeemed: seconds at which he redeems, if he ever does.

    Returns:
        (second, points) of what he redeems and what expires.
    """
    queue, waiting, found = deque(), deque(earned), []

    def receive(until):
        while waiting and waiting[0][0] < until:
            queue.append(list(waiting.popleft()))

    for number, day in enumerate(FRAME.dates):
        midnight = number * DAY
        if day.day == 1 and midnight + 3 * HOUR < left_at:
            receive(midnight + 3 * HOUR)
            lost = 0
            while queue and queue[0][0] < midnight + 3 * HOUR - programme.valid_days * DAY:
                lost += queue.popleft()[1]
            if lost:
                found.append((midnight + 3 * HOUR, -lost))
        times = [at for at in redeemed if midnight <= at < midnight + DAY]
        if day.day == programme.members_day and times:
            receive(midnight)
            balance = sum(points for _, points in queue)
            taken = balance // 100 * 100
            assert balance >= programme.threshold
            found.append((times[0], -taken))
            while taken:
                part = min(taken, queue[0][1])
                queue[0][1] -= part
                taken -= part
                if not queue[0][1]:
                    queue.popleft()
    return found


def test_the_ledger_is_that_of_a_queue_kept_for_each_person(members, ledger):
    _, _, left_at = members
    several = np.unique(ledger.person[ledger.reason == EXPIRE])[:200]
    several = np.union1d(several, np.unique(ledger.person[ledger.reason == REDEEM])[:200])
    for one in several.tolist():
        mine = ledger.person == one
        at, delta, reason = ledger.at[mine], ledger.delta[mine], ledger.reason[mine]
        earned = list(zip(at[delta > 0].tolist(), delta[delta > 0].tolist(), strict=True))
        used = list(zip(at[delta < 0].tolist(), delta[delta < 0].tolist(), strict=True))
        redeemed = at[reason == REDEEM].tolist()
        assert keep_by_hand(Programme(), earned, left_at[one], redeemed) == used


def test_no_balance_is_ever_negative_and_nothing_is_posted_after_leaving(members, ledger):
    _, added_at, left_at = members
    order = np.lexsort((np.arange(len(ledger.at)), ledger.person))
    person, total = ledger.person[order], np.cumsum(ledger.delta[order])
    begins = np.searchsorted(person, person)
    assert (total - np.append(0, total)[begins] >= 0).all()
    assert (ledger.at < np.minimum(left_at[ledger.person], FRAME.end)).all()
    assert (ledger.at >= added_at[ledger.person]).all()
    assert (np.diff(ledger.at) >= 0).all()


def test_the_share_who_never_redeem_shows_on_the_first_members_day_that_allows_it(members, ledger):
    _, _, left_at = members
    redeemed = ledger.reason == REDEEM
    days_of = (ledger.at[redeemed] // DAY * DAY).tolist()
    days_redeemed = set(zip(ledger.person[redeemed].tolist(), days_of, strict=True))
    redeems = {one for one, _ in days_redeemed}
    first = {}
    order = np.lexsort((ledger.at, ledger.person))
    days = [number * DAY for number, day in enumerate(FRAME.dates) if day.day == 18]
    for one in np.unique(ledger.person).tolist():
        begin, end = np.searchsorted(ledger.person[order], [one, one + 1])
        mine = order[begin:end]
        for midnight in days:
            balance = ledger.delta[mine][ledger.at[mine] < midnight].sum()
            if balance >= 200:
                if left_at[one] >= midnight + DAY:
                    first[one] = midnight
                break
    never = np.mean([one not in redeems for one in first])
    assert len(first) > 1_000
    assert never == pytest.approx(0.7, abs=4 * np.sqrt(0.7 * 0.3 / len(first)))
    for one, midnight in first.items():
        assert ((one, midnight) in days_redeemed) == (one in redeems)


def test_who_redeems_changes_neither_sign_ins_nor_what_is_earned(members, signed):
    _, added_at, left_at = members
    purchases = [(one, added_at[one], 30_000) for one in np.flatnonzero(added_at < FRAME.end)]
    all_, none = (
        keep(Programme(never_redeem=share), left_at, purchases=purchases, sign_ins=signed[2])
        for share in (0.0, 1.0)
    )
    for name in ("person", "at", "delta", "reason"):
        assert np.array_equal(*(getattr(ledger, name)[ledger.delta > 0] for ledger in (all_, none)))
    assert (all_.reason == REDEEM).any()
    assert not (none.reason == REDEEM).any()


def test_other_gifts_leave_the_days_of_signing_in_alone(members, signed):
    person, at, earned = sign_in(Programme(sign_in_points=8, week_points=0, gift_points=0), members)
    assert np.array_equal(person, signed[0])
    assert np.array_equal(at, signed[1])
    assert set(earned.delta[earned.reason == SIGN_IN].tolist()) == {8}
    assert set(earned.delta[earned.reason == TASK].tolist()) == {0}


def test_people_behind_leave_the_sign_ins_of_the_others_alone():
    people, added_at, left_at = draw_members(1_000)
    alone = sign_in(Programme(), (people, added_at, left_at))
    twice = sign_in(Programme(), (people.join(people), np.tile(added_at, 2), np.tile(left_at, 2)))
    first = twice[0] < 1_000
    assert np.array_equal(alone[0], twice[0][first])
    assert np.array_equal(alone[1], twice[1][first])


def test_without_members_nothing_is_earned_or_lost():
    people, *_ = draw_members(20)
    never = np.full(20, NEVER)
    person, _, earned = sign_in(Programme(), (people, never, never))
    assert len(person) == 0
    assert len(keep(Programme(), never, sign_ins=earned).at) == 0


def test_the_table_keeps_every_rule_of_the_contract(tmp_path, members, ledger):
    columns = Columns(frame=FRAME)
    pq.write_table(tabulate_points(columns, ledger), tmp_path / "points.parquet")
    users = pa.table({"user_id": columns.users(np.arange(len(members[0])))})
    pq.write_table(users, tmp_path / "users.parquet")
    layout = "timezone: Asia/Shanghai\nobserved: {from: 2025-04-01, to: 2026-03-31}\n"
    (tmp_path / "source.yaml").write_text(layout, encoding="utf-8")
    report = check(tmp_path)
    assert report.problems == ()
    assert report.counts["points"] == len(ledger.at)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"resume": 1.5}, "points.resume = 1.5 must be at least 0 and at most 1; give a fraction"),
        ({"week_points": -1}, "points.week_points = -1 must be at least 0; give a positive number"),
        ({"threshold": 99}, "points.threshold = 99 must be at least 100; give more"),
        ({"valid_days": 0}, "points.valid_days = 0 must be at least 1; give more"),
        ({"members_day": 1}, "points.members_day = 1 must be at least 2 and at most 28"),
        ({"members_day": 29}, "points.members_day = 29 must be at least 2 and at most 28"),
    ],
)
def test_settings_out_of_range_are_named_with_rule_and_remedy(changes, message):
    (problem,) = replace(Programme(), **changes).problems()
    assert problem.startswith(message)


def test_the_defaults_keep_every_rule():
    assert list(Programme().problems()) == []


def test_breakage_divides_what_expired_by_what_was_old_enough():
    # At the run, day 190: of 100 + 50 earned more than 180 days before, 60 have expired. What came
    # later, who has left, and what expires later do not count.
    run = 190 * DAY
    rows = [
        (0, 2 * DAY, 100, PURCHASE),
        (0, 9 * DAY, 50, SIGN_IN),
        (0, 20 * DAY, 500, PURCHASE),
        (0, 170 * DAY, -90, REDEEM),
        (0, run, -60, EXPIRE),
        (0, run + 30 * DAY, -400, EXPIRE),
        (1, 2 * DAY, 80, PURCHASE),
        (1, run - 30 * DAY, -80, EXPIRE),
    ]
    person, at, delta, reason = np.array(rows).T
    ledger = Postings(person=person, at=at, delta=delta, reason=reason)
    left_at = np.array([NEVER, run - 1])
    assert measure_breakage(ledger, left_at, run=run, valid_days=180) == pytest.approx(60 / 150)


def test_the_last_expiry_that_counts_is_the_last_first_of_a_month():
    assert last_expiry(Programme(), FRAME) == second("2026-03-01", 3)
    assert last_expiry(Programme(valid_days=400), FRAME) is None


@pytest.mark.slow
def test_the_stated_breakage_is_that_of_a_pool_where_only_some_redeem():
    settings = Settings()
    (truth,) = [each for each in state_points(settings) if each.id == "points.breakage"]
    assert truth.settings == {"until": "2026-03-01", "valid_days": 180}
    run = last_expiry(settings.points, settings.frame)
    pool = draw_pool(settings, users=10_000, stream=truth_stream(100))
    left_at, gains = pool.stay.left_at, pool.ledger.delta > 0
    earned = Postings(**{name: getattr(pool.ledger, name)[gains] for name in vars(NO_POSTINGS)})

    def draw_share(programme, seed):
        ledger = draw_ledger(
            programme,
            settings.frame,
            left_at=left_at,
            sign_ins=earned,
            purchases=(NOBODY, NOBODY, NOBODY),
            invites=(NOBODY, NOBODY),
            stream=partial(open_stream, seed, 0),
        )
        return measure_breakage(ledger, left_at, run=run, valid_days=180)

    # Who redeems is drawn anew for the same people.
    shares = [draw_share(settings.points, seed) for seed in range(60)]
    error = np.std(shares, ddof=1) / np.sqrt(len(shares))
    unclaimed = draw_share(Programme(never_redeem=0.0), 1)
    assert error < 0.02
    assert np.mean(shares) == pytest.approx(0.7 + 0.3 * unclaimed, abs=4 * error)
    assert truth.value == pytest.approx(0.7 + 0.3 * unclaimed, abs=0.02)


def test_where_nothing_can_expire_no_breakage_is_stated():
    known = {truth.id: truth.value for truth in state_points(Settings(days=120))}
    assert known == {"points.resume": 0.82, "points.never_redeem": 0.7}
