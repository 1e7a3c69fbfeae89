"""A server that stands for the robots: it answers as scripted, and remembers what it was sent."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD = {
    "wecom": '{"errcode": 0, "errmsg": "ok"}',
    "feishu": '{"StatusCode": 0, "code": 0, "msg": "success", "data": {}}',
    "dingtalk": '{"errcode": 0, "errmsg": "ok"}',
    "slack": "ok",
}


@dataclass
class Robots:
    """`replies` are given one after the other, the last again and again."""

    address: str
    replies: list[tuple[int, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def sent(self) -> list[Any]:
        return [json.loads(body) for body in self.bodies]


@contextmanager
def serve(*replies: tuple[int, str]) -> Iterator[Robots]:
    robots = Robots(address="", replies=list(replies))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            robots.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            several = len(robots.replies) > 1
            status, text = robots.replies.pop(0) if several else robots.replies[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_request(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    robots.address = f"http://127.0.0.1:{server.server_port}/hook?key=s3cret"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield robots
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
