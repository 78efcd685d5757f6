"""Mails that wait to be sent, in control.sqlite.

A letter is sent once. Only when the process dies, or the connection breaks, between handing it over
and hearing that it was taken is it sent a second time, and never a third: that a try begins is
written down before it does.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from collector.control_file import Connection, ControlFile, microseconds

_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=4)
_MOST_UNCLEAR: Final = 2
_AT_ONCE: Final = 50  # letters of one turn
_MOST_WAITING: Final = 10_000


@dataclass(frozen=True, slots=True)
class Draft:
    """A mail to be queued; sending it after `expires_at` would be of no use any more."""

    recipient: str
    message: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that waits."""

    id: int
    recipient: str
    message: bytes
    tries: int


def queue(connection: Connection, subscription: str, draft: Draft, now: datetime) -> None:
    """Put a mail into the queue as part of a transaction; a full queue takes no more."""
    ((waiting,),) = connection.execute("SELECT count(*) FROM letters")
    if waiting < _MOST_WAITING:
        connection.execute(
            "INSERT INTO letters (subscription, recipient, message, next_at, expires_at, tries,"
            " unclear) VALUES (?, ?, ?, ?, ?, 0, 0)",
            (
                subscription,
                draft.recipient,
                draft.message,
                microseconds(now),
                microseconds(draft.expires_at),
            ),
        )


class Outbox:
    """The queue as the one sees it who sends; every method blocks."""

    def __init__(self, file: ControlFile) -> None:
        self._file = file

    def due(self, now: datetime) -> tuple[Letter, ...]:
        """Return what is to be sent now, the oldest first.

        So is what waits for longer than anything has to: the clock was wrong, and is set back.
        """
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT id, recipient, message, tries FROM letters"
                " WHERE next_at <= ? OR next_at > ? ORDER BY id LIMIT ?",
                (microseconds(now), microseconds(now + _LONGEST_WAIT), _AT_ONCE),
            ).fetchall()
        return tuple(Letter(*row) for row in rows)

    def waiting(self) -> int:
        """Return how many letters are still to be sent."""
        with self._file.reading() as connection:
            return int(connection.execute("SELECT count(*) FROM letters").fetchone()[0])

    def begin(self, letter: Letter) -> bool:
        """Write down that a letter is about to be handed over; False when it is gone meanwhile."""
        with self._file.writing() as connection:
            begun = connection.execute(
                "UPDATE letters SET unclear = unclear + 1 WHERE id = ?", (letter.id,)
            )
            return begun.rowcount == 1

    def strike(self, letter: Letter) -> None:
        """Take a letter off the queue: it was sent, or never will be."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM letters WHERE id = ?", (letter.id,))

    def put_back(self, letter: Letter, now: datetime, *, is_unclear: bool = False) -> None:
        """Try a letter again later, each time after twice as long.

        `is_unclear`: it was handed over, and nobody knows whether it was taken.
        """
        wait = min(_FIRST_WAIT * 2 ** min(letter.tries, 16), _LONGEST_WAIT)
        with self._file.writing() as connection:
            connection.execute(
                "UPDATE letters SET tries = tries + 1, next_at = ?, unclear = unclear - ?"
                " WHERE id = ?",
                (microseconds(now + wait), 0 if is_unclear else 1, letter.id),
            )

    def put_all_off(self, letters: tuple[Letter, ...], now: datetime) -> None:
        """Try letters again later of which none was handed over."""
        for letter in letters:
            if self.begin(letter):
                self.put_back(letter, now)

    def give_up(self, now: datetime) -> int:
        """Strike out what came too late, or may have been sent twice; return how many."""
        with self._file.writing() as connection:
            gone = connection.execute(
                "DELETE FROM letters WHERE expires_at <= ? OR unclear >= ?",
                (microseconds(now), _MOST_UNCLEAR),
            )
            return gone.rowcount
