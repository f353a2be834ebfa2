"""The log as CSV (RFC 4180, with a byte order mark): for a spreadsheet, which must not take a text for a formula."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from .. import events
from ..clock import BUSINESS_DAY_CUT_HOURS
from ..events import CANCELLED, READY
from ..wire.csv_cells import BYTE_ORDER_MARK, FORMULA
from ..wire.json_text import dump
from .event_fields import NO_ACTOR, NO_CHANGES, NO_ORDER, Event, read_event, read_order
from .sentences import Service, sentence

COLUMNS = (
    "id", "fecha_local", "hora_local", "timestamp_utc", "dia_negocio", "tipo", "descripcion", "pedido_id", "mesa",
    "tipo_servicio", "cliente", "estado_anterior", "estado_nuevo", "item_id", "producto", "cantidad_anterior",
    "cantidad_nueva", "razon", "usuario_id", "usuario", "rol", "salas", "operacion_id", "hash", "datos_json",
)  # fmt: skip
SEPARATORS = {"coma": ",", "punto_y_coma": ";"}

# An event's id, time, hash, stored JSON, the JSON of its order as it is now, where the event does not carry it, and
# that of the event which a receipt is of.
Row = tuple[int, int, bytes, bytes, bytes | None, bytes | None]


class CsvEncoder:
    """Encodes rows as lines of CSV. `separator` is the character between two cells; local times are the zone's."""

    def __init__(self, separator: str, zone: tzinfo) -> None:
        self._zone = zone
        self._separator = separator
        # `writerow` returns what `write` does. With the default end of a line: both of its characters are quoted.
        self._write: Callable[[Iterable[Any]], str] = csv.writer(_Itself, delimiter=separator).writerow
        self._minute = -1
        self._times = ("", "", "", "")

    def head(self) -> bytes:
        """Returns the byte order mark and the line of the columns' names."""
        return BYTE_ORDER_MARK + self._write(COLUMNS).encode()

    def line(self, row: Row) -> bytes:
        """Returns a row's line. What needs no look at each character is not left to `csv`: the times, the hash, and the
        JSON, whose quotes are always doubled."""
        event_id, ms, own_hash, stored, *around = row
        date, minute, utc, day = self._times_of(ms)
        seconds = f":{ms % 60_000 // 1000:02}.{ms % 1000:03}"
        when = self._separator.join((str(event_id), date, minute + seconds, f"{utc}{seconds}+00:00", day, ""))
        told = self._write(_cells(*service_of(stored, *around)))[:-2]  # its line goes on
        cells = (when + told + self._separator).encode()
        return b'%b%b%b"%b"\r\n' % (cells, own_hash, self._separator.encode(), stored.replace(b'"', b'""'))

    def _times_of(self, ms: int) -> tuple[str, str, str, str]:
        """Returns the local date and minute, the minute in UTC, and the business day: rows of one minute share them."""
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


def service_of(stored: bytes, order_json: bytes | None, seen_json: bytes | None) -> tuple[Event, Service]:
    """Returns a row's event, and what people know it by."""
    event = read_event(stored)
    order = event.pedido or (NO_ORDER if order_json is None else read_order(order_json))
    return event, Service.of(event, order, None if seen_json is None else read_event(seen_json))


def _cells(event: Event, service: Service) -> list[Any]:
    """Returns the cells from `tipo` to `operacion_id`."""
    actor, changes = event.actor or NO_ACTOR, event.cambios or NO_CHANGES
    cells = (
        event.tipo, sentence(event, service), event.pedido_id, service.table, service.kind, service.customer,
        event.estado_anterior, new_state(event), event.item_id, changes.producto_nombre or event.nombre,
        changes.cantidad_anterior, changes.cantidad_nueva, event.razon, actor.usuario_id, actor.username, actor.rol,
        " ".join(map(str, event.salas)), event.operacion_id,
    )  # fmt: skip
    # Most cells stay as they are: without a call.
    return [
        value
        if value is None or (kind := value.__class__) is int or (kind is str and value[:1] not in FORMULA)
        else _cell(value)
        for value in cells
    ]


def new_state(event: Event) -> Any:
    """Returns the state that an event brought its order to, as the filter `estado` has it; None for any other event."""
    match event.tipo:
        case events.STATE_CHANGE:
            return event.estado
        case events.NEW_ORDER:
            return (event.pedido or NO_ORDER).estado
        case events.ORDER_CANCELLED:
            return CANCELLED
        case events.ORDER_READY if not event.parcial:
            return READY
    return None


def _cell(value: Any) -> Any:
    """Gives a text that a spreadsheet would reckon with the mark that makes it a text; a number stays one."""
    if value.__class__ is str:
        return f"'{value}"
    if value.__class__ is float:
        return int(value) if value.is_integer() else value
    return dump(value)
