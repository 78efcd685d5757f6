"""From a query to SQL that sums up one side, sealed or unsealed days, by what is asked for.

An answer is summed up on the shortest of several roads, see roads.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from collector.engine.filters import (
    ACTIONS_OF_VISITS,
    ARRIVED,
    MARKED,
    OF_VISITORS,
    SEALED_ACTIONS,
    SEALED_VISITS,
    UNSEALED_ACTIONS,
    UNSEALED_VISITS,
    Writer,
    entered,
)
from collector.engine.phrases import (
    Sums,
    actions_of_visits,
    arriving,
    composed,
    listed,
    subquery,
    summed,
    times,
    where,
    within_hours,
    writer_of,
)
from collector.engine.roads import (
    ABOUT_VISITS,
    MARKS,
    OF_EVERYTHING,
    OF_READING,
    OF_VISITS,
    PLACES,
    WITHIN_DAYS,
    Kind,
    Road,
    Side,
    are_of_visitors,
    fields_of,
    has_done,
    kind_of,
    marked_field,
    one_value,
    parts_of,
    road,
    stored,
)
from collector.question import (
    TIMES,
    Dimension,
    Field,
    Query,
    conditions,
    is_of_events,
)
from collector.session import statement

# Of visits: what is always needed, and what is no matter of the arrival.
_ALWAYS: Final = (
    "date", "visitor", "duration_s", "pageviews", "events", "is_bounce", "enters",
    "mark",
)  # fmt: skip
_OF_VISITS_ALONE: Final = frozenset({"entry_host", "exit_host", "entry_page", "exit_page"})
_NEVER: Final = "false"


def sums(query: Query, side: Side) -> Sums:
    """Compose the sums of one side."""
    chosen = road(query, side)
    if chosen in ABOUT_VISITS:
        found = found_visits(query, side)
        return replace(found, text=visits_of(query, side, found.text, counted(query, side)))
    if chosen is Road.SOME_HOURS:
        return Sums(_of_some_hours(query, side), {})
    if chosen is Road.HOURS:
        return _hours_of(query, side)
    if chosen is Road.NUMBERS:
        return _names_of(query) if _is_by_name(query) else numbers_of(query)
    if chosen is Road.EVERYTHING:
        return everything_of(query, counted_actions().text)
    writer = writer_of(side)
    return Sums(_of_actions(query, side, writer), writer.values)


def numbers_of(query: Query, actions: str | None = None, met: str | None = None) -> Sums:
    """Sum up sealed actions by page, by name or by the way their visits arrived.

    Args:
        query: what is asked for.
        actions: a subquery: those that the filter lets through, but for how their visits arrived,
            if they are known.
        met: a subquery: what is asked for, counted, if it is.
    """
    writer = writer_of(Side.SEALED)
    told = told_by_action_marks(query)
    parts = {
        "found": _found_numbers(query, writer, actions),
        "counted": met or subquery("counted_numbers"),
        "visitors": f"count(*) FILTER (WHERE {told.once}) AS visitors, ",
        "is_visit": told.is_visit,
        "often": "found",
        "visits_told_apart": "" if told.tells_visits else statement("visits_told_apart"),
    }
    text = summed("sums_of_numbers", query, SEALED_ACTIONS, parts, told.again)
    return Sums(text, writer.values)


def met_actions(query: Query, actions: str, columns: Mapping[str, str]) -> Sums:
    """Count found actions by the way their visits arrived; see `met`, which counts visits."""
    writer = writer_of(Side.SEALED)
    counts = (f"count(*) FILTER (WHERE {once}) AS {column}" for once, column in columns.items())
    parts = {
        "times": "",
        "numbers": "arrival, ",
        "visitors": listed(counts),
        "is_visit": told_by_action_marks(query).is_visit,
    }
    found = _found_numbers(query, writer, actions)
    text = composed(subquery("counted_numbers"), parts)
    return Sums(f"(WITH found AS {found} FROM {text})", writer.values)


def _found_numbers(query: Query, writer: Writer, actions: str | None) -> str:
    kept = "true" if actions else where(query, writer, SEALED_ACTIONS, _OF_ACTIONS)
    came = arriving(query, writer, SEALED_ACTIONS)
    return f"(FROM {actions or _SEALED_ACTIONS} {came} WHERE {kept})"


@dataclass(frozen=True, slots=True)
class Told:
    """For which actions one is one visitor, or one visit, and whose visitors are told apart."""

    once: str
    is_visit: str
    again: str | None

    @property
    def tells_visits(self) -> bool:
        """Tell whether no visit has to be told apart."""
        return self.is_visit != _NEVER


def told_by_action_marks(query: Query) -> Told:
    """Return what marks tell of the actions that a query is about."""
    field = marked_field(query)
    fields = {c.field for c in conditions(query.filters)} - {field}
    if any(map(is_of_events, fields)):
        return Told(_NEVER, _NEVER, "true")
    mark = MARKS[field]  # type: ignore[index]  # all of a visit's rows of it are in or out
    by = {other for _, other in stored(query) if other is not field}
    if are_of_visitors(fields | by):
        return Told(f"{mark} IN (1, 2)", f"{mark} > 0", None)
    return Told(f"{mark} = 1", f"{mark} > 0", f"{mark} > 1")


def found_actions(queries: Sequence[Query]) -> Sums:
    """Return the sealed actions that a filter lets through, as far as it is about actions.

    They have the columns that queries with this filter need.
    """
    query = queries[0]
    writer = writer_of(Side.SEALED)
    fields = [c.field for c in conditions(query.filters)]
    by = [field for other in queries for _, field in stored(other)]
    columns = ["date", "visitor", "visit", "is_view"]
    columns += ["name"] * (Dimension.NAME in by) + ["page"] * (Dimension.PAGE in by)
    # Each column takes as long to read as what is let through to be counted.
    columns += [mark for field, mark in MARKS.items() if {field} == {*fields} - ARRIVED.keys()]
    columns += ["arrival"] * any(field in ARRIVED for field in [*fields, *by])
    columns += ["hour"] * (not query.period.is_whole)
    kept = where(query, writer, SEALED_ACTIONS, _OF_ACTIONS)
    actions = _SEALED_ACTIONS
    return Sums(f"(SELECT {', '.join(columns)} FROM {actions} WHERE {kept})", writer.values)


def is_about_actions(query: Query) -> bool:
    """Tell whether a part of the filter lets single actions through."""
    return not {kind_of(part) for part in parts_of(query.filters)}.isdisjoint(_OF_ACTIONS)


def found_visits(query: Query, side: Side, actions: str | None = None) -> Sums:
    """Return the visits that a filter lets through; `actions` are those that it does, if known."""
    writer = writer_of(side)
    columns = _VISITS[side]
    parts = {
        "visits": subquery(f"{side}_visits"),
        "actions": actions or subquery(_OF_VISITS[side]),
        "within_hours": within_hours(query),
        "arriving": arriving(query, writer, columns),
        "where": where(query, writer, columns, {Kind.VISIT}),
    }
    name = "whole_visits"
    if road(query, side) is Road.VISITS_OF_ACTIONS:
        name = "visits_of_actions"
        of_actions = _ACTIONS[side]
        kept = where(query, writer, of_actions, _OF_ACTIONS) if actions is None else "true"
        parts["where_actions"] = kept
        parts["enters"] = where(query, writer, entered(of_actions, columns), {Kind.PLACE})
    return Sums(f"({composed(statement(name), parts)})", writer.values)


def counted(query: Query, side: Side) -> str:
    """Return a subquery that counts found visits by the numbers of what is asked for."""
    if road(query, side) is not Road.ARRIVALS:
        return subquery("counted_visits")
    came = arriving(query, writer_of(side), _VISITS[side])
    return subquery("counted_arrivals").replace("/*arriving*/", came)


def met(query: Query, side: Side, found: Sums, columns: Mapping[str, str]) -> Sums:
    """Count found visits by the way they arrived.

    Args:
        query: one of those about the visits.
        side: where they are.
        found: how they are found.
        columns: what counts visitors, by the condition under which a visit is one.
    """
    parts = {"times": "", "numbers": "arrival, ", "visitors": _visitors(query, side, columns)}
    text = composed(counted(query, side), parts)
    return replace(found, text=f"(WITH found AS {found.text} FROM {text})")


def _visitors(query: Query, side: Side, columns: Mapping[str, str]) -> str:
    is_summed_up = road(query, side) is Road.ARRIVALS
    count = "total(CASE WHEN {} THEN visits END)" if is_summed_up else "total({})"
    return listed(f"{count.format(once)} AS {column}" for once, column in columns.items())


def visits_of(query: Query, side: Side, found: str, counted: str, often: str = "found") -> str:
    """Sum up the visits found for a query on one side.

    Args:
        query: what is asked for.
        side: where the visits are.
        found: a subquery.
        counted: a subquery: those, counted.
        often: where those are found whose visitors have to be told apart.
    """
    once, again = told_by_marks(query, side)
    parts = {"found": found, "counted": counted, "often": often}
    parts["visitors"] = _visitors(query, side, {once: "visitors"})
    return summed("sums_of_visits", query, _VISITS[side], parts, again)


def is_by_arrival(query: Query) -> bool:
    """Tell whether all there is to group by is the way of arriving."""
    return not times(query) and all(field in ARRIVED for _, field in stored(query))


def is_asked_by_arrival(query: Query) -> bool:
    """Tell whether a way of arriving is among what a query groups by."""
    return any(field in ARRIVED for _, field in stored(query))


def shared_columns(queries: Sequence[Query], side: Side) -> str:
    """Return what several queries need of the same found visits."""
    fields = {
        field
        for query in queries
        for field in (*query.dimensions, *(c.field for c in conditions(query.filters)))
        if field in _VISITS[side]
    }
    names = sorted(ACTIONS_OF_VISITS[field].name for field in fields)
    columns = [*_ALWAYS, *(name for name in names if name in _OF_VISITS_ALONE)]
    columns += ["arrival"] * any(is_asked_by_arrival(query) for query in queries)
    columns += sorted(MARKED[field] for field in fields if field in MARKED)
    return ", ".join(columns)


def _of_some_hours(query: Query, side: Side) -> str:
    parts = {
        "times": times(query),
        "visits": subquery(f"{side}_visits"),
        "actions": subquery(_OF_DAYS[side]),
        "within_hours": within_hours(query),
    }
    return f"({composed(statement('sums_of_some_hours'), parts)})"


def _hours_of(query: Query, side: Side) -> Sums:
    """Count visitors by hour."""
    found = found_visits(query, side)
    ((n, _),) = stored(query)
    parts = {"times": times(query), "key": f"d{n}", "found": found.text}
    return replace(found, text=f"({composed(statement('sums_of_visit_hours'), parts)})")


def _is_by_name(query: Query) -> bool:
    """Tell whether actions are asked for by name, but for how their visits arrived all of them."""
    return Dimension.NAME in query.dimensions and not is_about_actions(query)


def _names_of(query: Query) -> Sums:
    """Sum up sealed actions by name: pageviews, which most are, out of the sums of their visits."""
    numbers = numbers_of(query, f"(FROM {_SEALED_ACTIONS} WHERE NOT is_view)")
    ((n, _),) = stored(query)
    by_visitor = are_of_visitors(c.field for c in conditions(query.filters))
    marked: dict[Field | None, str] = dict(MARKED.items())
    same = (one_value(part) for part in parts_of(query.filters))
    # A visitor's only visit from one source is the only one of those that the filter is about.
    marks = ["view_mark", *(marked[field] for field in same if field in marked)]
    parts = {
        "times": times(query),
        "key": f"d{n}",
        "arriving": arriving(query, writer_of(Side.SEALED), SEALED_ACTIONS),
        "once": "view_mark < 3" if by_visitor else f"({' OR '.join(f'{m} = 1' for m in marks)})",
        "viewed_apart": "" if by_visitor else statement("viewed_apart"),
    }
    viewed = composed(statement("sums_of_viewed"), parts)
    return replace(numbers, text=f"(FROM {numbers.text} UNION ALL BY NAME ({viewed}))")


def told_by_marks(query: Query, side: Side) -> tuple[str, str | None]:
    """Return for which visits one is one visitor, and which visitors have to be told apart."""
    marked: dict[Field | None, str] = dict(MARKED.items())
    fields = [field for _, field in stored(query) if field not in OF_VISITORS]
    marks = {marked[field] for field in fields if field in marked} or {"mark"}
    has_marks = all(field in marked for field in fields)
    is_whole = road(query, side) is not Road.VISITS_OF_ACTIONS
    if has_marks and is_whole and not has_done(query.filters):
        kept = [p for p in parts_of(query.filters) if not are_of_visitors(fields_of(p))]
        if not kept and len(marks) == 1:
            return f"{marks.pop()} < 3", None
        if len(kept) == 1 and (same := one_value(kept[0])) in marked:
            if marks <= {"mark", marked[same]}:
                return f"{marked[same]} < 3", None
            marks.add(marked[same])
    once = " OR ".join(f"{mark} = 1" for mark in sorted(marks))
    return f"({once})", f"(mark > 1 AND NOT ({once}))"  # they lie together, and are soon found


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
    reads = not OF_READING.isdisjoint(query.metrics)
    parts = {
        "times": times(query),
        "actions": _actions_alone(query, side) or actions_of_visits(side, reads=reads),
        "columns": listed(columns),
        "action_keys": listed(f"a{n} AS d{n}" for n in numbers),
        "visit_keys": listed(keys_of_visits),
        "found_keys": listed(f"d{n}" for n in numbers),
        "within_hours": within_hours(query),
        "where": writer.condition(query.filters, ACTIONS_OF_VISITS),
        "enters": _enters(query, writer),
        "branches": " UNION ALL BY NAME ".join(_branches(query)),
    }
    return f"({composed(statement('sums_of_actions'), parts)})"


def counted_actions() -> Sums:
    """Count unsealed actions by hour and name: for a question about all by either."""
    parts = {"events": subquery("unsealed_events")}
    return Sums(composed(subquery("counted_actions"), parts), {})


def everything_of(query: Query, actions: str) -> Sums:
    """Sum up all unsealed actions by hour, page or name; `actions` has them counted."""
    ((n, field),) = stored(query)
    parts = {
        "times": times(query),
        "key": f"d{n}",
        "actions": actions,
        "events": subquery("unsealed_events"),
        "visits": subquery("unsealed_visits"),
        "pages": subquery("unsealed_pages"),
    }
    name = OF_EVERYTHING.get(field, "sums_of_hours")
    return Sums(f"({composed(statement(name), parts)})", {})


def _actions_alone(query: Query, side: Side) -> str | None:
    """Return unsealed actions without their visits, where nobody asks about these."""
    fields = [*query.dimensions, *(c.field for c in conditions(query.filters))]
    needs_visits = (
        any(not is_of_events(field) and field not in TIMES for field in fields)
        or has_done(query.filters)
        or not _NEEDING_VISITS.isdisjoint(_branches(query))
    )
    return None if side is Side.SEALED or needs_visits else subquery("unsealed_actions_alone")


_NEEDING_VISITS: Final = frozenset({"FROM visited", "FROM read"})


def _branches(query: Query) -> Iterator[str]:
    """Yield what has to be worked out; the hour a visit began in may be one of no action."""
    yield "FROM acted"
    yield "FROM came"
    by_event = any(map(is_of_events, query.dimensions))
    has_hours = not WITHIN_DAYS.isdisjoint(query.dimensions)
    if not OF_VISITS.isdisjoint(query.metrics) or (has_hours and not by_event):
        yield "FROM visited"
    if not OF_READING.isdisjoint(query.metrics):
        yield "FROM read"


def _enters(query: Query, writer: Writer) -> str:
    """Return whether an action's visit entered where the action is, as far as places are asked."""
    if "FROM visited" not in _branches(query):
        return "true"
    parts = []
    if Dimension.PAGE in query.dimensions:
        parts.append("path = entry_page")
    if Dimension.EVENT_HOSTNAME in query.dimensions:
        parts.append("host = entry_host")
    if any(c.field in PLACES for c in conditions(query.filters, within_done=False)):
        columns = entered(ACTIONS_OF_VISITS, ACTIONS_OF_VISITS)
        parts.append(writer.condition(query.filters, columns))
    return " AND ".join(parts) or "true"


_SEALED_ACTIONS: Final = subquery("sealed_actions")
_OF_DAYS: Final = {Side.SEALED: "sealed_actions", Side.UNSEALED: "unsealed_events"}
_OF_VISITS: Final = {Side.SEALED: "sealed_actions", Side.UNSEALED: "unsealed_actions"}
_VISITS: Final = {Side.SEALED: SEALED_VISITS, Side.UNSEALED: UNSEALED_VISITS}
_OF_ACTIONS: Final = frozenset({Kind.PLACE, Kind.ACTION})
_ACTIONS: Final = {Side.SEALED: SEALED_ACTIONS, Side.UNSEALED: UNSEALED_ACTIONS}
