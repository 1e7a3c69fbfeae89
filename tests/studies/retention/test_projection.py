"""The projection: person by person, by hand, and against worlds in which it must hold or miss."""

import datetime as dt
import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from siyu.stats.intervals import wilson
from siyu.stats.shifted_beta_geometric import fit, predict, survival
from siyu.stats.survival import cumulative_incidence
from siyu.studies.retention import RetentionError
from siyu.studies.retention.projection import Lives, measure_lives, project

from tests.studies.funnel.builders import open_shop
from tests.studies.retention.builders import LAST, ZONE, Person, at, shop

LEVEL = 0.95
WEEK = dt.timedelta(days=7)


def some_people(seed: int) -> list[Person]:
    """People who leave at awkward times: at once, on the last instant of a week, or just before."""
    rng = random.Random(seed)
    people = []
    for _ in range(80):
        second = rng.choice([0, 86_399, rng.randrange(86_400)])
        added = dt.datetime(2026, 1, rng.randint(1, 31), tzinfo=ZONE) + dt.timedelta(seconds=second)
        stay = rng.choice([0, 1, 2, 3]) * WEEK + dt.timedelta(
            seconds=rng.choice([-1, 0, 0, 86_400])
        )
        people.append(Person(added, added + abs(stay) if rng.random() < 0.7 else None))
    return people


def known_by_hand(people: list[Person], end: dt.datetime) -> dict[tuple[int, int], int]:
    """Users by (time, outcome), of those added by an instant: only whole weeks count."""
    found: dict[tuple[int, int], int] = {}
    for one in people:
        if one.added_at <= end:
            lived = (end - one.added_at) // WEEK
            week = None if one.left_at is None else (one.left_at - one.added_at) // WEEK + 1
            row = (lived, 0) if week is None or week > lived else (week, 1)
            found[row] = found.get(row, 0) + 1
    return found


def there_by_hand(people: list[Person], end: dt.datetime, ahead: int) -> dict[int, tuple[int, int]]:
    """By whole weeks lived through: who was there at the end of them, and who of those later."""
    found: dict[int, tuple[int, int]] = {}
    for one in people:
        lived = (end - one.added_at) // WEEK
        if one.added_at > end or (one.left_at and one.left_at < one.added_at + lived * WEEK):
            continue
        n, stayed = found.get(lived, (0, 0))
        stays = one.left_at is None or one.left_at >= one.added_at + (lived + ahead) * WEEK
        found[lived] = (n + 1, stayed + stays)
    return found


def counts(table: pd.DataFrame) -> dict[tuple[int, int], int]:
    rows = zip(table["time"], table["outcome"], table["n"], strict=True)
    return {(time, outcome): n for time, outcome, n in rows if n}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("last", [LAST, dt.date(2026, 1, 24)])
def test_the_engine_agrees_with_a_count_person_by_person(tmp_path, seed, last):
    people = some_people(seed)
    lives = measure_lives(shop(tmp_path, people, as_of=f"{last}"), period_days=31, min_users=1)
    end = dt.datetime.combine(last + dt.timedelta(days=1), dt.time(), tzinfo=ZONE)
    people = [one for one in people if one.added_at < end]
    for ago in range(3):
        earlier = end - ago * WEEK
        assert counts(lives.known(weeks_ago=ago)) == known_by_hand(people, earlier)
        there = lives.there(weeks_ago=ago)
        found = zip(there["weeks"], zip(there["n"], there["stayed"], strict=True), strict=True)
        assert dict(found) == there_by_hand(people, earlier, ago)


def test_leaving_in_a_week_that_is_not_over_is_not_counted_yet(tmp_path):
    """Added nine days ago: who left on the second day did so in week 1, on the ninth not yet."""
    people = [Person(at("23 00:00"), left) for left in (at("24 10:00"), at("31 10:00"), None)]
    lives = measure_lives(shop(tmp_path, people), period_days=31, min_users=1)
    assert counts(lives.known()) == {(1, 0): 2, (1, 1): 1}


def test_the_end_of_a_week_belongs_to_the_next_one(tmp_path):
    added = at("10 10:00")
    people = [Person(added, added + WEEK), Person(added, added + WEEK - dt.timedelta(seconds=1))]
    lives = measure_lives(shop(tmp_path, people), period_days=31, min_users=1)
    assert counts(lives.known()) == {(2, 1): 1, (1, 1): 1}


def test_a_leaving_noted_before_the_addition_is_one_in_the_first_week(tmp_path):
    people = [Person(at("10 10:00"), at("1 10:00"))]
    lives = measure_lives(shop(tmp_path, people), period_days=31, min_users=1)
    assert counts(lives.known()) == {(1, 1): 1}


def test_users_before_the_period_do_not_count(tmp_path):
    people = [Person(at("24 23:59")), Person(at("25 00:00"))]
    lives = measure_lives(shop(tmp_path, people), period_days=7, min_users=1)
    assert (lives.n_added, lives.first) == (1, dt.date(2026, 1, 25))


