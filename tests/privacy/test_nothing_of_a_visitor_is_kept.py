"""Whatever road a request takes, nothing on disk or in the output says who sent it."""

import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from collector import journal
from collector.journal import Drops, Event, Record
from collector.outcomes import DropReason
from tests.house import house
from tests.privacy.canaries import EMAIL
from tests.privacy.conftest import DEBUG, Watched, register
from tests.privacy.faulty import PAGES
from tests.privacy.places import everything, files, leaks, rows
from tests.privacy.traffic import COUNTED_PAGEVIEWS, Roads
from tests.serving import SITE, Installation, installation, wait_until

LONG_AFTER = timedelta(days=3)


@dataclass(frozen=True)
class _Left:
    """What a session left behind."""

    here: Installation
    said: str
    statuses: Mapping[str, set[int]]


@pytest.fixture(name="killed", scope="module")
def kill_a_server(ram_of_module: Path, country_database: Path) -> Iterator[_Left]:
    """End a server by SIGKILL, right after its last answer, with events loaded and not."""
    with installation(ram_of_module / "killed") as here:
        register(here)
        with here.serving(*DEBUG, "--geo-database", str(country_database)) as server:
            roads = Roads(server)
            roads.counted()
            roads.dropped()
            wait_until(lambda: server.pageviews() >= COUNTED_PAGEVIEWS, "loading")
            roads.counted()
            server.kill()
        yield _Left(here, server.said(), roads.statuses)


@pytest.fixture(name="failed", scope="module")
def serve_with_faults(ram_of_module: Path) -> Iterator[_Left]:
    """Ask a server in which the road of events and the pages fail, and quote the request."""
    with installation(ram_of_module / "failed") as here:
        register(here)
        program = [sys.executable, "-m", "tests.privacy.faulty", str(here.data), str(here.key_dir)]
        with here.serving(program=program) as server:
            roads = Roads(server)
            roads.counted("counted")
            roads.dropped()
            for path in PAGES:
                roads.page(path)
            server.terminate()
        yield _Left(here, server.said(), roads.statuses)


def _records(here: Installation) -> list[Record]:
    chunks = journal.chunks(here.data / "journal")
    lines = [line for chunk in chunks for line in chunk.read_bytes().splitlines()]
    return [msgspec.json.decode(line, type=Record) for line in lines]


def _events(here: Installation) -> list[Event]:
    return [record for record in _records(here) if isinstance(record, Event)]


def test_the_session_took_every_road(watched: Watched) -> None:
    """Each ended as it should, so that none was missed."""
    assert watched.statuses == {
        "no day key": {503},
        "no journal": {503},
        "journal is back": {202},
        "counted": {202},
        "dropped": {202},
        "objecting": {202},
        "malformed": {400},
        "too large": {413},
        "wrong method": {405},
        "nowhere": {404},
        "head too large": {431},
        "no HTTP": {400},
        "visitors' pages": {200, 303, 403},
        "dashboard": {200, 303, 400, 401, 403, 404},
        "wrong passwords": {403, 429},
        "API": {200, 400, 401, 413},
        "flooding": {202},
    }


def test_the_session_dropped_events_for_every_reason(watched: Watched) -> None:
    """But for being late, which is found out at sealing."""
    reasons = {record.reason for record in _records(watched.here) if isinstance(record, Drops)}
    assert reasons == {*DropReason} - {DropReason.LATE}


def test_what_counted_is_kept_with_a_mark_for_each_identifier(watched: Watched) -> None:
    """In paths, campaign tags, names, and the names and values of properties."""
    events = _events(watched.here)
    assert len(events) >= COUNTED_PAGEVIEWS * 2
    assert {event.path for event in events} >= {"/", "/confirm/:id/done", "/a-:id"}
    assert {event.name for event in events} >= {"pageview", "engagement", "Sign-up :id"}
    assert {event.utm_source for event in events} >= {"", ":id"}
    assert {event.utm_medium for event in events} >= {"", "mail :id"}
    assert {event.utm_campaign for event in events} >= {"", "spring-:id"}
    assert {event.host for event in events} == {SITE, f"_id.{SITE}"}
    marked = {"who": ":id", ":id": "yes", "note": "write to :id: soon"}
    assert marked in [event.props for event in events]


def test_a_server_ended_by_sigterm_leaves_no_canary(watched: Watched) -> None:
    """In data, keys, output and temporary files, though it took every road."""
    assert leaks(everything(watched.here)) == []


def test_a_server_ended_by_sigkill_leaves_no_canary(killed: _Left) -> None:
    """Neither in the live store's write-ahead log, nor in what was just being loaded."""
    assert killed.statuses == {"counted": {202}, "dropped": {202}}
    assert (killed.here.data / "live.duckdb.wal").stat().st_size > 0
    assert leaks(everything(killed.here)) == []


def test_faults_that_quote_a_request_are_told_without_it(failed: _Left) -> None:
    """On the road of events, in pages, tasks, warnings, and the logs of libraries."""
    assert failed.statuses["counted"] == {500}
    assert failed.statuses["dropped"] == {202}
    assert [failed.statuses[path] for path in PAGES] == [{500}, {500}, {200}, {200}]
    kinds = ("LookupError", "RuntimeError", "ValueError", "OSError")
    assert all(f" error={kind} " in failed.said for kind in kinds)
    loggers = ("library", "gatecount.careless", "asyncio", "py.warnings", "uvicorn.error")
    assert all(f" {name}_message" in failed.said for name in loggers)
    assert leaks(everything(failed.here)) == []


@pytest.mark.parametrize("session", ["watched", "killed"])
def test_no_canary_is_left_when_the_days_are_sealed(
    session: str, request: pytest.FixtureRequest, ram: Path
) -> None:
    """The archive, the rewritten live store, and all else after a restart days later."""
    here: Installation = request.getfixturevalue(session).here
    data = ram / "data"
    shutil.copytree(here.data, data)
    counted = {"pageview": 0, "Sign-up :id": 0}
    with house(data) as later:
        later.loader.load()
        assert later.sealer.seal_due(datetime.now(UTC) + LONG_AFTER) > 0
        for name in counted:
            ((counted[name],),) = later.rows(
                "SELECT count(*) FROM archive.events WHERE name = $name", name=name
            )
        assert later.rows("SELECT count(*) FROM live.events") == [(0,)]
    assert counted["pageview"] >= COUNTED_PAGEVIEWS
    assert counted["Sign-up :id"] > 0
    assert leaks((*files(data), *rows(data))) == []


def test_a_canary_that_slipped_into_one_row_is_found(killed: _Left, ram: Path) -> None:
    """In the same folders, searched in the same way."""
    data = ram / "data"
    shutil.copytree(killed.here.data, data)
    with house(data) as later, later.store.writing() as session:
        session.query("UPDATE live.events SET host = $email WHERE name = 'pageview'", email=EMAIL)
    found = {(leak.canary, leak.place) for leak in leaks(rows(data))}
    assert found == {("e-mail address", "live.duckdb: main.events")}
