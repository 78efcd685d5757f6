"""Visits and reports equal those of the oracle, however events arrive and wherever days end."""

import contextlib
import random
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from collector.journal import Event
from collector.keys import date_end
from collector.question import TIMES, Dimension, Metric, Period, Query, Report
from collector.seal import SEAL_AFTER
from tests import oracle
from tests.chance import examples
from tests.house import LIVE_VISITS, SEALED_EVENTS, SEALED_VISITS, House, event, house
from tests.marks import check_marks

# On 25 October 2026 clocks in Berlin show the hour from 2 to 3 twice.
ZONES = ("Europe/Berlin", "Asia/Kathmandu", "UTC")
BEGIN = datetime(2026, 10, 24, 18, 0, tzinfo=UTC)
FIRST, LAST = date(2026, 10, 23), date(2026, 11, 2)
MICROSECOND = timedelta(microseconds=1)
GAP = timedelta(minutes=30)
GAPS = (
    timedelta(0),
    MICROSECOND,
    timedelta(seconds=0.5),
    timedelta(seconds=1.5) - MICROSECOND,
    timedelta(minutes=1),
    timedelta(minutes=15),
    GAP - MICROSECOND,
    GAP,
    GAP + MICROSECOND,
    timedelta(hours=1),
    timedelta(hours=5, minutes=45),
)
NAMES = ("pageview", "pageview", "engagement", "sign up")
PATHS = ("/", "/a", "/\u00e9")
COUNTRIES = ("", "DE", "FR")
NO_DIMENSIONS: tuple[Dimension, ...] = ()
OTHER = [d for d in Dimension if d not in TIMES]
OF_PAGES = {Metric.TIME_ON_PAGE, Metric.SCROLL_DEPTH}
SINGLES = [NO_DIMENSIONS, *((dimension,) for dimension in Dimension)]
PAIRS = [(time, d) for time in (Dimension.HOUR, Dimension.DAY) for d in OTHER]
ROW = (
    "date::VARCHAR, {visitor}, visit, hour, duration_s, pageviews, events, is_bounce, entry_host,"
    " exit_host, entry_page, exit_page, source, channel, referrer, utm_source, utm_medium,"
    " utm_campaign, country, device, browser, os, screen"
)


@dataclass(frozen=True)
class Step:
    """One event (what it is, and how long after its visitor's last), and what happens then."""

    site: int
    visitor: int
    after: timedelta
    name: str
    path: str
    source: str
    interactive: bool
    delay: int  # how many later events overtake it on the way to the journal
    process: int  # whose chunk it goes to
    then: str  # "", "load", "finish" or the index of a moment to seal at


def moments() -> list[datetime]:
    """Return when days of the three sites may be sealed, and one microsecond before."""
    ends = [
        date_end(zone, FIRST + timedelta(days=day)) + SEAL_AFTER
        for zone in ZONES
        for day in range(1, 4)
    ]
    return sorted(at - early for at in ends for early in (timedelta(0), MICROSECOND))


MOMENTS = moments()
steps = st.builds(
    Step,
    site=st.integers(0, 2),
    visitor=st.integers(0, 2),
    after=st.sampled_from(GAPS),
    name=st.sampled_from(NAMES),
    path=st.sampled_from(PATHS),
    source=st.sampled_from(["", "Ecosia"]),
    interactive=st.booleans(),
    delay=st.sampled_from([0, 0, 0, 1, 5, 20]),
    process=st.integers(0, 2),
    then=st.sampled_from([*[""] * 12, "load", "load", "finish", "seal"]),
)


def events_of(plan: list[Step], sites: list[int]) -> list[Event]:
    """Return the event of each step."""
    clocks: dict[tuple[int, int], datetime] = {}
    seen = set()
    made = []
    for step in plan:
        who = (step.site, step.visitor)
        at = clocks.get(who, BEGIN + step.visitor * timedelta(hours=2)) + step.after
        while (who, at, step.name, step.path) in seen:  # nothing could order the two
            at += MICROSECOND
        seen.add((who, at, step.name, step.path))
        clocks[who] = at
        made.append(
            event(
                sites[step.site],
                at,
                # Tokens fill 64 bits; the visitors of two sites may share one.
                token=2**64 - 1 - step.visitor,
                name=step.name,
                path=step.path,
                timezone=ZONES[step.site],
                source=step.source,
                channel="search" if step.source else "direct",
                referrer="ecosia.example" if step.source else "",
                utm_source="paper" if step.interactive else "",
                utm_medium=step.source.lower(),
                utm_campaign=("spring", "", "autumn")[step.process],
                screen=("xs", "md", "lg")[step.process],
                country=COUNTRIES[step.visitor],
                device=("mobile", "desktop", "desktop")[step.visitor],
                browser=("Firefox", "Chrome", "Chrome")[step.visitor],
                os=("Android", "Linux", "macOS")[step.visitor],
                interactive=step.interactive,
                engaged_s=7 * (step.name == "engagement"),
                scroll=(1 + step.delay % 10) * (step.name == "engagement"),
            )
        )
    return made


