"""The benchmark itself runs; its figures are no test."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.bench


@pytest.mark.long
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


@pytest.mark.browser
def test_the_benchmark_of_the_kitchens_page_prints_its_figure():
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.kitchen"], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("an event on a board of 60, ms of the page's work ")


def test_the_benchmark_of_workers_prints_its_table():
    command = [sys.executable, "-m", "tests.benchmarks.workers", "--seconds", "0.5", "--repetitions", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert [line.split("|")[1].strip() for line in done.stdout.splitlines()[3:]] == ["1 worker", "2 workers"]


@pytest.mark.skipif(
    shutil.which("redis-server") is None, reason="needs Redis (Debian: apt-get install -y redis-server)"
)
def test_the_benchmark_of_nodes_prints_its_table():
    command = [sys.executable, "-m", "tests.benchmarks.nodes", "--seconds", "0.5", "--engines", "redis", "--nodes", "2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in done.stdout.splitlines()[3:]]
    assert [(row[0], row[-1] == "–") for row in rows] == [("one process, no engine", True), ("2 nodes on redis", False)]


def test_the_benchmark_of_a_push_service_that_hangs_prints_its_ratios():
    command = [sys.executable, "-m", "tests.benchmarks.hanging_push", "--events", "20", "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    rows = [line.partition("  ")[0] for line in done.stdout.splitlines()]
    assert rows == ["p99 of the answer", "p99 of the delivery"]
