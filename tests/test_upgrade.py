"""Upgrades: what an older program wrote is copied before it is changed, and not kept for ever."""

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from collector import control_file, copied, owner, store
from collector.control import Control
from collector.control_file import StorageError
from collector.copied import KEPT_S
from collector.session import NewerStoreError, StoreError
from collector.store import Store
from tests.application import NOW
from tests.house import event, house

KNOWN = store._migrations  # noqa: SLF001 - what this version of the program has
NEWEST = KNOWN("archive")[-1][0]
COPY = f"archive.schema-{NEWEST:04}.duckdb"


@pytest.fixture(name="old")
def leave(ram: Path) -> Path:
    """Leave a data directory with a sealed day, as this version does: soon the older one."""
    with house(ram) as here:
        here.load(event(here.site(), NOW))
        here.sealer.seal_due(NOW.replace(day=26))
    return ram


@pytest.fixture(name="newer")
def make_newer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what makes this program a newer one, whose archive has one table more."""

    def make(text: str = "CREATE TABLE archive.more (a INTEGER)") -> None:
        def known(database: str) -> list[tuple[int, str]]:
            more = [(NEWEST + 1, text)] if database == "archive" else []
            return [*KNOWN(database), *more]

        monkeypatch.setattr(store, "_migrations", known)

    return make


def opened(data: Path, told: list[tuple[int, int]] | None = None) -> Store:
    """Open the stores; note how far the copy is."""
    notes = [] if told is None else told
    return Store(data, memory_limit_mib=128, threads=1, copying=lambda *both: notes.append(both))


def sealed(data: Path) -> int:
    """Return how many days are sealed."""
    with closing(opened(data)) as stores, stores.snapshot() as session:
        return len(session.query("FROM archive.sealed"))


def test_an_archive_is_copied_before_it_is_changed(
    old: Path, newer: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole, told how far it is; and the older program goes on with the copy, but not without."""
    newer()
    told: list[tuple[int, int]] = []
    with closing(opened(old, told)) as stores, stores.snapshot() as session:
        assert session.query("SELECT count(*) FROM archive.more") == [(0,)]
    copy = old / COPY
    assert told[-1] == (2 * copy.stat().st_size,) * 2
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    told.clear()
    assert sealed(old) == 1
    assert told == []  # once
    monkeypatch.undo()
    with pytest.raises(NewerStoreError, match="restore the backup made before"):
        opened(old)
    shutil.copyfile(copy, old / "archive.duckdb")
    assert sealed(old) == 1


def test_a_new_archive_is_not_copied(ram: Path) -> None:
    """There is nothing to go back to."""
    opened(ram).close()
    opened(ram).close()
    assert list(ram.glob("*.schema-*")) == []


def test_without_a_copy_nothing_is_changed(
    old: Path, newer: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No room, or what is written is not what is read: the older program still can."""
    newer()

    def refuse(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        with pytest.raises(StoreError, match="before the upgrade: No space left on device"):
            opened(old)
    with monkeypatch.context() as broken:
        broken.setattr(copied, "_digest", lambda *_: b"other")
        with pytest.raises(StoreError, match="what was written is not what is read"):
            opened(old)
    assert list(old.glob("*.schema-*")) == []
    monkeypatch.undo()
    assert sealed(old) == 1


def test_the_copy_is_shown_while_it_is_made(capsys: pytest.CaptureFixture[str]) -> None:
    """By a bar, on a terminal alone; where nothing is copied nothing is drawn."""
    show = owner._copying_shown()  # noqa: SLF001 - what `serve` gives the store
    show(1, 2)
    show(2, 2)
    assert capsys.readouterr() == ("", "")


def test_an_upgrade_that_fails_leaves_the_copy(old: Path, newer: Callable[[str], None]) -> None:
    """And is tried again at the next start, with a copy made anew."""
    newer("SELECT nonsense")
    for _ in range(2):
        with pytest.raises(StoreError):
            opened(old)
    assert [path.name for path in old.glob("*.schema-*")] == [COPY]


def test_copies_go_with_what_is_deleted_and_with_time(old: Path, newer: Callable[[], None]) -> None:
    """They hold what retention and removal promise to delete."""
    newer()
    copy = old / COPY
    with closing(opened(old)) as stores:
        assert copy.exists()
        stores.rewrite("live")
        assert copy.exists()
        stores.rewrite("archive")
        assert not copy.exists()
    for age_s, is_kept in ((KEPT_S - 60, True), (KEPT_S + 60, False)):
        copy.touch()
        os.utime(copy, (time.time() - age_s,) * 2)
        opened(old).close()
        assert copy.exists() is is_kept


@pytest.fixture(name="migrations")
def older_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make the program one that lacks the last migration of control.sqlite."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    scripts = sorted(control_file._MIGRATIONS.glob("[0-9]*.sql"))  # noqa: SLF001 - its folder
    for script in scripts[:-1]:
        shutil.copy(script, folder)
    defaults = control_file.migrate.__defaults__
    monkeypatch.setattr(control_file.migrate, "__defaults__", (folder,))
    yield folder
    control_file.migrate.__defaults__ = defaults


def test_control_is_copied_before_it_is_changed(
    tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Privately, once, and as it was; a copy that is old goes."""
    path = tmp_path / "control.sqlite"
    with closing(Control.open(path)) as control:
        control.add_site("example.com", "UTC", NOW)
    older = len(list(migrations.iterdir()))
    monkeypatch.undo()
    copy = tmp_path / f"control.schema-{older:04}.sqlite"
    for _ in range(2):
        with closing(Control.open(path)) as control:
            assert [site.domain for site in control.sites()] == ["example.com"]
        assert [found.name for found in tmp_path.glob("*.schema-*")] == [copy.name]
    assert copy.stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(copy)) as read:
        assert read.execute("PRAGMA user_version").fetchone() == (older,)
        assert read.execute("SELECT domain FROM sites").fetchall() == [("example.com",)]
    os.utime(copy, (time.time() - KEPT_S - 60,) * 2)
    Control.open(path).close()
    assert not copy.exists()


def test_without_a_copy_control_is_not_changed(
    tmp_path: Path, migrations: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The older program still can."""
    path = tmp_path / "control.sqlite"
    Control.open(path).close()
    monkeypatch.undo()

    def refuse(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(copied, "settle", refuse)
    with pytest.raises(StorageError, match="No space left on device"):
        Control.open(path)
    with closing(sqlite3.connect(path)) as read:
        found = read.execute("PRAGMA user_version").fetchone()
    assert found == (len(list(migrations.iterdir())),)
