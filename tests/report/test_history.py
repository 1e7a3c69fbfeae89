import json
import re
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from siyu.findings import Finding, insufficient
from siyu.language import speaking
from siyu.report import history, inputs
from siyu.report.chart import BOTTOM, TOP, draw
from siyu.report.config import Config, Study, read_config
from siyu.report.history import Point, find_changes, follow, read_history
from siyu.report.history_page import write_history
from siyu.report.inputs import fingerprint_method
from siyu.report.runs import remove

from tests.report.project import code, markdown, parameters, write_config, write_notebook

RATE = Finding(
    id="rate",
    metric="rate",
    value=0.3,
    ci_lower=0.28,
    ci_upper=0.32,
    unit="share",
    n=1234,
    message="30% ordered.",
    method="Wilson",
    headline="Conversion",
)
FEW = insufficient("rate", "Only 3 started.", metric="rate", n=3)


def publish(
    home: Path,
    place: str,
    *found: Finding,
    state: str = "ok",
    variant: bool = False,
    source: str = "pool",
    method: str = "a",
    **asked: Any,
) -> Path:
    """Write a run of one study, as `siyu report` leaves it; without findings, of one rate."""
    folder = home / place
    folder.mkdir(parents=True)
    notebook = {"name": "funnel", "state": state, "method": method, "parameters": asked}
    document = {"source": source, "findings": list(map(asdict, found))}
    if not found:
        document["findings"] = [asdict(RATE)]
    for name, content in (
        ("manifest", {"variant": variant, "notebooks": [notebook]}),
        ("findings", {"studies": {"funnel": document}}),
    ):
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def followed(home: Path) -> list[list[Point]]:
    return follow(read_history(home), "funnel", every_days=7)


def joined(home: Path) -> list[bool]:
    (points,) = followed(home)
    return [point.joined for point in points]


def changed(value: float | None, **given: Any) -> Finding:
    return replace(RATE, value=value, **given)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    cells = [markdown("# Where are customers lost?"), parameters(), code("1")]
    write_notebook(tmp_path / "notebooks" / "funnel.ipynb", cells)
    (tmp_path / "pyproject.toml").touch()
    titles = "title: {en: Weekly, zh: 周报}\n"
    text = f"{titles}source: data\nlanguage: en\nnotebooks:\n  - notebook: funnel\n"
    return read_config(write_config(tmp_path, text))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "reports" / "weekly"


def test_of_each_day_the_last_success_as_configured_counts(home: Path) -> None:
    publish(home, "2026-03-03.1", changed(0.1))
    publish(home, "2026-03-03.2", changed(0.2))
    publish(home, "2026-03-03.3", changed(0.9), variant=True)
    publish(home, "failed/2026-03-03.4", changed(0.8), state="failed")
    publish(home, "2026-03-10.1", changed(0.7), variant=True)
    publish(home, "2026-03-17.1", changed(0.4))
    (points,) = followed(home)
    told = [(point.on, point.finding["value"]) for point in points]
    assert told == [(date(2026, 3, 3), 0.2), (date(2026, 3, 17), 0.4)]


def test_what_is_a_headline_now_is_followed_back_to_runs_in_which_it_was_none(home: Path) -> None:
    publish(home, "2026-03-03.1", changed(0.2, headline=""), replace(RATE, id="once"))
    publish(home, "2026-03-10.1", RATE, replace(RATE, id="once", headline=""))
    publish(home, "2026-03-17.1", FEW)
    (points,) = followed(home)
    assert [point.finding["id"] for point in points] == ["rate"] * 3
    assert [point.has_value for point in points] == [True, True, False]


