"""The last half hour, and how it is sent to all who watch."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime

from collector.control import Site
from dashboard.numbers.realtime import Broadcast
from tests.dashboard.reading import MINUTE, Markup
from tests.editors import Newsroom, pageview
from tests.serving import DEADLINE_S

SITE = Site(1, "example.com", "UTC", datetime(2026, 1, 1, tzinfo=UTC))
OTHER = Site(2, "example.org", "UTC", datetime(2026, 1, 1, tzinfo=UTC))


def test_the_last_half_hour_is_told_by_minute_page_source_and_country(room: Newsroom) -> None:
    """What is older is not; visitors count once in each list."""
    site, other = room.site(), room.site("example.org")
    room.count(
        pageview(site, 1, MINUTE, "/a", source="Google", country="DE"),
        pageview(site, 1, 2 * MINUTE, "/a", source="Google", country="DE"),
        pageview(site, 2, 29 * MINUTE, "/b"),
        pageview(site, 3, 31 * MINUTE, "/old"),
        pageview(other, 4, MINUTE, "/other"),
    )
    page = room.editor().get("/sites/example.com/now").text
    words = Markup(page).words
    assert "At the moment 1 visitor in the last 5 minutes" in words
    assert "Visitors 2 in the last 30 minutes" in words
    assert "Pageviews 3 in the last 30 minutes" in words
    assert "1 minute ago: 1" in words
    assert "29 minutes ago: 1" in words
    assert "Page Visitors /a open 1 /b open 1" in words
    assert "Source Visitors Direct / None 1 Google 1" in words
    assert "Germany 1" in words
    assert "/old" not in page
    assert '<noscript><meta http-equiv="refresh" content="9"></noscript>' in page


def test_only_those_who_are_logged_in_may_watch(busy: Newsroom) -> None:
    """204 makes a browser stop asking; so does a site that is gone."""
    assert busy.client().get("/sites/example.com/now/events").status_code == 204
    assert busy.editor().get("/sites/nobody.example/now/events").status_code == 204


class Looks:
    """What a broadcast looks at; counts how often."""

    def __init__(self) -> None:
        self.now = "a"
        self.count = 0

    def __call__(self, site: Site) -> str:
        """Return what there is to be seen."""
        self.count += 1
        return f"{site.domain} {self.now}"


async def _next(stream: AsyncIterator[str]) -> str:
    return await asyncio.wait_for(anext(stream), DEADLINE_S)


def test_many_watchers_cost_one_look() -> None:
    """All get the same, at once and when it changes; nothing is looked at once they are gone."""

    async def watch() -> None:
        looks = Looks()
        broadcast = Broadcast(looks, every_s=0.01)
        streams = [broadcast.watch(SITE) for _ in range(100)]
        assert {await _next(stream) for stream in streams} == {"example.com a"}
        assert broadcast.watchers == 100
        assert looks.count < 100
        looks.now = "b"
        assert {await _next(stream) for stream in streams} == {"example.com b"}
        for stream in streams:
            await stream.aclose()
        assert broadcast.watchers == 0
        count = looks.count
        await asyncio.sleep(0.05)
        assert looks.count <= count + 1  # one may have been under way

    asyncio.run(watch())


def test_each_site_has_watchers_of_its_own() -> None:
    """And a stream ends by itself, so that the browser has to say again who it is."""

    async def watch() -> None:
        broadcast = Broadcast(Looks(), every_s=0.01)
        async with aclosing(broadcast.watch(OTHER)) as other:
            assert [text async for text in broadcast.watch(SITE, lifetime_s=0)] == []
            assert await _next(other) == "example.org a"
            assert broadcast.watchers == 1

    asyncio.run(watch())
