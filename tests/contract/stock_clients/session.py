"""As session.js, with python-socketio's AsyncClient; `options` are those of its `connect`."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import socketio


def say(value: dict[str, Any]) -> None:
    print(json.dumps(value), flush=True)


async def main() -> None:
    client = socketio.AsyncClient(reconnection_delay=0.2, reconnection_delay_max=0.5)
    cursor: str | None = None

    @client.event
    async def connect() -> None:
        say({"connected": True})

    @client.event
    async def connect_error(data: Any) -> None:
        say({"refused": data["message"] if isinstance(data, dict) else str(data)})

    @client.event
    async def disconnect(*reason: Any) -> None:
        say({"disconnected": str(reason[0]) if reason else ""})

    @client.on("*")
    async def anything(name: str, argument: Any = None, at: str | None = None) -> None:
        nonlocal cursor
        cursor = at or cursor
        say({"event": name, "data": argument, "cursor": at})

    async def answered(answer: Any) -> None:
        say({"ack": answer})

    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        command = json.loads(line)
        if "connect" in command:
            options = command["connect"]
            # A callable that makes a new one each time: the library takes the Cookie out of what it is given.
            headers = {"Cookie": options["cookie"]} if options.get("cookie") else {}

            def auth(options: dict[str, Any] = options) -> dict[str, Any]:
                found = {"token": options["token"]} if options.get("token") else {}
                return {**found, **({"cursor": cursor} if cursor else {})}

            try:
                await client.connect(
                    options["url"], headers=lambda headers=headers: dict(headers), auth=auth,
                    **options.get("options", {}),
                )  # fmt: skip
            except socketio.exceptions.ConnectionError as error:
                say({"gave_up": str(error)})
        elif "emit" in command:
            name, *arguments = command["emit"]
            await client.emit(name, *arguments[:1], callback=answered if command.get("ack") else None)
        elif "disconnect" in command:
            await client.disconnect()


asyncio.run(main())
