"""What the commands say of the log, for a recording of everything."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from .play import LOG, Play

COMMANDS = (
    (), ("serve",), ("user",), ("user", "create"), ("user", "list"), ("user", "role"), ("user", "password"),
    ("user", "delete"), ("token",), ("token", "create"), ("token", "list"), ("token", "revoke"), ("session",),
    ("session", "list"), ("session", "revoke"), ("tail",), ("export",), ("verify",), ("import",), ("backup",),
    ("restore",), ("prune",), ("demo",), ("menu",), ("menu", "import"), ("menu", "export"),
)  # fmt: skip


def command_line_beside_it(stage: Play) -> None:
    """While the service runs: nothing of this writes."""
    stage.aside("sessions", "session", "list", "--database", LOG)
    stage.aside("verified beside the service", "verify", "--database", LOG)
    for role, count in (("manager", 5), ("cocinero", 3)) if stage.everything else ():
        process = stage.program.start("tail", "--role", role, "--cursor", "inicio", "--database", LOG)
        assert process.stdout is not None
        lines = [process.stdout.readline().decode().rstrip("\n") for _ in range(count)]
        process.terminate()
        process.communicate()
        title = f"$ pos-notif tail --role {role} --cursor inicio"
        stage.transcript.add("cli", f"the first events of a {role}", title, *(f"out | {line}" for line in lines))


def command_line(stage: Play) -> None:
    log = ("--database", LOG)
    stage.command("verified", "verify", *log)
    stage.command("exported", "export", *log)
    stage.command("exported for a spreadsheet", "export", "--format", "csv", "--separator", "punto_y_coma", *log)
    stage.command("exported to a file", "export", "--output", "log.ndjson", *log)
    stage.command("the export verified", "verify", "log.ndjson")
    stage.command("imported", "import", "log.ndjson", "--database", "copy.db")
    stage.command("backed up", "backup", "backup.db", *log)
    stage.command("backed up over it", "backup", "backup.db", *log)
    stage.command("restored", "restore", "backup.db", "--database", "copy.db")
    stage.command("nothing to prune", "prune", "--keep", "9999d", *log)
    stage.command("a session is revoked", "session", "revoke", "1", *log)
    stage.command("no such session", "session", "revoke", "999", *log)
    stage.command("a role changes", "user", "role", "rosa", "manager", *log)
    stage.command("a user goes", "user", "delete", "beto", *log)
    stage.command("no such user", "user", "delete", "nadie", *log)
    stage.command("no log", "verify", "--database", "nada.db")
    stage.command("no such command", "freir")
    stage.command("a wrong setting", "serve", "--heartbeat-seconds", "pronto")
    stage.command("a wrong filter", "export", "--from", "ayer", *log)
    stage.command("its version", "--version")
    with closing(sqlite3.connect(stage.directory / LOG)) as connection, connection:
        connection.execute("UPDATE events SET data = replace(data, '\"tipo\"', '\"Tipo\"') WHERE type = 'poda'")
    stage.command("a log that was altered", "verify", *log)
    for command in COMMANDS:
        done = stage.program.run(*command, "--help")
        stage.transcript.aside(f"help-{'-'.join(command) or 'pos-notif'}.txt", done.stdout)
