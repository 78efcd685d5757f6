"""The ASGI application: events go straight to the endpoint, everything else through Starlette."""

import asyncio
import contextlib
import gzip
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from collector import visitors
from collector.anonymise import TrustedProxies
from collector.clock import ClockGuard
from collector.control import Control
from collector.held import LookUp
from collector.hosts import Mount
from collector.ingest import Ingest
from collector.journal import Journal
from collector.keys import KeyStore
from collector.request import Receive, Scope, Send, asked_host, headers_of, peer_of
from collector.settings.exclusions import ExclusionBook
from collector.settings.zones import doubled
from collector.statement import Statement

_LOG = logging.getLogger("gatecount.app")
EVENT_PATH = "/api/event"
_BEACON = Path(__file__).parent / "static" / "beacon.js"
_BEACON_CACHED_S = 86_400
_REFRESH_EVERY_S = 0.5  # a change of the sites is known within a second
_CHORES_EVERY_S = 1.0
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)

_CONTENT_SECURITY_POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    b" connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_SECURITY_HEADERS = (
    (b"content-security-policy", _CONTENT_SECURITY_POLICY),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"referrer-policy", b"same-origin"),
    (b"x-content-type-options", b"nosniff"),
)


# Returns the answer to a request that is not to be looked at any further; None to any other.
TurnAway = Callable[[Scope], Response | None]


@dataclass(frozen=True, slots=True)
class Misses:
    """What is answered, instead of a line of text, where there is no page and where one failed."""

    nowhere: ASGIApp
    failed: Callable[[Request, Exception], Awaitable[Response]]


def nobody(_scope: Scope) -> Response | None:
    """Turn nobody away."""
    return None


class Application:
    """Routes a request by host and path.

    Under a path prefix of a site only visitors' routes answer: the site's own scripts are
    same-origin with us there.
    """

    def __init__(
        self,
        *,
        ingest: Ingest,
        mounts: Sequence[Mount],
        trusted: TrustedProxies,
        statement: Callable[[str], Statement],
        troubles: Callable[[], list[str]],
        editors_routes: Sequence[BaseRoute],
        lifespan: Callable[[ASGIApp], contextlib.AbstractAsyncContextManager[None]],
        look_up: LookUp | None = None,
        turn_away: TurnAway = nobody,
        misses: Misses | None = None,
    ) -> None:
        self._ingest = ingest
        self._trusted = trusted
        self._turn_away = turn_away
        self._prefixes = {mount.host: mount.prefix for mount in mounts if mount.prefix}
        self._event_paths = {EVENT_PATH} | {mount.prefix + EVENT_PATH for mount in mounts}
        parts = visitors.Parts(mounts, ingest.erase, ingest.likeness, statement, look_up)
        visitors_routes = [
            *visitors.routes(parts),
            Route("/beacon.js", _beacon()),
            Route("/healthz", _health),
        ]
        self._visitors = Starlette(routes=visitors_routes)
        operators_routes = [Route("/readyz", _readiness(troubles))]
        self._everyone = Starlette(
            routes=[*visitors_routes, *operators_routes, *editors_routes],
            lifespan=lifespan,
            exception_handlers={500: misses.failed} if misses else None,
        )
        if misses:
            self._everyone.router.default = misses.nowhere
        # Redirects to slashes are absolute, which is wrong behind a proxy that strips a prefix.
        self._visitors.router.redirect_slashes = self._everyone.router.redirect_slashes = False

    @property
    def routes(self) -> list[BaseRoute]:
        """All there is to ask for but the event endpoint, which stands apart."""
        return self._everyone.routes

    @property
    def takers(self) -> dict[bytes, Ingest]:
        """By path, what takes events without asking here first."""
        return {path.encode(): self._ingest for path in self._event_paths}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or run the lifespan."""
        if scope["type"] != "http":
            await self._everyone(scope, receive, send)
        elif scope["path"] in self._event_paths:
            await self._ingest(scope, receive, send)
        elif (answer := self.at_first_look(scope)) is not None:
            await answer(scope, receive, send)
        else:
            await self._page(scope, receive, _secured(send))

    def at_first_look(self, scope: Scope) -> Response | None:
        """Return the answer to a request of which the head says enough; None to any other."""
        answer = self._turn_away(scope)
        is_for_editors = (
            not self._prefixes or self._prefix_of(_as_asked(scope, self._trusted)) is None
        )
        return answer if is_for_editors else None

    def _prefix_of(self, scope: Scope) -> str | None:
        return self._prefixes.get(asked_host("", headers_of(scope["headers"]), self._trusted))

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope = _as_asked(scope, self._trusted)
        prefix = self._prefix_of(scope)
        if prefix is None:
            await self._everyone(scope, receive, send)
            return
        path = scope["path"]
        if path.startswith(prefix + "/"):  # the proxy did not strip it
            scope = {**scope, "path": path.removeprefix(prefix)}
        await self._visitors(scope, receive, send)


def _as_asked(scope: Scope, trusted: TrustedProxies) -> Scope:
    """Return a request as the browser sent it to a proxy of ours: its scheme and host."""
    headers = headers_of(scope["headers"])
    told = {name: headers.get(name) for name in (b"x-forwarded-proto", b"x-forwarded-host")}
    if not any(told.values()) or not trusted.trusts(peer_of(scope)):
        return scope
    proto, host = (value and value.rpartition(b",")[2].strip() for value in told.values())
    asked = {**scope}
    if proto in {b"http", b"https"}:
        asked["scheme"] = proto.decode()
    if host:
        others = [pair for pair in scope["headers"] if pair[0] != b"host"]
        asked["headers"] = [(b"host", host), *others]
    return asked


def _secured(send: Send) -> Send:
    """Add the security headers to whatever a page answers; a header it set itself stands."""

    # ASGI's messages are typed by the value of a key, which the type checker cannot follow.
    async def secured(message: dict[str, object]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))  # type: ignore[call-overload]
            names = {name for name, _ in headers}
            message["headers"] = headers + [h for h in _SECURITY_HEADERS if h[0] not in names]
        await send(message)

    return secured  # type: ignore[return-value]


def _beacon() -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that serves the script, the same for everyone, compressed once."""
    plain = _BEACON.read_bytes()
    compressed = gzip.compress(plain, 9, mtime=0)
    headers = {
        "cache-control": f"public, max-age={_BEACON_CACHED_S}",
        "cross-origin-resource-policy": "cross-origin",
        "vary": "accept-encoding",
    }

    async def beacon(request: Request) -> Response:
        if "gzip" in request.headers.get("accept-encoding", ""):
            zipped = headers | {"content-encoding": "gzip"}
            return Response(compressed, headers=zipped, media_type="text/javascript")
        return Response(plain, headers=headers, media_type="text/javascript")

    return beacon


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok\n", headers={"cache-control": "no-store"})


