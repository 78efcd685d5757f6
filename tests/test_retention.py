"""Retention: what is too old goes, and not more of it in a day than a wrong clock may cost."""

import asyncio
import shutil
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from collector import keeper
from collector.control import Purging, kept_from
from collector.question import Dimension, Metric, Period, Query
from tests.house import House, event, house
from tests.serving import wait_until

START = datetime(2025, 7, 28, 12, tzinfo=UTC)  # the months due later are as long
FIRST = START.date()
DAYS = 6  # into the next month
ONE_DAY = timedelta(days=1)
SITE = 1
SUMMED: tuple[tuple[Dimension, ...], ...] = (
    (),
    (Dimension.PAGE,),
    (Dimension.DAY,),
    (Dimension.SOURCE,),
)


@pytest.fixture(name="made", scope="module")
def fill_once(ram_of_module: Path) -> Path:
    """Make a data directory in which the days of one site are sealed."""
    with house(ram_of_module) as here:
        fill(here, here.site())
    return ram_of_module


@pytest.fixture(name="filled")
def open_filled(made: Path, ram: Path) -> Iterator[House]:
    """Open a copy of it."""
    shutil.copytree(made, ram, dirs_exist_ok=True)
    with house(ram) as here:
        yield here


def fill(here: House, site: int, days: int = DAYS) -> None:
    """Seal days in a row, each with two views of a page of its own and one of a shared page."""
    for number in range(days):
        at = START + number * ONE_DAY
        own = {"path": f"/of-{number}-/", "source": f"source-{number}-"}
        here.load(
            *[event(site, at, token=token, **own) for token in (1, 2)],
            event(site, at, token=3, path="/always"),
        )
    here.sealer.seal_due(START + (days + 1) * ONE_DAY)


def sealed(here: House, site: int) -> list[int]:
    """Return which of the days are there, by number."""
    rows = here.rows("SELECT date FROM archive.sealed WHERE site = $site ORDER BY 1", site=site)
    return [(day - FIRST).days for (day,) in rows]


def due(number: int, months: int = 25) -> datetime:
    """Return noon (UTC) of the first day on which a day is too old."""
    year, month = divmod(START.year * 12 + START.month - 1 + months, 12)
    return datetime(year, month + 1, START.day, 12, tzinfo=UTC) + (number + 1) * ONE_DAY


@pytest.mark.parametrize(
    ("today", "months", "first"),
    [
        ("2026-11-24", 25, "2024-10-24"),
        ("2026-03-31", 1, "2026-02-28"),
        ("2024-03-30", 1, "2024-02-29"),
        ("2026-12-31", 12, "2025-12-31"),
        ("2026-01-15", 1, "2025-12-15"),
        ("2026-01-01", 1200, "1926-01-01"),
    ],
)
def test_the_first_day_that_is_kept(today: str, months: int, first: str) -> None:
    """The same day so many months ago, or the last of that month."""
    assert kept_from(date.fromisoformat(today), months).isoformat() == first


def test_each_day_goes_when_it_is_too_old(filled: House) -> None:
    """Not a day earlier; and all that is left adds up as before."""
    here, site = filled, SITE
    retention = here.retention()
    assert retention.purge_due(due(0) - ONE_DAY) == 0
    assert sealed(here, site) == [*range(DAYS)]
    for number in range(3):
        assert retention.purge_due(due(number)) == 1
        assert sealed(here, site) == [*range(number + 1, DAYS)]
        assert retention.purge_due(due(number)) == 0
        for dimensions in SUMMED:
            query = Query(
                site, (Metric.PAGEVIEWS,), dimensions, Period(FIRST, FIRST + 60 * ONE_DAY)
            )
            total = sum(int(row.metrics[0] or 0) for row in here.stats.report(query).rows)
            assert total == 3 * (DAYS - number - 1), dimensions


def test_nothing_of_a_day_that_is_gone_is_left(filled: House) -> None:
    """No row, no sum, no page or source that only it had, and no byte of these on the disk."""
    here = filled
    retention = here.retention()
    for number in range(2):
        retention.purge_due(due(number))
    on_disk = here.bytes_on_disk()
    for number in range(DAYS):
        for word in (f"/of-{number}-/", f"source-{number}-"):
            assert (word.encode() in on_disk) == (number >= 2), word
    assert b"/always" in on_disk
    sums = ("rollups", "arrival_rollups", "page_rollups", "page_spans")
    for table in ("visits", "events", *sums, "drops"):
        before = FIRST + 2 * ONE_DAY
        rows = here.rows(f"SELECT 1 FROM archive.{table} WHERE date < $before", before=before)
        assert rows == [], table


