"""The audit: clean directories pass, and each check fails on a leak that was planted for it."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pytest

from collector.care.audit import Check, audit, is_telling, is_telling_among_numbers
from tests.house import event, house
from tests.privacy.canaries import ADDRESS, ADDRESS6, BOT, USER_AGENT
from tests.privacy.places import files

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOW = NOON + timedelta(days=1)
VISITORS = 120
KEY = bytes(range(100, 132))
Plant = Callable[[Path], None]


@pytest.fixture(name="made", scope="module")
def make_data(ram_of_module: Path) -> Path:
    """Seal one day of visitors who came one after the other; leave an event of the next."""
    with house(ram_of_module) as here:
        site = here.site()
        for number in range(VISITORS):
            at = NOON.replace(hour=0) + timedelta(minutes=10 * number)
            here.append("a", event(site, at, token=number + 1, path=f"/{number}", props={"k": "v"}))
        here.finish()
        here.loader.load()
        here.sealer.seal_due(NOW)
        here.load(event(site, NOW))
    return ram_of_module


@pytest.fixture(name="data")
def copy_data(made: Path, ram: Path) -> Path:
    """Return a copy that a test may spoil."""
    return Path(shutil.copytree(made, ram / "data"))


def checks(data: Path, now: datetime = NOW) -> list[Check]:
    """Audit a directory, with a key of today beside it."""
    keys = data.parent / "keys"
    keys.mkdir(exist_ok=True)
    (keys / "2026-11-25.UTC.key").write_bytes(KEY)
    return audit(data, keys, now)


def found(data: Path, now: datetime = NOW) -> set[tuple[str, str]]:
    """Return what an audit complains of: the promise, and the first words."""
    return {(c.promise, " ".join(c.what.split()[:5])) for c in checks(data, now) if c.leaks}


def test_a_clean_directory_passes_and_is_not_changed(data: Path) -> None:
    """Each promise was looked at, and it is told how much there was to look at."""
    before = list(files(data))
    done = checks(data)
    assert list(files(data)) == before
    assert [c for c in done if c.leaks] == []
    assert {c.promise for c in done} == {"P1", "P2", "P7", "P9", "P20"}
    looked_at = {c.what: c.looked_at for c in done}
    assert looked_at["sealed rows lie in the order of random numbers"] == f"{VISITORS} visits"
    assert looked_at["no raw event is older than 30 hours"] == "1 events"
    assert looked_at["no day of example.com is older than 25 months"] == "1 sealed days"
    assert "for 1 keys of today" in looked_at["no day key on the disk"]


def in_file(name: str, content: str | bytes) -> Plant:
    """Return what leaves a file."""
    raw = content if isinstance(content, bytes) else content.encode()

    def plant(data: Path) -> None:
        (data / name).write_bytes(raw)

    return plant


def in_duckdb(database: str, *statements: str) -> Plant:
    """Return what changes a database as a faulty program would have."""

    def plant(data: Path) -> None:
        with duckdb.connect(data / f"{database}.duckdb") as connection:
            for statement in statements:
                connection.execute(statement)

    return plant


def in_control(statement: str) -> Plant:
    """Return what changes the control file."""

    def plant(data: Path) -> None:
        with closing(sqlite3.connect(data / "control.sqlite")) as connection:
            connection.execute(statement)
            connection.commit()

    return plant


BYTES = ("P1", "no address and no user")
RENUMBERED = "CREATE TABLE other AS SELECT v.* EXCLUDE (n) REPLACE (n AS visitor) FROM (SELECT *, row_number() OVER (ORDER BY hour, visitor)::UINTEGER AS n FROM visits) v"  # noqa: E501 - one statement
PLANTS: dict[str, tuple[Plant, set[tuple[str, str]]]] = {
    "an address in a log": (in_file("access.log", f"GET / from {ADDRESS}:443"), {BYTES}),
    "an IPv6 address in a log": (in_file("access.log", f"x [{ADDRESS6}] y"), {BYTES}),
    "a user agent at the end of a large file": (
        in_file("tmp/spill", b"\0" * (2 << 20) + USER_AGENT.encode()),
        {BYTES},
    ),
    "an address in a page": (
        in_duckdb("archive", f"UPDATE pages SET path = '/from/{ADDRESS}' WHERE page = 7"),
        {BYTES},
    ),
    "a user agent in a property": (
        in_duckdb("live", f"UPDATE events SET props = MAP {{'by': '{USER_AGENT}'}}"),
        {BYTES},
    ),
    "an address among the settings": (
        in_control(f"INSERT INTO setting_changes VALUES (0, 0, '{ADDRESS}', '', '')"),
        {BYTES},
    ),
    "a file of a key": (in_file("2026-11-24.UTC.key", b"x" * 32), {("P2", "no day key on the")}),
    "the bytes of a key": (in_file("core", b"..." + KEY + b"..."), {("P2", "no day key on the")}),
    "a moment of a sealed visit": (
        in_duckdb("archive", "ALTER TABLE visits ADD COLUMN started_at_us BIGINT"),
        {("P7", "no time of day finer"), ("P9", "no table and no column")},
    ),
    "numbers in the order of arrival": (
        in_duckdb(
            "archive", RENUMBERED, "DROP TABLE visits",
            "CREATE TABLE visits AS FROM other ORDER BY visitor", "DROP TABLE other",
        ),
        {("P7", "random numbers do not tell")},
    ),
    "rows in the order of arrival": (
        in_duckdb(
            "archive", "CREATE TABLE other AS FROM visits ORDER BY hour, entry_page",
            "DROP TABLE visits", "ALTER TABLE other RENAME TO visits",
        ),
        {("P7", "sealed rows lie in the")},
    ),
    "a forgotten column": (
        in_duckdb("live", "ALTER TABLE events ADD COLUMN city VARCHAR"),
        {("P9", "no table and no column")},
    ),
    "a forgotten table": (
        in_duckdb("archive", "CREATE TABLE seen (token UBIGINT)"),
        {("P9", "no table and no column")},
    ),
    "a chunk that was left": (
        in_file("journal/20261124T000000000000-00000000.jsonl", b""),
        {("P20", "no chunk of the journal")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_leak_is_found(data: Path, name: str) -> None:
    """By the check that is there for it, and by no other."""
    plant, expected = PLANTS[name]
    plant(data)
    assert found(data) == expected


def test_what_is_past_its_deadline_is_found(data: Path) -> None:
    """Raw events after 30 hours, sealed days after 25 months."""
    raw, days = ("P20", "no raw event is older"), ("P20", "no day of example.com is")
    assert found(data, NOW + timedelta(hours=30)) == set()
    assert found(data, NOW + timedelta(hours=30, seconds=1)) == {raw}
    assert found(data, datetime(2028, 12, 24, 23, tzinfo=UTC)) == {raw}
    assert found(data, datetime(2028, 12, 25, tzinfo=UTC)) == {raw, days}


@pytest.mark.parametrize(
    ("text", "telling"),
    [
        (ADDRESS, True),
        (f"/a/{ADDRESS}/b", True),
        (ADDRESS6, True),
        ("2001:db8::1", True),
        (USER_AGENT, True),
        (BOT, True),
        ("12:34:56", False),
        ("1.2.3", False),
        ("1.2.3.4.5", False),
        ("999.1.1.1", False),
        ("Chrome", False),
        ("std::string", False),
        ("192.0.2.1", False),  # the site itself
    ],
)
def test_an_address_is_told_from_what_looks_like_one(text: str, telling: object) -> None:
    """A site may be named by its address; nobody else's is one to keep."""
    assert is_telling(text, {"192.0.2.1"}) is telling


def test_numbers_of_a_database_are_no_addresses() -> None:
    """DuckDB packs small ones into a byte each, which look like dots, colons and digits."""
    rng = Random(1)
    for mean, spread in ((0x2F, 1.2), (0x39, 1.5), (0x3A, 1.2), (0x39, 3.0), (0x40, 6.0)):
        packed = "".join(chr(max(0, round(rng.gauss(mean, spread)))) for _ in range(60_000))
        assert not is_telling_among_numbers(packed)
        for address in (ADDRESS, ADDRESS6):
            block = "\0" * 40 + f"example.org/{address}" + "\0" * 40
            for leak in (block, f'{{"a":"{address}"}}', f"{address},{address}," * 9):
                assert is_telling_among_numbers(packed[:5000] + leak + packed[:5000]), leak
