"""A push service on loopback, as the browsers' makers run one: it refuses what RFC 8030, 8291 and 8292 forbid, and
decrypts what it takes, by `http_ece` and by 25 lines of `cryptography` that know nothing of it. Also an ntfy server,
as far as one publishes to it."""

from __future__ import annotations

import base64
import json
import re
import select
import ssl
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import http_ece
import trustme
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAX_BODY = 4096


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


class Browser:
    """One subscription, with the keys that a browser makes."""

    def __init__(self, service: PushService, name: str) -> None:
        self.name = name
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.auth = bytes(range(16))
        self.endpoint = f"{service.url}/wpush/{name}"
        service.browsers[name] = self

    @property
    def point(self) -> bytes:
        return self.private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

    @property
    def body(self) -> dict[str, Any]:
        """What the page sends, as `subscription.toJSON()` has it."""
        return {
            "endpoint": self.endpoint,
            "expirationTime": None,
            "keys": {"p256dh": b64(self.point), "auth": b64(self.auth)},
        }

    def decrypt(self, body: bytes) -> bytes:
        """By `http_ece`, and by the RFC's own steps."""
        text: bytes = http_ece.decrypt(body, private_key=self.private, auth_secret=self.auth, version="aes128gcm")
        assert text == decrypt_by_hand(body, self.private, self.point, self.auth)
        return text


def decrypt_by_hand(body: bytes, private: ec.EllipticCurvePrivateKey, point: bytes, auth: bytes) -> bytes:
    """RFC 8291, section 3.4, and RFC 8188."""
    salt, record_size, key_size = body[:16], int.from_bytes(body[16:20], "big"), body[20]
    sender, record = body[21 : 21 + key_size], body[21 + key_size :]
    assert key_size == 65
    assert record_size <= MAX_BODY
    shared = private.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))

    def derive(length: int, salt: bytes, info: bytes, secret: bytes) -> bytes:
        return HKDF(hashes.SHA256(), length, salt, info).derive(secret)

    secret = derive(32, auth, b"WebPush: info\0" + point + sender, shared)
    key = derive(16, salt, b"Content-Encoding: aes128gcm\0", secret)
    nonce = derive(12, salt, b"Content-Encoding: nonce\0", secret)
    padded = AESGCM(key).decrypt(nonce, record, None).rstrip(b"\0")
    assert padded[-1:] == b"\x02"  # the last record
    return padded[:-1]


class PushService:
    """Use it as a context. `received` are the messages that it took, in order; `faults` what it refused by the RFCs.
    `answers` are statuses for what comes next, by the browser's name or the topic; one that is a function is called in
    the request's thread. `headers` go with each. `body(request)` writes what follows the head of a message that was
    taken, which then says that `body_length` bytes do. `holding` are those whose requests get no answer until it is
    set, and `given_up` whose had none when the connection was closed."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        self.authority = str(folder / "push-authority.pem")
        authority.cert_pem.write_to_path(self.authority)
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                service.handle(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"https://localhost:{self._server.server_port}"
        self.browsers: dict[str, Browser] = {}
        self.received: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.requests: list[str] = []  # whose, in the order in which they came
        self.answers: dict[str, list[int | Callable[[], int]]] = {}
        self.headers: dict[str, str] = {}
        self.body: Callable[[BaseHTTPRequestHandler], None] | None = None
        self.body_length = 10
        self.holding: dict[str, threading.Event] = {}
        self.given_up: list[str] = []
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def host(self) -> str:
        """As `POS_NOTIF_PUSH_HOSTS` names it."""
        return self.url.partition("://")[2]

    def __enter__(self) -> PushService:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def browser(self, name: str) -> Browser:
        return Browser(self, name)

    def of(self, name: str) -> list[dict[str, Any]]:
        return [message for message in self.received if message["to"] == name]

    def handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        if request.path == "/":
            name, status, message = self._ntfy(request, body)
        else:
            name, status, message = self._push(request, body)
        self.requests.append(name)
        if name in self.holding and not self._hold(name, request):
            request.close_connection = True
            return
        if status == 201:
            planned = self.answers.get(name)
            if planned:
                told = planned.pop(0)
                status = told() if callable(told) else told
            if status < 300:
                self.received.append(message)
        else:
            self.faults.append(f"{status} {message}")
        request.send_response(status)
        length = str(self.body_length) if self.body and status < 300 else "0"
        for header, value in {"Content-Length": length, **(self.headers if status >= 300 else {})}.items():
            request.send_header(header, value)
        request.end_headers()
        if self.body and status < 300:
            self.body(request)

    def _hold(self, name: str, request: BaseHTTPRequestHandler) -> bool:
        """Tells whether the request was still waiting when it was let go."""
        while not self.holding[name].wait(0.05):
            if select.select([request.connection], [], [], 0)[0]:  # nothing is sent on it but its end
                self.given_up.append(name)
                return False
        return True

    def _ntfy(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[str, int, Any]:
        told = json.loads(body)
        if not re.fullmatch(r"[-_A-Za-z0-9]{1,64}", told["topic"]):
            return told["topic"], 400, "topic"
        return told["topic"], 201, {"to": told["topic"], "authorization": request.headers["Authorization"], **told}

    def _push(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[str, int, Any]:
        name, headers = request.path.rpartition("/")[2], request.headers
        browser = self.browsers.get(name)
        if browser is None:
            return name, 404, "no such subscription"
        if not re.fullmatch(r"\d+", headers.get("TTL", "")):
            return name, 400, "TTL"
        if headers.get("Content-Encoding") != "aes128gcm":
            return name, 400, "encoding"
        if len(body) > MAX_BODY:
            return name, 413, "size"
        if headers.get("Urgency", "normal") not in ("very-low", "low", "normal", "high"):
            return name, 400, "Urgency"
        if not re.fullmatch(r"[A-Za-z0-9]{1,32}", headers.get("Topic", "x")):  # Apple takes neither - nor _
            return name, 400, "Topic"
        refused = self._refused(headers.get("Authorization", ""))
        if refused:
            return name, 403, refused
        text = browser.decrypt(body)
        return name, 201, {
            "to": name, "ttl": int(headers["TTL"]), "urgency": headers["Urgency"], "topic": headers["Topic"],
            "bytes": len(body), "text": len(text), "authorization": headers["Authorization"], **json.loads(text),
        }  # fmt: skip

    def _refused(self, authorization: str) -> str | None:
        """RFC 8292."""
        match = re.fullmatch(r"vapid t=([\w-]+\.[\w-]+)\.([\w-]+), ?k=([\w-]+)", authorization)
        if not match:
            return "Authorization"
        signed, signature, key = match[1], unb64(match[2]), unb64(match[3])
        public = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
        numbers = (int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        try:
            public.verify(utils.encode_dss_signature(*numbers), signed.encode(), ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return "signature"
        claims = json.loads(unb64(signed.partition(".")[2]))
        if claims.get("aud") != self.url:
            return f"aud {claims.get('aud')}"
        if not time.time() < claims.get("exp", 0) <= time.time() + 24 * 3600:
            return "exp"
        if not re.fullmatch(r"(mailto:[^@]+@|https://)[\w-]+(\.[\w-]+)+(/.*)?", str(claims.get("sub"))):
            return "sub"
        return None
