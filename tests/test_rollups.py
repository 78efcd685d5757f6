"""Sealed days are summed up by dimension, and those sums answer what they can."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from collector import seal
from collector.question import (
    EVERYTHING,
    Condition,
    Dimension,
    Field,
    Metric,
    Operator,
    Period,
    Property,
    Query,
    Report,
    Row,
)
from tests.house import House, event, house

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
LATER = datetime(2026, 11, 22, 2, tzinfo=UTC)  # two days are over
PERIOD = Period(date(2026, 11, 19), date(2026, 11, 23))
COUNTS = (Metric.VISITORS, Metric.VISITS, Metric.PAGEVIEWS, Metric.EVENTS)
OF_PAGES = (*COUNTS, Metric.BOUNCE_RATE, Metric.TIME_ON_PAGE, Metric.SCROLL_DEPTH)


@pytest.fixture(name="made", scope="module")
def two_sealed_days_and_one_that_is_not(ram_of_module: Path) -> Path:
    """Let a few visitors read on three days, the third of which is not over."""
    with house(ram_of_module) as here:
        site = here.site()
        for days in range(3):
            noon = NOON + days * DAY
            here.load(
                event(site, noon, token=1, path="/", source="Google", country="DE"),
                event(site, noon + timedelta(minutes=1), token=1, path="/a"),
                event(site, noon + timedelta(minutes=2), token=1, path="/a", name="engagement",
                      engaged_s=30, scroll=5),
                event(site, noon + timedelta(minutes=3), token=1, path="/a", name="Signup",
                      props={"plan": "pro"}),
                event(site, noon + timedelta(hours=1), token=2, path="/", country="FR"),
            )  # fmt: skip
        assert here.sealer.seal_due(LATER) == 2
    return ram_of_module


@pytest.fixture(name="here")
def open_copy(made: Path, ram: Path) -> Iterator[House]:
    """Open a copy of it."""
    shutil.copytree(made, ram, dirs_exist_ok=True)
    with house(ram) as here:
        yield here


def rows(here: House, *dimensions: Field, metrics: tuple[Metric, ...] = COUNTS) -> list[Row]:
    """Ask about all three days."""
    (site,) = here.control.sites()
    return list(here.stats.report(Query(site.id, metrics, dimensions, PERIOD)).rows)


def forget_days(here: House) -> None:
    """Leave only the sums of whole weeks and months."""
    with here.store.writing() as session:
        session.query("DELETE FROM archive.page_rollups")


def test_whole_weeks_months_and_quarters_have_sums_of_their_own(ram: Path) -> None:
    """Once a later day is sealed; days before and after them are added one by one."""
    with house(ram) as here:
        site = here.site()
        days = [date(2026, 9, 30), *(date(2026, 10, d) for d in (1, 2, 15, 31)), date(2026, 11, 1)]
        here.load(
            *(event(site, datetime(d.year, d.month, d.day, 9, tzinfo=UTC), path="/a") for d in days)
        )
        here.sealer.seal_due(datetime(2026, 11, 5, tzinfo=UTC))

        def views(first: date, last: date, *dimensions: Dimension) -> list[int | float | None]:
            query = Query(
                site, (Metric.PAGEVIEWS,), (Dimension.PAGE, *dimensions), Period(first, last)
            )
            return [row.metrics[0] for row in here.stats.report(query).rows]

        autumn = date(2026, 9, 1), date(2026, 11, 30)
        spans = "SELECT date::VARCHAR FROM archive.rolled_spans WHERE span = $span ORDER BY 1"
        assert here.rows(spans, span="quarter") == [("2026-07-01",)]
        assert here.rows(spans, span="month") == [("2026-09-01",), ("2026-10-01",)]
        assert here.rows(spans, span="week") == [("2026-09-28",), ("2026-10-12",)]
        assert views(*autumn) == [6]
        year = date(2026, 1, 1), date(2026, 12, 31)
        assert views(*year) == [6]
        assert views(date(2026, 9, 30), date(2026, 10, 31)) == [5]
        assert views(date(2026, 10, 2), date(2026, 10, 31)) == [3]
        assert views(*autumn, Dimension.MONTH) == [1, 4, 1]
        assert views(*autumn, Dimension.WEEKDAY) == [1, 2, 1, 1, 1]  # Wednesday to Sunday
        # A day that is sealed late: its month is summed up anew.
        here.load(event(site, datetime(2026, 9, 10, tzinfo=UTC), path="/a"))
        here.sealer.seal_due(datetime(2026, 11, 5, tzinfo=UTC))
        assert views(*autumn, Dimension.MONTH) == [2, 4, 1]
        assert views(*year, Dimension.MONTH) == [2, 4, 1]
        forget_days(here)
        assert views(*autumn) == [6]
        assert views(*year) == [6]
        with here.store.writing() as session:  # the first two days were part of their quarter
            session.query("DELETE FROM archive.page_spans WHERE span = 'quarter'")
        assert views(*year) == [4]
        # No month is whole, but the week of the 15th is.
        assert views(date(2026, 10, 2), date(2026, 10, 31)) == [1]
        assert views(date(2026, 10, 13), date(2026, 10, 31)) == []


def forget_sealed_rows(here: House) -> None:
    """Leave only the sums of sealed days."""
    with here.store.writing() as session:
        for table in ("events", "visits"):
            session.query(f"DELETE FROM archive.{table}")


ROLLED = [
    (), (Dimension.PAGE,), (Dimension.NAME,), (Dimension.EVENT_HOSTNAME,), (Dimension.ENTRY_PAGE,),
    (Dimension.EXIT_HOSTNAME,), (Dimension.SOURCE,), (Dimension.COUNTRY,), (Dimension.HOUR,),
    (Dimension.HOUR_OF_DAY,), (Dimension.DAY,), (Dimension.WEEK, Dimension.PAGE),
    (Dimension.WEEKDAY,), (Dimension.HOUR_OF_WEEK,), (Dimension.MONTH, Dimension.BROWSER),
]  # fmt: skip


def test_sums_alone_answer_for_sealed_days(here: House) -> None:
    """No row of theirs is read, while the day that is not over is counted from its rows."""
    before = {dimensions: rows(here, *dimensions) for dimensions in ROLLED}
    for found in before.values():
        assert sum(row.metrics[3] or 0 for row in found) >= 12
    forget_sealed_rows(here)
    assert {dimensions: rows(here, *dimensions) for dimensions in ROLLED} == before


def test_pages_have_their_readings_summed_up(here: House) -> None:
    """Time on page and scroll depth too."""
    before = rows(here, Dimension.PAGE, metrics=OF_PAGES)
    assert [(row.dimensions, row.metrics) for row in before] == [
        (("/",), (6, 6, 6, 6, 50.0, 0.0, 0.0)), (("/a",), (3, 3, 3, 6, None, 30.0, 50.0)),
    ]  # fmt: skip
    forget_sealed_rows(here)
    assert rows(here, Dimension.PAGE, metrics=OF_PAGES) == before


@pytest.mark.parametrize(
    "dimensions",
    [
        (Property("plan"),),
        (Dimension.PAGE, Dimension.SOURCE),
        (Dimension.HOUR, Dimension.SOURCE),
    ],
)
def test_what_is_not_summed_up_is_read_from_rows(
    here: House, dimensions: tuple[Field, ...]
) -> None:
    """Without them only the day that is not over is left."""
    whole = sum(row.metrics[3] or 0 for row in rows(here, *dimensions))
    forget_sealed_rows(here)
    assert sum(row.metrics[3] or 0 for row in rows(here, *dimensions)) * 3 == whole


def test_filters_are_asked_of_rows(here: House) -> None:
    """A sum cannot be taken apart."""
    (site,) = here.control.sites()
    german = Condition(Operator.IS, Dimension.COUNTRY, ("DE",))
    (row,) = here.stats.report(Query(site.id, COUNTS, (), PERIOD, german)).rows
    assert row.metrics == (3, 3, 6, 9)


def test_a_flood_of_values_becomes_one(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The most frequent keep their names; nothing is lost from the sums."""
    monkeypatch.setattr(seal, "MOST_VALUES", 3)
    with house(ram) as here:
        site = here.site()
        here.load(
            *(event(site, NOON, token=n, path="/popular") for n in range(5)),
            *(event(site, NOON, token=n, path=f"/made-up-{n}") for n in range(100, 120)),
        )
        here.sealer.seal_due(LATER)
        found = {row.dimensions: row.metrics for row in rows(here, Dimension.PAGE)}
    assert found == {
        ("/popular",): (5, 5, 5, 5),
        ("/made-up-100",): (1, 1, 1, 1),
        ("/made-up-101",): (1, 1, 1, 1),
        ("(other)",): (18, 18, 18, 18),
    }


