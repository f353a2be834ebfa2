"""Passwords and PINs: argon2id, computed off the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import secrets
from concurrent.futures import ThreadPoolExecutor

import argon2

from ..errors import Invalid, NoCapacity

MIN_PASSWORD = 4  # a PIN; the login throttle is what protects one
MAX_PASSWORD = 1000
# Beyond this a sign-in is refused at once: it would wait for seconds, and those of a whole restaurant are fewer.
MAX_WAITING = 100
# Passes, KiB and threads: OWASP's argon2id minimum, about 20 ms, also right for a Raspberry Pi.
COST = (2, 19_456, 1)
_M_MMAP_THRESHOLD = -3  # malloc.h
_LARGE_BYTES = 1024 * 1024


class Passwords:
    """Hashes and checks passwords in threads of its own. Close it, or they outlive it."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher(*COST)
        _give_large_blocks_back()
        self._threads = ThreadPoolExecutor(max_workers=2, thread_name_prefix="argon2")
        self._nobodys_hash: str | None = None
        self._waiting = 0

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def hash(self, password: str) -> str:
        """Hashes a password. Raises Invalid for one that is too short, too long, or no text."""
        if not MIN_PASSWORD <= len(password) <= MAX_PASSWORD or any("\ud800" <= char <= "\udfff" for char in password):
            raise Invalid(
                f"La contraseña o PIN debe tener al menos {MIN_PASSWORD} caracteres.",
                fields={"password": f"debe tener de {MIN_PASSWORD} a {MAX_PASSWORD} caracteres"},
                for_operator=f"a password or PIN has {MIN_PASSWORD} to {MAX_PASSWORD} characters",
            )
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._hasher.hash, password)

    async def match(self, hashed: str | None, password: str) -> bool:
        """Tells whether the hash is this password's. `None` is nobody's, which takes as long: time tells no names.
        Raises NoCapacity."""
        if hashed is None:
            if self._nobodys_hash is None:
                self._nobodys_hash = await self.hash(secrets.token_urlsafe())
            await self._verify(self._nobodys_hash, password)
            return False
        return await self._verify(hashed, password)

    async def _verify(self, hashed: str, password: str) -> bool:
        sent = password.encode("utf-8", "surrogatepass")

        def work() -> bool:
            try:
                return self._hasher.verify(hashed, sent)
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
                return False

        if self._waiting >= MAX_WAITING:
            raise NoCapacity("Hay demasiados inicios de sesión a la vez. Intente de nuevo en un momento.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1


def _give_large_blocks_back() -> None:
    """Has glibc give what argon2 works in back to the system each time. Left to itself it keeps those 19 MiB for each
    thread from the second sign-in on, two thirds of what the whole service takes otherwise; asking for them anew costs
    a sign-in 12 ms."""
    with contextlib.suppress(OSError, AttributeError):  # another libc
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
