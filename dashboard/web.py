"""What every response and every form of the dashboard has in common."""

import contextlib
import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
}

_POLICY_HEADER = "Content-Security-Policy"


def _written(policy: Mapping[str, str]) -> str:
    return "; ".join(f"{name} {value}" for name, value in policy.items())


# Referrer-Policy is not `no-referrer`: browsers would then post our forms with `Origin: null`.
SECURITY_HEADERS = {
    _POLICY_HEADER: _written(_POLICY),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
}

# Printable ASCII without a backslash, and not two slashes at the start: browsers read `//host`
# and `/\host` as addresses of other hosts, and drop tabs and line ends before they look.
_LOCAL_PATH = re.compile(r"/(?!/)[\x21-\x5b\x5d-\x7e]{0,2000}")


class BodyTooLargeError(Exception):
    """A request body is longer than its route takes."""


def embeddable(response: Response, origins: Sequence[str]) -> Response:
    """Let pages of some origins, and of no others, embed a response."""
    if origins:
        policy = _POLICY | {"frame-ancestors": " ".join(origins)}
        response.headers[_POLICY_HEADER] = _written(policy)
    return response


class SecurityHeaders:
    """An ASGI wrapper that puts SECURITY_HEADERS on every response."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass everything through; add headers at the start of the response, if there is one."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                own = headers.get(_POLICY_HEADER)
                headers.update(SECURITY_HEADERS)
                if own is not None:  # see `embeddable`
                    headers[_POLICY_HEADER] = own
                    del headers["X-Frame-Options"]
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        # Who hung up in the middle of a form reads no answer, and it is no fault of ours.
        with contextlib.suppress(ClientDisconnect):
            await self._app(scope, receive, send_with_headers)


async def bounded_body(request: Request, limit_bytes: int) -> bytes:
    """Read a request's body.

    Raises:
        BodyTooLargeError: it is longer than `limit_bytes`; no more than that was kept.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_bytes:
            raise BodyTooLargeError
    return bytes(body)


async def form_of(request: Request, limit_bytes: int, most_fields: int) -> dict[str, str] | None:
    """Return the fields of a form that was posted, the first of each name; None if it is none."""
    try:
        body = (await bounded_body(request, limit_bytes)).decode("utf-8", "replace")
        fields = parse_qs(body, keep_blank_values=True, max_num_fields=most_fields)
    except (BodyTooLargeError, ValueError):
        return None
    return {name: values[0] for name, values in fields.items()}


def cookie_prefix(request: Request) -> str | None:
    """Return what the names of cookies begin with that open something; None where none are set.

    Over https nothing less than `__Host-` is believed, since a neighbour host could have planted
    it. Over http no browser takes one, and everybody on the way could read it: only where there
    is no way, on this machine, will a plain one do.
    """
    if request.url.scheme == "https":
        return "__Host-"
    return "" if _is_loopback(request.url.hostname or "") else None


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    return is_address(host) and ip_address(host.strip("[]")).is_loopback


def is_address(host: str) -> bool:
    """Tell whether a host is a literal IP address rather than a name."""
    try:
        ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def json_refusal(status: int, message: str, field: str | None = None) -> Response:
    """Refuse a program: JSON with `error` and, where one is at fault, `field`."""
    content = {"error": message if field is None else f"{field}: {message}"}
    if field is not None:
        content["field"] = field
    response = Response(msgspec.json.encode(content), status, media_type="application/json")
    if status == 401:  # noqa: PLR2004 - RFC 9110, 15.5.2 asks for the challenge
        response.headers["WWW-Authenticate"] = "Bearer"
    if status in {429, 503}:
        response.headers["Retry-After"] = "5"
    return response


def is_cross_site(request: Request) -> bool:
    """Tell whether a form was posted from a page that is not ours.

    Sec-Fetch-Site decides; browsers too old for it send Origin; programs send neither.
    """
    fetch_site = request.headers.get("sec-fetch-site")
    if fetch_site is not None:
        return fetch_site not in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")


def local_path(wanted: str) -> str:
    """Return `wanted` when it is a path of this server, and "/" when it is anything else."""
    return wanted if _LOCAL_PATH.fullmatch(wanted) else "/"
