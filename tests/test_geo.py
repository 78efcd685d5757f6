"""Addresses become countries; a missing or broken database makes them unknown and says so."""

import ipaddress
import lzma
import os
import random
import stat
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from collector import geo
from collector.geo import Countries, unpack
from tests.countries import Record, mmdb

LISTS = Path(geo.__file__).with_name("lists")
NETWORKS: dict[str, Record] = {
    "192.0.2.0/25": {"country_code": "NZ"},
    "192.0.2.128/25": {"country": {"iso_code": "IS", "geoname_id": 2629691}},
    "198.51.100.0/24": {"country_code": "pt"},
    "2001:db8:1::/48": {"country_code": "JP"},
    "2001:db8:2::/48": {"country": {"iso_code": "CL"}, "continent": {"code": "SA"}},
}


@pytest.fixture
def database(tmp_path: Path) -> Path:
    """Write a small database in both layouts."""
    path = tmp_path / "test.mmdb"
    path.write_bytes(mmdb(NETWORKS))
    return path


@pytest.mark.parametrize(
    ("address", "country"),
    [
        ("192.0.2.0", "NZ"),
        ("192.0.2.127", "NZ"),
        ("192.0.2.128", "IS"),
        ("192.0.2.255", "IS"),
        ("::ffff:192.0.2.1", "NZ"),
        ("198.51.100.7", "PT"),
        ("2001:db8:1::", "JP"),
        ("2001:db8:1:2:3:4:5:6", "JP"),
        ("2001:db8:2::1", "CL"),
        ("2001:db8:3::1", ""),
        ("203.0.113.1", ""),
        ("127.0.0.1", ""),
        ("::1", ""),
        ("", ""),
        ("unknown", ""),
        ("192.0.2", ""),
        ("192.0.2.1:443", ""),
        ("192.0.2.256", ""),
        ("fe80::1%eth0", ""),
        ("\x00", ""),
        ("\udc80", ""),
    ],
)
def test_an_address_gives_its_country(database: Path, address: str, country: str) -> None:
    """Both layouts, upper case; what is no address or in no network is unknown."""
    countries = Countries.open(database)
    assert countries.country(address) == country
    assert countries.notice is None
    countries.close()


@pytest.mark.parametrize(
    "record",
    [
        "NZ",
        7,
        ["NZ"],
        {},
        {"country_code": ""},
        {"country_code": "N"},
        {"country_code": "NZL"},
        {"country_code": "N1"},
        {"country_code": "ZZ"},
        {"country_code": "xx"},
        {"country_code": 64},
        {"country_code": ["NZ"]},
        {"country": "New Zealand"},
        {"country": {"iso_code": 64}},
        {"country": {}},
        {"autonomous_system_number": 64496},
    ],
)
def test_a_record_without_a_country_is_unknown(tmp_path: Path, record: Record) -> None:
    """Any shape and any type may stand in somebody's file."""
    path = tmp_path / "odd.mmdb"
    path.write_bytes(mmdb({"192.0.2.0/24": record}))
    countries = Countries.open(path)
    assert countries.country("192.0.2.1") == ""
    countries.close()


