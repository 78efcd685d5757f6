"""The other half of `gatecount doctor`: the machine, the set-up, and whether files are whole."""

import contextlib
import os
import platform
import resource
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import version
from ipaddress import ip_address
from pathlib import Path

from collector import control_file, journal
from collector.anonymise import TrustedProxies, client_address
from collector.care.doctor import Finding
from collector.config import Config
from collector.control_file import ControlError
from collector.geo import Countries
from collector.session import StoreBusyError, StoreError
from collector.store import locked, opened_alone, refuse_newer_archive

_GEO_OLD_AFTER = timedelta(days=366)  # networks change hands; DB-IP publishes each month
_LEAST_FREE_BYTES = 1 << 30
_LEAST_FILES = 4_096  # that may be open: each connection is one, and a proxy keeps many
_READ_BYTES = 1 << 20
_VISITOR = "203.0.113.9"  # of the addresses for documentation: RFC 5737
_PROXY = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Request:
    """A request made up to see whose it would be."""

    peer: str = _PROXY
    forwarded_for: str = _VISITOR


def examine(
    config: Config, key_dir: Path, countries: Countries, now: datetime, asked: Request
) -> Iterator[Finding]:
    """Look at everything but keys and deadlines; yield what was found.

    Files are read from their first byte to their last, which takes a while where there are years.
    """
    yield _versions()
    yield Finding(is_well=True, what="key directory", found=str(key_dir))
    yield _proxies(config, asked)
    yield _geography(countries, now)
    yield _open_files()
    yield _room(config.data)
    yield from _files(config)


def _versions() -> Finding:
    names = {
        "gatecount": version("gatecount"),
        "Python": platform.python_version(),
        "DuckDB": version("duckdb"),
        "SQLite": control_file.SQLITE_VERSION,
        platform.system(): platform.release(),
    }
    found = ", ".join(f"{name} {number}" for name, number in names.items())
    return Finding(is_well=True, what="versions", found=found)


def _proxies(config: Config, asked: Request) -> Finding:
    trusted = TrustedProxies.parse(config.trusted_proxies)
    taken = client_address(asked.peer, asked.forwarded_for, trusted)
    names = ", ".join(config.trusted_proxies) or "none"
    found = (
        f"{names}; a request of {asked.peer} with X-Forwarded-For {asked.forwarded_for!r} counts"
        f" as from {taken or 'nobody'}"
    )
    # Who listens here alone is reached by a proxy on this machine.
    is_blind = asked == Request() and _is_loopback(config.host) and taken != _VISITOR
    if is_blind:
        found += ": all visitors would be one. Add it to trusted_proxies"
    return Finding(not is_blind, "proxy trust", found)


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"


def _geography(countries: Countries, now: datetime) -> Finding:
    what = "country data"
    if countries.notice:
        return Finding(is_well=False, what=what, found=countries.notice)
    if countries.date is None:
        return Finding(is_well=True, what=what, found="does not say how old it is")
    age = now.date() - countries.date
    found = f"of {countries.date}, {age.days} days old"
    if age > _GEO_OLD_AFTER:
        return Finding(
            is_well=False, what=what, found=f"{found}: upgrade, or set geo_database to a newer file"
        )
    return Finding(is_well=True, what=what, found=found)


def _open_files() -> Finding:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most in range(_LEAST_FILES):
        found = f"{most} at most, connections included: raise LimitNOFILE (ulimit -n)"
        return Finding(is_well=False, what="open files", found=found)
    found = "without limit" if most == resource.RLIM_INFINITY else f"{most:,} at most"
    return Finding(is_well=True, what="open files", found=found)


def _room(data: Path) -> Finding:
    """Compare what is free with what rewriting takes, which is as much as the larger database."""
    free_bytes = shutil.disk_usage(data).free
    largest_bytes = max((file.stat().st_size for file in data.glob("*.duckdb")), default=0)
    needed_bytes = max(_LEAST_FREE_BYTES, largest_bytes)
    found = f"{free_bytes >> 20:,} MiB are free; {needed_bytes >> 20:,} should be"
    return Finding(free_bytes >= needed_bytes, "disk", found)


def _files(config: Config) -> Iterator[Finding]:
    yield _control(config.data / "control.sqlite")
    chunks = journal.chunks(config.data / "journal")
    try:
        lock = locked(config.data)
    except StoreBusyError:
        yield _backlog(chunks, is_served=True)
        yield _lines(chunks)
        found = "open in the running server; `gatecount backup` reads all of it"
        yield Finding(is_well=True, what="archive.duckdb", found=found)
        return
    try:
        yield _backlog(chunks, is_served=False)
        yield _lines(chunks)
        for name, remedy in (
            ("archive", "restore it from a backup"),
            ("live", "start the server, which loads it anew"),
        ):
            yield _database(config, name, remedy)
    finally:
        os.close(lock)


def _control(path: Path) -> Finding:
    try:
        sites = control_file.look_through(path)
    except ControlError as error:
        return Finding(is_well=False, what=path.name, found=f"{error}: restore it from a backup")
    return Finding(is_well=True, what=path.name, found=f"whole, with {sites} sites")


def _backlog(chunks: list[Path], *, is_served: bool) -> Finding:
    size_bytes = sum(chunk.stat().st_size for chunk in chunks)
    found = f"{len(chunks)} chunks of the journal, {size_bytes:,} bytes"
    if chunks and not is_served:
        found += ": start the server, which loads and seals them"
    return Finding(is_served or not chunks, "unsealed backlog", found)


def _lines(chunks: list[Path]) -> Finding:
    damaged = torn_bytes = 0
    for chunk in chunks:
        with contextlib.suppress(FileNotFoundError):  # sealed meanwhile
            for passage in _passages(chunk):
                damaged += passage.damaged
                torn_bytes += passage.torn_bytes
    if damaged or torn_bytes:
        found = f"{damaged} damaged lines, {torn_bytes} bytes cut short: see whether the disk fails"
        # A line that is cut short was never acknowledged: that is what a crash leaves.
        return Finding(not damaged, "journal", found)
    return Finding(is_well=True, what="journal", found="every line is whole")


def _passages(chunk: Path) -> Iterator[journal.Passage]:
    end = 0
    while True:
        passage = journal.read(chunk, end, _READ_BYTES)
        yield passage
        if passage.is_last or passage.end == end:
            return
        end = passage.end


def _database(config: Config, name: str, remedy: str) -> Finding:
    path = config.data / f"{name}.duckdb"
    if not path.exists():
        return Finding(is_well=True, what=path.name, found="not there yet")
    try:
        with (
            tempfile.TemporaryDirectory(prefix="spill-", dir=config.data) as scratch,
            opened_alone(
                {name: path}, Path(scratch), read_only=True, memory_limit_mib=config.memory_limit
            ) as session,
        ):
            if name == "archive":
                refuse_newer_archive(session, path)
            rows = session.read_through(name)
    except StoreError as error:
        return Finding(is_well=False, what=path.name, found=f"{error}: {remedy}")
    return Finding(is_well=True, what=path.name, found=f"whole, with {rows:,} rows")
