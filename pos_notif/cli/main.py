"""`pos-notif`: the command line. What a script reads goes to standard output, everything else to standard error.

Exit codes: 0, 1 (failed), 2 (usage).
"""

from __future__ import annotations

import sys
from typing import Any

import click

from ..app import package_version
from ..errors import CommandFailed, ConfigurationError, DomainError, LogRefused
from .accounts import session_group, token_group, user_group
from .demo import demo_command
from .export import export_command
from .log import backup_command, import_command, prune_command, restore_command, verify_command
from .serve import serve_command
from .tail import tail_command


class Group(click.Group):
    """Turns what the operator can mend into one line and exit code 1 or 2; anything else is a fault of ours."""

    def invoke(self, context: click.Context) -> Any:
        from ..server.run import PortUnavailable

        try:
            return super().invoke(context)
        except ConfigurationError as error:
            _fail(str(error), 2)
        except (CommandFailed, LogRefused, PortUnavailable) as error:
            _fail(str(error), 1)
        except OSError as error:
            if error.filename is None:
                raise
            _fail(f"{error.filename}: {error.strerror}", 1)
        except DomainError as error:
            details = "; ".join(f"{name}: {problem}" for name, problem in error.fields.items())
            _fail(f"{error.message} {details}".strip(), 1)


def _fail(message: str, code: int) -> None:
    click.echo(f"pos-notif: {message}", err=True)
    sys.exit(code)


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_version(), prog_name="pos-notif")
def main() -> None:
    """Real-time notifications for restaurants."""


main.add_command(serve_command)
main.add_command(user_group)
main.add_command(token_group)
main.add_command(session_group)
main.add_command(tail_command)
main.add_command(export_command)
for command in (verify_command, import_command, backup_command, restore_command, prune_command):
    main.add_command(command)
main.add_command(demo_command)
