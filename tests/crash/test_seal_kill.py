"""kill -9 while days are being sealed: a sealed day is never seen twice, and never not at all."""

import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from collector import journal
from collector.seal import SEAL_AFTER
from collector.store import Store
from tests.crash.nursery import Clock, Nursery
from tests.crash.witness import Witness, chance, register, repeating
from tests.serving import Installation, Server, wait_until

# In both it is midnight at 18:30 UTC, in the middle of a chunk: it holds events of two days.
SITES = {"example.com": "Asia/Kolkata", "example.org": "Asia/Colombo"}
MIDNIGHT = datetime(2026, 11, 24, 18, 30, tzinfo=UTC)
A_DAY = timedelta(days=1)
KILLS = 10
SPEED = 3600.0  # an hour a second: 35 minutes after midnight come soon
LATEST_S = 0.4  # after days became due: sealing two of them takes about as long
EVENTS_BEFORE_MIDNIGHT = 40


def days_until(midnight: datetime) -> tuple[date, date]:
    """Return the first and the last local day there can be events of, soon after a midnight."""
    return MIDNIGHT.date(), midnight.date() + A_DAY


def die(
    server: Server, clock: Clock, witness: Witness, midnight: datetime, moment_s: float
) -> None:
    """Kill a server under load some time after the day that ends at midnight became due."""
    days = days_until(midnight)
    sent_before = sum(map(len, witness.acknowledged.values()))
    with repeating(
        *(witness.posting(server, site) for site in (*SITES, *SITES)),
        *(witness.reading(server, site, *days) for site in SITES),
    ):
        wait_until(
            lambda: (
                sum(map(len, witness.acknowledged.values())) > sent_before + EVENTS_BEFORE_MIDNIGHT
            )
        )
        clock.turn(clock.now(), SPEED)
        wait_until(lambda: clock.now() >= midnight + SEAL_AFTER)
        time.sleep(moment_s)
        server.kill()


def test_kills_while_sealing_neither_hide_a_day_nor_show_it_twice(
    nurse: Nursery, here: Installation
) -> None:
    """Night after night, with events and readers all the while; in the end the archive has all."""
    rng, witness, clock = chance(2), Witness(), Clock(here.folder / "clock")
    register(here, SITES)
    for night in range(KILLS):
        midnight = MIDNIGHT + night * A_DAY
        clock.turn(midnight - timedelta(minutes=1))
        with nurse.serving(here, clock) as server:
            for site in SITES:
                witness.check(server, site, *days_until(midnight))
            die(server, clock, witness, midnight, rng.uniform(0.0, LATEST_S))
            assert "unreadable" not in server.said()
    clock.turn(midnight + 2 * A_DAY)
    with nurse.serving(here, clock) as server:
        for site in SITES:
            witness.check(server, site, *days_until(midnight))
        wait_until(lambda: not journal.chunks(here.data / "journal"), "the end of old chunks")
        shown = 0
        for site in SITES:
            witness.check(server, site, *days_until(midnight))
            shown += witness.total(server, site, *days_until(midnight))
    assert archived(here.data) == (shown, [1] * len(SITES) * (KILLS + 1))


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
