"""Questions the Stats API v2 takes: filters, comparisons, periods, small cells."""

import csv
import json
from collections.abc import Iterator
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import httpx
import msgspec
import pytest

from collector.parquet import as_parquet
from collector.question import Metric, Period, Property, Query, TooSlowError
from collector.stats import Stats, parquet
from tests.editors import Newsroom, custom, newsroom, pageview

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PARQUET = "application/vnd.apache.parquet"
GOOGLE = {"source": "Google", "channel": "search", "country": "DE", "device": "mobile"}
HOSTILE = (
    "'", '"', "';--", "' OR '1'='1", "x'); DROP TABLE archive.visits; --", "$site", "$v0", "?",
    "/*where*/", "*/", "--", "\\", "%", "_", "%s", "{0}", "{text}", "\x00", "\u202e", "😀", "NULL",
    "1 UNION SELECT token FROM live.events", "\n; ATTACH 'x.db'", "''''", "ä" * 400,
)  # fmt: skip


@pytest.fixture(name="room", scope="module")
def open_room(ram_of_module: Path) -> Iterator[Newsroom]:
    """Count three visits of today and one of yesterday."""
    with newsroom(ram_of_module) as room:
        site = room.site()
        pro = custom(pageview(site, 1, 3 * HOUR - 2 * MINUTE, "/buy"), "Signup", plan="pro")
        room.count(
            pageview(site, 1, 3 * HOUR, "/", **GOOGLE),
            pageview(site, 1, 3 * HOUR - MINUTE, "/buy"),
            msgspec.structs.replace(pro, interactive=True),
            msgspec.structs.replace(
                pageview(site, 1, 3 * HOUR - 3 * MINUTE, "/buy"),
                name="engagement", engaged_s=40, scroll=7,
            ),
            pageview(site, 2, 2 * HOUR, "/buy", country="FR", device="desktop"),
            pageview(site, 3, HOUR, "/", country="DE", device="desktop"),
            pageview(site, 4, DAY, "/", **GOOGLE),
        )  # fmt: skip
        yield room


def post(room: Newsroom, **fields: object) -> httpx.Response:
    """Ask about today's visitors, unless told otherwise."""
    body = {"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"} | fields
    headers = {"Authorization": f"Bearer {room.key}"}
    return room.client().post("/api/v2/query", content=msgspec.json.encode(body), headers=headers)


def ask(room: Newsroom, **fields: object) -> Any:  # noqa: ANN401 - JSON
    """Return the whole answer."""
    response = post(room, **fields)
    assert response.status_code == 200, response.text
    return response.json()


def rows(room: Newsroom, **fields: object) -> list[tuple[list[str], list[float | None]]]:
    """Return dimensions and metrics of each row."""
    return [(row["dimensions"], row["metrics"]) for row in ask(room, **fields)["results"]]


@pytest.mark.parametrize(
    ("filters", "visitors"),
    [
        ([], 3),
        ([["is", "visit:country", ["DE"]]], 2),
        ([["is", "visit:country", ["DE", "FR"]]], 3),
        ([["is", "visit:country", ["de"]]], 0),
        ([["is", "visit:country", ["de"], {"case_sensitive": False}]], 2),
        ([["is_not", "visit:country", ["DE"]]], 1),
        ([["contains", "event:page", ["bu"]]], 2),
        ([["contains", "event:page", ["BU"], {"case_sensitive": False}]], 2),
        ([["contains_not", "event:page", ["b"]]], 2),
        ([["matches", "event:page", ["^/b.y$"]]], 2),
        ([["matches", "event:page", ["^/B"], {"case_sensitive": False}]], 2),
        ([["matches_not", "visit:device", ["^m"]]], 2),
        ([["is", "visit:source", ["Direct / None"]]], 2),
        ([["is", "visit:utm_campaign", ["(not set)"]]], 3),
        ([["is", "visit:country_name", ["Germany"]]], 2),
        ([["is", "visit:country_name", ["germany"]]], 0),
        ([["contains", "visit:country_name", ["AN"], {"case_sensitive": False}]], 3),
        ([["is_not", "visit:country_name", ["Germany"]]], 1),
        ([["is", "event:props:plan", ["pro"]]], 1),
        ([["is", "event:props:plan", ["(none)"]]], 3),
        ([["is", "event:name", ["Signup"]]], 1),
        ([["has_done", ["is", "event:name", ["Signup"]]]], 1),
        ([["has_not_done", ["is", "event:name", ["Signup"]]]], 2),
        ([["not", ["is", "visit:country", ["DE"]]]], 1),
        ([["or", [["is", "visit:country", ["FR"]], ["is", "visit:source", ["Google"]]]]], 2),
        ([["and", [["is", "visit:country", ["DE"]], ["is", "event:page", ["/buy"]]]]], 1),
        ([["is", "visit:country", ["DE"]], ["is", "event:page", ["/buy"]]], 1),
        ([["is", "visit:exit_page", ["/buy"]]], 2),
    ],
)
def test_filters_keep_whom_they_should(
    room: Newsroom, filters: list[object], visitors: int
) -> None:
    """Also nested; a list of them holds only together."""
    assert rows(room, filters=filters) == [([], [visitors])]


