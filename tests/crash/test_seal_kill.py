"""kill -9 while days are being sealed: a sealed day is never seen twice, and never not at all."""

import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from collector import journal
from collector.seal import SEAL_AFTER
from collector.store import Store
from tests.crash.nursery import Clock, Nursery
from tests.crash.witness import Witness, chance, repeating
from tests.serving import Installation, Server, wait_until

# In both it is midnight at 18:30 UTC, in the middle of a chunk: it holds events of two days.
SITES = {"example.com": "Asia/Kolkata", "example.org": "Asia/Colombo"}
MIDNIGHT = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
A_DAY = timedelta(days=1)
KILLS = 8
SPEED = 3600.0  # an hour a second: 35 minutes after midnight come soon
SLOWER = 600.0  # from then on: the next day is not over before a wait has failed, however long
LATEST_S = 0.4  # sealing two days and cleaning up take about as long
EVENTS_BEFORE_MIDNIGHT = 40


@dataclass(frozen=True, slots=True)
class Moment:
    """When to die: after the days became due by a clock, or when the first of them is sealed."""

    clock: Clock
    is_in_the_middle: bool
    wait_s: float


def days_until(midnight: datetime) -> tuple[date, date]:
    """Return the first and the last local day there can be events of, soon after a midnight."""
    return MIDNIGHT.date(), midnight.date() + A_DAY


def die(server: Server, witness: Witness, midnight: datetime, moment: Moment) -> None:
    """Kill a server under load, from before a midnight to the sealing of the day that ended."""
    first, last = midnight.date(), midnight.date() + A_DAY  # what changes in this night
    posted = witness.count() + EVENTS_BEFORE_MIDNIGHT
    with repeating(
        *(witness.posting(server, site) for site in (*SITES, *SITES)),
        *(witness.reading(server, site, first, last) for site in SITES),
    ):
        wait_until(lambda: witness.count() > posted, "enough events")
        moment.clock.turn(moment.clock.now(), SPEED)
        wait_until(lambda: moment.clock.now() >= midnight + SEAL_AFTER)
        moment.clock.turn(moment.clock.now(), SLOWER)
        if moment.is_in_the_middle:
            sealed = f"day_sealed date={midnight.date()}"
            wait_until(lambda: sealed in server.said(), "one of the days")
        time.sleep(moment.wait_s)
        server.kill()


def test_kills_while_sealing_neither_hide_a_day_nor_show_it_twice(
    nurse: Nursery, here: Installation
) -> None:
    """Night after night, with events and readers all the while; in the end the archive has all."""
    rng, witness, clock = chance(2), Witness(), Clock(here.folder / "clock")
    for domain, timezone in SITES.items():
        here.add_site(domain, timezone)
    for night in range(KILLS):
        midnight = MIDNIGHT + night * A_DAY
        clock.turn(midnight - timedelta(minutes=1))
        with nurse.serving(here, clock) as server:
            for site in SITES:
                witness.check(server, site, *days_until(midnight))
            die(server, witness, midnight, Moment(clock, night % 2 == 1, rng.uniform(0, LATEST_S)))
            assert "unreadable" not in server.said()
    clock.turn(midnight + 2 * A_DAY)
    with nurse.serving(here, clock) as server:
        for site in SITES:
            witness.check(server, site, *days_until(midnight))
        wait_until(lambda: not journal.chunks(here.data / "journal"), "the end of old chunks")
        shown, site_days = 0, 0
        for site in SITES:
            witness.check(server, site, *days_until(midnight))
            shown += witness.total(server, site, *days_until(midnight))
            site_days += len(witness.days(site))
    assert site_days > KILLS
    assert archived(here.data) == (shown, [1] * site_days)


def archived(data: Path) -> tuple[int, list[int]]:
    """Return how many events are archived, and how often each day is sealed; live holds nothing."""
    store = Store(data, memory_limit_mib=128, threads=1)
    try:
        with store.snapshot() as session:
            ((events,),) = session.query("SELECT count(*) FROM archive.events")
            times = session.query("SELECT count(*) FROM archive.sealed GROUP BY site, date")
            for table in ("events", "visits", "chunk_days", "ledger"):
                assert session.query(f"SELECT count(*) FROM live.{table}") == [(0,)]
    finally:
        store.close()
    return int(events), [count for (count,) in times]
