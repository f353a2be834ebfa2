"""What it takes to check a password, and that it is given back."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor


def test_signing_in_leaves_no_memory_taken(server):
    """A check works in 19 MiB, two at a time: less than one of them is there afterwards."""
    server.create_user("Ana", "mesero")
    before = server.memory_kb()
    with ThreadPoolExecutor(4) as people:
        list(people.map(lambda _: server.login("Ana"), range(16)))
    assert server.memory_kb() - before < 10_000
