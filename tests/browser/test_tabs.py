"""Many tabs of one browser: which of them have a stream, and what a tab is called that comes back.

The service is mostly played, with the page's clock in hand.
"""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Restaurant
from tests.browser.floor import COOK, MANAGER, WAITER, Floor
from tests.browser.test_client_library import BEGIN, Service, live, poll_answer
from tests.browser.tickets import order, ticket

pytestmark = pytest.mark.browser

# Each client of a page takes a place of its own, as each tab does.
CREATE_MORE = """
  window.modes = {};
  window.all = %s.map(function (name) {
    var client = new ClienteNotificaciones({rol: 'cocinero', usuario_id: 5});
    client.on('conexion', function (state) { modes[name] = state.modo + (state.sin_lugar ? ' sin lugar' : ''); });
    client.conectar();
    return client;
  });"""
GREET = "sources.forEach(function (s) { if (s.readyState === 0) { hello(s, 'e-10'); } });"
BEAT = "sources.forEach(function (s) { if (s.readyState === 1) { beat(s, 'e-10'); } });"
PLACES = "[1, 2, 3, 4].map(function (n) { return localStorage.getItem('notif:lugar::' + n); })"
OTHERS = (
    "[1, 2, 3, 4].forEach(function (n) {"
    "  localStorage.setItem('notif:lugar::' + n, (Date.now() - %d) + ' tab-' + n + '/0'); });"
)
# The system ends the page for its memory: nobody is told. Before the library is used.
UNSEEN_END = "window.addEventListener('pagehide', function (event) { event.stopImmediatePropagation(); }, true);"


@pytest.fixture
def service(page: Any) -> Service:
    service = Service(page).begin()
    service.poll(poll_answer("e-10"))
    return service


def connect(service: Service, *names: str) -> None:
    service.run(CREATE_MORE % list(names) + GREET)
    service.until(f"Object.keys(modes).length === {len(names)}")


def open_sources(service: Service) -> int:
    return service.run("return sources.filter(function (s) { return s.readyState !== 2; }).length;")


def tell(service: Service, number: int, value: str | None) -> None:
    """What another tab does with a place: its storage event comes with it."""
    service.run(
        f"var key = 'notif:lugar::{number}', value = {value or 'null'};"
        "if (value === null) { localStorage.removeItem(key); } else { localStorage.setItem(key, value); }"
        "window.dispatchEvent(new StorageEvent('storage', {key: key, newValue: value}));"
    )


def load_again(service: Service, seconds: int) -> None:
    """The page after its end, in the same tab, so long after the test began."""
    service.page.clock.set_system_time(BEGIN + 1 + seconds)
    service.page.goto("http://pos.test/")
    service.load()


def test_the_fifth_polls_and_says_so_until_a_place_is_free(service: Service) -> None:
    connect(service, "a", "b", "c", "d", "e")
    assert service.run("return modes;") == {**dict.fromkeys("abcd", "sse"), "e": "polling sin lugar"}
    assert open_sources(service) == 4
    for _ in range(6):
        service.run(BEAT)
        service.later(5_000)
        service.until("modes.e === 'polling sin lugar'")
        assert open_sources(service) == 4
    service.run(BEAT + "all[1].desconectar();")
    service.within(6_000, "sources[sources.length - 1].readyState === 0")
    service.run(GREET + BEAT)
    service.until("modes.e === 'sse'")
    assert open_sources(service) == 4


def test_ten_at_once_are_live_without_a_wait(service: Service) -> None:
    connect(service, *"abcdefghij")
    assert sorted(service.run("return modes;").values()) == ["polling sin lugar"] * 6 + ["sse"] * 4


def test_a_place_that_another_tab_gives_back_is_taken_at_once(service: Service) -> None:
    service.run(OTHERS % 0)
    connect(service, "e")
    assert service.run("return modes.e;") == "polling sin lugar"
    tell(service, 3, None)
    service.within(1_100, "sources.length === 1")


