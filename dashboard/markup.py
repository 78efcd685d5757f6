"""Markup of ours with values in it."""

from markupsafe import Markup, escape


def filled(template: str, /, *values: object, **named: object) -> Markup:
    """Fill in a template; values that are not markup already are escaped.

    As `Markup(template).format` does, at a fifth of its cost: a page does this a thousand times.
    """
    filling = {name: escape(value) for name, value in named.items()}
    return Markup(template.format(*map(escape, values), **filling))  # noqa: S704 - see above
