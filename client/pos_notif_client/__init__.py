"""An outbox for a POS: `Salida` stores each event on the till's own disk, and sends it to pos_notif's service after.

The till never waits for the network; what was taken is sent once and in order, whatever is cut meanwhile. It needs
Python 3.8 and nothing else, and this file alone may be copied. How it behaves stands in the README beside it.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import http.client
import json
import logging
import math
import os
import random
import re
import sqlite3
import sys
import threading
import time
import uuid
import weakref
from datetime import datetime
from typing import Any, Callable, NamedTuple, Sequence
from urllib.parse import urlsplit

__all__ = ["ClaveReutilizada", "Llena", "Salida", "SinDisco"]
__version__ = "0.1.0"

MAX_EVENT_BYTES, MAX_DEPTH, MAX_INTEGER, MAX_KEY = 256 * 1024, 16, 2**53, 200  # the service's own limits
BATCH_EVENTS, BATCH_BYTES = 100, 900_000  # nginx lets a body of 1 MiB through, unless it is told otherwise
DISK_SECONDS, ANSWER_SECONDS, EXIT_SECONDS = 2.0, 10.0, 2.0
POLL_SECONDS = 0.2  # how soon the sender finds what another process, or the POS's own transaction, has stored
TURN_SECONDS = 1.0  # how soon another process goes on where the sender has ended
BACKOFF_SECONDS, NEWS_SECONDS, SETUP_SECONDS = 30.0, 5.0, 30.0
KEPT_SECONDS = 30 * 86400.0  # what was refused or has expired
KNOWN_SECONDS, KNOWN_KEYS = 86400.0, 50_000  # the keys of what was sent
TIDY_SECONDS = 600.0
_WRONG_SETUP = {401, 403, 404, 405, *range(300, 400)}
# Other machines' disks: SQLite's locks, and the memory that its WAL needs, do not hold between machines.
_NETWORK = re.compile("nfs4?|cifs|smb3|smbfs|afs|ceph|glusterfs|davfs|fuse[.](sshfs|glusterfs|rclone)")

logger = logging.getLogger("pos_notif_client")

# The names are in the POS's language: with `conexion=` the tables stand in its database. `enviadas` has the keys of
# what was sent, so that the same call again makes no second event; `huella` is of the event as handed in, and NULL
# where nobody can repeat the key. An age goes by `reloj` within one `arranque` of the machine, else by `creado`.
_SCHEMA = (
    """CREATE TABLE IF NOT EXISTS pos_notif_salida (
        id INTEGER PRIMARY KEY AUTOINCREMENT, clave TEXT NOT NULL UNIQUE, cuerpo BLOB NOT NULL, tamano INTEGER NOT NULL,
        huella BLOB, estado TEXT NOT NULL DEFAULT 'pendiente', error TEXT,
        creado REAL NOT NULL, reloj REAL NOT NULL, arranque TEXT NOT NULL)""",
    """CREATE INDEX IF NOT EXISTS pos_notif_salida_pendientes ON pos_notif_salida (id, tamano)
        WHERE estado = 'pendiente'""",
    """CREATE TABLE IF NOT EXISTS pos_notif_salida_enviadas (
        id INTEGER PRIMARY KEY, clave TEXT NOT NULL UNIQUE, huella BLOB NOT NULL,
        creado REAL NOT NULL, reloj REAL NOT NULL, arranque TEXT NOT NULL)""",
    "CREATE TABLE IF NOT EXISTS pos_notif_salida_nota (nombre TEXT PRIMARY KEY, texto TEXT)",
)
_PENDING = "FROM pos_notif_salida WHERE estado = 'pendiente'"
_AGE = "(CASE WHEN arranque = :boot THEN :steady - reloj ELSE :wall - creado END)"
_INSERT = f"""INSERT INTO pos_notif_salida (clave, cuerpo, tamano, huella, creado, reloj, arranque)
    SELECT :key, :body, :size, :digest, :wall, :steady, :boot
    WHERE NOT EXISTS (SELECT 1 FROM pos_notif_salida WHERE clave = :key)
    AND NOT EXISTS (SELECT 1 FROM pos_notif_salida_enviadas WHERE clave = :key)
    AND (SELECT COUNT(*) < :max_events AND TOTAL(tamano) + :size <= :max_bytes {_PENDING})"""
_KNOWN = """SELECT huella FROM pos_notif_salida WHERE clave = :key
    UNION ALL SELECT huella FROM pos_notif_salida_enviadas WHERE clave = :key"""


class SinDisco(OSError):
    """Nothing could be stored: the disk is full or read-only, or the file stays locked."""


class Llena(Exception):
    """The outbox is full, and its owner asked to be told so (`estricto=True`)."""


class ClaveReutilizada(ValueError):
    """Another event has this `operacion_id` already."""


def _boot() -> str:
    with contextlib.suppress(OSError), open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()
    return uuid.uuid4().hex  # elsewhere the steady clock is trusted within a process


_BOOT, _SINCE_BOOT = _boot(), getattr(time, "CLOCK_BOOTTIME", None)


def _now() -> dict[str, Any]:
    """Returns the wall clock, which is told, and the one that nobody can set, by which ages are known."""
    steady = time.monotonic() if _SINCE_BOOT is None else time.clock_gettime(_SINCE_BOOT)
    return {"wall": time.time(), "steady": steady, "boot": _BOOT}


def is_on_network(path: str, mounts: str) -> bool:
    """Tells whether a path is on another machine's disk. `mounts` is the text of /proc/self/mounts."""
    if sys.platform == "win32":
        import ctypes

        drive = os.path.splitdrive(path)[0]
        return drive.startswith("\\\\") or ctypes.windll.kernel32.GetDriveTypeW(drive + "\\") == 4
    fields = [line.split(" ") for line in mounts.splitlines()]
    points = [(point.replace("\\040", " ").rstrip("/") + "/", kind) for _, point, kind, *_ in fields]
    holding = [(len(point), order, kind) for order, (point, kind) in enumerate(points) if path.startswith(point)]
    return bool(holding) and _NETWORK.fullmatch(max(holding)[2]) is not None


