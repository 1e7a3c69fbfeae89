"""What a team is told of, and when: once per incident, and when it is over."""

import io
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from siyu.report import run, senders
from siyu.report.alerts import (
    GATE,
    STATE,
    Incident,
    compose,
    deliver,
    find_incidents,
    go_on,
    read_incidents,
    write_incidents,
)
from siyu.report.compare import Change
from siyu.report.config import Config, read_config
from siyu.report.gate import BlockedError
from siyu.report.outcome import Outcome
from siyu.report.plan import Request
from siyu.report.progress import Progress
from siyu.report.run import Published, run_report
from siyu.report.senders import Message, Recipient

from tests.report.project import (
    PUBLISH,
    code,
    good_cells,
    run_without_kernels,
    write_config,
    write_notebook,
    write_source,
)
from tests.report.robots import GOOD, serve

OK = {"funnel": Outcome(state="ok")}


def finding(
    name: str, status: str, message: str = "25% of 80.", action: str = ""
) -> dict[str, Any]:
    return {"id": name, "status": status, "message": message, "action": action}


def studies(*found: dict[str, Any]) -> dict[str, Any]:
    return {"studies": {"funnel": {"findings": list(found)}}}


def incident(name: str, since: str = "2026-03-24") -> dict[str, Incident]:
    return {name: Incident(id=name, text=f"{name} is low.", since=since)}


def compose_of(
    told: Mapping[str, Incident], after: Mapping[str, Incident], *changes: Change
) -> Message | None:
    return compose(
        title="Weekly",
        as_of="2026-03-31",
        told=told,
        after=after,
        gone={"funnel/gone"},
        changes=changes,
        link="the/page",
    )


def test_alerts_and_studies_that_failed_are_incidents() -> None:
    found = studies(finding("a", "alert", action="Mend it."), finding("b", "watch"))
    outcomes = OK | {"tiers": Outcome(state="kernel_died", message="no memory")}
    incidents = find_incidents(found, outcomes, as_of="2026-03-31")
    assert {name: one.text for name, one in incidents.items()} == {
        "tiers": "tiers: Kernel died: no memory",
        "funnel/a": "25% of 80. Mend it.",
    }


@pytest.mark.parametrize(
    ("found", "outcomes", "open_after"),
    [
        (studies(finding("a", "alert")), OK, ["funnel/a"]),
        (studies(finding("a", "ok")), OK, []),
        (studies(finding("a", "insufficient")), OK, ["funnel/a"]),
        (studies(), OK, []),
        ({"studies": {}}, {}, []),
        ({"studies": {}}, {"funnel": Outcome(state="failed")}, ["funnel", "funnel/a"]),
    ],
    ids=["goes on", "is over", "cannot be told", "is gone", "study is gone", "study failed"],
)
def test_an_alert_is_over_only_when_its_number_is_told_and_is_none(
    found: dict[str, Any], outcomes: dict[str, Outcome], open_after: list[str]
) -> None:
    now = find_incidents(found, outcomes, as_of="2026-03-31")
    after = go_on(now, incident("funnel/a"), found, outcomes)
    assert sorted(after) == open_after
    if "funnel/a" in after:
        assert after["funnel/a"].since == "2026-03-24"


def test_a_message_says_what_is_new_worse_and_over_and_where_to_read() -> None:
    told = incident("funnel/a") | incident("funnel/b") | incident("funnel/gone")
    after = incident("funnel/b") | incident("funnel/c")
    now = finding("b", "alert", "b is lower.")
    worse = Change(kind="moved", study="funnel", now=now, before=now, worse=True)
    better = replace(worse, now=finding("c", "alert"), worse=False)
    message = compose_of(told, after, worse, better)
    assert message is not None
    assert message.title == "Weekly, 31 Mar 2026"
    assert message.lines == (
        "New:",
        "- funnel/c is low.",
        "Worse:",
        "- b is lower.",
        "Over:",
        "- funnel/a is low. (told on 24 Mar 2026)",
        "Not told of any more:",
        "- funnel/gone is low. (told on 24 Mar 2026)",
        "2 alerts in all.",
        "the/page",
    )


