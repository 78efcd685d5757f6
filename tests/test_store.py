"""The stores: opening, migrating, keeping SQL inside, and what happens to files that are bad."""

import ast
import contextlib
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
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
from tests.disks import files_no_larger_than
from tests.house import event, house

ROOT = Path(__file__).parents[1]
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
VISITS = "SELECT site, date::VARCHAR, token, started_at_us, events FROM live.visits ORDER BY ALL"


@contextlib.contextmanager
def opened(data: Path) -> Iterator[Store]:
    """Open the stores of a data directory."""
    with contextlib.closing(Store(data, memory_limit_mib=128, threads=1)) as store:
        yield store


def query(store: Store, text: str) -> list[tuple[object, ...]]:
    """Ask the stores."""
    with store.snapshot() as session:
        return session.query(text)


def write(store: Store, text: str) -> None:
    """Change a store."""
    with store.writing() as session:
        session.query(text)


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


ESCAPES = [
    "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_blob('/proc/self/environ')",
    "SELECT * FROM sniff_csv('/etc/passwd')",
    "SELECT * FROM glob('/etc/*')",
    "SELECT * FROM read_text('{data}/../outside.txt')",
    "SELECT * FROM read_text('{data}-beside/outside.txt')",
    "SELECT * FROM read_text('{data}/link')",
    "SELECT * FROM read_text('{data}/folder/passwd')",
    "SELECT * FROM read_csv('https://192.0.2.1/')",
    "SELECT getenv('HOME')",
    "COPY (SELECT 1) TO '{data}/../out.csv'",
    "EXPORT DATABASE '{data}/../out'",
    "IMPORT DATABASE '/tmp'",
    "ATTACH '{data}/../out.duckdb' AS other",
    "INSTALL httpfs",
    "LOAD httpfs",
    "LOAD '{data}/../out.duckdb_extension'",
    "CREATE SECRET s (TYPE s3)",
]
SETTINGS = [
    "enable_external_access = true", "lock_configuration = false", "allowed_directories = ['/']",
    "allowed_paths = ['/etc/passwd']", "memory_limit = '10GB'", "threads = 64",
    "temp_directory = '/tmp'", "max_temp_directory_size = '100GB'", "log_query_path = '/tmp/log'",
    "autoload_known_extensions = true", "autoinstall_known_extensions = true",
    "extension_directory = '/tmp'", "secret_directory = '/tmp'", "home_directory = '/tmp'",
]  # fmt: skip


@pytest.fixture(name="boxed", scope="module")
def open_with_neighbours(ram_of_module: Path) -> Iterator[tuple[Store, Path]]:
    """Open stores beside a file that is none of their business."""
    data = ram_of_module / "data"
    with opened(data) as store:
        for folder in (ram_of_module, ram_of_module / "data-beside"):
            folder.mkdir(exist_ok=True)
            (folder / "outside.txt").write_text("secret", encoding="utf-8")
        (data / "link").symlink_to("/etc/passwd")
        (data / "folder").symlink_to("/etc")
        yield store, data


@pytest.mark.parametrize("text", ESCAPES + [f"SET {setting}" for setting in SETTINGS])
def test_sql_stays_inside_the_data_directory(boxed: tuple[Store, Path], text: str) -> None:
    """It reads and writes nothing else, and cannot allow itself to."""
    store, data = boxed
    outside = sorted(data.parent.iterdir())
    for session in (store.snapshot, store.writing):
        with pytest.raises(StoreError), session() as asked:
            asked.query(text.format(data=data))
    assert sorted(data.parent.iterdir()) == outside


def test_the_sandbox_is_told_from_a_broken_store(boxed: tuple[Store, Path]) -> None:
    """The same statements on files inside do work, so it is the place that is refused."""
    store, data = boxed
    (data / "inside.txt").write_text("inside", encoding="utf-8")
    assert query(store, f"SELECT content FROM read_text('{data}/inside.txt')") == [("inside",)]
    write(store, f"ATTACH '{data}/inside.duckdb' AS other; DETACH other")


