"""`gatecount backup` and `restore`: sealed days and control data, consistent and checked.

A backup is a directory like a data directory, with a list of its files that is written last: what
has no list is no backup. Copied in this order, each as of one moment: chunks of the journal (only
when asked), control.sqlite, archive. A day that is sealed meanwhile is in the archive then, and a
site that is removed meanwhile still stands in control.sqlite, so that its numbers belong to it.
"""

import contextlib
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import msgspec

from collector import control_file, journal
from collector.config import Config, StartError
from collector.lending import LendingError, Loan
from collector.session import Session, StoreError
from collector.store import copy_database, locked, opened_alone, refuse_newer_archive

LIST = "backup.json"
_FORMAT = 1
_CONTROL, _ARCHIVE, _JOURNAL = "control.sqlite", "archive.duckdb", "journal"
_READ_BYTES = 1 << 20
# No other names are written to: a list may come from anywhere.
_NAME = re.compile(r"control\.sqlite|archive\.duckdb|journal/[0-9A-Za-z-]+\.jsonl")
_LOOK_EVERY_S = 0.2
_OF_A_FILE_SYSTEM = frozenset({"lost+found"})  # a volume of one's own begins with it


class BackupError(StartError):
    """Nothing can be backed up or restored: from there, or to here."""


class Counts(msgspec.Struct, frozen=True):
    """What an archive holds."""

    days: int
    first_day: str | None
    last_day: str | None
    visits: int
    events: int
    rollups: int


class File(msgspec.Struct, frozen=True):
    """One file of a backup."""

    name: str  # below the backup
    size_bytes: int
    sha256: str


