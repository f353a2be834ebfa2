"""What lets a browser install a page, and what it shows where the service does not answer (docs/protocol.md, section
11)."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from quart import Blueprint, Response, abort, render_template, request, url_for
from quart_schema import hide

from ..events import COOK, may_read
from ..resources import resource
from .pages import SCREENS, Screen, settings_of_a_board
from .services import services

blueprint = Blueprint("installed", __name__)
# Those that are installed; what else a manager has is reached from there.
_INSTALLED = {screen.installed: screen for screen in SCREENS if screen.url == f"/{screen.installed}"}
# The page's own ground, in its styles.
_DARK, _LIGHT = "#0A0C0E", "#F3F4F1"


@blueprint.get("/app.webmanifest")
@hide
async def manifest() -> Response:
    screen = _asked_screen()
    is_kitchen = screen.role == COOK
    color = _DARK if is_kitchen else _LIGHT
    display = ["fullscreen", "standalone"] if is_kitchen else ["standalone"]
    content = {
        "id": screen.url,
        "start_url": screen.url,
        "scope": "/",
        "name": f"{services().config.restaurant_name} · {screen.title}",
        "short_name": screen.title,
        "lang": "es-SV",
        "display": display[0],
        "display_override": display,
        **({"orientation": "landscape"} if is_kitchen else {}),
        "theme_color": color,
        "background_color": color,
        "icons": [_icon("192"), _icon("512"), _icon("512-maskable", "maskable")],
        "shortcuts": [
            {"name": other.title, "url": other.url}
            for other in SCREENS
            if other is not screen and may_read(screen.role, other.role)
        ],
    }
    body = json.dumps(content, ensure_ascii=False)
    return Response(body, headers={"Cache-Control": "no-cache"}, content_type="application/manifest+json")


@blueprint.get("/sin-conexion")
@hide
async def offline() -> Response:
    """Shows no person's data: the service worker keeps it for whoever opens the page."""
    screen = _asked_screen()
    template = "sin_conexion_cocina.html" if screen.role == COOK else "sin_conexion.html"
    body = await render_template(template, **settings_of_a_board())
    return Response(body, headers={"Cache-Control": "no-cache"}, content_type="text/html; charset=utf-8")


@blueprint.get("/sw.js")
@hide
async def service_worker() -> Response:
    """Stands at the root, since a service worker may speak for no page above its own address. It begins with what it is
    told: another version makes it another script, which browsers take for an upgrade."""
    told = {"version": services().streams.version, "pwa": services().config.pwa, "novedades": "Hay novedades"}
    script = await asyncio.to_thread(resource("static").joinpath("js", "sw.js").read_text, "utf-8")
    response = Response(f"self.posNotif = {json.dumps(told)};\n{script}", mimetype="text/javascript")
    response.headers["Cache-Control"] = "no-cache"
    await response.add_etag()
    await response.make_conditional(request)
    return response


def _asked_screen() -> Screen:
    """Returns the installed page that `?pantalla=` names. Raises NotFound."""
    screen = _INSTALLED.get(request.args.get("pantalla", ""))
    if screen is None or not services().config.pwa:
        abort(404)
    return screen


def _icon(name: str, purpose: str = "any") -> dict[str, Any]:
    size = name.split("-")[0]
    source = url_for("static", filename=f"icons/{name}.png", v=services().streams.version)
    return {"src": source, "sizes": f"{size}x{size}", "type": "image/png", "purpose": purpose}
