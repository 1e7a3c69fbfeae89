"""What a repair would add, by hand: counts are of users who got exactly 1, 2, 3 steps far."""

from decimal import Decimal

import numpy as np
import pytest
from scipy.stats import norm
from siyu.studies.funnel.definition import Definition
from siyu.studies.funnel.measure import measure
from siyu.studies.funnel.repair import order_value, per_point, repair

from tests.studies.funnel.builders import at, log, reduced
from tests.studies.funnel.routes import newcombe

LEVEL = 0.95
TWO = {"ads": (60, 30, 10), "group": (30, 10, 60)}


class TestRepair:
    """ads: 100, 40, 10. group: 100, 70, 60. ads' second step is 0.4 against 0.7, so 30 more
    would get there, a quarter of whom go on: 7.5. Its last is 10/40 against 60/70.
    """

    TABLE = repair(reduced(TWO), level=LEVEL).set_index(["segment", "step"])

    def test_extra_conversions_are_the_gap_times_the_own_later_rates(self):
        assert self.TABLE["extra"].to_dict() == pytest.approx(
            {
                ("ads", "C"): 40 * (60 / 70 - 0.25),
                ("ads", "B"): 100 * 0.3 * 0.25,
                ("group", "B"): 100 * -0.3 * 60 / 70,
                ("group", "C"): 70 * (0.25 - 60 / 70),
            }
        )
        assert self.TABLE["extra"].is_monotonic_decreasing
        assert self.TABLE["at_step"].to_dict()["ads", "C"] == 40

    def test_gaps_are_joint_over_all_segments_and_steps(self):
        """Four gaps at 95% together: each at 98.75%."""
        row = self.TABLE.loc[("ads", "C")]
        assert (row.gap_lower, row.gap_upper) == pytest.approx(
            newcombe(60, 70, 10, 40, alpha=0.05 / 4)
        )
        assert row.gap == pytest.approx(row.others_rate - row.step_rate)

    def test_a_step_is_clearly_behind_when_its_gap_is(self):
        assert self.TABLE["clear"].to_dict() == {
            ("ads", "C"): True,
            ("ads", "B"): True,
            ("group", "B"): False,
            ("group", "C"): False,
        }

    def test_a_gap_that_holm_does_not_find_clear_is_not_clear(self):
        """group's last step is 14 points ahead of ads' with 40 and 70 users: p = 0.1."""
        close = {"ads": (60, 20, 20), "group": (30, 25, 45)}
        table = repair(reduced(close), level=LEVEL).set_index(["segment", "step"])
        assert table["gap"]["ads", "C"] > 0
        assert table["p_holm"]["ads", "C"] > 0.05
        assert not table["clear"]["ads", "C"]
        assert table["clear"]["ads", "B"]

    def test_a_repair_that_may_add_nothing_is_not_clear(self):
        """ads' last step, 14 of 40 against 52 of 90: clear by Holm (p = 0.04), whose second pair
        is tested at half the level, but not by the interval that is joint over all four gaps.
        """
        measures = reduced({"ads": (60, 26, 14), "group": (10, 38, 52)})
        row = repair(measures, level=LEVEL).set_index(["segment", "step"]).loc["ads", "C"]
        assert row.gap > 0
        assert row.p_holm < 0.05
        assert row.extra_lower < 0
        assert not row.clear

    def test_small_groups_are_among_the_others_but_are_not_repaired(self):
        measures = reduced(TWO | {"(small groups)": (40, 0, 0)}, min_users=30)
        table = repair(measures, level=LEVEL).set_index(["segment", "step"])
        assert set(table.index.get_level_values("segment")) == {"ads", "group"}
        assert table["others_rate"]["ads", "B"] == pytest.approx(70 / 140)

    def test_extra_conversions_have_the_delta_interval(self):
        """Last step, by hand: extra = own at the step x the others' rate - own converted, with
        Poisson counts: own stuck s and converted c, others' rate q of m: variance
        s q^2 + c (1 - q)^2 + (s + c)^2 q (1 - q) / m.
        """
        row = self.TABLE.loc[("ads", "C")]
        q, m, stuck, converted = 60 / 70, 70, 30, 10
        variance = stuck * q**2 + converted * (1 - q) ** 2 + 40**2 * q * (1 - q) / m
        half = norm.ppf(1 - 0.05 / 8) * np.sqrt(variance)
        assert (row.extra_upper - row.extra_lower) / 2 == pytest.approx(half, rel=1e-6)

    def test_conversions_can_be_valued(self):
        assert self.TABLE["worth_cny"].isna().all()
        valued = repair(reduced(TWO), level=LEVEL, value_cny=20.0)
        for end in ("", "_lower", "_upper"):
            worth, extra = valued[f"worth_cny{end}"], valued[f"extra{end}"]
            assert worth.to_numpy() == pytest.approx(20 * extra.to_numpy())

    def test_a_step_that_none_of_its_own_reached_goes_on_like_the_others(self):
        """Nobody of ads got to B: at the others' 0.7 it would be 70, of whom 6/7 convert."""
        measures = reduced({"ads": (100, 0, 0), "group": (30, 10, 60)})
        table = repair(measures, level=LEVEL).set_index(["segment", "step"])
        assert table["extra"]["ads", "B"] == pytest.approx(60)

    def test_one_segment_has_no_others(self):
        assert repair(reduced({"all": (60, 30, 10)}), level=LEVEL).empty


