"""The manager's log: its table as JSON, and its downloads (docs/protocol.md, section 12)."""

from __future__ import annotations

from typing import Any

from quart import Blueprint, Response, request

from ..clock import iso
from ..delivery.downloads import Download
from ..errors import Invalid
from ..history.csv_rows import SEPARATORS, service_of
from ..history.event_fields import is_event
from ..history.filters import parse_after, parse_filters
from ..history.query import CSV, NDJSON, Export, read_log_state, read_table
from ..history.sentences import sentence
from ..log.event_log import Cursor, without_rooms
from ..wire.json_text import dump
from .access import principal, require_manager
from .answers import NOT_STORED, json_answer
from .body import client_id, whole_number
from .documented import documented
from .schemas import DownloadQuery, DownloadsAnswer, LogQueryArguments, LogTable
from .services import services

blueprint = Blueprint("log", __name__, url_prefix="/notificaciones")

NEWEST_FIRST, OLDEST_FIRST = ORDERS = ("desc", "asc")
MAX_ROWS, DEFAULT_ROWS = 500, 100
DAMAGED = "Evento dañado"
_CONTENT_TYPE = {CSV: "text/csv; charset=utf-8", NDJSON: "application/x-ndjson"}


@blueprint.get("/eventos")
@documented("registro", {200: LogTable}, errors=(401, 403, 422, 503), query=LogQueryArguments)
async def table() -> Any:
    """El registro como tabla: los eventos que pasan los filtros, y cuántos son."""
    require_manager()
    args, log = request.args, services().log
    filters, after = parse_filters(args, log.zone), parse_after(args)
    limit = whole_number(args, "limite", DEFAULT_ROWS, 1, MAX_ROWS)
    newest_first = _one_of("orden", ORDERS) == NEWEST_FIRST
    beyond = await _beyond(args.get("cursor") or None)

    found = await log.database.search(
        lambda connection: read_table(connection, filters, limit, newest_first=newest_first, beyond=beyond, after=after)
    )
    rows, state = found.rows, found.state
    last = rows[-1][0] if rows else beyond if beyond is not None else state.head_id
    events = [_event_of(row[3]) for row in rows]
    told_of = [service_of(*row[3:]) for row in rows]
    told = {
        "descripciones": [
            sentence(event, service) if whole is not None else DAMAGED
            for whole, (event, service) in zip(events, told_of, strict=True)
        ],
        "numeros": [service.number for _, service in told_of],
        "total": found.total,
        "cursor": log.cursor(last),
        "hay_mas": found.more,
        "cabeza_id": state.head_id,
        "cabeza_hash": state.head_hash,
    }
    shown = b",".join(
        [
            whole or dump({"id": row[0], "timestamp": iso(row[1], log.zone)}).encode()
            for whole, row in zip(events, rows, strict=True)
        ]
    )
    body = b'{"eventos":[%b],%b' % (shown, dump(told)[1:].encode())
    return json_answer(body, headers=_NOT_STORED)


def _event_of(stored: bytes) -> bytes | None:
    """Returns the event as it is sent; None for a damaged row, which would make the whole answer no JSON."""
    try:
        event = without_rooms(stored)
    except ValueError:
        return None
    return event if is_event(stored) and is_event(event) else None


@blueprint.get("/eventos.csv")
@documented("registro", {200: "text/csv"}, errors=(401, 403, 422, 503), query=DownloadQuery)
async def csv_download() -> Any:
    """El registro para una hoja de cálculo."""
    return await _download(CSV)


@blueprint.get("/eventos.ndjson")
@documented("registro", {200: "application/x-ndjson"}, errors=(401, 403, 422, 503), query=DownloadQuery)
async def ndjson_download() -> Any:
    """El registro sin pérdida: un evento por línea, con sus hashes, y una última línea del total."""
    return await _download(NDJSON)


@blueprint.get("/descargas")
@documented("registro", {200: DownloadsAnswer}, errors=(401, 403, 503))
async def downloads() -> Any:
    """Las descargas en curso y las últimas, con lo que cada una lleva enviado."""
    require_manager()
    body = dump({"descargas": await services().together.progress()})
    return json_answer(body, headers=_NOT_STORED)


async def _download(kind: str) -> Response:
    require_manager()
    log = services().log
    filters, after = parse_filters(request.args, log.zone), parse_after(request.args)
    separator = _one_of("separador", tuple(SEPARATORS))
    # The upper bound: what is appended from here on, the note of this download included, is not in it.
    state = await log.database.read(read_log_state)
    day = iso(log.clocks.wall(), log.zone)[:10]
    headers = {
        **_NOT_STORED,
        "Content-Type": _CONTENT_TYPE[kind],
        "Content-Disposition": f'attachment; filename="registro-{day}.{kind}"',
        "X-Registro-Cabeza": f"{state.head_id} {state.head_hash}",
    }
    if request.method == "HEAD":
        return Response(b"", headers=headers)
    export = Export(kind, filters, separator, after, state, log.zone)
    download = await services().downloads.start(export, client_id(request.args, "descarga"), principal())
    return DownloadResponse(download, headers=headers)


class DownloadResponse(Response):
    """A download's answer: its length is not known before, and it may take as long as the client does."""

    def __init__(self, download: Download, headers: dict[str, str]) -> None:
        super().__init__(aiter(download), headers=headers)
        self.timeout = None


def _one_of(name: str, words: tuple[str, ...]) -> str:
    """Reads one of these words, the first where none was sent. Raises Invalid."""
    text = request.args.get(name) or words[0]
    if text not in words:
        raise Invalid(fields={name: "debe ser uno de: " + ", ".join(words)})
    return text


async def _beyond(text: str | None) -> int | None:
    """Reads the cursor of a table that was read before, and returns its id. Raises Invalid, also for another log's,
    which says nothing about this one's rows."""
    if text is None:
        return None
    cursor = Cursor.parse(text)
    found = await services().log.find(cursor) if cursor is not None else None
    if found is None or found >= 2**63:
        raise Invalid(fields={"cursor": "no es de este registro"})
    return found


_NOT_STORED = {**NOT_STORED, "X-Accel-Buffering": "no"}
