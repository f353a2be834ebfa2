"""The benchmark itself runs; its figures are no test."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.bench


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler for the load client")
@pytest.mark.parametrize(
    ("chosen", "row"),
    [
        (("--peers", "ours"), "durable publishes/s, 16 connections"),
        (("--peers", "ours-asgi", "--scenarios", "100x4"), "100 streams"),
    ],
)
def test_the_benchmark_prints_its_table(chosen, row):
    command = [sys.executable, "-m", "tests.benchmarks.run", "--quick", "--repetitions", "1", *chosen]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert row in done.stdout
