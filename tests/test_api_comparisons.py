"""Comparisons of the Stats API v2: each row with its like in the other period."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import httpx
import msgspec
import pytest

from collector.question import MAX_ROWS
from tests.editors import Newsroom, newsroom, pageview

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PREVIOUS = {"mode": "previous_period"}


@pytest.fixture(name="room", scope="module")
def open_room(ram_of_module: Path) -> Iterator[Newsroom]:
    """Count visits of today, of yesterday, and of the day before."""
    with newsroom(ram_of_module) as room:
        site = room.site()
        room.count(
            pageview(site, 1, HOUR, "/a"),  # at 13 o'clock on Tuesday the 24th
            pageview(site, 2, 2 * HOUR, "/b"),
            pageview(site, 3, DAY + HOUR, "/a"),
            pageview(site, 4, 2 * DAY, "/a"),
            pageview(site, 5, 2 * DAY - HOUR, "/a"),
        )
        yield room


def _post(room: Newsroom, format_: str = "json", **fields: object) -> httpx.Response:
    body = {"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"} | fields
    return room.client().post(
        f"/api/v2/query?format={format_}",
        content=msgspec.json.encode(body),
        headers={"Authorization": f"Bearer {room.key}"},
    )


def _rows(room: Newsroom, comparison: object, **fields: object) -> list[Any]:
    response = _post(room, "json", include={"comparisons": comparison}, **fields)
    assert response.status_code == 200, response.text
    rows: list[Any] = response.json()["results"]
    return rows


def test_what_comes_after_ten_thousand_others_is_compared_too(ram: Path) -> None:
    """A page of which the other period has many others is as it was, not nothing."""
    with newsroom(ram) as other:
        site = other.site()
        other.count(
            pageview(site, 1, HOUR, "/z"),
            pageview(site, 1, HOUR, "/new"),
            pageview(site, 2, DAY, "/z"),
            *(pageview(site, 2, DAY, f"/{n:05}") for n in range(MAX_ROWS)),
        )
        fields: dict[str, object] = {"dimensions": ["event:page"]}
        fields["metrics"] = ["visitors", "views_per_visit"]
        assert [
            (row["dimensions"], row["comparison"]["metrics"], row["comparison"]["change"])
            for row in _rows(other, PREVIOUS, **fields)
        ] == [(["/new"], [0, None], [100, None]), (["/z"], [1, 1.0], [0, 0])]
        by_browser = _rows(other, PREVIOUS, dimensions=["event:page", "visit:browser"])
        assert [row["comparison"]["metrics"] for row in by_browser] == [[0], [1]]


def test_a_row_is_compared_with_the_same_place_also_where_nothing_was(room: Newsroom) -> None:
    """It is called by that place's name in the other period."""
    found = _rows(room, PREVIOUS, dimensions=["time:hour"])
    assert [(row["dimensions"], row["comparison"]) for row in found] == [
        (
            ["2026-11-24 12:00:00"],
            {"dimensions": ["2026-11-23 12:00:00"], "metrics": [0], "change": [100]},
        ),
        (
            ["2026-11-24 13:00:00"],
            {"dimensions": ["2026-11-23 13:00:00"], "metrics": [1], "change": [0]},
        ),
    ]
    year = {"mode": "year_over_year"}
    (row,) = _rows(room, year, dimensions=["time:month", "event:page"], date_range="day")[:1]
    assert row["comparison"]["dimensions"] == ["2025-11-01", "/a"]
    weeks = _rows(room, year, dimensions=["time:week"], date_range=["2026-11-18", "2026-11-24"])
    assert [row["comparison"]["dimensions"] for row in weeks] == [["2025-11-18"], ["2025-11-24"]]


