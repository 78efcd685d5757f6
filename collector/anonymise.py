"""From a request to something that names nobody: visitor tokens, networks, coarse devices.

With bots.py the only code that handles an address or a user agent. Neither leaves: what does is a
token that only today's key can make again, and words from the closed lists below. Of user agents
the most recent few are remembered, in memory and with an upper bound; of visitors' addresses none.
"""

import ipaddress
import struct
from collections.abc import Iterable
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from socket import AF_INET, AF_INET6, inet_ntop, inet_pton
from typing import TYPE_CHECKING, Final, NamedTuple, Self

from collector import agents

if TYPE_CHECKING:
    import ua_parser

KEY_BYTES: Final = 32
# Some in-app browsers reach 350 characters; what comes after 512 tells no browser apart.
USER_AGENT_MAX_CHARACTERS: Final = 512
_DEVICE_CACHE_ENTRIES = 4096  # 2 MB if somebody fills it with the longest
_PROXY_CACHE_ENTRIES = 256
# A chain of proxies has two or three links; the rest of a longer header is somebody's invention.
_CHAIN_MAX_LINKS = 32
_MAPPED_PREFIX = bytes(10) + b"\xff\xff"  # RFC 4291, 2.5.5.2
_IPV6 = 6
_NETWORK_BYTES = 8  # of an IPv6 address: the /64 that one household or phone gets
_LENGTHS = struct.Struct(">HHI")
_PURPOSE = b"gatecount token1"


class ProxyError(ValueError):
    """A network of proxies cannot be used; the message says what to write instead."""


class NetworkError(ValueError):
    """A text is no network of somebody's own; the message says what to write instead."""


class Network(NamedTuple):
    """A network by its first bytes, as `network` returns them, and how many of their bits count."""

    first: bytes
    bits: int

    @property
    def text(self) -> str:
        """It as people write it."""
        size = 8 * len(self.first) if len(self.first) < _NETWORK_BYTES else 0
        address = network_address(self.first)
        return address if self.bits == size else f"{address}/{self.bits}"


class DeviceClass(StrEnum):
    """What a visitor holds or sits in front of."""

    DESKTOP = "desktop"
    MOBILE = "mobile"
    TABLET = "tablet"
    TV = "tv"
    CONSOLE = "console"
    UNKNOWN = "unknown"


class Device(NamedTuple):
    """What is kept of a user agent: three words out of closed lists, no version, no model."""

    device: DeviceClass
    browser: str  # one of BROWSERS
    os: str  # one of SYSTEMS


