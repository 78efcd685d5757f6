"""What the numbers mean, in plain Python: slow, obvious, and written without looking at the SQL.

A visitor is one token of one site on one local day. A visit is a visitor's events with no gap over
30 minutes. Engagement starts no visit. A bounce is a visit with one pageview and no interactive
event; it lasts no time. Any other visit lasts from its first pageview or custom event to the last
one, or to the end of the engagement that follows that one within 30 minutes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import TypeVar

from collector.journal import Event
from collector.question import Dimension, Metric

GAP_US = 30 * 60 * 1_000_000
Values = tuple[int | float | None, ...]
_Thing = TypeVar("_Thing")


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit, with all that is known of it."""

    number: int  # 1 for the visitor's first of the day
    events: tuple[Event, ...]  # in order, engagement too

    @property
    def actions(self) -> list[Event]:
        """Pageviews and custom events."""
        return [event for event in self.events if event.name != "engagement"]

    @property
    def pageviews(self) -> list[Event]:
        """Pageviews."""
        return [event for event in self.events if event.name == "pageview"]

    @property
    def first(self) -> Event:
        """The event that started it, whose source and device are the visit's."""
        return self.actions[0]

    @property
    def visitor(self) -> tuple[int, str, int]:
        """Who it is a visit of."""
        return self.first.site, self.first.date, self.first.token

    @property
    def is_bounce(self) -> bool:
        """Tell whether it was one pageview and nothing else."""
        custom = [event for event in self.actions if event.name != "pageview"]
        return len(self.pageviews) == 1 and not any(event.interactive for event in custom)

    @property
    def duration_s(self) -> int:
        """Whole seconds, halves up."""
        if self.is_bounce:
            return 0
        acted_at = max(event.at_us for event in self.actions)
        read_until = [e.at_us for e in self.events if acted_at <= e.at_us <= acted_at + GAP_US]
        return floor(Fraction(max(read_until) - self.first.at_us, 1_000_000) + Fraction(1, 2))

    @property
    def entry_page(self) -> str:
        """The first page, "" if none was seen."""
        return self.pageviews[0].path if self.pageviews else ""

    @property
    def exit_page(self) -> str:
        """The last page, "" if none was seen."""
        return self.pageviews[-1].path if self.pageviews else ""


def visits(events: Iterable[Event]) -> list[Visit]:
    """Return the visits that events make, in whatever order those come."""
    found = []
    by_visitor = _grouped(events, lambda e: (str(e.site), e.date, str(e.token)))
    for of_visitor in by_visitor.values():
        number = 0
        for group in _without_gaps(sorted(of_visitor, key=_order)):
            if any(event.name != "engagement" for event in group):
                number += 1
                found.append(Visit(number, tuple(group)))
    return found


def _without_gaps(events: list[Event]) -> Iterator[list[Event]]:
    group = [events[0]]
    for earlier, later in pairwise(events):
        if later.at_us - earlier.at_us > GAP_US:
            yield group
            group = []
        group.append(later)
    yield group


# What a dimension's value is for an action of a visit, and for a visit.
_OF_VISIT: dict[Dimension, Callable[[Visit], str]] = {
    Dimension.ENTRY_PAGE: lambda visit: visit.entry_page,
    Dimension.EXIT_PAGE: lambda visit: visit.exit_page,
    Dimension.HOSTNAME: lambda visit: visit.first.host,
    Dimension.SOURCE: lambda visit: visit.first.source,
    Dimension.CHANNEL: lambda visit: visit.first.channel,
    Dimension.REFERRER: lambda visit: visit.first.referrer,
    Dimension.UTM_SOURCE: lambda visit: visit.first.utm_source,
    Dimension.UTM_MEDIUM: lambda visit: visit.first.utm_medium,
    Dimension.UTM_CAMPAIGN: lambda visit: visit.first.utm_campaign,
    Dimension.COUNTRY: lambda visit: visit.first.country,
    Dimension.DEVICE: lambda visit: visit.first.device,
    Dimension.BROWSER: lambda visit: visit.first.browser,
    Dimension.OS: lambda visit: visit.first.os,
    Dimension.SCREEN: lambda visit: visit.first.screen,
    Dimension.HOUR: lambda visit: _hour(visit.first),
    Dimension.DAY: lambda visit: visit.first.date,
}


def _hour(event: Event) -> str:
    return f"{event.date} {event.hour:02}:00:00"


