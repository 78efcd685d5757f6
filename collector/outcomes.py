"""What becomes of events and of what visitors ask for, in words of closed lists."""

from dataclasses import dataclass
from enum import Enum, StrEnum

from collector.journal import Event
from collector.objection import Objection

UNKNOWN_SITE = 0  # the site id drops of unknown sites are counted under, by UTC


class DropReason(StrEnum):
    """Why a well-formed event of somebody who does not object is not counted."""

    UNKNOWN_SITE = "unknown_site"
    THIRD_PARTY = "third_party"
    BOT = "bot"
    REFERRER_SPAM = "referrer_spam"
    EXCLUDED_PAGE = "excluded_page"
    EXCLUDED_NETWORK = "excluded_network"
    FLOOD = "flood"
    DAILY_LIMIT = "daily_limit"
    LATE = "late"  # decided at sealing: engagement with a page of a day that is over


class Outcome(StrEnum):
    """What became of a posted event; of one whose sender objects nothing is counted at all."""

    COUNTED = "counted"  # on disk
    DROPPED = "dropped"
    MALFORMED = "malformed"
    UNREADABLE = "unreadable"  # too large, or broken off
    UNAVAILABLE = "unavailable"  # no room, or no key


class Obstacle(StrEnum):
    """What would keep the request in hand from being counted."""

    COOKIE = "cookie"
    GPC = "gpc"
    DNT = "dnt"
    HOST = "host"
    PROXY = "proxy"
    BOT = "bot"


class Erasing(Enum):
    """What came of asking to erase; whether anything was there to erase is not known here."""

    DONE = "done"
    TOO_OFTEN = "too_often"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Likeness:
    """What a request would become if it were a pageview, and what would be thrown away.

    For the eyes of whoever sent it: nothing of this is kept.
    """

    domain: str  # of the site
    event: Event  # with a token that is made up
    reason: DropReason | None  # why it would not be counted
    objection: Objection | None  # why it would not even be looked at
    address: str
    user_agent: str
    page: str  # as it was sent
    referrer: str  # as it was sent
    unread: tuple[str, ...]  # the names of headers that nothing is made of
