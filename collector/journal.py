"""The journal: an event is acknowledged when its line here is on disk.

Append-only chunk files of one JSON object a line. The last field of a line is a CRC-32 of all
bytes before it, seeded with their number. A chunk has one writer, which holds a lock on it until
the chunk is finished; it is never reopened. Many events share one `fdatasync` (group commit).
A second lock covers what is not on disk yet: nobody reads what may still be taken back.
"""

import asyncio
import errno
import fcntl
import os
import queue
import secrets
import struct
import threading
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from collector.histogram import Histogram

SUFFIX = ".jsonl"
_CRC_FIELD = b',"crc":'
_ROTATE_EVERY_S = 3600  # aligned to the hour: 35 minutes after any local midnight its chunk is done
_RETRY_AFTER_S = 1.0  # how long appends fail at once after the disk refused one
_EX_IOERR = 74  # sysexits.h
# `struct flock` of fcntl(2): type, whence, start, length (0 is for ever), pid
_FLOCK = struct.Struct("hhqqi0q")
# How long a refused batch is a trouble: without events nobody would find out that there is room.
_TROUBLE_LASTS_S = 10.0
_COMMIT_LINES = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)
_COMMIT_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)


class Event(msgspec.Struct, tag_field="kind", tag="event", frozen=True, omit_defaults=True):
    """An event as it is kept: nothing in it says who the visitor was."""

    site: int
    date: str  # the site's local date, ISO 8601
    hour: int  # the site's local hour
    at_us: int  # since the epoch, UTC; strictly rising within one journal
    token: int  # unsigned 64 bit
    name: str
    host: str
    path: str
    source: str = ""
    channel: str = ""
    referrer: str = ""  # a host
    utm_source: str = ""
    utm_medium: str = ""
    utm_campaign: str = ""
    country: str = ""
    device: str = ""
    browser: str = ""
    os: str = ""
    screen: str = ""
    interactive: bool = True
    engaged_s: int = 0
    scroll: int = 0  # tenths of the page
    props: dict[str, str] = {}
    revenue: str = ""  # decimal amount
    currency: str = ""  # ISO 4217


class Drops(msgspec.Struct, tag_field="kind", tag="drops", frozen=True):
    """How many events of a site and day were not counted, for one reason."""

    site: int  # 0 for events of no known site
    date: str
    reason: str
    count: int


class NewKey(msgspec.Struct, tag_field="kind", tag="key", frozen=True):
    """A day key was made: a second one for a day means that returning visitors count twice."""

    site: int
    date: str
    at_us: int


class Erasure(msgspec.Struct, tag_field="kind", tag="erasure", frozen=True):
    """A visitor took back what they had contributed to a day until now.

    It reaches the events of its token in every journal that are no later than itself: by time, not
    by place, so that it does not matter in which order chunks are loaded, or loaded again.
    """

    site: int
    date: str
    token: int
    at_us: int  # later than any event of its own journal


Record = Event | Drops | NewKey | Erasure
_Batch = tuple[list[bytes], asyncio.Future[bool]]
_encoder = msgspec.json.Encoder()


def line(record: Record) -> bytes:
    """Return a record as one journal line, newline included."""
    body = _encoder.encode(record)[:-1]
    return b'%b,"crc":%d}\n' % (body, zlib.crc32(body, len(body)))


def is_whole(text: bytes) -> bool:
    """Tell whether a line, without its newline, is exactly what was once written."""
    body, _, rest = text.rpartition(_CRC_FIELD)
    return bool(body) and rest == b"%d}" % zlib.crc32(body, len(body))