def _identity(path: str) -> tuple[int, int] | None:
    with contextlib.suppress(OSError):
        found = os.stat(path)
        return found.st_dev, found.st_ino
    return None


def _connect(path: str, seconds: float = 0.0) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=max(0.0, seconds), isolation_level=None, check_same_thread=False)


class _Store:
    """The tables in their file. A process has one connection, which one thread at a time uses under `lock`, and which
    is closed before a fork: SQLite's locks are a process's own, and a child would take its parent's for its own."""

    def __init__(self, path: str, own: bool) -> None:
        self.path, self.lock = path, threading.RLock()
        self._own = own  # the file is the outbox's alone: its journal is chosen here, and it may be set aside
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None

    def run(self, work: Callable[[sqlite3.Connection], Any], *, write: bool = True) -> Any:
        """Returns `work(connection)`, with what it wrote on the disk. Raises SinDisco, after 2 s where others work on
        the file for so long."""
        deadline, mended = time.monotonic() + DISK_SECONDS, False
        if not self.lock.acquire(timeout=DISK_SECONDS):
            raise SinDisco(f"{self.path}: está en uso")
        try:
            while True:
                try:
                    result = self._attempt(work, write, deadline)
                    if not write or _identity(self.path) == self._opened:
                        return result
                    # Another process has set the file aside meanwhile, and this with it: once more, into the new one.
                except (sqlite3.DatabaseError, OSError) as error:
                    self.close()
                    if self._own and type(error) is sqlite3.DatabaseError and not mended:
                        mended = True
                        self._set_aside(error, deadline)
                    elif "locked" not in str(error) or time.monotonic() >= deadline:
                        raise SinDisco(f"{self.path}: {error}") from error
                    else:
                        time.sleep(0.02)
        finally:
            self.lock.release()

    def _attempt(self, work: Callable[[sqlite3.Connection], Any], write: bool, deadline: float) -> Any:
        db = self._open(deadline)
        db.execute(f"PRAGMA busy_timeout = {max(1, int(1000 * (deadline - time.monotonic())))}")
        db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        try:
            result = work(db)
            db.execute("COMMIT")
            return result
        finally:
            if db.in_transaction:
                db.execute("ROLLBACK")

    def _open(self, deadline: float) -> sqlite3.Connection:
        if self._connection is not None and _identity(self.path) == self._opened:
            return self._connection
        self.close()
        self._connection = db = _connect(self.path, deadline - time.monotonic())
        self._opened = _identity(self.path)
        db.execute("PRAGMA synchronous = FULL")
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "pos_notif_salida_nota" not in names:
            if self._own and not all(name.startswith(("sqlite_", "pos_notif_salida")) for name in names):
                raise SinDisco("es la base de otro programa: use conexion=")
            if self._own:
                db.execute("PRAGMA journal_mode = WAL")
            db.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                db.execute(statement)
            db.execute("COMMIT")
        return db

    def _set_aside(self, error: sqlite3.DatabaseError, deadline: float) -> None:
        """Renames the damaged file, one process at a time: another may have done so already."""
        with contextlib.closing(_connect(self.path + "-arreglo", deadline - time.monotonic())) as guard:
            guard.execute("BEGIN EXCLUSIVE")
            with contextlib.closing(_connect(self.path)) as db, contextlib.suppress(sqlite3.DatabaseError):
                if db.execute("PRAGMA quick_check(1)").fetchone() == ("ok",):
                    return
            new = f"{self.path}.danada-{datetime.now():%Y%m%d-%H%M%S}"
            for ending in ("-wal", "-shm", ""):  # the -wal first: a new file must never find it
                with contextlib.suppress(FileNotFoundError):
                    os.replace(self.path + ending, new + ending)
            logger.error("%s is damaged (%s): renamed to %s, a new one is begun", self.path, error, new)

    def close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
        self._connection = None

    def begin_anew(self) -> None:
        """Is called in a child after a fork."""
        self.lock, self._connection = threading.RLock(), None


