"""The stores: opening, migrating, asking, changing; and what statements are composed of."""

import ast
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.abc import MetaPathFinder
from pathlib import Path

import duckdb
import pytest

from collector.session import (
    ArchiveUnreadableError,
    NewerStoreError,
    StoreBusyError,
    StoreError,
    told,
)
from collector.store import Store
from tests.house import House
from tests.stores import opened, query, write

ROOT = Path(__file__).parents[1]


def test_values_are_bound_without_a_search_for_modules(
    ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DuckDB would import pandas for each: half of the time of a small question."""
    sought: list[str] = []

    class Notes(MetaPathFinder):
        def find_spec(self, fullname: str, *_: object) -> None:
            sought.append(fullname)

    with opened(ram) as store, store.snapshot() as session:
        session.query("SELECT $n, $word", n=0, word="")  # the first imports what there is
        monkeypatch.setattr(sys, "meta_path", [Notes(), *sys.meta_path])
        assert session.query("SELECT $n, $word", n=1, word="a") == [(1, "a")]
    assert sought == []


def test_a_new_directory_gets_both_stores(ram: Path) -> None:
    """Private, with every migration applied once; opening them again changes nothing."""
    data = ram / "not" / "there"
    for _ in range(2):
        with opened(data) as store:
            for database in ("live", "archive"):
                versions = query(store, f"SELECT version FROM {database}.migrations ORDER BY 1")
                folder = ROOT / "collector" / "sql" / "migrations" / database
                assert versions == [(n + 1,) for n in range(len(list(folder.glob("*.sql"))))]
    assert {path.name for path in data.iterdir()} == {
        "archive.duckdb", "live.duckdb", "store.lock", "tmp",
    }  # fmt: skip
    assert data.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("database", ["live", "archive"])
def test_a_file_of_a_newer_version_is_refused(ram: Path, database: str) -> None:
    """It is left as it is, also the live store, which could be made again."""
    with opened(ram) as store:
        write(store, f"INSERT INTO {database}.migrations VALUES (99)")
    file = ram / f"{database}.duckdb"
    before = file.read_bytes()
    with pytest.raises(NewerStoreError) as caught:
        Store(ram, memory_limit_mib=128, threads=1)
    assert str(caught.value).startswith(f"{file} was written by a newer gatecount (schema 99, ")
    assert str(caught.value).endswith("Upgrade, or restore the backup made before.")
    assert file.read_bytes() == before
    assert not list(ram.glob("*unreadable*"))


_MIGRATE = """
import sys
from pathlib import Path
from collector.session import StoreError
from collector.store import Store

def migrate():
    try:
        store = Store(Path("data"), memory_limit_mib=128, threads=1)
    except StoreError as error:
        return print(type(error).__name__)
    with store.snapshot() as session:
        versions = session.query("SELECT version - $n FROM archive.migrations ORDER BY 1", n=newest)
        tables = session.query("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'm_'")
    print([version for version, in versions if version > 0], [name for name, in tables])
    store.close()

folder = Path("collector/sql/migrations/archive")
newest = max(int(path.name[:4]) for path in folder.glob("*.sql"))
first, second = (folder / f"{newest + n:04}_more.sql" for n in (1, 2))
first.write_text("CREATE TABLE archive.m1 (a INTEGER);")
second.write_text("CREATE TABLE archive.m2 (a INTEGER); SELECT nonsense;")
migrate()
second.unlink()
migrate()
second.write_text("CREATE TABLE archive.m2 (a INTEGER);")
migrate()
migrate()
"""


def test_migrations_are_applied_one_by_one(ram: Path) -> None:
    """One that fails leaves nothing of itself, and all that came before it; each runs once."""
    shutil.copytree(
        ROOT / "collector", ram / "collector", ignore=shutil.ignore_patterns("*.xz", "__pycache__")
    )
    told = subprocess.run(
        [sys.executable, "-c", _MIGRATE],
        env={**os.environ, "PYTHONPATH": str(ram)}, cwd=ram, capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert told.stdout.splitlines() == [
        "ArchiveUnreadableError", "[1] ['m1']", "[1, 2] ['m1', 'm2']", "[1, 2] ['m1', 'm2']",
    ]  # fmt: skip


def test_two_cannot_have_the_same_directory(ram: Path) -> None:
    """The second is told so, and the first goes on; once that has ended, it is free."""
    with opened(ram) as store:
        with pytest.raises(StoreBusyError, match=r"is in use by another gatecount\. One `serve`"):
            Store(ram, memory_limit_mib=128, threads=1)
        assert query(store, "SELECT count(*) FROM live.events") == [(0,)]
    with opened(ram):
        pass


def test_the_lock_is_free_again_after_a_start_that_failed(ram: Path) -> None:
    """Whoever repairs the cause can start at once."""
    with opened(ram):
        pass
    archive = (ram / "archive.duckdb").read_bytes()
    (ram / "archive.duckdb").write_bytes(b"noise")
    with pytest.raises(ArchiveUnreadableError):
        Store(ram, memory_limit_mib=128, threads=1)
    (ram / "archive.duckdb").write_bytes(archive)
    with opened(ram):
        pass


def test_a_transaction_that_fails_leaves_nothing(ram: Path) -> None:
    """Whoever failed, DuckDB or we; the next one works."""

    def insert_two(count: object, divisor: int) -> None:
        with store.writing() as session:
            session.query("INSERT INTO live.drops VALUES (1, '2026-11-24', 'bot', 1)")
            row = {"count": count, "reason": f"{1 // divisor}"}
            session.query("INSERT INTO live.drops VALUES (1, '2026-11-24', $reason, $count)", **row)

    with opened(ram) as store:
        with pytest.raises(ZeroDivisionError):
            insert_two(2, divisor=0)
        with pytest.raises(StoreError):
            insert_two("nonsense", divisor=1)
        write(store, "INSERT INTO live.drops VALUES (1, '2026-11-24', 'bot', 3)")
        assert query(store, "SELECT count FROM live.drops") == [(3,)]


def test_a_snapshot_is_of_one_moment(ram: Path) -> None:
    """What is written meanwhile is seen by the next one."""
    with opened(ram) as store:
        with store.snapshot() as session:
            write(store, "INSERT INTO live.drops VALUES (1, '2026-11-24', 'bot', 1)")
            write(store, "INSERT INTO archive.drops VALUES (1, '2026-11-24', 'bot', 1)")
            for database in ("live", "archive"):
                assert session.query(f"SELECT count(*) FROM {database}.drops") == [(0,)]
        assert query(store, "SELECT count(*) FROM live.drops, archive.drops") == [(1,)]


# What may be put into the text of a statement: names of files and columns that the code has
# itself, never a value. Each is a closed set where it stands.
COMPOSED_OF = {
    "collector.store": {
        "_quoted(target)", "read_only", "_quoted(self._data)", "_layout(database)", "database",
        "path", "version", "text", "done", "_quoted(path)", "name",
    },
    # Of the files' own catalogue, quoted: an audit looks through whatever is there.
    "collector.session": {"database", "name", "table", "column", "found"},
    "collector.stats": set(),
    "collector.control": {"due", "where"},
    "collector.control_file": {"number:d", "table"},
    "collector.settings.notebook": {"table", "name"},
    # Of SQLite: conditions and lists of columns that stand as constants beside their callers.
    "collector.people.accounts": {"where"},
    "collector.people.api_keys": {"where"},
    "collector.people.factors": {"where"},
    "collector.people.links": {"table", "where"},
    "collector.people.logins": {"_OPEN", "where"},
    "collector.settings.shares": {"_COLUMNS", "where"},
    "collector.mail.subscriptions": {"_COLUMNS", "where"},
}  # fmt: skip


def composed(text: str) -> Iterator[str]:
    """Yield what is put into texts that look like SQL, as it is written in the code."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.JoinedStr):
            fixed = "".join(str(v.value) for v in node.values if isinstance(v, ast.Constant))
            if _looks_like_sql(fixed):
                holes = [v for v in node.values if isinstance(v, ast.FormattedValue)]
                yield from (ast.unparse(ast.JoinedStr([hole]))[3:-2] for hole in holes)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
            sides = [s.value for s in (node.left, node.right) if isinstance(s, ast.Constant)]
            if any(isinstance(side, str) and _looks_like_sql(side) for side in sides):
                yield ast.unparse(node)
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in {"format", "join"}
            and isinstance(node.func.value, ast.Constant)
            and _looks_like_sql(str(node.func.value.value))
        ):
            yield ast.unparse(node)


