"""The people of a restaurant at work: a menu, orders that are placed and acted on, pages that are open."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from tests.support.live_server import LiveServer, with_accounts
from tests.support.sse_client import SseClient

WAITER, CASHIER, COOK, MANAGER = "Karla", "Marta", "juan.perez", "Ana"
PIN = "2468"
RED = "rgb(191, 47, 11)"  # of what is wrong, as a browser says it
MENU = {
    "Pupusa de queso": ("Pupusas", 1.0),
    "Pupusa revuelta": ("Pupusas", 1.25),
    "Yuca frita": ("Antojitos", 2.75),
    "Horchata": ("Bebidas", 1.5),
}


def people_read(timestamp: str) -> str:
    """A time on the wire as a person reads it: "7:05:12 p. m."."""
    hour = int(timestamp[11:13])
    return f"{hour % 12 or 12}{timestamp[13:19]} {'a. m.' if hour < 12 else 'p. m.'}"


class Floor:
    """A running service with a waiter, a cashier, a cook and a menu."""

    def __init__(self, server: LiveServer) -> None:
        self.server = server
        self.url = server.url
        self._keys: Iterator[int] = itertools.count(1)
        self._cookies: dict[str, str] = {}
        with_accounts(server.database, self._hire)
        self.products = {name: self._add(name, *rest)["id"] for name, rest in MENU.items()}

    async def _hire(self, accounts: Any) -> None:
        for username, role in ((WAITER, "mesero"), (CASHIER, "cajero"), (COOK, "cocinero"), (MANAGER, "manager")):
            await accounts.create_user(username, role, PIN)

    def _add(self, name: str, category: str, price: float) -> dict[str, Any]:
        return self.call("POST", "/api/productos", {"nombre": name, "categoria": category, "precio": price})

    def call(self, method: str, path: str, body: Any = None, who: str | None = None) -> dict[str, Any]:
        """By the person's session, or the manager's token. It must be accepted."""
        cookie = None
        if who is not None:
            if who not in self._cookies:
                self._cookies[who] = self.server.login(who, PIN)
            cookie = self._cookies[who]
        status, _, answer = self.server.request(method, path, body, cookie=cookie)
        assert status in (200, 201), answer
        return answer

    def forget_sessions(self) -> None:
        """They have ended: whoever acts next signs in anew."""
        self._cookies.clear()

    def place(self, who: str = WAITER, dishes: dict[str, int] | None = None, **fields: Any) -> dict[str, Any]:
        items = [
            {"producto_id": self.products[name], "cantidad": quantity}
            for name, quantity in (dishes or {"Pupusa de queso": 2}).items()
        ]
        kind = {"tipo": "mesa", "mesa_numero": 5} if "tipo" not in fields else {}
        body = {"operacion_id": f"prueba-{next(self._keys)}", "items": items, **kind, **fields}
        return self.call("POST", "/api/pedidos", body, who)["pedido"]

    def act(self, pedido: dict[str, Any], accion: str, who: str | None = None, **fields: Any) -> dict[str, Any]:
        body = {"accion": accion, "operacion_id": f"prueba-{next(self._keys)}", **fields}
        return self.call("POST", f"/api/pedidos/{pedido['id']}/acciones", body, who)["pedido"]

    def served(self, **fields: Any) -> dict[str, Any]:
        pedido = self.act(self.place(**fields), "listo")
        return self.act(pedido, "servir")

    def acknowledge(self, pedido: dict[str, Any]) -> None:
        """As a kitchen's tablet does that has drawn it."""
        ids = self.order(pedido["id"])["por_acusar"]
        self.call("POST", "/api/notificaciones/acuses", {"evento_ids": ids}, COOK)

    def kitchen_screen(self) -> SseClient:
        """A screen of the kitchen's that acknowledges nothing, until it is closed."""
        screen = SseClient(self.server, "cocinero", cookie=self.server.login(COOK, PIN))
        screen.next_event("hola")
        return screen

    def order(self, order_id: int) -> dict[str, Any]:
        return self.call("GET", f"/api/pedidos/{order_id}")["pedido"]

    def events(self, order_id: int) -> list[dict[str, Any]]:
        return self.call("GET", f"/api/pedidos/{order_id}")["eventos"]

    def orders(self) -> list[dict[str, Any]]:
        return self.call("GET", "/api/pedidos?vista=todos")["pedidos"]

    def sold_out(self, name: str) -> None:
        self.call("PATCH", f"/api/productos/{self.products[name]}", {"disponible": False})

    def open(
        self, page: Any, who: str, path: str, url: str | None = None, transport: str = "sse", ready: str | None = None
    ) -> Any:
        """`ready`: what is there once the page works, where it has no connection to show."""
        base = url or self.url
        answer = page.context.request.post(f"{base}/api/auth/login", data={"username": who, "password": PIN})
        assert answer.status == 200, answer.text()
        begin_shift(page, answer.json()["usuario_id"])
        page.goto(base + path)
        page.wait_for_selector(ready or f"#conexion[data-modo={transport}]")
        return page