def test_a_standstill_is_made_up_for_two_days_a_day(filled: House) -> None:
    """So that a clock which is wrong for a day costs no more than two; the rest is told."""
    here, site = filled, SITE
    late = due(DAYS)
    for day, left in enumerate([4, 2, 0]):
        now = late + day * ONE_DAY
        assert here.retention().purge_due(now) == 2
        assert here.retention().purge_due(now + timedelta(hours=3)) == 0  # as after a start
        assert len(sealed(here, site)) == left
        assert here.control.purging(site).overdue_days == left


def test_an_end_before_the_archive_was_rewritten_is_made_up_for(filled: House) -> None:
    """As after a kill: on the same day nothing more goes, but its bytes do."""
    here, word = filled, b"/of-0-/"
    in_the_way = here.folder / "archive.new.duckdb"
    in_the_way.mkdir()
    with pytest.raises(IsADirectoryError):
        here.retention().purge_due(due(0))
    in_the_way.rmdir()
    assert sealed(here, SITE) == [*range(1, DAYS)]
    here.store.checkpoint_archive()
    assert word in here.bytes_on_disk()
    assert here.retention().purge_due(due(0)) == 0
    assert word not in here.bytes_on_disk()
    assert here.control.purging(SITE).overdue_days == 0


def test_what_the_operator_decides_is_done_at_once(filled: House) -> None:
    """All that is due then, and no more than that; later days go by the rule again."""
    here, site = filled, SITE
    now = due(3, months=1)
    assert here.retention().purge_due(now) == 0
    here.control.set_retention("example.com", 1, now)
    assert here.retention().purge_due(now) == 4
    assert sealed(here, site) == [4, 5]
    done = Purging(now.date().isoformat(), purges_all=False, overdue_days=0)
    assert here.control.purging(site) == done


@pytest.mark.parametrize(
    ("before", "meanwhile", "is_left", "days"),
    [(None, 25, True, 2), (None, 2, True, 4), (1, 2, True, 0), (1, 1, False, 0)],
)
def test_what_the_operator_decides_meanwhile_is_done_next(
    filled: House,
    monkeypatch: pytest.MonkeyPatch,
    before: int | None,
    meanwhile: int,
    is_left: bool,  # noqa: FBT001 - a column of the table
    days: int,
) -> None:
    """While the archive is rewritten, which takes a while; not what was carried out just then."""
    here = filled
    now = due(3, months=before or 25)
    rewrite = here.store.rewrite

    def slowly(database: str) -> None:
        here.control.set_retention("example.com", meanwhile, now)
        rewrite(database)

    if before:
        here.control.set_retention("example.com", before, now)
    monkeypatch.setattr(here.store, "rewrite", slowly)
    assert here.retention().purge_due(now) == (4 if before else 2)
    assert here.control.purging(SITE).purges_all == is_left
    monkeypatch.undo()
    assert here.retention().purge_due(now) == days
    assert not here.control.purging(SITE).purges_all


def test_a_day_is_too_old_by_the_calendar_of_its_site(here: House) -> None:
    """Where the date changes first."""
    early, site = here.site("early.example", "Pacific/Kiritimati"), here.site()
    for where in (early, site):
        here.load(event(where, START, timezone="UTC"))
    here.sealer.seal_due(START + 3 * ONE_DAY)
    ten_utc = due(0).replace(hour=10) - ONE_DAY  # midnight there
    assert here.retention().purge_due(ten_utc - timedelta(seconds=1)) == 0
    assert here.retention().purge_due(ten_utc) == 1
    assert (len(sealed(here, early)), len(sealed(here, site))) == (0, 1)


def test_the_keeper_deletes_what_is_too_old(here: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """After it sealed what a standstill has left: raw days go first."""
    monkeypatch.setattr(keeper, "_LOAD_EVERY_S", 0.02)
    monkeypatch.setattr(keeper, "_SEAL_EVERY_S", 0.0)
    site = here.site()
    fill(here, site, days=2)
    here.load(event(site, due(0) - 3 * ONE_DAY, path="/raw"))

    async def turn() -> None:
        async with here.keeper(due(0).timestamp).running():
            await asyncio.to_thread(wait_until, lambda: 0 not in sealed(here, site), "purging")

    asyncio.run(turn())
    assert len(sealed(here, site)) == 2
    assert not list(here.journal.iterdir())
    assert here.rows("SELECT count(*) FROM live.events") == [(0,)]
