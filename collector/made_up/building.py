"""A data directory full of made-up history, built on all processors: `gatecount demo --events`.

One thread makes and seals a day in two thirds of the processor time that two take together. So each
process makes a stretch of the days, in a directory of its own, and then the archives are put
together. The same plan gives the same history, whatever the number of processors.
"""

import contextlib
import multiprocessing
import shutil
import signal
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import time as clock_time
from itertools import groupby
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import NamedTuple

from collector import journal
from collector.config import Config
from collector.control import Control
from collector.control_file import ControlError
from collector.load import Loader
from collector.made_up import history
from collector.made_up.history import Day, HistoryError, Plan
from collector.seal import Sealer
from collector.session import StoreError
from collector.store import Store

_TIMEZONE = "UTC"
_STRETCHES_MAX = 4  # each needs about a gigabyte when days are large
_WORK_OF_A_DAY = 20_000  # beside its events: as much as so many of them
_WORK_OF_A_STRETCH_MIN = 500_000  # a few seconds of it; a process begins in half of one
_DATES_PUT_TOGETHER = 28  # at once, for the progress bar to move
_TAKEN = ("visits", "events", "rollups", "arrival_rollups", "page_rollups", "drops", "sealed")
_MAKING, _JOINING = "Events", "Put together"


class Step(NamedTuple):
    """Some of the work is done: so many of all events are made, or put together."""

    what: str
    events: int
    total: int


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Days that one process makes in one directory."""

    data: Path
    days: Sequence[Day]

    @property
    def events(self) -> int:
        return sum(day.events for day in self.days)


def build(config: Config, plan: Plan, now: datetime, processors: int) -> Iterator[Step]:
    """Build the history up to yesterday; yield after each day that is made.

    Raises:
        HistoryError: the data directory is not empty or in use, or it cannot be built there.
    """
    with _told(config.data):
        days = _planned(config, plan, now)
        first, *others = _stretches(config.data, days, processors)
        total = sum(day.events for day in days)
        made = (
            _made_by_all([first, *others], now, config.memory_limit)
            if others
            else _made_here(first, now, config.memory_limit)
        )
        for events in made:
            yield Step(_MAKING, events, total)
        total = sum(stretch.events for stretch in others)
        for events in _put_together(config, others, processors):
            yield Step(_JOINING, events, total)


@contextlib.contextmanager
def _told(data: Path) -> Iterator[None]:
    """Turn what goes wrong with files and databases into a HistoryError, which can be sent, too."""
    try:
        yield
    except (StoreError, ControlError) as error:
        raise HistoryError(str(error)) from None
    except OSError as error:
        raise HistoryError(f"{error.filename or data}: {error.strerror}") from None


def _planned(config: Config, plan: Plan, now: datetime) -> list[Day]:
    """Register the sites, and return their days.

    Raises:
        HistoryError: something was counted here before.
    """
    directory = config.data / "journal"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    begun = datetime.combine(history.first_date(plan, now), clock_time(), UTC)
    with (
        contextlib.closing(Control.open(config.data / "control.sqlite")) as control,
        contextlib.closing(_store(config, threads=1)) as store,
    ):
        with store.snapshot() as session:
            ((is_used,),) = session.run("demo_found")
        chunks = journal.chunks(directory)
        if is_used or control.sites() or control.removed() or chunks:
            raise HistoryError(
                f"{config.data} already holds numbers or sites. Name an empty directory:"
                " gatecount --data DIRECTORY demo --events ..."
            )
        sites = [control.add_site(domain, _TIMEZONE, begun).id for domain in history.domains(plan)]
    return history.days(plan, sites, now)


def _store(config: Config, threads: int) -> Store:
    return Store(config.data, memory_limit_mib=config.memory_limit, threads=threads)


def _stretches(data: Path, days: Sequence[Day], processors: int) -> list[_Stretch]:
    """Share days out, so that all take about as long; those of one date stay together."""
    work = sum(map(_work, days))
    count = max(1, min(processors, _STRETCHES_MAX, work // _WORK_OF_A_STRETCH_MIN))
    shares: list[list[Day]] = [[] for _ in range(count)]
    before = 0
    for _, of_date in groupby(days, key=lambda day: day.date):
        together = list(of_date)
        shares[before * count // work] += together
        before += sum(map(_work, together))
    folders = [data, *(data / f"stretch-{n}" for n in range(2, count + 1))]
    return [_Stretch(*one) for one in zip(folders, shares, strict=True) if one[1]]


def _work(day: Day) -> int:
    return day.events + _WORK_OF_A_DAY


def _made_here(stretch: _Stretch, now: datetime, memory_limit_mib: int) -> Iterator[int]:
    with _told(stretch.data):
        yield from history.make(stretch.data, stretch.days, now, memory_limit_mib=memory_limit_mib)


def _made_by_all(
    stretches: Sequence[_Stretch], now: datetime, memory_limit_mib: int
) -> Iterator[int]:
    """Have each stretch made by a process of its own.

    Raises:
        HistoryError: what ended one of them; the others are ended, too.
    """
    context = multiprocessing.get_context("spawn")  # DuckDB's threads do not survive a fork
    making: dict[Connection, SpawnProcess] = {}
    try:
        for stretch in stretches:
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(
                target=_make, args=(sender, stretch, now, memory_limit_mib), daemon=True
            )
            process.start()
            sender.close()
            making[receiver] = process
        while making:
            heard = wait(list(making))
            for receiver in [one for one in making if one in heard]:
                try:
                    told = receiver.recv()
                except EOFError:
                    _end_well(making.pop(receiver))
                    continue
                if isinstance(told, HistoryError):
                    raise told
                yield told
    finally:
        for process in making.values():
            process.terminate()
            process.join()


def _make(sender: Connection, stretch: _Stretch, now: datetime, memory_limit_mib: int) -> None:
    """Make a stretch, and tell the process that began this one how far it is."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # which ends it when it is ended itself
    with contextlib.suppress(BrokenPipeError):  # that one was killed: there is nobody to tell
        try:
            for events in _made_here(stretch, now, memory_limit_mib):
                sender.send(events)
        except HistoryError as error:
            sender.send(error)


