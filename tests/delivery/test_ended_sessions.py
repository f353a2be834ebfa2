"""A session or token that ends while its request is under way: what comes late is not done, what waits is not told."""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.push.conftest import CONTACT
from tests.support.in_process import in_process
from tests.support.live_server import LiveServer, with_accounts
from tests.support.logs import stock_alert
from tests.support.push_service import b64
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually
from tests.support.websocket_client import Closed, SioClient

PUBLISH = "/api/notificaciones/eventos"
NUMBERS = itertools.count()
RINGING = {
    "POS_NOTIF_PUSH": "webpush", "POS_NOTIF_PUSH_CONTACT": CONTACT, "POS_NOTIF_PUSH_HOSTS": "localhost",
}  # fmt: skip
SECONDS = 14  # of a session that ends by itself: it has time to ask for something before


@dataclass
class Somebody:
    """A manager, by a session or a token: `header` is how they sign their requests."""

    server: LiveServer
    name: str
    header: str


def sign_in(server: LiveServer, name: str) -> Somebody:
    server.create_user(name, "manager")
    return Somebody(server, name, f"Cookie: {server.login(name)}")


def with_token(server: LiveServer, name: str) -> Somebody:
    secret = with_accounts(server.database, lambda accounts: accounts.create_token(name))
    return Somebody(server, name, f"Authorization: Bearer {secret}")


def signs_out(who: Somebody) -> None:
    assert who.server.request("POST", "/api/auth/logout", cookie=who.header.removeprefix("Cookie: "))[0] == 204


def is_revoked(who: Somebody) -> None:
    [session] = [row["id"] for row in with_accounts(who.server.database, lambda accounts: accounts.list_sessions())
                 if row["username"] == who.name]  # fmt: skip
    with_accounts(who.server.database, lambda accounts: accounts.revoke_session(session))


def gets_another_role(who: Somebody) -> None:
    with_accounts(who.server.database, lambda accounts: accounts.set_role(who.name, "cocinero"))


def gets_another_pin(who: Somebody) -> None:
    with_accounts(who.server.database, lambda accounts: accounts.set_password(who.name, "9876"))


def is_deleted(who: Somebody) -> None:
    with_accounts(who.server.database, lambda accounts: accounts.delete_user(who.name))


def is_revoked_as_a_token(who: Somebody) -> None:
    with_accounts(who.server.database, lambda accounts: accounts.revoke_token(who.name))


def expires(who: Somebody) -> None:
    eventually(
        lambda: who.server.request("GET", "/api/auth/sesion", cookie=who.header.removeprefix("Cookie: "))[0] == 401
    )


ENDINGS: tuple[Callable[[Somebody], None], ...] = (
    signs_out, is_revoked, gets_another_role, gets_another_pin, is_deleted, is_revoked_as_a_token, expires,
)  # fmt: skip


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    yield from running(tmp_path_factory, RINGING)


