"""What is sent by someone who wishes the service ill: events, requests and frames that are almost right, or not at all.

Each attacker is a process of its own with its own random numbers; it counts what it sent and keeps what was answered
by 500.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Any

from tests.support.websocket_client import SOCKET_PATH

ODD_VALUES = (
    "null", "true", "-1", "0", "1", "2", "1e308", "-0.0", "9007199254740993", "9" * 400, "0." + "3" * 300, '""', '"x"',
    '"\\ud800"', '"\\u0000"', '"' + "x" * 5000 + '"', "[]", "{}", "[" * 200 + "]" * 200, '{"a":' * 60 + "1" + "}" * 60,
    "NaN", "Infinity", "1e999", "\ufeff", "'x'", '"2025-13-45T99:99:99Z"', '"manager"', '"listo"',
)  # fmt: skip
EVENTS: tuple[dict[str, Any], ...] = (
    {"tipo": "nuevo_pedido", "pedido": {"id": 1, "mesa_numero": 5, "items": [
        {"id": 1, "producto_nombre": "Pupusa", "cantidad": 2, "precio_unitario": 0.75}]}},
    {"tipo": "pedido_listo", "pedido_id": 1},
    {"tipo": "cambio_estado", "pedido_id": 1, "nuevo_estado": "en_cocina"},
    {"tipo": "item_modificado", "pedido_id": 1, "item_id": 1, "cambios": {
        "tipo_cambio": "item_agregado", "producto_nombre": "Atol", "cantidad_nueva": 1}},
    {"tipo": "pedido_cancelado", "pedido_id": 1, "motivo": "se fue"},
    {"tipo": "alerta_stock", "producto_id": 1, "nombre": "Queso", "stock_actual": 0},
    {"eventos": [{"tipo": "alerta_stock", "producto_id": 2, "nombre": "Loroco", "nivel": "bajo"}]},
)  # fmt: skip
PATHS = (
    "/api/notificaciones/eventos", "/api/notificaciones/polling/mesero", "/api/notificaciones/stream/cocinero",
    "/api/notificaciones/acuses", "/api/notificaciones/suscripciones/1", "/api/pedidos", "/api/pedidos/1",
    "/api/pedidos/1/acciones", "/api/productos", "/api/productos/1", "/api/cifras", "/api/auth/logout", "/login", "/",
    "/socket.io/", "/static/js/shared/dom.js", "/docs", "/openapi.json", "/healthz",
)  # fmt: skip
METHODS = ("GET", "GET", "POST", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "BREW")
PARAMETERS = ("cursor", "limite", "espera", "cliente", "vista", "dia", "next", "lastEventId", "EIO", "transport")
HEADERS = (
    "Content-Type",
    "Cookie",
    "Idempotency-Key",
    "If-None-Match",
    "Last-Event-ID",
    "Origin",
    "Accept",
    "X-" + "y" * 90,
)
HOSTS = (
    "x", "a..b", ".a", "x" * 64, "a b", "[::1]:5000", "[", "[::", "x:99999999", "x:", "ñandú.example", "", "xn--a",
    "a/b", "x" * 300,
)  # fmt: skip
# What a name in an address may be made of, to the end and beyond.
FOLDERS = ("/static/", "/static/js/", "/docs/", "/api/pedidos/", "/api/notificaciones/stream/", "/api/", "/")
LONGEST_PATH = 20_000
PACKETS = (
    "40", '40{"token":"x"}', '42["conectar_usuario",{}]', '421["ping"]', '42["suscribir_pedido",{"pedido_id":1}]',
    '423["acusar_recibo",{"evento_ids":[1]}]', "41", "3", "2probe", "5", "6", '451-["x",{"_placeholder":true,"num":0}]',
    "40/admin,", "4", "", "42[]", '42["desuscribir_pedido",{"pedido_id":"x"}]',
)  # fmt: skip


@dataclass
class Report:
    """Of one attacker, or of all."""

    sent: Counter[str] = field(default_factory=Counter)
    answers: Counter[int] = field(default_factory=Counter)
    faults: list[bytes] = field(default_factory=list)

    def add(self, other: Report) -> None:
        self.sent += other.sent
        self.answers += other.answers
        self.faults += other.faults

    def answered(self, status: int, request: bytes) -> None:
        self.answers[status] += 1
        if status == 500 and len(self.faults) < 20:
            self.faults.append(request[:3000])


Attack = Callable[[random.Random, int, str, Report], None]


def mangled(luck: random.Random, text: str) -> bytes:
    """JSON text with up to three things wrong."""
    data = text.encode("utf-8", "surrogatepass")
    for _ in range(luck.choice((0, 0, 1, 1, 2, 3))):
        at = luck.randrange(len(data) + 1)
        end = min(len(data), at + luck.randrange(12))
        match luck.randrange(8):
            case 0:
                data = data[:at] + data[end:]
            case 1:
                data = data[:at] + luck.randbytes(luck.randrange(4)) + data[at:]
            case 2:
                data = data[:end] + data[at:]
            case _:  # a value in the place of another
                start = data.find(b":", at) + 1
                if start:
                    stop = min(
                        (x for x in (data.find(b",", start), data.find(b"}", start)) if x > 0), default=len(data)
                    )
                    data = data[:start] + luck.choice(ODD_VALUES).encode("utf-8", "surrogatepass") + data[stop:]
    return data


def event_text(luck: random.Random) -> str:
    event = json.loads(json.dumps(luck.choice(EVENTS)))
    order = luck.randrange(1, 2000)
    if "pedido" in event:
        event["pedido"]["id"] = order
    elif "pedido_id" in event:
        event["pedido_id"] = order
    return json.dumps(event)


def publish(luck: random.Random, port: int, token: str, report: Report) -> None:
    """A hundred publications on one connection."""
    with connected(port) as client:
        for _ in range(100):
            body = mangled(luck, event_text(luck))
            key = f"Idempotency-Key: {luck.randrange(50)}\r\n" if luck.random() < 0.05 else ""
            head = f"POST /api/notificaciones/eventos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{key}"
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall(head.encode() + body)
            report.sent["publications"] += 1
            status = read_answer(client)
            report.answered(status, body)


def request(luck: random.Random, port: int, token: str, report: Report) -> None:
    """One request, on a connection of its own: from good to no HTTP at all."""
    path, query = luck.choice(PATHS) if luck.random() < 0.7 else _odd_path(luck), ""
    if luck.random() < 0.5:
        query = "?" + "&".join(f"{luck.choice(PARAMETERS)}={_odd_text(luck)}" for _ in range(luck.randrange(1, 4)))
    body = mangled(luck, event_text(luck)) if luck.random() < 0.5 else b""
    lines = [f"{luck.choice(METHODS)} {path}{query} HTTP/1.1", f"Host: {_odd_host(luck)}"]
    if luck.random() < 0.8:
        lines.append(f"Authorization: Bearer {token}")
    lines += [f"{luck.choice(HEADERS)}: {_odd_text(luck)}" for _ in range(luck.randrange(4))]
    lines.append("Content-Type: application/json")
    lines.append(
        luck.choice((f"Content-Length: {len(body)}",) * 6 + ("Content-Length: -1", "Transfer-Encoding: chunked"))
    )
    if luck.random() < 0.2:  # a header that comes twice
        lines.append(luck.choice(lines[1:]) if luck.random() < 0.5 else f"{luck.choice(HEADERS)}: {_odd_text(luck)}")
    data = "\r\n".join(lines).encode("utf-8", "surrogatepass") + b"\r\n\r\n" + body
    if luck.random() < 0.2:
        at = luck.randrange(len(data))
        data = data[:at] + luck.randbytes(luck.randrange(1, 60)) + data[at + luck.randrange(30) :]
    with connected(port) as client:
        client.settimeout(0.1)  # what is not whole is not answered
        at = luck.randrange(len(data)) if luck.random() < 0.2 else 0
        if at:  # the rest later: of its head, or of its body
            client.sendall(data[:at])
            time.sleep(luck.choice((0, 0.001, 0.003)))
        client.sendall(data[at:])
        report.sent["requests"] += 1
        with contextlib.suppress(TimeoutError):
            report.answered(read_answer(client, whole=False), data)


def frames(luck: random.Random, port: int, token: str, report: Report) -> None:
    """A websocket, and what no client would send on it."""
    with connected(port) as client:
        client.sendall(
            f"GET {SOCKET_PATH} HTTP/1.1\r\nHost: {_odd_host(luck)}\r\nAuthorization: Bearer {token}\r\n"
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        report.answered(read_answer(client, whole=False), b"upgrade")
        if luck.random() < 0.8:
            client.sendall(frame(b"40"))
        for _ in range(luck.randrange(1, 30)):
            client.sendall(_odd_frame(luck))
            report.sent["frames"] += 1
        client.settimeout(0.01)
        with contextlib.suppress(TimeoutError):
            while client.recv(65536):
                pass


def polls(luck: random.Random, port: int, token: str, report: Report) -> None:
    """A session by long-polling, and bodies that are payloads, nearly so, or not at all."""

    def ask(client: socket.socket, method: str, sid: str, body: bytes = b"") -> bytes:
        head = f"{method} /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\n"
        head += f"Authorization: Bearer {token}\r\nContent-Length: {len(body)}\r\n\r\n"
        client.sendall(head.encode() + body)
        report.sent["polls"] += 1
        answer = client.recv(65536)
        if not answer:
            raise ConnectionError
        report.answered(int(answer[9:12]), body)
        return answer

    with connected(port) as client, connected(port) as other:
        opening = ask(client, "GET", "")
        sid = json.loads(opening[opening.index(b"0{") + 1 :])["sid"]
        if luck.random() < 0.8:
            ask(client, "POST", sid, b"40")
        for _ in range(luck.randrange(1, 8)):
            packets = [mangled(luck, luck.choice((*PACKETS, "4" + luck.choice(PACKETS), "bAQID", "1", "3")))]
            packets *= luck.randrange(1, 4)
            ask(luck.choice((client, client, other)), "POST", sid, b"\x1e".join(packets))
        client.settimeout(0.01)
        with contextlib.suppress(TimeoutError):
            ask(client, luck.choice(("GET", "PUT", "DELETE")), sid)


def log_in(luck: random.Random, port: int, token: str, report: Report) -> None:
    body = mangled(luck, json.dumps({"username": f"u{luck.randrange(10**6)}", "password": str(luck.randrange(10**4))}))
    head = "POST /api/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n\r\n"
    with connected(port) as client:
        client.sendall(head.encode() + body)
        report.sent["logins"] += 1
        report.answered(read_answer(client), body)
    time.sleep(0.1)  # each costs the service 20 ms of a core, by design


def vanish(luck: random.Random, port: int, token: str, report: Report) -> None:
    """Connections that end in the middle of anything, by a reset."""
    with connected(port) as client:
        text = f"POST /api/notificaciones/eventos HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        text += "Content-Type: application/json\r\nContent-Length: 200\r\n\r\n" + event_text(luck)
        client.sendall(text.encode()[: luck.randrange(len(text))])
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        report.sent["half requests"] += 1
    time.sleep(0.005)


# Each with how often it is made in a round.
ATTACKS: tuple[tuple[Attack, int], ...] = (
    (publish, 1),
    (request, 30),
    (frames, 6),
    (polls, 4),
    (log_in, 2),
    (vanish, 30),
)


@contextlib.contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        yield client


def read_answer(client: socket.socket, *, whole: bool = True) -> int:
    """The status. Raises ConnectionError where the connection ends before it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = client.recv(65536)
        if not more:
            raise ConnectionError
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    if whole and b"content-length: " in head:
        left = int(head.split(b"content-length: ")[1].split(b"\r\n")[0]) - len(body)
        while left > 0:
            left -= len(client.recv(left)) or left
    return int(head[9:12])


