"""From a query to SQL that sums up one side, sealed or unsealed days, by what is asked for.

There are three roads, from the shortest on: whole visits (all, or those with an action that the
filter lets through), actions with marks, and actions each with all that is known of its visit.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Final

from collector.filters import (
    ACTIONS_OF_VISITS,
    ARRIVED,
    OF_VISITORS,
    SEALED_ACTIONS,
    SEALED_VISITS,
    UNSEALED_ACTIONS,
    UNSEALED_VISITS,
    Columns,
    Writer,
    entered,
)
from collector.question import (
    TIMES,
    All,
    Dimension,
    Done,
    Either,
    Field,
    Filter,
    Metric,
    Not,
    Query,
    conditions,
    is_of_events,
)
from collector.store import statement

WITHIN_DAYS: Final = frozenset({Dimension.HOUR, Dimension.HOUR_OF_DAY})
_COUNTS: Final = frozenset(
    {Metric.VISITORS, Metric.VISITS, Metric.PAGEVIEWS, Metric.EVENTS, Metric.PERCENTAGE}
)
_OF_VISITS: Final = frozenset(
    {Metric.VISITS, Metric.VIEWS_PER_VISIT, Metric.BOUNCE_RATE, Metric.VISIT_DURATION}
)
_OF_READING: Final = frozenset({Metric.TIME_ON_PAGE, Metric.SCROLL_DEPTH})
_PLACES: Final = frozenset({Dimension.PAGE, Dimension.EVENT_HOSTNAME})
_MARKS: Final = {Dimension.PAGE: "page_mark", Dimension.NAME: "name_mark"}
_PART = re.compile(r"/\*(\w+)\*/")


class Side(StrEnum):
    """Which of the two stores days are in."""

    SEALED = "sealed"
    UNSEALED = "unsealed"


class Road(Enum):
    """What an answer is summed up from."""

    VISITS = auto()
    VISITS_OF_ACTIONS = auto()
    MARKS = auto()
    ACTIONS = auto()


class _Kind(Enum):
    """What a part of a filter speaks of."""

    VISIT = auto()
    PLACE = auto()
    ACTION = auto()
    MIXED = auto()


@dataclass(frozen=True, slots=True)
class Sums:
    """A statement without its end, and the values it binds beside those of the period."""

    text: str
    values: dict[str, object]


def composed(text: str, parts: dict[str, str]) -> str:
    """Put parts, which may hold parts, where a statement names them."""
    while "/*" in text:
        text = _PART.sub(lambda match: parts[match[1]], text)
    return text


def subquery(name: str) -> str:
    """Return a statement in brackets."""
    return f"({statement(name).rstrip().removesuffix(';')})"


def listed(columns: Iterable[str]) -> str:
    """Return columns each with a comma after it."""
    return "".join(f"{column}, " for column in columns)


def stored(query: Query) -> list[tuple[int, Field]]:
    """Return the dimensions that have a column, with their numbers: dates are there anyway."""
    return [
        (n, field)
        for n, field in enumerate(query.dimensions)
        if field not in TIMES or field in WITHIN_DAYS
    ]


def times(query: Query) -> str:
    """Return the column that times are made of, if any is asked for."""
    return "" if TIMES.isdisjoint(query.dimensions) else "date, "


def road(query: Query, side: Side) -> Road:
    """Return the shortest road to an answer."""
    kinds = {_kind(part) for part in _parts(query.filters)}
    by_action = any(map(is_of_events, query.dimensions))
    has_hours = not WITHIN_DAYS.isdisjoint(query.dimensions)
    if by_action or has_hours or not _OF_READING.isdisjoint(query.metrics):
        return Road.MARKS if side is Side.SEALED and _is_marked(query) else Road.ACTIONS
    if _Kind.MIXED in kinds:
        return Road.ACTIONS
    whole = kinds <= {_Kind.VISIT} and query.period.is_whole
    return Road.VISITS if whole else Road.VISITS_OF_ACTIONS


def sums(query: Query, side: Side) -> Sums:
    """Compose the sums of one side."""
    chosen = road(query, side)
    writer = Writer(_actions_of_visits(side, reads=False), side)
    if chosen is Road.ACTIONS:
        text = _of_actions(query, side, writer)
    elif chosen is Road.MARKS:
        text = _of_marks(query, writer)
    else:
        text = visits_of(query, side, found_visits(query, side, writer))
    return Sums(text, writer.values)


def found_visits(query: Query, side: Side, writer: Writer) -> str:
    """Return the visits that a filter lets through, as a subquery."""
    columns = _VISITS[side]
    parts = {
        "visits": subquery(f"{side}_visits"),
        "actions": subquery(f"{side}_actions"),
        "within_hours": _within_hours(query),
        "where": _where(query, writer, columns, {_Kind.VISIT}),
    }
    if road(query, side) is Road.VISITS:
        return f"({composed(statement('whole_visits'), parts)})"
    actions = _ACTIONS[side]
    parts["where_actions"] = _where(query, writer, actions, {_Kind.PLACE, _Kind.ACTION})
    parts["enters"] = _where(query, writer, entered(actions, columns), {_Kind.PLACE})
    return f"({composed(statement('visits_of_actions'), parts)})"


def visits_of(query: Query, side: Side, found: str) -> str:
    """Sum up found visits."""
    once, again = _told_by_marks(query, side)
    return _summed("sums_of_visits", query, _VISITS[side], {"found": found, "once": once}, again)


def _of_marks(query: Query, writer: Writer) -> str:
    ((_, field),) = stored(query)
    mark = _MARKS[field]  # type: ignore[index]
    by_visitor = _are_of_visitors(c.field for c in conditions(query.filters) if c.field != field)
    parts = {
        "actions": subquery("sealed_actions"),
        "where": writer.condition(query.filters, SEALED_ACTIONS),
        "once": f"{mark} IN (1, 2)" if by_visitor else f"{mark} = 1",
        "mark": mark,
    }
    again = None if by_visitor else f"{mark} > 1"
    return _summed("sums_of_marks", query, SEALED_ACTIONS, parts, again)


def _summed(
    name: str, query: Query, columns: Columns, parts: dict[str, str], again: str | None
) -> str:
    """Fill in what the roads with numbers have in common."""
    asked = [(n, columns[field]) for n, field in stored(query)]
    texts = [f"d{n}" if column.table else f"{column.name} AS d{n}" for n, column in asked]
    lookups = (
        f"JOIN (SELECT {column.key} AS {column.name}, {column.text} AS d{n} FROM {column.table})"
        f" USING ({column.name})"
        for n, column in asked
        if column.table
    )
    common = {
        "times": times(query),
        "words": listed(texts),
        "found_words": listed(f"d{n}" for n, _ in asked),
        "numbers": listed(dict.fromkeys(column.name for _, column in asked)),
        "lookups": " ".join(lookups),
        "told_apart": statement("told_apart") if again else "",
        "again": again or "",
    }
    return composed(statement(name), common | parts)


def _told_by_marks(query: Query, side: Side) -> tuple[str, str | None]:
    """Return for which visits one is one visitor, and which visitors have to be told apart."""
    if side is Side.UNSEALED:
        return "false", "true"
    fields = (c.field for c in conditions(query.filters))
    dimensions = (field for _, field in stored(query))
    is_whole = road(query, side) is Road.VISITS and not _has_done(query.filters)
    if is_whole and _are_of_visitors(fields) and _are_of_visitors(dimensions):
        return "mark < 3", None
    return "mark = 1", "mark > 1"


def _of_actions(query: Query, side: Side, writer: Writer) -> str:
    """Give an action columns `a0`, its visit `w0` if other, and either `d0`."""
    by_event = any(map(is_of_events, query.dimensions))
    columns, keys_of_visits = [], []
    for n, field in stored(query):
        is_time = field in TIMES
        name = "hour" if is_time else writer.column(field, ACTIONS_OF_VISITS)
        columns.append(f"{name} AS a{n}")
        if is_time and not by_event:
            columns.append(f"visit_hour AS w{n}")
        keys_of_visits.append(f"{'w' if is_time and not by_event else 'a'}{n} AS d{n}")
    numbers = [n for n, _ in stored(query)]
    reads = not _OF_READING.isdisjoint(query.metrics)
    parts = {
        "times": times(query),
        "actions": _actions_alone(query, side) or _actions_of_visits(side, reads=reads),
        "columns": listed(columns),
        "action_keys": listed(f"a{n} AS d{n}" for n in numbers),
        "visit_keys": listed(keys_of_visits),
        "found_keys": listed(f"d{n}" for n in numbers),
        "within_hours": _within_hours(query),
        "where": writer.condition(query.filters, ACTIONS_OF_VISITS),
        "enters": _enters(query, writer),
        "branches": " UNION ALL BY NAME ".join(_branches(query)),
    }
    return composed(statement("sums_of_actions"), parts)


def _actions_of_visits(side: Side, *, reads: bool) -> str:
    unsealed = "unsealed_readings" if reads else "unsealed_events"
    if side is Side.SEALED:
        return subquery("sealed_actions_of_visits")
    return composed(subquery("unsealed_actions_of_visits"), {"unsealed": subquery(unsealed)})


def _actions_alone(query: Query, side: Side) -> str | None:
    """Return unsealed actions without their visits, where nobody asks about these."""
    fields = [*query.dimensions, *(c.field for c in conditions(query.filters))]
    needs_visits = (
        any(not is_of_events(field) and field not in TIMES for field in fields)
        or _has_done(query.filters)
        or len(list(_branches(query))) > _ALONE
    )
    return None if side is Side.SEALED or needs_visits else subquery("unsealed_actions_alone")


def _branches(query: Query) -> Iterator[str]:
    """Yield what has to be worked out; the hour a visit began in may be one of no action."""
    yield "FROM acted"
    yield "FROM came"
    by_event = any(map(is_of_events, query.dimensions))
    has_hours = not WITHIN_DAYS.isdisjoint(query.dimensions)
    if not _OF_VISITS.isdisjoint(query.metrics) or (has_hours and not by_event):
        yield "FROM visited"
    if not _OF_READING.isdisjoint(query.metrics):
        yield "FROM read"


_ALONE = 2  # branches that need no visit


def _enters(query: Query, writer: Writer) -> str:
    """Return whether an action's visit entered where the action is, as far as places are asked."""
    if "FROM visited" not in _branches(query):
        return "true"
    parts = []
    if Dimension.PAGE in query.dimensions:
        parts.append("path = entry_page")
    if Dimension.EVENT_HOSTNAME in query.dimensions:
        parts.append("host = entry_host")
    if any(c.field in _PLACES for c in conditions(query.filters, within_done=False)):
        columns = entered(ACTIONS_OF_VISITS, ACTIONS_OF_VISITS)
        parts.append(writer.condition(query.filters, columns))
    return " AND ".join(parts) or "true"


