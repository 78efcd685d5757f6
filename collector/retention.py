"""Retention: sealed days that a site has kept for as long as it may are deleted.

What is deleted cannot be had back, so a wrong clock must not do much harm: of a site at most two
days go in one of its days, which after a standstill catches up by one a day. Only when the
operator has just said how long days are kept, all that is due then goes at once.
"""

import calendar
import logging
from datetime import date, datetime, timedelta

from collector.control import Control, Purging, Site
from collector.keys import local_date
from collector.load import Loader
from collector.store import Store

_LOG = logging.getLogger("gatecount.retention")
MOST_DAYS_A_DAY = 2
_ONE_DAY = timedelta(days=1)
# The last two hold words that several days share, and go with the last day that speaks of them.
_TABLES = (
    "visits", "events", "rollups", "page_rollups", "page_weeks", "page_months", "rolled_spans",
    "drops", "sealed", "pages", "arrivals",
)  # fmt: skip


def kept_from(today: date, months: int) -> date:
    """Return the first date that is kept: the same day so many months ago, or its month's last."""
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1] if year > 0 else 1
    return date(year, month + 1, min(today.day, last)) if year > 0 else date.min


class Retention:
    """Deletes what is too old. Used by the loader's thread, between two loads."""

    def __init__(self, store: Store, loader: Loader, control: Control) -> None:
        self._store = store
        self._loader = loader
        self._control = control

    def purge_due(self, now: datetime) -> int:
        """Delete the days of all sites that may go now; return how many."""
        with self._loader.starting_over():
            purged = sum(self._purge(site, now) for site in self._control.sites())
            if purged:
                self._store.rewrite("archive")
        return purged

    def _purge(self, site: Site, now: datetime) -> int:
        today = local_date(site.timezone, now)
        before = self._control.purging(site.id)
        due = self._due(site, today)
        if before.purges_all:
            going = due
        else:
            going = due[:MOST_DAYS_A_DAY] if before.purged_on != today.isoformat() else []
        purged_on = today.isoformat() if going else before.purged_on
        after = Purging(purged_on, purges_all=False, overdue_days=len(due) - len(going))
        if going and not before.purges_all:
            # Before it is done: should the process end now, rather too few go today than too many.
            self._control.note_purging(site.id, after)
        if going:
            self._delete(site, going[-1] + _ONE_DAY)
        if after != before:
            self._control.note_purging(site.id, after)
        return len(going)

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
