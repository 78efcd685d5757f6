"""Logins of people, and browsers they are known in, in control.sqlite."""

import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Final

from collector.control_file import Connection, ControlFile, microseconds, moment
from collector.people.accounts import User, one_user
from collector.people.tokens import digest, new_token

LOGIN_LIFETIME: Final = timedelta(days=30)
LOGIN_IDLE: Final = timedelta(days=14)  # unused for so long it ends before
DEVICE_LIFETIME: Final = timedelta(days=400)  # the longest that browsers keep a cookie
# Of one account; who lets a program log in all day long has no use for more, nor a page for a list.
MOST_LOGINS: Final = 100
_MARK_CHARACTERS: Final = 16  # 64 bits: it only spares a look into the table
_USE_NOTED_EVERY: Final = timedelta(hours=1)
_OPEN = "opened_at > ? AND used_at > ?"


class Way(StrEnum):
    """By what a login was opened."""

    PASSWORD = "password"  # noqa: S105 - a word, no password
    CODE = "code"  # password and a code of an authenticator
    RECOVERY = "recovery"  # password and a recovery code
    PASSKEY = "passkey"
    LINK = "link"


@dataclass(frozen=True, slots=True)
class Login:
    """An open login: whose, by what it was opened and when, and the hour it was last used in."""

    id: int
    user: User
    way: Way
    opened_at: datetime
    used_at: datetime


class Logins:
    """Open logins; every method may be called from any thread, and blocks."""

    def __init__(self, file: ControlFile) -> None:
        self._file = file

    def open(self, user: User, way: Way, now: datetime) -> str:
        """Return the token of a new login; of too many, the one ends that was not used longest."""
        token = new_token()
        with self._file.writing() as connection:
            connection.execute(f"DELETE FROM logins WHERE NOT ({_OPEN})", _since(now))
            connection.execute(
                "INSERT INTO logins (digest, user, way, opened_at, used_at) VALUES (?, ?, ?, ?, ?)",
                (digest(token), user.id, way, microseconds(now), microseconds(_hour(now))),
            )
            connection.execute(
                "DELETE FROM logins WHERE id IN (SELECT id FROM logins WHERE user = ?"
                " ORDER BY used_at DESC, id DESC LIMIT -1 OFFSET ?)",
                (user.id, MOST_LOGINS),
            )
        return token

    def find(self, token: str, now: datetime) -> Login | None:
        """Return the login of a token while it is open; that it was used is noted hourly."""
        with self._file.reading() as connection:
            found = _logins(connection, f"digest = ? AND {_OPEN}", digest(token), *_since(now))
        if not found:
            return None
        if now - found[0].used_at >= _USE_NOTED_EVERY:
            with self._file.writing() as connection:
                connection.execute(
                    "UPDATE logins SET used_at = ? WHERE id = ?",
                    (microseconds(_hour(now)), found[0].id),
                )
        return found[0]

    def of(self, user: User, now: datetime) -> tuple[Login, ...]:
        """Return somebody's open logins, the newest first."""
        with self._file.reading() as connection:
            where = f"user = ? AND {_OPEN} ORDER BY id DESC"
            return _logins(connection, where, user.id, *_since(now))

    def close(self, token: str) -> None:
        """End a login; closing one that is not open changes nothing."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM logins WHERE digest = ?", (digest(token),))

    def end(self, user: User, login_id: int) -> None:
        """End one of somebody's logins; one that is not theirs stays."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM logins WHERE user = ? AND id = ?", (user.id, login_id))

    def end_others(self, user: User, kept: int | None = None) -> None:
        """End all of somebody's logins, but one; and forget the browsers they are known in."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM logins WHERE user = ? AND id IS NOT ?", (user.id, kept))
            connection.execute("DELETE FROM devices WHERE user = ?", (user.id,))

    def remember_device(self, user: User, now: datetime) -> str:
        """Return a token by which a browser shows that somebody has logged in there before."""
        secret = new_token()
        token = f"{secret}.{self._mark(secret)}"
        with self._file.writing() as connection:
            gone = microseconds(now - DEVICE_LIFETIME)
            connection.execute("DELETE FROM devices WHERE used_at <= ?", (gone,))
            connection.execute(
                "INSERT INTO devices VALUES (?, ?, ?)", (digest(token), user.id, microseconds(now))
            )
            connection.execute(
                "DELETE FROM devices WHERE digest IN (SELECT digest FROM devices WHERE user = ?"
                " ORDER BY used_at DESC, rowid DESC LIMIT -1 OFFSET ?)",
                (user.id, MOST_LOGINS),
            )
        return token

    def made_device(self, token: str) -> bool:
        """Tell whether a browser's token was made here, whoever's it is; nothing is read for it."""
        secret, _, mark = token.partition(".")
        return hmac.compare_digest(mark.encode("utf-8", "replace"), self._mark(secret).encode())

    def _mark(self, secret: str) -> str:
        told = secret.encode("utf-8", "surrogatepass")
        return hmac.digest(self._device_key, told, "sha256").hex()[:_MARK_CHARACTERS]

    @cached_property
    def _device_key(self) -> bytes:
        with self._file.reading() as connection:
            return bytes(connection.execute("SELECT key FROM device_key").fetchone()[0])

    def knows_device(self, email: str, token: str, now: datetime) -> bool:
        """Tell whether somebody has logged in before in the browser that shows this token."""
        with self._file.reading() as connection:
            row = connection.execute(
                "SELECT 1 FROM devices, users WHERE users.id = devices.user AND email = ?"
                " AND digest = ? AND used_at > ?",
                (email.strip().lower(), digest(token), microseconds(now - DEVICE_LIFETIME)),
            ).fetchone()
        return row is not None


def _hour(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def _since(now: datetime) -> tuple[int, int]:
    return microseconds(now - LOGIN_LIFETIME), microseconds(now - LOGIN_IDLE)


def _logins(connection: Connection, where: str, *values: object) -> tuple[Login, ...]:
    rows = connection.execute(
        f"SELECT id, user, way, opened_at, used_at FROM logins WHERE {where}", values
    ).fetchall()
    return tuple(
        Login(number, user, Way(way), moment(opened_at), moment(used_at))
        for number, owner, way, opened_at, used_at in rows
        if (user := one_user(connection, "WHERE id = ?", owner))
    )
