"""A disk that refuses: what was refused is nowhere, and service resumes."""

import asyncio
import os
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from collector import journal
from collector.journal import Journal
from tests.disks import SizeLimit
from tests.journal.desk import LINES, PLENTY_BYTES, Desk
from tests.serving import DEADLINE_S, wait_until


@pytest.fixture(name="disk")
def limit_file_sizes() -> Iterator[SizeLimit]:
    """Return a disk of this process that is full when a test says so."""
    disk = SizeLimit(0)
    yield disk
    disk.free()


@pytest.mark.parametrize("room_bytes", [0, 1, len(LINES[1]) - 1, len(LINES[1])])
def test_a_short_write_keeps_nothing_of_its_batch(
    desk: Desk, disk: SizeLimit, room_bytes: int
) -> None:
    """The chunk is cut back to what was acknowledged, and closed."""

    async def use(written: Journal) -> None:
        assert await written.append(LINES[0])
        disk.fill(len(LINES[0]) + room_bytes)
        batch = [written.append(LINES[1]), written.append(LINES[2])]
        assert await asyncio.gather(*batch) == [False, False]
        assert [chunk.read_bytes() for chunk in desk.chunks()] == [LINES[0]]
        assert not journal.is_held(desk.chunks()[0])
        disk.free()

    desk.run(use)
    assert [name for name, _ in desk.faults] == ["journal_refused"]


def test_what_a_short_write_has_left_is_never_read(
    desk: Desk, disk: SizeLimit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor what is not on disk yet: between a write and its end, whole lines are in the chunk."""
    seen: list[tuple[bytes, int]] = []

    def look_then(go_on: Callable[..., None], *of: int) -> None:
        chunk = desk.chunks()[-1]
        seen.append((journal.read(chunk, 0, PLENTY_BYTES).lines, chunk.stat().st_size))
        go_on(*of)

    async def use(written: Journal) -> None:
        assert await written.append(LINES[0])
        whole = len(LINES[0]) + len(LINES[1])
        disk.fill(whole)
        monkeypatch.setattr(os, "ftruncate", partial(look_then, os.ftruncate))
        batch = [written.append(LINES[1]), written.append(LINES[2])]
        assert await asyncio.gather(*batch) == [False, False]
        disk.free()
        assert seen == [(LINES[0], whole)]
        desk.now_s += 1
        monkeypatch.setattr(os, "fdatasync", partial(look_then, os.fdatasync))
        assert await written.append(LINES[3])

    desk.run(use)
    assert seen[1:] == [(b"", 0), (b"", len(LINES[3]))]  # the directory's own is the first
    assert desk.lines() == [LINES[0], LINES[3]]


def test_a_chunk_that_could_not_take_its_first_line_is_gone(desk: Desk, disk: SizeLimit) -> None:
    """No empty files are left behind."""

    async def use(written: Journal) -> None:
        disk.fill(0)
        assert not await written.append(LINES[0])
        disk.free()

    desk.run(use)
    assert list(desk.directory.iterdir()) == []


def test_service_resumes_a_second_after_the_disk_refused(desk: Desk, disk: SizeLimit) -> None:
    """Until then the disk is left alone."""

    async def use(written: Journal) -> None:
        assert await written.append(LINES[0])
        disk.fill(0)
        assert not await written.append(LINES[1])
        disk.free()
        desk.now_s += 0.999
        assert not await written.append(LINES[2])  # at once: the disk is not asked
        desk.now_s += 0.001
        assert await written.append(LINES[3])

    desk.run(use)
    assert desk.lines() == [LINES[0], LINES[3]]
    assert len(desk.faults) == 1


def test_service_resumes_when_the_clock_was_set_back_meanwhile(desk: Desk, disk: SizeLimit) -> None:
    """The second of patience does not become an hour."""

    async def use(written: Journal) -> None:
        disk.fill(0)
        assert not await written.append(LINES[0])
        disk.free()
        desk.now_s -= 1_000
        assert await written.append(LINES[1])

    desk.run(use)
    assert desk.lines() == [LINES[1]]


def test_service_resumes_after_its_directory_was_gone(desk: Desk) -> None:
    """A missing mount that comes back is enough."""

    async def use(written: Journal) -> None:
        away = desk.directory.rename(desk.directory.with_name("away"))
        assert not await written.append(LINES[0])
        away.rename(desk.directory)
        desk.now_s += 1
        assert await written.append(LINES[1])

    desk.run(use)
    assert desk.lines() == [LINES[1]]


def test_a_chunk_that_cannot_take_its_name_is_refused_and_leaves_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk a directory may have no room for one more name."""

    def refused(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async def use(written: Journal) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "rename", refused)
            assert not await asyncio.wait_for(written.append(LINES[0]), DEADLINE_S)
        desk.now_s += 1
        assert await written.append(LINES[1])
        assert len(list(desk.directory.iterdir())) == 1

    desk.run(use)
    assert desk.lines() == [LINES[1]]


def test_a_writer_that_fails_stops_the_process(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without it nobody would ever be answered again."""
    codes: list[int] = []
    monkeypatch.setattr(os, "_exit", codes.append)

    def broken() -> float:
        raise RuntimeError

    async def use() -> None:
        written = Journal(desk.directory, broken, desk.report)
        written.start()
        future = written.append(LINES[0])
        await asyncio.to_thread(wait_until, lambda: bool(codes), "exit")
        assert not future.done()

    asyncio.run(use())
    assert codes == [74]  # EX_IOERR of sysexits.h
    assert [name for name, _ in desk.faults] == ["journal_failed"]
