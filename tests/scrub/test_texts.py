"""What is kept of texts, and what is remembered of anything that was scrubbed."""

import pytest

from collector.scrub import (
    _CACHE_ENTRIES,
    _clean_paths,
    _clean_tags,
    _clean_texts,
    _clean_urls,
    scrub_path,
    scrub_text,
    scrub_url,
)
from tests.scrub.shapes import JWT, TOKEN, UUID


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("Signup", "Signup"),
        ("Newsletter Signup 2026", "Newsletter Signup 2026"),
        ("Größe: XL, rot (2)", "Größe: XL, rot (2)"),
        ("color=red&size=xl", "color=red&size=xl"),
        ("50% off", "50% off"),
        ("a/b testing", "a/b testing"),
        ("  two\n lines ", "two lines"),
        ("4.99", "4.99"),
        ("12345", "12345"),
        ("true", "true"),
        ("Is it? Yes.", "Is it? Yes."),
        ("follow @alice", "follow @alice"),
        ("你好 世界", "你好 世界"),
        ("form for john@example.com failed", "form for :id failed"),
        ("form for john%40example.com failed", "form for :id failed"),
        ('"john doe"@example.com', ":id"),
        ("john @ example.com", ":id"),
        ("john@ example.com", ":id"),
        ("john (at) example.com", ":id"),
        (r"john\u0040example.com", ":id"),
        (f"order {UUID} paid", "order :id paid"),
        (f"bearer {JWT}", "bearer :id"),
        (f"token={TOKEN}", "token=:id"),
        ("order 1234567", "order :id"),
        ("+1 (555) 123-4567", "+:id"),
        ("from 192.0.2.17", "from :id"),
        ("from 2001:db8::17 today", "from :id today"),
        ("Mozilla/5.0 (X11; Linux x86_64) Gecko", ":id"),
        ("by ExampleBrowser/12.3 (secret things)", "by :id"),
        ("https://example.com/a?token=b#c", "https://example.com/a"),
        ("go to https://j:p@example.com:8443/a?b=c now", "go to https://example.com/a now"),
        ("https://[nonsense", ":id"),
        ("/reset?token=abc now", "/reset now"),
        ("\ud800", ":id"),
        ("%FF", ":id"),
        ("%2525252541", ":id"),
        ("\ufdfa" * 2_000, ":id"),
        ("\uac01" * 2_000, "\uac01" * 2_000),
    ],
)
def test_texts_keep_what_names_nobody(text: str, expected: str) -> None:
    """Words stay, identifiers go, addresses of pages lose their queries."""
    assert scrub_text(text, 2_000) == expected
    assert scrub_text(expected, 2_000) == expected


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 10, 14, 120])
def test_a_text_is_cut_after_it_is_scrubbed(limit: int) -> None:
    """No part of an address is left, wherever the cut falls."""
    scrubbed = scrub_text("mail john@example.com, or 192.0.2.17, or 1234567", limit)
    assert scrubbed == "mail :id or :id, or :id"[:limit].strip()


@pytest.mark.parametrize(
    "unit",
    [
        "123456a", "aB3dE5fG7hI9jK1lM2nO-the-quick-brown-fox-", "1", "deadbeef", "a@", "@", "%25",
        "1:", "1-", "ü", "?a", "&a", "a ", "/a", "eyJ", "aa-", "1.", "(", "(at", "-", "aB3",
        "&#0000", "https://", "a/1(", "A-a/9 ", "?=", ";=", "::", "0x", '"@', " @ a.",
    ],
)  # fmt: skip
def test_hostile_texts_take_no_longer_than_others(unit: str) -> None:
    """Repetition makes no expression backtrack: cost grows with the length and no faster."""
    text = (unit * 2_000)[:2_000]
    assert len(scrub_text(text, 2_000)) <= 2_000
    assert len(scrub_path(f"/{text}")) <= 2_000
    assert len(scrub_path(f"/{text}".replace("/", "%2f"))) <= 2_000


def test_nothing_that_was_scrubbed_is_remembered() -> None:
    """The caches hold what reaches the disk anyway."""
    for clean in (_clean_urls, _clean_paths, _clean_texts, _clean_tags):
        clean.clear()
    for number in range(10):
        scrub_path(f"/Seen-{number}")
        scrub_path(f"/User-{number}/john@example.com")
        scrub_text(f"{UUID} Signup {number}", 100)
        scrub_url(f"https://example.com/?utm_source=john%40example.com-{number}")
        scrub_url(f"https://example.com/seen-too-{number}")
        scrub_url(f"https://john-{number}.example.com/seen")
        scrub_url(f"https://example.com/seen?john={number}")
        scrub_url(f"https://example.com/seen#john-{number}")
    remembered = repr((_clean_urls, _clean_paths, _clean_texts, _clean_tags))
    assert "Seen-9" in remembered
    assert "seen-too-9" in remembered
    assert "john" not in remembered
    assert "550e8400" not in remembered


def test_the_caches_do_not_grow_without_bound() -> None:
    """A flood of pages costs time, not memory."""
    for number in range(3 * _CACHE_ENTRIES):
        scrub_path(f"/Page/{number}")
        scrub_url(f"https://example.com/page/{number}")
    assert 0 < len(_clean_paths) <= _CACHE_ENTRIES
    assert 0 < len(_clean_urls) <= _CACHE_ENTRIES
