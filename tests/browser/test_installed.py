"""Installed pages: what a browser asks of them, the last board where the service does not answer, and what the service
worker touches."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import expect

from pos_notif.resources import PACKAGE, resource
from tests.browser.conftest import Restaurant
from tests.browser.floor import COOK, MANAGER, PIN, WAITER, Floor
from tests.browser.network import Network
from tests.browser.proxies import Proxy
from tests.browser.tickets import end_session_of, ids, item, order, until
from tests.support.chromium import PATIENCE_MS, WHOLE
from tests.support.live_server import LiveServer

pytestmark = pytest.mark.browser

PAGES = ("cocina", "pos", "caja", "manager")
KEPT = """() => new Promise(done => {
  const opening = indexedDB.open('pos_notif', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('tablero');
  opening.onsuccess = () => {
    const all = opening.result.transaction('tablero').objectStore('tablero').getAll();
    all.onsuccess = () => { opening.result.close(); done(all.result); };
  };
})"""
CACHED = """async () => {
  const found = [];
  for (const name of await caches.keys()) {
    const requests = await (await caches.open(name)).keys();
    found.push([name, requests.map(request => new URL(request.url).pathname)]);
  }
  return found;
}"""
# What the worker answers itself, by its address.
SPY = """() => {
  self.answered = [];
  const answer = FetchEvent.prototype.respondWith;
  FetchEvent.prototype.respondWith = function (what) {
    self.answered.push(new URL(this.request.url).pathname);
    return answer.call(this, what);
  };
}"""
# For how long the worker waits, by its own clock.
NOTE_WAITS = """() => {
  const later = self.setTimeout;
  self.waits = [];
  self.setTimeout = (call, ms) => { self.waits.push(ms); return later(call, ms); };
}"""
# As in a browser that wakes it for everything, since it knows no `addRoutes`.
ASK = """paths => paths.forEach(path =>
  self.dispatchEvent(new FetchEvent('fetch', { request: new Request(path), cancelable: true })))"""
# A manager's answer to a tap, kept before the kitchen's own copy of it has come.
KEEP_WITH_MONEY = """() => new posNotif.Keeping(__notif, 'x', () => false).look([{ id: 9, revision: 1, pedido: {
  id: 9, version: 1, numero: 'C9', total: 5, subtotal: 5, metodo_pago: 'efectivo', telefono: '7', direccion: 'd',
  items: [{ id: 1, producto_nombre: 'Atol', precio: 5, precio_unitario: 5 }]
} }])"""


@pytest.fixture
def profile(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Opens a browser with a profile of its own, as it is on a device; in the other ones nothing can be installed."""
    opened = []

    def open_profile(*arguments: str, path: str | None = None, **options: Any) -> Any:
        context = browser.browser_type.launch_persistent_context(
            tmp_path / f"profile{len(opened)}", executable_path=path,
            args=["--no-sandbox", "--disable-gpu", *arguments],
            viewport={"width": 1280, "height": 800}, locale="es-SV", reduced_motion="reduce", **options,
        )  # fmt: skip
        context.set_default_timeout(PATIENCE_MS)
        opened.append(context)
        return context

    yield open_profile
    for context in opened:
        context.close()


@pytest.fixture
def shell_path(browser: Any) -> str:
    from tests.support.chromium import PATH

    assert PATH
    return PATH


def installed(page: Any) -> None:
    """The worker has all that it keeps, and answers for the page."""
    until(page, lambda: page.evaluate("!!(navigator.serviceWorker && navigator.serviceWorker.controller)"))


def kept(page: Any) -> Any:
    return page.evaluate(KEPT)


def keep(page: Any, board: Any, hours: float) -> None:
    """Of a time that is so far from now; a page that is left at once may not have written it."""
    put = "([board, hours]) => { const at = Date.now() + hours * 3600000; posNotif.kept.put(board, at); return at; }"
    at = page.evaluate(put, [board, hours])
    until(page, lambda: len(kept(page)) == 2 and at in kept(page))


def statuses(server: LiveServer, name: str) -> list[int]:
    return [server.request("GET", f"/{path}?pantalla={name}")[0] for path in ("app.webmanifest", "sin-conexion")]


def live(page: Any) -> None:
    page.wait_for_selector("body:not(.is-offline) #conexion[data-modo=sse]")


def test_a_browser_can_install_each_page_over_http_on_this_machine_and_over_https(
    profile: Any, make_server: Any, tmp_path: Path
) -> None:
    issued = trustme.CA().issue_cert("127.0.0.1")
    issued.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "whole.pem"))
    key = x509.load_pem_x509_certificate(issued.cert_chain_pems[0].bytes()).public_key()
    digest = hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    plain, secure = make_server(restaurant_name='Comedor "Ñ"'), make_server(certfile=str(tmp_path / "whole.pem"))
    context = profile(f"--ignore-certificate-errors-spki-list={base64.b64encode(digest).decode()}", path=WHOLE)
    page = context.pages[0]
    devtools = context.new_cdp_session(page)
    for server, url in ((plain, f"http://localhost:{plain.port}"), (secure, f"https://127.0.0.1:{secure.port}")):
        server.create_user(MANAGER, "manager", PIN)
        answer = context.request.post(
            f"{url}/api/auth/login", data={"username": MANAGER, "password": PIN}, ignore_https_errors=True
        )
        assert answer.status == 200
        for name in PAGES:
            page.goto(f"{url}/{name}")
            manifest = devtools.send("Page.getAppManifest")
            assert (manifest["errors"], manifest["url"]) == ([], f"{url}/app.webmanifest?pantalla={name}")
            assert manifest["manifest"]["startUrl"] == f"{url}/{name}"
            assert devtools.send("Page.getInstallabilityErrors") == {"installabilityErrors": []}, (url, name)
    assert plain.request("GET", "/app.webmanifest?pantalla=cocina")[2]["name"] == 'Comedor "Ñ" · Cocina'
    assert statuses(plain, "otra") == [404, 404]


