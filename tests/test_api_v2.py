"""POST /api/v2/query answers in the form of Plausible's Stats API v2."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from collector.people.accounts import Accounts, Role
from collector.people.api_keys import ApiKeys, Verb
from tests.editors import NOW, Newsroom, newsroom, pageview
from tests.people import admit

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
DEEP = b'{"filters": ' + b"[" * 5_000


@pytest.fixture(name="room", scope="module")
def open_room(ram_of_module: Path) -> Iterator[Newsroom]:
    """Count visits of today, of yesterday, and of a week and of four weeks ago."""
    with newsroom(ram_of_module) as room:
        room.site("empty.example")
        site = room.site()
        room.count(
            pageview(site, 1, 3 * HOUR, "/", source="Google", country="DE", browser="Firefox"),
            pageview(site, 1, 3 * HOUR - timedelta(minutes=1), "/a", source="Google", country="DE"),
            pageview(site, 2, 2 * HOUR, "/", country="FR"),
            pageview(site, 3, HOUR, "/b"),
            pageview(site, 4, DAY, "/"),
            pageview(site, 5, 7 * DAY, "/old"),
            pageview(site, 6, 8 * DAY, "/older"),
            pageview(site, 7, 28 * DAY, "/oldest"),
        )
        yield room


@pytest.fixture(name="named", scope="module")
def open_named(ram_of_module: Path) -> Iterator[Newsroom]:
    """Count three visits of which each has what Plausible calls otherwise."""
    folder = ram_of_module / "named"
    folder.mkdir()
    with newsroom(folder) as room:
        site = room.site()
        google = {"source": "Google", "channel": "search", "country": "DE"}
        room.count(
            pageview(site, 1, HOUR, "/", device="mobile", os="macOS", browser="Edge"),
            pageview(site, 2, HOUR, "/", device="desktop", os="Linux", country="FR"),
            pageview(site, 3, HOUR, "/", device="tablet", os="Windows", **google),
        )
        yield room


def _post(room: Newsroom, body: object, key: str | None = "right") -> httpx.Response:
    key = room.key if key == "right" else key
    headers = {} if key is None else {"Authorization": f"Bearer {key}"}
    content = body if isinstance(body, bytes) else msgspec.json.encode(body)
    return room.client().post("/api/v2/query", content=content, headers=headers)


def _query(**fields: object) -> dict[str, object]:
    return {"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"} | fields


def _answer(room: Newsroom, **fields: object) -> Any:  # noqa: ANN401 - JSON
    response = _post(room, _query(**fields))
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == "application/json"
    return response.json()


def _rows(room: Newsroom, **fields: object) -> list[tuple[list[str], list[float | None]]]:
    return [(row["dimensions"], row["metrics"]) for row in _answer(room, **fields)["results"]]


def _deep(levels: int) -> list[object]:
    found: list[object] = ["is", "event:page", ["/"]]
    for _ in range(levels):
        found = ["not", found]
    return found


def test_totals_come_in_the_order_of_the_metrics(room: Newsroom) -> None:
    """Without dimensions there is one row."""
    metrics = ["pageviews", "visitors", "visits", "bounce_rate", "visit_duration"]
    assert _rows(room, metrics=metrics) == [([], [4, 3, 3, 66.7, 20.0])]


def test_nothing_counted_is_zero_and_a_mean_of_nothing_is_null(room: Newsroom) -> None:
    """Programs get null where the page shows a dash."""
    metrics = ["visitors", "bounce_rate", "visit_duration"]
    assert _rows(room, site_id="empty.example", metrics=metrics) == [([], [0, None, None])]


@pytest.mark.parametrize(
    ("date_range", "visitors"),
    [
        ("day", 3),
        ("7d", 2),  # yesterday to seven days ago: without today, without the eighth day
        ("28d", 4),
        (["2026-11-23", "2026-11-24"], 4),
        (["2026-11-24", "2026-11-24"], 3),
        (["2026-11-16", "2026-11-16"], 1),
    ],
)
def test_7d_and_28d_end_yesterday_as_at_plausible(
    room: Newsroom, date_range: object, visitors: int
) -> None:
    """`day` is today, two dates are both inclusive."""
    assert _rows(room, date_range=date_range) == [([], [visitors])]


def test_the_day_is_the_sites(room: Newsroom) -> None:
    """At 23:30 UTC it is tomorrow in Berlin, and today's numbers are empty."""
    late = replace(room, now=NOW.replace(hour=23, minute=30))
    assert _rows(late) == [([], [0])]


