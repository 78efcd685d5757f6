"""What is stored is what is listed here, with a reason for each: a new column fails until then."""

import json
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path

import duckdb
import msgspec
import pytest

from collector import journal, statement
from collector.journal import Drops, Erasure, Event, NewKey, Record
from collector.languages import words
from tests.house import event, house
from tests.privacy.conftest import Watched

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
PLACE = {
    "site": "whose numbers these are",
    "date": "the site's local day, which numbers are shown by and a token lives for",
}
HOUR = {"hour": "numbers of a day are shown by it"}
TOKEN = {"token": "keyed hash: tells a day's visitors apart while the day lasts"}
ORDINAL = {"visitor": "random number of the day: tells its visitors apart once it is sealed"}
WHERE_FROM = {
    "source": "name behind the referrer: the card of sources",
    "channel": "kind of source: the card of channels",
    "referrer": "host alone: which site sent readers",
    "utm_source": "campaign tag, scrubbed",
    "utm_medium": "campaign tag, scrubbed",
    "utm_campaign": "campaign tag, scrubbed",
}
WHO_IN_GENERAL = {
    "country": "looked up and kept instead of the address",
    "device": "one of six words, instead of the user agent",
    "browser": "one of a closed list, without version",
    "os": "one of a closed list, without version",
    "screen": "one of five classes of the window's width",
}
PAGE = {
    "host": "which of the site's hosts was read",
    "path": "the page that was read, scrubbed",
}
ACT = {
    "name": "what happened: a pageview, or what the site calls it",
    "interactive": "whether it ends a bounce",
    "engaged_s": "time on page",
    "scroll": "scroll depth in tenths",
    "props": "what the site says about an event, scrubbed",
    "revenue": "what a sale was worth",
    "currency": "in which money",
}
EVENT = PLACE | HOUR | TOKEN | PAGE | ACT
EVENT |= {"at_us": "order and durations within a visit, until the day is sealed"}
ARRIVAL = {"arrival": "its line among the arrivals, which is shared by all who arrive alike"}
WAYS = (
    WHERE_FROM
    | WHO_IN_GENERAL
    | ARRIVAL
    | {"digest": "of these words and nothing else: finds the line again"}
)
VISIT = PLACE | HOUR
VISIT |= {
    "duration_s": "visit duration",
    "pageviews": "views per visit",
    "events": "how many events it has",
    "is_bounce": "bounce rate",
    "entry_host": "which of the site's hosts was entered",
    "exit_host": "which of them was seen last",
    "entry_page": "where it began, scrubbed",
    "exit_page": "where it ended, scrubbed",
}
SUMS = PLACE | {
    "dimension": "by what a day is summed up",
    "value": "one of its values, as it stands among the events",
    "visitors": "how many",
    "visits": "how many",
    "pageviews": "how many",
    "events": "how many",
    "duration_s": "of all these visits together",
    "entries": "how many visits began there",
    "bounces": "how many of those bounced",
    "readings": "how many pages were read",
    "engaged_s": "how long, all together",
    "scroll": "how far, all together",
}
MARKS = (
    "view_mark",
    "entry_page_mark",
    "exit_page_mark",
    "source_mark",
    "channel_mark",
    "referrer_mark",
    "utm_campaign_mark",
)
ARRIVAL_SUMS = (
    {name: SUMS[name] for name in ("site", "date", "visits", "pageviews", "events", "duration_s")}
    | {"bounces": "how many of the visits bounced"}
    | {"arrival": "stands for the words about how visitors arrive", "mark": "as a visit's"}
    | {name: "as a visit's" for name in MARKS if name not in {"entry_page_mark", "exit_page_mark"}}
)
PAGE_NUMBER = {"page": "stands for the page's path, of the site's own"}
PAGE_SUMS = (
    {name: why for name, why in SUMS.items() if name not in {"dimension", "value"}}
    | PAGE_NUMBER
    | {
        f"{end}_{name}": f"{SUMS[name]}, of visits that {did} there"
        for end, did in (("entry", "began"), ("exit", "ended"))
        for name in ("visitors", "pageviews", "events", "duration_s")
    }
    | {"exits": "a sum of visits that ended there", "exit_bounces": "the bounces among them"}
)
ERASURE = PLACE | {
    "token": "whose events of the day are not to be counted, until the day is sealed",
    "at_us": "up to when: who comes back later is counted again",
}
DROPS = PLACE | {
    "reason": "one of a closed list",
    "count": "a sum, so that no dropped event is told from another",
}
LINE = {"kind": "tells lines of a chunk apart", "crc": "tells whole lines from torn ones"}
MEMBERSHIP = {"user": "who", "site": "may look at which site", "role": "as what"}
MIGRATIONS = {"version": "which layout the file has"}
SITE = {
    "id": "what numbers are kept under",
    "domain": "which site",
    "timezone": "when its days end",
    "created_at": "shown to the operator",
    "removed_at": "its numbers are still to be deleted",
    "retention_months": "how long its sealed days are kept",
    "purged_on": "when days were last deleted for their age: at most two a day",
    "purges_all": "the operator has just decided, so all that is due goes at once",
    "overdue_days": "shown by doctor: how many should be deleted by now",
    "next_timezone": "whose days it counts in from its next day on",
    "turns_at": "when that day begins",
    "turned_at": "when it last did, which the dashboard marks",
}

