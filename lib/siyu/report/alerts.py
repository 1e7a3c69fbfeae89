"""Tell a team of a run: what is an alert now and was none, what is worse, and what is over."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from siyu import findings
from siyu.formats import day
from siyu.phrases import phrase
from siyu.report.compare import Change
from siyu.report.config import Config
from siyu.report.outcome import Outcome
from siyu.report.paths import without_paths
from siyu.report.runs import LATEST
from siyu.report.secrets import find_secrets
from siyu.report.senders import DeliveryError, Message, Recipient, send

STATE = "incidents.json"
GATE = "/gate"
"""The id of the incident that the data do not pass the gate: no study has such a name."""
_LONGEST = 300


@dataclass(frozen=True, kw_only=True)
class Incident:
    """Something wrong that a team has to know once: what it is and since which day."""

    id: str
    text: str
    since: str


def tell_team(
    config: Config,
    target: Path,
    *,
    home: Path,
    found: Mapping[str, Any],
    outcomes: Mapping[str, Outcome],
    changes: Sequence[Change],
) -> list[dict[str, Any]]:
    """Tell the recipients of a run, where there is anything to tell, and remember what was told.

    What reached nobody counts as not told: the next run tells it again.

    Args:
        config: the report.
        target: the published run.
        home: the folder of the configuration.
        found: the findings, `studies` by name.
        outcomes: of each study.
        changes: of the findings since the last success.

    Returns:
        As of `deliver`; empty where nothing was to be told.
    """
    as_of = target.name.rpartition(".")[0]
    told = read_incidents(home)
    after = go_on(find_incidents(found, outcomes, as_of=as_of), told, found, outcomes)
    gone = told.keys() - after.keys() - _looked_at(found, outcomes)
    place = f"{target.relative_to(home.parent).as_posix()}/index.html"
    return _tell(
        config, home, told=told, after=after, gone=gone, changes=changes, as_of=as_of, place=place
    )


def tell_gate(
    config: Config, problems: Sequence[str], *, home: Path, day: date
) -> list[dict[str, Any]]:
    """Tell the recipients once why there is no report, and once that it comes again.

    Args:
        config: the report.
        problems: why its data do not pass the gate; empty where they do.
        home: the folder of the configuration.
        day: on which it was tried.

    Returns:
        As of `deliver`; empty where nothing was to be told.
    """
    told = read_incidents(home)
    after = {name: one for name, one in told.items() if name != GATE}
    if problems:
        text = phrase("alerts.blocked", why=" ".join(problems))
        after[GATE] = told.get(GATE, Incident(id=GATE, text=text, since=day.isoformat()))
    place = f"{home.name}/{LATEST}/index.html"
    return _tell(
        config,
        home,
        told=told,
        after=after,
        gone=(),
        changes=(),
        as_of=day.isoformat(),
        place=place,
    )


def _tell(
    config: Config,
    home: Path,
    *,
    told: Mapping[str, Incident],
    after: Mapping[str, Incident],
    gone: Collection[str],
    changes: Sequence[Change],
    as_of: str,
    place: str,
) -> list[dict[str, Any]]:
    message = compose(
        title=config.title,
        as_of=as_of,
        told=told,
        after=after,
        gone=gone,
        changes=changes,
        link=f"{config.link.rstrip('/')}/{place}" if config.link else place,
    )
    if message is None:
        return []
    deliveries = deliver(message, config.recipients)
    if any(one["ok"] for one in deliveries) or not config.recipients:
        write_incidents(home, after)
    return deliveries


def find_incidents(
    found: Mapping[str, Any], outcomes: Mapping[str, Outcome], *, as_of: str
) -> dict[str, Incident]:
    """List what is wrong in a run, by id: its alerts, and the studies that failed.

    Args:
        found: the findings, `studies` by name.
        outcomes: of each study.
        as_of: the day of the run, ISO.
    """
    incidents = {}
    for study, outcome in outcomes.items():
        if outcome.state != "ok":
            state, why = phrase(f"page.{outcome.state}"), outcome.message
            text = phrase("alerts.study", study=study, state=state, why=why)
            incidents[study] = Incident(id=study, text=text, since=as_of)
    for study, document in found["studies"].items():
        for one in document["findings"]:
            if one["status"] == "alert":
                text = " ".join(filter(None, (one["message"], one.get("action"))))
                name = f"{study}/{one['id']}"
                incidents[name] = Incident(id=name, text=text, since=as_of)
    return incidents


def read_incidents(home: Path) -> dict[str, Incident]:
    """Read what was told to be wrong and not yet to be over; nothing where nothing can be read."""
    try:
        told = json.loads((home / STATE).read_text(encoding="utf-8"))
        return {name: Incident(id=name, **one) for name, one in told["open"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def write_incidents(home: Path, incidents: Mapping[str, Incident]) -> None:
    """Write what was told to be wrong, for the next run."""
    told = {one.id: {"text": one.text, "since": one.since} for one in incidents.values()}
    home.mkdir(parents=True, exist_ok=True)
    findings.write(home / STATE, {"schema": 1, "open": told})


def go_on(
    now: Mapping[str, Incident],
    told: Mapping[str, Incident],
    found: Mapping[str, Any],
    outcomes: Mapping[str, Outcome],
) -> dict[str, Incident]:
    """Say what is wrong after a run: what it found, and what it could not look at.

    An alert is over when its number is told and is no alert any more; not when its study failed, or
    when there was too little to tell. One whose number, or whole study, is not there any more, as
    that of a campaign that has ended, is let go: nothing would ever end it.

    Args:
        now: what the run found to be wrong.
        told: what was told before.
        found: the findings, `studies` by name.
        outcomes: of each study.
    """
    failed = {name for name, outcome in outcomes.items() if outcome.state != "ok"}
    refused = {
        f"{study}/{one['id']}"
        for study, document in found["studies"].items()
        for one in document["findings"]
        if one["status"] == "insufficient"
    }
    stays = {
        name: one
        for name, one in told.items()
        if name in {*now, *refused, GATE} or name.partition("/")[0] in failed
    }
    return {**now, **stays}


def _looked_at(found: Mapping[str, Any], outcomes: Mapping[str, Outcome]) -> set[str]:
    """List what a run could tell of, by the ids of incidents."""
    ids = {
        f"{study}/{one['id']}"
        for study, document in found["studies"].items()
        for one in document["findings"]
    }
    return {*ids, *outcomes}


def compose(
    *,
    title: str,
    as_of: str,
    told: Mapping[str, Incident],
    after: Mapping[str, Incident],
    gone: Collection[str],
    changes: Sequence[Change],
    link: str,
) -> Message | None:
    """Put into words what is new, worse and over; None where nothing is.

    Args:
        title: of the report.
        as_of: the day of the run, ISO.
        told: what was told to be wrong before.
        after: what is wrong after the run.
        gone: what of that told before is not looked at any more.
        changes: of the findings since the last success.
        link: where the page is.
    """
    new = [one.text for name, one in after.items() if name not in told]
    worse = [
        str(change.now["message"])
        for change in changes
        if change.worse and change.now and change.id in told and change.id in after
    ]
    ended = {
        name: phrase("alerts.since", text=one.text, day=date.fromisoformat(one.since))
        for name, one in told.items()
        if name not in after
    }
    over = [text for name, text in ended.items() if name not in gone]
    left = [text for name, text in ended.items() if name in gone]
    if not (new or worse or ended):
        return None
    lines = [
        *_block("new", new),
        *_block("worse", worse),
        *_block("over", over),
        *_block("gone", left),
        phrase("alerts.open", n=len(after)),
        link,
    ]
    return Message(
        title=phrase("alerts.title", title=title, day=day(date.fromisoformat(as_of))),
        lines=tuple(lines),
    )


def _block(kind: str, texts: Sequence[str]) -> Iterator[str]:
    if texts:
        yield phrase(f"alerts.{kind}", n=len(texts))
    for text in texts:
        yield f"- {text if len(text) <= _LONGEST else text[:_LONGEST] + '…'}"


def deliver(message: Message, recipients: Sequence[Recipient]) -> list[dict[str, Any]]:
    """Send a message to each recipient; one that fails keeps it from no other.

    Returns:
        Per recipient: `to`, `ok` and the `reason` of a failure, which does not tell an address.
    """
    deliveries = []
    for one in recipients:
        reason = ""
        address = os.environ.get(one.variable, "")
        try:
            if not address:
                raise DeliveryError(f"the environment variable {one.variable} is not set")
            send(one.sender, address, message)
        except DeliveryError as error:
            reason = without_paths(str(error), find_secrets(recipients))
        except Exception as error:  # whatever it is: the report is there, and others wait
            reason = f"{type(error).__name__}: is its address right?"
        deliveries.append({"to": one.sender, "ok": not reason, "reason": reason})
    return deliveries
