"""Answers to the queries of one page: what several of them need is worked out once.

Sealed days answer from their rollups where they can; all else is summed up from rows, see sums.py.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

from collector.filters import ACTIONS_OF_VISITS
from collector.question import EVERYTHING, TIMES, Dimension, Field, Metric, Property, Query
from collector.session import Session, statement
from collector.sums import (
    WITHIN_DAYS,
    Road,
    Side,
    Sums,
    composed,
    found_actions,
    found_visits,
    is_about_actions,
    is_by_arrival,
    listed,
    numbers_of,
    road,
    shared_columns,
    stored,
    sums,
    times,
    told_by_marks,
    visits_of,
)

# Of sums by day; the percentage comes out of the visitors of two answers.
_METRICS: Final = {
    Metric.VISITORS: "coalesce(total(visitors), 0)::BIGINT",
    Metric.VISITS: "coalesce(total(visits), 0)::BIGINT",
    Metric.PAGEVIEWS: "coalesce(total(pageviews), 0)::BIGINT",
    Metric.EVENTS: "coalesce(total(events), 0)::BIGINT",
    Metric.VIEWS_PER_VISIT: "mean(total(pageviews), total(visits), 100)",
    Metric.BOUNCE_RATE: "mean(100 * total(bounces), total(entries), 10)",
    Metric.VISIT_DURATION: "mean(total(duration_s), total(visits), 10)",
    Metric.TIME_ON_PAGE: "mean(total(engaged_s), total(readings), 10)",
    Metric.SCROLL_DEPTH: "mean(10 * total(scroll), total(readings), 10)",
}
# What always has a value, so that rows can be compared by it.
_ADDED_UP = frozenset(
    {Metric.VISITORS, Metric.VISITS, Metric.PAGEVIEWS, Metric.EVENTS, Metric.PERCENTAGE}
)
# Which columns of the sums by page are asked for, and which rows are of such a page: a visit
# without a pageview is said to enter at the page "", which nobody looked at.
_PAGES: Final[Mapping[str | None, tuple[str, str]]] = {
    "page": ("page_sums", "visits > 0"),
    "entry_page": ("entry_page_sums", "entries > 0"),
    "exit_page": ("exit_page_sums", "exits > 0"),
}
_WITHIN_WEEKS = frozenset({Dimension.DAY, Dimension.WEEK, Dimension.WEEKDAY})
_SPANS = ("quarter", "month", "week")  # that pages are summed up by, the longest first
_DAY = timedelta(days=1)
_NAMED = re.compile(r"\$(\w+)")
# What of an hour ({0}) and the date is written in an answer.
_TIME_LABELS: Mapping[Field, str] = {
    Dimension.HOUR: "strftime(date + to_hours({0}::BIGINT), '%Y-%m-%d %H:00:00')",
    Dimension.DAY: "strftime(date, '%Y-%m-%d')",
    Dimension.WEEK: "strftime(greatest(date_trunc('week', date), $first), '%Y-%m-%d')",
    Dimension.MONTH: "strftime(date_trunc('month', date), '%Y-%m-%d')",
    Dimension.HOUR_OF_DAY: "lpad({0}::VARCHAR, 2, '0')",
    Dimension.WEEKDAY: "isodow(date)::VARCHAR",
    Dimension.HOUR_OF_WEEK: "isodow(date)::VARCHAR || ' ' || lpad({0}::VARCHAR, 2, '0')",
}
_SEVERAL = 2  # queries that share something

_Rows = list[tuple[Any, ...]]


class Answers:
    """Answers queries as of the moment of a session; those that are to come are known beforehand.

    A row of an answer has the query's dimensions, then the metrics `needed` returns.
    """

    def __init__(self, session: Session, queries: Sequence[Query]) -> None:
        self._session = session
        self._queries = queries
        self._unsealed_spans: dict[tuple[object, ...], tuple[date | None, date | None]] = {}
        self._spans: dict[tuple[object, ...], _Rows] = {}
        self._found: dict[tuple[object, ...], _Found] = {}
        self._kept_actions: dict[tuple[object, ...], str] = {}
        self._answered: dict[Query, _Rows] = {}

    def to(self, query: Query) -> _Rows:
        """Answer one of the queries, or another one; what was asked before is at hand."""
        kind = _beside(query)
        panels = [other for other in self._queries if kind and _beside(other) == kind]
        if query not in self._answered:
            alone = len(panels) < _SEVERAL or query not in panels
            self._answered |= {query: self._alone(query)} if alone else self._side_by_side(panels)
        return self._answered[query]

    def _alone(self, query: Query) -> _Rows:
        if rolled(query) in _PAGES:
            return self._by_page(query)
        sealed = self._rolled_sums(query) or self._sums(query, Side.SEALED)
        return self._run("report", query, [sealed, *self._unsealed(query)])

    def _by_page(self, query: Query) -> _Rows:
        """Add up sums by page, which have numbers where others have texts."""
        ((n, _),) = stored(query)
        parts = list(self._rolled_pages(query))
        unsealed = self._unsealed(query)
        for part in unsealed:
            names = {"n": str(n), "sums": part.text}
            parts.append(replace(part, text=f"({composed(statement('numbered_pages'), names)})"))
        keys = [f"k{number}" for number in range(len(query.dimensions))]
        labels = [label for number, label in enumerate(_labels(query.dimensions)) if number != n]
        names = {
            "new_path": "new_path, " if unsealed else "",
            "path": "coalesce(new_path, path)" if unsealed else "path",
            "time_keys": listed(labels),
            "columns": ", ".join([*keys, *needed(query)]),
            "page_key": f"k{n}",
            "is_candidate": _is_candidate(query),
        }
        return self._run("report_pages", query, parts, names)

    def _side_by_side(self, queries: Sequence[Query]) -> dict[Query, _Rows]:
        """Answer queries that differ in what of the rollups they ask for."""
        names = {rolled(query): query for query in queries}
        parts = [Sums(f"({statement('sums_of_panels')})", {"panels": list(names)})]
        for name, query in names.items():
            parts += [
                Sums(f"(SELECT '{name}' AS panel, * FROM {part.text})", part.values)
                for part in self._unsealed(query)
            ]
        answers: dict[str | None, _Rows] = {name: [] for name in names}
        for panel, *row in self._run("report_panels", queries[0], parts):
            answers[panel].append(tuple(row))
        # Those that differ in nothing else, as in what they are compared with, share an answer.
        return {query: answers[rolled(query)] for query in queries}

    def _run(
        self, name: str, query: Query, parts: Sequence[Sums], names: Mapping[str, str] | None = None
    ) -> _Rows:
        """Make the report of a query out of its sums."""
        text = composed(
            statement(name),
            {
                **(names or {}),
                "sums": f"({' UNION ALL BY NAME '.join(part.text for part in parts)})",
                "keys": listed(_labels(query.dimensions)),
                "metrics": ", ".join(f"{_METRICS[metric]} AS {metric}" for metric in needed(query)),
                "order": _order(query),
            },
        )
        values: dict[str, object] = {"limit": query.limit, "offset": query.offset}
        for part in parts:
            values |= part.values
        return self._bound(text, query, values)

    def _bound(self, text: str, query: Query, values: Mapping[str, object]) -> _Rows:
        """Run a statement with those of its values that it names, and those of the period."""
        since, until = self._unsealed_span(query)
        period = query.period
        everything = {
            "site": query.site, "first": period.first, "last": period.last,
            "first_hour": period.first_hour, "last_hour": period.last_hour, "since": since,
            "until": until, **values,
        }  # fmt: skip
        named = set(_NAMED.findall(text))
        return self._session.query(text, **{n: v for n, v in everything.items() if n in named})

    def _unsealed_span(self, query: Query) -> tuple[date | None, date | None]:
        """Return the first and the last unsealed day of a query's period."""
        key = (query.site, query.period.first, query.period.last)
        if key not in self._unsealed_spans:
            site, first, last = key
            ((since, until),) = self._session.run(
                "unsealed_span", site=site, first=first, last=last
            )
            self._unsealed_spans[key] = since, until
        return self._unsealed_spans[key]

    def _unsealed(self, query: Query) -> list[Sums]:
        since, _ = self._unsealed_span(query)
        return [] if since is None else [self._sums(query, Side.UNSEALED)]

    def _sums(self, query: Query, side: Side) -> Sums:
        if side is Side.SEALED and road(query, side) is Road.NUMBERS:
            actions = self._actions(query)
            return numbers_of(query, actions) if actions else sums(query, side)
        shared = self._shared(query, side)
        if shared is None:
            return sums(query, side)
        counted = shared.counted(query, side)
        return Sums(visits_of(query, side, shared.text, counted, shared.often), shared.values)

    def _shared(self, query: Query, side: Side) -> "_Found | None":
        """Return what several queries have found together; None for one that is alone."""
        key = _family(query, side)
        family = [other for other in self._queries if _family(other, side) == key]
        if key is None or len(family) < _SEVERAL:
            return None
        if key not in self._found:
            self._found[key] = self._find(family, side)
        return self._found[key]

    def _find(self, family: Sequence[Query], side: Side) -> "_Found":
        """Work out once what a family of queries has in common: their visits, or sums of these."""
        query = family[0]
        actions = self._actions(query) if side is Side.SEALED else None
        found = found_visits(query, side, actions)
        number = len(self._found)
        if road(query, side) is not Road.VISITS:
            columns = shared_columns(family, side)
            found = Sums(self._keep(f"found_{number}", query, found, columns), {})
        return self._meet(family, side, found, number)

    def _actions(self, query: Query) -> str | None:
        """Keep the sealed actions that a filter lets through, if several queries are about them."""
        roads = {Road.VISITS_OF_ACTIONS, Road.NUMBERS}
        key = (query.site, query.period, query.filters)
        family = [
            other
            for other in self._queries
            if (other.site, other.period, other.filters) == key
            and road(other, Side.SEALED) in roads
        ]
        if len(family) < _SEVERAL or not is_about_actions(query):
            return None
        if key not in self._kept_actions:
            name = f"actions_{len(self._kept_actions)}"
            self._kept_actions[key] = self._keep(name, query, found_actions(query))
        return self._kept_actions[key]

    def _keep(
        self, name: str, query: Query, found: Sums, columns: str = "*", where: str = "true"
    ) -> str:
        """Make a table of what was found for a query; return it as a subquery."""
        parts = {"name": name, "columns": columns, "found": found.text, "where": where}
        self._bound(composed(statement("keep_found"), parts), query, found.values)
        return f"(FROM {name})"

    def _meet(self, family: Sequence[Query], side: Side, found: Sums, number: int) -> "_Found":
        """Count visits by the way they arrived, and keep those that marks do not tell.

        To keep all of them would take longer than to read them for each query anew.
        """
        told = [told_by_marks(query, side) for query in family]
        columns = {once: f"visitors_{n}" for n, once in enumerate(dict(told))}
        counts = (f"count(*) FILTER (WHERE {once}) AS {c}" for once, c in columns.items())
        parts = {"name": f"met_{number}", "visitors": listed(counts), "found": found.text}
        self._bound(composed(statement("met_visits"), parts), family[0], found.values)
        often = "found"
        again = " OR ".join(sorted({again for _, again in told if again}))
        if again:
            kept = shared_columns(family, side)
            often = self._keep(f"often_{number}", family[0], found, kept, again)
        return _Found(found.text, found.values, often, f"met_{number}", columns)

    def _rolled_sums(self, query: Query) -> Sums | None:
        """Return what was summed up when days were sealed, where that holds the answer."""
        name = rolled(query)
        if name is None:
            return None
        parts = {
            "times": times(query),
            "rolled_key": listed(f"value AS d{n}" for n, _ in stored(query)),
        }
        return Sums(f"({composed(statement('sums_of_rollups'), parts)})", {"rolled": name})

    def _rolled_pages(self, query: Query) -> Iterator[Sums]:
        """Yield sums by page of the quarters, months, weeks and days that a period is made of.

        The longest first, so that few rows hold it. A week is none of a month's parts: it may lie
        in two.
        """
        first, last = query.period.first, query.period.last
        left = {first + n * _DAY for n in range((last - first).days + 1)}
        spans = self._spans_within(query)
        for name in _spans(query.dimensions):
            firsts = []
            for span, begin, end in spans:
                theirs = {begin + n * _DAY for n in range((end - begin).days + 1)}
                if span == name and theirs <= left:
                    firsts.append(begin)
                    left -= theirs
            if firsts:
                yield _page_sums("sums_of_page_spans", query, firsts, name)
        if left:
            yield _page_sums("sums_of_page_rollups", query, sorted(left))

    def _spans_within(self, query: Query) -> _Rows:
        """Return which spans are summed up and lie in a query's period."""
        key = (query.site, query.period.first, query.period.last)
        if key not in self._spans:
            site, first, last = key
            self._spans[key] = self._session.run("rolled_spans", site=site, first=first, last=last)
        return self._spans[key]


