"""Writing: what is acknowledged is on disk, in chunks that are held and end with the hour."""

import asyncio
import os
import threading
from pathlib import Path

import pytest

from collector import journal
from collector.journal import Journal
from tests.journal.desk import CHUNK, LINES, NOW_S, PLENTY_BYTES, Desk
from tests.serving import DEADLINE_S, wait_until

HOUR_S = 3600.0


class Syncs:
    """Counts `fdatasync`, and holds it up on demand. The directory's own are not counted."""

    def __init__(self) -> None:
        self._sync = os.fdatasync
        self.count = 0
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.is_held_up = threading.Event()

    def __call__(self, descriptor: int) -> None:
        """Sync, sooner or later."""
        if not os.path.isdir(f"/proc/self/fd/{descriptor}"):  # noqa: PTH112 - a link to follow
            self.count += 1
            self.is_held_up.set()
            assert self.may_go_on.wait(DEADLINE_S)
        self._sync(descriptor)


@pytest.fixture(name="syncs")
def count_syncs(monkeypatch: pytest.MonkeyPatch) -> Syncs:
    """Watch the system's `fdatasync`."""
    syncs = Syncs()
    monkeypatch.setattr(os, "fdatasync", syncs)
    return syncs


def test_what_was_acknowledged_is_read_back_in_order(desk: Desk) -> None:
    """The chunk holds the lines and nothing else."""

    async def use(written: Journal) -> None:
        for line in LINES:
            assert await written.append(line)
        assert desk.chunks()[0].read_bytes() == CHUNK

    desk.run(use)
    assert desk.lines() == LINES
    assert desk.faults == []


def test_many_appends_of_one_turn_share_one_sync(desk: Desk, syncs: Syncs) -> None:
    """A thousand events cost one wait for the disk."""

    async def use(written: Journal) -> None:
        futures = [written.append(LINES[0]) for _ in range(1000)]
        assert all(await asyncio.gather(*futures))

    desk.run(use)
    assert syncs.count == 1
    assert len(desk.lines()) == 1000


def test_what_arrives_during_a_sync_shares_the_next(desk: Desk, syncs: Syncs) -> None:
    """There is never more than one batch on its way."""

    async def use(written: Journal) -> None:
        syncs.may_go_on.clear()
        first = written.append(LINES[0])
        assert await asyncio.to_thread(syncs.is_held_up.wait, DEADLINE_S)
        later = []
        for _ in range(50):
            later.append(written.append(LINES[1]))
            await asyncio.sleep(0)
        assert not first.done()
        assert not any(future.done() for future in later)
        syncs.may_go_on.set()
        assert all(await asyncio.gather(first, *later))

    desk.run(use)
    assert syncs.count == 2
    assert desk.lines() == [LINES[0], *[LINES[1]] * 50]


def test_nothing_is_acknowledged_before_it_is_on_disk(desk: Desk, syncs: Syncs) -> None:
    """Written is not enough."""

    async def use(written: Journal) -> None:
        syncs.may_go_on.clear()
        future = written.append(LINES[0])
        assert await asyncio.to_thread(syncs.is_held_up.wait, DEADLINE_S)
        assert desk.chunks()[0].read_bytes() == LINES[0]  # written, but not yet durable
        assert not future.done()
        syncs.may_go_on.set()
        assert await future

    desk.run(use)


def test_closing_writes_what_is_queued_and_finishes_the_chunk(desk: Desk) -> None:
    """Nothing that was appended is lost at shutdown."""

    async def use(written: Journal) -> None:
        for line in LINES:
            written.append(line)
        assert desk.chunks() == []  # nothing was awaited yet

    desk.run(use)
    assert desk.lines() == LINES
    assert not journal.is_held(desk.chunks()[0])


def test_a_journal_without_events_leaves_no_chunk(desk: Desk) -> None:
    """A chunk is begun by its first batch."""

    async def use(written: Journal) -> None:
        pass

    desk.run(use)
    assert list(desk.directory.iterdir()) == []


def test_chunks_are_private(desk: Desk) -> None:
    """Nobody else on the machine can read them."""

    async def use(written: Journal) -> None:
        await written.append(LINES[0])

    desk.run(use)
    assert desk.chunks()[0].stat().st_mode & 0o777 == 0o600
    assert desk.directory.stat().st_mode & 0o777 == 0o700


def test_a_chunk_is_held_until_its_journal_is_closed(desk: Desk) -> None:
    """The lock tells readers that more may come."""

    async def use(written: Journal) -> None:
        await written.append(LINES[0])
        assert journal.is_held(desk.chunks()[0])

    desk.run(use)
    assert not journal.is_held(desk.chunks()[0])


def test_a_chunk_has_its_name_only_once_it_is_held(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sees a chunk that is not held may cut its tail, so there must be no such moment."""
    rename = os.rename
    seen: list[tuple[list[Path], bool]] = []

    def renamed(source: Path, target: Path) -> None:
        before = desk.chunks()
        rename(source, target)
        seen.append((before, journal.is_held(Path(target))))

    monkeypatch.setattr(os, "rename", renamed)

    async def use(written: Journal) -> None:
        await written.append(LINES[0])

    desk.run(use)
    assert seen == [([], True)]


def test_every_start_begins_a_chunk_of_its_own(desk: Desk) -> None:
    """An old chunk is never reopened."""

    async def use(written: Journal) -> None:
        await written.append(LINES[0])

    desk.run(use)
    desk.run(use)
    assert [chunk.read_bytes() for chunk in desk.chunks()] == [LINES[0], LINES[0]]


@pytest.mark.parametrize(
    ("begun_s", "later_s", "chunks"),
    [
        (NOW_S, NOW_S + HOUR_S - 0.001, 1),
        (NOW_S, NOW_S + HOUR_S, 2),
        (NOW_S + HOUR_S - 1, NOW_S + HOUR_S, 2),
        (NOW_S + 1800, NOW_S + 3599, 1),
        (NOW_S, NOW_S + 50 * HOUR_S, 2),
        (NOW_S, NOW_S - 60, 1),
    ],
)
def test_a_chunk_ends_with_the_hour(
    desk: Desk, begun_s: float, later_s: float, chunks: int
) -> None:
    """Lines of the next hour go to a new chunk, whatever the clock did."""

    async def use(written: Journal) -> None:
        desk.now_s = begun_s
        await written.append(LINES[0])
        desk.now_s = later_s
        await written.append(LINES[1])
        held = [chunk for chunk in desk.chunks() if journal.is_held(chunk)]
        assert held == desk.chunks()[-1:]

    desk.run(use)
    assert len(desk.chunks()) == chunks
    assert desk.lines() == LINES[:2]


def test_an_idle_chunk_is_finished_when_its_hour_is_over(desk: Desk) -> None:
    """Sealing need not wait for the next event."""

    async def use(written: Journal) -> None:
        desk.now_s = NOW_S + HOUR_S - 0.05
        await written.append(LINES[0])
        chunk = desk.chunks()[0]
        assert journal.is_held(chunk)
        desk.now_s = NOW_S + HOUR_S
        await asyncio.to_thread(wait_until, lambda: not journal.is_held(chunk), "release")
        assert journal.read(chunk, 0, PLENTY_BYTES).is_last
        assert await written.append(LINES[1])

    desk.run(use)
    assert desk.lines() == LINES[:2]
