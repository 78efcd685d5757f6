"""What can be asked about a site's numbers: metrics, dimensions, filters, a period.

Definitions: a visitor is one token of one local day, so visitors are summed over days. Visits with
an event filter are those that contain such an event; their bounce rate is of those that entered on
a page the filter lets through. Visits belong to the hour they started in, all else to its own.
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

MAX_ROWS: Final = 10_000
MAX_DIMENSIONS: Final = 6
MAX_CONDITIONS: Final = 50
MAX_VALUES: Final = 500  # of one condition
_VALUE_MAX_CHARACTERS = 2_000
_DEPTH_MAX = 10


class QueryError(ValueError):
    """A question that cannot be answered. `field` is the part of the query that is at fault."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


class TooSlowError(Exception):
    """A question took too long, or waited too long for another one; the message is for people."""


class TooDemandingError(TooSlowError):
    """An answer takes more memory than it may; given up like one that takes too long."""

    def __init__(self) -> None:
        super().__init__(
            "This takes more memory than memory_limit allows. Ask about a shorter period, or with"
            " fewer dimensions and filters."
        )


class TooLargeError(Exception):
    """An answer takes more memory than it may to be written down; the message is for people."""


class Metric(StrEnum):
    """What can be counted."""

    VISITORS = "visitors"
    VISITS = "visits"
    PAGEVIEWS = "pageviews"
    EVENTS = "events"  # pageviews and custom events
    VIEWS_PER_VISIT = "views_per_visit"  # None without visits
    BOUNCE_RATE = "bounce_rate"  # per cent; None without visits
    VISIT_DURATION = "visit_duration"  # seconds; None without visits
    TIME_ON_PAGE = "time_on_page"  # engaged seconds by visit and page; None without pageviews
    SCROLL_DEPTH = "scroll_depth"  # per cent of the page by visit and page; None without pageviews
    PERCENTAGE = "percentage"  # of the visitors of the same query without dimensions


# What counts; every other metric is a mean or a share, which nothing has none of.
COUNTS: Final = frozenset({Metric.VISITORS, Metric.VISITS, Metric.PAGEVIEWS, Metric.EVENTS})


class Dimension(StrEnum):
    """What numbers can be broken down by, apart from the properties of events."""

    PAGE = "event:page"
    EVENT_HOSTNAME = "event:hostname"
    NAME = "event:name"
    ENTRY_PAGE = "visit:entry_page"
    EXIT_PAGE = "visit:exit_page"
    HOSTNAME = "visit:entry_page_hostname"
    EXIT_HOSTNAME = "visit:exit_page_hostname"
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
    WEEK = "time:week"  # its Monday, or the period's first day if that is later
    MONTH = "time:month"  # its first day
    HOUR_OF_DAY = "time:hour_of_day"  # "00" to "23"
    WEEKDAY = "time:weekday"  # "1", Monday, to "7"
    HOUR_OF_WEEK = "time:hour_of_week"  # "1 00", Monday after midnight, to "7 23"


@dataclass(frozen=True, slots=True)
class Property:
    """What a site says about its events under one name, as a dimension; "" where it says none."""

    name: str

    @property
    def value(self) -> str:
        """How it is written in a query."""
        return f"event:props:{self.name}"


Field = Dimension | Property

TIMES: Final = frozenset(
    {
        Dimension.HOUR, Dimension.DAY, Dimension.WEEK, Dimension.MONTH, Dimension.HOUR_OF_DAY,
        Dimension.WEEKDAY, Dimension.HOUR_OF_WEEK,
    }
)  # fmt: skip
_OF_EVENTS = frozenset({Dimension.PAGE, Dimension.EVENT_HOSTNAME, Dimension.NAME})
_OF_PAGES = frozenset({Metric.TIME_ON_PAGE, Metric.SCROLL_DEPTH})


def is_of_events(field: Field) -> bool:
    """Tell whether a field says something about single events rather than whole visits."""
    return isinstance(field, Property) or field in _OF_EVENTS


class Operator(StrEnum):
    """How a condition compares; what it may not be is `Not` of one of these."""

    IS = "is"
    CONTAINS = "contains"
    MATCHES = "matches"  # anywhere, by RE2's rules


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the values is, is in, or matches what a field says.

    Raises:
        QueryError: it names no value, too many or too long ones, or compares a time.
    """

    operator: Operator
    field: Field
    values: tuple[str, ...]
    case_sensitive: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be compared."""
        if self.field in TIMES:
            raise QueryError("filters", f"{self.field.value} is chosen by date_range")
        if not 0 < len(self.values) <= MAX_VALUES:
            raise QueryError("filters", f"1 to {MAX_VALUES} values for {self.field.value}")
        if any(len(value) > _VALUE_MAX_CHARACTERS for value in self.values):
            raise QueryError("filters", f"a value has at most {_VALUE_MAX_CHARACTERS:,} characters")


