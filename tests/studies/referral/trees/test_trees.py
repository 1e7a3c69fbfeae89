"""How trees grow: by hand, against slow walks, refused where the sum has no bound, and decided."""

from __future__ import annotations

import numpy as np
import pytest
from siyu.language import LANGUAGES, speaking
from siyu.stats.count_means import CountMean
from siyu.studies.referral import spread, trees
from siyu.studies.referral.trees.choices import total_per_seed

from tests.studies.referral.builders import DAY, OPENS, family, grow, invite, invites_of, user

LEVEL, MARGIN = 0.95, (25.0, 25.0, 25.0)


def worth_of(shown, margin=MARGIN):
    return dict.fromkeys(shown.verdicts["campaign"], margin)


def found_of(folder, tables, *, margin=MARGIN, margins=None, **asked):
    invites = invites_of(folder, tables, **asked)
    people = spread.measure(invites)
    measures, shown = trees.measure(invites, people), spread.spread(people, level=LEVEL)
    return (
        measures,
        shown,
        trees.grow(measures, shown, level=LEVEL, margins_cny=margins or worth_of(shown, margin)),
    )


def two_campaigns(second: dict[str, object]):
    """A campaign in which K is 0.5, and another one later."""
    tables, other = grow(), grow(9, seeds=400, **second)
    named = [
        row
        | {"inviter_id": "x" + row["inviter_id"], "campaign": "coffee"}
        | {"invitee_id": "x" + row["invitee_id"] if row["invitee_id"] else None}
        for row in other["invites"]
    ]
    users = [row | {"user_id": "x" + row["user_id"]} for row in other["users"]]
    return {"users": tables["users"] + users, "invites": tables["invites"] + named}


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    return found_of(tmp_path_factory.mktemp("many"), grow(), min_users=30)


def test_trees_by_hand(tmp_path):
    """a > d > e, b > f, c alone; x came of someone who was no seed."""
    measures, _, found = found_of(tmp_path, family())
    assert measures.seeds[["friends", "n"]].values.tolist() == [[0, 1], [1, 1], [2, 1]]
    assert measures.generations[["first", "last", "n"]].values.tolist() == [[1, 1, 3], [2, 2, 1]]
    # d's tree holds e; those of e and f hold themselves; x came after the first 30 days
    assert measures.sizes[["first", "n"]].values.tolist() == [[1, 2], [2, 1]]
    assert measures.rewards[["paid_cny", "brought", "late"]].values.tolist() == [[30, 4, 1]]
    # d was added an hour after a's invitation, and e accepted three days less an hour later
    assert measures.arrivals["days"].tolist() == [pytest.approx(3 - 1 / 24)]
    total = found.totals.iloc[0]
    assert (total["deepest"], total["seen"]) == (2, 2)  # six in the trees of three seeds
    assert total["reward_cny"] == pytest.approx(7.5)


def test_sizes_of_trees_are_those_of_a_slow_walk(tmp_path):
    tables = grow(3, seeds=200, share=0.4)
    measures, _, _ = found_of(tmp_path, tables, arriving_days=None)
    below: dict[str, list[str]] = {}
    for row in tables["invites"]:
        if row["invitee_id"]:
            below.setdefault(row["inviter_id"], []).append(row["invitee_id"])

    def size(name):
        return 1 + sum(map(size, below.get(name, [])))

    sizes = [size(each["user_id"]) for each in tables["users"] if each["user_id"][0] == "f"]
    for row in measures.sizes.itertuples():
        assert row.n == sum(row.first <= one <= row.last for one in sizes)
    assert measures.sizes["n"].sum() == len(sizes)
    friends = measures.seeds["friends"] @ measures.seeds["n"]
    assert friends == measures.generations["n"].sum() == len(sizes)


def test_the_total_is_the_sum_of_all_generations():
    """0.2 + 0.2 x 0.6 + 0.2 x 0.6² ... = 0.2 / 0.4; the ends by MOVER on the logarithms."""
    seeds = CountMean(mean=0.2, ci_lower=0.1, ci_upper=0.4, variance=1, degrees=9, n=9)
    friends = CountMean(mean=0.6, ci_lower=0.5, ci_upper=0.8, variance=1, degrees=9, n=9)
    total, lower, upper = total_per_seed(seeds, friends)
    assert total == pytest.approx(1.5)
    assert lower == pytest.approx(1 + 0.5 * np.exp(-np.hypot(np.log(2), np.log(1.25))))
    assert upper == pytest.approx(1 + 0.5 * np.exp(np.hypot(np.log(2), np.log(2))))


