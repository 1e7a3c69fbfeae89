"""One whole run, read as its readers do: a good notebook beside one that fails."""

import errno
import io
import json
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from siyu import findings
from siyu.data import open_source
from siyu.report import run, runs
from siyu.report.config import Config, read_config
from siyu.report.gate import BlockedError, Gate
from siyu.report.lock import LOCK, LockHeldError, lock
from siyu.report.plan import Request
from siyu.report.progress import Progress
from siyu.report.run import Published, run_report
from siyu.report.runs import read_runs

from tests.report.project import (
    PARAMETERS,
    PUBLISH,
    code,
    good_cells,
    markdown,
    parameters,
    run_without_kernels,
    write_config,
    write_notebook,
    write_source,
)

pytestmark = pytest.mark.slow
WITHOUT_KERNELS = pytest.mark.usefixtures("without_kernels")

CONFIG = """\
name: weekly
title: Growth <weekly>
source: data
notebooks:
  - notebook: 01_funnel
  - notebook: 02_broken
"""
CSP = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; font-src data:; "
    "base-uri 'none'; form-action 'none'"
)


class Page(HTMLParser):
    """The elements, addresses and text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.html = path.read_text(encoding="utf-8")
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.anchors: list[str] = []
        self.policy = ""
        self.text = ""
        self.feed(self.html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.addresses += [given[name] for name in ("href", "src") if name in given]
        self.anchors += [given["id"]] if "id" in given else []
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]

    def handle_data(self, data: str) -> None:
        self.text += data


def publish(config: Config, root: Path, **asked: bool) -> Published:
    return run_report(
        config,
        Request(**asked),
        out=root / "reports",
        at_once=2,
        progress=Progress(io.StringIO()),
    )


def load(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_source(tmp_path)
    write_notebook(tmp_path / "notebooks" / "01_funnel.ipynb", good_cells())
    broken = [
        markdown("# Who stays?"),
        parameters(PARAMETERS + '\nlanguage: str = "en"  # {en, zh} of the sentences'),
        code("raise ValueError('no such step as <b>ordr</b>')"),
    ]
    write_notebook(tmp_path / "notebooks" / "02_broken.ipynb", broken)
    return tmp_path


@pytest.fixture
def without_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "run_all", run_without_kernels)


@pytest.fixture
def config(root: Path) -> Config:
    return read_config(write_config(root, CONFIG))


def test_a_run_with_a_failure_publishes_the_others_and_says_what_failed(
    root: Path, config: Config
) -> None:
    published = publish(config, root)
    home = root / "reports" / "weekly"
    folder = home / "failed" / "2026-03-31.1"
    assert published == Published(index=folder / "index.html", ok=False)
    assert {path.name for path in home.iterdir()} == {LOCK, "failed", "history.html"}
    assert sorted(str(path.relative_to(folder)) for path in folder.rglob("*.*")) == [
        "01_funnel/findings.json",
        "01_funnel/notebook.ipynb",
        "01_funnel/report.html",
        "01_funnel/tables/funnel.csv",
        "02_broken/notebook.ipynb",
        "02_broken/report.html",
        "findings.json",
        "index.html",
        "manifest.json",
    ]
    _index_tells_all(Page(folder / "index.html"))
    _study_page_is_whole(Page(folder / "01_funnel" / "report.html"))
    _manifest_tells_what_ran(load(folder / "manifest.json"))
    _findings_are_gathered(folder)
    _no_page_runs_or_loads_anything(home)
    _no_file_betrays_the_machine(folder, root)


def _index_tells_all(page: Page) -> None:
    assert page.tags.count("h1") == 1
    assert "Growth <weekly>" in page.text
    assert "2026-03-31" in page.text
    assert "two users" in page.text
    assert "25% of 80 users" in page.text
    assert "Repair the reply step." in page.text
    assert "no such step as <b>ordr</b>" in page.text
    assert "raise ValueError" in page.text
    assert "channel" in page.text.partition("Data quality")[2].partition("About this run")[0]
    assert "01_funnel/report.html" in page.addresses


def _study_page_is_whole(page: Page) -> None:
    assert page.tags.count("h1") == 1
    assert "Where are customers lost?" in page.text
    assert page.text.index("25% of 80 users") < page.text.index("What was found")
    assert page.text.count("25% of 80 users") == 1
    assert "eighty users" in page.text
    assert "Receipt: 3 starts are too few." in page.text
    links = [address for address in page.addresses if not address.startswith(("#", "data:"))]
    assert links == ["../index.html", "notebook.ipynb", "findings.json", "tables/funnel.csv"]
    inner = [address[1:] for address in page.addresses if address.startswith("#")]
    assert inner == page.anchors
    assert len(inner) == 2


def _manifest_tells_what_ran(manifest: Any) -> None:
    assert (manifest["config"], manifest["as_of"], manifest["source"]) == (
        "weekly",
        "2026-03-31",
        "two users",
    )
    assert re.fullmatch(r"[0-9a-f]{64}", manifest["fingerprint"])
    assert {"python", "duckdb", "ibis-framework", "pandas"} <= set(manifest["versions"])
    good, broken = manifest["notebooks"]
    assert (good["state"], broken["state"]) == ("ok", "failed")
    assert good["notebook"] == "notebooks/01_funnel.ipynb"
    assert good["parameters"]["as_of"] == "2026-03-31"
    assert good["parameters"]["source"] == "data"
    assert good["seconds"] > 0
    assert broken["message"] == "ValueError: no such step as <b>ordr</b>"


def _findings_are_gathered(folder: Path) -> None:
    own = findings.read(folder / "01_funnel" / "findings.json")
    # What it says it was asked, and what else it was given.
    assert own["parameters"] == {"output_dir": "", "window_days": 14.0, "entry": "best"}
    gathered = load(folder / "findings.json")
    assert gathered["schema"] == findings.SCHEMA
    assert gathered["studies"] == {"01_funnel": own}


def _no_page_runs_or_loads_anything(folder: Path) -> None:
    for path in folder.rglob("*.html"):
        page = Page(path)
        assert page.policy == CSP
        assert "script" not in page.tags
        for address in page.addresses:
            assert address.startswith(("#", "data:")) or (path.parent / address).is_file()


def _no_file_betrays_the_machine(folder: Path, root: Path) -> None:
    for path in folder.rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert str(root) not in text
        assert str(Path.home()) not in text
        assert ".staging" not in text


@WITHOUT_KERNELS
def test_latest_follows_a_success_as_configured_and_stays_when_a_later_run_fails(
    root: Path, config: Config
) -> None:
    fine = replace(config, studies=config.studies[:1])
    latest = root / "reports" / "weekly" / "latest"
    assert publish(fine, root).ok
    assert os.readlink(latest) == "2026-03-31.1"
    write_notebook(root / "notebooks" / "01_funnel.ipynb", [parameters(), code("1 / 0")])
    page = Page(publish(config, root).index)
    assert os.readlink(latest) == "2026-03-31.1"
    assert page.text.count("Stale since 31 Mar 2026") == 1  # the other has never gone well
    assert "../../2026-03-31.1/01_funnel/report.html" in page.addresses
    assert "The data changed" not in page.text
    write_notebook(root / "notebooks" / "01_funnel.ipynb", good_cells())
    assert publish(fine, root, variant=True).index.parent.name == "2026-03-31.3"
    assert os.readlink(latest) == "2026-03-31.1"
    _no_page_runs_or_loads_anything(latest.parent)


@WITHOUT_KERNELS
def test_a_look_back_does_not_take_the_place_of_the_latest(root: Path, config: Config) -> None:
    fine = replace(config, studies=config.studies[:1])
    latest = root / "reports" / "weekly" / "latest"
    for as_of, there in (("2026-03-20", "2026-03-20.1"), ("2026-03-15", "2026-03-20.1")):
        assert publish(replace(fine, as_of=as_of), root).ok
        assert os.readlink(latest) == there


@WITHOUT_KERNELS
def test_a_look_back_is_there_to_be_read_though_it_is_beyond_those_to_keep(
    root: Path, config: Config
) -> None:
    fine = replace(config, studies=config.studies[:1], keep=1)
    for as_of in ("2026-03-24", "2026-03-20"):
        assert publish(replace(fine, as_of=as_of), root).index.is_file()
    assert publish(fine, root).index.is_file()
    assert {run.place[0] for run in read_runs(root / "reports" / "weekly")} == {"2026-03-31"}


@WITHOUT_KERNELS
def test_an_old_run_that_cannot_be_removed_costs_no_report(
    root: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    fine = replace(config, studies=config.studies[:1], keep=1)
    publish(replace(fine, as_of="2026-03-24"), root)

    def refuse(_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(runs, "remove", refuse)
    notes = io.StringIO()
    told = Progress(notes)
    published = run_report(fine, Request(), out=root / "reports", at_once=1, progress=told)
    assert published.ok
    assert (
        "2026-03-24.1 cannot be removed: Permission denied; remove it by hand" in notes.getvalue()
    )
    assert "2026-03-31" in (root / "reports" / "weekly" / "history.html").read_text()


@WITHOUT_KERNELS
def test_nothing_runs_where_a_success_was_made_of_the_very_same(root: Path, config: Config) -> None:
    fine = replace(config, studies=config.studies[:1])
    first = publish(fine, root)
    assert publish(fine, root) == replace(first, new=False)
    for change in (
        lambda: write_notebook(root / "notebooks" / "01_funnel.ipynb", good_cells("Who?")),
        lambda: (root / "notebooks" / "01_funnel.zh.md").write_text("<!-- x 1 -->\n"),
        lambda: (root / "data" / "users.csv").open("a").write("003,,social\n"),
    ):
        before = publish(fine, root)
        change()
        assert publish(fine, root).index != before.index
    wider = replace(fine.studies[0], given={"window_days": 28.0})
    assert publish(replace(fine, studies=[wider]), root).new


@WITHOUT_KERNELS
def test_a_run_that_failed_is_made_again_though_nothing_has_changed(
    root: Path, config: Config
) -> None:
    assert publish(config, root).index != publish(config, root).index


@WITHOUT_KERNELS
def test_the_index_says_first_what_changed_since_the_last_success(
    root: Path, config: Config
) -> None:
    fine = replace(config, studies=config.studies[:1])
    first = publish(replace(fine, as_of="2026-03-24"), root)
    assert "What changed since" not in Page(first.index).text
    same = Page(publish(fine, root).index).text
    assert "What changed since 24 Mar 2026" in same
    assert "No number has moved beyond its noise" in same
    better = PUBLISH.replace("value=0.25, ci_lower=0.2, ci_upper=0.3", "value=0.6, ci_lower=0.5")
    better = better.replace("ci_lower=0.5,", "ci_lower=0.5, ci_upper=0.7,")
    better = better.replace('status="alert"', 'status="ok"').replace("rate, few", "rate")
    cells = [*good_cells()[:-1], code(better)]
    write_notebook(root / "notebooks" / "01_funnel.ipynb", cells)
    page = Page(publish(fine, root).index)
    told = page.text.partition("What changed since 31 Mar 2026")[2].partition("Where are")[0]
    assert "No alert any more" in told
    assert "(was 25.0%; 20.0% to 30.0%)" in told
    assert told.index("No alert any more") < told.index("Not told any more")


@WITHOUT_KERNELS
def test_what_a_study_was_asked_is_what_was_given_and_not_what_it_found(
    root: Path, config: Config
) -> None:
    source = PUBLISH.replace('{"output_dir": output_dir}', '{"margin_found": as_of}')
    source = source.replace('"alert"', '"alert" if as_of < "2026-03-30" else "ok"')
    cells = [*good_cells()[:-1], code(source)]
    write_notebook(root / "notebooks" / "01_funnel.ipynb", cells)
    fine = replace(config, studies=config.studies[:1])
    publish(replace(fine, as_of="2026-03-24"), root)
    assert "No alert any more" in Page(publish(fine, root).index).text
    publish(replace(fine, as_of="2026-03-25"), root)
    wider = replace(fine.studies[0], given={"window_days": 28.0})
    other = publish(replace(fine, as_of="2026-03-30", studies=[wider]), root)
    assert "No alert any more" not in Page(other.index).text


@WITHOUT_KERNELS
def test_a_run_otherwise_asked_for_is_compared_with_none(root: Path, config: Config) -> None:
    fine = replace(config, studies=config.studies[:1])
    publish(fine, root)
    other = publish(replace(fine, as_of="2026-03-30"), root, variant=True)
    assert "What changed" not in Page(other.index).text


@WITHOUT_KERNELS
def test_as_many_runs_of_each_kind_are_kept_as_configured(root: Path, config: Config) -> None:
    fine = replace(config, studies=config.studies[:1], keep=1)
    home = root / "reports" / "weekly"
    for as_of in ("2026-03-17", "2026-03-24", "2026-03-31"):
        publish(replace(fine, as_of=as_of), root)
        publish(replace(config, as_of=as_of, keep=1), root)
    there = {"latest", "failed", "history.html", "2026-03-31.1"}
    assert {path.name for path in home.iterdir()} == there | {LOCK}
    assert [path.name for path in (home / "failed").iterdir()] == ["2026-03-31.2"]


def test_a_run_gives_way_to_one_that_goes_on(root: Path, config: Config) -> None:
    (root / "reports" / "weekly").mkdir(parents=True)
    with lock(root / "reports" / "weekly"), pytest.raises(LockHeldError):
        publish(config, root)


def test_a_page_is_in_the_language_of_its_notebook_and_the_index_in_the_reports(
    root: Path, config: Config
) -> None:
    broken = replace(config.studies[1], given={"language": "zh"})
    published = publish(replace(config, studies=[broken]), root)
    assert '<html lang="en">' in Page(published.index).html
    page = Page(published.index.parent / "02_broken" / "report.html")
    assert '<html lang="zh-Hans">' in page.html
    assert "这项分析没有跑完" in page.text
    assert "有单元没有运行" not in page.text


def test_a_source_outside_the_project_is_read_there_and_published_by_its_name(
    root: Path, config: Config, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("wang")
    elsewhere = write_source(folder).rename(folder / "gb2")
    cells = good_cells()
    cells.insert(2, code("from siyu.data import open_source\nopen_source(source).name"))
    write_notebook(root / "notebooks" / "01_funnel.ipynb", cells)
    config = replace(config, source=str(elsewhere), studies=config.studies[:1])
    published = publish(config, root)
    assert published.ok
    for path in published.index.parent.rglob("*.*"):
        text = path.read_text(encoding="utf-8")
        assert str(folder) not in text
        assert "../gb2" not in text
    (study,) = load(published.index.parent / "manifest.json")["notebooks"]
    assert study["parameters"]["source"] == "gb2"
    notebook = load(published.index.parent / "01_funnel" / "notebook.ipynb")
    assert notebook["metadata"]["papermill"]["parameters"]["source"] == "gb2"


@WITHOUT_KERNELS
def test_a_past_day_is_passed_to_every_notebook(root: Path, config: Config) -> None:
    published = publish(replace(config, as_of="2026-03-15", studies=config.studies[:1]), root)
    assert published.index.parent.name == "2026-03-15.1"
    own = findings.read(published.index.parent / "01_funnel" / "findings.json")
    assert own["as_of"] == "2026-03-15"


@WITHOUT_KERNELS
def test_the_fingerprint_is_of_the_data_as_the_run_found_them(root: Path, config: Config) -> None:
    before = open_source(root / "data").fingerprint()
    cells = good_cells()
    cells.insert(2, code("open(source + '/users.csv', 'a').write('003,2026-03-03,social')"))
    write_notebook(root / "notebooks" / "01_funnel.ipynb", cells)
    published = publish(replace(config, studies=config.studies[:1]), root)
    assert published.ok
    assert open_source(root / "data").fingerprint() != before
    assert load(published.index.parent / "manifest.json")["fingerprint"] == before
    assert "The data changed while the report was made" in Page(published.index).text


def test_two_runs_of_the_same_differ_only_in_times(root: Path, config: Config) -> None:
    first, second = (publish(config, root).index.parent for _ in range(2))
    for name in ("01_funnel", "02_broken"):
        one, other = (load(folder / name / "notebook.ipynb") for folder in (first, second))
        assert without_times(one) == without_times(other)
    assert (first / "findings.json").read_text() == (second / "findings.json").read_text()


def without_times(document: Any) -> Any:
    times = {"start_time", "end_time", "duration", "execution"}
    if isinstance(document, dict):
        return {key: without_times(one) for key, one in document.items() if key not in times}
    return [without_times(one) for one in document] if isinstance(document, list) else document


@WITHOUT_KERNELS
def test_a_page_over_its_budget_is_noted(
    root: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("siyu.report.run.PAGE_BUDGET_BYTES", 100)
    notes = io.StringIO()
    fine = replace(config, studies=config.studies[:1])
    run_report(fine, Request(), out=root / "reports", at_once=1, progress=Progress(notes))
    assert "01_funnel: the page has 0.0 MB; 2 MB is the budget" in notes.getvalue()


def test_a_source_that_cannot_be_opened_publishes_nothing(root: Path, config: Config) -> None:
    with pytest.raises(BlockedError, match="nowhere"):
        publish(replace(config, source=str(root / "nowhere")), root)
    assert read_runs(root / "reports" / "weekly") == []


@WITHOUT_KERNELS
def test_data_that_have_grown_old_are_not_reported_on_unless_that_day_is_asked_for(
    root: Path, config: Config
) -> None:
    strict = replace(config, gate=Gate(max_age_days=3), studies=config.studies[:1])
    with pytest.raises(BlockedError, match=r"The data end on 31 Mar 2026, [\d,]+ days ago"):
        publish(strict, root)
    assert read_runs(root / "reports" / "weekly") == []
    assert publish(replace(strict, as_of="2026-03-24"), root).ok
    assert publish(strict, root, guarded=False).ok


@WITHOUT_KERNELS
def test_a_table_that_has_lost_its_rows_is_not_reported_on(root: Path, config: Config) -> None:
    careful = replace(config, gate=Gate(fewest_rows=0.6), studies=config.studies[:1])
    assert publish(careful, root).ok
    users = root / "data" / "users.csv"
    users.write_text("".join(users.read_text().splitlines(keepends=True)[:2]))
    with pytest.raises(BlockedError) as caught:
        publish(careful, root)
    said = "Table users: 1 rows; the report of 31 Mar 2026 had 2."
    assert caught.value.problems == [said]
    assert publish(careful, root, guarded=False).ok


def test_what_failed_is_repeated_and_what_went_well_is_taken_over(
    root: Path, config: Config
) -> None:
    failed = publish(config, root)
    write_notebook(root / "notebooks" / "02_broken.ipynb", good_cells("Repaired"))
    again = publish(config, root, only_failed=True)
    assert again.ok
    manifest = json.loads((again.index.parent / "manifest.json").read_text())
    assert [one.get("taken_from") for one in manifest["notebooks"]] == ["2026-03-31.1", None]
    first, second = (
        json.loads((one.index.parent / "01_funnel" / "notebook.ipynb").read_text())
        for one in (failed, again)
    )
    assert first == second  # with the times of its cells: it was not run again
    pages = Page(again.index).text, Page(again.index.parent / "01_funnel" / "report.html").text
    assert all("25% of 80 users" in page for page in pages)
    assert publish(config, root, only_failed=True) == replace(again, new=False)


@WITHOUT_KERNELS
def test_nothing_is_taken_over_that_would_be_otherwise_now(root: Path, config: Config) -> None:
    publish(config, root)
    write_notebook(root / "notebooks" / "02_broken.ipynb", good_cells("Repaired"))
    (root / "data" / "users.csv").open("a").write("003,2026-03-03T10:00:00+08:00,social\n")
    again = publish(config, root, only_failed=True)
    manifest = json.loads((again.index.parent / "manifest.json").read_text())
    assert [one.get("taken_from") for one in manifest["notebooks"]] == [None, None]
