"""All values of one dimension: searchable, sortable, page by page, and as files."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from collector.people.trail import Act, Trail
from collector.question import (
    MAX_ROWS,
    TIMES,
    Dimension,
    Field,
    Metric,
    Query,
    QueryError,
    Row,
    is_of_events,
)
from dashboard.asker import who_asks
from dashboard.numbers.cards import Drawing, Line, details_path, is_beside
from dashboard.numbers.frame import Frame
from dashboard.pages import render
from dashboard.question import tables
from dashboard.question.addresses import Link, site_path
from dashboard.question.asking import Answer, Unanswered, answers
from dashboard.words.fields import FILTERABLE, address, field_at, label, plural, value_name
from dashboard.words.formats import Unit, amount
from dashboard.words.languages import say, to_say

_ON_A_PAGE: Final = 100  # lines
_SEARCH_MAX_CHARACTERS: Final = 200
_OF_VISITS = (
    Metric.VISITORS,
    Metric.VISITS,
    Metric.PAGEVIEWS,
    Metric.BOUNCE_RATE,
    Metric.VISIT_DURATION,
)
_OF_PAGES = (
    Metric.VISITORS,
    Metric.PAGEVIEWS,
    Metric.BOUNCE_RATE,
    Metric.TIME_ON_PAGE,
    Metric.SCROLL_DEPTH,
)
_OF_EVENTS = (Metric.VISITORS, Metric.EVENTS)
_COLUMNS = {
    Metric.VISITORS: (to_say("Visitors"), Unit.COUNT),
    Metric.VISITS: (to_say("Visits"), Unit.COUNT),
    Metric.PAGEVIEWS: (to_say("Pageviews"), Unit.COUNT),
    Metric.EVENTS: (to_say("Events"), Unit.COUNT),
    Metric.BOUNCE_RATE: (to_say("Bounce rate"), Unit.PER_CENT),
    Metric.VISIT_DURATION: (to_say("Visit duration"), Unit.DURATION),
    Metric.TIME_ON_PAGE: (to_say("Time on page"), Unit.DURATION),
    Metric.SCROLL_DEPTH: (to_say("Scroll depth"), Unit.PER_CENT),
}
_BY_NAME: Final = "name"
_IN_ORDER = frozenset({Dimension.WEEKDAY, Dimension.HOUR_OF_DAY})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the address of such a page asks for beside the view."""

    field: Field
    search: str
    sort: str
    descends: bool
    page: int

    @property
    def state(self) -> list[tuple[str, str]]:
        """It as the fields of a query."""
        state = [("q", self.search)] if self.search else []
        state += [("sort", f"{'-' if self.descends else ''}{self.sort}")]
        return [*state, *([("page", str(self.page))] if self.page > 1 else [])]


def details_page(frame: Frame, request: Request) -> Response:
    """Show all values of a dimension, or hand them over as a file. Blocking.

    Raises:
        QueryError: there is no such dimension, column or page.
    """
    wanted = _wanted(request)
    query = _query(frame, wanted.field)
    (answer,) = answers(frame.parts.stats, [query])
    rows = [] if isinstance(answer, Unanswered) else _found(answer.rows, wanted)
    written = request.query_params.get("format", "html")
    if written in {"csv", "json"} and not isinstance(answer, Unanswered):
        about = f"{frame.site.domain}: {address(wanted.field)}, {written}"
        trail = Trail(frame.parts.control)
        trail.note(frame.now, who_asks().name, Act.EXPORTED, frame.site.id, about)
        return _file(frame, query, rows, written)
    return _html(frame, wanted, query, rows, answer)


def _wanted(request: Request) -> Wanted:
    field = field_at(request.path_params["field"])
    if field in TIMES - _IN_ORDER:
        raise QueryError("dimensions", say("{field}: the chart shows these", field=plural(field)))
    usual = _BY_NAME if field in _IN_ORDER else f"-{Metric.VISITORS.value}"
    sort = request.query_params.get("sort", usual)
    column, page = sort.removeprefix("-"), request.query_params.get("page", "1")
    if column not in {_BY_NAME, *_metrics(field)}:
        raise QueryError("order_by", say("there is no column “{name}”", name=column))
    if not page.isascii() or not page.isdigit() or not 0 < int(page) <= MAX_ROWS:
        raise QueryError("pagination", say("there is no page “{name}”", name=page))
    search = request.query_params.get("q", "").strip()[:_SEARCH_MAX_CHARACTERS]
    return Wanted(field, search, column, sort.startswith("-"), int(page))


def _metrics(field: Field) -> tuple[Metric, ...]:
    if field is Dimension.PAGE:
        return _OF_PAGES
    return (
        _OF_EVENTS if is_of_events(field) and field is not Dimension.EVENT_HOSTNAME else _OF_VISITS
    )


def _query(frame: Frame, field: Field) -> Query:
    return Query(
        site=frame.site.id,
        metrics=_metrics(field),
        dimensions=(field,),
        period=frame.view.period,
        filters=frame.view.filter,
        order_by=((Metric.VISITORS, True), (field, False)),
    )


def _found(rows: Sequence[Row], wanted: Wanted) -> list[Row]:
    """Return the rows whose names hold what is searched for, in the order that is wanted.

    Looked for here and not by the engine, for which it would be one more filter: then small
    numbers would be hidden, and a search by what countries are called would find no codes.
    """
    needle = wanted.search.casefold()
    found = [row for row in rows if not is_beside(wanted.field, row.dimensions[0])]
    if needle:
        found = [
            row for row in found if needle in value_name(wanted.field, row.dimensions[0]).casefold()
        ]
    if wanted.sort == Metric.VISITORS and wanted.descends:
        return found  # as the engine has them
    if wanted.sort == _BY_NAME:
        found.sort(key=lambda row: _sort_name(wanted.field, row), reverse=wanted.descends)
    else:
        column = _metrics(wanted.field).index(Metric(wanted.sort))
        found.sort(key=lambda row: _sort_number(row, column), reverse=wanted.descends)
    return found


