"""Columns of answers: metrics out of sums by day, dimensions, order. Which rollups hold them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from collector.engine.filters import ACTIONS_OF_VISITS
from collector.engine.roads import WITHIN_DAYS, stored
from collector.question import EVERYTHING, TIMES, Dimension, Field, Metric, Property, Query

# Of sums by day; the percentage comes out of the visitors of two answers.
_METRICS: Final = {
    Metric.VISITORS: "coalesce(total(visitors), 0)::BIGINT",
    Metric.VISITS: "coalesce(total(visits), 0)::BIGINT",
    Metric.PAGEVIEWS: "coalesce(total(pageviews), 0)::BIGINT",
    Metric.EVENTS: "coalesce(total(events), 0)::BIGINT",
    # A visit may have all of its pageviews in an hour later than the one it began in.
    Metric.VIEWS_PER_VISIT: "mean(coalesce(total(pageviews), 0), total(visits), 100)",
    Metric.BOUNCE_RATE: "mean(100 * total(bounces), total(entries), 10)",
    Metric.VISIT_DURATION: "mean(total(duration_s), total(visits), 10)",
    Metric.TIME_ON_PAGE: "mean(total(engaged_s), total(readings), 10)",
    Metric.SCROLL_DEPTH: "mean(10 * total(scroll), total(readings), 10)",
}
# What always has a value, so that rows can be compared by it.
ADDED_UP = frozenset(
    {Metric.VISITORS, Metric.VISITS, Metric.PAGEVIEWS, Metric.EVENTS, Metric.PERCENTAGE}
)
_LAST_HOUR: Final = 23
# What is kept of a day by hour: under which name until an hour.
OF_PARTS: Final = {"total": "began", "hour": "hour"}
# By visitors, and then by what is asked for, said or not.
_BY_VISITORS: Final = ("visitors DESC NULLS LAST", "visitors DESC NULLS LAST, k0 ASC NULLS FIRST")
_SUMMED = re.compile(r"total\((\w+)\)")
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


def needed(query: Query) -> list[Metric]:
    """Return the metrics to be worked out, visitors always: small numbers of them are hidden."""
    return [m for m in _METRICS if m in query.metrics or m is Metric.VISITORS]


def computed(metrics: Iterable[Metric]) -> str:
    """Return metrics made of sums by day, which are added up."""
    return ", ".join(f"{_METRICS[metric]} AS {metric}" for metric in metrics)


def summed(metrics: Iterable[Metric]) -> list[str]:
    """Return the sums by day that metrics are made of."""
    texts = " ".join(_METRICS[metric] for metric in metrics)
    return list(dict.fromkeys(_SUMMED.findall(texts)))


def totals(metrics: Iterable[Metric], prefix: str = "") -> str:
    """Return the sums that metrics are made of, added up; each has a prefix to its name."""
    names = [f"{prefix}{name}" for name in summed(metrics)]
    return ", ".join(f"total({name}) AS {name}" for name in names)


def worked_out(metrics: Iterable[Metric], prefix: str = "") -> str:
    """Return metrics made of what `totals` has added up."""
    name = rf"{prefix}\1"
    return ", ".join(f"{_SUMMED.sub(name, _METRICS[metric])} AS {metric}" for metric in metrics)


def labels(dimensions: Sequence[Field]) -> list[str]:
    """Return what dimensions are called in an answer, made of sums by day and of `d0` and so on."""
    return [f"{label_of(field, n)} AS k{n}" for n, field in enumerate(dimensions)]


def label_of(field: Field, number: int = 0) -> str:
    """Return what is written of a dimension, which sums by day have under a number, or by date."""
    return _TIME_LABELS.get(field, "{0}").format(f"d{number}")


def order_of(query: Query) -> str:
    """Return an ORDER BY list of closed names; dimensions last, so that the order is total."""
    return ", ".join([ranked_by(query), *(f"k{n}" for n in range(len(query.dimensions)))])


def ranked_by(query: Query) -> str:
    """Return what of an ORDER BY list the query itself asks for."""
    order = query.order_by
    if not order:
        has_time = not TIMES.isdisjoint(query.dimensions)
        times = tuple((field, False) for field in query.dimensions if field in TIMES)
        order = times if has_time else ((query.metrics[0], True),)
    return ", ".join(
        f"{result_column(query, key)} {_direction(key, descends)}" for key, descends in order
    )


def _direction(key: Metric | Field, descends: bool) -> str:  # noqa: FBT001 - as it is in a query
    """Return a direction: what does not exist is last of metrics, and least of dimensions."""
    if descends:
        return "DESC NULLS LAST"
    return "ASC NULLS LAST" if isinstance(key, Metric) else "ASC NULLS FIRST"


def is_ranked_by_visitors(query: Query) -> bool:
    """Tell whether those with most visitors come first, and of these in the usual order."""
    return ranked_by(query) in _BY_VISITORS


def result_column(query: Query, key: Metric | Field) -> str:
    """Return by what a metric or dimension of a query is known in its answer."""
    if isinstance(key, Metric):
        return Metric.VISITORS.value if key is Metric.PERCENTAGE else key.value
    return f"k{query.dimensions.index(key)}"


def rolled(query: Query) -> str | None:
    """Return under which name sums by day hold the answer; None where they do not."""
    return _summed_up(query) if query.period.is_whole else None


def rolled_in_part(query: Query) -> str | None:
    """Return the same of a period that begins or ends within a day, but not both within one."""
    period, name = query.period, _summed_up(query)
    if period.is_whole or (name == "hour" and period.first_hour > 0):
        return None  # a visit that began before has an hour of its own
    is_cut_twice = period.first_hour > 0 and period.last_hour < _LAST_HOUR
    if period.first == period.last and is_cut_twice:
        return None
    return name if name in OF_PARTS else None


def is_rolled(query: Query) -> bool:
    """Tell whether sums by day hold the answer."""
    return rolled(query) is not None or rolled_in_part(query) is not None


def _summed_up(query: Query) -> str | None:
    """Return by what sums of whole days are kept that a query asks for."""
    if query.filters != EVERYTHING:
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


def union(queries: Iterable[Query]) -> list[Metric]:
    """Return the metrics that queries need together."""
    asked = {metric for query in queries for metric in needed(query)}
    return [metric for metric in _METRICS if metric in asked]


def kinds_of(queries: Sequence[Query]) -> list[Query]:
    """Return one query for each name in the rollups, with the metrics of all of that name."""
    kinds: dict[str | None, Query] = {}
    for query in queries:
        kind = kinds.setdefault(rolled(query), query)
        metrics = tuple(dict.fromkeys((*kind.metrics, *query.metrics)))
        kinds[rolled(query)] = replace(kind, metrics=metrics)
    return list(kinds.values())
