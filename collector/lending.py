"""The archive for a second process: DuckDB lets nobody read a file that a server has open.

A command that needs the sealed days opens them itself while nothing runs. While a server does, the
command leaves a request in `DATA/lent`, and the server's keeper answers it, between two loads, with
a copy beside it. A request lasts for as long as whoever asks holds a lock on it; then both go.

Files, not a socket: whoever may write to this directory may do all of that anyway, so nothing new
listens, or has to tell who asks; and the server, whose DuckDB and systemd unit know this directory
alone, writes nowhere else. The price is room for one more archive while a copy is lent.
"""

import contextlib
import fcntl
import logging
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from collector.session import StoreBusyError, StoreError
from collector.store import Store, locked

_LOG = logging.getLogger("gatecount.lending")
_FOLDER = "lent"
_ASKED, _BEGUN, _LENT, _REFUSED = ".request", ".part", ".duckdb", ".refused"
_LOOK_EVERY_S = 0.2
# A keeper that seals a large day answers after minutes; a server of an older version never does.
_BEGUN_WITHIN_S = 900.0


class LendingError(Exception):
    """The archive cannot be had; the message says why."""


class Lender:
    """The side of the server. Used by the keeper's thread."""

    def __init__(self, data: Path, store: Store) -> None:
        self._folder = data / _FOLDER
        self._store = store

    def lend(self) -> None:
        """Answer whoever asks, and delete what nobody waits for any more.

        Raises:
            StoreError, OSError: a copy could not be made; whoever asked knows.
        """
        there = list(self._folder.glob("*"))  # what comes later is for the next turn
        asked = {path.stem for path in there if path.suffix == _ASKED and _is_held(path)}
        for path in there:
            if path.name.partition(".")[0] not in asked:
                path.unlink(missing_ok=True)
        for name in sorted(asked):
            is_answered = any(self._at(name, end).exists() for end in (_LENT, _REFUSED))
            if not is_answered and _is_held(self._at(name, _ASKED)):  # nor given back meanwhile
                self._copy(name)

    def _copy(self, name: str) -> None:
        part = self._at(name, _BEGUN)
        part.unlink(missing_ok=True)  # of a server that was killed
        try:
            self._store.copy_archive(part)
            part.rename(self._at(name, _LENT))
        except (StoreError, OSError):
            part.unlink(missing_ok=True)
            self._at(name, _REFUSED).touch()
            raise
        _LOG.info("archive_lent")

    def _at(self, name: str, end: str) -> Path:
        return self._folder / (name + end)


class Loan:
    """The side of the command: the sealed days of a data directory, to be opened read-only."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._held: list[int] = []
        self._request: Path | None = None
        self.path = data / "archive.duckdb"

    def awaited(self) -> Iterator[int]:
        """Yield how many bytes a running server has copied, until `path` can be opened.

        Raises:
            LendingError: there is no archive, or no answer.
        """
        if not self.path.exists():
            raise LendingError(f"{self._data} has no archive: no server ever ran on it")
        give_up_at_s = time.monotonic() + _BEGUN_WITHIN_S
        while not self._may_open():
            begun = self._answer(_BEGUN)
            if self._answer(_REFUSED).exists():
                raise LendingError("the running server could not copy the archive: see its log")
            if time.monotonic() > give_up_at_s and not begun.exists():
                raise LendingError(f"{self._data} is in use by a server that does not answer")
            yield _size_bytes(begun)
            time.sleep(_LOOK_EVERY_S)

    def close(self) -> None:
        """Give back what was lent: the request first, or it would seem to wait for an answer."""
        if self._request is not None:
            for end in (_ASKED, _LENT):
                self._answer(end).unlink(missing_ok=True)
        for descriptor in self._held:
            os.close(descriptor)

    def _may_open(self) -> bool:
        if self._request is not None and self._answer(_LENT).exists():
            self.path = self._answer(_LENT)
            return True
        with contextlib.suppress(StoreBusyError):
            self._held.append(locked(self._data))
            return True
        if self._request is None:
            self._request = self._ask()
        return False

    def _ask(self) -> Path:
        """Leave a request; its name appears only once its lock is held."""
        folder = self._data / _FOLDER
        folder.mkdir(mode=0o700, exist_ok=True)
        name = secrets.token_hex(8) + _ASKED
        fresh = self._data / "tmp" / name
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._held.append(descriptor)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        return fresh.rename(folder / name)

    def _answer(self, end: str) -> Path:
        assert self._request is not None  # noqa: S101 - asked before it is waited for
        return self._request.with_suffix(end)


def _is_held(request: Path) -> bool:
    """Tell whether somebody still waits for the answer."""
    try:
        descriptor = os.open(request, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _size_bytes(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
