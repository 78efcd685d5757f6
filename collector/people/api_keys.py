"""Keys that people make for their programs, in control.sqlite."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from collector.control_file import Connection, ControlFile, microseconds, moment
from collector.people.accounts import AccountError, User, one_user
from collector.people.tokens import digest, new_token

PREFIX: Final = "gatecount_"  # so that tools that look for forgotten secrets know one
NAME_MAX_CHARACTERS: Final = 100
_MOST_OF_A_USER = 100
_USE_NOTED_EVERY = timedelta(hours=1)


class Verb(StrEnum):
    """What a program may do."""

    READ = "read"  # ask for numbers
    WRITE = "write"  # write down what editors may: annotations, segments


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key: whose, for which sites (none: all that are its owner's) and verbs. No secret."""

    id: int
    user: User
    name: str
    sites: frozenset[int]
    verbs: frozenset[Verb]
    created_at: datetime
    used_at: datetime | None  # the hour


class ApiKeys:
    """Keys of programs; every method may be called from any thread, and blocks."""

    def __init__(self, file: ControlFile) -> None:
        self._file = file

    def add(
        self,
        user: User,
        name: str,
        sites: Collection[int],
        verbs: Collection[Verb],
        now: datetime,
    ) -> str:
        """Make a key and return it, which is not kept. No sites: all that its owner has.

        Raises:
            AccountError: it has no name, no verb, or there are too many.
        """
        name = " ".join(name.split())
        if not name or len(name) > NAME_MAX_CHARACTERS:
            raise AccountError("give the key a name by which you will know it again")
        if not verbs:
            raise AccountError("say what the key is for")
        key = PREFIX + new_token()
        with self._file.writing() as connection:
            if len(_keys(connection, "user = ?", user.id)) >= _MOST_OF_A_USER:
                raise AccountError("nobody needs so many keys: revoke some")
            connection.execute(
                "INSERT INTO api_keys (digest, user, name, verbs, created_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (digest(key), user.id, name, " ".join(sorted(verbs)), microseconds(now)),
            )
            (number,) = connection.execute("SELECT last_insert_rowid()").fetchone()
            rows = [(number, site) for site in sorted(set(sites))]
            connection.executemany("INSERT INTO api_key_sites VALUES (?, ?)", rows)
        return key

    def find(self, key: str, now: datetime) -> ApiKey | None:
        """Return the key that a program shows; that it was used is noted hourly."""
        with self._file.reading() as connection:
            found = _keys(connection, "digest = ?", digest(key))
        if not found:
            return None
        used_at = found[0].used_at
        if used_at is None or now - used_at >= _USE_NOTED_EVERY:
            hour = now.replace(minute=0, second=0, microsecond=0)
            with self._file.writing() as connection:
                connection.execute(
                    "UPDATE api_keys SET used_at = ? WHERE id = ?",
                    (microseconds(hour), found[0].id),
                )
        return found[0]

    def of(self, user: User) -> tuple[ApiKey, ...]:
        """Return somebody's keys, oldest first."""
        with self._file.reading() as connection:
            return _keys(connection, "user = ?", user.id)

    def revoke(self, user: User, key_id: int) -> ApiKey | None:
        """End one of somebody's keys and return what it was; one that is not theirs stays."""
        with self._file.writing() as connection:
            found = _keys(connection, "user = ? AND id = ?", user.id, key_id)
            connection.execute("DELETE FROM api_keys WHERE user = ? AND id = ?", (user.id, key_id))
        return found[0] if found else None


def _keys(connection: Connection, where: str, *values: object) -> tuple[ApiKey, ...]:
    rows = connection.execute(
        "SELECT id, user, name, verbs, created_at, used_at FROM api_keys"
        f" WHERE {where} ORDER BY id",
        values,
    ).fetchall()
    return tuple(
        ApiKey(
            number,
            user,
            name,
            frozenset(_sites(connection, number)),
            frozenset(map(Verb, verbs.split())),
            moment(created_at),
            None if used_at is None else moment(used_at),
        )
        for number, owner, name, verbs, created_at, used_at in rows
        if (user := one_user(connection, "WHERE id = ?", owner))
    )


def _sites(connection: Connection, key: int) -> list[int]:
    rows = connection.execute("SELECT site FROM api_key_sites WHERE key = ?", (key,)).fetchall()
    return [site for (site,) in rows]
