"""What the numbers mean, in plain Python: slow, obvious, and written without looking at the SQL.

A visitor is one token of one site on one local day. A visit is a visitor's events with no gap over
30 minutes. Engagement starts no visit. A bounce is a visit with one pageview and no interactive
event; it lasts no time. Any other visit lasts from its first pageview or custom event to the last
one, or to the end of the engagement that follows that one within 30 minutes.

A report is about the actions (pageviews and custom events) its filter lets through, and about the
visits they are part of. Where a dimension says something about single events, a visit belongs to
every key such an action of it has; elsewhere to one key, with the time it started at.
"""

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise
from math import floor
from typing import TypeVar

from collector.journal import Event
from collector.question import (
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
    conditions,
    is_of_events,
)

GAP_US = 30 * 60 * 1_000_000
Value = int | float | None
Values = tuple[Value, ...]
Key = tuple[str, ...]  # in the order of the dimensions
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


@dataclass(frozen=True, slots=True)
class Action:
    """A pageview or custom event, and the visit it is part of."""

    event: Event
    visit: Visit


@dataclass(slots=True)
class Group:
    """What a report has under one key: actions by their own time, visits by when they began."""

    actions: list[Action] = field(default_factory=list)
    visits: dict[tuple[object, ...], Visit] = field(default_factory=dict)
    of_visits: list[Action] = field(default_factory=list)  # actions of these visits

    @property
    def visitors(self) -> int:
        """Visitors who acted, each once a day."""
        return len({action.visit.visitor for action in self.actions})

    @property
    def pageviews(self) -> list[Action]:
        """Actions that are pageviews."""
        return [action for action in self.actions if action.event.name == "pageview"]


# What a field says of an action.
_OF_EVENT: dict[Field, Callable[[Event], str]] = {
    Dimension.PAGE: lambda event: event.path,
    Dimension.EVENT_HOSTNAME: lambda event: event.host,
    Dimension.NAME: lambda event: event.name,
}
_OF_VISIT: dict[Field, Callable[[Visit], str]] = {
    Dimension.ENTRY_PAGE: lambda visit: visit.entry_page,
    Dimension.EXIT_PAGE: lambda visit: visit.exit_page,
    Dimension.HOSTNAME: lambda visit: visit.first.host,
    Dimension.EXIT_HOSTNAME: lambda visit: visit.actions[-1].host,
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
}


def _said(about: Field, action: Action) -> str:
    if isinstance(about, Property):
        return action.event.props.get(about.name, "")
    if about in _OF_EVENT:
        return _OF_EVENT[about](action.event)
    return _OF_VISIT[about](action.visit)


def _said_at_entry(about: Field, action: Action) -> str:
    """Return what a field says of an action, as if that had been on the page of entry."""
    if about is Dimension.PAGE:
        return action.visit.entry_page
    if about is Dimension.EVENT_HOSTNAME:
        return action.visit.first.host
    return _said(about, action)


def holds(found: Filter, action: Action, said: Callable[[Field, Action], str] = _said) -> bool:
    """Tell whether a filter lets an action through."""
    match found:
        case Condition():
            return _compares(found, said(found.field, action))
        case All(filters):
            return all(holds(each, action, said) for each in filters)
        case Either(filters):
            return any(holds(each, action, said) for each in filters)
        case Not(inner):
            return not holds(inner, action, said)
        case Done(inner):
            return any(holds(inner, other) for other in _actions(action.visit))


def _compares(condition: Condition, text: str) -> bool:
    any_case = not condition.case_sensitive
    if condition.operator is Operator.MATCHES:
        flags = "(?i)" if any_case else ""
        return any(re.search(flags + pattern, text) for pattern in condition.values)
    values = [value.lower() if any_case else value for value in condition.values]
    text = text.lower() if any_case else text
    if condition.operator is Operator.CONTAINS:
        return any(value in text for value in values)
    return text in values


def _time(dimension: Dimension, event: Event, first: date) -> str:
    day = date.fromisoformat(event.date)
    monday = day - timedelta(days=day.weekday())
    return {
        Dimension.HOUR: f"{event.date} {event.hour:02}:00:00",
        Dimension.DAY: event.date,
        Dimension.WEEK: max(monday, first).isoformat(),
        Dimension.MONTH: day.replace(day=1).isoformat(),
        Dimension.HOUR_OF_DAY: f"{event.hour:02}",
        Dimension.WEEKDAY: str(day.isoweekday()),
        Dimension.HOUR_OF_WEEK: f"{day.isoweekday()} {event.hour:02}",
    }[dimension]