class TestPerPoint:
    def test_a_point_more_is_a_hundredth_of_those_at_the_step_times_the_later_rates(self):
        table = per_point(reduced({"all": (60, 30, 10)}), level=LEVEL)
        assert table["step"].tolist() == ["B", "C"]
        assert table["at_step"].tolist() == [100, 40]
        assert table["step_rate"].tolist() == [0.4, 0.25]
        assert table["extra"].tolist() == pytest.approx([0.01 * 100 * 0.25, 0.01 * 40])

    def test_at_a_step_that_nobody_took_a_point_more_converts_at_once(self):
        table = per_point(reduced({"all": (60, 40, 0)}), level=LEVEL)
        assert table["extra"].tolist() == pytest.approx([0, 0.01 * 40])

    def test_where_less_than_a_point_is_lost_what_is_lost_counts(self):
        """1 of 200 is lost at the first step, nobody at the second."""
        table = per_point(reduced({"all": (1, 0, 199)}), level=LEVEL)
        assert table["extra"].tolist() == pytest.approx([1, 0])

    def test_its_interval_takes_the_counts_as_poisson(self):
        """At the last step it is a hundredth of 40 users, give or take the root of 40."""
        row = per_point(reduced({"all": (60, 30, 10)}), level=LEVEL).iloc[1]
        half = 0.01 * norm.ppf(0.975) * np.sqrt(40)
        found = (row.extra_lower, row.extra_upper)
        assert found == pytest.approx((0.4 - half, 0.4 + half), rel=1e-6)


ORDERS = [
    {"paid_at": "2026-01-03 23:59", "amount_cny": "900", "refunded_cny": None, "margin_cny": "90"},
    {"paid_at": "2026-01-04 00:00", "amount_cny": "100", "refunded_cny": "40", "margin_cny": "10"},
    {"paid_at": "2026-01-20 10:00", "amount_cny": "80", "refunded_cny": None, "margin_cny": "30"},
]


def orders(*columns):
    return [
        {"order_id": str(i), "user_id": "first", "paid_at": at(row["paid_at"])}
        | {name: row[name] and Decimal(row[name]) for name in columns}
        for i, row in enumerate(ORDERS)
    ]


AO = Definition(steps=["A", ["pay", "order"]])
BOUGHT = log("first 2026-01-05 10:00 A\n first 2026-01-05 11:00 order\n first 2026-01-05 11:00 pay")


@pytest.mark.parametrize(
    ("columns", "mean"),
    [
        (("amount_cny",), 90),  # 100 and 80; the first was paid before the period
        (("amount_cny", "refunded_cny"), 70),  # 60 and 80
        (("amount_cny", "refunded_cny", "margin_cny"), 20),  # 10 and 30
    ],
)
def test_an_order_is_worth_its_margin_or_else_its_amount_less_the_refund(open_shop, columns, mean):
    pool = open_shop(BOUGHT, orders=orders(*columns))
    assert order_value(pool, AO, measure(pool, AO, period_days=28).span) == mean


def test_a_last_step_that_is_no_order_or_a_period_without_one_has_no_value(open_shop):
    pool = open_shop(BOUGHT, orders=orders("amount_cny"))
    span = measure(pool, AO, period_days=28).span
    assert order_value(pool, Definition(steps=["order", "pay"]), span) is None
    assert order_value(open_shop(BOUGHT, orders=orders("amount_cny")[:1]), AO, span) is None


def test_without_orders_an_order_has_no_value(open_shop):
    pool = open_shop(BOUGHT)
    assert order_value(pool, AO, measure(pool, AO, period_days=28).span) is None
