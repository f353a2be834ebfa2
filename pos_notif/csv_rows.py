"""The log as CSV (RFC 4180, with a byte order mark): for a spreadsheet, which must not take a text for a formula."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from pydantic_core import from_json

from .clock import BUSINESS_DAY_CUT_HOURS
from .sentences import Service, sentence
from .wire.json_text import dump

COLUMNS = (
    "id", "fecha_local", "hora_local", "timestamp_utc", "dia_negocio", "tipo", "descripcion", "pedido_id", "mesa",
    "tipo_servicio", "cliente", "estado_anterior", "estado_nuevo", "item_id", "producto", "cantidad_anterior",
    "cantidad_nueva", "razon", "usuario_id", "usuario", "rol", "salas", "operacion_id", "hash", "datos_json",
)  # fmt: skip
SEPARATORS = {"coma": ",", "punto_y_coma": ";"}
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FORMULA = frozenset("=+-@\t\r")

# An event's id, time, hash, stored JSON, and the JSON of its order as it is now, where the event does not carry it.
Row = tuple[int, int, bytes, bytes, bytes | None]


class CsvEncoder:
    def __init__(self, separator: str, zone: tzinfo) -> None:
        self._zone = zone
        self._separator = separator
        # `writerow` returns what `write` does. With the default end of a line: both of its characters are quoted.
        self._write: Callable[[Iterable[Any]], str] = csv.writer(_Itself, delimiter=separator).writerow
        self._minute = -1
        self._times = ("", "", "", "")

    def head(self) -> bytes:
        return BYTE_ORDER_MARK + self._write(COLUMNS).encode()

    def line(self, row: Row) -> bytes:
        """What needs no look at each character is not left to `csv`: the times, the hash, and the JSON, whose
        quotes are always doubled."""
        event_id, ms, own_hash, stored, order_json = row
        date, minute, utc, day = self._times_of(ms)
        seconds = f":{ms % 60_000 // 1000:02}.{ms % 1000:03}"
        when = self._separator.join((str(event_id), date, minute + seconds, f"{utc}{seconds}+00:00", day, ""))
        told = self._write(_cells(*service_of(stored, order_json)))[:-2]  # its line goes on
        cells = (when + told + self._separator).encode()
        return b'%b%b%b"%b"\r\n' % (cells, own_hash, self._separator.encode(), stored.replace(b'"', b'""'))

    def _times_of(self, ms: int) -> tuple[str, str, str, str]:
        """Local date and minute, the minute in UTC, and the business day: rows of one minute share them."""
        minute = ms // 60_000
        if minute != self._minute:
            utc = datetime.fromtimestamp(minute * 60, UTC)
            local = utc.astimezone(self._zone)
            day = (local - timedelta(hours=BUSINESS_DAY_CUT_HOURS)).date()
            self._minute = minute
            self._times = (f"{local:%Y-%m-%d}", f"{local:%H:%M}", f"{utc:%Y-%m-%dT%H:%M}", str(day))
        return self._times


class _Itself:
    write = staticmethod(str)


def service_of(stored: bytes, order_json: bytes | None) -> tuple[dict[str, Any], Service]:
    """A row's event, and what its order is to people."""
    event = _without_order(stored) or read_object(stored)
    pedido = event.get("pedido")
    order = pedido if pedido.__class__ is dict else read_object(order_json) if order_json is not None else {}
    return event, Service.of(event, order)


def _without_order(stored: bytes) -> dict[str, Any] | None:
    """The event without most of the order that it carries, for the many changes of dine-in orders of which that would
    say nothing more: reading it is half of a row's time. None for all others, and where `pedido` is not a member of the
    event itself."""
    head, found, order = stored.partition(b',"pedido":{')
    if not found or not _CHANGE.match(head) or not _TABLE.search(head) or not all(part in order for part in _PLAIN):
        return None
    try:
        event = _object(from_json(head + b"}"))
        event["salas"] = from_json(order[order.rindex(_SALAS) + len(_SALAS) - 1 : -1])
    except ValueError:
        return None
    event["pedido"] = {"tipo": "mesa"}
    return None if "metodo_pago" in event else event


_SALAS = b',"salas":['
_CHANGE = re.compile(rb'\{"id":\d+,"tipo":"(?:cambio_estado|pedido_listo)",')
_TABLE = re.compile(rb',"mesa_numero":\d')
_PLAIN = (b',"tipo":"mesa",', b',"cliente_nombre":null,')


def _cells(event: dict[str, Any], service: Service) -> list[Any]:
    """From `tipo` to `operacion_id`."""
    get = event.get
    actor, changes = _object(get("actor")), _object(get("cambios"))
    cells = (
        get("tipo"), sentence(event, service), get("pedido_id"), service.table, service.kind, service.customer,
        get("estado_anterior"), new_state(event), get("item_id"), changes.get("producto_nombre") or get("nombre"),
        changes.get("cantidad_anterior"), changes.get("cantidad_nueva"), get("razon"), actor.get("usuario_id"),
        actor.get("username"), actor.get("rol"), " ".join(map(str, get("salas", ()))), get("operacion_id"),
    )  # fmt: skip
    return [value if value is None or value.__class__ is int else _cell(value) for value in cells]


def new_state(event: dict[str, Any]) -> Any:
    """The state that an event brought its order to, as the filter `estado` has it."""
    match event.get("tipo"):
        case "cambio_estado":
            return event.get("estado")
        case "nuevo_pedido":
            return _object(event.get("pedido")).get("estado")
        case "pedido_cancelado":
            return "cancelado"
        case "pedido_listo" if not event.get("parcial"):
            return "listo"
    return None


def read_object(stored: bytes) -> dict[str, Any]:
    """Nothing of what is damaged: the rest of its row still tells where."""
    try:
        return _object(from_json(stored))
    except ValueError:
        return {}


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _cell(value: Any) -> Any:
    """A number as it is. A text that a spreadsheet would reckon with is given the mark that makes it a text."""
    if value.__class__ is str:
        return f"'{value}" if value[:1] in _FORMULA else value
    if value.__class__ is float:
        return int(value) if value.is_integer() else value
    return dump(value)
