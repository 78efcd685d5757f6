"""What of a page's address, and of text a page sends, may be kept: nothing that names a visitor.

E-mail addresses, UUIDs, JWTs, long numbers, IP addresses and random tokens become `:id`, also when
percent-encoded up to three times; what is encoded more often becomes `:id` unseen. Of a query only
campaign tags are kept, of a fragment nothing. Scrubbing what is scrubbed changes nothing.
"""

import re
import unicodedata
from collections.abc import Callable
from enum import StrEnum
from socket import AF_INET6, inet_pton
from typing import Final, NamedTuple, TypeVar
from urllib.parse import quote

from collector.identifiers import (
    AT,
    MARK,
    SPACED_EMAIL,
    WHOLE_HINT,
    masked_chunk,
    masked_shapes,
    unveiled,
)

PATH_MAX_CHARACTERS: Final = 2_000
TAG_MAX_CHARACTERS: Final = 100
_URL_MAX_CHARACTERS = 8_192
_SEGMENT_MAX_CHARACTERS = 255  # file systems' limit of a name; no slug is longer
_DECODINGS = 3
_PASSES = 4
_CACHE_ENTRIES = 1_024


class UrlFault(StrEnum):
    """Why an address is no page of a website."""

    SCHEME = "not http or https"
    HOST = "no sane host"
    LENGTH = "too long"


class UrlError(ValueError):
    """An address is no page of a website. The message never quotes it."""

    def __init__(self, reason: UrlFault) -> None:
        super().__init__(f"no page's address: {reason}")
        self.reason = reason


