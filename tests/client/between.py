"""What stands between a till and the service, or in its place: a proxy that cuts, delays, or answers by itself."""

from __future__ import annotations

import contextlib
import http.client
import http.server
import json
import threading
import time
from collections.abc import Callable
from typing import Any

# Of one request: answers it (status, headers, body) in the service's place; None passes it on.
Plan = Callable[[bytes], "tuple[int, dict[str, str], bytes] | None"]
LOST, HALF = 599, 598  # no statuses: the service has the request, and its answer is lost, or cut in the middle


def said(status: int, body: Any = None, **headers: str) -> Plan:
    """Always this answer; a body that is no bytes is sent as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: (status, named, data)


def refusal(status: int, code: str = "datos_invalidos") -> Plan:
    """One of the service's own."""
    return said(status, {"error": {"codigo": code, "mensaje": "No."}})


class Between:
    """Passes requests on to a service, each as `plans` say, the last of which stays; notes when each came, and its
    body. Without a service it has only its plans."""

    def __init__(self, target_port: int = 0, *plans: Plan) -> None:
        self.plans: list[Plan] = [*plans]
        self.requests: list[tuple[float, bytes]] = []
        self.paths: set[str] = set()
        self.connections = self.open = 0  # how many there were, and are
        self._target_port = target_port
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def __enter__(self) -> Between:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def keys(self, request: int) -> list[str]:
        """Of the events in a request."""
        body = json.loads(self.requests[request][1])
        return [event["operacion_id"] for event in body.get("eventos", [body])]

    def decide(self, body: bytes) -> tuple[int, dict[str, str], bytes] | None:
        came = time.monotonic()
        plan = self.plans.pop(0) if len(self.plans) > 1 else self.plans[0] if self.plans else None
        self.requests.append((came, body))  # who sees it there may set other plans
        return plan(body) if plan is not None else None

    def forward(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        far = http.client.HTTPConnection("127.0.0.1", self._target_port, timeout=60)
        with contextlib.closing(far):
            far.request("POST", path, body, headers)
            answer = far.getresponse()
            return answer.status, dict(answer.headers.items()), answer.read()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        between = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                between.connections += 1
                between.open += 1
                super().setup()

            def finish(self) -> None:
                super().finish()
                between.open -= 1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                between.paths.add(self.path)
                answer = between.decide(body)
                cut = answer[0] if answer is not None and answer[0] in (LOST, HALF) else None
                if answer is None or cut is not None:
                    names = ("Authorization", "Content-Type")
                    try:
                        answer = between.forward(self.path, body, {name: self.headers[name] for name in names})
                    except OSError:
                        self.close_connection = True
                        return
                status, headers, data = answer
                if cut == LOST:
                    self.close_connection = True
                    return
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in ("content-length", "connection", "transfer-encoding"):
                        self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if cut == HALF else data)
                self.close_connection = self.close_connection or cut is not None

            def log_message(self, *_: object) -> None:
                pass

        return Handler
