"""Sealing: when a day is over, what moves to the archive, and what is deleted for good."""

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from collector import keeper, seal
from collector.journal import Drops, Event, NewKey
from collector.keeper import Keeper
from collector.lending import Lender
from collector.retention import Retention
from collector.seal import SEAL_AFTER
from collector.session import Session, statement
from tests.house import ALL_VISITS, SEALED_EVENTS, House, at_us, event, house
from tests.serving import DEADLINE_S

MICROSECOND = timedelta(microseconds=1)
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = date(2026, 11, 24)
NEXT_NIGHT = datetime(2026, 11, 25, 0, 35, tzinfo=UTC)


@pytest.fixture(name="here")
def open_house(ram: Path) -> Iterator[House]:
    """Open a data directory."""
    with house(ram) as here:
        yield here


@pytest.fixture(name="standing", scope="module")
def open_house_for_all(ram_of_module: Path) -> Iterator[House]:
    """Open a data directory for tests that have a site of their own, and seal nothing."""
    with house(ram_of_module) as here:
        yield here


@pytest.mark.parametrize(
    ("timezone", "at", "day", "due"),
    [
        ("UTC", "2026-11-24T12:00", "2026-11-24", "2026-11-25T00:35"),
        ("Europe/Berlin", "2026-11-24T12:00", "2026-11-24", "2026-11-24T23:35"),
        ("America/New_York", "2026-11-24T03:00", "2026-11-23", "2026-11-24T05:35"),
        ("Asia/Kathmandu", "2026-11-24T12:00", "2026-11-24", "2026-11-24T18:50"),
        # Clocks forward: 23 hours. Back: 25.
        ("Europe/Berlin", "2026-03-29T10:00", "2026-03-29", "2026-03-29T22:35"),
        ("Europe/Berlin", "2026-10-25T10:00", "2026-10-25", "2026-10-25T23:35"),
        ("Australia/Lord_Howe", "2026-04-05T00:00", "2026-04-05", "2026-04-05T14:05"),
        # Brazil's clocks went from 23:59 to 1:00, and at the end of summer from 23:59 to 23:00.
        ("America/Sao_Paulo", "2018-11-03T12:00", "2018-11-03", "2018-11-04T03:35"),
        ("America/Sao_Paulo", "2018-11-04T12:00", "2018-11-04", "2018-11-05T02:35"),
        ("America/Sao_Paulo", "2018-02-17T12:00", "2018-02-17", "2018-02-18T03:35"),
        # Samoa had no 30 December in 2011.
        ("Pacific/Apia", "2011-12-30T09:00", "2011-12-29", "2011-12-30T10:35"),
        ("Pacific/Apia", "2011-12-30T10:00", "2011-12-31", "2011-12-31T10:35"),
    ],
)
def test_a_day_is_due_35_minutes_after_it_ended(
    standing: House, timezone: str, at: str, day: str, due: str
) -> None:
    """By the site's own clock, whatever that does at midnight; not a microsecond earlier."""
    site = standing.site(f"{len(standing.control.sites())}.example.com", timezone)
    happened = datetime.fromisoformat(at).replace(tzinfo=UTC)
    due_at = datetime.fromisoformat(due).replace(tzinfo=UTC)
    standing.load(event(site, happened, timezone=timezone))
    local = date.fromisoformat(day)
    assert (site, local) not in standing.sealer.due(due_at - MICROSECOND)
    assert (site, local) in standing.sealer.due(due_at)
    assert (due_at - SEAL_AFTER).astimezone(ZoneInfo(timezone)).date() > local
    assert (due_at - SEAL_AFTER - MICROSECOND).astimezone(ZoneInfo(timezone)).date() == local


