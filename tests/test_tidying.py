"""What DuckDB keeps in memory of what is gone, and that it lets go of it."""

import ctypes
import gc
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector import store as stores
from collector.session import StoreError
from tests.disks import files_no_larger_than
from tests.house import House, event, house

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_JOINS = 400
_JOIN = "SELECT count(*) FROM range(10) a(n) JOIN range(5) b(n) USING (n)"


class _Mallinfo2(ctypes.Structure):
    """Source: mallinfo(3)."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in (
            "arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks",
            "fordblks", "keepcost",
        )
    ]  # fmt: skip


def allocated_bytes() -> int:
    """Return what of the heap is in use: DuckDB takes its blocks from one of its own."""
    gc.collect()  # what earlier tests left is not to go in between
    ask = ctypes.CDLL(None).mallinfo2
    ask.restype = _Mallinfo2
    return int(ask().uordblks)


@pytest.fixture(autouse=True)
def tidy_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tidy after a tenth of the statements."""
    monkeypatch.setattr(stores, "_TIDY_AFTER", _JOINS)


def test_duckdb_lets_go_of_blocks_that_are_gone_once_nobody_reads(ram: Path) -> None:
    """Each statement leaves some behind; who reads is not disturbed."""
    with house(ram) as here:
        with here.store.snapshot() as session:
            session.query(_JOIN)
            before = allocated_bytes()
            for _ in range(_JOINS):
                session.query(_JOIN)
            left = allocated_bytes() - before
            here.store.tidy()
            assert allocated_bytes() - before > left / 2 > _JOINS * 200
        here.loader.load()
        assert allocated_bytes() - before < left / 2


def fill(here: House) -> Path:
    """Load something, and run as many statements as make it due; return the write-ahead log."""
    here.load(*(event(1, NOON + timedelta(seconds=n), n) for n in range(50)))
    with here.store.snapshot() as session:
        for _ in range(_JOINS):
            session.query("SELECT 1")
    return here.folder / "live.duckdb.wal"


def test_tidying_changes_nothing_else(ram: Path) -> None:
    """What is in no file yet is not spilled, but written where it belongs; all is as it was."""
    told = "SELECT count(*), sum(hash(e)), current_setting('memory_limit') FROM live.events e"
    with house(ram) as here:
        wal = fill(here)
        before = here.rows(told)
        assert wal.stat().st_size
        here.loader.load()
        assert not [*here.store.scratch.iterdir()]
        assert not wal.exists()
        assert here.rows(told) == before


def test_on_a_full_disk_it_fails_but_once(ram: Path) -> None:
    """Then DuckDB is begun afresh, which tidies as well."""
    with house(ram) as here:
        wal = fill(here)
        with files_no_larger_than(wal.stat().st_size):
            with pytest.raises(StoreError):
                here.loader.load()
            assert here.loader.load() == 0
        assert here.rows("SELECT count(*) FROM live.events") == [(50,)]
