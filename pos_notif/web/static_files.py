"""Files that pages load: compressed where the client takes that, and kept for a year where their address says which
version they are.

A page loads its scripts as one, and its styles: a tablet asks twice instead of some sixty times, and what is compressed
together is a fifth smaller. The address names them, so that no process has to know what another one's page was made
of."""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from quart import Response, abort, request, send_from_directory
from werkzeug.security import safe_join

from .answers import names_of_files

# What is text. Pictures and fonts are compressed by themselves.
_COMPRESSED = {".css", ".html", ".js", ".json", ".map", ".svg", ".txt"}
_OURS = ("css/", "js/")
# By its name: the folder and the ending of what stands in it.
_TOGETHER = {"js/all.js": ("js", ".js"), "css/all.css": ("css", ".css")}
_PART = re.compile(r"[a-z]+(?:/[a-z]+)?")
_MOST_PARTS = 200
# Pages, in both encodings, with room for those of another version.
_MOST_KEPT = 64
_HOUR = "public, max-age=3600"
_YEAR = "public, max-age=31536000, immutable"
# Comments that have their lines for themselves or stand well behind the code, and indentation: in ES5 no text goes over
# a line's end, and none of ours has two spaces before two slashes.
_FOR_READERS = re.compile(
    r"^[ \t]*(?:/\*(?:(?!\*/).)*\*/[ \t]*$|//[^\n]*)|^[ \t]+| {2,}// [^\n]*$", re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class _Kept:
    """The content of a file, or of some together, as it is sent; `of` is what each was by then, its time and size."""

    body: bytes
    etag: str
    of: list[tuple[int, int]]


class StaticFiles:
    """A folder of files. `version` is a word that changes with any of them: a page that was open during an upgrade gets
    the new files at once."""

    def __init__(self, folder: Path) -> None:
        self.version = _version(folder)
        self._folder = folder
        self._kept: dict[tuple[tuple[Path, ...], bool, bool], _Kept] = {}

    def together(self, name: str, parts: Sequence[str]) -> str:
        """Returns the address of `parts` as one file, `js/all.js` or `css/all.css`."""
        return f"/static/{name}?v={self.version}&f={','.join(parts)}"

    async def send(self, name: str) -> Response:
        """Returns a file of the folder, or that the client has it already. Our own pages, which name the version, get
        scripts and styles without what is for readers alone. Raises NotFound."""
        asked = request.args.get("v")
        with names_of_files():
            text = await asyncio.to_thread(self._find_text, _names(name, request.args.get("f")))
            if text and ("Range" not in request.headers or name in _TOGETHER):
                response = await self._send_text(text, lean=asked is not None and name.startswith(_OURS))
            else:
                response = await send_from_directory(self._folder, name)
        if text:
            response.headers["Vary"] = "Accept-Encoding"
        if asked is not None:
            # An address of another version's page has another content there.
            response.headers["Cache-Control"] = _YEAR if asked == self.version else "no-cache"
            response.headers.pop("Expires", None)
        return response

    def _find_text(self, names: Sequence[str]) -> dict[Path, os.stat_result]:
        """Returns those text files, or nothing where one of them is none."""
        paths = [Path(safe_join(str(self._folder), name) or self._folder) for name in names]
        if not all(path.suffix in _COMPRESSED and path.is_file() for path in paths):
            return {}
        return {path: path.stat() for path in paths}

    async def _send_text(self, files: Mapping[Path, os.stat_result], *, lean: bool) -> Response:
        gzipped = request.accept_encodings["gzip"] > 0
        key, of = (tuple(files), lean, gzipped), [(status.st_mtime_ns, status.st_size) for status in files.values()]
        kept = self._kept.pop(key, None)
        if kept is None or kept.of != of:
            kept = await asyncio.to_thread(_prepare, tuple(files), lean, gzipped, of)
        self._kept[key] = kept  # the last one used stands last
        if len(self._kept) > _MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        response = Response(kept.body, mimetype=mimetypes.guess_type(key[0][0].name)[0] or "text/plain")
        response.headers["Cache-Control"] = _HOUR
        if gzipped:
            response.headers["Content-Encoding"] = "gzip"
        response.set_etag(kept.etag)
        response.last_modified = datetime.fromtimestamp(max(status.st_mtime for status in files.values()), UTC)
        await response.make_conditional(request)
        return response


def _names(name: str, parts: str | None) -> list[str]:
    """Returns the files that an address names: one, or the parts of several together."""
    if name not in _TOGETHER:
        return [name]
    folder, ending = _TOGETHER[name]
    asked = (parts or "").split(",")
    if len(asked) > _MOST_PARTS or len(set(asked)) < len(asked) or not all(map(_PART.fullmatch, asked)):
        abort(404)
    return [f"{folder}/{part}{ending}" for part in asked]


def _prepare(paths: Sequence[Path], lean: bool, gzipped: bool, of: list[tuple[int, int]]) -> _Kept:
    body = b"".join(_content(path, lean, named=len(paths) > 1) for path in paths)
    if gzipped:
        body = gzip.compress(body, 9, mtime=0)  # without a time: the same bytes in every process
    return _Kept(body, hashlib.sha256(body).hexdigest()[:24], of)


def _content(path: Path, lean: bool, named: bool) -> bytes:
    """Returns a file's content. Among others it begins with its name, for whoever looks at it in a browser."""
    body = path.read_bytes()
    if lean:
        body = without_comments(body.decode()).encode()
    return b"/* %b */\n%b\n" % (f"{path.parent.name}/{path.stem}".encode(), body) if named else body


def without_comments(text: str) -> str:
    """Returns a script or a style without its comments and indentation. Each line keeps its number, which the browser's
    console names."""
    return _FOR_READERS.sub(lambda found: "\n" * found[0].count("\n"), text)


def _version(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(os.path.join(inside, name) for inside, _, names in os.walk(folder) for name in names):
        with open(file, "rb") as opened:
            digest.update(opened.read())
    return digest.hexdigest()[:12]
