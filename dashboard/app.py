"""The dashboard's routes: what editors and their programs may ask for."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.access.account import AccountDesk
from dashboard.access.checking import Checking
from dashboard.access.gate import Gate, nothing_here
from dashboard.access.login import Door
from dashboard.access.passkeys import PasskeyDesk
from dashboard.access.shield import LOGIN_PATH, shield
from dashboard.assets import asset
from dashboard.choices import Placed
from dashboard.mail.subscribing import Subscribing
from dashboard.numbers import details, overview, realtime, sites
from dashboard.numbers.frame import Frame, framed
from dashboard.numbers.public import Public
from dashboard.parts import Finding, Parts
from dashboard.plain import failed
from dashboard.programs import api
from dashboard.settings.deciding import Deciding
from dashboard.settings.page import OwnSegments, Writing, settings_again, settings_page
from dashboard.settings.people import PeopleDesk
from dashboard.settings.sharing import SharingDesk
from dashboard.theme import THEME_CHOICE, Themed
from dashboard.web import SECURITY_HEADERS, SecurityHeaders
from dashboard.words.languages import Spoken, language_choice

__all__ = [
    "LOGIN_PATH",
    "SECURITY_HEADERS",
    "Finding",
    "Parts",
    "SecurityHeaders",
    "failed",
    "nowhere",
    "routes",
    "shield",
]

_LOOKS = (Middleware(Placed), Middleware(Themed))


def routes(parts: Parts) -> list[Route]:
    """Return the dashboard's routes, for a Starlette app to mount at its root.

    Each has a row in rules.py, and the gate before it. Functions that block are plain ones, which
    Starlette runs in a thread.
    """
    gate = Gate(parts)
    checking = Checking(parts)
    door = Door(parts, gate, checking)
    account = AccountDesk(parts, checking)
    passkeys = PasskeyDesk(parts, checking, door.opened)
    people = PeopleDesk(parts)
    mails = Subscribing(parts)
    sharing, public = SharingDesk(parts, checking), Public(parts, checking, gate)
    gzip = Middleware(GZipMiddleware, minimum_size=1000, compresslevel=5)
    headers, spoken = Middleware(SecurityHeaders), Middleware(Spoken, parts.languages)

    def route(
        path: str,
        endpoint: Callable[[Request], Any],
        method: str = "GET",
        middleware: Sequence[Middleware] = (headers, *_LOOKS, spoken, gzip),
    ) -> Route:
        guarded = gate.guarded(f"{method} {path}", endpoint)
        return Route(path, guarded, methods=[method], middleware=middleware)

    def page(show: Callable[[Frame, Request], Response]) -> Callable[[Request], Response]:
        return partial(framed, parts, show)

    for_programs = partial(route, middleware=(headers, gzip))  # and so in English
    again = partial(settings_again, parts)
    watch = realtime.Events(parts, gate).watch
    return [
        route("/", partial(sites.front_page, parts)),
        route("/sites/{domain}", page(overview.site_page)),
        route("/sites/{domain}/by/{field:path}", page(details.details_page)),
        route("/sites/{domain}/settings", partial(settings_page, parts)),
        route("/sites/{domain}/notes", Writing(parts).write, "POST"),
        route("/sites/{domain}/segments", OwnSegments(parts).write, "POST"),
        route("/sites/{domain}/counting", Deciding(parts, again).decide, "POST"),
        route("/sites/{domain}/now", page(realtime.realtime_page)),
        route("/sites/{domain}/now/events", watch, middleware=(headers, spoken)),
        *(
            each
            for path in ("/sites/{domain}", "")
            for each in (
                route(f"{path}/people", people.page),
                route(f"{path}/people", people.act, "POST"),
                route(f"{path}/log", people.log),
            )
        ),
        route("/account", account.page),
        route("/account", account.act, "POST"),
        route("/account/keys", account.keys_page),
        route("/account/keys", account.act_on_keys, "POST"),
        route("/account/passkeys/options", passkeys.start_adding, "POST"),
        route("/account/passkeys", passkeys.add, "POST"),
        route("/login", door.login_page),
        route("/login", door.login, "POST"),
        route("/login/code", door.second_step, "POST"),
        route("/login/passkey/options", passkeys.start_login, "POST"),
        route("/login/passkey", passkeys.login, "POST"),
        route("/logout", door.logout, "POST"),
        route("/links/{token}", door.link_page),
        route("/links/{token}", door.use_link, "POST"),
        route("/sites/{domain}/sharing", sharing.page),
        route("/sites/{domain}/sharing", sharing.act, "POST"),
        route("/public/{domain}", public.page),
        route("/shared/{token}", public.shared),
        route("/shared/{token}", public.unlock, "POST"),
        route("/sites/{domain}/mails", mails.page),
        route("/sites/{domain}/mails", mails.order, "POST"),
        route("/unsubscribe/{token}", mails.ask),
        route("/unsubscribe/{token}", mails.end, "POST"),
        route("/theme", THEME_CHOICE.take, "POST"),
        route("/language", language_choice(parts.languages).take, "POST"),
        for_programs("/api/v2/query", partial(api.query, parts), "POST"),
        for_programs("/api/v1/stats/realtime/visitors", partial(api.current_visitors, parts)),
        route("/assets/{file}", asset, middleware=(headers,)),
    ]


def nowhere(parts: Parts) -> ASGIApp:
    """Return what answers where there is no route, in the way of whoever asks."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"].startswith("/api/"):
            await api.nothing_asked()(scope, receive, send)
        elif "text/html" in Request(scope).headers.get("accept", ""):
            await (await run_in_threadpool(nothing_here))(scope, receive, send)
        else:
            await PlainTextResponse("Not Found", 404)(scope, receive, send)

    return SecurityHeaders(Placed(Themed(Spoken(app, parts.languages))))
