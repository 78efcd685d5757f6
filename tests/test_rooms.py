"""Files, statements and options are where the pages and the package say, and none is left over."""

import ast
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from collector import config
from tests.sourcecode import PACKAGES, ROOT, SOURCES, SQL, nodes, sources_of, texts_in


def rooms() -> list[str]:
    """Return the files and folders that the architecture page's table of rooms names."""
    page = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    table = page.partition("## The rooms")[2].partition("\n## ")[0]
    named: list[str] = []
    for row in re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE):
        folder = ""
        for name in re.findall(r"`([^`]+)`", row):
            place = name if "/" in name else folder + name
            folder = place[: place.rindex("/") + 1]
            named.append(place)
    return named


def without_a_room(files: Iterable[str], named: list[str]) -> list[str]:
    """Return the modules that the table of rooms does not name, though it names their folder."""
    return [file for file in files if file not in named]


def test_every_module_has_its_room_on_the_architecture_page() -> None:
    """A newcomer finds each file there; a file that nobody placed is caught."""
    files = [module.replace(".", "/") + ".py" for module in SOURCES]
    assert without_a_room(files, rooms()) == []
    strays = ["collector/utils.py", "dashboard/words/utils.py"]
    assert without_a_room(strays, rooms()) == strays


def test_every_room_on_the_architecture_page_exists() -> None:
    """The page speaks of nothing that is gone."""
    named = rooms()
    assert {"collector/owner.py", "dashboard/words/formats.py"} <= {*named}
    assert "collector/sql/" in named
    assert [name for name in named if not (ROOT / name).exists()] == []


def _composed(text: str) -> Iterator[str]:
    """Return what f-strings with one value become when each string of the module is put in."""
    strings = [string for string in texts_in(text) if string.isidentifier()]
    for node in nodes(text):
        if isinstance(node, ast.JoinedStr):
            parts = [n.value if isinstance(n, ast.Constant) else None for n in node.values]
            if parts.count(None) == 1:
                hole = parts.index(None)
                before, after = ("".join(map(str, p)) for p in (parts[:hole], parts[hole + 1 :]))
                yield from (before + string + after for string in strings)


# A statement within another one, as collector/store.py has it.
_PART = re.compile(r"\(/\*(\w+)\*/\)")


def dead_statements(names: Iterable[str], sources: Mapping[str, str]) -> list[str]:
    """Return the statements that no module speaks of by name, nor another as its part."""
    named = {part for path in SQL.glob("*.sql") for part in _PART.findall(path.read_text("utf-8"))}
    for text in sources.values():
        named.update(texts_in(text), _composed(text))
    return sorted(set(names) - named)


def test_every_statement_is_used() -> None:
    """One file per statement, and none that nobody runs; a dead one is caught."""
    names = [path.stem for path in SQL.glob("*.sql")]
    collector = sources_of("collector")
    assert len(names) > 40
    assert dead_statements(names, collector) == []
    assert dead_statements([*names, "seal_nothing"], collector) == ["seal_nothing"]


def test_every_statement_run_by_its_name_exists() -> None:
    """A name that is misspelt would show only when its day comes."""
    run = re.compile(r"(?:\.run|statement)\(\s*\"(\w+)\"")
    asked = {name for text in SOURCES.values() for name in run.findall(text)}
    assert len(asked) > 20
    assert {name for name in asked if not (SQL / f"{name}.sql").exists()} == set()


# What a working copy has beside what is installed: pictures for the README, and scripts of ours.
_NOT_INSTALLED = re.compile(r"dashboard/screenshots/|/refresh$|/__pycache__/")


def left_behind(names: Iterable[str], setuptools: Mapping[str, Any]) -> list[str]:
    """Return which of the packages' files an installation would lack."""
    found = setuptools["packages"]["find"]["include"]
    lacks = []
    for name in names:
        folder, _, file = name.rpartition("/")
        package, _, path = name.partition("/")
        if file.endswith(".py"):
            is_found = any(fnmatchcase(folder.replace("/", "."), pattern) for pattern in found)
            is_taken = is_found and (ROOT / folder / "__init__.py").is_file()
        else:
            patterns = setuptools["package-data"][package]
            is_taken = any(path in _matching(package, pattern) for pattern in patterns)
        lacks += [] if is_taken else [name]
    return lacks


@cache
def _matching(package: str, pattern: str) -> frozenset[str]:
    folder = ROOT / package
    return frozenset(str(path.relative_to(folder)) for path in folder.glob(pattern))


def test_what_is_installed_lacks_nothing() -> None:
    """Every module is in a package that is found, every other file in what is named as its data."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    setuptools = project["tool"]["setuptools"]
    names = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and not _NOT_INSTALLED.search(str(path.relative_to(ROOT)))
    ]
    assert {"dashboard/words/de.po", "collector/sql/tidy.sql"} <= {*names}
    assert left_behind(names, setuptools) == []
    del setuptools["package-data"]["dashboard"][0]
    assert set(left_behind(names, setuptools)) == {
        f"dashboard/words/{c}.po" for c in ("de", "fr", "es")
    }
    setuptools["packages"]["find"]["include"] = ["collector*", "dashboard"]
    assert "dashboard/words/formats.py" in left_behind(names, setuptools)


def documented_options(page: str) -> dict[str, str]:
    """Return the rows of a page's tables whose first cell is `an_option`, by that name."""
    return dict(re.findall(r"^\| *`([a-z_]+)` *\|(.*)\|\s*$", page, re.MULTILINE))


def undocumented(page: str) -> list[str]:
    """Return what a page says wrongly of the options, or not at all."""
    rows = documented_options(page)
    wrong = []
    for setting in config.load(None, {}, {}).table:
        option = setting.option
        row = rows.pop(option.name, None)
        if row is None:
            wrong.append(f"{option.name} has no row")
            continue
        cells = re.findall(r"`([^`]*)`", row)
        if option.environment not in cells:
            wrong.append(f"{option.name}: `{option.environment}` is missing")
        default = setting.shown()
        if default and default not in cells and not {*default.split(", ")} <= {*cells}:
            wrong.append(f"{option.name}: its default `{default}` is missing")
    return wrong + [f"{name} is no option" for name in rows]


def test_the_readme_documents_every_option() -> None:
    """Each in a row of its own, with its default and its environment variable."""
    assert undocumented((ROOT / "README.md").read_text(encoding="utf-8")) == []


def test_an_option_that_is_documented_wrongly_is_caught() -> None:
    """A missing row, a wrong default, a wrong variable, and an option that is gone."""
    rows = [
        f"| `{s.option.name}` | `{s.shown()}` | `{s.option.environment}` | {s.option.help} |"
        for s in config.load(None, {}, {}).table
    ]
    page = "\n".join(rows)
    assert undocumented(page) == []
    assert undocumented("\n".join(rows[1:])) == ["data has no row"]
    assert undocumented(page.replace("`8000`", "`80`")) == ["port: its default `8000` is missing"]
    assert undocumented(page.replace("GATECOUNT_HOST", "GATECOUNT_HOSTS")) == [
        "host: `GATECOUNT_HOST` is missing"
    ]
    assert undocumented(f"{page}\n| `salt` | `` | `GATECOUNT_SALT` | |") == ["salt is no option"]
