"""Copies of files that an upgrade changes: whole and checked, and not kept for ever."""

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

KEPT_S = 30 * 86_400  # who has not gone back to the older program by then will not
_READ_BYTES = 1 << 20
_ANY = "????"  # in place of a version with four digits


def copy(source: Path, target: Path, told: Callable[[int, int], None]) -> None:
    """Copy a file that nobody writes to; the name of the copy appears only when it is the same.

    Args:
        source: the file.
        target: in the same directory; one that is there already is replaced.
        told: how many bytes of how many are done: written first, then read again.

    Raises:
        OSError: there is no room, or what was written is not what is read.
    """
    part = target.with_name(target.name + ".part")
    total_bytes = 2 * source.stat().st_size
    try:
        written = _write(part, source, lambda done_bytes: told(done_bytes, total_bytes))
        half_bytes = total_bytes // 2
        read = _digest(part, lambda done_bytes: told(half_bytes + done_bytes, total_bytes))
        _compare(written, read)
        settle(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _write(part: Path, source: Path, told: Callable[[int], None]) -> bytes:
    digest = hashlib.sha256()
    with part.open("wb") as file:
        for piece in _pieces(source):
            digest.update(piece)
            file.write(piece)
            told(file.tell())
        file.flush()
        os.fsync(file.fileno())
    return digest.digest()


def _digest(path: Path, told: Callable[[int], None]) -> bytes:
    digest, done_bytes = hashlib.sha256(), 0
    for piece in _pieces(path):
        digest.update(piece)
        done_bytes += len(piece)
        told(done_bytes)
    return digest.digest()


def _compare(written: bytes, read: bytes) -> None:
    if written != read:
        raise OSError("what was written is not what is read")


def settle(part: Path, target: Path) -> None:
    """Give a file that is on disk its name, for good."""
    part.rename(target)
    descriptor = os.open(target.parent, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def forget(folder: Path, name: str, older_than_s: float = 0) -> None:
    """Delete copies of all versions, whole or not, or those made so many seconds ago."""
    for found in folder.glob(name.format(0).replace("0000", _ANY) + "*"):
        if time.time() - found.stat().st_mtime >= older_than_s:
            found.unlink(missing_ok=True)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(_READ_BYTES):
            yield piece
