"""POST /api/v2/query: numbers for programs, in the form of Plausible's Stats API v2.

Source: https://plausible.io/docs/stats-api
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from collector.control import Site
from collector.stats import MAX_ROWS, Dimension, Metric, Period, Query, QueryError, Row, Stats
from dashboard.accounts import Accounts
from dashboard.cards import DIRECT
from dashboard.parts import Parts
from dashboard.periods import PeriodError, Preset, buckets, local_now, midnights, span
from dashboard.web import BodyTooLargeError, bounded_body

_BODY_BYTES = 65_536
_MOST_OFFSET = 1_000_000
_MOST_COUNTED_ROWS = 100_000  # where include.total_rows stops counting
_TIMES = (Dimension.HOUR, Dimension.DAY)
_UNSET = "(not set)"

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
    filters: list[msgspec.Raw] = []
    include: Include = Include()
    pagination: Pagination = Pagination()


async def query(parts: Parts, accounts: Accounts, request: Request) -> Response:
    """Answer one query; every refusal is JSON with `error` and, where one is at fault, `field`."""
    try:
        await run_in_threadpool(_admit, accounts, request)
        body = _decoded(await bounded_body(request, _BODY_BYTES))
        return _json(200, await run_in_threadpool(answer, parts, body))
    except BodyTooLargeError:
        return _refused(RequestError(413, f"the body is longer than {_BODY_BYTES} bytes"))
    except RequestError as error:
        return _refused(error)


def _admit(accounts: Accounts, request: Request) -> None:
    refusal = accounts.api_refusal(request)
    if refusal is not None:
        raise RequestError(*refusal)


def answer(parts: Parts, body: Body) -> dict[str, object]:
    """Return results, meta and the query as it was understood. Blocking.

    Raises:
        RequestError: no such site, or a field that cannot be honoured.
    """
    site = parts.control.site(body.site_id.lower())
    if site is None:
        # Plausible answers 401 here too; programs written for it look for that.
        raise RequestError(401, f"there is no site {body.site_id!r}", "site_id")
    now = parts.clock()
    try:
        wanted = _understood(body, site, now)
        rows = parts.stats.report(wanted).rows
        meta: dict[str, object] = {}
        if body.include.time_labels:
            meta["time_labels"] = _time_labels(wanted, site, now)
        if body.include.total_rows:
            meta["total_rows"] = _total_rows(parts.stats, wanted, len(rows))
    except QueryError as error:
        raise RequestError(400, error.message, error.field) from error
    return {
        "results": [_result(row, wanted.dimensions) for row in rows],
        "meta": meta,
        "query": _echo(wanted, site, body.include),
    }


def _decoded(body: bytes) -> Body:
    try:
        return msgspec.json.decode(body, type=Body)
    except msgspec.ValidationError as error:
        raise RequestError(400, str(error), _field(str(error))) from error
    except msgspec.DecodeError as error:
        raise RequestError(400, f"the body is no JSON: {error}") from error


def _field(message: str) -> str | None:
    """Return the dotted name of the field that a decoder's message speaks of."""
    found = _FIELD_OF_ERROR.search(message)
    names = [found["path"], found["named"]] if found else []
    return ".".join(name for name in names if name) or None


def _understood(body: Body, site: Site, now: datetime) -> Query:
    metrics, dimensions = _metrics(body.metrics), _dimensions(body.dimensions)
    if body.filters:
        raise RequestError(400, "no filters yet: leave them out or send []", "filters")
    if body.include.imports:
        raise RequestError(400, "there are no imported numbers yet", "include.imports")
    if body.include.time_labels and not set(dimensions) & set(_TIMES):
        raise RequestError(400, "needs a time dimension", "include.time_labels")
    return Query(
        site=site.id,
        metrics=metrics,
        dimensions=dimensions,
        period=_period(body.date_range, site, now),
        order_by=_order(body.order_by, metrics, dimensions),
        limit=body.pagination.limit,
        offset=body.pagination.offset,
    )


def _metrics(names: Sequence[str]) -> tuple[Metric, ...]:
    known = {metric.value: metric for metric in Metric}
    _check_names("metrics", names, known)
    if not names:
        raise RequestError(400, "name at least one of " + ", ".join(known), "metrics")
    return tuple(known[name] for name in names)


def _dimensions(names: Sequence[str]) -> tuple[Dimension, ...]:
    known = {dimension.value: dimension for dimension in Dimension}
    _check_names("dimensions", names, known)
    dimensions = tuple(known[name] for name in names)
    times = sum(dimension in _TIMES for dimension in dimensions)
    if times > 1 or len(dimensions) - times > 1:
        message = "at most one time dimension and one other for now"
        raise RequestError(400, message, "dimensions")
    return dimensions