def _looks_like_sql(text: str) -> bool:
    words = ("SELECT ", "INSERT ", "DELETE ", "UPDATE ", "ATTACH ", "DETACH ", "COPY ", "CREATE ",
             "CHECKPOINT ", "BEGIN", "PRAGMA ", "SET ", "WHERE ", "DROP ")  # fmt: skip
    return text.startswith(words)


def test_sql_is_composed_of_files_and_closed_names_only() -> None:
    """Whatever else would go into a statement is bound."""
    found = {
        ".".join(path.relative_to(ROOT).with_suffix("").parts): set(
            composed(path.read_text(encoding="utf-8"))
        )
        for package in ("collector", "dashboard")
        for path in (ROOT / package).rglob("*.py")
    }
    found = {module: parts for module, parts in found.items() if parts}
    assert {m: parts - COMPOSED_OF.get(m, set()) for m, parts in found.items()} == {
        module: set() for module in found
    }


@pytest.mark.parametrize(
    "planted",
    [
        'session.query(f"SELECT * FROM visits WHERE site = {site}")',
        'session.query("SELECT * FROM visits WHERE path = \'" + path + "\'")',
        "session.query(\"SELECT * FROM visits WHERE path = '%s'\" % path)",
        'session.query("SELECT * FROM {}".format(table))',
    ],
)
def test_a_value_in_the_text_of_a_statement_is_caught(planted: str) -> None:
    """However it got there; a bound one is none."""
    assert list(composed(planted))
    assert not list(composed('session.query("SELECT * FROM visits WHERE site = $site", site=1)'))


