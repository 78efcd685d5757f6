"""The last minutes: `date_range` "realtime" and "realtime_30m", and minutes as their time."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.editors import NOW, Newsroom, custom, newsroom, pageview

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
# 14:32:10 in Berlin; in Kathmandu, at 5 hours 45, it is 19:17:10.
KATHMANDU = "Asia/Kathmandu"
MIDNIGHT = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)  # in Berlin


@pytest.fixture(name="room", scope="module")
def open_room(ram_of_module: Path) -> Iterator[Newsroom]:
    """Let four readers come; two within five minutes, one just before half an hour ago."""
    with newsroom(ram_of_module) as room:
        site = room.site()
        room.site("empty.example")
        room.count(
            pageview(site, 1, 40 * MINUTE, "/", source="Google", country="DE"),
            pageview(site, 1, 20 * MINUTE, "/a", source="Google", country="DE"),
            pageview(site, 1, 4 * MINUTE, "/b", country="DE"),
            custom(pageview(site, 1, 4 * MINUTE - SECOND, "/b", country="DE"), "Buy", plan="pro"),
            pageview(site, 2, 5 * MINUTE, "/", country="FR"),
            pageview(site, 3, 30 * MINUTE, "/a", country="FR"),
            pageview(site, 4, 30 * MINUTE + SECOND, "/late", country="FR"),
            custom(pageview(site, 5, MINUTE, "/"), "engagement"),  # of a page of long ago
        )
        yield room


def post(room: Newsroom, **fields: object) -> httpx.Response:
    """Ask about the visitors of the last half an hour, unless told otherwise."""
    usual = {"site_id": "example.com", "metrics": ["visitors"], "date_range": "realtime_30m"}
    headers = {"Authorization": f"Bearer {room.key}"}
    content = msgspec.json.encode(usual | fields)
    return room.client().post("/api/v2/query", content=content, headers=headers)


def ask(room: Newsroom, **fields: object) -> Any:  # noqa: ANN401 - JSON
    """Return the whole answer."""
    response = post(room, **fields)
    assert response.status_code == 200, response.text
    return response.json()


def rows(room: Newsroom, **fields: object) -> list[tuple[list[str], list[int | None]]]:
    """Return dimensions and metrics of each row."""
    return [(row["dimensions"], row["metrics"]) for row in ask(room, **fields)["results"]]


ALL = ["visitors", "visits", "pageviews", "events"]


def test_the_last_five_minutes_and_the_last_thirty_are_counted(room: Newsroom) -> None:
    """To the second, both ends included; by Plausible's names."""
    assert rows(room, metrics=ALL, date_range="realtime") == [([], [2, 2, 2, 3])]
    assert rows(room, metrics=ALL) == [([], [3, 3, 4, 5])]
    assert rows(room, metrics=ALL, site_id="empty.example") == [([], [0, 0, 0, 0])]
    a_second_later = replace(room, now=NOW + SECOND)
    assert rows(a_second_later, date_range="realtime") == [([], [1])]


@pytest.mark.parametrize("name", ["time", "time:minute"])
def test_minutes_are_the_sites(room: Newsroom, name: str) -> None:
    """In order; a reader of two minutes is in both."""
    assert rows(room, dimensions=[name]) == [
        (["2026-11-24 14:02:00"], [1]), (["2026-11-24 14:12:00"], [1]),
        (["2026-11-24 14:27:00"], [1]), (["2026-11-24 14:28:00"], [1]),
    ]  # fmt: skip


def test_every_minute_has_a_label(room: Newsroom) -> None:
    """Also those in which nothing happened; the first and the last are not whole."""
    answer = ask(room, dimensions=["time:minute"], include={"time_labels": True})
    labels = answer["meta"]["time_labels"]
    assert len(labels) == 31
    assert (labels[0], labels[-1]) == ("2026-11-24 14:02:00", "2026-11-24 14:32:00")
    assert {row["dimensions"][0] for row in answer["results"]} < set(labels)


def test_they_are_told_apart_and_filtered_as_all_numbers_are(room: Newsroom) -> None:
    """By what is known of actions and of visits, in any order."""
    by_page = rows(room, dimensions=["event:page"], metrics=["pageviews"])
    assert by_page == [(["/a"], [2]), (["/"], [1]), (["/b"], [1])]
    by_country = rows(room, dimensions=["visit:country_name"])
    assert by_country == [(["France"], [2]), (["Germany"], [1])]
    order = [["visit:source", "desc"]]
    by_source = rows(room, dimensions=["visit:source"], order_by=order)
    assert by_source == [(["Google"], [1]), (["Direct / None"], [2])]
    assert rows(room, dimensions=["event:props:plan"], metrics=["events"]) == [
        (["(none)"], [4]), (["pro"], [1]),
    ]  # fmt: skip
    of_france = [["is", "visit:country", ["FR"]]]
    assert rows(room, filters=of_france, dimensions=["time:minute", "event:page"]) == [
        (["2026-11-24 14:02:00", "/a"], [1]), (["2026-11-24 14:27:00", "/"], [1]),
    ]  # fmt: skip
    buyers = [["has_done", ["is", "event:name", ["Buy"]]], ["matches", "event:page", ["^/.$"]]]
    assert rows(room, filters=buyers, metrics=ALL) == [([], [1, 1, 2, 3])]