@dataclass
class Watch:
    """Works a house and keeps the oracle's books beside it."""

    house: House
    sites: list[int]
    appended: list[Event] = field(default_factory=list)  # but for those of days sealed before
    loaded: list[Event] = field(default_factory=list)
    sealed: set[tuple[int, str]] = field(default_factory=set)

    def append(self, event: Event, process: str) -> None:
        """Write one event to the journal."""
        self.house.append(process, event)
        if (event.site, event.date) not in self.sealed:
            self.appended.append(event)

    def load(self) -> None:
        """Load the journal, and compare the visits that are live."""
        self.house.loader.load()
        self.loaded = list(self.appended)
        self.check_live()

    def seal(self, now: datetime) -> None:
        """Seal what is over, and compare both stores."""
        zones = dict(zip(self.sites, ZONES, strict=True))
        due = {
            (site, day)
            for site, day in {(e.site, e.date) for e in self.loaded} - self.sealed
            if date_end(zones[site], date.fromisoformat(day)) + SEAL_AFTER <= now
        }
        assert set(self.house.sealer.due(now)) == {(s, date.fromisoformat(d)) for s, d in due}
        self.house.sealer.seal_due(now)
        if due:
            self.loaded = list(self.appended)
            self.sealed |= due
            self.check_sealed()
        self.check_live()

    def check_live(self) -> None:
        """Compare the live visits with the oracle's, token by token."""
        unsealed = [e for e in self.loaded if (e.site, e.date) not in self.sealed]
        found = self.house.rows(
            f"SELECT site, started_at_us, {ROW.format(visitor='token')}"
            f" FROM (SELECT *, row_number() OVER day AS visit FROM {LIVE_VISITS}"
            " WINDOW day AS (PARTITION BY site, date, token ORDER BY started_at_us))"
        )
        expected = [
            (v.first.site, v.first.at_us, *row_of(v, v.first.token))
            for v in oracle.visits(unsealed)
        ]
        assert sorted(found) == sorted(expected)
        wrong = self.house.rows(
            "SELECT mark FROM ("
            "SELECT mark, row_number() OVER (day ORDER BY started_at_us) AS place,"
            " count(*) OVER day AS visits FROM live.visits"
            " WINDOW day AS (PARTITION BY site, date, token))"
            " WHERE mark <> CASE WHEN place > 1 THEN 3 WHEN visits > 1 THEN 2 ELSE 1 END"
        )
        assert not wrong

    def check_sealed(self) -> None:
        """Compare the archive with the oracle; whose visits they are shows by number only."""
        events = [e for e in self.loaded if (e.site, e.date) in self.sealed]
        read, late = oracle.readings(events)
        expected: dict[tuple[int, str, int], list[object]] = {}
        for visit in oracle.visits(events):
            actions = [
                (step, e.hour, e.name, e.path, e.interactive, *seconds_and_scroll(read, e))
                for step, e in enumerate(visit.actions, 1)
            ]
            expected.setdefault(visit.visitor, []).append((row_of(visit, 0)[2:], actions))
        assert self.archived() == Counter(
            (site, day, repr(visits)) for (site, day, _), visits in expected.items()
        )
        drops = self.house.rows(
            "SELECT site, date::VARCHAR, count FROM archive.drops WHERE reason = 'late'"
            " AND site IN (SELECT unnest($sites))",
            sites=self.sites,
        )
        assert sorted(drops) == sorted(
            (*key, n) for key, n in Counter((e.site, e.date) for e in late).items()
        )

    def archived(self) -> Counter[tuple[int, str, str]]:
        """Return each sealed visitor as (site, date, all visits with their events)."""
        own = "site IN (SELECT unnest($sites))"
        visits = self.house.rows(
            f"SELECT site, {ROW.format(visitor='visitor')} FROM {SEALED_VISITS} WHERE {own}",
            sites=self.sites,
        )
        events = self.house.rows(
            "SELECT site, date::VARCHAR, visitor, visit, step, hour, name, path, interactive,"
            f" engaged_s, scroll FROM {SEALED_EVENTS} WHERE {own}",
            sites=self.sites,
        )
        actions: dict[tuple[object, ...], list[object]] = {}
        for row in sorted(events):
            actions.setdefault(row[:4], []).append(row[4:])
        visitors: dict[tuple[int, str, int], list[object]] = {}
        for site, day, visitor, number, *rest in sorted(visits):
            told = ((number, *rest), actions.pop((site, day, visitor, number)))
            visitors.setdefault((site, day, visitor), []).append(told)
        assert not actions  # no event without its visit
        return Counter((site, day, repr(told)) for (site, day, _), told in visitors.items())

    def check_reports(self, dimensions: list[tuple[Dimension, ...]]) -> None:
        """Compare every report with the oracle's, over all days."""
        for site in self.sites:
            asked = [Query(site, metrics_by(by), by, Period(FIRST, LAST)) for by in dimensions]
            for query, report in zip(asked, self.house.stats.reports(asked), strict=True):
                assert isinstance(report, Report)
                found = {row.dimensions: row.metrics for row in report.rows}
                assert len(found) == len(report.rows)
                assert found == oracle.report(self.loaded, query), query.dimensions


