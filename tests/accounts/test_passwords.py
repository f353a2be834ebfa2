"""What it takes to check a password, and that it is given back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.support.live_server import run_cli
from tests.support.logs import opened


def test_a_password_is_hashed_at_a_cost_that_makes_guessing_dear(server):
    """OWASP's minimum of argon2id."""
    run_cli("user", "create", "Ana", "--role", "manager", "--password", "1234", database=server.database)
    with opened(server.database) as log:
        [(hashed,)] = log.execute("SELECT password_hash FROM users")
    assert hashed.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.usefixtures("real_cost")
def test_signing_in_leaves_no_memory_taken(server):
    """A check works in 19 MiB, two at a time: less than one of them is there afterwards."""
    server.create_user("Ana", "mesero")
    before = server.memory_kb()
    with ThreadPoolExecutor(4) as people:
        list(people.map(lambda _: server.login("Ana"), range(16)))
    assert server.memory_kb() - before < 10_000
