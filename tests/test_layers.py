"""The house is built as its plan says: who imports whom, and what stands in no file."""

import ast
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path

import pytest

from collector import config

ROOT = Path(__file__).parents[1]
PACKAGES = ("collector", "dashboard")
SQL = ROOT / "collector" / "sql"

# What each module of collector/ imports of its siblings, also in functions and for types only.
SIBLINGS = {
    "agents": "",
    "anonymise": "agents",
    "app": (
        "anonymise clock control held hosts ingest journal keys request settings.exclusions"
        " settings.zones statement visitors"
    ),
    "bots": "agents",
    "care.audit": "control journal keys people.networks session statement store",
    "care.backup": "config control_file journal lending session store",
    "care.checkup": "anonymise care.doctor config control_file geo journal session store",
    "care.doctor": "control journal keys statement",
    "care.export": "care.backup config control lending session",
    "care.upkeep": "care.backup care.export",
    "clock": "",
    "config": "hosts",
    "control": "control_file settings.domains",
    "control_file": "copied",
    "copied": "",
    "demo": "",
    "engine.answers": (
        "engine.columns engine.pages engine.phrases engine.roads engine.sums question session"
    ),
    "engine.columns": "engine.filters engine.roads question",
    "engine.excluded": "question session store",
    "engine.filters": "question session",
    "engine.pages": "engine.columns engine.phrases engine.roads question session",
    "engine.phrases": "engine.filters engine.roads question session",
    "engine.realtime": "engine.filters engine.phrases question session store",
    "engine.roads": "engine.filters question",
    "engine.sums": "engine.filters engine.phrases engine.roads question session",
    "gate": "",
    "geo": "",
    "held": "request",
    "histogram": "",
    "hosts": "",
    "identifiers": "",
    "ingest": (
        "anonymise bots control geo held hosts journal keys limits objection outcomes request"
        " scrub settings.exclusions sources wire"
    ),
    "journal": "histogram",
    "keeper": "clock control_file histogram lending load retention seal session store",
    "keys": "",
    "languages": "",
    "lending": "session store",
    "limits": "journal",
    "load": "journal session store",
    "log": "",
    "lookup": "held keys request session store",
    "made_up.building": (
        "config control control_file journal load made_up.history seal session store"
    ),
    "made_up.habits": "anonymise demo scrub session sources",
    "made_up.history": "config control demo load made_up.habits outcomes seal session store",
    "mail.mailroom": "mail.outbox mail.postman",
    "mail.outbox": "control_file",
    "mail.postman": "config",
    "mail.subscriptions": "control control_file mail.outbox",
    "objection": "",
    "outcomes": "journal objection",
    "parquet": "session",
    "people.accounts": "control_file",
    "people.api_keys": "control_file people.accounts people.tokens",
    "people.factors": "control_file people.accounts people.tokens",
    "people.links": "control_file people.accounts people.tokens",
    "people.logins": "control_file people.accounts people.tokens",
    "people.networks": "control_file people.accounts",
    "people.passwords": "",
    "people.tokens": "",
    "people.trail": "control_file people.accounts",
    "question": "",
    "registry": (
        "config control control_file hosts people.accounts people.factors people.links"
        " people.logins people.trail terminal"
    ),
    "request": "anonymise hosts",
    "retention": "control keys load store",
    "scrub": "identifiers",
    "seal": "control journal load session settings.zones store",
    "server": "serving.connection serving.shortcuts",
    "serving.connection": "serving.shortcuts",
    "serving.latency": "engine.realtime histogram question stats store",
    "serving.metrics": "histogram ingest journal",
    "serving.shortcuts": "",
    "serving.workers": "",
    "session": "",
    "settings.domains": "control_file",
    "settings.exclusions": "anonymise control",
    "settings.notebook": "control",
    "settings.shares": "control_file people.tokens",
    "settings.zones": "control control_file keys settings.domains",
    "sources": "",
    "statement": "config control held hosts journal keys objection settings.exclusions",
    "stats": "engine.answers engine.columns engine.filters parquet question session store",
    "store": "copied gate session",
    "terminal": "config control control_file log serving.workers",
    "visitors": "control held hosts journal keys languages objection outcomes request statement",
    "wire": "scrub",
}
# These put applications together; nobody but they may import them.
SEE_EVERYTHING = frozenset({"__main__", "compose", "made_up.demonstration", "owner"})
DASHBOARD_SEES = frozenset(
    {
        *(
            "engine.realtime",
            "stats",
            "question",
            "control",
            "settings.notebook",
            "config",
            "languages",
        ),
        *(
            "people.accounts",
            "people.api_keys",
            "people.links",
            "people.logins",
            "people.passwords",
            "people.trail",
        ),
        *("people.factors", "people.networks"),
        *("settings.domains", "settings.exclusions", "settings.zones"),
        *("mail.outbox", "mail.subscriptions", "settings.shares"),
    }
)
# Who alone may use a library; a name ends where a library of its own begins.
KEPT_TO = {
    "argon2": {"collector.people.passwords"},
    "duckdb": {"collector.parquet", "collector.session", "collector.store"},
    "pyotp": {"collector.people.factors"},
    "segno": {"dashboard.account"},
    "webauthn": {"dashboard.passkeys"},
    "httptools": {"collector.serving.connection"},
    "maxminddb": {"collector.geo"},
    "publicsuffixlist": {"collector.hosts"},
    "prometheus_client": {"collector.serving.metrics"},
    # The one who calls somebody, and only where the operator has named a mail server.
    "smtplib": {"collector.mail.postman"},
    "ssl": {"collector.mail.postman"},
    "rich": {"collector.made_up.demonstration", "collector.terminal", "collector.care.upkeep"},
    "sqlite3": {"collector.control_file"},
    "typer": {"collector.__main__", "collector.registry", "collector.terminal"},
    "uvicorn": {"collector.serving.connection", "collector.server"},
}
# The server calls nobody of its own accord; and an import that is computed could not be read here.
KEPT_OUT = frozenset({
    "aiohttp", "ftplib", "http.client", "httpx", "requests", "telnetlib",
    "urllib.request", "urllib3", "xmlrpc", "runpy", "imp",
})  # fmt: skip
_COMPUTED = re.compile(r"__import__\b|import_module\b|\bexec\(|\beval\(")


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


