"""Growth, stickiness and the change of a tier: by hand, in simulation, and who is hidden."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from siyu.stats.intervals import newcombe_difference, wilson
from siyu.studies.retention.lifecycle import change, flows, tier_months, tier_weeks
from statsmodels.stats.contingency_tables import Table2x2

from tests.studies.retention.lifecycle.builders import reduced

LEVEL = 0.95
HIGH = ["gold", "diamond"]


def week(**given: int) -> dict[str, int]:
    """A week of 1,000 users ever added."""
    return {"added": 1000, "dormant": 400, "active": 300, "lost": 100} | given


class TestFlows:
    def test_the_quick_ratio_is_computed_by_hand(self):
        """(60 + 40) / (50 + 20 + 10) = 1.25; half-width of its log 1.96 sqrt(1/100 + 1/80)."""
        moves = {"new": 60, "resurrected": 40, "fell_dormant": 50, "left_new": 20}
        row = flows(reduced([week(**moves, left_engaged=10)]), level=LEVEL).iloc[0]
        assert (row.gained, row.ceased, row.quick_ratio) == (100, 80, 1.25)
        assert row.ci_lower == pytest.approx(1.25 * np.exp(-1.959964 * 0.15), rel=1e-6)
        assert row.ci_upper == pytest.approx(1.25 * np.exp(1.959964 * 0.15), rel=1e-6)

    def test_the_interval_is_that_of_odds(self):
        """Of those who moved, a gained and b ceased: a / b are odds. Two such against even odds."""
        row = flows(reduced([week(new=30, fell_dormant=20)]), level=LEVEL).iloc[0]
        twice = Table2x2([[30, 20], [10**9, 10**9]])
        assert [row.ci_lower, row.ci_upper] == pytest.approx(twice.oddsratio_confint(), rel=1e-6)

    @pytest.mark.parametrize("which", ["left_at_once", "left_dormant"])
    def test_who_was_never_gained_or_is_lost_already_does_not_move_it(self, which):
        moves = {"new": 60, "fell_dormant": 60}
        without, beside = (
            flows(reduced([week(**moves, **{which: n})]), level=LEVEL).iloc[0] for n in (0, 90)
        )
        assert without.quick_ratio == beside.quick_ratio == 1
        assert (without.left, beside.left) == (0, 90)

    def test_it_is_above_one_exactly_when_the_engaged_became_more(self):
        """Engaged after = engaged before + gained - ceased, in the weeks of the sample too."""
        from siyu.data import open_source
        from siyu.studies.retention.lifecycle import measure

        events = ["browse", "cart", "order"]
        measures = measure(open_source("data/sample"), weeks=26, return_events=events)
        found = flows(measures, level=LEVEL)
        engaged = found["connected"] - found["dormant"]
        grown = engaged.diff().iloc[1:]
        assert (grown == (found["gained"] - found["ceased"]).iloc[1:]).all()
        assert (np.sign(grown) == np.sign(found["quick_ratio"].iloc[1:] - 1)).all()

    @pytest.mark.parametrize(("new", "fell"), [(9, 50), (50, 9), (0, 0)])
    def test_few_on_either_side_make_no_ratio(self, new, fell):
        row = flows(reduced([week(new=new, fell_dormant=fell)]), level=LEVEL).iloc[0]
        assert row[["quick_ratio", "ci_lower", "ci_upper"]].isna().all()
        enough = flows(reduced([week(new=10, fell_dormant=10)]), level=LEVEL).iloc[0]
        assert (round(enough.ci_lower, 1), round(enough.ci_upper, 1)) == (0.4, 2.4)

    def test_the_share_of_dormant_is_of_the_connected(self):
        row = flows(reduced([week(dormant=400, lost=200)]), level=LEVEL).iloc[0]
        assert (row.connected, row.dormant_share) == (800, 0.5)
        assert [row.dormant_ci_lower, row.dormant_ci_upper] == list(wilson(400, 800, level=LEVEL))
        few = flows(reduced([week(dormant=20, lost=980)]), level=LEVEL).iloc[0]
        assert few[["dormant_share", "dormant_ci_lower", "dormant_ci_upper"]].isna().all()

    def test_weeks_before_the_pool_was_large_enough_are_left_out(self):
        measures = reduced([week(added=n, lost=0, dormant=9) for n in (29, 30)])
        assert flows(measures, level=LEVEL)["added"].tolist() == [30]

    @pytest.mark.slow
    @pytest.mark.parametrize("move", [(0.02, 0.02), (0.03, 0.06), (0.1, 0.1)])
    def test_the_interval_holds_the_truth_and_one_that_counts_one_side_only_does_not(self, move):
        """2,000 weeks of 2,000 independent users, of whom each makes at most one of two moves."""
        rng = np.random.default_rng(5)
        counts = rng.multinomial(2000, [*move, 1 - sum(move)], size=2000)
        states = [week(new=int(a), fell_dormant=int(b)) for a, b, _ in counts]
        found = flows(reduced(states), level=LEVEL)
        truth = move[0] / move[1]
        held = (found["ci_lower"] <= truth) & (truth <= found["ci_upper"])
        assert 0.94 <= held.mean() <= 0.965
        half = norm.ppf(0.975) / np.sqrt(found["gained"])
        naive = np.abs(np.log(found["quick_ratio"] / truth)) <= half
        assert naive.mean() < 0.92


class TestStickiness:
    WINDOWS = (("gold", 1, "gold", 0, 50), ("gold", 1, "gold", 1, 20), ("gold", 1, "gold", 4, 20))

    def months(self, windows=WINDOWS, **options):
        members = [(tier, 0, 100, 50) for tier in {row[2] for row in windows} - {None}]
        measures = reduced(members=members, windows=windows, **options)
        return tier_months(measures, high_tiers=HIGH, level=LEVEL).set_index("tier")

    def test_it_is_the_mean_share_of_weeks_among_the_active(self):
        """20 in one week of four, 20 in all: 0.625, standard error 0.375 / sqrt(40)."""
        row = self.months().loc["gold"]
        assert (row.members, row.active, row.active_share) == (90, 40, 40 / 90)
        assert row.stickiness == 0.625
        half = 1.959964 * 0.375 / np.sqrt(40)
        assert row.sticky_upper == pytest.approx(0.625 + half, abs=1e-4)

    def test_where_all_came_every_week_the_interval_is_no_point_and_ends_at_one(self):
        row = self.months([("gold", 1, "gold", 4, 60)]).loc["gold"]
        assert row.stickiness == row.sticky_upper == 1
        assert row.sticky_lower < 0.99

    def test_few_active_members_have_none_and_all_together_never(self):
        found = self.months([("gold", 1, "gold", 0, 80), ("gold", 1, "gold", 4, 29)])
        assert found["stickiness"].isna().all()
        assert found.loc["gold", "active"] == 29
        assert pd.isna(self.months().loc["all", "stickiness"])


class TestChange:
    def test_of_five_rows_by_hand(self):
        """60 of 100 were active; 30 of these are silver now, 10 new ones came: 35 of 80 now."""
        windows = pd.DataFrame(
            [
                ("gold", 1, "gold", 2, 30),
                ("gold", 1, "silver", 2, 30),
                ("gold", 0, "gold", 0, 40),
                (None, 0, "gold", 1, 5),
                (None, 0, "gold", 0, 5),
            ],
            columns=["tier_before", "active_before", "tier", "weeks_active", "n"],
        )
        row = change(windows, "gold", level=LEVEL).iloc[0]
        assert row.value == pytest.approx(35 / 80 - 60 / 100)
        everyone = change(windows, "all", level=LEVEL).iloc[0]
        assert everyone.value == pytest.approx(65 / 110 - 60 / 100)

    def test_of_users_all_in_both_windows_it_is_the_paired_interval_or_newcombes(self):
        """Discordant pairs 40 and 20 of 200: the variance of a paired difference."""
        cells = [(1, 2, 80), (1, 0, 40), (0, 1, 20), (0, 0, 60)]
        windows = reduced(windows=[("gold", a, "gold", b, n) for a, b, n in cells]).windows
        row = change(windows, "gold", level=LEVEL).iloc[0]
        assert row.value == pytest.approx(-0.1)
        half = 1.959964 * np.sqrt((40 + 20 - (40 - 20) ** 2 / 200) / 200**2)
        _, lower, upper = newcombe_difference(100, 200, 120, 200, level=LEVEL)
        assert lower[()] < -0.1 - half  # what habit ties together is known better than so
        assert (row.ci_lower, row.ci_upper) == pytest.approx((lower[()], upper[()]))
        never = [(1, 0, 60), (0, 1, 40)]  # who came before does not come now
        windows = reduced(windows=[("gold", a, "gold", b, n) for a, b, n in never]).windows
        row = change(windows, "gold", level=LEVEL).iloc[0]
        assert row.ci_lower == pytest.approx(-0.2 - 1.959964 * np.sqrt(96 / 100**2), abs=0.003)

    def test_splitting_rows_of_counts_and_their_order_do_not_matter(self):
        rows = [("gold", 1, "gold", 2, 60), ("gold", 0, "gold", 1, 40), ("gold", 1, None, 0, 50)]
        split = [(*row[:4], part) for row in rows[::-1] for part in (row[4] // 2, row[4] // 2)]
        a, b = (change(reduced(windows=one).windows, "gold", level=LEVEL) for one in (rows, split))
        assert a.to_numpy() == pytest.approx(b.to_numpy(), abs=1e-6)


class TestTierMonths:
    def months(self, windows, **options):
        tiers = dict.fromkeys(name for row in windows for name in (row[0], row[2]) if name)
        members = [(tier, 0, 100, 50) for tier in tiers]
        found = tier_months(
            reduced(members=members, windows=windows, **options), high_tiers=HIGH, level=LEVEL
        )
        return found.set_index("tier")

    def test_a_fall_a_rise_and_neither(self):
        """Gold falls by 30 of 200, silver rises as much, ordinary stays."""
        found = self.months(
            [
                *[("gold", 1, "gold", 1, 120), ("gold", 1, "gold", 0, 30)],
                *[("gold", 0, "gold", 0, 50)],
                *[("silver", 1, "silver", 1, 120), ("silver", 0, "silver", 1, 30)],
                *[("silver", 0, "silver", 0, 50)],
                *[("ordinary", 1, "ordinary", 1, 150), ("ordinary", 1, "ordinary", 0, 150)],
                *[("ordinary", 0, "ordinary", 1, 150), ("ordinary", 0, "ordinary", 0, 150)],
            ]
        )
        verdicts = {"all": "unclear", "gold": "falls", "silver": "rises", "ordinary": "unclear"}
        assert found["verdict"].to_dict() == verdicts
        assert found.loc["all", "change"] == 0
        assert list(found.index) == ["all", "ordinary", "silver", "gold"]

    def test_holm_is_over_the_high_tiers_and_over_the_others_apart(self):
        rows = [
            (tier, a, tier, b, n)
            for tier in ("gold", "diamond", "silver", "ordinary")
            for a, b, n in ((1, 1, 100), (1, 0, 30), (0, 1, 14), (0, 0, 56))
        ]
        found = self.months(rows)
        tiers = found.drop(index="all")
        alone = self.months([row for row in rows if row[0] == "gold"]).loc["gold", "p_holm"]
        assert tiers["p_holm"].to_numpy() == pytest.approx([2 * alone] * 4)

    def test_what_only_the_interval_calls_a_fall_is_unclear(self):
        """Fifteen high tiers that fall alike: no interval holds zero, each p is multiplied."""
        names = [f"t{i:02}" for i in range(15)]
        cells = ((1, 1, 80), (1, 0, 40), (0, 1, 16), (0, 0, 64))
        windows = [(tier, a, tier, b, n) for tier in names for a, b, n in cells]
        members = [(tier, 0, 200, 100) for tier in names]
        measures = reduced(members=members, windows=windows)
        found = tier_months(measures, high_tiers=names, level=LEVEL).iloc[1:]
        assert (found["change_upper"] < 0).all()
        assert set(found["verdict"]) == {"unclear"}

    def test_without_an_earlier_window_or_members_in_it_there_is_no_change(self):
        found = self.months([(None, 0, "gold", 1, 60), (None, 0, "gold", 0, 60)])
        assert set(found["verdict"]) == {""}
        assert found.loc["gold", "active_share"] == 0.5
        assert pd.isna(found.loc["gold", "members_before"])

    def test_small_tiers_cannot_be_had_by_subtraction(self):
        """Gold is few before: it is left out, and the next smallest with it, or all would tell."""
        windows = [
            *[("gold", 1, "gold", 1, 12), (None, 0, "gold", 1, 40)],
            *[("diamond", 1, "diamond", 1, 35), ("silver", 1, "silver", 1, 50)],
            ("ordinary", 1, "ordinary", 1, 500),
        ]
        found = self.months(windows)
        assert list(found.index) == ["all", "ordinary", "silver"]
        for column in ("members", "members_before"):
            rest = found.loc["all", column] - found.drop(index="all")[column].sum()
            assert rest == 0 or rest >= 30

    def test_few_members_in_all_have_no_numbers(self):
        found = self.months([("gold", 1, "gold", 1, 20)])
        assert list(found.index) == ["all"]
        told = found[["members", "active", "active_share", "members_before", "change"]]
        assert told.isna().all(axis=None)

    def test_no_windows_are_no_rows(self):
        assert tier_months(reduced(members=None), high_tiers=HIGH, level=LEVEL).empty
        assert tier_months(reduced(), high_tiers=HIGH, level=LEVEL).empty


class TestTierWeeks:
    WINDOWS = (
        ("gold", 1, "gold", 1, 60),
        ("silver", 1, "silver", 1, 80),
        ("few", 1, "few", 1, 40),
        ("odd", 1, "odd", 1, 10),
    )

    def weeks(self, members, windows=WINDOWS):
        found = tier_weeks(reduced([week()] * 2, members=members, windows=windows), level=LEVEL)
        assert found["week"].nunique() == 2
        return {name: own.reset_index(drop=True) for name, own in found.groupby("tier")}

    def test_shares_have_wilsons_interval_and_all_are_all(self):
        members = [("gold", 0, 60, 30), ("gold", 1, 50, 20), ("silver", 0, 80, 8)]
        members += [("silver", 1, 90, 9)]
        found = self.weeks(members, self.WINDOWS[:2])
        assert found["gold"]["active_share"].tolist() == [0.5, 0.4]
        assert found["gold"]["ci_lower"].iloc[1] == wilson(20, 50, level=LEVEL)[0]
        assert found["all"]["members"].tolist() == [140, 140]
        assert found["all"]["active"].tolist() == [38, 29]

    def test_a_tier_that_was_small_in_a_week_has_no_number_in_it_nor_the_next_smallest(self):
        """Few has 5 in the first week; gold is hidden with it, or it could be had from all."""
        members = [("gold", 0, 60, 30), ("silver", 0, 80, 40), ("few", 0, 5, 5)]
        members += [("gold", 1, 60, 30), ("silver", 1, 80, 40), ("few", 1, 40, 20)]
        found = self.weeks(members, self.WINDOWS[:3])
        assert found["few"]["members"].isna().tolist() == [True, False]
        assert found["gold"]["active_share"].isna().tolist() == [True, False]
        assert found["silver"]["members"].tolist() == [80, 80]
        assert found["gold"]["active"].isna().tolist() == [True, False]

    def test_tiers_hidden_in_the_months_are_in_no_week_either(self):
        members = [(tier, place, 100, 50) for tier, *_ in self.WINDOWS for place in (0, 1)]
        found = self.weeks(members)
        assert set(found) == {"all", "gold", "silver"}

    def test_few_members_in_all_are_not_counted_out(self):
        found = self.weeks([("gold", 0, 20, 9), ("gold", 1, 40, 9)], self.WINDOWS[:1])
        assert found["all"]["members"].isna().tolist() == [True, False]
        assert found["gold"]["members"].isna().tolist() == [True, False]

    def test_without_tiers_or_members_there_are_no_rows(self):
        for members in (None, ()):
            found = tier_weeks(reduced([week()], members=members), level=LEVEL)
            assert found.empty
            assert "active_share" in found


def draw_pools(rng: np.random.Generator, *, pools: int, users: int) -> np.ndarray:
    """Weeks in which each user came, in five times four weeks, by pool.

    Every four weeks one user in five gets another habit. Nothing falls: all weeks are alike.
    """
    habit, came = rng.beta(0.6, 1.2, size=(pools, users)), []
    for _ in range(5):
        anew = rng.random((pools, users)) < 0.2
        habit = np.where(anew, rng.beta(0.6, 1.2, size=(pools, users)), habit)
        came.append(rng.binomial(4, habit))
    return np.stack(came, axis=1)


def windows_of(gold_before, came_before, gold, came) -> pd.DataFrame:
    """Reduced windows of one tier, as the engine would count them."""
    sides = np.stack([gold_before, (came_before > 0) & gold_before, gold, np.where(gold, came, 0)])
    cells, n = np.unique(sides[:, gold_before | gold], axis=1, return_counts=True)
    tier_before, tier = (np.where(cells[i] == 1, "gold", None) for i in (0, 2))
    columns = {"tier_before": tier_before, "active_before": cells[1], "tier": tier}
    return pd.DataFrame({**columns, "weeks_active": cells[3], "n": n})


@pytest.mark.slow
class TestRegressionToTheMean:
    """Gold is who came in 9 of the 12 weeks before a review: 2,000 pools in which nothing changes.

    The windows are the fourth and the fifth four weeks, with a review at the beginning of each.
    Members fixed at the beginning of each window are picked at their best alike. The members of
    the first, followed into the second, go on losing their habit; and today's members were picked
    by what they did in the first window.
    """

    @pytest.fixture(scope="class")
    @classmethod
    def found(cls) -> pd.DataFrame:
        rows = []
        for came in draw_pools(np.random.default_rng(11), pools=2000, users=800):
            gold_before, gold = came[0:3].sum(axis=0) >= 9, came[1:4].sum(axis=0) >= 9
            row = {}
            for name, before, now in (
                ("ours", gold_before, gold),
                ("followed", gold_before, gold_before),
                ("today", gold, gold),
            ):
                windows = windows_of(before, came[3], now, came[4])
                one = change(windows, "gold", level=LEVEL).iloc[0]
                row[f"{name}_value"] = one.value
                row[f"{name}_held"] = one.ci_lower <= 0 <= one.ci_upper
                row[f"{name}_alert"] = one.ci_upper < 0 and one.p <= 1 - LEVEL
            rows.append(row)
        return pd.DataFrame(rows)

    def test_members_of_each_window_show_no_fall_and_raise_few_alarms(self, found):
        error = found["ours_value"].std() / np.sqrt(len(found))
        assert abs(found["ours_value"].mean()) < 3 * error
        assert found["ours_alert"].mean() <= 0.05
        assert found["ours_held"].mean() >= 0.95 - 3 * np.sqrt(0.05 * 0.95 / len(found))

    @pytest.mark.parametrize(("naive", "alarms"), [("followed", 0.12), ("today", 0.9)])
    def test_members_of_one_window_in_both_show_a_fall_that_is_not_there(
        self, found, naive, alarms
    ):
        assert found[f"{naive}_value"].mean() < -0.05
        assert found[f"{naive}_alert"].mean() > alarms