def metrics_by(dimensions: tuple[Dimension, ...]) -> tuple[Metric, ...]:
    """Return all metrics that can be asked by some dimensions."""
    left_out = set() if Dimension.PAGE in dimensions else OF_PAGES
    return tuple(metric for metric in Metric if metric not in left_out)


def row_of(visit: oracle.Visit, visitor: int) -> tuple[object, ...]:
    """Return a visit as the columns ROW."""
    e = visit.first
    return (
        e.date, visitor, visit.number, e.hour, visit.duration_s, len(visit.pageviews),
        len(visit.actions), visit.is_bounce, e.host, visit.actions[-1].host, visit.entry_page,
        visit.exit_page, e.source, e.channel, e.referrer, e.utm_source, e.utm_medium,
        e.utm_campaign, e.country, e.device, e.browser, e.os, e.screen,
    )  # fmt: skip


def seconds_and_scroll(read: dict[int, oracle.Reading], event: Event) -> tuple[int, int]:
    """Return how long and how far a page was read; a custom event is not read."""
    reading = read.get(id(event), oracle.Reading())
    return reading.engaged_s, reading.scroll


@contextlib.contextmanager
def watch(folder: Path) -> Iterator[Watch]:
    """Open a house of its own with three sites, and watch it."""
    with tempfile.TemporaryDirectory(dir=folder) as own, house(Path(own)) as here:
        yield Watch(here, [here.site(f"example{i}.com", ZONES[i]) for i in range(3)])


def arrivals(plan: list[Step], events: list[Event]) -> list[tuple[Step, Event]]:
    """Return steps and events in the order in which the journal gets them."""
    order = sorted(range(len(plan)), key=lambda place: (place + plan[place].delay, place))
    return [(plan[place], events[place]) for place in order]


@examples(18, of_any_size=True)
@given(
    st.lists(steps, min_size=8, max_size=70),
    st.lists(st.sampled_from(MOMENTS), max_size=2),
    st.lists(st.sampled_from([*SINGLES, *PAIRS]), min_size=6, max_size=6, unique=True),
)
def test_visits_and_reports_equal_the_oracles(
    ram_of_module: Path,
    plan: list[Step],
    seals: list[datetime],
    asked: list[tuple[Dimension, ...]],
) -> None:
    """After every load, after every sealing, and of live and sealed days together."""
    with watch(ram_of_module) as ours:
        live_through(ours, plan, seals, asked)


def live_through(
    ours: Watch, plan: list[Step], seals: list[datetime], asked: list[tuple[Dimension, ...]]
) -> None:
    """Let everything happen in order, looking at it all the time."""
    here = ours.house
    pending = sorted(seals)
    for number, (step, event_) in enumerate(arrivals(plan, events_of(plan, ours.sites))):
        ours.append(event_, str(step.process))
        if step.then == "load" and number % 3 == 0:
            ours.load()
        elif step.then == "finish":
            here.finish()
        elif step.then == "seal" and pending:
            ours.seal(pending.pop(0))
    ours.load()
    check_marks(here)
    for moment in pending:
        ours.seal(moment)
    ours.check_reports(asked)
    here.finish()
    ours.load()
    ours.seal(datetime(2027, 1, 1, tzinfo=UTC))
    ours.check_reports([NO_DIMENSIONS, (Dimension.PAGE,), (Dimension.HOUR,)])
    assert not list(here.journal.iterdir())  # a chunk goes when all its days are sealed


def test_a_busy_week_equals_the_oracles(ram: Path) -> None:
    """Thousands of events of many visitors, in passages of random length."""
    chance = random.Random(7)
    plan = [
        Step(
            site=chance.randrange(3),
            visitor=chance.randrange(3),
            after=chance.choice(GAPS),
            name=chance.choice(NAMES),
            path=chance.choice(PATHS),
            source=chance.choice(["", "Ecosia"]),
            interactive=chance.random() < 0.5,
            delay=0,
            process=0,
            then="",
        )
        for _ in range(1500)
    ]
    with watch(ram) as ours:
        for number, (_, event_) in enumerate(arrivals(plan, events_of(plan, ours.sites))):
            ours.append(event_, "all")
            if number % 400 == 0:
                ours.load()
        ours.load()
        check_marks(ours.house)
        ours.seal(MOMENTS[-1])
        ours.check_reports(SINGLES)
