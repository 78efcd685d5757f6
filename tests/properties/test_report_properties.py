"""Every report equals the oracle's, whatever is asked, of sealed and live days together."""

import contextlib
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.engine.roads import WITHIN_DAYS, Road, Side, road
from collector.journal import Event
from collector.question import (
    COUNTS,
    EVERYTHING,
    MAX_ROWS,
    TIMES,
    All,
    Condition,
    Dimension,
    Done,
    Either,
    Field,
    Filter,
    Metric,
    Not,
    Operator,
    Period,
    Query,
    Report,
    Row,
)
from tests import oracle
from tests.chance import examples
from tests.house import House, house
from tests.properties.asking import FIELDS, TEXTS, conditions_on, cut, queries
from tests.properties.happenings import (
    ARRIVALS,
    BEGIN,
    GAPS,
    HOSTS,
    LONG_DAYS,
    NAMES,
    OTHER_SITE,
    PATHS,
    PROPS,
    SHORT_DAYS,
    SITE,
    ZONES,
    Step,
    date_after,
    events_of,
    steps,
)


@contextlib.contextmanager
def opened(folder: Path) -> Iterator[House]:
    """Open a house of its own with two sites."""
    with tempfile.TemporaryDirectory(dir=folder) as own, house(Path(own)) as here:
        assert {
            here.site(f"example{site}.com", zone): zone for site, zone in ZONES.items()
        } == ZONES
        yield here


def bring(here: House, plan: list[Step], days: int, sealed_days: int) -> list[Event]:
    """Load the events of a plan, each process's on its own, and seal the first days."""
    events = events_of(plan, days)
    for process in range(3):
        own = [e for step, e in zip(plan, events, strict=True) if step.process == process]
        here.load(*own)
    here.sealer.seal_due(BEGIN + timedelta(days=sealed_days))
    return events


def check(here: House, events: list[Event], *asked: Query) -> None:
    """Compare reports with the oracle's, row by row."""
    for query, report in zip(asked, here.stats.reports(asked), strict=True):
        assert isinstance(report, Report)
        assert not any(row.is_hidden for row in report.rows)
        found = {row.dimensions: row.metrics for row in report.rows}
        assert len(found) == len(report.rows)
        assert found == oracle.report(events, query)


def check_glances(here: House, events: list[Event], days: int) -> None:
    """Compare what a list of sites tells of each with the oracle's visitors by day."""
    period = Period(date_after(0), date_after(days - 1))
    glances = here.stats.glances([*ZONES], period, BEGIN)
    for site in ZONES:
        daily = Query(site, (Metric.VISITORS,), (Dimension.DAY,), period)
        counted = {day: n for (day,), (n,) in oracle.report(events, daily).items() if n}
        found = {day.isoformat(): n for day, n in glances[site].by_day.items() if n}
        assert found == counted
        assert glances[site].began == here.stats.first_date(site)
        assert glances[site].current == here.stats.current_visitors(site, BEGIN)


@examples(10, of_any_size=True)
@given(
    st.lists(steps, min_size=10, max_size=50),
    st.integers(0, SHORT_DAYS + 1),
    st.lists(queries(SHORT_DAYS), min_size=10, max_size=10),
)
def test_reports_equal_the_oracles(
    ram_of_module: Path, plan: list[Step], sealed_days: int, asked: list[Query]
) -> None:
    """A few visitors, and a few questions about them."""
    with opened(ram_of_module) as here:
        events = bring(here, plan, SHORT_DAYS, sealed_days)
        check(here, events, *asked)
        check_glances(here, events, SHORT_DAYS)


@dataclass(frozen=True, slots=True, repr=False)
class Fortnight:
    """Too much to be printed when a question of it is answered wrongly."""

    here: House
    events: list[Event]


