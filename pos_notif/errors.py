"""The domain's errors. They know no HTTP: `web/errors.py` maps each code to its status.

`code` and `message` travel on the wire and are Spanish; `fields` maps a path in the sent body
(`pedido.items.0.cantidad`) to what is wrong there; `extra` is merged into the error object. `for_operator` says in
English what an operator did wrong at the command line, where one can.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import Any


class DomainError(Exception):
    code = "error_interno"
    message = "Ocurrió un error inesperado."

    def __init__(
        self,
        message: str | None = None,
        *,
        fields: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
        for_operator: str | None = None,
    ) -> None:
        self.message = message or self.message
        self.for_operator = for_operator
        self.fields = dict(fields or {})
        self.extra = dict(extra or {})
        super().__init__(f"{self.code}: {self.message}")

    def told(self) -> dict[str, Any]:
        """Returns the error object that travels (docs/protocol.md, section 13)."""
        return {"codigo": self.code, "mensaje": self.message, **({"campos": self.fields} if self.fields else {})} | (
            self.extra
        )


class NotAuthenticated(DomainError):
    code, message = "no_autenticado", "Debe iniciar sesión."


class MalformedRequest(DomainError):
    code, message = "solicitud_invalida", "La solicitud no es válida."


class BadCredentials(DomainError):
    """`extra` says how many tries are left, as `intentos_restantes`; without any, `retry_after` is in whole seconds."""

    code, message = "credenciales_invalidas", "El usuario o el PIN no coinciden."
    retry_after: int | None = None

    def count(self, left: int, wait_seconds: float) -> None:
        """Says how many tries are left; where there is none, how long it takes until there is one again."""
        self.extra["intentos_restantes"] = left
        self.retry_after = None if left else max(1, ceil(wait_seconds))


class TryLater(DomainError):
    """`retry_after` is in seconds; on the wire it is a whole number of them."""

    def __init__(self, retry_after: float) -> None:
        self.retry_after = max(1, ceil(retry_after))
        super().__init__()


class TooManyAttempts(TryLater):
    code, message = "demasiados_intentos", "Demasiados intentos fallidos. Espere unos minutos."


class TooManyRequests(TryLater):
    code, message = "demasiadas_solicitudes", "Demasiadas solicitudes seguidas. Espere un momento."


class RoleNotAllowed(DomainError):
    code, message = "rol_no_permitido", "Su rol no permite esta operación."


class OriginNotAllowed(DomainError):
    code, message = "origen_no_permitido", "Esta página no tiene permiso para usar el servicio."


class NotFound(DomainError):
    code, message = "no_encontrado", "No existe."


class UnsupportedMediaType(DomainError):
    code, message = "tipo_no_soportado", "El cuerpo debe ser JSON (Content-Type: application/json)."


class TooLarge(DomainError):
    code, message = "demasiado_grande", "El contenido es demasiado grande."


class BadJson(DomainError):
    code, message = "json_invalido", "El cuerpo no es JSON válido."


class Invalid(DomainError):
    code, message = "datos_invalidos", "Hay campos que no son válidos."


class KeyReused(DomainError):
    code, message = "clave_reutilizada", "La clave de idempotencia ya se usó con otro contenido."


class OrderTooLarge(DomainError):
    code, message = "pedido_demasiado_grande", "El pedido es demasiado grande."


class OrderExists(DomainError):
    code, message = "pedido_existente", "Ya existe un pedido con ese número."


class InvalidTransition(DomainError):
    code, message = "transicion_invalida", "El pedido no puede pasar a ese estado."


class StaleVersion(DomainError):
    """`extra` holds the order as it is now, as `pedido`."""

    code, message = "version_obsoleta", "El pedido cambió mientras tanto. Revíselo e intente de nuevo."


class SoldOut(DomainError):
    code, message = "producto_agotado", "Ese plato se acabó."


class NodeNameTaken(DomainError):
    """Who joins a cluster has the name of a node that belongs to it already."""

    code, message = "nodo_en_conflicto", "Ya hay un nodo con ese nombre."


class MenuChanged(DomainError):
    code, message = "menu_cambiado", "El menú cambió mientras tanto; revise los cambios."


class TooManySubscriptions(DomainError):
    code, message = "demasiadas_suscripciones", "Este cliente ya sigue el máximo de pedidos."


class NoSubscription(DomainError):
    code, message = "sin_suscripcion", "Este teléfono no ha pedido avisos."


class UnknownAction(DomainError):
    """What a client sent on its socket is the name of nothing that it can do."""

    code, message = "evento_desconocido", "No existe esa acción."


class LogUnavailable(DomainError):
    """The log cannot be written now: nothing of the publication was kept, the caller may repeat it."""

    code = "registro_no_disponible"
    message = "El registro de eventos no está disponible. Intente de nuevo."

    @property
    def reason(self) -> str:
        """Returns in English why, for the operator."""
        return str(self.__cause__ or "it is being closed")


class EngineAway(LogUnavailable):
    """No engine orders the cluster's transactions now. What was asked for may have been done all the same: with its key
    it may be asked for again."""

    message = "La central no responde y no se sabe si quedó registrado. Repita con la misma clave."


class NoCapacity(DomainError):
    code, message = "sin_capacidad", "Hay demasiadas conexiones abiertas. Intente de nuevo en un momento."


class LogRefused(Exception):
    """A log file must not be opened: a newer version made it, it is not ours, or it is damaged. The message is English,
    for the operator."""


class ConfigurationError(Exception):
    """A setting cannot be used. The message is one line for the operator."""


class PortUnavailable(Exception):
    """The service cannot listen on an address or a port. The message is one line for the operator."""


class CommandFailed(Exception):
    """A command of the log's tools cannot do its work, or has found something wrong. The message is one line in
    English, for the operator."""


class Unsound(CommandFailed):
    """A log, or an exported one, is not sound. The message says the first thing that is wrong with it."""
