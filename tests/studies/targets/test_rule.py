"""The planning rule by hand: its inputs, what the 1.3 is in the data, and what that costs."""

import numpy as np
import pytest
from siyu.studies.targets import rule
from siyu.studies.targets.kept import kept_shares

from tests.studies.targets.builders import adds_of, day, user


def order(number, who, after, **other):
    given = {"order_id": f"o{number}", "user_id": who, "paid_at": day(after), "amount_cny": 20.0}
    return given | {"refunded_cny": 0.0} | other


PEOPLE = [
    *(user(f"m{n}", 10) for n in range(6)),
    user("gone", 10, 50),
    user("back", 10, 75),
    user("new", 80),
    *(user(f"l{n}", 12, 20) for n in range(4)),
]
ORDERS = [
    # The last 28 days are days 72 to 99.
    order(1, "m0", 72),
    order(2, "m0", 90),
    order(3, "m1", 99),
    order(4, "back", 74),  # there when the days began, and left since
    order(5, "new", 85),
    order(6, "gone", 85),  # had left before
    order(7, "stranger", 85),
    order(8, "m2", 71),  # before
    order(9, "m2", 80, refunded_cny=20.0),  # refunded in full
    order(10, "m3", 80, amount_cny=0.0),
]


def found(folder, *, orders=ORDERS, **asked):
    tables = {"users": PEOPLE} | ({"orders": orders} if orders else {})
    adds = adds_of(folder, tables, **asked)
    measured = rule.measure(adds)
    return adds, measured, rule.estimate_rule(adds, measured, level=0.95)


def test_orders_and_the_share_of_existing_members_are_counted_by_hand(tmp_path):
    _, measured, told = found(tmp_path)
    assert measured.first == day(72).date()
    assert (told.n_orders, told.n_users) == (7, 6)
    assert told.orders.value == 7
    assert told.share.value == pytest.approx(4 / 7)
    assert told.wanted.value == 4
    assert told.by_rule.value == pytest.approx(4 * 1.3)


def test_where_all_orders_are_by_existing_members_their_share_is_no_certainty(tmp_path):
    adds, _, told = found(tmp_path, orders=ORDERS[:4])
    assert told.share.value == 1
    assert told.share.ci_lower < 0.8
    findings = {one.id: one for one in rule.conclude(adds, told, level=0.95)}
    assert "100.0% of the orders" in findings["targets.rule.share"].message
    adds, _, told = found(tmp_path, orders=ORDERS[:4], target_members=9)
    assert (
        "as asked"
        in {one.id: one for one in rule.conclude(adds, told, level=0.95)}[
            "targets.rule.wanted"
        ].message
    )


def test_orders_of_few_people_are_not_told(tmp_path):
    _, measured, told = found(tmp_path, min_users=7)
    assert (measured.first, told.n_orders) == (None, 0)
    assert not told.share.known


def test_the_factor_is_one_over_the_share_kept(tmp_path):
    adds, _, told = found(tmp_path)
    # Of 12 added by day 69, four left after 8 days; two after day 30 of their stay.
    assert told.factor.value == pytest.approx(12 / 8)
    assert told.by_data.value == pytest.approx(4 * 1.5)
    assert told.difference.value == pytest.approx(4 * 0.2)
    share = kept_shares(adds, level=0.95).iloc[-1]
    assert told.factor.ci_lower == pytest.approx(1 / share["mature_upper"])
    assert told.factor.ci_upper == pytest.approx(1 / share["mature_lower"])
    z = 1.959964
    own = (np.log(told.factor.ci_upper / told.factor.ci_lower) / 2 / z) ** 2
    wanted = (np.log(told.wanted.ci_upper / told.wanted.ci_lower) / 2 / z) ** 2
    both = (np.log(told.by_data.ci_upper / told.by_data.ci_lower) / 2 / z) ** 2
    assert both == pytest.approx(own + wanted)


def test_orders_given_take_the_place_of_the_last_ones(tmp_path):
    _, _, told = found(tmp_path, target_orders=700)
    assert told.source == "orders"
    assert told.orders.ci_lower == told.orders.ci_upper == 700
    assert told.wanted.value == pytest.approx(400)
    assert told.wanted.ci_lower < 400 < told.wanted.ci_upper


