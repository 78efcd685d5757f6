"""Answers to the queries of one page: what several of them need is worked out once.

Sealed days answer from their rollups where they can; all else is summed up from rows, see sums.py.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import msgspec

from collector.engine import pages
from collector.engine.columns import (
    OF_PARTS,
    computed,
    is_ranked_by_visitors,
    is_rolled,
    kinds_of,
    label_of,
    labels,
    needed,
    order_of,
    ranked_by,
    rolled,
    rolled_in_part,
    totals,
    union,
    worked_out,
)
from collector.engine.phrases import Sums, composed, listed, times, without_sealed
from collector.engine.roads import ABOUT_VISITS, Road, Side, road, stored
from collector.engine.sums import (
    counted,
    counted_actions,
    everything_of,
    found_actions,
    found_visits,
    is_about_actions,
    is_asked_by_arrival,
    is_by_arrival,
    met,
    met_actions,
    numbers_of,
    shared_columns,
    sums,
    told_by_action_marks,
    told_by_marks,
    visits_of,
)
from collector.question import TIMES, Dimension, Query
from collector.session import Session, statement

_NAMED = re.compile(r"\$(\w+)")
_SEVERAL = 2  # queries that share something
_NO_LIMIT = 2**31 - 1  # rows

_Rows = list[tuple[Any, ...]]


class Answers:
    """Answers queries as of the moment of a session; those that are to come are known beforehand.

    A row of an answer has the query's dimensions, then the metrics `needed` returns.
    """

    def __init__(self, session: Session, queries: Sequence[Query]) -> None:
        self._session = session
        self._queries = queries
        self._days: dict[tuple[object, ...], _Days] = {}
        self._spans: dict[tuple[object, ...], _Rows] = {}
        self._found: dict[tuple[object, ...], _Found] = {}
        self._kept_actions: dict[tuple[object, ...], str] = {}
        self._met: dict[tuple[object, ...], str] = {}
        self._counted: dict[tuple[object, ...], str] = {}
        self._answered: dict[Query, _Rows] = {}

    def to(self, query: Query) -> _Rows:
        """Answer one of the queries, or another one; what was asked before is at hand."""
        if query not in self._answered:
            panels = self._panels(query)
            if pages.are_asked_for(query):
                rows = self._by_pages(panels)
                self._answered |= _shared_out(panels, rows, len(query.dimensions))
            elif len(panels) < _SEVERAL:
                self._answered[query] = self._alone(query)
            else:
                self._answered |= self._side_by_side(panels)
        return self._answered[query]

    def among(self, query: Query, wanted: Sequence[Sequence[str]]) -> _Rows:
        """Return the rows with certain values for the dimensions, however many others there are."""
        among = _among(query, wanted)
        if not pages.are_asked_for(query):
            return self._alone(query, among)
        return _shared_out([query], self._by_pages([query], among), len(query.dimensions))[query]

    def count(self, query: Query) -> int:
        """Return how many rows a query has, whatever its limit."""
        counting = _Around("report_count")
        by_pages = pages.are_asked_for(query)
        found = self._by_pages([query], counting) if by_pages else self._alone(query, counting)
        return int(found[0][0])

    def _panels(self, query: Query) -> list[Query]:
        """Return the queries that are answered beside one, and itself; of courses in time one."""
        if (kind := _beside(query)) is None:
            return [query]
        alike = [other for other in self._queries if _beside(other) == kind]
        course = next((q.dimensions for q in (query, *alike) if _is_course(q)), None)
        panels = [q for q in alike if not _is_course(q) or q.dimensions == course]
        return panels if query in panels else [query]

    def _alone(self, query: Query, around: "_Around | None" = None) -> _Rows:
        parts = [] if self._is_unsealed(query) else [self._sealed(query)]
        return self._run("report", query, [*parts, *self._unsealed(query)], around=around)

    def _by_pages(self, queries: Sequence[Query], around: "_Around | None" = None) -> _Rows:
        """Answer queries that differ in the kind of page they ask for, and in their metrics."""
        asked = pages.Asked(queries)
        is_sealed = not self._is_unsealed(queries[0])
        sealed = asked.sealed(self._spans_within(queries[0])) if is_sealed else []
        new = [asked.unsealed(q, part) for q in asked.kinds for part in self._unsealed(q)]
        names = asked.parts(has_new=bool(new))
        return self._run("report_pages", queries[0], [*sealed, *new], names, around)

    def _side_by_side(self, queries: Sequence[Query]) -> dict[Query, _Rows]:
        """Answer queries that differ in what of the rollups they ask for, and in their metrics."""
        # A course in time first: the whole is made of it.
        kinds = kinds_of(sorted(queries, key=_is_course, reverse=True))
        names = [rolled(query) for query in kinds]
        parts = []
        if not self._is_unsealed(queries[0]):
            parts.append(Sums(f"({statement('sums_of_panels')})", {"panels": names}))
        for name, query in zip(names, kinds, strict=True):
            key = "" if stored(query) else "'' AS d0, "
            parts += [
                Sums(f"(SELECT '{name}' AS panel, {key}* FROM {part.text})", part.values)
                for part in self._unsealed(query)
            ]
        courses = [query for query in kinds if _is_course(query)]
        label = label_of(courses[0].dimensions[0]) if courses else "''"
        metrics = union(kinds)
        texts = {"label": label, "totals": totals(metrics), "metrics": worked_out(metrics)}
        lists = [query for query in queries if rolled(query) != "total"]
        longest = max(lists or queries, key=lambda query: query.limit)
        return _shared_out(queries, self._run("report_panels", longest, parts, texts), 1)

    def _run(
        self,
        name: str,
        query: Query,
        parts: Sequence[Sums],
        names: Mapping[str, str] | None = None,
        around: "_Around | None" = None,
    ) -> _Rows:
        """Make the report of a query out of its sums, or what a statement around makes of it."""
        text = composed(
            statement(name),
            {
                "metrics": computed(needed(query)),
                **(names or {}),
                "sums": f"({' UNION ALL BY NAME '.join(part.text for part in parts)})",
                "keys": listed(labels(query.dimensions)),
                "order": order_of(query),
            },
        )
        values: dict[str, object] = {"limit": query.limit, "offset": query.offset}
        for part in parts:
            values |= part.values
        if around is not None:
            text = around.text(text)
            values |= {"limit": _NO_LIMIT, "offset": 0, **around.values}
        return self._bound(text, query, values)

    def _bound(self, text: str, query: Query, values: Mapping[str, object]) -> _Rows:
        """Run a statement with those of its values that it names, and those of the period."""
        days = self._days_of(query)
        period = query.period
        everything = {
            "site": query.site, "first": period.first, "last": period.last,
            "first_hour": period.first_hour, "last_hour": period.last_hour, "since": days.since,
            "until": days.until, **values,
        }  # fmt: skip
        if not days.has_sealed:
            text = without_sealed(text)
        named = set(_NAMED.findall(text))
        return self._session.query(text, **{n: v for n, v in everything.items() if n in named})

    def _days_of(self, query: Query) -> "_Days":
        key = (query.site, query.period.first, query.period.last)
        if key not in self._days:
            site, first, last = key
            (found,) = self._session.run("unsealed_span", site=site, first=first, last=last)
            self._days[key] = _Days(*found)
        return self._days[key]

    def _is_unsealed(self, query: Query) -> bool:
        """Tell whether a query's period has unsealed days, and no others."""
        days = self._days_of(query)
        return days.since is not None and not days.has_sealed

    def _unsealed(self, query: Query) -> list[Sums]:
        return [] if self._days_of(query).since is None else [self._sums(query, Side.UNSEALED)]

    def _sealed(self, query: Query) -> Sums:
        return self._rolled_sums(query) or self._sums(query, Side.SEALED)

    def _sums(self, query: Query, side: Side) -> Sums:
        if side is Side.SEALED and road(query, side) is Road.NUMBERS:
            actions = self._actions(query)
            met = self._met_actions(query, actions) if actions else None
            return numbers_of(query, actions, met) if actions else sums(query, side)
        if road(query, side) is Road.EVERYTHING:
            return everything_of(query, self._counted_actions(query))
        shared = self._shared(query, side)
        if shared is None:
            return sums(query, side)
        by_visit = shared.counted(query, side) or counted(query, side)
        return Sums(visits_of(query, side, shared.text, by_visit, shared.often), shared.values)

    def _shared(self, query: Query, side: Side) -> "_Found | None":
        """Return what several queries have found together; None for one that is alone."""
        key = _family(query, side)
        family = [other for other in self._queries if _family(other, side) == key]
        if key is None or len(family) < _SEVERAL or query not in family:
            return None  # what is kept is what the family needs, and no other
        if key not in self._found:
            self._found[key] = self._find(family, side)
        return self._found[key]

    def _find(self, family: Sequence[Query], side: Side) -> "_Found":
        """Work out once what a family of queries has in common: their visits, or sums of these."""
        query = family[0]
        actions = self._actions(query) if side is Side.SEALED else None
        found = found_visits(query, side, actions)
        number = len(self._found)
        if road(query, side) is Road.VISITS_OF_ACTIONS:
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
            self._kept_actions[key] = self._keep(name, query, found_actions(family))
        return self._kept_actions[key]

    def _met_actions(self, query: Query, actions: str) -> str | None:
        """Count found actions by the way their visits arrived once, if several ask for that."""
        key = (query.site, query.period, query.filters)
        family = {
            other: told_by_action_marks(other)
            for other in self._queries
            if (other.site, other.period, other.filters) == key
            and road(other, Side.SEALED) is Road.NUMBERS
            and is_by_arrival(other)
        }
        if query not in family or len(family) < _SEVERAL or not family[query].tells_visits:
            return None
        if not any(map(is_asked_by_arrival, family)):
            return None
        conditions = list(dict.fromkeys(told.once for told in family.values()))
        columns = {once: f"visitors_{n}" for n, once in enumerate(conditions)}
        if key not in self._met:
            name = f"met_actions_{len(self._met)}"
            self._met[key] = self._keep(name, query, met_actions(query, actions, columns))
        return f"(SELECT {columns[family[query].once]} AS visitors, * FROM {self._met[key]})"

    def _counted_actions(self, query: Query) -> str:
        """Count all unsealed actions of a period by hour and name once, if two ask for it."""
        key = (query.site, query.period)
        if key not in self._counted:
            family = [
                other
                for other in self._queries
                if (other.site, other.period) == key
                and road(other, Side.UNSEALED) is Road.EVERYTHING
                and Dimension.PAGE not in other.dimensions
            ]
            actions = counted_actions()
            name = f"counted_{len(self._counted)}"
            is_kept = len(family) >= _SEVERAL and query in family
            self._counted[key] = self._keep(name, query, actions) if is_kept else actions.text
        return self._counted[key]

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
        columns = self._count_arrivals(f"met_{number}", family, side, found)
        often = "found"
        again = {again for _, again in (told_by_marks(q, side) for q in family) if again}
        if again:
            kept = shared_columns(family, side)
            where = " OR ".join(sorted(again))
            often = self._keep(f"often_{number}", family[0], found, kept, where)
        return _Found(found.text, found.values, often, f"met_{number}", columns)

    def _count_arrivals(
        self, name: str, family: Iterable[Query], side: Side, found: Sums
    ) -> dict[str, str]:
        """Make a table of visits by the way they arrived; return which column counts visitors.

        That differs by the condition under which a visit is one.
        """
        queries = [query for query in family if is_by_arrival(query)]
        if not any(map(is_asked_by_arrival, queries)):
            return {}
        told = dict(told_by_marks(query, side) for query in queries)
        columns = {once: f"visitors_{n}" for n, once in enumerate(told)}
        self._keep(name, queries[0], met(queries[0], side, found, columns))
        return columns

    def _rolled_sums(self, query: Query) -> Sums | None:
        """Return what was summed up when days were sealed, where that holds the answer."""
        whole, in_part = rolled(query), rolled_in_part(query)
        parts = {
            "times": times(query),
            "rolled_key": listed(f"value AS d{n}" for n, _ in stored(query)),
        }
        if whole is not None:
            return Sums(f"({composed(statement('sums_of_rollups'), parts)})", {"rolled": whole})
        if in_part is not None:
            values = {"rolled": in_part, "clock": OF_PARTS[in_part]}
            return Sums(f"({composed(statement('sums_of_parts'), parts)})", values)
        return None

    def _spans_within(self, query: Query) -> _Rows:
        """Return which spans are summed up and lie in a query's period."""
        key = (query.site, query.period.first, query.period.last)
        if key not in self._spans:
            site, first, last = key
            self._spans[key] = self._session.run("rolled_spans", site=site, first=first, last=last)
        return self._spans[key]


