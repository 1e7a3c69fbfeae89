import json
import smtplib
import ssl
from email.message import EmailMessage
from pathlib import Path
from typing import Any, ClassVar, Self

import pytest
from siyu.report import senders
from siyu.report.senders import ROBOTS, DeliveryError, Message, send

from tests.report.robots import GOOD, serve

MESSAGE = Message(title="增长周报", lines=("新预警：7 日留存 25%", "file:///reports/weekly"))


@pytest.fixture(autouse=True)
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    waits: list[float] = []
    monkeypatch.setattr(senders, "sleep", waits.append)
    return waits


def text_of(body: Any) -> str:
    """The text that a robot would show."""
    for path in (("markdown_v2", "content"), ("content", "text"), ("markdown", "text")):
        if path[0] in body:
            return str(body[path[0]][path[1]])
    return str(body["text"])


@pytest.mark.parametrize("robot", ROBOTS)
def test_a_robot_gets_the_message_in_the_form_it_asks_for(robot: str) -> None:
    with serve((200, GOOD[robot])) as robots:
        send(robot, robots.address, MESSAGE)
    (body,) = robots.sent
    shown = text_of(body)
    assert "增长周报" in shown
    assert "7 日留存 25%" in shown
    kind = {"wecom": "msgtype", "feishu": "msg_type", "dingtalk": "msgtype", "slack": "text"}
    assert kind[robot] in body
    if robot == "dingtalk":
        assert body["markdown"]["title"] == "增长周报"


@pytest.mark.parametrize(
    ("robot", "reply", "reason"),
    [
        ("wecom", '{"errcode": 93000, "errmsg": "invalid webhook url"}', "errcode 93000: invalid"),
        ("wecom", '{"errcode": 40058, "errmsg": "markdown_v2.content exceed"}', "errcode 40058"),
        ("wecom", "<html>of a proxy</html>", "its reply has no errcode: '<html>of"),
        ("wecom", "[]", "its reply has no errcode"),
        ("wecom", "", "its reply has no errcode"),
        ("wecom", '{"errcode": Infinity}', "its reply has no errcode"),
        ("feishu", '{"code": 19021, "msg": "sign match fail"}', "code 19021: sign match fail"),
        ("feishu", '{"code": 19024, "msg": "Key Words Not Found"}', "code 19024: Key Words"),
        ("dingtalk", '{"errcode": 310000, "errmsg": "keywords not in content"}', "errcode 310000"),
        ("slack", "invalid_payload", "it said 'invalid_payload'"),
        ("slack", "<html>ok</html>", "it said"),
    ],
)
def test_a_reply_of_200_with_an_error_in_it_is_an_error_and_is_not_tried_again(
    waited: list[float], robot: str, reply: str, reason: str
) -> None:
    with serve((200, reply)) as robots, pytest.raises(DeliveryError) as caught:
        send(robot, robots.address, MESSAGE)
    assert reason in str(caught.value)
    assert len(robots.bodies) == 1
    assert waited == []


@pytest.mark.parametrize(
    ("robot", "busy"),
    [
        ("wecom", (200, '{"errcode": 45009, "errmsg": "api freq out of limit"}')),
        ("feishu", (200, '{"code": 11232, "msg": "frequency limited"}')),
        ("dingtalk", (200, '{"errcode": 410100, "errmsg": "send too fast"}')),
        ("slack", (429, "rate_limited")),
        ("wecom", (502, "bad gateway")),
    ],
)
def test_what_may_pass_is_tried_again_after_longer_and_longer_waits(
    waited: list[float], robot: str, busy: tuple[int, str]
) -> None:
    with serve(busy, busy, (200, GOOD[robot])) as robots:
        send(robot, robots.address, MESSAGE)
    assert len(robots.bodies) == 3
    assert waited == [2, 10]
    with serve(busy) as robots, pytest.raises(DeliveryError):
        send(robot, robots.address, MESSAGE)
    assert len(robots.bodies) == 4
    assert waited == [2, 10, 2, 10, 60]


