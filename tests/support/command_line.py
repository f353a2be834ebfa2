"""`pos-notif` as an operator calls it: in this process, or in one of its own."""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator

import click
from click.testing import CliRunner, Result

from pos_notif.cli.main import main
from tests.support.live_server import clean_environment

PROGRAM = [sys.executable, "-m", "pos_notif"]


def commands(command: click.Command = main, *path: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it, the groups before what is in them."""
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            assert child is not None, name
            yield from commands(child, *path, name)


def call(*arguments: str, environ: dict[str, str] | None = None, typed: str | None = None) -> Result:
    """In this process, for what ends by itself."""
    kept = {name: None for name in os.environ if name.startswith("POS_NOTIF_")}
    result = CliRunner(env={**kept, **(environ or {})}).invoke(main, arguments, input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exc_info
    return result


def fails(code: int, *arguments: str, **how) -> str:
    """The one line on standard error."""
    result = call(*arguments, **how)
    assert (result.exit_code, result.stdout) == (code, "")
    said = without_pauses(result.stderr)
    assert said.count("\n") == 1, said
    assert said.startswith("pos-notif: ")
    return said


def without_pauses(said: str) -> str:
    """What a service has said, but for the lines that tell that its event loop was held up: a busy machine does that
    too, at any moment."""
    return "".join(line for line in said.splitlines(keepends=True) if '"event_loop"' not in line)


def drop_root_privileges() -> None:
    """Root may write anything; without these capabilities it is an ordinary owner (PR_CAPBSET_DROP). In a child, before
    its program begins (`preexec_fn`)."""
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)


@contextlib.contextmanager
def running(*arguments: str, **how) -> Iterator[subprocess.Popen[str]]:
    environ = clean_environment(**how.pop("environ", {}))
    process = subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, **how
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
