"""The visitors' pages: where they see how they are treated, object, and take back.

All addresses in pages and redirects are relative, so that they hold under any path prefix, whether
or not the proxy in front strips it.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from collector.control import RETENTION_MONTHS
from collector.held import LookUp
from collector.hosts import Mount, hostname, is_address, registrable_domain
from collector.journal import Event
from collector.keys import GRACE_S
from collector.languages import LANGUAGES, chosen, words
from collector.objection import (
    HOST_OPT_OUT_COOKIE,
    OPT_OUT_COOKIE,
    OPT_OUT_LIFETIME_S,
    Objection,
    objection,
)
from collector.outcomes import Erasing, Likeness
from collector.request import Scope
from collector.statement import (
    EVENTS,
    RAW_GONE_AFTER_HOURS,
    SEALED_AFTER_MINUTES,
    VISITS,
    Statement,
    example,
)

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = Path(__file__).parent / "static" / "visitors.css"
_SECONDS_A_DAY = 86_400
_STYLE_CACHED_S = 3_600
_HOST_MAX_CHARACTERS = 300  # as where events are posted to: what is kept stays small
# A name that may stand in a cookie's Domain: anything else in a Host header is not ours to repeat.
_DOTTED_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")


# Where the page is that a template shows; others are shown in answer to a form.
_ADDRESSES = {
    "opt_out": "opt-out",
    "your_visit": "your-visit",
    "privacy": "privacy",
    "for_sites": "for-sites",
}
_ERASING_STATUS = {Erasing.DONE: 200, Erasing.TOO_OFTEN: 429, Erasing.FAILED: 503}


@dataclass(frozen=True, slots=True)
class _Reach:
    """Where an opt-out made on this host holds.

    `domain` is the registrable domain of a host that has one. `is_beside` tells that the collector
    has a host of its own beside the site's: only a cookie of their common domain is seen by both.
    """

    host: str
    domain: str | None
    is_beside: bool

    @property
    def place(self) -> str:
        """What the visitor knows it by."""
        return self.domain if self.domain and self.is_beside else self.host

    def opt_out(self) -> str:
        """Return the cookie that opts out."""
        if self.domain and self.is_beside:
            return _set_cookie(OPT_OUT_COOKIE, "1", OPT_OUT_LIFETIME_S, self.domain)
        return _set_cookie(HOST_OPT_OUT_COOKIE, "1", OPT_OUT_LIFETIME_S)

    def opt_in(self) -> list[str]:
        """Return what clears both names in every form, also those of an earlier set-up."""
        cleared = [_set_cookie(HOST_OPT_OUT_COOKIE, "", 0), _set_cookie(OPT_OUT_COOKIE, "", 0)]
        if self.domain:
            cleared.append(_set_cookie(OPT_OUT_COOKIE, "", 0, self.domain))
        return cleared


def _set_cookie(name: str, value: str, max_age_s: int, domain: str | None = None) -> str:
    """Return a Set-Cookie value. Not HttpOnly: the script on the site's pages must see it."""
    within = f" Domain={domain};" if domain else ""
    return f"{name}={value};{within} Max-Age={max_age_s}; Secure; SameSite=Lax; Path=/"


def _has_domain(host: str) -> bool:
    return _DOTTED_NAME.fullmatch(host) is not None and not is_address(host)


def _reach(mounts: Sequence[Mount], host_header: str) -> _Reach:
    """Find out where a cookie must be set, from what is configured and else from the request.

    A proxy that does not pass the Host header on shows its own name for us, such as 127.0.0.1:8000;
    then the only public address is the one meant.
    """
    host = hostname(host_header)
    mount = next((mount for mount in mounts if mount.host == host), None)
    if mount is None and len(mounts) == 1 and not _has_domain(host):
        mount = mounts[0]
    host = mount.host if mount else host
    domain = registrable_domain(host) if _has_domain(host) else None
    return _Reach(host, domain, is_beside=mount is None or not mount.prefix)