def _readiness(troubles: Callable[[], list[str]]) -> Callable[[Request], Awaitable[Response]]:
    """Return an endpoint that says whether events should be sent here, and why not."""

    async def ready(_: Request) -> Response:
        found = troubles()
        text = "".join(f"{line}\n" for line in (["not ready", *found] if found else ["ready"]))
        return PlainTextResponse(text, 503 if found else 200, {"cache-control": "no-store"})

    return ready


class Intake:
    """What an ingest process does beside answering: knows the sites, ends keys, reports drops."""

    def __init__(
        self,
        *,
        ingest: Ingest,
        journal: Journal,
        control: Control,
        keys: KeyStore,
        clock: Callable[[], float],
    ) -> None:
        self._ingest = ingest
        self._journal = journal
        self._control = control
        self._keys = keys
        self._clock = clock
        self._guard = ClockGuard()
        self._exclusions = ExclusionBook(control)
        self._revision = -1
        self._turns_at = _LONG_AGO

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take events while the context lasts; afterwards all that was queued is on disk."""
        self._journal.start()
        self._refresh()
        chores = [
            asyncio.create_task(self._every(_REFRESH_EVERY_S, self._refresh)),
            asyncio.create_task(self._every(_CHORES_EVERY_S, self._chores)),
        ]
        try:
            yield
        finally:
            for chore in chores:
                chore.cancel()
            await asyncio.gather(*chores, return_exceptions=True)
            self._ingest.queue_drops()
            await self._journal.close()

    async def _every(self, seconds: float, do: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                do()
            except Exception:  # noqa: BLE001 - told, and tried again at the next turn
                _LOG.exception("chore_failed")

    def _refresh(self) -> None:
        now = datetime.fromtimestamp(self._clock(), UTC)
        if now >= self._turns_at:
            self._turn(now)
        revision = self._control.revision()
        if revision != self._revision:
            sites = self._control.sites()
            self._ingest.know(sites, self._exclusions.all())
            self._turns_at = min((s.turns_at for s in sites if s.turns_at), default=_NEVER)
            self._revision = revision

    def _turn(self, now: datetime) -> None:
        """Write down that time zones hold which were to hold by now; one process finds them."""
        for before in self._control.turn_due(now):
            if (date := doubled(before, now)) is not None:
                self._ingest.note_new_key(before, date.isoformat(), now)

    def _chores(self) -> None:
        self._ingest.queue_drops()
        now_s = self._clock()
        if self._guard.trusts(now_s, time.clock_gettime(time.CLOCK_BOOTTIME), recorded_s=0):
            self._keys.destroy_expired(datetime.fromtimestamp(now_s, UTC))
