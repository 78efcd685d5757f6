"""A small collector with a dashboard on it, and a browser for it, all in one process."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
import msgspec
from starlette.applications import Starlette
from starlette.types import ASGIApp, Receive, Scope, Send

from collector.control import Control, Site
from collector.engine.excluded import Asides
from collector.engine.realtime import Realtime
from collector.journal import Event, Record, line
from collector.load import Loader
from collector.people.accounts import ALL_SITES, Role
from collector.stats import Stats, parquet
from collector.store import Store
from dashboard.app import Parts, routes, shield
from tests.house import event
from tests.people import CHEAP, EMAIL, admit, key_of, token_of

NOW = datetime(2026, 11, 24, 13, 32, 10, tzinfo=UTC)  # 14:32 in Berlin
HOST = "127.0.0.1"  # where a login needs no https
BERLIN = "Europe/Berlin"


@dataclass
class Newsroom:
    """Sites, numbers and a clock that tests may turn."""

    folder: Path
    control: Control
    store: Store
    now: datetime = NOW
    parts: dict[str, Any] = field(default_factory=dict)
    _chunks: int = 0

    @cached_property
    def key(self) -> str:
        """Return a key to the API that may do everything."""
        return key_of(self.control)

    def site(self, domain: str = "example.com", timezone: str = BERLIN) -> Site:
        """Register a site."""
        return self.control.add_site(domain, timezone, self.now)

    def count(self, *events: Record) -> None:
        """Carry records from a journal into the store, as `serve` does."""
        self._chunks += 1
        chunk = self.folder / "journal" / f"{self._chunks:04}.jsonl"
        chunk.parent.mkdir(exist_ok=True)
        chunk.write_bytes(b"".join(map(line, events)))
        Loader(chunk.parent, self.store).load()

    def all_parts(self) -> Parts:
        """Return what the dashboard is made of; `parts` says what is to be otherwise."""
        others = dict(self.parts)
        asides = Asides(self.store)
        least, limit_s = others.pop("least_visitors", 1), others.pop("limit_s", 30)
        parts: dict[str, Any] = {
            "stats": Stats(self.store, least, limit_s),
            "realtime": Realtime(self.store, least, limit_s),
            "control": self.control,
            "clock": lambda: self.now,
            "diagnose": lambda _scope, _site: (),
            "excluded": lambda site, period: asides.excluded(site.id, period),
            "properties": lambda site, period, name: asides.property_names(site.id, period, name),
            "snippet": lambda site: f'<script defer src="https://{site.domain}/b.js"></script>',
            "parquet": parquet,
            "password_cost": CHEAP,
        }
        return Parts(**(parts | others))

    def client(self, scheme: str = "http") -> "Client":
        """Return a browser that knows nothing of us yet."""
        parts = self.all_parts()
        return Client(Shielded(Starlette(routes=routes(parts)), parts), scheme)

    def editor(
        self,
        email: str = EMAIL,
        role: Role = Role.OWNER,
        site: int = ALL_SITES,
        app: ASGIApp | None = None,
    ) -> "Client":
        """Return a browser that somebody is logged in with: who owns all, unless told otherwise."""
        client = self.client() if app is None else Client(app, "http")
        user = admit(self.control, email, role, site)
        token = token_of(self.control, user, self.now)
        client.http.cookies.set("gatecount-login", token, domain=HOST)
        return client


class Shielded:
    """An application with the shield before it, as `serve` has it."""

    def __init__(self, app: ASGIApp, parts: Parts) -> None:
        self._app = app
        self._turned_away = shield(parts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, unless the shield did."""
        await (self._turned_away(scope) or self._app)(scope, receive, send)


class Client:
    """A browser without scripts: keeps cookies, follows nothing by itself."""

    def __init__(self, app: ASGIApp, scheme: str) -> None:
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://127.0.0.1" if scheme == "http" else "https://stats.example.com",
        )

    def get(self, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
        """Ask for a page."""
        return asyncio.run(self.http.get(path, headers=headers))

    def post(
        self,
        path: str,
        data: dict[str, str] | None = None,
        *,
        content: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send a form, or a body as it is."""
        sent = self.http.post(path, data=data, content=content, headers=headers)
        return asyncio.run(sent)


def pageview(site: Site, token: int, ago: timedelta, path: str = "/", **values: object) -> Event:
    """Return a pageview some time before NOW."""
    view = event(site.id, NOW - ago, token, path=path, timezone=site.timezone)
    return msgspec.structs.replace(view, **{"host": site.domain, **values})


def custom(view: Event, name: str, **props: str) -> Event:
    """Make a custom event of a pageview."""
    return msgspec.structs.replace(view, name=name, props=props)


@contextmanager
def newsroom(folder: Path, memory_limit_mib: int = 128) -> Iterator[Newsroom]:
    """Open a data directory of its own for one test."""
    control = Control.open(folder / "control.sqlite")
    store = Store(folder / "data", memory_limit_mib=memory_limit_mib, threads=1)
    try:
        yield Newsroom(folder, control, store)
    finally:
        store.close()
        control.close()
