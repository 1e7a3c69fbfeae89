"""Moves counted by hand, and against accounts drawn up member by member."""

import datetime as dt
import json
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.stats.intervals import wilson
from siyu.studies.naming import EVERYONE
from siyu.studies.tiers import Definition, TierError, find_members, moves
from siyu.studies.tiers.moves.estimate import FLOWS
from siyu.studies.tiers.moves.measures import LEFT, NOT_REVIEWED

from tests.studies.tiers.moves.builders import (
    HOUR,
    MONTHS,
    TIERS,
    ZONE,
    Person,
    account,
    draw,
    ends_of,
    members_of,
    midnight,
    monthly,
    steps,
)

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
LEVEL = 0.95
NUMBERS = ["opening", *FLOWS, "closing", "not_reviewed"]


def closed(folder, people, **given):
    return moves.accounts(moves.measure(members_of(folder, people, **given)))


def test_five_members_close_their_accounts_by_hand(tmp_path):
    people = [
        monthly("og"),  # came up
        monthly("so"),  # went down
        monthly("-s"),  # joined
        monthly("ss", left=midnight(MONTHS[1]) - HOUR),  # reviewed after leaving
        monthly("s-"),  # there, but not reviewed
    ]
    found = closed(tmp_path, people).set_index("tier")[NUMBERS].astype(int)
    assert found.loc["ordinary"].tolist() == [1, 0, 0, 1, 1, 0, 0, 1, 0]
    assert found.loc["silver"].tolist() == [3, 1, 0, 0, 0, 1, 1, 2, 1]
    assert found.loc["gold"].tolist() == [0, 0, 1, 0, 0, 0, 0, 1, 0]
    assert found.loc[EVERYONE].tolist() == [4, 1, 1, 1, 1, 1, 1, 4, 1]


@pytest.mark.parametrize("seed", range(6))
def test_accounts_and_steps_are_those_of_a_count_member_by_member(tmp_path, seed):
    people = draw(seed)
    ends = ends_of(people)
    measured = moves.measure(members_of(tmp_path, people), move_reviews=2)
    assert measured.reviews == MONTHS
    found = moves.accounts(measured).set_index(["review", "tier"])
    for place, day in enumerate(MONTHS[1:], start=1):
        for tier in TIERS:
            by_hand = account(people, ends[place - 1], ends[place], tier)
            assert found.loc[(day, tier), NUMBERS].tolist() == [by_hand[n] for n in NUMBERS]
    names = {LEFT: "left", NOT_REVIEWED: "not_reviewed", -3: None} | dict(enumerate(TIERS))
    rows = measured.steps.astype(int).replace({"earlier": {-1: -3}})
    counted = Counter()
    for row in rows.itertuples():
        counted[row.step, names[row.origin], names[row.to], names[row.earlier]] += row.n
    assert counted == steps(people, ends, 2)


@pytest.mark.parametrize("seed", range(3))
def test_every_account_closes_and_the_tiers_sum_to_all(tmp_path, seed):
    found = closed(tmp_path, draw(seed, n=40))
    came = found[["opening", "joined", "from_below", "from_above"]].sum(axis=1)
    assert (came - found[["went_up", "went_down", "left"]].sum(axis=1) == found["closing"]).all()
    parts = found[found["tier"] != EVERYONE].groupby("review")[NUMBERS].sum()
    whole = found[found["tier"] == EVERYONE].set_index("review")[NUMBERS]
    pd.testing.assert_frame_equal(parts, whole.astype(float))
    assert (whole["from_below"] == whole["went_up"]).all()
    following = found.groupby("tier")["opening"].shift(-1).dropna()
    assert (following == found.loc[following.index, "closing"]).all()


def test_the_order_of_rows_and_other_names_change_nothing(tmp_path):
    people = draw(4)
    folders = [tmp_path / name for name in "ab"]
    for folder in folders:
        folder.mkdir()
    one, other = (
        moves.measure(members_of(folder, given))
        for folder, given in zip(folders, (people, people[::-1]), strict=True)
    )
    for name in ("moved", "gone", "steps", "joined", "histories"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(other, name))
    assert one.counts == other.counts


