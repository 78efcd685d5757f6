"""The search finds a planted canary: in each form it knows, and in each kind of place."""

import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from tests.privacy.canaries import ADDRESS, CANARIES, EMAIL, HEX, NEEDLES, Leak, Needle, search
from tests.privacy.places import everything, files, leaks, rows
from tests.serving import Installation, installation

ENCODINGS = sorted({needle.encoding for needle in NEEDLES})
_ROWS = 30_000  # enough for DuckDB to compress


def _encoded(encoding: str) -> list[Needle]:
    return [needle for needle in NEEDLES if needle.encoding == encoding]


def _planted(needle: Needle, place: str) -> Leak:
    return Leak(needle.canary, needle.form, place)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_form_is_found_among_other_bytes(encoding: str) -> None:
    """Also in capitals, where letters of either case are the same."""
    noise = random.Random(encoding).randbytes(1000)
    sought = _encoded(encoding)
    for needle in sought:
        content = noise + needle.sought + noise
        assert _planted(needle, "here") in search(content, "here", sought)
        if needle.folded:
            capitals = noise + needle.sought.upper()
            assert _planted(needle, "here") in search(capitals, "here", sought)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_form_is_found_between_the_zeros_of_a_database(encoding: str) -> None:
    """Long runs of zeros are skipped, and nothing with them."""
    sought = _encoded(encoding)
    for needle in sought:
        content = bytes(5000) + needle.sought + bytes(5000)
        assert _planted(needle, "here") in search(content, "here", sought)


def test_all_canaries_have_all_forms_of_text() -> None:
    """As it is, escaped, in hex, in UTF-16, in base64 at each offset, and hashed without a key."""
    forms = {
        "as it is",
        "percent-encoded throughout",
        "percent-encoded throughout, twice",
        "JSON-escaped throughout",
        "HTML-escaped where odd",
        "in hex",
        "UTF-16, little end first",
        "UTF-16, big end first",
        *(f"base64 at offset {offset}" for offset in range(3)),
        "sha256 without a key",
        "sha256 without a key in hex",
    }
    for canary in CANARIES:
        known = {needle.form for needle in NEEDLES if needle.canary == canary.name}
        # A text of letters and digits is not changed by escaping what is odd.
        assert forms - known <= {"HTML-escaped where odd"}


def test_forms_are_what_other_programs_write() -> None:
    """Spot checks against values written by hand."""
    known = {(needle.canary, needle.form): needle.sought for needle in NEEDLES}
    assert known["IPv4 address", "packed as it is"] == b"\xc6\x33\x64\xd5"
    assert known["IPv4 address", "packed as it is, little end first"] == b"\xd5\x64\x33\xc6"
    assert known["IPv4 address", "packed as a number"] == b"3325256917"
    assert known["IPv4 address", "octets reversed as it is"] == b"213.100.51.198"
    assert known["IPv4 address", "mapped to IPv6 as it is"] == b"::ffff:c633:64d5"
    assert known["IPv4 address", "base64 at offset 0"] == b"MTk4LjUxLjEwMC4yMT"
    assert known["IPv6 address", "packed network as it is"].hex() == "20010db87c3a91e4"
    assert known["IPv6 address", "network as it is"] == b"2001:db8:7c3a:91e4"
    assert known["UUID", "percent-encoded throughout"].startswith(b"%37%64%39%66")
    escaped = known["e-mail address", "percent-encoded twice"]
    assert escaped == b"zoe.canary%252bgc%2540mail.canary-post.example"
    assert b"gc\\u0040mail" in known["e-mail address", "JSON-escaped where odd"]


@pytest.mark.parametrize(
    "harmless",
    [
        b"",
        b"/confirm/:id/done",
        b"198.51.10.213 2001:db8:7c3a:91e5:: 127.0.0.1 192.0.2.17",
        b"Mozilla/5.0 (X11; Linux x86_64)",
        b"zoe@mail.canary-post.example",
        HEX[1:].encode(),
        bytes(range(256)) * 100,
    ],
)
def test_what_is_no_canary_is_not_found(harmless: bytes) -> None:
    """Neighbours, parts and all byte values in a row."""
    assert search(harmless, "here") == []


@pytest.fixture(name="here")
def make_installation(ram: Path) -> Iterator[Installation]:
    """Make a place as a session leaves it."""
    with installation(ram / "here") as here:
        here.data.mkdir()
        yield here


def _in_a_chunk(here: Installation) -> Path:
    (here.data / "journal").mkdir()
    return here.data / "journal" / "20261124T100000000000-00000000.jsonl"


PLACES: dict[str, Callable[[Installation], Path]] = {
    "data/journal/20261124T100000000000-00000000.jsonl": _in_a_chunk,
    "data/live.duckdb.wal": lambda here: here.data / "live.duckdb.wal",
    "data/spill.tmp": lambda here: here.data / "spill.tmp",
    "logs/0000.log": lambda here: here.logs / "0000.log",
    "tmp/upload": lambda here: here.temporary / "upload",
    "core": lambda here: here.folder / "core",
    "2026-11-24.UTC.key": lambda here: here.key_dir / "2026-11-24.UTC.key",
}


