"""Users, sessions and API tokens. Knows no request.

Secrets are random and stored as SHA-256; passwords and PINs as argon2id, computed off the event loop.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sqlite3
import unicodedata
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import argon2

from .clock import Clock
from .database import Database
from .errors import BadCredentials, Invalid, NotFound, TooManyAttempts
from .events import ROLES

MIN_PASSWORD = 4  # a PIN; the throttle below is what protects one
MAX_PASSWORD = 1000
MAX_USERNAME = 80
FAILURES_ALLOWED = 5
FAILURE_WINDOW_MS = 15 * 60 * 1000
_FOREVER_MS = 100 * 365 * 24 * 3600 * 1000
_TOKEN_PREFIX = "pn_"  # so that a leaked token can be found by a search  # noqa: S105


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request speaks for: a user's session or an API token. `expires_ms` is None for a token."""

    kind: str
    id: int
    user_id: int | None
    username: str
    role: str
    expires_ms: int | None

    @property
    def publisher_key(self) -> str:
        """Idempotency keys belong to the user or token, not to one of the user's sessions."""
        return f"token:{self.id}" if self.kind == "token" else f"user:{self.user_id}"

    @property
    def actor(self) -> dict[str, Any]:
        return {"usuario_id": self.user_id, "username": self.username, "rol": self.role}


