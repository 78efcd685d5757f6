"""The audit log: who changed, exported or shared what, in control.sqlite."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from collector.control_file import ControlFile, microseconds, moment
from collector.people.accounts import ALL_SITES

KEPT: Final = timedelta(days=400)
SHOWN: Final = 500
OPERATOR: Final = ""  # who works on the command line
_ABOUT_MAX_CHARACTERS = 300


class Act(StrEnum):
    """What somebody did; its value is what is kept, and how it is said."""

    SET_UP = "set up gatecount"
    INVITED = "invited"
    WITHDREW = "withdrew the invitation of"
    JOINED = "joined as"
    GAVE_ROLE = "gave a role to"
    TOOK_ROLE = "took away the role of"
    LIMITED = "changed the networks of"
    MADE_KEY = "made the API key"
    REVOKED_KEY = "revoked the API key"
    CHANGED_PASSWORD = "changed their password"  # noqa: S105 - a sentence, no password
    TURNED_CODES_ON = "turned codes on"
    TURNED_CODES_OFF = "turned codes off"
    ADDED_PASSKEY = "added the passkey"
    REMOVED_PASSKEY = "removed the passkey"
    MADE_RESET = "made a link to a new password for"
    REMOVED_ACCOUNT = "removed the account"
    ANNOTATED = "annotated"
    STRUCK = "deleted"
    KEPT_SEGMENT = "kept the segment"
    EXPORTED = "exported"
    CHANGED_SETTING = "changed a setting:"
    SHARED = "shared"
    UNSHARED = "stopped sharing"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit log."""

    at: datetime
    who: str  # an account's name; "" for the operator
    act: Act
    site: int
    about: str


class Trail:
    """The audit log; every method may be called from any thread, and blocks."""

    def __init__(self, file: ControlFile) -> None:
        self._file = file

    def note(self, now: datetime, who: str, act: Act, site: int, about: str = "") -> None:
        """Add a line, and drop those that are too old."""
        with self._file.writing() as connection:
            connection.execute("DELETE FROM trail WHERE at <= ?", (microseconds(now - KEPT),))
            connection.execute(
                "INSERT INTO trail (at, who, act, site, about) VALUES (?, ?, ?, ?, ?)",
                (microseconds(now), who, act, site, about[:_ABOUT_MAX_CHARACTERS]),
            )

    def of(self, site: int, *, with_all: bool, offset: int = 0) -> tuple[Entry, ...]:
        """Return lines about a site, newest first, and those about all sites if wanted."""
        others = ALL_SITES if with_all else site
        with self._file.reading() as connection:
            rows = connection.execute(
                "SELECT at, who, act, site, about FROM trail WHERE site IN (?, ?)"
                " ORDER BY id DESC LIMIT ? OFFSET ?",
                (site, others, SHOWN, offset),
            ).fetchall()
        return tuple(
            Entry(moment(at), who, Act(act), of, about) for at, who, act, of, about in rows
        )
