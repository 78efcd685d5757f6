"""The stores' files: wiped, rewritten, damaged, made again."""

import os
import random
import shutil
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.session import ArchiveUnreadableError
from collector.store import Store
from tests.disks import files_no_larger_than
from tests.house import event, house
from tests.stores import opened, query, write

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
VISITS = "SELECT site, date::VARCHAR, token, started_at_us, events FROM live.visits ORDER BY ALL"


@pytest.fixture(scope="module")
def prepared(ram_of_module: Path) -> Path:
    """Load two days of a site, and a chunk that is held; seal the first day, and close."""
    folder = ram_of_module / "prepared"
    folder.mkdir()
    with house(folder) as here:
        site, other = here.site(), here.site("example.org")
        here.load(
            *[
                event(site, day + timedelta(seconds=n), token=n // 3 + 1, path=f"/page-{n % 7}")
                for day in (NOON - timedelta(days=1), NOON)
                for n in range(90)
            ]
        )
        here.append("held", event(other, NOON))
        here.loader.load()
        assert here.sealer.seal_due(NOON) == 1
        assert here.rows("SELECT count(*) FROM live.events") == [(91,)]
        assert here.rows("SELECT sum(events) FROM archive.sealed") == [(90,)]
    return folder


@pytest.fixture
def filled(prepared: Path, ram: Path) -> Path:
    """Return a data directory of one's own with two days in it."""
    return shutil.copytree(prepared, ram / "filled")


@pytest.fixture(scope="module")
def visits(prepared: Path) -> list[tuple[object, ...]]:
    """Return the visits that are live in it."""
    with house(prepared) as here:
        found = here.rows(VISITS)
    assert len(found) == 31
    return found


def spoil(file: Path, how: str) -> None:
    """Damage a database file."""
    content = file.read_bytes()
    chance = random.Random(5)
    if how == "noise":
        content = chance.randbytes(len(content))
    elif how == "noise after the head":
        content = content[:12288] + chance.randbytes(len(content) - 12288)
    elif how == "empty":
        content = b""
    elif how == "half":
        content = content[: len(content) // 2]
    elif how == "another program's":
        content = b"SQLite format 3\0" + bytes(4096)
    file.write_bytes(content)


def test_what_a_crash_left_is_wiped_at_the_start(ram: Path) -> None:
    """Spills and half-made copies, which hold raw rows; nothing else."""
    with opened(ram):
        pass
    kept = ["control.sqlite", "journal.jsonl", "live.duckdb", "archive.duckdb", "store.lock"]
    for name in kept[:2]:
        (ram / name).write_text("kept", encoding="utf-8")
    for name in ("tmp/duckdb_temp_storage-0.tmp", "tmp/passage.jsonl", "live.new.duckdb",
                 "live.new.duckdb.wal", "archive.new.duckdb"):  # fmt: skip
        (ram / name).write_text("left", encoding="utf-8")
    with opened(ram):
        pass
    assert list((ram / "tmp").iterdir()) == []
    assert {path.name for path in ram.iterdir()} == {*kept, "tmp"}


def test_an_unreadable_live_store_is_kept_for_thirty_hours(ram: Path) -> None:
    """Long enough to look at it; raw days are gone by then."""
    unreadable = ram / "live.unreadable.duckdb"
    unreadable.write_bytes(b"noise")
    for hours, is_kept in ((0, True), (29.9, True), (30.1, False)):
        changed_s = time.time() - hours * 3600
        os.utime(unreadable, (changed_s, changed_s))
        with opened(ram):
            assert unreadable.exists() is is_kept


@pytest.mark.parametrize("how", ["noise", "noise after the head", "empty", "half"])
def test_a_live_store_that_cannot_be_read_is_made_again(
    filled: Path, visits: list[tuple[object, ...]], how: str
) -> None:
    """From the journal, without what is sealed; the bad file is put aside."""
    live = filled / "live.duckdb"
    spoil(live, how)
    bad = live.read_bytes()
    with house(filled) as here:
        for _ in range(2):
            here.loader.load()
            assert here.rows(VISITS) == visits
            assert here.rows("SELECT count(*) FROM live.events") == [(91,)]
            assert here.rows("SELECT sum(events) FROM archive.sealed") == [(90,)]
        if bad:  # an empty file is a new one to DuckDB
            assert (filled / "live.unreadable.duckdb").read_bytes() == bad


def test_a_bit_that_flipped_in_the_live_store_changes_no_number(
    filled: Path, visits: list[tuple[object, ...]]
) -> None:
    """Wherever it is: it is noticed at the start, or it does not matter."""
    live = filled / "live.duckdb"
    whole = live.read_bytes()
    chance = random.Random(11)
    made_again = 0
    for _ in range(5):
        place = chance.randrange(len(whole))
        live.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        with house(filled) as here:
            made_again += here.rows("SELECT count(*) FROM live.ledger") == [(0,)]
            here.loader.load()
            assert here.rows(VISITS) == visits, place
    assert made_again > 0


@pytest.mark.parametrize("how", ["noise after the head", "half", "another program's", "empty"])
def test_an_archive_that_cannot_be_read_stops_the_start(filled: Path, how: str) -> None:
    """It cannot be made again: nothing is moved or written, and the message says what to do."""
    archive = filled / "archive.duckdb"
    good = archive.read_bytes()
    spoil(archive, how)
    bad = archive.read_bytes()
    with pytest.raises(ArchiveUnreadableError) as caught:
        Store(filled, memory_limit_mib=128, threads=1)
    assert str(caught.value).startswith(f"{archive} cannot be read (")
    assert "Restore it from a backup, or move it away" in str(caught.value)
    assert archive.read_bytes() == bad
    archive.write_bytes(good)
    with opened(filled) as store:
        assert query(store, "SELECT sum(events) FROM archive.sealed") == [(90,)]


def test_an_archive_that_could_not_be_made_is_not_in_the_way_later(ram: Path) -> None:
    """As on a full disk at the very first start: what DuckDB leaves is an empty file."""
    with files_no_larger_than(0), pytest.raises(ArchiveUnreadableError):
        Store(ram, memory_limit_mib=128, threads=1)
    assert not (ram / "archive.duckdb").exists()
    with opened(ram) as store:
        assert query(store, "SELECT count(*) FROM archive.sealed") == [(0,)]


def test_readers_see_no_change_while_files_are_rewritten(filled: Path) -> None:
    """Rewriting waits for those who read, and those who come then wait for it."""
    with house(filled) as here:
        ended = threading.Event()
        totals: list[object] = []
        both = (
            "SELECT count(*), sum(events) FROM (SELECT events FROM archive.visits UNION ALL"
            " SELECT events FROM live.visits ANTI JOIN archive.sealed USING (site, date))"
        )

        def read() -> None:
            totals.extend(here.rows(both))
            while not ended.is_set():
                totals.extend(here.rows(both))

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        try:
            for _ in range(2):
                here.store.rewrite("live")
                here.store.rewrite("archive")
        finally:
            ended.set()
            for reader in readers:
                reader.join()
        assert set(totals) == {(61, 181)}


def test_deleted_bytes_are_gone_once_a_store_is_rewritten(ram: Path) -> None:
    """Before that, they are still in its file."""
    with house(ram) as here:
        site = here.site()
        here.load(event(site, NOON, path="/doomed"), event(site, NOON, token=2, path="/kept"))
        (ram / "journal" / "000001.jsonl").unlink()
        write(here.store, "DELETE FROM live.pages WHERE path = '/doomed'")
        assert b"/doomed" in here.bytes_on_disk()
        here.store.rewrite("live")
        assert b"/doomed" not in here.bytes_on_disk()
        assert b"/kept" in here.bytes_on_disk()
        assert here.rows("SELECT path FROM live.pages") == [("/kept",)]
        here.load(event(site, NOON, token=3, path="/later"))
    with house(ram) as here:
        assert here.rows("SELECT path FROM live.pages ORDER BY 1") == [("/kept",), ("/later",)]
