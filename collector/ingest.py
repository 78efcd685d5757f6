"""POST /api/event: parse, checks in order, anonymise, journal, 202.

The hot road: no request object, no middleware, and as a rule not even ASGI (`connection.py`).
Whatever is asked of every event is a dict lookup or better.
"""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec
from starlette.responses import Response

from collector import anonymise, bots, journal, objection, scrub, sources, wire
from collector.anonymise import TrustedProxies
from collector.control import Site
from collector.geo import Countries
from collector.held import Today
from collector.hosts import registrable_domain
from collector.journal import Drops, Erasure, Event, Journal, NewKey
from collector.keys import KeyStore, KeyStoreError
from collector.limits import Floods, SiteShare
from collector.outcomes import (
    UNKNOWN_SITE,
    DropReason,
    Erasing,
    Likeness,
    Obstacle,
    Outcome,
)
from collector.request import (
    MAX_BODY_BYTES,
    Receive,
    Scope,
    Send,
    asked_host,
    body_of,
    headers_of,
    peer_of,
)
from collector.settings.exclusions import Exclusion, Exclusions

_LOG = logging.getLogger("gatecount.ingest")

_QUARTER_HOUR_US = 15 * 60 * 1_000_000  # every zone's offset is a multiple of it
_ERASURE_LIMIT = 30  # of one network in a minute: each costs a look at all visits of the day
_LOOK_LIMIT = 30  # likewise
READER_LIMIT = 120  # of one network in a minute: each costs what a hundred events cost
# What of an event's request is looked at; all other headers are left alone.
_READ = frozenset({
    b"cookie", b"dnt", b"host", b"referer", b"sec-gpc", b"user-agent", b"x-forwarded-for",
    b"x-forwarded-host", b"x-forwarded-proto",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class _SiteDay:
    """What holds for a site until `until_us`: its date and hour, and the day's key."""

    registrable: str
    date: str  # local, ISO 8601
    hour: int  # local
    key: memoryview
    share: SiteShare
    until_us: int
    exclusion: Exclusion | None


class _Seen(msgspec.Struct, frozen=True, gc=False):  # made in a quarter of a tuple's time
    """What a request says, for as long as it takes to answer it."""

    posted: wire.Posted
    url: scrub.ScrubbedUrl
    referrer: str  # a host, "" of none
    user_agent: str
    address: str


class _Place(msgspec.Struct, frozen=True, gc=False):
    """Where an event belongs: a visitor's day, by the clock of its site, and a moment by ours."""

    site: Site
    date: str
    hour: int
    at_us: int
    token: int


class Sites:
    """A snapshot of the registered sites, replaced whole when they change."""

    def __init__(
        self, sites: tuple[Site, ...], excluded: Mapping[int, Exclusions] | None = None
    ) -> None:
        self.by_domain = {site.domain: site for site in sites}
        self.exclusions = {site: Exclusion(given) for site, given in (excluded or {}).items()}

    def of(self, domain: str, host: str) -> Site | None:
        """Return the site an event names, else its URL's host, else that without `www.`."""
        if domain:
            return self.by_domain.get(domain.lower())
        return self.by_domain.get(host) or self.by_domain.get(host.removeprefix("www."))


_ACCEPTED = Response(status_code=202)
_NOT_ALLOWED = Response(status_code=405, headers={"allow": "POST"})
_TOO_LARGE = Response(status_code=413, headers={"connection": "close"})
_UNAVAILABLE = Response(status_code=503, headers={"retry-after": "1"})


class Ingest:
    """The event endpoint of one process.

    Args:
        clock: seconds since the epoch.
        trusted: proxies whose forwarded headers are believed.
    """

    max_body_bytes = MAX_BODY_BYTES

    def __init__(
        self,
        *,
        journal: Journal,
        keys: KeyStore,
        countries: Countries,
        trusted: TrustedProxies,
        clock: Callable[[], float],
        flood_limit: int,
        daily_limit: int,
        allow_third_party: bool,
    ) -> None:
        self._journal = journal
        self._keys = keys
        self._countries = countries
        self._trusted = trusted
        self._clock = clock
        self._floods = Floods(flood_limit)
        self._daily_limit = daily_limit
        self._floods_of_erasures = Floods(_ERASURE_LIMIT)
        self._floods_of_looks = Floods(_LOOK_LIMIT)
        self._floods_of_readers = Floods(READER_LIMIT)
        self._allow_third_party = allow_third_party
        self._sites = Sites(())
        self._days: dict[int, _SiteDay] = {}
        self._shares: dict[int, SiteShare] = {}
        self._last_us = 0
        self._drops: Counter[tuple[int, str, DropReason]] = Counter()
        self._dropped: Counter[DropReason] = Counter()
        self._counted = self._malformed = self._unreadable = self._unavailable = 0

    def outcomes(self) -> dict[Outcome, int]:
        """Return how many events ended how, since the start."""
        return {
            Outcome.COUNTED: self._counted,
            Outcome.DROPPED: self._dropped.total(),
            Outcome.MALFORMED: self._malformed,
            Outcome.UNREADABLE: self._unreadable,
            Outcome.UNAVAILABLE: self._unavailable,
        }

    def dropped(self) -> dict[DropReason, int]:
        """Return how many events were dropped here for which reason, up to a second ago."""
        here = [reason for reason in DropReason if reason is not DropReason.LATE]
        return {reason: self._dropped[reason] for reason in here}

    def know(self, sites: tuple[Site, ...], excluded: Mapping[int, Exclusions]) -> None:
        """Take over a new snapshot of the registered sites, and of what they leave out."""
        self._sites = Sites(sites, excluded)
        self._days = {}
        standing = {site.id for site in sites}
        self._shares = {i: share for i, share in self._shares.items() if i in standing}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to the event endpoint that came by the long way."""
        if scope["method"] != "POST":
            await _NOT_ALLOWED(scope, receive, send)
            return
        answer = self.take(scope, await body_of(receive))
        if not isinstance(answer, Response):
            answer = self.kept(is_durable=await answer)
        await answer(scope, receive, send)

    def take(self, scope: Scope, body: bytes | None) -> Response | asyncio.Future[bool]:
        """Take in what was posted; return the answer, or what says whether it is on disk.

        Args:
            scope: its `headers` and `client` are looked at.
            body: None if it is too large or broke off.
        """
        headers = headers_of(scope["headers"])
        if _objection(headers) is not None:
            return _ACCEPTED
        if body is None:
            self._unreadable += 1
            return _TOO_LARGE
        try:
            line = self._line(scope, headers, body)
        except wire.MalformedError as error:
            self._malformed += 1
            return _refusal(error)
        except KeyStoreError:
            _LOG.exception("day_key_missing")
            self._unavailable += 1
            return _UNAVAILABLE
        return _ACCEPTED if line is None else self._journal.append(line)

    def kept(self, *, is_durable: bool) -> Response:
        """Return the answer to an event when it is known whether it is on disk."""
        if is_durable:
            self._counted += 1
            return _ACCEPTED
        self._unavailable += 1
        return _UNAVAILABLE

    def _line(self, scope: Scope, headers: dict[bytes, bytes], body: bytes) -> bytes | None:
        """Return the journal line of an event that counts; None, and count why, if it does not."""
        posted = wire.decode(body)
        url = _scrubbed(posted.url)
        site = self._sites.of(posted.domain, url.host)
        now_s = self._clock()
        if site is None:
            return self._drop(UNKNOWN_SITE, _utc_date(now_s), DropReason.UNKNOWN_SITE)
        now_us = self._next_us(now_s)
        today = self._days.get(site.id)
        if today is None or now_us >= today.until_us:
            today = self._turn(site, now_us)

        seen = self._seen(scope, headers, posted, url, today.registrable)
        reason = self._reason_to_drop(scope, headers, seen, today.registrable)
        if reason is not None:
            return self._drop(site.id, today.date, reason)
        network = anonymise.network(seen.address)
        if today.exclusion and (reason := _excluded(today.exclusion, url.path, network)):
            return self._drop(site.id, today.date, reason)
        if self._floods.is_over(network, now_s):
            return self._drop(site.id, today.date, DropReason.FLOOD)
        if today.share.events >= self._daily_limit:
            return self._drop(site.id, today.date, DropReason.DAILY_LIMIT)
        today.share.events += 1
        token = anonymise.visitor_token(today.key, site.domain, network, seen.user_agent)
        place = _Place(site, today.date, today.hour, now_us, token)
        return journal.line(today.share.narrowed(self._event(place, seen)))

    def _seen(
        self,
        scope: Scope,
        headers: dict[bytes, bytes],
        posted: wire.Posted,
        url: scrub.ScrubbedUrl,
        registrable: str,
    ) -> _Seen:
        referrer = sources.referrer_host(posted.referrer) if posted.referrer else ""
        if referrer and registrable_domain(referrer) in (registrable, url.host):
            referrer = ""  # a site's own hosts are no source
        user_agent = headers.get(b"user-agent", b"").decode("latin-1")
        return _Seen(posted, url, referrer, user_agent, self._address(scope, headers))

    def _event(self, place: _Place, seen: _Seen) -> Event:
        """Return what is kept: this is where address and user agent end."""
        site, posted, url, referrer = place.site, seen.posted, seen.url, seen.referrer
        if referrer:
            referrer = scrub.scrub_host(referrer, registrable_domain(referrer))
        device = anonymise.device(seen.user_agent)
        origin = sources.origin(referrer, url.utm_source, url.utm_medium, url.paid_click)
        return Event(
            site=site.id,
            date=place.date,
            hour=place.hour,
            at_us=place.at_us,
            token=place.token,
            name=posted.name,
            host=scrub.scrub_host(url.host, site.domain),
            path=url.path,
            source=origin.source,
            channel=origin.channel,
            referrer=origin.referrer,
            utm_source=url.utm_source,
            utm_medium=url.utm_medium,
            utm_campaign=url.utm_campaign,
            country=self._countries.country(seen.address),
            device=device.device,
            browser=device.browser,
            os=device.os,
            screen=anonymise.screen(posted.screen),
            interactive=posted.interactive,
            engaged_s=posted.engaged_s,
            scroll=posted.scroll,
            props=posted.props,
            revenue=posted.revenue,
            currency=posted.currency,
        )

    def likeness(self, scope: Scope) -> Likeness | None:
        """Return what a request would become if it were a pageview; None if no site counts here.

        By the code that events go through, with a token made up for the purpose. Nothing is
        counted, kept or looked up, and no day key is made or read.
        """
        headers = headers_of(scope["headers"])
        referer = headers.get(b"referer", b"").decode("latin-1")
        posted = _pageview(referer, "")
        site = self._sites.of("", _scrubbed(posted.url).host) if posted else None
        if site is None:
            asked = asked_host(peer_of(scope), headers, self._trusted)
            here = self._sites_of(registrable_domain(asked))
            site = self._sites.of("", asked) or (here[0] if here else None)
            if site is None:
                return None
            posted = _pageview(f"https://{site.domain}/", referer)
        if posted is None:
            return None
        return self._likeness(scope, headers, site, posted)

    def _likeness(
        self, scope: Scope, headers: dict[bytes, bytes], site: Site, posted: wire.Posted
    ) -> Likeness:
        now = datetime.fromtimestamp(self._clock(), ZoneInfo(site.timezone))
        registrable = registrable_domain(site.domain)
        seen = self._seen(scope, headers, posted, _scrubbed(posted.url), registrable)
        at_us, token = int(now.timestamp() * 1_000_000), secrets.randbits(64)
        place = _Place(site, now.date().isoformat(), now.hour, at_us, token)
        reason = self._reason_to_drop(scope, headers, seen, registrable)
        if reason is None and (exclusion := self._sites.exclusions.get(site.id)):
            reason = _excluded(exclusion, seen.url.path, anonymise.network(seen.address))
        return Likeness(
            domain=site.domain,
            event=self._event(place, seen),
            reason=reason,
            objection=_objection(headers),
            address=seen.address,
            user_agent=seen.user_agent,
            page=posted.url,
            referrer=posted.referrer,
            unread=tuple(sorted(name.decode("latin-1") for name in headers.keys() - _READ)),
        )

    def _next_us(self, now_s: float) -> int:
        """Return a moment for a line: strictly rising, so that a visitor's lines have one order."""
        now_us = self._last_us = max(int(now_s * 1_000_000), self._last_us + 1)
        return now_us

    async def erase(self, scope: Scope) -> Erasing:
        """Take back what whoever shares a request's address and browser contributed today.

        To every site that the host asked counts for. Nothing is looked up: the journal is told
        all the same when there is nothing to take back.
        """
        headers = headers_of(scope["headers"])
        now_s = self._clock()
        network = anonymise.network(self._address(scope, headers))
        if self._floods_of_erasures.is_over(network, now_s):
            return Erasing.TOO_OFTEN
        user_agent = headers.get(b"user-agent", b"").decode("latin-1")
        try:
            lines = [
                self._erasure(site, network, user_agent, now_s)
                for site in self._sites_of(self._posted_to(scope, headers))
            ]
        except KeyStoreError:
            _LOG.exception("day_key_missing")
            return Erasing.FAILED
        kept = [self._journal.append(line) for line in lines]
        return Erasing.DONE if not kept or await kept[-1] else Erasing.FAILED

    def _erasure(self, site: Site, network: bytes, user_agent: str, now_s: float) -> bytes:
        now_us = self._next_us(now_s)
        today = self._turn(site, now_us)
        token = anonymise.visitor_token(today.key, site.domain, network, user_agent)
        return journal.line(Erasure(site.id, today.date, token, now_us))

    def visitors_of(self, scope: Scope) -> list[Today] | None:
        """Return whom a request may be on the sites that the host asked counts for.

        None if its network asked too often. No day key is made for it: where a site's day has
        none, nobody was there yet.

        Raises:
            KeyStoreError: a key cannot be read.
        """
        headers = headers_of(scope["headers"])
        now_s = self._clock()
        network = anonymise.network(self._address(scope, headers))
        if self._floods_of_looks.is_over(network, now_s):
            return None
        user_agent = headers.get(b"user-agent", b"").decode("latin-1")
        now_us = int(now_s * 1_000_000)
        found = []
        for site in self._sites_of(self._posted_to(scope, headers)):
            if self._keys.is_begun(site.timezone, now_us):
                day = self._keys.day(site.timezone, now_us)
                token = anonymise.visitor_token(day.key, site.domain, network, user_agent)
                found.append(Today(site.domain, site.id, day.date, token))
        return found

    def _sites_of(self, registrable: str) -> list[Site]:
        """Return the sites whose events may be posted to hosts of a domain."""
        sites = self._sites.by_domain.values()
        if self._allow_third_party:
            return [*sites]
        return [site for site in sites if registrable_domain(site.domain) == registrable]

    def _turn(self, site: Site, now_us: int) -> _SiteDay:
        """Look up what holds for a site from now on: a new quarter of an hour, or a new day."""
        now = datetime.fromtimestamp(now_us / 1_000_000, UTC)
        timezone = site.timezone_at(now)
        day = self._keys.day(timezone, now_us)
        local = now.astimezone(ZoneInfo(timezone))
        quarter_ends_us = (now_us // _QUARTER_HOUR_US + 1) * _QUARTER_HOUR_US
        today = _SiteDay(
            registrable=registrable_domain(site.domain),
            date=day.date,
            hour=local.hour,
            key=day.key,
            exclusion=self._sites.exclusions.get(site.id),
            share=self._share(site, day.date),
            until_us=min(quarter_ends_us, day.ends_at_us),
        )
        self._days[site.id] = today
        return today

    def _share(self, site: Site, date: str) -> SiteShare:
        share = self._shares.get(site.id)
        if share is None or share.date != date:
            share = self._shares[site.id] = SiteShare(date, share)
        return share

    def _drop(self, site: int, date: str, reason: DropReason) -> bytes | None:
        self._drops[site, date, reason] += 1
        return None

    def _reason_to_drop(
        self, scope: Scope, headers: dict[bytes, bytes], seen: _Seen, registrable: str
    ) -> DropReason | None:
        """Return why a well-formed event of a known site does not count, whoever else sent any."""
        # Elsewhere the cookie of its site's visitors cannot be seen.
        if not self._allow_third_party and self._posted_to(scope, headers) != registrable:
            return DropReason.THIRD_PARTY
        if bots.is_bot(seen.user_agent):
            return DropReason.BOT
        if seen.referrer and bots.is_referrer_spam(seen.referrer):
            return DropReason.REFERRER_SPAM
        return None

    def _posted_to(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        return registrable_domain(asked_host(peer_of(scope), headers, self._trusted))

    def _address(self, scope: Scope, headers: dict[bytes, bytes]) -> str:
        forwarded = headers.get(b"x-forwarded-for", b"").decode("latin-1")
        return anonymise.client_address(peer_of(scope), forwarded, self._trusted)

    def comes_from(self, scope: Scope, networks: Iterable[str]) -> bool:
        """Tell whether a request comes from one of some networks; its address is not kept."""
        return anonymise.within(self._address(scope, headers_of(scope["headers"])), networks)

    def reads_too_often(self, scope: Scope) -> bool:
        """Count a look at shared numbers; tell whether its network had its share of this minute."""
        network = anonymise.network(self._address(scope, headers_of(scope["headers"])))
        return self._floods_of_readers.is_over(network, self._clock())

    def queue_drops(self) -> None:
        """Append what was dropped since the last call to the journal, summed up."""
        drops, self._drops = self._drops, Counter()
        for (site, date, reason), count in drops.items():
            self._dropped[reason] += count
            self._journal.append(journal.line(Drops(site, date, reason, count)))

    def note_day_key(self, timezone: str, date: str) -> None:
        """Record that a day key was made, for each site it concerns."""
        now_s = self._clock()
        now = datetime.fromtimestamp(now_s, UTC)
        for site in self._sites.by_domain.values():
            if site.timezone_at(now) == timezone:
                self.note_new_key(site, date, now)

    def note_new_key(self, site: Site, date: str, now: datetime) -> None:
        """Record that visitors of a site are told apart by another key from now on."""
        self._journal.append(journal.line(NewKey(site.id, date, int(now.timestamp() * 1_000_000))))

    def own_network(self, scope: Scope) -> str:
        """Return the network that the request in hand comes from, for whoever sent it."""
        network = anonymise.network(self._address(scope, headers_of(scope["headers"])))
        return anonymise.Network(network, 8 * len(network)).text if network else ""

    def obstacles(self, scope: Scope, site: Site) -> tuple[Obstacle, ...]:
        """Say what would keep events of the request in hand from being counted for a site."""
        headers = headers_of(scope["headers"])
        objects = _objection(headers)
        found = [Obstacle(objects.value)] if objects else []
        if self._posted_to(scope, headers) != registrable_domain(site.domain):
            found.append(Obstacle.HOST)
        if b"x-forwarded-for" in headers and not self._trusted.trusts(peer_of(scope)):
            found.append(Obstacle.PROXY)
        if bots.is_bot(headers.get(b"user-agent", b"").decode("latin-1")):
            found.append(Obstacle.BOT)
        return tuple(found)


def _excluded(exclusion: Exclusion, path: str, network: bytes) -> DropReason | None:
    """Return why an event is left out by the operator of its site, if it is."""
    if exclusion.has_path(path):
        return DropReason.EXCLUDED_PAGE
    return DropReason.EXCLUDED_NETWORK if exclusion.has_network(network) else None


def _pageview(url: str, referrer: str) -> wire.Posted | None:
    """Return the pageview a script would have posted; None if the page has no such address."""
    try:
        posted = wire.decode(msgspec.json.encode({"n": "pageview", "u": url, "r": referrer}))
        _scrubbed(posted.url)
    except wire.MalformedError:
        return None
    return posted


def _scrubbed(url: str) -> scrub.ScrubbedUrl:
    try:
        return scrub.scrub_url(url)
    except scrub.UrlError as error:
        raise wire.MalformedError("u", str(error)) from None


def _utc_date(now_s: float) -> str:
    return datetime.fromtimestamp(now_s, UTC).date().isoformat()


def _objection(headers: dict[bytes, bytes]) -> objection.Objection | None:
    return objection.objection(
        headers.get(b"cookie", b""), headers.get(b"sec-gpc", b""), headers.get(b"dnt", b"")
    )


def _refusal(error: wire.MalformedError) -> Response:
    body = msgspec.json.encode({"error": error.message, "field": error.field})
    return Response(body, 400, media_type="application/json")