def test_a_dimension_comes_by_the_first_metric_falling(room: Newsroom) -> None:
    """Ties come in alphabetical order."""
    rows = _rows(room, dimensions=["event:page"])
    assert rows == [(["/"], [2]), (["/a"], [1]), (["/b"], [1])]


def test_an_empty_source_is_direct_and_other_empty_values_are_not_set(room: Newsroom) -> None:
    """In Plausible's words."""
    rows = _rows(room, dimensions=["visit:source"])
    assert rows == [(["Direct / None"], [2]), (["Google"], [1])]
    rows = _rows(room, dimensions=["visit:country"], order_by=[["visit:country", "asc"]])
    assert rows == [(["(not set)"], [1]), (["DE"], [1]), (["FR"], [1])]


def test_pages_per_visit_come_with_two_decimals(room: Newsroom) -> None:
    """A mean over visits, as at Plausible."""
    assert _rows(room, metrics=["views_per_visit"]) == [([], [1.33])]


def test_where_visits_begin_and_end(room: Newsroom) -> None:
    """The first and the last page of each."""
    entries = _rows(room, dimensions=["visit:entry_page"], metrics=["visits"])
    assert entries == [(["/"], [2]), (["/b"], [1])]
    exits = _rows(room, dimensions=["visit:exit_page"], metrics=["visits"])
    assert exits == [(["/"], [1]), (["/a"], [1]), (["/b"], [1])]


def test_time_comes_first_and_in_order(room: Newsroom) -> None:
    """Hours and days are local to the site."""
    rows = _rows(room, dimensions=["time:hour"])
    assert [row[0] for row in rows] == [[f"2026-11-24 {hour}:00:00"] for hour in (11, 12, 13)]
    days = ["2026-11-23", "2026-11-24"]
    rows = _rows(room, dimensions=["time:day"], date_range=days)
    assert rows == [(["2026-11-23"], [1]), (["2026-11-24"], [3])]


def test_time_and_one_other_dimension_go_together(room: Newsroom) -> None:
    """Values come in the order of the dimensions asked for."""
    rows = _rows(room, dimensions=["visit:source", "time:day"])
    assert rows == [(["Direct / None", "2026-11-24"], [2]), (["Google", "2026-11-24"], [1])]


def test_the_order_can_be_chosen(room: Newsroom) -> None:
    """By metrics and dimensions, rising and falling."""
    order = [["visitors", "asc"], ["event:page", "desc"]]
    rows = _rows(room, dimensions=["event:page"], order_by=order)
    assert [row[0] for row in rows] == [["/b"], ["/a"], ["/"]]


@pytest.mark.parametrize(("direction", "pages"), [("asc", "/ /b /a"), ("desc", "/b / /a")])
def test_what_does_not_exist_comes_last(room: Newsroom, direction: str, pages: str) -> None:
    """Whichever way: who looks for the lowest bounce rates looks for some."""
    order = [["bounce_rate", direction]]
    rows = _rows(room, dimensions=["event:page"], metrics=["bounce_rate"], order_by=order)
    assert [row[0] for row in rows] == [[page] for page in pages.split()]
    assert rows[-1] == (["/a"], [None])


@pytest.mark.parametrize(
    ("pagination", "pages"),
    [
        ({"limit": 2}, ["/", "/a"]),
        ({"limit": 2, "offset": 2}, ["/b"]),
        ({"limit": 3}, ["/", "/a", "/b"]),
        ({"offset": 3}, []),
        ({}, ["/", "/a", "/b"]),
    ],
)
def test_pages_of_results_know_how_many_rows_there_are(
    room: Newsroom, pagination: object, pages: list[str]
) -> None:
    """`include.total_rows` counts the rows of all pages."""
    fields = {"dimensions": ["event:page"], "pagination": pagination}
    answer = _answer(room, **fields, include={"total_rows": True})
    assert [row["dimensions"][0] for row in answer["results"]] == pages
    assert answer["meta"] == {"total_rows": 3}


def test_time_labels_name_every_hour_of_the_period(room: Newsroom) -> None:
    """Also those in which nothing happened."""
    labels = _answer(room, dimensions=["time:hour"], include={"time_labels": True})["meta"]
    assert labels["time_labels"][0] == "2026-11-24 00:00:00"
    assert len(labels["time_labels"]) == 24


def test_imported_numbers_may_be_asked_for_and_there_are_none(room: Newsroom) -> None:
    """As at Plausible where nothing was imported: programs ask for them as a matter of course."""
    answer = _answer(room, include={"imports": True})
    assert answer["results"] == [{"dimensions": [], "metrics": [3]}]
    none = {"imports_included": False, "imports_skip_reason": "no_imported_data"}
    assert answer["meta"] == none
    assert answer["query"]["include"] == {"imports": True}