STORED = {
    "journal: Event": EVENT | WHERE_FROM | WHO_IN_GENERAL | LINE,
    "journal: Drops": DROPS | LINE,
    "journal: NewKey": PLACE | LINE | {"at_us": "when the key was made, by no visitor's choice"},
    "journal: Erasure": ERASURE | LINE,
    "live: erasures": ERASURE,
    "live: events": {name: why for name, why in EVENT.items() if name != "path"}
    | PAGE_NUMBER
    | ARRIVAL
    | {
        "new_page": "whether its visitor is met on this page for the first time that day",
        "new_name": "whether its visitor does this for the first time that day",
        "new_hour": "whether its visitor does anything in this hour for the first time",
    },
    "live: pages": {"site": "whose page it is"}
    | PAGE_NUMBER
    | {"digest": "of the path and nothing else: finds the line again", "path": PAGE["path"]},
    "live: arrivals": WAYS,
    "live: visits": VISIT
    | TOKEN
    | ARRIVAL
    | {
        "started_at_us": "its place in the day",
        "last_at_us": "whether it is over",
        "hours": "in which hours its visitor acted",
        "mark": "whether it is the visitor's only visit of the day, the first or a later one",
    }
    | dict.fromkeys(MARKS, "the same among the visitor's visits that are alike in this"),
    "live: ledger": {
        "chunk": "which chunk was loaded",
        "first_byte": "from where",
        "end_byte": "to where: the loader goes on there",
        "is_last": "whether more will come",
    },
    "live: chunk_days": PLACE | {"chunk": "may go once these days are sealed"},
    "live: drops": DROPS,
    "live: day_keys": PLACE | {"at_us": "a second one marks a day with visitors counted twice"},
    "live: migrations": MIGRATIONS,
    "archive: sealed": PLACE
    | {
        "sealed_at_us": "when the operator's machine sealed the day",
        "visits": "how many were sealed",
        "events": "how many were sealed",
        "day_keys": "more than one marks a day with visitors counted twice",
    },
    "archive: pages": {"site": "whose page it is"} | PAGE_NUMBER | {"path": PAGE["path"]},
    "archive: arrivals": {"site": "whose visitors arrive so"} | WAYS,
    "archive: visits": VISIT
    | ARRIVAL
    | ORDINAL
    | {
        "visit": "its number within the visitor's day",
        "hours": "in which hours it went on, as its events tell too: who came in which hour",
        "mark": "whether it is the visitor's only visit of the day, the first or a later one",
        **dict.fromkeys(MARKS, "the same, among the visitor's visits with the same value"),
    },
    "archive: events": PLACE
    | HOUR
    | ARRIVAL
    | {"host": PAGE["host"]}
    | PAGE_NUMBER
    | ACT
    | ORDINAL
    | {
        "is_view": "whether its name is that of pageviews",
        "name_mark": "as the visit's mark, among the visits with this name",
        "page_mark": "as the visit's mark, among the visits with this page",
    }
    # One line per reason.
    | {"visit": "which of the visitor's visits", "step": "order within the visit, without times"},
    "archive: rollups": SUMS,
    "archive: arrival_rollups": ARRIVAL_SUMS,
    "archive: page_rollups": PAGE_SUMS,
    "archive: page_spans": PAGE_SUMS | {"span": "a week, a month or a quarter"},
    "archive: rolled_spans": {
        "site": "whose sums of such there are",
        "span": "a week, a month or a quarter",
        "date": "its first day",
    },
    "archive: drops": DROPS,
    "archive: removed_sites": {
        "site": "whose numbers are gone for good",
        "removed_at_us": "since when",
    },
    "archive: migrations": MIGRATIONS,
    "control: sites": SITE,
    "control: revision": {"number": "tells other processes that sites changed"},
    "control: users": {
        "id": "names an account in other tables",
        "email": "an account's name, as whoever has it chose",
        "password": "Argon2id hash: checks a password without keeping it",
        "created_at": "shown to owners",
        "handle": "random bytes by which passkeys know the account",
        "totp_secret": "makes the codes that an authenticator shows",
        "totp_step": "no code is taken twice",
    },
    "control: memberships": MEMBERSHIP,
    "control: logins": {
        "id": "ends one of several",
        "digest": "checks a login without keeping its token",
        "user": "whose it is",
        "way": "shown to its owner: password, code or passkey",
        "opened_at": "when an editor has to log in again",
        "used_at": "to the hour: ends what is not used",
    },
    "control: devices": {
        "digest": "checks a browser's token without keeping it",
        "user": "who has logged in there",
        "used_at": "forgets it in time",
    },
    "control: device_key": {
        "key": "tells a made-up token of a browser without a look into a table"
    },
    "control: links": {
        "id": "withdraws it",
        "digest": "checks a link without keeping it",
        "purpose": "to set up, to join, or to a new password",
        "email": "whom it is for",
        "site": "what it lets in to",
        "role": "as what",
        "made_by": "who invites",
        "expires_at": "it is good until then",
    },
    "control: passkeys": {
        "id": "removes it",
        "user": "whose it is",
        "credential": "its name, made by the authenticator",
        "public_key": "checks what the authenticator signs",
        "sign_count": "notices a copy",
        "name": "as its owner called it",
        "created_at": "shown to its owner",
        "used_at": "shown to its owner",
    },
    "control: recovery_codes": {
        "digest": "checks a code without keeping it",
        "user": "whose it is",
    },
    "control: api_keys": {
        "id": "revokes it",
        "digest": "checks a key without keeping it",
        "user": "whose it is",
        "name": "as its owner called it",
        "verbs": "what it is for",
        "created_at": "shown to its owner",
        "used_at": "to the hour: shown to its owner",
    },
    "control: api_key_sites": {"key": "which", "site": "is for which site"},
    "control: networks": {
        "site": "of which site",
        "role": "whose members have to come from there",
        "network": "as an owner of the site wrote down",
    },
    "control: trail": {
        "id": "their order",
        "at": "when somebody did something",
        "who": "the account's name",
        "act": "one of a closed list",
        "site": "about which site, 0 for all",
        "about": "what it was done to",
    },
    "control: annotations": {
        "id": "strikes it out",
        "site": "of which site",
        "date": "of which day, as an editor wrote down",
        "text": "what happened, as an editor wrote down",
    },
    "control: segments": {
        "id": "strikes it out",
        "site": "of which site",
        "name": "as an editor called it",
        "filters": "as an editor chose them",
        "user": "whose it is alone, an account of the dashboard; NULL where all share it",
    },
    "control: excluded_paths": {
        "site": "of which site",
        "pattern": "which pages do not count, as an owner wrote down",
    },
    "control: excluded_networks": {
        "site": "of which site",
        "first": "from where nobody counts, as an owner wrote down",
        "bits": "how much of an address is compared",
    },
    "control: publicity": {
        "site": "of which site",
        "is_public": "whether everybody may look",
        "framers": "whose pages may embed it, as an owner wrote down",
    },
    "control: shares": {
        "id": "revokes it",
        "site": "the one site it shows",
        "digest": "checks a link without keeping it",
        "name": "for whom it is, as an owner called it",
        "password": "a hash of what an owner chose",
        "segment": "what its filters are called",
        "filters": "as an editor chose them",
        "created_at": "when an owner made it",
    },
    "control: subscriptions": {
        "user": "which editor gets mails",
        "site": "about which site",
        "kind": "reports or alerts",
        "least": "from how many visitors on, or under how many, an alert is sent",
        "token": "ends it by the link in a mail",
        "language": "in which language",
        "done": "until when it was reported",
    },
    "control: letters": {
        "id": "names it",
        "subscription": "goes with its subscription",
        "recipient": "an editor's address",
        "message": "sums of a site's visitors, on their way to an editor",
        "next_at": "when it is tried again",
        "expires_at": "when it is given up",
        "tries": "how long until the next one",
        "unclear": "keeps it from being sent a third time",
    },
    "control: setting_changes": {
        "changed_at": "when the operator changed it",
        "site": "for which site, 0 for all",
        "setting": "which setting the statement speaks of",
        "before": "shown to visitors",
        "after": "shown to visitors",
    },
    "control: refused_days": PLACE
    | {
        "since": "shown by doctor: since when the day could not be sealed",
        "error": "of what kind that was, without any value",
    },
    "control: sqlite_sequence": {
        "name": "SQLite's own, for ids that are never given again",
        "seq": "SQLite's own",
    },
}
FILES = {
    "journal": "the directory of chunks",
    "journal/*.jsonl": "a chunk",
    "journal/*.new": "a chunk whose lock is just being taken",
    "live.duckdb": "unsealed days",
    "live.duckdb.wal": "its write-ahead log",
    "archive.duckdb": "sealed days",
    "archive.duckdb.wal": "its write-ahead log",
    "control.sqlite": "sites and access",
    "control.sqlite-journal": "its rollback journal",
    "store.lock": "keeps a second process out; empty",
    "geo": "the directory of the country database",
    "geo/*.mmdb": "the country database, as shipped",
    "tmp": "DuckDB's spills, wiped at every start",
    "tmp/*": "a spill, or what is just being loaded",
}
RECORDS: dict[str, Record] = {
    "Event": event(1, NOW),
    "Drops": Drops(1, "2026-11-24", "bot", 1),
    "NewKey": NewKey(1, "2026-11-24", 0),
    "Erasure": Erasure(1, "2026-11-24", 2, 3),
}


