"""What the process that owns DuckDB has on top: loader, sealing, numbers, dashboard."""

import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from starlette.routing import BaseRoute
from starlette.types import Scope

from collector.app import Misses, TurnAway
from collector.compose import Core
from collector.config import Config, StartError, dashboard_url
from collector.control import Site
from collector.engine.excluded import Asides
from collector.engine.realtime import Realtime
from collector.held import LookUp
from collector.hosts import registrable_domain, snippet
from collector.keeper import Keeper
from collector.lending import Lender
from collector.load import Loader
from collector.lookup import look_up
from collector.outcomes import Obstacle
from collector.people.accounts import ALL_SITES, Accounts
from collector.retention import Retention
from collector.seal import Sealer
from collector.serving.latency import Latency, TimedRealtime, TimedStats
from collector.serving.metrics import Metric, Sample, Samples
from collector.session import StoreError
from collector.stats import Stats, parquet
from collector.store import Store
from dashboard import app as dashboard

if TYPE_CHECKING:
    from collector.mail.mailroom import Mailroom

_FINDINGS = {
    Obstacle.COOKIE: dashboard.Finding.OPTED_OUT,
    Obstacle.GPC: dashboard.Finding.GPC,
    Obstacle.DNT: dashboard.Finding.DNT,
    Obstacle.HOST: dashboard.Finding.UNKNOWN_HOST,
    Obstacle.PROXY: dashboard.Finding.UNKNOWN_PROXY,
    Obstacle.BOT: dashboard.Finding.BOT,
}


