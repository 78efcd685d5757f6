"""A request of somebody who objects changes nothing, and is answered like one that counts."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.application import Started, Whole, pageview
from tests.people import key_of
from tests.privacy.canaries import BOT, EMAIL
from tests.privacy.conftest import Watched
from tests.privacy.places import Content, files
from tests.privacy.traffic import OBJECTIONS
from tests.serving import SITE, wait_until

BODIES: Mapping[str, bytes] = {
    "a pageview": json.dumps(pageview("/news")).encode(),
    "a custom event": json.dumps(pageview("/news", n="Sign-up", p={"who": EMAIL})).encode(),
    "an unknown site": json.dumps(pageview("/", site="example.net")).encode(),
    "referrer spam": json.dumps(pageview("/", r="https://semalt.com/")).encode(),
    "a wrong type": json.dumps(pageview("/", p=[1])).encode(),
    "no JSON": EMAIL.encode(),
    "nothing": b"",
    "too much": b"x" * 9_000,
}
HEADERS: tuple[Mapping[str, str], ...] = (
    {},
    {"User-Agent": BOT},
    {"Host": "stats.example.net"},
    {"X-Forwarded-For": ""},
)


def _object(whole: Whole) -> None:
    """Post everything under every objection, as a browser and as one that would be dropped."""
    for objection in OBJECTIONS:
        for headers in HEADERS:
            for body in BODIES.values():
                answer = whole.post(body, {**headers, **objection})
                assert (answer.status_code, answer.content) == (202, b"")
                assert answer.headers.raw == [(b"content-length", b"0")]


def _everything(folder: Path) -> list[Content]:
    return list(files(folder))


def _wait_for_a_pageview(whole: Whole) -> None:
    """Return once the first event is in the live store: from then on all is still."""
    query = {"site_id": SITE, "metrics": ["pageviews"], "date_range": "day"}
    key = key_of(whole.composed.control)
    headers = {"Authorization": f"Bearer {key}"}

    def is_loaded() -> bool:
        answer = whole.post(query, headers, path="/api/v2/query")
        assert answer.status_code == 200, answer.text
        return bool(answer.json()["results"][0]["metrics"] == [1])

    wait_until(is_loaded, "a pageview")


def test_objecting_changes_no_byte_of_a_busy_collector(started: Started, ram: Path) -> None:
    """Neither at once nor when it stops; the journal, both stores and the keys stay as they are."""
    with started(with_dashboard=True) as whole:
        whole.post(BODIES["a pageview"])
        _wait_for_a_pageview(whole)
        before = _everything(ram)
        _object(whole)
        whole.end()
        assert _everything(ram) == before


def test_objecting_makes_no_day_key_and_no_chunk(started: Started, ram: Path) -> None:
    """Even when nobody else was there before."""
    with started() as whole:
        before = _everything(ram)
        _object(whole)
        whole.end()
        assert _everything(ram) == before
        assert list((ram / "keys").iterdir()) == []
        assert list((ram / "data" / "journal").iterdir()) == []


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        ("a pageview", {}),
        ("a custom event", {"Cookie": "gatecount-optout-not=1"}),
        ("a pageview", {"User-Agent": BOT}),
        ("an unknown site", {"Sec-GPC": "0"}),
        ("referrer spam", {"DNT": "0"}),
    ],
)
def test_anything_counted_of_an_objector_would_be_noticed(
    started: Started, ram: Path, body: str, headers: dict[str, str]
) -> None:
    """An event that counts or is dropped is seen in the same comparison."""
    with started() as whole:
        whole.post(BODIES["a pageview"])
        before = _everything(ram)
        whole.post(BODIES[body], headers)
        whole.end()
        assert _everything(ram) != before


def test_objectors_use_up_nobodys_share(started: Started) -> None:
    """What a network may send in a minute is left to those behind the same address."""
    with started(flood_limit=1) as whole:
        _object(whole)
        whole.post(BODIES["a pageview"])
        assert len(whole.events()) == 1
        whole.post(BODIES["a pageview"])
        assert whole.drops() == {"flood": 1}


def test_an_objector_gets_the_answer_of_a_counted_event_byte_for_byte(watched: Watched) -> None:
    """On the wire, but for the date; so does an event that is dropped."""
    counted = watched.answers["counted"]
    assert counted.startswith(b"HTTP/1.1 202 Accepted\r\n")
    assert len(watched.answers) == 2 + len(OBJECTIONS)
    assert set(watched.answers.values()) == {counted}
