"""The two databases of a data directory: opened, migrated, read and written.

`live` holds days that are not over and is disposable: what cannot be read is moved aside and loaded
again from the journal. `archive` holds sealed days. Statements are files in `sql/`, called by name.
"""

import contextlib
import fcntl
import importlib.resources
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import duckdb

from collector import copied
from collector.gate import Gate
from collector.session import (
    ArchiveUnreadableError,
    NewerStoreError,
    Session,
    StoreBusyError,
    StoreError,
    StoreMemoryError,
    statement,
    told,
)

_LOG = logging.getLogger("gatecount.store")
# Of each column of a table that is written to, two blocks stay in memory, however few its rows:
# with the default size 36 MB for the live store. A checkpoint writes its last groups of rows anew,
# and those that lost rows. Sealed columns are long and compress better in large ones.
_BLOCK_BYTES = {"live": 16_384, "archive": 262_144}
_ROW_GROUP_ROWS = {"live": 16_384, "archive": 122_880}
# Rows that are in no checkpoint take up three times their room in the WAL, and are replayed at the
# next start; a checkpoint takes a tenth of a second.
_CHECKPOINT_THRESHOLD = "4MB"
# When that much was freed, it goes back to the system; by default 128 MB and 512 MB stay.
_FLUSH_THRESHOLD = "1MB"
# After so many statements; they leave 0.4 KiB each where they load, and 4 KiB in a dashboard.
_TIDY_AFTER = 5_000
_TIDY_WITHIN_S = 0.1  # who wants to read waits for it
_SPILL_LIMIT = "4GB"  # the default is nine tenths of the free disk
# Whoever waits for an answer goes first: on a busy core DuckDB's threads get a third of the time.
_NICENESS = 5
_INTERRUPT_EVERY_S = 0.5
_UNREADABLE_KEPT_S = 30 * 3600  # raw days are gone by 30 hours

_COPY = "archive.schema-{:04}.duckdb"  # made before an upgrade


def step_back() -> None:
    """Let other threads go before this one and those that it starts.

    On Linux niceness is each thread's own, and inherited: see sched(7). One that is nicer already
    stays so: only a superuser could change that.
    """
    thread = threading.get_native_id()
    niceness = max(_NICENESS, os.getpriority(os.PRIO_PROCESS, thread))
    os.setpriority(os.PRIO_PROCESS, thread, niceness)


def _migrations(database: str) -> list[tuple[int, str]]:
    folder = importlib.resources.files("collector") / "sql" / "migrations" / database
    files = sorted((file.name, file.read_text("utf-8")) for file in folder.iterdir())
    return [(int(name[:4]), text) for name, text in files if name.endswith(".sql")]


