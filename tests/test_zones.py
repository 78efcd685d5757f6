"""A site gets another time zone from its next midnight on; no date is lost or torn."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from collector.control import Control, Site
from collector.control_file import ControlError
from collector.journal import NewKey
from collector.keys import date_end
from collector.settings.zones import day_end, doubled, turn
from tests.application import NOW, SITE, Started, pageview

BERLIN, TOKYO, LISBON = "Europe/Berlin", "Asia/Tokyo", "Europe/Lisbon"
MIDNIGHT = datetime(2026, 11, 24, 23, 0, tzinfo=UTC)  # in Berlin
TODAY = date(2026, 11, 24)


@pytest.fixture(name="control")
def open_control(tmp_path: Path) -> Iterator[Control]:
    """Open a control.sqlite with a site in Berlin."""
    with closing(Control.open(tmp_path / "control.sqlite")) as control:
        control.add_site(SITE, BERLIN, NOW)
        yield control


def _site(control: Control) -> Site:
    (site,) = control.sites()
    return site


@pytest.mark.parametrize(
    ("to", "hours", "is_longer", "then"),
    [
        (TOKYO, 16, False, "2026-11-25T08:00:00+09:00"),
        (LISBON, 25, True, "2026-11-24T23:00:00+00:00"),
        ("Atlantic/South Georgia", 27, True, "2026-11-24T21:00:00-02:00"),
        ("america/sao_paulo", 28, True, "2026-11-24T20:00:00-03:00"),
        ("Africa/Tunis", 24, False, "2026-11-25T00:00:00+01:00"),
        ("Pacific/Kiritimati", 11, False, "2026-11-25T13:00:00+14:00"),
    ],
)
def test_what_comes_of_another_zone_is_told_before(
    control: Control,
    to: str,
    hours: float,
    is_longer: bool,  # noqa: FBT001 - of a table
    then: str,
) -> None:
    """Eastwards the first day is shorter, westwards the day that ends is longer."""
    wanted = turn(_site(control), to, NOW)
    assert (wanted.at, wanted.ending) == (MIDNIGHT, TODAY)
    assert (wanted.hours, wanted.is_longer, wanted.then.isoformat()) == (hours, is_longer, then)


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (BERLIN, "are those of Europe/Berlin already"),
        ("Mars", "is no time zone"),
        ("America/New_York", "would last 30 hours"),
        ("Pacific/Niue", "at most 5 hours a day"),
    ],
)
def test_a_change_that_cannot_be_is_explained(control: Control, to: str, said: str) -> None:
    """No raw row may lie longer than visitors are told."""
    with pytest.raises(ControlError, match=said):
        turn(_site(control), to, NOW)


def test_a_change_holds_from_its_moment_on(control: Control) -> None:
    """Also before somebody has written down that it does; and can be taken back until then."""
    control.turn_later(1, TOKYO, MIDNIGHT)
    site, just_before = _site(control), MIDNIGHT - timedelta(microseconds=1)
    assert (site.timezone_at(just_before), site.timezone_at(MIDNIGHT)) == (BERLIN, TOKYO)
    assert control.turn_due(just_before) == ()
    control.turn_never(1)
    assert _site(control).timezone_at(MIDNIGHT) == BERLIN
    control.turn_later(1, TOKYO, MIDNIGHT)
    assert control.turn_due(MIDNIGHT) == (site,)
    assert control.turn_due(MIDNIGHT) == ()
    after = _site(control)
    assert (after.timezone, after.next_timezone, after.turned_at) == (TOKYO, "", MIDNIGHT)
    control.turn_at_once(1, LISBON)
    assert _site(control).timezone == LISBON


def test_no_day_is_over_before_it_was(control: Control) -> None:
    """Eastwards the date was over long ago in the new zone; westwards it goes on there."""
    for zone, ends in ((TOKYO, MIDNIGHT), (LISBON, MIDNIGHT + timedelta(hours=1))):
        control.turn_at_once(1, BERLIN)
        control.turn_later(1, zone, MIDNIGHT)
        pending = _site(control)
        control.turn_due(MIDNIGHT)
        for site in (pending, _site(control)):
            assert day_end(site, TODAY, MIDNIGHT) == ends
            following = TODAY + timedelta(days=1)
            assert day_end(site, following, MIDNIGHT) == date_end(zone, following)
    assert day_end(None, TODAY, MIDNIGHT) == date_end("UTC", TODAY)


def test_a_date_with_two_keys_is_told(control: Control) -> None:
    """Only westwards: eastwards the date is another one."""
    for zone, date_of_two in ((TOKYO, None), (LISBON, TODAY)):
        control.turn_at_once(1, BERLIN)
        control.turn_later(1, zone, MIDNIGHT)
        assert doubled(_site(control), MIDNIGHT) == date_of_two
    control.turn_never(1)
    assert doubled(_site(control), MIDNIGHT) is None


@pytest.mark.parametrize(
    ("zone", "dates"),
    [(TOKYO, ["2026-11-24", "2026-11-25", "2026-11-25"]), (LISBON, ["2026-11-24"] * 3)],
)
def test_events_are_counted_in_the_zone_of_their_moment(
    started: Started, zone: str, dates: list[str]
) -> None:
    """From the very microsecond on, with the hours of the new clock; two keys are on record."""
    with started(sites={SITE: BERLIN}, now=MIDNIGHT - timedelta(seconds=2)) as whole:
        whole.composed.control.turn_later(1, zone, MIDNIGHT)
        whole.wait(0.7)
        for _ in dates:
            assert whole.post(pageview("/")).status_code == 202
            whole.clock.turn(seconds=2)
        whole.wait(0.7)
        whole.end()  # else the last lines may be on their way
        events = whole.events()
        keys = [record.date for record in whole.records() if isinstance(record, NewKey)]
    assert [event.date for event in events] == dates
    assert [event.hour for event in events] == [23, *[8 if zone == TOKYO else 23] * 2]
    assert len({event.token for event in events}) == 2
    assert keys.count("2026-11-24") == (3 if zone == LISBON else 1)
