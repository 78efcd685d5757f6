"""Every report equals the oracle's, whatever is asked, of sealed and live days together."""

import contextlib
import random
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
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
    Property,
    Query,
    Report,
    Row,
    conditions,
)
from tests import oracle
from tests.house import House, event, house

SITE, OTHER_SITE = 1, 2
ZONES = {SITE: "Europe/Berlin", OTHER_SITE: "UTC"}
# A Saturday. The day after, clocks in Berlin show the hour from 2 to 3 twice; then come the first
# day of a week and, in the end, that of a month.
BEGIN = datetime(2026, 10, 24, 5, 0, tzinfo=UTC)
SHORT_DAYS, LONG_DAYS = 9, 14
MICROSECOND = timedelta(microseconds=1)
GAP = timedelta(minutes=30)
GAPS = (
    timedelta(0),
    timedelta(0),
    MICROSECOND,
    timedelta(seconds=0.5),
    timedelta(seconds=1.5) - MICROSECOND,
    timedelta(minutes=1),
    timedelta(minutes=7),
    timedelta(minutes=20),
    GAP - MICROSECOND,
    GAP,
    GAP + MICROSECOND,
    timedelta(hours=3),
    timedelta(days=1),
    timedelta(days=2, hours=5),
)
NAMES = ("pageview", "pageview", "pageview", "engagement", "engagement", "sign up", "Sign Up")
PATHS = ("/", "/", "/a", "/A_b", "/\u00e9%")
HOSTS = ("example.com", "example.com", "Shop.example.com")
PLAN, AUTHOR, ABSENT = Property("plan"), Property("author's"), Property("")
PROPS: tuple[dict[str, str], ...] = (
    {},
    {},
    {"plan": "Pro"},
    {"plan": "free", "author's": "Zo\u00cb"},
    {"plan": "", "author's": "zo\u00eb"},
)
ARRIVALS: tuple[dict[str, str], ...] = (
    {"channel": "direct"},
    {"source": "Ecosia", "channel": "search", "referrer": "ecosia.example"},
    {"source": "ecosia", "channel": "search", "utm_source": "paper"},
    {"source": "Le Monde", "utm_medium": "mail", "utm_campaign": "Spring 50%", "screen": "md"},
)
# A visitor has one of each: a token is made of the address and the user agent.
VISITORS: tuple[dict[str, str], ...] = (
    {"country": "DE", "device": "desktop", "browser": "Firefox", "os": "Linux"},
    {"country": "DE", "device": "mobile", "browser": "firefox", "os": "Android"},
    {},
)

# What is looked for in a field: what is there, and what is not.
ARRIVED = [
    Dimension.SOURCE, Dimension.CHANNEL, Dimension.REFERRER, Dimension.UTM_SOURCE,
    Dimension.UTM_MEDIUM, Dimension.UTM_CAMPAIGN, Dimension.COUNTRY, Dimension.DEVICE,
    Dimension.BROWSER, Dimension.OS, Dimension.SCREEN,
]  # fmt: skip
TEXTS: dict[Field, tuple[str, ...]] = {
    Dimension.PAGE: PATHS,
    Dimension.EVENT_HOSTNAME: HOSTS,
    Dimension.NAME: NAMES,
    PLAN: ("", "Pro", "free"),
    AUTHOR: ("", "Zo\u00cb", "zo\u00eb"),
    ABSENT: ("", "x"),
    Dimension.ENTRY_PAGE: (*PATHS, ""),
    Dimension.EXIT_PAGE: (*PATHS, ""),
    Dimension.HOSTNAME: HOSTS,
    Dimension.EXIT_HOSTNAME: HOSTS,
    **{
        dimension: tuple(words.get(dimension.value[6:], "") for words in (*ARRIVALS, *VISITORS))
        for dimension in ARRIVED
    },
}
PATTERNS = (
    "^/$", "^/[a-c]", "a|^$", "(o|/)$", "^(pageview|sign up)$", "^[A-Z]", ".", "^.{2,6}$", "\u00e9",
    "\\.EXAMPLE\\.", "%|_", "zo\u00eb", "nowhere",
)  # fmt: skip
OF_EVENTS: list[Field] = [
    Dimension.PAGE, Dimension.EVENT_HOSTNAME, Dimension.NAME, PLAN, AUTHOR, ABSENT,
]  # fmt: skip
FIELDS = [*OF_EVENTS[:-1], *OF_EVENTS, *TEXTS]  # those of events more often
OF_PAGES = {Metric.TIME_ON_PAGE, Metric.SCROLL_DEPTH}


@dataclass(frozen=True)
class Step:
    """One event: what it is, and how long after its visitor's last."""

    site: int
    visitor: int
    after: timedelta
    name: str
    path: str
    host: str
    props: int  # of PROPS
    arrival: int  # of ARRIVALS
    interactive: bool
    engaged_s: int
    scroll: int
    process: int  # whose journal it is in


steps = st.builds(
    Step,
    site=st.sampled_from([SITE] * 7 + [OTHER_SITE]),
    visitor=st.integers(0, 2),
    after=st.sampled_from(GAPS),
    name=st.sampled_from(NAMES),
    path=st.sampled_from(PATHS),
    host=st.sampled_from(HOSTS),
    props=st.integers(0, len(PROPS) - 1),
    arrival=st.integers(0, len(ARRIVALS) - 1),
    interactive=st.booleans(),
    engaged_s=st.integers(0, 99),
    scroll=st.integers(0, 10),
    process=st.integers(0, 2),
)


