"""A recorded scenario of the wire: `record` plays it."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from .limits import play_limits
from .play import Play
from .scenario import play


def record(
    out: Path, *, python: str = sys.executable, settings: Mapping[str, str] | None = None, everything: bool = False
) -> None:
    """Plays the scenario with the service that is installed for `python`, and writes the recording into `out`. With
    `everything`, the command line and what stands aside, too."""
    with tempfile.TemporaryDirectory() as directory:
        stage = Play(python, Path(directory), dict(settings or {}), everything=everything)
        play(stage)
        play_limits(stage)
        stage.transcript.write(out, aside=everything)
