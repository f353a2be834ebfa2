"""Commands in namespaces of their own, which need no privilege where user namespaces are allowed."""

from __future__ import annotations

import os
import subprocess

import pytest


def unshare(kind: str, attempt: list[str]) -> list[str]:
    """The start of a command line that runs the rest in a new namespace of this kind (`--mount`, `--net`).

    The test is skipped where that is refused, or `attempt`, a command in such a namespace, fails.
    """
    command = ["unshare", kind, "--user", "--map-root-user"]
    needed = f"needs user namespaces ({' '.join(command[:3])}) and {attempt[0]}"
    try:
        done = subprocess.run([*command, *attempt], capture_output=True)
    except FileNotFoundError:  # util-linux's, where there is no unshare
        done = None
    if done is None or done.returncode:
        assert not os.environ.get("CI"), needed
        pytest.skip(needed)
    return command