def _line_fields(record: Record) -> set[str]:
    """Return what may stand in a record's line; fields at their defaults are left out of it."""
    fields = {field.name for field in msgspec.structs.fields(record)}
    return fields | set(json.loads(journal.line(record)))


def _duckdb_columns(path: Path) -> dict[str, set[str]]:
    with duckdb.connect(path) as connection:
        pairs = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal"
        ).fetchall()
    return {table: {column for of, column in pairs if of == table} for table, _ in pairs}


def _sqlite_columns(path: Path) -> dict[str, set[str]]:
    with closing(sqlite3.connect(path)) as connection:
        pairs = connection.execute(
            "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c"
            " WHERE t.type IN ('table', 'view')"
        ).fetchall()
    return {table: {column for of, column in pairs if of == table} for table, _ in pairs}


def stored(data: Path) -> dict[str, set[str]]:
    """Return the columns of every table of a data directory, and the fields of journal lines."""
    read = {
        "journal": {kind: _line_fields(record) for kind, record in RECORDS.items()},
        "live": _duckdb_columns(data / "live.duckdb"),
        "archive": _duckdb_columns(data / "archive.duckdb"),
        "control": _sqlite_columns(data / "control.sqlite"),
    }
    return {
        f"{where}: {of}": found for where, tables in read.items() for of, found in tables.items()
    }