def test_questions_that_differ_in_little_are_all_answered(here: House) -> None:
    """As in what they are compared with, or in an order that is the usual one."""
    (site,) = here.control.sites()
    plain = Query(site.id, COUNTS, (Dimension.SOURCE,), PERIOD)
    compared = replace(plain, compared_with=PERIOD)
    ordered = replace(plain, order_by=((Metric.VISITORS, True),))
    (expected,) = {here.stats.report(plain).rows}
    assert len(expected) == 2
    for report in here.stats.reports([plain, compared, ordered]):
        assert isinstance(report, Report)
        assert [row.metrics for row in report.rows] == [row.metrics for row in expected]
    assert all(
        row.compared == replace(row, compared=None) for row in here.stats.report(compared).rows
    )


def test_rows_are_counted_whatever_the_limit(here: House) -> None:
    """By whichever road they are found."""
    (site,) = here.control.sites()
    asked = [
        Query(site.id, COUNTS, dimensions, PERIOD, filters)
        for filters in (EVERYTHING, Condition(Operator.IS, Dimension.SOURCE, ("Google",)))
        for dimensions in (
            (), (Dimension.DAY,), (Dimension.SOURCE,), (Dimension.PAGE,), (Dimension.EXIT_PAGE,),
            (Dimension.DAY, Dimension.PAGE), (Dimension.PAGE, Dimension.HOUR, Dimension.COUNTRY),
        )
    ]  # fmt: skip
    for query in asked:
        rows = len(here.stats.report(query).rows)
        assert rows > 0
        assert here.stats.count(replace(query, limit=1, offset=3)) == rows


