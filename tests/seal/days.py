"""The day that these tests seal, and its night."""

from datetime import UTC, date, datetime, timedelta

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = date(2026, 11, 24)
NEXT_NIGHT = datetime(2026, 11, 25, 0, 35, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
