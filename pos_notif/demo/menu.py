"""What the demo's kitchen cooks: Salvadoran dishes, in US dollars with the 13 % IVA included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

TAX_RATE = 0.13


@dataclass(frozen=True, slots=True)
class Dish:
    id: int
    name: str
    category: str
    price: float
    allergens: frozenset[str] = frozenset()


_DAIRY = frozenset({"lácteos"})
_SEAFOOD = frozenset({"mariscos"})

_BY_CATEGORY: dict[str, tuple[tuple[str, float, frozenset[str]], ...]] = {
    "Pupusas": (
        ("Pupusa revuelta", 1.10, _DAIRY),
        ("Pupusa de queso", 1.00, _DAIRY),
        ("Pupusa de frijol con queso", 1.00, _DAIRY),
        ("Pupusa de frijol", 0.85, frozenset()),
        ("Pupusa de chicharrón", 1.10, frozenset()),
        ("Pupusa de queso con loroco", 1.25, _DAIRY),
        ("Pupusa de ayote", 0.95, frozenset()),
        ("Pupusa de mora con queso", 1.15, _DAIRY),
        ("Pupusa de jalapeño con queso", 1.20, _DAIRY),
        ("Pupusa de ajo con queso", 1.20, _DAIRY),
        ("Pupusa de pollo", 1.30, frozenset()),
        ("Pupusa de camarón con queso", 1.85, _DAIRY | _SEAFOOD),
        ("Pupusa de arroz revuelta", 1.20, _DAIRY),
        ("Pupusa loca", 3.75, _DAIRY),
    ),
    "Antojitos": (
        ("Yuca frita con chicharrón", 3.50, frozenset()),
        ("Yuca salcochada con pepescas", 3.25, _SEAFOOD),
        ("Plátano frito con crema y frijoles", 2.75, _DAIRY),
        ("Tamal de gallina", 1.75, frozenset()),
        ("Tamal de elote con crema", 1.60, _DAIRY),
        ("Tamal pisque", 1.50, frozenset()),
        ("Pastelitos de carne (4)", 2.50, frozenset()),
        ("Riguas con crema", 1.75, _DAIRY),
        ("Empanadas de plátano con leche (2)", 2.00, _DAIRY),
        ("Ensalada fresca", 2.50, frozenset()),
    ),
    "Sopas": (
        ("Sopa de res", 6.50, frozenset()),
        ("Sopa de gallina india", 7.25, frozenset()),
        ("Sopa de patas", 6.00, frozenset()),
        ("Mariscada", 9.95, _DAIRY | _SEAFOOD),
    ),
    "Platos fuertes": (
        ("Pollo asado con arroz y ensalada", 6.75, frozenset()),
        ("Carne asada con chirmol", 8.50, frozenset()),
        ("Pescado frito", 8.95, _SEAFOOD),
        ("Panes con pollo", 4.25, frozenset()),
        ("Gallo en chicha", 7.50, frozenset()),
        ("Plato típico", 4.95, _DAIRY),
    ),
    "Bebidas": (
        ("Horchata", 1.50, frozenset()),
        ("Atol de elote", 1.75, _DAIRY),
        ("Refresco de ensalada", 1.75, frozenset()),
        ("Refresco de tamarindo", 1.50, frozenset()),
        ("Chocolate caliente", 1.60, frozenset()),
        ("Café de olla", 1.25, frozenset()),
        ("Kolachampán", 1.25, frozenset()),
    ),
    "Postres": (
        ("Quesadilla salvadoreña", 1.75, _DAIRY),
        ("Torrejas en miel", 2.25, frozenset()),
        ("Leche poleada", 1.95, _DAIRY),
    ),
}  # fmt: skip
DRINKS = "Bebidas"

MENU = tuple(
    Dish(number, name, category, price, allergens)
    for number, (category, name, price, allergens) in enumerate(
        ((category, *dish) for category, dishes in _BY_CATEGORY.items() for dish in dishes), start=1
    )
)

_NOTES = {
    "Pupusas": ("SIN curtido", "SIN salsa", "Bien tostadas", "Curtido aparte", "Poco queso"),
    "Antojitos": ("SIN crema", "SIN chile", "Salsa aparte", "SIN curtido"),
    "Sopas": ("SIN cilantro", "Extra limón", "Arroz aparte"),
    "Platos fuertes": ("SIN cebolla", "Término medio", "Doble tortilla", "SIN chirmol"),
    "Bebidas": ("SIN hielo", "Poca azúcar"),
    "Postres": ("Para compartir", "Al final"),
}


def line_of(dish: Dish, line_id: int, quantity: int, note: str | None) -> dict[str, Any]:
    return {
        "id": line_id,
        "producto_id": dish.id,
        "producto_nombre": dish.name,
        "categoria": dish.category,
        "cantidad": quantity,
        "precio_unitario": dish.price,
        "subtotal": round(quantity * dish.price, 2),
        "notas": note,
    }


def choose_dish(rng: Random, sold_out: Iterable[int], *, drink: bool = False) -> Dish:
    """A dish that is there; every other one is a pupusa."""
    gone = set(sold_out)
    there = [dish for dish in MENU if dish.id not in gone and (dish.category == DRINKS) is drink]
    pupusas = [dish for dish in there if dish.category == "Pupusas"]
    return rng.choice(pupusas if pupusas and rng.random() < 0.5 else there)


def choose_quantity(rng: Random, dish: Dish) -> int:
    return rng.randint(2, 6) if dish.category == "Pupusas" else rng.choice((1, 1, 1, 2, 2, 3))


def choose_note(rng: Random, category: str, other_than: str | None = None) -> str:
    return rng.choice([note for note in _NOTES[category] if note != other_than])


def choose_allergy(rng: Random, dishes: Iterable[Dish]) -> str:
    """An allergy that none of the dishes contradicts: nobody orders a pupusa de queso and no dairy."""
    contained = frozenset[str]().union(*(dish.allergens for dish in dishes))
    return "ALERGIA: " + rng.choice([name for name in ("lácteos", "mariscos", "maní") if name not in contained])


def amounts(lines: Iterable[dict[str, Any]]) -> dict[str, float]:
    """Of lines whose prices include the tax, as a receipt splits them."""
    total = round(sum(line["subtotal"] for line in lines), 2)
    tax = round(total - total / (1 + TAX_RATE), 2)
    return {"subtotal": round(total - tax, 2), "impuesto": tax, "total": total}
