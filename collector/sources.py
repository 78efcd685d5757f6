"""Where a reader came from: a referrer and campaign tags become a source and a channel.

Of a referrer only the host is ever kept, here and in the caches. The list is lists/sources.toml.
"""

import re
import tomllib
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

_LIST = Path(__file__).with_name("lists") / "sources.toml"
_CACHE_ENTRIES = 4096
_TAG_MAX_CHARACTERS = 100
# A host name has at most 253 characters (RFC 1035), a port at most 6 more.
_AUTHORITY_MAX_CHARACTERS = 259

# A backslash ends the host as a slash does: https://url.spec.whatwg.org/#authority-state
_AUTHORITY = re.compile(r"(?:https?|android-app)://([^/?#\\]*)", re.IGNORECASE)
_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9_-]{2,63}")
# Names inside somebody's own network say who somebody is, not which site.
_PRIVATE = (".local", ".localhost", ".internal", ".lan", ".home.arpa", ".fritz.box")
# Parts of a host name that may stand for one person: an address, a UUID, a hash, a long number.
_IDENTIFIER = re.compile(
    r"[0-9]{1,3}(?:[.-][0-9]{1,3}){3}|[0-9a-f]{8}-[0-9a-f]{4}-|[0-9a-f]{16}|[0-9]{6}"
)
# What is left when all of a name like 123456.co.uk that somebody registered is cut off.
_BARE_SUFFIX = re.compile(r"(?:ac|co|com|edu|go|gov|ne|net|or|org)\.[a-z]{2}")


class Channel(StrEnum):
    """The kind of road a visit came by."""

    DIRECT = "direct"
    SEARCH = "search"
    SOCIAL = "social"
    AI = "ai"
    EMAIL = "email"
    PAID = "paid"
    REFERRAL = "referral"


class Origin(NamedTuple):
    """Where a visit came from."""

    source: str  # a name for people, "" for direct
    channel: Channel
    referrer: str  # a host or an Android package, "" for none


class _Listed(NamedTuple):
    name: str
    channel: Channel


class _Lists(NamedTuple):
    hosts: dict[str, _Listed]
    tags: dict[str, _Listed]


# What utm_medium says about the channel, in this order; spaces and underscores read as hyphens.
_MEDIA = (
    (
        Channel.PAID,
        re.compile(
            r"(?:cp[aclmpv]|ppc|paid|display|banner|sponsored)(?:-?[a-z].*)?|ads?|adwords|sem"
            r"|retargeting|remarketing|programmatic|interstitial|.*-paid"
        ),
    ),
    (Channel.EMAIL, re.compile(r"e-?mail(?:s|ing|-.*)?|mail(?:ing)?|newsletters?(?:-.*)?")),
    (Channel.SOCIAL, re.compile(r"social(?:-?[a-z].*)?|.*-social|sm")),
    (Channel.AI, re.compile(r"ai|llm|ai-(?:assistant|chat|search)")),
)
_ORGANIC = frozenset({"organic", "search", "seo"})


def warm() -> None:
    """Read the list now rather than at the first event."""
    _lists()


def referrer_host(referrer: str) -> str:
    """Return the bare host of a referrer: lower case, no `www.`, port or credentials.

    An app's `android-app://` referrer gives its package name. Everything that names no public site
    gives "": other schemes, IP addresses, names of private networks, nonsense. A label that may
    stand for one person is cut off with all before it.

    Args:
        referrer: as a client sent it, of any length and content.
    """
    match = _AUTHORITY.match(referrer)
    if match is None:
        return ""
    authority = match[1].rpartition("@")[2]
    return "" if len(authority) > _AUTHORITY_MAX_CHARACTERS else _host(authority)


def origin(host: str, utm_source: str, utm_medium: str, paid_click: bool) -> Origin:  # noqa: FBT001 - as the other three, an observation
    """Return source and channel of a visit; a campaign tag wins over the referrer.

    Args:
        host: a result of `referrer_host`, "" if it is the site's own.
        utm_source: free of identifiers (the caller's scrubbing); also what came as ref or source.
        utm_medium: as tagged.
        paid_click: the address carried the click id of an advertising network.
    """
    return _origin(
        host, utm_source[:_TAG_MAX_CHARACTERS], utm_medium[:_TAG_MAX_CHARACTERS], paid_click
    )


@lru_cache(maxsize=_CACHE_ENTRIES)
def _host(authority: str) -> str:
    host = authority.lower().partition(":")[0].rstrip(".").removeprefix("www.")
    if not _NAME.fullmatch(host) or _is_address(host) or f".{host}".endswith(_PRIVATE):
        return ""
    return _without_identifiers(host)


def _is_address(host: str) -> bool:
    # A name that ends in a number is an IPv4 address: https://url.spec.whatwg.org/#host-parsing
    last = host.rpartition(".")[2]
    return last.isdigit() or last.startswith("0x")


def _without_identifiers(host: str) -> str:
    end = max((match.end() for match in _IDENTIFIER.finditer(host)), default=0)
    rest = host[end:].partition(".")[2]
    named = end and "." in rest and not _BARE_SUFFIX.fullmatch(rest)
    return rest if named else host


@lru_cache(maxsize=_CACHE_ENTRIES)
def _origin(host: str, utm_source: str, utm_medium: str, paid_click: bool) -> Origin:  # noqa: FBT001
    tag = utm_source.strip()
    listed = _listed_tag(tag) if tag else _listed_host(host)
    name = listed.name if listed else tag or host
    if paid_click:
        return Origin(name, Channel.PAID, host)
    return Origin(name, _channel(utm_medium, listed or _listed_host(host), name), host)


def _channel(utm_medium: str, listed: _Listed | None, name: str) -> Channel:
    """Return what the medium says; else how the source is listed; else whether there is one."""
    medium = re.sub(r"[\s_]+", "-", utm_medium.strip().lower())
    for channel, pattern in _MEDIA:
        if medium and pattern.fullmatch(medium):
            return channel
    if listed:
        return listed.channel
    if medium in _ORGANIC:
        return Channel.SEARCH
    return Channel.REFERRAL if name else Channel.DIRECT


def _listed_host(host: str) -> _Listed | None:
    hosts = _lists().hosts
    while host:
        if found := hosts.get(host):
            return found
        host = host.partition(".")[2]
    return None


def _listed_tag(tag: str) -> _Listed | None:
    lowered = tag.lower()
    return _lists().tags.get(lowered) or _listed_host(lowered.removeprefix("www."))


@lru_cache(maxsize=1)
def _lists() -> _Lists:
    tables: dict[str, dict[str, str]] = tomllib.loads(_LIST.read_text(encoding="utf-8"))
    endings = tables.pop("endings")
    lists = _Lists({}, {})
    names: dict[str, _Listed] = {}
    for channel, table in tables.items():
        for name, entries in table.items():
            listed = _Listed(name, Channel(channel))
            names |= {name.lower(): listed, name.lower().replace(" ", ""): listed}
            for entry in entries.split():
                if "." in entry:
                    lists.hosts.update(dict.fromkeys(_expanded(entry, endings), listed))
                else:
                    lists.tags[entry] = listed
    return _Lists(lists.hosts, names | lists.tags)


def _expanded(entry: str, endings: dict[str, str]) -> list[str]:
    stem, star, _ = entry.partition(".*")
    if not star:
        return [entry]
    return [f"{stem}.{ending}" for ending in endings[stem.rpartition(".")[2]].split()]