def test_without_the_service_a_tablet_shows_its_last_board_and_goes_on_by_itself(
    profile: Any, restaurant: Restaurant, shell_path: str
) -> None:
    server, context = restaurant.server, profile(path=shell_path)
    page = context.pages[0]
    restaurant.publish(order(1, item(10, "Pupusa de queso", 2, precio_unitario=0.75), total=1.5), order(2))
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    installed(page)
    until(page, lambda: len(kept(page)) == 2)
    assert "Pupusa de queso" in str(kept(page))
    assert not re.search(r"precio|total|\b1\.5\b|\b0\.75\b", str(kept(page)))
    # Killed: the board that was there, with its age, to be read and not to be touched. At once: no wait ends here.
    (worker,) = context.service_workers
    worker.evaluate("() => { self.setTimeout = () => 0; }")
    server.kill()
    page.reload()
    expect(page.locator("#age")).to_have_text(re.compile(r"^Datos de hace \d+ s; no se sabe si hay pedidos nuevos$"))
    page.wait_for_selector(".is-offline [data-pedido-id='2']")
    assert ids(page) == [1, 2]
    assert page.locator("#columns button:not(:disabled)").count() == 0
    assert page.locator(".ticket__do:visible").count() == 0
    keep(page, None, -12 / 60)
    page.reload()
    expect(page.locator("#age")).to_have_text("Datos de hace 12 min; no se sabe si hay pedidos nuevos")
    # Back: the live page, without a hand, each order once.
    server.start()
    restaurant.publish(order(3))
    live(page)
    page.wait_for_selector("[data-pedido-id='3']")
    assert ids(page) == [1, 2, 3]
    # The other pages say no more than that there is no connection; /docs is not the worker's.
    server.kill()
    page.goto(restaurant.url + "/pos")
    expect(page.locator("h1")).to_have_text(re.compile("SIN CONEXIÓN"))
    assert kept(page) != []
    with pytest.raises(Exception, match="ERR_CONNECTION_REFUSED"):
        context.new_page().goto(restaurant.url + "/docs")
    # What is older than a shift is nobody's any more, and what is of a time to come.
    page.goto(restaurant.url + "/cocina")
    for hours in (-12.1, 1):
        keep(page, {"pedidos": [], "usuario_id": 1}, hours)
        page.reload()
        expect(page.locator("#board")).to_have_attribute("data-guardado", "false")
        until(page, lambda: kept(page) == [])


def test_a_service_that_hangs_is_waited_for_and_then_the_last_board_is_there(
    profile: Any, restaurant: Restaurant, shell_path: str
) -> None:
    context = profile(path=shell_path)
    page = context.pages[0]
    restaurant.publish(order(1))
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    installed(page)
    until(page, lambda: len(kept(page)) == 2)
    process = restaurant.server.process
    assert process is not None
    process.send_signal(signal.SIGSTOP)  # connections are taken still, and nothing is answered
    (worker,) = context.service_workers
    worker.evaluate(NOTE_WAITS)
    began = time.monotonic()
    page.reload()
    page.wait_for_selector(".is-offline [data-pedido-id='1']")
    assert time.monotonic() - began >= 4  # a service that is slow has so long, or its page would never come
    assert worker.evaluate("waits")[0] < 5000  # and the board is there after five seconds, on a machine that has time
    process.send_signal(signal.SIGCONT)
    live(page)
    assert ids(page) == [1]


