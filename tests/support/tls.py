"""HTTPS by the service itself: a certificate that the tests trust, and requests over it."""

from __future__ import annotations

import contextlib
import http.client
import json
import ssl
from pathlib import Path
from typing import Any

import trustme

from tests.support.live_server import LiveServer


class Files:
    """A certificate authority, and what it signed for 127.0.0.1."""

    def __init__(self, folder: Path) -> None:
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1")
        self.certfile, self.keyfile, self.whole = (str(folder / name) for name in ("cert.pem", "key.pem", "whole.pem"))
        issued.cert_chain_pems[0].write_to_path(self.certfile)
        issued.private_key_pem.write_to_path(self.keyfile)
        issued.private_key_and_cert_chain_pem.write_to_path(self.whole)
        self.other_key = str(folder / "other.pem")
        authority.issue_cert("127.0.0.1").private_key_pem.write_to_path(self.other_key)
        self.authority = str(folder / "authority.pem")
        authority.cert_pem.write_to_path(self.authority)
        self.client = ssl.create_default_context()
        authority.configure_trust(self.client)


@contextlib.contextmanager
def asked(server: LiveServer, files: Files, method: str, path: str, body: Any = None, **headers: str):
    """The answer, while its connection is open."""
    connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=files.client, timeout=60)
    sent = {"Content-Type": "application/json", **headers}
    connection.request(method, path, json.dumps(body) if body is not None else None, sent)
    with contextlib.closing(connection), connection.getresponse() as answer:
        yield answer


def ask(*arguments: Any, **headers: str):
    """Its status and headers."""
    with asked(*arguments, **headers) as answer:
        return answer.status, answer.headers
