"""Logs are an allow-list: names of events and fields that say nothing about visitors."""

import ast
import io
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.log import FIELDS, AllowListFormatter, report_fault, set_up

ROOT = Path(__file__).parents[1]
PERSONAL = "192.0.2.17 Mozilla/5.0"
LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} [a-z]+ \S+")


class Log:
    """What a process logs, in place of standard error."""

    def __init__(self) -> None:
        self._written = io.StringIO()
        self.set_up("info")

    def set_up(self, level: str) -> None:
        """Begin as a process does."""
        set_up(level)
        (handler,) = logging.getLogger().handlers
        assert isinstance(handler, logging.StreamHandler)
        assert handler.stream is sys.stderr
        handler.setStream(self._written)
        self.handler = handler

    def text(self) -> str:
        """Return all that was written."""
        return self._written.getvalue()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    """Set up logging as a process does; put it back afterwards."""
    root, ours = logging.getLogger(), logging.getLogger("gatecount")
    # pytest's own come and go with every phase of a test.
    lasting = [h for h in root.handlers if not type(h).__module__.startswith("_pytest")]
    levels = root.level, ours.level
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    try:
        yield Log()
    finally:
        logging.captureWarnings(capture=False)
        root.handlers = lasting
        root.level, ours.level = levels


def test_a_line_has_time_level_event_and_allowed_fields(log: Log) -> None:
    """In the order of the allow-list; what is not on it is left out."""
    logging.getLogger("gatecount.seal").info(
        "day_sealed", extra={"date": "2026-11-24", "site": 1, "address": PERSONAL}
    )
    line = log.text()
    assert LINE.match(line)
    assert line.endswith(" info day_sealed date=2026-11-24 site=1\n")


@pytest.mark.parametrize(
    "message", [PERSONAL, "Event", "x", "event %s", "", "a" * 60, "day\nsealed"]
)
def test_a_message_that_is_no_events_name_is_left_out(log: Log, message: str) -> None:
    """Only that there was one, and whose, is told."""
    logging.getLogger("gatecount.seal").warning(message)
    assert log.text().endswith(" warning gatecount.seal_message\n")


def test_a_librarys_message_is_left_out(log: Log) -> None:
    """Whatever it quotes, also as an argument or in the name of an event."""
    logging.getLogger("uvicorn.error").warning("refused %s", PERSONAL)
    logging.getLogger("uvicorn.error").error("day_sealed")
    assert re.findall(r"^\S+ (\w+) (\S+)$", log.text(), re.MULTILINE) == [
        ("warning", "uvicorn.error_message"),
        ("error", "uvicorn.error_message"),
    ]


def test_of_an_exception_only_its_type_and_way_are_told(log: Log) -> None:
    """Never its text, which likes to quote what it choked on; nor that of its cause."""
    try:
        _choke()
    except ValueError:
        logging.getLogger("gatecount.app").exception("chore_failed")
    line = log.text()
    assert PERSONAL not in line
    assert " error chore_failed error=ValueError at=" in line
    assert f"{Path(__file__).name}:" in line
    assert line.count("\n") == 1


def _choke() -> None:
    try:
        os.environ[PERSONAL]
    except KeyError as error:
        raise ValueError(PERSONAL) from error


def test_a_warning_is_told_without_its_text(log: Log) -> None:
    """Python's own go the same way."""
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=False)
        logging.captureWarnings(capture=True)
        warnings.warn(PERSONAL, stacklevel=1)
        logging.captureWarnings(capture=False)
    assert log.text().endswith(" warning py.warnings_message\n")


@pytest.mark.parametrize(
    ("level", "told"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_less_urgent_lines_are_left_out(log: Log, level: str, told: list[str]) -> None:
    """By the option's level for ours; of libraries, warnings and worse only."""
    log.set_up(level)
    for urgency in ("debug", "info", "warning", "error"):
        getattr(logging.getLogger("gatecount.seal"), urgency)("day_sealed")
    assert re.findall(r" (\w+) day_sealed\n", log.text()) == told
    logging.getLogger("uvicorn.error").info("started")
    assert "uvicorn" not in log.text()
    logging.getLogger("uvicorn.error").warning("started")
    assert "uvicorn" in log.text()


def test_a_line_that_cannot_be_written_is_not_told_in_another_way(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python would print its message and arguments, in the hope that this succeeds."""
    told = io.StringIO()
    monkeypatch.setattr(sys, "stderr", told)
    log.handler.stream.close()
    logging.getLogger("uvicorn.error").warning("refused %s", PERSONAL)
    assert not told.getvalue()


def test_a_fault_of_the_journal_is_told_by_its_number(log: Log) -> None:
    """As `_Writer` reports it."""
    report_fault("journal_refused", 28)
    assert log.text().endswith(" error journal_refused errno=28\n")


LEVELS = {"debug", "info", "warning", "error", "exception", "critical", "log"}
LOGGERS = re.compile(r"_LOG|logging\.getLogger\(.*\)")


def calls(text: str) -> Iterator[ast.Call]:
    """Yield the calls of a module's loggers."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = node.func
            if called.attr in LEVELS and LOGGERS.fullmatch(ast.unparse(called.value)):
                yield node


def faults(text: str) -> list[str]:
    """Return what a module logs that is not on the allow-list, or is no plain name."""
    found = []
    for call in calls(text):
        (event,) = call.args
        if isinstance(event, ast.Constant) and isinstance(event.value, str):
            record = logging.LogRecord("gatecount", 20, "", 0, event.value, None, None)
            if not AllowListFormatter().format(record).endswith(f" {event.value}"):
                found.append(ast.unparse(event))
        elif not (isinstance(event, ast.Name) and event.id == "event"):
            found.append(ast.unparse(event))
        for keyword in call.keywords:
            if isinstance(keyword.value, ast.Dict):
                names = [ast.literal_eval(key) for key in keyword.value.keys if key]
                found += [name for name in names if name not in FIELDS]
            elif keyword.arg != "exc_info":
                found.append(ast.unparse(keyword.value))
    return found


def test_every_line_of_ours_is_an_event_with_allowed_fields() -> None:
    """What would be left out is not asked for."""
    texts = [
        path.read_text(encoding="utf-8")
        for package in ("collector", "dashboard")
        for path in (ROOT / package).rglob("*.py")
    ]
    assert [fault for text in texts for fault in faults(text)] == []
    assert sum(len(list(calls(text))) for text in texts) > 8


@pytest.mark.parametrize(
    "planted",
    [
        '_LOG.info(f"seen {address}")',
        '_LOG.info("Seen a visitor")',
        '_LOG.info("seen", extra={"address": address})',
        "_LOG.exception(str(error))",
        'logging.getLogger("gatecount").error("seen", extra=fields)',
    ],
)
def test_a_line_that_is_not_on_the_list_is_caught(planted: str) -> None:
    """A text made of values, or a field that nobody allowed."""
    assert faults(planted)
    assert not faults('_LOG.info("seen", extra={"site": 1})')
