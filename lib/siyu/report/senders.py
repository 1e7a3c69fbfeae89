"""Send a message to where a team reads: group robots, a mailbox, or a file.

A robot says in the body of its reply whether it took a message, and most answer 200 to one that
they threw away; so each sender reads the body. Sources, read 2026-11: WeCom
(developer.work.weixin.qq.com/document/path/91770), Feishu (open.feishu.cn, custom bot), DingTalk
(open.dingtalk.com, custom robot), Slack (api.slack.com/messaging/webhooks).
"""

from __future__ import annotations

import http.client
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from time import sleep
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from siyu.formats import without_turns

TIMEOUT_SECONDS = 10
BACK_OFF_SECONDS = (2, 10, 60)
"""Before each further attempt; the last is as long as the minute in which robots count."""
_REPLY_BYTES = 10_000
_WHOLE_REQUEST_BYTES = 16_000
"""For robots that count all of a request, of at most 20 kB: the rest is for what JSON adds."""
_CUT = "…"


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is to be said: a title, and lines of plain text."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Recipient:
    """Where messages go: one of `SENDERS`, and the environment variable with its address."""

    sender: str
    variable: str


class DeliveryError(RuntimeError):
    """A message was not taken; `may_pass` says whether another attempt may fare better."""

    def __init__(self, reason: str, *, may_pass: bool = False) -> None:
        super().__init__(reason)
        self.may_pass = may_pass


@dataclass(frozen=True, kw_only=True)
class _Robot:
    """How a group robot wants a message, and what it says of it.

    payload: of a title and a text. limit_bytes: of the text, in UTF-8. escape: what stands for the
    signs by which a text could call somebody. code: the name of the field of the reply that is 0
    where all is well; "" for a reply that is the word ok. busy: the codes that pass.
    """

    payload: Callable[[str, str], Mapping[str, Any]]
    limit_bytes: int
    escape: Mapping[str, str]
    code: str
    busy: frozenset[int]


_WIDE = {"<": "＜", ">": "＞"}
ROBOTS: Mapping[str, _Robot] = {
    "wecom": _Robot(
        payload=lambda title, text: {
            "msgtype": "markdown_v2",
            "markdown_v2": {"content": f"**{title}**\n{text}"},
        },
        limit_bytes=4096,
        escape=_WIDE | {sign: f"\\{sign}" for sign in "\\`*_[]#|"},
        code="errcode",
        busy=frozenset({-1, 45009}),
    ),
    "feishu": _Robot(
        payload=lambda title, text: {"msg_type": "text", "content": {"text": f"{title}\n{text}"}},
        limit_bytes=_WHOLE_REQUEST_BYTES,
        escape=_WIDE,
        code="code",
        busy=frozenset({9499, 11232}),
    ),
    "dingtalk": _Robot(
        payload=lambda title, text: {
            "msgtype": "markdown",
            "markdown": {"title": title, "text": f"### {title}\n\n" + text.replace("\n", "\n\n")},
        },
        limit_bytes=_WHOLE_REQUEST_BYTES,
        escape=_WIDE | {"@": "＠"} | {sign: f"\\{sign}" for sign in "\\`*_[]#|"},
        code="errcode",
        busy=frozenset({-1, 130101, 410100, 660026}),
    ),
    "slack": _Robot(
        payload=lambda title, text: {"text": f"{title}\n{text}"},
        limit_bytes=40_000,
        escape={"&": "&amp;", "<": "&lt;", ">": "&gt;"},
        code="",
        busy=frozenset(),
    ),
}
"""By the name under which a configuration asks for them."""
SENDERS = (*ROBOTS, "email", "file")


def send(sender: str, address: str, message: Message) -> None:
    """Send a message, with further attempts where one may fare better.

    Args:
        sender: one of `SENDERS`.
        address: the robot's own; `smtp://user:password@host:port/?from=a&to=b,c` (`smtps` where
            all is encrypted from the start) for a mailbox; a path for a file.
        message: what is said.

    Raises:
        DeliveryError: it was not taken; the reason does not hold the address.
    """
    lines = tuple(map(without_turns, message.lines))
    message = Message(title=without_turns(message.title), lines=lines)
    waits = iter(BACK_OFF_SECONDS)
    while True:
        try:
            return _send(sender, address, message)
        except DeliveryError as error:
            wait = next(waits, None)
            if not error.may_pass or wait is None:
                reason = str(error).replace(address, sender) if address else str(error)
                raise DeliveryError(reason) from None
            sleep(wait)


def _send(sender: str, address: str, message: Message) -> None:
    if sender in ROBOTS:
        _post(ROBOTS[sender], address, message)
    elif sender == "email":
        _mail(address, message)
    else:
        _append(address, message)


