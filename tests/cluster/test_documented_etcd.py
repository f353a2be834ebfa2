"""The certificates and the settings of docs/cluster.md, as they stand there, make an etcd that orders a log."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from pos_notif.cluster.engine import parse
from pos_notif.cluster.sequence import Closed, Place, Sequence, Unfit, Unknown
from tests.support.etcd import need_etcd
from tests.support.waiting import eventually

pytestmark = pytest.mark.faults
DOCUMENT = (Path(__file__).parents[2] / "docs" / "cluster.md").read_text("utf-8")
[CERTIFICATES] = re.findall(r"^```sh\n(mkdir -m 0700 certificates.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
# Of the first of three machines, and of a Raspberry Pi.
FIRST, SMALL = re.findall(r"^cat >/etc/default/etcd <<'END'\n(.*?)^END", DOCUMENT, re.MULTILINE | re.DOTALL)
DOCUMENTED = "10.0.0."


def settings(text: str) -> dict[str, str]:
    """As systemd reads such a file."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return dict(line.split("=", 1) for line in lines)


def of_second(text: str) -> str:
    """Its name and its addresses are its own; the list of all stays."""
    own = text.replace("ETCD_NAME=a", "ETCD_NAME=b")
    return "".join(
        line.replace("10.0.0.11", "10.0.0.12") if "_URLS=" in line else line for line in own.splitlines(True)
    )


@pytest.fixture
def members(tmp_path: Path) -> Iterator[tuple[str, dict[int, subprocess.Popen[bytes]]]]:
    """What `--cluster` is given, and the members by their machines."""
    need_etcd()
    prefix = f"127.{1 + secrets.randbelow(250)}.{1 + secrets.randbelow(250)}."
    script = CERTIFICATES.replace(DOCUMENTED, prefix)
    subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, check=True, capture_output=True)
    folder = tmp_path / "certificates"
    running: dict[int, subprocess.Popen[bytes]] = {}
    try:
        for machine, text in ((11, FIRST), (12, of_second(FIRST)), (13, SMALL)):
            own = text.replace(DOCUMENTED, prefix).replace("/var/lib/etcd/pos-notif", str(tmp_path / f"data{machine}"))
            for documented, file in (
                ("ca.pem", "ca.pem"),
                ("node.pem", f"{machine}.pem"),
                ("etcd.key", f"{machine}.key"),
            ):
                own = own.replace(f"/etc/pos-notif/{documented}", str(folder / file))
            with (tmp_path / f"{machine}.log").open("wb") as log:
                running[machine] = subprocess.Popen(
                    ["etcd"], env={**os.environ, **settings(own)}, stdout=log, stderr=log
                )
        addresses = ",".join(f"{prefix}{machine}:2379" for machine in running)
        files = {"ca": "ca.pem", "cert": "11.pem", "key": "11.key"}
        query = "&".join(f"{name}={folder / file}" for name, file in files.items())
        yield f"etcds://{addresses}?{query}", running
    finally:
        for process in running.values():
            process.kill()
            process.wait()


def test_three_members_order_a_log_and_two_of_them_go_on(members):
    url, running = members
    sequence = parse(url).sequence("log", None)
    try:
        place = eventually(lambda: _founded(sequence))
        assert len(parse(url).servers()) == 3
        running[12].kill()
        running[12].wait()
        appended = eventually(lambda: _appended(sequence, place))
        assert eventually(lambda: _head(sequence)) == appended
    finally:
        sequence.close()
    with pytest.raises((Unfit, Unknown)):
        parse(url.partition("?")[0] + "?" + url.partition("?")[2].partition("&")[0]).sequence("log", None).head()


def _founded(sequence: Sequence) -> Place | None:
    try:
        return sequence.begin(Place(0, bytes(32), b""), b"base", b"\1" * 16, seen=sequence.last())
    except Unknown:
        return _head(sequence)  # it may have come there all the same


def _appended(sequence: Sequence, place: Place) -> Place | None:
    head = _head(sequence)
    if head is not None and head.position > place.position:
        return head
    try:
        return sequence.append(place, b"one")
    except Unknown:
        return None


def _head(sequence: Sequence) -> Place | None:
    try:
        return sequence.head()
    except (Unknown, Closed):
        return None
