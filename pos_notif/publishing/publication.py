"""What a publisher sends, appended whole or not at all, and once for each key. It runs inside the log's transaction."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import DomainError, Invalid, KeyReused
from ..events import NEW_ORDER
from ..log.event_log import Transaction
from ..orders.drafts import as_published
from .append import Moment, append, check_appended

Json = dict[str, Any]

MAX_KEY_LENGTH = 200


class Publisher(NamedTuple):
    """Who publishes. `key` names it in the log's idempotency keys; a token may say in the body who acted."""

    key: str
    actor: Json
    names_actor: bool


class Published(NamedTuple):
    """`ids[i]` is the event of the i-th draft, its first one where it was a duplicate."""

    ids: list[int]
    duplicates: list[bool]


class Publication:
    """Drafts that are appended whole or not at all."""

    def __init__(
        self,
        drafts: Sequence[Json],
        *,
        publisher: Publisher,
        route: str,
        moment: Moment,
        key: str | None = None,
        batch: bool = False,
    ) -> None:
        self._drafts = drafts
        self._publisher = publisher
        self._route = route
        self._moment = moment
        self._batch = batch
        own_key = None if batch else drafts[0].get("operacion_id")
        self._key = key if key is not None else own_key
        self._key_field = "operacion_id" if own_key is not None else "Idempotency-Key"
        # Digests are taken out here, before the writer's turn.
        self._digest = digest_of(drafts if batch else drafts[0]) if self._key is not None else b""
        self._digests = [
            digest_of(draft) if batch and draft.get("operacion_id") is not None else b"" for draft in drafts
        ]

    def append_to(self, transaction: Transaction) -> Published:
        """Runs in the transaction. Raises the errors of the order rules, or KeyReused."""
        if self._key is not None:
            known = find_first(transaction, self._name(self._key), self._digest, self._key_field)
            if known is not None:
                return Published(known, [True] * len(known))
        if self._batch:
            result = self._append_batch(transaction)
        else:
            result = Published([self._append(transaction, self._drafts[0], self._key, alone=True)], [False])
        if self._key is not None:
            transaction.keep_key(*self._name(self._key), self._digest, result.ids)
        return result

    def _append_batch(self, transaction: Transaction) -> Published:
        transaction.look_ahead([draft["pedido"]["id"] for draft in self._drafts if draft["tipo"] == NEW_ORDER])
        ids, duplicates = [], []
        for index, (draft, digest) in enumerate(zip(self._drafts, self._digests, strict=True)):
            key = draft.get("operacion_id")
            try:
                if key is not None and key == self._key:
                    raise KeyReused(fields={"operacion_id": "es la clave del lote entero"})
                known = find_first(transaction, self._name(key), digest) if key is not None else None
                alone = transaction.size() == 0
                event_id = known[0] if known is not None else self._append(transaction, draft, key, alone=alone)
            except DomainError as error:
                raise _at(error, f"eventos.{index}") from error
            if key is not None and known is None:
                transaction.keep_key(*self._name(key), digest, [event_id])
            ids.append(event_id)
            duplicates.append(known is not None)
        return Published(ids, duplicates)

    def _name(self, key: str) -> tuple[str, str, str]:
        return self._publisher.key, self._route, key

    def _append(self, transaction: Transaction, draft: Json, key: str | None, *, alone: bool) -> int:
        draft, actor = as_published(draft), self._actor(draft)
        event_id = append(transaction, self._moment, draft, actor, key, self._publisher.key, from_pos=True)
        check_appended(transaction, alone=alone)
        return event_id

    def _actor(self, draft: Json) -> Json:
        sent = draft.get("actor")
        return sent if self._publisher.names_actor and sent else self._publisher.actor


def check_key(key: Any, path: str) -> None:
    """Raises Invalid, under `path`, for what cannot be an idempotency key."""
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY_LENGTH or not key.isprintable():
        raise Invalid(fields={path: f"debe tener de 1 a {MAX_KEY_LENGTH} caracteres imprimibles"})


def find_first(
    transaction: Transaction, name: tuple[str, str, str], digest: bytes, field: str = "operacion_id"
) -> list[int] | None:
    """Returns the events that were appended under this key (publisher, route, key), or None. Raises KeyReused for
    another content."""
    found = transaction.find_key(*name)
    if found is None:
        return None
    if found[0] != digest:
        raise KeyReused(fields={field: "ya se usó con otro contenido"})
    return found[1]


def digest_of(body: Any) -> bytes:
    """Returns the digest of a parsed body. A repetition that only orders its members otherwise, or names its key in the
    header instead of in the body, has the same one."""
    if isinstance(body, dict) and "operacion_id" in body:
        body = {name: value for name, value in body.items() if name != "operacion_id"}
    return hashlib.sha256(_CANONICAL.encode(body).encode()).digest()


# As digests are stored: for ever the same.
_CANONICAL = json.JSONEncoder(sort_keys=True, ensure_ascii=False)


def _at(error: DomainError, path: str) -> DomainError:
    fields = {f"{path}.{name}": problem for name, problem in error.fields.items()} or {path: error.message}
    return type(error)(error.message, fields=fields, extra=error.extra)
