"""Asking the stats engine all that a page wants to know, in one go."""

from collections.abc import Sequence
from dataclasses import dataclass

from collector.question import Query, Report, TooSlowError
from collector.stats import Stats

_MOST_TOO_SLOW = 2  # after so many the rest is not asked: it would take as long


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
    found: list[Answer] = []
    too_slow = 0
    for query in queries:
        if too_slow >= _MOST_TOO_SLOW:
            found.append(Unanswered("Not asked, because the other questions took too long."))
            continue
        try:
            found.append(stats.report(query))
        except TooSlowError as error:
            found.append(Unanswered(str(error)))
            too_slow += 1
    return found
