"""An evening of a restaurant, told to the service through all of its doors."""

from __future__ import annotations

from .commands import command_line, command_line_beside_it
from .orders import following, menu_and_orders, receipts
from .play import CLIENT, LOG, PEOPLE, PEOPLE_ALONE, PIN, Play, until
from .publishing import publishing, refusals
from .reading import documents, downloads, log_table, pages, polls, replays, state
from .sockets import kitchens_screen, sockets
from .wire import Stream, Websocket

DAY = 24 * 3600


def play(stage: Play) -> None:
    people_and_tokens(stage)
    stage.begin_log(LOG)
    # What goes by the time that passes, and not by the clock that is held, has services of its own (`limits.py`).
    still = {
        "heartbeat_seconds": "0",
        "stream_seconds": "0",
        "ack_seconds": "0",
        "screen_seconds": "0",
        "poll_rate": "0",
    }
    with stage.serving(
        LOG, **still, origins="https://pos.example", restaurant_name="Comedor Rosita", kitchen_hides="terminal",
        max_event_bytes="8192", session_hours="100", max_body_bytes="32768",
    ) as server:  # fmt: skip
        stage.transcript.add("cli", "the service is up", server.first_line.strip())
        stage.epoch = stage.learn_epoch()
        signing_in(stage)
        live = {}
        for name, role in PEOPLE.items():  # one after the other: the list of connections is in this order
            query = f"?cliente={CLIENT}" if name == "carla" else ""
            live[name] = stage.stream(role, name, query).read_until("event: hola")
        stage.ask("state", "who is connected", "GET", "/api/notificaciones/estado")
        for path in ("/healthz", "/readyz"):
            stage.ask("state", "is it well", "GET", path, who="")
        publishing(stage)
        refusals(stage)
        menu_and_orders(stage)
        following(stage)
        receipts(stage)
        cook_goes = sockets(stage)
        polls(stage)
        state(stage)
        replays(stage, live)
        log_table(stage)
        downloads(stage)
        pages(stage)
        documents(stage)
        command_line_beside_it(stage)
        pruning(stage)
        last = endings(stage, live["beto"])
        cook_goes()
        code = server.stop()
        stage.transcript.add("cli", "the service was told to stop", f"exit code {code}")
        last.rest()
        stage.record_socket("a service that stops", last)
        for name, stream in live.items():
            stage.record_stream(f"stream-{PEOPLE[name]}", f"the evening of {name}", stream.read_to_end())
    found = [line.strip() for line in server.log if '"path": "/healthz"' in line]
    stage.transcript.add("cli", "a line of the access log", *found)
    if stage.everything:
        command_line(stage)


def people_and_tokens(stage: Play) -> None:
    """In a file of their own, which each log of the recording begins as."""
    at = ("--database", PEOPLE_ALONE)
    for name, role in PEOPLE.items():
        stage.command(f"{name} works here", "user", "create", name, "--role", role, "--password", PIN, *at)
    stage.create_token("pos", "manager", PEOPLE_ALONE)
    stage.create_token("pantalla", "cocinero", PEOPLE_ALONE)
    stage.aside("a user from a pipe", "user", "create", "Tita", "--role", "mesero", *at, typed=f"{PIN}\n")
    stage.aside("a user that is there", "user", "create", "ANA", "--role", "mesero", "--password", PIN, *at)
    stage.aside("a short PIN", "user", "create", "Luis", "--role", "mesero", "--password", "12", *at)
    stage.aside("users", "user", "list", *at)
    stage.aside("tokens", "token", "list", *at)