@pytest.fixture(scope="module")
def brief(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """Its sessions end by themselves."""
    yield from running(tmp_path_factory, {"POS_NOTIF_SESSION_HOURS": str(SECONDS / 3600)})


def running(tmp_path_factory: pytest.TempPathFactory, settings: dict[str, str]) -> Iterator[LiveServer]:
    server = LiveServer(tmp_path_factory.mktemp("sessions") / "log.db", settings, forked=True).start()
    server.new_order(1)
    assert server.request("POST", "/api/productos", {"nombre": "Pupusa", "precio": 1})[0] == 201
    yield server
    assert server.stop() == 0
    assert [line for line in server.stderr_lines if "Traceback" in line] == []


@pytest.fixture(params=ENDINGS, ids=lambda ending: ending.__name__)
def ending(request: pytest.FixtureRequest) -> Callable[[Somebody], None]:
    return request.param


@pytest.fixture
def who(ending: Callable[[Somebody], None], request: pytest.FixtureRequest) -> Somebody:
    server = request.getfixturevalue("brief" if ending is expires else "lasting")
    name = f"person {next(NUMBERS)}"
    return with_token(server, name) if ending is is_revoked_as_a_token else sign_in(server, name)


def head_id(server: LiveServer) -> int:
    return int(server.request("GET", PUBLISH)[2]["cabeza_id"])


def answer_to_a_late_body(
    server: LiveServer, line: str, body: Any, who: Somebody, meanwhile: Callable[[Somebody], None], *more: str
) -> tuple[int, Any]:
    """Sends the head, and the body after `meanwhile`: a file's bytes, or what JSON says."""
    data, kind = (body, "text/csv") if isinstance(body, bytes) else (json.dumps(body).encode(), "application/json")
    head = [f"{line} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", who.header, f"Content-Type: {kind}",
            f"Content-Length: {len(data)}", "Expect: 100-continue", *more]  # fmt: skip
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client, client.makefile("rb") as answer:
        client.sendall(("\r\n".join(head) + "\r\n\r\n").encode())
        assert answer.readline().startswith(b"HTTP/1.1 100")
        while answer.readline().strip():
            pass
        assert server.request("GET", "/healthz")[0] == 200  # by its answer, the head has had its turn too
        meanwhile(who)
        client.sendall(data)
        status = int(answer.readline().split()[1])
        length = 0
        while field := answer.readline().strip().lower():
            if field.startswith(b"content-length:"):
                length = int(field.partition(b":")[2])
        return status, json.loads(answer.read(length))


def assert_nobody(status: int, answer: Any) -> None:
    assert (status, answer["error"]["codigo"]) == (401, "no_autenticado"), answer


@pytest.mark.parametrize("way", ["the short way", "the view"])
def test_a_publication_that_arrives_late_is_not_published(way, who, ending):
    server = who.server
    own = (f"Origin: {server.url}",) if way == "the view" else ()
    before = head_id(server)
    assert_nobody(*answer_to_a_late_body(server, f"POST {PUBLISH}", stock_alert(1), who, ending, *own))
    assert head_id(server) == before


ORDER = {"operacion_id": "late", "tipo": "mesa", "mesa_numero": 4, "items": [{"producto_id": 1, "cantidad": 1}]}
PHONE = {
    "endpoint": "https://localhost/wpush/phone",
    "keys": {  # any point of the curve: its generator
        "p256dh": b64(
            bytes.fromhex(
                "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
                "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
            )
        ),
        "auth": b64(bytes(16)),
    },
}
LATE = {
    "a batch": (f"POST {PUBLISH}", {"eventos": [stock_alert(1), stock_alert(2)]}),
    "an order": ("POST /api/pedidos", ORDER),
    "an action": ("POST /api/pedidos/1/acciones", {"accion": "iniciar", "operacion_id": "late"}),
    "an action on an old version": (
        "POST /api/pedidos/1/acciones", {"accion": "iniciar", "operacion_id": "late too", "version": 99},
    ),
    "a new dish": ("POST /api/productos", {"nombre": "Atol", "precio": 1}),
    "a change of a dish": ("PATCH /api/productos/1", {"disponible": False}),
    "a menu": ("POST /api/productos/importar", b"nombre,precio\nTamal,1.50\n"),
    "a menu's rehearsal": ("POST /api/productos/importar?ensayo=1", b"nombre,precio\nTamal,1.50\n"),
    "a receipt": ("POST /api/notificaciones/acuses", {"evento_ids": [1]}),
    "a phone": ("PUT /api/push/suscripcion", PHONE),
    "a phone's end": ("DELETE /api/push/suscripcion", {"endpoint": PHONE["endpoint"]}),
    "what a page has shown": ("POST /api/push/vistos", {"evento_ids": [1]}),
}  # fmt: skip


@pytest.mark.parametrize("kind", LATE)
@pytest.mark.parametrize("ends", [is_revoked, gets_another_role], ids=lambda ending: ending.__name__)
def test_nothing_that_arrives_late_is_done(lasting, kind, ends):
    line, body = LATE[kind]
    before, menu = head_id(lasting), lasting.request("GET", "/api/productos")[2]
    somebody = sign_in(lasting, f"{kind} {ends.__name__}")
    assert_nobody(*answer_to_a_late_body(lasting, line, body, somebody, ends))
    assert head_id(lasting) == before
    assert lasting.request("GET", "/api/productos")[2] == menu


def test_a_duplicate_is_not_told_to_who_has_gone(lasting):
    somebody = sign_in(lasting, "sends twice")
    body = {**stock_alert(1), "operacion_id": "sent twice"}
    cookie = somebody.header.removeprefix("Cookie: ")
    assert lasting.request("POST", PUBLISH, body, cookie=cookie)[0] == 201
    assert_nobody(*answer_to_a_late_body(lasting, f"POST {PUBLISH}", body, somebody, is_revoked))


def test_a_body_that_arrives_late_of_who_is_still_there_is_done(lasting):
    somebody = sign_in(lasting, "comes late")
    status, answer = answer_to_a_late_body(lasting, f"POST {PUBLISH}", stock_alert(1), somebody, lambda who: None)
    assert (status, answer["id"]) == (201, head_id(lasting))


def test_a_poll_that_waits_ends_with_its_session_and_without_the_event(who, ending):
    server = who.server
    cursor = server.request("GET", "/api/pedidos")[2]["cursor"]
    path = f"/api/notificaciones/polling/manager?espera=25&cursor={cursor}"
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as client, client.makefile("rb") as answer:
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n{who.header}\r\nConnection: close\r\n\r\n".encode())
        assert server.request("GET", "/healthz")[0] == 200  # by its answer, the poll waits
        ending(who)
        with Stopwatch() as watch:
            head, _, body = answer.read().partition(b"\r\n\r\n")
        assert watch.seconds < 1.5
    assert_nobody(int(head.split()[1]), json.loads(body))
    assert b"eventos" not in body


def test_who_has_gone_unnoticed_is_not_answered_from_memory_when_a_poll_finds_it_out(lasting):
    """A quarter of a second passes before what another process has ended is heard of."""
    cursor = lasting.request("GET", "/api/pedidos")[2]["cursor"]
    path = f"/api/notificaciones/polling/manager?cursor={cursor}"
    for number in range(4):
        who = with_token(lasting, f"gone {number}")
        secret = who.header.rpartition(" ")[2]
        assert lasting.request("GET", path, token=secret)[0] == 200
        is_revoked_as_a_token(who)
        status, _, answer = lasting.request("GET", f"{path}&espera=5", token=secret)
        assert_nobody(status, answer)


def test_a_poll_that_waits_while_others_sessions_end_goes_on(lasting):
    stays, goes = sign_in(lasting, "stays"), sign_in(lasting, "goes")
    cursor = lasting.request("GET", "/api/pedidos")[2]["cursor"]
    path = f"/api/notificaciones/polling/manager?espera=25&cursor={cursor}"
    answers: list[Any] = []
    cookie = stays.header.removeprefix("Cookie: ")
    waiting = threading.Thread(target=lambda: answers.append(lasting.request("GET", path, cookie=cookie)))
    waiting.start()
    signs_out(goes)
    expires(goes)
    published = lasting.publish(stock_alert(1))
    waiting.join()
    [(status, _, answer)] = answers
    assert (status, [event["id"] for event in answer["eventos"]]) == (200, [published["id"]])


def test_a_socket_acknowledges_nothing_after_its_session_has_ended(lasting):
    order = lasting.new_order(2)
    somebody = sign_in(lasting, "acknowledges")
    with SioClient(lasting.port, headers={"Cookie": somebody.header.removeprefix("Cookie: ")}) as client:
        client.call("conectar_usuario", {"eventos": False})
        is_revoked(somebody)
        try:
            answer = client.call("acusar_recibo", {"evento_ids": [order["id"]]})
        except Closed:
            answer = {"codigo": "no_autenticado"}
        assert answer["codigo"] == "no_autenticado"
    assert lasting.request("GET", "/api/pedidos/2")[2]["pedido"]["por_acusar"] == [order["id"]]


@pytest.mark.parametrize(
    "path", ["/api/pedidos", "/api/pedidos/1", "/api/productos", "/api/cifras", "/api/notificaciones/polling/manager"]
)
async def test_what_was_read_for_a_session_is_not_told_once_that_has_ended(tmp_path, path):
    async with in_process(tmp_path / "log.db") as service:
        cookie = await service.sign_in("Ana", "manager")
        assert (await service.call("GET", "/api/auth/sesion", cookie=cookie)).status == 200
        log, held = service.app.extensions["pos_notif"].log, threading.Event()
        holding = asyncio.create_task(log.database.read(lambda connection: held.wait(60)))
        await asyncio.sleep(0)
        asked = asyncio.create_task(service.call("GET", path, cookie=cookie))
        while not log.database._reader._tx.qsize():  # it waits behind what holds the reader
            await asyncio.sleep(0)
        await service.accounts.revoke_session(1)
        held.set()
        answer = await asked
        assert (answer.status, answer.code) == (401, "no_autenticado")
        await holding