@dataclass(frozen=True, slots=True)
class _Found:
    """Visits that several queries are about, and what is worked out of them.

    Args:
        text: a subquery that finds them.
        values: what it binds.
        often: where those are whose visitors have to be told apart.
        met: the table that counts them by the way they arrived.
        columns: of that table: which counts visitors, by the condition under which a visit is one.
    """

    text: str
    values: Mapping[str, object]
    often: str
    met: str
    columns: Mapping[str, str]

    def counted(self, query: Query, side: Side) -> str | None:
        """Return what is counted already, in the form of counted_visits."""
        once, _ = told_by_marks(query, side)
        if once not in self.columns or not is_by_arrival(query):
            return None
        return f"(SELECT {self.columns[once]} AS visitors, * FROM {self.met})"


def _page_sums(name: str, query: Query, firsts: Sequence[date], span: str = "day") -> Sums:
    """Sum up by page what begins on one of these days; a join with them would be read whole."""
    values = {f"{span}_{n}": first for n, first in enumerate(firsts)}
    columns, is_one = _PAGES[rolled(query)]
    parts = {
        "times": times(query),
        "columns": statement(columns),
        "is_one": is_one,
        "span": span,
        "firsts": ", ".join(f"${value}" for value in values),
    }
    return Sums(f"({composed(statement(name), parts)})", values)