@dataclass(frozen=True, slots=True)
class _Days:
    """The first and the last unsealed day of a period, if any, and whether it has sealed ones."""

    since: date | None
    until: date | None
    has_sealed: bool


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


def _family(query: Query, side: Side) -> tuple[object, ...] | None:
    """Return what queries about the same visits have in common."""
    if side is Side.SEALED and is_rolled(query):
        return None
    if road(query, side) not in ABOUT_VISITS:
        return None
    return side, query.site, query.period, query.filters


@dataclass(frozen=True, slots=True)
class _Around:
    """A statement around a report, which then has all rows, and what else that is made of."""

    name: str
    parts: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, object] = field(default_factory=dict)

    def text(self, report: str) -> str:
        whole = f"({report.rstrip().removesuffix(';')})"
        return composed(statement(self.name), {**self.parts, "report": whole})


def _among(query: Query, wanted: Sequence[Sequence[str]]) -> _Around:
    """Keep of a report the rows with certain values for the dimensions."""
    keys = [f"k{n}" for n in range(len(query.dimensions))]
    unnested = (f"unnest(from_json($among_{key}, '[\"VARCHAR\"]')) AS {key}" for key in keys)
    # As JSON: DuckDB takes seconds for a list of 10,000 texts (1.5.5).
    columns = [msgspec.json.encode(column).decode() for column in zip(*wanted, strict=True)]
    return _Around(
        "report_among",
        {"wanted": ", ".join(unnested), "keys": ", ".join(keys)},
        {f"among_{key}": column for key, column in zip(keys, columns, strict=True)},
    )


