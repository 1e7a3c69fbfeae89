"""Cox regression of grouped users: by hand, against statsmodels user by user, and refusals."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from siyu.stats.hazards import fit_hazards, hazard_ratio
from statsmodels.duration.hazard_regression import PHReg

LEVEL = 0.95


def lives(users: int, seed: int, *, days: int = 30) -> pd.DataFrame:
    """Simulated users, one row each: slow staff and night treat fewer and lose more."""
    rng = np.random.default_rng(seed)
    staff, night = rng.integers(0, 5, users), rng.random(users) < 0.3
    treated = rng.random(users) < np.where(staff > 2, 0.35, 0.7) - 0.2 * night
    hazard = 0.02 * np.where(treated, 0.6, 1) * np.where(staff > 2, 1.5, 1) * (1 + 0.4 * night)
    life = np.minimum(rng.exponential(1 / hazard), rng.uniform(days / 2, 2 * days, users))
    stays = (life >= days) | (rng.random(users) < 0.1)
    return pd.DataFrame(
        {
            "staff": staff.astype(str),
            "night": night.astype(int),
            "treated": treated.astype(int),
            "time": np.minimum(life, days).astype(int),
            "outcome": 1 - stays.astype(int),
            "n": 1,
        }
    )


def by_group(rows: pd.DataFrame) -> pd.DataFrame:
    keys = [name for name in rows if name != "n"]
    return rows.groupby(keys, as_index=False)["n"].sum()


def fitted(rows: pd.DataFrame, *covariates: str):
    design = rows[list(covariates)].drop_duplicates().reset_index(drop=True)
    kinds = design.assign(row=range(len(design)))
    return fit_hazards(design.to_numpy(dtype=float), rows.merge(kinds, on=list(covariates)))


def test_three_users_by_hand():
    """A treated user leaves first, then an untreated one; another treated stays.

    With r the ratio, the likelihood is r / (2 r + 1) x 1 / (r + 1), largest where 1 / r = 2 / (2 r
    + 1) + 1 / (r + 1), at r = 1 / sqrt(2).
    """
    rows = pd.DataFrame({"treated": [1, 0, 1], "time": [1, 2, 3], "outcome": [1, 1, 0], "n": 1})
    found = fitted(rows, "treated")
    ratio = 0.5**0.5
    assert found.coefficients == pytest.approx([np.log(ratio)])
    likelihood = np.log(ratio / (2 * ratio + 1)) + np.log(1 / (ratio + 1))
    assert found.log_likelihood == pytest.approx(likelihood)
    # Information: of each denominator, the chance that it is a treated one times that it is not.
    chances = np.array([2 * ratio / (2 * ratio + 1), ratio / (ratio + 1)])
    assert found.errors == pytest.approx([(chances * (1 - chances)).sum() ** -0.5])


def test_of_two_who_leave_together_each_has_left_by_half_before_the_other():
    """One of two treated and one of two others leave on a day: r / ((2 r + 2)(1.5 r + 1.5))."""
    rows = pd.DataFrame({"treated": [1, 0, 1, 0], "time": [1, 1, 2, 2], "outcome": [1, 1, 0, 0]})
    found = fitted(rows.assign(n=1), "treated")
    assert found.coefficients == pytest.approx([0])
    assert found.log_likelihood == pytest.approx(-np.log(4 * 3))


@pytest.mark.parametrize("days", [30, 4])
def test_it_agrees_with_statsmodels_user_by_user(days):
    """Few days have many ties; what statsmodels does with them unless told is something else."""
    rows = lives(1500, seed=1, days=days).astype({"staff": int})
    names = ["treated", "staff", "night"]
    found = fitted(by_group(rows), *names)
    model = PHReg(rows["time"], rows[names], status=rows["outcome"], ties="efron").fit()
    assert found.coefficients == pytest.approx(model.params, abs=1e-8)
    assert found.errors == pytest.approx(model.bse, abs=1e-8)
    assert found.log_likelihood == pytest.approx(model.llf, abs=1e-6)
    breslow = PHReg(rows["time"], rows[names], status=rows["outcome"]).fit()
    assert found.coefficients != pytest.approx(breslow.params, abs=1e-4)


def test_a_ratio_adjusts_as_statsmodels_does():
    rows = lives(1500, seed=2)
    found = hazard_ratio(by_group(rows), covariates=["staff", "night"], level=LEVEL)
    design = pd.get_dummies(rows[["treated", "staff", "night"]], columns=["staff"], drop_first=True)
    model = PHReg(rows["time"], design.astype(float), status=rows["outcome"], ties="efron").fit()
    lower, upper = np.exp(model.conf_int()[0])
    # The penalty is that of one hundredth of a user or so.
    assert found == pytest.approx((np.exp(model.params[0]), lower, upper), rel=1e-3)


def test_it_agrees_with_the_grouped_model_of_proportional_hazards():
    """Prentice and Gloeckler (1978): a binomial model of each day with link log(-log(1 - p))."""
    rows = lives(20_000, seed=3)
    ratio, lower, upper = hazard_ratio(by_group(rows), covariates=["staff", "night"], level=LEVEL)
    keys = ["treated", "staff", "night"]
    days = []
    for day in range(30):
        there = rows[rows["time"] >= day].assign(day=day)
        there["gone"] = ((there["time"] == day) & (there["outcome"] == 1)).astype(int)
        days.append(there.groupby([*keys, "day"], as_index=False).agg({"gone": "sum", "n": "sum"}))
    table = pd.concat(days, ignore_index=True)
    levels = ["staff", "day"]
    design = pd.get_dummies(table[[*keys, "day"]], columns=levels, drop_first=True).astype(float)
    link = sm.families.Binomial(sm.families.links.CLogLog())
    answers = np.column_stack([table["gone"], table["n"] - table["gone"]])
    model = sm.GLM(answers, sm.add_constant(design), family=link).fit()
    ends = np.exp([model.params["treated"], *model.conf_int().loc["treated"]])
    assert (ratio, lower, upper) == pytest.approx(ends, rel=0.005)


def test_neither_the_order_of_rows_nor_how_they_are_grouped_matters():
    rows = lives(600, seed=4)
    ends = hazard_ratio(by_group(rows), covariates=["staff"], level=LEVEL)
    shuffled = rows.sample(frac=1, random_state=5)
    assert hazard_ratio(shuffled, covariates=["staff"], level=LEVEL) == pytest.approx(ends)
    later = rows.assign(time=3 * rows["time"] + 7)
    assert hazard_ratio(later, covariates=["staff"], level=LEVEL) == pytest.approx(ends)


def test_a_swap_of_the_sides_turns_the_ratio_over():
    rows = lives(600, seed=6)
    ratio, lower, upper = hazard_ratio(rows, covariates=["night"], level=LEVEL)
    swapped = hazard_ratio(
        rows.assign(treated=1 - rows["treated"]), covariates=["night"], level=LEVEL
    )
    assert swapped == pytest.approx((1 / ratio, 1 / upper, 1 / lower))


def test_a_level_of_which_nobody_or_everybody_leaves_keeps_the_rest_readable():
    rows = lives(2_000, seed=7)
    alone = hazard_ratio(rows, covariates=["staff"], level=LEVEL)
    for time, outcome in ((30, 0), (0, 1)):
        new = pd.DataFrame({"staff": "new", "treated": [0, 1], "n": 50})
        more = pd.concat([rows, new.assign(time=time, outcome=outcome)])
        found = hazard_ratio(more, covariates=["staff"], level=LEVEL)
        # Who leaves together with a hundred others is at risk with half of them.
        assert found == pytest.approx(alone, rel=0.05)


@pytest.mark.parametrize("side", [0, 1])
def test_where_nobody_left_on_a_side_there_is_no_ratio(side):
    rows = lives(200, seed=8)
    rows.loc[rows["treated"] == side, "outcome"] = 0
    assert np.isnan(hazard_ratio(rows, covariates=["night"], level=LEVEL)).all()


def test_columns_that_say_the_same_or_tell_who_leaves_are_refused():
    rows = lives(200, seed=9)
    design = rows[["treated", "treated"]].to_numpy(dtype=float)
    for told in (design, rows[["outcome"]].to_numpy(dtype=float)):
        with pytest.raises(ValueError, match="the likelihood has no maximum"):
            fit_hazards(told, rows.assign(row=range(len(rows))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 0.5}, "n = 0.5 must be a whole number"),
        ({"outcome": 2}, "outcome = 2 must be 0 \\(censored\\) or 1 \\(left\\)"),
        ({"time": np.nan}, "time = nan must be finite"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    rows = pd.DataFrame({"row": [0, 1], "time": 1, "outcome": 1, "n": 1}).assign(**change)
    with pytest.raises(ValueError, match=message):
        fit_hazards(np.eye(2), rows)


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="column 'time' is missing"):
        fit_hazards(np.eye(2), pd.DataFrame({"row": [0, 1], "outcome": 1, "n": 1}))