def test_numbers_of_one_page(room: Newsroom) -> None:
    """Visits that contain it; the bounce rate of those that began there."""
    metrics = ["visits", "pageviews", "events", "bounce_rate", "time_on_page", "scroll_depth"]
    wanted = [2, 2, 3, 100.0, 20.0, 35.0]
    assert rows(room, metrics=metrics, filters=[["is", "event:page", ["/buy"]]]) == [([], wanted)]
    found = rows(room, metrics=metrics, dimensions=["event:page"])
    assert (["/buy"], wanted) in found


def test_shares_are_of_all_that_the_filters_keep(room: Newsroom) -> None:
    """Per cent of visitors; ordering by them is ordering by visitors."""
    wanted = {"metrics": ["visitors", "percentage"], "order_by": [["percentage", "asc"]]}
    assert rows(room, dimensions=["visit:country"], **wanted) == [
        (["FR"], [1, 33.3]), (["DE"], [2, 66.7]),
    ]  # fmt: skip
    only_german: dict[str, object] = {"filters": [["is", "visit:country", ["DE"]]]}
    assert rows(room, dimensions=["time:day"], **wanted, **only_german) == [
        (["2026-11-24"], [2, 100.0])
    ]


def test_names_of_countries_and_properties_are_dimensions(room: Newsroom) -> None:
    """What an event does not say is (none)."""
    assert rows(room, dimensions=["visit:country_name"]) == [(["Germany"], [2]), (["France"], [1])]
    both = {"dimensions": ["visit:country_name", "visit:device", "visit:country"]}
    found = ask(room, **both)
    assert [row["dimensions"] for row in found["results"]] == [
        ["Germany", "desktop", "DE"], ["Germany", "mobile", "DE"], ["France", "desktop", "FR"],
    ]  # fmt: skip
    assert found["query"]["order_by"][1:] == [["visit:country", "asc"], ["visit:device", "asc"]]
    assert rows(room, **both, date_range="realtime") == []
    by_plan = {"metrics": ["events"], "dimensions": ["event:props:plan"]}
    assert rows(room, **by_plan) == [(["(none)"], [4]), (["pro"], [1])]


@pytest.mark.parametrize(
    ("dimension", "labels"),
    [
        ("time:week", ["2026-11-23"]),
        ("time:month", ["2026-11-01"]),
        ("time:weekday", ["1", "2"]),
        ("time:hour_of_day", ["11", "12", "13", "14"]),
        ("time", ["2026-11-23", "2026-11-24"]),
    ],
)
def test_time_comes_in_many_steps(room: Newsroom, dimension: str, labels: list[str]) -> None:
    """Weeks begin on Monday, or with the period; `time` is the step that suits."""
    found = rows(room, dimensions=[dimension], date_range="month")
    assert [label for (label,), _ in found] == labels


