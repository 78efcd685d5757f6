"""From a filter to a condition in SQL: names come out of closed lists, every value is bound."""

from collections.abc import Mapping
from dataclasses import dataclass

from collector.question import (
    All,
    Condition,
    Dimension,
    Done,
    Either,
    Field,
    Filter,
    Not,
    Operator,
    Property,
    QueryError,
    conditions,
)
from collector.session import (
    Session,
    StoreError,
    StoreInterruptedError,
    StoreMemoryError,
    statement,
)


@dataclass(frozen=True, slots=True)
class Column:
    """Where a field is found: in a column as it is, or as a number whose text `table` has.

    A condition on a text that stands in a table is put to each text once, not to each row.
    """

    name: str
    table: str = ""
    key: str = ""  # of the table: the number
    text: str = ""  # of the table


Columns = Mapping[Field, Column]

_PAGES = "(FROM archive.pages WHERE site = $site)"
_ARRIVALS = "(FROM archive.arrivals WHERE site = $site)"
_LIVE_ARRIVALS = "live.arrivals"
_LIVE_PAGES = f"({statement('unsealed_pages').rstrip().removesuffix(';')})"
# A visitor has one of each for the whole day: they are made of what a token is made of.
OF_VISITORS = {
    Dimension.COUNTRY: "country",
    Dimension.DEVICE: "device",
    Dimension.BROWSER: "browser",
    Dimension.OS: "os",
}
_ARRIVED = {
    Dimension.SOURCE: "source",
    Dimension.CHANNEL: "channel",
    Dimension.REFERRER: "referrer",
    Dimension.UTM_SOURCE: "utm_source",
    Dimension.UTM_MEDIUM: "utm_medium",
    Dimension.UTM_CAMPAIGN: "utm_campaign",
    **OF_VISITORS,
    Dimension.SCREEN: "screen",
}
_HOSTS = {Dimension.HOSTNAME: "entry_host", Dimension.EXIT_HOSTNAME: "exit_host"}
_ENDS = {Dimension.ENTRY_PAGE: "entry_page", Dimension.EXIT_PAGE: "exit_page"}
_PAGE = {Dimension.PAGE: "page"}
_WHAT = {Dimension.EVENT_HOSTNAME: "host", Dimension.NAME: "name"}


def _plain(names: Mapping[Dimension, str]) -> dict[Field, Column]:
    return {field: Column(name) for field, name in names.items()}


def _arrivals(table: str) -> dict[Field, Column]:
    return {field: Column("arrival", table, "arrival", text) for field, text in _ARRIVED.items()}


def _paths(table: str, names: Mapping[Dimension, str]) -> dict[Field, Column]:
    return {field: Column(name, table, "page", "path") for field, name in names.items()}


ARRIVED: Columns = _plain(_ARRIVED)  # of the arrivals themselves
# Marks of sealed visits.
MARKED: Mapping[Field, str] = {
    Dimension.ENTRY_PAGE: "entry_page_mark",
    Dimension.EXIT_PAGE: "exit_page_mark",
    Dimension.SOURCE: "source_mark",
    Dimension.CHANNEL: "channel_mark",
    Dimension.REFERRER: "referrer_mark",
    Dimension.UTM_CAMPAIGN: "utm_campaign_mark",
}
# Of what sealed_visits, sealed_actions and their like return.
SEALED_VISITS: Columns = {**_arrivals(_ARRIVALS), **_plain(_HOSTS), **_paths(_PAGES, _ENDS)}
SEALED_ACTIONS: Columns = {**_arrivals(_ARRIVALS), **_paths(_PAGES, _PAGE), **_plain(_WHAT)}
UNSEALED_VISITS: Columns = {
    **_arrivals(_LIVE_ARRIVALS),
    **_plain(_HOSTS),
    **_paths(_LIVE_PAGES, _ENDS),
}
UNSEALED_ACTIONS: Columns = {**_paths(_LIVE_PAGES, _PAGE), **_plain(_WHAT)}
# Of what sealed_actions_of_visits and its like return: all in words.
ACTIONS_OF_VISITS: Columns = _plain(
    {
        **_ARRIVED,
        **_HOSTS,
        **_ENDS,
        **_WHAT,
        Dimension.PAGE: "path",
    }
)


