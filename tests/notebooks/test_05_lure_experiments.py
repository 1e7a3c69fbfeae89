"""The notebook on lures, run as the weekly report runs it, against the sample's truths."""

import json
from pathlib import Path

import pytest

from tests.notebooks.published import ROOT, findings, report

NAME, TEST, PILOT, BROKEN = (
    "05_lure_experiments",
    "lure_2026_01",
    "lure_pilot_2025_12",
    "lure_2025_06",
)
FOUND = {
    "conversion": "lures.reading.converted",
    "connected_7": "lures.reading.retained_7",
    "connected_30": "lures.reading.retained_30",
    "cost_per_connected": "lures.price.retained",
    "conversion_fresh": "lures.before.fresh",
}
"""The findings in which the truths of a test, per arm, are to be recovered."""
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def truth() -> dict[str, float]:
    document = json.loads((ROOT / "data" / "sample" / "truth.json").read_text("utf-8"))
    return {one["id"]: one["value"] for one in document["truths"]}


def recovered(truth: dict[str, float], test: str) -> dict[str, float]:
    """The truths of a test by the finding in which each is to be recovered."""
    return {
        f"{found}.{name.rpartition('.')[2]}": value
        for what, found in FOUND.items()
        for name, value in truth.items()
        if name.startswith(f"lures.{test}.{what}.")
    }


@pytest.fixture(scope="module", params=[TEST, PILOT])
def test(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def found(test, truth, tmp_path_factory) -> dict[str, dict]:
    """The findings of a test, with intervals that hold for all its truths at once (Sidak)."""
    level = 0.95 ** (1 / len(recovered(truth, test)))
    asked = ("-p", f"experiment={test}", "-p", f"level={level}")
    return findings(report(NAME, tmp_path_factory.mktemp(test), *asked))


@pytest.fixture(scope="module")
def broken(tmp_path_factory) -> Path:
    return report(NAME, tmp_path_factory.mktemp("broken"), "-p", f"experiment={BROKEN}")


def test_every_planted_truth_lies_in_its_interval(test, truth, found):
    asked = recovered(truth, test)
    assert len(asked) == (15 if test == TEST else 10)
    outside = {
        name: value
        for name, value in asked.items()
        if not found[name]["ci_lower"] <= value <= found[name]["ci_upper"]
    }
    assert outside == {}


def test_no_arm_that_is_best_is_called_behind_another(test, truth, found):
    for what, outcome in (("conversion", "converted"), ("connected_30", "retained_30")):
        behind = f"lures.{test}.behind_best.{what}."
        for name, value in truth.items():
            if name.startswith(behind) and value == 0:
                arm = name.removeprefix(behind)
                assert found[f"lures.reading.against_best.{outcome}.{arm}"]["ci_upper"] > 0


def test_the_verdict_says_what_to_do_and_never_rolls_out_what_is_not_settled(found):
    verdict = found["lures.reading.verdict"]
    assert verdict["evidence"] == "randomised"
    assert verdict["action"]
    leaders = [
        name
        for name, one in found.items()
        if name.startswith("lures.reading.against_best.net_cny.") and one["ci_upper"] > 0
    ]
    assert (verdict["worth_cny"] is None) == (len(leaders) > 1)


def test_a_constant_effect_is_not_called_a_novelty(found):
    courses = [one for name, one in found.items() if name.startswith("lures.daily.course.")]
    assert courses
    assert all(one["ci_lower"] <= 0 <= one["ci_upper"] for one in courses)


def test_a_test_that_lost_rows_of_an_arm_is_read_by_no_part(broken):
    found = findings(broken)
    ratio = found["lures.ratio.all"]
    assert (ratio["status"], ratio["evidence"]) == ("alert", "randomised")
    assert ratio["action"]
    drawn = [
        one
        for name, one in found.items()
        if one["evidence"] == "randomised" and not name.startswith("lures.ratio.")
    ]
    assert drawn
    assert {one["status"] for one in drawn} == {"insufficient"}
    page = (broken / "report.html").read_text("utf-8")
    assert "is no longer by lot" in page or "not as large as planned" in page


def test_the_draw_names_nobody(broken):
    assert not list(broken.parent.glob("handover*"))
    columns = {
        column
        for path in broken.glob("tables/*.csv")
        for column in path.read_text("utf-8").splitlines()[0].split(",")
    }
    assert "user_id" not in columns
    assert "arm" in columns
