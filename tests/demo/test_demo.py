"""`pos-notif demo`: the real process with its real service."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pos_notif.cli.demo import of_the_demo
from pos_notif.config import Config
from pos_notif.demo.menu import MENU
from pos_notif.demo.own_database import prepare, refuse_foreign
from pos_notif.demo.people import PEOPLE
from tests.support.command_line import PROGRAM
from tests.support.forking import FORKER
from tests.support.live_server import clean_environment, run_cli
from tests.support.stopwatch import Stopwatch
from tests.support.waiting import eventually

LONG = 60.0  # for a machine that does much else


class Demo:
    """A real `pos-notif demo`, once it has said its URL."""

    def __init__(self, *arguments: str, temporary: Path, forked: bool = True) -> None:
        command, environment = ["demo", "--port", "0", *arguments], clean_environment(TMPDIR=str(temporary))
        self.process = (
            FORKER.start(command, environment)
            if forked
            else subprocess.Popen(
                [*PROGRAM, *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
            )
        )
        self.errors: list[str] = []
        self._reader = threading.Thread(target=self._read_stderr, daemon=True)
        self._reader.start()
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()
        assert self.url.startswith("http://127.0.0.1:"), self.errors

    def _read_stderr(self) -> None:
        assert self.process.stderr is not None
        self.errors.extend(self.process.stderr)  # grows line by line

    def pin(self, role: str) -> tuple[str, str]:
        """The name and PIN that were printed for the role."""
        pattern = re.compile(rf"\s+{role}\s+(\S+)\s+PIN (\d+)")
        found = eventually(lambda: next(filter(None, map(pattern.match, list(self.errors))), None), LONG)
        return found[1], found[2]

    def request(self, role: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """As the printed user of the role: a GET, or a POST of `body`."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Cookie": self.sign_in(role), "Content-Type": "application/json"}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers), timeout=LONG) as answer:
            return json.load(answer)

    def sign_in(self, role: str) -> str:
        username, pin = self.pin(role)
        body = json.dumps({"username": username, "password": pin}).encode()
        request = urllib.request.Request(f"{self.url}/api/auth/login", body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=LONG) as answer:
            assert json.load(answer)["rol"] == role
            return answer.headers["Set-Cookie"].split(";")[0]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """The exit code and all of standard error."""
        self.process.send_signal(number)
        code = self.process.wait(LONG)
        self._reader.join(LONG)
        return code, "".join(self.errors)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(LONG)
        self._reader.join(LONG)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()


class Follower:
    """A role's events by polling, as an old browser gets them."""

    def __init__(self, demo: Demo, role: str) -> None:
        self._url = f"{demo.url}/api/notificaciones/polling/{role}?limite=500&espera=1"
        self._cookie = demo.sign_in(role)
        self._cursor = ""
        self.events: list[dict[str, Any]] = []

    def poll(self) -> list[dict[str, Any]]:
        """Everything so far."""
        request = urllib.request.Request(f"{self._url}&cursor={self._cursor}", headers={"Cookie": self._cookie})
        try:
            with urllib.request.urlopen(request, timeout=LONG) as answer:
                page = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 429:
                    raise
                time.sleep(int(error.headers["Retry-After"]))  # a busy restaurant has always something new
            return self.poll()
        assert not page.get("resincronizar")
        self._cursor = page["cursor"]
        self.events += page["eventos"]
        return self.events


@pytest.fixture
def start_demo(tmp_path: Path) -> Iterator[Any]:
    demos: list[Demo] = []
    temporary = tmp_path / "temporary"
    temporary.mkdir()

    def start(*arguments: str, **how: Any) -> Demo:
        demos.append(Demo(*arguments, temporary=temporary, **how))
        return demos[-1]

    yield start
    for demo in demos:
        demo.close()
    if all(demo.process.returncode == 0 for demo in demos):
        assert list(temporary.iterdir()) == []  # the database is gone


def states_reached(events: list[dict[str, Any]]) -> set[str]:
    whole = [event["pedido"] for event in events if "pedido" in event]
    return {order["estado"] for order in whole}