class _Turn:
    """Who sends: the process that holds `BEGIN EXCLUSIVE` on this file. The system frees it with the process."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._held: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None

    def take(self) -> bool:
        if self._held is not None and _identity(self._path) == self._opened:
            return True
        self.release()
        db = _connect(self._path)
        try:
            db.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error as error:
            db.close()
            if type(error) is sqlite3.DatabaseError:  # it is always empty: what is in it is damage
                os.replace(self._path, self._path + ".danada")
            elif "locked" not in str(error):
                raise SinDisco(f"{self._path}: {error}") from error
            return False
        self._held, self._opened = db, _identity(self._path)
        return True

    def is_taken(self) -> bool:
        """Tells whether any process has it."""
        if self._held is None and self.take():
            self.release()
            return False
        return True

    def release(self) -> None:
        """Lets another process send. In a child after a fork it only forgets: the lock is the parent's, and SQLite has
        nothing to write, since nothing ever was."""
        if self._held is not None:
            self._held.close()
        self._held = None


class _Answer(NamedTuple):
    status: int
    retry_after: float | None
    value: Any

    @property
    def error(self) -> dict[str, Any]:
        """Is the service's own; empty where a proxy or a hotspot answered."""
        found = self.value.get("error") if isinstance(self.value, dict) else None
        return found if isinstance(found, dict) and "codigo" in found else {}


class _Service:
    """One connection to the service, kept open. No proxy of the environment is asked."""

    def __init__(self, url: str, cafile: str | None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{url!r} no es una dirección http:// o https://")
        self._parts, self._cafile = parts, cafile
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, path: str, token: str, body: bytes | None = None, seconds: float = ANSWER_SECONDS) -> _Answer:
        """Returns the whole answer to a POST of the body, or to a GET without one. Raises OSError or HTTPException
        where there is none, or half of one."""
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        while True:
            used = self._connection is not None
            try:
                connection = self._connection = self._connection or self._connect(seconds)
                method = "GET" if body is None else "POST"
                connection.request(method, self._parts.path.rstrip("/") + path, body, headers)
                response = connection.getresponse()
                text, after = response.read(), response.headers.get("Retry-After", "")
                break
            except (OSError, http.client.HTTPException) as error:
                self.close()
                # That the other side closed a connection which it had kept says nothing of the service.
                if not (used and isinstance(error, (ConnectionError, http.client.BadStatusLine))):
                    raise
        value = None
        with contextlib.suppress(ValueError):
            value = json.loads(text)
        return _Answer(response.status, float(after) if after.isdigit() else None, value)

    def _connect(self, seconds: float) -> http.client.HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        if self._parts.scheme == "http":
            return http.client.HTTPConnection(host, port, timeout=seconds)
        import ssl

        context = ssl.create_default_context(cafile=self._cafile)
        return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None


class _Pause(NamedTuple):
    """Nothing is sent for `seconds`; after `news_after` of them only until something new comes."""

    seconds: float = 0.0
    news_after: float = math.inf
    can_hurry: bool = True


class _Row(NamedTuple):
    id: int
    key: str
    body: bytes
    age: float


