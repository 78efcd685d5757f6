"""What dimensions and their values are called, on pages and in addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from collector.question import Dimension, Field, Property, QueryError, is_of_events
from dashboard.words.languages import say, say_as, speech, to_say, to_say_as

DIRECT: Final = to_say("Direct / None")  # visits from no other site, in Plausible's words
UNSET: Final = to_say("(not set)")
NONE: Final = to_say("(none)")
UNKNOWN: Final = to_say("Unknown")
OTHERS: Final = to_say("(other)")  # what values beyond the cap of a sealed day became
_PROPERTY = "props:"
_PROPERTY_MAX_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class _Names:
    one: str
    many: str
    empty: str = UNSET


_NAMES: Mapping[Dimension, _Names] = {
    Dimension.PAGE: _Names(to_say("Page"), to_say("Pages"), UNKNOWN),
    Dimension.ENTRY_PAGE: _Names(to_say("Entry page"), to_say("Entry pages")),
    Dimension.EXIT_PAGE: _Names(to_say("Exit page"), to_say("Exit pages")),
    Dimension.SOURCE: _Names(to_say("Source"), to_say("Sources"), DIRECT),
    Dimension.CHANNEL: _Names(to_say("Channel"), to_say("Channels")),
    Dimension.REFERRER: _Names(to_say("Referrer"), to_say("Referrers"), DIRECT),
    Dimension.UTM_CAMPAIGN: _Names(to_say("Campaign"), to_say("Campaigns"), to_say("No campaign")),
    Dimension.UTM_SOURCE: _Names(to_say("Campaign source"), to_say("Campaign sources")),
    Dimension.UTM_MEDIUM: _Names(to_say("Campaign medium"), to_say("Campaign media")),
    Dimension.COUNTRY: _Names(to_say("Country"), to_say("Countries"), UNKNOWN),
    Dimension.DEVICE: _Names(to_say("Device"), to_say("Devices"), UNKNOWN),
    Dimension.BROWSER: _Names(to_say("Browser"), to_say("Browsers"), UNKNOWN),
    Dimension.OS: _Names(to_say("System"), to_say("Systems"), UNKNOWN),
    Dimension.SCREEN: _Names(to_say("Screen"), to_say("Screens"), UNKNOWN),
    Dimension.NAME: _Names(to_say("Event"), to_say("Events")),
    Dimension.EVENT_HOSTNAME: _Names(to_say("Host"), to_say("Hosts")),
    Dimension.HOSTNAME: _Names(to_say("Entry host"), to_say("Entry hosts")),
    Dimension.EXIT_HOSTNAME: _Names(to_say("Exit host"), to_say("Exit hosts")),
    Dimension.WEEKDAY: _Names(to_say("Weekday"), to_say("Weekdays")),
    Dimension.HOUR_OF_DAY: _Names(to_say("Hour of the day"), to_say("Hours of the day")),
    Dimension.HOUR: _Names(to_say("Hour"), to_say("Hours")),
    Dimension.DAY: _Names(to_say("Day"), to_say("Days")),
    Dimension.WEEK: _Names(to_say("Week"), to_say("Weeks")),
    Dimension.MONTH: _Names(to_say("Month"), to_say("Months")),
}
_BY_ADDRESS: Mapping[str, Dimension] = {each.value.partition(":")[2]: each for each in _NAMES}
_DEVICES = {
    "desktop": to_say("Desktop"),
    "mobile": to_say("Mobile"),
    "tablet": to_say("Tablet"),
    "tv": to_say("TV"),
    "console": to_say("Console"),
    "unknown": UNKNOWN,
}
# Widths of the window in CSS pixels; source: js/README.md.
_SCREENS = {
    "xs": to_say("Phone (under 512 px)"),
    "sm": to_say("Tablet (512\N{EN DASH}1023 px)"),
    "md": to_say("Laptop (1024\N{EN DASH}1535 px)"),
    "lg": to_say("Desktop (from 1536 px)"),
}
_CHANNELS = {
    "direct": to_say_as("channel", "Direct"),
    "search": to_say_as("channel", "Search"),
    "social": to_say_as("channel", "Social"),
    "ai": to_say_as("channel", "AI assistants"),
    "email": to_say_as("channel", "E-mail"),
    "paid": to_say_as("channel", "Paid"),
    "referral": to_say_as("channel", "Referral"),
}
_CLOSED: Mapping[Field, Mapping[str, str]] = {
    Dimension.DEVICE: _DEVICES,
    Dimension.SCREEN: _SCREENS,
    Dimension.NAME: {"pageview": to_say("Pageview")},
}
# What is kept of these is no name that people know.
_NAMED = frozenset({Dimension.COUNTRY, Dimension.CHANNEL, Dimension.DEVICE, Dimension.SCREEN})
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
            raise QueryError("filters", say("name the property of events that is meant"))
        return Property(text.removeprefix(_PROPERTY))
    if text not in _BY_ADDRESS:
        raise QueryError("filters", say("numbers cannot be told apart by “{text}”", text=text))
    return _BY_ADDRESS[text]


def label(field: Field) -> str:
    """Return what one of a field's values is: `Source`, or the name of a property."""
    return field.name if isinstance(field, Property) else say(_NAMES[field].one)


def plural(field: Field) -> str:
    """Return what a field's values are together: `Sources`."""
    return field.name if isinstance(field, Property) else say(_NAMES[field].many)


def value_name(field: Field, value: str) -> str:
    """Return what people call a value; an empty one has a name too."""
    if value == OTHERS:
        return say(OTHERS)
    if isinstance(field, Property):
        return value or say(NONE)
    if field is Dimension.HOUR_OF_DAY:
        return f"{value}:00\N{EN DASH}{int(value) + 1:02}:00"
    if not value:
        return say(_NAMES[field].empty)
    return _known(field).get(value, value)


def _known(field: Field) -> Mapping[str, str]:
    """Return the names of the values of a field, as far as there are any."""
    if field is Dimension.COUNTRY:
        return speech().manners.countries
    if field is Dimension.CHANNEL:
        return {value: say_as("channel", name) for value, name in _CHANNELS.items()}
    if field is Dimension.WEEKDAY:
        return {str(n): name for n, name in enumerate(speech().manners.weekdays, 1)}
    return {value: say(name) for value, name in _CLOSED[field].items()} if field in _CLOSED else {}


def value_named(field: Field, name: str) -> str:
    """Return the value that people call so; the text itself where no name is known."""
    wanted = name.strip().casefold()
    for value, known in _known(field).items():
        if known.casefold() == wanted:
            return value
    return "" if wanted == value_name(field, "").casefold() else name.strip()


def values_called(field: Field, text: str) -> tuple[str, ...] | None:
    """Return the values whose names contain a text; None where values have no other names."""
    if field not in _NAMED:
        return None
    wanted = text.strip().casefold()
    return tuple(value for value, known in _known(field).items() if wanted in known.casefold())


def is_about_events(field: Field) -> bool:
    """Tell whether a field says something about single pageviews and events."""
    return is_of_events(field)
