"""Sends guessing away at the very first look, so that counting goes on beside it."""

from collections.abc import Callable
from functools import cache
from http.cookies import CookieError, SimpleCookie

from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from collector.logins import Logins
from dashboard.parts import Parts
from dashboard.plain import plain_page
from dashboard.web import SECURITY_HEADERS

DEVICE_COOKIE = "gatecount-device"
WAIT_S = 10
LOGIN_PATH = "/login"
_TOO_MANY = (
    ("en", "Too many tries to log in. Wait a minute; whoever is logged in stays so."),
    ("de", "Zu viele Versuche. Warten Sie eine Minute; wer angemeldet ist, bleibt es."),
    ("fr", "Trop de tentatives. Attendez une minute\N{NO-BREAK SPACE}; qui est connecté le reste."),
    ("es", "Demasiados intentos. Espere un minuto; quien ya ha entrado no pierde nada."),
)
Shield = Callable[[Scope], Response | None]


def shield(parts: Parts) -> Shield:
    """Return what answers a try to log in that would not be heard; None where it would.

    It stands before all routes, and looks at the path, the throttle and a cookie alone.
    """
    logins = Logins(parts.control)

    def turned_away(scope: Scope) -> Response | None:
        if scope["path"] != LOGIN_PATH or scope["method"] != "POST":
            return None
        if not parts.throttle.is_shut(parts.clock()):
            return None
        device = _device(scope)
        return None if device and logins.made_device(device) else _answer()

    return turned_away


@cache
def _answer() -> Response:
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", "Retry-After": str(WAIT_S)}
    return HTMLResponse(plain_page("gatecount", _TOO_MANY, LOGIN_PATH), 429, headers)


def _device(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"cookie" and DEVICE_COOKIE.encode() in value:
            try:
                cookies = SimpleCookie(value.decode("latin-1"))
            except CookieError:
                return ""
            found = cookies.get(f"__Host-{DEVICE_COOKIE}") or cookies.get(DEVICE_COOKIE)
            return "" if found is None else found.value
    return ""
