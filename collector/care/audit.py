"""`gatecount audit DATA`: looks through a whole data directory for what must not be in it.

It reads copies of the databases, so that it can run beside a server and on a backup. What it tells
has counts, never a value.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from collector import journal
from collector.control import Control, in_months, kept_from
from collector.keys import is_key_file, local_date
from collector.people.networks import Networks
from collector.session import Session
from collector.statement import RAW_GONE_AFTER_HOURS
from collector.store import opened_alone, program_columns

_RAW_GONE_AFTER = timedelta(hours=RAW_GONE_AFTER_HOURS)
_READ_BYTES = 1 << 20
_OVERLAP_BYTES = 64  # longer than any address
_IPV4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])")
_IPV6 = re.compile(r"(?<![\w:])(?:[0-9A-Fa-f]{1,4}:){2,7}(?::|[0-9A-Fa-f]{1,4})[0-9A-Fa-f:.]*")
# What each address has in it, and is found a hundred times as fast.
_DOTS = re.compile(r"\.\d{1,3}\.\d{1,3}\.\d")
_COLONS = re.compile(r":[0-9A-Fa-f]{0,4}:")
# DuckDB keeps small numbers as a byte each. Many of 45 to 64 look like digits, dots and colons, but
# also like what stands between these in ASCII, and beside no address in a text.
_ODD = re.compile(r"[*+/;<=>?@-]")
_OF_TEXTS = re.compile(r"[\0- \"'a-z]")
_BESIDE_BYTES, _NEXT_BYTES = 64, 3
_LEAST_ODD, _MOST_OF_TEXTS = 5, 3
# All that are given to anyone begin so; source: RFC 4291, 2.4. Others come about by chance.
_GIVEN_IPV6 = re.compile(r"[0-9A-Fa-f]{3,4}:")
_AGENT_WORDS = ("Mozilla/", "AppleWebKit/", "(KHTML", "Gecko/", "Chrome/", "Firefox/", "Safari/")
_AGENT = re.compile(r"Mozilla/\d|AppleWebKit/\d|\(KHTML|Gecko/\d|Chrome/\d|Firefox/\d|Safari/\d")
_TEXTS = ("VARCHAR", "MAP(VARCHAR, VARCHAR)")
# What could hold a moment of the day among the columns of sealed visits and events.
_FINE = re.compile(r"TIME|BIGINT|HUGEINT|DOUBLE|FLOAT|BLOB|JSON")
_SEALED = ("visits", "events")


@dataclass(frozen=True, slots=True)
class Check:
    """One promise, where it was looked for, how much of it, and how often it is broken."""

    promise: str
    what: str
    looked_at: str
    leaks: int


def audit(data: Path, key_dir: Path, now: datetime) -> list[Check]:
    """Check P1, P2, P7, P9 and P20 on a data directory, which is not changed.

    Args:
        data: a data directory, or a backup of one.
        key_dir: where today's keys are, if this is the machine that has them.
        now: by what deadlines are judged.

    Raises:
        ControlError, StoreError: a database cannot be read. A copy that was made while a server
            wrote to it may be spoilt: try again, or give a backup.
    """
    with tempfile.TemporaryDirectory(prefix="gatecount-audit-", dir=_room_for(data)) as folder:
        scratch = Path(folder)
        shutil.copyfile(data / "control.sqlite", scratch / "control.sqlite")
        with closing(Control.open(scratch / "control.sqlite")) as control:
            return list(_checks(data, key_dir, control, scratch, now))


def _room_for(data: Path) -> Path | None:
    """Return RAM for the copies if they fit: a crash of this program shall leave none on a disk."""
    needed = sum(file.stat().st_size for file in data.glob("*.duckdb*"))
    in_ram = Path("/dev/shm")  # noqa: S108 - RAM on every Linux; ours is a 0700 directory
    fits = os.access(in_ram, os.W_OK) and shutil.disk_usage(in_ram).free > 2 * needed
    return in_ram if fits else None


def _checks(
    data: Path, key_dir: Path, control: Control, scratch: Path, now: datetime
) -> Iterator[Check]:
    # What owners wrote down themselves: names of sites, and networks that their people come from.
    lists = (network for networks in Networks(control).all().values() for network in networks)
    own = {site.domain for site in control.sites()} | {each.partition("/")[0] for each in lists}
    yield _bytes_of_files(data, own)
    copies = dict(_copies(data, scratch))
    with opened_alone(copies, scratch) as session:
        columns = [row for row in session.run("audit_columns") if row[1] != "migrations"]
        yield _texts(session, columns, control, own)
        yield _keys(data, key_dir)
        if "archive" in copies:
            yield from _sealed(session, columns)
        yield _columns(copies, columns)
        yield _raw_chunks(data, now)
        if "live" in copies:
            yield _raw_rows(session, now)
        if "archive" in copies:
            yield from _retention(session, control, now)


def is_telling(text: str, own: Collection[str] = ()) -> bool:
    """Tell whether a text holds an IP address, but a site's own name, or a user agent."""
    if any(word in text for word in _AGENT_WORDS) and _AGENT.search(text):
        return True
    return any(found[0] not in own for found in _addresses(text))


def is_telling_among_numbers(text: str, own: Collection[str] = ()) -> bool:
    """Tell the same of a part of DuckDB's files, in which numbers happen to look like addresses."""
    if any(word in text for word in _AGENT_WORDS) and _AGENT.search(text):
        return True
    return any(
        found[0] not in own
        and (":" not in found[0] or _GIVEN_IPV6.match(found[0]))
        and not _are_numbers(text[max(0, found.start() - _BESIDE_BYTES) : found.start()][::-1])
        and not _are_numbers(text[found.end() : found.end() + _BESIDE_BYTES])
        for found in _addresses(text)
    )


