"""Made-up readers of two made-up sites, so that a dashboard can be seen at work.

What comes out is what browsers would send. The same `rng` gives the same readers.
"""

import heapq
import math
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from random import Random
from typing import NamedTuple, TypeVar

import msgspec

_LIST = Path(__file__).with_name("lists") / "demo.toml"
_DAY_S = 86_400
_HOUR_S = 3_600
_PAGES_MAX = 30
_PAGE_MIN_S = 2.0
_PAGE_MAX_S = 900.0
_READING_SPREAD = 0.9  # of the logarithm
_ZIPF_EXPONENT = 0.85
_RETURNING = 0.15  # the share of visits by somebody who was here earlier on the same day
_REMEMBERED_READERS = 400
_CANDIDATES = 12_000  # random networks looked up: 50 ms
_NETWORKS_PER_COUNTRY = 12
# RFC 5737: for documentation, in use nowhere.
_DOCUMENTATION = ("192.0.2", "198.51.100", "203.0.113")
_T = TypeVar("_T")

Addresses = Mapping[str, Sequence[str]]  # country -> IPv4 networks, the first three numbers


class Arrival(NamedTuple):
    """One request to the event endpoint."""

    at_s: float  # seconds since the start
    headers: tuple[tuple[bytes, bytes], ...]  # as in an ASGI scope
    body: bytes


class _Device(msgspec.Struct, frozen=True):
    weight: float
    screens: tuple[str, ...]
    user_agent: str


class Source(msgspec.Struct, frozen=True):
    """Where a visit comes from, with what in the page's address."""

    weight: float
    referrer: str = ""
    query: str = ""


class Event(msgspec.Struct, frozen=True):
    """A custom event, which has one property."""

    name: str
    chance: float  # per page
    property: str
    values: tuple[str, ...]
    interactive: bool = True
    amount: float = 0.0
    currency: str = ""


class Readers(msgspec.Struct, frozen=True):
    """Where readers live, and the browsers they use, each with how common it is."""

    countries: dict[str, float]
    devices: tuple[_Device, ...]


class Site(msgspec.Struct, frozen=True):
    """A made-up site. `pages` are paths, the most popular first, one a line."""

    timezone: str
    visits_a_day: int
    one_page: float
    further_pages: float
    reading_s: float
    hours: tuple[float, ...]
    pages: str
    sources: tuple[Source, ...]
    events: tuple[Event, ...]


class _Lists(msgspec.Struct, frozen=True):
    readers: Readers
    sites: dict[str, Site]


@dataclass(frozen=True, slots=True)
class _Reader:
    address: str
    user_agent: str
    screen: str


def sites() -> Mapping[str, Site]:
    """Return the made-up sites by their domains."""
    return _lists().sites


def readers() -> Readers:
    """Return who reads them."""
    return _lists().readers


def addresses(rng: Random, country: Callable[[str], str]) -> Addresses:
    """Pick networks in the readers' countries; without a country database, documentation ranges.

    Args:
        rng: seeded.
        country: tells the country of an address, "" if unknown.
    """
    wanted = _lists().readers.countries
    found: dict[str, list[str]] = {}
    for _ in range(_CANDIDATES):
        network = f"{rng.randrange(1, 224)}.{rng.randrange(256)}.{rng.randrange(256)}"
        code = country(f"{network}.1")
        if code in wanted and len(found.setdefault(code, [])) < _NETWORKS_PER_COUNTRY:
            found[code].append(network)
    return found or {"": _DOCUMENTATION}


def rhythm(site_domain: str) -> Callable[[float], float]:
    """Return a site's visits a minute by the seconds since local midnight."""
    site = sites()[site_domain]
    per_weight = site.visits_a_day / sum(site.hours) / 60

    def visits_a_minute(at_s: float) -> float:
        return site.hours[int(at_s / _HOUR_S) % len(site.hours)] * per_weight

    return visits_a_minute


def visits(
    rng: Random,
    site_domain: str,
    readers_at: Addresses,
    visits_a_minute: Callable[[float], float],
    lasting_s: float = math.inf,
) -> Iterator[Arrival]:
    """Yield the requests of visits in the order of their times, endlessly unless told otherwise.

    Args:
        rng: seeded.
        site_domain: one of `sites()`.
        readers_at: what `addresses` returned.
        visits_a_minute: how many visits begin, by the seconds since the start, of which only the
            first day and its end are asked; for the day so far `rhythm(site_domain)`, starting at
            midnight.
        lasting_s: no request is later than this; visits may be cut short by it.
    """
    crowd = _Crowd(rng, readers_at)
    waiting: list[Arrival] = []
    for starts_s in _starts(rng, visits_a_minute, lasting_s):
        while waiting and waiting[0].at_s <= starts_s:
            yield heapq.heappop(waiting)
        for arrival in _visit(rng, site_domain, crowd.somebody(), starts_s):
            heapq.heappush(waiting, arrival)
    while waiting and waiting[0].at_s < lasting_s:
        yield heapq.heappop(waiting)


