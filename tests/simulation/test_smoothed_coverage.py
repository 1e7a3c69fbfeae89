"""Small groups in which hardly anybody converts: smoothed intervals hold, plain ones do not.

2,000 replications; where the method is conservative by design only the upper edge of its size
counts (0.05 and 3 Monte Carlo errors).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm
from siyu.stats.decomposition import kitagawa_parts
from siyu.stats.intervals import multinomial_delta, newcombe_difference, smoothed_delta
from siyu.studies import funnel

from tests.studies.funnel.builders import reduced

pytestmark = pytest.mark.slow

REPLICATIONS = 2_000
LEVEL = 0.95
Z = norm.ppf(0.975)
MOST = 0.05 + 3 * np.sqrt(0.05 * 0.95 / REPLICATIONS)


def draw_half(rng, *, users, rate, weeks, likeness):
    """Weeks converted of each user in each replication; likeness: correlation of a user's weeks."""
    size = (REPLICATIONS, users)
    chance = rng.beta(rate * (1 / likeness - 1), (1 - rate) * (1 / likeness - 1), size)
    return rng.binomial(weeks, chance)


def late_less_early(early, late, *, weeks):
    """The study's interval of each replication: lower and upper ends."""
    cells = [(weeks, x, 0, 0) for x in range(weeks + 1)]
    cells += [(0, 0, weeks, x) for x in range(weeks + 1)]
    measures = reduced({"all": ()}, drift=[(*cell, 0) for cell in cells], min_users=30)
    ends = []
    for first, second in zip(early, late, strict=True):
        n = [np.bincount(half, minlength=weeks + 1) for half in (first, second)]
        drawn = replace(measures, drift=measures.drift.assign(n=np.concatenate(n)))
        (row,) = funnel.late_against_early(drawn, level=LEVEL).to_numpy()
        ends.append(row[1:])
    return np.transpose(ends)


def plain(early, late, *, weeks):
    """The delta-method interval alone, which has none where nothing varies."""
    means = [half.mean(axis=1) / weeks for half in (early, late)]
    variance = sum((half / weeks).var(axis=1) / half.shape[1] for half in (early, late))
    half = np.where(variance > 0, Z * np.sqrt(variance), np.inf)
    return means[1] - means[0] - half, means[1] - means[0] + half


def excludes(ends, truth):
    return np.mean((ends[0] > truth) | (ends[1] < truth))


@pytest.mark.parametrize(
    ("users_early", "users_late", "rate", "weeks", "likeness"),
    [
        (60, 600, 0.01, 1, 0.5),
        (30, 3_000, 0.05, 1, 0.5),
        (100, 300, 0.98, 1, 0.5),
        (40, 400, 0.03, 4, 0.5),
    ],
)
def test_weeks_without_a_drift_show_none_where_the_plain_interval_does(
    users_early, users_late, rate, weeks, likeness
):
    rng = np.random.default_rng(1)
    shape = {"rate": rate, "weeks": weeks, "likeness": likeness}
    early = draw_half(rng, users=users_early, **shape)
    late = draw_half(rng, users=users_late, **shape)
    assert excludes(late_less_early(early, late, weeks=weeks), 0) <= MOST
    assert excludes(plain(early, late, weeks=weeks), 0) > 0.1


def test_a_drift_over_weeks_of_many_users_is_covered_as_stated():
    rng = np.random.default_rng(2)
    early = draw_half(rng, users=400, rate=0.2, weeks=3, likeness=0.3)
    late = draw_half(rng, users=600, rate=0.26, weeks=3, likeness=0.3)
    assert 0.94 <= 1 - excludes(late_less_early(early, late, weeks=3), 0.06) <= 0.96
    # Weeks taken as so many users: three answers of one person are not three.
    user_weeks = [late.sum(axis=1), 1_800, early.sum(axis=1), 1_200]
    assert 1 - excludes(newcombe_difference(*user_weeks, level=LEVEL)[1:], 0.06) < 0.92


def parts(cells):
    """Mix and rate of the whole; cells: per segment lost and converted before, the same now."""
    cells = cells.reshape(*cells.shape[:-1], 4, -1)
    n0, x0 = cells[..., 0, :] + cells[..., 1, :], cells[..., 1, :]
    n1, x1 = cells[..., 2, :] + cells[..., 3, :], cells[..., 3, :]
    return np.stack([part.sum(axis=-1) for part in kitagawa_parts(n0, x0, n1, x1)], axis=-1)


def draw_spans(rng, n_before, n_now, rates):
    """Cells of each replication; shares of the segments as given, rates unchanged."""
    entered = [
        rng.multinomial(sum(n), np.divide(n, sum(n)), REPLICATIONS) for n in (n_before, n_now)
    ]
    converted = [rng.binomial(n, rates) for n in entered]
    cells = [part for n, x in zip(entered, converted, strict=True) for part in (n - x, x)]
    return np.concatenate(cells, axis=-1)


@pytest.mark.parametrize(
    ("n_before", "n_now", "rates"),
    [
        ((40, 3_000), (2_000, 3_000), (0.02, 0.2)),
        ((60, 3_000), (3_000, 3_000), (0.01, 0.05)),
        ((60, 3_000), (3_000, 3_000), (0.98, 0.9)),
    ],
)
def test_mix_and_rate_of_a_segment_that_was_small_are_covered_where_the_plain_mix_is_not(
    n_before, n_now, rates
):
    """A pseudo-user converts and one does not in each segment and span, as the study adds them."""
    drawn = draw_spans(np.random.default_rng(3), n_before, n_now, rates)
    n0, n1, p = map(np.array, (n_before, n_now, rates))
    truth = parts(np.concatenate([n0 * (1 - p), n0 * p, n1 * (1 - p), n1 * p]))
    added = np.ones(drawn.shape[1])
    smooth = np.array([smoothed_delta(parts, c, added=added, level=LEVEL)[1:] for c in drawn])
    plain = np.array([multinomial_delta(parts, c, level=LEVEL)[1:] for c in drawn])
    for part, true in enumerate(truth):
        assert excludes(smooth[:, :, part].T, true) <= MOST
    assert excludes(plain[:, :, 0].T, truth[0]) > 0.15
    # A paradox is named only where the rates are clearly on the other side of the whole; here any
    # would be false.
    wrong_side = smooth[:, 0, 1] > 0 if truth[0] < 0 else smooth[:, 1, 1] < 0
    assert np.mean(wrong_side) <= 0.025 + 3 * np.sqrt(0.025 * 0.975 / REPLICATIONS)
