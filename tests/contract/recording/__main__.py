"""Plays a fixed scenario against the service of any version and writes down what was on the wire.

    python -m tests.contract.recording OUT_DIR [--python PYTHON] [--setting NAME=VALUE …] [--everything]

`--python` is the interpreter of the installation that is recorded; nothing of the service is loaded here. Two
recordings are the same, byte for byte, or something that a client sees has changed (`masks.py` says what is left out).
`OUT_DIR/wire` is what `test_recorded_wire.py` compares with `tests/data/wire`: where a change is meant, write it anew
by `python -m tests.contract.recording tests/data`. With `--everything`, `OUT_DIR/aside` has what belongs to no
contract, or depends on the version of a library: what commands say, whole pages, `openapi.json`, help texts.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from . import record


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.contract.recording")
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("--python", default=sys.executable, help="of the installation that is recorded")
    parser.add_argument(
        "--setting", action="append", default=[], metavar="NAME=VALUE", help="of every service: fast_streams=false"
    )
    parser.add_argument("--everything", action="store_true", help="also what is no contract of the wire")
    options = parser.parse_args()
    settings = dict(setting.split("=", 1) for setting in options.setting)
    record(options.out, python=options.python, settings=settings, everything=options.everything)


if __name__ == "__main__":
    main()
