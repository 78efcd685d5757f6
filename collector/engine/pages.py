"""Answers by page out of sums by page, which are kept by numbers: for several kinds at once.

A page that is looked at, one that visits enter at and one that they leave at share a row for each
day, week, month or quarter, so that one reading of it answers for all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from collector.engine.columns import (
    ADDED_UP,
    kinds_of,
    labels,
    needed,
    result_column,
    rolled,
    summed,
    totals,
    union,
    worked_out,
)
from collector.engine.phrases import Sums, composed, listed, subquery, times
from collector.engine.roads import stored
from collector.question import TIMES, Dimension, Field, Query
from collector.session import statement

# Which columns of a page's row hold what is summed up, by the kind of page.
_COLUMNS: Final[Mapping[str, Mapping[str, str]]] = {
    "page": {},  # called the same
    "entry_page": {
        "visitors": "entry_visitors", "visits": "entries", "pageviews": "entry_pageviews",
        "events": "entry_events", "duration_s": "entry_duration_s", "readings": "0",
        "engaged_s": "0", "scroll": "0",
    },
    "exit_page": {
        "visitors": "exit_visitors", "visits": "exits", "pageviews": "exit_pageviews",
        "events": "exit_events", "duration_s": "exit_duration_s", "entries": "exits",
        "bounces": "exit_bounces", "readings": "0", "engaged_s": "0", "scroll": "0",
    },
}  # fmt: skip
_WITHIN_WEEKS = frozenset({Dimension.DAY, Dimension.WEEK, Dimension.WEEKDAY})
_SPANS = ("quarter", "month", "week")  # that pages are summed up by, the longest first
_DAY = timedelta(days=1)

# Which spans are summed up: what they are, their first and their last day.
Spans = Sequence[tuple[Any, ...]]


def are_asked_for(query: Query) -> bool:
    """Tell whether sums by page hold the answer."""
    return rolled(query) in _COLUMNS


class Asked:
    """Queries that differ in nothing but the kind of page and their metrics."""

    def __init__(self, queries: Sequence[Query]) -> None:
        self.kinds = kinds_of(queries)
        self._query = queries[0]
        ((self._place, _),) = stored(self._query)
        self._metrics = {str(rolled(query)): needed(query) for query in self.kinds}

    def sealed(self, spans: Spans) -> list[Sums]:
        """Return sums of the quarters, months, weeks and days that the period is made of."""
        return [
            self._sums("sums_of_page_rollups" if span == "day" else "sums_of_page_spans", span, on)
            for span, on in _made_of(self._query, spans)
        ]

    def _sums(self, name: str, span: str, firsts: Sequence[date]) -> Sums:
        """Sum up what begins on one of these days; a join with them would be read whole."""
        values = {f"{span}_{n}": first for n, first in enumerate(firsts)}
        columns = (
            f"{_COLUMNS[kind].get(column, column)} AS {kind}_{column}"
            for kind, metrics in self._metrics.items()
            for column in summed(metrics)
        )
        parts = {
            "times": times(self._query),
            "columns": ", ".join(columns),
            "span": span,
            "firsts": ", ".join(f"${value}" for value in values),
        }
        return Sums(f"({composed(statement(name), parts)})", values)

    def unsealed(self, query: Query, part: Sums) -> Sums:
        """Return sums by path in the form of sums by page."""
        kind = str(rolled(query))
        columns = "|".join(summed(self._metrics[kind]))
        names = {
            "n": str(self._place),
            "sums": part.text,
            "times": times(query),
            "columns": f"COLUMNS('^({columns})$') AS '{kind}_\\1'",
        }
        return Sums(f"({composed(statement('numbered_pages'), names)})", part.values)

    def parts(self, *, has_new: bool) -> dict[str, str]:
        """Return the parts of their common report; `has_new` if there may be pages of no number."""
        keys = [f"k{n}" for n in range(len(self._query.dimensions))]
        return {
            "time_keys": listed(
                label for n, label in enumerate(labels(self._query.dimensions)) if n != self._place
            ),
            "totals": ", ".join(
                totals(metrics, f"{kind}_") for kind, metrics in self._metrics.items()
            ),
            "candidates": " UNION ALL BY NAME ".join(
                self._candidates(kind) for kind in self._metrics
            ),
            "new_pages": statement("new_pages") if has_new else "",
            "unsealed_pages": subquery("unsealed_pages"),
            "columns": ", ".join([*keys, *union(self.kinds)]),
            "page_key": f"k{self._place}",
        }

    def _candidates(self, kind: str) -> str:
        keys = (f"k{n}" for n in range(len(self._query.dimensions)) if n != self._place)
        parts = {
            "panel": kind,
            "keys": listed(keys),
            "metrics": worked_out(self._metrics[kind], f"{kind}_"),
            "is_candidate": self._is_candidate(kind),
        }
        return f"({composed(statement('page_candidates'), parts)})"

    def _is_candidate(self, kind: str) -> str:
        """Return a condition that rows which cannot be among those asked for do not meet."""
        query = self._query
        key, descends = query.order_by[0] if query.order_by else (query.metrics[0], True)
        if not TIMES.isdisjoint(query.dimensions) or not descends or key not in ADDED_UP:
            return "true"
        metric = f"{kind}_{result_column(query, key)}"
        return composed(statement("is_candidate"), {"metric": metric})


def _made_of(query: Query, spans: Spans) -> Iterator[tuple[str, list[date]]]:
    """Yield the first days of the quarters, months, weeks and days that a period is made of.

    The longest first, so that few rows hold it. A week is none of a month's parts: it may lie
    in two.
    """
    first, last = query.period.first, query.period.last
    left = {first + n * _DAY for n in range((last - first).days + 1)}
    for name in _spans_for(query.dimensions):
        firsts = []
        for span, begin, end in spans:
            theirs = {begin + n * _DAY for n in range((end - begin).days + 1)}
            if span == name and theirs <= left:
                firsts.append(begin)
                left -= theirs
        if firsts:
            yield name, firsts
    if left:
        yield "day", sorted(left)


def _spans_for(dimensions: Sequence[Field]) -> tuple[str, ...]:
    """Return by which spans sums may be: none may hold several of what is asked for."""
    if not _WITHIN_WEEKS.isdisjoint(dimensions):
        return ()
    return ("month",) if Dimension.MONTH in dimensions else _SPANS
