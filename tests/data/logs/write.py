"""Writes the logs of this version, for later versions to open.

    python -m tests.data.logs.write

It makes a folder beside this file, named after the version and its schema, with a log for each of `themes.py` (the
file as the service left it, compressed) and what that version shows of it. It never writes into a folder that is there:
those are the logs of the version that they are named after, and nothing that comes later could write them again. A
version that writes events as none before it adds its own folder, and leaves the others as they are.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.data.logs.reading import boards
from tests.data.logs.shop import Shop
from tests.data.logs.themes import THEMES

FOLDER = Path(__file__).parent


def run(*arguments: str) -> str:
    """What a command says on standard output; it fails where the command does."""
    done = subprocess.run([sys.executable, "-m", "pos_notif", *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def content(database: Path) -> list[dict[str, Any]]:
    with contextlib.closing(sqlite3.connect(database)) as connection:
        return [json.loads(data) for (data,) in connection.execute("SELECT data FROM events ORDER BY id")]


def orders_of(events: list[dict[str, Any]]) -> list[int]:
    """Every order that the log has heard of, those that a pruning carried on too."""
    carried = [pedido["id"] for event in events for pedido in event.get("pedidos_abiertos", [])]
    return sorted({*carried, *(event["pedido_id"] for event in events if event.get("pedido_id") is not None)})


def store(folder: Path, theme: str, database: Path, now_ms: int) -> None:
    """The log and what it shows now; this is asked of a copy, so that the log stays as the theme has left it."""
    stored = database.read_bytes()
    assert not database.with_name(database.name + "-wal").exists(), "the log was not closed"
    copy = database.with_name("copy.db")
    copy.write_bytes(stored)
    shown = {
        "clock_ms": now_ms,
        "verify": run("verify", "--database", str(copy)),
        **asyncio.run(boards(copy, now_ms, orders_of(content(copy)))),
    }
    (folder / f"{theme}.db.gz").write_bytes(gzip.compress(stored, mtime=0))
    text = json.dumps(shown, ensure_ascii=False, indent=1)
    (folder / f"{theme}.json").write_text(text + "\n", encoding="utf-8")


def folder_of_this_version() -> Path:
    said = run("--version").split()
    with tempfile.TemporaryDirectory() as directory:
        database = Path(directory) / "log.db"
        Shop(database)
        with contextlib.closing(sqlite3.connect(database)) as connection:
            schema = connection.execute("PRAGMA user_version").fetchone()[0]
    return FOLDER / f"{said[-1]}-schema-{schema}"


def main() -> None:
    for name in [name for name in os.environ if name.startswith("POS_NOTIF_")]:
        del os.environ[name]
    folder = folder_of_this_version()
    if folder.exists():
        sys.exit(f"{folder} is there: it is the log of the version that wrote it, and is not written again")
    with tempfile.TemporaryDirectory() as directory:
        made = Path(directory) / "made"
        made.mkdir()
        for theme, write_theme in THEMES.items():
            database = Path(directory) / theme / "log.db"
            database.parent.mkdir()
            shop = Shop(database)
            asyncio.run(write_theme(shop))
            store(made, theme, database, shop.now_ms)
            print(f"{theme}: {len(content(database))} events")
        folder.mkdir()
        for file in sorted(made.iterdir()):
            (folder / file.name).write_bytes(file.read_bytes())


if __name__ == "__main__":
    main()