OTHER: Final = "Other"
# Our word -> the parser's families. What is rarer than these would single people out.
_BROWSER_FAMILIES = {
    "Chrome": (
        "Chrome",
        "Chrome Mobile",
        "Chrome Mobile iOS",
        "Chrome Mobile WebView",
        "Chromium",
        "HeadlessChrome",
    ),
    "Safari": ("Safari", "Mobile Safari", "Mobile Safari UI/WKWebView", "WebKit Nightly"),
    "Firefox": (
        "Firefox",
        "Firefox Mobile",
        "Firefox iOS",
        "Firefox Alpha",
        "Firefox Beta",
        "Firefox Focus",
        "Firefox Klar",
        "Iceweasel",
    ),
    "Edge": ("Edge", "Edge Mobile"),
    "Opera": (
        "Opera",
        "Opera Coast",
        "Opera GX",
        "Opera Mini",
        "Opera Mobile",
        "Opera Neon",
        "Opera Tablet",
        "Opera Touch",
    ),
    "Internet Explorer": ("IE", "IE Mobile", "IE Large Screen"),
    "Samsung Internet": ("Samsung Internet",),
    "Brave": ("Brave",),
    "Vivaldi": ("Vivaldi",),
    "DuckDuckGo": ("DuckDuckGo", "DuckDuckGo Mobile"),
    "Ecosia": ("Ecosia Android", "Ecosia iOS"),
    "Yandex Browser": ("Yandex Browser",),
    "UC Browser": ("UC Browser",),
    "QQ Browser": ("QQ Browser", "QQ Browser Mini", "QQ Browser Mobile"),
    "Huawei Browser": ("Huawei Browser", "Honor Browser"),
    "Mi Browser": ("MiuiBrowser", "Mint Browser"),
    "Oppo Browser": ("HeyTap Browser",),
    "Vivo Browser": ("VivoBrowser",),
    "Whale": ("Whale",),
    "Coc Coc": ("Coc Coc",),
    "Amazon Silk": ("Amazon Silk",),
    "Android Browser": ("Android",),
    "Google": ("Google",),
    "Facebook": ("Facebook", "Facebook Messenger"),
    "Instagram": ("Instagram",),
    "TikTok": ("TikTok",),
    "WeChat": ("WeChat", "WeChat Browser"),
    "LINE": ("LINE",),
    "KakaoTalk": ("KakaoTalk",),
    "Snapchat": ("Snapchat",),
    "Pinterest": ("Pinterest",),
    "X": ("Twitter",),
}
_SYSTEM_FAMILIES = {
    "Windows": ("Windows", "Windows Phone", "Windows Mobile", "Windows CE"),
    "macOS": ("Mac OS X", "Mac OS"),
    "iOS": ("iOS",),
    "Android": ("Android", "Chromecast Android"),
    "Linux": (
        "Linux",
        "Ubuntu",
        "Debian",
        "Fedora",
        "Red Hat",
        "CentOS",
        "Gentoo",
        "Arch Linux",
        "Linux Mint",
        "Kubuntu",
        "SUSE",
        "Chromecast Linux",
    ),
    "ChromeOS": ("Chrome OS",),
    "HarmonyOS": ("HarmonyOS", "OpenHarmony"),
    "BSD": ("FreeBSD", "OpenBSD", "NetBSD", "DragonFly BSD"),
    "KaiOS": ("KaiOS",),
    "tvOS": ("tvOS", "ATV OS X"),
    "Tizen": ("Tizen",),
    "webOS": ("webOS", "Web0S"),
}
_BROWSER_OF = {family: name for name, families in _BROWSER_FAMILIES.items() for family in families}
_SYSTEM_OF = {family: name for name, families in _SYSTEM_FAMILIES.items() for family in families}
BROWSERS: Final = (*_BROWSER_FAMILIES, OTHER)
SYSTEMS: Final = (*_SYSTEM_FAMILIES, OTHER)
SCREENS: Final = ("xs", "sm", "md", "lg", "xl")  # as js/beacon.js classes the window's width
_SCREENS = frozenset(SCREENS)

_CONSOLES = ("PlayStation", "Xbox", "Nintendo")
_TELEVISIONS = (
    "TV",  # SmartTV, AppleTV, HbbTV, GoogleTV, Android TV
    "BRAVIA",
    "CrKey",
    "Roku",
    "Large Screen",
)
_DESKTOP_SYSTEMS = frozenset({"Windows", "macOS", "Linux", "ChromeOS", "BSD"})


def visitor_token(
    key: bytes | bytearray | memoryview, site: str, network: bytes, user_agent: str
) -> int:
    """Return the 64-bit token of a visitor for one site and one local day.

    Fields are length-prefixed, so that joined inputs cannot collide.

    Args:
        key: 32 random bytes, destroyed when the day ends.
        site: its domain.
        network: a result of `network`.
        user_agent: as sent; what comes after 512 characters does not count.

    Raises:
        ValueError: `key` is not 32 bytes, or was destroyed.

    Source: RFC 7693 (BLAKE2, keyed).
    """
    if len(key) != KEY_BYTES:  # BLAKE2b takes an empty key without a word
        raise ValueError(f"a day key has {KEY_BYTES} bytes, not {len(key)}")
    name = site.encode("utf-8", "surrogatepass")
    agent = user_agent[:USER_AGENT_MAX_CHARACTERS].encode("utf-8", "surrogatepass")
    fields = _LENGTHS.pack(len(name), len(network), len(agent)) + name + network + agent
    return int.from_bytes(blake2b(fields, digest_size=8, key=key, person=_PURPOSE).digest(), "big")


def network(address: str) -> bytes:
    """Return what of an address tells visitors apart: 4 bytes of IPv4, the first 8 of IPv6.

    IPv4 inside IPv6 (`::ffff:192.0.2.1`) is IPv4. Anything that is no address gives b"": those
    without one are told apart by their user agents alone.
    """
    packed = _packed(address)
    return packed if len(packed) <= _NETWORK_BYTES else packed[:_NETWORK_BYTES]