def test_days_are_sealed_oldest_first(here: House) -> None:
    """Each once; a day that nothing happened on is not."""
    berlin, utc = here.site("example.org", "Europe/Berlin"), here.site()
    days = [NOON - timedelta(days=n) for n in (0, 3, 1)]
    here.load(*[event(site, at) for site in (utc, berlin) for at in days])
    here.load(Drops(0, "2026-11-22", "unknown_site", 1))
    due = here.sealer.due(NOON + timedelta(days=3))
    assert due == [
        (berlin, date(2026, 11, 21)), (utc, date(2026, 11, 21)),
        (0, date(2026, 11, 22)),
        (berlin, date(2026, 11, 23)), (utc, date(2026, 11, 23)),
        (berlin, TODAY), (utc, TODAY),
    ]  # fmt: skip
    assert here.sealer.seal_due(NOON - timedelta(days=2)) == 2
    assert here.sealer.due(NOON + timedelta(days=3)) == due[2:]
    assert here.sealer.seal_due(NOON - timedelta(days=2)) == 0


def test_what_was_posted_before_midnight_is_loaded_before_its_day_is_sealed(here: House) -> None:
    """Though the loader had not come to it."""
    site = here.site()
    here.load(event(site, NOON))
    here.append("late", event(site, NOON + timedelta(hours=11, minutes=59), token=2))
    assert here.sealer.seal_due(NEXT_NIGHT) == 1
    assert here.rows("SELECT visits, events FROM archive.sealed") == [(2, 2)]


def too_long(site: int, at: datetime) -> list[Event]:
    """Return engagement that adds up to more than can be kept: its day cannot be sealed."""
    more = timedelta(minutes=1)
    engaged: dict[str, Any] = {"name": "engagement", "engaged_s": 2**31 - 1}
    return [event(site, at), *(event(site, at + n * more, **engaged) for n in (1, 2))]


def test_a_day_that_cannot_be_sealed_keeps_no_other_waiting(
    here: House, caplog: pytest.LogCaptureFixture
) -> None:
    """Later days and other sites are sealed; it is tried again, ever more rarely, and told of."""
    site, other = here.site(), here.site("other.example")
    here.load(*too_long(site, NOON), event(other, NOON), event(site, NOON + timedelta(days=1)))
    now = NEXT_NIGHT + timedelta(days=1)
    assert here.sealer.seal_due(now) == 2
    assert here.rows("SELECT site, date FROM archive.sealed ORDER BY ALL") == [
        (site, NOON.date() + timedelta(days=1)),
        (other, NOON.date()),
    ]
    (refused,) = here.control.refused_days()
    assert (refused.site, refused.day, refused.since) == (site, NOON.date(), now)
    tries = []
    for wait_s in (19, 1, 39, 1, 79, 1):
        now += timedelta(seconds=wait_s)
        here.sealer.seal_due(now)
        tries.append(caplog.messages.count("day_not_sealed"))
    assert tries == [1, 2, 2, 3, 3, 4]
    assert here.control.refused_days() == (refused,)
    with here.store.writing() as session:
        session.query("UPDATE live.events SET engaged_s = 0")
    assert here.sealer.seal_due(now + timedelta(hours=1)) == 1
    assert here.control.refused_days() == ()


def test_a_day_is_tried_again_at_once_when_the_clock_was_set_back(here: House) -> None:
    """Nobody waits until it is as late as it was."""
    site = here.site()
    here.load(*too_long(site, NOON))
    assert here.sealer.seal_due(NEXT_NIGHT + timedelta(days=9)) == 0
    with here.store.writing() as session:
        session.query("UPDATE live.events SET engaged_s = 0")
    assert here.sealer.seal_due(NEXT_NIGHT) == 1


