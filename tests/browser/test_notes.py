"""What the kitchen reads in a note: each warning whole, and nothing else as one."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from tests.browser.page_files import STATIC

CASES = json.loads((Path(__file__).parents[1] / "data" / "notes.json").read_text("utf-8"))


@pytest.mark.browser
def test_each_note_is_read_as_a_cook_would(page: Any) -> None:
    page.add_script_tag(path=STATIC / "js" / "shared" / "notes.js")
    assert len(CASES) > 60
    read = page.evaluate("notes => notes.map(posNotif.notes.read)", [case["nota"] for case in CASES])
    assert dict(zip((case["nota"] for case in CASES), read, strict=True)) == {
        case["nota"]: case["partes"] for case in CASES
    }


@pytest.mark.browser
def test_no_word_of_a_note_is_lost(page: Any) -> None:
    page.add_script_tag(path=STATIC / "js" / "shared" / "notes.js")
    for case in CASES:
        written = [word.strip(".!?") for word in unicodedata.normalize("NFC", case["nota"]).split()]
        read = " ".join(part["texto"] for part in page.evaluate("note => posNotif.notes.read(note)", case["nota"]))
        for word in written:
            if word not in ("y", "e", "pero") and any(letter.isalnum() for letter in word):
                assert word.strip(",;") in read, case["nota"]
