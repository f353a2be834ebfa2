"""Which scripts and styles each page loads, in their order: read from the templates, rendered without a service."""

from __future__ import annotations

import re
from pathlib import Path

from jinja2 import ChainableUndefined, Environment, FileSystemLoader

STATIC = Path(__file__).parents[2] / "static"
TEMPLATES = Path(__file__).parents[2] / "templates"
PARTS_OF_PAGES = {"base", "icon", "icons", "manager_nav", "office_screen", "push"}


def loaded_by_pages() -> dict[str, list[str]]:
    """By page: paths below `static/`, as its tags name them."""
    templates = Environment(loader=FileSystemLoader(TEMPLATES), undefined=ChainableUndefined, autoescape=True)
    pages = {}
    for page in sorted({template.stem for template in TEMPLATES.iterdir()} - PARTS_OF_PAGES):
        user = None if page in ("login", "error", "sin_conexion", "sin_conexion_cocina") else {"usuario_id": 1}
        files = pages[page] = []

        def together(name: str, parts: list[str], files: list[str] = files) -> str:
            folder, ending = name.split("/")[0], name.rpartition(".")[2]
            files += [f"{folder}/{part}.{ending}" for part in parts]
            return ""

        html = templates.get_template(f"{page}.html").render(
            types={}, states={}, pages=[], usuario=user, together=together
        )  # fmt: skip
        files += re.findall(r'<(?:script src|link rel="stylesheet" href)="/static/([^"?]+)\?v=', html)
    return pages
