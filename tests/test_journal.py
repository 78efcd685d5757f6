"""The journal: what was acknowledged is read back, and nothing that was never written."""

import asyncio
import fcntl
import os
import resource
import threading
import zlib
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import msgspec
import pytest

from collector import journal
from collector.journal import Drops, Erasure, Event, Journal, NewKey, Passage, Record
from tests.serving import DEADLINE_S, wait_until

HOUR_S = 3600.0
NOW_S = 1_795_514_400.0  # 2026-11-24 10:00:00 UTC
PLENTY_BYTES = 1 << 20
# Whatever a page may send and scrubbing leaves: quotes, line ends, something like a checksum.
AWKWARD = 'a "b"\n\\ \u2028\u00e9\U0001f600 ,"crc":123}'


def event(path: str = "/", **values: object) -> Event:
    """Return a pageview, or whatever `values` make of it."""
    known = {"site": 1, "date": "2026-11-24", "hour": 10, "at_us": 1, "token": 2**64 - 1}
    return msgspec.convert(
        {"kind": "event", "name": "pageview", "host": "example.com", **known, "path": path}
        | values,
        Event,
    )


RECORDS: tuple[Record, ...] = (
    event("/one"),
    Drops(site=1, date="2026-11-24", reason="bot", count=3),
    event("/two", name=AWKWARD, props={AWKWARD: AWKWARD}),
    NewKey(site=1, date="2026-11-24", at_us=2),
    Erasure(site=1, date="2026-11-24", token=2**64 - 1, at_us=3),
    event("/three", engaged_s=4, scroll=10, interactive=False, revenue="1.500", currency="EUR"),
)
LINES = [journal.line(record) for record in RECORDS]
CHUNK = b"".join(LINES)


def lines_of(passage: Passage) -> list[bytes]:
    """Return the lines of a passage, each with its end."""
    return passage.lines.splitlines(keepends=True)


def decoded(line: bytes) -> Record:
    """Return the record a line holds."""
    record: Record = msgspec.json.decode(line, type=Record)
    return record


def replace(chunk: Path, data: bytes | bytearray) -> None:
    """Put a new file in the place of a chunk: one that is rewritten, ext4 flushes to the disk."""
    chunk.unlink(missing_ok=True)
    chunk.write_bytes(data)


@pytest.fixture(name="chunk")
def name_chunk(tmp_path: Path) -> Path:
    """Return where a chunk would be."""
    return tmp_path / f"20261124T100000000000-0a0b0c0d{journal.SUFFIX}"


# --- lines ---


@pytest.mark.parametrize("record", RECORDS)
def test_a_record_is_one_whole_line_of_json(record: Record) -> None:
    """Whatever is in it, it has one line end, and reads back as it was."""
    line = journal.line(record)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert journal.is_whole(line[:-1])
    assert decoded(line) == record


def test_the_checksum_is_a_crc_32_of_all_before_it_seeded_with_its_length() -> None:
    """Anybody can check a chunk with nothing but zlib."""
    body, _, rest = LINES[0].rpartition(b',"crc":')
    assert rest == b"%d}\n" % zlib.crc32(body, len(body))


@pytest.mark.parametrize("text", [b"", b"{}", b"\0" * 80, b',"crc":0}', b'{"crc":0}', b"null"])
def test_what_has_no_checksum_of_its_own_is_not_whole(text: bytes) -> None:
    """Neither zeros nor a checksum of nothing pass for a line."""
    assert not journal.is_whole(text)


@pytest.mark.parametrize("written", [b" %d}", b"%d }", b"+%d}", b"0%d}", b"%d.0}", b"%d}}"])
def test_a_checksum_is_believed_only_as_it_is_written(written: bytes) -> None:
    """Another spelling of the right number is damage."""
    body, _, rest = LINES[0].rpartition(b',"crc":')
    assert not journal.is_whole(body + b',"crc":' + written % int(rest[:-2]))


# --- reading ---


def test_whole_lines_are_read_as_they_were_written(chunk: Path) -> None:
    """A finished chunk without damage is one passage, byte by byte."""
    chunk.write_bytes(CHUNK)
    passage = journal.read(chunk, 0, PLENTY_BYTES)
    assert passage == Passage(CHUNK, 0, len(CHUNK), damaged=0, torn_bytes=0, is_last=True)


@pytest.mark.parametrize("limit_bytes", [len(max(LINES, key=len)), 700, 900, len(CHUNK)])
def test_passages_of_any_size_join_to_the_whole_chunk(chunk: Path, limit_bytes: int) -> None:
    """Wherever a passage ends, no line is lost or read twice."""
    chunk.write_bytes(CHUNK)
    passages = list(passages_of(chunk, limit_bytes))
    assert b"".join(passage.lines for passage in passages) == CHUNK
    assert [passage.is_last for passage in passages].count(True) == 1
    assert all(passage.end - passage.start <= limit_bytes for passage in passages)


def passages_of(chunk: Path, limit_bytes: int) -> Iterator[Passage]:
    """Read a finished chunk to its end, as the loader does."""
    start = 0
    for _ in range(len(CHUNK)):
        passage = journal.read(chunk, start, limit_bytes)
        yield passage
        start = passage.end
        if passage.is_last:
            return
    raise AssertionError("the chunk never ends")


