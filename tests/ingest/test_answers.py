"""What the event endpoint answers, and where it stands."""

import shutil

import pytest

from tests.application import SITE, Started, Whole, pageview
from tests.ingest.posting import custom

GPC = {"Sec-GPC": "1"}
ROBOT = {"User-Agent": "Googlebot/2.1 (+http://www.google.com/bot.html)"}


def test_whoever_posts_cannot_tell_what_became_of_it(standing: Whole) -> None:
    """Counted, dropped for any reason, opted out: the same status, headers and empty body."""
    spam = custom(r="https://semalt.com/")
    answers = [
        standing.post(pageview("/")),
        standing.post(custom()),
        standing.post(pageview("/", "unknown.example")),
        standing.post(pageview("/"), host="stats.example.org"),
        standing.post(pageview("/"), ROBOT),
        standing.post(spam),
        standing.post(pageview("/"), GPC),
        standing.post(b"{", GPC),
    ]
    seen = {(a.status_code, tuple(a.headers.items()), a.content) for a in answers}
    assert seen == {(202, (("content-length", "0"),), b"")}


def test_one_event_too_many_is_answered_as_the_others(started: Started) -> None:
    """A flood does not learn its limit."""
    with started(flood_limit=1) as whole:
        answers = [whole.post(pageview("/")) for _ in range(3)]
        assert {(a.status_code, tuple(a.headers.items()), a.content) for a in answers} == {
            (202, (("content-length", "0"),), b"")
        }
        assert len(whole.events()) == 1


def test_an_answer_lets_no_other_site_read_it_and_sets_nothing(standing: Whole) -> None:
    """No cookie, no permission for scripts of other origins, no validator."""
    answer = standing.post(pageview("/"), {"Origin": "https://elsewhere.example"})
    assert set(answer.headers) == {"content-length"}


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
@pytest.mark.parametrize("headers", [{}, GPC], ids=["anybody", "objector"])
def test_events_are_posted_and_nothing_else(
    standing: Whole, method: str, headers: dict[str, str]
) -> None:
    """Another method is answered with the right one."""
    answer = standing.ask(method, "/api/event", headers=headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.content == b""


@pytest.mark.parametrize(
    "path", ["/api/event/", "/api/events", "/API/event", "/event", "/api", "/count/api/event", "/"]
)
def test_there_is_one_address_for_events(standing: Whole, path: str) -> None:
    """A path that only looks like it is not found."""
    assert standing.post(pageview("/"), path=path).status_code == 404


@pytest.mark.parametrize("path", ["/api/event", "/count/api/event", "/api/event?x=1"])
def test_below_a_path_of_the_site_both_addresses_answer(started: Started, path: str) -> None:
    """Whether or not the proxy strips the prefix."""
    with started(public_url=["https://example.com/count/"]) as whole:
        assert whole.post(pageview("/"), path=path).status_code == 202
        assert len(whole.events()) == 1


@pytest.mark.parametrize("host", [SITE, "127.0.0.1:8000", "nobody.example"])
def test_health_is_told_to_anybody(standing: Whole, host: str) -> None:
    """Whatever host is asked for; and no cache may keep it."""
    answer = standing.get("/healthz", host=host)
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert answer.headers["cache-control"] == "no-store"
    assert standing.ask("HEAD", "/healthz").status_code == 200
    assert standing.ask("POST", "/healthz").status_code == 405


def test_a_refusal_does_not_repeat_what_was_sent(standing: Whole) -> None:
    """It names the field and what is allowed there."""
    answer = standing.post({"n": "pageview", "u": "javascript:alert(document.domain)"})
    assert answer.json() == {"field": "u", "error": "no page's address: not http or https"}
    answer = standing.post({"n": "pageview", "u": "https://example.com/", "e": "<script>"})
    assert answer.json()["field"] == "e"
    assert b"script" not in answer.content


def test_without_a_day_key_an_event_is_put_off(started: Started) -> None:
    """503 and when to come again; once there is a key, it counts."""
    with started() as whole:
        keys = whole.folder / "keys"
        shutil.rmtree(keys)
        keys.write_text("")  # where the directory would be made again
        answer = whole.post(pageview("/"))
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        keys.unlink()
        assert whole.post(pageview("/")).status_code == 202
        assert len(whole.events()) == 1


def test_without_a_disk_an_event_is_put_off(started: Started) -> None:
    """503 rather than an acknowledgement that would not hold; a second later it is tried again."""
    with started() as whole:
        chunks = whole.folder / "data" / "journal"
        chunks.rmdir()
        assert whole.post(pageview("/")).status_code == 503
        chunks.mkdir()
        assert whole.post(pageview("/")).status_code == 503
        whole.clock.turn(seconds=1)
        assert whole.post(pageview("/")).status_code == 202
        assert len(whole.events()) == 1
