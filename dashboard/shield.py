"""Sends guessing away at the very first look, so that counting goes on beside it."""

from collections.abc import Awaitable, Callable
from functools import cache
from http.cookies import CookieError, SimpleCookie

from starlette.types import Scope, Send

from collector.logins import Logins
from dashboard.parts import Parts
from dashboard.plain import plain_page
from dashboard.web import SECURITY_HEADERS

DEVICE_COOKIE = "gatecount-device"
WAIT_S = 10
_LOGIN = "/login"
_TOO_MANY = (
    ("en", "Too many tries to log in. Wait a minute; whoever is logged in stays so."),
    ("de", "Zu viele Versuche. Warten Sie eine Minute; wer angemeldet ist, bleibt es."),
    ("fr", "Trop de tentatives. Attendez une minute\N{NO-BREAK SPACE}; qui est connecté le reste."),
    ("es", "Demasiados intentos. Espere un minuto; quien ya ha entrado no pierde nada."),
)
_HEADERS = [
    *((name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()),
    (b"cache-control", b"no-store"),
    (b"content-type", b"text/html; charset=utf-8"),
    (b"retry-after", str(WAIT_S).encode()),
]
Shield = Callable[[Scope, Send], Awaitable[bool]]


def shield(parts: Parts) -> Shield:
    """Return what answers a try to log in that would not be heard; False where it would.

    It stands before all routes, and looks at the path, the throttle and a cookie alone.
    """
    logins = Logins(parts.control)

    async def turned_away(scope: Scope, send: Send) -> bool:
        if scope["path"] != _LOGIN or scope["method"] != "POST":
            return False
        if not parts.throttle.is_shut(parts.clock()):
            return False
        device = _device(scope)
        if device and logins.made_device(device):
            return False
        page = _page()
        headers = [*_HEADERS, (b"content-length", str(len(page)).encode())]
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": page})
        return True

    return turned_away


@cache
def _page() -> bytes:
    return plain_page("gatecount", _TOO_MANY, _LOGIN)


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
