"""The style sheet, the script and the icon, under addresses that change with their contents."""

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
# The style sheet is one to browsers, and to us these parts of it, in this order.
_SHEET = "style.css"
_SHEET_PARTS = ("ground", "frame", "period", "figures", "cards", "pages", "print")
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
    folder = resources.files("dashboard") / "static"
    sheet = b"\n".join((folder / f"{part}.css").read_bytes() for part in _SHEET_PARTS)
    return {_SHEET: _asset(sheet, _TYPES["css"])} | {
        entry.name: _asset(entry.read_bytes(), _TYPES[entry.name.rpartition(".")[2]])
        for entry in folder.iterdir()
        if entry.name.rpartition(".")[2] in _TYPES.keys() - {"css"}
    }


def _asset(body: bytes, media_type: str) -> _Asset:
    version = hashlib.blake2b(body).hexdigest()[:_VERSION_CHARACTERS]
    return _Asset(body, gzip.compress(body, 9, mtime=0), media_type, version)


def asset_url(name: str) -> str:
    """Return the address of the style sheet or a file of static/, with the hash of its contents.

    Raises:
        KeyError: there is no such file.
    """
    return f"/assets/{name}?v={_assets()[name].version}"


def asset(request: Request) -> Response:
    """Serve the style sheet or a file of static/, for ever when it was asked for by its hash."""
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
