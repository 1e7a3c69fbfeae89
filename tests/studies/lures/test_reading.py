"""Which lure wins: by hand, against other routes, decisions, refusals, and what is said."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from siyu.language import LANGUAGES, speaking
from siyu.stats.best import compare_shares_with_best
from siyu.stats.clusters import clustered_means
from siyu.stats.many_to_one import compare_shares_with_control
from siyu.studies.lures import Definition, LureError, find_experiment, ratio, reading

from tests.studies.lures.builders import experiment, people, person, pool

LEVEL = 0.95


def shares(*counts, n=400):
    """Arms of n people of whom so many joined and stayed."""
    arm = np.repeat(range(len(counts)), n)
    done = np.concatenate([np.arange(n) < count for count in counts])
    return people(arm=arm, converted=done, retained_7=done, retained_30=done)


def found(one, **other):
    return reading.read(one, level=LEVEL, **{"value_per_retained_cny": 20.0} | other)


def test_shares_and_their_distance_from_the_best_are_those_of_the_counts():
    read = found(experiment(shares(180, 150, 120)))
    own = read.arms[read.arms["outcome"] == "converted"].set_index("arm")
    assert own["mean"].to_dict() == {"a": 0.45, "b": 0.375, "c": 0.3}
    expected = compare_shares_with_best([180, 150, 120], [400] * 3, level=LEVEL)
    columns = ["gap", "ci_lower", "ci_upper"]
    assert read.of("converted")[columns].to_numpy() == pytest.approx(expected[columns].to_numpy())
    assert read.of("converted")["is_candidate"].tolist() == [True, False, False]


def test_with_a_control_the_others_are_held_against_it():
    one = experiment(shares(120, 180, 150), control="a")
    table = found(one).of("retained_30", against="control")
    expected = compare_shares_with_control([120, 180, 150], [400] * 3, level=LEVEL)
    assert table["arm"].tolist() == ["b", "c"]
    assert table["gap"].tolist() == pytest.approx([0.15, 0.075])
    for name in ("ci_lower", "ci_upper", "p_holm"):
        assert table[name].tolist() == pytest.approx(expected[name].tolist())


def test_only_who_was_followed_long_enough_counts_and_the_others_are_counted():
    table = shares(180, 150, 120)
    table.loc[table.index % 4 == 0, "followed_days"] = 10.0
    read = found(experiment(table))
    counts = read.counts.set_index("outcome")
    assert counts.loc["converted", ["n", "immature"]].tolist() == [1_200, 0]
    assert counts.loc["retained_30", ["n", "immature"]].tolist() == [900, 300]
    assert "300 people are not counted" in reading.say_outcomes(
        experiment(table), read, level=LEVEL
    )


def test_the_net_worth_is_the_value_of_who_stays_less_what_was_spent():
    table = shares(200, 100, 100).assign(cost_cny=lambda one: 1.0 * (one["arm"] == 0))
    table.loc[table["retained_30"] & (table["arm"] == 1), "redeemed_cny"] = 15.0
    read = found(experiment(table))
    own = read.arms[read.arms["outcome"] == "net_cny"].set_index("arm")["mean"]
    assert own.to_dict() == pytest.approx({"a": 20 * 0.5 - 1, "b": 0.25 * 5, "c": 5.0})


def test_strata_are_adjusted_for_as_the_interacted_regression_does():
    rng = np.random.default_rng(1)
    arm, stratum = np.repeat([0, 1], [300, 350]), rng.integers(0, 3, 650)
    done = rng.random(650) < np.array([0.1, 0.4, 0.8])[stratum]
    table = people(arm=arm, stratum=stratum, converted=done, day=0)
    row = found(experiment(table, arms=("a", "b"), strata=tuple("stu"))).of("converted")
    dummies = np.column_stack([stratum == i for i in (1, 2)]).astype(float)
    dummies -= dummies.mean(axis=0)
    design = np.column_stack([np.ones(650), arm, dummies, arm[:, None] * dummies])
    oracle = sm.OLS(done.astype(float), design).fit(cov_type="HC2")
    assert row["adjusted"].iloc[1] == pytest.approx(oracle.params[1])
    assert row["variance_share"].iloc[0] < 0.8


def test_a_covariate_is_left_out_where_an_arm_is_too_small_to_bear_it():
    """Three strata and the day are three covariates: thirty people of an arm bear three."""
    rng = np.random.default_rng(2)
    table = people(arm=np.repeat([0, 1], 30), converted=rng.random(60) < 0.5)
    table["stratum"] = np.arange(60) % 6
    read = found(experiment(table, arms=("a", "b")))
    assert read.gaps["variance_share"].notna().any()
    table["stratum"] = 0
    table["day"] = 0
    read = found(experiment(table, arms=("a", "b")))
    assert read.gaps["variance_share"].isna().all()
    assert "nothing to adjust for" in reading.say_adjusted(experiment(table), read)


# Clusters


def staff(each, *, n=20, rng=None):
    rng = rng or np.random.default_rng(3)
    cluster = np.repeat(np.arange(2 * each), n)
    rate = np.clip(rng.normal(0.4, 0.1, 2 * each), 0, 1)[cluster]
    done = rng.random(len(cluster)) < rate
    return people(
        arm=cluster // each, cluster=cluster, converted=done, retained_7=done, retained_30=done
    )


def test_clusters_are_read_by_the_differences_between_them():
    table = staff(8)
    one = experiment(table, arms=("a", "b"))
    read = found(one)
    sides = [table[table["arm"] == arm] for arm in (0, 1)]
    _, variance, _ = clustered_means(
        [side["converted"] for side in sides], [side["cluster"] for side in sides]
    )
    own = read.arms[read.arms["outcome"] == "converted"]
    assert own["error"].tolist() == pytest.approx(np.sqrt(variance))
    assert read.clusters == (8, 8)
    said = reading.say_outcomes(one, read, level=LEVEL)
    assert "Drawn were whole clusters by staff_id: a 8, b 8" in said
    assert "too few of them to adjust" in reading.say_adjusted(one, read)


def test_fewer_than_five_clusters_in_an_arm_are_refused():
    one = experiment(staff(4), arms=("a", "b"))
    read = found(one)
    assert read.refused == "clusters"
    (finding,) = reading.conclude(one, read, level=LEVEL)
    assert finding.status == "insufficient"
    assert "fewer than 5 clusters" in finding.message


def test_people_of_no_known_cluster_are_not_left_out_in_silence():
    """Who did not join has no staff: without them, everybody would have joined."""
    table = staff(8)
    table.loc[~table["converted"], "cluster"] = -1
    one = experiment(table, arms=("a", "b"))
    read = found(one)
    assert read.refused == "no_cluster"
    assert "choose by what came of them" in reading.say_verdict(one, read, level=LEVEL)


def test_a_channel_known_of_those_who_joined_only_is_not_adjusted_for():
    table = shares(180, 150, 120).assign(channel=lambda one: np.where(one["converted"], 1, -1))
    read = found(experiment(table))
    assert read.gaps["variance_share"].min() > 0.95
    # What the guard is for: with it as a covariate, all variance and all effects would be gone.
    leak = table.assign(channel=table["channel"].clip(lower=0))
    assert found(experiment(leak)).gaps["variance_share"].max() < 1e-6


# Decisions


def test_a_clear_winner_is_rolled_out():
    read = found(experiment(shares(200, 120, 100)))
    assert (read.verdict.kind, read.verdict.arm) == ("roll_out", "a")
    assert read.verdict.at_most_cny == 0
    assert read.verdict.chance_wrong < 0.001
    assert set(read.verdict.worse) == {"b", "c"}
    # 10 yuan a person against 7 of all three, 1,200 people in 35 days, 91 of them in a quarter.
    assert read.verdict.quarter_cny == pytest.approx((10 - 7) * 1_200 / 35 * 91)


def test_lures_alike_to_within_what_matters_are_rolled_out_too_and_else_tested_on():
    table = shares(1_010, 1_000, n=2_000)
    one = experiment(table, arms=("a", "b"))
    near = found(one, smallest_gain_cny=1.0).verdict
    assert (near.kind, near.arm) == ("roll_out", "a")
    assert 0 < near.at_most_cny < 1
    fine = found(one, smallest_gain_cny=0.1).verdict
    assert fine.kind == "keep_testing"
    # Bounds reach 1.645 x 20 x sqrt(2 x .25 / 2,000) = .52: that to .1 needs 27 times as many.
    assert fine.more == pytest.approx(
        4_000 * ((1.645 * 20 * np.sqrt(0.5 / 2_000) / 0.1) ** 2 - 1), rel=0.01
    )
    assert fine.days == pytest.approx(fine.more / (4_000 / 35), abs=1)
    assert fine.chance_wrong == pytest.approx(0.376, abs=0.01)


def test_the_table_of_outcomes_is_the_same_in_every_language():
    one = experiment(shares(1_010, 1_000, n=2_000), arms=("a", "b"))
    read = found(one, smallest_gain_cny=1.0)
    tables = []
    for language in LANGUAGES:
        with speaking(language):
            tables.append(reading.draw_outcomes(one, read, level=LEVEL).table)
    assert tables[0].equals(tables[1])
    told = set(zip(tables[0]["outcome"], tables[0]["days"], strict=True))
    assert told == {("conversion", 7), ("retention", 7), ("retention", 30)}


def test_a_lure_that_clearly_is_not_the_best_takes_no_more_people():
    two = found(experiment(shares(1_010, 1_000, n=2_000), arms=("a", "b")), smallest_gain_cny=0.1)
    table = shares(1_010, 1_000, 200, n=2_000)
    three = found(experiment(table, arms=("a", "b", "c")), smallest_gain_cny=0.1)
    assert three.verdict.worse == ("c",)
    assert three.verdict.more == two.verdict.more
    assert three.verdict.days < two.verdict.days  # as many came a day, for three arms


def test_with_a_control_that_is_as_good_testing_stops():
    table = shares(800, 800, 700, n=2_000).assign(cost_cny=lambda one: 0.5 * (one["arm"] > 0))
    verdict = found(experiment(table, control="a"), smallest_gain_cny=1.0).verdict
    assert (verdict.kind, verdict.arm) == ("stop", "a")


def test_with_a_control_a_lure_must_clearly_bring_more():
    table = shares(100, 115, 90, n=300)
    read = found(experiment(table, control="a"), smallest_gain_cny=0.5).verdict
    assert (read.kind, read.arm) == ("keep_testing", "b")
    assert read.gain_lower < 0 < read.gain_upper
    clear = found(experiment(shares(80, 160, 90, n=300), control="a")).verdict
    assert (clear.kind, clear.arm) == ("roll_out", "b")
    assert clear.gain_cny == pytest.approx(20 * 80 / 300)
    assert clear.quarter_cny == pytest.approx(20 * 80 / 300 * 900 / 35 * 91)


def test_lures_that_all_cost_more_than_they_bring_are_stopped():
    one = experiment(shares(100, 90, 80).assign(cost_cny=12.0))
    read = found(one)
    assert read.verdict.kind == "stop"
    assert read.verdict.chance_wrong < 0.01
    finding = reading.conclude(one, read, level=LEVEL)[0]
    assert finding.status == "alert"
    assert "clearly costs more than it brings" in finding.message


def test_relabelling_arms_changes_no_number():
    table = shares(180, 150, 120)
    swapped = table.assign(arm=2 - table["arm"])
    first, second = found(experiment(table)), found(experiment(swapped, arms=("c", "b", "a")))
    own = first.of("net_cny").set_index("arm")[["gap", "ci_lower", "ci_upper"]]
    again = second.of("net_cny").set_index("arm")[["gap", "ci_lower", "ci_upper"]]
    assert again.loc[own.index].to_numpy() == pytest.approx(own.to_numpy())
    assert first.verdict.arm == second.verdict.arm


# What cannot be read


def test_an_arm_with_few_people_is_left_out_and_named():
    table = shares(180, 150, 120)
    small = table[(table["arm"] < 2) | (table.index % 20 == 0)].reset_index(drop=True)
    one = experiment(small, shares=(400 / 820, 400 / 820, 20 / 820))
    read = found(one)
    assert set(read.arms["arm"]) == {"a", "b"}
    assert "“c”, with fewer than 30 people" in reading.say_outcomes(one, read, level=LEVEL)


def test_a_control_with_few_people_leaves_nothing_to_read():
    small = shares(180, 150, 120)
    small = small[(small["arm"] > 0) | (small.index % 20 == 0)].reset_index(drop=True)
    one = experiment(small, shares=(20 / 820, 400 / 820, 400 / 820), control="a")
    read = found(one)
    assert read.refused == "few"
    assert "no two arms" in reading.say_verdict(one, read, level=LEVEL)


def test_nobody_followed_and_no_conversions_are_told_and_never_a_zero():
    young = experiment(shares(180, 150, 120).assign(followed_days=8.0))
    read = found(young)
    refused = read.counts.set_index("outcome")["refused"].to_dict()
    assert refused == {
        "converted": "",
        "retained_7": "",
        "retained_30": "young",
        "net_cny": "young",
    }
    assert read.verdict.kind == ""
    said = {one.id: one for one in reading.conclude(young, read, level=LEVEL)}
    assert said["lures.reading.verdict"].status == "insufficient"
    assert said["lures.reading.retained_30"].status == "insufficient"
    assert reading.draw_net(young, read, level=LEVEL).table.empty

    none = experiment(shares(0, 0, 0))
    read = found(none)
    assert read.refused == "flat"
    (one,) = reading.conclude(none, read, level=LEVEL)
    assert "nobody converted" in one.message

    fresh = experiment(shares(180, 150, 120).assign(followed_days=3.0))
    assert "followed for 7 days" in reading.say_outcomes(fresh, found(fresh), level=LEVEL)


def test_one_arm_in_which_nobody_joined_has_an_interval_but_no_worth():
    one = experiment(shares(40, 0, 30))
    read = found(one)
    table = read.of("converted").set_index("arm")
    assert table.loc["b", "ci_lower"] < table.loc["b", "gap"] < 0
    assert read.counts.set_index("outcome").loc["net_cny", "refused"] == "flat"


@pytest.mark.parametrize("language", ["en", "zh"])
def test_where_there_is_no_experiment_or_one_arm_that_is_said(tmp_path, language):
    source = pool(tmp_path, [person("1", "gift", added=1.0), person("2", "gift")])
    for asked, refused in ((Definition(), "none"), (Definition(experiment="test"), "one_arm")):
        one = find_experiment(source, asked)
        read, draw = found(one), ratio.check_ratio(one)
        assert read.refused == draw.refused == refused
        with speaking(language):
            told = [*ratio.conclude(one, draw), *reading.conclude(one, read, level=LEVEL)]
            assert [each.status for each in told] == ["insufficient"] * 2
            assert told[0].message == told[1].message
            assert reading.say_adjusted(one, read) == ""
            for picture in (
                ratio.draw_ratio(one, draw),
                reading.draw_outcomes(one, read, level=LEVEL),
                reading.draw_net(one, read, level=LEVEL),
            ):
                assert picture.table.empty


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"value_per_retained_cny": 0}, "must be above 0"),
        ({"smallest_gain_cny": 0}, "must be above 0"),
    ],
)
def test_numbers_out_of_range_are_refused(asked, message):
    with pytest.raises(LureError, match=message):
        found(experiment(shares(10, 20)), **asked)
    with pytest.raises(LureError, match="must be above"):
        reading.read(experiment(shares(9, 9)), level=0.4, value_per_retained_cny=1)


# What is said


@pytest.mark.parametrize(
    ("converted", "retained", "words"),
    [
        ((200, 120, 100), (200, 120, 100), "joined within 7 days, and the most who were"),
        ((200, 120, 100), (90, 95, 90), "which has the most who were still there after 30 days"),
        ((200, 120, 100), (40, 95, 90), "but others have more who were still there"),
        ((100, 100, 100), (90, 40, 30), "which has the most who joined within 7 days is not clear"),
        ((100, 100, 100), (90, 90, 90), "No lure is clearly the best"),
    ],
)
def test_the_headline_tells_who_joins_and_who_stays(converted, retained, words):
    table = shares(*converted)
    table["retained_30"] = shares(*retained)["retained_30"]
    one = experiment(table)
    assert words in reading.headline(one, found(one))


@pytest.mark.parametrize(
    ("counts", "words"),
    [((60, 140, 90), "brings"), ((140, 60, 130), "takes"), ((100, 104, 90), "does not clearly")],
)
def test_against_the_control_it_is_up_down_or_unclear(counts, words):
    one = experiment(shares(*counts), control="a")
    said = reading.say_outcomes(one, found(one), level=LEVEL)
    assert f"“b” {words}" in said


def worlds():
    rolled = shares(200, 120, 100)
    return {
        "rolled": experiment(rolled),
        "near": experiment(shares(1_010, 1_000, n=2_000), arms=("a", "b")),
        "tested": experiment(shares(100, 95, 90)),
        "control": experiment(shares(80, 160, 90, n=300), control="a"),
        "stopped": experiment(shares(900, 880, 700, n=2_000), control="a"),
        "lost": experiment(rolled.assign(cost_cny=12.0)),
        "worth": experiment(rolled.assign(cost_cny=10.3)),
        "staff": experiment(staff(8), arms=("a", "b")),
        "young": experiment(rolled.assign(followed_days=8.0)),
        "no stay": experiment(rolled, retention_days=()),
    }


@pytest.mark.parametrize("language", ["en", "zh"])
def test_all_worlds_are_said_drawn_and_concluded_in_both_languages(language):
    with speaking(language):
        for one in worlds().values():
            read = found(one)
            for said in (
                reading.headline(one, read),
                reading.say_choice(one, read, level=LEVEL),
                reading.say_outcomes(one, read, level=LEVEL),
                reading.say_adjusted(one, read),
                reading.say_verdict(one, read, level=LEVEL),
            ):
                assert said
                assert "nan" not in said
                assert "{" not in said
            findings = reading.conclude(one, read, level=LEVEL)
            assert len({each.id for each in findings}) == len(findings)
            assert all(each.message for each in findings)


def test_a_lure_that_is_the_best_but_may_not_be_worth_its_cost_is_tested_for_that():
    """Half of 400 stay at 20 yuan each, for 10.3: -0.3 each, give or take one; all others lose."""
    one = worlds()["worth"]
    read = found(one)
    verdict = read.verdict
    assert (verdict.kind, verdict.arm, verdict.at_most_cny) == ("keep_testing", "a", 0)
    assert verdict.more > 10 * 400  # into the one arm that is left
    said = reading.say_choice(one, read, level=LEVEL)
    assert "whether it brings what it costs is not clear" in said
    with speaking("zh"):
        assert "能不能回本" in reading.say_choice(one, read, level=LEVEL)


def late(*counts, waiting):
    """Arms as of `shares`, of which so many people each have not been followed to the end."""
    table = shares(*counts)
    table.loc[table.index % 400 >= 400 - waiting, "followed_days"] = 8.0
    return table


def test_until_the_end_worth_is_compared_for_any_number_of_looks():
    """Waudby-Smith's interval of 20 yuan times two shares, for three pairs at once."""
    one = experiment(late(160, 125, 100, waiting=20))
    read = found(one)
    assert read.waiting == 60
    value = 20 * np.array([160, 125]) / 380
    error = np.sqrt((value * (20 - value) / 379).sum())
    alpha = 0.05 / 3
    grown = 760 / 800 * (np.log(1 - 2 * np.log(alpha)) - 2 * np.log(alpha))
    reach = error * np.sqrt(2 * (1 + 1 / grown) * np.log(np.sqrt(grown + 1) / alpha))
    leader = read.of("net_cny").set_index("arm").loc["a"]
    assert leader["gap"] == pytest.approx(value[0] - value[1])
    assert leader["ci_lower"] == pytest.approx(value[0] - value[1] - reach)


