"""The application in this process, called without sockets: for what needs no process of its own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pos_notif.app import NotificationApp, create_app
from pos_notif.config import Config
from pos_notif.events import ROLES


@dataclass
class HeldClock:
    """A clock that stands still until time passes, as the test says it does; and that may be set wrong."""

    ms: int = 1_764_000_000_000  # how late it is
    ahead_ms: int = 0

    def __call__(self) -> int:
        return self.ms + self.ahead_ms

    def ticks(self) -> int:
        """What a clock counts that nobody can set."""
        return self.ms

    def advance(self, seconds: float) -> None:
        """So much time passes."""
        self.ms += int(seconds * 1000)

    def set_ahead(self, seconds: float) -> None:
        """Somebody sets it to so many seconds after what it is; or before."""
        self.ahead_ms = int(seconds * 1000)


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def code(self) -> str:
        """The error's."""
        assert self.headers["Content-Type"] == "application/json", self.body
        return str(self.json["error"]["codigo"])

    @property
    def fields(self) -> dict[str, str]:
        """The error's `campos`."""
        found: dict[str, str] = self.json["error"].get("campos", {})
        return found

    @property
    def cookie(self) -> str:
        """`name=value` of the cookie that it sets."""
        return str(self.headers["Set-Cookie"]).split(";")[0]


@dataclass
class InProcess:
    """The application without sockets, for what needs none."""

    app: NotificationApp
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def manager(self) -> str:
        return self.tokens["manager"]

    async def create_tokens(self) -> None:
        """One for each role, in `tokens`."""
        for role in ROLES:
            self.tokens[role] = await self.accounts.create_token(role, role)

    @property
    def accounts(self) -> Any:
        return self.app.extensions["pos_notif"].accounts

    async def call(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, cookie: str | None = None,
        origin: str | None = None, headers: dict[str, str] | None = None, address: str = "192.0.2.7",
        scheme: str = "http",
    ) -> Answer:  # fmt: skip
        """`body` is sent as JSON, `bytes` as they are. `headers` win over what the other arguments say."""
        sent = {} if body is None or isinstance(body, bytes) else {"Content-Type": "application/json"}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        for name, value in (
            ("Authorization", token and f"Bearer {token}"), ("Cookie", cookie), ("Origin", origin),
        ):  # fmt: skip
            if value:
                sent[name] = value
        response = await self.app.test_client(use_cookies=False).open(
            path, method=method, data=data, headers={**sent, **(headers or {})}, scheme=scheme,
            scope_base={"client": (address, 40_000)},
        )  # fmt: skip
        return Answer(response.status_code, response.headers, await response.get_data(as_text=False))

    async def login(self, username: str, password: str = "1234", address: str = "192.0.2.7") -> Answer:
        body = {"username": username, "password": password}
        return await self.call("POST", "/api/auth/login", body, address=address)

    async def sign_in(self, username: str, role: str) -> str:
        """Creates the user and returns its session's cookie header."""
        await self.accounts.create_user(username, role, "1234")
        return (await self.login(username)).cookie


@contextlib.asynccontextmanager
async def in_process(database: Path | str, clock: HeldClock | None = None, **settings: Any) -> AsyncIterator[InProcess]:
    held = {} if clock is None else {"clock": clock, "ticks": clock.ticks}
    app = create_app(Config(database=str(database), **settings), **held)
    async with app.test_app():
        yield InProcess(app)
