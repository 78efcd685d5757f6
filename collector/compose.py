"""Puts an application together. With `__main__`, the only place that sees everything."""

import contextlib
import hashlib
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from collector import anonymise, bots, hosts, sources
from collector.anonymise import TrustedProxies
from collector.app import Application, Intake, Misses, TurnAway, nobody
from collector.config import Config, StartError
from collector.control import Control
from collector.geo import Countries
from collector.held import LookUp, not_here
from collector.ingest import Ingest
from collector.journal import Journal
from collector.keys import KeyStore, KeyStoreError
from collector.log import report_fault
from collector.people.accounts import Accounts
from collector.people.links import Links
from collector.serving import metrics
from collector.serving.metrics import Endpoint, Sample
from collector.serving.shortcuts import ShortCuts
from collector.statement import Statements

Clock = Callable[[], float]


@dataclass(frozen=True, slots=True)
class Composed:
    """An application that only needs to be served, and what to tell the operator first."""

    app: ASGIApp
    short_cuts: ShortCuts
    control: Control
    ingest: Ingest
    notices: tuple[str, ...]
    setup_token: str | None  # of a link that makes the first account
    login: tuple[str, str] | None = None  # a name and a password, of a demonstration


@dataclass(frozen=True, slots=True)
class Core:
    """What taking events needs."""

    config: Config
    clock: Clock
    control: Control
    keys: KeyStore
    countries: Countries
    trusted: TrustedProxies
    journal: Journal
    ingest: Ingest
    intake: Intake
    statements: Statements

    def notices(self) -> tuple[str, ...]:
        """Return what the operator should know, a sentence each."""
        notice = self.countries.notice
        return (*self.keys.warnings(), *((notice,) if notice else ()))

    def troubles(self) -> list[str]:
        """Return why events should not be sent here just now, a sentence each."""
        found = (self.journal.trouble(), metrics.disk_trouble(self.config.data))
        return [trouble for trouble in found if trouble]

    def application(
        self,
        routes: Sequence[BaseRoute],
        lifespan: Callable[[ASGIApp], contextlib.AbstractAsyncContextManager[None]],
        troubles: Callable[[], list[str]],
        look_up: LookUp = not_here,
        turn_away: TurnAway = nobody,
        misses: Misses | None = None,
    ) -> Application:
        """Return the ASGI application, with the dashboard's routes if there are any."""
        return Application(
            ingest=self.ingest,
            mounts=self.config.public_url,
            trusted=self.trusted,
            statement=self.statements.of,
            troubles=troubles,
            look_up=look_up if self.config.visitor_counts else None,
            editors_routes=routes,
            turn_away=turn_away,
            misses=misses,
            lifespan=lifespan,
        )


@contextlib.contextmanager
def collector_only(
    config: Config, clock: Clock = time.time, scraped: socket.socket | None = None
) -> Iterator[Composed]:
    """Put together a process that only takes events; on `scraped` it answers about itself."""
    with _core(config, clock) as core:

        def samples() -> Iterator[Sample]:
            return metrics.of_intake(core.ingest, core.journal, config.data, core.troubles)

        @contextlib.asynccontextmanager
        async def lifespan(_: ASGIApp) -> AsyncIterator[None]:
            async with core.intake.running(), _answering(scraped, samples):
                yield

        app = core.application((), lifespan, core.troubles)
        yield Composed(
            app,
            ShortCuts(takers=app.takers),
            core.control,
            core.ingest,
            core.notices(),
            setup_token=None,
        )


