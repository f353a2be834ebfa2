"""From drafts to logged events: runs inside the log's transaction, so every check sees what it decides on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from . import orders
from .clock import iso, parse_iso
from .completion import complete, complete_stock
from .errors import DomainError, Invalid, KeyReused
from .event_log import Transaction
from .events import rooms_for_order, rooms_for_stock
from .orders import CARRIES_ORDER, Order, ViewLimits, views_holding

Json = dict[str, Any]

MAX_KEY_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes. `key` names it in the log's idempotency keys; a token may say in the body who acted."""

    key: str
    actor: Json
    names_actor: bool


@dataclass(frozen=True, slots=True)
class Published:
    """`ids[i]` is the event of the i-th draft, its first one where it was a duplicate."""

    ids: list[int]
    duplicates: list[bool]


@dataclass(frozen=True, slots=True)
class Rules:
    """What of the configuration decides on events."""

    zone: tzinfo
    tax_rate: float
    limits: ViewLimits


class Publication:
    """Drafts that are appended whole or not at all. Call it with the transaction."""

    def __init__(
        self,
        drafts: Sequence[Json],
        *,
        publisher: Publisher,
        route: str,
        now_ms: int,
        rules: Rules,
        key: str | None = None,
        batch: bool = False,
    ) -> None:
        self._drafts = drafts
        self._publisher = publisher
        self._route = route
        self._now_ms = now_ms
        self._timestamp = iso(now_ms, rules.zone)
        self._rules = rules
        self._batch = batch
        own_key = None if batch else drafts[0].get("operacion_id")
        self._key = key if key is not None else own_key
        self._key_field = "operacion_id" if own_key is not None else "Idempotency-Key"
        # Digests are taken out here, before the writer's turn.
        self._digest = _digest(drafts if batch else drafts[0]) if self._key is not None else b""
        self._digests = [_digest(draft) if batch and draft.get("operacion_id") is not None else b"" for draft in drafts]

    def __call__(self, transaction: Transaction) -> Published:
        if self._key is not None:
            known = self._known(transaction, self._key, self._digest, self._key_field)
            if known is not None:
                return Published(known, [True] * len(known))
        if self._batch:
            result = self._append_batch(transaction)
        else:
            result = Published([self._append(transaction, self._drafts[0], self._key)], [False])
        if self._key is not None:
            transaction.keep_key(self._publisher.key, self._route, self._key, self._digest, result.ids)
        return result

    def _append_batch(self, transaction: Transaction) -> Published:
        ids, duplicates = [], []
        for index, (draft, digest) in enumerate(zip(self._drafts, self._digests, strict=True)):
            key = draft.get("operacion_id")
            try:
                if key is not None and key == self._key:
                    raise KeyReused(fields={"operacion_id": "es la clave del lote entero"})
                known = self._known(transaction, key, digest) if key is not None else None
                event_id = known[0] if known is not None else self._append(transaction, draft, key)
            except DomainError as error:
                raise _at(error, f"eventos.{index}") from error
            if key is not None and known is None:
                transaction.keep_key(self._publisher.key, self._route, key, digest, [event_id])
            ids.append(event_id)
            duplicates.append(known is not None)
        return Published(ids, duplicates)

    def _known(
        self, transaction: Transaction, key: str, digest: bytes, field: str = "operacion_id"
    ) -> list[int] | None:
        found = transaction.find_key(self._publisher.key, self._route, key)
        if found is None:
            return None
        if found[0] != digest:
            raise KeyReused(fields={field: "ya se usó con otro contenido"})
        return found[1]

    def _append(self, transaction: Transaction, draft: Json, key: str | None) -> int:
        head = {"id": transaction.next_id(), "tipo": draft["tipo"], "timestamp": self._timestamp}
        tail: Json = {"actor": self._actor(draft)}
        if key is not None:
            tail = {"operacion_id": key, **tail}
        origin = draft.get("timestamp", draft.get("timestamp_origen"))
        if origin is not None:
            tail["timestamp_origen"] = origin
        body = {name: value for name, value in draft.items() if name not in _SET_HERE}
        if draft["tipo"] == "alerta_stock":
            event = {**head, **tail, **complete_stock(body)}
            return transaction.append(event, rooms_for_stock(event["nivel"]), self._now_ms, None)
        return self._append_order_event(transaction, head, tail, {**body, "tipo": draft["tipo"]})

    def _append_order_event(self, transaction: Transaction, head: Json, tail: Json, body: Json) -> int:
        order_id = body["pedido"]["id"] if body["tipo"] == "nuevo_pedido" else body["pedido_id"]
        before = transaction.order(order_id)
        own = complete(body, before, tax_rate=self._rules.tax_rate, timestamp=self._timestamp, retime=self._retime)
        after = self._log(transaction, head, tail, own, before)
        if before is not None and before.state == "pendiente_pago" and after.state == "pagado":
            # A paid takeaway rings in the kitchen, whoever said that it was paid.
            release = {**head, "id": transaction.next_id(), "tipo": "nuevo_pedido"}
            own = {"pedido_id": order_id, "liberado": True, "pedido": after.pedido}
            self._log(transaction, release, {"actor": tail["actor"]}, own, after)
        event_id: int = head["id"]
        return event_id

    def _log(self, transaction: Transaction, head: Json, tail: Json, own: Json, before: Order | None) -> Order:
        version = (before.pedido["version"] if before is not None else 0) + 1
        event = {
            **head,
            "pedido_id": own["pedido_id"],
            "version": version,
            **tail,
            **own,
            "tipo": head["tipo"],
        }
        after = orders.apply(before, event)
        rooms = rooms_for_order(
            event,
            known=before is not None,
            old_state=before.state if before is not None else None,
            new_state=after.state,
            takeaway=after.takeaway,
            held_before=views_holding(before, self._now_ms, self._rules.limits),
            holds_after=views_holding(after, self._now_ms, self._rules.limits),
        )
        after = orders.await_receipt(after, event, rooms)
        if event["tipo"] in CARRIES_ORDER:
            event.pop("pedido", None)  # last, so that the short fields come first
            event["pedido"] = after.pedido
        transaction.append(event, rooms, self._now_ms, after)
        return after

    def _actor(self, draft: Json) -> Json:
        sent = draft.get("actor")
        return sent if self._publisher.names_actor and sent else self._publisher.actor

    def _retime(self, text: str) -> str:
        return iso(parse_iso(text), self._rules.zone)