def signing_in(stage: Play) -> None:
    file, login = "sign-in", "/api/auth/login"
    for name in PEOPLE:
        stage.sign_in(name)
    stage.sign_in("beto", key="another beto")
    good = {"username": "ana", "password": PIN}
    stage.ask(file, "whose session", "GET", "/api/auth/sesion")
    stage.ask(file, "whose token", "GET", "/api/auth/sesion", who="pos")
    stage.ask(file, "nobody's", "GET", "/api/auth/sesion", who="")
    stage.ask(file, "a wrong token", "GET", "/api/auth/sesion", who="wrong")
    stage.ask(file, "whose names", "GET", "/api/auth/personas", who="")
    stage.ask(file, "a wrong PIN", "POST", login, {"username": "beto", "password": "0000"}, who="")
    stage.ask(file, "an unknown user", "POST", login, {"username": "nadie", "password": PIN}, who="")
    stage.ask(file, "no PIN", "POST", login, {"username": "ana"}, who="")
    stage.ask(file, "no JSON", "POST", login, b"{", who="")
    stage.ask(file, "a list", "POST", login, [1], who="")
    stage.ask(file, "a form", "POST", login, b"username=ana", who="", Content_Type="application/x-www-form-urlencoded")
    stage.ask(file, "over HTTPS, by a proxy's word", "POST", login, good, who="", X_Forwarded_Proto="https")
    stage.ask(file, "from a foreign page", "POST", login, good, who="", Origin="https://evil.example")
    stage.ask(file, "from a listed page", "POST", login, good, who="", Origin="https://pos.example")
    stage.head_only(
        file, "a listed page asks before", "OPTIONS", "/api/pedidos", Origin="https://pos.example",
        Access_Control_Request_Method="POST", Access_Control_Request_Headers="content-type,idempotency-key",
    )  # fmt: skip
    wrong = {"username": "carla", "password": "0000"}
    for _ in range(5):
        stage.call("POST", login, wrong)
    stage.ask(file, "wrong for the sixth time", "POST", login, wrong, who="")
    stage.ask(file, "he signs out", "POST", "/api/auth/logout", who="another beto")
    stage.ask(file, "he is signed out", "GET", "/api/auth/sesion", who="another beto")
    stage.ask(file, "a token signs out", "POST", "/api/auth/logout", who="pos")
    stage.ask(file, "a form signs out", "POST", "/api/auth/logout", b"x=1", who="pos",
              Content_Type="application/x-www-form-urlencoded")  # fmt: skip


def pruning(stage: Play) -> None:
    stage.clock.later(2 * DAY)
    old = stage.call("GET", "/api/notificaciones/polling/manager?limite=1", who="pos").json["cursor"]
    stage.publish("two days later", {"tipo": "nuevo_pedido", "pedido": {"id": 50, "mesa_numero": 1}})
    stage.clock.later(5)
    stage.command("a pruning of more than half", "prune", "--keep", "24h", "--database", LOG)
    stage.command("what would be pruned", "prune", "--keep", "24h", "--dry-run", "--database", LOG)
    stage.command("pruned beside the service", "prune", "--keep", "24h", "--yes", "--database", LOG)
    pruned = int(old.rpartition("-")[2]) + 2
    polled = "/api/notificaciones/polling/manager"
    until(lambda: f'-{pruned}"' in stage.call("GET", f"{polled}?cursor={old}", who="pos").body.decode())
    stage.ask("polling", "a cursor that is expired", "GET", f"{polled}?cursor={stage.epoch}-3", who="pos")
    stream = stage.stream("manager", "pos", Last_Event_ID=f"{stage.epoch}-3").read_until("event: resincronizar")
    stage.record_stream("replay", "a cursor that is expired", stream)
    stage.ask("log", "what a pruning leaves", "GET", "/api/notificaciones/eventos", who="pos")
    stage.ask("orders", "what a pruning leaves", "GET", "/api/pedidos", who="pos")
    stage.ask("orders", "an order that went", "GET", "/api/pedidos/3", who="pos")
    stage.ask("ndjson", "what a pruning leaves", "GET", "/api/notificaciones/eventos.ndjson", who="pos")


def endings(stage: Play, waiter: Stream) -> Websocket:
    """A session ends, and its streams with it. The socket that is returned stays until the service stops."""
    stage.command("beto's PIN changes", "user", "password", "beto", "--password", "9999", "--database", LOG)
    waiter.read_to_end()
    kitchen = kitchens_screen(stage)
    stage.command("the screen's token goes", "token", "revoke", "pantalla", "--database", LOG)
    kitchen.lines.clear()
    kitchen.rest()
    stage.record_socket("a token that was revoked", kitchen)
    last = stage.websocket("ana")
    last.receive()
    last.send("40")
    last.receive()
    last.lines.clear()
    return last
