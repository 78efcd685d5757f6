"""`gatecount demo`: the whole application on a throw-away directory, with lively traffic.

Made-up readers post to the real endpoint: first all of today until now, then as one watches.
"""

import asyncio
import contextlib
import dataclasses
import heapq
import os
import secrets
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from collector import compose, demo
from collector.app import EVENT_PATH
from collector.compose import Composed
from collector.config import Config
from collector.control import Control
from collector.demo import Arrival
from collector.geo import Countries
from collector.keys import date_end, local_date
from collector.made_up import building, history
from collector.people.accounts import ALL_SITES, Accounts, Role
from collector.people.passwords import Passwords

# Visits a minute of each site as one watches, whatever the hour: something happens every second.
_LIVELY = 24.0
# As many events share a commit of the journal, and a step of the progress bar.
_TOGETHER = 500
# A share of them comes with software that does not count, so that this shows too.
_ROBOTS = 0.01
_ROBOT = b"Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"

_NAME = "demo@example.com"

_Timed = tuple[float, Arrival]
# What an event in the making takes for the present; everything else goes by the real clock.
_moment: ContextVar[float | None] = ContextVar("moment", default=None)


@contextlib.contextmanager
def composed(config: Config) -> Iterator[Composed]:
    """Put the demonstration together; its data directory goes with it."""
    with tempfile.TemporaryDirectory(prefix="gatecount-demo-") as folder:
        data = Path(folder) / "data"
        throw_away = dataclasses.replace(
            config,
            data=data,
            key_dir=None,
            public_url=(),
            trusted_proxies=("127.0.0.0/8",),
            allow_third_party=False,
        )
        key_directory = compose.default_key_dir(data)
        try:
            with compose.collector_and_dashboard(throw_away, _now) as parts:
                _register(parts.control)
                login = _account(parts.control)
                with contextlib.closing(Countries.bundled(data / "geo")) as countries:
                    arrivals = _arrivals(Random(), countries, time.time())  # noqa: S311 - a show
                lively = _Lively(parts.app, arrivals)
                yield dataclasses.replace(parts, app=lively, setup_token=None, login=login)
        finally:
            _remove(key_directory)


def build(config: Config, plan: history.Plan, now: datetime) -> None:
    """Build a made-up history in the data directory, and show how far it is.

    Raises:
        HistoryError: the data directory is not empty, or in use.
    """
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        for step in building.build(config, plan, now, len(os.sched_getaffinity(0))):
            if step.what not in bars:
                bars[step.what] = progress.add_task(step.what, total=step.total)
            progress.advance(bars[step.what], step.events)


def _now() -> float:
    return _moment.get() or time.time()


def _register(control: Control) -> None:
    for domain, site in demo.sites().items():
        control.add_site(domain, site.timezone, datetime.now(UTC))


def _account(control: Control) -> tuple[str, str]:
    """Make an account that may look at everything; return its name and its password."""
    password, now = secrets.token_urlsafe(12), datetime.now(UTC)
    accounts = Accounts(control)
    user = accounts.add(_NAME, Passwords().hash(password), now)
    accounts.give(user, ALL_SITES, Role.OWNER)
    return _NAME, password


def _remove(key_directory: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # it may never have been made
        for key in key_directory.iterdir():
            key.unlink()
        key_directory.rmdir()


def _arrivals(rng: Random, countries: Countries, now_s: float) -> Iterator[_Timed]:
    """Yield the requests to both sites since their midnights, endlessly, by the time of each."""
    readers_at = demo.addresses(rng, countries.country)
    return heapq.merge(
        *(
            _arrivals_at(Random(rng.random()), domain, readers_at, now_s)  # noqa: S311 - a show
            for domain in demo.sites()
        ),
        key=lambda timed: timed[0],
    )


def _arrivals_at(
    rng: Random, domain: str, readers_at: demo.Addresses, now_s: float
) -> Iterator[_Timed]:
    timezone = demo.sites()[domain].timezone
    today = local_date(timezone, datetime.fromtimestamp(now_s, UTC))
    midnight_s = date_end(timezone, today - timedelta(days=1)).timestamp()
    usual = demo.rhythm(domain)

    def visits_a_minute(at_s: float) -> float:
        return usual(at_s) if midnight_s + at_s < now_s else max(usual(at_s), _LIVELY)

    for arrival in demo.visits(rng, domain, readers_at, visits_a_minute):
        is_robot = rng.random() < _ROBOTS
        yield midnight_s + arrival.at_s, _as_robot(arrival) if is_robot else arrival


def _as_robot(arrival: Arrival) -> Arrival:
    headers = tuple((k, _ROBOT if k == b"user-agent" else v) for k, v in arrival.headers)
    return arrival._replace(headers=headers)


class _Lively:
    """An application that readers come to for as long as it runs."""

    def __init__(self, app: ASGIApp, arrivals: Iterator[_Timed]) -> None:
        self._app = app
        self._arrivals = arrivals

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request; around the lifespan, have readers come."""
        if scope["type"] == "lifespan":
            await self._live(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _live(self, scope: Scope, receive: Receive, send: Send) -> None:
        coming: list[asyncio.Task[None]] = []

        async def receive_ending() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                for task in coming:
                    task.cancel()
                    with contextlib.suppress(asyncio.CancelledError):  # what else ended it is told
                        await task
            return message

        async def send_started(message: Message) -> None:
            if message["type"] == "lifespan.startup.complete":
                upcoming = await self._catch_up(time.time())
                coming.append(asyncio.create_task(self._go_on(upcoming)))
            await send(message)

        await self._app(scope, receive_ending, send_started)

    async def _catch_up(self, now_s: float) -> _Timed:
        """Post what happened today until now; return what comes next."""
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[until]}")
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            bar = progress.add_task("Today so far", total=None, until="")
            begun_s = None
            while True:
                together = list(islice(self._arrivals, _TOGETHER))
                past = [timed for timed in together if timed[0] < now_s]
                await self._post(past)
                begun_s = begun_s or together[0][0]
                until = f"{datetime.fromtimestamp(together[-1][0], UTC):%H:%M} UTC"
                done_s = together[-1][0] - begun_s
                progress.update(bar, total=now_s - begun_s, completed=done_s, until=until)
                if len(past) < len(together):
                    return self._put_back(together[len(past) :])

    def _put_back(self, later: Sequence[_Timed]) -> _Timed:
        self._arrivals = heapq.merge(later[1:], self._arrivals, key=lambda timed: timed[0])
        return later[0]

    async def _go_on(self, upcoming: _Timed) -> None:
        """Post what happens, when it happens."""
        while True:
            await asyncio.sleep(upcoming[0] - time.time())
            await self._post([upcoming])
            upcoming = next(self._arrivals)

    async def _post(self, arrivals: Sequence[_Timed]) -> None:
        await asyncio.gather(*(self._ask(*timed) for timed in arrivals))

    async def _ask(self, at_s: float, arrival: Arrival) -> None:
        """Send one request through the whole application, as if it were then."""
        _moment.set(at_s)  # of this task alone: gather gives each one a context of its own
        scope: Scope = {
            "type": "http",
            "method": "POST",
            "path": EVENT_PATH,
            "headers": list(arrival.headers),
            "client": ("127.0.0.1", os.getpid()),
        }

        async def receive() -> Message:
            return {"type": "http.request", "body": arrival.body, "more_body": False}

        async def send(message: Message) -> None:
            """Readers do not look at the answer."""

        await self._app(scope, receive, send)