def network_address(network: bytes) -> str:
    """Return the first address of a network, "" of none: what a country may be looked up by."""
    if not network:
        return ""
    if len(network) < _NETWORK_BYTES:
        return inet_ntop(AF_INET, network)
    return inet_ntop(AF_INET6, network + bytes(16 - _NETWORK_BYTES))


def _packed(address: str) -> bytes:
    try:
        if ":" not in address:
            return inet_pton(AF_INET, address)
        packed = inet_pton(AF_INET6, address.partition("%")[0])
    except (OSError, ValueError):  # nonsense; with a NUL in it
        return b""
    return packed[12:] if packed.startswith(_MAPPED_PREFIX) else packed


def own_network(text: str) -> Network:
    """Read an address or a network such as 203.0.113.7 or 2001:db8::/48, for comparing `network`.

    Raises:
        NetworkError: it is none, is finer than what is looked at of an address, or is everybody.
    """
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        hint = "write it as in 203.0.113.7, 203.0.113.0/24 or 2001:db8:1::/48"
        raise NetworkError(f"{text!r} is no network: {hint}") from None
    most_bits = 8 * _NETWORK_BYTES if found.version == _IPV6 else found.max_prefixlen
    if found.prefixlen > most_bits:
        near = ipaddress.ip_network((found.network_address, most_bits), strict=False)
        raise NetworkError(f"of {text} only the first {most_bits} bits are looked at: write {near}")
    if "/" in text and ipaddress.ip_address(text.partition("/")[0]) != found.network_address:
        raise NetworkError(f"{text} has bits set behind its mask: did you mean {found}?")
    if not found.prefixlen:
        raise NetworkError(f"{text} is everybody: then nothing would be counted")
    return Network(network(str(found.network_address)), found.prefixlen)


def within(address: str, networks: Iterable[str]) -> bool:
    """Tell whether an address lies in one of some networks; what is no address lies in none."""
    packed = _packed(address)
    if not packed:
        return False
    found = ipaddress.ip_address(packed)
    return any(found in ipaddress.ip_network(each) for each in networks)


class TrustedProxies:
    """The networks whose forwarding headers are believed."""

    def __init__(self, networks: Iterable[tuple[int, int, int]]) -> None:
        self._networks = tuple(networks)  # (bytes of an address, bits to drop, what is left)
        self._believed: dict[str, bool] = {}

    @classmethod
    def parse(cls, networks: Iterable[str]) -> Self:
        """Read addresses and networks such as 127.0.0.1 or 10.0.0.0/8.

        Raises:
            ProxyError: one is no network, has bits set behind its mask, or is everybody.
        """
        return cls(_parsed_network(text.strip()) for text in networks)

    def trusts(self, address: str, packed: bytes = b"") -> bool:
        """Tell whether an address is a proxy's. Only a yes is remembered: a no is a visitor.

        Who has it packed already says so.
        """
        if address in self._believed:
            return True
        packed = packed or _packed(address)
        number = int.from_bytes(packed, "big")
        for size, shift, prefix in self._networks:
            if size == len(packed) and number >> shift == prefix:
                if len(self._believed) < _PROXY_CACHE_ENTRIES:
                    self._believed[address] = True
                return True
        return False


def _parsed_network(text: str) -> tuple[int, int, int]:
    if text == "*":
        raise ProxyError("* would let anyone forge a visitor's address: write the proxies' own")
    try:
        found = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ProxyError(f"{text!r} is no network: write e.g. 127.0.0.1 or 10.0.0.0/8") from None
    if "/" in text and ipaddress.ip_address(text.partition("/")[0]) != found.network_address:
        raise ProxyError(f"{text} has bits set behind its mask: did you mean {found}?")
    if not found.prefixlen:
        raise ProxyError(f"{text} is everybody: anyone could forge a visitor's address")
    packed = _packed(str(found.network_address))
    shift = found.max_prefixlen - found.prefixlen
    if len(packed) * 8 <= shift:
        raise ProxyError(f"{text} is every IPv4 address: anyone could forge a visitor's address")
    return len(packed), shift, int.from_bytes(packed, "big") >> shift


