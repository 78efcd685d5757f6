"""Light, dark, or as the system has it."""

from contextvars import ContextVar
from enum import StrEnum

from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.choices import Choice


class Theme(StrEnum):
    """How pages look; its value is its name in the cookie."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


THEME_CHOICE = Choice("theme", frozenset({Theme.LIGHT.value, Theme.DARK.value}))
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
        token = _current.set(Theme(THEME_CHOICE.made(scope) or Theme.SYSTEM))
        try:
            await self._app(scope, receive, send)
        finally:
            _current.reset(token)
