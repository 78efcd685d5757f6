"""What an operator may let visitors look up: how much of today is theirs, and never what."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from collector.request import Scope


@dataclass(frozen=True, slots=True)
class Today:
    """A visitor of a site for as long as its day lasts; `token` may be that of several people."""

    domain: str
    site: int
    date: str  # the site's local date, ISO 8601
    token: int


@dataclass(frozen=True, slots=True)
class Held:
    """How much of a site's day is kept of a token."""

    domain: str
    visits: int
    pageviews: int
    actions: int  # events that the site itself chose to count


# What is held of whoever sent a request, by site; None: it could not be looked up just now.
LookUp = Callable[[Scope], Awaitable[Sequence[Held] | None]]


async def not_here(_: Scope) -> None:
    """Look nothing up: a process that only takes events has no numbers."""
