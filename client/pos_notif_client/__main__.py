"""Looks into an outbox and sends what waits in it, from a terminal.

    python -m pos_notif_client estado --db salida.db
    python -m pos_notif_client rechazados --db salida.db
    python -m pos_notif_client reintentar --db salida.db CLAVE … | --all
    python -m pos_notif_client enviar --db salida.db --url http://192.168.1.20:5000 [--token pn_…] [--seconds 60]

`estado` and `rechazados` print JSON, the latter a line an event. `enviar` takes the token from POS_NOTIF_TOKEN where
none is given, waits until nothing is left, and exits with 1 where something is.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import sqlite3
import sys
from typing import Any

from . import Salida, SinDisco


def main(arguments: list[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if not os.path.isfile(options.db):
        return _complain(f"{options.db} is not there")
    try:
        if not _is_outbox(options.db):
            return _complain(f"{options.db} is no outbox")
        outbox = _opened(options)
        try:
            done: int = options.run(outbox, options)
        finally:
            outbox.cerrar()
    except (SinDisco, ValueError) as error:
        return _complain(str(error))
    except sqlite3.DatabaseError as error:
        return _complain(f"{options.db}: {error}")
    return done


def _is_outbox(path: str) -> bool:
    """Tells whether a database has an outbox's table: any other is left as it is."""
    with contextlib.closing(sqlite3.connect(path)) as db:
        sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'pos_notif_salida'"
        return db.execute(sql).fetchone() is not None


def _opened(options: argparse.Namespace) -> Salida:
    """Returns the outbox, as one in somebody else's file: the POS's own database is looked into likewise, and neither
    its journal is changed nor is a damaged one renamed by who only looks."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(options.db)

    if options.run is _send:
        logging.basicConfig(format="%(message)s", level=logging.INFO)
        token = options.token or os.environ.get("POS_NOTIF_TOKEN")
        return Salida(options.db, options.url, token, conexion=connect, cafile=options.cafile)
    return Salida(options.db, conexion=connect)


def _state(outbox: Salida, options: argparse.Namespace) -> int:
    _print(outbox.estado(), indent=2)
    return 0


def _refused(outbox: Salida, options: argparse.Namespace) -> int:
    for refused in outbox.rechazados():
        _print(refused)
    return 0


def _retry(outbox: Salida, options: argparse.Namespace) -> int:
    keys = [refused["clave"] for refused in outbox.rechazados()] if options.all else options.keys
    unknown = [key for key in keys if not outbox.reintentar(key)]
    if unknown:
        return _complain("not among those that were refused: " + ", ".join(unknown))
    print(f"{len(keys)} wait to be sent")
    return 0


def _send(outbox: Salida, options: argparse.Namespace) -> int:
    if outbox.vaciar(options.seconds):
        return 0
    state = outbox.estado()
    return _complain(f"{state['pendientes']} wait still: {state['ultimo_error'] or 'another process sends'}")


def _print(value: Any, indent: int | None = None) -> None:
    print(json.dumps(value, ensure_ascii=sys.stdout.encoding.lower() != "utf-8", indent=indent))


def _complain(text: str) -> int:
    print(f"pos_notif_client: {text}", file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pos_notif_client", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def add(name: str, run: Any, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.add_argument("--db", required=True, metavar="FILE", help="the outbox's file, or the POS's with it")
        command.set_defaults(run=run)
        return command

    add("estado", _state, "what waits, since when, and the last error")
    add("rechazados", _refused, "what was refused, or waited too long, with the reason")
    retry = add("reintentar", _retry, "has what was refused sent once more, by whoever sends")
    which = retry.add_mutually_exclusive_group(required=True)
    which.add_argument("keys", nargs="*", default=[], metavar="KEY", help="an event's key (`clave`)")
    which.add_argument("--all", action="store_true", help="all of them")
    send = add("enviar", _send, "sends what waits")
    send.add_argument("--url", required=True, help="the service's address")
    send.add_argument("--token", help="default: POS_NOTIF_TOKEN, which no list of processes shows")
    send.add_argument("--cafile", help="who signed the service's certificate, where it is an own one")
    send.add_argument("--seconds", type=float, default=60.0, help="how long at most (default: 60)")
    return parser


if __name__ == "__main__":
    sys.exit(main())
