"""Host names: what belongs together, and where this collector answers."""

import contextlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import SplitResult, urlsplit

from publicsuffixlist import PublicSuffixList

# RFC 1035 limits a name to 255 octets on the wire, 253 characters as text.
_HOST = re.compile(
    r"(?=.{1,253}\Z)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\Z"
)
_CACHE_ENTRIES = 4096


class MountError(ValueError):
    """A `public_url` cannot be used; the message says why."""


@lru_cache(maxsize=1)
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


def warm() -> None:
    """Load the suffix list now rather than at the first event."""
    _suffixes()


@lru_cache(maxsize=_CACHE_ENTRIES)
def hostname(host_header: str) -> str:
    """Return the bare lower-case host of a Host header: no port, no trailing dot, no brackets."""
    host = host_header.strip().lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].rstrip(".")


def is_address(host: str) -> bool:
    """Tell whether a host is a literal IP address rather than a name."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


@lru_cache(maxsize=_CACHE_ENTRIES)
def registrable_domain(host: str) -> str:
    """Return the part of a host that somebody registered: `example.co.uk` of `www.example.co.uk`.

    IP addresses, `localhost` and bare public suffixes are their own.

    Source: the Public Suffix List, bundled by the package publicsuffixlist.
    """
    if is_address(host):
        return host
    return str(_suffixes().privatesuffix(host) or host)


@dataclass(frozen=True, slots=True)
class Mount:
    """One `public_url`: a host of the collector's own, or a path prefix of a site's host.

    `prefix` is "" or starts with a slash and does not end with one. Under a prefix the site's own
    scripts are same-origin with us, so only visitors' routes answer there.
    """

    scheme: str
    authority: str  # host as written, with a port if there is one
    host: str
    prefix: str

    @classmethod
    def parse(cls, url: str) -> "Mount":
        """Read a public URL; raise MountError with what to write instead."""
        parts = _split(url)
        host = hostname(parts.netloc.rpartition("@")[2])
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise MountError(f"{url!r}: leave out credentials, query and fragment")
        if not (_HOST.match(host) or is_address(host)):
            raise MountError(f"{url!r}: {host!r} is no host name")
        return cls(parts.scheme, parts.netloc.lower(), host, parts.path.rstrip("/"))

    @property
    def url(self) -> str:
        """The address below which the visitor's routes answer, ending with a slash."""
        return f"{self.scheme}://{self.authority}{self.prefix}/"


def _split(url: str) -> SplitResult:
    with contextlib.suppress(ValueError):  # of brackets that do not match, of a port that is none
        parts = urlsplit(url)
        if parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0:
            return parts
    raise MountError(f"{url!r} is no address: write e.g. https://stats.example.com/")


def dashboard_url(mounts: Sequence[Mount]) -> str | None:
    """Return the public address that the dashboard answers at; None when none is configured."""
    return next((mount.url for mount in mounts if not mount.prefix), None)


def is_of_this_machine(host: str) -> bool:
    """Tell whether a name leads to whichever machine asks. Source: RFC 6761, 6.3."""
    return host == "localhost" or host.endswith(".localhost")


def snippet(mounts: Sequence[Mount], domain: str, port: int) -> str:
    """Return the line of HTML for a site's pages, with the public URL that suits it.

    Without one the script is expected under the site's own path `/count/`, but for a site on this
    machine, which needs no web server before the port we listen on.
    """
    own = registrable_domain(domain)
    urls = [mount.url for mount in mounts if registrable_domain(mount.host) == own]
    without = (
        f"http://{domain}:{port}/" if is_of_this_machine(domain) else f"https://{domain}/count/"
    )
    url = urls[0] if urls else without
    return f'<script defer src="{url}beacon.js"></script>'
