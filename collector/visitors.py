"""The visitors' side: who objects to being counted, and the page where they say so.

All addresses in pages and redirects are relative, so that they hold under any path prefix, whether
or not the proxy in front strips it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from collector.hosts import Mount, hostname, is_address, registrable_domain

OPT_OUT_COOKIE = "gatecount-optout"
# A browser takes a cookie of this name only from the host itself, never from one beside it.
HOST_OPT_OUT_COOKIE = "__Host-gatecount-optout"
# 400 days, the most that browsers grant. Source: RFC 6265bis, section 5.5.
OPT_OUT_LIFETIME_S = 34_560_000

_MARK = OPT_OUT_COOKIE.encode()
_NAMES = frozenset({OPT_OUT_COOKIE.encode(), HOST_OPT_OUT_COOKIE.encode()})
_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = Path(__file__).parent / "static" / "visitors.css"
_SECONDS_A_DAY = 86_400
_STYLE_CACHED_S = 3_600
# A name that may stand in a cookie's Domain: anything else in a Host header is not ours to repeat.
_DOTTED_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")


class Objection(Enum):
    """How a browser says that it does not want to be counted."""

    COOKIE = "cookie"
    GPC = "gpc"  # Global Privacy Control: the header `Sec-GPC: 1`
    DNT = "dnt"  # Do Not Track: the header `DNT: 1`


def objection(cookie: bytes, sec_gpc: bytes, dnt: bytes) -> Objection | None:
    """Return how a request objects to being counted, or None.

    The one place that decides, for events and pages alike. A cookie objects by its exact name,
    whatever its value.

    Args:
        cookie: the Cookie header; several ones joined by `b";"`; empty if there is none.
        sec_gpc: the Sec-GPC header; several ones joined by `b","`; empty if there is none.
        dnt: the DNT header, likewise.
    """
    if _MARK in cookie and _is_opted_out(cookie):
        return Objection.COOKIE
    if sec_gpc and _is_on(sec_gpc):
        return Objection.GPC
    if dnt and _is_on(dnt):
        return Objection.DNT
    return None


def _is_on(signal: bytes) -> bool:
    """Tell whether a signal says 1, at least once if it came several times."""
    return b"1" in (line.strip() for line in signal.split(b","))


def _is_opted_out(cookie: bytes) -> bool:
    # Browsers give quotes no meaning and cannot keep a semicolon in a value (RFC 6265, 5.2).
    return any(pair.partition(b"=")[0].strip() in _NAMES for pair in cookie.split(b";"))


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


class _Pages:
    """The handlers, with what they share."""

    def __init__(self, mounts: Sequence[Mount]) -> None:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._mounts = tuple(mounts)
        self._opt_out = environment.get_template("opt_out.html")
        self._refused = environment.get_template("opt_in_refused.html")
        self._style = _STYLE.read_bytes()

    async def opt_out(self, request: Request) -> Response:
        """Show the choice as this very request carries it; a POST makes it.

        Any website may post here: at worst somebody is not counted, and a site's own privacy page
        on another host can offer the button.
        """
        reach = self._reach(request)
        if request.method == "POST":
            return _see_choice("out", [reach.opt_out()])
        # The marker `set` says what was asked for; the request's headers say what came of it.
        page = self._opt_out.render(
            place=reach.place,
            has_subdomains=reach.domain is not None and reach.is_beside,
            asked=request.query_params.get("set", ""),
            lifetime_days=OPT_OUT_LIFETIME_S // _SECONDS_A_DAY,
            **_objections(request),
        )
        return _page(page)

    async def opt_in(self, request: Request) -> Response:
        """Take the choice back, unless another website is asking.

        Browsers that do not say who asks (before 2023, or without TLS, where they refuse the cookie
        anyway) are believed.
        """
        if request.headers.get("sec-fetch-site") == "cross-site":
            return _page(self._refused.render(place=self._reach(request).place), 403)
        return _see_choice("in", self._reach(request).opt_in())

    async def style(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """Send the style sheet: without validators, which could tell one client from another."""
        headers = {"cache-control": f"public, max-age={_STYLE_CACHED_S}"}
        return Response(self._style, media_type="text/css", headers=headers)

    def _reach(self, request: Request) -> _Reach:
        return _reach(self._mounts, request.headers.get("host", ""))


# Nothing may keep these answers, so there is nothing for `Vary` to select among.
_NO_STORE = {"cache-control": "no-store"}


def _page(content: str, status_code: int = 200) -> Response:
    return HTMLResponse(content, status_code, _NO_STORE)


def _see_choice(asked: str, cookies: list[str]) -> Response:
    """Send the browser back to look at what it kept of the cookies."""
    response = Response(status_code=303, headers={**_NO_STORE, "location": f"opt-out?set={asked}"})
    for cookie in cookies:
        response.headers.append("set-cookie", cookie)
    return response


def routes(mounts: Sequence[Mount]) -> list[Route]:
    """Return the visitors' routes: opt-out, opt-in and their style sheet.

    Args:
        mounts: the configured public addresses; without any, each request's Host header counts.
    """
    pages = _Pages(mounts)
    return [
        Route("/opt-out", pages.opt_out, methods=["GET", "POST"]),
        Route("/opt-in", pages.opt_in, methods=["POST"]),
        Route("/visitors.css", pages.style),
    ]
