"""Users, sessions and API tokens. Nothing here knows a request. Secrets are random and stored as SHA-256."""

from __future__ import annotations

import hashlib
import secrets
import sqlite3
import unicodedata
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..board import Board, LocalBoard
from ..clock import Clocks, SteadyMs
from ..counts import Counts
from ..database.stored_times import StoredTimes
from ..database.threads import Database
from ..errors import BadCredentials, DomainError, Invalid, NotFound
from ..events import ROLES
from ..principal import Principal
from .names import TOKEN_PUNCTUATION, new_name
from .passwords import Passwords
from .throttle import LoginThrottle

_FOREVER_MS = 100 * 365 * 24 * 3600 * 1000
_TOKEN_PREFIX = "pn_"  # so that a leaked token can be found by a search  # noqa: S105


async def _alone() -> bool:
    return False


class Accounts:
    """The accounts in the log's database. Close it, or the threads that hash passwords outlive it. `board` counts the
    failed sign-ins; without one, this process counts its own. `catch_up` takes in what other nodes have written, and
    tells whether there may be anything new: nobody is refused for what this node has not heard of yet."""

    def __init__(
        self,
        database: Database,
        clocks: Clocks,
        session_hours: float = 12.0,
        counts: Counts | None = None,
        board: Board | None = None,
        catch_up: Callable[[], Awaitable[bool]] = _alone,
    ) -> None:
        self._database = database
        self._catch_up = catch_up
        self._clocks = clocks
        # The sessions that were there before go by the clock that wrote them.
        self._session_times = StoredTimes(clocks)
        self._session_ms = max(1, int(session_hours * 3_600_000)) if session_hours else _FOREVER_MS
        self._throttle = LoginThrottle(board or LocalBoard(clocks))
        self._passwords = Passwords()
        self._known: dict[tuple[str, bytes], Principal] = {}
        self._generation = 0
        self.refused_logins = (counts or Counts()).refused_logins
        self._on_change: list[Callable[[], None]] = []

    def close(self) -> None:
        self._passwords.close()

    def on_change(self, call: Callable[[], None]) -> None:
        """Has `call()` made each time this process has changed an account: sessions may have ended."""
        self._on_change.append(call)

    def forget_known(self) -> None:
        """Forgets whose secrets are known, since another process has changed the accounts: the database is asked
        again."""
        self._generation += 1
        self._known.clear()

    def _changed(self) -> None:
        self.forget_known()
        self._tell()

    def _tell(self) -> None:
        for call in self._on_change:
            call()

    # Signing in

    async def login(self, username: str, password: str, address: str) -> tuple[Principal, str]:
        """Begins a session, and returns it with its secret. Raises BadCredentials, after the same work for a user that
        does not exist, TooManyAttempts, NoCapacity or LogUnavailable."""
        try:
            return await self._login(username, password, address)
        except DomainError as error:
            self.refused_logins[error.code] += 1
            raise

    async def _login(self, username: str, password: str, address: str) -> tuple[Principal, str]:
        key = username_key(username)
        await self._catch_up()
        row = await self._database.read(
            lambda db: db.execute(
                "SELECT id, username, role, password_hash FROM users WHERE username_key = ?", (key,)
            ).fetchone()
        )
        # A new PIN begins a new count: whoever is locked out is let in by it.
        async with self._throttle.attempt(f"{key}\n{row[3] if row else ''}", address):
            if not await self._passwords.match(row[3] if row else None, password):
                raise BadCredentials
            user_id, name, role, password_hash = row
            return await self._begin_session(user_id, name, role, password_hash, address)

    async def _begin_session(
        self, user_id: int, username: str, role: str, password_hash: str, address: str
    ) -> tuple[Principal, str]:
        secret = secrets.token_urlsafe(32)
        now = self._clocks.now()

        def work(db: sqlite3.Connection) -> tuple[int, bool]:
            expired = self._delete_expired(db, now.steady)
            cursor = db.execute(
                "INSERT INTO sessions (secret_hash, user_id, address, created_ms, expires_ms)"
                " SELECT ?, id, ?, ?, ? FROM users WHERE id = ? AND password_hash = ?",
                (_hash(secret), address, now.ms, now.ms + self._session_ms, user_id, password_hash),
            )
            if cursor.rowcount != 1:  # deleted, or given another PIN, while we hashed
                raise BadCredentials
            session_id = int(cursor.lastrowid or 0)
            self._session_times.note(session_id, now.set_by)
            return session_id, expired

        session_id, expired = await self._database.write(work)
        if expired:
            self._tell()
        expires = SteadyMs(now.steady + self._session_ms)
        return Principal("session", session_id, user_id, username, role, expires), secret

    def _delete_expired(self, db: sqlite3.Connection, now: SteadyMs) -> bool:
        """Deletes the sessions that have ended. Tells whether there were any."""
        times = self._session_times
        rows = db.execute("SELECT id, expires_ms FROM sessions WHERE expires_ms <= ?", (times.latest(now),))
        ended = [(session_id,) for session_id, ms in rows if times.steady(session_id, ms) <= now]
        db.executemany("DELETE FROM sessions WHERE id = ?", ended)
        if ended:
            _note_change(db)
        return bool(ended)

    async def logout(self, principal: Principal) -> None:
        await self.revoke_session(principal.id)

    async def find(self, kind: str, secret: str) -> Principal | None:
        """Returns whose secret it is, or None. `kind` is "session" or "token"."""
        return await (self.find_token(secret) if kind == "token" else self.find_session(secret))

    async def find_first(self, secrets: Sequence[tuple[str, str, str]]) -> tuple[int, Principal] | None:
        """Returns the place of the first (kind, secret, …) that is somebody's, and whose it is; None where none is.
        Raises LogUnavailable, also where the cluster's nodes cannot be asked for one that is not known here."""
        found = await self._find_first(secrets)
        if found is None and secrets and await self._catch_up():
            found = await self._find_first(secrets)
        return found

    async def _find_first(self, secrets: Sequence[tuple[str, str, str]]) -> tuple[int, Principal] | None:
        for place, (kind, secret, *_) in enumerate(secrets):
            found = await self.find(kind, secret)
            if found is not None:
                return place, found
        return None

    async def find_session(self, secret: str) -> Principal | None:
        found = await self._find(
            "session",
            secret,
            "SELECT 'session', s.id, u.id, u.username, u.role, s.expires_ms FROM sessions s JOIN users u"
            " ON u.id = s.user_id WHERE s.secret_hash = ?",
        )
        return found if found is not None and self._lives(found) else None

    def remembered(self, kind: str, secret: str) -> Principal | None:
        """Returns whose secret it is, as far as that is known without the database."""
        known = self._known.get((kind, _hash(secret)))
        return known if known is not None and self._lives(known) else None

    def _lives(self, principal: Principal) -> bool:
        return principal.expires_ms is None or principal.expires_ms > self._clocks.steady()

    async def find_token(self, secret: str) -> Principal | None:
        return await self._find(
            "token", secret, "SELECT 'token', id, NULL, name, role, NULL FROM tokens WHERE secret_hash = ?"
        )

    async def _find(self, kind: str, secret: str, sql: str) -> Principal | None:
        """Looks for a secret by its kind: a session's is no token, also while we remember it."""
        secret_hash = _hash(secret)
        known = self._known.get((kind, secret_hash))
        if known is not None:
            return known
        generation = self._generation
        row = await self._database.read(lambda db: db.execute(sql, (secret_hash,)).fetchone())
        if row is None:
            return None
        kind, identity, user_id, name, role, expires = row
        ends = None if expires is None else self._session_times.steady(identity, expires)
        principal = Principal(kind, identity, user_id, name, role, ends)
        if generation == self._generation:  # not revoked while we read
            if len(self._known) > 10_000:
                self._known.clear()
            self._known[kind, secret_hash] = principal
        return principal

    async def living(self) -> set[tuple[str, int, str]]:
        """Returns (kind, id, role) of every session and token that is good now."""
        now, times = self._clocks.steady(), self._session_times
        rows = await self._database.read(
            lambda db: db.execute(
                "SELECT 'session', s.id, u.role, s.expires_ms FROM sessions s JOIN users u ON u.id = s.user_id"
                " WHERE s.expires_ms > ? UNION ALL SELECT 'token', id, role, NULL FROM tokens",
                (times.earliest(now),),
            ).fetchall()
        )
        return {
            (kind, identity, role)
            for kind, identity, role, expires in rows
            if expires is None or times.steady(identity, expires) > now
        }

    # Users

    async def create_user(self, username: str, role: str, password: str) -> int:
        """Adds a user, and returns its id. Raises Invalid."""
        name = new_name(username, "username")
        check_role(role)
        hashed = await self._passwords.hash(password)

        def work(db: sqlite3.Connection) -> int:
            try:
                cursor = db.execute(
                    "INSERT INTO users (username, username_key, role, password_hash, created_ms)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (name, username_key(name), role, hashed, self._clocks.wall()),
                )
            except sqlite3.IntegrityError as error:
                raise Invalid(
                    f"Ya existe el usuario {name}.",
                    fields={"username": "ya existe"},
                    for_operator=f"there is a user {name} already",
                ) from error
            return int(cursor.lastrowid or 0)

        return await self._database.write(work)

    async def has_users(self) -> bool:
        return bool(await self._database.read(lambda db: db.execute("SELECT 1 FROM users LIMIT 1").fetchone()))

    async def list_users(self) -> list[dict[str, Any]]:
        return await self._rows("SELECT id, username, role, created_ms FROM users ORDER BY username_key")

    async def list_people(self) -> list[dict[str, str]]:
        """Returns who may sign in, as everybody may be told: by role, then by name."""
        users = await self.list_users()
        people = [{"username": user["username"], "rol": user["role"]} for user in users]
        return sorted(people, key=lambda person: ROLES.index(person["rol"]))

    async def set_role(self, username: str, role: str) -> None:
        """Gives the user another role, and ends the user's sessions: none goes on with the old one. Raises Invalid or
        NotFound."""
        check_role(role)
        await self._change_user(username, "UPDATE users SET role = ? WHERE id = ?", role)

    async def set_password(self, username: str, password: str) -> None:
        """Gives the user another password, and ends the user's sessions. Raises Invalid or NotFound."""
        hashed = await self._passwords.hash(password)
        await self._change_user(username, "UPDATE users SET password_hash = ? WHERE id = ?", hashed)

    async def delete_user(self, username: str) -> None:
        """Deletes the user, with its sessions. Raises NotFound."""
        await self._change_user(username, "DELETE FROM users WHERE id = ?")

    async def _change_user(self, username: str, sql: str, *values: str) -> None:
        def work(db: sqlite3.Connection) -> None:
            row = db.execute("SELECT id FROM users WHERE username_key = ?", (username_key(username),)).fetchone()
            if row is None:
                raise NotFound(f"No existe el usuario {username}.", for_operator=f"there is no user {username}")
            db.execute("DELETE FROM sessions WHERE user_id = ?", row)
            db.execute(sql, (*values, row[0]))
            _note_change(db)

        await self._database.write(work)
        self._changed()

    # Tokens and sessions

    async def create_token(self, name: str, role: str = "manager") -> str:
        """Makes a token, and returns its secret, which is stored nowhere. Raises Invalid."""
        name = new_name(name, "nombre", TOKEN_PUNCTUATION)
        check_role(role)
        secret = _TOKEN_PREFIX + secrets.token_urlsafe(32)

        def work(db: sqlite3.Connection) -> None:
            try:
                db.execute(
                    "INSERT INTO tokens (name, role, secret_hash, created_ms) VALUES (?, ?, ?, ?)",
                    (name, role, _hash(secret), self._clocks.wall()),
                )
            except sqlite3.IntegrityError as error:
                raise Invalid(
                    f"Ya existe el token {name}.",
                    fields={"nombre": "ya existe"},
                    for_operator=f"there is a token {name} already",
                ) from error

        await self._database.write(work)
        return secret

    async def list_tokens(self) -> list[dict[str, Any]]:
        return await self._rows("SELECT id, name, role, created_ms FROM tokens ORDER BY name")

    async def revoke_token(self, name: str) -> None:
        """Deletes a token: what it has open ends. Raises NotFound."""
        missing = NotFound(f"No existe el token {name}.", for_operator=f"there is no token {name}")
        # An older one may have a name that is no new token's.
        composed, compatible = (unicodedata.normalize(form, name).strip() for form in ("NFC", "NFKC"))
        if not composed.isprintable():
            raise missing
        sql = (
            "DELETE FROM tokens WHERE name = (SELECT name FROM tokens WHERE name IN (?1, ?2) ORDER BY name = ?1 DESC"
            " LIMIT 1)"
        )
        await self._delete(sql, (composed, compatible), missing)

    async def list_sessions(self) -> list[dict[str, Any]]:
        return await self._rows(
            "SELECT s.id, u.username, u.role, s.address, s.created_ms, s.expires_ms FROM sessions s"
            " JOIN users u ON u.id = s.user_id WHERE s.expires_ms > ? ORDER BY s.id",
            self._clocks.wall(),
        )

    async def revoke_session(self, session_id: int) -> None:
        """Deletes a session: what it has open ends. Raises NotFound."""
        missing = NotFound(f"No existe la sesión {session_id}.", for_operator=f"there is no session {session_id}")
        await self._delete("DELETE FROM sessions WHERE id = ?", (session_id,), missing)

    async def _delete(self, sql: str, values: tuple[str | int, ...], missing: NotFound) -> None:
        def work(db: sqlite3.Connection) -> None:
            if not db.execute(sql, values).rowcount:
                raise missing
            _note_change(db)

        await self._database.write(work)
        self._changed()

    async def _rows(self, sql: str, *values: Any) -> list[dict[str, Any]]:
        def work(db: sqlite3.Connection) -> list[dict[str, Any]]:
            cursor = db.execute(sql, values)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row, strict=True)) for row in cursor]

        return await self._database.read(work)


def _note_change(db: sqlite3.Connection) -> None:
    """Has the other processes forget whose secrets they know, and verify who is connected to them. Whoever is new needs
    it not: an unknown secret is looked for in the database."""
    db.execute("UPDATE log SET accounts_version = accounts_version + 1")


def username_key(username: str) -> str:
    """Returns the same key for a name however it is typed: case, composed or combined accents, full-width letters. It
    is empty for what can be nobody's name."""
    key = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", username).casefold()).strip()
    return key if key.isprintable() else ""


def check_role(role: str) -> None:
    """Raises Invalid for what is no role."""
    if role not in ROLES:
        roles = ", ".join(ROLES)
        raise Invalid(
            f"No existe el rol {role}.",
            fields={"rol": f"debe ser uno de: {roles}"},
            for_operator=f"there is no role {role}, only {roles}",
        )


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
