"""How much may be sent: of one network in a minute, to one site in a day.

Sites are limited twice: in events, and in values. Who floods a site with made-up pages, sources or
properties makes all further ones of the day "(other)" instead of filling memory and disk; what the
site had yesterday still has its name then.
"""

import secrets
from hashlib import blake2b

import msgspec

from collector.journal import Event

OTHER = "(other)"  # as sealing calls what is beyond its own limit
# How many values of a field a site has in one day: a large one has 30,000 pages. All full, they
# take 20 MB. Of properties names, and names with values, are counted.
MOST_VALUES = {
    "host": 1_000, "path": 100_000, "name": 1_000, "source": 10_000, "referrer": 10_000,
    "utm_source": 10_000, "utm_medium": 10_000, "utm_campaign": 10_000,
}  # fmt: skip
MOST_PROPERTIES, MOST_PROPERTY_VALUES = 1_000, 100_000
_FLOOD_BUCKETS = 1 << 14
_FLOOD_KEY_LIFE_S = 600.0
_FLOOD_WINDOW_S = 60.0


class Floods:
    """Counts events per network in buckets of fixed number, under a key that does not last.

    What is kept says nothing about an address once its key is gone; two networks may share a
    bucket, which at the default limit neither notices.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._counts = [0] * _FLOOD_BUCKETS
        self._key = b""
        self._key_until_s = self._window_until_s = 0.0

    def is_over(self, network: bytes, now_s: float) -> bool:
        """Count one event of a network; tell whether it had its share of this minute."""
        if now_s >= self._window_until_s or self._window_until_s > now_s + _FLOOD_WINDOW_S:
            self._counts = [0] * _FLOOD_BUCKETS
            self._window_until_s = now_s + _FLOOD_WINDOW_S
            if now_s >= self._key_until_s or self._key_until_s > now_s + _FLOOD_KEY_LIFE_S:
                self._key = secrets.token_bytes(32)
                self._key_until_s = now_s + _FLOOD_KEY_LIFE_S
        digest = blake2b(network, digest_size=2, key=self._key).digest()
        bucket = int.from_bytes(digest, "big") % _FLOOD_BUCKETS
        self._counts[bucket] += 1
        return self._counts[bucket] > self._limit


class Values:
    """Values of one field: new ones are let in until there are too many, yesterday's always.

    Kept as the hashes of this process, which nobody outside can predict.
    """

    __slots__ = ("_before", "_most", "seen")

    def __init__(self, most: int, before: "Values | None" = None) -> None:
        self._most = most
        self._before = before.seen if before else frozenset[int]()
        self.seen: set[int] = set()

    def has_room_for(self, value: str | tuple[str, str]) -> bool:
        """Tell whether a value may stand for itself; it may from then on."""
        key = hash(value)
        if key in self.seen:
            return True
        if len(self.seen) < self._most:
            self.seen.add(key)
            return True
        return key in self._before


class SiteShare:
    """What one site has had of one day.

    Args:
        date: the site's local date.
        before: its share of another day, if there was one since the start.
    """

    __slots__ = ("_seen", "date", "events", "fields", "names", "properties")

    def __init__(self, date: str, before: "SiteShare | None" = None) -> None:
        self.date = date
        self.events = 0
        self.fields: dict[str, Values] = {
            field: Values(most, before.fields[field] if before else None)
            for field, most in MOST_VALUES.items()
        }
        self._seen = tuple(values.seen for values in self.fields.values())
        self.names: Values = Values(MOST_PROPERTIES, before.names if before else None)
        self.properties: Values = Values(
            MOST_PROPERTY_VALUES, before.properties if before else None
        )

    def narrowed(self, event: Event) -> Event:
        """Return an event with "(other)" for values that are too many."""
        if self._is_known(event):
            return event
        changes: dict[str, object] = {
            field: OTHER
            for field, values in self.fields.items()
            if (value := getattr(event, field)) and not values.has_room_for(value)
        }
        if event.props:
            props = dict(map(self._property, event.props.items()))
            if props != event.props:
                changes["props"] = props
        return msgspec.structs.replace(event, **changes) if changes else event

    def _is_known(self, event: Event) -> bool:
        """Tell whether all values of an event were seen today: of most events, so no loop here."""
        hosts, paths, names, sources, referrers, utm_sources, utm_mediums, utm_campaigns = (
            self._seen
        )
        return (
            hash(event.path) in paths
            and hash(event.name) in names
            and hash(event.host) in hosts
            and (not event.source or hash(event.source) in sources)
            and (not event.referrer or hash(event.referrer) in referrers)
            and (not event.utm_source or hash(event.utm_source) in utm_sources)
            and (not event.utm_medium or hash(event.utm_medium) in utm_mediums)
            and (not event.utm_campaign or hash(event.utm_campaign) in utm_campaigns)
            and not event.props
        )

    def _property(self, pair: tuple[str, str]) -> tuple[str, str]:
        if not self.names.has_room_for(pair[0]):
            return OTHER, OTHER
        return pair if self.properties.has_room_for(pair) else (pair[0], OTHER)
