"""The rooms behind the wire, without one: journal, loader, stores, sealing, numbers."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from collector.control import Control
from collector.journal import Event, Record, line
from collector.keeper import Keeper
from collector.lending import Lender
from collector.load import Loader
from collector.retention import Retention
from collector.seal import Sealer
from collector.stats import Stats
from collector.store import Store

_LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)


# What stands in the stores, in words; and visits of both of them, as readers are to see them.
LIVE_EVENTS = "(FROM live.events JOIN live.pages USING (site, page))"
LIVE_VISITS = """(
    SELECT
        v.* REPLACE (coalesce(i.path, '') AS entry_page, coalesce(o.path, '') AS exit_page),
        a.* EXCLUDE (arrival, digest)
    FROM live.visits v
    LEFT JOIN live.pages i ON i.site = v.site AND i.page = v.entry_page
    LEFT JOIN live.pages o ON o.site = v.site AND o.page = v.exit_page
    JOIN live.arrivals a ON a.arrival = v.arrival
)"""
SEALED_VISITS = """(
    SELECT
        v.* REPLACE (i.path AS entry_page, o.path AS exit_page),
        a.* EXCLUDE (site, arrival, digest)
    FROM archive.visits v
    JOIN archive.pages i ON i.site = v.site AND i.page = v.entry_page
    JOIN archive.pages o ON o.site = v.site AND o.page = v.exit_page
    JOIN archive.arrivals a ON a.site = v.site AND a.arrival = v.arrival
)"""
SEALED_EVENTS = "(FROM archive.events JOIN archive.pages USING (site, page))"
ALL_VISITS = f"""(
    SELECT site, date, hour, duration_s, pageviews, events, is_bounce, entry_page
    FROM {SEALED_VISITS}
    UNION ALL
    SELECT site, date, hour, duration_s, pageviews, events, is_bounce, entry_page
    FROM {LIVE_VISITS}
    ANTI JOIN archive.sealed USING (site, date)
)"""


@dataclass
class House:
    """A data directory with everything on it, worked by hand."""

    folder: Path
    control: Control
    store: Store
    loader: Loader
    sealer: Sealer
    stats: Stats
    _held: dict[str, int] = field(default_factory=dict)
    _chunks: int = 0

    @property
    def journal(self) -> Path:
        """Where the chunks are."""
        return self.folder / "journal"

    def site(self, domain: str = "example.com", timezone: str = "UTC") -> int:
        """Register a site; return its id."""
        return self.control.add_site(domain, timezone, _LONG_AGO).id

    def append(self, name: str, *records: Record) -> None:
        """Write lines to the chunk a process holds; after `finish` it begins another one."""
        if name not in self._held:
            self._chunks += 1
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
            chunk = self.journal / f"{self._chunks:06}-{name}.jsonl"
            self._held[name] = os.open(chunk, flags, 0o600)
            fcntl.flock(self._held[name], fcntl.LOCK_EX)
        os.write(self._held[name], b"".join(map(line, records)))

    def finish(self) -> None:
        """End the processes that hold chunks."""
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()

    def load(self, *records: Record) -> None:
        """Load records out of a chunk of their own, already finished."""
        self._chunks += 1
        chunk = self.journal / f"{self._chunks:06}.jsonl"
        chunk.write_bytes(b"".join(map(line, records)))
        self.loader.load()

    def rows(self, text: str, **values: object) -> list[tuple[Any, ...]]:
        """Ask the stores."""
        with self.store.snapshot() as session:
            return session.query(text, **values)

    def retention(self) -> Retention:
        """Return what deletes days that are too old."""
        return Retention(self.store, self.loader, self.control)

    def lender(self) -> Lender:
        """Return what lends the archive to a second process."""
        return Lender(self.folder, self.store)

    def keeper(self, clock: Callable[[], float]) -> Keeper:
        """Return the thread that does all this, which nobody has started."""
        return Keeper(self.loader, self.sealer, self.retention(), self.lender(), clock)

    def bytes_on_disk(self) -> bytes:
        """Return everything in the data directory."""
        return b"".join(p.read_bytes() for p in sorted(self.folder.rglob("*")) if p.is_file())


@contextlib.contextmanager
def house(folder: Path) -> Iterator[House]:
    """Open a data directory."""
    journal = folder / "journal"
    journal.mkdir(exist_ok=True)
    with contextlib.closing(Control.open(folder / "control.sqlite")) as control:
        store = Store(folder, memory_limit_mib=128, threads=1)
        loader = Loader(journal, store)
        here = House(
            folder, control, store, loader, Sealer(journal, store, loader, control), Stats(store)
        )
        try:
            yield here
        finally:
            here.finish()
            here.store.close()


def at_us(at: datetime) -> int:
    """Return microseconds since the epoch."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def event(
    site: int,
    at: datetime,
    token: int = 1,
    name: str = "pageview",
    path: str = "/",
    timezone: str = "UTC",
    **values: object,
) -> Event:
    """Return an event as ingest would have journalled it."""
    local = at.astimezone(ZoneInfo(timezone))
    made = Event(
        site=site,
        date=local.date().isoformat(),
        hour=local.hour,
        at_us=at_us(at),
        token=token,
        name=name,
        host="example.com",
        path=path,
    )
    return msgspec.structs.replace(made, **values)


def dates(events: Iterable[Event]) -> set[tuple[int, str]]:
    """Return the sites and local dates of events."""
    return {(event.site, event.date) for event in events}
