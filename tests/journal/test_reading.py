"""Lines and chunks: what was written is read back, and nothing that was never written."""

import fcntl
import zlib
from pathlib import Path

import msgspec
import pytest

from collector import journal
from collector.journal import Passage, Record
from tests.journal.desk import CHUNK, LINES, PLENTY_BYTES, RECORDS, lines_of, passages_of


def decoded(line: bytes) -> Record:
    """Return the record a line holds."""
    record: Record = msgspec.json.decode(line, type=Record)
    return record


def replace(chunk: Path, data: bytes | bytearray) -> None:
    """Put a new file in the place of a chunk: one that is rewritten, ext4 flushes to the disk."""
    chunk.unlink(missing_ok=True)
    chunk.write_bytes(data)


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
