"""Per sent push, within users, a copy that does nothing does nothing; per opened push it does harm.

How willing a person is drives both opening and clicking; copy B makes more people open, and changes
nothing else. And media that do bring less are covered though the willing get other media.
"""

import numpy as np
import pandas as pd
import pytest
from siyu.studies.push_timing.message.within import compare

pytestmark = pytest.mark.slow

LEVEL, REPLICATIONS, USERS, PUSHES = 0.95, 2_000, 120, 8


def world(rng, *, tied: bool) -> pd.DataFrame:
    """Copies 0 and 1 (B) by lot, or B for the willing; B is opened more and clicked no more."""
    willing = np.repeat(rng.beta(2, 3, USERS), PUSHES)
    is_b = rng.random(willing.size) < (willing if tied else 0.5)
    opened_anyway = rng.random(willing.size) < willing
    clicked = opened_anyway & (rng.random(willing.size) < 0.6 * willing)
    opened = opened_anyway | (is_b & (rng.random(willing.size) < 0.4))
    return pd.DataFrame(
        {
            "user": np.repeat(np.arange(USERS), PUSHES),
            "copy": is_b.astype(int),
            "answered": clicked.astype(int),
            "opened": opened,
        }
    )


def difference(rows: pd.DataFrame) -> tuple[float, float]:
    """The usual difference of two shares, and its standard error."""
    copy, answered = rows["copy"].to_numpy(), rows["answered"].to_numpy()
    b, a = (answered[copy == one] for one in (1, 0))
    return b.mean() - a.mean(), np.sqrt(b.var() / b.size + a.var() / a.size)


@pytest.fixture(scope="module")
def worlds():
    return [world(np.random.default_rng([4, i]), tied=False) for i in range(REPLICATIONS)]


def test_per_sent_push_within_users_nothing_is_nothing(worlds):
    rows = [compare(one, "copy", reference=0, controls=[], level=LEVEL).iloc[1] for one in worlds]
    found = pd.DataFrame(rows)
    value = found["difference"]
    assert abs(value.mean()) < 0.1 * value.std()
    assert 0.94 <= ((found["ci_lower"] <= 0) & (found["ci_upper"] >= 0)).mean() <= 0.96
    # The ratio of two rates that are the same is 1.
    assert 0.94 <= ((found["ratio_lower"] <= 1) & (found["ratio_upper"] >= 1)).mean() <= 0.96


def test_per_opened_push_the_copy_seems_to_do_harm(worlds):
    found = np.array([difference(one[one["opened"]]) for one in worlds])
    assert found[:, 0].mean() < -0.04
    assert np.mean(np.abs(found[:, 0]) <= 1.96 * found[:, 1]) < 0.6


def test_where_the_willing_get_the_copy_only_the_comparison_within_users_is_right():
    within, crude = [], []
    for i in range(500):
        rows = world(np.random.default_rng([5, i]), tied=True)
        found = compare(rows, "copy", reference=0, controls=[], level=LEVEL).iloc[1]
        within.append((found["difference"], found["ci_lower"] <= 0 <= found["ci_upper"]))
        value, error = difference(rows)
        crude.append((value, abs(value) <= 1.96 * error))
    bias, covered = np.mean(within, axis=0)
    assert abs(bias) < 0.003
    assert 0.93 <= covered <= 0.97  # 500 replications
    bias, covered = np.mean(crude, axis=0)
    assert bias > 0.05
    assert covered < 0.5
