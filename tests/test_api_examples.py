"""Requests of the kinds that Plausible documents, as programs send them that were written for it.

Source: https://plausible.io/docs/stats-api#examples
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.editors import Newsroom, newsroom, pageview

HOUR = timedelta(hours=1)
YESTERDAY = timedelta(days=1)
ESTONIA = {"country": "EE", "os": "macOS", "source": "Google", "channel": "search"}


@pytest.fixture(name="room", scope="module")
def open_room(ram_of_module: Path) -> Iterator[Newsroom]:
    """Count five visits of yesterday, Monday the 23rd."""
    with newsroom(ram_of_module) as room:
        site = room.site("dummy.site")
        tagged = {"source": "Newsletter", "utm_source": "newsletter", "utm_medium": "email"}
        signup = pageview(site, 1, YESTERDAY, "/pricing", **ESTONIA)
        room.count(
            pageview(site, 1, YESTERDAY + HOUR / 4, "/docs/api", **ESTONIA),
            msgspec.structs.replace(signup, name="Signup", props={"is_customer": "no"}),
            pageview(site, 2, YESTERDAY, "/pricing", **ESTONIA, props={"is_customer": "yes"}),
            pageview(site, 3, YESTERDAY, "/Blog/1", country="US", os="Linux", **tagged),
            pageview(site, 4, YESTERDAY + 2 * HOUR, "/", country="US", os="Windows"),
            pageview(site, 5, YESTERDAY, "/", os="Android"),
        )
        yield room


def _post(room: Newsroom, fields: dict[str, object]) -> httpx.Response:
    body = {"site_id": "dummy.site", "metrics": ["visitors"], "date_range": "7d"} | fields
    headers = {"Authorization": f"Bearer {room.key}", "Content-Type": "application/json"}
    return room.client().post("/api/v2/query", content=msgspec.json.encode(body), headers=headers)


SOURCES = [[["Direct / None"], [2]], [["Google"], [2]], [["Newsletter"], [1]]]
PAGES = ["contains", "event:page", ["/docs", "/pricing"]]
HAS_SEEN = ["has_done", ["is", "event:page", ["/docs/api"]]]
ANY_CASE = {"case_sensitive": False}
UTM = {"metrics": ["visitors", "events", "pageviews"]} | {
    "dimensions": ["visit:utm_medium", "visit:utm_source"]
}


@pytest.mark.parametrize(
    ("fields", "rows"),
    [
        ({"metrics": ["visitors", "events"]}, [[[], [5, 6]]]),
        ({"date_range": ["2026-11-23", "2026-11-24"]}, [[[], [5]]]),
        (
            UTM,
            [[["(not set)", "(not set)"], [4, 5, 4]], [["email", "newsletter"], [1, 1, 1]]],
        ),
        ({"filters": [PAGES, ["is", "visit:country_name", ["Estonia", "Latvia"]]]}, [[[], [2]]]),
        ({"filters": [["is_not", "visit:country_name", [""]]]}, [[[], [4]]]),
        ({"filters": [["contains", "event:page", ["blog"]]]}, [[[], [0]]]),
        ({"filters": [["contains", "event:page", ["blog"], ANY_CASE]]}, [[[], [1]]]),
        (
            {
                "metrics": ["visitors", "events"],
                "filters": [["is", "visit:os", ["GNU/Linux", "Mac"]]],
                "dimensions": ["time:day"],
            },
            [[["2026-11-23"], [3, 4]]],
        ),
        (
            {"date_range": ["2026-11-23", "2026-11-23"], "dimensions": ["time:hour"]},
            [[["2026-11-23 12:00:00"], [1]], [["2026-11-23 14:00:00"], [4]]],
        ),
        (
            {
                "dimensions": ["time:day", "event:props:is_customer"],
                "order_by": [["time:day", "asc"], ["event:props:is_customer", "desc"]],
            },
            [
                [["2026-11-23", "yes"], [1]],
                [["2026-11-23", "no"], [1]],
                [["2026-11-23", "(none)"], [4]],
            ],
        ),
        (
            UTM | {"pagination": {"limit": 3, "offset": 1}},
            [[["email", "newsletter"], [1, 1, 1]]],
        ),
        (
            {"date_range": "all", "dimensions": ["visit:source"], "include": {"imports": True}},
            SOURCES,
        ),
        (
            {"date_range": "all", "filters": [["is", "event:name", ["Signup"]], HAS_SEEN]},
            [[[], [1]]],
        ),
    ],
)
def test_a_documented_request_is_answered(
    room: Newsroom, fields: dict[str, object], rows: list[Any]
) -> None:
    """In the documented form: results with dimensions and metrics, meta, query."""
    response = _post(room, fields)
    assert response.status_code == 200, response.text
    answer = response.json()
    assert [[row["dimensions"], row["metrics"]] for row in answer["results"]] == rows
    assert all(set(row) == {"dimensions", "metrics"} for row in answer["results"])
    assert set(answer) == {"results", "meta", "query"}
    assert answer["query"]["site_id"] == "dummy.site"
    assert answer["query"]["filters"] == fields.get("filters", [])


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"dimensions": ["visit:country_name", "visit:city_name"]}, "only the country is kept"),
        ({"filters": [["is", "segment", [88784]]]}, "write its filters"),
        ({"filters": [["is", "event:goal", ["Signup"]], HAS_SEEN]}, "there are no goals yet"),
        ({"metrics": ["total_revenue"], "dimensions": ["event:goal"]}, "there are no goals yet"),
    ],
)
def test_a_documented_request_for_what_is_not_there_is_refused_with_the_reason(
    room: Newsroom, fields: dict[str, object], reason: str
) -> None:
    """Goals, segments by number, and what is not kept by design."""
    response = _post(room, fields)
    assert response.status_code == 400
    assert reason in response.json()["error"]
