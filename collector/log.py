"""Logs are an allow-list: an event's name and fields that cannot say who a visitor was.

Nothing else is ever written: no message text of a library or an exception, because those like to
quote what they choked on.
"""

import logging
import re
import sys
import traceback

# Every field any module may log. None holds text that came from a request.
FIELDS = (
    "chunk", "count", "damaged_lines", "date", "errno", "error", "host", "loaded_bytes", "offset",
    "port", "reason", "seconds", "site", "timezone", "torn_bytes", "version", "workers",
)  # fmt: skip
_EVENT = re.compile(r"[a-z][a-z_]{2,40}\Z")


class AllowListFormatter(logging.Formatter):
    """Formats a record as `time level event field=value ...`, with allowed fields only."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line; of an exception its type and where it came through."""
        parts = [
            self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            record.levelname.lower(),
            _event(record),
        ]
        parts += [
            f"{field}={record.__dict__[field]}" for field in FIELDS if field in record.__dict__
        ]
        if record.exc_info and record.exc_info[0]:
            parts.append(f"error={record.exc_info[0].__name__}")
            frames = traceback.extract_tb(record.exc_info[2])
            parts.append("at=" + ">".join(f"{f.filename}:{f.lineno}:{f.name}" for f in frames))
        return " ".join(parts)


def _event(record: logging.LogRecord) -> str:
    """Return an event's name; of a library's message only that there was one."""
    if record.name.startswith("gatecount") and _EVENT.match(str(record.msg)):
        return str(record.msg)
    return f"{record.name}_message"


def set_up(level: str) -> None:
    """Send all logs of this process to standard error, through the allow-list."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(AllowListFormatter())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("gatecount").setLevel(level.upper())
    logging.captureWarnings(capture=True)
    # A line that cannot be written would be printed with all that the allow-list keeps out.
    logging.raiseExceptions = False


def report_fault(event: str, errno: int) -> None:
    """Log a fault of the journal by its name and error number."""
    logging.getLogger("gatecount.journal").error(event, extra={"errno": errno})
