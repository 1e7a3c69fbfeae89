"""What the documents say can be done, can be done."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from siyu import cli
from siyu.commands import BAD_CONFIGURATION, BLOCKED, FAILED, GOES_ON, PUBLISHED, UNDELIVERED
from siyu.data import check
from siyu.report.config import narrow, read_config

ROOT = Path(__file__).parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("data/*.md"), *ROOT.glob("deploy/*.md")])
READMES = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md")]
README = READMES[0]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def commands(text: str) -> Iterator[list[str]]:
    """The words of every command line in the shell blocks of a document."""
    for block in re.findall(r"^```sh\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        yield from (words for line in block.splitlines() if (words := shlex.split(line, True)))


def siyu_commands() -> list[list[str]]:
    """What the READMEs give to `siyu`, themselves or through make."""
    found = []
    for words in (words for readme in READMES for words in commands(readme)):
        if Path(words[0]).name == "siyu":
            found.append(words[1:])
        elif words[:2] == ["make", "report"]:
            given = "".join(words[2:]).removeprefix("ARGS=")
            found.append(["report", *shlex.split(given)])
    return found


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_relative_link_leads_somewhere(path: Path) -> None:
    links = [link for link in LINK.findall(path.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_make_target_named_exists(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z]+)", text))
    named |= {words[1] for words in commands(text) if words[0] == "make"}
    assert {name for name in named if not re.search(rf"^{name}:", MAKEFILE, re.MULTILINE)} == set()


@pytest.mark.parametrize("readme", READMES, ids=["en", "zh"])
def test_readme_opens_with_the_two_commands(readme: str) -> None:
    assert [words[:2] for words in commands(readme)][:2] == [["make", "report"], ["make", "test"]]


@pytest.mark.parametrize("words", siyu_commands(), ids=" ".join)
def test_every_siyu_command_of_readme_is_understood(words: list[str]) -> None:
    parsed = cli._parser().parse_args(words)
    if words[0] == "report":
        weekly = read_config(ROOT / "notebooks" / "weekly.yaml")
        narrow(weekly, as_of=parsed.as_of, only=parsed.only, assignments=parsed.assignments)


def test_the_exit_codes_of_readme_are_those_of_the_program() -> None:
    told = dict(re.findall(r"^\| `(\d+)` \| (.+) \|$", README, flags=re.MULTILINE))
    codes = (PUBLISHED, FAILED, BAD_CONFIGURATION, BLOCKED, UNDELIVERED, GOES_ON)
    assert list(told) == [*map(str, codes), "130"]
    assert told["0"].startswith("published")


def test_the_recipients_of_readme_can_be_configured(tmp_path: Path) -> None:
    stated = re.findall(r"^```yaml\n(.*?)^```", README, flags=re.MULTILINE | re.DOTALL)[1]
    weekly = (ROOT / "notebooks" / "weekly.yaml").read_text(encoding="utf-8")
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "weekly.yaml").write_text(weekly + stated, encoding="utf-8")
    assert [one.sender for one in read_config(tmp_path / "weekly.yaml").recipients] == ["wecom"]


@pytest.mark.parametrize("readme", READMES, ids=["en", "zh"])
def test_the_source_of_readme_reads_a_foreign_log(tmp_path: Path, readme: str) -> None:
    stated = re.findall(r"^```yaml\n(.*?)^```", readme, flags=re.MULTILINE | re.DOTALL)[0]
    (tmp_path / "source.yaml").write_text(stated, encoding="utf-8")
    rows = (
        "客户编号,时间,行为,触点",
        "007,2026-01-05 09:00,扫码,海报",
        "007,2026-01-06 09:01,添加,",
    )
    (tmp_path / "客户行为.csv").write_text("\n".join(rows), encoding="gb18030")
    found = check(str(tmp_path))
    assert found.problems == ()
    assert found.counts["events"] == 2


def test_method_decisions_stand_newest_first() -> None:
    text = (ROOT / "METHODS.md").read_text(encoding="utf-8")
    days = re.findall(r"^## (\d{4}-\d\d-\d\d)", text, flags=re.MULTILINE)
    assert days
    assert days == sorted(days, reverse=True)


def test_every_method_decision_says_what_it_costs() -> None:
    text = (ROOT / "METHODS.md").read_text(encoding="utf-8")
    entries = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.splitlines()[0] for entry in entries if "\nCosts: " not in entry] == []
