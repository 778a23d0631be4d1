"""A proxy on loopback that counts what passes, and does harm where it is told to."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

BROKEN = b"<Error><Code>InternalError</Code><Message>We lost a disk.</Message></Error>"


@dataclass
class Request:
    """What was asked, and how much passed; a fault changes what becomes of it."""

    number: int
    method: str
    path: str
    range: str
    copies: bool
    received: int
    sent: int = 0
    fail: bool = False
    """Set by a fault: answer with error 500."""
    stall: bool = False
    """Set by a fault: never answer."""
    cut: bool = False
    """Set by a fault: hang up in the middle of the answer's body."""


class Proxy:
    """Stands before a server; ``fault`` is called with every request before it passes."""

    def __init__(self, target: str, fault: Callable[[Request], None] | None = None) -> None:
        self.requests: list[Request] = []
        self._ended = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler(target, fault))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._server.shutdown()
        self._thread.join(timeout=10)
        self._server.server_close()

    def _handler(
        self, target: str, fault: Callable[[Request], None] | None
    ) -> type[BaseHTTPRequestHandler]:
        proxy = self
        counting = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self) -> None:
                body = self.read_body()
                with counting:
                    request = Request(
                        len(proxy.requests) + 1,
                        self.command,
                        self.path,
                        self.headers.get("Range", ""),
                        "x-amz-copy-source" in self.headers,
                        len(body),
                    )
                    proxy.requests.append(request)
                if fault is not None:
                    fault(request)
                if request.stall:
                    proxy._ended.wait(60)
                    self.close_connection = True
                elif request.fail:
                    self._answer(500, [("Content-Type", "application/xml")], BROKEN)
                else:
                    self._ask_target(request, body)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on  # noqa: N815  # http.server's

            def handle_expect_100(self) -> bool:
                # A server that stalls says nothing at all.
                return True

            def read_body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = b""
                    while size := int(self.rfile.readline().split(b";")[0], 16):
                        body += self.rfile.read(size)
                        self.rfile.readline()
                    while self.rfile.readline().strip():
                        pass
                    return body
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def _ask_target(self, request: Request, body: bytes) -> None:
                place = urlsplit(target)
                connection = http.client.HTTPConnection(place.hostname or "", place.port)
                skipped = {"expect", "transfer-encoding", "content-length", "connection"}
                headers = {k: v for k, v in self.headers.items() if k.lower() not in skipped}
                if body or self.command in ("PUT", "POST"):
                    headers["Content-Length"] = str(len(body))
                try:
                    connection.request(self.command, self.path, body or None, headers)
                    answer = connection.getresponse()
                    data = answer.read()
                finally:
                    connection.close()
                request.sent = len(data)
                dropped = {"connection", "transfer-encoding"}
                kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in dropped]
                self._answer(answer.status, kept, data, cut=request.cut)

            def _answer(
                self, status: int, headers: list[tuple[str, str]], data: bytes, cut: bool = False
            ) -> None:
                self.send_response_only(status)
                for name, value in headers:
                    if self.command == "HEAD" or name.lower() != "content-length":
                        self.send_header(name, value)
                if self.command != "HEAD" and status != 204:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(data[: len(data) // 2] if cut else data)
                if cut:
                    self.close_connection = True

        return Handler
