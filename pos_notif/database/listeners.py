"""Who is told of what the database does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


def _nothing() -> None:
    pass


@dataclass(frozen=True, slots=True)
class DatabaseListeners:
    """`committed` is called in the writer's thread after each commit; `caught_up`, there too, when others' transactions
    were committed here; `fault` in any thread, when the file was found to be lost or damaged, or its disk full."""

    committed: Callable[[], None] = _nothing
    caught_up: Callable[[], None] = _nothing
    fault: Callable[[], None] = _nothing


NO_LISTENERS = DatabaseListeners()
