"""The naive Quart SSE server (the pattern of Quart's own docs): one asyncio.Queue per client, async generator body."""

import asyncio

from quart import Quart, Response, jsonify, request

app = Quart(__name__)
rooms: dict[str, set[asyncio.Queue]] = {}
last: dict[str, list] = {}


@app.get("/sub/<room>")
async def sub(room):
    q: asyncio.Queue = asyncio.Queue()
    rooms.setdefault(room, set()).add(q)

    async def gen():
        try:
            yield b": ok\n\n"
            while True:
                data = await q.get()
                yield f"event: ev\ndata: {data}\n\n".encode()
        finally:
            rooms[room].discard(q)

    r = Response(gen(), mimetype="text/event-stream", headers={"Cache-Control": "no-cache"})
    r.timeout = None
    return r


@app.post("/pub/<room>")
async def pub(room):
    data = await request.get_data(as_text=True)
    for q in rooms.get(room, ()):
        q.put_nowait(data)
    last[room] = [data]
    return jsonify(ok=True)


@app.get("/poll/<room>")
async def poll(room):
    return jsonify(notificaciones=last.get(room, []), total=1)