def events_of(plan: list[Step], days: int) -> list[Event]:
    """Return the event of each step; a visitor who comes to the last day begins again."""
    clocks: dict[tuple[int, int], timedelta] = {}
    seen = set()
    made = []
    for step in plan:
        who = (step.site, step.visitor)
        passed = clocks.get(who, step.visitor * timedelta(hours=1)) + step.after
        passed %= timedelta(days=days - 1)
        while (who, passed, step.name, step.path) in seen:  # nothing could order the two
            passed += MICROSECOND
        seen.add((who, passed, step.name, step.path))
        clocks[who] = passed
        reads = step.name == "engagement"
        made.append(
            event(
                step.site,
                BEGIN + passed,
                token=2**64 - 1 - step.visitor,  # tokens fill 64 bits; sites may share one
                name=step.name,
                path=step.path,
                timezone=ZONES[step.site],
                host=step.host,
                props=PROPS[step.props],
                interactive=step.interactive,
                engaged_s=step.engaged_s if reads else 0,
                scroll=step.scroll if reads else 0,
                **ARRIVALS[step.arrival],
                **VISITORS[step.visitor % len(VISITORS)],
            )
        )
    return made


def texts_for(operator: Operator, field: Field) -> st.SearchStrategy[str]:
    """Return values of a condition that are often, and sometimes almost, those of its field."""
    there = TEXTS[field]
    if operator is Operator.MATCHES:
        return st.sampled_from(PATTERNS)
    if operator is Operator.CONTAINS:
        there = (*(text[:3] for text in there if text), *(text[-2:] for text in there if text), "%")
    return st.sampled_from([*there, *map(str.swapcase, there), "nowhere"])


def conditions_on(fields: list[Field]) -> st.SearchStrategy[Condition]:
    """Return conditions on one of some fields."""
    of_fields = st.tuples(st.sampled_from(Operator), st.sampled_from(fields))
    return of_fields.flatmap(
        lambda chosen: st.builds(
            Condition,
            st.just(chosen[0]),
            st.just(chosen[1]),
            st.lists(texts_for(*chosen), min_size=1, max_size=3).map(tuple),
            case_sensitive=st.booleans(),
        )
    )


def trees(depth: int) -> st.SearchStrategy[Filter]:
    """Return filters of at most as many levels above their conditions."""
    leaf: st.SearchStrategy[Filter] = conditions_on(FIELDS)
    if not depth:
        return leaf
    below = trees(depth - 1)
    several = st.lists(below, max_size=3).map(tuple)
    return st.one_of(
        leaf,
        st.builds(All, several),
        st.builds(Either, several),
        st.builds(Not, below),
        st.builds(Done, below),
    )


filters = st.one_of(st.just(EVERYTHING), trees(1), trees(3), trees(3))
METRICS = [*Metric, Metric.VISITS, Metric.BOUNCE_RATE, Metric.BOUNCE_RATE]


@st.composite
def dimensions(draw: st.DrawFn) -> tuple[Field, ...]:
    """Return none to three dimensions, at most one of them of time."""
    chosen = draw(st.lists(st.sampled_from(FIELDS), max_size=3, unique=True))
    if len(chosen) < 3 and draw(st.booleans()):
        time = draw(st.sampled_from([d for d in Dimension if d in TIMES]))
        chosen.insert(draw(st.integers(0, len(chosen))), time)
    return tuple(chosen)


@st.composite
def queries(draw: st.DrawFn, days: int) -> Query:
    """Return something that can be asked about a site and some days."""
    chosen = st.lists(st.sampled_from(METRICS), min_size=1, max_size=4, unique=True)
    of = tuple(draw(chosen))
    by = draw(dimensions())
    tree = draw(filters)
    named = {condition.field for condition in conditions(tree, within_done=False)}
    if OF_PAGES.intersection(of) and Dimension.PAGE not in named.union(by):
        if draw(st.booleans()):
            by = (Dimension.PAGE, *by[1:])
        else:
            tree = All((draw(conditions_on([Dimension.PAGE])), tree))
    ends = [draw(st.integers(-1, days)) for _ in range(2)] if draw(st.booleans()) else [-1, days]
    return Query(
        site=draw(st.sampled_from([SITE] * 7 + [OTHER_SITE])),
        metrics=of,
        dimensions=by,
        period=draw(cut(min(ends), max(ends))),
        filters=tree,
    )


@st.composite
def cut(draw: st.DrawFn, first: int, last: int) -> Period:
    """Return a period of some days, one in four times from an hour or until an hour."""
    hours = [0, 23]
    if draw(st.integers(0, 3)) == 0:
        hours = [draw(st.sampled_from([0, draw(st.integers(0, 23))])), draw(st.integers(0, 23))]
        hours = sorted(hours) if first == last else hours
    return Period(date_after(first), date_after(last), *hours)


def date_after(days: int) -> date:
    """Return the date some days after the first one."""
    return BEGIN.date() + timedelta(days=days)


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


@settings(max_examples=10, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
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


@settings(max_examples=40, derandomize=True, deadline=None)
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


@settings(max_examples=25, derandomize=True, deadline=None)
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


@st.composite
def pages(draw: st.DrawFn) -> list[Query]:
    """Return what a page asks: the same days and filter by one dimension each."""
    one_value = st.sampled_from([field for field in FIELDS if field in TEXTS]).flatmap(
        lambda field: st.sampled_from(TEXTS[field]).map(
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
        Query(SITE, draw(st.sampled_from([SOME[:2], SOME, ALL])), by, period, found) for by in some
    ]


@settings(max_examples=40, derandomize=True, deadline=None)
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
