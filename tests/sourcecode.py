"""The modules of the program as texts: what they import, and which texts are in them."""

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGES = ("collector", "dashboard")
SQL = ROOT / "collector" / "sql"


def sources_of(*packages: str) -> dict[str, str]:
    """Return the text of every module by its dotted name."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): path.read_text(encoding="utf-8")
        for package in packages
        for path in sorted((ROOT / package).rglob("*.py"))
        if path.name != "__init__.py"
    }


SOURCES = sources_of(*PACKAGES)


@lru_cache(maxsize=256)
def nodes(text: str) -> tuple[ast.AST, ...]:
    """Return all nodes of a module."""
    return tuple(ast.walk(ast.parse(text)))


def imports(module: str, text: str) -> Iterator[str]:
    """Return the dotted names a module imports, wherever in it the import stands."""
    for node in nodes(text):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = module.split(".")[: -node.level] if node.level else []
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def texts_in(text: str) -> list[str]:
    """Return all texts within a module, docstrings too."""
    found = [node.value for node in nodes(text) if isinstance(node, ast.Constant)]
    return [value for value in found if isinstance(value, str)]