def test_a_period_opens_the_accounts_at_the_last_round_before_it(tmp_path):
    people = draw(5)
    days = (dt.date(2026, 7, 20) - MONTHS[4]).days + 1
    for name in ("all", "some"):
        (tmp_path / name).mkdir()
    whole = closed(tmp_path / "all", people)
    part = closed(tmp_path / "some", people, period_days=days)
    assert part["review"].unique().tolist() == list(MONTHS[4:])
    kept = whole[whole["review"] >= MONTHS[4]].reset_index(drop=True)
    pd.testing.assert_frame_equal(part, kept)


def test_reviews_that_are_no_move_are_named_and_none_is_lost(tmp_path):
    odd = midnight(MONTHS[2]) + 300 * HOUR
    people = [monthly("sssssss") for _ in range(30)]
    people[0].reviews[odd] = "gold"  # counts with the next round, which has a later one
    people[1].reviews[midnight(MONTHS[6]) + 200 * HOUR] = "gold"  # after the last round
    people[2].left_at = midnight(MONTHS[5])  # of seven reviews two come after it
    measured = moves.measure(members_of(tmp_path, people))
    counts = measured.counts
    assert counts == {
        "reviews": 30 * 7 + 2,
        "strangers": 0,
        "after_leaving": 1,
        "odd": 2,
        "later": 1,
        "repeated": 1,
        "passed": 0,
    }
    held = int(measured.moved["n"].sum())
    # The review at the very moment of leaving is that of no member either.
    assert held == counts["reviews"] - counts["later"] - counts["repeated"] - 2


def test_reviews_of_strangers_and_of_who_came_and_went_are_counted(tmp_path):
    people = [monthly("ss") for _ in range(20)]
    at = midnight(MONTHS[0])
    people.append(Person({at + HOUR: "gold"}, left_at=at + 2 * HOUR))
    people[1].reviews[at + 5 * HOUR] = "silver"  # the round lasts until then
    members_of(tmp_path, people)
    table = pd.read_parquet(tmp_path / "tiers.parquet")
    table.loc[0, "user_id"] = "nobody"
    table.to_parquet(tmp_path / "tiers.parquet", index=False)
    members = find_members(
        open_source(tmp_path), Definition(tiers=TIERS), period_days=365, min_users=1
    )
    counts = moves.measure(members).counts
    assert (counts["strangers"], counts["passed"]) == (1, 1)


def test_days_close_together_are_one_round(tmp_path):
    people = [monthly("ssss") for _ in range(20)]
    for i, one in enumerate(people):
        if i % 2:
            one.reviews = {at + 24 * HOUR: tier for at, tier in one.reviews.items()}
    rounds = members_of(tmp_path, people).rounds
    assert rounds.unit == "day"
    assert rounds.days == tuple(day + dt.timedelta(days=1) for day in MONTHS[:4])


def test_without_common_days_whole_months_are_rounds(tmp_path):
    """Each is reviewed monthly on a day of their own; July is not over."""
    people = [
        Person({midnight(day) + (i % 28) * 24 * HOUR: "silver" for day in MONTHS})
        for i in range(84)
    ]
    people[0].left_at = dt.datetime(2026, 5, 31, 23, tzinfo=ZONE)
    measured = moves.measure(members_of(tmp_path, people))
    assert measured.unit == "month"
    assert measured.reviews == tuple(day - dt.timedelta(days=1) for day in MONTHS[1:])
    found = moves.accounts(measured)
    assert found.loc[found["tier"] == EVERYONE, "closing"].tolist() == [84, 84, 84, 83, 83]
    assert measured.counts["later"] > 0


def test_small_tiers_are_hidden_and_cannot_be_had_by_subtraction(tmp_path):
    people = [monthly("oo") for _ in range(50)] + [monthly("ss") for _ in range(12)]
    people += [monthly("gg") for _ in range(4)]
    found = closed(tmp_path, people, min_users=10).set_index("tier")
    # Gold is small; silver with it, so that the rest of all is no few.
    assert found["closing"].isna().to_dict() == {
        "ordinary": False, "silver": True, "gold": True, EVERYONE: False,
    }  # fmt: skip
    assert found.loc[EVERYONE, "closing"] == 66