def test_what_a_single_look_would_roll_out_is_tested_on_until_the_end():
    at_end = found(experiment(shares(150, 130, 100)))
    assert (at_end.verdict.kind, at_end.waiting) == ("roll_out", 0)
    one = experiment(late(150, 130, 100, waiting=20))
    assert found(one).verdict.kind == "keep_testing"
    planned = found(experiment(shares(150, 130, 100)), planned_users=2_400)
    assert (planned.verdict.kind, planned.waiting, planned.verdict.more) == (
        "keep_testing", 1_200, 1_200
    )  # fmt: skip
    clear = found(experiment(late(200, 120, 100, waiting=20)))
    assert clear.verdict.kind == "roll_out"
    assert np.isnan(clear.verdict.quarter_cny)


@pytest.mark.parametrize("control", ["", "c"])
def test_all_that_is_decided_at_the_end_can_be_decided_before_where_it_is_clear(control):
    table = late(300, 120, 100, waiting=20)
    assert found(experiment(table, control=control, arms=("c", "a", "b"))).verdict.kind == (
        "stop" if control else "roll_out"
    )
    lost = found(experiment(table.assign(cost_cny=18.0), control=control, arms=("c", "a", "b")))
    assert lost.verdict.kind == "stop"


def test_people_already_drawn_are_not_asked_for_again():
    """Those who wait are more than the formula asks for beyond who was followed."""
    one = experiment(late(100, 90, 40, waiting=200))
    read = found(one, smallest_gain_cny=2.0)
    assert (read.verdict.kind, read.verdict.more) == ("keep_testing", 0)
    assert "nobody more need be drawn" in reading.say_verdict(one, read, level=LEVEL)
    (first, *_) = reading.conclude(one, read, level=LEVEL)
    assert "Draw nobody more" in first.action


