"""What is stored: each column of a table, field of the journal and file, with its reason."""

_PLACE = {
    "site": "whose numbers these are",
    "date": "the site's local day, which numbers are shown by and a token lives for",
}
_HOUR = {"hour": "numbers of a day are shown by it"}
_TOKEN = {"token": "keyed hash: tells a day's visitors apart while the day lasts"}
_ORDINAL = {"visitor": "random number of the day: tells its visitors apart once it is sealed"}
_WHERE_FROM = {
    "source": "name behind the referrer: the card of sources",
    "channel": "kind of source: the card of channels",
    "referrer": "host alone: which site sent readers",
    "utm_source": "campaign tag, scrubbed",
    "utm_medium": "campaign tag, scrubbed",
    "utm_campaign": "campaign tag, scrubbed",
}
_WHO_IN_GENERAL = {
    "country": "looked up and kept instead of the address",
    "device": "one of six words, instead of the user agent",
    "browser": "one of a closed list, without version",
    "os": "one of a closed list, without version",
    "screen": "one of five classes of the window's width",
}
_PAGE = {
    "host": "which of the site's hosts was read",
    "path": "the page that was read, scrubbed",
}
_ACT = {
    "name": "what happened: a pageview, or what the site calls it",
    "interactive": "whether it ends a bounce",
    "engaged_s": "time on page",
    "scroll": "scroll depth in tenths",
    "props": "what the site says about an event, scrubbed",
    "revenue": "what a sale was worth",
    "currency": "in which money",
}
_EVENT = _PLACE | _HOUR | _TOKEN | _PAGE | _ACT
_EVENT |= {"at_us": "order and durations within a visit, until the day is sealed"}
_ARRIVAL = {"arrival": "its line among the arrivals, which is shared by all who arrive alike"}
WAYS = (
    _WHERE_FROM
    | _WHO_IN_GENERAL
    | _ARRIVAL
    | {"digest": "of these words and nothing else: finds the line again"}
)
_VISIT = _PLACE | _HOUR
_VISIT |= {
    "duration_s": "visit duration",
    "pageviews": "views per visit",
    "events": "how many events it has",
    "is_bounce": "bounce rate",
    "entry_host": "which of the site's hosts was entered",
    "exit_host": "which of them was seen last",
    "entry_page": "where it began, scrubbed",
    "exit_page": "where it ended, scrubbed",
}
_SUMS = _PLACE | {
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
_MARKS = (
    "view_mark",
    "entry_page_mark",
    "exit_page_mark",
    "source_mark",
    "channel_mark",
    "referrer_mark",
    "utm_campaign_mark",
)
_ARRIVAL_SUMS = (
    {name: _SUMS[name] for name in ("site", "date", "visits", "pageviews", "events", "duration_s")}
    | {"bounces": "how many of the visits bounced"}
    | {"arrival": "stands for the words about how visitors arrive", "mark": "as a visit's"}
    | {name: "as a visit's" for name in _MARKS if name not in {"entry_page_mark", "exit_page_mark"}}
)
_PAGE_NUMBER = {"page": "stands for the page's path, of the site's own"}
_PAGE_SUMS = (
    {name: why for name, why in _SUMS.items() if name not in {"dimension", "value"}}
    | _PAGE_NUMBER
    | {
        f"{end}_{name}": f"{_SUMS[name]}, of visits that {did} there"
        for end, did in (("entry", "began"), ("exit", "ended"))
        for name in ("visitors", "pageviews", "events", "duration_s")
    }
    | {"exits": "a sum of visits that ended there", "exit_bounces": "the bounces among them"}
)
_ERASURE = _PLACE | {
    "token": "whose events of the day are not to be counted, until the day is sealed",
    "at_us": "up to when: who comes back later is counted again",
}
_DROPS = _PLACE | {
    "reason": "one of a closed list",
    "count": "a sum, so that no dropped event is told from another",
}
LINE = {"kind": "tells lines of a chunk apart", "crc": "tells whole lines from torn ones"}
_MEMBERSHIP = {"user": "who", "site": "may look at which site", "role": "as what"}
_MIGRATIONS = {"version": "which layout the file has"}
_SITE = {
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
    "journal: Event": _EVENT | _WHERE_FROM | _WHO_IN_GENERAL | LINE,
    "journal: Drops": _DROPS | LINE,
    "journal: NewKey": _PLACE | LINE | {"at_us": "when the key was made, by no visitor's choice"},
    "journal: Erasure": _ERASURE | LINE,
    "live: erasures": _ERASURE,
    "live: events": {name: why for name, why in _EVENT.items() if name != "path"}
    | _PAGE_NUMBER
    | _ARRIVAL
    | {
        "new_page": "whether its visitor is met on this page for the first time that day",
        "new_name": "whether its visitor does this for the first time that day",
        "new_hour": "whether its visitor does anything in this hour for the first time",
    },
    "live: pages": {"site": "whose page it is"}
    | _PAGE_NUMBER
    | {"digest": "of the path and nothing else: finds the line again", "path": _PAGE["path"]},
    "live: arrivals": WAYS,
    "live: visits": _VISIT
    | _TOKEN
    | _ARRIVAL
    | {
        "started_at_us": "its place in the day",
        "last_at_us": "whether it is over",
        "hours": "in which hours its visitor acted",
        "mark": "whether it is the visitor's only visit of the day, the first or a later one",
    }
    | dict.fromkeys(_MARKS, "the same among the visitor's visits that are alike in this"),
    "live: ledger": {
        "chunk": "which chunk was loaded",
        "first_byte": "from where",
        "end_byte": "to where: the loader goes on there",
        "is_last": "whether more will come",
    },
    "live: chunk_days": _PLACE | {"chunk": "may go once these days are sealed"},
    "live: drops": _DROPS,
    "live: day_keys": _PLACE | {"at_us": "a second one marks a day with visitors counted twice"},
    "live: migrations": _MIGRATIONS,
    "archive: sealed": _PLACE
    | {
        "sealed_at_us": "when the operator's machine sealed the day",
        "visits": "how many were sealed",
        "events": "how many were sealed",
        "day_keys": "more than one marks a day with visitors counted twice",
    },
    "archive: pages": {"site": "whose page it is"} | _PAGE_NUMBER | {"path": _PAGE["path"]},
    "archive: arrivals": {"site": "whose visitors arrive so"} | WAYS,
    "archive: visits": _VISIT
    | _ARRIVAL
    | _ORDINAL
    | {
        "visit": "its number within the visitor's day",
        "hours": "in which hours it went on, as its events tell too: who came in which hour",
        "mark": "whether it is the visitor's only visit of the day, the first or a later one",
        **dict.fromkeys(_MARKS, "the same, among the visitor's visits with the same value"),
    },
    "archive: events": _PLACE
    | _HOUR
    | _ARRIVAL
    | {"host": _PAGE["host"]}
    | _PAGE_NUMBER
    | _ACT
    | _ORDINAL
    | {
        "is_view": "whether its name is that of pageviews",
        "name_mark": "as the visit's mark, among the visits with this name",
        "page_mark": "as the visit's mark, among the visits with this page",
    }
    # One line per reason.
    | {"visit": "which of the visitor's visits", "step": "order within the visit, without times"},
    "archive: rollups": _SUMS,
    "archive: arrival_rollups": _ARRIVAL_SUMS,
    "archive: page_rollups": _PAGE_SUMS,
    "archive: page_spans": _PAGE_SUMS | {"span": "a week, a month or a quarter"},
    "archive: rolled_spans": {
        "site": "whose sums of such there are",
        "span": "a week, a month or a quarter",
        "date": "its first day",
    },
    "archive: drops": _DROPS,
    "archive: removed_sites": {
        "site": "whose numbers are gone for good",
        "removed_at_us": "since when",
    },
    "archive: migrations": _MIGRATIONS,
    "control: sites": _SITE,
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
    "control: memberships": _MEMBERSHIP,
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
    "control: refused_days": _PLACE
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
