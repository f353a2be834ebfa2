"""An outbox for a POS: `Salida` stores each event on the till's own disk, and sends it to pos_notif's service after.

It needs Python 3.8 and nothing else, and this file alone may be copied. How it behaves is in the README beside it."""

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
import ssl
import threading
import time
import uuid
import weakref
from datetime import datetime
from email.utils import mktime_tz, parsedate_tz
from itertools import accumulate
from typing import Any, Callable, Dict, Mapping, Optional
from urllib.parse import urlsplit

__version__ = "0.1.0"
MAX_EVENT_BYTES, MAX_DEPTH, MAX_KEY = 256 * 1024, 16, 200  # the service's own limits
BATCH_EVENTS, BATCH_BYTES = 100, 900_000  # nginx lets a body of 1 MiB through, unless it is told otherwise
DISK_SECONDS, ANSWER_SECONDS, EXIT_SECONDS = 2.0, 10.0, 2.0
POLL_SECONDS, TURN_SECONDS = 0.2, 1.0  # how soon what others stored is found, and a sender that ended is replaced
BACKOFF_SECONDS, NEWS_SECONDS, SETUP_SECONDS, ASKED_SECONDS, TIDY_SECONDS = 30.0, 5.0, 30.0, 60.0, 600.0
KEPT_SECONDS, KNOWN_SECONDS, KNOWN_KEYS = 30 * 86400.0, 86400.0, 100_000  # what was refused; keys of what was sent
# Other machines' disks: SQLite's locks, and the memory that its WAL needs, do not hold between machines.
_NETWORK = re.compile("nfs4?|cifs|smb3|smbfs|afs|ceph|glusterfs|davfs|fuse[.](sshfs|glusterfs|rclone)")
# The names are in the POS's language, in whose database it may stand. Of what was sent, `clave` and `huella` stay for a
# day: that is of the event as handed in. An age goes by `reloj` within one `arranque` of the machine, else by `creado`.
_SCHEMA = """CREATE TABLE IF NOT EXISTS pos_notif_salida (
        id INTEGER PRIMARY KEY AUTOINCREMENT, clave TEXT NOT NULL UNIQUE, cuerpo BLOB NOT NULL, huella BLOB NOT NULL,
        estado TEXT NOT NULL DEFAULT 'pendiente' CHECK (estado IN ('pendiente', 'enviado', 'rechazado', 'caducado')),
        error TEXT, tamano INTEGER NOT NULL, creado REAL NOT NULL, reloj REAL NOT NULL, arranque TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS pos_notif_salida_espera ON pos_notif_salida (id, tamano) WHERE estado = 'pendiente'"""
# Python begins a transaction at what writes, if the POS's connection does: a savepoint outside of one would commit.
_BEGIN = ("DELETE FROM pos_notif_salida WHERE 0", "SAVEPOINT pos_notif_salida")
_PENDING = "FROM pos_notif_salida WHERE estado = 'pendiente'"
_REFUSED = "FROM pos_notif_salida WHERE estado IN ('rechazado', 'caducado')"
_AGE = "(CASE WHEN arranque = :boot THEN :steady - reloj ELSE :wall - creado END)"
_INSERT = f"""INSERT OR IGNORE INTO pos_notif_salida (clave, cuerpo, tamano, huella, creado, reloj, arranque)
    SELECT :key, :body, :size, :digest, :wall, :steady, :boot
    WHERE (SELECT COUNT(*) < :max_events AND TOTAL(tamano) + :size <= :max_bytes {_PENDING})"""
_NEXT = f"SELECT id, clave, cuerpo, {_AGE}, (SELECT MAX(id) {_PENDING}) {_PENDING} ORDER BY id LIMIT {BATCH_EVENTS}"
_AGAIN = "UPDATE pos_notif_salida SET creado = :wall, reloj = :steady, arranque = :boot, error = NULL"
_NEWS = f"SELECT 1 {_PENDING} AND id > :seen LIMIT 1"
_SENT = f"{_AGAIN}, estado = 'enviado', cuerpo = '', tamano = 0 WHERE id = :id"
_TIDY = f"""DELETE FROM pos_notif_salida WHERE estado = 'enviado' AND (
        {_AGE} > {KNOWN_SECONDS} OR id <= (SELECT MAX(id) FROM pos_notif_salida) - {KNOWN_KEYS})
    OR estado IN ('rechazado', 'caducado') AND (
        {_AGE} > {KEPT_SECONDS} OR id <= (SELECT id {_REFUSED} ORDER BY id DESC LIMIT 1 OFFSET :max_events))"""
