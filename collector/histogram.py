"""How often something was how large: plain numbers, cheap enough for the hot road."""

from bisect import bisect_left
from collections.abc import Sequence


class Histogram:
    """Counts values by upper bounds; the last count is of what is beyond all of them.

    One thread observes. Others may read meanwhile: at worst they miss the latest value.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.counts = [0] * (len(self.bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count one value; a bound belongs to what is below it."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value