def test_the_date_of_the_data_is_told(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In UTC, from the metadata, also where it is tomorrow already."""
    with monkeypatch.context() as far_east:
        far_east.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        countries = Countries.open(database)
    time.tzset()
    assert countries.date == date(2026, 3, 14)
    countries.close()


@pytest.mark.parametrize(
    ("name", "kind", "needed"),
    [
        ("mine.mmdb", "Test-Country", False),
        ("mine.mmdb", "DBIP-Country-Lite (compat=City)", True),
        ("dbip-country-lite-2026-11.mmdb", "country ipvAll", True),
    ],
)
def test_only_db_ip_needs_its_link(tmp_path: Path, name: str, kind: str, needed: bool) -> None:  # noqa: FBT001
    """It is told by the file's name or its metadata."""
    path = tmp_path / name
    path.write_bytes(mmdb(NETWORKS, kind))
    countries = Countries.open(path)
    assert countries.attribution_needed is needed
    countries.close()


def test_without_a_database_every_country_is_unknown() -> None:
    """And the operator is told."""
    countries = Countries.open(None)
    assert countries.country("192.0.2.1") == ""
    assert countries.notice is not None
    assert (countries.date, countries.attribution_needed) == (None, False)


def test_a_missing_file_is_a_notice(tmp_path: Path) -> None:
    """Never an error."""
    countries = Countries.open(tmp_path / "no.mmdb")
    assert countries.notice is not None
    assert "no.mmdb is not there" in countries.notice
    assert countries.country("192.0.2.1") == ""


def test_a_directory_is_a_notice(tmp_path: Path) -> None:
    """Never an error."""
    notice = Countries.open(tmp_path).notice
    assert notice is not None
    assert "broken" in notice


@pytest.mark.parametrize("content", [b"", b"\x00", b"no database", bytes(100_000)])
def test_a_file_that_is_no_database_is_a_notice(tmp_path: Path, content: bytes) -> None:
    """Never an error."""
    path = tmp_path / "broken.mmdb"
    path.write_bytes(content)
    countries = Countries.open(path)
    assert countries.notice is not None
    assert "broken" in countries.notice
    assert countries.country("192.0.2.1") == ""


def test_a_file_cut_off_anywhere_gives_a_notice_and_no_country(database: Path) -> None:
    """The description stands at the end: without it nothing is believed."""
    whole = database.read_bytes()
    cut = database.with_name("cut.mmdb")
    for length in range(0, len(whole), 7):
        cut.unlink(missing_ok=True)
        cut.write_bytes(whole[:length])
        countries = Countries.open(cut)
        assert countries.notice is not None, length
        assert countries.country("192.0.2.1") == ""


def test_damaged_bytes_give_an_answer_or_none_and_name_no_address(database: Path) -> None:
    """A thousand damaged files: a country code or "", no error; the notice names no visitor."""
    whole = database.read_bytes()
    rng = random.Random(2)
    damaged = database.with_name("damaged.mmdb")
    notices = set()
    for _ in range(1000):
        content = bytearray(whole)
        for _ in range(rng.randrange(1, 20)):
            content[rng.randrange(len(content))] = rng.randrange(256)
        damaged.unlink(missing_ok=True)
        damaged.write_bytes(content)
        countries = Countries.open(damaged)
        for address in ("192.0.2.1", "192.0.2.200", "2001:db8:1::1", "203.0.113.9"):
            found = countries.country(address)
            assert found == "" or (len(found) == 2 and found.isupper())
            assert address not in (countries.notice or "")
        notices.add(countries.notice)
        countries.close()
    assert "The country database is damaged: some countries are unknown." in notices


def test_a_closed_database_knows_nothing(database: Path) -> None:
    """Closing twice is no error."""
    countries = Countries.open(database)
    countries.close()
    countries.close()
    assert countries.country("192.0.2.1") == ""


def test_the_bundled_database_knows_the_world(tmp_path: Path) -> None:
    """A sample of each family lies in many countries; documentation and private ranges in none."""
    countries = Countries.bundled(tmp_path)
    rng = random.Random(3)
    old = [ipaddress.IPv4Address(rng.getrandbits(32)) for _ in range(4000)]
    new = [ipaddress.IPv6Address(0x2A << 120 | rng.getrandbits(24) << 96) for _ in range(4000)]
    assert len({countries.country(str(address)) for address in old}) > 60
    assert len({countries.country(str(address)) for address in new}) > 10
    assert countries.notice is None
    assert countries.attribution_needed
    assert countries.date is not None
    assert countries.date >= date(2026, 6, 1)
    for reserved in ("192.0.2.1", "198.51.100.1", "2001:db8::1", "10.0.0.1", "127.0.0.1", "::1"):
        assert countries.country(reserved) == ""
    countries.close()


def test_the_bundled_database_is_unpacked_once_for_the_owner_alone(tmp_path: Path) -> None:
    """The second start takes the same file, whatever the umask is."""
    before = os.umask(0)
    try:
        path = unpack(tmp_path / "new" / "data")
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    written = path.stat()
    assert unpack(path.parent) == path
    assert path.stat().st_mtime_ns == written.st_mtime_ns
    assert path.stat().st_ino == written.st_ino
    assert path.read_bytes() == lzma.decompress((LISTS / "dbip-country-lite.mmdb.xz").read_bytes())


def test_older_databases_and_leftovers_are_removed(tmp_path: Path) -> None:
    """Nothing else in the directory is touched."""
    for name in (
        "dbip-country-lite.0123456789ab.mmdb",
        "dbip-country-lite.0123456789ab.mmdb.12.part",
    ):
        (tmp_path / name).write_bytes(b"old")
    (tmp_path / "mine.mmdb").write_bytes(b"mine")
    path = unpack(tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {path.name, "mine.mmdb"}


def test_processes_may_unpack_at_the_same_time(tmp_path: Path) -> None:
    """All get the one whole file."""
    code = (
        "import collector.geo, pathlib, sys; print(collector.geo.unpack(pathlib.Path(sys.argv[1])))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=LISTS.parents[1],
        )
        for _ in range(4)
    ]
    paths = {each.communicate(timeout=120)[0].strip() for each in started}
    assert [each.returncode for each in started] == [0] * 4
    assert paths == {str(path) for path in tmp_path.iterdir()}
    assert len(paths) == 1


def test_a_directory_that_cannot_be_written_is_a_notice(tmp_path: Path) -> None:
    """Never an error at start."""
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    countries = Countries.bundled(blocked / "data")
    assert countries.notice is not None
    assert "cannot be unpacked" in countries.notice
    assert countries.country("192.0.2.1") == ""


def test_the_licence_lies_beside_the_database() -> None:
    """It names the maker, the licence and what was changed."""
    text = (LISTS / "dbip-country-lite.LICENSE.txt").read_text(encoding="utf-8")
    for part in ("https://db-ip.com", "creativecommons.org/licenses/by/4.0", "compressed with xz"):
        assert part in text


def test_the_licence_names_the_date_of_the_data(tmp_path: Path) -> None:
    """`refresh` writes both."""
    countries = Countries.bundled(tmp_path)
    text = (LISTS / "dbip-country-lite.LICENSE.txt").read_text(encoding="utf-8")
    assert f"built on {countries.date}" in text
    countries.close()