def test_a_drawn_campaign_ends_as_its_truths_say(many):
    """K and K0 are 0.5: one seed makes two people in the end."""
    measures, _, found = many
    total = found.totals.iloc[0]
    assert total["total_lower"] < 2 < total["total_upper"]
    assert total["seen"] == pytest.approx(1 + measures.generations["n"].sum() / 600)
    assert (total["end_chance"], total["end_chance_lower"]) == (1, 1)
    time = found.times.iloc[0]
    rng = np.random.default_rng(1)
    days = rng.lognormal(0, 0.7, 200_000) + rng.lognormal(-1, 0.7, 200_000)
    assert time["cycle_days_lower"] <= np.median(days) <= time["cycle_days_upper"]
    path = found.paths[found.paths["campaign"] == "tea"]
    assert path["brought"].iloc[-1] == pytest.approx(
        spread_k(measures), abs=0.03
    )  # K, but for friends not followed for all of the cycle


def spread_k(measures):
    people = measures.spread.people
    own = people[people["generation"] > 0]
    return np.average(own["in_time"], weights=own["n"])


def test_without_a_whole_interval_below_one_there_is_no_total(tmp_path):
    """K is 1 in one campaign, and 1.6 in another."""
    for name, mean, refused in (("near", 4.0, "unclear"), ("above", 6.4, "above")):
        folder = tmp_path / name
        folder.mkdir()
        tables = grow(5, seeds=80, mean=mean)
        friends = sorted({row["invitee_id"] for row in tables["invites"] if row["invitee_id"]})
        assert len(friends) > 30
        measures, _, found = found_of(folder, tables, min_users=20, arriving_days=4)
        total = found.totals.iloc[0]
        assert total["refused"] == refused
        assert np.isnan(total["total"])
        assert total["end_chance"] <= 1
        (told,) = (
            one
            for one in trees.conclude(measures, found, level=LEVEL)
            if ".total_per_seed." in one.id
        )
        assert told.status == "insufficient"
        assert found.choices["verdict"].tolist() == ["watch"]


@pytest.mark.parametrize(
    ("second", "tea", "coffee", "verdicts"),
    [
        ({"mean": 0.4}, MARGIN, MARGIN, ("lead", "less")),
        ({"mean": 2.0}, MARGIN, MARGIN, ("tie", "tie")),
        ({"mean": 2.0}, (-2.0, -3.0, -1.0), (-2.0, -3.0, -1.0), ("stop", "stop")),
        # Fewer come of coffee, but each of them is worth far more.
        ({"mean": 0.4}, (0.1, 0.05, 0.2), (25.0, 20.0, 30.0), ("less", "lead")),
        # How much each is worth is so uncertain that friends alone do not tell.
        ({"mean": 0.4}, (5.0, 0.1, 40.0), (5.0, 0.1, 40.0), ("tie", "tie")),
        ({"mean": 2.0}, (1.0, -1.0, 3.0), MARGIN, ("unclear", "lead")),
        ({"mean": 2.0}, (-1.0, -3.0, 0.5), (-1.0, -np.inf, np.inf), ("unclear", "unclear")),
    ],
)
def test_more_seeds_go_where_they_are_clearly_worth_most(tmp_path, second, tea, coffee, verdicts):
    """Seeds of one are members then, and so of the other, too."""
    margins = {"tea": tea, "coffee": coffee}
    measures, _, found = found_of(tmp_path, two_campaigns(second), margins=margins, min_users=30)
    rows = found.choices.set_index("campaign").loc[["tea", "coffee"]]
    assert tuple(rows["verdict"]) == verdicts
    np.testing.assert_allclose(rows["worth_cny"], rows["friends"] * [tea[0], coffee[0]])
    assert (rows["worth_cny_lower"] <= rows["worth_cny"]).all()
    assert (rows["worth_cny"] <= rows["worth_cny_upper"]).all()
    told = trees.conclude(measures, found, level=LEVEL)
    acting = {one.segment["campaign"] for one in told if one.worth_cny is not None}
    assert acting == {name for name, one in rows["verdict"].items() if one in ("lead", "tie")}
    for language in LANGUAGES:
        with speaking(language):
            said = trees.say_choices(measures, found, level=LEVEL)
            assert trees.headline(measures, found)
            assert "inf" not in said
            assert "nan" not in said