def test_a_client_error_is_not_tried_again(waited: list[float]) -> None:
    with serve((404, "no_service")) as robots, pytest.raises(DeliveryError, match="HTTP 404"):
        send("slack", robots.address, MESSAGE)
    assert waited == []


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://127.0.0.1:9/hook?key=s3cret", "cannot be reached"),
        ("s3cret", "is no address"),
        ("", "is no address"),
        ("ftp://[s3cret", "is no address"),
        ("http://robots:s3cret/hook", "is no address"),
        ("file:///etc/s3cret", "is no address"),
    ],
)
def test_an_address_that_leads_nowhere_is_an_error_that_does_not_tell_it(
    address: str, reason: str
) -> None:
    with pytest.raises(DeliveryError, match=reason) as caught:
        send("wecom", address, MESSAGE)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("robot", ROBOTS)
@pytest.mark.parametrize("line", ["会员" * 30, "x" * 90_000], ids=["many", "long"])
def test_a_long_message_is_cut_by_bytes_at_the_end_of_a_line_where_there_is_one(
    robot: str, line: str
) -> None:
    lines = (line,) * (1 if len(line) > 1000 else 1000)
    with serve((200, GOOD[robot])) as robots:
        send(robot, robots.address, Message(title="增长周报" * 100, lines=lines))
    shown = text_of(robots.sent[0])
    assert len(shown.encode()) <= ROBOTS[robot].limit_bytes + shown.count("\n")
    assert len(shown.encode()) > 0.9 * ROBOTS[robot].limit_bytes
    assert len(robots.bodies[0]) <= {"wecom": 5_000, "slack": 45_000}.get(robot, 20_000)
    assert shown.endswith("…")
    if len(lines) > 1:
        assert shown.splitlines()[-3 if robot == "dingtalk" else -2] == line


@pytest.mark.parametrize(
    ("robot", "forbidden"),
    [
        ("wecom", ["<@all>", "[x](http", "<font"]),
        ("feishu", ["<at ", "</at>"]),
        ("dingtalk", ["@all", "[x](http", "<font"]),
        ("slack", ["<!channel>", "<@U1>", "<http"]),
    ],
)
def test_what_comes_out_of_data_calls_nobody_and_links_nowhere(
    robot: str, forbidden: list[str]
) -> None:
    bad = '<@all> <!channel> <@U1> <at user_id="all">x</at> [x](http://e) <http://e|x> <font> @all'
    with serve((200, GOOD[robot])) as robots:
        send(robot, robots.address, Message(title=bad, lines=(bad, "two\nlines")))
    shown = text_of(robots.sent[0])
    assert [text for text in forbidden if text in shown] == []
    assert "two lines" in shown


class Mailbox:
    """Stands for smtplib.SMTP."""

    log: ClassVar[list[Any]] = []
    contexts: ClassVar[list[ssl.SSLContext]] = []
    extensions: ClassVar[set[str]] = {"starttls"}
    error: ClassVar[Exception | None] = None
    refused: ClassVar[dict[str, tuple[int, bytes]]] = {}

    def __init__(
        self, host: str, port: int, *, timeout: float, context: ssl.SSLContext | None = None
    ) -> None:
        self.log.append((host, port))
        self.contexts.extend([context] if context else [])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def ehlo(self) -> None:
        pass

    def has_extn(self, name: str) -> bool:
        return name in self.extensions

    def starttls(self, *, context: ssl.SSLContext) -> None:
        self.log.append("starttls")
        self.contexts.append(context)

    def login(self, user: str, password: str) -> None:
        if self.error:
            raise self.error
        self.log.append((user, password))

    def send_message(self, mail: EmailMessage) -> dict[str, tuple[int, bytes]]:
        self.log.append(mail)
        if len(self.refused) == len(mail["To"].split(",")):
            raise smtplib.SMTPRecipientsRefused(self.refused)
        return self.refused


@pytest.fixture
def mailbox(monkeypatch: pytest.MonkeyPatch) -> type[Mailbox]:
    monkeypatch.setattr(Mailbox, "log", [])
    monkeypatch.setattr(Mailbox, "contexts", [])
    monkeypatch.setattr(smtplib, "SMTP", Mailbox)
    monkeypatch.setattr(smtplib, "SMTP_SSL", Mailbox)
    return Mailbox


def test_a_mail_goes_encrypted_to_all_with_the_title_as_its_subject(
    mailbox: type[Mailbox],
) -> None:
    address = "smtp://me%40shop:p%2Fw@mail.shop:587/?from=me@shop&to=a@shop,b@shop"
    send("email", address, Message(title="a\nb", lines=("一", "二")))
    place, tls, user, mail = mailbox.log
    assert (place, tls, user) == (("mail.shop", 587), "starttls", ("me@shop", "p/w"))
    assert (mail["Subject"], mail["To"]) == ("a b", "a@shop, b@shop")
    assert mail.get_content() == "一\n二\n"


