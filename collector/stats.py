"""From a question about a site's numbers to a report: `Query` -> `Report`.

Definitions: visitors are distinct tokens of a day, summed over days; bounce rate is bounces per
visits; visit duration is the mean over visits, a bounce counting 0. By page, visits and their
duration are of visits that contain the page, the bounce rate of those that entered there. By hour,
visitors and pageviews are those active in it, the rest belongs to the hour a visit started in; so
there views per visit can be higher than any visit's.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from collector.store import Session, Store, statement

CURRENT_VISITORS_WINDOW = timedelta(minutes=5)
MAX_ROWS = 10_000


class QueryError(ValueError):
    """A question that cannot be answered. `field` is the part of the query that is at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class Metric(StrEnum):
    """What can be counted."""

    VISITORS = "visitors"
    VISITS = "visits"
    PAGEVIEWS = "pageviews"
    VIEWS_PER_VISIT = "views_per_visit"  # None without visits
    BOUNCE_RATE = "bounce_rate"  # per cent; None without visits
    VISIT_DURATION = "visit_duration"  # seconds; None without visits


class Dimension(StrEnum):
    """What numbers can be broken down by."""

    PAGE = "event:page"
    ENTRY_PAGE = "visit:entry_page"
    EXIT_PAGE = "visit:exit_page"
    HOSTNAME = "visit:entry_page_hostname"
    SOURCE = "visit:source"
    CHANNEL = "visit:channel"
    REFERRER = "visit:referrer"  # a host
    UTM_SOURCE = "visit:utm_source"
    UTM_MEDIUM = "visit:utm_medium"
    UTM_CAMPAIGN = "visit:utm_campaign"
    COUNTRY = "visit:country"  # ISO 3166-1 alpha-2, "" when unknown
    DEVICE = "visit:device"
    BROWSER = "visit:browser"
    OS = "visit:os"
    SCREEN = "visit:screen"  # a class of widths, see js/README.md
    HOUR = "time:hour"  # "2026-11-24 13:00:00", local to the site
    DAY = "time:day"  # "2026-11-24"


_TIME = (Dimension.HOUR, Dimension.DAY)
# Dimension -> the column of the view `visits` (or, for pages, `pageviews`) it stands for.
_COLUMNS = {
    Dimension.PAGE: "path",
    Dimension.ENTRY_PAGE: "entry_page",
    Dimension.EXIT_PAGE: "exit_page",
    Dimension.HOSTNAME: "host",
    Dimension.SOURCE: "source",
    Dimension.CHANNEL: "channel",
    Dimension.REFERRER: "referrer",
    Dimension.UTM_SOURCE: "utm_source",
    Dimension.UTM_MEDIUM: "utm_medium",
    Dimension.UTM_CAMPAIGN: "utm_campaign",
    Dimension.COUNTRY: "country",
    Dimension.DEVICE: "device",
    Dimension.BROWSER: "browser",
    Dimension.OS: "os",
    Dimension.SCREEN: "screen",
}
_TIME_LABELS = {
    Dimension.HOUR: "strftime(date + to_hours(hour::BIGINT), '%Y-%m-%d %H:00:00')",
    Dimension.DAY: "strftime(date, '%Y-%m-%d')",
}
# A row as the statements return it, for a period in which nothing happened.
_NOTHING = ("", "", 0, 0, 0, None, None, None)