@dataclass(frozen=True, slots=True)
class All:
    """Every one of the filters lets it through; so does none at all."""

    filters: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of the filters lets it through."""

    filters: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The filter does not let it through."""

    filter: "Filter"


@dataclass(frozen=True, slots=True)
class Done:
    """The visit contains, within the period, an event that the filter lets through."""

    filter: "Filter"


Filter = Condition | All | Either | Not | Done
EVERYTHING: Final = All(())


def conditions(found: Filter, *, within_done: bool = True) -> tuple[Condition, ...]:
    """Return the conditions a filter is made of; without those about what a visit has done."""
    match found:
        case Condition():
            return (found,)
        case Done(inner):
            return conditions(inner) if within_done else ()
        case Not(inner):
            return conditions(inner, within_done=within_done)
        case All(inner) | Either(inner):
            return tuple(c for each in inner for c in conditions(each, within_done=within_done))


def _depth(found: Filter) -> int:
    match found:
        case Condition():
            return 1
        case Done(inner) | Not(inner):
            return 1 + _depth(inner)
        case All(inner) | Either(inner):
            return 1 + max(map(_depth, inner), default=0)


@dataclass(frozen=True, slots=True)
class Period:
    """Local days of a site, both ends included; of the first and last the hours that are named."""

    first: date
    last: date
    first_hour: int = 0
    last_hour: int = 23

    @property
    def is_whole(self) -> bool:
        """Tell whether it is made of whole days."""
        return (self.first_hour, self.last_hour) == (0, 23)


@dataclass(frozen=True, slots=True)
class Query:
    """A question about one site.

    `order_by` pairs a metric or dimension with whether it descends; without one, time ascends and
    all else descends by the first metric. `compared_with` is another period to ask about.

    Raises:
        QueryError: something in it cannot be answered.
    """

    site: int
    metrics: tuple[Metric, ...]
    dimensions: tuple[Field, ...]
    period: Period
    filters: Filter = EVERYTHING
    compared_with: Period | None = None
    order_by: tuple[tuple[Metric | Field, bool], ...] = ()
    limit: int = MAX_ROWS
    offset: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be answered."""
        if not self.metrics or len(set(self.metrics)) < len(self.metrics):
            raise QueryError("metrics", "name at least one, each once")
        self._check_dimensions()
        self._check_filters()
        if (self.period.last, self.period.last_hour) < (self.period.first, self.period.first_hour):
            raise QueryError("date_range", "it ends before it begins")
        for key, _ in self.order_by:
            if key not in self.metrics and key not in self.dimensions:
                raise QueryError("order_by", f"{key.value} is no metric or dimension asked for")
        if not 0 < self.limit <= MAX_ROWS or self.offset < 0:
            raise QueryError("pagination", f"limit 1 to {MAX_ROWS}, offset from 0")

    def _check_dimensions(self) -> None:
        if len(set(self.dimensions)) < len(self.dimensions):
            raise QueryError("dimensions", "name each only once")
        if len(self.dimensions) > MAX_DIMENSIONS:
            raise QueryError("dimensions", f"at most {MAX_DIMENSIONS}")
        if len(TIMES.intersection(self.dimensions)) > 1:
            raise QueryError("dimensions", "at most one of time")

    def _check_filters(self) -> None:
        if _depth(self.filters) > _DEPTH_MAX or len(conditions(self.filters)) > MAX_CONDITIONS:
            limits = f"at most {MAX_CONDITIONS} conditions, {_DEPTH_MAX} levels deep"
            raise QueryError("filters", limits)
        named = {c.field for c in conditions(self.filters, within_done=False)}
        if Dimension.PAGE not in named | set(self.dimensions):
            for metric in self.metrics:
                if metric in _OF_PAGES:
                    needed = f"{metric} needs event:page among the dimensions or filters"
                    raise QueryError("metrics", needed)

    @property
    def conditions(self) -> int:
        """Count what narrows the answer down: conditions, and dimensions other than time."""
        narrowing = [field for field in self.dimensions if field not in TIMES]
        return len(conditions(self.filters)) + len(narrowing)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a report: dimension values and metric values in the order of the query.

    `is_hidden` tells that it is about too few visitors: all its metrics are None. `compared` is
    the row of the same values and the same place in the other period, if that has such a place.
    """

    dimensions: tuple[str, ...]
    metrics: tuple[int | float | None, ...]
    is_hidden: bool = False
    compared: "Row | None" = None


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to a query."""

    query: Query
    rows: tuple[Row, ...]
