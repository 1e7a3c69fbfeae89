"""Two public logs of orders through the retention study with nothing but a `source.yaml` each.

Every number is counted again from the raw file with pandas, and the triangle of the grocer is the
published one. A customer is "added" by the first order, on its day: files that know no earlier one.
"""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from siyu import cli
from siyu.data import check, open_source
from siyu.studies.retention import Definition, measure
from siyu.studies.retention.triangle import measure_triangle, triangle_cells

HERE = Path(__file__).parent
WEEKLY = HERE.parents[1] / "notebooks" / "weekly.yaml"
NAME = "02_cohort_retention"
NAMES = ["relay-foods", "cdnow"]
LAST = {"relay-foods": "2010-03-09", "cdnow": "1998-06-30"}

pytestmark = [pytest.mark.peers, pytest.mark.slow]


@pytest.fixture(scope="module")
def raw(shared_data) -> dict[str, pd.DataFrame]:
    """Customer and day of each order, as the files have them."""
    relay = pd.read_excel(shared_data / "relay-foods" / "relay-foods.xlsx", sheet_name=0)
    path = shared_data / "cdnow" / "CDNOW_master.txt.gz"
    cdnow = pd.read_csv(path, sep=r"\s+", dtype=str)
    return {
        "relay-foods": pd.DataFrame({"user": relay["UserId"], "day": relay["OrderDate"]}),
        "cdnow": pd.DataFrame(
            {"user": cdnow["customer_id"], "day": pd.to_datetime(cdnow["date"], format="%Y%m%d")}
        ),
    }


@pytest.fixture(scope="module")
def reports(shared_data, tmp_path_factory) -> dict[str, Path]:
    """The report of each log, with its parameters given on the command line."""
    asked = ['return_events=["order"]', "cohort_unit=month", "period_days=600", "by=[]"]
    asked += ["min_users=5", "thresholds={}"]
    folders = {}
    for name in NAMES:
        out = tmp_path_factory.mktemp(name)
        given = ["--source", str(HERE / name), "--only", NAME, "--out", str(out)]
        given += [part for one in asked for part in ("-p", one)]
        assert cli.main(["report", str(WEEKLY), *given]) == 0
        (folders[name],) = out.glob(f"weekly/*.1/{NAME}")
    return folders


def by_pandas(orders: pd.DataFrame, last: str, *, k: int) -> pd.DataFrame:
    """Per month of the first order: customers, those judged on day k, and those back in 7 days."""
    first = orders.groupby("user")["day"].min()
    since = (orders["day"] - orders["user"].map(first)).dt.days
    back = orders.loc[since.between(k, k + 6), "user"].unique()
    table = pd.DataFrame({"month": first.dt.to_period("M"), "back": first.index.isin(back)})
    table["judged"] = first + pd.Timedelta(days=k + 6) <= pd.Timestamp(last)
    table["back"] &= table["judged"]
    table["n"] = 1
    return table.groupby("month")[["n", "judged", "back"]].sum()


@pytest.mark.parametrize("name", NAMES)
def test_the_data_have_no_errors(name, shared_data):
    """Two orders of a customer on one day are rows alike: the files have no times."""
    assert {one.severity for one in check(HERE / name).problems} == {"warning"}


