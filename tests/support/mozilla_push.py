"""What Firefox has a connection to for its notifications, on loopback: Mozilla's push service by its websocket protocol
(mozilla-services.github.io/autopush-rs), as far as a browser subscribes, is told, and says that it has shown it."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import threading
import uuid
from typing import Any

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Message, Ping, Request

from tests.support.push_service import PushService


class _Channel:
    """One subscription in the browser: its keys are there alone, so what comes for it is handed on as it is."""

    def __init__(self, service: MozillaPush, channel: str) -> None:
        self._service, self._channel = service, channel

    def decrypt(self, body: bytes) -> bytes:
        self._service.tell(self._channel, body)
        return b"{}"


class MozillaPush:
    """Use it as a context, inside that of the push service whose messages it hands on. `acked` are the codes with which
    the browser answered: 100 is shown, 101 cannot be decrypted, 102 the worker failed."""

    def __init__(self, push: PushService) -> None:
        self._push = push
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"ws://127.0.0.1:{self._listener.getsockname()[1]}/"
        self.acked: list[int] = []
        self.keys: list[str] = []  # by which it subscribed
        self._told = 0
        self._connection: socket.socket | None = None
        self._wire = WSConnection(ConnectionType.SERVER)
        self._sending = threading.Lock()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> MozillaPush:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        if self._connection is not None:
            with contextlib.suppress(OSError):  # the browser has ended it
                self._connection.shutdown(socket.SHUT_RDWR)
        self._thread.join()

    def tell(self, channel: str, body: bytes) -> None:
        self._told += 1
        data = base64.urlsafe_b64encode(body).rstrip(b"=").decode()
        self._send({
            "messageType": "notification", "channelID": channel, "version": f"v{self._told}", "ttl": 60, "data": data,
            "headers": {"encoding": "aes128gcm"},
        })  # fmt: skip

    def forget(self) -> None:
        """It has lost who its browsers are: each hears so when it is connected again, and that its subscriptions are
        void."""
        self._push.browsers.clear()
        assert self._connection is not None
        self._connection.shutdown(socket.SHUT_RDWR)

    def _send(self, message: dict[str, Any]) -> None:
        with self._sending:
            assert self._connection is not None, "no browser is connected"
            self._connection.sendall(self._wire.send(Message(json.dumps(message))))

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection:
                self._connection, self._wire = connection, WSConnection(ConnectionType.SERVER)
                text = ""
                try:
                    while received := connection.recv(65536):
                        self._wire.receive_data(received)
                        text = self._handle(connection, text)
                except OSError:
                    pass

    def _handle(self, connection: socket.socket, text: str) -> str:
        for event in self._wire.events():
            if isinstance(event, Request):
                asked = event.subprotocols[0] if event.subprotocols else None
                connection.sendall(self._wire.send(AcceptConnection(subprotocol=asked)))
            elif isinstance(event, Ping | CloseConnection):
                connection.sendall(self._wire.send(event.response()))
            elif isinstance(event, Message):
                text += str(event.data)
                if event.message_finished:
                    self._answer(json.loads(text))
                    text = ""
        return text

    def _answer(self, asked: dict[str, Any]) -> None:
        kind = asked.get("messageType", "ping")
        if kind == "hello":
            self._send({"messageType": "hello", "status": 200, "uaid": uuid.uuid4().hex, "use_webpush": True,
                        "broadcasts": {}})  # fmt: skip
        elif kind == "register":
            channel = asked["channelID"]
            self.keys.append(asked["key"])
            self._push.browsers[channel] = _Channel(self, channel)  # type: ignore[assignment]
            self._send({"messageType": "register", "status": 200, "channelID": channel,
                        "pushEndpoint": f"{self._push.url}/wpush/{channel}"})  # fmt: skip
        elif kind == "unregister":
            self._push.browsers.pop(asked["channelID"], None)
            self._send({"messageType": "unregister", "status": 200, "channelID": asked["channelID"]})
        elif kind == "ack":
            self.acked += [update["code"] for update in asked["updates"]]
        elif kind == "ping":
            self._send({})
