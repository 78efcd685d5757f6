"""Statements, which are files in `sql/`, and who runs them, for as long as there is time."""

import errno
import importlib.resources
import os
import re
import sys
import time
from functools import cache
from typing import Any

import duckdb

# For each value that is bound DuckDB imports pandas, to see whether the value is one of its own. It
# is not there, and looking for it in vain takes a millisecond; None says so at once.
# Source: https://docs.python.org/3/reference/import.html#the-module-cache
sys.modules.setdefault("pandas", None)  # type: ignore[arg-type]

_NO_ROOM = os.strerror(errno.ENOSPC)  # as DuckDB ends what it says of any file
_PART = re.compile(r"\(/\*(\w+)\*/\)")


class StoreError(Exception):
    """DuckDB refused something; after a failed commit only `Store.reopen` tells what holds."""


class StoreBusyError(StoreError):
    """Another process has this data directory open."""


class StoreInterruptedError(StoreError):
    """A query took longer than it may."""


class StoreMemoryError(StoreError):
    """A query needs more memory than it may have."""


class NewerStoreError(StoreError):
    """A file was written by a newer version of the program."""


class ArchiveUnreadableError(StoreError):
    """The archive will not open; unlike the live store it cannot be rebuilt."""


@cache
def statement(name: str) -> str:
    """Return the text of `sql/NAME.sql`, with `(/*OTHER*/)` as the statement of that name."""
    text = (importlib.resources.files("collector") / "sql" / f"{name}.sql").read_text("utf-8")
    return _PART.sub(lambda part: f"(\n{statement(part[1]).rstrip().removesuffix(';')}\n)", text)


class Session:
    """Runs named statements on one connection, for as long as there is time."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, ends_at_s: float | None = None
    ) -> None:
        self._connection = connection
        self._ends_at_s = ends_at_s
        self.statements = 0  # that were run

    def run(self, name: str, **values: object) -> list[tuple[Any, ...]]:
        """Run `sql/NAME.sql` with its `$values` bound; return all rows."""
        return self.query(statement(name), **values)

    def query(self, text: str, **values: object) -> list[tuple[Any, ...]]:
        """Run a statement composed of files and closed enums; every value is bound.

        Raises:
            StoreInterruptedError: there is no time left.
            StoreMemoryError: there is not enough memory.
        """
        if self._ends_at_s is not None and time.monotonic() >= self._ends_at_s:
            raise StoreInterruptedError("no time left")
        self.statements += 1
        try:
            return self._connection.execute(text, values or None).fetchall()
        except duckdb.InterruptException:
            raise StoreInterruptedError("interrupted") from None
        except duckdb.OutOfMemoryException as error:
            raise StoreMemoryError(told(error)) from None
        except duckdb.Error as error:
            raise StoreError(told(error)) from None

    def texts(self, database: str, table: str, column: str) -> list[tuple[str]]:
        """Return the different values of a column, as texts; for looking through all there is."""
        names = (name.replace('"', '""') for name in (database, table, column))
        database, table, column = (f'"{name}"' for name in names)
        found = f"SELECT DISTINCT {column}::VARCHAR FROM {database}.{table}"
        return self.query(f"{found} WHERE {column} IS NOT NULL")

    def read_through(self, database: str) -> int:
        """Read every value of a database, and so check every block; return how many rows it has.

        Raises:
            StoreError: something cannot be read.
        """
        rows = 0
        for (table,) in self.run("tables_of", database=database):
            name = table.replace('"', '""')
            whole = f'SELECT count(*), bit_xor(hash(t)) FROM {database}."{name}" t'
            rows += int(self.query(whole)[0][0])
        return rows


def told(error: duckdb.Error) -> str:
    """Say what went wrong without the values DuckDB likes to quote.

    Only what is wrong with a statement itself, found before it reads a value, is quoted; and that
    a disk is full, which somebody can help.
    """
    kind = type(error).__name__
    if _NO_ROOM in str(error):
        return f"{kind}: {_NO_ROOM}"
    if isinstance(error, duckdb.ParserException | duckdb.BinderException | duckdb.CatalogException):
        return f"{kind}: {error}"
    return kind
