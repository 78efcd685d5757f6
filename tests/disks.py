"""Disks that are full when a test says so."""

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

_SIZE = "24m"  # both stores, the country database, and what tests post
_PIECE_BYTES = 4096  # a page: what a tmpfs hands out


class Disk(Protocol):
    """A disk for one process."""

    def fill(self, leave_bytes: int = 0) -> None:
        """Leave room for so little, whatever was left before."""

    def free(self) -> None:
        """Let there be plenty of room."""


class SmallDisk:
    """A tmpfs, filled by a file."""

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def fill(self, leave_bytes: int = 0) -> None:
        """Write until nothing goes any more, then take back so much."""
        with self._filler.open("ab", buffering=0) as filler:
            with contextlib.suppress(OSError):  # ENOSPC is what is wanted
                while True:
                    filler.write(bytes(_PIECE_BYTES))
            filler.truncate(max(0, filler.tell() - leave_bytes))

    def free(self) -> None:
        """Remove the file."""
        self._filler.unlink(missing_ok=True)


class SizeLimit:
    """No disk at all: the kernel refuses a process to write beyond some bytes of any file.

    That fails with another number than a full disk does (EFBIG), at the same calls, and begins with
    a short write, too.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = resource.prlimit(pid, resource.RLIMIT_FSIZE)

    def fill(self, leave_bytes: int = 0) -> None:
        """Allow so many bytes in each file."""
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, (leave_bytes, self._before[1]))

    def free(self) -> None:
        """Allow what was allowed before."""
        resource.prlimit(self._pid, resource.RLIMIT_FSIZE, self._before)


@contextlib.contextmanager
def small(folder: Path) -> Iterator[SmallDisk | None]:
    """Mount a small disk on a folder, which is made; None where that is not allowed."""
    folder.mkdir(exist_ok=True)
    mount, unmount = shutil.which("mount"), shutil.which("umount")
    if os.geteuid() != 0 or not mount or not unmount:
        yield None
        return
    options = ["-t", "tmpfs", "-o", f"size={_SIZE},mode=700", "gatecount-test", str(folder)]
    if subprocess.run([mount, *options], check=False, capture_output=True).returncode:
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run([unmount, "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def files_no_larger_than(size_bytes: int) -> Iterator[None]:
    """Have the system refuse to let any file of this process grow further."""
    disk = SizeLimit(0)
    disk.fill(size_bytes)
    try:
        yield
    finally:
        disk.free()