def test_counting_who_left_in_an_unfinished_week_overstates_leaving(tmp_path):
    """A fifth leaves in each week, all through it; people are added all through January."""
    rng = np.random.default_rng(20260501)
    end, people = at("31 00:00") + dt.timedelta(days=1), []
    for age, stay in zip(
        rng.uniform(0, 31, 4_000), rng.exponential(-7 / np.log(0.8), 4_000), strict=True
    ):
        added = end - dt.timedelta(days=age)
        people.append(Person(added, added + dt.timedelta(days=stay) if stay < age else None))
    lives = measure_lives(shop(tmp_path, people), period_days=31, min_users=30)
    left = [one for one in people if one.left_at]
    weeks = [(one.left_at - one.added_at) // WEEK + 1 for one in left]
    rows = [(week, 1, 1) for week in weeks]
    rows += [((end - one.added_at) // WEEK, 0, 1) for one in people if not one.left_at]
    naive = fit(pd.DataFrame(rows, columns=["time", "outcome", "n"]))
    for fitted, is_true in ((fit(lives.known()), True), (naive, False)):
        share, lower, upper = survival(fitted, 3, level=0.999)
        assert (lower <= 0.8**3 <= upper) == is_true
        assert (share < 0.8**3 - 0.03) == (not is_true)


class TestBadInput:
    @pytest.mark.parametrize("option", [{"period_days": 0}, {"period_days": 31, "min_users": 0}])
    def test_no_days_and_no_users_are_refused(self, tmp_path, option):
        with pytest.raises(RetentionError, match="must be at least 1"):
            measure_lives(shop(tmp_path, []), **option)

    def test_users_without_times_of_addition_cannot_be_followed(self, tmp_path):
        event = {"user_id": "a", "occurred_at": at("2 10:00"), "event": "browse"}
        with pytest.raises(RetentionError, match="no column added_at"):
            measure_lives(open_shop(tmp_path, [event]), period_days=31)

    def test_without_times_of_leaving_nobody_has_left(self, tmp_path):
        event = {"user_id": "a", "occurred_at": at("2 10:00"), "event": "browse"}
        users = [{"user_id": "a", "added_at": at("2 10:00")}]
        lives = measure_lives(open_shop(tmp_path, [event], users=users), period_days=31)
        assert counts(lives.known()) == {(4, 0): 1}

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"weeks": []}, r"weeks = \[\] must be one or more"),
            ({"weeks": [13, 4]}, "ascending"),
            ({"weeks": [0, 4]}, "from 1 to 260"),
            ({"weeks": [261]}, "from 1 to 260"),
            ({"holdout_days": 60}, "holdout_days = 60 must be whole weeks of 7 days; use 63"),
            ({"holdout_days": 0}, "use 7"),
            ({"project_days": 90}, "project_days = 90 must be whole weeks of 7 days; use 91"),
        ],
    )
    def test_an_impossible_projection_is_refused_with_its_remedy(self, options, said):
        with pytest.raises(RetentionError, match=said):
            project(made(falling), level=LEVEL, **options)


def falling(week: int) -> float:
    """The share that leaves in a week where people differ: alpha 0.8, beta 4.2."""
    return 0.16 / (1 + 0.2 * (week - 1))


def made(leaving, *, n: int = 1000, youngest: int = 0, oldest: int = 20, **options) -> Lives:
    """As many users per week of entry, of whom in each week the share leaves that is given."""
    rows = []
    for followed in range(youngest, oldest + 1):
        there = n
        for week in range(1, followed + 1):
            gone = round(there * leaving(week))
            rows.append((followed, week, gone))
            there -= gone
        rows.append((followed, 0, there))
    return Lives(
        source="shop",
        first=LAST - dt.timedelta(days=7 * oldest),
        as_of=LAST,
        weeks=pd.DataFrame(rows, columns=["followed", "left_in", "n"]),
        **{"min_users": 30, **options},
    )