def frame(payload: bytes, opcode: int = 1, *, bits: int = 0x80, masked: bool = True) -> bytes:
    size = len(payload)
    length = (
        bytes([size])
        if size < 126
        else struct.pack("!BH", 126, size)
        if size < 65536
        else struct.pack("!BQ", 127, size)
    )
    if masked:
        length = bytes([length[0] | 0x80]) + length[1:] + bytes(4)
    return bytes([bits | opcode]) + length + payload


def _odd_frame(luck: random.Random) -> bytes:
    match luck.randrange(8):
        case 0:
            return luck.randbytes(luck.randrange(1, 40))
        case 1:
            return frame(luck.randbytes(luck.randrange(200)), luck.randrange(16), bits=luck.randrange(16) << 4)
        case 2:
            return frame(b"x" * luck.choice((126, 65535, 65536, 70_000)), luck.randrange(1, 3))
        case 3:
            return frame(luck.choice(PACKETS).encode(), masked=luck.random() < 0.5)
        case 4:
            return frame(struct.pack("!H", luck.randrange(65536)) + b"bye", luck.choice((8, 9, 10)))
        case _:
            return frame(mangled(luck, luck.choice(PACKETS)))


def _odd_host(luck: random.Random) -> str:
    if luck.random() < 0.8:
        return "x"
    return luck.choice(HOSTS) if luck.random() < 0.7 else _odd_text(luck)


