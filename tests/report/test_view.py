from pathlib import Path

import pytest
from siyu.report.config import Study
from siyu.report.outcome import Outcome
from siyu.report.parameters import Parameter
from siyu.report.view import View, view

from tests.report.project import code, good_cells, markdown, write_notebook


def study(folder: Path, cells: list[dict[str, object]], *, label: str = "") -> Study:
    days = Parameter(name="days", annotation="int", default=7, comment="[1, 365] days of entry")
    out = Parameter(name="output_dir", annotation="str", default="", comment="")
    return Study(
        name="01_funnel",
        label=label,
        notebook=write_notebook(folder / "source.ipynb", cells),
        declared={"days": days, "output_dir": out},
        given={"days": 30},
    )


def finding(status: str, message: str = "m") -> dict[str, str]:
    return {"status": status, "message": message}


def viewed(folder: Path, cells: list[dict[str, object]], *statuses: str) -> View:
    found = {"findings": [finding(status, f"{status} {n}") for n, status in enumerate(statuses)]}
    outcome = Outcome(state="ok", notebook={"cells": cells}, findings=found)
    return view(study(folder, cells), outcome, folder=folder)


def showing(cell: dict[str, object], *outputs: dict[str, str]) -> dict[str, object]:
    display = {"output_type": "display_data", "metadata": {}}
    return cell | {"outputs": [{**display, "data": data} for data in outputs]}


def test_the_title_line_becomes_the_title_and_the_rest_stays(tmp_path: Path) -> None:
    shown = viewed(tmp_path, [markdown("# Who stays?\n\nThe team decides."), markdown("## How")])
    assert shown.title == "Who stays?"
    assert "Who stays?" not in shown.body
    assert "The team decides." in shown.body
    assert [heading.text for heading in shown.headings] == ["How"]


def test_a_notebook_without_a_title_goes_by_its_name(tmp_path: Path) -> None:
    assert viewed(tmp_path, [markdown("No title.")]).title == "01_funnel"
    assert viewed(tmp_path, [code("1")]).title == "01_funnel"


def test_the_headline_is_moved_up_and_its_figure_stays(tmp_path: Path) -> None:
    cell = showing(code("", "headline"), {"text/markdown": "**25%**"}, {"text/plain": "figure"})
    shown = viewed(tmp_path, [markdown("# Why?"), cell])
    assert shown.headline == "<p><strong>25%</strong></p>\n"
    assert "25%" not in shown.body
    assert "figure" in shown.body


def test_code_is_not_shown(tmp_path: Path) -> None:
    shown = viewed(tmp_path, [markdown("# Why?"), code("rate = orders / scans")])
    assert "rate" not in shown.body


@pytest.mark.parametrize(
    ("statuses", "badge"),
    [
        (("ok", "watch", "alert", "info"), "alert"),
        (("ok", "watch", "insufficient"), "watch"),
        (("insufficient", "info", "ok"), "ok"),
        (("insufficient", "info"), "info"),
        (("insufficient",), "insufficient"),
        ((), "info"),
    ],
)
def test_the_badge_is_the_worst_status(
    tmp_path: Path, statuses: tuple[str, ...], badge: str
) -> None:
    assert viewed(tmp_path, [markdown("# Why?")], *statuses).badge == badge


def test_alerts_watches_and_too_little_data_are_kept_apart(tmp_path: Path) -> None:
    shown = viewed(tmp_path, [markdown("# Why?")], "watch", "ok", "insufficient", "alert")
    assert [one["message"] for one in shown.alerts] == ["alert 3"]
    assert [one["message"] for one in shown.watched] == ["watch 0"]
    assert [one["message"] for one in shown.insufficient] == ["insufficient 2"]


def test_what_to_do_next_stands_by_what_it_is_worth_and_a_reason_once(tmp_path: Path) -> None:
    found = [
        finding("info", "small") | {"action": "move", "worth_cny": 10.0},
        finding("info", "no action") | {"action": ""},
        finding("watch", "unvalued") | {"action": "look", "worth_cny": None},
        finding("ok", "large") | {"action": "keep", "worth_cny": 500.0},
        finding("alert", "alarm") | {"action": "stop", "worth_cny": 900.0},
        finding("insufficient", "too few"),
        finding("insufficient", "too few"),
    ]
    cells = [markdown("# Why?")]
    outcome = Outcome(state="ok", notebook={"cells": cells}, findings={"findings": found})
    shown = view(study(tmp_path, cells), outcome, folder=tmp_path)
    assert [one["action"] for one in shown.advised] == ["keep", "move", "look"]
    assert [one["message"] for one in shown.insufficient] == ["too few"]


def test_a_failed_notebook_shows_its_state_without_papermills_own_banners(tmp_path: Path) -> None:
    banner = markdown("<span>An Exception was encountered</span>")
    banner["metadata"] = {"tags": ["papermill-error-cell-tag"]}
    cells = [banner, markdown("# Why?\n\nText.")]
    outcome = Outcome(state="failed", notebook={"cells": cells})
    shown = view(study(tmp_path, cells), outcome, folder=tmp_path)
    assert (shown.badge, shown.title) == ("failed", "Why?")
    assert "Exception" not in shown.body


def test_a_notebook_that_was_never_written_is_shown_from_its_source(tmp_path: Path) -> None:
    outcome = Outcome(state="killed")
    shown = view(study(tmp_path, good_cells()), outcome, folder=tmp_path)
    assert shown.title == "Where are customers lost?"
    assert "The growth team decides with it." in shown.body


def test_parameters_are_shown_with_the_values_they_ran_with_and_tables_by_name(
    tmp_path: Path,
) -> None:
    (tmp_path / "tables").mkdir()
    for name in ("trend.csv", "steps.csv"):
        (tmp_path / "tables" / name).touch()
    shown = viewed(tmp_path, good_cells())
    assert shown.parameters == [("days", "30", "[1, 365]", "days of entry")]
    assert shown.tables == ["steps.csv", "trend.csv"]


def test_one_of_several_parameter_sets_is_told_from_the_others(tmp_path: Path) -> None:
    cells = [markdown("# Where are customers lost?")]
    one = study(tmp_path, cells, label="by = channel")
    shown = view(one, Outcome(state="ok", notebook={"cells": cells}), folder=tmp_path)
    assert shown.title == "Where are customers lost? (by = channel)"
