"""Scrubbing is idempotent, and nothing planted survives it, wherever and however encoded."""

import base64
import random
import string
import unicodedata
from typing import NamedTuple
from urllib.parse import quote, unquote

from hypothesis import given
from hypothesis import strategies as st

from collector.identifiers import MARK
from collector.scrub import ScrubbedUrl, scrub_path, scrub_text, scrub_url
from tests.chance import examples

SETTINGS = examples(300)
# What the rules look at, so that random texts meet them.
PIECES = (
    "/", "//", "\\", "-", "_", ".", ",", ";", ":", "=", "&", "?", "#", "+", "~", "!", "(", ")", "[",
    "]", "{", "}", '"', "'", " ", "  ", "\t", "\n", "\x00", "\x85", "%", "%4", "%40", "%2540",
    "%252540", "%25252540", "%2f", "%252F", "%3f", "%00", "%c1%80", "%ff", "%u0040", "%ud800",
    "&#64;", "@", "\uff20", "(at)", " at ", "john", "example.com", "www.", "https://",
    "Mozilla/5.0 (", "1",
    "12345", "123456", "2026-11-24", "2026", "555-", "192.0.2.", "17", "::1", "2001:db8:",
    "a1B2c3D4", "deadbeef", "DEADBEEF", "eyJhbGciOi", "Kq7Zx9", "word", "Word", "WORD",
    "donaudampfschiff", "ü",
    "ß", "你好", "мир", "مرحبا", "\u200c", "\u200d", "\u200b", "\u202e", "\ud800", "\udc40", "١٢٣",
    "①②③", "e\u0301", "\ufdfa", "🏴\U000e0067\U000e007f", ":id", "id", MARK, ".html", "?x=", "&y=",
)  # fmt: skip
texts = st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=24).map("".join)
seeds = st.integers(0, 2**32 - 1)


def _drawn(alphabet: str, low: int, high: int) -> st.SearchStrategy[str]:
    """Return strings as a machine draws them: what hypothesis shrinks to is no random token."""

    def draw(seed: int) -> str:
        chance = random.Random(seed)
        return "".join(chance.choices(alphabet, k=chance.randint(low, high)))

    return seeds.map(draw)


def _jwt(seed: int) -> str:
    chance = random.Random(seed)
    header, payload = b'{"alg":"HS256","typ":"JWT"}', f'{{"sub":"{seed}"}}'.encode()
    parts = (header, payload, chance.randbytes(32))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _email(local: str, domain: str, at: str) -> str:
    return f"{local}{at}{domain}"


emails = st.builds(
    _email,
    st.from_regex(r"[a-z0-9]{1,8}([._+-][a-zA-Z0-9]{1,8}){0,2}", fullmatch=True),
    st.from_regex(r"[a-z0-9]{1,8}(\.[a-z]{2,6}){0,2}", fullmatch=True),
    st.sampled_from(["@", "@", "@", "\uff20", "\ufe6b"]),
)
uuids = st.uuids().map(str) | st.uuids().map(lambda uuid: str(uuid).upper())
hexes = st.from_regex(r"[0-9a-f]{16,40}|[0-9A-F]{16,40}", fullmatch=True)
numbers = st.from_regex(r"[0-9]{6,20}|[٠-٩]{6,9}|[０-９]{6,9}", fullmatch=True)  # noqa: RUF001
tokens = _drawn(string.ascii_letters + string.digits, 22, 43) | _drawn(
    string.ascii_lowercase + string.digits, 24, 43
)
ipv4s = st.ip_addresses(v=4).map(str)
ipv6s = st.ip_addresses(v=6, network="2001:db8::/32").map(str)
planted = emails | uuids | seeds.map(_jwt) | hexes | numbers | tokens | ipv4s | ipv6s


def _every_byte(text: str) -> str:
    return "".join(f"%{byte:02x}" for byte in text.encode())


class Coding(NamedTuple):
    """How often a text is percent-encoded, and whether at first every byte of it is."""

    depth: int
    every: bool


def _encoded(text: str, coding: Coding) -> str:
    for round_ in range(coding.depth):
        text = _every_byte(text) if coding.every and not round_ else quote(text, safe="")
    return text


glues = st.sampled_from(
    ["", "", "user-", "x", "X_", "ü", "ж", "你", "a;b=", "(", "-", ".", ",", "~", "!", "id:", "0x"]
)
codings = st.builds(Coding, st.integers(0, 4), st.booleans())


def _readings(text: str) -> str:
    """Return all a reader may make of a text: decoded again and again, in plain spelling."""
    readings = [text]
    for _ in range(5):
        readings.append(unquote(readings[-1], errors="surrogateescape"))
    readings += [unicodedata.normalize("NFKC", reading) for reading in readings]
    return "\n".join(readings).lower()


def _kept(scrubbed: ScrubbedUrl) -> str:
    return "\n".join(scrubbed[1:5])