class Backup(msgspec.Struct, frozen=True):
    """What a backup is, as its list says."""

    format: int
    version: str  # of the program
    made_at: datetime
    sites: int
    has_unsealed: bool
    archive: Counts
    files: tuple[File, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a piece of work is."""

    what: str
    done: int
    total: int


def back_up(
    config: Config, target: Path, now: datetime, *, has_unsealed: bool = False
) -> Iterator[Progress | Backup]:
    """Back up a data directory, beside a running server or without; the last thing is the backup.

    Args:
        config: `data` is backed up; DuckDB may use `memory_limit`.
        target: a directory that is empty or not there.
        now: when it is.
        has_unsealed: the journal's chunks too: the days that are not over, with their tokens.

    Raises:
        BackupError: something is in the way, or the copy is not what was copied.
    """
    if not (config.data / _CONTROL).exists():
        raise BackupError(f"{config.data} is no data directory: it has no {_CONTROL}")
    with told(), filling(target):
        if has_unsealed:
            yield from _copy_chunks(config.data / _JOURNAL, target / _JOURNAL)
        control_file.copy_file(config.data / _CONTROL, target / _CONTROL)
        sites = control_file.look_through(target / _CONTROL)
        with closing(Loan(config.data)) as loan:
            yield from awaited(loan)
            yield from _copy_archive(loan.path, target, config.memory_limit)
            original = _counts(loan.path, target, config.memory_limit)
        if _counts(target / _ARCHIVE, target, config.memory_limit) != original:
            raise BackupError("the copy of the archive does not hold what the archive does")
        files: list[File] = []
        yield from _list(target, files)
        made = Backup(
            _FORMAT, version("gatecount"), now, sites, has_unsealed, original, tuple(files)
        )
        _write(target / LIST, [msgspec.json.format(msgspec.json.encode(made)) + b"\n"])
    yield made


def restore(config: Config, source: Path) -> Iterator[Progress | Backup]:
    """Fill an empty data directory from a backup; the last thing is what was restored.

    Raises:
        BackupError: the data directory is not empty, or the backup is not whole, or too new.
    """
    with told(), filling(config.data):
        backup = _listed(source)
        control_file.look_through(source / _CONTROL)
        with opened(source / _ARCHIVE, config.data, config.memory_limit):
            pass  # it can be read, by this version too
        with _locked(config.data):
            done_bytes, total_bytes = 0, sum(file.size_bytes for file in backup.files)
            for file in backup.files:
                for part_bytes in _restore_file(source, config.data, file):
                    done_bytes += part_bytes
                    yield Progress("Restoring", done_bytes, total_bytes)
    yield backup


def awaited(loan: Loan) -> Iterator[Progress]:
    """Yield how far a running server is with its copy of the archive, until it can be opened."""
    total_bytes = _size_bytes(loan.path)
    for done_bytes in loan.awaited():
        yield Progress("The server copies", min(done_bytes, total_bytes), total_bytes)


def watched(
    work: Callable[[], None], file: Path, total_bytes: int, what: str
) -> Iterator[Progress]:
    """Do something in a thread; meanwhile yield how large the file is that it writes."""
    with ThreadPoolExecutor(1) as pool:
        doing = pool.submit(work)
        while not wait((doing,), _LOOK_EVERY_S).done:
            yield Progress(what, min(_size_bytes(file), total_bytes), total_bytes)
        doing.result()


@contextlib.contextmanager
def opened(archive: Path, folder: Path, memory_limit_mib: int) -> Iterator[Session]:
    """Open an archive to read it; what DuckDB spills goes to a folder, and goes with it.

    Raises:
        NewerStoreError, StoreError: it cannot be read.
    """
    with (
        tempfile.TemporaryDirectory(prefix="spill-", dir=folder) as scratch,
        opened_alone(
            {"archive": archive},
            Path(scratch),
            read_only=True,
            memory_limit_mib=memory_limit_mib,
        ) as session,
    ):
        refuse_newer_archive(session, archive)
        yield session


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn what goes wrong with files and databases into a BackupError."""
    try:
        yield
    except (LendingError, StoreError) as error:
        raise BackupError(str(error)) from None
    except OSError as error:
        raise BackupError(f"{error.filename or 'a file'}: {error.strerror}") from None


@contextlib.contextmanager
def filling(target: Path) -> Iterator[None]:
    """Have a directory filled that is empty or not there; it is emptied when that fails."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if _content(target):
        raise BackupError(f"{target} is not empty: name an empty directory, or a new one")
    try:
        yield
    except BaseException:
        for path in _content(target):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        raise


def _content(directory: Path) -> list[Path]:
    return [path for path in directory.iterdir() if path.name not in _OF_A_FILE_SYSTEM]


@contextlib.contextmanager
def _locked(data: Path) -> Iterator[None]:
    descriptor = locked(data)
    try:
        yield
    finally:
        os.close(descriptor)


def _copy_chunks(source: Path, target: Path) -> Iterator[Progress]:
    """Copy what is whole of each chunk; one that is gone by now is in the archive by then."""
    target.mkdir(mode=0o700)
    chunks = journal.chunks(source)
    for number, chunk in enumerate(chunks):
        yield Progress("Copying the journal", number, len(chunks))
        with contextlib.suppress(FileNotFoundError):
            _write(target / chunk.name, _lines(chunk))


def _lines(chunk: Path) -> Iterator[bytes]:
    """Yield the whole, verified lines of a chunk."""
    end = 0
    while True:
        passage = journal.read(chunk, end, _READ_BYTES)
        yield passage.lines
        if passage.is_last or passage.end == end:
            return
        end = passage.end


def _copy_archive(source: Path, target: Path, memory_limit_mib: int) -> Iterator[Progress]:
    def copy() -> None:
        with opened(source, target, memory_limit_mib) as session:
            copy_database(session, "archive", target / _ARCHIVE)

    return watched(copy, target / _ARCHIVE, _size_bytes(source), "Copying")


def _counts(archive: Path, folder: Path, memory_limit_mib: int) -> Counts:
    with opened(archive, folder, memory_limit_mib) as session:
        return Counts(*session.run("backup_counts")[0])


def _list(target: Path, files: list[File]) -> Iterator[Progress]:
    """Read the files of a backup once more, and append them to its list."""
    for path in sorted(path for path in target.rglob("*") if path.is_file()):
        size_bytes, done_bytes, digest = _size_bytes(path), 0, hashlib.sha256()
        for part in _parts(path):
            digest.update(part)
            done_bytes += len(part)
            yield Progress("Checking", done_bytes, size_bytes)
        name = path.relative_to(target).as_posix()
        files.append(File(name, size_bytes, digest.hexdigest()))


def _listed(source: Path) -> Backup:
    """Return what a directory says it has a backup of."""
    if not (source / LIST).exists():
        raise BackupError(f"{source} is no whole backup: it has no {LIST}")
    try:
        backup = msgspec.json.decode((source / LIST).read_bytes(), type=Backup)
    except msgspec.MsgspecError:
        raise BackupError(f"{source / LIST} is not a list of a backup") from None
    names = {file.name for file in backup.files}
    if backup.format != _FORMAT or not all(map(_NAME.fullmatch, names)):
        raise BackupError(f"{source} has another form than this gatecount ({version('gatecount')})")
    if not {_CONTROL, _ARCHIVE} <= names:
        raise BackupError(f"{source} is no whole backup: it has no {_CONTROL} or no {_ARCHIVE}")
    return backup


def _restore_file(source: Path, data: Path, file: File) -> Iterator[int]:
    """Copy a file; yield the bytes of each part."""
    (data / file.name).parent.mkdir(mode=0o700, exist_ok=True)
    digest = hashlib.sha256()

    def parts() -> Iterator[bytes]:
        for part in _parts(source / file.name):
            digest.update(part)
            yield part

    yield from _written(data / file.name, parts())
    if digest.hexdigest() != file.sha256:
        raise BackupError(f"{source / file.name} is not what was backed up: use another backup")


def _parts(path: Path) -> Iterator[bytes]:
    with path.open("rb") as opened_file:
        while part := opened_file.read(_READ_BYTES):
            yield part


def _write(path: Path, parts: Iterable[bytes]) -> None:
    for _ in _written(path, parts):
        pass


def _written(path: Path, parts: Iterable[bytes]) -> Iterator[int]:
    """Write a file, to the disk; yield the bytes of each part."""
    with path.open("xb") as file:
        for part in parts:
            yield file.write(part)
        file.flush()
        os.fsync(file.fileno())
    descriptor = os.open(path.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