def test_time_labels_name_weeks_and_months(room: Newsroom) -> None:
    """All of the period, the first week from its first day on."""
    week = ask(room, dimensions=["time:week"], date_range="month", include={"time_labels": True})
    assert week["meta"]["time_labels"] == [
        "2026-11-01", "2026-11-02", "2026-11-09", "2026-11-16", "2026-11-23",
    ]  # fmt: skip
    year = ask(room, dimensions=["time:month"], date_range="6mo", include={"time_labels": True})
    assert year["meta"]["time_labels"][::5] == ["2026-05-01", "2026-10-01"]


@pytest.mark.parametrize(
    ("date_range", "visitors", "bounds"),
    [
        ("24h", 3, ["2026-11-23T15:00:00+01:00", "2026-11-24T14:59:59+01:00"]),
        ("all", 4, ["2026-11-23T00:00:00+01:00", "2026-11-24T23:59:59+01:00"]),
        (
            ["2026-11-24T12:00:00+01:00", "2026-11-24T12:59:59.999+01:00"],
            1,
            ["2026-11-24T12:00:00+01:00", "2026-11-24T12:59:59+01:00"],
        ),
        (
            ["2026-11-23T13:00:00Z", "2026-11-24T11:00:00Z"],
            2,
            ["2026-11-23T14:00:00+01:00", "2026-11-24T11:59:59+01:00"],
        ),
    ],
)
def test_periods_may_begin_and_end_with_an_hour(
    room: Newsroom, date_range: object, visitors: int, bounds: list[str]
) -> None:
    """In the site's zone, whatever zone they are written in."""
    found = ask(room, date_range=date_range)
    assert found["results"] == [{"dimensions": [], "metrics": [visitors]}]
    assert found["query"]["date_range"] == bounds


@pytest.mark.parametrize(
    ("comparison", "then"),
    [
        ({"mode": "previous_period"}, 1),
        ({"mode": "previous_period", "match_day_of_week": True}, 0),
        ({"mode": "year_over_year"}, 0),
        ({"mode": "custom", "date_range": ["2026-11-23", "2026-11-24"]}, 4),
    ],
)
def test_a_period_is_compared_with_another(
    room: Newsroom, comparison: dict[str, object], then: int
) -> None:
    """The change comes in per cent, from nothing to something as 100."""
    (row,) = ask(room, include={"comparisons": comparison})["results"]
    change = round(100 * (3 - then) / then) if then else 100
    assert row["comparison"] == {"dimensions": [], "metrics": [then], "change": [change]}


def test_each_row_is_compared_with_its_like(room: Newsroom) -> None:
    """By value, and by its place in the period."""
    include = {"comparisons": {"mode": "previous_period"}}
    found = ask(room, dimensions=["visit:source"], include=include)["results"]
    assert [(row["dimensions"], row["comparison"]["metrics"]) for row in found] == [
        (["Direct / None"], [0]), (["Google"], [1]),
    ]  # fmt: skip
    days = ask(
        room, dimensions=["time:day"], date_range=["2026-11-24", "2026-11-24"], include=include
    )["results"]
    assert days[0]["comparison"]["dimensions"] == ["2026-11-23"]
    rate = ask(room, metrics=["bounce_rate"], include=include)["results"][0]
    assert rate["metrics"] == [66.7]
    assert rate["comparison"]["change"] == [-33.3]  # points


