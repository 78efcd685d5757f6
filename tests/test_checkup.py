"""The doctor's other half: what is wrong with machine, set-up or files is found and named."""

import resource
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from collector import config as options
from collector.care import checkup
from collector.care.checkup import Request
from collector.care.doctor import Finding
from collector.config import Config
from collector.control import Control
from collector.geo import Countries
from collector.journal import line
from tests.application import NOW
from tests.house import event, house

WHATS = (
    "versions", "key directory", "proxy trust", "country data", "open files", "disk",
    "control.sqlite", "unsealed backlog", "journal", "archive.duckdb", "live.duckdb",
)  # fmt: skip


@dataclass
class Patient:
    """A data directory and what is known about it."""

    data: Path
    countries: Countries

    def config(self, **flags: object) -> Config:
        """Return a configuration for it."""
        return options.load(None, {}, {"data": str(self.data), **flags}).config

    def findings(self, asked: Request, **flags: object) -> Iterator[Finding]:
        """Yield what the doctor finds."""
        config = self.config(**flags)
        return checkup.examine(config, Path("/run/keys"), self.countries, NOW, asked)

    def told(self) -> dict[str, tuple[bool, str]]:
        """Return whether each thing is well, and what was found."""
        return {found.what: (found.is_well, found.found) for found in self.findings(Request())}

    def first(self, what: str, asked: Request | None = None, **flags: object) -> tuple[bool, str]:
        """Return what was found of one thing, and look no further."""
        found = next(f for f in self.findings(asked or Request(), **flags) if f.what == what)
        return found.is_well, found.found

    def wrong(self) -> list[str]:
        """Return what is not well."""
        return [what for what, (is_well, _) in self.told().items() if not is_well]


@pytest.fixture(name="patient", scope="module")
def make_patient(ram_of_module: Path, country_database: Path) -> Iterator[Patient]:
    """Leave a data directory as a server does, with a day that is not over loaded."""
    with house(ram_of_module) as here:
        site = here.site()
        here.load(*(event(site, NOW, token=token) for token in range(3)))
    for chunk in here.journal.iterdir():
        chunk.unlink()
    countries = Countries.open(country_database)
    yield Patient(ram_of_module, countries)
    countries.close()


@pytest.fixture(name="monkey")
def patched(patient: Patient) -> Iterator[pytest.MonkeyPatch]:
    """Return a monkeypatch that leaves room on the disk out of it."""
    with pytest.MonkeyPatch.context() as monkey:
        monkey.setattr(checkup, "_LEAST_FREE_BYTES", 1)
        yield monkey


def test_nothing_is_wrong_where_all_is_well(patient: Patient, monkey: pytest.MonkeyPatch) -> None:
    """Everything is looked at, and named with what was found."""
    told = patient.told()
    assert tuple(told) == WHATS
    assert [what for what, (is_well, _) in told.items() if not is_well] == []
    assert "gatecount 0." in told["versions"][1]
    assert "DuckDB" in told["versions"][1]
    assert told["key directory"][1] == "/run/keys"
    assert told["control.sqlite"][1] == "whole, with 1 sites"
    assert told["live.duckdb"][1].startswith("whole, with ")


@pytest.mark.parametrize(
    ("flags", "asked", "wrong", "taken"),
    [
        ({}, Request(), [], "203.0.113.9"),
        ({"trusted_proxies": ["10.0.0.0/8"]}, Request(), ["proxy trust"], "127.0.0.1"),
        ({"trusted_proxies": ["10.0.0.0/8"], "host": "0.0.0.0"}, Request(), [], "127.0.0.1"),
        ({"trusted_proxies": []}, Request("192.0.2.1", "203.0.113.9"), [], "192.0.2.1"),
        (
            {"trusted_proxies": ["10.0.0.0/8", "127.0.0.1"]},
            Request("127.0.0.1", "198.51.100.1, 203.0.113.8, 10.1.1.1"),
            [],
            "203.0.113.8",
        ),
    ],
)
def test_the_doctor_tells_whose_a_request_would_be(
    patient: Patient, flags: dict[str, object], asked: Request, wrong: list[str], taken: str
) -> None:
    """By way of a proxy; one on this machine that is not believed makes all visitors one."""
    is_well, found = patient.first("proxy trust", asked, **flags)
    assert is_well is not bool(wrong)
    assert f" counts as from {taken}" in found
    assert ("all visitors would be one" in found) is bool(wrong)