@contextlib.contextmanager
def collector_and_dashboard(
    config: Config, clock: Clock = time.time, scraped: socket.socket | None = None
) -> Iterator[Composed]:
    """Put together the process that also owns DuckDB and shows the numbers."""
    # A process that only takes events never loads DuckDB, which alone is 33 MB.
    from collector.owner import owning  # noqa: PLC0415

    with _core(config, clock) as core, owning(core) as owned:
        core.statements.record(datetime.fromtimestamp(clock(), UTC))

        def troubles() -> list[str]:
            trouble = owned.keeper.trouble()
            return [*core.troubles(), *([trouble] if trouble else [])]

        def samples() -> Iterator[Sample]:
            yield from metrics.of_intake(core.ingest, core.journal, config.data, troubles)
            yield from metrics.of_files(config.data)
            yield from owned.samples()

        @contextlib.asynccontextmanager
        async def lifespan(_: ASGIApp) -> AsyncIterator[None]:
            async with (
                core.intake.running(),
                owned.running(),
                _answering(scraped, samples),
            ):
                yield

        app = core.application(
            owned.routes, lifespan, troubles, owned.look_up, owned.turn_away, owned.misses
        )
        yield Composed(
            app,
            ShortCuts({owned.turns_away_at: app.at_first_look}, app.takers),
            core.control,
            core.ingest,
            core.notices(),
            _setup_token(core),
        )


def _setup_token(core: Core) -> str | None:
    """Return what makes the first account; None when there is one. The link before is worthless."""
    if Accounts(core.control).exist():
        return None
    return Links(core.control).set_up(datetime.fromtimestamp(core.clock(), UTC))


def _answering(
    bound: socket.socket | None, samples: metrics.Samples
) -> contextlib.AbstractAsyncContextManager[None]:
    if bound is None:
        return contextlib.nullcontext()
    return Endpoint(bound, metrics.exposition(samples)).running()


@contextlib.contextmanager
def _core(config: Config, clock: Clock) -> Iterator[Core]:
    try:
        config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(f"data: {config.data} cannot be made: {error.strerror}") from None
    with contextlib.ExitStack() as stack:
        control = stack.enter_context(
            contextlib.closing(Control.open(config.data / "control.sqlite"))
        )
        journal = _journal(config, clock)
        countries = stack.enter_context(contextlib.closing(countries_of(config)))
        trusted = TrustedProxies.parse(config.trusted_proxies)
        ingest: Ingest
        keys = stack.enter_context(
            contextlib.closing(
                # The two need each other; a key is made only once events come in.
                key_store(config, lambda zone, day: ingest.note_day_key(zone, day))  # noqa: PLW0108
            )
        )
        ingest = Ingest(
            journal=journal,
            keys=keys,
            countries=countries,
            trusted=trusted,
            clock=clock,
            flood_limit=config.flood_limit,
            daily_limit=config.daily_limit,
            allow_third_party=config.allow_third_party,
        )
        intake = Intake(ingest=ingest, journal=journal, control=control, keys=keys, clock=clock)
        for lists in (anonymise, bots, hosts, sources):  # 0.4 s, else the first event's
            lists.warm()
        statements = Statements(config, keys, control)
        yield Core(
            config, clock, control, keys, countries, trusted, journal, ingest, intake, statements
        )


def _journal(config: Config, clock: Clock) -> Journal:
    directory = config.data / "journal"
    try:
        return Journal(directory, clock, report_fault)
    except OSError as error:
        raise StartError(f"data: {directory} cannot be made: {error.strerror}") from None


def countries_of(config: Config) -> Countries:
    """Open the country database that the configuration names, or the bundled one."""
    if config.geo_database is not None:
        return Countries.open(config.geo_database)
    return Countries.bundled(config.data / "geo")


def key_store(
    config: Config, on_made: Callable[[str, str], None] = lambda _zone, _day: None
) -> KeyStore:
    """Open the day keys where the configuration says, or in a directory of our own in RAM."""
    directory = config.key_dir or default_key_dir(config.data)
    try:
        return KeyStore.open(directory, lambda zone, day: on_made(zone, day.isoformat()))
    except KeyStoreError as error:
        raise StartError(f"key_dir: {error}") from None


def default_key_dir(data: Path) -> Path:
    """Return a directory of our own in RAM, one for each data directory and user."""
    instance = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    shared_memory = Path("/dev/shm")  # noqa: S108 - RAM on every Linux; ours is a 0700 directory
    parent = Path(runtime) if runtime and os.access(runtime, os.W_OK) else shared_memory
    return parent / f"gatecount-{os.geteuid()}-{instance}"
