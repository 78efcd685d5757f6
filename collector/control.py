"""control.sqlite: which sites are counted, and who may look.

`serve`, ingest workers and the command line share this file. It keeps SQLite's rollback journal: a
few small writes a day gain nothing from a write-ahead log, which would add two files without which
a copy of the first may lack its last changes.
"""

import contextlib
import difflib
import hashlib
import hmac
import ipaddress
import os
import re
import secrets
import sqlite3
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit
from zoneinfo import available_timezones

_MIGRATIONS = Path(__file__).parent / "sql" / "control"
_BUSY_TIMEOUT_S = 5.0  # writes take milliseconds; longer means that something is stuck
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

RETENTION_MONTHS = 25  # two years can be compared
MOST_RETENTION_MONTHS = 1_200
RETENTION_SETTING = "retention_months"
LOGIN_LIFETIME = timedelta(days=30)
# No 0, o, 1, i, l: a key may be read aloud. 39 of 31 symbols are 193 bits.
_KEY_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_KEY_CHARACTERS = 39

# Lengths: RFC 1035, section 2.3.4. Underscores are no host names, but browsers visit them.
_DOMAIN_CHARACTERS = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_WRITE_A_HOST = "write a host name such as example.com"
_STANDING = "WHERE removed_at IS NULL ORDER BY domain"


class ControlError(Exception):
    """Something about sites or access cannot be done; the message says what and why."""


class StorageError(ControlError):
    """The file cannot be read or written: full disk, no permission, damage, or stuck."""

    def __init__(self, path: Path, cause: Exception) -> None:
        super().__init__(f"{path}: {cause}")


class NewerFileError(ControlError):
    """The file was written by a later version of the program."""

    def __init__(self, path: Path, found: int, known: int) -> None:
        super().__init__(
            f"{path} has format {found}, this program knows up to {known}: "
            "install the version that wrote it, or a later one"
        )


