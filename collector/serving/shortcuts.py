"""What may answer a request before an application is asked, without a task and ASGI messages."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from starlette.responses import Response


class Taker(Protocol):
    """What takes in a whole request and answers it, at once or when something is on disk."""

    max_body_bytes: int

    def take(self, scope: Any, body: bytes | None) -> Response | asyncio.Future[bool]:  # noqa: ANN401 - ASGI's
        """Return the answer, or what says whether something is kept.

        Args:
            scope: of ASGI, with at least `headers` and `client`.
            body: None if it is too large or broke off.
        """

    def kept(self, *, is_durable: bool) -> Response:
        """Return the answer to a request when it is known whether something is kept."""


@dataclass(frozen=True, slots=True)
class ShortCuts:
    """By path, what answers a request before an application is asked."""

    # By its head alone; None from it is for the application to answer.
    looks: Mapping[bytes, Callable[[Any], Response | None]] = field(default_factory=dict)
    takers: Mapping[bytes, Taker] = field(default_factory=dict)  # of what is posted
