"""Retention: sealed days that a site has kept for as long as it may are deleted.

What is deleted cannot be had back, so a wrong clock must not do much harm: of a site at most two
days go in one of its days, which after a standstill catches up by one a day. Only when the
operator has just said how long days are kept, all that is due then goes at once.
"""

import logging
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from collector.control import Control, Purging, Site, kept_from
from collector.keys import local_date
from collector.load import Loader
from collector.store import Store

_LOG = logging.getLogger("gatecount.retention")
MOST_DAYS_A_DAY = 2
_ONE_DAY = timedelta(days=1)
# The last two hold words that several days share, and go with the last day that speaks of them.
_TABLES = (
    "visits", "events", "rollups", "arrival_rollups", "page_rollups", "page_spans", "rolled_spans",
    "drops", "sealed", "pages", "arrivals",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one site."""

    site: Site
    before: Purging
    after: Purging
    days: int  # deleted just now
    leaves_bytes: bool  # in the archive's file, until that is rewritten


class Retention:
    """Deletes what is too old. Used by the loader's thread, between two loads."""

    def __init__(self, store: Store, loader: Loader, control: Control) -> None:
        self._store = store
        self._loader = loader
        self._control = control

    def purge_due(self, now: datetime) -> int:
        """Delete the days of all sites that may go now; return how many.

        What control.sqlite says comes first: the days that are going, then that they are gone.
        Fewer days than it says are an end in between, after which the archive was not rewritten.
        """
        with self._loader.starting_over():
            done = [self._purge(site, now) for site in self._control.sites()]
            if any(one.leaves_bytes for one in done):
                self._store.rewrite("archive")
            for one in done:
                if one.after != one.before:
                    self._control.note_purging(one.site, one.before, one.after)
        return sum(one.days for one in done)

    def _purge(self, site: Site, now: datetime) -> _Done:
        today = local_date(site.timezone, now)
        before = self._control.purging(site.id)
        due = self._due(site, today)
        if before.purges_all:
            going = due
        else:
            going = due[:MOST_DAYS_A_DAY] if before.purged_on != today.isoformat() else []
        purged_on = before.purged_on
        if going:
            purged_on = today.isoformat()
            # Should the process end now, rather too few days go today than too many.
            going_on = Purging(purged_on, before.purges_all, overdue_days=len(due))
            self._control.note_purging(site, before, going_on)
            self._delete(site, going[-1] + _ONE_DAY)
        left = Purging(purged_on, purges_all=False, overdue_days=len(due) - len(going))
        was_broken_off = before.overdue_days > len(due)
        return _Done(site, before, left, len(going), leaves_bytes=bool(going) or was_broken_off)

    def _due(self, site: Site, today: date) -> list[date]:
        first = kept_from(today, site.retention_months)
        with self._store.snapshot() as session:
            return [day for (day,) in session.run("purge_days_due", site=site.id, kept_from=first)]

    def _delete(self, site: Site, before: date) -> None:
        with self._store.writing() as session:
            for table in _TABLES:
                words = {} if table in {"pages", "arrivals"} else {"before": before}
                session.run(f"purge_days_{table}", site=site.id, **words)
        _LOG.info("days_purged", extra={"site": site.id, "date": before.isoformat()})
