"""Lots for fresh customers: who may be drawn, equal sizes, the same draw again, and the list."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from siyu.findings import to_json
from siyu.language import speaking
from siyu.studies.lures import LureError
from siyu.studies.lures import draw as lots
from siyu.studies.lures.draw.balance import compare_arms
from siyu.studies.lures.draw.draw import deal

from tests.studies.lures.pools import at, drawn, exposed, pool

ARMS = ("a", "b", "c")


def crowd(n=100, *, channels=("social", "online"), backwards=False):
    """Fresh people, each exposed on 25 March, unequally many by channel."""
    users = [
        {"user_id": f"{i:04}", "channel": channels[i % 7 % len(channels)], "gender": "f" * (i % 2)}
        for i in range(n)
    ]
    events = [row for user in users for row in exposed(user["user_id"], 25)]
    return (users[::-1], events[::-1]) if backwards else (users, events)


def read(folder):
    return pd.read_csv(folder / "lure_draw_2026-03-31.csv", dtype=str)


@pytest.fixture
def handover(tmp_path):
    return tmp_path / "handover"


def make(tmp_path, **other):
    return lots.draw(pool(tmp_path, *crowd()), **({"arms": ARMS, "seed": 1} | other))


def test_each_user_is_left_out_for_one_reason_or_drawn(tmp_path, handover):
    users = [
        {"user_id": "left", "added_at": at(3), "left_at": at(9)},
        {"user_id": "member", "added_at": at(3)},
        {"user_id": "lured"},
        {"user_id": "tested"},
        {"user_id": "given", "lure": "physical"},
        {"user_id": "unseen"},
        {"user_id": "long ago"},
        {"user_id": "fresh"},
        {"user_id": "fresh too"},
    ]
    events = [
        row
        for name in ("left", "member", "lured", "tested", "given", "fresh", "fresh too")
        for row in exposed(name, 2, 28)
    ]
    events += exposed("long ago", 2)
    assignments = [
        drawn("lured", 5),
        drawn("lured", 6, arm="none", experiment="push"),
        drawn("tested", 5, arm="push"),
        drawn("left", 2),
    ]
    found = lots.draw(
        pool(tmp_path, users, events, assignments), arms=("a", "b"), seed=1, by=(),
        handover_dir=str(handover),
    )  # fmt: skip
    assert dict(found.excluded.itertuples(index=False)) == {
        "left": 1, "member": 1, "lure": 2, "drawn": 1, "unexposed": 1, "stale": 1
    }  # fmt: skip
    assert set(read(handover)["user_id"]) == {"fresh", "fresh too"}
    assert found.n + found.excluded["n"].sum() == len(users)


@pytest.mark.parametrize("n", [99, 100, 101, 7])
@pytest.mark.parametrize("seed", range(4))
def test_arms_differ_by_one_at_most_in_each_stratum_and_in_all(tmp_path, handover, n, seed):
    shop = pool(tmp_path, *crowd(n, channels=("social", "online", "offline")))
    lots.draw(shop, arms=ARMS, seed=seed, handover_dir=str(handover))
    table = read(handover)
    counts = pd.crosstab(table["stratum"], table["arm"])
    assert (np.ptp(counts.to_numpy(), axis=1) <= 1).all()
    assert np.ptp(counts.sum()) <= 1
    assert counts.to_numpy().sum() == n
    assert table["user_id"].is_unique


def test_the_same_seed_draws_the_same_in_whatever_order_rows_stand(tmp_path):
    lists = []
    for name, backwards, seed in (("one", False, 1), ("two", True, 1), ("three", False, 2)):
        (tmp_path / name).mkdir()
        shop = pool(tmp_path / name, *crowd(backwards=backwards))
        lots.draw(shop, arms=ARMS, seed=seed, handover_dir=str(tmp_path / name / "handover"))
        lists.append(read(tmp_path / name / "handover"))
    pd.testing.assert_frame_equal(lists[0], lists[1])
    assert (lists[0]["arm"] != lists[2]["arm"]).any()


def test_every_person_is_in_every_arm_equally_often_and_the_rest_falls_on_any_arm():
    """Three hundred draws of ten people in two strata of seven and three, into three arms."""
    people = pd.DataFrame({"user_id": range(10), "channel": ["x"] * 7 + ["y"] * 3})
    arms, draws = np.array(ARMS), 300
    counts, larger = np.zeros((10, 3)), np.zeros(3)
    for seed in range(draws):
        arm = deal(people, ARMS, ["channel"], np.random.default_rng(seed))["arm"].to_numpy()
        own = arm[:, None] == arms
        counts += own
        larger += own.sum(axis=0) > 3
    error = np.sqrt(draws * 1 / 3 * 2 / 3)
    assert (np.abs(counts - draws / 3) < 4 * error).all()
    assert larger.sum() == draws
    assert (np.abs(larger - draws / 3) < 4 * error).all()


def test_strata_are_channels_where_there_are_any_unless_told_otherwise(tmp_path):
    users, events = crowd()
    told = make(tmp_path).sizes
    assert told.equals(make(tmp_path, by=["channel"]).sizes)
    for user in users:
        del user["channel"]
    bare = pool(tmp_path, users, events)
    one = lots.draw(bare, arms=ARMS, seed=1)
    assert one.sizes.equals(lots.draw(bare, arms=ARMS, seed=1, by=()).sizes)


def test_as_many_as_are_wanted_are_chosen_by_lot_and_not_the_first(tmp_path, handover):
    found = make(tmp_path, per_arm=10, handover_dir=str(handover))
    assert (found.n, found.fresh) == (30, 100)
    ids = read(handover)["user_id"].astype(int)
    assert ids.max() > 60
    assert ids.is_monotonic_increasing


def test_strata_smaller_than_the_number_of_arms_are_dealt_together(tmp_path, handover):
    users, events = crowd(60)
    for i, channel in enumerate(("x", "y", "y")):
        users[i]["channel"] = channel
    lots.draw(pool(tmp_path, users, events), arms=ARMS, seed=1, handover_dir=str(handover))
    small = read(handover).query("user_id < '0003'")
    assert set(small["stratum"]) == {"(rest)"}
    assert set(small["arm"]) == set(ARMS)


def test_a_missing_value_is_a_stratum_of_its_own(tmp_path, handover):
    users, events = crowd(40)
    for row in users[:10]:
        row["channel"] = None
    lots.draw(pool(tmp_path, users, events), arms=ARMS, seed=1, handover_dir=str(handover))
    assert (read(handover)["stratum"] == "(unknown)").sum() == 10


def test_few_persons_are_not_shown_and_none_is_named(tmp_path):
    found = make(tmp_path)
    assert (found.sizes["n"] >= 30).all()
    shown = pd.concat([found.sizes, found.excluded, found.covariates]).astype(str)
    assert not shown.isin([f"{i:04}" for i in range(100)]).any(axis=None)
    assert found.file == ""
    assert not list(tmp_path.rglob("*.csv"))


def test_arms_that_differ_are_told_by_the_standardised_difference_by_hand():
    people = pd.DataFrame({"arm": ["a"] * 50 + ["b"] * 50, "exposures": 1, "exposed_days_ago": 1})
    people["gender"] = np.where(np.arange(100) < 60, "f", "m")  # all of a, ten of b
    found = compare_arms(people, ("a", "b"), names=["gender"], min_users=30)
    row = found.set_index("covariate").loc["gender"]
    assert row["difference"] == pytest.approx(0.8 / np.sqrt(0.2 * 0.8 / 2))
    # Four comparisons: f, m and both numbers; z of .05 / 8 is 2.4977.
    assert row["limit"] == pytest.approx(2.4977 * np.sqrt(2 / 50), abs=1e-4)


@pytest.mark.slow
def test_the_limit_is_exceeded_somewhere_in_one_draw_of_twenty():
    """Three Monte Carlo errors around .05; the limit of a single comparison is no limit at all."""
    rng, draws, beyond, naive = np.random.default_rng(3), 400, 0, 0
    for _ in range(draws):
        people = pd.DataFrame(
            {
                "arm": rng.permutation(["a", "b", "c"] * 60),
                "exposures": rng.poisson(2, 180),
                "exposed_days_ago": rng.integers(0, 14, 180),
                "gender": rng.choice(["f", "m"], 180),
                "city": rng.choice(["1", "2", "3"], 180),
            }
        )
        found = compare_arms(people, ARMS, names=["gender", "city"], min_users=30)
        beyond += (found["difference"] > found["limit"]).any()
        naive += (found["difference"] > 1.96 * np.sqrt(2 / 60)).any()
    assert abs(beyond / draws - 0.05) <= 3 * np.sqrt(0.05 * 0.95 / draws)
    assert naive / draws > 0.3


@pytest.mark.parametrize(
    "folder", ["reports", "reports/handover", "handover/reports", "elsewhere", "."]
)
def test_a_list_of_persons_lies_nowhere_else(tmp_path, folder):
    with pytest.raises(LureError, match="handover_dir"):
        make(tmp_path, handover_dir=str(tmp_path / folder))


def test_a_link_into_reports_is_seen_through(tmp_path):
    (tmp_path / "reports").mkdir()
    (tmp_path / "handover").symlink_to(tmp_path / "reports")
    with pytest.raises(LureError, match="lies under reports"):
        make(tmp_path, handover_dir=str(tmp_path / "handover"))


def test_a_folder_that_git_would_take_up_is_refused(tmp_path):
    (tmp_path / ".git").mkdir()
    with pytest.raises(LureError, match="which git ignores"):
        make(tmp_path, handover_dir=str(tmp_path / "notebooks" / "handover"))
    assert make(tmp_path, handover_dir=str(tmp_path / "handover" / "march")).file


def test_another_draw_of_the_same_day_is_not_overwritten(tmp_path, handover):
    make(tmp_path, handover_dir=str(handover))
    make(tmp_path, handover_dir=str(handover))
    with pytest.raises(LureError, match="holds another draw"):
        make(tmp_path, handover_dir=str(handover), seed=2)


def test_where_nobody_s_channel_is_known_lots_are_drawn_without_strata(tmp_path):
    users, events = crowd()
    users = [{"user_id": one["user_id"]} for one in users]
    found = lots.draw(pool(tmp_path, users, events), arms=ARMS, seed=1)
    assert found.n == 100
    assert len(set(found.sizes["stratum"])) == 1
    assert sorted(found.sizes["n"]) == [33, 33, 34]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"arms": ("a",)}, "two or more different names"),
        ({"arms": ("a", "a")}, "two or more different names"),
        ({"arms": "ab"}, "two or more different names"),
        ({"seed": -1}, "seed = -1"),
        ({"per_arm": -1}, "per_arm = -1"),
        ({"min_users": 0}, "min_users = 0"),
        ({"fresh_days": 0}, "fresh_days = 0"),
        ({"by": ("colour",)}, "'colour' is no column"),
        ({"by": ("user_id",)}, "'user_id' is no column"),
    ],
)
def test_what_cannot_be_is_refused(tmp_path, wrong, said):
    with pytest.raises(LureError, match=said):
        make(tmp_path, **wrong)


def test_without_events_or_with_nobody_fresh_nothing_is_drawn(tmp_path, handover):
    (tmp_path / "none").mkdir()
    silent = lots.draw(pool(tmp_path / "none", crowd()[0]), arms=ARMS, seed=1)
    users = [{"user_id": str(i), "added_at": at(2)} for i in range(9)]
    events = [row for user in users for row in exposed(user["user_id"], 25)]
    members = lots.draw(
        pool(tmp_path, users, events), arms=ARMS, seed=1, by=(), handover_dir=str(handover)
    )
    assert (silent.refused, members.refused) == ("events", "few")
    assert not handover.exists()
    for found in (silent, members):
        assert lots.conclude(found)[0].status == "insufficient"
        assert "Nobody can be drawn" in lots.say_draw(found)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_draw_is_told_in_both_languages(tmp_path, handover, language):
    found = make(tmp_path, handover_dir=str(handover))
    with speaking(language):
        said, picture = lots.say_draw(found), lots.draw_balance(found)
        to_json(lots.conclude(found), notebook="x", as_of="2026-03-31", source="s", parameters={})
    assert "lure_draw_2026-03-31.csv" in said
    assert str(handover) not in said
    assert picture.undrawn == ""


def test_arms_that_differ_by_more_than_chance_are_named(tmp_path):
    found = make(tmp_path)
    apart = found.covariates.assign(difference=9.0)
    other = type(found)(**{**vars(found), "covariates": apart})
    assert "by more than chance usually allows in gender" in lots.say_draw(other)