class BadDomainError(ControlError):
    """A text names no site."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r} cannot be a site: {reason}")


class BadTimezoneError(ControlError):
    """A text names no IANA time zone; `suggestions` are the nearest."""

    def __init__(self, text: str, suggestions: tuple[str, ...]) -> None:
        hint = (
            f"did you mean {' or '.join(suggestions)}?"
            if suggestions
            else "write it as in Europe/Berlin, America/New_York or UTC"
        )
        super().__init__(f"{text!r} is no time zone: {hint}")
        self.suggestions = suggestions


class SiteExistsError(ControlError):
    """The domain is a site already."""


class UnknownSiteError(ControlError):
    """There is no such site, or none that this can be done to."""


class AccessKeyConfiguredError(ControlError):
    """The key comes from the configuration, so it cannot be changed here."""


@dataclass(frozen=True, slots=True)
class Site:
    """One counted site: a host name and the time zone whose days it counts in."""

    id: int
    domain: str
    timezone: str
    created_at: datetime
    retention_months: int = RETENTION_MONTHS


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


def domain_name(text: str) -> str:
    """Return the host name under which a site is registered.

    Taken as meant: capitals, `http(s)://`, a closing slash or dot, and `www.`, because pages at
    `www.` count for the site without it. International names become ASCII as browsers send them.

    Raises:
        BadDomainError: anything else that is no bare host; the message says what to write.
    """
    bare = text.strip()
    try:
        parts = urlsplit(bare if "://" in bare else f"//{bare}")
    except ValueError:
        raise BadDomainError(text, _WRITE_A_HOST) from None
    if parts.scheme not in {"", "http", "https"}:
        raise BadDomainError(text, "only http and https pages are counted")
    host = _bare_host(parts.netloc)
    beyond = parts.path.removeprefix("/") or parts.query or parts.fragment
    if beyond or parts.netloc not in {host, f"[{host}]"}:
        advice = f"write {host}, without user name, port and path" if host else _WRITE_A_HOST
        raise BadDomainError(text, advice)
    return _address(host) or _ascii_name(text, host)


def _bare_host(authority: str) -> str:
    host = authority.rpartition("@")[2]
    if _address(host):
        return host
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _address(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _ascii_name(text: str, host: str) -> str:
    # U+3002, the ideographic full stop, separates labels too (UTS 46).
    name = unicodedata.normalize("NFKC", host).replace("\u3002", ".").removesuffix(".")
    labels = [_ascii_label(text, label) for label in name.split(".")]
    if labels[-1].isdigit():
        raise BadDomainError(text, "it ends like an IP address but is none")
    domain = ".".join(labels)
    if len(domain) > _DOMAIN_CHARACTERS:
        raise BadDomainError(text, f"a host name has at most {_DOMAIN_CHARACTERS} characters")
    bare = domain.removeprefix("www.")
    return bare if "." in bare else domain


def _ascii_label(text: str, label: str) -> str:
    """Return a label in lower-case ASCII, by UTS 46 as browsers apply it.

    The codec `idna` of the standard library is of 2003 and writes ss for the German sharp s, which
    is another domain; `str.lower` of a whole word would turn a closing sigma into another letter.
    """
    lower = unicodedata.normalize("NFC", "".join(character.lower() for character in label))
    if not lower.isascii() and all(unicodedata.category(c)[0] in "LMN" or c in "-_" for c in lower):
        lower = f"xn--{lower.encode('punycode').decode('ascii')}"
    if not _LABEL.fullmatch(lower):
        raise BadDomainError(text, _WRITE_A_HOST)
    return lower


def timezone_name(text: str) -> str:
    """Return the IANA name of a time zone, in its own capitals; spaces may stand for underscores.

    Raises:
        BadTimezoneError: there is no such zone; the message names the nearest.
    """
    zones = _zones()
    wanted = text.strip().replace(" ", "_").casefold()
    if wanted in zones:
        return zones[wanted]
    # People write the city alone more often than they mistype a continent.
    by_city = {folded.rpartition("/")[2]: name for folded, name in zones.items()}
    close = difflib.get_close_matches(wanted, by_city, n=2, cutoff=0.75)
    close_names = [by_city[city] for city in close]
    close_names += [zones[zone] for zone in difflib.get_close_matches(wanted, zones, n=1)]
    raise BadTimezoneError(text, tuple(dict.fromkeys(close_names)))


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    """Return time zone names by their case-folded form.

    `localtime` is whatever the machine says today, `Factory` is a placeholder: neither is a zone.
    """
    names = sorted(available_timezones() - {"localtime", "Factory"})
    if not names:
        raise ControlError("this machine has no time zone data: install its package tzdata")
    return {name.casefold(): name for name in names}


def migrate(connection: sqlite3.Connection, path: Path, folder: Path = _MIGRATIONS) -> None:
    """Apply the migrations `NNNN_*.sql` that a file lacks, each alone in its transaction.

    Several processes may do so at once: the version is read again under the write lock.

    Raises:
        NewerFileError: the file has a migration that `folder` has not.
    """
    scripts = {int(file.name[:4]): file for file in folder.glob("[0-9]*.sql")}
    newest = max(scripts)
    if (found := _version(connection)) > newest:
        raise NewerFileError(path, found, newest)
    for number in range(found + 1, newest + 1):
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            if _version(connection) < number:
                for statement in _statements(scripts[number].read_text(encoding="utf-8")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {number:d}")


def copy_file(source: Path, target: Path) -> None:
    """Copy control.sqlite as it is at one moment, whoever writes to it meanwhile.

    It is not brought up to date: what an older program wrote, that one can read again.

    Raises:
        StorageError: one of them cannot be opened, read or written.
    """
    try:
        with (
            contextlib.closing(_as_it_is(source)) as old,
            contextlib.closing(sqlite3.connect(target, timeout=_BUSY_TIMEOUT_S)) as new,
        ):
            old.backup(new)
    except sqlite3.Error as error:
        raise StorageError(source, error) from error


def look_through(path: Path) -> int:
    """Return how many sites stand in a file, having checked that it is whole.

    Raises:
        NewerFileError: a later version of the program wrote it.
        StorageError: it is damaged.
    """
    try:
        with contextlib.closing(_as_it_is(path)) as connection:
            newest = max(int(file.name[:4]) for file in _MIGRATIONS.glob("[0-9]*.sql"))
            if (found := _version(connection)) > newest:
                raise NewerFileError(path, found, newest)
            ((verdict,), *_) = connection.execute("PRAGMA integrity_check").fetchall()
            if verdict != "ok":
                raise sqlite3.DatabaseError(verdict)
            standing = "SELECT count(*) FROM sites WHERE removed_at IS NULL"
            return int(connection.execute(standing).fetchone()[0])
    except sqlite3.Error as error:
        raise StorageError(path, error) from error


def _as_it_is(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", timeout=_BUSY_TIMEOUT_S, uri=True)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _statements(script: str) -> Iterator[str]:
    """Split a script: `executescript` would commit the transaction it is called in."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


