"""What is decided about counting: sites, how long they are kept, and what changed in that."""

import calendar
import contextlib
import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Self

from collector.control_file import (
    Connection,
    ControlError,
    ControlFile,
    microseconds,
    moment,
    opened,
)
from collector.settings.domains import BadDomainError, domain_name, timezone_name

RETENTION_MONTHS = 25  # two years can be compared
MOST_RETENTION_MONTHS = 1_200
RETENTION_SETTING = "retention_months"
_STANDING = "WHERE removed_at IS NULL ORDER BY domain"


def kept_from(today: date, months: int) -> date:
    """Return the first date that is kept: the same day so many months ago, or its month's last."""
    year, month = divmod(today.year * 12 + today.month - 1 - months, 12)
    last = calendar.monthrange(year, month + 1)[1] if year > 0 else 1
    return date(year, month + 1, min(today.day, last)) if year > 0 else date.min


def in_months(months: int) -> str:
    """Return for how long numbers are kept, as the command line says it."""
    return f"{months} month" if months == 1 else f"{months} months"


def check_retention(months: int) -> None:
    """Refuse a number of months for which nobody keeps numbers.

    Raises:
        ControlError: it is too small or too large; the message says what may be.
    """
    if not 1 <= months <= MOST_RETENTION_MONTHS:
        raise ControlError(f"numbers are kept for 1 to {MOST_RETENTION_MONTHS} months")


class SiteExistsError(ControlError):
    """The domain is a site already."""


class UnknownSiteError(ControlError):
    """There is no such site, or none that this can be done to."""


@dataclass(frozen=True, slots=True)
class Site:
    """One counted site: a host name and the time zone whose days it counts in."""

    id: int
    domain: str
    timezone: str
    created_at: datetime
    retention_months: int = RETENTION_MONTHS
    next_timezone: str = ""
    turns_at: datetime | None = None  # when that one holds
    turned_at: datetime | None = None  # when another one last came to hold

    def timezone_at(self, now: datetime) -> str:
        """Return the time zone that holds at a moment, also before that is written down."""
        return self.next_timezone if self.turns_at and now >= self.turns_at else self.timezone

    def turned_by(self, now: datetime) -> datetime | None:
        """Return when the time zone that holds at a moment came to hold; None of the first."""
        return self.turns_at if self.turns_at and now >= self.turns_at else self.turned_at


@dataclass(frozen=True, slots=True)
class Purging:
    """How far a site is with deleting days for their age."""

    purged_on: str  # the local date on which that was last done, ""
    purges_all: bool  # the operator has just decided how long days are kept
    overdue_days: int


@dataclass(frozen=True, slots=True)
class SettingChange:
    """A setting that the privacy statement speaks of had another value from some moment on."""

    changed_at: datetime
    site: int  # 0 for all
    setting: str
    before: str | None  # None where the record begins
    after: str


@dataclass(frozen=True, slots=True)
class RefusedDay:
    """A day that is over and could not be sealed, since some moment; `error` is of what kind."""

    site: int
    day: date
    since: datetime
    error: str


