"""The templates, and how they become responses."""

from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.responses import HTMLResponse, Response

from dashboard.asker import who_asks
from dashboard.assets import asset_url
from dashboard.choices import place
from dashboard.theme import current_theme
from dashboard.words.formats import number, whole_month
from dashboard.words.languages import say_as, say_markup, say_n_markup, speech
from dashboard.words.problems import told


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("dashboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["asset"] = asset_url
    environment.globals["asker"] = who_asks
    environment.globals["theme"] = current_theme
    environment.globals["here"] = place
    environment.globals["speech"] = speech
    environment.globals["say"] = say_markup
    environment.globals["say_n"] = say_n_markup
    environment.globals["say_as"] = say_as
    environment.filters["number"] = number
    environment.filters["whole_month"] = whole_month
    environment.filters["told"] = told
    return environment


def fragment(template: str, **values: object) -> str:
    """Fill in a template that is only a part of a page."""
    return _environment().get_template(template).render(values)


def render(template: str, status: int = 200, **values: object) -> Response:
    """Fill in a template; every value that is not markup already is escaped."""
    return HTMLResponse(fragment(template, **values), status)
