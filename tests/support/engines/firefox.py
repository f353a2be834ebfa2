"""Firefox by WebDriver BiDi: JSON over a websocket, which it opens itself."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.support.websocket_client import WsClient

# The service's pages are on this machine, and nothing else is asked for. No process is started before it is needed, and
# what pulses sixty times a second is not painted: nobody sees it.
PREFERENCES = {
    "app.normandy.enabled": False,
    "browser.newtab.preload": False,
    "browser.newtabpage.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.ipc.processPrelaunch.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
    "ui.prefersReducedMotion": 1,
}


class Firefox:
    def __init__(self, preferences: Mapping[str, Any] | None = None) -> None:
        self._profile = tempfile.mkdtemp(prefix="pos-notif-firefox-")
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});\n"
            for name, value in {**PREFERENCES, **(preferences or {})}.items()
        ]
        Path(self._profile, "user.js").write_text("".join(lines), "utf-8")
        self._process = subprocess.Popen(
            ["firefox-esr", "--headless", "--no-remote", "--profile", self._profile, "--remote-debugging-port", "0"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._socket: WsClient | None = None
        try:
            self._socket = WsClient(self._port(), "/session")
            self._calls = 0
            self.call("session.new", capabilities={})
            self._user = self.call("browser.createUserContext")["userContext"]
        except BaseException:
            self.close()
            raise

    def _port(self) -> int:
        """Reads what it says of itself, and goes on reading: a full pipe would stop it."""
        assert self._process.stderr is not None
        said = []
        for line in self._process.stderr:
            said.append(line)
            if found := re.search(r"WebDriver BiDi listening on ws://[^:]+:(\d+)", line):
                threading.Thread(target=self._process.stderr.read, daemon=True).start()
                return int(found[1])
        raise AssertionError("".join(said))

    def call(self, method: str, **parameters: Any) -> Any:
        assert self._socket is not None
        self._calls += 1
        self._socket.send(json.dumps({"id": self._calls, "method": method, "params": parameters}))
        while (answer := json.loads(self._socket.receive())).get("id") != self._calls:
            pass
        assert answer["type"] == "success", answer
        return answer["result"]

    def tab(self) -> FirefoxTab:
        return FirefoxTab(self, self.call("browsingContext.create", type="tab", userContext=self._user)["context"])

    def fresh(self) -> None:
        """A user context has its own cookies, and its tabs go with it."""
        self.call("browser.removeUserContext", userContext=self._user)
        self._user = self.call("browser.createUserContext")["userContext"]

    def close(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(Exception):
                self.call("browser.close")
            self._socket.socket.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()
        shutil.rmtree(self._profile, ignore_errors=True)


class FirefoxTab:
    def __init__(self, firefox: Firefox, context: str) -> None:
        self._firefox = firefox
        self._context = context

    def _call(self, method: str, **parameters: Any) -> Any:
        return self._firefox.call(method, context=self._context, **parameters)

    def goto(self, url: str) -> None:
        self._call("browsingContext.navigate", url=url, wait="complete")

    def back(self) -> None:
        self._call("browsingContext.traverseHistory", delta=-1)

    def run(self, script: str) -> Any:
        answer = self._firefox.call(
            "script.evaluate",
            expression=f"Promise.resolve((function () {{ {script} }})()).then(JSON.stringify)",
            target={"context": self._context},
            awaitPromise=True,
        )
        assert answer["type"] == "success", answer
        value = answer["result"].get("value")
        return None if value is None else json.loads(value)

    def tap(self, selector: str) -> None:
        self._act("mouse", "pointer", [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": {"type": "element", "element": self._node(selector)}},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ])  # fmt: skip

    def write(self, selector: str, text: str) -> None:
        self.tap(selector)
        self._act("keys", "key", [
            {"type": kind, "value": letter} for letter in text for kind in ("keyDown", "keyUp")
        ])  # fmt: skip

    def _act(self, device: str, kind: str, actions: list[dict[str, Any]]) -> None:
        self._call("input.performActions", actions=[{"type": kind, "id": device, "actions": actions}])

    def _node(self, selector: str) -> dict[str, str]:
        (node,) = self._call("browsingContext.locateNodes", locator={"type": "css", "value": selector})["nodes"]
        return {"sharedId": node["sharedId"]}

    def size(self, width: int, height: int) -> None:
        self._call("browsingContext.setViewport", viewport={"width": width, "height": height})

    def close(self) -> None:
        self._call("browsingContext.close")