def test_visitors_become_numbers_of_their_day(here: House) -> None:
    """From 1 on, in random order; who came on two days or to two sites cannot be told."""
    site, other = here.site(), here.site("example.org")
    yesterday = NOON - timedelta(days=1)
    days = [(site, yesterday), (site, NOON), (other, NOON)]
    here.load(
        *[
            event(of, day + timedelta(minutes=n), token=2**64 - 1 - n, path=f"/{n}")
            for of, day in days
            for n in range(40)
        ]
    )
    assert here.sealer.seal_due(NEXT_NIGHT) == len(days)
    orders = {tuple(f"/{n}" for n in range(40))}
    for of, day in days:
        rows = here.rows(
            f"SELECT visitor, path FROM {SEALED_EVENTS} WHERE site = $site AND date = $date",
            site=of,
            date=day.date(),
        )
        assert sorted(number for number, _ in rows) == list(range(1, 41))
        orders.add(tuple(path for _, path in sorted(rows)))
    assert len(orders) == 1 + len(days)


def test_steps_keep_the_order_within_a_visit_and_hours_are_all_of_the_time(here: House) -> None:
    """A second visit begins at step 1 again."""
    site = here.site(timezone="Asia/Kathmandu")
    times = [0, 30, 60, 60 * 59, 3 * 3600, 3 * 3600 + 1]
    here.load(
        *[
            event(site, NOON + timedelta(seconds=s), path=f"/{n}", timezone="Asia/Kathmandu")
            for n, s in enumerate(times)
        ]
    )
    here.sealer.seal_due(NEXT_NIGHT)
    assert here.rows(f"SELECT visit, step, path, hour FROM {SEALED_EVENTS} ORDER BY 1, 2") == [
        (1, 1, "/0", 17), (1, 2, "/1", 17), (1, 3, "/2", 17),
        (2, 1, "/3", 18),
        (3, 1, "/4", 20), (3, 2, "/5", 20),
    ]  # fmt: skip


def test_engagement_joins_its_page_and_what_comes_too_late_is_dropped(here: House) -> None:
    """It is the only event a page can send for a day that is over; it is counted by its reason."""
    site = here.site()

    def engaged(at: datetime, token: int, path: str, seconds: int, scroll: int) -> Event:
        return event(
            site, at, token=token, name="engagement", path=path, engaged_s=seconds, scroll=scroll
        )

    minute = timedelta(minutes=1)
    here.load(
        event(site, NOON, path="/read"),
        engaged(NOON + minute, 1, "/read", 40, 3),
        engaged(NOON + 2 * minute, 1, "/read", 20, 9),
        engaged(NOON + 2 * minute, 1, "/of-yesterday", 20, 9),
        engaged(NOON + 3 * minute, 2, "/read", 5, 1),
        Drops(site, "2026-11-24", "bot", 2),
        Drops(site, "2026-11-24", "bot", 3),
        Drops(site, "2026-11-24", "flood", 1),
    )
    here.sealer.seal_due(NEXT_NIGHT)
    assert here.rows(f"SELECT path, engaged_s, scroll FROM {SEALED_EVENTS}") == [("/read", 60, 9)]
    drops = here.rows("SELECT reason, count FROM archive.drops WHERE site = $site", site=site)
    assert sorted(drops) == [("bot", 5), ("flood", 1), ("late", 2)]
    assert here.rows("SELECT visits, events FROM archive.sealed") == [(1, 1)]


def test_a_day_with_nothing_but_drops_is_sealed_too(here: House) -> None:
    """Those of no known site by UTC, whatever zones there are."""
    here.site(timezone="Pacific/Kiritimati")
    here.load(Drops(0, "2026-11-24", "unknown_site", 7))
    assert here.sealer.seal_due(NEXT_NIGHT - MICROSECOND) == 0
    assert here.sealer.seal_due(NEXT_NIGHT) == 1
    assert here.rows("SELECT * EXCLUDE (date) FROM archive.drops") == [(0, "unknown_site", 7)]
    assert here.rows("SELECT visits, events, day_keys FROM archive.sealed") == [(0, 0, 0)]