def test_small_cells_are_hidden_and_said_so(ram: Path) -> None:
    """Where two or more of filters and dimensions other than time narrow them down."""
    with newsroom(ram) as other:
        site = other.site()
        other.parts["least_visitors"] = 3
        other.count(
            *(pageview(site, n, HOUR, "/", country="DE", device="mobile") for n in range(3)),
            *(pageview(site, 10 + n, HOUR, "/", country="FR", device="tv") for n in range(2)),
        )
        one = ask(other, dimensions=["visit:country", "time:day"])
        assert [row["metrics"] for row in one["results"]] == [[3], [2]]
        assert one["meta"] == {}
        two = ask(other, dimensions=["visit:country"], filters=[["is", "event:page", ["/"]]])
        assert [(r["dimensions"], r["metrics"]) for r in two["results"]] == [
            (["DE"], [3]), (["FR"], [None]),
        ]  # fmt: skip
        assert two["meta"]["warnings"][0]["code"] == "small_cells"
        both = [["is", "visit:country", ["FR"]], ["is", "visit:device", ["tv"]]]
        assert rows(other, filters=both) == [([], [None])]
        nobody = [["is", "visit:country", ["US"]], ["is", "visit:device", ["tv"]]]
        assert rows(other, filters=nobody) == [([], [None])]
        other.parts["least_visitors"] = 1
        assert rows(other, filters=nobody) == [([], [0])]
        other.parts["least_visitors"] = 3
        include = {"comparisons": {"mode": "previous_period"}}
        (row,) = ask(other, filters=both, include=include)["results"]
        assert row["comparison"]["metrics"] == [None]
        assert row["comparison"]["change"] == [None]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_is_taken_for_sql(room: Newsroom, text: str) -> None:
    """Through every field that takes one: a 200 that finds nothing, or a clear 400."""
    finds_nothing: list[dict[str, object]] = [
        {"filters": [["is", "event:page", [text]]]},
        {"filters": [["contains", "visit:source", [f"{text}x"]]]},
        {"filters": [["is", f"event:props:{text[:300]}", [f"{text}x"]]]},
        {"filters": [["has_done", ["is", "event:name", [text]]]]},
        {"filters": [["is", "visit:country_name", [text]]]},
    ]
    for fields in finds_nothing:
        assert rows(room, **fields) == [([], [0])], fields
    name = f"event:props:{text[:300]}"
    before = {"include": {"comparisons": {"mode": "previous_period"}}}
    for more in ({}, {"order_by": [[name, "desc"]]}, before, {"date_range": "realtime"}):
        wanted = [] if "date_range" in more else [(["(none)"], [3])]
        assert rows(room, dimensions=[name], **more) == wanted
    refused: list[dict[str, object]] = [
        {"site_id": text},
        {"metrics": [text]},
        {"dimensions": [text]},
        {"date_range": text},
        {"date_range": [text, text]},
        {"order_by": [[text, "asc"]]},
        {"order_by": [["visitors", text]]},
        {"filters": [[text, "event:page", ["/"]]]},
        {"filters": [["is", text, ["/"]]]},
        {"include": {"comparisons": {"mode": text}}},
        {"include": {"comparisons": {"mode": "custom", "date_range": [text, text]}}},
        {"include": {text: True}},
        {"filters": [["is", "event:page", ["/"], {text: True}]]},
    ]
    for fields in refused:
        response = post(room, **fields)
        assert response.status_code in {400, 401}, fields
        assert response.json()["field"], fields
    pattern = post(room, filters=[["matches", "event:page", [text]]])
    assert pattern.status_code in {200, 400}
    assert rows(room) == [([], [3])]


def test_the_answer_repeats_filters_and_names_as_they_were_asked(room: Newsroom) -> None:
    """So that a program finds its own words."""
    filters = [["is_not", "visit:country_name", ["France"]]]
    asked = {"dimensions": ["visit:country_name"], "order_by": [["visit:country_name", "asc"]]}
    query = ask(room, filters=filters, **asked)["query"]
    assert query["filters"] == filters
    assert query["dimensions"] == asked["dimensions"]
    assert query["order_by"] == asked["order_by"]


def test_a_question_that_takes_too_long_is_given_up(room: Newsroom, ram: Path) -> None:
    """It is interrupted, says what to do about it, and the next one is answered."""
    with newsroom(ram) as other:
        site = other.site()
        other.count(*(pageview(site, n, HOUR, f"/{n}") for n in range(2_000)))
        other.parts["limit_s"] = 0.001
        asked: dict[str, object] = {"dimensions": ["event:page", "visit:source", "time:hour"]}
        refused = post(other, **asked)
        assert refused.status_code == 503
        assert refused.headers["retry-after"]
        assert "shorter period" in refused.json()["error"]
        other.site("second.example")
        other.parts["limit_s"] = 0.0
        editor = other.editor()
        for page in (editor.get("/"), editor.get("/sites/example.com")):
            assert page.status_code == 200
            assert "This took longer than 0 s." in page.text
        other.parts["limit_s"] = 30
        assert len(rows(other, **asked)) == 2_000
    assert rows(room) == [([], [3])]


