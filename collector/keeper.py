"""The one thread that writes to DuckDB: loads, seals, deletes what is too old, lends copies."""

import asyncio
import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from collector.clock import ClockGuard
from collector.control_file import ControlError
from collector.lending import Lender
from collector.load import Loader
from collector.retention import Retention
from collector.seal import Sealer
from collector.store import StoreError, step_back

_LOG = logging.getLogger("gatecount.keeper")
_LOAD_EVERY_S = 1.0  # the dashboard shows an event within three
_SEAL_EVERY_S = 20.0


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

    def _run(self) -> None:
        try:
            step_back()
            while True:
                self._turn()
                if self._stop.wait(_LOAD_EVERY_S):
                    return
        except BaseException:  # noqa: BLE001 - nothing is swallowed: the process ends
            # Without a loader nothing would be shown or sealed any more: stop, loudly.
            _LOG.critical("keeper_failed", exc_info=True)
            os.kill(os.getpid(), signal.SIGTERM)

    def _turn(self) -> None:
        try:
            self._loader.load()
            boot_s = time.clock_gettime(time.CLOCK_BOOTTIME)
            if boot_s >= self._seal_at_s:
                self._seal(boot_s)
                self._seal_at_s = boot_s + _SEAL_EVERY_S
            with self._loader.starting_over():
                self._lender.lend()
        except (StoreError, ControlError, OSError):
            _LOG.exception("store_refused")  # the journal keeps all; the next turn tries again

    def _seal(self, boot_s: float) -> None:
        now_s = self._clock()
        if self._guard.trusts(now_s, boot_s, self._sealer.recorded_s()):
            now = datetime.fromtimestamp(now_s, UTC)
            self._sealer.seal_due(now)
            self._sealer.purge_removed(now)
            self._retention.purge_due(now)
