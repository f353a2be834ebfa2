"""What a file changes of the menu: which dish each row is, and what it makes of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from ..wire.json_text import dump
from .menu import Product
from .menu_csv import MenuFile, Row, bare, one_line
from .menu_faults import CATEGORY, NAME, POS_ID, PRICE, Fault

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Change:
    """A row that makes a new dish, of which `before` is None, or changes one."""

    row: int
    before: Product | None
    after: Product

    @property
    def old_values(self) -> Json:
        """Returns what the dish had in the fields that change."""
        if self.before is None:
            return {}
        after = self.after.json()
        return {name: value for name, value in self.before.json().items() if value != after[name]}

    def json(self, *, rehearsed: bool) -> Json:
        """Returns the change as it travels. A rehearsal gives no id."""
        new = self.before is None
        product = {**self.after.json(), "id": None} if new and rehearsed else self.after.json()
        kind = "nuevo" if new else "cambia"
        return {"fila": self.row, "tipo": kind, "producto": product, "antes": self.old_values}


@dataclass(frozen=True, slots=True)
class MenuChanges:
    """What a file changes, in the order of its rows; `same` rows change nothing. Where there are faults, it is what the
    other rows would change."""

    changes: Sequence[Change]
    same: int
    faults: Sequence[Fault]

    @property
    def new(self) -> int:
        return sum(change.before is None for change in self.changes)

    @property
    def changed(self) -> int:
        return len(self.changes) - self.new

    @property
    def fingerprint(self) -> str:
        """Names the changes, and from what: whoever has seen these agrees to no others. The ids of new dishes do not
        count, which nobody has seen."""
        seen = [
            [change.before and change.before.id, change.old_values, replace(change.after, id=0).json()]
            for change in self.changes
        ]
        return sha256(dump(seen).encode()).hexdigest()[:32]

    def json(self, *, rehearsed: bool) -> Json:
        return {
            "filas": len(self.changes) + self.same,
            "nuevos": self.new,
            "cambian": self.changed,
            "iguales": self.same,
            "huella": self.fingerprint,
            "cambios": [change.json(rehearsed=rehearsed) for change in self.changes],
            "errores": [fault.json() for fault in self.faults],
        }


def menu_changes(menu: Sequence[Product], file: MenuFile, last_id: int) -> MenuChanges:
    """Returns what the file changes of the menu; new dishes get the ids after `last_id`."""
    found, faults = _find(menu, file.rows)
    made: dict[int, Change] = {}
    for row in file.rows:
        if row.number in faults:
            continue
        before = found.get(row.number)
        if before is None:
            last_id += 1
            after = Product(last_id, "", None, 0.0, None, None, True).changed(row.said)
        else:
            after = before.changed(_without_spaces(before, row.said))
        made[row.number] = Change(row.number, before, after)
    lacking = [row for row in file.rows if row.number in made and row.number not in found and PRICE not in row.said]
    faults = {row.number: Fault(row.number, PRICE, "missing") for row in lacking} | _same_names(menu, made) | faults
    sound = [change for change in made.values() if change.row not in faults]
    changes = [change for change in sound if change.after != change.before]
    told = sorted([*file.faults, *faults.values()], key=lambda fault: fault.row or 0)
    return MenuChanges(changes, len(sound) - len(changes), told)


def _find(menu: Sequence[Product], rows: Sequence[Row]) -> tuple[dict[int, Product], dict[int, Fault]]:
    """Returns by row the dish that it is about, where that is no new one, and the rows of which it cannot be said: by
    its `id_pos`; else by its name as it stands there, first a dish of which the row says nothing new; else by its name
    without case, accents and the number of spaces. What one row has found is no other's."""
    found: dict[int, Product] = {}
    faults: dict[int, Fault] = {}
    left = {product.id: product for product in menu}
    of_pos = {product.pos_id: product for product in menu if product.pos_id is not None}
    for row in rows:
        known = of_pos.get(row.said.get(POS_ID, 0))
        if known is not None:
            found[row.number] = left.pop(known.id)
    same_name: Mapping[str, list[Product]] = defaultdict(list)
    for product in left.values():
        same_name[one_line(product.name)].append(product)
    for row in rows:
        alike = same_name.get(row.said[NAME], ()) if row.number not in found else ()
        known = next((product for product in alike if product.id in left and _is_as_said(product, row)), None)
        if known is not None:
            found[row.number] = left.pop(known.id)
    for spelled in (one_line, bare):
        named: Mapping[str, list[Product]] = defaultdict(list)
        for product in left.values():
            named[spelled(product.name)].append(product)
        for row in rows:
            if row.number in found or row.number in faults:
                continue
            called = [product for product in named.get(spelled(row.said[NAME]), ()) if product.id in left]
            if len(called) == 1:
                found[row.number] = left.pop(called[0].id)
            elif called:
                faults[row.number] = Fault(row.number, NAME, "ambiguous", str(len(called)))
    return found, faults


def _is_as_said(product: Product, row: Row) -> bool:
    return product.changed(_without_spaces(product, row.said)) == product


def _without_spaces(before: Product, said: Mapping[str, Any]) -> Json:
    """Leaves out a text that differs from the dish's by its spaces alone, which a cell cannot have as they were."""
    same = {NAME: one_line(before.name), CATEGORY: one_line(before.category or "") or None}
    return {name: value for name, value in said.items() if name not in same or value != same[name]}


def _same_names(menu: Iterable[Product], made: Mapping[int, Change]) -> dict[int, Fault]:
    """Returns a fault for each row that gives a dish the name of another one, where the POS does not tell them apart: a
    person could not, nor could the next file."""
    of = {change.after.id: change for change in made.values()}
    whole = {product.id: product for product in menu} | {dish: change.after for dish, change in of.items()}
    called: Mapping[str, list[int]] = defaultdict(list)
    for product in whole.values():
        called[bare(product.name)].append(product.id)
    faults = {}
    for alike in called.values():
        unnumbered = [dish for dish in alike if whole[dish].pos_id is None]
        if len(alike) == 1 or not unnumbered:
            continue
        for dishes, others in ((unnumbered, alike), (set(alike).difference(unnumbered), unnumbered)):
            first = min((of[dish].row for dish in others if dish in of), default=0)
            is_old = any(dish not in of or not _is_named_anew(of[dish]) for dish in others)
            for row in (of[dish].row for dish in dishes if dish in of and _is_named_anew(of[dish])):
                if 0 < first < row:
                    faults[row] = Fault(row, NAME, "name_twice", str(first))
                elif is_old:
                    faults[row] = Fault(row, NAME, "name_taken")
    return faults


def _is_named_anew(change: Change) -> bool:
    before, after = change.before, change.after
    return before is None or (before.name, before.pos_id) != (after.name, after.pos_id)
