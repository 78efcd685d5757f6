"""Markup of ours with values in it."""

from collections.abc import Iterable

from markupsafe import Markup, escape


def filled(template: str, /, *values: object, **named: object) -> Markup:
    """Fill in a template; values that are not markup already are escaped.

    As `Markup(template).format` does, at a fifth of its cost: a page does this a thousand times.
    """
    filling = {name: escape(value) for name, value in named.items()}
    return Markup(template.format(*map(escape, values), **filling))  # noqa: S704 - see above


def table_row(head: str, cells: Iterable[str]) -> Markup:
    """Return a row of a table; by a template it would take ten times as long."""
    columns = "</td><td>".join(map(escape, cells))
    return Markup(f'<tr><th scope="row">{escape(head)}</th><td>{columns}</td></tr>\n')  # noqa: S704 - see above
