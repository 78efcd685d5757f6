"""Day keys: one for each (time zone, local date), shared by the processes of a host, in RAM only.

A key makes a day's visitor tokens and makes them again for a returning visitor. Once it is
destroyed nobody can tell whose token was whose, so everything here is about two things: that all
processes agree on one whole key, and that no copy outlives the day.
"""

import contextlib
import ctypes
import datetime as dt
import mmap
import os
import re
import secrets
import stat
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple, Self
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo

KEY_BYTES: Final = 32  # half of the longest key BLAKE2b takes; 256 bits cannot be searched
GRACE_S: Final = 60  # an event of the last second may still be on its way when its date ends
_GRACE = timedelta(seconds=GRACE_S)
_SECOND = timedelta(seconds=1)
_STRAY_AFTER_S = 60  # publishing takes microseconds; whoever left this file is dead
_PUBLISH_TRIES = 20
_LONGEST_SHIFT = timedelta(hours=48)  # Samoa skipped 24 hours in 2011; nobody skipped more
_KEY_NAME = re.compile(r"(2\d{3}-\d\d-\d\d)\.([A-Za-z0-9%_.+-]+)\.key")
_STRAY_NAME = re.compile(r"[0-9a-f]{32}\.tmp")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class KeyStoreError(Exception):
    """A day key cannot be had."""


class KeyDirectoryError(KeyStoreError):
    """The directory cannot be trusted with keys; the message says why and what to do."""


class NotCurrentError(KeyStoreError):
    """A key was asked for whose date is not the zone's local date: never made, or gone again."""


class BrokenKeyError(KeyStoreError):
    """A key file is not a private file of exactly 32 bytes; it is never used."""


class UnknownTimezoneError(KeyStoreError):
    """The time zone database does not know the name."""


class KeyName(NamedTuple):
    """What a day key is for."""

    timezone: str
    date: date


class Day(NamedTuple):
    """One local day of a time zone and its key, good from `starts_at_us` until `ends_at_us`.

    Times are microseconds since the epoch, UTC. Hold it no longer than that: `key` is memory
    shared by all processes, is overwritten when the key is destroyed, and then cannot be read.
    """

    date: str  # ISO 8601
    key: memoryview
    starts_at_us: int
    ends_at_us: int


@lru_cache(maxsize=1024)
def _zone(timezone: str) -> ZoneInfo:
    try:
        return ZoneInfo(timezone)
    except (ValueError, OSError, KeyError):  # a bad path, a folder, an unknown name
        raise UnknownTimezoneError(f"{timezone!r} is no time zone: write e.g. Europe/Berlin") from (
            None
        )


def local_date(timezone: str, now: datetime) -> date:
    """Return the date a calendar on the wall shows in a time zone at `now`."""
    return now.astimezone(_zone(timezone)).date()


@lru_cache(maxsize=4096)
def date_end(timezone: str, day: date) -> datetime:
    """Return when a local date is over for good, in UTC: the start of the first later local date.

    Usually that is local midnight; some zones skip midnight, one skipped a whole day, and clocks
    set back at midnight can show the old date once more.
    """
    zone = _zone(timezone)
    midnight = datetime.combine(day + timedelta(days=1), dt.time(), zone)
    later = max(midnight.replace(fold=fold).astimezone(UTC) for fold in (0, 1))
    if (later - _SECOND).astimezone(zone).date() <= day:
        return later
    earlier = later - _LONGEST_SHIFT
    while later - earlier > _SECOND:
        middle = earlier + (later - earlier) // 2
        if middle.astimezone(zone).date() <= day:
            earlier = middle
        else:
            later = middle
    return later.replace(microsecond=0)


def _microseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _file_name(name: KeyName) -> str:
    return f"{name.date.isoformat()}.{quote(name.timezone, safe='+')}.key"


def _key_name(file_name: str) -> KeyName | None:
    match = _KEY_NAME.fullmatch(file_name)
    if match is None:
        return None
    try:
        return KeyName(unquote(match[2]), date.fromisoformat(match[1]))
    except ValueError:
        return None


