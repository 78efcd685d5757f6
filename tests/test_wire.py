"""The wire format: what a posted body is read as. Its limits are in tests/ingest/."""

import json

import pytest

from collector import wire
from collector.wire import MalformedError, Posted, decode

URL = "https://example.com/"


def read(**more: object) -> Posted:
    """Read an event with these keys on top of a name and an address."""
    return decode(json.dumps({"n": "Order", "u": URL, **more}).encode())


def test_the_limits_are_the_documented_ones() -> None:
    """Peers' scripts and imports were made for them."""
    assert wire.MAX_NAME_CHARACTERS == 120
    assert wire.MAX_URL_CHARACTERS == 2_000
    assert wire.MAX_REFERRER_CHARACTERS == 2_000
    assert wire.MAX_PROPS == 30
    assert wire.MAX_PROP_CHARACTERS == 2_000


def test_what_was_not_posted_is_empty() -> None:
    """An event of nothing but a name and an address is an interaction."""
    assert read() == Posted(
        name="Order",
        url=URL,
        domain="",
        referrer="",
        screen="",
        interactive=True,
        engaged_s=0,
        scroll=0,
        props={},
        revenue="",
        currency="",
    )


@pytest.mark.parametrize(("begins", "ends"), [("[", "]"), ('{"a":', "}")])
def test_what_is_nested_beyond_reading_is_malformed(begins: str, ends: str) -> None:
    """Also where nobody looks: whoever sends it gets a 400, and the log no line."""
    deep = begins * 1_300 + "1" + ends * 1_300
    with pytest.raises(MalformedError, match="nested too deeply") as caught:
        decode(f'{{"n": "Order", "u": "{URL}", "unknown": {deep}}}'.encode())
    assert caught.value.field == "body"


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("text", "text"),
        ("", ""),
        (1, "1"),
        (-1.5, "-1.5"),
        (1.0, "1.0"),
        (True, "true"),
        (False, "false"),
        ("  a \n b  ", "a b"),
    ],
)
def test_a_property_is_kept_as_text(value: object, kept: str) -> None:
    """Numbers as they are written, truth as JSON has it, blanks as one."""
    assert read(p={"key": value}).props == {"key": kept}


def test_a_property_that_is_null_is_left_out() -> None:
    """It says nothing."""
    assert read(p={"a": None, "b": "x"}).props == {"b": "x"}


@pytest.mark.parametrize(
    ("posted", "seconds"),
    [
        (0, 0), (400, 0), (600, 1), (1499.9, 1), (1501, 2), (59_600, 60),
        (86_399_000, 86_399), (86_400_000, 86_400), (86_400_001, 86_400), (10**18, 86_400),
    ],
)  # fmt: skip
def test_engaged_time_is_kept_in_whole_seconds(posted: float, seconds: int) -> None:
    """At most a day's: a token lives no longer."""
    assert read(e=posted).engaged_s == seconds


@pytest.mark.parametrize(
    ("posted", "tenths"), [(0, 0), (4, 0), (6, 1), (47, 5), (94.9, 9), (96, 10), (100, 10)]
)
def test_scroll_is_kept_in_tenths_of_the_page(posted: float, tenths: int) -> None:
    """To the nearest."""
    assert read(sd=posted).scroll == tenths


@pytest.mark.parametrize(
    ("amount", "kept"),
    [
        (12, "12.000"),
        (12.5, "12.500"),
        ("12.50", "12.500"),
        (-3.2, "-3.200"),
        ("0.0004", "0.000"),
        (0.1 + 0.2, "0.300"),
        ("1e3", "1000.000"),
        (999_999_999_999, "999999999999.000"),
    ],
)
def test_an_amount_is_kept_to_a_thousandth(amount: object, kept: str) -> None:
    """As a decimal, which no binary fraction blurs."""
    posted = read(**{"$": {"currency": "EUR", "amount": amount}})
    assert (posted.revenue, posted.currency) == (kept, "EUR")


@pytest.mark.parametrize(
    ("keys", "is_interactive"),
    [
        ({}, True),
        ({"i": True}, True),
        ({"i": None}, True),
        ({"i": False}, False),
        ({"interactive": False}, False),
        ({"i": True, "interactive": False}, False),
    ],
)
def test_an_event_is_an_interaction_unless_it_denies_it(
    keys: dict[str, object], *, is_interactive: bool
) -> None:
    """Under either key."""
    assert read(**keys).interactive is is_interactive


@pytest.mark.parametrize(
    ("posted", "kept"),
    [
        ("pageview", "pageview"),
        ("pageview ", "pageview"),
        ("Pageview", "Pageview"),
        ("  Sign   up ", "Sign up"),
        ("Mail jane.doe@example.com", "Mail :id"),
        ("\u00c4nderung", "\u00c4nderung"),
    ],
)
def test_a_name_is_kept_readable_and_without_identifiers(posted: str, kept: str) -> None:
    """Only `pageview` itself is one."""
    assert read(n=posted).name == kept


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"n":1,"u":"https://example.com/"}', "n"),
        (b'{"name":1}', "name"),
        (b'{"n":"x","u":"https://example.com/","p":{"a":[]}}', "p"),
        (b'{"n":"x","u":"https://example.com/","props":{"":1}}', "props"),
        (b'{"n":"x","u":"https://example.com/","$":{"currency":"EUR","amount":[]}}', "$"),
        (b'{"n":"x","u":"https://example.com/","revenue":{"currency":1}}', "revenue"),
        (b'{"n":"x","u":"https://example.com/","revenue":1}', "revenue"),
        (b'{"n":"x","u":"https://example.com/","e":1e999}', "e"),
        (b"[]", "body"),
        (b"{", "body"),
        (b'{"n":"\xff"}', "body"),
        (b"{}", "n"),
        (b'{"n":"x"}', "u"),
    ],
)
def test_the_field_at_fault_is_named(body: bytes, field: str) -> None:
    """By the outermost key, as it was posted."""
    with pytest.raises(MalformedError) as caught:
        decode(body)
    assert caught.value.field == field
    assert caught.value.message


@pytest.mark.parametrize("secret", ["jane.doe@example.com", "hunter2"])
def test_a_message_never_quotes_what_was_posted(secret: str) -> None:
    """It is answered, and might be logged by whoever posted."""
    for body in (
        {"n": [secret], "u": URL},
        {"n": "x", "u": URL, "p": {secret: {secret: 1}}},
        {"n": "x", "u": URL, "$": {"currency": secret, "amount": 1}},
        {"n": "x", "u": URL, "$": {"currency": "EUR", "amount": secret}},
        {"n": "x" * 121 + secret, "u": URL},
        {secret: 1},
    ):
        with pytest.raises(MalformedError) as caught:
            decode(json.dumps(body).encode())
        assert secret not in f"{caught.value.field} {caught.value.message}"
