"""Whoever objects to being counted: nothing of the request is looked at, and nothing is kept."""

import json

import pytest

from tests.application import PROXY, Started, Whole, pageview
from tests.ingest.posting import counted, reasons

ROBOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"
OBJECTIONS = {
    "cookie": [("Cookie", "gatecount-optout=1")],
    "host cookie": [("Cookie", "__Host-gatecount-optout=1")],
    "cookie among others": [("Cookie", "a=b; gatecount-optout=; c=d")],
    "cookie lines": [("Cookie", "a=b"), ("Cookie", "gatecount-optout=1")],
    "gpc": [("Sec-GPC", "1")],
    "dnt": [("DNT", "1")],
    "gpc with blanks": [("Sec-GPC", " 1 ")],
    "all": [("Cookie", "gatecount-optout=1"), ("Sec-GPC", "1"), ("DNT", "1")],
}
NO_OBJECTIONS = {
    "another cookie": [("Cookie", "xgatecount-optout=1")],
    "a cookie's value": [("Cookie", "a=gatecount-optout")],
    "a longer name": [("Cookie", "gatecount-optout2=1")],
    "other capitals": [("Cookie", "Gatecount-Optout=1")],
    "dnt 0": [("DNT", "0")],
    "dnt empty": [("DNT", "")],
    "gpc 0": [("Sec-GPC", "0")],
    "gpc true": [("Sec-GPC", "?1")],
}
BODIES = {
    "event": json.dumps(pageview("/")).encode(),
    "nothing": b"",
    "no JSON": b"{",
    "wrong type": b'{"n":1}',
    "no page": b'{"n":"pageview","u":"file:///"}',
    "unknown site": json.dumps(pageview("/", "unknown.example")).encode(),
    "spam": json.dumps(pageview("/", r="https://semalt.com/")).encode(),
    "too large": b" " * 100_000,
}


@pytest.mark.parametrize("headers", OBJECTIONS.values(), ids=OBJECTIONS)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_an_objector_is_answered_alike_and_not_counted(
    standing: Whole, headers: list[tuple[str, str]], body: bytes
) -> None:
    """Whatever the body; not as an event, and not as a drop for any reason."""
    assert not reasons(standing, body, headers)


@pytest.mark.parametrize("headers", NO_OBJECTIONS.values(), ids=NO_OBJECTIONS)
def test_what_is_no_objection_counts(standing: Whole, headers: list[tuple[str, str]]) -> None:
    """Names are compared whole, and signals mean what their specifications say."""
    counted(standing, pageview("/"), headers)


@pytest.mark.parametrize(
    "headers",
    [
        [("Sec-GPC", "1"), ("Sec-GPC", "1")],
        [("DNT", "1"), ("DNT", "1")],
        [("DNT", "0"), ("DNT", "1")],
    ],
    ids=["gpc twice", "dnt twice", "both"],
)
def test_a_signal_that_came_twice_is_one(standing: Whole, headers: list[tuple[str, str]]) -> None:
    """A proxy or an extension may add what the browser sent already; when in doubt, not counted."""
    assert not reasons(standing, pageview("/"), headers)


def test_an_objector_leaves_nothing_behind(started: Started) -> None:
    """No chunk and no day key is made, also by a robot from a flooding network elsewhere."""
    with started(flood_limit=1) as whole:
        for headers in OBJECTIONS.values():
            for body in BODIES.values():
                for more in ([], [("User-Agent", ROBOT)]):
                    answer = whole.post(body, [*headers, *more], peer=PROXY)
                    assert (answer.status_code, answer.content) == (202, b"")
                    whole.post(body, [*headers, *more], host="elsewhere.example")
        whole.end()
        assert whole.records() == []
        assert list((whole.folder / "keys").iterdir()) == []


def test_an_objector_takes_nobodys_share(started: Started) -> None:
    """Events that are not counted do not fill the bucket of a network either."""
    with started(flood_limit=2) as whole:
        for _ in range(10):
            whole.post(pageview("/"), {"Sec-GPC": "1"})
        assert [whole.post(pageview("/")).status_code for _ in range(2)] == [202, 202]
        assert len(whole.events()) == 2
        assert not whole.drops()
