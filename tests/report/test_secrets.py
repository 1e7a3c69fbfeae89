import os

import pytest
from siyu.report.paths import without_paths
from siyu.report.secrets import find_secrets
from siyu.report.senders import Recipient

RECIPIENTS = [Recipient(sender="wecom", variable="ROBOT")]


@pytest.fixture(autouse=True)
def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.environ", {})


def shown(text: str) -> str:
    return str(without_paths(text, find_secrets(RECIPIENTS)))


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("ROBOT", "https://robot.shop/send?key=0b1c2d", "https://robot.shop/send?key=0b1c2d"),
        ("ROBOT", "https://robot.shop/send?key=0b1c2d", "0b1c2d"),
        ("ROBOT", "https://robot.shop/hook/4f5e6d7c", "4f5e6d7c"),
        ("ROBOT", "smtp://me:p%2Fword@mail.shop:587/?from=a@b&to=c@d", "p/word"),
        ("ROBOT", "/srv/alerts.jsonl", "/srv/alerts.jsonl"),
        ("PGPASSWORD", "hunter2", "hunter2"),
        ("SHOP_API_TOKEN", 'a"<b>\\c', 'a"<b>\\c'),
        ("SHOP_API_TOKEN", 'a"<b>\\c', 'a"<b>\\\\c'),
        ("SHOP_API_TOKEN", 'a"<b>\\c', "a&quot;&lt;b&gt;\\c"),
        ("SHOP_API_TOKEN", 'a"<b>\\c', 'a"&lt;b&gt;\\c'),
        ("WAREHOUSE", "postgres://me:hunter2@host/shop", "hunter2"),
        ("WAREHOUSE", "postgres://me:hunter2@host/shop", "postgres://me:hunter2@host/shop"),
    ],
)
def test_a_secret_is_replaced_as_it_stands_quoted_and_in_html(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, secret: str
) -> None:
    monkeypatch.setitem(os.environ, name, value)
    assert shown(f"at {secret}, 25% of 80") == "at <secret>, 25% of 80"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ROBOT", ""),
        ("ROBOT", "at"),
        ("PGPASSWORD", "of"),
        ("PWD", "/srv/growth"),
        ("HOME", "/srv/growth"),
        ("WAREHOUSE", "postgres://me@host/shop"),
        ("WAREHOUSE", "postgres://["),
        ("ROBOT", "https://robot.shop/send"),
    ],
)
def test_what_is_empty_short_or_no_secret_leaves_the_text_as_it_is(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setitem(os.environ, name, value)
    text = "at 25% of 80 in /srv/growth: postgres://me@host/shop, send"
    assert shown(text) == text
