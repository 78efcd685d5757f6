"""A journal to write to, and what is written: lines of each kind."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from collector import journal
from collector.journal import Drops, Erasure, Journal, NewKey, Passage, Record
from tests import house

NOW_S = 1_795_514_400.0  # 2026-11-24 10:00:00 UTC
PLENTY_BYTES = 1 << 20

# Whatever a page may send and scrubbing leaves: quotes, line ends, something like a checksum.
_AWKWARD = 'a "b"\n\\ \u2028\u00e9\U0001f600 ,"crc":123}'
_event = partial(house.event, 1, datetime.fromtimestamp(NOW_S, UTC), 2**64 - 1, at_us=1)
RECORDS: tuple[Record, ...] = (
    _event(path="/one"),
    Drops(site=1, date="2026-11-24", reason="bot", count=3),
    _event(path="/two", name=_AWKWARD, props={_AWKWARD: _AWKWARD}),
    NewKey(site=1, date="2026-11-24", at_us=2),
    Erasure(site=1, date="2026-11-24", token=2**64 - 1, at_us=3),
    _event(
        path="/three", engaged_s=4, scroll=10, interactive=False, revenue="1.500", currency="EUR"
    ),
)
LINES = [journal.line(record) for record in RECORDS]
CHUNK = b"".join(LINES)


def lines_of(passage: Passage) -> list[bytes]:
    """Return the lines of a passage, each with its end."""
    return passage.lines.splitlines(keepends=True)


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