def test_a_day_whose_key_was_made_anew_stays_marked(here: House) -> None:
    """Its returning visitors count twice, in the archive as before."""
    site = here.site()
    for day, times in (("2026-11-22", 1), ("2026-11-23", 3), ("2026-11-24", 2)):
        here.load(*[NewKey(site, day, at_us(NOON) + n) for n in range(times)])
    assert here.stats.rekeyed(site) == {date(2026, 11, 23), TODAY}
    here.load(event(site, NOON - timedelta(days=1)))
    here.sealer.seal_due(NOON)
    assert here.rows("SELECT date, day_keys FROM archive.sealed ORDER BY 1") == [
        (date(2026, 11, 22), 1),
        (date(2026, 11, 23), 3),
    ]
    assert here.stats.rekeyed(site) == {date(2026, 11, 23), TODAY}


def chunks(here: House) -> list[str]:
    """Return the names of the chunks there are, without their numbers."""
    return sorted(path.stem.partition("-")[2] for path in here.journal.iterdir())


def test_a_chunk_goes_once_all_its_days_are_sealed(here: House) -> None:
    """And it is finished, and loaded to its end, if there is anything in it."""
    (here.journal / "0-empty.jsonl").write_bytes(b"")
    site, later = here.site(), here.site("example.org", "America/New_York")
    here.append("one", event(site, NOON))
    here.append("both", event(site, NOON), event(later, NOON))
    here.append("other", event(later, NOON))
    here.finish()
    here.append("held", event(site, NOON))
    here.loader.load()
    assert here.sealer.seal_due(NEXT_NIGHT) == 1
    assert chunks(here) == ["both", "held", "other"]
    here.finish()
    here.loader.load()
    here.sealer.clean_up()
    assert chunks(here) == ["both", "other"]
    assert here.sealer.seal_due(NEXT_NIGHT + timedelta(hours=5)) == 1
    assert chunks(here) == []
    assert here.rows("SELECT count(*) FROM live.ledger, live.chunk_days") == [(0,)]
    assert here.rows("SELECT sum(events) FROM archive.sealed") == [(5,)]


def test_live_rows_of_a_sealed_day_are_gone_from_the_disk(here: House) -> None:
    """Journal, live store and spills: what is left of the day is in the archive alone."""
    site = here.site()
    here.load(event(site, NOON, path="/sealed-path"))
    here.load(event(site, NOON + timedelta(days=1), path="/unsealed-path"))
    here.sealer.seal_due(NEXT_NIGHT)
    raw = b"".join(p.read_bytes() for p in (*here.journal.iterdir(), *here.folder.glob("live*")))
    assert b"/sealed-path" not in raw
    assert b"/unsealed-path" in raw
    assert here.rows(f"SELECT path FROM {SEALED_EVENTS}") == [("/sealed-path",)]


def test_numbers_stay_when_a_day_is_sealed(here: House) -> None:
    """To a reader nothing happens."""
    site = here.site()
    here.load(*[event(site, NOON + timedelta(minutes=n), token=n % 5) for n in range(60)])
    asked = (
        "SELECT date, hour, duration_s, pageviews, is_bounce, entry_page"
        f" FROM {ALL_VISITS} ORDER BY ALL"
    )
    before = here.rows(asked), here.stats.first_date(site)
    here.sealer.seal_due(NEXT_NIGHT)
    assert (here.rows(asked), here.stats.first_date(site)) == before
    assert here.rows("SELECT count(*) FROM live.events") == [(0,)]


def two_sites(here: House) -> tuple[int, int]:
    """Count a sealed and an unsealed day of two sites, one of which is going to be removed."""
    doomed, kept = here.site("doomed.example"), here.site()
    yesterday = NOON - timedelta(days=1)
    here.load(
        event(doomed, yesterday, path="/doomed-path"), Drops(doomed, "2026-11-23", "bot", 1),
        event(kept, yesterday, path="/kept-path"),
    )  # fmt: skip
    here.load(event(doomed, NOON, path="/doomed-path"), Drops(doomed, "2026-11-24", "bot", 1))
    here.load(event(kept, NOON, path="/kept-path"))
    assert here.sealer.seal_due(NOON) == 2
    return doomed, kept


