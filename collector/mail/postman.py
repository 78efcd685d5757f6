"""Hands mails over to the operator's mail server, by SMTP; the only place that calls anybody."""

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, make_msgid, parseaddr
from pathlib import Path
from typing import Self

from collector.config import Config, check_mail

_CONNECT_S = 10.0
_ANSWER_S = 120.0  # some look a mail through before they answer
_PERMANENT = 500  # RFC 5321, 4.2.1: from here on the same would be refused again
_PORTS = {"starttls": 587, "tls": 465, "none": 25}


class MailError(Exception):
    """A mail was not sent; the message names the step, and what the server said.

    `step` is one word for logs.
    """

    def __init__(self, step: str, message: str) -> None:
        super().__init__(message)
        self.step = step


class NotNowError(MailError):
    """Nothing was handed over; it may well be later."""


class RefusedError(MailError):
    """The server will not take this mail for this recipient, however often it is tried."""


class UnclearError(MailError):
    """The mail was handed over, and no answer came."""


@dataclass(frozen=True, slots=True)
class Relay:
    """The operator's mail server."""

    host: str
    port: int
    tls: str
    user: str
    password_file: Path | None
    sender: str

    @classmethod
    def of(cls, config: Config) -> Self:
        """Return the server that is configured.

        Raises:
            ConfigError: options are missing, or do not fit together.
        """
        check_mail(config)
        return cls(
            config.smtp_host,
            config.smtp_port or _PORTS[config.smtp_tls],
            config.smtp_tls,
            config.smtp_user,
            config.smtp_password_file,
            parseaddr(config.mail_from)[1],
        )


class Round:
    """One connection, on which mails are handed over one by one."""

    def __init__(self, server: smtplib.SMTP, sender: str) -> None:
        self._server = server
        self._sender = sender
        self.is_broken = False

    def deliver(self, recipient: str, message: bytes) -> None:
        """Hand one mail over, and return when the server has taken it.

        Raises:
            RefusedError, NotNowError, UnclearError: it was not taken.
        """
        if not recipient.isascii():
            raise RefusedError("recipient", "An address with other characters than ASCII.")
        try:
            self._say("sender", self._server.mail(self._sender))
            self._say("recipient", self._server.rcpt(recipient))
        except (smtplib.SMTPException, OSError) as error:
            self.is_broken = True
            raise NotNowError("connection", f"The connection broke: {_told(error)}.") from None
        try:
            self._say("message", self._server.data(message))
        except smtplib.SMTPDataError as error:
            self._say("message", (error.smtp_code, error.smtp_error))
        except (smtplib.SMTPException, OSError) as error:
            self.is_broken = True
            raise UnclearError("answer", f"No answer to the mail: {_told(error)}.") from None

    def _say(self, step: str, answer: tuple[int, bytes | str]) -> None:
        code, text = answer
        if code < 400:  # noqa: PLR2004 - RFC 5321, 4.2.1: 2xx and 3xx go on
            return
        self._forget()
        words = f"The server refused the {step}: {code} {_text(text)}."
        # Who is not let send at all will be once the operator has set that right.
        raise (RefusedError if code >= _PERMANENT and step != "sender" else NotNowError)(
            step, words
        )

    def _forget(self) -> None:
        with contextlib.suppress(smtplib.SMTPException, OSError):  # the next mail finds out
            self._server.rset()


class Postman:
    """Opens connections to one mail server."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay

    @contextlib.contextmanager
    def round(self) -> Iterator[Round]:
        """Connect, log in, and say goodbye in the end.

        Raises:
            NotNowError: that did not work.
        """
        server = self._connected()
        try:
            yield Round(server, self._relay.sender)
        finally:
            with contextlib.suppress(smtplib.SMTPException, OSError):  # all is said by then
                server.quit()
            server.close()

    def _connected(self) -> smtplib.SMTP:
        relay = self._relay
        where = f"{relay.host}, port {relay.port}"
        with _failing("connection", f"Cannot connect to {where}"):
            server = self._open()
        try:
            if relay.tls == "starttls":
                with _failing("starttls", f"No STARTTLS at {where}"):
                    server.starttls(context=ssl.create_default_context())
            if relay.user:
                password = _password(relay.password_file)
                with _failing("login", f"Cannot log in as {relay.user} at {where}"):
                    server.login(relay.user, password)
            with _failing("greeting", f"No greeting at {where}"):
                server.ehlo_or_helo_if_needed()
        except MailError:
            server.close()
            raise
        if server.sock is not None:
            server.sock.settimeout(_ANSWER_S)
        return server

    def _open(self) -> smtplib.SMTP:
        relay = self._relay
        # By default smtplib would ask the name server for the name of this machine.
        own_name = relay.sender.rpartition("@")[2]
        if relay.tls == "tls":
            return smtplib.SMTP_SSL(
                relay.host,
                relay.port,
                local_hostname=own_name,
                timeout=_CONNECT_S,
                context=ssl.create_default_context(),
            )
        return smtplib.SMTP(relay.host, relay.port, local_hostname=own_name, timeout=_CONNECT_S)


@contextlib.contextmanager
def _failing(step: str, words: str) -> Iterator[None]:
    try:
        yield
    except (smtplib.SMTPException, OSError) as error:
        raise NotNowError(step, f"{words}: {_told(error)}.") from None


def _password(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        password = file.read_bytes().strip(b"\r\n")
    except OSError as error:
        raise NotNowError("password", f"Cannot read {file}: {error.strerror}.") from None
    if not password.isascii():
        raise NotNowError("password", f"The password in {file} has other characters than ASCII.")
    return password.decode("ascii")


def _told(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_text(error.smtp_error)}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__


def _text(said: bytes | str) -> str:
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else said


def trial(sender: str, recipient: str, now: datetime) -> bytes:
    """Return a mail that only has to arrive."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = "Test of gatecount"
    message["Date"] = format_datetime(now)
    message["Message-ID"] = make_msgid(domain=parseaddr(sender)[1].rpartition("@")[2])
    message["Auto-Submitted"] = "auto-generated"
    message.set_content("Reports and alerts can be sent: this mail has come through.\n")
    return message.as_bytes()