def entered(columns: Columns, visits: Columns) -> Columns:
    """Return columns that speak of where a visit began, in place of the action at hand."""
    return {
        **columns,
        Dimension.PAGE: visits[Dimension.ENTRY_PAGE],
        Dimension.EVENT_HOSTNAME: visits[Dimension.HOSTNAME],
    }


def check_patterns(session: Session, found: Filter) -> None:
    """Try every pattern of a filter beforehand: what is wrong with it is the asker's to mend.

    Raises:
        QueryError: a pattern is none.
    """
    for condition in conditions(found):
        for pattern in condition.values if condition.operator is Operator.MATCHES else ():
            try:
                session.run("try_pattern", pattern=pattern)
            except (StoreInterruptedError, StoreMemoryError):
                raise
            except StoreError:
                raise QueryError("filters", f"{pattern!r} is no pattern RE2 knows") from None


class Writer:
    """Writes conditions; `values` collects what they bind, by names that begin with `prefix`.

    `actions` is where to look for what a visit has done, as a subquery with ACTIONS_OF_VISITS.
    """

    def __init__(self, actions: str, prefix: str) -> None:
        self.values: dict[str, object] = {}
        self._actions = actions
        self._prefix = prefix

    def bound(self, value: object) -> str:
        """Return the placeholder that stands for a value."""
        name = f"{self._prefix}_{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def column(self, field: Field, columns: Columns) -> str:
        """Return what a field is called, or how a property is looked up."""
        if isinstance(field, Property):
            return f"coalesce(map_extract(props, {self.bound(field.name)})[1], '')"
        return columns[field].name

    def condition(self, found: Filter, columns: Columns) -> str:
        """Return a condition that is true where the filter lets something through."""
        match found:
            case All(filters):
                parts = [self.condition(each, columns) for each in filters]
                return f"({' AND '.join(parts)})" if parts else "true"
            case Either(filters):
                parts = [self.condition(each, columns) for each in filters]
                return f"({' OR '.join(parts)})" if parts else "false"
            case Not(inner):
                return f"(NOT {self.condition(inner, columns)})"
            case Done(inner):
                return self._done(inner)
            case Condition():
                return self._looked_up(found, columns)

    def _done(self, inner: Filter) -> str:
        return (
            f"((date, visitor, visit) IN (SELECT (date, visitor, visit) FROM {self._actions}"
            f" WHERE {self.condition(inner, ACTIONS_OF_VISITS)}))"
        )

    def _looked_up(self, found: Condition, columns: Columns) -> str:
        if isinstance(found.field, Property) or not columns[found.field].table:
            return self._compared(found, self.column(found.field, columns))
        column = columns[found.field]
        kept = self._compared(found, column.text)
        return f"({column.name} IN (SELECT {column.key} FROM {column.table} WHERE {kept}))"

    def _compared(self, found: Condition, text: str) -> str:
        value_of = "{value}"
        if not found.case_sensitive and found.operator is not Operator.MATCHES:
            text, value_of = f"lower({text})", "lower({value})"  # by the rules of one library
        options = "c" if found.case_sensitive else "i"
        parts = {
            Operator.IS: "{text} = {value}",
            Operator.CONTAINS: "contains({text}, {value})",
            Operator.MATCHES: "regexp_matches({text}, {value}, '{options}')",
        }[found.operator]
        bound = (value_of.format(value=self.bound(value)) for value in found.values)
        alternatives = (parts.format(text=text, value=value, options=options) for value in bound)
        return f"({' OR '.join(alternatives)})"
