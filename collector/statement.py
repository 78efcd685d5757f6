"""The privacy statement: what the running configuration means for visitors.

Nothing in it is written down twice: settings come from the configuration, columns from what is
stored, deadlines from the code that keeps them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from importlib.metadata import version
from typing import Any

from collector.config import Config
from collector.control import RETENTION_MONTHS, RETENTION_SETTING, Control, SettingChange, Site
from collector.held import Held
from collector.hosts import registrable_domain
from collector.journal import Event
from collector.keys import GRACE_S, KeyStore
from collector.objection import HOST_OPT_OUT_COOKIE, OPT_OUT_COOKIE, OPT_OUT_LIFETIME_S
from collector.settings.exclusions import ExclusionBook, Exclusions

VERSION = 1  # of the machine-readable form; another one when a program could misread it
RAW_GONE_AFTER_HOURS = 30  # what `gatecount doctor` takes for late
SEALED_AFTER_MINUTES = 35  # tests hold it against collector/seal.py
_SECONDS_A_DAY = 86_400

UNSEALED = tuple(field for field in Event.__struct_fields__)
# The columns of the archive's tables `visits` and `events`, with what their numbers of pages and
# arrivals stand for in the place of those; tests hold them against the tables.
VISITS = (
    "site", "date", "visitor", "visit", "mark", "hour", "hours", "duration_s", "pageviews",
    "events", "is_bounce", "entry_host", "exit_host", "entry_page", "exit_page", "source",
    "channel", "referrer", "utm_source", "utm_medium", "utm_campaign", "country", "device",
    "browser", "os", "screen", "view_mark", "entry_page_mark", "exit_page_mark", "source_mark",
    "channel_mark", "referrer_mark", "utm_campaign_mark",
)  # fmt: skip
EVENTS = (
    "site", "date", "visitor", "visit", "step", "hour", "is_view", "name", "name_mark", "host",
    "path", "page_mark", "interactive", "engaged_s", "scroll", "props", "revenue", "currency",
)  # fmt: skip
NEVER = (
    "ip_address", "user_agent", "referrer_path", "referrer_query", "query_parameters", "cookies",
    "client_identifier", "browser_version", "city",
)  # fmt: skip


HELD = tuple(field.name for field in fields(Held) if field.name != "domain")


class Setting(StrEnum):
    """What an operator can change and a visitor would want to know."""

    KEYS_IN_RAM = "keys_in_ram"
    KEYS_LOCKED = "keys_locked"
    THIRD_PARTY = "third_party"
    VISITOR_COUNTS = "visitor_counts"
    SMALL_CELLS = "small_cells"
    OWN_GEO_DATABASE = "own_geo_database"
    RETENTION_MONTHS = RETENTION_SETTING


_USUAL_SMALL_CELLS = 5


@dataclass(frozen=True, slots=True)
class Value:
    """What a setting is set to, and whether that protects less than usual."""

    setting: Setting
    now: bool | int
    is_weaker: bool

    @property
    def explained_by(self) -> str:
        """The key of the sentence that says what it means."""
        says_yes = self.now if isinstance(self.now, bool) else not self.is_weaker
        return f"setting.{self.setting.value}_{'yes' if says_yes else 'no'}"


@dataclass(frozen=True, slots=True)
class Change:
    """One setting that was changed, for somebody who reads it."""

    changed_at: datetime
    domain: str  # "" for all sites
    setting: Setting
    before: str
    after: str

    def machine(self) -> dict[str, Any]:
        """Return it as programs read it."""
        return {
            "changed_at": self.changed_at.isoformat(),
            "site": self.domain or None,
            "setting": self.setting.value,
            "before": self.before,
            "after": self.after,
        }


# What is so whatever the configuration.
_ALWAYS: Mapping[str, object] = {
    "deadlines": {
        "day_key_destroyed_after_s": GRACE_S,
        "sealed_after_minutes": SEALED_AFTER_MINUTES,
        "raw_gone_after_hours": RAW_GONE_AFTER_HOURS,
    },
    "stored": {
        "until_the_day_is_over": UNSEALED,
        "sealed_visits": VISITS,
        "sealed_events": EVENTS,
    },
    "never_stored": NEVER,
    "objections": {
        "cookies": [HOST_OPT_OUT_COOKIE, OPT_OUT_COOKIE],
        "lifetime_days": OPT_OUT_LIFETIME_S // _SECONDS_A_DAY,
        "sec_gpc": True,
        "dnt": True,
    },
    "pages": {"opt_out": "opt-out", "your_visit": "your-visit", "privacy": "privacy"},
}


@dataclass(frozen=True, slots=True)
class Statement:
    """What holds for the sites that one host counts for."""

    sites: tuple[Site, ...]
    values: tuple[Value, ...]  # for all sites; of each site its retention is in `retention`
    retention: Mapping[str, Value]  # by domain
    changes: tuple[Change, ...]
    since: datetime | None  # when the record of changes began
    excluded: Mapping[int, Exclusions]  # what sites leave out, by their ids

    def machine(self) -> dict[str, Any]:
        """Return it as programs read it at /.well-known/gatecount.json."""
        return {
            "version": VERSION,
            "program": f"gatecount {version('gatecount')}",
            "sites": [self._machine_site(site) for site in self.sites],
            "settings": {value.setting.value: value.now for value in self.values},
            "weaker_than_usual": self.weaker(),
            # Of today, by whoever shares a visitor's address and user agent.
            "looked_up": HELD if self.lets_look_up else (),
            **_ALWAYS,
            "changes": [change.machine() for change in self.changes],
        }

    @property
    def lets_look_up(self) -> bool:
        """Whether visitors may look up how much of today is held of them."""
        return any(value.setting is Setting.VISITOR_COUNTS and value.now for value in self.values)

    def _machine_site(self, site: Site) -> dict[str, Any]:
        excluded = self.excluded.get(site.id, Exclusions())
        return {
            "domain": site.domain,
            "timezone": site.timezone,
            "retention_months": site.retention_months,
            "excluded_page_patterns": len(excluded.patterns),
            "excluded_networks": len(excluded.networks),
        }

    def weaker(self) -> list[str]:
        """Return the settings that protect less than usual."""
        all_values = (*self.values, *self.retention.values())
        return sorted({value.setting.value for value in all_values if value.is_weaker})


class Statements:
    """Makes the statement for any host, and keeps the record of what it said before."""

    def __init__(self, config: Config, keys: KeyStore, control: Control) -> None:
        self._config = config
        self._keys = keys
        self._control = control
        self._exclusions = ExclusionBook(control)

    def of(self, host: str) -> Statement:
        """Return the statement for the sites that a host counts for."""
        everybody = self._config.allow_third_party
        own = registrable_domain(host)
        sites = tuple(
            site
            for site in self._control.sites()
            if everybody or registrable_domain(site.domain) == own
        )
        recorded = self._control.setting_changes()
        return Statement(
            sites=sites,
            values=self.values(),
            retention={site.domain: _retention(site.retention_months) for site in sites},
            changes=_changes(recorded, {0: "", **{site.id: site.domain for site in sites}}),
            since=recorded[0].changed_at if recorded else None,
            excluded=self._exclusions.all(),
        )

    def record(self, now: datetime) -> None:
        """Record what has changed since the program last ran."""
        values = {value.setting.value: _written(value.now) for value in self.values()}
        self._control.note_settings(values, now)

    def values(self) -> tuple[Value, ...]:
        """Return how everything is set that is set for all sites alike."""
        config = self._config
        in_ram, is_locked = self._keys.in_ram, not self._keys.may_be_swapped
        small_cells = config.small_cells
        return (
            Value(Setting.KEYS_IN_RAM, in_ram, is_weaker=not in_ram),
            Value(Setting.KEYS_LOCKED, is_locked, is_weaker=not is_locked),
            Value(
                Setting.THIRD_PARTY, config.allow_third_party, is_weaker=config.allow_third_party
            ),
            Value(Setting.VISITOR_COUNTS, config.visitor_counts, is_weaker=config.visitor_counts),
            Value(Setting.SMALL_CELLS, small_cells, is_weaker=small_cells < _USUAL_SMALL_CELLS),
            Value(Setting.OWN_GEO_DATABASE, config.geo_database is not None, is_weaker=False),
        )


def _retention(months: int) -> Value:
    return Value(Setting.RETENTION_MONTHS, months, is_weaker=months > RETENTION_MONTHS)


def _written(value: bool | int) -> str:  # noqa: FBT001 - a value, not a switch
    return str(value).lower()


def _changes(recorded: tuple[SettingChange, ...], domains: Mapping[int, str]) -> tuple[Change, ...]:
    return tuple(
        Change(one.changed_at, domains[one.site], Setting(one.setting), one.before, one.after)
        for one in reversed(recorded)
        if one.before is not None and one.site in domains
    )


def example(domain: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Return a made-up visit, and one of its pageviews, as they are kept once sealed."""
    shared = {"site": 1, "date": "2026-03-02", "visitor": 1742, "visit": 1, "hour": 9}
    visit = {
        "mark": 1, "hours": 1, "duration_s": 95, "pageviews": 2, "events": 2, "is_bounce": False,
        "entry_host": domain, "exit_host": domain, "entry_page": "/", "exit_page": "/news",
        "source": "Ecosia", "channel": "search", "referrer": "ecosia.org", "country": "DE",
        "device": "mobile", "browser": "Firefox", "os": "Android", "screen": "xs",
        "view_mark": 1, "entry_page_mark": 1, "exit_page_mark": 1, "source_mark": 1,
        "channel_mark": 1, "referrer_mark": 1, "utm_campaign_mark": 1,
    }  # fmt: skip
    event = {
        "step": 2, "is_view": True, "name": "pageview", "name_mark": 0, "page_mark": 1,
        "host": domain, "path": "/news", "interactive": True, "engaged_s": 41, "scroll": 8,
    }  # fmt: skip
    return shared | visit, shared | event