def test_a_restaurant_comes_to_life_over_http_and_stops_without_a_trace(start_demo):
    demo = start_demo("--pace", "20", "--seed", "8", forked=False)
    cook, manager = Follower(demo, "cocinero"), Follower(demo, "manager")
    wanted = {"nuevo_pedido", "cambio_estado", "item_modificado", "pedido_listo", "alerta_stock"}
    eventually(lambda: wanted <= {event["tipo"] for event in manager.poll()}, LONG)
    states = {"pendiente_pago", "pagado", "en_mesa", "en_cocina", "listo", "servido", "cerrado"}
    eventually(lambda: states <= states_reached(manager.poll()), LONG)
    assert {event["actor"]["username"] for event in manager.events} <= {person.username for person in PEOPLE}
    assert all(event["actor"]["usuario_id"] for event in manager.events)
    # The staff count as screens: each is connected, a cook has seen what came, and nobody is alarmed.
    eventually(lambda: "acuse_recibo" in {event["tipo"] for event in manager.poll()}, LONG)
    assert {event["actor"]["rol"] for event in manager.events if event["tipo"] == "acuse_recibo"} == {"cocinero"}
    staff = {(person.username, "sse") for person in PEOPLE if person.role != "manager"}

    def here() -> set[tuple[str, str]]:
        answer = demo.request("manager", "/api/notificaciones/estado")
        return {(each["username"], each["transporte"]) for each in answer["conexiones"] if each["conectado"]}

    eventually(lambda: here() >= staff, LONG)
    assert not {event["tipo"] for event in manager.events} & {"sin_acuse", "sin_pantalla"}

    def cooked_takeaways() -> dict[int, int]:
        """By takeaway the event that paid it, of those of which the cook has heard."""
        heard = {event.get("pedido_id") for event in cook.poll()}
        paid = {
            event["pedido_id"]: event["id"]
            for event in manager.poll()
            if event["tipo"] == "cambio_estado" and event["estado"] == "pagado"
        }
        return {number: event_id for number, event_id in paid.items() if number in heard}

    eventually(lambda: len(takeaways := cooked_takeaways()) >= 3 and takeaways, LONG)
    unpaid = {
        event["pedido_id"]
        for event in manager.events
        if event["tipo"] == "nuevo_pedido" and event["pedido"]["estado"] == "pendiente_pago"
    }
    paid = cooked_takeaways()
    assert set(paid) <= unpaid | {event["pedido_id"] for event in manager.events if event.get("liberado")}
    for event in cook.events:
        if event.get("pedido_id") in unpaid:
            assert event["id"] >= paid.get(event["pedido_id"], sys.maxsize), event

    code, errors = demo.stop()
    assert code == 0
    assert "Traceback" not in errors
    assert demo.process.stdout.read() == ""


def test_without_staff_only_people_move_what_the_guests_order(start_demo):
    demo = start_demo("--pace", "100", "--seed", "8", "--no-staff")
    manager = Follower(demo, "manager")
    # By then a staff would have started and served.
    eventually(lambda: [event["tipo"] for event in manager.poll()].count("item_modificado") >= 2, LONG)
    assert not {event["tipo"] for event in manager.events} & {"cambio_estado", "pedido_listo", "acuse_recibo"}
    menu = demo.request("mesero", "/api/productos")["productos"]
    assert 20 <= len(menu) <= 30
    assert all(product["precio"] > 0 and product["categoria"] for product in menu)

    def begin_one_at_a_table() -> Any:
        open_orders = demo.request("manager", "/api/pedidos")["pedidos"]
        table = next(order for order in open_orders if order["estado"] == "en_mesa")
        started = {"accion": "iniciar", "operacion_id": f"a {table['id']}"}
        try:
            return demo.request("cocinero", f"/api/pedidos/{table['id']}/acciones", started)
        except urllib.error.HTTPError as error:
            with error:
                if error.code != 409:  # its guests have cancelled it meanwhile
                    raise
            return None

    assert eventually(begin_one_at_a_table, LONG)["pedido"]["estado"] == "en_cocina"
    assert demo.stop()[0] == 0


def test_what_a_person_touches_is_theirs_while_the_rest_goes_on(start_demo):
    demo = start_demo("--pace", "8", "--seed", "8")
    manager = Follower(demo, "manager")

    def at_a_table(event: dict[str, Any]) -> bool:
        return event.get("estado") == "en_cocina" and event["tipo_servicio"] == "mesa"

    tried: set[int] = set()

    def touch() -> tuple[int, int] | None:
        """The order and the event; None where its guests have just taken the line off, or gone."""
        for started in filter(at_a_table, manager.poll()):
            if started["pedido_id"] in tried:
                continue
            tried.add(started["pedido_id"])
            line = started["pedido"]["items"][0]
            note = {"accion": "cambiar_notas", "item_id": line["id"], "notas": "mía", "operacion_id": "a"}
            try:
                # With a name that the simulation works under as well.
                done = demo.request("manager", f"/api/pedidos/{started['pedido_id']}/acciones", note)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code not in (409, 422):
                        raise
            else:
                return started["pedido_id"], done["evento_id"]
        return None

    order_id, touched = eventually(touch, LONG)

    def later() -> list[dict[str, Any]]:
        return [event for event in manager.poll() if event["id"] > touched and event["tipo"] == "cambio_estado"]

    eventually(lambda: len(later()) >= 10, LONG)
    after = [event for event in manager.events if event["id"] > touched and event.get("pedido_id") == order_id]
    assert {event["tipo"] for event in after} <= {"acuse_recibo"}  # that a cook has seen it touches nothing
    assert demo.stop()[0] == 0


