"""`pos-notif`: the command line. What a script reads goes to standard output, everything else to standard error.

Exit codes: 0, 1 (failed), 2 (usage).
"""

from __future__ import annotations

import contextlib
import shlex
import socket
import sys
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import click

from .app import package_version
from .cli_accounts import session_group, token_group, user_group
from .cli_tail import tail_command
from .config import Config, env_name, from_environment, parse_setting, unknown_settings
from .errors import ConfigurationError, DomainError, LogRefused
from .web.pages import PAGES

Command = TypeVar("Command", bound=Callable[..., Any])


class Group(click.Group):
    """Turns what the operator can mend into one line and exit code 1 or 2; anything else is a fault of ours."""

    def invoke(self, context: click.Context) -> Any:
        from .server import PortUnavailable

        try:
            return super().invoke(context)
        except ConfigurationError as error:
            _fail(str(error), 2)
        except (LogRefused, PortUnavailable) as error:
            _fail(str(error), 1)
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


main.add_command(user_group)
main.add_command(token_group)
main.add_command(session_group)
main.add_command(tail_command)


def settings_options(*, leave_out: tuple[str, ...] = ()) -> Callable[[Command], Command]:
    """Every setting as an option of the command; its environment variable has the same name."""

    def decorate(command: Command) -> Command:
        for setting in reversed(fields(Config)):
            if setting.name not in leave_out:
                shown = ",".join(setting.default) if isinstance(setting.default, tuple) else setting.default
                command = click.option(
                    "--" + setting.name.replace("_", "-"),
                    setting.name,
                    metavar=type(setting.default).__name__.upper().replace("TUPLE", "LIST"),
                    help=f"{setting.metadata['help']}  [{env_name(setting.name)}; default: {shown}]",
                )(command)
        return command

    return decorate


def config_of(options: dict[str, str | None]) -> Config:
    """The configuration of a command's options over the environment. Warns of variables that no setting has."""
    for name in unknown_settings():
        click.echo(f"pos-notif: warning: {name} is not a setting of this version; it does nothing", err=True)
    given = {name: _parse(name, text) for name, text in options.items() if text is not None}
    return from_environment(**given)


def _parse(name: str, text: str) -> Any:
    try:
        return parse_setting(name, text)
    except ConfigurationError as error:
        option = "--" + name.replace("_", "-")
        raise ConfigurationError(str(error).replace(env_name(name), option, 1)) from error


@main.command()
@settings_options()
def serve(**options: str | None) -> None:
    """Run the service. The first line on standard output is its URL."""
    from .server import serve as run_server
    from .server import set_up_logging

    config = config_of(options)
    set_up_logging()
    run_server(config, lambda port, has_users: _announce(config, port, has_users))


def _announce(config: Config, port: int, has_users: bool) -> None:
    everywhere = config.host in ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
    url = f"http://{_in_url('127.0.0.1' if everywhere else config.host)}:{port}"
    click.echo(url)
    sys.stdout.flush()
    for base in [url, *(f"http://{address}:{port}" for address in _lan_addresses() if everywhere)]:
        for path, _, title, _ in (*PAGES, ("/login", "", "Sign in", ""), ("/docs", "", "API", "")):
            click.echo(f"  {title:8} {base}{path}", err=True)
    if config.host in ("127.0.0.1", "localhost", "::1"):
        click.echo("Only this machine can open it. For tablets in the LAN: --host 0.0.0.0", err=True)
    if not has_users:
        click.echo(
            "No users yet. Create the first manager: "
            f"pos-notif user create NAME --role manager --database {shlex.quote(config.database)}",
            err=True,
        )


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _lan_addresses() -> list[str]:
    """This machine's address towards its network; nothing is sent for it."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # documentation range (RFC 5737): only the route is looked up
        return [str(probe.getsockname()[0])]
    return []
