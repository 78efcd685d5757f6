"""The visitors' pages: where they see how they are treated, object, and take back.

All addresses in pages and redirects are relative, so that they hold under any path prefix, whether
or not the proxy in front strips it.
"""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import jinja2
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from collector.hosts import Mount, hostname, is_address, registrable_domain
from collector.ingest import Erasing, Scope
from collector.objection import HOST_OPT_OUT_COOKIE, OPT_OUT_COOKIE, Objection, objection

# 400 days, the most that browsers grant. Source: RFC 6265bis, section 5.5.
OPT_OUT_LIFETIME_S = 34_560_000

_TEMPLATES = Path(__file__).parent / "templates"
_STYLE = Path(__file__).parent / "static" / "visitors.css"
_SECONDS_A_DAY = 86_400
_STYLE_CACHED_S = 3_600
# A name that may stand in a cookie's Domain: anything else in a Host header is not ours to repeat.
_DOTTED_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)+")


Erase = Callable[[Scope], Awaitable[Erasing]]
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
    return request.headers.get("sec-fetch-site") == "cross-site"


class _Pages:
    """The handlers, with what they share."""

    def __init__(self, mounts: Sequence[Mount], erase: Erase) -> None:
        environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._mounts = tuple(mounts)
        self._take_back = erase
        self._opt_out = environment.get_template("opt_out.html")
        self._erased = environment.get_template("erased.html")
        self._refused = environment.get_template("refused.html")
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
            return _see_choice("out" if erased else "out&kept=1", [reach.opt_out()])
        # The marker `set` says what was asked for; the request's headers say what came of it.
        page = self._opt_out.render(
            place=reach.place,
            has_subdomains=reach.domain is not None and reach.is_beside,
            asked=request.query_params.get("set", ""),
            is_kept="kept" in request.query_params,
            lifetime_days=OPT_OUT_LIFETIME_S // _SECONDS_A_DAY,
            **_objections(request),
        )
        return _page(page)

    async def opt_in(self, request: Request) -> Response:
        """Take the choice back, unless another website is asking.

        Browsers that do not say who asks (before 2023, or without TLS, where they refuse the cookie
        anyway) are believed.
        """
        if _is_of_another_site(request):
            return _page(self._refused.render(place=self._reach(request).place), 403)
        return _see_choice("in", self._reach(request).opt_in())

    async def erase(self, request: Request) -> Response:
        """Take back what this address and browser contributed today, unless a website asks that.

        The answer does not depend on whether anything was there: neighbours behind one address
        may share a browser's name, and one of them could ask about the other.
        """
        place = self._reach(request).place
        if _is_of_another_site(request):
            return _page(self._refused.render(place=place), 403)
        erasing = await self._erase(request)
        page = self._erased.render(place=place, erasing=erasing.value)
        return _page(page, _ERASING_STATUS[erasing])

    async def style(self, request: Request) -> Response:  # noqa: ARG002 - Starlette's signature
        """Send the style sheet: without validators, which could tell one client from another."""
        headers = {"cache-control": f"public, max-age={_STYLE_CACHED_S}"}
        return Response(self._style, media_type="text/css", headers=headers)

    async def _erase(self, request: Request) -> Erasing:
        return await self._take_back(request.scope)

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


def routes(mounts: Sequence[Mount], erase: Erase) -> list[Route]:
    """Return the visitors' routes: opt-out, opt-in, erasing and their style sheet.

    Args:
        mounts: the configured public addresses; without any, each request's Host header counts.
        erase: takes back what the sender of a request contributed today.
    """
    pages = _Pages(mounts, erase)
    return [
        Route("/opt-out", pages.opt_out, methods=["GET", "POST"]),
        Route("/opt-in", pages.opt_in, methods=["POST"]),
        Route("/erase", pages.erase, methods=["POST"]),
        Route("/visitors.css", pages.style),
    ]
