"""The engine etcd: its members, and how a node is let in."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from .bulletin import Bulletin
from .etcd_bulletin import EtcdBulletin
from .etcd_client import EtcdAddress, EtcdClient
from .etcd_messages import Found, Member, Members, Status
from .etcd_sequence import FOLDER, EtcdSequence
from .sequence import Sequence, Unfit, Unknown
from .servers import Server


@dataclass(frozen=True, slots=True)
class EtcdEngine:
    address: EtcdAddress
    name: str = "etcd"

    @classmethod
    def reached_by(
        cls,
        hosts: tuple[tuple[str, int], ...],
        user: str | None,
        password: str | None,
        certificates: Mapping[str, str] | None,
    ) -> EtcdEngine:
        """Returns the etcd of these members. `certificates` (None: without TLS) names files: `ca`, without which the
        system's are trusted, and `cert` and `key` of this node. Raises OSError where one cannot be read."""
        context = None
        if certificates is not None:
            context = ssl.create_default_context(cafile=certificates.get("ca"))
            if "cert" in certificates:
                # Without a passphrase, for which OpenSSL would ask at the terminal.
                context.load_cert_chain(certificates["cert"], certificates.get("key"), password="")
        return cls(EtcdAddress(hosts, user, password, context))

    def sequence(self, log_name: str, identity: dict[str, Any] | None) -> Sequence:
        """Returns a sequence of its own connection."""
        return EtcdSequence(self.address, log_name, identity)

    def bulletin(self, log_name: str) -> Bulletin:
        """Returns a bulletin of its own connection."""
        return EtcdBulletin(self.address, log_name)

    def logs(self) -> list[str]:
        """Returns the names of the logs of which it has something. Raises Unknown, or Unfit where this user may not
        look at another's."""
        names: list[str] = []
        begin, end = FOLDER.encode(), FOLDER[:-1].encode() + b"0"
        with contextlib.closing(EtcdClient(self.address)) as client:
            while True:
                # The first key of each, and of its records none: there may be thousands.
                question = {"key": begin, "range_end": end, "limit": 1, "keys_only": True}
                found = client.ask("/v3/kv/range", question, Found).kvs
                if not found:
                    return names
                names.append(found[0].key.decode().split("/")[1])
                begin = f"{FOLDER}{names[-1]}0".encode()

    def servers(self) -> list[Server]:
        """Returns the members, each as it answers itself. Raises Unknown where none does, or Unfit."""
        with contextlib.closing(EtcdClient(self.address)) as client:
            listed = client.ask("/v3/cluster/member/list", {}, Members)
        return [self._server(member) for member in sorted(listed.members, key=lambda member: member.name)]

    def _server(self, member: Member) -> Server:
        address = urlsplit(member.clientURLs[0]).netloc if member.clientURLs else ""
        host, _, port = address.rpartition(":")
        alone = replace(self.address, hosts=((host.strip("[]"), int(port or 0)),))
        with contextlib.closing(EtcdClient(alone)) as client:
            try:
                status = client.ask("/v3/maintenance/status", {}, Status)
            except (Unknown, Unfit):
                return Server(member.name, address, answers=False, leads=False)
        return Server(member.name, address, answers=True, leads=status.leader == status.header.member_id)