def test_a_removed_sites_numbers_are_deleted_for_good(here: House) -> None:
    """Of sealed and unsealed days, in every file; another site's stay."""
    doomed, kept = two_sites(here)
    assert b"/doomed-path" in here.bytes_on_disk()
    here.control.remove_site("doomed.example", NOON)
    here.sealer.purge_removed(NOON)
    assert here.control.removed() == ()
    on_disk = here.bytes_on_disk()
    assert b"/doomed-path" not in on_disk
    assert b"/kept-path" in on_disk
    for table in ("live.events", "live.visits", "live.drops", "archive.events", "archive.visits",
                  "archive.pages", "archive.arrivals", "archive.rollups", "archive.page_rollups",
                  "archive.arrival_rollups", "archive.drops", "archive.sealed"):  # fmt: skip
        assert here.rows(f"SELECT count(*) FROM {table} WHERE site = $site", site=doomed) == [(0,)]
    assert here.rows(f"SELECT site, count(*) FROM {ALL_VISITS} GROUP BY 1") == [(kept, 2)]


def test_a_removed_sites_lines_in_a_shared_chunk_go_with_the_others_days(here: House) -> None:
    """Until then they are passed over, whenever they are loaded again."""
    doomed, kept = here.site("doomed.example"), here.site()
    here.load(event(doomed, NOON, path="/doomed-path"), event(kept, NOON, path="/kept-path"))
    here.control.remove_site("doomed.example", NOON)
    here.sealer.purge_removed(NOON)
    assert [path.name for path in here.journal.iterdir()] == ["000001.jsonl"]
    with here.store.writing() as session:  # as if live had been moved aside
        for table in ("events", "arrivals", "visits", "ledger", "chunk_days"):
            session.query(f"DELETE FROM live.{table}")
    here.loader.reread_ledger()
    here.loader.load()
    assert here.rows("SELECT site FROM live.events") == [(kept,)]
    assert here.sealer.seal_due(NEXT_NIGHT) == 1
    assert b"/doomed-path" not in here.bytes_on_disk()


def test_a_removal_is_final(here: House) -> None:
    """Events that were on their way do not bring it back; under its name another one may begin."""
    doomed = here.site("doomed.example")
    here.control.remove_site("doomed.example", NOON)
    here.load(event(doomed, NOON, token=2))
    here.sealer.purge_removed(NOON)
    here.load(event(doomed, NOON, token=3), Drops(doomed, "2026-11-24", "bot", 1))
    again = here.site("doomed.example")
    here.load(event(again, NOON, token=4, path="/new-path"))
    assert again != doomed
    assert here.rows(f"SELECT site, count(*) FROM {ALL_VISITS} GROUP BY 1") == [(again, 1)]
    assert here.sealer.seal_due(NEXT_NIGHT) == 1
    assert here.rows(f"SELECT site, count(*) FROM {ALL_VISITS} GROUP BY 1") == [(again, 1)]


def test_nothing_is_rewritten_when_nothing_was_removed(here: House) -> None:
    """The files are the same ones."""
    here.load(event(here.site(), NOON))
    files = [(path.name, path.stat().st_ino) for path in sorted(here.folder.glob("*.duckdb"))]
    here.sealer.purge_removed(NOON)
    here.sealer.clean_up()
    assert files == [(p.name, p.stat().st_ino) for p in sorted(here.folder.glob("*.duckdb"))]


def test_the_latest_time_on_record_is_that_of_events_and_of_sealing(here: House) -> None:
    """Of whichever is later; none without either."""
    assert here.sealer.recorded_s() == 0
    site = here.site()
    here.load(event(site, NOON))
    assert here.sealer.recorded_s() == NOON.timestamp()
    here.sealer.seal_due(NEXT_NIGHT)
    assert here.sealer.recorded_s() == NEXT_NIGHT.timestamp()
    here.load(event(site, NEXT_NIGHT + timedelta(hours=1)))
    assert here.sealer.recorded_s() == (NEXT_NIGHT + timedelta(hours=1)).timestamp()