def siblings(module: str, text: str, package: str) -> set[str]:
    """Return the modules of a package that a module imports, by their names within it."""
    return {
        known.removeprefix(f"{package}.")
        for name in imports(module, text)
        for known in SOURCES
        if known.startswith(f"{package}.") and _is_of(name, known)
    }


def wrong_imports(sources: Mapping[str, str]) -> list[str]:
    """Return what imports against the plan, a sentence each."""
    found = []
    for module, text in sources.items():
        package, _, name = module.partition(".")
        seen = siblings(module, text, "collector")
        if package == "dashboard":
            allowed = set(DASHBOARD_SEES)
        elif name in SEE_EVERYTHING:
            allowed = {other.partition(".")[2] for other in SOURCES}
        else:
            allowed = set(SIBLINGS.get(name, "").split())
            found += [f"{module} sees the dashboard"] * bool(siblings(module, text, "dashboard"))
        found += [f"{module} imports {other}" for other in sorted(seen - allowed)]
        found += [f"{module} uses {used}" for used in _libraries_out_of_place(module, text)]
    return found


def _libraries_out_of_place(module: str, text: str) -> Iterator[str]:
    for name in imports(module, text):
        for library, users in KEPT_TO.items():
            if _is_of(name, library) and module not in users:
                yield library
        yield from (library for library in KEPT_OUT if _is_of(name, library))
    if _COMPUTED.search(text):
        yield "an import or code that is computed"


def _is_of(name: str, library: str) -> bool:
    return name == library or name.startswith(library + ".")


def test_imports_go_the_way_of_the_plan() -> None:
    """Leaves know each other not, the dashboard knows three rooms, and libraries have one each."""
    assert wrong_imports(SOURCES) == []


