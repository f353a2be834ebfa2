"""Every route, asked for what its description does and does not foresee: schemathesis, all checks, as each role.

More of it: `POS_NOTIF_TEST_EXAMPLES=200 python -m pytest tests/abuse/test_schema.py`.
"""

from __future__ import annotations

import os
import subprocess
import sysconfig
from pathlib import Path

import pytest

from pos_notif.events import ROLES
from tests.support.live_server import LiveServer, with_accounts

SCHEMATHESIS = Path(sysconfig.get_path("scripts")) / "schemathesis"
EXAMPLES = int(os.environ.get("POS_NOTIF_TEST_EXAMPLES", "4"))
SEED = os.environ.get("POS_NOTIF_TEST_SEED", "1")


@pytest.mark.long
@pytest.mark.faults
@pytest.mark.parametrize("role", ROLES)
def test_no_route_answers_what_it_does_not_say(make_server, tmp_path, role):
    # Streams that end by themselves.
    server: LiveServer = make_server(stream_seconds="0.05", access_log="false")
    server.new_order(1)
    dish = {"nombre": "Pupusa", "precio": 0.75, "stock_actual": 5}
    assert server.request("POST", "/api/productos", dish)[0] == 201
    token = with_accounts(server.database, lambda accounts: accounts.create_token(role, role))
    # Every value at and beyond its limits, once; what is left to chance, for each.
    phases = "coverage,fuzzing" if role == "manager" or EXAMPLES > 50 else "fuzzing"
    ended = subprocess.run(
        [
            SCHEMATHESIS, "--config-file", Path(__file__).with_name("schemathesis.toml"), "run",
            f"{server.url}/openapi.json", "--header", f"Authorization: Bearer {token}", "--phases", phases,
            "--max-examples", str(EXAMPLES), "--seed", SEED, "--request-timeout", "30", "--continue-on-failure",
            "--generation-database", "none", "--warnings", "off", "--no-shrink",
        ],
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]
    assert server.stop() == 0
    assert [line for line in server.stderr_lines if "Traceback" in line or "Error" in line] == []
