"""The benchmark itself runs; its figures are no test."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.bench


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for the load client")
def test_the_benchmark_prints_its_table():
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.run",
        "--quick",
        "--repetitions",
        "1",
        "--peers",
        "ours,ours-asgi",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "durable publishes/s, 16 connections" in done.stdout