class Journal:
    """The journal of one process: many coroutines append, one thread writes.

    Args:
        directory: where chunks go; made if missing.
        clock: seconds since the epoch.
        report: told the name of a fault and its errno; never anything about an event.
    """

    def __init__(
        self, directory: Path, clock: Callable[[], float], report: Callable[[str, int], None]
    ) -> None:
        self._lines: list[bytes] = []
        self._waiting: asyncio.Future[bool] | None = None
        self._in_flight: asyncio.Future[bool] | None = None
        self._batches: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._report = report
        self._writer = _Writer(directory, clock, report)
        self._thread = threading.Thread(target=self._write, name="journal", daemon=True)
        self.commit_lines = Histogram(_COMMIT_LINES)
        self.commit_s = Histogram(_COMMIT_S)
        self.written_bytes = 0
        self._refused_at_s = -_TROUBLE_LASTS_S  # by the monotonic clock

    def start(self) -> None:
        """Take lines from the running event loop from now on."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def trouble(self) -> str | None:
        """Say why nothing may be taken just now; None if all is well."""
        if not self._thread.is_alive():
            return "the journal is not open"
        if time.monotonic() - self._refused_at_s < _TROUBLE_LASTS_S:
            return "the disk has just refused the journal"
        return None

    def append(self, text: bytes) -> asyncio.Future[bool]:
        """Queue a line; the future says whether it is on disk. It is shared: never cancel it."""
        self._lines.append(text)
        if self._waiting is None:
            self._waiting = self._loop.create_future()
            if self._in_flight is None:
                # After this turn of the loop, so that all that arrived in it shares one commit.
                self._loop.call_soon(self._commit)
        return self._waiting

    def _commit(self) -> None:
        if self._waiting is not None and self._in_flight is None:
            self._batches.put((self._lines, self._waiting))
            self._in_flight = self._waiting
            self._lines, self._waiting = [], None

    def _write(self) -> None:
        try:
            self._write_batches()
        except BaseException:  # noqa: BLE001 - without this thread nobody would be answered
            if self._loop.is_closed():  # a forced shutdown: nobody waits any more
                return
            self._report("journal_failed", 0)
            os._exit(_EX_IOERR)

    def _write_batches(self) -> None:
        while True:
            try:
                batch = self._batches.get(timeout=self._writer.idle_s())
            except queue.Empty:
                self._writer.finish_if_over()
                continue
            if batch is None:
                self._writer.finish()
                return
            lines, waiting = batch
            begun_s = time.monotonic()
            data = b"".join(lines)
            durable = self._writer.write(data)
            if not durable:  # known before anybody is told that it was refused
                self._refused_at_s = time.monotonic()
            self._loop.call_soon_threadsafe(self._committed, waiting, durable)
            if durable:
                self._count(len(lines), len(data), begun_s)

    def _count(self, lines: int, size_bytes: int, begun_s: float) -> None:
        self.commit_lines.observe(lines)
        self.commit_s.observe(time.monotonic() - begun_s)
        self.written_bytes += size_bytes

    def _committed(self, waiting: asyncio.Future[bool], durable: bool) -> None:  # noqa: FBT001
        self._in_flight = None
        if not waiting.done():  # a forced shutdown cancels it
            waiting.set_result(durable)
        self._commit()

    async def close(self) -> None:
        """Write what is queued, then finish the chunk."""
        while (pending := self._waiting or self._in_flight) is not None:
            await asyncio.wait((pending,))
        self._batches.put(None)
        await asyncio.to_thread(self._thread.join)


class _Writer:
    """Writes whole batches to the current chunk. Used by one thread only."""

    def __init__(
        self, directory: Path, clock: Callable[[], float], report: Callable[[str, int], None]
    ) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = directory
        self._clock = clock
        self._report = report
        self._descriptor = -1
        self._path = directory
        self._durable_bytes = 0
        self._ends_at = 0.0
        self._retry_at = 0.0

    def idle_s(self) -> float | None:
        """Return how long nothing needs to happen; None for as long as no batch comes."""
        return None if self._descriptor < 0 else max(0.0, self._ends_at - self._clock()) + 0.01

    def finish_if_over(self) -> None:
        if self._descriptor >= 0 and self._clock() >= self._ends_at:
            self.finish()

    def finish(self) -> None:
        """Close the chunk and so release its lock: nothing more will come."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
            if self._durable_bytes == 0:
                self._path.unlink()

    def write(self, data: bytes) -> bool:
        """Append data and wait until it is on disk. False: nothing of it was kept."""
        now = self._clock()
        if now < self._retry_at <= now + _RETRY_AFTER_S:
            return False
        self.finish_if_over()
        try:
            if self._descriptor < 0:
                self._begin(now)
            written = os.write(self._descriptor, data)
            if written < len(data):
                raise OSError(errno.ENOSPC, "short write")  # noqa: TRY301 - one road for both
        except OSError as error:
            self._give_up(error)
            return False
        self._sync(self._descriptor)
        _show(self._descriptor, self._durable_bytes, written)
        self._durable_bytes += written
        return True

    def _begin(self, now: float) -> None:
        """Begin a chunk; its name appears only once its lock is held."""
        begun = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%S%f")
        self._path = self._directory / f"{begun}-{secrets.token_hex(4)}.new"
        self._durable_bytes = 0
        self._ends_at = (now // _ROTATE_EVERY_S + 1) * _ROTATE_EVERY_S
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _cover(self._descriptor)
        self._path = self._path.rename(self._path.with_suffix(SUFFIX))
        directory = os.open(self._directory, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._sync(directory)
        finally:
            os.close(directory)

    def _give_up(self, error: OSError) -> None:
        """Close the chunk where it was last durable; the next one is tried a little later."""
        self._report("journal_refused", error.errno or 0)
        self._retry_at = self._clock() + _RETRY_AFTER_S
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, self._durable_bytes)
            self.finish()

    def _sync(self, descriptor: int) -> None:
        """Wait for the disk. A failed sync is never tried again: the kernel marks pages clean."""
        try:
            os.fdatasync(descriptor)
        except OSError as error:
            self._report("journal_sync_failed", error.errno or 0)
            os._exit(_EX_IOERR)


def _cover(descriptor: int) -> None:
    """Lock all there will be in a chunk.

    A lock of this kind belongs to the open file, not to the process, which also has the loader in
    it. Source: fcntl_locking(2), "Open file description locks".
    """
    lock = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)


