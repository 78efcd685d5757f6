"""The marks of one made-up visitor, and a search for them in every form they might be kept in.

    leaks = search(path.read_bytes(), "control.sqlite")
    assert leaks == []

A canary is never right to keep, whatever it is written in. What this search does not know: keyed
hashes (they are what tokens are), encryption, and compression, which `places.py` undoes.
"""

import hashlib
import html
import ipaddress
import json
import re
import uuid
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import quote

# RFC 5737 and 3849: for documentation. Of the IPv4 address, neither order of the four bytes is
# UTF-8; in the some 10,000 random bytes of a data directory they turn up once in 200,000 runs.
ADDRESS = "198.51.100.213"
ADDRESS6 = "2001:db8:7c3a:91e4:5fd0:b62e:18c7:a349"
USER_AGENT = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.7391.65 Safari/537.36"
)
BOT = "Mozilla/5.0 (compatible; Canarybot/73.91; +https://canarybot.example/why)"
EMAIL = "Zoe.Canary+gc@mail.canary-post.example"
UUID = "7d9f3c52-8e41-4b6a-9c07-d15ae8b3f264"
JWT = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    ".eyJzdWIiOiI3MzkxIiwibmFtZSI6IlpvZSBDYW5hcnkifQ"
    ".q7vNRk2xZt0LhY8sWd4mPu6cBf1jGa9eTi3oXn5KzVw"
)
HEX = "c4a7e19f0b3d86527fa1ce4409d2b83e"

_SHORTEST_BYTES = 4  # three bytes turn up by chance
_ZEROS = re.compile(rb"\0{64,}")  # databases are full of them, canaries are not
_SQUEEZED = bytes(32)


class Leak(NamedTuple):
    """Whose mark was found, in which form, and where."""

    canary: str
    form: str
    place: str


