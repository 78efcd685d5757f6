"""What Prometheus may read: a closed list of numbers about the program, none about visitors.

Numbers are counted where they arise, as plain integers; here they are only named and written out.
Labels have closed sets of values: no site, no page, no address could stand in one.
"""

import asyncio
import contextlib
import logging
import shutil
import socket
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from enum import Enum, StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from collector.histogram import Histogram
from collector.ingest import Ingest
from collector.journal import Journal, chunks

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

_LOG = logging.getLogger("gatecount.metrics")
_MOST_HEAD_BYTES = 4 * 1024
_REQUEST_TIMEOUT_S = 5.0
# Below that the journal would soon be refused: half a minute at the most there can be.
LEAST_FREE_BYTES = 100 * 1024 * 1024


class Kind(StrEnum):
    """What can be done with a metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class StoreFile(StrEnum):
    """What takes room below the data directory."""

    JOURNAL = "journal"
    LIVE = "live"
    ARCHIVE = "archive"
    CONTROL = "control"
    SPILLS = "spills"


class Metric(Enum):
    """Every metric: its name without the prefix, kind, the label it has, and what it says."""

    BUILD = ("build_info", Kind.GAUGE, "version", "Always 1.")
    READY = ("ready", Kind.GAUGE, "", "1 if /readyz says so.")
    EVENTS = ("events", Kind.COUNTER, "outcome", "Posted events; of objectors none.")
    DROPPED = ("events_dropped", Kind.COUNTER, "reason", "Well-formed events not counted.")
    COMMIT_LINES = ("journal_commit_lines", Kind.HISTOGRAM, "", "Lines that share a commit.")
    COMMIT_S = ("journal_commit_seconds", Kind.HISTOGRAM, "", "How long a commit took.")
    WRITTEN = ("journal_written_bytes", Kind.COUNTER, "", "Durably written to the journal.")
    FREE = ("disk_free_bytes", Kind.GAUGE, "", "Room where the data directory is.")
    FILES = ("store_file_bytes", Kind.GAUGE, "file", "Room that files take.")
    LAG_BYTES = ("journal_lag_bytes", Kind.GAUGE, "", "In the journal and not loaded yet.")
    LAG_S = ("loader_lag_seconds", Kind.GAUGE, "", "Since the loader last moved.")
    LOADED = ("loader_loaded_bytes", Kind.COUNTER, "", "Loaded from the journal.")
    FAILED = ("keeper_failed_turns", Kind.COUNTER, "", "Turns that the store refused.")
    CLOCK = ("clock_trusted", Kind.GAUGE, "", "0 while sealing waits for a steady clock.")
    WAITING = ("seal_days_waiting", Kind.GAUGE, "", "Days that are over and not sealed.")
    SEALED = ("seal_days", Kind.COUNTER, "", "Days sealed, of each site.")
    SEAL_FAILED = ("seal_failed", Kind.GAUGE, "", "1 if a day was refused and is put off.")
    SEAL_LAST = ("seal_last_timestamp_seconds", Kind.GAUGE, "", "When a day was sealed; 0: never.")
    SEAL_S = ("seal_seconds", Kind.HISTOGRAM, "", "How long sealing what was due took.")
    QUERY_S = ("query_seconds", Kind.HISTOGRAM, "asked", "How long a question took.")
    TOO_SLOW = ("queries_too_slow", Kind.COUNTER, "", "Questions that were given up.")

    def __init__(self, name: str, kind: Kind, label: str, about: str) -> None:
        self.base = f"gatecount_{name}"
        self.kind = kind
        self.label = label
        self.about = about

    @property
    def shown(self) -> str:
        """The name under which it is read."""
        return self.base + "_total" * (self.kind is Kind.COUNTER)


class Sample(NamedTuple):
    """A metric's value now, for one value of its label if it has one."""

    metric: Metric
    value: float | Histogram
    label: str = ""


Samples = Callable[[], Iterable[Sample]]
Troubles = Callable[[], list[str]]


def of_intake(ingest: Ingest, journal: Journal, data: Path, troubles: Troubles) -> Iterator[Sample]:
    """Yield what every process has to say."""
    yield Sample(Metric.BUILD, 1, version("gatecount"))
    yield Sample(Metric.READY, not troubles())
    for outcome, count in ingest.outcomes().items():
        yield Sample(Metric.EVENTS, count, outcome)
    for reason, count in ingest.dropped().items():
        yield Sample(Metric.DROPPED, count, reason)
    yield Sample(Metric.COMMIT_LINES, journal.commit_lines)
    yield Sample(Metric.COMMIT_S, journal.commit_s)
    yield Sample(Metric.WRITTEN, journal.written_bytes)
    yield Sample(Metric.FREE, shutil.disk_usage(data).free)


