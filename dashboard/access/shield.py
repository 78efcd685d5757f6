"""Sends guessing, and looking without end, away at the first look: counting goes on beside it."""

from collections.abc import Callable
from functools import cache
from http.cookies import CookieError, SimpleCookie

from starlette.responses import HTMLResponse, Response
from starlette.types import Scope

from collector.people.logins import Logins
from dashboard.access.gate import LOGIN_COOKIE
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
LOOKS_AGAIN_S = 60  # a network's minute is over by then
_SHARED = ("/public/", "/shared/")
_TOO_MANY_LOOKS = (
    ("en", "Too many looks at these numbers from your network. In a minute they are here again."),
    ("de", "Zu viele Aufrufe aus Ihrem Netz. In einer Minute sind die Zahlen wieder da."),
    ("fr", "Trop de consultations depuis votre réseau. Les chiffres reviennent dans une minute."),
    ("es", "Demasiadas consultas desde su red. Dentro de un minuto vuelven a estar los números."),
)
Shield = Callable[[Scope], Response | None]


def shield(parts: Parts) -> Shield:
    """Return what answers a try to log in that would not be heard; None where it would.

    And a look at shared numbers that is one too many. It stands before all routes, and looks at the
    path, the throttles and a cookie alone: whose login it is, others find out.
    """
    logins = Logins(parts.control)

    def turned_away(scope: Scope) -> Response | None:
        if scope["path"].startswith(_SHARED) and not is_shown_login(scope):
            return _no_more_looks() if parts.reads_too_often(scope) else None
        if scope["path"] != LOGIN_PATH or scope["method"] != "POST":
            return None
        if not parts.throttle.is_shut(parts.clock()):
            return None
        device = _device(scope)
        return None if device and logins.made_device(device) else _answer()

    return turned_away


def is_shown_login(scope: Scope) -> bool:
    """Tell whether a request shows what may be the cookie of a login."""
    name = LOGIN_COOKIE.encode()
    return any(header == b"cookie" and name in value for header, value in scope["headers"])


@cache
def _answer() -> Response:
    return _sent_away(_TOO_MANY, LOGIN_PATH, WAIT_S)


@cache
def _no_more_looks() -> Response:
    return too_many_looks()


def too_many_looks() -> Response:
    """Send away who looked too often; a new answer, to which middleware may add."""
    return _sent_away(_TOO_MANY_LOOKS, "/", LOOKS_AGAIN_S)


def _sent_away(text: tuple[tuple[str, str], ...], link: str, wait_s: int) -> Response:
    headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", "Retry-After": str(wait_s)}
    return HTMLResponse(plain_page("gatecount", text, link), 429, headers)


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
