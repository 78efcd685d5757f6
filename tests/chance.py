"""How many examples property tests try: a few, the same ones each time, or many others.

`EXAMPLES_TIMES=100 tests/run tests/properties` tries a hundred times as many, drawn anew each time.
"""

import os

from hypothesis import HealthCheck, settings

_TIMES = int(os.environ.get("EXAMPLES_TIMES", "1"))


def load_profile() -> None:
    """Have all property tests of this session draw their examples so."""
    settings.register_profile(
        "gatecount",
        max_examples=100 * _TIMES,
        derandomize=_TIMES == 1,
        deadline=None,  # a busy machine is no failure
        database=None,
        # How long data take to draw says how busy the machine is.
        suppress_health_check=[HealthCheck.too_slow],
    )
    settings.load_profile("gatecount")


def examples(count: int, *, of_any_size: bool = False) -> settings:
    """Return a decorator: try so many examples, times what this session was told."""
    suppressed = [HealthCheck.too_slow, *([HealthCheck.data_too_large] if of_any_size else [])]
    return settings(max_examples=count * _TIMES, suppress_health_check=suppressed)