def test_a_line_joins_neighbours_only(home: Path) -> None:
    publish(home, "2026-01-06.1")
    publish(home, "2026-01-13.1")
    publish(home, "2026-01-21.1")  # a day late
    publish(home, "2026-02-03.1")  # the run of 28 January is missing
    publish(home, "failed/2026-02-07.1", state="killed")
    publish(home, "2026-02-10.1")
    publish(home, "2026-02-17.1", FEW)
    publish(home, "2026-02-20.1")
    publish(home, "2026-02-24.1", replace(RATE, id="another", headline=""))
    publish(home, "2026-02-27.1")
    publish(home, "2026-03-03.1")
    assert joined(home) == [False, True, True, *[False] * 6, True]


@pytest.mark.parametrize(
    ("then", "breaks"),
    [
        ({"window_days": 14, "as_of": "2026-03-10", "language": "zh"}, False),
        ({"window_days": 7}, True),
        ({"window_days": 14, "hold": "item"}, True),
        ({"window_days": 14, "source": "shop"}, True),
        ({"window_days": 14, "method": "b"}, True),
    ],
)
def test_a_line_breaks_where_the_number_is_counted_otherwise(
    home: Path, then: dict[str, Any], breaks: bool
) -> None:
    publish(home, "2026-03-03.1", window_days=14)
    publish(home, "2026-03-10.1", **then)
    (points,) = followed(home)
    assert (points[1].joined, points[1].redefined) == (not breaks, breaks)
    assert bool(find_changes(read_history(home), "funnel")) == breaks


def test_a_line_breaks_where_the_number_is_of_another_group(home: Path) -> None:
    publish(home, "2026-03-03.1", replace(RATE, segment={"arm": "coupon"}))
    publish(home, "2026-03-10.1", replace(RATE, segment={"arm": "service"}))
    assert joined(home) == [False, False]
    assert find_changes(read_history(home), "funnel") == []


def test_what_is_otherwise_is_told_by_name(home: Path) -> None:
    publish(home, "2026-03-03.1", window_days=14, by=["channel"])
    publish(home, "2026-03-10.1", window_days=7, by=["channel"], method="b", source="shop")
    (change,) = find_changes(read_history(home), "funnel")
    assert (change.on, change.asked) == (date(2026, 3, 10), ["window_days"])
    assert (change.source, change.method) == ("shop", True)


def test_only_code_that_makes_numbers_is_the_method_of_a_study(tmp_path: Path) -> None:
    def method(*cells: dict[str, object]) -> str:
        path = write_notebook(tmp_path / "funnel.ipynb", list(cells))
        return fingerprint_method(
            Study(name="funnel", label="", notebook=path, declared={}, given={})
        )

    plain = method(markdown("# Why?"), parameters("days: int = 7"), code("measure()"))
    assert method(markdown("# So?"), parameters("days: int = 9"), code("measure()")) == plain
    assert method(markdown("# Why?"), parameters("days: int = 7"), code("count()")) != plain


def test_what_a_run_compiles_of_the_library_is_not_its_method(tmp_path, monkeypatch) -> None:
    library = tmp_path / "siyu"
    (library / "stats" / "__pycache__").mkdir(parents=True)
    (library / "stats" / "mean.py").write_text("a = 1")
    path = write_notebook(tmp_path / "funnel.ipynb", [code("1")])
    study = Study(name="funnel", label="", notebook=path, declared={}, given={})
    monkeypatch.setattr(inputs.resources, "files", lambda _: library)
    # Read anew each time, and not left for others.
    monkeypatch.setattr(inputs, "_library", inputs._library.__wrapped__)
    before = fingerprint_method(study)
    for compiled in ("mean.cpython-311.pyc", "mean.add-1.py311.1.nbc"):
        (library / "stats" / "__pycache__" / compiled).write_text("1")
    assert fingerprint_method(study) == before
    (library / "stats" / "mean.py").write_text("a = 2")
    assert fingerprint_method(study) != before


def points_of(*found: Finding, days: tuple[int, ...] = (1, 8, 29)) -> list[Point]:
    return [
        Point(on=date(2026, 3, day), finding=asdict(one))
        for day, one in zip(days, found, strict=True)
    ]


def places(path: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall(r"[ML]([\d.]+),([\d.]+)", path)]