def _objections(request: Request) -> dict[str, bool]:
    """Return for each way to object whether this request uses it, asked of `objection` itself."""
    cookie = ";".join(request.headers.getlist("cookie")).encode("latin-1")
    sec_gpc = ",".join(request.headers.getlist("sec-gpc")).encode("latin-1")
    dnt = ",".join(request.headers.getlist("dnt")).encode("latin-1")
    return {
        Objection.COOKIE.value: objection(cookie, b"", b"") is not None,
        Objection.GPC.value: objection(b"", sec_gpc, b"") is not None,
        Objection.DNT.value: objection(b"", b"", dnt) is not None,
    }


def _is_of_another_site(request: Request) -> bool:
    """Tell whether another website's page sent a form; browsers before 2023 say its origin only."""
    fetch_site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    if fetch_site is not None or origin is None:
        return fetch_site == "cross-site"
    here = request.headers.get("host", "")
    sender, asked = (
        registrable_domain(hostname(host[:_HOST_MAX_CHARACTERS]))
        for host in (origin.rpartition("://")[2], here)
    )
    return sender != asked


@dataclass(frozen=True, slots=True)
class Parts:
    """What the pages show and set going.

    Args:
        mounts: the configured public addresses; without any, each request's Host header counts.
        erase: takes back what the sender of a request contributed today.
        likeness: what a request would become if it were a pageview.
        statement: what holds for the sites that a host counts for.
        look_up: how much of today is held of whoever sent a request; None: nobody may look.
    """

    mounts: Sequence[Mount]
    erase: Callable[[Scope], Awaitable[Erasing]]
    likeness: Callable[[Scope], Likeness | None]
    statement: Callable[[str], Statement]
    look_up: LookUp | None = None


