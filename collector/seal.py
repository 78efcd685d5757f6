"""Sealing: a day that is over moves to the archive, and what could single anyone out is gone.

Two transactions, because DuckDB writes to one file in each. The archive's ledger rules: a day that
stands there is sealed, and whatever live still holds of it is ignored until it is deleted.
"""

import logging
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

from collector import journal
from collector.control import Control, RefusedDay, Site
from collector.load import VISIT_GAP_US, Loader
from collector.session import Session, StoreError
from collector.settings.zones import day_end
from collector.store import Store

_LOG = logging.getLogger("gatecount.seal")
# A chunk lasts to the next full hour. Midnight falls on quarters of it, so 35 minutes after any
# midnight what was begun before it is finished, or half an hour and more of its events are.
SEAL_AFTER = timedelta(minutes=35)
MOST_VALUES = 100_000  # that a day's sums name of each dimension; a large site reads 30,000 pages
_LINES_A_MIB = 3_000  # of the live store, that are sealed at once for each MiB DuckDB may use
_ARCHIVED = (
    "visits", "events", "pages", "arrivals", "rollups", "arrival_rollups", "page_rollups",
    "page_spans", "rolled_spans", "drops", "sealed",
)  # fmt: skip
_FIRST_WAIT, _LONGEST_WAIT = timedelta(seconds=20), timedelta(hours=1)
_NO_CHUNK = ""  # named in the ledger from the deletion of live rows until the file is rewritten


@dataclass(slots=True)
class _Refused:
    """Days that could not be sealed: tried again soon, then ever more rarely."""

    _waits: dict[tuple[int, date], tuple[datetime, timedelta]] = field(default_factory=dict)

    def waits(self, site: int, day: date, now: datetime) -> bool:
        """Tell whether it is too soon; not if the clock was set back meanwhile."""
        until, wait = self._waits.get((site, day), (now, _FIRST_WAIT))
        return now < until <= now + wait

    def put_off(self, site: int, day: date, now: datetime) -> None:
        """Wait twice as long as the last time."""
        _, wait = self._waits.get((site, day), (now, _FIRST_WAIT / 2))
        wait = min(2 * wait, _LONGEST_WAIT)
        self._waits[site, day] = (now + wait, wait)

    def forget(self, site: int, day: date) -> None:
        self._waits.pop((site, day), None)