def test_what_a_crash_left_is_wiped_at_the_start(ram: Path) -> None:
    """Spills and half-made copies, which hold raw rows; nothing else."""
    with opened(ram):
        pass
    kept = ["control.sqlite", "journal.jsonl", "live.duckdb", "archive.duckdb", "store.lock"]
    for name in kept[:2]:
        (ram / name).write_text("kept", encoding="utf-8")
    for name in ("tmp/duckdb_temp_storage-0.tmp", "tmp/passage.jsonl", "live.new.duckdb",
                 "live.new.duckdb.wal", "archive.new.duckdb"):  # fmt: skip
        (ram / name).write_text("left", encoding="utf-8")
    with opened(ram):
        pass
    assert list((ram / "tmp").iterdir()) == []
    assert {path.name for path in ram.iterdir()} == {*kept, "tmp"}


def test_an_unreadable_live_store_is_kept_for_thirty_hours(ram: Path) -> None:
    """Long enough to look at it; raw days are gone by then."""
    unreadable = ram / "live.unreadable.duckdb"
    unreadable.write_bytes(b"noise")
    for hours, is_kept in ((0, True), (29.9, True), (30.1, False)):
        changed_s = time.time() - hours * 3600
        os.utime(unreadable, (changed_s, changed_s))
        with opened(ram):
            assert unreadable.exists() is is_kept


