"""What may be a site: a host name that browsers visit, and a time zone, as people write them."""

import difflib
import ipaddress
import re
import unicodedata
from functools import lru_cache
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from collector.control_file import ControlError

# Lengths: RFC 1035, section 2.3.4. Underscores are no host names, but browsers visit them.
_DOMAIN_CHARACTERS = 253
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
# Names of before there were continents and cities, and of offsets that no place has.
_OLD_NAMES = frozenset({"Brazil", "Canada", "Chile", "Etc", "Mexico", "SystemV", "US"})
_WRITE_A_HOST = "write a host name such as example.com"


class BadDomainError(ControlError):
    """A text names no site."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text!r} cannot be a site: {reason}")


class BadTimezoneError(ControlError):
    """A text names no IANA time zone; `suggestions` are the nearest."""

    def __init__(self, text: str, suggestions: tuple[str, ...]) -> None:
        hint = (
            f"did you mean {' or '.join(suggestions)}?"
            if suggestions
            else "write it as in Europe/Berlin, America/New_York or UTC"
        )
        super().__init__(f"{text!r} is no time zone: {hint}")
        self.suggestions = suggestions


def domain_name(text: str) -> str:
    """Return the host name under which a site is registered.

    Taken as meant: capitals, `http(s)://`, a closing slash or dot, and `www.`, because pages at
    `www.` count for the site without it. International names become ASCII as browsers send them.

    Raises:
        BadDomainError: anything else that is no bare host; the message says what to write.
    """
    bare = text.strip()
    try:
        parts = urlsplit(bare if "://" in bare else f"//{bare}")
    except ValueError:
        raise BadDomainError(text, _WRITE_A_HOST) from None
    if parts.scheme not in {"", "http", "https"}:
        raise BadDomainError(text, "only http and https pages are counted")
    host = _bare_host(parts.netloc)
    beyond = parts.path.removeprefix("/") or parts.query or parts.fragment
    if beyond or parts.netloc not in {host, f"[{host}]"}:
        advice = f"write {host}, without user name, port and path" if host else _WRITE_A_HOST
        raise BadDomainError(text, advice)
    return _address(host) or _ascii_name(text, host)


def _bare_host(authority: str) -> str:
    host = authority.rpartition("@")[2]
    if _address(host):
        return host
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _address(host: str) -> str | None:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def _ascii_name(text: str, host: str) -> str:
    # U+3002, the ideographic full stop, separates labels too (UTS 46).
    name = unicodedata.normalize("NFKC", host).replace("\u3002", ".").removesuffix(".")
    labels = [_ascii_label(text, label) for label in name.split(".")]
    if labels[-1].isdigit():
        raise BadDomainError(text, "it ends like an IP address but is none")
    domain = ".".join(labels)
    if len(domain) > _DOMAIN_CHARACTERS:
        raise BadDomainError(text, f"a host name has at most {_DOMAIN_CHARACTERS} characters")
    bare = domain.removeprefix("www.")
    return bare if "." in bare else domain


def _ascii_label(text: str, label: str) -> str:
    """Return a label in lower-case ASCII, by UTS 46 as browsers apply it.

    The codec `idna` of the standard library is of 2003 and writes ss for the German sharp s, which
    is another domain; `str.lower` of a whole word would turn a closing sigma into another letter.
    """
    lower = unicodedata.normalize("NFC", "".join(character.lower() for character in label))
    if not lower.isascii() and all(unicodedata.category(c)[0] in "LMN" or c in "-_" for c in lower):
        lower = f"xn--{lower.encode('punycode').decode('ascii')}"
    if not _LABEL.fullmatch(lower):
        raise BadDomainError(text, _WRITE_A_HOST)
    return lower


def timezone_name(text: str) -> str:
    """Return the IANA name of a time zone, in its own capitals; spaces may stand for underscores.

    Raises:
        BadTimezoneError: there is no such zone; the message names the nearest.
    """
    zones = _zones()
    wanted = text.strip().replace(" ", "_").casefold()
    if wanted in zones:
        return zones[wanted]
    # People write the city alone more often than they mistype a continent.
    by_city = {folded.rpartition("/")[2]: name for folded, name in zones.items()}
    close = difflib.get_close_matches(wanted, by_city, n=2, cutoff=0.75)
    close_names = [by_city[city] for city in close]
    close_names += [zones[zone] for zone in difflib.get_close_matches(wanted, zones, n=1)]
    raise BadTimezoneError(text, tuple(dict.fromkeys(close_names)))


@lru_cache(maxsize=1)
def timezone_names() -> tuple[str, ...]:
    """Return the names of time zones to choose from: by continent and city, and UTC."""
    return tuple(
        name
        for name in sorted(_zones().values())
        if name == "UTC" or ("/" in name and name.partition("/")[0] not in _OLD_NAMES)
    )


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    """Return time zone names by their case-folded form.

    `localtime` is whatever the machine says today, `Factory` is a placeholder: neither is a zone.
    """
    names = sorted(available_timezones() - {"localtime", "Factory"})
    if not names:
        raise ControlError("this machine has no time zone data: install its package tzdata")
    return {name.casefold(): name for name in names}
