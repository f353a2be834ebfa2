"""docs/quickstart.md from its first command to its last, in a fresh directory: its orders are on the kitchen's page.

What installs is not run here: `.ci/run` builds and installs both wheels. The checkout stands for what was installed."""

from __future__ import annotations

import contextlib
import random
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.tickets import ids, ticket, until
from tests.support.chromium import PATIENCE_MS, launch
from tests.support.live_server import clean_environment

ROOT = Path(__file__).parents[2]
INSTALLS = re.compile(r"^(?:apt-get |git clone |cd |python3 -m venv |\.venv/bin/pip ).*$", re.MULTILINE)


def blocks(name: str) -> list[str]:
    text = (ROOT / "docs" / name).read_text("utf-8")
    languages = re.findall(r"^```(\w*)$", text, re.MULTILINE)[::2]
    assert set(languages) == {"bash"}
    return re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_both_languages_have_the_same_commands():
    assert blocks("quickstart.md") == blocks("quickstart.es.md")
    assert len(blocks("quickstart.md")) == 7


class Terminal:
    """A shell that is left open between the commands, as a person has it."""

    def __init__(self, folder: Path, port: int) -> None:
        environment = clean_environment(POS_NOTIF_PORT=str(port), PYTHONPATH=f"{ROOT}:{ROOT / 'client'}")
        self.port = port
        self.shell = subprocess.Popen(
            ["bash", "-e"], cwd=folder, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def type(self, commands: str) -> str:
        """Returns what the commands have printed, once all have ended that are not in the background."""
        self.shell.stdin.write(f"{commands.replace('5000', str(self.port))}\necho '--done'\n")
        self.shell.stdin.flush()
        lines: list[str] = []
        for line in self.shell.stdout:
            if line == "--done\n":
                return "".join(lines)
            lines.append(line)
        raise AssertionError("".join(lines))

    def close(self) -> None:
        self.shell.stdin.write("trap - EXIT; kill $(jobs -p); wait\n")
        self.shell.stdin.close()
        self.shell.wait(60)
        self.shell.stdout.close()


def a_port_that_stays_free() -> int:
    """Below those that the system gives to whoever asks for any: the service leaves it for a moment and comes back."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as tried, contextlib.suppress(OSError):
            tried.bind(("0.0.0.0", port))
            return port
    raise AssertionError("no port is free")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, command in (("python", ""), ("pos-notif", " -m pos_notif")):
        (programs / name).write_text(f'#!/bin/sh\nexec {sys.executable}{command} "$@"\n')
        (programs / name).chmod(0o755)
    opened = Terminal(tmp_path, a_port_that_stays_free())
    yield opened
    opened.close()


@pytest.fixture
def page() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        opened = browser.new_page(locale="es-SV")
        opened.set_default_timeout(PATIENCE_MS)
        yield opened
        browser.close()


@pytest.mark.browser
def test_from_nothing_to_the_kitchen(terminal: Terminal, page: Any):
    install, fetch, people, serve, order, away, back = blocks("quickstart.md")
    assert not INSTALLS.sub("", install + fetch).strip()
    # A minimal Debian has none of what the second block calls.
    for command, package in (("git", "git"), ("python3 -m venv", "python3-venv")):
        assert re.search(f"^{command} ", fetch, re.MULTILINE)
        assert re.search(f"^apt-get install .*\\b{package}\\b", install, re.MULTILINE)
    terminal.type(people)
    assert "/cocina" in terminal.type(serve)
    service = f"http://127.0.0.1:{terminal.port}"
    page.goto(f"{service}/cocina")
    page.fill("input[name=username]", "cocina")
    page.fill("input[name=password]", "2468")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="INICIAR TURNO").click()

    assert terminal.type(order) == "pedido-1-nuevo\nenviado\n"
    for words in ("Mesa 5", "Pupusa de queso", "SIN sal"):
        assert words in ticket(page, 1).inner_text()

    terminal.type(away)
    assert "enviado" in terminal.type(back)
    ticket(page, 2).wait_for()
    assert "Mesa 8" in ticket(page, 2).inner_text()
    until(page, lambda: ids(page) == [1, 2])