def client_address(peer: str | None, forwarded_for: str, trusted: TrustedProxies) -> str:
    """Return the address a request came from, "" if it has none.

    A trusted peer's word is believed, and so on from link to link: of the header's entries the
    rightmost that is no proxy of ours. When all are, it is the leftmost; when a proxy did not
    know its client's address ("unknown", "_hidden"), it is that proxy's own.

    Args:
        peer: the connection's other end. Without one (a socket that closed already looks as a
            Unix socket does) nothing is believed.
        forwarded_for: the values of all X-Forwarded-For lines, in order, joined by commas.
        trusted: the proxies of ours.
    """
    if not peer:
        return ""
    nearest = _bare(peer)
    if not forwarded_for or not trusted.trusts(nearest):
        return nearest
    for entry in reversed(forwarded_for.rsplit(",", _CHAIN_MAX_LINKS)):
        address = _bare(entry)
        if not address:  # RFC 9110, 5.6.1: empty list elements are ignored
            continue
        packed = _packed(address)
        if not packed:
            return nearest
        if not trusted.trusts(address, packed):
            return address
        nearest = address
    return nearest


def _bare(entry: str) -> str:
    """Return an address without the port, brackets, quotes and zone that proxies write."""
    address = entry.strip(' \t"')
    if ":" not in address:
        return address
    if address.startswith("["):
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    address = address.partition("%")[0]
    if "." in address and address[:7].lower() == "::ffff:":
        address = address[7:]
    return address


def device(user_agent: str) -> Device:
    """Return device class, browser and operating system, each from a closed list."""
    return _device(user_agent[:USER_AGENT_MAX_CHARACTERS])


def screen(value: str) -> str:
    """Return a screen class as the script sends it, "" if it is none."""
    return value if value in _SCREENS else ""


def warm() -> None:
    """Load the browser lists now rather than at the first event."""
    device("")


def forget() -> None:
    """Drop the remembered user agents."""
    _device.cache_clear()


@lru_cache(maxsize=_DEVICE_CACHE_ENTRIES)
def _device(user_agent: str) -> Device:
    readable = user_agent.encode("utf-8", "replace").decode()  # the parser refuses surrogates
    found = agents.parser().parse(readable).with_defaults()
    system = _SYSTEM_OF.get(found.os.family, OTHER)
    if "OpenHarmony" in user_agent:
        system = "HarmonyOS"
    browser = _BROWSER_OF.get(found.user_agent.family, OTHER)
    return Device(_device_class(user_agent, found, system), browser, system)


def _device_class(user_agent: str, found: "ua_parser.DefaultedResult", system: str) -> DeviceClass:
    if any(word in user_agent for word in _CONSOLES):
        return DeviceClass.CONSOLE
    if system in {"tvOS", "webOS"} or any(word in user_agent for word in _TELEVISIONS):
        return DeviceClass.TV
    if system == "Android":
        # Chrome's rule since Android 3: phones say Mobile, tablets do not. Opera Mini says neither.
        handheld = "Mobile" in user_agent or "Mini" in user_agent
        return DeviceClass.MOBILE if handheld else DeviceClass.TABLET
    by_rules = _by_library_rules(user_agent, found)
    if by_rules is not None:
        return by_rules
    if system in _DESKTOP_SYSTEMS:
        return DeviceClass.DESKTOP
    return DeviceClass.MOBILE if "Mobile" in user_agent else DeviceClass.UNKNOWN


def _by_library_rules(user_agent: str, found: "ua_parser.DefaultedResult") -> DeviceClass | None:
    """Return what the rules of user-agents say about what the parser found.

    Its constructor is gone around: that parses with backtracking expressions in Python, 1 ms for
    an ordinary user agent and 5 ms for a hostile one, against 30 us.
    """
    parsers = agents.rules()
    browser, system, model = found.user_agent, found.os, found.device
    agent = object.__new__(parsers.UserAgent)
    agent.ua_string = user_agent
    agent.browser = parsers.parse_browser(browser.family, browser.major, browser.minor)
    agent.os = parsers.parse_operating_system(system.family, system.major, system.minor)
    agent.device = parsers.parse_device(model.family, model.brand, model.model)
    if agent.is_tablet or "Tablet" in user_agent:
        return DeviceClass.TABLET
    if agent.is_mobile:
        return DeviceClass.MOBILE
    return DeviceClass.DESKTOP if agent.is_pc else None
