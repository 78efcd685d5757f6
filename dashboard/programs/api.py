"""POST /api/v2/query: numbers for programs, in the form of Plausible's Stats API v2.

Source: https://plausible.io/docs/stats-api
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from collector.control import Site
from collector.engine.realtime import Minute, Recent, Window
from collector.question import (
    MAX_ROWS,
    Dimension,
    Field,
    Metric,
    Period,
    Query,
    QueryError,
    Row,
    TooLargeError,
    TooSlowError,
)
from collector.stats import Stats
from dashboard.asker import who_asks
from dashboard.parts import Parts
from dashboard.programs import queries
from dashboard.programs.queries import Comparison
from dashboard.question.periods import (
    PeriodError,
    Preset,
    before,
    bounds,
    buckets,
    last_24_hours,
    local_now,
    span,
    to_weekday,
    year_before,
)
from dashboard.question.tables import Line, Table, as_csv
from dashboard.web import BodyTooLargeError, bounded_body, json_refusal
from dashboard.words.countries import country_name

_BODY_BYTES = 65_536
_MOST_OFFSET = 1_000_000
_LABELLED: Mapping[Field, Dimension] = {
    each: each for each in (Dimension.HOUR, Dimension.DAY, Dimension.WEEK, Dimension.MONTH)
}
_FORMATS = {
    "json": "application/json",
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
}
_DIRECTION = {True: "desc", False: "asc"}
_FULL_HOUR = "2026-11-24T12:00:00+01:00"
_LAST_SECOND = (59, 59)  # of an hour: some programs name that, or its last millisecond
_CLOCK = re.compile(r"\d:\d")
_PERIODS = (
    f"today, {', '.join([*Preset, *Window])}, 24h, all,"
    f' two dates such as ["2026-11-01", "2026-11-24"], or two full hours such as {_FULL_HOUR}'
)
_HIDDEN = (
    "Numbers about few visitors are hidden (null) where two or more filters and dimensions narrow"
    " them down. That keeps people from being singled out casually; it does not withstand"
    " subtracting one answer from another."
)

_FIELD_OF_ERROR = re.compile(r"(?:field `(?P<named>\w+)`)?(?: - at `\$\.?(?P<path>[^`]*)`)?$")


class RequestError(Exception):
    """A query that is not answered: status, the field at fault, and what is allowed there."""

    def __init__(self, status: int, message: str, field: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.field = field


class Include(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What else the answer should hold."""

    total_rows: bool = False
    time_labels: bool = False
    imports: bool = False
    comparisons: Comparison | None = None