def _check_names(
    field: str, names: Sequence[str], known: dict[str, Metric] | dict[str, Dimension]
) -> None:
    for name in names:
        if name not in known:
            raise RequestError(400, f"{name!r} is unknown; there are {', '.join(known)}", field)
    if len(set(names)) < len(names):
        raise RequestError(400, "name each only once", field)


def _period(date_range: str | list[str], site: Site, now: datetime) -> Period:
    """Read `day`, `7d`, `28d` or two dates; `7d` and `28d` end yesterday, as at Plausible."""
    allowed = f'{", ".join(Preset)} or two dates such as ["2026-11-01", "2026-11-24"]'
    if isinstance(date_range, str):
        if date_range not in list(Preset):
            raise RequestError(400, f"{date_range!r} is unknown; use {allowed}", "date_range")
        return Preset(date_range).period(local_now(now, site.timezone).date())
    if len(date_range) != 2:  # noqa: PLR2004 - a first and a last day
        raise RequestError(400, f"use {allowed}", "date_range")
    try:
        return span(*date_range)
    except PeriodError as error:
        raise RequestError(400, str(error), "date_range") from error


def _order(
    asked: Sequence[tuple[str, str]] | None,
    metrics: Sequence[Metric],
    dimensions: Sequence[Dimension],
) -> tuple[tuple[Metric | Dimension, bool], ...]:
    """Return the order asked for, or Plausible's: by time, then by the first metric, falling."""
    if not asked:
        times = [(dimension, False) for dimension in dimensions if dimension in _TIMES]
        others = [(dimension, False) for dimension in dimensions if dimension not in _TIMES]
        return (*times, (metrics[0], True), *others)
    return tuple(_order_entry(key, direction, metrics, dimensions) for key, direction in asked)


def _order_entry(
    key: str, direction: str, metrics: Sequence[Metric], dimensions: Sequence[Dimension]
) -> tuple[Metric | Dimension, bool]:
    if direction not in {"asc", "desc"}:
        raise RequestError(400, f"{direction!r} is neither asc nor desc", "order_by")
    known: list[Metric | Dimension] = [*metrics, *dimensions]
    for each in known:
        if each.value == key:
            return each, direction == "desc"
    raise RequestError(400, f"{key!r} is none of the metrics and dimensions asked for", "order_by")


def _result(row: Row, dimensions: Sequence[Dimension]) -> dict[str, object]:
    values = [
        value or (DIRECT if dimension is Dimension.SOURCE else _UNSET)
        for value, dimension in zip(row.dimensions, dimensions, strict=True)
    ]
    return {"dimensions": values, "metrics": row.metrics}


def _time_labels(query: Query, site: Site, now: datetime) -> list[str]:
    """Return every hour or day of the period, also those in which nothing happened."""
    time = next(dimension for dimension in query.dimensions if dimension in _TIMES)
    return [bucket.key for bucket in buckets(query.period, time, site.timezone, now)]


def _total_rows(stats: Stats, query: Query, here: int) -> int:
    """Return how many rows there are on all pages; asks again only when this page cannot tell."""
    if here < query.limit and (here or not query.offset):
        return query.offset + here
    counted = 0
    for offset in range(0, _MOST_COUNTED_ROWS, MAX_ROWS):
        page = replace(query, metrics=query.metrics[:1], order_by=(), limit=MAX_ROWS, offset=offset)
        found = len(stats.report(page).rows)
        counted += found
        if found < MAX_ROWS:
            break
    return counted


def _echo(query: Query, site: Site, include: Include) -> dict[str, object]:
    first, end = midnights(query.period, site.timezone)
    return {
        "site_id": site.domain,
        "metrics": query.metrics,
        "date_range": [first.isoformat(), (end - timedelta(seconds=1)).isoformat()],
        "filters": [],
        "dimensions": query.dimensions,
        "order_by": [[key, "desc" if falling else "asc"] for key, falling in query.order_by],
        "include": {name: True for name, on in msgspec.structs.asdict(include).items() if on},
        "pagination": {"limit": query.limit, "offset": query.offset},
    }


def _json(status: int, content: object) -> Response:
    return Response(msgspec.json.encode(content), status, media_type="application/json")


def _refused(error: RequestError) -> Response:
    content = {"error": error.message if error.field is None else f"{error.field}: {error.message}"}
    if error.field is not None:
        content["field"] = error.field
    response = _json(error.status, content)
    if error.status == 401:  # noqa: PLR2004 - RFC 9110, 15.5.2 asks for the challenge
        response.headers["WWW-Authenticate"] = "Bearer"
    if error.status == 429:  # noqa: PLR2004
        response.headers["Retry-After"] = "5"
    return response
