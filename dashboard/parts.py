"""What the dashboard is given from outside."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum

from starlette.types import Scope

from collector.control import Control, Site
from collector.engine.realtime import Realtime
from collector.people.passwords import RFC_9106, Cost
from collector.question import Period
from collector.stats import Stats
from dashboard.throttle import Throttle
from dashboard.words.languages import LANGUAGES, Language, say, to_say


class Finding(StrEnum):
    """What speaks against counting a request; nothing found is an empty tuple of these."""

    GPC = "gpc"
    DNT = "dnt"
    OPTED_OUT = "opted_out"
    UNKNOWN_HOST = "unknown_host"
    UNKNOWN_PROXY = "unknown_proxy"
    BOT = "bot"

    @property
    def headline(self) -> str:
        """The finding in a few words."""
        return say(_FINDINGS[self][0])

    @property
    def advice(self) -> str:
        """What it means and what to do about it."""
        return say(_FINDINGS[self][1])


_OBJECTS = to_say(
    "Whoever sends it is never counted, and that includes you. Try with another browser, or switch"
    " it off in this one for the test."
)
_FINDINGS = {
    Finding.GPC: (
        to_say("This browser sends Global Privacy Control"),
        _OBJECTS,
    ),
    Finding.DNT: (
        to_say("This browser sends Do Not Track"),
        _OBJECTS,
    ),
    Finding.OPTED_OUT: (
        to_say("This browser has opted out"),
        to_say(
            "It holds the opt-out cookie, so its visits leave no trace. Opt in again on the"
            " opt-out page of the site, or try with another browser."
        ),
    ),
    Finding.UNKNOWN_HOST: (
        to_say("You came in by a host that is unknown to the site"),
        to_say(
            "That is fine for looking at numbers. But events that come in by it are not counted:"
            " only under the site's own domain can its visitors' opt-out be seen. The snippet must"
            " name an address there, which the option public_url lists."
        ),
    ),
    Finding.UNKNOWN_PROXY: (
        to_say("A proxy that is not configured stands in between"),
        to_say(
            "The request carries a forwarding header from a machine that trusted_proxies does not"
            " list, so every visitor seems to be that machine. Add its network to"
            " trusted_proxies."
        ),
    ),
    Finding.BOT: (
        to_say("This browser looks like a bot"),
        to_say(
            "Its user agent names a crawler, a tool or a headless browser, and those do not count."
        ),
    ),
}


def _no_notices() -> tuple[str, ...]:
    return ()


def _no_drops(_site: Site, _period: Period) -> Mapping[str, int]:
    return {}


def _no_network(_scope: Scope) -> str:
    return ""


def _no_names(_site: Site, _period: Period, _event: str) -> tuple[str, ...]:
    return ()


def _from_anywhere(_scope: Scope, _networks: Sequence[str]) -> bool:
    return True


def _never_too_often(_scope: Scope) -> bool:
    return False


def _no_mails() -> str | None:
    return None


def _no_dates(_site: Site) -> frozenset[date]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the dashboard needs; the composition root fills it in.

    Args:
        clock: the present, aware and in UTC.
        diagnose: what speaks against counting this very request for that site.
        snippet: the line of HTML to put on the pages of a site.
        parquet: makes a Parquet file of columns (names and types), rows, and a text about them, or
            raises TooLargeError.
        geo_date: the day the country data was made; None when unknown.
        geo_notice: why countries are unknown; None when all is well.
        geo_attribution: the country data is DB-IP's, whose licence asks for a link.
        notices: what the operator must know on every page, one sentence each.
        mail_trouble: why mails could not be sent the last time, "" when they were, None where no
            mail server is named.
        rekeyed: the dates on which a site's day key was made anew (a restart of the machine), so
            that returning visitors count twice.
        excluded: how many events of a period were not counted, by the reason why.
        own_network: where the request in hand comes from, for whoever sent it.
        properties: the names of what a site says about its events of one name in a period.
        languages: those that pages can be in.
        comes_from: whether a request comes from one of these networks.
        reads_too_often: counts a look at shared numbers; whether that was too many from a network.
        throttle: what slows guessing down.
        password_cost: what the hash of a password costs.
    """

    stats: Stats
    realtime: Realtime
    control: Control
    clock: Callable[[], datetime]
    diagnose: Callable[[Scope, Site], tuple[Finding, ...]]
    snippet: Callable[[Site], str]
    parquet: Callable[[Sequence[tuple[str, type]], Iterable[Sequence[object]], str], bytes]
    geo_date: date | None = None
    geo_notice: str | None = None
    geo_attribution: bool = False
    notices: Callable[[], tuple[str, ...]] = _no_notices
    mail_trouble: Callable[[], str | None] = _no_mails
    rekeyed: Callable[[Site], frozenset[date]] = _no_dates
    excluded: Callable[[Site, Period], Mapping[str, int]] = _no_drops
    own_network: Callable[[Scope], str] = _no_network
    properties: Callable[[Site, Period, str], tuple[str, ...]] = _no_names
    languages: tuple[Language, ...] = LANGUAGES
    comes_from: Callable[[Scope, Sequence[str]], bool] = _from_anywhere
    reads_too_often: Callable[[Scope], bool] = _never_too_often
    throttle: Throttle = field(default_factory=Throttle)
    password_cost: Cost = field(default_factory=lambda: RFC_9106)