def _sort_name(field: Field, row: Row) -> str:
    value = row.dimensions[0]
    return value if field in _IN_ORDER else _without_accents(value_name(field, value))


def _without_accents(name: str) -> str:
    """Return a name as it is sorted: an Ö beside an O, and not behind Z."""
    parts = unicodedata.normalize("NFKD", name.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))


def _sort_number(row: Row, column: int) -> float:
    number = row.metrics[column]
    return -1 if number is None else number


def _file(frame: Frame, query: Query, rows: Sequence[Row], written: str) -> Response:
    (field,) = query.dimensions
    lines = [
        tables.Line((value_name(field, row.dimensions[0]),), row.metrics, row.is_hidden)
        for row in rows
    ]
    table = tables.Table((label(field),), query.metrics, is_compared=False, lines=lines)
    name = f"{frame.site.domain}-{address(field).replace(':', '-')}-{query.period.first}"
    ending = f"{name}-{query.period.last}.{written}".encode("ascii", "ignore").decode()
    headers = {"Content-Disposition": f'attachment; filename="{_plain(ending)}"'}
    if written == "json":
        return Response(_json(table), 200, headers, "application/json")
    least = frame.parts.stats.least_visitors
    return Response(tables.as_csv(table, least), 200, headers, "text/csv; charset=utf-8")


def _json(table: tables.Table) -> bytes:
    results = [
        {"dimensions": line.dimensions, "metrics": line.metrics, "is_hidden": line.is_hidden}
        for line in table.lines
    ]
    query = {"dimensions": table.dimensions, "metrics": table.metrics}
    return msgspec.json.encode({"query": query, "results": results})


def _plain(name: str) -> str:
    return "".join(
        character if character.isalnum() or character in "-._" else "_" for character in name
    )


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column, and the address that sorts by it."""

    name: str
    href: str
    sorted: str  # as aria-sort has it


def _html(
    frame: Frame, wanted: Wanted, query: Query, rows: Sequence[Row], answer: Answer
) -> Response:
    base = details_path(frame.site, wanted.field)
    first = (wanted.page - 1) * _ON_A_PAGE
    on_page = rows[first : first + _ON_A_PAGE]
    return render(
        "details.html",
        **frame.values,
        wanted=wanted,
        title=plural(wanted.field),
        columns=_columns(frame, wanted),
        lines=_lines(frame, query, on_page),
        others=_others(frame, wanted),
        back=site_path(frame.site) + frame.view.href,
        base=base,
        csv=_href(frame, wanted, ("format", "csv")),
        json=_href(frame, wanted, ("format", "json")),
        problem=answer.reason if isinstance(answer, Unanswered) else None,
        total=len(rows),
        first=first + 1,
        last=first + len(on_page),
        previous=_href(frame, replace(wanted, page=wanted.page - 1)) if wanted.page > 1 else None,
        following=_href(frame, replace(wanted, page=wanted.page + 1))
        if first + _ON_A_PAGE < len(rows)
        else None,
        is_cut=not isinstance(answer, Unanswered) and len(answer.rows) >= MAX_ROWS,
    )


def _href(frame: Frame, wanted: Wanted, *more: tuple[str, str]) -> str:
    return "?" + urlencode([*frame.view.state, *wanted.state, *more], safe=",:/")


def _columns(frame: Frame, wanted: Wanted) -> list[Column]:
    names = {_BY_NAME: label(wanted.field)}
    names |= {metric.value: say(_COLUMNS[metric][0]) for metric in _metrics(wanted.field)}
    return [_column(frame, wanted, sort, name) for sort, name in names.items()]


def _column(frame: Frame, wanted: Wanted, sort: str, name: str) -> Column:
    is_sorted = wanted.sort == sort
    # The first click shows the most of a number, or names from A on; a second one turns it round.
    descends = not wanted.descends if is_sorted else sort != _BY_NAME
    state = "descending" if wanted.descends else "ascending"
    other = replace(wanted, sort=sort, descends=descends, page=1)
    return Column(name, _href(frame, other), state if is_sorted else "none")


def _lines(frame: Frame, query: Query, rows: Sequence[Row]) -> list[Line]:
    (field,) = query.dimensions
    least = frame.parts.stats.least_visitors
    drawing = Drawing(frame.view, frame.site, 0, least, site_path(frame.site))
    numbers = [_numbers(query.metrics, row, least) for row in rows]
    lines = drawing.lines_with(field, rows, numbers)
    if field in TIMES:  # the address of a page has no filter for them
        return [replace(line, only=None, without=None) for line in lines]
    return lines


def _numbers(metrics: Sequence[Metric], row: Row, least: int) -> list[str]:
    if row.is_hidden:
        return [f"<{least}", *[""] * (len(metrics) - 1)]
    return [
        amount(number, _COLUMNS[metric][1])
        for metric, number in zip(metrics, row.metrics, strict=True)
    ]


def _others(frame: Frame, wanted: Wanted) -> list[Link]:
    fields = [*FILTERABLE, Dimension.WEEKDAY, Dimension.HOUR_OF_DAY]
    if wanted.field not in fields:
        fields.append(wanted.field)  # type: ignore[arg-type]  # a property
    return [
        Link(
            plural(field), details_path(frame.site, field) + frame.view.href, field == wanted.field
        )
        for field in fields
    ]