class _Crowd:
    """Readers, some of whom come more than once."""

    def __init__(self, rng: Random, readers_at: Addresses) -> None:
        self._rng = rng
        self._readers_at = readers_at
        self._earlier: list[_Reader] = []

    def somebody(self) -> _Reader:
        if self._earlier and self._rng.random() < _RETURNING:
            return self._rng.choice(self._earlier)
        reader = self._stranger()
        if len(self._earlier) < _REMEMBERED_READERS:
            self._earlier.append(reader)
        else:
            self._earlier[self._rng.randrange(_REMEMBERED_READERS)] = reader
        return reader

    def _stranger(self) -> _Reader:
        common = _lists().readers
        codes = list(self._readers_at)
        code = _weighted(self._rng, codes, [common.countries.get(each, 1.0) for each in codes])
        network = self._rng.choice(self._readers_at[code])
        device = _weighted(self._rng, common.devices, [each.weight for each in common.devices])
        return _Reader(
            address=f"{network}.{self._rng.randrange(1, 255)}",
            user_agent=device.user_agent,
            screen=self._rng.choice(device.screens),
        )


def _starts(
    rng: Random, visits_a_minute: Callable[[float], float], lasting_s: float
) -> Iterator[float]:
    """Yield the starts of a Poisson process of varying rate, by thinning one of the highest."""
    hours = range(_DAY_S // _HOUR_S + 1)  # the end of the day too: what is asked for may rise late
    peak = max(visits_a_minute(hour * _HOUR_S) for hour in hours)
    at_s = rng.expovariate(peak / 60)
    while at_s < lasting_s:
        if rng.random() * peak < visits_a_minute(at_s):
            yield at_s
        at_s += rng.expovariate(peak / 60)


def _visit(rng: Random, site_domain: str, reader: _Reader, starts_s: float) -> Iterator[Arrival]:
    site = sites()[site_domain]
    source = _weighted(rng, site.sources, [each.weight for each in site.sources])
    referrer = source.referrer
    query = source.query
    headers = _headers(site_domain, reader)
    at_s = starts_s
    for path in _pages(rng, site):
        url = f"https://{site_domain}{path}{query}"
        common = {"u": url, "s": reader.screen}
        yield _arrival(at_s, headers, {"n": "pageview", **common, "r": referrer})
        lasts_s = _reading_s(rng, site)
        for event in site.events:
            if rng.random() < event.chance:
                yield _arrival(at_s + rng.random() * lasts_s, headers, _custom(rng, event, common))
        at_s += lasts_s
        engaged_ms = int(lasts_s * rng.uniform(0.5, 1.0) * 1000)
        scrolled = {"sd": rng.choice((20, 40, 60, 80, 100, 100)), "e": engaged_ms}
        yield _arrival(at_s, headers, {"n": "engagement", **common, **scrolled})
        at_s += 0.2  # the next page's first request comes after the last of this one
        referrer, query = url, ""


def _custom(rng: Random, event: Event, common: dict[str, str]) -> dict[str, object]:
    body: dict[str, object] = {"n": event.name, "p": {event.property: rng.choice(event.values)}}
    body |= common
    if not event.interactive:
        body["i"] = False
    if event.amount:
        body["$"] = {"currency": event.currency, "amount": event.amount}
    return body


def _pages(rng: Random, site: Site) -> Iterator[str]:
    """Yield the paths of a visit, none twice in a row."""
    paths, weights = _popularity(site.pages)
    count = 1
    if rng.random() >= site.one_page:
        count = min(2 + int(rng.expovariate(1 / site.further_pages)), _PAGES_MAX)
    last = ""
    while count:
        path = rng.choices(paths, cum_weights=weights)[0]
        if path != last:
            count -= 1
            last = path
            yield path


def _reading_s(rng: Random, site: Site) -> float:
    seconds = rng.lognormvariate(math.log(site.reading_s), _READING_SPREAD)
    return min(max(seconds, _PAGE_MIN_S), _PAGE_MAX_S)


def _headers(site_domain: str, reader: _Reader) -> tuple[tuple[bytes, bytes], ...]:
    origin = f"https://{site_domain}".encode()
    return (
        (b"host", site_domain.encode()),
        (b"user-agent", reader.user_agent.encode()),
        (b"content-type", b"text/plain;charset=UTF-8"),
        (b"origin", origin),
        (b"referer", origin + b"/"),
        (b"x-forwarded-for", reader.address.encode()),
    )


def _arrival(
    at_s: float, headers: tuple[tuple[bytes, bytes], ...], body: dict[str, object]
) -> Arrival:
    return Arrival(at_s, headers, msgspec.json.encode(body))


def _weighted(rng: Random, items: Sequence[_T], weights: Sequence[float]) -> _T:
    return rng.choices(items, weights)[0]


@lru_cache(maxsize=8)
def _popularity(pages: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return the paths and, summed up, how often each is read: by Zipf's law."""
    paths = tuple(pages.split())
    shares = (1 / rank**_ZIPF_EXPONENT for rank in range(1, len(paths) + 1))
    return paths, tuple(accumulate(shares))


@lru_cache(maxsize=1)
def _lists() -> _Lists:
    return msgspec.convert(tomllib.loads(_LIST.read_text(encoding="utf-8")), _Lists)