class Clock:
    """The wall clock as the keeper sees it."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> float:
        """Return seconds since the epoch."""
        return self.now.timestamp()


@contextlib.asynccontextmanager
async def keeping(
    here: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[None]:
    """Have a keeper turn, and seal, twenty times a second."""
    monkeypatch.setattr(keeper, "_LOAD_EVERY_S", 0.05)
    monkeypatch.setattr(keeper, "_SEAL_EVERY_S", 0.0)
    retention = Retention(here.store, here.loader, here.control)
    lender = Lender(here.folder, here.store)
    async with Keeper(here.loader, here.sealer, retention, lender, clock).running():
        yield


async def until(is_so: Callable[[], bool]) -> None:
    """Return once a condition holds; the keeper's thread does not say when."""
    async with asyncio.timeout(DEADLINE_S):
        while not is_so():  # noqa: ASYNC110 - what is waited for is in a database
            await asyncio.sleep(0.02)


async def loaded_by_the_keeper(here: House, token: int) -> None:
    """Append two events, one after the other, and wait until each is loaded: a turn is over."""
    for number in (token, token + 1):
        here.append("held", event(1, NOON, token=number))
        wanted = f"SELECT count(*) FROM live.events WHERE token = {number}"
        await until(lambda wanted=wanted: here.rows(wanted) == [(1,)])  # type: ignore[misc]


def sealed(here: House) -> int:
    """Return how many days are sealed."""
    return len(here.rows("SELECT 1 FROM archive.sealed"))


