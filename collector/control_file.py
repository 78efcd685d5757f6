"""The file control.sqlite itself: opened, brought up to date, read and written.

`serve`, ingest workers and the command line share it. It keeps SQLite's rollback journal: a few
small writes a day gain nothing from a write-ahead log, which would add two files without which a
copy of the first may lack its last changes.
"""

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collector import copied

Connection = sqlite3.Connection
SQLITE_VERSION = sqlite3.sqlite_version

_MIGRATIONS = Path(__file__).parent / "sql" / "control"
_BUSY_TIMEOUT_S = 5.0  # writes take milliseconds; longer means that something is stuck
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class ControlError(Exception):
    """Something about sites or access cannot be done; the message says what and why."""


class StorageError(ControlError):
    """The file cannot be read or written: full disk, no permission, damage, or stuck."""

    def __init__(self, path: Path, cause: Exception) -> None:
        super().__init__(f"{path}: {cause}")


class NewerFileError(ControlError):
    """The file was written by a later version of the program."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            f"{path} has format {found}, this program knows up to {known}: "
            "install the version that wrote it, or a later one"
        )


class ControlFile:
    """The open file; every method may be called from any thread.

    Reading takes microseconds; writing takes milliseconds, and up to five seconds when another
    process writes. Whatever reads or writes raises StorageError when that cannot be done.
    """

    def __init__(self, path: Path, connection: Connection) -> None:
        self._path = path
        self._connection = connection
        self._lock = threading.Lock()

    def close(self) -> None:
        """Close the file; later calls raise StorageError."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[Connection]:
        """Hold the connection; what SQLite has to say becomes a StorageError."""
        try:
            with self._lock:
                yield self._connection
        except sqlite3.Error as error:
            raise StorageError(self._path, error) from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[Connection]:
        """Hold the write lock from the start: two that read first could not both go on to write."""
        with self.reading() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    def texts(self) -> Iterator[str]:
        """Yield every text that is kept, for looking through all there is."""
        with self.reading() as connection:
            tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            for (table,) in tables.fetchall():
                rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
                yield from (value for row in rows for value in row if isinstance(value, str))


def opened(path: Path) -> Connection:
    """Open the file, made (mode 0600) or brought up to date as needed.

    Args:
        path: where the file is or shall be; the directory must exist.

    Raises:
        NewerFileError: a later version of the program wrote the file.
        StorageError: it cannot be made, or is no database.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        return _connect(path)
    except (OSError, sqlite3.Error) as error:
        raise StorageError(path, error) from error


def migrate(connection: Connection, path: Path, folder: Path = _MIGRATIONS) -> None:
    """Apply the migrations `NNNN_*.sql` that a file lacks, each alone in its transaction.

    Several processes may do so at once: the version is read again under the write lock. A file that
    has some is copied first: there is no way back.

    Raises:
        NewerFileError: the file has a migration that `folder` has not.
    """
    scripts = {int(file.name[:4]): file for file in folder.glob("[0-9]*.sql")}
    newest = max(scripts)
    if (found := _version(connection)) > newest:
        raise NewerFileError(path, found, newest)
    if 0 < found < newest:
        _keep_copy(connection, path, newest)
    for number in range(found + 1, newest + 1):
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if _version(connection) < number:
                for statement in _statements(scripts[number].read_text(encoding="utf-8")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number:d}")


def _keep_copy(connection: Connection, path: Path, newest: int) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")  # so that one process copies, and the others find it
        found = _version(connection)
        if found == newest:
            return
        copy = path.with_name(_copy_of(path).format(found))
        part = copy.with_name(copy.name + ".part")
        os.close(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600))
        with (
            contextlib.closing(
                _as_it_is(path)
            ) as old,  # SQLite copies from no connection that writes
            contextlib.closing(sqlite3.connect(part)) as copying,
        ):
            old.backup(copying)
            ((verdict,), *_) = copying.execute("PRAGMA integrity_check").fetchall()
            if verdict != "ok" or _version(copying) != found:
                raise sqlite3.DatabaseError(f"{part}: {verdict}")
        copied.settle(part, copy)


def _copy_of(path: Path) -> str:
    return f"{path.stem}.schema-{{:04}}{path.suffix}"


def copy_file(source: Path, target: Path) -> None:
    """Copy control.sqlite as it is at one moment, whoever writes to it meanwhile.

    It is not brought up to date: what an older program wrote, that one can read again.

    Raises:
        StorageError: one of them cannot be opened, read or written.
    """
    try:
        with (
            contextlib.closing(_as_it_is(source)) as old,
            contextlib.closing(sqlite3.connect(target, timeout=_BUSY_TIMEOUT_S)) as new,
        ):
            old.backup(new)
    except sqlite3.Error as error:
        raise StorageError(source, error) from error


def look_through(path: Path) -> int:
    """Return how many sites stand in a file, having checked that it is whole.

    Raises:
        NewerFileError: a later version of the program wrote it.
        StorageError: it is damaged.
    """
    try:
        with contextlib.closing(_as_it_is(path)) as connection:
            newest = max(int(file.name[:4]) for file in _MIGRATIONS.glob("[0-9]*.sql"))
            if (found := _version(connection)) > newest:
                raise NewerFileError(path, found, newest)
            ((verdict,), *_) = connection.execute("PRAGMA integrity_check").fetchall()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            standing = "SELECT count(*) FROM sites WHERE removed_at IS NULL"
            return int(connection.execute(standing).fetchone()[0])
    except sqlite3.Error as error:
        raise StorageError(path, error) from error


def _as_it_is(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", timeout=_BUSY_TIMEOUT_S, uri=True)


def _version(connection: Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """Split a script: `executescript` would commit the transaction it is called in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _connect(path: Path) -> Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        # EXTRA also makes the end of a transaction durable: a removal that was reported stays.
        connection.execute("PRAGMA synchronous = EXTRA")
        migrate(connection, path)
        copied.forget(path.parent, _copy_of(path), older_than_s=copied.KEPT_S)
    except BaseException:
        connection.close()
        raise
    return connection


def microseconds(when: datetime) -> int:
    """Return a moment as it is kept."""
    return (when - _EPOCH) // _MICROSECOND


def moment(kept_us: int) -> datetime:
    """Return a moment that was kept."""
    return _EPOCH + kept_us * _MICROSECOND
