"""What every page about one site has in common: which site, which view, and what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.control import Site
from collector.people.accounts import Role
from collector.question import QueryError
from collector.settings.notebook import Notebook, Segment
from dashboard.access.gate import site_asked
from dashboard.asker import who_asks
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.question.addresses import View, site_path, view_of
from dashboard.question.chosen import Comparing, typed
from dashboard.question.periods import PeriodError, local_now
from dashboard.words.fields import FILTERABLE, address, label
from dashboard.words.problems import told

REFRESH_S = 10  # of a page that shows today
WAITING_S = 3  # of a page that waits for a first event


@dataclass(frozen=True, slots=True)
class Frame:
    """A page about a site: what its address asks for, at a moment of the site's clock."""

    parts: Parts
    site: Site
    view: View
    now: datetime
    local: datetime
    began: date
    path: str

    @property
    def values(self) -> dict[str, Any]:
        """What the templates of all such pages need."""
        return {
            **_head(self.parts, self.site),
            "view": self.view,
            "path": self.path,
            "segments": segment_links(self.parts, self.site, self.view),
            "home": site_path(self.site),
            "clock": f"{self.local:%H:%M}",
            "least_visitors": self.parts.stats.least_visitors,
            "edits": who_asks().may(Role.EDITOR, self.site.id),
            "fields": [(address(each), label(each)) for each in FILTERABLE],
            "comparings": tuple(Comparing),
            "refresh_s": REFRESH_S if self.view.includes_today else None,
        }


def _head(parts: Parts, site: Site) -> dict[str, Any]:
    return {
        "site": site,
        "notices": [told(notice) for notice in parts.notices()],
    }


def framed(parts: Parts, page: Callable[[Frame, Request], Response], request: Request) -> Response:
    """Show a page about a site, or why it cannot be shown. Blocking."""
    site = site_asked()
    now = parts.clock()
    local = local_now(now, site.timezone)
    if (began := parts.stats.first_date(site.id)) is None:
        return _waiting(parts, site, request)
    try:
        view = view_of(request.query_params, local.date(), began)
        if "field" in request.query_params:
            return RedirectResponse(request.url.path + _with_typed(view, request).href, 303)
        return page(Frame(parts, site, view, now, local, began, request.url.path), request)
    except (PeriodError, QueryError) as error:
        view = view_of(QueryParams(), local.date(), began)
        frame = Frame(parts, site, view, now, local, began, request.url.path)
        values = {**frame.values, "refresh_s": None}
        return render("problem.html", 400, **values, problem=told(error))


def _with_typed(view: View, request: Request) -> View:
    form = request.query_params
    names = ("comparing", "field", "name", "value")
    more = typed(*(form.get(name, "") for name in names))
    index = form.get("or", "")
    if not index:
        return view.with_filter(more)
    return view.or_else(int(index) if index.isascii() and index.isdigit() else -1, more)


def _waiting(parts: Parts, site: Site, request: Request) -> Response:
    return render(
        "waiting.html",
        **_head(parts, site),
        snippet=parts.snippet(site),
        findings=parts.diagnose(request.scope, site),
        refresh_s=WAITING_S,
    )


def segment_links(parts: Parts, site: Site, view: View) -> list[tuple[Segment, str]]:
    """Return the filters that were kept, each with the address that puts it into force."""
    user = who_asks().user
    return [
        (each, view.with_filters(view_of(QueryParams(each.filters), view.today).filters).href)
        for each in Notebook(parts.control).segments(site.id, user.id if user else None)
    ]