def report(events: Iterable[Event], query: Query) -> dict[Key, Values]:
    """Return all rows, in no order and with none hidden; metrics in the order of the query."""
    of_site = [event for event in events if event.site == query.site]
    read, _ = readings(of_site)
    let_through = [
        action
        for visit in visits(of_site)
        for action in _actions(visit)
        if _is_within(query.period, action.event) and holds(query.filters, action)
    ]
    visitors = Group(let_through).visitors
    return {
        key: tuple(_value(metric, query, key, group, read, visitors) for metric in query.metrics)
        for key, group in _groups(let_through, query).items()
    }


def _is_within(period: Period, event: Event) -> bool:
    """Tell whether something happened on the days, and in the hours of the first and last one."""
    hour = date.fromisoformat(event.date), event.hour
    return (period.first, period.first_hour) <= hour <= (period.last, period.last_hour)


def _groups(let_through: list[Action], query: Query) -> dict[Key, Group]:
    groups: dict[Key, Group] = {} if query.dimensions else {(): Group()}
    for action in let_through:
        key = _key(action, query)
        groups.setdefault(key, Group()).actions.append(action)
        if not any(map(is_of_events, query.dimensions)):
            key = _key(Action(action.visit.first, action.visit), query)
        group = groups.setdefault(key, Group())
        group.visits[_name(action.visit)] = action.visit
        group.of_visits.append(action)
    return groups


def _key(action: Action, query: Query) -> Key:
    return tuple(
        _time(dimension, action.event, query.period.first)
        if isinstance(dimension, Dimension) and dimension in TIMES
        else _said(dimension, action)
        for dimension in query.dimensions
    )


def _value(
    metric: Metric, query: Query, key: Key, group: Group, read: dict[int, "Reading"], visitors: int
) -> Value:
    """Return a metric of a group; `visitors` are those of all groups together."""
    match metric:
        case Metric.VISITORS:
            return group.visitors
        case Metric.VISITS:
            return len(group.visits)
        case Metric.PAGEVIEWS:
            return len(group.pageviews)
        case Metric.EVENTS:
            return len(group.actions)
        case Metric.VIEWS_PER_VISIT:
            return _mean(len(group.pageviews), len(group.visits), 100)
        case Metric.BOUNCE_RATE:
            entered = _entered(group, query, key)
            return _mean(100 * sum(visit.is_bounce for visit in entered), len(entered), 10)
        case Metric.VISIT_DURATION:
            durations = [visit.duration_s for visit in group.visits.values()]
            return _mean(sum(durations), len(durations), 10)
        case Metric.TIME_ON_PAGE:
            seconds = sum(read[id(action.event)].engaged_s for action in group.pageviews)
            return _mean(seconds, len(_deepest(group, read)), 10)
        case Metric.SCROLL_DEPTH:
            depths = _deepest(group, read).values()
            return _mean(10 * sum(depths), len(depths), 10)
        case Metric.PERCENTAGE:
            return _mean(100 * group.visitors, visitors, 10)


def _entered(group: Group, query: Query, key: Key) -> list[Visit]:
    """Return the visits that entered where the key and the filter say."""
    asked = dict(zip(query.dimensions, key, strict=True))
    filtered = {condition.field for condition in conditions(query.filters, within_done=False)}
    let_through = {
        _name(action.visit)
        for action in group.of_visits
        if holds(query.filters, action, _said_at_entry)
    }
    return [
        visit
        for name, visit in group.visits.items()
        if asked.get(Dimension.PAGE, visit.entry_page) == visit.entry_page
        if asked.get(Dimension.EVENT_HOSTNAME, visit.first.host) == visit.first.host
        if filtered.isdisjoint({Dimension.PAGE, Dimension.EVENT_HOSTNAME}) or name in let_through
    ]


def _deepest(group: Group, read: dict[int, "Reading"]) -> dict[tuple[object, ...], int]:
    """Return how far each visit scrolled each of its pages, in tenths."""
    depths: dict[tuple[object, ...], int] = {}
    for action in group.pageviews:
        pair = (*_name(action.visit), action.event.path)
        depths[pair] = max(depths.get(pair, 0), read[id(action.event)].scroll)
    return depths


def _actions(visit: Visit) -> list[Action]:
    return [Action(event, visit) for event in visit.actions]


def _name(visit: Visit) -> tuple[object, ...]:
    return (*visit.visitor, visit.number)


def _grouped(
    things: Iterable[_Thing], key: Callable[[_Thing], tuple[str, ...]]
) -> dict[tuple[str, ...], list[_Thing]]:
    groups: dict[tuple[str, ...], list[_Thing]] = {}
    for thing in things:
        groups.setdefault(key(thing), []).append(thing)
    return groups


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


def _order(event: Event) -> tuple[int, bytes, int]:
    """Return what orders a visitor's events; times can be equal between ingest processes."""
    digest = hashlib.md5(event.path.encode(), usedforsecurity=False).digest()
    return event.at_us, event.name.encode(), int.from_bytes(digest[8:], "little")
