"""How long questions took, and how many took too long."""

import contextlib
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from collector.engine.realtime import Realtime, Recent
from collector.histogram import Histogram
from collector.question import Period, Query, Report, Row, TooSlowError
from collector.stats import Glance, Stats
from collector.store import Store

_QUERY_S = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Asked(StrEnum):
    """What was asked about; a page or an answer of the API is one question."""

    DAYS = "days"
    MINUTES = "minutes"


class Latency:
    """Counts for all threads that ask."""

    def __init__(self) -> None:
        self.seconds = {asked: Histogram(_QUERY_S) for asked in Asked}
        self.too_slow = 0
        self._turn = threading.Lock()

    @contextlib.contextmanager
    def timed(self, asked: Asked) -> Iterator[None]:
        """Measure what happens within, whether or not it ends well."""
        begun_s = time.monotonic()
        try:
            yield
        except TooSlowError:
            self.note_too_slow()
            raise
        finally:
            with self._turn:
                self.seconds[asked].observe(time.monotonic() - begun_s)

    def note_too_slow(self) -> None:
        """Count a question that was given up."""
        with self._turn:
            self.too_slow += 1


class TimedStats(Stats):
    """Stats whose every report is measured."""

    def __init__(self, store: Store, least_visitors: int, limit_s: float, latency: Latency) -> None:
        super().__init__(store, least_visitors, limit_s)
        self._latency = latency

    def reports(self, queries: Sequence[Query]) -> list[Report | TooSlowError]:
        """Answer as Stats does."""
        with self._latency.timed(Asked.DAYS):
            answers = super().reports(queries)
        if any(isinstance(answer, TooSlowError) for answer in answers):
            self._latency.note_too_slow()
        return answers

    def glances(self, sites: Sequence[int], period: Period, now: datetime) -> dict[int, Glance]:
        """Look as Stats does."""
        with self._latency.timed(Asked.DAYS):
            return super().glances(sites, period, now)


class TimedRealtime(Realtime):
    """Realtime whose every answer is measured."""

    def __init__(self, store: Store, least_visitors: int, limit_s: float, latency: Latency) -> None:
        super().__init__(store, least_visitors, limit_s)
        self._latency = latency

    def rows(self, asked: Recent) -> list[Row]:
        """Answer as Realtime does."""
        with self._latency.timed(Asked.MINUTES):
            return super().rows(asked)
