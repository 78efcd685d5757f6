"""Which road leads to an answer: what it can be summed up from, soonest first."""

from collections.abc import Iterable, Mapping
from enum import Enum, StrEnum, auto
from typing import Final

from collector.engine.filters import ARRIVED, OF_VISITORS
from collector.question import (
    EVERYTHING,
    TIMES,
    All,
    Condition,
    Dimension,
    Done,
    Either,
    Field,
    Filter,
    Metric,
    Not,
    Operator,
    Query,
    conditions,
    is_of_events,
)

WITHIN_DAYS: Final = frozenset({Dimension.HOUR, Dimension.HOUR_OF_DAY, Dimension.HOUR_OF_WEEK})
_COUNTS: Final = frozenset(
    {Metric.VISITORS, Metric.VISITS, Metric.PAGEVIEWS, Metric.EVENTS, Metric.PERCENTAGE}
)
_OF_ACTIONS_ALONE: Final = _COUNTS - {Metric.VISITS}
OF_VISITS: Final = frozenset(
    {Metric.VISITS, Metric.VIEWS_PER_VISIT, Metric.BOUNCE_RATE, Metric.VISIT_DURATION}
)
OF_READING: Final = frozenset({Metric.TIME_ON_PAGE, Metric.SCROLL_DEPTH})
PLACES: Final = frozenset({Dimension.PAGE, Dimension.EVENT_HOSTNAME})
OF_EVERYTHING: Final[Mapping[Field, str]] = {
    Dimension.PAGE: "sums_of_pages",
    Dimension.NAME: "sums_of_names",
}
MARKS: Final = {Dimension.PAGE: "page_mark", Dimension.NAME: "name_mark"}


class Side(StrEnum):
    """Which of the two stores days are in."""

    SEALED = "sealed"
    UNSEALED = "unsealed"


class Road(Enum):
    """What an answer is summed up from."""

    ARRIVALS = auto()  # sums of sealed visits by how they arrived
    VISITS = auto()  # whole visits
    VISITS_OF_ACTIONS = auto()  # those with an action that the filter lets through
    HOURS = auto()  # whole visits, by the hours each has
    SOME_HOURS = auto()  # the same of parts of days, and actions beside them
    NUMBERS = auto()  # sealed actions by page or name, whose numbers and marks say enough
    EVERYTHING = auto()  # unsealed actions by hour, page or name, all of them, beside whole visits
    ACTIONS = auto()  # actions, each with all that is known of its visit


ABOUT_VISITS: Final = frozenset({Road.ARRIVALS, Road.VISITS, Road.VISITS_OF_ACTIONS})


class Kind(Enum):
    """What a part of a filter speaks of."""

    ARRIVAL = auto()  # how visitors arrive
    VISIT = auto()  # what is true of a whole visit
    PLACE = auto()  # where an action is: also of where a visit began
    ACTION = auto()  # what else an action is
    MIXED = auto()  # several of these, or an action and what its visit has done


def road(query: Query, side: Side) -> Road:
    """Return the shortest road to an answer."""
    kinds = {kind_of(part) for part in parts_of(query.filters)}
    by_action = any(map(is_of_events, query.dimensions))
    has_hours = not WITHIN_DAYS.isdisjoint(query.dimensions)
    if side is Side.UNSEALED and _is_of_everything(query):
        return Road.EVERYTHING
    if query.filters == EVERYTHING and not query.period.is_whole and not stored(query):
        return Road.SOME_HOURS
    if kinds <= {Kind.ARRIVAL, Kind.VISIT} and _is_of_hours(query):
        return Road.HOURS
    if side is Side.SEALED and _is_of_numbers(query):
        return Road.NUMBERS
    if by_action or has_hours or not OF_READING.isdisjoint(query.metrics) or Kind.MIXED in kinds:
        return Road.ACTIONS
    if not (kinds <= {Kind.ARRIVAL, Kind.VISIT} and query.period.is_whole):
        return Road.VISITS_OF_ACTIONS
    by_arrival = all(field in ARRIVED for _, field in stored(query))
    is_summed_up = side is Side.SEALED and by_arrival and Kind.VISIT not in kinds
    return Road.ARRIVALS if is_summed_up else Road.VISITS


