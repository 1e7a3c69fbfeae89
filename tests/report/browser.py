"""Chromium, spoken to over a pipe: what a page loads, says and measures as a reader has it."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)


@dataclass
class Tab:
    """`events` are what the browser told of since the page was asked for."""

    asks: int
    answers: int
    session: str = ""
    events: list[dict[str, Any]] = field(default_factory=list)
    _rest: bytes = b""
    _asked: int = 0

    def call(self, method: str, **parameters: Any) -> Any:
        self._asked += 1
        message = {"id": self._asked, "method": method, "params": parameters}
        message |= {"sessionId": self.session} if self.session else {}
        os.write(self.asks, json.dumps(message).encode() + b"\0")
        while True:
            reply = self._read()
            if reply.get("id") == self._asked:
                assert "error" not in reply, reply
                return reply["result"]
            self.events.append(reply)

    def load(self, page: Path, *, width: int) -> None:
        """Show a page in a window so many points wide, once it is there."""
        sizes = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **sizes)
        self.events.clear()
        self.call("Page.navigate", url=page.as_uri())
        while not self.of("Page.loadEventFired"):
            self.events.append(self._read())

    def of(self, *methods: str) -> list[dict[str, Any]]:
        return [one["params"] for one in self.events if one.get("method") in methods]

    def value(self, expression: str) -> Any:
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def _read(self) -> Any:
        while b"\0" not in self._rest:
            part = os.read(self.answers, 1 << 20)
            assert part, "the browser has gone"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return json.loads(message)


@contextmanager
def open_tab(folder: Path) -> Iterator[Tab]:
    """Start a browser whose profile lies in a folder, and end it."""
    (theirs_in, asks), (answers, theirs_out) = os.pipe(), os.pipe()
    # The browser reads from 3 and writes to 4.
    command = f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}'
    flags = (*FLAGS, "--remote-debugging-pipe", f"--user-data-dir={folder / 'profile'}")
    process = subprocess.Popen(
        ["bash", "-c", command, str(CHROMIUM), *flags, "about:blank"],
        pass_fds=(theirs_in, theirs_out),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for end in (theirs_in, theirs_out):
        os.close(end)
    try:
        tab = Tab(asks=asks, answers=answers)
        target = tab.call("Target.createTarget", url="about:blank")["targetId"]
        tab.session = tab.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        yield tab
        tab.session = ""
        tab.call("Browser.close")
        process.wait(timeout=20)
    finally:
        process.kill()
        process.wait()
        for end in (asks, answers):
            os.close(end)