def _post(robot: _Robot, address: str, message: Message) -> None:
    title = _cut(_escape(message.title, robot), 200)
    # Of the limit, the payload's own signs and the title take their part; some 20 are signs.
    room = robot.limit_bytes - len(title.encode()) - 20
    text = _cut("\n".join(_escape(line, robot) for line in message.lines), room)
    body = json.dumps(robot.payload(title, text), ensure_ascii=False).encode()
    headers = {"Content-Type": "application/json; charset=utf-8"}
    try:
        if urlsplit(address).scheme not in ("http", "https"):
            raise ValueError
        request = urllib.request.Request(address, data=body, headers=headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as reply:
            said = reply.read(_REPLY_BYTES).decode("utf-8", errors="replace")
    except urllib.error.HTTPError as error:
        passes = error.code == 429 or error.code >= 500
        raise DeliveryError(f"HTTP {error.code}", may_pass=passes) from None
    except (ValueError, http.client.InvalidURL):
        raise DeliveryError("its address is no address such as https://…") from None
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise DeliveryError(f"cannot be reached: {reason}", may_pass=True) from None
    _read_reply(robot, said)


def _read_reply(robot: _Robot, said: str) -> None:
    """Raise DeliveryError unless the reply says that the message was taken."""
    if not robot.code:
        if said.strip() != "ok":
            raise DeliveryError(f"it said {said.strip()[:200]!r}")
        return
    try:
        reply = json.loads(said)
        code = int(reply[robot.code])
    except (ValueError, TypeError, KeyError, OverflowError):
        raise DeliveryError(f"its reply has no {robot.code}: {said.strip()[:200]!r}") from None
    if code:
        why = reply.get("errmsg") or reply.get("msg") or ""
        raise DeliveryError(f"{robot.code} {code}: {why}"[:300], may_pass=code in robot.busy)


def _mail(address: str, message: Message) -> None:
    try:
        parts = urlsplit(address)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        mail, place = EmailMessage(), (parts.hostname or "", parts.port or 0)
        mail["From"], mail["To"] = asked["from"], asked["to"]
        if parts.scheme not in ("smtp", "smtps"):
            raise ValueError
    except (ValueError, KeyError):
        rule = "its address is none such as smtp://user:pw@host:587/?from=a@b&to=c@d"
        raise DeliveryError(rule) from None
    mail["Subject"] = " ".join(message.title.split())
    mail.set_content("\n".join(message.lines))
    try:
        with _connect(parts.scheme, *place) as server:
            server.ehlo()
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
            elif parts.scheme == "smtp" and parts.username:
                raise DeliveryError("it would take the password in the clear: use smtps")
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            refused = server.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        refused = error.recipients
    except smtplib.SMTPResponseException as error:
        passes = 400 <= error.smtp_code < 500
        raise DeliveryError(f"SMTP {error.smtp_code}", may_pass=passes) from None
    except smtplib.SMTPException as error:
        passes = isinstance(error, smtplib.SMTPServerDisconnected)
        raise DeliveryError(f"SMTP: {type(error).__name__}", may_pass=passes) from None
    except ssl.SSLCertVerificationError as error:
        rule = f"its certificate is not trusted: {error.verify_message}"
        raise DeliveryError(f"{rule}; SSL_CERT_FILE may name one of your own") from None
    except OSError as error:
        raise DeliveryError(f"cannot be reached: {error}", may_pass=True) from None
    if refused:
        codes = sorted({code for code, _ in refused.values()})
        # Tried again for some, it would come twice to the others.
        passes = codes[-1] < 500 and len(refused) == len(asked["to"].split(","))
        rule = f"SMTP {codes[-1]}: refused for {len(refused)} of those it is for"
        raise DeliveryError(rule, may_pass=passes)


def _connect(scheme: str, host: str, port: int) -> smtplib.SMTP:
    """Reach a mail server; whoever answers in its place must not read the password."""
    if scheme == "smtps":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
    return smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)


def _append(address: str, message: Message) -> None:
    """Add a line of JSON: `at`, `title` and `lines`."""
    line = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "title": message.title}
    try:
        with Path(address).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line | {"lines": message.lines}, ensure_ascii=False) + "\n")
    except OSError as error:
        raise DeliveryError(f"cannot be written: {error.strerror}") from None


def _escape(text: str, robot: _Robot) -> str:
    return "".join(robot.escape.get(sign, sign) for sign in " ".join(text.split()))


def _cut(text: str, limit_bytes: int) -> str:
    """Cut a text at the end of a line, or else between signs, to a number of bytes."""
    if len(text.encode()) <= limit_bytes:
        return text
    room = limit_bytes - len(f"\n{_CUT}".encode())
    kept = text.encode()[: max(room, 0)].decode(errors="ignore")
    whole, line, _ = kept.rpartition("\n")
    return f"{whole}\n{_CUT}" if line else f"{kept}{_CUT}"
