"""The dashboard's routes: what editors and their programs may ask for."""

from collections.abc import Callable
from functools import partial

from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector.question import TooSlowError
from dashboard import api, details, overview, realtime, settings, sites
from dashboard.accounts import Accounts
from dashboard.assets import asset
from dashboard.frame import Frame, framed
from dashboard.languages import Spoken, language_choice, say
from dashboard.pages import render
from dashboard.parts import Finding, Parts
from dashboard.theme import THEME_CHOICE, Themed
from dashboard.web import SECURITY_HEADERS, SecurityHeaders

__all__ = ["SECURITY_HEADERS", "Finding", "Parts", "SecurityHeaders", "routes"]


def routes(parts: Parts) -> list[Route]:
    """Return the dashboard's routes, for a Starlette app to mount at its root.

    Functions that block are plain ones, which Starlette runs in a thread.
    """
    accounts = Accounts(parts)
    gzip = Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    headers, spoken = Middleware(SecurityHeaders), Middleware(Spoken, parts.languages)
    route = partial(Route, middleware=[headers, Middleware(Themed), spoken, gzip])
    for_programs = partial(Route, middleware=[headers, gzip])  # and so in English

    def page(show: Callable[[Frame, Request], Response]) -> Callable[[Request], Response]:
        return _for_members(accounts, partial(framed, parts, show))

    settings_of = partial(settings.settings_page, parts)
    return [
        route("/", _for_members(accounts, partial(sites.front_page, parts))),
        route("/sites/{domain}", page(overview.site_page)),
        route("/sites/{domain}/by/{field:path}", page(details.details_page)),
        route("/sites/{domain}/settings", _for_members(accounts, settings_of)),
        route("/sites/{domain}/notes", settings.Writing(parts, accounts).write, methods=["POST"]),
        route("/sites/{domain}/now", page(realtime.realtime_page)),
        Route(
            "/sites/{domain}/now/events",
            realtime.Events(parts, accounts).watch,
            middleware=[headers, spoken],
        ),
        route("/login", accounts.login_page),
        route("/login", accounts.login, methods=["POST"]),
        route("/logout", accounts.logout, methods=["POST"]),
        route("/theme", THEME_CHOICE.take, methods=["POST"]),
        route("/language", language_choice(parts.languages).take, methods=["POST"]),
        for_programs("/api/v2/query", partial(api.query, parts, accounts), methods=["POST"]),
        for_programs(
            "/api/v1/stats/realtime/visitors", partial(api.current_visitors, parts, accounts)
        ),
        Route("/assets/{file}", asset, middleware=[headers]),
    ]


def _for_members(
    accounts: Accounts, page: Callable[[Request], Response]
) -> Callable[[Request], Response]:
    def endpoint(request: Request) -> Response:
        if not accounts.logged_in(request):
            return accounts.to_login(request)
        try:
            return page(request)
        except TooSlowError as error:
            return render("message.html", 503, headline=say("That took too long"), text=str(error))

    return endpoint