@pytest.mark.parametrize(
    ("module", "planted", "found"),
    [
        ("collector.journal", "import collector.store", "collector.journal imports store"),
        ("collector.config", "from collector import keys", "collector.config imports keys"),
        ("collector.scrub", "from .hosts import hostname", "collector.scrub imports hosts"),
        ("collector.keys", "def f():\n    from collector import log", "collector.keys imports log"),
        (
            "collector.store",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import load",
            "collector.store imports load",
        ),
        ("collector.app", "from collector.owner import x", "collector.app imports owner"),
        ("collector.seal", "import duckdb", "collector.seal uses duckdb"),
        ("collector.ingest", "import dashboard.app", "collector.ingest sees the dashboard"),
        (
            "collector.geo",
            "from urllib.request import urlopen",
            "collector.geo uses urllib.request",
        ),
        ("collector.geo", "import http.client", "collector.geo uses http.client"),
        (
            "collector.geo",
            "m = __import__('duckdb')",
            "collector.geo uses an import or code that is computed",
        ),
        ("dashboard.sites", "from collector.store import Store", "dashboard.sites imports store"),
        ("dashboard.api", "from duckdb import connect", "dashboard.api uses duckdb"),
        ("dashboard.cards", "from collector import __main__", "dashboard.cards imports __main__"),
    ],
)
def test_a_wrong_import_is_caught(module: str, planted: str, found: str) -> None:
    """Wherever it stands and however it is written."""
    assert found in wrong_imports({module: f"{SOURCES[module]}\n{planted}\n"})


def test_the_table_of_imports_is_as_strict_as_it_can_be() -> None:
    """It has a row for each module, and no permission that nobody uses."""
    used = {
        name: " ".join(sorted(siblings(module, text, "collector")))
        for module, text in SOURCES.items()
        for package, _, name in [module.partition(".")]
        if package == "collector" and name not in SEE_EVERYTHING
    }
    assert used == SIBLINGS


def test_no_imports_run_in_a_circle() -> None:
    """Not in the dashboard either, whose rooms have no table of their own."""
    order: list[str] = []
    graph = {
        module: {
            f"{package}.{name}"
            for package in PACKAGES
            for name in siblings(module, text, package)
            if name not in SEE_EVERYTHING
        }
        for module, text in SOURCES.items()
        if module.partition(".")[2] not in SEE_EVERYTHING
    }
    while free := sorted(m for m, needs in graph.items() if m not in order and needs <= {*order}):
        order += free
    assert set(order) == set(graph), f"in a circle: {sorted(set(graph) - set(order))}"


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
    """Return the modules that the table of rooms does not name; of the dashboard it names all."""
    return [
        file
        for file in files
        if file not in named and not (file.startswith("dashboard/") and "dashboard/" in named)
    ]


def test_every_module_has_its_room_on_the_architecture_page() -> None:
    """A newcomer finds each file there; a file that nobody placed is caught."""
    files = [module.replace(".", "/") + ".py" for module in SOURCES]
    assert without_a_room(files, rooms()) == []
    assert without_a_room(["collector/utils.py"], rooms()) == ["collector/utils.py"]


def test_every_room_on_the_architecture_page_exists() -> None:
    """The page speaks of nothing that is gone."""
    named = rooms()
    assert "collector/owner.py" in named
    assert "collector/sql/" in named
    assert [name for name in named if not (ROOT / name).exists()] == []


# Versions 1.4 and 1.5 of DuckDB lose index entries at a checkpoint after replaying a WAL.
_INDEXED = re.compile(
    r"\bCREATE\s+(?:UNIQUE\s+)?INDEX\b|\bPRIMARY\s+KEY\b|\bUNIQUE\b|\bFOREIGN\s+KEY\b"
    r"|\bREFERENCES\b|\bON\s+CONFLICT\b|\bINSERT\s+OR\s+(?:REPLACE|IGNORE)\b|\bMERGE\s+INTO\b",
    re.IGNORECASE,
)


def statements() -> dict[str, str]:
    """Return what DuckDB is given: the text of each file by its path below sql/."""
    files = {str(path.relative_to(SQL)): path.read_text("utf-8") for path in SQL.rglob("*.sql")}
    return {name: text for name, text in files.items() if not name.startswith("control/")}


def indexed(text: str) -> list[str]:
    """Return what of a statement needs an index, comments aside."""
    return _INDEXED.findall(re.sub(r"--[^\n]*", "", text))


def test_duckdb_keeps_no_index() -> None:
    """No index, key, unique constraint or upsert, in files and in what Python composes."""
    found = {name: indexed(text) for name, text in statements().items()}
    for module, text in SOURCES.items():
        strings = [s for s in _strings(text) if re.search(r"\b(?:CREATE|INSERT|ALTER) ", s)]
        found[module] = [hit for string in strings for hit in indexed(string)]
    assert {name: hits for name, hits in found.items() if hits} == {}
    assert len(found) > 60  # it has read something


