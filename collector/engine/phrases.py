"""Pieces of SQL that sums are composed of, whichever road leads to them."""

import re
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from collector.engine.filters import ARRIVED, Columns, Writer
from collector.engine.roads import Kind, Side, kind_of, parts_of, stored
from collector.question import TIMES, All, Dimension, Query
from collector.session import statement

_PART = re.compile(r"/\*(\w+)\*/")


@dataclass(frozen=True, slots=True)
class Sums:
    """A subquery, and the values it binds beside those of the period."""

    text: str
    values: Mapping[str, object]


def composed(text: str, parts: dict[str, str]) -> str:
    """Put parts, which may hold parts, where a statement names them."""
    while "/*" in text:
        text = _PART.sub(lambda match: parts[match[1]], text)
    return text


def subquery(name: str) -> str:
    """Return a statement in brackets."""
    return f"({statement(name).rstrip().removesuffix(';')})"


def without_sealed(text: str) -> str:
    """Leave out of a statement the look at what is sealed among unsealed days."""
    return text.replace(_UNLESS_SEALED, "")


def listed(columns: Iterable[str]) -> str:
    """Return columns each with a comma after it."""
    return "".join(f"{column}, " for column in columns)


def times(query: Query) -> str:
    """Return the column that times are made of, if any is asked for."""
    return "" if TIMES.isdisjoint(query.dimensions) else "date, "


def writer_of(side: Side) -> Writer:
    """Return what writes the conditions of one side."""
    return Writer(actions_of_visits(side, reads=False), side)


def actions_of_visits(side: Side, *, reads: bool) -> str:
    """Return actions with all that is known of their visits, and of reading if that is asked."""
    unsealed = "unsealed_readings" if reads else "unsealed_events"
    if side is Side.SEALED:
        return subquery("sealed_actions_of_visits")
    return composed(subquery("unsealed_actions_of_visits"), {"unsealed": subquery(unsealed)})


def where(query: Query, writer: Writer, columns: Columns, kinds: AbstractSet[Kind]) -> str:
    """Return the condition that the parts of a filter make that speak of something."""
    return writer.condition(
        All(tuple(part for part in parts_of(query.filters) if kind_of(part) in kinds)), columns
    )


def arriving(query: Query, writer: Writer, columns: Columns) -> str:
    """Keep what arrived in a way the filter lets through: a join is faster than a condition."""
    kept = where(query, writer, ARRIVED, {Kind.ARRIVAL})
    column = columns[Dimension.SOURCE]
    if kept == "true":
        return ""
    return f"JOIN (SELECT {column.key} FROM {column.table} WHERE {kept}) USING ({column.name})"


def within_hours(query: Query) -> str:
    """Return the condition that a row lies in a period which may begin or end within a day."""
    if query.period.is_whole:
        return "true"
    return "(date > $first OR hour >= $first_hour) AND (date < $last OR hour <= $last_hour)"


def summed(
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
        "visits_told_apart": "",
        "again": again or "",
    }
    return f"({composed(statement(name), common | parts)})"


_UNLESS_SEALED: Final = composed(
    "AND date NOT IN (\n/*sealed_between*/\n)",
    {"sealed_between": statement("sealed_between").rstrip().removesuffix(";")},
)
