"""Web Push on the wire: RFC 8291 encrypts a message for one browser, RFC 8292 says to its push service who sends it.

Only who rings phones by Web Push loads this module: its libraries are the extra `push`.
"""

from __future__ import annotations

import base64
import binascii
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

# Push services allow 24 hours at most; of a clock that is ahead some are left.
_LIFE_SECONDS = 12 * 3600
_REUSE_SECONDS = 3600
MAX_RECORD_BYTES = 4096
# What a record leaves for the text: without salt, sizes, key, the delimiter and GCM's tag.
MAX_TEXT_BYTES = 3993


def new_keys() -> tuple[bytes, bytes]:
    """Makes a key pair of P-256: the private number in 32 bytes, and the public point in 65."""
    private = ec.generate_private_key(ec.SECP256R1())
    return private.private_numbers().private_value.to_bytes(32, "big"), _point(private.public_key())


def _point(public: ec.EllipticCurvePublicKey) -> bytes:
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def is_point(key: bytes) -> bool:
    """Tells whether this is a point of P-256 as browsers send one: uncompressed, on the curve."""
    if len(key) != 65 or key[0] != 4:
        return False
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), key)
    except ValueError:
        return False
    return True


def encrypt(text: bytes, p256dh: bytes, auth: bytes) -> bytes:
    """Returns the body for one browser, of one record."""
    ephemeral = ec.generate_private_key(ec.SECP256R1())
    body: bytes = http_ece.encrypt(
        text, private_key=ephemeral, dh=p256dh, auth_secret=auth, rs=MAX_RECORD_BYTES, version="aes128gcm",
    )  # fmt: skip
    return body


class Signer:
    """Signs requests for the restaurant. A signature is good for a whole push service, and used for an hour."""

    def __init__(self, private: bytes, contact: str) -> None:
        number = int.from_bytes(private, "big")
        # Its own check of contacts knows neither a path nor each mailbox; ours is the settings'.
        self._vapid = Vapid02(ec.derive_private_key(number, ec.SECP256R1()), conf={"no-strict": True})
        self._contact = contact
        self._known: dict[str, tuple[int, str]] = {}

    def authorization(self, endpoint: str, now_seconds: int) -> str:
        """Returns the header's value. `now_seconds` is the wall clock's: the push service has one too."""
        origin = origin_of(endpoint)
        until, value = self._known.get(origin, (0, ""))
        if not now_seconds < until <= now_seconds + _REUSE_SECONDS:  # nor after the clock was set back
            claims = {"aud": origin, "exp": now_seconds + _LIFE_SECONDS, "sub": self._contact}
            value = str(self._vapid.sign(claims)["Authorization"])
            if len(self._known) > 100:
                self._known.clear()
            self._known[origin] = (now_seconds + _REUSE_SECONDS, value)
        return value


def origin_of(endpoint: str) -> str:
    """Returns scheme, host and port, as the signature's `aud` names the push service: of an origin the host is in lower
    case, and there is no port where it is the scheme's own (RFC 6454)."""
    parts = urlsplit(endpoint)
    port = "" if parts.port in (None, 443) else f":{parts.port}"
    return f"{parts.scheme}://{parts.hostname}{port}"


def encode_key(key: bytes) -> str:
    """Writes a key as browsers take it: base64url without padding."""
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def decode_key(text: str) -> bytes:
    """Reads such a key. Raises ValueError."""
    if not text.isascii() or len(text) > 200:
        raise ValueError(text[:10])
    try:
        padded = text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)
        return base64.b64decode(padded.encode(), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError(str(error)) from error