def test_whole_clusters_are_valued_once_at_the_end():
    table = staff(8)
    table.loc[0, "followed_days"] = 8.0
    one = experiment(table, arms=("a", "b"))
    read = found(one)
    assert read.verdict.kind == ""
    assert "read once" in reading.say_verdict(one, read, level=LEVEL)
    assert len(read.of("retained_30")) == 2


@pytest.mark.parametrize("waiting", [0, 20])
def test_a_verdict_before_the_end_says_that_it_is_one(waiting):
    one = experiment(late(200, 120, 100, waiting=waiting))
    read = found(one)
    assert ("The test is not over: 60 people" in reading.say_verdict(one, read, level=LEVEL)) == (
        waiting > 0
    )
    with speaking("zh"):
        said = reading.say_verdict(one, read, level=LEVEL)
        assert ("试验还没结束：还有 60 人" in said) == (waiting > 0)


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
def test_figures_have_no_boxes_and_say_what_is_seen(language):
    with speaking(language):
        for name in ("control", "staff", "young"):
            one = worlds()[name]
            read = found(one)
            for picture in (
                reading.draw_outcomes(one, read, level=LEVEL),
                reading.draw_net(one, read, level=LEVEL),
            ):
                assert picture.undrawn == ""
                assert picture.alt


def test_the_finding_of_a_verdict_says_what_to_do_and_what_it_is_worth():
    one = experiment(shares(200, 120, 100))
    read = found(one)
    first, *others = reading.conclude(one, read, level=LEVEL)
    assert (first.id, first.status, first.segment) == ("lures.reading.verdict", "ok", {"arm": "a"})
    assert first.worth_cny == read.verdict.quarter_cny
    assert "Give “a” to all new customers" in first.action
    ids = {each.id for each in others}
    assert {"lures.reading.converted.a", "lures.reading.against_best.net_cny.c"} <= ids
    tested = experiment(shares(100, 95, 90))
    (near, *_) = reading.conclude(tested, found(tested), level=LEVEL)
    assert (near.status, near.worth_cny) == ("ok", None)  # it is good enough, and not clearly more
    unclear = found(tested, smallest_gain_cny=0.5)
    (unsure, *_) = reading.conclude(tested, unclear, level=LEVEL)
    assert (unsure.status, unsure.worth_cny) == ("info", None)
    assert "more fresh customers" in unsure.action
