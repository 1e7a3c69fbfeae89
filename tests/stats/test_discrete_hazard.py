"""Discrete hazards: by hand, against statsmodels, and against Cox on the same lives."""

import numpy as np
import pytest
import statsmodels.api as sm
from siyu.stats.discrete_hazard import chance_of, fit_hazard
from statsmodels.duration.hazard_regression import PHReg


def test_without_covariates_the_hazard_is_the_share_of_each_kind():
    """Ten persons, one trial in each of two spans: 2 of 10 and 3 of 8 have the event.

    log(-log(1 - 2/10)) and log(-log(1 - 3/8)).
    """
    fit = fit_hazard(
        np.eye(2),
        cell=[0] * 10 + [1] * 8,
        trials=np.ones(18),
        events=[1, 1] + [0] * 8 + [1, 1, 1] + [0] * 5,
        cluster=[*range(10), *range(2, 10)],
    )
    expected = [np.log(-np.log(0.8)), np.log(-np.log(5 / 8))]
    assert fit.coefficients == pytest.approx(expected)
    assert fit.n_clusters == 10


def test_grouped_hazards_add_up_to_the_life_table():
    """Prentice and Gloeckler (1978): the exp of all spans sum to -log of the share still there."""
    starts, events = np.array([1000, 900, 765]), np.array([100, 135, 85])
    fit = fit_hazard(
        np.eye(3),
        cell=np.repeat([0, 1, 2], starts),
        trials=np.ones(starts.sum()),
        events=np.concatenate([np.arange(n) < d for n, d in zip(starts, events, strict=True)]),
        cluster=np.concatenate([np.arange(n) for n in starts]),
    )
    still_there = np.prod(1 - events / starts)
    assert np.exp(fit.coefficients).sum() == pytest.approx(-np.log(still_there))


def trials(rng, people=400, most=12):
    """Trials of people of whom each has a tendency of their own."""
    n = rng.integers(2, most, people)
    who = np.repeat(np.arange(people), n)
    kind = rng.integers(0, 4, len(who))
    tendency = rng.normal(0, 0.7, people)[who]
    events = rng.random(len(who)) < 1 - np.exp(-np.exp(-2 + 0.3 * kind + tendency))
    return who, kind, events.astype(float)


@pytest.mark.parametrize(
    ("link", "family"),
    [
        ("cloglog", sm.families.Binomial(sm.families.links.CLogLog())),
        ("log", sm.families.Poisson()),
    ],
)
def test_estimates_and_clustered_errors_are_those_of_statsmodels(link, family):
    who, kind, events = trials(np.random.default_rng(5))
    design = np.column_stack([np.ones(4), np.arange(4)])
    fit = fit_hazard(
        design, cell=kind, trials=np.ones(len(who)), events=events, cluster=who, link=link
    )
    oracle = sm.GLM(events, design[kind], family=family).fit(
        cov_type="cluster", cov_kwds={"groups": who, "use_correction": False}, tol=1e-12
    )
    assert fit.coefficients == pytest.approx(oracle.params, rel=1e-8)
    groups = len(np.unique(who))
    assert fit.covariance == pytest.approx(
        oracle.cov_params() * groups / (groups - 1), rel=0.002 if link == "cloglog" else 1e-6
    )


def test_counts_and_single_trials_are_the_same():
    who, kind, events = trials(np.random.default_rng(6))
    design = np.column_stack([np.ones(4), np.arange(4)])
    single = fit_hazard(design, cell=kind, trials=np.ones(len(who)), events=events, cluster=who)
    keys, place = np.unique(np.column_stack([who, kind]), axis=0, return_inverse=True)
    grouped = fit_hazard(
        design,
        cell=keys[:, 1],
        trials=np.bincount(place),
        events=np.bincount(place, weights=events),
        cluster=keys[:, 0],
    )
    assert grouped.coefficients == pytest.approx(single.coefficients)
    assert grouped.covariance == pytest.approx(single.covariance)


def test_seen_at_intervals_the_hazard_ratio_is_that_of_cox():
    """Two routes to one number: lives in continuous time by Cox, the same lives by weeks."""
    rng = np.random.default_rng(8)
    people, weeks, truth = 6_000, 10, 0.5
    treated = rng.integers(0, 2, people)
    life = rng.exponential(1 / (0.12 * np.exp(truth * treated)))
    seen = np.minimum(np.ceil(life), weeks).astype(int)
    cox = PHReg(np.minimum(life, weeks), treated[:, None], status=life <= weeks, ties="efron").fit()
    who = np.repeat(np.arange(people), seen)
    week = np.concatenate([np.arange(n) for n in seen])
    died = (week == seen[who] - 1) & (life[who] <= weeks)
    spans = np.repeat(np.eye(weeks), 2, axis=0)
    design = np.column_stack([np.tile([0.0, 1.0], weeks), spans])
    fit = fit_hazard(
        design,
        cell=2 * week + treated[who],
        trials=np.ones(len(who)),
        events=died.astype(float),
        cluster=who,
    )
    assert fit.coefficients[0] == pytest.approx(cox.params[0], abs=0.01)
    assert np.sqrt(fit.covariance[0, 0]) == pytest.approx(cox.bse[0], rel=0.05)
    assert abs(fit.coefficients[0] - truth) < 3 * cox.bse[0]


def test_a_chance_and_its_slope_belong_together():
    for link in ("cloglog", "log"):
        eta = np.array([-3.0, -1.0])
        chance, slope = chance_of(eta, link=link)
        above, _ = chance_of(eta + 1e-6, link=link)
        assert (above - chance) / 1e-6 == pytest.approx(slope, rel=1e-4)


def some(**other):
    given = {"cell": [0] * 12, "trials": [1] * 12, "events": [1] + [0] * 11, "cluster": range(12)}
    return fit_hazard([[1.0]], **given | other)


def test_what_cannot_be_fitted_is_an_error():
    with pytest.raises(ValueError, match="link = 'logit' must be one of cloglog, log"):
        some(link="logit")
    with pytest.raises(ValueError, match="9 clusters are fewer than 10"):
        some(cluster=[0, 0, 0, 0, *range(1, 9)])
    with pytest.raises(ValueError, match="count = 2 must not exceed n = 1"):
        some(events=[2] + [0] * 11)
    with pytest.raises(ValueError, match="do not determine every coefficient"):
        some(events=[0] * 12)
    with pytest.raises(ValueError, match="do not determine every coefficient"):
        fit_hazard(
            [[1.0, 1.0]], cell=[0] * 12, trials=[1] * 12, events=[1] + [0] * 11, cluster=range(12)
        )