def test_whoever_says_nothing_for_fifteen_seconds_loses_its_place(service: Service) -> None:
    service.run(OTHERS % 0)
    connect(service, "e")
    service.later(14_000)
    assert service.sources == []
    service.within(8_000, "sources.length === 1")


def test_an_owner_with_slow_timers_is_asked_before_its_place_is_taken(service: Service) -> None:
    service.run(OTHERS % 60_000)
    service.run(
        "window.asked = 0; window.write = Storage.prototype.setItem;"
        "Storage.prototype.setItem = function (key, value) {"
        "  write.call(this, key, value);"
        "  if (key === 'notif:lugar::llamada') { asked++; [1, 2, 3, 4].forEach(function (n) {"
        "    write.call(localStorage, 'notif:lugar::' + n, Date.now() + ' tab-' + n + '/0'); }); } };"
    )
    connect(service, "e")
    service.later(14_000)
    assert service.run("return asked;") == 1
    assert service.sources == []


def test_who_is_asked_says_that_it_is_there(service: Service) -> None:
    connect(service, "a")
    mine = service.run(f"return {PLACES}.findIndex(Boolean) + 1;")
    tell(service, mine, f"(Date.now() - 60000) + ' ' + localStorage['notif:lugar::{mine}'].split(' ')[1]")
    assert service.run(f"return Date.now() - parseInt(localStorage['notif:lugar::{mine}'], 10);") == 0
    for _ in range(12):
        service.run(BEAT)
        service.later(5_000)
    assert service.run(f"return Date.now() - parseInt(localStorage['notif:lugar::{mine}'], 10);") <= 5_000


def test_of_two_that_took_one_place_the_first_goes_elsewhere(service: Service) -> None:
    connect(service, "a")
    mine = service.run(f"return {PLACES}.findIndex(Boolean) + 1;")
    for number in {1, 2, 3, 4} - {mine}:
        tell(service, number, "Date.now() + ' other/0'")
    assert open_sources(service) == 1
    tell(service, mine, "Date.now() + ' other/1'")
    assert open_sources(service) == 0
    service.until("modes.a === 'polling sin lugar'")


def test_a_page_that_the_system_ended_takes_its_own_place(service: Service) -> None:
    service.run(UNSEEN_END)
    connect(service, "a")
    mine = service.run(f"return {PLACES}.findIndex(Boolean) + 1;")
    owner = service.run(f"return {PLACES}[{mine - 1}].split(' ')[1];")
    load_again(service, 60)
    for number in {1, 2, 3, 4} - {mine}:
        tell(service, number, "Date.now() + ' other/0'")
    connect(service, "a")
    assert service.run("return modes.a;") == "sse"
    assert service.run(f"return {PLACES}[{mine - 1}].split(' ')[1];") == owner


@pytest.mark.parametrize("trouble", ["forbidden", "full"])
def test_where_nothing_can_be_kept_all_have_streams(service: Service, trouble: str) -> None:
    if trouble == "forbidden":
        service.run("Object.defineProperty(window, 'localStorage', {get: function () { throw new Error('no'); }});")
    else:
        service.run("Storage.prototype.setItem = function () { throw new Error('QuotaExceededError'); };")
    connect(service, *"abcdef")
    assert set(service.run("return modes;").values()) == {"sse"}


def test_leaving_the_page_gives_the_place_back(service: Service) -> None:
    connect(service, "a")
    service.run("window.dispatchEvent(new Event('pagehide'));")
    assert service.run(f"return {PLACES};") == [None] * 4
    service.run("window.dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}));")
    assert len([place for place in service.run(f"return {PLACES};") if place]) == 1
    service.until("sources.length === 2")


def test_a_place_taken_while_the_clock_was_wrong_lapses(service: Service) -> None:
    service.run(OTHERS % -100_000_000)
    connect(service, "e")
    service.within(1_100, "sources.length === 1")


# The tab's name


def name_of(service: Service) -> str:
    return service.run("return sessionStorage.getItem('notif:cliente');")


def come_back(service: Service, seconds: int) -> str:
    """Gives the tab's name."""
    load_again(service, seconds)
    live(service)
    return name_of(service)


