"""What an event must look like: limits, types, and which field is at fault."""

import json
from typing import Any

import pytest

from tests.application import Whole, pageview
from tests.ingest.posting import counted, custom, refused

PAGE = "https://example.com/"
_LONG_PATH = "ab-cd/" * 400  # nothing in it looks like an identifier


def url_of(characters: int) -> str:
    """Return an address of some length."""
    return (PAGE + _LONG_PATH)[:characters]


def words(characters: int) -> str:
    """Return a text of some length in which nothing is to be masked."""
    return ("so it is " * characters)[: characters - 1] + "x"


def props(count: int) -> dict[str, str]:
    """Return so many properties."""
    return {f"key {'abcdefghij'[n // 10]}{'abcdefghij'[n % 10]}": "v" for n in range(count)}


WITHIN: list[tuple[str, Any]] = [
    *[("n", words(count)) for count in (1, 2, 119, 120)],
    *[("u", url_of(count)) for count in (19, 20, 1999, 2000)],
    *[("p", props(count)) for count in (0, 1, 29, 30)],
    *[("p", {"key": words(count)}) for count in (1, 1999, 2000)],
    *[("p", {words(count): "v"}) for count in (1, 299, 300)],
    ("p", {"key": ""}),
    *[("r", "https://example.net/" + words(count)) for count in (1, 1980, 1981, 5000)],
    ("r", ""),
    ("d", "example.com"),
    ("d", ""),
    *[("sd", value) for value in (0, 0.5, 1, 99, 100, 100.0)],
    *[("e", value) for value in (0, 1, 999.9, 86_400_000, 86_400_001, 10**15)],
    *[("i", value) for value in (True, False)],
    ("s", "xs"),
    ("s", "nonsense"),
    ("$", {"currency": "EUR", "amount": 0}),
    ("$", {"currency": "EUR", "amount": -12.5}),
    ("$", {"currency": "EUR", "amount": "12.50"}),
    ("$", {"currency": "EUR", "amount": 999_999_999_999.999}),
    *[(key, None) for key in ("d", "r", "p", "i", "s", "$", "e", "sd")],
]
BEYOND: list[tuple[str, Any]] = [
    *[("n", words(count)) for count in (121, 2000)],
    *[("u", url_of(count)) for count in (2001, 2400)],
    *[("p", props(count)) for count in (31, 100)],
    ("p", {"key": words(2001)}),
    ("p", {words(301): "v"}),
    ("p", {"": "v"}),
    ("d", "a" * 254),
    *[("sd", value) for value in (-1, -0.1, 100.1, 101)],
    *[("e", value) for value in (-1, -0.001)],
    ("n", ""),
    ("n", "   "),
    ("n", None),
    ("u", ""),
    ("u", None),
    ("$", {"currency": "EUR", "amount": 10**12}),
    ("$", {"currency": "EUR", "amount": "-1e12"}),
    ("$", {"currency": "EUR", "amount": "1e400"}),
    ("$", {"currency": "EUR", "amount": "NaN"}),
    ("$", {"currency": "EUR", "amount": "Infinity"}),
    ("$", {"currency": "EUR", "amount": "twelve"}),
    ("$", {"currency": "EUR", "amount": ""}),
    ("$", {"currency": "eur", "amount": 1}),
    ("$", {"currency": "EURO", "amount": 1}),
    ("$", {"currency": "EUR\n", "amount": 1}),
    ("$", {"currency": "", "amount": 1}),
    ("$", {"currency": "EUR"}),
    ("$", {"amount": 1}),
]
_ANYTHING: tuple[object, ...] = (1, 1.5, True, "text", [], ["text"], {}, {"a": "b"})
# What each field may be, of the kinds of values above; everything else is a wrong type.
_RIGHT: dict[str, tuple[type, ...]] = {
    "n": (str,), "u": (str,), "d": (str,), "r": (str,), "s": (str,), "i": (bool,), "p": (dict,),
    "$": (dict,), "e": (int, float), "sd": (int, float),
}  # fmt: skip
WRONG: list[tuple[str, Any]] = [
    (field, value)
    for field, right in _RIGHT.items()
    for value in _ANYTHING
    if not isinstance(value, right) or (isinstance(value, bool) and bool not in right)
]
_NESTED: tuple[object, ...] = ([], {}, ["a"], {"a": 1})
WRONG += [("p", {"key": value}) for value in _NESTED]
WRONG += [("$", {"currency": "EUR", "amount": value}) for value in (True, None, *_NESTED)]
LONG = {"n": "name", "u": "url", "d": "domain", "r": "referrer", "p": "props", "$": "revenue",
        "i": "interactive"}  # fmt: skip


@pytest.mark.parametrize(("field", "value"), WITHIN)
def test_a_value_within_its_limits_counts(standing: Whole, field: str, value: object) -> None:
    """Up to the last character or number; null is as good as nothing."""
    counted(standing, custom() | {field: value})


@pytest.mark.parametrize(("field", "value"), BEYOND + WRONG)
def test_a_value_that_is_beyond_or_of_a_wrong_type_is_refused(
    standing: Whole, field: str, value: object
) -> None:
    """From the first character or number on, and the field is named."""
    assert refused(standing, custom() | {field: value}) == field


@pytest.mark.parametrize(("short", "long"), LONG.items())
def test_a_long_key_has_the_limits_of_its_short_one(standing: Whole, short: str, long: str) -> None:
    """And is named as it was sent."""
    for field, value in BEYOND + WRONG:
        if field == short and value not in ("   ", None) and not _is_money(value):
            body = {key: v for key, v in custom().items() if key != short}
            assert refused(standing, body | {long: value}) == long


