"""`Packet`: what a node's key among the engine's says of it."""

from __future__ import annotations

import msgspec

NODE_KEY = "node/"
"""What a node's number follows in the name of its key."""


class Packet(msgspec.Struct, array_like=True):
    """What a node's key holds: which process made it and how often, its machine's time, and each post with its
    number."""

    identity: str
    number: int
    wall_ms: int
    posts: dict[str, tuple[int, bytes]]


encode_packet = msgspec.msgpack.Encoder().encode
read_packet = msgspec.msgpack.Decoder(Packet).decode