class TestProjection:
    def test_it_holds_where_people_differ_and_a_constant_share_does_not(self):
        found = project(made(falling), level=LEVEL)
        holdout = found.holdout
        assert found.outcome == "held"
        assert holdout.expected_lower < holdout.share < holdout.expected_upper
        assert holdout.constant < holdout.expected_lower
        assert holdout.on == LAST - dt.timedelta(days=56)
        assert found.curve.set_index("weeks").loc[52, "projected"] == pytest.approx(0.123, abs=2e-3)

    @pytest.mark.parametrize(
        ("leaving", "is_too_high"),
        [(lambda k: falling(k) + 0.1 * (k > 10), True), (lambda k: falling(k) * (k <= 8), False)],
    )
    def test_it_misses_where_later_weeks_are_unlike_the_earlier(self, leaving, is_too_high):
        found = project(made(leaving), level=LEVEL)
        assert found.outcome == "missed"
        assert (found.holdout.expected > found.holdout.share) == is_too_high

    def test_the_test_uses_only_what_was_known_then_and_each_ones_own_age(self):
        lives = made(falling)
        holdout = project(lives, holdout_days=28, level=LEVEL).holdout
        known, there = lives.known(weeks_ago=4), lives.there(weeks_ago=4)
        n = there["n"].sum()
        model = fit(known)
        expected = predict(model, there["weeks"], there["n"], periods=4, level=LEVEL)
        assert (holdout.n, holdout.stayed) == (n, there["stayed"].sum())
        assert (holdout.expected, holdout.expected_lower, holdout.expected_upper) == pytest.approx(
            np.array(expected) / n
        )
        assert (holdout.lower, holdout.upper) == wilson(holdout.stayed, n, level=LEVEL)
        left = known.loc[known["outcome"] == 1, "n"].sum()
        assert holdout.constant == pytest.approx((1 - left / (known["time"] @ known["n"])) ** 4)
        # What happens since the earlier day moves what came, and nothing that was predicted.
        weeks = lives.weeks
        since = weeks["left_in"] > weeks["followed"] - 4
        nobody = weeks.assign(left_in=weeks["left_in"].mask(since, 0))
        other = project(replace(lives, weeks=nobody), holdout_days=28, level=LEVEL).holdout
        assert other.expected == pytest.approx(holdout.expected)
        assert other.stayed == other.n == holdout.n

    def test_the_curve_is_kaplan_meier_and_ends_where_too_few_were_followed(self):
        lives = made(falling, n=100, min_users=60)
        found = project(lives, level=LEVEL)
        curve = found.curve.set_index("weeks")
        assert curve.index.tolist() == list(range(53))
        expected = cumulative_incidence(lives.known(), level=LEVEL).set_index("time")
        seen = curve.loc[: found.seen_weeks]
        assert seen["share"].tolist() == pytest.approx((1 - expected["incidence"])[seen.index])
        assert seen["share_lower"].iloc[1:].tolist() == pytest.approx(
            (1 - expected["ci_upper"])[seen.index[1:]]
        )
        assert (seen["at_risk"] >= 60).all()
        assert expected["at_risk"][found.seen_weeks + 1] < 60
        later = curve.loc[found.seen_weeks + 1 :]
        assert later[["at_risk", "share", "share_lower"]].isna().all(axis=None)

    def test_weeks_are_observed_projected_or_beyond_what_was_tested(self):
        found = project(made(falling), level=LEVEL)
        states = found.curve.set_index("weeks")["state"]
        assert found.seen_weeks == 20
        assert states[[20, 21, 28, 29]].tolist() == ["observed", "projected", "projected", "beyond"]
        assert found.told_weeks == 26
        assert project(made(falling), weeks=[40, 52], level=LEVEL).told_weeks == 40

    def test_a_pool_observed_longer_than_is_asked_is_shown_whole(self):
        found = project(made(falling), weeks=[4], level=LEVEL)
        assert found.curve["weeks"].max() == 20
        assert found.told_weeks == 4

    def test_weeks_in_which_nothing_happened_have_a_row(self):
        """Everybody followed for 20 weeks, and nobody leaves in the even ones."""
        found = project(
            made(lambda k: falling(k) * (k % 2), youngest=20), weeks=[4], level=LEVEL
        ).curve.set_index("weeks")
        assert found.loc[0, "share"] == 1
        assert found.loc[4, "share"] == found.loc[3, "share"]
        assert found.loc[4, "at_risk"] == round(20_000 * found.loc[3, "share"] / 20)

    def test_those_there_now_are_projected_from_the_weeks_each_has_lived(self):
        lives = made(falling)
        found = project(lives, project_days=28, level=LEVEL)
        there = lives.there()
        model = fit(lives.known())
        kept = survival(model, 4, start=there["weeks"], level=LEVEL)[0]
        assert found.n_there == lives.weeks.loc[lives.weeks["left_in"] == 0, "n"].sum()
        assert found.expected == pytest.approx((kept * there["n"]).sum())
        assert found.expected_lower < found.expected < found.expected_upper

    def test_nobody_left_to_project_for_has_no_number(self):
        """Nobody was added in the last ten weeks; 1,100 were there then, and now fewer."""
        lives = made(falling, n=250, youngest=10)
        then, now = lives.there(weeks_ago=8)["n"].sum(), lives.there()["n"].sum()
        found = project(replace(lives, min_users=int(now + 1)), level=LEVEL)
        assert now + 1 < then
        assert found.outcome == "held"
        assert np.isnan(found.expected)


@pytest.mark.parametrize(
    ("lives", "outcome", "left"),
    [
        (made(falling, n=0), "nobody", 0),
        (made(falling, n=1), "few_users", 0),
        (made(lambda _: 0), "nobody_left", 0),
        (made(lambda _: 0.3, n=10, oldest=3), "few_left", 3 + 5 + 7),
        (made(lambda k: 0.5 * (k == 1)), "left_at_once", 10_000),
        (made(falling, oldest=7), "untested", None),
        (made(lambda k: 0.03 * (k <= 3), n=100, oldest=10), "untested", None),
    ],
)
def test_what_cannot_be_projected_says_why(lives, outcome, left):
    found = project(lives, level=LEVEL)
    assert found.outcome == outcome
    assert found.curve.empty == (outcome != "untested")
    if left is not None:
        assert found.n_left == left