@pytest.mark.parametrize(("seconds", "same"), [(3, False), (60, True), (-3_600, True), (400 * 86_400, True)])
def test_a_page_that_the_system_ended_comes_back_as_the_same_device(service: Service, seconds: int, same: bool) -> None:
    """Within seconds it may as well be a copy of a page that lives."""
    service.run(UNSEEN_END)
    live(service)
    before = name_of(service)
    assert (come_back(service, seconds) == before) is same


def test_a_page_that_is_loaded_again_keeps_its_name(service: Service) -> None:
    live(service)
    before = name_of(service)
    assert come_back(service, 1) == before


def test_the_mark_of_a_living_page_is_renewed(service: Service) -> None:
    live(service)
    for _ in range(10):
        service.later(7_000)
        assert service.run("return Date.now() - Number(sessionStorage.getItem('notif:vivo'));") <= 5_000


def test_a_page_whose_timers_are_slow_renews_its_mark_with_each_heartbeat(service: Service) -> None:
    live(service)
    service.page.clock.set_system_time(BEGIN + 60)
    service.run("sources[0].send('latido', {cursor: 'e-10', hora_servidor: '2026-11-24T19:06:12.345-06:00'});")
    assert service.run("return Date.now() - Number(sessionStorage.getItem('notif:vivo'));") == 0


# What the pages say


@pytest.mark.parametrize("width", [800, 1280])
@pytest.mark.parametrize(("path", "who"), [("/cocina", COOK), ("/pos", WAITER), ("/manager", MANAGER)])
def test_a_page_without_a_place_says_so(page: Any, floor: Floor, path: str, who: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.add_init_script(f"(function others() {{ {OTHERS % 0} window.others = setTimeout(others, 1000); }}());")
    floor.open(page, who, path, transport="polling")
    expect(page.locator("#conexion span:visible")).to_have_text("Con retraso: muchas pestañas abiertas")
    expect(page.locator("#banner")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") == width
    page.evaluate("clearTimeout(window.others); localStorage.clear();")
    with page.context.expect_page() as opened:
        page.evaluate("window.open('/static/js/sw.js')")
    opened.value.evaluate("localStorage.setItem('notif:lugar::1', ''); localStorage.removeItem('notif:lugar::1')")
    page.wait_for_selector("#conexion[data-modo=sse]")
    expect(page.locator("#conexion")).to_have_text("En vivo")


def test_what_gets_no_connection_under_a_live_stream_is_said(page: Any, make_server: Any) -> None:
    restaurant = Restaurant(make_server(heartbeat_seconds="0"))  # its first would be late by the page's clock
    page.clock.install()
    restaurant.sign_in(page)
    page.goto(restaurant.url + "/cocina")
    page.wait_for_selector("#conexion[data-modo=sse]")
    restaurant.publish(order(1))
    ticket(page, 1).wait_for()
    # Another program's page has the other five of the six.
    other = page.context.new_page()
    other.goto(restaurant.url + "/static/js/sw.js")
    other.evaluate(
        "window.sources = [1, 2, 3, 4, 5].map(() => new EventSource('/api/notificaciones/stream/cocinero'));"
        "Promise.all(sources.map(source => new Promise(done => source.addEventListener('hola', done)))).then(() => 1)"
    )
    # From now on time passes where the test says so.
    page.evaluate("globalThis.__pwClock.controller.pauseAt(Date.now() + 1000)")
    ticket(page, 1).locator(".ticket__do").click()
    page.clock.run_for(5_000)
    expect(page.locator("#banner")).to_be_hidden()
    page.clock.run_for(3_000)
    expect(page.locator("#banner")).to_contain_text("Lo que se envía no llega")
    expect(page.locator("#conexion")).to_have_attribute("data-modo", "sse")
    page.clock.resume()
    other.close()
    expect(page.locator("#banner")).to_be_hidden()
    page.wait_for_selector('[data-pedido-id="1"][data-estado=en_cocina]')