def of_files(data: Path) -> Iterator[Sample]:
    """Yield how large files are; of a database with its write-ahead log."""
    patterns = {
        StoreFile.LIVE: "live*.duckdb*",
        StoreFile.ARCHIVE: "archive*.duckdb*",
        StoreFile.CONTROL: "control.sqlite*",
        StoreFile.SPILLS: "tmp/*",
    }
    yield Sample(Metric.FILES, _bytes_of(chunks(data / "journal")), StoreFile.JOURNAL)
    for file, pattern in patterns.items():
        yield Sample(Metric.FILES, _bytes_of(data.glob(pattern)), file)


def _bytes_of(paths: Iterable[Path]) -> int:
    size_bytes = 0
    for path in paths:
        with contextlib.suppress(FileNotFoundError):  # gone in this very moment
            size_bytes += path.stat().st_size
    return size_bytes


def disk_trouble(data: Path) -> str | None:
    """Say that there is next to no room; None if there is."""
    free_bytes = shutil.disk_usage(data).free
    if free_bytes >= LEAST_FREE_BYTES:
        return None
    return f"the disk has room for {free_bytes >> 20} MiB only"


class _Collector:
    """Turns samples into what prometheus-client writes."""

    def __init__(self, samples: Samples) -> None:
        self._samples = samples

    def collect(self) -> "Iterator[Family]":
        """Yield each metric with all its values."""
        families: dict[Metric, Any] = {}
        for metric, value, label in self._samples():
            if metric not in families:
                families[metric] = _family(metric)
            labels = [label] if metric.label else []
            if isinstance(value, Histogram):
                families[metric].add_metric(labels, _buckets(value), value.total)
            else:
                families[metric].add_metric(labels, value)
        yield from families.values()


def _family(metric: Metric) -> Any:  # noqa: ANN401 - of three classes, each with its own `add_metric`
    # Where nobody reads metrics, the 3 MB of the library are not loaded.
    from prometheus_client import core  # noqa: PLC0415 - see above

    kinds = {
        Kind.COUNTER: core.CounterMetricFamily,
        Kind.GAUGE: core.GaugeMetricFamily,
        Kind.HISTOGRAM: core.HistogramMetricFamily,
    }
    labels = [metric.label] if metric.label else []
    return kinds[metric.kind](metric.base, metric.about, labels=labels)


def _buckets(histogram: Histogram) -> list[tuple[str, float]]:
    """Return how many values are at most each bound."""
    counts = list(histogram.counts)
    bounds = [*map(str, histogram.bounds), "+Inf"]
    return [(bound, sum(counts[: place + 1])) for place, bound in enumerate(bounds)]


def exposition(samples: Samples) -> Callable[[], bytes]:
    """Return what writes out all there is to read, the process's own numbers included."""
    from prometheus_client import CollectorRegistry, ProcessCollector  # noqa: PLC0415 - see _family
    from prometheus_client.exposition import generate_latest  # noqa: PLC0415 - see _family

    registry = CollectorRegistry()
    registry.register(_Collector(samples))
    ProcessCollector(registry=registry)
    return lambda: generate_latest(registry)


class Endpoint:
    """A listener of its own for `GET /metrics`: nothing else answers there, and that nowhere else.

    Args:
        bound: the socket to listen on.
        written: returns the metrics as text.
    """

    def __init__(self, bound: socket.socket, written: Callable[[], bytes]) -> None:
        self._bound = bound
        self._written = written

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer while the context lasts."""
        server = await asyncio.start_server(
            self._answer, sock=self._bound, limit=_MOST_HEAD_BYTES, backlog=16
        )
        try:
            yield
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(_REQUEST_TIMEOUT_S):
                writer.write(await self._response(await reader.readuntil(b"\r\n\r\n")))
                await writer.drain()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # whoever asked has gone, or asked nothing
        finally:
            writer.close()

    async def _response(self, head: bytes) -> bytes:
        method, _, rest = head.partition(b" ")
        path = rest.partition(b" ")[0].partition(b"?")[0]
        if method != b"GET" or path != b"/metrics":
            return _http(b"404 Not Found", b"GET /metrics\n")
        try:
            return _http(b"200 OK", await asyncio.to_thread(self._written))
        except Exception:  # noqa: BLE001 - told here, since nobody awaits this task
            _LOG.exception("metrics_failed")
            return _http(b"500 Internal Server Error", b"")


def _http(status: bytes, body: bytes) -> bytes:
    return (
        b"HTTP/1.1 %b\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (status, len(body), body)
    )