def test_a_chunk_cut_at_any_byte_gives_the_whole_lines_before_the_cut(chunk: Path) -> None:
    """A torn tail is cut, and nothing else."""
    for cut in range(len(CHUNK) + 1):
        replace(chunk, CHUNK[:cut])
        passage = journal.read(chunk, 0, PLENTY_BYTES)
        whole = CHUNK[:cut].count(b"\n")
        assert lines_of(passage) == LINES[:whole], cut
        torn = cut - len(b"".join(LINES[:whole]))
        assert (passage.damaged, passage.torn_bytes, passage.end) == (0, torn, cut)
        assert passage.is_last


def test_a_bit_flipped_anywhere_never_gives_a_wrong_event(chunk: Path) -> None:
    """At most the line it hit and, where a line end broke or arose, the one beside it are lost."""
    lines = [LINES[1], LINES[0], LINES[3]]
    intact = b"".join(lines)
    for place in range(len(intact)):
        for bit in range(8):
            damaged = bytearray(intact)
            damaged[place] ^= 1 << bit
            replace(chunk, damaged)
            passage = journal.read(chunk, 0, PLENTY_BYTES)
            left = lines_of(passage)
            assert [line for line in lines if line in left] == left, (place, bit)
            assert len(lines) - 2 <= len(left) < len(lines), (place, bit)
            assert passage.damaged or passage.torn_bytes
            assert passage.end == len(intact)


@pytest.mark.parametrize("zeros", [1, 80, 511, 4096])
def test_a_tail_of_zeros_gives_no_event(chunk: Path, zeros: int) -> None:
    """A crashed file system leaves them where data was on its way; 80 are no phantom records."""
    chunk.write_bytes(CHUNK + b"\0" * zeros)
    passage = journal.read(chunk, 0, PLENTY_BYTES)
    assert lines_of(passage) == LINES
    assert passage.torn_bytes == zeros
    assert passage.is_last


def test_zeros_in_the_middle_cost_the_line_they_stand_in(chunk: Path) -> None:
    """All other lines are read."""
    chunk.write_bytes(LINES[0] + b"\0" * 4096 + CHUNK)
    passage = journal.read(chunk, 0, PLENTY_BYTES)
    assert lines_of(passage) == [LINES[0], *LINES[1:]]
    assert passage.damaged == 1


@pytest.mark.parametrize("noise", [b"", b"{}", b"null", b"\xff\xfe", LINES[1][:-2], b"[" * 2000])
def test_a_damaged_line_in_the_middle_is_skipped_and_counted(chunk: Path, noise: bytes) -> None:
    """It does not cost the lines beside it."""
    chunk.write_bytes(LINES[0] + noise + b"\n" + LINES[2])
    passage = journal.read(chunk, 0, PLENTY_BYTES)
    assert lines_of(passage) == [LINES[0], LINES[2]]
    assert (passage.damaged, passage.torn_bytes) == (1, 0)


def test_two_lines_written_as_one_are_neither(chunk: Path) -> None:
    """Without the line end between them there are no two lines."""
    chunk.write_bytes(LINES[0][:-1] + LINES[1] + LINES[2])
    passage = journal.read(chunk, 0, PLENTY_BYTES)
    assert lines_of(passage) == [LINES[2]]
    assert passage.damaged == 1


def test_noise_longer_than_a_passage_is_passed_over(chunk: Path) -> None:
    """It cannot hold up the lines behind it."""
    chunk.write_bytes(LINES[0] + b"\0" * 10_000 + b"\n" + LINES[1])
    passages = list(passages_of(chunk, 1024))
    assert b"".join(passage.lines for passage in passages) == LINES[0] + LINES[1]
    assert sum(passage.damaged for passage in passages) > 0


def test_reading_begins_where_it_is_told_to(chunk: Path) -> None:
    """Offsets are bytes."""
    chunk.write_bytes(CHUNK)
    passage = journal.read(chunk, len(LINES[0]), PLENTY_BYTES)
    assert lines_of(passage) == LINES[1:]


@pytest.mark.parametrize("start", [len(CHUNK), len(CHUNK) + 1])
def test_beyond_the_end_there_is_nothing(chunk: Path, start: int) -> None:
    """A chunk can have been cut back after it was read: a write that failed leaves no trace."""
    chunk.write_bytes(CHUNK)
    assert journal.read(chunk, start, PLENTY_BYTES) == Passage(b"", start, start, 0, 0, True)  # noqa: FBT003


# --- writing ---


