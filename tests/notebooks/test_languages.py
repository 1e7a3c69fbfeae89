"""The weekly report in both languages: the same numbers, and every word the reader's."""

import json
import re
from pathlib import Path

import pytest
from siyu import cli
from siyu.report.history_page import MOST

from tests.notebooks.published import ROOT, findings, report_once

NAMES = [path.stem for path in sorted((ROOT / "notebooks").glob("*.ipynb"))]
HAN = re.compile("[\u4e00-\u9fff]")
TOLD = ("message", "action", "method", "headline")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def english(tmp_path_factory) -> dict[str, Path]:
    return {name: report_once(name, tmp_path_factory) for name in NAMES}


@pytest.fixture(scope="module")
def chinese(tmp_path_factory) -> Path:
    out, weekly = tmp_path_factory.mktemp("chinese"), ROOT / "notebooks" / "weekly.yaml"
    assert cli.main(["report", str(weekly), "-p", "language=zh", "--out", str(out)]) == 0
    (folder,) = out.glob("weekly/*.1")
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_every_number_is_the_same(english, chinese, name):
    there, here = (
        {one: {k: v for k, v in found.items() if k not in TOLD} for one, found in every.items()}
        for every in (findings(english[name]), findings(chinese / name))
    )
    assert here == there
    for path in (english[name] / "tables").iterdir():
        assert (chinese / name / "tables" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", NAMES)
def test_every_finding_is_said_in_chinese(english, chinese, name):
    there = findings(english[name])
    for one, found in findings(chinese / name).items():
        for part in TOLD:
            assert bool(HAN.search(found[part])) == bool(there[one][part]), (one, part)


@pytest.mark.parametrize("name", NAMES)
def test_a_study_stands_for_a_few_numbers_that_are_followed(english, name):
    followed = [one for one in findings(english[name]).values() if one["headline"]]
    assert 3 <= len(followed) <= MOST


@pytest.mark.parametrize("page", ["index.html", *(f"{name}/report.html" for name in NAMES)])
def test_every_word_of_a_page_is_chinese(chinese, page):
    html = (chinese / page).read_text("utf-8")
    assert '<html lang="zh-Hans">' in html
    text = re.sub(r"<style>.*?</style>|<code>.*?</code>|<[^>]+>", "\n", html, flags=re.DOTALL)
    assert re.findall(r"[A-Za-z]+(?:[ ,]+[A-Za-z]+){2,}", text) == []
    heads = re.findall(r"<th>(.*?)</th>", html)
    assert [head for head in heads if not HAN.search(head)] == []
    assert all(HAN.search(alt) for alt in re.findall(r'alt="(.*?)"', html))
    assert "字符画不出来" not in html


@pytest.mark.parametrize("name", NAMES)
def test_the_notebook_published_is_in_the_language_of_its_page(chinese, name):
    cells = json.loads((chinese / name / "notebook.ipynb").read_text("utf-8"))["cells"]
    prose = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    assert prose
    assert all(HAN.search(one) for one in prose)
