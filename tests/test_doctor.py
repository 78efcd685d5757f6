"""The doctor: each thing that can be wrong is found, and nothing where all is well."""

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.care.doctor import examine
from collector.control import Control, Purging, RefusedDay
from collector.keys import KeyStore

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
RAW = "raw days gone by 30 hours"


@pytest.fixture(name="data")
def make_data(ram: Path) -> Path:
    """Make a data directory with a journal."""
    (ram / "data" / "journal").mkdir(parents=True)
    return ram / "data"


@pytest.fixture(name="control")
def open_control(data: Path) -> Iterator[Control]:
    """Open the control file, with a site."""
    with closing(Control.open(data / "control.sqlite")) as control:
        control.add_site("example.com", "UTC", NOW)
        yield control


@pytest.fixture(name="keys")
def open_keys(data: Path) -> Iterator[KeyStore]:
    """Open a directory for keys in RAM."""
    with closing(KeyStore.open(data.parent / "keys")) as keys:
        yield keys


def wrong(data: Path, keys: KeyStore, control: Control, now: datetime = NOW) -> list[str]:
    """Return what the doctor finds not to be well."""
    return [found.what for found in examine(data, keys, control, now) if not found.is_well]


def begun(data: Path, at: datetime) -> None:
    """Leave a chunk as if it had been begun then."""
    (data / "journal" / f"{at:%Y%m%dT%H%M%S%f}-00000000.jsonl").touch()


def test_nothing_is_wrong_where_all_is_well(data: Path, keys: KeyStore, control: Control) -> None:
    """With today's key, and chunks that may be there."""
    keys.key("UTC", NOW.date(), NOW)
    begun(data, NOW - timedelta(hours=29, minutes=59))
    begun(data, NOW)
    assert wrong(data, keys, control) == []
    assert len(list(examine(data, keys, control, NOW))) == 7


def test_raw_days_that_are_too_old_are_found(data: Path, keys: KeyStore, control: Control) -> None:
    """By the chunk's name; and a live file that was moved aside, by when that was."""
    begun(data, NOW - timedelta(hours=30, minutes=1))
    assert wrong(data, keys, control) == [RAW]
    next((data / "journal").iterdir()).unlink()
    unreadable = data / "live.unreadable.duckdb"
    unreadable.touch()
    for hours, found in ((29, []), (31, [RAW])):
        at_s = (NOW - timedelta(hours=hours)).timestamp()
        os.utime(unreadable, (at_s, at_s))
        assert wrong(data, keys, control) == found


def test_a_key_past_its_time_is_found(data: Path, keys: KeyStore, control: Control) -> None:
    """From 60 seconds after its day on."""
    keys.key("UTC", NOW.date(), NOW)
    midnight = datetime(2026, 11, 25, tzinfo=UTC)
    assert wrong(data, keys, control, midnight + timedelta(seconds=59)) == []
    late = wrong(data, keys, control, midnight + timedelta(seconds=60))
    assert late == ["day keys past their time"]


def test_keys_on_a_disk_are_found(data: Path, control: Control, tmp_path: Path) -> None:
    """The statement says so too."""
    with closing(KeyStore.open(tmp_path / "keys")) as keys:
        assert wrong(data, keys, control) == ["day keys in RAM"]


def test_keys_that_may_be_swapped_are_found(
    data: Path, keys: KeyStore, control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the program warns at its start."""
    monkeypatch.setattr(KeyStore, "may_be_swapped", True)
    assert wrong(data, keys, control) == ["swap"]


def test_a_day_that_cannot_be_sealed_is_found(data: Path, keys: KeyStore, control: Control) -> None:
    """Since when, and of which site; no longer once it is sealed."""
    (site,) = control.sites()
    day = NOW.date() - timedelta(days=1)
    for hours in (2, 1):
        since = NOW - timedelta(hours=hours)
        control.note_refused_day(RefusedDay(site.id, day, since, "OutOfMemoryException"))
    (found,) = [one for one in examine(data, keys, control, NOW) if not one.is_well]
    assert found.what == "days that are over are sealed"
    told = "2026-11-23 of example.com is refused since 2026-11-24 08:00 UTC (OutOfMemoryException)"
    assert found.found.startswith(told)
    control.note_sealed_day(site.id, day)
    assert wrong(data, keys, control) == []


def test_days_that_are_too_old_are_found(data: Path, keys: KeyStore, control: Control) -> None:
    """Of each site."""
    (site,) = control.sites()
    behind = Purging("2026-11-24", purges_all=False, overdue_days=3)
    control.note_purging(site, control.purging(site.id), behind)
    assert wrong(data, keys, control) == ["example.com: numbers gone after 25 months"]


def test_a_clock_that_was_set_back_is_found(data: Path, keys: KeyStore, control: Control) -> None:
    """Against the newest chunk, and against the record of settings."""
    control.note_settings({"small_cells": "5"}, NOW + timedelta(minutes=5))
    assert wrong(data, keys, control) == ["clock"]
    begun(data, NOW + timedelta(hours=2))
    assert wrong(data, keys, control, NOW + timedelta(hours=1)) == ["clock"]
    assert wrong(data, keys, control, NOW + timedelta(hours=2)) == []
