"""Who imports whom: the house is built as its plan says."""

import ast
import re
from collections.abc import Iterator, Mapping

import pytest

from tests.sourcecode import PACKAGES, ROOT, SOURCES, imports, sources_of

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
# What each package of dashboard/, and each module beside them, imports of the others and of
# collector/, also in functions and for types only. From the ground up: none sees one below it here.
DASHBOARD = {
    "assets": ("", ""),
    "markup": ("", ""),
    "throttle": ("", ""),
    "web": ("", ""),
    "choices": ("web", ""),
    "plain": ("assets web", ""),
    "theme": ("choices", ""),
    "words": ("choices markup", "languages question"),
    "asker": ("words", "control people.accounts people.api_keys people.logins"),
    "pages": ("asker assets choices theme words", ""),
    "parts": ("throttle words", "control engine.realtime people.passwords question stats"),
    "question": ("words", "control question stats"),
    "drawing": ("markup question words", "control question"),
    "access": (
        "asker pages parts plain question throttle web words",
        (
            "control people.accounts people.api_keys people.factors people.links people.logins"
            " people.networks people.passwords people.trail question"
        ),
    ),
    "numbers": (
        "access asker drawing pages parts question web words",
        (
            "control engine.realtime people.accounts people.trail question settings.notebook"
            " settings.shares stats"
        ),
    ),
    "settings": (
        "access asker numbers pages parts question web words",
        (
            "control people.accounts people.links people.networks people.passwords people.trail"
            " question settings.domains settings.exclusions settings.notebook settings.shares"
            " settings.zones"
        ),
    ),
    "mail": (
        "access asker numbers pages parts question web words",
        "control mail.outbox mail.subscriptions people.accounts question",
    ),
    "programs": (
        "asker parts question web words",
        "control engine.realtime question stats",
    ),
    "app": (
        "access assets choices mail numbers parts plain programs settings theme web words",
        "",
    ),
}
# Who alone may use a library; a name ends where a library of its own begins.
KEPT_TO = {
    "argon2": {"collector.people.passwords"},
    "duckdb": {"collector.parquet", "collector.session", "collector.store"},
    "pyotp": {"collector.people.factors"},
    "segno": {"dashboard.access.account"},
    "webauthn": {"dashboard.access.passkeys"},
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


def siblings(module: str, text: str, package: str) -> set[str]:
    """Return the modules of a package that a module imports, by their names within it."""
    return {
        known.removeprefix(f"{package}.")
        for name in imports(module, text)
        for known in SOURCES
        if known.startswith(f"{package}.") and _is_of(name, known)
    }


def room(name: str) -> str:
    """Return the package of the dashboard that a module is in; beside them it stands for itself."""
    return name.partition(".")[0]


def neighbours(module: str, text: str) -> set[str]:
    """Return the rooms of the dashboard, besides its own, that a module of it imports from."""
    own = room(module.partition(".")[2])
    return {room(name) for name in siblings(module, text, "dashboard")} - {own}


def wrong_imports(sources: Mapping[str, str]) -> list[str]:
    """Return what imports against the plan, a sentence each."""
    found = []
    for module, text in sources.items():
        package, _, name = module.partition(".")
        seen = siblings(module, text, "collector")
        if package == "dashboard":
            fellows, others = DASHBOARD.get(room(name), ("", ""))
            allowed = set(others.split())
            wrong = neighbours(module, text) - set(fellows.split())
            found += [f"{module} looks into {other}" for other in sorted(wrong)]
        elif name in SEE_EVERYTHING:
            allowed = {other.partition(".")[2] for other in SOURCES}
        else:
            allowed = set(SIBLINGS.get(name, "").split())
            found += [f"{module} sees the dashboard"] * bool(siblings(module, text, "dashboard"))
        found += [f"{module} imports {other}" for other in sorted(seen - allowed)]
        found += [f"{module} takes all of {taken}" for taken in _folders(module, text)]
        found += [f"{module} uses {used}" for used in _libraries_out_of_place(module, text)]
    return found


def _folders(module: str, text: str) -> Iterator[str]:
    """Return the packages that are imported as such: what is used of them cannot be read here."""
    folders = {known.rpartition(".")[0] for known in SOURCES}
    yield from (name for name in imports(module, text) if name.removesuffix(".*") in folders)


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
    """Leaves know each other not, the dashboard goes by its rooms, and libraries have one each."""
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
        ("dashboard.web", "from collector.store import Store", "dashboard.web imports store"),
        ("dashboard.programs.api", "import duckdb", "dashboard.programs.api uses duckdb"),
        ("dashboard.app", "from collector import __main__", "dashboard.app imports __main__"),
        (
            "dashboard.words.formats",
            "from dashboard.question import periods",
            "dashboard.words.formats looks into question",
        ),
        (
            "dashboard.drawing.charts",
            "def f():\n    from ..access.gate import Gate",
            "dashboard.drawing.charts looks into access",
        ),
        ("dashboard.web", "import dashboard.parts", "dashboard.web looks into parts"),
        (
            "dashboard.numbers.sites",
            "from collector.people import passwords",
            "dashboard.numbers.sites imports people.passwords",
        ),
        (
            "dashboard.pages",
            "from dashboard import mail",
            "dashboard.pages takes all of dashboard.mail",
        ),
        (
            "collector.app",
            "from collector.people import *",
            "collector.app takes all of collector.people.*",
        ),
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


def test_the_table_of_the_dashboard_is_as_strict_as_it_can_be() -> None:
    """It has a row for each room of it, and no permission that nobody uses."""
    used: dict[str, tuple[set[str], set[str]]] = {}
    for module, text in SOURCES.items():
        package, _, name = module.partition(".")
        if package == "dashboard":
            fellows, others = used.setdefault(room(name), (set(), set()))
            fellows |= neighbours(module, text)
            others |= siblings(module, text, "collector")
    assert {
        name: (" ".join(sorted(fellows)), " ".join(sorted(others)))
        for name, (fellows, others) in used.items()
    } == DASHBOARD


def against_the_order(table: Mapping[str, tuple[str, str]]) -> list[str]:
    """Return what in a table sees something that stands below it, or itself."""
    order = list(table)
    return [
        f"{name} sees {other}"
        for name, (fellows, _) in table.items()
        for other in fellows.split()
        if other not in order[: order.index(name)]
    ]


def test_the_rooms_of_the_dashboard_have_one_order() -> None:
    """Each sees only what stands above it in the table; a permission the other way is caught."""
    assert against_the_order(DASHBOARD) == []
    turned = DASHBOARD | {"words": ("choices markup question", "languages question")}
    assert against_the_order(turned) == ["words sees question"]


def test_a_package_does_nothing_by_itself() -> None:
    """Its `__init__.py` says what it is for: what it imported, all of its modules would import."""
    found = {
        str(path.relative_to(ROOT)): [ast.unparse(each) for each in ast.parse(text).body[1:]]
        for package in PACKAGES
        for path in (ROOT / package).rglob("__init__.py")
        for text in [path.read_text(encoding="utf-8")]
    }
    assert len(found) > 15
    assert {name: does for name, does in found.items() if does} == {}


def test_no_imports_run_in_a_circle() -> None:
    """Not within a package either."""
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


def borrowed(sources: Mapping[str, str]) -> list[str]:
    """Return which modules of tests are imported as if they were there for others."""
    return [
        f"{module} imports {name}"
        for module, text in sources.items()
        for name in imports(module, text)
        if re.search(r"\btests\.(?:\w+\.)*test_", name)
    ]


def test_what_tests_share_is_in_no_module_of_tests() -> None:
    """Whoever looks for it would not look there, and importing one runs what it does at the top."""
    assert borrowed(sources_of("tests")) == []
    planted = "from tests.test_app import x\nfrom tests.seal import test_due"
    assert borrowed({"tests.a": planted}) == [
        "tests.a imports tests.test_app.x",
        "tests.a imports tests.seal.test_due",
    ]