@pytest.mark.parametrize("place", PLACES)
def test_every_form_is_found_in_every_kind_of_file(here: Installation, place: str) -> None:
    """Of the data, the logs, the temporary files, the working directory and the keys."""
    path = PLACES[place](here)
    path.write_bytes(b"\n".join(needle.sought for needle in NEEDLES))
    found = leaks((*files(here.folder), *files(here.key_dir)))
    assert set(found) >= {_planted(needle, place) for needle in NEEDLES}
    assert {leak.place for leak in found} == {place}


def test_a_file_may_not_be_named_after_a_visitor(here: Installation) -> None:
    """Names are searched too."""
    (here.temporary / f"upload of {EMAIL}").touch()
    assert ("e-mail address", "as it is", "names of files") in leaks(everything(here))


def test_a_canary_that_compression_hides_is_found(ram: Path) -> None:
    """A search of a checkpointed file's bytes says nothing: that is why rows are read."""
    with duckdb.connect(ram / "archive.duckdb") as connection:
        connection.execute(
            "CREATE TABLE visits AS SELECT"
            " 'https://example.com/articles/of/' || hash(i) AS text, 3325000000 + i AS number"
            f" FROM range({_ROWS}) t(i)"
        )
        connection.execute("UPDATE visits SET text = $1 WHERE number = 3325000007", [EMAIL])
        connection.execute("CHECKPOINT")
        connection.execute("UPDATE visits SET number = 3325256917 WHERE number = 3325000008")
        connection.execute("CHECKPOINT")
    assert leaks(files(ram)) == []
    assert set(leaks(rows(ram))) >= {
        Leak("e-mail address", "as it is", "archive.duckdb: main.visits"),
        Leak("IPv4 address", "packed as a number", "archive.duckdb: main.visits"),
    }


@pytest.fixture(name="leaks_in_tables", scope="module")
def plant_in_tables(ram_of_module: Path) -> frozenset[Leak]:
    """Plant every form in columns of texts, bytes and maps; search the tables once for all."""
    with duckdb.connect(ram_of_module / "archive.duckdb") as connection:
        connection.execute("CREATE TABLE visits (text VARCHAR, bytes BLOB)")
        connection.execute("CREATE TABLE events (props MAP(VARCHAR, VARCHAR))")
        texts = [needle.sought.decode("latin-1") for needle in NEEDLES]
        for insert, planted in (
            ("visits (text) SELECT '/a/' || unnest($1) || '/b'", texts),
            ("visits (bytes) SELECT unnest($1::BLOB[])", [needle.sought for needle in NEEDLES]),
            ("events SELECT MAP {text: 'a'} FROM (SELECT unnest($1) AS text)", texts),
        ):
            connection.execute(f"INSERT INTO {insert}", [planted])
    return frozenset(leaks(rows(ram_of_module)))


@pytest.mark.parametrize("table", ["visits", "events"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_form_is_found_in_tables(
    encoding: str, table: str, leaks_in_tables: frozenset[Leak]
) -> None:
    """Texts, bytes and maps are read back row by row."""
    for needle in _encoded(encoding):
        assert _planted(needle, f"archive.duckdb: main.{table}") in leaks_in_tables


def test_what_a_write_ahead_log_holds_is_found(ram: Path) -> None:
    """A killed server leaves its last rows there; reading them changes neither file."""
    with duckdb.connect() as connection:
        connection.execute("SET checkpoint_threshold = '1GB'")
        connection.execute(f"ATTACH '{ram}/live.duckdb' AS live")
        connection.execute("CREATE TABLE live.events (props MAP(VARCHAR, VARCHAR))")
        connection.execute("INSERT INTO live.events VALUES (MAP {'who': $1})", [ADDRESS])
        shutil.copytree(ram, ram / "killed")
    before = sorted(files(ram / "killed"))
    assert [place for place, _ in before] == ["live.duckdb", "live.duckdb.wal", "names of files"]
    found = leaks(rows(ram / "killed"))
    assert ("IPv4 address", "as it is", "live.duckdb: main.events") in found
    assert sorted(files(ram / "killed")) == before


def test_what_sqlite_holds_is_found(ram: Path) -> None:
    """In rows; and in its bytes where rows were deleted."""
    path = ram / "control.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("CREATE TABLE sites (domain TEXT, seen BLOB)")
        connection.execute("INSERT INTO sites VALUES (?, ?)", (EMAIL, bytes.fromhex(HEX)))
        connection.commit()
        found = leaks(rows(ram))
        connection.execute("DELETE FROM sites")
        connection.commit()
    place = "control.sqlite: sites"
    assert ("e-mail address", "as it is", place) in found
    assert ("hex token", "packed as it is", place) in found
    assert leaks(rows(ram)) == []
    assert ("e-mail address", "as it is", "control.sqlite") in leaks(files(ram))
