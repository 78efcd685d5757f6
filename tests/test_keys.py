"""Day keys: whole, private, in RAM, made for today only, and gone when the day is."""

import os
import stat
import subprocess
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest

from collector.keys import (
    KEY_BYTES,
    BrokenKeyError,
    KeyDirectoryError,
    KeyName,
    KeyStore,
    KeyStoreError,
    NotCurrentError,
    UnknownTimezoneError,
    date_end,
    local_date,
)

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TODAY = date(2026, 11, 24)
MIDNIGHT = datetime(2026, 11, 25, tzinfo=UTC)
GRACE = timedelta(seconds=60)
SECOND = timedelta(seconds=1)


def _us(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a place for keys that does not exist yet."""
    return tmp_path / "keys"


@pytest.fixture
def store(directory: Path) -> Iterator[KeyStore]:
    """Open a store of its own process."""
    store = KeyStore.open(directory)
    yield store
    store.close()


def _files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_the_directory_is_made_private(directory: Path, store: KeyStore) -> None:
    """Mode 0700."""
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o710, 0o701, 0o707])
def test_a_directory_open_to_others_is_refused(directory: Path, mode: int) -> None:
    """Whoever can enter it could read a key or plant one."""
    directory.mkdir()
    directory.chmod(mode)
    with pytest.raises(KeyDirectoryError, match="chmod 700"):
        KeyStore.open(directory)


def test_a_link_to_a_directory_is_refused(directory: Path, tmp_path: Path) -> None:
    """Somebody else may have put it there."""
    (tmp_path / "real").mkdir(mode=0o700)
    directory.symlink_to(tmp_path / "real")
    with pytest.raises(KeyDirectoryError, match="not a directory"):
        KeyStore.open(directory)


def test_a_file_is_no_directory(directory: Path) -> None:
    """Nor is anything else."""
    directory.touch(0o600)
    with pytest.raises(KeyDirectoryError, match="not a directory"):
        KeyStore.open(directory)


def test_a_directory_without_a_parent_is_refused(directory: Path) -> None:
    """Its parent, the file system in RAM, must be there first."""
    with pytest.raises(KeyDirectoryError, match="cannot be made"):
        KeyStore.open(directory / "deeper")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory away")
def test_another_users_directory_is_refused(directory: Path) -> None:
    """Its owner could open it to others later."""
    directory.mkdir(mode=0o700)
    os.chown(directory, 65534, 65534)
    with pytest.raises(KeyDirectoryError, match="another user"):
        KeyStore.open(directory)


def test_a_key_is_random_and_private(directory: Path, store: KeyStore) -> None:
    """32 bytes in one file of mode 0600; no two are alike."""
    key = store.key("Europe/Berlin", TODAY, NOW)
    other = store.key("Europe/Paris", TODAY, NOW)
    assert len(key) == KEY_BYTES == 32
    assert bytes(key) != bytes(other)
    assert bytes(key) != bytes(32)
    assert _files(directory) == [
        "2026-11-24.Europe%2FBerlin.key",
        "2026-11-24.Europe%2FParis.key",
    ]
    for path in directory.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("zone", ["America/Argentina/Buenos_Aires", "Etc/GMT+5", "Etc/GMT-14"])
def test_a_zones_name_makes_a_safe_file_name(directory: Path, store: KeyStore, zone: str) -> None:
    """And it is found again when its day is over."""
    today = local_date(zone, NOW)
    store.key(zone, today, NOW)
    (name,) = _files(directory)
    assert "/" not in name
    assert store.destroy_expired(NOW + timedelta(days=2)) == (KeyName(zone, today),)
    assert _files(directory) == []


@pytest.mark.parametrize("zone", ["", "Nowhere/Town", "../../etc/passwd", "/etc/passwd", "Europe"])
def test_an_unknown_zone_has_no_key(store: KeyStore, zone: str) -> None:
    """Its name never reaches the file system."""
    with pytest.raises(UnknownTimezoneError):
        store.key(zone, TODAY, NOW)


def test_two_stores_share_a_key(directory: Path, store: KeyStore) -> None:
    """As two processes do; the second knows it did not make it."""
    made: list[tuple[str, date]] = []
    mine = bytes(store.key("UTC", TODAY, NOW))
    other = KeyStore.open(directory, lambda zone, day: made.append((zone, day)))
    assert bytes(other.key("UTC", TODAY, NOW)) == mine
    assert made == []
    other.close()


def test_who_makes_a_key_is_told_once(directory: Path) -> None:
    """A second making on the same date is what a reboot looks like."""
    made: list[tuple[str, date]] = []
    first = KeyStore.open(directory, lambda zone, day: made.append((zone, day)))
    for _ in range(3):
        first.key("UTC", TODAY, NOW)
        first.day("UTC", _us(NOW))
    assert made == [("UTC", TODAY)]
    first.close()
    for path in directory.iterdir():
        path.unlink()
    second = KeyStore.open(directory, lambda zone, day: made.append((zone, day)))
    second.day("UTC", _us(NOW))
    assert made == [("UTC", TODAY), ("UTC", TODAY)]
    second.close()


@pytest.mark.parametrize("size", [0, 1, 31, 33, 64])
def test_a_key_of_the_wrong_length_is_never_used(directory: Path, size: int) -> None:
    """BLAKE2b would take an empty key without a word."""
    store = KeyStore.open(directory)
    path = directory / "2026-11-24.UTC.key"
    path.touch(0o600)
    path.write_bytes(bytes(size))
    with pytest.raises(BrokenKeyError):
        store.key("UTC", TODAY, NOW)
    assert path.stat().st_size == size  # and not replaced: others may use the right one
    store.close()


def test_a_key_that_others_can_read_is_never_used(directory: Path, store: KeyStore) -> None:
    """It names visitors to whoever has read it."""
    path = directory / "2026-11-24.UTC.key"
    path.write_bytes(bytes(32))
    path.chmod(0o640)
    with pytest.raises(BrokenKeyError, match="open to others"):
        store.key("UTC", TODAY, NOW)


def test_a_link_or_folder_in_place_of_a_key_is_never_used(directory: Path, store: KeyStore) -> None:
    """Only a regular file of our own is."""
    elsewhere = directory.parent / "elsewhere"
    elsewhere.write_bytes(bytes(32))
    elsewhere.chmod(0o600)
    (directory / "2026-11-24.UTC.key").symlink_to(elsewhere)
    (directory / "2026-11-24.Europe%2FBerlin.key").mkdir()
    for zone in ("UTC", "Europe/Berlin"):
        with pytest.raises(BrokenKeyError):
            store.key(zone, TODAY, NOW)
    assert elsewhere.read_bytes() == bytes(32)


@pytest.mark.parametrize("day", [TODAY - timedelta(days=1), TODAY + timedelta(days=1)])
def test_a_key_is_made_only_for_the_current_date(
    directory: Path, store: KeyStore, day: date
) -> None:
    """Whoever asks for another gets an error and leaves no file."""
    with pytest.raises(NotCurrentError):
        store.key("UTC", day, NOW)
    assert _files(directory) == []


@pytest.mark.parametrize(
    ("zone", "now", "today"),
    [
        ("UTC", "2026-11-24T23:59:59+00:00", "2026-11-24"),
        ("UTC", "2026-11-25T00:00:00+00:00", "2026-11-25"),
        ("Pacific/Kiritimati", "2026-11-24T10:00:00+00:00", "2026-11-25"),
        ("Pacific/Pago_Pago", "2026-11-24T10:59:59+00:00", "2026-11-23"),
        ("Asia/Kathmandu", "2026-11-24T18:15:00+00:00", "2026-11-25"),
    ],
)
def test_the_current_date_is_the_zones(store: KeyStore, zone: str, now: str, today: str) -> None:
    """And a key is made for it."""
    at = datetime.fromisoformat(now)
    assert local_date(zone, at).isoformat() == today
    assert store.day(zone, _us(at)).date == today


def test_a_key_can_be_read_for_a_minute_after_its_date(directory: Path, store: KeyStore) -> None:
    """For events that were on their way; not a microsecond longer, and never made then."""
    key = bytes(store.key("UTC", TODAY, NOW))
    last = MIDNIGHT + GRACE - timedelta(microseconds=1)
    assert bytes(store.key("UTC", TODAY, last)) == key
    other = KeyStore.open(directory)
    assert bytes(other.key("UTC", TODAY, last)) == key
    for who in (store, other):
        with pytest.raises(NotCurrentError):
            who.key("UTC", TODAY, MIDNIGHT + GRACE)
    with pytest.raises(NotCurrentError):
        store.key("Etc/UTC", TODAY, MIDNIGHT)
    other.close()


def test_a_day_lasts_from_its_start_to_its_end(store: KeyStore) -> None:
    """Held or asked for again, it is the same; then comes the next, with another key."""
    day = store.day("UTC", _us(NOW))
    assert day.starts_at_us == _us(MIDNIGHT - timedelta(days=1))
    assert day.ends_at_us == _us(MIDNIGHT)
    assert store.day("UTC", day.ends_at_us - 1) is day
    assert store.day("UTC", day.starts_at_us) is day
    following = store.day("UTC", day.ends_at_us)
    assert following.date == "2026-11-25"
    assert bytes(following.key) != bytes(day.key)


def test_a_clock_set_back_over_midnight_gets_the_old_day_again(store: KeyStore) -> None:
    """While its key is there it is the old key."""
    day = store.day("UTC", _us(MIDNIGHT - SECOND))
    store.day("UTC", _us(MIDNIGHT + SECOND))
    again = store.day("UTC", _us(MIDNIGHT - SECOND))
    assert (again.date, bytes(again.key)) == (day.date, bytes(day.key))


def test_an_expired_key_is_destroyed_a_minute_after_its_date(
    directory: Path, store: KeyStore
) -> None:
    """Not a microsecond earlier."""
    store.key("UTC", TODAY, NOW)
    assert store.destroy_expired(MIDNIGHT + GRACE - timedelta(microseconds=1)) == ()
    assert _files(directory) == ["2026-11-24.UTC.key"]
    assert store.destroy_expired(MIDNIGHT + GRACE) == (KeyName("UTC", TODAY),)
    assert _files(directory) == []
    assert store.destroy_expired(MIDNIGHT + GRACE) == ()


def test_destroying_overwrites_the_bytes(directory: Path, store: KeyStore) -> None:
    """Also for whoever has the file open, and in the memory of another process."""
    other = KeyStore.open(directory)
    key = bytes(store.key("UTC", TODAY, NOW))
    held = other.key("UTC", TODAY, NOW)
    with (directory / "2026-11-24.UTC.key").open("rb") as still_open:
        store.destroy_expired(MIDNIGHT + GRACE)
        left = still_open.read()
    assert len(left) == 32
    assert left != key
    assert bytes(held) == left
    other.close()


def test_a_destroyed_key_cannot_be_used(store: KeyStore) -> None:
    """Neither the one that was handed out nor the day that held it."""
    day = store.day("UTC", _us(NOW))
    store.destroy_expired(MIDNIGHT + GRACE)
    with pytest.raises(ValueError, match="released"):
        bytes(day.key)
    with pytest.raises(ValueError, match="released"):
        len(day.key)


def test_destroying_spares_the_current_day(store: KeyStore) -> None:
    """And other zones' whose day is not over."""
    now = MIDNIGHT + GRACE
    store.key("UTC", TODAY, NOW)
    current = store.day("UTC", _us(now))
    west = store.day("America/New_York", _us(now))
    store.destroy_expired(now)
    assert len(bytes(current.key)) == len(bytes(west.key)) == 32
    assert store.day("UTC", _us(now)) is current


def test_a_key_left_by_a_crash_is_destroyed(directory: Path, store: KeyStore) -> None:
    """By whichever process comes next, also when the zone is not known any more."""
    for name in ("2026-11-20.UTC.key", "2026-11-20.Old%2FTown.key"):
        (directory / name).touch(0o600)
        (directory / name).write_bytes(bytes(32))
    assert set(store.destroy_expired(NOW)) == {
        KeyName("UTC", date(2026, 11, 20)),
        KeyName("Old/Town", date(2026, 11, 20)),
    }
    assert _files(directory) == []


def test_a_stray_temporary_file_is_removed_when_it_is_old(directory: Path, store: KeyStore) -> None:
    """A young one may be somebody's who is about to publish it."""
    old, young = directory / f"{'a' * 32}.tmp", directory / f"{'b' * 32}.tmp"
    for path, age_s in ((old, 60), (young, 59)):
        path.write_bytes(bytes(32))
        os.utime(path, (NOW.timestamp() - age_s,) * 2)
    store.destroy_expired(NOW)
    assert _files(directory) == [young.name]


def test_a_stray_second_name_of_a_key_in_use_goes_without_harm(
    directory: Path, store: KeyStore
) -> None:
    """Its maker died between publishing the key and removing the temporary name."""
    key = bytes(store.key("UTC", TODAY, NOW))
    stray = directory / f"{'a' * 32}.tmp"
    os.link(directory / "2026-11-24.UTC.key", stray)
    os.utime(stray, (NOW.timestamp() - 3600,) * 2)
    store.destroy_expired(NOW)
    assert _files(directory) == ["2026-11-24.UTC.key"]
    other = KeyStore.open(directory)
    assert bytes(other.key("UTC", TODAY, NOW)) == key
    other.close()


def test_strangers_files_are_left_alone(directory: Path, store: KeyStore) -> None:
    """Only what has a name of ours is touched."""
    names = ["2026-11-20.UTC.key.bak", "2026-99-99.UTC.key", "README", "a.tmp"]
    for name in names:
        (directory / name).write_bytes(b"x")
        os.utime(directory / name, (0, 0))
    assert store.destroy_expired(NOW) == ()
    assert _files(directory) == sorted(names)


def test_what_cannot_be_destroyed_is_reported_after_the_rest(
    directory: Path, store: KeyStore
) -> None:
    """One failure spares no other key."""
    (directory / "2026-11-20.UTC.key").mkdir()
    (directory / "2026-11-21.UTC.key").write_bytes(bytes(32))
    with pytest.raises(KeyStoreError, match=r"2026-11-20\.UTC\.key"):
        store.destroy_expired(NOW)
    assert _files(directory) == ["2026-11-20.UTC.key"]


def test_a_directory_that_was_removed_is_made_again(directory: Path, store: KeyStore) -> None:
    """Session managers tidy up when their user logs out; the collector goes on."""
    before = store.day("UTC", _us(NOW))
    for path in directory.iterdir():
        path.unlink()
    directory.rmdir()
    assert store.day("UTC", _us(NOW)) is before
    after = store.day("UTC", _us(MIDNIGHT))
    assert len(bytes(after.key)) == 32
    assert _files(directory) == ["2026-11-25.UTC.key"]
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_no_publication_leaves_a_temporary_file(directory: Path, store: KeyStore) -> None:
    """Won or lost."""
    for zone in ("UTC", "Europe/Berlin"):
        store.key(zone, TODAY, NOW)
    assert all(name.endswith(".key") for name in _files(directory))


def test_a_key_cannot_be_written_through_what_is_handed_out(store: KeyStore) -> None:
    """It is the memory all processes share."""
    key = store.key("UTC", TODAY, NOW)
    with pytest.raises(TypeError):
        key[0] = 0


def test_closing_leaves_the_files(directory: Path) -> None:
    """Other processes go on; a restarted one reads the same key."""
    first = KeyStore.open(directory)
    key = bytes(first.key("UTC", TODAY, NOW))
    first.close()
    second = KeyStore.open(directory)
    assert bytes(second.key("UTC", TODAY, NOW)) == key
    second.close()


def test_threads_agree_on_one_key(store: KeyStore) -> None:
    """And none sees another's half-made."""
    seen: list[bytes] = []
    start = threading.Barrier(8)

    def ask() -> None:
        start.wait()
        seen.append(bytes(store.day("UTC", _us(NOW)).key))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(seen) == 8
    assert len(set(seen)) == 1


@pytest.mark.parametrize("parent", ["/dev/shm", None])  # noqa: S108 - the one in RAM
def test_a_directory_that_is_not_in_ram_is_warned_of(parent: str | None, tmp_path: Path) -> None:
    """The warning says where it is; what is in RAM is what coreutils calls tmpfs or ramfs."""
    place = Path(parent or tmp_path) / f"gatecount-test-{os.getpid()}"
    if not os.access(place.parent, os.W_OK):
        pytest.skip(f"there is no {parent} here")
    told = subprocess.run(
        ["stat", "-f", "-c", "%T", place.parent], check=True, capture_output=True, text=True
    )
    store = KeyStore.open(place)
    try:
        assert store.in_ram == (told.stdout.strip() in {"tmpfs", "ramfs"})
        assert any(f"{place} is not on a tmpfs" in warning for warning in store.warnings()) == (
            not store.in_ram
        )
    finally:
        store.close()
        place.rmdir()


@pytest.mark.parametrize(
    ("zone", "day", "end"),
    [
        ("UTC", "2026-11-24", "2026-11-25T00:00:00"),
        ("Europe/Berlin", "2026-11-24", "2026-11-24T23:00:00"),
        ("Europe/Berlin", "2026-03-29", "2026-03-29T22:00:00"),  # a day of 23 hours
        ("Europe/Berlin", "2026-10-25", "2026-10-25T23:00:00"),  # and one of 25
        ("Asia/Kathmandu", "2026-11-24", "2026-11-24T18:15:00"),
        ("Africa/Cairo", "2026-04-23", "2026-04-23T22:00:00"),  # midnight is skipped
        ("Asia/Beirut", "2026-03-28", "2026-03-28T22:00:00"),
        ("America/Sao_Paulo", "2018-11-03", "2018-11-04T03:00:00"),
        ("America/Nuuk", "2026-03-28", "2026-03-29T01:00:00"),  # the hour before it is
        ("Pacific/Apia", "2011-12-29", "2011-12-30T10:00:00"),  # a whole day is
        ("Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00"),
        ("Pacific/Apia", "2011-12-31", "2011-12-31T10:00:00"),
        ("America/Toronto", "1919-03-30", "1919-03-31T04:30:00"),  # half past eleven to half past
        ("America/Havana", "2026-10-31", "2026-11-01T04:00:00"),  # midnight comes twice, same day
        ("Asia/Beirut", "2026-10-24", "2026-10-24T22:00:00"),  # eleven comes twice
        ("America/St_Johns", "2009-10-31", "2009-11-01T03:30:00"),  # one minute into the next day
    ],
)
def test_a_date_ends_when_the_first_later_one_begins(zone: str, day: str, end: str) -> None:
    """Whatever the clocks do about midnight."""
    expected = datetime.fromisoformat(end).replace(tzinfo=UTC)
    assert date_end(zone, date.fromisoformat(day)) == expected
    assert (expected - SECOND).astimezone(ZoneInfo(zone)).date() <= date.fromisoformat(day)
    assert expected.astimezone(ZoneInfo(zone)).date() > date.fromisoformat(day)


def test_in_every_zone_every_date_ends_at_its_last_moment() -> None:
    """Around each zone's changes of this year and the next, to the second."""
    for zone in sorted(available_timezones() - {"localtime", "Factory"}):
        clock = ZoneInfo(zone)
        offsets = None
        for number in range(730):
            day = date(2026, 1, 1) + timedelta(days=number)
            noon = datetime(day.year, day.month, day.day, 12, tzinfo=clock)
            if noon.utcoffset() == offsets:
                continue
            offsets = noon.utcoffset()
            for near in (day - timedelta(days=1), day):
                end = date_end(zone, near)
                assert (end - SECOND).astimezone(clock).date() == near
                assert end.astimezone(clock).date() == near + timedelta(days=1)
