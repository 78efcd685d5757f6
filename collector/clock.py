"""When the wall clock may be believed."""

import logging
from dataclasses import dataclass

_LOG = logging.getLogger("gatecount.clock")
# NTP slews; a step of more than this is a clock that was set.
_CLOCK_TOLERANCE_S = 60.0
_CLOCK_STEADY_S = 3600.0


@dataclass(slots=True)
class ClockGuard:
    """Says whether wall time may be trusted with what cannot be undone.

    A clock that jumped against the time since boot, or that runs behind what was already recorded,
    is trusted again after an hour of steadiness.
    """

    offset_s: float | None = None
    untrusted_until_boot_s: float = 0.0

    def trusts(self, wall_s: float, boot_s: float, recorded_s: float) -> bool:
        """Compare both clocks (seconds) with each other and with the latest recorded wall time."""
        offset_s = wall_s - boot_s
        is_first = self.offset_s is None
        jumped = self.offset_s is not None and abs(offset_s - self.offset_s) > _CLOCK_TOLERANCE_S
        if jumped or (is_first and wall_s < recorded_s - _CLOCK_TOLERANCE_S):
            self.untrusted_until_boot_s = boot_s + _CLOCK_STEADY_S
            step_s = wall_s - recorded_s if self.offset_s is None else offset_s - self.offset_s
            _LOG.warning("clock_jumped", extra={"seconds": round(step_s)})
        if jumped or is_first:
            self.offset_s = offset_s
        return boot_s >= self.untrusted_until_boot_s