def test_days_are_to_scale_and_the_scale_of_values_holds_zero() -> None:
    points = points_of(changed(0.2), changed(0.4), changed(0.3))
    chart = draw(points, first=date(2026, 3, 1), last=date(2026, 3, 29))
    (left, low), (middle, high), (right, _) = places(chart.values)
    assert (middle - left) / (right - left) == pytest.approx(7 / 28, abs=0.01)
    assert chart.scale[0] == (BOTTOM, "0%")
    # From zero on, so twice the value is twice as high.
    assert (BOTTOM - high) / (BOTTOM - low) == pytest.approx(2, abs=0.01)


def test_a_loss_lies_below_zero_which_is_on_the_scale() -> None:
    loss = changed(-20.0, ci_lower=-35.0, ci_upper=-5.0, unit="cny")
    chart = draw(points_of(loss, days=(1,)), first=date(2026, 3, 1), last=date(2026, 3, 1))
    assert [said for _, said in chart.scale] == ["−40", "−30", "−20", "−10", "0"]
    assert chart.scale[-1][0] == TOP


def test_a_number_that_has_always_been_zero_has_a_scale() -> None:
    nothing = changed(0.0, ci_lower=0.0, ci_upper=0.0, unit="cny")
    chart = draw(points_of(nothing, days=(1,)), first=date(2026, 3, 1), last=date(2026, 3, 1))
    assert [said for _, said in chart.scale] == ["0", "1"]


def test_an_interval_without_an_end_leaves_the_scale() -> None:
    open_ended = changed(0.3, ci_upper=None)
    chart = draw(points_of(open_ended, days=(1,)), first=date(2026, 3, 1), last=date(2026, 3, 1))
    assert chart.bars.endswith(f"V{TOP:.1f}")
    assert places(chart.values)[0][1] > TOP + 10


def test_a_threshold_is_drawn_where_it_held() -> None:
    limit = {"direction": "above", "status": "ok"}
    points = points_of(
        changed(0.3, threshold=0.1, **limit),
        changed(0.3, threshold=0.1, **limit),
        changed(0.3, threshold=0.2, **limit | {"status": "alert"}),
    )
    chart = draw(points, first=date(2026, 3, 1), last=date(2026, 3, 29))
    lines = re.findall(r"M([\d.]+),([\d.]+)H([\d.]+)", chart.threshold)
    assert len(lines) == 2
    assert lines[0][2] == lines[1][0]  # the one ends where the other begins
    assert len(places(chart.values)) == 2
    assert len(places(chart.alerts)) == 1


def shown(home: Path, config: Config, language: str = "en") -> str:
    write_history(home, replace(config, language=language))
    return (home / "history.html").read_text(encoding="utf-8")


def test_a_page_tells_each_number_in_words_in_a_chart_and_in_a_table(
    home: Path, config: Config
) -> None:
    publish(home, "2026-03-03.1", changed(0.25, ci_lower=0.22, ci_upper=0.28))
    publish(home, "2026-03-10.1", FEW)
    publish(home, "2026-03-31.1", window_days=7)
    page = shown(home, config)
    assert page.count("<h1>") == 1
    assert ">Where are customers lost?</h2>" in page
    assert "<h3>Conversion</h3>30.0% (95% interval 28.0% to 32.0%)" in page
    assert 'role="img" aria-label="Conversion: 2 numbers from 3 Mar 2026 to 31 Mar 2026' in page
    assert "No number in 1 of 3 runs, of 10 Mar 2026: Only 3 started." in page
    assert "From 31 Mar 2026 on asked otherwise: window_days." in page
    assert "No run between 10 Mar 2026 and 31 Mar 2026." in page
    row = '<th scope="row">2026-03-03</th><td class="number">25.0%</td><td>22.0% to 28.0%</td>'
    assert row in page


def test_where_the_last_run_has_no_number_the_page_says_of_which_day_the_one_shown_is(
    home: Path, config: Config
) -> None:
    publish(home, "2026-03-03.1")
    publish(home, "2026-03-10.1", FEW)
    assert "30.0% (95% interval 28.0% to 32.0%), as of 3 Mar 2026" in shown(home, config)