@pytest.mark.parametrize(
    ("dimension", "values", "visitors"),
    [
        ("visit:country_name", [""], 1),
        ("visit:country_name", ["(not set)"], 1),
        ("visit:country_name", ["Unknown", "Germany"], 2),
        ("visit:device", ["Mobile"], 1),
        ("visit:device", ["Desktop", "Laptop"], 1),
        ("visit:device", ["mobile"], 1),
        ("visit:os", ["Mac", "GNU/Linux"], 2),
        ("visit:os", ["macOS"], 1),
        ("visit:browser", ["Microsoft Edge"], 1),
        ("visit:channel", ["Organic Search"], 1),
        ("visit:channel", ["Paid Search"], 0),
        ("visit:source", ["Mobile"], 0),
    ],
)
def test_filters_know_plausibles_names(
    named: Newsroom, dimension: str, values: list[str], visitors: int
) -> None:
    """Of what has another name here; "" is what nothing is known of."""
    found = [_rows(named, filters=[[operator, dimension, values]]) for operator in ("is", "is_not")]
    assert found == [[([], [visitors])], [([], [3 - visitors])]]
    any_case = [value.upper() for value in values], {"case_sensitive": False}
    assert _rows(named, filters=[["is", dimension, *any_case]]) == [([], [visitors])]


def test_today_is_a_day(room: Newsroom) -> None:
    """By that name too."""
    assert _answer(room, date_range="today") == _answer(room, date_range="day")