def is_key_file(file_name: str) -> bool:
    """Tell whether a file is named as day keys are."""
    return _key_name(file_name) is not None


def _expires_at(name: KeyName) -> datetime:
    try:
        return date_end(name.timezone, name.date) + _GRACE
    except UnknownTimezoneError:  # left by a version with another time zone database
        last_midnight = datetime.combine(name.date + timedelta(days=1), dt.time(12), UTC)
        return last_midnight + _GRACE


class _Mapping:
    """A key file mapped into memory: the key itself, not a copy of it.

    All processes that map the file see one page, so that overwriting the file overwrites it
    for all of them.
    """

    def __init__(self, descriptor: int) -> None:
        self._map = mmap.mmap(descriptor, KEY_BYTES)
        self._map.madvise(mmap.MADV_DONTDUMP)
        self.locked = _lock(self._map)
        self.key = memoryview(self._map).toreadonly()

    def close(self) -> None:
        """Make the key unreadable through this mapping."""
        # Whoever sliced the key still holds the map; its bytes are overwritten all the same.
        with contextlib.suppress(BufferError):
            self.key.release()
            self._map.close()


def _lock(pages: mmap.mmap) -> bool:
    """Keep pages out of swap; tell whether the system let us (RLIMIT_MEMLOCK)."""
    try:
        mlock = ctypes.CDLL(None, use_errno=True).mlock
    except (OSError, AttributeError):
        return False
    first = ctypes.c_char.from_buffer(pages)
    return int(mlock(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(len(pages)))) == 0


def _can_lock() -> bool:
    with mmap.mmap(-1, KEY_BYTES) as pages:
        return _lock(pages)


def _file_system(device: int) -> str:
    """Return the type of the file system with a device number, "" when /proc does not say."""
    number = f"{os.major(device)}:{os.minor(device)}"
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    for line in lines:  # proc(5): "36 35 98:0 /root /point options - type source options"
        mount, _, file_system = line.partition(" - ")
        if mount.split(" ", 3)[2] == number:
            return file_system.split(" ", 1)[0]
    return ""


def _swap_is_on() -> bool:
    try:
        lines = Path("/proc/swaps").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    return any(not line.startswith("/dev/zram") for line in lines[1:])  # zram is RAM