def _odd_path(luck: random.Random) -> str:
    """Addresses that are long, or written otherwise than they are read."""
    match luck.randrange(4):
        case 0:
            return luck.choice(FOLDERS) + "x" * luck.choice((254, 255, 256, 4095, 4096, LONGEST_PATH))
        case 1:
            return luck.choice(FOLDERS) + luck.choice(
                ("%c3%b1", "%ff", "%00", "%2e%2e%2f", "a/", "../")
            ) * luck.randrange(900)
        case 2:
            return luck.choice(("/", "/%2f", "/.", "http://x", "http://[", "http:", "//x")) + luck.choice(PATHS)
        case _:
            path = luck.choice(PATHS)
            at = luck.randrange(len(path))
            return (
                path[:at] + luck.choice(("/", "%2f", "%5c", f"%{ord(path[at]):02x}", "%", ";", "\x7f")) + path[at + 1 :]
            )


def _odd_text(luck: random.Random) -> str:
    match luck.randrange(6):
        case 0:
            return "x" * luck.choice((1, 300, 5000, 40_000))
        case 1:
            return "9" * luck.randrange(1, 40)
        case 2:
            return "".join(chr(luck.randrange(32, 0x300)) for _ in range(luck.randrange(20)))
        case 3:
            return f"%{luck.randrange(256):02x}%{luck.randrange(256):02x}%zz"
        case 4:
            return f"{luck.randrange(16**8):08x}-{luck.randrange(-5, 10**6)}"
        case _:
            return luck.choice(("inicio", "0", "-1", "cocina", "activos", "null", "application/json", "text/plain"))


def attack(port: int, token: str, seed: int, rounds: int, seconds: float = math.inf) -> Report:
    """Every attack side by side: so many rounds of each, or for so long."""
    fork = get_context("spawn")
    reports = fork.Queue()
    workers = [
        fork.Process(target=_work, args=(number, port, token, seed, rounds, time.time() + seconds, reports))
        for number in range(len(ATTACKS))
    ]
    for worker in workers:
        worker.start()
    whole = Report()
    for _ in workers:
        whole.add(reports.get(timeout=min(seconds, 600) + 60))
    for worker in workers:
        worker.join(10)
    return whole


def _work(number: int, port: int, token: str, seed: int, rounds: int, end: float, reports: Any) -> None:
    os.nice(10)  # the service is what is measured, not who gets the core
    luck, report = random.Random(f"{seed} {number}"), Report()
    make, times = ATTACKS[number]
    for _ in range(rounds * times):
        if time.time() >= end:
            break
        try:
            make(luck, port, token, report)
        except OSError:
            report.sent["connections cut"] += 1
    reports.put(report)
