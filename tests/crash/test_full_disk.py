"""A full disk refuses events, loses none it acknowledged, and is got over without a restart."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from collector.control_file import ControlError
from collector.question import Dimension, Metric, Period, Query
from collector.session import StoreError
from tests.crash.nursery import Nursery
from tests.crash.witness import Witness
from tests.disks import Disk, SizeLimit, small
from tests.house import House, event, house
from tests.serving import SITE, Installation, Server, around_today, wait_until

DAYS = around_today()
EVENTS = 120  # DuckDB's WAL of them is longer than what little room is left at times
LITTLE_BYTES = 8_192
NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
A_DAY = timedelta(days=1)
AN_HOUR = timedelta(hours=1)
# From none at all, through enough for some of the steps of sealing, to enough for all of them.
ROOMS_BYTES = (0, 16_384, 49_152, 131_072, 262_144, 327_680, 393_216, 4_194_304)


def post(server: Server, witness: Witness, count: int) -> set[int]:
    """Post events one after another; return what was answered."""
    with server.visitor() as visitor:
        return {witness.post(visitor, SITE) for _ in range(count)}


def survive(server: Server, disk: Disk, witness: Witness) -> None:
    """Take events until the disk is full, nearly full for a while, and free again."""
    assert post(server, witness, EVENTS) == {202}
    witness.check(server, SITE, *DAYS)
    disk.fill()
    wait_until(lambda: post(server, witness, 1) == {503}, "503")
    assert post(server, witness, 20) == {503}
    assert server.ask("GET", "/healthz").status == 200

    def is_loader_in_trouble() -> bool:
        disk.fill(LITTLE_BYTES)
        post(server, witness, 10)
        return "store_refused" in server.said()

    wait_until(is_loader_in_trouble, "trouble also in DuckDB")
    disk.free()
    wait_until(lambda: post(server, witness, 1) == {202}, "service")
    assert post(server, witness, 20) == {202}
    witness.check(server, SITE, *DAYS)
    assert witness.total(server, SITE, *DAYS) == len(witness.look(server, SITE, *DAYS))
    assert server.process.poll() is None


def test_a_full_disk_is_got_over(nurse: Nursery, here: Installation) -> None:
    """Everything is on it: journal, stores and spills."""
    witness = Witness()
    with small(here.data) as disk:
        here.add_site()
        with nurse.serving(here) as server:
            survive(server, disk or SizeLimit(server.process.pid), witness)
            server.kill()
        with nurse.serving(here) as server:
            witness.check(server, SITE, *DAYS)


def test_writes_refused_by_the_kernel_are_got_over(nurse: Nursery, here: Installation) -> None:
    """As on a full disk, also where nobody may mount one."""
    witness = Witness()
    here.add_site()
    with nurse.serving(here) as server:
        survive(server, SizeLimit(server.process.pid), witness)
        server.kill()
    with nurse.serving(here) as server:
        witness.check(server, SITE, *DAYS)


def shown(here: House) -> Counter[str]:
    """Return the pageviews by page as readers are shown them."""
    period = Period(NOON.date(), (NOON + A_DAY * len(ROOMS_BYTES)).date())
    (site,) = here.control.sites()
    rows = here.stats.report(Query(site.id, (Metric.PAGEVIEWS,), (Dimension.PAGE,), period)).rows
    return Counter({row.dimensions[0]: int(row.metrics[0] or 0) for row in rows})


def keep(here: House, now: datetime) -> None:
    """Do what the keeper does at each turn."""
    here.loader.load()
    here.sealer.seal_due(now)


def attempted(turn: Callable[[], object]) -> bool:
    """Do something as the keeper does; tell whether it went well."""
    try:
        turn()
    except (StoreError, ControlError, OSError):
        return False
    return True


def test_sealing_gets_over_a_disk_that_fills_at_any_of_its_steps(ram: Path) -> None:
    """With however little room it began: later the day is sealed, and meanwhile seen right."""
    failed = 0
    with small(ram / "data") as mounted, house(ram / "data") as here:
        disk = mounted or SizeLimit(0)
        site = here.site()
        expected = Counter[str]()
        for number, room_bytes in enumerate(ROOMS_BYTES):
            day = NOON + number * A_DAY
            pages = [f"/{number}/{page}" for page in range(50)]
            here.append("a", *(event(site, day, token=7, path=page) for page in pages))
            here.finish()
            here.loader.load()
            expected.update(pages)

            turn = partial(keep, here, day + A_DAY)
            disk.fill(room_bytes)
            failed += not attempted(turn) or bool(here.control.refused_days())
            assert not attempted(lambda: shown(here)) or shown(here) == expected
            disk.free()
            wait_until(partial(attempted, partial(keep, here, day + A_DAY + AN_HOUR)))
            assert shown(here) == expected
            assert here.control.refused_days() == ()
            assert here.rows("SELECT count(*) FROM archive.sealed") == [(number + 1,)]
            assert here.rows("SELECT count(*) FROM live.events") == [(0,)]
    assert 1 < failed < len(ROOMS_BYTES)


def test_a_store_that_cannot_be_opened_again_is_tried_at_every_turn(ram: Path) -> None:
    """Whatever is asked of it meanwhile is refused, and nobody falls over that."""
    with house(ram) as here:
        site = here.site()
        archive, away = here.folder / "archive.duckdb", here.folder / "away"
        archive.rename(away)
        archive.mkdir()
        with pytest.raises(StoreError):
            here.store.reopen()
        assert not attempted(partial(shown, here))
        assert not attempted(here.sealer.recorded_s)
        here.append("a", event(site, NOON))
        assert not attempted(here.loader.load)
        archive.rmdir()
        away.rename(archive)
        assert not attempted(here.loader.load)  # but it opens the store for the next turn
        assert attempted(here.loader.load)
        assert shown(here) == {"/": 1}
