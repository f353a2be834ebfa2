"""The pictures of the docs can be taken again, and are those that the docs show."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_the_docs_show_what_the_script_takes(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.browser.screenshots", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=300)
    taken = {picture.name for picture in tmp_path.iterdir()}
    documents = "".join((ROOT / "docs" / name).read_text("utf-8") for name in ("screens.md", "phones.md"))
    shown = set(re.findall(r"images/([\w-]+\.png)", documents))
    assert taken == shown == {picture.name for picture in (ROOT / "docs" / "images").iterdir()}
    for picture in tmp_path.iterdir():  # neither blank nor another page
        assert picture.stat().st_size > (ROOT / "docs" / "images" / picture.name).stat().st_size / 3
