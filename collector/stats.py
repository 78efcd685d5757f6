"""From a question about a site's numbers to a report: `Query` -> `Report`.

Sealed days answer from their rollups where they can; all else is summed up from rows, see sums.py.
Visitors are counted by day and then summed.
"""

import contextlib
import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import floor
from typing import Any, Final

from collector.filters import ACTIONS_OF_VISITS
from collector.question import (
    EVERYTHING,
    MAX_ROWS,
    TIMES,
    Dimension,
    Field,
    Metric,
    Operator,
    Period,
    Property,
    Query,
    QueryError,
    Report,
    Row,
    TooSlowError,
    conditions,
)
from collector.store import Session, Store, StoreError, StoreInterruptedError, statement
from collector.sums import WITHIN_DAYS, Side, Sums, composed, listed, stored, sums, times

CURRENT_VISITORS_WINDOW = timedelta(minutes=5)
# Of sums by day; the percentage comes out of the visitors of two answers.
_METRICS: Final = {
    Metric.VISITORS: "coalesce(sum(visitors), 0)::BIGINT",
    Metric.VISITS: "coalesce(sum(visits), 0)::BIGINT",
    Metric.PAGEVIEWS: "coalesce(sum(pageviews), 0)::BIGINT",
    Metric.EVENTS: "coalesce(sum(events), 0)::BIGINT",
    Metric.VIEWS_PER_VISIT: "mean(sum(pageviews), sum(visits), 100)",
    Metric.BOUNCE_RATE: "mean(100 * sum(bounces), sum(entries), 10)",
    Metric.VISIT_DURATION: "mean(sum(duration_s), sum(visits), 10)",
    Metric.TIME_ON_PAGE: "mean(sum(engaged_s), sum(readings), 10)",
    Metric.SCROLL_DEPTH: "mean(10 * sum(scroll), sum(readings), 10)",
}
_PAGES = frozenset({"page", "entry_page", "exit_page"})
_WITHIN_MONTHS = frozenset({Dimension.DAY, Dimension.WEEK, Dimension.WEEKDAY})
_NAMED = re.compile(r"\$(\w+)")
# What of an hour ({0}) and the date is written in an answer.
_TIME_LABELS: Mapping[Field, str] = {
    Dimension.HOUR: "strftime(date + to_hours({0}::BIGINT), '%Y-%m-%d %H:00:00')",
    Dimension.DAY: "strftime(date, '%Y-%m-%d')",
    Dimension.WEEK: "strftime(greatest(date_trunc('week', date), $first), '%Y-%m-%d')",
    Dimension.MONTH: "strftime(date_trunc('month', date), '%Y-%m-%d')",
    Dimension.HOUR_OF_DAY: "lpad({0}::VARCHAR, 2, '0')",
    Dimension.WEEKDAY: "isodow(date)::VARCHAR",
}


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
            TooSlowError: it took longer than it may.
        """
        try:
            with self.turn(query), self._store.snapshot(self._limit_s) as session:
                return self._report(session, query)
        except StoreInterruptedError:
            raise TooSlowError(
                f"This took longer than {self._limit_s:.0f} s. Ask about a shorter period, or with"
                " fewer dimensions and filters."
            ) from None

    @contextlib.contextmanager
    def turn(self, query: Query) -> Iterator[None]:
        """Wait until a question may be asked; those that sums by day answer need not wait.

        Raises:
            TooSlowError: others took too long.
        """
        if _rolled(query) is not None:
            yield
            return
        if not self._heavy.acquire(timeout=self._limit_s):
            raise TooSlowError("Other questions are being answered. Try again in a moment.")
        try:
            yield
        finally:
            self._heavy.release()

    def _report(self, session: Session, query: Query) -> Report:
        _check_patterns(session, query)
        rows = self._rows(session, query)
        if query.compared_with is not None:
            other = _other(query, query.compared_with)
            others = Report(other, tuple(self._rows(session, other)))
            rows = _compared(rows, query.period, others)
        return Report(query, tuple(rows))

    def _rows(self, session: Session, query: Query) -> list[Row]:
        everybody = 0
        if Metric.PERCENTAGE in query.metrics:
            whole = replace(query, metrics=(Metric.VISITORS,), dimensions=(), order_by=(), offset=0)
            ((everybody, *_),) = _answer(session, whole)
        # One alone singles nobody out. With a least of one nothing is hidden, not even a zero.
        hides = query.conditions > 1 and self.least_visitors > 1
        least = self.least_visitors if hides else 0
        return [_row(query, values, everybody, least) for values in _answer(session, query)]

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


def _check_patterns(session: Session, query: Query) -> None:
    for condition in conditions(query.filters):
        if condition.operator is Operator.MATCHES:
            for pattern in condition.values:
                try:
                    session.run("try_pattern", pattern=pattern)
                except StoreInterruptedError:
                    raise
                except StoreError:
                    raise QueryError("filters", f"{pattern!r} is no pattern RE2 knows") from None


def _answer(session: Session, query: Query) -> list[tuple[Any, ...]]:
    """Take sealed days from their sums where those hold the answer, all else from the rows."""
    period = query.period
    span = {"site": query.site, "first": period.first, "last": period.last}
    ((since, until),) = session.run("unsealed_span", **span)
    values: dict[str, object] = {
        **span, "since": since, "until": until, "first_hour": period.first_hour,
        "last_hour": period.last_hour, "limit": query.limit, "offset": query.offset,
    }  # fmt: skip
    parts = [_rolled_sums(session, query) or sums(query, Side.SEALED)]
    if since is not None:
        parts.append(sums(query, Side.UNSEALED))
    text = composed(
        statement("report"),
        {
            "sums": f"({' UNION ALL BY NAME '.join(f'({part.text})' for part in parts)})",
            "keys": listed(_labels(query.dimensions)),
            "metrics": ", ".join(f"{_METRICS[metric]} AS {metric}" for metric in _needed(query)),
            "order": _order(query),
        },
    )
    for part in parts:
        values |= part.values
    named = set(_NAMED.findall(text))
    return session.query(text, **{name: value for name, value in values.items() if name in named})


def _rolled_sums(session: Session, query: Query) -> Sums | None:
    """Return what was summed up when days were sealed, where that holds the answer."""
    rolled = _rolled(query)
    if rolled is None:
        return None
    values: dict[str, object] = {"rolled": rolled}
    if rolled in _PAGES:
        since = None
        if _WITHIN_MONTHS.isdisjoint(query.dimensions):
            ((since, until),) = session.run(
                "whole_months", site=query.site, first=query.period.first, last=query.period.last
            )
        # Without whole months: a span that no day lies in.
        values |= {
            "whole_since": since or date.max, "whole_until": until if since else date.min,
        }  # fmt: skip
    name = "sums_of_page_rollups" if rolled in _PAGES else "sums_of_rollups"
    parts = {
        "times": times(query),
        "rolled_key": listed(f"value AS d{n}" for n, _ in stored(query)),
    }
    return Sums(composed(statement(name), parts), values)


def _rolled(query: Query) -> str | None:
    """Return under which name sums by day hold the answer; None where they do not."""
    if query.filters != EVERYTHING or not query.period.is_whole:
        return None
    fields = [field for _, field in stored(query)]
    if len(fields) > 1 or any(isinstance(field, Property) for field in fields):
        return None
    if not fields:
        return "total"
    (field,) = fields
    if field in WITHIN_DAYS:
        return "hour"
    return "page" if field is Dimension.PAGE else ACTIONS_OF_VISITS[field].name


def _needed(query: Query) -> list[Metric]:
    """Return the metrics to be worked out, visitors always: small numbers of them are hidden."""
    return [m for m in _METRICS if m in query.metrics or m is Metric.VISITORS]


def _labels(dimensions: Sequence[Field]) -> list[str]:
    plain = "{0}"
    return [
        f"{_TIME_LABELS.get(field, plain).format(f'd{n}')} AS k{n}"
        for n, field in enumerate(dimensions)
    ]


def _order(query: Query) -> str:
    """Return an ORDER BY list of closed names; dimensions last, so that the order is total."""
    order = query.order_by
    if not order:
        has_time = not TIMES.isdisjoint(query.dimensions)
        times = tuple((field, False) for field in query.dimensions if field in TIMES)
        order = times if has_time else ((query.metrics[0], True),)
    names = [
        f"{_result_column(query, key)} {'DESC NULLS LAST' if descends else 'ASC NULLS FIRST'}"
        for key, descends in order
    ]
    return ", ".join([*names, *(f"k{n}" for n in range(len(query.dimensions)))])


def _result_column(query: Query, key: Metric | Field) -> str:
    if isinstance(key, Metric):
        return Metric.VISITORS.value if key is Metric.PERCENTAGE else key.value
    return f"k{query.dimensions.index(key)}"


def _row(query: Query, values: tuple[Any, ...], everybody: int, least: int) -> Row:
    """Pick what was asked for from a row: dimensions, then the metrics that were needed."""
    count = len(query.dimensions)
    metrics = dict(zip(_needed(query), values[count:], strict=True))
    visitors = metrics[Metric.VISITORS]
    metrics[Metric.PERCENTAGE] = _percentage(visitors, everybody)
    is_hidden = visitors < least
    return Row(
        tuple(map(str, values[:count])),
        tuple(None if is_hidden else metrics[metric] for metric in query.metrics),
        is_hidden,
    )


def _percentage(part: int, whole: int) -> float | None:
    """Return a share in per cent with one decimal, halves up; None of nothing."""
    return floor(Fraction(1000 * part, whole) + Fraction(1, 2)) / 10 if whole else None


def _other(query: Query, period: Period) -> Query:
    return replace(query, period=period, compared_with=None, order_by=(), limit=MAX_ROWS, offset=0)


def _compared(rows: Iterable[Row], period: Period, others: Report) -> list[Row]:
    """Put beside each row the one of the other period: of the same place in it, if it has time."""
    query = others.query
    theirs = {_place(row, query.dimensions, query.period): row for row in others.rows}
    return [
        replace(row, compared=theirs.get(_place(row, query.dimensions, period))) for row in rows
    ]


def _place(row: Row, dimensions: Sequence[Field], period: Period) -> tuple[str | int, ...]:
    """Return a row's values, a moment as how many hours, days, weeks or months have passed."""
    return tuple(
        _passed(value, field, period.first)
        for value, field in zip(row.dimensions, dimensions, strict=True)
    )


def _passed(value: str, field: Field, first: date) -> str | int:
    if field not in TIMES or field in {Dimension.HOUR_OF_DAY, Dimension.WEEKDAY}:
        return value
    moment = datetime.fromisoformat(value)
    days = (moment.date() - first).days
    if field is Dimension.HOUR:
        return days * 24 + moment.hour
    if field is Dimension.WEEK:
        return (days + first.weekday()) // 7
    if field is Dimension.MONTH:
        return (moment.year - first.year) * 12 + moment.month - first.month
    return days