def _is_course(query: Query) -> bool:
    return not TIMES.isdisjoint(query.dimensions)


def _beside(query: Query) -> tuple[object, ...] | None:
    """Return what queries that sums by day answer side by side have in common."""
    if rolled(query) is None:
        return None
    has_time = _is_course(query)
    if pages.are_asked_for(query):
        extent = query.limit, query.offset
        return None if has_time else (query.site, query.period, ranked_by(query), *extent)
    is_usual = not query.order_by if has_time else is_ranked_by_visitors(query)
    is_alone = has_time and (len(query.dimensions) > 1 or rolled(query) != "total")
    return None if query.offset or is_alone or not is_usual else (query.site, query.period)


def _shared_out(queries: Sequence[Query], rows: _Rows, keys: int) -> dict[Query, _Rows]:
    """Return to each query its rows: those have a panel, `keys` dimensions, then all metrics."""
    panels: dict[str | None, _Rows] = {}
    for panel, *row in rows:
        panels.setdefault(panel, []).append(tuple(row))
    metrics = union(queries)
    answers = {}
    for query in queries:
        places = [*range(len(query.dimensions))]
        places += [keys + metrics.index(metric) for metric in needed(query)]
        panel = rolled(query) if query.dimensions else "whole"
        theirs = panels.get(panel, [])[: query.limit]
        answers[query] = [tuple(row[place] for place in places) for row in theirs]
    return answers