def _is_marked(query: Query) -> bool:
    """Tell whether marks of a page or a name hold the answer."""
    fields = [field for _, field in stored(query)]
    if len(fields) != 1 or fields[0] not in _MARKS or not query.period.is_whole:
        return False
    return (
        _COUNTS.issuperset(query.metrics)
        and not _has_done(query.filters)
        and all(
            _kind(part) is not _Kind.MIXED
            and all(c.field == fields[0] or c.field in ARRIVED for c in conditions(part))
            for part in _parts(query.filters)
        )
    )


def _parts(found: Filter) -> tuple[Filter, ...]:
    """Return filters all of which let through what the whole lets through."""
    return found.filters if isinstance(found, All) else (found,)


def _kind(part: Filter) -> _Kind:
    fields = {c.field for c in conditions(part, within_done=False)}
    if not any(map(is_of_events, fields)):
        return _Kind.VISIT
    if fields <= _PLACES and not _has_done(part):
        return _Kind.PLACE
    is_action = all(is_of_events(field) and field not in _PLACES for field in fields)
    return _Kind.ACTION if is_action and not _has_done(part) else _Kind.MIXED


def _has_done(found: Filter) -> bool:
    match found:
        case Done():
            return True
        case Not(inner):
            return _has_done(inner)
        case All(inner) | Either(inner):
            return any(map(_has_done, inner))
    return False


def _are_of_visitors(fields: Iterable[Field]) -> bool:
    return all(field in OF_VISITORS for field in fields)


def _where(query: Query, writer: Writer, columns: Columns, kinds: set[_Kind]) -> str:
    return writer.condition(
        All(tuple(part for part in _parts(query.filters) if _kind(part) in kinds)), columns
    )


def _within_hours(query: Query) -> str:
    if query.period.is_whole:
        return "true"
    return "(date > $first OR hour >= $first_hour) AND (date < $last OR hour <= $last_hour)"


_VISITS: Final = {Side.SEALED: SEALED_VISITS, Side.UNSEALED: UNSEALED_VISITS}
_ACTIONS: Final = {Side.SEALED: SEALED_ACTIONS, Side.UNSEALED: UNSEALED_ACTIONS}