class Pagination(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which of the rows are wanted."""

    limit: Annotated[int, msgspec.Meta(ge=1, le=MAX_ROWS)] = MAX_ROWS
    offset: Annotated[int, msgspec.Meta(ge=0, le=_MOST_OFFSET)] = 0


class Body(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A query as it was posted."""

    site_id: str
    metrics: list[str]
    date_range: str | list[str]
    dimensions: list[str] = []
    order_by: list[tuple[str, str]] | None = None
    filters: list[Any] = []
    include: Include = Include()
    pagination: Pagination = Pagination()


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered: a table, what there is to say about it, and the query as understood."""

    table: Table
    meta: dict[str, object]
    query: dict[str, object]


async def query(parts: Parts, request: Request) -> Response:
    """Answer one query; every refusal is JSON with `error` and, where one is at fault, `field`."""
    try:
        written = _format(request)
        body = _decoded(await bounded_body(request, _BODY_BYTES))
        found = await run_in_threadpool(answer, parts, body)
        return await run_in_threadpool(_written, parts, found, written)
    except BodyTooLargeError:
        return _refused(RequestError(413, f"the body is longer than {_BODY_BYTES} bytes"))
    except TooSlowError as error:
        return _refused(RequestError(503, str(error)))
    except TooLargeError as error:
        return _refused(RequestError(400, str(error), "pagination.limit"))
    except RequestError as error:
        return _refused(error)


def _format(request: Request) -> str:
    """Return a name of `_FORMATS`, from `?format=` or else from what the program accepts."""
    accepted = re.split("[,;]", request.headers.get("accept", ""), maxsplit=1)[0].strip()
    usual = next((name for name, type_ in _FORMATS.items() if type_ == accepted), "json")
    wanted = request.query_params.get("format", usual)
    if wanted not in _FORMATS:
        raise RequestError(400, f"{wanted!r} is unknown; use {', '.join(_FORMATS)}", "format")
    return wanted


def _written(parts: Parts, found: Answer, name: str) -> Response:
    """Return an answer in one of the formats. Blocking."""
    if name == "csv":
        content: str | bytes = as_csv(found.table, parts.stats.least_visitors)
    elif name == "parquet":
        about = msgspec.json.encode({"meta": found.meta, "query": found.query}).decode()
        content = parts.parquet(found.table.columns(), found.table.rows(), about)
    else:
        return _json(200, _shown(found))
    return Response(content, media_type=_FORMATS[name])


def _shown(found: Answer) -> dict[str, object]:
    """Return an answer as programs expect it from Plausible."""
    results = []
    for line in found.table.lines:
        result: dict[str, object] = {"dimensions": line.dimensions, "metrics": line.metrics}
        if found.table.is_compared:
            result["comparison"] = line.before and {
                "dimensions": line.before.dimensions,
                "metrics": line.before.metrics,
                "change": line.change,
            }
        results.append(result)
    return {"results": results, "meta": found.meta, "query": found.query}


def current_visitors(parts: Parts, request: Request) -> Response:
    """Say how many visitors did something in the last five minutes. Blocking."""
    try:
        site = _site(parts, request.query_params.get("site_id", ""))
    except RequestError as error:
        return _refused(error)
    return _json(200, parts.stats.current_visitors(site.id, parts.clock()))


def answer(parts: Parts, body: Body) -> Answer:
    """Answer a query. Blocking.

    Raises:
        RequestError: no such site, or a field that cannot be honoured.
    """
    site = _site(parts, body.site_id)
    now = parts.clock()
    try:
        if body.date_range in list(Window):
            return _recent(parts, body, site, now)
        wanted = _understood(parts, body, site, now)
        rows = parts.stats.report(wanted).rows
        meta = _meta(parts, body, wanted, rows, site, now)
    except QueryError as error:
        raise RequestError(400, error.message, error.field) from error
    columns = queries.dimensions(body.dimensions, wanted.period)
    lines = [_line(row, columns, wanted) for row in rows]
    table = Table(body.dimensions, wanted.metrics, wanted.compared_with is not None, lines)
    first, end = bounds(wanted.period, site.timezone)
    ends = (first, end - timedelta(seconds=1))
    return Answer(table, meta, _echo(body, wanted, columns, wanted.order_by, ends))


def _recent(parts: Parts, body: Body, site: Site, now: datetime) -> Answer:
    """Answer a query about the last minutes."""
    if body.include.imports or body.include.comparisons:
        asked = "imports" if body.include.imports else "comparisons"
        raise RequestError(400, "the last minutes stand alone", f"include.{asked}")
    columns = queries.recent_dimensions(body.dimensions)
    wanted = _recently(body, columns, site, now)
    rows = parts.realtime.rows(wanted)
    page = rows[body.pagination.offset :][: body.pagination.limit]
    meta: dict[str, object] = {}
    if body.include.time_labels:
        if Minute.MINUTE not in wanted.dimensions:
            raise RequestError(400, "needs time:minute", "include.time_labels")
        meta["time_labels"] = wanted.labels()
    if body.include.total_rows:
        meta["total_rows"] = len(rows)
    if any(row.is_hidden for row in page):
        meta["warnings"] = [{"code": "small_cells", "message": _HIDDEN}]
    lines = [
        Line(_texts(row, columns, wanted.dimensions), row.metrics, row.is_hidden) for row in page
    ]
    table = Table(body.dimensions, wanted.query.metrics, is_compared=False, lines=lines)
    ends = [local_now(at, site.timezone) for at in (wanted.since, now)]
    echo = _echo(body, wanted.query, columns, wanted.order_by, ends)
    return Answer(table, meta, echo)


def _recently(
    body: Body, columns: Mapping[str, Field | Minute], site: Site, now: datetime
) -> Recent:
    dimensions = tuple(dict.fromkeys(columns.values()))
    metrics = queries.metrics(body.metrics)
    today = local_now(now, site.timezone).date()
    query = Query(
        site=site.id,
        metrics=metrics,
        dimensions=tuple(each for each in dimensions if not isinstance(each, Minute)),
        period=Period(today, today),
        filters=queries.filters(body.filters),
        limit=body.pagination.limit,
        offset=body.pagination.offset,
    )
    order = queries.order(body.order_by, metrics, columns)
    return Recent(query, dimensions, order, Window(str(body.date_range)), now, site.timezone)


def _site(parts: Parts, domain: str) -> Site:
    site = parts.control.site(domain.lower())
    if site is None or who_asks().role(site.id) is None:
        # Plausible answers 401 here too; programs written for it look for that.
        raise RequestError(401, f"there is no site {domain!r}", "site_id")
    return site


def _meta(
    parts: Parts, body: Body, wanted: Query, rows: Sequence[Row], site: Site, now: datetime
) -> dict[str, object]:
    meta: dict[str, object] = {}
    if body.include.imports:  # there is no way to import any
        meta |= {"imports_included": False, "imports_skip_reason": "no_imported_data"}
    if body.include.time_labels:
        meta["time_labels"] = _time_labels(wanted, site, now)
    if body.include.total_rows:
        meta["total_rows"] = _total_rows(parts.stats, wanted, len(rows))
    if any(each.is_hidden for row in rows for each in (row, row.compared) if each):
        meta["warnings"] = [{"code": "small_cells", "message": _HIDDEN}]
    return meta


def _decoded(body: bytes) -> Body:
    try:
        return msgspec.json.decode(body, type=Body)
    except msgspec.ValidationError as error:
        raise RequestError(400, str(error), _field(str(error))) from error
    except msgspec.DecodeError as error:
        raise RequestError(400, f"the body is no JSON: {error}") from error
    except RecursionError:
        raise RequestError(400, "the body is nested too deeply") from None


def _field(message: str) -> str | None:
    """Return the dotted name of the field that a decoder's message speaks of."""
    found = _FIELD_OF_ERROR.search(message)
    names = [found["path"], found["named"]] if found else []
    return ".".join(name for name in names if name) or None


def _understood(parts: Parts, body: Body, site: Site, now: datetime) -> Query:
    period = _period(parts, body.date_range, site, now)
    metrics = queries.metrics(body.metrics)
    columns = queries.dimensions(body.dimensions, period)
    dimensions = tuple(dict.fromkeys(columns.values()))
    if body.include.time_labels and set(dimensions).isdisjoint(_LABELLED):
        known = ", ".join(column.value for column in _LABELLED)
        raise RequestError(400, f"needs one of time, {known}", "include.time_labels")
    return Query(
        site=site.id,
        metrics=metrics,
        dimensions=dimensions,
        period=period,
        filters=queries.filters(body.filters),
        compared_with=_compared_with(body.include.comparisons, period),
        order_by=queries.order(body.order_by, metrics, columns),
        limit=body.pagination.limit,
        offset=body.pagination.offset,
    )


def _period(parts: Parts, date_range: str | list[str], site: Site, now: datetime) -> Period:
    """Read the name of a period, two dates, or two moments at full hours."""
    local = local_now(now, site.timezone)
    if isinstance(date_range, str):
        if date_range in {*Preset, "today"}:
            name = Preset.DAY if date_range == "today" else Preset(date_range)
            return name.period(local.date())
        if date_range == "24h":
            return last_24_hours(local)
        if date_range == "all":
            return Period(parts.stats.first_date(site.id) or local.date(), local.date())
        raise RequestError(400, f"{date_range!r} is unknown; use {_PERIODS}", "date_range")
    if len(date_range) != 2:  # noqa: PLR2004 - a first and a last day
        raise RequestError(400, f"use {_PERIODS}", "date_range")
    try:
        first, last = date_range
        return _hours(first, last, site) or span(first, last)
    except PeriodError as error:
        raise RequestError(400, str(error), "date_range") from error


def _hours(first: str, last: str, site: Site) -> Period | None:
    """Return the hours between two moments, the last one included; None if those are none."""
    moments = [queries.moment(text) for text in (first, last)]
    if None in moments:
        if moments == [None, None] and not _CLOCK.search(first + last):
            return None
        raise PeriodError(f"use two dates, or two full hours such as {_FULL_HOUR}")
    zone = ZoneInfo(site.timezone)
    try:
        begins, ends = (moment.astimezone(zone) for moment in moments if moment)
        if _is_full(ends):
            ends -= timedelta(seconds=1)
    except OverflowError:
        raise PeriodError(f"there is no such year in {site.timezone}") from None
    if not _is_full(begins) or (ends.minute, ends.second) != _LAST_SECOND:
        raise PeriodError("sealed numbers have no time finer than the hour: use full hours")
    whole = span(begins.date().isoformat(), ends.date().isoformat())
    return Period(whole.first, whole.last, begins.hour, ends.hour)


def _is_full(moment: datetime) -> bool:
    return (moment.minute, moment.second, moment.microsecond) == (0, 0, 0)


def _compared_with(asked: Comparison | None, period: Period) -> Period | None:
    if asked is None:
        return None
    if asked.date_range is not None and asked.mode in {"previous_period", "year_over_year"}:
        raise RequestError(400, "only mode custom takes dates", "include.comparisons.date_range")
    if asked.mode == "previous_period":
        return before(period, match_weekdays=asked.match_day_of_week)
    if asked.mode == "year_over_year":
        return year_before(period, match_weekdays=asked.match_day_of_week)
    if asked.mode == "custom" and asked.date_range is not None:
        try:
            other = span(*asked.date_range)
            return to_weekday(other, period) if asked.match_day_of_week else other
        except PeriodError as error:
            raise RequestError(400, str(error), "include.comparisons.date_range") from error
    message = "mode is previous_period, year_over_year, or custom with a date_range"
    raise RequestError(400, message, "include.comparisons")


def _line(row: Row, columns: Mapping[str, Field], query: Query) -> Line:
    values = _texts(row, columns, query.dimensions)
    if query.compared_with is None:
        return Line(values, row.metrics, row.is_hidden)
    then = row.compared
    if then is None:  # the other period is shorter
        return Line(values, row.metrics, row.is_hidden)
    return Line(
        values,
        row.metrics,
        row.is_hidden,
        Line(_texts(then, columns, query.dimensions), then.metrics, then.is_hidden),
        [
            queries.change(*both)
            for both in zip(query.metrics, row.metrics, then.metrics, strict=True)
        ],
    )


def _texts(
    row: Row, columns: Mapping[str, Field | Minute], dimensions: Sequence[Field | Minute]
) -> list[str]:
    """Return what is shown in each column; two may be of one dimension, as a code and its name."""
    values = dict(zip(dimensions, row.dimensions, strict=True))
    return [
        country_name(values[column])
        if name == queries.COUNTRY_NAME
        else values[column] or queries.empty(column)
        for name, column in columns.items()
    ]


def _time_labels(query: Query, site: Site, now: datetime) -> list[str]:
    """Return every step of the period, also those in which nothing happened."""
    time = next(each for each in query.dimensions if each in _LABELLED)
    return [bucket.key for bucket in buckets(query.period, _LABELLED[time], site.timezone, now)]


def _total_rows(stats: Stats, query: Query, here: int) -> int:
    """Return how many rows there are on all pages; asks again only when this page cannot tell."""
    if here < query.limit and (here or not query.offset):
        return query.offset + here
    return stats.count(replace(query, metrics=query.metrics[:1], order_by=()))


def _echo(
    body: Body,
    query: Query,
    columns: Mapping[str, Field | Minute],
    order: Sequence[tuple[Metric | Field | Minute, bool]],
    ends: Sequence[datetime],
) -> dict[str, object]:
    names = {column: name for name, column in columns.items()}
    return {
        "site_id": body.site_id.lower(),
        "metrics": query.metrics,
        "date_range": [at.isoformat(timespec="seconds") for at in ends],
        "filters": body.filters,
        "dimensions": body.dimensions,
        "order_by": [
            [key if isinstance(key, Metric) else names.get(key, key.value), _DIRECTION[falling]]
            for key, falling in order
        ],
        "include": {name: on for name, on in msgspec.structs.asdict(body.include).items() if on},
        "pagination": {"limit": query.limit, "offset": query.offset},
    }


def nothing_asked() -> Response:
    """Tell a program what there is, where there is nothing."""
    there = "POST /api/v2/query and GET /api/v1/stats/realtime/visitors"
    return json_refusal(404, f"there is nothing to ask here: programs ask {there}")


def _json(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _refused(error: RequestError) -> Response:
    return json_refusal(error.status, error.message, error.field)
