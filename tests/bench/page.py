"""How heavy and how quick the dashboard's pages are, in Chromium with an empty cache.

    python tests/bench/page.py [--data DIRECTORY] [--events 200000] [--today 0]

Without a data directory (of two sites or more), a made-up history of a year is built first. Each
page is opened several times over loopback, in a browser that is running: with an empty cache, then
again, with style sheet and scripts kept. Of times the median and the worst are printed. Server time
is that of whole answers on one connection; LCP is the browser's Largest Contentful Paint. The
server's memory is told at the end. So many events of today are loaded first; they stay.
"""

import argparse
import http.client
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from collector.control import Control
from tests.bench import load
from tests.browser.chromium import EXECUTABLE, FLAGS
from tests.serving import Server, installation, wait_until

SITE = "harbour-courier.example"
VIEWS = {
    "all sites": "",
    "site, today": f"sites/{SITE}",
    "site, 28 days": f"sites/{SITE}?period=28d",
    "site, 12 months": f"sites/{SITE}?period=12mo",
    "site, 12 months by day": f"sites/{SITE}?period=12mo&step=day&compare=none",
    "site, 28 days, one filter": f"sites/{SITE}?period=28d&f=is,source,Google",
    "details of pages, 28 days": f"sites/{SITE}/by/page?period=28d",
}
ROUNDS = 5
_REST_MS = 1000
_LOADED_WITHIN_S = 300
_OBSERVED = """() => new Promise((done) => {
    const seen = { paint_ms: 0, shift: 0 }
    const watch = (type, note) => new PerformanceObserver((list) =>
        list.getEntries().forEach(note)).observe({ type, buffered: true })
    watch("largest-contentful-paint", (entry) => { seen.paint_ms = entry.startTime })
    watch("layout-shift", (entry) => { seen.shift += entry.value })
    setTimeout(() => done(seen), 300)
})"""


@dataclass(frozen=True, slots=True)
class Load:
    """One opening of a page: what came over the line, when the most of it stood, and shifts."""

    kilobytes: float
    requests: int
    paint_ms: float
    shift: float


@dataclass(frozen=True, slots=True)
class Weighed:
    """What one page costs who comes for the first time, and who has been there before."""

    first: Sequence[Load]
    again: Sequence[Load]
    server_ms: Sequence[float]

    def __str__(self) -> str:
        """Return a line of the table; of several loads the median and the worst."""
        first = self.first[0]
        shift = max(load.shift for load in (*self.first, *self.again))
        return (
            f"{first.kilobytes:8.1f}{first.requests:10}"
            f"{_middle_and_worst(self.server_ms):>14}"
            f"{_middle_and_worst([load.paint_ms for load in self.first]):>14}"
            f"{_middle_and_worst([load.paint_ms for load in self.again]):>14}{shift:8.3f}"
        )


def _middle_and_worst(times_ms: Sequence[float]) -> str:
    return f"{statistics.median(times_ms):.0f} / {max(times_ms):.0f}"


def weigh(browser: Browser, server: Server, cookie: Any, view: str) -> Weighed:  # noqa: ANN401
    """Open a page as often as it takes, each time as if for the first time, and once more."""
    pairs = [_first_and_again(browser, server, cookie, view) for _ in range(ROUNDS)]
    first, again = zip(*pairs, strict=True)
    return Weighed(first, again, [*_server_ms(server, cookie["value"], view)])


def _first_and_again(browser: Browser, server: Server, cookie: Any, view: str) -> list[Load]:  # noqa: ANN401
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_cookies([cookie])
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("Network.enable")
    lengths: list[float] = []
    # What comes from the browser's own cache, or never leaves it, has no length.
    session.on("Network.loadingFinished", lambda event: lengths.append(event["encodedDataLength"]))
    loads = []
    # A browser starts processes when it first goes somewhere, and for a second leaves little of the
    # processor to the server. Readers have one that is running.
    page.goto(server.url + "healthz")
    page.wait_for_timeout(_REST_MS)
    for _ in range(2):
        lengths.clear()
        page.goto(server.url + view, wait_until="load")
        observed = page.evaluate(_OBSERVED)
        came = [*filter(None, lengths)]
        loads.append(Load(sum(came) / 1000, len(came), observed["paint_ms"], observed["shift"]))
        page.goto("about:blank")
    context.close()
    return loads


def _server_ms(server: Server, token: str, view: str) -> Iterator[float]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for _ in range(ROUNDS):
        begun_s = time.perf_counter()
        headers = {"Cookie": f"gatecount-login={token}", "Accept-Encoding": "gzip"}
        connection.request("GET", f"/{view}", headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200, (view, answer.status)
        yield 1000 * (time.perf_counter() - begun_s)
    connection.close()


def _logged_in(server: Server) -> Any:  # noqa: ANN401 - a cookie
    return {"name": "gatecount-login", "value": server.login, "url": server.url}


@contextmanager
def _serving(data: Path | None, events: int, today: int) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as scratch, installation(Path(scratch)) as here:
        if data is None:
            built = here.launch(
                program=(
                    *(sys.executable, "-m", "collector", "--data", str(here.data), "demo"),
                    *("--events", str(events), "--days", "365"),
                )
            )
            assert built.process.wait() == 0, built.said()
        else:
            here.data.symlink_to(data.resolve())
        if today:
            _come_today(here.data, today)
        with here.serving() as server:
            wait_until(lambda: _viewed_today(server) >= today, "loading", _LOADED_WITHIN_S)
            yield server


def _viewed_today(server: Server) -> int:
    (row,) = server.query(site_id=SITE, date_range="day")
    return int(row["metrics"][0])


def _come_today(data: Path, events: int) -> None:
    """Have visitors of a site, whose days are UTC's, been there since midnight."""
    with closing(Control.open(data / "control.sqlite")) as control:
        site = control.known_site(SITE).id
    now_us = int(time.time() * 1_000_000)
    lines = load.events(events, Random(12), now_us // load.DAY_US * load.DAY_US, now_us, site)
    load.write_chunk(data / "journal", 0, list(lines))


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path)
    parser.add_argument("--events", type=int, default=200_000)
    parser.add_argument("--today", type=int, default=0)
    given = parser.parse_args()
    with (
        _serving(given.data, given.events, given.today) as server,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=EXECUTABLE, args=FLAGS)
        cookie = _logged_in(server)
        print(
            f"{'':28}{'KB':>8}{'requests':>10}{'server ms':>14}"
            f"{'LCP ms':>14}{'LCP again':>14}{'shift':>8}"
        )
        for name, view in VIEWS.items():
            print(f"{name:28}{weigh(browser, server, cookie, view)}", flush=True)
        browser.close()
        status = Path(f"/proc/{server.process.pid}/status").read_text(encoding="ascii")
        print(
            f"\nThe server took {int(status.partition('VmHWM:')[2].split()[0]) >> 10} MiB at most."
        )


if __name__ == "__main__":
    main()
