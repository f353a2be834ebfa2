"""The shapes of the JSON answers, for /openapi.json."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from ..orders.drafts import MAX_BATCH, Draft


class Credentials(BaseModel):
    username: str = Field(min_length=1, max_length=1000)
    password: str = Field(min_length=1, max_length=1000, description="Contraseña o PIN, de 4 caracteres o más")


class SessionInfo(BaseModel):
    usuario_id: int | None
    username: str
    rol: str
    expira: str | None = Field(description="ISO 8601; null para un token")


class Person(BaseModel):
    username: str
    rol: str


class People(RootModel[list[Person]]):
    pass


class Batch(BaseModel):
    eventos: list[Draft] = Field(min_length=1, max_length=MAX_BATCH)


class Publication(BaseModel):
    """One event answers with `id`, `cursor`, `duplicado`; a batch with `ids`, `duplicados`, `cursor`."""

    cursor: str
    id: int | None = None
    duplicado: bool | None = None
    ids: list[int] | None = None
    duplicados: list[bool] | None = None


class Rehearsal(BaseModel):
    """What `?ensayo=1` answers: the events as they would be appended, their orders after them."""

    eventos: list[dict[str, Any]]
    pedidos: list[dict[str, Any]]
    duplicado: bool


class Poll(BaseModel):
    eventos: list[dict[str, Any]]
    total: int
    timestamp: str
    cursor: str
    hay_mas: bool
    siguiente_ms: int
    sin_central_desde: str | None = None
    resincronizar: dict[str, Any] | None = None


class Snapshot(BaseModel):
    pedidos: list[dict[str, Any]]
    cursor: str
    hora_servidor: str
    alarmas: list[dict[str, Any]]
    version: str = Field(description="la de los archivos de las páginas")


class OrderHistory(BaseModel):
    pedido: dict[str, Any]
    eventos: list[dict[str, Any]]


class OrderDone(BaseModel):
    pedido: dict[str, Any]
    evento_id: int
    duplicado: bool


class ActionDone(OrderDone):
    evento_ids: list[int]


class ProductAnswer(BaseModel):
    id: int
    nombre: str
    categoria: str | None
    precio: float | None = Field(None, description="con impuesto; la cocina no lo ve")
    stock_actual: float | None = Field(description="null: no se cuenta")
    stock_minimo: float | None
    disponible: bool
    id_pos: int | None = Field(description="como lo llama la caja en sus eventos")
    oculto: bool = Field(description="no está en el menú")


class Menu(BaseModel):
    productos: list[ProductAnswer]


class ImportedProduct(ProductAnswer):
    id: int | None = Field(description="null: uno nuevo, en un ensayo")  # type: ignore[assignment]


class MenuChange(BaseModel):
    fila: int = Field(description="como la numera la hoja de cálculo")
    tipo: Literal["nuevo", "cambia"]
    producto: ImportedProduct = Field(description="como queda")
    antes: dict[str, Any] = Field(description="lo que cambia, como era")


class MenuFault(BaseModel):
    fila: int | None = Field(description="null: el archivo entero")
    columna: str | None
    mensaje: str


class MenuImport(BaseModel):
    filas: int
    nuevos: int
    cambian: int
    iguales: int
    huella: str = Field(description="de estos cambios; con ella no se aplican otros")
    cambios: list[MenuChange]
    errores: list[MenuFault]


class MenuImportQuery(BaseModel):
    ensayo: Literal["1"] | None = Field(None, description="solo dice qué cambiaría")
    huella: str | None = Field(None, description="la de un ensayo")


class DayQuery(BaseModel):
    dia: str | None = Field(None, description="AAAA-MM-DD; hoy si falta", json_schema_extra={"format": "date"})


class Spread(BaseModel):
    medidos: int = Field(description="de cuántos pedidos")
    mediana: int | None = Field(description="segundos")
    p90: int | None = Field(description="segundos: nueve de diez no tardaron más")


class LateShare(BaseModel):
    medidos: int
    tarde: int
    porcentaje: float | None


class HourFigures(LateShare):
    hora: str
    pedidos: int


class DishFigures(BaseModel):
    producto_id: int | None
    producto_nombre: str | None
    cantidad: float
    cocina: int | None = Field(description="mediana en segundos")


class TakenOff(BaseModel):
    usuario_id: int | None
    username: str | None
    lineas: int = Field(description="veces que quitó platos ya hechos de una cuenta")
    importe: float


class FiguresAnswer(BaseModel):
    dia: str
    desde: str
    hasta: str
    hora_servidor: str
    cursor: str
    tarde_segundos: int
    abiertos: dict[str, int] = Field(description="por estado, ahora")
    pedidos: int
    ventas: float | None
    cancelados: int
    recuperados: int
    quitados: list[TakenOff] = Field(description="platos ya hechos que salieron de la cuenta, por quién")
    espera: Spread
    cocina: Spread
    recogida: Spread
    en_total: Spread
    tarde: LateShare
    por_hora: list[HourFigures]
    productos: list[DishFigures]


class WaiterAnswer(BaseModel):
    usuario_id: int
    username: str
    rol: str
    conectado: bool = Field(description="tiene ahora una pantalla de meseros")


class Waiters(BaseModel):
    meseros: list[WaiterAnswer]


class Connections(BaseModel):
    total_conexiones: int
    por_rol: dict[str, int]
    conexiones: list[dict[str, Any]]
    sin_respuesta: list[int] | None = Field(None, description="con varios procesos: los que no contestaron")


class Ready(BaseModel):
    estado: str
    detalle: str | None = None
    nodo: str | None = None


class Alive(BaseModel):
    estado: str
    version: str = Field(description="la de los archivos de las páginas")
    sin_central_desde: str | None = None


class NotReady(Ready):
    """The service cannot take publications now."""


class ErrorBody(BaseModel):
    """`campos` maps a path in the body to what is wrong there. Some codes add fields of their own."""

    model_config = ConfigDict(extra="allow")

    codigo: str
    mensaje: str
    campos: dict[str, str] | None = None


class Error(BaseModel):
    error: ErrorBody


class PollQuery(BaseModel):
    cursor: str | None = None
    limite: int | None = Field(None, ge=1, le=500)
    espera: int | None = Field(None, ge=1, le=25, description="segundos")
    cliente: str | None = None


class ReadyQuery(BaseModel):
    nodo: str | None = Field(None, description="de este nodo solo, con cualquier valor")


class StreamQuery(BaseModel):
    cursor: str | None = None
    lastEventId: str | None = None
    last_event_id: str | None = None
    cliente: str | None = None


class ViewQuery(BaseModel):
    vista: Literal["cocina", "meseros", "cajeros", "todos"] | None = None
    todas: Literal["0", "1"] | None = Field(None, description="con vista=meseros o cajeros: todos los abiertos")


class ClientQuery(BaseModel):
    cliente: str = Field(description="el UUID de la pestaña")


class Subscription(BaseModel):
    pedido_id: int
    pedido: dict[str, Any] | None
    cursor: str


class Unsubscription(BaseModel):
    pedido_id: int


class ReceiptsBody(BaseModel):
    evento_ids: list[int] = Field(min_length=1, max_length=500)
    entendido: bool | None = None


class Receipt(BaseModel):
    ok: bool
    nuevos: int = Field(description="acuses que no se conocían")


class LogFilters(BaseModel):
    desde: str | None = Field(None, description="fecha o hora ISO 8601, inclusive")
    hasta: str | None = Field(None, description="fecha o hora ISO 8601, inclusive")
    dia: str | None = Field(None, description="día de trabajo, de 4 a 4 de la mañana")
    tipo: str | None = None
    asunto: str | None = Field(None, description="de qué trata: cancelado, recuperado, quitado o alarma")
    pedido_id: int | None = None
    numero: str | None = Field(None, description="el número del pedido, como lo ve la gente: C12")
    mesa: str | None = None
    usuario: str | None = Field(None, description="nombre o id")
    rol: str | None = None
    sala: str | None = None
    estado: str | None = Field(None, description="el estado al que el evento llevó el pedido")
    q: str | None = Field(None, description="texto en el JSON guardado, como LIKE de SQLite")
    desde_id: int | None = Field(None, description="solo los eventos después de este")


class LogQueryArguments(LogFilters):
    limite: int | None = Field(None, description="de 1 a 500")
    cursor: str | None = None
    orden: str | None = Field(None, description="desc (primero lo nuevo) o asc")


class DownloadQuery(LogFilters):
    separador: str | None = Field(None, description="del CSV: coma o punto_y_coma")
    descarga: str | None = Field(None, description="un UUID, para preguntar por el avance")


class LogTable(BaseModel):
    eventos: list[dict[str, Any]]
    descripciones: list[str] = Field(description="una frase por evento, en el mismo orden")
    numeros: list[int | str | None] = Field(description="el número del pedido de cada uno, como lo ve la gente")
    total: int = Field(description="cuántos pasan los filtros")
    cursor: str
    hay_mas: bool
    cabeza_id: int
    cabeza_hash: str


class DownloadProgress(BaseModel):
    descarga: str | None
    formato: str
    filas: int
    enviadas: int
    estado: str = Field(description="en_curso, completa o interrumpida")


class DownloadsAnswer(BaseModel):
    descargas: list[DownloadProgress]


class NtfyTopic(BaseModel):
    url: str
    tema: str


class PushInfo(BaseModel):
    activo: bool
    clave_publica: str | None = Field(description="base64url; null sin Web Push")
    vias: list[Literal["webpush", "ntfy"]]
    ntfy: NtfyTopic | None = None


class PushKeys(BaseModel):
    p256dh: str
    auth: str


class PushSubscriptionBody(BaseModel):
    endpoint: str = Field(max_length=1024)
    keys: PushKeys
    cliente: str | None = Field(None, description="el UUID del teléfono")


class PushSubscribed(BaseModel):
    suscripcion_id: int


class PushEndpoint(BaseModel):
    endpoint: str


class PushSeenBody(BaseModel):
    evento_ids: list[int] = Field(min_length=1, max_length=100)


class PushSeen(BaseModel):
    vistos: int


class PushDevice(BaseModel):
    suscripcion_id: int | None = Field(description="null: el tema de ntfy")
    username: str
    rol: str
    servicio: str
    desde: str
    ultimo_envio: str | None
    ultimo_error: str | None


class PushDevices(RootModel[list[PushDevice]]):
    pass
