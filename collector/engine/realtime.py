"""The last minutes of a site, by the minute: answered from the live store alone.

Sealed days have no minutes, but a day is sealed 35 minutes after it ended, and these are at most
30. Visits are still going on, so nothing is said about how long they last and how they end.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum, StrEnum
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

from collector.engine.filters import ACTIONS_OF_VISITS, Writer, check_patterns
from collector.engine.phrases import composed, listed, subquery
from collector.question import (
    TIMES,
    Field,
    Metric,
    Query,
    QueryError,
    Row,
    TooDemandingError,
    TooSlowError,
)
from collector.session import StoreInterruptedError, StoreMemoryError, statement
from collector.store import Store

METRICS: Final = (Metric.VISITORS, Metric.VISITS, Metric.PAGEVIEWS, Metric.EVENTS)
_MINUTE_S = 60


class Window(StrEnum):
    """The stretches there are, by Plausible's names for them."""

    FIVE_MINUTES = "realtime"
    HALF_AN_HOUR = "realtime_30m"

    @property
    def length(self) -> timedelta:
        """How long it is."""
        return timedelta(minutes=5 if self is Window.FIVE_MINUTES else 30)


class Minute(Enum):
    """The time dimension there is: "2026-11-24 13:05:00", local to the site."""

    MINUTE = "time:minute"


Column = Field | Minute


@dataclass(frozen=True, slots=True)
class Recent:
    """A question about the last minutes.

    `query` says what of which site; its dimensions are those of `dimensions` but for the minute,
    and neither its period nor its order is looked at.

    Raises:
        QueryError: something in it cannot be answered.
    """

    query: Query
    dimensions: tuple[Column, ...]
    order_by: tuple[tuple[Metric | Column, bool], ...]
    window: Window
    now: datetime
    timezone: str

    def __post_init__(self) -> None:
        """Refuse what cannot be answered."""
        for metric in self.query.metrics:
            if metric not in METRICS:
                known = ", ".join(METRICS)
                raise QueryError("metrics", f"visits of the last minutes go on: ask for {known}")
        if not TIMES.isdisjoint(self.query.dimensions):
            raise QueryError("dimensions", "the last minutes are told apart by time:minute alone")
        if len(set(self.dimensions)) < len(self.dimensions):
            raise QueryError("dimensions", "name each only once")

    @property
    def since(self) -> datetime:
        """The first moment asked about."""
        return self.now - self.window.length

    @property
    def conditions(self) -> int:
        """Count what narrows the answer down; a minute does, unlike an hour."""
        return self.query.conditions + (Minute.MINUTE in self.dimensions)

    def labels(self) -> list[str]:
        """Return every minute, also those in which nothing happened."""
        first, last = (int(at.timestamp()) // _MINUTE_S for at in (self.since, self.now))
        return [_label(minute, self.timezone) for minute in range(first, last + 1)]


class Realtime:
    """Answers questions about the last minutes. Blocks: call it in a thread.

    Args:
        least_visitors: a row about fewer is hidden where two or more of conditions and dimensions,
            minutes among them, narrow it down; 1 hides none.
        limit_s: how long an answer may take.
    """

    def __init__(self, store: Store, least_visitors: int = 1, limit_s: float = 30.0) -> None:
        self._store = store
        self._least_visitors = least_visitors
        self._limit_s = limit_s

    def rows(self, asked: Recent) -> list[Row]:
        """Return all rows in their order; limit and offset are the caller's.

        Raises:
            QueryError: a pattern is none.
            TooSlowError: it took longer than it may.
        """
        text, values = _statement(asked)
        try:
            with self._store.snapshot(self._limit_s) as session:
                check_patterns(session, asked.query.filters)
                found = session.query(text, **values)
        except StoreInterruptedError:
            raise TooSlowError(f"This took longer than {self._limit_s:.0f} s.") from None
        except StoreMemoryError:
            raise TooDemandingError from None
        return [self._row(asked, values) for values in _ordered(asked, found)]

    def _row(self, asked: Recent, values: tuple[Any, ...]) -> Row:
        dimensions = (
            _label(value, asked.timezone) if column is Minute.MINUTE else str(value)
            for column, value in zip(asked.dimensions, values, strict=False)
        )
        numbers = _numbers(asked, values)
        hides = asked.conditions > 1 and self._least_visitors > 1
        is_hidden = hides and numbers[Metric.VISITORS] < self._least_visitors
        metrics = (None if is_hidden else numbers[metric] for metric in asked.query.metrics)
        return Row(tuple(dimensions), tuple(metrics), is_hidden)


def _statement(asked: Recent) -> tuple[str, dict[str, object]]:
    writer = Writer(subquery("realtime_actions"), "live")
    keys = (
        f"minute AS d{n}"
        if isinstance(column, Minute)
        else f"{writer.column(column, ACTIONS_OF_VISITS)} AS d{n}"
        for n, column in enumerate(asked.dimensions)
    )
    parts = {
        "keys": listed(keys),
        "actions": subquery("realtime_actions"),
        "where": writer.condition(asked.query.filters, ACTIONS_OF_VISITS),
    }
    text = composed(statement("realtime"), parts)
    return text, writer.values | {
        "site": asked.query.site,
        "since_us": int(asked.since.timestamp() * 1_000_000),
        "until_us": int(asked.now.timestamp() * 1_000_000),
    }


def _numbers(asked: Recent, values: tuple[Any, ...]) -> dict[Metric, int]:
    return dict(zip(METRICS, values[len(asked.dimensions) :], strict=True))


def _ordered(asked: Recent, rows: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Put rows into the order asked for; by their dimensions, where that leaves it open."""
    rows = sorted(rows, key=lambda row: row[: len(asked.dimensions)])
    for key, descends in reversed(asked.order_by):
        rows.sort(key=partial(_value, asked, key), reverse=descends)
    return rows


def _value(asked: Recent, key: Metric | Column, row: tuple[Any, ...]) -> str | int:
    if isinstance(key, Metric):
        return _numbers(asked, row)[key]
    value: str | int = row[asked.dimensions.index(key)]
    return value


def _label(minute: int, timezone: str) -> str:
    local = datetime.fromtimestamp(minute * _MINUTE_S, UTC).astimezone(ZoneInfo(timezone))
    return f"{local:%Y-%m-%d %H:%M:%S}"
