"""From a filter to a condition in SQL: names come out of closed lists, every value is bound."""

from collections.abc import Mapping

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
)

# Field -> its column, of the view `visits` and of actions.sql alike.
VISIT_COLUMNS: Mapping[Field, str] = {
    Dimension.ENTRY_PAGE: "entry_page",
    Dimension.EXIT_PAGE: "exit_page",
    Dimension.HOSTNAME: "entry_host",
    Dimension.EXIT_HOSTNAME: "exit_host",
    Dimension.SOURCE: "source",
    Dimension.CHANNEL: "channel",
    Dimension.REFERRER: "referrer",
    Dimension.UTM_SOURCE: "utm_source",
    Dimension.UTM_MEDIUM: "utm_medium",
    Dimension.UTM_CAMPAIGN: "utm_campaign",
    Dimension.COUNTRY: "country",
    Dimension.DEVICE: "device",
    Dimension.BROWSER: "browser",
    Dimension.OS: "os",
    Dimension.SCREEN: "screen",
}
ACTION_COLUMNS: Mapping[Field, str] = {
    **VISIT_COLUMNS,
    Dimension.PAGE: "path",
    Dimension.EVENT_HOSTNAME: "host",
    Dimension.NAME: "name",
}
# Where a visit began, in place of the page at hand.
ENTRY_COLUMNS: Mapping[Field, str] = {
    **ACTION_COLUMNS,
    Dimension.PAGE: "entry_page",
    Dimension.EVENT_HOSTNAME: "entry_host",
}


class Writer:
    """Writes conditions; `values` collects what they bind, by name."""

    def __init__(self, actions: str) -> None:
        self.values: dict[str, object] = {}
        self._actions = actions

    def bound(self, value: object) -> str:
        """Return the placeholder that stands for a value."""
        name = f"v{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def column(self, field: Field, columns: Mapping[Field, str]) -> str:
        """Return what a field is called, or how a property is looked up."""
        if isinstance(field, Property):
            return f"coalesce(map_extract(props, {self.bound(field.name)})[1], '')"
        return columns[field]

    def condition(self, found: Filter, columns: Mapping[Field, str]) -> str:
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
                return self._compared(found, columns)

    def _done(self, inner: Filter) -> str:
        return (
            f"((date, visitor, visit) IN (SELECT (date, visitor, visit) FROM ({self._actions})"
            " WHERE site = $site AND date BETWEEN $first AND $last"
            f" AND {self.condition(inner, ACTION_COLUMNS)}))"
        )

    def _compared(self, found: Condition, columns: Mapping[Field, str]) -> str:
        text = self.column(found.field, columns)
        values = found.values
        if not found.case_sensitive and found.operator is not Operator.MATCHES:
            text, values = f"lower({text})", tuple(value.lower() for value in values)
        options = "c" if found.case_sensitive else "i"
        parts = {
            Operator.IS: "{text} = {value}",
            Operator.CONTAINS: "contains({text}, {value})",
            Operator.MATCHES: "regexp_matches({text}, {value}, '{options}')",
        }[found.operator]
        alternatives = (
            parts.format(text=text, value=self.bound(value), options=options) for value in values
        )
        return f"({' OR '.join(alternatives)})"
