"""The thread that writes mails when their time has come, and sends what waits."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime

from collector.mail.outbox import Letter, Outbox
from collector.mail.postman import (
    MailError,
    NotNowError,
    Postman,
    RefusedError,
    Round,
    UnclearError,
)

_LOG = logging.getLogger("gatecount.mailroom")
_EVERY_S = 30.0
_STOP_S = 10.0  # a server that does not answer holds nobody up: the letter is tried again


class Mailroom:
    """Turns twice a minute for as long as the application runs.

    Args:
        write: queues the mails whose time has come.
        is_ready: whether all that was counted before the start is in the numbers.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        outbox: Outbox,
        postman: Postman,
        write: Callable[[datetime], None],
        is_ready: Callable[[], bool],
        clock: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._postman = postman
        self._write = write
        self._is_ready = is_ready
        self._clock = clock
        self._trouble = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mailroom", daemon=True)

    def trouble(self) -> str:
        """Why mails could not be sent the last time, for the operator; "" when they were."""
        return self._trouble

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write and send mails while the context lasts."""
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            await asyncio.to_thread(self._thread.join, _STOP_S)

    def turn(self, now: datetime) -> None:
        """Write what is due, and send what waits."""
        if self._is_ready():
            self._write(now)
        if given_up := self._outbox.give_up(now):
            _LOG.warning("mails_given_up", extra={"count": given_up})
        if letters := self._outbox.due(now):
            self._send(letters, now)

    def _run(self) -> None:
        while True:
            try:
                self.turn(datetime.fromtimestamp(self._clock(), UTC))
            except Exception:  # noqa: BLE001 - nothing is swallowed: it is logged
                # A full disk, or a fault of ours: counting goes on, and the next turn tries again.
                _LOG.exception("mailroom_failed")
            if self._stop.wait(_EVERY_S):
                return

    def _send(self, letters: tuple[Letter, ...], now: datetime) -> None:
        sent = 0
        try:
            with self._postman.round() as way:
                for number, letter in enumerate(letters):
                    if self._stop.is_set():
                        return
                    sent += self._deliver(way, letter, now)
                    if way.is_broken:
                        self._outbox.put_all_off(letters[number + 1 :], now)
                        break
        except NotNowError as error:
            self._note(error)
            self._outbox.put_all_off(letters, now)
        if sent:
            _LOG.info("mails_sent", extra={"count": sent})

    def _deliver(self, way: Round, letter: Letter, now: datetime) -> bool:
        """Send one letter; tell whether that was done."""
        if not self._outbox.begin(letter):
            return False
        try:
            way.deliver(letter.recipient, letter.message)
        except RefusedError as error:
            self._note(error)
            self._outbox.strike(letter)
            return False
        except MailError as error:
            self._note(error)
            self._outbox.put_back(letter, now, is_unclear=isinstance(error, UnclearError))
            return False
        self._outbox.strike(letter)
        self._trouble = ""
        return True

    def _note(self, error: MailError) -> None:
        self._trouble = str(error)
        _LOG.warning("mail_not_sent", extra={"reason": error.step})
