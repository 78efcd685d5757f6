"""Who may look: one access key, as a Bearer token for programs and by a login form for people."""

import threading
from datetime import datetime
from urllib.parse import parse_qs, quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from collector.access import LOGIN_LIFETIME
from dashboard.languages import say
from dashboard.pages import render
from dashboard.parts import Parts
from dashboard.web import BodyTooLargeError, bounded_body, is_cross_site, local_path

_COOKIE = "gatecount-login"
_FORM_BYTES = 4096
_FORM_FIELDS = 4
_BEARER = "bearer "


class Throttle:
    """A bucket of failures for everyone together, so that no address need be remembered.

    It starts full; each failure takes one, and one comes back every `refill_s` seconds.
    """

    def __init__(self, capacity: int, refill_s: float) -> None:
        self._capacity = capacity
        self._refill_s = refill_s
        self._left = float(capacity)
        self._at: datetime | None = None
        self._lock = threading.Lock()

    def enter(self, now: datetime) -> bool:
        """Take one before an attempt is looked at; False when there is none left."""
        with self._lock:
            if self._at is not None:
                gone_s = max(0.0, (now - self._at).total_seconds())
                self._left = min(self._capacity, self._left + gone_s / self._refill_s)
            self._at = now
            if self._left < 1:
                return False
            self._left -= 1
            return True

    def succeeded(self) -> None:
        """Put back what a successful attempt took."""
        with self._lock:
            self._left = min(self._capacity, self._left + 1)


class Accounts:
    """Checks of the access key and of logins.

    The form and the API have buckets of their own: a program with an old key must not lock
    people out. A key has at least 16 characters, so these rates leave guessing hopeless.
    """

    def __init__(self, parts: Parts) -> None:
        self._access = parts.control.access
        self._clock = parts.clock
        self._form = Throttle(capacity=10, refill_s=1)
        self._api = Throttle(capacity=50, refill_s=0.2)

    def logged_in(self, request: Request) -> bool:
        """Tell whether a request carries a login that is still good. Blocking."""
        token = request.cookies.get(_cookie_name(request))
        return bool(token) and self._access.login_valid(token or "", self._clock())

    def api_refusal(self, request: Request) -> tuple[int, str] | None:
        """Return why a program's request is refused, as status and message. Blocking."""
        header = request.headers.get("authorization", "")
        if not header.lower().startswith(_BEARER):
            return 401, "send the access key as Authorization: Bearer KEY"
        if not self._api.enter(self._clock()):
            return 429, "too many wrong access keys; wait some seconds"
        if not self._access.check_access_key(header[len(_BEARER) :].strip()):
            return 401, "this is not the access key"
        self._api.succeeded()
        return None

    def to_login(self, request: Request) -> Response:
        """Send a browser to the login form, which leads back to where it wanted to go."""
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        where = "" if wanted == "/" else "?next=" + quote(wanted, safe="")
        return RedirectResponse("/login" + where, 303)

    def login_page(self, request: Request) -> Response:
        """Show the login form, or go on when there is nothing to ask for. Blocking."""
        where = local_path(request.query_params.get("next", "/"))
        if self.logged_in(request):
            return RedirectResponse(where, 303)
        return render("login.html", next=where, problem=None)

    async def login(self, request: Request) -> Response:
        """Take the login form: a right key opens a login and goes on."""
        if is_cross_site(request):
            return _cross_site()
        try:
            form = parse_qs(
                (await bounded_body(request, _FORM_BYTES)).decode("utf-8", "replace"),
                max_num_fields=_FORM_FIELDS,
            )
        except (BodyTooLargeError, ValueError):
            return render("login.html", 400, next="/", problem=say("The form could not be read."))
        key, where = (form.get(name, [""])[0] for name in ("key", "next"))
        return await run_in_threadpool(self._try, request, key.strip(), local_path(where))

    def _try(self, request: Request, key: str, where: str) -> Response:
        now = self._clock()
        if not self._form.enter(now):
            problem = say("Too many wrong keys. Wait some seconds; whoever is logged in stays so.")
            response = render("login.html", 429, next=where, problem=problem)
            response.headers["Retry-After"] = "5"
            return response
        if not self._access.check_access_key(key):
            return render("login.html", 403, next=where, problem=say("That is not the access key."))
        self._form.succeeded()
        response = RedirectResponse(where, 303)
        response.set_cookie(
            _cookie_name(request),
            self._access.open_login(now),
            max_age=int(LOGIN_LIFETIME.total_seconds()),
            secure=_is_secure(request),
            httponly=True,
            samesite="lax",
        )
        return response

    def logout(self, request: Request) -> Response:
        """Close the login of a request and forget its cookie. Blocking."""
        if is_cross_site(request):
            return _cross_site()
        token = request.cookies.get(_cookie_name(request))
        if token:
            self._access.close_login(token)
        response = RedirectResponse("/login", 303)
        response.delete_cookie(
            _cookie_name(request), secure=_is_secure(request), httponly=True, samesite="lax"
        )
        return response


def _is_secure(request: Request) -> bool:
    return request.url.scheme == "https"


def _cookie_name(request: Request) -> str:
    # Over http no browser takes a `__Host-` cookie; over https nothing less is believed, since a
    # neighbour host could have planted it.
    return f"__Host-{_COOKIE}" if _is_secure(request) else _COOKIE


def _cross_site() -> Response:
    return render(
        "message.html",
        403,
        headline=say("Refused"),
        text=say("The form was sent from another site."),
    )