class Store:
    """Both databases of a data directory. One process, one thread that writes, many that read.

    Args:
        data: the data directory; made if missing.
        memory_limit_mib: what DuckDB may use.
        copying: told how many bytes of how many are copied before an upgrade.

    Raises:
        StoreBusyError, NewerStoreError, ArchiveUnreadableError
    """

    def __init__(
        self,
        data: Path,
        *,
        memory_limit_mib: int,
        threads: int,
        copying: Callable[[int, int], None] = lambda _done, _total: None,
    ) -> None:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.scratch = data / "tmp"
        self._data = data
        self.memory_limit_mib = memory_limit_mib
        self._threads = threads
        self._copying = copying
        self._gate = Gate()
        self._statements = 0  # since the last tidying, or nearly: threads add to it without a lock
        self._lock = locked(data)
        try:
            self._sweep()
            self._connect()
        except BaseException:
            os.close(self._lock)
            raise

    def close(self) -> None:
        """Close both databases; what was committed stays."""
        with self._gate.closed():
            self._root.close()
            os.close(self._lock)

    def reopen(self) -> None:
        """Start DuckDB afresh: after an error at commit only the files say what holds.

        Raises:
            StoreError: that failed too; nothing can be read or written until it is tried again.
        """
        with self._gate.closed():
            with contextlib.suppress(duckdb.Error):  # an instance that is dead need not say goodbye
                self._root.close()
            self._statements = 0
            try:
                self._connect()
            except duckdb.Error as error:
                raise StoreError(told(error)) from None

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """Run one transaction on the writer's connection; it may write to one database only.

        Temporary tables last until the next transaction replaces them.
        """
        try:
            self._writer.begin()
        except duckdb.Error as error:
            raise StoreError(told(error)) from None
        session = Session(self._writer)
        try:
            yield session
        except BaseException:
            with contextlib.suppress(duckdb.Error):  # the first error is the one to tell
                self._writer.rollback()
            raise
        finally:
            self._statements += session.statements
        try:
            self._writer.commit()
        except duckdb.Error as error:
            raise StoreError(told(error)) from None

    @contextlib.contextmanager
    def snapshot(self, limit_s: float | None = None) -> Iterator[Session]:
        """Read both databases as of one moment, live first.

        Sealing writes the archive before it deletes from live: a day in both is the archive's.
        DuckDB works in the thread that asks, too, which from then on goes after others.

        Args:
            limit_s: after so many seconds whatever runs is interrupted.
        """
        if threading.current_thread() is not threading.main_thread():  # it serves requests
            step_back()
        with self._gate.reading():
            try:
                connection = self._root.cursor()
            except duckdb.Error as error:  # reopening failed
                raise StoreError(told(error)) from None
            ends_at_s = None if limit_s is None else time.monotonic() + limit_s
            # Between two statements there is nothing to interrupt; then the session says no.
            done = threading.Event()
            watch = threading.Thread(target=_interrupt, args=(connection, done, limit_s))
            session = Session(connection, ends_at_s)
            try:
                session.query("BEGIN")
                session.run("touch_live")
                session.run("touch_archive")
                if limit_s is not None:
                    watch.start()
                yield session
            finally:
                done.set()
                if watch.ident is not None:
                    watch.join()
                connection.close()
                self._statements += session.statements

    def release_memory(self) -> None:
        """Give back to the system what large work has freed."""
        Session(self._writer).run("release_memory")

    def tidy(self) -> None:
        """Have DuckDB let go of what it knows of blocks that are gone, when that may be much.

        It leaves alone whoever reads, and is put off while anybody does.
        """
        if self._statements < _TIDY_AFTER:
            return
        with self._gate.closed(_TIDY_WITHIN_S) as is_closed:
            if not is_closed:
                return
            session, nothing = Session(self._writer), self.scratch / "nothing.jsonl"
            session.query("CHECKPOINT live")  # what is in no file yet would be spilled
            nothing.touch()
            with contextlib.suppress(StoreMemoryError):  # as meant
                session.run("tidy", file=str(nothing.resolve()))
            nothing.unlink()
            self._statements = 0

    def checkpoint_archive(self) -> None:
        """Bring the archive's file up to date with its WAL."""
        Session(self._writer).query("CHECKPOINT archive")

    @contextlib.contextmanager
    def beside(self, path: Path) -> Iterator[None]:
        """Attach another archive of this directory as `other`, for its rows to be taken over."""
        session = Session(self._writer)
        session.query(f"ATTACH '{_quoted(path)}' AS other (READ_ONLY)")
        try:
            yield
        finally:
            session.query("DETACH other")

    def copy_archive(self, target: Path) -> None:
        """Copy the archive to a new file of the data directory; nothing waits but the writer."""
        copy_database(Session(self._writer), "archive", target)

    def rewrite(self, database: str) -> None:
        """Copy what is left of a database to a new file, unlink the old: deletes leave bytes."""
        fresh = self._data / f"{database}.new.duckdb"
        for left in (fresh, _wal(fresh)):  # by an attempt that a full disk ended
            _unlink(left)
        session = Session(self._writer)
        copy_database(session, database, fresh)
        try:
            with self._gate.closed():
                session.query(f"CHECKPOINT {database}")
                session.query(f"DETACH {database}")
                # A WAL that outlived its file would be replayed into the new one.
                _unlink(_wal(self._path(database)))
                fresh.rename(self._path(database))
                _sync_directory(self._data)
                self._attach(database)
        except (duckdb.Error, OSError) as error:  # detached as it may be now, it has to be reopened
            raise StoreError(type(error).__name__) from None
        _unlink(self._data / "live.unreadable.duckdb")
        if database == "archive":  # something was deleted, and is to be gone from everywhere
            copied.forget(self._data, _COPY)

    def _path(self, database: str) -> Path:
        return self._data / f"{database}.duckdb"

    def _sweep(self) -> None:
        """Remove what a crash may have left: spills, half-made copies, unreadable raw days."""
        self.scratch.mkdir(mode=0o700, exist_ok=True)
        for left in (*self.scratch.iterdir(), *self._data.glob("*.new.duckdb*")):
            _unlink(left)
        copied.forget(self._data, _COPY, older_than_s=copied.KEPT_S)
        unreadable = self._data / "live.unreadable.duckdb"
        if unreadable.exists() and time.time() - unreadable.stat().st_mtime > _UNREADABLE_KEPT_S:
            unreadable.unlink()

    def _instance(self) -> duckdb.DuckDBPyConnection:
        return duckdb.connect(
            ":memory:",
            config={
                "memory_limit": f"{self.memory_limit_mib}MiB",
                "threads": self._threads,
                "temp_directory": str(self.scratch),
                "max_temp_directory_size": _SPILL_LIMIT,
                "checkpoint_threshold": _CHECKPOINT_THRESHOLD,
                "allocator_flush_threshold": _FLUSH_THRESHOLD,
                "allocator_bulk_deallocation_flush_threshold": _FLUSH_THRESHOLD,
                # Of a table made in the same transaction DuckDB expects no rows, and would compare
                # each with each: for sealing a day of 100,000 events a minute.
                "asof_loop_join_threshold": 0,
                # Up to 262,144 pages or ways to arrive are counted in an array rather than a hash
                # table, which takes two thirds of the time; 40 MB for each thread at most.
                "perfect_ht_threshold": 18,
                "enable_external_file_cache": False,  # what is loaded is read twice and deleted
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )

    def _connect(self) -> None:
        with ThreadPoolExecutor(1, initializer=step_back) as starter:
            self._root = starter.submit(self._instance).result()
        try:
            self._open_archive()
            self._open_live()
            for made in ("mean", "total", "mark", "span_end"):
                self._root.execute(statement(f"macro_{made}"))
            # From here on SQL reaches nothing but this directory, and cannot change that.
            self._root.execute(f"SET allowed_directories = ['{_quoted(self._data)}/']")
            self._root.execute("SET enable_external_access = false")
            self._root.execute("SET lock_configuration = true")
        except BaseException:
            self._root.close()
            raise
        self._writer = self._root.cursor()

    def _open_archive(self) -> None:
        path = self._path("archive")
        is_new = not path.exists()
        if not is_new and path.stat().st_size == 0:  # a new one to DuckDB, and a lost one to us
            raise _unreadable(path, "it is empty")
        try:
            self._attach("archive")
            self._keep_copy()
            self._migrate("archive")
        except duckdb.Error as error:
            if is_new:
                _unlink(path)
            raise _unreadable(path, told(error)) from None

    def _open_live(self) -> None:
        try:
            self._attach("live")
            self._migrate("live")
            self._root.execute(statement("check_live")).fetchall()
        except duckdb.Error as error:
            _LOG.error("live_store_unreadable", extra={"error": told(error)})
            with contextlib.suppress(duckdb.Error):  # it may never have been attached
                self._root.execute("DETACH live")
            self._move_live_aside()
            self._attach("live")
            self._migrate("live")

    def _attach(self, database: str) -> None:
        path = _quoted(self._path(database))
        self._root.execute(f"ATTACH '{path}' AS {database} ({_layout(database)})")

    def _keep_copy(self) -> None:
        """Before an older archive is brought up to date, copy it: there is no way back.

        Raises:
            StoreError: there is no room for it, or it is not what was copied.
        """
        have = self._version("archive")
        if not 0 < have < _migrations("archive")[-1][0]:
            return
        self._root.execute("CHECKPOINT archive")
        self._root.execute("DETACH archive")
        path = self._path("archive")
        copy = path.with_name(_COPY.format(have))
        try:
            copied.copy(path, copy, self._copying)
        except OSError as error:
            raise StoreError(
                f"{path} cannot be copied to {copy} before the upgrade: {error.strerror or error}"
            ) from None
        _LOG.info("archive_copied", extra={"version": have})
        self._attach("archive")

    def _version(self, database: str) -> int:
        self._root.execute(f"CREATE TABLE IF NOT EXISTS {database}.migrations (version INTEGER)")
        found = self._root.execute(f"SELECT max(version) FROM {database}.migrations").fetchone()
        return (found and found[0]) or 0

    def _migrate(self, database: str) -> None:
        """Apply what is missing, each file alone in its transaction and checkpointed after."""
        have = self._version(database)
        known = _migrations(database)
        _refuse_newer(self._path(database), have, known[-1][0])
        for version, text in known:
            if version > have:
                done = f"INSERT INTO {database}.migrations VALUES ({version})"
                self._root.execute(f"BEGIN; {text}; {done}; COMMIT")
                self._root.execute(f"CHECKPOINT {database}")

    def _move_live_aside(self) -> None:
        live = self._path("live")
        if live.exists():
            live.rename(self._data / "live.unreadable.duckdb")
        _unlink(_wal(live))
        _sync_directory(self._data)


def copy_database(session: Session, database: str, target: Path) -> None:
    """Copy a database as it is at this moment, densely, to a file that is not there yet."""
    session.query(f"ATTACH '{_quoted(target)}' AS fresh ({_layout(database)})")
    try:
        session.query(f"COPY FROM DATABASE {database} TO fresh")
        session.query("CHECKPOINT fresh")
    finally:
        session.query("DETACH fresh")


def refuse_newer_archive(session: Session, path: Path) -> None:
    """Raise NewerStoreError if an archive that is open has a schema of the future."""
    ((have,),) = session.run("schema_archive")
    _refuse_newer(path, have, _migrations("archive")[-1][0])


def _refuse_newer(path: Path, have: int, known: int) -> None:
    if have > known:
        raise NewerStoreError(
            f"{path} was written by a newer gatecount (schema {have}, this one knows {known})."
            " Upgrade, or restore the backup made before."
        )


@contextlib.contextmanager
def opened_alone(
    files: Mapping[str, Path],
    scratch: Path,
    *,
    read_only: bool = False,
    memory_limit_mib: int | None = None,
) -> Iterator[Session]:
    """Open databases by their names, apart from any server: copies, or what no server has open.

    Args:
        files: `archive` and what else there is.
        scratch: where DuckDB may spill.
        read_only: nothing is written, and a write-ahead log is read with its file, not into it.
        memory_limit_mib: what DuckDB may use; if not given, most of what there is.

    Raises:
        StoreError: one of them cannot be read.
    """
    config: dict[str, str | bool | int | float | list[str]] = {
        "temp_directory": str(scratch),
        **({"memory_limit": f"{memory_limit_mib}MiB"} if memory_limit_mib else {}),
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    with contextlib.closing(duckdb.connect(":memory:", config=config)) as connection:
        session = Session(connection)
        for name, path in files.items():
            session.query(f"ATTACH '{_quoted(path)}' AS {name} (READ_ONLY {read_only})")
        yield session


@cache
def program_columns(databases: tuple[str, ...]) -> frozenset[tuple[str, str, str]]:
    """Return (database, table, column) of all that the migrations of databases make."""
    with contextlib.closing(duckdb.connect(":memory:")) as connection:
        for database in databases:
            connection.execute(f"ATTACH ':memory:' AS {database}")
            for _, text in _migrations(database):
                connection.execute(text)
        rows = connection.execute(statement("audit_columns")).fetchall()
    return frozenset((database, table, column) for database, table, column, _ in rows)


def _unreadable(archive: Path, why: str) -> ArchiveUnreadableError:
    return ArchiveUnreadableError(
        f"{archive} cannot be read ({why}). Restore it from a backup, or move it away to start"
        " without the days it holds."
    )


def _interrupt(
    connection: duckdb.DuckDBPyConnection, done: threading.Event, limit_s: float
) -> None:
    """Interrupt what still runs after so many seconds, and what has begun in that very moment."""
    while not done.wait(limit_s):
        connection.interrupt()
        limit_s = _INTERRUPT_EVERY_S


def _layout(database: str) -> str:
    block_bytes, row_group_rows = _BLOCK_BYTES[database], _ROW_GROUP_ROWS[database]
    return f"BLOCK_SIZE {block_bytes}, ROW_GROUP_SIZE {row_group_rows}"


def locked(data: Path) -> int:
    """Return the descriptor that keeps a data directory's databases to this process.

    Raises:
        StoreBusyError: another has them.
    """
    path = data / "store.lock"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise StoreBusyError(
            f"{path.parent} is in use by another gatecount. One `serve` at a time can have it."
        ) from None
    return descriptor


def _wal(database: Path) -> Path:
    return database.with_name(database.name + ".wal")


def _quoted(path: Path) -> str:
    return str(path.resolve()).replace("'", "''")


def _unlink(path: Path) -> None:
    path.unlink(missing_ok=True)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
