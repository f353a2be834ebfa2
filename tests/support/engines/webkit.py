"""WebKitGTK, Safari's engine, by its WebDriver: JSON over HTTP. Its browser needs a screen: Xvfb."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.ports import free_port
from tests.support.waiting import eventually

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key that WebDriver has for an element's reference
# Drawn by the processor, with nothing of a desktop around.
ENVIRONMENT = {
    "GSETTINGS_BACKEND": "memory",
    "LIBGL_ALWAYS_SOFTWARE": "1",
    "NO_AT_BRIDGE": "1",
    "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
}
SETTINGS = "[Settings]\ngtk-enable-animations=0\n"  # what pulses is painted sixty times a second, and nobody sees it


class WebKit:
    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._session = ""
        self._configuration = tempfile.mkdtemp(prefix="pos-notif-webkit-")
        for version in ("gtk-3.0", "gtk-4.0"):
            settings = Path(self._configuration, version, "settings.ini")
            settings.parent.mkdir()
            settings.write_text(SETTINGS, "utf-8")
        try:
            display = self._screen()
            self._port = free_port()
            own = {"DISPLAY": display, "XDG_CONFIG_HOME": self._configuration}
            self._start(["WebKitWebDriver", f"--port={self._port}"], {**os.environ, **ENVIRONMENT, **own})
            eventually(self._is_ready)
            options = {"binary": str(mini_browser()), "args": ["--automation"]}
            wanted = {"capabilities": {"alwaysMatch": {"webkitgtk:browserOptions": options}}}
            self._session = "/session/" + self._ask("POST", "/session", wanted)["sessionId"]
            self._first: str = self.call("GET", "/window")  # with the last window it would end
        except BaseException:
            self.close()
            raise

    def _start(self, command: list[str], environment: dict[str, str] | None = None, **options: Any) -> None:
        self._processes.append(
            subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                env=environment, **options,
            )
        )  # fmt: skip

    def _screen(self) -> str:
        """It finds a number that is free, and says it once it can be used."""
        said, says = os.pipe()
        with open(said, encoding="ascii") as number:
            try:
                command = ["Xvfb", "-displayfd", str(says), "-screen", "0", "1400x1400x24", "-nolisten", "tcp"]
                self._start(command, pass_fds=[says])
            finally:
                os.close(says)
            return f":{number.readline().strip()}"

    def _is_ready(self) -> bool:
        try:
            return bool(self._ask("GET", "/status")["ready"])
        except OSError:
            return False

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return self._ask(method, self._session + path, body)

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body or {}).encode() if method == "POST" else None
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}{path}", data, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(f"{method} {path}: {error.read().decode()}") from None

    def tab(self) -> WebKitTab:
        """In a window of its own: MiniBrowser leaves a new tab behind the others, where nobody sees it."""
        return WebKitTab(self, self.call("POST", "/window/new", {"type": "window"})["handle"])

    def fresh(self) -> None:
        for handle in self.call("GET", "/window/handles"):
            self.call("POST", "/window", {"handle": handle})
            if handle != self._first:
                self.call("DELETE", "/cookie")
                self.call("DELETE", "/window")
        self.call("POST", "/window", {"handle": self._first})

    def close(self) -> None:
        if self._session:
            with contextlib.suppress(Exception):
                self.call("DELETE", "")
        for process in reversed(self._processes):
            process.terminate()
            process.wait(30)
        shutil.rmtree(self._configuration, ignore_errors=True)


class WebKitTab:
    def __init__(self, webkit: WebKit, handle: str) -> None:
        self._webkit = webkit
        self._handle = handle

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        self._webkit.call("POST", "/window", {"handle": self._handle})
        return self._webkit.call(method, path, body)

    def goto(self, url: str) -> None:
        self._call("POST", "/url", {"url": url})

    def back(self) -> None:
        self._call("POST", "/back")

    def run(self, script: str) -> Any:
        return self._call("POST", "/execute/sync", {"script": script, "args": []})

    def tap(self, selector: str) -> None:
        self._call("POST", f"/element/{self._element(selector)}/click")

    def write(self, selector: str, text: str) -> None:
        self._call("POST", f"/element/{self._element(selector)}/value", {"text": text})

    def _element(self, selector: str) -> str:
        found: str = self._call("POST", "/element", {"using": "css selector", "value": selector})[ELEMENT]
        return found

    def size(self, width: int, height: int) -> None:
        """The window has the browser's bars too, which are as high as they are, and no window is narrower than they."""
        asked = None
        for _ in range(3):
            inner = self.run("return [window.innerWidth, window.innerHeight];")
            if inner == [width, height]:
                return
            outer = self._call("GET", "/window/rect")
            wanted = (outer["width"] + width - inner[0], outer["height"] + height - inner[1])
            if wanted == asked:
                return
            asked = wanted
            self._call("POST", "/window/rect", {"x": 0, "y": 0, "width": wanted[0], "height": wanted[1]})
            eventually(lambda before=inner: self.run("return [window.innerWidth, window.innerHeight];") != before)

    def close(self) -> None:
        self._call("DELETE", "/window")


def mini_browser() -> Path:
    """Its package keeps it out of the PATH."""

    def found() -> Iterator[Path]:
        for libraries in (Path("/usr/lib"), Path("/usr/libexec")):
            yield from sorted(libraries.glob("**/webkit2gtk-4*/MiniBrowser"))

    return next(found())