def test_members_given_need_no_orders(tmp_path):
    adds, measured, told = found(tmp_path, orders=None, target_members=50)
    assert told.source == "members"
    assert not told.orders.known
    assert told.by_rule.value == 65
    assert told.by_data.value == pytest.approx(75)
    assert "50 new members are wanted, as asked." in rule.say_rule(adds, measured, told, level=0.95)
    findings = {one.id: one for one in rule.conclude(adds, told, level=0.95)}
    assert "targets.rule.orders" not in findings
    assert findings["targets.rule.wanted"].ci_lower == 50


@pytest.mark.parametrize("orders", [None, ORDERS[4:5]])
def test_without_orders_of_members_nothing_says_how_many_are_wanted(tmp_path, orders):
    adds, measured, told = found(tmp_path, orders=orders)
    assert told.source == ""
    assert not told.wanted.known
    assert not told.by_data.known
    assert told.factor.known
    said = rule.say_rule(adds, measured, told, level=0.95)
    assert "give target_members" in said


def test_days_that_were_not_all_observed_say_nothing_of_orders(tmp_path):
    _, measured, told = found(tmp_path, target_days=200)
    assert measured.first is None
    assert told.source == ""


def test_users_with_several_orders_widen_the_interval_of_the_count(tmp_path):
    """Ten orders of one user are no ten orders: the error of the count is ten, not its root."""
    many = [order(n, "m0", 72 + n) for n in range(10)]
    _, _, told = found(tmp_path, orders=many)
    assert np.log(told.orders.ci_upper / told.orders.value) == pytest.approx(1.96, rel=0.01)


def test_what_it_costs_is_the_difference_at_the_mean_cost(tmp_path):
    spend = [
        {"day": day(n).date(), "channel": "offline", "touchpoint": "card", "cost_cny": 6.0}
        for n in (10, 12, 20, 60)
    ]
    tables = {"users": PEOPLE, "orders": ORDERS, "spend": spend}
    adds = adds_of(tmp_path, tables)
    told = rule.estimate_rule(adds, rule.measure(adds), level=0.95)
    assert told.cost_cny.value == pytest.approx(4 * 0.2 * 24 / 12)


def test_nobody_who_can_be_seen_to_leave_leaves_no_factor(tmp_path):
    people = [{"user_id": f"{n}", "added_at": day(n)} for n in range(40)]
    adds = adds_of(tmp_path, {"users": people}, target_members=5)
    told = rule.estimate_rule(adds, rule.measure(adds), level=0.95)
    assert "nobody can be seen to leave" in rule.say_headline(adds, told, level=0.95)
    (first, *_) = rule.conclude(adds, told, level=0.95)
    assert (first.id, first.status) == ("targets.rule.factor", "insufficient")


def test_too_few_followed_so_long_are_no_factor(tmp_path):
    adds = adds_of(tmp_path, {"users": PEOPLE}, min_users=30)
    told = rule.estimate_rule(adds, rule.measure(adds), level=0.95)
    assert "fewer than 30 people" in rule.say_headline(adds, told, level=0.95)
    assert not len(rule.draw_factors(adds, told, level=0.95).table)


@pytest.mark.parametrize(
    ("stay", "verdict", "status"), [(0.5, "above", "alert"), (0.97, "below", "ok")]
)
def test_a_factor_clearly_off_is_called_so_with_what_to_do(tmp_path, stay, verdict, status):
    rng = np.random.default_rng(3)
    people = [
        user(f"{n}", n % 60, None if rng.random() < stay else n % 60 + 5, at)
        for at in ("card", "poster")
        for n in range(600)
    ]
    people = [row | {"user_id": f"{n}"} for n, row in enumerate(people)]
    adds = adds_of(tmp_path, {"users": people}, target_members=100)
    told = rule.estimate_rule(adds, rule.measure(adds), level=0.95)
    assert set(told.factors["verdict"]) == {verdict}
    findings = {one.id: one for one in rule.conclude(adds, told, level=0.95)}
    assert findings["targets.rule.factor"].status == status
    assert findings["targets.rule.factor"].action
    # Touchpoints are held against the rule at once, so their intervals are wider.
    each, whole = told.factors.iloc[0], told.factors.iloc[-1]
    assert each["ci_upper"] - each["ci_lower"] > 1.4 * (whole["ci_upper"] - whole["ci_lower"])
    said = rule.say_rule(adds, rule.measure(adds), told, level=0.95)
    assert ("more than the rule" if verdict == "above" else "fewer than the rule") in said