def _end_well(process: SpawnProcess) -> None:
    process.join()
    if process.exitcode:
        how = f"by signal {-process.exitcode}" if process.exitcode < 0 else "with an error"
        raise HistoryError(
            f"A process that makes days ended {how}. Delete the directory and try again; where"
            " memory is short, with fewer events or on fewer processors (see taskset)."
        )


def _put_together(config: Config, others: Sequence[_Stretch], processors: int) -> Iterator[int]:
    """Take over what was made apart; yield after some days how many events they have."""
    directory = config.data / "journal"
    with (
        contextlib.closing(Control.open(config.data / "control.sqlite")) as control,
        contextlib.closing(_store(config, threads=processors)) as store,
    ):
        for stretch in others:
            with store.beside(stretch.data / "archive.duckdb"):
                for some in _together(stretch.days):
                    with store.writing() as session:
                        for table in _TAKEN:
                            session.run(f"take_{table}", first=some[0].date, last=some[-1].date)
                    yield sum(day.events for day in some)
            shutil.rmtree(stretch.data)
        sealer = Sealer(directory, store, Loader(directory, store), control)
        for site in control.sites():
            sealer.roll_up_spans(site.id)
            with store.writing() as session:
                for unseen in ("pages", "arrivals"):
                    session.run(f"purge_days_{unseen}", site=site.id)
        store.checkpoint_archive()


def _together(days: Sequence[Day]) -> Iterator[list[Day]]:
    """Yield the days of some dates after the other."""
    first = days[0].date
    for _, some in groupby(days, key=lambda day: (day.date - first).days // _DATES_PUT_TOGETHER):
        yield list(some)