@pytest.fixture(scope="module")
def fortnight(ram_of_module: Path) -> Iterator[Fortnight]:
    """Two thousand events of forty visitors over fourteen days, half of them sealed."""
    chance = random.Random(11)
    plan = [
        Step(
            site=SITE if chance.random() < 0.9 else OTHER_SITE,
            visitor=chance.randrange(40),
            after=chance.choice(GAPS),
            name=chance.choice(NAMES),
            path=chance.choice(PATHS),
            host=chance.choice(HOSTS),
            props=chance.randrange(len(PROPS)),
            arrival=chance.randrange(len(ARRIVALS)),
            interactive=chance.random() < 0.5,
            engaged_s=chance.randrange(100),
            scroll=chance.randrange(11),
            process=chance.randrange(3),
        )
        for _ in range(2000)
    ]
    with opened(ram_of_module) as here:
        yield Fortnight(here, bring(here, plan, LONG_DAYS, LONG_DAYS // 2))


@examples(40)
@given(queries(LONG_DAYS))
def test_reports_of_a_busy_fortnight_equal_the_oracles(fortnight: Fortnight, query: Query) -> None:
    """The same forty questions every time."""
    check(fortnight.here, fortnight.events, query)


@st.composite
def comparisons(draw: st.DrawFn) -> Query:
    """Return a question that is not about time, compared with other days, cut and in an order."""
    query = draw(queries(LONG_DAYS))
    by = tuple(field for field in query.dimensions if field not in TIMES)
    ends = sorted(draw(st.integers(-1, LONG_DAYS)) for _ in range(2))
    ordered = st.tuples(st.sampled_from([*query.metrics, *by]), st.booleans())
    return replace(
        query,
        dimensions=by,
        compared_with=draw(cut(*ends)),
        order_by=tuple(draw(st.lists(ordered, max_size=2, unique_by=lambda one: one[0]))),
        limit=draw(st.sampled_from([1, 2, 5])),
        offset=draw(st.integers(0, 2)) if by else 0,
    )


@examples(25)
@given(comparisons())
def test_comparisons_of_a_busy_fortnight_equal_the_oracles(
    fortnight: Fortnight, query: Query
) -> None:
    """However few rows of an answer are asked for, each has its like beside it."""
    assert query.compared_with is not None
    whole = replace(query, compared_with=None, limit=MAX_ROWS, offset=0)
    here = oracle.report(fortnight.events, whole)
    there = oracle.report(fortnight.events, replace(whole, period=query.compared_with))
    nothing = tuple(0 if metric in COUNTS else None for metric in query.metrics)
    found = fortnight.here.stats.report(query).rows
    in_order = [row.dimensions for row in fortnight.here.stats.report(whole).rows]
    assert [row.dimensions for row in found] == in_order[query.offset :][: query.limit]
    for row in found:
        assert row.metrics == here[row.dimensions]
        assert row.compared == Row(row.dimensions, there.get(row.dimensions, nothing))
    for field, descends in query.order_by[:1]:
        values: list[Any] = [
            here[row][query.metrics.index(field)]
            if isinstance(field, Metric)
            else row[query.dimensions.index(field)]
            for row in in_order
        ]
        there_are = [value for value in values if value is not None]
        assert there_are == sorted(there_are, reverse=descends)


PANELS: list[tuple[Field, ...]] = [
    (), (Dimension.DAY,), (Dimension.PAGE,), (Dimension.NAME,), (Dimension.ENTRY_PAGE,),
    (Dimension.EXIT_PAGE,), (Dimension.HOSTNAME,), (Dimension.SOURCE,), (Dimension.CHANNEL,),
    (Dimension.UTM_CAMPAIGN,), (Dimension.COUNTRY,), (Dimension.BROWSER,), (Dimension.SCREEN,),
]  # fmt: skip
SOME = (Metric.VISITORS, Metric.VISITS, Metric.PAGEVIEWS, Metric.EVENTS)
ALL = (*SOME, Metric.BOUNCE_RATE, Metric.VISIT_DURATION)
SHARES = (Metric.PERCENTAGE, Metric.VIEWS_PER_VISIT)


@st.composite
def pages(draw: st.DrawFn) -> list[Query]:
    """Return what a page asks: the same days and filter by one dimension each."""
    one_value = st.sampled_from([field for field in FIELDS if field in TEXTS]).flatmap(
        lambda field: st.sampled_from([*TEXTS[field], "nowhere"]).map(
            lambda text: Condition(Operator.IS, field, (text,))
        )
    )
    simple = st.one_of(st.just(EVERYTHING), one_value, one_value, conditions_on(FIELDS))
    kept = All(tuple(draw(st.lists(simple, min_size=1, max_size=2))))
    some = draw(st.lists(st.sampled_from(PANELS), min_size=2, max_size=7, unique=True))
    last = draw(st.integers(LONG_DAYS // 2 - 1, LONG_DAYS))
    period = draw(cut(draw(st.integers(-1, 3)), last))
    found = EVERYTHING if kept == All((EVERYTHING,)) else kept
    return [
        Query(SITE, draw(st.sampled_from([SOME[:2], SOME, ALL, SHARES])), by, period, found)
        for by in some
    ]


@examples(40)
@given(pages())
def test_pages_of_a_busy_fortnight_equal_the_oracles(
    fortnight: Fortnight, asked: list[Query]
) -> None:
    """What several questions need is worked out once, and answers each of them."""
    check(fortnight.here, fortnight.events, *asked)


@pytest.mark.parametrize("hours", [(0, 9), (13, 23), (10, 15)], ids=["until", "from", "both"])
def test_parts_of_days_equal_the_oracles(fortnight: Fortnight, hours: tuple[int, int]) -> None:
    """However a course is drawn, days of which only some hours count have those and no others."""
    check(
        fortnight.here,
        fortnight.events,
        *(
            Query(SITE, ALL, by, Period(date_after(2), date_after(last), *hours))
            for by in ((), (Dimension.HOUR,), (Dimension.DAY,))
            for last in (2, LONG_DAYS // 2 - 1, LONG_DAYS)
        ),
    )


HOURLY = [d for d in Dimension if d in WITHIN_DAYS]
KEPT: list[Filter] = [
    Condition(Operator.IS, Dimension.DEVICE, tuple(TEXTS[Dimension.DEVICE][:1])),
    Condition(Operator.IS, Dimension.SOURCE, tuple(TEXTS[Dimension.SOURCE][:2])),
    Not(Condition(Operator.IS, Dimension.ENTRY_PAGE, tuple(TEXTS[Dimension.ENTRY_PAGE][:1]))),
    Done(Condition(Operator.IS, Dimension.NAME, ("pageview",))),
]


def test_who_came_in_which_hour_equals_the_oracles(fortnight: Fortnight) -> None:
    """Visits tell it, whatever is true of them; a visitor of two visits in an hour is one."""
    period = Period(date_after(0), date_after(LONG_DAYS))
    asked = [
        Query(SITE, (Metric.VISITORS,), (by,), period, found) for by in HOURLY for found in KEPT
    ]
    check(fortnight.here, fortnight.events, *asked)
    roads = {road(query, side) for query in asked for side in Side}
    assert roads == {Road.HOURS}


OF_NO_FIELD: list[Filter] = [
    EVERYTHING,
    Either(()),
    Not(EVERYTHING),
    Either((EVERYTHING, Either(()))),
    Done(EVERYTHING),
    Not(Done(Either(()))),
]


@pytest.mark.parametrize("found", OF_NO_FIELD, ids=repr)
def test_filters_of_no_field_equal_the_oracles(fortnight: Fortnight, found: Filter) -> None:
    """What lets everything or nothing through does so on every road, alone and beside others."""
    period = Period(date_after(0), date_after(LONG_DAYS))
    of_a_page = Condition(Operator.IS, Dimension.PAGE, PATHS[:1])
    asked = [
        Query(SITE, of, by, period, each)
        for of in (SOME[:1], ALL)
        for by in ((), (Dimension.PAGE,), (Dimension.NAME,), (Dimension.SOURCE,))
        for each in (found, All((KEPT[0], found)), All((found, of_a_page)))
    ]
    check(fortnight.here, fortnight.events, *asked)


NOWHERE: list[Filter] = [
    Condition(Operator.IS, Dimension.COUNTRY, ("nowhere",)),
    Condition(Operator.IS, Dimension.SOURCE, ("nowhere",)),
    Condition(Operator.IS, Dimension.PAGE, ("nowhere",)),
    Condition(Operator.IS, Dimension.ENTRY_PAGE, ("nowhere",)),
    Condition(Operator.IS, Dimension.NAME, ("nowhere",)),
    Done(Condition(Operator.IS, Dimension.NAME, ("nowhere",))),
]


@pytest.mark.parametrize("found", NOWHERE, ids=repr)
def test_what_nobody_did_has_no_row(fortnight: Fortnight, found: Filter) -> None:
    """Nor has a name or a page that nobody asked about came to: a row of nothing is none."""
    period = Period(date_after(0), date_after(LONG_DAYS))
    asked = [
        Query(SITE, of, by, period, found)
        for of in (SOME[:1], ALL)
        for by in (*PANELS[:5], (HOURLY[1],), (Dimension.NAME, Dimension.WEEKDAY))
    ]
    check(fortnight.here, fortnight.events, *asked)


def test_visits_that_have_their_pageviews_later_have_none_in_the_hour_they_began(
    fortnight: Fortnight,
) -> None:
    """Views per visit are nothing there, rather than unknown."""
    kept = Condition(Operator.IS, Dimension.PAGE, PATHS[3:])
    period = Period(date_after(0), date_after(LONG_DAYS))
    metrics = (Metric.VIEWS_PER_VISIT, Metric.VISITS)
    asked = [
        Query(SITE, metrics, (by,), period, found)
        for by in HOURLY[:2]
        for found in (kept, EVERYTHING)
    ]
    check(fortnight.here, fortnight.events, *asked)


def test_percentages_on_a_page_of_several_questions_equal_the_oracles(fortnight: Fortnight) -> None:
    """They are of a whole that nobody on the page asked for by itself."""
    period = Period(date_after(0), date_after(LONG_DAYS))
    of_a_page = Condition(Operator.IS, Dimension.PAGE, PATHS[2:])
    asked = [
        Query(SITE, (Metric.PERCENTAGE,), by, period, found)
        for found in (of_a_page, All((KEPT[1], of_a_page)), KEPT[2])
        for by in ((Dimension.SOURCE,), (Dimension.ENTRY_PAGE,))
    ]
    check(fortnight.here, fortnight.events, *asked)