def stored(query: Query) -> list[tuple[int, Field]]:
    """Return the dimensions that have a column, with their numbers: dates are there anyway."""
    return [
        (n, field)
        for n, field in enumerate(query.dimensions)
        if field not in TIMES or field in WITHIN_DAYS
    ]


def parts_of(found: Filter) -> tuple[Filter, ...]:
    """Return filters all of which let through what the whole lets through."""
    return found.filters if isinstance(found, All) else (found,)


def kind_of(part: Filter) -> Kind:
    """Return what a part of a filter speaks of."""
    fields = fields_of(part)
    if not any(map(is_of_events, fields)):
        is_arrival = fields and fields <= ARRIVED.keys() and not has_done(part)
        return Kind.ARRIVAL if is_arrival else Kind.VISIT
    if fields <= PLACES and not has_done(part):
        return Kind.PLACE
    is_action = all(is_of_events(field) and field not in PLACES for field in fields)
    return Kind.ACTION if is_action and not has_done(part) else Kind.MIXED


def fields_of(part: Filter) -> set[Field]:
    """Return what a part of a filter names, but for what visits have done."""
    return {c.field for c in conditions(part, within_done=False)}


def has_done(found: Filter) -> bool:
    """Tell whether a filter asks what a visit has done."""
    match found:
        case Done():
            return True
        case Not(inner):
            return has_done(inner)
        case All(inner) | Either(inner):
            return any(map(has_done, inner))
    return False


def one_value(part: Filter) -> Field | None:
    """Return the field of which all that is let through has the same value."""
    if not isinstance(part, Condition) or part.operator is not Operator.IS:
        return None
    return part.field if part.case_sensitive and len(part.values) == 1 else None


def are_of_visitors(fields: Iterable[Field]) -> bool:
    """Tell whether all fields are the same for a visitor's whole day."""
    return all(field in OF_VISITORS for field in fields)


def _is_of_everything(query: Query) -> bool:
    """Tell whether hours, or pages or names and no visits, are all that is asked by, unfiltered."""
    fields = [field for _, field in stored(query)]
    if len(fields) != 1 or query.filters != EVERYTHING or not query.period.is_whole:
        return False
    if fields[0] in WITHIN_DAYS:
        return OF_READING.isdisjoint(query.metrics)
    return fields[0] in OF_EVERYTHING and _OF_ACTIONS_ALONE.issuperset(query.metrics)


def _is_of_hours(query: Query) -> bool:
    """Tell whether all that is asked is who came in which hour."""
    fields = [field for _, field in stored(query)]
    by_hour = len(fields) == 1 and fields[0] in WITHIN_DAYS
    return by_hour and query.period.is_whole and set(query.metrics) == {Metric.VISITORS}


def _is_of_numbers(query: Query) -> bool:
    """Tell whether sealed actions hold the answer without what they do not know of their visits."""
    return (
        query.period.is_whole
        and marked_field(query) is not None
        and _COUNTS.issuperset(query.metrics)
        and not has_done(query.filters)
        and all(
            kind_of(part) in {Kind.ARRIVAL, Kind.PLACE, Kind.ACTION}
            for part in parts_of(query.filters)
        )
    )


def marked_field(query: Query) -> Field | None:
    """Return by whose marks a query's visits can be told: it asks by that, or about one of it.

    Ways to arrive are all else that it may ask by.
    """
    fields = [field for _, field in stored(query)]
    if len(fields) == 1 and fields[0] in MARKS:
        return fields[0]
    if not all(field in ARRIVED for field in fields):
        return None
    named = (one_value(part) for part in parts_of(query.filters))
    return next((field for field in named if field in MARKS), None)
