"""A site's settings: its snippet and whether events come, what editors wrote down and kept."""

from datetime import date
from urllib.parse import parse_qs

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.control import Site
from collector.notebook import Annotation, Notebook, NotebookError, Segment
from collector.question import QueryError
from dashboard import formats
from dashboard.accounts import Accounts
from dashboard.addresses import site_path, view_of
from dashboard.frame import WAITING_S, no_such_site
from dashboard.languages import say
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.periods import PeriodError, local_now, span
from dashboard.web import BodyTooLargeError, bounded_body, is_cross_site, local_path

_FORM_BYTES = 32_768
_FORM_FIELDS = 8
Form = dict[str, str]


def settings_page(parts: Parts, request: Request) -> Response:
    """Show a site's settings. Blocking."""
    site = parts.control.site(request.path_params["domain"].lower())
    return no_such_site() if site is None else _page(parts, site, request)


def _page(parts: Parts, site: Site, request: Request, problem: str | None = None) -> Response:
    began = parts.stats.first_date(site.id)
    notebook = Notebook(parts.control)
    now = parts.clock()
    return render(
        "settings.html",
        400 if problem else 200,
        site=site,
        notices=parts.notices(),
        only_site=len(parts.control.sites()) == 1,
        path=request.url.path,
        home=site_path(site),
        snippet=parts.snippet(site),
        began=formats.plain_day(began) if began else None,
        current=parts.stats.current_visitors(site.id, now),
        findings=parts.diagnose(request.scope, site),
        clock=f"{local_now(now, site.timezone):%H:%M}",
        today=local_now(now, site.timezone).date(),
        annotations=[
            (each, formats.plain_day(each.date)) for each in reversed(notebook.annotations(site.id))
        ],
        segments=[(each, _words(each)) for each in notebook.segments(site.id)],
        problem=problem,
        refresh_s=None if began else WAITING_S,
    )


def _words(segment: Segment) -> str:
    filters = view_of(QueryParams(segment.filters), date.max).filters
    return ", ".join(each.words for each in filters)


class Writing:
    """The endpoint of the forms that write something down."""

    def __init__(self, parts: Parts, accounts: Accounts) -> None:
        self._parts = parts
        self._accounts = accounts

    async def write(self, request: Request) -> Response:
        """Take a form of a page of ours."""
        if is_cross_site(request):
            return Response(status_code=403)
        try:
            body = (await bounded_body(request, _FORM_BYTES)).decode("utf-8", "replace")
            fields = parse_qs(body, max_num_fields=_FORM_FIELDS)
        except (BodyTooLargeError, ValueError):
            return Response(status_code=400)
        form = {name: values[0] for name, values in fields.items()}
        return await run_in_threadpool(self._write, request, form)

    def _write(self, request: Request, form: Form) -> Response:
        if not self._accounts.logged_in(request):
            return RedirectResponse("/login", 303)
        site = self._parts.control.site(request.path_params["domain"].lower())
        if site is None:
            return no_such_site()
        try:
            self._apply(site, form)
        except (NotebookError, PeriodError, QueryError) as error:
            problem = error.message if isinstance(error, QueryError) else str(error)
            return _page(self._parts, site, request, problem)
        back = local_path(form.get("back", ""))
        return RedirectResponse(site_path(site) + "/settings" if back == "/" else back, 303)

    def _apply(self, site: Site, form: Form) -> None:
        notebook = Notebook(self._parts.control)
        match form.get("do"):
            case "annotate":
                day = form.get("date", "")
                notebook.annotate(site.id, span(day, day).first, form.get("text", ""))
            case "keep":
                filters = form.get("filters", "")
                notebook.keep(site.id, form.get("name", ""), _checked(filters))
            case "strike-annotation":
                notebook.strike(site.id, Annotation, _number(form))
            case "strike-segment":
                notebook.strike(site.id, Segment, _number(form))
            case _:
                raise NotebookError(say("there is nothing of that kind to be done"))


def _checked(filters: str) -> str:
    """Return filters as they are written in addresses, and nothing else.

    Raises:
        QueryError: one is none.
    """
    return view_of(QueryParams(filters), date.max).filters_state


def _number(form: Form) -> int:
    text = form.get("id", "")
    if not text.isascii() or not text.isdigit():
        raise NotebookError(say("name what is meant"))
    return int(text[:18])
