"""Erasing: what goes to the journal, whom it reaches, and that its answer tells nothing."""

import re
from collections.abc import Mapping

import pytest

from collector import keeper
from collector.journal import Erasure, Event
from collector.load import Loader
from tests.application import SITE, Started, Whole, pageview
from tests.ingest.posting import SOMEBODY_ELSE
from tests.people import key_of
from tests.serving import wait_until

OTHER_BROWSER = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0"}


def erasures(whole: Whole) -> list[Erasure]:
    """Return what is to be erased according to the journal."""
    return [record for record in whole.records() if isinstance(record, Erasure)]


def left(whole: Whole) -> list[Event]:
    """Return the events that no erasure reaches."""
    reached = {(e.site, e.date, e.token): e.at_us for e in erasures(whole)}
    return [e for e in whole.events() if reached.get((e.site, e.date, e.token), 0) < e.at_us]


@pytest.mark.parametrize("road", ["/erase", "/opt-out"])
def test_erasing_reaches_what_was_counted_of_this_address_and_browser(
    whole: Whole, road: str
) -> None:
    """Nobody else's, and nothing that comes later; opting out erases as well."""
    whole.post(pageview("/before"))
    whole.post(pageview("/of-a-neighbour"), SOMEBODY_ELSE)
    whole.post(pageview("/of-another-browser"), OTHER_BROWSER)
    assert whole.ask("POST", road).status_code in {200, 303}
    whole.post(pageview("/after"))
    assert [e.path for e in left(whole)] == ["/of-a-neighbour", "/of-another-browser", "/after"]


def test_erasing_reaches_yesterday_no_more(whole: Whole) -> None:
    """Its key is gone, and with it the way from a request to a token."""
    whole.post(pageview("/yesterday"))
    whole.clock.turn(days=1)
    whole.ask("POST", "/erase")
    (erasure,) = erasures(whole)
    assert erasure.date == "2026-11-25"
    assert [e.path for e in left(whole)] == ["/yesterday"]


def test_erasing_is_for_all_sites_that_the_host_counts_for(started: Started) -> None:
    """And for no site of another domain, whose page that is not."""
    sites = {SITE: "UTC", "shop.example.com": "Asia/Tokyo", "example.net": "UTC"}
    with started(sites=sites) as whole:
        for site in sites:
            whole.post(pageview("/", site=site), host=site)
        whole.ask("POST", "/erase", host="stats.example.com")
        assert [e.host for e in left(whole)] == ["example.net"]
        assert len({e.token for e in erasures(whole)}) == 2


def test_erasing_is_for_every_site_when_any_host_may_take_its_events(started: Started) -> None:
    """With the option allow_third_party."""
    sites = {SITE: "UTC", "example.net": "UTC"}
    with started(sites=sites, allow_third_party=True) as whole:
        for site in sites:
            whole.post(pageview("/", site=site))
        whole.ask("POST", "/erase")
        assert left(whole) == []


@pytest.mark.parametrize(
    "headers", [{"Cookie": "gatecount-optout=1"}, {"Sec-GPC": "1"}, {"DNT": "1"}]
)
def test_whoever_objects_may_erase_what_was_before(
    whole: Whole, headers: Mapping[str, str]
) -> None:
    """The objection is about being counted."""
    whole.post(pageview("/before"))
    whole.ask("POST", "/erase", headers=headers)
    assert left(whole) == []


def test_the_answer_is_the_same_whether_anything_was_held(whole: Whole) -> None:
    """Byte for byte, so that nobody learns whether a neighbour was here."""
    whole.post(pageview("/"), SOMEBODY_ELSE)
    for road in ("/erase", "/opt-out"):
        held, not_held, again = (
            whole.ask("POST", road, headers=headers)
            for headers in (SOMEBODY_ELSE, {"X-Forwarded-For": "192.0.2.77"}, SOMEBODY_ELSE)
        )
        assert held.content == not_held.content == again.content
        assert held.headers.raw == not_held.headers.raw == again.headers.raw
        assert held.status_code == not_held.status_code == again.status_code
    assert len(erasures(whole)) == 6  # what is written tells no more than the answer


def test_a_network_that_erases_very_often_has_to_wait(whole: Whole) -> None:
    """Each costs the loader something; events of the network count meanwhile."""
    statuses = [whole.ask("POST", "/erase").status_code for _ in range(32)]
    assert statuses == [200] * 30 + [429] * 2
    assert whole.ask("POST", "/erase", headers=SOMEBODY_ELSE).status_code == 200
    assert whole.ask("POST", "/opt-out").headers["location"] == "opt-out?set=out&kept=1"
    whole.post(pageview("/"))
    assert len(whole.events()) == 1
    whole.clock.turn(minutes=1)
    assert whole.ask("POST", "/erase").status_code == 200


def test_without_a_day_key_nothing_is_claimed_to_be_erased(
    whole: Whole, caplog: pytest.LogCaptureFixture
) -> None:
    """The page says so and offers to try again; the operator is told."""
    key = whole.folder / "keys" / "2026-11-24.UTC.key"
    key.write_bytes(b"short")
    key.chmod(0o600)
    answer = whole.ask("POST", "/erase")
    assert answer.status_code == 503
    assert "Try again" in answer.text
    assert erasures(whole) == []
    assert [record.message for record in caplog.records] == ["day_key_missing"]


def test_an_erasure_shows_in_reports_within_seconds(
    started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As does what is counted of the same visitor later: with the second turn of the loader.

    The first may have begun before; there is one a second.
    """
    assert keeper._LOAD_EVERY_S <= 1  # noqa: SLF001 - no option, since nobody else needs one
    monkeypatch.setattr(keeper, "_LOAD_EVERY_S", 0.05)
    load, done = Loader.load, 0

    def counted(loader: Loader) -> int:
        nonlocal done
        loaded_bytes = load(loader)
        done += 1
        return loaded_bytes

    monkeypatch.setattr(Loader, "load", counted)
    with started(with_dashboard=True) as whole:
        key = key_of(whole.composed.control)

        def pageviews() -> int:
            query = {"site_id": SITE, "metrics": ["pageviews"], "date_range": "day"}
            headers = {"Authorization": f"Bearer {key}"}
            answer = whole.post(query, headers, path="/api/v2/query")
            return int(answer.json()["results"][0]["metrics"][0])

        def shown() -> int:
            before = done
            wait_until(lambda: done >= before + 2, "two turns of the loader")
            return pageviews()

        for path in ("/one", "/two"):
            whole.post(pageview(path))
        whole.post(pageview("/of-a-neighbour"), SOMEBODY_ELSE)
        assert shown() == 3
        assert re.search("are erased", whole.ask("POST", "/erase").text)
        assert shown() == 1
        whole.post(pageview("/three"))
        assert shown() == 2
