"""`pos-notif push`, called as an operator might."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.push.conftest import CONTACT
from tests.push.test_sending import phone
from tests.support.command_line import call, fails
from tests.support.live_server import LiveServer, clean_environment, run_cli, with_accounts
from tests.support.push_service import unb64
from tests.support.waiting import eventually

WEBPUSH = {"POS_NOTIF_PUSH": "webpush", "POS_NOTIF_PUSH_CONTACT": CONTACT}
# As where the extra `push` was left away: what looks for its libraries finds none.
WITHOUT = """
import sys, importlib.machinery as machinery
class Without(machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.split(".")[0] in {names} else super().find_spec(name, path, target)
sys.meta_path[:] = [Without if finder is machinery.PathFinder else finder for finder in sys.meta_path]
from pos_notif.cli.main import main
main(sys.argv[1:])
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.db"
    with_accounts(path, lambda accounts: accounts.create_user("Ana", "mesero", "1234"))
    return path


def test_odd_calls_are_one_line(log, tmp_path):
    at = ("--database", str(log))
    assert "there is no user Nadie" in fails(1, "push", "test", "Nadie", *at, environ=WEBPUSH)
    assert "ANA has no phone" in fails(1, "push", "test", "ANA", *at, environ=WEBPUSH)
    assert "no way to ring a phone" in fails(2, "push", "test", "Ana", *at)
    no_contact = {"POS_NOTIF_PUSH": "webpush"}
    assert "POS_NOTIF_PUSH_CONTACT" in fails(2, "push", "test", "Ana", *at, environ=no_contact)
    assert "POS_NOTIF_NTFY_URL" in fails(2, "push", "test", "Ana", *at, environ={"POS_NOTIF_PUSH": "ntfy"})
    assert "'sms'" in fails(2, "push", "list", *at, environ={"POS_NOTIF_PUSH": "sms"})
    for command in (("keys",), ("list",), ("test", "Ana")):
        said = fails(1, "push", *command, "--database", str(tmp_path / "none.db"), environ=WEBPUSH)
        assert "none.db: does not exist" in said
    assert (tmp_path / "none.db").exists() is False
    assert call("push", "list", *at).stdout == ""
    made = call("push", "keys", *at).stdout
    assert len(unb64(made.strip())) == 65
    assert call("push", "keys", *at).stdout == made


def test_a_test_says_what_each_service_answered_and_writes_nothing(make_ringing, service):
    server = make_ringing()
    _, browser = phone(server, service, "Ana")
    environ = server.settings

    def push(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pos_notif", "push", *arguments, "--database", str(server.database)]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=clean_environment(**environ))

    def send() -> subprocess.CompletedProcess[str]:
        return push("test", "ana")

    # Its page has not asked for the key, so there is none, and the browser knows another one.
    assert (send().stderr, service.requests) == ("pos-notif: there is no key pair yet (pos-notif push keys)\n", [])
    run_cli("push", "keys", database=server.database)
    done = send()
    assert (done.returncode, done.stdout, done.stderr) == (0, "localhost\t201\n", "")
    assert eventually(lambda: service.of("Ana"))[0]["notification"]["tag"] == "prueba"
    service.answers = {"Ana": [410]}
    done = send()
    assert (done.returncode, done.stdout) == (1, "localhost\t410\n")
    assert done.stderr == "pos-notif: not every phone was rung\n"
    listed = push("list").stdout
    assert listed.split("\t")[1:4] == ["mesero", "Ana", "localhost"]
    assert browser.endpoint not in listed


def test_without_the_extra_it_is_one_line_and_who_rings_no_phones_needs_none_of_it(log):
    command = [sys.executable, "-c", WITHOUT.format(names={"py_vapid", "httpx"})]
    for arguments in (["serve", "--port", "0"], ["push", "keys"]):
        done = subprocess.run(
            [*command, *arguments, "--database", str(log)], capture_output=True, text=True, check=False,
            env=clean_environment(**WEBPUSH),
        )  # fmt: skip
        said = "pos-notif: POS_NOTIF_PUSH: httpx is not installed (pip install 'pos-notif[push]')\n"
        assert (done.returncode, done.stdout, done.stderr) == (2, "", said), arguments
    server = LiveServer(log, command=command).start()
    try:
        told = server.request("GET", "/api/push", cookie=server.login("Ana"))
        assert told[::2] == (200, {"activo": False, "clave_publica": None, "vias": []})
        assert server.request("PUT", "/api/push/suscripcion", {}, cookie=server.login("Ana"))[0] == 404
        assert server.new_order(1)["id"] == 1
    finally:
        server.close()
