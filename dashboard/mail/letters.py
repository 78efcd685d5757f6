"""Mails about a site, as HTML that mail programs show and as plain text."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from dashboard.words import formats
from dashboard.words.languages import say, speech

_BAR_WIDTH = 100  # per cent of a cell


@dataclass(frozen=True, slots=True)
class Figure:
    """A number in large letters, and how it has changed."""

    label: str
    value: str
    change: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """One line of a table: a name, a number, and how long its bar is, in per cent."""

    name: str
    value: str
    width: int


@dataclass(frozen=True, slots=True)
class Table:
    """The most frequent values of one dimension, or the days of a week."""

    title: str
    column: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What a mail says.

    Args:
        key: the same for the same mail, so that one sent twice can be told by its Message-ID.
        about: of what days or which moment it speaks.
        why: why the reader gets it.
        language: of all that, as HTML writes it.
        link: where there is more, and `more` the words for it.
        stop: the address that ends it, and `end` the words for it.
    """

    key: str
    subject: str
    headline: str
    about: str
    figures: tuple[Figure, ...]
    tables: tuple[Table, ...]
    notes: tuple[str, ...]
    why: str
    more: str
    end: str
    link: str
    stop: str = ""
    language: str = "en"
    direction: str = "ltr"


def frame() -> Mapping[str, str]:
    """Return what all mails say, in the language that is spoken."""
    spoken = speech()
    return {
        "more": say("Open the dashboard"),
        "end": say("End this mail"),
        "language": spoken.language.code,
        "direction": spoken.manners.direction,
    }


def bars(rows: Sequence[tuple[str, int]]) -> tuple[Bar, ...]:
    """Return names and numbers as lines, the longest bar for the highest number."""
    highest = max((number for _, number in rows), default=0) or 1
    return tuple(
        Bar(name, formats.number(number), round(_BAR_WIDTH * number / highest))
        for name, number in rows
    )


class _Unfolded(EmailPolicy):
    """What the standard library writes, but for links: it would break a long one into pieces."""

    def fold_binary(self, name: str, value: str) -> bytes:
        """Return one line of a header that holds a link; another header as usual."""
        if name == "List-Unsubscribe":
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return super().fold_binary(name, value)


_POLICY = _Unfolded(linesep="\r\n", max_line_length=76)  # of quoted-printable: RFC 2045, 6.7


def letter(content: Content, sender: str, recipient: str, now: datetime) -> bytes:
    """Return a mail as it goes to a mail server.

    A click on the mail program's own button ends the subscription: RFC 8058.
    """
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = " ".join(content.subject.split())
    message["Date"] = format_datetime(now)
    key = hashlib.sha256(f"{content.key} {recipient}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{key}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["Content-Language"] = content.language
    message["List-Unsubscribe"] = f"<{content.stop}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(_filled("letter.txt", content), cte="quoted-printable")
    message.add_alternative(_filled("letter.html", content), subtype="html", cte="quoted-printable")
    return message.as_bytes()


def _filled(template: str, content: Content) -> str:
    return _environment().get_template(template).render(mail=content)


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("dashboard.mail"),
        autoescape=select_autoescape(),  # what ends in .html
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
