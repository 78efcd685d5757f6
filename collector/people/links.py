"""Links that are good once: to set up, to join, to choose a new password; in control.sqlite."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from collector.control_file import Connection, ControlFile, microseconds, moment
from collector.people.accounts import (
    ALL_SITES,
    AccountError,
    Role,
    User,
    add_user,
    address,
    one_user,
    set_role,
)
from collector.people.tokens import digest, new_token


class Purpose(StrEnum):
    """What a link is for."""

    SETUP = "setup"  # makes an account that decides about all sites
    INVITATION = "invitation"  # gives a role on a site
    RESET = "reset"  # chooses a new password


LIFETIME: Final[Mapping[Purpose, timedelta]] = {
    Purpose.SETUP: timedelta(days=1),
    Purpose.INVITATION: timedelta(days=7),
    Purpose.RESET: timedelta(hours=4),
}
_OPERATOR: Final = ""  # who made a link on the command line


class LinkGoneError(AccountError):
    """A link was used, withdrawn, has expired, or never was."""

    def __init__(self) -> None:
        super().__init__("this link was used already, or is too old")


@dataclass(frozen=True, slots=True)
class Link:
    """A link: for whom ("" where its holder says), and what it gives. Its token is not kept."""

    id: int
    purpose: Purpose
    email: str
    site: int
    role: Role
    made_by: str  # an account's name; "" for the operator
    expires_at: datetime


class Links:
    """Links that nobody has used yet; every method may be called from any thread, and blocks."""

    def __init__(self, file: ControlFile) -> None:
        self._file = file

    def set_up(self, now: datetime) -> str:
        """Return the token of a link that makes a first account; it ends those before it."""
        with self._file.writing() as connection:
            return _made(connection, Purpose.SETUP, "", ALL_SITES, Role.OWNER, _OPERATOR, now)

    def invite(self, email: str, site: int, role: Role, made_by: str, now: datetime) -> str:
        """Return the token of a link that gives somebody a role on a site.

        Raises:
            AccountError: that is no e-mail address.
        """
        with self._file.writing() as connection:
            name = address(email)
            return _made(connection, Purpose.INVITATION, name, site, role, made_by, now)

    def reset(self, email: str, now: datetime) -> str:
        """Return the token of a link by which somebody chooses a new password.

        Raises:
            AccountError: there is no such account.
        """
        with self._file.writing() as connection:
            user = one_user(connection, "WHERE email = ?", email.strip().lower())
            if user is None:
                raise AccountError(f"there is no account {email}")
            given = (Purpose.RESET, user.email, ALL_SITES, Role.VIEWER, _OPERATOR)
            return _made(connection, *given, now)

    def find(self, token: str, now: datetime) -> Link | None:
        """Return the link of a token while it is good."""
        with self._file.reading() as connection:
            return _good(connection, token, now)

    def invitations(self, site: int, now: datetime) -> tuple[Link, ...]:
        """Return the invitations to a site that nobody has taken up yet, oldest first."""
        with self._file.reading() as connection:
            where = "purpose = ? AND site = ? AND expires_at > ? ORDER BY id"
            return _links(connection, where, Purpose.INVITATION, site, microseconds(now))

    def withdraw(self, site: int, link_id: int) -> None:
        """Make an invitation to a site worthless; one to another site stays."""
        with self._file.writing() as connection:
            connection.execute(
                "DELETE FROM links WHERE purpose = ? AND site = ? AND id = ?",
                (Purpose.INVITATION, site, link_id),
            )

    def accept(self, token: str, email: str, password: str | None, now: datetime) -> User:
        """Use a link up, and do what it is for.

        A name that the link has goes before `email`; the hash of a password that is None leaves
        an account its own.

        Raises:
            LinkGoneError: it is not good any more.
            AccountError: the name is none, or is taken.
        """
        with self._file.writing() as connection:
            link = _good(connection, token, now)
            if link is None:
                raise LinkGoneError
            connection.execute("DELETE FROM links WHERE id = ?", (link.id,))
            return _done(connection, link, email, password, now)


def _done(
    connection: Connection, link: Link, email: str, password: str | None, now: datetime
) -> User:
    user = one_user(connection, "WHERE email = ?", link.email)
    if link.purpose is Purpose.RESET:
        if user is None or password is None:
            raise LinkGoneError
        connection.execute("UPDATE users SET password = ? WHERE id = ?", (password, user.id))
        for table in ("logins", "devices"):
            connection.execute(f"DELETE FROM {table} WHERE user = ?", (user.id,))
        return user
    if user is None:
        if password is None:
            raise AccountError("choose a password")
        user = add_user(connection, link.email or email, password, now)
    held = connection.execute(
        "SELECT role FROM memberships WHERE user = ? AND site = ?", (user.id, link.site)
    ).fetchone()
    if held is None or not Role(held[0]).includes(link.role):
        set_role(connection, user.id, link.site, link.role)
    return user


def _made(
    connection: Connection,
    purpose: Purpose,
    email: str,
    site: int,
    role: Role,
    made_by: str,
    now: datetime,
) -> str:
    connection.execute(
        "DELETE FROM links WHERE expires_at <= ? OR (purpose = ? AND email = ? AND site = ?)",
        (microseconds(now), purpose, email, site),
    )
    token = new_token()
    connection.execute(
        "INSERT INTO links (digest, purpose, email, site, role, made_by, expires_at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (digest(token), purpose, email, site, role, made_by, microseconds(now + LIFETIME[purpose])),
    )
    return token


def _good(connection: Connection, token: str, now: datetime) -> Link | None:
    found = _links(connection, "digest = ? AND expires_at > ?", digest(token), microseconds(now))
    return found[0] if found else None


def _links(connection: Connection, where: str, *values: object) -> tuple[Link, ...]:
    rows = connection.execute(
        f"SELECT id, purpose, email, site, role, made_by, expires_at FROM links WHERE {where}",
        values,
    )
    return tuple(
        Link(number, Purpose(purpose), email, site, Role(role), made_by, moment(expires_at))
        for number, purpose, email, site, role, made_by, expires_at in rows
    )
