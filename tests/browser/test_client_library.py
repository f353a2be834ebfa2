"""`ClienteNotificaciones` against a service that the test plays, with the page's clock in hand."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.browser.console import watch
from tests.browser.tickets import until
from tests.support.chromium import PATIENCE_MS

pytestmark = pytest.mark.browser

LIBRARY = Path(__file__).parents[2] / "static" / "js" / "notificaciones.js"
FAKE = Path(__file__).with_name("fake_service.js")
PREFIX = "/api/notificaciones/"
ACTIONS = (f"{PREFIX}suscripciones/", f"{PREFIX}acuses")
BEGIN = 1_795_568_712
CLEAR = "localStorage.clear(); sessionStorage.clear();"
CREATE = "window.notif = watch(new ClienteNotificaciones({rol: 'cocinero', usuario_id: 5}));"


UNKNOWN = (401, {"error": {"codigo": "no_autenticado", "mensaje": "No."}})
LATER = {"error": {"codigo": "demasiadas_solicitudes", "mensaje": "No."}}


def poll_answer(cursor: str, *ids: int, **more: Any) -> dict[str, Any]:
    eventos = [{"id": id, "tipo": "nuevo_pedido", "pedido_id": 1000 + id} for id in ids]
    return {
        "eventos": eventos,
        "total": len(eventos),
        "timestamp": "2026-11-24T19:05:12.345-06:00",
        "cursor": cursor,
        "hay_mas": False,
        "siguiente_ms": 3000,
        **more,
    }


class Sockets:
    """The service's side of the websockets: what it was sent, and what it answers to actions, by name."""

    def __init__(self) -> None:
        self.opened: list[Any] = []
        self.urls: list[str] = []
        self.received: list[str] = []
        self.events: list[list[Any]] = []
        self.connect = '40{"sid":"s"}'
        self.silent = False
        self.answers: dict[str, Any] = {"conectar_usuario": {"rol": "cocinero"}, "ping": {"cursor": "e-10"}}

    def accept(self, socket: Any) -> None:
        self.opened.append(socket)
        self.urls.append(socket.url)
        socket.on_message(lambda message: self._receive(socket, message))
        if not self.silent:
            socket.send('0{"sid":"e","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65536}')

    def _receive(self, socket: Any, message: str) -> None:
        self.received.append(message)
        if message.startswith("40"):
            socket.send(self.connect)
        match = re.fullmatch(r"42(\d+)(.*)", message)
        if match is None:
            return
        event = json.loads(match[2])
        self.events.append(event)
        answer = self.answers.get(event[0])
        if answer is not None:
            socket.send(f"42{json.dumps(['error' if 'codigo' in answer else 'answer', answer])}")
            socket.send(f"43{match[1]}{json.dumps([answer])}")

    @property
    def actions(self) -> list[list[Any]]:
        return [event for event in self.events if event[0] not in ("conectar_usuario", "ping")]

    @property
    def pings(self) -> int:
        return self.events.count(["ping"])