Json = Dict[str, Any]
Key = Optional[str]
logger = logging.getLogger("pos_notif_client")


class SinDisco(OSError):
    """Nothing could be stored: the disk is full or read-only, or the file stays locked."""


class Llena(Exception):
    """The outbox is full: the newest is not stored, since the oldest matter most to a kitchen."""


class ClaveReutilizada(ValueError):
    """Another event has this `operacion_id` already."""


def _text(path: str, default: str) -> str:
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return file.read().strip()
    return default


_BOOT = _text("/proc/sys/kernel/random/boot_id", uuid.uuid4().hex)  # elsewhere, clocks are compared in one process only


def _now() -> Json:
    """Returns the wall clock, and what ages go by: nobody can set it, and it counts on in a suspended machine."""
    steady = time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()
    return {"wall": time.time(), "steady": steady, "boot": _BOOT}


def is_on_network(path: str, mounts: str) -> bool:
    """Tells whether a resolved path is on another machine's disk. `mounts` is the text of /proc/self/mounts."""
    found = re.findall(r"^\S+ (\S+) (\S+)", mounts, re.MULTILINE)
    kinds = {point.replace("\\040", " ").rstrip("/") + "/": kind for point, kind in found}
    kind = kinds.get(max(filter(path.startswith, kinds), key=len, default=""), "")
    return path.startswith("\\\\") or _NETWORK.fullmatch(kind) is not None  # Windows: a drive's letter is resolved too


