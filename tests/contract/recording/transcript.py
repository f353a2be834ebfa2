"""The files of a recording: text that shows in a diff what has changed."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from .masks import masked
from .wire import HOST, Answer

# Files of the recording that are no contract of the wire, or depend on the version of a library.
ASIDE = ("cli",)
EVENT = re.compile(r'(?:^|: )(\{"id":(\d+),"tipo":.*\})$', re.MULTILINE)
# What a request of the recording has, unless it is about that.
USUAL = ("host:", "connection: close", "content-length:", "content-type: application/json")
PADDING = re.compile(r"^:( {100,})$", re.MULTILINE)


class Transcript:
    """An event stands once, in `events.txt`; wherever the same bytes are on the wire there is `«event N»` instead, so
    that a changed event is one change. `literal` are masks that the scenario learns on its way."""

    def __init__(self) -> None:
        self.literal: dict[str, str] = {}
        self._files: dict[str, list[str]] = defaultdict(list)
        self._raw: dict[str, bytes] = {}

    def add(self, file: str, title: str, *parts: str) -> None:
        self.later(file, title)(*parts)

    def later(self, file: str, title: str) -> Callable[..., None]:
        """Keeps a place for what is added by calling what this returns."""
        blocks = self._files[file]
        place = len(blocks)
        blocks.append("")

        def add(*parts: str) -> None:
            text = "\n".join(filter(None, parts))
            blocks[place] = f"## {title}\n{text}\n"

        return add

    def exchange(self, file: str, title: str, answer: Answer, *, body: bool = True) -> None:
        self.add(
            file,
            title,
            _shown(answer.request),
            _shown_head(answer.head, length=body),
            *([_body(answer)] if body else []),
        )

    def stream(self, file: str, title: str, request: bytes, head: str, body: bytes) -> None:
        text = PADDING.sub(lambda match: f":({len(match[1])} spaces)", body.decode())
        lines = [line for line in _lines(head) if not line.startswith("date:")]
        self.add(file, title, _shown(request), *lines, "\n" + text)

    def aside(self, name: str, content: bytes) -> None:
        """What is compared before and after a change, but does not belong to the contract."""
        self._raw[name] = content

    def write(self, out: Path, *, aside: bool) -> None:
        events = self._events()
        names = {f"«event {number}{' kitchen' if kitchen else ''}»": text for (number, kitchen), text in events.items()}
        files = {name: "\n".join(blocks) for name, blocks in self._files.items()}
        for name, event in names.items():
            # Without its last brace: on the disk its rooms and hashes follow.
            for file, text in files.items():
                short = text.replace(event[:-1], name)
                files[file] = short.replace(event[:-1].replace('"', '""'), f"«quoted {name[1:]}")
        for name, order in _orders(events).items():
            for file, text in files.items():
                files[file] = text.replace(order, name)
        files["events"] = "\n".join(f"{name} {event}" for name, event in names.items())
        for name, text in files.items():
            folder = out / ("aside" if name in ASIDE else "wire")
            if aside or name not in ASIDE:
                self._write(folder / f"{name}.txt", text.rstrip("\n") + "\n")
        for name, content in self._raw.items() if aside else ():
            self._write(out / "aside" / name, content.decode())

    def _write(self, file: Path, text: str) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(masked(text, self.literal), encoding="utf-8", newline="\n")

    def _events(self) -> dict[tuple[int, bool], str]:
        """The copies as streams have them: the manager's of each event, and the kitchen's where it is another one."""
        found = {}
        for file, kitchen in (("stream-manager", False), ("stream-cocinero", True)):
            for event, number in EVENT.findall("\n".join(self._files[file])):
                if not kitchen or found.get((int(number), False)) != event:
                    found[int(number), kitchen] = event
        return dict(sorted(found.items()))


def _orders(events: dict[tuple[int, bool], str]) -> dict[str, str]:
    """The orders that stand in events, by the event that has them."""
    found = {}
    for (number, kitchen), event in events.items():
        if '"pedido":{' in event:
            begin = event.index('"pedido":{') + len('"pedido":')
            _, end = json.JSONDecoder().raw_decode(event, begin)
            found[f"«order of event {number}{' kitchen' if kitchen else ''}»"] = event[begin:end]
    return found


def _shown(request: bytes) -> str:
    """The request without what every one of them has."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin1").split("\r\n")
    kept = [line for line in lines if not line.lower().startswith(USUAL)]
    if len(first) > 400:
        first = f"{first[:60]}… ({len(first)} characters)"
    kept = [line if len(line) < 2000 else f"{line[:60]}… ({len(line)} characters)" for line in kept]
    text = body.decode("utf-8", "backslashreplace")
    shown_body = [text if len(text) < 4000 else f"{text[:60]}… ({len(text)} characters)"] if body else []
    return "\n".join(["> " + line for line in [first, *kept, *shown_body]])


def _lines(head: str) -> list[str]:
    """A status has no words here; the space before them is left out, since editors take it away."""
    first, *fields = head.split("\r\n")
    return [first.rstrip(), *fields]


def _shown_head(head: str, *, length: bool) -> str:
    """Without what every answer to `Connection: close` has; where it is missing, that is said."""
    lines = _lines(head)
    rest = [line for line in lines if not line.lower().startswith(("date:", "connection: close"))]
    missing = ["(without date or close)"] if len(lines) - len(rest) < 2 else []
    return "\n".join([*(line for line in rest if length or not line.lower().startswith("content-length")), *missing])


def _body(answer: Answer) -> str:
    """A line's carriage return and a byte order mark are shown, which nobody would see."""
    text = answer.body.decode("utf-8", "backslashreplace").replace("\r", "␍").replace("\ufeff", "<BOM>")
    return ("\n" + text if text else "") + ("" if answer.whole else "\n(broken off)")


def body_of(value: object) -> bytes:
    return value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def request(
    method: str, path: str, body: object = None, *, who: str = "", port: int, **headers: str
) -> bytes:  # fmt: skip
    """`who` is a header's whole line. Underscores in the names of headers are hyphens."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}:{port}", *([who] if who else []), "Connection: close"]
    content = b""
    if body is not None:
        content = body_of(body)
        headers = {"Content_Type": "application/json", **headers, "Content_Length": str(len(content))}
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + content