def test_what_the_other_period_has_no_place_for_is_compared_with_nothing(
    room: Newsroom, ram: Path
) -> None:
    """A shorter period ends sooner; files have empty cells there."""
    fields: dict[str, object] = {
        "dimensions": ["time:day"],
        "date_range": ["2026-11-22", "2026-11-24"],
    }
    shorter = {"mode": "custom", "date_range": ["2026-11-23", "2026-11-24"]}
    comparisons = [row["comparison"] for row in _rows(room, shorter, **fields)]
    assert [found and found["metrics"] for found in comparisons] == [[1], [2], None]
    fields["include"] = {"comparisons": shorter}
    assert _post(room, "csv", **fields).text.splitlines()[-1] == "2026-11-24,2,,"
    (ram / "a").write_bytes(_post(room, "parquet", **fields).content)
    found = duckdb.read_parquet(str(ram / "a")).fetchall()
    assert found == [("2026-11-22", 2, 1, 100.0), ("2026-11-23", 1, 2, -50.0), (
        "2026-11-24", 2, None, None,
    )]  # fmt: skip


@pytest.mark.parametrize(
    ("date_range", "comparison", "label"),
    [
        ("24h", PREVIOUS, "2026-11-23 13:00:00"),
        ("24h", PREVIOUS | {"match_day_of_week": True}, "2026-11-17 13:00:00"),
        (
            ["2026-11-23T23:00:00+01:00", "2026-11-24T13:59:59+01:00"],
            PREVIOUS,
            "2026-11-23 13:00:00",
        ),
        (
            ["2026-11-23T12:00:00+01:00", "2026-11-24T13:59:59+01:00"],
            PREVIOUS,
            "2026-11-22 13:00:00",
        ),
    ],
)
def test_hours_are_compared_with_those_just_before_at_the_same_time_of_day(
    room: Newsroom, date_range: object, comparison: object, label: str
) -> None:
    """24 hours by the 24 before them, although they are parts of two days."""
    *_, last = _rows(room, comparison, date_range=date_range, dimensions=["time:hour"])
    assert last["dimensions"] == ["2026-11-24 13:00:00"]
    assert last["comparison"]["dimensions"] == [label]


@pytest.mark.parametrize(
    ("first", "then"),
    [("2026-11-17", "2026-11-17"), ("2026-11-20", "2026-11-17"), ("2026-11-21", "2026-11-24")],
)
def test_a_custom_period_is_moved_to_the_same_weekday_if_asked(
    room: Newsroom, first: str, then: str
) -> None:
    """To the nearest, by three days at most."""
    custom = {"mode": "custom", "date_range": [first, first], "match_day_of_week": True}
    row, *_ = _rows(room, custom, dimensions=["time:day"])
    assert row["comparison"]["dimensions"] == [then]


def test_a_small_number_of_the_other_period_is_hidden_with_a_warning(room: Newsroom) -> None:
    """Also where the number of the period itself is not."""
    fields: dict[str, object] = {
        "dimensions": ["event:page"],
        "filters": [["is", "event:name", ["pageview"]]],
        "date_range": ["2026-11-22", "2026-11-23"],
        "include": {"comparisons": {"mode": "custom", "date_range": ["2026-11-24", "2026-11-24"]}},
    }
    room.parts["least_visitors"] = 2
    answer = _post(room, "json", **fields).json()
    csv = _post(room, "csv", **fields).text
    room.parts.clear()
    (row,) = answer["results"]
    assert (row["metrics"], row["comparison"]["metrics"]) == ([3], [None])
    assert [warning["code"] for warning in answer["meta"]["warnings"]] == ["small_cells"]
    assert csv.splitlines()[1] == "/a,3,<2,"


def test_dates_of_a_comparison_that_has_its_own_are_refused(room: Newsroom) -> None:
    """They would not be looked at."""
    asked = PREVIOUS | {"date_range": ["2026-11-01", "2026-11-02"]}
    response = _post(room, include={"comparisons": asked})
    assert (response.status_code, response.json()["field"]) == (
        400,
        "include.comparisons.date_range",
    )