@pytest.fixture(name="made", scope="module")
def make_data(ram_of_module: Path) -> Path:
    """Make the databases as the program does."""
    with house(ram_of_module) as here:
        site = here.site()
        here.load(event(site, NOW))
    return ram_of_module


@pytest.fixture(name="data")
def copy_data(made: Path, ram: Path) -> Path:
    """Return a copy that a test may change."""
    return Path(shutil.copytree(made, ram, dirs_exist_ok=True))


def test_every_stored_column_is_listed_with_a_reason(data: Path) -> None:
    """And every listed one is stored."""
    listed = {of: set(columns) for of, columns in STORED.items()}
    assert stored(data) == listed
    assert all(reason for columns in STORED.values() for reason in columns.values())


def test_the_statement_lists_what_is_stored() -> None:
    """A column that a visitor is not told of fails here; so does one that is gone."""
    ways = WAYS.keys() - {"arrival", "digest"}
    assert {*statement.VISITS} == STORED["archive: visits"].keys() - {"arrival"} | ways
    assert {*statement.EVENTS} == STORED["archive: events"].keys() - {"arrival", "page"} | {"path"}
    assert {*statement.UNSEALED} | {*LINE} == set(STORED["journal: Event"])
    told = {key.removeprefix("column.") for key in words("en").texts if key.startswith("column.")}
    assert {*statement.VISITS, *statement.EVENTS, *statement.UNSEALED} == told


