"""A backup holds what the data directory did at one moment, whole, or says that it does not."""

import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import msgspec
import pytest

from collector import config, lending
from collector.care import backup
from collector.care.audit import audit
from collector.care.backup import Backup, BackupError
from collector.config import Config
from collector.control import Control
from collector.control_file import ControlError
from collector.lending import Lender, Loan
from tests.house import SEALED_EVENTS, House, event, house
from tests.serving import wait_until

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW = NOON + timedelta(days=1)
VISITORS = 40
_OF_NO_CONSEQUENCE = 99  # the version of SQLite that wrote last; source: SQLite's file format, 1.3


@pytest.fixture(name="made", scope="module")
def make_data(ram_of_module: Path) -> Path:
    """Seal a day; leave an event of the next, and a key where none belongs."""
    data = ram_of_module / "data"
    data.mkdir()
    with house(data) as here:
        site = here.site()
        for number in range(VISITORS):
            at = NOON + timedelta(minutes=number)
            here.append("a", event(site, at, token=number + 1, path=f"/{number}"))
        here.finish()
        here.loader.load()
        here.sealer.seal_due(NOW)
        here.append("b", event(site, NOW, token=77))
        here.loader.load()
    return data


@pytest.fixture(name="data")
def copy_data(made: Path, ram: Path) -> Path:
    """Return a copy that a test may change."""
    return Path(shutil.copytree(made, ram / "data"))


def configured(data: Path) -> Config:
    """Return a configuration for a data directory."""
    return config.load(None, {}, {"data": str(data)}).config


def backed_up(data: Path, target: Path, *, has_unsealed: bool = False) -> Backup:
    """Back up a data directory."""
    *steps, made = backup.back_up(configured(data), target, NOW, has_unsealed=has_unsealed)
    assert all(isinstance(step, backup.Progress) for step in steps)
    assert isinstance(made, Backup)
    return made


def restored(source: Path, data: Path) -> Backup:
    """Restore a backup."""
    *_, made = backup.restore(configured(data), source)
    assert isinstance(made, Backup)
    return made


def names(folder: Path) -> set[str]:
    """Return the files below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def paths(data: Path) -> list[tuple[str]]:
    """Return the pages of sealed events, read by a store of this version."""
    with house(data) as here:
        found: list[tuple[str]] = here.rows(f"SELECT path FROM {SEALED_EVENTS} ORDER BY path")
    return found


def test_a_backup_holds_sealed_and_control_data_and_nothing_else(data: Path, ram: Path) -> None:
    """No chunk, no live store, no key, even if one lies about; the audit finds nothing in it."""
    (data / "2026-11-25.UTC.key").write_bytes(bytes(32))
    made = backed_up(data, ram / "backup")
    assert names(ram / "backup") == {"archive.duckdb", "control.sqlite", "backup.json"}
    assert [file.name for file in made.files] == ["archive.duckdb", "control.sqlite"]
    assert (made.sites, made.archive.days, made.archive.events) == (1, 1, VISITORS)
    assert made.archive.first_day == made.archive.last_day == "2026-11-24"
    assert [c for c in audit(ram / "backup", ram, NOW) if c.leaks] == []


def test_backing_up_changes_nothing(data: Path, ram: Path) -> None:
    """Nor is anything brought up to date: what an older program wrote, it can read again."""
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    backed_up(data, ram / "backup", has_unsealed=True)
    assert {path: path.read_bytes() for path in data.rglob("*") if path.is_file()} == before


def test_what_is_only_in_the_write_ahead_log_is_in_the_backup(data: Path, ram: Path) -> None:
    """As after kill -9, before any checkpoint."""
    code = f"""import os
from pathlib import Path
from collector.store import Store
store = Store(Path({str(data)!r}), memory_limit_mib=128, threads=1)
with store.writing() as session:
    session.query("INSERT INTO archive.drops VALUES (1, DATE '2026-11-24', 'bot', 7)")
os._exit(0)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (data / "archive.duckdb.wal").stat().st_size
    backed_up(data, ram / "backup")
    with closing(duckdb.connect(str(ram / "backup" / "archive.duckdb"), read_only=True)) as copy:
        assert copy.execute("SELECT count FROM drops").fetchall() == [(7,)]