@dataclass
class Desk:
    """A journal to write to, its clock, and the faults it reported."""

    directory: Path
    now_s: float = NOW_S
    faults: list[tuple[str, int]] = field(default_factory=list)

    def run(self, use: Callable[[Journal], Coroutine[None, None, None]]) -> None:
        """Use a journal in an event loop of its own, and close it."""

        async def whole_life() -> None:
            written = Journal(self.directory, lambda: self.now_s, self.report)
            written.start()
            try:
                await use(written)
            finally:
                await written.close()

        asyncio.run(whole_life())

    def report(self, event: str, errno: int) -> None:
        """Note a fault."""
        self.faults.append((event, errno))

    def chunks(self) -> list[Path]:
        """Return the chunks, oldest first."""
        return journal.chunks(self.directory)

    def lines(self) -> list[bytes]:
        """Return all lines of all chunks, verified."""
        return [
            line
            for chunk in self.chunks()
            for passage in passages_of(chunk, PLENTY_BYTES)
            for line in lines_of(passage)
        ]


@pytest.fixture(name="desk")
def new_desk(tmp_path: Path) -> Desk:
    """Return an empty journal."""
    return Desk(tmp_path / "journal")


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
            assert self.may_go_on.wait(10)
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
        await asyncio.to_thread(syncs.is_held_up.wait, 10)
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
        await asyncio.to_thread(syncs.is_held_up.wait, 10)
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


def test_an_unfinished_line_of_a_held_chunk_is_left_for_later(chunk: Path) -> None:
    """Its writer may still finish it; were it not covered, it would not be whole either."""
    with chunk.open("ab", buffering=0) as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.write(LINES[0] + LINES[1][:20])
        passage = journal.read(chunk, 0, PLENTY_BYTES)
        assert passage == Passage(LINES[0], 0, len(LINES[0]), 0, 0, is_last=False)
        held.write(LINES[1][20:])
        passage = journal.read(chunk, passage.end, PLENTY_BYTES)
        assert lines_of(passage) == [LINES[1]]
        assert not passage.is_last


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


# --- rotation ---


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


# --- faults ---


@pytest.fixture(name="file_size_limit")
def limit_file_sizes() -> Iterator[Callable[[int], None]]:
    """Let a test limit how large this process's files may grow, in bytes; -1 is no limit.

    A write beyond it is short at first and then EFBIG (Python ignores SIGXFSZ), much like on a
    full disk.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda limit: resource.setrlimit(
        resource.RLIMIT_FSIZE, (soft if limit < 0 else limit, hard)
    )
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room_bytes", [0, 1, len(LINES[1]) - 1, len(LINES[1])])
def test_a_short_write_keeps_nothing_of_its_batch(
    desk: Desk, file_size_limit: Callable[[int], None], room_bytes: int
) -> None:
    """The chunk is cut back to what was acknowledged, and closed."""

    async def use(written: Journal) -> None:
        assert await written.append(LINES[0])
        file_size_limit(len(LINES[0]) + room_bytes)
        batch = [written.append(LINES[1]), written.append(LINES[2])]
        assert await asyncio.gather(*batch) == [False, False]
        assert [chunk.read_bytes() for chunk in desk.chunks()] == [LINES[0]]
        assert not journal.is_held(desk.chunks()[0])
        file_size_limit(-1)

    desk.run(use)
    assert [name for name, _ in desk.faults] == ["journal_refused"]


def test_what_a_short_write_has_left_is_never_read(
    desk: Desk, file_size_limit: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
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
        file_size_limit(whole)
        monkeypatch.setattr(os, "ftruncate", partial(look_then, os.ftruncate))
        batch = [written.append(LINES[1]), written.append(LINES[2])]
        assert await asyncio.gather(*batch) == [False, False]
        file_size_limit(-1)
        assert seen == [(LINES[0], whole)]
        desk.now_s += 1
        monkeypatch.setattr(os, "fdatasync", partial(look_then, os.fdatasync))
        assert await written.append(LINES[3])

    desk.run(use)
    assert seen[1:] == [(b"", 0), (b"", len(LINES[3]))]  # the directory's own is the first
    assert desk.lines() == [LINES[0], LINES[3]]


def test_a_chunk_that_could_not_take_its_first_line_is_gone(
    desk: Desk, file_size_limit: Callable[[int], None]
) -> None:
    """No empty files are left behind."""

    async def use(written: Journal) -> None:
        file_size_limit(0)
        assert not await written.append(LINES[0])
        file_size_limit(-1)

    desk.run(use)
    assert list(desk.directory.iterdir()) == []


def test_service_resumes_a_second_after_the_disk_refused(
    desk: Desk, file_size_limit: Callable[[int], None]
) -> None:
    """Until then the disk is left alone."""

    async def use(written: Journal) -> None:
        assert await written.append(LINES[0])
        file_size_limit(0)
        assert not await written.append(LINES[1])
        file_size_limit(-1)
        desk.now_s += 0.999
        assert not await written.append(LINES[2])  # at once: the disk is not asked
        desk.now_s += 0.001
        assert await written.append(LINES[3])

    desk.run(use)
    assert desk.lines() == [LINES[0], LINES[3]]
    assert len(desk.faults) == 1


def test_service_resumes_when_the_clock_was_set_back_meanwhile(
    desk: Desk, file_size_limit: Callable[[int], None]
) -> None:
    """The second of patience does not become an hour."""

    async def use(written: Journal) -> None:
        file_size_limit(0)
        assert not await written.append(LINES[0])
        file_size_limit(-1)
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