class Control(ControlFile):
    """The open control.sqlite: sites and settings; who may look at them is told by `accounts`.

    Every method may be called from any thread, and blocks.
    """

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open the file, made or brought up to date as needed.

        Args:
            path: where the file is or shall be; the directory must exist.

        Raises:
            NewerFileError: a later version of the program wrote the file.
            StorageError: it cannot be made, or is no database.
        """
        return cls(path, opened(path))

    def revision(self) -> int:
        """Return a number that is another one after any process changed a site.

        Cheap enough to ask every second.
        """
        with self.reading() as connection:
            return int(connection.execute("SELECT number FROM revision").fetchone()[0])

    def sites(self) -> tuple[Site, ...]:
        """Return the sites that count, by domain."""
        with self.reading() as connection:
            return _sites(connection, _STANDING)

    def site(self, domain: str) -> Site | None:
        """Return the site of a domain, written in any way `domain_name` takes."""
        with contextlib.suppress(BadDomainError), self.reading() as connection:
            return _standing(connection, domain_name(domain))
        return None

    def known_site(self, domain: str) -> Site:
        """Return the site of a domain.

        Raises:
            BadDomainError: it is no host name.
            UnknownSiteError: no such site; the message names the nearest.
        """
        with self.reading() as connection:
            return _known(connection, domain_name(domain))

    def add_site(self, domain: str, timezone: str, now: datetime) -> Site:
        """Register a site under an id that no site ever had.

        Raises:
            BadDomainError, BadTimezoneError: the message says what to write.
            SiteExistsError: the domain is a site already.
        """
        name, zone = domain_name(domain), timezone_name(timezone)
        with self.writing() as connection:
            if _standing(connection, name):
                raise SiteExistsError(f"{name} is a site already")
            connection.execute(
                "INSERT INTO sites (domain, timezone, created_at) VALUES (?, ?, ?)",
                (name, zone, microseconds(now)),
            )
            return _sites(connection, "WHERE id = last_insert_rowid()")[0]

    def remove_site(self, domain: str, now: datetime) -> Site:
        """Stop counting a site; its numbers are for the owner of the stores to delete.

        Raises:
            UnknownSiteError: no such site; the message names the nearest.
        """
        name = domain_name(domain)
        with self.writing() as connection:
            site = _known(connection, name)
            connection.execute(
                "UPDATE sites SET removed_at = ? WHERE id = ?", (microseconds(now), site.id)
            )
            return site

    def set_retention(self, domain: str, months: int, now: datetime) -> Site:
        """Keep a site's sealed days for so many months; what is older then goes at once.

        Raises:
            UnknownSiteError: no such site.
            ControlError: nobody keeps numbers for so long, or so short.
        """
        check_retention(months)
        with self.writing() as connection:
            site = _known(connection, domain_name(domain))
            connection.execute(
                "UPDATE sites SET retention_months = ?, purges_all = 1 WHERE id = ?",
                (months, site.id),
            )
            if months != site.retention_months:
                change = (RETENTION_SETTING, str(site.retention_months), str(months))
                _note_change(connection, now, site.id, *change)
            return _known(connection, site.domain)

    def turn_later(self, site_id: int, timezone: str, turns_at: datetime) -> None:
        """Let a site have another time zone from a moment on; the last word counts."""
        with self.writing() as connection:
            connection.execute(
                "UPDATE sites SET next_timezone = ?, turns_at = ? WHERE id = ?",
                (timezone, microseconds(turns_at), site_id),
            )

    def turn_never(self, site_id: int) -> None:
        """Let a site keep its time zone after all."""
        with self.writing() as connection:
            connection.execute(
                "UPDATE sites SET next_timezone = '', turns_at = NULL WHERE id = ?", (site_id,)
            )

    def turn_at_once(self, site_id: int, timezone: str) -> None:
        """Give a site another time zone now: nothing was counted in the one before."""
        with self.writing() as connection:
            connection.execute(
                "UPDATE sites SET timezone = ?, next_timezone = '', turns_at = NULL WHERE id = ?",
                (timezone, site_id),
            )

    def turn_due(self, now: datetime) -> tuple[Site, ...]:
        """Write down that the next time zone of sites holds; return these as they were before."""
        due = "WHERE turns_at <= ?"
        with self.writing() as connection:
            before = _sites(connection, due, microseconds(now))
            connection.execute(
                "UPDATE sites SET timezone = next_timezone, next_timezone = '',"
                f" turned_at = turns_at, turns_at = NULL {due}",
                (microseconds(now),),
            )
        return before

    def purging(self, site_id: int) -> Purging:
        """Return how far a site is with deleting days for their age."""
        with self.reading() as connection:
            purged_on, purges_all, overdue_days = connection.execute(
                "SELECT purged_on, purges_all, overdue_days FROM sites WHERE id = ?", (site_id,)
            ).fetchone()
        return Purging(purged_on, bool(purges_all), overdue_days)

    def note_purging(self, site: Site, before: Purging, after: Purging) -> None:
        """Record how far a site is with deleting days for their age.

        What the operator has decided since `site` and `before` were read stands: only a decision
        that was known, and is still the same, can have been carried out.
        """
        is_done = before.purges_all and not after.purges_all
        with self.writing() as connection:
            connection.execute(
                "UPDATE sites SET purged_on = ?, overdue_days = ?,"
                " purges_all = purges_all AND NOT (? AND retention_months = ?) WHERE id = ?",
                (after.purged_on, after.overdue_days, is_done, site.retention_months, site.id),
            )

    def note_settings(self, settings: Mapping[str, str], now: datetime) -> None:
        """Record what has changed of the settings that hold for all sites."""
        with self.writing() as connection:
            for setting, value in settings.items():
                last = connection.execute(
                    "SELECT after FROM setting_changes WHERE site = 0 AND setting = ?"
                    " ORDER BY rowid DESC LIMIT 1",
                    (setting,),
                ).fetchone()
                if last is None or last[0] != value:
                    _note_change(connection, now, 0, setting, last and last[0], value)

    def setting_changes(self) -> tuple[SettingChange, ...]:
        """Return all changes on record, oldest first."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT changed_at, site, setting, before, after FROM setting_changes"
                " ORDER BY rowid"
            ).fetchall()
        return tuple(SettingChange(moment(changed_at), *rest) for changed_at, *rest in rows)

    def note_refused_day(self, refused: RefusedDay) -> None:
        """Record that a day cannot be sealed; it stays so since it was first noted."""
        day = (refused.site, refused.day.isoformat())
        with self.writing() as connection:
            known = "SELECT 1 FROM refused_days WHERE site = ? AND date = ?"
            if connection.execute(known, day).fetchone() is None:
                more = (microseconds(refused.since), refused.error)
                connection.execute("INSERT INTO refused_days VALUES (?, ?, ?, ?)", (*day, *more))

    def note_sealed_day(self, site: int, day: date) -> None:
        """Drop what is on record about a day that could not be sealed at first."""
        with self.writing() as connection:
            gone = "DELETE FROM refused_days WHERE site = ? AND date = ?"
            connection.execute(gone, (site, day.isoformat()))

    def refused_days(self) -> tuple[RefusedDay, ...]:
        """Return the days that could not be sealed, oldest first."""
        with self.reading() as connection:
            rows = connection.execute(
                "SELECT site, date, since, error FROM refused_days ORDER BY date, site"
            ).fetchall()
        return tuple(
            RefusedDay(site, date.fromisoformat(day), moment(since), error)
            for site, day, since, error in rows
        )

    def removed(self) -> tuple[Site, ...]:
        """Return the removed sites whose numbers are still to be deleted, by id."""
        with self.reading() as connection:
            return _sites(connection, "WHERE removed_at IS NOT NULL ORDER BY id")

    def forget(self, site_id: int) -> None:
        """Drop a removed site, now that its numbers are gone.

        Raises:
            UnknownSiteError: no removed site has this id.
        """
        with self.writing() as connection:
            gone = connection.execute(
                "DELETE FROM sites WHERE id = ? AND removed_at IS NOT NULL", (site_id,)
            )
            if gone.rowcount == 0:
                raise UnknownSiteError(f"there is no removed site with the id {site_id}")
            connection.execute("DELETE FROM setting_changes WHERE site = ?", (site_id,))
            connection.execute("DELETE FROM refused_days WHERE site = ?", (site_id,))