class Control:
    """The open file; every method may be called from any thread.

    Reading takes microseconds; writing takes milliseconds, and up to five seconds when another
    process writes. Every method raises StorageError when the file cannot be read or written.
    """

    def __init__(
        self, path: Path, connection: sqlite3.Connection, configured_key: str | None
    ) -> None:
        self._path = path
        self._connection = connection
        self._lock = threading.Lock()
        self._configured = None if configured_key is None else _digest(configured_key)

    @classmethod
    def open(cls, path: Path, access_key: str | None = None) -> Self:
        """Open the file, made (mode 0600) or brought up to date as needed.

        Args:
            path: where the file is or shall be; the directory must exist.
            access_key: the operator's own key; it takes the place of the stored one and is itself
                never written to disk.

        Raises:
            NewerFileError: a later version of the program wrote the file.
            StorageError: it cannot be made, or is no database.
        """
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = _connect(path)
        except (OSError, sqlite3.Error) as error:
            raise StorageError(path, error) from error
        return cls(path, connection, access_key)

    def close(self) -> None:
        """Close the file; later calls raise StorageError."""
        with self._lock:
            self._connection.close()

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Hold the connection; what SQLite has to say becomes a StorageError."""
        try:
            with self._lock:
                yield self._connection
        except sqlite3.Error as error:
            raise StorageError(self._path, error) from error

    @contextlib.contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """Hold the write lock from the start: two that read first could not both go on to write."""
        with self.reading() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

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
                (name, zone, _microseconds(now)),
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
                "UPDATE sites SET removed_at = ? WHERE id = ?", (_microseconds(now), site.id)
            )
            return site

    def set_retention(self, domain: str, months: int, now: datetime) -> Site:
        """Keep a site's sealed days for so many months; what is older then goes at once.

        Raises:
            UnknownSiteError: no such site.
            ControlError: nobody keeps numbers for so long, or so short.
        """
        if not 1 <= months <= MOST_RETENTION_MONTHS:
            raise ControlError(f"numbers are kept for 1 to {MOST_RETENTION_MONTHS} months")
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

    def purging(self, site_id: int) -> Purging:
        """Return how far a site is with deleting days for their age."""
        with self.reading() as connection:
            purged_on, purges_all, overdue_days = connection.execute(
                "SELECT purged_on, purges_all, overdue_days FROM sites WHERE id = ?", (site_id,)
            ).fetchone()
        return Purging(purged_on, bool(purges_all), overdue_days)

    def note_purging(self, site_id: int, purging: Purging) -> None:
        """Record how far a site is with deleting days for their age."""
        with self.writing() as connection:
            connection.execute(
                "UPDATE sites SET purged_on = ?, purges_all = ?, overdue_days = ? WHERE id = ?",
                (purging.purged_on, purging.purges_all, purging.overdue_days, site_id),
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
        return tuple(
            SettingChange(_EPOCH + changed_at * _MICROSECOND, *rest) for changed_at, *rest in rows
        )

    def texts(self) -> Iterator[str]:
        """Yield every text that is kept, for looking through all there is."""
        with self.reading() as connection:
            tables = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            for (table,) in tables.fetchall():
                rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
                yield from (value for row in rows for value in row if isinstance(value, str))

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

    def ensure_access_key(self) -> str | None:
        """Make the access key and return it, once ever; None if there is one, or one configured."""
        if self._configured is not None:
            return None
        with self.writing() as connection:
            if _stored_key(connection) is not None:
                return None
            return _make_key(connection)

    def reset_access_key(self) -> str:
        """Replace the access key and end all logins; return the new key, which is not kept.

        Raises:
            AccessKeyConfiguredError: the configuration sets the key.
        """
        if self._configured is not None:
            raise AccessKeyConfiguredError("the option access_key sets the key: change it there")
        with self.writing() as connection:
            connection.execute("DELETE FROM logins")
            return _make_key(connection)

    def check_access_key(self, key: str) -> bool:
        """Tell whether this is the access key; blanks around it come from pasting."""
        with self.reading() as connection:
            right = self._key_in_force(connection)
        return right is not None and hmac.compare_digest(_digest(key.strip()), right)

    def open_login(self, now: datetime) -> str:
        """Return the token of a new login, good for 30 days or until the access key changes.

        Raises:
            ControlError: there is no key to log in with yet.
        """
        token = secrets.token_urlsafe(32)  # bytes
        with self.writing() as connection:
            key = self._key_in_force(connection)
            if key is None:
                raise ControlError("there is no access key yet")
            connection.execute("DELETE FROM logins WHERE expires_at <= ?", (_microseconds(now),))
            connection.execute(
                "INSERT INTO logins VALUES (?, ?)",
                (_login_digest(token, key), _microseconds(now + LOGIN_LIFETIME)),
            )
        return token

    def login_valid(self, token: str, now: datetime) -> bool:
        """Tell whether a login is open: neither closed nor expired, and the key still the same."""
        with self.reading() as connection:
            key = self._key_in_force(connection)
            if key is None:
                return False
            row = connection.execute(
                "SELECT 1 FROM logins WHERE digest = ? AND expires_at > ?",
                (_login_digest(token, key), _microseconds(now)),
            ).fetchone()
        return row is not None

    def close_login(self, token: str) -> None:
        """End a login; closing one that is not open changes nothing."""
        with self.writing() as connection:
            key = self._key_in_force(connection)
            if key is not None:
                connection.execute(
                    "DELETE FROM logins WHERE digest = ?", (_login_digest(token, key),)
                )

    def _key_in_force(self, connection: sqlite3.Connection) -> bytes | None:
        return self._configured or _stored_key(connection)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    try:
        # EXTRA also makes the end of a transaction durable: a removal that was reported stays.
        connection.execute("PRAGMA synchronous = EXTRA")
        migrate(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _sites(connection: sqlite3.Connection, where: str, *values: str) -> tuple[Site, ...]:
    rows = connection.execute(
        f"SELECT id, domain, timezone, created_at, retention_months FROM sites {where}", values
    )
    return tuple(
        Site(number, domain, timezone, _EPOCH + created_at * _MICROSECOND, months)
        for number, domain, timezone, created_at, months in rows
    )


def _standing(connection: sqlite3.Connection, domain: str) -> Site | None:
    sites = _sites(connection, "WHERE domain = ? AND removed_at IS NULL", domain)
    return sites[0] if sites else None


def _known(connection: sqlite3.Connection, domain: str) -> Site:
    site = _standing(connection, domain)
    if site is None:
        names = [standing.domain for standing in _sites(connection, _STANDING)]
        raise UnknownSiteError(_no_site(domain, names))
    return site


def _note_change(
    connection: sqlite3.Connection,
    now: datetime,
    site: int,
    setting: str,
    before: str | None,
    after: str,
) -> None:
    connection.execute(
        "INSERT INTO setting_changes VALUES (?, ?, ?, ?, ?)",
        (_microseconds(now), site, setting, before, after),
    )


def _no_site(domain: str, domains: list[str]) -> str:
    close = difflib.get_close_matches(domain, domains, n=3)
    hint = f": did you mean {' or '.join(close)}?" if close else ""
    return f"there is no site {domain}{hint}"


def _microseconds(when: datetime) -> int:
    return (when - _EPOCH) // _MICROSECOND


def _digest(secret: str) -> bytes:
    """Return what is kept of a secret.

    A fast hash will do: 193 random bits cannot be guessed, however fast each guess. A configured
    key may be weaker and is therefore never stored in any form.
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def _login_digest(token: str, key: bytes) -> bytes:
    """Return what is kept of a login: bound to the key in force, so that a new key ends it.

    Keyed by the random token, it tells nothing about the key.
    """
    return hmac.digest(token.encode("utf-8", "surrogatepass"), key, "sha256")


def _stored_key(connection: sqlite3.Connection) -> bytes | None:
    row = connection.execute("SELECT digest FROM access_key").fetchone()
    return None if row is None else bytes(row[0])


def _make_key(connection: sqlite3.Connection) -> str:
    key = "".join(secrets.choice(_KEY_ALPHABET) for _ in range(_KEY_CHARACTERS))
    connection.execute("INSERT OR REPLACE INTO access_key VALUES (1, ?)", (_digest(key),))
    return key
