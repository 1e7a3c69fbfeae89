"""A public log of orders through RFM with nothing but a `source.yaml`, and what is in print."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from siyu.data import open_source
from siyu.studies.tiers import Definition, find_members, rfm

HERE = Path(__file__).parent
WEEK = 7

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("shared_data")]


def test_cdnow_has_the_published_repeat_purchases():
    """Fader, Hardie and Lee (2005), 39 weeks: orders of one day are one purchase.

    2,357 customers with 2,457 repeat purchases (mean 1.042, standard deviation 2.190), of whom 946
    bought again; without merging days the mean would be 1.104.
    """
    pool = open_source(HERE / "cdnow-sample", as_of="1997-09-30")
    members = find_members(pool, Definition(), period_days=273)
    found = rfm.measure(members, compare_days=None)
    repeats = found.buyers["frequency_now"] - 1
    assert len(repeats) == 2_357
    assert (repeats > 0).sum() == 946
    assert repeats.sum() == 2_457
    assert round(repeats.mean(), 3) == 1.042
    assert round(repeats.std(ddof=1), 3) == 2.190


def test_cdnow_has_the_scores_of_pandas(shared_data):
    raw = pd.read_csv(shared_data / "cdnow" / "CDNOW_master.txt.gz", sep=r"\s+", dtype=str)
    raw["day"] = pd.to_datetime(raw["date"])
    raw["amount"] = raw["dollar_value"].astype(float).clip(lower=0.01)  # as the source does
    file = shared_data / "cdnow" / "CDNOW_sample.txt.gz"
    sample = pd.read_csv(file, sep=r"\s+", dtype=str, header=None)
    raw = raw[raw["customer_id"].isin(sample[0])]
    raw = raw[raw["day"] > "1997-12-31"]
    by = raw.groupby("customer_id")
    buyers = pd.DataFrame(
        {
            "r": by["day"].max(),
            "f": by["day"].nunique(),
            "m": by["amount"].sum().round(2),
        }
    )
    middle = buyers.rank(method="average") - 0.5
    scores = np.floor(5 * middle / len(buyers) + 1e-9) + 1
    pool = open_source(HERE / "cdnow-sample")
    members = find_members(pool, Definition(), period_days=181)
    found = rfm.measure(members, compare_days=180)
    told = found.buyers[found.buyers["state_now"] < 8]
    keys = ["r_now", "f_now", "m_now"]
    assert (
        told[keys].astype(int).value_counts().sort_index().to_numpy().tolist()
        == scores.astype(int).value_counts().sort_index().to_numpy().tolist()
    )
    assert len(rfm.move(found, level=0.95).flows) > 3