def report(
    events: Iterable[Event], site: int, first: date, last: date, dimensions: tuple[Dimension, ...]
) -> dict[tuple[str, ...], Values]:
    """Return every metric, in the order of `Metric`, for each value of the dimensions."""
    chosen = [
        visit
        for visit in visits(event for event in events if event.site == site)
        if first <= date.fromisoformat(visit.first.date) <= last
    ]
    if Dimension.PAGE in dimensions:
        return _by_page(chosen, dimensions)
    if dimensions == (Dimension.HOUR,):
        return _by_hour(chosen)
    groups = _grouped(chosen, lambda v: tuple(_OF_VISIT[d](v) for d in dimensions))
    if not dimensions:
        groups.setdefault((), [])
    return {
        key: _values(
            visitors={visit.visitor for visit in group},
            visits=len(group),
            pageviews=sum(len(visit.pageviews) for visit in group),
            bounces=[visit.is_bounce for visit in group],
            durations=[visit.duration_s for visit in group],
        )
        for key, group in groups.items()
    }


def _by_hour(chosen: list[Visit]) -> dict[tuple[str, ...], Values]:
    """Visitors and pageviews are of those active in the hour, visits of those started in it."""
    actions = [(event, visit) for visit in chosen for event in visit.actions]
    answer: dict[tuple[str, ...], Values] = {}
    for (hour,), group in _grouped(actions, lambda pair: (_hour(pair[0]),)).items():
        started = [visit for visit in chosen if _hour(visit.first) == hour]
        answer[hour,] = _values(
            visitors={visit.visitor for _, visit in group},
            visits=len(started),
            pageviews=sum(event.name == "pageview" for event, _ in group),
            bounces=[visit.is_bounce for visit in started],
            durations=[visit.duration_s for visit in started],
        )
    return answer


def _by_page(
    chosen: list[Visit], dimensions: tuple[Dimension, ...]
) -> dict[tuple[str, ...], Values]:
    """Visits that contain the page; the bounce rate is of those that entered there."""

    def key(seen: tuple[Event, Visit]) -> tuple[str, ...]:
        event, _ = seen
        by = {Dimension.PAGE: event.path, Dimension.HOUR: _hour(event), Dimension.DAY: event.date}
        return tuple(by[dimension] for dimension in dimensions)

    seen = [(event, visit) for visit in chosen for event in visit.pageviews]
    answer = {}
    for value, group in _grouped(seen, key).items():
        page = value[dimensions.index(Dimension.PAGE)]
        containing = {(visit.visitor, visit.number): visit for _, visit in group}
        entered = [visit for visit in containing.values() if visit.entry_page == page]
        answer[value] = _values(
            visitors={visit.visitor for visit in containing.values()},
            visits=len(containing),
            pageviews=len(group),
            bounces=[visit.is_bounce for visit in entered],
            durations=[visit.duration_s for visit in containing.values()],
        )
    return answer


def _grouped(
    things: Iterable[_Thing], key: Callable[[_Thing], tuple[str, ...]]
) -> dict[tuple[str, ...], list[_Thing]]:
    groups: dict[tuple[str, ...], list[_Thing]] = {}
    for thing in things:
        groups.setdefault(key(thing), []).append(thing)
    return groups


def _values(
    *,
    visitors: set[tuple[int, str, int]],
    visits: int,
    pageviews: int,
    bounces: list[bool],
    durations: list[int],
) -> Values:
    values = {
        Metric.VISITORS: len(visitors),
        Metric.VISITS: visits,
        Metric.PAGEVIEWS: pageviews,
        Metric.VIEWS_PER_VISIT: _mean(pageviews, visits, 100),
        Metric.BOUNCE_RATE: _mean(100 * sum(bounces), len(bounces), 10),
        Metric.VISIT_DURATION: _mean(sum(durations), len(durations), 10),
    }
    return tuple(values[metric] for metric in Metric)


def _mean(total: int, count: int, parts: int) -> float | None:
    """Return a mean in whole parts of one (10: one decimal), halves up; None of nothing."""
    return floor(Fraction(total * parts, count) + Fraction(1, 2)) / parts if count else None


@dataclass(slots=True)
class Reading:
    """How long and how far a pageview was read."""

    engaged_s: int = 0
    scroll: int = 0


def readings(events: Iterable[Event]) -> tuple[dict[int, Reading], list[Event]]:
    """Return each pageview's reading, by the event's id(); and what engagement came too late.

    Engagement belongs to the last earlier pageview of the page it names, by the same visitor on
    the same day; without one its page was opened on a day that is over.
    """
    found: dict[int, Reading] = {}
    open_pages: dict[tuple[int, str, int, str], Reading] = {}
    late = []
    for event in sorted(events, key=_order):
        page = (event.site, event.date, event.token, event.path)
        if event.name == "pageview":
            found[id(event)] = open_pages[page] = Reading()
        elif event.name == "engagement" and page in open_pages:
            reading = open_pages[page]
            reading.engaged_s += event.engaged_s
            reading.scroll = max(reading.scroll, event.scroll)
        elif event.name == "engagement":
            late.append(event)
    return found, late


def _order(event: Event) -> tuple[int, bytes, bytes]:
    """Return what orders a visitor's events; times can be equal between ingest processes."""
    return event.at_us, event.name.encode(), event.path.encode()