def test_the_answer_repeats_the_query_as_it_was_understood(room: Newsroom) -> None:
    """Dates become moments of the site's time zone, defaults are filled in."""
    assert _answer(room, dimensions=["visit:os"], date_range="7d")["query"] == {
        "site_id": "example.com",
        "metrics": ["visitors"],
        "date_range": ["2026-11-17T00:00:00+01:00", "2026-11-23T23:59:59+01:00"],
        "filters": [],
        "dimensions": ["visit:os"],
        "order_by": [["visitors", "desc"], ["visit:os", "asc"]],
        "include": {},
        "pagination": {"limit": 10_000, "offset": 0},
    }


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"site_id": 1}, "site_id"),
        ({"metrics": []}, "metrics"),
        ({"metrics": "visitors"}, "metrics"),
        ({"metrics": [1]}, "metrics[0]"),
        ({"metrics": ["visitors", "visitors"]}, "metrics"),
        ({"metrics": ["revenue"]}, "metrics"),
        ({"metrics": ["visitors; DROP TABLE visits"]}, "metrics"),
        ({"date_range": "yesterday"}, "date_range"),
        ({"date_range": 7}, "date_range"),
        ({"date_range": ["2026-11-24"]}, "date_range"),
        ({"date_range": ["2026-11-24", "2026-11-25", "2026-11-26"]}, "date_range"),
        ({"date_range": ["2026-11-25", "2026-11-24"]}, "date_range"),
        ({"date_range": ["2026-02-30", "2026-03-01"]}, "date_range"),
        ({"date_range": ["20261124", "20261124"]}, "date_range"),
        ({"date_range": ["2026-11-24T00:30:00Z", "2026-11-24T02:00:00Z"]}, "date_range"),
        ({"date_range": ["2026-11-24T00:00:00Z", "2026-11-24T02:30:00Z"]}, "date_range"),
        ({"date_range": ["2026-11-24T02:00:00Z", "2026-11-24T01:00:00Z"]}, "date_range"),
        ({"date_range": ["2026-11-24T00:00:00", "2026-11-24T01:00:00"]}, "date_range"),
        ({"date_range": ["0001-01-01T00:00:00+14:00", "0001-01-01T01:00:00+14:00"]}, "date_range"),
        ({"date_range": ["9999-12-31T22:00:00-12:00", "9999-12-31T23:00:00-12:00"]}, "date_range"),
        ({"date_range": ["1999-12-31", "2000-01-01"]}, "date_range"),
        ({"date_range": ["9999-12-31", "9999-12-31"]}, "date_range"),
        ({"date_range": ["2000-01-01", "2026-11-24"]}, "date_range"),
        ({"dimensions": ["event:goal"]}, "dimensions"),
        ({"dimensions": ["visit:browser_version"]}, "dimensions"),
        ({"dimensions": ["visit:city"]}, "dimensions"),
        ({"dimensions": ["visit:utm_term"]}, "dimensions"),
        ({"dimensions": ["time:minute"]}, "dimensions"),
        ({"dimensions": ["event:props:"]}, "dimensions"),
        ({"dimensions": ["event:props:" + "x" * 301]}, "dimensions"),
        ({"dimensions": [f"event:props:{n}" for n in range(7)]}, "dimensions"),
        ({"metrics": ["time_on_page"]}, "metrics"),
        ({"metrics": ["scroll_depth"], "dimensions": ["visit:entry_page"]}, "metrics"),
        ({"dimensions": ["time:day", "time:hour"]}, "dimensions"),
        ({"dimensions": ["visit:os", "visit:os"]}, "dimensions"),
        ({"order_by": [["pageviews", "asc"]]}, "order_by"),
        ({"order_by": [["visitors", "down"]]}, "order_by"),
        ({"order_by": [["visitors"]]}, "order_by[0]"),
        ({"filters": ["is", "event:page", ["/"]]}, "filters"),
        ({"filters": [["is", "event:page", "/"]]}, "filters"),
        ({"filters": [["is", "event:page"]]}, "filters"),
        ({"filters": [["is", "event:page", []]]}, "filters"),
        ({"filters": [["is", "event:page", [True]]]}, "filters"),
        ({"filters": [["is", "event:page", ["x" * 2001]]]}, "filters"),
        ({"filters": [["is", "event:page", ["x"] * 501]]}, "filters"),
        ({"filters": [["is", "event:page", ["x"], {"case_sensitive": "no"}]]}, "filters"),
        ({"filters": [["is", "event:page", ["x"], {"caseless": True}]]}, "filters"),
        ({"filters": [["like", "event:page", ["/"]]]}, "filters"),
        ({"filters": [["is", "time:day", ["2026-11-24"]]]}, "filters"),
        ({"filters": [["is", "visit:city", ["Rome"]]]}, "filters"),
        ({"filters": [["matches", "event:page", ["(?=x)"]]]}, "filters"),
        ({"filters": [["matches", "event:page", ["("]]]}, "filters"),
        ({"filters": [["matches", "visit:country_name", ["x"]]]}, "filters"),
        ({"filters": [["and", ["is", "event:page", ["/"]]]]}, "filters"),
        ({"filters": [["or"]]}, "filters"),
        ({"filters": [["not", []]]}, "filters"),
        ({"filters": [["is", "event:page", ["/"]]] * 51}, "filters"),
        ({"filters": [_deep(11)]}, "filters"),
        ({"include": {"comparisons": {"mode": "yesterday"}}}, "include.comparisons"),
        ({"include": {"comparisons": {"mode": "custom"}}}, "include.comparisons"),
        (
            {"include": {"comparisons": {"mode": "custom", "date_range": ["x", "y"]}}},
            "include.comparisons.date_range",
        ),
        ({"include": {"time_labels": True}}, "include.time_labels"),
        ({"include": {"comparisons": True}}, "include.comparisons"),
        ({"pagination": {"limit": 0}}, "pagination.limit"),
        ({"pagination": {"limit": 10_001}}, "pagination.limit"),
        ({"pagination": {"offset": -1}}, "pagination.offset"),
        ({"pagination": {"page": 1}}, "pagination.page"),
        ({"date": "2026-11-24"}, "date"),
        ({"timezone": "UTC"}, "timezone"),
    ],
)
def test_what_cannot_be_honoured_is_refused_with_its_field(
    room: Newsroom, fields: dict[str, object], field: str
) -> None:
    """Every refusal is a 400 with a sentence and the field's name."""
    response = _post(room, _query(**fields))
    assert response.status_code == 400, response.text
    answer = response.json()
    assert answer["field"] == field
    assert answer["error"].startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("fields", "hint"),
    [
        ({"date_range": ["2026-11-24", "2026-11-24T02:00:00Z"]}, "two dates"),
        ({"date_range": ["2026-11-24 00:00:00", "2026-11-24 01:59:59"]}, "+01:00"),
        ({"date_range": ["2026-11-24T01:00:00Z", "2026-11-24T02:00:30Z"]}, "full hours"),
        ({"date_range": ["2026-11-24T01:00:00Z", "2026-11-24T02:01:00Z"]}, "full hours"),
        ({"date_range": ["2026-11-24T01:00:00.5Z", "2026-11-24T02:00:00Z"]}, "full hours"),
        ({"date_range": ["9999-12-31T22:00:00+01:00", "9999-12-31T23:59:59+01:00"]}, "no date"),
        ({"date_range": ["0001-01-01T00:00:00+00:53", "0001-01-01T00:00:00+00:53"]}, "no such"),
        ({"filters": [["like", "event:page", ["/"]]]}, "matches_not"),
        ({"filters": [["is", "time", ["2026-11-24"]]]}, "date_range"),
        ({"filters": [["is", "segment", [1]]]}, "write its filters"),
        ({"dimensions": ["hour"]}, "time, time:hour"),
        ({"dimensions": ["time:weekday"], "include": {"time_labels": True}}, "time:month"),
        ({"metrics": ["conversion_rate"]}, "there are no goals yet"),
    ],
)
def test_a_refusal_says_what_to_write(room: Newsroom, fields: dict[str, object], hint: str) -> None:
    """In words that lead on."""
    response = _post(room, _query(**fields))
    assert response.status_code == 400
    assert hint in response.json()["error"]


