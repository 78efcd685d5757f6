"""`gatecount export`: sealed visits and events as Parquet, in words, for other programs to read."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from collector.care.backup import BackupError, Progress, awaited, filling, opened, told
from collector.config import Config
from collector.control import Control, Site
from collector.lending import Loan
from collector.session import Session

_KINDS = ("visits", "events")


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    files: int
    visits: int
    events: int
    size_bytes: int


def export(
    config: Config, control: Control, target: Path, domain: str | None
) -> Iterator[Progress | Exported]:
    """Write a file of visits and one of events for each month; the last thing is what was written.

    Args:
        config: `data` is read; DuckDB may use `memory_limit`.
        control: says which sites there are.
        target: a directory that is empty or not there.
        domain: of one site; all if not given.

    Raises:
        BackupError: something is in the way, there is no such site, or nothing of it is sealed.
    """
    sites = _sites(control, domain)
    with told(), filling(target), closing(Loan(config.data)) as loan:
        yield from awaited(loan)
        visits = events = 0
        with opened(loan.path, target, config.memory_limit) as session:
            months = session.run("export_months", sites=[site.id for site in sites])
            if not months:
                raise BackupError("no day is sealed yet: the first is a while after midnight")
            total = sum(of_visits + of_events for *_, of_visits, of_events in months)
            for first, following, of_visits, of_events in months:
                yield Progress(f"{first:%Y-%m}", visits + events, total)
                _write_month(session, sites, target, first, following)
                visits, events = visits + of_visits, events + of_events
        files = list(target.glob("*.parquet"))
        size_bytes = sum(file.stat().st_size for file in files)
    yield Exported(len(files), visits, events, size_bytes)


def _sites(control: Control, domain: str | None) -> Sequence[Site]:
    if domain is None:
        return control.sites()
    site = control.site(domain)
    if site is None:
        raise BackupError(f"{domain} is no site: see gatecount site list")
    return [site]


def _write_month(
    session: Session, sites: Sequence[Site], target: Path, first: date, following: date
) -> None:
    for kind in _KINDS:
        session.run(
            f"export_{kind}",
            sites=[site.id for site in sites],
            domains=[site.domain for site in sites],
            first=first,
            next=following,
            file=str(target / f"{kind}-{first:%Y-%m}.parquet"),
        )