def test_a_question_that_takes_too_much_memory_is_given_up(ram: Path) -> None:
    """It says so, in the API, on the page and about the last minutes."""
    with newsroom(ram) as other:
        site = other.site()
        ago = timedelta(minutes=20)
        other.count(*(pageview(site, n, ago, f"/{n}") for n in range(3_000)))
    asked: dict[str, object] = {"dimensions": ["event:page", "visit:source", "time:hour"]}
    with newsroom(ram, memory_limit_mib=4) as small:
        for more in ({}, {"date_range": "realtime_30m", "dimensions": ["event:page"]}):
            refused = post(small, **asked | more)
            assert refused.status_code == 503
            assert "This takes more memory than memory_limit allows" in refused.json()["error"]
        page = small.editor().get("/sites/example.com")
        assert page.status_code == 200
        assert "This takes more memory than memory_limit allows" in page.text
    with newsroom(ram) as other:
        assert len(rows(other, **asked)) == 3_000


def test_questions_of_rows_wait_for_each_other(room: Newsroom) -> None:
    """One after the other; who waits too long is told so."""
    stats = Stats(room.store, limit_s=2)  # a busy machine takes some of it
    (site,) = room.control.sites()
    period = Period(date(2026, 11, 24), date(2026, 11, 24))
    by_plan = Query(site.id, (Metric.EVENTS,), (Property("plan"),), period)
    with stats.turn([by_plan]):
        with pytest.raises(TooSlowError, match="Try again"):
            stats.report(by_plan)
        assert len(stats.report(Query(site.id, (Metric.EVENTS,), (), period)).rows) == 1


def post_for(written: str, room: Newsroom, **fields: object) -> httpx.Response:
    """Ask for an answer in a format."""
    body = {"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"} | fields
    return room.client().post(
        f"/api/v2/query?format={written}",
        content=msgspec.json.encode(body),
        headers={"Authorization": f"Bearer {room.key}"},
    )


def test_answers_come_as_csv_too(room: Newsroom) -> None:
    """With a head; what does not exist is empty, what is hidden is <5."""
    asked: dict[str, object] = {
        "metrics": ["visitors", "bounce_rate"],
        "dimensions": ["event:page", "visit:country"],
        "include": {"comparisons": {"mode": "previous_period"}},
    }
    found = post_for("csv", room, **asked)
    assert found.headers["content-type"].startswith("text/csv")
    assert found.text.splitlines()[:3] == [
        (
            "event:page,visit:country,visitors,bounce_rate,visitors before,bounce_rate before,"
            "visitors change,bounce_rate change"
        ),
        "/,DE,2,50.0,1,100.0,100,-50.0",
        "/buy,DE,1,,0,,100,",
    ]
    room.parts["least_visitors"] = 5
    hidden = post_for("csv", room, **asked).text.splitlines()[1]
    room.parts.clear()
    assert hidden == "/,DE,<5,<5,<5,<5,,"
    headers = {"Authorization": f"Bearer {room.key}", "Accept": "text/csv"}
    body = {"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"}
    content = msgspec.json.encode(body)
    accepted = room.client().post("/api/v2/query", content=content, headers=headers)
    assert accepted.text == "visitors\r\n3\r\n"
    other = room.client().post("/api/v2/query?format=xls", content=content, headers=headers)
    assert (other.status_code, other.json()["field"]) == (400, "format")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_of_a_csv_is_a_formula(ram: Path, name: str) -> None:
    """Visitors and their browsers choose names; spreadsheets take some for commands."""
    with newsroom(ram) as room:
        room.count(custom(pageview(room.site(), 1, HOUR, "/"), name))
        rows_ = list(csv.reader(post_for("csv", room, dimensions=["event:name"]).text.splitlines()))
    assert rows_[1][0].startswith("'")


def read_parquet(file: Path, response: httpx.Response) -> duckdb.DuckDBPyRelation:
    """Read an answer as others do."""
    assert response.status_code == 200, response.text
    assert response.headers["content-type"] == PARQUET
    file.write_bytes(response.content)
    return duckdb.read_parquet(str(file))