def test_a_board_of_more_than_two_mebibytes_is_not_kept_nor_is_the_one_before_it(page: Any, floor: Floor) -> None:
    """In two bytes a letter. Nothing is better than a board that lacks orders."""
    floor.open(page, WAITER, "/pos")  # where nothing else keeps one
    put = "length => posNotif.kept.put({usuario_id: 1, x: 'x'.repeat(length)}, Date.now())"
    letters = 1024 * 1024 - len('{"usuario_id":1,"x":""}')
    page.evaluate(put, letters)
    until(page, lambda: [len(str(each)) for each in kept(page)] == [13, 1024 * 1024])
    page.evaluate(put, letters + 1)
    until(page, lambda: kept(page) == [])
    page.evaluate(put, 1)
    until(page, lambda: len(kept(page)) == 2)


def test_nothing_of_who_has_left_is_shown_to_the_next_one(profile: Any, floor: Floor, shell_path: str) -> None:
    context = profile(path=shell_path)
    page = floor.open(context.pages[0], COOK, "/cocina")
    floor.place()
    installed(page)
    until(page, lambda: "Pupusa" in str(kept(page)))
    page.goto(floor.url + "/")
    page.click("#logout")
    page.wait_for_url("**/login*")
    assert kept(page) == []
    # Somebody else on the same tablet, without a sign-out between them.
    floor.open(page, COOK, "/cocina")
    until(page, lambda: "Pupusa" in str(kept(page)))
    floor.open(page, MANAGER, "/manager")
    until(page, lambda: kept(page) == [])
    floor.server.kill()
    page.goto(floor.url + "/cocina")
    expect(page.locator("#board")).to_have_attribute("data-guardado", "false")
    assert page.locator(".ticket").count() == 0
    floor.server.start()
    live(page)
    # A manager's answers have prices; what is kept has none. A session that ends takes it along.
    pedido = floor.place()
    page.locator(f'[data-pedido-id="{pedido["id"]}"] .ticket__do').click()
    until(page, lambda: '"estado":"en_cocina"' in str(kept(page)))
    assert not re.search("precio|subtotal|impuesto", str(kept(page)))
    page.evaluate(KEEP_WITH_MONEY)
    until(page, lambda: "Atol" in str(kept(page)))
    assert not re.search("precio|total|metodo_pago|telefono|direccion", str(kept(page)))
    end_session_of(page)
    until(page, lambda: kept(page) == [])


def test_the_worker_answers_pages_and_files_alone_and_can_be_taken_back(
    profile: Any, floor: Floor, shell_path: str
) -> None:
    context = profile(path=shell_path, accept_downloads=True)
    page = floor.open(context.pages[0], MANAGER, "/cocina")
    installed(page)
    (worker,) = context.service_workers
    worker.evaluate(SPY)
    page.reload()
    live(page)
    floor.place()
    page.wait_for_selector(".ticket")  # by the stream
    floor.open(page, MANAGER, "/manager/menu")
    page.wait_for_selector("#rows tr")
    with page.expect_download() as download:
        page.evaluate("location.href = '/api/productos/exportar'")
    assert "Horchata" in Path(download.value.path()).read_text("utf-8-sig")
    page.goto(floor.url + "/docs")
    worker.evaluate(ASK, ["/api/pedidos", "/api/auth/sesion", "/socket.io/?EIO=4&transport=polling", "/healthz"])
    answered = worker.evaluate("answered")
    assert {"/cocina", "/manager/menu", "/static/js/all.js"} <= set(answered)
    assert [path for path in answered if not re.match("/(cocina|manager/menu|static/.*)$", path)] == []
    ((version, files),) = page.evaluate(CACHED)
    assert version in page.content()
    assert not any(re.match("/(api|socket.io|cocina|manager)", path) for path in files)
    # The kill switch.
    floor.open(page, MANAGER, "/cocina")
    until(page, lambda: len(kept(page)) == 2)
    floor.server.settings["POS_NOTIF_PWA"] = "false"
    floor.server.restart()
    page.reload()
    live(page)
    until(page, lambda: page.evaluate("navigator.serviceWorker.getRegistrations().then(all => all.length)") == 0)
    assert page.evaluate("caches.keys()") == []
    until(page, lambda: page.evaluate("indexedDB.databases().then(all => all.length)") == 0)  # nobody waits for that
    assert page.locator("link[rel=manifest]").count() == 0
    assert statuses(floor.server, "cocina") == [404, 404]


@pytest.fixture
def network(restaurant: Restaurant) -> Iterator[Network]:
    with Network(restaurant.server.port) as network:
        restaurant.url = network.url
        yield network