def test_nothing_is_said_where_nothing_is_new_worse_or_over() -> None:
    assert compose_of({}, {}) is None
    assert compose_of(incident("a"), incident("a")) is None


def test_a_text_of_4000_characters_is_cut() -> None:
    long = {"a": Incident(id="a", text="会" * 4000, since="2026-03-31")}
    message = compose_of({}, long)
    assert message is not None
    assert message.lines[1] == f"- {'会' * 300}…"


@pytest.mark.parametrize("text", [None, "", "{", "[]", '{"open": []}', '{"open": {"a": 1}}'])
def test_a_state_that_cannot_be_read_is_none(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        (tmp_path / STATE).write_text(text)
    assert read_incidents(tmp_path) == {}
    write_incidents(tmp_path, incident("a"))
    assert read_incidents(tmp_path) == incident("a")


CONFIG = """\
name: weekly
title: {en: Growth <weekly>, zh: 增长周报}
source: data
link: https://reports.shop/
notify:
  - {to: file, address: SIYU_TEST_FILE}
  - {to: wecom, address: SIYU_TEST_WECOM}
notebooks:
  - notebook: 01_funnel
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    write_source(tmp_path)
    write_notebook(tmp_path / "notebooks" / "01_funnel.ipynb", good_cells())
    monkeypatch.setenv("SIYU_TEST_FILE", str(tmp_path / "alerts.jsonl"))
    monkeypatch.setattr(senders, "sleep", lambda _: None)
    monkeypatch.setattr(run, "run_all", run_without_kernels)
    return read_config(write_config(tmp_path, CONFIG))


def publish(config: Config, *, variant: bool = False, force: bool = True) -> Published:
    return run_report(
        config,
        Request(variant=variant, force=force),
        out=config.root / "reports",
        at_once=1,
        progress=Progress(io.StringIO()),
    )


def lines(config: Config) -> list[dict[str, Any]]:
    path = config.root / "alerts.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.is_file() else []


def test_a_team_is_told_once_of_an_alert_and_once_that_it_is_over(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve((200, GOOD["wecom"])) as robots:
        monkeypatch.setenv("SIYU_TEST_WECOM", robots.address)
        first = publish(config)
        assert first.undelivered == ()
        (line,) = lines(config)
        assert line["title"] == "Growth <weekly>, 31 Mar 2026"
        assert line["lines"][1] == "- 25% of 80 ordered. Repair the reply step."
        assert line["lines"][-1] == "https://reports.shop/weekly/2026-03-31.1/index.html"
        assert "＜weekly＞" in robots.sent[0]["markdown_v2"]["content"]
        publish(config)
        publish(config, variant=True)
        assert len(lines(config)) == len(robots.sent) == 1
        over = PUBLISH.replace('status="alert"', 'status="watch"')
        notebook = config.root / "notebooks" / "01_funnel.ipynb"
        write_notebook(notebook, [*good_cells()[:-1], code(over)])
        publish(replace(config, as_of="2026-03-20"))
        assert len(lines(config)) == 1  # a look back is no news
        publish(config)
        assert lines(config)[1]["lines"][0] == "Over:"
        manifest = json.loads((first.index.parent / "manifest.json").read_text())
        assert manifest["deliveries"] == [
            {"to": "file", "ok": True, "reason": ""},
            {"to": "wecom", "ok": True, "reason": ""},
        ]
        files = (path for path in (config.root / "reports").rglob("*") if path.is_file())
        told = "".join(path.read_text(encoding="utf-8") for path in files)
    assert "s3cret" not in told
    assert "alerts.jsonl" not in told


def test_what_was_delivered_to_nobody_is_told_by_the_next_run_and_the_report_is_there(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIYU_TEST_FILE", str(config.root / "nowhere" / "alerts"))
    with serve((200, '{"errcode": 93000, "errmsg": "invalid webhook url"}')) as robots:
        monkeypatch.setenv("SIYU_TEST_WECOM", robots.address)
        published = publish(config)
    assert published.ok
    assert published.undelivered == (
        "file: cannot be written: No such file or directory",
        "wecom: errcode 93000: invalid webhook url",
    )
    assert (config.root / "reports" / "weekly" / "latest" / "index.html").is_file()
    monkeypatch.setenv("SIYU_TEST_FILE", str(config.root / "alerts.jsonl"))
    monkeypatch.delenv("SIYU_TEST_WECOM")
    again = publish(config, force=False)
    assert (again.index, again.new) == (published.index, False)
    assert again.undelivered == ("wecom: the environment variable SIYU_TEST_WECOM is not set",)
    assert lines(config)[0]["lines"][0] == "New:"
    manifest = json.loads((published.index.parent / "manifest.json").read_text())
    assert [one["ok"] for one in manifest["deliveries"]] == [True, False]
    assert publish(config, force=False).undelivered == publish(config).undelivered == ()
    assert len(lines(config)) == 1


def test_no_address_however_odd_keeps_others_from_being_told_or_is_told_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIYU_TEST_ODD", "smtp://me:s3cret@mail..shop/?from=a@b&to=c@d")
    monkeypatch.setenv("SIYU_TEST_FILE", str(tmp_path / "alerts.jsonl"))
    pairs = {"email": "SIYU_TEST_ODD", "file": "SIYU_TEST_FILE"}
    recipients = [Recipient(sender=sender, variable=name) for sender, name in pairs.items()]
    odd, file = deliver(Message(title="Weekly", lines=("one",)), recipients)
    assert odd == {"to": "email", "ok": False, "reason": "UnicodeError: is its address right?"}
    assert file["ok"]


def test_a_team_is_told_once_that_there_is_no_report_and_once_that_it_comes_again(
    config: Config,
) -> None:
    table = config.root / "data" / "users.csv"
    good = table.read_text()
    table.write_text(good.replace("user_id", "uid"))
    for _ in range(2):
        with pytest.raises(BlockedError):
            publish(config)
    (line,) = lines(config)
    assert line["lines"][0] == "New:"
    assert line["lines"][1].startswith("- No report: users.user_id:")
    assert line["lines"][-1] == "https://reports.shop/weekly/latest/index.html"
    assert str(config.root) not in str(line)
    table.write_text(good)
    why = "wecom: the environment variable SIYU_TEST_WECOM is not set"
    published = publish(config)
    assert published.undelivered == (why,)
    manifest = json.loads((published.index.parent / "manifest.json").read_text())
    assert [one["to"] for one in manifest["deliveries"]] == ["file", "wecom"] * 2
    _, over, alert = lines(config)
    assert over["lines"][0] == "Over:"
    assert "No report: users.user_id:" in over["lines"][1]
    assert "25% of 80 ordered" in alert["lines"][1]


def test_that_reports_come_again_is_told_where_nothing_else_is_new_and_fails_as_alerts_do(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve((200, GOOD["wecom"])) as robots:
        monkeypatch.setenv("SIYU_TEST_WECOM", robots.address)
        publish(config)
    gate = {GATE: Incident(id=GATE, text="No report: old.", since="2026-04-07")}
    write_incidents(config.root / "reports" / "weekly", gate)
    monkeypatch.setenv("SIYU_TEST_WECOM", "http://127.0.0.1:9/")
    published = publish(config, force=False)
    assert not published.new
    assert published.undelivered[0].startswith("wecom: cannot be reached")
    assert lines(config)[-1]["lines"][:2] == ["Over:", "- No report: old. (told on 7 Apr 2026)"]


def test_a_look_back_does_not_end_what_is_wrong_with_the_data_of_today(config: Config) -> None:
    publish(config)
    home, told = config.root / "reports" / "weekly", len(lines(config))
    gate = {GATE: Incident(id=GATE, text="No report: old.", since="2026-04-07")}
    write_incidents(home, gate)
    publish(replace(config, as_of="2026-03-20"))
    with pytest.raises(BlockedError):
        publish(replace(config, as_of="2020-01-01"))
    assert read_incidents(home) == gate
    assert len(lines(config)) == told