class Service:
    """The HTTP side: answers by path, and a list of what was asked."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.requests: list[str] = []
        self.actions: list[tuple[str, str, Any]] = []
        self.answers: dict[str, Callable[[str], tuple[Any, ...] | None]] = {}
        self.held: list[str] = []  # what begins so is never answered
        self.document = "<!DOCTYPE html><title>pos</title>"
        self.snapshot("e-10")

    def begin(self) -> Service:
        """On a page of its own, which does what its tests want of it."""
        hold_clock(self.page)
        self.page.add_init_script("delete window.WebSocket;")
        self.page.route("http://pos.test/**", self.answer)
        self.page.goto("http://pos.test/")
        self.load()
        return self

    def load(self) -> None:
        self.page.add_script_tag(content=FAKE.read_text("utf-8"))
        self.page.add_script_tag(content=LIBRARY.read_text("utf-8"))

    def answer(self, route: Any) -> None:
        url = urlsplit(route.request.url)
        if url.path == "/":
            route.fulfill(content_type="text/html; charset=utf-8", body=self.document)
            return
        self.requests.append(f"{url.path}?{url.query}")
        if url.path.startswith(tuple(self.held)):
            return
        if url.path.startswith(ACTIONS):
            self.actions.append((route.request.method, url.path.removeprefix(PREFIX), route.request.post_data_json))
        for prefix, answer in self.answers.items():
            if url.path.startswith(prefix):
                result = answer(url.query)
                if result is None:
                    route.abort()
                else:
                    status, body, *headers = result
                    sent = {"Content-Type": "application/json", **(headers[0] if headers else {})}
                    route.fulfill(status=status, headers=sent, body=json.dumps(body))
                return
        route.abort()

    def snapshot(self, cursor: str) -> None:
        body = {"pedidos": [], "cursor": cursor, "hora_servidor": "2026-11-24T19:05:12.345-06:00"}
        self.answers["/api/pedidos"] = lambda query: (200, body)

    def poll(self, *answers: dict[str, Any]) -> None:
        """Each answer once, the last one for ever."""
        queue = list(answers)
        self.answers["/api/notificaciones/polling"] = lambda query: (
            200,
            queue.pop(0) if len(queue) > 1 else queue[0],
        )

    def act(self, *answers: tuple[int, Any] | None) -> None:
        """How the actions are answered: each once, the last one for ever. None: the connection breaks."""
        queue = list(answers)
        for path in ACTIONS:
            self.answers[path] = lambda query: queue.pop(0) if len(queue) > 1 else queue[0]

    def session(self, status: int) -> None:
        self.answers["/api/auth/sesion"] = lambda query: (200, {"rol": "cocinero"}) if status == 200 else UNKNOWN

    def asked(self, prefix: str) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(url).query) for url in self.requests if url.startswith(prefix)]

    def run(self, script: str) -> Any:
        return self.page.evaluate(f"() => {{ {script} }}")

    def connect(self, script: str = "notif.conectar({instantanea: true});") -> None:
        self.run(CREATE + script)

    def until(self, script: str) -> None:
        self.page.wait_for_function(f"() => {script}", polling=20)

    def later(self, milliseconds: int) -> None:
        """Lets the page's time pass, once what it has asked is answered, unless that never is: an answer comes in real
        time, which a busy machine takes, and a page whose clock runs on gives up what it has asked."""
        # Playwright's own has each later document of the page live through it too.
        passes = """
        async ([ms, held]) => {
          if (begun > ended && !held) { return false; }
          await globalThis.__pwClock.controller.runFor(ms);
          return true;
        }"""
        until(self.page, lambda: self.page.evaluate(passes, [milliseconds, self.held != []]))

    def within(self, milliseconds: int, script: str) -> None:
        """Lets the page's time pass, as much as needed for the script to be true, and none while it waits for an
        answer, as `later` does."""
        # In the page, as far as nobody has to answer it meanwhile: a call costs more than a step, and the tests take
        # ten thousand steps.
        steps = f"""
        async most => {{
          for (var taken = 0; taken < most && begun === ended; taken++) {{
            if ({script}) {{ return [taken, true]; }}
            await globalThis.__pwClock.controller.runFor(100);
            if (window.WebSocket) {{ return [taken + 1, false]; }}
          }}
          return [taken, Boolean({script})];
        }}"""
        left, done = milliseconds // 100, False
        while left > 0 and not done:
            taken, done = self.page.evaluate(steps, left)
            left -= taken
            if taken == 0:
                self.until(f"begun === ended || ({script})")
        if not done:
            until(self.page, lambda: self.run(f"return {script};"))

    @property
    def seen(self) -> list[list[Any]]:
        return self.run("return window.seen;")

    @property
    def orders(self) -> list[int]:
        return [value for name, value in self.seen if name == "evento_pedido"]

    @property
    def modes(self) -> list[str]:
        return [value for name, value in self.seen if name == "conexion"]

    @property
    def sources(self) -> list[str]:
        return self.run("return sources.map(function (s) { return s.url; });")

    def state(self) -> dict[str, Any]:
        return self.run("return notif.getEstado();")


def hold_clock(page: Any) -> None:
    page.clock.install(time=BEGIN - 3600)  # it runs, and what has passed already is no time to pause at
    page.clock.pause_at(BEGIN + 1)  # from now on time passes where a test says so


class KeptPage:
    """A page for the tests of this file, one after the other: each has a document, a storage and a service of its own.
    A new page would cost three times as much."""

    def __init__(self, page: Any, *, with_sockets: bool) -> None:
        self.page = page
        self.service = Service(page)
        self.sockets = Sockets()
        hold_clock(page)
        page.route("http://pos.test/**", lambda route: self.service.answer(route))
        if with_sockets:
            page.route_web_socket("ws://pos.test/**", lambda socket: self.sockets.accept(socket))
        else:
            page.add_init_script("delete window.WebSocket;")

    def begin(self, sockets: Sockets) -> Service:
        self.service, self.sockets = Service(self.page), sockets
        scripts = (CLEAR, FAKE.read_text("utf-8"), LIBRARY.read_text("utf-8"))
        self.service.document += "<body>" + "".join(f"<script>{script}</script>" for script in scripts)
        self.page.goto("http://pos.test/")
        return self.service

    def end(self) -> None:
        """What the test left on its way, is told to its own service."""
        self.page.goto("about:blank")


@pytest.fixture(scope="module")
def said() -> list[str]:
    return []


@pytest.fixture
def complaints(said: list[str]) -> list[str]:
    said.clear()
    return said


@pytest.fixture(scope="module")
def keep_page(browser: Any, said: list[str]) -> Iterator[Callable[..., KeptPage]]:
    context = browser.new_context(service_workers="block")
    context.set_default_timeout(PATIENCE_MS)
    made: dict[bool, KeptPage] = {}

    def keep(*, with_sockets: bool) -> KeptPage:
        if with_sockets not in made:
            made[with_sockets] = KeptPage(watch(context.new_page(), said), with_sockets=with_sockets)
        return made[with_sockets]

    yield keep
    context.close()


@pytest.fixture
def service(keep_page: Callable[..., KeptPage], complaints: list[str]) -> Iterator[Service]:
    kept = keep_page(with_sockets=False)
    yield kept.begin(Sockets())
    kept.end()
    assert complaints == []


@pytest.fixture
def sockets() -> Sockets:
    return Sockets()


@pytest.fixture
def with_socket(keep_page: Callable[..., KeptPage], sockets: Sockets, complaints: list[str]) -> Iterator[Service]:
    kept = keep_page(with_sockets=True)
    yield kept.begin(sockets)
    kept.end()
    assert complaints == []


def greeted(service: Service) -> None:
    """Snapshot at e-10, stream open."""
    service.connect()
    service.until("sources.length === 1")
    service.run("hello(sources[0], 'e-10');")


def live(service: Service) -> None:
    """As greeted, and the first heartbeat has come."""
    greeted(service)
    service.run("beat(sources[0], 'e-10');")


def polling(service: Service) -> None:
    """As live, then the stream has failed twice."""
    live(service)
    service.run("sources[0].fail(0); sources[0].fail(0);")
    service.until("notif.getEstado().polling_activo")


def test_loads_the_snapshot_and_streams_from_its_cursor(service: Service) -> None:
    live(service)
    service.run("order(sources[0], 11);")
    assert service.asked("/api/pedidos") == [{"vista": ["cocina"]}]
    assert "/api/notificaciones/stream/cocinero?cursor=e-10&cliente=" in service.sources[0]
    assert service.seen == [["instantanea", "e-10"], ["conexion", "sse"], ["evento_pedido", 11]]
    state = service.state()
    assert (state["sse_activo"], state["polling_activo"], state["websocket_activo"]) == (True, False, False)
    assert (state["rol"], state["cursor"], state["segundos_sin_datos"]) == ("cocinero", "e-11", 0)


def test_an_event_has_its_fields_flat_and_as_datos(service: Service) -> None:
    live(service)
    service.run("notif.on('evento_pedido', function (e) { window.got = e; }); order(sources[0], 11);")
    assert service.run("return [got.pedido_id, got.datos.pedido_id, got.datos.tipo];") == [1011, 1011, "nuevo_pedido"]


def test_delivers_each_event_once_and_in_order(service: Service) -> None:
    live(service)
    service.run("[11, 12, 12, 11, 13].forEach(function (id) { order(sources[0], id); });")
    assert service.orders == [11, 12, 13]


def test_a_handler_that_throws_does_not_stop_delivery(service: Service, complaints: list[str]) -> None:
    service.connect(
        "notif.on('evento_pedido', function () { throw new Error('on purpose'); });"
        "notif.on('evento_pedido', function (e) { seen.push(['second', e.id]); });"
        "notif.conectar({instantanea: true});"
    )
    service.until("sources.length === 1")
    service.run("hello(sources[0], 'e-10'); order(sources[0], 11); order(sources[0], 12);")
    assert [value for name, value in service.seen if name == "second"] == [11, 12]
    assert len([text for text in complaints if "on purpose" in text]) == 2
    complaints.clear()


def test_off_and_desconectar_end_delivery(service: Service) -> None:
    live(service)
    service.run("window.count = 0; window.fn = function () { count++; }; notif.on('evento_pedido', fn);")
    service.run("order(sources[0], 11); notif.off('evento_pedido', fn); order(sources[0], 12);")
    assert service.run("return count;") == 1
    service.run("notif.desconectar(); order(sources[0], 13);")
    assert service.orders == [11, 12]
    assert service.run("return sources[0].readyState;") == 2


def test_two_failures_lead_to_polling_and_back(service: Service) -> None:
    service.poll(poll_answer("e-13", 11, 12, 13))
    live(service)
    service.run("order(sources[0], 11); sources[0].fail(0);")
    assert service.modes == ["sse", "sin_conexion"]
    service.run("sources[0].fail(0);")
    service.until("notif.getEstado().polling_activo")
    assert service.asked("/api/notificaciones/polling")[0]["cursor"] == ["e-11"]
    assert service.orders == [11, 12, 13]
    service.later(17_000)
    service.until("sources.length === 2")
    assert "cursor=e-13&" in service.sources[1]
    service.run("hello(sources[1], 'e-13'); order(sources[1], 13); beat(sources[1], 'e-13'); order(sources[1], 14);")
    assert service.orders == [11, 12, 13, 14]
    assert service.modes[-1] == "sse"
    asked = service.run("return begun;")  # what the page has sent: the test may not have been told of it yet
    service.later(10_000)
    assert service.run("return begun;") == asked


def test_events_that_a_late_poll_brings_again_are_dropped(service: Service) -> None:
    service.poll(poll_answer("e-10"), poll_answer("e-12", 10, 11, 12), poll_answer("e-12", 11, 12))
    polling(service)
    service.later(3_100)
    service.until("notif.getEstado().cursor === 'e-12'")
    service.later(3_100)
    service.until("ended === 4")  # the snapshot, and three polls
    assert service.orders == [11, 12]


def test_without_event_source_it_polls_as_the_server_says(service: Service) -> None:
    service.poll(
        poll_answer("e-11", 11, hay_mas=True),
        poll_answer("e-12", 12, siguiente_ms=9000),
        poll_answer("e-13", 13),
    )
    service.run("delete window.EventSource;")
    service.connect()
    service.until("notif.getEstado().polling_activo")
    service.within(1_000, "notif.getEstado().cursor === 'e-12'")
    service.later(8_000)
    assert len(service.asked("/api/notificaciones/polling")) == 2
    service.later(1_500)
    service.until("notif.getEstado().cursor === 'e-13'")
    assert service.orders == [11, 12, 13]


def test_without_a_cursor_polling_begins_now(service: Service) -> None:
    service.poll(poll_answer("e-9", 7, 8, 9), poll_answer("e-10", 10))
    service.run("delete window.EventSource;")
    service.connect("notif.conectar();")
    service.until("notif.getEstado().cursor === 'e-9'")
    service.later(3_100)
    service.until("notif.getEstado().cursor === 'e-10'")
    assert service.orders == [10]


def test_ocupado_means_polling_without_waiting_for_failures(service: Service) -> None:
    service.poll(poll_answer("e-10"))
    service.connect()
    service.until("sources.length === 1")
    service.run("sources[0].send('ocupado', {});")
    service.until("notif.getEstado().polling_activo")
    service.later(17_000)
    service.until("sources.length === 2")


def test_429_is_waited_for_and_is_no_lost_connection(service: Service) -> None:
    service.poll(poll_answer("e-10"))
    polling(service)
    queue = [(429, LATER, {"Retry-After": "12"}), (200, poll_answer("e-11", 11))]
    service.answers["/api/notificaciones/polling"] = lambda query: queue.pop(0) if len(queue) > 1 else queue[0]
    service.later(4_500)
    service.until("ended === 3")  # the snapshot, and two polls
    assert len(queue) == 1
    asked = len(service.requests)
    service.later(7_000)
    assert [path for path in service.requests[asked:] if "polling" in path] == []
    assert service.run("return notif.getEstado().polling_activo;") is True
    service.later(6_000)
    service.until("notif.getEstado().cursor === 'e-11'")
    assert service.orders == [11]


def test_resincronizar_holds_events_until_the_snapshot(service: Service) -> None:
    live(service)
    service.snapshot("n-22")
    service.run(
        "sources[0].send('resincronizar', {motivo: 'epoca', cursor: 'n-20'}, 'n-20');"
        "order(sources[0], 21, 'n'); order(sources[0], 22, 'n'); order(sources[0], 23, 'n');"
    )
    service.until("seen.length >= 5")
    assert service.seen[2:] == [["resincronizar", "n-20"], ["instantanea", "n-22"], ["evento_pedido", 23]]
    service.run("order(sources[0], 23, 'n'); order(sources[0], 24, 'n');")
    assert service.orders == [23, 24]


def test_a_lower_id_of_a_new_epoch_is_delivered(service: Service) -> None:
    live(service)
    service.snapshot("n-2")
    service.run("sources[0].send('resincronizar', {motivo: 'epoca', cursor: 'n-2'}, 'n-2');")
    service.until("seen.length >= 4")
    service.run("order(sources[0], 3, 'n');")
    assert service.orders == [3]


def test_polling_resynchronises_too(service: Service) -> None:
    service.poll(
        poll_answer("e-10"),
        poll_answer("n-5", resincronizar={"motivo": "epoca", "cursor": "n-5"}),
        poll_answer("n-7", 6, 7),
    )
    polling(service)
    service.snapshot("n-6")
    service.later(3_100)
    service.until("notif.getEstado().cursor === 'n-7'")
    assert service.orders == [7]


def test_a_replaced_source_is_not_listened_to(service: Service) -> None:
    live(service)
    service.run("sources[0].send('reconexion', {});")
    assert "cursor=e-10&" in service.sources[1]
    service.run("hello(sources[1], 'e-10'); order(sources[1], 11); order(sources[0], 12); sources[0].fail(2);")
    assert service.orders == [11]
    assert service.state()["sse_activo"] is True


def test_a_planned_interruption_is_silent_for_four_seconds(service: Service) -> None:
    live(service)
    service.run("sources[0].send('reinicio', {}); sources[0].fail(0);")
    service.later(3_500)
    assert service.modes == ["sse"]
    service.later(700)
    assert service.modes == ["sse", "sin_conexion"]


def test_a_planned_interruption_that_ends_in_time_is_never_seen(service: Service) -> None:
    live(service)
    service.run("sources[0].send('reinicio', {}); sources[0].fail(0);")
    service.later(2_000)
    service.run("hello(sources[0], 'e-10'); order(sources[0], 11);")
    service.later(5_000)
    assert service.modes == ["sse"]
    assert service.orders == [11]


def test_silence_of_two_and_a_half_heartbeats_reopens(service: Service) -> None:
    live(service)
    service.later(30_000)
    service.run("beat(sources[0], 'e-40');")
    service.later(37_000)
    assert len(service.sources) == 1
    service.later(1_000)
    assert "cursor=e-40&" in service.sources[1]
    assert service.modes == ["sse", "sin_conexion"]


def test_waking_up_reopens_at_once(service: Service) -> None:
    live(service)
    service.later(5_000)
    service.run("window.dispatchEvent(new Event('online'));")
    assert len(service.sources) == 2
    assert service.modes == ["sse"]
    service.run("hello(sources[1], 'e-10'); document.dispatchEvent(new Event('visibilitychange'));")
    assert len(service.sources) == 2


def test_a_closed_stream_and_401_end_the_session(service: Service) -> None:
    service.session(401)
    live(service)
    service.run("sources[0].fail(2);")
    service.until("seen.some(function (s) { return s[0] === 'sesion_terminada'; })")
    service.later(60_000)
    assert len(service.sources) == 1


def test_a_closed_stream_with_a_live_session_is_tried_again(service: Service) -> None:
    service.session(200)
    live(service)
    service.run("sources[0].fail(2);")
    service.within(10_000, "sources.length === 2")
    assert ["sesion_terminada", ""] not in service.seen


def test_sesion_terminada_on_the_stream_stops_everything(service: Service) -> None:
    live(service)
    service.run("sources[0].send('sesion_terminada', {});")
    service.later(60_000)
    assert service.seen[-1] == ["sesion_terminada", ""]
    assert len(service.sources) == 1


def test_401_while_polling_ends_the_session(service: Service) -> None:
    service.poll(poll_answer("e-10"))
    polling(service)
    service.answers["/api/notificaciones/polling"] = lambda query: UNKNOWN
    service.later(3_100)
    service.until("seen.some(function (s) { return s[0] === 'sesion_terminada'; })")


CROWDED = ["demasiadas_pestanas", ""]


def test_a_tab_that_gets_neither_a_stream_nor_an_answer_is_one_too_many(service: Service) -> None:
    service.held.append("/api/notificaciones/polling")
    service.connect()
    service.until("sources.length === 1")
    service.later(9_000)
    assert CROWDED not in service.seen
    service.later(1_200)
    assert CROWDED in service.seen


def test_a_tab_that_gets_no_snapshot_is_one_too_many(service: Service) -> None:
    service.held.append("/api/pedidos")
    service.connect()
    service.later(9_000)
    assert CROWDED not in service.seen
    service.later(1_200)
    assert CROWDED in service.seen


@pytest.mark.parametrize("answer", [(200, poll_answer("e-10")), (200, {}), (502, None)])
def test_whatever_comes_back_the_tab_had_its_connection(service: Service, answer: Any) -> None:
    """As behind a proxy that keeps a stream until it ends: polls are answered, so the tabs are not to blame."""
    service.answers["/api/notificaciones/polling"] = lambda query: answer
    service.connect()
    service.until("sources.length === 1")
    service.later(3_100)
    service.until("ended === 2")  # the snapshot, and a poll
    service.later(7_000)
    for attempt in (2, 3):  # it is tried again and again
        service.within(17_000, f"sources.length === {attempt}")
        service.within(11_000, f"sources[{attempt - 1}].readyState === 2")
        service.later(3_900)
    assert CROWDED not in service.seen
    assert "sse" not in service.modes


# Is the stream any good?


def asked_polls(service: Service) -> int:
    return len(service.asked("/api/notificaciones/polling"))


def test_a_stream_that_greets_and_goes_mute_gives_way_to_polling(service: Service) -> None:
    service.poll(poll_answer("e-11", 11), poll_answer("e-12", 12))
    greeted(service)
    assert service.modes == ["sse"]
    service.later(2_900)
    assert asked_polls(service) == 0
    service.later(200)
    service.until("notif.getEstado().polling_activo")
    assert service.orders == [11]  # beside the stream, which is not given up yet
    assert service.run("return sources[0].readyState;") == 1
    service.later(3_000)
    assert service.run("return sources[0].readyState;") == 2
    service.until("notif.getEstado().cursor === 'e-12'")
    for attempt in range(1, 4):  # it is tried again, greets, and is never taken for good
        service.within(17_000, f"sources.length === {attempt + 1}")
        service.run(f"hello(sources[{attempt}], 'e-12');")
        service.within(6_100, f"sources[{attempt}].readyState === 2")
    assert service.modes == ["sse", "polling"]
    assert service.orders == [11, 12]


def test_a_heartbeat_on_time_ends_polling(service: Service) -> None:
    service.poll(poll_answer("e-10"))
    polling(service)
    service.within(17_000, "sources.length === 2")
    service.run("hello(sources[1], 'e-10');")
    service.later(2_000)
    assert service.modes[-1] == "polling"
    service.run("beat(sources[1], 'e-10');")
    assert service.modes[-1] == "sse"
    asked = service.run("return begun;")
    service.later(14_000)
    assert service.run("return begun;") == asked
    assert service.modes[-1] == "sse"


def test_an_event_on_time_is_as_good_as_a_heartbeat(service: Service) -> None:
    greeted(service)
    service.run("order(sources[0], 11);")
    service.later(30_000)
    assert service.modes == ["sse"]
    assert asked_polls(service) == 0


def test_what_is_replayed_says_nothing_of_the_stream(service: Service) -> None:
    service.poll(poll_answer("e-13"))
    greeted(service)
    service.run("order(sources[0], 11, 'e', 60000); order(sources[0], 12, 'e', 1);")
    service.later(3_100)
    service.until("notif.getEstado().polling_activo")
    service.run("order(sources[0], 13, 'e', 50000);")  # a long replay: it is not mute
    service.later(5_000)
    assert service.run("return sources[0].readyState;") == 1
    service.within(1_100, "sources[0].readyState === 2")
    assert service.orders == [11, 12]
    assert service.modes == ["sse", "polling"]


def test_without_heartbeats_the_greeting_is_enough(service: Service) -> None:
    service.connect()
    service.until("sources.length === 1")
    service.run("hello(sources[0], 'e-10', 0, 0);")
    service.later(60_000)
    assert service.modes == ["sse"]
    assert asked_polls(service) == 0


def test_a_greeting_that_comes_late_is_not_trusted(service: Service) -> None:
    """A proxy that keeps the newest message back lets it out when the first heartbeat comes."""
    service.poll(poll_answer("e-10"))
    service.connect()
    service.until("sources.length === 1")
    service.later(4_000)
    service.run("hello(sources[0], 'e-10', 12000);")
    service.until("notif.getEstado().polling_activo")
    assert service.modes == ["polling"]
    # A greeting that only took its time to be written is another matter.
    service.within(6_000, "sources.length === 2")
    service.later(4_000)
    service.run("hello(sources[1], 'e-10'); beat(sources[1], 'e-10');")
    assert service.modes == ["polling", "sse"]


@pytest.mark.parametrize("late", ["beat(sources[0], 'e-10', 15000);", "order(sources[0], 11, 'e', 15000);"])
def test_a_stream_that_begins_to_be_late_is_trusted_no_more(service: Service, late: str) -> None:
    service.poll(poll_answer("e-11"))
    live(service)
    service.run("notif.on('hora', function (h) { seen.push(['hora', Math.round(h.desfase_ms / 1000)]); });")
    service.later(20_000)
    service.run(late)
    service.until("notif.getEstado().polling_activo")
    assert service.run("return sources[0].readyState;") == 2
    assert service.modes == ["sse", "polling"]
    assert ["hora", -15] not in service.seen  # the page's clock is not set by what is old
    assert service.orders == ([11] if "order" in late else [])


def test_a_little_late_is_neither_good_nor_bad(service: Service) -> None:
    service.poll(poll_answer("e-10"))
    greeted(service)
    service.run("beat(sources[0], 'e-10', 3000);")
    service.later(3_100)
    service.until("notif.getEstado().polling_activo")
    service.run("beat(sources[0], 'e-10');")
    assert service.modes == ["sse", "polling", "sse"]
    service.run("beat(sources[0], 'e-10', 3000);")
    service.later(3_000)
    assert service.modes == ["sse", "polling", "sse"]


def test_a_stream_that_is_cut_before_it_was_good_counts_as_failed(service: Service) -> None:
    service.poll(poll_answer("e-10"))
    greeted(service)
    service.run("sources[0].fail(0); hello(sources[0], 'e-10'); sources[0].fail(0);")
    service.until("notif.getEstado().polling_activo")
    service.within(17_000, "sources.length === 2")


def test_a_greeting_after_an_outage_asks_at_once(service: Service) -> None:
    polling_answers = [None]
    service.answers["/api/notificaciones/polling"] = lambda query: polling_answers[0]
    live(service)
    service.run("sources[0].fail(0); sources[0].fail(0);")
    service.within(17_000, "sources.length === 2")
    assert service.modes[-1] == "sin_conexion"
    polling_answers[0] = (200, poll_answer("e-11", 11))
    service.run("hello(sources[1], 'e-10');")
    service.until("notif.getEstado().polling_activo")
    assert service.orders == [11]
    assert len(service.sources) == 2
    service.run("beat(sources[1], 'e-11');")
    assert service.modes[-1] == "sse"


# Answers of somebody else

FOREIGN = [
    {}, [], True, None, "sí", {"eventos": None}, {"cursor": "e-11", "eventos": [7]}, {"cursor": 7, "eventos": []},
    {"error": "unauthorized"},
]  # fmt: skip
STATUSES = [200, 400, 401, 403, 404, 413, 502]


@pytest.mark.parametrize("status", STATUSES)
def test_a_foreign_answer_to_a_poll_is_a_lost_connection(service: Service, status: int) -> None:
    service.poll(poll_answer("e-10"))
    polling(service)
    for body in FOREIGN:
        service.answers["/api/notificaciones/polling"] = lambda query, body=body: (status, body)
        service.within(6_000, "notif.getEstado().polling_activo === false")
        service.poll(poll_answer("e-11", 11))
        service.within(6_000, "notif.getEstado().polling_activo")
    assert service.orders == [11]
    assert seen_of(service, "sesion_terminada") == []


@pytest.mark.parametrize("status", STATUSES)
def test_a_foreign_snapshot_is_asked_for_again(service: Service, status: int) -> None:
    bodies = [
        *FOREIGN,
        {"pedidos": [], "cursor": None},
        {"pedidos": {}, "cursor": "e-1"},
        {"pedidos": [1], "cursor": "e-1"},
    ]
    queue = [(status, body) for body in bodies]
    right = service.answers["/api/pedidos"]
    service.answers["/api/pedidos"] = lambda query: queue.pop(0) if queue else right(query)
    service.connect()
    service.within(90_000, "sources.length === 1")
    assert queue == []
    assert seen_of(service, "instantanea", "sesion_terminada") == [["instantanea", "e-10"]]


@pytest.mark.parametrize("status", STATUSES)
def test_a_foreign_answer_settles_no_action(service: Service, status: int) -> None:
    service.act(*[(status, body) for body in FOREIGN], (200, {"ok": True, "nuevos": 1}))
    live(service)
    service.run("notif.acusarRecibo([8]);")
    for _ in range(150):
        if seen_of(service, "acuse_confirmado"):
            break
        service.run("sources[0].readyState !== 2 && beat(sources[0], 'e-10');")
        service.later(2_000)
    assert seen_of(service, "acuse_confirmado", "error", "sesion_terminada") == [["acuse_confirmado", 1]]
    assert len(service.actions) == len(FOREIGN) + 1


@pytest.mark.parametrize("status", STATUSES)
def test_a_closed_stream_and_a_foreign_answer_end_nothing(service: Service, status: int) -> None:
    service.answers["/api/auth/sesion"] = lambda query: (status, {})
    service.poll(poll_answer("e-10"))
    live(service)
    service.run("sources[0].fail(2);")
    service.within(10_000, "sources.length === 2")
    assert seen_of(service, "sesion_terminada") == []


@pytest.mark.parametrize("message", ["resincronizar", "evento_pedido", "latido", "hola"])
@pytest.mark.parametrize("data", [{}, [], True, "sí", {"cursor": 7}, {"cursor": "x"}])
def test_a_foreign_message_on_the_stream_stops_nothing(service: Service, message: str, data: Any) -> None:
    live(service)
    service.page.evaluate("([name, data]) => sources[0].send(name, data, 'x')", [message, data])
    service.run("hello(sources[0], 'e-10'); order(sources[0], 11); beat(sources[0], 'e-11');")
    assert service.orders == [11]
    assert service.state()["cursor"] == "e-11"
    assert service.modes == ["sse"]


@pytest.mark.parametrize("seconds", ["86400", "99999999"])
@pytest.mark.parametrize("path", ["/api/notificaciones/polling", "/api/notificaciones/acuses"])
def test_retry_after_is_followed_for_a_minute(service: Service, path: str, seconds: str) -> None:
    """Beyond 24 days a browser makes no timer at all, but asks at once, again and again."""
    queue = [(429, LATER, {"Retry-After": seconds}), (200, {"ok": True, "nuevos": 1, **poll_answer("e-10")})]
    live(service)
    service.answers[path] = lambda query: queue.pop(0) if len(queue) > 1 else queue[0]
    if "polling" in path:
        service.run("sources[0].fail(0); sources[0].fail(0);")
    else:
        service.run("notif.acusarRecibo([8]);")
    service.until("ended === 2")  # the snapshot, and what is to be asked again
    for seconds_passed in (*[5] * 11, 4):
        service.later(seconds_passed * 1_000)
        service.run("sources[0].readyState !== 2 && beat(sources[0], 'e-10');")
    assert len(service.asked(path)) == 1
    service.later(1_500)
    service.until("ended === 3")
    assert len(service.asked(path)) == 2


def test_goes_on_from_the_stored_cursor_of_its_role_and_user(service: Service) -> None:
    service.connect("notif.conectar();")
    assert "cursor=" not in service.sources[0]
    service.run("hello(sources[0], 'e-10'); order(sources[0], 11); notif.desconectar();")
    service.connect("notif.conectar();")
    assert "cursor=e-11&" in service.sources[1]
    service.run("window.other = new ClienteNotificaciones({rol: 'cocinero', usuario_id: 6}); other.conectar();")
    assert "cursor=" not in service.sources[2]


def test_the_stored_cursor_waits_for_the_handlers(service: Service) -> None:
    live(service)
    service.run(
        "notif.on('evento_pedido', function () {"
        "  window.during = sessionStorage.getItem('notif:cursor:cocinero:5'); });"
        "order(sources[0], 11);"
    )
    assert service.run("return during;") == "e-10"
    assert service.run("return sessionStorage.getItem('notif:cursor:cocinero:5');") == "e-11"


def test_a_snapshot_that_fails_is_asked_for_again(service: Service) -> None:
    service.answers["/api/pedidos"] = lambda query: (503, {})
    service.connect()
    # In steps: the page's clock stands still while an answer is on its way, and the wait begins with the answer.
    for _ in range(200):
        if len(service.asked("/api/pedidos")) > 1:
            break
        service.later(100)
    assert len(service.asked("/api/pedidos")) > 1
    assert service.sources == []
    service.snapshot("e-10")
    service.within(10_000, "sources.length === 1")


# Actions, where there is no websocket


def confirmed(pedido_id: int) -> tuple[int, Any]:
    return 200, {"pedido_id": pedido_id, "pedido": None, "cursor": "e-10"}


def refusal(status: int, codigo: str, **more: Any) -> tuple[int, Any]:
    return status, {"error": {"codigo": codigo, "mensaje": "No.", **more}}


def seen_of(service: Service, *names: str) -> list[list[Any]]:
    return [one for one in service.seen if one[0] in names]


def test_actions_go_by_http_and_their_answers_are_emitted(service: Service) -> None:
    service.act(confirmed(5), (200, {"pedido_id": 5}), (200, {"ok": True, "nuevos": 2}))
    live(service)
    service.run("notif.on('suscripcion_confirmada', function (answer) { window.got = answer; });")
    service.run(
        "notif.suscribirPedido(5); notif.desuscribirPedido('5'); notif.acusarRecibo([8, 9], {entendido: true});"
    )
    service.until("seen.length === 5")
    # What had been sent is answered; the rest is in order.
    assert service.actions == [
        ("PUT", "suscripciones/5", None),
        ("DELETE", "suscripciones/5", None),
        ("POST", "acuses", {"evento_ids": [8, 9], "entendido": True}),
    ]
    assert service.seen[2:] == [
        ["suscripcion_confirmada", 5],
        ["desuscripcion_confirmada", 5],
        ["acuse_confirmado", 2],
    ]
    assert service.run("return got;") == confirmed(5)[1]
    client = service.run("return sessionStorage.getItem('notif:cliente');")
    assert service.asked("/api/notificaciones/suscripciones/5")[0] == {"cliente": [client]}
    assert f"cliente={client}" in service.sources[0]


def test_actions_without_a_connection_wait_for_one(service: Service) -> None:
    service.act(None)
    live(service)
    service.run("notif.acusarRecibo(7);")
    service.run("sources[0].fail(0);")
    service.run("notif.suscribirPedido(5); notif.acusarRecibo(8); notif.acusarRecibo([9]); notif.desuscribirPedido(5);")
    for _ in range(200):  # until the next try by itself is 30 s away
        service.later(1_000)
        if len(service.actions) >= 6:
            break
    assert len(service.actions) >= 6
    service.until("begun === ended")  # also the page knows of it
    service.actions.clear()
    service.act((200, {"pedido_id": 5, "ok": True, "nuevos": 1}))
    service.poll(poll_answer("e-10"))
    service.within(8_000, "seen.filter(function (s) { return /_confirmad[ao]$/.test(s[0]); }).length === 3")
    acknowledged = [body["evento_ids"] for method, _, body in service.actions if method == "POST"]
    assert sorted(acknowledged) == [[7], [8, 9]]
    assert [method for method, _, _ in service.actions if method != "POST"] == ["DELETE"]
    assert seen_of(service, "suscripcion_confirmada", "desuscripcion_confirmada") == [["desuscripcion_confirmada", 5]]


def test_actions_before_conectar_are_kept(service: Service) -> None:
    service.act(confirmed(5))
    service.connect("notif.suscribirPedido(5);")
    service.later(1_000)
    assert service.actions == []
    service.run("notif.conectar();")
    service.until("seen.length === 1")
    assert service.actions == [("PUT", "suscripciones/5", None)]
    # A new sign-in has no subscriptions: those of the page are asked for again.
    service.run("notif.desconectar(); notif.conectar();")
    service.until("seen.length === 2")
    assert service.seen == [["suscripcion_confirmada", 5]] * 2


@pytest.mark.parametrize("answer", [refusal(503, "registro_no_disponible"), (429, LATER), (500, {}), (200, None), None])
def test_an_action_that_may_work_later_is_sent_again(service: Service, answer: Any) -> None:
    service.act(answer, answer, (200, {"ok": True, "nuevos": 1}))
    live(service)
    service.run("notif.acusarRecibo([8]);")
    service.within(20_000, "seen.length === 3")
    assert [body["evento_ids"] for _, _, body in service.actions] == [[8]] * 3
    assert service.seen[2:] == [["acuse_confirmado", 1]]


def test_a_refused_action_is_told_and_the_next_one_goes(service: Service) -> None:
    service.act(refusal(409, "demasiadas_suscripciones"), refusal(403, "rol_no_permitido"), confirmed(6))
    live(service)
    service.run("window.errors = []; notif.on('error', function (error) { errors.push(error); });")
    service.run("[5, 4, 6].forEach(function (id) { notif.suscribirPedido(id); });")
    service.until("seen.length === 5")
    assert service.run("return errors;") == [
        {"accion": "suscribir_pedido", "pedido_id": 5, "codigo": "demasiadas_suscripciones", "mensaje": "No."},
        {"accion": "suscribir_pedido", "pedido_id": 4, "codigo": "rol_no_permitido", "mensaje": "No."},
    ]
    service.later(60_000)
    assert len(service.actions) == 3
    service.run("notif.desconectar(); notif.conectar();")  # what was refused is not asked for again
    service.until("seen.filter(function (s) { return s[0] === 'suscripcion_confirmada'; }).length === 2")
    assert [path for _, path, _ in service.actions[3:]] == ["suscripciones/6"]


def test_one_bad_receipt_does_not_cost_the_others(service: Service) -> None:
    bad = refusal(422, "datos_invalidos", campos={"evento_ids.1": "el evento 2 no se puede acusar"})
    service.act(bad, (200, {"ok": True, "nuevos": 2}))
    live(service)
    service.run(
        "notif.on('error', function (error) { window.got = error.evento_ids; }); notif.acusarRecibo([1, 2, 3]);"
    )
    service.until("seen.length === 4")
    assert [body["evento_ids"] for _, _, body in service.actions] == [[1, 2, 3], [1, 3]]
    assert service.run("return got;") == [2]


def test_many_receipts_are_several_calls(service: Service) -> None:
    service.act((200, {"ok": True, "nuevos": 1}))
    live(service)
    service.run("var ids = [], i; for (i = 1; i <= 1001; i++) { ids.push(i); } notif.acusarRecibo(ids);")
    service.until("seen.length === 5")
    assert [len(body["evento_ids"]) for _, _, body in service.actions] == [500, 500, 1]


def test_401_for_an_action_ends_the_session(service: Service) -> None:
    service.act(UNKNOWN)
    live(service)
    service.run("notif.acusarRecibo(8);")
    service.until("seen.some(function (s) { return s[0] === 'sesion_terminada'; })")


def test_resincronizar_asks_for_the_subscriptions_again(service: Service) -> None:
    service.act(confirmed(5))
    live(service)
    service.run("notif.suscribirPedido(5); notif.suscribirPedido(6); notif.desuscribirPedido(6);")
    service.until("seen.length === 4")
    service.actions.clear()
    service.run("sources[0].send('resincronizar', {motivo: 'epoca', cursor: 'n-2'}, 'n-2');")
    service.until("seen.length >= 7")
    assert service.actions == [("PUT", "suscripciones/5", None)]


def test_desconectar_keeps_what_was_not_answered(service: Service) -> None:
    service.act((200, {"ok": True, "nuevos": 1}))
    live(service)
    # In one turn of the page: the first has been sent, and nothing can have been answered.
    service.run("notif.acusarRecibo(8); notif.acusarRecibo(9); notif.desconectar();")
    service.later(60_000)
    assert seen_of(service, "acuse_confirmado") == []
    service.actions.clear()
    service.run("notif.conectar();")
    service.until("seen.filter(function (s) { return s[0] === 'acuse_confirmado'; }).length === 2")
    assert [body["evento_ids"] for _, _, body in service.actions] == [[8], [9]]


def test_a_token_polls_and_stands_in_no_address(service: Service) -> None:
    headers: list[str | None] = []

    def note(request: Any) -> None:
        headers.append(request.headers.get("authorization"))

    service.page.on("request", note)
    service.poll(poll_answer("e-11", 11))
    service.act(confirmed(5))
    service.run("window.notif = watch(new ClienteNotificaciones({rol: 'cocinero', token: 'pn_secret'}));")
    service.run("notif.conectar({instantanea: true}); notif.suscribirPedido(5);")
    service.until("seen.length === 4")
    assert service.orders == [11]
    assert service.sources == []
    service.later(60_000)
    assert service.sources == []
    assert len(headers) >= 4
    service.page.remove_listener("request", note)
    assert set(headers) == {"Bearer pn_secret"}
    assert "pn_secret" not in " ".join(service.requests)


def test_a_copied_tab_has_a_name_of_its_own(page: Any) -> None:
    def name(page: Any) -> str:
        page.evaluate("window.notif = new ClienteNotificaciones({rol: 'cocinero'});")
        return page.evaluate("sessionStorage.getItem('notif:cliente')")

    def load(page: Any) -> None:
        page.add_script_tag(content=LIBRARY.read_text("utf-8"))

    service = Service(page).begin()
    first = name(page)
    page.reload()
    load(page)
    assert name(page) == first
    page.context.route("http://pos.test/**", service.answer)
    with page.expect_popup() as opened:
        page.evaluate("window.open('/')")
    load(opened.value)
    assert name(opened.value) not in (first, "", None)
    page.reload()
    load(page)
    assert name(page) == first


# The websocket

ACTIVE = "notif.getEstado().websocket_activo"


def soon(service: Service, condition: Callable[[], bool]) -> None:
    """Of what the page does to the played service; a loaded machine has its time."""
    until(service.page, condition)


def live_with_socket(service: Service) -> None:
    live(service)
    service.until(ACTIVE)


def test_the_socket_introduces_the_tab_and_takes_no_events(with_socket: Service, sockets: Sockets) -> None:
    live_with_socket(with_socket)
    client = with_socket.run("return sessionStorage.getItem('notif:cliente');")
    assert sockets.urls == ["ws://pos.test/socket.io/?EIO=4&transport=websocket"]
    assert sockets.received[0] == "40"
    assert sockets.events == [
        ["conectar_usuario", {"usuario_id": 5, "rol": "cocinero", "cliente": client, "eventos": False}]
    ]
    assert with_socket.modes == ["sse"]
    sockets.opened[0].send("2")
    soon(with_socket, lambda: sockets.received[-1] == "3")


def test_actions_go_by_the_socket_where_it_is_confirmed(with_socket: Service, sockets: Sockets) -> None:
    sockets.answers |= {
        "suscribir_pedido": confirmed(5)[1],
        "desuscribir_pedido": {"pedido_id": 5},
        "acusar_recibo": {"ok": True, "nuevos": 2},
    }
    live_with_socket(with_socket)
    with_socket.run("notif.suscribirPedido(5);")
    with_socket.until("seen.length === 3")
    with_socket.run("notif.desuscribirPedido(5); notif.acusarRecibo([8, 9], {entendido: true});")
    with_socket.until("seen.length === 5")
    assert sockets.actions == [
        ["suscribir_pedido", {"pedido_id": 5}],
        ["desuscribir_pedido", {"pedido_id": 5}],
        ["acusar_recibo", {"evento_ids": [8, 9], "entendido": True}],
    ]
    assert with_socket.seen[2:] == [
        ["suscripcion_confirmada", 5],
        ["desuscripcion_confirmada", 5],
        ["acuse_confirmado", 2],
    ]
    assert with_socket.actions == []


def test_a_refusal_by_the_socket_is_told_once(with_socket: Service, sockets: Sockets) -> None:
    sockets.answers["suscribir_pedido"] = {"codigo": "demasiadas_suscripciones", "mensaje": "No."}
    live_with_socket(with_socket)
    with_socket.run("notif.on('error', function (error) { window.got = error; }); notif.suscribirPedido(5);")
    with_socket.until("seen.length === 3")
    assert with_socket.seen[2:] == [["error", 5]]
    assert with_socket.run("return got.codigo;") == "demasiadas_suscripciones"
    assert with_socket.actions == []


@pytest.mark.parametrize("fate", ["closed", "no ack", "registro_no_disponible"])
def test_an_action_that_the_socket_does_not_answer_goes_by_http(
    with_socket: Service, sockets: Sockets, fate: str
) -> None:
    with_socket.act((200, {"ok": True, "nuevos": 1}))
    if fate == "registro_no_disponible":
        sockets.answers["acusar_recibo"] = {"codigo": fate, "mensaje": "Ahora no."}
    live_with_socket(with_socket)
    with_socket.run("notif.acusarRecibo(8);")
    soon(with_socket, lambda: sockets.actions == [["acusar_recibo", {"evento_ids": [8]}]])
    if fate == "closed":
        sockets.opened[0].close()
    elif fate == "no ack":
        assert with_socket.actions == []
        with_socket.later(5_100)
    with_socket.until("seen.length === 3")
    assert with_socket.actions == [("POST", "acuses", {"evento_ids": [8]})]
    assert with_socket.run(f"return {ACTIVE};") is (fate == "registro_no_disponible")
    assert with_socket.modes == ["sse"]  # the stream knows nothing of it


def test_a_lost_socket_is_opened_again_and_the_subscriptions_are_asked_for(
    with_socket: Service, sockets: Sockets
) -> None:
    sockets.answers["suscribir_pedido"] = confirmed(5)[1]
    live_with_socket(with_socket)
    with_socket.run("notif.suscribirPedido(5);")
    with_socket.until("seen.length === 3")
    sockets.opened[0].close()
    with_socket.until(f"!{ACTIVE}")
    with_socket.later(900)
    assert len(sockets.opened) == 1
    with_socket.within(2_500, ACTIVE)
    with_socket.until("seen.length === 4")
    assert sockets.actions == [["suscribir_pedido", {"pedido_id": 5}]] * 2


def test_a_socket_that_never_answers_is_tried_less_and_less_often(with_socket: Service, sockets: Sockets) -> None:
    sockets.silent = True
    live(with_socket)
    with_socket.run(
        "window.opened = []; var Native = WebSocket;"
        "window.WebSocket = function (url) { opened.push(Date.now()); return new Native(url); };"
    )
    for _ in range(250):
        with_socket.later(1_000)
    waits = with_socket.run("return opened.slice(1).map(function (at, i) { return at - opened[i]; });")
    # Ten seconds of patience with each, and then 1 to 3 s (before the first that is counted here), twice that, …
    for wait, longest in zip(waits, (6, 12, 24, 30, 30), strict=False):
        assert 10 + longest / 3 - 1 <= wait / 1000 <= 10 + longest + 1, waits
    assert abs(waits[5] / 1000 - 40) < 2, waits


def test_silence_of_the_server_ends_the_socket(with_socket: Service, sockets: Sockets) -> None:
    live_with_socket(with_socket)
    for _ in range(44):
        with_socket.later(1_000)
    assert with_socket.run(f"return {ACTIVE};") is True
    sockets.opened[0].send("2")
    soon(with_socket, lambda: sockets.received[-1] == "3")
    for _ in range(44):
        with_socket.later(1_000)
    assert with_socket.run(f"return {ACTIVE};") is True
    with_socket.within(3_000, f"!{ACTIVE}")


def test_the_page_pings_every_thirty_seconds_until_desconectar(with_socket: Service, sockets: Sockets) -> None:
    live_with_socket(with_socket)
    with_socket.later(29_000)
    assert sockets.pings == 0
    with_socket.later(1_500)
    soon(with_socket, lambda: sockets.pings == 1)
    sockets.opened[0].send("2")
    soon(with_socket, lambda: sockets.received[-1] == "3")
    with_socket.later(30_500)
    soon(with_socket, lambda: sockets.pings == 2)
    with_socket.run("notif.desconectar();")
    assert with_socket.run(f"return {ACTIVE};") is False
    with_socket.later(120_000)
    with_socket.page.wait_for_timeout(50)
    assert (sockets.pings, len(sockets.opened)) == (2, 1)


def test_waking_up_asks_the_socket_whether_it_lives(with_socket: Service, sockets: Sockets) -> None:
    live_with_socket(with_socket)
    del sockets.answers["ping"]
    with_socket.run("window.dispatchEvent(new Event('online')); hello(sources[1], 'e-10'); beat(sources[1], 'e-10');")
    soon(with_socket, lambda: sockets.pings == 1)
    with_socket.later(5_100)
    assert with_socket.run(f"return {ACTIVE};") is False
    assert with_socket.state()["sse_activo"] is True
    sockets.answers["ping"] = {}
    with_socket.run("window.dispatchEvent(new Event('online'));")  # and without one it does not wait for its turn
    with_socket.until(ACTIVE)


@pytest.mark.parametrize("message", ["no_autenticado", "origen_no_permitido"])
def test_a_refused_socket_is_not_tried_again(with_socket: Service, sockets: Sockets, message: str) -> None:
    sockets.connect = f'44{{"message":"{message}"}}'
    with_socket.act((200, {"ok": True, "nuevos": 1}))
    live(with_socket)
    with_socket.until("notif._socketRefused")
    with_socket.run("notif.acusarRecibo(8);")
    with_socket.until("seen.length === 3")
    with_socket.later(120_000)
    with_socket.run("window.dispatchEvent(new Event('online'));")
    with_socket.page.wait_for_timeout(50)
    assert len(sockets.opened) == 1
    with_socket.run("notif.desconectar(); notif.conectar();")
    soon(with_socket, lambda: len(sockets.opened) == 2)


def test_sesion_terminada_on_the_socket_stops_everything(with_socket: Service, sockets: Sockets) -> None:
    live_with_socket(with_socket)
    sockets.opened[0].send('42["sesion_terminada",{"hora_servidor":"2026-11-24T19:05:12.345-06:00"}]')
    sockets.opened[0].close(code=1008)
    with_socket.until("seen.some(function (s) { return s[0] === 'sesion_terminada'; })")
    with_socket.later(120_000)
    assert (len(sockets.opened), with_socket.run("return sources[0].readyState;")) == (1, 2)


def test_the_socket_is_told_the_token(with_socket: Service, sockets: Sockets) -> None:
    with_socket.poll(poll_answer("e-10"))
    with_socket.run("window.notif = watch(new ClienteNotificaciones({rol: 'cocinero', token: 'pn_secret'}));")
    with_socket.run("notif.conectar();")
    with_socket.until(ACTIVE)
    assert sockets.received[0] == '40{"token":"pn_secret"}'
    assert "pn_secret" not in sockets.urls[0]


def test_without_a_right_to_open_sockets_actions_go_by_http(with_socket: Service) -> None:
    with_socket.act((200, {"ok": True, "nuevos": 1}))
    with_socket.run("window.WebSocket = function () { throw new Error('SecurityError'); };")
    live(with_socket)
    with_socket.run("notif.acusarRecibo(8);")
    with_socket.until("seen.length === 3")


@pytest.mark.parametrize("answer", [{}, {"estado": "ok"}, {"pedido_id": 5}, {"codigo": 7}])
def test_a_foreign_answer_on_the_socket_settles_no_action(
    with_socket: Service, sockets: Sockets, answer: dict[str, Any]
) -> None:
    sockets.answers["acusar_recibo"] = answer
    with_socket.act((200, {"ok": True, "nuevos": 1}))
    live_with_socket(with_socket)
    with_socket.run("notif.acusarRecibo(8);")
    with_socket.until("seen.length === 3")
    assert with_socket.seen[2:] == [["acuse_confirmado", 1]]
    assert with_socket.actions == [("POST", "acuses", {"evento_ids": [8]})]


@pytest.mark.parametrize("of", ["connect", "introduction", "introduction later"])
def test_a_socket_that_somebody_else_refuses_is_tried_again(with_socket: Service, sockets: Sockets, of: str) -> None:
    right = sockets.connect
    if of == "connect":
        sockets.connect = '44{"message":"Invalid namespace"}'
    else:
        answer = {} if of == "introduction" else {"codigo": "registro_no_disponible", "mensaje": "Ahora no."}
        sockets.answers["conectar_usuario"] = answer
    live(with_socket)
    soon(with_socket, lambda: sockets.received != [] and len(sockets.opened) == 1)
    with_socket.page.wait_for_timeout(50)
    assert with_socket.run(f"return {ACTIVE};") is False
    sockets.connect, sockets.answers["conectar_usuario"] = right, {"rol": "cocinero"}
    with_socket.within(8_000, ACTIVE)


def test_a_socket_that_is_confirmed_and_goes_mute_is_tried_less_and_less_often(
    with_socket: Service, sockets: Sockets
) -> None:
    """An action waits five seconds for it, and then goes by HTTP."""
    del sockets.answers["ping"]
    with_socket.act((200, {"ok": True, "nuevos": 1}))
    live_with_socket(with_socket)
    for number in range(1, 5):
        with_socket.run(f"notif.acusarRecibo({number});")
        soon(with_socket, lambda number=number: len(sockets.actions) == number)
        with_socket.within(5_100, f"!{ACTIVE}")
        soon(with_socket, lambda number=number: len(with_socket.actions) == number)
        with_socket.run("sources[sources.length - 1].readyState !== 2 && beat(sources[sources.length - 1], 'e-10');")
        lost = with_socket.run("return Date.now();")
        with_socket.within(31_000, ACTIVE)
        waited = (with_socket.run("return Date.now();") - lost) / 1000
        assert min(30, 2 ** (number - 1)) - 0.2 <= waited, (number, waited)


def test_a_stream_that_the_engine_revives_later_is_closed_again(service: Service) -> None:
    live(service)
    service.run("notif.desconectar();")
    service.later(10_000)
    service.run("sources[0].readyState = 0; sources[0].send('open', {});")
    assert service.run("return sources[0].readyState;") == 2
