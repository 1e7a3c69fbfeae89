"""What a customer who stays costs: by hand, two routes, refusals, and what one more costs."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from siyu.stats.clusters import joint_means
from siyu.stats.fieller import Ratio
from siyu.studies.lures import Definition, LureError, price, value_people
from siyu.studies.lures.price.estimate import judge

from tests.studies.lures.made import experiment, people

LEVEL, VALUE = 0.95, 60.0
FOUR = {
    "coupon": {"redeemed": 0.1},
    "talk": {"cost": 4.0, "added": 0.5},
    "gift": {"cost": 12.0, "added": 0.55},
    "waste": {"cost": 15.0, "added": 0.45},
}


def prices(arms=None, *, value=VALUE, **other):
    return price.price(experiment(arms, **other), value_per_retained_cny=value, level=LEVEL)


def test_five_people_give_the_price_that_can_be_seen():
    """Two of five stay; 3 + 3 + 4 yuan at once and 20 redeemed make 15 yuan for each who stays."""
    one = people(0, 5).assign(
        cost_cny=[3.0, 3.0, 4.0, 0.0, 0.0],
        redeemed_cny=[20.0, 0.0, 0.0, 0.0, 0.0],
        retained_30=[True, False, True, False, False],
    )
    many = pd.concat([one] * 80, ignore_index=True)
    found = prices({"coupon": many, "gift": {"cost": 12.0}}).arms.set_index("arm").loc["coupon"]
    assert found["n"] == 400
    assert found[["cost_cny", "redeemed_cny", "spent_cny"]].tolist() == [2.0, 4.0, 6.0]
    assert found["retained_share"] == 0.4
    assert found["price_cny"] == pytest.approx(15)
    assert found["price_lower"] < 15 < found["price_upper"]


def test_one_more_costs_the_extra_cost_over_the_extra_who_stay():
    found = prices({"coupon": {"redeemed": 0.1}, "gift": {"cost": 12.0, "added": 0.7}})
    (row,) = found.extra.itertuples()
    assert (row.arm, row.reference) == ("gift", "coupon")
    assert row.extra_cost_cny == pytest.approx(0.7 * 12 - 0.4 * 0.1 * 20)
    assert row.extra_retained == pytest.approx(0.7 * 0.7 - 0.4 * 0.7)
    assert row.price_cny == pytest.approx(row.extra_cost_cny / row.extra_retained)
    assert (row.price_kind, row.verdict) == ("bounded", "dearer")


@pytest.mark.parametrize(
    ("gift", "verdict"),
    [
        ({"cost": 12.0, "added": 0.7}, "dearer"),
        ({"cost": 0.1, "added": 0.7}, "cheaper"),
        ({"cost": 1.1, "added": 0.7}, "even"),
        ({"cost": 12.0}, "floor"),
        ({"cost": 2.0}, "unclear"),
        ({"cost": 0.1, "added": 0.15}, "saves"),
        ({"cost": 12.0, "added": 0.15}, "loses"),
    ],
)
def test_what_one_more_costs_is_told_by_what_is_clear(gift, verdict):
    none = {"redeemed": 0.1, "stays": 0.7}
    (row,) = prices(
        {"none": none, "gift": gift},
        definition=Definition(experiment="lures", control_arm="none"),
    ).extra.itertuples()
    assert row.verdict == verdict
    if verdict == "floor":
        assert row.floor_cny > 0


def test_without_a_control_others_are_told_from_the_arm_that_costs_least():
    found = prices({"gift": {"cost": 12.0}, "talk": {"cost": 4.0}, "coupon": {"redeemed": 0.1}})
    assert found.reference == "coupon"
    assert found.extra["arm"].tolist() == ["gift", "talk"]
    with_control = prices(
        {"gift": {"cost": 12.0}, "coupon": {"redeemed": 0.1}, "talk": {"cost": 4.0}},
        definition=Definition(experiment="lures", control_arm="gift"),
    )
    assert with_control.reference == "gift"


def test_net_benefit_is_that_of_each_person_s_value_less_cost():
    """Two routes: from two means and their covariance, and from `value_people`."""
    one = experiment()
    found = prices().worth.net.set_index("arm")
    valued = value_people(one, value_per_retained_cny=VALUE)
    for code, arm in enumerate(one.arms):
        own = valued.loc[valued["arm"] == code, "net_cny"]
        assert found.loc[arm, "net_cny"] == pytest.approx(own.mean())
        half = (found.loc[arm, "net_upper"] - found.loc[arm, "net_lower"]) / 2
        # joint over two arms: 2.24 standard errors, with t of 399 degrees a little more
        assert half / (own.std(ddof=1) / np.sqrt(len(own))) == pytest.approx(2.24, abs=0.02)
    assert found["chance"].sum() == pytest.approx(1)


def test_the_arm_that_wins_changes_where_net_benefits_are_equal():
    found = prices(FOUR)
    switches = found.worth.switches
    assert switches["arm"].tolist() == ["coupon", "talk", "gift"]
    assert switches["from_cny"].is_monotonic_increasing
    means = {row.arm: (row.spent_cny, row.retained_share) for row in found.arms.itertuples()}
    for row in switches.iloc[1:].itertuples():
        own, before = means[row.arm], means[row.before]
        assert row.from_cny * own[1] - own[0] == pytest.approx(row.from_cny * before[1] - before[0])


@pytest.mark.parametrize("value", np.linspace(0.5, 115, 12))
def test_the_switches_are_the_best_arm_at_every_value(value):
    """A brute-force oracle: value every arm."""
    found = prices(FOUR, value=value)
    net = found.worth.net.set_index("arm")["net_cny"]
    switches = found.worth.switches
    assert switches.loc[switches["from_cny"] <= value, "arm"].iloc[-1] == net.idxmax()


def test_the_band_leaves_out_0_only_where_the_switch_s_values_do():
    """Scheffe's band holds for all values at once, so it is never narrower than Fieller's set."""
    arms = {"coupon": {"redeemed": 0.1}, "gift": {"cost": 12.0, "added": 0.8}}
    found = prices(arms, value=40.0)
    row = found.worth.switches.iloc[1]
    curve = found.worth.curve.query("arm == 'gift'")
    clear = curve[(curve["ahead_lower"] > 0) | (curve["ahead_upper"] < 0)]["value_cny"]
    assert row["kind"] == "bounded"
    assert len(clear)
    assert not clear.between(row["ci_lower"], row["ci_upper"]).any()
    assert curve["chance"].round(9).is_monotonic_increasing


def test_where_people_came_in_clusters_the_price_is_less_sure():
    one = {"coupon": {"redeemed": 0.1}, "gift": {"cost": 12.0}}
    tables = {name: people(0, **asked) for name, asked in one.items()}
    for table in tables.values():
        table["cluster"] = np.argsort(np.argsort(-table["retained_30"].astype(int))) // 16
    clustered = prices(tables, definition=Definition(experiment="lures", cluster="staff_id"))
    single = prices(tables)
    widths = [
        (found.arms["price_upper"] - found.arms["price_lower"]).to_numpy()
        for found in (clustered, single)
    ]
    assert (widths[0] > 1.5 * widths[1]).all()
    means = joint_means(
        tables["gift"][["cost_cny", "retained_30"]], clusters=tables["gift"]["cluster"]
    )
    assert clustered.arms.loc[1, "spent_cny"] == pytest.approx(means.value[0])


def test_nothing_depends_on_the_order_of_rows_or_on_the_names_of_days():
    one = experiment()
    mixed = one.people.sample(frac=1, random_state=3).assign(day=lambda t: t["day"] + 100)
    again = prices(people=mixed.reset_index(drop=True))
    for name in ("arms", "extra"):
        pd.testing.assert_frame_equal(getattr(prices(), name), getattr(again, name))


# Bad input


def test_where_nobody_stays_there_is_no_price_and_no_certainty():
    found = prices({"coupon": {"redeemed": 0.1}, "gift": {"cost": 12.0, "stays": 0.0}})
    row = found.arms.set_index("arm").loc["gift"]
    assert np.isnan(row["price_cny"])
    assert row["price_kind"] == "unbounded"
    assert row["retained_upper"] > 0
    assert found.extra["verdict"].tolist() == ["loses"]
    assert found.worth.switches["arm"].tolist() == ["coupon"]


def test_where_hardly_anybody_stays_the_price_has_no_upper_end():
    found = prices({"coupon": {"redeemed": 0.1}, "gift": {"cost": 12.0, "stays": 0.012}})
    row = found.arms.set_index("arm").loc["gift"]
    assert row["price_kind"] == "exclusive"


def test_a_lure_without_any_cost_is_free_and_one_more_of_it_is_not_dear():
    found = prices({"none": {"added": 0.2}, "word": {"added": 0.5}},
                   definition=Definition(experiment="lures", control_arm="none"))  # fmt: skip
    assert found.arms["price_cny"].tolist() == [0, 0]
    assert found.extra[["price_lower", "price_upper"]].to_numpy().tolist() == [[0, 0]]
    assert found.extra["verdict"].tolist() == ["even"]
    assert found.worth.switches["arm"].iloc[-1] == "word"


def test_a_coupon_that_nobody_is_known_to_have_redeemed_is_not_called_free():
    found = prices({"coupon": {}, "gift": {"cost": 12.0}, "talk": {"cost": 4.0}})
    assert found.arms.set_index("arm")["refused"].tolist() == ["unredeemed", "", ""]
    assert found.extra["arm"].tolist() == ["gift"]
    assert prices({"coupon": {}, "gift": {"cost": 12.0}}).refused == "few"


@pytest.mark.parametrize(
    ("other", "refused"),
    [
        ({"refused": "one_arm"}, "one_arm"),
        ({"refused": "none"}, "none"),
        ({"retention_days": ()}, "stay"),
        ({"has_cost": False, "has_coupons": False}, "cost"),
        ({"people": experiment().people.assign(cost_cny=-1.0)}, "negative"),
        ({"people": experiment().people.assign(followed_days=29.0)}, "immature"),
        ({"people": experiment().people.iloc[:429]}, "few"),
        ({"drawn": experiment().drawn.query("arm == 0 or day < 12")}, "ratio"),
    ],
)
def test_what_cannot_be_priced_says_why(other, refused):
    found = prices(**other)
    assert found.refused == refused
    assert found.extra.empty
    assert found.worth.net.empty


def test_who_was_not_followed_long_enough_is_counted_and_left_out():
    late = experiment().people.assign(followed_days=lambda t: np.where(t["day"] > 14, 20.0, 60.0))
    found = prices(people=late)
    assert (found.n, found.immature) == (600, 200)
    assert found.n + found.immature == len(late)


def test_an_arm_of_few_is_not_shown():
    few = pd.concat([experiment().people, people(2, 12, cost=1.0)], ignore_index=True)
    found = prices(
        {"coupon": {"redeemed": 0.1}, "gift": {"cost": 12.0}, "talk": people(2, 12, cost=1.0)},
        shares=(0.49, 0.49, 0.02),
    )
    row = found.arms.set_index("arm").loc["talk"]
    assert row["refused"] == "few"
    assert np.isnan(row["n"])
    assert len(few) == 812


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_a_customer_worth_nothing_is_refused(value):
    with pytest.raises(LureError, match="above 0"):
        prices(value=value)


def test_a_negative_ratio_over_fewer_who_stay_is_no_saving():
    ends = {"ci_lower": -9.0, "ci_upper": -1.0}
    found = Ratio(value=-4.0, kind="bounded", **ends)
    assert judge(2.0, -0.5, found) == "loses"
    assert judge(-2.0, 0.5, found) == "cheaper"
