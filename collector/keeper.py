"""The one thread that writes to DuckDB: loads, seals, deletes what is too old, lends copies."""

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from collector.clock import ClockGuard
from collector.control_file import ControlError
from collector.histogram import Histogram
from collector.lending import Lender
from collector.load import Loader
from collector.retention import Retention
from collector.seal import Sealer
from collector.session import StoreError
from collector.store import step_back

_LOG = logging.getLogger("gatecount.keeper")
_LOAD_EVERY_S = 1.0  # the dashboard shows an event within three
_SEAL_EVERY_S = 20.0
_STUCK_AFTER_S = 60.0  # a batch takes a second, and longer while a heavy question is answered
_SEAL_S = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 60.0, 300.0)


class Doing(StrEnum):
    """What the keeper is at."""

    WAITING = "waiting"
    LOADING = "loading"
    SEALING = "sealing"
    LENDING = "lending"


@dataclass(slots=True)
class KeeperState:
    """How the keeper is doing; its thread writes, any may read."""

    doing: Doing = Doing.WAITING
    since_s: float = field(default_factory=time.monotonic)  # when it began that
    has_failed: bool = False  # the last turn
    failed_turns: int = 0
    trusts_clock: bool = True
    days_waiting: int = 0  # that are over, and not sealed yet
    days_sealed: int = 0
    seal_failed: bool = False  # a day was refused, and is put off
    sealed_at_s: float = 0.0  # since the epoch; 0 for never
    seal_s: Histogram = field(default_factory=lambda: Histogram(_SEAL_S))  # of rounds that sealed

    def turn_to(self, doing: Doing) -> None:
        """Begin something else."""
        self.doing, self.since_s = doing, time.monotonic()


class Keeper:
    """Turns once a second for as long as the application runs."""

    def __init__(
        self,
        loader: Loader,
        sealer: Sealer,
        retention: Retention,
        lender: Lender,
        clock: Callable[[], float],
    ) -> None:
        self._loader = loader
        self._sealer = sealer
        self._retention = retention
        self._lender = lender
        self._clock = clock
        self._guard = ClockGuard()
        self._seal_at_s = 0.0
        self.state = KeeperState()
        self.caught_up = threading.Event()  # what was there at the start is in the numbers
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper")

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Keep the store up to date while the context lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            await asyncio.to_thread(self._thread.join)

    def trouble(self) -> str | None:
        """Say why what is taken is not shown just now; None if all is well."""
        if self.state.has_failed:
            return "the store refuses what the journal holds: see the log"
        moved_at_s = max(self.state.since_s, self._loader.moved_at_s)
        still_s = time.monotonic() - moved_at_s
        if self.state.doing is Doing.LOADING and still_s > _STUCK_AFTER_S:
            return f"the loader has not moved for {still_s:.0f} seconds"
        return None

    def _run(self) -> None:
        try:
            step_back()
            while True:
                self._turn()
                self.state.turn_to(Doing.WAITING)
                if self._stop.wait(_LOAD_EVERY_S):
                    return
        except BaseException:  # noqa: BLE001 - nothing is swallowed: the process ends
            # Without a loader nothing would be shown or sealed any more: stop, loudly.
            _LOG.critical("keeper_failed", exc_info=True)
            os.kill(os.getpid(), signal.SIGTERM)

    def _turn(self) -> None:
        try:
            self.state.turn_to(Doing.LOADING)
            self._loader.load()
            boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)
            if boot_s >= self._seal_at_s:
                self.state.turn_to(Doing.SEALING)
                self._seal(boot_s)
                self._seal_at_s = boot_s + _SEAL_EVERY_S
                self.caught_up.set()
            self.state.turn_to(Doing.LENDING)
            with self._loader.starting_over():
                self._lender.lend()
        except (StoreError, ControlError, OSError):
            _LOG.exception("store_refused")  # the journal keeps all; the next turn tries again
            self.state.has_failed = True
            self.state.failed_turns += 1
        else:
            self.state.has_failed = False

    def _seal(self, boot_s: float) -> None:
        now_s = self._clock()
        now = datetime.fromtimestamp(now_s, UTC)
        self._count_waiting(now)
        self.state.trusts_clock = self._guard.trusts(now_s, boot_s, self._sealer.recorded_s())
        if self.state.trusts_clock:
            self._seal_days(now)
            self._sealer.purge_removed(now)
            self._retention.purge_due(now)

    def _count_waiting(self, now: datetime) -> None:
        with self._loader.starting_over():
            self.state.days_waiting = len(self._sealer.due(now))

    def _seal_days(self, now: datetime) -> None:
        begun_s = time.monotonic()
        sealed = self._sealer.seal_due(now)
        if sealed:
            self.state.days_sealed += sealed
            self.state.sealed_at_s = now.timestamp()
            self.state.seal_s.observe(time.monotonic() - begun_s)
        if self.state.days_waiting:
            self._count_waiting(now)
        self.state.seal_failed = self.state.days_waiting > 0  # they were put off
