"""What would keep a request from being counted, as the dashboard tells its operator."""

from collections.abc import Mapping

import pytest

from collector.outcomes import Obstacle
from tests.application import BROWSER, PROXY, SITE, VISITOR, Whole

ROBOT = "Googlebot/2.1 (+http://www.google.com/bot.html)"


def found(whole: Whole, headers: Mapping[str, str], peer: str) -> tuple[Obstacle, ...]:
    """Return the obstacles of a request that a browser sent to the site's own host."""
    sent = {"host": SITE, "user-agent": BROWSER, **headers}
    pairs = [(name.encode(), value.encode()) for name, value in sent.items()]
    site = whole.composed.control.site(SITE)
    assert site
    scope = {"type": "http", "headers": pairs, "client": (peer, 40_000)}
    return whole.composed.ingest.obstacles(scope, site)


@pytest.mark.parametrize(
    ("headers", "peer", "expected"),
    [
        ({}, VISITOR, ()),
        ({"x-forwarded-for": VISITOR}, PROXY, ()),
        ({"host": "stats.example.com"}, VISITOR, ()),
        ({"host": "127.0.0.1:8000", "x-forwarded-host": SITE}, PROXY, ()),
        ({"cookie": "gatecount-optout=1"}, VISITOR, (Obstacle.COOKIE,)),
        ({"sec-gpc": "1"}, VISITOR, (Obstacle.GPC,)),
        ({"dnt": "1"}, VISITOR, (Obstacle.DNT,)),
        ({"host": "127.0.0.1:8000"}, PROXY, (Obstacle.HOST,)),
        ({"host": "127.0.0.1:8000", "x-forwarded-host": SITE}, VISITOR, (Obstacle.HOST,)),
        ({"x-forwarded-for": VISITOR}, "203.0.113.5", (Obstacle.PROXY,)),
        ({"user-agent": ROBOT}, VISITOR, (Obstacle.BOT,)),
        (
            {"dnt": "1", "host": "a.test", "x-forwarded-for": VISITOR, "user-agent": ROBOT},
            "203.0.113.5",
            (Obstacle.DNT, Obstacle.HOST, Obstacle.PROXY, Obstacle.BOT),
        ),
    ],
)
def test_each_obstacle_is_found(
    standing: Whole, headers: dict[str, str], peer: str, expected: tuple[Obstacle, ...]
) -> None:
    """By the same rules as an event's; asking counts nothing."""
    before = standing.records()
    assert found(standing, headers, peer) == expected
    assert standing.records() == before