def test_histories_sum_to_the_moves(tmp_path):
    people = draw(1)
    measured = moves.measure(members_of(tmp_path, people))
    last = len(measured.reviews) - 1
    moved = measured.moved.query("before >= 0 and round > 0")
    for way, went in (("down", "tier < before"), ("up", "tier > before")):
        own = measured.histories[measured.histories["way"] == way]
        users = own["users"]
        rows = moved.query(went)
        assert users @ (own["last_moved"] + own["moved"]) == rows["n"].sum()
        assert users @ own["last"] == moved.loc[moved["round"] == last, "n"].sum()
        assert users @ own["t"] == ((moved["round"] - last) * moved["n"]).sum()
        assert users @ own["tt"] == ((moved["round"] - last) ** 2 * moved["n"]).sum()
        assert users @ own["t_moved"] == ((rows["round"] - last) * rows["n"]).sum()


def test_too_short_a_log_is_told_and_a_wrong_number_is_an_error(tmp_path):
    members = members_of(tmp_path, [monthly("s") for _ in range(3)])
    measured = moves.measure(members)
    assert moves.accounts(measured).empty
    assert moves.migration(measured, level=LEVEL).empty
    assert moves.chain(measured, level=LEVEL).refused == "none"
    assert moves.measure(replace(members, tiers=())).reviews == ()
    with pytest.raises(TierError, match="move_reviews = 0 must be at least 1"):
        moves.measure(members, move_reviews=0)
    with pytest.raises(TierError, match="basis_days = -1 must be at least 0"):
        moves.measure(members, basis_days=-1)


@pytest.fixture(scope="module")
def truths():
    stored = json.loads((SAMPLE / "truth.json").read_text("utf-8"))["truths"]
    return {
        one["id"].removeprefix("tiering.move."): one
        for one in stored
        if one["id"].startswith("tiering.move.")
    }


def test_the_moves_planted_in_the_sample_are_found(truths):
    assert len(truths) == 16
    (begin, end), *others = {tuple(one["settings"]["reviews"]) for one in truths.values()}
    assert not others
    members = find_members(open_source(SAMPLE, as_of=end), Definition(), period_days=365)
    measured = moves.measure(members, move_reviews=3)
    assert [measured.reviews[-4].isoformat(), measured.reviews[-1].isoformat()] == [begin, end]
    found = moves.migration(measured, level=LEVEL)
    found = found[found["destination"].isin(measured.tiers)]
    planted = [truths[f"{row.origin}.{row.destination}"]["value"] for row in found.itertuples()]
    lower, upper = wilson(found["n"], found["n_there"], level=LEVEL ** (1 / 16))
    assert ((lower <= planted) & (planted <= upper)).all()
    assert np.allclose(found.groupby("origin")["share"].sum(), 1)


def test_rounds_that_know_only_a_part_of_the_spend_are_in_no_comparison(tmp_path):
    """In the first 90 days of the log nobody can fall; from then on three in ten always do."""
    rng = np.random.default_rng(3)
    people = []
    for _ in range(300):
        later = "".join("s" if fell else "g" for fell in rng.random(3) < 0.3)
        people += [monthly("gggg" + later), monthly("ssss" + later)]
    members = members_of(tmp_path, people, min_users=30)
    told = {"high_tiers": ["gold"], "level": LEVEL}
    young, whole = (
        moves.changes(moves.measure(members, basis_days=days), **told)
        .set_index(["tier", "way"])
        .loc[("gold", "down")]
        for days in (0, 90)
    )
    assert young["verdict"] == "more"
    assert young["rate_earlier"] < 0.2
    assert whole["verdict"] == "unclear"
    assert whole["rate_earlier"] == pytest.approx(0.3, abs=0.05)
    assert whole["moved_rate"] == young["moved_rate"]
    measured = moves.measure(members, basis_days=90)
    said = moves.say_rates(measured, moves.changes(measured, **told), **told)
    assert "Moves up to the review of 1 Apr 2026 are in no comparison" in said
