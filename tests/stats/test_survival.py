import numpy as np
import pandas as pd
import pytest
from siyu.stats.intervals import multinomial_delta
from siyu.stats.survival import cumulative_incidence, log_rank, restricted_mean, time_to_share
from statsmodels.duration.survfunc import CumIncidenceRight, SurvfuncRight, survdiff

Z = 1.959963985


def _grouped(*rows):
    return pd.DataFrame(rows, columns=["time", "outcome", "n"])


def _drawn_users(seed, n=300, outcomes=(0, 1, 2)):
    """Few distinct days, so that events, leaving and censoring fall together."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {"time": rng.integers(1, 25, n), "outcome": rng.choice(outcomes, n), "n": 1}
    )


def _standard_errors(curve):
    """Read the standard error back from the interval: log(-log(1 - F)) is symmetric."""
    inside = curve.dropna()
    scale = np.log(-np.log1p(-inside[["ci_lower", "ci_upper"]]))
    left = 1 - inside["incidence"]
    return (scale["ci_upper"] - scale["ci_lower"]) / (2 * Z) * -left * np.log(left)


def test_incidence_by_hand_with_leaving_and_censoring():
    """10 at risk, 2 convert; 8, 2 leave; 6, 3 censored; 3, 1 converts: .2 + .6 x 1/3."""
    curve = cumulative_incidence(
        _grouped((1, 1, 2), (2, 2, 2), (3, 0, 3), (4, 1, 1), (5, 0, 2)), level=0.95
    )

    assert curve["time"].tolist() == [1, 2, 3, 4, 5]
    assert curve["at_risk"].tolist() == [10, 8, 6, 3, 2]
    np.testing.assert_allclose(curve["incidence"], [0.2, 0.2, 0.2, 0.4, 0.4])


@pytest.mark.parametrize("seed", range(5))
def test_incidence_and_its_standard_error_agree_with_statsmodels_user_by_user(seed):
    users = _drawn_users(seed)
    theirs = CumIncidenceRight(users["time"], users["outcome"])

    ours = cumulative_incidence(users, level=0.95)
    events = np.isin(ours["time"], theirs.times)

    np.testing.assert_allclose(ours.loc[events, "incidence"], theirs.cinc[0])
    np.testing.assert_allclose(
        _standard_errors(ours[events]), theirs.cinc_se[0][ours.loc[events, "ci_lower"].notna()]
    )


def test_without_leaving_it_is_one_minus_kaplan_meier_with_greenwoods_error():
    users = _drawn_users(11, outcomes=(0, 1))
    theirs = SurvfuncRight(users["time"], users["outcome"])

    ours = cumulative_incidence(users, level=0.95)
    ours = ours[np.isin(ours["time"], theirs.surv_times)]

    np.testing.assert_allclose(ours["incidence"], 1 - theirs.surv_prob)
    bounded = (ours["incidence"] < 1).to_numpy()
    np.testing.assert_allclose(_standard_errors(ours), theirs.surv_prob_se[bounded])


def test_without_censoring_the_error_is_that_of_a_share():
    curve = cumulative_incidence(
        _grouped((1, 1, 20), (2, 2, 30), (3, 1, 10), (9, 0, 40)), level=0.95
    )

    shares = np.array([0.2, 0.2, 0.3, 0.3])
    np.testing.assert_allclose(curve["incidence"], shares)
    np.testing.assert_allclose(_standard_errors(curve), np.sqrt(shares * (1 - shares) / 100))


def test_the_error_stays_exact_over_many_thousand_distinct_times():
    n = 20_000
    users = pd.DataFrame({"time": np.arange(1, n + 1), "outcome": 1 + np.arange(n) % 2, "n": 1})
    curve = cumulative_incidence(users, level=0.95)
    share = curve["incidence"]

    np.testing.assert_allclose(_standard_errors(curve), np.sqrt(share * (1 - share) / n), rtol=1e-6)


def test_a_curve_that_ends_with_everybody_converted_ends_at_one():
    # With 30 users the hazards sum to just below one in floating point.
    users = pd.DataFrame({"time": np.arange(1, 31), "outcome": 1, "n": 1})
    curve = cumulative_incidence(users, level=0.95)

    assert curve["incidence"].iloc[-1] == pytest.approx(1)
    assert curve["ci_lower"].iloc[:-1].notna().all()
    assert curve[["ci_lower", "ci_upper"]].iloc[-1].isna().all()


def test_grouped_rows_equal_single_users_in_any_order():
    users = _drawn_users(3)
    grouped = users.groupby(["time", "outcome"], as_index=False)["n"].sum()

    pd.testing.assert_frame_equal(
        cumulative_incidence(grouped[::-1], level=0.9), cumulative_incidence(users, level=0.9)
    )


def test_incidence_rises_within_zero_and_one_and_its_interval_holds_it():
    curve = cumulative_incidence(_drawn_users(4), level=0.95)

    assert (curve["incidence"].diff().dropna() >= 0).all()
    inside = curve.dropna()
    assert inside["ci_lower"].between(0, inside["incidence"]).all()
    assert inside["ci_upper"].between(inside["incidence"], 1).all()


def test_the_two_events_and_those_still_waiting_make_up_everybody():
    users = _drawn_users(5)
    swapped = users.assign(outcome=users["outcome"].map({0: 0, 1: 2, 2: 1}))
    either = users.assign(outcome=users["outcome"].clip(upper=1))

    converted, left, done = (
        cumulative_incidence(each, level=0.95)["incidence"] for each in (users, swapped, either)
    )

    np.testing.assert_allclose(converted + left, done)


def test_twice_the_users_halve_the_variance():
    users = _drawn_users(6)
    once = _standard_errors(cumulative_incidence(users, level=0.95))
    twice = _standard_errors(cumulative_incidence(users.assign(n=2), level=0.95))

    np.testing.assert_allclose(once / twice, np.sqrt(2))


def test_there_is_no_interval_before_the_first_event_or_after_the_last_user():
    curve = cumulative_incidence(_grouped((1, 2, 0), (2, 0, 1), (3, 1, 1)), level=0.95)

    assert curve["time"].tolist() == [2, 3]  # a row of no users is no time
    assert curve["incidence"].tolist() == [0, 1]
    assert curve[["ci_lower", "ci_upper"]].isna().all(axis=None)


def test_nobody_gives_an_empty_curve_and_no_time():
    assert cumulative_incidence(_grouped().astype(float), level=0.95).empty
    assert np.isnan(time_to_share(_grouped().astype(float), horizon=7, level=0.95)).all()


def test_the_half_time_without_censoring_is_the_median_of_the_converted():
    users = _grouped(*((day, 1, 10) for day in (1, 2, 3, 4, 5)), (30, 0, 50))

    value, lower, upper = time_to_share(users, horizon=30, level=0.95)

    assert value == 3
    assert lower < value <= upper


def test_the_half_time_interval_is_a_binomial_one_when_all_convert():
    """No censoring: F(t) - 1/2 has variance F (1 - F) / n. The bounds invert that test by hand."""
    days = np.arange(1, 101)
    value, lower, upper = time_to_share(
        _grouped(*((d, 1, 1) for d in days)), horizon=200, level=0.95
    )
    share = days / 100
    accepted = np.abs(share - 0.5) <= Z * np.sqrt(share * (1 - share) / 100)

    assert value == 50
    assert lower == days[accepted][0]
    assert upper == days[accepted][-1] + 1


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_the_time_to_a_share_agrees_with_the_delta_method_on_counts(share):
    """Without censoring the test of F(t) = share F(horizon) is one of multinomial counts."""
    rng = np.random.default_rng(13)
    days, converted = np.arange(1, 41), rng.integers(1, 9, 40)
    leaving = [(day + 0.5, 2, 5) for day in days]
    users = _grouped(
        *((d, 1, n) for d, n in zip(days, converted, strict=True)), *leaving, (50, 0, 99)
    )
    others = users["n"].sum() - converted.sum()

    def gaps(cells):
        by_day = cells[..., :-1].cumsum(axis=-1) / cells.sum(axis=-1, keepdims=True)
        return by_day - share * by_day[..., -1:]

    _, low, high = multinomial_delta(gaps, [*converted, others], level=0.95)
    _, lower, upper = time_to_share(users, share=share, horizon=50, level=0.95)

    assert lower == days[high >= 0][0]
    assert upper == days[low > 0][0]


def test_an_event_on_the_horizon_counts():
    users = _grouped((1, 1, 10), (7, 1, 30))

    assert time_to_share(users, horizon=7, level=0.95)[0] == 7


def test_another_share_is_found_earlier_or_later():
    users = _drawn_users(7, n=2_000)
    quarter, half, most = (
        time_to_share(users, share=share, horizon=20, level=0.95)[0] for share in (0.25, 0.5, 0.9)
    )

    assert quarter < half < most


def test_events_after_the_horizon_do_not_count():
    early = [(day, 1, 10) for day in (1, 2, 3)]

    within = time_to_share(_grouped(*early, (10, 0, 50)), horizon=10, level=0.95)
    with_late = time_to_share(_grouped(*early, (11, 1, 50)), horizon=10, level=0.95)

    assert within == with_late


def test_few_events_bound_the_half_time_on_neither_side():
    """One converter, or five, all before or all after it: chance 1/2 or 1/32, above 1/40."""
    assert time_to_share(_grouped((2, 1, 1)), horizon=7, level=0.95)[0] == 2
    for events in (1, 5):
        _, lower, upper = time_to_share(_grouped((2, 1, events), (7, 0, 90)), horizon=7, level=0.95)
        assert lower == 0
        assert np.isnan(upper)


@pytest.mark.parametrize(
    "users",
    [
        _grouped((3, 0, 10), (7, 0, 10)),
        _grouped((1, 2, 10), (7, 0, 10)),
        _grouped((1, 1, 30), (6, 0, 9)),
    ],
    ids=["all censored", "all left", "nobody followed to the horizon"],
)
def test_a_half_time_that_cannot_be_known_is_not_given(users):
    assert np.isnan(time_to_share(users, horizon=7, level=0.95)).all()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ((-1, 1, 1), "time = -1 must be a finite number of days of at least 0"),
        ((np.nan, 1, 1), "time = nan must be a finite"),
        ((1, 3, 1), r"outcome = 3 must be 0 \(censored\), 1 \(event\) or 2"),
        ((1, 1, -2), "n = -2 must be a whole number"),
    ],
)
def test_impossible_rows_are_refused(rows, message):
    with pytest.raises(ValueError, match=message):
        cumulative_incidence(_grouped(rows), level=0.95)


def test_a_missing_column_is_named():
    with pytest.raises(ValueError, match="column 'outcome' is missing"):
        cumulative_incidence(pd.DataFrame({"time": [1], "n": [1]}), level=0.95)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"share": 0, "horizon": 7}, "share = 0 must lie strictly between 0 and 1; use 0.5"),
        ({"share": 1.5, "horizon": 7}, r"share = 1\.5 must lie"),
        ({"horizon": 0}, "horizon = 0 must be above 0 days"),
        ({"horizon": np.nan}, "horizon = nan must be above 0 days"),
    ],
)
def test_impossible_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        time_to_share(_grouped((1, 1, 1)), level=0.95, **options)


def _expanded(table):
    return table.loc[table.index.repeat(table["n"])]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("groups", [2, 3])
def test_the_log_rank_test_is_that_of_statsmodels(seed, groups):
    tables = [_drawn_users(10 * seed + i, n=80, outcomes=(0, 1, 1)) for i in range(groups)]
    statistic, p = log_rank(tables)
    every = pd.concat([one.assign(group=i) for i, one in enumerate(tables)])
    expected = survdiff(every["time"], every["outcome"], every["group"])
    assert (statistic, p) == pytest.approx(expected)


def test_the_log_rank_test_takes_grouped_users_and_refuses_one_group():
    one = _grouped((1, 1, 5), (2, 0, 5))
    other = _grouped((1, 1, 1), (2, 0, 9))
    assert log_rank([one, other]) == pytest.approx(log_rank([_expanded(one).assign(n=1), other]))
    with pytest.raises(ValueError, match="needs two or more"):
        log_rank([one])


def test_without_events_no_groups_are_told_apart():
    assert np.isnan(log_rank([_grouped((2, 0, 5)), _grouped((3, 0, 5))])).all()


def test_the_restricted_mean_is_the_area_under_the_curve():
    """Of 100, 20 leave at 2 and 30 of the 80 at 4: 2 + 0.8 x 2 + 0.5 x 6 of ten days."""
    value, lower, upper = restricted_mean(
        _grouped((2, 1, 20), (4, 1, 30), (12, 0, 50)), horizon=10, level=0.95
    )
    assert value == pytest.approx(2 + 0.8 * 2 + 0.5 * 6)
    # Areas ahead of 2 and 4: 4.6 and 3; the interval is that of the logarithm of what is lost.
    error = np.sqrt(4.6**2 * 20 / (100 * 80) + 3**2 * 30 / (80 * 50))
    lost, width = 10 - value, np.exp(Z * error / (10 - value))
    assert (lower, upper) == pytest.approx((10 - lost * width, 10 - lost / width))


def test_the_restricted_mean_of_uncensored_users_is_their_mean():
    table = _drawn_users(5, outcomes=(1,))
    value, lower, upper = restricted_mean(table, horizon=30, level=0.95)
    mean, error = table["time"].mean(), table["time"].std(ddof=0) / np.sqrt(len(table))
    assert value == pytest.approx(mean)
    width = np.exp(Z * error / (30 - mean))
    ends = (30 - (30 - mean) * width, 30 - (30 - mean) / width)
    assert (lower, upper) == pytest.approx(ends, rel=1e-6)


def test_the_restricted_mean_needs_somebody_followed_so_long():
    short = _grouped((2, 1, 2), (4, 0, 3))
    assert np.isnan(restricted_mean(short, horizon=10, level=0.95)).all()
    everybody = _grouped((2, 1, 2), (4, 1, 3))
    assert restricted_mean(everybody, horizon=10, level=0.95)[0] == pytest.approx(2 + 0.6 * 2)
    nobody = restricted_mean(_grouped((20, 0, 5)), horizon=10, level=0.95)
    assert nobody[0] == 10
    assert np.isnan(nobody[1:]).all()
    assert np.isnan(restricted_mean(_grouped(), horizon=10, level=0.95)).all()
    with pytest.raises(ValueError, match="horizon = 0 must be above 0"):
        restricted_mean(short, horizon=0, level=0.95)


def test_a_group_at_risk_of_nothing_leaves_the_others_comparison_alone():
    one, other = _grouped((5, 1, 9), (9, 0, 9)), _grouped((5, 1, 1), (9, 0, 17))
    gone = _grouped((2, 0, 30))
    assert log_rank([one, other, gone]) == pytest.approx(log_rank([one, other]))
    assert np.isnan(log_rank([one, gone])).all()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hazard", "n", "least", "naive_most"),
    [(0.003, 100, 0.93, 0.92), (0.003, 400, 0.94, 0.05)],
)
def test_the_mean_stay_covers_its_truth_where_few_have_left(hazard, n, least, naive_most):
    """The naive twin leaves the censored out."""
    rng = np.random.default_rng(20260302)
    truth, held, naive, given = (1 - np.exp(-90 * hazard)) / hazard, 0, 0, 0
    for _ in range(2_000):
        stays, ends = rng.exponential(1 / hazard, n), rng.uniform(0, 182, n)
        gone = stays <= ends
        table = pd.DataFrame({"time": np.minimum(stays, ends), "outcome": gone * 1, "n": 1})
        _, lower, upper = restricted_mean(table, horizon=90, level=0.95)
        given += not np.isnan(lower)
        held += lower <= truth <= upper
        _, lower, upper = restricted_mean(table[gone], horizon=90, level=0.95)
        naive += lower <= truth <= upper
    assert given > 1_900
    assert least <= held / given <= 0.97
    assert naive / 2_000 < naive_most


@pytest.mark.slow
def test_the_restricted_mean_covers_its_truth():
    """Exponential stays of mean 20 days, censored between 5 and 60: the mean of the first 30 days
    is 20 (1 - exp(-1.5)); leaving the censored out is a naive twin that fails.
    """
    rng = np.random.default_rng(20260301)
    truth, held, naive = 20 * (1 - np.exp(-1.5)), 0, 0
    for _ in range(2_000):
        stays, ends = rng.exponential(20, 300), rng.uniform(5, 60, 300)
        gone = stays <= ends
        table = pd.DataFrame({"time": np.minimum(stays, ends), "outcome": gone * 1, "n": 1})
        _, lower, upper = restricted_mean(table, horizon=30, level=0.95)
        held += lower <= truth <= upper
        _, lower, upper = restricted_mean(table[gone], horizon=30, level=0.95)
        naive += lower <= truth <= upper
    assert 0.94 <= held / 2_000 <= 0.96
    assert naive / 2_000 < 0.1
