"""What dimensions and their values are called, on pages and in addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from collector.question import Dimension, Field, Property, QueryError, is_of_events
from dashboard.countries import COUNTRIES, UNKNOWN, country_name

DIRECT: Final = "Direct / None"  # visits that came from no other site, in Plausible's words
UNSET: Final = "(not set)"
NONE: Final = "(none)"
OTHERS: Final = "(other)"  # what values beyond the cap of a sealed day became
_PROPERTY = "props:"
_PROPERTY_MAX_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class _Names:
    one: str
    many: str
    empty: str = UNSET


_NAMES: Mapping[Dimension, _Names] = {
    Dimension.PAGE: _Names("Page", "Pages", UNKNOWN),
    Dimension.ENTRY_PAGE: _Names("Entry page", "Entry pages"),
    Dimension.EXIT_PAGE: _Names("Exit page", "Exit pages"),
    Dimension.SOURCE: _Names("Source", "Sources", DIRECT),
    Dimension.CHANNEL: _Names("Channel", "Channels"),
    Dimension.REFERRER: _Names("Referrer", "Referrers", DIRECT),
    Dimension.UTM_CAMPAIGN: _Names("Campaign", "Campaigns", "No campaign"),
    Dimension.UTM_SOURCE: _Names("Campaign source", "Campaign sources"),
    Dimension.UTM_MEDIUM: _Names("Campaign medium", "Campaign media"),
    Dimension.COUNTRY: _Names("Country", "Countries", UNKNOWN),
    Dimension.DEVICE: _Names("Device", "Devices", UNKNOWN),
    Dimension.BROWSER: _Names("Browser", "Browsers", UNKNOWN),
    Dimension.OS: _Names("System", "Systems", UNKNOWN),
    Dimension.SCREEN: _Names("Screen", "Screens", UNKNOWN),
    Dimension.NAME: _Names("Event", "Events"),
    Dimension.EVENT_HOSTNAME: _Names("Host", "Hosts"),
    Dimension.HOSTNAME: _Names("Entry host", "Entry hosts"),
    Dimension.EXIT_HOSTNAME: _Names("Exit host", "Exit hosts"),
    Dimension.WEEKDAY: _Names("Weekday", "Weekdays"),
    Dimension.HOUR_OF_DAY: _Names("Hour of the day", "Hours of the day"),
    Dimension.HOUR: _Names("Hour", "Hours"),
    Dimension.DAY: _Names("Day", "Days"),
    Dimension.WEEK: _Names("Week", "Weeks"),
    Dimension.MONTH: _Names("Month", "Months"),
}
_BY_ADDRESS: Mapping[str, Dimension] = {each.value.partition(":")[2]: each for each in _NAMES}
_DEVICES = {
    "desktop": "Desktop",
    "mobile": "Mobile",
    "tablet": "Tablet",
    "tv": "TV",
    "console": "Console",
    "unknown": UNKNOWN,
}
# Widths of the window in CSS pixels; source: js/README.md.
_SCREENS = {
    "xs": "Phone (under 512 px)",
    "sm": "Tablet (512\N{EN DASH}1023 px)",
    "md": "Laptop (1024\N{EN DASH}1535 px)",
    "lg": "Desktop (from 1536 px)",
}
_CHANNELS = {
    "direct": "Direct",
    "search": "Search",
    "social": "Social",
    "ai": "AI assistants",
    "email": "E-mail",
    "paid": "Paid",
    "referral": "Referral",
}
_WEEKDAYS = {
    str(number): name
    for number, name in enumerate(
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), 1
    )
}
_CLOSED: Mapping[Field, Mapping[str, str]] = {
    Dimension.CHANNEL: _CHANNELS,
    Dimension.DEVICE: _DEVICES,
    Dimension.SCREEN: _SCREENS,
    Dimension.COUNTRY: COUNTRIES,
    Dimension.WEEKDAY: _WEEKDAYS,
    Dimension.NAME: {"pageview": "Pageview"},
}
# What a filter may be built on, in the order in which a form offers it.
FILTERABLE: Final = tuple(
    each for each in _NAMES if each.value.partition(":")[0] in {"event", "visit"}
)


def address(field: Field) -> str:
    """Return how a field is written in an address: `source`, `page`, `props:file`."""
    if isinstance(field, Property):
        return _PROPERTY + field.name
    return field.value.partition(":")[2]


def field_at(text: str) -> Field:
    """Return the field that an address names.

    Raises:
        QueryError: there is none of this name.
    """
    if text.startswith(_PROPERTY):
        if not 0 < len(text) - len(_PROPERTY) <= _PROPERTY_MAX_CHARACTERS:
            raise QueryError("filters", "name the property of events that is meant")
        return Property(text.removeprefix(_PROPERTY))
    if text not in _BY_ADDRESS:
        raise QueryError("filters", f"numbers cannot be told apart by {text!r}")
    return _BY_ADDRESS[text]


def label(field: Field) -> str:
    """Return what one of a field's values is: `Source`, or the name of a property."""
    return field.name if isinstance(field, Property) else _NAMES[field].one


def plural(field: Field) -> str:
    """Return what a field's values are together: `Sources`."""
    return field.name if isinstance(field, Property) else _NAMES[field].many


def value_name(field: Field, value: str) -> str:
    """Return what people call a value; an empty one has a name too."""
    if isinstance(field, Property):
        return value or NONE
    if field is Dimension.COUNTRY:
        return country_name(value)
    if field is Dimension.HOUR_OF_DAY:
        return f"{value}:00\N{EN DASH}{int(value) + 1:02}:00"
    if not value:
        return _NAMES[field].empty
    return _CLOSED.get(field, {}).get(value, value)


def value_named(field: Field, name: str) -> str:
    """Return the value that people call so; the text itself where no name is known."""
    wanted = name.strip().casefold()
    for value, known in _CLOSED.get(field, {}).items():
        if known.casefold() == wanted:
            return value
    return "" if wanted == value_name(field, "").casefold() else name.strip()


def is_about_events(field: Field) -> bool:
    """Tell whether a field says something about single pageviews and events."""
    return is_of_events(field)
