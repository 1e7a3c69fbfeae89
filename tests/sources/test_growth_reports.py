"""Public data through the whole reports on lures, referral and targets, by a `source.yaml` alone.

None of them was made for these: a report must end in a page that says what it can and cannot tell.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from siyu import cli, findings

HERE = Path(__file__).parent

pytestmark = [pytest.mark.peers, pytest.mark.slow, pytest.mark.usefixtures("shared_data")]


def published(notebook: str, source: str, out: Path, **parameters: object) -> dict[str, dict]:
    """Publish the report of a source, and give what it found."""
    asked = ["--source", str(HERE / source), "--only", notebook, "--out", str(out)]
    asked += [part for name, value in parameters.items() for part in ("-p", f"{name}={value}")]
    assert cli.main(["report", str(HERE.parents[1] / "notebooks" / "weekly.yaml"), *asked]) == 0
    (path,) = out.glob(f"weekly/*.1/{notebook}/findings.json")
    return {one["id"]: one for one in findings.read(path)["findings"]}


def test_the_e_mail_experiment_is_read_as_published(tmp_path):
    """Hillstrom (2008): 18.276, 10.617 and 15.140% visited; the men's mail brings the most."""
    asked = {"experiment": "e_mail", "control_arm": "No E-Mail", "conversion": "visit"}
    found = published(
        "05_lure_experiments", "hillstrom", tmp_path, conversion_days=14, worth_days=14, **asked
    )
    shares = {
        name.rpartition(".")[2]: round(100 * one["value"], 3)
        for name, one in found.items()
        if name.startswith("lures.reading.converted.")
    }
    assert shares == {"Mens E-Mail": 18.276, "No E-Mail": 10.617, "Womens E-Mail": 15.140}
    assert found["lures.ratio.all"]["status"] == "ok"
    assert round(found["lures.ratio.all"]["value"], 3) == 0.904
    gained = found["lures.reading.against_control.converted.Mens E-Mail"]
    assert round(100 * gained["value"], 3) == 7.659
    assert gained["ci_lower"] > 0.069
    assert found["lures.price"]["status"] == found["lures.draw"]["status"] == "insufficient"


def test_leads_are_forecast_and_nobody_is_said_to_have_stayed(tmp_path):
    found = published(
        "07_member_target", "olist-marketing-funnel", tmp_path, add_event="lead", target_members=900
    )
    assert found["targets.forecast.adds"]["n"] == 8_000
    assert found["targets.forecast.skill"]["value"] > 0
    assert found["targets.rule.factor"]["status"] == "insufficient"


@pytest.mark.parametrize(
    ("notebook", "source"),
    [
        ("05_lure_experiments", "completejourney"),
        ("06_referral_fission", "completejourney"),
        ("07_member_target", "olist-marketing-funnel"),
    ],
)
def test_what_a_source_does_not_hold_is_told_and_never_a_number(tmp_path, notebook, source):
    found = published(notebook, source, tmp_path)
    assert found
    for name in ("wanted", "by_rule"):  # what was asked for, and 1.3 times that
        found.pop(f"targets.rule.{name}", None)
    assert {one["status"] for one in found.values()} == {"insufficient"}
    assert all(one["message"] and one["value"] is None for one in found.values())