def test_a_refused_filter_does_not_name_what_cannot_be_filtered_by(room: Newsroom) -> None:
    """Times are chosen by date_range."""
    refused = _post(room, _query(filters=[["is", "visit:nothing", ["/"]]])).json()["error"]
    assert "visit:country_name" in refused
    assert "time:hour" not in refused


@pytest.mark.parametrize("missing", ["site_id", "metrics", "date_range"])
def test_a_missing_field_is_named(room: Newsroom, missing: str) -> None:
    """Three fields are required."""
    response = _post(room, {k: v for k, v in _query().items() if k != missing})
    assert (response.status_code, response.json()["field"]) == (400, missing)


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b"\xff", b'"text"', b"[" * 10_000, b'{"site_id":"a"', DEEP],
)
def test_a_body_that_is_no_query_is_a_400(room: Newsroom, body: bytes) -> None:
    """Whatever comes, the answer is JSON."""
    response = _post(room, body)
    assert response.status_code == 400
    assert response.json()["error"]


def test_a_body_over_64_kib_is_a_413(room: Newsroom) -> None:
    """It is not parsed."""
    query = msgspec.json.encode(_query())
    assert _post(room, query + b" " * (65_536 - len(query))).status_code == 200
    assert _post(room, query + b" " * (65_537 - len(query))).status_code == 413


def test_an_unknown_site_is_a_401_as_at_plausible(room: Newsroom) -> None:
    """Programs written for Plausible look for that."""
    response = _post(room, _query(site_id="nobody.example"))
    assert (response.status_code, response.json()["field"]) == (401, "site_id")


@pytest.mark.parametrize("key", [None, "", "wrong", "gatecount_", "\0"])
def test_without_a_key_there_is_nothing_but_a_401(room: Newsroom, key: str | None) -> None:
    """Not even whether the query could be parsed."""
    response = _post(room, b"{", key)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert "API key" in response.json()["error"]


def test_a_key_is_for_its_sites_and_verbs_as_long_as_its_owner_is(room: Newsroom) -> None:
    """A site it is not for is answered as one that is not there; nobody is told more."""
    room = replace(room)
    here = room.control.site("example.com")
    assert here is not None
    user = admit(room.control, "key@example.com", Role.VIEWER, here.id)
    keys = ApiKeys(room.control)

    def status(key: str, **fields: object) -> int:
        return _post(room, _query(**fields), key).status_code

    for sites in ((), (here.id,)):
        assert status(keys.add(user, "reads", sites, [Verb.READ], room.now)) == 200
    assert status(keys.add(user, "writes", (), [Verb.WRITE], room.now)) == 403
    elsewhere = keys.add(user, "elsewhere", (here.id + 1,), [Verb.READ], room.now)
    unknown = _post(room, _query(site_id="nobody.example")).content
    refused = _post(room, _query(), elsewhere)
    assert refused.status_code == 401
    assert refused.content == unknown.replace(b"nobody.example", b"example.com")
    reads = keys.add(user, "reads", (), [Verb.READ], room.now)
    Accounts(room.control).take(user, here.id)
    assert status(reads) == 401


def test_the_login_cookie_is_no_key_for_programs(room: Newsroom) -> None:
    """A page of another site could send the cookie along, but not the header."""
    response = room.editor().post("/api/v2/query", content=msgspec.json.encode(_query()))
    assert response.status_code == 401


def test_the_query_is_only_ever_posted(room: Newsroom) -> None:
    """A GET could be cached or prefetched."""
    assert room.client().get("/api/v2/query").status_code == 405


def test_answers_are_not_stored(room: Newsroom) -> None:
    """Neither answers nor refusals."""
    assert _post(room, _query()).headers["cache-control"] == "no-store"
    assert _post(room, b"{").headers["cache-control"] == "no-store"