@pytest.fixture(scope="module")
def prepared(ram_of_module: Path) -> Path:
    """Load two days of a site, and a chunk that is held; seal the first day, and close."""
    folder = ram_of_module / "prepared"
    folder.mkdir()
    with house(folder) as here:
        site, other = here.site(), here.site("example.org")
        here.load(
            *[
                event(site, day + timedelta(seconds=n), token=n // 3 + 1, path=f"/page-{n % 7}")
                for day in (NOON - timedelta(days=1), NOON)
                for n in range(90)
            ]
        )
        here.append("held", event(other, NOON))
        here.loader.load()
        assert here.sealer.seal_due(NOON) == 1
        assert here.rows("SELECT count(*) FROM live.events") == [(91,)]
        assert here.rows("SELECT sum(events) FROM archive.sealed") == [(90,)]
    return folder


@pytest.fixture
def filled(prepared: Path, ram: Path) -> Path:
    """Return a data directory of one's own with two days in it."""
    return shutil.copytree(prepared, ram / "filled")


@pytest.fixture(scope="module")
def visits(prepared: Path) -> list[tuple[object, ...]]:
    """Return the visits that are live in it."""
    with house(prepared) as here:
        found = here.rows(VISITS)
    assert len(found) == 31
    return found


def spoil(file: Path, how: str) -> None:
    """Damage a database file."""
    content = file.read_bytes()
    chance = random.Random(5)
    if how == "noise":
        content = chance.randbytes(len(content))
    elif how == "noise after the head":
        content = content[:12288] + chance.randbytes(len(content) - 12288)
    elif how == "empty":
        content = b""
    elif how == "half":
        content = content[: len(content) // 2]
    elif how == "another program's":
        content = b"SQLite format 3\0" + bytes(4096)
    file.write_bytes(content)


@pytest.mark.parametrize("how", ["noise", "noise after the head", "empty", "half"])
def test_a_live_store_that_cannot_be_read_is_made_again(
    filled: Path, visits: list[tuple[object, ...]], how: str
) -> None:
    """From the journal, without what is sealed; the bad file is put aside."""
    live = filled / "live.duckdb"
    spoil(live, how)
    bad = live.read_bytes()
    with house(filled) as here:
        for _ in range(2):
            here.loader.load()
            assert here.rows(VISITS) == visits
            assert here.rows("SELECT count(*) FROM live.events") == [(91,)]
            assert here.rows("SELECT sum(events) FROM archive.sealed") == [(90,)]
        if bad:  # an empty file is a new one to DuckDB
            assert (filled / "live.unreadable.duckdb").read_bytes() == bad


def test_a_bit_that_flipped_in_the_live_store_changes_no_number(
    filled: Path, visits: list[tuple[object, ...]]
) -> None:
    """Wherever it is: it is noticed at the start, or it does not matter."""
    live = filled / "live.duckdb"
    whole = live.read_bytes()
    chance = random.Random(11)
    made_again = 0
    for _ in range(5):
        place = chance.randrange(len(whole))
        live.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with house(filled) as here:
            made_again += here.rows("SELECT count(*) FROM live.ledger") == [(0,)]
            here.loader.load()
            assert here.rows(VISITS) == visits, place
    assert made_again > 0


@pytest.mark.parametrize("how", ["noise after the head", "half", "another program's", "empty"])
def test_an_archive_that_cannot_be_read_stops_the_start(filled: Path, how: str) -> None:
    """It cannot be made again: nothing is moved or written, and the message says what to do."""
    archive = filled / "archive.duckdb"
    good = archive.read_bytes()
    spoil(archive, how)
    bad = archive.read_bytes()
    with pytest.raises(ArchiveUnreadableError) as caught:
        Store(filled, memory_limit_mib=128, threads=1)
    assert str(caught.value).startswith(f"{archive} cannot be read (")
    assert "Restore it from a backup, or move it away" in str(caught.value)
    assert archive.read_bytes() == bad
    archive.write_bytes(good)
    with opened(filled) as store:
        assert query(store, "SELECT sum(events) FROM archive.sealed") == [(90,)]


def test_an_archive_that_could_not_be_made_is_not_in_the_way_later(ram: Path) -> None:
    """As on a full disk at the very first start: what DuckDB leaves is an empty file."""
    with files_no_larger_than(0), pytest.raises(ArchiveUnreadableError):
        Store(ram, memory_limit_mib=128, threads=1)
    assert not (ram / "archive.duckdb").exists()
    with opened(ram) as store:
        assert query(store, "SELECT count(*) FROM archive.sealed") == [(0,)]


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


def test_readers_see_no_change_while_files_are_rewritten(filled: Path) -> None:
    """Rewriting waits for those who read, and those who come then wait for it."""
    with house(filled) as here:
        ended = threading.Event()
        totals: list[object] = []
        both = (
            "SELECT count(*), sum(events) FROM (SELECT events FROM archive.visits UNION ALL"
            " SELECT events FROM live.visits ANTI JOIN archive.sealed USING (site, date))"
        )

        def read() -> None:
            while not ended.is_set():
                totals.extend(here.rows(both))

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        try:
            for _ in range(2):
                here.store.rewrite("live")
                here.store.rewrite("archive")
        finally:
            ended.set()
            for reader in readers:
                reader.join()
        assert set(totals) == {(61, 181)}


def test_deleted_bytes_are_gone_once_a_store_is_rewritten(ram: Path) -> None:
    """Before that, they are still in its file."""
    with house(ram) as here:
        site = here.site()
        here.load(event(site, NOON, path="/doomed"), event(site, NOON, token=2, path="/kept"))
        (ram / "journal" / "000001.jsonl").unlink()
        write(here.store, "DELETE FROM live.pages WHERE path = '/doomed'")
        assert b"/doomed" in here.bytes_on_disk()
        here.store.rewrite("live")
        assert b"/doomed" not in here.bytes_on_disk()
        assert b"/kept" in here.bytes_on_disk()
        assert here.rows("SELECT path FROM live.pages") == [("/kept",)]
        here.load(event(site, NOON, token=3, path="/later"))
    with house(ram) as here:
        assert here.rows("SELECT path FROM live.pages ORDER BY 1") == [("/kept",), ("/later",)]


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


def test_a_thread_that_asks_goes_after_those_that_answer(filled: Path) -> None:
    """DuckDB works in it too; the main thread, which serves requests, stays as it is."""
    with house(filled) as here:

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