def end_sessions(server: LiveServer) -> None:
    async def end(accounts: Any) -> None:
        for session in await accounts.list_sessions():
            await accounts.revoke_session(session["id"])

    with_accounts(server.database, end)


def begin_shift(page: Any, user_id: int) -> None:
    """The kitchen's board is uncovered, as after a reload of a page whose shift has been started."""
    # A page that says "no connection" is the browser's own, without storage.
    page.add_init_script(f"try {{ sessionStorage.setItem('notif:turno:{user_id}', 'si'); }} catch (e) {{}}")


def pass_time(page: Any, *, seconds: float) -> None:
    """Moves the page's idea of the server's time; its own clock would be corrected at once."""
    page.evaluate(
        "ms => { var now = posNotif.clock.now; posNotif.clock.now = function () { return now() + ms; }; }",
        seconds * 1000,
    )


def slow_time(*pages: Any) -> None:
    """So that a busy machine has more than five seconds to look at what is ready; `real_time` ends it."""
    for page in pages:
        page.evaluate(
            "() => { const now = posNotif.clock.now, begin = now(); window.rate = 0.1;"
            "  posNotif.clock.now = () => begin + (now() - begin) * window.rate; }"
        )


def real_time(*pages: Any) -> None:
    for page in pages:
        page.evaluate("window.rate = 1")


def hold_time(page: Any, moment: str, *, seconds: float) -> None:
    """The server's time stands still for the page, so long after a moment of the wire."""
    page.evaluate(
        "([iso, ms]) => { var at = Date.parse(iso) + ms; posNotif.clock.now = function () { return at; }; }",
        [moment, seconds * 1000],
    )


def keep_toasts(*pages: Any) -> None:
    """What is said goes by itself, which a busy test may not see."""
    for page in pages:
        page.evaluate("void (posNotif.Toast.prototype.say = function (text) { this._add(text, 'toast__item'); })")


def keep_offers(page: Any) -> None:
    """What was done can be taken back for a minute: in five seconds a busy machine may not get to it."""
    page.evaluate(
        "() => { const after = posNotif.clock.after;"
        "  posNotif.clock.after = (ms, call) => after(ms === posNotif.Undo.MS ? 60000 : ms, call); }"
    )


# What a person could not hit or read: [text, what is wrong].
MEASURE = """smallest => {
  function rgb(text) { return (text.match(/[\\d.]+/g) || []).map(Number); }
  function luminance(c) {
    var v = c.slice(0, 3).map(function (x) {
      return x / 255 <= 0.03928 ? x / 3294.6 : Math.pow((x / 255 + 0.055) / 1.055, 2.4);
    });
    return 0.2126 * v[0] + 0.7152 * v[1] + 0.0722 * v[2];
  }
  function ground(node) {
    for (; node; node = node.parentElement) {
      var c = rgb(getComputedStyle(node).backgroundColor);
      if (c.length === 3 || c[3] > 0) { return c; }
    }
    return [255, 255, 255];
  }
  function shown(node) { return node.offsetParent !== null || getComputedStyle(node).position === 'fixed'; }
  var wrong = [];
  document.querySelectorAll('a, button, input').forEach(function (node) {
    var box = (node.type === 'checkbox' ? node.labels[0] : node).getBoundingClientRect();
    if (!shown(node) || node.closest('.sr-only')) { return; }
    if (box.height < smallest - 0.1 || box.width < smallest - 0.1) {
      wrong.push([node.id || node.textContent, box.width + 'x' + box.height]);
    }
    if (box.right > innerWidth + 0.5 && !node.closest('.tabs')) {
      wrong.push([node.id || node.textContent, 'outside']);
    }
    if (!node.textContent.trim() && !node.getAttribute('aria-label') && !(node.labels && node.labels.length)) {
      wrong.push([node.outerHTML, 'has no name']);
    }
  });
  document.querySelectorAll('body *').forEach(function (node) {
    var own = Array.prototype.some.call(node.childNodes, function (c) { return c.nodeType === 3 && c.data.trim(); });
    if (!own || !shown(node) || node.closest('svg, noscript, script, style, .sr-only')) { return; }
    var a = luminance(rgb(getComputedStyle(node).color)), b = luminance(ground(node));
    var ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 5.7) { wrong.push([node.textContent, 'contrast ' + ratio.toFixed(2)]); }
    if (node.scrollWidth > node.clientWidth + 1 && getComputedStyle(node).overflow === 'visible' &&
        getComputedStyle(node).display !== 'inline') { wrong.push([node.textContent, 'overflows']); }
  });
  if (document.documentElement.scrollWidth > innerWidth) { wrong.push(['page', 'scrolls sideways']); }
  return wrong;
}"""


def unusable(page: Any, smallest: int = 48) -> list[list[str]]:
    """What is too small to hit, too faint to read, without a name, or outside the screen."""
    return page.evaluate(MEASURE, smallest)
