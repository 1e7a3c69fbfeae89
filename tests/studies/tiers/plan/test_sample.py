"""The sample's plan against what its strategies were planted to bring."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.stats.experiments import welch_difference
from siyu.stats.multiplicity import bonferroni_level
from siyu.studies.tiers import Definition, find_members
from siyu.studies.tiers.plan import plan

SAMPLE = Path(__file__).parents[4] / "data" / "sample"
LEVEL, DAYS = 0.95, 56
STRATEGIES = {"discount": 0.0, "early_access": 3.0}


@pytest.fixture(scope="module")
def effects():
    """Plain differences of mean margins in the days after the draw, for all who were drawn."""
    pool = open_source(SAMPLE)
    members = find_members(pool, Definition(), period_days=365)
    drawn = pool.table("assignments")
    drawn = drawn.filter(drawn.experiment == "tier_offer_2026q1").to_pandas()
    orders = members.orders.join(members.users.select("user_id", "number"), "number").to_pandas()
    both = drawn.merge(orders, on="user_id")
    since = both["paid_at"] - both["assigned_at"].dt.tz_localize(None)
    inside = both[(since >= pd.Timedelta(0)) & (since < pd.Timedelta(days=DAYS))]
    drawn["margin"] = drawn["user_id"].map(inside.groupby("user_id")["earned_cny"].sum()).fillna(0)
    level = bonferroni_level(LEVEL, len(STRATEGIES) * drawn["stratum"].nunique())
    rows = []
    for tier, own in drawn.groupby("stratum"):
        margin = own.groupby("arm")["margin"].agg(list)
        for strategy, cost in STRATEGIES.items():
            found = welch_difference(margin[strategy], margin["none"], level=level)
            rows.append(
                {
                    "tier": tier,
                    "strategy": strategy,
                    "n": len(margin[strategy]),
                    "n_control": len(margin["none"]),
                    "members": len(own),
                    "gain_cny": found.value,
                    "error": found.error,
                    "ci_lower": found.ci_lower,
                    "ci_upper": found.ci_upper,
                    "cost_cny": cost,
                }
            )
    return pd.DataFrame(rows)


@pytest.fixture(scope="module")
def truth():
    """What a member brings by each strategy, before what it costs at once."""
    document = json.loads((SAMPLE / "truth.json").read_text("utf-8"))
    values = {one["id"]: one["value"] for one in document["truths"]}
    return lambda tier, strategy: values[f"tiering.offer.{strategy}.{tier}.margin"]


@pytest.mark.parametrize("budget_cny", [0.0, 200.0, 1e4])
def test_what_the_plan_is_worth_in_truth_lies_in_its_interval(effects, truth, budget_cny):
    level = LEVEL ** (1 / 3)  # three budgets at once
    found = plan(effects, budget_cny=budget_cny, offer_days=56, level=level)
    assert found.total.cost_cny <= budget_cny
    for tiers, total in (
        (found.expected, found.total),
        (found.cautious, found.cautious_total),
    ):
        own = tiers[tiers["given"] > 0]
        worth = sum(
            row.given * truth(row.tier, row.strategy) - row.cost_cny for row in own.itertuples()
        )
        assert total.ci_lower <= worth <= total.ci_upper
        if tiers is found.cautious:
            assert worth >= total.cautious_cny


def test_the_plan_gives_what_is_planted_to_help_and_keeps_back_what_harms(effects):
    found = plan(effects, budget_cny=1e4, offer_days=56, level=LEVEL).expected.set_index("tier")[
        "strategy"
    ]
    assert found["silver"] == "discount"
    assert found["diamond"] == "early_access"
    assert np.isin(found["ordinary"], ["discount", ""])
