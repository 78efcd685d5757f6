"""Many readers, or one who changes what they read from."""

import contextlib
import threading
from collections.abc import Iterator


class Gate:
    """Many readers, or one who changes what they read from."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._is_closed = False

    @contextlib.contextmanager
    def reading(self) -> Iterator[None]:
        """Read while the context lasts."""
        with self._changed:
            self._changed.wait_for(lambda: not self._is_closed)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextlib.contextmanager
    def closed(self, within_s: float | None = None) -> Iterator[bool]:
        """Change what is read while the context lasts; whoever reads is waited for.

        Args:
            within_s: no longer than that; False then, and nothing may be changed.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._is_closed)
            self._is_closed = True
            is_free = self._changed.wait_for(lambda: self._readers == 0, within_s)
        try:
            yield is_free
        finally:
            with self._changed:
                self._is_closed = False
                self._changed.notify_all()