def _addresses(text: str) -> Iterator[re.Match[str]]:
    for hint, address in ((_DOTS, _IPV4), (_COLONS, _IPV6)):
        for hit in hint.finditer(text):
            around = max(0, hit.start() - _OVERLAP_BYTES), hit.end() + _OVERLAP_BYTES
            yield from (found for found in address.finditer(text, *around) if _is_address(found[0]))


def _are_numbers(beside: str) -> bool:
    """Tell whether what stands beside a find, from there on, are numbers and no text."""
    if _OF_TEXTS.search(beside, 0, _NEXT_BYTES):
        return False
    has_odd = len(_ODD.findall(beside)) >= _LEAST_ODD
    return has_odd and len(_OF_TEXTS.findall(beside)) <= _MOST_OF_TEXTS


def _is_address(candidate: str) -> bool:
    try:
        ip_address(candidate)
    except ValueError:
        return False
    return True


def _files(data: Path) -> list[Path]:
    """Return all files but the country database, which is made of networks and the same for all."""
    return [p for p in sorted(data.rglob("*")) if p.is_file() and p.suffix != ".mmdb"]


def _bytes_of_files(data: Path, own: set[str]) -> Check:
    files = _files(data)
    leaks = 0
    for file in files:
        telling = is_telling_among_numbers if ".duckdb" in file.name else is_telling
        leaks += any(telling(part, own) for part in _parts(file))
    size = sum(file.stat().st_size for file in files)
    looked_at = f"{size:,} bytes of {len(files)} files"
    return Check("P1", "no address and no user agent in any byte", looked_at, leaks)


def _parts(file: Path) -> Iterator[str]:
    """Yield a file as text, in parts that overlap."""
    kept = b""
    with file.open("rb") as opened:
        while part := opened.read(_READ_BYTES):
            yield (kept + part).decode("latin-1")
            kept = part[-_OVERLAP_BYTES:]


def _texts(
    session: Session, columns: list[tuple[str, ...]], control: Control, own: set[str]
) -> Check:
    """Look through every text of every row: what DuckDB compresses no search of bytes finds."""
    looked, leaks = 0, 0
    for database, table, column, kind in columns:
        if kind in _TEXTS:
            for (text,) in session.texts(database, table, column):
                looked, leaks = looked + 1, leaks + is_telling(text, own)
    for text in control.texts():
        looked, leaks = looked + 1, leaks + is_telling(text, own)
    return Check("P1", "no address and no user agent in any row", f"{looked:,} texts", leaks)


def _keys(data: Path, key_dir: Path) -> Check:
    """Look for files of keys, and for the bytes of those that there are now."""
    files = _files(data)
    leaks = sum(is_key_file(file.name) for file in files)
    keys = [file.read_bytes() for file in key_dir.glob("*.key")]
    for file in files:
        leaks += any(key.decode("latin-1") in part for part in _parts(file) for key in keys)
    looked_at = f"{len(files)} files, for {len(keys)} keys of today"
    return Check("P2", "no day key on the disk", looked_at, leaks)


def _sealed(session: Session, columns: list[tuple[str, ...]]) -> Iterator[Check]:
    of_sealed = [row for row in columns if row[0] == "archive" and row[1] in _SEALED]
    fine = sum(bool(_FINE.search(kind)) for *_, kind in of_sealed)
    looked_at = f"{len(of_sealed)} columns of sealed rows"
    yield Check("P7", "no time of day finer than the hour", looked_at, fine)
    ((rows, disordered),) = session.run("audit_disorder")
    what = "sealed rows lie in the order of random numbers"
    yield Check("P7", what, f"{rows:,} visits", disordered)
    ((days, told),) = session.run("audit_told_hours")
    what = "random numbers do not tell the hour of a visit"
    yield Check("P7", what, f"{days:,} days with 50 visitors or more", told)


def _columns(copies: Mapping[str, Path], columns: list[tuple[str, ...]]) -> Check:
    unlisted = {tuple(row[:3]) for row in columns} - program_columns(tuple(copies))
    what = "no table and no column that the program does not make"
    return Check("P9", what, f"{len(columns)} columns", len(unlisted))


def _raw_chunks(data: Path, now: datetime) -> Check:
    begun = [journal.begun(chunk) for chunk in journal.chunks(data / "journal")]
    late = sum(at is not None and now - at > _RAW_GONE_AFTER for at in begun)
    what = f"no chunk of the journal is older than {RAW_GONE_AFTER_HOURS} hours"
    return Check("P20", what, f"{len(begun)} chunks", late)


def _raw_rows(session: Session, now: datetime) -> Check:
    ((rows, oldest_us),) = session.run("audit_oldest_raw")
    late = rows and now - datetime.fromtimestamp(oldest_us / 1e6, UTC) > _RAW_GONE_AFTER
    what = f"no raw event is older than {RAW_GONE_AFTER_HOURS} hours"
    return Check("P20", what, f"{rows:,} events", int(late))


def _retention(session: Session, control: Control, now: datetime) -> Iterator[Check]:
    for site in control.sites():
        first = kept_from(local_date(site.timezone, now), site.retention_months)
        ((days, late),) = session.run("audit_days", site=site.id, kept_from=first)
        what = f"no day of {site.domain} is older than {in_months(site.retention_months)}"
        yield Check("P20", what, f"{days:,} sealed days", late)


def _copies(data: Path, scratch: Path) -> Iterator[tuple[str, Path]]:
    """Copy the databases, each with its write-ahead log: a look must change nothing."""
    for name in ("live", "archive"):
        for part in sorted(data.glob(f"{name}.duckdb*")):
            shutil.copyfile(part, scratch / part.name)
        if (data / f"{name}.duckdb").exists():
            yield name, scratch / f"{name}.duckdb"