@dataclass(frozen=True, slots=True)
class Period:
    """Local days of a site, both ends included."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class Query:
    """A question about one site.

    `dimensions` are at most one that is not time, and at most one of time. `order_by` pairs a
    metric or dimension with whether it descends; without one, time ascends and all else descends by
    the first metric.

    Raises:
        QueryError: something in it cannot be answered.
    """

    site: int
    metrics: tuple[Metric, ...]
    dimensions: tuple[Dimension, ...]
    period: Period
    order_by: tuple[tuple[Metric | Dimension, bool], ...] = ()
    limit: int = MAX_ROWS
    offset: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be answered."""
        if not self.metrics or len(set(self.metrics)) < len(self.metrics):
            raise QueryError("metrics", "name at least one, each once")
        times = [dimension for dimension in self.dimensions if dimension in _TIME]
        if len(times) > 1 or len(self.dimensions) - len(times) > 1:
            raise QueryError("dimensions", "at most one of time and one other")
        if self.period.last < self.period.first:
            raise QueryError("date_range", "the last day is before the first")
        for key, _ in self.order_by:
            if key not in self.metrics and key not in self.dimensions:
                raise QueryError("order_by", f"{key} is not among the metrics and dimensions")
        if not 0 < self.limit <= MAX_ROWS or self.offset < 0:
            raise QueryError("pagination", f"limit 1 to {MAX_ROWS}, offset from 0")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report: dimension values and metric values in the order of the query."""

    dimensions: tuple[str, ...]
    metrics: tuple[int | float | None, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a query."""

    query: Query
    rows: tuple[Row, ...]


class Stats:
    """Answers queries. Blocks: call it in a thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def report(self, query: Query) -> Report:
        """Answer a query as of one moment."""
        with self._store.snapshot() as session:
            return Report(query, tuple(_row(query, values) for values in _answer(session, query)))

    def current_visitors(self, site: int, now: datetime) -> int:
        """Return how many visitors did something in the last five minutes."""
        since = now - CURRENT_VISITORS_WINDOW
        with self._store.snapshot() as session:
            ((visitors,),) = session.run(
                "current_visitors",
                site=site,
                since_us=int(since.timestamp() * 1_000_000),
                until_us=int(now.timestamp() * 1_000_000),
            )
        return int(visitors)

    def first_date(self, site: int) -> date | None:
        """Return the first local date anything was counted on; None for a site without events."""
        with self._store.snapshot() as session:
            ((first,),) = session.run("first_date", site=site)
        return first if isinstance(first, date) else None

    def rekeyed(self, site: int) -> frozenset[date]:
        """Return the dates on which a day key was made anew: returning visitors count twice."""
        with self._store.snapshot() as session:
            return frozenset(day for (day,) in session.run("rekeyed_dates", site=site))


def _answer(session: Session, query: Query) -> list[tuple[Any, ...]]:
    if Dimension.PAGE in query.dimensions:
        text = statement("report_pages")
    elif query.dimensions == (Dimension.HOUR,):
        text = statement("report_hours")
    else:
        text = statement("report_visits")
    other = next((d for d in query.dimensions if d not in _TIME), None)
    time = next((d for d in query.dimensions if d in _TIME), None)
    parts = {
        "other": _COLUMNS[other] if other else "''",
        "time": _TIME_LABELS[time] if time else "''",
        "hour": "hour" if time is Dimension.HOUR else "0",
        "order": _order(query),
    }
    rows = session.query(
        re.sub(r"/\*(\w+)\*/", lambda match: parts[match[1]], text),
        site=query.site,
        first=query.period.first,
        last=query.period.last,
        limit=query.limit,
        offset=query.offset,
    )
    return rows if rows or query.dimensions else [_NOTHING]


def _order(query: Query) -> str:
    """Return an ORDER BY list of closed names; dimensions last, so that the order is total."""
    order = query.order_by
    if not order:
        has_time = any(dimension in _TIME for dimension in query.dimensions)
        order = () if has_time else ((query.metrics[0], True),)
    names = [
        f"{_result_column(key)} {'DESC NULLS LAST' if descends else 'ASC NULLS FIRST'}"
        for key, descends in order
    ]
    return ", ".join([*names, "time", "other"])


def _result_column(key: Metric | Dimension) -> str:
    if isinstance(key, Metric):
        return key.value
    return "time" if key in _TIME else "other"


def _row(query: Query, values: tuple[Any, ...]) -> Row:
    """Pick what was asked for from a row (time, other, every metric in the order of the enum)."""
    time, other, *metrics = values
    by_metric = dict(zip(Metric, metrics, strict=True))
    return Row(
        tuple(str(time if dimension in _TIME else other) for dimension in query.dimensions),
        tuple(by_metric[metric] for metric in query.metrics),
    )
