"""Who is to get which mails about a site, in control.sqlite."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from collector.control import Control
from collector.control_file import Connection
from collector.mail.outbox import Draft, queue

_COLUMNS = "user, site, kind, least, token, language, done"


class Kind(StrEnum):
    """What somebody can be written about."""

    WEEKLY = "weekly"
    MONTHLY = "monthly"
    SPIKE = "spike"
    DROP = "drop"

    @property
    def is_alert(self) -> bool:
        """Whether it is sent when something happens rather than when a time has come."""
        return self in {Kind.SPIKE, Kind.DROP}


@dataclass(frozen=True, slots=True)
class Subscription:
    """One user's wish to get one kind of mail about one site.

    Args:
        least: visitors, from which on a spike or below which a drop is told; 0 of reports.
        token: ends the subscription without logging in.
        language: of the page on which it was ordered.
        done: the last day reported; of an alert since when it is on (ISO 8601), "" while it is off.
    """

    user: int
    site: int
    kind: Kind
    least: int
    token: str
    language: str
    done: str


class Subscriptions:
    """All subscriptions; every method may be called from any thread, and blocks."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def everybody(self) -> tuple[Subscription, ...]:
        """Return all there are, those of a site together."""
        return self._found("ORDER BY site, kind, user")

    def of(self, user: int, site: int) -> dict[Kind, Subscription]:
        """Return what a user gets about a site."""
        found = self._found("WHERE user = ? AND site = ?", user, site)
        return {each.kind: each for each in found}

    def by_token(self, token: str) -> Subscription | None:
        """Return the subscription that a token ends."""
        return next(iter(self._found("WHERE token = ?", token)), None)

    def begin(
        self,
        user: int,
        site: int,
        kind: Kind,
        language: str = "en",
        *,
        least: int = 0,
        done: str = "",
    ) -> None:
        """Send a user one kind of mail about a site; one that there is keeps how far it is.

        Another `least` of an alert switches it off first. `done` is the last day that need not be
        reported any more.
        """
        with self._control.writing() as connection:
            known = connection.execute(
                "SELECT 1 FROM subscriptions WHERE user = ? AND site = ? AND kind = ?",
                (user, site, kind),
            ).fetchone()
            if known is None:
                connection.execute(
                    f"INSERT INTO subscriptions ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (user, site, kind, least, secrets.token_urlsafe(24), language, done),
                )
            else:
                connection.execute(
                    "UPDATE subscriptions SET language = ?, least = ?,"
                    " done = CASE WHEN least = ? THEN done ELSE '' END"
                    " WHERE user = ? AND site = ? AND kind = ?",
                    (language, least, least, user, site, kind),
                )

    def end(self, token: str) -> None:
        """End a subscription, and take its mails off the queue; one that is not there is ended."""
        with self._control.writing() as connection:
            connection.execute("DELETE FROM subscriptions WHERE token = ?", (token,))

    def settle(
        self, subscription: Subscription, done: str, now: datetime, draft: Draft | None = None
    ) -> None:
        """Note how far a subscription is, and queue its mail, both or neither.

        Nothing is queued when it was ended, or settled otherwise, meanwhile.
        """
        with self._control.writing() as connection:
            settled = connection.execute(
                "UPDATE subscriptions SET done = ? WHERE token = ? AND done = ?",
                (done, subscription.token, subscription.done),
            )
            if settled.rowcount and draft is not None:
                queue(connection, subscription.token, draft, now)

    def _found(self, where: str, *values: int | str) -> tuple[Subscription, ...]:
        with self._control.reading() as connection:
            return _rows(connection, where, *values)


def _rows(connection: Connection, where: str, *values: int | str) -> tuple[Subscription, ...]:
    rows = connection.execute(f"SELECT {_COLUMNS} FROM subscriptions {where}", values)
    return tuple(
        Subscription(user, site, Kind(kind), *others) for user, site, kind, *others in rows
    )
