"""When a day is sealed, and when it is tried again."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from collector.journal import Drops, Event
from collector.seal import SEAL_AFTER
from tests.house import House, event, house
from tests.seal.days import MICROSECOND, NEXT_NIGHT, NOON, TODAY


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