def _sites(connection: Connection, where: str, *values: str | int) -> tuple[Site, ...]:
    rows = connection.execute(
        "SELECT created_at, turns_at, turned_at, id, domain, timezone, retention_months,"
        f" next_timezone FROM sites {where}",
        values,
    )
    return tuple(_site(*row) for row in rows)


def _site(created_us: int, turns_us: int | None, turned_us: int | None, *row: Any) -> Site:  # noqa: ANN401 - as SQLite has them
    number, domain, timezone, months, next_timezone = row
    turns_at, turned_at = (None if us is None else moment(us) for us in (turns_us, turned_us))
    created_at = moment(created_us)
    return Site(number, domain, timezone, created_at, months, next_timezone, turns_at, turned_at)


def _standing(connection: Connection, domain: str) -> Site | None:
    sites = _sites(connection, "WHERE domain = ? AND removed_at IS NULL", domain)
    return sites[0] if sites else None


def _known(connection: Connection, domain: str) -> Site:
    site = _standing(connection, domain)
    if site is None:
        names = [standing.domain for standing in _sites(connection, _STANDING)]
        raise UnknownSiteError(_no_site(domain, names))
    return site


def _note_change(
    connection: Connection,
    now: datetime,
    site: int,
    setting: str,
    before: str | None,
    after: str,
) -> None:
    connection.execute(
        "INSERT INTO setting_changes VALUES (?, ?, ?, ?, ?)",
        (microseconds(now), site, setting, before, after),
    )


def _no_site(domain: str, domains: list[str]) -> str:
    close = difflib.get_close_matches(domain, domains, n=3)
    hint = f": did you mean {' or '.join(close)}?" if close else ""
    return f"there is no site {domain}{hint}"
