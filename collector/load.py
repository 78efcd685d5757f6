"""The loader: carries the journal into the live store, every line exactly once."""

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from collector import journal
from collector.session import Session, StoreError
from collector.store import Store

_LOG = logging.getLogger("gatecount.load")
VISIT_GAP_US = 30 * 60 * 1_000_000  # a longer silence begins a new visit
# One transaction's worth: about 14,000 events. Larger saves little and costs memory.
_PASSAGE_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Position:
    end_byte: int
    is_last: bool


class Loader:
    """Reads chunks from where the ledger says, and commits rows and ledger together.

    Used by one thread. Nothing is remembered that the ledger does not say: after any error the
    ledger is read again.
    """

    def __init__(self, directory: Path, store: Store) -> None:
        self._directory = directory
        self._store = store
        self._positions: dict[str, _Position] | None = None
        self.loaded_bytes = 0
        self.moved_at_s = time.monotonic()  # when it last committed something, or had nothing to do

    def lag_bytes(self) -> int | None:
        """Return how much of the journal is not loaded; None while the ledger is to be read again.

        For any thread, and asks no database.
        """
        known, paths = self._positions, journal.chunks(self._directory)
        if known is None:
            return None if paths else 0
        lag = 0
        for path in paths:
            position = known.get(path.name)
            with contextlib.suppress(FileNotFoundError):  # sealed in this very moment
                lag += path.stat().st_size - (position.end_byte if position else 0)
        return max(0, lag)

    def load(self) -> int:
        """Load all there is in the journal now; return how many bytes that was.

        Raises:
            StoreError: a batch could not be committed. Whether it was, the next call finds out.
        """
        with self.starting_over():
            loaded_bytes = sum(self._load_chunk(path) for path in journal.chunks(self._directory))
            self.moved_at_s = time.monotonic()
            if loaded_bytes:
                self._store.release_memory()
            self._store.tidy()
            return loaded_bytes

    @contextlib.contextmanager
    def starting_over(self) -> Iterator[None]:
        """Open the store afresh, and read the ledger again, once the store refused something.

        Raises:
            StoreError: what it refused, or why it cannot be opened.
        """
        try:
            yield
        except StoreError:
            self._positions = None
            self._store.reopen()
            raise

    def reread_ledger(self) -> None:
        """Read the ledger again before the next batch, because the store was changed."""
        self._positions = None

    def _load_chunk(self, path: Path) -> int:
        position = self._position(path.name)
        if position.is_last:
            return 0
        size = path.stat().st_size  # what comes later is for the next round
        loaded = 0
        while True:
            passage = journal.read(path, position.end_byte, _PASSAGE_BYTES)
            if passage.end == passage.start and not passage.is_last:
                return loaded
            self._commit(path.name, passage)
            position = _Position(passage.end, passage.is_last)
            self._known()[path.name] = position
            loaded += passage.end - passage.start
            self.loaded_bytes += passage.end - passage.start
            self.moved_at_s = time.monotonic()
            if passage.is_last or passage.end >= size:
                return loaded

    def _known(self) -> dict[str, _Position]:
        if self._positions is None:
            with self._store.snapshot() as session:
                rows = session.run("load_positions")
            self._positions = {chunk: _Position(end, last) for chunk, end, last in rows}
        return self._positions

    def _position(self, chunk: str) -> _Position:
        return self._known().get(chunk, _Position(0, is_last=False))

    def _commit(self, chunk: str, passage: journal.Passage) -> None:
        if passage.damaged or passage.torn_bytes:
            _LOG.error(
                "journal_damaged",
                extra={
                    "chunk": chunk,
                    "offset": passage.start,
                    "damaged_lines": passage.damaged,
                    "torn_bytes": passage.torn_bytes,
                },
            )
        spool = self._store.scratch / "passage.jsonl"
        spool.write_bytes(passage.lines)
        with self._store.writing() as session:
            if passage.lines:
                _load_rows(session, chunk, str(spool.resolve()))
            session.run(
                "load_ledger",
                chunk=chunk,
                first_byte=passage.start,
                end_byte=passage.end,
                is_last=passage.is_last,
            )
        spool.unlink()


def _load_rows(session: Session, chunk: str, file: str) -> None:
    session.run("load_batch", file=file)
    has_erasures = _erase(session)
    session.run("load_touched", gap_us=VISIT_GAP_US)
    if has_erasures:
        session.run("load_touched_erased")
    ((since_us, first_us, returns, are_several),) = session.run(
        "load_touched_since", gap_us=VISIT_GAP_US
    )
    session.run("load_arrivals")
    session.run("load_pages")
    session.run("load_events", first_us=first_us)
    session.run("load_drops")
    session.run("load_day_keys")
    session.run("load_chunk_days", chunk=chunk)
    if since_us is not None:
        session.run("replace_visits_delete", since_us=since_us)
        session.run("replace_visits_insert", since_us=since_us, gap_us=VISIT_GAP_US)
    if returns:
        session.run("replace_visits_first")
    if are_several:
        session.run("replace_visits_compare")
    session.run("load_forget_batch")


def _erase(session: Session) -> bool:
    """Take out what visitors took back: of what is loaded already, and of the batch.

    Returns whether the batch says so itself: then visits have to go as well.
    """
    ((fresh, known),) = session.run("load_erasures_at_hand")
    if fresh:
        session.run("load_erasures")
        session.run("load_erase_events")
        session.run("load_mark_again")
    if fresh or known:
        session.run("load_erase_batch")
    return bool(fresh)
