"""What a publisher has sent, read: one event or a batch. What is refused is docs/protocol.md's, section 7."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import Invalid, TooLarge
from ..orders.drafts import MAX_BATCH, parse_draft
from ..wire.json_limits import printable
from ..wire.json_text import encode, parse, too_deep
from .publication import Published, check_key

Json = dict[str, Any]


class Sent(NamedTuple):
    """The drafts of a publication, and whether they came as a batch, be it of one."""

    drafts: list[Json]
    batch: bool

    def answer(self, result: Published, cursor: Callable[[int], str]) -> Json:
        """Returns what its publisher is answered. `cursor` gives the cursor of an event's id."""
        if self.batch:
            answer: Json = {"ids": result.ids, "duplicados": result.duplicates}
        else:
            answer = {"id": result.ids[0], "duplicado": result.duplicates[0]}
        answer["cursor"] = cursor(max(result.ids))
        return answer


def read_sent(body: bytes, max_event_bytes: int, key: str | None = None) -> Sent:
    """Reads one event, or `{"eventos": […]}`; `key` is the one that was sent outside of it. Raises BadJson, Invalid or
    TooLarge."""
    value = parse(body)
    batch = isinstance(value, dict) and "eventos" in value and "tipo" not in value
    if key is not None:
        check_key(key, "Idempotency-Key")
    size = len(body)
    drafts = _batch(value, size, max_event_bytes) if batch else [_single(value, size, max_event_bytes, key)]
    return Sent(drafts, batch)


def _single(value: Any, size: int, limit: int, key: str | None) -> Json:
    if size > limit:
        raise TooLarge(f"El evento pasa de {limit // 1024} KiB.")
    draft = parse_draft(value)
    own = draft.get("operacion_id")
    if own is not None:
        check_key(own, "operacion_id")
        if key is not None and own != key:
            raise Invalid(fields={"operacion_id": "no es igual a Idempotency-Key"})
    return draft


def _batch(value: Json, size: int, limit: int) -> list[Json]:
    events = value["eventos"]
    if isinstance(events, list) and size > limit:
        _check_sizes(events, limit)
    if not isinstance(events, list) or not 1 <= len(events) <= MAX_BATCH:
        raise Invalid(fields={"eventos": f"debe ser una lista de 1 a {MAX_BATCH} eventos"})
    for name in value:
        if name != "eventos":
            raise Invalid(fields={printable(name): "no se reconoce junto a eventos"})
    drafts = [parse_draft(event, f"eventos.{index}.") for index, event in enumerate(events)]
    for index, draft in enumerate(drafts):
        if draft.get("operacion_id") is not None:
            check_key(draft["operacion_id"], f"eventos.{index}.operacion_id")
    return drafts


def _check_sizes(events: list[Any], limit: int) -> None:
    for index, event in enumerate(events):
        if _is_small(event, limit):
            continue
        try:
            text = _COMPACT.encode(event)
        except RecursionError as error:  # the parser may take a little more
            raise too_deep() from error
        if len(text.encode("utf-8", "surrogatepass")) > limit:
            raise TooLarge(f"eventos.{index} pasa de {limit // 1024} KiB.")


def _is_small(event: Any, limit: int) -> bool:
    """Tells whether the event is surely below the limit, in an eighth of the time in which its size is found: only
    numbers are written otherwise there, and none is eight times as long."""
    try:
        return len(encode(event)) * 8 <= limit
    except (ValueError, OverflowError, RecursionError):  # what is wrong with it is said later
        return False


# Unlike `dump`, it takes whatever was sent: what is wrong with that is said by `parse_draft`.
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
