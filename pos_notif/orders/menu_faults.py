"""The columns of the menu's file, and what may be wrong with one, in the words of whoever is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .menu import MAX_NAME

Json = dict[str, Any]

NAME, CATEGORY, PRICE, STOCK, MINIMUM, AVAILABLE, HIDDEN, POS_ID = COLUMNS = (
    "nombre", "categoria", "precio", "stock_actual", "stock_minimo", "disponible", "oculto", "id_pos",
)  # fmt: skip
MAX_ROWS = 5000

# What may be wrong, to the manager and to the operator. `{}` is what was found.
_SAID = {
    "empty": ("está vacío", "is empty"),
    "spreadsheet": (
        "es una hoja de cálculo, no un CSV: guárdela como «CSV UTF-8»",
        "is a spreadsheet and no CSV: save it as CSV UTF-8",
    ),
    "binary": ("no es un texto: guárdelo como «CSV UTF-8»", "is no text: save it as CSV UTF-8"),
    "encoding": (
        "no es UTF-8 ni Windows-1252: guárdelo como «CSV UTF-8»",
        "is neither UTF-8 nor Windows-1252: save it as CSV UTF-8",
    ),
    "garbled": (
        "las tildes no se pueden leer ({}): guarde el archivo como «CSV UTF-8»",
        "its accents cannot be read ({}): save the file as CSV UTF-8",
    ),
    "quotes": ("hay unas comillas sin cerrar o mal puestas", "has a quote that is not closed, or is misplaced"),
    "long_cell": ("tiene una celda demasiado larga", "has a cell that is too long"),
    "rows": (f"pasa de {MAX_ROWS} platos", f"is beyond {MAX_ROWS} dishes"),
    "head": (
        "la primera fila debe nombrar las columnas: " + ", ".join(COLUMNS),
        "the first row must name the columns: " + ", ".join(COLUMNS),
    ),
    "unknown": ("no es una columna del menú", "is no column of the menu"),
    "twice": ("está dos veces", "is there twice"),
    "missing": ("falta", "is missing"),
    "more_cells": (
        "tiene más celdas que columnas; ¿una coma sin comillas?",
        "has more cells than there are columns: a comma without quotes?",
    ),
    "long": (f"tiene más de {MAX_NAME} caracteres", f"has more than {MAX_NAME} characters"),
    "number": ("no es un número: {}", "is no number: {}"),
    "thousands": (
        "no se sabe si {} lleva separador de miles: escríbalo sin él",
        "may have a separator of thousands, write it without: {}",
    ),
    "negative": ("debe ser 0 o más: {}", "must be 0 or more: {}"),
    "large": ("es demasiado grande: {}", "is too large: {}"),
    "id": ("no es un número entero de 1 a 2^53 − 1: {}", "is no whole number from 1 to 2^53 - 1: {}"),
    "truth": ("no es sí ni no: {}", "is neither sí nor no: {}"),
    "id_twice": ("es también el de la fila {}", "is that of row {} too"),
    "name_twice": (
        "es también el de la fila {}; los distingue un id_pos en ambas",
        "is that of row {} too; an id_pos in both would tell them apart",
    ),
    "name_taken": (
        "hay otro plato con ese nombre en el menú; los distingue un id_pos en ambos",
        "is the name of another dish of the menu; an id_pos of both would tell them apart",
    ),
    "ambiguous": (
        "hay {} platos con ese nombre en el menú: los distingue un id_pos en cada uno",
        "is the name of {} dishes of the menu: an id_pos of each would tell them apart",
    ),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a file. `row` is the spreadsheet's, the head's is 1; None where the whole file is at fault."""

    row: int | None
    column: str | None
    problem: str
    found: str = ""

    def json(self) -> Json:
        return {"fila": self.row, "columna": self.column, "mensaje": self.spanish}

    @property
    def spanish(self) -> str:
        return _SAID[self.problem][0].format(self.found)

    @property
    def english(self) -> str:
        return _SAID[self.problem][1].format(self.found)

    @property
    def path(self) -> str:
        """Names the place as a field of the body."""
        return ".".join(str(step) for step in (self.row, self.column) if step is not None)
