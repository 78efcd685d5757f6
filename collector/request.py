"""What an ASGI request says, as far as anybody here asks it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from collector.anonymise import TrustedProxies
from collector.hosts import hostname

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

MAX_BODY_BYTES = 8 * 1024
_HOST_MAX_BYTES = 300  # a name has 253 (RFC 1035), and may have a port; what is kept stays small


def asked_host(peer: str, headers: dict[bytes, bytes], trusted: TrustedProxies) -> str:
    """Return the host a browser asked for, which a proxy of ours may have to tell."""
    host = headers.get(b"host", b"")
    forwarded = headers.get(b"x-forwarded-host")
    if forwarded and trusted.trusts(peer):
        host = forwarded.rpartition(b",")[2]
    return hostname(host[:_HOST_MAX_BYTES].decode("latin-1"))


def peer_of(scope: Scope) -> str:
    """Return the address at the connection's other end, "" for a Unix socket."""
    client = scope.get("client")
    return client[0] if client else ""


def headers_of(pairs: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    """Return headers by name; lines of one name are joined in their order."""
    headers = dict(pairs)
    if len(headers) == len(pairs):
        return headers
    values: dict[bytes, list[bytes]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    # At once: there may be thousands of one name.
    return {
        name: (b"; " if name == b"cookie" else b", ").join(lines) for name, lines in values.items()
    }


async def body_of(receive: Receive) -> bytes | None:
    """Return the whole body, or None when it is too large or broke off."""
    message = await receive()
    body: bytes = message.get("body", b"")
    while message.get("more_body", False) and len(body) <= MAX_BODY_BYTES:
        message = await receive()
        body += message.get("body", b"")
    is_whole = message["type"] == "http.request" and len(body) <= MAX_BODY_BYTES
    return body if is_whole else None
