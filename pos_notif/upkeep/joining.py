"""How a new node gets its file: it proves by the engine that it belongs there, is given a copy of another node's log
over HTTP, verifies it, and makes it its own (docs/cluster.md, "How a node gives its log to another").

It blocks its thread, and has of the copy no more in memory than what it reads at once.
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..cluster.bulletin import Bulletin
from ..cluster.members import join_key, rename
from ..database.connecting import connect
from ..database.file import SCHEMA_VERSION, in_transaction, opened_to_read, schema_version
from ..errors import CommandFailed, ConfigurationError
from .backup import new_file, publish, settle, swap
from .progress import OnProgress
from .verification import Sound, naming, verify_database

LOG_PATH, COPY_PATH = "/cluster/registro", "/cluster/copia"
# In which the node must have compared the secret.
SECRET_SECONDS = 60.0
ANSWER_SECONDS = 30.0
# A node makes the copy before it sends the first byte of it; a memory card takes minutes for a large log.
COPY_SECONDS = 1800.0
READ_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Offered:
    """What a node says of its log: the log's name, its engine's kind, and the schema of its file."""

    log_name: str
    engine: str
    schema: int


class NodeClient:
    """Asks the node at an address. Each call raises CommandFailed with the address where it is not answered as it
    must be."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        parts = urlsplit(self._url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
            raise ConfigurationError(f"{url!r} is not the address of a node, like http://10.0.0.11:5000")
        try:
            port = parts.port
        except ValueError as error:
            raise ConfigurationError(f"{url!r}: {error}") from error
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._connect: Callable[[float], http.client.HTTPConnection] = lambda seconds: kind(
            str(parts.hostname), port, timeout=seconds
        )

    def offered(self) -> Offered:
        """Returns what the node says of its log."""
        with self._asked("GET", LOG_PATH, None, ANSWER_SECONDS) as answer:
            told = self._json(answer)
        try:
            offered = Offered(str(told["registro"]), str(told["motor"]), int(told["esquema"]))
        except (KeyError, TypeError, ValueError) as error:
            raise self._failed("answered what no node answers") from error
        if offered.schema != SCHEMA_VERSION:
            raise self._failed(
                f"has schema {offered.schema}, and this pos-notif {SCHEMA_VERSION}: both need the same version"
            )
        return offered

    def fetch(self, name: str, secret: str, again: bool, target: Path, progress: OnProgress) -> None:
        """Asks for a copy as the node `name`, which the secret proves to be, and writes it into the target. With
        `again` the name may be a member's already."""
        body = json.dumps({"nodo": name, "secreto": secret, "de_nuevo": again}).encode()
        with self._asked("POST", COPY_PATH, body, COPY_SECONDS) as answer:
            total, done = int(answer.headers.get("X-Copia-Bytes", 0)), 0
            # It has been made empty for this, and nobody has it open.
            with target.open("wb") as file:
                while part := answer.read(READ_BYTES):
                    file.write(part)
                    done += len(part)
                    progress(done, total)
        if done != total or not total:
            raise self._failed(f"broke off after {done:,} of {total:,} bytes; ask again")

    @contextlib.contextmanager
    def _asked(self, method: str, path: str, body: bytes | None, seconds: float) -> Iterator[http.client.HTTPResponse]:
        connection = self._connect(seconds)
        try:
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            answer = connection.getresponse()
            if answer.status != 200:
                raise self._failed(self._problem(answer))
            yield answer
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.filename is not None:
                raise  # the file's
            raise self._failed(str(error) or type(error).__name__) from error
        finally:
            connection.close()

    def _problem(self, answer: http.client.HTTPResponse) -> str:
        told = {}
        with contextlib.suppress(CommandFailed):
            told = self._json(answer)
        error = told.get("error")
        error = error if isinstance(error, dict) else {}
        known = _PROBLEMS.get((answer.status, str(error.get("codigo"))))
        if known is not None:
            return known
        said = error.get("detalle") or error.get("mensaje") or answer.reason
        return f"answered {answer.status}: {said}"

    def _json(self, answer: http.client.HTTPResponse) -> dict[str, Any]:
        try:
            told = json.loads(answer.read(READ_BYTES))
        except ValueError as error:
            raise self._failed("answered what no node answers") from error
        return told if isinstance(told, dict) else {}

    def _failed(self, why: str) -> CommandFailed:
        return CommandFailed(f"{self._url}: {why}")


# What the node has refused, in words for who joins.
_PROBLEMS = {
    (404, "no_encontrado"): "is no node of a cluster",
    (403, "rol_no_permitido"): "finds nothing of us in its engine: --cluster must name the same engine here and there",
    (
        409,
        "nodo_en_conflicto",
    ): "knows a node of this name already: take another name, or, if it was this one's, `rejoin`",
    (503, "registro_no_disponible"): "cannot write now: it has no engine, or has stopped; ask another node",
    (503, "sin_capacidad"): "cannot make a copy now: it makes one already, or its disk is too full",
}


def join(
    node: NodeClient, bulletin: Bulletin, name: str, database: Path, progress: OnProgress, checked: OnProgress
) -> Sound:
    """Makes the file `database`, which must not be there, the new node `name`'s. Raises CommandFailed, OSError,
    sqlite3.Error or Unknown, and then there is no file."""
    with new_file(database) as part:
        sound = _fetch(node, bulletin, name, False, part, progress, checked)
        publish(part, database)
    return sound


def rejoin(
    node: NodeClient,
    bulletin: Bulletin,
    name: str,
    database: Path,
    compare: Callable[[Path], None],
    progress: OnProgress,
    checked: OnProgress,
) -> tuple[Sound, Path | None]:
    """Puts a copy of another node's log in the place of this node's, which nobody may have open, and returns where that
    is kept. `compare` is called with the copy before. Raises as `join`, and then the file is as it was."""
    with new_file(database) as part:
        sound = _fetch(node, bulletin, name, True, part, progress, checked)
        compare(part)
        return sound, swap(part, database, "rejoin")


def _fetch(
    node: NodeClient,
    bulletin: Bulletin,
    name: str,
    again: bool,
    part: Path,
    progress: OnProgress,
    checked: OnProgress,
) -> Sound:
    secret = secrets.token_hex(32)
    key = join_key(name)
    bulletin.put(key, hashlib.sha256(secret.encode()).digest(), SECRET_SECONDS)
    try:
        node.fetch(name, secret, again, part, progress)
    finally:
        bulletin.delete(key)
    with naming(part), opened_to_read(part) as connection:
        if schema_version(connection) != SCHEMA_VERSION:
            raise CommandFailed("the copy has another schema than this pos-notif: both nodes need the same version")
        sound = verify_database(connection, progress=checked)
    with contextlib.closing(connect(part)) as connection:
        in_transaction(connection, lambda copy: _take(copy, name))
    settle(part)
    return sound


def _take(copy: sqlite3.Connection, name: str) -> None:
    if not rename(copy, name):
        raise CommandFailed("the copy is no node's file")
