"""The staff: cooks, waiters and the cashier move every open ticket on, and the kitchen runs out of things."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from .board import Board, Json, Person, one_of
from .menu import DRINKS, MENU, Dish

_METHODS = {"efectivo": 12, "tarjeta": 7, "otro": 1}
_RECALLS = ("Salió frío", "Falta el curtido", "Es de otra mesa", "Cliente pide más tostadas")
RECALL_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Step:
    """What happens next to an order, as it was at `version`, unless somebody else changes it before `due`."""

    version: int
    due: float
    drafts: tuple[Json, ...]


class Staff:
    """Decides by the board alone, so that orders of other publishers and of an earlier run are served too."""

    def __init__(self, crew: tuple[Person, ...], seed: int) -> None:
        self._crew = crew
        self._seed = seed
        self._steps: dict[int, Step] = {}
        self._pantry = Pantry(crew, seed)

    def act(self, board: Board, now: float) -> list[Json]:
        """What they do at `now`, as drafts of events. Call it with times that do not go back."""
        steps = {order["id"]: self._step(order, now) for order in board.orders}
        due = [order_id for order_id, step in steps.items() if step.due <= now]
        drafts = [draft for order_id in due for draft in steps[order_id].drafts]
        # A step that was taken is forgotten: were it refused, the order would be looked at anew.
        self._steps = {order_id: step for order_id, step in steps.items() if order_id not in due}
        return [*drafts, *self._pantry.act(board, now)]

    def _step(self, order: Json, now: float) -> Step:
        known = self._steps.get(order["id"])
        if known is not None and known.version == order["version"]:
            return known
        rng = Random(f"{self._seed}:staff:{order['id']}:{order['version']}")
        return next_step(order, rng, now, self._crew)


def next_step(order: Json, rng: Random, now: float, crew: tuple[Person, ...]) -> Step:
    """The next step of an open order."""
    match order["estado"]:
        case "pendiente_pago":
            wait, drafts = rng.uniform(10, 35), [_state(order, "pagado", _cashier(crew, rng), **_payment(rng))]
        case "pagado" | "en_mesa":
            wait, drafts = rng.uniform(4, 20), [_state(order, "en_cocina", _cook(crew, rng))]
        case "en_cocina":
            wait, drafts = _cooking(order, rng, _cook(crew, rng))
        case "listo" if rng.random() < RECALL_SHARE:
            recall = _state(order, "en_cocina", _cook(crew, rng), recuperado=True, razon=rng.choice(_RECALLS))
            wait, drafts = rng.uniform(5, 15), [recall]
        case "listo":
            wait, drafts = rng.uniform(8, 30), [_state(order, "servido", _server(order, crew, rng))]
        case _:
            # A takeaway was paid at the start; a table pays when it leaves.
            payment = {} if order.get("pagado_at") else _payment(rng)
            stay = rng.uniform(4, 10) if order.get("pagado_at") else rng.uniform(30, 90)
            wait, drafts = stay, [_state(order, "cerrado", _cashier(crew, rng), **payment)]
    return Step(order["version"], now + wait, tuple(drafts))


def _cooking(order: Json, rng: Random, cook: Person) -> tuple[float, list[Json]]:
    """One line gets ready, the drinks first; the last one makes the order ready."""
    pending = [line for line in order["items"] if line["estado_item"] == "pendiente"]
    drinks = [line for line in pending if line["categoria"] == DRINKS]
    if len(pending) <= 1:
        ready = [line for line in order["items"] if line["estado_item"] in ("pendiente", "listo")]
        return rng.uniform(15, 40), [_ready(order, ready, cook)]
    line = rng.choice(drinks or pending)
    item_ready = {
        "tipo": "item_modificado",
        "pedido_id": order["id"],
        "item_id": line["id"],
        "cambios": {"tipo_cambio": "item_listo", "producto_nombre": line["producto_nombre"]},
        "actor": cook.actor,
    }
    # A waiter may carry the drinks out now.
    partly = [{**_ready(order, [line], cook), "parcial": True}] if drinks else []
    return rng.uniform(8, 15) if drinks else rng.uniform(15, 40), [item_ready, *partly]


def _ready(order: Json, lines: list[Json], cook: Person) -> Json:
    return {
        "tipo": "pedido_listo",
        "pedido_id": order["id"],
        "items_listos": [line["producto_nombre"] for line in lines if line["producto_nombre"]],
        "items_listos_ids": [line["id"] for line in lines],
        "actor": cook.actor,
    }


def _state(order: Json, state: str, person: Person, **fields: object) -> Json:
    return {
        "tipo": "cambio_estado",
        "pedido_id": order["id"],
        "estado": state,
        "actor": person.actor,
        **fields,
    }


def _payment(rng: Random) -> dict[str, str]:
    return {"metodo_pago": rng.choices(list(_METHODS), list(_METHODS.values()))[0]}


def _cook(crew: tuple[Person, ...], rng: Random) -> Person:
    return one_of(crew, "cocinero", rng)


def _cashier(crew: tuple[Person, ...], rng: Random) -> Person:
    return one_of(crew, "cajero", rng)


def _server(order: Json, crew: tuple[Person, ...], rng: Random) -> Person:
    """Who took the order to the table; the cashier hands a takeaway over."""
    if order["tipo"] == "llevar":
        return _cashier(crew, rng)
    own = next((person for person in crew if person.username == order["mesero"]), None)
    return own or one_of(crew, "mesero", rng)


class Pantry:
    """One dish at a time runs low, is sold out, and is there again."""

    def __init__(self, crew: tuple[Person, ...], seed: int) -> None:
        self._crew = crew
        self._seed = seed
        self._alerts = 0
        self._dish: Dish = MENU[0]
        self._due = self._rng().uniform(20, 60)

    def act(self, board: Board, now: float) -> list[Json]:
        if now < self._due:
            return []
        rng = self._rng()
        match self._alerts % 3:
            case 0:
                self._dish = rng.choice(MENU)
                level, stock, wait = "bajo", rng.randint(2, 4), rng.uniform(20, 60)
            case 1:
                level, stock, wait = "agotado", 0, rng.uniform(60, 150)
            case _:
                level, stock, wait = "disponible", rng.randint(20, 40), rng.uniform(120, 300)
        self._alerts += 1
        self._due = now + wait
        return [self._alert(board, level, stock, rng)]

    def _alert(self, board: Board, level: str, stock: int, rng: Random) -> Json:
        waiting = [
            order["id"]
            for order in board.orders
            if any(
                line["producto_id"] == self._dish.id and line["estado_item"] == "pendiente" for line in order["items"]
            )
        ]
        return {
            "tipo": "alerta_stock",
            "producto_id": self._dish.id,
            "nombre": self._dish.name,
            "stock_actual": stock,
            "stock_minimo": 5,
            "nivel": level,
            "pedidos_afectados": [] if level == "disponible" else waiting,
            "actor": _cook(self._crew, rng).actor,
        }

    def _rng(self) -> Random:
        return Random(f"{self._seed}:stock:{self._alerts}")
