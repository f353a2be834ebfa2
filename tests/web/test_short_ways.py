"""What has a short way is answered by it as by its view: byte for byte, but for times and what is drawn by lot."""

from __future__ import annotations

import json
import re
import socket

import pytest

from tests.support.live_server import LiveServer
from tests.support.logs import stock_alert
from tests.support.waiting import eventually

EVENTS = "/api/notificaciones/eventos"
POLL = "/api/notificaciones/polling/cocinero"
STREAM = "/api/notificaciones/stream/cocinero"
# To each of these the way is another; a header that says nothing new is what leads there.
WAYS = {"the view": "Origin: http://127.0.0.1:{port}\r\n", "short under ASGI": "TE: trailers\r\n"}
MASKS = [
    (rb"\r\ndate: [^\r]+", b"\r\ndate: D"),
    (rb'("(?:timestamp|hora_servidor)": ?)"[^"]+"', rb'\1"T"'),
    (rb"retry: \d+", b"retry: N"),
    (rb"\r\n[0-9a-f]+\r\n(?=:|retry)", b"\r\nSIZE\r\n"),
]


def masked(answer: bytes) -> bytes:
    for pattern, instead in MASKS:
        answer = re.sub(pattern, instead, answer)
    return answer


class Client:
    """A connection on which one request is sent after the other."""

    def __init__(self, server: LiveServer, credential: str) -> None:
        self.server = server
        self._credential = credential
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        self._file = self._socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def request(self, line: str, more: str = "", body: bytes | None = None) -> bytes:
        head = f"{line} HTTP/1.1\r\nHost: 127.0.0.1:{self.server.port}\r\n{self._credential}\r\n"
        if body is not None:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        head += more.format(port=self.server.port)
        return head.encode() + b"\r\n" + (body or b"")

    def send(self, *requests: bytes) -> None:
        self._socket.sendall(b"".join(requests))

    def head(self) -> bytes:
        lines = b""
        while not lines.endswith(b"\r\n\r\n"):
            lines += self._file.readline()
        return lines

    def ask(self, line: str, more: str = "", body: bytes | None = None) -> bytes:
        self.send(self.request(line, more, body))
        return self.answer()

    def answer(self) -> bytes:
        head = self.head()
        found = re.search(rb"content-length: (\d+)", head)
        return head + self._file.read(int(found[1]) if found else 0)

    def frames(self, until: bytes) -> bytes:
        """Returns a stream's bytes up to the end of the first line that begins so, chunks and all."""
        lines = b""
        while True:
            line = self._file.readline()
            lines += line
            if line.startswith(until):
                return lines


@pytest.fixture(params=["", "http://tienda.example"], ids=["no origins", "listed origins"])
def credentials(make_server, request):
    server = make_server(heartbeat_seconds="0", poll_rate="0", access_log="true", origins=request.param)
    server.create_user("Ana", "manager")
    cookie = server.login("Ana")
    return server, {"cookie": f"Cookie: {cookie}", "token": f"Authorization: Bearer {server.token}"}


@pytest.mark.parametrize("credential", ["cookie", "token"])
def test_answers_are_the_views_byte_for_byte(credentials, credential):
    server, lines = credentials
    event = json.dumps(stock_alert(1, "agotado")).encode()
    big = json.dumps({"tipo": "nuevo_pedido", "pedido": {"id": 1, "notas": "x" * 900_000}}).encode()
    with Client(server, lines[credential]) as client:
        first = client.ask(f"POST {EVENTS}", "Idempotency-Key: k\r\n", event)  # who it is is remembered from here on
        assert first.startswith(b"HTTP/1.1 201 ")
        cursor = json.loads(client.ask(f"GET {POLL}").partition(b"\r\n\r\n")[2])["cursor"]
        asked = [
            (f"GET {POLL}?cursor={cursor}", "", None),
            (f"GET {POLL}?cursor={cursor}&limite=7&cliente=t1", "", None),
            (f"GET {POLL}?cursor={cursor}", f'If-None-Match: "{cursor}"\r\n', None),
            (f"POST {EVENTS}", "Idempotency-Key: k\r\n", event),
            (f"POST {EVENTS}", "Idempotency-Key: k\r\n", b'{"tipo":"nuevo_pedido","pedido":{"id":7}}'),
            (f"POST {EVENTS}", f"Idempotency-Key: {'k' * 201}\r\n", event),
            (f"POST {EVENTS}", "", b"{"),
            (f"POST {EVENTS}", "", b'{"tipo":"nada"}'),
            (f"POST {EVENTS}", "", b"[]"),
            (f"POST {EVENTS}", "", b""),
            (f"POST {EVENTS}", "", big),
        ]
        for line, more, body in asked:
            short = masked(client.ask(line, more, body))
            for way, header in WAYS.items():
                assert masked(client.ask(line, more + header, body)) == short, way


