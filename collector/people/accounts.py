"""People and what they are to each site, in control.sqlite."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from collector.control_file import Connection, ControlError, ControlFile, microseconds, moment

ALL_SITES: Final = 0  # the id that stands for every site, those to come too
_HANDLE_BYTES = 64  # what WebAuthn, section 14.6.1, recommends for user handles
_EMAIL_MAX_CHARACTERS = 254  # RFC 5321, 4.5.3.1.3, without the angle brackets
_EMAIL = re.compile(r"[^@\s<>\x00-\x1f]{1,64}@[^@\s<>\x00-\x1f]+")


class Role(StrEnum):
    """What somebody is to a site; each may do what those before it may."""

    VIEWER = "viewer"  # looks at numbers
    EDITOR = "editor"  # writes annotations, segments and goals as well
    OWNER = "owner"  # decides about people, keys and settings as well

    def includes(self, least: "Role") -> bool:
        """Tell whether who has this role may do what `least` may."""
        return _ORDER.index(self) >= _ORDER.index(least)


_ORDER = tuple(Role)


class AccountError(ControlError):
    """Something about an account cannot be done; the message says why."""


@dataclass(frozen=True, slots=True)
class User:
    """Somebody with an account. The e-mail address is its name, in lower case."""

    id: int
    email: str
    created_at: datetime
    handle: bytes
    has_codes: bool  # asks for a code of an authenticator after the password


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody with their role: on one site, or on all of them."""

    user: User
    role: Role
    on_all_sites: bool


class Accounts:
    """People and their roles; every method may be called from any thread, and blocks."""

    def __init__(self, file: ControlFile) -> None:
        self._file = file

    def exist(self) -> bool:
        """Tell whether there is any account yet."""
        with self._file.reading() as connection:
            return connection.execute("SELECT 1 FROM users").fetchone() is not None

    def user(self, user_id: int) -> User | None:
        """Return the account of an id."""
        with self._file.reading() as connection:
            return one_user(connection, "WHERE id = ?", user_id)

    def named(self, email: str) -> User | None:
        """Return the account of an e-mail address, in whatever case."""
        with self._file.reading() as connection:
            return one_user(connection, "WHERE email = ?", email.strip().lower())

    def all(self) -> tuple[User, ...]:
        """Return all accounts, by name."""
        with self._file.reading() as connection:
            return _users(connection, "ORDER BY email")

    def add(self, email: str, password: str, now: datetime) -> User:
        """Make an account that may look at nothing yet, with the hash of a password.

        Raises:
            AccountError: the address is none, or has an account already.
        """
        with self._file.writing() as connection:
            return add_user(connection, email, password, now)

    def password(self, user: User) -> str:
        """Return what is kept of a password."""
        with self._file.reading() as connection:
            row = connection.execute("SELECT password FROM users WHERE id = ?", (user.id,))
            found = row.fetchone()
        return str(found[0]) if found else ""

    def set_password(self, user: User, password: str) -> None:
        """Keep another hash of a password."""
        with self._file.writing() as connection:
            connection.execute("UPDATE users SET password = ? WHERE id = ?", (password, user.id))

    def remove(self, user: User) -> None:
        """Remove an account with all that belongs to it.

        Raises:
            AccountError: nobody would be left who decides about all sites.
        """
        with self._file.writing() as connection:
            connection.execute("DELETE FROM users WHERE id = ?", (user.id,))
            _keep_an_owner(connection)

    def roles(self, user: User) -> Mapping[int, Role]:
        """Return what somebody is to each site, by its id."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT site, role FROM memberships WHERE user = ?", (user.id,)
            ).fetchall()
        return {site: Role(role) for site, role in rows}

    def members(self, site: int) -> tuple[Member, ...]:
        """Return who may look at a site, by name; who has a role on all sites comes along."""
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT user, role, site FROM memberships WHERE site IN (?, ?)", (site, ALL_SITES)
            ).fetchall()
            found = [
                Member(user, Role(role), of == ALL_SITES)
                for number, role, of in rows
                if (user := one_user(connection, "WHERE id = ?", number))
            ]
        return tuple(sorted(found, key=lambda each: (each.user.email, each.on_all_sites)))

    def give(self, user: User, site: int, role: Role) -> None:
        """Give somebody a role on a site in place of the one before.

        Raises:
            AccountError: nobody would be left who decides about all sites.
        """
        with self._file.writing() as connection:
            set_role(connection, user.id, site, role)
            _keep_an_owner(connection)

    def take(self, user: User, site: int) -> None:
        """Take somebody's role on a site away.

        Raises:
            AccountError: nobody would be left who decides about all sites.
        """
        with self._file.writing() as connection:
            connection.execute(
                "DELETE FROM memberships WHERE user = ? AND site = ?", (user.id, site)
            )
            _keep_an_owner(connection)


def address(email: str) -> str:
    """Return an e-mail address as accounts are named by.

    Raises:
        AccountError: it is none.
    """
    name = email.strip().lower()
    if len(name) > _EMAIL_MAX_CHARACTERS or not _EMAIL.fullmatch(name):
        raise AccountError("an account's name is an e-mail address")
    return name


def add_user(connection: Connection, email: str, password: str, now: datetime) -> User:
    """Make an account within a transaction; see `Accounts.add`."""
    name = address(email)
    if one_user(connection, "WHERE email = ?", name):
        raise AccountError("this address has an account already")
    connection.execute(
        "INSERT INTO users (email, password, created_at, handle) VALUES (?, ?, ?, ?)",
        (name, password, microseconds(now), secrets.token_bytes(_HANDLE_BYTES)),
    )
    user = one_user(connection, "WHERE id = last_insert_rowid()")
    assert user is not None  # noqa: S101 - it was written in this transaction
    return user


def set_role(connection: Connection, user: int, site: int, role: Role) -> None:
    """Give somebody a role within a transaction."""
    connection.execute("DELETE FROM memberships WHERE user = ? AND site = ?", (user, site))
    connection.execute("INSERT INTO memberships VALUES (?, ?, ?)", (user, site, role))


def one_user(connection: Connection, where: str, *values: object) -> User | None:
    """Return the account that a condition is about."""
    users = _users(connection, where, *values)
    return users[0] if users else None


def _users(connection: Connection, where: str, *values: object) -> tuple[User, ...]:
    rows = connection.execute(
        f"SELECT id, email, created_at, handle, totp_secret IS NOT NULL FROM users {where}",
        values,
    )
    return tuple(
        User(number, email, moment(created_at), bytes(handle), bool(has_codes))
        for number, email, created_at, handle, has_codes in rows
    )


def _keep_an_owner(connection: Connection) -> None:
    owner = connection.execute(
        "SELECT 1 FROM memberships WHERE site = ? AND role = ?", (ALL_SITES, Role.OWNER)
    ).fetchone()
    if owner is None:  # the transaction is given up with this
        raise AccountError("somebody has to be left who decides about all sites")
