"""What the demo's restaurant sells: Salvadoran dishes, in US dollars with the 13 % IVA included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from .people import Json


@dataclass(frozen=True, slots=True)
class Dish:
    """A dish of the demo's menu. `stock` is how many there are at first, where they are counted."""

    name: str
    category: str
    price: float
    allergens: frozenset[str] = frozenset()
    stock: int | None = None

    @property
    def product(self) -> Json:
        """Returns the dish as the service's menu takes it."""
        counted = {"stock_actual": self.stock, "stock_minimo": LOW_STOCK} if self.stock is not None else {}
        return {"nombre": self.name, "categoria": self.category, "precio": self.price, **counted}


LOW_STOCK = 5
RESTOCKED = (20, 40)
DRINKS = "Bebidas"
_PUPUSAS, _SNACKS, _SOUPS, _MAINS, _SWEETS = "Pupusas", "Antojitos", "Sopas", "Platos fuertes", "Postres"
_DAIRY = frozenset({"lácteos"})
_SEAFOOD = frozenset({"mariscos"})

MENU = (
    Dish("Pupusa revuelta", _PUPUSAS, 1.10, _DAIRY),
    Dish("Pupusa de queso", _PUPUSAS, 1.00, _DAIRY),
    Dish("Pupusa de frijol con queso", _PUPUSAS, 1.00, _DAIRY),
    Dish("Pupusa de chicharrón", _PUPUSAS, 1.10, stock=24),
    Dish("Pupusa de loroco", _PUPUSAS, 1.25, _DAIRY, stock=10),
    Dish("Pupusa de ayote", _PUPUSAS, 0.95),
    Dish("Pupusa de ajo con queso", _PUPUSAS, 1.20, _DAIRY),
    Dish("Pupusa de camarón", _PUPUSAS, 1.85, _DAIRY | _SEAFOOD, stock=12),
    Dish("Pupusa loca", _PUPUSAS, 3.75, _DAIRY),
    Dish("Yuca frita con chicharrón", _SNACKS, 3.50),
    Dish("Plátano frito con crema", _SNACKS, 2.75, _DAIRY),
    Dish("Tamal de gallina", _SNACKS, 1.75, stock=12),
    Dish("Tamal de elote con crema", _SNACKS, 1.60, _DAIRY),
    Dish("Pastelitos de carne (4)", _SNACKS, 2.50),
    Dish("Ensalada fresca", _SNACKS, 2.50),
    Dish("Sopa de res", _SOUPS, 6.50),
    Dish("Sopa de gallina india", _SOUPS, 7.25, stock=9),
    Dish("Mariscada", _SOUPS, 9.95, _DAIRY | _SEAFOOD, stock=6),
    Dish("Pollo asado con arroz y ensalada", _MAINS, 6.75),
    Dish("Carne asada con chirmol", _MAINS, 8.50),
    Dish("Pescado frito", _MAINS, 8.95, _SEAFOOD),
    Dish("Panes con pollo", _MAINS, 4.25),
    Dish("Horchata", DRINKS, 1.50),
    Dish("Cebada", DRINKS, 1.50),
    Dish("Atol de elote", DRINKS, 1.75, _DAIRY),
    Dish("Refresco de tamarindo", DRINKS, 1.50),
    Dish("Café de olla", DRINKS, 1.25),
    Dish("Kolachampán", DRINKS, 1.25),
    Dish("Quesadilla salvadoreña", _SWEETS, 1.75, _DAIRY, stock=10),
    Dish("Leche poleada", _SWEETS, 1.95, _DAIRY),
)

_NOTES = {
    _PUPUSAS: ("SIN curtido", "SIN salsa", "Bien tostadas", "Curtido aparte", "Poco queso"),
    _SNACKS: ("SIN crema", "SIN chile", "Salsa aparte", "SIN curtido"),
    _SOUPS: ("SIN cilantro", "Extra limón", "Arroz aparte"),
    _MAINS: ("SIN cebolla", "Término medio", "Doble tortilla", "SIN chirmol"),
    DRINKS: ("SIN hielo", "Poca azúcar", "Bien fría"),
    _SWEETS: ("Para compartir", "Al final"),
}
_ALLERGENS = {dish.name: dish.allergens for dish in MENU}


def choose_product(rng: Random, menu: Iterable[Json], *, drink: bool = False) -> Json | None:
    """Chooses a dish that is there; every other one is a pupusa. Returns None where there is none. The menu is the
    service's, with whatever people have added to it."""
    there = [product for product in menu if _is_there(product) and (product["categoria"] == DRINKS) is drink]
    pupusas = [product for product in there if product["categoria"] == _PUPUSAS]
    if not there:
        return None
    return rng.choice(pupusas if pupusas and rng.random() < 0.5 else there)


def _is_there(product: Json) -> bool:
    return product["disponible"] and (product["stock_actual"] is None or product["stock_actual"] >= 1)


def choose_quantity(rng: Random, product: Json) -> int:
    """Chooses how many of a dish that is there: at most as many as there are."""
    wanted = rng.randint(2, 5) if product["categoria"] == _PUPUSAS else rng.choice((1, 1, 1, 2, 2, 3))
    return wanted if product["stock_actual"] is None else min(wanted, int(product["stock_actual"]))


def choose_note(rng: Random, category: str | None, other_than: str | None = None) -> str | None:
    """Chooses a wish for a dish. Returns None where nobody has one for such a dish."""
    notes = [note for note in _NOTES.get(category or "", ()) if note != other_than]
    return rng.choice(notes) if notes else None


def choose_allergy(rng: Random, names: Iterable[str]) -> str:
    """Chooses an allergy that none of the dishes contradicts: nobody orders a pupusa de queso and no dairy."""
    contained = frozenset[str]().union(*(_ALLERGENS.get(name, frozenset()) for name in names))
    return "ALERGIA: " + rng.choice([name for name in ("lácteos", "mariscos", "maní") if name not in contained])