@dataclass(frozen=True, slots=True)
class Owned:
    """The dashboard's routes, what runs beside them, and what visitors may look up.

    There is no mailroom without a mail server.
    """

    routes: Sequence[BaseRoute]
    keeper: Keeper
    samples: Samples
    look_up: LookUp
    turn_away: TurnAway
    misses: Misses
    turns_away_at: bytes  # the path
    mailroom: "Mailroom | None"

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run both while the context lasts."""
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(self.keeper.running())
            if self.mailroom is not None:
                await stack.enter_async_context(self.mailroom.running())
            yield


@contextlib.contextmanager
def owning(core: Core) -> Iterator[Owned]:
    """Open the store for as long as the context lasts."""
    with contextlib.closing(_store(core.config)) as store:
        journal_directory = core.config.data / "journal"
        loader = Loader(journal_directory, store)
        sealer = Sealer(journal_directory, store, loader, core.control)
        retention = Retention(store, loader, core.control)
        latency = Latency()
        limits = (core.config.small_cells, core.config.query_limit, latency)
        stats, realtime = TimedStats(store, *limits), TimedRealtime(store, *limits)
        asides = Asides(store, core.config.query_limit)
        parts = _dashboard_parts(core, stats, realtime, asides)
        lender = Lender(core.config.data, store)
        keeper = Keeper(loader, sealer, retention, lender, core.clock)
        if (mailroom := _mailroom(core, parts, keeper)) is not None:
            parts = replace(parts, mail_trouble=mailroom.trouble)
        yield Owned(
            dashboard.routes(parts),
            keeper,
            lambda: _samples(loader, keeper, latency),
            look_up(store, core.ingest.visitors_of),
            dashboard.shield(parts),
            Misses(dashboard.nowhere(parts), dashboard.failed),
            dashboard.LOGIN_PATH.encode(),
            mailroom,
        )


def _mailroom(core: Core, parts: dashboard.Parts, keeper: Keeper) -> "Mailroom | None":
    config = core.config
    if not config.smtp_host:
        return None
    # A server without mails would keep the 5 MB that these take.
    from collector.mail.mailroom import Mailroom  # noqa: PLC0415 - see above
    from collector.mail.outbox import Outbox  # noqa: PLC0415 - see above
    from collector.mail.postman import Postman, Relay  # noqa: PLC0415 - see above
    from dashboard.mail.reports import Desk, Reports  # noqa: PLC0415 - see above

    accounts = Accounts(core.control)

    def recipient(user_id: int, site: Site) -> str | None:
        user = accounts.user(user_id)
        if user is None or accounts.roles(user).keys().isdisjoint({site.id, ALL_SITES}):
            return None
        return user.email

    desk = Desk(config.mail_from, dashboard_url(config), recipient)
    return Mailroom(
        outbox=Outbox(core.control),
        postman=Postman(Relay.of(config)),
        write=Reports(parts, desk).write,
        is_ready=keeper.caught_up.is_set,
        clock=core.clock,
    )


def _samples(loader: Loader, keeper: Keeper, latency: Latency) -> Iterator[Sample]:
    state = keeper.state
    lag_bytes = loader.lag_bytes()
    if lag_bytes is not None:
        yield Sample(Metric.LAG_BYTES, lag_bytes)
    yield Sample(Metric.LAG_S, time.monotonic() - loader.moved_at_s)
    yield Sample(Metric.LOADED, loader.loaded_bytes)
    yield Sample(Metric.FAILED, state.failed_turns)
    yield Sample(Metric.CLOCK, state.trusts_clock)
    yield Sample(Metric.WAITING, state.days_waiting)
    yield Sample(Metric.SEALED, state.days_sealed)
    yield Sample(Metric.SEAL_FAILED, state.seal_failed)
    yield Sample(Metric.SEAL_LAST, state.sealed_at_s)
    yield Sample(Metric.SEAL_S, state.seal_s)
    for asked, histogram in latency.seconds.items():
        yield Sample(Metric.QUERY_S, histogram, asked)
    yield Sample(Metric.TOO_SLOW, latency.too_slow)


def _dashboard_parts(
    core: Core, stats: Stats, realtime: Realtime, asides: Asides
) -> dashboard.Parts:
    def diagnose(scope: Scope, site: Site) -> tuple[dashboard.Finding, ...]:
        own = registrable_domain(site.domain)
        # Where a public URL suits the site, its visitors come by that one, whatever this one is.
        suits = any(registrable_domain(mount.host) == own for mount in core.config.public_url)
        found = core.ingest.obstacles(scope, site)
        return tuple(_FINDINGS[each] for each in found if not (suits and each is Obstacle.HOST))

    return dashboard.Parts(
        stats=stats,
        realtime=realtime,
        control=core.control,
        clock=lambda: datetime.fromtimestamp(core.clock(), UTC),
        diagnose=diagnose,
        comes_from=core.ingest.comes_from,
        reads_too_often=core.ingest.reads_too_often,
        snippet=lambda site: snippet(core.config.public_url, site.domain, core.config.port),
        parquet=parquet,
        geo_date=core.countries.date,
        geo_notice=core.countries.notice,
        geo_attribution=core.countries.attribution_needed,
        notices=core.keys.warnings,
        rekeyed=lambda site: stats.rekeyed(site.id),
        excluded=lambda site, period: asides.excluded(site.id, period),
        own_network=core.ingest.own_network,
        properties=lambda site, period, event: asides.property_names(site.id, period, event),
    )


def _store(config: Config) -> Store:
    # More threads than processors cost time and memory, and are in the way of the event loop.
    threads = min(config.threads, len(os.sched_getaffinity(0)))
    try:
        return Store(
            config.data,
            memory_limit_mib=config.memory_limit,
            threads=threads,
            copying=_copying_shown(),
        )
    except StoreError as error:
        raise StartError(str(error)) from None


def _copying_shown() -> Callable[[int, int], None]:
    """Return what shows how far the copy before an upgrade is."""
    shown: list[Callable[[int, int], None]] = []

    def show(done_bytes: int, total_bytes: int) -> None:
        # A server that upgrades nothing would keep the 3 MB that drawing takes.
        from collector.care import upkeep  # noqa: PLC0415 - see above

        if not shown:
            shown.append(upkeep.bar("Copying the archive before the upgrade"))
        shown[0](done_bytes, total_bytes)

    return show
