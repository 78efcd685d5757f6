"""A data directory full of made-up, sealed days: `gatecount demo --events`.

Each day of each site is made by one statement in the live store, as the loader would have left it,
and sealed by the sealer. Days are UTC's. The same plan gives the same archive on the same day, but
for the random numbers of visitors.
"""

import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from random import Random

from collector import demo, habits, journal
from collector.config import Config, StartError
from collector.control import Control
from collector.habits import Kind
from collector.ingest import DropReason
from collector.load import Loader
from collector.seal import SEAL_AFTER, Sealer
from collector.session import Session, StoreError
from collector.store import Store

_TIMEZONE = "UTC"
_DAY = timedelta(days=1)
_MEMORY_MIB = 2048  # of which a day of a million events takes a third; beyond, DuckDB spills
_EVENTS_A_DAY_MAX = 2_000_000  # on average
# Of a site and day: to share out less among processors costs more time than it saves.
_EVENTS_OF_ONE_THREAD = 50_000
_EVENTS_A_SITE_AND_DAY_MIN = 10
_DAYS_MAX = 3653
_SITES_MAX = 100

_WEEK = (1.08, 1.12, 1.1, 1.06, 0.98, 0.66, 0.72)  # from Monday on
_GROWTH = 2.0  # of the last day, times the first
_UNSTEADY = 0.04  # a day is so much busier or quieter than planned
_SPIKE = 3.0  # the busiest day, times what it would have been
_WAVE = 1.6  # robots' events of their day, times people's


class HistoryError(StartError):
    """No history can be built: of these numbers, or here."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much history there shall be. `events` are pageviews and custom events of all sites.

    Raises:
        HistoryError: too little or too much of something.
    """

    events: int
    days: int
    sites: int
    seed: int

    def __post_init__(self) -> None:
        """Refuse what would take more memory than a machine has, or show nothing."""
        if not 1 <= self.days <= _DAYS_MAX:
            raise HistoryError(f"days must be a number from 1 to {_DAYS_MAX}")
        if not 1 <= self.sites <= _SITES_MAX:
            raise HistoryError(f"sites must be a number from 1 to {_SITES_MAX}")
        least = self.days * self.sites * _EVENTS_A_SITE_AND_DAY_MIN
        most = self.days * _EVENTS_A_DAY_MAX
        if not least <= self.events <= most:
            raise HistoryError(
                f"events must be a number from {least} to {most} for {self.days} days of"
                f" {self.sites} sites"
            )


def build(config: Config, plan: Plan, now: datetime) -> Iterator[int]:
    """Build the history up to yesterday; yield after each sealed day about how many events it has.

    Raises:
        HistoryError: the data directory is not empty, or in use.
    """
    directory = config.data / "journal"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (
        contextlib.closing(Control.open(config.data / "control.sqlite")) as control,
        contextlib.closing(_store(config, plan)) as store,
    ):
        with store.snapshot() as session:
            ((is_used,),) = session.run("demo_found")
        if is_used or control.sites() or control.removed() or journal.chunks(directory):
            raise HistoryError(
                f"{config.data} already holds numbers or sites. Name an empty directory:"
                " gatecount --data DIRECTORY demo --events ..."
            )
        sealer = Sealer(directory, store, Loader(directory, store), control)
        with store.writing() as session:
            kinds = habits.prepare(session)
        for day in _days(plan, kinds, control, now):
            with store.writing() as session:
                day.make(session)
            sealer.seal_day(day.site, day.date, min(now, day.starts + _DAY + SEAL_AFTER))
            sealer.clean_up()
            yield day.events


def _store(config: Config, plan: Plan) -> Store:
    memory_limit_mib = max(config.memory_limit, _MEMORY_MIB)
    is_shared_out = plan.events > plan.days * plan.sites * _EVENTS_OF_ONE_THREAD
    threads = len(os.sched_getaffinity(0)) if is_shared_out else 1
    try:
        return Store(config.data, memory_limit_mib=memory_limit_mib, threads=threads)
    except StoreError as error:
        raise HistoryError(str(error)) from None


@dataclass(frozen=True, slots=True)
class _Day:
    """What happens on one day of one site."""

    site: int
    domain: str
    kind: Kind
    date: date
    seed: int
    events: int
    is_spike: bool
    is_wave: bool

    @property
    def starts(self) -> datetime:
        return datetime.combine(self.date, clock_time(), UTC)

    def make(self, session: Session) -> None:
        day: dict[str, object] = {"site": self.site, "date": self.date}
        start_us = int(self.starts.timestamp()) * 1_000_000
        session.run("demo_pages", site=self.site)
        session.run("demo_arrivals", kind=self.kind.number)
        session.run(
            "demo_day",
            **day,
            **self.kind.habits,
            start_us=start_us,
            seed=self.seed,
            host=self.domain,
            visits=round(self.events / self.kind.events_a_visit),
            spike_share=1 - 1 / _SPIKE if self.is_spike else 0.0,
        )
        session.run("demo_day_key", **day, start_us=start_us)
        if self.is_wave:
            count = round(self.events * _WAVE)
            session.run("demo_drops", **day, reason=DropReason.BOT.value, count=count)


def _days(plan: Plan, kinds: Sequence[Kind], control: Control, now: datetime) -> Iterator[_Day]:
    """Register the sites; yield their days, oldest first."""
    first = now.astimezone(UTC).date() - plan.days * _DAY
    domains = [*demo.sites(), *(f"site-{n}.example" for n in range(len(kinds) + 1, _SITES_MAX + 1))]
    ids = [
        control.add_site(domain, _TIMEZONE, datetime.combine(first, clock_time(), UTC)).id
        for domain in domains[: plan.sites]
    ]
    rng = Random(plan.seed)  # noqa: S311 - a show
    spike, wave = _special_days(plan.days)
    by_day = [
        _WEEK[(first + day * _DAY).weekday()]
        * (1 + (_GROWTH - 1) * day / plan.days)
        * (_SPIKE if day == spike else 1.0)
        * rng.uniform(1 - _UNSTEADY, 1 + _UNSTEADY)
        for day in range(plan.days)
    ]
    by_site = [1 / rank for rank in range(2, plan.sites + 2)]
    per_weight = plan.events / sum(by_day) / sum(by_site)
    for day, busy in enumerate(by_day):
        for n, (site, large) in enumerate(zip(ids, by_site, strict=True)):
            yield _Day(
                site=site,
                domain=domains[n],
                kind=kinds[n % len(kinds)],
                date=first + day * _DAY,
                seed=rng.getrandbits(60),
                events=round(per_weight * busy * large),
                is_spike=day == spike,
                is_wave=day == wave,
            )


def _special_days(days: int) -> tuple[int, int]:
    """Return the day of the spike and that of the robots, counted from 0."""
    return days * 7 // 10, days * 4 // 10
