"""What editors write down about a site: what happened on a day, and filters worth keeping."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final

from collector.control import Control

TEXT_MAX_CHARACTERS: Final = 200
FILTERS_MAX_CHARACTERS: Final = 4000
_MOST_OF_A_SITE = 500  # annotations, and segments: what people write by hand


class NotebookError(ValueError):
    """Something cannot be written down; the message says why."""


@dataclass(frozen=True, slots=True)
class Annotation:
    """What happened on a local day of a site."""

    id: int
    date: date
    text: str


@dataclass(frozen=True, slots=True)
class Segment:
    """Filters under a name, as they are written in addresses: `f=is,source,Google&f=...`.

    Args:
        is_own: somebody keeps them for themselves alone.
    """

    id: int
    name: str
    filters: str
    is_own: bool = False


Kind = type[Annotation | Segment]
_STRIKE: Mapping[Kind, str] = {
    Annotation: "DELETE FROM annotations WHERE site = ? AND id = ?",
    Segment: "DELETE FROM segments WHERE site = ? AND id = ? AND user IS NULL",
}


class Notebook:
    """Annotations and segments; every method may be called from any thread, and blocks."""

    def __init__(self, control: Control) -> None:
        self._control = control

    def annotations(self, site: int) -> tuple[Annotation, ...]:
        """Return what was written down about days, by day."""
        with self._control.reading() as connection:
            rows = connection.execute(
                "SELECT id, date, text FROM annotations WHERE site = ? ORDER BY date, id", (site,)
            ).fetchall()
        return tuple(Annotation(key, date.fromisoformat(day), text) for key, day, text in rows)

    def annotate(self, site: int, day: date, text: str) -> None:
        """Write down what happened on a day.

        Raises:
            NotebookError: no text, a long one, or too many.
        """
        short = _short(text)
        with self._control.writing() as connection:
            written = "SELECT count(*) FROM annotations WHERE site = ?"
            _must_fit(connection.execute(written, (site,)).fetchone()[0])
            connection.execute(
                "INSERT INTO annotations (site, date, text) VALUES (?, ?, ?)",
                (site, day.isoformat(), short),
            )

    def segments(self, site: int, user: int | None = None) -> tuple[Segment, ...]:
        """Return the filters that were kept for all, and those of one account, by name."""
        with self._control.reading() as connection:
            rows = connection.execute(
                "SELECT id, name, filters, user IS NOT NULL FROM segments"
                " WHERE site = ? AND (user IS NULL OR user = ?)"
                " ORDER BY name COLLATE NOCASE, id",
                (site, user),
            ).fetchall()
        return tuple(
            Segment(key, name, filters, bool(is_own)) for key, name, filters, is_own in rows
        )

    def keep(self, site: int, name: str, filters: str, user: int | None = None) -> None:
        """Keep filters under a name; they take the place of those that had it.

        For an account alone if one is given, else for all who look at the site.

        Raises:
            NotebookError: no name or filter, a long one, or too many.
        """
        short = _short(name)
        if not 0 < len(filters) <= FILTERS_MAX_CHARACTERS:
            raise NotebookError("choose filters first" if not filters else "these are too long")
        with self._control.writing() as connection:
            connection.execute(
                "DELETE FROM segments WHERE site = ? AND name = ? AND user IS ?",
                (site, short, user),
            )
            kept = "SELECT count(*) FROM segments WHERE site = ? AND user IS ?"
            _must_fit(connection.execute(kept, (site, user)).fetchone()[0])
            connection.execute(
                "INSERT INTO segments (site, name, filters, user) VALUES (?, ?, ?, ?)",
                (site, short, filters, user),
            )

    def strike_own(self, site: int, key: int, user: int) -> None:
        """Strike out a segment that an account keeps for itself; no other changes."""
        with self._control.writing() as connection:
            connection.execute(
                "DELETE FROM segments WHERE site = ? AND id = ? AND user = ?", (site, key, user)
            )

    def strike(self, site: int, kind: Kind, key: int) -> None:
        """Strike out an entry; one that is not there changes nothing."""
        with self._control.writing() as connection:
            connection.execute(_STRIKE[kind], (site, key))


def _must_fit(count: int) -> None:
    if count >= _MOST_OF_A_SITE:
        raise NotebookError(f"there are at most {_MOST_OF_A_SITE} of them")


def _short(text: str) -> str:
    short = " ".join(text.split())
    if not short:
        raise NotebookError("write something")
    if len(short) > TEXT_MAX_CHARACTERS:
        raise NotebookError(f"at most {TEXT_MAX_CHARACTERS} characters")
    return short
