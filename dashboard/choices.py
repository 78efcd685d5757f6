"""What a browser chose about how pages look and speak: a cookie for each, set by a form."""

from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Scope

from dashboard.web import BodyTooLargeError, bounded_body, is_cross_site, local_path

_A_YEAR_S = 365 * 86_400
_FORM_BYTES = 4096
_FORM_FIELDS = 4


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
