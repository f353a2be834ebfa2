"""A real etcd of one or three members, which tests kill, freeze, wipe and restore."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

import pytest
import trustme

from tests.support.waiting import eventually

CLIENTS, PEERS = 2379, 2380


def need_etcd() -> None:
    """Skips the test where there is no etcd; in CI that is a failure."""
    if not (shutil.which("etcd") and shutil.which("etcdctl")):
        assert not os.environ.get("CI"), "needs etcd"
        pytest.skip("needs etcd (Debian: apt-get install -y etcd-server etcd-client)")


def free_hosts(count: int) -> list[str]:
    """Loopback addresses of which nobody uses etcd's ports: all of 127.0.0.0/8 is this machine, and these ports are
    below those that outgoing connections take, so a member that is dead keeps its own."""
    hosts: list[str] = []
    while len(hosts) < count:
        host = "127." + ".".join(str(1 + byte % 254) for byte in secrets.token_bytes(3))
        with contextlib.suppress(OSError):
            for port in (CLIENTS, PEERS):
                with socket.socket() as probe:
                    probe.bind((host, port))
            hosts.append(host)
    return hosts


@dataclass
class Tls:
    """A CA, a certificate of the members and one of their clients, as files."""

    ca: Path
    server: Path
    client: Path

    @classmethod
    def make(cls, folder: Path, hosts: Sequence[str]) -> Tls:
        folder.mkdir(parents=True, exist_ok=True)
        made = cls(folder / "ca.pem", folder / "server.pem", folder / "client.pem")
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(made.ca))
        authority.issue_cert(*hosts).private_key_and_cert_chain_pem.write_to_path(str(made.server))
        authority.issue_cert("node").private_key_and_cert_chain_pem.write_to_path(str(made.client))
        return made


@dataclass
class Member:
    name: str
    host: str
    folder: Path  # of its data; what it says stands beside it
    command: list[str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{CLIENTS}"

    @property
    def log(self) -> str:
        return self.folder.with_suffix(".log").read_text("utf-8")

    def launch(self, *options: str) -> None:
        """Starts it without waiting: alone it has no majority."""
        assert self.process is None
        with self.folder.with_suffix(".log").open("ab") as log:
            self.process = subprocess.Popen([*self.command, *options], stdout=log, stderr=log)

    def kill(self) -> None:
        """kill -9; its data and its ports stay its own."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def wipe(self) -> None:
        """Takes the data of a member that does not run."""
        assert self.process is None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)
            self.process.send_signal(signal.SIGCONT)
            self.process.wait(60)
            self.process = None


