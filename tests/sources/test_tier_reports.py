"""Public data through the whole report on tiers: known numbers, and what the data cannot answer.

None of them was made for it: two are logs of orders without tiers, one is an e-mail experiment.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu import cli, findings

HERE = Path(__file__).parent
NAME = "04_tier_strategies"
NEED_TIERS = (
    *("offer.choice", "plan.gain", "value", "threshold.spend", "upgrade.margin"),
    *("moves.accounts", "moves.migration", "moves.settled", "moves.change", "activity"),
)

pytestmark = [pytest.mark.peers, pytest.mark.slow, pytest.mark.usefixtures("shared_data")]


def published(source: str, out: Path, **parameters: object) -> tuple[dict[str, dict], Path]:
    """Publish the report of a source, and give what it found with the folder of its tables."""
    asked = ["--source", str(HERE / source), "--only", NAME, "--out", str(out)]
    asked += [part for name, value in parameters.items() for part in ("-p", f"{name}={value}")]
    assert cli.main(["report", str(HERE.parents[1] / "notebooks" / "weekly.yaml"), *asked]) == 0
    (folder,) = out.glob(f"weekly/*.1/{NAME}")
    document = findings.read(folder / "findings.json")
    found = {one["id"].removeprefix("tiers."): one for one in document["findings"]}
    return found, folder / "tables"


def refused(found: dict[str, dict], *names: str) -> bool:
    """Whether these say why they have no value."""
    own = [found[name] for name in names]
    return all(one["status"] == "insufficient" and one["message"] for one in own)


def test_cdnow_expects_the_published_purchases_and_says_that_more_came(tmp_path):
    """Fader, Hardie and Lee (2005): of 2,357 customers 1,653 purchases in 39 weeks; 1,882 came."""
    weeks = {"horizon_days": 273, "holdout_days": 273}
    found, _ = published("cdnow-sample", tmp_path, **weeks)
    test = found["future.holdout"]
    assert (test["n"], round(test["value"] * 1_882)) == (2_357, 1_653)
    assert test["ci_upper"] < 1
    assert "1,882 purchases came" in test["message"]
    assert refused(found, *NEED_TIERS, "ladder", "future.purchases", "future.value")
    assert found["rfm.net_flow.champions"]["n"] == 2_357


def test_the_hold_out_of_groceries_is_hit_within_two_percent(tmp_path):
    found, _ = published("completejourney", tmp_path)
    test = found["future.holdout"]
    assert test["n"] == 2_456
    assert 0.98 < test["ci_lower"] < 1 < test["value"] < 1.02
    assert found["future.purchases"]["n"] == 2_469
    # How much a basket costs was not hit, so that what the baskets are worth is not told.
    assert refused(found, *NEED_TIERS, "ladder", "future.value")


def test_mails_bring_the_known_spend_by_segments_and_nothing_is_said_of_tiers_as_such(tmp_path):
    """Hillstrom (2008): of 64,000 customers the men's mail brings .7698 dollars, the women's .4244.

    The segments of last year's spend are no tiers: nobody was reviewed but once.
    """
    mails = {"offer_experiment": "e_mail", "control_arm": "No E-Mail", "offer_days": 14}
    found, tables = published("hillstrom", tmp_path, **mails)
    rows = pd.read_csv(tables / "tier_effects.csv")
    for arm, spend in (("Mens E-Mail", 0.7698), ("Womens E-Mail", 0.4244)):
        own = rows[rows["strategy"] == arm]
        gains = [found[f"offer.gain.{tier}.{arm}"]["value"] for tier in own["tier"]]
        customers = own["n"] + own["n_control"]
        assert np.average(gains, weights=customers) == pytest.approx(spend, abs=0.01)
        # Joint intervals of fourteen: in no segment alone is it clear, in all together it is.
        ends = [found[f"offer.gain.{tier}.{arm}"]["ci_lower"] for tier in own["tier"]]
        assert max(ends) < 0
    assert found["plan.gain"]["n"] == 64_000
    assert found["plan.gain"]["ci_lower"] > 0
    # No score of last year's spend tells more than the segments do.
    assert refused(found, "offer.targeting.Mens E-Mail")
    score = found["offer.targeting.Womens E-Mail"]
    assert 0 < score["ci_lower"] < score["value"] < score["ci_upper"]
    assert "no better than by the tier" in score["message"]
    assert refused(found, *NEED_TIERS[2:3], *NEED_TIERS[5:], "future.purchases", "ladder")
    assert refused(found, "threshold.spend")
    assert "followed for 30 days" in found["threshold.spend"]["message"]