# What the service writes at an event's top level in its own way.
_SET_HERE = frozenset({"tipo", "timestamp", "actor", "operacion_id", "timestamp_origen"})


def check_key(key: Any, path: str) -> None:
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise Invalid(fields={path: f"debe tener de 1 a {MAX_KEY_LENGTH} caracteres imprimibles"})


def _digest(body: Any) -> bytes:
    """Of the parsed body: a repetition that only orders its members otherwise, or names its key in the header
    instead of in the body, is the same."""
    if isinstance(body, dict) and "operacion_id" in body:
        body = {name: value for name, value in body.items() if name != "operacion_id"}
    return hashlib.sha256(json.dumps(body, sort_keys=True, ensure_ascii=False).encode()).digest()


def _at(error: DomainError, path: str) -> DomainError:
    fields = {f"{path}.{name}": problem for name, problem in error.fields.items()} or {path: error.message}
    return type(error)(error.message, fields=fields, extra=error.extra)


def rebuild(events: Sequence[Json]) -> dict[int, Order]:
    """The projection of a whole log, from its stored events. What the orders table must equal."""
    found: dict[int, Order] = {}
    for event in events:
        if event.get("pedido_id") is not None:
            order = orders.fold(found.get(event["pedido_id"]), event)
            if order is not None:
                found[event["pedido_id"]] = order
    return found
