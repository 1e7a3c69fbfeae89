"""What each person brings: by hand, against a slow count, and what is refused."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from siyu.language import LANGUAGES, speaking
from siyu.stats.count_means import count_mean
from siyu.studies.referral import spread

from tests.studies.referral.builders import (
    DAY,
    HOUR,
    LAST,
    OPENS,
    START,
    family,
    grow,
    invite,
    invites_of,
    user,
)

LEVEL = 0.95


def found_of(folder, tables, **asked):
    measures = spread.measure(invites_of(folder, tables, **asked))
    return measures, spread.spread(measures, level=LEVEL)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """K is 0.5, and what each seed brings too."""
    return found_of(tmp_path_factory.mktemp("many"), grow(), min_users=30)


def row_of(found, group, campaign="tea"):
    table = found.table.set_index(["campaign", "group"])
    return table.loc[(campaign, group)]


def test_k_by_hand(tmp_path):
    """Of three seeds a brings d in time, b brings f too late; of d, e and f, d brings e in time.

    x, of someone who came late, was added 31 days on: not in the first 30.
    """
    measures, found = found_of(tmp_path, family())
    seeds, friends = row_of(found, "seeds"), row_of(found, "friends")
    assert (seeds["n"], friends["n"]) == (3, 3)
    assert (seeds["k"], friends["k"]) == (pytest.approx(1 / 3), pytest.approx(1 / 3))
    # a 2, b 3 (to e, a and f); two of these five brought a new member, one of the two in time
    assert seeds["invitations"] == pytest.approx(5 / 3)
    assert seeds["acceptance"] == pytest.approx(2 / 5)
    assert seeds["in_time"] == pytest.approx(1 / 2)
    assert measures.campaigns[["late", "immature"]].values.tolist() == [[1, 0]]


def test_k_is_the_product_of_its_parts(many):
    _, found = many
    told = found.table[found.table["refused"] == ""]
    product = told["invitations"] * told["acceptance"] * told["in_time"]
    np.testing.assert_allclose(product, told["k"])


def test_everybody_counts_once_and_k_is_a_slow_count(tmp_path, many):
    tables = grow()
    measures, found = many
    since = {each["user_id"]: each["added_at"] for each in tables["users"]}
    since |= {name: OPENS for name in since if name.startswith("s")}
    brought = dict.fromkeys(since, 0)
    for row in tables["invites"]:
        if row["invitee_id"] and row["accepted_at"] - since[row["inviter_id"]] <= 14 * DAY:
            brought[row["inviter_id"]] += 1
    own = [
        brought[name]
        for name, at in since.items()
        if name.startswith("f") and at < OPENS + 30 * DAY and at + 14 * DAY <= LAST
    ]
    friends = row_of(found, "friends")
    assert friends["n"] == len(own)
    assert friends["k"] == pytest.approx(np.mean(own))
    assert row_of(found, "seeds")["n"] == 600
    people = measures.people
    assert people.loc[people["generation"] == 0, "n"].sum() == 600


def test_generations_sum_to_all_friends(many):
    _, found = many
    own = found.table.set_index("group")
    generations = own.loc[[name for name in own.index if name[0].isdigit()]]
    assert len(generations) > 1
    assert generations.index[-1].endswith("+")
    assert generations["n"].sum() == own.loc["friends", "n"]
    assert generations["n"].min() >= 30
    assert generations["k"] @ generations["n"] == pytest.approx(
        own.loc["friends", "k"] * own.loc["friends", "n"]
    )


def test_the_truths_of_a_drawn_campaign_lie_in_their_intervals(many):
    _, found = many
    friends, shape = row_of(found, "friends"), found.shapes.iloc[0]
    assert friends["k_lower"] < 0.5 < friends["k_upper"]
    assert shape["shape_lower"] < 0.7 < shape["shape_upper"]
    assert shape["invitations_lower"] < 2 < shape["invitations_upper"]
    whole = found.answers[found.answers["channel"] == "all"].iloc[0]
    assert whole["share_lower"] < 0.25 < whole["share_upper"]
    assert found.verdicts["verdict"].tolist() == ["below"]


@pytest.mark.parametrize(
    ("brought", "verdict"), [(0, "below"), (1, "unclear"), (2, "above"), (None, "few")]
)
def test_a_verdict_needs_the_whole_interval_on_one_side(tmp_path, brought, verdict):
    """Of 60 friends of one seed each brings as many; K is judged against 1."""
    users, rows = [user("a", START)], [invite("a", None, OPENS + DAY)]
    for i in range(60 if brought is not None else 5):
        friend, at = f"f{i:02d}", OPENS + DAY
        users.append(user(friend, at))
        rows.append(invite("a", friend, at, at))
        for j in range(2 * brought * (i % 2) if brought else 0):
            # Half of them bring twice as many; those came too lately to be asked.
            users.append(user(f"{friend}{j}", at + 2 * DAY))
            rows.append(invite(friend, f"{friend}{j}", at + DAY, at + 2 * DAY))
    tables = {"users": users, "invites": rows}
    _, found = found_of(tmp_path, tables, min_users=30, arriving_days=2)
    assert found.verdicts["verdict"].tolist() == [verdict]
    told = found.verdicts.iloc[0]
    if verdict != "few":
        assert told["k"] == brought
        assert (told["k_lower"] < 1 < told["k_upper"]) == (verdict == "unclear")


def test_who_was_not_followed_for_a_cycle_is_left_out_and_told(tmp_path):
    """d came with two weeks to go and brought e; g came ten days ago, and brought nobody yet."""
    users = [user("a", START), user("d", LAST - 20 * DAY), user("e", LAST - 15 * DAY)]
    users.append(user("g", LAST - 10 * DAY))
    rows = [
        invite("a", "d", LAST - 21 * DAY, LAST - 20 * DAY),
        invite("d", "e", LAST - 16 * DAY, LAST - 15 * DAY),
        invite("d", "g", LAST - 11 * DAY, LAST - 10 * DAY),
    ]
    measures, found = found_of(tmp_path, {"users": users, "invites": rows})
    told = found.verdicts.iloc[0]
    assert (told["n"], told["k"]) == (2, 1)
    assert told["k_everyone"] == pytest.approx(2 / 3)
    assert told["immature"] == 1
    assert "1 friend not yet followed" in spread.say_k(measures, found, level=LEVEL)


def test_seeds_of_a_young_campaign_and_of_one_already_running_are_refused(tmp_path):
    young, cut = tmp_path / "young", tmp_path / "cut"
    for folder, at in ((young, LAST - 5 * DAY), (cut, START + DAY / 3)):
        folder.mkdir()
        users = [user("a", START - DAY), user("d", at)]
        rows = [invite("a", "d", at, at)]
        _, found = found_of(folder, {"users": users, "invites": rows})
        assert row_of(found, "seeds")["refused"] == {young: "immature", cut: "cut"}[folder]


def test_channels_are_compared_with_all_others_and_few_share_a_name(tmp_path):
    """Of 50 inviters by posters each invitation brings somebody, of 40 online none; 3 are few."""
    users, rows = [], []
    for i, channel in enumerate(["offline"] * 50 + ["online"] * 40 + ["social"] * 3):
        name, at = f"s{i:02d}", OPENS + DAY
        users.append(user(name, START) | {"channel": channel})
        for j in range(2):
            friend = f"f{i:02d}{j}" if channel == "offline" else None
            rows.append(invite(name, friend, at, at if friend else None))
            users += [user(friend, at)] if friend else []
    measures, found = found_of(tmp_path, {"users": users, "invites": rows}, min_users=30)
    own = found.answers.set_index("channel")
    assert own.index.tolist() == ["all", "offline"]  # the three hide behind those online
    assert own.loc["offline", "share"] == 1
    assert own.loc["offline", "difference_lower"] > 0.8
    assert "offline" in spread.say_answers(found, level=LEVEL)
    assert measures.answers["channel"].nunique() == 2


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["many", "family", "none", "few", "open"])
def test_everything_can_be_said_drawn_and_concluded(tmp_path, many, language, kind):
    measures, found = many
    if kind == "family":
        measures, found = found_of(tmp_path, family())
    elif kind == "none":
        measures, found = found_of(tmp_path, {"users": family()["users"]})
    elif kind == "few":
        measures, found = found_of(tmp_path, family(), min_users=30)
    elif kind == "open":  # all invitations are
        at = OPENS + HOUR
        users = [user(f"s{i}", START) for i in range(40)]
        rows = [invite(f"s{i}", None, at) for i in range(20)]
        measures, found = found_of(tmp_path, {"users": users, "invites": rows}, min_users=30)
    with speaking(language):
        assert spread.headline(measures, found)
        said = [
            spread.say_k(measures, found, level=LEVEL),
            spread.say_parts(measures, found, level=LEVEL),
            spread.say_shapes(measures, found, level=LEVEL),
            spread.say_answers(found, level=LEVEL),
        ]
        assert not any("nan" in one for one in said)
        for draw in (spread.draw_k, spread.draw_parts, spread.draw_answers):
            assert draw(measures, found, level=LEVEL).alt
        assert spread.draw_invitations(measures, found, level=LEVEL).alt
        told = spread.conclude(measures, found, level=LEVEL)
    status = {one.status for one in told}
    assert (
        status
        == {
            "many": {"info"},
            "family": {"info"},
            "none": {"insufficient"},
            "few": {"insufficient"},
            "open": {"insufficient", "info"},
        }[kind]
    )


def test_the_worked_numbers_are_those_of_the_generic_mean(many):
    measures, found = many
    own = measures.people[measures.people["generation"] == 0]
    other = count_mean(own["in_time"], own["n"], level=LEVEL)
    seeds = row_of(found, "seeds")
    assert (seeds["k"], seeds["k_lower"], seeds["k_upper"]) == pytest.approx(
        (other.mean, other.ci_lower, other.ci_upper)
    )


def test_shifted_days_change_nothing(tmp_path, many):
    tables = grow()
    instants = ("added_at", "invited_at", "accepted_at")
    moved = {
        name: [
            row | {at: row[at] + 7 * DAY for at in instants if row.get(at) is not None}
            for row in rows
        ]
        for name, rows in tables.items()
    }
    _, found = found_of(tmp_path, moved, min_users=30, arriving_days=20)
    folder = tmp_path / "again"
    folder.mkdir()
    _, before = found_of(folder, tables, min_users=30, arriving_days=20)
    ours, theirs = (
        one.table[one.table["group"] == "friends"].drop(columns="campaign")
        for one in (found, before)
    )
    pd.testing.assert_frame_equal(ours, theirs)
