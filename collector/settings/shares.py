"""What is shown of a site to people without an account, in control.sqlite."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from collector.control_file import Connection, ControlError, ControlFile, microseconds, moment
from collector.people.tokens import digest, new_token

NAME_MAX_CHARACTERS: Final = 100
_MOST_SHARES = 100
_MOST_FRAMERS = 20
# A scheme, a host and perhaps a port, and nothing that means more to a content security policy.
_ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]{0,250}[a-z0-9])?(:[0-9]{1,5})?")
_COLUMNS = "id, site, name, password, segment, filters, created_at"


class ShareError(ControlError):
    """Something cannot be shared so; the message says why."""


@dataclass(frozen=True, slots=True)
class Publicity:
    """Whether everybody may look at a site, and which origins may embed what is shown."""

    is_public: bool = False
    framers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Share:
    """A link that shows one site's numbers.

    Args:
        password: what is kept of it, "" where none is asked for.
        segment: what the filters are called, "" without.
        filters: as they are written in addresses, and fixed.
    """

    id: int
    site: int
    name: str
    password: str
    segment: str
    filters: str
    created_at: datetime


def origins(written: str) -> tuple[str, ...]:
    """Return the origins in a text, in the order written.

    Raises:
        ShareError: one is none, or there are too many.
    """
    found = tuple(dict.fromkeys(each.rstrip("/").lower() for each in written.split()))
    for each in found:
        if not _ORIGIN.fullmatch(each):
            raise ShareError("write an origin as https://www.example.com")
    if len(found) > _MOST_FRAMERS:
        raise ShareError("that is more origins than a site may name")
    return found


class Shares:
    """All that is shared; every method may be called from any thread, and blocks."""

    def __init__(self, file: ControlFile) -> None:
        self._file = file

    def publicity(self, site: int) -> Publicity:
        """Return what everybody may see of a site: nothing, unless somebody decided so."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT is_public, framers FROM publicity WHERE site = ?", (site,)
            ).fetchone()
        return Publicity() if row is None else Publicity(bool(row[0]), tuple(row[1].split()))

    def publish(self, site: int, *, is_public: bool) -> None:
        """Show a site to everybody, or stop it."""
        with self._file.writing() as connection:
            _publicity_row(connection, site)
            connection.execute(
                "UPDATE publicity SET is_public = ? WHERE site = ?", (int(is_public), site)
            )

    def let_frame(self, site: int, framers: Sequence[str]) -> None:
        """Let pages of some origins embed what is shown, and no others."""
        with self._file.writing() as connection:
            _publicity_row(connection, site)
            connection.execute(
                "UPDATE publicity SET framers = ? WHERE site = ?", (" ".join(framers), site)
            )

    def of(self, site: int) -> tuple[Share, ...]:
        """Return the links to a site, newest first."""
        with self._file.reading() as connection:
            return _shares(connection, "WHERE site = ? ORDER BY id DESC", site)

    def add(
        self,
        site: int,
        name: str,
        now: datetime,
        *,
        password: str = "",
        segment: str = "",
        filters: str = "",
    ) -> str:
        """Make a link and return its token, which is not kept.

        Args:
            site: the only one it shows.
            name: for the list of links.
            now: when.
            password: the hash of one.
            segment: what the filters are called.
            filters: as they are written in addresses.

        Raises:
            ShareError: no name, a long one, or too many links.
        """
        short = " ".join(name.split())
        if not 0 < len(short) <= NAME_MAX_CHARACTERS:
            raise ShareError("say for whom the link is, in at most 100 characters")
        token = new_token()
        with self._file.writing() as connection:
            if len(_shares(connection, "WHERE site = ?", site)) >= _MOST_SHARES:
                raise ShareError("nobody needs so many links: revoke some")
            connection.execute(
                "INSERT INTO shares (site, digest, name, password, segment, filters, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (site, digest(token), short, password, segment, filters, microseconds(now)),
            )
        return token

    def revoke(self, site: int, share: int) -> Share | None:
        """Put an end to a link of a site, and return which it was."""
        with self._file.writing() as connection:
            found = _shares(connection, "WHERE site = ? AND id = ?", site, share)
            connection.execute("DELETE FROM shares WHERE site = ? AND id = ?", (site, share))
        return found[0] if found else None

    def by_token(self, token: str) -> Share | None:
        """Return the link that a token is of, while it is good."""
        with self._file.reading() as connection:
            found = _shares(connection, "WHERE digest = ?", digest(token))
        return found[0] if found else None


def _publicity_row(connection: Connection, site: int) -> None:
    known = connection.execute("SELECT 1 FROM publicity WHERE site = ?", (site,)).fetchone()
    if known is None:
        connection.execute("INSERT INTO publicity VALUES (?, 0, '')", (site,))


def _shares(connection: Connection, where: str, *values: int | bytes) -> tuple[Share, ...]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM shares {where}", values)
    return tuple(
        Share(number, site, name, password, segment, filters, moment(created_at))
        for number, site, name, password, segment, filters, created_at in rows
    )
