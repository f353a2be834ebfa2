"""The pages that people see, and the API's own documentation, which works without internet."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import quote

import openapi_ui_bundles.swagger_ui
from quart import Blueprint, Response, redirect, render_template, request, send_from_directory
from quart_schema import hide

from ..clock import BUSINESS_DAY_CUT_HOURS, iso
from ..errors import RoleNotAllowed
from ..events import CASHIER, COOK, MANAGER, STATE_WORD, TYPE_WORD, WAITER, may_read
from ..principal import Principal
from .access import authenticate
from .answers import names_of_files
from .services import services

blueprint = Blueprint("pages", __name__)


class Screen(NamedTuple):
    """A page that shows the room of `role` to whoever may read it; its title and text are the start page's."""

    url: str
    role: str
    title: str
    text: str
    template: str

    @property
    def installed(self) -> str:
        """Returns the name of the page that a browser installs from here."""
        return self.url.split("/")[1]


SCREENS = (
    Screen("/cocina", COOK, "Cocina", "Los pedidos por cocinar, en vivo", "cocina.html"),
    Screen("/pos", WAITER, "Mesero", "Tomar pedidos y entregar los que están listos", "pos.html"),
    Screen("/caja", CASHIER, "Caja", "Los pedidos por cobrar, con su total", "caja.html"),
    Screen(
        "/manager", MANAGER, "Encargado", "El día de un vistazo: pedidos, tiempos, dispositivos y existencias",
        "manager.html",
    ),
    Screen(
        "/manager/registro", MANAGER, "Registro", "Todo lo que pasó: buscarlo, contarlo y descargarlo", "registro.html"
    ),
    Screen("/manager/menu", MANAGER, "Menú", "Los platos, sus precios y lo que se acabó", "menu.html"),
)  # fmt: skip


def settings_of_a_board() -> dict[str, Any]:
    """Returns what a page must know to say how old an order may be, and what can be done with it."""
    config = services().config
    minutes = {name: f"{getattr(config, name):g}" for name in ("warn_minutes", "late_minutes", "ready_minutes")}
    return {"ack_seconds": f"{config.ack_seconds:g}", "kitchen_start": config.kitchen_start, **minutes}


def _serve_screen(screen: Screen) -> None:
    @blueprint.get(screen.url, endpoint=screen.template.removesuffix(".html"))
    @hide
    async def show() -> Any:
        who = await _signed_in_user()
        if who is None:
            return _to_login(_with_query(screen.url))
        if not may_read(who.role, screen.role):
            raise RoleNotAllowed("Esta pantalla no es para su usuario.")
        words = {"types": TYPE_WORD, "states": STATE_WORD}
        return await _page(screen.template, who, pantalla=screen.installed, **settings_of_a_board(), **words)


for _screen in SCREENS:
    _serve_screen(_screen)


@blueprint.get("/")
@hide
async def index() -> Any:
    who = await _signed_in_user()
    if who is None:
        return _to_login("/")
    pages = [screen._asdict() for screen in SCREENS if may_read(who.role, screen.role)]
    return await _page("index.html", who, pages=pages)


@blueprint.get("/login")
@hide
async def login() -> Any:
    target = _own_path(request.args.get("next", ""))
    who = await _signed_in_user()
    if who is not None:
        return redirect(target or _start_page(who))
    return await _page("login.html", None, next_url=target, login_names=services().config.login_names)


@blueprint.get("/docs")
@hide
async def api_documentation() -> Any:
    return await render_template("docs.html")


@blueprint.get("/docs/<path:name>")
@hide
async def api_documentation_file(name: str) -> Any:
    with names_of_files():
        return await send_from_directory(openapi_ui_bundles.swagger_ui.static_path, name)


@blueprint.get("/favicon.ico")
@hide
async def favicon() -> Any:
    return redirect("/static/favicon.svg", 301)


async def _page(template: str, who: Principal | None, **values: Any) -> Response:
    user = {"usuario_id": who.user_id, "username": who.username, "rol": who.role} if who is not None else None
    log = services().log
    ends = iso(log.clocks.told(who.expires_ms), log.zone) if who is not None and who.expires_ms is not None else ""
    known = {"usuario": user, "server_time": log.now(), "session_ends": ends, "day_cut_hours": BUSINESS_DAY_CUT_HOURS}
    body = await render_template(template, **known, **values)
    return Response(body, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


async def _signed_in_user() -> Principal | None:
    who = await authenticate()
    return who if who is not None and who.kind == "session" else None


def _start_page(who: Principal) -> str:
    """Returns the address of the role's own page."""
    return next(screen.url for screen in SCREENS if screen.role == who.role)


def _to_login(path: str) -> Any:
    return redirect(f"/login?next={quote(path)}")


def _with_query(path: str) -> str:
    """Returns the path as it was asked for: a tap on a notification names the order there."""
    query = request.query_string.decode("ascii", "replace")
    return _own_path(f"{path}?{query}") if query else path


def _own_path(target: str) -> str:
    """Returns a path of this service, or nothing: an address elsewhere would lend our name to a phisher's page."""
    safe = target.startswith("/") and not target.startswith("//") and "\\" not in target and target.isprintable()
    return target if safe else ""
