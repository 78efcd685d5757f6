"""How an application is put together, and what its operator is told first."""

import asyncio
import contextlib
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from collector import compose, config
from collector.app import Application
from collector.config import Config, StartError
from collector.control import Control
from collector.people.links import Links

ROOT = Path(__file__).parents[1]
_CAUSE = "what happened"


def _fail(_: Request) -> Response:
    raise RuntimeError(_CAUSE)


def configuration(folder: Path, geo_database: Path, **flags: object) -> Config:
    """Return a configuration with all it needs below a folder."""
    given = {
        "data": str(folder / "data"),
        "key_dir": str(folder / "keys"),
        "geo_database": str(geo_database),
        **flags,
    }
    return config.load(None, {}, given).config


def test_without_a_directory_for_keys_one_of_our_own_in_ram_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session's, if there is one that can be used; one for each data directory."""
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(runtime))
    one = compose.default_key_dir(tmp_path / "one")
    assert one.parent == runtime
    assert one == compose.default_key_dir(tmp_path / "other" / ".." / "one")
    assert one != compose.default_key_dir(tmp_path / "other")
    for missing in (str(tmp_path / "missing"), ""):
        monkeypatch.setenv("XDG_RUNTIME_DIR", missing)
        elsewhere = compose.default_key_dir(tmp_path / "one")
        assert elsewhere == Path("/", "dev", "shm", one.name)


def test_a_directory_that_cannot_hold_keys_stops_the_start(
    ram: Path, country_database: Path
) -> None:
    """The message names the option, the place and what is wrong with it."""
    keys = ram / "keys"
    keys.mkdir(mode=0o755)
    with (
        pytest.raises(StartError, match=rf"^key_dir: {keys} is open to others: chmod 700 it$"),
        compose.collector_only(configuration(ram, country_database)),
    ):
        pass
    nowhere = ram / "missing" / "keys"
    with (
        pytest.raises(StartError, match=rf"^key_dir: {nowhere} cannot be made: "),
        compose.collector_only(configuration(ram, country_database, key_dir=str(nowhere))),
    ):
        pass


def test_all_is_closed_after_a_start_that_failed(ram: Path, country_database: Path) -> None:
    """Whoever repairs the cause can start again in the same process."""
    given = configuration(ram, country_database)
    (ram / "data").mkdir()
    (ram / "data" / "archive.duckdb").write_bytes(b"noise" * 5000)
    with pytest.raises(StartError, match="cannot be read"), compose.collector_and_dashboard(given):
        pass
    (ram / "data" / "archive.duckdb").unlink()
    with compose.collector_and_dashboard(given) as composed:
        assert composed.notices == ()


def test_two_owners_of_one_directory_are_refused_and_takers_are_not(
    ram: Path, country_database: Path
) -> None:
    """Any number of processes may take events beside."""
    given = configuration(ram, country_database)
    with compose.collector_and_dashboard(given):
        with (
            pytest.raises(StartError, match="is in use by another gatecount"),
            compose.collector_and_dashboard(given),
        ):
            pass
        with compose.collector_only(given), compose.collector_only(given):
            pass


def test_the_operator_is_told_what_is_not_as_it_should_be(
    ram: Path, tmp_path: Path, country_database: Path
) -> None:
    """Keys on a disk, and countries that are unknown; nothing when all is well."""
    with compose.collector_only(configuration(ram, country_database)) as composed:
        assert composed.notices == ()
    missing = ram / "missing.mmdb"
    on_disk = str(tmp_path / "keys")
    with compose.collector_only(configuration(ram, missing, key_dir=on_disk)) as composed:
        *keys, countries = composed.notices
        assert f"The country database {missing} is not there" in countries
        assert all(f"The day keys are not in RAM: {on_disk}" in notice for notice in keys)


def test_a_start_without_an_account_makes_a_link_to_make_one(
    ram: Path, country_database: Path
) -> None:
    """The link of the start before is worthless; processes that only take events make none."""
    given = configuration(ram, country_database)
    with compose.collector_only(given) as composed:
        assert composed.setup_token is None
    tokens = []
    for _ in range(2):
        with compose.collector_and_dashboard(given) as composed:
            assert composed.setup_token
            tokens.append(composed.setup_token)
    now = datetime.now(UTC)
    with contextlib.closing(Control.open(ram / "data" / "control.sqlite")) as control:
        assert [Links(control).find(token, now) is not None for token in tokens] == [False, True]
        Links(control).accept(tokens[1], "owner@example.com", "a hash", now)
    with compose.collector_and_dashboard(given) as composed:
        assert composed.setup_token is None


def test_where_there_is_no_page_people_find_one_and_programs_a_line(
    ram: Path, country_database: Path
) -> None:
    """In their language, with a way back; also where an answer failed, of which nothing is told."""

    async def get(path: str, accept: str) -> tuple[int, str]:
        headers = {"Accept": accept, "Accept-Language": "de"}
        transport = httpx.ASGITransport(composed.app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.get(path, headers=headers)
            return answer.status_code, answer.text

    with compose.collector_and_dashboard(configuration(ram, country_database)) as composed:
        assert isinstance(composed.app, Application)
        composed.app.routes.append(Route("/fails", _fail))
        missing, page = asyncio.run(get("/no/where", "text/html,*/*"))
        assert missing == 404
        assert "Hier ist nichts" in page
        assert 'href="/"' in page
        assert asyncio.run(get("/no/where", "*/*")) == (404, "Not Found")
        missing, refusal = asyncio.run(get("/api/v1/stats/aggregate", "*/*"))  # Plausible's older
        assert missing == 404
        assert "programs ask POST /api/v2/query" in json.loads(refusal)["error"]
        failed, page = asyncio.run(get("/fails", "text/html"))
        assert failed == 500
        assert "Auf dem Server ging etwas schief" in page
        assert _CAUSE not in page
        assert asyncio.run(get("/fails", "*/*")) == (500, "Internal Server Error")


_LIGHT = """
import sys
from collector import compose, config
from collector.app import Application
given = {"data": "data", "key_dir": "keys", "geo_database": sys.argv[1]}
with compose.collector_only(config.load(None, {}, given).config):
    heavy = {"duckdb", "jinja2.ext", "collector.store", "dashboard", "uvicorn", "rich"}
    print(sorted(heavy & set(sys.modules)))
"""


def test_a_process_that_only_takes_events_loads_no_database(
    ram: Path, country_database: Path
) -> None:
    """DuckDB alone is 33 MB, for each worker."""
    told = subprocess.run(
        [sys.executable, "-c", _LIGHT, str(country_database)],
        env={"PYTHONPATH": str(ROOT)}, cwd=ram, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert told.stdout == "[]\n"