def test_an_error_of_duckdb_is_always_one_of_ours(ram: Path) -> None:
    """Nobody else needs to know DuckDB; the message has no value in it."""
    with opened(ram) as store:
        for text in (
            "SELECT 'hunter2'::INTEGER",
            "SELECT nonsense",
            "SELEKT",
            "SELECT error('hunter2')",
        ):
            with pytest.raises(StoreError) as caught, store.snapshot() as session:
                session.query(text)
            assert not isinstance(caught.value, duckdb.Error)
            assert "hunter2" not in str(caught.value)


def test_rows_of_the_same_transaction_are_joined_in_order(tmp_path: Path) -> None:
    """Not each with each, because DuckDB expects no rows in a table that is not yet committed."""
    with opened(tmp_path) as store, store.writing() as session:
        session.query("CREATE TEMP TABLE t AS SELECT range % 9 AS a, range AS b FROM range(1000)")
        ((_, plan),) = session.query(
            "EXPLAIN FROM t ASOF JOIN (FROM t) u ON t.a = u.a AND t.b > u.b"
        )
    assert "ASOF_JOIN" in plan
    assert "NESTED_LOOP_JOIN" not in plan


def test_a_thread_that_asks_goes_after_those_that_answer(here: House) -> None:
    """DuckDB works in it too; the main thread, which serves requests, stays as it is."""

    def niceness() -> int:
        here.rows("SELECT 1")
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = niceness()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(niceness).result()
    assert (before, asked) == (os.getpriority(os.PRIO_PROCESS, 0), max(before, 5))


def test_a_full_disk_is_told_by_its_name_and_no_value_is() -> None:
    """Whoever reads the message can make room; a file's name may be anything."""
    full = 'Failed to commit: Could not write file "/secret": No space left on device'
    assert told(duckdb.TransactionException(full)) == (
        "TransactionException: No space left on device"
    )
    assert told(duckdb.IOException('Could not read file "/secret"')) == "IOException"