@dataclass
class Etcd:
    """`with Etcd(tmp_path, 3) as etcd:` runs until the block ends.

    `hosts` are addresses of this machine, and `prefix` is put before each member's command, to have it run elsewhere
    (`ip netns exec …`, with `{host}` for its address). `heartbeat` and `election` are milliseconds, for Raft.
    """

    folder: Path
    count: int = 1
    heartbeat: int = 50
    election: int = 500
    tls: bool = False
    password: str | None = None  # of root: then nobody else may do anything
    hosts: list[str] = field(default_factory=list)
    prefix: list[str] = field(default_factory=list)
    options: list[str] = field(default_factory=list)
    token: str = "first"
    members: list[Member] = field(init=False, default_factory=list)
    certificates: Tls | None = field(init=False, default=None)

    def __enter__(self) -> Etcd:
        need_etcd()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.hosts = self.hosts or free_hosts(self.count)
        if self.tls:
            self.certificates = Tls.make(self.folder / "tls", self.hosts)
        self.members = [
            Member(f"m{number}", host, self.folder / f"m{number}", []) for number, host in enumerate(self.hosts)
        ]
        self._write_commands()
        try:
            self.start()
            if self.password is not None:
                self.require_password()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        for member in self.members:
            member.kill()

    @property
    def url(self) -> str:
        """What `--cluster` is given."""
        return self.url_of(*self.members)

    def url_of(self, *members: Member) -> str:
        """An address that names these members alone."""
        addresses = ",".join(member.address for member in members)
        user = f"root:{quote(self.password, safe='')}@" if self.password is not None else ""
        if self.certificates is None:
            return f"etcd://{user}{addresses}"
        files = self.certificates
        return f"etcds://{user}{addresses}?ca={files.ca}&cert={files.client}&key={files.client}"

    def start(self) -> None:
        """Starts those that do not run, and waits until each that runs serves."""
        for member in self.members:
            if member.process is None:
                member.launch()
        self.wait_until_it_serves()

    def stop(self) -> None:
        for member in self.members:
            member.stop()

    def wait_until_it_serves(self, *members: Member) -> None:
        for member in members or self.members:
            eventually(lambda member=member: self._healthy(member))

    def leader(self) -> Member:
        """Whoever leads now, once somebody does."""
        return eventually(self._leader)

    def followers(self) -> list[Member]:
        leader = self.leader()
        return [member for member in self.members if member is not leader]

    def ctl(self, *arguments: str, at: Member | None = None, check: bool = True) -> str:
        """etcdctl's answer, from all members or from this one."""
        where = [at] if at is not None else [member for member in self.members if member.process is not None]
        scheme = "https" if self.certificates else "http"
        command = ["etcdctl", "--endpoints", ",".join(f"{scheme}://{member.address}" for member in where)]
        if self.certificates is not None:
            files = self.certificates
            command += [f"--cacert={files.ca}", f"--cert={files.client}", f"--key={files.client}"]
        if self._asks_for_password:
            command += ["--user", f"root:{self.password}"]
        done = subprocess.run(
            [*command, *arguments], capture_output=True, text=True, env={**os.environ, "ETCDCTL_API": "3"}, timeout=60
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout + done.stderr if done.returncode == 0 else ""

    def require_password(self) -> None:
        self.ctl("user", "add", f"root:{self.password}")
        self.ctl("user", "grant-role", "root", "root")
        self.ctl("auth", "enable")
        self._asks_for_password = True

    def wipe(self) -> None:
        """All members lose their data and begin anew under the same token, as a cluster of the same id."""
        self._forget()
        self._asks_for_password = False
        self.start()
        if self.password is not None:
            self.require_password()

    def save(self, path: Path) -> None:
        """Writes a snapshot."""
        self.ctl("snapshot", "save", str(path), at=self.members[0])

    def restore(self, path: Path, token: str = "second") -> None:
        """All members begin anew with what the snapshot has. Under another token it is another cluster."""
        self._forget()
        self.token = token
        self._write_commands()
        for member in self.members:
            subprocess.run(
                ["etcdctl", "snapshot", "restore", str(path), "--name", member.name, "--data-dir", str(member.folder),
                 "--initial-cluster", self._initial_cluster, "--initial-cluster-token", token,
                 "--initial-advertise-peer-urls", f"http://{member.host}:{PEERS}"],
                check=True, capture_output=True, env={**os.environ, "ETCDCTL_API": "3"}, timeout=60,
            )  # fmt: skip
        self.start()

    def force_new_cluster(self, survivor: Member) -> None:
        """What `--force-new-cluster` makes of one member's data; the others are gone for good."""
        self.stop()
        survivor.launch("--force-new-cluster")
        self.members = [survivor]
        self.wait_until_it_serves()

    _asks_for_password: bool = field(init=False, default=False)

    @property
    def _initial_cluster(self) -> str:
        return ",".join(f"{member.name}=http://{member.host}:{PEERS}" for member in self.members)

    def _write_commands(self) -> None:
        scheme = "https" if self.certificates else "http"
        for member in self.members:
            clients, peers = f"{scheme}://{member.address}", f"http://{member.host}:{PEERS}"
            member.command = [
                *(part.format(host=member.host) for part in self.prefix),
                "etcd", "--name", member.name, "--data-dir", str(member.folder),
                "--listen-client-urls", clients, "--advertise-client-urls", clients,
                "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
                "--initial-cluster", self._initial_cluster, "--initial-cluster-token", self.token,
                "--heartbeat-interval", str(self.heartbeat), "--election-timeout", str(self.election),
                "--logger", "zap", "--log-level", "warn", "--bcrypt-cost", "4", *self.options,
            ]  # fmt: skip
            if self.certificates is not None:
                files = self.certificates
                member.command += ["--client-cert-auth", f"--cert-file={files.server}", f"--key-file={files.server}",
                                   f"--trusted-ca-file={files.ca}"]  # fmt: skip

    def _forget(self) -> None:
        for member in self.members:
            member.kill()
            member.wipe()

    def _healthy(self, member: Member) -> bool:
        assert member.process is not None
        assert member.process.poll() is None, member.log
        return bool(self.ctl("endpoint", "health", "--command-timeout=2s", at=member, check=False))

    def _leader(self) -> Member | None:
        for member in self.members:
            if member.process is not None:
                status = self.ctl("endpoint", "status", "--command-timeout=1s", at=member, check=False).split(", ")
                if len(status) > 4 and status[4] == "true":
                    return member
        return None
