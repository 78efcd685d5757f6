"""What moves to the archive, and what becomes of it there."""

from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from collector import seal
from collector.journal import Drops, Event, NewKey
from collector.session import Session, statement
from tests.house import ALL_VISITS, SEALED_EVENTS, House, at_us, event, house
from tests.seal.days import MICROSECOND, NEXT_NIGHT, NOON, TODAY


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
