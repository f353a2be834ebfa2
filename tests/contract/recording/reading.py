"""What is read: polls, replays, figures, the log and its downloads, pages, the API's own documents."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from .openapi import shape
from .play import CLIENT, PEOPLE, Play, until
from .wire import Stream


def polls(stage: Play) -> None:
    file, url = "polling", "/api/notificaciones/polling"
    for name, role in PEOPLE.items():
        stage.ask(file, f"{name} without a cursor", "GET", f"{url}/{role}", who=name)
        stage.ask(file, f"{name} from the beginning", "GET", f"{url}/{role}?cursor={stage.epoch}-0&limite=3", who=name)
    stage.ask(file, "a manager reads the kitchen's", "GET", f"{url}/cocinero?cursor={stage.epoch}-2&limite=2")
    newest = stage.call("GET", f"{url}/manager?limite=1", who="ana")
    cursor = newest.json["cursor"]
    stage.ask(file, "nothing new", "GET", f"{url}/manager?cursor={cursor}")
    stage.ask(file, "nothing new, with its tag", "GET", f"{url}/manager?cursor={cursor}", If_None_Match=f'"{cursor}"')
    stage.ask(
        file, "nothing new, with a weak tag", "GET", f"{url}/manager?cursor={cursor}", If_None_Match=f'W/"{cursor}"'
    )
    for title, bad in bad_cursors(stage).items():
        stage.ask(file, f"a cursor that is {title}", "GET", f"{url}/mesero?cursor={bad}", who="beto",
                  If_None_Match=f'"{cursor}"')  # fmt: skip
    stage.ask(file, "waits for nothing", "GET", f"{url}/manager?cursor={cursor}&espera=1&cliente={CLIENT}")
    with ThreadPoolExecutor(1) as thread:
        waiting = thread.submit(stage.call, "GET", f"{url}/manager?cursor={cursor}&espera=25", who="pos")
        stage.publish("what a poll waits for", {"tipo": "alerta_stock", "producto_id": 6, "nombre": "Sal"})
        stage.transcript.exchange(file, "what it waited for came", waiting.result())
    for query in ("limite=0", "limite=501", "limite=x", "espera=26", "espera=0"):
        stage.ask(file, f"wrong: {query}", "GET", f"{url}/manager?{query}")
    stage.ask(file, "another's", "GET", f"{url}/cajero", who="beto")
    stage.ask(file, "no such role", "GET", f"{url}/gerente")
    stage.ask(file, "nobody", "GET", f"{url}/mesero", who="")


def bad_cursors(stage: Play) -> dict[str, str]:
    return {"malformed": "inicio2", "another log's": "aaaaaa-3", "of the future": f"{stage.epoch}-999999"}


def state(stage: Play) -> None:
    stage.ask("state", "the figures of the day", "GET", "/api/cifras")
    stage.ask("state", "the figures of another day", "GET", "/api/cifras?dia=2026-11-20")
    stage.ask("state", "the figures of no day", "GET", "/api/cifras?dia=ayer")
    stage.ask("state", "a waiter's figures", "GET", "/api/cifras", who="beto")
    stage.ask("state", "a waiter asks who is connected", "GET", "/api/notificaciones/estado", who="beto")


def replays(stage: Play, live: dict[str, Stream]) -> None:
    """Whoever comes back is told what was told to those who stayed."""
    file = "replay"
    for name, role in PEOPLE.items():
        newest = stage.call("GET", f"/api/notificaciones/polling/{role}?cursor={stage.epoch}-0&limite=500", who=name)
        end = f"id: {stage.epoch}-{newest.json['eventos'][-1]['id']}\n"
        told = _events_of(live[name].read_until(end), end)
        first = stage.stream(role, name, "?cursor=inicio").read_until(end)
        greeting = first.body[first.body.index(b"id: ") : _greeting(first)]
        if _events_of(first, end) == told:
            first.body = first.body[: _greeting(first)] + b"\n\n(the same bytes as were told live)"
        stage.record_stream(file, f"{name} from the beginning", first)
        for title, query, headers in (
            ("by the header", "", {"Last_Event_ID": f"{stage.epoch}-0"}),
            ("by the query", f"?lastEventId={stage.epoch}-0", {}),
            ("by the query's other name", f"?last_event_id={stage.epoch}-0", {}),
        ):
            stream = stage.stream(role, name, query, **headers).read_until(end)
            if (
                stream.body[stream.body.index(b"id: ") : _greeting(stream)] == greeting
                and _events_of(stream, end) == told
            ):
                stage.transcript.add(file, f"{name} {title}", "(the same bytes)")
            else:
                stage.record_stream(file, f"{name} {title}", stream)
    middle = stage.stream("manager", "ana", Last_Event_ID=f"{stage.epoch}-10").read_until(end)
    stage.record_stream(file, "ana from the middle", middle)
    for title, bad in bad_cursors(stage).items():
        stream = stage.stream("mesero", "beto", Last_Event_ID=bad).read_until("event: resincronizar")
        stage.record_stream(file, f"a cursor that is {title}", stream)
    stage.head_only(file, "HEAD", "HEAD", "/api/notificaciones/stream/mesero", who="beto")


def _greeting(stream: Stream) -> int:
    """Where it ends."""
    return stream.body.index(b"\n\n", stream.body.index(b"event: hola"))


def _events_of(stream: Stream, end: str) -> bytes:
    """What follows the greeting, up to the frame of that id."""
    return stream.body[_greeting(stream) : stream.body.index(b"\n\n", stream.body.index(end.encode()))]


def log_table(stage: Play) -> None:
    file, url = "log", "/api/notificaciones/eventos"
    for query in (
        "limite=3", "limite=2&orden=asc", f"limite=2&cursor={stage.epoch}-20", "tipo=pedido_listo&limite=5",
        "pedido_id=3", "mesa=9", "usuario=ROSA&limite=2", "rol=cajero&limite=2", "sala=cajeros&limite=2",
        "estado=cancelado", "q=caf%C3%A9&limite=2", "desde=2026-11-24T19:10:00&hasta=2026-11-24T19:13:00&limite=3",
        "dia=2026-11-24&limite=1", "dia=2026-11-23", "desde_id=58",
        "q=%25&limite=1&orden=asc", "usuario=41", "asunto=cancelado&limite=2", "asunto=alarma&limite=1",
        "numero=%233&limite=2",
    ):  # fmt: skip
        stage.ask(file, query, "GET", f"{url}?{query}")
    stage.ask(
        file,
        "wrong filters",
        "GET",
        f"{url}?desde=ayer&tipo=x&pedido_id=0&mesa=-1&sala=bar&estado=frito&rol=x&asunto=x&desde_id=a",
    )
    for query in ("limite=0", "orden=lado", "cursor=aaaaaa-1"):
        stage.ask(file, f"wrong: {query}", "GET", f"{url}?{query}")
    stage.ask(file, "a waiter", "GET", url, who="beto")


def downloads(stage: Play) -> None:
    url = "/api/notificaciones/eventos"
    stage.ask("csv", "all", "GET", f"{url}.csv?descarga={CLIENT}")
    stage.ask("csv", "with semicolons, of a state", "GET", f"{url}.csv?separador=punto_y_coma&estado=listo")
    stage.ask("csv", "of another separator", "GET", f"{url}.csv?separador=tab")
    stage.ask("ndjson", "all", "GET", f"{url}.ndjson")
    stage.ask("ndjson", "of the waiters' room, of an order", "GET", f"{url}.ndjson?sala=meseros&pedido_id=1")
    stage.ask("ndjson", "going on", "GET", f"{url}.ndjson?desde_id=60")
    stage.head_only("ndjson", "HEAD", "HEAD", f"{url}.ndjson", who="ana")
    stage.ask("ndjson", "a waiter", "GET", f"{url}.ndjson", who="beto")
    status = f"{url.removesuffix('eventos')}descargas"
    until(lambda: '"en_curso"' not in stage.call("GET", status, who="ana").body.decode())
    stage.ask("ndjson", "how far they are", "GET", status)


def pages(stage: Play) -> None:
    file = "pages"
    for path in ("/", "/login", "/cocina", "/pos", "/caja", "/manager", "/manager/registro", "/manager/menu", "/docs"):
        stage.head_only(file, "nobody", "GET", path)
        stage.head_only(file, "ana", "GET", path, who="ana")
        for name in PEOPLE:
            answer = stage.call("GET", path, who=name)
            stage.transcript.add(file, f"{name} on {path}", f"{answer.status} {answer.header('location')}".strip())
            if answer.status == 200:
                stage.transcript.aside(f"page{path.replace('/', '-')}-{name}.html", answer.body)
    stage.head_only(file, "with somewhere to go", "GET", "/login?next=/pos", who="beto")
    stage.head_only(file, "with elsewhere to go", "GET", "/login?next=//evil.example", who="beto")
    for path in (
        "/favicon.ico", "/sw.js", "/static/js/notificaciones.js", "/static/favicon.svg", "/docs/swagger-ui.css",
        "/nada", "/static/nada.js", "/static/../schema.sql", "//api/pedidos",
    ):  # fmt: skip
        stage.head_only(file, "nobody", "GET", path)
    stage.head_only(file, "a token sees no page", "GET", "/cocina", who="pos")


def documents(stage: Play) -> None:
    answer = stage.head_only("openapi", "the document", "GET", "/openapi.json")
    stage.transcript.aside("openapi.json", answer.body)
    stage.transcript.add("openapi", "what it says", *shape(answer.json))
    metrics = stage.head_only("metrics", "the exposition", "GET", "/metrics")
    lines = metrics.body.decode().splitlines()
    kept = [line if line.startswith("#") else line.rpartition(" ")[0] for line in lines if "process_" not in line]
    stage.transcript.add("metrics", "its series", *kept)
