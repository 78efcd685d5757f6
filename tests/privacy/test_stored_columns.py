"""What is stored is what is listed in `columns.py`: a new column fails until then."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

import duckdb
import msgspec
import pytest

from collector import journal, statement
from collector.journal import Drops, Erasure, Event, NewKey, Record
from collector.languages import words
from tests.house import event, house
from tests.privacy.columns import FILES, LINE, STORED, WAYS
from tests.privacy.conftest import Watched

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
RECORDS: dict[str, Record] = {
    "Event": event(1, NOW),
    "Drops": Drops(1, "2026-11-24", "bot", 1),
    "NewKey": NewKey(1, "2026-11-24", 0),
    "Erasure": Erasure(1, "2026-11-24", 2, 3),
}


def _line_fields(record: Record) -> set[str]:
    """Return what may stand in a record's line; fields at their defaults are left out of it."""
    fields = {field.name for field in msgspec.structs.fields(record)}
    return fields | set(json.loads(journal.line(record)))


def _duckdb_columns(path: Path) -> dict[str, set[str]]:
    with duckdb.connect(path) as connection:
        pairs = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    return {table: {column for of, column in pairs if of == table} for table, _ in pairs}


def _sqlite_columns(path: Path) -> dict[str, set[str]]:
    with closing(sqlite3.connect(path)) as connection:
        pairs = connection.execute(
            "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c"
            " WHERE t.type IN ('table', 'view')"
        ).fetchall()
    return {table: {column for of, column in pairs if of == table} for table, _ in pairs}


def stored(data: Path) -> dict[str, set[str]]:
    """Return the columns of every table of a data directory, and the fields of journal lines."""
    read = {
        "journal": {kind: _line_fields(record) for kind, record in RECORDS.items()},
        "live": _duckdb_columns(data / "live.duckdb"),
        "archive": _duckdb_columns(data / "archive.duckdb"),
        "control": _sqlite_columns(data / "control.sqlite"),
    }
    return {
        f"{where}: {of}": found for where, tables in read.items() for of, found in tables.items()
    }


@pytest.fixture(name="made", scope="module")
def make_data(ram_of_module: Path) -> Path:
    """Make the databases as the program does."""
    with house(ram_of_module) as here:
        site = here.site()
        here.load(event(site, NOW))
    return ram_of_module


@pytest.fixture(name="data")
def copy_data(made: Path, ram: Path) -> Path:
    """Return a copy that a test may change."""
    return Path(shutil.copytree(made, ram, dirs_exist_ok=True))


def test_every_stored_column_is_listed_with_a_reason(data: Path) -> None:
    """And every listed one is stored."""
    listed = {of: set(columns) for of, columns in STORED.items()}
    assert stored(data) == listed
    assert all(reason for columns in STORED.values() for reason in columns.values())


def test_the_statement_lists_what_is_stored() -> None:
    """A column that a visitor is not told of fails here; so does one that is gone."""
    ways = WAYS.keys() - {"arrival", "digest"}
    assert {*statement.VISITS} == STORED["archive: visits"].keys() - {"arrival"} | ways
    assert {*statement.EVENTS} == STORED["archive: events"].keys() - {"arrival", "page"} | {"path"}
    assert {*statement.UNSEALED} | {*LINE} == set(STORED["journal: Event"])
    told = {key.removeprefix("column.") for key in words("en").texts if key.startswith("column.")}
    assert {*statement.VISITS, *statement.EVENTS, *statement.UNSEALED} == told


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("live.duckdb", "ALTER TABLE events ADD COLUMN address VARCHAR"),
        ("live.duckdb", "CREATE TABLE seen (user_agent VARCHAR)"),
        ("archive.duckdb", "ALTER TABLE visits ADD COLUMN started_at_us BIGINT"),
        ("archive.duckdb", "CREATE VIEW visitors AS SELECT visitor FROM visits"),
    ],
)
def test_a_new_column_of_duckdb_is_noticed(data: Path, file: str, change: str) -> None:
    """In an old table, in a new one, or in a view."""
    with duckdb.connect(data / file) as connection:
        connection.execute(change)
    assert stored(data) != {of: set(columns) for of, columns in STORED.items()}


@pytest.mark.parametrize(
    "change", ["ALTER TABLE logins ADD COLUMN address TEXT", "CREATE TABLE audit (address TEXT)"]
)
def test_a_new_column_of_sqlite_is_noticed(data: Path, change: str) -> None:
    """In an old table or in a new one."""
    with closing(sqlite3.connect(data / "control.sqlite")) as connection:
        connection.execute(change)
    assert stored(data) != {of: set(columns) for of, columns in STORED.items()}


def test_a_new_field_of_the_journal_is_noticed() -> None:
    """Also while it is left out of the line because it is at its default."""

    class _Leaky(Event, tag="event", omit_defaults=True, frozen=True):
        address: str = ""

    leaky = _Leaky(**msgspec.structs.asdict(RECORDS["Event"]))
    assert _line_fields(leaky) - set(STORED["journal: Event"]) == {"address"}


def _unlisted(data: Path) -> list[str]:
    names = [str(path.relative_to(data)) for path in sorted(data.rglob("*"))]
    return [name for name in names if not any(fnmatch(name, listed) for listed in FILES)]


def test_every_file_of_a_data_directory_is_listed(watched: Watched) -> None:
    """After a session on every road."""
    assert _unlisted(watched.here.data) == []


def test_a_new_file_is_noticed(data: Path) -> None:
    """Wherever it lies."""
    (data / "journal" / "addresses.log").touch()
    (data / "visitors.sqlite").touch()
    assert _unlisted(data) == ["journal/addresses.log", "visitors.sqlite"]
