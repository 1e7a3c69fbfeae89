"""A plan chosen by estimates is flattered by luck; by effects that lean on each other it is not.

Four tiers of two strategies, as large as in the sample; today's members are many times those of the
experiment, so that a yuan of luck per member is worth thousands.
"""

import numpy as np
import pandas as pd
import pytest
from siyu.stats.best import joint_quantile
from siyu.stats.shrunk_effects import shrink_effects
from siyu.studies.tiers.plan import plan
from siyu.studies.tiers.plan.effects import joint_covariance

pytestmark = pytest.mark.slow

LEVEL, REPLICATIONS = 0.95, 2_000
LEAST = LEVEL - 3 * np.sqrt(LEVEL * (1 - LEVEL) / REPLICATIONS)
TIERS = np.repeat(["ordinary", "silver", "gold", "diamond"], 2)
UNIT = np.repeat([25.0, 65.0, 120.0, 200.0], 2)
"""Standard deviation of a member's margin."""
DESIGN = pd.DataFrame(
    {
        "tier": TIERS,
        "strategy": np.tile(["discount", "early_access"], 4),
        "n": [468, 509, 50, 72, 35, 27, 49, 61],
        "n_control": np.repeat([540, 47, 30, 46], 2),
        "members": np.repeat([4182, 427, 270, 328], 2),
        "cost_cny": np.tile([0.0, 3.0], 4),
    }
)
DESIGN["error"] = UNIT * np.sqrt(1 / DESIGN["n"] + 1 / DESIGN["n_control"])
COVARIANCE = joint_covariance(DESIGN)
ROOT = np.linalg.cholesky(COVARIANCE)
JOINT = joint_quantile(COVARIANCE, level=LEVEL, rng=np.random.default_rng(0))
COST, MEMBERS = DESIGN["cost_cny"].to_numpy(), DESIGN["members"].to_numpy()
WORLDS = {
    "alike": lambda rng: rng.normal(0.1, 0.15, 8) * UNIT,
    "apart": lambda rng: rng.normal(0.1, 0.3, 8) * UNIT,
    "nothing works": lambda _: np.zeros(8),
    "sample": lambda _: np.array([3.46, 0, 32.1, 5.3, 4.4, 18.8, -146.5, 45.5]),
}


def choose(gain):
    """Give each tier its best strategy, if that pays: the plan of a budget without end."""
    net = gain - COST
    best = (net.reshape(4, 2) == net.reshape(4, 2).max(axis=1, keepdims=True)).ravel()
    return np.where(best & (net > 0), MEMBERS, 0)


@pytest.fixture(scope="module", params=WORLDS)
def world(request):
    """Per replication and way to choose: what was promised, what is true, and half the interval."""
    rng = np.random.default_rng([13, list(WORLDS).index(request.param)])
    found = {"naive": [], "drawn": [], "ours": [], "cautious": []}
    for _ in range(REPLICATIONS):
        truth = WORLDS[request.param](rng)
        measured = truth + ROOT @ rng.standard_normal(8)
        shrunk = shrink_effects(measured, COVARIANCE, UNIT)
        lower = measured - JOINT * DESIGN["error"].to_numpy()
        for way, gain, known in (
            ("naive", measured, COVARIANCE),
            ("drawn", shrunk.value, shrunk.covariance),
            ("ours", np.minimum(shrunk.value, measured), shrunk.covariance),
            ("cautious", lower, COVARIANCE),
        ):
            units = choose(gain)
            half = 1.96 * np.sqrt(units @ known @ units)
            found[way].append((units @ (gain - COST), units @ (truth - COST), half))
    return request.param, {way: np.array(rows).T for way, rows in found.items()}


def covered(rows):
    promised, true, half = rows
    return np.mean(np.abs(promised - true) <= half)


def luck_of(rows):
    promised, true, _ = rows
    return (promised - true).mean()


