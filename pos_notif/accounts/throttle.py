"""Allows 5 failed sign-ins in 15 minutes for a user name from an address, which makes a 4-digit PIN enough."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from ..board import Board, Outcome
from ..errors import BadCredentials, TooManyAttempts

FAILURES_ALLOWED = 5
FAILURE_WINDOW_SECONDS = 15 * 60


class LoginThrottle:
    """Has the failures counted by the board, for all processes of the service together."""

    def __init__(self, board: Board) -> None:
        self._board = board

    @asynccontextmanager
    async def attempt(self, username_key: str, address: str) -> AsyncGenerator[None]:
        """Makes the body one attempt: it fails by BadCredentials (or by being cancelled) and succeeds by ending. The
        error is told how many are left. Attempts side by side take turns. Raises TooManyAttempts, or LogUnavailable
        where the board cannot be asked."""
        # Of the names only a digest: nobody fills the memory with long ones.
        key = hashlib.sha256(f"{address}\n{username_key}".encode("utf-8", "surrogatepass")).hexdigest()
        tries = await self._board.begin_try(key, FAILURE_WINDOW_SECONDS, FAILURES_ALLOWED)
        if not tries.may:
            raise TooManyAttempts(retry_after=tries.wait_seconds)
        outcome = Outcome.NOT_MADE
        try:
            yield
            outcome = Outcome.SUCCEEDED
        except (BadCredentials, asyncio.CancelledError) as error:
            outcome = Outcome.FAILED
            if isinstance(error, BadCredentials):
                error.count(FAILURES_ALLOWED - tries.counted, tries.wait_seconds)
            raise
        finally:
            self._board.end_try(key, outcome)
