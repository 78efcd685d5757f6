"""The style sheet, the scripts and the icon, under addresses that change with their contents."""

import gzip
import hashlib
from dataclasses import dataclass
from functools import cache
from importlib import resources

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

_TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
# To browsers there is one style sheet and one script for all pages, and to us these parts of them,
# in this order. What is not of the package's own making is in vendor/.
_JOINED = {
    "style.css": (
        *("static/ground.css", "static/frame.css", "static/period.css", "static/figures.css"),
        *("static/cards.css", "static/pages.css", "static/print.css"),
    ),
    "script.js": (
        *("vendor/htmx.min.js", "static/chart.js", "static/keys.js", "static/dialog.js"),
        "static/dashboard.js",
    ),
}
_VERSION_CHARACTERS = 12  # 48 bits: enough to tell our own versions apart
_FOREVER = "public, max-age=31536000, immutable"  # a year, the longest that caches honour


@dataclass(frozen=True, slots=True)
class _Asset:
    body: bytes
    packed: bytes
    media_type: str
    version: str


@cache
def _assets() -> dict[str, _Asset]:
    folder = resources.files("dashboard")
    parts = {f"static/{entry.name}" for entry in (folder / "static").iterdir()}
    bodies = {
        part.removeprefix("static/"): (folder / part).read_bytes()
        for part in parts.difference(*_JOINED.values())
    }
    for name, joined in _JOINED.items():
        bodies[name] = b"\n".join((folder / part).read_bytes() for part in joined)
    return {name: _asset(name, body) for name, body in bodies.items()}


def _asset(name: str, body: bytes) -> _Asset:
    media_type = _TYPES[name.rpartition(".")[2]]
    version = hashlib.blake2b(body).hexdigest()[:_VERSION_CHARACTERS]
    return _Asset(body, gzip.compress(body, 9, mtime=0), media_type, version)


def asset_url(name: str) -> str:
    """Return the address of what browsers get by this name, with the hash of its contents.

    Raises:
        KeyError: there is no such thing.
    """
    return f"/assets/{name}?v={_assets()[name].version}"


def asset(request: Request) -> Response:
    """Serve what browsers get by a name, for ever when it was asked for by its hash."""
    found = _assets().get(request.path_params["file"])
    if found is None:
        return PlainTextResponse("Not Found", 404)
    current = request.query_params.get("v") == found.version
    headers = {
        "Cache-Control": _FOREVER if current else "no-cache",
        "Vary": "Accept-Encoding",
    }
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(found.packed, 200, headers | {"Content-Encoding": "gzip"}, found.media_type)
    return Response(found.body, 200, headers, found.media_type)
