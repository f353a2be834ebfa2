"""`pos-notif`: the command line. What a script reads goes to standard output, everything else to standard error.

The exit codes are 0, 1 (failed) and 2 (usage).
"""

from __future__ import annotations

import io
import os
import sys
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

import click

from ..errors import CommandFailed, ConfigurationError, DomainError, LogRefused, LogUnavailable, PortUnavailable
from ..resources import package_version

# Each command's module, its name there, and what the list of commands says of it. One is loaded when it is called, so
# that it waits for no other's needs; and what serves (Quart, Hypercorn, pydantic) is loaded by a command that serves,
# when it does: it takes a second or two.
COMMANDS = {
    "backup": ("log", "backup_command", "Back the log up while it is served, and verify the copy."),
    "cluster": ("cluster", "cluster_group", "Several machines on one log."),
    "demo": ("demo", "demo_command", "Run the service with a simulated restaurant."),
    "export": ("export", "export_command", "Export the log, as it is now, in constant memory."),
    "import": ("log", "import_command", "Import a complete NDJSON export into an empty log."),
    "menu": ("menu", "menu_group", "The menu, from a spreadsheet's file and as one."),
    "prune": ("log", "prune_command", "Take events out of the log that are older, while it is served."),
    "publish": ("publish", "publish_command", "Publish events from a file, or see what would come of them."),
    "push": ("push", "push_group", "Phones that are rung with the browser closed."),
    "restore": ("log", "restore_command", "Put a backup in the log's place; the service must be stopped."),
    "serve": ("serve", "serve_command", "Run the service."),
    "session": ("accounts", "session_group", "Who is signed in."),
    "tail": ("tail", "tail_command", "Follow a role's events in the terminal, one JSON a line."),
    "token": ("accounts", "token_group", "API tokens, for the POS back end."),
    "user": ("accounts", "user_group", "People who sign in with a password or PIN."),
    "verify": ("log", "verify_command", "Verify the log, a complete NDJSON export or a backup."),
}


class Program(click.Group):
    """Turns what the operator can mend, and what the operator does to it, into one line and exit code 1 or 2; anything
    else is a fault of ours."""

    def main(self, *arguments: Any, **extra: Any) -> Any:
        _prepare_standard_streams()
        try:
            return super().main(*arguments, **extra)
        except OSError as error:  # of what was shown: its file has no name here
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python tries once more at its end
            _fail(f"standard output: {error.strerror}", 1)

    def list_commands(self, context: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command: click.Command = getattr(import_module(f".{module}", __package__), attribute)
        return command

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = arguments[0]
        if name not in COMMANDS and not name.startswith("-"):
            alike = get_close_matches(name, COMMANDS, n=1)
            context.fail(f"No such command {name!r}." + (f" Did you mean {alike[0]!r}?" if alike else ""))
        return super().resolve_command(context, arguments)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, _, summary) in COMMANDS.items()])

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except KeyboardInterrupt:
            _fail("interrupted", 1)
        except click.Abort:  # at a question
            _fail("aborted", 1)
        except ConfigurationError as error:
            _fail(str(error), 2)
        except (CommandFailed, LogRefused, PortUnavailable) as error:
            _fail(str(error), 1)
        except OSError as error:
            if error.filename is None:
                raise
            _fail(f"{error.filename}: {error.strerror}", 1)
        except LogUnavailable as error:
            _fail(f"the event log is not available: {error.reason}", 1)
        except DomainError as error:
            if error.for_operator is None:
                raise
            _fail(error.for_operator, 1)


def _fail(message: str, code: int) -> NoReturn:
    start = "\r" if sys.stderr.isatty() else ""  # over the terminal's ^C
    click.echo(f"{start}pos-notif: {message}", err=True)
    sys.exit(code)


def _prepare_standard_streams() -> None:
    """Gives a command that is called with a closed stream one that leads nowhere: no file of ours must get its number.
    What the encoding of standard output has not is shown escaped, as on standard error."""
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            descriptor = os.open(os.devnull, os.O_RDWR)
            if descriptor != number:
                os.dup2(descriptor, number)
                os.close(descriptor)
            setattr(sys, name, os.fdopen(number, mode))
    if isinstance(sys.stdout, io.TextIOWrapper) and sys.stdout.encoding.lower() != "utf-8":
        sys.stdout.reconfigure(errors="backslashreplace")


def _show_version(context: click.Context, parameter: click.Parameter, asked: bool) -> None:
    if asked and not context.resilient_parsing:
        click.echo(f"pos-notif, version {package_version()}")
        context.exit()


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_show_version,
    help="Show the version and exit.",
)
def main() -> None:
    """Real-time notifications for restaurants."""