class LoginThrottle:
    """At most 5 failures in 15 minutes for a user name from an address. Kept in memory: a restart forgives."""

    def __init__(self, clock: Clock, max_keys: int = 10_000) -> None:
        self._clock = clock
        self._max_keys = max_keys
        self._failures: OrderedDict[tuple[str, str], list[int]] = OrderedDict()

    def attempt(self, username_key: str, address: str) -> Callable[[], None]:
        """Counts a failure in advance, so that attempts side by side cannot exceed the limit; returns what a
        success calls. Raises TooManyAttempts."""
        key = (username_key, address)
        now = self._clock()
        failures = [ms for ms in self._failures.get(key, []) if now - FAILURE_WINDOW_MS < ms <= now]
        if len(failures) >= FAILURES_ALLOWED:
            self._failures[key] = failures
            raise TooManyAttempts(retry_after=max(1, (failures[0] + FAILURE_WINDOW_MS - now + 999) // 1000))
        self._failures[key] = [*failures, now]
        self._failures.move_to_end(key)
        while len(self._failures) > self._max_keys:
            self._failures.popitem(last=False)

        def succeeded() -> None:
            self._failures.pop(key, None)

        return succeeded


class Accounts:
    def __init__(self, database: Database, clock: Clock, session_hours: float = 12.0) -> None:
        self._database = database
        self._clock = clock
        self._session_ms = int(session_hours * 3_600_000) or _FOREVER_MS
        self._throttle = LoginThrottle(clock)
        # OWASP's argon2id minimum: 19 MiB and about 20 ms, also right for a Raspberry Pi.
        self._hasher = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        self._hashing = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
        self._dummy_hash: str | None = None
        self._known: dict[bytes, Principal] = {}
        self._generation = 0
        self.on_change: Callable[[], None] = lambda: None

    def close(self) -> None:
        self._hashing.shutdown(wait=False, cancel_futures=True)

    def forget_known(self) -> None:
        """Another process may have changed the accounts: ask the database again."""
        self._generation += 1
        self._known.clear()

    def _changed(self) -> None:
        self.forget_known()
        self.on_change()

    # Signing in

    async def login(self, username: str, password: str, address: str) -> tuple[Principal, str]:
        """The session and its secret. Raises BadCredentials or TooManyAttempts, after the same work for a user
        that does not exist."""
        key = username_key(username)
        succeeded = self._throttle.attempt(key, address)
        row = await self._database.read(
            lambda db: db.execute(
                "SELECT id, username, role, password_hash FROM users WHERE username_key = ?", (key,)
            ).fetchone()
        )
        if not await self._verify(row[3] if row else await self._dummy(), password) or row is None:
            raise BadCredentials
        succeeded()
        secret = secrets.token_urlsafe(32)
        now = self._clock()
        expires = now + self._session_ms

        def work(db: sqlite3.Connection) -> int:
            db.execute("DELETE FROM sessions WHERE expires_ms <= ?", (now,))
            cursor = db.execute(
                "INSERT INTO sessions (secret_hash, user_id, address, created_ms, expires_ms)"
                " SELECT ?, id, ?, ?, ? FROM users WHERE id = ? AND password_hash = ?",
                (_hash(secret), address, now, expires, row[0], row[3]),
            )
            if cursor.rowcount != 1:  # deleted, or given another PIN, while we hashed
                raise BadCredentials
            return int(cursor.lastrowid or 0)

        session_id = await self._database.write(work)
        return Principal("session", session_id, row[0], row[1], row[2], expires), secret

    async def logout(self, principal: Principal) -> None:
        await self.revoke_session(principal.id)

    async def find_session(self, secret: str) -> Principal | None:
        found = await self._find(
            _hash(secret),
            "SELECT 'session', s.id, u.id, u.username, u.role, s.expires_ms FROM sessions s JOIN users u"
            " ON u.id = s.user_id WHERE s.secret_hash = ?",
        )
        return found if found is not None and (found.expires_ms or 0) > self._clock() else None

    async def find_token(self, secret: str) -> Principal | None:
        return await self._find(
            _hash(secret), "SELECT 'token', id, NULL, name, role, NULL FROM tokens WHERE secret_hash = ?"
        )

    async def _find(self, secret_hash: bytes, sql: str) -> Principal | None:
        known = self._known.get(secret_hash)
        if known is not None:
            return known
        generation = self._generation
        row = await self._database.read(lambda db: db.execute(sql, (secret_hash,)).fetchone())
        if row is None:
            return None
        principal = Principal(*row)
        if generation == self._generation:  # not revoked while we read
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[secret_hash] = principal
        return principal

    async def living(self) -> set[tuple[str, int, str]]:
        """(kind, id, role) of every session and token that is good now."""
        now = self._clock()
        rows = await self._database.read(
            lambda db: db.execute(
                "SELECT 'session', s.id, u.role FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.expires_ms > ?"
                " UNION ALL SELECT 'token', id, role FROM tokens",
                (now,),
            ).fetchall()
        )
        return set(rows)

    # Users

    async def create_user(self, username: str, role: str, password: str) -> int:
        name = _check_username(username)
        check_role(role)
        hashed = await self._hash_password(password)

        def work(db: sqlite3.Connection) -> int:
            try:
                cursor = db.execute(
                    "INSERT INTO users (username, username_key, role, password_hash, created_ms)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (name, username_key(name), role, hashed, self._clock()),
                )
            except sqlite3.IntegrityError as error:
                raise Invalid(f"Ya existe el usuario {name}.", fields={"username": "ya existe"}) from error
            return int(cursor.lastrowid or 0)

        return await self._database.write(work)

    async def has_users(self) -> bool:
        return bool(await self._database.read(lambda db: db.execute("SELECT 1 FROM users LIMIT 1").fetchone()))

    async def list_users(self) -> list[dict[str, Any]]:
        return await self._rows("SELECT id, username, role, created_ms FROM users ORDER BY username_key")

    async def set_role(self, username: str, role: str) -> None:
        """Ends the user's sessions: none goes on with the old role."""
        check_role(role)
        await self._change_user(username, "UPDATE users SET role = ? WHERE id = ?", role)

    async def set_password(self, username: str, password: str) -> None:
        """Ends the user's sessions."""
        hashed = await self._hash_password(password)
        await self._change_user(username, "UPDATE users SET password_hash = ? WHERE id = ?", hashed)

    async def delete_user(self, username: str) -> None:
        await self._change_user(username, "DELETE FROM users WHERE id = ?")

    async def _change_user(self, username: str, sql: str, *values: str) -> None:
        def work(db: sqlite3.Connection) -> None:
            row = db.execute("SELECT id FROM users WHERE username_key = ?", (username_key(username),)).fetchone()
            if row is None:
                raise NotFound(f"No existe el usuario {username}.")
            db.execute("DELETE FROM sessions WHERE user_id = ?", row)
            db.execute(sql, (*values, row[0]))

        await self._database.write(work)
        self._changed()

    # Tokens and sessions

    async def create_token(self, name: str, role: str = "manager") -> str:
        """The token's secret, which is stored nowhere."""
        name = _check_username(name)
        check_role(role)
        secret = _TOKEN_PREFIX + secrets.token_urlsafe(32)

        def work(db: sqlite3.Connection) -> None:
            try:
                db.execute(
                    "INSERT INTO tokens (name, role, secret_hash, created_ms) VALUES (?, ?, ?, ?)",
                    (name, role, _hash(secret), self._clock()),
                )
            except sqlite3.IntegrityError as error:
                raise Invalid(f"Ya existe el token {name}.", fields={"nombre": "ya existe"}) from error

        await self._database.write(work)
        return secret

    async def list_tokens(self) -> list[dict[str, Any]]:
        return await self._rows("SELECT id, name, role, created_ms FROM tokens ORDER BY name")

    async def revoke_token(self, name: str) -> None:
        await self._delete("DELETE FROM tokens WHERE name = ?", name, f"No existe el token {name}.")

    async def list_sessions(self) -> list[dict[str, Any]]:
        return await self._rows(
            "SELECT s.id, u.username, u.role, s.address, s.created_ms, s.expires_ms FROM sessions s"
            " JOIN users u ON u.id = s.user_id WHERE s.expires_ms > ? ORDER BY s.id",
            self._clock(),
        )

    async def revoke_session(self, session_id: int) -> None:
        await self._delete("DELETE FROM sessions WHERE id = ?", session_id, f"No existe la sesión {session_id}.")

    async def _delete(self, sql: str, value: str | int, missing: str) -> None:
        if not await self._database.write(lambda db: db.execute(sql, (value,)).rowcount):
            raise NotFound(missing)
        self._changed()

    async def _rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        def work(db: sqlite3.Connection) -> list[dict[str, Any]]:
            cursor = db.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

        return await self._database.read(work)

    # Passwords

    async def _hash_password(self, password: str) -> str:
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD:
            raise Invalid(
                f"La contraseña o PIN debe tener al menos {MIN_PASSWORD} caracteres.",
                fields={"password": f"debe tener de {MIN_PASSWORD} a {MAX_PASSWORD} caracteres"},
            )
        return await asyncio.get_running_loop().run_in_executor(self._hashing, self._hasher.hash, password)

    async def _dummy(self) -> str:
        """What an unknown user's password is checked against: it takes as long, so time tells no names."""
        if self._dummy_hash is None:
            self._dummy_hash = await self._hash_password(secrets.token_urlsafe())
        return self._dummy_hash

    async def _verify(self, hashed: str, password: str) -> bool:
        def work() -> bool:
            try:
                return self._hasher.verify(hashed, password)
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
                return False

        return await asyncio.get_running_loop().run_in_executor(self._hashing, work)


def username_key(username: str) -> str:
    return unicodedata.normalize("NFKC", username).strip().casefold()


def _check_username(username: str) -> str:
    name = unicodedata.normalize("NFC", username).strip()
    if not 1 <= len(name) <= MAX_USERNAME or not name.isprintable():
        raise Invalid(
            "El nombre no es válido.",
            fields={"username": f"debe tener de 1 a {MAX_USERNAME} caracteres, sin caracteres de control"},
        )
    return name


def check_role(role: str) -> None:
    if role not in ROLES:
        raise Invalid(f"No existe el rol {role}.", fields={"rol": "debe ser uno de: " + ", ".join(ROLES)})


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