@dataclass(frozen=True, slots=True)
class Canary:
    """One mark: its spellings as text, and as packed bytes, most significant byte first."""

    name: str
    texts: dict[str, str]
    packed: dict[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Needle:
    """A canary in one form; `folded` ones are sought in capitals and small letters alike."""

    canary: str
    spelling: str  # "" for the usual one
    encoding: str
    sought: bytes
    folded: bool

    @property
    def form(self) -> str:
        """Spelling and encoding in words."""
        return f"{self.spelling} {self.encoding}".strip()


def _address4() -> Canary:
    found = ipaddress.IPv4Address(ADDRESS)
    octets = found.packed
    return Canary(
        "IPv4 address",
        {
            "": ADDRESS,
            "network": ADDRESS.rpartition(".")[0] + ".",
            "padded": ".".join(f"{octet:03}" for octet in octets),
            "octets in hex": ".".join(f"0x{octet:x}" for octet in octets),
            "octets in octal": ".".join(f"0{octet:o}" for octet in octets),
            "with hyphens": ADDRESS.replace(".", "-"),
            "octets reversed": found.reverse_pointer.removesuffix(".in-addr.arpa"),
            "mapped to IPv6": f"::ffff:{octets[:2].hex()}:{octets[2:].hex()}",
        },
        {"packed": octets},
    )


def _address6() -> Canary:
    found = ipaddress.IPv6Address(ADDRESS6)
    return Canary(
        "IPv6 address",
        {
            "": ADDRESS6,
            "network": ":".join(ADDRESS6.split(":")[:4]),
            "in full": found.exploded,
            "network in full": found.exploded[:19],
            "nibbles reversed": found.reverse_pointer.removesuffix(".ip6.arpa"),
        },
        {"packed": found.packed, "packed network": found.packed[:8]},
    )


def _uuid() -> Canary:
    found = uuid.UUID(UUID)
    return Canary(
        "UUID",
        {"": UUID, "without hyphens": found.hex},
        {"packed": found.bytes, "packed as GUID": found.bytes_le},
    )


CANARIES = (
    _address4(),
    _address6(),
    Canary(
        "user agent",
        {"": USER_AGENT, "engine": "AppleWebKit/537.36", "version": "Chrome/142.0.7391.65"},
    ),
    Canary("bot", {"": BOT, "name": "Canarybot/73.91"}),
    Canary("e-mail address", {"": EMAIL, "name": EMAIL.partition("+")[0]}),
    _uuid(),
    Canary("JWT", {"": JWT, "claims": JWT.split(".")[1], "signature": JWT.split(".")[2]}),
    Canary("hex token", {"": HEX}, {"packed": bytes.fromhex(HEX)}),
)


def _base64(content: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield what of a content's base64 is the same whatever stands before and after it."""
    for offset in range(3):
        for alphabet, encode in (("", b64encode), (" for URLs", urlsafe_b64encode)):
            encoded = encode(bytes(offset) + content)
            first, last = -(-8 * offset // 6), 8 * (offset + len(content)) // 6
            yield f"base64{alphabet} at offset {offset}", encoded[first:last]


def _digests(content: bytes) -> Iterator[tuple[str, bytes, bool]]:
    for algorithm in ("md5", "sha1", "sha256", "blake2b"):
        digest = hashlib.new(algorithm, content, usedforsecurity=False)
        yield f"{algorithm} without a key", digest.digest(), False
        yield f"{algorithm} without a key in hex", digest.hexdigest().encode(), True


def _forms_of_text(text: str) -> Iterator[tuple[str, bytes, bool]]:
    raw = text.encode()
    odd = re.compile(r"[^A-Za-z0-9]")
    escapes = {
        "percent-encoded": quote(text, safe=""),
        "percent-encoded throughout": "".join(f"%{byte:02x}" for byte in raw),
        "JSON-escaped": json.dumps(text)[1:-1].replace("/", r"\/"),
        "JSON-escaped where odd": odd.sub(lambda found: f"\\u{ord(found[0]):04x}", text),
        "JSON-escaped throughout": "".join(f"\\u{ord(character):04x}" for character in text),
        "HTML-escaped": html.escape(text),
        "HTML-escaped where odd": odd.sub(lambda found: f"&#{ord(found[0])};", text),
        "backwards": text[::-1],
    }
    escapes["percent-encoded twice"] = quote(escapes["percent-encoded"], safe="")
    escapes["percent-encoded throughout, twice"] = quote(
        escapes["percent-encoded throughout"], safe=""
    )
    yield "as it is", raw, True
    for form, escaped in escapes.items():
        yield form, escaped.encode(), True
    yield "in hex", raw.hex().encode(), True
    yield "UTF-16, little end first", text.encode("utf-16-le"), True
    yield "UTF-16, big end first", text.encode("utf-16-be"), True
    for form, encoded in _base64(raw):
        yield form, encoded, False
    yield from _digests(raw)


def _forms_of_bytes(packed: bytes) -> Iterator[tuple[str, bytes, bool]]:
    for order, content in (("", packed), (", little end first", packed[::-1])):
        yield f"as it is{order}", content, False
        yield f"as characters{order}", content.decode("latin-1").encode(), False
        yield f"in hex{order}", content.hex().encode(), True
        yield f"as a number{order}", b"%d" % int.from_bytes(content, "big"), False
    for form, encoded in _base64(packed):
        yield form, encoded, False
    yield from _digests(packed)


def needles(canary: Canary) -> Iterator[Needle]:
    """Yield a canary in every form, each sought only once."""
    written = [(name, _forms_of_text(text)) for name, text in canary.texts.items()]
    packed = [(name, _forms_of_bytes(content)) for name, content in canary.packed.items()]
    seen = set()
    for spelling, forms in (*written, *packed):
        for encoding, content, folded in forms:
            sought = content.lower() if folded else content
            if len(sought) >= _SHORTEST_BYTES and sought not in seen:
                seen.add(sought)
                yield Needle(canary.name, spelling, encoding, sought, folded)


NEEDLES = tuple(needle for canary in CANARIES for needle in needles(canary))


def search(content: bytes, place: str, sought: Iterable[Needle] = NEEDLES) -> list[Leak]:
    """Return every form of every canary that is in a content."""
    squeezed = _ZEROS.sub(_SQUEEZED, content)
    lower = squeezed.lower()
    return [
        Leak(needle.canary, needle.form, place)
        for needle in sought
        if needle.sought in (lower if needle.folded else squeezed)
    ]
