import json
import math
from dataclasses import asdict, replace

import pandas as pd
import pytest
from siyu import findings
from siyu.findings import Finding, FindingsError, status_of

ABOUT = {"notebook": "n", "as_of": "2026-03-31", "source": "pool", "parameters": {"steps": ["a"]}}
RATE = Finding(
    id="funnel.conversion",
    metric="conversion",
    value=0.25,
    ci_lower=0.2,
    ci_upper=0.3,
    unit="share",
    n=400,
    message="A quarter convert.",
    method="Wilson",
)


@pytest.mark.parametrize(
    ("interval", "direction", "status"),
    [
        ((0.31, 0.4), "above", "ok"),
        ((0.30, 0.4), "above", "ok"),
        ((0.2, 0.29), "above", "alert"),
        ((0.2, 0.30), "above", "watch"),
        ((0.25, 0.35), "above", "watch"),
        ((0.31, 0.4), "below", "alert"),
        ((0.2, 0.30), "below", "ok"),
        ((0.25, 0.35), "below", "watch"),
    ],
)
def test_the_whole_interval_decides_on_which_side_of_the_threshold_a_finding_is(
    interval, direction, status
):
    lower, upper = interval
    assert status_of(ci_lower=lower, ci_upper=upper, threshold=0.3, direction=direction) == status


def test_without_a_threshold_a_finding_informs():
    assert status_of(ci_lower=0.0, ci_upper=1.0, threshold=None, direction="above") == "info"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"unit": "percent"}, "unit = 'percent' must be one of share"),
        ({"status": "red"}, "status = 'red' must be one of ok"),
        ({"evidence": "causal"}, "evidence = 'causal' must be one of"),
        ({"value": math.nan}, "value = nan is not a finite number; use null"),
        ({"ci_upper": math.inf}, "ci_upper = inf is not a finite number"),
        ({"ci_lower": 0.4}, "ci_lower 0.4 is above ci_upper 0.3"),
        ({"value": None}, "value may be null only where status is insufficient"),
        ({"message": ""}, "message = '' must be a text that is not empty"),
        ({"value": "a quarter"}, "value = 'a quarter' is not a finite number"),
        ({"value": True}, "value = True is not a finite number"),
        ({"n": 400.5}, "n = 400.5 must be a whole number of at least 0"),
        ({"n": -1}, "n = -1 must be a whole number of at least 0"),
        ({"n": None}, "n = None must be a whole number of at least 0"),
        ({"level": 95}, "level = 95 must be in (0, 1); 0.95 is 95%"),
        ({"level": 1.0}, "level = 1.0 must be in (0, 1)"),
        ({"level": None}, "level = None must be in (0, 1)"),
        ({"direction": "up"}, "direction = 'up' must be one of above, below, or null"),
        ({"status": "alert"}, "status = alert needs a threshold and its direction"),
        ({"status": "ok", "threshold": 0.2}, "status = ok needs a threshold and its direction"),
        ({"status": "watch", "direction": "above"}, "status = watch needs a threshold"),
    ],
)
def test_a_finding_that_breaks_the_contract_cannot_be_made(change, rule):
    with pytest.raises(FindingsError, match=r"finding 'funnel\.conversion': ") as error:
        replace(RATE, **change)
    assert rule in str(error.value)


def test_what_is_saved_can_be_read_back_and_holds_every_field(tmp_path):
    table = pd.DataFrame({"渠道": ["社群"], "rate": [0.25]})
    findings.save([RATE], {"rates": table}, output_dir=str(tmp_path), **ABOUT)
    document = findings.read(tmp_path / "findings.json")
    assert document["findings"] == [asdict(RATE)]
    assert document["schema"] == 1
    assert {name: document[name] for name in ABOUT} == ABOUT
    assert (tmp_path / "tables" / "rates.csv").read_text("utf-8") == "渠道,rate\n社群,0.25\n"
    assert not list(tmp_path.glob("*.part"))


def test_no_text_of_a_table_acts_as_a_formula_of_a_spreadsheet():
    names = ["=1+1", "@SUM(1)", "\t=1", "-1+1", "+x", "-3.5", "a=b", None]
    table = pd.DataFrame({"=name": names, "kind": pd.Categorical(names), "change": -0.5})
    rows = findings.to_csv(table.iloc[:, 1:]).splitlines()
    assert rows[1:] == [
        f"{text},-0.5" for text in ("'=1+1", "'@SUM(1)", "'\t=1", "'-1+1", "'+x", "-3.5", "a=b", "")
    ]
    assert findings.to_csv(table[["=name"]]).splitlines()[1:-1] == [
        row.removesuffix(",-0.5") for row in rows[1:-1]
    ]


def test_a_table_that_was_never_computed_is_not_saved(tmp_path):
    tables = {"repair": pd.DataFrame(), "rates": pd.DataFrame(columns=["rate"])}
    findings.save([RATE], tables, output_dir=str(tmp_path), **ABOUT)
    assert [path.name for path in (tmp_path / "tables").iterdir()] == ["rates.csv"]


def test_a_document_is_written_readably_or_not_at_all(tmp_path):
    findings.write(tmp_path / "x.json", {"城市": 1})
    assert (tmp_path / "x.json").read_text("utf-8") == '{\n "城市": 1\n}\n'
    with pytest.raises(ValueError, match="Out of range"):
        findings.write(tmp_path / "y.json", {"rate": math.nan})
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_notebook_run_by_hand_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    findings.save([RATE], {"rates": pd.DataFrame()}, output_dir="", **ABOUT)
    assert list(tmp_path.iterdir()) == []


def test_two_findings_may_not_share_an_id():
    with pytest.raises(FindingsError, match="the id is used twice"):
        findings.to_json([RATE, RATE], **ABOUT)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("", "cannot be read"),
        ("[]", "schema must be 1"),
        ('{"schema": 2}', "schema must be 1"),
        ('{"schema": 1, "notebook": "n"}', "'as_of' is missing"),
        (json.dumps({"schema": 1, **ABOUT, "findings": [{"id": "x"}]}), "metric, value"),
        (json.dumps({"schema": 1, **ABOUT, "findings": {"id": "x"}}), "findings must be a list"),
        (
            json.dumps({"schema": 1, **ABOUT, "findings": [asdict(RATE) | {"level": 95}]}),
            "level = 95 must be in",
        ),
        (json.dumps({"schema": 1, **ABOUT, "findings": ["x"]}), "finding 1: must be a mapping"),
        (
            json.dumps({"schema": 1, **ABOUT, "findings": [asdict(RATE) | {"id": ["x"]}]}),
            "id = .* must be a text",
        ),
    ],
)
def test_a_file_that_is_no_findings_document_is_refused(tmp_path, text, rule):
    path = tmp_path / "findings.json"
    path.write_text(text, "utf-8")
    with pytest.raises(FindingsError, match=rule):
        findings.read(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FindingsError, match="cannot be read"):
        findings.read(tmp_path / "findings.json")


def test_findings_are_laid_out_one_row_each():
    table = findings.to_table([RATE])
    assert table["id"].tolist() == ["funnel.conversion"]
    assert table["sample_size"].tolist() == [400]


def test_the_versions_name_what_made_the_numbers():
    made = findings.versions().set_index("package")["version"]
    assert made["pandas"] == pd.__version__
