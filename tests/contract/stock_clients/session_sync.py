"""As session.py, with python-socketio's Client and its threads."""

from __future__ import annotations

import json
import sys
import threading
from typing import Any

import socketio

speaking = threading.Lock()


def say(value: dict[str, Any]) -> None:
    with speaking:
        print(json.dumps(value), flush=True)


client = socketio.Client(reconnection_delay=0.2, reconnection_delay_max=0.5)
cursor: str | None = None


def number(cursor: str) -> int:
    return int(cursor.split("-")[1])


@client.event
def connect() -> None:
    say({"connected": True})


@client.event
def connect_error(data: Any) -> None:
    say({"refused": data["message"] if isinstance(data, dict) else str(data)})


@client.event
def disconnect(*reason: Any) -> None:
    say({"disconnected": str(reason[0]) if reason else ""})


@client.on("*")
def anything(name: str, argument: Any = None, at: str | None = None) -> None:
    global cursor
    with speaking:  # each event has a thread of its own, and the last one to be handled need not be the newest
        if at and (cursor is None or number(at) > number(cursor) or at.split("-")[0] != cursor.split("-")[0]):
            cursor = at
    say({"event": name, "data": argument, "cursor": at})


def begin(options: dict[str, Any]) -> None:
    headers = {"Cookie": options["cookie"]} if options.get("cookie") else {}
    token = {"token": options["token"]} if options.get("token") else {}

    def auth() -> dict[str, Any]:
        return {**token, **({"cursor": cursor} if cursor else {})}

    try:
        client.connect(
            options["url"], headers=lambda: dict(headers), auth=auth, **options.get("options", {}),
        )  # fmt: skip
    except socketio.exceptions.ConnectionError as error:
        say({"gave_up": str(error)})


for line in sys.stdin:
    command = json.loads(line)
    if "connect" in command:
        begin(command["connect"])
    elif "emit" in command:
        name, *arguments = command["emit"]
        client.emit(
            name, *arguments[:1], callback=(lambda answer: say({"ack": answer})) if command.get("ack") else None
        )
    elif "disconnect" in command:
        client.disconnect()
