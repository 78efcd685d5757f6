"""When the wall clock may be believed with what cannot be undone."""

import logging
from dataclasses import dataclass, field

import pytest

from collector.clock import ClockGuard

WALL_S = 1_795_514_400.0
HOUR_S = 3600.0


@dataclass
class Clocks:
    """Both clocks, asked as the keeper asks them."""

    guard: ClockGuard = field(default_factory=ClockGuard)
    wall_s: float = WALL_S
    boot_s: float = 1000.0
    recorded_s: float = 0.0

    def after(self, seconds: float, *, set_by_s: float = 0.0) -> bool:
        """Let time pass, set the wall clock, and tell whether it is believed."""
        self.boot_s += seconds
        self.wall_s += seconds + set_by_s
        return self.guard.trusts(self.wall_s, self.boot_s, self.recorded_s)


def test_a_steady_clock_is_believed() -> None:
    """From the first moment on, for days."""
    clocks = Clocks()
    assert all(clocks.after(seconds) for seconds in (0, 1, 59, HOUR_S, 24 * HOUR_S))


@pytest.mark.parametrize("set_by_s", [61.0, -61.0, 24 * HOUR_S, -365 * 24 * HOUR_S])
def test_a_clock_that_jumped_is_not_believed_for_an_hour(set_by_s: float) -> None:
    """In either direction; then it is."""
    clocks = Clocks()
    assert clocks.after(0)
    assert not clocks.after(1, set_by_s=set_by_s)
    assert not clocks.after(HOUR_S - 1)
    assert clocks.after(1)


def test_the_hour_begins_anew_with_each_jump() -> None:
    """A clock that is set back after all has still to prove itself."""
    clocks = Clocks()
    clocks.after(0)
    assert not clocks.after(1, set_by_s=HOUR_S)
    assert not clocks.after(1800, set_by_s=-HOUR_S)
    assert not clocks.after(HOUR_S - 1)
    assert clocks.after(1)


def test_small_steps_are_no_jump() -> None:
    """NTP makes them, and up to a minute is one."""
    clocks = Clocks()
    clocks.after(0)
    assert clocks.after(1, set_by_s=60)


def test_many_small_steps_are_a_jump_in_the_end() -> None:
    """Otherwise a clock could be walked to any time."""
    clocks = Clocks()
    clocks.after(0)
    assert clocks.after(1, set_by_s=40)
    assert not clocks.after(1, set_by_s=40)


def test_a_sleeping_machine_has_not_jumped() -> None:
    """The time since boot counts sleep."""
    clocks = Clocks()
    clocks.after(0)
    assert clocks.after(8 * HOUR_S)


def test_a_clock_behind_what_is_on_record_is_not_believed_at_the_start() -> None:
    """A machine without a battery starts in the past."""
    clocks = Clocks(recorded_s=WALL_S + 61)
    assert not clocks.after(0)
    assert not clocks.after(HOUR_S - 1)
    assert clocks.after(1)


@pytest.mark.parametrize("ahead_s", [-HOUR_S, 0.0, 60.0])
def test_a_clock_about_where_the_record_ends_is_believed(ahead_s: float) -> None:
    """Events of another process may be a little ahead."""
    assert Clocks(recorded_s=WALL_S + ahead_s).after(0)


def test_an_unbelieved_clock_that_is_put_right_waits_an_hour_from_then_on() -> None:
    """Time servers answer soon after the start."""
    clocks = Clocks(recorded_s=WALL_S + 24 * HOUR_S)
    assert not clocks.after(0)
    assert not clocks.after(5, set_by_s=24 * HOUR_S)
    assert not clocks.after(HOUR_S - 1)
    assert clocks.after(1)


def test_a_jump_is_logged_with_its_size(caplog: pytest.LogCaptureFixture) -> None:
    """The operator can see what happened: by how much it was set, or is behind the record."""
    clocks = Clocks()
    clocks.after(0)
    clocks.after(1, set_by_s=-7200)
    Clocks(recorded_s=WALL_S + 300).after(0)
    told = [(r.message, r.levelno, r.__dict__["seconds"]) for r in caplog.records]
    assert told == [("clock_jumped", logging.WARNING, n) for n in (-7200, -300)]