def test_answers_come_as_parquet_too(room: Newsroom, ram: Path) -> None:
    """With typed columns, in the order of the rows; what is hidden or does not exist is NULL."""
    asked: dict[str, object] = {
        "metrics": ["visitors", "bounce_rate"],
        "dimensions": ["event:page", "visit:country"],
        "include": {"comparisons": {"mode": "previous_period"}},
    }
    found = read_parquet(ram / "a", post_for("parquet", room, **asked))
    assert [(name, str(kind)) for name, kind in zip(found.columns, found.types, strict=True)] == [
        ("event:page", "VARCHAR"), ("visit:country", "VARCHAR"), ("visitors", "BIGINT"),
        ("bounce_rate", "DOUBLE"), ("visitors before", "BIGINT"), ("bounce_rate before", "DOUBLE"),
        ("visitors change", "DOUBLE"), ("bounce_rate change", "DOUBLE"),
    ]  # fmt: skip
    assert found.fetchall()[:2] == [
        ("/", "DE", 2, 50.0, 1, 100.0, 100.0, -50.0),
        ("/buy", "DE", 1, None, 0, None, 100.0, None),
    ]
    room.parts["least_visitors"] = 5
    hidden = read_parquet(ram / "b", post_for("parquet", room, **asked))
    room.parts.clear()
    assert hidden.fetchall()[0] == ("/", "DE", *[None] * 6)
    text = "SELECT decode(value) FROM parquet_kv_metadata($file) WHERE decode(key) = 'gatecount'"
    ((about,),) = duckdb.execute(text, {"file": str(ram / "b")}).fetchall()
    assert json.loads(about)["meta"]["warnings"][0]["code"] == "small_cells"
    assert json.loads(about)["query"]["site_id"] == "example.com"
    headers = {"Authorization": f"Bearer {room.key}", "Accept": f"{PARQUET}, */*;q=0.1"}
    body = {"site_id": "example.com", "metrics": ["visitors"], "date_range": "day"}
    accepted = room.client().post(
        "/api/v2/query", content=msgspec.json.encode(body), headers=headers
    )
    assert read_parquet(ram / "c", accepted).fetchall() == [(3,)]


@pytest.mark.parametrize("name", HOSTILE)
def test_any_text_is_a_value_and_a_name_of_a_parquet_file(ram: Path, name: str) -> None:
    """Names of properties are visitors' and programs', and become names of columns."""
    columns = [(f"event:props:{name}", str), ("visitors", int)]
    (ram / "a").write_bytes(as_parquet(columns, [(name, 1), ("", None)], name))
    found = duckdb.read_parquet(str(ram / "a"))
    assert found.fetchall() == [(name, 1), ("", None)]
    assert len(found.columns) == 2
    (ram / "b").write_bytes(as_parquet(columns, [], name))
    assert duckdb.read_parquet(str(ram / "b")).fetchall() == []


def test_what_is_too_large_for_a_parquet_file_is_refused(room: Newsroom) -> None:
    """The refusal says what to do; in another format the same question is answered."""
    asked: dict[str, object] = {"dimensions": ["event:page"]}
    room.parts["parquet"] = partial(parquet, memory_limit_mib=1)
    refused = post_for("parquet", room, **asked)
    answered = post_for("csv", room, **asked)
    room.parts.clear()
    assert refused.status_code == 400
    assert refused.json()["field"] == "pagination.limit"
    assert "ask for fewer rows" in refused.json()["error"]
    assert answered.status_code == 200


def test_current_visitors_are_a_number(room: Newsroom) -> None:
    """As at Plausible: GET, with the site in the address; the key is asked for."""
    headers = {"Authorization": f"Bearer {room.key}"}
    path = "/api/v1/stats/realtime/visitors"
    client = room.client()
    found = client.get(f"{path}?site_id=example.com", headers)
    assert (found.status_code, found.json()) == (200, 0)
    assert client.get(f"{path}?site_id=example.com").status_code == 401
    assert client.get(f"{path}?site_id=other.example", headers).status_code == 401
    assert client.get(path, headers).json()["field"] == "site_id"
