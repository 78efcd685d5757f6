"""Made-up, sealed days, as years of counting leave them.

Each day of each site is made by one statement in the live store, as the loader would have left it,
and sealed by the sealer. Days are UTC's. The same plan gives the same days on the same day, but for
the random numbers of visitors.
"""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from random import Random

from collector import demo
from collector.config import StartError
from collector.control import Control
from collector.load import Loader
from collector.made_up import habits
from collector.made_up.habits import Kind
from collector.outcomes import DropReason
from collector.seal import SEAL_AFTER, Sealer
from collector.session import Session
from collector.store import Store

_DAY = timedelta(days=1)
_MEMORY_MIB = 2048  # of which a day of a million events takes a third; beyond, DuckDB spills
_EVENTS_A_DAY_MAX = 2_000_000  # on average
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


def domains(plan: Plan) -> list[str]:
    """Return what the sites are called."""
    named = list(demo.sites())
    numbered = (f"site-{n}.example" for n in range(len(named) + 1, _SITES_MAX + 1))
    return [*named, *numbered][: plan.sites]


@dataclass(frozen=True, slots=True)
class Day:
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
        """Return its midnight."""
        return _midnight(self.date)

    def make(self, session: Session) -> None:
        """Fill the live store as the loader would have left it."""
        day: dict[str, object] = {"site": self.site, "date": self.date}
        start_us = int(self.starts.timestamp()) * 1_000_000
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
        session.run("demo_pages", site=self.site)
        session.run("demo_arrivals", kind=self.kind.number)
        session.run("demo_day_key", **day, start_us=start_us)
        if self.is_wave:
            count = round(self.events * _WAVE)
            session.run("demo_drops", **day, reason=DropReason.BOT.value, count=count)


def first_date(plan: Plan, now: datetime) -> date:
    """Return when it begins; it lasts until yesterday."""
    return now.astimezone(UTC).date() - plan.days * _DAY


def days(plan: Plan, sites: Sequence[int], now: datetime) -> list[Day]:
    """Plan the days of sites, given by their ids in the order of `domains`; oldest first."""
    kinds, first = habits.kinds(), first_date(plan, now)
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
    named = list(zip(sites, domains(plan), by_site, strict=True))
    return [
        Day(
            site=site,
            domain=domain,
            kind=kinds[n % len(kinds)],
            date=first + day * _DAY,
            seed=rng.getrandbits(60),
            events=round(per_weight * busy * large),
            is_spike=day == spike,
            is_wave=day == wave,
        )
        for day, busy in enumerate(by_day)
        for n, (site, domain, large) in enumerate(named)
    ]


def make(
    data: Path, planned: Sequence[Day], now: datetime, *, memory_limit_mib: int
) -> Iterator[int]:
    """Make and seal days in a data directory; yield after each how many events it has.

    Numbers of events are about right. It takes one thread, and as many processes as there are
    processors may do it side by side.

    Raises:
        StoreError: the directory is in use, or cannot be written to.
    """
    directory = data / "journal"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    memory_limit_mib = max(memory_limit_mib, _MEMORY_MIB)
    with (
        contextlib.closing(Control.open(data / "control.sqlite")) as control,
        contextlib.closing(Store(data, memory_limit_mib=memory_limit_mib, threads=1)) as store,
    ):
        sealer = Sealer(directory, store, Loader(directory, store), control)
        with store.writing() as session:
            habits.prepare(session)
        with store.writing() as session:
            for site, kind in {day.site: day.kind.number for day in planned}.items():
                session.run("demo_number_pages", site=site)
                session.run("demo_number_arrivals", site=site, kind=kind)
        for day in planned:
            with store.writing() as session:
                day.make(session)
            sealer.seal_day(day.site, day.date, min(now, day.starts + _DAY + SEAL_AFTER))
            sealer.clean_up()
            yield day.events


def _midnight(day: date) -> datetime:
    return datetime.combine(day, clock_time(), UTC)


def _special_days(days: int) -> tuple[int, int]:
    """Return the day of the spike and that of the robots, counted from 0."""
    return days * 7 // 10, days * 4 // 10