def test_what_is_restored_is_what_was_backed_up(data: Path, ram: Path) -> None:
    """Sites, sealed days, and with `--unsealed` the day that is not over, loaded anew."""
    before = paths(data)
    made = backed_up(data, ram / "backup", has_unsealed=True)
    again = ram / "again"
    assert restored(ram / "backup", again) == made
    assert names(again) - {"store.lock"} == {file.name for file in made.files}
    assert paths(again) == before
    with house(again) as here:
        here.loader.load()
        assert here.rows("SELECT token FROM live.events") == [(77,)]
        assert [site.domain for site in here.control.sites()] == ["example.com"]


def test_a_line_that_is_not_whole_is_not_backed_up(data: Path, ram: Path) -> None:
    """What is being written just now was not acknowledged yet."""
    (chunk,) = (data / "journal").iterdir()
    whole = chunk.read_bytes()
    with chunk.open("ab") as torn:
        torn.write(b'{"site":1,"da')
    backed_up(data, ram / "backup", has_unsealed=True)
    assert (ram / "backup" / "journal" / chunk.name).read_bytes() == whole


@pytest.mark.parametrize("command", ["backup", "restore"])
def test_a_directory_that_is_not_empty_is_refused(data: Path, ram: Path, command: str) -> None:
    """And left as it is; the lost+found of a volume of its own does not count."""
    backed_up(data, ram / "first")
    (ram / "full").mkdir()
    (ram / "full" / "file").write_text("of somebody", encoding="utf-8")
    (ram / "volume" / "lost+found").mkdir(parents=True)

    def work(target: Path) -> None:
        if command == "backup":
            backed_up(data, target)
        else:
            restored(ram / "first", target)

    with pytest.raises(BackupError, match="full is not empty"):
        work(ram / "full")
    assert names(ram / "full") == {"file"}
    work(ram / "volume")
    with pytest.raises(BackupError, match="volume is not empty"):
        work(ram / "volume")


def test_nothing_can_be_backed_up_where_nothing_is(ram: Path) -> None:
    """The message says what is missing, and no half of a backup is left."""
    with pytest.raises(BackupError, match=r"it has no control\.sqlite"):
        backed_up(ram, ram / "backup")
    (ram / "data").mkdir()
    Control.open(ram / "data" / "control.sqlite").close()
    with pytest.raises(BackupError, match="has no archive: no server ever ran on it"):
        backed_up(ram / "data", ram / "backup")
    assert names(ram / "backup") == set()
    with pytest.raises(BackupError, match=r"control\.sqlite: File exists"):
        backed_up(ram / "data", ram / "data" / "control.sqlite")


def _without(name: str) -> Callable[[Path], None]:
    return lambda source: (source / name).unlink()


def _flip(source: Path) -> None:
    with (source / "control.sqlite").open("r+b") as file:
        file.seek(_OF_NO_CONSEQUENCE)
        (found,) = file.read(1)
        file.seek(_OF_NO_CONSEQUENCE)
        file.write(bytes([found ^ 1]))


def _newer_archive(source: Path) -> None:
    with closing(duckdb.connect(str(source / "archive.duckdb"))) as archive:
        archive.execute("INSERT INTO migrations VALUES (9999)")


def _newer_control(source: Path) -> None:
    with closing(sqlite3.connect(source / "control.sqlite")) as control:
        control.execute("PRAGMA user_version = 9999")


def _relisted(**changes: object) -> Callable[[Path], None]:
    def change(source: Path) -> None:
        told = msgspec.json.decode((source / "backup.json").read_bytes())
        (source / "backup.json").write_bytes(msgspec.json.encode(told | changes))

    return change