class _Sender:
    """The thread that sends, in the process whose turn it is; elsewhere it waits for the turn."""

    def __init__(self, salida: Salida, service: _Service) -> None:
        self._salida, self._service, self._store, self._turn = salida, service, salida._store, salida._turn
        self._closing, self._hurried, self._news = False, False, threading.Event()
        self._failures, self._seen, self._alone_through = 0, 0, 0
        self._tidied, self._told_at, self._told = -math.inf, -math.inf, ""
        self._noted: object = self  # what an earlier process noted is not known
        self._token: object = None
        self.outcome = ""  # of the last step: "idle", "sent", "failed", or "waiting" for the turn
        self.thread = threading.Thread(target=self._run, name="pos-notif-salida", daemon=True)
        self.thread.start()

    def wake(self, hurry: bool = False) -> None:
        """Says that something new is there. `hurry` ends any pause, but for one that the service asked for."""
        if hurry:
            self.outcome, self._hurried = "", True
        self._news.set()

    def end(self, seconds: float) -> None:
        self._closing = True
        self._news.set()
        self.thread.join(max(0.0, seconds))

    def _run(self) -> None:
        while not self._closing:
            self._hurried = False
            try:
                pause = self._step()
            except Exception as error:  # whatever it is: a thread that ended would never send again
                if not isinstance(error, (OSError, http.client.HTTPException)):
                    logger.exception("the sender goes on after this")
                pause = self._fail(f"no se envía: {type(error).__name__}: {error}")
            self._wait(pause)
        with self._store.lock:
            self._turn.release()
            self._store.close()
        self._service.close()

    def _wait(self, pause: _Pause) -> None:
        begun = time.monotonic()
        while not self._closing:
            passed = time.monotonic() - begun
            hurried = self._hurried or self._token != self._salida.token
            if passed >= pause.seconds or (hurried and pause.can_hurry):
                return
            self._news.wait(min(POLL_SECONDS, pause.seconds - passed))
            self._news.clear()
            with contextlib.suppress(SinDisco):
                if time.monotonic() - begun >= pause.news_after and self._newest() > self._seen:
                    return

    def _newest(self) -> int:
        return int(self._store.run(lambda db: db.execute(f"SELECT MAX(id) {_PENDING}").fetchone()[0], write=False) or 0)

    def _step(self) -> _Pause:
        self._token = self._salida.token
        with self._store.lock:
            mine = self._turn.take()
        if not mine:
            self.outcome = "waiting"
            return _Pause(TURN_SECONDS)
        if time.monotonic() - self._tidied >= TIDY_SECONDS:
            self._store.run(self._salida._tidy)
            self._tidied = time.monotonic()
        self._seen = self._newest()
        rows = self._store.run(self._next_rows, write=False)
        if not rows:
            self.outcome = "idle"
            return _Pause(POLL_SECONDS, news_after=0.0)
        expired = [row for row in rows if row.age > self._salida._expires]
        if expired:
            self._refuse(expired, "caducado", {"codigo": "caducado", "mensaje": "Pasó demasiado tiempo sin enviarse."})
            return _Pause()
        body = rows[0].body if len(rows) == 1 else b'{"eventos":[' + b",".join(row.body for row in rows) + b"]}"
        return self._judge(rows, self._service.ask("/api/notificaciones/eventos", self._salida._current_token(), body))

    def _next_rows(self, db: sqlite3.Connection) -> list[_Row]:
        rows: list[_Row] = []
        size = 0
        found = db.execute(f"SELECT id, clave, cuerpo, {_AGE} {_PENDING} ORDER BY id LIMIT {BATCH_EVENTS}", _now())
        for row in map(_Row._make, found):
            size += len(row.body) + 1
            if rows and (size > BATCH_BYTES or rows[0].id <= self._alone_through):
                break
            rows.append(row)
        return rows

    def _judge(self, rows: list[_Row], answer: _Answer) -> _Pause:
        status, error, value, alone = answer.status, answer.error, answer.value, len(rows) == 1
        said = " ".join(str(word) for word in (status, error.get("codigo"), error.get("mensaje")) if word)
        # Only the service's own answer says that it has the events: a hotspot's page is a 200 too.
        taken = isinstance(value, dict) and ("id" in value if alone else len(value.get("ids", ())) == len(rows))
        if (status in (200, 201) and taken) or (alone and error.get("codigo") == "pedido_existente"):
            self._store.run(lambda db: _delete_sent(db, rows))
        elif status in _WRONG_SETUP:
            with self._store.lock:
                self._turn.release()  # another process may have been told better
            self._fail(f"mal configurado: {said}", logging.ERROR)
            return _Pause(SETUP_SECONDS)
        elif status == 413 or (status in (400, 409, 415, 422) and error):
            if alone:
                self._refuse(rows, "rechazado", {"status": status, **(error or {"codigo": None, "mensaje": said})})
            else:  # all or nothing: which of them it was is seen one by one
                self._alone_through = rows[-1].id
        else:
            pause, wait = self._fail(f"sin servicio: {said}"), answer.retry_after
            return pause if wait is None else _Pause(min(wait, 3600.0), can_hurry=False)
        if self._failures:
            logger.info("sending goes on")
        self._failures, self._told, self.outcome = 0, "", "sent"
        self._note(None)
        return _Pause()

    def _fail(self, said: str, level: int = logging.WARNING) -> _Pause:
        seconds = min(BACKOFF_SECONDS, 0.2 * 2 ** min(self._failures, 10)) * random.uniform(0.5, 1.5)
        self._failures += 1
        self.outcome = "failed"
        if said != self._told or time.monotonic() - self._told_at >= 60:
            self._told, self._told_at = said, time.monotonic()
            logger.log(level, "nothing is sent, all is kept: %s", said)
        self._note(said)
        return _Pause(seconds, NEWS_SECONDS)

    def _note(self, said: str | None) -> None:
        """Keeps the error where every process finds it."""
        if said != self._noted:
            sql = "INSERT OR REPLACE INTO pos_notif_salida_nota VALUES ('ultimo_error', ?)"
            with contextlib.suppress(SinDisco):
                self._store.run(lambda db: db.execute(sql, (said,)))
                self._noted = said

    def _refuse(self, rows: list[_Row], state: str, error: dict[str, Any]) -> None:
        told = json.dumps(error, ensure_ascii=False)
        sql = "UPDATE pos_notif_salida SET estado = ?, error = ? WHERE id = ?"
        self._store.run(lambda db: db.executemany(sql, [(state, told, row.id) for row in rows]))
        for row in rows:
            logger.error("%s is kept and not sent (%s): %s", row.key, state, told)
            _call(self._salida._al_rechazar, json.loads(row.body), error)