class Salida:
    """The outbox. `db` is the path of its own file. With `conexion`, the POS's own connection to SQLite or what returns
    it, events are written in its open transaction instead; `db` is then the path of that database, and is not needed
    beside a connection. Without `url` this process sends nothing. `token` may be what returns it, and may be set anew.
    Any thread may use it, also after a fork. Raises ValueError for a file on another machine's disk."""

    def __init__(
        self, db: str | os.PathLike[str] | None = None, url: Key = None, token: Key | Callable[[], str] = None, *,
        conexion: sqlite3.Connection | Callable[[], sqlite3.Connection] | None = None, estricto: bool = False,
        cafile: Key = None, caduca_horas: float | None = 12.0, max_eventos: int = 10_000, max_bytes: int = 64 * 2**20,
        al_rechazar: Callable[[Json, Json], Any] | None = None, al_llenarse: Callable[[Json], Any] | None = None,
    ) -> None:  # fmt: skip
        if db is None and isinstance(conexion, sqlite3.Connection):
            db = next(str(part[2]) for part in sqlite3.Cursor(conexion).execute("PRAGMA database_list"))
        if not db:
            raise ValueError("falta db, la ruta del archivo")
        self._path = os.path.realpath(os.fspath(db))
        if is_on_network(self._path, _text("/proc/self/mounts", "")):
            raise ValueError(f"{self._path} está en el disco de otra máquina: SQLite lo dañaría")
        self._conexion = (lambda: conexion) if isinstance(conexion, sqlite3.Connection) else conexion
        self._expires = math.inf if caduca_horas is None else caduca_horas * 3600
        self.token, self._url, self._cafile, self._al_rechazar, self._closed = token, url, cafile, al_rechazar, False
        self._al_llenarse, self._told_by_none = al_llenarse, () if estricto else (Llena,)
        self._limits = {"max_events": max_eventos, "max_bytes": max_bytes}
        self._turn: sqlite3.Connection | None = None
        self._begin_anew()
        if url is not None:  # a wrong token, and a wrong address, are told now
            self._headers()
            self.connect(ANSWER_SECONDS)
        self._start()
        _LIVE.add(self)

    def publicar(self, evento: Json, operacion_id: Key = None) -> Key:
        """Stores an event of any type, to be sent. Returns its key, or None where the outbox is full.
        Raises ValueError for what is not JSON or too large, ClaveReutilizada for a key that another event has, Llena
        where that was asked for, and SinDisco where nothing can be stored."""
        with contextlib.suppress(*self._told_by_none):
            return str(self.transaccion(lambda db: self.guardar(db, evento, operacion_id)))
        return None

    def transaccion(self, trabajo: Callable[[sqlite3.Connection], Any], escribe: bool = True) -> Any:
        """Returns `trabajo(connection)`, done in one transaction, or in the POS's own; where it must be done anew,
        nothing is left of the first time. Raises SinDisco, and Llena where `guardar` did."""
        self._start()
        try:
            if self._conexion is None or not escribe:
                return self._run(trabajo, write=escribe)
            db = self._conexion()
            for statement in (*_SCHEMA.split(";"), *_BEGIN):  # a script would commit what the POS has begun
                db.execute(statement)
            try:
                return trabajo(db)
            except BaseException:
                if db.in_transaction:  # else it has undone all of the POS's too, as a full disk may
                    db.execute("ROLLBACK TO pos_notif_salida")
                raise
            finally:
                if db.in_transaction:
                    db.execute("RELEASE pos_notif_salida")
        except Llena as full:
            logger.critical("the outbox is full: %s", full.args[0])
            self._call(self._al_llenarse, full.args[1])
            raise Llena(full.args[0]) from None
        except sqlite3.OperationalError as error:
            raise SinDisco(f"{self._path}: {error}") from error
        finally:
            self._news.set()

    def guardar(self, db: sqlite3.Connection, evento: Json, operacion_id: Key = None) -> str:
        """Stores an event in an open transaction, as `publicar` does, which says what is raised. Returns its key."""
        if not isinstance(evento, Mapping):
            raise ValueError("evento debe ser un objeto")
        key = next(key for key in (operacion_id, evento.get("operacion_id"), str(uuid.uuid4())) if key is not None)
        if not isinstance(key, str) or not 1 <= len(key) <= MAX_KEY or not key.isprintable():
            raise ValueError(f"operacion_id debe tener de 1 a {MAX_KEY} caracteres imprimibles")
        sent = {**evento, "operacion_id": key}
        try:
            digest = hashlib.sha256(json.dumps(sent, sort_keys=True, allow_nan=False).encode()).digest()
            if evento.get("timestamp") is None and evento.get("timestamp_origen") is None:
                sent["timestamp_origen"] = datetime.now().astimezone().isoformat(timespec="milliseconds")
            body = json.dumps(sent, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"No es JSON: {error}") from error
        without_texts = re.sub(rb'"(\\.|[^"\\])*"', b"", body)
        depth = max(accumulate((byte in b"[{") - (byte in b"]}") for byte in without_texts))
        if len(body) > MAX_EVENT_BYTES or depth > MAX_DEPTH:
            raise ValueError(f"El evento pasa de {MAX_EVENT_BYTES // 1024} KiB o de {MAX_DEPTH} niveles.")
        row = {"key": key, "body": body, "size": len(body), "digest": digest, **_now(), **self._limits}
        cursor = sqlite3.Cursor(db)  # the POS's connection may have a row_factory
        if not cursor.execute(_INSERT, row).rowcount:
            found = cursor.execute("SELECT huella FROM pos_notif_salida WHERE clave = :key", row).fetchone()
            if found is None:
                raise Llena(f"{self._path} está llena: {key} no se guardó", evento)
            if found[0] != digest:
                raise ClaveReutilizada(f"{key} ya se usó con otro contenido")
        return key

    # fmt: off
    def _put(self, fields: Json, **event: Any) -> Key:
        return self.publicar({**event, **{name: value for name, value in fields.items() if value is not None}})
    def notificar_nuevo_pedido(self, pedido: Json, **campos: Any) -> Key:
        return self._put(campos, tipo="nuevo_pedido", pedido=pedido)
    def notificar_pedido_listo(self, pedido_id: int, items_listos: Any, **campos: Any) -> Key:
        return self._put(campos, tipo="pedido_listo", pedido_id=pedido_id, items_listos=list(items_listos))
    def notificar_cambio_estado_pedido(self, pedido_id: int, nuevo_estado: str, **campos: Any) -> Key:
        return self._put(campos, tipo="cambio_estado", pedido_id=pedido_id, estado=nuevo_estado)
    def notificar_item_modificado(self, pedido_id: int, item_id: int, cambios: Json, **campos: Any) -> Key:
        return self._put(campos, tipo="item_modificado", pedido_id=pedido_id, item_id=item_id, cambios=cambios)
    def notificar_pedido_cancelado(self, pedido_id: int, razon: Key = None, **campos: Any) -> Key:
        return self._put(campos, tipo="pedido_cancelado", pedido_id=pedido_id, razon=razon)
    def notificar_cambio_mesa(self, pedido_id: int, mesa_numero: int | None = None, **campos: Any) -> Key:
        return self._put(campos, tipo="cambio_mesa", pedido_id=pedido_id, mesa_numero=mesa_numero)
    def notificar_stock_bajo(self, producto_id: int, nombre: str, stock_actual: float | None, **campos: Any) -> Key:
        return self._put(campos, tipo="alerta_stock", producto_id=producto_id, nombre=nombre, stock_actual=stock_actual)
    # fmt: on

    def pendientes(self) -> int:
        """Returns how many events wait to be sent."""
        return int(self._read(f"SELECT COUNT(*) {_PENDING}")[0][0])

    def rechazados(self) -> list[Json]:
        """Returns what was refused or has expired, each `{clave, estado, evento, error, desde}`."""
        sql = f"SELECT clave, estado, cuerpo, error, creado {_REFUSED} ORDER BY id"
        return [
            {"clave": key, "estado": state, "evento": json.loads(body), "error": json.loads(error),
             "desde": datetime.fromtimestamp(created).astimezone().isoformat(timespec="seconds")}
            for key, state, body, error, created in self._read(sql)
        ]  # fmt: skip

    def reintentar(self, clave: str) -> bool:
        """Has a refused or expired event sent once more, before what waits. Returns False where there is none."""
        sql = f"{_AGAIN}, estado = 'pendiente' WHERE id = (SELECT id {_REFUSED} AND clave = :key)"
        return bool(self._run(lambda db: db.execute(sql, {**_now(), "key": clave}).rowcount))

    def estado(self) -> Json:
        """Returns `{pendientes, mas_antiguo_segundos, rechazados, ultimo_error, enviando}`."""
        sql = f"""SELECT (SELECT COUNT(*) {_PENDING}), (SELECT CAST(MAX(0, {_AGE}) AS INTEGER) {_PENDING}
            ORDER BY id LIMIT 1), (SELECT COUNT(*) {_REFUSED}), (SELECT error {_PENDING} ORDER BY id LIMIT 1)"""
        names = ("pendientes", "mas_antiguo_segundos", "rechazados", "ultimo_error")
        return {**dict(zip(names, self._read(sql)[0])), "enviando": not self._let_go(self._take_turn())}

    def vaciar(self, segundos: float = 5.0, paciente: bool = True) -> bool:
        """Waits until all is sent, at most so long; without patience only while this process sends. Returns whether."""
        self._start()
        end = time.monotonic() + segundos
        while self.pendientes() and time.monotonic() < end and (paciente or not (self._is_waiting or self._failures)):
            time.sleep(0.01)
        return not self.pendientes()

    def cerrar(self, segundos: float = EXIT_SECONDS) -> None:
        """Ends the sending. What waits stays, and what is published later is stored, for whoever sends then."""
        self._closed = True
        self._news.set()
        if self._thread is not None:
            self._thread.join(max(0.0, segundos))
        self._close()

    def _end(self) -> None:
        if self._thread is not None and not self._closed:
            self.vaciar(EXIT_SECONDS - 0.2, paciente=False)
            self.cerrar(0.2)

    def _begin_anew(self) -> None:
        """Is called in a fork's child too: the thread, the turn and the connections are its parent's."""
        self._pid, self._news, self._lock = os.getpid(), threading.Event(), threading.RLock()
        self._thread: threading.Thread | None = None
        self._db: sqlite3.Connection | None = None
        self._let_go(self._turn)

    def _start(self) -> None:
        if self._pid != os.getpid():  # who forks in C runs no hooks
            self._begin_anew()
        with self._lock, contextlib.suppress(RuntimeError):  # no thread begins where the interpreter ends
            if self._thread is None and self._url is not None and not self._closed:
                self._failures, self._seen, self._alone_through, self._is_waiting = 0, 0, 0, False
                self._tidied, self._told_at, self._told = -math.inf, -math.inf, ""
                thread = threading.Thread(target=self._send, name="pos-notif-salida", daemon=True)
                thread.start()
                self._thread = thread

    def _connect(self, ending: str) -> sqlite3.Connection:
        path, is_new = self._path + ending, not os.path.exists(self._path + ending)
        db = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        if is_new and (ending or self._conexion is None):  # else the POS's own
            os.chmod(path, 0o600)  # by its name: closing a handle of ours would take SQLite's locks away
        return db

    def _identity(self) -> Any:
        return os.stat(self._path)[1:3] if os.path.exists(self._path) else None

    def _run(self, work: Callable[[sqlite3.Connection], Any], *, write: bool = True) -> Any:
        """Returns `work(connection)`, with what it wrote on the disk. Raises SinDisco, after 2 s of others' work on it.
        A process has one connection, which one thread at a time uses, and which is closed before a fork: SQLite's locks
        are a process's own, and a child would take its parent's for its own."""
        until, mended = time.monotonic() + DISK_SECONDS, False
        while True:
            with self._lock:
                try:
                    with self._open() as db:
                        db.execute("BEGIN IMMEDIATE" if write else "BEGIN")
                        result = work(db)
                    if not write or self._identity() == self._opened:
                        return result  # else another process has set the file aside, and this with it: into the new one
                except (sqlite3.DatabaseError, OSError) as error:
                    self._close()
                    if "locked" not in str(error) or time.monotonic() >= until:
                        if mended or self._conexion is not None or type(error) is not sqlite3.DatabaseError:
                            raise SinDisco(f"{self._path}: {error}") from error
                        self._set_aside(error)
                        mended = True
            time.sleep(random.uniform(0.001, 0.01))  # SQLite's own waits grow: one of many could starve

    def _read(self, sql: str, **values: Any) -> Any:
        return self._run(lambda db: db.execute(sql, {**_now(), **values}).fetchall(), write=False)

    def _open(self) -> sqlite3.Connection:
        if self._db is None or self._identity() != self._opened:
            self._close()
            self._db = db = self._connect("")
            self._opened: Any = self._identity()
            db.execute("PRAGMA synchronous = FULL")
            names = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if self._conexion is None:  # else the POS's own: neither its journal is chosen here, nor is it set aside
                if names and "pos_notif_salida" not in names:
                    raise SinDisco("es la base de otro programa: use conexion=")
                db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_SCHEMA)
        return self._db

    def _set_aside(self, error: sqlite3.DatabaseError) -> None:
        if self._identity() == self._opened:  # else another process has done it already
            new = f"{self._path}.danada-{datetime.now():%Y%m%d-%H%M%S}"
            logger.error("%s is damaged (%s): renamed to %s, a new one is begun", self._path, error, new)
            for ending in ("-wal", "-shm", ""):  # the -wal first: a new file must never find it
                with contextlib.suppress(OSError):  # what cannot be renamed, the next try tells
                    os.replace(self._path + ending, new + ending)

    def _close(self) -> None:
        with self._lock:
            if self._db is not None:
                self._db.close()
            self._db = None

    def _take_turn(self) -> sqlite3.Connection | None:
        """Returns what makes this process the sender until it is closed or killed: `BEGIN EXCLUSIVE` on an empty file.
        None where another process has it."""
        with self._lock, contextlib.ExitStack() as undone:
            try:
                turn = undone.enter_context(contextlib.closing(self._connect("-turno")))
                turn.execute("BEGIN EXCLUSIVE")
                undone.pop_all()
                return turn
            except sqlite3.DatabaseError as error:
                if "locked" not in str(error):
                    raise SinDisco(f"{self._path}-turno: {error}") from error
        return None

    def _let_go(self, turn: sqlite3.Connection | None) -> bool:
        with self._lock:
            if turn is not None:
                turn.close()
                self._turn = None
        return turn is not None

    def _send(self) -> None:
        with contextlib.closing(self.connect(ANSWER_SECONDS)) as service:
            while not self._closed:
                try:
                    seconds, news_after = self._step(service)
                except Exception as error:  # whatever it is: a thread that ended would never send again
                    service.close()
                    logger.debug("the sender goes on after this", exc_info=True)
                    seconds, news_after = self._fail(f"{type(error).__name__}: {error}")
                begun = time.monotonic()
                while time.monotonic() - begun < seconds and not self._is_woken(time.monotonic() - begun >= news_after):
                    self._news.wait(POLL_SECONDS)
                    self._news.clear()
        self._let_go(self._turn)

    def _is_woken(self, news: bool) -> bool:
        with contextlib.suppress(SinDisco):
            return self._closed or self._used_token != self.token or (news and self._read(_NEWS, seen=self._seen))
        return False

    def _step(self, service: http.client.HTTPConnection) -> tuple[float, float]:
        self._turn = self._turn or self._take_turn()
        self._is_waiting = self._turn is None
        if self._is_waiting:
            return TURN_SECONDS, math.inf
        rows = self._read(_NEXT)
        self._seen = rows[0][4] if rows else 0
        if not rows:
            service.close()  # the other side may close an idle one at any time, also just when it is used again
            if time.monotonic() - self._tidied >= TIDY_SECONDS:
                self._run(lambda db: db.execute(_TIDY, {**_now(), **self._limits}))
                self._tidied = time.monotonic()
            return TIDY_SECONDS, 0.0
        sizes = accumulate(len(row[2]) + 1 for row in rows)
        count = 1 if rows[0][0] <= self._alone_through else BATCH_EVENTS
        rows = [row for row, size in zip(rows[:count], sizes) if size <= BATCH_BYTES]
        expired = [row for row in rows if row[3] > self._expires]
        if expired:
            self._refuse(expired, "caducado", {"codigo": "caducado", "mensaje": "Pasó demasiado tiempo sin enviarse."})
            return 0.0, 0.0
        body = rows[0][2] if len(rows) == 1 else b'{"eventos":[' + b",".join(row[2] for row in rows) + b"]}"
        status, retry_after, value = self.ask(service, "/api/notificaciones/eventos", body)
        value, alone = value if isinstance(value, dict) else {}, len(rows) == 1
        error = value["error"] if isinstance(value.get("error"), dict) and "codigo" in value["error"] else {}
        said = " ".join(str(word) for word in (status, error.get("codigo"), error.get("mensaje")) if word)
        # Only the service's own words count: a hotspot's page is a 200 too, and a proxy refuses as it likes.
        taken = status in (200, 201) and ("id" in value if alone else "ids" in value)
        if taken or (alone and error.get("codigo") == "pedido_existente"):
            self._run(lambda db: db.executemany(_SENT, [{**_now(), "id": row[0]} for row in rows]))
        elif status in (401, 403, 404, 405) or 300 <= status < 400 or (status == 413 and alone and not error):
            self._let_go(self._turn)  # another process may have been told better
            return self._fail(f"mal configurado: {said}", SETUP_SECONDS, logging.ERROR)
        elif status == 413 or (status in (400, 409, 415, 422) and error):
            if alone:
                self._refuse(rows, "rechazado", {"status": status, **error})
            self._alone_through = rows[-1][0]  # of a batch, all or nothing: which of them it was is seen one by one
        else:
            date = parsedate_tz(retry_after)
            told = mktime_tz(date) - time.time() if date else float(retry_after) if retry_after.isdigit() else 0.0
            return self._fail(f"sin servicio: {said}", told if error else 0.0)
        if self._failures:
            logger.info("sending goes on")
        self._failures, self._told = 0, ""
        return 0.0, 0.0

    def _fail(self, said: str, told: float = 0.0, level: int = logging.WARNING) -> tuple[float, float]:
        seconds = min(BACKOFF_SECONDS, 0.2 * 2 ** min(self._failures, 10)) * random.uniform(0.5, 1.5)
        self._failures += 1
        if said != self._told or time.monotonic() - self._told_at >= 60:
            self._told, self._told_at = said, time.monotonic()
            logger.log(level, "nothing is sent, all is kept: %s", said)
            sql = f"UPDATE pos_notif_salida SET error = ? WHERE id = (SELECT MIN(id) {_PENDING})"
            with contextlib.suppress(SinDisco):  # every process finds it there
                self._run(lambda db: db.execute(sql, (said,)).rowcount)
        return (min(told, ASKED_SECONDS), math.inf) if told > 0 else (seconds, NEWS_SECONDS)

    def _refuse(self, rows: list[Any], state: str, error: Json) -> None:
        told = json.dumps(error, ensure_ascii=False)
        sql = "UPDATE pos_notif_salida SET estado = ?, error = ? WHERE id = ?"
        self._run(lambda db: db.executemany(sql, [(state, told, row[0]) for row in rows]).rowcount)
        for _, key, body, *_ in rows:
            logger.error("%s is kept and not sent (%s): %s", key, state, told)
            self._call(self._al_rechazar, json.loads(body), error)

    def _call(self, callback: Callable[..., Any] | None, *arguments: Any) -> None:
        try:
            if callback is not None:
                callback(*arguments)
        except Exception:  # the POS's own: neither the till nor the sender stops at it
            logger.exception("a callback failed")

    def connect(self, seconds: float) -> http.client.HTTPConnection:
        """Returns a connection, which is made when it is used. No proxy of the environment is asked."""
        parts = urlsplit(self._url or "")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError(f"{self._url!r} no es una dirección http:// o https://")
        if parts.scheme == "http":
            return http.client.HTTPConnection(parts.hostname, parts.port, timeout=seconds)
        context = ssl.create_default_context(cafile=self._cafile)
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=seconds, context=context)

    def ask(self, service: http.client.HTTPConnection, path: str, body: bytes | None = None) -> tuple[int, str, Any]:
        """Returns status, `Retry-After` and JSON of the whole answer to a POST of the body, or to a GET without one.
        Raises OSError or HTTPException where there is none, or half of one."""
        prefix = urlsplit(self._url or "").path.rstrip("/")
        service.request("GET" if body is None else "POST", prefix + path, body, self._headers())
        answer = service.getresponse()
        status, told, text = answer.status, answer.headers.get("Retry-After", ""), answer.read()
        with contextlib.suppress(ValueError):
            return status, told, json.loads(text)
        return status, told, None

    def _headers(self) -> dict[str, str]:
        self._used_token = self.token
        token = str((self._used_token() if callable(self._used_token) else self._used_token) or "").strip()
        if not token.isascii() or not token.isprintable():
            raise ValueError("token no es una ficha del servicio")
        return {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}


_LIVE: weakref.WeakSet[Salida] = weakref.WeakSet()  # whom a fork and the interpreter's end concern


def _each(*works: Callable[[Salida], Any]) -> None:
    for salida in sorted(_LIVE, key=id):
        with contextlib.suppress(RuntimeError, SinDisco):  # one that was made during a fork is not held
            for work in works:
                work(salida)


atexit.register(lambda: _each(Salida._end))  # what was stored just now has its chance
getattr(os, "register_at_fork", dict)(  # Windows has no forks
    before=lambda: _each(lambda salida: salida._lock.acquire(), Salida._close),  # nobody works on the files then
    after_in_parent=lambda: _each(lambda salida: salida._lock.release()),
    after_in_child=lambda: _each(Salida._begin_anew),
)
