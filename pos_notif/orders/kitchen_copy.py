"""The kitchen's copy of an event or order: without money, tax and where a delivery goes, at any depth
(docs/protocol.md, section 2)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

# A trailing * hides every name that begins so.
HIDDEN_FIELDS = (
    "precio*",
    "subtotal",
    "total",
    "nuevo_total",
    "impuesto*",
    "iva*",
    "descuento*",
    "propina*",
    "metodo_pago",
    "pago*",
    "dte*",
    "nit",
    "nrc",
    "direccion",
    "telefono",
    "repartidor",
)


def kitchen_copier(extra_hidden: Iterable[str] = ()) -> Callable[[Any], Any]:
    """Returns a function that copies a JSON value without the hidden fields.

    Names are compared without regard to case: a publisher's own `Precio_Costo` is money too.
    """
    patterns = [
        re.escape(name.rstrip("*")) + (".*" if name.endswith("*") else "") for name in (*HIDDEN_FIELDS, *extra_hidden)
    ]
    hides = re.compile("|".join(patterns), re.IGNORECASE | re.DOTALL).fullmatch
    known: dict[str, bool] = {}

    def is_hidden(name: str) -> bool:
        hidden = known.get(name)
        if hidden is None:
            hidden = hides(name) is not None
            if len(known) < 1000:  # publishers choose the names: the memory for them is bounded
                known[name] = hidden
        return hidden

    def copy(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: copy(member) for name, member in value.items() if not is_hidden(name)}
        if isinstance(value, list):
            return [copy(member) for member in value]
        return value

    return copy
