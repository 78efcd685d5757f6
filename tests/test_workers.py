"""Worker processes are replaced, but not in a frenzy."""

import itertools

from collector.serving import workers


def test_a_worker_that_lived_is_replaced_at_once() -> None:
    """However often others before it ended soon."""
    assert workers.pause_s(lived_s=3600.0, last_pause_s=0.0) == 0.0
    assert workers.pause_s(lived_s=10.0, last_pause_s=30.0) == 0.0


def test_workers_that_end_soon_are_replaced_ever_later() -> None:
    """Up to half a minute, so that a full machine is not kept busy with starting them."""
    pauses = itertools.accumulate(
        range(8), lambda last_s, _: workers.pause_s(0.4, last_s), initial=0.0
    )
    assert [*pauses][1:] == [0.5, 1, 2, 4, 8, 16, 30, 30]