def _family(query: Query, side: Side) -> tuple[object, ...] | None:
    """Return what queries about the same visits have in common."""
    if side is Side.SEALED and rolled(query) is not None:
        return None
    if road(query, side) not in {Road.VISITS, Road.VISITS_OF_ACTIONS}:
        return None
    return side, query.site, query.period, query.filters


def _spans(dimensions: Sequence[Field]) -> tuple[str, ...]:
    """Return by which spans sums may be: none may hold several of what is asked for."""
    if not _WITHIN_WEEKS.isdisjoint(dimensions):
        return ()
    return ("month",) if Dimension.MONTH in dimensions else _SPANS


def _beside(query: Query) -> tuple[object, ...] | None:
    """Return what queries that rollups answer side by side have in common."""
    name = rolled(query)
    if name is None or name in _PAGES or len(query.dimensions) != 1 or query.offset:
        return None
    if not TIMES.isdisjoint(query.dimensions):
        return None
    return query.site, query.period, query.metrics, _order(query), query.limit


def rolled(query: Query) -> str | None:
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


def needed(query: Query) -> list[Metric]:
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


def _is_candidate(query: Query) -> str:
    """Return a condition that rows which cannot be among those asked for do not meet."""
    key, descends = query.order_by[0] if query.order_by else (query.metrics[0], True)
    is_first = TIMES.isdisjoint(query.dimensions) and descends and key in _ADDED_UP
    metric = _result_column(query, key)
    return composed(statement("is_candidate"), {"metric": metric}) if is_first else "true"


def _result_column(query: Query, key: Metric | Field) -> str:
    if isinstance(key, Metric):
        return Metric.VISITORS.value if key is Metric.PERCENTAGE else key.value
    return f"k{query.dimensions.index(key)}"
