"""Asking the stats engine all that a page wants to know, in one go."""

from collections.abc import Sequence
from dataclasses import dataclass

from collector.question import Query, Report, TooSlowError
from collector.stats import Stats
from dashboard.words.problems import told


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that was given up; the reason is for people."""

    reason: str


Answer = Report | Unanswered


def answers(stats: Stats, queries: Sequence[Query]) -> list[Answer]:
    """Return an answer to each question, in their order. Blocking.

    Raises:
        QueryError: one of them cannot be answered, however long it takes.
    """
    return [
        Unanswered(told(found)) if isinstance(found, TooSlowError) else found
        for found in stats.reports(queries)
    ]
