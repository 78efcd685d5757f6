"""Where something of a visitor could be left behind, read to the last row.

DuckDB compresses what it has checkpointed, and packs numbers into bits: raw bytes alone would say
little. So every file is read twice: as bytes, and row by row where it is a database.
"""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

import duckdb

from tests.privacy.canaries import NEEDLES, Leak, Needle, search
from tests.serving import Installation

_BETWEEN = b"\n"


class Content(NamedTuple):
    """A place by its name, and what is there."""

    place: str
    content: bytes


def files(folder: Path) -> Iterator[Content]:
    """Yield the names of all that is below a folder, and what the files hold."""
    paths = sorted(folder.rglob("*"))
    yield Content("names of files", "\n".join(str(path) for path in paths).encode())
    for path in paths:
        if path.is_file():
            yield Content(str(path.relative_to(folder)), path.read_bytes())


def rows(folder: Path) -> Iterator[Content]:
    """Yield every table of the databases below a folder as text.

    Copies are read, with what is still in their write-ahead logs: reading must not tidy up.
    """
    with tempfile.TemporaryDirectory() as copies:
        for path in sorted(folder.rglob("*.duckdb")):
            for part in path.parent.glob(f"{path.name}*"):
                shutil.copy(part, copies)
            yield from _duckdb_tables(Path(copies, path.name))
        for path in sorted(folder.rglob("*.sqlite")):
            for part in path.parent.glob(f"{path.name}*"):
                shutil.copy(part, copies)
            yield from _sqlite_tables(Path(copies, path.name))


def _duckdb_tables(path: Path) -> Iterator[Content]:
    with duckdb.connect(path) as connection:
        names = connection.execute(
            "SELECT schema_name || '.' || table_name FROM duckdb_tables() WHERE NOT internal"
        ).fetchall()
        for (name,) in names:
            found = connection.execute(f"FROM {name}").fetchall()
            yield Content(f"{path.name}: {name}", _as_text(found))


def _sqlite_tables(path: Path) -> Iterator[Content]:
    with closing(sqlite3.connect(path)) as connection:
        names = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
        for (name,) in names:
            found = connection.execute(f"SELECT * FROM {name}").fetchall()
            yield Content(f"{path.name}: {name}", _as_text(found))


def _as_text(found: Iterable[tuple[object, ...]]) -> bytes:
    return _BETWEEN.join(_cell(value) for row in found for value in row)


def _cell(value: object) -> bytes:
    """Return a value as somebody would search for it: numbers in decimal, bytes as they are."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, dict):
        return _BETWEEN.join(_cell(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple):
        return _BETWEEN.join(map(_cell, value))
    text = str(value)
    written = text.encode("utf-8", "surrogatepass")
    # Bytes that somebody took for characters.
    return written if text.isascii() else written + _BETWEEN + text.encode("latin-1", "replace")


def everything(here: Installation) -> Iterator[Content]:
    """Yield all that an installation's processes wrote: data, keys, output, temporary files.

    Their working directory and home is the installation's own folder.
    """
    yield from files(here.folder)
    yield from files(here.key_dir)
    yield from rows(here.folder)


def leaks(contents: Iterable[Content], sought: Sequence[Needle] = NEEDLES) -> list[Leak]:
    """Search contents for every form of every canary."""
    return [leak for place, content in contents for leak in search(content, place, sought)]