def test_pages_of_results_and_formats_are_as_everywhere(room: Newsroom) -> None:
    """The query is repeated as it was understood."""
    answer = ask(
        room,
        dimensions=["event:page"],
        pagination={"limit": 1, "offset": 1},
        include={"total_rows": True},
    )
    assert [row["dimensions"] for row in answer["results"]] == [["/"]]
    assert answer["meta"] == {"total_rows": 3}
    assert answer["query"] == {
        "site_id": "example.com",
        "metrics": ["visitors"],
        "date_range": ["2026-11-24T14:02:10+01:00", "2026-11-24T14:32:10+01:00"],
        "filters": [],
        "dimensions": ["event:page"],
        "order_by": [["visitors", "desc"], ["event:page", "asc"]],
        "include": {"total_rows": True},
        "pagination": {"limit": 1, "offset": 1},
    }


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"metrics": ["bounce_rate"]}, "metrics"),
        ({"metrics": ["visitors", "visit_duration"]}, "metrics"),
        ({"metrics": ["percentage"]}, "metrics"),
        ({"metrics": ["time_on_page"], "dimensions": ["event:page"]}, "metrics"),
        ({"dimensions": ["time:hour"]}, "dimensions"),
        ({"dimensions": ["time:minute", "time"]}, "dimensions"),
        ({"dimensions": ["event:page", "event:page"]}, "dimensions"),
        ({"filters": [["matches", "event:page", ["("]]]}, "filters"),
        ({"order_by": [["pageviews", "asc"]]}, "order_by"),
        ({"include": {"comparisons": {"mode": "previous_period"}}}, "include.comparisons"),
        ({"include": {"imports": True}}, "include.imports"),
        ({"include": {"time_labels": True}}, "include.time_labels"),
        ({"date_range": "day", "dimensions": ["time:minute"]}, "dimensions"),
        ({"date_range": "realtime_60m"}, "date_range"),
    ],
)
def test_what_the_last_minutes_cannot_tell_is_refused(
    room: Newsroom, fields: dict[str, object], field: str
) -> None:
    """With a sentence, and the name of the field."""
    response = post(room, **fields)
    assert (response.status_code, response.json().get("field")) == (400, field), response.text


def test_a_minute_narrows_down_too(room: Newsroom) -> None:
    """Unlike an hour: with one more dimension or filter, few visitors are hidden."""
    hidden = replace(room, parts={"least_visitors": 3})
    assert {row[1][0] for row in rows(hidden, dimensions=["time:minute"])} == {1}
    assert {row[1][0] for row in rows(hidden, dimensions=["event:page"])} == {1, 2}
    answer = ask(hidden, dimensions=["time:minute", "event:page"])
    assert {row["metrics"][0] for row in answer["results"]} == {None}
    assert answer["meta"]["warnings"][0]["code"] == "small_cells"


def test_they_go_on_over_midnight(ram: Path) -> None:
    """A day is sealed 35 minutes after its end; a visitor of both days counts twice."""
    with newsroom(ram) as room:
        site = room.site(timezone="Europe/Berlin")
        room.now = MIDNIGHT + 10 * MINUTE
        ago = NOW - room.now
        room.count(
            pageview(site, 1, ago + 15 * MINUTE, "/evening"),
            pageview(site, 2, ago + 9 * MINUTE, "/night"),
        )
        asked = {"dimensions": ["time:minute", "event:page"]}
        shown = [
            (["2026-11-24 23:55:00", "/evening"], [1]),
            (["2026-11-25 00:01:00", "/night"], [1]),
        ]
        assert rows(room, **asked) == shown
        assert rows(room) == [([], [2])]


def test_minutes_of_odd_zones_are_theirs(ram: Path) -> None:
    """At 5 hours 45 from UTC."""
    with newsroom(ram) as room:
        room.count(pageview(room.site(timezone=KATHMANDU), 1, MINUTE))
        assert rows(room, dimensions=["time:minute"]) == [(["2026-11-24 19:16:00"], [1])]
