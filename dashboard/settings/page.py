"""A site's settings: its snippet and whether events come, what editors wrote down and kept."""

from collections.abc import Mapping
from datetime import date

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.control import Site
from collector.people.accounts import Role
from collector.people.trail import Act, Trail
from collector.question import QueryError
from collector.settings.notebook import Annotation, Notebook, NotebookError, Segment
from dashboard.access.gate import site_asked
from dashboard.asker import who_asks
from dashboard.numbers.frame import WAITING_S
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.question.addresses import site_path, view_of
from dashboard.question.periods import PeriodError, local_now, span
from dashboard.settings.deciding import decided
from dashboard.web import form_of, local_path
from dashboard.words import formats
from dashboard.words.languages import say
from dashboard.words.problems import told

_FORM_BYTES = 32_768
_FORM_FIELDS = 8
Form = dict[str, str]


def settings_page(parts: Parts, request: Request) -> Response:
    """Show a site's settings. Blocking."""
    return _page(parts, site_asked(), request)


def settings_again(parts: Parts, request: Request, problem: str, form: Form) -> Response:
    """Show the settings with what is wrong about a form, which keeps what was written. Blocking."""
    return _page(parts, site_asked(), request, problem, form)


def _page(
    parts: Parts,
    site: Site,
    request: Request,
    problem: str | None = None,
    refused: Mapping[str, str] | None = None,
) -> Response:
    began = parts.stats.first_date(site.id)
    notebook = Notebook(parts.control)
    now = parts.clock()
    return render(
        "settings.html",
        400 if problem else 200,
        site=site,
        notices=[told(each) for each in parts.notices()],
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
        refused={"do": "", **(refused or {})},
        decides=who_asks().may(Role.OWNER, site.id),
        **decided(parts, site, request),
        refresh_s=None if began else WAITING_S,
    )


def _words(segment: Segment) -> str:
    filters = view_of(QueryParams(segment.filters), date.max).filters
    return ", ".join(each.words for each in filters)


class Writing:
    """The endpoint of the forms that write something down."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._trail = Trail(parts.control)

    async def write(self, request: Request) -> Response:
        """Take a form of a page of ours."""
        form = await form_of(request, _FORM_BYTES, _FORM_FIELDS)
        if form is None:
            return Response(status_code=400)
        return await run_in_threadpool(self._write, request, form)

    def _write(self, request: Request, form: Form) -> Response:
        site = site_asked()
        try:
            self._apply(site, form)
        except (NotebookError, PeriodError, QueryError) as error:
            problem = told(error)
            return _page(self._parts, site, request, problem)
        back = local_path(form.get("back", ""))
        return RedirectResponse(site_path(site) + "/settings" if back == "/" else back, 303)

    def _apply(self, site: Site, form: Form) -> None:
        notebook = Notebook(self._parts.control)
        match form.get("do"):
            case "annotate":
                day = form.get("date", "")
                notebook.annotate(site.id, span(day, day).first, form.get("text", ""))
                done, about = Act.ANNOTATED, day
            case "keep":
                filters = form.get("filters", "")
                notebook.keep(site.id, form.get("name", ""), _checked(filters))
                done, about = Act.KEPT_SEGMENT, form.get("name", "")
            case "strike-annotation":
                notebook.strike(site.id, Annotation, _number(form))
                done, about = Act.STRUCK, "an annotation"
            case "strike-segment":
                notebook.strike(site.id, Segment, _number(form))
                done, about = Act.STRUCK, "a segment"
            case _:
                raise NotebookError(say("there is nothing of that kind to be done"))
        self._trail.note(self._parts.clock(), who_asks().name, done, site.id, about)


class OwnSegments:
    """The endpoint of the forms that keep filters for oneself, which takes no more than looking."""

    def __init__(self, parts: Parts) -> None:
        self._notebook = Notebook(parts.control)

    async def write(self, request: Request) -> Response:
        """Take a form of a page of numbers, and go back to it."""
        form = await form_of(request, _FORM_BYTES, _FORM_FIELDS)
        if form is None:
            return Response(status_code=400)
        return await run_in_threadpool(self._write, form)

    def _write(self, form: Form) -> Response:
        site, user = site_asked(), who_asks().user
        assert user is not None  # noqa: S101 - rules.py lets nobody else through
        try:
            if form.get("do") == "strike":
                self._notebook.strike_own(site.id, _number(form), user.id)
            else:
                filters = _checked(form.get("filters", ""))
                self._notebook.keep(site.id, form.get("name", ""), filters, user.id)
        except (NotebookError, QueryError) as error:
            problem = told(error)
            text = say("This cannot be done: {problem}.", problem=problem)
            return render("message.html", 400, headline=say("That did not work"), text=text)
        back = local_path(form.get("back", ""))
        return RedirectResponse(site_path(site) if back == "/" else back, 303)


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
