"""python-socketio AsyncServer (ASGI): every client joins the room named by ?room=, POST /pub/<room> emits to it."""

import json
from urllib.parse import parse_qs

import socketio

sio = socketio.AsyncServer(async_mode="asgi", cors_allowed_origins="*", ping_interval=25, ping_timeout=60)


@sio.event
async def connect(sid, environ, auth):
    room = parse_qs(environ.get("QUERY_STRING", "")).get("room", ["cocina"])[0]
    await sio.enter_room(sid, room)


@sio.event
async def publish(sid, room, data):
    await sio.emit("ev", data, room=room)


async def other(scope, receive, send):
    if scope["type"] != "http":
        return
    body = b""
    while True:
        m = await receive()
        body += m.get("body", b"")
        if not m.get("more_body"):
            break
    await sio.emit("ev", json.loads(body), room=scope["path"].rsplit("/", 1)[1])
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-type", b"application/json"), (b"content-length", b"11")],
        }
    )
    await send({"type": "http.response.body", "body": b'{"ok":true}'})


app = socketio.ASGIApp(sio, other)