def _call(callback: Callable[..., Any] | None, *arguments: Any) -> None:
    if callback is not None:
        try:
            callback(*arguments)
        except Exception:  # the POS's own: neither the till nor the sender stops at it
            logger.exception("a callback failed")


def _delete_sent(db: sqlite3.Connection, rows: list[_Row]) -> None:
    sql = """INSERT OR IGNORE INTO pos_notif_salida_enviadas (clave, huella, creado, reloj, arranque)
        SELECT clave, huella, :wall, :steady, :boot FROM pos_notif_salida WHERE id = :id AND huella IS NOT NULL"""
    db.executemany(sql, [{**_now(), "id": row.id} for row in rows])
    db.executemany("DELETE FROM pos_notif_salida WHERE id = ?", [(row.id,) for row in rows])


def _insert(db: sqlite3.Connection, row: dict[str, Any]) -> bool:
    """Returns whether the event is there: it is not where the outbox is full. Raises ClaveReutilizada."""
    cursor = _plain(db)
    if cursor.execute(_INSERT, row).rowcount:
        return True
    found = cursor.execute(_KNOWN, row).fetchone()
    if found is not None and found[0] != row["digest"]:
        raise ClaveReutilizada(f"{row['key']} ya se usó con otro contenido")
    return found is not None


def _plain(db: sqlite3.Connection) -> sqlite3.Cursor:
    cursor = db.cursor()
    cursor.row_factory = None  # the POS's connection may have one of its own
    return cursor


