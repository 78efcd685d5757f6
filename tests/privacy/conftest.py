"""A session of a real server on every road of `traffic.py`, watched from outside."""

import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from collector.control import Control
from collector.settings.exclusions import ExclusionBook, exclusions
from tests.people import admit
from tests.privacy.traffic import COUNTED_PAGEVIEWS, DAILY_LIMIT, EXCLUDED, FLOOD_LIMIT, Roads
from tests.serving import Installation, installation, wait_until

DEBUG = ("--log-level", "debug")
# Allows as large a core dump as one can, so that it is the program that forbids it.
MOST_CORE = ("sh", "-c", 'ulimit -Sc "$(ulimit -Hc)"; exec "$@"', "sh")
# What tells whom a process speaks to, and which files it writes.
_TRACED = "prctl,connect,sendto,sendmsg,sendmmsg,open,openat,openat2,creat"


@dataclass(frozen=True)
class Watched:
    """What a session left behind, and what was seen of it from outside."""

    here: Installation
    said: str
    statuses: Mapping[str, set[int]]
    answers: Mapping[str, bytes]
    day_keys: tuple[bytes, ...]
    limits: str  # /proc/PID/limits
    trace: str  # strace's, of all threads


@pytest.fixture(name="ram_of_session", scope="session")
def make_ram_of_session() -> Iterator[Path]:
    """Return an empty folder in RAM that all tests share: a disk would make events slow."""
    shared_memory = Path("/dev/shm")  # noqa: S108 - RAM on every Linux; ours is a 0700 directory
    in_ram = shared_memory if os.access(shared_memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="gatecount-test-", dir=in_ram) as folder:
        yield Path(folder)


@pytest.fixture(name="watched", scope="session")
def watch_a_session(ram_of_session: Path, country_database: Path) -> Iterator[Watched]:
    """Run a server under strace, at its most talkative; take every road; end it by SIGTERM."""
    trace = ram_of_session / "trace"
    wrapper = (*MOST_CORE, *strace(trace), "-D")
    with installation(ram_of_session / "watched") as here:
        register(here)
        flags = (*DEBUG, "--geo-database", str(country_database))
        environment = {
            "GATECOUNT_FLOOD_LIMIT": str(FLOOD_LIMIT),
            "GATECOUNT_DAILY_LIMIT": str(DAILY_LIMIT),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with here.serving(*flags, wrapper=wrapper, **environment) as server:
            roads = Roads(server)
            _without_a_day_key(here, roads)
            _without_a_journal(here, roads)
            answers = roads.answers()
            take_all(roads)
            wait_until(lambda: server.pageviews() >= COUNTED_PAGEVIEWS, "loading")
            limits = Path(f"/proc/{server.process.pid}/limits").read_text("utf-8")
            keys = tuple(path.read_bytes() for path in here.key_dir.iterdir())
            server.terminate()
            ended = re.compile(rf"^{server.process.pid} +\+\+\+ ", re.MULTILINE)
            wait_until(lambda: bool(ended.search(_read(trace))), "strace's end")
        said = server.said()
        yield Watched(here, said, roads.statuses, answers, keys, limits, _read(trace))


def _read(trace: Path) -> str:
    return trace.read_text("utf-8", "replace")


def strace(trace: Path) -> tuple[str, ...]:
    """Return a command that runs another and notes what it and its children ask of the kernel."""
    return ("strace", "-f", "-y", "-s", "256", "-o", str(trace), "-e", f"trace={_TRACED}")


def register(here: Installation) -> None:
    """Register the site, with what it leaves out, and an editor."""
    site = here.add_site()
    with closing(Control.open(here.data / "control.sqlite")) as control:
        ExclusionBook(control).write(site.id, exclusions(*EXCLUDED))
        admit(control)


def take_all(roads: Roads) -> None:
    """Take every road that a whole server has; floods come last, because they drop the rest."""
    roads.counted()
    roads.dropped()
    roads.objecting()
    roads.refused()
    roads.visitors_pages()
    roads.editors_pages()
    roads.api()
    roads.flooding()


def _without_a_day_key(here: Installation, roads: Roads) -> None:
    """Post while the day's key is no key."""
    today = datetime.now(UTC).date()
    broken = [here.key_dir / f"{day}.UTC.key" for day in (today, today + timedelta(days=1))]
    for path in broken:
        path.write_bytes(b"short")
        path.chmod(0o600)
    roads.unavailable("no day key")
    for path in broken:
        path.unlink()


def _without_a_journal(here: Installation, roads: Roads) -> None:
    """Post while there is no place for the journal, until there is one again."""
    journal = here.data / "journal"
    journal.rmdir()
    roads.unavailable("no journal")
    journal.mkdir(mode=0o700)
    wait_until(lambda: roads.unavailable("journal is back") == 202, "a journal")
    roads.statuses["journal is back"].discard(503)  # whether a second has passed is chance
