"""What clients know of an installation that is killed and damaged, held against what it shows.

    witness = Witness()
    with repeating(witness.posting(server, SITE), witness.reading(server, SITE, *days)):
        server.kill()
    witness.check(next_server, SITE, *days)

Every event is a pageview of a page of its own: the report by page tells them apart.
"""

import contextlib
import http.client
import itertools
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import date

from collector.question import MAX_ROWS
from tests.serving import DEADLINE_S, Server, Visitor, pageview, wait_until

NO_ANSWER = (OSError, http.client.HTTPException)
_STOP_DEADLINE_S = 120.0
_LOOK_EVERY_S = 0.1


def chance(seed: int) -> random.Random:
    """Return the same chance each time."""
    return random.Random(seed)


@dataclass
class Witness:
    """Knows by site which pages were sent, which were acknowledged, and what readers were shown.

    Posting and reading may go on in many threads at once.
    """

    sent: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    acknowledged: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    refused: int = 0  # answers 503
    _shown: defaultdict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _turn: threading.Lock = field(default_factory=threading.Lock)

    def post(self, visitor: Visitor, site: str) -> int:
        """Post one event; return the status.

        Raises:
            OSError, http.client.HTTPException: there was no answer.
        """
        number = next(self._numbers)
        page = f"/{number // 1000}/{number % 1000}"  # in one piece it would be scrubbed as an id
        with self._turn:
            self.sent[site].add(page)
        answer = visitor.post(pageview(page, site))
        assert answer.status in {202, 503}, answer
        with self._turn:
            if answer.status == 202:
                self.acknowledged[site].add(page)
            else:
                assert answer.headers["retry-after"] == "1"
                self.refused += 1
        return answer.status

    def posting(self, server: Server, site: str, pause_s: float = 0.005) -> Generator[None]:
        """Post one event at each step, on one connection, as one visitor."""
        address = f"198.51.100.{next(self._numbers) % 250}"
        with server.visitor({"Host": site, "X-Forwarded-For": address}) as visitor:
            while True:
                self.post(visitor, site)
                time.sleep(pause_s)
                yield

    def reading(self, server: Server, site: str, first: date, last: date) -> Generator[None]:
        """Look at a site's pages at each step."""
        while True:
            self.look(server, site, first, last)
            time.sleep(_LOOK_EVERY_S)
            yield

    def look(self, server: Server, site: str, first: date, last: date) -> set[str]:
        """Return the pages a reader is shown.

        Raises:
            AssertionError: one counts twice, was never sent, changed its day, or is missing though
                a reader has seen it before.
        """
        with self._turn:
            before = dict(self._shown[site])
        rows = server.query(
            site_id=site,
            dimensions=["event:page", "time:day"],
            date_range=[first.isoformat(), last.isoformat()],
        )
        assert len(rows) < MAX_ROWS, "more would not fit into one answer, as of one moment"
        found = dict(row["dimensions"] for row in rows)
        with self._turn:
            sent = set(self.sent[site])
            self._shown[site] |= found
        counted = Counter(row["dimensions"][0] for row in rows for _ in range(row["metrics"][0]))
        assert not {page: n for page, n in counted.items() if n > 1}, "counted twice"
        assert not found.keys() - sent, "never sent"
        in_view = {p: d for p, d in before.items() if first.isoformat() <= d <= last.isoformat()}
        assert in_view.items() <= found.items(), "shown before, and now no more or on another day"
        return set(found)

    def check(
        self, server: Server, site: str, first: date, last: date, deadline_s: float = DEADLINE_S
    ) -> None:
        """Return once every acknowledged event of a site is shown exactly once, in all reports.

        Raises:
            AssertionError: that does not happen, or something else is shown.
        """
        known = set(self.acknowledged[site])
        wait_until(
            lambda: known <= self.look(server, site, first, last),
            f"{len(known)} pageviews",
            deadline_s,
        )

    def count(self) -> int:
        """Return how many events were acknowledged, of all sites."""
        with self._turn:
            return sum(map(len, self.acknowledged.values()))

    def days(self, site: str) -> set[str]:
        """Return the days on which readers were shown any of a site's events."""
        with self._turn:
            return set(self._shown[site].values())

    def total(self, server: Server, site: str, first: date, last: date) -> int:
        """Return the pageviews of a site as its visits have them."""
        days = [first.isoformat(), last.isoformat()]
        return int(server.query(site_id=site, date_range=days)[0]["metrics"][0])


@contextlib.contextmanager
def repeating(*what: Generator[None]) -> Iterator[None]:
    """Step on, each in a thread of its own, until the context or the server ends.

    Raises:
        AssertionError: one of them did.
    """
    stopping = threading.Event()
    failures: list[BaseException] = []

    def run(steps: Generator[None]) -> None:
        try:
            with contextlib.closing(steps):
                while not stopping.is_set():
                    next(steps)
        except NO_ANSWER:
            return
        except BaseException as failure:  # noqa: BLE001 - handed to the test
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(steps,), daemon=True) for steps in what]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join(_STOP_DEADLINE_S)
    assert not any(thread.is_alive() for thread in threads)
    if failures:
        raise failures[0]
