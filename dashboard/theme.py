"""Light, dark, or as the system has it: one cookie that says so, set by a form."""

from contextvars import ContextVar
from enum import StrEnum
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.web import BodyTooLargeError, bounded_body, is_cross_site, local_path

_COOKIE = "gatecount-theme"
_A_YEAR_S = 365 * 86_400
_FORM_BYTES = 4096
_FORM_FIELDS = 4


class Theme(StrEnum):
    """How pages look; its value is its name in the cookie."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


# Of the request at hand: every template needs it, and none of the views between.
_current: ContextVar[Theme] = ContextVar("theme", default=Theme.SYSTEM)


def current_theme() -> Theme:
    """Return the theme that the browser of this request asked for."""
    return _current.get()


class Themed:
    """An ASGI wrapper that notes the theme of each request."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through."""
        wanted = Request(scope).cookies.get(_COOKIE) if scope["type"] == "http" else None
        token = _current.set(Theme(wanted) if wanted in list(Theme) else Theme.SYSTEM)
        try:
            await self._app(scope, receive, send)
        finally:
            _current.reset(token)


async def choose_theme(request: Request) -> Response:
    """Take the form that chooses a theme, and go back to where it was sent from."""
    if is_cross_site(request):
        return Response(status_code=403)
    try:
        body = (await bounded_body(request, _FORM_BYTES)).decode("utf-8", "replace")
        form = parse_qs(body, max_num_fields=_FORM_FIELDS)
    except (BodyTooLargeError, ValueError):
        return Response(status_code=400)
    wanted, back = (form.get(name, [""])[0] for name in ("theme", "back"))
    response = RedirectResponse(local_path(back), 303)
    if wanted in {Theme.LIGHT, Theme.DARK}:
        secure = request.url.scheme == "https"
        response.set_cookie(
            _COOKIE, wanted, max_age=_A_YEAR_S, secure=secure, httponly=True, samesite="lax"
        )
    else:
        response.delete_cookie(_COOKIE)
    return response