def _is_money(value: object) -> bool:
    # An amount is looked at once it is known to be one, whatever it was called.
    return isinstance(value, dict) and {*value} == {"currency", "amount"}


def test_short_and_long_keys_mean_the_same(standing: Whole) -> None:
    """One event under all its short keys, and under all its long ones."""
    short = {
        "n": "Order",
        "u": "https://example.com/shop?utm_source=letter",
        "d": "example.com",
        "r": "https://example.net/",
        "p": {"size": "large"},
        "$": {"currency": "EUR", "amount": 12.5},
        "i": False,
    }
    long = {LONG[key]: value for key, value in short.items()}
    one, other = counted(standing, short), counted(standing, long)
    assert other.at_us > one.at_us
    fields = [field for field in one.__struct_fields__ if field != "at_us"]
    assert [getattr(other, f) for f in fields] == [getattr(one, f) for f in fields]
    assert (one.name, one.path, one.source, one.referrer) == (
        "Order", "/shop", "letter", "example.net",
    )  # fmt: skip
    assert (one.props, one.revenue, one.currency, one.interactive) == (
        {"size": "large"}, "12.500", "EUR", False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("token", 7),
        ("site", 1),
        ("at_us", 0),
        ("timestamp", "2001-01-01T00:00:00Z"),
        ("ip", "192.0.2.99"),
        ("user_agent", "Somebody"),
        ("user_id", "somebody"),
        ("h", 1),
        ("country", "DE"),
        ("N", "Other"),
        ("", None),
        ("x" * 5000, {"deep": [[[[]]]]}),
    ],
)
def test_an_unknown_key_is_ignored(standing: Whole, key: str, value: object) -> None:
    """A newer script may say more; no identifier, address or time is taken from a browser."""
    plain, odd = counted(standing, custom()), counted(standing, custom() | {key: value})
    assert (odd.token, odd.site, odd.name, odd.country) == (
        plain.token, plain.site, plain.name, plain.country,
    )  # fmt: skip
    assert odd.at_us == plain.at_us + 1


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"{", b"}", b"null", b"[]", b"1", b'"pageview"', b"\xff\xfe", b"{}x",
        b"[" * 8000,
        b'{"n":"x","u":"https://example.com/",}', b"{'n':'x'}", b'{"n":"\xff"}', b"\0",
        b'{"n":"\\ud800","u":"https://example.com/"}', b"n=pageview&u=https://example.com/",
        b'{"n":"x","u":"https://example.com/","p":{"a":NaN}}',
    ],
)  # fmt: skip
def test_what_is_no_json_object_is_refused(standing: Whole, body: bytes) -> None:
    """The body as a whole is at fault."""
    assert refused(standing, body) == "body"


def test_an_empty_object_lacks_a_name(standing: Whole) -> None:
    """Then an address."""
    assert refused(standing, {}) == "n"
    assert refused(standing, {"n": "pageview"}) == "u"


@pytest.mark.parametrize(
    "url",
    [
        "file:///home/me/page.html", "javascript:alert(1)", "data:text/html,x", "about:blank",
        "chrome-extension://abcdef/page.html", "ftp://example.com/", "//example.com/", "/path",
        "example.com", "https://", "https:///path", "http://:80/", "https://exa mple.com/",
        "https://<script>/", "android-app://com.example", "blob:https://example.com/x", "ws://a.b/",
    ],
)  # fmt: skip
def test_only_pages_of_the_web_are_counted(standing: Whole, url: str) -> None:
    """By http or https, and with a host."""
    assert refused(standing, custom(u=url)) == "u"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com",
        "HTTPS://EXAMPLE.COM/",
        "https://example.com:8443/",
        " https://example.com/",
    ],
)
def test_addresses_are_read_as_browsers_read_them(standing: Whole, url: str) -> None:
    """Capitals, ports and blanks around make no difference."""
    kept = counted(standing, custom(u=url))
    assert (kept.host, kept.path) == ("example.com", "/")


@pytest.mark.parametrize(
    "kind", ["text/plain", "text/plain;charset=UTF-8", "application/json", "nonsense", ""]
)
def test_the_content_type_does_not_matter(standing: Whole, kind: str) -> None:
    """A browser sends text/plain, because for that it need not ask first."""
    headers = {"Content-Type": kind} if kind else {}
    counted(standing, pageview("/"), headers)


def test_what_identifies_somebody_is_masked_before_it_is_kept(standing: Whole) -> None:
    """In the path, the event's name, and names and values of properties."""
    somebody = "jane.doe@example.com"
    body = custom(n=f"Mail {somebody}", u=f"https://example.com/u/{somebody}?q={somebody}")
    body["p"] = {somebody: "x", "to": f"mailto:{somebody}"}
    kept = counted(standing, body)
    assert (kept.name, kept.path) == ("Mail :id", "/u/:id")
    assert somebody not in json.dumps([kept.props, kept.path, kept.name])


def test_a_referrer_is_cut_and_only_its_host_kept(standing: Whole) -> None:
    """A longer one is no error: 2,000 characters of it are looked at."""
    kept = counted(standing, custom(r="https://example.net/" + "a/" * 3000))
    assert kept.referrer == "example.net"
    kept = counted(standing, custom(r=" " * 2000 + "https://example.net/"))
    assert kept.referrer == ""