@pytest.mark.parametrize("name", NAMES)
def test_the_report_counts_each_cohort_and_its_returns_as_pandas_does(name, raw, reports):
    cohorts = pd.read_csv(reports[name] / "tables" / "cohorts.csv", parse_dates=["cohort"])
    # Where 3 persons of the last cohorts would be left over on day 30, the smallest is hidden, too.
    assert (cohorts["state"] == "few").sum() == (1 if name == "relay-foods" else 0)
    for k, own in cohorts.groupby("k"):
        expected = by_pandas(raw[name], LAST[name], k=k)
        ends = expected.index.end_time.normalize() + pd.Timedelta(days=k + 6)
        expected = expected.assign(over=ends <= pd.Timestamp(LAST[name])).reset_index()
        own = own.reset_index(drop=True).join(expected)[lambda table: table["state"] != "few"]
        assert own["added"].tolist() == own["n"].tolist()
        assert (own["state"] == "whole").tolist() == own["over"].tolist()
        assert own.loc[own["over"], "retained"].tolist() == own.loc[own["over"], "back"].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_the_findings_judge_all_who_were_followed(name, raw, reports):
    document = json.loads((reports[name] / "findings.json").read_text("utf-8"))
    found = {one["id"]: one for one in document["findings"]}
    for k in (1, 7, 30):
        expected = by_pandas(raw[name], LAST[name], k=k).sum()
        one = found[f"retention.day_{k}"]
        assert (one["n"], one["value"]) == (expected["judged"], expected["back"] / one["n"])
        assert one["ci_lower"] < one["value"] < one["ci_upper"]
    # Nobody can leave who was only ever seen to buy.
    assert "retention.mean_stay" not in found


def monthly(name: str) -> pd.DataFrame:
    pool = open_source(HERE / name)
    asked = Definition(cohort_unit="month", return_events=["order"], days=[1])
    measures = measure(pool, asked, period_days=600, min_users=5)
    return triangle_cells(measures, measure_triangle(pool, measures), level=0.95)


def test_the_published_cohorts_of_the_grocer_are_reproduced(reports):
    """Greg Reda (2015), Cohort analysis with Python: sizes, and shares who order in a month.

    He counts the month of the first order as period 1; here it is month 0.
    """
    table = pd.read_csv(reports["relay-foods"] / "tables" / "cohorts.csv")
    sizes = table.drop_duplicates("cohort").set_index("cohort")["added"]
    assert sizes.tolist()[:6] == [22, 15, 13, 39, 50, 32]
    cells = monthly("relay-foods")
    cells["month"] = cells["cohort"].dt.strftime("%Y-%m")
    found = cells.set_index(["month", "j"])["rate"]
    january = [found["2009-01", j] for j in range(1, 6)]
    assert [round(rate, 4) for rate in january] == [0.3636, 0.4545, 0.4091, 0.4545, 0.3636]
    assert found["2009-06", 1] == 0.46875
    assert {found[month, 0] for month in cells["month"].unique() if month < "2010-03"} == {1.0}


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_of_the_triangle_is_what_pandas_counts(name, raw):
    orders = raw[name].assign(month=raw[name]["day"].dt.to_period("M"))
    first = orders.groupby("user")["month"].min().rename("cohort")
    orders = orders.join(first, on="user")
    active = orders.groupby(["cohort", "month"])["user"].nunique()
    cells = monthly(name)
    begins = cells["cohort"].dt.to_period("M")
    cells = cells.assign(month=[month + j for month, j in zip(begins, cells["j"], strict=True)])
    over = cells["month"].dt.end_time.dt.normalize() <= pd.Timestamp(LAST[name])
    assert (cells["state"] == "whole").tolist() == over.tolist()
    assert cells.loc[~over, "rate"].isna().all()
    keys = pd.MultiIndex.from_arrays([begins[over], cells.loc[over, "month"]])
    expected = active.reindex(keys, fill_value=0)
    assert cells.loc[over, "retained"].tolist() == expected.tolist()
    assert cells.loc[over, "at_risk"].tolist() == begins[over].map(first.value_counts()).tolist()


def test_of_the_one_cohort_of_cdnow_all_bought_in_one_quarter(raw, reports):
    """23,570 customers who first bought in the first quarter of 1997 (Fader and Hardie)."""
    table = pd.read_csv(reports["cdnow"] / "tables" / "cohorts.csv")
    sizes = table.drop_duplicates("cohort").set_index("cohort")["added"]
    assert sizes.index.tolist() == ["1997-01-01", "1997-02-01", "1997-03-01"]
    assert sizes.sum() == 23_570 == raw["cdnow"]["user"].nunique()
