"""A public e-mail experiment through the study of pushes with nothing but a `source.yaml`.

Hillstrom (2008), MineThatData E-Mail Analytics Challenge: 64,000 customers, two mails and none.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from siyu import cli, findings
from siyu.data import check, open_source
from siyu.stats.experiments import sample_ratio_pvalue, welch_difference
from siyu.studies.push_timing import margin
from siyu.studies.push_timing.definition import Definition
from siyu.studies.push_timing.pushes import find_pushes

HERE = Path(__file__).parent / "hillstrom"
MENS, WOMENS, NONE = "Mens E-Mail", "Womens E-Mail", "No E-Mail"

pytestmark = [pytest.mark.peers, pytest.mark.slow, pytest.mark.usefixtures("shared_data")]


@pytest.fixture(scope="module")
def pushes(shared_data):
    return find_pushes(open_source(HERE), Definition(), period_days=31)


def gained(pushes, arm):
    measures = margin.measure(
        pushes,
        no_push_experiment="e_mail",
        no_push_arms=[arm, NONE],
        none_share=0.5,
        margin_days=14,
    )
    return measures, margin.gain(measures, level=0.95)


def test_the_data_have_no_errors():
    assert check(HERE).problems == ()


@pytest.mark.parametrize(
    ("arm", "n", "spend", "ends"),
    [
        (MENS, 21_307, 0.7698, (0.4851, 1.0545)),
        (WOMENS, 21_387, 0.4244, (0.1690, 0.6799)),
    ],
)
def test_a_mail_brings_the_known_spend_per_customer(pushes, arm, n, spend, ends):
    measures, found = gained(pushes, arm)
    row = found.table.set_index("measure").loc["margin"]
    assert found.n == measures.drawn == (n, 21_306)
    assert (row["raw"], row["raw_lower"], row["raw_upper"]) == pytest.approx(
        (spend, *ends), abs=5e-5
    )
    # What was spent in the year before says next to nothing of the two weeks after.
    assert row["difference"] == pytest.approx(spend, abs=0.003)
    assert found.verdict == "pays"


def test_both_mails_bring_the_known_conversions(pushes):
    rates = {
        arm: gained(pushes, arm)[1].table.set_index("measure").loc["orders"]
        for arm in (MENS, WOMENS)
    }
    assert rates[MENS]["pushed"] == pytest.approx(0.012531, abs=5e-7)
    assert rates[WOMENS]["pushed"] == pytest.approx(0.008837, abs=5e-7)
    assert rates[MENS]["none"] == pytest.approx(0.005726, abs=5e-7)
    assert [rates[arm]["raw"] for arm in (MENS, WOMENS)] == pytest.approx(
        [0.006805, 0.003111], abs=5e-7
    )


def test_the_three_arms_are_as_large_as_drawn():
    assert round(sample_ratio_pvalue([21_307, 21_306, 21_387], [1, 1, 1]), 3) == 0.904


def test_visits_are_those_published(shared_data):
    """Mens 18.276 % against 10.617 %, +7.659 pp (6.995 to 8.323); Womens +4.523 (3.889 to 5.157).

    The published z of 22.486 and 13.949 pool the variance; Welch's t is within a hundredth of it.
    """
    table = pd.read_csv(shared_data / "hillstrom" / "hillstrom.csv.gz")
    visits = {arm: own["visit"] for arm, own in table.groupby("segment")}
    for arm, value, ends, statistic in (
        (MENS, 0.07659, (0.06995, 0.08323), 22.486),
        (WOMENS, 0.04523, (0.03889, 0.05157), 13.949),
    ):
        found = welch_difference(visits[arm], visits[NONE], level=0.95)
        assert found.value == pytest.approx(value, abs=5e-6)
        assert (found.ci_lower, found.ci_upper) == pytest.approx(ends, abs=1e-5)
        assert found.value / found.error == pytest.approx(statistic, rel=0.01)


@pytest.fixture(scope="module")
def bank(shared_data, tmp_path_factory) -> Path:
    """The report of the calls of a bank: month and weekday are known, year and hour are not."""
    out = tmp_path_factory.mktemp("bank")
    source = ["--source", str(HERE.with_name("bank-marketing")), "--only", "03_push_timing"]
    asked = ["period_days=1000", "by=[]", "cap_experiment=", "no_push_experiment="]
    asked += ["holidays_country=PT", "content_marks=[]"]
    given = [part for one in asked for part in ("-p", one)]
    weekly = HERE.parents[2] / "notebooks" / "weekly.yaml"
    assert cli.main(["report", str(weekly), *source, "--out", str(out), *given]) == 0
    (folder,) = out.glob("weekly/*.1/03_push_timing")
    return folder


def test_the_bank_s_calls_are_answered_as_published(bank):
    """4,640 of 41,188 said yes: 11.265 %; Monday to Friday .0995 .1178 .1167 .1212 .1081."""
    found = {one["id"]: one for one in findings.read(bank / "findings.json")["findings"]}
    rate = found["push.rate.all"]
    assert (rate["n"], round(rate["value"] * 41_188)) == (41_188, 4_640)
    cells = pd.read_csv(bank / "tables" / "push_rates.csv")
    noon = cells[cells["hour"] == 12].set_index("weekday")
    published = {"Mon": 0.0995, "Tue": 0.1178, "Wed": 0.1167, "Thu": 0.1212, "Fri": 0.1081}
    # A cell is drawn towards the rate of all, by next to nothing where it holds 8,000 calls.
    assert noon.loc[list(published), "answer_rate"].tolist() == pytest.approx(
        list(published.values()), abs=0.002
    )


def test_the_bank_s_calls_cannot_answer_what_an_hour_or_another_call_does(bank):
    document = findings.read(bank / "findings.json")
    refused = {one["id"]: one for one in document["findings"] if one["status"] == "insufficient"}
    for name in (
        "policy",
        "description.hours",
        "adjusted.hour.all",
        "delay.late",
        "frequency.slope.block",
        "frequency.best",
        "margin.margin",
    ):
        assert refused[f"push.{name}"]["message"], name
