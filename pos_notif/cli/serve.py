"""`pos-notif serve`, its settings as options, and what it says when it is up."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import socket
import sys
from collections.abc import Callable
from dataclasses import fields
from typing import Any, TypeVar

import click

from ..config import Config, env_name, from_environment, parse_setting, unknown_settings
from ..errors import ConfigurationError

Command = TypeVar("Command", bound=Callable[..., Any])


def settings_options() -> Callable[[Command], Command]:
    """Makes every setting an option of the command; its environment variable has the same name."""

    def decorate(command: Command) -> Command:
        for setting in reversed(fields(Config)):
            command = click.option(
                "--" + setting.name.replace("_", "-"),
                setting.name,
                metavar=_METAVARS[type(setting.default)],
                help=f"{setting.metadata['help']}  [{env_name(setting.name)}; default: {_shown(setting.default)}]",
            )(command)
        return command

    return decorate


_METAVARS = {str: "TEXT", int: "INTEGER", float: "NUMBER", bool: "BOOLEAN", tuple: "LIST"}


def _shown(default: Any) -> str:
    """Returns a default as one would type it."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, float):
        return f"{default:g}"
    return (",".join(default) if isinstance(default, tuple) else str(default)) or "none"


def config_of(options: dict[str, str | None]) -> Config:
    """Reads a command's options over the environment. Warns of variables that no setting has."""
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


@click.command("serve")
@settings_options()
def serve_command(**options: str | None) -> None:
    """Run the service. The first line on standard output is its URL."""
    from ..server.logs import set_up_logging
    from ..server.run import serve as run_server
    from ..server.workers.parent import serve_by_workers

    config = config_of(options)
    set_up_logging()
    run = run_server if config.worker_count == 1 else serve_by_workers
    run(config, lambda port, has_users: announce(config, port, has_users))


def announce(config: Config, port: int, has_users: bool) -> None:
    """Says that the service is up. The first line, on standard output, is the URL; what follows, on standard error, is
    for people."""
    from ..web.pages import SCREENS

    everywhere = config.host in ("0.0.0.0", "::")  # noqa: S104 - compared with, not bound to
    scheme = "https" if config.certfile else "http"
    url = f"{scheme}://{_in_url('127.0.0.1' if everywhere else config.host)}:{port}"
    click.echo(url)
    sys.stdout.flush()
    for base in [url, *(f"{scheme}://{address}:{port}" for address in _lan_addresses() if everywhere)]:
        pages = [(screen.url, screen.title) for screen in SCREENS]
        for path, title in (*pages, ("/login", "Sign in"), ("/docs", "API")):
            click.echo(f"  {title:8} {base}{path}", err=True)
    if config.host in ("127.0.0.1", "localhost", "::1"):
        click.echo("Only this machine can open it. For tablets in the LAN: --host 0.0.0.0", err=True)
    if not has_users:
        command = [*_this_program(), "user", "create", "NAME", "--role", "manager", "--database", config.database]
        engine = ' --cluster "$POS_NOTIF_CLUSTER"' if config.cluster else ""  # in which a password may stand
        click.echo(f"No users yet. Create the first manager: {shlex.join(command)}{engine}", err=True)


def _this_program() -> list[str]:
    """Returns how to call this program again: it need not be on the PATH."""
    called = sys.argv[0]
    if os.path.basename(called) == "__main__.py":
        return [sys.executable, "-m", "pos_notif"]
    return ["pos-notif"] if shutil.which("pos-notif") == called else [called]


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _lan_addresses() -> list[str]:
    """Returns this machine's address towards its network, if it has one; nothing is sent for it."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # documentation range (RFC 5737): only the route is looked up
        return [str(probe.getsockname()[0])]
    return []