def test_the_headline_says_more_than_elsewhere_only_where_there_is_an_elsewhere(tmp_path):
    """Of a campaign that alone pays nobody can say that it brings more than the others."""
    for tea, said in (((-2.0, -3.0, -1.0), "the only campaign"), ((0.1, 0.1, 0.1), "clearly more")):
        folder = tmp_path / said
        folder.mkdir()
        margins = {"tea": tea, "coffee": MARGIN}
        measures, _, found = found_of(
            folder, two_campaigns({"mean": 0.4}), margins=margins, min_users=30
        )
        assert said in trees.headline(measures, found)


def test_who_costs_more_than_worth_is_not_to_run_on_however_many_come(tmp_path):
    """K is 1, so what a seed brings is not told; each new member loses two yuan all the same."""
    tables = grow(5, seeds=80, mean=4.0)
    asked = {"min_users": 20, "arriving_days": 4}
    measures, _, found = found_of(tmp_path, tables, margin=(-2.0, -3.0, -1.0), **asked)
    row = found.choices.iloc[0]
    assert (row["verdict"], np.isnan(row["friends"])) == ("stop", True)
    said = trees.say_choices(measures, found, level=LEVEL)
    assert "costs 2.00 yuan more than one is worth (95% CI 1.00 to 3.00" in said
    assert "Lower the reward, or end it." in said
    with speaking("zh"):
        assert "高出 2.00 元" in trees.say_choices(measures, found, level=LEVEL)
    (told,) = (one for one in trees.conclude(measures, found, level=LEVEL) if ".choice." in one.id)
    assert (told.status, told.value) == ("insufficient", None)
    assert told.action == "Lower the reward, or end it."


def test_a_campaign_whose_friends_are_worth_nobody_knows_what_is_not_chosen(many):
    measures, shown, _ = many
    found = trees.grow(measures, shown, level=LEVEL, margins_cny={})
    assert set(found.choices["verdict"]) == {"watch"}


def test_the_same_people_give_the_same_numbers(many):
    measures, shown, found = many
    again = trees.grow(measures, shown, level=LEVEL, margins_cny=worth_of(shown))
    assert again.totals.equals(found.totals)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", ["many", "family", "none", "few", "idle"])
def test_everything_can_be_said_drawn_and_concluded(tmp_path, many, language, kind):
    measures, shown, found = many
    if kind == "family":
        measures, shown, found = found_of(tmp_path, family())
    elif kind == "none":
        measures, shown, found = found_of(tmp_path, {"users": family()["users"]})
    elif kind == "few":
        measures, shown, found = found_of(tmp_path, family(), min_users=30)
    elif kind == "idle":  # invitations of which nothing came
        rows = [row | {"invitee_id": None, "accepted_at": None} for row in family()["invites"]]
        rows = [row for row in rows if row["inviter_id"] in "ab"]
        tables = family() | {"invites": rows}
        measures, shown, found = found_of(tmp_path, tables)
    with speaking(language):
        assert trees.headline(measures, found)
        said = [
            trees.say_times(measures, found, level=LEVEL),
            trees.say_totals(measures, found, level=LEVEL),
            trees.say_choices(measures, found, level=LEVEL),
        ]
        assert not any("nan" in one for one in said)
        assert trees.draw_paths(measures, found, level=LEVEL).alt
        assert trees.draw_generations(measures, found, shown).alt
        assert trees.draw_sizes(measures, found, shown).alt
        told = trees.conclude(measures, found, level=LEVEL)
    refused = {one.status for one in told if ".total_per_seed" in one.id or one.id.endswith("l")}
    assert refused == ({"info"} if kind == "many" else {"insufficient"})


def test_friends_of_one_campaign_who_bring_others_to_another_do_so_as_seeds(tmp_path):
    """e of tea brings g to coffee, a month later."""
    tables, at = family(), OPENS + 40 * DAY
    tables["users"].append(user("g", at + DAY))
    tables["invites"].append(invite("e", "g", at, at + DAY, campaign="coffee"))
    measures, _, _ = found_of(tmp_path, tables)
    assert measures.arrivals.shape[0] == 1
    coffee = measures.generations[measures.generations["campaign"] == 1]
    assert coffee[["first", "n"]].values.tolist() == [[1, 1]]
