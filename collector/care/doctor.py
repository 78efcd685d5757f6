"""`gatecount doctor`: whether what is promised about keys and deadlines is kept just now.

It looks at files only, so it runs beside a server, and while none runs.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from collector import journal
from collector.control import Control, in_months
from collector.keys import KeyStore
from collector.statement import RAW_GONE_AFTER_HOURS

_RAW_GONE_AFTER = timedelta(hours=RAW_GONE_AFTER_HOURS)
_CLOCK_TOLERANCE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    is_well: bool
    what: str
    found: str


def examine(data: Path, keys: KeyStore, control: Control, now: datetime) -> Iterator[Finding]:
    """Look at everything; yield what was found."""
    yield _keys_in_ram(keys)
    yield _swap(keys)
    yield _old_keys(keys, now)
    begun = sorted(filter(None, map(journal.begun, journal.chunks(data / "journal"))))
    yield _raw_days(data, begun, now)
    yield _refused_days(control)
    yield from _retention(control)
    yield _clock(begun, control, now)


def _keys_in_ram(keys: KeyStore) -> Finding:
    found = "on a tmpfs" if keys.in_ram else "not on a tmpfs: set key_dir to a directory in RAM"
    return Finding(keys.in_ram, "day keys in RAM", found)


def _swap(keys: KeyStore) -> Finding:
    if keys.may_be_swapped:
        found = "swap is on and memory cannot be locked: raise RLIMIT_MEMLOCK"
        return Finding(is_well=False, what="swap", found=found)
    return Finding(is_well=True, what="swap", found="off, or day keys are kept out of it")


def _old_keys(keys: KeyStore, now: datetime) -> Finding:
    late = [f"{name.date} {name.timezone}" for name in keys.overdue(now)]
    found = f"of {', '.join(late)}: start the server, which does it" if late else "none is left"
    return Finding(not late, "day keys past their time", found)


def _raw_days(data: Path, begun: list[datetime], now: datetime) -> Finding:
    unreadable = data / "live.unreadable.duckdb"
    oldest = begun[:1]
    if unreadable.exists():
        oldest.append(datetime.fromtimestamp(unreadable.stat().st_mtime, UTC))
    what = f"raw days gone by {RAW_GONE_AFTER_HOURS} hours"
    if not oldest:
        return Finding(is_well=True, what=what, found="none is left")
    age = now - min(oldest)
    found = f"the oldest is {age.total_seconds() / 3600:.1f} hours old"
    if age > _RAW_GONE_AFTER:
        return Finding(is_well=False, what=what, found=f"{found}: start the server, which seals it")
    return Finding(is_well=True, what=what, found=found)


def _refused_days(control: Control) -> Finding:
    domains = {site.id: site.domain for site in control.sites()}
    refused = [
        f"{one.day} of {domains.get(one.site, 'no site')} is refused since"
        f" {one.since:%Y-%m-%d %H:%M} UTC ({one.error})"
        for one in control.refused_days()
    ]
    found = "; ".join(refused)
    found = f"{found}: day_not_sealed in the log says where" if refused else "none is refused"
    return Finding(not refused, "days that are over are sealed", found)


def _retention(control: Control) -> Iterator[Finding]:
    for site in control.sites():
        overdue = control.purging(site.id).overdue_days
        found = f"{overdue} days are too old; two go each day" if overdue else "nothing is too old"
        what = f"{site.domain}: numbers gone after {in_months(site.retention_months)}"
        yield Finding(not overdue, what, found)


def _clock(begun: list[datetime], control: Control, now: datetime) -> Finding:
    known = begun[-1:] + [change.changed_at for change in control.setting_changes()[-1:]]
    if known and max(known) > now + _CLOCK_TOLERANCE:
        found = f"behind what is on record ({max(known):%Y-%m-%d %H:%M} UTC)"
        return Finding(is_well=False, what="clock", found=f"{found}: set it right")
    return Finding(is_well=True, what="clock", found="not behind what is on record")
