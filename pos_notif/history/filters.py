"""Which rows of the log are asked for: what a caller sends, checked, and the same as a condition in SQL
(docs/protocol.md, section 12)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from ..clock import business_day_start
from ..database.literals import literals
from ..errors import Invalid
from ..events import (
    ALARMS,
    CANCELLED,
    FILTERED_ROOMS,
    ITEM_CHANGED,
    KITCHEN,
    MANAGERS,
    NEW_ORDER,
    ORDER_CANCELLED,
    ORDER_READY,
    ORDER_ROOM,
    READY,
    STATE_CHANGE,
    STATES,
    TILLS,
    TYPES,
    WAITERS,
)
from ..orders.state import CANCEL
from ..wire.json_limits import MAX_ID

MAX_TEXT = 200
_FLAG = {KITCHEN: "to_kitchen", WAITERS: "to_waiters", TILLS: "to_tills"}
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# `fromisoformat` alone would take a date in any other form for its first moment, as an end too.
_TIME = re.compile(r"[^T ]+[T ]\d.*", re.ASCII)
# A `+` that was not escaped in an address has become a space.
_LOST_PLUS = re.compile(r"(.*T.*) (\d{2}(?::?\d{2})?)", re.ASCII)
_BAD_TIME = "debe ser una fecha (2026-11-24) o una hora ISO 8601 (2026-11-24T19:05:12-06:00)"


def _of_json(row: str, expression: str) -> str:
    """Makes the expression NULL for a row whose JSON is damaged, where SQLite would end the whole statement."""
    return f"iif(json_valid({row}.data), {expression}, NULL)"


def _own(name: str) -> str:
    return _of_json("e", f"coalesce(json_extract(e.data, '$.{name}'), json_extract(e.data, '$.pedido.{name}'))")


def _orders(name: str) -> str:
    return _of_json("o", f"json_extract(o.data, '$.{name}')")


# A table is asked for by its number or its name: the event's own, its order's in it, or else the one that the log knows
# of the order. An event by which guests left it is found too.
_LEFT = _of_json("e", "json_extract(e.data, '$.mesa_anterior')")
_TABLE = f"""(? IN ({_own("mesa_numero")}, {_LEFT})
 OR ? COLLATE NOCASE IN ({_own("mesa")}, {_LEFT})
 OR ({_own("mesa_numero")} IS NULL AND {_own("mesa")} IS NULL AND EXISTS (SELECT 1 FROM orders AS o
 WHERE o.id = e.order_id AND ({_orders("mesa_numero")} = ? OR {_orders("mesa")} = ? COLLATE NOCASE))))"""
# The state that an event brought its order to.
_STATE = _of_json("e", f"""CASE e.type WHEN '{STATE_CHANGE}' THEN json_extract(e.data, '$.estado')
 WHEN '{NEW_ORDER}' THEN json_extract(e.data, '$.pedido.estado') WHEN '{ORDER_CANCELLED}' THEN '{CANCELLED}'
 WHEN '{ORDER_READY}' THEN iif(json_extract(e.data, '$.parcial'), NULL, '{READY}') END""")  # fmt: skip
# An order is asked for by the number that people read: the order's in the event, else the one that the log knows of it,
# else its id. `numero` of an event itself is somebody else's.
_IN_EVENT = _of_json("e", "json_extract(e.data, '$.pedido.numero')")
_IN_LOG = f"(SELECT {_orders('numero')} FROM orders AS o WHERE o.id = e.order_id)"
_NUMBER = f"CAST(coalesce({_IN_EVENT}, {_IN_LOG}, e.order_id) AS TEXT) = ? COLLATE NOCASE"
# What a manager asks about. A cancellation is found with what took it back.
_CANCELS = _of_json("e", f"""json_extract(e.data, '$.estado') = '{CANCELLED}'
 OR json_extract(e.data, '$.deshace') = '{CANCEL}'""")  # fmt: skip
_RECALLS = _of_json("e", "json_type(e.data, '$.recuperado') = 'true'")
_TAKES_OFF = _of_json("e", "json_type(e.data, '$.quitado') IS NOT NULL")
_SUBJECT = {
    CANCELLED: f"(e.type = '{ORDER_CANCELLED}' OR (e.type = '{STATE_CHANGE}' AND {_CANCELS}))",
    "recuperado": f"(e.type = '{STATE_CHANGE}' AND {_RECALLS})",
    "quitado": f"(e.type = '{ITEM_CHANGED}' AND {_TAKES_OFF})",
    "alarma": f"e.type IN ({literals(ALARMS)})",
}
SUBJECTS = tuple(_SUBJECT)
_ROLE = _of_json("e", "json_extract(e.data, '$.actor.rol')")
_USER = _of_json("e", """json_extract(e.data, '$.actor.username') = ? COLLATE NOCASE
 OR json_extract(e.data, '$.actor.usuario_id') = ?""")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Filters:
    """What was asked for, as it was sent; an empty text asks for nothing. `since_ms` and `until_ms` are what the three
    filters of time come to: from the one on, and before the other."""

    desde: str = ""
    hasta: str = ""
    dia: str = ""
    tipo: str = ""
    asunto: str = ""
    pedido_id: str = ""
    numero: str = ""
    mesa: str = ""
    usuario: str = ""
    rol: str = ""
    sala: str = ""
    estado: str = ""
    q: str = ""
    since_ms: int | None = None
    until_ms: int | None = None

    @property
    def sent(self) -> dict[str, str]:
        return {name: value for name in NAMES if (value := getattr(self, name))}

    def where(self) -> tuple[str, list[Any]]:
        """Returns the condition, without the one of time, on a row `e` of `events`; and its parameters."""
        terms: list[str] = []
        values: list[Any] = []

        def add(term: str, *parameters: Any) -> None:
            terms.append(term)
            values.extend(parameters)

        if self.tipo:
            add("e.type = ?", self.tipo)
        if self.asunto:
            add(_SUBJECT[self.asunto])
        if self.pedido_id:
            add("e.order_id = ?", int(self.pedido_id))
        if self.sala in _FLAG:
            add(f"e.{_FLAG[self.sala]}")
        elif self.sala.startswith(ORDER_ROOM):
            add("e.order_id = ?", int(self.sala.removeprefix(ORDER_ROOM)))
        if self.q:
            add("e.data LIKE ?", f"%{self.q}%")
        if self.rol:
            add(f"{_ROLE} = ?", self.rol)
        if self.usuario:
            add(_USER, self.usuario, int(self.usuario) if _is_number(self.usuario) else None)
        if self.estado:
            add(f"{_STATE} = ?", self.estado)
        if self.numero:
            add(_NUMBER, self.numero.removeprefix("#"))
        if self.mesa:
            number = int(self.mesa) if _is_number(self.mesa) else None
            add(_TABLE, number, self.mesa, number, self.mesa)
        return " AND ".join(terms) or "1", values


NAMES = tuple(field.name for field in fields(Filters) if not field.name.endswith("_ms"))


def parse_filters(sent: Mapping[str, str], zone: tzinfo) -> Filters:
    """Reads the filters that were sent. Raises Invalid with every wrong one. What is not a filter's name is somebody
    else's."""
    texts = {name: sent.get(name, "").strip() if name != "q" else sent.get(name, "") for name in NAMES}
    problems: dict[str, str] = {}
    for name, text in texts.items():
        problem = _problem(name, text) if text else None
        if problem is not None:
            problems[name] = problem
    since: list[int] = []
    until: list[int] = []
    _add_times(texts, zone, since, until, problems)
    if problems:
        raise Invalid(fields=problems)
    return Filters(**texts, since_ms=max(since, default=None), until_ms=min(until, default=None))


