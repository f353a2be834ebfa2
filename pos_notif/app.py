"""`create_app`: the wiring of the service, and what happens when it starts and stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from quart import Blueprint, Quart, Response, has_websocket_context, request, websocket
from quart_cors import cors
from quart_schema import APIKeySecurityScheme, HttpSecurityScheme, Info, QuartSchema

from .accounts.accounts import Accounts
from .alarms.watch import AlarmWatch
from .board import Board, LocalBoard
from .clock import Ticks, WallClock, system_clock, system_ticks
from .config import Config
from .database.locks import lock_file
from .delivery.connections import RESTART, Connections
from .delivery.downloads import Downloads
from .delivery.screens import Screens
from .delivery.streams import Streams
from .errors import EngineAway
from .figures.today import DayFigures
from .log.lead import Lead, LockLead
from .log.live import LiveLog
from .log.siblings import Siblings
from .notifier import NotificadorPedidos
from .push.extra import check_installed
from .resources import package_version, resource
from .upkeep.retention import prune_every_day
from .web import (
    client_actions,
    client_sockets,
    cluster,
    door,
    errors,
    figures,
    health,
    installed,
    log,
    orders,
    pages,
    polling,
    products,
    publishing,
    push,
    sign_in,
    state,
    stream,
    waiters,
)
from .web.access import COOKIE, guard, guard_answer
from .web.http_connection import HttpConnection
from .web.metrics import Metrics
from .web.openapi import OpenApi
from .web.rate_limit import Buckets
from .web.security_headers import secure
from .web.services import EXTENSION, Services
from .web.static_files import StaticFiles
from .web.together import Together

if TYPE_CHECKING:
    from .cluster.service import ClusterService
    from .push.push import Push

# What scripts of listed origins may send: our own headers, and those that their libraries add by themselves.
SHARED_HEADERS = [
    "Accept", "Authorization", "Cache-Control", "Content-Type", "Idempotency-Key", "If-None-Match", "Last-Event-ID",
    "Pragma", "X-Requested-With",
]  # fmt: skip
# Polls that a client may ask for without a pause: pages that are opened and reloaded, a few lost answers.
POLL_BURST = 30


class NotificationApp(Quart):
    """`notifier` publishes from the same process; it is open while the application serves."""

    asgi_http_class = HttpConnection

    def __init__(
        self,
        config: Config,
        clock: WallClock,
        ticks: Ticks,
        board: Board | None,
        siblings: Siblings | None,
        cluster: ClusterService | None,
    ) -> None:
        super().__init__(
            "pos_notif",
            static_folder=str(resource("static")),
            static_url_path="/static",
            template_folder=str(resource("templates")),
        )
        node = None
        if cluster is not None:
            clock, board, node = cluster.clock, cluster.board, cluster.node
        self.notifier = NotificadorPedidos(config=config, clock=clock, ticks=ticks, siblings=siblings, node=node)
        self.cluster = cluster
        self.board = board or LocalBoard(self.notifier.log.clocks)
        self.static_files = StaticFiles(resource("static"))

    async def send_static_file(self, filename: str) -> Response:
        return await self.static_files.send(filename)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Services]:
        """Starts the application for a server: it answers inside, and stops on the way out. Raises LogRefused where the
        log must not be used."""
        # Before Quart's own start, which would only log what it raises.
        await self.notifier.open()
        try:
            await self.startup()
        except BaseException:
            await self.notifier.close()  # its threads would keep the process alive
            raise
        try:
            services: Services = self.extensions[EXTENSION]
            yield services
        finally:
            await self.shutdown()

    async def end_connections(self) -> None:
        """Makes every stream say `reinicio` and end, every socket close, and every long poll answer. The server calls
        it before it closes what is left."""
        services: Services = self.extensions[EXTENSION]
        services.stopping = True
        services.connections.end_all(RESTART)
        services.log.end_waits()


class Documentation(QuartSchema):
    openapi_provider_class = OpenApi


def create_app(
    config: Config | None = None,
    *,
    clock: WallClock = system_clock,
    ticks: Ticks = system_ticks,
    board: Board | None = None,
    siblings: Siblings | None = None,
    cluster: ClusterService | None = None,
) -> NotificationApp:
    """Builds the application, which opens its log when it starts to serve and closes it when it stops. `clock` and
    `ticks` are what its two clocks read; `board` and `siblings` are for one of several processes of a service,
    `cluster` is for one of several nodes, and knows their time."""
    config = config or Config()
    if config.push_ways:
        check_installed()
    app = NotificationApp(config, clock, ticks, board, siblings, cluster)
    app.url_map.merge_slashes = False  # an unknown path is 404, not a redirect to a known one
    app.config["MAX_CONTENT_LENGTH"] = config.max_body_bytes
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 3600
    _document(app)
    door.register(app)
    if config.cluster:
        app.before_request(partial(_refuse_stopped, app.notifier))
        app.before_websocket(partial(_refuse_stopped, app.notifier))
    if siblings is not None:
        app.before_request(partial(_catch_up, app.notifier))
        app.before_websocket(partial(_catch_up, app.notifier))
    _mount(app, config)
    errors.register(app)
    if config.origins:
        _share_api(app, config.origins)
    app.after_request(secure)
    app.while_serving(partial(_serve, app, config))
    files = app.static_files
    named = {"restaurant_name": config.restaurant_name, "static_version": files.version, "together": files.together}
    named["pwa"] = config.pwa
    app.context_processor(lambda: named)
    return app


def _mount(app: NotificationApp, config: Config) -> None:
    api = Blueprint("api", __name__, url_prefix="/api")
    api.before_request(guard)
    api.after_request(guard_answer)
    modules = (
        sign_in,
        stream,
        state,
        client_actions,
        polling,
        publishing,
        log,
        orders,
        products,
        waiters,
        figures,
        push,
    )
    for module in modules:
        api.register_blueprint(module.blueprint)
    app.register_blueprint(api)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(cluster.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_blueprint(installed.blueprint)
    number = app.board.process
    # By it a request of a session finds the process in which that lives (`server/workers/passing.py`).
    client_sockets.register(app, config, f"{number}." if number is not None else "")


def _share_api(app: NotificationApp, origins: tuple[str, ...]) -> None:
    """Adds CORS headers for these origins to every answer under /api.

    quart-cors on the API's blueprint would miss what no view answers (404, 405), and on the application it would
    take the pages in and refuse websockets without an Origin: its hook is taken from a blueprint that serves nothing.
    """
    holder = cors(
        Blueprint("cors", __name__), allow_origin=list(origins), allow_credentials=True,
        allow_headers=SHARED_HEADERS,
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], expose_headers=["ETag", "Retry-After"],
        max_age=3600,
    )  # fmt: skip
    [hook] = holder.after_request_funcs[None]

    async def add_cors(response: Any) -> Any:
        return await app.ensure_async(hook)(response) if errors.is_api(request.path) else response

    app.after_request(add_cors)


async def _refuse_stopped(notifier: NotificadorPedidos) -> None:
    """Is called before each request: a node that has stopped shows nothing of what it has. Raises EngineAway."""
    asked = websocket if has_websocket_context() else request
    if notifier.log.stopped and asked.path not in errors.HEALTH_PATHS:
        raise EngineAway("Este nodo dejó de participar y no muestra datos viejos. Use otro nodo.")


async def _catch_up(notifier: NotificadorPedidos) -> None:
    """Is called before each request that is not answered from memory: what a sibling has told its client is known
    here."""
    if notifier.log.is_behind():
        await notifier.log.catch_up()


async def _serve(app: NotificationApp, config: Config) -> AsyncGenerator[None]:
    """Begins all that the service needs before its first request, and ends it in the opposite order after its last."""
    notifier = app.notifier
    async with AsyncExitStack() as stack:
        await notifier.open()
        stack.push_async_callback(notifier.close)
        app.extensions[EXTENSION] = await _begin(stack, app, config)
        yield


async def _begin(stack: AsyncExitStack, app: NotificationApp, config: Config) -> Services:
    notifier, board = app.notifier, app.board
    log, directory = notifier.log, notifier.directory
    accounts = Accounts(log.database, log.clocks, config.session_hours, log.counts, board, log.catch_up_with_nodes)
    stack.callback(accounts.close)
    connections = Connections(accounts, config.max_connections, log.subscriptions, directory)
    accounts.on_change(connections.verify)
    log.on_accounts_change(accounts.forget_known)
    log.on_accounts_change(connections.verify)
    downloads = Downloads(log, connections)
    poll_limit = Buckets(POLL_BURST, config.poll_rate)
    publish_limit = Buckets(max(1.0, config.publish_rate), config.publish_rate)
    screens = Screens(directory, board)
    limits = {"poll": poll_limit, "publish": publish_limit}
    push = _make_push(log, accounts) if config.push_ways else None
    together = Together(board, log, directory, screens, connections, downloads, limits, push)
    services = Services(
        config, log, notifier.publishing, directory, accounts, connections,
        Streams(log, directory, connections, app.static_files.version),
        DayFigures(log), Metrics(log, together, package_version(), app.cluster), downloads, together,
        poll_limit=poll_limit, publish_limit=publish_limit, cluster=app.cluster, push=push,
    )  # fmt: skip
    log.on_central(services.streams.tell_away)
    stack.push_async_callback(services.end_checks)
    together.start()
    lead = _begin_to_lead(stack, app)
    stack.push_async_callback(together.close)
    if app.cluster is not None or (config.keep_days and (log.siblings is None or log.siblings.first)):
        keeping = prune_every_day(
            log.database, log.store, keep_days=config.keep_days, cut_time=log.clock_check.cut_time, clocks=log.clocks,
            zone=log.zone, lead=lead if app.cluster is not None else None,
        )  # fmt: skip
        stack.push_async_callback(_cancel, asyncio.create_task(keeping, name="retention"))
    stack.push_async_callback(downloads.close)
    stack.push_async_callback(connections.close)
    stack.callback(connections.end_all, RESTART)
    log.on_central(partial(_end_where_stopped, log, connections))
    alarms = AlarmWatch(log, screens, lead)
    alarms.start()
    stack.push_async_callback(alarms.close)
    if push is not None:
        push.start(_lead_of_push(log) if app.cluster is None else lead)
        stack.push_async_callback(push.close)
    return services


def _make_push(log: LiveLog, accounts: Accounts) -> Push:
    from .push.push import Push  # its libraries are loaded by nobody who does not ask for it

    return Push(log, accounts)


def _lead_of_push(log: LiveLog) -> Lead:
    """Returns what says which of a service's processes rings phones; of a cluster's nodes the leader does."""
    lock = lock_file(log.database.path, "push")
    return LockLead(lock, may_be_taken=log.siblings is not None, what="notifications of phones")


def _end_where_stopped(log: LiveLog, connections: Connections) -> None:
    """Ends what is open at a node that has stopped."""
    if log.stopped:
        log.end_waits()
        connections.end_all(RESTART)


def _begin_to_lead(stack: AsyncExitStack, app: NotificationApp) -> Lead:
    """Begins what shares the log with others, and returns what says whether this process does what one does for all."""
    log, cluster = app.notifier.log, app.cluster
    if cluster is None:
        return LockLead(lock_file(log.database.path, "alarms"), may_be_taken=log.siblings is not None)
    stack.push_async_callback(cluster.end)
    return cluster.begin(log.database)


async def _cancel(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


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