class _Pages:
    """The handlers, with what they share."""

    def __init__(self, parts: Parts) -> None:
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._parts = parts
        self._style = _STYLE.read_bytes()

    async def opt_out(self, request: Request) -> Response:
        """Show the choice as this very request carries it; a POST makes it.

        Any website may post here: at worst somebody is not counted from now on, and a site's own
        privacy page on another host can offer the button. Only what was counted today another
        website cannot take back.
        """
        reach = self._reach(request)
        if request.method == "POST":
            erased = not _is_of_another_site(request) and await self._erase(request) is Erasing.DONE
            asked = "set=out" if erased else "set=out&kept=1"
            return _see_choice(request, asked, [reach.opt_out()])
        # The marker `set` says what was asked for; the request's headers say what came of it.
        return self._page(
            request,
            "opt_out",
            has_subdomains=reach.domain is not None and reach.is_beside,
            asked=request.query_params.get("set", ""),
            is_kept="kept" in request.query_params,
            lifetime_days=OPT_OUT_LIFETIME_S // _SECONDS_A_DAY,
            **_objections(request),
        )

    async def opt_in(self, request: Request) -> Response:
        """Take the choice back, unless another website is asking.

        Browsers that do not say who asks (before 2023, or without TLS, where they refuse the cookie
        anyway) are believed.
        """
        if _is_of_another_site(request):
            return self._page(request, "refused", 403)
        return _see_choice(request, "set=in", self._reach(request).opt_in())

    async def erase(self, request: Request) -> Response:
        """Take back what this address and browser contributed today, unless a website asks that.

        The answer does not depend on whether anything was there: neighbours behind one address
        may share a browser's name, and one of them could ask about the other.
        """
        if _is_of_another_site(request):
            return self._page(request, "refused", 403)
        erasing = await self._erase(request)
        return self._page(request, "erased", _ERASING_STATUS[erasing], erasing=erasing.value)

    async def your_visit(self, request: Request) -> Response:
        """Show what this very request would become if it were a pageview.

        It looks nothing up, unless the operator lets visitors see how much of today is held.
        """
        likeness = self._parts.likeness(request.scope)
        row = _row(likeness.event) if likeness else ()
        look_up = self._parts.look_up if likeness else None
        held = await look_up(request.scope) if look_up else None
        looks = look_up is not None
        return self._page(request, "your_visit", likeness=likeness, row=row, looks=looks, held=held)

    def privacy(self, request: Request) -> Response:
        """Explain what is kept, for how long, and what each setting changes."""
        statement = self._statement(request)
        visit, event = example(statement.sites[0].domain if statement.sites else "example.com")
        return self._page(
            request,
            "privacy",
            statement=statement,
            tables=(("example_visit", VISITS, visit), ("example_event", EVENTS, event)),
            seconds=GRACE_S,
            minutes=SEALED_AFTER_MINUTES,
            hours=RAW_GONE_AFTER_HOURS,
        )

    def for_sites(self, request: Request) -> Response:
        """Show a text and a form for a site's own privacy page."""
        statement = self._statement(request)
        months = max((s.retention_months for s in statement.sites), default=RETENTION_MONTHS)
        return self._page(
            request,
            "for_sites",
            address=self._public_url(request),
            months=months,
            weak=statement.weaker(),
        )

    def machine(self, request: Request) -> Response:
        """State the same for programs."""
        content = msgspec.json.encode(self._statement(request).machine())
        return Response(content, media_type="application/json", headers=_NO_STORE)

    def gpc(self, request: Request) -> Response:
        """Say that Global Privacy Control is honoured. Source: GPC, section 4."""
        since = self._statement(request).since
        support = {"gpc": True} | ({"lastUpdate": since.date().isoformat()} if since else {})
        content = msgspec.json.encode(support)
        return Response(content, media_type="application/json", headers=_NO_STORE)

    def _statement(self, request: Request) -> Statement:
        return self._parts.statement(self._reach(request).host)

    def _public_url(self, request: Request) -> str:
        """Return the address below which these pages are, as seen from the site's own page."""
        host = self._reach(request).host
        known = next((mount.url for mount in self._parts.mounts if mount.host == host), None)
        return known or str(request.url).partition("?")[0].rpartition("/")[0] + "/"

    async def style(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """Send the style sheet: without validators, which could tell one client from another."""
        headers = {"cache-control": f"public, max-age={_STYLE_CACHED_S}"}
        return Response(self._style, media_type="text/css", headers=headers)

    def _page(
        self, request: Request, template: str, status_code: int = 200, **values: object
    ) -> Response:
        asked = request.query_params.get("lang", "")
        say = words(chosen(asked, request.headers.get("accept-language", "")))
        content = self._environment.get_template(f"{template}.html").render(
            say=say,
            site=self._reach(request).place or say("page.this_site"),
            here=_ADDRESSES.get(template, "opt-out"),
            asked_language=_language_query(asked),
            languages=[(name, words(name)("page.language")) for name in LANGUAGES],
            **values,
        )
        return HTMLResponse(content, status_code, _NO_STORE)

    async def _erase(self, request: Request) -> Erasing:
        return await self._parts.erase(request.scope)

    def _reach(self, request: Request) -> _Reach:
        return _reach(self._parts.mounts, request.headers.get("host", ""))


def _row(event: Event) -> list[tuple[str, object]]:
    """Return the names and values of a row; None for what is empty."""
    values = msgspec.structs.asdict(event)
    return [(name, None if value in ("", {}) else value) for name, value in values.items()]


def _language_query(asked: str) -> str:
    """Return what keeps an explicit choice of language on the way to the next page."""
    return f"?lang={asked}" if asked in LANGUAGES else ""


# Nothing may keep these answers, so there is nothing for `Vary` to select among.
_NO_STORE = {"cache-control": "no-store"}


def _see_choice(request: Request, asked: str, cookies: list[str]) -> Response:
    """Send the browser back to look at what it kept of the cookies."""
    language = _language_query(request.query_params.get("lang", "")).replace("?", "&")
    headers = {**_NO_STORE, "location": f"opt-out?{asked}{language}"}
    response = Response(status_code=303, headers=headers)
    for cookie in cookies:
        response.headers.append("set-cookie", cookie)
    return response


def routes(parts: Parts) -> list[Route]:
    """Return the visitors' routes: their pages and what the pages need."""
    pages = _Pages(parts)
    return [
        Route("/opt-out", pages.opt_out, methods=["GET", "POST"]),
        Route("/opt-in", pages.opt_in, methods=["POST"]),
        Route("/erase", pages.erase, methods=["POST"]),
        Route("/your-visit", pages.your_visit),
        Route("/privacy", pages.privacy),
        Route("/for-sites", pages.for_sites),
        Route("/.well-known/gatecount.json", pages.machine),
        Route("/.well-known/gpc.json", pages.gpc),
        Route("/visitors.css", pages.style),
    ]