def test_the_plan_as_measured_promises_too_much(world):
    name, found = world
    least = {"alike": 10_000, "apart": 7_000, "nothing works": 15_000, "sample": 5_000}[name]
    assert luck_of(found["naive"]) > least
    if name in ("alike", "nothing works"):
        assert covered(found["naive"]) < LEAST


def test_the_expected_plan_is_honest(world):
    """Where effects are drawn as assumed it promises nothing too much, and at most 6% too little.

    Where no effect is any, it cannot but promise something; a fifth of what the estimates do.
    """
    name, found = world
    promised, true, _ = found["ours"]
    assert covered(found["ours"]) >= LEAST
    if name in ("alike", "apart"):
        error = (promised - true).std() / np.sqrt(REPLICATIONS)
        assert -0.06 * true.mean() < luck_of(found["ours"]) < 3 * error
    share = {"nothing works": 0.25, "sample": 0.3}.get(name, 0.1)
    assert luck_of(found["ours"]) < share * luck_of(found["naive"])


def test_drawn_together_alone_promises_more_than_is_true_where_one_strategy_hurts(world):
    """What the discount does to diamonds lifts what shares its control: above what was measured."""
    name, found = world
    if name == "sample":
        promised, true, _ = found["drawn"]
        assert luck_of(found["drawn"]) > 3 * (promised - true).std() / np.sqrt(REPLICATIONS)
        assert luck_of(found["ours"]) < 0.6 * luck_of(found["drawn"])


def test_honesty_costs_little_of_what_the_plan_brings(world):
    """What is bought is what both the estimate and the others speak for: at most 2% less."""
    _, found = world
    assert found["ours"][1].mean() > 0.98 * found["naive"][1].mean()


def test_the_cautious_plan_keeps_its_promise(world):
    _, found = world
    promised, true, _ = found["cautious"]
    assert np.mean(true >= promised) >= LEAST


def test_what_stands_out_among_few_is_promised_too_low_and_never_too_high():
    """Ordinary and silver alone, as planted: the limit of learning from four effects."""
    rng, few = np.random.default_rng(19), slice(0, 4)
    truth, known = WORLDS["sample"](rng)[few], COVARIANCE[few, few]
    within, kept, luck, worth = [], [], [], []
    for _ in range(REPLICATIONS // 2):
        measured = truth + np.linalg.cholesky(known) @ rng.standard_normal(4)
        shrunk = shrink_effects(measured, known, UNIT[few])
        value = np.minimum(shrunk.value, measured)
        units = choose(np.append(value, np.full(4, -1.0)))[few]
        net, true = units @ (value - COST[few]), units @ (truth - COST[few])
        half = 1.96 * np.sqrt(units @ shrunk.covariance @ units)
        within.append(abs(net - true) <= half)
        kept.append(true >= net - half)
        luck.append(net - true)
        worth.append(true)
    assert -0.3 < np.mean(luck) / np.mean(worth) < -0.1
    assert 0.86 < np.mean(within) < LEVEL
    assert np.mean(kept) > 0.985


def test_the_plan_of_the_study_is_the_one_that_is_simulated():
    rng = np.random.default_rng(17)
    for _ in range(3):
        measured = WORLDS["alike"](rng) + ROOT @ rng.standard_normal(8)
        half = JOINT * DESIGN["error"]
        effects = DESIGN.assign(
            gain_cny=measured, ci_lower=measured - half, ci_upper=measured + half
        )
        found = plan(effects, budget_cny=1e6, offer_days=56, level=LEVEL)
        shrunk = shrink_effects(measured, COVARIANCE, UNIT)
        value = np.minimum(shrunk.value, measured)
        units = choose(value)
        assert found.total.net_gain_cny == pytest.approx(units @ (value - COST))
        assert found.total.measured_cny == pytest.approx(units @ (measured - COST))
        half = 1.95996 * np.sqrt(units @ shrunk.covariance @ units)
        assert found.total.ci_lower == pytest.approx(found.total.net_gain_cny - half, rel=1e-4)
        lower = effects["ci_lower"].to_numpy()
        assert found.cautious_total.cautious_cny == pytest.approx(choose(lower) @ (lower - COST))
