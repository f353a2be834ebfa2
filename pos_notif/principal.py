"""Who a request speaks for, and whose a subscription is: what publishing, reading and signing in know of a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .clock import SteadyMs


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a subscription is: `kind` and `id` are the session's or token's, `client` is the tab's name."""

    kind: str
    id: int
    client: str


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a request speaks for: a user's session or an API token. `expires_ms` is when the session ends, by the
    steady clock; None for a token."""

    kind: str
    id: int
    user_id: int | None
    username: str
    role: str
    expires_ms: SteadyMs | None

    @property
    def is_person(self) -> bool:
        """Tells whether it is a session: then somebody sees what it is sent."""
        return self.kind == "session"

    @property
    def publisher_key(self) -> str:
        """Names the publisher among idempotency keys: they belong to the user or token, not to one of the user's
        sessions."""
        return f"token:{self.id}" if self.kind == "token" else f"user:{self.user_id}"

    def owner(self, client: str | None) -> Owner | None:
        """Returns whose subscriptions act on this client's streams, polls and sockets; None where no client is
        named."""
        return Owner(self.kind, self.id, client) if client is not None else None

    @property
    def actor(self) -> dict[str, Any]:
        return {"usuario_id": self.user_id, "username": self.username, "rol": self.role}