def _show(descriptor: int, start: int, size: int) -> None:
    """Unlock what is on disk now."""
    lock = _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, start, size, 0)
    fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, lock)


def _shown_bytes(descriptor: int) -> int | None:
    """Return where what is covered begins; None where nothing is."""
    asked = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
    kind, _, start, *_ = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, asked))
    return None if kind == fcntl.F_UNLCK else int(start)


@dataclass(frozen=True, slots=True)
class Passage:
    """Whole lines of a chunk between two byte offsets."""

    lines: bytes
    start: int
    end: int
    damaged: int  # lines that fail their CRC, left out
    torn_bytes: int  # an unfinished last line nobody will finish, left out
    is_last: bool  # the chunk is finished and this reaches its end


def chunks(directory: Path) -> list[Path]:
    """Return the chunks there are, oldest first."""
    return sorted(directory.glob("*" + SUFFIX))


def begun(path: Path) -> datetime | None:
    """Return when a chunk was begun, by its name; None if that says nothing."""
    try:
        return datetime.strptime(path.name[:15], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def is_held(path: Path) -> bool:
    """Tell whether a writer still holds a chunk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def read(path: Path, start: int, limit_bytes: int) -> Passage:
    """Read whole, verified lines of a chunk from an offset on, about `limit_bytes` of them.

    Of a chunk that is being written, those that are on disk.
    """
    finished = not is_held(path)  # asked first: what is read after the release is final
    with path.open("rb") as chunk:
        shown = _shown_bytes(chunk.fileno())
        chunk.seek(start)
        data = chunk.read(limit_bytes if shown is None else min(limit_bytes, shown - start))
        at_end = not chunk.read(1)
    whole = data.rfind(b"\n") + 1
    torn_bytes = len(data) - whole if finished and at_end else 0
    if not whole and len(data) == limit_bytes:  # no line is that long: noise, skipped as one
        return Passage(b"", start, start + limit_bytes, 1, 0, finished and at_end)
    texts = data[:whole].split(b"\n")[:-1]
    verified = [text for text in texts if is_whole(text)]
    intact = len(verified) == len(texts)
    return Passage(
        lines=data[:whole] if intact else b"".join(text + b"\n" for text in verified),
        start=start,
        end=start + whole + torn_bytes,
        damaged=len(texts) - len(verified),
        torn_bytes=torn_bytes,
        is_last=finished and at_end,
    )
