"""A kill between any two steps of sealing: found by copying the data directory before each step.

What a killed process leaves is what is in its files at that moment, so a copy of them is as good as
a kill, and every step can have one.
"""

import itertools
import shutil
import sys
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Self

import pytest

from collector import journal
from collector.question import Dimension, Metric, Period, Query
from tests.house import House, event, house

YESTERDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
TODAY = YESTERDAY + timedelta(days=1)
# Yesterday ends at 18:30 UTC for the first; no chunk can go before it is over for the other, too.
SITES = {"example.com": "Asia/Kolkata", "example.org": "UTC"}
# Whatever changes a file is one of these calls into DuckDB or the system.
STEPS = frozenset({"begin", "commit", "execute", "rename", "unlink", "write", "close", "open"})
Pages = Counter[tuple[int, str, str]]


class Copies:
    """Copies a folder before each step that finds it changed since the last copy."""

    def __init__(self, folder: Path, into: Path) -> None:
        self._folder = folder
        self._into = into
        self._last: dict[str, bytes] = {}
        self.made: list[Path] = []

    def __enter__(self) -> Self:
        """Begin to watch this thread's calls."""
        sys.setprofile(self._before)
        return self

    def __exit__(self, *_: object) -> None:
        """Copy what was left in the end."""
        sys.setprofile(None)
        self._copy()

    def _before(self, _: FrameType, what: str, called: object) -> None:
        if what == "c_call" and getattr(called, "__name__", "") in STEPS:
            sys.setprofile(None)
            self._copy()
            sys.setprofile(self._before)

    def _copy(self) -> None:
        found = contents(self._folder)
        if found != self._last:
            self._last = found
            copy = self._into / f"{len(self.made):03}"
            shutil.copytree(self._folder, copy)
            self.made.append(copy)


def contents(folder: Path) -> dict[str, bytes]:
    """Return what is in each file."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def page_of(site: int, day: datetime) -> str:
    """Return how the pages begin that a site's visitors see on a day."""
    return f"/of-{day:%A}/of-site-{site}/"


def furnish(here: House) -> Pages:
    """Post events of yesterday and today into three chunks; return what readers are to be shown."""
    expected = Pages()
    sites = [here.site(domain, timezone) for domain, timezone in SITES.items()]
    chunks = {"yesterday": [YESTERDAY], "both": [YESTERDAY, TODAY], "today": [TODAY]}
    for name, days in chunks.items():
        for site, day, number in itertools.product(sites, days, range(3)):
            page = f"{page_of(site, day)}{name}/{number}"
            here.append(name, event(site, day, token=number, path=page))
            expected[site, page, day.date().isoformat()] += 1
        if TODAY not in days:
            here.finish()  # the others are still written to
    return expected


def shown(here: House) -> Pages:
    """Return pageviews by site, page and day as a reader is shown them."""
    period = Period(YESTERDAY.date(), TODAY.date())
    pages = Pages()
    for site in here.control.sites():
        question = (site.id, (Metric.PAGEVIEWS,), (Dimension.PAGE, Dimension.DAY), period)
        for row in here.stats.report(Query(*question)).rows:
            page, day = row.dimensions
            pages[site.id, page, day] += int(row.metrics[0] or 0)
    return pages


@dataclass(frozen=True, slots=True)
class Moment:
    """When yesterday is sealed, of how many sites, and which chunks are needed no more."""

    now: datetime
    sealed: int
    chunks_gone: frozenset[str]


MOMENTS = {
    "evening": Moment(YESTERDAY.replace(hour=19, minute=10), 1, frozenset()),
    "night": Moment(TODAY.replace(hour=1), 2, frozenset({"yesterday"})),
}


@dataclass(frozen=True, slots=True)
class Recovery:
    """What came of a copy: opened, loaded, and sealed after all."""

    shown: list[Pages]  # at first and in the end
    sealed: list[int]  # sites
    chunks: set[str]
    live_files: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Night:
    """A day's sealing, and what comes of a kill at each of its steps."""

    moment: Moment
    expected: Pages
    recoveries: list[Recovery]


def recovered(copy: Path, now: datetime) -> Recovery:
    """Start again on what a kill left."""
    pages = []
    with house(copy) as here:
        pages.append(shown(here))
        here.loader.load()
        here.sealer.seal_due(now)
        pages.append(shown(here))
        sealed = [int(site) for (site,) in here.rows("SELECT site FROM archive.sealed ORDER BY 1")]
    chunks = {path.stem.rpartition("-")[2] for path in journal.chunks(copy / "journal")}
    live_files = [path.read_bytes() for path in sorted(copy.glob("live*"))]
    return Recovery(pages, sealed, chunks, b"".join(live_files))


@pytest.fixture(scope="module", params=MOMENTS)
def night(request: pytest.FixtureRequest, ram_of_module: Path) -> Night:
    """Seal yesterday, and look what would have come of a kill at each step."""
    moment = MOMENTS[request.param]
    folder = ram_of_module / request.param / "data"
    folder.mkdir(parents=True)
    with house(folder) as here:
        expected = furnish(here)
        here.loader.load()
        for site in (1, 2):  # else there were nothing to be found later
            assert page_of(site, YESTERDAY).encode() in (folder / "live.duckdb.wal").read_bytes()
        with Copies(folder, folder.parent) as copies:
            assert here.sealer.seal_due(moment.now) == moment.sealed
        assert shown(here) == expected
    return Night(moment, expected, [recovered(copy, moment.now) for copy in copies.made])


def test_a_kill_between_any_two_steps_changes_no_number(night: Night) -> None:
    """Readers see each event once: at once, and when sealing is done after all."""
    assert len(night.recoveries) > 8
    for recovery in night.recoveries:
        assert recovery.shown == [night.expected] * 2


def test_a_day_is_sealed_once_wherever_it_was_interrupted(night: Night) -> None:
    """And only chunks that speak of a day not over are left."""
    for recovery in night.recoveries:
        assert recovery.sealed == list(range(1, night.moment.sealed + 1))
        assert recovery.chunks == {"yesterday", "both", "today"} - night.moment.chunks_gone


def test_nothing_of_a_sealed_day_stays_in_live_files_wherever_it_was_interrupted(
    night: Night,
) -> None:
    """Not even as bytes that a deleted row leaves behind."""
    for step, recovery in enumerate(night.recoveries):
        for site in (1, 2):
            assert page_of(site, TODAY).encode() in recovery.live_files
            is_there = page_of(site, YESTERDAY).encode() in recovery.live_files
            assert is_there == (site not in recovery.sealed), step