class Sealer:
    """Seals days that are over, deletes what they no longer need, and purges removed sites.

    Used by the loader's thread, between two loads.
    """

    def __init__(self, directory: Path, store: Store, loader: Loader, control: Control) -> None:
        self._directory = directory
        self._store = store
        self._loader = loader
        self._control = control
        self._refused = _Refused()

    def recorded_s(self) -> float:
        """Return the latest wall time on record, in seconds since the epoch; 0 for none."""
        with self._loader.starting_over(), self._store.snapshot() as session:
            ((recorded_us,),) = session.run("seal_recorded_time")
        return float(recorded_us) / 1_000_000

    def due(self, now: datetime) -> list[tuple[int, date]]:
        """Return the days to be sealed, as (site id, local date), oldest first."""
        sites = {site.id: site for site in self._control.sites()}
        with self._store.snapshot() as session:
            days = session.run("seal_candidates")
        return [
            (site, day)
            for site, day in days
            if now >= day_end(sites.get(site), day, now) + SEAL_AFTER
        ]

    def seal_due(self, now: datetime) -> int:
        """Seal every day that is over; return how many.

        What was posted before a midnight is loaded first: the journal is read to its end after a
        day was found to be due. A day that is refused is put off: it keeps no other one waiting.
        """
        with self._loader.starting_over():
            days = [one for one in self.due(now) if not self._refused.waits(*one, now)]
        sealed = 0
        for site, day in days:
            self._loader.load()
            sealed += self._try_to_seal(site, day, now)
        with self._loader.starting_over():
            self.clean_up()
        return sealed

    def _try_to_seal(self, site: int, day: date, now: datetime) -> bool:
        try:
            with self._loader.starting_over():
                self.seal_day(site, day, now)
        except StoreError as error:
            self._refused.put_off(site, day, now)
            _LOG.exception("day_not_sealed", extra={"site": site, "date": day.isoformat()})
            kind = str(error).partition(":")[0]
            self._control.note_refused_day(RefusedDay(site, day, now, kind))
            return False
        self._refused.forget(site, day)
        if any((site, day) == (one.site, one.day) for one in self._control.refused_days()):
            self._control.note_sealed_day(site, day)
        return True

    def seal_day(self, site: int, day: date, now: datetime) -> None:
        """Seal one day as the live store has it now."""
        of_day = {"site": site, "date": day}
        with self._store.writing() as session:
            for part in ("pages", "day_paths", "day_names", "day_hosts", "ordinals"):
                session.run(f"seal_{part}", **of_day)
            for part in ("rolled", "rolled_arrivals", "rolled_pages", "joined"):
                session.run(f"seal_{part}")
            ((lines, visitors),) = session.run("seal_size", **of_day)
            ((hosts,),) = session.run("seal_hosts")
            for first, last in _shares(visitors, lines / self._store.memory_limit_mib):
                self._seal_visitors(session, site, day, first, last)
                if hosts > 1:
                    session.run("seal_rollups_of_hosts")
            if hosts == 1:
                session.run("seal_rollups_of_one_host")
            for part in ("rollups", "page_rollups"):
                session.run(f"seal_{part}", **of_day, most_values=MOST_VALUES)
            for part in ("arrival_rollups", "drops", "late"):
                session.run(f"seal_{part}", **of_day)
            session.run("seal_ledger", **of_day, sealed_at_us=_microseconds(now))
            self._roll_up_spans(session, site, day)
            session.run("seal_forget_tokens")
        self._store.checkpoint_archive()
        _LOG.info("day_sealed", extra={"site": site, "date": day.isoformat()})

    def purge_removed(self, now: datetime) -> None:
        """Delete all that is kept about sites that were removed."""
        removed = self._control.removed()
        if not removed:
            return
        with self._loader.starting_over():
            for site in removed:
                with self._store.writing() as session:
                    session.run("purge_remember", site=site.id, removed_at_us=_microseconds(now))
                    for table in _ARCHIVED:
                        session.run(f"purge_{table}", site=site.id)
            self._store.rewrite("archive")
            self.clean_up()
        self._forget(removed)

    def roll_up_spans(self, site: int) -> None:
        """Sum up the spans that are over and not summed up yet: days came from another archive."""
        with self._store.writing() as session:
            _roll_up(session, site)

    def clean_up(self) -> None:
        """Delete from live what is sealed or purged, then chunks, then the old live file.

        While the ledger names a chunk that is not there, the live file may hold deleted bytes: a
        crash or a full disk came between, and it is rewritten at the next call.
        """
        chunks = {path.name: path for path in journal.chunks(self._directory)}
        with self._store.snapshot() as session:
            ((leftovers,),) = session.run("seal_leftovers")
            finished = [name for (name,) in session.run("finished_chunks")]
            known = {name for name, *_ in session.run("load_positions")}
        gone = [chunks[name] for name in finished if name in chunks]
        if not leftovers and not gone and known <= chunks.keys():
            return
        with self._store.writing() as session:
            for table in ("events", "arrivals", "pages", "visits", "drops", "day_keys", "erasures"):
                session.run(f"seal_forget_{table}")
            session.run("load_ledger", chunk=_NO_CHUNK, first_byte=0, end_byte=0, is_last=False)
        for path in gone:
            path.unlink()
        self._store.rewrite("live")
        with self._store.writing() as session:
            left = [path.name for path in journal.chunks(self._directory)]
            session.run("forget_ledger", left=left)
            session.run("forget_chunk_days", left=left)
        self._loader.reread_ledger()

    def _seal_visitors(self, session: Session, site: int, day: date, first: int, last: int) -> None:
        """Archive some of a day's visitors, and add them to its sums."""
        of_day = {"site": site, "date": day}
        session.run(
            "seal_numbered", **of_day, first_visitor=first, last_visitor=last, gap_us=VISIT_GAP_US
        )
        session.run("seal_computed", **of_day, gap_us=VISIT_GAP_US)
        for part in ("arrivals", "day_arrivals", "placed"):
            session.run(f"seal_{part}", site=site)
        session.run("seal_visits", **of_day)
        for part in ("readings", "count_joined", "page_visits", "name_visits"):
            session.run(f"seal_{part}")
        session.run("seal_events", **of_day)
        session.run("seal_rollups_of_visits", site=site)
        for part in ("arrivals", "hours", "names", "pages"):
            session.run(f"seal_rollups_of_{part}")

    def _roll_up_spans(self, session: Session, site: int, day: date) -> None:
        """Sum up what spans are over by now; the day's own anew if they were before."""
        session.run("seal_unroll", site=site, date=day)
        session.run("seal_unroll_spans", site=site, date=day)
        _roll_up(session, site)

    def _forget(self, removed: Iterable[Site]) -> None:
        for site in removed:
            self._control.forget(site.id)
            _LOG.info("site_purged", extra={"site": site.id})


def _roll_up(session: Session, site: int) -> None:
    for span, first, last in session.run("seal_spans_over", site=site):
        session.run("seal_span", site=site, span=span, first=first, last=last)
        session.run("seal_span_over", site=site, span=span, first=first)


def _shares(visitors: int, lines_a_mib: float) -> Iterator[tuple[int, int]]:
    """Yield the first and the last visitor of each share of a day that fits into memory."""
    shares = max(1, math.ceil(lines_a_mib / _LINES_A_MIB))
    size = math.ceil(visitors / shares)
    for first in range(1, visitors + 1, max(1, size)):
        yield first, min(visitors, first + size - 1)


def _microseconds(now: datetime) -> int:
    return int(now.timestamp() * 1_000_000)