def test_the_keeper_loads_and_seals(here: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock that can be believed."""
    site = here.site()
    here.load(event(site, NOON - timedelta(days=1)))

    async def keep() -> None:
        async with keeping(here, Clock(NOON), monkeypatch):
            await until(lambda: sealed(here) == 1)
            await loaded_by_the_keeper(here, 10)

    asyncio.run(keep())


def test_a_clock_that_jumps_seals_nothing(
    here: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Loading goes on meanwhile."""
    here.site()
    here.load(event(1, NOON))

    async def keep() -> None:
        clock = Clock(NOON)
        async with keeping(here, clock, monkeypatch):
            await loaded_by_the_keeper(here, 10)
            clock.now += timedelta(days=2)
            await loaded_by_the_keeper(here, 20)
            await loaded_by_the_keeper(here, 30)

    asyncio.run(keep())
    assert [record.message for record in caplog.records] == ["clock_jumped"]
    assert sealed(here) == 0


def test_a_clock_behind_what_is_on_record_seals_nothing(
    here: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A day that would be due by it stays."""
    caplog.set_level(logging.WARNING)
    here.site()
    here.load(event(1, NOON - timedelta(days=3)), event(1, NOON))

    async def keep() -> None:
        async with keeping(here, Clock(NOON - timedelta(days=1)), monkeypatch):
            await loaded_by_the_keeper(here, 10)
            await loaded_by_the_keeper(here, 20)

    asyncio.run(keep())
    assert [record.message for record in caplog.records] == ["clock_jumped"]
    assert sealed(here) == 0


def test_a_keeper_that_is_refused_something_tries_again(
    here: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as a place for what it loads; the journal keeps all."""
    here.site()

    async def keep() -> None:
        async with keeping(here, Clock(NOON), monkeypatch):
            here.store.scratch.rename(here.folder / "away")
            here.append("held", event(1, NOON))
            await until(lambda: len(caplog.records) > 1)
            assert here.rows("SELECT count(*) FROM live.events") == [(0,)]
            (here.folder / "away").rename(here.store.scratch)
            await loaded_by_the_keeper(here, 10)

    asyncio.run(keep())
    assert {record.message for record in caplog.records} == {"store_refused"}
    assert here.rows("SELECT count(*) FROM live.events") == [(3,)]


def test_a_keeper_that_fails_ends_the_process(
    here: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As nothing would be shown or sealed any more: it tells so, and asks for an orderly end."""
    asked = threading.Event()
    before = signal.signal(signal.SIGTERM, lambda *_: asked.set())

    class Broken(Clock):
        def __call__(self) -> float:
            raise ZeroDivisionError

    async def keep() -> None:
        async with keeping(here, Broken(NOON), monkeypatch):
            await until(asked.is_set)

    try:
        asyncio.run(keep())
    finally:
        signal.signal(signal.SIGTERM, before)
    assert [(r.message, r.levelno) for r in caplog.records] == [("keeper_failed", logging.CRITICAL)]


@pytest.mark.parametrize("host", ["example.com", "other.example.com"])
def test_a_day_sealed_in_shares_is_the_same_day(
    ram: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    """However few of its visitors fit into memory at once."""
    found = []
    for lines_a_mib in (3_000.0, 0.3):
        monkeypatch.setattr(seal, "_LINES_A_MIB", lines_a_mib)
        folder = ram / str(lines_a_mib)
        folder.mkdir()
        with house(folder) as here:
            site = here.site()
            happened = []
            for n in range(60):
                read = partial(
                    event,
                    site,
                    token=n % 7,
                    path=f"/{n % 5}",
                    host=host if n % 3 else "example.com",
                )
                at = NOON + timedelta(minutes=11 * n)
                happened += [
                    read(at, source=f"s{n % 4}"),
                    read(at + timedelta(minutes=1), name="engagement", engaged_s=n, scroll=n % 11),
                ]
            here.load(*happened)
            here.load(event(site, NOON, token=99, name="engagement", path="/never-opened"))
            assert here.sealer.seal_due(NEXT_NIGHT) == 1
            pages = "(FROM archive.page_rollups JOIN archive.pages USING (site, page))"
            found.append(
                [
                    here.rows(f"SELECT * FROM {table} ORDER BY ALL")
                    for table in ("archive.rollups", "archive.sealed", "archive.drops", pages)
                ]
            )
    assert len(found[0][0]) >= 30
    assert found[0] == found[1]


def test_a_visit_of_more_steps_than_can_be_counted_is_sealed(here: House) -> None:
    """One that goes on for hours must not keep its day from ending."""
    site = here.site()
    here.load(event(site, NOON, path="/"))
    with here.store.writing() as session:
        session.query(
            "INSERT INTO live.events SELECT e.* REPLACE (at_us + n * 1000 AS at_us)"
            " FROM live.events e, range(1, 66_000) made(n)"
        )
    assert here.sealer.seal_due(NEXT_NIGHT) == 1
    assert here.rows("SELECT count(*), max(step) FROM archive.events") == [(66_000, 65_535)]


def test_a_visit_is_not_compared_with_each_way_to_arrive(
    here: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of what the transaction has just filled DuckDB expects no rows: that looks cheap to it.

    With a million visits of a site's first day, each of its own way to arrive, it took two minutes
    and all the memory there was.
    """
    run, crossed = Session.run, []

    def explained(session: Session, name: str, **values: object) -> list[tuple[Any, ...]]:
        if name == "seal_placed":
            plan = str(session.query(f"EXPLAIN {statement(name)}", **values))
            crossed.append(plan.count("CROSS_PRODUCT"))
        return run(session, name, **values)

    here.load(event(here.site(), NOON, source="s"))
    with here.store.writing() as session:
        session.query(
            "INSERT INTO live.arrivals SELECT a.* REPLACE (n AS arrival, n AS digest)"
            " FROM live.arrivals a, range(10, 1_000_000) made(n)"
        )
    monkeypatch.setattr(Session, "run", explained)
    assert here.sealer.seal_due(NEXT_NIGHT) == 1
    assert crossed == [1]  # with the number of no page
