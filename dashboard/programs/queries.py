"""From the wire form of Plausible's Stats API v2 to a query, and the names it has for values.

Source: https://plausible.io/docs/stats-api
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, TypeVar

import msgspec

from collector.engine.realtime import Minute
from collector.question import (
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
    Period,
    Property,
    QueryError,
)
from dashboard.question.periods import time_dimension
from dashboard.words.countries import COUNTRIES, UNKNOWN
from dashboard.words.fields import DIRECT

UNSET: Final = "(not set)"
NONE: Final = "(none)"
COUNTRY_NAME: Final = "visit:country_name"
_PROPERTY = "event:props:"
_TIME = "time"  # in steps that suit the period
_PROPERTY_MAX_CHARACTERS = 300
_TIMES: frozenset[Field | Minute] = frozenset({*TIMES, Minute.MINUTE})
_Column = TypeVar("_Column", bound=Field | Minute)
_DIMENSIONS: Mapping[str, Dimension] = {dimension.value: dimension for dimension in Dimension}
_METRICS: Mapping[str, Metric] = {metric.value: metric for metric in Metric}
_NOT_KEPT = {
    "event:goal": "there are no goals yet",
    "visit:utm_content": "of a campaign only source, medium and name are kept",
    "visit:utm_term": "of a campaign only source, medium and name are kept",
    "visit:city": "of a place only the country is kept",
    "visit:city_name": "of a place only the country is kept",
    "visit:region": "of a place only the country is kept",
    "visit:region_name": "of a place only the country is kept",
    "visit:browser_version": "versions are not kept",
    "visit:os_version": "versions are not kept",
    "time:minute": "only the last minutes (realtime, realtime_30m) are known by the minute",
    "segment": "write its filters in its place",
}
_NOT_COUNTED = frozenset(
    {"conversion_rate", "group_conversion_rate", "average_revenue", "total_revenue"}
)
_OPERATORS = {
    "is": (Operator.IS, True),
    "is_not": (Operator.IS, False),
    "contains": (Operator.CONTAINS, True),
    "contains_not": (Operator.CONTAINS, False),
    "matches": (Operator.MATCHES, True),
    "matches_not": (Operator.MATCHES, False),
}
# What Plausible calls otherwise, by its name. Its other channels (Paid Search, Display) and Laptop
# have no like here.
# Source: https://plausible.io/docs/top-referrers, https://plausible.io/docs/stats-api
_PLAUSIBLES: Mapping[Field | Minute, Mapping[str, str]] = {
    Dimension.CHANNEL: {
        "Direct": "direct",
        "Email": "email",
        "Organic Search": "search",
        "Organic Social": "social",
        "Referral": "referral",
    },
    Dimension.DEVICE: {"Desktop": "desktop", "Mobile": "mobile", "Tablet": "tablet"},
    Dimension.BROWSER: {"Microsoft Edge": "Edge", "Samsung Browser": "Samsung Internet"},
    Dimension.OS: {"Mac": "macOS", "GNU/Linux": "Linux", "Chrome OS": "ChromeOS"},
}
_COMBINING = ("and", "or", "not", "has_done", "has_not_done")
_WRITTEN = (
    'a filter is [operator, dimension, [values]], ["and" or "or", [filters]], or ["not",'
    ' "has_done" or "has_not_done", filter]'
)


def metrics(names: Sequence[str]) -> tuple[Metric, ...]:
    """Return metrics by their names.

    Raises:
        QueryError: one is unknown, or there is none.
    """
    for name in names:
        if name in _NOT_COUNTED:
            raise QueryError("metrics", f"{name} is not there: there are no goals yet")
        if name not in _METRICS:
            raise QueryError("metrics", f"{name!r} is unknown; there are {', '.join(_METRICS)}")
    if not names:
        raise QueryError("metrics", f"name at least one of {', '.join(_METRICS)}")
    return tuple(_METRICS[name] for name in names)


def dimensions(names: Sequence[str], period: Period) -> dict[str, Field]:
    """Return dimensions by their names; `time` is the one that suits the period.

    Raises:
        QueryError: one is unknown, or not kept, or there twice: only countries have two names.
    """
    return _each_once(
        names,
        {
            name: time_dimension(period) if name == _TIME else field(name, "dimensions")
            for name in names
        },
    )


def recent_dimensions(names: Sequence[str]) -> dict[str, Field | Minute]:
    """Return the same of the last minutes, where `time` is the minute.

    Raises:
        QueryError: one is unknown, or not kept, or there twice: only countries have two names.
    """
    minutes = {_TIME, Minute.MINUTE.value}
    return _each_once(
        names,
        {name: Minute.MINUTE if name in minutes else field(name, "dimensions") for name in names},
    )


def _each_once(names: Sequence[str], columns: dict[str, _Column]) -> dict[str, _Column]:
    different = {column for name, column in columns.items() if name != COUNTRY_NAME}
    if len(columns) < len(names) or len(different) < len(columns) - (COUNTRY_NAME in columns):
        raise QueryError("dimensions", "name each only once")
    return columns


def field(name: str, part: str) -> Field:
    """Return one dimension; `part` is where in the query it stands.

    Raises:
        QueryError: it is unknown, or not kept.
    """
    if name == COUNTRY_NAME:
        return Dimension.COUNTRY
    if name.startswith(_PROPERTY):
        if not 0 < len(name) - len(_PROPERTY) <= _PROPERTY_MAX_CHARACTERS:
            raise QueryError(
                part, f"{_PROPERTY} needs a name of 1 to {_PROPERTY_MAX_CHARACTERS} characters"
            )
        return Property(name.removeprefix(_PROPERTY))
    if name in _NOT_KEPT:
        raise QueryError(part, f"{name} is not there: {_NOT_KEPT[name]}")
    if part == "filters" and (name == _TIME or _DIMENSIONS.get(name) in TIMES):
        raise QueryError(part, f"{name} is chosen by date_range")
    if name not in _DIMENSIONS:
        raise QueryError(part, f"{name!r} is unknown; there are {', '.join(_known(part))}")
    return _DIMENSIONS[name]


def _known(part: str) -> list[str]:
    times = (
        []
        if part == "filters"
        else [_TIME, *(each for each in _DIMENSIONS.values() if each in TIMES)]
    )
    others = [each for each in _DIMENSIONS.values() if each not in TIMES]
    return [*others, COUNTRY_NAME, f"{_PROPERTY}...", *times]


def filters(posted: Sequence[object]) -> Filter:
    """Return the filters of a query, of which every one has to hold.

    Raises:
        QueryError: one is not of the form that the message names.
    """
    return All(tuple(map(_filter, posted)))


def _filter(posted: object) -> Filter:
    match posted:
        case ["and", [*inner]]:
            return All(tuple(map(_filter, inner)))
        case ["or", [*inner]]:
            return Either(tuple(map(_filter, inner)))
        case ["not", inner]:
            return Not(_filter(inner))
        case ["has_done", inner]:
            return Done(_filter(inner))
        case ["has_not_done", inner]:
            return Not(Done(_filter(inner)))
        case [str(operator), str(name), [*values], *modifiers] if operator in _OPERATORS:
            return _condition(operator, name, values, modifiers)
        case [str(operator), *_] if operator not in {*_OPERATORS, *_COMBINING}:
            known = ", ".join([*_OPERATORS, *_COMBINING])
            raise QueryError("filters", f"{operator!r} is no operator; there are {known}")
    raise QueryError("filters", _WRITTEN)


def _condition(
    operator: str, name: str, values: Sequence[object], modifiers: Sequence[object]
) -> Filter:
    case_sensitive = True
    match modifiers:
        case []:
            pass
        case [{"case_sensitive": bool(found), **others}] if not others:
            case_sensitive = found
        case [dict(none)] if not none:
            pass
        case _:
            raise QueryError("filters", 'after the values only {"case_sensitive": false} is known')
    texts = tuple(_value(value) for value in values)
    compares, is_wanted = _OPERATORS[operator]
    column = field(name, "filters")
    if name == COUNTRY_NAME:
        condition = _of_countries(compares, texts, case_sensitive)
    else:
        if compares is Operator.IS:
            texts = tuple(_kept(column, text, case_sensitive) for text in texts)
        condition = Condition(compares, column, texts, case_sensitive)
    return condition if is_wanted else Not(condition)


def _kept(column: Field, text: str, case_sensitive: bool) -> str:  # noqa: FBT001 - as it is posted
    """Return what is kept of a value that Plausible, or an answer, calls otherwise."""
    names = {empty(column): "", **_PLAUSIBLES.get(column, {})}
    if case_sensitive:
        return names.get(text, text)
    return next((ours for name, ours in names.items() if name.lower() == text.lower()), text)


def _value(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise QueryError("filters", "values are texts")
    return str(value)


def _of_countries(compares: Operator, texts: tuple[str, ...], case_sensitive: bool) -> Filter:  # noqa: FBT001 - as it is posted
    """Return a condition on codes, since only those are kept."""
    if compares is Operator.MATCHES:
        raise QueryError("filters", f"{COUNTRY_NAME} can be compared by is and contains")
    wanted = texts if case_sensitive else tuple(text.lower() for text in texts)
    if compares is Operator.IS and {"", UNSET}.intersection(wanted):
        wanted = (*wanted, UNKNOWN if case_sensitive else UNKNOWN.lower())
    codes = tuple(
        code
        for code, name in {**COUNTRIES, "": UNKNOWN}.items()
        for written in (name if case_sensitive else name.lower(),)
        if (written in wanted if compares is Operator.IS else any(t in written for t in wanted))
    )
    return Condition(Operator.IS, Dimension.COUNTRY, codes) if codes else Either(())


def empty(column: Field | Minute) -> str:
    """Return the name of a dimension's empty value."""
    if isinstance(column, Property):
        return NONE
    return DIRECT if column is Dimension.SOURCE else UNSET