_OUTSIDE = {"name": "../outside", "size_bytes": 1, "sha256": ""}
SPOILT: Mapping[str, tuple[Callable[[Path], None], str]] = {
    "no list": (_without("backup.json"), "no whole backup: it has no backup.json"),
    "no archive": (_without("archive.duckdb"), "cannot|IOException"),
    "a flipped bit": (_flip, "is not what was backed up"),
    "a newer archive": (_newer_archive, "written by a newer gatecount"),
    "a newer control file": (_newer_control, "has format 9999"),
    "no list in the list": (_relisted(files=7), "is not a list of a backup"),
    "half a list": (_relisted(files=[]), "it has no control.sqlite or no archive.duckdb"),
    "another form": (_relisted(format=2), "has another form"),
    "a way out": (_relisted(files=[_OUTSIDE]), "has another form"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_backup_that_is_spoilt_or_newer_is_refused(data: Path, ram: Path, how: str) -> None:
    """The data directory stays empty, so that another backup can be tried."""
    spoil, why = SPOILT[how]
    backed_up(data, ram / "backup")
    spoil(ram / "backup")
    with pytest.raises((BackupError, ControlError), match=why):
        restored(ram / "backup", ram / "again")
    assert names(ram / "again") == set()
    assert not (ram / "outside").exists()


def test_what_a_newer_program_wrote_is_not_backed_up(data: Path, ram: Path) -> None:
    """An older one cannot tell whether the copy holds the same."""
    shutil.copytree(data, ram / "newer")
    _newer_archive(ram / "newer")
    with pytest.raises(BackupError, match="written by a newer gatecount"):
        backed_up(ram / "newer", ram / "backup")
    assert names(ram / "backup") == set()


@pytest.fixture(name="here")
def open_house(data: Path) -> Iterator[House]:
    """Have a server's rooms open, so that no other process may open the archive."""
    with house(data) as opened:
        yield opened


def lent_while(here: House, work: Callable[[], None], lender: Lender) -> None:
    """Do something in a thread; meanwhile lend, as a keeper does."""
    doing = threading.Thread(target=work)
    doing.start()
    while doing.is_alive():
        lender.lend()
        doing.join(0.02)


def test_a_server_lends_a_copy_and_takes_it_back(
    here: House, ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup of what a server has open holds the same, and nothing is left of the loan."""
    monkeypatch.setattr(lending, "_LOOK_EVERY_S", 0.01)
    made: list[Backup] = []
    lender = here.lender()
    lent_while(here, lambda: made.append(backed_up(here.folder, ram / "backup")), lender)
    assert made[0].archive.events == VISITORS
    assert names(here.folder / "lent") == set()


def test_a_loan_that_is_given_back_meanwhile_is_not_made_again(
    here: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lender found a request, and no copy beside it any more."""
    monkeypatch.setattr(lending, "_LOOK_EVERY_S", 0.01)
    lender, loan = here.lender(), Loan(here.folder)
    awaited = loan.awaited()
    next(awaited)
    lender.lend()
    assert list(awaited) == []
    is_held = lending._is_held  # noqa: SLF001 - to do something right after it

    def given_back_then(request: Path) -> bool:
        held = is_held(request)
        if held:
            loan.close()
        return held

    monkeypatch.setattr(lending, "_is_held", given_back_then)
    lender.lend()
    assert names(here.folder / "lent") == set()


def test_a_loan_that_nobody_waits_for_is_deleted(here: House) -> None:
    """Of a command that was killed, and of a server that was."""
    folder = here.folder / "lent"
    folder.mkdir()
    for name in ("a.request", "a.duckdb", "b.part", "b.part.wal"):
        (folder / name).touch()
    here.lender().lend()
    assert names(folder) == set()


def test_whoever_asks_is_told_that_there_is_no_copy(
    here: House, ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the server cannot make it, once and not each second; or when it never answers."""
    monkeypatch.setattr(lending, "_LOOK_EVERY_S", 0.01)
    lender = here.lender()
    backing_up = backup.back_up(configured(here.folder), ram / "backup", NOW)
    wait_until(lambda: bool(next(backing_up)) and bool(names(here.folder / "lent")), "a request")
    (request,) = (here.folder / "lent").iterdir()
    request.with_suffix(".part").mkdir()
    with pytest.raises(OSError, match="part"):
        lender.lend()
    request.with_suffix(".part").rmdir()
    request.with_suffix(".refused").touch()
    lender.lend()
    with pytest.raises(BackupError, match="could not copy the archive"):
        list(backing_up)
    monkeypatch.setattr(lending, "_BEGUN_WITHIN_S", 0.0)
    with pytest.raises(BackupError, match="does not answer"):
        backed_up(here.folder, ram / "backup")


def test_a_server_that_ends_leaves_the_archive_to_whoever_waits(
    data: Path, ram: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The command goes on by itself, and takes its request back."""
    monkeypatch.setattr(lending, "_LOOK_EVERY_S", 0.01)
    with house(data):
        backing_up = backup.back_up(configured(data), ram / "backup", NOW)
        wait_until(lambda: bool(next(backing_up)) and bool(names(data / "lent")), "a request")
    *_, made = backing_up
    assert isinstance(made, Backup)
    assert made.archive.events == VISITORS
    assert names(data / "lent") == set()