def _opened_directory(path: Path) -> int:
    """Make or check the directory; return a descriptor, so that nobody can swap it for another."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass  # looked at below
    except OSError as error:
        raise KeyDirectoryError(f"{path} cannot be made: {error.strerror}") from None
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        raise KeyDirectoryError(f"{path} is not a directory of its own") from None
    found = os.fstat(descriptor)
    if found.st_uid != os.geteuid():
        problem = "belongs to another user"
    elif found.st_mode & 0o077:
        problem = "is open to others: chmod 700 it"
    else:
        return descriptor
    os.close(descriptor)
    raise KeyDirectoryError(f"{path} {problem}")


class KeyStore:
    """The day keys of this host.

    Safe to use from several threads and, with other instances, from several processes at once.
    """

    def __init__(
        self, directory: Path, descriptor: int, on_made: Callable[[str, date], None] | None
    ) -> None:
        self._path = directory
        self._directory = descriptor
        self._on_made = on_made
        self._open: dict[KeyName, _Mapping] = {}
        self._days: dict[str, Day] = {}
        self._turn = threading.RLock()
        self.in_ram = _file_system(os.fstat(descriptor).st_dev) in {"tmpfs", "ramfs"}

    @classmethod
    def open(cls, directory: Path, on_made: Callable[[str, date], None] | None = None) -> Self:
        """Make or check a directory for keys; its parent must exist.

        `on_made` is called with (time zone, date) after this instance, and no other, made that
        key. When the date had a key before, its returning visitors count twice.

        Raises:
            KeyDirectoryError: it is a link, is another user's, or can be entered by others.
        """
        return cls(directory, _opened_directory(directory), on_made)

    def close(self) -> None:
        """Forget all keys; their files stay for other processes."""
        with self._turn:
            self._days.clear()
            for mapping in self._open.values():
                mapping.close()
            self._open.clear()
            os.close(self._directory)

    @property
    def may_be_swapped(self) -> bool:
        """Whether the system may write keys to a disk when memory is short."""
        return _swap_is_on() and not _can_lock()

    def overdue(self, now: datetime) -> tuple[KeyName, ...]:
        """Return the keys that should be destroyed by now and are still there."""
        names = [_key_name(file_name) for file_name in self._file_names()]
        return tuple(name for name in names if name is not None and now >= _expires_at(name))

    def warnings(self) -> tuple[str, ...]:
        """Return what an operator should know about where the keys are, a sentence each."""
        found = []
        if not self.in_ram:
            found.append(f"The day keys are not in RAM: {self._path} is not on a tmpfs.")
        if self.may_be_swapped:
            found.append(
                "Swap is on and memory cannot be locked, so that a day key may be written to"
                " swap: raise the limit of locked memory (RLIMIT_MEMLOCK)."
            )
        return tuple(found)

    def day(self, timezone: str, now_us: int) -> Day:
        """Return the current local day with its key; a dictionary look-up while the day lasts.

        `now_us` is in microseconds since the epoch, UTC.

        Raises:
            KeyStoreError: no key can be made or read.
        """
        day = self._days.get(timezone)
        if day is not None and day.starts_at_us <= now_us < day.ends_at_us:
            return day
        now = _EPOCH + timedelta(microseconds=now_us)
        today = local_date(timezone, now)
        with self._turn:
            day = Day(
                today.isoformat(),
                self.key(timezone, today, now),
                _microseconds(date_end(timezone, today - timedelta(days=1))),
                _microseconds(date_end(timezone, today)),
            )
            self._days[timezone] = day
        return day

    def is_begun(self, timezone: str, now_us: int) -> bool:
        """Tell whether the current local day has a key: whoever only looks makes none."""
        now = _EPOCH + timedelta(microseconds=now_us)
        name = KeyName(timezone, local_date(timezone, now))
        return name in self._open or _file_name(name) in self._file_names()

    def key(self, timezone: str, day: date, now: datetime) -> memoryview:
        """Return the 32 bytes of a date's key: made today, read until 60 s after the date's end.

        Raises:
            NotCurrentError: there is none, and the date is not the zone's current one; or it
                ended 60 s ago or earlier.
            BrokenKeyError: the file is no whole key.
            KeyStoreError: the directory cannot be used, e.g. the file system is full.
        """
        name = KeyName(timezone, day)
        if now >= _expires_at(name):
            raise NotCurrentError(f"the key of {day} in {timezone} is past its time")
        with self._turn:
            mapping = self._open.get(name)
            if mapping is None:
                try:
                    mapping = self._open[name] = self._found_or_made(name, now)
                except OSError as error:
                    raise KeyStoreError(f"{self._path}: {error.strerror}") from None
        return mapping.key

    def destroy_expired(self, now: datetime) -> tuple[KeyName, ...]:
        """Destroy every key whose date ended 60 s ago or earlier; return those this call ended.

        Call it every few seconds in every process that uses keys: each also drops its own view.

        Raises:
            KeyStoreError: some could not be destroyed; all others were.
        """
        destroyed = []
        left = []
        with self._turn:
            self._forget_expired(now)
            for file_name in self._file_names():
                name = _key_name(file_name)
                try:
                    if name is not None and now >= _expires_at(name) and self._destroy(file_name):
                        destroyed.append(name)
                    elif _STRAY_NAME.fullmatch(file_name):
                        self._remove_stray(file_name, now)
                except OSError as error:
                    left.append(f"{file_name}: {error.strerror}")
        if left:
            raise KeyStoreError(f"{self._path}: could not destroy {', '.join(left)}")
        return tuple(destroyed)

    def _file_names(self) -> list[str]:
        with os.scandir(self._directory) as entries:
            return [entry.name for entry in entries]

    def _forget_expired(self, now: datetime) -> None:
        for name in [name for name in self._open if now >= _expires_at(name)]:
            day = self._days.get(name.timezone)
            if day is not None and day.date == name.date.isoformat():
                del self._days[name.timezone]
            self._open.pop(name).close()

    def _found_or_made(self, name: KeyName, now: datetime) -> _Mapping:
        file_name = _file_name(name)
        current = local_date(name.timezone, now) == name.date
        for _ in range(_PUBLISH_TRIES):
            found = self._found(file_name)
            if found is not None:
                return found
            if not current:
                raise NotCurrentError(f"{name.date} is not today in {name.timezone}")
            if self._published(file_name) and self._on_made is not None:
                self._on_made(name.timezone, name.date)
        raise KeyDirectoryError(f"{self._path}: keys vanish as fast as they are made")

    def _found(self, file_name: str) -> _Mapping | None:
        flags = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(file_name, flags, dir_fd=self._directory)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise BrokenKeyError(f"{file_name} cannot be opened: {error.strerror}") from None
        with _closing(descriptor):
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode) or found.st_size != KEY_BYTES:
                raise BrokenKeyError(f"{file_name} is no key: {found.st_size} bytes")
            if found.st_uid != os.geteuid() or found.st_mode & 0o077:
                raise BrokenKeyError(f"{file_name} is open to others")
            return _Mapping(descriptor)

    def _published(self, file_name: str) -> bool:
        """Make a key; tell whether it is the one that all processes will use.

        link() either gives a whole key the name or finds the name taken; nobody ever sees a
        short one.
        """
        self._ensure_directory()
        temporary = f"{secrets.token_hex(16)}.tmp"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600, dir_fd=self._directory)
        with _closing(descriptor):
            try:
                _write_random(descriptor)
                os.link(
                    temporary, file_name, src_dir_fd=self._directory, dst_dir_fd=self._directory
                )
            except (FileExistsError, FileNotFoundError):  # lost the race; or tidied away as stray
                _write_random(descriptor)
                return False
            finally:
                self._unlinked(temporary)
        return True

    def _ensure_directory(self) -> None:
        """Make the directory again when somebody removed it, as session managers do at log-out."""
        if os.fstat(self._directory).st_nlink:
            return
        replacement = _opened_directory(self._path)
        os.close(self._directory)
        self._directory = replacement

    def _destroy(self, file_name: str) -> bool:
        try:
            descriptor = os.open(
                file_name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._directory
            )
        except FileNotFoundError:
            return False  # another process was quicker
        with _closing(descriptor):
            mine = self._unlinked(file_name)
            _write_random(descriptor)
        return mine

    def _remove_stray(self, file_name: str, now: datetime) -> None:
        try:
            descriptor = os.open(
                file_name, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._directory
            )
        except FileNotFoundError:
            return
        with _closing(descriptor):
            if abs(now.timestamp() - os.fstat(descriptor).st_mtime) < _STRAY_AFTER_S:
                return
            self._unlinked(file_name)
            # Its maker may have died between link() and unlink(): then these bytes are a key in
            # use under its other name.
            if os.fstat(descriptor).st_nlink == 0:
                _write_random(descriptor)

    def _unlinked(self, file_name: str) -> bool:
        try:
            os.unlink(file_name, dir_fd=self._directory)
        except FileNotFoundError:
            return False
        return True


@contextlib.contextmanager
def _closing(descriptor: int) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)


def _write_random(descriptor: int) -> None:
    """Put 32 random bytes in place of whatever a file holds."""
    if os.pwrite(descriptor, secrets.token_bytes(KEY_BYTES), 0) != KEY_BYTES:
        raise KeyStoreError("a key could not be written whole")
    os.fsync(descriptor)
