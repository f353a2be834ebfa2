"""A connection to Redis or Valkey. It is made when it is first needed, and anew after it broke; nothing is sent twice.

The client library's own connections, pools and retries are left out: an append that is sent again unseen would be two.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection
from redis.exceptions import AuthenticationError, OutOfMemoryError, RedisError, ResponseError
from redis.retry import Retry

from .sequence import Full, Unfit, Unknown

# Of one answer. What takes longer is unknown.
ANSWER_SECONDS = 1.0
CHECK_SECONDS = 60.0
# Without these a restart may lose what was answered, which nobody would see.
SETTINGS = {
    "appendonly": "yes",
    "appendfsync": "always",
    "no-appendfsync-on-rewrite": "no",
    "maxmemory-policy": "noeviction",
}


@dataclass(frozen=True, slots=True)
class RedisAddress:
    """Where Redis is and what it asks for. `ca`, `cert` and `key` are files; without `ca` the system's certificates
    are trusted."""

    host: str
    port: int
    username: str | None = None
    password: str | None = None
    database: int = 0
    tls: bool = False
    ca: str | None = None
    cert: str | None = None
    key: str | None = None

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class RedisConnection:
    """It may be used in one thread at a time; `close` alone may be called in another. With `checked` the settings are
    looked at when it is made and every minute: Unfit is raised where they are not what a cluster needs."""

    def __init__(self, address: RedisAddress, scripts: Mapping[str, str], *, checked: bool) -> None:
        self._address = address
        self._scripts = scripts
        self._digests: dict[str, bytes] = {}
        self._checked = checked
        self._check_at = 0.0
        self._connection: Connection | None = None
        self._closed = False

    def run(self, script: str, keys: Sequence[str], *arguments: str | bytes | int | float) -> Any:
        """Runs the script of this name, and returns its answer. Raises Unfit or Unknown."""
        connection = self._ready()
        [answer] = self._ask(connection, [("EVALSHA", self._digests[script], len(keys), *keys, *arguments)])
        return self._whole(answer)

    def ask(self, *words: str | bytes | int) -> Any:
        """Sends one command, and returns its answer. Raises Unfit or Unknown."""
        [answer] = self._ask(self._ready(), [words])
        return self._whole(answer)

    def close(self) -> None:
        self._closed = True
        self._drop()

    def _whole(self, answer: Any) -> Any:
        if isinstance(answer, ResponseError):
            self._drop()  # among them: its scripts were flushed, and are loaded by the next connection
            kind = Full if isinstance(answer, OutOfMemoryError) or "'maxmemory'" in str(answer) else Unknown
            raise kind(f"{self._address}: {answer}") from answer
        return answer

    def _ready(self) -> Connection:
        connection = self._connection
        if connection is None or self._is_over(connection):
            connection = self._connect()
        if self._checked and time.monotonic() >= self._check_at:
            self._check(connection)
        return connection

    def _is_over(self, connection: Connection) -> bool:
        """Tells whether the server has ended a connection that nothing was asked of meanwhile."""
        try:
            over = bool(connection.can_read(0))
        except RedisError:
            over = True
        if over:
            self._drop()
        return over

    def _connect(self) -> Connection:
        if self._closed:
            raise Unknown("closed")
        began = time.monotonic()
        address = self._address
        shared: dict[str, Any] = {
            "host": address.host,
            "port": address.port,
            "username": address.username,
            "password": address.password,
            "db": address.database,
            "protocol": 2,
            "socket_timeout": ANSWER_SECONDS,
            "socket_connect_timeout": ANSWER_SECONDS,
            "retry": Retry(NoBackoff(), 0),
            "health_check_interval": 0,
        }
        if address.tls:
            connection: Connection = SSLConnection(
                ssl_ca_certs=address.ca,
                ssl_certfile=address.cert,
                ssl_keyfile=address.key,
                ssl_cert_reqs="required",
                ssl_check_hostname=True,
                **shared,
            )
        else:
            connection = Connection(**shared)
        # By one name or the other, which client this is: two questions less in the second that a connection has.
        for told in ("driver_info", "lib_name", "lib_version"):
            setattr(connection, told, None)
        self._connection, self._check_at = connection, 0.0
        with self._telling():
            connection.connect()
        loaded = self._ask(connection, [("SCRIPT", "LOAD", text) for text in self._scripts.values()])
        self._digests = dict(zip(self._scripts, map(self._allowed, loaded), strict=True))
        if time.monotonic() - began > ANSWER_SECONDS:
            self._drop()
            raise Unknown(f"{address} is slow")
        return connection

    def _check(self, connection: Connection) -> None:
        """Raises Unfit unless the settings are what a cluster needs."""
        asked = [*(("CONFIG", "GET", name) for name in SETTINGS), ("INFO", "server"), ("INFO", "replication")]
        *settings, server, replication = map(self._allowed, self._ask(connection, asked))
        for (name, wanted), found in zip(SETTINGS.items(), settings, strict=True):
            value = found[1].decode() if found else "not known"
            if value != wanted:
                raise self._unfit(f"{name} is {value}, and must be {wanted}")
        facts = dict(line.split(":", 1) for line in (server + replication).decode().splitlines() if ":" in line)
        mode = facts.get("redis_mode", "standalone")
        if mode != "standalone":
            raise self._unfit(f"it runs as {mode}: a failover may lose what was answered, and needs etcd")
        if facts["role"] != "master" or facts["connected_slaves"] != "0":
            raise self._unfit("it is or has a replica: a failover may lose what was answered, and needs etcd")
        self._check_at = time.monotonic() + CHECK_SECONDS

    def _allowed(self, answer: Any) -> Any:
        if isinstance(answer, ResponseError):
            raise self._unfit(f"it does not let its settings be read, or scripts be run: {answer}") from answer
        return answer

    def _unfit(self, why: str) -> Unfit:
        self._drop()  # it is looked at anew before anything else is asked
        return Unfit(f"Redis at {self._address} cannot order a log: {why}")

    def _ask(self, connection: Connection, commands: Sequence[Sequence[Any]]) -> list[Any]:
        """Sends the commands in one piece, and returns their answers; errors of single ones are among these."""
        answers: list[Any] = []
        with self._telling():
            connection.send_packed_command(connection.pack_commands(commands), check_health=False)
            for _ in commands:
                try:
                    answers.append(connection.read_response())
                except ResponseError as error:
                    answers.append(error)
        return answers

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except AuthenticationError as error:
            raise self._unfit(f"it does not let us in: {error}") from error
        except (RedisError, OSError) as error:
            self._drop()
            raise Unknown(f"Redis at {self._address}: {error}") from error
        except Exception as error:
            if not self._closed:
                raise
            raise Unknown("closed") from error  # under its reader, which finds its buffer gone

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
