"""Standardised comparisons: by hand, against statsmodels row by row, and where they must refuse."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from siyu.stats.standardise import _fit, standardise

LEVEL = 0.95


def people(n: int, seed: int) -> pd.DataFrame:
    """Simulated users: by night fewer are treated and fewer stay; staff differ in both."""
    rng = np.random.default_rng(seed)
    night, staff = rng.random(n) < 0.3, rng.integers(0, 3, n)
    treated = rng.random(n) < np.where(night, 0.3, 0.7) - 0.1 * staff
    outcome = rng.random(n) < 0.5 + 0.1 * treated - 0.2 * night + 0.1 * staff
    flags = {"night": night.astype(int), "staff": staff.astype(str)}
    return pd.DataFrame(
        {**flags, "treated": treated.astype(int), "outcome": outcome.astype(int), "n": 1}
    )


def grouped(rows: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in rows if name != "n"]
    return rows.groupby(keys, as_index=False)["n"].sum()


def test_two_strata_by_hand():
    """In a, 60 of 80 treated and 10 of 20 others stay: +25 points. In b, 8 of 20 and 16 of 80: +20.

    Half of the users are in each, so the effect is 22.5 points; as they are, it reads 68 less 26.
    """
    rows = [("a", 1, 60, 80), ("a", 0, 10, 20), ("b", 1, 8, 20), ("b", 0, 16, 80)]
    table = pd.DataFrame(
        [
            {"group": group, "treated": treated, "outcome": outcome, "n": n}
            for group, treated, stayed, all_ in rows
            for outcome, n in ((1, stayed), (0, all_ - stayed))
        ]
    )
    found = standardise(table, covariates=["group"], level=LEVEL)
    assert found.difference == pytest.approx(0.225, abs=1e-4)
    assert (found.with_share, found.without_share) == pytest.approx((0.575, 0.35), abs=1e-4)
    assert found.gain == pytest.approx(0.575 - 94 / 200, abs=1e-4)
    # 80 weighted by 1 / 0.8 and 20 by 1 / 0.2 are worth (100 + 100)^2 / (125 + 500) = 64.
    assert found.effective == pytest.approx((64, 64), abs=0.1)
    assert (found.n, found.left_out) == (200, 0)


def test_it_agrees_with_statsmodels_row_by_row():
    rows = people(800, seed=1)
    found = standardise(grouped(rows), covariates=["night", "staff"], level=LEVEL)
    design = pd.get_dummies(rows[["night", "staff"]], columns=["staff"], drop_first=True)
    x = sm.add_constant(design.astype(float))
    a, y = rows["treated"], rows["outcome"]
    chance = sm.Logit(a, x).fit(disp=0).predict(x)
    with_it = sm.Logit(y[a == 1], x[a == 1]).fit(disp=0).predict(x)
    without = sm.Logit(y[a == 0], x[a == 0]).fit(disp=0).predict(x)
    values = with_it - without + a / chance * (y - with_it) - (1 - a) / (1 - chance) * (y - without)
    assert found.difference == pytest.approx(values.mean(), abs=1e-4)
    assert found.error == pytest.approx(values.std(ddof=x.shape[1]) / np.sqrt(800), rel=1e-3)


def test_the_logistic_model_has_the_coefficients_of_statsmodels():
    rows = people(500, seed=2)
    x = sm.add_constant(rows[["night"]].assign(late=rows["staff"] == "2").astype(float))
    weight = np.random.default_rng(3).integers(1, 9, len(rows)).astype(float)
    theirs = sm.GLM(rows["treated"], x, family=sm.families.Binomial(), freq_weights=weight).fit()
    ours = _fit(x.to_numpy(), rows["treated"].to_numpy(float), weight).coefficients
    assert ours == pytest.approx(theirs.params.to_numpy(), abs=1e-3)  # less the small penalty


@pytest.mark.parametrize("change", ["order", "split", "names"])
def test_neither_the_order_of_rows_nor_how_they_are_grouped_nor_names_matter(change):
    rows = people(600, seed=4)
    before = standardise(grouped(rows), covariates=["night", "staff"], level=LEVEL)
    changed = {
        "order": rows.sample(frac=1, random_state=1),
        "split": rows,
        "names": grouped(rows.assign(staff=rows["staff"].map({"0": "丙", "1": "甲", "2": "乙"}))),
    }[change]
    after = standardise(changed, covariates=["night", "staff"], level=LEVEL)
    assert after.difference == pytest.approx(before.difference, abs=1e-9)
    assert after.error == pytest.approx(before.error, abs=1e-9)


def test_who_is_treated_and_who_is_not_can_change_places():
    rows = grouped(people(600, seed=5))
    one = standardise(rows, covariates=["night"], level=LEVEL)
    other = standardise(rows.assign(treated=1 - rows["treated"]), covariates=["night"], level=LEVEL)
    assert other.difference == pytest.approx(-one.difference, abs=1e-9)
    assert (other.ci_lower, other.ci_upper) == pytest.approx((-one.ci_upper, -one.ci_lower))


def test_a_group_that_was_always_treated_is_left_out():
    always = pd.DataFrame(
        {"night": 0, "staff": "new", "treated": 1, "outcome": [0, 1], "n": [150, 150]}
    )
    rows = grouped(people(600, seed=6))
    plain = standardise(rows, covariates=["night", "staff"], level=LEVEL)
    found = standardise(pd.concat([rows, always]), covariates=["night", "staff"], level=LEVEL)
    assert (found.n, found.left_out) == (600, 300)
    assert found.difference == pytest.approx(plain.difference, abs=1e-6)
    assert found.propensity["n"].sum() == 900


def test_a_missing_value_is_a_level_of_its_own_and_rare_levels_share_one():
    rows = people(600, seed=7)
    rows["staff"] = rows["staff"].where(rows["staff"] != "2", None)
    rare = rows.assign(staff=rows["staff"].astype("object"))
    rare.loc[:4, "staff"] = [f"rare {i}" for i in range(5)]
    kept = standardise(rows, covariates=["staff"], level=LEVEL)
    assert kept.n == 600
    assert standardise(rare, covariates=["staff"], level=LEVEL).n == 600


@pytest.mark.parametrize("took", [0, 1])
def test_where_all_were_treated_alike_there_is_nothing_to_compare(took):
    rows = people(200, seed=8).assign(treated=took)
    assert standardise(rows, covariates=["night"], level=LEVEL) is None


def test_an_outcome_that_everybody_has_has_no_effect():
    found = standardise(people(300, seed=9).assign(outcome=1), covariates=["night"], level=LEVEL)
    assert found.difference == pytest.approx(0, abs=1e-3)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"treated": 2}, "treated = 2 must be 0 or 1"),
        ({"outcome": -1}, "outcome = -1 must be 0 or 1"),
        ({"n": 1.5}, "n = 1.5 must be a whole number"),
    ],
)
def test_counts_that_are_none_are_refused(change, message):
    rows = people(50, seed=10).assign(**change)
    with pytest.raises(ValueError, match=message):
        standardise(rows, covariates=["night"], level=LEVEL)


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="column 'lure' is missing"):
        standardise(people(50, seed=11), covariates=["lure"], level=LEVEL)


def test_a_fit_that_does_not_settle_ends(monkeypatch):
    monkeypatch.setattr("siyu.stats.standardise._STEPS", 2)
    assert standardise(people(300, seed=12), covariates=["night"], level=LEVEL).n == 300