def test_country_data_that_is_old_or_missing_is_found(patient: Patient) -> None:
    """By more than a year; data that does not say how old it is cannot be judged."""
    here = patient.countries
    try:
        for built, is_well in ((date(2025, 11, 23), True), (date(2025, 11, 22), False)):
            here.date = built
            assert patient.first("country data")[0] == is_well
        here.date = None
        assert patient.first("country data") == (True, "does not say how old it is")
    finally:
        here.date = NOW.date()
    missing = Patient(patient.data, Countries.open(patient.data / "nowhere.mmdb"))
    assert not missing.first("country data")[0]


def test_a_machine_that_is_too_small_is_found(patient: Patient, monkey: pytest.MonkeyPatch) -> None:
    """In open files, and in room for as much as the largest database."""
    monkey.setattr(resource, "getrlimit", lambda _: (1024, 4095))
    assert patient.wrong() == ["open files"]
    monkey.setattr(resource, "getrlimit", lambda _: (1024, resource.RLIM_INFINITY))
    monkey.setattr(checkup, "_LEAST_FREE_BYTES", 1 << 60)
    assert patient.wrong() == ["disk"]


def test_what_waits_to_be_loaded_is_found(patient: Patient, monkey: pytest.MonkeyPatch) -> None:
    """While no server runs; a line cut short is what a crash leaves, a damaged one is not."""
    chunk = patient.data / "journal" / "000009.jsonl"
    whole = line(event(1, NOW))
    try:
        chunk.write_bytes(whole + whole[:-9])
        assert patient.wrong() == ["unsealed backlog"]
        assert patient.first("journal")[1].startswith(f"0 damaged lines, {len(whole) - 9} bytes")
        chunk.write_bytes(whole.replace(b"page", b"lage"))
        assert patient.wrong() == ["unsealed backlog", "journal"]
    finally:
        chunk.unlink()


@pytest.mark.parametrize("name", ["archive.duckdb", "live.duckdb", "control.sqlite"])
def test_a_file_that_is_damaged_is_found(
    patient: Patient, monkey: pytest.MonkeyPatch, name: str
) -> None:
    """With what is to be done."""
    path = patient.data / name
    before = path.read_bytes()
    try:
        path.write_bytes(before[:100] + b"\xff" * (len(before) - 100))
        assert patient.wrong() == [name]
        remedy = "start the server" if name == "live.duckdb" else "restore it from a backup"
        assert remedy in patient.told()[name][1]
    finally:
        path.write_bytes(before)
    assert patient.wrong() == []


def test_every_block_of_a_database_is_read(
    patient: Patient, monkey: pytest.MonkeyPatch, ram: Path
) -> None:
    """One flipped bit in a value is found by the block's checksum."""
    with house(ram) as here:
        site = here.site()
        here.load(*(event(site, NOW, token=t, path=f"/canary-{t:08}") for t in range(5_000)))
        here.store.release_memory()
        here.store.rewrite("live")
    path = ram / "live.duckdb"
    content = bytearray(path.read_bytes())
    place = len(content) - 3000
    content[place] ^= 1
    flipped = Patient(ram, patient.countries)
    assert flipped.wrong() == ["unsealed backlog"]
    path.write_bytes(content)
    assert flipped.wrong() == ["unsealed backlog", "live.duckdb"]


def test_a_running_server_is_not_disturbed(ram: Path, patient: Patient) -> None:
    """What it has open is left alone; that it waits for nothing is well."""
    with house(ram) as here:
        here.load(event(here.site(), NOW))
        told = Patient(ram, patient.countries).told()
    assert "live.duckdb" not in told
    assert told["archive.duckdb"][1].startswith("open in the running server")
    assert told["unsealed backlog"][0]


def test_a_data_directory_without_databases_is_well(tmp_path: Path, patient: Patient) -> None:
    """No server ran yet."""
    (tmp_path / "journal").mkdir()
    with closing(Control.open(tmp_path / "control.sqlite")):
        pass
    told = Patient(tmp_path, patient.countries).told()
    assert told["archive.duckdb"] == (True, "not there yet")