@pytest.mark.parametrize(
    "planted",
    [
        "CREATE INDEX i ON live.events (site);",
        "create unique index i on t (a)",
        "CREATE TABLE t (a INTEGER PRIMARY KEY)",
        "CREATE TABLE t (a INTEGER UNIQUE)",
        "INSERT OR REPLACE INTO t VALUES (1)",
        "INSERT INTO t VALUES (1) ON CONFLICT DO NOTHING",
    ],
)
def test_an_index_is_caught(planted: str) -> None:
    """In any spelling; but not when only a comment speaks of it."""
    assert indexed(planted)
    assert not indexed(f"-- {planted}\nSELECT 1;")


def _strings(text: str) -> list[str]:
    found = [node.value for node in nodes(text) if isinstance(node, ast.Constant)]
    return [value for value in found if isinstance(value, str)]


def _composed(text: str) -> Iterator[str]:
    """Return what f-strings with one value become when each string of the module is put in."""
    strings = [string for string in _strings(text) if string.isidentifier()]
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
        named.update(_strings(text), _composed(text))
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


def tracked_files() -> dict[str, str]:
    """Return the text of what the repository holds or is about to, by path."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout
    texts = {}
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" not in content:
            texts[name] = content.decode("utf-8")
    return texts


# Where an installation gets its packages from is its own affair. Spelt so that it finds none here.
_REGISTRIES = re.compile(
    r"pypi[.]org|python[h]osted[.]org|registry[.](?:npm[j]s|yarn[p]kg)|deb[.]debian|npm[m]irror"
)


def test_no_file_names_a_package_registry() -> None:
    """Lock files pin hashes, not hosts; a host is caught."""
    files = tracked_files()
    assert {"deploy/requirements.txt", "js/package-lock.json", "tests/test_layers.py"} <= {*files}
    assert [name for name, text in files.items() if _REGISTRIES.search(text)] == []
    assert _REGISTRIES.search(f"--index-url https://{'pypi'}.org/simple")


_INLINE = re.compile(
    r"<style|\sstyle\s*=|<script(?![^>]*\ssrc=)|\son[a-z]+\s*=|javascript:|hx-on|srcdoc"
    r"|\shx-[\w:-]+=[\"'][^\"']*(?:\bjs:|\[)",  # what htmx would evaluate
    re.IGNORECASE,
)
_EVALUATED = re.compile(
    r"\beval\s*\(|\bnew\s+Function\b|\bFunction\s*\(|\bset(?:Timeout|Interval)\s*\(\s*[\"'`]"
    r"|document\.write|insertAdjacentHTML|\b(?:inner|outer)HTML\s*[+]?="
)


def test_templates_and_scripts_suit_a_strict_policy() -> None:
    """Nothing inline in a page, nothing that turns text into code in a script."""
    pages = [p for package in PACKAGES for p in (ROOT / package / "templates").rglob("*.html")]
    scripts = [p for package in PACKAGES for p in (ROOT / package / "static").rglob("*.js")]
    assert len(pages) > 8
    assert len(scripts) == 7
    found = {path.name: _INLINE.findall(path.read_text("utf-8")) for path in pages}
    found |= {
        p.name: _EVALUATED.findall(p.read_text("utf-8")) for p in (*scripts, ROOT / "js/beacon.js")
    }
    assert {name: hits for name, hits in found.items() if hits} == {}


@pytest.mark.parametrize(
    "planted",
    [
        '<p style="color:red">',
        "<style>p{}</style>",
        "<script>go()</script>",
        '<a onclick="go()">',
        '<a href="javascript:go()">',
        '<a hx-vals="js:go()">',
        '<a hx-trigger="click[go()]">',
        '<a hx-on:click="go()">',
    ],
)
def test_what_a_strict_policy_would_block_is_caught(planted: str) -> None:
    """A script by its address is no such thing."""
    assert _INLINE.search(planted)
    assert not _INLINE.search('<script type="module" src="dashboard.js"></script>')


@pytest.mark.parametrize(
    "planted", ["eval(text)", "new Function(text)", "setTimeout('go()', 1)", "x.innerHTML = y"]
)
def test_text_that_becomes_code_is_caught(planted: str) -> None:
    """A function that is put off is no such thing."""
    assert _EVALUATED.search(planted)
    assert not _EVALUATED.search("setTimeout(go, 1)")


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
