"""What stands beside the numbers: what was not counted, and what events tell of."""

from collections.abc import Mapping

from collector.question import Period, TooDemandingError, TooSlowError
from collector.session import StoreInterruptedError, StoreMemoryError
from collector.store import Store


class Asides:
    """Answers what is no question about visitors. Blocks: call it in a thread.

    Args:
        limit_s: how long an answer may take.
    """

    def __init__(self, store: Store, limit_s: float = 30.0) -> None:
        self._store = store
        self._limit_s = limit_s

    def excluded(self, site: int, period: Period) -> Mapping[str, int]:
        """Return how many events were not counted, by the reason why, the most first."""
        return {reason: int(count) for reason, count in self._rows("excluded", site, period)}

    def property_names(self, site: int, period: Period, event: str) -> tuple[str, ...]:
        """Return the names of the properties that events of one name have, the most used first."""
        return tuple(name for (name,) in self._rows("property_names", site, period, event=event))

    def _rows(
        self, statement: str, site: int, period: Period, **values: str
    ) -> list[tuple[str, ...]]:
        try:
            with self._store.snapshot(self._limit_s) as session:
                return session.run(
                    statement, site=site, first=period.first, last=period.last, **values
                )
        except StoreInterruptedError:
            raise TooSlowError(f"This took longer than {self._limit_s:.0f} s.") from None
        except StoreMemoryError:
            raise TooDemandingError from None