def test_the_page_follows_what_is_there(home: Path, config: Config) -> None:
    home.mkdir(parents=True)
    assert "history begins with the first" in shown(home, config)
    first = publish(home, "2026-03-03.1")
    assert "History begins now: there is one run, of 3 Mar 2026." in shown(home, config)
    publish(home, "failed/2026-03-10.1", state="failed")
    assert "The last run, of 10 Mar 2026, failed" in shown(home, config)
    publish(home, "2026-03-17.1")
    page = shown(home, config)
    assert "The last run" not in page
    assert "2 runs, 3 Mar 2026 to 17 Mar 2026." in page
    assert '<a href="failed/2026-03-10.1/index.html">10 Mar 2026</a> It failed.' in page
    for link in re.findall(r'href="([^"#:]+/index.html)"', page):
        assert (home / link).parent.is_dir()
    remove([first])
    assert "there is one run, of 17 Mar 2026." in shown(home, config)


def test_names_from_the_data_are_text(home: Path, config: Config) -> None:
    bad = "<script>alert(1)</script>"
    publish(home, "2026-03-03.1", changed(0.3, headline=bad, segment={"arm": "a"}))
    publish(home, "2026-03-10.1", changed(0.3, headline=bad, segment={"arm": bad}), source=bad)
    publish(home, "2026-03-17.1", changed(0.3, headline=bad, segment={"arm": "b"}), source=bad)
    page = shown(home, config)
    assert page.count("before of “") == 1
    assert "From 17 Mar 2026 on of “b”, before of “&lt;script&gt;" in page
    assert "<script" not in page
    assert page.count("&lt;script&gt;") >= 3


def test_the_page_does_not_grow_for_ever(
    home: Path, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "MOST_DAYS", 2)
    for day in ("2026-03-24", "2026-03-31", "2026-04-07"):
        publish(home, f"{day}.1")
    write_history(home, config)
    page = (home / "history.html").read_text()
    assert "The last 2 runs, 31 Mar 2026 to 7 Apr 2026; earlier ones are not shown." in page
    assert "24 Mar" not in page


def test_no_study_has_more_numbers_than_one_reads(home: Path, config: Config) -> None:
    publish(home, "2026-03-03.1", *(replace(RATE, id=f"rate.{i}") for i in range(8)))
    page = shown(home, config)
    assert page.count("<figure>") == 6
    assert "2 more are in the findings of each run." in page


def test_alerts_on_numbers_that_are_not_shown_are_told_of_too(home: Path, config: Config) -> None:
    limit = {"status": "alert", "threshold": 0.4, "direction": "below"}
    unfollowed = changed(0.3, id="change", headline="", **limit)
    publish(home, "2026-03-03.1", RATE, replace(RATE, id="again"), unfollowed)
    assert (
        "Of these 2 numbers, none was an alert in the last run, of 3 Mar 2026. "
        "The study gave an alert on another number, which is not shown here."
    ) in shown(home, config)


def test_every_word_of_the_page_is_chinese(home: Path, config: Config) -> None:
    number = changed(0.3, headline="转化率", status="alert", threshold=0.4, direction="above")
    publish(home, "2026-03-03.1", number)
    publish(home, "2026-03-10.1", insufficient("rate", "人太少。", metric="rate", n=3))
    publish(home, "2026-03-31.1", number, method="b")
    with speaking("en"):
        page = shown(home, config, "zh")
    assert "30.0%（95% 区间 28.0%～32.0%）" in page
    assert "最近一次运行（2026年3月31日）有 1 个预警" in page
    body = page[page.index("<body>") :].replace("Where are customers lost?", "")
    text = re.sub(r"<[^>]+>", "\n", body)
    assert re.findall(r"[A-Za-z]+(?:[ ,]+[A-Za-z]+)+", text) == []
