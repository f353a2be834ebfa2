"""`create_app`: the wiring of the service, and what happens when it starts and stops."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from typing import Any

from quart import Blueprint, Quart, request
from quart_cors import cors
from quart_schema import APIKeySecurityScheme, HttpSecurityScheme, Info, QuartSchema

from .accounts.accounts import Accounts
from .alarms.watch import AlarmWatch
from .clock import Clock, system_clock
from .config import Config
from .delivery.connections import RESTART, Connections
from .delivery.downloads import Downloads
from .delivery.streams import Streams
from .figures.today import DayFigures
from .notifier import NotificadorPedidos
from .resources import package_version, resource
from .upkeep.retention import prune_every_day
from .web import (
    client_actions,
    client_sockets,
    errors,
    figures,
    health,
    log,
    notifications,
    orders,
    pages,
    polling,
    products,
    publishing,
    sign_in,
)
from .web.access import COOKIE, guard
from .web.http_connection import HttpConnection
from .web.metrics import Metrics
from .web.openapi import OpenApi
from .web.rate_limit import Buckets
from .web.security_headers import secure
from .web.services import EXTENSION, Services

# Polls that a client may ask for without a pause: pages that are opened and reloaded, a few lost answers.
POLL_BURST = 30


class NotificationApp(Quart):
    """`notifier` publishes from the same process; it is open while the application serves."""

    notifier: NotificadorPedidos

    async def end_connections(self) -> None:
        """Every stream says `reinicio` and ends, and every socket closes; for the server, before it closes what is
        left."""
        services: Services = self.extensions[EXTENSION]
        services.stopping = True
        services.connections.end_all(RESTART)
        services.notifier.end_waits()


class Documentation(QuartSchema):
    openapi_provider_class = OpenApi


def create_app(config: Config | None = None, *, clock: Clock = system_clock) -> NotificationApp:
    """The application. It opens its log when it starts to serve and closes it when it stops."""
    config = config or Config()
    app = NotificationApp(
        "pos_notif",
        static_folder=str(resource("static")),
        static_url_path="/static",
        template_folder=str(resource("templates")),
    )
    app.url_map.merge_slashes = False  # an unknown path is 404, not a redirect to a known one
    app.config["MAX_CONTENT_LENGTH"] = config.max_body_bytes
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    app.asgi_http_class = HttpConnection
    app.notifier = NotificadorPedidos(config=config, clock=clock)
    _document(app)
    _mount(app, config)
    errors.register(app)
    if config.origins:
        _share_api(app, config.origins)
    app.after_request(secure)
    app.while_serving(_serve(app, config, clock))
    assets = _assets_version()
    app.context_processor(lambda: {"restaurant_name": config.restaurant_name, "static_version": assets})
    return app


def _mount(app: NotificationApp, config: Config) -> None:
    api = Blueprint("api", __name__, url_prefix="/api")
    api.before_request(guard)
    for module in (sign_in, notifications, client_actions, polling, publishing, log, orders, products, figures):
        api.register_blueprint(module.blueprint)
    app.register_blueprint(api)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(pages.blueprint)
    client_sockets.register(app)


def _share_api(app: NotificationApp, origins: tuple[str, ...]) -> None:
    """CORS for these origins, on every answer under /api.

    quart-cors on the API's blueprint would miss what no view answers (404, 405), and on the application it would
    take the pages in and refuse websockets without an Origin: its hook is taken from a blueprint that serves nothing.
    """
    holder = cors(
        Blueprint("cors", __name__), allow_origin=list(origins), allow_credentials=True,
        allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID"],
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], expose_headers=["ETag", "Retry-After"],
        max_age=3600,
    )  # fmt: skip
    [hook] = holder.after_request_funcs[None]

    async def add_cors(response: Any) -> Any:
        return await app.ensure_async(hook)(response) if errors.is_api(request.path) else response

    app.after_request(add_cors)


def _serve(app: NotificationApp, config: Config, clock: Clock):  # type: ignore[no-untyped-def]
    async def lifetime() -> AsyncGenerator[None]:
        notifier = app.notifier
        await notifier.open()
        accounts = Accounts(notifier.database, clock, config.session_hours, notifier.counts)
        connections = Connections(accounts, config.max_connections, notifier.subscriptions)

        def accounts_may_have_changed() -> None:
            accounts.forget_known()
            connections.verify()

        accounts.on_change = connections.verify
        notifier.on_foreign_commit(accounts_may_have_changed)
        streams = Streams(notifier, connections)
        keeping = None
        if config.keep_days:
            keeping = asyncio.create_task(
                prune_every_day(
                    notifier.database, notifier.log, keep_days=config.keep_days, clock=clock, zone=notifier.zone
                ),
                name="retention",
            )
        alarms = AlarmWatch(notifier)
        alarms.start()
        downloads = Downloads(notifier, connections)
        services = app.extensions[EXTENSION] = Services(
            config,
            notifier,
            accounts,
            connections,
            streams,
            DayFigures(notifier),
            Metrics(notifier, connections, package_version()),
            downloads,
            poll_limit=Buckets(POLL_BURST, config.poll_rate),
            publish_limit=Buckets(max(1.0, config.publish_rate), config.publish_rate),
        )
        try:
            yield
        finally:
            await alarms.close()
            connections.end_all(RESTART)
            await connections.close()
            await downloads.close()
            if keeping is not None:
                keeping.cancel()
                await asyncio.gather(keeping, return_exceptions=True)
            if services.write_check is not None:
                await asyncio.gather(services.write_check, return_exceptions=True)
            accounts.close()
            await notifier.close()

    return lifetime


def _document(app: Quart) -> None:
    Documentation(
        app,
        info=Info(title="pos_notif", version=package_version(), description="Notificaciones en tiempo real"),
        openapi_path="/openapi.json",
        swagger_ui_path=None,  # ours, without a CDN: web/pages.py
        redoc_ui_path=None,
        scalar_ui_path=None,
        security_schemes={
            "token": HttpSecurityScheme(scheme="bearer"),
            "sesion": APIKeySecurityScheme(in_="cookie", name=COOKIE),
        },
        security=[{"token": []}, {"sesion": []}],
        conversion_preference="pydantic",
    )


def _assets_version() -> str:
    """Of what the pages load: a tablet that was open during an upgrade gets the new files at once."""
    digest = hashlib.sha256()
    for file in sorted(resource("static").rglob("*")):
        if file.is_file():
            digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
