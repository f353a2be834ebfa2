"""Where a command writes what was asked of it: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, TypeVar

import click

from ..database.file import is_database
from ..database.paths import PRIVATE, exists, is_directory, is_file, private
from ..errors import CommandFailed
from .accounts import FileName

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., object])

STANDARD_OUTPUT = "-"


def output_option(command: Command) -> Command:
    return click.option(
        "--output",
        type=FileName(),
        default=STANDARD_OUTPUT,
        metavar="FILE",
        help="File to write, whole or not at all.  [default: standard output]",
    )(command)


def write_output(output: str, write: Callable[[BinaryIO], T]) -> T | None:
    """Has `write` write there, and returns its result; None where whoever reads has seen enough. Raises
    CommandFailed."""
    try:
        with _terminable(), _opened(output) as out:
            return write(out)
    except BrokenPipeError:  # `| head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return None
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries once more at its end
        name = "standard output" if output == STANDARD_OUTPUT else output
        raise CommandFailed(f"{name}: {error.strerror or error}") from error


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Lets SIGTERM end what is inside as Ctrl-C does: nothing is left behind."""
    before = signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def _opened(output: str) -> Iterator[BinaryIO]:
    if output == STANDARD_OUTPUT:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    _check_output(Path(output))
    partial = Path(f"{output}.partial")
    try:
        with open(partial, "wb", opener=private) as file:
            # An export that is replaced hands its mode on; what a killed one left does not.
            os.fchmod(file.fileno(), Path(output).stat().st_mode & 0o777 if exists(Path(output)) else PRIVATE)
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(output)
    except BaseException:  # Ctrl-C too
        partial.unlink(missing_ok=True)
        raise


def _check_output(output: Path) -> None:
    """Checks where the export goes before anything is read. An export may be replaced by a newer one, a log or its
    backup never."""
    if exists(output) and not is_file(output):
        raise CommandFailed(f"{output}: is a directory" if is_directory(output) else f"{output}: is no file")
    if not is_directory(output.parent):
        raise CommandFailed(f"{output}: the directory {output.parent} does not exist")
    log = Path(str(output).removesuffix("-wal").removesuffix("-shm"))
    if is_file(log) and is_database(log):
        raise CommandFailed(f"{output}: is a database, which an export does not replace")