@SETTINGS
@given(texts)
def test_a_scrubbed_path_scrubs_to_itself(text: str) -> None:
    """Whatever it was made of; and it is always a path, readable, and not too long."""
    path = scrub_path(text)
    assert scrub_path(path) == path
    assert scrub_path(quote(path)) == path
    assert path.startswith("/")
    assert "//" not in path
    assert "\n" not in path
    assert len(path) <= 2_000
    path.encode()  # no lone surrogates


@SETTINGS
@given(texts, st.integers(3, 60))
def test_a_scrubbed_text_scrubs_to_itself(text: str, limit: int) -> None:
    """Also where the cut made something new of it."""
    scrubbed = scrub_text(text, limit)
    assert scrub_text(scrubbed, limit) == scrubbed
    assert scrub_text(scrubbed, 2_000) == scrubbed
    assert len(scrubbed) <= limit
    scrubbed.encode()


@SETTINGS
@given(texts, texts, texts, texts)
def test_a_scrubbed_address_scrubs_to_itself(path: str, source: str, medium: str, tag: str) -> None:
    """Written out again, it gives the same host, path and tags."""
    tags = f"utm_source={quote(source.encode('utf-8', 'replace'))}&ref={medium}&utm_campaign={tag}"
    scrubbed = scrub_url(f"https://example.com/{path.replace('#', '').replace('?', '')}?{tags}")
    assert scrub_url(scrubbed.url) == scrubbed


@SETTINGS
@given(st.text(string.ascii_lowercase + "0123456789-/", max_size=60))
def test_the_quick_road_changes_no_result(text: str) -> None:
    """An encoded slash keeps a path off the quick road."""
    assert scrub_path(f"/{text}") == scrub_path(f"%2f{text}")


@SETTINGS
@given(planted, codings, glues, glues)
def test_what_survived_would_be_noticed(
    plant: str, coding: Coding, before: str, after: str
) -> None:
    """Whatever it is, however it is encoded and glued."""
    assert plant.lower() in _readings(f"/{before}{_encoded(plant, coding)}{after}/end")


@SETTINGS
@given(planted, codings, glues, glues, st.sampled_from(["", "a/", "docs/a-b/"]))
def test_nothing_planted_in_a_path_survives(
    plant: str, coding: Coding, before: str, after: str, parent: str
) -> None:
    """As a segment or within one, glued to letters of any script, encoded up to four times."""
    path = f"/{parent}{before}{_encoded(plant, coding)}{after}/end"
    scrubbed = scrub_path(path)
    assert plant.lower() not in _readings(scrubbed)
    assert unicodedata.normalize("NFKC", plant).lower() not in _readings(scrubbed)
    assert scrubbed.startswith(f"/{parent}")


@SETTINGS
@given(planted, codings, glues, glues, st.data())
def test_nothing_planted_anywhere_in_an_address_survives(
    plant: str, coding: Coding, before: str, after: str, data: st.DataObject
) -> None:
    """In credentials, query, tags, click ids or fragment."""
    value = f"{before}{_encoded(plant, coding)}{after}"
    bare = _encoded(plant, coding._replace(depth=max(1, coding.depth)))
    url = data.draw(
        st.sampled_from(
            [
                f"https://{bare}@example.com/a",
                f"https://user:{bare}@example.com/a",
                f"https://example.com/a?email={value}",
                f"https://example.com/a?{value}",
                f"https://example.com/a?utm_source={bare}&x=y",
                f"https://example.com/a?utm_source={quote(before)}{bare}",
                f"https://example.com/a?utm_medium=mail+{bare}",
                f"https://example.com/a?ref=x&utm_campaign=a-b-{bare}",
                f"https://example.com/a?ref={bare}",
                f"https://example.com/a?source={bare}",
                f"https://example.com/a?gclid={value}",
                f"https://example.com/a#{value}",
                f"https://example.com/a?x=y#{value}",
                f"https://example.com/a%3Femail={bare}",
                f"https://example.com/a%253Fuser%253D{bare}/b",
                f"https://example.com/a;session={bare}/b",
            ]
        )
    )
    scrubbed = scrub_url(url)
    assert plant.lower() not in _readings(_kept(scrubbed))
    assert scrubbed.host == "example.com"
    assert scrubbed.path in {"/a", "/a/b"}


@SETTINGS
@given(planted, codings, glues, st.sampled_from(["", "Form for ", "a=b&c=", "x/"]))
def test_nothing_planted_in_a_text_survives(
    plant: str, coding: Coding, glue: str, words: str
) -> None:
    """Also when the cut falls into it."""
    value = f"{words}{glue}{_encoded(plant, coding)} end"
    for limit in (2_000, len(value) - 6, len(words) + len(plant)):
        assert plant.lower() not in _readings(scrub_text(value, max(3, limit)))


@SETTINGS
@given(st.text(max_size=12).filter(lambda name: "=" not in name), texts)
def test_no_unlisted_parameter_leaves_a_trace(name: str, value: str) -> None:
    """The result is that of the address without it."""
    encoded = quote(name.encode("utf-8", "replace"), safe="")
    url = f"https://example.com/a?x{encoded}={quote(value.encode('utf-8', 'replace'), safe='')}"
    assert scrub_url(url) == scrub_url("https://example.com/a")
