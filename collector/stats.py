"""From a question about a site's numbers to a report: `Query` -> `Report`.

Visitors are counted by day and then summed. How the numbers are found is in answers.py.
"""

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from math import floor
from typing import Any

from collector.engine.answers import Answers
from collector.engine.columns import is_rolled, needed
from collector.engine.filters import check_patterns
from collector.parquet import PARQUET_MIB, as_parquet
from collector.question import (
    COUNTS,
    MAX_ROWS,
    Dimension,
    Field,
    Metric,
    Period,
    Query,
    Report,
    Row,
    TooDemandingError,
    TooLargeError,
    TooSlowError,
)
from collector.session import Session, StoreInterruptedError, StoreMemoryError
from collector.store import Store

CURRENT_VISITORS_WINDOW = timedelta(minutes=5)
# Times that come once, and so can be counted from the beginning of a period.
_PASSING = frozenset({Dimension.HOUR, Dimension.DAY, Dimension.WEEK, Dimension.MONTH})


@dataclass(frozen=True, slots=True)
class Glance:
    """What a list of sites tells of one: its visitors, and since when it has any."""

    by_day: Mapping[date, int]  # days without visitors may be missing
    current: int  # of the last five minutes
    began: date | None


class Stats:
    """Answers queries. Blocks: call it in a thread.

    Args:
        least_visitors: a row about fewer is hidden where two or more conditions and dimensions
            narrow it down; 1 hides none.
        limit_s: how long an answer may take. Questions that sums by day do not answer come one at
            a time, so that the memory DuckDB may use is one question's.
    """

    def __init__(self, store: Store, least_visitors: int = 1, limit_s: float = 30.0) -> None:
        self._store = store
        self.least_visitors = least_visitors
        self._limit_s = limit_s
        self._heavy = threading.Lock()

    def report(self, query: Query) -> Report:
        """Answer a query as of one moment.

        Raises:
            QueryError: a pattern is none.
            TooSlowError: it took longer, or more memory, than it may.
        """
        (report,) = self.reports([query])
        if isinstance(report, TooSlowError):
            raise report
        return report

    def reports(self, queries: Sequence[Query]) -> list[Report | TooSlowError]:
        """Answer the questions of one page as of one moment, all within the time of one.

        Sooner than one by one: what several of them need is worked out once. In place of those for
        which there was no time or memory left stands the error.

        Raises:
            QueryError: a pattern is none.
        """
        answered: list[Report | TooSlowError] = []
        try:
            with self.turn(queries), self._asking() as session:
                answers = Answers(session, [*queries, *filter(None, map(_other, queries))])
                answered.extend(self._report(session, answers, query) for query in queries)
        except TooSlowError as late:
            return answered + [late] * (len(queries) - len(answered))
        return answered

    def count(self, query: Query) -> int:
        """Return how many rows the answer to a query has, whatever its limit.

        Raises:
            QueryError: a pattern is none.
            TooSlowError: it took longer than it may.
        """
        with self.turn([query]), self._asking() as session:
            check_patterns(session, query.filters)
            return Answers(session, [query]).count(query)

    @contextlib.contextmanager
    def _asking(self) -> Iterator[Session]:
        """Look at one moment, for as long as an answer may take."""
        try:
            with self._store.snapshot(self._limit_s) as session:
                yield session
        except StoreInterruptedError:
            raise TooSlowError(
                f"This took longer than {self._limit_s:.0f} s. Ask about a shorter period, or with"
                " fewer dimensions and filters."
            ) from None
        except StoreMemoryError:
            raise TooDemandingError from None

    @contextlib.contextmanager
    def turn(self, queries: Sequence[Query]) -> Iterator[None]:
        """Wait until questions may be asked; those that sums by day answer need not wait.

        Raises:
            TooSlowError: others took too long.
        """
        if all(map(is_rolled, queries)):
            yield
            return
        if not self._heavy.acquire(timeout=self._limit_s):
            raise TooSlowError("Other questions are being answered. Try again in a moment.")
        try:
            yield
        finally:
            self._heavy.release()

    def _report(self, session: Session, answers: Answers, query: Query) -> Report:
        check_patterns(session, query.filters)
        rows = self._rows(answers, query, answers.to(query))
        if (other := _other(query)) is not None:
            rows = self._compared(answers, rows, query.period, other)
        return Report(query, tuple(rows))

    def _compared(
        self, answers: Answers, rows: Sequence[Row], period: Period, other: Query
    ) -> list[Row]:
        """Put beside each row the one of the other period: of the same place in it, if it has time.

        That one is asked for by name: among all of the other period it may come anywhere.
        """
        places = [_there(row, other, period.first) for row in rows]
        wanted = [place for place in places if place is not None]
        if not other.dimensions or not wanted:
            found = answers.to(other)
        else:
            found = answers.among(other, wanted)
        theirs = {row.dimensions: row for row in self._rows(answers, other, found)}
        nothing = tuple(0 if metric in COUNTS else None for metric in other.metrics)
        return [
            row if place is None else replace(row, compared=theirs.get(place, Row(place, nothing)))
            for row, place in zip(rows, places, strict=True)
        ]

    def _rows(self, answers: Answers, query: Query, found: Sequence[tuple[Any, ...]]) -> list[Row]:
        everybody = 0
        if Metric.PERCENTAGE in query.metrics:
            whole = replace(query, metrics=(Metric.VISITORS,), dimensions=(), order_by=(), offset=0)
            ((everybody, *_),) = answers.to(whole)
        # One alone singles nobody out. With a least of one nothing is hidden, not even a zero.
        hides = query.conditions > 1 and self.least_visitors > 1
        least = self.least_visitors if hides else 0
        return [*_picked(query, found, everybody, least)]

    def current_visitors(self, site: int, now: datetime) -> int:
        """Return how many visitors did something in the last five minutes."""
        with self._store.snapshot() as session:
            return _current(session, [site], now).get(site, 0)

    def first_date(self, site: int) -> date | None:
        """Return the first local date anything was counted on; None for a site without events."""
        with self._store.snapshot() as session:
            return _first_dates(session, [site]).get(site)

    def glances(self, sites: Sequence[int], period: Period, now: datetime) -> dict[int, Glance]:
        """Return, of several sites as of one moment, what a list of them tells of each.

        Raises:
            TooSlowError: it took longer than it may.
        """
        by_day: dict[int, dict[date, int]] = {site: {} for site in sites}
        with self._asking() as session:
            for site, day, visitors in session.run(
                "daily_visitors", sites=sites, first=period.first, last=period.last
            ):
                by_day[site][day] = visitors
            current, began = _current(session, sites, now), _first_dates(session, sites)
        return {site: Glance(by_day[site], current.get(site, 0), began.get(site)) for site in sites}

    def rekeyed(self, site: int) -> frozenset[date]:
        """Return the dates on which a day key was made anew: returning visitors count twice."""
        with self._store.snapshot() as session:
            return frozenset(day for (day,) in session.run("rekeyed_dates", site=site))


