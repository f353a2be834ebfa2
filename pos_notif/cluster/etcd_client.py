"""A client of etcd's HTTP gateway (JSON, API v3), which asks one member at a time.

Neither a connection nor a request is repeated unseen: a transaction that is sent again may be made twice, and whoever
answers on a new connection may be another etcd. A question that is not answered is Unknown, and the next one goes to
another member.
"""

from __future__ import annotations

import contextlib
import http.client
import select
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from .etcd_messages import Members, Problem, Token, decoded, encoded
from .sequence import Full, Unfit, Unknown

T = TypeVar("T")

# Of one question with all that it takes to ask it.
ANSWER_SECONDS = 1.0
# A machine that is switched off does not even refuse; the others must have their turn within the same second.
CONNECT_SECONDS = 0.3
# A connection's life. Members that are replaced one after the other are seen so, whoever it leads to.
CONNECTION_SECONDS = 60.0
# A member forgets a token that it has not seen for 300 seconds.
TOKEN_SECONDS = 200.0
# gRPC's code for what one has no right to.
DENIED = 7


@dataclass(frozen=True, slots=True)
class EtcdAddress:
    """Its members, in the order in which they are tried, and how one is let in."""

    hosts: tuple[tuple[str, int], ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = None

    def __str__(self) -> str:
        return ",".join(f"{host}:{port}" for host, port in self.hosts)


class Connection:
    """One connection to one member. `members` are the ids of all that belong to its cluster, as it knows them."""

    def __init__(self, plain: socket.socket, host: str, port: int) -> None:
        self.at = f"{host}:{port}"
        self.made = time.monotonic()
        self.cluster_id = 0
        self.members: frozenset[int] = frozenset()
        self.token: str | None = None
        self.socket = plain
        self._http = http.client.HTTPConnection(host, port)
        self._http.auto_open = 0
        self._http.sock = plain

    def ask(self, path: str, question: Any, kind: type[T], deadline: float) -> T:
        """Returns the answer. Raises Unknown, or Unfit where etcd does not let us do that."""
        try:
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            self._http.request("POST", path, encoded(question), self.headers())
            self.socket.settimeout(max(0.001, deadline - time.monotonic()))
            response = self._http.getresponse()
            text = response.read()
        except (OSError, http.client.HTTPException, ValueError, AttributeError) as error:
            # The last two are what http.client makes of a connection that another thread has ended.
            raise Unknown(f"etcd at {self.at} did not answer ({error or type(error).__name__})") from error
        try:
            if response.status == http.client.OK:
                return decoded(kind, text)
            problem = decoded(Problem, text)
        except msgspec.DecodeError as error:
            raise Unknown(f"etcd at {self.at} answered what is none of its answers (HTTP {response.status})") from error
        raise self.refused(problem)

    def headers(self) -> dict[str, str]:
        return {"Content-Type": "application/json", **({"Authorization": self.token} if self.token else {})}

    def refused(self, problem: Problem) -> Unknown | Unfit:
        """Returns what it means that etcd has not done what it was asked."""
        text = f"etcd at {self.at}: {problem.text}"
        outside = problem.code == DENIED or "user name" in problem.text or "authentication" in problem.text
        if outside:
            return Unfit(text)
        return Full(text) if "space exceeded" in problem.text else Unknown(text)

    @property
    def is_whole(self) -> bool:
        """Tells whether it can be asked: one that the member has closed meanwhile has its end to be read."""
        if self._http.sock is None or self.socket.fileno() < 0:
            return False
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return not poll.poll(0)

    def close(self) -> None:
        # A thread that waits for an answer wakes by the first, and not by the second.
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)
        self.socket.close()
        self._http.close()


class EtcdClient:
    """It may be used in one thread at a time; `close` alone may be called in another."""

    def __init__(self, address: EtcdAddress) -> None:
        self._address = address
        self._turn = 0
        self._connection: Connection | None = None
        self._token, self._token_at, self._token_used = "", "", 0.0
        self._ended = False

    def ask(self, path: str, question: Any, kind: type[T], check: Callable[[Connection], None] | None = None) -> T:
        """Asks the member whose turn it is, on a connection that `check` has let pass. Raises Unknown or Unfit."""
        deadline = time.monotonic() + ANSWER_SECONDS
        connection = self.connected(deadline)
        try:
            if check is not None:
                check(connection)
            return connection.ask(path, question, kind, deadline)
        except BaseException:
            self.drop()
            self._token = ""  # it may be what was wrong
            self._turn += 1
            raise

    @property
    def now(self) -> Connection | None:
        """Returns the connection that the last question was answered on."""
        return self._connection

    def connected(self, deadline: float) -> Connection:
        """Returns the connection, which is made where there is none: to the first member that takes one."""
        connection = self._connection
        if connection is not None:
            aged = time.monotonic() - connection.made > CONNECTION_SECONDS
            if not self._ended and not aged and connection.is_whole:
                self._token_used = time.monotonic()
                return connection
            self.drop()
        problem = "closed"
        for _ in self._address.hosts:
            left = deadline - time.monotonic()
            if self._ended or left <= 0:
                break
            try:
                return self._connect(deadline)
            except (OSError, Unknown) as error:
                problem = str(error) or type(error).__name__
                self.drop()
                self._turn += 1
            except BaseException:
                self.drop()
                raise
        raise Unknown(f"no member of etcd at {self._address} takes a connection ({problem})")

    def another(self, deadline: float) -> Connection:
        """Returns a connection of its own, which nobody asks anything yet, to the member whose turn it is. Raises
        Unknown."""
        token = self.connected(deadline).token
        try:
            connection = self._dial(deadline)
        except OSError as error:
            raise Unknown(f"no connection to etcd ({error})") from error
        connection.token = token
        return connection

    def drop(self) -> None:
        """Ends the connection: the next question makes another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def close(self) -> None:
        """Ends it for good, also for a thread that waits for an answer: whatever is asked is Unknown from now on."""
        self._ended = True
        connection = self._connection
        if connection is not None:
            connection.close()

    def _connect(self, deadline: float) -> Connection:
        self._connection = connection = self._dial(deadline)
        if self._address.user is not None:
            connection.token = self._token_for(connection, deadline)
        members = connection.ask("/v3/cluster/member/list", {}, Members, deadline)
        connection.cluster_id = members.header.cluster_id
        connection.members = frozenset(member.ID for member in members.members)
        if self._ended:
            raise Unknown("closed")
        return connection

    def _dial(self, deadline: float) -> Connection:
        host, port = self._address.hosts[self._turn % len(self._address.hosts)]
        left = max(0.001, deadline - time.monotonic())
        plain = socket.create_connection((host, port), min(left, CONNECT_SECONDS))
        try:
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            plain.settimeout(left)
            tls = self._address.tls
            return Connection(tls.wrap_socket(plain, server_hostname=host) if tls else plain, host, port)
        except BaseException:
            plain.close()
            raise

    def _token_for(self, connection: Connection, deadline: float) -> str:
        """Returns the token that stands for the user. Each member forgets it by itself, and making one takes it a tenth
        of a second."""
        now = time.monotonic()
        if self._token_at != connection.at or now - self._token_used > TOKEN_SECONDS or not self._token:
            account = {"name": self._address.user, "password": self._address.password}
            self._token = connection.ask("/v3/auth/authenticate", account, Token, deadline).token
            self._token_at = connection.at
        self._token_used = now
        return self._token
