"""Who may look: the access key and the logins that were opened with it, in control.sqlite."""

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from collector.control_file import Connection, ControlError, ControlFile, microseconds

LOGIN_LIFETIME = timedelta(days=30)
# No 0, o, 1, i, l: a key may be read aloud. 39 of 31 symbols are 193 bits.
_KEY_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_KEY_CHARACTERS = 39


class AccessKeyConfiguredError(ControlError):
    """The key comes from the configuration, so it cannot be changed here."""


class Access:
    """The access key and the logins; every method may be called from any thread, and blocks.

    Args:
        configured_key: the operator's own key; it takes the place of the stored one and is itself
            never written to disk.
    """

    def __init__(self, file: ControlFile, configured_key: str | None) -> None:
        self._file = file
        self._configured = None if configured_key is None else _digest(configured_key)

    def ensure_access_key(self) -> str | None:
        """Make the access key and return it, once ever; None if there is one, or one configured."""
        if self._configured is not None:
            return None
        with self._file.writing() as connection:
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
        with self._file.writing() as connection:
            connection.execute("DELETE FROM logins")
            return _make_key(connection)

    def check_access_key(self, key: str) -> bool:
        """Tell whether this is the access key; blanks around it come from pasting."""
        with self._file.reading() as connection:
            right = self._key_in_force(connection)
        return right is not None and hmac.compare_digest(_digest(key.strip()), right)

    def open_login(self, now: datetime) -> str:
        """Return the token of a new login, good for 30 days or until the access key changes.

        Raises:
            ControlError: there is no key to log in with yet.
        """
        token = secrets.token_urlsafe(32)  # bytes
        with self._file.writing() as connection:
            key = self._key_in_force(connection)
            if key is None:
                raise ControlError("there is no access key yet")
            connection.execute("DELETE FROM logins WHERE expires_at <= ?", (microseconds(now),))
            connection.execute(
                "INSERT INTO logins VALUES (?, ?)",
                (_login_digest(token, key), microseconds(now + LOGIN_LIFETIME)),
            )
        return token

    def login_valid(self, token: str, now: datetime) -> bool:
        """Tell whether a login is open: neither closed nor expired, and the key still the same."""
        with self._file.reading() as connection:
            key = self._key_in_force(connection)
            if key is None:
                return False
            row = connection.execute(
                "SELECT 1 FROM logins WHERE digest = ? AND expires_at > ?",
                (_login_digest(token, key), microseconds(now)),
            ).fetchone()
        return row is not None

    def close_login(self, token: str) -> None:
        """End a login; closing one that is not open changes nothing."""
        with self._file.writing() as connection:
            key = self._key_in_force(connection)
            if key is not None:
                connection.execute(
                    "DELETE FROM logins WHERE digest = ?", (_login_digest(token, key),)
                )

    def _key_in_force(self, connection: Connection) -> bytes | None:
        return self._configured or _stored_key(connection)


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


def _stored_key(connection: Connection) -> bytes | None:
    row = connection.execute("SELECT digest FROM access_key").fetchone()
    return None if row is None else bytes(row[0])


def _make_key(connection: Connection) -> str:
    key = "".join(secrets.choice(_KEY_ALPHABET) for _ in range(_KEY_CHARACTERS))
    connection.execute("INSERT OR REPLACE INTO access_key VALUES (1, ?)", (_digest(key),))
    return key