def test_a_publication_is_answered_as_by_the_view(credentials):
    server, lines = credentials
    with Client(server, lines["token"]) as client:
        answers = []
        for number, more in enumerate(["", "", *WAYS.values()], start=1):
            body = json.dumps({"tipo": "nuevo_pedido", "pedido": {"id": number, "mesa_numero": 3}}).encode()
            answer = masked(client.ask(f"POST {EVENTS}", more, body))
            assert answer.startswith(b"HTTP/1.1 201 ")
            answers.append(re.sub(rb'"([^"]*id|cursor|numero)": ?[^,}]+', rb'"\1":N', answer))
        assert len(set(answers)) == 1


def test_a_large_publication_behind_a_poll_is_read_to_its_end(credentials):
    """Both are sent at once: more of the second one comes while nobody has asked for its body yet."""
    server, lines = credentials
    drafts = [stock_alert(number, "agotado", nota="x" * 20_000) for number in range(1, 101)]
    body = json.dumps({"eventos": drafts}).encode()
    with Client(server, lines["token"]) as client:
        cursor = json.loads(client.ask(f"GET {POLL}").partition(b"\r\n\r\n")[2])["cursor"]
        client.send(client.request(f"GET {POLL}?cursor={cursor}"), client.request(f"POST {EVENTS}", body=body))
        assert client.answer().startswith(b"HTTP/1.1 200 ")
        assert client.answer().startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize(
    "query", ["", "?cursor={cursor}", "?cursor=basura", "?cliente=t1&cursor={cursor}", "?cliente="]
)
def test_a_stream_is_the_views_byte_for_byte(credentials, query):
    server, lines = credentials
    for number in range(1, 4):
        server.new_order(number)
    found = server.request("GET", POLL)[2]["cursor"]
    path = STREAM + query.format(cursor=found.replace("-3", "-1"))
    opened = {}
    for way, header in {"the short way": "", **WAYS}.items():
        with Client(server, lines["cookie"]) as client:
            client.send(client.request(f"GET {path}", header))
            head = masked(client.head())
            server.publish(stock_alert(1, "agotado"))
            opened[way] = head, re.sub(rb"(?m)^[0-9a-f]+\r\n|\r\n", b"", masked(client.frames(b"event: evento_alerta")))
    heads = {way: head for way, (head, _) in opened.items()}
    assert len(set(heads.values())) == 1, heads
    frames = {way: re.sub(rb"-\d+", b"-N", body) for way, (_, body) in opened.items()}
    first = frames.pop("the short way")
    assert all(body[:200] == first[:200] for body in frames.values()), frames


def test_each_way_says_the_same_in_the_access_log(credentials):
    server, lines = credentials
    server.request("GET", POLL)
    for header in ("", *WAYS.values()):
        with Client(server, lines["token"]) as client:
            cursor = server.request("GET", POLL)[2]["cursor"]
            client.ask(f"GET {POLL}?cursor={cursor}", header)
            client.ask(f"POST {EVENTS}", header, b"[]")
        with Client(server, lines["token"]) as client:
            client.send(client.request(f"GET {STREAM}", header))
            client.head()
    kinds = {("GET", POLL, 200), ("POST", EVENTS, 422), ("GET", STREAM, None)}

    def told() -> list[tuple[str, str, int | None]]:
        found = [json.loads(line) for line in server.stderr_lines if line.startswith('{"time"')]
        return [(each["method"], each["path"], each["status"]) for each in found]

    eventually(lambda: all(told().count(kind) >= 3 for kind in kinds))
