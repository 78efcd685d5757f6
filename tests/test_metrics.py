"""Metrics and readiness: what an operator's tools may know of the program, and nobody else."""

import asyncio
import contextlib
import errno
import math
import os
import re
import socket
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from collector import keeper
from collector.histogram import Histogram
from collector.keeper import Keeper
from collector.outcomes import DropReason, Outcome
from collector.question import TooSlowError
from collector.server import listen
from collector.serving import metrics
from collector.serving.latency import Asked, Latency, TimedStats
from collector.serving.metrics import Metric, Sample, StoreFile, exposition, of_files
from collector.session import StoreError
from collector.stats import Stats
from tests.application import NOW, Started, Whole, pageview
from tests.house import event, house
from tests.people import key_of

if TYPE_CHECKING:
    from collector.store import Store

PAGE = Path(__file__).parents[1] / "deploy" / "METRICS.md"
LABELS = {
    "outcome": {*Outcome},
    "reason": {*DropReason} - {DropReason.LATE},
    "file": {*StoreFile},
    "asked": {*Asked},
}
ROBOT = {"User-Agent": "curl/8.0"}


class Observed:
    """A running application with a dashboard, and where it may be scraped."""

    def __init__(self, whole: Whole, bound: socket.socket) -> None:
        self.whole = whole
        self._port = bound.getsockname()[1]

    def ask(self, request: bytes) -> tuple[int, str]:
        """Send bytes to the listener; return status and body, 0 if it just closes."""

        async def answer() -> bytes:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            writer.write(request)
            try:
                return await reader.read()
            except ConnectionResetError:
                return b""
            finally:
                writer.close()

        head, _, body = self.whole.run(answer()).partition(b"\r\n\r\n")
        return int(head.split()[1]) if head else 0, body.decode()

    def read(self) -> dict[str, float]:
        """Return every value by its name with labels."""
        status, text = self.ask(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        assert status == 200
        return {
            sample.name + "".join(f"[{label}]" for label in sample.labels.values()): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }


@pytest.fixture(name="observed")
def observe(started: Started) -> Iterator[Observed]:
    """Run an application that may be scraped."""
    bound = listen("127.0.0.1", 0)
    with started(with_dashboard=True, scraped=bound) as whole:
        yield Observed(whole, bound)


def documented(page: str) -> dict[str, tuple[str, str, str]]:
    """Return kind, label and meaning of each metric that a page's table names."""
    rows = re.findall(
        r"^\| `(\w+)(?:\{(\w+)\})?` \| (\w+) \| [^|]+ \| (.+) \|$", page, re.MULTILINE
    )
    return {name: (kind, label, about) for name, label, kind, about in rows}


def test_every_metric_is_documented() -> None:
    """By its name, kind, label and meaning; and no other."""
    page = PAGE.read_text(encoding="utf-8")
    assert documented(page) == {m.shown: (m.kind, m.label, m.about) for m in Metric}
    words = {*re.findall(r"`(\w+)`", page)}
    assert {value for values in LABELS.values() for value in values} - {*DropReason} <= words
    assert set(re.findall(r"gatecount_\w+", page)) == {m.shown for m in Metric}


def test_every_metric_can_be_read(observed: Observed) -> None:
    """With every value of its label from the start, and with nothing else."""
    _, text = observed.ask(b"GET /metrics HTTP/1.1\r\n\r\n")
    families = {f.name: f for f in text_string_to_metric_families(text)}
    ours = {name for name in families if name.startswith("gatecount_")}
    assert ours == {metric.base for metric in Metric}
    for metric in Metric:
        samples = families[metric.base].samples
        assert families[metric.base].type == metric.kind
        assert {*samples[0].labels} - {"le"} == {metric.label} - {""}
        if metric.label in LABELS:
            assert {s.labels[metric.label] for s in samples} == LABELS[metric.label]
    assert families["process_resident_memory_bytes"].samples[0].value > 1_000_000


def test_events_are_counted_by_what_became_of_them(observed: Observed) -> None:
    """And those who object not at all, whatever they send."""
    whole = observed.whole
    for _ in range(3):
        assert whole.post(pageview("/")).status_code == 202
    whole.post(pageview("/"), ROBOT)
    whole.post(pageview("/", site="elsewhere.example"))
    whole.post(b"{")
    whole.post(b" " * 9000)
    whole.composed.ingest.queue_drops()
    before = observed.read()
    by_outcome = {o: before[f"gatecount_events_total[{o}]"] for o in Outcome}
    assert by_outcome == {
        "counted": 3, "dropped": 2, "malformed": 1, "unreadable": 1, "unavailable": 0
    }  # fmt: skip
    assert before["gatecount_events_dropped_total[bot]"] == 1
    assert before["gatecount_events_dropped_total[unknown_site]"] == 1
    assert before["gatecount_journal_commit_lines_count"] >= 3
    assert before["gatecount_journal_commit_seconds_count"] >= 3
    assert before["gatecount_journal_written_bytes_total"] > 500
    for body in (pageview("/"), b"{", b" " * 9000):
        assert whole.post(body, {"DNT": "1"}).status_code == 202
    whole.composed.ingest.queue_drops()
    after = observed.read()
    counted = [name for name in before if name.startswith("gatecount_events")]
    assert {name: after[name] for name in counted} == {name: before[name] for name in counted}


def test_questions_are_timed(observed: Observed) -> None:
    """Each once, by what they are about."""
    whole = observed.whole
    key = key_of(whole.composed.control)
    for date_range in ("7d", "realtime"):
        query = {"site_id": "example.com", "metrics": ["visitors"], "date_range": date_range}
        headers = {"Authorization": f"Bearer {key}"}
        assert whole.post(query, headers, path="/api/v2/query").status_code == 200
    found = observed.read()
    assert found["gatecount_query_seconds_count[days]"] == 1
    assert found["gatecount_query_seconds_count[minutes]"] == 1
    assert found["gatecount_queries_too_slow_total"] == 0


def test_questions_that_are_given_up_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once each, and timed as well; also when only a part of a page was too slow."""
    latency = Latency()
    with pytest.raises(TooSlowError), latency.timed(Asked.MINUTES):
        raise TooSlowError("no")
    monkeypatch.setattr(Stats, "reports", lambda *_: [TooSlowError("no"), TooSlowError("no")])
    timed = TimedStats(cast("Store", None), 5, 30, latency)  # which nobody asks
    assert len(timed.reports([])) == 2
    assert latency.too_slow == 2
    assert {asked: sum(h.counts) for asked, h in latency.seconds.items()} == {
        Asked.DAYS: 1, Asked.MINUTES: 1
    }  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics?x=y HTTP/1.1\r\n\r\n", 200),
        (b"GET /api/event HTTP/1.1\r\n\r\n", 404),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 0),
        (b"\r\n\r\n", 404),
    ],
)
def test_the_listener_answers_nothing_else(
    observed: Observed, request_: bytes, status: int
) -> None:
    """And the public port has no metrics."""
    assert observed.ask(request_)[0] == status
    assert observed.whole.get("/metrics").status_code == 404


def test_who_asks_nothing_is_hung_up_on(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a while, half a request or not."""
    monkeypatch.setattr(metrics, "_REQUEST_TIMEOUT_S", 0.1)
    assert observed.ask(b"GET /metrics HTTP/1.1\r\n") == (0, "")


def test_a_metric_that_cannot_be_read_is_an_error(
    observed: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the scrape; nothing else suffers."""

    def fail(_: Path) -> Iterator[Sample]:
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(metrics, "of_files", fail)
    assert observed.ask(b"GET /metrics HTTP/1.1\r\n\r\n") == (500, "")
    assert observed.whole.get("/healthz").status_code == 200


def test_a_histogram_counts_by_upper_bounds() -> None:
    """A bound belongs to what is below it; what is beyond all is counted too."""
    histogram = Histogram((1, 2))
    for value in (0.5, 1, 1.5, 2, 3):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 1]
    text = exposition(lambda: [Sample(Metric.SEAL_S, histogram)])().decode()
    assert re.findall(r'_bucket\{le="(\S+)"\} (\S+)', text) == [
        ("1", "2.0"), ("2", "4.0"), ("+Inf", "5.0")
    ]  # fmt: skip
    assert "gatecount_seal_seconds_sum 8.0\n" in text


def test_files_are_counted_with_their_logs(tmp_path: Path) -> None:
    """Of each store, and chunks and spills."""
    for name in ("journal/1.jsonl", "tmp/spill", "live.duckdb", "live.duckdb.wal"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * len(name))
    sizes = {sample.label: sample.value for sample in of_files(tmp_path)}
    assert sizes == {"journal": 15, "spills": 9, "live": 26, "archive": 0, "control": 0}


def test_what_is_well_is_ready(observed: Observed) -> None:
    """Whatever was asked before; and the metric says the same."""
    answer = observed.whole.get("/readyz")
    assert (answer.status_code, answer.text) == (200, "ready\n")
    assert answer.headers["cache-control"] == "no-store"
    assert observed.read()["gatecount_ready"] == 1


def test_without_room_nobody_is_ready(observed: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says how much is left; health is another matter."""
    monkeypatch.setattr(metrics, "LEAST_FREE_BYTES", 1 << 60)
    answer = observed.whole.get("/readyz")
    assert answer.status_code == 503
    assert re.fullmatch(r"not ready\nthe disk has room for \d+ MiB only\n", answer.text)
    assert observed.read()["gatecount_ready"] == 0
    assert observed.whole.get("/healthz").status_code == 200


def test_a_journal_that_was_refused_is_not_ready(
    whole: Whole, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For a while, then it is tried again; nor is one that is closed."""
    monkeypatch.setattr("collector.journal._TROUBLE_LASTS_S", math.inf)
    with monkeypatch.context() as full:
        full.setattr(os, "write", _no_room)
        assert whole.post(pageview("/")).status_code == 503
    answer = whole.get("/readyz")
    assert (answer.status_code, answer.text) == (
        503, "not ready\nthe disk has just refused the journal\n"
    )  # fmt: skip
    monkeypatch.setattr("collector.journal._TROUBLE_LASTS_S", 0)
    assert whole.get("/readyz").status_code == 200
    whole.end()
    assert whole.get("/readyz").text == "not ready\nthe journal is not open\n"


def _no_room(*_: object) -> int:
    raise OSError(errno.ENOSPC, "no room")


def test_the_keeper_says_what_it_did(ram: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """How many days wait, that sealing failed, that it was done; and whether it is stuck."""
    yesterday = NOW - timedelta(days=1)
    with house(ram) as here:
        site = here.site()
        here.append("held", event(site, yesterday))
        assert here.loader.lag_bytes() is None  # the ledger was not read yet
        here.finish()
        at_work = here.keeper(NOW.timestamp)
        state = at_work.state
        monkeypatch.setattr(type(here.sealer), "seal_day", _refuse)
        turn(at_work)
        assert (state.days_waiting, state.seal_failed, state.failed_turns) == (1, True, 0)
        assert at_work.trouble() is None
        monkeypatch.undo()
        monkeypatch.setattr(type(here.sealer), "seal_due", _refuse)
        turn(at_work)
        assert (state.days_waiting, state.seal_failed, state.failed_turns) == (1, True, 1)
        assert at_work.trouble() == "the store refuses what the journal holds: see the log"
        monkeypatch.undo()
        at_work = here.keeper((NOW + timedelta(hours=1)).timestamp)
        state = at_work.state
        turn(at_work)
        assert (state.days_waiting, state.days_sealed, state.seal_failed) == (0, 1, False)
        assert state.sealed_at_s == NOW.timestamp() + 3600
        assert sum(state.seal_s.counts) == 1
        assert at_work.trouble() is None
        here.append("next", event(site, NOW))
        here.loader.load()
        assert here.loader.lag_bytes() == 0
        here.append("next", event(site, NOW))
        assert here.loader.lag_bytes() == next(here.journal.iterdir()).stat().st_size / 2
        state.turn_to(keeper.Doing.LOADING)
        now_s = time.monotonic()
        monkeypatch.setattr(time, "monotonic", lambda: now_s)
        state.since_s = here.loader.moved_at_s = now_s - 61
        assert at_work.trouble() == "the loader has not moved for 61 seconds"


def turn(at_work: Keeper) -> None:
    """Let a keeper do once what it does once a second, and seal."""
    at_work._seal_at_s = 0.0  # noqa: SLF001 - its own clock is the machine's
    at_work._turn()  # noqa: SLF001 - see above


def _refuse(*_: object) -> None:
    raise StoreError("no")


def test_workers_answer_side_by_side() -> None:
    """Each on the port after the last one's."""
    from collector.__main__ import _scraped  # noqa: PLC0415 - of the command line
    from collector.config import load  # noqa: PLC0415 - see above

    with contextlib.closing(listen("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config = load(None, {}, {"metrics_bind": f"127.0.0.1:{port - 2}"}).config
    with _scraped(config, 2) as second:
        assert second is not None
        assert second.getsockname()[1] == port
    with _scraped(load(None, {}, {}).config, 1) as nowhere:
        assert nowhere is None
