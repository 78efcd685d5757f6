"""What a browser chose about how pages look and speak: a cookie for each, set by a form."""

from collections.abc import Collection
from contextvars import ContextVar
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboard.web import BodyTooLargeError, bounded_body, is_cross_site, local_path

_A_YEAR_S = 365 * 86_400
_FORM_BYTES = 4096
_FORM_FIELDS = 4
_FRAMES = frozenset({"iframe", "frame", "embed", "object"})  # values of Sec-Fetch-Dest


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page stands.

    Args:
        address: its path and query, for a form to lead back to; "" of one that answers a form.
        is_framed: whether it is within a page of another site. There browsers keep no cookie of
            ours, and show no page but those that may be embedded.
    """

    address: str = ""
    is_framed: bool = False

    @classmethod
    def of(cls, scope: Scope) -> "Place":
        """Return where what a request asks for will stand."""
        request = Request(scope)
        if request.method != "GET":
            return cls()
        query = f"?{request.url.query}" if request.url.query else ""
        is_framed = request.headers.get("sec-fetch-dest") in _FRAMES
        return cls(request.url.path + query, is_framed)


# Of the request at hand, see theme.py.
_place: ContextVar[Place] = ContextVar("place", default=Place())  # noqa: B039 - frozen


def place() -> Place:
    """Return where the page at hand stands."""
    return _place.get()


class Placed:
    """An ASGI wrapper that notes where each page stands."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through."""
        token = _place.set(Place.of(scope) if scope["type"] == "http" else Place())
        try:
            await self._app(scope, receive, send)
        finally:
            _place.reset(token)


@dataclass(frozen=True, slots=True)
class Choice:
    """One thing to choose; without a script, and without a flash of what was not chosen.

    Args:
        name: of the form's field.
        values: that can be chosen; any other forgets what was.
    """

    name: str
    values: Collection[str]

    @property
    def _cookie(self) -> str:
        return f"gatecount-{self.name}"

    def made(self, scope: Scope) -> str | None:
        """Return what the browser of a request chose, if it is one of the values."""
        wanted = Request(scope).cookies.get(self._cookie) if scope["type"] == "http" else None
        return wanted if wanted in self.values else None

    async def take(self, request: Request) -> Response:
        """Take the form that chooses, and go back to where it was sent from."""
        if is_cross_site(request):
            return Response(status_code=403)
        try:
            body = (await bounded_body(request, _FORM_BYTES)).decode("utf-8", "replace")
            form = parse_qs(body, max_num_fields=_FORM_FIELDS)
        except (BodyTooLargeError, ValueError):
            return Response(status_code=400)
        wanted, back = (form.get(name, [""])[0] for name in (self.name, "back"))
        response = RedirectResponse(local_path(back), 303)
        if wanted in self.values:
            secure = request.url.scheme == "https"
            response.set_cookie(
                self._cookie, wanted, max_age=_A_YEAR_S, secure=secure, httponly=True,
                samesite="lax",
            )  # fmt: skip
        else:
            response.delete_cookie(self._cookie)
        return response
