"""What a new user or token may be called: no two names look alike because of letters of another script, or of what
nobody sees. It is asked of new names alone; who has another one from before signs in with it."""

from __future__ import annotations

import re
import string
import unicodedata

from ..errors import Invalid

MAX_NAME = 80
USER_PUNCTUATION = " ._-'"
# An operator chooses it, and reads it in the log beside users' names.
TOKEN_PUNCTUATION = " " + string.punctuation

# Default_Ignorable_Code_Point (DerivedCoreProperties.txt of the Unicode Character Database): letters among them.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f"
    "\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)


_RULE = "letras de un solo alfabeto, cifras, {} y espacios sueltos, con al menos una letra o cifra"


def new_name(given: str, field: str, punctuation: str = USER_PUNCTUATION) -> str:
    """Returns the name as it is to be stored: composed, with compatibility characters as the ordinary ones that they
    stand for (NFKC), and without spaces around it. Raises Invalid under `field`."""
    name = unicodedata.normalize("NFKC", given).strip()
    letters = [char for char in name if char not in punctuation and char not in string.digits]
    scripts = {_script(char) for char in letters}
    if (
        not 1 <= len(name) <= MAX_NAME
        or _UNSEEN.search(name)
        or "  " in name
        or None in scripts
        or len(scripts) > 1
        or not any(char.isalpha() or char in string.digits for char in name)
    ):
        marks = punctuation.strip()
        raise Invalid(
            "El nombre no es válido.",
            fields={field: f"debe tener de 1 a {MAX_NAME} caracteres: {_RULE.format(marks)}"},
            for_operator=f"{given!r} is no name: it has 1 to {MAX_NAME} characters, letters of one script, digits,"
            f" {marks} and single spaces, and at least one letter or digit",
        )
    return name


def _script(char: str) -> str | None:
    """Returns a word for the script of a letter, or of a mark that some scripts write vowels with: that with which its
    name begins in the Unicode Character Database. None for any other character, also for what belongs to letters of
    every script (`MODIFIER`, `COMBINING`)."""
    if unicodedata.category(char)[0] not in "LM":
        return None
    word = unicodedata.name(char, "").partition(" ")[0]
    return None if word in ("", "MODIFIER", "COMBINING") else word