def _check(value: Any, depth: int = 1) -> None:
    """Raises ValueError for what JSON can say and the service cannot take."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > MAX_INTEGER:
        raise ValueError("un entero pasa de ±2^53")
    if isinstance(value, (dict, list, tuple)):
        if depth > MAX_DEPTH:
            raise ValueError(f"tiene más de {MAX_DEPTH} niveles")
        for member in value.values() if isinstance(value, dict) else value:
            _check(member, depth + 1)


def _row(event: dict[str, Any], given: str | None) -> dict[str, Any]:
    """Returns what is stored of an event, by its key or one of its own. Raises ValueError."""
    given = event.get("operacion_id") if given is None else given
    key = str(uuid.uuid4()) if given is None else given
    if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY or not key.isprintable():
        raise ValueError(f"operacion_id debe tener de 1 a {MAX_KEY} caracteres imprimibles")
    sent = {**event, "operacion_id": key}
    try:
        _check(sent)
        digest = hashlib.sha256(json.dumps(sent, sort_keys=True, allow_nan=False).encode()).digest()
        if event.get("timestamp") is None and event.get("timestamp_origen") is None:
            sent["timestamp_origen"] = datetime.now().astimezone().isoformat(timespec="milliseconds")
        body = json.dumps(sent, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise ValueError(f"No es JSON: {error}") from error
    if len(body) > MAX_EVENT_BYTES:
        raise ValueError(f"El evento pasa de {MAX_EVENT_BYTES // 1024} KiB.")
    return {"key": key, "body": body, "size": len(body), "digest": None if given is None else digest, **_now()}


class Salida:
    """The outbox. `db` is the path of its own file. With `conexion`, the POS's own connection to SQLite or what returns
    it, events are written in its open transaction instead; `db` is then the path of that database, and is not needed
    beside a connection. Without `url` this process sends nothing. `token` may be what returns it, and may be set anew.

    Any thread may use it, also after a fork. Raises ValueError for a file on another machine's disk.
    """

    def __init__(
        self,
        db: str | os.PathLike[str] | None = None,
        url: str | None = None,
        token: str | Callable[[], str] | None = None,
        *,
        conexion: sqlite3.Connection | Callable[[], sqlite3.Connection] | None = None,
        cafile: str | None = None,
        caduca_horas: float | None = 12.0,
        estricto: bool = False,
        max_eventos: int = 10_000,
        max_bytes: int = 64 * 2**20,
        al_rechazar: Callable[[dict[str, Any], dict[str, Any]], Any] | None = None,
        al_llenarse: Callable[[dict[str, Any]], Any] | None = None,
    ) -> None:
        if db is None and isinstance(conexion, sqlite3.Connection):
            db = next(row[2] for row in _plain(conexion).execute("PRAGMA database_list") if row[1] == "main")
        if not db:
            raise ValueError("falta db, la ruta del archivo")
        path, mounts = os.path.realpath(os.fspath(db)), ""
        with contextlib.suppress(OSError), open("/proc/self/mounts", encoding="utf-8", errors="replace") as file:
            mounts = file.read()
        if is_on_network(path, mounts):
            raise ValueError(f"{path} está en el disco de otra máquina: SQLite lo dañaría")
        self.token = token
        self._store, self._turn = _Store(path, own=conexion is None), _Turn(path + "-turno")
        self._conexion, self._estricto, self._al_rechazar, self._al_llenarse = (
            conexion,
            estricto,
            al_rechazar,
            al_llenarse,
        )
        self._max_events, self._max_bytes = max_eventos, max_bytes
        self._expires = math.inf if caduca_horas is None else caduca_horas * 3600
        self._url, self._cafile = url, cafile
        self._sender: _Sender | None = None
        self._pid, self._closed = os.getpid(), False
        if url is not None:
            _Service(url, cafile)  # a wrong address is told now
            self._current_token()
        _LIVE.add(self)
        self._start()

    def __enter__(self) -> Salida:
        return self

    def __exit__(self, *_: object) -> None:
        self.cerrar()

    def publicar(self, evento: dict[str, Any], operacion_id: str | None = None) -> str | None:
        """Stores an event of any type, to be sent. Returns its key, or None where the outbox is full.

        Raises ValueError for what is not JSON or too large, ClaveReutilizada for a key that another event has, Llena
        where that was asked for, and SinDisco where nothing can be stored.
        """
        self._start()
        row = {**_row(evento, operacion_id), "max_events": self._max_events, "max_bytes": self._max_bytes}
        if self._conexion is None:
            stored = self._store.run(lambda db: _insert(db, row))
        else:
            stored = self._insert_by_the_pos(self._conexion, row)
        if stored:
            self._wake()
            return str(row["key"])
        logger.critical("the outbox is full: %s is not stored", row["key"])
        _call(self._al_llenarse, evento)
        if self._estricto:
            raise Llena(f"{self._store.path}: está llena; {row['key']} no se guardó")
        return None

    def _insert_by_the_pos(
        self, given: sqlite3.Connection | Callable[[], sqlite3.Connection], row: dict[str, Any]
    ) -> bool:
        db = given if isinstance(given, sqlite3.Connection) else given()
        try:
            with contextlib.suppress(sqlite3.OperationalError):
                return _insert(db, row)
            for statement in _SCHEMA:  # perhaps only the tables are missing
                db.execute(statement)
            return _insert(db, row)
        except sqlite3.OperationalError as error:
            raise SinDisco(f"{self._store.path}: {error}") from error

    def _notify(self, event: dict[str, Any], fields: dict[str, Any]) -> str | None:
        return self.publicar({**event, **{name: value for name, value in fields.items() if value is not None}})

    def notificar_nuevo_pedido(self, pedido: dict[str, Any], **campos: Any) -> str | None:
        return self._notify({"tipo": "nuevo_pedido", "pedido": pedido}, campos)

    def notificar_pedido_listo(self, pedido_id: int, items_listos: Sequence[str], **campos: Any) -> str | None:
        event = {"tipo": "pedido_listo", "pedido_id": pedido_id, "items_listos": list(items_listos)}
        return self._notify(event, campos)

    def notificar_cambio_estado_pedido(self, pedido_id: int, nuevo_estado: str, **campos: Any) -> str | None:
        return self._notify({"tipo": "cambio_estado", "pedido_id": pedido_id, "estado": nuevo_estado}, campos)

    def notificar_item_modificado(
        self, pedido_id: int, item_id: int, cambios: dict[str, Any], **campos: Any
    ) -> str | None:
        event = {"tipo": "item_modificado", "pedido_id": pedido_id, "item_id": item_id, "cambios": cambios}
        return self._notify(event, campos)

    def notificar_pedido_cancelado(self, pedido_id: int, razon: str | None = None, **campos: Any) -> str | None:
        return self._notify({"tipo": "pedido_cancelado", "pedido_id": pedido_id, "razon": razon}, campos)

    def notificar_cambio_mesa(self, pedido_id: int, mesa_numero: int | None = None, **campos: Any) -> str | None:
        return self._notify({"tipo": "cambio_mesa", "pedido_id": pedido_id, "mesa_numero": mesa_numero}, campos)

    def notificar_stock_bajo(
        self, producto_id: int, nombre: str, stock_actual: float | None, **campos: Any
    ) -> str | None:
        event = {"tipo": "alerta_stock", "producto_id": producto_id, "nombre": nombre, "stock_actual": stock_actual}
        return self._notify(event, campos)

    def pendientes(self) -> int:
        """Returns how many events wait to be sent."""
        return int(self._store.run(lambda db: db.execute(f"SELECT COUNT(*) {_PENDING}").fetchone()[0], write=False))

    def rechazados(self) -> list[dict[str, Any]]:
        """Returns what was refused or has expired, each `{clave, estado, evento, error, desde}`."""
        sql = (
            "SELECT clave, estado, cuerpo, error, creado FROM pos_notif_salida WHERE estado <> 'pendiente' ORDER BY id"
        )
        names = ("clave", "estado", "evento", "error", "desde")
        rows = self._store.run(lambda db: db.execute(sql).fetchall(), write=False)
        return [
            dict(zip(names, (key, state, json.loads(body), json.loads(error), datetime.fromtimestamp(at).isoformat())))
            for key, state, body, error, at in rows
        ]

    def reintentar(self, clave: str) -> bool:
        """Has a refused or expired event sent once more, before what waits. Returns False where there is none."""
        sql = """UPDATE pos_notif_salida SET estado = 'pendiente', error = NULL, creado = :wall, reloj = :steady,
            arranque = :boot WHERE clave = :key AND estado <> 'pendiente'"""
        done = self._store.run(lambda db: db.execute(sql, {**_now(), "key": clave}).rowcount)
        self._wake()
        return bool(done)

    def estado(self) -> dict[str, Any]:
        """Returns `{pendientes, mas_antiguo_segundos, rechazados, ultimo_error, enviando}`."""
        sql = f"""SELECT (SELECT COUNT(*) {_PENDING}), (SELECT MAX(0, {_AGE}) {_PENDING} ORDER BY id LIMIT 1),
            (SELECT COUNT(*) FROM pos_notif_salida WHERE estado <> 'pendiente'),
            (SELECT texto FROM pos_notif_salida_nota WHERE nombre = 'ultimo_error')"""
        found = self._store.run(lambda db: db.execute(sql, _now()).fetchone(), write=False)
        with self._store.lock:
            sending = self._turn.is_taken()
        return dict(zip(("pendientes", "mas_antiguo_segundos", "rechazados", "ultimo_error"), found), enviando=sending)

    def vaciar(self, segundos: float = 5.0) -> bool:
        """Waits until all is sent, at most so long. Returns whether it is."""
        self._start()
        self._wake(hurry=True)
        return self._drain(time.monotonic() + segundos)

    def _drain(self, deadline: float, until: tuple[str, ...] = ()) -> bool:
        while self.pendientes():
            if time.monotonic() >= deadline or (self._sender is not None and self._sender.outcome in until):
                return False
            time.sleep(0.01)
        return True

    def consultar(self, ruta: str, segundos: float = 1.0) -> Any | None:
        """Returns the service's JSON answer to a GET of this path, or None where there is none."""
        if self._url is not None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                with contextlib.closing(_Service(self._url, self._cafile)) as service:
                    answer = service.ask(ruta, self._current_token(), seconds=segundos)
                return answer.value if answer.status == 200 else None
        return None

    def cerrar(self) -> None:
        """Ends the sending. What waits stays, and what is published later is stored, for whoever sends then."""
        self._close(EXIT_SECONDS)

    def _close(self, seconds: float) -> None:
        self._closed = True
        if self._sender is not None:
            self._sender.end(seconds)  # it closes what it works with, if only when an answer has come
        with self._store.lock:
            self._store.close()

    def _current_token(self) -> str:
        token = str((self.token() if callable(self.token) else self.token) or "").strip()
        if not token.isascii() or not token.isprintable():
            raise ValueError("token no es una ficha del servicio")
        return token

    def _wake(self, hurry: bool = False) -> None:
        if self._sender is not None:
            self._sender.wake(hurry)

    def _start(self) -> None:
        """Has a thread send, which a process that was forked does not have yet."""
        if self._pid != os.getpid():
            self._begin_anew()
        if self._url is not None and not self._closed and not self._is_sending():
            with self._store.lock, contextlib.suppress(RuntimeError):  # no thread begins where the interpreter ends
                if not self._is_sending():
                    self._sender = _Sender(self, _Service(self._url, self._cafile))

    def _is_sending(self) -> bool:
        return self._sender is not None and self._sender.thread.is_alive()

    def _hold(self) -> None:
        """Is called before a fork: nobody may be at work on the file then."""
        self._store.lock.acquire()
        self._store.close()

    def _begin_anew(self) -> None:
        """Is called in a child after a fork: the turn and the connections are its parent's."""
        self._pid, self._sender = os.getpid(), None
        self._store.begin_anew()
        self._turn.release()

    def _tidy(self, db: sqlite3.Connection) -> None:
        """Deletes what was kept long enough, and the oldest of what is more than may wait."""
        known = f"{_AGE} > {KNOWN_SECONDS} OR id <= (SELECT MAX(id) FROM pos_notif_salida_enviadas) - {KNOWN_KEYS}"
        db.execute(f"DELETE FROM pos_notif_salida_enviadas WHERE {known}", _now())
        db.execute(f"DELETE FROM pos_notif_salida WHERE estado <> 'pendiente' AND {_AGE} > {KEPT_SECONDS}", _now())
        events = size = 0
        sql = "SELECT id, tamano FROM pos_notif_salida WHERE estado <> 'pendiente' ORDER BY id DESC"
        for row_id, row_size in db.execute(sql).fetchall():
            events, size = events + 1, size + row_size
            if events > self._max_events or size > self._max_bytes:
                db.execute("DELETE FROM pos_notif_salida WHERE estado <> 'pendiente' AND id <= ?", (row_id,))
                return

    def _end(self, deadline: float) -> None:
        """Gives what was stored just now its chance, but for where the service is away or another process sends."""
        if self._pid == os.getpid() and self._is_sending():
            self._wake(hurry=True)
            with contextlib.suppress(SinDisco):
                self._drain(deadline - 0.2, ("failed", "waiting"))
            self._close(deadline - time.monotonic())


# A fork and the interpreter's end concern all that are there then; neither hook can be given back.
_LIVE: weakref.WeakSet[Salida] = weakref.WeakSet()


def _each(what: Callable[[Salida], Any]) -> None:
    for salida in sorted(_LIVE, key=id):
        what(salida)


def _end_all() -> None:
    deadline = time.monotonic() + EXIT_SECONDS
    _each(lambda salida: salida._end(deadline))


atexit.register(_end_all)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=lambda: _each(Salida._hold),
        after_in_parent=lambda: _each(lambda salida: salida._store.lock.release()),
        after_in_child=lambda: _each(Salida._begin_anew),
    )
