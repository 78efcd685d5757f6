"""Sums of sealed days answer as the oracle does, whatever clocks and zones do to the days."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from collector.journal import Event
from collector.question import Dimension, Metric, Period, Query
from tests import oracle
from tests.house import House, event, house

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
COUNTS = (
    Metric.VISITORS, Metric.VISITS, Metric.PAGEVIEWS, Metric.EVENTS, Metric.BOUNCE_RATE,
    Metric.VISIT_DURATION,
)  # fmt: skip
ASKED: list[tuple[Dimension, ...]] = [
    (), (Dimension.HOUR,), (Dimension.HOUR_OF_DAY,), (Dimension.DAY,),
    (Dimension.HOUR_OF_WEEK,), (Dimension.WEEK, Dimension.PAGE),
    (Dimension.MONTH, Dimension.COUNTRY),
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Case:
    """A site's zone, and the UTC moments around which it has a reader every twenty minutes."""

    zone: str
    around: tuple[str, ...]
    hours: int = 2  # before and after each


CASES = {
    "an hour skipped": Case("Europe/Berlin", ("2026-03-29T01:00",)),
    "an hour repeated": Case("Europe/Berlin", ("2026-10-25T01:00",)),
    "half an hour repeated": Case("Australia/Lord_Howe", ("2026-04-04T15:00",)),
    "midnight skipped in Beirut": Case("Asia/Beirut", ("2026-03-28T22:00",)),
    "midnight skipped in Santiago": Case("America/Santiago", ("2026-09-06T04:00",)),
    "the hour before midnight repeated": Case("America/Santiago", ("2026-04-05T03:00",), 3),
    "a day skipped": Case("Pacific/Apia", ("2011-12-30T10:00",)),
    "UTC-12": Case("Etc/GMT+12", ("2026-12-01T12:00",)),
    "UTC+14": Case("Pacific/Kiritimati", ("2026-12-31T10:00",)),
    "a zone of three quarters": Case("Asia/Kathmandu", ("2026-11-30T18:15",)),
}


def readers(site: int, case: Case) -> list[Event]:
    """Return views and what was read of them; a token of a day is never one of another."""
    made = []
    for n, at in enumerate(moments(case)):
        one = event(site, at, path=f"/{n % 3}", timezone=case.zone, country=("DE", "FR")[n % 2])
        token = 100 * date.fromisoformat(one.date).toordinal() + n % 4
        made.append(event(site, at, token, path=one.path, timezone=case.zone, country=one.country))
    return made


def moments(case: Case) -> Iterable[datetime]:
    """Return every twenty minutes around the moments of a case."""
    for text in case.around:
        middle = datetime.fromisoformat(text).replace(tzinfo=UTC)
        for third in range(-3 * case.hours, 3 * case.hours):
            yield middle + third * HOUR / 3


def answers(
    here: House, site: int, events: list[Event]
) -> dict[str, dict[tuple[str, ...], object]]:
    """Ask about all days; what the house says has to be what the oracle says."""
    days = sorted(date.fromisoformat(e.date) for e in events)
    found: dict[str, dict[tuple[str, ...], object]] = {}
    for dimensions in ASKED:
        query = Query(site, COUNTS, dimensions, Period(days[0] - DAY, days[-1] + DAY))
        rows = {row.dimensions: row.metrics for row in here.stats.report(query).rows}
        assert rows == oracle.report(events, query), dimensions
        found[str(dimensions)] = {**rows}
    return found


def forget_sealed_rows(here: House) -> None:
    """Leave only the sums of sealed days."""
    with here.store.writing() as session:
        for table in ("events", "visits"):
            session.query(f"DELETE FROM archive.{table}")


def sealed_days(here: House) -> list[tuple[int, date]]:
    """Return what is sealed."""
    return [(site, day) for site, day in here.rows("SELECT site, date FROM archive.sealed")]


@pytest.fixture(name="here", scope="module")
def open_house(ram_of_module: Path) -> Iterator[House]:
    """Open one house for a site of each case, all of whose days are over."""
    with house(ram_of_module) as here:
        for number, case in enumerate(CASES.values(), 1):
            assert here.site(f"site-{number}.example", case.zone) == number
            here.load(*readers(number, case))
        here.sealer.seal_due(datetime(2027, 1, 2, tzinfo=UTC))
        forget_sealed_rows(here)
        yield here


@pytest.mark.parametrize("name", CASES)
def test_sums_alone_equal_the_oracle_where_clocks_change(here: House, name: str) -> None:
    """By hour, day, week and month, without a row of the days."""
    number = list(CASES).index(name) + 1
    events = readers(number, CASES[name])
    assert {day for site, day in sealed_days(here) if site == number} == {
        date.fromisoformat(e.date) for e in events
    }
    assert answers(here, number, events)


def test_days_keep_the_zone_in_which_they_were_counted(ram: Path) -> None:
    """A site that moves from Kiritimati to Honolulu has a day less of its own, and loses none."""
    zones = ("Pacific/Kiritimati", "Pacific/Honolulu")
    with house(ram) as here:
        site = here.site(timezone=zones[0])
        events = []
        for zone, begins in zip(zones, ("2026-11-09T08:00", "2026-11-10T09:00"), strict=True):
            events += readers(site, Case(zone, (begins,), 3))
        here.load(*events)
        assert here.sealer.seal_due(datetime(2026, 11, 20, tzinfo=UTC)) == len(
            {e.date for e in events}
        )
        before = answers(here, site, events)
        forget_sealed_rows(here)
        assert answers(here, site, events) == before


def test_days_of_downtime_are_sealed_together_afterwards(ram: Path) -> None:
    """What was in the journal when the server stopped is loaded, and each of its days is summed."""
    with house(ram) as here:
        site = here.site(timezone="Europe/Berlin")
        case = Case("Europe/Berlin", ("2026-10-24T22:00", "2026-10-25T23:00", "2026-10-27T23:00"))
        events = readers(site, case)
        for number, one in enumerate(events):
            here.append(f"process-{number % 2}", one)
        here.finish()
    with house(ram) as here:  # a week later
        here.loader.load()
        assert here.sealer.seal_due(datetime(2026, 11, 3, tzinfo=UTC)) == 5
        before = answers(here, site, events)
        forget_sealed_rows(here)
        assert answers(here, site, events) == before
        months = "SELECT date::VARCHAR FROM archive.rolled_spans WHERE span = 'month'"
        assert here.rows(months) == []
        here.load(event(site, datetime(2026, 11, 3, 12, tzinfo=UTC), timezone="Europe/Berlin"))
        here.sealer.seal_due(datetime(2026, 11, 5, tzinfo=UTC))
        assert here.rows(months) == [("2026-10-01",)]