def parse_after(sent: Mapping[str, str]) -> int:
    """Reads `desde_id`, above which the rows are asked for: 0 where it was not sent. Raises Invalid."""
    text = sent.get("desde_id", "").strip()
    if text and not (_is_number(text) and int(text) <= MAX_ID):
        raise Invalid(fields={"desde_id": "debe ser el número de un evento"})
    return int(text or 0)


def _problem(name: str, text: str) -> str | None:
    if len(text) > MAX_TEXT:
        return f"tiene más de {MAX_TEXT} caracteres"
    if not text.isprintable():
        return "tiene caracteres que no se imprimen"
    if name == "tipo" and text not in TYPES:
        return _one_of(TYPES)
    if name == "asunto" and text not in SUBJECTS:
        return _one_of(SUBJECTS)
    if name == "estado" and text not in STATES:
        return _one_of(STATES)
    if name == "pedido_id" and not (_is_number(text) and 1 <= int(text) <= MAX_ID):
        return "debe ser el número de un pedido"
    if name == "sala" and text not in (*FILTERED_ROOMS, MANAGERS):
        number = text.removeprefix(ORDER_ROOM)
        if number == text or not (_is_number(number) and 1 <= int(number) <= MAX_ID):
            return _one_of((*FILTERED_ROOMS, MANAGERS, f"{ORDER_ROOM}<id>"))
    return None


def _add_times(
    texts: dict[str, str], zone: tzinfo, since: list[int], until: list[int], problems: dict[str, str]
) -> None:
    """Adds what each filter of time says of the first millisecond, and of the first one after the last."""
    for name, bounds, end in (("desde", since, False), ("hasta", until, True)):
        if texts[name]:
            try:
                bounds.append(_moment(texts[name], zone, end=end))
            except ValueError:
                problems[name] = _BAD_TIME
    if texts["dia"]:
        try:
            day = _day(texts["dia"])
            since.append(business_day_start(day, zone))
            until.append(business_day_start(day + timedelta(days=1), zone))
        except ValueError:
            problems["dia"] = "debe ser una fecha, como 2026-11-24"


def _moment(text: str, zone: tzinfo, *, end: bool) -> int:
    """Returns the first millisecond of what was sent, or for an `end` the first one after it. A date counts whole, and
    a time to its last millisecond: both ends are included. Raises ValueError."""
    if _DATE.fullmatch(text):
        day = _day(text)
        return _ms(datetime.combine(day + timedelta(days=1) if end else day, time(), zone))
    if not _TIME.fullmatch(text):
        raise ValueError
    lost = _LOST_PLUS.fullmatch(text)
    moment = datetime.fromisoformat(f"{lost[1]}+{lost[2]}" if lost else text)
    _check_year(moment)
    return _ms(moment if moment.tzinfo is not None else moment.replace(tzinfo=zone)) + end


def _day(text: str) -> date:
    """Reads a date. Raises ValueError."""
    if not _DATE.fullmatch(text):
        raise ValueError
    day = date.fromisoformat(text)
    _check_year(day)
    return day


def _check_year(day: date) -> None:
    """Raises ValueError for a year in which time zones cannot be reckoned with."""
    if not 1900 <= day.year <= 9998:
        raise ValueError


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 17


def _one_of(words: Iterable[str]) -> str:
    return "debe ser uno de: " + ", ".join(words)
