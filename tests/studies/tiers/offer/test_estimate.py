"""What strategies do in tiers: planted effects, two routes, refusals, and who should get them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from siyu.stats.experiments import adjusted_difference
from siyu.stats.multiplicity import holm
from siyu.studies.tiers import TierError, offer

from tests.studies.tiers.offer.builders import ARMS, SIZE, TIERS, measures, members

LEVEL = 0.95
NOBODY = members().iloc[:0]
HANDED_OVER = [
    *("tier", "strategy", "n", "n_control", "members", "gain_cny", "ci_lower", "ci_upper"),
    *("error", "cost_cny", "objective", "effect", "p", "p_holm", "verdict"),
]


def effects(**other):
    return offer.effects(measures(**other), level=LEVEL)


def row_of(found, tier, strategy):
    return found.table.set_index(["tier", "strategy"]).loc[(tier, strategy)]


def test_planted_effects_are_found_and_judged():
    found = effects(members=members(cost=4.0))
    assert (found.refused, found.n) == ("", 9 * SIZE)
    for tier, planted in zip(TIERS, (0.0, 30.0, -40.0), strict=True):
        row = row_of(found, tier, "gift")
        assert row["ci_lower"] < planted < row["ci_upper"]
    verdicts = [row_of(found, tier, "gift")["verdict"] for tier in TIERS]
    assert verdicts == ["keep_testing", "roll_out", "stop"]
    assert found.table["tier"].tolist() == [tier for tier in TIERS for _ in range(2)]


def test_the_table_for_the_plan_has_its_columns():
    assert set(HANDED_OVER) <= set(effects().table.columns)


def test_the_arm_s_cost_is_taken_off_the_gain():
    row = row_of(effects(members=members(cost=4.0)), "middle", "talk")
    assert row["cost_cny"] == 4
    assert row["net_gain_cny"] == pytest.approx(row["gain_cny"] - 4)
    assert row["net_gain_upper"] - row["net_gain_lower"] == pytest.approx(
        row["ci_upper"] - row["ci_lower"]
    )


def test_a_dear_strategy_that_does_nothing_is_stopped():
    found = effects(members=members(gifts=(0.0,) * 3, cost=60.0))
    talks = found.table[found.table["strategy"] == "talk"]
    assert (talks["verdict"] == "stop").all()


def test_the_difference_is_that_of_a_regression_with_hc2():
    """Statsmodels on one tier: outcome on arms, covariate less its mean, and their products."""
    one = measures()
    found = offer.compare_arms(one, "margin_cny", level=LEVEL, tiers=[1])
    own = one.members[one.members["tier"] == 1]
    before = own["margin_cny_before"] - own["margin_cny_before"].mean()
    arms = [(own["arm"] == arm).astype(float) for arm in (1, 2)]
    design = np.column_stack([np.ones(len(own)), *arms, before, *(arm * before for arm in arms)])
    oracle = sm.OLS(own["margin_cny"].to_numpy(), design).fit(cov_type="HC2")
    assert found["difference"].tolist() == pytest.approx(oracle.params[1:3].tolist())
    assert found["error"].tolist() == pytest.approx(oracle.bse[1:3].tolist())
    shared = oracle.cov_params()[1, 2]
    assert found["error_control"].tolist() == pytest.approx([np.sqrt(shared)] * 2)


def test_with_one_strategy_and_one_tier_it_is_the_adjusted_difference():
    table = members().query("tier == 1 and arm < 2").assign(tier=0)
    one = measures(
        members=table, tiers=("middle",), objectives=("spend",), today=(200,),
        arms=ARMS[:2], shares=(0.5, 0.5),
    )  # fmt: skip
    (row,) = offer.effects(one, level=LEVEL).table.itertuples()
    sides = [table[table["arm"] == arm] for arm in (1, 0)]
    plain = adjusted_difference(
        *(side["margin_cny"] for side in sides),
        treated_before=sides[0]["margin_cny_before"],
        control_before=sides[1]["margin_cny_before"],
        level=LEVEL,
    )
    assert (row.gain_cny, row.error) == pytest.approx((plain.value, plain.error))
    assert (row.ci_lower, row.ci_upper) == pytest.approx((plain.ci_lower, plain.ci_upper))
    assert row.p_net == row.p_net_holm == pytest.approx(plain.p)


def test_intervals_hold_at_once_and_p_is_adjusted_over_tiers_and_strategies():
    found = effects().table
    half = (found["ci_upper"] - found["ci_lower"]) / 2 / found["error"]
    # Six comparisons: between Sidak's and that of one.
    assert ((half > 2) & (half < 2.75)).all()
    assert found["p_holm"].tolist() == holm(found["p"]).tolist()
    assert (found["p_net_holm"] >= found["p_net"]).all()


def test_the_order_of_rows_and_the_names_of_arms_change_nothing():
    one = measures()
    mixed = one.members.sample(frac=1, random_state=1)
    again = effects(members=mixed)
    pd.testing.assert_frame_equal(again.table, effects().table, rtol=1e-9)
    renamed = effects(arms=("none", "a", "b"))
    assert renamed.table["gain_cny"].tolist() == effects().table["gain_cny"].tolist()


def test_twice_the_money_is_twice_the_gain_and_the_same_p():
    table = members()
    for name in ("margin_cny", "margin_cny_before", "cost_cny"):
        table[name] *= 2
    once, twice = effects().table, effects(members=table).table
    assert twice["gain_cny"].tolist() == pytest.approx((2 * once["gain_cny"]).tolist())
    assert twice["p_net"].tolist() == pytest.approx(once["p_net"].tolist())


def test_money_that_is_not_clear_does_not_outweigh_a_clear_harm_to_the_aim():
    table = members(gifts=(0.0,) * 3)
    hurt = (table["tier"] == 2) & (table["arm"] == 1)
    table.loc[hurt, "purchase_days"] = np.maximum(table.loc[hurt, "purchase_days"] - 2, 0)
    found = effects(members=table)
    row = row_of(found, "high", "gift")
    assert row["net_gain_lower"] < 0 < row["net_gain_upper"]
    assert (row["verdict"], row["effect_upper"] < 0) == ("stop", True)


def test_tiers_that_differ_are_told_and_opposite_signs_too():
    found = effects().differ.set_index("strategy")
    assert found.loc["gift", "p"] < 1e-6
    assert found.loc["gift", "p_opposite"] < 1e-6
    assert found.loc["talk", "p"] > 0.05
    same = effects(members=members(gifts=(30.0, 30.0, 30.0))).differ.set_index("strategy")
    assert same.loc["gift", "p"] > 0.05
    assert same.loc["gift", "p_opposite"] == 1


def test_each_tier_gets_a_choice_with_its_worth_and_its_doubt():
    """Over the days for which offers were followed, as the plan is: 200 members x net."""
    found = effects()
    choices = found.choices.set_index("tier")
    middle = choices.loc["middle"]
    assert (middle["verdict"], middle["choice"]) == ("roll_out", "gift")
    assert middle["chance_wrong"] < 0.001
    net = row_of(found, "middle", "gift")["net_gain_cny"]
    assert middle["worth_cny"] == pytest.approx(200 * net)
    assert choices.loc["high", "choice"] in ("none", "talk")
    dear = effects(members=members(gifts=(-60.0,) * 3, cost=60.0)).choices
    assert (dear["verdict"] == "stop").all()
    assert (dear["choice"] == "none").all()
    assert (dear["worth_cny"] == 0).all()


def test_of_two_that_pay_the_better_one_is_chosen():
    found = effects(members=members(gifts=(30.0,) * 3, talks=(60.0,) * 3))
    assert (found.choices["choice"] == "talk").all()
    assert (found.table["verdict"] == "roll_out").all()


def test_who_is_lacking_is_counted_where_it_is_not_settled():
    for share, lacking in ((0.05, True), (5.0, False)):
        found = offer.effects(measures(), level=LEVEL, smallest_share=share)
        more = found.table.set_index("verdict")["more"]
        assert more[["roll_out", "stop"]].isna().all()
        assert ((more["keep_testing"] > 0) == lacking).all()


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        ({"experiment": "", "arms": (), "shares": (), "members": NOBODY}, "none"),
        ({"has_orders": False}, "orders"),
        ({"tiers": (), "objectives": (), "today": (), "members": NOBODY}, "tiers"),
        ({"members": NOBODY}, "nobody"),
        ({"members": members().query("arm != 1 or purchase_days > 1")}, "ratio"),
        ({"members": members(size=20)}, "few"),
        ({"members": members().assign(margin_cny=1.0, cost_cny=0.0)}, "flat"),
        ({"members": members().iloc[:1]}, "few"),
    ],
)
def test_what_cannot_be_read_is_refused(other, refused):
    found = effects(**other)
    assert found.refused == refused
    assert found.choices.empty
    assert found.differ.empty
    assert found.n == 0


def test_a_tier_whose_arms_are_not_as_drawn_is_not_read():
    table = members(size=200)
    lost = table.index[(table["tier"] == 0) & (table["arm"] == 1)][:65]
    found = effects(members=table.drop(lost))
    assert found.refused == ""
    assert found.ratios.set_index("tier").loc["low", "p_ratio"] < 0.001
    rows = found.table.set_index("tier")
    assert (rows.loc["low", "refused"] == "ratio").all()
    assert rows.loc["low", "gain_cny"].isna().all()
    assert set(found.choices["tier"]) == {"middle", "high"}


def test_small_arms_are_hidden_and_cost_the_others_nothing_but_their_part():
    table = members()
    place = table.groupby(["tier", "arm"]).cumcount()
    least = np.array([60, 55, 29])[table["arm"]]
    found = effects(members=table[(table["tier"] != 1) | (place < least)])
    row = row_of(found, "middle", "talk")
    assert (row["refused"], np.isnan(row["n"]), np.isnan(row["gain_cny"])) == ("few", True, True)
    assert row_of(found, "middle", "gift")["verdict"] == "roll_out"
    assert found.n == 6 * SIZE + 60 + 55


def test_few_members_of_a_tier_today_are_not_told():
    found = effects(today=(500, 200, 12))
    assert row_of(found, "high", "gift")[["members"]].isna().all()
    assert found.choices.set_index("tier").loc["high", "members":].isna().all()


def test_one_tier_alone_is_compared_with_none_other():
    one = measures()
    table = one.members[one.members["tier"] == 1]
    found = effects(members=table)
    assert found.choices["tier"].tolist() == ["middle"]
    assert found.differ.empty


def test_a_share_that_is_none_is_an_error():
    with pytest.raises(TierError, match="smallest_share = 0 must be above 0"):
        offer.effects(measures(), level=LEVEL, smallest_share=0)


def test_a_score_finds_the_tier_and_no_more_where_only_the_tier_tells():
    found = offer.target(measures(members=members(size=250)), level=LEVEL)
    table = found.table.set_index("strategy")
    assert table.loc["gift", "verdict"] == "tier"
    assert table.loc["talk", "verdict"] == "none"
    assert table.loc["gift", "n"] == pytest.approx(0.6 * 1_500, abs=2)
    assert table.loc["gift", "gain_chosen_cny"] > table.loc["gift", "gain_all_cny"]
    assert found.curves.groupby("strategy").size().tolist() == [11, 11]


def test_a_score_finds_what_tells_within_tiers():
    table = members(gifts=(0.0,) * 3, size=250)
    helped = (table["arm"] == 1) & (table["recency_days"] < 20)
    table.loc[helped, "margin_cny"] += 80
    table.loc[(table["arm"] == 1) & ~helped, "margin_cny"] -= 40
    found = offer.target(measures(members=table), level=LEVEL).table.set_index("strategy")
    assert found.loc["gift", "verdict"] == "score"
    assert found.loc["gift", "within_tier_lower"] > 0


def test_scores_are_the_same_in_every_run_and_another_seed_is_another_draw():
    one = measures()
    first, again = (offer.target(one, level=LEVEL) for _ in range(2))
    pd.testing.assert_frame_equal(first.table, again.table)
    other = offer.target(one, level=LEVEL, seed=5)
    assert not other.table["qini"].equals(first.table["qini"])


def test_without_enough_members_or_a_fair_draw_there_is_no_score():
    few = offer.target(measures(members=members(size=40)), level=LEVEL)
    assert few.table["refused"].tolist() == ["few", "few"]
    unfair = replace(measures(), members=members().query("arm != 1 or purchase_days > 1"))
    assert offer.target(unfair, level=LEVEL).table.empty


def test_a_small_arm_beside_a_large_one_is_read_only_where_many_buy():
    """Of 32 members a tier's rate lets fewer than 50 buy; of 39, held against 120, too few too."""
    table = members()
    gift = table[table["arm"] == 1].groupby("tier")
    for kept, why in ((32, "lopsided"), (39, "lopsided"), (40, ""), (29, "few")):
        one = measures(
            members=pd.concat([table[table["arm"] != 1], gift.head(kept)]),
            shares=(SIZE, kept, SIZE),
        )
        found = offer.effects(one, level=LEVEL)
        row = row_of(found, "low", "gift")
        assert row["refused"] == why
        assert np.isnan(row["gain_cny"]) == bool(why)
        assert row_of(found, "low", "talk")["refused"] == ""
        assert ("more than thrice as large" in offer.say_effects(one, found)) == (why == "lopsided")
    busy = table.assign(orders=9.0, arm=table["arm"].where(table["arm"] != 2, 0))
    small = pd.concat([busy[busy["arm"] == 0], busy[busy["arm"] == 1].groupby("tier").head(60)])
    one = measures(members=small, arms=ARMS[:2], shares=(0.8, 0.2))
    found = offer.effects(one, level=LEVEL)
    assert set(found.table["refused"]) == {""}  # 240 against 60, who all buy
    none = measures(members=small.assign(orders=0.0), arms=ARMS[:2], shares=(0.8, 0.2))
    found = offer.effects(none, level=LEVEL)
    assert found.refused == "lopsided"
    assert "too few of the smaller can be expected to buy" in offer.headline(none, found)