def test_control_c_ends_it_as_well_and_at_once(start_demo):
    for _ in range(3):
        demo = start_demo("--pace", "20")
        with Stopwatch() as watch:
            code, errors = demo.stop(signal.SIGINT)
        assert (code, "Traceback" in errors) == (0, False)
        assert watch.seconds < 8  # less than the simulation's patience with a request


def test_a_kept_database_goes_on_where_it_was_with_the_pins_that_are_shown(start_demo, tmp_path):
    database = tmp_path / "demo.db"
    demo = start_demo("--pace", "20", "--database", str(database))
    manager = Follower(demo, "manager")
    before = eventually(lambda: len(manager.poll()) >= 8 and manager.events, LONG)
    assert demo.stop()[0] == 0
    old = {event["pedido_id"] for event in before if "pedido_id" in event}
    run_cli("user", "password", "Rosa", "--password", "otro pin", database=database)
    run_cli("user", "delete", "Elena", database=database)

    demo = start_demo("--pace", "20", "--database", str(database))
    demo.sign_in("cajero")
    manager = Follower(demo, "manager")
    newest = max(event["id"] for event in before)
    later = eventually(lambda: [e for e in manager.poll() if e["id"] > newest and e["tipo"] == "nuevo_pedido"], LONG)
    assert not {event["pedido_id"] for event in later if not event["liberado"]} & old
    assert len(demo.request("manager", "/api/productos")["productos"]) == len(MENU)
    eventually(lambda: {event.get("pedido_id") for event in manager.poll() if event["id"] > newest} & old, LONG)
    assert demo.stop()[0] == 0


def test_a_cook_whose_session_was_ended_signs_in_again_and_has_a_screen(start_demo, tmp_path):
    database = tmp_path / "demo.db"
    demo = start_demo("--pace", "20", "--database", str(database))

    def screens() -> set[str]:
        rows = demo.request("manager", "/api/notificaciones/estado")["conexiones"]
        return {row["sid"] for row in rows if row["rol"] == "cocinero" and row["conectado"]}

    cooks = sum(person.role == "cocinero" for person in PEOPLE)
    eventually(lambda: len(screens()) == cooks, LONG)
    before = screens()
    for line in run_cli("session", "list", database=database).stdout.splitlines():
        if "\tcocinero\t" in line:
            run_cli("session", "revoke", line.split()[0], database=database)
    eventually(lambda: len(screens() - before) == cooks, LONG)
    assert demo.stop()[0] == 0


def test_it_has_a_name_and_limits_that_follow_its_pace_unless_the_environment_has_others():
    usual = of_the_demo(Config(), 10.0)
    assert usual.restaurant_name == "Pupusería La Ceiba"
    assert (usual.warn_minutes * 60, usual.late_minutes * 60) == (9.0, 15.0)
    assert of_the_demo(Config(), 0.001).late_minutes == 24 * 60
    own = of_the_demo(Config(restaurant_name="Comedor", late_minutes=20.0), 1.0)
    assert (own.restaurant_name, own.warn_minutes, own.late_minutes) == ("Comedor", 1.5, 20.0)


def refusal(*arguments: str) -> tuple[int, str]:
    done = FORKER.run(["demo", "--port", "0", *arguments], clean_environment())
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.mark.parametrize("name", ["Juan Pérez", "Rosa"])
def test_a_database_with_other_users_is_refused_and_left_alone(tmp_path, name):
    database = tmp_path / "real.db"
    run_cli("user", "create", name, "--role", "cajero", "--password", "4444", database=database)
    before = database.read_bytes()
    code, errors = refusal("--database", str(database))
    assert code == 1
    assert re.fullmatch(r"pos-notif: .*real\.db: .*never mixes with a real log.*\n", errors)
    assert database.read_bytes() == before


def test_a_database_with_a_real_publisher_is_refused_though_it_has_no_users(tmp_path):
    database = tmp_path / "real.db"
    run_cli("token", "create", "pos", database=database)
    assert refusal("--database", str(database))[0] == 1


def test_a_database_of_the_demo_is_refused_once_somebody_else_is_in_it(tmp_path):
    database = tmp_path / "demo.db"
    asyncio.run(prepare(database))
    refuse_foreign(str(database))
    run_cli("user", "create", "Juan Pérez", "--role", "manager", "--password", "4444", database=database)
    code, errors = refusal("--database", str(database))
    assert code == 1
    assert "users that the demo did not make (Juan Pérez)" in errors


def test_a_file_that_is_no_database_is_refused_with_one_line(tmp_path):
    file = tmp_path / "notes.txt"
    file.write_text("pupusas: 12\n" * 500)
    code, errors = refusal("--database", str(file))
    assert (code, errors.count("\n")) == (1, 1)


@pytest.mark.parametrize("pace", ["0", "-1", "nan", "inf", "fast", "", "100.1"])
def test_a_pace_that_is_none_is_a_usage_error(pace):
    code, errors = refusal("--pace", pace)
    assert (code, errors.count("\n")) == (2, 1)
    assert errors.startswith("pos-notif: --pace: ")