def order(
    asked: Sequence[tuple[str, str]] | None,
    wanted: Sequence[Metric],
    names: Mapping[str, _Column],
) -> tuple[tuple[Metric | _Column, bool], ...]:
    """Return the order asked for, or Plausible's: by time, then by the first metric, falling.

    Args:
        asked: pairs of a name and "asc" or "desc".
        wanted: the query's metrics.
        names: its dimensions, by the names they were asked for.

    Raises:
        QueryError: it names no direction, or what was not asked for.
    """
    if not asked:
        columns = dict.fromkeys(names.values())
        times = [(column, False) for column in columns if column in _TIMES]
        others = [(column, False) for column in columns if column not in _TIMES]
        return (*times, (wanted[0], True), *others)
    return tuple(_order_entry(key, direction, wanted, names) for key, direction in asked)


def _order_entry(
    key: str, direction: str, wanted: Sequence[Metric], names: Mapping[str, _Column]
) -> tuple[Metric | _Column, bool]:
    if direction not in {"asc", "desc"}:
        raise QueryError("order_by", f"{direction!r} is neither asc nor desc")
    if key in names:
        return names[key], direction == "desc"
    if key in wanted:
        return _METRICS[key], direction == "desc"
    raise QueryError("order_by", f"{key!r} is none of the metrics and dimensions asked for")


class Comparison(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """With what a period is to be compared."""

    mode: str
    date_range: tuple[str, str] | None = None
    match_day_of_week: bool = False


def change(metric: Metric, now: float | None, then: float | None) -> float | None:
    """Return how a metric has changed: in per cent, a metric in per cent in points.

    From nothing to something is 100, as at Plausible.
    """
    if now is None or then is None:
        return None
    if metric in {Metric.BOUNCE_RATE, Metric.SCROLL_DEPTH, Metric.PERCENTAGE}:
        return round(now - then, 1)
    if not then:
        return 100 if now else 0
    return round(100 * (now - then) / then)


def moment(text: str) -> datetime | None:
    """Return an ISO 8601 time with an offset; None for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None
