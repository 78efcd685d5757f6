"""Logs are names of events with allowed fields; nothing a request said, and no access log."""

import ipaddress
import logging
import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from collector.log import FIELDS, AllowListFormatter
from collector.session import StoreError
from tests.house import event, house
from tests.privacy.canaries import ADDRESS, EMAIL, USER_AGENT, search
from tests.privacy.conftest import Watched

REASONS = {
    "chunk": "a file of the journal, named by the time it was begun",
    "count": "a number",
    "damaged_lines": "a number",
    "date": "a site's local day",
    "errno": "a number of the operating system",
    "error": "a kind of error, not its message",
    "host": "where the program listens",
    "loaded_bytes": "a number",
    "offset": "a place in a file",
    "port": "where the program listens",
    "reason": "one of a closed list",
    "seconds": "a number",
    "site": "a site's id",
    "timezone": "a site's",
    "torn_bytes": "a number",
    "version": "the program's",
    "workers": "a number",
}
# Of an exception: which lines of the program it came through.
OF_EXCEPTIONS = {"at"}
_LINE = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} (?:debug|info|warning|error|critical)"
    r" [A-Za-z_.]+(?P<fields>(?: [a-z_]+=.*)?)"
)
_GREETING = re.compile(
    r"|Dashboard  http://127\.0\.0\.1:\d+/|Notice     .*|No site yet\. .*|Taking events on .*"
)
_FIELD = re.compile(r" ([a-z_]+)=")
_REQUEST = re.compile(r"\b(?:GET|HEAD|POST|PUT|DELETE)\b|HTTP/\d|/api/|/opt-out|/login")


def unlisted(said: str) -> list[str]:
    """Return the lines that are neither a greeting nor a log line of listed fields."""
    return [line for line in said.splitlines() if not _is_listed(line)]


def _is_listed(line: str) -> bool:
    if _GREETING.fullmatch(line):
        return True
    found = _LINE.fullmatch(line)
    return found is not None and {*_FIELD.findall(found["fields"])} <= {*FIELDS, *OF_EXCEPTIONS}


def test_every_field_has_a_reason() -> None:
    """A new one fails until it is listed here."""
    assert set(FIELDS) == set(REASONS)


def test_a_whole_session_logs_only_listed_fields(watched: Watched) -> None:
    """At the most talkative level, on every road."""
    assert "day_key_missing" in watched.said
    assert "journal_refused" in watched.said
    assert unlisted(watched.said) == []


@pytest.mark.parametrize(
    "line",
    [
        '192.0.2.17:40000 - "POST /api/event HTTP/1.1" 202',
        "2026-11-24T10:00:00+0000 info counted_it peer=192.0.2.17",
        "2026-11-24T10:00:00+0000 info counted_it site=1 user_agent=Mozilla/5.0",
        "2026-11-24T10:00:00+0000 info counted 192.0.2.17",
        "Traceback (most recent call last):",
        "ValueError: no record of 192.0.2.17",
    ],
)
def test_any_other_line_is_noticed(line: str) -> None:
    """Access logs, unlisted fields, free text and tracebacks."""
    assert unlisted(f"Dashboard  http://127.0.0.1:8000/\n{line}\n") == [line]


def test_there_is_no_access_log(watched: Watched) -> None:
    """Hundreds of requests leave next to no lines, and none with a method or a path."""
    logged = [line for line in watched.said.splitlines() if not _GREETING.fullmatch(line)]
    assert len(logged) < 20
    assert [line for line in logged if _REQUEST.search(line)] == []


def _record(
    message: str, *arguments: object, name: str = "gatecount.careless", **extra: object
) -> logging.LogRecord:
    return logging.getLogger(name).makeRecord(
        name, logging.ERROR, "careless.py", 1, message, arguments, None, extra=extra
    )


def _with_an_exception() -> logging.LogRecord:
    record = _record("lookup_failed")
    try:
        ipaddress.IPv4Network(f"{ADDRESS}/8")
    except ValueError:
        record.exc_info = sys.exc_info()
    return record


RECORDS: dict[str, Callable[[], logging.LogRecord]] = {
    "a message": lambda: _record(f"lost {EMAIL}"),
    "one word": lambda: _record(EMAIL),
    "arguments": lambda: _record("bad request: %s", USER_AGENT),
    "arguments of a library": lambda: _record("%s asked", ADDRESS, name="uvicorn.access"),
    "an unlisted field": lambda: _record("refused_it", peer=ADDRESS),
    "an exception": _with_an_exception,
}


@pytest.mark.parametrize("kind", RECORDS)
def test_a_careless_log_line_says_nothing_of_a_visitor(kind: str) -> None:
    """While a usual formatter would have told."""
    record = RECORDS[kind]()
    usual = logging.Formatter("%(message)s").format(record)
    assert search(f"{usual} {vars(record)}".encode(), "log")
    line = AllowListFormatter().format(record)
    assert search(line.encode(), "log") == []
    assert unlisted(line) == []


def test_an_error_of_the_database_does_not_quote_the_value(ram: Path) -> None:
    """DuckDB's own message does."""
    with house(ram) as here:
        site = here.site()
        with pytest.raises(StoreError) as caught:
            here.load(event(site, datetime(2026, 11, 24, tzinfo=UTC), revenue=EMAIL))
    assert search(str(caught.value.__context__).encode(), "DuckDB")
    record = _record("store_refused")
    record.exc_info = (caught.type, caught.value, caught.tb)
    told = f"{caught.value} {AllowListFormatter().format(record)}"
    assert search(told.encode(), "log") == []