def test_no_password_goes_in_the_clear(
    mailbox: type[Mailbox], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailbox, "extensions", set())
    with pytest.raises(DeliveryError, match="use smtps"):
        send("email", "smtp://u:p@mail.shop/?from=a@b&to=c@d", MESSAGE)
    send("email", "smtp://mail.shop/?from=a@b&to=c@d", MESSAGE)
    send("email", "smtps://u:p@mail.shop/?from=a@b&to=c@d", MESSAGE)
    assert [one for one in mailbox.log if isinstance(one, tuple) and one[0] == "u"] == [("u", "p")]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
def test_a_mail_server_has_to_prove_its_name_before_it_is_given_the_password(
    mailbox: type[Mailbox], scheme: str
) -> None:
    send("email", f"{scheme}://u:p@mail.shop/?from=a@b&to=c@d", MESSAGE)
    (context,) = mailbox.contexts
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname


@pytest.mark.parametrize(
    ("codes", "reason", "attempts"),
    [
        ((550,), "SMTP 550: refused for 1 of those it is for", 1),
        ((450, 450), "SMTP 450: refused for 2", 4),  # as by a server that wants to be asked twice
        ((450, 550), "SMTP 550: refused for 2", 1),
    ],
)
def test_a_mail_that_one_of_many_did_not_get_was_not_delivered(
    mailbox: type[Mailbox],
    monkeypatch: pytest.MonkeyPatch,
    codes: tuple[int, ...],
    reason: str,
    attempts: int,
) -> None:
    monkeypatch.setattr(mailbox, "refused", {f"{n}@shop": (c, b"") for n, c in enumerate(codes)})
    with pytest.raises(DeliveryError, match=reason):
        send("email", "smtp://mail.shop/?from=a@b&to=c@shop,d@shop", MESSAGE)
    assert mailbox.log.count("starttls") == attempts


UNTRUSTED = ssl.SSLCertVerificationError()
UNTRUSTED.verify_message = "self-signed certificate"


@pytest.mark.parametrize(
    ("error", "reason", "attempts"),
    [
        (smtplib.SMTPAuthenticationError(535, b"bad"), "SMTP 535", 1),
        (smtplib.SMTPResponseException(451, "later"), "SMTP 451", 4),
        (smtplib.SMTPNotSupportedError("AUTH"), "SMTPNotSupportedError", 1),
        (smtplib.SMTPServerDisconnected("gone"), "SMTPServerDisconnected", 4),
        (TimeoutError("timed out"), "cannot be reached: timed out", 4),
        (UNTRUSTED, "not trusted: self-signed certificate; SSL_CERT_FILE may name", 1),
    ],
)
def test_what_a_mail_server_refuses_is_an_error(
    mailbox: type[Mailbox],
    monkeypatch: pytest.MonkeyPatch,
    error: Exception,
    reason: str,
    attempts: int,
) -> None:
    monkeypatch.setattr(mailbox, "error", error)
    with pytest.raises(DeliveryError, match=reason):
        send("email", "smtp://u:p@mail.shop/?from=a@b&to=c@d", MESSAGE)
    assert mailbox.log.count("starttls") == attempts


@pytest.mark.parametrize(
    "address",
    [
        "mail.shop",
        "smtp://mail.shop/?to=c@d",
        "https://x/?from=a&to=c@d",
        "smtp://mail.shop:submission/?from=a@b&to=c@d",
        "smtp://mail.shop/?from=a@b&to=c%0Ad",
        "smtp://[mail.shop/?from=a@b&to=c@d",
    ],
)
def test_an_address_of_a_mailbox_that_is_none_is_an_error(address: str) -> None:
    with pytest.raises(DeliveryError, match="its address is none such as"):
        send("email", address, MESSAGE)


def test_a_file_gets_a_line_for_each_message(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    send("file", str(path), MESSAGE)
    send("file", str(path), MESSAGE)
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["title"] for line in lines] == ["增长周报"] * 2
    assert lines[0]["lines"] == list(MESSAGE.lines)
    with pytest.raises(DeliveryError, match="cannot be written") as caught:
        send("file", str(tmp_path / "nowhere" / "alerts"), MESSAGE)
    assert str(tmp_path) not in str(caught.value)
