"""Public leads through the study of targets with nothing but a `source.yaml`."""

from pathlib import Path

import pandas as pd
import pytest
from siyu.data import open_source
from siyu.studies.naming import EVERYONE
from siyu.studies.targets import Definition, count_adds, forecast, plan, rule

HERE = Path(__file__).parent

pytestmark = [pytest.mark.peers, pytest.mark.usefixtures("shared_data")]


@pytest.fixture(scope="module")
def leads():
    """Olist's marketing leads up to the day before their last, which is cut off."""
    pool = open_source(HERE / "olist-marketing-funnel", as_of="2018-05-30")
    return count_adds(pool, Definition(target_members=1_200, add_event="lead"))


@pytest.fixture(scope="module")
def ahead(leads):
    return forecast.forecast(leads, holidays_country="BR", level=0.95)


def test_the_published_leads_are_counted_by_origin(shared_data):
    """The card of the data set says 8,000 leads; by origin as in the file."""
    pool = open_source(HERE / "olist-marketing-funnel", as_of="2018-05-31")
    found = count_adds(pool, Definition(add_event="lead")).days.groupby("touchpoint")["added"].sum()
    assert found.sum() == 8_000
    file = shared_data / "olist-marketing-funnel" / "olist_marketing_qualified_leads_dataset.csv.gz"
    raw = pd.read_csv(file)["origin"].value_counts()
    assert (found["organic_search"], found["paid_search"], found["social"]) == (2296, 1586, 1350)
    for origin in ("organic_search", "paid_search", "social", "email", "referral"):
        assert found[origin] == raw[origin]


def test_the_forecast_of_leads_beats_the_last_weeks_through_a_launch_and_a_jump(leads, ahead):
    assert ahead.which == "model"
    assert ahead.scores[EVERYONE].n == 32
    assert 0.05 < ahead.scores[EVERYONE].value < 0.3
    assert ahead.scores["touchpoints"].value > 0.15
    coverage = ahead.coverage["share"]
    assert (coverage > [0.7, 0.78]).all()
    assert "Less than a year was seen" in forecast.say_forecast(leads, ahead, level=0.95)


def test_leads_that_nobody_can_be_seen_to_leave_are_counted_as_added(leads, ahead):
    told = rule.estimate_rule(leads, rule.measure(leads), level=0.95)
    planned = plan.plan(
        ahead, target=told.wanted.value, costs=told.costs, has_exposed=False, level=0.95
    )
    assert planned.counted == "added"
    assert set(planned.ways["way"]) == {"even"}
    assert "additions" in plan.say_headline(leads, planned, chance_threshold=0.5)
    assert "exposures" not in set(planned.levers["lever"])
    assert rule.conclude(leads, told, level=0.95)[0].status == "insufficient"