def _current(session: Session, sites: Sequence[int], now: datetime) -> dict[int, int]:
    since = now - CURRENT_VISITORS_WINDOW
    return dict(
        session.run(
            "current_visitors",
            sites=sites,
            since_us=int(since.timestamp() * 1_000_000),
            until_us=int(now.timestamp() * 1_000_000),
        )
    )


def _first_dates(session: Session, sites: Sequence[int]) -> dict[int, date]:
    return dict(session.run("first_dates", sites=sites))


def parquet(
    columns: Sequence[tuple[str, type]],
    rows: Iterable[Sequence[object]],
    about: str,
    memory_limit_mib: int = PARQUET_MIB,
) -> bytes:
    """Return an answer as a Parquet file, see `as_parquet`. Blocks.

    Raises:
        TooLargeError: that takes more memory than it may.
    """
    try:
        return as_parquet(columns, rows, about, memory_limit_mib)
    except StoreMemoryError:
        raise TooLargeError("too much for a Parquet file: ask for fewer rows") from None


def _picked(
    query: Query, rows: Iterable[tuple[Any, ...]], everybody: int, least: int
) -> Iterator[Row]:
    """Pick what was asked for from rows: dimensions, then the metrics that were needed."""
    count, columns = len(query.dimensions), needed(query)
    places = {metric: count + n for n, metric in enumerate(columns)}
    at_visitors = places[Metric.VISITORS]
    # The percentage is the only one that is no column.
    asked = [places.get(metric) for metric in query.metrics]
    nothing = (None,) * len(asked)
    for values in rows:
        visitors = values[at_visitors]
        is_hidden = visitors < least
        metrics = [_percentage(visitors, everybody) if n is None else values[n] for n in asked]
        yield Row(
            tuple(map(str, values[:count])), nothing if is_hidden else tuple(metrics), is_hidden
        )


def _percentage(part: int, whole: int) -> float | None:
    """Return a share in per cent with one decimal, halves up; None of nothing."""
    return floor(Fraction(1000 * part, whole) + Fraction(1, 2)) / 10 if whole else None


def _other(query: Query) -> Query | None:
    """Return the same question about the period to compare with."""
    if query.compared_with is None:
        return None
    period = query.compared_with
    return replace(query, period=period, compared_with=None, order_by=(), limit=MAX_ROWS, offset=0)


def _there(row: Row, other: Query, first: date) -> tuple[str, ...] | None:
    """Return what a row is called in another period; None if that ends before its place.

    Args:
        row: of a period that begins on the day `first`.
        other: the same question about the other period.
        first: the first day of the row's period.
    """
    named = []
    for value, field in zip(row.dimensions, other.dimensions, strict=True):
        if field not in _PASSING:
            named.append(value)
            continue
        at = _at(_passed(value, field, first), field, other.period.first)
        if not _is_within(at, field, other.period):
            return None
        named.append(at.isoformat(" ") if field is Dimension.HOUR else at.date().isoformat())
    return tuple(named)


def _passed(value: str, field: Field, first: date) -> int:
    """Return how many hours, days, weeks or months have passed since the beginning of a period."""
    moment = datetime.fromisoformat(value)
    days = (moment.date() - first).days
    if field is Dimension.HOUR:
        return days * 24 + moment.hour
    if field is Dimension.WEEK:
        return (days + first.weekday()) // 7
    if field is Dimension.MONTH:
        return (moment.year - first.year) * 12 + moment.month - first.month
    return days


def _at(passed: int, field: Field, first: date) -> datetime:
    """Return the beginning of the hour, day, week or month of that place in a period."""
    begin = datetime.combine(first, time.min)
    if field is Dimension.HOUR:
        return begin + timedelta(hours=passed)
    if field is Dimension.WEEK:
        return max(begin, begin + timedelta(days=7 * passed - first.weekday()))
    if field is Dimension.MONTH:
        months = first.year * 12 + first.month - 1 + passed
        return begin.replace(year=months // 12, month=months % 12 + 1, day=1)
    return begin + timedelta(days=passed)


def _is_within(at: datetime, field: Field, period: Period) -> bool:
    last_hour = period.last_hour if field is Dimension.HOUR else 23
    return at <= datetime.combine(period.last, time(last_hour))
