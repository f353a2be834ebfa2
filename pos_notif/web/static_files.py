"""Files that pages load: compressed where the client takes that, and kept for a year where their address says which
version they are."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
import os
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from quart import Response, request, send_from_directory
from werkzeug.security import safe_join

from .answers import names_of_files

# What is text. Pictures and fonts are compressed by themselves.
_COMPRESSED = {".css", ".html", ".js", ".json", ".map", ".svg", ".txt"}
_OURS = ("css/", "js/")
_HOUR = "public, max-age=3600"
_YEAR = "public, max-age=31536000, immutable"
# Comments that have their lines for themselves or stand well behind the code, and indentation: in ES5 no text goes over
# a line's end, and none of ours has two spaces before two slashes.
_FOR_READERS = re.compile(
    r"^[ \t]*(?:/\*(?:(?!\*/).)*\*/[ \t]*$|//[^\n]*)|^[ \t]+| {2,}// [^\n]*$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A file's content as it is sent; `of` is what the file was by then, its time and size."""

    body: bytes
    etag: str
    of: tuple[int, int]


class StaticFiles:
    """A folder of files. `version` is a word that changes with any of them: a page that was open during an upgrade gets
    the new files at once."""

    def __init__(self, folder: Path) -> None:
        self.version = _version(folder)
        self._folder = folder
        self._kept: dict[tuple[Path, bool, bool], _Kept] = {}

    async def send(self, name: str) -> Response:
        """Returns a file of the folder, or that the client has it already. Our own pages, which name the version, get
        scripts and styles without what is for readers alone. Raises NotFound."""
        asked = request.args.get("v")
        with names_of_files():
            text = await asyncio.to_thread(self._find_text, name)
            if text is not None and "Range" not in request.headers:
                response = await self._send_text(*text, lean=asked is not None and name.startswith(_OURS))
            else:
                response = await send_from_directory(self._folder, name)
        if text is not None:
            response.headers["Vary"] = "Accept-Encoding"
        if asked is not None:
            # An address of another version's page has another content there.
            response.headers["Cache-Control"] = _YEAR if asked == self.version else "no-cache"
            response.headers.pop("Expires", None)
        return response

    def _find_text(self, name: str) -> tuple[Path, os.stat_result] | None:
        path = Path(safe_join(str(self._folder), name) or self._folder)
        return (path, path.stat()) if path.suffix in _COMPRESSED and path.is_file() else None

    async def _send_text(self, path: Path, status: os.stat_result, *, lean: bool) -> Response:
        gzipped = request.accept_encodings["gzip"] > 0
        key, of = (path, lean, gzipped), (status.st_mtime_ns, status.st_size)
        kept = self._kept.get(key)
        if kept is None or kept.of != of:
            kept = self._kept[key] = await asyncio.to_thread(_prepare, path, lean, gzipped, of)
        response = Response(kept.body, mimetype=mimetypes.guess_type(path.name)[0] or "text/plain")
        response.headers["Cache-Control"] = _HOUR
        if gzipped:
            response.headers["Content-Encoding"] = "gzip"
        response.set_etag(kept.etag)
        response.last_modified = datetime.fromtimestamp(status.st_mtime, UTC)
        await response.make_conditional(request)
        return response


def _prepare(path: Path, lean: bool, gzipped: bool, of: tuple[int, int]) -> _Kept:
    body = path.read_bytes()
    if lean:
        body = without_comments(body.decode()).encode()
    if gzipped:
        body = gzip.compress(body, 9, mtime=0)  # without a time: the same bytes in every process
    return _Kept(body, hashlib.sha256(body).hexdigest()[:24], of)


def without_comments(text: str) -> str:
    """Returns a script or a style without its comments and indentation. Each line keeps its number, which the browser's
    console names."""
    return _FOR_READERS.sub(lambda found: "\n" * found[0].count("\n"), text)


def _version(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