def test_what_is_answered_together_is_what_it_is_alone(here: House) -> None:
    """Whatever metrics, limits and courses in time are asked for beside each other."""
    (site,) = here.control.sites()
    means = (Metric.VISITORS, Metric.VIEWS_PER_VISIT, Metric.BOUNCE_RATE)
    asked = [
        Query(site.id, metrics, dimensions, PERIOD, limit=limit)
        for metrics, limit in ((COUNTS, 100), (means, 1))
        for dimensions in (
            (), (Dimension.DAY,), (Dimension.MONTH,), (Dimension.SOURCE,), (Dimension.NAME,),
            (Dimension.DAY, Dimension.SOURCE), (Dimension.HOUR,), (Dimension.DAY, Dimension.PAGE),
            (Dimension.PAGE,), (Dimension.ENTRY_PAGE,), (Dimension.EXIT_PAGE,),
        )
    ]  # fmt: skip
    asked += [replace(query, offset=1) for query in asked[3:10]]
    asked += [replace(query, order_by=((Metric.VISITORS, False),)) for query in asked[4:10]]
    by_visitors = (Metric.VISITORS, True)
    asked += [
        replace(query, order_by=(by_visitors, (query.dimensions[0], descends)))
        for query in asked
        if query.dimensions in {(Dimension.SOURCE,), (Dimension.NAME,)}
        for descends in (False, True)
    ]
    together = here.stats.reports(asked)
    assert together == [here.stats.report(query) for query in asked]
    assert sum(bool(report.rows) for report in together if isinstance(report, Report)) > 15


@pytest.mark.parametrize("dimensions", [[()], [(), (Dimension.SOURCE,), (Dimension.COUNTRY,)]])
def test_the_actions_of_one_page_are_counted_together_as_alone(
    here: House, dimensions: list[tuple[Dimension, ...]]
) -> None:
    """By how visitors arrived or not: what is counted once for several holds for each."""
    (site,) = here.control.sites()
    of_a = Condition(Operator.IS, Dimension.PAGE, ("/a",))
    asked = [
        Query(site.id, metrics, by, PERIOD, of_a)
        for metrics in (COUNTS, COUNTS[:1])
        for by in dimensions
    ]
    together = here.stats.reports(asked)
    assert together == [here.stats.report(query) for query in asked]
    assert all(report.rows for report in together if isinstance(report, Report))