@pytest.mark.parametrize(
    ("file", "change"),
    [
        ("live.duckdb", "ALTER TABLE events ADD COLUMN address VARCHAR"),
        ("live.duckdb", "CREATE TABLE seen (user_agent VARCHAR)"),
        ("archive.duckdb", "ALTER TABLE visits ADD COLUMN started_at_us BIGINT"),
        ("archive.duckdb", "CREATE VIEW visitors AS SELECT visitor FROM visits"),
    ],
)
def test_a_new_column_of_duckdb_is_noticed(data: Path, file: str, change: str) -> None:
    """In an old table, in a new one, or in a view."""
    with duckdb.connect(data / file) as connection:
        connection.execute(change)
    assert stored(data) != {of: set(columns) for of, columns in STORED.items()}


@pytest.mark.parametrize(
    "change", ["ALTER TABLE logins ADD COLUMN address TEXT", "CREATE TABLE audit (address TEXT)"]
)
def test_a_new_column_of_sqlite_is_noticed(data: Path, change: str) -> None:
    """In an old table or in a new one."""
    with closing(sqlite3.connect(data / "control.sqlite")) as connection:
        connection.execute(change)
    assert stored(data) != {of: set(columns) for of, columns in STORED.items()}


def test_a_new_field_of_the_journal_is_noticed() -> None:
    """Also while it is left out of the line because it is at its default."""

    class _Leaky(Event, tag="event", omit_defaults=True, frozen=True):
        address: str = ""

    leaky = _Leaky(**msgspec.structs.asdict(RECORDS["Event"]))
    assert _line_fields(leaky) - set(STORED["journal: Event"]) == {"address"}


def _unlisted(data: Path) -> list[str]:
    names = [str(path.relative_to(data)) for path in sorted(data.rglob("*"))]
    return [name for name in names if not any(fnmatch(name, listed) for listed in FILES)]


def test_every_file_of_a_data_directory_is_listed(watched: Watched) -> None:
    """After a session on every road."""
    assert _unlisted(watched.here.data) == []


def test_a_new_file_is_noticed(data: Path) -> None:
    """Wherever it lies."""
    (data / "journal" / "addresses.log").touch()
    (data / "visitors.sqlite").touch()
    assert _unlisted(data) == ["journal/addresses.log", "visitors.sqlite"]