class ScrubbedUrl(NamedTuple):
    """What is kept of a page's address."""

    host: str  # lower case ASCII (IDNA), no port; an IPv6 address without brackets
    path: str  # decoded, starts with a slash
    utm_source: str
    utm_medium: str
    utm_campaign: str
    paid_click: bool  # an advertising network's click id was there; it is gone

    @property
    def url(self) -> str:
        """The address that scrubs to this (but for `paid_click`)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        tags = (("source", self.utm_source), ("medium", self.utm_medium))
        query = "&".join(
            f"utm_{name}={quote(value)}"
            for name, value in (*tags, ("campaign", self.utm_campaign))
            if value
        )
        return f"https://{host}{quote(self.path)}{'?' if query else ''}{query}"


def scrub_url(url: str) -> ScrubbedUrl:
    """Return what may be kept of a page's address.

    Raises:
        UrlError: it is not http or https, has no sane host, or is longer than 8,192 characters.
    """
    known = _clean_urls.get(url)
    if known is not None:
        return known
    plain = _PLAIN_URL.fullmatch(url) if len(url) <= PATH_MAX_CHARACTERS else None
    if plain is not None:
        host, path, query = plain.groups()
        if len(host) <= _HOST_MAX_CHARACTERS and not _JOINED.search(url):
            scrubbed = ScrubbedUrl(host, path or "/", *(_tags(query) if query else _NO_TAGS))
            if query is None and "#" not in url and _PLAIN_HOST.fullmatch(host):
                _remember(_clean_urls, url, scrubbed)
            return scrubbed
    if len(url) > _URL_MAX_CHARACTERS:
        raise UrlError(UrlFault.LENGTH)
    match = _URL.match(url if _all_seen(url) else _UNSEEN_IN_URLS.sub("", url))
    if match is None:
        raise UrlError(UrlFault.SCHEME)
    authority, path, query = match.groups()
    return ScrubbedUrl(_host(authority), scrub_path(path), *(_tags(query) if query else _NO_TAGS))


def scrub_path(path: str) -> str:
    """Return a path decoded, readable and without identifiers: at most 2,000 characters."""
    if _is_plain(path):
        return path
    masked = _USUAL.sub(MARK, path)
    if masked != path and _is_plain(masked):
        return masked
    known = _clean_paths.get(path)
    if known is not None:
        return known
    readable = _readable_path(path)
    scrubbed = _settled(readable, _masked_path, _readable_path) or f"/{MARK}"
    if scrubbed == readable:
        _remember(_clean_paths, path, scrubbed)
    return scrubbed


def scrub_text(value: str, limit: int) -> str:
    """Return a text that a page sent (a name, a property's value) decoded, without identifiers.

    Addresses of pages in it lose query and fragment. It is cut to `limit` characters last.
    """
    return _scrubbed_text(value, limit, _masked_text, _clean_texts)


def scrub_host(host: str, own: str) -> str:
    """Return a page's host without identifiers in any label but those of the site's `own` domain.

    Such a label, and an IP address, becomes `_id`, which nobody can register.
    """
    if host == own or _PLAIN_HOST.fullmatch(host):
        return host
    if ":" in host or _IPV4.fullmatch(host):
        return "_id"
    before = host.removesuffix(f".{own}")
    bare = _IPV4_IN_HOST.sub("_id", before)
    masked = ".".join(map(_masked_label, bare.split(".")))
    return masked if before == host else f"{masked}.{own}"


def _masked_label(label: str) -> str:
    if _PLAIN_LABEL.fullmatch(label):
        return label
    try:
        name = label.encode("ascii").decode("idna")
    except UnicodeError:
        return "_id"
    return label if masked_shapes(name) == name else "_id"


# --- addresses ---

_HOST_MAX_CHARACTERS = 253  # RFC 1035, 2.3.4, as text
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_PLAIN_LABEL = re.compile(r"[a-z]{1,15}")
_PLAIN_HOST = re.compile(r"[a-z]{1,15}(?:\.[a-z]{1,15})*")
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])(?:\.(?!\Z)|\Z)){4}")
# As providers name their customers' connections, in either order.
_IPV4_IN_HOST = re.compile(r"(?<![a-z0-9_-])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![a-z0-9_-])")
_URL = re.compile(r"(?i)https?://([^/?#\\]*)([^?#]*)(?:\?([^#]*))?")
_UNSEEN_IN_URLS = re.compile(r"\A[\x00-\x20]+|[\x00-\x20]+\Z|[\t\r\n]+")  # as browsers do

# The quick road: lower-case words of up to 15 letters, short numbers and marks, joined by hyphens.
# No two numbers stand side by side but those of a date, and none beside a mark: together they may
# be one number. No group is possessive: up to Python 3.11.4 such groups match wrongly (gh-106052).
_PLAIN_WORD = r"[a-z]{1,15}+"
_PLAIN_NUMBER = r"[0-9]{1,4}+(?:-[0-9]{1,2}+){0,2}(?!-?[0-9:])"
_PLAIN_PART = rf"(?:{_PLAIN_WORD}|{_PLAIN_NUMBER}|{MARK}(?!-?[0-9:]))"
_PLAIN = rf"(?:/{_PLAIN_PART}(?:-{_PLAIN_PART})*)*(?:/|\.html?|\.php)?"
_PLAIN_PATH = re.compile(rf"(?=/){_PLAIN}")
_PLAIN_URL = re.compile(
    rf"https?://((?:[a-z0-9][a-z0-9-]{{0,61}}\.)+[a-z]{{2,63}}+)((?=/){_PLAIN})?"
    r"(?:\?([^#]*))?(?:#.*)?"
)
# The identifiers that addresses hold most often.
_USUAL = re.compile(
    r"(?<![A-Za-z0-9])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9]{6,}|[0-9a-f]{16,})"
    r"(?![A-Za-z0-9])"
)
# A UUID or a MAC address in which no letter stands next to a digit.
_JOINED = re.compile(r"-(?:[0-9a-f]{4}-[0-9a-f]{4}-|(?:[0-9a-f]{2}-){4})")


def _is_plain(path: str) -> bool:
    """Tell whether there is nothing to scrub, at a glance."""
    return bool(
        len(path) <= PATH_MAX_CHARACTERS
        and _PLAIN_PATH.fullmatch(path)
        and not _JOINED.search(path)
    )


def _host(authority: str) -> str:
    host = authority.rpartition("@")[2].lower()
    if host.startswith("["):
        return _ipv6_host(host[1:].partition("]")[0])
    host = host.partition(":")[0].rstrip(".")
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            raise UrlError(UrlFault.HOST) from None
    if len(host) > _HOST_MAX_CHARACTERS or not _HOST.fullmatch(host):
        raise UrlError(UrlFault.HOST)
    # A name that ends in a number is an IPv4 address: https://url.spec.whatwg.org/#host-parsing
    if host.rpartition(".")[2].isdigit() and not _IPV4.fullmatch(host):
        raise UrlError(UrlFault.HOST)
    return host


def _ipv6_host(host: str) -> str:
    try:
        inet_pton(AF_INET6, host)
    except (OSError, ValueError):
        raise UrlError(UrlFault.HOST) from None
    return host


# --- campaign tags ---

# Click ids that only advertisements carry. Not among them: fbclid and igshid (every link out of
# Facebook and Instagram has one), srsltid (free listings), mc_eid (newsletters).
PAID_CLICK_IDS: Final = (
    "gclid",  # Google Ads
    "gbraid",
    "wbraid",
    "gad_source",
    "gad_campaignid",
    "dclid",  # Google Display & Video 360
    "msclkid",  # Microsoft Advertising
    "ttclid",  # TikTok
    "twclid",  # X
    "li_fat_id",  # LinkedIn
    "rdt_cid",  # Reddit
    "sccid",  # Snapchat
    "epik",  # Pinterest
    "qclid",  # Quora
    "yclid",  # Yandex Direct
    "dicbo",  # Outbrain
    "tblci",  # Taboola
)
_SOURCES = ("utm_source", "ref", "source")  # the first that says something counts
_LISTED = frozenset((*_SOURCES, "utm_medium", "utm_campaign", *PAID_CLICK_IDS))
_PAID = frozenset(PAID_CLICK_IDS)
_NO_TAGS = ("", "", "", False)


def _tags(query: str) -> tuple[str, str, str, bool]:
    found: dict[str, str] = {}
    for parameter in query.split("&"):
        name, _, value = parameter.partition("=")
        name = name.lower()
        if value and name in _LISTED:
            found.setdefault(name, value)
    if not found:
        return _NO_TAGS
    source = next(filter(None, (_tag(found.get(name, "")) for name in _SOURCES)), "")
    medium, campaign = _tag(found.get("utm_medium", "")), _tag(found.get("utm_campaign", ""))
    return source, medium, campaign, not _PAID.isdisjoint(found)


def _tag(value: str) -> str:
    if not value:
        return ""
    if "+" in value and not AT.search(_decoded(value)):  # there it is part of an address
        value = value.replace("+", " ")
    return _scrubbed_text(value, TAG_MAX_CHARACTERS, _masked_tag, _clean_tags)


# --- decoding ---

_ESCAPES = re.compile(r"(?:%[0-9A-Fa-f]{2})+|%u[0-9A-Fa-f]{4}")
# Controls, soft hyphen, direction marks, zero-width space, tags. The zero-width joiners stay:
# Persian, Indic scripts and emoji are spelt with them.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff]"
)
_SPACES = re.compile(r"\s+")
_LINES = re.compile(r"[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]")
_SLASHES = re.compile(r"[\\/]{2,}|\\")


def _decoded(text: str) -> str:
    for _ in range(_DECODINGS):
        if "%" not in text:
            break
        decoded = _ESCAPES.sub(_unescaped, text)
        if decoded == text:
            break
        text = decoded
    return text


def _unescaped(escapes: re.Match[str]) -> str:
    run = escapes[0]
    if run[1] == "u":  # what JavaScript's old escape() makes
        return bytes.fromhex(run[2:]).decode("utf-16-be", "surrogatepass")
    return bytes.fromhex(run.replace("%", "")).decode("utf-8", "surrogateescape")


def _all_seen(text: str) -> bool:
    return text.isprintable() and "  " not in text and not text.startswith(" ")


def _seen(text: str) -> str:
    """Return a text in one spelling, without what nobody sees."""
    if text.isascii() and _all_seen(text):
        return text
    return unicodedata.normalize("NFC", _SPACES.sub(" ", _UNSEEN.sub("", text)))


def _readable_path(path: str) -> str:
    text = _seen(_decoded(path))
    if "\\" in text or "//" in text:
        text = _SLASHES.sub("/", text)
    return text if text.startswith("/") else f"/{text}"


def _readable_text(text: str) -> str:
    return _seen(_LINES.sub(" ", _decoded(text))).strip()


# --- scrubbing: mask, look again, until nothing more is found ---

_Clean = TypeVar("_Clean", str, ScrubbedUrl)

_clean_urls: dict[str, ScrubbedUrl] = {}
_clean_paths: dict[str, str] = {}
_clean_texts: dict[str, str] = {}
_clean_tags: dict[str, str] = {}


def _remember(clean: dict[str, _Clean], raw: str, scrubbed: _Clean) -> None:
    """Keep a text in which nothing was found, so that memory holds no more than the disk."""
    if len(clean) >= _CACHE_ENTRIES:
        clean.clear()
    clean[raw] = scrubbed


def _settled(text: str, mask: Callable[[str], str], read: Callable[[str], str]) -> str:
    """Mask until nothing changes; "" if it never settles."""
    for _ in range(_PASSES):
        masked = read(mask(text))
        if masked == text:
            return text
        text = masked
    return ""


def _scrubbed_text(
    value: str, limit: int, mask: Callable[[str], str], clean: dict[str, str]
) -> str:
    fits = len(value) <= limit
    if fits:
        if _PLAIN_TEXT.fullmatch(value):
            return value
        known = clean.get(value)
        if known is not None:
            return known
    readable = _readable_text(value)
    scrubbed = _settled(readable, lambda text: mask(text)[:limit], _readable_text)
    if not scrubbed and readable:
        return MARK[:limit]
    if fits and scrubbed == readable:
        _remember(clean, value, scrubbed)
    return scrubbed


_PLAIN_TEXT = re.compile(
    r"(?:[A-Z]?[a-z]{1,14}|[0-9]{1,4})(?:[ _-][A-Z]?[a-z]{1,14})*(?:[ _-][0-9]{1,4})?"
)
# A query inside a path, however it got there, and parameters of a path's segment.
_QUERY = re.compile(r"\?[^?/=\s]*=.*", re.DOTALL)
_PARAMETERS = re.compile(r"[&;#][^&;#=/]*=[^/]*")
_TEXT_QUERY = re.compile(r"\?[^?/=\s]*=\S*")
_WEB_ADDRESS = re.compile(r"(?i)\bhttps?://[^\s<>\"']+")
_BETWEEN_CHUNKS = re.compile(r"([\s/]+)")
_AGENT = re.compile(r"(?:Mozilla|Opera|Dalvik|AppleWebKit)/\d.*", re.DOTALL)
_AGENT_IN_TEXT = re.compile(
    rf"{_AGENT.pattern}|(?<![\w.-])[A-Za-z][\w.-]{{0,40}}/\d[\d.]{{0,20}} \(.*", re.DOTALL
)


def _masked_path(path: str) -> str:
    if "(" in path:  # first: a parameter ends at a user agent's first slash
        path = _AGENT.sub(MARK, path)
    if "=" in path:
        path = _PARAMETERS.sub("", _QUERY.sub("", path))
    if len(path) > _SEGMENT_MAX_CHARACTERS:
        path = "/".join(
            MARK if len(segment) > _SEGMENT_MAX_CHARACTERS else segment
            for segment in path.split("/")
        )
    if WHOLE_HINT.search(path):
        path = "/".join(masked_chunk(segment) for segment in path.split("/"))
    path = masked_shapes(path)
    if not path.isascii():
        path = "/".join(unveiled(segment) for segment in path.split("/"))
    if len(path) > PATH_MAX_CHARACTERS:  # between segments, so that no part of one is left
        path = path[: path.rindex("/", 0, PATH_MAX_CHARACTERS)]
    return path


def _masked_tag(text: str) -> str:
    return _masked_text(_PARAMETERS.sub("", _QUERY.sub("", text)))


def _masked_text(text: str) -> str:
    if "://" in text:
        text = _WEB_ADDRESS.sub(_bare_address, text)
    if "?" in text:
        text = _TEXT_QUERY.sub("", text)
    if "(" in text:
        text = _AGENT_IN_TEXT.sub(MARK, text)
    if WHOLE_HINT.search(text):
        if SPACED_EMAIL.search(text):
            return MARK
        text = "".join(masked_chunk(chunk) for chunk in _BETWEEN_CHUNKS.split(text))
    text = masked_shapes(text)
    if not text.isascii():
        text = "".join(unveiled(chunk) for chunk in _BETWEEN_CHUNKS.split(text))
    return text


def _bare_address(match: re.Match[str]) -> str:
    try:
        scrubbed = scrub_url(match[0])
    except UrlError:
        return MARK
    return scrubbed._replace(utm_source="", utm_medium="", utm_campaign="").url