def once_it_is_refused(page: Any, network: Network) -> None:
    """Until the worker has asked for a shell in vain; then it is answered, and the page's time passes to its next try.
    The page is not loaded anew for that."""
    until(page, lambda: network.refusals > 0)
    network.refused, network.refusals = b"", 0


@pytest.mark.parametrize("refused", [b"", b"/sin-conexion?"])
def test_after_an_upgrade_one_reload_has_only_the_new_files(
    profile: Any, restaurant: Restaurant, network: Network, shell_path: str, tmp_path: Path, refused: bytes
) -> None:
    """Also where the service cannot answer all that a worker asks for, the first time and at the upgrade."""
    context = profile(path=shell_path)
    page = context.pages[0]

    def is_so(condition: Callable[[], bool]) -> bool:
        if refused:
            page.clock.fast_forward(10_000)
        return condition()

    restaurant.sign_in(page)
    if refused:
        page.clock.install()
    network.refused = refused
    page.goto(restaurant.url + "/cocina")
    if refused:
        once_it_is_refused(page, network)
    until(page, lambda: is_so(lambda: page.evaluate("!!navigator.serviceWorker.controller")))
    old = page.get_attribute("body", "data-version")
    unwanted = shutil.ignore_patterns("__pycache__", "static", "templates")
    shutil.copytree(PACKAGE, tmp_path / "pos_notif", ignore=unwanted)
    for name in ("static", "templates"):
        shutil.copytree(resource(name), tmp_path / name)
    shutil.copy(resource("schema.sql"), tmp_path)
    with (tmp_path / "static" / "js" / "kitchen" / "page.js").open("a") as script:
        script.write("window.isNew = true;\n")
    restaurant.server.stop()
    newer = LiveServer(
        restaurant.server.database, {"PYTHONPATH": str(tmp_path)}, port=restaurant.server.port,
        command=[sys.executable, "-P", "-m", "pos_notif"],
    )  # fmt: skip
    newer.start()
    network.refused = refused
    try:
        page.reload()
        live(page)
        new = page.get_attribute("body", "data-version")
        assert new != old
        assert page.evaluate("window.isNew")
        loaded = page.evaluate("performance.getEntriesByType('resource').map(entry => entry.name)")
        assert old not in str(loaded)
        if refused:
            once_it_is_refused(page, network)
        until(page, lambda: is_so(lambda: [name for name, _ in page.evaluate(CACHED)] == [new]))
        newer.kill()
        page.reload()
        page.wait_for_selector(f'.is-offline[data-version="{new}"]')
    finally:
        newer.close()


def http_answer(status: str, body: str, *headers: str) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {len(body)}",
        "Content-Type: text/html",
        "Connection: close",
        *headers,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


PORTAL = http_answer("200 OK", "<h1>Hotel WiFi</h1>")


@pytest.mark.parametrize(
    "portal",
    [
        PORTAL,
        http_answer("404 Not Found", "<h1>Hotel WiFi</h1>"),
        http_answer("302 Found", "", "Location: /portal"),
    ],
    ids=["200", "404", "302"],
)
def test_no_strangers_answer_takes_the_last_boards_place(
    profile: Any, restaurant: Restaurant, shell_path: str, portal: bytes
) -> None:
    """A hotspot that wants to be signed in to, or a proxy that has lost the service."""
    page = profile(path=shell_path).pages[0]
    asked: list[str] = []

    def stranger(request: str) -> bytes:
        asked.append(request)
        return PORTAL if "/portal" in request else portal

    with Proxy(restaurant.server.port) as proxy:
        restaurant.url = proxy.url
        restaurant.publish(order(1))
        restaurant.sign_in(page)
        page.goto(proxy.url + "/cocina")
        live(page)
        installed(page)
        until(page, lambda: len(kept(page)) == 2)
        proxy.answers = stranger
        proxy.cut()
        page.reload()
        page.wait_for_selector(".is-offline [data-pedido-id='1']")
        shown = page.evaluate("performance.timeOrigin")
        asked.clear()
        # It has asked again, in vain, and asks once more: what came to the first was no reason to leave.
        until(page, lambda: len([request for request in asked if request.startswith("GET /cocina ")]) >= 2)
        assert page.evaluate("performance.timeOrigin") == shown
        assert page.locator(".is-offline [data-pedido-id='1']").is_visible()
        proxy.answers = lambda request: None
        live(page)
        # Who is sent to the sign-in page by the service itself gets there.
        page.context.clear_cookies()
        page.goto(proxy.url + "/cocina")
        page.wait_for_selector(".login")
